//! Executes a contract's history again and compares it with what its cluster agreed on.
//!
//! A [`contract_history::History`] says what the chain ordered and what the cluster's workers agreed the
//! contract came to; an [`secrets::AuditKey`] opens the contract's commands. [`replay`] runs the mailbox
//! through the workers' own engine and rules and carries the contract's commitment on as they do. If the
//! result is the agreed one, then every entry that concerned the contract did exactly what its code
//! says, and no other entry did anything to it.
//!
//! # What an auditor does not know
//!
//! As long as every entry can be read, the whole cluster is executed. From the first one on that is sealed
//! to another contract (the *gap*), only the contracts whose keys were given are known. Then:
//!
//! * what another contract holds or answers is not known: a command that reaches one is *refused*, with
//!   its name, and so is one that looks at something of the whole cluster (`executor_api::ClusterFact`);
//! * what an account has is not known: it is taken to be enough, and where it was not, a checked step of
//!   the history says so ([`wire::audit::Verdict::NotPaid`]);
//! * an entry that is sealed to another contract and concerned this one, as the steps say, is refused.
//!
//! Refused is neither equal nor different: more keys are needed, or it cannot be audited this way. Keys
//! that a contract derives for itself are in no audit key, so that a command that derives one is refused
//! too.
//!
//! # Limits
//!
//! The state is kept in memory. A balance that a contract's account had before the contract existed, given
//! by a sealed command of another contract, is not known, and shows as a difference.

#![deny(missing_docs)]

mod closed;
mod machine;
mod query;
mod report;
mod state;

pub use machine::{Range, replay};
pub use query::{QueryReport, replay_query};
pub use report::{Line, LineResult, Need, Report, Verdict};

/// Why nothing could be compared at all.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// None of the keys is the contract's.
    #[error("no audit key of contract {0} was given")]
    NoKey(primitives::ContractId),
    /// A key is of another network or cluster.
    #[error("the audit key of contract {0} is of another network or cluster")]
    ForeignKey(primitives::ContractId),
    /// The range ends beyond what was agreed, or where no root is known.
    #[error("{0}")]
    Range(String),
    /// The engine or the state in memory failed.
    #[error("the engine failed: {0}")]
    Engine(String),
    /// The receipt of a recorded query does not hold.
    #[error("the receipt of the query does not hold: {0}")]
    Receipt(String),
    /// The receipt is not one of a recorded query of this contract.
    #[error("{0}")]
    NotRecorded(String),
}
