//! Builds the runtime's wasm with one direct cargo call, and packs it as nodes expect.
//!
//! `substrate-wasm-builder` is not used: it compiles all of Binaryen, and writes a larger blob.
//!
//! `dcap-qvl` declares itself a dynamic and a static library besides a Rust one; cargo builds all
//! kinds of a dependency, and those two cannot be linked for wasm. A compiler wrapper, written beside the build's
//! artefacts, leaves them out for that crate alone.

use anyhow::{Context as _, bail};
use contract_build::Toolchain;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::{Workspace, run as run_command};

/// Says that what follows is compressed with zstd: the prefix of Substrate's `sp-maybe-compressed-blob`.
const COMPRESSED_PREFIX: [u8; 8] = [82, 188, 83, 118, 70, 219, 142, 5];
/// How hard zstd tries; higher takes long for nothing.
const ZSTD_LEVEL: i32 = 19;
/// What the wasm needs that a Rust build for this target does not do by itself: the cfg by which
/// `sp-io` brings allocator and panic handler, and what a Substrate executor imports and exports.
const RUSTFLAGS: &str = "--cfg substrate_runtime -C link-arg=--export-table \
    -C link-arg=--import-memory -C link-arg=--export=__heap_base";

/// Compiler wrapper: `$1` is the compiler, the rest are its arguments.
const WRAPPER: &str = r#"#!/bin/sh
# Leaves out library kinds of dcap_qvl that cannot be linked for wasm. Written by xtask.
case " $* " in
*" --crate-name dcap_qvl "*) ;;
*) exec "$@" ;;
esac
compiler=$1
shift
count=$#
while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    count=$((count - 1))
    case $argument in
    extra-filename=*) suffix=${argument#extra-filename=} ;;
    --out-dir) folder=$1 ;;
    esac
    if [ "$argument" = --crate-type ] && { [ "$1" = cdylib ] || [ "$1" = staticlib ]; }; then
        shift
        count=$((count - 1))
    else
        set -- "$@" "$argument"
    fi
done
"$compiler" "$@" || exit
# Cargo compiles again what lacks a file that it expects; nobody reads these.
if [ -n "${folder-}" ]; then
    : >"$folder/dcap_qvl.wasm"
    : >"$folder/dcap_qvl${suffix-}.wasm"
    : >"$folder/libdcap_qvl${suffix-}.a"
fi
"#;

/// Builds the workspace's runtime and packs it; gives the packed file, which belongs
/// into `PHAT_RUNTIME_WASM` when the node is built. Does nothing that is done: cargo decides what to
/// compile, and the packed file is written only when it changes.
///
/// # Errors
/// When cargo fails, or a file cannot be read or written.
pub fn build_runtime_wasm(workspace: &Workspace, toolchain: &Toolchain) -> anyhow::Result<PathBuf> {
    let target_dir = workspace.beside_target("wasm");
    let built = build_wasm(workspace, toolchain, "runtime", &target_dir, RUSTFLAGS, None, None)?;
    pack(&built, &target_dir.join("runtime.compact.compressed.wasm"))
}

