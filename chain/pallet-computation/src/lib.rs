//! Secure Worker Mining: sessions, challenges, payments and slashes. Runtime name `PhalaComputation`.
//!
//! # Words
//!
//! A *session* is one worker's work for one pool, known by an account without a key. It is *bound* to a
//! worker, *started* with a stake, and *computes* until it is *stopped*; its stake then *cools down* and is
//! *reclaimed*. A session that computes is *on line* or *unresponsive*. A *challenge* asks an on-line
//! session's worker for a *heartbeat*, the answer; with it the session is paid. `docs/economy/mathematics.md`
//! has the formulas, `economics` computes them.
//!
//! # Life cycle
//!
//! ```text
//!           bind           start            challenge unanswered
//! (nothing) ────► ready ────────► on line ────────────────────────► unresponsive
//!      ▲            ▲                │  ▲                            │  │
//!      └── unbind ──┤                │  └───────── any answer ───────┘  │
//!                   │ reclaim        ▼                                  │
//!                   └──────── cooling down ◄──────────── stop ──────────┘
//! ```
//!
//! The pools bind, start, stop and reclaim, through [`mining_api::Sessions`]. The operator of a worker may take
//! it from its session at any time. Workers speak through the mailbox: [`Pallet::check_message`] before and
//! [`Pallet::handle_message`] after a message is in a block.
//!
//! # What a block costs
//!
//! Nothing visits all sessions. An event brings one session and the network's index forward, at the same cost
//! for any number of sessions and blocks. Challenges are drawn by place in a list; those of a block share a
//! record, which comes up once, when its deadline has passed. A start of a block handles at most
//! [`EXPIRED_BUCKETS_PER_BLOCK_MAX`] such records and [`SLASHES_PER_BLOCK_MAX`] slashes, and leaves others to the
//! next.
//!
//! # Threats
//!
//! - An answer made in advance or for another: it repeats the challenge's nonce, is signed by the bound
//!   worker, and counts once.
//! - Who knows the next challenge: see `docs/adr/0017-heartbeat-challenges.md`.
//! - A counter that did not start at zero: the first answer of a session only says where it stands.
//! - A worker that leaves before its fault is proven: a stake answers until it is reclaimed, it is not
//!   reclaimed while a slash waits, and a worker whose stake cools down binds to no other session.
//! - A subsidy pool that runs dry: what cannot be paid is owed, by record and event. Nothing is minted.
//!
//! # Limits
//!
//! At most `economics::bounds::WORKERS_MAX` sessions are on line, `ChallengesMax` are challenged in a block,
//! [`SLASHES_PER_SESSION_MAX`] slashes wait for a session. A session is settled at most once in a block after it
//! was paid or went off line: what comes second is refused with `TryNextBlock`.
//!
//! Maps are keyed by `Twox64Concat` where keys are hashes and public keys, as old clients expect.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod genesis;
mod heartbeats;
mod payments;
mod sessions;
mod slashes;
mod try_state;
mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use genesis::{GenesisBenchmarks, GenesisBudget, GenesisParameters, GenesisSlashes};
pub use pallet::*;
pub use types::{
    Benchmark, BenchmarkPolicy, ChallengedSessions, CoolDown, PendingChallenge, PendingSlash,
    Queue, SessionInfo, SessionState, SlashId, SlashPolicy,
};
pub use weights::WeightInfo;

/// Blocks' challenges whose deadline a block's start handles.
pub const EXPIRED_BUCKETS_PER_BLOCK_MAX: u32 = 2;
/// Slashes that a block's start looks at.
pub const SLASHES_PER_BLOCK_MAX: u32 = 4;
/// Slashes that may wait for one session.
pub const SLASHES_PER_SESSION_MAX: u32 = 16;
/// Longest time for an answer that can be set, blocks.
pub const HEARTBEAT_WINDOW_MAX: u32 = 1 << 16;
/// Longest cool-down that can be set, seconds: 90 days.
pub const COOL_DOWN_SECONDS_MAX: u64 = 90 * 24 * 60 * 60;
/// Longest time for an appeal that can be set, blocks.
pub const APPEAL_BLOCKS_MAX: u32 = 1 << 24;

