//! Random events in random order; after each, everything must hold.

use crate::mock::*;
use crate::*;
use economics::{Fault, Fixed, Parameters, Permill, Schedule};
use frame_support::traits::fungible::Inspect;
use mining_api::Sessions as Api;
use polkadot_sdk::*;
use primitives::units::PHA;
use proptest::prelude::*;

const WORKERS: u32 = 6;

/// What the schedule allowed so far, kept beside the pallet.
#[derive(Default)]
struct Allowed {
    budget: u128,
    until: u64,
}

impl Allowed {
    fn count(&mut self) {
        let now = System::block_number();
        let between = BudgetSchedule::<Test>::get().between(self.until as u32, now as u32);
        self.budget += NetworkShare::<Test>::get().of(between.to_balance()) + 1;
        self.until = now;
    }
}

#[derive(Clone, Copy, Debug)]
struct Step {
    kind: u8,
    who: u32,
    number: u32,
}

fn step() -> impl Strategy<Value = Step> {
    (0u8..24, 0..WORKERS, any::<u32>()).prop_map(|(kind, who, number)| Step { kind, who, number })
}

fn parameters(number: u32) -> Parameters {
    let slash = [Fixed::ZERO, Parameters::GENESIS.slash_rate][number as usize % 2];
    Parameters {
        slash_rate: slash,
        heartbeat_window: 1 + number % 40,
        challenges: 1 + number % 30,
        blocks_per_hour: 4 + number % 300,
        treasury_ratio: Fixed::from_bits(u128::from(number) << 32),
        ..Parameters::GENESIS
    }
}

/// A change by vote.
fn vote(step: Step, allowed: &mut Allowed) {
    let root = RuntimeOrigin::root;
    let number = step.number;
    let session = session(step.who);
    match number % 8 {
        0 => drop(Computation::update_tokenomic(
            root(),
            parameters(number / 8),
        )),
        1 => {
            allowed.count();
            let schedule = Schedule {
                start: number % 50,
                per_block: Fixed::from_int((number / 8 % 300).into()),
                period: 1 + number % 1_000,
                decay: Fixed::from_bits(3 << 62),
            };
            Computation::set_schedule(root(), schedule).unwrap();
        }
        2 => {
            allowed.count();
            let share = Permill::from_parts(number / 8 % 1_000_001);
            Computation::set_network_share(root(), share).unwrap();
        }
        3 => drop(Computation::set_heartbeat_paused(
            root(),
            (number / 8).is_multiple_of(2),
        )),
        4 => drop(Computation::set_cool_down_expiration(
            root(),
            (number / 8 % 10_000).into(),
        )),
        5 => {
            let rules = SlashPolicy {
                enabled: !(number / 8).is_multiple_of(4),
                appeal_blocks: number / 32 % 100,
                reporter_part: Permill::from_parts(number % 1_000_001),
            };
            Computation::set_slash_rules(root(), rules).unwrap();
        }
        6 => drop(Computation::force_challenge(root(), session)),
        _ => drop(Computation::force_stop_computing(root(), session)),
    }
}

fn apply(step: Step, allowed: &mut Allowed) {
    let Step { kind, who, number } = step;
    let (id, machine) = (session(who), worker(who));
    match kind {
        0 => drop(say(machine, benchmark(40 + number % 400))),
        1 => drop(<Computation as Api<_>>::bind(
            &id,
            &worker(number % WORKERS),
        )),
        2 => drop(<Computation as Api<_>>::bind(&id, &machine)),
        3 | 4 => drop(start(&id, u128::from(number % 20_000) * PHA)),
        5 => drop(<Computation as Api<_>>::stop(&id)),
        6 => {
            let more = <Computation as Api<_>>::stake(&id) + u128::from(number % 3_000) * PHA;
            if <Computation as Api<_>>::restart(&id, more).is_ok() {
                let before = Staked::with(|staked| staked[&id]);
                frame_support::assert_ok!(<Balances as frame_support::traits::fungible::Mutate<
                    _,
                >>::mint_into(
                    &pool_of(&id), more - before
                ));
                Staked::with(|staked| staked.insert(id, more));
            }
        }
        7 => {
            if <Computation as Api<_>>::reclaim(&id).is_ok() {
                Staked::with(|staked| staked.remove(&id));
            }
        }
        8 => drop(<Computation as Api<_>>::unbind(&id)),
        9 => drop(Computation::unbind(RuntimeOrigin::signed(operator()), id)),
        10 => {
            let fault = [Fault::Slight, Fault::Grave, Fault::Malicious][number as usize % 3];
            let _ = Computation::report_fault(&machine, fault, Some(REPORTER));
        }
        11 => drop(Computation::cancel_slash(
            RuntimeOrigin::root(),
            number % 16,
        )),
        12 | 13 => vote(step, allowed),
        14 => skip(u64::from(1 + number % 3_000)),
        15..=17 => blocks(1 + number % 12),
        18 => {
            let level = 1 + (number % 6) as u8;
            Machines::with(|machines| machines.insert(machine, (operator(), level)));
        }
        19 => Closed::set(number % 4 == 0),
        _ => (0..WORKERS).for_each(|seed| {
            let _ = try_answer(seed, number);
        }),
    }
}

fn try_answer(seed: u32, number: u32) -> sp_runtime::DispatchResult {
    let bound = SessionBindings::<Test>::get(session(seed));
    let (Some(who), Some(payload)) = (bound, answer_of(seed, number.into())) else {
        return Ok(());
    };
    say(who, payload)
}

fn check(allowed: &mut Allowed) {
    Computation::do_try_state().unwrap();
    allowed.count();
    assert!(spent() <= allowed.budget, "more was paid than the budget");
    for seed in 0..WORKERS {
        let staked = Staked::with(|staked| staked.get(&session(seed)).copied().unwrap_or(0));
        let known = <Computation as Api<_>>::stake(&session(seed));
        assert_eq!(staked, known, "pool and session disagree on a stake");
    }
    let rewarded: u128 = Rewarded::with(|all| all.values().sum());
    assert!(rewarded <= spent());
    let earned: u128 = Sessions::<Test>::iter_values()
        .map(|info| info.earned)
        .sum();
    let owed: u128 = Owed::<Test>::iter_values().sum();
    assert!(earned <= rewarded + owed);
    assert!(Balances::balance(&Computation::account_id()) >= DEPOSIT);
}

proptest! {
    #[test]
    fn whatever_happens_all_invariants_hold(
        seed: u64, steps in proptest::collection::vec(step(), 1..120),
    ) {
        externalities(seed).execute_with(|| {
            for who in 0..WORKERS {
                register(worker(who), 100);
            }
            let quick = SlashPolicy { appeal_blocks: 20, ..SlashRules::<Test>::get() };
            Computation::set_slash_rules(RuntimeOrigin::root(), quick).unwrap();
            Computation::set_cool_down_expiration(RuntimeOrigin::root(), 3_000).unwrap();
            unpause();
            let mut allowed = Allowed::default();
            for step in steps {
                apply(step, &mut allowed);
                check(&mut allowed);
            }
        });
    }
}
