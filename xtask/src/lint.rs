//! Clippy over all crates.

use crate::build::Build;
use crate::workspace::{Workspace, progress, run as run_command};

/// Runs clippy; a warning is a failure.
///
/// # Errors
/// When clippy finds something.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let build = Build::prepare(workspace)?;
    progress("looking for lint");
    run_command(
        build.cargo("clippy").args(["--", "-D", "warnings"]),
        "clippy",
    )
}
