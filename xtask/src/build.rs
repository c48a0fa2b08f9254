//! Builds everything that a network needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use contract_build::{BuildOptions, Toolchain};

use crate::workspace::{Workspace, progress, run as run_command};
use crate::{console, setup, wasm};

/// Names the runtime's wasm for the build script of `chain/runtime`.
const RUNTIME_WASM_VARIABLE: &str = "PHAT_RUNTIME_WASM";
/// The name that `dev-network` looks for beside the node.
const DEV_CHAIN_SPEC: &str = "phat-dev-chain-spec.json";
/// Where the ballot's source is.
const BALLOT: &str = "guest/examples/ballot";
/// Where the journal's source is, which shows what becomes of commands.
const JOURNAL: &str = "guest/examples/journal";
/// Where the other example contracts' sources are.
const EXAMPLES: [&str; 4] = [
    "guest/examples/oracle",
    "guest/examples/vault",
    "guest/examples/private-join",
    JOURNAL,
];
/// Crates of `guest` with tests of their own.
pub const GUESTS: [&str; 6] = [
    "guest/contract-sdk",
    BALLOT,
    EXAMPLES[0],
    EXAMPLES[1],
    EXAMPLES[2],
    JOURNAL,
];

/// Builds the binaries and says where they are.
///
/// # Errors
/// When something needed is missing, or does not compile.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let build = Build::prepare(workspace)?;
    build.binaries()?;
    build.console()?;
    let folder = workspace.binaries_dir();
    println!(
        "built phat, phat-node and phat-worker in {}",
        folder.display()
    );
    Ok(())
}

/// A machine that has what it needs, and a runtime to put into the node.
pub struct Build<'a> {
    workspace: &'a Workspace,
    runtime_wasm: PathBuf,
}

impl<'a> Build<'a> {
    /// Installs what is missing and builds the runtime's wasm.
    ///
    /// # Errors
    /// When something is missing that cannot be installed, or the runtime does not compile.
    pub fn prepare(workspace: &'a Workspace) -> anyhow::Result<Self> {
        setup::run()?;
        let toolchain = toolchain(workspace)?;
        progress("building the runtime's wasm");
        let runtime_wasm = wasm::build_runtime_wasm(workspace, &toolchain)?;
        Ok(Self {
            workspace,
            runtime_wasm,
        })
    }

    /// Cargo with `command`, over all crates but this program's own.
    ///
    /// One set of packages for every command: cargo unites the features of what is built together, and
    /// another set would compile nearly all of it again. This program is apart, so that what it
    /// needs stays small.
    pub fn cargo(&self, command: &str) -> Command {
        let mut cargo = self.workspace.cargo();
        cargo
            .args([
                command,
                "--release",
                "--locked",
                "--workspace",
                "--exclude",
                "xtask",
            ])
            .env(RUNTIME_WASM_VARIABLE, &self.runtime_wasm);
        cargo
    }

    /// Builds all binaries.
    ///
    /// # Errors
    /// When one does not compile.
    pub fn binaries(&self) -> anyhow::Result<()> {
        progress("building the binaries");
        run_command(self.cargo("build").arg("--bins"), "building the binaries")?;
        self.dev_chain_spec()
    }

