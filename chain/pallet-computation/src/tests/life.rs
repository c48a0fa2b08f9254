//! The life of a session.

use crate::mock::*;
use crate::*;
use frame_support::{assert_noop, assert_ok};
use mining_api::{Sessions as Api, StakeReturn};
use polkadot_sdk::*;
use primitives::units::PHA;
use sp_runtime::{AccountId32, traits::BadOrigin};

const STAKE: u128 = 5_000 * PHA;
const WEEK_BLOCKS: u64 = 7 * 24 * 300;

fn bind(seed: u32) -> Result<(), sp_runtime::DispatchError> {
    <Computation as Api<_>>::bind(&session(seed), &worker(seed))
}

fn stop(seed: u32) -> Result<(), sp_runtime::DispatchError> {
    <Computation as Api<_>>::stop(&session(seed))
}

fn reclaim(seed: u32) -> Result<StakeReturn, sp_runtime::DispatchError> {
    <Computation as Api<_>>::reclaim(&session(seed))
}

fn restart(seed: u32, stake: u128) -> Result<(), sp_runtime::DispatchError> {
    <Computation as Api<_>>::restart(&session(seed), stake)
}

fn unbind_api(seed: u32) -> Result<(), sp_runtime::DispatchError> {
    <Computation as Api<_>>::unbind(&session(seed))
}

#[test]
fn a_session_lives() {
    run(|| {
        register(worker(1), 100);
        assert_ok!(bind(1));
        assert!(!<Computation as Api<_>>::is_computing(&session(1)));
        assert_noop!(reclaim(1), Error::<Test>::CoolDownNotReady);
        assert_noop!(stop(1), Error::<Test>::WorkerNotComputing);
        assert_ok!(start(&session(1), STAKE));
        assert_noop!(start(&session(1), STAKE), Error::<Test>::WorkerNotReady);
        assert_noop!(unbind_api(1), Error::<Test>::WorkerNotReady);
        assert!(<Computation as Api<_>>::is_computing(&session(1)));
        assert_eq!(<Computation as Api<_>>::stake(&session(1)), STAKE);
        assert_eq!(OnlineWorkers::<Test>::get(), 1);
        skip(100);
        heartbeat(1, 1_000);
        assert!(spent() > 0);
        // Paid in this block: what comes second waits for the next.
        assert_noop!(stop(1), Error::<Test>::TryNextBlock);
        skip(100);
        assert_ok!(stop(1));
        assert_eq!(OnlineWorkers::<Test>::get(), 0);
        assert_noop!(reclaim(1), Error::<Test>::CoolDownNotReady);
        assert_noop!(unbind_api(1), Error::<Test>::WorkerNotReady);
        skip(WEEK_BLOCKS - 1);
        assert_noop!(reclaim(1), Error::<Test>::CoolDownNotReady);
        next_block();
        let all = StakeReturn {
            stake: STAKE,
            slashed: 0,
        };
        assert_eq!(reclaim(1), Ok(all));
        assert_eq!(<Computation as Api<_>>::stake(&session(1)), 0);
        assert_ok!(unbind_api(1));
        assert!(!Sessions::<Test>::contains_key(session(1)));
        assert_noop!(unbind_api(1), Error::<Test>::SessionNotFound);
    });
}

#[test]
fn binding_needs_a_free_worker_with_a_young_benchmark() {
    run(|| {
        assert_noop!(bind(1), Error::<Test>::WorkerNotRegistered);
        Machines::with(|machines| machines.insert(worker(1), (operator(), 1)));
        assert_noop!(bind(1), Error::<Test>::BenchmarkMissing);
        register(worker(1), 100);
        skip(2 * 24 * 300 + 1);
        assert_noop!(bind(1), Error::<Test>::BenchmarkTooOld);
        register(worker(1), 100);
        assert_ok!(bind(1));
        assert_noop!(bind(1), Error::<Test>::DuplicateBoundSession);
        let other = <Computation as Api<_>>::bind(&session(2), &worker(1));
        assert_eq!(other, Err(Error::<Test>::DuplicateBoundWorker.into()));
        assert_noop!(
            <Computation as Api<_>>::start(&session(2), STAKE),
            Error::<Test>::SessionNotFound
        );
    });
}

#[test]
fn a_start_needs_a_fitting_stake_and_score() {
    run(|| {
        register(worker(1), 100);
        register(worker(2), 49);
        assert_ok!(bind(1));
        assert_ok!(bind(2));
        let check = |seed, stake, expected: Error<Test>| {
            assert_noop!(
                <Computation as Api<_>>::start(&session(seed), stake),
                expected
            );
        };
        check(1, 1_000 * PHA - 1, Error::InsufficientStake);
        check(1, 24_000 * PHA, Error::TooMuchStake);
        check(2, STAKE, Error::BenchmarkTooLow);
        // k · √P, and (v_max / Re − C).
        assert_ok!(start(&session(1), 1_000 * PHA));
        Machines::with(|machines| machines.remove(&worker(2)));
        check(2, STAKE, Error::WorkerNotRegistered);
    });
}

