//! Programs to run, ports to run them on, and the list of what held.

use anyhow::{Context, Result, bail, ensure};
use std::{
    env,
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::Command;

/// How long a program that should end may run; far beyond what any needs.
const PROGRAM_PATIENCE: Duration = Duration::from_secs(60);
/// How long something that must come may take.
pub const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// The programs under test.
pub struct Tools {
    pub binaries: PathBuf,
    pub ballot: PathBuf,
    /// The runtime with the next version's number, packed; where there is none, no upgrade is rehearsed.
    pub next_runtime: Option<PathBuf>,
}

impl Tools {
    /// Finds them, or says how to get them.
    pub fn find() -> Result<Self> {
        let binaries = match env::var_os("PHAT_BINARIES") {
            Some(directory) => PathBuf::from(directory),
            None => {
                let this = env::current_exe()?;
                let deps = this.parent().context("this test lies in no directory")?;
                deps.parent()
                    .context("this test lies in no target directory")?
                    .to_owned()
            }
        };
        let ballot = match env::var_os("PHAT_BALLOT_CONTRACT") {
            Some(file) => PathBuf::from(file),
            None => PathBuf::from("../../guest/examples/ballot/target/ink/ballot.contract"),
        };
        let programs =
            ["phat", "phat-node", "phat-worker", "phat-replay"].map(|name| binaries.join(name));
        for file in programs.iter().chain([&ballot]) {
            ensure!(
                file.is_file(),
                "{} is missing: run cargo xtask build first",
                file.display()
            );
        }
        let next_runtime = env::var_os("PHAT_NEXT_RUNTIME").map(PathBuf::from);
        Ok(Self { binaries, ballot, next_runtime })
    }

    pub fn phat(&self) -> PathBuf {
        self.binaries.join("phat")
    }

    pub fn worker(&self) -> PathBuf {
        self.binaries.join("phat-worker")
    }
}

/// How a program ended, and what it printed.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// It ended with `code` and printed `text`, on whichever output.
    pub fn expect(&self, code: i32, text: &str) -> Result<()> {
        ensure!(
            self.code == Some(code),
            "exit code {code} was expected: {self:?}"
        );
        ensure!(
            self.out.contains(text) || self.err.contains(text),
            "{text:?} was expected: {self:?}"
        );
        ensure!(!self.err.contains("panicked"), "it panicked: {self:?}");
        Ok(())
    }

    /// Standard output is one JSON value, and nothing is on standard error.
    pub fn json(&self) -> Result<serde_json::Value> {
        ensure!(
            self.err.is_empty(),
            "with --json there is text on standard error: {self:?}"
        );
        serde_json::from_str(&self.out).with_context(|| format!("not one JSON value: {self:?}"))
    }
}

/// A program of ours, with a home of its own and none of the caller's settings.
pub fn command(program: &Path, arguments: &[&str], home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(home)
        .env("PHAT_HOME", home)
        .env("RUST_BACKTRACE", "0")
        .env_remove("PHAT_NODE")
        .env_remove("PHAT_GENESIS")
        .env_remove("PHAT_NETWORK")
        .env_remove("PHAT_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a program to its end.
pub async fn run(program: &Path, arguments: &[&str], home: &Path) -> Result<Ran> {
    let output = command(program, arguments, home).output();
    let output = tokio::time::timeout(PROGRAM_PATIENCE, output)
        .await
        .with_context(|| format!("{} {arguments:?} does not end", program.display()))??;
    Ok(Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The first of `count` consecutive ports that are free now.
pub fn free_ports(count: u16) -> Result<u16> {
    for _ in 0..100 {
        let first = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let all = (0..count).map(|step| first.checked_add(step));
        let held: Option<Vec<TcpListener>> = all
            .map(|port| TcpListener::bind(("127.0.0.1", port?)).ok())
            .collect();
        if held.is_some() {
            return Ok(first);
        }
    }
    bail!("no {count} consecutive ports are free")
}

/// Looks until there is something to see, within [`PATIENCE`].
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        ensure!(
            started.elapsed() < PATIENCE,
            "{what}: not within {} s",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(POLL).await;
    }
}

/// What held and what did not.
pub struct Report {
    started: Instant,
    failed: Vec<String>,
}

impl Report {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            failed: Vec::new(),
        }
    }

    /// Prints past the test harness, which would keep it to itself.
    pub fn say(&self, text: &str) {
        let seconds = self.started.elapsed().as_secs_f32();
        let _ = writeln!(std::io::stderr(), "[{seconds:6.1} s] {text}");
    }

    pub fn note(&mut self, name: &str, held: Result<()>) {
        match held {
            Ok(()) => self.say(&format!("ok    {name}")),
            Err(error) => {
                self.say(&format!("FAIL  {name}: {error:#}"));
                self.failed.push(format!("{name}: {error:#}"));
            }
        }
    }

    pub fn end(self, stage: &crate::stage::Stage) -> Result<()> {
        if self.failed.is_empty() {
            return Ok(());
        }
        stage.show_logs();
        bail!(
            "{} checks did not hold:\n{}",
            self.failed.len(),
            self.failed.join("\n")
        )
    }
}
