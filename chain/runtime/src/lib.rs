//! The runtime: composition of stock pallets and ours, with constants and genesis presets.
//!
//! Aura makes blocks, GRANDPA finalizes them; money, multisig, proxies, scheduler and sudo are the
//! stock pallets. Ours keep the original network's runtime names (`PhalaRegistry`, `PhalaMq`,
//! `PhalaPhatContracts`), which its clients look for. For the same clients, inherents are of the
//! legacy extrinsic format and the metadata hash extension is left out.
//!
//! One wasm serves every slot length: the length is in storage, set at genesis and never after. Sudo is
//! always there, but has a key only in the presets for development.

#![cfg_attr(not(feature = "std"), no_std)]
#![allow(missing_docs, reason = "`construct_runtime!` writes public items without documentation at the root")]
#![recursion_limit = "256"]

extern crate alloc;

#[deny(missing_docs)]
mod apis;
#[deny(missing_docs)]
mod configs;
#[deny(missing_docs)]
pub mod genesis;
#[deny(missing_docs)]
pub mod slots;
#[cfg(test)]
mod tests;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

pub use apis::*;
pub use configs::*;

// At the root, for clients such as substrate-interface know calls and events by their types' paths.
include!("composition.rs");

use alloc::{borrow::Cow, vec::Vec};
use polkadot_sdk::*;
use sp_runtime::{
    MultiAddress, MultiSignature, generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
};
use sp_version::RuntimeVersion;

/// How accounts sign.
pub type Signature = MultiSignature;
/// An account.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// An amount of PHA in its smallest unit.
pub type Balance = primitives::Balance;
/// Number of an account's transaction.
pub type Nonce = u32;
/// Number of a block.
pub type BlockNumber = primitives::BlockNumber;
/// A hash.
pub type Hash = sp_core::H256;
/// How accounts are written in calls.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// Types for the node, which need not know the calls.
pub mod opaque {
    use super::{BlakeTwo256, BlockNumber, generic};
    pub use polkadot_sdk::sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;

    /// A header.
    pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
    /// A block whose extrinsics are bytes.
    pub type Block = generic::Block<Header, UncheckedExtrinsic>;
}

/// What surrounds a signed call. All are known to old clients or take no bytes.
pub type TxExtension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);

/// An extrinsic.
pub type UncheckedExtrinsic =
    generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// Runs blocks.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

impl_opaque_keys! {
    /// The keys of a validator.
    pub struct SessionKeys {
        /// Makes blocks.
        pub aura: Aura,
        /// Finalizes them.
        pub grandpa: Grandpa,
    }
}

/// Version of this runtime.
#[cfg(not(feature = "next-version"))]
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("phat"),
    impl_name: Cow::Borrowed("phat"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

/// Version of this runtime: a rehearsal's, which differs in its number alone. The attribute above takes
/// literals only.
#[cfg(feature = "next-version")]
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("phat"),
    impl_name: Cow::Borrowed("phat"),
    authoring_version: 1,
    spec_version: 2,
    impl_version: 1,
    apis: RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};
