//! Who has which shares: contributing, leaving, transferring.

use crate::queue::Asked;
use crate::*;
use economics::pool::{DUST, Shares};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{fungible::Mutate, tokens::Preservation},
    },
    sp_core::Get,
    sp_runtime::{AccountId32, DispatchError, DispatchResult},
};
use primitives::Balance;

impl<T: Config> Pallet<T> {
    /// Stores a delegation, and that the account has one.
    pub(crate) fn put_delegation(
        pid: PoolId,
        staker: &AccountId32,
        delegation: Delegation,
    ) -> DispatchResult {
        if delegation.shares > 0 {
            let known = StakerPools::<T>::get(staker);
            if !known.contains(&pid) {
                StakerPools::<T>::try_append(staker, pid).map_err(|()| Error::<T>::TooManyPools)?;
            }
            Delegations::<T>::insert(pid, staker, delegation);
            return Ok(());
        }
        if delegation.locked > 0 || delegation.queued > 0 {
            bug!("shares that are gone are locked or queued");
        }
        Delegations::<T>::remove(pid, staker);
        StakerPools::<T>::mutate_exists(staker, |pools| {
            if let Some(list) = pools {
                list.retain(|other| *other != pid);
                if list.is_empty() {
                    *pools = None;
                }
            }
        });
        Ok(())
    }

    /// Who acts: the caller, or the account of a vault that the caller owns and that takes part.
    pub(crate) fn staker(
        who: AccountId32,
        as_vault: Option<PoolId>,
    ) -> Result<AccountId32, DispatchError> {
        let Some(vault) = as_vault else {
            return Ok(who);
        };
        let pool = Self::pool_of(&who, vault)?;
        let inner = pool.as_vault().ok_or(Error::<T>::PoolTypeNotMatch)?;
        ensure!(!inner.locked, Error::<T>::VaultIsLocked);
        Ok(pool.account)
    }

    /// Takes money out of a vault for a stake pool, if nobody waits for it.
    fn take_from_vault(vault: PoolId, amount: Balance) -> DispatchResult {
        let mut pool = Self::vault(vault)?;
        Self::settle(vault, &mut pool)?;
        Self::process_queue(vault, &mut pool)?;
        ensure!(pool.queue.len == 0, Error::<T>::WithdrawQueueNotEmpty);
        pool.free = pool
            .free
            .checked_sub(amount)
            .ok_or(Error::<T>::InsufficientBalance)?;
        Pools::<T>::insert(vault, pool);
        Ok(())
    }

    pub(crate) fn do_contribute(
        who: AccountId32,
        pid: PoolId,
        amount: Balance,
        as_vault: Option<PoolId>,
    ) -> DispatchResult {
        ensure!(
            amount >= T::ContributionMin::get(),
            Error::<T>::InsufficientContribution
        );
        let staker = Self::staker(who, as_vault)?;
        let mut pool = Self::pool(pid)?;
        Self::ensure_welcome(&pool, pid, &staker)?;
        if let Some(vault) = pool.as_vault() {
            ensure!(as_vault.is_none(), Error::<T>::PoolTypeNotMatch);
            ensure!(!vault.locked, Error::<T>::VaultIsLocked);
        }
        if let Some(vault) = as_vault {
            Self::take_from_vault(vault, amount)?;
        }
        Self::settle(pid, &mut pool)?;
        let Shares(shares) = pool.base.deposit(amount).map_err(Self::refused)?;
        let cap = pool.stake_pool().and_then(|inner| inner.cap);
        ensure!(
            cap.is_none_or(|cap| pool.base.value() <= cap),
            Error::<T>::StakeExceedsCapacity
        );
        T::Currency::transfer(&staker, &pool.account, amount, Preservation::Preserve)?;
        pool.free = pool.free.saturating_add(amount);
        let mut delegation = Delegations::<T>::get(pid, &staker).unwrap_or_default();
        delegation.shares = delegation.shares.saturating_add(shares);
        Self::put_delegation(pid, &staker, delegation)?;
        Self::deposit_event(Event::Contribution {
            pid,
            user: staker,
            amount,
            shares,
            as_vault,
        });
        // The first price of a vault is its first mark.
        Self::gain_owner_shares(pid, &mut pool)?;
        Self::process_queue(pid, &mut pool)?;
        Pools::<T>::insert(pid, pool);
        Ok(())
    }

