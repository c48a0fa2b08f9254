//! What the operator's Prometheus is told. Nothing of it is secret, but not everybody need count it.

use crate::clock::SteadyClock;
use chain_facts::view::FinalizedView;
use primitives::WorkerId;
use std::{
    fmt::{Display, Write as _},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};
use worker_core::{Gauge, Notice, QueryService, ServingState};
use worker_rpc::Speed;

/// Bytes of a page of memory, as `/proc/self/statm` counts.
const PAGE_BYTES: u64 = 4096;

/// What is counted as blocks and notices come.
#[derive(Default)]
pub struct Counted {
    block: AtomicU64,
    block_ms: AtomicU64,
    registered_until_ms: AtomicU64,
    score: AtomicU64,
    benchmark_ms: AtomicU64,
    computes: AtomicBool,
    challenged: AtomicBool,
    answers: AtomicU64,
    late_answers: AtomicU64,
    alarms: AtomicU64,
}

impl Counted {
    /// A final block.
    pub fn saw(&self, view: &FinalizedView) {
        self.block.store(view.number.into(), Relaxed);
        self.block_ms.store(view.timestamp_ms, Relaxed);
        let until_ms = view.registration.as_ref().map_or(0, |info| info.expires_at_ms);
        self.registered_until_ms.store(until_ms, Relaxed);
        let benchmark = view.mining.and_then(|mining| mining.benchmark);
        self.score.store(benchmark.map_or(0, |benchmark| benchmark.score.into()), Relaxed);
        self.benchmark_ms.store(benchmark.map_or(0, |benchmark| benchmark.measured_at_ms), Relaxed);
        let session = view.mining.and_then(|mining| mining.session);
        self.computes.store(session.is_some_and(|session| session.computes), Relaxed);
        self.challenged.store(session.is_some_and(|session| session.challenge.is_some()), Relaxed);
    }

    /// What the operator is told.
    pub fn heard(&self, notice: &Notice) {
        match notice {
            Notice::Heartbeat { .. } => self.answers.fetch_add(1, Relaxed),
            Notice::LateHeartbeat { .. } => self.late_answers.fetch_add(1, Relaxed),
            _ => 0,
        };
        if notice.is_alarm() {
            self.alarms.fetch_add(1, Relaxed);
        }
    }
}

/// All that is told.
pub struct Figures {
    pub started: Instant,
    pub worker: WorkerId,
    pub platform: &'static str,
    pub clock: Arc<SteadyClock>,
    pub queries: Arc<QueryService>,
    pub gauge: Arc<Gauge>,
    pub speed: Arc<OnceLock<Speed>>,
    pub counted: Counted,
}

/// Writes the text format.
struct Text(String);

impl Text {
    fn add(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        // Writing to a string does not fail.
        let _ = writeln!(
            self.0,
            "# HELP phat_worker_{name} {help}\n# TYPE phat_worker_{name} {kind}\nphat_worker_{name} {value}"
        );
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.add(name, "gauge", help, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.add(name, "counter", help, value);
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

impl Figures {
    /// In the text format of Prometheus.
    pub fn text(&self) -> String {
        let mut text = Text(String::new());
        let _ = writeln!(
            text.0,
            "# HELP phat_worker_info Which worker, of which version, on which kind of TEE.\n# TYPE phat_worker_info gauge\nphat_worker_info{{worker=\"{}\",version=\"{}\",platform=\"{}\"}} 1",
            self.worker,
            env!("CARGO_PKG_VERSION"),
            self.platform
        );
        self.process(&mut text);
        self.chain(&mut text);
        self.contracts(&mut text);
        self.mining(&mut text);
        text.0
    }

    fn process(&self, text: &mut Text) {
        let uptime = self.started.elapsed().as_secs_f64();
        text.gauge("uptime_seconds", "Since the process started.", uptime);
        text.counter(
            "alarms_total",
            "What the operator was told to look into; the log says what.",
            self.counted.alarms.load(Relaxed),
        );
        let pages = std::fs::read_to_string("/proc/self/statm")
            .ok()
            .and_then(|statm| statm.split(' ').nth(1)?.parse::<u64>().ok());
        if let Some(pages) = pages {
            text.gauge("resident_bytes", "Memory in use.", pages.saturating_mul(PAGE_BYTES));
        }
    }

    fn chain(&self, text: &mut Text) {
        let counted = &self.counted;
        let block_ms = counted.block_ms.load(Relaxed);
        text.gauge("block", "The newest final block.", counted.block.load(Relaxed));
        if block_ms > 0 {
            let age_ms = self.clock.now_ms().saturating_sub(block_ms);
            text.gauge("block_age_seconds", "How old it is.", seconds(age_ms));
        }
        text.gauge(
            "registered_until_seconds",
            "When the registration lapses, seconds since 1970; 0 without one.",
            seconds(counted.registered_until_ms.load(Relaxed)),
        );
        let (serving, entries) = match self.queries.serving() {
            ServingState::NotServing => (0, 0),
            ServingState::Serving { next_number, .. } => (1, next_number),
        };
        text.gauge("serving", "Whether queries are answered.", serving);
        text.gauge("mailbox_entries", "Entries that were run, while it serves.", entries);
    }

    fn contracts(&self, text: &mut Text) {
        let scheduler = self.queries.scheduler();
        let totals = scheduler.totals();
        text.gauge("processors", "Processors that contracts share.", scheduler.processors());
        text.gauge("queries_present", "Queries here, waiting ones too.", scheduler.present());
        text.gauge("queries_running", "Queries that hold a processor.", scheduler.running());
        text.counter(
            "contracts_processor_seconds_total",
            "Processor time of all contracts' queries.",
            totals.used_ns as f64 / 1e9,
        );
        text.counter(
            "queries_refused_total",
            "Queries that were refused for want of room.",
            totals.refused,
        );
    }

    fn mining(&self, text: &mut Text) {
        let counted = &self.counted;
        let flag = |flag: &AtomicBool| u8::from(flag.load(Relaxed));
        text.gauge("session_computes", "Whether it mines.", flag(&counted.computes));
        text.gauge(
            "challenge_pending",
            "Whether the chain waits for an answer to a challenge.",
            flag(&counted.challenged),
        );
        text.counter("heartbeats_total", "Challenges answered in time.", counted.answers.load(Relaxed));
        text.counter(
            "heartbeats_late_total",
            "Challenges answered after their deadline.",
            counted.late_answers.load(Relaxed),
        );
        text.gauge(
            "score",
            "Score of the benchmark on chain; 0 without one.",
            counted.score.load(Relaxed),
        );
        text.gauge(
            "benchmark_at_seconds",
            "When it was measured, seconds since 1970.",
            seconds(counted.benchmark_ms.load(Relaxed)),
        );
        text.counter(
            "benchmark_rounds_total",
            "Rounds of the benchmark that were run.",
            self.gauge.reading().rounds,
        );
        if let Some(speed) = self.speed.get() {
            text.gauge("rounds_per_second_one", "Of one processor alone.", speed.one);
            text.gauge("rounds_per_second_all", "Of all processors together.", speed.all);
            text.gauge("memory_rounds_per_second", "The part on much memory, by all.", speed.memory);
        }
    }
}