/// Builds the runtime with the next version's number, for rehearsals of an upgrade, and packs it.
///
/// The built file has one name whatever it is built of, and cargo would take one for the other; so this is
/// done in a copy of the runtime's build folder, made of hard links, in which all dependencies are ready.
///
/// # Errors
/// As [`build_runtime_wasm`], which must have run.
pub fn build_next_runtime_wasm(
    workspace: &Workspace,
    toolchain: &Toolchain,
) -> anyhow::Result<PathBuf> {
    let (of, copy) = (workspace.beside_target("wasm"), workspace.beside_target("wasm-next"));
    let packed = of.join("runtime-next.compact.compressed.wasm");
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let present = of.join("runtime.compact.compressed.wasm");
    if matches!((modified(&packed), modified(&present)), (Ok(next), Ok(now)) if next > now) {
        return Ok(packed);
    }
    if copy.exists() {
        fs::remove_dir_all(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;
    }
    run_command(
        Command::new("cp").args(["--archive", "--link"]).arg(&of).arg(&copy),
        "copying the runtime's build folder",
    )?;
    // What cargo rewrites in place must not be a link: the original's would change with it, and cargo would
    // then take old code for new.
    for part in [Path::new("wasm").to_owned(), Path::new(toolchain.target()).join("wasm")] {
        let (original, own) = (of.join(&part), copy.join(&part));
        let fingerprints = own.join(".fingerprint");
        fs::remove_dir_all(&fingerprints)
            .with_context(|| format!("cannot remove {}", fingerprints.display()))?;
        run_command(
            Command::new("cp").arg("--archive").arg(original.join(".fingerprint")).arg(&own),
            "copying cargo's fingerprints",
        )?;
        for lock in [".cargo-lock", ".cargo-build-lock", ".cargo-artifact-lock"] {
            let lock = own.join(lock);
            if lock.exists() {
                fs::remove_file(&lock)
                    .with_context(|| format!("cannot remove {}", lock.display()))?;
            }
        }
    }
    let built = copy.join(toolchain.target()).join("wasm");
    for file in [built.join("runtime.wasm"), built.join("deps/runtime.wasm")] {
        // Not through the link: the original stays as it is.
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    let built = build_wasm(
        workspace,
        toolchain,
        "runtime",
        &copy,
        RUSTFLAGS,
        Some("next-version"),
        None,
    )?;
    pack(&built, &packed)
}

/// Builds the receipt verifier for browsers and gives its `.wasm`.
///
/// # Errors
/// When cargo fails, or a file cannot be written.
pub fn build_receipt_verifier(
    workspace: &Workspace,
    toolchain: &Toolchain,
) -> anyhow::Result<PathBuf> {
    // Other flags than the runtime's, so a folder of its own: each would compile again what the other did.
    let target_dir = workspace.beside_target("wasm-verifier");
    let (rustflags, opt_level) = ("-C strip=symbols", "s");
    build_wasm(workspace, toolchain, "receipt-verifier", &target_dir, rustflags, None, Some(opt_level))
}

fn build_wasm(
    workspace: &Workspace,
    toolchain: &Toolchain,
    package: &str,
    target_dir: &Path,
    rustflags: &str,
    features: Option<&str>,
    opt_level: Option<&str>,
) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(target_dir)
        .with_context(|| format!("cannot make {}", target_dir.display()))?;
    let wrapper = write_wrapper(target_dir)?;
    let mut cargo = toolchain.cargo();
    if let Some(opt_level) = opt_level {
        cargo.env("CARGO_PROFILE_WASM_OPT_LEVEL", opt_level);
    }
    let status = cargo
        .current_dir(workspace.root())
        .args([
            "rustc",
            "--locked",
            "-p",
            package,
            "--lib",
            "--crate-type",
            "cdylib",
        ])
        .args(features.map(|features| format!("--features={features}")))
        .args([
            "--profile",
            "wasm",
            "--no-default-features",
            "--target",
            toolchain.target(),
        ])
        .env("CARGO_TARGET_DIR", target_dir)
        .env("RUSTC_WRAPPER", &wrapper)
        .env("RUSTFLAGS", rustflags)
        .status()
        .with_context(|| format!("cannot run cargo for the wasm of {package}"))?;
    if !status.success() {
        bail!("the wasm of {package} does not build ({status}); see cargo's messages above");
    }
    let file = format!("{}.wasm", package.replace('-', "_"));
    Ok(target_dir.join(toolchain.target()).join("wasm").join(file))
}

fn write_wrapper(target_dir: &Path) -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = target_dir.join("rustc-wrapper.sh");
    write_if_changed(&path, WRAPPER.as_bytes())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", path.display()))?;
    Ok(path)
}

/// Packs `wasm` into `packed`, unless that is newer already.
fn pack(wasm: &Path, packed: &Path) -> anyhow::Result<PathBuf> {
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let built_at =
        modified(wasm).with_context(|| format!("cargo did not write {}", wasm.display()))?;
    if modified(packed).is_ok_and(|packed_at| packed_at > built_at) {
        return Ok(packed.to_owned());
    }
    let bytes = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let compressed = zstd::encode_all(bytes.as_slice(), ZSTD_LEVEL).context("zstd failed")?;
    write_if_changed(packed, &[&COMPRESSED_PREFIX[..], &compressed].concat())?;
    Ok(packed.to_owned())
}

/// Leaves a file alone that has these bytes, so that what depends on it is not built again.
fn write_if_changed(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    // In one step: another process may be reading.
    let new = path.with_extension("new");
    fs::write(&new, bytes)
        .and_then(|()| fs::rename(&new, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
