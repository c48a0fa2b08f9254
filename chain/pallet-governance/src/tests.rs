//! Origins, tracks and the currency of votes, on a runtime of money, votes and pools that a test says.

use crate::{
    self as pallet_governance, EnsureAttestation, EnsureProposer, EnsureSpender, Origin,
    tracks::{PLANS, Speaks, TrackId, Tracks},
    votes::{ConvictionVotes, Delegated, VotingCurrency},
};
use frame_support::{
    assert_noop, assert_ok, derive_impl, parameter_types,
    traits::{EnsureOrigin, EnsureOriginWithArg, LockableCurrency, PollStatus, Polling, WithdrawReasons},
};
use pallet_conviction_voting::{AccountVote, Conviction, Tally, TallyOf, Vote};
use pallet_referenda::TracksInfo;
use pallet_stake_pools::{ShareLocks, VotingPower};
use polkadot_sdk::*;
use primitives::{Balance, BlockNumber, units::PHA};
use sp_runtime::{
    AccountId32, BuildStorage, DispatchError, DispatchResult, traits::IdentityLookup,
};
use std::collections::BTreeMap;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Voting: pallet_conviction_voting,
        Governance: pallet_governance,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlockU32<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = u128;
    type ExistentialDeposit = sp_core::ConstU128<1>;
}

impl pallet_governance::Config for Test {}

parameter_types! {
    /// What each account's shares are worth.
    pub static Shares: BTreeMap<AccountId32, Balance> = BTreeMap::new();
    /// What of it is locked.
    pub static Locked: BTreeMap<AccountId32, Balance> = BTreeMap::new();
    /// How votes stand.
    pub static Standing: Option<Tally<Balance, Turnout>> = None;
    pub TrackIds: Vec<TrackId> = PLANS.iter().map(|plan| plan.id).collect();
    pub const Turnout: Balance = 1_000_000;
    pub const Threshold: Balance = 1_000;
}

/// Pools as [`Shares`] says.
pub struct TestPools;

impl VotingPower<AccountId32> for TestPools {
    fn voting_power(who: &AccountId32) -> Balance {
        <Balances as frame_support::traits::Currency<_>>::total_balance(who)
            + Self::shares_value(who)
    }

    fn shares_value(who: &AccountId32) -> Balance {
        Shares::get().get(who).copied().unwrap_or(0)
    }
}

impl ShareLocks<AccountId32> for TestPools {
    fn lock_shares(_: [u8; 8], who: &AccountId32, amount: Balance) -> DispatchResult {
        if Self::shares_value(who) < amount {
            return Err(DispatchError::Other("worth less"));
        }
        Locked::mutate(|locked| locked.insert(who.clone(), amount));
        Ok(())
    }

    fn unlock_shares(_: [u8; 8], who: &AccountId32) {
        Locked::mutate(|locked| locked.remove(who));
    }
}

/// One poll, number 0, on the first track.
pub struct TestPoll;

impl Polling<TallyOf<Test>> for TestPoll {
    type Index = u32;
    type Votes = Balance;
    type Moment = BlockNumber;
    type Class = TrackId;

    fn classes() -> Vec<TrackId> {
        TrackIds::get()
    }

    fn as_ongoing(index: u32) -> Option<(TallyOf<Test>, TrackId)> {
        (index == 0).then(|| (Standing::get().unwrap_or_else(empty), 0))
    }

    fn access_poll<R>(
        index: u32,
        act: impl FnOnce(PollStatus<&mut TallyOf<Test>, BlockNumber, TrackId>) -> R,
    ) -> R {
        let ongoing = Self::as_ongoing(index);
        let Some((mut tally, track)) = ongoing else { return act(PollStatus::None) };
        let result = act(PollStatus::Ongoing(&mut tally, track));
        Standing::set(Some(tally));
        result
    }

    fn try_access_poll<R>(
        index: u32,
        act: impl FnOnce(
            PollStatus<&mut TallyOf<Test>, BlockNumber, TrackId>,
        ) -> Result<R, DispatchError>,
    ) -> Result<R, DispatchError> {
        let Some((mut tally, track)) = Self::as_ongoing(index) else {
            return act(PollStatus::None);
        };
        let result = act(PollStatus::Ongoing(&mut tally, track))?;
        Standing::set(Some(tally));
        Ok(result)
    }
}

