//! Keys of mining and pools.

use super::{map, plain};
use alloc::vec::Vec;
use codec::Encode;
use primitives::{AccountId, WorkerId};

/// The pallet of sessions.
const COMPUTATION: &str = "PhalaComputation";
/// The pallet of pools.
const POOLS: &str = "PhalaStakePoolv2";

/// The version of the mining pallet's storage, which every chain with mining has: `u16`.
pub fn mining_version() -> Vec<u8> {
    plain(COMPUTATION, ":__STORAGE_VERSION__:")
}

/// The session that a worker computes for: `AccountId`.
pub fn worker_session(worker: &WorkerId) -> Vec<u8> {
    map(COMPUTATION, "WorkerBindings", &[worker.as_ref()])
}

/// A session: [`crate::SessionInfo`].
pub fn session(session: &AccountId) -> Vec<u8> {
    map(COMPUTATION, "Sessions", &[session.as_ref()])
}

/// The challenge that a session has not answered: [`crate::PendingChallenge`].
pub fn pending_challenge(session: &AccountId) -> Vec<u8> {
    map(COMPUTATION, "PendingChallenges", &[session.as_ref()])
}

/// A worker's last benchmark: [`crate::Benchmark`].
pub fn benchmark(worker: &WorkerId) -> Vec<u8> {
    map(COMPUTATION, "Benchmarks", &[worker.as_ref()])
}

/// Which benchmarks count, where a vote has set it: [`crate::BenchmarkRules`].
pub fn benchmark_rules() -> Vec<u8> {
    plain(COMPUTATION, "BenchmarkRules")
}

/// Parameters of mining, where a vote has set them: `economics::Parameters`.
pub fn mining_parameters() -> Vec<u8> {
    plain(COMPUTATION, "TokenomicParameters")
}

/// What all networks together may spend, where a vote has set it: `economics::Schedule`.
pub fn budget_schedule() -> Vec<u8> {
    plain(COMPUTATION, "BudgetSchedule")
}

/// This network's part of the budget, where a vote has set it: `economics::Permill`.
pub fn network_share() -> Vec<u8> {
    plain(COMPUTATION, "NetworkShare")
}

/// The session that a worker was taken from while it had something at stake: `AccountId`.
pub fn former_session(worker: &WorkerId) -> Vec<u8> {
    map(COMPUTATION, "FormerSessions", &[worker.as_ref()])
}

/// What the network owes to whom, as of its last event: `economics::RewardIndex`.
pub fn reward_index() -> Vec<u8> {
    plain(COMPUTATION, "Index")
}

/// Whether nobody is challenged, and nobody goes off line: `bool`; where there is nothing, it is so.
pub fn heartbeat_paused() -> Vec<u8> {
    plain(COMPUTATION, "HeartbeatPaused")
}

/// How long a stake cools down, seconds, where the chain has set it: `u64`.
pub fn cool_down_seconds() -> Vec<u8> {
    plain(COMPUTATION, "CoolDownPeriod")
}

/// What could not be paid to a session's pool: `Balance`.
pub fn owed_to_session(session: &AccountId) -> Vec<u8> {
    map(COMPUTATION, "Owed", &[session.as_ref()])
}

/// How many slashes wait for a session: `u32`.
pub fn slashes_of_session(session: &AccountId) -> Vec<u8> {
    map(COMPUTATION, "SlashesOfSession", &[session.as_ref()])
}

/// How many pools were ever made: `u64`.
pub fn pool_count() -> Vec<u8> {
    plain(POOLS, "PoolCount")
}

/// A pool: [`crate::Pool`].
pub fn pool(pool: u64) -> Vec<u8> {
    map(POOLS, "Pools", &[&pool.encode()])
}

/// The workers of a stake pool: `Vec<WorkerId>`.
pub fn pool_workers(pool: u64) -> Vec<u8> {
    map(POOLS, "PoolWorkers", &[&pool.encode()])
}

/// The pool of a worker: `u64`.
pub fn pool_of_worker(worker: &WorkerId) -> Vec<u8> {
    map(POOLS, "WorkerAssignments", &[worker.as_ref()])
}

/// The pool that an account without a key belongs to: `u64`.
pub fn pool_of_account(account: &AccountId) -> Vec<u8> {
    map(POOLS, "PoolAccounts", &[account.as_ref()])
}

/// A session as its pool knows it: [`crate::PoolSession`].
pub fn pool_session(session: &AccountId) -> Vec<u8> {
    map(POOLS, "Sessions", &[session.as_ref()])
}

/// What an account has in a pool: [`crate::Delegation`].
pub fn delegation(pool: u64, account: &AccountId) -> Vec<u8> {
    map(POOLS, "Delegations", &[&pool.encode(), account.as_ref()])
}

/// The pools that an account has shares of: `Vec<u64>`.
pub fn pools_of_staker(account: &AccountId) -> Vec<u8> {
    map(POOLS, "StakerPools", &[account.as_ref()])
}

/// A request in a pool's queue: [`crate::WithdrawRequest`].
pub fn withdraw_request(pool: u64, request: u64) -> Vec<u8> {
    map(POOLS, "Requests", &[&pool.encode(), &request.encode()])
}

/// Who may contribute to a pool, everybody where there is nothing: `Vec<AccountId>`.
pub fn pool_whitelist(pool: u64) -> Vec<u8> {
    map(POOLS, "PoolContributionWhitelists", &[&pool.encode()])
}

/// What the owner says of a pool: `Vec<u8>`.
pub fn pool_description(pool: u64) -> Vec<u8> {
    map(POOLS, "PoolDescriptions", &[&pool.encode()])
}
