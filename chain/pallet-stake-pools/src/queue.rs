//! The queue of those who wait: a list in storage, so that a request leaves from the middle at the cost
//! of its neighbours, and a long queue costs no more than a short one.

use crate::*;
use alloc::vec::Vec;
use economics::{
    pool::{Shares, Withdrawal},
    queue::Request as QueueRequest,
};
use polkadot_sdk::{
    frame_support::{ensure, traits::fungible::Inspect},
    sp_core::Get,
    sp_runtime::{AccountId32, DispatchError, DispatchResult},
};
use primitives::Balance;

/// A request for one share of so many is taken by a full queue as well.
const LARGE_REQUESTS: u128 = 1_000;

/// Who asks for more of a staker's shares, and so how many requests there may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The staker.
    Freely,
    /// Anybody, for a vault that is late.
    Forced,
}

/// What became of the request at the front.
enum Step {
    /// It was paid in full, or returned; go on with the next.
    Done,
    /// Nothing more can be paid now.
    Wait,
}

impl<T: Config> Pallet<T> {
    /// Puts shares at the end of a pool's queue. The delegation must have them to spare.
    pub(crate) fn enqueue(
        pid: PoolId,
        pool: &mut Pool<AccountId32>,
        staker: &AccountId32,
        delegation: &mut Delegation,
        shares: u128,
        asked: Asked,
    ) -> DispatchResult {
        let made = Self::now();
        delegation.queued = delegation.queued.saturating_add(shares);
        pool.queue.shares = pool.queue.shares.saturating_add(shares);
        // A request just made, with nobody behind it, can as well be larger.
        if let Some(tail) = pool.queue.tail
            && let Some(mut request) = Requests::<T>::get(pid, tail)
            && request.staker == *staker
            && request.made == made
        {
            request.shares = request.shares.saturating_add(shares);
            Requests::<T>::insert(pid, tail, request);
            return Ok(());
        }
        let most = match asked {
            Asked::Freely => STAKER_REQUESTS_MAX,
            Asked::Forced => FORCED_REQUESTS_MAX,
        };
        ensure!(
            delegation.requests.len() < most as usize,
            Error::<T>::TooManyRequests
        );
        // What is forced is a few more for each vault, and of large requests there cannot be many: so a
        // queue that somebody fills with small ones keeps only small ones out.
        let large = shares >= pool.base.shares().0.div_ceil(LARGE_REQUESTS);
        ensure!(
            asked == Asked::Forced || large || pool.queue.len < T::QueueMax::get(),
            Error::<T>::WithdrawQueueFull
        );
        let id = pool.queue.next;
        delegation
            .requests
            .try_push(id)
            .map_err(|_| Error::<T>::TooManyRequests)?;
        let request = Request {
            staker: staker.clone(),
            shares,
            made,
            previous: pool.queue.tail,
            next: None,
        };
        if let Some(tail) = pool.queue.tail {
            Self::relink(pid, tail, |last| last.next = Some(id));
        }
        Requests::<T>::insert(pid, id, request);
        pool.queue.head = pool.queue.head.or(Some(id));
        pool.queue.tail = Some(id);
        pool.queue.next = id.saturating_add(1);
        pool.queue.len = pool.queue.len.saturating_add(1);
        Ok(())
    }

    fn relink(pid: PoolId, id: RequestId, change: impl FnOnce(&mut Request<AccountId32>)) {
        Requests::<T>::mutate(pid, id, |request| match request {
            Some(request) => change(request),
            None => {
                bug!("a queue's link leads nowhere");
            }
        });
    }

    /// Takes a request out of the queue; its shares stay with the staker.
    fn unlink(
        pid: PoolId,
        pool: &mut Pool<AccountId32>,
        delegation: &mut Delegation,
        id: RequestId,
    ) {
        let Some(request) = Requests::<T>::take(pid, id) else {
            bug!("a request is not in its queue");
            return;
        };
        match request.previous {
            Some(previous) => Self::relink(pid, previous, |other| other.next = request.next),
            None => pool.queue.head = request.next,
        }
        match request.next {
            Some(next) => Self::relink(pid, next, |other| other.previous = request.previous),
            None => pool.queue.tail = request.previous,
        }
        pool.queue.len = pool.queue.len.saturating_sub(1);
        pool.queue.shares = pool.queue.shares.saturating_sub(request.shares);
        delegation.queued = delegation.queued.saturating_sub(request.shares);
        delegation.requests.retain(|other| *other != id);
    }

    /// Makes a request smaller, but not empty.
    fn shrink(
        pid: PoolId,
        pool: &mut Pool<AccountId32>,
        delegation: &mut Delegation,
        id: RequestId,
        by: u128,
    ) {
        Self::relink(pid, id, |request| {
            request.shares = request.shares.saturating_sub(by);
        });
        pool.queue.shares = pool.queue.shares.saturating_sub(by);
        delegation.queued = delegation.queued.saturating_sub(by);
    }

    /// Takes shares back out of the queue, the newest requests first.
    pub(crate) fn dequeue(
        pid: PoolId,
        pool: &mut Pool<AccountId32>,
        delegation: &mut Delegation,
        mut shares: u128,
    ) {
        while shares > 0
            && let Some(id) = delegation.requests.last().copied()
        {
            let there = Requests::<T>::get(pid, id).map_or(0, |request| request.shares);
            if there > shares {
                Self::shrink(pid, pool, delegation, id, shares);
                return;
            }
            Self::unlink(pid, pool, delegation, id);
            shares = shares.saturating_sub(there);
        }
    }

