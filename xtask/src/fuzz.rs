//! Fuzzing: every target for its share of some minutes.
//!
//! Targets are built without a sanitizer: the code under them is Rust that has next to no `unsafe`, and
//! address sanitizer does not get along with the address space that wasmtime reserves.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use crate::workspace::{Workspace, progress, run as run_command};

/// Minutes for all targets together, where none are given.
const MINUTES: u64 = 10;
/// The least time of a target, seconds.
const TARGET_SECONDS_MIN: u64 = 10;
/// An input that takes longer has found something, seconds.
const INPUT_SECONDS_MAX: u32 = 20;
/// Memory above which an input has found something, MiB.
const MEMORY_MIB_MAX: u32 = 4096;
/// Longest input, bytes.
const INPUT_BYTES_MAX: u32 = 16 * 1024;

/// What `cargo xtask fuzz` was asked for.
struct Wanted {
    minutes: u64,
    target: Option<String>,
}

/// Runs the fuzz targets. What fails is kept in `fuzz/regressions`, where tests run it from then on.
///
/// # Errors
/// When a target finds something, or cannot be built.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    let wanted = read(arguments)?;
    let folder = workspace.root().join("fuzz");
    let targets = targets(&folder, wanted.target.as_deref())?;
    prepare_tools(workspace)?;
    progress("building the fuzz targets");
    run_command(
        fuzz(workspace).args(["build", "--sanitizer", "none"]),
        "building the fuzz targets",
    )?;
    let seconds = share(wanted.minutes, targets.len());
    let mut found = Vec::new();
    for target in targets {
        progress(format!("fuzzing {target} for {seconds} s"));
        let status = fuzz_target(workspace, &folder, &target, seconds)?
            .status()
            .with_context(|| format!("cannot run the target {target}"))?;
        if !status.success() {
            found.push(target);
        }
    }
    ensure!(
        found.is_empty(),
        "found something in {}; the inputs are in fuzz/regressions, and `cargo test --release -p \
         fuzz-checks` fails until it is repaired",
        found.join(", ")
    );
    Ok(())
}

fn read(arguments: &[String]) -> anyhow::Result<Wanted> {
    let mut wanted = Wanted {
        minutes: MINUTES,
        target: None,
    };
    let mut arguments = arguments.iter();
    while let Some(option) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{option} needs a value"))
        };
        match option.as_str() {
            "--minutes" => {
                let minutes = value()?;
                wanted.minutes = minutes
                    .parse()
                    .with_context(|| format!("`{minutes}` is no number of minutes"))?;
            }
            "--target" => wanted.target = Some(value()?.clone()),
            other => bail!("there is no option `{other}`; there are --minutes N and --target NAME"),
        }
    }
    Ok(wanted)
}

/// Seconds for each of `targets` targets.
fn share(minutes: u64, targets: usize) -> u64 {
    let seconds = minutes.saturating_mul(60) / (targets as u64).max(1);
    seconds.max(TARGET_SECONDS_MIN)
}

/// The targets in `folder`, or the one that is wanted.
fn targets(folder: &Path, wanted: Option<&str>) -> anyhow::Result<Vec<String>> {
    let sources = folder.join("fuzz_targets");
    let mut targets = Vec::new();
    for entry in
        fs::read_dir(&sources).with_context(|| format!("cannot read {}", sources.display()))?
    {
        let path = entry?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            targets.push(name.to_owned());
        }
    }
    targets.sort();
    if let Some(wanted) = wanted {
        ensure!(
            targets.iter().any(|target| target == wanted),
            "there is no target `{wanted}`; there are {}",
            targets.join(", ")
        );
        targets.retain(|target| target == wanted);
    }
    Ok(targets)
}

/// Looks for the nightly compiler, whose instrumentation fuzzing needs, and gets cargo-fuzz.
fn prepare_tools(workspace: &Workspace) -> anyhow::Result<()> {
    let works = |command: &mut Command| {
        let status = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    ensure!(
        works(workspace.cargo().args(["+nightly", "--version"])),
        "fuzzing needs the nightly compiler; get it with `rustup toolchain install nightly --profile \
         minimal`"
    );
    if !works(workspace.cargo().args(["fuzz", "--version"])) {
        progress("installing cargo-fuzz");
        run_command(
            workspace.cargo().args(["install", "--locked", "cargo-fuzz"]),
            "installing cargo-fuzz",
        )?;
    }
    Ok(())
}

/// cargo-fuzz, with a target folder beside that of the other builds.
fn fuzz(workspace: &Workspace) -> Command {
    let mut command = workspace.cargo();
    command
        .env("CARGO_TARGET_DIR", workspace.beside_target("fuzz"))
        .args(["+nightly", "fuzz"]);
    command
}

/// One target: it starts from the seeds, adds to its corpus, and puts what fails among the regressions.
fn fuzz_target(
    workspace: &Workspace,
    folder: &Path,
    target: &str,
    seconds: u64,
) -> anyhow::Result<Command> {
    let of_target = |kind: &str| -> anyhow::Result<PathBuf> {
        let path = folder.join(kind).join(target);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    };
    // libFuzzer puts the name of a file behind this as it is.
    let mut artifacts = OsString::from("-artifact_prefix=");
    artifacts.push(of_target("regressions")?);
    artifacts.push("/");
    let mut command = fuzz(workspace);
    command
        .args(["run", "--sanitizer", "none", target])
        .arg(of_target("corpus")?)
        .arg(of_target("seeds")?)
        .arg("--")
        .arg(artifacts)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg("-print_final_stats=1");
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_are_read_and_others_refused() {
        let wanted = read(&arguments("--minutes 3 --target wire")).unwrap();
        assert_eq!((wanted.minutes, wanted.target.as_deref()), (3, Some("wire")));
        assert_eq!(read(&[]).unwrap().minutes, MINUTES);
        for bad in ["--minutes", "--minutes many", "--hours 2"] {
            assert!(read(&arguments(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn time_is_shared_and_nobody_gets_none() {
        assert_eq!(share(10, 8), 75);
        assert_eq!(share(0, 8), TARGET_SECONDS_MIN);
    }

    #[test]
    fn the_targets_are_those_of_the_folder() {
        let folder = Path::new("../fuzz");
        assert!(targets(folder, None).unwrap().len() > 5);
        assert_eq!(targets(folder, Some("wire")).unwrap(), ["wire"]);
        assert!(targets(folder, Some("nothing")).is_err());
    }
}
