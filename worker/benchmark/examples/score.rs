//! Measures this machine as a worker does, without a chain: `cargo run --release -p benchmark --example score`.
#![allow(clippy::unwrap_used, reason = "it is run by hand")]

use benchmark::{Benchmark, PROGRAM, Work};
use contract_engine::{Engine, EngineConfig, code_hash};
use executor_api::Unshared;
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// How long each is measured.
const LENGTH: Duration = Duration::from_secs(2);
/// How often all of it is done.
const TIMES: usize = 4;

/// How often so many threads do the work in a second.
fn pace(benchmark: &Benchmark, work: Work, threads: usize) -> f64 {
    let until = Instant::now() + LENGTH;
    let count = || {
        let mut done = 0_u64;
        while Instant::now() < until {
            done += u64::from(benchmark.run(work, &Unshared).unwrap());
        }
        done
    };
    let done: u64 = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(count)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    done as f64 / LENGTH.as_secs_f64()
}

fn main() {
    let engine = Arc::new(Engine::new(&EngineConfig::default()).unwrap());
    let benchmark = Benchmark::new(engine, code_hash(PROGRAM)).unwrap();
    let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("rounds a second, by one processor and by {processors}; the memory part, by one and all");
    for _ in 0..TIMES {
        let rounds = [1, processors].map(|threads| pace(&benchmark, Work::Round, threads));
        let memory = [1, processors].map(|threads| pace(&benchmark, Work::Memory, threads));
        println!(
            "{:8.1} {:8.1}   {:8.1} {:8.1}",
            rounds[0], rounds[1], memory[0], memory[1]
        );
    }
}
