//! A network of workers that join, leave, fall silent and come back, paid by the per-block
//! algorithm, by the lazy one, and by an ideal that divides every block's budget exactly.
//!
//! `ECONOMICS_SIMULATION_DAYS=30 cargo test --release -p economics simulation -- --nocapture`
//! prints what `docs/economy/mathematics.md` states.

use economics::reference::{self, Network};
use economics::{
    Confidence, Fixed, Heartbeat, Outcome, Parameters, RewardIndex, Session, Start, initial_value,
    share,
};
use primitives::units::PHA;

const BLOCK_MILLIS: u64 = 12_000;
const BLOCKS_PER_DAY: u32 = 7_200;
const PARAMETERS: Parameters = Parameters::GENESIS;

/// A world to simulate.
#[derive(Clone, Copy)]
struct World {
    name: &'static str,
    workers: usize,
    /// Blocks between two challenges of a worker, on average.
    interval: u32,
    /// Budget of a block for each worker, in millionths of a PHA.
    budget_micro: u64,
    /// How far a measured performance is off, parts per thousand either way.
    noise: u64,
    /// Whether workers leave, and fall silent.
    churn: bool,
}

/// What came out: parts by which payments differ.
#[derive(Debug)]
struct Differences {
    /// All that the lazy algorithm pays, against the per-block one.
    total: f64,
    /// The same for the worker that differs most, of those that served for a third of the time or
    /// longer.
    worker: f64,
    /// The same for such a worker on average.
    mean: f64,
    /// The worker that differs most in its part of all that is paid.
    part: f64,
    /// The lazy algorithm against the ideal, for the worker that differs most.
    ideal: f64,
    /// The values of workers, the lazy algorithm against the ideal.
    value: f64,
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn once_in(&mut self, blocks: u32) -> bool {
        self.below(u64::from(blocks)) == 0
    }
}

fn float(number: Fixed) -> f64 {
    number.to_bits() as f64 / (1u128 << 64) as f64
}

/// One worker in all three worlds, and what it was paid in each.
struct Machine {
    number: usize,
    session: Option<Session>,
    ideal: Ideal,
    score: u32,
    iterations: u64,
    challenged: Option<u32>,
    silent_until: u32,
    paid_blocks: u32,
    by_reference: f64,
    by_lazy: f64,
    by_ideal: f64,
}

/// A worker whose share of every block is exact.
struct Ideal {
    v: f64,
    deductible: f64,
    earned: f64,
}

struct Simulation {
    world: World,
    budget: Fixed,
    random: Random,
    parameters: Parameters,
    network: Network,
    index: RewardIndex,
    machines: Vec<Machine>,
}

impl Simulation {
    fn new(world: World) -> Self {
        let micro = world.budget_micro * world.workers as u64;
        let budget = Fixed::from_balance(u128::from(micro) * PHA / 1_000_000).unwrap();
        let parameters = Parameters {
            blocks_per_hour: 2 * world.interval,
            ..PARAMETERS
        };
        Self {
            world,
            budget,
            random: Random(7),
            parameters,
            network: Network::new(parameters, budget),
            index: RewardIndex::new(0),
            machines: Vec::new(),
        }
    }

    fn run(mut self, blocks: u32) -> Differences {
        for block in 1..=blocks {
            self.network.begin_block(block);
            self.index.advance(block, self.budget).unwrap();
            self.divide_exactly();
            let online = self
                .machines
                .iter()
                .filter(|machine| machine.session.is_some())
                .count();
            if online < self.world.workers {
                self.join(block);
            }
            for at in 0..self.machines.len() {
                self.act(at, block);
            }
            self.end(block);
            if block == self.warm_up() {
                self.forget_payments();
            }
        }
        self.differences()
    }

    /// Until all have joined and nearly all have been paid once. Meanwhile the per-block algorithm
    /// pays for blocks with few workers as if all had been there.
    const fn warm_up(&self) -> u32 {
        BLOCKS_PER_DAY + 5 * self.world.interval
    }

    fn forget_payments(&mut self) {
        for machine in &mut self.machines {
            (machine.by_reference, machine.by_lazy, machine.by_ideal) = (0.0, 0.0, 0.0);
            machine.paid_blocks = self.index.block();
        }
    }

