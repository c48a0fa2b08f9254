//! Measurements, each beside its anchor, all in one run on one machine.
//!
//! The programs that measure belong to the crates they measure; this starts them one after the
//! other, so that no two share the processor.

use std::path::PathBuf;
use std::process::Command;

use contract_build::BuildOptions;

use crate::build::Build;
use crate::workspace::{Workspace, progress, run as run_command};

/// Measures the contract engine beside pallet-contracts; a workspace of its own, which nothing else
/// builds.
const ENGINE_BENCH: &str = "testing/engine-peers";
/// Measures whole networks: ready times, queries over HTTP, commands.
const NETWORK_BENCH: &str = "phat-bench";

/// Measures sealed queries over HTTP beside workerd.
const QUERY_BENCH: &str = "phat-query-bench";
/// The release of workerd that is measured beside ours; a package of npm.
const WORKERD: &str = "workerd@1.20261117.1";
/// Its program for this kind of machine.
const WORKERD_PROGRAM: &str = "node_modules/@cloudflare/workerd-linux-64/bin/workerd";

/// Runs all benches, and `arguments` go to the one of whole networks; or, where the first argument is
/// `engine`, `query`, `snapshot` or `scale`, that of the contract engine, of queries, of handing a state over
/// or of several workers alone, which gets the rest.
///
/// # Errors
/// When something does not build or a bench fails.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    match arguments.split_first() {
        Some((first, rest)) if first == "engine" => return engine(workspace, rest),
        Some((first, rest)) if first == "query" => {
            // With all other binaries: another set of packages would compile most of them again.
            Build::prepare(workspace)?.binaries()?;
            return queries(workspace, rest);
        }
        Some((first, rest)) if first == "snapshot" => {
            Build::prepare(workspace)?.binaries()?;
            return snapshot(workspace, rest);
        }
        Some((first, rest)) if first == "scale" => {
            Build::prepare(workspace)?.binaries()?;
            return scale(workspace, rest);
        }
        _ => {}
    }
    let build = Build::prepare(workspace)?;
    progress("building the binaries and the benches");
    run_command(build.cargo("build").arg("--bins"), "building the benches")?;
    let ballot = build.ballot()?;
    let binaries = workspace.binaries_dir();
    engine(workspace, &[])?;

    queries(workspace, &[])?;
    snapshot(workspace, &[])?;
    scale(workspace, &[])?;

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

/// Measures the query path in one process beside workerd, if that can be had.
fn queries(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    let mut command = Command::new(workspace.binaries_dir().join(QUERY_BENCH));
    command.arg("run").args(arguments);
    match workerd(workspace) {
        Ok(program) => {
            command.arg("--workerd").arg(program);
        }
        Err(error) => progress(format!("measuring without workerd: {error:#}")),
    }
    progress("measuring queries");
    run_command(&mut command, "the bench of queries")
}

/// Measures a state handed over to another worker, beside running a mailbox.
fn snapshot(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    progress("measuring the handing over of a state");
    let mut command = Command::new(workspace.binaries_dir().join(QUERY_BENCH));
    command.arg("snapshot").args(arguments);
    run_command(&mut command, "the bench of snapshots")
}

/// Measures what a query costs on several workers beside one.
fn scale(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    progress("measuring queries on several workers");
    let mut command = Command::new(workspace.binaries_dir().join(QUERY_BENCH));
    command.arg("scale").args(arguments);
    run_command(&mut command, "the bench of several workers")
}

/// workerd's program, installed beside the build folder.
fn workerd(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let directory = workspace.beside_target("workerd");
    let program = directory.join(WORKERD_PROGRAM);
    if !program.is_file() {
        progress("installing workerd");
        std::fs::create_dir_all(&directory)?;
        let what = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
        run_command(
            Command::new("npm").args(what).arg(&directory).arg(WORKERD),
            "the installation of workerd by npm",
        )?;
    }
    anyhow::ensure!(program.is_file(), "{WORKERD} has no program for this machine");
    Ok(program)
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
