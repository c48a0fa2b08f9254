//! `phat-chaos`: a whole network of real processes in network namespaces, a load whose outcome is known, and
//! faults drawn from a seed.
//!
//! A run makes its own namespaces (network, mounts, processes), so it needs root, and nothing of it is left
//! when it ends, however it ends. It fails if a command that was accepted is lost or run twice, if an answer is
//! wrong, if the workers' states part, if a lie is not named, or if service does not come back in time after the
//! last fault. Times are measured and reported, with a generous bound, since machines differ.

mod faults;
mod lan;
mod lie;
mod load;
mod machine;
mod network;
mod oracle;
mod plan;
mod report;
mod rotation;
mod run;
mod watch;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Set inside of the run's own namespaces.
const INSIDE_VARIABLE: &str = "PHAT_CHAOS_INSIDE";
/// Programs of the system, with the Debian package of each.
const TOOLS: [(&str, &str); 6] = [
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("nft", "nftables"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
];

#[derive(Debug, Parser)]
#[command(name = "phat-chaos", version)]
struct Arguments {
    #[command(subcommand)]
    command: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Run a network through faults.
    Run(RunArguments),
    /// Be a worker that lies; a run starts it.
    #[command(hide = true)]
    Liar(lie::LiarArguments),
}

/// How to run.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Directory of phat, phat-node and phat-worker.
    #[arg(long, value_name = "DIRECTORY")]
    binaries: PathBuf,
    /// The journal contract, built.
    #[arg(long, value_name = "FILE")]
    journal: PathBuf,
    /// Where the report and, with --keep, logs and disks go.
    #[arg(long, value_name = "DIRECTORY")]
    out: PathBuf,
    /// What faults are drawn from; a random one by default.
    #[arg(long)]
    seed: Option<u64>,
    /// Minutes of load and faults.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Three gatekeepers and one cluster, in place of five and two.
    #[arg(long)]
    small: bool,
    /// Keep logs and disks, also of a run that passes.
    #[arg(long)]
    keep: bool,
    /// Seconds after the last fault, or a single one, within which all must be back.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    back_within: u64,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Job::Liar(arguments) => block_on(lie::lie(arguments)).map(|()| true),
        Job::Run(arguments) if env::var_os(INSIDE_VARIABLE).is_some() => {
            block_on(run::run(&arguments))
        }
        Job::Run(arguments) => go_inside(&arguments.out),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

/// Runs this program again, in namespaces of its own.
fn go_inside(out: &Path) -> Result<bool> {
    for (tool, package) in TOOLS {
        let paths = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&paths).any(|folder| folder.join(tool).is_file());
        ensure!(
            found,
            "{tool} is missing: install {package} (Debian's name)"
        );
    }
    if !is_root()? {
        bail!("network namespaces and mounts need root: run this as root");
    }
    fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let status = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
        ])
        .arg(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(INSIDE_VARIABLE, "1")
        .status()
        .context("unshare cannot be run")?;
    Ok(status.success())
}

fn is_root() -> Result<bool> {
    let output = Command::new("id")
        .arg("-u")
        .output()
        .context("id cannot be run")?;
    Ok(output.stdout.trim_ascii() == b"0")
}