    fn join(&mut self, block: u32) {
        let score = 100 + self.random.below(1_900) as u32;
        let confidence = [
            Confidence::One,
            Confidence::Two,
            Confidence::Four,
            Confidence::Five,
        ][self.random.below(4) as usize];
        let least = PARAMETERS.stake_min(score).whole() + 1;
        let most = PARAMETERS.stake_max(score, confidence).whole();
        let stake = u128::from(least + self.random.below(most - least)) * PHA;
        let now = u64::from(block) * BLOCK_MILLIS;
        let start = Start {
            stake,
            score,
            confidence,
            now,
        };
        let session = Session::start(&mut self.index, &self.parameters, block, start).unwrap();
        let stake = Fixed::from_balance(stake).unwrap();
        let ve = initial_value(&PARAMETERS, stake, score, confidence).unwrap();
        let number = self.network.start(ve, score, confidence, now);
        self.machines.push(Machine {
            number,
            session: Some(session),
            ideal: Ideal {
                v: float(ve),
                deductible: 0.0,
                earned: 0.0,
            },
            score,
            iterations: 0,
            challenged: None,
            silent_until: 0,
            paid_blocks: block,
            by_reference: 0.0,
            by_lazy: 0.0,
            by_ideal: 0.0,
        });
    }

    /// What a worker does in a block: leave, fall silent, be challenged, answer.
    fn act(&mut self, at: usize, block: u32) {
        let machine = &mut self.machines[at];
        let Some(session) = &mut machine.session else {
            return;
        };
        if self.world.churn && self.random.once_in(20 * BLOCKS_PER_DAY) {
            self.network.stop(machine.number);
            session
                .stop(&mut self.index, &self.parameters, block)
                .unwrap();
            machine.session = None;
            machine.paid_blocks = block - machine.paid_blocks;
            return;
        }
        if self.world.churn && self.random.once_in(10 * BLOCKS_PER_DAY) {
            machine.silent_until = block + self.random.below(u64::from(BLOCKS_PER_DAY) / 2) as u32;
        }
        match machine.challenged {
            None if self.random.once_in(self.world.interval) => {
                self.network.challenge(machine.number);
                machine.challenged = Some(block);
            }
            Some(challenged) if block > machine.silent_until && self.random.once_in(2) => {
                machine.challenged = None;
                let now = u64::from(block) * BLOCK_MILLIS;
                let elapsed = now - session.performance().challenged_last;
                let noise = 1_000 - self.world.noise + self.random.below(2 * self.world.noise + 1);
                machine.iterations += u64::from(machine.score) * elapsed * noise / 6_000_000;
                let heartbeat = Heartbeat {
                    now,
                    challenged: u64::from(challenged) * BLOCK_MILLIS,
                    iterations: machine.iterations,
                    contract_running: false,
                };
                self.answer(at, block, &heartbeat);
            }
            _ => {}
        }
    }

    fn answer(&mut self, at: usize, block: u32, heartbeat: &Heartbeat) {
        let machine = &mut self.machines[at];
        let reference::Payment { payout, .. } = self.network.heartbeat(machine.number, heartbeat);
        machine.by_reference += float(payout);
        let Some(session) = &mut machine.session else {
            return;
        };
        let outcome = session
            .heartbeat(&mut self.index, &self.parameters, block, heartbeat)
            .unwrap();
        let Outcome::Paid(payment) = outcome else {
            return;
        };
        machine.by_lazy += payment.worker as f64 / PHA as f64;
        let ideal = &mut machine.ideal;
        let payout = ideal.earned * (1.0 - float(PARAMETERS.treasury_ratio));
        machine.by_ideal += payout;
        ideal.v -= ideal.deductible.min(payout);
        (ideal.deductible, ideal.earned) = (0.0, 0.0);
    }

    /// The ideal's budget of this block, by the shares at its start.
    fn divide_exactly(&mut self) {
        let share_of = |machine: &Machine| match &machine.session {
            Some(session) if session.is_online() => {
                let confidence = self.network.workers[machine.number]
                    .as_ref()
                    .unwrap()
                    .confidence;
                let p = float(share(Fixed::ZERO, session.performance(), confidence));
                machine.ideal.v.hypot(p)
            }
            _ => 0.0,
        };
        let shares: Vec<f64> = self.machines.iter().map(share_of).collect();
        let sum: f64 = shares.iter().sum();
        for (machine, share) in self.machines.iter_mut().zip(shares) {
            if share > 0.0 {
                machine.ideal.earned += float(self.budget) * share / sum;
            }
        }
    }

    /// The steps at the end of a block, and who is found off line in it.
    fn end(&mut self, block: u32) {
        let offline = self.network.end_block();
        for machine in &mut self.machines {
            let Some(session) = &mut machine.session else {
                continue;
            };
            if offline.contains(&machine.number) {
                session
                    .go_offline(&mut self.index, &self.parameters, block)
                    .unwrap();
                (machine.ideal.deductible, machine.ideal.earned) = (0.0, 0.0);
            }
            let answered = session.value_after(&PARAMETERS, block - 1)
                == session.value_after(&PARAMETERS, block);
            if !session.is_online() {
                machine.ideal.v *= 1.0 - float(PARAMETERS.slash_rate);
            } else if !answered || machine.ideal.v >= 30_000.0 {
                let performance = session.performance();
                let bench = f64::from(performance.bench);
                let cost = float(PARAMETERS.cost_k) * bench + float(PARAMETERS.cost_b);
                let growth = float(performance.counted()) / bench
                    * (float(PARAMETERS.growth()) * machine.ideal.v + cost);
                machine.ideal.v = (machine.ideal.v + growth).min(30_000.0);
                machine.ideal.deductible += growth;
            }
        }
    }

