//! Contributing, workers, rewards, losses.

use super::*;
use mining_api::SessionEvents;

#[test]
fn shares_are_made_at_the_price() {
    run(|| {
        let pid = stake_pool(&[1]);
        refused(
            contribute(3, pid, PHA / 100 - 1),
            Error::InsufficientContribution,
        );
        assert_ok!(contribute(3, pid, PHA / 100));
        assert_ok!(contribute(3, pid, 100 * PHA - PHA / 100));
        TestSessions::reward(&session(pid, 1), 100 * PHA);
        assert_ok!(contribute(4, pid, 100 * PHA));
        assert_eq!((shares(pid, 3), shares(pid, 4)), (100 * PHA, 50 * PHA));
        for (who, worth) in [(3, 200 * PHA), (4, 100 * PHA)] {
            assert_eq!(StakePools::delegation_value(pid, &account(who)), worth);
        }
        assert_eq!(pool(pid).free, 300 * PHA);
    });
}

#[test]
fn an_account_keeps_its_least_balance() {
    run(|| {
        let pid = stake_pool(&[]);
        assert!(contribute(3, pid, ENDOWMENT).is_err());
        assert_ok!(contribute(3, pid, ENDOWMENT - PHA / 100));
        assert_eq!(balance(3), PHA / 100);
    });
}

#[test]
fn what_strangers_send_changes_no_price() {
    run(|| {
        let pid = stake_pool(&[]);
        assert_ok!(contribute(3, pid, PHA));
        assert_ok!(Balances::transfer_allow_death(
            signed(4),
            pool(pid).account,
            1_000 * PHA
        ));
        assert_ok!(contribute(5, pid, PHA));
        assert_eq!(shares(pid, 5), PHA);
        assert_eq!(StakePools::totals().unwrap().surplus, 1_000 * PHA);
    });
}

#[test]
fn stake_is_held_while_it_works_and_cools_down() {
    run(|| {
        let pid = stake_pool(&[1, 2]);
        assert_ok!(contribute(3, pid, 100 * PHA));
        refused(start(pid, 1, 100 * PHA + 1), Error::InsufficientFreeStake);
        refused(start(pid, 3, PHA), Error::WorkerDoesNotExist);
        assert!(start(pid, 1, STAKE_MIN - 1).is_err());
        assert_ok!(start(pid, 1, 60 * PHA));
        refused(start(pid, 1, PHA), Error::WorkerIsNotReady);
        assert_eq!((pool(pid).free, at_stake(pid)), (40 * PHA, (60 * PHA, 0)));

        assert_eq!(reclaim(pid, 2), Err(NOT_COMPUTING));
        assert_ok!(stop(pid, 1));
        refused(stop(pid, 1), Error::WorkerAlreadyStopped);
        assert_eq!((pool(pid).free, at_stake(pid)), (40 * PHA, (0, 60 * PHA)));
        pass(COOL_DOWN - 1);
        assert_eq!(reclaim(pid, 1), Err(COOLING));
        pass(1);
        assert_ok!(reclaim(pid, 1));
        assert_eq!((pool(pid).free, at_stake(pid)), (100 * PHA, (0, 0)));
        assert_eq!(reclaim(pid, 1), Err(NOT_COMPUTING));
        refused(reclaim(pid, 7), Error::SessionDoesNotExist);
    });
}

#[test]
fn a_restart_adds_stake() {
    run(|| {
        let pid = stake_pool(&[1, 2]);
        assert_ok!(contribute(3, pid, 100 * PHA));
        let restart = |stake| {
            call(
                1,
                Call::restart_computing {
                    pid,
                    worker: worker(1),
                    stake,
                },
            )
        };
        refused(restart(PHA), Error::WorkerAlreadyStopped);
        assert_ok!(start(pid, 1, 10 * PHA));
        assert_ok!(start(pid, 2, 10 * PHA));
        refused(restart(10 * PHA), Error::CannotRestartWithLessStake);
        refused(restart(90 * PHA + 1), Error::InsufficientFreeStake);
        assert_ok!(restart(90 * PHA));
        assert_eq!((pool(pid).free, at_stake(pid)), (0, (100 * PHA, 0)));
        let order = ComputingWorkers::<Test>::get(pid);
        assert_eq!(order.to_vec(), [worker(2), worker(1)]);
    });
}

