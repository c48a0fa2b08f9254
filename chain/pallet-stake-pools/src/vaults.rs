//! Vaults: what they are worth, what their owners gain, and what happens when they are late.

use crate::queue::Asked;
use crate::*;
use economics::{
    Permill, Rounding, mul_div,
    pool::{DUST, Shares},
    queue::{Funds, Patience, Verdict, examine},
};
use polkadot_sdk::{
    frame_support::ensure,
    sp_core::Get,
    sp_runtime::{AccountId32, DispatchResult},
};
use primitives::Balance;

impl<T: Config> Pallet<T> {
    pub(crate) fn vault(pid: PoolId) -> Result<Pool<AccountId32>, Error<T>> {
        let pool = Self::pool(pid)?;
        ensure!(pool.as_vault().is_some(), Error::PoolTypeNotMatch);
        Ok(pool)
    }

    /// What an account's delegations to stake pools are worth: all its shares, and the queued ones. At most
    /// as many reads as it has pools; a vault has no shares of vaults.
    fn invested(staker: &AccountId32) -> (Balance, Balance) {
        let mut sum = (0u128, 0u128);
        for pid in StakerPools::<T>::get(staker) {
            let (Some(pool), Some(delegation)) =
                (Pools::<T>::get(pid), Delegations::<T>::get(pid, staker))
            else {
                bug!("an account's pool does not know it");
                continue;
            };
            let worth = |shares| pool.base.value_of(Shares(shares)).unwrap_or(0);
            sum.0 = sum.0.saturating_add(worth(delegation.shares));
            sum.1 = sum.1.saturating_add(worth(delegation.queued));
        }
        sum
    }

    /// Brings a vault's value to what it has, and takes commission; returns the owner's new shares. A gain
    /// of dust waits for the next time.
    pub(crate) fn bring_up(pool: &mut Pool<AccountId32>) -> Result<u128, Error<T>> {
        if pool.as_vault().is_none() {
            return Ok(0);
        }
        let worth = pool.free.saturating_add(Self::invested(&pool.account).0);
        let value = pool.base.value();
        if worth > value {
            match pool.base.reward(worth - value, Permill::default()) {
                Ok(_) | Err(economics::Error::Dust | economics::Error::NoShares) => {}
                Err(error) => return Err(Self::refused(error)),
            }
        } else {
            pool.base.slash(value - worth);
        }
        Self::take_commission(pool)
    }

    fn take_commission(pool: &mut Pool<AccountId32>) -> Result<u128, Error<T>> {
        let commission = pool.commission_at(Self::now());
        let Kind::Vault(vault) = &mut pool.kind else {
            return Ok(0);
        };
        let made = pool.base.take_commission(&mut vault.mark, commission);
        let Shares(made) = made.map_err(Self::refused)?;
        vault.owner_shares = vault.owner_shares.saturating_add(made);
        Ok(made)
    }

    /// Brings a vault up to date. Does nothing to a stake pool, which always is.
    pub(crate) fn settle(pid: PoolId, pool: &mut Pool<AccountId32>) -> DispatchResult {
        let made = Self::bring_up(pool)?;
        Self::tell_gain(pid, pool, made);
        Ok(())
    }

    /// Takes a vault's commission, if its value is up to date.
    pub(crate) fn gain_owner_shares(pid: PoolId, pool: &mut Pool<AccountId32>) -> DispatchResult {
        let made = Self::take_commission(pool)?;
        Self::tell_gain(pid, pool, made);
        Ok(())
    }

    fn tell_gain(pid: PoolId, pool: &Pool<AccountId32>, shares: u128) {
        if shares > 0
            && let Some(mark) = pool.as_vault().and_then(|vault| vault.mark)
        {
            Self::deposit_event(Event::OwnerSharesGained {
                pid,
                shares,
                checkout_price: mark.to_bits(),
            });
        }
    }

    pub(crate) fn do_claim_owner_shares(
        owner: &AccountId32,
        pid: PoolId,
        target: AccountId32,
        shares: u128,
    ) -> DispatchResult {
        let mut pool = Self::pool_of(owner, pid)?;
        Self::settle(pid, &mut pool)?;
        let vault = pool.vault_mut().ok_or(Error::<T>::PoolTypeNotMatch)?;
        ensure!(
            shares > DUST && shares <= vault.owner_shares,
            Error::<T>::NoEnoughShareToClaim
        );
        ensure!(
            !PoolAccounts::<T>::contains_key(&target),
            Error::<T>::InvalidRecipient
        );
        let left = vault.owner_shares.saturating_sub(shares);
        let claimed = if left > DUST {
            shares
        } else {
            vault.owner_shares
        };
        vault.owner_shares = vault.owner_shares.saturating_sub(claimed);
        Self::receive(pid, &target, claimed, target == *owner)?;
        Pools::<T>::insert(pid, pool);
        Self::deposit_event(Event::OwnerSharesClaimed {
            pid,
            user: target,
            shares: claimed,
        });
        Ok(())
    }

