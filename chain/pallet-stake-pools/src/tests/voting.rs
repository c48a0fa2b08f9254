//! Votes count staked PHA fully and once.

use super::*;

fn power(who: u8) -> Balance {
    StakePools::voting_power(&account(who))
}

#[test]
fn delegated_money_votes_as_much_as_free_money() {
    run(|| {
        let (pid, vault) = (stake_pool(&[1]), vault());
        let everybody = || (1..=8).map(power).sum::<Balance>();
        let before = everybody();
        assert_ok!(contribute(3, pid, 100 * PHA));
        assert_ok!(contribute(4, vault, 200 * PHA));
        assert_ok!(invest(2, vault, pid, 150 * PHA));
        assert_ok!(start(pid, 1, 250 * PHA));
        assert_eq!((power(3), power(4)), (ENDOWMENT, ENDOWMENT));
        assert_eq!(everybody(), before);
        // The vault has shares; who has shares of the vault votes.
        let account_of_vault = StakePools::pool_account(vault);
        assert_eq!(StakePools::shares_value(&account_of_vault), 0);

        TestSessions::reward(&session(pid, 1), 25 * PHA);
        assert_eq!(power(3), ENDOWMENT + 10 * PHA);
        assert_eq!(power(4), ENDOWMENT + 15 * PHA);
        assert_eq!(everybody(), before + 25 * PHA);
        // What leaves does not count.
        assert_ok!(withdraw(3, pid, 40 * PHA));
        // It is 44, of which 25 are free and so paid at once; 60 shares stay.
        assert_eq!(power(3), ENDOWMENT - 100 * PHA + 25 * PHA + 66 * PHA);
    });
}

#[test]
fn shares_that_vote_stay() {
    run(|| {
        let pid = stake_pool(&[1]);
        assert_ok!(contribute(3, pid, 100 * PHA));
        let lock = |id, amount| StakePools::lock_shares(id, &account(3), amount);
        refused(lock(*b"voting 1", 100 * PHA + 1), Error::NotEnoughToLock);
        assert_ok!(lock(*b"voting 1", 60 * PHA));
        assert_ok!(lock(*b"voting 2", 30 * PHA));
        assert_eq!(delegation(pid, 3).locked, 60 * PHA);
        refused(
            transfer(3, pid, 4, 40 * PHA + 1),
            Error::InvalidShareToTransfer,
        );
        refused(
            withdraw(3, pid, 40 * PHA + 1),
            Error::InvalidShareToWithdraw,
        );
        assert_ok!(transfer(3, pid, 4, 20 * PHA));
        assert_ok!(withdraw(3, pid, 20 * PHA));
        assert_eq!(shares(pid, 3), 60 * PHA);
        check_state();

        // Rewards do not loosen shares, and losses do not trap those that are not locked.
        TestSessions::reward(&session(pid, 1), 80 * PHA);
        refused(transfer(3, pid, 4, PHA), Error::InvalidShareToTransfer);
        StakePools::unlock_shares(*b"voting 1", &account(3));
        assert_eq!(delegation(pid, 3).locked, 30 * PHA);
        assert_ok!(transfer(3, pid, 4, 30 * PHA));
        // A lock set again is at present prices.
        assert_ok!(lock(*b"voting 2", 30 * PHA));
        assert_eq!(delegation(pid, 3).locked, 15 * PHA);
        StakePools::unlock_shares(*b"voting 2", &account(3));
        StakePools::unlock_shares(*b"voting 2", &account(3));
        assert!(!Locks::<Test>::contains_key(account(3)));
        assert_ok!(withdraw(3, pid, 30 * PHA));
    });
}

#[test]
fn a_lock_spreads_over_pools_and_is_bounded() {
    run(|| {
        let (first, second) = (stake_pool(&[]), stake_pool(&[]));
        for pid in [first, second] {
            assert_ok!(contribute(3, pid, 10 * PHA));
        }
        let lock = |id, amount| StakePools::lock_shares([id; 8], &account(3), amount);
        let value = StakePools::shares_value(&account(3));
        assert_ok!(lock(0, value));
        assert_eq!(delegation(first, 3).locked, 10 * PHA);
        assert_eq!(delegation(second, 3).locked, 10 * PHA);
        assert_ok!(lock(0, 10 * PHA + 1));
        assert_eq!(delegation(second, 3).locked, 1_001);
        (1..8).for_each(|id| lock(id, PHA).unwrap());
        refused(lock(8, PHA), Error::TooManyLocks);
        assert_ok!(lock(7, 2 * PHA));
    });
}
