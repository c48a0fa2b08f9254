//! Stakes, and where their money is.

use crate::mock::*;
use crate::*;
use polkadot_sdk::frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use polkadot_sdk::sp_runtime::{DispatchError, TokenError};

fn free(who: u8) -> u128 {
    Balances::free_balance(account(who))
}

#[test]
fn a_stake_is_held_told_and_comes_back_whole() {
    run(|| {
        assert_ok!(stake(1, 1, 700));
        assert_eq!(free(1), ENDOWMENT - 700);
        assert_eq!(<Balances as Inspect<_>>::total_balance(&account(1)), ENDOWMENT, "still its owner's");
        assert_eq!(Told::get(), [(1, 700)]);
        // Absolute, not in addition; of others it is added up.
        assert_ok!(stake(1, 1, 500));
        assert_ok!(stake(2, 1, 300));
        assert_ok!(stake(1, 2, 100));
        assert_eq!(Told::get(), [(1, 700), (1, 500), (1, 800), (2, 100)]);
        assert_eq!(ContractTotalStakes::<Test>::get(contract(1)), 800);
        assert_eq!(free(1), ENDOWMENT - 600);
        assert_ok!(stake(1, 1, 0));
        assert_ok!(stake(1, 2, 0));
        assert_ok!(stake(2, 1, 0));
        assert_eq!((free(1), free(2)), (ENDOWMENT, ENDOWMENT));
        assert_eq!(Told::get().last(), Some(&(1, 0)));
        assert_eq!(ContractUserStakes::<Test>::iter().count(), 0, "nothing is left in storage");
        assert_eq!(ContractTotalStakes::<Test>::iter().count(), 0);
    });
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    run(|| {
        assert_noop!(stake(1, 1, STAKE_MIN - 1), Error::<Test>::InvalidAmountOfStake);
        assert_noop!(stake(1, 9, STAKE_MIN), Error::<Test>::ContractNotFound);
        assert_noop!(stake(1, 1, ENDOWMENT), TokenError::FundsUnavailable);
        assert_noop!(stake(4, 1, STAKE_MIN), TokenError::FundsUnavailable);
        assert_noop!(stake(1, 1, u128::MAX), TokenError::FundsUnavailable);
        assert_noop!(
            Stakes::adjust_stake(RuntimeOrigin::root(), contract(1), STAKE_MIN),
            DispatchError::BadOrigin
        );
        assert_ok!(stake(1, 1, STAKE_MIN));
        let events = System::event_count();
        assert_ok!(stake(1, 1, STAKE_MIN));
        assert_eq!((System::event_count(), Told::get().len()), (events, 1), "nothing to do");
    });
}

#[test]
fn a_cluster_that_hears_nothing_keeps_no_money() {
    run(|| {
        assert_ok!(stake(1, 1, 700));
        assert_ok!(stake(2, 1, 300));
        Takes::set(false);
        assert_noop!(stake(1, 1, 800), DispatchError::Other("full"));
        assert_ok!(stake(1, 1, 0));
        assert_eq!(free(1), ENDOWMENT);
        assert!(UnsyncedContracts::<Test>::contains_key(contract(1)));
        let sync = |on| Stakes::sync(RuntimeOrigin::signed(account(3)), contract(on));
        assert_noop!(sync(1), DispatchError::Other("full"));
        assert_noop!(sync(2), Error::<Test>::AlreadySynced);
        Takes::set(true);
        assert_ok!(sync(1));
        assert_eq!(Told::get().last(), Some(&(1, 300)));
        assert_noop!(sync(1), Error::<Test>::AlreadySynced);
        // Any later change tells too.
        Takes::set(false);
        assert_ok!(stake(2, 1, 200));
        Takes::set(true);
        assert_ok!(stake(2, 1, 250));
        assert!(!UnsyncedContracts::<Test>::contains_key(contract(1)));
    });
}

#[test]
fn behind_a_contract_that_is_gone_stakes_are_only_taken_back() {
    run(|| {
        assert_ok!(stake(1, 1, 700));
        assert_ok!(stake(2, 1, 300));
        Known::set(vec![2]);
        assert_noop!(stake(1, 1, 800), Error::<Test>::ContractNotFound);
        assert_ok!(stake(1, 1, 400));
        assert_ok!(stake(2, 1, 0));
        assert_ok!(stake(1, 1, 0));
        assert_eq!((free(1), free(2)), (ENDOWMENT, ENDOWMENT));
        assert_eq!(UnsyncedContracts::<Test>::iter().count(), 0);
    });
}

#[test]
fn any_order_of_stakes_keeps_the_sums() {
    run(|| {
        // A linear congruence stands for chance.
        let mut chance = 1_u64;
        let mut next = |below: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (chance >> 33) % below
        };
        for _ in 0..2_000 {
            let (who, on) = (1 + next(3) as u8, 1 + next(2) as u8);
            Takes::set(next(4) > 0);
            let amount = u128::from(next(3) * next(4_000));
            let _refused = stake(who, on, amount);
            Stakes::do_try_state().unwrap();
        }
        Takes::set(true);
        for (who, on) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)] {
            assert_ok!(stake(who, on, 0));
        }
        assert!((1..=3).all(|who| free(who) == ENDOWMENT));
    });
}
