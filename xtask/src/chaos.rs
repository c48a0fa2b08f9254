//! A network of real processes in namespaces of its own, on which everything goes wrong that can.

use std::process::Command;

use crate::build::Build;
use crate::setup;
use crate::workspace::{Workspace, progress, run as run_command};

/// Runs one seed and writes its report.
const CHAOS: &str = "phat-chaos";

/// Installs what it needs, builds everything, and hands `arguments` to the run. Reports go to `chaos` in the
/// build folder.
///
/// # Errors
/// When something does not build, or the run found something wrong.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    setup::run_for_chaos()?;
    let build = Build::prepare(workspace)?;
    build.binaries()?;
    let journal = build.journal()?;
    let binaries = workspace.binaries_dir();
    progress("starting the network");
    run_command(
        Command::new(binaries.join(CHAOS))
            .arg("run")
            .arg("--binaries")
            .arg(&binaries)
            .arg("--journal")
            .arg(journal)
            .arg("--out")
            .arg(workspace.beside_target("chaos"))
            .args(arguments),
        "the chaos run",
    )
}
