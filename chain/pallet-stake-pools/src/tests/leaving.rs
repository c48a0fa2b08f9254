//! The queue.

use super::*;

/// Account 3 has 100 PHA and account 4 has 50 in a pool whose five workers have 30 each.
fn all_at_work() -> PoolId {
    let pid = stake_pool(&[1, 2, 3, 4, 5]);
    assert_ok!(contribute(3, pid, 100 * PHA));
    assert_ok!(contribute(4, pid, 50 * PHA));
    for seed in 1..=5 {
        assert_ok!(start(pid, seed, 30 * PHA));
        pass(1);
    }
    pid
}

/// Whose request stands where.
fn places(pid: PoolId) -> Vec<(u8, u128)> {
    let mut next = pool(pid).queue.head;
    let mut places = Vec::new();
    while let Some(id) = next {
        let request = Requests::<Test>::get(pid, id).unwrap();
        let staker: [u8; 32] = request.staker.into();
        places.push((staker[0], request.shares / PHA));
        next = request.next;
    }
    places
}

#[test]
fn free_money_leaves_at_once() {
    run(|| {
        let pid = stake_pool(&[]);
        assert_ok!(contribute(3, pid, 10 * PHA));
        refused(withdraw(3, pid, 0), Error::InvalidShareToWithdraw);
        refused(withdraw(3, pid, 1_000), Error::InvalidShareToWithdraw);
        refused(
            withdraw(3, pid, PHA / 100 - 1),
            Error::InvalidShareToWithdraw,
        );
        refused(
            withdraw(3, pid, 10 * PHA + 1),
            Error::InvalidShareToWithdraw,
        );
        refused(withdraw(4, pid, PHA), Error::InvalidShareToWithdraw);
        assert_ok!(withdraw(3, pid, PHA / 100));
        assert_eq!(balance(3), ENDOWMENT - 10 * PHA + PHA / 100);
        // All but dust is all.
        assert_ok!(withdraw(3, pid, shares(pid, 3) - 1_000));
        assert_eq!((balance(3), shares(pid, 3)), (ENDOWMENT, 0));
        assert!(StakerPools::<Test>::get(account(3)).is_empty());
        assert_eq!(pool(pid).base, Default::default());
    });
}

#[test]
fn a_whole_delegation_leaves_however_small_it_is() {
    run(|| {
        let pid = stake_pool(&[1]);
        assert_ok!(contribute(3, pid, 100 * PHA));
        assert_ok!(contribute(4, pid, PHA / 100));
        assert_ok!(start(pid, 1, 100 * PHA));
        TestSessions::fault(&session(pid, 1), 50 * PHA, None);
        refused(withdraw(4, pid, PHA / 200), Error::InvalidShareToWithdraw);
        assert_ok!(withdraw(4, pid, PHA / 100));
        assert_eq!(shares(pid, 4), 0);
    });
}

#[test]
fn money_is_paid_in_turn_as_it_becomes_free() {
    run(|| {
        let pid = all_at_work();
        assert_ok!(withdraw(4, pid, 50 * PHA));
        assert_ok!(withdraw(3, pid, 20 * PHA));
        assert_eq!(places(pid), [(4, 50), (3, 20)]);
        assert_ok!(contribute(5, pid, 40 * PHA));
        assert_eq!(places(pid), [(4, 10), (3, 20)]);
        assert_eq!(balance(4), ENDOWMENT - 10 * PHA);
        // Less than an account's least balance is not paid in parts.
        assert_ok!(contribute(5, pid, 10 * PHA));
        TestSessions::reward(&session(pid, 1), milli(5));
        assert_ok!(check(pid));
        assert_eq!(places(pid), [(3, 20)]);
        assert_eq!(queued(pid, 3), 20 * PHA);
        assert_eq!(pool(pid).free, milli(5));
        assert_ok!(stop(pid, 1));
        pass(COOL_DOWN);
        assert_ok!(reclaim(pid, 1));
        assert_eq!(places(pid), []);
        assert!(balance(3) > ENDOWMENT - 80 * PHA);
    });
}

#[test]
fn money_does_not_go_to_work_while_somebody_waits() {
    run(|| {
        let pid = all_at_work();
        assert_ok!(withdraw(3, pid, 40 * PHA));
        assert_ok!(stop(pid, 1));
        pass(COOL_DOWN);
        assert_ok!(reclaim(pid, 1));
        refused(start(pid, 1, PHA), Error::WithdrawQueueNotEmpty);
        let restart = Call::restart_computing {
            pid,
            worker: worker(2),
            stake: 31 * PHA,
        };
        refused(call(1, restart), Error::WithdrawQueueNotEmpty);
        assert_ok!(contribute(5, pid, 12 * PHA));
        assert_ok!(start(pid, 1, PHA));
    });
}