/// Cool-down by default, seconds: a week.
const COOL_DOWN_SECONDS_DEFAULT: u64 = 7 * 24 * 60 * 60;

const _: () = assert!(COOL_DOWN_SECONDS_DEFAULT <= COOL_DOWN_SECONDS_MAX);
// What a block adds is less than what a block handles, or what is left over would grow.
const _: () = assert!(EXPIRED_BUCKETS_PER_BLOCK_MAX > 1);

/// The pallet.
#[allow(
    clippy::expect_used,
    clippy::large_enum_variant,
    clippy::let_unit_value,
    reason = "FRAME's macros expand to it"
)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::*;
    use economics::{Fault, Parameters, Permill, RewardIndex, Schedule};
    use mining_api::SessionEvents;
    use pallet_worker_registry::{Clusters, WorkerDirectory, WorkerRecords};
    use polkadot_sdk::{
        frame_support::{
            PalletId,
            pallet_prelude::*,
            traits::{
                Randomness, UnixTime,
                fungible::{Inspect, Mutate},
            },
        },
        frame_system::pallet_prelude::*,
        sp_runtime::{AccountId32, SaturatedConversion},
    };
    use primitives::{Balance, BlockNumber, WorkerId};

    /// The version of the storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet's handle.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<AccountId = AccountId32> {
        /// Money, for payments.
        type Currency: Inspect<AccountId32, Balance = Balance> + Mutate<AccountId32>;
        /// Who the workers are, and who operates them.
        type Workers: WorkerDirectory + WorkerRecords<AccountId32>;
        /// Which workers serve clusters.
        type Clusters: Clusters;
        /// Whose stakes they are.
        type Pools: SessionEvents<AccountId32>;
        /// What challenges are drawn with; who can foretell or bend it is ADR 0017's matter.
        type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;
        /// The chain's clock.
        type UnixTime: UnixTime;
        /// Who sets parameters, cancels slashes and bans workers.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Where the treasury's part goes.
        type Treasury: Get<AccountId32>;
        /// Parameters until a vote sets others, for the chain's block time.
        type DefaultParameters: Get<Parameters>;
        /// The budget until a vote sets another, for the chain's block time.
        type DefaultSchedule: Get<Schedule>;
        /// What things cost.
        type WeightInfo: WeightInfo;
        /// Whose account the subsidy pool is: `phala/pp`.
        #[pallet::constant]
        type PalletId: Get<PalletId>;
        /// Most challenges of a block.
        #[pallet::constant]
        type ChallengesMax: Get<u32>;
    }

    /// Parameters of the formulas.
    #[pallet::storage]
    pub type TokenomicParameters<T: Config> =
        StorageValue<_, Parameters, ValueQuery, T::DefaultParameters>;

    /// Parameters that hold from the next block on.
    #[pallet::storage]
    pub type ScheduledTokenomicUpdate<T: Config> = StorageValue<_, Parameters>;

    /// What all networks together may spend.
    #[pallet::storage]
    pub type BudgetSchedule<T: Config> = StorageValue<_, Schedule, ValueQuery, T::DefaultSchedule>;

    /// All of a budget.
    #[pallet::type_value]
    pub fn WholeBudget() -> Permill {
        Permill::ONE
    }

    /// This network's part of the budget.
    #[pallet::storage]
    pub type NetworkShare<T: Config> = StorageValue<_, Permill, ValueQuery, WholeBudget>;

    /// No worker before the first block.
    #[pallet::type_value]
    pub fn EmptyIndex() -> RewardIndex {
        RewardIndex::new(0)
    }

    /// What the network owes to whom, as of its last event.
    #[pallet::storage]
    pub type Index<T: Config> = StorageValue<_, RewardIndex, ValueQuery, EmptyIndex>;

    /// Sessions.
    #[pallet::storage]
    pub type Sessions<T: Config> = StorageMap<_, Twox64Concat, AccountId32, SessionInfo>;

    /// The worker of each bound session.
    #[pallet::storage]
    pub type SessionBindings<T: Config> = StorageMap<_, Twox64Concat, AccountId32, WorkerId>;

    /// The session of each bound worker.
    #[pallet::storage]
    pub type WorkerBindings<T: Config> = StorageMap<_, Twox64Concat, WorkerId, AccountId32>;

    /// The session that a worker was taken from while it had something at stake, until that is reclaimed.
    #[pallet::storage]
    pub type FormerSessions<T: Config> = StorageMap<_, Twox64Concat, WorkerId, AccountId32>;

    /// How many sessions are on line.
    #[pallet::storage]
    pub type OnlineWorkers<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// The sessions that are on line, at places 0 to [`OnlineWorkers`].
    #[pallet::storage]
    pub type OnlineSessions<T: Config> = StorageMap<_, Twox64Concat, u32, AccountId32>;

    /// The place of each session that is on line.
    #[pallet::storage]
    pub type OnlinePlaces<T: Config> = StorageMap<_, Twox64Concat, AccountId32, u32>;

    /// No challenges until a vote wants them.
    #[pallet::type_value]
    pub fn Paused() -> bool {
        true
    }

    /// Whether nobody is challenged, and nobody goes off line.
    #[pallet::storage]
    pub type HeartbeatPaused<T: Config> = StorageValue<_, bool, ValueQuery, Paused>;

    /// Until when, after a pause, no answer is late.
    #[pallet::storage]
    pub type GraceUntil<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;

    /// The challenge that each session has not answered. Workers read it with a proof.
    #[pallet::storage]
    pub type PendingChallenges<T: Config> =
        StorageMap<_, Twox64Concat, AccountId32, PendingChallenge>;

    /// Whom each block has challenged, by number in [`ChallengeQueue`]; until the deadline has passed.
    #[pallet::storage]
    pub type Challenged<T: Config> =
        StorageMap<_, Twox64Concat, u32, ChallengedSessions<T::ChallengesMax>>;

    /// Which entries of [`Challenged`] there are.
    #[pallet::storage]
    pub type ChallengeQueue<T: Config> = StorageValue<_, Queue, ValueQuery>;

    /// A week.
    #[pallet::type_value]
    pub fn CoolDownDefault() -> u64 {
        COOL_DOWN_SECONDS_DEFAULT
    }

    /// How long a stake cools down, seconds.
    #[pallet::storage]
    pub type CoolDownPeriod<T: Config> = StorageValue<_, u64, ValueQuery, CoolDownDefault>;

    /// The last benchmark of each worker.
    #[pallet::storage]
    pub type Benchmarks<T: Config> = StorageMap<_, Twox64Concat, WorkerId, Benchmark>;

    /// Which benchmarks count.
    #[pallet::storage]
    pub type BenchmarkRules<T: Config> = StorageValue<_, BenchmarkPolicy, ValueQuery>;

    /// What could not be paid to each session's pool.
    #[pallet::storage]
    pub type Owed<T: Config> = StorageMap<_, Twox64Concat, AccountId32, Balance, ValueQuery>;

    /// What could not be paid to the treasury.
    #[pallet::storage]
    pub type OwedToTreasury<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// Faults cost, after a day of blocks of a second; who proves one gets a tenth.
    #[pallet::type_value]
    pub fn SlashRulesDefault() -> SlashPolicy {
        SlashPolicy {
            enabled: true,
            appeal_blocks: 24 * 60 * 60,
            reporter_part: Permill::from_parts(100_000),
        }
    }

    /// What becomes of proven faults.
    #[pallet::storage]
    pub type SlashRules<T: Config> = StorageValue<_, SlashPolicy, ValueQuery, SlashRulesDefault>;

    /// Slashes that may still be cancelled.
    #[pallet::storage]
    pub type PendingSlashes<T: Config> = StorageMap<_, Twox64Concat, SlashId, PendingSlash>;

    /// Which entries of [`PendingSlashes`] there may be.
    #[pallet::storage]
    pub type SlashQueue<T: Config> = StorageValue<_, Queue, ValueQuery>;

    /// How many slashes wait for each session.
    #[pallet::storage]
    pub type SlashesOfSession<T: Config> =
        StorageMap<_, Twox64Concat, AccountId32, u32, ValueQuery>;

    /// How mining starts.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Whether challenges wait for a vote.
        pub heartbeat_paused: bool,
        /// How long a stake cools down, seconds.
        pub cool_down_seconds: u64,
        /// Parameters, where they differ from the runtime's.
        pub parameters: GenesisParameters,
        /// The budget, where it differs from the runtime's.
        pub budget: GenesisBudget,
        /// What faults cost, where it differs from the default.
        pub slashes: GenesisSlashes,
        /// Which benchmarks count, where it differs from the default.
        pub benchmarks: GenesisBenchmarks,
        /// Ties the configuration to the runtime.
        #[serde(skip)]
        pub phantom: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self {
                heartbeat_paused: Paused::get(),
                cool_down_seconds: COOL_DOWN_SECONDS_DEFAULT,
                parameters: GenesisParameters::default(),
                budget: GenesisBudget::default(),
                slashes: GenesisSlashes::default(),
                benchmarks: GenesisBenchmarks::default(),
                phantom: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(
                self.cool_down_seconds <= COOL_DOWN_SECONDS_MAX,
                "the cool-down in the genesis configuration is longer than 90 days"
            );
            HeartbeatPaused::<T>::put(self.heartbeat_paused);
            CoolDownPeriod::<T>::put(self.cool_down_seconds);
            self.put_parameters();
            self.put_rules();
        }
    }

    impl<T: Config> GenesisConfig<T> {
        /// What is as the runtime says is not stored, so that it goes with the runtime.
        fn put_parameters(&self) {
            if self.parameters != GenesisParameters::default() {
                let parameters = self
                    .parameters
                    .over(T::DefaultParameters::get())
                    .filter(|parameters| Pallet::<T>::check_parameters(parameters).is_ok())
                    .expect("the genesis configuration's parameters are no numbers, or out of bounds");
                TokenomicParameters::<T>::put(parameters);
            }
            if self.budget != GenesisBudget::default() {
                let (schedule, share) = self
                    .budget
                    .over(T::DefaultSchedule::get())
                    .expect("the genesis configuration's budget is no number, or out of bounds");
                BudgetSchedule::<T>::put(schedule);
                NetworkShare::<T>::put(share);
            }
        }

        fn put_rules(&self) {
            if self.slashes != GenesisSlashes::default() {
                let rules = self
                    .slashes
                    .over(SlashRulesDefault::get())
                    .expect("the genesis configuration's rules for slashes are out of bounds");
                SlashRules::<T>::put(rules);
            }
            if self.benchmarks != GenesisBenchmarks::default() {
                let rules = self
                    .benchmarks
                    .over(BenchmarkPolicy::default())
                    .expect("the genesis configuration's rules for benchmarks are out of bounds");
                BenchmarkRules::<T>::put(rules);
            }
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Stakes cool down for another time from now on.
        CoolDownExpirationChanged {
            /// Seconds.
            period: u64,
        },
        /// A session has begun to compute.
        WorkerStarted {
            /// The session.
            session: AccountId32,
            /// Its stake.
            stake: Balance,
            /// Its first value: bits of a 64.64 number of PHA.
            init_v: u128,
            /// Its worker's score.
            init_p: u32,
        },
        /// A session goes on with a greater stake.
        WorkerRestarted {
            /// The session.
            session: AccountId32,
            /// Its stake.
            stake: Balance,
            /// Its new first value: bits of a 64.64 number of PHA.
            init_v: u128,
            /// Its worker's score.
            init_p: u32,
        },
        /// A session computes no more; its stake cools down.
        WorkerStopped {
            /// The session.
            session: AccountId32,
        },
        /// A stake was given back to its pool.
        WorkerReclaimed {
            /// The session.
            session: AccountId32,
            /// The stake.
            original_stake: Balance,
            /// What of it is lost.
            slashed: Balance,
        },
        /// A session has a worker.
        SessionBound {
            /// The session.
            session: AccountId32,
            /// The worker.
            worker: WorkerId,
        },
        /// A session has no worker any more.
        SessionUnbound {
            /// The session.
            session: AccountId32,
            /// The worker.
            worker: WorkerId,
        },
        /// A session did not answer a challenge in time: it earns nothing and loses value until it answers.
        WorkerEnterUnresponsive {
            /// The session.
            session: AccountId32,
        },
        /// An unresponsive session has answered.
        WorkerExitUnresponsive {
            /// The session.
            session: AccountId32,
        },
        /// A session has answered a challenge, and earned.
        SessionSettled {
            /// The session.
            session: AccountId32,
            /// Its value: bits of a 64.64 number of PHA.
            v_bits: u128,
            /// Its performance: bits of a 64.64 number of iterations in 6 s.
            p_bits: u128,
            /// For its pool.
            payout: Balance,
            /// For the treasury.
            treasury: Balance,
        },
        /// The subsidy pool could not pay a session's pool all; the rest is owed.
        PaymentOwed {
            /// The session.
            session: AccountId32,
            /// What is owed now.
            owed: Balance,
        },
        /// A worker has a new benchmark.
        BenchmarkUpdated {
            /// The worker.
            worker: WorkerId,
            /// Its score.
            score: u32,
        },
        /// Other parameters hold from now on.
        TokenomicParametersChanged,
        /// Another budget holds from now on.
        BudgetScheduleChanged {
            /// The budget.
            schedule: Schedule,
        },
        /// Another part of the budget is this network's from now on.
        NetworkShareChanged {
            /// The part.
            share: Permill,
        },
        /// Challenges were stopped, or go on.
        HeartbeatPausedSet {
            /// Whether they are stopped.
            paused: bool,
        },
        /// Other benchmarks count from now on.
        BenchmarkRulesChanged {
            /// Which.
            rules: BenchmarkPolicy,
        },
        /// Faults cost something else from now on.
        SlashRulesChanged {
            /// What.
            rules: SlashPolicy,
        },
        /// A fault was proven, and costs nothing.
        FaultNotPunished {
            /// The session.
            session: AccountId32,
            /// The worker.
            worker: WorkerId,
            /// The fault.
            fault: Fault,
        },
        /// A fault was proven; unless it is cancelled, its slash takes stake.
        SlashReported {
            /// The slash.
            slash: SlashId,
            /// Whose stake.
            session: AccountId32,
            /// Whose fault.
            worker: WorkerId,
            /// The fault.
            fault: Fault,
            /// The most that it takes.
            amount: Balance,
            /// The block that executes it.
            due: BlockNumber,
        },
        /// A slash was cancelled.
        SlashCancelled {
            /// The slash.
            slash: SlashId,
            /// Whose stake.
            session: AccountId32,
        },
        /// A slash took stake.
        SlashExecuted {
            /// The slash.
            slash: SlashId,
            /// Whose stake.
            session: AccountId32,
            /// What goes to the treasury.
            to_treasury: Balance,
            /// What goes to who proved the fault.
            reward: Option<(AccountId32, Balance)>,
        },
        /// A slash could not be executed and is dropped.
        SlashFailed {
            /// The slash.
            slash: SlashId,
            /// Whose stake.
            session: AccountId32,
            /// Why.
            error: DispatchError,
        },
    }

    /// Why something is refused.
    #[pallet::error]
    pub enum Error<T> {
        /// Only the operator of the session's worker may do this.
        BadSender,
        /// The worker is not registered, expired, or runs a build that is allowed no more.
        WorkerNotRegistered,
        /// The session has a worker, or a stake that cools down.
        DuplicateBoundSession,
        /// The worker belongs to another session.
        DuplicateBoundWorker,
        /// The worker has no benchmark yet.
        BenchmarkMissing,
        /// The worker's benchmark is too old, or not newer than its last one.
        BenchmarkTooOld,
        /// The benchmark took less time than one must.
        BenchmarkTooShort,
        /// The benchmark ended later than now.
        BenchmarkInFuture,
        /// No such session.
        SessionNotFound,
        /// The session has no worker.
        SessionNotBound,
        /// The worker belongs to no session, or to another.
        WorkerNotBound,
        /// The session computes or cools down already.
        WorkerNotReady,
        /// The session does not compute.
        WorkerNotComputing,
        /// The session is unresponsive; its worker must answer its challenge first.
        WorkerUnresponsive,
        /// The worker left another session whose stake still cools down.
        WorkerCoolingDown,
        /// There is nothing to reclaim, or it still cools down.
        CoolDownNotReady,
        /// The worker's score is below the least that may mine.
        BenchmarkTooLow,
        /// The stake is below the least for the worker's score.
        InsufficientStake,
        /// The stake is above the most for the worker's score.
        TooMuchStake,
        /// A restart needs a greater stake.
        StakeNotGreater,
        /// The session was settled in this block already; try in the next.
        TryNextBlock,
        /// A number left its bounds.
        OutOfBounds,
        /// A parameter lies outside its bounds.
        InvalidParameters,
        /// The session was not asked this, or has answered.
        NoChallenge,
        /// The session has a challenge already.
        ChallengePending,
        /// The pallet does not handle messages of this kind.
        UnknownMessage,
        /// Nothing is owed to the session.
        NothingOwed,
        /// The subsidy pool has nothing to pay with.
        SubsidyPoolEmpty,
        /// The worker's session has nothing at stake.
        NothingAtStake,
        /// As many slashes as can be wait for the session.
        TooManySlashes,
        /// No such slash waits.
        SlashNotFound,
        /// A slash waits for the session; it is executed or cancelled first.
        SlashPending,
    }

    impl<T> From<economics::Error> for Error<T> {
        fn from(error: economics::Error) -> Self {
            use economics::Error::*;
            match error {
                ScoreTooLow => Self::BenchmarkTooLow,
                StakeTooLow => Self::InsufficientStake,
                StakeTooHigh => Self::TooMuchStake,
                InThePast => Self::TryNextBlock,
                Unresponsive => Self::WorkerUnresponsive,
                InvalidParameters => Self::InvalidParameters,
                Overflow | IndexBehind | Dust | Bankrupt | NoShares | NotEnoughShares => {
                    Self::OutOfBounds
                }
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(number: BlockNumberFor<T>) -> Weight {
            Self::begin_block(number.saturated_into())
        }

        fn integrity_test() {
            assert!(T::ChallengesMax::get() > 0, "nobody could be challenged");
            assert!(
                Self::check_parameters(&T::DefaultParameters::get()).is_ok(),
                "the default parameters lie outside their bounds"
            );
            assert!(
                T::DefaultSchedule::get().validate().is_ok(),
                "the default budget lies outside its bounds"
            );
            let most = T::WeightInfo::on_initialize(
                T::ChallengesMax::get(),
                EXPIRED_BUCKETS_PER_BLOCK_MAX.saturating_mul(T::ChallengesMax::get()),
                SLASHES_PER_BLOCK_MAX,
            );
            let block = T::BlockWeights::get().max_block;
            assert!(
                most.all_lte(block.saturating_div(2)),
                "a block's start takes more than half of a block: lower ChallengesMax"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(
            _: BlockNumberFor<T>,
        ) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    // Numbers 2, 3, 7 and 8 meant calls that there are no more; they stay free.
    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Sets how long stakes cool down, seconds; also those that do already.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::set_parameter())]
        pub fn set_cool_down_expiration(origin: OriginFor<T>, period: u64) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(
                period <= COOL_DOWN_SECONDS_MAX,
                Error::<T>::InvalidParameters
            );
            CoolDownPeriod::<T>::put(period);
            Self::deposit_event(Event::CoolDownExpirationChanged { period });
            Ok(())
        }

        /// Takes a worker from its session, by the worker's operator. If it computes, it is stopped first.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::unbind())]
        pub fn unbind(origin: OriginFor<T>, session: AccountId32) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_unbind_by_operator(&who, &session)
        }

        /// Takes a worker from its session, whatever its operator wants. If it computes, it is stopped first.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::unbind())]
        pub fn force_stop_computing(origin: OriginFor<T>, session: AccountId32) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_unbind(&session)
        }

        /// Sets the parameters from the next block on.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::set_parameter())]
        pub fn update_tokenomic(origin: OriginFor<T>, parameters: Parameters) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::check_parameters(&parameters)?;
            ScheduledTokenomicUpdate::<T>::put(parameters);
            Ok(())
        }

        /// Stops challenges, or lets them go on. Who has one that waits gets time to answer it.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::set_parameter())]
        pub fn set_heartbeat_paused(origin: OriginFor<T>, paused: bool) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            if HeartbeatPaused::<T>::get() && !paused {
                let window = TokenomicParameters::<T>::get().heartbeat_window;
                GraceUntil::<T>::put(Self::block().saturating_add(window));
            }
            HeartbeatPaused::<T>::put(paused);
            Self::deposit_event(Event::HeartbeatPausedSet { paused });
            Ok(())
        }

        /// Sets the budget. Blocks up to this one have the old one.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::set_budget())]
        pub fn set_schedule(origin: OriginFor<T>, schedule: Schedule) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            schedule.validate().map_err(Error::<T>::from)?;
            Index::<T>::put(Self::advanced_index()?);
            BudgetSchedule::<T>::put(schedule);
            Self::deposit_event(Event::BudgetScheduleChanged { schedule });
            Ok(())
        }

        /// Sets this network's part of the budget. Blocks up to this one have the old one.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::set_budget())]
        pub fn set_network_share(origin: OriginFor<T>, share: Permill) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(share <= Permill::ONE, Error::<T>::InvalidParameters);
            Index::<T>::put(Self::advanced_index()?);
            NetworkShare::<T>::put(share);
            Self::deposit_event(Event::NetworkShareChanged { share });
            Ok(())
        }

        /// Reports a fault that no pallet can judge.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::report_slash())]
        pub fn report_slash(
            origin: OriginFor<T>,
            worker: WorkerId,
            fault: Fault,
            reporter: Option<AccountId32>,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::report_fault(&worker, fault, reporter).map(drop)
        }

        /// Cancels a slash that waits.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::cancel_slash())]
        pub fn cancel_slash(origin: OriginFor<T>, slash: SlashId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_cancel_slash(slash)
        }

        /// Sets what becomes of faults that are reported from now on.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::set_parameter())]
        pub fn set_slash_rules(origin: OriginFor<T>, rules: SlashPolicy) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(
                rules.reporter_part <= Permill::ONE && rules.appeal_blocks <= APPEAL_BLOCKS_MAX,
                Error::<T>::InvalidParameters
            );
            SlashRules::<T>::put(rules);
            Self::deposit_event(Event::SlashRulesChanged { rules });
            Ok(())
        }

        /// Sets which benchmarks count.
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::set_parameter())]
        pub fn set_benchmark_rules(origin: OriginFor<T>, rules: BenchmarkPolicy) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(rules.is_valid(), Error::<T>::InvalidParameters);
            BenchmarkRules::<T>::put(rules);
            Self::deposit_event(Event::BenchmarkRulesChanged { rules });
            Ok(())
        }

        /// Pays what the subsidy pool owes to a session's pool, as far as there is money. Anybody may.
        #[pallet::call_index(15)]
        #[pallet::weight(T::WeightInfo::claim_owed())]
        pub fn claim_owed(origin: OriginFor<T>, session: AccountId32) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_claim_owed(&session)
        }

        /// Challenges one session that is on line.
        #[pallet::call_index(16)]
        #[pallet::weight(T::WeightInfo::force_challenge())]
        pub fn force_challenge(origin: OriginFor<T>, session: AccountId32) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_force_challenge(&session)
        }
    }

    impl<T: Config> Pallet<T> {
        /// Parameters, then who is late, then slashes, then new challenges. Who goes off line may be slashed
        /// in the same block, not the other way round.
        pub(crate) fn begin_block(block: BlockNumber) -> Weight {
            if let Some(parameters) = ScheduledTokenomicUpdate::<T>::take() {
                TokenomicParameters::<T>::put(parameters);
                Self::deposit_event(Event::TokenomicParametersChanged);
            }
            let on = !HeartbeatPaused::<T>::get();
            let expired = if on {
                Self::expire_challenges(block)
            } else {
                0
            };
            let slashes = Self::execute_slashes(block);
            let challenges = if on { Self::draw_challenges(block) } else { 0 };
            T::WeightInfo::on_initialize(challenges, expired, slashes)
        }

        /// Whether parameters may be set.
        fn check_parameters(parameters: &Parameters) -> DispatchResult {
            parameters.validate().map_err(Error::<T>::from)?;
            let fits = parameters.challenges <= T::ChallengesMax::get()
                && (1..=HEARTBEAT_WINDOW_MAX).contains(&parameters.heartbeat_window);
            ensure!(fits, Error::<T>::InvalidParameters);
            Ok(())
        }
    }
}
