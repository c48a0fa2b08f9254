//! Mining: showing the chain that this machine is there, and how fast it is.
//!
//! The chain **challenges** a session now and then; its worker answers, by a signed message that repeats what the
//! challenge said ([`Miner::follow`]). An answer counts after its deadline too. One that fits no challenge any more
//! is void, and the chain lets it into no block: it is dropped ([`is_void`]), or every message behind it would
//! wait for ever.
//!
//! A **benchmark** says what the machine computes in a while. Whoever runs it counts rounds in the [`Gauge`], while
//! [`Gauge::is_wanted`]; here it is decided when, and from what a score is made. A process measures once when it
//! starts, and again when the chain's figure is half as old as it may get.
//!
//! The same count goes on while a session computes and its worker serves no cluster: the chain holds it against
//! the score. Who serves a cluster has a full score anyway, and computes for contracts.
//!
//! # Whose time
//!
//! A benchmark is dated by final blocks, since the host sets all clocks but that of the chain. But a block tells
//! its time when it comes, not when it was made. So the count is corrected by the monotonic clock, which the processor
//! keeps in TDX and the host in SGX: by how much longer the window took on it. A clock that ran slow must not
//! make the machine fast: the correction upwards is at most [`CORRECTION_MAX`].
//!
//! # What contracts take
//!
//! Nothing is taken from them: rounds run on processors that no query wants. The processor time that queries used in
//! the window counts as if rounds had run in it, at the pace at which they ran in the rest.

use crate::{notice::Notice, outbox::Outbox};
use chain_facts::{BenchmarkRules, BoundSession, MiningView, PendingChallenge};
use primitives::{AccountId, BlockNumber, UnixMillis};
use std::sync::{
    Arc, Condvar, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;
use wire::message::MessagePayload;

/// Rounds of an iteration, the unit of what the chain is told. A score is iterations in six seconds by all
/// processors together; one of the machine that `docs/economy/benchmark.md` names has about 160.
pub const ROUNDS_PER_ITERATION: u64 = 8;
/// Least length of a window, milliseconds; a chain may want more.
const WINDOW_MS_MIN: u64 = 10_000;
/// So many times the least that the chain takes.
const WINDOW_TIMES: u64 = 3;
/// A window that was longer than so many times what it should be has missed blocks: it is void.
const WINDOW_TIMES_MAX: u64 = 4;
/// Time between two windows at least, milliseconds: what the chain did not take is not measured at once again.
const REST_MS: u64 = 10 * 60_000;
/// Most that a count is corrected upwards for a window that was shorter than its blocks say: 9 / 8.
pub(crate) const CORRECTION_MAX: (u64, u64) = (9, 8);
/// Rounds must have had at least this part of one processor's time, or their pace says nothing: 1 / 20.
const BUSY_PARTS: u64 = 20;

/// Counts rounds, for who runs them and who tells of them.
#[derive(Default)]
pub struct Gauge {
    rounds: AtomicU64,
    busy_ns: AtomicU64,
    wanted: Mutex<bool>,
    changed: Condvar,
}

/// What was counted since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Rounds.
    pub rounds: u64,
    /// Processor time that they took, nanoseconds.
    pub busy_ns: u64,
}

