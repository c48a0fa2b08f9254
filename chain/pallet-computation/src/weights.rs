//! Weights. [`HandWeight`] is estimated by hand: database accesses at the runtime's price plus generous
//! compute time. The `benchmarking` module measures the same functions.
//!
//! What the pallet of pools does when it is told something is a part of it, by [`POOL_READS`] and
//! [`POOL_WRITES`] each time; a runtime whose pools do more says so with weights of its own.

use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_MICROS},
    frame_system,
    sp_core::Get,
};

/// What the pools read when they are told of one reward, loss or end.
pub const POOL_READS: u64 = 12;
/// What they write.
pub const POOL_WRITES: u64 = 8;

/// What things cost.
pub trait WeightInfo {
    /// The start of a block that draws `challenges`, finds `expired` unanswered and executes `slashes`.
    fn on_initialize(challenges: u32, expired: u32, slashes: u32) -> Weight;
    /// Checking and handling the answer to a challenge, with its payment.
    fn heartbeat() -> Weight;
    /// Checking and handling a benchmark.
    fn record_benchmark() -> Weight;
    /// `unbind` and `force_stop_computing`.
    fn unbind() -> Weight;
    /// A call that sets one value.
    fn set_parameter() -> Weight;
    /// A call that changes what is divided: the index is brought forward first.
    fn set_budget() -> Weight;
    /// `report_slash`, and what other pallets report.
    fn report_slash() -> Weight;
    /// `cancel_slash`.
    fn cancel_slash() -> Weight;
    /// `claim_owed`.
    fn claim_owed() -> Weight;
    /// `force_challenge`.
    fn force_challenge() -> Weight;
    /// `Sessions::bind`, for the pools' weights.
    fn bind() -> Weight;
    /// `Sessions::start`, for the pools' weights.
    fn start() -> Weight;
    /// `Sessions::stop` or `restart`, for the pools' weights.
    fn stop() -> Weight;
    /// `Sessions::reclaim`, for the pools' weights.
    fn reclaim() -> Weight;
}

/// Weights estimated by hand.
pub struct HandWeight<T>(PhantomData<T>);

fn estimate<T: frame_system::Config>(micros: u64, reads: u64, writes: u64) -> Weight {
    // A proof of a read takes up to half a kilobyte, with the largest record that there is here.
    Weight::from_parts(
        micros * WEIGHT_REF_TIME_PER_MICROS,
        512 * reads.saturating_add(1),
    )
    .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

impl<T: frame_system::Config> WeightInfo for HandWeight<T> {
    fn on_initialize(challenges: u32, expired: u32, slashes: u32) -> Weight {
        let each = |count: u32, weight: Weight| weight.saturating_mul(count.into());
        // Switch, scheduled parameters, both queues and their fronts, index, parameters, schedule, share.
        estimate::<T>(20, 12, 4)
            .saturating_add(each(challenges, estimate::<T>(5, 2, 1)))
            .saturating_add(each(expired, estimate::<T>(20, 5, 5)))
            .saturating_add(each(
                slashes,
                estimate::<T>(50, 8 + POOL_READS, 8 + POOL_WRITES),
            ))
    }

    fn heartbeat() -> Weight {
        // Two transfers, one of which the pool is told of.
        estimate::<T>(120, 18 + POOL_READS, 10 + POOL_WRITES)
    }

    fn record_benchmark() -> Weight {
        estimate::<T>(20, 3, 1)
    }

    fn unbind() -> Weight {
        estimate::<T>(60, 14 + POOL_READS, 12 + POOL_WRITES)
    }

    fn set_parameter() -> Weight {
        estimate::<T>(20, 2, 2)
    }

    fn set_budget() -> Weight {
        estimate::<T>(30, 4, 3)
    }

    fn report_slash() -> Weight {
        estimate::<T>(30, 7, 3)
    }

    fn cancel_slash() -> Weight {
        estimate::<T>(20, 2, 2)
    }

    fn claim_owed() -> Weight {
        estimate::<T>(100, 6 + POOL_READS, 6 + POOL_WRITES)
    }

    fn force_challenge() -> Weight {
        estimate::<T>(20, 5, 3)
    }

    fn bind() -> Weight {
        estimate::<T>(20, 9, 4)
    }

    fn start() -> Weight {
        estimate::<T>(40, 12, 6)
    }

    fn stop() -> Weight {
        estimate::<T>(50, 12, 8)
    }

    fn reclaim() -> Weight {
        estimate::<T>(20, 5, 3)
    }
}
