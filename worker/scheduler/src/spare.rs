//! Work on processors that no query wants.

use crate::Shared;
use executor_api::Turn;
use std::{sync::Arc, time::Duration};

/// How long a thread rests before it looks again whether there is a processor for it. Nothing waits for such
/// work, so nobody is to pay for waking it.
const REST: Duration = Duration::from_millis(5);

/// The turn of a thread that computes only on a processor that no query has.
///
/// Such threads have places from 0. The one at place `p` computes while more than `p` processors are free, so that each
/// query that comes stops one of them at its next checkpoint. Until then the operating system prefers the query:
/// see [`crate::run_thread_last`].
pub struct Spare {
    shared: Arc<Shared>,
    place: usize,
}

impl Spare {
    pub(crate) fn new(shared: Arc<Shared>, place: usize) -> Self {
        Self { shared, place }
    }

    /// Whether there is a processor for this thread now.
    pub fn has_processor(&self) -> bool {
        let policy = self.shared.lock();
        policy.running().saturating_add(self.place) < policy.processors()
    }
}

impl Turn for Spare {
    fn checkpoint(&self) -> bool {
        while !self.has_processor() {
            std::thread::sleep(REST);
        }
        true
    }

    fn pause(&self) {}

    fn resume(&self) -> bool {
        self.checkpoint()
    }
}
