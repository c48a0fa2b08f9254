//! The web console: built with npm where Node.js is, put beside the programs, and tested.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::client_js;
use crate::workspace::{Workspace, progress, run as run_command};

/// Where its source is.
const CONSOLE: &str = "console";
/// Where its SDK is, which it is built on.
const CLIENT_JS: &str = "client/client-js";
/// The oldest Node.js that its tools run on.
const NODE_MIN: (u32, u32) = (20, 19);
/// Beside the built console: what it was built from.
const STAMP: &str = ".built-from";
/// What belongs to no source.
const NO_SOURCE: [&str; 5] = ["node_modules", "dist", "build", "shots", "test-results"];

/// Builds the console and leaves it beside the binaries, for `phat dev`. Without Node.js it says so: the network
/// works without a console.
///
/// `verifier` makes the receipt verifier's wasm, which the SDK carries.
///
/// # Errors
/// When it does not build.
pub fn build(
    workspace: &Workspace,
    verifier: impl FnOnce() -> anyhow::Result<PathBuf>,
) -> anyhow::Result<()> {
    if let Err(lack) = tools() {
        progress(format!("the web console is not built: {lack}; phat dev works without it"));
        return Ok(());
    }
    let stamp = stamp(workspace)?;
    let folder = workspace.binaries_dir().join(CONSOLE);
    let is_built = fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == stamp);
    if is_built {
        return Ok(());
    }
    progress("building the web console");
    install(workspace, &verifier()?)?;
    let source = workspace.root().join(CONSOLE);
    run_command(npm(&source).args(["run", "build"]), "npm run build in console")?;
    copy(&source.join("dist"), &folder)?;
    // Read again: the SDK's build writes a source of its own.
    fs::write(folder.join(STAMP), self::stamp(workspace)?).with_context(|| folder.display().to_string())
}

/// The console's own tests, and the whole story in a browser against a network of real processes.
///
/// # Errors
/// When a test fails.
pub fn test(
    workspace: &Workspace,
    contract: &Path,
    verifier: &Path,
    port_base: &str,
) -> anyhow::Result<()> {
    if let Err(lack) = tools() {
        progress(format!("SKIPPED, the tests of the web console: {lack}"));
        return Ok(());
    }
    progress("testing the web console");
    install(workspace, verifier)?;
    let source = workspace.root().join(CONSOLE);
    run_command(npm(&source).arg("test"), "the console's tests")?;
    progress("testing the web console in a browser, against a network");
    run_command(
        npm(&source)
            .args(["run", "e2e"])
            .env("PHAT_BINARIES", workspace.binaries_dir())
            .env("PHAT_BALLOT_CONTRACT", contract)
            .env("PHAT_PORT_BASE", port_base),
        "the console's story in a browser",
    )
}

/// Whether Node.js and npm are there and new enough; else what is lacking.
pub fn tools() -> Result<(), String> {
    let version = said("node", "--version").ok_or("Node.js is not installed")?;
    let npm = said("npm", "--version").ok_or("npm is not installed")?;
    let is_enough = parse_version(&version).is_some_and(|found| found >= NODE_MIN);
    let (major, minor) = NODE_MIN;
    if is_enough && !npm.is_empty() {
        return Ok(());
    }
    Err(format!("Node.js {version} is older than {major}.{minor}"))
}

fn said(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What the lock says, where it is not there; after the SDK, built.
fn install(workspace: &Workspace, verifier: &Path) -> anyhow::Result<()> {
    client_js::build(workspace, verifier)?;
    let folder = workspace.root().join(CONSOLE);
    let lock = fs::read(folder.join("package-lock.json")).context("console has no package-lock.json")?;
    let seen = folder.join("node_modules/.installed-from");
    if fs::read(&seen).is_ok_and(|found| found == lock) {
        return Ok(());
    }
    // Their install scripts are not needed.
    let arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
    run_command(npm(&folder).args(arguments), "npm ci in console")?;
    fs::write(&seen, lock).with_context(|| seen.display().to_string())
}

fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder);
    command
}

/// A word that is another when any source of the console or its SDK is.
fn stamp(workspace: &Workspace) -> anyhow::Result<String> {
    let mut newest = Vec::new();
    for folder in [CLIENT_JS, CONSOLE] {
        collect(&workspace.root().join(folder), &mut newest)?;
    }
    newest.sort();
    Ok(newest.join("\n"))
}

/// Names, lengths and times of all files, without what builds leave.
fn collect(folder: &Path, lines: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if NO_SOURCE.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let (path, meta) = (entry.path(), entry.metadata()?);
        if meta.is_dir() {
            collect(&path, lines)?;
            continue;
        }
        let changed = meta.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        lines.push(format!("{} {} {}", path.display(), meta.len(), changed.as_millis()));
    }
    Ok(())
}

/// Puts a folder in the place of another.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| to.display().to_string())?;
    }
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (path, target): (PathBuf, PathBuf) = (entry.path(), to.join(entry.file_name()));
        if entry.metadata()?.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_node_prints_them() {
        assert_eq!(parse_version("v20.20.2"), Some((20, 20)));
        assert_eq!(parse_version("18.19.0"), Some((18, 19)));
        assert!(parse_version("v18.20.4") < Some(NODE_MIN));
        assert_eq!(parse_version("nonsense"), None);
    }
}
