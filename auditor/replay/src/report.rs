//! What comes of a replay, for people and for programs.

use executor_api::ClusterFact;
use primitives::{AccountId, BlockHash, BlockNumber, ClusterId, ContractId, GenesisHash, StateRoot};
use serde::Serialize;

/// What is missing where something could not be executed again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Need {
    /// It reaches, or comes from, a contract whose key was not given.
    #[error("the key of contract {0} is needed too")]
    KeyOf(ContractId),
    /// The contract's key is there, but not that of one of the cluster's seeds.
    #[error("the audit key lacks the part of the cluster's seed {0}: it was given before that seed came or after it went")]
    KeyOfSeed(u32),
    /// It reaches what the system contract keeps.
    #[error("it depends on what the system contract keeps, which sealed commands may have changed")]
    System,
    /// It looks at something of the whole cluster.
    #[error("it looks at {0}, which sealed commands to other contracts may have changed")]
    Fact(&'static str),
    /// It derives a key of its own.
    #[error("the contract derives a key of its own, which no auditor is given")]
    OwnKey,
}

impl Need {
    /// A fact of the cluster.
    pub(crate) fn fact(fact: &ClusterFact) -> Self {
        Self::Fact(match fact {
            ClusterFact::BalanceOf(_) => "an account's balance",
            ClusterFact::EventChain => "the head of the cluster's event chain",
            ClusterFact::Instantiations => "the number of contracts made so far",
            ClusterFact::RuntimeVersion => "the version of the contracts' interface",
        })
    }
}

/// What an entry came to when it was executed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum LineResult {
    /// The contract returned.
    Returned {
        /// Bit 0: it reverted.
        flags: u32,
        /// What it returned, hex.
        data: String,
    },
    /// It did not return.
    Failed {
        /// Why.
        why: String,
    },
    /// The command cannot be opened or read, as the workers found too.
    Unreadable {
        /// Why.
        why: String,
    },
    /// A balance was too low, as the history says.
    NotPaid,
}

/// An entry that concerned the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its number in the mailbox.
    pub number: u64,
    /// The block that took it in.
    pub block: BlockNumber,
    /// That block's time, milliseconds.
    pub time_ms: u64,
    /// `instantiate`, `command`, or what else it is.
    pub what: &'static str,
    /// Who sent it; the zero account where nobody did.
    pub sender: AccountId,
    /// Selector and arguments, hex.
    pub input: String,
    /// What it came to.
    pub result: LineResult,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "camelCase")]
pub enum Verdict {
    /// Executed again, everything is as the cluster agreed.
    Equal,
    /// Something is not.
    #[serde(rename_all = "camelCase")]
    Differs {
        /// The first entry after which it is not, where the steps tell.
        entry: Option<u64>,
        /// What differs.
        why: String,
    },
    /// It cannot be said with the keys that were given.
    #[serde(rename_all = "camelCase")]
    Refused {
        /// The entry that cannot be executed again.
        entry: u64,
        /// Why.
        why: String,
    },
}

/// What comes of a replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The network.
    pub genesis: GenesisHash,
    /// The cluster.
    pub cluster: ClusterId,
    /// The contract.
    pub contract: ContractId,
    /// The final block that the history hangs on.
    pub final_block: BlockNumber,
    /// Its hash.
    pub final_hash: BlockHash,
    /// After how many entries the cluster's workers agreed.
    pub agreed_number: u64,
    /// On which root.
    pub agreed_root: StateRoot,
    /// How many entries were gone through.
    pub entries: u64,
    /// After how many of them the contract's root was compared, each by its own hash.
    pub checkpoints: u64,
    /// The first entry that could not be read, if one could not.
    pub gap: Option<u64>,
    /// Entries that concerned the contract.
    pub commands: Vec<Line>,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
}