    /// Pays who waits in a pool of either kind, and releases money for who has waited too long.
    pub(crate) fn do_check(pid: PoolId) -> DispatchResult {
        let mut pool = Self::pool(pid)?;
        Self::settle(pid, &mut pool)?;
        Self::process_queue(pid, &mut pool)?;
        let front = Self::front(pid, &pool);
        let Periods {
            grace, vault_queue, ..
        } = WaitingPeriods::<T>::get();
        if let Some(inner) = pool.stake_pool().copied() {
            let funds = Funds {
                free: pool.free,
                releasing: inner.cooling,
            };
            let patience = Patience { grace, most: None };
            let verdict = examine(front, &pool.base, funds, patience, Self::now());
            Pools::<T>::insert(pid, pool);
            return match verdict {
                Verdict::Release(amount) => Self::stop_for(pid, amount),
                Verdict::Patient | Verdict::Overdue => Ok(()),
            };
        }
        let funds = Funds {
            free: pool.free,
            releasing: Self::invested(&pool.account).1,
        };
        let patience = Patience {
            grace,
            most: Some(vault_queue),
        };
        let verdict = examine(front, &pool.base, funds, patience, Self::now());
        let (amount, reason) = match verdict {
            Verdict::Patient => {
                Pools::<T>::insert(pid, pool);
                return Ok(());
            }
            Verdict::Release(amount) => (amount, ForceShutdownReason::NoEnoughReleasingStake),
            Verdict::Overdue => (Balance::MAX, ForceShutdownReason::Waiting3xGracePeriod),
        };
        Self::force_vault(pid, pool, amount, reason)
    }

    /// Locks a vault and asks its stake pools for so much more.
    fn force_vault(
        pid: PoolId,
        mut pool: Pool<AccountId32>,
        amount: Balance,
        reason: ForceShutdownReason,
    ) -> DispatchResult {
        if let Some(vault) = pool.vault_mut()
            && !vault.locked
        {
            vault.locked = true;
            Self::deposit_event(Event::ForceShutdown { pid, reason });
        }
        let account = pool.account.clone();
        // Stake pools that have money free pay it to the vault in storage.
        Pools::<T>::insert(pid, pool);
        let mut needed = amount;
        for stake_pool in StakerPools::<T>::get(&account) {
            if needed == 0 {
                break;
            }
            let asked = Self::ask_back(pid, &account, stake_pool, needed)?;
            needed = needed.saturating_sub(asked);
        }
        let mut pool = Self::vault(pid)?;
        Self::settle(pid, &mut pool)?;
        Self::process_queue(pid, &mut pool)?;
        Pools::<T>::insert(pid, pool);
        Ok(())
    }

    /// Queues a vault's shares of a stake pool, worth so much or all of them; returns what they are worth. A
    /// pool in which the vault has too many requests already is left to serve these.
    fn ask_back(
        vault: PoolId,
        account: &AccountId32,
        pid: PoolId,
        amount: Balance,
    ) -> Result<Balance, polkadot_sdk::sp_runtime::DispatchError> {
        let mut pool = Self::pool(pid)?;
        let Some(mut delegation) = Delegations::<T>::get(pid, account) else {
            bug!("an account's pool does not know it");
            return Ok(0);
        };
        let movable = delegation.movable();
        let all = pool.base.shares().0;
        // What is missing may be less than would ever be paid in parts.
        let amount = amount.max(T::ContributionMin::get());
        let enough = mul_div(amount, all, pool.base.value(), Rounding::Up).unwrap_or(u128::MAX);
        let shares = if movable.saturating_sub(enough) <= DUST {
            movable
        } else {
            enough
        };
        if shares <= DUST || pool.base.value() == 0 {
            return Ok(0);
        }
        let asked = Self::enqueue(
            pid,
            &mut pool,
            account,
            &mut delegation,
            shares,
            Asked::Forced,
        );
        if asked.is_err() {
            return Ok(0);
        }
        let worth = pool.base.value_of(Shares(shares)).map_err(Self::refused)?;
        Self::deposit_event(Event::WithdrawalQueued {
            pid,
            user: account.clone(),
            shares: delegation.queued,
            as_vault: Some(vault),
        });
        Delegations::<T>::insert(pid, account, delegation);
        Self::pay_some(pid, &mut pool, ASKED_STEP_MAX)?;
        Pools::<T>::insert(pid, pool);
        Ok(worth)
    }
}
