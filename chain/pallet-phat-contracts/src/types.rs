//! What the pallet stores and takes.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_core::H256;
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
