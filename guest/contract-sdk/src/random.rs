//! Random bytes of the worker. Queries only: in a transaction every worker must come to the same result.
//!
//! ```
//! let worker = contract_sdk::test::Worker::new();
//! let nonce: [u8; 12] = contract_sdk::random::bytes().unwrap();
//! assert_ne!(Some(nonce), contract_sdk::random::bytes());
//! worker.enter_transaction();
//! assert_eq!(contract_sdk::random::bytes::<12>(), None);
//! ```

use alloc::vec::Vec;
use contract_abi::extension::Function;

/// The most that one call of the worker gives.
const CHUNK: usize = 255;

/// `N` random bytes, fit for keys and nonces; `None` in a transaction.
pub fn bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for chunk in bytes.chunks_mut(CHUNK) {
        let length = chunk.len() as u8;
        let random: Vec<u8> = crate::host::call(Function::GetRandom, &length);
        if random.len() != chunk.len() {
            return None;
        }
        chunk.copy_from_slice(&random);
    }
    Some(bytes)
}
