//! Pools, their owners, and who may do what.

use super::*;

#[test]
fn a_pool_has_an_account_that_its_maker_opens() {
    run(|| {
        let (first, second) = (stake_pool(&[]), vault());
        assert_eq!((first, second), (0, 1));
        assert_ne!(pool(first).account, pool(second).account);
        assert_eq!(
            <Balances as frame_support::traits::fungible::Inspect<_>>::balance(
                &pool(first).account
            ),
            PHA / 100
        );
        assert_eq!(balance(1), ENDOWMENT - PHA / 100);
        System::assert_has_event(
            Event::PoolCreated {
                owner: account(2),
                pid: 1,
                pool_account_id: StakePools::pool_account(1),
                vault: true,
            }
            .into(),
        );
        refused(contribute(3, 2, PHA), Error::PoolDoesNotExist);
    });
}

#[test]
fn only_the_owner_sets() {
    run(|| {
        let pid = stake_pool(&[1]);
        let mine = worker(1);
        let calls = [
            Call::add_worker { pid, pubkey: mine },
            Call::remove_worker { pid, worker: mine },
            Call::set_cap { pid, cap: PHA },
            Call::set_payout_pref {
                pid,
                payout_commission: None,
            },
            Call::claim_owner_rewards {
                pid,
                target: account(2),
            },
            Call::start_computing {
                pid,
                worker: mine,
                stake: PHA,
            },
            Call::stop_computing { pid, worker: mine },
            Call::restart_computing {
                pid,
                worker: mine,
                stake: PHA,
            },
            Call::set_pool_description {
                pid,
                description: vec![],
            },
            Call::add_staker_to_whitelist {
                pid,
                staker: account(2),
            },
            Call::remove_staker_from_whitelist {
                pid,
                staker: account(2),
            },
            Call::claim_owner_shares {
                pid,
                target: account(2),
                shares: PHA,
            },
        ];
        for each in calls {
            refused(call(2, each), Error::UnauthorizedPoolOwner);
        }
    });
}

#[test]
fn workers_come_from_their_operators() {
    run(|| {
        let pid = stake_pool(&[1]);
        let add = |who, pid, seed| {
            call(
                who,
                Call::add_worker {
                    pid,
                    pubkey: worker(seed),
                },
            )
        };
        refused(add(1, pid, 1), Error::WorkerExists);
        refused(add(1, pid, 11), Error::UnauthorizedOperator);
        refused(add(1, pid, 100), Error::WorkerNotRegistered);
        let other = stake_pool(&[]);
        refused(add(1, other, 1), Error::WorkerInAnotherPool);
        refused(add(2, vault(), 11), Error::PoolTypeNotMatch);
        let remove = |seed| {
            call(
                1,
                Call::remove_worker {
                    pid,
                    worker: worker(seed),
                },
            )
        };
        refused(remove(2), Error::WorkerDoesNotExist);
        assert_ok!(contribute(3, pid, 10 * PHA));
        assert_ok!(start(pid, 1, PHA));
        refused(remove(1), Error::WorkerIsNotReady);
        assert_ok!(stop(pid, 1));
        refused(remove(1), Error::WorkerIsNotReady);
        pass(COOL_DOWN);
        assert_ok!(reclaim(pid, 1));
        assert_ok!(remove(1));
        assert_ok!(add(1, other, 1));
    });
}

#[test]
fn a_pool_has_at_most_two_hundred_workers() {
    run(|| {
        let pid = stake_pool(&[]);
        let add = |number: u16| {
            let mut id = [255; 32];
            id[..2].copy_from_slice(&number.to_le_bytes());
            let pubkey = primitives::WorkerId(id);
            Operators::insert(pubkey, account(1));
            call(1, Call::add_worker { pid, pubkey })
        };
        (0..200).for_each(|number| add(number).unwrap());
        refused(add(200), Error::WorkersExceedLimit);
    });
}

#[test]
fn a_cap_bounds_contributions() {
    run(|| {
        let pid = stake_pool(&[]);
        let cap = |cap| call(1, Call::set_cap { pid, cap });
        assert_ok!(contribute(3, pid, 10 * PHA));
        refused(cap(10 * PHA - 1), Error::InadequateCapacity);
        assert_ok!(cap(10 * PHA));
        refused(contribute(3, pid, PHA / 100), Error::StakeExceedsCapacity);
        assert_ok!(cap(11 * PHA));
        assert_ok!(contribute(3, pid, PHA));
        let of_vault = Call::set_cap {
            pid: vault(),
            cap: PHA,
        };
        refused(call(2, of_vault), Error::PoolTypeNotMatch);
    });
}

