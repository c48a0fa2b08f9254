//! Measurements, each beside its anchor, all in one run on one machine.
//!
//! The programs that measure belong to the crates they measure; this starts them one after the
//! other, so that no two share the processor.

use std::path::PathBuf;
use std::process::Command;

use crate::build::Build;
use crate::workspace::{Workspace, progress, run as run_command};

/// Measures calls of the engine; an example of `contract-engine`.
const ENGINE_BENCH: &str = "bench_call";
/// Measures whole networks: ready times, queries over HTTP, commands.
const NETWORK_BENCH: &str = "phat-bench";

/// Measures sealed queries over HTTP beside workerd.
const QUERY_BENCH: &str = "phat-query-bench";
/// The release of workerd that is measured beside ours; a package of npm.
const WORKERD: &str = "workerd@1.20261117.1";
/// Its program for this kind of machine.
const WORKERD_PROGRAM: &str = "node_modules/@cloudflare/workerd-linux-64/bin/workerd";

/// Runs all benches, and `arguments` go to the one of whole networks; or, where the first argument is
/// `query`, that of queries alone, which gets the rest.
///
/// # Errors
/// When something does not build or a bench fails.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    if let Some((first, rest)) = arguments.split_first()
        && first == "query"
    {
        progress("building the bench of queries");
        let what = ["build", "--release", "-p", "query-bench"];
        run_command(workspace.cargo().args(what), "building the bench of queries")?;
        return queries(workspace, rest);
    }
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

    queries(workspace, &[])?;

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
