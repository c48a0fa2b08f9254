//! Threads that measure the machine, while nobody asks it anything.

use benchmark::{Benchmark, BenchmarkError, PROGRAM, Work};
use contract_engine::{Engine, code_hash};
use executor_api::Turn;
use scheduler::{Scheduler, Stopwatch};
use std::{
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};
use worker_core::Gauge;
use worker_rpc::Speed;

/// How long one processor alone, and the memory of all, are measured.
const TASTE: Duration = Duration::from_secs(2);
/// How long all processors run before their pace is told.
const PACE_AFTER: Duration = Duration::from_secs(5);
/// How often a thread that has nothing to do looks again.
const REST: Duration = Duration::from_secs(3600);

/// Starts the thread that waits until the machine is to be measured. What it finds about the machine's speed, it
/// tells once.
pub fn start(
    engine: Arc<Engine>,
    scheduler: Scheduler,
    gauge: Arc<Gauge>,
) -> io::Result<Arc<OnceLock<Speed>>> {
    let speed = Arc::new(OnceLock::new());
    let told = speed.clone();
    thread::Builder::new().name("benchmark".to_owned()).spawn(move || {
        scheduler::run_thread_last();
        let measured = Measure { scheduler, gauge, speed: told }.run(engine);
        if let Err(error) = measured {
            tracing::error!("this machine is measured no more: {error}");
        }
    })?;
    Ok(speed)
}

struct Measure {
    scheduler: Scheduler,
    gauge: Arc<Gauge>,
    speed: Arc<OnceLock<Speed>>,
}

impl Measure {
    /// Runs rounds whenever they are wanted, for as long as the process lives.
    fn run(&self, engine: Arc<Engine>) -> Result<(), BenchmarkError> {
        let mut ready = None;
        loop {
            if !self.gauge.wait(REST) {
                continue;
            }
            let benchmark = match ready.take() {
                Some(ready) => ready,
                None => Benchmark::new(engine.clone(), code_hash(PROGRAM))?,
            };
            let benchmark = ready.insert(benchmark);
            let places = self.scheduler.processors();
            if self.speed.get().is_none() {
                let one = self.pace(benchmark, Work::Round, 1)?;
                let memory = self.pace(benchmark, Work::Memory, places)?;
                let all = self.rounds(benchmark, places)?;
                if let Some(all) = all {
                    let _once = self.speed.set(Speed { one, all, memory });
                }
            } else {
                self.rounds(benchmark, places)?;
            }
        }
    }

    /// How often so many threads do the work, a second.
    fn pace(
        &self,
        benchmark: &Benchmark,
        work: Work,
        threads: usize,
    ) -> Result<u32, BenchmarkError> {
        let until = Instant::now() + TASTE;
        let count = |turn: &dyn Turn| -> Result<u64, BenchmarkError> {
            let mut done = 0_u64;
            while Instant::now() < until {
                done += u64::from(benchmark.run(work, turn)?);
            }
            Ok(done)
        };
        let done = self.on_threads(threads, &count)?;
        Ok(per_second(done, TASTE))
    }

    /// Counts rounds on so many threads while they are wanted; what they do in a second, unless that was too
    /// short to say.
    fn rounds(&self, benchmark: &Benchmark, threads: usize) -> Result<Option<u32>, BenchmarkError> {
        let begun = Instant::now();
        let count = |turn: &dyn Turn| -> Result<u64, BenchmarkError> {
            let mut done = 0_u64;
            while self.gauge.is_wanted() {
                let stopwatch = Stopwatch::start();
                if benchmark.run(Work::Round, turn)? {
                    self.gauge.count(stopwatch.elapsed_ns());
                    done += 1;
                }
            }
            Ok(done)
        };
        let done = self.on_threads(threads, &count)?;
        let took = begun.elapsed();
        Ok((took >= PACE_AFTER).then(|| per_second(done, took)))
    }

    /// Runs the same on so many threads, each with its place behind the queries, and adds up. The first error
    /// ends them all, each at its end.
    fn on_threads(
        &self,
        threads: usize,
        work: &(dyn Fn(&dyn Turn) -> Result<u64, BenchmarkError> + Sync),
    ) -> Result<u64, BenchmarkError> {
        let total = Mutex::new(Ok(0_u64));
        let one = |place: usize| {
            let spare = self.scheduler.spare(place);
            let done = spare.checkpoint().then(|| work(&spare)).unwrap_or(Ok(0));
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            let sum = std::mem::replace(&mut *total, Ok(0));
            *total = sum.and_then(|sum| done.map(|done| sum.saturating_add(done)));
        };
        thread::scope(|scope| {
            for place in 1..threads {
                let one = &one;
                let spawned = thread::Builder::new().name(format!("benchmark-{place}"));
                let run = move || {
                    scheduler::run_thread_last();
                    one(place);
                };
                if let Err(error) = spawned.spawn_scoped(scope, run) {
                    tracing::warn!("the benchmark has a thread less: {error}");
                }
            }
            one(0);
        });
        total.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn per_second(count: u64, took: Duration) -> u32 {
    let rate = u128::from(count) * 1_000 / took.as_millis().max(1);
    u32::try_from(rate).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract_engine::EngineConfig;
    use executor_api::Unshared;
    use scheduler::Settings;

    #[test]
    fn rounds_run_on_free_processors_alone_and_a_query_stops_them() {
        let engine = Arc::new(Engine::new(&EngineConfig::default()).unwrap());
        let benchmark = Benchmark::new(engine, code_hash(PROGRAM)).unwrap();
        let settings = Settings { processors: 1, ..Settings::for_this_machine() };
        let scheduler = Scheduler::new(settings);
        let spare = scheduler.spare(0);
        assert!(spare.has_processor());
        assert_eq!(benchmark.run(Work::Round, &spare), Ok(true));
        let contract = primitives::ContractId([1; 32]);
        let entered = scheduler.enter(&contract, 1, Stopwatch::start()).unwrap();
        assert!(matches!(entered, scheduler::Entered::Now(_)), "nobody waits for a spare turn");
        assert!(!spare.has_processor());
        drop(entered);
        assert!(spare.has_processor());
        assert_eq!(benchmark.run(Work::Round, &Unshared), Ok(true));
    }
}
