//! What the stock pallets of governance are told: who speaks for what, how long and how much a vote takes,
//! and what PHA counts in it. Runtime name `GovernanceOrigins`.
//!
//! There is no governance of our own. Referenda, votes, treasury, whitelist and committee are
//! polkadot-sdk's; this crate holds what they leave to a network:
//!
//! - [`Origin`]: one origin for each group of levers, so that a vote about fees needs no root;
//! - [`tracks`]: for each origin, what a proposal of it costs, how long it takes, and what passes it;
//! - [`votes`]: PHA behind contracts and workers votes like PHA that lies about, and never twice;
//! - the length of an hour in blocks, set at genesis: a network for trying things out runs the same tracks in
//!   minutes.
//!
//! # Threats
//!
//! - A captured vote (A6): rights are given only after notice, which the pallets that give them keep, not
//!   the tracks; here the periods leave time to object and to leave.
//! - An hour of no blocks would make every period 0: genesis refuses it, and the number never changes.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod ensure;
pub mod tracks;
pub mod votes;

#[cfg(test)]
mod tests;

pub use ensure::*;
pub use pallet::*;

/// The pallet.
#[allow(clippy::expect_used, reason = "FRAME's macros expand to it")]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
    use polkadot_sdk::{
        frame_support::pallet_prelude::*, frame_system::pallet_prelude::BlockNumberFor,
        sp_core::ConstU32,
    };
    use primitives::BlockNumber;
    use scale_info::TypeInfo;

    /// Blocks of an hour when genesis does not say: one each second.
    pub const HOUR_BLOCKS_DEFAULT: u32 = 3600;

    /// The pallet's handle.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Nothing is needed.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {}

    /// For which group of levers a vote speaks. What each may do is in the runtime's configuration.
    #[derive(
        Clone,
        Copy,
        Debug,
        PartialEq,
        Eq,
        PartialOrd,
        Ord,
        Encode,
        Decode,
        DecodeWithMemTracking,
        MaxEncodedLen,
        TypeInfo,
    )]
    #[pallet::origin]
    pub enum Origin {
        /// A call that the technical committee has looked at and found urgent.
        WhitelistedCaller,
        /// Which worker builds, roots and platforms are trusted.
        Attestation,
        /// Parameters of the economy: budget, pay, slashes, pools, fees.
        Economy,
        /// Who guards the network's key, and how.
        Gatekeepers,
        /// Clusters: who makes them, and their permissions.
        Clusters,
        /// Any amount from the treasury.
        Treasurer,
        /// Up to 100 000 PHA at once from the treasury.
        MediumSpender,
        /// Up to 10 000 PHA at once from the treasury.
        SmallSpender,
        /// Ends a referendum and gives its deposits back.
        ReferendumCanceller,
        /// Ends a referendum and keeps its deposits.
        ReferendumKiller,
    }

    /// Blocks of an hour: what all periods of governance are counted in.
    #[pallet::storage]
    pub type HourBlocks<T: Config> =
        StorageValue<_, u32, ValueQuery, ConstU32<HOUR_BLOCKS_DEFAULT>>;

    /// How the chain starts.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Blocks of an hour.
        pub hour_blocks: u32,
        /// Ties the configuration to the runtime.
        #[serde(skip)]
        pub phantom: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self { hour_blocks: HOUR_BLOCKS_DEFAULT, phantom: PhantomData }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(
                (1..=HOUR_BLOCKS_MAX).contains(&self.hour_blocks),
                "an hour has 1 to 36 000 blocks"
            );
            HourBlocks::<T>::put(self.hour_blocks);
        }
    }

    /// Most blocks of an hour: ten a second.
    pub const HOUR_BLOCKS_MAX: u32 = 36_000;

    /// A number of hours, as blocks of this network.
    pub struct Hours<T, const N: u32>(PhantomData<T>);

    impl<T: Config, const N: u32> Get<BlockNumberFor<T>> for Hours<T, N>
    where
        BlockNumberFor<T>: From<BlockNumber>,
    {
        fn get() -> BlockNumberFor<T> {
            hours::<T>(N).into()
        }
    }

    /// A number of hours, as blocks of this network.
    pub fn hours<T: Config>(hours: u32) -> BlockNumber {
        HourBlocks::<T>::get().saturating_mul(hours)
    }
}
