//! Who computes next: a worker's processors, shared among its contracts by weight.
//!
//! [`Scheduler::enter`] lets a query in or refuses it at once. A query that was let in has a processor
//! ([`Entered::Now`]) or waits for one ([`Entered::Later`]). While it computes it calls
//! [`Turn::checkpoint`] every few milliseconds; there its thread is parked when another contract is
//! due, and goes on when it is due itself. [`policy`] decides, this module parks threads and reads
//! clocks.
//!
//! # What is shared
//!
//! Processor time as the operating system counts it for the thread: opening the request, running the
//! contract, making the answer. Contracts that always have something to do get it in proportion to
//! their weights. All contracts of weight 0 have together what one contract of
//! [`policy::FREE_WEIGHT`] has: who makes many contracts gets no more of it. A contract that has
//! nothing to do leaves its share to the others, and is owed nothing for that.
//!
//! # What is left over
//!
//! A [`Spare`] turn computes only while there are fewer queries than processors, and counts nowhere: no
//! query ever waits for it. A worker measures itself that way.
//!
//! # What is bounded
//!
//! How many queries may be here, for each contract and together ([`Settings`]). When all places are
//! taken, a contract that has few for its weight gets one from the contract that has most: a flood on
//! one contract is refused to those who flood. No query waits longer than [`Settings::wait_max`] for
//! a processor.
//!
//! # Limits
//!
//! Code that computes for long without a checkpoint keeps its processor. What is done before the
//! contract is known (reading the request, opening the envelope) is charged to it, but not held back.

#![deny(missing_docs)]

mod clock;
pub mod policy;
mod spare;

pub use clock::run_thread_last;
pub use policy::{Totals, Usage};
pub use spare::Spare;

use executor_api::Turn;
use policy::{Bounds, Policy, Standing, Ticket};
use primitives::ContractId;
use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Queries of one contract that a worker takes at once; of one without a weight, half of that.
pub const FLOW_PRESENT_MAX: usize = 64;
/// Queries of all contracts that a worker takes at once. Each may hold a thread, and an instance of
/// the contract engine, which has more of them than this.
pub const PRESENT_MAX: usize = 192;
/// Longest wait for a processor.
pub const WAIT_MAX: Duration = Duration::from_secs(30);

const _: () = assert!(FLOW_PRESENT_MAX < PRESENT_MAX);

/// Why a query is not taken, or not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The contract has all the queries it may have.
    #[error(
        "this contract has {limit} queries at this worker already, the most that one contract may have: wait for answers before asking more, or ask another worker of the cluster"
    )]
    ContractBusy {
        /// The limit.
        limit: usize,
    },
    /// The worker has all the queries it takes.
    #[error(
        "this worker has {limit} queries already, the most it takes at once, and this contract has no fewer of them than its share: ask another worker of the cluster, or later"
    )]
    WorkerBusy {
        /// The limit.
        limit: usize,
    },
    /// No processor came free in time.
    #[error(
        "the query waited {waited_ms} ms for its contract's share of the processors, the longest that one may wait: ask another worker of the cluster, or later"
    )]
    WaitedTooLong {
        /// The limit, milliseconds.
        waited_ms: u64,
    },
}

/// How a scheduler is set up.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Processors to share; at least 1.
    pub processors: usize,
    /// Queries of one contract at once.
    pub flow_present_max: usize,
    /// Queries at once.
    pub present_max: usize,
    /// Longest wait for a processor, each time.
    pub wait_max: Duration,
}

impl Settings {
    /// All processors of this machine, and the bounds named in this crate.
    pub fn for_this_machine() -> Self {
        Self {
            processors: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            flow_present_max: FLOW_PRESENT_MAX,
            present_max: PRESENT_MAX,
            wait_max: WAIT_MAX,
        }
    }
}

/// Measures the processor time of the thread it was made on.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started_ns: u64,
}

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        Self { started_ns: clock::thread_ns() }
    }

    /// Processor time since the start, nanoseconds. To be asked on the thread that started it.
    pub fn elapsed_ns(&self) -> u64 {
        clock::thread_ns().saturating_sub(self.started_ns)
    }
}

struct Shared {
    policy: Mutex<Policy>,
    /// One for each ticket that there can be.
    seats: Box<[Condvar]>,
    wait_max: Duration,
    present_max: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Policy> {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those for whom something changed.
    fn wake(&self, policy: &mut Policy) {
        for ticket in policy.take_changed() {
            if let Some(seat) = self.seats.get(ticket.0) {
                seat.notify_one();
            }
        }
    }

    fn wait(&self, ticket: Ticket) -> Result<(), Refused> {
        let mut policy = self.lock();
        if policy.standing(ticket) == Standing::Running {
            return Ok(());
        }
        let too_long =
            Refused::WaitedTooLong { waited_ms: self.wait_max.as_millis().try_into().unwrap_or(u64::MAX) };
        let until = Instant::now() + self.wait_max;
        loop {
            match policy.standing(ticket) {
                Standing::Running => return Ok(()),
                Standing::Evicted => return Err(Refused::WorkerBusy { limit: self.present_max }),
                Standing::Waiting | Standing::Paused => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            let Some(seat) = self.seats.get(ticket.0).filter(|_| !left.is_zero()) else {
                return Err(too_long);
            };
            policy = seat
                .wait_timeout(policy, left)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(policy, _)| policy);
        }
    }
}

/// Shares a worker's processors. Cloning it gives another handle to the same.
#[derive(Clone)]
pub struct Scheduler {
    shared: Arc<Shared>,
}

/// A query that was let in.
pub enum Entered {
    /// It has a processor, and is to go on with this thread.
    Now(Hold),
    /// It waits for one.
    Later(Entry),
}

impl Scheduler {
    /// Nobody is here.
    pub fn new(settings: Settings) -> Self {
        let bounds = Bounds {
            processors: settings.processors,
            flow_present_max: settings.flow_present_max,
            present_max: settings.present_max,
        };
        Self {
            shared: Arc::new(Shared {
                policy: Mutex::new(Policy::new(bounds)),
                seats: (0..bounds.tickets_max()).map(|_| Condvar::new()).collect(),
                wait_max: settings.wait_max,
                present_max: settings.present_max,
            }),
        }
    }

