//! A worker's view of one final block: exactly the facts it acts on, each read with a proof.
//!
//! The worker says what it wants to know in a [`Watch`]; the light client answers with a
//! [`FinalizedView`] of one block. Both are plain data, so that a test or a simulator can make them up.

use crate::{AgreedCheckpoint, Checkpoint, Instance, SealedSeed, Suspension, WorkerInfo};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use primitives::{
    BlockHash, BlockNumber, ClusterId, CodeHash, ContractId, HpkePublicKey, UnixMillis, WorkerId,
};
use wire::mailbox::MailboxEntry;

/// Most mailbox entries in one view; the rest comes with the next view of the same block.
pub const ENTRIES_MAX: u64 = 128;
/// Most clusters that a gatekeeper looks after in one view.
pub const CLUSTERS_MAX: u64 = 256;

/// What a worker wants to know of the next final block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Who asks.
    pub worker: WorkerId,
    /// The first mailbox entry it has not run; `None` while it has no store.
    pub from_number: Option<u64>,
    /// A block whose hash it wants to compare with the one it acted on.
    pub check_block: Option<BlockNumber>,
    /// Contracts whose keys it waits to see on chain.
    pub contract_keys: Vec<ContractId>,
    /// Whether it wants to know where its cluster's other workers are.
    pub wants_peers: bool,
}

/// What a final block says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalizedView {
    /// Its number.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: BlockHash,
    /// Its timestamp.
    pub timestamp_ms: UnixMillis,
    /// The worker's registration.
    pub registration: Option<WorkerInfo>,
    /// Whether the chain still allows the registered measurement.
    pub measurement_allowed: bool,
    /// The next message number that the chain takes from the worker.
    pub next_sequence: u64,
    /// Hash of [`Watch::check_block`], where the chain still has it.
    pub checked_hash: Option<BlockHash>,
    /// The network's master public key.
    pub master_public_key: Option<[u8; 32]>,
    /// The worker's endpoints on chain.
    pub own_endpoints: Option<Vec<String>>,
    /// The process that speaks for the worker.
    pub instance: Option<Instance>,
    /// The gatekeepers.
    pub gatekeepers: Vec<WorkerId>,
    /// The worker's cluster.
    pub cluster: Option<ClusterView>,
    /// What clusters wait for; only where the worker is a gatekeeper.
    pub cluster_needs: Vec<ClusterNeeds>,
}

/// The worker's cluster at a final block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// Which cluster.
    pub id: ClusterId,
    /// Its public key.
    pub public_key: Option<[u8; 32]>,
    /// Its workers, in the chain's order.
    pub workers: Vec<WorkerId>,
    /// Its seed, sealed to the worker.
    pub sealed_seed: Option<SealedSeed>,
    /// The worker's last report.
    pub checkpoint: Option<Checkpoint>,
    /// What the cluster's workers agree on.
    pub agreed: Option<AgreedCheckpoint>,
    /// Why the worker must not serve, if it must not.
    pub suspension: Option<Suspension>,
    /// Those of [`ClusterView::workers`] that must not serve.
    pub suspended: Vec<WorkerId>,
    /// The cluster's other workers that are active, not suspended, and have endpoints; only where
    /// [`Watch::wants_peers`].
    pub peers: Vec<Peer>,
    /// The oldest mailbox entry that the chain keeps. Above the entry that the worker needs, only a
    /// snapshot helps.
    pub inbox_first: u64,
    /// The number that the next entry will have.
    pub inbox_next: u64,
    /// Entries from [`Watch::from_number`] on, at most [`ENTRIES_MAX`], without a gap.
    pub entries: Vec<MailboxEntry>,
    /// Code that the entries upload.
    pub codes: BTreeMap<CodeHash, Vec<u8>>,
    /// Those of [`Watch::contract_keys`] that the chain has.
    pub contract_keys: BTreeMap<ContractId, [u8; 32]>,
}

/// Another worker of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Who.
    pub worker: WorkerId,
    /// Its endpoints on chain: its operator's word, so nothing but a place to look.
    pub endpoints: Vec<String>,
}

/// What a cluster waits for from a gatekeeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterNeeds {
    /// Which cluster.
    pub id: ClusterId,
    /// Whether its public key is on chain.
    pub has_public_key: bool,
    /// Its active workers that have no seed for their present key, with the key to seal to.
    pub workers_without_seed: Vec<(WorkerId, HpkePublicKey)>,
}
