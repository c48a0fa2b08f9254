//! Measurements, each beside its anchor, all in one run on one machine.
//!
//! The programs that measure belong to the crates they measure; this starts them one after the
//! other, so that no two share the processor.

use std::process::Command;

use crate::build::Build;
use crate::workspace::{Workspace, progress, run as run_command};

/// Measures calls of the engine; an example of `contract-engine`.
const ENGINE_BENCH: &str = "bench_call";
/// Measures whole networks: ready times, queries over HTTP, commands.
const NETWORK_BENCH: &str = "phat-bench";

/// Runs all benches; `arguments` go to the one of whole networks.
///
/// # Errors
/// When something does not build or a bench fails.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    let build = Build::prepare(workspace)?;
    progress("building the binaries and the benches");
    let what = ["--bins", "--example", ENGINE_BENCH];
    run_command(build.cargo("build").args(what), "building the benches")?;
    let ballot = build.ballot()?;
    let binaries = workspace.binaries_dir();

    progress("measuring calls of the engine");
    println!("engine: a call with a fresh instance; anchors: pallet-contracts 71-118 us, bar 3 us");
    let program = binaries.join("examples").join(ENGINE_BENCH);
    run_command(&mut Command::new(program), "the bench of the engine")?;

    progress("measuring a network");
    run_command(
        Command::new(binaries.join(NETWORK_BENCH))
            .arg("--binaries")
            .arg(&binaries)
            .arg("--ballot")
            .arg(ballot)
            .args(arguments),
        "the bench of the network",
    )
}