impl Gauge {
    /// Counts a round.
    pub fn count(&self, busy_ns: u64) {
        // Wraps after centuries.
        self.busy_ns.fetch_add(busy_ns, Ordering::Relaxed);
        self.rounds.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted.
    pub fn reading(&self) -> Reading {
        Reading {
            rounds: self.rounds.load(Ordering::Relaxed),
            busy_ns: self.busy_ns.load(Ordering::Relaxed),
        }
    }

    /// Whether rounds are to be run now.
    pub fn is_wanted(&self) -> bool {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until rounds are wanted, or for so long; whether they are.
    pub fn wait(&self, longest: Duration) -> bool {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(wanted, longest, |wanted| !*wanted);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn want(&self, wanted: bool) {
        let mut now = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != wanted {
            *now = wanted;
            self.changed.notify_all();
        }
    }
}

/// When something is decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The final block.
    pub block: BlockNumber,
    /// Its time, milliseconds since 1970.
    pub chain_ms: UnixMillis,
    /// A clock that nobody sets, milliseconds.
    pub clock_ms: u64,
    /// Processor time that contracts have used, nanoseconds.
    pub contracts_ns: u64,
    /// Whether the worker serves a cluster.
    pub serves: bool,
}

/// A measurement that goes on.
#[derive(Clone, Copy, Debug)]
enum Window {
    /// Waits for the first rounds, so that getting ready is not measured.
    Warming { rounds: u64 },
    /// Began then, with so much counted.
    Open(Moment, Reading),
}

/// What a worker does for its session.
#[derive(Default)]
pub(crate) struct Miner {
    gauge: Arc<Gauge>,
    window: Option<Window>,
    /// The chain's time when a window last ended, in this process.
    measured_at_ms: Option<UnixMillis>,
    /// Whether the operator was told that the machine is too busy to be measured.
    is_busy: bool,
    /// For whom it mines, as the operator was told.
    mines_for: Option<AccountId>,
}

impl Miner {
    pub(crate) fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }

    /// Follows a final block; nothing where the worker may not speak, or the chain has no mining.
    pub(crate) fn follow(
        &mut self,
        view: Option<&MiningView>,
        now: &Moment,
        outbox: &mut Outbox,
    ) -> Vec<Notice> {
        let Some(view) = view else {
            self.window = None;
            self.gauge.want(false);
            return Vec::new();
        };
        let mut notices = Vec::new();
        let computing = view.session.filter(|bound| bound.computes);
        if let Some(bound) = &view.session {
            notices.extend(self.answer(bound, now, outbox));
        }
        let mines_for = computing.map(|bound| bound.session);
        if mines_for != self.mines_for {
            notices.extend(mines_for.map(Notice::Mining));
            self.mines_for = mines_for;
        }
        notices.extend(self.measure(view, now, outbox));
        // Who serves no cluster shows all the time what it could do.
        let shows = computing.is_some() && !now.serves;
        self.gauge.want(self.window.is_some() || shows);
        notices
    }

    fn answer(
        &self,
        bound: &BoundSession,
        now: &Moment,
        outbox: &mut Outbox,
    ) -> Option<Notice> {
        let PendingChallenge { block, nonce, deadline, .. } = bound.challenge?;
        if outbox.has_heartbeat(&nonce) {
            return None;
        }
        let answer = MessagePayload::Heartbeat {
            session: bound.session,
            challenge_block: block,
            nonce,
            iterations: self.gauge.reading().rounds / ROUNDS_PER_ITERATION,
            contract_running: now.serves,
        };
        // It has a deadline; the rest has not.
        if !outbox.push_first(answer) {
            return None;
        }
        Some(match now.block > deadline {
            true => Notice::LateHeartbeat { block, deadline },
            false => Notice::Heartbeat { block },
        })
    }

    /// Whether the machine is to be measured.
    fn is_due(&self, view: &MiningView, now: &Moment, outbox: &Outbox) -> bool {
        if outbox.has_benchmark() {
            return false;
        }
        let Some(measured_at_ms) = self.measured_at_ms else {
            return true;
        };
        let on_chain_ms = view.benchmark.map_or(0, |benchmark| benchmark.measured_at_ms);
        now.chain_ms.saturating_sub(measured_at_ms) >= REST_MS
            && now.chain_ms.saturating_sub(on_chain_ms) >= view.rules.age_ms_max / 2
    }

    fn measure(
        &mut self,
        view: &MiningView,
        now: &Moment,
        outbox: &mut Outbox,
    ) -> Option<Notice> {
        let reading = self.gauge.reading();
        match self.window {
            None => {
                if self.is_due(view, now, outbox) {
                    self.window = Some(Window::Warming { rounds: reading.rounds });
                }
                None
            }
            Some(Window::Warming { rounds }) => {
                if reading.rounds > rounds {
                    self.window = Some(Window::Open(*now, reading));
                }
                None
            }
            Some(Window::Open(begun, counted)) => {
                let length_ms = window_ms(&view.rules);
                let took_ms = now.chain_ms.saturating_sub(begun.chain_ms);
                if took_ms < length_ms {
                    return None;
                }
                self.window = None;
                if took_ms > length_ms.saturating_mul(WINDOW_TIMES_MAX) {
                    return None;
                }
                let Some(iterations) = iterations(&begun, now, counted, reading) else {
                    // Another window follows: rounds take nothing from anybody.
                    let is_new = !std::mem::replace(&mut self.is_busy, true);
                    return is_new.then_some(Notice::TooBusy);
                };
                self.is_busy = false;
                self.measured_at_ms = Some(now.chain_ms);
                outbox.push(MessagePayload::Benchmark {
                    started_at_ms: begun.chain_ms,
                    ended_at_ms: now.chain_ms,
                    iterations,
                });
                let score = iterations.saturating_mul(6_000) / took_ms.max(1);
                Some(Notice::Measured { iterations, took_ms, score })
            }
        }
    }
}

/// How long a window is.
fn window_ms(rules: &BenchmarkRules) -> u64 {
    rules.duration_ms_min.saturating_mul(WINDOW_TIMES).max(WINDOW_MS_MIN)
}

/// What the machine computed between two moments, as the chain's clock counts; `None` where too little ran to say.
fn iterations(begun: &Moment, now: &Moment, before: Reading, after: Reading) -> Option<u64> {
    let rounds = u128::from(after.rounds.saturating_sub(before.rounds));
    let busy_ns = u128::from(after.busy_ns.saturating_sub(before.busy_ns));
    let contracts_ns = u128::from(now.contracts_ns.saturating_sub(begun.contracts_ns));
    let chain_ms = u128::from(now.chain_ms.saturating_sub(begun.chain_ms));
    let clock_ms = u128::from(now.clock_ms.saturating_sub(begun.clock_ms)).max(1);
    if rounds == 0 || busy_ns * u128::from(BUSY_PARTS) < clock_ms * 1_000_000 {
        return None;
    }
    let with_contracts = rounds.saturating_mul(busy_ns + contracts_ns) / busy_ns;
    let (up, down) = CORRECTION_MAX;
    let most = with_contracts.saturating_mul(up.into()) / u128::from(down);
    let corrected = (with_contracts.saturating_mul(chain_ms) / clock_ms).min(most);
    u64::try_from(corrected / u128::from(ROUNDS_PER_ITERATION)).ok().filter(|count| *count > 0)
}

/// Whether the chain takes this answer or benchmark no more, whatever its number.
pub(crate) fn is_void(
    payload: &MessagePayload,
    view: Option<&MiningView>,
    chain_ms: UnixMillis,
) -> bool {
    let Some(view) = view else { return true };
    match payload {
        MessagePayload::Heartbeat { session, challenge_block, nonce, .. } => {
            !view.session.is_some_and(|bound| {
                bound.session == *session
                    && bound.challenge.is_some_and(|challenge| {
                        challenge.block == *challenge_block && challenge.nonce == *nonce
                    })
            })
        }
        MessagePayload::Benchmark { started_at_ms, ended_at_ms, .. } => {
            let newest_ms = view.benchmark.map_or(0, |benchmark| benchmark.measured_at_ms);
            let took_ms = ended_at_ms.saturating_sub(*started_at_ms);
            *started_at_ms < newest_ms
                || took_ms < view.rules.duration_ms_min
                || chain_ms.saturating_sub(*ended_at_ms) > view.rules.age_ms_max
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(chain_ms: u64, clock_ms: u64, contracts_ns: u64) -> Moment {
        Moment { block: 1, chain_ms, clock_ms, contracts_ns, serves: false }
    }

    fn counted(rounds: u64, busy_ms: u64) -> Reading {
        Reading { rounds, busy_ns: busy_ms * 1_000_000 }
    }

    /// Iterations of 800 rounds in a window of so long by the chain and by the clock.
    fn of_window(chain_ms: u64, clock_ms: u64) -> Option<u64> {
        let (begun, now) = (moment(0, 0, 0), moment(chain_ms, clock_ms, 0));
        iterations(&begun, &now, Reading::default(), counted(800, 30_000))
    }

    #[test]
    fn a_count_is_corrected_by_the_clock_but_a_slow_clock_helps_little() {
        assert_eq!(of_window(30_000, 30_000), Some(100));
        // Its last block came late: more was counted than in the time of the blocks.
        assert_eq!(of_window(30_000, 60_000), Some(50));
        assert_eq!(of_window(30_000, 28_000), Some(107));
        assert_eq!(of_window(30_000, 1), Some(112));
    }

    #[test]
    fn what_contracts_used_counts_as_if_rounds_had_run() {
        let (begun, now) = (moment(0, 0, 7), moment(30_000, 30_000, 7 + 30_000 * 1_000_000));
        let half = iterations(&begun, &now, Reading::default(), counted(400, 30_000));
        assert_eq!(half, Some(100));
        let hardly_any = iterations(&begun, &now, Reading::default(), counted(8, 300));
        assert_eq!(hardly_any, None, "too little to know the pace by");
    }

    #[test]
    fn a_window_is_as_long_as_the_chain_wants_and_no_shorter_than_its_least() {
        let rules = BenchmarkRules::default();
        assert_eq!(window_ms(&rules), 30_000);
        assert_eq!(window_ms(&BenchmarkRules { duration_ms_min: 20_000, ..rules }), 60_000);
        assert_eq!(window_ms(&BenchmarkRules { duration_ms_min: 1_000, ..rules }), WINDOW_MS_MIN);
    }

    #[test]
    fn who_waits_for_the_gauge_is_woken() {
        let gauge = Arc::new(Gauge::default());
        assert!(!gauge.wait(Duration::from_millis(1)));
        let waits = gauge.clone();
        let thread = std::thread::spawn(move || waits.wait(Duration::from_secs(60)));
        gauge.want(true);
        assert!(thread.join().unwrap());
        assert!(gauge.is_wanted());
    }
}
