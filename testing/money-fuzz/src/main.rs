//! `phat-money-fuzz`: seeds, one after the other.

use clap::Parser;

#[derive(Parser)]
#[command(about = "Drives every call that moves money in random order and checks the state after each")]
struct Arguments {
    /// Steps of each seed.
    #[arg(long, default_value_t = 20_000)]
    steps: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut all = 0;
    for seed in arguments.from..arguments.from.saturating_add(arguments.seeds) {
        let report = money_fuzz::run(seed, arguments.steps)?;
        all += report.steps();
        println!("seed {seed}: {report}");
    }
    println!("{all} steps, and everything held after each");
    Ok(())
}
