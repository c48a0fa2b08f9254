//! Weights, measured: the benchmarks of our pallets in the runtime's wasm.
//!
//! The wasm is another one than that of networks, in a folder of its own. CI does not run this: it takes a machine that
//! does nothing else to mean something.

use crate::workspace::{Workspace, progress, run as run_command};
use crate::{build, setup, wasm};

/// Builds the runtime with its benchmarks, runs them, and writes each pallet's `measured.rs`.
///
/// # Errors
/// When something does not build, or a benchmark fails.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    setup::run()?;
    let toolchain = build::toolchain(workspace)?;
    progress("building the runtime's wasm with its benchmarks");
    let runtime_wasm = wasm::build_benchmarks_wasm(workspace, &toolchain)?;
    progress("building what measures");
    // Together with all others, whose features it shares.
    run_command(
        workspace.cargo().args([
            "build",
            "--release",
            "--locked",
            "--workspace",
            "--exclude",
            "xtask",
            "--features",
            "weights/measure",
            "--bin",
            "phat-weights",
        ]),
        "building what measures",
    )?;
    progress("measuring");
    run_command(
        std::process::Command::new(workspace.binaries_dir().join("phat-weights"))
            .arg("--wasm")
            .arg(&runtime_wasm)
            .arg("--root")
            .arg(workspace.root())
            .args(arguments),
        "the measurement",
    )
}
