//! Tests through the pallet's calls and what it is told.

use crate::mock::*;
use crate::*;
use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect as _};
use pallet_gatekeepers::OffenceKind;
use polkadot_sdk::*;
use primitives::{WorkerId, units::PHA};
use sp_runtime::DispatchError;

#[test]
fn a_bond_is_its_operators_and_no_smaller_than_the_least() {
    run(|| {
        let bond = |who, of, amount| GatekeeperBonds::bond(signed(who), worker(of), amount);
        assert_noop!(bond(2, 1, 100 * PHA), Error::<Test>::NotOperator);
        assert_noop!(bond(1, 1, 100 * PHA - 1), Error::<Test>::BondTooSmall);
        assert_ok!(bond(1, 1, 100 * PHA));
        assert_noop!(bond(1, 1, 100 * PHA), Error::<Test>::BondExists);
        let more = |who, amount| GatekeeperBonds::bond_extra(signed(who), worker(1), amount);
        assert_noop!(more(2, PHA), Error::<Test>::NotOwner);
        assert_ok!(more(1, PHA));
        assert_eq!(Bonds::<Test>::get(worker(1)).unwrap().amount, 101 * PHA);
        // What is bonded cannot be spent, and is still the owner's.
        assert_eq!(balance(1), ENDOWMENT);
        assert!(more(1, ENDOWMENT).is_err());
    });
}

#[test]
fn the_largest_bonds_of_good_machines_sit() {
    run(|| {
        for (seed, amount) in [(1, 100), (2, 400), (3, 200), (4, 300), (5, 900), (6, 800)] {
            bond(seed, amount);
        }
        Inactive::set(vec![worker(5)]);
        Weak::set(vec![worker(6)]);
        election();
        assert_eq!(seats(), [2, 4, 3]);
        assert_eq!(office(), [2, 4, 3]);
        // More money and a better machine at the next election, not before.
        assert_ok!(GatekeeperBonds::bond_extra(signed(1), worker(1), 500 * PHA));
        Inactive::set(Vec::new());
        blocks(1);
        assert_eq!(seats(), [2, 4, 3]);
        election();
        assert_eq!(seats(), [5, 1, 2]);
        let mut in_office = office();
        in_office.sort_unstable();
        assert_eq!(in_office, [1, 2, 5]);
    });
}

#[test]
fn whom_a_vote_appoints_needs_no_bond_and_no_seat() {
    run(|| {
        Office::set(vec![worker(9)]);
        election();
        assert_eq!((seats(), office()), (vec![], vec![9]));
        bond(1, 100);
        bond(9, 500);
        election();
        // One candidate is fewer than the least: nothing changes.
        assert_eq!((seats(), office()), (vec![], vec![9]));
        bond(2, 100);
        election();
        assert_eq!((seats(), office()), (vec![1, 2], vec![9, 1, 2]));
        // Dismissed by a vote, it is a candidate as any other.
        Office::mutate(|office| office.retain(|known| *known != worker(9)));
        election();
        assert_eq!(seats(), [9, 1, 2]);
    });
}

#[test]
fn who_sits_stays_when_too_few_could_be_elected() {
    run(|| {
        for seed in 1..=3 {
            bond(seed, 100);
        }
        election();
        assert_eq!(seats(), [1, 2, 3]);
        Inactive::set(vec![worker(1), worker(2)]);
        election();
        assert_eq!((seats(), office()), (vec![1, 2, 3], vec![1, 2, 3]));
        System::assert_last_event(Event::ElectionTooSmall { candidates: 1 }.into());
    });
}

