//! Who makes and finalizes blocks from the next sessions on, and how long a session is.
//!
//! # Life of a change
//!
//! `SetOrigin` names the validators ([`Pallet::set`]), or one of them goes ([`Pallet::leave`]). The list
//! waits until a session ends; then `pallet-session` queues it with each validator's keys, and a whole
//! session later Aura and GRANDPA have it: between one and two sessions after the call. GRANDPA counts one
//! set more, and its last set's justification of that block is what light clients go on by.
//!
//! A validator's keys come from its node and go on chain with `session.setKeys`, with the node's proof that it
//! has them. New keys of the same validators are a change of the set too, of which this pallet need not know.
//!
//! # Threats
//!
//! - A set without keys would end the chain: nobody is set without keys; who has given them up by the time
//!   that the list is handed over is left out; and a list of which nobody is left is dropped.
//!   What no pallet prevents is that most validators of the present set take their keys away
//!   (`session.purgeKeys`) or stop: whom to trust with a place is what `SetOrigin` decides.
//! - The validators of a set finalize alone. More than a third of them that are away stop finality, and one
//!   that leaves by [`Pallet::leave`] makes the others' share larger, never the set empty.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod weights;

pub use pallet::*;

/// The pallet.
#[allow(clippy::expect_used, reason = "FRAME's macros expand to it")]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::weights;
    use alloc::vec::Vec;
    use polkadot_sdk::{
        frame_support::{pallet_prelude::*, traits::ValidatorRegistration},
        frame_system::pallet_prelude::*,
        pallet_session::SessionManager,
        sp_staking::SessionIndex,
    };

    /// Blocks of a session where genesis does not say.
    pub const SESSION_BLOCKS_DEFAULT: u32 = 600;
    /// The shortest session, blocks: the one that ends a session takes no transactions.
    pub const SESSION_BLOCKS_MIN: u32 = 4;

    /// The version of the storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet's handle.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {
        /// Who names the validators.
        type SetOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Who has keys for sessions.
        type Keys: ValidatorRegistration<Self::AccountId>;
        /// The validators of the session after this one, as they stand now.
        type Queued: Get<Vec<Self::AccountId>>;
        /// How many there are at most.
        #[pallet::constant]
        type ValidatorsMax: Get<u32>;
    }

    /// Length of a session, blocks. Set at genesis.
    #[pallet::storage]
    pub type SessionBlocks<T: Config> =
        StorageValue<_, BlockNumberFor<T>, ValueQuery, SessionBlocksDefault<T>>;

    /// The validators that the next session's end takes over, while there is a change.
    #[pallet::storage]
    pub type Wanted<T: Config> = StorageValue<_, BoundedVec<T::AccountId, T::ValidatorsMax>>;

    /// What [`SessionBlocks`] is where genesis did not say.
    pub struct SessionBlocksDefault<T>(PhantomData<T>);

    impl<T: Config> Get<BlockNumberFor<T>> for SessionBlocksDefault<T> {
        fn get() -> BlockNumberFor<T> {
            SESSION_BLOCKS_DEFAULT.into()
        }
    }

    /// The length of a session, for `pallet-session`.
    pub struct SessionLength<T>(PhantomData<T>);

    impl<T: Config> Get<BlockNumberFor<T>> for SessionLength<T> {
        fn get() -> BlockNumberFor<T> {
            SessionBlocks::<T>::get()
        }
    }

    /// How the chain starts. Its first validators are those of `pallet-session`'s own genesis.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Blocks of a session.
        pub session_blocks: u32,
        /// Ties the configuration to the runtime.
        #[serde(skip)]
        pub phantom: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self {
                session_blocks: SESSION_BLOCKS_DEFAULT,
                phantom: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(
                self.session_blocks >= SESSION_BLOCKS_MIN,
                "a session is at least 4 blocks"
            );
            SessionBlocks::<T>::put(BlockNumberFor::<T>::from(self.session_blocks));
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// The validators will be others, two ends of a session from now.
        SetChosen {
            /// How many they will be.
            count: u32,
        },
        /// A validator goes, two ends of a session from now.
        Leaving {
            /// Who.
            validator: T::AccountId,
        },
        /// The chosen validators are queued: the next end of a session makes them the validators.
        SetQueued {
            /// How many they will be.
            count: u32,
        },
        /// None of the chosen validators has keys any more. The set stays as it is.
        SetDropped,
    }

    /// Why not.
    #[pallet::error]
    pub enum Error<T> {
        /// A set has at least one validator.
        NoValidator,
        /// A validator is named twice.
        NamedTwice,
        /// A validator has no keys on chain: its account sends session.setKeys first.
        NoKeys,
        /// This account is no validator of the session to come.
        NotValidator,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Names the validators, in place of any list that still waits. All need keys on chain.
        #[pallet::call_index(0)]
        #[pallet::weight((weights::set::<T>(validators.len() as u32), DispatchClass::Operational))]
        pub fn set(
            origin: OriginFor<T>,
            validators: BoundedVec<T::AccountId, T::ValidatorsMax>,
        ) -> DispatchResult {
            T::SetOrigin::ensure_origin(origin)?;
            ensure!(!validators.is_empty(), Error::<T>::NoValidator);
            for (place, validator) in validators.iter().enumerate() {
                ensure!(
                    !validators[..place].contains(validator),
                    Error::<T>::NamedTwice
                );
                ensure!(T::Keys::is_registered(validator), Error::<T>::NoKeys);
            }
            Self::deposit_event(Event::SetChosen {
                count: validators.len() as u32,
            });
            Wanted::<T>::put(validators);
            Ok(())
        }

        /// Takes the sender out of the validators. Its node has to stay until it is out.
        #[pallet::call_index(1)]
        #[pallet::weight(weights::set::<T>(T::ValidatorsMax::get()))]
        pub fn leave(origin: OriginFor<T>) -> DispatchResult {
            let validator = ensure_signed(origin)?;
            let mut others = match Wanted::<T>::get() {
                Some(wanted) => wanted.into_inner(),
                None => T::Queued::get(),
            };
            let before = others.len();
            others.retain(|other| *other != validator);
            ensure!(others.len() < before, Error::<T>::NotValidator);
            ensure!(!others.is_empty(), Error::<T>::NoValidator);
            Wanted::<T>::put(BoundedVec::truncate_from(others));
            Self::deposit_event(Event::Leaving { validator });
            Ok(())
        }
    }

    impl<T: Config> SessionManager<T::AccountId> for Pallet<T> {
        /// Hands the list over, once. `None` leaves the validators as they are.
        fn new_session(_: SessionIndex) -> Option<Vec<T::AccountId>> {
            let mut validators = Wanted::<T>::take()?.into_inner();
            validators.retain(T::Keys::is_registered);
            if validators.is_empty() {
                Self::deposit_event(Event::SetDropped);
                return None;
            }
            // The same list again would be a new set for light clients to follow, for nothing.
            if validators == T::Queued::get() {
                return None;
            }
            Self::deposit_event(Event::SetQueued {
                count: validators.len() as u32,
            });
            Some(validators)
        }

        fn start_session(_: SessionIndex) {}

        fn end_session(_: SessionIndex) {}
    }
}
