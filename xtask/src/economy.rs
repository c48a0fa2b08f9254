//! The economy over months: tens of thousands of workers, paid by the chain's own mathematics.

use crate::workspace::{Workspace, progress, run as run_command};

/// The package, which imports the mathematics and nothing of the chain: it builds in a minute.
const PACKAGE: &str = "economy-simulation";

/// Builds the simulation and hands `arguments` to it; `run` where there are none.
///
/// # Errors
/// When it does not build, money was made or lost, or a file cannot be written.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    let default = ["run".to_owned()];
    let first_is_option = arguments.first().is_none_or(|first| first.starts_with('-'));
    let command = if first_is_option { &default[..] } else { &[] };
    progress("simulating the economy");
    run_command(
        workspace
            .cargo()
            .args(["run", "--release", "--locked", "-p", PACKAGE, "--"])
            .args(command)
            .args(arguments),
        "the simulation of the economy",
    )
}
