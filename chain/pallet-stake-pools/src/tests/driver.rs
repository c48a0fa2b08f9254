//! All calls in random order, with rewards and losses at any time. After every step the state is checked, no
//! money was made, and nobody's step lowered a price for others. At the end everybody leaves in time.

use super::*;
use economics::{Rounding, mul_div, pool::Shares};
use std::collections::BTreeSet;

/// Runs, each with its own seed, and steps in each. `POOLS_DRIVER_RUNS` sets more of them.
const RUNS: u64 = 24;
const STEPS: u32 = 500;
/// Accounts that take part; 1 runs stake pools, 2 runs vaults.
const PEOPLE: u64 = 6;

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn person(&mut self) -> u8 {
        (self.below(PEOPLE) + 1) as u8
    }

    /// A pool, sometimes one that does not exist.
    fn pool(&mut self) -> PoolId {
        let pools = PoolCount::<Test>::get();
        if self.one_in(50) {
            pools
        } else {
            self.below(pools)
        }
    }

    fn vault(&mut self) -> Option<PoolId> {
        let vaults = Pools::<Test>::iter().filter(|(_, pool)| pool.as_vault().is_some());
        let vaults: Vec<_> = vaults.map(|(pid, _)| pid).collect();
        let number = self.below(vaults.len() as u64) as usize;
        vaults.get(number).copied()
    }

    /// A worker of account 1.
    fn worker(&mut self) -> u8 {
        (self.below(9) + 1) as u8
    }

    /// A part of an amount: nothing, dust, all, all but dust, or anything between.
    fn part(&mut self, whole: u128) -> u128 {
        match self.below(10) {
            0 => self.below(2_000).into(),
            1 => whole,
            2 => whole.saturating_sub(self.below(2_000).into()),
            3 => whole.saturating_add(1),
            _ => mul_div(whole, self.below(1_000).into(), 1_000, Rounding::Down).unwrap(),
        }
    }

    fn amount(&mut self) -> Balance {
        let most = [PHA / 50, 10 * PHA, 1_000 * PHA, 100_000 * PHA][self.below(4) as usize];
        self.part(most)
    }

    fn session(&mut self) -> Option<(sp_runtime::AccountId32, Session)> {
        let sessions: Vec<_> = Sessions::<Test>::iter().collect();
        let number = self.below(sessions.len() as u64) as usize;
        sessions.get(number).cloned()
    }
}

/// Whether a step may move prices.
#[derive(PartialEq, Eq)]
enum Moves {
    Prices,
    Nothing,
}

fn step(random: &mut Random) -> (Moves, String) {
    match random.below(40) {
        0..=19 => {
            let (who, step) = of_person(random);
            let result = call(who, step.clone());
            (Moves::Nothing, format!("{who}: {step:?}: {result:?}"))
        }
        20..=31 => {
            let step = of_owner(random);
            let result = call(1, step.clone());
            // What was lost off line goes with the reclaimed stake.
            let moves = match step {
                Call::reclaim_pool_worker { .. } => Moves::Prices,
                _ => Moves::Nothing,
            };
            (moves, format!("{step:?}: {result:?}"))
        }
        _ => (Moves::Prices, of_world(random)),
    }
}

fn of_person(random: &mut Random) -> (u8, Call<Test>) {
    let (who, pid) = (random.person(), random.pool());
    let vault = random.vault();
    let as_vault = if random.one_in(3) { vault } else { None };
    let (who, staker) = match as_vault {
        Some(vault) => (2, StakePools::pool_account(vault)),
        None => (who, account(who)),
    };
    let held = Delegations::<Test>::get(pid, &staker).unwrap_or_default();
    let step = match random.below(12) {
        0..=3 => {
            let amount = match as_vault.and_then(Pools::<Test>::get) {
                Some(vault) => random.part(vault.free),
                None => random.amount(),
            };
            Call::contribute {
                pid,
                amount,
                as_vault,
            }
        }
        4..=6 => Call::withdraw {
            pid,
            shares: random.part(held.shares),
            as_vault,
        },
        7 => Call::cancel_withdraw { pid, as_vault },
        8 => Call::transfer_shares {
            pid,
            to: account(random.person()),
            shares: random.part(held.movable()),
        },
        9 | 10 => Call::check_and_maybe_force_withdraw { pid },
        _ => Call::maybe_gain_owner_shares {
            pid: vault.unwrap_or(pid),
        },
    };
    (who, step)
}

