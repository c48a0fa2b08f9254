//! A script runs on a thread of its own, and its caller's thread keeps the time.
//!
//! Of its own, because how much stack the caller has left is unknown: running out of native stack
//! would end the process. The caller's thread moves the engine's epoch on, which interrupts the
//! script, and answers for the query's turn.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Instant;

use contract_abi::script::JsValue;
use executor_api::ScriptBounds;

use crate::guest::Guest;
use crate::input::Input;
use crate::limits::{NATIVE_STACK_BYTES, NATIVE_STACK_RESERVE_BYTES, TICK};

/// Why a script that runs was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    #[error("the script's time is up")]
    Deadline,
    #[error("the query was told to end")]
    Told,
}

enum Event {
    /// May the script go on?
    Checkpoint,
    Done(JsValue),
}

/// The script's side.
pub struct Pace {
    deadline: Instant,
    checked: Instant,
    events: SyncSender<Event>,
    answers: Receiver<bool>,
}

impl Pace {
    /// Called at interruptions; `Err` ends the script.
    pub fn check(&mut self) -> Result<(), Stop> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(Stop::Deadline);
        }
        // Every running script moves the one epoch on.
        if now.duration_since(self.checked) < TICK {
            return Ok(());
        }
        let may_go_on =
            self.events.send(Event::Checkpoint).is_ok() && self.answers.recv().unwrap_or(false);
        // The wait for a turn may have been long.
        self.checked = Instant::now();
        if may_go_on { Ok(()) } else { Err(Stop::Told) }
    }
}

/// Runs `input` and keeps its time.
///
/// # Errors
/// What is to be said instead of a value.
pub fn run(guest: Arc<Guest>, input: Input, bounds: &ScriptBounds<'_>) -> Result<JsValue, String> {
    // A script sends one event and waits, or ends: one place is enough.
    let (events, happened) = mpsc::sync_channel(1);
    let (answer, answers) = mpsc::sync_channel(1);
    let pace = Pace {
        deadline: bounds.deadline,
        checked: Instant::now(),
        events: events.clone(),
        answers,
    };
    let engine = guest.engine().clone();
    let memory_bytes_max = bounds.memory_bytes_max;
    let script = move || {
        let value = guest.run(&input, memory_bytes_max, pace);
        // Nobody listens if the caller panicked.
        let _heard = events.send(Event::Done(value));
    };
    thread::Builder::new()
        .name("script".into())
        .stack_size(NATIVE_STACK_BYTES + NATIVE_STACK_RESERVE_BYTES)
        .spawn(script)
        .map_err(|error| format!("no thread for the script: {error}"))?;
    loop {
        match happened.recv_timeout(TICK) {
            Ok(Event::Done(value)) => return Ok(value),
            Ok(Event::Checkpoint) => {
                let _heard = answer.send(bounds.turn.checkpoint());
            }
            Err(RecvTimeoutError::Timeout) => engine.increment_epoch(),
            Err(RecvTimeoutError::Disconnected) => {
                return Err("a bug in the engine ended the script".into());
            }
        }
    }
}
