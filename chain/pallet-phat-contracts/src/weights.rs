//! Weights, estimated by hand: database accesses at the runtime's price plus generous compute time.
//!
//! Each push to the mailbox is charged with the pruning it may do. Bytes of payload are charged for
//! hashing, encoding and storing.

use crate::{CLEARED_PER_CALL_MAX, Config, DROPPED_PER_REPORT_MAX, OUTSTANDING_MAX, OnDivergence};
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
const OUTSTANDING: u64 = OUTSTANDING_MAX as u64;

fn estimate<T: Config>(bytes: u64, reads: u64, writes: u64) -> Weight {
    let time = (BASE_US * WEIGHT_REF_TIME_PER_MICROS)
        .saturating_add(bytes.saturating_mul(BYTE_NS * WEIGHT_REF_TIME_PER_NANOS));
    Weight::from_parts(time, 65_536).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

/// Making a cluster of `workers`, with a deposit.
pub fn add_cluster<T: Config>(workers: u64) -> Weight {
    let workers = workers.min(WORKERS + 1);
    estimate::<T>(0, 6 + 3 * workers, 6 + workers).saturating_add(push::<T>().saturating_mul(2))
}

/// Uploading `bytes` of code.
pub fn upload_resource<T: Config>(bytes: u64) -> Weight {
    estimate::<T>(bytes, 6, 5).saturating_add(push::<T>())
}

/// Moving PHA into a cluster.
pub fn transfer_to_cluster<T: Config>() -> Weight {
    estimate::<T>(0, 4, 3).saturating_add(push::<T>())
}

/// A command of `bytes`, with a deposit.
pub fn push_contract_message<T: Config>(bytes: u64) -> Weight {
    estimate::<T>(bytes, 4, 1)
        .saturating_add(push::<T>())
        .saturating_add(transfer_to_cluster::<T>())
}

/// Making a contract with `bytes` of input, with a deposit.
pub fn instantiate_contract<T: Config>(bytes: u64) -> Weight {
    estimate::<T>(bytes, 8, 5)
        .saturating_add(push::<T>())
        .saturating_add(transfer_to_cluster::<T>())
}

/// Destroying a cluster and clearing the first records of it.
pub fn cluster_destroy<T: Config>() -> Weight {
    estimate::<T>(0, 6 + WORKERS, 12 + 4 * WORKERS + OUTSTANDING)
        .saturating_add(clear_cluster::<T>())
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

/// Taking a worker out of a cluster, with its reports at all outstanding numbers.
pub fn remove_worker<T: Config>() -> Weight {
    estimate::<T>(0, 7 + OUTSTANDING, 9 + OUTSTANDING)
}

/// A worker that its operator takes out of its cluster.
pub fn leave_cluster<T: Config>() -> Weight {
    remove_worker::<T>().saturating_add(T::DbWeight::get().reads_writes(2, 1))
}

/// Taking a worker into a cluster.
pub fn add_worker<T: Config>() -> Weight {
    estimate::<T>(0, 8, 3)
}

/// Offering a worker.
pub fn offer_worker<T: Config>() -> Weight {
    estimate::<T>(0, 2, 1)
}

/// Setting a cluster's limits.
pub fn set_cluster_limits<T: Config>() -> Weight {
    estimate::<T>(0, 3, 2).saturating_add(push::<T>())
}

/// Switching a cluster's hooks on or off.
pub fn set_block_hooks<T: Config>() -> Weight {
    estimate::<T>(0, 3, 2)
}

/// Opening or closing a cluster's compatible edge.
pub fn set_compatible_edge<T: Config>() -> Weight {
    estimate::<T>(0, 1, 1)
}

/// Telling `clusters` that a block ends.
pub fn push_block_ends<T: Config>(clusters: u32) -> Weight {
    let each = push::<T>().saturating_add(T::DbWeight::get().reads(1));
    T::DbWeight::get()
        .reads(1)
        .saturating_add(each.saturating_mul(clusters.into()))
}

/// A report on a cluster of `workers`: whether each is active is read twice, for record and build; an
/// agreement that all but one wait for holds each against it.
pub fn checkpoint<T: Config>(workers: u64) -> Weight {
    let workers = workers.min(WORKERS);
    let bytes = 64 * u64::from(OUTSTANDING_MAX) + 192 * workers;
    let dropped = DROPPED_PER_REPORT_MAX as u64 + 1;
    estimate::<T>(bytes, 13 + 4 * workers, 8 + dropped + workers)
        .saturating_add(T::OnDivergence::weight().saturating_mul(workers.saturating_sub(1).max(1)))
}

/// Handling one message of a worker: a report on the largest cluster.
pub fn handle_message<T: Config>() -> Weight {
    checkpoint::<T>(WORKERS)
}

/// Beginning to rotate a cluster's keys: each worker's build is looked at, twice.
pub fn rotate_cluster_keys<T: Config>() -> Weight {
    estimate::<T>(0, 8 + 6 * WORKERS, 4)
}