#[test]
fn rewards_compound_after_the_commission() {
    run(|| {
        let pid = stake_pool(&[1]);
        commission(1, pid, 20);
        assert_ok!(contribute(3, pid, 100 * PHA));
        assert_ok!(start(pid, 1, 100 * PHA));
        TestSessions::reward(&session(pid, 1), 10 * PHA);
        System::assert_has_event(
            Event::RewardReceived {
                pid,
                to_owner: 2 * PHA,
                to_stakers: 8 * PHA,
            }
            .into(),
        );
        assert_eq!(pool(pid).free, 8 * PHA);
        assert_eq!(pool(pid).base.value(), 108 * PHA);
        let claim = |target| call(1, Call::claim_owner_rewards { pid, target });
        refused(
            claim(StakePools::pool_account(pid)),
            Error::InvalidRecipient,
        );
        assert_ok!(claim(account(9)));
        assert_eq!(balance(9), 2 * PHA);
        refused(claim(account(9)), Error::NoRewardToClaim);
    });
}

#[test]
fn rewards_that_nobody_can_own_go_to_the_treasury() {
    run(|| {
        let pid = stake_pool(&[1]);
        let treasury =
            || <Balances as frame_support::traits::fungible::Inspect<_>>::balance(&TREASURY);
        TestSessions::reward(&session(pid, 1), PHA);
        assert_eq!(treasury(), ENDOWMENT + PHA);
        assert_ok!(contribute(3, pid, PHA));
        TestSessions::reward(&session(pid, 1), 1_000);
        assert_eq!(treasury(), ENDOWMENT + PHA + 1_000);
        TestSessions::reward(&session(pid, 1), 1_001);
        assert_eq!(pool(pid).base.value(), PHA + 1_001);
    });
}

#[test]
fn what_was_lost_off_line_goes_when_the_stake_returns() {
    run(|| {
        let pid = stake_pool(&[1]);
        assert_ok!(contribute(3, pid, 100 * PHA));
        assert_ok!(start(pid, 1, 80 * PHA));
        TestSessions::off_line(&session(pid, 1), 30 * PHA);
        assert_ok!(stop(pid, 1));
        assert_eq!(pool(pid).base.value(), 100 * PHA);
        pass(COOL_DOWN);
        assert_ok!(reclaim(pid, 1));
        assert_eq!(pool(pid).base.value(), 70 * PHA);
        assert_eq!(pool(pid).free, 70 * PHA);
        assert_eq!(StakePools::delegation_value(pid, &account(3)), 70 * PHA);
        System::assert_has_event(
            Event::PoolSlashed {
                pid,
                amount: 30 * PHA,
            }
            .into(),
        );
    });
}

#[test]
fn a_proven_fault_costs_at_once_and_pays_who_proved_it() {
    run(|| {
        let pid = stake_pool(&[1, 2]);
        assert_ok!(contribute(3, pid, 100 * PHA));
        for seed in [1, 2] {
            assert_ok!(start(pid, seed, 50 * PHA));
        }
        assert_ok!(stop(pid, 2));
        TestSessions::fault(&session(pid, 1), 4 * PHA, Some((9, PHA)));
        TestSessions::fault(&session(pid, 2), 50 * PHA, None);
        assert_eq!(at_stake(pid), (45 * PHA, 0));
        assert_eq!((pool(pid).base.value(), balance(9)), (45 * PHA, PHA));
        // Too little to begin an account: the treasury gets it.
        TestSessions::fault(&session(pid, 1), 0, Some((10, 5)));
        assert_eq!(balance(10), 0);
        check_state();
        // All of its stake is gone; it can be used again.
        pass(COOL_DOWN);
        assert_ok!(reclaim(pid, 2));
    });
}

#[test]
fn a_bankrupt_pool_is_refused_and_lives_again_by_rewards() {
    run(|| {
        let pid = stake_pool(&[1, 2]);
        assert_ok!(contribute(3, pid, 10 * PHA));
        assert_ok!(start(pid, 1, 10 * PHA));
        TestSessions::fault(&session(pid, 1), 10 * PHA, None);
        assert_eq!(pool(pid).base.value(), 0);
        refused(contribute(4, pid, PHA), Error::PoolBankrupt);
        refused(withdraw(3, pid, 10 * PHA), Error::PoolBankrupt);
        assert_ok!(check(pid));
        TestSessions::reward(&session(pid, 2), PHA);
        assert_ok!(withdraw(3, pid, 10 * PHA));
        assert_eq!(balance(3), ENDOWMENT - 9 * PHA);
        assert_ok!(contribute(4, pid, PHA));
    });
}