#[test]
fn asking_again_keeps_the_place() {
    run(|| {
        let pid = all_at_work();
        assert_ok!(withdraw(3, pid, 10 * PHA));
        pass(DAY);
        assert_ok!(withdraw(4, pid, 10 * PHA));
        pass(DAY);
        // More: the new part waits behind.
        assert_ok!(withdraw(3, pid, 15 * PHA));
        assert_eq!(places(pid), [(3, 10), (4, 10), (3, 5)]);
        let first = Requests::<Test>::get(pid, 0).unwrap();
        assert_eq!(first.made, now() - 2 * DAY);
        // More in the same moment is one request.
        assert_ok!(withdraw(3, pid, 16 * PHA));
        assert_eq!(places(pid), [(3, 10), (4, 10), (3, 6)]);
        // Less: the newest goes first.
        assert_ok!(withdraw(3, pid, 8 * PHA));
        assert_eq!(places(pid), [(3, 8), (4, 10)]);
        assert_eq!(Requests::<Test>::get(pid, 0).unwrap().made, now() - 2 * DAY);
        // The same: nothing happens.
        assert_ok!(withdraw(3, pid, 8 * PHA));
        assert_eq!(places(pid), [(3, 8), (4, 10)]);
    });
}

#[test]
fn a_request_is_taken_back() {
    run(|| {
        let pid = all_at_work();
        let cancel = |who| {
            let as_vault = None;
            call(who, Call::cancel_withdraw { pid, as_vault })
        };
        refused(cancel(3), Error::InvalidShareToWithdraw);
        for who in [3, 4, 3] {
            assert_ok!(withdraw(who, pid, queued(pid, who) + 10 * PHA));
            pass(1);
        }
        assert_ok!(cancel(4));
        assert_eq!(places(pid), [(3, 10), (3, 10)]);
        assert_ok!(cancel(3));
        assert_eq!(pool(pid).queue.len, 0);
        assert_eq!((shares(pid, 3), queued(pid, 3)), (100 * PHA, 0));
    });
}

#[test]
fn the_queue_is_bounded() {
    run(|| {
        let pid = all_at_work();
        for _ in 0..4 {
            pass(1);
            assert_ok!(withdraw(3, pid, queued(pid, 3) + PHA));
        }
        pass(1);
        refused(
            withdraw(3, pid, queued(pid, 3) + PHA),
            Error::TooManyRequests,
        );
        QueueMax::set(5);
        assert_ok!(withdraw(4, pid, PHA));
        assert_ok!(transfer(4, pid, 5, 10 * PHA));
        refused(withdraw(5, pid, milli(149)), Error::WithdrawQueueFull);
        // A thousandth of the pool is not kept out.
        assert_ok!(withdraw(5, pid, milli(150)));
    });
}

#[test]
fn an_expired_request_stops_as_many_workers_as_it_takes() {
    run(|| {
        let pid = all_at_work();
        assert_ok!(withdraw(3, pid, 50 * PHA));
        pass(7 * DAY);
        assert_ok!(check(pid));
        assert_eq!(at_stake(pid), (150 * PHA, 0));
        pass(1);
        assert_ok!(check(pid));
        // Two of 30 cover 50, and these are the two that started first.
        assert_eq!(at_stake(pid), (90 * PHA, 60 * PHA));
        let left = ComputingWorkers::<Test>::get(pid);
        assert_eq!(left.to_vec(), [worker(3), worker(4), worker(5)]);
        System::assert_has_event(
            Event::WorkingStopped {
                pid,
                worker: worker(1),
                amount: 30 * PHA,
                forced: true,
            }
            .into(),
        );
        // What cools down covers it: nothing more is stopped.
        assert_ok!(check(pid));
        assert_eq!(at_stake(pid), (90 * PHA, 60 * PHA));
        // A later one waits for its own time.
        assert_ok!(withdraw(4, pid, 50 * PHA));
        assert_ok!(check(pid));
        assert_eq!(at_stake(pid), (90 * PHA, 60 * PHA));
        pass(7 * DAY);
        for seed in [1, 2] {
            assert_ok!(reclaim(pid, seed));
        }
        assert_eq!(balance(3), ENDOWMENT - 50 * PHA);
        pass(1);
        assert_ok!(check(pid));
        assert_eq!(at_stake(pid), (30 * PHA, 60 * PHA));
        pass(7 * DAY);
        for seed in [3, 4] {
            assert_ok!(reclaim(pid, seed));
        }
        assert_eq!(balance(4), ENDOWMENT);
    });
}

