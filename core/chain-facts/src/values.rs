//! Values, with the layout that the pallets store.

use alloc::string::String;
use attestation::{RootKind, TeeKind};
use codec::{Decode, Encode};
use primitives::{
    AccountId, Balance, BlockNumber, ClusterId, HpkePublicKey, Measurement, StateRoot, UnixMillis,
    WorkerId,
};

/// A registered worker.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WorkerInfo {
    /// Its identity.
    pub worker: WorkerId,
    /// The key that requests are sealed to.
    pub hpke_public_key: HpkePublicKey,
    /// Version of its program: major << 16 | minor << 8 | patch.
    pub runtime_version: u32,
    /// Who operates it.
    pub operator: Option<AccountId>,
    /// Who paid for the registration.
    pub registrant: AccountId,
    /// Its build, as the quote says.
    pub measurement: Measurement,
    /// Its kind of TEE.
    pub tee: TeeKind,
    /// The root that its quote leads to.
    pub root: RootKind,
    /// Tier: 1 is best.
    pub confidence_level: u8,
    /// `attestation::evidence_hash` of what it registered with.
    pub evidence_hash: [u8; 32],
    /// Hash of the `wire::registration::WorkerRegistration`.
    pub registration_hash: [u8; 32],
    /// When the worker made its quote, by its own word.
    pub made_at_ms: UnixMillis,
    /// When the chain judged it.
    pub last_updated_ms: UnixMillis,
    /// When the registration lapses.
    pub expires_at_ms: UnixMillis,
    /// Benchmark score, once measured.
    pub initial_score: Option<u32>,
}

/// A worker's report of its state.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Checkpoint {
    /// Mailbox entries run.
    pub next_number: u64,
    /// Root after them.
    pub state_root: StateRoot,
    /// Final block up to which the mailbox was read.
    pub block_number: BlockNumber,
    /// Block that took the report in.
    pub reported_at: BlockNumber,
}

/// What more than half of a cluster's active workers reported alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AgreedCheckpoint {
    /// Mailbox entries run.
    pub next_number: u64,
    /// Root after them.
    pub state_root: StateRoot,
    /// Block in which it became agreed.
    pub agreed_at: BlockNumber,
}

/// A worker that reported what the others did not. It serves nothing until it reports an agreed root
/// at an agreed number above `next_number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Suspension {
    /// After the entries below this number.
    pub next_number: u64,
    /// What it reported.
    pub reported: StateRoot,
    /// What the others agree on; where it contradicted itself, its own earlier word.
    pub agreed: StateRoot,
    /// Block that saw it.
    pub since: BlockNumber,
}

/// Whose cluster an operator lets a worker into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum WorkerOffer {
    /// Nobody's.
    #[default]
    Nobody,
    /// Anybody's.
    Anybody,
    /// This cluster only.
    Cluster(ClusterId),
}

/// An operator's offer. It holds while that account operates the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OfferedWorker {
    /// Who offered it.
    pub operator: AccountId,
    /// To whom.
    pub offer: WorkerOffer,
}

/// Where a worker stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WorkerPlace {
    /// ISO 3166-1 alpha-2: two capital letters.
    pub country: [u8; 2],
    /// The city's name, UTF-8, at most `primitives::bounds::CITY_BYTES_MAX` bytes.
    pub city: String,
    /// Tenths of a degree north, -900 to 900.
    pub latitude_decidegrees: i16,
    /// Tenths of a degree east, -1800 to 1800.
    pub longitude_decidegrees: i16,
}

/// An operator's word on where a worker stands. It holds while that account operates the worker.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DeclaredPlace {
    /// Who says it.
    pub operator: AccountId,
    /// Where.
    pub place: WorkerPlace,
}

/// A root that a cluster's workers agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AgreedRoot {
    /// After the entries below this number.
    pub next_number: u64,
    /// The root.
    pub state_root: StateRoot,
}

/// The process that speaks for a worker: the last one that started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Instance {
    /// The number that it made up.
    pub nonce: [u8; 32],
    /// Block that took the number in.
    pub at: BlockNumber,
}

/// The key that a cluster is to use next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct NextClusterKey {
    /// By which of its seeds.
    pub rotation: u32,
    /// The cluster's sr25519 public key by that seed.
    pub public_key: [u8; 32],
    /// Which worker told it.
    pub told_by: WorkerId,
    /// Whether another worker told another one: then it never comes in force.
    pub is_disputed: bool,
}

/// Who may deploy to a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ClusterPermission {
    /// Anybody.
    Public,
    /// One account.
    OnlyOwner(AccountId),
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ClusterInfo {
    /// Who owns it.
    pub owner: AccountId,
    /// Who may deploy.
    pub permission: ClusterPermission,
    /// Its system contract; zero where it has none.
    pub system_contract: [u8; 32],
    /// Price of one gas.
    pub gas_price: Balance,
    /// Deposit for each item of storage.
    pub deposit_per_item: Balance,
    /// Deposit for each byte of storage.
    pub deposit_per_byte: Balance,
}

/// A contract, as the chain knows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ContractRecord {
    /// Who deployed it.
    pub deployer: AccountId,
    /// Where it lives.
    pub cluster: ClusterId,
}

/// An interval of a worker's log of receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReceiptLogRoot {
    /// The cluster it served.
    pub cluster: ClusterId,
    /// Root over its batches.
    pub root: [u8; 32],
    /// How many receipts they have together.
    pub receipts: u32,
    /// Block that took the root in.
    pub reported_at: BlockNumber,
}
