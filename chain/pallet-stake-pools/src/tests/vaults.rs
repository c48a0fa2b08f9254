//! Vaults.

use super::*;

fn vault_of(pid: PoolId) -> Vault {
    *pool(pid).as_vault().unwrap()
}

/// The shares of a stake pool that a vault has, and those of them that wait.
fn of_vault(pid: PoolId, vault: PoolId) -> (u128, u128) {
    let account = StakePools::pool_account(vault);
    let delegation = Delegations::<Test>::get(pid, account).unwrap_or_default();
    (delegation.shares, delegation.queued)
}

fn settle(vault: PoolId) {
    assert_ok!(call(8, Call::maybe_gain_owner_shares { pid: vault }));
}

#[test]
fn a_vault_invests_in_stake_pools_only() {
    run(|| {
        let (pid, vault, other) = (stake_pool(&[]), vault(), vault());
        assert_ok!(contribute(3, vault, 100 * PHA));
        refused(invest(3, vault, pid, PHA), Error::UnauthorizedPoolOwner);
        refused(invest(2, vault, other, PHA), Error::PoolTypeNotMatch);
        refused(invest(2, vault, vault, PHA), Error::PoolTypeNotMatch);
        refused(invest(2, pid, pid, PHA), Error::UnauthorizedPoolOwner);
        refused(invest(1, pid, pid, PHA), Error::PoolTypeNotMatch);
        refused(
            invest(2, vault, pid, 100 * PHA + 1),
            Error::InsufficientBalance,
        );
        assert_ok!(invest(2, vault, pid, 60 * PHA));
        assert_eq!(
            (pool(vault).free, of_vault(pid, vault).0),
            (40 * PHA, 60 * PHA)
        );
        settle(vault);
        assert_eq!(pool(vault).base.value(), 100 * PHA);
    });
}

#[test]
fn a_vault_is_worth_what_its_pools_are() {
    run(|| {
        let (pid, vault) = (stake_pool(&[1]), vault());
        assert_ok!(contribute(3, vault, 100 * PHA));
        assert_ok!(invest(2, vault, pid, 100 * PHA));
        assert_ok!(start(pid, 1, 100 * PHA));
        TestSessions::reward(&session(pid, 1), 50 * PHA);
        assert_eq!(StakePools::delegation_value(vault, &account(3)), 150 * PHA);
        assert_ok!(contribute(4, vault, 15 * PHA));
        assert_eq!(shares(vault, 4), 10 * PHA);
        TestSessions::fault(&session(pid, 1), 75 * PHA, None);
        settle(vault);
        assert_eq!(pool(vault).base.value(), 90 * PHA);
    });
}

#[test]
fn commission_is_taken_above_the_highest_price() {
    run(|| {
        let (pid, vault) = (stake_pool(&[1]), vault());
        commission(2, vault, 10);
        assert_ok!(contribute(3, vault, 100 * PHA));
        assert_ok!(invest(2, vault, pid, 100 * PHA));
        assert_ok!(start(pid, 1, 100 * PHA));
        TestSessions::reward(&session(pid, 1), 100 * PHA);
        settle(vault);
        // The price is 2, and becomes 1.9.
        let gained = vault_of(vault).owner_shares;
        assert!(gained.abs_diff(5_263_157_894_736) <= 1, "{gained}");
        // Down and up again below the mark costs nothing.
        TestSessions::fault(&session(pid, 1), 20 * PHA, None);
        settle(vault);
        TestSessions::reward(&session(pid, 1), 20 * PHA);
        settle(vault);
        assert_eq!(vault_of(vault).owner_shares, gained);

        let claim = |target, shares| {
            let pid = vault;
            call(
                2,
                Call::claim_owner_shares {
                    pid,
                    target,
                    shares,
                },
            )
        };
        let to = account(5);
        refused(claim(to.clone(), gained + 1), Error::NoEnoughShareToClaim);
        refused(claim(to.clone(), 1_000), Error::NoEnoughShareToClaim);
        refused(claim(pool(pid).account, gained), Error::InvalidRecipient);
        assert_ok!(claim(to, gained - 1_000));
        assert_eq!(shares(vault, 5), gained);
        assert_eq!(vault_of(vault).owner_shares, 0);
        // Who got them is known to have them.
        assert_eq!(StakerPools::<Test>::get(account(5)).to_vec(), [vault]);
        let tenth = StakePools::delegation_value(vault, &account(5));
        assert!(tenth.abs_diff(10 * PHA) < 100, "{tenth}");
        assert_ok!(withdraw(5, vault, gained));
    });
}

#[test]
fn a_vault_that_is_empty_begins_anew() {
    run(|| {
        let (pid, vault) = (stake_pool(&[1]), vault());
        commission(2, vault, 10);
        assert_ok!(contribute(3, vault, 100 * PHA));
        assert_ok!(invest(2, vault, pid, 100 * PHA));
        TestSessions::reward(&session(pid, 1), 100 * PHA);
        assert_ok!(call(
            2,
            Call::withdraw {
                pid,
                shares: 100 * PHA,
                as_vault: Some(vault)
            }
        ));
        assert_eq!(pool(vault).free, 200 * PHA);
        assert_ok!(withdraw(3, vault, 100 * PHA));
        let gained = vault_of(vault).owner_shares;
        let target = account(2);
        assert_ok!(call(
            2,
            Call::claim_owner_shares {
                pid: vault,
                target,
                shares: gained
            }
        ));
        assert_ok!(withdraw(2, vault, gained));
        assert_eq!(pool(vault).base, Default::default());
        assert_eq!(vault_of(vault).mark, None);
        assert_ok!(contribute(4, vault, PHA));
        assert_eq!(vault_of(vault).mark, Some(economics::Fixed::ONE));
    });
}

