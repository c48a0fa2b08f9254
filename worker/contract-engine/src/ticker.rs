//! The clock of queries: it ticks while queries run, and sleeps while there are none.
//!
//! Code compiled for contracts looks at wasmtime's epoch at each turn of a loop and each call. When
//! the epoch has moved on, the engine gets a word in: it may give the processor to another query, or
//! end this one ([`crate::execution::Execution::checkpoint`]).

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two ticks.
const TICK: Duration = Duration::from_millis(2);
/// Ticks without any query after which the clock falls asleep. Waking it costs a query some
/// microseconds, so it waits for the next one a while.
const IDLE_TICKS_MAX: u32 = 50;

#[derive(Default)]
struct Shared {
    /// Queries that run.
    running: AtomicU32,
    /// Whether the thread waits to be woken. Changes under the lock alone.
    asleep: AtomicBool,
    ended: Mutex<bool>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next tick, or for a query while there is none; `false` when the clock ends.
    fn wait(&self, idle_ticks: u32) -> bool {
        let ended = self.lock();
        let ended = if idle_ticks < IDLE_TICKS_MAX {
            let waited = self
                .changed
                .wait_timeout_while(ended, TICK, |ended| !*ended);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            self.asleep.store(true, Ordering::SeqCst);
            // A query that came before this line is counted, one that comes after it sees `asleep`.
            let waited = self.changed.wait_while(ended, |ended| {
                !*ended && self.running.load(Ordering::SeqCst) == 0
            });
            self.asleep.store(false, Ordering::SeqCst);
            waited.unwrap_or_else(PoisonError::into_inner)
        };
        !*ended
    }
}

/// Ticks an engine's epoch until it is dropped.
pub struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Keeps the clock awake.
pub struct Awake<'a>(&'a Shared);

impl Ticker {
    /// Starts the clock, asleep.
    pub fn start(engine: wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let clock = Arc::clone(&shared);
        let work = move || {
            let mut idle_ticks = IDLE_TICKS_MAX;
            while clock.wait(idle_ticks) {
                engine.increment_epoch();
                idle_ticks = match clock.running.load(Ordering::SeqCst) {
                    0 => idle_ticks.saturating_add(1),
                    _ => 0,
                };
            }
        };
        let thread = thread::Builder::new()
            .name("engine-ticker".into())
            .spawn(work)?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Sees to it that the clock ticks until the result is dropped.
    pub fn keep_awake(&self) -> Awake<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            // The lock is what makes sure that the thread waits already, or has not yet looked.
            let _ended = self.shared.lock();
            self.shared.changed.notify_all();
        }
        Awake(&self.shared)
    }
}

impl Drop for Awake<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        *self.shared.lock() = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}
