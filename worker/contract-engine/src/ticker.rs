//! A thread that moves the clock of queries on.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{Engine, EngineError};

/// Ticks an engine's epoch until it is dropped.
pub struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts a thread that calls [`Engine::tick_epoch`] every `period`, until the ticker is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start_ticker(&self, period: Duration) -> Result<Ticker, EngineError> {
        let (stop, stopped) = mpsc::channel::<()>();
        let engine = self.clone();
        let work = move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                engine.tick_epoch();
            }
        };
        let thread = thread::Builder::new()
            .name("engine-ticker".into())
            .spawn(work)
            .map_err(|error| EngineError::Setup(error.to_string()))?;
        Ok(Ticker {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Without its sender the thread's wait ends at once.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}
