//! Pools of PHA: people delegate, owners put it behind workers. Runtime name `PhalaStakePoolv2`; the
//! original's `PhalaBasePool` and `PhalaVault` are parts of it.
//!
//! # Words
//!
//! A *stake pool* stakes for workers, a *vault* stakes in stake pools. Whoever *contributes* gets
//! *shares* of the pool at their price; a *delegation* is all shares of one account in one pool. What
//! a pool is worth is its *value*: *free* money, what is *computing* or *cooling down* behind workers,
//! and for a vault its shares of stake pools. A *session* is one worker's work for one pool, known by
//! an account without a key; the pallet of sessions says what it earns and loses
//! ([`mining_api`]).
//!
//! # Life cycle
//!
//! Rewards raise the price, so they compound; the owner's commission goes aside first, or for a vault
//! becomes shares whenever the price is above the highest at which commission was taken. Who leaves
//! queues shares; they are paid from the front as money becomes free. A request that is older
//! than the grace period, and that neither free nor cooling money covers, allows anybody to have as
//! many workers stopped as it takes, the least recently started first. A vault that is late asks its stake pools
//! for as much as it takes, and takes no money until its queue is empty.
//!
//! # Money
//!
//! All of it is PHA on the pool's account, which nobody has a key of. What is behind workers is held
//! there ([`HoldReason::Stake`]). The pallet counts what belongs to the pool itself; what strangers
//! send to the account changes no price. The account's least balance comes from who creates the pool.
//!
//! # Threats
//!
//! - An owner who raises the commission to take the next reward: it holds after a notice that is
//!   longer than leaving takes.
//! - Rounding and dust: see [`economics::pool`]; every quotient is rounded against who acts.
//! - Queues filled up: a request is worth the least contribution or is the whole delegation; a queue
//!   is a list that may be long, is walked in bounded steps, and when full still takes large requests.
//! - Shares sent to fill somebody's list of pools: others' transfers fill half of it.
//! - Shares that vote, then move: [`ShareLocks`].
//! - A payment to an account that cannot take it: the request leaves the queue, the shares stay.
//!
//! # Limits
//!
//! The constants of this module, checked against one another in `integrity_test`.
//!
//! Maps by numbers that the pallet counts and by accounts are keyed by `Twox64Concat`: accounts are
//! public keys and hashes, and clients walk the maps.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

/// What cannot be, unless another pallet breaks its word: logged, a panic in builds with debug assertions and
/// in this crate's tests.
macro_rules! bug {
    ($what:literal) => {{
        if cfg!(test) {
            panic!($what);
        }
        polkadot_sdk::frame_support::defensive!($what);
    }};
}

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod delegations;
mod pools;
mod queue;
mod sessions;
mod try_state;
mod types;
mod vaults;
mod votes;
pub mod weights;
mod workers;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use votes::{ShareLocks, VotingPower};
pub use weights::WeightInfo;