#[test]
fn one_call_stops_twenty_workers() {
    run(|| {
        let pid = stake_pool(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        for seed in 100..130 {
            Operators::insert(worker(seed), account(1));
            let pubkey = worker(seed);
            assert_ok!(call(1, Call::add_worker { pid, pubkey }));
        }
        assert_ok!(contribute(3, pid, 30 * PHA));
        (100..130).for_each(|seed| start(pid, seed, PHA).unwrap());
        assert_ok!(withdraw(3, pid, 30 * PHA));
        pass(8 * DAY);
        assert_ok!(check(pid));
        assert_eq!(at_stake(pid), (10 * PHA, 20 * PHA));
        assert_ok!(check(pid));
        assert_eq!(at_stake(pid), (0, 30 * PHA));
    });
}

#[test]
fn one_call_pays_fifty_requests() {
    run(|| {
        let pid = stake_pool(&[1]);
        assert_ok!(contribute(3, pid, 100 * PHA));
        assert_ok!(start(pid, 1, 100 * PHA));
        for seed in 100..160 {
            assert_ok!(transfer(3, pid, seed, PHA));
            let shares = PHA;
            let as_vault = None;
            assert_ok!(call(
                seed,
                Call::withdraw {
                    pid,
                    shares,
                    as_vault
                }
            ));
        }
        assert_ok!(contribute(4, pid, 60 * PHA));
        assert_eq!(pool(pid).queue.len, 10);
        assert_ok!(check(pid));
        assert_eq!(pool(pid).queue.len, 0);
        assert_eq!(balance(159), PHA);
    });
}

#[test]
fn a_payment_that_cannot_be_delivered_goes_back() {
    run(|| {
        let pid = stake_pool(&[1]);
        assert_ok!(contribute(3, pid, 100 * PHA));
        // Account 100 has nothing but shares, which come to be worth less than a least balance.
        assert_ok!(transfer(3, pid, 100, PHA / 100));
        assert_ok!(start(pid, 1, 100 * PHA));
        let leave = |who, shares| withdraw(who, pid, shares);
        assert_ok!(leave(100, PHA / 100));
        assert_ok!(leave(3, 50 * PHA));
        TestSessions::fault(&session(pid, 1), 50 * PHA, None);
        assert_ok!(stop(pid, 1));
        pass(COOL_DOWN);
        assert_ok!(reclaim(pid, 1));
        assert_eq!((shares(pid, 100), queued(pid, 100)), (PHA / 100, 0));
        assert_eq!(balance(3), ENDOWMENT - 75 * PHA);
        System::assert_has_event(
            Event::WithdrawalReturned {
                pid,
                user: account(100),
                shares: PHA / 100,
            }
            .into(),
        );
    });
}

#[test]
fn shares_change_hands() {
    run(|| {
        let pid = all_at_work();
        refused(transfer(3, pid, 3, PHA), Error::InvalidRecipient);
        let to = StakePools::pool_account(pid);
        let shares_to_pool = Call::transfer_shares {
            pid,
            to,
            shares: PHA,
        };
        refused(call(3, shares_to_pool), Error::InvalidRecipient);
        refused(
            transfer(3, pid, 4, PHA / 100 - 1),
            Error::InvalidShareToTransfer,
        );
        refused(
            transfer(3, pid, 4, 100 * PHA - 1_000),
            Error::InvalidShareToTransfer,
        );
        assert_ok!(withdraw(3, pid, 60 * PHA));
        refused(
            transfer(3, pid, 4, 40 * PHA + 1),
            Error::InvalidShareToTransfer,
        );
        assert_ok!(transfer(3, pid, 4, 40 * PHA));
        assert_eq!((shares(pid, 3), shares(pid, 4)), (60 * PHA, 90 * PHA));
        refused(transfer(3, pid, 4, PHA), Error::InvalidShareToTransfer);
        // All of them: the delegation is the other's.
        assert_ok!(transfer(4, pid, 7, 90 * PHA));
        assert_eq!(shares(pid, 4), 0);
        assert!(StakerPools::<Test>::get(account(4)).is_empty());
        assert_ok!(withdraw(7, pid, 90 * PHA));
    });
}

#[test]
fn others_fill_half_of_an_accounts_list_of_pools() {
    run(|| {
        let pools: Vec<_> = (0..18).map(|_| stake_pool(&[])).collect();
        for pid in &pools {
            assert_ok!(contribute(3, *pid, PHA));
            if *pid == 15 {
                break;
            }
        }
        refused(contribute(3, 16, PHA), Error::TooManyPools);
        for pid in 0..8 {
            assert_ok!(transfer(3, pid, 4, PHA / 2));
        }
        refused(transfer(3, 8, 4, PHA / 2), Error::TooManyPools);
        for pid in 8..16 {
            assert_ok!(contribute(4, pid, PHA));
        }
        refused(contribute(4, 16, PHA), Error::TooManyPools);
        assert_ok!(transfer(3, 8, 4, PHA / 2));
    });
}
