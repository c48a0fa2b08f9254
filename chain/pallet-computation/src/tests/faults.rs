//! Proven faults.

use crate::mock::*;
use crate::*;
use economics::{Fault, Permill};
use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use mining_api::Sessions as Api;
use polkadot_sdk::*;
use primitives::units::PHA;

const STAKE: u128 = 5_000 * PHA;
const APPEAL: u32 = 50;

fn rules() {
    let rules = SlashPolicy {
        enabled: true,
        appeal_blocks: APPEAL,
        reporter_part: Permill::from_parts(250_000),
    };
    assert_ok!(Computation::set_slash_rules(RuntimeOrigin::root(), rules));
}

fn report(seed: u32, fault: Fault) -> Result<Option<SlashId>, sp_runtime::DispatchError> {
    Computation::report_fault(&worker(seed), fault, Some(REPORTER))
}

fn stake(seed: u32) -> u128 {
    <Computation as Api<_>>::stake(&session(seed))
}

#[test]
fn a_fault_costs_stake_after_the_appeal() {
    run(|| {
        rules();
        begin(1, STAKE);
        skip(100);
        let (treasury, reporter) = (Balances::balance(&TREASURY), Balances::balance(&REPORTER));
        assert_eq!(report(1, Fault::Grave), Ok(Some(0)));
        let pending = PendingSlashes::<Test>::get(0).unwrap();
        assert_eq!((pending.amount, pending.due), (STAKE / 10, 101 + APPEAL));
        skip(u64::from(APPEAL) - 1);
        assert_eq!(stake(1), STAKE);
        next_block();
        assert_eq!(stake(1), STAKE * 9 / 10);
        assert_eq!(Staked::with(|staked| staked[&session(1)]), stake(1));
        assert_eq!(Balances::balance(&REPORTER) - reporter, STAKE / 10 / 4);
        assert_eq!(Balances::balance(&TREASURY) - treasury, STAKE / 10 / 4 * 3);
        assert!(computing(1).is_online());
        Computation::do_try_state().unwrap();
        // It goes on, and its stop does not take it again.
        skip(10);
        heartbeat(1, 0);
        next_block();
        assert_ok!(<Computation as Api<_>>::stop(&session(1)));
        skip(7 * 24 * 300);
        let back = <Computation as Api<_>>::reclaim(&session(1)).unwrap();
        assert_eq!((back.stake, back.slashed), (STAKE * 9 / 10, 0));
    });
}

#[test]
fn an_appeal_that_is_heard_costs_nothing() {
    run(|| {
        rules();
        begin(1, STAKE);
        skip(10);
        assert_ok!(report(1, Fault::Malicious));
        assert_ok!(report(1, Fault::Slight));
        let cancel = |slash| Computation::cancel_slash(RuntimeOrigin::root(), slash);
        assert_ok!(cancel(0));
        assert_noop!(cancel(0), Error::<Test>::SlashNotFound);
        skip(u64::from(APPEAL));
        assert_eq!(stake(1), STAKE * 99 / 100);
        assert!(SlashQueue::<Test>::get().is_empty());
        assert_noop!(cancel(1), Error::<Test>::SlashNotFound);
    });
}

#[test]
fn who_stops_or_leaves_still_answers() {
    run(|| {
        rules();
        (1..=3).for_each(|seed| begin(seed, STAKE));
        skip(10);
        assert_ok!(<Computation as Api<_>>::stop(&session(1)));
        let operator = || RuntimeOrigin::signed(operator());
        assert_ok!(Computation::unbind(operator(), session(2)));
        assert_ok!(report(1, Fault::Grave));
        assert_ok!(report(2, Fault::Grave));
        // Off line for a while, and then stopped: what that costs shrinks with the stake.
        assert_ok!(report(3, Fault::Grave));
        unpause();
        Computation::force_challenge(RuntimeOrigin::root(), session(3)).unwrap();
        skip(11);
        next_block();
        skip(30);
        assert_ok!(<Computation as Api<_>>::stop(&session(3)));
        let SessionState::CoolingDown(before) = Sessions::<Test>::get(session(3)).unwrap().state
        else {
            panic!("it was stopped");
        };
        Computation::do_try_state().unwrap();
        skip(u64::from(APPEAL));
        assert_eq!([stake(1), stake(2), stake(3)], [STAKE * 9 / 10; 3]);
        skip(7 * 24 * 300);
        let back = <Computation as Api<_>>::reclaim(&session(3)).unwrap();
        assert_eq!(back.stake, STAKE * 9 / 10);
        assert!(back.slashed.abs_diff(before.slashed * 9 / 10) < 2);
        assert_ok!(<Computation as Api<_>>::reclaim(&session(2)));
        assert_noop!(report(2, Fault::Grave), Error::<Test>::NothingAtStake);
        assert_noop!(report(9, Fault::Grave), Error::<Test>::NothingAtStake);
    });
}

