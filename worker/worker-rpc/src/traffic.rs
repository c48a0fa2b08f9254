//! How many queries are answered.
//!
//! A query costs one addition. Who reads closes the window, once it is long enough to show no single
//! query's time; until the next one is that old, everybody hears of the last.

use crate::Traffic;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The shortest window.
const WINDOW_MIN: Duration = Duration::from_secs(10);

/// Counts.
pub(crate) struct TrafficMeter {
    answered: AtomicU64,
    windows: Mutex<Windows>,
}

/// Since when the open window counts, from which number on, and the last one that was closed.
struct Windows {
    since: Instant,
    from: u64,
    closed: Option<Traffic>,
}

impl Windows {
    fn close(&mut self, now: Instant, answered: u64) -> Option<Traffic> {
        let open = now.saturating_duration_since(self.since);
        if open >= WINDOW_MIN {
            let window_ms = u64::try_from(open.as_millis()).unwrap_or(u64::MAX);
            self.closed = Some(Traffic { window_ms, queries: answered.saturating_sub(self.from) });
            (self.since, self.from) = (now, answered);
        }
        self.closed
    }
}

impl TrafficMeter {
    pub(crate) fn start() -> Self {
        let windows = Windows { since: Instant::now(), from: 0, closed: None };
        Self { answered: AtomicU64::new(0), windows: Mutex::new(windows) }
    }

    pub(crate) fn count(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// The last closed window; none before the first one.
    pub(crate) fn read(&self) -> Option<Traffic> {
        let answered = self.answered.load(Ordering::Relaxed);
        // Nothing panics while it holds the lock.
        self.windows.lock().ok()?.close(Instant::now(), answered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_told_when_it_is_long_enough_and_until_the_next_one() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut windows = Windows { since: start, from: 0, closed: None };
        assert_eq!(windows.close(at(9), 5), None);
        let first = Some(Traffic { window_ms: 10_000, queries: 7 });
        assert_eq!(windows.close(at(10), 7), first);
        assert_eq!(windows.close(at(19), 1000), first);
        assert_eq!(windows.close(at(30), 1007), Some(Traffic { window_ms: 20_000, queries: 1000 }));
    }
}