fn empty() -> TallyOf<Test> {
    Tally::from_parts(0, 0, 0)
}

type Votes = VotingCurrency<Balances, TestPools, ConvictionVotes<Test, TrackIds>>;

impl pallet_conviction_voting::Config for Test {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type Currency = Votes;
    type Polls = TestPoll;
    type MaxTurnout = Turnout;
    type MaxVotes = frame_support::traits::ConstU32<8>;
    type VoteLockingPeriod = frame_support::traits::ConstU32<10>;
    type BlockNumberProvider = System;
    type VotingHooks = ();
}

impl Speaks for OriginCaller {
    fn speaks_for(&self) -> Option<Option<Origin>> {
        match self {
            Self::system(frame_system::RawOrigin::Root) => Some(None),
            Self::Governance(origin) => Some(Some(*origin)),
            _ => None,
        }
    }
}

fn account(seed: u8) -> AccountId32 {
    AccountId32::new([seed; 32])
}

fn signed(seed: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(seed))
}

/// Accounts 1 and 2 have 500 each.
fn run(test: impl FnOnce()) {
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: [1, 2].map(|seed| (account(seed), 500)).to_vec(),
            ..Default::default()
        },
        ..Default::default()
    };
    sp_io::TestExternalities::new(storage.build_storage().unwrap()).execute_with(|| {
        Shares::set(BTreeMap::new());
        Locked::set(BTreeMap::new());
        Standing::set(None);
        System::set_block_number(1);
        test();
    });
}

fn vote(amount: Balance) -> AccountVote<Balance> {
    AccountVote::Standard { vote: Vote { aye: true, conviction: Conviction::Locked1x }, balance: amount }
}

fn own_lock(seed: u8) -> Balance {
    Balances::locks(&account(seed)).iter().map(|lock| lock.amount).max().unwrap_or(0)
}

fn share_lock(seed: u8) -> Balance {
    Locked::get().get(&account(seed)).copied().unwrap_or(0)
}

#[test]
fn money_and_shares_vote_once_and_are_locked_for_it() {
    run(|| {
        Shares::mutate(|shares| shares.insert(account(1), 300));
        assert_noop!(
            Voting::vote(signed(1), 0, vote(801)),
            pallet_conviction_voting::Error::<Test>::InsufficientFunds
        );
        assert_ok!(Voting::vote(signed(1), 0, vote(800)));
        assert_eq!((own_lock(1), share_lock(1)), (500, 300));
        assert_eq!(Standing::get().unwrap().ayes, 800);
        // A smaller vote does not loosen what the larger one bound.
        assert_ok!(Voting::vote(signed(1), 0, vote(100)));
        assert_eq!((own_lock(1), share_lock(1)), (500, 300));
        assert_ok!(Voting::remove_vote(signed(1), None, 0));
        assert_ok!(Voting::unlock(signed(1), 0, account(1)));
        assert_eq!((own_lock(1), share_lock(1)), (0, 0));
    });
}

#[test]
fn what_is_lent_to_a_vote_can_neither_be_spent_nor_moved() {
    run(|| {
        Shares::mutate(|shares| shares.insert(account(1), 300));
        assert_ok!(Voting::vote(signed(1), 0, vote(600)));
        assert_eq!((own_lock(1), share_lock(1)), (500, 100));
        let transfer = Balances::transfer_allow_death(signed(1), account(2), 1);
        assert_noop!(transfer, sp_runtime::TokenError::Frozen);
    });
}

#[test]
fn shares_that_are_worth_less_than_they_voted_stay_locked_whole() {
    run(|| {
        Shares::mutate(|shares| shares.insert(account(1), 300));
        assert_ok!(Voting::vote(signed(1), 0, vote(800)));
        Shares::mutate(|shares| shares.insert(account(1), 200));
        Votes::extend_lock(*b"pyconvot", &account(1), 10, WithdrawReasons::all());
        assert_eq!((own_lock(1), share_lock(1)), (500, 200));
    });
}

