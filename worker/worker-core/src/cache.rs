//! The cache of contracts: values beside the state, on this worker alone, in memory.
//!
//! Each contract has its own part, bounded by the cluster's limit; one without a stake by a quarter of it. All
//! together are bounded too. A value lapses; lapsed ones are dropped when they are met, and by a sweep now and
//! then.

use crate::running::HostFacts;
use executor_api::{CacheFull, ContractCache};
use primitives::{ContractId, UnixMillis};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// Most bytes of all contracts on one worker.
const TOTAL_BYTES_MAX: usize = 256 * 1024 * 1024;
/// A contract without a stake has this part of the cluster's limit: 1 / 4.
const FREE_PARTS: usize = 4;
/// How long a value lives unless told otherwise, milliseconds: 7 days.
const LIFETIME_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Changes between two sweeps.
const SWEEP_INTERVAL: u32 = 1000;
/// What a value costs besides its bytes: its place in the tables.
const VALUE_OVERHEAD_BYTES: usize = 128;

struct Value {
    bytes: Vec<u8>,
    lapses_at_ms: UnixMillis,
}

#[derive(Default)]
struct Part {
    values: HashMap<Vec<u8>, Value>,
    bytes: usize,
}

#[derive(Default)]
struct Parts {
    parts: HashMap<ContractId, Part>,
    bytes: usize,
    changes: u32,
}

fn size(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + VALUE_OVERHEAD_BYTES
}

impl Parts {
    fn take(&mut self, contract: &ContractId, key: &[u8]) -> Option<Value> {
        let part = self.parts.get_mut(contract)?;
        let value = part.values.remove(key)?;
        let freed = size(key, &value.bytes);
        part.bytes -= freed;
        self.bytes -= freed;
        if part.values.is_empty() {
            self.parts.remove(contract);
        }
        Some(value)
    }

    fn sweep(&mut self, now_ms: UnixMillis) {
        for part in self.parts.values_mut() {
            let mut freed = 0;
            part.values.retain(|key, value| {
                let keep = value.lapses_at_ms > now_ms;
                freed += if keep { 0 } else { size(key, &value.bytes) };
                keep
            });
            part.bytes -= freed;
            self.bytes -= freed;
        }
        self.parts.retain(|_, part| !part.values.is_empty());
    }
}

/// The weight of a contract in the state that is served; 0 where there is none.
pub(crate) type WeightOf = Box<dyn Fn(&ContractId) -> u32 + Send + Sync>;

/// A worker's cache.
pub struct MemoryCache {
    host: Arc<dyn HostFacts>,
    weight_of: WeightOf,
    part_bytes_max: AtomicU32,
    parts: Mutex<Parts>,
}

impl MemoryCache {
    pub(crate) fn new(host: Arc<dyn HostFacts>, weight_of: WeightOf) -> Self {
        let limits = wire::limits::ClusterLimits::DEFAULT;
        Self {
            host,
            weight_of,
            part_bytes_max: AtomicU32::new(limits.cache_bytes),
            parts: Mutex::default(),
        }
    }

    /// Sets how much each contract may keep. What is above it already stays until it lapses.
    pub(crate) fn set_part_bytes_max(&self, bytes: u32) {
        self.part_bytes_max.store(bytes, Ordering::Relaxed);
    }

