//! Values of pools, with the layout that the pallet of pools stores.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use economics::{Fixed, Permill, pool::Pool as ShareMath, queue::UnixSeconds};
use primitives::{AccountId, Balance, WorkerId};

/// A stake pool or a vault.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Pool {
    /// Who runs it.
    pub owner: AccountId,
    /// Where its money is.
    pub account: AccountId,
    /// Its value and its shares.
    pub base: ShareMath,
    /// Money that is not at work.
    pub free: Balance,
    /// What the owner takes of what it gains.
    pub commission: Permill,
    /// A higher commission that was announced.
    pub raise: Option<CommissionRaise>,
    /// Who waits for money.
    pub queue: PoolQueue,
    /// Which kind it is.
    pub kind: PoolKind,
}

/// A commission that is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CommissionRaise {
    /// What it will be.
    pub to: Permill,
    /// From when on.
    pub from: UnixSeconds,
}

/// A pool's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum PoolKind {
    /// It stakes for workers.
    StakePool {
        /// The most that it may be worth by contributions.
        cap: Option<Balance>,
        /// At stake for workers that compute.
        computing: Balance,
        /// At stake for workers that cool down.
        cooling: Balance,
        /// Commission that the owner has not claimed; no part of the pool's value.
        owner_rewards: Balance,
    },
    /// It stakes in stake pools.
    Vault {
        /// The highest price at which commission was taken.
        mark: Option<Fixed>,
        /// Commission that the owner has not claimed, in shares of the vault.
        owner_shares: u128,
        /// Whether it was late. It takes no money until its queue is empty.
        locked: bool,
    },
}

/// The ends of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PoolQueue {
    /// The first request.
    pub head: Option<u64>,
    /// The last request.
    pub tail: Option<u64>,
    /// The number of the next one.
    pub next: u64,
    /// How many there are.
    pub len: u32,
    /// Shares in all of them.
    pub shares: u128,
}

/// A request in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WithdrawRequest {
    /// Whose shares.
    pub staker: AccountId,
    /// How many.
    pub shares: u128,
    /// Since when it waits.
    pub made: UnixSeconds,
    /// The request before it.
    pub previous: Option<u64>,
    /// The request behind it.
    pub next: Option<u64>,
}

/// What an account has in a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Delegation {
    /// All its shares.
    pub shares: u128,
    /// Those that wait in the queue.
    pub queued: u128,
    /// Those that a vote keeps in place; none of them is queued.
    pub locked: u128,
    /// Its requests, the oldest first.
    pub requests: Vec<u64>,
}

/// Where a session is in its life, as its pool knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum PoolSessionPhase {
    /// Nothing is at stake.
    Ready,
    /// It computes.
    Computing,
    /// Its stake cools down.
    CoolingDown,
}

/// A worker's session for a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PoolSession {
    /// The pool.
    pub pool: u64,
    /// The worker.
    pub worker: WorkerId,
    /// What is held for it.
    pub stake: Balance,
    /// Where it is.
    pub phase: PoolSessionPhase,
    /// Whether the worker still belongs to the pool.
    pub bound: bool,
}

impl Pool {
    /// Whether it is a vault.
    pub const fn is_vault(&self) -> bool {
        matches!(self.kind, PoolKind::Vault { .. })
    }
}
