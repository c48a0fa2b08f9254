//! Keeps connections served while queries keep their threads.
//!
//! Of a runtime's threads one waits for the sockets. When it finds a request it answers it, and no other
//! thread is woken to wait in its place: that is what makes short queries cheap. When the query turns
//! out to be long, nobody looks at the sockets. This thread sees that nothing was finished for a
//! while, and wakes another one.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};
use tokio::runtime::Handle;

/// How long a query may run before another thread is woken to wait for the sockets, at least; at most
/// twice that.
const LONG: Duration = Duration::from_millis(1);
/// Looks without a query before the watching rests.
const IDLE_LOOKS: u32 = 50;
/// How often it looks whether it is still wanted while it rests.
const REST: Duration = Duration::from_secs(1);

/// What is counted of queries on the runtime's own threads.
#[derive(Default)]
pub(crate) struct Watched {
    running: AtomicUsize,
    finished: AtomicUsize,
    resting: AtomicBool,
    watcher: OnceLock<Thread>,
}

/// A query on a thread of the runtime.
pub(crate) struct Running<'a>(&'a Watched);

impl Watched {
    /// A query begins, unless `max` run already.
    pub(crate) fn begin(&self, max: usize) -> Option<Running<'_>> {
        if self.running.fetch_add(1, Ordering::SeqCst) >= max {
            self.running.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        if self.resting.load(Ordering::SeqCst)
            && let Some(watcher) = self.watcher.get()
        {
            watcher.unpark();
        }
        Some(Running(self))
    }

    #[expect(clippy::disallowed_methods, reason = "a look every so often is what this thread is for")]
    fn watch(&self, runtime: &Handle) {
        let mut idle_looks = 0;
        while idle_looks < IDLE_LOOKS {
            let finished = self.finished.load(Ordering::Relaxed);
            thread::sleep(LONG);
            if self.running.load(Ordering::Relaxed) == 0 {
                idle_looks += 1;
                continue;
            }
            idle_looks = 0;
            if self.finished.load(Ordering::Relaxed) == finished {
                // Whichever thread takes this finds nothing to do and waits for the sockets.
                drop(runtime.spawn(async {}));
            }
        }
        self.resting.store(true, Ordering::SeqCst);
        if self.running.load(Ordering::SeqCst) == 0 {
            thread::park_timeout(REST);
        }
        self.resting.store(false, Ordering::SeqCst);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.finished.fetch_add(1, Ordering::Relaxed);
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Watches until `watched` is dropped elsewhere.
pub(crate) fn start(watched: &Arc<Watched>, runtime: Handle) -> std::io::Result<()> {
    let weak = Arc::downgrade(watched);
    let thread = thread::Builder::new().name("http-watch".to_owned()).spawn(move || {
        while let Some(watched) = weak.upgrade() {
            watched.watch(&runtime);
        }
    })?;
    let _first = watched.watcher.set(thread.thread().clone());
    Ok(())
}
