//! Simulations: networks of workers, one for each seed, on which everything goes wrong that can.

use std::process::Command;

use crate::build::Build;
use crate::workspace::{Workspace, progress, run as run_command};

/// Runs seeds, and says how many were run and what they found.
const SIMULATION: &str = "phat-simulate";

/// Builds everything, for another set of packages would compile most of it again, and hands `arguments` to the
/// simulation.
///
/// # Errors
/// When something does not build, or a seed failed.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    Build::prepare(workspace)?.binaries()?;
    progress("simulating");
    run_command(
        Command::new(workspace.binaries_dir().join(SIMULATION)).args(arguments),
        "the simulation",
    )
}