/// The pallet.
#[allow(
    clippy::expect_used,
    reason = "FRAME's macros expand to it; whether clippy sees it depends on what is built together"
)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use economics::Permill;
    use mining_api::Sessions as SessionsApi;
    use polkadot_sdk::{
        frame_support::{
            PalletId,
            pallet_prelude::*,
            traits::{
                UnixTime,
                fungible::{Inspect, Mutate, MutateHold},
            },
        },
        frame_system::pallet_prelude::*,
        sp_runtime::AccountId32,
    };
    use primitives::{Balance, WorkerId};

    /// The version of the storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet's handle.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<AccountId = AccountId32> {
        /// PHA.
        type Currency: Inspect<AccountId32, Balance = Balance>
            + Mutate<AccountId32>
            + MutateHold<AccountId32, Reason = Self::RuntimeHoldReason>;
        /// Reasons to hold money.
        type RuntimeHoldReason: From<HoldReason>;
        /// Where workers compute.
        type Sessions: SessionsApi<AccountId32>;
        /// The time.
        type UnixTime: UnixTime;
        /// What the accounts of pools and sessions are derived from.
        #[pallet::constant]
        type PalletId: Get<PalletId>;
        /// Where slashes go, and rewards that nobody can own.
        type Treasury: Get<AccountId32>;
        /// The least contribution, request and transfer.
        #[pallet::constant]
        type ContributionMin: Get<Balance>;
        /// Who sets how long people wait.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// The most requests in a queue, but for those of a thousandth of the pool or more.
        #[pallet::constant]
        type QueueMax: Get<u32>;
        /// What the calls weigh.
        type WeightInfo: WeightInfo;
        /// What benchmarks need of the pallet of sessions.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: benchmarking::BenchmarkHelper;
    }

    /// Why money is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// It is at stake for a worker, computing or cooling down.
        Stake,
    }

    /// How long people wait. A request or an announcement is judged by what holds when it is looked at,
    /// or made.
    #[pallet::storage]
    pub type WaitingPeriods<T: Config> = StorageValue<_, Periods, ValueQuery>;

    /// How many pools were ever made; the next one's number.
    #[pallet::storage]
    pub type PoolCount<T: Config> = StorageValue<_, PoolId, ValueQuery>;

    /// Pools of both kinds.
    #[pallet::storage]
    pub type Pools<T: Config> = StorageMap<_, Twox64Concat, PoolId, Pool<AccountId32>>;

    /// Which pool an account without a key belongs to.
    #[pallet::storage]
    pub type PoolAccounts<T: Config> = StorageMap<_, Twox64Concat, AccountId32, PoolId>;

    /// The workers of each stake pool.
    #[pallet::storage]
    pub type PoolWorkers<T: Config> = StorageMap<
        _,
        Twox64Concat,
        PoolId,
        BoundedVec<WorkerId, ConstU32<POOL_WORKERS_MAX>>,
        ValueQuery,
    >;

    /// Those of them that compute, the least recently started first.
    #[pallet::storage]
    pub type ComputingWorkers<T: Config> = StorageMap<
        _,
        Twox64Concat,
        PoolId,
        BoundedVec<WorkerId, ConstU32<POOL_WORKERS_MAX>>,
        ValueQuery,
    >;

    /// The pool of each worker that has one.
    #[pallet::storage]
    pub type WorkerAssignments<T: Config> = StorageMap<_, Twox64Concat, WorkerId, PoolId>;

    /// Sessions: those of workers that belong to pools, and those whose stake is still to come back.
    #[pallet::storage]
    pub type Sessions<T: Config> = StorageMap<_, Twox64Concat, AccountId32, Session>;

    /// What accounts have in pools.
    #[pallet::storage]
    pub type Delegations<T: Config> =
        StorageDoubleMap<_, Twox64Concat, PoolId, Twox64Concat, AccountId32, Delegation>;

    /// The pools that each account has shares of.
    #[pallet::storage]
    pub type StakerPools<T: Config> = StorageMap<
        _,
        Twox64Concat,
        AccountId32,
        BoundedVec<PoolId, ConstU32<ACCOUNT_POOLS_MAX>>,
        ValueQuery,
    >;

    /// Requests in queues; they form a list from [`Queue::head`] to [`Queue::tail`].
    #[pallet::storage]
    pub type Requests<T: Config> =
        StorageDoubleMap<_, Twox64Concat, PoolId, Twox64Concat, RequestId, Request<AccountId32>>;

    /// Locks on accounts' shares.
    #[pallet::storage]
    pub type Locks<T: Config> = StorageMap<
        _,
        Twox64Concat,
        AccountId32,
        BoundedVec<ShareLock, ConstU32<SHARE_LOCKS_MAX>>,
        ValueQuery,
    >;

    /// Who may contribute to a pool; everybody where there is no list.
    #[pallet::storage]
    pub type PoolContributionWhitelists<T: Config> =
        StorageMap<_, Twox64Concat, PoolId, BoundedVec<AccountId32, ConstU32<WHITELIST_MAX>>>;

    /// What owners say about their pools.
    #[pallet::storage]
    pub type PoolDescriptions<T: Config> =
        StorageMap<_, Twox64Concat, PoolId, BoundedVec<u8, ConstU32<DESCRIPTION_BYTES_MAX>>>;

    /// How pools start.
    #[pallet::genesis_config]
    #[derive(polkadot_sdk::frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// How long people wait.
        pub periods: Periods,
        /// Ties the configuration to the runtime.
        #[serde(skip)]
        pub phantom: PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(
                self.periods.are_valid(),
                "the genesis configuration's periods of pools do not fit one another"
            );
            WaitingPeriods::<T>::put(self.periods);
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A pool was made.
        PoolCreated {
            /// Who runs it.
            owner: AccountId32,
            /// Its number.
            pid: PoolId,
            /// Where its money is.
            pool_account_id: AccountId32,
            /// Whether it is a vault.
            vault: bool,
        },
        /// The owner's commission changed.
        PoolCommissionSet {
            /// The pool.
            pid: PoolId,
            /// The commission, in millionths.
            commission: u32,
        },
        /// A higher commission was announced.
        PoolCommissionAnnounced {
            /// The pool.
            pid: PoolId,
            /// The commission, in millionths.
            commission: u32,
            /// From when on it holds, seconds since the Unix epoch.
            from: u64,
        },
        /// A pool's cap was set.
        PoolCapacitySet {
            /// The pool.
            pid: PoolId,
            /// The most that it may be worth by contributions.
            cap: Balance,
        },
        /// A worker belongs to a pool now.
        PoolWorkerAdded {
            /// The pool.
            pid: PoolId,
            /// The worker.
            worker: WorkerId,
            /// Its session.
            session: AccountId32,
        },
        /// A worker belongs to its pool no more.
        PoolWorkerRemoved {
            /// The pool.
            pid: PoolId,
            /// The worker.
            worker: WorkerId,
        },
        /// A worker computes.
        WorkingStarted {
            /// The pool.
            pid: PoolId,
            /// The worker.
            worker: WorkerId,
            /// What is at stake.
            amount: Balance,
        },
        /// A worker stopped; its stake cools down.
        WorkingStopped {
            /// The pool.
            pid: PoolId,
            /// The worker.
            worker: WorkerId,
            /// What is at stake.
            amount: Balance,
            /// Whether it was stopped for the queue.
            forced: bool,
        },
        /// A worker's stake came back.
        WorkerReclaimed {
            /// The pool.
            pid: PoolId,
            /// The worker.
            worker: WorkerId,
            /// What was at stake.
            stake: Balance,
            /// What of it was lost.
            slashed: Balance,
        },
        /// Somebody gave money to a pool.
        Contribution {
            /// The pool.
            pid: PoolId,
            /// Who.
            user: AccountId32,
            /// How much.
            amount: Balance,
            /// The shares that it made.
            shares: u128,
            /// The vault that did it, if it was one.
            as_vault: Option<PoolId>,
        },
        /// Somebody waits for money.
        WithdrawalQueued {
            /// The pool.
            pid: PoolId,
            /// Who.
            user: AccountId32,
            /// All shares of theirs that wait now.
            shares: u128,
            /// The vault that did it, if it was one.
            as_vault: Option<PoolId>,
        },
        /// Somebody waits no more for all or some of the money that was asked for.
        WithdrawalCancelled {
            /// The pool.
            pid: PoolId,
            /// Who.
            user: AccountId32,
            /// All shares of theirs that wait still.
            shares: u128,
        },
        /// Somebody got money.
        Withdrawal {
            /// The pool.
            pid: PoolId,
            /// Who.
            user: AccountId32,
            /// How much.
            amount: Balance,
            /// The shares that are gone for it, with dust.
            shares: u128,
        },
        /// A payment could not be delivered. The request is gone, the shares are not.
        WithdrawalReturned {
            /// The pool.
            pid: PoolId,
            /// Who.
            user: AccountId32,
            /// The shares that wait no more.
            shares: u128,
        },
        /// Shares changed hands.
        SharesTransferred {
            /// The pool.
            pid: PoolId,
            /// From whom.
            from: AccountId32,
            /// To whom.
            to: AccountId32,
            /// How many.
            shares: u128,
        },
        /// Shares were locked, more or fewer than before.
        SharesLocked {
            /// Whose.
            user: AccountId32,
            /// For what.
            id: LockId,
            /// What they are worth.
            amount: Balance,
        },
        /// A lock on shares is gone.
        SharesUnlocked {
            /// Whose.
            user: AccountId32,
            /// For what it was.
            id: LockId,
        },
        /// A pool earned a reward.
        RewardReceived {
            /// The pool.
            pid: PoolId,
            /// The owner's commission.
            to_owner: Balance,
            /// What raised the price.
            to_stakers: Balance,
        },
        /// A reward went to the treasury: nobody has shares of the pool.
        RewardDismissedNoShare {
            /// The pool.
            pid: PoolId,
            /// The reward.
            amount: Balance,
        },
        /// A reward went to the treasury: it is dust.
        RewardDismissedDust {
            /// The pool.
            pid: PoolId,
            /// The reward.
            amount: Balance,
        },
        /// The owner took commission.
        OwnerRewardsWithdrawn {
            /// The pool.
            pid: PoolId,
            /// Who got it.
            user: AccountId32,
            /// How much.
            amount: Balance,
        },
        /// A pool lost money.
        PoolSlashed {
            /// The pool.
            pid: PoolId,
            /// How much.
            amount: Balance,
        },
        /// Nobody has shares of a pool; what rounding left went to the treasury.
        DustRemoved {
            /// The pool.
            pid: PoolId,
            /// How much.
            amount: Balance,
        },
        /// A vault's price rose above its mark, so that its owner gained shares.
        OwnerSharesGained {
            /// The vault.
            pid: PoolId,
            /// How many.
            shares: u128,
            /// The new mark: the bits of a number with 64 bits after the point.
            checkout_price: u128,
        },
        /// A vault's owner took shares.
        OwnerSharesClaimed {
            /// The vault.
            pid: PoolId,
            /// Who got them.
            user: AccountId32,
            /// How many.
            shares: u128,
        },
        /// A vault is locked: it was late.
        ForceShutdown {
            /// The vault.
            pid: PoolId,
            /// Why.
            reason: ForceShutdownReason,
        },
        /// A vault takes money again.
        VaultUnlocked {
            /// The vault.
            pid: PoolId,
        },
        /// Only accounts of a list may contribute to a pool.
        PoolWhitelistCreated {
            /// The pool.
            pid: PoolId,
        },
        /// Everybody may contribute to a pool.
        PoolWhitelistDeleted {
            /// The pool.
            pid: PoolId,
        },
        /// An account may contribute to a pool.
        PoolWhitelistStakerAdded {
            /// The pool.
            pid: PoolId,
            /// Who.
            staker: AccountId32,
        },
        /// An account may contribute to a pool no more.
        PoolWhitelistStakerRemoved {
            /// The pool.
            pid: PoolId,
            /// Who.
            staker: AccountId32,
        },
        /// An owner described a pool.
        PoolDescriptionSet {
            /// The pool.
            pid: PoolId,
        },
        /// People wait for another time from now on.
        WaitingPeriodsSet {
            /// How long.
            periods: Periods,
        },
    }

    /// Why a call is refused.
    #[pallet::error]
    pub enum Error<T> {
        /// No such pool.
        PoolDoesNotExist,
        /// This is for stake pools and the pool is a vault, or the other way round.
        PoolTypeNotMatch,
        /// Only the pool's owner may do this.
        UnauthorizedPoolOwner,
        /// Only the worker's operator may give it to a pool.
        UnauthorizedOperator,
        /// The worker is not registered with an operator.
        WorkerNotRegistered,
        /// The worker belongs to this pool already.
        WorkerExists,
        /// The worker belongs to another pool.
        WorkerInAnotherPool,
        /// The pool has no such worker.
        WorkerDoesNotExist,
        /// The worker's stake for this pool must be reclaimed first.
        WorkerIsNotReady,
        /// The pool has as many workers as it may have.
        WorkersExceedLimit,
        /// The worker does not compute.
        WorkerAlreadyStopped,
        /// The session is not known to this pool, or nothing of it is at stake.
        SessionDoesNotExist,
        /// The cap is below what the pool is worth.
        InadequateCapacity,
        /// The pool would be worth more than its cap.
        StakeExceedsCapacity,
        /// This is less than the least contribution, or makes too few shares.
        InsufficientContribution,
        /// The account, or the vault, does not have so much.
        InsufficientBalance,
        /// The pool has less than that free.
        InsufficientFreeStake,
        /// More is at stake already; name a greater stake.
        CannotRestartWithLessStake,
        /// People wait for their money; it goes to them first.
        WithdrawQueueNotEmpty,
        /// The queue is full; ask for a thousandth of the pool at least, or again when some have been paid.
        WithdrawQueueFull,
        /// There are as many requests of this account in the queue as it may make. Wait for one, or
        /// cancel.
        TooManyRequests,
        /// These shares are not there, are queued or locked, or are worth less than the least request.
        InvalidShareToWithdraw,
        /// These shares are not there, are queued or locked, are worth less than the least transfer, or
        /// would leave dust.
        InvalidShareToTransfer,
        /// Shares go to another account, and not to a pool's.
        InvalidRecipient,
        /// The account has shares of as many pools as it may.
        TooManyPools,
        /// The pool has lost all its value.
        PoolBankrupt,
        /// There is no commission to claim.
        NoRewardToClaim,
        /// The owner has not gained so many shares, or this is dust.
        NoEnoughShareToClaim,
        /// The commission is this already.
        CommissionNotChanged,
        /// The vault was late. It takes no money and invests none until its queue is empty.
        VaultIsLocked,
        /// The pool takes money of the accounts on its list only.
        NotInContributeWhitelist,
        /// The account is on the list already.
        AlreadyInContributeWhitelist,
        /// The list is full.
        ExceedWhitelistMaxLen,
        /// The pool has no list.
        NoWhitelistCreated,
        /// The description is longer than 4400 bytes.
        ExceedMaxDescriptionLen,
        /// The account's shares and free money are worth less than that.
        NotEnoughToLock,
        /// The account has as many locks as it may have.
        TooManyLocks,
        /// A number is larger than any amount of PHA.
        AmountTooLarge,
        /// Grace is at most a vault's wait, that at most the notice of a commission, and that at most a
        /// year.
        InvalidPeriods,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::ContributionMin::get() > economics::pool::DUST,
                "the least contribution is dust"
            );
            assert!(
                T::ContributionMin::get() >= T::Currency::minimum_balance(),
                "an account could not take the least withdrawal"
            );
            assert!(T::QueueMax::get() > 0, "nobody could leave");
            assert!(
                Periods::default().are_valid(),
                "the default periods do not fit one another"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(
            _: BlockNumberFor<T>,
        ) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Makes a stake pool. The least balance of its account comes from the caller, for good.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::create())]
        pub fn create(origin: OriginFor<T>) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_create(owner, Kind::StakePool(StakePool::default()))
        }

        /// Gives a worker to a stake pool, by who owns the pool and operates the worker.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::add_worker())]
        pub fn add_worker(origin: OriginFor<T>, pid: PoolId, pubkey: WorkerId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_add_worker(&owner, pid, pubkey)
        }

        /// Takes a worker out of its pool, by the owner; nothing may be at stake for it.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::remove_worker())]
        pub fn remove_worker(
            origin: OriginFor<T>,
            pid: PoolId,
            worker: WorkerId,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove_worker(&owner, pid, worker)
        }

        /// Sets the most that a stake pool may be worth by contributions, by the owner.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::set_cap())]
        pub fn set_cap(origin: OriginFor<T>, pid: PoolId, cap: Balance) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_set_cap(&owner, pid, cap)
        }

        /// Sets the commission, by the owner. A lower one holds at once and withdraws what was announced;
        /// a higher one holds after the notice, or at once while nobody has shares.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::set_payout_pref())]
        pub fn set_payout_pref(
            origin: OriginFor<T>,
            pid: PoolId,
            payout_commission: Option<Permill>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_set_commission(&owner, pid, payout_commission.unwrap_or_default())
        }

        /// Pays a stake pool's commission to an account, by the owner.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::claim_owner_rewards())]
        pub fn claim_owner_rewards(
            origin: OriginFor<T>,
            pid: PoolId,
            target: AccountId32,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_claim_owner_rewards(&owner, pid, &target)
        }

        /// Pays who waits, and releases stake for those who have waited too long. Anybody may.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::check_and_maybe_force_withdraw())]
        pub fn check_and_maybe_force_withdraw(origin: OriginFor<T>, pid: PoolId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_check(pid)
        }

        /// Gives money to a pool, for shares: the caller's, or that of a vault which the caller owns.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::contribute())]
        pub fn contribute(
            origin: OriginFor<T>,
            pid: PoolId,
            amount: Balance,
            as_vault: Option<PoolId>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_contribute(who, pid, amount, as_vault)
        }

        /// Asks for the money for so many shares, those included that the caller, or the vault, has asked for
        /// already: these keep their places. Fewer than before takes the newest requests back.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::withdraw())]
        pub fn withdraw(
            origin: OriginFor<T>,
            pid: PoolId,
            shares: u128,
            as_vault: Option<PoolId>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_withdraw(who, pid, shares, as_vault)
        }

        /// Puts free money behind a worker, by the owner, when nobody waits for it.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::start_computing())]
        pub fn start_computing(
            origin: OriginFor<T>,
            pid: PoolId,
            worker: WorkerId,
            stake: Balance,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_start(&owner, pid, worker, stake)
        }

        /// Stops a worker, by the owner. Its stake cools down.
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::stop_computing())]
        pub fn stop_computing(
            origin: OriginFor<T>,
            pid: PoolId,
            worker: WorkerId,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_stop(&owner, pid, worker)
        }

        /// Takes back what has cooled down, and pays who waits. Anybody may.
        #[pallet::call_index(15)]
        #[pallet::weight(T::WeightInfo::reclaim_pool_worker())]
        pub fn reclaim_pool_worker(
            origin: OriginFor<T>,
            pid: PoolId,
            worker: WorkerId,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_reclaim(pid, worker)
        }

        /// Puts more money behind a worker that computes, by the owner, when nobody waits for it. `stake` is
        /// all of it.
        #[pallet::call_index(17)]
        #[pallet::weight(T::WeightInfo::start_computing())]
        pub fn restart_computing(
            origin: OriginFor<T>,
            pid: PoolId,
            worker: WorkerId,
            stake: Balance,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_restart(&owner, pid, worker, stake)
        }

        /// Makes a vault. The least balance of its account comes from the caller, for good.
        #[pallet::call_index(20)]
        #[pallet::weight(T::WeightInfo::create())]
        pub fn create_vault(origin: OriginFor<T>) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_create(owner, Kind::Vault(Vault::default()))
        }

        /// Turns shares that a vault's owner has gained into a delegation, by the owner.
        #[pallet::call_index(21)]
        #[pallet::weight(T::WeightInfo::claim_owner_shares())]
        pub fn claim_owner_shares(
            origin: OriginFor<T>,
            pid: PoolId,
            target: AccountId32,
            shares: u128,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_claim_owner_shares(&owner, pid, target, shares)
        }

        /// Brings a vault's value up to date, with its owner's commission. Anybody may.
        #[pallet::call_index(22)]
        #[pallet::weight(T::WeightInfo::maybe_gain_owner_shares())]
        pub fn maybe_gain_owner_shares(origin: OriginFor<T>, pid: PoolId) -> DispatchResult {
            ensure_signed(origin)?;
            let mut pool = Self::vault(pid)?;
            Self::settle(pid, &mut pool)?;
            Pools::<T>::insert(pid, pool);
            Ok(())
        }

        /// Takes back all that the caller, or a vault of the caller, has asked for in a queue.
        #[pallet::call_index(23)]
        #[pallet::weight(T::WeightInfo::cancel_withdraw())]
        pub fn cancel_withdraw(
            origin: OriginFor<T>,
            pid: PoolId,
            as_vault: Option<PoolId>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_cancel_withdraw(who, pid, as_vault)
        }

        /// Gives shares to another account. Queued and locked ones stay.
        #[pallet::call_index(24)]
        #[pallet::weight(T::WeightInfo::transfer_shares())]
        pub fn transfer_shares(
            origin: OriginFor<T>,
            pid: PoolId,
            to: AccountId32,
            shares: u128,
        ) -> DispatchResult {
            let from = ensure_signed(origin)?;
            Self::do_transfer_shares(from, pid, to, shares)
        }

        /// Describes a pool, by the owner.
        #[pallet::call_index(25)]
        #[pallet::weight(T::WeightInfo::set_pool_description())]
        pub fn set_pool_description(
            origin: OriginFor<T>,
            pid: PoolId,
            description: Vec<u8>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_set_description(&owner, pid, description)
        }

        /// Lets an account contribute, by the owner. The first one closes the pool to all others.
        #[pallet::call_index(26)]
        #[pallet::weight(T::WeightInfo::change_whitelist())]
        pub fn add_staker_to_whitelist(
            origin: OriginFor<T>,
            pid: PoolId,
            staker: AccountId32,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_add_to_whitelist(&owner, pid, staker)
        }

        /// Lets an account contribute no more, by the owner. With the last one the pool is open to all.
        #[pallet::call_index(27)]
        #[pallet::weight(T::WeightInfo::change_whitelist())]
        pub fn remove_staker_from_whitelist(
            origin: OriginFor<T>,
            pid: PoolId,
            staker: AccountId32,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove_from_whitelist(&owner, pid, &staker)
        }

        /// Sets how long people wait.
        #[pallet::call_index(28)]
        #[pallet::weight(T::WeightInfo::set_cap())]
        pub fn set_waiting_periods(origin: OriginFor<T>, periods: Periods) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(periods.are_valid(), Error::<T>::InvalidPeriods);
            WaitingPeriods::<T>::put(periods);
            Self::deposit_event(Event::WaitingPeriodsSet { periods });
            Ok(())
        }
    }
}