fn of_owner(random: &mut Random) -> Call<Test> {
    let (pid, number) = (random.pool(), random.worker());
    let worker = worker(number);
    let pid = WorkerAssignments::<Test>::get(worker).unwrap_or(pid);
    let free = Pools::<Test>::get(pid).map_or(0, |pool| pool.free);
    match random.below(18) {
        0 if PoolCount::<Test>::get() < 6 => Call::create {},
        0..=2 => Call::add_worker {
            pid,
            pubkey: worker,
        },
        3 => Call::remove_worker { pid, worker },
        4 => Call::set_payout_pref {
            pid,
            payout_commission: Some(Permill::from_parts(random.below(1_000_001) as u32)),
        },
        5 => Call::claim_owner_rewards {
            pid,
            target: account(random.person()),
        },
        6..=8 => Call::start_computing {
            pid,
            worker,
            stake: random.part(free),
        },
        9 => Call::stop_computing { pid, worker },
        12 => Call::set_cap {
            pid,
            cap: Pools::<Test>::get(pid).map_or(0, |pool| pool.base.value())
                + 1_000 * random.amount(),
        },
        13 => Call::add_staker_to_whitelist {
            pid,
            staker: account(random.person()),
        },
        14 | 15 => {
            let list = PoolContributionWhitelists::<Test>::get(pid).unwrap_or_default();
            let staker = list.first().cloned().unwrap_or(account(1));
            Call::remove_staker_from_whitelist { pid, staker }
        }
        16 => Call::set_pool_description {
            pid,
            description: vec![b'a'; random.below(5_000) as usize],
        },
        10 => Call::restart_computing {
            pid,
            worker,
            stake: random.amount(),
        },
        _ => Call::reclaim_pool_worker { pid, worker },
    }
}

/// What happens to pools.
fn of_world(random: &mut Random) -> String {
    let Some((session, record)) = random.session() else {
        pass(random.below(DAY));
        return "time".into();
    };
    let stake = record.stake;
    match random.below(13) {
        0..=2 => {
            let amount = random.amount().clamp(1, 5_000 * PHA);
            TestSessions::reward(&session, amount);
            format!("reward {amount} of {record:?}")
        }
        3 if stake > 0 => {
            let lost = random.part(stake).min(stake);
            let reporter = lost / 10;
            let to = random.one_in(2).then(|| (random.person() + 20, reporter));
            let to_treasury = if to.is_some() { lost - reporter } else { lost };
            TestSessions::fault(&session, to_treasury, to);
            format!("fault {lost} of {record:?}")
        }
        4 if stake > 0 => {
            TestSessions::off_line(&session, random.part(stake / 10));
            "off line".into()
        }
        5 if record.bound && random.one_in(3) => {
            TestSessions::take_away(&record.worker);
            "taken away".into()
        }
        6 if record.phase == Phase::Computing && random.one_in(3) => {
            if <TestSessions as mining_api::Sessions<_>>::is_computing(&session) {
                TestSessions::stop_alone(&session);
            }
            "stopped alone".into()
        }
        7 => {
            let (who, id) = (random.person(), [random.below(9) as u8; 8]);
            let value = StakePools::shares_value(&account(who));
            let amount = random.part(value);
            let result = StakePools::lock_shares(id, &account(who), amount);
            assert_eq!(
                result.is_ok(),
                amount <= value && Locks::<Test>::get(account(who)).iter().any(|l| l.id == id),
                "{result:?}"
            );
            format!("lock {amount} of {who}")
        }
        8 => {
            let who = random.person();
            StakePools::unlock_shares([random.below(9) as u8; 8], &account(who));
            format!("unlock of {who}")
        }
        9 => {
            let Some(pid) = random.vault() else {
                let _ = call(2, Call::create_vault {});
                return "a vault".into();
            };
            if pool(pid).queue.len == 0 && Pools::<Test>::iter().count() < 8 {
                let _ = call(2, Call::create_vault {});
            }
            let gained = pool(pid).as_vault().unwrap().owner_shares;
            let claim = Call::claim_owner_shares {
                pid,
                target: account(random.person()),
                shares: random.part(gained),
            };
            format!("{:?}", call(2, claim))
        }
        10 => {
            let Some(pid) = random.vault() else {
                return "no vault".into();
            };
            let payout_commission = Some(Permill::from_parts(random.below(500_001) as u32));
            let set = Call::set_payout_pref {
                pid,
                payout_commission,
            };
            format!("{:?}", call(2, set))
        }
        _ => {
            let seconds = if random.one_in(3) {
                random.below(6 * DAY)
            } else {
                random.below(DAY)
            };
            pass(seconds);
            format!("{seconds} seconds")
        }
    }
}

/// What a billion billion shares are worth in each stake pool, and how coarse that number is.
fn prices() -> Vec<Option<(u128, u128)>> {
    let price = |pid| {
        let pool = Pools::<Test>::get(pid)?;
        pool.stake_pool()?;
        let Shares(shares) = pool.base.shares();
        (shares > 0).then_some((pool.base.value(), shares))
    };
    (0..PoolCount::<Test>::get()).map(price).collect()
}

