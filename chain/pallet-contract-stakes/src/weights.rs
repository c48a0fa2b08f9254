//! Weights, estimated by hand: database accesses at the runtime's price plus generous compute time.

use crate::Config;
use pallet_mailbox::weights::push;
use polkadot_sdk::{
    frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_MICROS},
    frame_system,
    sp_core::Get,
};

/// What a call computes besides database accesses.
const BASE_US: u64 = 100;

fn estimate<T: frame_system::Config>(reads: u64, writes: u64) -> Weight {
    Weight::from_parts(BASE_US * WEIGHT_REF_TIME_PER_MICROS, 65_536)
        .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

/// Setting a stake: the stake, the sum, the mark, the account and its holds, the contract.
pub fn adjust_stake<T: Config>() -> Weight {
    estimate::<T>(7, 6).saturating_add(push::<T>())
}

/// Telling a cluster.
pub fn sync<T: Config>() -> Weight {
    estimate::<T>(4, 1).saturating_add(push::<T>())
}
