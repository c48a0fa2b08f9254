//! What a stake to a contract gives: computed from what the cluster's workers measured.
//!
//! A worker tells how many processors its contracts share, how fast all of them are together beside one alone, and
//! what one of the contract's queries costs (`GET /v1/load/CONTRACT`). That is the worker's word under no
//! signature, as its latency would be: who lies there gets traffic that it cannot serve. Weights are the chain's.
//!
//! A contract's *share* when all of the cluster compute at once is its weight over the sum of all. With the
//! cost of a query `c` and `n` processors' worth of time a worker answers `n · share / c` queries a second. A
//! query that finds nobody else there takes `c`; among others that never rest, `c / min(1, n · share)`.
//!
//! # Limits
//!
//! Costs are rounded up to three significant bits, so that strangers learn little of single queries: what is
//! estimated is up to a fifth too low. What a query costs outside of its contract's account (reading it from the
//! network) is added as [`UNCHARGED_NS`]. Time on the network is not in it, nor what contracts wait for.

use primitives::{Balance, ContractId, units};
use std::time::Duration;

/// One weight for so much.
const PER_WEIGHT: Balance = units::PHA / 100;
/// Longest wait for a worker's figures.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Processor time that a query takes beside what is charged to its contract: reading and writing HTTP, nanoseconds.
/// What a worker takes for its plain answer: `docs/performance.md`, queries.
const UNCHARGED_NS: u64 = 11_000;

/// What a worker tells of itself and a contract. Fields that later workers add are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct WorkerLoad {
    /// Processors that contracts share.
    pub processors: u32,
    /// Rounds of the benchmark that it does, if it was measured.
    pub speed: Option<WorkerSpeed>,
    /// What one query costs, nanoseconds, once enough were asked.
    pub cost_ns: Option<u64>,
}

/// Rounds of the benchmark in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct WorkerSpeed {
    /// By one processor alone.
    pub one: u32,
    /// By all together.
    pub all: u32,
}

impl WorkerLoad {
    /// Processors' worth of time that it has, in thousandths: all of them together may do less than so many alone.
    pub fn capacity_milli(&self) -> u64 {
        let processors = u64::from(self.processors) * 1_000;
        match self.speed {
            Some(WorkerSpeed { one, all }) if one > 0 => {
                (u64::from(all) * 1_000 / u64::from(one)).clamp(1, processors)
            }
            _ => processors,
        }
    }
}

/// A contract's part of the processors when all contracts of its cluster compute at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Its weight.
    pub weight: u32,
    /// The sum of all weights; all contracts without one count together as 1.
    pub of: u64,
    /// How many have none and share that 1, where it is one of them.
    pub free_among: u64,
}

impl Share {
    /// The share of a contract with a stake, beside the stakes of the cluster's others.
    pub fn of(own: Balance, others: impl Iterator<Item = Balance>) -> Self {
        let own = weight(own);
        let (mut sum, mut free) = (u64::from(own), u64::from(own == 0));
        for other in others.map(weight) {
            sum += u64::from(other);
            free += u64::from(other == 0);
        }
        Self { weight: own, of: sum + u64::from(free > 0), free_among: free.max(1) }
    }

    /// In millionths.
    pub fn ppm(&self) -> u64 {
        let whole = self.of.max(1);
        match self.weight {
            0 => 1_000_000 / whole / self.free_among,
            own => u64::from(own) * 1_000_000 / whole,
        }
    }
}

/// The weight that a stake gives where no driver says otherwise.
fn weight(stake: Balance) -> u32 {
    u32::try_from(stake / PER_WEIGHT).unwrap_or(u32::MAX)
}

/// What to expect of a contract's workers, all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Queries a second when all of the cluster's contracts compute at once.
    pub per_second_busy: u64,
    /// Queries a second when no other contract does.
    pub per_second_alone: u64,
    /// How long a query computes when it is alone, microseconds, at the slowest of the workers.
    pub latency_alone_us: u64,
    /// How long it takes among others that never rest, microseconds, at the slowest.
    pub latency_busy_us: u64,
    /// How many workers told enough.
    pub workers: usize,
}

