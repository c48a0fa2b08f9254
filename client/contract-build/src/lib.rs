//! Builds the source of an ink! contract into a `.contract` file, without cargo-contract.
//!
//! A `.contract` file is JSON: what the wasm is (`source`: hash, language, compiler, the bytes in
//! hex), who wrote it (`contract`), and ink!'s own metadata, version 5 (`spec`, `storage`, `types`,
//! `version`). Wallets, explorers and SDKs read it; the layout is that of ink!'s metadata crate and
//! cargo-contract.
//!
//! The steps of [`build`]:
//!
//! 1. ask cargo about the package: its name, and which ink! it uses;
//! 2. find or make a toolchain that compiles to `wasm32v1-none` ([`wasm_toolchain`]);
//! 3. compile the contract's library to wasm, and leave out what it says about zeros;
//! 4. compile and run a generated program, linked to the same library for this machine, that prints
//!    the metadata ink! generated into it;
//! 5. write the `.contract` and the `.wasm` file.
//!
//! # Trust
//! Building runs the contract's build scripts and macros with the user's rights, as any cargo build
//! does: build only sources that you would also run.
//!
//! # Limits
//! ink! 4 and 5. wasm-opt is not used: the engine compiles with its own optimiser, and the few
//! kilobytes saved are not worth another tool.

#![deny(missing_docs)]

mod cargo;
mod metadata;
mod package;
mod project;
mod slim;
mod toolchain;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use blake2::Digest as _;
use serde::Serialize;
use serde_json::{Map, Value};

pub use project::{NAME_BYTES_MAX, ProjectError, Template, create as create_project};
pub use toolchain::{Toolchain, WASM_TARGET, wasm_toolchain};

use package::Package;

/// The stack of a contract, bytes. ink!'s own default; recursion deeper than this traps.
const STACK_BYTES: u32 = 64 * 1024;
/// Most memory of a contract, bytes: four times what ink!'s tools give, as a contract that fetches has larger
/// things in hand and ink!'s allocator frees nothing. A cluster may allow less.
const MEMORY_BYTES_MAX: u32 = 4 * 1024 * 1024;
/// The variable that ink! 5 takes the size of its static buffer from, as it is compiled.
const BUFFER_VARIABLE: &str = "INK_STATIC_BUFFER_SIZE";
/// The size of ink!'s static buffer, bytes, unless the environment has another: everything that crosses the
/// contract's border goes through it, HTTP responses too. ink!'s own default is 16 KiB.
const BUFFER_BYTES: u32 = 256 * 1024;
/// Sizes of the buffer that may be asked for: the least is ink!'s own, the most leaves memory to work in.
const BUFFER_BYTES_ALLOWED: std::ops::RangeInclusive<u32> = 16 * 1024..=2 * 1024 * 1024;

/// What to build and where to.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Where a toolchain that had to be made is kept. Shared between contracts and runs.
    pub cache_dir: PathBuf,
    /// Where cargo keeps what it compiled; `None` for `target` in the contract's folder.
    pub target_dir: Option<PathBuf>,
    /// Where the result goes; `None` for `ink` below the target folder.
    pub output_dir: Option<PathBuf>,
    /// Refuse to change the contract's `Cargo.lock`.
    pub locked: bool,
}

impl BuildOptions {
    /// Default options with a cache folder.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            target_dir: None,
            output_dir: None,
            locked: false,
        }
    }
}

/// What a build made.
#[derive(Clone, Debug)]
pub struct BuildArtifact {
    /// The package's name.
    pub name: String,
    /// The `.contract` file.
    pub contract_file: PathBuf,
    /// The `.wasm` file: the same bytes as in the `.contract` file.
    pub wasm_file: PathBuf,
    /// The contract's code.
    pub wasm: Vec<u8>,
    /// Blake2b-256 of the code: its code hash on chain.
    pub code_hash: [u8; 32],
}

/// Why a contract was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no cargo.
    #[error("cargo was not found; install Rust from https://rustup.rs")]
    CargoMissing,
    /// No compiler for wasm, and none can be made from what is installed.
    #[error(
        "no compiler for {WASM_TARGET} ({missing}); run `rustup target add {WASM_TARGET}`, or on \
         Debian `apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld-19`"
    )]
    ToolchainMissing {
        /// What was looked for and not found.
        missing: String,
    },
    /// The folder has no readable manifest.
    #[error("{path} is not a cargo package: {reason}")]
    NotAPackage {
        /// The folder.
        path: PathBuf,
        /// What cargo said.
        reason: String,
    },
    /// The package is not an ink! contract.
    #[error("{name} is not an ink! contract that can be built: {reason}")]
    NotAContract {
        /// The package.
        name: String,
        /// What it lacks, and the cure.
        reason: String,
    },
    /// The compiler refused the source.
    #[error("{step} failed:\n{output}")]
    Compile {
        /// What was being done.
        step: &'static str,
        /// The end of what the compiler wrote.
        output: String,
    },
    /// The size of ink!'s buffer is none.
    #[error(
        "{BUFFER_VARIABLE} is {given:?}; give bytes from {} to {}, or unset it",
        BUFFER_BYTES_ALLOWED.start(), BUFFER_BYTES_ALLOWED.end()
    )]
    BufferSize {
        /// What the environment has.
        given: String,
    },
    /// The generated metadata is not what ink! writes.
    #[error("the metadata of {name} cannot be read: {reason}")]
    Metadata {
        /// The package.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{doing} {path}")]
    Io {
        /// What was attempted, as a verb: `cannot read`, `cannot write`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl BuildError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}

/// The `source` part of a `.contract` file.
#[derive(Serialize)]
struct Source {
    hash: String,
    language: String,
    compiler: String,
    wasm: String,
}

/// The `contract` part of a `.contract` file.
#[derive(Serialize)]
struct Contract<'a> {
    name: &'a str,
    version: &'a str,
    authors: &'a [String],
}

/// A `.contract` file; ink!'s metadata stands beside the two parts.
#[derive(Serialize)]
struct ContractFile<'a> {
    source: Source,
    contract: Contract<'a>,
    image: Option<()>,
    #[serde(flatten)]
    metadata: Map<String, Value>,
}

