//! Weights, estimated by hand: database accesses at the runtime's price plus generous compute time.

use crate::Config;
use polkadot_sdk::{
    frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_MICROS},
    sp_runtime::traits::Get,
};

/// What a call computes besides database accesses.
const BASE_US: u64 = 100;
/// Comparing a name with all others.
const EACH_US: u64 = 5;

/// Naming so many validators: the keys of each, the list.
pub fn set<T: Config>(validators: u32) -> Weight {
    let each = EACH_US.saturating_mul(validators.into());
    let ref_time = BASE_US
        .saturating_add(each)
        .saturating_mul(WEIGHT_REF_TIME_PER_MICROS);
    Weight::from_parts(ref_time, 65_536)
        .saturating_add(T::DbWeight::get().reads_writes(u64::from(validators).saturating_add(2), 1))
}
