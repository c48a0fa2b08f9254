//! How queries and estimates share the processor, and end.
//!
//! Code that computes comes back to the engine each time it has used [`SLICE_FUEL`], so that contracts
//! need no check but that of their fuel. The engine looks at the clock then: it may give the processor
//! to another query, or end this one. Transactions have no slices and no clock.

use std::time::{Duration, Instant};

use crate::outside::Outside;
use crate::stop::Stop;

/// Fuel between two looks at the clock: a fraction of a millisecond for most code, and some 20 ms for
/// code that misses every cache with each instruction that it can.
pub const SLICE_FUEL: u64 = 500_000;
/// Least time between two offers of the processor.
const OFFER: Duration = Duration::from_millis(2);

/// A query's time.
#[derive(Clone)]
pub struct Pace {
    outside: Outside,
    /// When it ends, what it waits for included.
    pub deadline: Instant,
    next_offer: Instant,
}

impl Pace {
    /// Starts now, and ends after `length`.
    pub fn new(outside: Outside, length: Duration) -> Self {
        let now = Instant::now();
        Self {
            outside,
            deadline: now + length,
            next_offer: now + OFFER,
        }
    }

    /// Offers the processor to others if it was kept for a while, which may block.
    ///
    /// # Errors
    /// A limit, where the query must end.
    pub fn checkpoint(&mut self) -> Result<(), Stop> {
        let now = Instant::now();
        if now < self.next_offer {
            return Ok(());
        }
        if !self.outside.capabilities().turn().checkpoint() {
            return Err(ended_by_worker());
        }
        let now = Instant::now();
        self.next_offer = now + OFFER;
        match now < self.deadline {
            true => Ok(()),
            false => Err(Stop::limit(
                "the query had to end: its time was up; let it do less, or ask the cluster's \
                 owner for a longer limit",
            )),
        }
    }

    /// Waits for `wait` without the processor.
    ///
    /// # Errors
    /// A limit, where the query must end.
    pub fn without_processor<R>(&self, wait: impl FnOnce() -> R) -> Result<R, Stop> {
        let turn = self.outside.capabilities().turn();
        turn.pause();
        let waited = wait();
        match turn.resume() {
            true => Ok(waited),
            false => Err(ended_by_worker()),
        }
    }
}

fn ended_by_worker() -> Stop {
    Stop::limit("the query had to end: the worker gave it no more of the processor")
}
