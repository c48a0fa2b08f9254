//! System packages that the builds need.
//!
//! What is there is found by looking for files, so that asking costs nothing when all is.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use contract_build::WASM_TARGET;

use crate::workspace::{progress, run as run_command};

/// A Debian package, and a file that shows that what it brings is there (from it or from elsewhere).
struct Package {
    name: &'static str,
    /// Of these one must exist: a program on the path, with a leading slash a file, after `python3:` a
    /// module of Python.
    shown_by: &'static [&'static str],
    why: &'static str,
}

/// For the host's code.
const HOST: [Package; 9] = [
    Package {
        name: "gcc",
        shown_by: &["cc"],
        why: "C parts of dependencies, and linking",
    },
    Package {
        name: "libc6-dev",
        shown_by: &["/usr/include/stdio.h"],
        why: "the same",
    },
    Package {
        name: "pkg-config",
        shown_by: &["pkg-config"],
        why: "finding OpenSSL",
    },
    Package {
        name: "libssl-dev",
        shown_by: &[
            "/usr/include/openssl/ssl.h",
            "/usr/local/include/openssl/ssl.h",
            "/opt/homebrew/include/openssl/ssl.h",
        ],
        why: "the node's WebRTC transport",
    },
    Package {
        name: "protobuf-compiler",
        shown_by: &["protoc"],
        why: "the node's network messages",
    },
    Package {
        name: "clang-19",
        shown_by: &[
            "clang-19",
            "/usr/lib/llvm-19/bin/clang",
            "/usr/lib/llvm-22/bin/clang",
        ],
        why: "compiling QuickJS to wasm",
    },
    Package {
        name: "lld-19",
        shown_by: &["/usr/lib/llvm-19/bin/lld", "/usr/lib/llvm-22/bin/lld"],
        why: "linking QuickJS and the runtime",
    },
    Package {
        name: "wasi-libc",
        shown_by: &["/usr/lib/wasm32-wasi/libc.a"],
        why: "the C library that QuickJS has in wasm",
    },
    Package {
        name: "libclang-rt-19-dev-wasm32",
        shown_by: &[
            "/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a",
            "/usr/lib/llvm-22/lib/clang/22/lib/wasi/libclang_rt.builtins-wasm32.a",
        ],
        why: "the same",
    },
];

/// For wasm, where rustup has no such target.
const WASM: [Package; 3] = [
    Package {
        name: "rustc-web",
        shown_by: &["/usr/bin/rustc"],
        why: "compiling to wasm",
    },
    Package {
        name: "cargo-web",
        shown_by: &["/usr/bin/cargo"],
        why: "compiling to wasm",
    },
    Package {
        name: "rust-web-src",
        shown_by: &["/usr/lib/rustlib/src/rust/library/Cargo.toml"],
        why: "the standard library for wasm",
    },
];

/// For tests, the TypeScript SDK and the web console; no other build needs them.
const TESTS: [Package; 4] = [
    Package {
        name: "nodejs",
        shown_by: &["node"],
        why: "the S3 and IPFS servers of the vault's test, the TypeScript SDK, and the web console",
    },
    Package {
        name: "npm",
        shown_by: &["npm"],
        why: "fetching them",
    },
    Package {
        name: "chromium",
        shown_by: &["chromium", "chromium-browser", "google-chrome", "chrome"],
        why: "the tests in a browser",
    },
    Package {
        name: "python3-venv",
        shown_by: &["python3:ensurepip"],
        why: "a client of Substrate chains in Python",
    },
];

/// For networks in namespaces, on which everything goes wrong.
const CHAOS: [Package; 3] = [
    Package {
        name: "iproute2",
        shown_by: &["ip"],
        why: "machines with cables of their own",
    },
    Package {
        name: "nftables",
        shown_by: &["nft"],
        why: "partitions and lost packets",
    },
    Package {
        name: "libfaketime",
        shown_by: &[
            "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
            "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
            "/usr/lib/faketime/libfaketimeMT.so.1",
        ],
        why: "clocks that go wrong",
    },
];

