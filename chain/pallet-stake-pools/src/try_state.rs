//! What must always hold between the maps, and between them and the money.

use crate::*;
use alloc::collections::{BTreeMap, BTreeSet};
use economics::pool::DUST;
use mining_api::Sessions as SessionsApi;
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::fungible::{Inspect, InspectHold},
    },
    sp_runtime::{AccountId32, TryRuntimeError},
};
use primitives::Balance;

/// What the sessions of a pool have at stake.
#[derive(Default)]
struct AtStake {
    computing: Balance,
    cooling: Balance,
}

/// Money of all pools, for a check against all there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Free.
    pub free: Balance,
    /// Behind workers, computing or cooling down.
    pub at_stake: Balance,
    /// Commission of owners of stake pools.
    pub owner_rewards: Balance,
    /// Least balances of the pools' accounts.
    pub deposits: Balance,
    /// What strangers sent to pools' accounts; it belongs to nobody.
    pub surplus: Balance,
}

impl<T: Config> Pallet<T> {
    /// Checks every relation between the maps. Walks them all: for tests and upgrades only.
    ///
    /// # Errors
    /// Names the relation that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        ensure!(
            WaitingPeriods::<T>::get().are_valid(),
            "the periods do not fit one another"
        );
        Self::totals()?;
        Self::try_state_of_shares()?;
        Self::try_state_of_queues()?;
        Self::try_state_of_stakers()?;
        Self::try_state_of_workers()
    }

    /// All money on pools' accounts, by what it is.
    ///
    /// # Errors
    /// When a pool has less than it says, or its value is not what it has.
    pub fn totals() -> Result<Totals, TryRuntimeError> {
        let mut at_stake = BTreeMap::<PoolId, AtStake>::new();
        for session in Sessions::<T>::iter_values() {
            let of_pool = at_stake.entry(session.pid).or_default();
            match session.phase {
                Phase::Ready => ensure!(session.stake == 0, "an idle session has a stake"),
                Phase::Computing => of_pool.computing += session.stake,
                Phase::CoolingDown => of_pool.cooling += session.stake,
            }
        }
        let mut totals = Totals::default();
        for (pid, pool) in Pools::<T>::iter() {
            let sessions = at_stake.remove(&pid).unwrap_or_default();
            let held = Self::try_money_of(pid, &pool, &sessions)?;
            let owed = Self::owed(&pool);
            let there = T::Currency::balance(&pool.account);
            ensure!(there >= owed, "a pool has less money than it says");
            totals.free += pool.free;
            totals.at_stake += held;
            totals.owner_rewards += pool.stake_pool().map_or(0, |inner| inner.owner_rewards);
            totals.deposits += T::Currency::minimum_balance();
            totals.surplus += there - owed;
        }
        ensure!(at_stake.is_empty(), "a session of no pool");
        Ok(totals)
    }

    fn try_money_of(
        pid: PoolId,
        pool: &Pool<AccountId32>,
        sessions: &AtStake,
    ) -> Result<Balance, TryRuntimeError> {
        ensure!(
            pool.account == Self::pool_account(pid)
                && PoolAccounts::<T>::get(&pool.account) == Some(pid),
            "a pool's account is not its own"
        );
        let held = T::Currency::balance_on_hold(&HoldReason::Stake.into(), &pool.account);
        match &pool.kind {
            Kind::StakePool(inner) => {
                ensure!(
                    inner.computing == sessions.computing && inner.cooling == sessions.cooling,
                    "a pool's stake is not that of its sessions"
                );
                ensure!(
                    held == inner.computing + inner.cooling,
                    "what is at stake is not what is held"
                );
                ensure!(
                    pool.base.value() == pool.free + held,
                    "a pool's value is not what it has"
                );
            }
            Kind::Vault(vault) => {
                ensure!(held == 0, "a vault has money at stake");
                ensure!(
                    !vault.locked || pool.queue.len > 0,
                    "a vault is locked for nobody"
                );
                // It is brought up to what it has, but for dust, whenever it is used.
                let mut current = pool.clone();
                Self::bring_up(&mut current).map_err(|_| "a vault cannot be brought up")?;
                let shares = pool.base.shares().0;
                ensure!(shares > 0 || pool.free == 0, "an empty vault has money");
            }
        }
        let (shares, value) = (pool.base.shares().0, pool.base.value());
        ensure!(shares > 0 || value == 0, "value without shares");
        ensure!(shares == 0 || shares > DUST, "dust is left alone");
        Ok(held)
    }

    fn try_state_of_shares() -> Result<(), TryRuntimeError> {
        let (mut shares, mut queued) = (BTreeMap::<_, u128>::new(), BTreeMap::<_, u128>::new());
        for (pid, _, delegation) in Delegations::<T>::iter() {
            ensure!(delegation.shares > DUST, "a delegation of dust");
            ensure!(
                delegation.queued + delegation.locked <= delegation.shares,
                "more is queued and locked than there is"
            );
            *shares.entry(pid).or_default() += delegation.shares;
            *queued.entry(pid).or_default() += delegation.queued;
        }
        for (pid, pool) in Pools::<T>::iter() {
            let owner = pool.as_vault().map_or(0, |vault| vault.owner_shares);
            let sum = shares.remove(&pid).unwrap_or(0) + owner;
            ensure!(sum == pool.base.shares().0, "shares are miscounted");
            ensure!(
                queued.remove(&pid).unwrap_or(0) == pool.queue.shares,
                "queued shares are miscounted"
            );
        }
        ensure!(shares.is_empty(), "shares of no pool");
        Ok(())
    }

    fn try_state_of_queues() -> Result<(), TryRuntimeError> {
        let mut listed = 0usize;
        for (pid, pool) in Pools::<T>::iter() {
            let (mut previous, mut next) = (None, pool.queue.head);
            let (mut made, mut len) = (0, 0);
            let mut queued = BTreeMap::<AccountId32, (u128, alloc::vec::Vec<RequestId>)>::new();
            while let Some(id) = next {
                let request = Requests::<T>::get(pid, id).ok_or("a queue's link leads nowhere")?;
                ensure!(
                    request.previous == previous,
                    "a queue is linked one way only"
                );
                ensure!(request.made >= made, "a queue is out of order");
                ensure!(request.shares > 0, "a request for nothing");
                ensure!(id < pool.queue.next, "a request is from the future");
                let of_staker = queued.entry(request.staker).or_default();
                of_staker.0 += request.shares;
                of_staker.1.push(id);
                (previous, next, made, len) = (Some(id), request.next, request.made, len + 1);
            }
            ensure!(pool.queue.tail == previous, "a queue's tail is not its end");
            ensure!(pool.queue.len == len, "a queue is miscounted");
            listed += len as usize;
            for (staker, (shares, ids)) in &queued {
                let delegation =
                    Delegations::<T>::get(pid, staker).ok_or("a request is nobody's")?;
                ensure!(
                    delegation.queued == *shares && delegation.requests.to_vec() == *ids,
                    "a delegation's requests are not those of the queue"
                );
            }
            let waiting = Delegations::<T>::iter_prefix_values(pid)
                .filter(|delegation| delegation.queued > 0 || !delegation.requests.is_empty());
            ensure!(
                waiting.count() == queued.len(),
                "a delegation waits outside the queue"
            );
        }
        ensure!(
            Requests::<T>::iter_keys().count() == listed,
            "a request is outside its queue"
        );
        Ok(())
    }

    fn try_state_of_stakers() -> Result<(), TryRuntimeError> {
        let mut listed = 0;
        for (staker, pools) in StakerPools::<T>::iter() {
            ensure!(!pools.is_empty(), "an empty list of pools");
            let pools: BTreeSet<_> = pools.into_iter().collect();
            listed += pools.len();
            for pid in pools {
                let delegation =
                    Delegations::<T>::get(pid, &staker).ok_or("a pool without a delegation")?;
                let locks = Locks::<T>::get(&staker);
                let kept = locks
                    .iter()
                    .flat_map(|lock| lock.pools.iter())
                    .filter(|(other, _)| *other == pid);
                let most = kept.map(|(_, shares)| *shares).max().unwrap_or(0);
                ensure!(delegation.locked == most, "shares are locked by no lock");
                ensure!(most == 0 || most > DUST, "dust is locked");
            }
        }
        ensure!(
            Delegations::<T>::iter_keys().count() == listed,
            "a delegation is not on its account's list"
        );
        for (staker, locks) in Locks::<T>::iter() {
            for (pid, _) in locks.iter().flat_map(|lock| lock.pools.iter()) {
                ensure!(
                    Delegations::<T>::contains_key(pid, &staker),
                    "a lock on shares that are gone"
                );
            }
        }
        for account in PoolAccounts::<T>::iter_keys() {
            ensure!(!Locks::<T>::contains_key(account), "a pool votes");
        }
        Ok(())
    }

    fn try_state_of_workers() -> Result<(), TryRuntimeError> {
        let mut assigned = 0;
        for (pid, workers) in PoolWorkers::<T>::iter() {
            assigned += workers.len();
            for worker in &workers {
                ensure!(
                    WorkerAssignments::<T>::get(worker) == Some(pid),
                    "a worker does not know its pool"
                );
                let session = Sessions::<T>::get(Self::session_account(pid, worker));
                ensure!(
                    session.is_some_and(|session| session.bound),
                    "a worker has no session"
                );
            }
        }
        ensure!(
            WorkerAssignments::<T>::iter_keys().count() == assigned,
            "a worker belongs to no pool's list"
        );
        let mut bound = 0;
        for (account, session) in Sessions::<T>::iter() {
            ensure!(
                account == Self::session_account(session.pid, &session.worker),
                "a session's account is not its own"
            );
            ensure!(
                T::Sessions::stake(&account) == session.stake,
                "a session and its pool know different stakes"
            );
            ensure!(
                session.bound || session.phase == Phase::CoolingDown,
                "a session is left over"
            );
            bound += usize::from(session.bound);
            let computing = ComputingWorkers::<T>::get(session.pid).contains(&session.worker);
            let should = session.bound && session.phase == Phase::Computing;
            ensure!(
                computing == should,
                "a worker's session is in another phase"
            );
        }
        ensure!(bound == assigned, "a session's worker is on no list");
        Ok(())
    }
}
