//! The same workers, paid by the lazy mathematics and by the published algorithm, which visits all in each block.

use crate::BLOCK_MILLIS;
use crate::chance::Chance;
use economics::reference::Network as Published;
use economics::{
    Confidence, Fixed, Heartbeat, Outcome, Parameters, RewardIndex, Session, Start,
    challenges_per_block, initial_value,
};
use primitives::units::PHA;

/// What is compared.
#[derive(clap::Args)]
pub struct Options {
    /// Workers.
    #[arg(long, default_value_t = 100_000)]
    workers: u32,
    /// Blocks; two times two intervals between challenges at least, or nobody was paid twice.
    #[arg(long, default_value_t = 15_000)]
    blocks: u32,
    /// Blocks that only warm up: until most have been paid once, both pay for different times.
    #[arg(long, default_value_t = 5_000)]
    warm_up: u32,
    /// What chance is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

struct Machine {
    session: Session,
    score: u32,
    iterations: u64,
    counted_until: u64,
    lazy: u128,
    published: f64,
    /// How much of it was paid in the warm-up.
    before: (u128, f64),
}

fn pha(number: Fixed) -> f64 {
    number.to_bits() as f64 / (1u128 << 64) as f64
}

/// Compares, and says by how much they differ.
///
/// # Errors
/// When the mathematics refuse an event.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let parameters = Parameters::MAIN;
    let budget = Fixed::from_int(100);
    let mut chance = Chance::of(options.seed);
    let mut index = RewardIndex::new(0);
    let mut published = Published::new(parameters, budget);
    published.begin_block(1);
    index.advance(1, budget)?;
    let mut machines = Vec::new();
    for _ in 0..options.workers {
        machines.push(join(&mut chance, &mut index, &mut published, &parameters)?);
    }
    published.end_block();
    let wanted = challenges_per_block(&parameters, options.workers).whole();
    let mut asked: Vec<usize> = Vec::new();
    for block in 2..=options.blocks {
        published.begin_block(block);
        index.advance(block, budget)?;
        let now = u64::from(block) * BLOCK_MILLIS;
        for number in std::mem::take(&mut asked) {
            let machine = &mut machines[number];
            machine.iterations +=
                u64::from(machine.score) * (now - machine.counted_until) / 6_000;
            machine.counted_until = now;
            let heartbeat = Heartbeat {
                now,
                challenged: now - BLOCK_MILLIS,
                iterations: machine.iterations,
                contract_running: false,
            };
            machine.published += pha(published.heartbeat(number, &heartbeat).payout);
            if let Outcome::Paid(payment) =
                machine.session.heartbeat(&mut index, &parameters, block, &heartbeat)?
            {
                machine.lazy += payment.worker;
            }
        }
        for _ in 0..wanted {
            let number = chance.below(machines.len() as u64) as usize;
            if !asked.contains(&number) {
                published.challenge(number);
                asked.push(number);
            }
        }
        published.end_block();
        if block == options.warm_up {
            for machine in &mut machines {
                machine.before = (machine.lazy, machine.published);
            }
        }
        if block % 1_000 == 0 {
            eprintln!("block {block}");
        }
    }
    say(&machines, options);
    Ok(())
}

fn join(
    chance: &mut Chance,
    index: &mut RewardIndex,
    published: &mut Published,
    parameters: &Parameters,
) -> anyhow::Result<Machine> {
    let score = chance.between(100, 2_000) as u32;
    let levels = [
        Confidence::One,
        Confidence::Two,
        Confidence::Four,
        Confidence::Five,
    ];
    let confidence = levels[chance.below(4) as usize];
    let least = parameters.stake_min(score).whole() + 1;
    let most = parameters.stake_max(score, confidence).whole();
    let stake = u128::from(chance.between(least, most)) * PHA;
    let start = Start {
        stake,
        score,
        confidence,
        now: BLOCK_MILLIS,
    };
    let session = Session::start(index, parameters, 1, start)?;
    let value = initial_value(parameters, Fixed::from_balance(stake)?, score, confidence)?;
    published.start(value, score, confidence, BLOCK_MILLIS);
    Ok(Machine {
        session,
        score,
        iterations: 0,
        counted_until: BLOCK_MILLIS,
        lazy: 0,
        published: 0.0,
        before: (0, 0.0),
    })
}

fn say(machines: &[Machine], options: &Options) {
    let paid = |machine: &Machine| {
        let lazy = (machine.lazy - machine.before.0) as f64 / PHA as f64;
        (lazy, machine.published - machine.before.1)
    };
    let all: Vec<(f64, f64)> = machines
        .iter()
        .map(paid)
        .filter(|(_, published)| *published > 0.0)
        .collect();
    let sums = all
        .iter()
        .fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let differences: Vec<f64> = all
        .iter()
        .map(|(lazy, published)| (lazy / published - 1.0).abs())
        .collect();
    let mean = differences.iter().sum::<f64>() / differences.len().max(1) as f64;
    let largest = differences.iter().copied().fold(0.0, f64::max);
    println!(
        "{} workers, blocks {} to {}, {} of them paid",
        options.workers,
        options.warm_up,
        options.blocks,
        all.len()
    );
    println!("all that is paid, lazy against published: {:+.2e}", sums.0 / sums.1 - 1.0);
    println!("a worker's pay: {mean:.2e} on average, {largest:.2e} at most");
}
