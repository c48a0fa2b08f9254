//! What is paid, by whom, and how much at most.

use crate::mock::*;
use crate::*;
use economics::{Fixed, Parameters, Permill, Schedule};
use frame_support::{
    assert_noop, assert_ok,
    traits::fungible::{Inspect, Mutate},
};
use polkadot_sdk::*;
use primitives::units::PHA;

const STAKE: u128 = 5_000 * PHA;

fn rewarded(seed: u32) -> u128 {
    Rewarded::with(|all| all.get(&session(seed)).copied().unwrap_or(0))
}

#[test]
fn one_alone_gets_the_budget_but_for_the_treasury() {
    run(|| {
        begin(1, STAKE);
        skip(7_200);
        let before = Balances::balance(&TREASURY);
        heartbeat(1, 1_440_000);
        let treasury = Balances::balance(&TREASURY) - before;
        let budget = 7_200 * 100 * PHA;
        assert!(budget - spent() < PHA / 1_000, "{}", budget - spent());
        assert_eq!(spent(), rewarded(1) + treasury);
        assert!(treasury.abs_diff(budget / 5) < PHA / 1_000);
        assert_eq!(
            Sessions::<Test>::get(session(1)).unwrap().earned,
            rewarded(1)
        );
    });
}

#[test]
fn the_first_answer_only_says_where_the_counter_stands() {
    run(|| {
        begin(1, STAKE);
        skip(100);
        // As many iterations as would be more than the cap since the start.
        heartbeat(1, 1_000_000_000);
        assert_eq!(computing(1).performance().counted(), Fixed::from_int(100));
        skip(100);
        // 100 blocks of 12 s: half of what the benchmark promised.
        heartbeat(1, 1_000_010_000);
        let half = computing(1).performance().counted();
        assert!(half.to_balance().abs_diff(50 * PHA) < PHA, "{half:?}");
        skip(100);
        heartbeat(1, 1_000_000_000_000);
        assert_eq!(computing(1).performance().counted(), Fixed::from_int(120));
    });
}

#[test]
fn only_members_of_clusters_count_whole_without_computing() {
    run(|| {
        begin(1, STAKE);
        let claim = || {
            Computation::force_challenge(RuntimeOrigin::root(), session(1)).unwrap();
            let Some(wire::message::MessagePayload::Heartbeat {
                session,
                challenge_block,
                nonce,
                ..
            }) = answer_of(1, 0)
            else {
                unreachable!("it was challenged");
            };
            let payload = wire::message::MessagePayload::Heartbeat {
                session,
                challenge_block,
                nonce,
                iterations: 0,
                contract_running: true,
            };
            say(worker(1), payload).unwrap();
            computing(1).performance().counted()
        };
        skip(50);
        claim();
        skip(50);
        assert_eq!(claim(), Fixed::ZERO);
        Serving::with(|serving| serving.insert(worker(1)));
        skip(50);
        assert_eq!(claim(), Fixed::from_int(100));
    });
}

#[test]
fn an_empty_subsidy_pool_owes() {
    run(|| {
        begin(1, STAKE);
        skip(1_000);
        let pool = Computation::account_id();
        let drained = SUBSIDY - 1_000 * PHA;
        Balances::burn_from(
            &pool,
            drained,
            frame_support::traits::tokens::Preservation::Preserve,
            frame_support::traits::tokens::Precision::Exact,
            frame_support::traits::tokens::Fortitude::Polite,
        )
        .unwrap();
        let issued = Balances::total_issuance();
        let treasury = Balances::balance(&TREASURY);
        heartbeat(1, 0);
        let owed = Owed::<Test>::get(session(1));
        assert_eq!(rewarded(1), 1_000 * PHA - DEPOSIT);
        assert!((rewarded(1) + owed).abs_diff(80_000 * PHA) < PHA);
        assert!(OwedToTreasury::<Test>::get().abs_diff(20_000 * PHA) < PHA);
        let session = session(1);
        assert!(events().contains(&Event::PaymentOwed {
            session: session.clone(),
            owed
        }));
        Computation::do_try_state().unwrap();
        let claim = || Computation::claim_owed(RuntimeOrigin::signed(REPORTER), session.clone());
        assert_noop!(claim(), Error::<Test>::SubsidyPoolEmpty);
        assert_eq!(Balances::total_issuance(), issued, "nothing is minted");
        Balances::mint_into(&pool, 50_000 * PHA).unwrap();
        assert_ok!(claim());
        assert_eq!(Owed::<Test>::get(&session), owed - 50_000 * PHA);
        Balances::mint_into(&pool, 200_000 * PHA).unwrap();
        assert_ok!(claim());
        assert_noop!(claim(), Error::<Test>::NothingOwed);
        assert_eq!(OwedToTreasury::<Test>::get(), 0);
        let paid = rewarded(1) + Balances::balance(&TREASURY) - treasury;
        assert!(paid.abs_diff(100_000 * PHA) < PHA);
    });
}

