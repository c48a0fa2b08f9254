//! A worker's view of one final block: exactly the facts it acts on, each read with a proof.
//!
//! The worker says what it wants to know in a [`Watch`]; the light client answers with a
//! [`FinalizedView`] of one block. Both are plain data, so that a test or a simulator can make them up.

use crate::{AgreedCheckpoint, Checkpoint, Instance, MiningView, Suspension, WorkerInfo};
use attestation::AcceptedRoot;
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use primitives::{
    BlockHash, BlockNumber, ClusterId, CodeHash, ContractId, HpkePublicKey, Measurement, UnixMillis,
    WorkerId,
};
use threshold_keys::{
    BeaconOutput, BeaconRound, CeremonyState, Contribution, Dealing, GatekeeperSettings, GroupKey,
    HolderIndex, PerHolder, Plan, SealedSeedShare, Sharing, SignedResponse,
};
use wire::mailbox::MailboxEntry;

/// Most mailbox entries in one view; the rest comes with the next view of the same block.
pub const ENTRIES_MAX: u64 = 128;
/// Most clusters that a gatekeeper looks after in one view; of more, others in the next.
pub const CLUSTERS_MAX: u64 = 256;
/// Most workers in one view that wait for shares of a seed; the others come when these are served.
pub const NEEDS_MAX: usize = 64;

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
    /// Whether it keeps a share of the network's key, or a secret to receive one: it wants to know
    /// what gatekeepers do, also when it is none of them (any more).
    pub holds_share: bool,
    /// Whether it wants to know where its cluster's other workers are.
    pub wants_peers: bool,
    /// Whether it wants to know all contracts of its cluster.
    pub wants_contracts: bool,
    /// A build of which it wants to know whether, and by what evidence, the chain would take it.
    pub policy_for: Option<Measurement>,
}

/// By what the chain judges evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyView {
    /// The build that was asked about.
    pub measurement: Measurement,
    /// Whether the chain allows it.
    pub allowed: bool,
    /// The accepted roots.
    pub roots: Vec<AcceptedRoot>,
    /// The worst tier that is accepted.
    pub tier_max: u8,
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
    /// The next interval of the worker's log of receipts that the chain takes.
    pub receipt_log_next: u64,
    /// Hash of [`Watch::check_block`], where the chain still has it.
    pub checked_hash: Option<BlockHash>,
    /// The network's public key.
    pub master_public_key: Option<[u8; 32]>,
    /// The worker's endpoints on chain.
    pub own_endpoints: Option<Vec<String>>,
    /// The process that speaks for the worker.
    pub instance: Option<Instance>,
    /// The gatekeepers.
    pub gatekeepers: Vec<WorkerId>,
    /// The worker's cluster.
    pub cluster: Option<ClusterView>,
    /// What gatekeepers do; only where the worker is one, holds a share, or is to receive one.
    pub gatekeeping: Option<GatekeepingView>,
    /// What [`Watch::policy_for`] asked.
    pub policy: Option<PolicyView>,
    /// What the worker mines; none where nobody does on this chain.
    pub mining: Option<MiningView>,
}

/// The worker's cluster at a final block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// Which cluster.
    pub id: ClusterId,
    /// Its public key, by the seed in use.
    pub public_key: Option<[u8; 32]>,
    /// Its public key by the newest seed, where that is not in use yet and somebody has told it.
    pub next_public_key: Option<[u8; 32]>,
    /// Its workers, in the chain's order.
    pub workers: Vec<WorkerId>,
    /// The newest of its seeds: what gatekeepers give.
    pub rotation: u32,
    /// Which of its seeds is in use, by its mailbox.
    pub rotation_in_force: u32,
    /// Shares of this seed, of the sharing in force, sealed to the worker's registered key; none
    /// where it has told that it has the seed.
    pub seed_shares: Vec<SealedSeedShare>,
    /// The sharing in force, to check and combine them with; as they are.
    pub sharing: Option<Sharing>,
    /// Whether the worker has told, under its registered key, that it has this seed.
    pub seed_confirmed: bool,
    /// The worker's last report.
    pub checkpoint: Option<Checkpoint>,
    /// What the cluster's workers agree on.
    pub agreed: Option<AgreedCheckpoint>,
    /// Why the worker must not serve, if it must not.
    pub suspension: Option<Suspension>,
    /// Those of [`ClusterView::workers`] that must not serve.
    pub suspended: Vec<WorkerId>,
    /// Whether the worker has no vote until it reports an agreed root.
    pub is_joining: bool,
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
    /// Whether the cluster's owner lets clients of the original network ask.
    pub compatible_edge: bool,
    /// Code that the entries upload.
    pub codes: BTreeMap<CodeHash, Vec<u8>>,
    /// Those of [`Watch::contract_keys`] that the chain has.
    pub contract_keys: BTreeMap<ContractId, [u8; 32]>,
    /// The cluster's contracts that have keys, where [`Watch::wants_contracts`].
    pub contracts: Option<Vec<ContractId>>,
}

/// Another worker of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Who.
    pub worker: WorkerId,
    /// Its endpoints on chain: its operator's word, so nothing but a place to look.
    pub endpoints: Vec<String>,
}

/// What a gatekeeper acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatekeepingView {
    /// Parameters.
    pub settings: GatekeeperSettings,
    /// The network's key, once there is one.
    pub network_key: Option<GroupKey>,
    /// The gatekeepers' sharing in force.
    pub sharing: Option<Sharing>,
    /// The ceremony that is going on.
    pub ceremony: Option<CeremonyView>,
    /// Workers that wait for shares of their clusters' seeds.
    pub needs: Vec<SeedNeed>,
    /// The beacon's round that is going on.
    pub beacon: Option<BeaconView>,
    /// The newest value of the beacon.
    pub latest_beacon: Option<BeaconOutput>,
}

/// A ceremony.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CeremonyView {
    /// Where it is.
    pub state: CeremonyState,
    /// The plan, from stage `Dealing` on.
    pub plan: Option<Plan>,
    /// Dealings that stand: valid, and not struck out.
    pub dealings: Vec<Dealing>,
    /// What they come to, in stage `Checking`; none for the one block after a dealing was struck out.
    pub pending: Option<Sharing>,
}

/// A member of a cluster that is active and has no seed for its present key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedNeed {
    /// The cluster.
    pub cluster: ClusterId,
    /// Which of its seeds.
    pub rotation: u32,
    /// The worker.
    pub worker: WorkerId,
    /// The worker's registered key: what a share is sealed to.
    pub hpke_public_key: HpkePublicKey,
    /// Whose shares are there already, of the sharing in force and for this key.
    pub shares_present: Vec<HolderIndex>,
}

/// A round of the beacon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeaconView {
    /// Where it is.
    pub state: BeaconRound,
    /// In stage `Responding`, those that were picked, in the order of the proof; else none.
    pub contributions: PerHolder<Contribution>,
    /// In that stage, the answers.
    pub responses: PerHolder<SignedResponse>,
}
