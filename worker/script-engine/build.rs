//! Compiles QuickJS and its shim to WebAssembly, which `src/guest.rs` embeds.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Names another clang; it must be 19 or later and able to link WebAssembly.
const CLANG_VARIABLE: &str = "PHAT_WASM_CLANG";
/// Where Debian and others have it, best first.
const CLANGS: [&str; 4] = [
    "clang-19",
    "/usr/lib/llvm-19/bin/clang",
    "/usr/lib/llvm-22/bin/clang",
    "clang",
];
const PACKAGES: &str = "clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32";
/// Of QuickJS; the shim includes `quickjs.c` itself.
const SOURCES: [&str; 3] = ["libregexp.c", "libunicode.c", "dtoa.c"];
const FLAGS: [&str; 17] = [
    "--target=wasm32-wasi",
    "-O2",
    "-std=gnu11",
    // Nothing is linked but what is named here: no start files, which would look for a `main`.
    "-nostartfiles",
    "-Wl,--no-entry",
    "-Wl,--strip-all",
    // The stack comes first in memory, so that running out of it traps; `src/guest.rs` knows its
    // size.
    "-Wl,--stack-first",
    "-Wl,-z,stack-size=1048576",
    "-mbulk-memory",
    "-mnontrapping-fptoint",
    "-msign-ext",
    "-D_GNU_SOURCE",
    // What goes wrong is contained by the sandbox; checks of every step would cost for nothing.
    "-DNDEBUG",
    // A switch instead of computed jumps, which WebAssembly does not have.
    "-DEMSCRIPTEN=1",
    "-Wno-c23-extensions",
    "-Wno-implicit-const-int-float-conversion",
    "-Werror=implicit-function-declaration",
];

#[expect(
    clippy::disallowed_methods,
    reason = "nothing is open; an exit code would print a second message"
)]
fn main() {
    println!("cargo::rerun-if-changed=guest");
    println!("cargo::rerun-if-changed=quickjs");
    println!("cargo::rerun-if-env-changed={CLANG_VARIABLE}");
    if let Err(message) = build() {
        // One line each: cargo shows them after the failure.
        for line in message.lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}

fn build() -> Result<(), String> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let output = PathBuf::from(variable("OUT_DIR")?).join("quickjs.wasm");
    let clang = find_clang()?;
    let mut command = Command::new(&clang);
    command
        .args(FLAGS)
        .arg("-I")
        .arg(root.join("quickjs"))
        .arg(root.join("guest/shim.c"))
        .args(SOURCES.map(|source| root.join("quickjs").join(source)))
        .arg("-o")
        .arg(&output);
    let ran = command
        .output()
        .map_err(|error| format!("cannot run {}: {error}", clang.display()))?;
    if !ran.status.success() {
        return Err(format!(
            "{} cannot compile QuickJS to WebAssembly; on Debian it needs: {PACKAGES}\n{}",
            clang.display(),
            String::from_utf8_lossy(&ran.stderr)
        ));
    }
    check(&output)
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"))
}

fn find_clang() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os(CLANG_VARIABLE) {
        return Ok(named.into());
    }
    CLANGS
        .iter()
        .find(|clang| {
            Command::new(clang)
                .arg("--version")
                .output()
                .is_ok_and(|ran| ran.status.success())
        })
        .map(PathBuf::from)
        .ok_or_else(|| {
            format!(
                "no clang: QuickJS is compiled from C to WebAssembly. On Debian run\n\
                 apt-get install --no-install-recommends -y {PACKAGES}\n\
                 or let {CLANG_VARIABLE} name a clang 19 or later that links WebAssembly"
            )
        })
}

/// A module that wants more of the host than the clock must not get as far as a worker.
fn check(module: &Path) -> Result<(), String> {
    let bytes = fs::read(module).map_err(|error| error.to_string())?;
    let wasi = b"wasi_snapshot_preview1";
    if bytes.windows(wasi.len()).any(|window| window == wasi) {
        return Err(
            "the compiled QuickJS imports system calls: guest/shim.c must replace \
                    whatever of libc asks for them"
                .into(),
        );
    }
    Ok(())
}
