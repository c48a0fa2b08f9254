//! Everything that must hold, in the order in which failures are cheap.

use std::fs;

use anyhow::Context as _;

use crate::build::Build;
use crate::workspace::{Workspace, progress, run as run_command};
use crate::{dev, layers, setup};

/// Names the example contract's built file for tests that start a network.
const BALLOT_VARIABLE: &str = "PHAT_BALLOT_CONTRACT";
/// Names the folder of the built binaries, for the same tests.
const BINARIES_VARIABLE: &str = "PHAT_BINARIES";

/// Checks layers, builds, runs the tests of all crates, and one whole election.
///
/// # Errors
/// At the first thing that does not hold.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    setup::run()?;
    layers::run(workspace)?;
    let build = Build::prepare(workspace)?;
    let ballot = build.ballot()?;
    progress("building binaries and tests");
    // Together: the features that tests add would otherwise compile much of it twice.
    run_command(
        build.cargo("build").args(["--bins", "--tests"]),
        "building binaries and tests",
    )?;

    progress("testing the contract ballot");
    run_command(
        build.ballot_cargo("test").arg("--lib"),
        "the tests of ballot",
    )?;

    progress("running an election on a network of its own");
    let data_dir = workspace.target_dir().join("test-election");
    remove_dir(&data_dir)?;
    run_command(
        dev::election(workspace, &ballot)
            .arg("--once")
            .arg("--data-dir")
            .arg(&data_dir),
        "the election",
    )?;
    remove_dir(&data_dir)?;

    progress("running the tests of the automation");
    run_command(
        workspace
            .cargo()
            .args(["test", "--release", "--locked", "-p", "xtask"]),
        "the tests of xtask",
    )?;

    progress("running the tests");
    run_command(
        build
            .cargo("test")
            .env(BALLOT_VARIABLE, &ballot)
            .env(BINARIES_VARIABLE, workspace.binaries_dir()),
        "the tests",
    )
}

fn remove_dir(path: &std::path::Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
