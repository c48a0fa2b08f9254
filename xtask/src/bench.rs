//! Measurements, each beside its anchor, all in one run on one machine.
//!
//! The programs that measure belong to the crates they measure; this starts them one after the
//! other, so that no two share the processor.

use std::process::Command;

use crate::build::Build;
use crate::workspace::{Workspace, progress, run as run_command};

/// Measures whole networks: ready times, queries over HTTP, commands.
const NETWORK_BENCH: &str = "phat-bench";

/// Runs all benches; `arguments` go to the one of whole networks.
///
/// # Errors
/// When something does not build or a bench fails.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    let build = Build::prepare(workspace)?;
    build.binaries()?;
    progress("measuring calls of the engine");
    let engine = ["-p", "contract-engine", "--example", "bench_call"];
    run_command(
        workspace
            .cargo()
            .args(["run", "--release", "--locked"])
            .args(engine),
        "the bench of the engine",
    )?;
    let program = workspace.binaries_dir().join(NETWORK_BENCH);
    let ballot = build.ballot()?;
    progress("measuring a network");
    run_command(
        Command::new(&program)
            .arg("--binaries")
            .arg(workspace.binaries_dir())
            .arg("--ballot")
            .arg(ballot)
            .args(arguments),
        "the bench of the network",
    )
}