    /// Leaves the development chain's specification beside the node, so that a network starts without
    /// making it: the node runs its whole runtime for it, which takes seconds.
    fn dev_chain_spec(&self) -> anyhow::Result<()> {
        let folder = self.workspace.binaries_dir();
        let (node, file) = (folder.join("phat-node"), folder.join(DEV_CHAIN_SPEC));
        let changed = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified());
        if matches!((changed(&file), changed(&node)), (Ok(file), Ok(node)) if file >= node) {
            return Ok(());
        }
        let output = Command::new(&node)
            .args(["export-chain-spec", "--chain", "dev", "--raw"])
            .stderr(std::process::Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {}", node.display()))?;
        anyhow::ensure!(output.status.success(), "phat-node does not export its chain specification");
        fs::write(&file, output.stdout).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Builds the receipt verifier for browsers and gives its `.wasm`.
    ///
    /// # Errors
    /// When it does not compile.
    pub fn receipt_verifier(&self) -> anyhow::Result<PathBuf> {
        receipt_verifier(self.workspace)
    }

    /// Builds the runtime with the next version's number and gives its packed wasm.
    ///
    /// # Errors
    /// When it does not compile.
    pub fn next_runtime(&self) -> anyhow::Result<PathBuf> {
        let toolchain = toolchain(self.workspace)?;
        progress("building the runtime with the next version's number");
        wasm::build_next_runtime_wasm(self.workspace, &toolchain)
    }

    /// Builds the web console, where Node.js is, and leaves it beside the binaries.
    ///
    /// # Errors
    /// When it does not build.
    pub fn console(&self) -> anyhow::Result<()> {
        console::build(self.workspace, || self.receipt_verifier())
    }

    /// Builds the ballot and gives its `.contract` file.
    ///
    /// # Errors
    /// When it does not compile.
    pub fn ballot(&self) -> anyhow::Result<PathBuf> {
        self.contract(BALLOT)
    }

    /// Builds the journal and gives its `.contract` file.
    ///
    /// # Errors
    /// When it does not compile.
    pub fn journal(&self) -> anyhow::Result<PathBuf> {
        self.contract(JOURNAL)
    }

    /// Builds all example contracts and gives the folder of their `.contract` and `.wasm` files.
    ///
    /// # Errors
    /// When one does not compile.
    pub fn examples(&self) -> anyhow::Result<PathBuf> {
        let mut file = PathBuf::new();
        for folder in EXAMPLES {
            file = self.contract(folder)?;
        }
        file.parent().map(Path::to_owned).context("a contract lies in no folder")
    }

    fn contract(&self, folder: &str) -> anyhow::Result<PathBuf> {
        progress(format!("building the contract in {folder}"));
        let mut options = BuildOptions::new(self.workspace.toolchain_dir());
        options.target_dir = Some(self.workspace.beside_target("contract"));
        options.locked = true;
        let folder = self.workspace.root().join(folder);
        let built = contract_build::build(&folder, &options, &mut |line| eprintln!("{line}"))?;
        Ok(built.contract_file)
    }

    /// Cargo with `command` for a crate of `guest`, each its own workspace, for this machine.
    ///
    /// Its release profile is for wasm: optimised as a whole, which here would cost minutes for nothing.
    pub fn guest_cargo(&self, folder: &str, command: &str) -> Command {
        let mut cargo = self.workspace.cargo();
        cargo
            .current_dir(self.workspace.root().join(folder))
            .args([command, "--release", "--locked"])
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_TARGET_DIR", self.workspace.beside_target("contract"));
        cargo
    }
}

/// Builds the receipt verifier for browsers and gives its `.wasm`.
///
/// # Errors
/// When it does not compile.
pub fn receipt_verifier(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let toolchain = toolchain(workspace)?;
    progress("building the receipt verifier for browsers");
    wasm::build_receipt_verifier(workspace, &toolchain)
}

/// Builds the receipt verifier alone and says where it is.
///
/// # Errors
/// When something needed is missing, or it does not compile.
pub fn run_receipt_verifier(workspace: &Workspace) -> anyhow::Result<()> {
    setup::run()?;
    let wasm = receipt_verifier(workspace)?;
    let bytes = fs::metadata(&wasm).with_context(|| wasm.display().to_string())?.len();
    println!("built {} ({bytes} bytes); client/receipt-verifier/web/verifier.js loads it", wasm.display());
    Ok(())
}

fn toolchain(workspace: &Workspace) -> anyhow::Result<Toolchain> {
    progress("looking for a wasm toolchain (made once if there is none: half a minute)");
    Ok(contract_build::wasm_toolchain(&workspace.toolchain_dir())?)
}