    /// A query of `contract` arrives, for which this thread has worked since `stopwatch`. Never
    /// blocks.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn enter(
        &self,
        contract: &ContractId,
        weight: u32,
        stopwatch: Stopwatch,
    ) -> Result<Entered, Refused> {
        let mut policy = self.shared.lock();
        let entered = policy.enter(contract, weight);
        self.shared.wake(&mut policy);
        let ticket = entered?;
        let entry = Entry { seat: Some((self.shared.clone(), ticket)) };
        if policy.standing(ticket) == Standing::Running {
            drop(policy);
            return Ok(entry.hold(stopwatch.started_ns).map_or_else(Entered::Later, Entered::Now));
        }
        policy.charge(ticket, stopwatch.elapsed_ns());
        Ok(Entered::Later(entry))
    }

    /// Charges `contract` for work that was done for it without a hold.
    pub fn charge(&self, contract: &ContractId, used_ns: u64) {
        self.shared.lock().charge_flow(contract, used_ns);
    }

    /// What `contract` has used, if it is remembered.
    pub fn usage(&self, contract: &ContractId) -> Option<Usage> {
        self.shared.lock().usage(contract)
    }

    /// What all contracts have used.
    pub fn totals(&self) -> Totals {
        self.shared.lock().totals()
    }

    /// Processors that are shared.
    pub fn processors(&self) -> usize {
        self.shared.lock().processors()
    }

    /// A turn for work that no query waits for: see [`Spare`].
    pub fn spare(&self, place: usize) -> Spare {
        Spare::new(self.shared.clone(), place)
    }

    /// Queries here: waiting, running and paused.
    pub fn present(&self) -> usize {
        self.shared.lock().present()
    }

    /// Queries that hold a processor.
    pub fn running(&self) -> usize {
        self.shared.lock().running()
    }
}

/// A query that waits for a processor; it leaves when this is dropped.
pub struct Entry {
    /// `None` once it has become a hold.
    seat: Option<(Arc<Shared>, Ticket)>,
}

impl Entry {
    /// Blocks until it has a processor, which is then this thread's.
    ///
    /// # Errors
    /// When it waited too long, or had to make room for another contract.
    pub fn wait(self) -> Result<Hold, Refused> {
        if let Some((shared, ticket)) = &self.seat {
            shared.wait(*ticket)?;
        }
        self.hold(clock::thread_ns())
            .map_err(|_| Refused::WorkerBusy { limit: 0 })
    }

    fn hold(mut self, since_ns: u64) -> Result<Hold, Self> {
        match self.seat.take() {
            Some((shared, ticket)) => {
                Ok(Hold { shared, ticket, since_ns: AtomicU64::new(since_ns) })
            }
            None => Err(self),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some((shared, ticket)) = self.seat.take() {
            let mut policy = shared.lock();
            policy.leave(ticket, 0);
            shared.wake(&mut policy);
        }
    }
}

/// A query's hold on a processor; given back when this is dropped.
///
/// It belongs to one thread: what is charged is that thread's processor time.
pub struct Hold {
    shared: Arc<Shared>,
    ticket: Ticket,
    /// Up to where the thread's processor time has been charged, nanoseconds.
    since_ns: AtomicU64,
}

impl Hold {
    fn used_ns(&self) -> u64 {
        let now_ns = clock::thread_ns();
        now_ns.saturating_sub(self.since_ns.swap(now_ns, Ordering::Relaxed))
    }
}

impl Turn for Hold {
    fn checkpoint(&self) -> bool {
        let used_ns = self.used_ns();
        let mut policy = self.shared.lock();
        policy.checkpoint(self.ticket, used_ns);
        self.shared.wake(&mut policy);
        if policy.standing(self.ticket) == Standing::Running {
            return true;
        }
        drop(policy);
        self.shared.wait(self.ticket).is_ok()
    }

    fn pause(&self) {
        let used_ns = self.used_ns();
        let mut policy = self.shared.lock();
        policy.pause(self.ticket, used_ns);
        self.shared.wake(&mut policy);
    }

    fn resume(&self) -> bool {
        let mut policy = self.shared.lock();
        policy.resume(self.ticket);
        self.shared.wake(&mut policy);
        if policy.standing(self.ticket) == Standing::Running {
            return true;
        }
        drop(policy);
        self.shared.wait(self.ticket).is_ok()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let used_ns = self.used_ns();
        let mut policy = self.shared.lock();
        policy.leave(self.ticket, used_ns);
        self.shared.wake(&mut policy);
    }
}
