//! What the pallet stores and takes.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    sp_core::{H256, sr25519},
    sp_runtime::AccountId32,
};
use primitives::{Balance, BlockNumber, StateRoot};
use scale_info::TypeInfo;

/// Who may deploy to a cluster.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub enum ClusterPermission<AccountId> {
    /// Everybody.
    Public,
    /// One account.
    OnlyOwner(AccountId),
}

/// A cluster.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct ClusterInfo<AccountId> {
    /// Who owns it.
    pub owner: AccountId,
    /// Who may deploy to it.
    pub permission: ClusterPermission<AccountId>,
    /// Its system contract; zero for none.
    pub system_contract: H256,
    /// Price of one gas.
    pub gas_price: Balance,
    /// Deposit for each item of contract storage.
    pub deposit_per_item: Balance,
    /// Deposit for each byte of contract storage.
    pub deposit_per_byte: Balance,
}

/// What is uploaded.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub enum ClusterResourceType {
    /// Code of an ink! contract.
    InkCode,
    /// A program that runs beside a contract; not supported.
    SidevmCode,
    /// Code whose execution may differ between workers; not supported.
    IndeterministicInkCode,
}

/// Which code a contract is made from.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub enum CodeIndex {
    /// Uploaded WebAssembly, by its Blake2b-256 hash.
    WasmCode(H256),
}

/// A contract.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct ContractInfo<AccountId> {
    /// Who deployed it: an account, or a contract's account.
    pub deployer: AccountId,
    /// Where it runs.
    pub cluster: H256,
}

/// Who pays for a code.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct CodeInfo<AccountId> {
    /// Who uploaded it.
    pub owner: AccountId,
    /// What is held from that account.
    pub deposit: Balance,
    /// Bytes of code.
    pub size: u32,
    /// How many clusters have it.
    pub clusters: u32,
}

/// A code in a cluster.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct ClusterCode {
    /// The mailbox entry that made it available.
    pub number: u64,
    /// How many contracts were instantiated from it by extrinsics.
    pub contracts: u32,
}

/// An interval of a worker's log of receipts.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct ReceiptLogRoot {
    /// The cluster that the worker served.
    pub cluster: H256,
    /// Root over the batches of receipts that it signed.
    pub root: [u8; 32],
    /// How many receipts they have together.
    pub receipts: u32,
    /// The block that took in the root.
    pub reported_at: BlockNumber,
}

/// A worker's word on its cluster's state.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Checkpoint {
    /// The worker has run all mailbox entries below this number.
    pub next_number: u64,
    /// Root of the state after them.
    pub state_root: StateRoot,
    /// The final block up to which it read the mailbox.
    pub block_number: BlockNumber,
    /// The block that took in the checkpoint.
    pub reported_at: BlockNumber,
}

/// One worker's report at one mailbox number.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Report {
    /// Who reports.
    pub worker: sr25519::Public,
    /// Root of its state after the entries below the number.
    pub state_root: StateRoot,
}

/// A number above the agreed one at which there are reports.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct OutstandingNumber {
    /// The number.
    pub next_number: u64,
    /// How many workers have reported at it.
    pub reports: u32,
    /// Who, where it is one alone.
    pub alone: Option<sr25519::Public>,
}

impl OutstandingNumber {
    pub(crate) fn new(next_number: u64, reports: &[Report]) -> Self {
        let alone = match reports {
            [only] => Some(only.worker),
            _ => None,
        };
        Self {
            next_number,
            reports: reports.len() as u32,
            alone,
        }
    }
}

/// A root that a cluster's workers agreed on.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct AgreedRoot {
    /// After the entries below this number.
    pub next_number: u64,
    /// The root.
    pub state_root: StateRoot,
}

/// The newest root that a cluster's workers agree on.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct AgreedCheckpoint {
    /// After the entries below this number.
    pub next_number: u64,
    /// The root.
    pub state_root: StateRoot,
    /// The block in which it became agreed.
    pub agreed_at: BlockNumber,
}

/// A worker that differs.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Suspension {
    /// After the entries below this number.
    pub next_number: u64,
    /// What it reported.
    pub reported: StateRoot,
    /// What the others agree on; where it contradicts itself, its own earlier word.
    pub agreed: StateRoot,
    /// The block that first saw it differ.
    pub since: BlockNumber,
}

/// Whose cluster an operator lets a worker into.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub enum WorkerOffer {
    /// Nobody's.
    #[default]
    Nobody,
    /// Anybody's.
    Anybody,
    /// This cluster only.
    Cluster(H256),
}

/// An operator's offer. It holds while that account operates the worker.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct OfferedWorker {
    /// Who offered it.
    pub operator: AccountId32,
    /// To whom.
    pub offer: WorkerOffer,
}