/// Builds the contract whose `Cargo.toml` is in `manifest_dir`. Each line of `progress` is for people;
/// compiler output goes there too.
///
/// Builds that share a target folder wait for each other, as cargo's do.
///
/// # Errors
/// See [`BuildError`]. Nothing is written to the output folder on failure.
pub fn build(
    manifest_dir: &Path,
    options: &BuildOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<BuildArtifact, BuildError> {
    let manifest_dir = manifest_dir
        .canonicalize()
        .map_err(BuildError::io("cannot open", manifest_dir))?;
    let package = package::inspect(&manifest_dir, options.locked)?;
    let toolchain = toolchain::wasm_toolchain_with(&options.cache_dir, progress)?;
    let target_dir = options
        .target_dir
        .clone()
        .unwrap_or_else(|| manifest_dir.join("target"));
    let output_dir = options
        .output_dir
        .clone()
        .unwrap_or_else(|| target_dir.join("ink"));

    progress(&format!(
        "compiling {} {} to wasm",
        package.name, package.version
    ));
    let wasm = compile_wasm(&package, &toolchain, &target_dir, options.locked, progress)?;
    progress(&format!("generating the metadata of {}", package.name));
    let metadata = metadata::generate(&package, &toolchain, &target_dir, progress)?;

    let code_hash = blake2b_256(&wasm);
    let file = ContractFile {
        source: Source {
            hash: prefixed_hex(&code_hash),
            language: format!("ink! {}", package.ink.version),
            compiler: format!("rustc {}", toolchain.rustc_version()),
            wasm: prefixed_hex(&wasm),
        },
        contract: Contract {
            name: &package.name,
            version: &package.version,
            authors: &package.authors,
        },
        image: None,
        metadata,
    };
    let json = serde_json::to_vec(&file).map_err(|error| BuildError::Metadata {
        name: package.name.clone(),
        reason: error.to_string(),
    })?;
    std::fs::create_dir_all(&output_dir).map_err(BuildError::io("cannot make", &output_dir))?;
    let contract_file = output_dir.join(format!("{}.contract", package.name));
    let wasm_file = output_dir.join(format!("{}.wasm", package.name));
    write_whole(&wasm_file, &wasm)?;
    write_whole(&contract_file, &json)?;
    progress(&format!(
        "wrote {} ({} bytes of wasm)",
        contract_file.display(),
        wasm.len()
    ));
    Ok(BuildArtifact {
        name: package.name,
        contract_file,
        wasm_file,
        wasm,
        code_hash,
    })
}

fn compile_wasm(
    package: &Package,
    toolchain: &Toolchain,
    target_dir: &Path,
    locked: bool,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    let buffer_bytes = buffer_bytes()?.to_string();
    let mut command: Command = toolchain.cargo();
    command
        .current_dir(&package.dir)
        .env(BUFFER_VARIABLE, &buffer_bytes)
        // Cargo does not know that ink! reads the variable: a flag that nothing else reads makes
        // it compile ink! again when the size changes.
        .arg("--config")
        .arg(format!(
            "target.{}.rustflags = ['--cfg', 'ink_static_buffer_size=\"{buffer_bytes}\"']",
            toolchain.target()
        ))
        .args([
            "rustc",
            "--lib",
            "--crate-type",
            "cdylib",
            "--release",
            "--no-default-features",
        ])
        .args(["--target", toolchain.target()])
        .arg("--target-dir")
        .arg(target_dir)
        .args(locked.then_some("--locked"))
        .arg("--")
        .arg(format!("-Clink-arg=-zstack-size={STACK_BYTES}"))
        .arg(format!("-Clink-arg=--max-memory={MEMORY_BYTES_MAX}"))
        .args(["-Clink-arg=--import-memory", "-Cstrip=symbols"]);
    cargo::run(command, "compiling the contract to wasm", progress)?;
    let path = target_dir
        .join(toolchain.target())
        .join("release")
        .join(format!("{}.wasm", package.lib_name));
    let wasm = std::fs::read(&path).map_err(BuildError::io("cannot read", &path))?;
    // A module that is not understood is left as it is: whoever runs it judges it.
    Ok(slim::slim(&wasm).unwrap_or(wasm))
}

/// The size of ink!'s static buffer: the environment's, or the default.
fn buffer_bytes() -> Result<u32, BuildError> {
    let Some(given) = std::env::var_os(BUFFER_VARIABLE) else {
        return Ok(BUFFER_BYTES);
    };
    let given = given.to_string_lossy().into_owned();
    match given.parse() {
        Ok(bytes) if BUFFER_BYTES_ALLOWED.contains(&bytes) => Ok(bytes),
        _ => Err(BuildError::BufferSize { given }),
    }
}

/// Writes beside the target first, so that a reader never sees half a file.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let part = path.with_extension(format!("part-{}", std::process::id()));
    std::fs::write(&part, bytes).map_err(BuildError::io("cannot write", &part))?;
    std::fs::rename(&part, path).map_err(BuildError::io("cannot write", path))
}

fn blake2b_256(bytes: &[u8]) -> [u8; 32] {
    blake2::Blake2b::<blake2::digest::consts::U32>::digest(bytes).into()
}

fn prefixed_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
