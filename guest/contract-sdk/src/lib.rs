//! What an author of an ink! 5.1 contract uses of a Phat worker.
//!
//! A contract runs in two ways. A **query** is answered by one worker at once and changes nothing; there a
//! contract may use the network, the clock and random numbers. A **transaction** (a command from the
//! mailbox) changes state and runs on every worker of the cluster; there whatever could differ
//! between two workers is closed, and says so by `None` or an error.
//!
//! | module | what | query | transaction |
//! |---|---|---|---|
//! | [`http`] | HTTP requests, one or many at once | yes | [`http::Error::NotAllowed`] |
//! | [`signing`] | keys of the contract's own; sign, verify | yes | all but sr25519 signatures |
//! | [`cache`] | values on this worker, beside the state | yes | writes are done afterwards, reads give `None` |
//! | [`log`](mod@log) | lines for the contract's owner | yes | yes |
//! | [`random`] | random bytes | yes | `None` |
//! | [`time`] | the host's clock | yes | `None` |
//! | [`chain`] | balances, worker, code, event chain | yes | yes, but for the worker's facts |
//! | [`js`] | JavaScript | yes | an exception |
//! | [`system`] | the cluster's system contract: drivers, administrators | reads | yes |
//! | [`effects`] | what is asked by an event | some | yes |
//! | [`json`], [`decimal`] | reading numbers without floats | yes | yes |
//!
//! # In a contract
//! ```toml
//! [dependencies]
//! ink = { version = "5.1", default-features = false }
//! contract-sdk = { path = "…", default-features = false }
//!
//! [dev-dependencies]
//! contract-sdk = { path = "…", features = ["test"] }
//!
//! [features]
//! default = ["std"]
//! std = ["ink/std", "contract-sdk/std"]
//! ```
//! `phat new` writes such a project.
//!
//! # In unit tests
//! With the feature `test` each function has a double: make a [`test::Worker`] and say what the world
//! answers. See [`test`](mod@test).
//!
//! # Limits
//! - Arguments and result of a function share ink!'s static buffer. `phat build` makes it 256 KiB; what
//!   does not fit ends the call with a trap. The variable `INK_STATIC_BUFFER_SIZE` sets another size
//!   in bytes, as in `INK_STATIC_BUFFER_SIZE=1048576 phat build`.
//! - A contract's memory is never freed while it runs, and is at most 4 MiB.
//! - Floating point is refused in contracts: use [`decimal`].

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod cache;
pub mod chain;
pub mod decimal;
pub mod effects;
mod host;
pub mod http;
pub mod js;
pub mod json;
pub mod log;
pub mod random;
pub mod signing;
pub mod system;
#[cfg(feature = "test")]
pub mod test;
pub mod time;

pub use contract_abi as abi;
/// An account, or a contract.
pub use ink::primitives::AccountId;

/// The operation is closed in a transaction, as its result would differ between workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct NotInTransactions;

/// Whether this runs as a transaction: on every worker, with its changes kept.
///
/// ```
/// let worker = contract_sdk::test::Worker::new();
/// assert!(!contract_sdk::is_in_transaction());
/// worker.enter_transaction();
/// assert!(contract_sdk::is_in_transaction());
/// ```
pub fn is_in_transaction() -> bool {
    host::call(abi::extension::Function::IsInTransaction, &())
}
