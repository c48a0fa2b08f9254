//! Measurements, each beside its anchor, all in one run on one machine.
//!
//! The programs that measure belong to the crates they measure; this starts them one after the
//! other, so that no two share the processor.

use std::process::Command;

use contract_build::BuildOptions;

use crate::build::Build;
use crate::workspace::{Workspace, progress, run as run_command};

/// Measures the contract engine beside pallet-contracts; a workspace of its own, which nothing else
/// builds.
const ENGINE_BENCH: &str = "testing/engine-peers";
/// Measures whole networks: ready times, queries over HTTP, commands.
const NETWORK_BENCH: &str = "phat-bench";

/// Runs all benches, and `arguments` go to the one of whole networks; or, where the first argument is
/// `engine`, that of the contract engine alone, which gets the rest.
///
/// # Errors
/// When something does not build or a bench fails.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    if let Some((first, rest)) = arguments.split_first()
        && first == "engine"
    {
        return engine(workspace, rest);
    }
    let build = Build::prepare(workspace)?;
    progress("building the binaries and the benches");
    run_command(build.cargo("build").arg("--bins"), "building the benches")?;
    let ballot = build.ballot()?;
    let binaries = workspace.binaries_dir();
    engine(workspace, &[])?;

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

/// Measures the contract engine.
fn engine(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    let folder = workspace.root().join(ENGINE_BENCH);
    progress("building the contract of the bench of the engine");
    let mut options = BuildOptions::new(workspace.toolchain_dir());
    options.target_dir = Some(workspace.beside_target("contract"));
    options.locked = true;
    let kernels = folder.join("kernels");
    let contract = contract_build::build(&kernels, &options, &mut |line| eprintln!("{line}"))?;

    progress("building the bench of the engine, with pallet-contracts");
    let target_dir = workspace.beside_target("engine-peers");
    run_command(
        workspace
            .cargo()
            .current_dir(&folder)
            .args(["build", "--release", "--locked"])
            .env("CARGO_TARGET_DIR", &target_dir),
        "building the bench of the engine",
    )?;

    progress("measuring the contract engine");
    let program = target_dir.join("release/engine-peers");
    run_command(
        Command::new(program).arg(contract.wasm_file).args(arguments),
        "the bench of the engine",
    )
}