/// Prices of pools that had shares before and have them now have not fallen.
fn assert_prices_kept(before: &[Option<(u128, u128)>], what: &str) {
    for (old, new) in before.iter().zip(prices()) {
        if let (Some((value, shares)), Some((new_value, new_shares))) = (old, new) {
            let least = mul_div(*value, new_shares, *shares, Rounding::Up).unwrap();
            assert!(new_value >= least, "a price fell by {what}");
        }
    }
}

/// Everybody asks for everything. Somebody looks after the pools once a day.
fn everybody_leaves(seed: u64) {
    for who in 0..=PEOPLE as u8 + 1 {
        for lock in Locks::<Test>::get(account(who)) {
            StakePools::unlock_shares(lock.id, &account(who));
        }
        for pid in StakerPools::<Test>::get(account(who)) {
            let solvent = StakePools::current(pid).unwrap().value() > 0;
            let all = shares(pid, who);
            let as_vault = None;
            if solvent && queued(pid, who) < all {
                // Who has asked too often already takes the requests back.
                let _ = call(who, Call::cancel_withdraw { pid, as_vault });
                assert_ok!(withdraw(who, pid, all));
            }
        }
    }
    for day in 1..=24 {
        pass(DAY);
        for session in Sessions::<Test>::iter_values() {
            let (pid, worker) = (session.pid, session.worker);
            let _ = call(8, Call::reclaim_pool_worker { pid, worker });
        }
        for _ in 0..2 {
            for pid in 0..PoolCount::<Test>::get() {
                check(pid).unwrap_or_else(|error| panic!("day {day}: {error:?}"));
            }
        }
        check_state();
    }
    for (pid, who, left) in Delegations::<Test>::iter() {
        let pool = pool(pid);
        let by_vault = PoolAccounts::<Test>::contains_key(&who);
        assert!(
            by_vault || pool.base.value() == 0,
            "seed {seed}: {left:?} of {who:?} is left in {pid}, {pool:?}"
        );
    }
}

#[test]
fn random_steps() {
    let runs = std::env::var("POOLS_DRIVER_RUNS");
    let runs = runs.map_or(RUNS, |runs| runs.parse().expect("a number of runs"));
    let mut happened = BTreeSet::new();
    for seed in 1..=runs {
        run(|| {
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let issuance = Balances::total_issuance();
            // In every other run sessions are paid in the middle of what their pools do.
            PaidAtOnce::set(milli((seed % 2).into()));
            stake_pool(&[1, 2, 3]);
            stake_pool(&[4, 5, 6]);
            vault();
            let mut done = 0;
            for number in 0..STEPS {
                let before = prices();
                let (moves, what) = step(&mut random);
                let at = format!("seed {seed}, step {number}: {what}");
                if let Err(error) = StakePools::do_try_state() {
                    panic!("{error:?} at {at}");
                }
                assert_eq!(Balances::total_issuance(), issuance, "{at}");
                assert_eq!(StakePools::totals().unwrap().surplus, 0, "{at}");
                if moves == Moves::Nothing {
                    assert_prices_kept(&before, &at);
                }
                done += u32::from(what.contains("Ok"));
            }
            assert!(done > STEPS / 6, "only {done} steps did anything");
            everybody_leaves(seed);
            assert_eq!(StakePools::totals().unwrap().surplus, 0, "seed {seed}");
            happened.extend(events());
        });
    }
    for event in [
        "ForceShutdown",
        "VaultUnlocked",
        "OwnerSharesGained",
        "OwnerSharesClaimed",
        "OwnerRewardsWithdrawn",
        "PoolSlashed",
        "RewardReceived",
        "RewardDismissedDust",
        "RewardDismissedNoShare",
        "SharesLocked",
        "SharesTransferred",
        "WithdrawalCancelled",
        "WorkerReclaimed",
        "PoolCommissionAnnounced",
        "DustRemoved",
        "forced",
    ] {
        assert!(
            happened.contains(event),
            "{event} is not among {happened:?}"
        );
    }
}

/// Names of what has happened.
fn events() -> BTreeSet<String> {
    let ours = System::events()
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::StakePools(Event::WorkingStopped { forced: true, .. }) => {
                Some("forced".into())
            }
            RuntimeEvent::StakePools(event) => Some(format!("{event:?}")),
            _ => None,
        });
    let names = ours.map(|event| {
        event
            .split(' ')
            .next()
            .unwrap_or_default()
            .replace("Event::", "")
    });
    names.collect()
}