#[test]
fn small_holders_propose_together() {
    run(|| {
        type Proposer = EnsureProposer<TestPools, ConvictionVotes<Test, TrackIds>, Threshold>;
        let may = |seed| {
            <Proposer as EnsureOriginWithArg<RuntimeOrigin, ()>>::try_origin(signed(seed), &())
                .is_ok()
        };
        assert!(!may(1) && !may(2));
        assert_ok!(Voting::delegate(signed(2), 10, account(1), Conviction::None, 500));
        assert_eq!(
            <ConvictionVotes<Test, TrackIds> as Delegated<_>>::delegated(&account(1)),
            500
        );
        assert!(may(1) && !may(2));
        let root = <Proposer as EnsureOriginWithArg<RuntimeOrigin, ()>>::try_origin(
            RuntimeOrigin::root(),
            &(),
        );
        assert!(root.is_err(), "root has no deposits to put down");
    });
}

#[test]
fn an_origin_opens_its_own_door() {
    run(|| {
        let may = |origin: RuntimeOrigin| EnsureAttestation::ensure_origin(origin).is_ok();
        assert!(may(Origin::Attestation.into()) && may(RuntimeOrigin::root()));
        assert!(!may(Origin::Economy.into()) && !may(signed(1)) && !may(RuntimeOrigin::none()));
        let spends = |origin: RuntimeOrigin| EnsureSpender::ensure_origin(origin).ok();
        assert_eq!(spends(Origin::SmallSpender.into()), Some(10_000 * PHA));
        assert_eq!(spends(Origin::MediumSpender.into()), Some(100_000 * PHA));
        assert_eq!(spends(Origin::Treasurer.into()), Some(Balance::MAX));
        assert_eq!(spends(Origin::Clusters.into()), None);
        assert_eq!(spends(signed(1)), None);
    });
}

#[test]
fn each_origin_has_its_track_and_periods_follow_the_hour() {
    run(|| {
        type All = Tracks<Test, OriginCaller>;
        All::check_integrity().unwrap();
        for plan in &PLANS {
            let caller = match plan.origin {
                None => OriginCaller::system(frame_system::RawOrigin::Root),
                Some(origin) => OriginCaller::Governance(origin),
            };
            assert_eq!(All::track_for(&caller), Ok(plan.id));
            assert!(plan.hours.iter().all(|hours| *hours > 0));
            assert!(plan.approval[1] >= 50, "half of the votes at least");
            assert!(plan.approval[0] >= plan.approval[1] && plan.support[0] >= plan.support[1]);
        }
        let nobody = OriginCaller::system(frame_system::RawOrigin::Signed(account(1)));
        assert_eq!(All::track_for(&nobody), Err(()));
        let decision = || All::info(0).unwrap().decision_period;
        assert_eq!(decision(), 28 * 24 * 3600);
        crate::HourBlocks::<Test>::put(2);
        assert_eq!(decision(), 28 * 24 * 2);
    });
}

/// The table of tracks in the documentation, as the code has them.
fn table() -> String {
    let days = |hours: u32| match hours {
        24.. if hours % 24 == 0 => format!("{} d", hours / 24),
        _ => format!("{hours} h"),
    };
    let support = |part: u32| format!("{}.{}", part / 10, part % 10);
    let row = |plan: &crate::tracks::Plan| {
        let [prepare, decision, confirm, notice] = plan.hours.map(days);
        format!(
            "| {} | `{}` | {} | {prepare} | {decision} | {confirm} | {notice} | {} → {} % | {} → {} % |\n",
            plan.id,
            plan.name,
            plan.decision_deposit_pha,
            plan.approval[0],
            plan.approval[1],
            support(plan.support[0]),
            support(plan.support[1]),
        )
    };
    PLANS.iter().map(row).collect()
}

#[test]
fn the_documentation_has_the_tracks_as_they_are() {
    let documentation = include_str!("../../../docs/governance.md");
    assert!(documentation.contains(&table()), "docs/governance.md should have:\n{}", table());
}
