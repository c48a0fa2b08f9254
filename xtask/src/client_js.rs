//! The TypeScript SDK: `client/client-js`, outside cargo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::build::{self, Build};
use crate::workspace::{Workspace, progress, run as run_command};
use crate::{console, setup};

/// Where the package is.
const FOLDER: &str = "client/client-js";
/// Names the receipt verifier's wasm for the package's build.
const RECEIPT_VERIFIER_VARIABLE: &str = "PHAT_RECEIPT_VERIFIER";

/// Builds the package and says where it is.
///
/// # Errors
/// When something needed is missing, or it does not compile.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    setup::run_for_tests()?;
    build(workspace, &build::receipt_verifier(workspace)?)?;
    println!("built {}", Package::of(workspace).folder.join("dist").display());
    Ok(())
}

/// Builds the package around the receipt verifier's wasm.
///
/// # Errors
/// When npm is missing, or it does not compile.
pub fn build(workspace: &Workspace, receipt_verifier: &Path) -> anyhow::Result<()> {
    let package = Package::of(workspace);
    package.install()?;
    let mut npm = package.npm(&["run", "build"]);
    run_command(npm.env(RECEIPT_VERIFIER_VARIABLE, receipt_verifier), "npm run build")
}

/// Builds and tests the package: what needs no network, and, against networks of the built programs, the rest.
///
/// # Errors
/// When a test fails.
pub fn test(build: &Build<'_>, workspace: &Workspace, variables: &[(&str, &Path)]) -> anyhow::Result<()> {
    if let Err(lack) = console::tools() {
        progress(format!("SKIPPED, the tests of the TypeScript SDK: {lack}"));
        return Ok(());
    }
    let package = Package::of(workspace);
    let wasm = build.receipt_verifier()?;
    package.install()?;
    for script in ["test", "test:network"] {
        progress(format!("running npm run {script} in {FOLDER}"));
        let mut npm = package.npm(&["run", script]);
        npm.env(RECEIPT_VERIFIER_VARIABLE, &wasm).envs(variables.iter().copied());
        run_command(&mut npm, script)?;
    }
    Ok(())
}

struct Package {
    folder: PathBuf,
}

impl Package {
    fn of(workspace: &Workspace) -> Self {
        Self { folder: workspace.root().join(FOLDER) }
    }

    fn npm(&self, arguments: &[&str]) -> Command {
        let mut npm = Command::new("npm");
        npm.current_dir(&self.folder).args(arguments).env("npm_config_update_notifier", "false");
        npm
    }

    /// Installs exactly what the lock file says, unless that is done.
    fn install(&self) -> anyhow::Result<()> {
        let changed = |path: PathBuf| fs::metadata(path).and_then(|meta| meta.modified());
        let lock = changed(self.folder.join("package-lock.json"))
            .with_context(|| format!("{FOLDER} has no package-lock.json"))?;
        let installed = changed(self.folder.join("node_modules/.package-lock.json"));
        if installed.is_ok_and(|installed| installed >= lock) {
            return Ok(());
        }
        progress(format!("installing the packages of {FOLDER}"));
        // Their install scripts are not needed.
        let arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
        run_command(&mut self.npm(&arguments), "npm ci")
    }
}
