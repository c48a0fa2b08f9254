//! A network on this machine with an election running through it.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::build::Build;
use crate::workspace::{Workspace, progress};

/// The program that runs the election.
const ELECTION: &str = "phat-election";

/// Builds, then becomes the election: from there Ctrl-C, the exit code and all output are its own.
///
/// # Errors
/// When the build fails or the program cannot be started.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    let build = Build::prepare(workspace)?;
    build.binaries()?;
    build.console()?;
    let ballot = build.ballot()?;
    progress("starting the network");
    let error = election(workspace, &ballot).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {ELECTION}"))
}

/// The election over the built binaries, with `ballot` as the contract.
pub fn election(workspace: &Workspace, ballot: &Path) -> Command {
    let binaries = workspace.binaries_dir();
    let mut command = Command::new(binaries.join(ELECTION));
    command
        .arg("--binaries")
        .arg(binaries)
        .arg("--ballot")
        .arg(ballot);
    command
}
