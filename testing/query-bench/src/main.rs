//! `phat-query-bench`: encrypted queries that run a contract, over HTTP, beside hello worlds.
//!
//! Three programs, each held to one processor by `taskset`: this worker's query path (real engine, state,
//! sessions, receipts and HTTP, no chain), `workerd` with a plain hello world, and the client that
//! asks both over the same number of kept connections. Queries are sealed before the clock starts, and
//! answers opened after it stops. Rounds take turns; ratios of their medians are what counts.

mod load;
mod peer;
mod scale;
mod server;
mod sharing;
mod snapshot;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use load::{Asked, Load};
use std::{path::PathBuf, process::ExitCode};

/// The processor that serves, and the one that asks.
const SERVER_PROCESSOR: &str = "0";
const CLIENT_PROCESSOR: &str = "1";

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures and prints.
    Run(RunArguments),
    /// Serves; started by `run`.
    Serve,
    /// Measures handing a state over to another worker, beside running a mailbox.
    Snapshot {
        /// Size of the state, MiB.
        #[arg(long, default_value_t = 1024)]
        mebibytes: u64,
        /// Commands in the mailbox.
        #[arg(long, default_value_t = 100_000)]
        commands: u64,
    },
    /// Asks; started by `run` on a processor of its own.
    Ask(RunArguments),
    /// Measures what a query costs on several workers.
    Scale(scale::ScaleArguments),
    /// The same; started by `scale` on a processor of its own.
    #[command(hide = true)]
    ScaleHere(scale::ScaleArguments),
}

#[derive(Clone, Debug, clap::Args)]
struct RunArguments {
    /// workerd's program; without it only this worker is measured.
    #[arg(long, value_name = "FILE")]
    workerd: Option<PathBuf>,
    /// Rounds.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Requests of each kind in a round.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// Connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => peer::ask_on(CLIENT_PROCESSOR, &arguments),
        Command::Serve => server::serve(),
        Command::Snapshot { mebibytes, commands } => snapshot::measure(mebibytes, commands),
        Command::Ask(arguments) => ask(&arguments),
        Command::Scale(arguments) => scale::measure_apart(&arguments),
        Command::ScaleHere(arguments) => scale::measure(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("phat-query-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One thing that is measured.
struct Kind {
    name: &'static str,
    target: usize,
    asked: Asked,
    /// Of each round: requests a second, and processor microseconds of the server for each.
    rates: Vec<f64>,
    costs_us: Vec<f64>,
}

fn ask(arguments: &RunArguments) -> Result<()> {
    ensure!(arguments.rounds > 0 && arguments.requests >= arguments.connections);
    let mut targets = vec![peer::start_ours(SERVER_PROCESSOR)?];
    if let Some(workerd) = &arguments.workerd {
        targets.push(peer::start_workerd(workerd, SERVER_PROCESSOR)?);
    }
    let kind = |name, target, asked| {
        Kind { name, target, asked, rates: Vec::new(), costs_us: Vec::new() }
    };
    let mut kinds = vec![
        kind("query", 0, Asked::Query { receipt: false }),
        kind("query with receipt", 0, Asked::Query { receipt: true }),
        kind("our plain answer (GET /v1/info)", 0, Asked::Plain("/v1/info")),
    ];
    if targets.len() > 1 {
        kinds.push(kind("workerd, hello world", 1, Asked::Plain("/")));
    }
    let load = Load::new(arguments.connections)?;
    // One round to warm up, which is not counted.
    for round in 0..=arguments.rounds {
        for kind in &mut kinds {
            let target = targets.get(kind.target).context("no such target")?;
            let before_us = target.processor_us()?;
            let seconds = load.run(target.address, kind.asked, arguments.requests)?;
            let used_us = target.processor_us()? - before_us;
            if round > 0 {
                kind.rates.push(arguments.requests as f64 / seconds);
                kind.costs_us.push(used_us / arguments.requests as f64);
            }
        }
    }
    print(&kinds, arguments);
    sharing::measure(targets.first().context("no server")?.address)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn print(kinds: &[Kind], arguments: &RunArguments) {
    println!(
        "queries: {} connections, {} rounds of {} each; server and client on a processor each",
        arguments.connections, arguments.rounds, arguments.requests
    );
    println!("{:<34} {:>10} {:>22} {:>10}", "", "per second", "server us per request", "");
    let anchor = kinds.iter().find(|kind| kind.target == 1);
    for kind in kinds {
        let (rate, cost_us) = (median(&kind.rates), median(&kind.costs_us));
        let ratio = anchor.map_or(String::new(), |anchor| {
            // Rounds are compared with the round beside them: other work on the machine hits both.
            let ratios: Vec<f64> =
                kind.rates.iter().zip(&anchor.rates).map(|(ours, theirs)| ours / theirs).collect();
            let costs: Vec<f64> =
                kind.costs_us.iter().zip(&anchor.costs_us).map(|(ours, theirs)| theirs / ours).collect();
            format!("x {:.2} by rate, x {:.2} by processor time", median(&ratios), median(&costs))
        });
        println!("{:<34} {rate:>10.0} {cost_us:>22.1}   {ratio}", kind.name);
    }
}
