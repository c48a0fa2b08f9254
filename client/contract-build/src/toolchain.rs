//! A toolchain that compiles to [`WASM_TARGET`].
//!
//! Where rustup has the target for the active toolchain, that one is used. Elsewhere Debian's
//! `rustc-web` is: it ships the standard library's source, from which a sysroot for the target is
//! built once (half a minute, 50 MB) into a folder laid out like a toolchain. After that no unstable
//! flag is needed: cargo and rustc behave as if the target had been installed.
//!
//! Other targets will not do: the library compiled for `wasm32-unknown-unknown` uses instructions
//! after WebAssembly 1.0, which the contract engine refuses.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{BuildError, cargo};

/// The target that contracts and the chain's runtime are compiled for: WebAssembly 1.0, no system.
pub const WASM_TARGET: &str = "wasm32v1-none";

/// Where Debian puts its compiler.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
/// Where Debian puts the standard library's source, below the sysroot.
const LIBRARY_SOURCE: &str = "lib/rustlib/src/rust/library/Cargo.toml";
/// Releases of LLVM whose linker may be used, newest first.
const LLVM_RELEASES: [u32; 5] = [22, 21, 20, 19, 18];
/// Written last into a made toolchain: it is whole.
const COMPLETE: &str = "complete";

const SEED_MANIFEST: &str = "[package]\nname = \"seed\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
    [workspace]\n\n[profile.release]\npanic = \"abort\"\n";
const SEED_SOURCE: &str = "#![no_std]\nextern crate alloc;\n";

/// A cargo and rustc that compile to [`WASM_TARGET`].
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The folder of a made toolchain; `None` for the active one.
    made: Option<PathBuf>,
    rustc_version: String,
}

impl Toolchain {
    /// Cargo, set up to use this toolchain; free of the variables of an outer cargo.
    pub fn cargo(&self) -> Command {
        match &self.made {
            None => cargo::without_outer_build(Command::new("cargo")),
            Some(dir) => {
                let mut command =
                    cargo::without_outer_build(Command::new(dir.join("bin").join("cargo")));
                command
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env("RUSTC", dir.join("bin").join("rustc"));
                command
            }
        }
    }

    /// What to give cargo as `--target`.
    pub fn target(&self) -> &'static str {
        WASM_TARGET
    }

    /// The compiler's version, such as `1.96.0`.
    pub fn rustc_version(&self) -> &str {
        &self.rustc_version
    }
}

/// Finds a toolchain for [`WASM_TARGET`], or makes one in `cache_dir`.
///
/// Safe to call from many processes at once: they wait for the one that makes it. A second call finds
/// it made.
///
/// # Errors
/// [`BuildError::ToolchainMissing`] with what to install; [`BuildError::Compile`] when the standard
/// library does not build; [`BuildError::Io`] when the folder cannot be written.
pub fn wasm_toolchain(cache_dir: &Path) -> Result<Toolchain, BuildError> {
    wasm_toolchain_with(cache_dir, &mut |_| ())
}

