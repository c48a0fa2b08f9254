//! Where things lie, and cargo called in the right place.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Variables by which an outer cargo tells a program about itself; another cargo must not see them, or
/// it builds again what a cargo typed at a prompt has built.
const OUTER_CARGO: [&str; 3] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "LD_LIBRARY_PATH",
];

/// The checkout and its build folders.
pub struct Workspace {
    root: PathBuf,
    target_dir: PathBuf,
}

impl Workspace {
    /// Finds the checkout that this program was built from.
    ///
    /// Build folders are cargo's own (`CARGO_TARGET_DIR`, or `target`); where `CI` is set and
    /// `CARGO_TARGET_DIR` is not, they lie in `~/.cache/phat`, so that a fresh checkout is not built from
    /// nothing.
    pub fn find() -> anyhow::Result<Self> {
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir
            .parent()
            .map(Path::to_owned)
            .context("xtask lies in no workspace")?;
        let is_set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let target_dir = match (is_set("CARGO_TARGET_DIR"), is_set("CI"), is_set("HOME")) {
            (Some(target_dir), _, _) => env::current_dir()?.join(target_dir),
            (None, Some(_), Some(home)) => Path::new(&home).join(".cache/phat/target"),
            _ => root.join("target"),
        };
        Ok(Self { root, target_dir })
    }

    /// The root of the checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the binaries of a build are.
    pub fn binaries_dir(&self) -> PathBuf {
        self.target_dir.join("release")
    }

    /// A folder beside cargo's: `target-wasm` for `wasm`. Another lock, other artefacts.
    pub fn beside_target(&self, name: &str) -> PathBuf {
        let mut file_name = self
            .target_dir
            .file_name()
            .map_or_else(|| OsString::from("target"), OsStr::to_owned);
        file_name.push("-");
        file_name.push(name);
        self.target_dir.with_file_name(file_name)
    }

    /// Where a toolchain for wasm is kept, if one has to be made.
    pub fn toolchain_dir(&self) -> PathBuf {
        self.beside_target("toolchain")
    }

    /// Cargo, in the root of the checkout, with this workspace's target folder.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new("cargo");
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target_dir);
        for name in OUTER_CARGO {
            command.env_remove(name);
        }
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO_PKG_") {
                command.env_remove(name);
            }
        }
        command
    }
}

/// Runs `command` to its end; an error that names `what` unless it succeeds.
pub fn run(command: &mut Command, what: &str) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {what}"))?;
    if !status.success() {
        bail!("{what} failed ({status}); its messages are above");
    }
    Ok(())
}

/// Says what is being done now.
pub fn progress(text: impl Display) {
    eprintln!("==> {text}");
}
