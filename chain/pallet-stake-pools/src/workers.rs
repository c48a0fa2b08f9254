//! Workers of a stake pool, and the money behind them.

use crate::*;
use mining_api::Sessions as SessionsApi;
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{fungible::MutateHold, tokens::Precision},
    },
    sp_runtime::{AccountId32, DispatchResult},
};
use primitives::{Balance, WorkerId};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_add_worker(
        owner: &AccountId32,
        pid: PoolId,
        worker: WorkerId,
    ) -> DispatchResult {
        Self::stake_pool_of(owner, pid)?;
        let operator = T::Sessions::operator(&worker).ok_or(Error::<T>::WorkerNotRegistered)?;
        ensure!(operator == *owner, Error::<T>::UnauthorizedOperator);
        match WorkerAssignments::<T>::get(worker) {
            None => {}
            Some(other) if other == pid => return Err(Error::<T>::WorkerExists.into()),
            Some(_) => return Err(Error::<T>::WorkerInAnotherPool.into()),
        }
        let session = Self::session_account(pid, &worker);
        // It was here before, and its stake still cools down.
        let before = Sessions::<T>::get(&session).map_or(0, |record| record.stake);
        ensure!(before == 0, Error::<T>::WorkerIsNotReady);
        PoolWorkers::<T>::try_append(pid, worker).map_err(|()| Error::<T>::WorkersExceedLimit)?;
        WorkerAssignments::<T>::insert(worker, pid);
        let record = Session {
            pid,
            worker,
            stake: 0,
            phase: Phase::Ready,
            bound: true,
        };
        Sessions::<T>::insert(&session, record);
        T::Sessions::bind(&session, &worker)?;
        Self::deposit_event(Event::PoolWorkerAdded {
            pid,
            worker,
            session,
        });
        Ok(())
    }

    /// A session whose worker belongs to the pool.
    fn session_of(pid: PoolId, worker: &WorkerId) -> Result<(AccountId32, Session), Error<T>> {
        ensure!(
            WorkerAssignments::<T>::get(worker) == Some(pid),
            Error::WorkerDoesNotExist
        );
        let session = Self::session_account(pid, worker);
        let record = Sessions::<T>::get(&session).ok_or(Error::WorkerDoesNotExist)?;
        Ok((session, record))
    }

    pub(crate) fn do_remove_worker(
        owner: &AccountId32,
        pid: PoolId,
        worker: WorkerId,
    ) -> DispatchResult {
        Self::stake_pool_of(owner, pid)?;
        let (session, record) = Self::session_of(pid, &worker)?;
        ensure!(record.stake == 0, Error::<T>::WorkerIsNotReady);
        T::Sessions::unbind(&session)?;
        Self::forget_worker(&session);
        Ok(())
    }

    /// Takes a worker out of its pool's lists. A session that cools down stays known until it is reclaimed, though
    /// all its stake be lost.
    /// Does nothing the second time.
    pub(crate) fn forget_worker(session: &AccountId32) {
        let Some(mut record) = Sessions::<T>::get(session) else {
            return;
        };
        if !record.bound {
            return;
        }
        let (pid, worker) = (record.pid, record.worker);
        PoolWorkers::<T>::mutate(pid, |workers| workers.retain(|other| *other != worker));
        ComputingWorkers::<T>::mutate(pid, |workers| workers.retain(|other| *other != worker));
        WorkerAssignments::<T>::remove(worker);
        record.bound = false;
        if record.phase == Phase::Ready {
            Sessions::<T>::remove(session);
        } else {
            Sessions::<T>::insert(session, record);
        }
        Self::deposit_event(Event::PoolWorkerRemoved { pid, worker });
    }

    /// Money goes behind workers only when nobody waits for it.
    fn ensure_nobody_waits(pid: PoolId, pool: &mut Pool<AccountId32>) -> DispatchResult {
        Self::process_queue(pid, pool)?;
        ensure!(pool.queue.len == 0, Error::<T>::WithdrawQueueNotEmpty);
        Ok(())
    }

    /// Moves free money behind a session that computes.
    fn put_up(
        pool: &mut Pool<AccountId32>,
        record: &mut Session,
        amount: Balance,
    ) -> DispatchResult {
        pool.free = pool
            .free
            .checked_sub(amount)
            .ok_or(Error::<T>::InsufficientFreeStake)?;
        T::Currency::hold(&HoldReason::Stake.into(), &pool.account, amount)?;
        record.stake = record.stake.saturating_add(amount);
        let inner = pool.stake_pool_mut().ok_or(Error::<T>::PoolTypeNotMatch)?;
        inner.computing = inner.computing.saturating_add(amount);
        Ok(())
    }

    /// A worker that starts is the last to be stopped.
    fn put_last(pid: PoolId, worker: WorkerId) -> DispatchResult {
        ComputingWorkers::<T>::try_mutate(pid, |workers| {
            workers.retain(|other| *other != worker);
            workers
                .try_push(worker)
                .map_err(|_| Error::<T>::WorkersExceedLimit.into())
        })
    }

    pub(crate) fn do_start(
        owner: &AccountId32,
        pid: PoolId,
        worker: WorkerId,
        stake: Balance,
    ) -> DispatchResult {
        let mut pool = Self::stake_pool_of(owner, pid)?;
        Self::ensure_nobody_waits(pid, &mut pool)?;
        let (session, mut record) = Self::session_of(pid, &worker)?;
        ensure!(record.stake == 0, Error::<T>::WorkerIsNotReady);
        Self::put_up(&mut pool, &mut record, stake)?;
        record.phase = Phase::Computing;
        Self::put_last(pid, worker)?;
        Pools::<T>::insert(pid, pool);
        Sessions::<T>::insert(&session, record);
        T::Sessions::start(&session, stake)?;
        Self::deposit_event(Event::WorkingStarted {
            pid,
            worker,
            amount: stake,
        });
        Ok(())
    }

    pub(crate) fn do_restart(
        owner: &AccountId32,
        pid: PoolId,
        worker: WorkerId,
        stake: Balance,
    ) -> DispatchResult {
        let mut pool = Self::stake_pool_of(owner, pid)?;
        Self::ensure_nobody_waits(pid, &mut pool)?;
        let (session, mut record) = Self::session_of(pid, &worker)?;
        ensure!(
            record.phase == Phase::Computing && T::Sessions::is_computing(&session),
            Error::<T>::WorkerAlreadyStopped
        );
        ensure!(stake > record.stake, Error::<T>::CannotRestartWithLessStake);
        let more = stake.saturating_sub(record.stake);
        Self::put_up(&mut pool, &mut record, more)?;
        Self::put_last(pid, worker)?;
        Pools::<T>::insert(pid, pool);
        Sessions::<T>::insert(&session, record);
        T::Sessions::restart(&session, stake)?;
        Self::deposit_event(Event::WorkingStarted {
            pid,
            worker,
            amount: stake,
        });
        Ok(())
    }

    pub(crate) fn do_stop(owner: &AccountId32, pid: PoolId, worker: WorkerId) -> DispatchResult {
        Self::stake_pool_of(owner, pid)?;
        let (session, record) = Self::session_of(pid, &worker)?;
        ensure!(
            record.phase == Phase::Computing,
            Error::<T>::WorkerAlreadyStopped
        );
        // Where the pallet of sessions has stopped it on its own, this is only to be written down.
        if T::Sessions::is_computing(&session) {
            T::Sessions::stop(&session)?;
        }
        let mut pool = Self::pool(pid)?;
        Self::cool(&mut pool, &session, false);
        Pools::<T>::insert(pid, pool);
        Ok(())
    }

    /// Writes down that a session's stake cools down; returns it.
    pub(crate) fn cool(
        pool: &mut Pool<AccountId32>,
        session: &AccountId32,
        forced: bool,
    ) -> Balance {
        let (Some(mut record), Some(inner)) = (Sessions::<T>::get(session), pool.stake_pool_mut())
        else {
            bug!("a session of no stake pool");
            return 0;
        };
        if record.phase != Phase::Computing {
            return 0;
        }
        let (pid, worker, amount) = (record.pid, record.worker, record.stake);
        inner.computing = inner.computing.saturating_sub(amount);
        inner.cooling = inner.cooling.saturating_add(amount);
        record.phase = Phase::CoolingDown;
        Sessions::<T>::insert(session, record);
        ComputingWorkers::<T>::mutate(pid, |workers| workers.retain(|other| *other != worker));
        Self::deposit_event(Event::WorkingStopped {
            pid,
            worker,
            amount,
            forced,
        });
        amount
    }

    /// Stops workers until so much cools down, the least recently started first, as many as one call may.
    /// The pool is read anew for each, since a session may be paid while it stops.
    pub(crate) fn stop_for(pid: PoolId, mut needed: Balance) -> DispatchResult {
        let workers = ComputingWorkers::<T>::get(pid);
        for worker in workers.iter().take(STOPS_MAX as usize) {
            if needed == 0 {
                break;
            }
            let session = Self::session_account(pid, worker);
            // One that does not compute any more is only to be written down.
            let computes = T::Sessions::is_computing(&session);
            if computes && T::Sessions::stop(&session).is_err() {
                bug!("a worker that computes cannot be stopped");
                continue;
            }
            let mut pool = Self::pool(pid)?;
            needed = needed.saturating_sub(Self::cool(&mut pool, &session, true));
            Pools::<T>::insert(pid, pool);
        }
        Ok(())
    }

    pub(crate) fn do_reclaim(pid: PoolId, worker: WorkerId) -> DispatchResult {
        let session = Self::session_account(pid, &worker);
        ensure!(
            Sessions::<T>::contains_key(&session),
            Error::<T>::SessionDoesNotExist
        );
        let returned = T::Sessions::reclaim(&session)?;
        let mut pool = Self::pool(pid)?;
        // If it was stopped without the pool's knowing.
        Self::cool(&mut pool, &session, false);
        let mut record = Sessions::<T>::get(&session).ok_or(Error::<T>::SessionDoesNotExist)?;
        let stake = record.stake;
        if returned.stake != stake {
            bug!("a session had another stake than its pool held");
        }
        let slashed = returned.slashed.min(stake);
        Self::release(&pool, stake)?;
        let inner = pool.stake_pool_mut().ok_or(Error::<T>::PoolTypeNotMatch)?;
        inner.cooling = inner.cooling.saturating_sub(stake);
        pool.free = pool.free.saturating_add(stake.saturating_sub(slashed));
        Self::lose(pid, &mut pool, slashed);
        Self::pay_treasury(&pool.account, slashed);
        record.stake = 0;
        record.phase = Phase::Ready;
        if record.bound {
            Sessions::<T>::insert(&session, record);
        } else {
            Sessions::<T>::remove(&session);
        }
        Self::deposit_event(Event::WorkerReclaimed {
            pid,
            worker,
            stake,
            slashed,
        });
        Self::process_queue(pid, &mut pool)?;
        Pools::<T>::insert(pid, pool);
        Ok(())
    }

    /// Ends the hold on money that was at stake.
    pub(crate) fn release(pool: &Pool<AccountId32>, amount: Balance) -> DispatchResult {
        let reason = HoldReason::Stake.into();
        T::Currency::release(&reason, &pool.account, amount, Precision::Exact)?;
        Ok(())
    }

    /// Takes a loss from everybody who has shares.
    pub(crate) fn lose(pid: PoolId, pool: &mut Pool<AccountId32>, amount: Balance) {
        if amount > 0 {
            pool.base.slash(amount);
            Self::deposit_event(Event::PoolSlashed { pid, amount });
        }
    }
}