pub(crate) fn wasm_toolchain_with(
    cache_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Toolchain, BuildError> {
    if let Some(toolchain) = active() {
        return Ok(toolchain);
    }
    let debian = Debian::find()?;
    std::fs::create_dir_all(cache_dir).map_err(BuildError::io("cannot make", cache_dir))?;
    let cache_dir = cache_dir
        .canonicalize()
        .map_err(BuildError::io("cannot open", cache_dir))?;
    let dir = cache_dir.join(format!("wasm-toolchain-{}", debian.release));
    let toolchain = Toolchain {
        made: Some(dir.clone()),
        rustc_version: debian.release.clone(),
    };
    if dir.join(COMPLETE).is_file() {
        return Ok(toolchain);
    }
    let lock_path = cache_dir.join("wasm-toolchain.lock");
    let lock = File::create(&lock_path).map_err(BuildError::io("cannot write", &lock_path))?;
    lock.lock()
        .map_err(BuildError::io("cannot lock", &lock_path))?;
    if !dir.join(COMPLETE).is_file() {
        progress("making a wasm toolchain, once (about half a minute)");
        debian.make(&dir, progress)?;
    }
    Ok(toolchain)
}

/// The active toolchain, if it has the target.
fn active() -> Option<Toolchain> {
    let sysroot = text_of("rustc", ["--print", "sysroot"])?;
    let library = Path::new(&sysroot)
        .join("lib/rustlib")
        .join(WASM_TARGET)
        .join("lib");
    let has_core = std::fs::read_dir(library).ok()?.flatten().any(|file| {
        let name = file.file_name();
        name.to_string_lossy().starts_with("libcore-")
    });
    let version = verbose_field(&text_of("rustc", ["-vV"])?, "release")?;
    has_core.then_some(Toolchain {
        made: None,
        rustc_version: version,
    })
}

/// Debian's `rustc-web`, `cargo-web`, `rust-web-src` and `lld`.
struct Debian {
    release: String,
    host: String,
    sysroot: PathBuf,
    lld: PathBuf,
}

impl Debian {
    fn find() -> Result<Self, BuildError> {
        let missing = |what: &str| BuildError::ToolchainMissing {
            missing: what.into(),
        };
        let verbose = text_of(DEBIAN_RUSTC, ["-vV"]).ok_or_else(|| {
            missing("the active toolchain lacks it, and there is no /usr/bin/rustc")
        })?;
        if !Path::new(DEBIAN_CARGO).is_file() {
            return Err(missing("there is no /usr/bin/cargo"));
        }
        let sysroot = text_of(DEBIAN_RUSTC, ["--print", "sysroot"])
            .map(PathBuf::from)
            .filter(|sysroot| sysroot.join(LIBRARY_SOURCE).is_file())
            .ok_or_else(|| missing("the source of the standard library is not installed"))?;
        let lld = LLVM_RELEASES
            .iter()
            .map(|release| PathBuf::from(format!("/usr/lib/llvm-{release}/bin/lld")))
            .find(|lld| lld.is_file())
            .ok_or_else(|| missing("the linker lld is not installed"))?;
        let field = |name| {
            verbose_field(&verbose, name).ok_or_else(|| missing("rustc does not say what it is"))
        };
        Ok(Self {
            release: field("release")?,
            host: field("host")?,
            sysroot,
            lld,
        })
    }

    /// Makes the toolchain in `dir`. The caller holds the lock.
    fn make(&self, dir: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), BuildError> {
        if dir.exists() {
            std::fs::remove_dir_all(dir).map_err(BuildError::io("cannot clear", dir))?;
        }
        let host_dir = dir.join("lib/rustlib").join(&self.host);
        let library = dir.join("lib/rustlib").join(WASM_TARGET).join("lib");
        let seed = dir.join("seed");
        for made in [
            &dir.join("bin"),
            &host_dir.join("bin"),
            &library,
            &seed.join("src"),
        ] {
            std::fs::create_dir_all(made).map_err(BuildError::io("cannot make", made))?;
        }
        let compiled = self.compile_library(&seed, progress)?;
        copy_library(&compiled, &library)?;
        let rustlib = self
            .sysroot
            .join("lib/rustlib")
            .join(&self.host)
            .join("lib");
        link(&rustlib, &host_dir.join("lib"))?;
        // The name that rustc looks for: no linker has to be named in the builds.
        link(&self.lld, &host_dir.join("bin/rust-lld"))?;
        link(Path::new(DEBIAN_CARGO), &dir.join("bin/cargo"))?;
        write_script(&dir.join("bin/rustc"), &rustc_script(dir))?;
        std::fs::remove_dir_all(&seed).map_err(BuildError::io("cannot clear", &seed))?;
        let complete = dir.join(COMPLETE);
        std::fs::write(&complete, &self.release).map_err(BuildError::io("cannot write", &complete))
    }

    /// Compiles `core` and `alloc` for the target; returns the folder they are in.
    fn compile_library(
        &self,
        seed: &Path,
        progress: &mut dyn FnMut(&str),
    ) -> Result<PathBuf, BuildError> {
        for (path, text) in [("Cargo.toml", SEED_MANIFEST), ("src/lib.rs", SEED_SOURCE)] {
            let path = seed.join(path);
            std::fs::write(&path, text).map_err(BuildError::io("cannot write", &path))?;
        }
        let target_dir = seed.join("target");
        let mut command = cargo::without_outer_build(Command::new(DEBIAN_CARGO));
        command
            .current_dir(seed)
            .env_remove("RUSTUP_TOOLCHAIN")
            .env("RUSTC", DEBIAN_RUSTC)
            // Building the standard library is an unstable feature; only here is it used.
            .env("RUSTC_BOOTSTRAP", "1")
            // Link-time optimisation needs the bitcode.
            .env("RUSTFLAGS", "-Cembed-bitcode=yes")
            .args([
                "build",
                "--release",
                "-Zbuild-std=core,alloc",
                "--target",
                WASM_TARGET,
            ])
            .arg("--target-dir")
            .arg(&target_dir);
        cargo::run(command, "building the wasm toolchain", progress)?;
        Ok(target_dir.join(WASM_TARGET).join("release/deps"))
    }
}

fn copy_library(from: &Path, to: &Path) -> Result<(), BuildError> {
    let files = std::fs::read_dir(from).map_err(BuildError::io("cannot read", from))?;
    for file in files.flatten() {
        let name = file.file_name();
        let text = name.to_string_lossy();
        let wanted = ["libcore-", "liballoc-", "libcompiler_builtins-"];
        if text.ends_with(".rlib") && wanted.iter().any(|start| text.starts_with(start)) {
            let to = to.join(&name);
            std::fs::copy(file.path(), &to).map_err(BuildError::io("cannot write", &to))?;
        }
    }
    Ok(())
}

/// A shell script, as rustc has no variable for its sysroot. The folder is quoted for the shell.
fn rustc_script(dir: &Path) -> String {
    let quoted = dir.display().to_string().replace('\'', r"'\''");
    format!("#!/bin/sh\nexec {DEBIAN_RUSTC} --sysroot '{quoted}' \"$@\"\n")
}

fn link(to: &Path, at: &Path) -> Result<(), BuildError> {
    std::os::unix::fs::symlink(to, at).map_err(BuildError::io("cannot write", at))
}

fn write_script(path: &Path, text: &str) -> Result<(), BuildError> {
    use std::os::unix::fs::PermissionsExt as _;
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::write(path, text)
        .and_then(|()| std::fs::set_permissions(path, executable))
        .map_err(BuildError::io("cannot write", path))
}

/// The output of a program, without the line end; `None` if it fails.
fn text_of<const N: usize>(program: impl AsRef<OsStr>, arguments: [&str; N]) -> Option<String> {
    let command = cargo::without_outer_build(Command::new(program));
    let output = { command }.args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A field of `rustc -vV`.
fn verbose_field(text: &str, name: &str) -> Option<String> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .map(|value| value.trim().to_owned())
}
