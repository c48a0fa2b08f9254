//! The collateral of gatekeepers: bonded PHA, elections by it, rewards, and slashes for what is proven or left
//! undone. Runtime name `PhalaGatekeeperBonds`.
//!
//! # Words
//!
//! A *bond* is PHA of a worker's operator, held on the operator's own account, behind one worker that wants to
//! be a gatekeeper. A *seat* is an office that an election has filled; a *term* the time between two elections.
//! Gatekeepers whom a vote appoints (`PhalaRegistry::register_gatekeeper`) have no seat: elections neither fill nor
//! empty their office, so that a network begins with them, and a development network never needs a bond.
//!
//! # Life cycle
//!
//! ```text
//! bond ──► candidate ──election──► seated ──election, fault──► candidate ──leave, unbonding──► withdrawn
//! ```
//!
//! An election seats the largest bonds, at most `seats_max`, of workers that are active and whose evidence is good
//! enough. Where fewer than `seats_min` could be seated, nobody loses a seat. Seats change the registry's list, by
//! which `pallet-gatekeepers` deals the key anew. At a term's end who sat, and stayed away no more often
//! than is free, is paid from the pallet's account, which anybody may fill. Nothing is minted, and what is not
//! there is not owed.
//!
//! A proven fault takes the seat at once and, when the time for appeal is over, the bond. An absence beyond what
//! is free costs a small part of it, at once.
//!
//! # Threats
//!
//! - Who leaves before a fault is proven: a bond answers until `unbonding_blocks` after it asked to leave, and is
//!   not withdrawn while a slash waits.
//! - One machine with two bonds: a bond is for one worker.
//! - One operator with many machines: elections count money, not people. That is what a threshold among
//!   machines and tiers of evidence are for, and why a vote may appoint others.
//! - Elections that change the set without end: one in a term.
//!
//! # Limits
//!
//! [`BONDS_MAX`] bonds; when there are as many, a larger one takes the place of the smallest that never had a seat.
//!
//! Maps are keyed by `Twox64Concat`: their keys are public keys and numbers that the pallet counts.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod bonds;
mod elections;
mod slashes;
mod try_state;
mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// The pallet.
#[allow(
    clippy::expect_used,
    clippy::large_enum_variant,
    reason = "FRAME's macros expand to it"
)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::*;
    use pallet_worker_registry::{
        GatekeeperDirectory, GatekeeperSet, WorkerDirectory, WorkerRecords,
    };
    use polkadot_sdk::{
        frame_support::{
            PalletId,
            pallet_prelude::*,
            traits::fungible::{Inspect, Mutate, MutateHold},
        },
        frame_system::pallet_prelude::*,
        sp_runtime::{AccountId32, SaturatedConversion},
    };
    use primitives::{Balance, BlockNumber, WorkerId, bounds::GATEKEEPERS_MAX};

    /// The version of the storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet's handle.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<AccountId = AccountId32> {
        /// PHA.
        type Currency: Inspect<AccountId32, Balance = Balance>
            + Mutate<AccountId32>
            + MutateHold<AccountId32, Reason = Self::RuntimeHoldReason>;
        /// Reasons to hold money.
        type RuntimeHoldReason: From<HoldReason>;
        /// The workers, and which of them are gatekeepers.
        type Workers: WorkerDirectory
            + WorkerRecords<AccountId32>
            + GatekeeperDirectory
            + GatekeeperSet;
        /// Who sets parameters and cancels slashes.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Where slashes go.
        type Treasury: Get<AccountId32>;
        /// What things cost.
        type WeightInfo: WeightInfo;
        /// Whose account rewards are paid from: `phala/gk`.
        #[pallet::constant]
        type PalletId: Get<PalletId>;
    }

    /// Why money is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// It stands behind a gatekeeper, or who wants to be one.
        Bond,
    }

    /// Parameters.
    #[pallet::storage]
    pub type Settings<T: Config> = StorageValue<_, BondSettings, ValueQuery>;

    /// Bonds, by worker.
    #[pallet::storage]
    pub type Bonds<T: Config> = CountedStorageMap<_, Twox64Concat, WorkerId, Bond<AccountId32>>;

    /// Who was elected, with the largest bond first.
    #[pallet::storage]
    pub type Elected<T: Config> = StorageValue<_, Seats, ValueQuery>;

    /// The block of the next election.
    #[pallet::storage]
    pub type NextElection<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;

    /// Slashes that may still be cancelled.
    #[pallet::storage]
    pub type PendingSlashes<T: Config> =
        StorageMap<_, Twox64Concat, SlashId, PendingSlash<AccountId32>>;

    /// Which entries of [`PendingSlashes`] there may be.
    #[pallet::storage]
    pub type Queue<T: Config> = StorageValue<_, SlashQueue, ValueQuery>;

    /// How the pallet starts: parameters where they differ from the default, in PHA's smallest unit and blocks.
    #[pallet::genesis_config]
    #[derive(polkadot_sdk::frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// [`BondSettings::bond_min`].
        pub bond_min: Option<u64>,
        /// [`BondSettings::seats_min`].
        pub seats_min: Option<u8>,
        /// [`BondSettings::tier_max`].
        pub tier_max: Option<u8>,
        /// [`BondSettings::term_blocks`].
        pub term_blocks: Option<BlockNumber>,
        /// [`BondSettings::unbonding_blocks`].
        pub unbonding_blocks: Option<BlockNumber>,
        /// [`BondSettings::appeal_blocks`].
        pub appeal_blocks: Option<BlockNumber>,
        /// [`BondSettings::reward`].
        pub reward: Option<u64>,
        /// Ties the configuration to the runtime.
        #[serde(skip)]
        pub phantom: PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            let default = BondSettings::default();
            let settings = BondSettings {
                bond_min: self.bond_min.map_or(default.bond_min, Into::into),
                seats_min: self.seats_min.unwrap_or(default.seats_min),
                tier_max: self.tier_max.unwrap_or(default.tier_max),
                term_blocks: self.term_blocks.unwrap_or(default.term_blocks),
                unbonding_blocks: self.unbonding_blocks.unwrap_or(default.unbonding_blocks),
                appeal_blocks: self.appeal_blocks.unwrap_or(default.appeal_blocks),
                reward: self.reward.map_or(default.reward, Into::into),
                ..default
            };
            assert!(
                settings.are_valid(),
                "the genesis configuration's settings of gatekeepers' bonds are out of bounds"
            );
            Settings::<T>::put(settings);
            NextElection::<T>::put(settings.term_blocks);
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Money stands behind a worker that wants to be a gatekeeper.
        Bonded {
            /// The worker.
            gatekeeper: WorkerId,
            /// Whose money.
            owner: AccountId32,
            /// All that stands behind the worker now.
            amount: Balance,
        },
        /// A bond asks to leave.
        Leaving {
            /// The worker.
            gatekeeper: WorkerId,
            /// From this block on the money can be withdrawn.
            free_at: BlockNumber,
        },
        /// A bond does not ask to leave any more.
        Staying {
            /// The worker.
            gatekeeper: WorkerId,
        },
        /// A bond is its owner's again.
        BondReturned {
            /// The worker.
            gatekeeper: WorkerId,
            /// Whose money.
            owner: AccountId32,
            /// How much.
            amount: Balance,
        },
        /// An election was held.
        ElectionHeld {
            /// How many could be elected.
            candidates: u32,
            /// How many sit.
            seats: u32,
        },
        /// Fewer than the least could be elected: who sits stays.
        ElectionTooSmall {
            /// How many could be elected.
            candidates: u32,
        },
        /// An elected gatekeeper has the office.
        Seated {
            /// The worker.
            gatekeeper: WorkerId,
        },
        /// A gatekeeper has a seat no more.
        Unseated {
            /// The worker.
            gatekeeper: WorkerId,
        },
        /// A gatekeeper was paid for its term.
        TermPaid {
            /// The worker.
            gatekeeper: WorkerId,
            /// To whom.
            owner: AccountId32,
            /// How much.
            amount: Balance,
        },
        /// A gatekeeper was not paid for its term: it stayed away too often, or there was no money.
        TermNotPaid {
            /// The worker.
            gatekeeper: WorkerId,
            /// How often it stayed away.
            absences: u32,
        },
        /// A fault was proven; unless it is cancelled, its slash takes the bond.
        SlashReported {
            /// The slash.
            slash: SlashId,
            /// Whose fault.
            gatekeeper: WorkerId,
            /// The most that it takes.
            amount: Balance,
            /// The block that executes it.
            due: BlockNumber,
        },
        /// A slash was cancelled.
        SlashCancelled {
            /// The slash.
            slash: SlashId,
            /// Whose bond.
            gatekeeper: WorkerId,
        },
        /// A bond lost money.
        Slashed {
            /// The worker.
            gatekeeper: WorkerId,
            /// What went to the treasury.
            to_treasury: Balance,
            /// What went to who proved the fault.
            reward: Option<(AccountId32, Balance)>,
        },
        /// Parameters were set.
        SettingsSet {
            /// The parameters.
            settings: BondSettings,
        },
    }

    /// Why a call is refused.
    #[pallet::error]
    pub enum Error<T> {
        /// Only who operates the worker may stand behind it.
        NotOperator,
        /// The worker has a bond already; add to it.
        BondExists,
        /// The worker has no bond.
        NoBond,
        /// The bond is another account's.
        NotOwner,
        /// The bond is smaller than the least.
        BondTooSmall,
        /// There are as many bonds as there may be, and none that never had a seat is smaller.
        TooManyBonds,
        /// The bond has asked to leave already.
        LeavingAlready,
        /// The bond has not asked to leave.
        NotLeaving,
        /// The bond answers still: it was not long ago that it asked to leave, it has a seat, or a slash waits.
        StillBonded,
        /// Parameters lie outside of their bounds.
        InvalidSettings,
        /// No such slash waits.
        SlashNotFound,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            Self::begin_block(now.saturated_into())
        }

        fn integrity_test() {
            assert!(
                BondSettings::default().are_valid(),
                "the default settings are out of bounds"
            );
            assert!(
                BONDS_MAX >= GATEKEEPERS_MAX,
                "more seats than bonds could be filled"
            );
            let most = T::WeightInfo::on_initialize(SLASHES_PER_BLOCK_MAX)
                .saturating_add(T::WeightInfo::election(BONDS_MAX));
            let block = T::BlockWeights::get().max_block;
            assert!(
                most.all_lte(block.saturating_div(2)),
                "an election takes more than half of a block: lower BONDS_MAX"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(
            _: BlockNumberFor<T>,
        ) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Puts money behind a worker, by who operates it.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::bond())]
        pub fn bond(
            origin: OriginFor<T>,
            gatekeeper: WorkerId,
            amount: Balance,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_bond(owner, gatekeeper, amount)
        }

        /// Adds to a bond of the caller.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::bond_extra())]
        pub fn bond_extra(
            origin: OriginFor<T>,
            gatekeeper: WorkerId,
            amount: Balance,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_bond_extra(&owner, gatekeeper, amount)
        }

        /// Asks for a bond back. The next election empties its seat, if it has one.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::leave())]
        pub fn leave(origin: OriginFor<T>, gatekeeper: WorkerId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_leave(&owner, gatekeeper)
        }

        /// Does not ask for a bond back any more.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::leave())]
        pub fn stay(origin: OriginFor<T>, gatekeeper: WorkerId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_stay(&owner, gatekeeper)
        }

        /// Takes a bond back that answers no more. Anybody may; the money is its owner's.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::withdraw_bond())]
        pub fn withdraw_bond(origin: OriginFor<T>, gatekeeper: WorkerId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_withdraw(&gatekeeper)
        }

        /// Sets the parameters. A shorter term brings the next election forward.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::set_settings())]
        pub fn set_settings(origin: OriginFor<T>, settings: BondSettings) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(settings.are_valid(), Error::<T>::InvalidSettings);
            Settings::<T>::put(settings);
            let latest = Self::now().saturating_add(settings.term_blocks);
            NextElection::<T>::mutate(|next| *next = (*next).min(latest));
            Self::deposit_event(Event::SettingsSet { settings });
            Ok(())
        }

        /// Cancels a slash that waits.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::cancel_slash())]
        pub fn cancel_slash(origin: OriginFor<T>, slash: SlashId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_cancel_slash(slash)
        }

        /// Holds an election in the next block.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::set_settings())]
        pub fn force_election(origin: OriginFor<T>) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            NextElection::<T>::put(Self::now().saturating_add(1));
            Ok(())
        }
    }
}
