//! What a query costs on each of several workers, beside what it costs on one: all of them share one
//! processor here, so that what counts is processor time, not queries a second.
//!
//! Workers share nothing but the chain, of which queries take nothing. What could grow with their number is what
//! they cost one another: caches, the kernel, connections.

use crate::{
    CLIENT_PROCESSOR, SERVER_PROCESSOR,
    load::{Asked, Load},
    median, peer,
};
use anyhow::{Result, ensure};
use clap::Args;
use std::net::SocketAddr;

/// The part of linear that is to be reached.
const BAR: f64 = 0.95;

#[derive(Clone, Debug, Args)]
pub struct ScaleArguments {
    /// Workers at most; 1, 2, 4 and so on are measured.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// Rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests to each worker in a round.
    #[arg(long, default_value_t = 30_000)]
    requests: usize,
    /// Connections to each.
    #[arg(long, default_value_t = 16)]
    connections: usize,
}

/// Runs the measuring on a processor of its own.
pub fn measure_apart(arguments: &ScaleArguments) -> Result<()> {
    let flags = [
        ("--workers", arguments.workers),
        ("--rounds", arguments.rounds),
        ("--requests", arguments.requests),
        ("--connections", arguments.connections),
    ];
    let flags = flags.map(|(name, value)| format!("{name}={value}"));
    peer::again_on(CLIENT_PROCESSOR, "scale-here", &flags)
}

/// Measures, prints, and fails below the bar.
pub fn measure(arguments: &ScaleArguments) -> Result<()> {
    ensure!(
        arguments.workers > 1
            && arguments.rounds > 0
            && arguments.requests >= arguments.connections,
        "two workers, one round and a request for each connection are the least"
    );
    let mut servers = Vec::new();
    for _ in 0..arguments.workers {
        servers.push(peer::start_ours(SERVER_PROCESSOR)?);
    }
    let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
    let mut counts: Vec<usize> = Vec::new();
    let mut count = 1;
    while count < arguments.workers {
        counts.push(count);
        count *= 2;
    }
    counts.push(arguments.workers);
    let load = Load::new(arguments.connections)?;
    // For each number of workers: microseconds for a query, of each round.
    let mut costs: Vec<Vec<f64>> = vec![Vec::new(); counts.len()];
    // One round to warm up, which is not counted.
    for round in 0..=arguments.rounds {
        for (count, costs) in counts.iter().zip(&mut costs) {
            let of = &servers[..*count];
            let used = || {
                of.iter()
                    .map(peer::Server::processor_us)
                    .sum::<Result<f64>>()
            };
            let before_us = used()?;
            let asked = Asked::Query { receipt: false };
            load.run_on(&addresses[..*count], asked, arguments.requests)?;
            let used_us = used()? - before_us;
            if round > 0 {
                costs.push(used_us / (arguments.requests * count) as f64);
            }
        }
    }
    println!(
        "{} rounds of {} queries to each worker over {} connections; all workers on one processor",
        arguments.rounds, arguments.requests, arguments.connections
    );
    println!(
        "{:>8} {:>14} {:>16}",
        "workers", "us per query", "part of linear"
    );
    let mut least = f64::INFINITY;
    for (count, of_count) in counts.iter().zip(&costs) {
        // Rounds are compared with the round beside them: other work on the machine hits both.
        let parts: Vec<f64> = costs[0]
            .iter()
            .zip(of_count)
            .map(|(one, each)| one / each)
            .collect();
        let part = median(&parts);
        least = least.min(part);
        println!("{count:>8} {:>14.1} {part:>16.3}", median(of_count));
    }
    ensure!(least >= BAR, "{least:.3} of linear, and {BAR} is the bar");
    Ok(())
}