    /// How much a contract may keep.
    fn part_max(&self, contract: &ContractId) -> usize {
        let whole = self.part_bytes_max.load(Ordering::Relaxed) as usize;
        match (self.weight_of)(contract) {
            0 => whole / FREE_PARTS,
            _ => whole,
        }
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ContractCache for MemoryCache {
    fn get(&self, contract: &ContractId, key: &[u8]) -> Option<Vec<u8>> {
        let now_ms = self.host.untrusted_now_ms();
        let mut parts = self.parts();
        let value = parts.parts.get(contract)?.values.get(key)?;
        if value.lapses_at_ms > now_ms {
            return Some(value.bytes.clone());
        }
        let _lapsed = parts.take(contract, key);
        None
    }

    fn set(&self, contract: &ContractId, key: &[u8], value: &[u8]) -> Result<(), CacheFull> {
        let now_ms = self.host.untrusted_now_ms();
        let part_max = self.part_max(contract);
        let mut parts = self.parts();
        parts.changes = parts.changes.wrapping_add(1);
        let wanted = size(key, value);
        let (part_bytes, old) = parts.parts.get(contract).map_or((0, 0), |part| {
            let old = part.values.get(key);
            (part.bytes, old.map_or(0, |old| size(key, &old.bytes)))
        });
        let total = parts.bytes - old + wanted;
        if parts.changes.is_multiple_of(SWEEP_INTERVAL) || total > TOTAL_BYTES_MAX {
            parts.sweep(now_ms);
        }
        if part_bytes - old + wanted > part_max || parts.bytes - old + wanted > TOTAL_BYTES_MAX {
            return Err(CacheFull);
        }
        let _old = parts.take(contract, key);
        let new = Value {
            bytes: value.to_vec(),
            lapses_at_ms: now_ms.saturating_add(LIFETIME_MS),
        };
        parts.bytes += wanted;
        let part = parts.parts.entry(*contract).or_default();
        part.bytes += wanted;
        part.values.insert(key.to_vec(), new);
        Ok(())
    }

    fn set_expiration(&self, contract: &ContractId, key: &[u8], seconds: u64) {
        let now_ms = self.host.untrusted_now_ms();
        let mut parts = self.parts();
        let value = parts
            .parts
            .get_mut(contract)
            .and_then(|part| part.values.get_mut(key));
        if let Some(value) = value {
            // What has lapsed does not come back.
            if value.lapses_at_ms > now_ms {
                value.lapses_at_ms = now_ms.saturating_add(seconds.saturating_mul(1000));
            }
        }
    }

    fn remove(&self, contract: &ContractId, key: &[u8]) -> Option<Vec<u8>> {
        let now_ms = self.host.untrusted_now_ms();
        let value = self.parts().take(contract, key)?;
        (value.lapses_at_ms > now_ms).then_some(value.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    struct Clock(AtomicU64);

    impl HostFacts for Clock {
        fn fill_random(&self, _: &mut [u8]) {}
        fn untrusted_now_ms(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    const A: ContractId = ContractId([1; 32]);
    const B: ContractId = ContractId([2; 32]);

    fn cache() -> (Arc<Clock>, MemoryCache) {
        let clock = Arc::new(Clock(AtomicU64::new(1_000_000)));
        (clock.clone(), MemoryCache::new(clock, Box::new(|_| 1)))
    }

    #[test]
    fn without_a_stake_a_contract_keeps_a_quarter() {
        let clock = Arc::new(Clock(AtomicU64::new(1_000_000)));
        let weight_of = |contract: &ContractId| u32::from(*contract == B);
        let cache = MemoryCache::new(clock, Box::new(weight_of));
        cache.set_part_bytes_max(4_000);
        assert_eq!(cache.set(&A, b"key", &[1; 900]), Err(CacheFull));
        cache.set(&A, b"key", &[1; 800]).unwrap();
        cache.set(&B, b"key", &[1; 3_800]).unwrap();
    }

    #[test]
    fn each_contract_sees_its_own_values() {
        let (_, cache) = cache();
        cache.set(&A, b"key", b"of a").unwrap();
        cache.set(&B, b"key", b"of b").unwrap();
        assert_eq!(cache.get(&A, b"key").unwrap(), b"of a");
        assert_eq!(cache.remove(&B, b"key").unwrap(), b"of b");
        assert_eq!(cache.get(&B, b"key"), None);
        assert_eq!(cache.get(&A, b"key").unwrap(), b"of a");
    }

    #[test]
    fn values_lapse_and_do_not_come_back() {
        let (clock, cache) = cache();
        cache.set(&A, b"key", b"value").unwrap();
        cache.set_expiration(&A, b"key", 10);
        clock.0.fetch_add(9_999, Ordering::Relaxed);
        assert_eq!(cache.get(&A, b"key").unwrap(), b"value");
        clock.0.fetch_add(1, Ordering::Relaxed);
        cache.set_expiration(&A, b"key", 100);
        assert_eq!(cache.get(&A, b"key"), None);
        assert_eq!(cache.remove(&A, b"key"), None);
        cache.set(&A, b"week", b"value").unwrap();
        clock.0.fetch_add(LIFETIME_MS, Ordering::Relaxed);
        assert_eq!(cache.get(&A, b"week"), None);
    }

    #[test]
    fn a_full_part_keeps_what_it_has_and_bothers_nobody() {
        let (_, cache) = cache();
        cache.set_part_bytes_max(1000);
        cache.set(&A, b"key", &[1; 500]).unwrap();
        assert_eq!(cache.set(&A, b"other", &[2; 500]), Err(CacheFull));
        assert_eq!(cache.set(&A, b"key", &[3; 5000]), Err(CacheFull));
        assert_eq!(cache.get(&A, b"key").unwrap(), [1; 500]);
        // The old value's place is taken over, not added to.
        cache.set(&A, b"key", &[4; 800]).unwrap();
        cache.set(&B, b"key", &[5; 800]).unwrap();
        for round in 0..5000_u32 {
            cache.set(&A, b"key", &round.to_le_bytes()).unwrap();
        }
        assert_eq!(cache.parts().parts.len(), 2);
        cache.remove(&A, b"key");
        cache.remove(&B, b"key");
        let parts = cache.parts();
        assert_eq!((parts.bytes, parts.parts.len()), (0, 0));
    }
}