#[test]
fn a_worker_that_is_taken_away_leaves_its_stake() {
    run(|| {
        let pid = stake_pool(&[1]);
        assert_ok!(contribute(3, pid, 10 * PHA));
        assert_ok!(start(pid, 1, 10 * PHA));
        TestSessions::take_away(&worker(1));
        assert_eq!(at_stake(pid), (0, 10 * PHA));
        assert!(PoolWorkers::<Test>::get(pid).is_empty());
        check_state();
        let add = |pid| {
            let pubkey = worker(1);
            call(1, Call::add_worker { pid, pubkey })
        };
        refused(add(pid), Error::WorkerIsNotReady);
        // It works for another pool meanwhile.
        let other = stake_pool(&[1]);
        assert_ok!(contribute(3, other, 5 * PHA));
        assert_ok!(start(other, 1, 5 * PHA));
        pass(COOL_DOWN);
        assert_ok!(reclaim(pid, 1));
        assert_eq!(pool(pid).free, 10 * PHA);
        assert!(!Sessions::<Test>::contains_key(session(pid, 1)));
        assert_eq!(StakePools::reward_account(&session(pid, 1)), None);
        TestSessions::take_away(&worker(1));
        pass(COOL_DOWN);
        assert_ok!(reclaim(other, 1));
        assert_ok!(add(pid));
    });
}

#[test]
fn a_worker_that_was_stopped_elsewhere_is_written_down() {
    run(|| {
        let pid = stake_pool(&[1, 2, 3]);
        assert_ok!(contribute(3, pid, 30 * PHA));
        for seed in [1, 2, 3] {
            assert_ok!(start(pid, seed, 10 * PHA));
            TestSessions::stop_alone(&session(pid, seed));
        }
        assert_ok!(stop(pid, 1));
        assert_ok!(withdraw(3, pid, 30 * PHA));
        pass(8 * DAY);
        assert_ok!(check(pid));
        assert_eq!(at_stake(pid), (0, 30 * PHA));
        (1..=3).for_each(|seed| reclaim(pid, seed).unwrap());
        assert_eq!(balance(3), ENDOWMENT);
    });
}

#[test]
fn a_session_may_be_paid_while_its_pool_calls_it() {
    run(|| {
        let pid = stake_pool(&[1, 2]);
        assert_ok!(contribute(3, pid, 10 * PHA));
        PaidAtOnce::set(PHA);
        assert_ok!(start(pid, 1, PHA));
        assert_ok!(start(pid, 2, PHA));
        let restart = Call::restart_computing {
            pid,
            worker: worker(1),
            stake: 11 * PHA,
        };
        assert_ok!(call(1, restart));
        assert_ok!(stop(pid, 2));
        assert_ok!(withdraw(3, pid, 10 * PHA));
        pass(7 * DAY + 1);
        assert_ok!(check(pid));
        pass(COOL_DOWN);
        assert_ok!(reclaim(pid, 2));
        assert_ok!(reclaim(pid, 1));
        // Two starts, a restart, two stops, and two reclaims until the last share was paid.
        assert_eq!(StakePools::totals().unwrap().surplus, 0);
        assert_eq!(balance(3), ENDOWMENT + 7 * PHA);
    });
}

#[test]
fn a_session_that_lost_everything_is_reclaimed_too() {
    run(|| {
        let pid = stake_pool(&[1, 2]);
        assert_ok!(contribute(3, pid, 20 * PHA));
        for seed in [1, 2] {
            assert_ok!(start(pid, seed, 10 * PHA));
        }
        // One loses everything before its worker is taken away, the other one after.
        TestSessions::fault(&session(pid, 1), 10 * PHA, None);
        TestSessions::take_away(&worker(1));
        TestSessions::take_away(&worker(2));
        TestSessions::fault(&session(pid, 2), 10 * PHA, None);
        let add = |seed| {
            let pubkey = worker(seed);
            call(1, Call::add_worker { pid, pubkey })
        };
        assert_eq!(add(1), Err(NOT_READY));
        pass(COOL_DOWN);
        for seed in [1, 2] {
            assert_ok!(reclaim(pid, seed));
            assert_ok!(add(seed));
        }
    });
}