    fn differences(mut self) -> Differences {
        let (last, warm_up) = (self.index.block(), self.warm_up());
        for machine in &mut self.machines {
            if machine.session.is_some() {
                machine.paid_blocks = last - machine.paid_blocks;
            }
        }
        let sum = |paid: fn(&Machine) -> f64| self.machines.iter().map(paid).sum::<f64>();
        let all_lazy = sum(|machine| machine.by_lazy);
        let all_reference = sum(|machine| machine.by_reference);
        let total = all_lazy / all_reference - 1.0;
        let served = |machine: &&Machine| {
            machine.paid_blocks >= (last - warm_up) / 3 && machine.by_reference > 0.0
        };
        let of_workers = |difference: &dyn Fn(&Machine) -> f64| {
            let machines = self.machines.iter().filter(served);
            machines
                .map(|machine| difference(machine).abs())
                .fold(0.0, f64::max)
        };
        let mean = {
            let machines: Vec<_> = self.machines.iter().filter(served).collect();
            let of = |machine: &&Machine| (machine.by_lazy / machine.by_reference - 1.0).abs();
            machines.iter().map(of).sum::<f64>() / machines.len() as f64
        };
        let worker = of_workers(&|machine| machine.by_lazy / machine.by_reference - 1.0);
        let part = of_workers(&|machine| {
            machine.by_lazy / all_lazy / (machine.by_reference / all_reference) - 1.0
        });
        let ideal = of_workers(&|machine| machine.by_lazy / machine.by_ideal - 1.0);
        let value = of_workers(&|machine| match &machine.session {
            Some(session) => float(session.value_after(&PARAMETERS, last)) / machine.ideal.v - 1.0,
            None => 0.0,
        });
        Differences {
            total,
            worker,
            mean,
            part,
            ideal,
            value,
        }
    }
}

#[test]
fn lazy_payments_differ_little_from_block_by_block() {
    let days = std::env::var("ECONOMICS_SIMULATION_DAYS");
    // Without being asked, a small one that is over in seconds.
    let (days, workers): (u32, usize) = days.map_or((1, 60), |days| (days.parse().unwrap(), 300));
    let workers = std::env::var("ECONOMICS_SIMULATION_WORKERS")
        .map_or(workers, |workers| workers.parse().unwrap());
    let only = std::env::var("ECONOMICS_SIMULATION_WORLD");
    let lean = World {
        name: "lean",
        workers,
        interval: 150,
        budget_micro: 5_000,
        noise: 0,
        churn: true,
    };
    let steady = World {
        name: "steady",
        churn: false,
        ..lean
    };
    let worlds = [
        lean,
        World {
            name: "lean, noisy",
            noise: 20,
            ..lean
        },
        World {
            name: "rich",
            budget_micro: 300_000,
            ..lean
        },
        World {
            name: "lean, challenged as 20 000",
            interval: 1_000,
            ..lean
        },
        World {
            name: "rich, challenged as 20 000",
            interval: 1_000,
            budget_micro: 300_000,
            ..lean
        },
        World {
            name: "poor, challenged as 100 000",
            interval: 5_000,
            budget_micro: 1_000,
            ..lean
        },
        steady,
        World {
            name: "steady, noisy",
            noise: 20,
            ..steady
        },
        World {
            name: "steady, challenged as 20 000",
            interval: 1_000,
            ..steady
        },
        World {
            name: "steady, as 100 000",
            interval: 5_000,
            budget_micro: 1_000,
            ..steady
        },
    ];
    let left_out = |world: &World| only.as_ref().is_ok_and(|only| only != world.name);
    for world in worlds.into_iter().filter(|world| !left_out(world)) {
        let Differences {
            total,
            worker,
            mean,
            part,
            ideal,
            value,
        } = {
            let simulation = Simulation::new(world);
            let blocks = simulation.warm_up() + days * BLOCKS_PER_DAY;
            simulation.run(blocks)
        };
        println!(
            "{:<28} {days} days: all {total:+.1e}, worker {worker:.1e}, mean {mean:.1e}, part {part:.1e}, \
             ideal {ideal:.1e}, value {value:.1e}",
            world.name,
        );
        // A worker that meets the largest value between two heartbeats is what differs from the
        // ideal.
        assert!(ideal < 1e-3 && value < 1e-5, "{}", world.name);
        // Against the per-block algorithm a short run is dominated by who was there at a payment.
        let most = if days >= 30 { 1e-3 } else { 1e-2 };
        if !world.churn {
            assert!(total.abs() < most && part < 5.0 * most, "{}", world.name);
        }
    }
}
