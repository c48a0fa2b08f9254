//! What every pool has: accounts, an owner, settings; and how money moves.

use crate::*;
use alloc::vec::Vec;
use economics::{Permill, pool::Pool as ShareMath, queue::UnixSeconds};
use polkadot_sdk::{
    frame_support::{
        BoundedVec, ensure,
        traits::{
            UnixTime,
            fungible::{Inspect, Mutate},
            tokens::Preservation,
        },
    },
    sp_core::Get,
    sp_io::hashing::blake2_256,
    sp_runtime::{AccountId32, DispatchError, DispatchResult, traits::AccountIdConversion},
};
use primitives::{Balance, WorkerId};

/// Labels what sessions' accounts are hashed from.
const SESSION_LABEL: &[u8] = b"phat/stake-pools/session/v1";

impl Pool<AccountId32> {
    /// The commission that holds.
    pub fn commission_at(&self, now: UnixSeconds) -> Permill {
        match self.raise {
            Some(raise) if raise.from <= now => raise.to,
            _ => self.commission,
        }
    }

    /// What only a stake pool has.
    pub const fn stake_pool(&self) -> Option<&StakePool> {
        match &self.kind {
            Kind::StakePool(stake_pool) => Some(stake_pool),
            Kind::Vault(_) => None,
        }
    }

    /// What only a vault has.
    pub const fn as_vault(&self) -> Option<&Vault> {
        match &self.kind {
            Kind::Vault(vault) => Some(vault),
            Kind::StakePool(_) => None,
        }
    }

    pub(crate) const fn stake_pool_mut(&mut self) -> Option<&mut StakePool> {
        match &mut self.kind {
            Kind::StakePool(stake_pool) => Some(stake_pool),
            Kind::Vault(_) => None,
        }
    }

    pub(crate) const fn vault_mut(&mut self) -> Option<&mut Vault> {
        match &mut self.kind {
            Kind::Vault(vault) => Some(vault),
            Kind::StakePool(_) => None,
        }
    }
}

impl<T: Config> Pallet<T> {
    /// The account of a pool. Nobody has a key of it.
    pub fn pool_account(pid: PoolId) -> AccountId32 {
        T::PalletId::get().into_sub_account_truncating((*b"pool", pid))
    }

    /// The account by which a worker's session for a pool is known. Nobody has a key of it.
    pub fn session_account(pid: PoolId, worker: &WorkerId) -> AccountId32 {
        // A pallet's id, a number and a key have fixed lengths; the label's does not vary either.
        let bytes = [
            SESSION_LABEL,
            &T::PalletId::get().0,
            &pid.to_le_bytes(),
            worker.as_bytes(),
        ]
        .concat();
        AccountId32::new(blake2_256(&bytes))
    }

    pub(crate) fn now() -> UnixSeconds {
        T::UnixTime::now().as_secs()
    }

    /// What the mathematics of pools refuses, as callers know it.
    pub(crate) const fn refused(error: economics::Error) -> Error<T> {
        match error {
            economics::Error::Dust | economics::Error::NoShares => Error::InsufficientContribution,
            economics::Error::Bankrupt => Error::PoolBankrupt,
            economics::Error::NotEnoughShares => Error::InvalidShareToWithdraw,
            _ => Error::AmountTooLarge,
        }
    }

    pub(crate) fn pool(pid: PoolId) -> Result<Pool<AccountId32>, Error<T>> {
        Pools::<T>::get(pid).ok_or(Error::PoolDoesNotExist)
    }

    pub(crate) fn pool_of(owner: &AccountId32, pid: PoolId) -> Result<Pool<AccountId32>, Error<T>> {
        let pool = Self::pool(pid)?;
        ensure!(pool.owner == *owner, Error::UnauthorizedPoolOwner);
        Ok(pool)
    }

    pub(crate) fn stake_pool_of(
        owner: &AccountId32,
        pid: PoolId,
    ) -> Result<Pool<AccountId32>, Error<T>> {
        let pool = Self::pool_of(owner, pid)?;
        ensure!(pool.stake_pool().is_some(), Error::PoolTypeNotMatch);
        Ok(pool)
    }

    /// Moves money out of a pool's account, whose least balance stays.
    pub(crate) fn pay(from: &AccountId32, to: &AccountId32, amount: Balance) -> DispatchResult {
        if amount > 0 {
            T::Currency::transfer(from, to, amount, Preservation::Preserve)?;
        }
        Ok(())
    }

    /// Moves money that is nobody's to the treasury. Where the treasury cannot take it, it stays on the
    /// account as if a stranger had sent it there.
    pub(crate) fn pay_treasury(from: &AccountId32, amount: Balance) {
        if Self::pay(from, &T::Treasury::get(), amount).is_err() {
            bug!("the treasury cannot take money");
        }
    }

    /// What a pool's account must have that is not held.
    pub(crate) fn owed(pool: &Pool<AccountId32>) -> Balance {
        let commission = pool.stake_pool().map_or(0, |inner| inner.owner_rewards);
        T::Currency::minimum_balance()
            .saturating_add(pool.free)
            .saturating_add(commission)
    }

    pub(crate) fn do_create(owner: AccountId32, kind: Kind) -> DispatchResult {
        let pid = PoolCount::<T>::get();
        let account = Self::pool_account(pid);
        T::Currency::transfer(
            &owner,
            &account,
            T::Currency::minimum_balance(),
            Preservation::Preserve,
        )?;
        let vault = matches!(kind, Kind::Vault(_));
        let pool = Pool {
            owner: owner.clone(),
            account: account.clone(),
            base: ShareMath::default(),
            free: 0,
            commission: Permill::default(),
            raise: None,
            queue: Queue::default(),
            kind,
        };
        Pools::<T>::insert(pid, pool);
        PoolAccounts::<T>::insert(&account, pid);
        PoolCount::<T>::put(pid.saturating_add(1));
        Self::deposit_event(Event::PoolCreated {
            owner,
            pid,
            pool_account_id: account,
            vault,
        });
        Ok(())
    }

