//! How long a slot is: a number in storage, set at genesis, so that one wasm serves fast development
//! chains and slow public ones. It must never change after: Aura counts slots from 1970 by it.

pub use pallet::*;

/// The pallet.
#[allow(clippy::expect_used, reason = "FRAME's macros expand to it")]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use polkadot_sdk::{frame_support::pallet_prelude::*, sp_core::ConstU64};

    /// Length of a slot when genesis does not say, milliseconds.
    pub const DURATION_MS_DEFAULT: u64 = 1000;
    /// Shortest slot, milliseconds.
    pub const DURATION_MS_MIN: u64 = 100;

    /// The pallet's handle.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Nothing is needed.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {}

    /// Length of a slot, milliseconds.
    #[pallet::storage]
    pub type DurationMs<T: Config> =
        StorageValue<_, u64, ValueQuery, ConstU64<DURATION_MS_DEFAULT>>;

    /// How the chain starts.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Length of a slot, milliseconds.
        pub duration_ms: u64,
        /// Ties the configuration to the runtime.
        #[serde(skip)]
        pub phantom: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self {
                duration_ms: DURATION_MS_DEFAULT,
                phantom: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(
                self.duration_ms >= DURATION_MS_MIN,
                "a slot is at least 100 milliseconds"
            );
            DurationMs::<T>::put(self.duration_ms);
        }
    }

    impl<T: Config> Get<u64> for Pallet<T> {
        fn get() -> u64 {
            DurationMs::<T>::get()
        }
    }

    /// Half a slot, milliseconds: the least time between two blocks' timestamps.
    pub struct Half<T>(PhantomData<T>);

    impl<T: Config> Get<u64> for Half<T> {
        fn get() -> u64 {
            DurationMs::<T>::get() / 2
        }
    }
}
