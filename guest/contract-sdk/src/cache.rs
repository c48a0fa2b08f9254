//! Values that a worker keeps for the contract, beside the state: fast, free, and lost at a restart. Each
//! worker has its own, so a value that one query set may be missing in the next.
//!
//! In a transaction reads give `None`, and writes are done on each worker after the transaction.
//!
//! ```
//! use contract_sdk::cache;
//!
//! let worker = contract_sdk::test::Worker::new();
//! cache::set(b"price", b"125").unwrap();
//! cache::expire_in(b"price", 60);
//! assert_eq!(cache::get(b"price").as_deref(), Some(&b"125"[..]));
//! worker.advance_ms(60_000);
//! assert_eq!(cache::get(b"price"), None);
//! ```
//!
//! # Limits
//! All contracts of a cluster share the cache by weight. A value lapses after seven days unless
//! [`expire_in`] says otherwise.

use alloc::vec::Vec;
use contract_abi::extension::Function;

use crate::host::{call, try_call};

/// The contract's share of the cache is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct Full;

/// Sets a value.
///
/// # Errors
/// [`Full`] in a query; the old value, if any, is kept. In a transaction a value that does not fit is
/// dropped silently.
pub fn set(key: &[u8], value: &[u8]) -> Result<(), Full> {
    try_call(Function::CacheSet, &(key, value)).map_err(|_| Full)
}

/// The value of `key`, unless it has lapsed.
pub fn get(key: &[u8]) -> Option<Vec<u8>> {
    call(Function::CacheGet, &key)
}

/// Lets the value lapse in `seconds` from now; at once for 0.
pub fn expire_in(key: &[u8], seconds: u64) {
    call::<_, ()>(Function::CacheSetExpiration, &(key, seconds));
}

/// Removes a value and returns it.
pub fn remove(key: &[u8]) -> Option<Vec<u8>> {
    call(Function::CacheRemove, &key)
}