#[test]
fn a_late_vault_asks_for_what_it_needs_and_takes_no_money() {
    run(|| {
        let (first, second, vault) = (stake_pool(&[1]), stake_pool(&[2]), vault());
        assert_ok!(contribute(3, vault, 100 * PHA));
        assert_ok!(contribute(4, vault, 100 * PHA));
        for (pid, seed) in [(first, 1), (second, 2)] {
            assert_ok!(invest(2, vault, pid, 90 * PHA));
            assert_ok!(start(pid, seed, 90 * PHA));
        }
        assert_ok!(withdraw(3, vault, 100 * PHA));
        assert_eq!(balance(3), ENDOWMENT - 80 * PHA);
        refused(invest(2, vault, first, PHA), Error::WithdrawQueueNotEmpty);
        pass(7 * DAY);
        assert_ok!(check(vault));
        assert!(!vault_of(vault).locked);
        pass(1);
        assert_ok!(check(vault));
        assert!(vault_of(vault).locked);
        System::assert_has_event(
            Event::ForceShutdown {
                pid: vault,
                reason: ForceShutdownReason::NoEnoughReleasingStake,
            }
            .into(),
        );
        // 80 are missing, and asked for where the vault has been longest.
        assert_eq!(of_vault(first, vault), (90 * PHA, 80 * PHA));
        assert_eq!(of_vault(second, vault), (90 * PHA, 0));
        assert_ok!(check(vault));
        assert_eq!(of_vault(second, vault), (90 * PHA, 0));

        refused(contribute(5, vault, PHA), Error::VaultIsLocked);
        refused(invest(2, vault, second, PHA), Error::VaultIsLocked);
        for shares in [10 * PHA, 90 * PHA] {
            let as_vault = Some(vault);
            let pid = first;
            let by_owner = Call::withdraw {
                pid,
                shares,
                as_vault,
            };
            refused(call(2, by_owner), Error::VaultIsLocked);
            let cancel = Call::cancel_withdraw { pid, as_vault };
            refused(call(2, cancel), Error::VaultIsLocked);
        }

        // The stake pool is late in turn, and its worker cools down.
        pass(7 * DAY + 1);
        assert_ok!(check(first));
        pass(COOL_DOWN);
        assert_ok!(reclaim(first, 1));
        assert_eq!(pool(vault).free, 80 * PHA);
        assert_ok!(check(vault));
        assert_eq!(balance(3), ENDOWMENT);
        assert!(!vault_of(vault).locked);
        assert_ok!(contribute(5, vault, PHA));
    });
}

#[test]
fn a_vault_that_waited_longest_asks_for_everything() {
    run(|| {
        let (first, second, vault) = (stake_pool(&[1]), stake_pool(&[2]), vault());
        assert_ok!(contribute(3, vault, 100 * PHA));
        for (pid, seed) in [(first, 1), (second, 2)] {
            assert_ok!(invest(2, vault, pid, 50 * PHA));
            assert_ok!(start(pid, seed, 50 * PHA));
        }
        assert_ok!(withdraw(3, vault, 40 * PHA));
        let as_vault = Some(vault);
        assert_ok!(call(
            2,
            Call::withdraw {
                pid: first,
                shares: 40 * PHA,
                as_vault
            }
        ));
        pass(21 * DAY);
        assert_ok!(check(vault));
        assert!(!vault_of(vault).locked);
        pass(1);
        assert_ok!(check(vault));
        assert!(vault_of(vault).locked);
        assert_eq!(of_vault(first, vault), (50 * PHA, 50 * PHA));
        assert_eq!(of_vault(second, vault), (50 * PHA, 50 * PHA));
    });
}

#[test]
fn a_late_vault_takes_free_money_at_once() {
    run(|| {
        let (pid, vault) = (stake_pool(&[]), vault());
        assert_ok!(contribute(3, vault, 100 * PHA));
        assert_ok!(invest(2, vault, pid, 100 * PHA));
        assert_ok!(withdraw(3, vault, 70 * PHA));
        pass(8 * DAY);
        assert_ok!(check(vault));
        assert_eq!(balance(3), ENDOWMENT - 30 * PHA);
        assert!(!vault_of(vault).locked);
        assert_eq!(of_vault(pid, vault), (30 * PHA, 0));
    });
}

#[test]
fn an_owner_cannot_fill_a_late_vaults_requests() {
    run(|| {
        let (pid, vault) = (stake_pool(&[1]), vault());
        assert_ok!(contribute(3, vault, 100 * PHA));
        assert_ok!(invest(2, vault, pid, 100 * PHA));
        assert_ok!(start(pid, 1, 100 * PHA));
        for times in 1..=4 {
            let shares = times * PHA;
            let as_vault = Some(vault);
            assert_ok!(call(
                2,
                Call::withdraw {
                    pid,
                    shares,
                    as_vault
                }
            ));
            pass(1);
        }
        assert_ok!(withdraw(3, vault, 50 * PHA));
        QueueMax::set(4);
        pass(8 * DAY);
        assert_ok!(check(vault));
        assert_eq!(of_vault(pid, vault), (100 * PHA, 50 * PHA));
    });
}
