//! Weights, estimated by hand: database accesses at the runtime's price plus generous compute time.
//!
//! Each push to the mailbox is charged with the pruning it may do. Bytes of payload are charged for
//! hashing, encoding and storing.

use crate::{CLEARED_PER_CALL_MAX, Config};
use pallet_mailbox::weights::push;
use polkadot_sdk::{
    frame_support::weights::{
        Weight,
        constants::{WEIGHT_REF_TIME_PER_MICROS, WEIGHT_REF_TIME_PER_NANOS},
    },
    sp_core::Get,
};
use primitives::bounds::CLUSTER_WORKERS_MAX;

/// What a call computes besides database accesses.
const BASE_US: u64 = 100;
/// Hashing, encoding and storing one byte, nanoseconds.
const BYTE_NS: u64 = 20;

const WORKERS: u64 = CLUSTER_WORKERS_MAX as u64;

fn estimate<T: Config>(bytes: u64, reads: u64, writes: u64) -> Weight {
    let time = (BASE_US * WEIGHT_REF_TIME_PER_MICROS)
        .saturating_add(bytes.saturating_mul(BYTE_NS * WEIGHT_REF_TIME_PER_NANOS));
    Weight::from_parts(time, 65_536).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

/// Making a cluster of `workers`, with a deposit.
pub fn add_cluster<T: Config>(workers: u64) -> Weight {
    let workers = workers.min(WORKERS + 1);
    estimate::<T>(0, 6 + 3 * workers, 6 + workers)
        .saturating_add(push::<T>(WORKERS).saturating_mul(2))
}

/// Uploading `bytes` of code.
pub fn upload_resource<T: Config>(bytes: u64) -> Weight {
    estimate::<T>(bytes, 6, 5).saturating_add(push::<T>(WORKERS))
}

/// Moving PHA into a cluster.
pub fn transfer_to_cluster<T: Config>() -> Weight {
    estimate::<T>(0, 4, 3).saturating_add(push::<T>(WORKERS))
}

/// A command of `bytes`, with a deposit.
pub fn push_contract_message<T: Config>(bytes: u64) -> Weight {
    estimate::<T>(bytes, 3, 1)
        .saturating_add(push::<T>(WORKERS))
        .saturating_add(transfer_to_cluster::<T>())
}

/// Making a contract with `bytes` of input, with a deposit.
pub fn instantiate_contract<T: Config>(bytes: u64) -> Weight {
    estimate::<T>(bytes, 8, 5)
        .saturating_add(push::<T>(WORKERS))
        .saturating_add(transfer_to_cluster::<T>())
}

/// Destroying a cluster and clearing the first records of it.
pub fn cluster_destroy<T: Config>() -> Weight {
    estimate::<T>(0, 4 + WORKERS, 6 + 3 * WORKERS).saturating_add(clear_cluster::<T>())
}

/// Clearing the most records that one call clears.
pub fn clear_cluster<T: Config>() -> Weight {
    let records = u64::from(CLEARED_PER_CALL_MAX);
    estimate::<T>(0, 8 + 3 * records, 8 + 4 * records)
}

/// Removing code.
pub fn remove_code<T: Config>() -> Weight {
    estimate::<T>(0, 5 + WORKERS, 4)
}

/// Taking a worker out of a cluster.
pub fn remove_worker<T: Config>() -> Weight {
    estimate::<T>(0, 3, 4)
}

/// Setting a cluster's limits.
pub fn set_cluster_limits<T: Config>() -> Weight {
    estimate::<T>(0, 3, 2).saturating_add(push::<T>(WORKERS))
}

/// Switching a cluster's hooks on or off.
pub fn set_block_hooks<T: Config>() -> Weight {
    estimate::<T>(0, 3, 2)
}

/// Telling `clusters` that a block ends.
pub fn push_block_ends<T: Config>(clusters: u32) -> Weight {
    let each = push::<T>(WORKERS).saturating_add(T::DbWeight::get().reads(1));
    T::DbWeight::get()
        .reads(1)
        .saturating_add(each.saturating_mul(clusters.into()))
}

/// Handling one message of a worker: a checkpoint that is compared with all others.
pub fn handle_message<T: Config>() -> Weight {
    estimate::<T>(0, 6 + WORKERS, 4)
}