/// Makes sure that everything is there that builds need: installs it as root on Debian, or says what to run.
///
/// # Errors
/// When something is missing and cannot be installed from here.
pub fn run() -> anyhow::Result<()> {
    install(&missing(&[]))
}

/// As [`run`], with what only tests need.
///
/// # Errors
/// As [`run`].
pub fn run_for_tests() -> anyhow::Result<()> {
    install(&missing(&TESTS))
}

/// As [`run`], with what a chaos run needs.
///
/// # Errors
/// As [`run`].
pub fn run_for_chaos() -> anyhow::Result<()> {
    install(&missing(&CHAOS))
}

fn install(missing: &[&Package]) -> anyhow::Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let install = format!(
        "apt-get install --no-install-recommends -y {}",
        names.join(" ")
    );
    if !is_present("apt-get") {
        bail!(
            "the builds need more than is installed:\n{}",
            explain(missing)
        );
    }
    if !is_root()? {
        bail!(
            "the builds need more than is installed:\n{}\nrun this once:\n\n    \
             sudo sh -c 'apt-get update && {install}'\n",
            explain(missing)
        );
    }
    progress(format!("installing {}", names.join(" ")));
    run_command(
        Command::new("apt-get").args(["-q", "update"]),
        "apt-get update",
    )?;
    run_command(
        Command::new("apt-get")
            .args(["-q", "install", "--no-install-recommends", "-y"])
            .args(&names)
            .env("DEBIAN_FRONTEND", "noninteractive"),
        &install,
    )
}

fn missing(more: &'static [Package]) -> Vec<&'static Package> {
    let lacks = |package: &&Package| !package.shown_by.iter().any(|shown_by| is_present(shown_by));
    let mut missing: Vec<&Package> = HOST.iter().chain(more).filter(lacks).collect();
    let wasm: Vec<&Package> = WASM.iter().filter(lacks).collect();
    // Asking rustup takes longer than all the rest, so it is asked last.
    if !wasm.is_empty() && !active_toolchain_has_wasm() {
        missing.extend(wasm);
    }
    missing
}

fn active_toolchain_has_wasm() -> bool {
    let Ok(output) = Command::new("rustc").args(["--print", "sysroot"]).output() else {
        return false;
    };
    let sysroot = String::from_utf8_lossy(&output.stdout);
    Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(WASM_TARGET)
        .join("lib")
        .is_dir()
}

/// See [`Package::shown_by`].
fn is_present(name: &str) -> bool {
    if let Some(module) = name.strip_prefix("python3:") {
        let import = Command::new("python3").args(["-c", &format!("import {module}")]).output();
        return import.is_ok_and(|output| output.status.success());
    }
    if name.starts_with('/') {
        return Path::new(name).exists();
    }
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

fn is_root() -> anyhow::Result<bool> {
    let output = Command::new("id")
        .arg("-u")
        .output()
        .context("cannot run id")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

fn explain(missing: &[&Package]) -> String {
    let mut lines: Vec<String> = missing
        .iter()
        .map(|package| format!("  {} (Debian's name): {}", package.name, package.why))
        .collect();
    if missing.iter().any(|package| package.name == "rustc-web") {
        lines.push(format!(
            "  or, for wasm, with rustup: rustup target add {WASM_TARGET}"
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_explained_with_both_ways_to_wasm() {
        let text = explain(&[&HOST[3], &WASM[0]]);
        assert!(text.contains("libssl-dev"), "{text}");
        assert!(text.contains("rustup target add wasm32v1-none"), "{text}");
    }

    #[test]
    fn programs_are_looked_for_on_the_path_and_files_where_they_are() {
        assert!(is_present("sh"));
        assert!(is_present("/"));
        assert!(!is_present("no-such-program-anywhere"));
        assert!(!is_present("/no/such/file"));
    }
}