/// What a share gives on workers that told this; none where no worker knows what a query costs. `cost_ns`
/// stands in for who does not know.
pub fn estimate(share: &Share, loads: &[WorkerLoad], cost_ns: Option<u64>) -> Option<Estimate> {
    let mut whole = Estimate {
        per_second_busy: 0,
        per_second_alone: 0,
        latency_alone_us: 0,
        latency_busy_us: 0,
        workers: 0,
    };
    for load in loads {
        let Some(cost_ns) = load.cost_ns.or(cost_ns).map(|cost| cost.saturating_add(UNCHARGED_NS))
        else {
            continue;
        };
        // Thousandths of a processor are millionths of a second in a millisecond: all in nanoseconds a second.
        let capacity_ns = load.capacity_milli().saturating_mul(1_000_000);
        let own_ns = (u128::from(capacity_ns) * u128::from(share.ppm()) / 1_000_000) as u64;
        whole.per_second_alone += capacity_ns / cost_ns;
        whole.per_second_busy += own_ns / cost_ns;
        let alone_us = cost_ns / 1_000;
        // A single query has no more than one processor.
        let slower = 1_000_000_000 / own_ns.clamp(1, 1_000_000_000);
        whole.latency_alone_us = whole.latency_alone_us.max(alone_us);
        whole.latency_busy_us = whole.latency_busy_us.max(alone_us.saturating_mul(slower.max(1)));
        whole.workers += 1;
    }
    (whole.workers > 0).then_some(whole)
}

/// What a worker tells of itself and a contract.
///
/// # Errors
/// When it cannot be reached, or tells nothing.
pub async fn fetch_load(url: &str, contract: &ContractId) -> Result<WorkerLoad, String> {
    let response = reqwest::Client::new()
        .get(format!("{}/v1/load/{contract}", url.trim_end_matches('/')))
        .timeout(TIMEOUT)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(|error| error.to_string())?;
    response.json().await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHA: Balance = units::PHA;

    fn worker(processors: u32, cost_ns: Option<u64>) -> WorkerLoad {
        WorkerLoad { processors, speed: None, cost_ns }
    }

    #[test]
    fn a_hundredth_of_a_pha_is_one_weight() {
        assert_eq!(weight(PER_WEIGHT - 1), 0);
        assert_eq!(weight(PHA), 100);
        assert_eq!(weight(Balance::MAX), u32::MAX);
    }

    #[test]
    fn shares_are_by_weight_and_who_has_none_shares_one() {
        let ppm = |own: Balance, others: &[Balance]| Share::of(own, others.iter().copied()).ppm();
        assert_eq!(ppm(3 * PHA, &[PHA]), 750_000);
        assert_eq!(ppm(PHA, &[3 * PHA]), 250_000);
        assert_eq!(ppm(PER_WEIGHT * 99, &[0, 0]), 990_000);
        assert_eq!(ppm(0, &[PER_WEIGHT * 99, 0]), 5_000);
        assert_eq!(ppm(0, &[]), 1_000_000);
        assert_eq!(ppm(0, &[0, 0, 0]), 250_000);
    }

    #[test]
    fn three_quarters_of_two_processors_answer_three_quarters() {
        let share = Share::of(3 * PHA, [PHA].into_iter());
        let cost = 1_000_000 - UNCHARGED_NS;
        let loads = [worker(2, Some(cost)), worker(2, Some(cost))];
        let told = estimate(&share, &loads, None).unwrap();
        assert_eq!((told.per_second_alone, told.per_second_busy), (4_000, 3_000));
        assert_eq!((told.latency_alone_us, told.latency_busy_us), (1_000, 1_000));
    }

    #[test]
    fn a_small_share_waits_longer_and_processors_that_share_memory_do_less() {
        let share = Share::of(PHA, [9 * PHA].into_iter());
        let speed = Some(WorkerSpeed { one: 100, all: 150 });
        let load = WorkerLoad { speed, ..worker(2, Some(1_000_000 - UNCHARGED_NS)) };
        assert_eq!(load.capacity_milli(), 1_500);
        let told = estimate(&share, &[load], None).unwrap();
        assert_eq!((told.per_second_alone, told.per_second_busy), (1_500, 150));
        assert_eq!(told.latency_busy_us, 6_000);
    }

    #[test]
    fn who_does_not_know_the_cost_is_left_out_or_told() {
        let share = Share::of(PHA, std::iter::empty());
        assert_eq!(estimate(&share, &[worker(2, None)], None), None);
        let given = estimate(&share, &[worker(2, None)], Some(1_000_000)).unwrap();
        assert_eq!(given.workers, 1);
        assert_eq!(estimate(&share, &[], Some(1)), None);
    }
}