    pub(crate) fn do_set_cap(owner: &AccountId32, pid: PoolId, cap: Balance) -> DispatchResult {
        let mut pool = Self::pool_of(owner, pid)?;
        let value = pool.base.value();
        let inner = pool.stake_pool_mut().ok_or(Error::<T>::PoolTypeNotMatch)?;
        ensure!(cap >= value, Error::<T>::InadequateCapacity);
        inner.cap = Some(cap);
        Pools::<T>::insert(pid, pool);
        Self::deposit_event(Event::PoolCapacitySet { pid, cap });
        Ok(())
    }

    pub(crate) fn do_set_commission(
        owner: &AccountId32,
        pid: PoolId,
        to: Permill,
    ) -> DispatchResult {
        let mut pool = Self::pool_of(owner, pid)?;
        // What was decoded may hold more than a million parts.
        let to = Permill::from_parts(to.parts());
        // What was gained was gained under the old one.
        Self::settle(pid, &mut pool)?;
        let now = Self::now();
        let current = pool.commission_at(now);
        ensure!(
            to != current || pool.raise.is_some_and(|raise| raise.from > now),
            Error::<T>::CommissionNotChanged
        );
        pool.commission = current;
        if to <= current || pool.base.shares().0 == 0 {
            pool.commission = to;
            pool.raise = None;
            Self::deposit_event(Event::PoolCommissionSet {
                pid,
                commission: to.parts(),
            });
        } else {
            let from = now.saturating_add(WaitingPeriods::<T>::get().commission_notice);
            pool.raise = Some(CommissionRaise { to, from });
            Self::deposit_event(Event::PoolCommissionAnnounced {
                pid,
                commission: to.parts(),
                from,
            });
        }
        Pools::<T>::insert(pid, pool);
        Ok(())
    }

    pub(crate) fn do_claim_owner_rewards(
        owner: &AccountId32,
        pid: PoolId,
        target: &AccountId32,
    ) -> DispatchResult {
        let mut pool = Self::pool_of(owner, pid)?;
        let inner = pool.stake_pool_mut().ok_or(Error::<T>::PoolTypeNotMatch)?;
        let amount = core::mem::take(&mut inner.owner_rewards);
        ensure!(amount > 0, Error::<T>::NoRewardToClaim);
        // A pool's account would not count it.
        ensure!(
            !PoolAccounts::<T>::contains_key(target),
            Error::<T>::InvalidRecipient
        );
        Self::pay(&pool.account, target, amount)?;
        Pools::<T>::insert(pid, pool);
        Self::deposit_event(Event::OwnerRewardsWithdrawn {
            pid,
            user: target.clone(),
            amount,
        });
        Ok(())
    }

    pub(crate) fn do_set_description(
        owner: &AccountId32,
        pid: PoolId,
        description: Vec<u8>,
    ) -> DispatchResult {
        Self::pool_of(owner, pid)?;
        let description: BoundedVec<_, _> = description
            .try_into()
            .map_err(|_| Error::<T>::ExceedMaxDescriptionLen)?;
        PoolDescriptions::<T>::insert(pid, description);
        Self::deposit_event(Event::PoolDescriptionSet { pid });
        Ok(())
    }

    pub(crate) fn do_add_to_whitelist(
        owner: &AccountId32,
        pid: PoolId,
        staker: AccountId32,
    ) -> DispatchResult {
        Self::pool_of(owner, pid)?;
        let list = PoolContributionWhitelists::<T>::get(pid);
        let created = list.is_none();
        let mut list = list.unwrap_or_default();
        ensure!(
            !list.contains(&staker),
            Error::<T>::AlreadyInContributeWhitelist
        );
        list.try_push(staker.clone())
            .map_err(|_| Error::<T>::ExceedWhitelistMaxLen)?;
        PoolContributionWhitelists::<T>::insert(pid, list);
        if created {
            Self::deposit_event(Event::PoolWhitelistCreated { pid });
        }
        Self::deposit_event(Event::PoolWhitelistStakerAdded { pid, staker });
        Ok(())
    }

    pub(crate) fn do_remove_from_whitelist(
        owner: &AccountId32,
        pid: PoolId,
        staker: &AccountId32,
    ) -> DispatchResult {
        Self::pool_of(owner, pid)?;
        let mut list =
            PoolContributionWhitelists::<T>::get(pid).ok_or(Error::<T>::NoWhitelistCreated)?;
        let place = list.iter().position(|other| other == staker);
        list.remove(place.ok_or(Error::<T>::NotInContributeWhitelist)?);
        Self::deposit_event(Event::PoolWhitelistStakerRemoved {
            pid,
            staker: staker.clone(),
        });
        if list.is_empty() {
            PoolContributionWhitelists::<T>::remove(pid);
            Self::deposit_event(Event::PoolWhitelistDeleted { pid });
        } else {
            PoolContributionWhitelists::<T>::insert(pid, list);
        }
        Ok(())
    }

    /// Whether an account may come to have shares of a pool.
    pub(crate) fn ensure_welcome(
        pool: &Pool<AccountId32>,
        pid: PoolId,
        staker: &AccountId32,
    ) -> Result<(), DispatchError> {
        let welcome = pool.owner == *staker
            || PoolContributionWhitelists::<T>::get(pid).is_none_or(|list| list.contains(staker));
        ensure!(welcome, Error::<T>::NotInContributeWhitelist);
        Ok(())
    }
}
