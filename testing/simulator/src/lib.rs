//! Many workers, gatekeepers among them, a chain and their hosts, on one seed.
//!
//! Everything is what it is in production but time, wire and disk: the runtime runs natively
//! (`chain`), each worker is a `worker_core::Core` with a `contract_state::StateDb`, evidence is quoted
//! and judged, queries are sealed and opened. The engine alone is small (`executor`), so that what it
//! computes can be foreseen (`model`).
//!
//! A seed decides everything else: which host sees which final block and when, which message is lost,
//! late, doubled or out of order, which process dies in the middle of what, who gets an older disk or a
//! copy of another's, which blocks never become final. After each event `checks` look at what was
//! committed, answered and said. At the end the faults stop, and all that live must serve the same state.
//!
//! The same seed gives the same run: nothing reads a clock, draws entropy or starts a thread.
//!
//! What it does not cover: the light client and its proofs (views are read from final storage, so nothing
//! unproven is ever shown), the HTTP rim, wasmtime, fees and signatures of accounts, and more than one
//! processor in a worker.

#![deny(missing_docs)]

mod chain;
mod checks;
mod disk;
mod events;
mod executor;
mod clients;
mod faults;
mod machine;
mod model;
mod random;
mod snapshots;
mod world;

pub use faults::Weather;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The simulation itself cannot go on: a bug in it, or a runtime that contradicts itself.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

impl Broken {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    pub(crate) fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// A deliberate bug, by which the checkers are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A disk says that it wrote, and did not.
    DiskForgets,
    /// A state from a peer is taken as it came.
    UncheckedSnapshot,
    /// Views do not say that the worker is suspended, and machines compute wrongly.
    SuspensionHidden,
    /// Views repeat a mailbox entry in place of the next.
    EntryRepeated,
    /// Views name a stranger among those who wait for a cluster's seed.
    StrangerWaits,
    /// Processes of one worker draw the same numbers, and so have the same name.
    SameInstance,
    /// Hosts that say that their clock is right show one that stands.
    ClockStands,
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Decides everything.
    pub seed: u64,
    /// Rounds with faults; in most of them there is a block.
    pub rounds: u64,
    /// A deliberate bug.
    pub sabotage: Option<Sabotage>,
    /// How many lines of what happened a failure comes with.
    pub log_lines: usize,
}

impl Options {
    /// A seed with nothing out of the ordinary.
    pub fn of(seed: u64) -> Self {
        Self { seed, rounds: ROUNDS, sabotage: None, log_lines: LOG_LINES }
    }
}

/// Rounds with faults, unless told otherwise.
pub const ROUNDS: u64 = 300;

/// Lines that a failure comes with, unless told otherwise.
pub const LOG_LINES: usize = 400;

/// What a run came to in which everything held.
#[derive(Clone, Debug)]
pub struct Report {
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// Events after which the checkers looked.
    pub steps: u64,
    /// The newest final block.
    pub blocks: u32,
    /// Over everything that happened, for comparing runs.
    pub digest: [u8; 32],
}

/// What a run came to in which something did not hold.
#[derive(Clone, Debug, thiserror::Error)]
#[error("seed {seed}, round {round}: {what}")]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The round.
    pub round: u64,
    /// What did not hold.
    pub what: String,
    /// What happened before, the last of it.
    pub log: Vec<String>,
}

/// Runs one seed.
///
/// # Errors
/// With the first thing that did not hold.
pub fn run(options: &Options) -> Result<Report, Box<Failure>> {
    let failure = |round, what, log| Box::new(Failure { seed: options.seed, round, what, log });
    let mut world =
        world::World::new(*options).map_err(|broken| failure(0, broken.to_string(), Vec::new()))?;
    match catch_unwind(AssertUnwindSafe(|| world.run())) {
        Ok(Ok(())) => Ok(world.report()),
        Ok(Err(broken)) => Err(failure(world.round, broken.to_string(), world.events.last())),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let what = format!("a panic: {}", text.unwrap_or_default());
            Err(failure(world.round, what, world.events.last()))
        }
    }
}
