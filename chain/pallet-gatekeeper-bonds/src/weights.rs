//! Weights. [`HandWeight`] is estimated by hand: database accesses at the runtime's price plus generous
//! compute time.

use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_MICROS},
    frame_system,
    sp_core::Get,
};

/// What things cost.
pub trait WeightInfo {
    /// The start of a block that executes so many slashes.
    fn on_initialize(slashes: u32) -> Weight;
    /// An election among so many bonds, of which each may come or go.
    fn election(bonds: u32) -> Weight;
    /// `bond`.
    fn bond() -> Weight;
    /// `bond_extra`.
    fn bond_extra() -> Weight;
    /// `leave`, `stay`.
    fn leave() -> Weight;
    /// `withdraw_bond`.
    fn withdraw_bond() -> Weight;
    /// `set_settings`.
    fn set_settings() -> Weight;
    /// `cancel_slash`.
    fn cancel_slash() -> Weight;
    /// Hearing of an absence.
    fn absence() -> Weight;
    /// Hearing of a proven fault.
    fn fault() -> Weight;
}

/// Weights estimated by hand.
pub struct HandWeight<T>(PhantomData<T>);

fn estimate<T: frame_system::Config>(micros: u64, reads: u64, writes: u64) -> Weight {
    Weight::from_parts(
        micros * WEIGHT_REF_TIME_PER_MICROS,
        512 * reads.saturating_add(1),
    )
    .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

impl<T: frame_system::Config> WeightInfo for HandWeight<T> {
    fn on_initialize(slashes: u32) -> Weight {
        let each = estimate::<T>(60, 6, 7).saturating_mul(slashes.into());
        estimate::<T>(10, 4, 2).saturating_add(each)
    }

    fn election(bonds: u32) -> Weight {
        // Each bond is read, with the worker's record and builds; seats are paid.
        let each = estimate::<T>(30, 4, 2).saturating_mul(bonds.into());
        estimate::<T>(50, 6, 5).saturating_add(each)
    }

    fn bond() -> Weight {
        estimate::<T>(60, 6, 4)
    }

    fn bond_extra() -> Weight {
        estimate::<T>(50, 4, 3)
    }

    fn leave() -> Weight {
        estimate::<T>(30, 2, 1)
    }

    fn withdraw_bond() -> Weight {
        estimate::<T>(50, 6, 4)
    }

    fn set_settings() -> Weight {
        estimate::<T>(20, 1, 1)
    }

    fn cancel_slash() -> Weight {
        estimate::<T>(30, 3, 2)
    }

    fn absence() -> Weight {
        estimate::<T>(60, 6, 5)
    }

    fn fault() -> Weight {
        estimate::<T>(60, 8, 5)
    }
}
