//! `phat-weights`: runs the benchmarks of our pallets in the runtime's wasm and writes what they cost into each
//! pallet's `measured.rs`.
//!
//! Time is that of the compiled wasm, as a node runs it, with the state in memory; accesses to the database are counted and
//! charged apart, at the runtime's price. Each benchmark is checked once before it is measured. What a function
//! costs is a line over its components, by least squares over the middle half of all repetitions.

mod machine;
mod text;

use anyhow::{Context as _, ensure};
use clap::Parser;
use frame_benchmarking::{
    Analysis, BenchmarkParameter, BenchmarkResult, BenchmarkSelector,
};
use machine::Machine;
use std::path::PathBuf;

/// What is measured.
#[derive(Parser)]
#[command(about = "Measures what the calls of our pallets cost")]
struct Arguments {
    /// The runtime's wasm, built with `runtime-benchmarks`.
    #[arg(long)]
    wasm: PathBuf,
    /// The checkout, into which the results are written.
    #[arg(long)]
    root: PathBuf,
    /// Only this pallet, as `pallet_computation`.
    #[arg(long)]
    pallet: Option<String>,
    /// Points on each component's line.
    #[arg(long, default_value_t = 6)]
    steps: u32,
    /// Measurements of each point.
    #[arg(long, default_value_t = 12)]
    repeat: u32,
    /// Only says that each benchmark runs, once, and writes nothing.
    #[arg(long)]
    check: bool,
}

/// A line over components.
pub struct Cost {
    /// The benchmark.
    pub name: String,
    /// Its components' names.
    pub components: Vec<String>,
    /// Picoseconds: with no component, and for one of each.
    pub time: (u128, Vec<u128>),
    /// Reads, likewise.
    pub reads: (u128, Vec<u128>),
    /// Writes, likewise.
    pub writes: (u128, Vec<u128>),
}

type Components = Vec<(BenchmarkParameter, u32)>;

/// Where to measure: each component in steps from its least to its most, the others at their most.
fn points(ranges: &[(BenchmarkParameter, u32, u32)], steps: u32) -> Vec<Components> {
    if ranges.is_empty() {
        return vec![Vec::new()];
    }
    let mut points = Vec::new();
    for (varied, low, high) in ranges {
        let steps = steps.max(2);
        for step in 0..steps {
            let value = low + (u64::from(high - low) * u64::from(step) / u64::from(steps - 1)) as u32;
            let point: Components = ranges
                .iter()
                .map(|(name, _, most)| (*name, if name == varied { value } else { *most }))
                .collect();
            if !points.contains(&point) {
                points.push(point);
            }
        }
    }
    points
}

fn line(
    results: &Vec<BenchmarkResult>,
    selector: BenchmarkSelector,
) -> anyhow::Result<(u128, Vec<u128>, Vec<String>)> {
    let analysis = Analysis::min_squares_iqr(results, selector)?;
    Ok((analysis.base, analysis.slopes, analysis.names))
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let wasm = std::fs::read(&arguments.wasm)
        .with_context(|| format!("cannot read {}", arguments.wasm.display()))?;
    let machine = Machine::new(wasm)?;
    for pallet in machine.pallets()? {
        let name = String::from_utf8_lossy(&pallet.pallet).into_owned();
        if arguments.pallet.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let mut costs = Vec::new();
        for benchmark in &pallet.benchmarks {
            let title = String::from_utf8_lossy(&benchmark.name).into_owned();
            let points = points(&benchmark.components, arguments.steps);
            let one = |point: &Components, verify, tracked| {
                machine
                    .measure(&pallet, &benchmark.name, point, verify, tracked)
                    .with_context(|| format!("{name}::{title} at {point:?}"))
            };
            for point in [points.first(), points.last()].into_iter().flatten() {
                one(point, true, false)?;
            }
            eprintln!("{name}::{title}: runs");
            if arguments.check {
                continue;
            }
            let (mut timed, mut counted) = (Vec::new(), Vec::new());
            for point in &points {
                counted.extend(one(point, false, true)?);
                for _ in 0..arguments.repeat {
                    timed.extend(one(point, false, false)?);
                }
            }
            ensure!(!timed.is_empty(), "{name}::{title} gives no results");
            let (base, slopes, components) = line(&timed, BenchmarkSelector::ExtrinsicTime)?;
            let reads = line(&counted, BenchmarkSelector::Reads)?;
            let writes = line(&counted, BenchmarkSelector::Writes)?;
            eprintln!(
                "{name}::{title}: {} µs, {} reads, {} writes, {slopes:?} ps more for each of {components:?}",
                base / 1_000_000,
                reads.0,
                writes.0,
            );
            costs.push(Cost {
                name: title,
                components,
                time: (base, slopes),
                reads: (reads.0, reads.1),
                writes: (writes.0, writes.1),
            });
        }
        if !arguments.check {
            let file = text::write(&arguments.root, &name, &costs)?;
            println!("{name}: {} functions in {}", costs.len(), file.display());
        }
    }
    Ok(())
}