#[test]
fn a_higher_commission_is_announced() {
    run(|| {
        let pid = stake_pool(&[1]);
        commission(1, pid, 10);
        assert_eq!(pool(pid).commission.parts(), 100_000);
        assert_ok!(contribute(3, pid, 100 * PHA));

        commission(1, pid, 50);
        let earn = || {
            let before = at_owner(pid);
            TestSessions::reward(&session(pid, 1), 10 * PHA);
            at_owner(pid) - before
        };
        assert_eq!(earn(), PHA);
        pass(21 * DAY - 1);
        assert_eq!(earn(), PHA);
        pass(1);
        assert_eq!(earn(), 5 * PHA);

        // A lower one holds at once, and ends what was announced.
        commission(1, pid, 60);
        commission(1, pid, 20);
        assert_eq!(earn(), 2 * PHA);
        pass(22 * DAY);
        assert_eq!(earn(), 2 * PHA);
        let same = Call::set_payout_pref {
            pid,
            payout_commission: Some(Permill::from_parts(200_000)),
        };
        refused(call(1, same.clone()), Error::CommissionNotChanged);
        // To take an announcement back is a change.
        commission(1, pid, 60);
        assert_ok!(call(1, same));
        pass(22 * DAY);
        assert_eq!(earn(), 2 * PHA);
    });
}

fn at_owner(pid: PoolId) -> Balance {
    pool(pid).stake_pool().unwrap().owner_rewards
}

#[test]
fn descriptions_and_lists_are_bounded() {
    run(|| {
        let pid = stake_pool(&[]);
        let describe = |length| {
            let description = vec![b'a'; length];
            call(1, Call::set_pool_description { pid, description })
        };
        assert_ok!(describe(4_400));
        refused(describe(4_401), Error::ExceedMaxDescriptionLen);
        let add = |number: u8| {
            let staker = sp_runtime::AccountId32::new([number; 32]);
            call(1, Call::add_staker_to_whitelist { pid, staker })
        };
        (0..100).for_each(|number| add(number).unwrap());
        refused(add(5), Error::AlreadyInContributeWhitelist);
        refused(add(100), Error::ExceedWhitelistMaxLen);
    });
}

#[test]
fn a_list_closes_a_pool_to_others() {
    run(|| {
        let pid = stake_pool(&[]);
        let add = |seed| {
            let staker = account(seed);
            call(1, Call::add_staker_to_whitelist { pid, staker })
        };
        let remove = |seed| {
            let staker = account(seed);
            call(1, Call::remove_staker_from_whitelist { pid, staker })
        };
        refused(remove(3), Error::NoWhitelistCreated);
        assert_ok!(contribute(4, pid, PHA));
        assert_ok!(add(3));
        assert_ok!(contribute(3, pid, PHA));
        assert_ok!(contribute(1, pid, PHA));
        refused(contribute(4, pid, PHA), Error::NotInContributeWhitelist);
        refused(transfer(3, pid, 4, PHA), Error::NotInContributeWhitelist);
        refused(remove(4), Error::NotInContributeWhitelist);
        // Who is inside leaves freely.
        assert_ok!(transfer(4, pid, 3, PHA / 2));
        assert_ok!(withdraw(4, pid, PHA / 2));
        assert_ok!(remove(3));
        assert!(!PoolContributionWhitelists::<Test>::contains_key(pid));
        assert_ok!(contribute(4, pid, PHA));
    });
}

#[test]
fn a_vote_sets_how_long_people_wait() {
    run(|| {
        let set = |origin, periods| StakePools::set_waiting_periods(origin, periods);
        let short = Periods {
            grace: 1,
            vault_queue: 2,
            commission_notice: 3,
        };
        assert!(set(signed(1), short).is_err());
        for wrong in [
            Periods { grace: 3, ..short },
            Periods {
                vault_queue: 4,
                ..short
            },
            Periods {
                commission_notice: PERIOD_SECONDS_MAX + 1,
                ..short
            },
        ] {
            frame_support::assert_noop!(
                set(RuntimeOrigin::root(), wrong),
                Error::<Test>::InvalidPeriods
            );
        }
        assert_ok!(set(RuntimeOrigin::root(), short));
        assert_eq!(WaitingPeriods::<Test>::get(), short);
    });
}
