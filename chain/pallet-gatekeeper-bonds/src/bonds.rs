//! Bonds: put up, added to, asked back, returned.

use crate::*;
use pallet_worker_registry::WorkerRecords;
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{fungible::MutateHold, tokens::Precision},
    },
    frame_system,
    sp_core::Get,
    sp_runtime::{AccountId32, DispatchResult, SaturatedConversion, traits::AccountIdConversion},
};
use primitives::{Balance, BlockNumber, WorkerId};

impl<T: Config> Pallet<T> {
    /// The account that rewards are paid from.
    pub fn account_id() -> AccountId32 {
        T::PalletId::get().into_account_truncating()
    }

    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// Changes a bond that there is.
    pub(crate) fn change(gatekeeper: &WorkerId, change: impl FnOnce(&mut Bond<AccountId32>)) {
        Bonds::<T>::mutate_exists(gatekeeper, |bond| {
            if let Some(bond) = bond {
                change(bond);
            }
        });
    }

    fn bond_of(owner: &AccountId32, gatekeeper: &WorkerId) -> Result<Bond<AccountId32>, Error<T>> {
        let bond = Bonds::<T>::get(gatekeeper).ok_or(Error::NoBond)?;
        ensure!(bond.owner == *owner, Error::NotOwner);
        Ok(bond)
    }

    pub(crate) fn do_bond(
        owner: AccountId32,
        gatekeeper: WorkerId,
        amount: Balance,
    ) -> DispatchResult {
        let operator = T::Workers::operator(&gatekeeper);
        ensure!(operator.as_ref() == Some(&owner), Error::<T>::NotOperator);
        ensure!(
            !Bonds::<T>::contains_key(gatekeeper),
            Error::<T>::BondExists
        );
        ensure!(
            amount >= Settings::<T>::get().bond_min,
            Error::<T>::BondTooSmall
        );
        if Bonds::<T>::count() >= BONDS_MAX {
            Self::make_room(amount)?;
        }
        T::Currency::hold(&HoldReason::Bond.into(), &owner, amount)?;
        let bond = Bond {
            owner: owner.clone(),
            amount,
            leaving_since: None,
            accused: 0,
            absences: 0,
            has_sat: false,
        };
        Bonds::<T>::insert(gatekeeper, bond);
        Self::deposit_event(Event::Bonded {
            gatekeeper,
            owner,
            amount,
        });
        Ok(())
    }

    /// Gives the smallest bond back that never had a seat, if it is smaller than this one. Walks all bonds, of
    /// which there are few.
    fn make_room(amount: Balance) -> DispatchResult {
        let smallest = Bonds::<T>::iter()
            .filter(|(_, bond)| bond.accused == 0 && !bond.has_sat)
            .min_by_key(|(_, bond)| bond.amount)
            .filter(|(_, bond)| bond.amount < amount);
        let (worker, bond) = smallest.ok_or(Error::<T>::TooManyBonds)?;
        Self::give_back(worker, bond)
    }

    fn give_back(gatekeeper: WorkerId, bond: Bond<AccountId32>) -> DispatchResult {
        let reason = HoldReason::Bond.into();
        T::Currency::release(&reason, &bond.owner, bond.amount, Precision::Exact)?;
        Bonds::<T>::remove(gatekeeper);
        Self::deposit_event(Event::BondReturned {
            gatekeeper,
            owner: bond.owner,
            amount: bond.amount,
        });
        Ok(())
    }

    pub(crate) fn do_bond_extra(
        owner: &AccountId32,
        gatekeeper: WorkerId,
        amount: Balance,
    ) -> DispatchResult {
        let mut bond = Self::bond_of(owner, &gatekeeper)?;
        ensure!(amount > 0, Error::<T>::BondTooSmall);
        T::Currency::hold(&HoldReason::Bond.into(), owner, amount)?;
        bond.amount = bond.amount.saturating_add(amount);
        let amount = bond.amount;
        Bonds::<T>::insert(gatekeeper, bond);
        Self::deposit_event(Event::Bonded {
            gatekeeper,
            owner: owner.clone(),
            amount,
        });
        Ok(())
    }

    pub(crate) fn do_leave(owner: &AccountId32, gatekeeper: WorkerId) -> DispatchResult {
        let mut bond = Self::bond_of(owner, &gatekeeper)?;
        ensure!(bond.leaving_since.is_none(), Error::<T>::LeavingAlready);
        let now = Self::now();
        bond.leaving_since = Some(now);
        Bonds::<T>::insert(gatekeeper, bond);
        Self::deposit_event(Event::Leaving {
            gatekeeper,
            free_at: now.saturating_add(Settings::<T>::get().unbonding_blocks),
        });
        Ok(())
    }

    pub(crate) fn do_stay(owner: &AccountId32, gatekeeper: WorkerId) -> DispatchResult {
        let mut bond = Self::bond_of(owner, &gatekeeper)?;
        ensure!(
            bond.leaving_since.take().is_some(),
            Error::<T>::NotLeaving
        );
        Bonds::<T>::insert(gatekeeper, bond);
        Self::deposit_event(Event::Staying { gatekeeper });
        Ok(())
    }

    pub(crate) fn do_withdraw(gatekeeper: &WorkerId) -> DispatchResult {
        let bond = Bonds::<T>::get(gatekeeper).ok_or(Error::<T>::NoBond)?;
        let since = bond.leaving_since.ok_or(Error::<T>::NotLeaving)?;
        let free_at = since.saturating_add(Settings::<T>::get().unbonding_blocks);
        ensure!(
            Self::now() >= free_at
                && bond.accused == 0
                && !Elected::<T>::get().contains(gatekeeper),
            Error::<T>::StillBonded
        );
        Self::give_back(*gatekeeper, bond)
    }
}