#[test]
fn a_stake_is_not_reclaimed_or_renewed_before_its_slash() {
    run(|| {
        let slow = SlashPolicy {
            enabled: true,
            appeal_blocks: 30 * 24 * 300,
            reporter_part: Permill::ONE,
        };
        assert_ok!(Computation::set_slash_rules(RuntimeOrigin::root(), slow));
        begin(1, STAKE);
        skip(10);
        assert_ok!(report(1, Fault::Grave));
        let restart = <Computation as Api<_>>::restart(&session(1), 2 * STAKE);
        assert_eq!(restart, Err(Error::<Test>::SlashPending.into()));
        assert_ok!(<Computation as Api<_>>::stop(&session(1)));
        skip(7 * 24 * 300);
        let reclaim = || <Computation as Api<_>>::reclaim(&session(1));
        assert_noop!(reclaim(), Error::<Test>::SlashPending);
        skip(23 * 24 * 300);
        assert_eq!(reclaim().unwrap().stake, STAKE * 9 / 10);
        // The reporter has got all of it.
        assert_eq!(Balances::balance(&REPORTER), PHA + STAKE / 10);
    });
}

#[test]
fn who_loses_all_is_out() {
    run(|| {
        rules();
        begin(1, STAKE);
        skip(10);
        assert_ok!(report(1, Fault::Malicious));
        skip(u64::from(APPEAL));
        assert_eq!(stake(1), 0);
        assert!(!<Computation as Api<_>>::is_computing(&session(1)));
        assert_eq!(Taken::get(), [session(1)]);
        assert_eq!(OnlineWorkers::<Test>::get(), 0);
    });
}

#[test]
fn faults_may_cost_nothing() {
    run(|| {
        let off = SlashPolicy {
            enabled: false,
            appeal_blocks: 0,
            reporter_part: Permill::from_parts(0),
        };
        assert_ok!(Computation::set_slash_rules(RuntimeOrigin::root(), off));
        begin(1, STAKE);
        skip(10);
        assert_eq!(report(1, Fault::Grave), Ok(None));
        assert!(matches!(events()[..], [Event::FaultNotPunished { .. }]));
        // Without time for appeal and reward, the treasury gets it in the next block.
        let at_once = SlashPolicy {
            enabled: true,
            ..off
        };
        assert_ok!(Computation::set_slash_rules(RuntimeOrigin::root(), at_once));
        let treasury = Balances::balance(&TREASURY);
        assert_eq!(report(1, Fault::Slight), Ok(Some(0)));
        next_block();
        assert_eq!(Balances::balance(&TREASURY) - treasury, STAKE / 100);
    });
}

#[test]
fn slashes_are_few_at_a_time() {
    run(|| {
        rules();
        (1..=2).for_each(|seed| begin(seed, STAKE));
        (3..=10).for_each(|seed| begin(seed, STAKE));
        next_block();
        (3..=10).for_each(|seed| assert_ok!(report(seed, Fault::Slight), Some(seed - 3)));
        for _ in 0..SLASHES_PER_SESSION_MAX {
            assert_ok!(report(1, Fault::Slight));
        }
        assert_noop!(report(1, Fault::Slight), Error::<Test>::TooManySlashes);
        assert_ok!(report(2, Fault::Slight));
        skip(u64::from(APPEAL));
        let waiting = || PendingSlashes::<Test>::iter().count() as u32;
        assert_eq!(waiting(), 25 - SLASHES_PER_BLOCK_MAX);
        next_block();
        assert_eq!(waiting(), 25 - 2 * SLASHES_PER_BLOCK_MAX);
        // One session is settled once in a block.
        for left in (1..=16).rev() {
            next_block();
            Computation::do_try_state().unwrap();
            assert_eq!(waiting(), if left == 1 { 0 } else { left });
        }
        assert!(SlashQueue::<Test>::get().is_empty());
        let expected = (0..16).fold(STAKE, |stake, _| stake - stake / 100);
        assert!(stake(1).abs_diff(expected) < 16);
        assert_eq!(stake(2), STAKE * 99 / 100);
    });
}

#[test]
fn who_goes_off_line_is_slashed_in_the_same_block() {
    run(|| {
        rules();
        begin(1, STAKE);
        unpause();
        skip(100);
        assert_ok!(report(1, Fault::Grave));
        skip(u64::from(APPEAL) - 11);
        Computation::force_challenge(RuntimeOrigin::root(), session(1)).unwrap();
        skip(10);
        assert!(computing(1).is_online());
        next_block();
        assert!(!computing(1).is_online());
        assert_eq!(stake(1), STAKE * 9 / 10);
    });
}