    pub(crate) fn do_withdraw(
        who: AccountId32,
        pid: PoolId,
        shares: u128,
        as_vault: Option<PoolId>,
    ) -> DispatchResult {
        let staker = Self::staker(who, as_vault)?;
        let mut pool = Self::pool(pid)?;
        Self::settle(pid, &mut pool)?;
        let mut delegation =
            Delegations::<T>::get(pid, &staker).ok_or(Error::<T>::InvalidShareToWithdraw)?;
        let wanted = Self::wanted(&pool, &delegation, shares)?;
        if wanted < delegation.queued {
            let fewer = delegation.queued.saturating_sub(wanted);
            Self::dequeue(pid, &mut pool, &mut delegation, fewer);
            Self::deposit_event(Event::WithdrawalCancelled {
                pid,
                user: staker.clone(),
                shares: delegation.queued,
            });
        } else if wanted > delegation.queued {
            let more = wanted.saturating_sub(delegation.queued);
            Self::enqueue(
                pid,
                &mut pool,
                &staker,
                &mut delegation,
                more,
                Asked::Freely,
            )?;
            Self::deposit_event(Event::WithdrawalQueued {
                pid,
                user: staker.clone(),
                shares: wanted,
                as_vault,
            });
        }
        Delegations::<T>::insert(pid, &staker, delegation);
        Self::process_queue(pid, &mut pool)?;
        Pools::<T>::insert(pid, pool);
        Ok(())
    }

    /// How many shares are to be queued in all, for who asks for so many.
    fn wanted(
        pool: &Pool<AccountId32>,
        delegation: &Delegation,
        shares: u128,
    ) -> Result<u128, DispatchError> {
        let most = delegation.shares.saturating_sub(delegation.locked);
        ensure!(
            shares > DUST && shares <= most,
            Error::<T>::InvalidShareToWithdraw
        );
        // No dust stays behind.
        let wanted = if delegation.shares.saturating_sub(shares) <= DUST && delegation.locked == 0 {
            delegation.shares
        } else {
            shares
        };
        if wanted <= delegation.queued {
            return Ok(wanted);
        }
        ensure!(pool.base.value() > 0, Error::<T>::PoolBankrupt);
        let more = wanted.saturating_sub(delegation.queued);
        let worth = pool.base.value_of(Shares(more)).map_err(Self::refused)?;
        ensure!(
            worth >= T::ContributionMin::get() || wanted == delegation.shares,
            Error::<T>::InvalidShareToWithdraw
        );
        Ok(wanted)
    }

    pub(crate) fn do_cancel_withdraw(
        who: AccountId32,
        pid: PoolId,
        as_vault: Option<PoolId>,
    ) -> DispatchResult {
        let staker = Self::staker(who, as_vault)?;
        let mut pool = Self::pool(pid)?;
        Self::settle(pid, &mut pool)?;
        let mut delegation =
            Delegations::<T>::get(pid, &staker).ok_or(Error::<T>::InvalidShareToWithdraw)?;
        ensure!(delegation.queued > 0, Error::<T>::InvalidShareToWithdraw);
        Self::dequeue(pid, &mut pool, &mut delegation, u128::MAX);
        Delegations::<T>::insert(pid, &staker, delegation);
        Self::deposit_event(Event::WithdrawalCancelled {
            pid,
            user: staker,
            shares: 0,
        });
        // An empty queue unlocks a vault.
        Self::process_queue(pid, &mut pool)?;
        Pools::<T>::insert(pid, pool);
        Ok(())
    }

    pub(crate) fn do_transfer_shares(
        from: AccountId32,
        pid: PoolId,
        to: AccountId32,
        shares: u128,
    ) -> DispatchResult {
        ensure!(
            from != to && !PoolAccounts::<T>::contains_key(&to),
            Error::<T>::InvalidRecipient
        );
        let mut pool = Self::pool(pid)?;
        Self::settle(pid, &mut pool)?;
        Self::ensure_welcome(&pool, pid, &to)?;
        let mut source =
            Delegations::<T>::get(pid, &from).ok_or(Error::<T>::InvalidShareToTransfer)?;
        ensure!(
            shares > DUST && shares <= source.movable(),
            Error::<T>::InvalidShareToTransfer
        );
        source.shares = source.shares.saturating_sub(shares);
        // Less than the least is a way to fill lists of others, and dust is not worth an entry.
        let worth = pool.base.value_of(Shares(shares)).map_err(Self::refused)?;
        ensure!(
            worth >= T::ContributionMin::get() && (source.shares == 0 || source.shares > DUST),
            Error::<T>::InvalidShareToTransfer
        );
        Self::put_delegation(pid, &from, source)?;
        Self::receive(pid, &to, shares, false)?;
        Pools::<T>::insert(pid, pool);
        Self::deposit_event(Event::SharesTransferred {
            pid,
            from,
            to,
            shares,
        });
        Ok(())
    }

    /// Adds shares to an account's delegation. Those that the account did not ask for begin no more than
    /// some of the delegations that it may have.
    pub(crate) fn receive(
        pid: PoolId,
        to: &AccountId32,
        shares: u128,
        asked_for: bool,
    ) -> DispatchResult {
        let mut delegation = match Delegations::<T>::get(pid, to) {
            Some(delegation) => delegation,
            None => {
                let known = StakerPools::<T>::decode_len(to).unwrap_or(0);
                ensure!(
                    asked_for || known < RECEIVED_POOLS_MAX as usize,
                    Error::<T>::TooManyPools
                );
                Delegation::default()
            }
        };
        delegation.shares = delegation.shares.saturating_add(shares);
        Self::put_delegation(pid, to, delegation)
    }
}
