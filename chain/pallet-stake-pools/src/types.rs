//! What the pallet stores.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use economics::{Fixed, Permill, pool::Pool as ShareMath, queue::UnixSeconds};
use polkadot_sdk::{frame_support::BoundedVec, sp_core::ConstU32};
use primitives::{Balance, WorkerId};
use scale_info::TypeInfo;

/// Number of a pool, of either kind.
pub type PoolId = u64;

/// Number of a request in its pool's queue.
pub type RequestId = u64;

/// Most workers of a pool.
pub const POOL_WORKERS_MAX: u32 = 200;
/// Most pools that an account holds shares of; what bounds the work of counting its voting power.
pub const ACCOUNT_POOLS_MAX: u32 = 16;
/// Most pools that an account comes to hold shares of by other people's transfers.
pub const RECEIVED_POOLS_MAX: u32 = 8;
/// Most requests of a staker in a queue that the staker makes.
pub const STAKER_REQUESTS_MAX: u32 = 4;
/// Most requests of a staker in a queue, with those that others make for a vault that is late.
pub const FORCED_REQUESTS_MAX: u32 = 8;
/// Most requests that one call pays or looks at.
pub const QUEUE_STEP_MAX: u32 = 50;
/// Most requests that are paid in each stake pool when a late vault asks it: enough for a pool with money and
/// without a queue to pay the vault at once.
pub const ASKED_STEP_MAX: u32 = 2;
/// Most workers that one call stops for a queue.
pub const STOPS_MAX: u32 = 20;
/// Most accounts in a whitelist.
pub const WHITELIST_MAX: u32 = 100;
/// Most bytes of a description.
pub const DESCRIPTION_BYTES_MAX: u32 = 4_400;
/// Most locks on an account's shares.
pub const SHARE_LOCKS_MAX: u32 = 8;

/// Longest period that can be set, seconds: a year.
pub const PERIOD_SECONDS_MAX: u64 = 365 * 24 * 60 * 60;

/// How long people wait, seconds.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Periods {
    /// How long a request waits until workers are stopped for it.
    pub grace: u64,
    /// How long a vault's request waits in any case until the vault is locked.
    pub vault_queue: u64,
    /// How long a higher commission is announced before it holds. At least as long as leaving takes, from
    /// vaults too.
    pub commission_notice: u64,
}

impl Periods {
    /// Whether they fit one another: a vault is not late before its pools are, and a higher commission does not
    /// hold before one can leave.
    pub const fn are_valid(&self) -> bool {
        self.grace <= self.vault_queue
            && self.vault_queue <= self.commission_notice
            && self.commission_notice <= PERIOD_SECONDS_MAX
    }
}

impl Default for Periods {
    /// 7 days, and 21 for vaults and higher commissions.
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            grace: 7 * DAY,
            vault_queue: 21 * DAY,
            commission_notice: 21 * DAY,
        }
    }
}

/// What two kinds of pools have in common, and what they have not.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct Pool<AccountId> {
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
    pub queue: Queue,
    /// Which kind it is.
    pub kind: Kind,
}

/// A commission that is announced.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct CommissionRaise {
    /// What it will be.
    pub to: Permill,
    /// From when on.
    pub from: UnixSeconds,
}

/// A pool's kind.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub enum Kind {
    /// It stakes for workers.
    StakePool(StakePool),
    /// It stakes in stake pools.
    Vault(Vault),
}

/// What only a stake pool has.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct StakePool {
    /// The most that it may be worth by contributions.
    pub cap: Option<Balance>,
    /// At stake for workers that compute.
    pub computing: Balance,
    /// At stake for workers that cool down.
    pub cooling: Balance,
    /// Commission that the owner has not claimed; no part of the pool's value.
    pub owner_rewards: Balance,
}

/// What only a vault has.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Vault {
    /// The highest price at which commission was taken.
    pub mark: Option<Fixed>,
    /// Commission that the owner has not claimed, in shares of the vault.
    pub owner_shares: u128,
    /// Whether it was late. It takes no money until its queue is empty.
    pub locked: bool,
}

/// The ends of a queue.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Queue {
    /// The first request.
    pub head: Option<RequestId>,
    /// The last request.
    pub tail: Option<RequestId>,
    /// The number of the next one.
    pub next: RequestId,
    /// How many there are.
    pub len: u32,
    /// Shares in all of them.
    pub shares: u128,
}

/// A request in a queue.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct Request<AccountId> {
    /// Whose shares.
    pub staker: AccountId,
    /// How many.
    pub shares: u128,
    /// Since when it waits.
    pub made: UnixSeconds,
    /// The request before it.
    pub previous: Option<RequestId>,
    /// The request behind it.
    pub next: Option<RequestId>,
}

/// What an account has in a pool.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Delegation {
    /// All its shares.
    pub shares: u128,
    /// Those that wait in the queue.
    pub queued: u128,
    /// Those that a vote keeps in place; none of them is queued.
    pub locked: u128,
    /// Its requests, the oldest first.
    pub requests: BoundedVec<RequestId, ConstU32<FORCED_REQUESTS_MAX>>,
}

impl Delegation {
    /// Shares that may be queued or transferred.
    pub const fn movable(&self) -> u128 {
        self.shares
            .saturating_sub(self.queued)
            .saturating_sub(self.locked)
    }
}

/// Where a session is in its life, as its pool knows.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub enum Phase {
    /// Nothing is at stake.
    Ready,
    /// It computes.
    Computing,
    /// Its stake cools down.
    CoolingDown,
}

/// A worker's session for a pool.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Session {
    /// The pool.
    pub pid: PoolId,
    /// The worker.
    pub worker: WorkerId,
    /// What is held for it.
    pub stake: Balance,
    /// Where it is.
    pub phase: Phase,
    /// Whether the worker still belongs to the pool.
    pub bound: bool,
}

/// Which vote, or other thing, a lock is for.
pub type LockId = [u8; 8];

/// Shares of an account that stay where they are.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct ShareLock {
    /// For what.
    pub id: LockId,
    /// How many shares of which pools.
    pub pools: BoundedVec<(PoolId, u128), ConstU32<ACCOUNT_POOLS_MAX>>,
}

/// Why a vault is locked.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub enum ForceShutdownReason {
    /// A request is older than the grace period, and what is being released does not cover it.
    NoEnoughReleasingStake,
    /// A request has waited longest of all.
    Waiting3xGracePeriod,
}
