//! The Rust SDK of Phat: find a cluster, ask its contracts, command them, check what they answered.
//!
//! * [`Chain`] reads the chain through a node that is not trusted: what matters is proven against the
//!   genesis hash that the caller pins ([`Chain::proven`]), and submits transactions.
//! * [`WorkerClient`] speaks protocol v1 with one worker: a session, then queries in it.
//! * [`Cluster`] knows a cluster's workers: asks the next one where one fails, or several and compares.
//! * [`Contract`] holds a contract's metadata: arguments as people write them, answers as JSON.
//! * [`typescript`] writes a contract's messages as typed methods for the TypeScript SDK.
//! * [`receipt`] builds receipt files and checks them offline, link by link.
//!
//! # Trust
//!
//! A worker is known by its attested key, which comes from the chain with a proof; never by its URL. A
//! node can withhold and delay; it cannot make this crate believe a value that the chain does not
//! have. What the chain's GRANDPA majority signs is believed.

#![deny(missing_docs)]

mod account;
mod asker;
pub mod audit;
mod chain;
mod cluster;
mod contract;
mod failover;
mod economy_calls;
mod flow;
mod keystore;
pub mod governance;
mod load;
pub mod member;
mod membership;
mod mining;
mod pools;
mod portable;
pub mod receipt;
mod remedy;
mod replicas;
mod submit;
mod system;
mod text;
pub mod typescript;
mod validators;
mod worker;
mod worker_error;

pub use account::{Account, AccountError};
pub use asker::Asker;
pub use chain::{Chain, ChainError, Proven, WorkerRecord};
pub use cluster::{Cluster, Patience, SLACK_BLOCKS};
pub use contract::{Contract, ContractError, Message, Output};
pub use failover::{Failure, NoneAnswered};
pub use portable::Portable;
pub use flow::{
    CommandOptions, Commanded, Deployed, FlowError, await_outcome, command, command_with, deploy,
};
pub use keystore::{KEYSTORE_BYTES_MAX, Keystore, KeystoreError, PASSPHRASE_CHARACTERS_MIN};
pub use load::{Estimate, Share, WorkerLoad, WorkerSpeed, estimate, fetch_load};
pub use mining::{Income, MiningRules, StakeBounds, WorkerMining};
pub use pools::{PoolFacts, Position, Waiting};
pub use membership::{Member, Membership, Standing};
pub use replicas::{Contradiction, Replica, Replicas, ReplicasError, Verdict};
pub use submit::{Included, Transaction};
pub use system::SystemContract;
pub use validators::{NewSessionKeys, Validators};
pub use worker::{
    Asked, QueryOptions, WorkerClient, call_request, fetch_info, instantiate_request,
    logger_request, outcome_request,
};
pub use worker_error::WorkerError;

/// SS58 text of an account, with the network's prefix.
pub fn address(account: &primitives::AccountId) -> String {
    text::ss58_encode(account)
}

/// Reads an account: SS58 with any prefix, or 32 bytes of hex.
///
/// # Errors
/// When the text is neither, or its checksum is wrong.
pub fn parse_address(text: &str) -> Result<primitives::AccountId, String> {
    text::parse_account(text)
}

/// A random number, for example for [`Cluster::set_seed`].
pub fn random_seed() -> u64 {
    rand_core::RngCore::next_u64(&mut rand_core::OsRng)
}

/// Milliseconds since 1970, by this machine's clock.
pub fn now_ms() -> primitives::UnixMillis {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
