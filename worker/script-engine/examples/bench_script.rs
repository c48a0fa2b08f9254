//! How long it takes to compile QuickJS, to evaluate nothing much, and to compute.
//!
//!     cargo run --release -p script-engine --example bench_script

use std::time::{Duration, Instant};

use contract_abi::script::JsCode;
use executor_api::{ScriptBounds, ScriptEngine, Unshared};
use script_engine::{QuickJs, SetupError};

const SCRIPTS: [(&str, u32, &str); 3] = [
    ("trivial", 500, "1"),
    (
        "parse and print JSON of 10 kB",
        200,
        "JSON.stringify(JSON.parse(JSON.stringify(Array.from({length: 500}, (_, i) => ({i, t: 'x'})))))",
    ),
    (
        "10 million additions",
        5,
        "let s = 0; for (let i = 0; i < 1e7; i++) s += i; s",
    ),
];

fn main() -> Result<(), SetupError> {
    let engine = QuickJs::new()?;
    let started = Instant::now();
    evaluate(&engine, "1");
    println!("first script, with compiling: {:?}", started.elapsed());
    for (name, rounds, source) in SCRIPTS {
        let mut times: Vec<Duration> = (0..rounds)
            .map(|_| {
                let started = Instant::now();
                evaluate(&engine, source);
                started.elapsed()
            })
            .collect();
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let least = times.first().copied().unwrap_or_default();
        println!("{name}: median {median:?}, least {least:?} of {rounds}");
    }
    Ok(())
}

fn evaluate(engine: &QuickJs, source: &str) {
    let bounds = ScriptBounds {
        deadline: Instant::now() + Duration::from_secs(60),
        memory_bytes_max: 64 * 1024 * 1024,
        turn: &Unshared,
    };
    engine.evaluate(&[JsCode::Source(source.into())], &[], bounds);
}
