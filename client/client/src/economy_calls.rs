//! Transactions of pools and mining.

use crate::Transaction;
use economics::Permill;
use primitives::{AccountId, Balance, WorkerId};

/// The pallet of pools.
const POOLS: &str = "PhalaStakePoolv2";

impl Transaction {
    /// Makes a stake pool.
    pub fn create_pool() -> Self {
        Self::new(POOLS, "create", ())
    }

    /// Makes a vault.
    pub fn create_vault() -> Self {
        Self::new(POOLS, "create_vault", ())
    }

    /// Gives a worker to a stake pool. By who owns the pool and operates the worker.
    pub fn add_pool_worker(pool: u64, worker: WorkerId) -> Self {
        Self::new(POOLS, "add_worker", (pool, worker))
    }

    /// Takes a worker out of its pool. By the owner.
    pub fn remove_pool_worker(pool: u64, worker: WorkerId) -> Self {
        Self::new(POOLS, "remove_worker", (pool, worker))
    }

    /// Sets the most that a stake pool may be worth by contributions. By the owner.
    pub fn set_pool_cap(pool: u64, cap: Balance) -> Self {
        Self::new(POOLS, "set_cap", (pool, cap))
    }

    /// Sets a pool's commission. By the owner.
    pub fn set_commission(pool: u64, commission: Permill) -> Self {
        Self::new(POOLS, "set_payout_pref", (pool, Some(commission)))
    }

    /// Describes a pool. By the owner.
    pub fn describe_pool(pool: u64, description: &str) -> Self {
        Self::new(POOLS, "set_pool_description", (pool, description.as_bytes()))
    }

    /// Pays a stake pool's commission to an account. By the owner.
    pub fn claim_commission(pool: u64, to: AccountId) -> Self {
        Self::new(POOLS, "claim_owner_rewards", (pool, to))
    }

    /// Turns a vault's commission, in its shares, into a delegation. By the owner.
    pub fn claim_owner_shares(vault: u64, to: AccountId, shares: u128) -> Self {
        Self::new(POOLS, "claim_owner_shares", (vault, to, shares))
    }

    /// Brings a vault's value up to date.
    pub fn settle_vault(vault: u64) -> Self {
        Self::new(POOLS, "maybe_gain_owner_shares", vault)
    }

    /// Pays who waits in a pool's queue, and releases stake for who has waited too long.
    pub fn check_queue(pool: u64) -> Self {
        Self::new(POOLS, "check_and_maybe_force_withdraw", pool)
    }

    /// Gives money to a pool, the sender's or that of a vault which the sender owns.
    pub fn contribute(pool: u64, amount: Balance, as_vault: Option<u64>) -> Self {
        Self::new(POOLS, "contribute", (pool, amount, as_vault))
    }

    /// Asks for the money for so many shares, those included that wait already.
    pub fn withdraw(pool: u64, shares: u128, as_vault: Option<u64>) -> Self {
        Self::new(POOLS, "withdraw", (pool, shares, as_vault))
    }

    /// Takes back all that waits in a queue.
    pub fn cancel_withdraw(pool: u64, as_vault: Option<u64>) -> Self {
        Self::new(POOLS, "cancel_withdraw", (pool, as_vault))
    }

    /// Gives shares to another account.
    pub fn transfer_shares(pool: u64, to: AccountId, shares: u128) -> Self {
        Self::new(POOLS, "transfer_shares", (pool, to, shares))
    }

    /// Puts a pool's free money behind a worker. By the owner.
    pub fn start_worker(pool: u64, worker: WorkerId, stake: Balance) -> Self {
        Self::new(POOLS, "start_computing", (pool, worker, stake))
    }

    /// Puts more behind a worker that computes; `stake` is all of it. By the owner.
    pub fn restart_worker(pool: u64, worker: WorkerId, stake: Balance) -> Self {
        Self::new(POOLS, "restart_computing", (pool, worker, stake))
    }

    /// Stops a worker; its stake cools down. By the owner.
    pub fn stop_worker(pool: u64, worker: WorkerId) -> Self {
        Self::new(POOLS, "stop_computing", (pool, worker))
    }

    /// Takes a stake back that has cooled down.
    pub fn reclaim_worker(pool: u64, worker: WorkerId) -> Self {
        Self::new(POOLS, "reclaim_pool_worker", (pool, worker))
    }

    /// Lets an account contribute to a pool. By the owner; the first one closes it to all others.
    pub fn allow_staker(pool: u64, staker: AccountId) -> Self {
        Self::new(POOLS, "add_staker_to_whitelist", (pool, staker))
    }

    /// Lets an account contribute no more. By the owner.
    pub fn disallow_staker(pool: u64, staker: AccountId) -> Self {
        Self::new(POOLS, "remove_staker_from_whitelist", (pool, staker))
    }

    /// Takes a worker from its session. By the worker's operator.
    pub fn unbind_session(session: AccountId) -> Self {
        Self::new("PhalaComputation", "unbind", session)
    }

    /// Pays what the subsidy pool owes to a session's pool, as far as it can.
    pub fn claim_owed(session: AccountId) -> Self {
        Self::new("PhalaComputation", "claim_owed", session)
    }
}
