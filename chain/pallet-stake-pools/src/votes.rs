//! What delegated PHA counts in votes, and how it is kept from voting twice.
//!
//! An account votes with its own money and with what its shares are worth. Money behind shares lies on
//! accounts without keys, so it votes for nobody else. While a vote lasts, governance freezes the account's money
//! and locks its shares; locked shares are neither queued nor transferred, so nobody votes with them again.
//! Queued shares are on their way out and do not count.

use crate::*;
use alloc::vec::Vec;
use economics::{
    Rounding, mul_div,
    pool::{DUST, Pool as ShareMath, Shares},
};
use polkadot_sdk::{
    frame_support::{BoundedVec, ensure, traits::fungible::Inspect},
    sp_runtime::{AccountId32, DispatchResult},
};
use primitives::Balance;

/// How much PHA an account may vote with.
pub trait VotingPower<AccountId> {
    /// What it has, held and frozen money included, and what its shares that are not queued are worth.
    fn voting_power(who: &AccountId) -> Balance;

    /// The part of it that is shares.
    fn shares_value(who: &AccountId) -> Balance;
}

/// Locks on shares, as freezes are on money. Several locks overlap: an account keeps what the greatest
/// needs.
pub trait ShareLocks<AccountId> {
    /// Locks shares worth `amount` at least, at present prices, instead of what this lock kept before.
    ///
    /// # Errors
    /// When the shares that are not queued are worth less, or there are too many locks.
    fn lock_shares(id: LockId, who: &AccountId, amount: Balance) -> DispatchResult;

    /// Ends a lock.
    fn unlock_shares(id: LockId, who: &AccountId);
}

impl<T: Config> Pallet<T> {
    /// A pool's value and shares as they are now; those of a vault are stored as of its last call.
    pub fn current(pid: PoolId) -> Option<ShareMath> {
        let mut pool = Pools::<T>::get(pid)?;
        // A vault that cannot be brought up counts as it was.
        let _ = Self::bring_up(&mut pool);
        Some(pool.base)
    }

    /// What an account's shares of a pool are worth, queued ones included: the number for wallets.
    pub fn delegation_value(pid: PoolId, who: &AccountId32) -> Balance {
        let worth =
            |delegation: Delegation| Self::current(pid)?.value_of(Shares(delegation.shares)).ok();
        Delegations::<T>::get(pid, who).and_then(worth).unwrap_or(0)
    }

    /// Shares of an account that are not queued, more than dust, and what their pool is now.
    fn voting_shares(who: &AccountId32) -> Vec<(PoolId, u128, ShareMath)> {
        let voting = |pid| {
            let delegation = Delegations::<T>::get(pid, who)?;
            let shares = delegation.shares.saturating_sub(delegation.queued);
            // Dust could not be kept: it goes with the last payment.
            (shares > DUST).then_some(())?;
            Some((pid, shares, Self::current(pid)?))
        };
        let pools = StakerPools::<T>::get(who);
        pools.into_iter().filter_map(voting).collect()
    }

    /// Writes into delegations what the locks of an account keep.
    fn apply_locks(who: &AccountId32, locks: &[ShareLock]) {
        for pid in StakerPools::<T>::get(who) {
            let of_pool = |lock: &ShareLock| {
                let here = lock.pools.iter().find(|(other, _)| *other == pid);
                here.map_or(0, |(_, shares)| *shares)
            };
            let locked = locks.iter().map(of_pool).max().unwrap_or(0);
            Delegations::<T>::mutate(pid, who, |delegation| match delegation {
                Some(delegation) => delegation.locked = locked,
                None => {
                    bug!("an account's pool does not know it");
                }
            });
        }
    }
}

impl<T: Config> VotingPower<AccountId32> for Pallet<T> {
    fn voting_power(who: &AccountId32) -> Balance {
        T::Currency::total_balance(who).saturating_add(Self::shares_value(who))
    }

    fn shares_value(who: &AccountId32) -> Balance {
        // A vault votes by those who have shares of it.
        if PoolAccounts::<T>::contains_key(who) {
            return 0;
        }
        let worth = |(_, shares, pool): (PoolId, u128, ShareMath)| {
            pool.value_of(Shares(shares)).unwrap_or(0)
        };
        let worths = Self::voting_shares(who).into_iter().map(worth);
        worths.fold(0, Balance::saturating_add)
    }
}

impl<T: Config> ShareLocks<AccountId32> for Pallet<T> {
    fn lock_shares(id: LockId, who: &AccountId32, amount: Balance) -> DispatchResult {
        let mut pools = Vec::new();
        let mut needed = amount;
        for (pid, shares, pool) in Self::voting_shares(who) {
            // More than dust, so that dust can be cleared away.
            let enough = mul_div(needed, pool.shares().0, pool.value(), Rounding::Up);
            let enough = enough.unwrap_or(u128::MAX).max(DUST + 1).min(shares);
            if needed == 0 || pool.value() == 0 {
                continue;
            }
            needed = needed.saturating_sub(pool.value_of(Shares(enough)).unwrap_or(0));
            pools.push((pid, enough));
        }
        ensure!(needed == 0, Error::<T>::NotEnoughToLock);
        let mut locks = Locks::<T>::get(who);
        locks.retain(|lock| lock.id != id);
        let pools = BoundedVec::try_from(pools).map_err(|_| Error::<T>::TooManyPools)?;
        locks
            .try_push(ShareLock { id, pools })
            .map_err(|_| Error::<T>::TooManyLocks)?;
        Self::apply_locks(who, &locks);
        Locks::<T>::insert(who, locks);
        Self::deposit_event(Event::SharesLocked {
            user: who.clone(),
            id,
            amount,
        });
        Ok(())
    }

    fn unlock_shares(id: LockId, who: &AccountId32) {
        let mut locks = Locks::<T>::get(who);
        let before = locks.len();
        locks.retain(|lock| lock.id != id);
        if locks.len() == before {
            return;
        }
        Self::apply_locks(who, &locks);
        if locks.is_empty() {
            Locks::<T>::remove(who);
        } else {
            Locks::<T>::insert(who, locks);
        }
        Self::deposit_event(Event::SharesUnlocked {
            user: who.clone(),
            id,
        });
    }
}
