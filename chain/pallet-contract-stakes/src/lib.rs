//! Stakes behind contracts: whoever wants a contract to compute puts PHA behind it, and takes it back
//! whole. Runtime name `PhalaPhatTokenomic`.
//!
//! # What a stake does
//!
//! The sum of a contract's stakes goes to its cluster as a mailbox entry, in the same block. There the
//! system contract turns it into the contract's *weight*, one for each 0.01 PHA, or hands it to the
//! driver `ContractDeposit` where the cluster's administrators have set one. Contracts share each
//! worker's processor by their weights; those without any share what weight 1 has.
//!
//! # What happens to the money
//!
//! It is held on its owner's own account: it cannot be spent, and nothing else is done with it. There is
//! no pool, no lock and no period: a smaller stake is set, and the difference is free.
//!
//! # Threats
//!
//! - A worker or cluster that does not answer must not keep the money: a stake is lowered even where the
//!   cluster cannot be told, because its mailbox is full or it is gone. The contract is then marked, and
//!   anybody may tell the cluster later ([`Pallet::sync`]).
//! - Floods of entries: each change pays for its entry, and no stake is below `StakeMin`.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;

/// The pallet.
#[allow(
    clippy::expect_used,
    reason = "FRAME's macros expand to it"
)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::weights;
    use pallet_phat_contracts::ContractClusters;
    use polkadot_sdk::{
        frame_support::{
            pallet_prelude::*,
            traits::{
                fungible::{Inspect, MutateHold},
                tokens::Precision,
            },
        },
        frame_system::pallet_prelude::*,
        sp_core::H256,
        sp_runtime::AccountId32,
    };
    use primitives::{Balance, ContractId};

    /// The version of the storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet's handle.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<AccountId = AccountId32> {
        /// Money.
        type Currency: Inspect<AccountId32, Balance = Balance>
            + MutateHold<AccountId32, Reason = Self::RuntimeHoldReason>;
        /// Reasons to hold money.
        type RuntimeHoldReason: From<HoldReason>;
        /// Which contracts there are, and their clusters' ears.
        type Contracts: ContractClusters;
        /// The least stake of an account behind a contract, other than none.
        #[pallet::constant]
        type StakeMin: Get<Balance>;
    }

    /// Why money is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Behind contracts; given back when the stake is lowered.
        ContractStake,
    }

    /// What each account has behind each contract. No entry is 0.
    #[pallet::storage]
    pub type ContractUserStakes<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        AccountId32,
        Twox64Concat,
        H256,
        Balance,
        ValueQuery,
    >;

    /// The sum behind each contract. No entry is 0.
    #[pallet::storage]
    pub type ContractTotalStakes<T: Config> =
        StorageMap<_, Twox64Concat, H256, Balance, ValueQuery>;

    /// Contracts whose cluster does not know the present sum.
    #[pallet::storage]
    pub type UnsyncedContracts<T: Config> = StorageMap<_, Twox64Concat, H256, ()>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An account's stake behind a contract is another.
        UserStakeChanged {
            /// The contract's cluster, while there is one.
            cluster: Option<H256>,
            /// Who staked.
            account: AccountId32,
            /// The contract.
            contract: H256,
            /// The stake now.
            stake: Balance,
        },
        /// The sum behind a contract is another.
        ContractDepositChanged {
            /// The contract's cluster, while there is one.
            cluster: Option<H256>,
            /// The contract.
            contract: H256,
            /// The sum now.
            deposit: Balance,
        },
        /// The cluster could not be told of a lower sum; [`Pallet::sync`] tells it.
        ContractUnsynced {
            /// The contract.
            contract: H256,
        },
    }

    /// Why not.
    #[pallet::error]
    pub enum Error<T> {
        /// A stake other than 0 is below the least one.
        InvalidAmountOfStake,
        /// There is no contract with this id.
        ContractNotFound,
        /// The cluster knows the present sum.
        AlreadySynced,
        /// The sum behind the contract would not fit its type.
        TooMuchStake,
    }

    /// What accounts can do.
    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Sets what the sender has behind a contract: `amount` in all, not in addition. Takes effect
        /// when the cluster's workers have run the entry of this block.
        ///
        /// # Errors
        /// [`Error::InvalidAmountOfStake`]; [`Error::ContractNotFound`] where more is staked than before
        /// behind a contract that does not exist; not enough free money; a full mailbox where more is
        /// staked than before.
        #[pallet::call_index(0)]
        #[pallet::weight(weights::adjust_stake::<T>())]
        pub fn adjust_stake(
            origin: OriginFor<T>,
            contract: H256,
            #[pallet::compact] amount: Balance,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            ensure!(
                amount == 0 || amount >= T::StakeMin::get(),
                Error::<T>::InvalidAmountOfStake
            );
            let before = ContractUserStakes::<T>::get(&who, contract);
            let reason = HoldReason::ContractStake.into();
            let total = ContractTotalStakes::<T>::get(contract);
            let total = total
                .saturating_sub(before)
                .checked_add(amount)
                .ok_or(Error::<T>::TooMuchStake)?;
            if amount > before {
                T::Currency::hold(&reason, &who, amount - before)?;
                Self::tell(contract, total)?;
            } else if amount < before {
                T::Currency::release(&reason, &who, before - amount, Precision::Exact)?;
                Self::tell_or_mark(contract, total);
            } else {
                return Ok(());
            }
            match amount {
                0 => ContractUserStakes::<T>::remove(&who, contract),
                _ => ContractUserStakes::<T>::insert(&who, contract, amount),
            }
            match total {
                0 => ContractTotalStakes::<T>::remove(contract),
                _ => ContractTotalStakes::<T>::insert(contract, total),
            }
            let cluster = Self::cluster(contract);
            Self::deposit_event(Event::UserStakeChanged {
                cluster,
                account: who,
                contract,
                stake: amount,
            });
            Self::deposit_event(Event::ContractDepositChanged { cluster, contract, deposit: total });
            Ok(())
        }

        /// Tells a contract's cluster the present sum, where it could not be told before.
        ///
        /// # Errors
        /// [`Error::AlreadySynced`]; [`Error::ContractNotFound`]; a full mailbox.
        #[pallet::call_index(1)]
        #[pallet::weight(weights::sync::<T>())]
        pub fn sync(origin: OriginFor<T>, contract: H256) -> DispatchResult {
            ensure_signed(origin)?;
            ensure!(UnsyncedContracts::<T>::contains_key(contract), Error::<T>::AlreadySynced);
            Self::tell(contract, ContractTotalStakes::<T>::get(contract))
        }
    }

    impl<T: Config> Pallet<T> {
        fn cluster(contract: H256) -> Option<H256> {
            T::Contracts::cluster_of(&ContractId(contract.0)).map(|cluster| H256(cluster.0))
        }

        fn tell(contract: H256, total: Balance) -> DispatchResult {
            let id = ContractId(contract.0);
            ensure!(T::Contracts::cluster_of(&id).is_some(), Error::<T>::ContractNotFound);
            T::Contracts::push_stake(&id, total)?;
            UnsyncedContracts::<T>::remove(contract);
            Ok(())
        }

        fn tell_or_mark(contract: H256, total: Balance) {
            if Self::tell(contract, total).is_ok() {
                return;
            }
            // Of a contract that is gone nothing has to be told.
            if Self::cluster(contract).is_some() {
                UnsyncedContracts::<T>::insert(contract, ());
                Self::deposit_event(Event::ContractUnsynced { contract });
            } else {
                UnsyncedContracts::<T>::remove(contract);
            }
        }
    }

    impl<T: Config> Pallet<T> {
        /// Sums agree with their parts, and each account holds what it has staked.
        ///
        /// # Errors
        /// Which of it does not hold.
        pub fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            use polkadot_sdk::frame_support::traits::fungible::InspectHold as _;
            extern crate alloc;
            use alloc::collections::BTreeMap;
            let mut totals = BTreeMap::<H256, Balance>::new();
            let mut held = BTreeMap::<AccountId32, Balance>::new();
            for (who, contract, stake) in ContractUserStakes::<T>::iter() {
                ensure!(stake >= T::StakeMin::get(), "a stake is below the least one");
                *totals.entry(contract).or_default() += stake;
                *held.entry(who).or_default() += stake;
            }
            let stored: BTreeMap<H256, Balance> = ContractTotalStakes::<T>::iter().collect();
            ensure!(stored == totals, "the sums behind contracts are not those of their stakes");
            for (who, staked) in held {
                let on_hold = T::Currency::balance_on_hold(&HoldReason::ContractStake.into(), &who);
                ensure!(on_hold == staked, "an account holds another sum than it has staked");
            }
            Ok(())
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(
            _: BlockNumberFor<T>,
        ) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}
