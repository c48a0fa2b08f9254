//! A runtime of pools and balances, with sessions that are a real state machine in storage.

use crate as pallet_stake_pools;
use crate::*;
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{
    PalletId, Twox64Concat, derive_impl, ensure, parameter_types, storage_alias,
    traits::{
        fungible::{Inspect, Mutate},
        tokens::Preservation,
    },
};
use mining_api::{SessionEvents, StakeReturn};
use polkadot_sdk::*;
use primitives::{Balance, WorkerId, units::PHA};
use scale_info::TypeInfo;
use sp_runtime::{
    AccountId32, BuildStorage, DispatchError, DispatchResult, traits::IdentityLookup,
};

pub const DAY: u64 = 24 * 3600;
/// Chain time at the start, seconds.
pub const START: u64 = 1_800_000_000;
/// How long stake cools down.
pub const COOL_DOWN: u64 = 7 * DAY;
/// What each account starts with.
pub const ENDOWMENT: Balance = 1_000_000 * PHA;
/// Accounts with money, from 1.
pub const ACCOUNTS: u8 = 8;
/// The least stake of a session.
pub const STAKE_MIN: Balance = PHA;
/// What rewards are paid from.
pub const SUBSIDY: AccountId32 = AccountId32::new([200; 32]);
/// What pays for everything else.
pub const TREASURY: AccountId32 = AccountId32::new([201; 32]);
pub const NOT_READY: DispatchError = DispatchError::Other("the session is not ready");
pub const NOT_COMPUTING: DispatchError = DispatchError::Other("the session does not compute");
pub const COOLING: DispatchError = DispatchError::Other("the stake cools down");

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Timestamp: pallet_timestamp,
        Balances: pallet_balances,
        StakePools: pallet_stake_pools,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

parameter_types! {
    pub const PoolsId: PalletId = PalletId(*b"phala/bp");
    pub const TreasuryAccount: AccountId32 = TREASURY;
    pub const ExistentialDeposit: Balance = PHA / 100;
    pub const ContributionMin: Balance = PHA / 100;
    pub static QueueMax: u32 = 1_000;
    /// What a session is paid whenever its pool has it do something.
    pub static PaidAtOnce: Balance = 0;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ExistentialDeposit;
}

impl pallet_stake_pools::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Sessions = TestSessions;
    type UnixTime = Timestamp;
    type PalletId = PoolsId;
    type Treasury = TreasuryAccount;
    type ContributionMin = ContributionMin;
    type GovernanceOrigin = frame_system::EnsureRoot<AccountId32>;
    type QueueMax = QueueMax;
    type WeightInfo = weights::Estimated<Test>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = TestSessions;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub enum State {
    Ready,
    Computing,
    CoolingDown { since: u64 },
}

/// A session as its pallet knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct TestSession {
    pub worker: Option<WorkerId>,
    pub stake: Balance,
    /// Lost off line; taken when it is reclaimed.
    pub lost: Balance,
    pub state: State,
}

#[storage_alias]
pub type SessionStates = StorageMap<TestPrefix, Twox64Concat, AccountId32, TestSession>;
#[storage_alias]
pub type Bindings = StorageMap<TestPrefix, Twox64Concat, WorkerId, AccountId32>;
#[storage_alias]
pub type Operators = StorageMap<TestPrefix, Twox64Concat, WorkerId, AccountId32>;

/// Sessions in storage, so that a refused call leaves no trace of them either.
pub struct TestSessions;

impl TestSessions {
    fn get(session: &AccountId32) -> Result<TestSession, DispatchError> {
        SessionStates::get(session).ok_or(DispatchError::Other("no such session"))
    }

    /// A session earns.
    pub fn reward(session: &AccountId32, amount: Balance) {
        let account = StakePools::reward_account(session).unwrap();
        Balances::transfer(&SUBSIDY, &account, amount, Preservation::Preserve).unwrap();
        StakePools::on_reward(session, amount);
    }

    fn pay_at_once(session: &AccountId32) {
        let amount = PaidAtOnce::get();
        if amount > 0 {
            Self::reward(session, amount);
        }
    }

    /// A fault of a session is proven.
    pub fn fault(session: &AccountId32, to_treasury: Balance, reporter: Option<(u8, Balance)>) {
        let sum = to_treasury + reporter.map_or(0, |(_, amount)| amount);
        SessionStates::mutate(session, |state| {
            let state = state.as_mut().unwrap();
            state.stake -= sum;
            state.lost = state.lost.min(state.stake);
        });
        let beneficiary = reporter.map(|(seed, amount)| (account(seed), amount));
        StakePools::on_slashed(session, to_treasury, beneficiary);
    }

    /// A session was off line.
    pub fn off_line(session: &AccountId32, lost: Balance) {
        SessionStates::mutate(session, |state| {
            let state = state.as_mut().unwrap();
            state.lost = (state.lost + lost).min(state.stake);
        });
    }

    /// The operator takes the worker away.
    pub fn take_away(worker: &WorkerId) {
        let session = Bindings::take(worker).unwrap();
        SessionStates::mutate(&session, |state| {
            let state = state.as_mut().unwrap();
            state.worker = None;
            if state.state == State::Computing {
                state.state = State::CoolingDown { since: now() };
            }
        });
        StakePools::on_unbound(&session, worker);
    }

