//! The examples of `docs/economy/pools.md`, number by number. Ann is account 3, Bob is account 4, the owner of
//! stake pools account 1 and of vaults account 2.

use super::*;

const ANN: u8 = 3;
const BOB: u8 = 4;

fn worth(pid: PoolId, who: u8) -> Balance {
    StakePools::delegation_value(pid, &account(who))
}

#[test]
fn rewards_and_losses() {
    run(|| {
        let pid = stake_pool(&[1]);
        commission(1, pid, 10);
        assert_ok!(contribute(ANN, pid, 1_000 * PHA));
        assert_eq!(shares(pid, ANN), 1_000 * PHA);
        assert_ok!(start(pid, 1, 1_000 * PHA));

        TestSessions::reward(&session(pid, 1), 50 * PHA);
        assert_eq!(worth(pid, ANN), 1_045 * PHA);
        assert_ok!(contribute(BOB, pid, milli(522_500)));
        assert_eq!(shares(pid, BOB), 500 * PHA);

        TestSessions::reward(&session(pid, 1), 30 * PHA);
        assert_eq!(pool(pid).stake_pool().unwrap().owner_rewards, 8 * PHA);
        assert_eq!(
            (worth(pid, ANN), worth(pid, BOB)),
            (1_063 * PHA, milli(531_500))
        );

        TestSessions::fault(&session(pid, 1), milli(94_500), None);
        assert_eq!((worth(pid, ANN), worth(pid, BOB)), (1_000 * PHA, 500 * PHA));
    });
}

#[test]
fn leaving_a_stake_pool() {
    run(|| {
        let pid = stake_pool(&[1, 2, 3, 4]);
        assert_ok!(contribute(ANN, pid, 1_000 * PHA));
        for seed in 1..=4 {
            assert_ok!(start(pid, seed, 250 * PHA));
        }
        let asked = now();
        assert_ok!(withdraw(ANN, pid, 300 * PHA));
        pass(7 * DAY + 1);
        assert_ok!(check(pid));
        assert_eq!(at_stake(pid), (500 * PHA, 500 * PHA));
        pass(7 * DAY);
        for seed in [1, 2] {
            assert_ok!(reclaim(pid, seed));
        }
        assert_eq!(now() - asked, 14 * DAY + 1);
        assert_eq!(balance(ANN), ENDOWMENT - 700 * PHA);
        // What was stopped for her and is left goes to work again.
        assert_eq!(pool(pid).free, 200 * PHA);
        assert_ok!(start(pid, 1, 200 * PHA));
    });
}

#[test]
fn leaving_a_vault() {
    run(|| {
        let (pid, vault) = (stake_pool(&[1]), vault());
        assert_ok!(contribute(ANN, vault, 100 * PHA));
        assert_ok!(invest(2, vault, pid, 100 * PHA));
        assert_ok!(start(pid, 1, 100 * PHA));
        let asked = now();
        assert_ok!(withdraw(ANN, vault, 100 * PHA));
        pass(7 * DAY + 1);
        assert_ok!(check(vault));
        pass(7 * DAY + 1);
        assert_ok!(check(pid));
        pass(7 * DAY);
        assert_ok!(reclaim(pid, 1));
        assert_ok!(check(vault));
        assert_eq!(now() - asked, 21 * DAY + 2);
        assert_eq!(balance(ANN), ENDOWMENT);
    });
}

#[test]
fn asking_again() {
    run(|| {
        let pid = stake_pool(&[1]);
        assert_ok!(contribute(ANN, pid, 100 * PHA));
        assert_ok!(start(pid, 1, 100 * PHA));
        assert_ok!(withdraw(ANN, pid, 30 * PHA));
        pass(5 * DAY);
        assert_ok!(withdraw(ANN, pid, 50 * PHA));
        let requests = delegation(pid, ANN).requests;
        let of = |number: usize| Requests::<Test>::get(pid, requests[number]).unwrap();
        assert_eq!((of(0).shares, now() - of(0).made), (30 * PHA, 5 * DAY));
        assert_eq!((of(1).shares, now() - of(1).made), (20 * PHA, 0));
    });
}

#[test]
fn a_vaults_commission() {
    run(|| {
        let (pid, vault) = (stake_pool(&[1]), vault());
        commission(2, vault, 10);
        assert_ok!(contribute(ANN, vault, 100 * PHA));
        assert_ok!(invest(2, vault, pid, 100 * PHA));
        let settle = || call(8, Call::maybe_gain_owner_shares { pid: vault });
        assert_ok!(start(pid, 1, 100 * PHA));
        TestSessions::reward(&session(pid, 1), 100 * PHA);
        assert_ok!(settle());
        let gained = || pool(vault).as_vault().unwrap().owner_shares;
        assert_eq!(gained() / 1_000, 5_263_157_894);
        assert_eq!(worth(vault, ANN) / 1_000, 190 * PHA / 1_000);

        // 1.9 falls to 1.71, and comes back without a commission.
        TestSessions::fault(&session(pid, 1), 20 * PHA, None);
        assert_ok!(settle());
        assert_eq!(worth(vault, ANN) / 1_000, 171 * PHA / 1_000);
        TestSessions::reward(&session(pid, 1), 20 * PHA);
        assert_ok!(settle());
        assert_eq!(gained() / 1_000, 5_263_157_894);
    });
}

#[test]
fn a_vote() {
    run(|| {
        let pid = stake_pool(&[1]);
        assert_ok!(contribute(ANN, pid, 1_000 * PHA));
        TestSessions::reward(&session(pid, 1), 100 * PHA);
        let free = balance(ANN);
        let power = StakePools::voting_power(&account(ANN));
        assert_eq!(power, free + 1_100 * PHA);
        assert_ok!(StakePools::lock_shares(
            *b"referend",
            &account(ANN),
            550 * PHA
        ));
        assert_eq!(delegation(pid, ANN).locked, 500 * PHA);
        assert_ok!(withdraw(ANN, pid, 100 * PHA));
        refused(
            withdraw(ANN, pid, 400 * PHA + 1),
            Error::InvalidShareToWithdraw,
        );
        assert_ok!(withdraw(ANN, pid, 400 * PHA));
    });
}

/// What the constants are in the page's table.
#[test]
fn constants() {
    assert_eq!(
        (POOL_WORKERS_MAX, ACCOUNT_POOLS_MAX, RECEIVED_POOLS_MAX),
        (200, 16, 8)
    );
    assert_eq!((STAKER_REQUESTS_MAX, FORCED_REQUESTS_MAX), (4, 8));
    assert_eq!((QUEUE_STEP_MAX, STOPS_MAX), (50, 20));
    assert_eq!((WHITELIST_MAX, DESCRIPTION_BYTES_MAX), (100, 4_400));
    assert_eq!(SHARE_LOCKS_MAX, 8);
}
