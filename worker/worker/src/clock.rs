//! A clock that the host can set, but not hold back.
//!
//! The host's clock says when a query has lapsed and when a final block is too old to answer from. A
//! host that sets it back would have the worker answer from the past for ever. So what counts here never
//! goes back, moves on at least as the monotonic clock does (on TDX that is the processor's own counter,
//! which the host does not control; in SGX the host controls both), and is never before a final block's
//! time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// The clock of one process.
pub struct SteadyClock {
    started: Instant,
    /// What the clock is known to have been at `started`, at least, milliseconds since 1970.
    floor_ms: AtomicU64,
    host: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl SteadyClock {
    /// A clock over the host's.
    pub fn new(host: Arc<dyn Fn() -> u64 + Send + Sync>) -> Self {
        Self { started: Instant::now(), floor_ms: AtomicU64::new(0), host }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since this clock was made, by a clock that nobody sets; in SGX the host's all the same.
    pub fn monotonic_ms(&self) -> u64 {
        self.elapsed_ms()
    }

    /// Learns that it is `now_ms` or later.
    pub fn observe(&self, now_ms: u64) {
        let floor = now_ms.saturating_sub(self.elapsed_ms());
        self.floor_ms.fetch_max(floor, Ordering::Relaxed);
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.observe((self.host)());
        self.floor_ms.load(Ordering::Relaxed).saturating_add(self.elapsed_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_goes_on_and_a_block_moves_it_forward() {
        let host = Arc::new(AtomicU64::new(1_000_000));
        let read = host.clone();
        let clock = SteadyClock::new(Arc::new(move || read.load(Ordering::Relaxed)));
        assert!(clock.now_ms() >= 1_000_000);
        host.store(5_000_000, Ordering::Relaxed);
        assert!(clock.now_ms() >= 5_000_000);
        host.store(10, Ordering::Relaxed);
        assert!(clock.now_ms() >= 5_000_000, "it does not go back");
        clock.observe(9_000_000);
        assert!(clock.now_ms() >= 9_000_000, "no earlier than a final block");
        clock.observe(3);
        assert!(clock.now_ms() >= 9_000_000);
    }
}