#[test]
fn a_bond_answers_for_a_while_after_it_asked_to_leave() {
    run(|| {
        for seed in 1..=4 {
            bond(seed, 100 + u128::from(seed));
        }
        election();
        assert_eq!(seats(), [4, 3, 2]);
        let withdraw = |seed| GatekeeperBonds::withdraw_bond(signed(9), worker(seed));
        assert_noop!(withdraw(3), Error::<Test>::NotLeaving);
        assert_ok!(GatekeeperBonds::leave(signed(3), worker(3)));
        assert_noop!(
            GatekeeperBonds::leave(signed(3), worker(3)),
            Error::<Test>::LeavingAlready
        );
        election();
        assert_eq!(seats(), [4, 2, 1]);
        blocks(29);
        assert_noop!(withdraw(3), Error::<Test>::StillBonded);
        // A proof that comes meanwhile holds it.
        tell(3, OffenceKind::Equivocation, None);
        blocks(1);
        assert_noop!(withdraw(3), Error::<Test>::StillBonded);
        assert_ok!(GatekeeperBonds::cancel_slash(RuntimeOrigin::root(), 0));
        assert_ok!(withdraw(3));
        assert_eq!(Bonds::<Test>::get(worker(3)), None);
        // Once it stays after all, it can be elected again.
        assert_ok!(GatekeeperBonds::leave(signed(4), worker(4)));
        assert_ok!(GatekeeperBonds::stay(signed(4), worker(4)));
        election();
        assert_eq!(seats(), [4, 2, 1]);
    });
}

#[test]
fn a_term_is_paid_unless_one_stayed_away() {
    run(|| {
        for seed in 1..=3 {
            bond(seed, 100);
        }
        election();
        let before = [balance(1), balance(2)];
        for _ in 0..2 {
            tell(1, OffenceKind::NoBeacon, None);
        }
        election();
        assert_eq!([balance(1), balance(2)], before.map(|before| before + PHA));
        // Beyond what is free each costs a part, and the term is not paid.
        for _ in 0..4 {
            tell(1, OffenceKind::NoDealing, None);
        }
        let left = 100 * PHA * 99 / 100 * 99 / 100;
        assert_eq!(Bonds::<Test>::get(worker(1)).unwrap().amount, left);
        election();
        assert_eq!(balance(1), before[0] + PHA - (100 * PHA - left));
        assert_eq!(balance(2), before[1] + 2 * PHA);
        // It is below the least now, and sits no more; absences are counted anew.
        assert_eq!(seats(), [2, 3]);
        assert_eq!(Bonds::<Test>::get(worker(1)).unwrap().absences, 0);
    });
}

#[test]
fn an_empty_account_pays_nobody_and_owes_nothing() {
    run(|| {
        bond(1, 100);
        bond(2, 100);
        election();
        let all = BondSettings {
            reward: ENDOWMENT,
            ..settings()
        };
        assert_ok!(GatekeeperBonds::set_settings(RuntimeOrigin::root(), all));
        election();
        assert_eq!(balance(1), ENDOWMENT);
        System::assert_has_event(
            Event::TermNotPaid {
                gatekeeper: worker(1),
                absences: 0,
            }
            .into(),
        );
    });
}

#[test]
fn a_proven_fault_takes_the_seat_at_once_and_the_bond_after_the_appeal() {
    run(|| {
        for seed in 1..=3 {
            bond(seed, 100);
        }
        election();
        let treasury = Balances::total_balance(&TREASURY);
        tell(2, OffenceKind::WrongShare, Some(9));
        assert_eq!((seats(), office()), (vec![1, 3], vec![1, 3]));
        blocks(4);
        assert_eq!(balance(2), ENDOWMENT);
        blocks(1);
        assert_eq!(balance(2), ENDOWMENT - 100 * PHA);
        assert_eq!(balance(9), ENDOWMENT + 10 * PHA);
        assert_eq!(Balances::total_balance(&TREASURY), treasury + 90 * PHA);
        assert_eq!(Bonds::<Test>::get(worker(2)), None);
        assert!(Queue::<Test>::get() == SlashQueue { first: 1, next: 1 });
    });
}

#[test]
fn an_appeal_that_is_heard_gives_the_next_election_back() {
    run(|| {
        for seed in 1..=3 {
            bond(seed, 100);
        }
        election();
        tell(2, OffenceKind::Equivocation, None);
        assert_ok!(GatekeeperBonds::cancel_slash(RuntimeOrigin::root(), 0));
        assert_noop!(
            GatekeeperBonds::cancel_slash(RuntimeOrigin::root(), 0),
            Error::<Test>::SlashNotFound
        );
        assert_noop!(
            GatekeeperBonds::cancel_slash(signed(2), 0),
            DispatchError::BadOrigin
        );
        assert_eq!(seats(), [1, 3]);
        election();
        assert_eq!(seats(), [1, 2, 3]);
        assert_eq!(balance(2) - PHA, ENDOWMENT - PHA);
    });
}

