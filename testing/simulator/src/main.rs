//! Runs seeds, and says how many were run and what they found.

use clap::Parser;
use simulator::{LOG_LINES, Options, ROUNDS, run};
use std::{collections::BTreeMap, process::ExitCode, time::Instant};

/// Simulates networks, one for each seed.
#[derive(Parser)]
#[command(name = "phat-simulate")]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Rounds with faults in each; in most of them there is a block.
    #[arg(long, default_value_t = ROUNDS)]
    steps: u64,
    /// How many lines of what happened to print of a seed that failed.
    #[arg(long, default_value_t = LOG_LINES)]
    log_lines: usize,
    /// Go on after a seed that failed.
    #[arg(long)]
    keep_going: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let mut totals: BTreeMap<&'static str, u64> = BTreeMap::new();
    let (mut blocks, mut steps, mut ran) = (0_u64, 0_u64, 0_u64);
    let mut failed = Vec::new();
    for seed in arguments.from..arguments.from.saturating_add(arguments.seeds) {
        ran += 1;
        let options = Options {
            rounds: arguments.steps,
            log_lines: arguments.log_lines,
            ..Options::of(seed)
        };
        match run(&options) {
            Ok(report) => {
                blocks += report.counts.get("block").copied().unwrap_or_default();
                steps += report.steps;
                for (kind, count) in report.counts {
                    *totals.entry(kind).or_default() += count;
                }
            }
            Err(failure) => {
                for line in &failure.log {
                    println!("{line}");
                }
                println!("FAILED: {failure}");
                println!(
                    "replay: cargo xtask simulate --seeds 1 --from {seed} --steps {}",
                    arguments.steps
                );
                failed.push(seed);
                if !arguments.keep_going {
                    break;
                }
            }
        }
    }
    println!("what happened, over all seeds that held:");
    for (kind, count) in &totals {
        println!("  {count:>9} {kind}");
    }
    println!(
        "{ran} seeds run in {:.1} s: {blocks} blocks, {steps} looks of the checkers; failed: {failed:?}",
        started.elapsed().as_secs_f32()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