    /// The pallet of sessions stops one without its pool's knowing.
    pub fn stop_alone(session: &AccountId32) {
        <Self as mining_api::Sessions<AccountId32>>::stop(session).unwrap();
    }
}

impl mining_api::Sessions<AccountId32> for TestSessions {
    fn bind(session: &AccountId32, worker: &WorkerId) -> DispatchResult {
        ensure!(
            !Bindings::contains_key(worker),
            DispatchError::Other("bound")
        );
        let idle = SessionStates::get(session).is_none_or(|state| state.state == State::Ready);
        ensure!(idle, NOT_READY);
        Bindings::insert(worker, session);
        let state = TestSession {
            worker: Some(*worker),
            stake: 0,
            lost: 0,
            state: State::Ready,
        };
        SessionStates::insert(session, state);
        Ok(())
    }

    fn unbind(session: &AccountId32) -> DispatchResult {
        let state = Self::get(session)?;
        ensure!(state.state == State::Ready, NOT_READY);
        Bindings::remove(state.worker.unwrap());
        SessionStates::remove(session);
        Ok(())
    }

    fn start(session: &AccountId32, stake: Balance) -> DispatchResult {
        let state = Self::get(session)?;
        ensure!(
            state.state == State::Ready && state.worker.is_some(),
            NOT_READY
        );
        ensure!(
            stake >= STAKE_MIN,
            DispatchError::Other("the stake is too small")
        );
        let state = TestSession {
            stake,
            lost: 0,
            state: State::Computing,
            ..state
        };
        SessionStates::insert(session, state);
        Self::pay_at_once(session);
        Ok(())
    }

    fn stop(session: &AccountId32) -> DispatchResult {
        let mut state = Self::get(session)?;
        ensure!(state.state == State::Computing, NOT_COMPUTING);
        state.state = State::CoolingDown { since: now() };
        SessionStates::insert(session, state);
        Self::pay_at_once(session);
        Ok(())
    }

    fn restart(session: &AccountId32, stake: Balance) -> DispatchResult {
        let mut state = Self::get(session)?;
        ensure!(state.state == State::Computing, NOT_COMPUTING);
        ensure!(stake > state.stake, DispatchError::Other("not greater"));
        state.stake = stake;
        SessionStates::insert(session, state);
        Self::pay_at_once(session);
        Ok(())
    }

    fn reclaim(session: &AccountId32) -> Result<StakeReturn, DispatchError> {
        let mut state = Self::get(session)?;
        let State::CoolingDown { since } = state.state else {
            return Err(NOT_COMPUTING);
        };
        ensure!(now() >= since + COOL_DOWN, COOLING);
        Self::pay_at_once(session);
        let returned = StakeReturn {
            stake: state.stake,
            slashed: state.lost,
        };
        if state.worker.is_some() {
            (state.stake, state.lost, state.state) = (0, 0, State::Ready);
            SessionStates::insert(session, state);
        } else {
            SessionStates::remove(session);
        }
        Ok(returned)
    }

    fn stake(session: &AccountId32) -> Balance {
        SessionStates::get(session).map_or(0, |state| state.stake)
    }

    fn is_computing(session: &AccountId32) -> bool {
        SessionStates::get(session).is_some_and(|state| state.state == State::Computing)
    }

    fn operator(worker: &WorkerId) -> Option<AccountId32> {
        Operators::get(worker)
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl benchmarking::BenchmarkHelper for TestSessions {
    fn register(worker: &WorkerId, operator: &AccountId32) -> Balance {
        Operators::insert(worker, operator);
        STAKE_MIN
    }

    fn pass(seconds: u64) {
        pass(seconds);
    }
}

pub fn account(seed: u8) -> AccountId32 {
    AccountId32::new([seed; 32])
}

pub fn worker(seed: u8) -> WorkerId {
    WorkerId([seed; 32])
}

pub fn signed(seed: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(seed))
}

pub fn session(pid: PoolId, seed: u8) -> AccountId32 {
    StakePools::session_account(pid, &worker(seed))
}

/// Chain time, seconds.
pub fn now() -> u64 {
    Timestamp::get() / 1_000
}

/// Lets time pass.
pub fn pass(seconds: u64) {
    Timestamp::set_timestamp((now() + seconds) * 1_000);
}

pub fn balance(seed: u8) -> Balance {
    Balances::balance(&account(seed))
}

/// What there is at the start.
pub fn storage() -> sp_runtime::Storage {
    let endowed = (1..=ACCOUNTS).map(account).chain([SUBSIDY, TREASURY]);
    RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: endowed.map(|account| (account, ENDOWMENT)).collect(),
            ..Default::default()
        },
        ..Default::default()
    }
    .build_storage()
    .unwrap()
}

/// Runs a test, then checks the state and that no money was made or lost.
pub fn run(test: impl FnOnce()) {
    sp_io::TestExternalities::new(storage()).execute_with(|| {
        QueueMax::set(1_000);
        PaidAtOnce::set(0);
        System::set_block_number(1);
        Timestamp::set_timestamp(START * 1_000);
        // Workers 1 to 9 are operated by account 1, 11 to 19 by account 2 and so on.
        for seed in 0..100 {
            Operators::insert(worker(seed), account(seed / 10 + 1));
        }
        let issuance = Balances::total_issuance();
        test();
        check_state();
        assert_eq!(
            Balances::total_issuance(),
            issuance,
            "money was made or lost"
        );
    });
}

pub fn check_state() {
    StakePools::do_try_state().unwrap();
}
