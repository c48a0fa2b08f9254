//! Processes that end with the network.

use crate::DevNetworkError;
use std::{
    fs::{self, File, OpenOptions},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::{Child, Command};

/// How long a process may take to end by itself.
const END_PATIENCE: Duration = Duration::from_secs(4);
/// Lines of a log that an error repeats.
const TAIL_LINES: usize = 12;

/// The programs of a network.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// `phat-node`.
    pub node: PathBuf,
    /// `phat-worker`.
    pub worker: PathBuf,
}

impl Binaries {
    /// The programs in one directory.
    ///
    /// # Errors
    /// When one is missing.
    pub fn in_directory(directory: &Path) -> Result<Self, DevNetworkError> {
        let find = |name: &str| {
            let path = directory.join(name);
            if path.is_file() { Ok(path) } else { Err(DevNetworkError::ProgramMissing(path)) }
        };
        Ok(Self { node: find("phat-node")?, worker: find("phat-worker")? })
    }

    /// The programs beside the one that runs.
    ///
    /// # Errors
    /// When one is missing.
    pub fn beside_this_program() -> Result<Self, DevNetworkError> {
        let this = std::env::current_exe()
            .map_err(|source| DevNetworkError::File { path: PathBuf::from("phat"), source })?;
        Self::in_directory(this.parent().unwrap_or(Path::new(".")))
    }
}

/// Most workers of a network, the gatekeeper among them: what the ports are laid out for.
const WORKERS_MAX: u16 = 4;

/// The ports of a network: consecutive from a base.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    base: u16,
}

impl Ports {
    /// Ports from `base` on: node RPC, node p2p, one for each of four workers, the console.
    pub fn from_base(base: u16) -> Self {
        Self { base }
    }

    /// Of the node's JSON-RPC.
    pub fn rpc(&self) -> u16 {
        self.base
    }

    /// Of the node's p2p listener.
    pub fn p2p(&self) -> u16 {
        self.base.saturating_add(1)
    }

    /// Of the worker at `place`.
    pub fn worker(&self, place: usize) -> u16 {
        self.base.saturating_add(2).saturating_add(place as u16)
    }

    /// Of the console.
    pub fn console(&self) -> u16 {
        self.base.saturating_add(2).saturating_add(WORKERS_MAX)
    }

    /// Whether all are free now.
    pub(crate) fn check_free(&self, workers: usize) -> Result<(), DevNetworkError> {
        let mut wanted =
            vec![(self.rpc(), "the node's RPC".to_owned()), (self.p2p(), "the node".to_owned())];
        wanted.extend((0..workers).map(|place| (self.worker(place), format!("worker {place}"))));
        for (port, what) in wanted {
            if TcpListener::bind(("127.0.0.1", port)).is_err() {
                return Err(DevNetworkError::PortInUse { port, what });
            }
        }
        Ok(())
    }
}

/// A running program with its log.
pub(crate) struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts a program; its output goes to the end of `log`.
    pub(crate) fn start(
        name: &str,
        program: &Path,
        arguments: &[String],
        log: &Path,
    ) -> Result<Self, DevNetworkError> {
        let file_error = |path: &Path| {
            let path = path.to_owned();
            move |source| DevNetworkError::File { path, source }
        };
        let out: File =
            OpenOptions::new().create(true).append(true).open(log).map_err(file_error(log))?;
        let err = out.try_clone().map_err(file_error(log))?;
        let child = Command::new(program)
            .args(arguments)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .kill_on_drop(true)
            .spawn()
            .map_err(file_error(program))?;
        Ok(Self { name: name.to_owned(), log: log.to_owned(), child })
    }

    /// An error if the program has ended.
    pub(crate) fn check_alive(&mut self) -> Result<(), DevNetworkError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(DevNetworkError::Ended {
                program: self.name.clone(),
                status: status.to_string(),
                log: self.log.clone(),
                tail: tail(&self.log),
            }),
            Err(source) => Err(DevNetworkError::File { path: self.log.clone(), source }),
        }
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(mut self) {
        // It may have ended by itself.
        let _ = self.child.kill().await;
    }

    /// Asks it to end, and kills it if it does not.
    pub(crate) async fn stop(mut self) {
        if let Some(id) = self.child.id() {
            // Tokio can only kill; a polite end goes through kill(1).
            let _ = Command::new("kill").arg("-TERM").arg(id.to_string()).status().await;
            if tokio::time::timeout(END_PATIENCE, self.child.wait()).await.is_ok() {
                return;
            }
        }
        let _ = self.child.kill().await;
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
