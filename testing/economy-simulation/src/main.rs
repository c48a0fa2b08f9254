//! `phat-economy`: what the economy does over months, with tens of thousands of workers.
//!
//! `run` lets workers join, answer challenges, fall silent, come back and leave; they are paid by
//! `economics`, as the chain pays them, into pools with owners and stakers. No money is made: whatever moves, moves between
//! accounts, and the sum of all is compared with what there was, to the last unit. It writes CSV files and plots.
//!
//! `compare` pays the same workers by the published algorithm as well, which visits each of them in each block.

mod chance;
mod compare;
mod ledger;
mod network;
mod plot;
mod report;

use clap::{Parser, Subcommand, ValueEnum};
use economics::Parameters;
use std::path::PathBuf;

/// Blocks of a day, at 12 s.
pub const BLOCKS_PER_DAY: u32 = 7_200;
/// Length of a block, milliseconds: that for which the published parameters are.
pub const BLOCK_MILLIS: u64 = 12_000;

#[derive(Parser)]
#[command(about = "Simulates the economy of mining")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Months of a network, with CSV files and plots.
    Run(Run),
    /// Payments beside those of the published algorithm.
    Compare(compare::Options),
}

/// What is to be run.
#[derive(clap::Args)]
pub struct Run {
    /// Workers, when all have joined.
    #[arg(long, default_value_t = 30_000)]
    workers: u32,
    /// Days.
    #[arg(long, default_value_t = 180)]
    days: u32,
    /// Days in which they join.
    #[arg(long, default_value_t = 10)]
    joining_days: u32,
    /// Which of the published sets of parameters.
    #[arg(long, value_enum, default_value_t = Set::Main)]
    parameters: Set,
    /// What chance is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the files.
    #[arg(long, default_value = "economy")]
    out: PathBuf,
}

/// Published sets of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Set {
    /// The main network in April 2022; being off line costs no stake.
    Main,
    /// The canary network at its launch.
    Canary,
    /// What the original's chain was generated with; being off line costs 0.1 % of V an hour.
    Genesis,
}

impl Set {
    const fn parameters(self) -> Parameters {
        match self {
            Self::Main => Parameters::MAIN,
            Self::Canary => Parameters::CANARY,
            Self::Genesis => Parameters::GENESIS,
        }
    }
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Run(options) => {
            let began = std::time::Instant::now();
            let parameters = options.parameters.parameters();
            let network = network::Network::run(&options, parameters)?;
            let summary = report::write(&network, &options.out)?;
            println!("{summary}");
            println!("{:.0} s of computing", began.elapsed().as_secs_f64());
            Ok(())
        }
        Command::Compare(options) => compare::run(&options),
    }
}
