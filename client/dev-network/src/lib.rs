//! A whole network on one machine: one chain node, one gatekeeper, workers. All are the real programs,
//! as separate processes; only the TEE is simulated, and says so.
//!
//! [`Network::start`] makes what a data directory lacks (chain specification, node key, worker build in
//! the allow-list, gatekeeper, cluster) and goes on from what it has. [`Network::stop`], or dropping
//! it, ends every process.

#![deny(missing_docs)]

mod console;
mod process;
mod setup;
mod spec;

pub use console::{CONSOLE_BESIDE_PROGRAMS, Console, Pages};
pub use process::{Binaries, Ports};
pub use spec::SpecChanges;
pub use setup::{Network, NetworkInfo, Options, SLOT_MS, SPEC_BESIDE_NODE, WorkerInfo, WorkerRole};

use std::path::PathBuf;

/// Why a development network does not start.
#[derive(Debug, thiserror::Error)]
pub enum DevNetworkError {
    /// A program is missing.
    #[error("{0} is missing; build the programs with cargo xtask build, or install them beside phat")]
    ProgramMissing(PathBuf),
    /// A port is taken.
    #[error("port {port} for {what} is in use; stop the program that has it, or choose others with --port-base")]
    PortInUse {
        /// The port.
        port: u16,
        /// What it is for.
        what: String,
    },
    /// The data directory is used by another network.
    #[error("the data directory {0} is in use by another phat dev")]
    InUse(PathBuf),
    /// The data directory was made by another version.
    #[error("the data directory {path} was made by another version ({found}); remove it or use another")]
    AnotherVersion {
        /// Which directory.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// A file cannot be used.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A program ended.
    #[error("{program} ended ({status}); the end of its log {log}:\n{tail}")]
    Ended {
        /// Which program.
        program: String,
        /// How.
        status: String,
        /// Its log file.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s; see the logs in {logs}")]
    Timeout {
        /// What.
        what: String,
        /// After how long.
        seconds: u64,
        /// Where the logs are.
        logs: PathBuf,
    },
    /// The chain.
    #[error(transparent)]
    Chain(#[from] client::ChainError),
    /// A worker.
    #[error(transparent)]
    Worker(#[from] client::WorkerError),
}
