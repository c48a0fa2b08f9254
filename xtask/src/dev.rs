//! A network on this machine with an election running through it.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{self, Command};
use std::{fs, io};

use anyhow::Context as _;

use crate::build::Build;
use crate::workspace::{Workspace, progress};

/// The program that runs the election.
const ELECTION: &str = "phat-election";
/// Data directories of runs that end by themselves; the id of the process follows.
const ONCE_PREFIX: &str = "dev-once-";

/// Builds, then becomes the election: from there Ctrl-C, the exit code and all output are its own.
///
/// # Errors
/// When the build fails or the program cannot be started.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    let build = Build::prepare(workspace)?;
    build.binaries()?;
    let ballot = build.ballot()?;
    let mut election = election(workspace, &ballot);
    let names_data_dir = arguments
        .iter()
        .any(|argument| argument.split('=').next() == Some("--data-dir"));
    if !names_data_dir {
        election
            .arg("--data-dir")
            .arg(data_dir(workspace, arguments)?);
    }
    progress("starting the network");
    let error = election.args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {ELECTION}"))
}

/// The election over the built binaries; a data directory is still to be named.
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

/// A run that stays keeps its directory for the next; one that ends by itself has one of its own.
fn data_dir(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<std::path::PathBuf> {
    if !arguments.iter().any(|argument| argument == "--once") {
        return Ok(workspace.target_dir().join("dev-network"));
    }
    sweep(workspace.target_dir()).context("cannot remove the data of earlier runs")?;
    // The process keeps its id when it becomes the election.
    Ok(workspace
        .target_dir()
        .join(format!("{ONCE_PREFIX}{}", process::id())))
}

/// Removes the data of runs that have ended. What a run leaves can be looked at until the next one.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let Some(id) = name
            .to_str()
            .and_then(|name| name.strip_prefix(ONCE_PREFIX))
        else {
            continue;
        };
        if !Path::new("/proc").join(id).exists() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
