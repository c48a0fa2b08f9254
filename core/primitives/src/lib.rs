//! Ids, units and bounds that every zone shares.
//!
//! Everything here is plain data: no hashing, no cryptography, no I/O. A newtype exists for each noun
//! so that a contract cannot be passed where a cluster is meant. All ids are 32 raw bytes in SCALE,
//! which is what wallets and the original network's clients expect on the wire.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod bounds;
mod ids;
pub mod units;

pub use ids::{
    AccountId, BlockHash, ClusterId, CodeHash, ContractId, GenesisHash, HpkePublicKey, IdParseError,
    Measurement, StateRoot, WorkerId,
};

/// Number of a block of the chain.
pub type BlockNumber = u32;

/// An amount of PHA in its smallest unit; 1 PHA is [`units::PHA`] of them.
pub type Balance = u128;

/// Milliseconds since the Unix epoch, as the chain's timestamp pallet counts them.
pub type UnixMillis = u64;