#[test]
fn the_last_gatekeeper_keeps_the_office_whatever_it_did() {
    run(|| {
        let alone = BondSettings {
            seats_min: 1,
            ..settings()
        };
        assert_ok!(GatekeeperBonds::set_settings(RuntimeOrigin::root(), alone));
        bond(1, 100);
        election();
        tell(1, OffenceKind::WrongDealing, None);
        assert_eq!((seats(), office()), (vec![1], vec![1]));
        blocks(5);
        // It has lost everything and stays until another is there.
        assert_eq!(Bonds::<Test>::get(worker(1)).unwrap().amount, 0);
        bond(2, 100);
        election();
        assert_eq!((seats(), office()), (vec![2], vec![2]));
    });
}

#[test]
fn faults_are_bounded_and_strangers_have_none() {
    run(|| {
        bond(1, 100);
        tell(9, OffenceKind::Equivocation, None);
        assert_eq!(PendingSlashes::<Test>::count_of(), 0);
        for _ in 0..SLASHES_PER_BOND_MAX + 3 {
            tell(1, OffenceKind::Equivocation, None);
        }
        assert_eq!(PendingSlashes::<Test>::count_of(), SLASHES_PER_BOND_MAX as usize);
        blocks(5);
        // A few in a block.
        assert_eq!(PendingSlashes::<Test>::count_of(), 4);
        blocks(1);
        assert_eq!(PendingSlashes::<Test>::count_of(), 0);
        assert_eq!(Bonds::<Test>::get(worker(1)), None);
    });
}

trait CountOf {
    fn count_of() -> usize;
}

impl CountOf for PendingSlashes<Test> {
    fn count_of() -> usize {
        Self::iter().count()
    }
}

#[test]
fn bonds_are_bounded_and_a_larger_one_takes_the_place_of_the_smallest() {
    run(|| {
        for number in 0..BONDS_MAX {
            let mut id = [200; 32];
            id[..4].copy_from_slice(&number.to_le_bytes());
            let bond = Bond {
                owner: account(8),
                amount: PHA / 1_000,
                leaving_since: None,
                accused: 0,
                absences: 0,
                has_sat: number > 0,
            };
            Bonds::<Test>::insert(WorkerId(id), bond);
        }
        use frame_support::traits::fungible::MutateHold as _;
        let all = PHA / 1_000 * u128::from(BONDS_MAX);
        assert_ok!(Balances::hold(&HoldReason::Bond.into(), &account(8), all));
        bond(1, 100);
        assert_eq!(Bonds::<Test>::count(), BONDS_MAX);
        // The others had a seat once.
        let full = GatekeeperBonds::bond(signed(2), worker(2), 100 * PHA);
        assert_noop!(full, Error::<Test>::TooManyBonds);
    });
}

#[test]
fn settings_are_a_votes_and_bounded() {
    run(|| {
        let set = |settings| GatekeeperBonds::set_settings(RuntimeOrigin::root(), settings);
        assert_noop!(
            GatekeeperBonds::set_settings(signed(1), settings()),
            DispatchError::BadOrigin
        );
        for wrong in [
            BondSettings { bond_min: 0, ..settings() },
            BondSettings { seats_max: 65, ..settings() },
            BondSettings { seats_min: 4, ..settings() },
            BondSettings { tier_max: 0, ..settings() },
            BondSettings { term_blocks: 0, ..settings() },
            BondSettings { appeal_blocks: 41, ..settings() },
        ] {
            assert_noop!(set(wrong), Error::<Test>::InvalidSettings);
        }
        bond(1, 100);
        bond(2, 100);
        assert_ok!(GatekeeperBonds::force_election(RuntimeOrigin::root()));
        blocks(1);
        assert_eq!(seats(), [1, 2]);
    });
}