    /// The first requests, as many as one call looks at.
    pub(crate) fn front(pid: PoolId, pool: &Pool<AccountId32>) -> Vec<QueueRequest> {
        let mut next = pool.queue.head;
        let mut front = Vec::new();
        while let Some(request) = next.and_then(|id| Requests::<T>::get(pid, id))
            && front.len() < QUEUE_STEP_MAX as usize
        {
            front.push(QueueRequest {
                shares: Shares(request.shares),
                made: request.made,
            });
            next = request.next;
        }
        front
    }

    /// Pays from the front as long as there is money, and as one call may. An empty pool's rest goes to
    /// the treasury.
    pub(crate) fn process_queue(pid: PoolId, pool: &mut Pool<AccountId32>) -> DispatchResult {
        Self::pay_some(pid, pool, QUEUE_STEP_MAX)
    }

    /// The same, for so many requests at most.
    pub(crate) fn pay_some(pid: PoolId, pool: &mut Pool<AccountId32>, most: u32) -> DispatchResult {
        for _ in 0..most {
            let Some(id) = pool.queue.head else { break };
            if matches!(Self::pay_first(pid, pool, id)?, Step::Wait) {
                break;
            }
        }
        let nobody_waits = pool.queue.len == 0;
        if let Some(vault) = pool.vault_mut()
            && vault.locked
            && nobody_waits
        {
            vault.locked = false;
            Self::deposit_event(Event::VaultUnlocked { pid });
        }
        Ok(())
    }

    fn pay_first(
        pid: PoolId,
        pool: &mut Pool<AccountId32>,
        id: RequestId,
    ) -> Result<Step, DispatchError> {
        let Some(request) = Requests::<T>::get(pid, id) else {
            bug!("a queue's head leads nowhere");
            return Ok(Step::Wait);
        };
        let staker = request.staker;
        let Some(mut delegation) = Delegations::<T>::get(pid, &staker) else {
            bug!("a request is nobody's");
            return Ok(Step::Wait);
        };
        let before = pool.base.value();
        let worth = pool
            .base
            .value_of(Shares(request.shares))
            .map_err(Self::refused)?;
        // Parts that an account could not take would be paid again and again.
        if worth > pool.free && pool.free < T::Currency::minimum_balance() {
            return Ok(Step::Wait);
        }
        let mut base = pool.base;
        let held = Shares(delegation.shares);
        let Ok(done) = base.withdraw(Shares(request.shares), held, pool.free) else {
            // Worth nothing: they wait for better times.
            return Ok(Step::Wait);
        };
        let rest = before.saturating_sub(done.amount);
        let empty = base.shares().0 == 0;
        if empty && rest > pool.free.saturating_sub(done.amount) {
            // The last shares leave, and some of their money is still at work.
            return Ok(Step::Wait);
        }
        if Self::pay_staker(pool, &staker, done.amount).is_err() {
            Self::unlink(pid, pool, &mut delegation, id);
            Delegations::<T>::insert(pid, &staker, delegation);
            Self::deposit_event(Event::WithdrawalReturned {
                pid,
                user: staker,
                shares: request.shares,
            });
            return Ok(Step::Done);
        }
        pool.base = base;
        pool.free = pool.free.saturating_sub(done.amount);
        let paid = request.shares.saturating_sub(done.left.0);
        if done.left.0 > 0 {
            Self::shrink(pid, pool, &mut delegation, id, paid);
        } else {
            Self::unlink(pid, pool, &mut delegation, id);
        }
        Self::burn(pid, pool, staker, delegation, &done)?;
        if empty {
            Self::clear_empty(pid, pool, rest);
        }
        Ok(if done.left.0 > 0 {
            Step::Wait
        } else {
            Step::Done
        })
    }

    /// Takes shares that were paid for, with dust, from their delegation.
    fn burn(
        pid: PoolId,
        pool: &mut Pool<AccountId32>,
        staker: AccountId32,
        mut delegation: Delegation,
        done: &Withdrawal,
    ) -> DispatchResult {
        delegation.shares = delegation.shares.saturating_sub(done.burned.0);
        if delegation.shares == 0 {
            // Dust beside it may have been queued as well.
            Self::dequeue(pid, pool, &mut delegation, u128::MAX);
        }
        Self::put_delegation(pid, &staker, delegation)?;
        Self::deposit_event(Event::Withdrawal {
            pid,
            user: staker,
            amount: done.amount,
            shares: done.burned.0,
        });
        Ok(())
    }

    /// Nobody has shares: what rounding left is nobody's, and a new beginning has no mark.
    fn clear_empty(pid: PoolId, pool: &mut Pool<AccountId32>, rest: Balance) {
        let swept = match pool.vault_mut() {
            None => rest,
            Some(vault) => {
                vault.mark = None;
                pool.free
            }
        };
        pool.free = pool.free.saturating_sub(swept);
        if swept > 0 {
            Self::pay_treasury(&pool.account, swept);
            Self::deposit_event(Event::DustRemoved { pid, amount: swept });
        }
    }

    /// Pays a staker; a vault counts it as its own free money.
    fn pay_staker(
        pool: &Pool<AccountId32>,
        staker: &AccountId32,
        amount: Balance,
    ) -> DispatchResult {
        Self::pay(&pool.account, staker, amount)?;
        if let Some(vault) = PoolAccounts::<T>::get(staker) {
            Pools::<T>::mutate(vault, |vault| match vault {
                Some(vault) => vault.free = vault.free.saturating_add(amount),
                None => {
                    bug!("an account of no pool");
                }
            });
        }
        Ok(())
    }
}
