//! Measures the contract engine beside pallet-contracts 51 and native code: the same WebAssembly, one
//! process, one thread, in turns; medians of rounds, ratios against bars. Nothing fails for being slow.
//!
//! `engine-peers CONTRACT [--lowest]`: the `.wasm` of `kernels`, as `phat build` makes it. With
//! `--lowest` the best round counts instead of the median, on a machine that does other things too.

#[path = "../kernels/src/compute.rs"]
mod compute;
mod ours;
#[cfg(feature = "pallet")]
mod pallet;
#[cfg(not(feature = "pallet"))]
#[path = "no_pallet.rs"]
mod pallet;

use std::hint::black_box;
use std::time::Instant;

use ours::Ours;
use pallet::Chain;

type Failure = Box<dyn std::error::Error>;

/// Takes the best round.
const LOWEST: &str = "--lowest";
/// Rounds, in each of which everything has its turn.
const ROUNDS: usize = 31;
/// Calls in a round, by ours and by the pallet.
const CALLS: u32 = 400;
const PALLET_CALLS: u32 = 40;
/// Calls before the clock starts: what was measured before has emptied the processor's caches.
const WARM_UP_CALLS: u32 = 40;
/// Contracts that are deployed and do nothing.
const IDLE_CONTRACTS: u32 = 10_000;

/// Selectors of `kernels`.
const NEW: [u8; 4] = [0x9b, 0xae, 0x9d, 0x5e];
const GET: [u8; 4] = [0x2f, 0x86, 0x5b, 0xd9];
const FLIP: [u8; 4] = [0x63, 0x3a, 0xa5, 0x51];
const COMPUTE: [u8; 4] = [0, 0, 0, 1];

/// Name and size of each kernel, in their order in `compute`.
const KERNELS: [(&str, u32); 5] = [
    ("fib(25)", 25),
    ("SHA-256 of 256 KB", 256_000),
    ("BLAKE2b of 256 KB", 256_000),
    ("matrix, 100 rows", 100),
    ("sort, 20 000 numbers", 20_000),
];

/// Microseconds that one of `times` runs takes; where they are many, after as many as warm the caches.
fn time_us<R>(
    times: u32,
    mut run: impl FnMut() -> Result<R, Failure>,
) -> Result<f64, Failure> {
    if times >= WARM_UP_CALLS {
        for _ in 0..WARM_UP_CALLS {
            black_box(run()?);
        }
    }
    let start = Instant::now();
    for _ in 0..times {
        black_box(run()?);
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(times))
}

/// The median, or the lowest where that is asked for.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let which = match std::env::args().any(|argument| argument == LOWEST) {
        true => 0,
        false => values.len() / 2,
    };
    values.get(which).copied().unwrap_or(f64::NAN)
}

/// Medians of the columns of `rounds`.
fn medians<const N: usize>(
    mut round: impl FnMut() -> Result<[f64; N], Failure>,
) -> Result<[f64; N], Failure> {
    // The first warms caches up and does not count.
    round()?;
    let rounds = (0..ROUNDS)
        .map(|_| round())
        .collect::<Result<Vec<_>, _>>()?;
    Ok(std::array::from_fn(|column| {
        median(rounds.iter().map(|round| round[column]).collect())
    }))
}

/// A bar with its verdict.
fn bar(what: &str, value: f64, bar: f64, at_most: bool) {
    let reached = if at_most { value <= bar } else { value >= bar };
    let sign = if at_most { "<=" } else { ">=" };
    let verdict = if reached { "reached" } else { "MISSED" };
    println!("{what:<58} {value:>9.2} {sign} {bar:<6} {verdict}");
}

fn mean(ratios: &[f64]) -> f64 {
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (sum / ratios.len() as f64).exp()
}

fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("usage: engine-peers CONTRACT")?;
    let code = std::fs::read(path)?;
    let constructor = [&NEW[..], &[1]].concat();
    let mut ours = Ours::new(None)?;
    let contract = ours.deploy(code.clone(), constructor.clone())?;
    let mut chain = Chain::new(code.clone(), constructor.clone())?;
    println!("{} bytes of WebAssembly\n", code.len());

    let getter = ours.deploy(wat::parse_str(ours::GETTER)?, Vec::new())?;
    let [bare, got, got_pallet, flipped, flipped_pallet] = medians(|| {
        Ok([
            time_us(CALLS, || ours.query(getter, &[1, 2, 3, 4]))?,
            time_us(CALLS, || ours.query(contract, &GET))?,
            chain.time_us(PALLET_CALLS, &GET, |_| Ok(()))?,
            time_us(CALLS, || ours.transact(contract, &FLIP))?,
            chain.time_us(PALLET_CALLS, &FLIP, |_| Ok(()))?,
        ])
    })?;
    println!("getter in text {bare:.2} us, get {got:.2} us, pallet {got_pallet:.1} us");
    println!("flip {flipped:.2} us, pallet {flipped_pallet:.1} us\n");

    let (mut to_native, mut to_pallet) = (Vec::new(), Vec::new());
    println!("{:<26} {:>10} {:>10} {:>10} {:>8} {:>8}", "us", "ours", "native", "pallet", "/native", "pallet/");
    for (kernel, (name, size)) in (0_u8..).zip(KERNELS) {
        let input = [&COMPUTE[..], &[kernel], &size.to_le_bytes()].concat();
        let expected = compute::run(kernel, size);
        let check = |data: &[u8]| -> Result<(), Failure> {
            match data.strip_prefix(&[0]) == Some(&expected.to_le_bytes()) {
                true => Ok(()),
                false => Err(format!("{name} gave {data:?}").into()),
            }
        };
        let [mine, timed, native, theirs] = medians(|| {
            Ok([
                time_us(2, || check(&ours.transact(contract, &input)?))?,
                time_us(2, || check(&ours.query(contract, &input)?))?,
                time_us(2, || Ok(compute::run(black_box(kernel), black_box(size))))?,
                chain.time_us(1, &input, check)?,
            ])
        })?;
        println!(
            "{name:<26} {mine:>10.1} {native:>10.1} {theirs:>10.1} {:>8.2} {:>8.1}  query {timed:.1}",
            mine / native,
            theirs / mine
        );
        to_native.push(timed / native);
        to_pallet.push(theirs / timed);
    }

    let disk = ours::cold_ms(&code, &constructor, &GET)?;
    let idle = ours.idle_bytes(&code, &constructor, IDLE_CONTRACTS)?;

    println!("\n{:<58} {:>9}    bar", "bar", "measured");
    bar("getter, fresh instance, us", bare, 3.0, true);
    bar("get: pallet-contracts / ours", got_pallet / got, 25.0, false);
    bar("flip: pallet-contracts / ours", flipped_pallet / flipped, 25.0, false);
    bar("compute: metered / native, geometric mean", mean(&to_native), 1.3, true);
    bar("compute: pallet-contracts / ours, geometric mean", mean(&to_pallet), 12.0, false);
    bar("cold contract from disk, over a warm one, ms", disk, 0.2, true);
    println!("an idle contract of {IDLE_CONTRACTS}: {idle:.0} bytes of the engine's memory");
    Ok(())
}