#[test]
fn an_unanswered_challenge_costs_what_the_parameters_say() {
    run(|| {
        begin(1, STAKE);
        unpause();
        skip(1_000);
        assert_ok!(Computation::force_challenge(
            RuntimeOrigin::root(),
            session(1)
        ));
        let deadline = PendingChallenges::<Test>::get(session(1)).unwrap().deadline;
        assert_eq!(u64::from(deadline), System::block_number() + 10);
        skip(10);
        assert!(computing(1).is_online());
        next_block();
        assert!(!computing(1).is_online());
        assert_eq!(
            events(),
            [Event::WorkerEnterUnresponsive {
                session: session(1)
            }]
        );
        assert_eq!(OnlineWorkers::<Test>::get(), 0);
        Computation::do_try_state().unwrap();
        // An hour off line: 0.1 % of the value, no matter how much it has earned before.
        let parameters = TokenomicParameters::<Test>::get();
        let before = computing(1).value_after(&parameters, Computation::block());
        skip(300);
        let after = computing(1).value_after(&parameters, Computation::block());
        let lost = before.saturating_sub(after).to_balance();
        assert!(lost.abs_diff(before.to_balance() / 1_000) < before.to_balance() / 1_000_000);
        assert_noop!(restart(1, 2 * STAKE), Error::<Test>::WorkerUnresponsive);
        // The answer is late and counts: nothing is paid for the time, and it earns again.
        assert_ok!(answer(1, 5));
        assert_eq!(
            events(),
            [Event::WorkerExitUnresponsive {
                session: session(1)
            }]
        );
        assert_eq!(spent(), 0);
        assert!(computing(1).is_online());
        skip(100);
        heartbeat(1, 3_000);
        assert!(spent() > 0);
    });
}

#[test]
fn being_off_line_costs_stake_in_the_end() {
    run(|| {
        begin(1, STAKE);
        unpause();
        Computation::force_challenge(RuntimeOrigin::root(), session(1)).unwrap();
        skip(11);
        next_block();
        skip(30 * 24 * 300);
        assert_ok!(stop(1));
        skip(WEEK_BLOCKS);
        let back = reclaim(1).unwrap();
        assert_eq!(back.stake, STAKE);
        // 1 − 0.999^720 of the value, which is all its growth and more.
        assert!(back.slashed > STAKE / 3 && back.slashed < STAKE * 6 / 10);
    });
}

#[test]
fn a_session_goes_on_with_more() {
    run(|| {
        begin(1, STAKE);
        skip(50);
        assert_noop!(restart(1, STAKE), Error::<Test>::StakeNotGreater);
        assert_noop!(restart(1, 30_000 * PHA), Error::<Test>::TooMuchStake);
        Computation::force_challenge(RuntimeOrigin::root(), session(1)).unwrap();
        let challenge = PendingChallenges::<Test>::get(session(1));
        assert_ok!(restart(1, 2 * STAKE));
        assert_eq!(<Computation as Api<_>>::stake(&session(1)), 2 * STAKE);
        assert_eq!(OnlineWorkers::<Test>::get(), 1);
        // It still must answer.
        assert_eq!(PendingChallenges::<Test>::get(session(1)), challenge);
        Computation::do_try_state().unwrap();
        assert_ok!(answer(1, 10));
        assert_eq!(computing(1).stake(), 2 * STAKE);
    });
}

#[test]
fn a_restart_does_not_wash_off_what_was_lost() {
    run(|| {
        begin(1, STAKE);
        unpause();
        Computation::force_challenge(RuntimeOrigin::root(), session(1)).unwrap();
        skip(11);
        skip(24 * 300);
        assert_ok!(answer(1, 5));
        next_block();
        assert_ok!(restart(1, 2 * STAKE));
        let lost = Sessions::<Test>::get(session(1)).unwrap().lost;
        assert!(lost > 0);
        skip(100);
        assert_ok!(stop(1));
        skip(WEEK_BLOCKS);
        let back = reclaim(1).unwrap();
        assert_eq!((back.stake, back.slashed), (2 * STAKE, lost));
    });
}