#[test]
fn a_pool_that_is_gone_is_owed() {
    run(|| {
        begin(1, STAKE);
        skip(10);
        Closed::set(true);
        heartbeat(1, 0);
        assert!(Owed::<Test>::get(session(1)) > 0);
        Closed::set(false);
        skip(10);
        heartbeat(1, 0);
        assert_eq!(Owed::<Test>::get(session(1)), 0);
        assert!(rewarded(1).abs_diff(20 * 80 * PHA) < PHA);
    });
}

#[test]
fn the_budget_decays_and_may_be_changed_midway() {
    run(|| {
        let schedule = Schedule {
            start: 1,
            per_block: Fixed::from_int(100),
            period: 50,
            decay: Fixed::from_bits(3 << 62),
        };
        TestSchedule::set(schedule);
        begin(1, STAKE);
        // Blocks 2 to 101: 49 of the first period, 50 of the second, one of the third.
        skip(100);
        heartbeat(1, 0);
        let first = 49 * 100 * PHA + 50 * 75 * PHA + 56_250_000_000_000;
        assert!(spent().abs_diff(first) < PHA / 1_000, "{}", spent());
        // From block 122 on there is a tenth of another budget, for blocks before it the old one.
        let root = RuntimeOrigin::root;
        skip(20);
        let flat = Schedule {
            per_block: Fixed::from_int(1_000),
            decay: Fixed::ONE,
            ..schedule
        };
        assert_ok!(Computation::set_schedule(root(), flat));
        assert_ok!(Computation::set_network_share(
            root(),
            Permill::from_parts(100_000)
        ));
        skip(10);
        heartbeat(1, 0);
        let second = 20 * 56_250_000_000_000 + 10 * 100 * PHA;
        assert!(
            spent().abs_diff(first + second) < PHA / 1_000,
            "{}",
            spent()
        );
    });
}

#[test]
fn parameters_change_at_the_start_of_a_block() {
    run(|| {
        begin(1, STAKE);
        begin(2, STAKE);
        skip(10);
        let halved = Parameters {
            treasury_ratio: Fixed::from_bits(1 << 63),
            heartbeat_window: 3,
            ..TestParameters::get()
        };
        assert_ok!(Computation::update_tokenomic(RuntimeOrigin::root(), halved));
        assert_eq!(TokenomicParameters::<Test>::get(), TestParameters::get());
        let before = Balances::balance(&TREASURY);
        heartbeat(1, 0);
        let fifth = Balances::balance(&TREASURY) - before;
        assert!(fifth.abs_diff(rewarded(1) / 4) < 10);
        next_block();
        assert!(events().contains(&Event::TokenomicParametersChanged));
        assert_eq!(TokenomicParameters::<Test>::get(), halved);
        assert_eq!(ScheduledTokenomicUpdate::<Test>::get(), None);
        let before = Balances::balance(&TREASURY);
        heartbeat(2, 0);
        let half = Balances::balance(&TREASURY) - before;
        assert!(half.abs_diff(rewarded(2)) < 10);
    });
}

#[test]
fn a_window_that_becomes_shorter_makes_nobody_late_before_the_others() {
    run(|| {
        begin(1, STAKE);
        begin(2, STAKE);
        unpause();
        let root = RuntimeOrigin::root;
        assert_ok!(Computation::force_challenge(root(), session(1)));
        let shorter = Parameters {
            heartbeat_window: 1,
            ..TestParameters::get()
        };
        assert_ok!(Computation::update_tokenomic(root(), shorter));
        next_block();
        assert_ok!(Computation::force_challenge(root(), session(2)));
        blocks(8);
        assert!(computing(1).is_online() && computing(2).is_online());
        blocks(2);
        assert!(!computing(1).is_online() && !computing(2).is_online());
    });
}

#[test]
fn a_pause_stops_challenges_and_makes_nobody_late() {
    run(|| {
        begin(1, STAKE);
        blocks(2_000);
        assert!(PendingChallenges::<Test>::iter().next().is_none());
        unpause();
        Computation::force_challenge(RuntimeOrigin::root(), session(1)).unwrap();
        assert_ok!(Computation::set_heartbeat_paused(
            RuntimeOrigin::root(),
            true
        ));
        blocks(100);
        assert!(computing(1).is_online());
        unpause();
        blocks(10);
        assert!(computing(1).is_online());
        next_block();
        assert!(!computing(1).is_online());
        assert_ok!(answer(1, 0));
    });
}

#[test]
fn challenges_come_as_often_as_the_parameters_say() {
    run(|| {
        (0..300).for_each(|seed| begin(seed, STAKE));
        unpause();
        let mut challenges = 0;
        for _ in 0..600 {
            next_block();
            for seed in 0..300 {
                challenges += u32::from(answer(seed, 0).is_ok());
            }
        }
        // Two a block, but for who is drawn twice in a block.
        assert!((1_170..=1_200).contains(&challenges), "{challenges}");
        assert_eq!(OnlineWorkers::<Test>::get(), 300);
    });
}
