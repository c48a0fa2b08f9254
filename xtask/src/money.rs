//! The fuzzer of money: every call that moves some, in random order, in the real runtime.

use std::process::Command;

use crate::build::Build;
use crate::workspace::{Workspace, progress, run as run_command};

/// Runs seeds, and says how many steps were run.
const FUZZER: &str = "phat-money-fuzz";

/// Builds everything, for another set of packages would compile most of it again, and hands `arguments` to the
/// fuzzer.
///
/// # Errors
/// When something does not build, or did not hold.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    Build::prepare(workspace)?.binaries()?;
    progress("moving money");
    run_command(
        Command::new(workspace.binaries_dir().join(FUZZER)).args(arguments),
        "the fuzzer of money",
    )
}