#[test]
fn an_operator_takes_the_machine_and_the_stake_cools_down() {
    run(|| {
        begin(1, STAKE);
        skip(10);
        let unbind = |who: AccountId32| Computation::unbind(RuntimeOrigin::signed(who), session(1));
        assert_noop!(unbind(REPORTER), Error::<Test>::BadSender);
        assert_ok!(unbind(operator()));
        assert_noop!(unbind(operator()), Error::<Test>::SessionNotBound);
        assert_eq!(Taken::get(), [session(1)]);
        assert_eq!(<Computation as Api<_>>::stake(&session(1)), STAKE);
        Computation::do_try_state().unwrap();
        // The worker's stake still answers for it, so that it cannot begin anew elsewhere.
        let elsewhere = || <Computation as Api<_>>::bind(&session(2), &worker(1));
        assert_eq!(elsewhere(), Err(Error::<Test>::WorkerCoolingDown.into()));
        skip(WEEK_BLOCKS);
        register(worker(1), 100);
        // A pool that never reclaims holds nobody back.
        assert_ok!(elsewhere());
        assert_ok!(reclaim(1));
        assert!(!Sessions::<Test>::contains_key(session(1)));
        assert_noop!(reclaim(1), Error::<Test>::SessionNotFound);
    });
}

#[test]
fn who_cools_down_may_be_taken_too() {
    run(|| {
        begin(1, STAKE);
        skip(10);
        assert_ok!(stop(1));
        assert_ok!(Computation::force_stop_computing(
            RuntimeOrigin::root(),
            session(1)
        ));
        Computation::do_try_state().unwrap();
        skip(WEEK_BLOCKS);
        assert_ok!(reclaim(1));
        register(worker(2), 100);
        assert_ok!(bind(2));
        let unbind = Computation::unbind(RuntimeOrigin::signed(operator()), session(2));
        assert_ok!(unbind);
        assert_eq!(Taken::get(), [session(1), session(2)]);
        assert!(!Sessions::<Test>::contains_key(session(2)));
    });
}

#[test]
fn only_a_vote_sets_parameters() {
    run(|| {
        let signed = || RuntimeOrigin::signed(REPORTER);
        let parameters = TestParameters::get();
        for refused in [
            Computation::set_cool_down_expiration(signed(), 1),
            Computation::force_stop_computing(signed(), session(1)),
            Computation::update_tokenomic(signed(), parameters),
            Computation::set_heartbeat_paused(signed(), false),
            Computation::set_schedule(signed(), TestSchedule::get()),
            Computation::set_network_share(signed(), economics::Permill::ONE),
            Computation::report_slash(signed(), worker(1), economics::Fault::Slight, None),
            Computation::cancel_slash(signed(), 0),
            Computation::set_slash_rules(signed(), SlashRules::<Test>::get()),
            Computation::set_benchmark_rules(signed(), BenchmarkPolicy::default()),
            Computation::force_challenge(signed(), session(1)),
        ] {
            assert_eq!(refused, Err(BadOrigin.into()));
        }
        let root = RuntimeOrigin::root;
        for refused in [
            Computation::set_cool_down_expiration(root(), COOL_DOWN_SECONDS_MAX + 1),
            Computation::update_tokenomic(
                root(),
                economics::Parameters {
                    challenges: 65,
                    ..parameters
                },
            ),
            Computation::update_tokenomic(
                root(),
                economics::Parameters {
                    heartbeat_window: 0,
                    ..parameters
                },
            ),
            Computation::set_schedule(
                root(),
                economics::Schedule {
                    period: 0,
                    ..TestSchedule::get()
                },
            ),
            Computation::set_benchmark_rules(
                root(),
                BenchmarkPolicy {
                    score_max: 0,
                    ..Default::default()
                },
            ),
            Computation::set_slash_rules(
                root(),
                SlashPolicy {
                    appeal_blocks: APPEAL_BLOCKS_MAX + 1,
                    ..SlashRules::<Test>::get()
                },
            ),
        ] {
            assert_eq!(refused, Err(Error::<Test>::InvalidParameters.into()));
        }
        assert_ok!(Computation::set_cool_down_expiration(root(), 60));
        begin(1, STAKE);
        assert_ok!(stop(1));
        skip(5);
        assert_ok!(reclaim(1));
    });
}

#[test]
fn who_has_answered_may_be_asked_again_in_the_same_block() {
    run(|| {
        begin(1, STAKE);
        unpause();
        skip(10);
        heartbeat(1, 0);
        assert_ok!(Computation::force_challenge(
            RuntimeOrigin::root(),
            session(1)
        ));
        Computation::do_try_state().unwrap();
        assert_noop!(answer(1, 0), Error::<Test>::TryNextBlock);
        next_block();
        assert_ok!(answer(1, 0));
        skip(20);
        assert!(computing(1).is_online());
    });
}
