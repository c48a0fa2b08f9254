//! Weights, estimated by hand: database accesses at the runtime's price plus generous compute time.
//!
//! They are upper estimates, not benchmarks: reads and writes were counted in the code; the judgement of a
//! quote was measured at 1.5 ms native and is charged as if Wasm were twenty times slower.

use polkadot_sdk::{
    frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_MICROS},
    frame_system::Config,
    sp_core::Get,
};

/// One judgement of evidence, against up to four roots.
const JUDGE_US: u64 = 30_000;
/// One sr25519 verification with its hashing.
const VERIFY_US: u64 = 100;
/// Everything else that a call computes.
const BASE_US: u64 = 50;

fn estimate<T: Config>(micros: u64, reads: u64, writes: u64, proof_bytes: u64) -> Weight {
    Weight::from_parts(micros * WEIGHT_REF_TIME_PER_MICROS, proof_bytes)
        .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

/// Judging evidence and storing a record; reads the whole list of builds.
pub fn register_worker<T: Config>() -> Weight {
    estimate::<T>(JUDGE_US + BASE_US, 80, 6, 32_768)
}

/// Verifying an announcement and storing it.
pub fn update_worker_endpoint<T: Config>() -> Weight {
    estimate::<T>(VERIFY_US + BASE_US, 6, 2, 8_192)
}

/// Storing where a worker stands.
pub fn declare_worker_place<T: Config>() -> Weight {
    estimate::<T>(BASE_US, 2, 1, 8_192)
}

/// Changing the list of gatekeepers.
pub fn set_gatekeeper<T: Config>() -> Weight {
    estimate::<T>(BASE_US, 6, 1, 8_192)
}

/// Setting one value.
pub fn set_value<T: Config>() -> Weight {
    estimate::<T>(BASE_US, 3, 3, 16_384)
}

/// Removing a record with what belongs to it.
pub fn remove_expired_worker<T: Config>() -> Weight {
    estimate::<T>(BASE_US, 8, 11, 16_384)
}

/// Handling one message of a worker, the dearest kind: a contract's keys.
pub fn handle_message<T: Config>() -> Weight {
    estimate::<T>(VERIFY_US + BASE_US, 12, 6, 262_144)
}
