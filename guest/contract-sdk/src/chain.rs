//! What a contract can learn of its cluster and of the worker it runs on.
//!
//! ```
//! use contract_sdk::{AccountId, chain};
//!
//! let worker = contract_sdk::test::Worker::new();
//! let alice = AccountId::from([1; 32]);
//! worker.set_balance(alice, 100, 40);
//! assert_eq!(chain::balance_of(alice), chain::Balance { total: 100, free: 40 });
//! assert!(chain::worker().is_some());
//! worker.enter_transaction();
//! assert!(chain::worker().is_none());
//! ```

use contract_abi::Bytes32;
use contract_abi::extension::{Function, WorkerQuote};

use crate::AccountId;
use crate::host::call;

/// An account's tokens inside the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct Balance {
    /// All.
    pub total: u128,
    /// Those that are not held as a deposit.
    pub free: u128,
}

/// An account's tokens inside the cluster.
pub fn balance_of(account: AccountId) -> Balance {
    let (total, free) = call(Function::BalanceOf, &account);
    Balance { total, free }
}

/// The public key that the worker answering this query is registered under; `None` in a transaction.
pub fn worker() -> Option<Bytes32> {
    let key: Bytes32 = call(Function::WorkerPubkey, &());
    (key != [0; 32]).then_some(key)
}

/// The worker's quote; `None` in a transaction, and where contracts may not have it.
pub fn worker_quote() -> Option<WorkerQuote> {
    call(Function::WorkerSgxQuote, &())
}

/// The cluster's system contract; see [`system`](crate::system). Traps where the cluster has none.
pub fn system_contract() -> AccountId {
    call(Function::SystemContractId, &())
}

/// Whether the cluster has contract code of this hash.
pub fn code_exists(hash: Bytes32) -> bool {
    call(Function::CodeExists, &(hash, false))
}

/// The version of the worker's interface, (major, minor).
pub fn interface_version() -> (u32, u32) {
    call(Function::RuntimeVersion, &())
}

/// The head of the cluster's event chain: the number of its next block, and the hash of the last.
pub fn event_chain_head() -> (u64, Bytes32) {
    call(Function::CurrentEventChainHead, &())
}

/// Brings the newest system code into the cluster, at the cost of `payer`, and gives its hash. Traps in any
/// contract but the system contract.
pub fn import_latest_system_code(payer: AccountId) -> Option<Bytes32> {
    call(Function::ImportLatestSystemCode, &payer)
}
