//! What a worker keeps across restarts, sealed by its platform.

use crate::gatekeeper::GatekeeperSecrets;
use codec::{Decode, Encode};
use primitives::ClusterId;
use rand_core::{CryptoRng, RngCore};
use secrets::{ClusterSeed, StateKey};
use zeroize::Zeroizing;

/// Version of the layout.
const VERSION: u8 = 2;
/// The layout before it: one cluster's seed, and the master secret of a lone gatekeeper.
const VERSION_WITH_MASTER: u8 = 1;
/// Seeds of a cluster that are kept: the newest ones.
const SEEDS_MAX: usize = 4;
/// Bytes of keys and seeds, at most.
const FIXED_BYTES_MAX: usize = 66 + SEEDS_MAX * 69;

/// The secrets of a worker. The layout is fixed: see [`KeptSecrets::to_bytes`].
pub struct KeptSecrets {
    /// Seed of the identity key.
    pub signing_seed: Zeroizing<[u8; 32]>,
    /// Seed of the request key.
    pub hpke_seed: Zeroizing<[u8; 32]>,
    /// Seeds of the cluster that is served, the newest last.
    pub seeds: Vec<KeptSeed>,
    /// What it has as a gatekeeper.
    pub gatekeeper: GatekeeperSecrets,
    /// Whether a master secret of an earlier version was read, which nothing uses any more.
    pub(crate) dropped_master: bool,
}

/// A cluster's seed.
pub struct KeptSeed {
    /// Of which cluster.
    pub cluster: ClusterId,
    /// Which of its seeds.
    pub rotation: u32,
    /// Whether this worker has put it together from shares that it has checked. One of an earlier
    /// version was taken on a gatekeeper's word: it is good only where it fits the chain.
    pub combined: bool,
    /// The seed.
    pub seed: Zeroizing<[u8; 32]>,
}

impl KeptSecrets {
    /// Fresh keys, nothing else.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let mut fresh = || {
            let mut seed = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut *seed);
            seed
        };
        Self {
            signing_seed: fresh(),
            hpke_seed: fresh(),
            seeds: Vec::new(),
            gatekeeper: GatekeeperSecrets::default(),
            dropped_master: false,
        }
    }

    /// A key for this worker's compiled contracts on disk, which no host knows.
    pub fn compiled_code_key(&self) -> Zeroizing<[u8; 32]> {
        secrets::derive(wire::domain::COMPILED_CODE_KEY, &*self.signing_seed, &[])
    }

    /// Version ‖ signing seed ‖ request seed ‖ count (1 byte) of seeds, each cluster ‖ rotation ‖
    /// combined (1 byte) ‖ seed ‖ [`GatekeeperSecrets`].
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // All at once, since growing would leave copies behind.
        let size = FIXED_BYTES_MAX + self.gatekeeper.size();
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.push(VERSION);
        bytes.extend_from_slice(&*self.signing_seed);
        bytes.extend_from_slice(&*self.hpke_seed);
        bytes.push(self.seeds.len().min(SEEDS_MAX) as u8);
        for kept in self.seeds.iter().take(SEEDS_MAX) {
            (kept.cluster, kept.rotation, kept.combined).encode_to(&mut *bytes);
            bytes.extend_from_slice(&*kept.seed);
        }
        self.gatekeeper.encode_to(&mut bytes);
        debug_assert!(bytes.len() <= size);
        bytes
    }

    /// Reads what [`KeptSecrets::to_bytes`] wrote, now or in the version before; `None` for anything
    /// else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, mut rest) = bytes.split_first()?;
        let rest = &mut rest;
        let (signing_seed, hpke_seed) = (take_secret(rest)?, take_secret(rest)?);
        let read = match *version {
            VERSION => Self {
                signing_seed,
                hpke_seed,
                seeds: take_seeds(rest)?,
                gatekeeper: GatekeeperSecrets::take(rest)?,
                dropped_master: false,
            },
            VERSION_WITH_MASTER => {
                let mut seeds = Vec::new();
                if bool::decode(rest).ok()? {
                    seeds.push(KeptSeed {
                        cluster: ClusterId::decode(rest).ok()?,
                        rotation: 0,
                        combined: false,
                        seed: take_secret(rest)?,
                    });
                }
                let dropped_master = bool::decode(rest).ok()?;
                if dropped_master {
                    take_secret(rest)?;
                }
                Self {
                    signing_seed,
                    hpke_seed,
                    seeds,
                    gatekeeper: GatekeeperSecrets::default(),
                    dropped_master,
                }
            }
            _ => return None,
        };
        rest.is_empty().then_some(read)
    }

    /// The seed of a cluster, with whether it was put together here.
    pub(crate) fn seed(&self, cluster: &ClusterId, rotation: u32) -> Option<(ClusterSeed, bool)> {
        let kept = self
            .seeds
            .iter()
            .find(|kept| kept.cluster == *cluster && kept.rotation == rotation)?;
        Some((ClusterSeed::from_bytes(&kept.seed), kept.combined))
    }

    /// Keeps a seed that was put together here. Those of other clusters go: a worker serves one; so do
    /// those that another took the place of before they were used.
    pub(crate) fn keep_seed(
        &mut self,
        cluster: ClusterId,
        (rotation, in_force): (u32, u32),
        seed: &ClusterSeed,
    ) {
        self.seeds.retain(|kept| {
            kept.cluster == cluster && kept.rotation != rotation && kept.rotation <= in_force
        });
        if self.seeds.len() >= SEEDS_MAX {
            self.seeds.remove(0);
        }
        self.seeds.push(KeptSeed {
            cluster,
            rotation,
            combined: true,
            seed: Zeroizing::new(*seed.expose()),
        });
    }

    /// Wipes the seeds of a cluster from before this one; whether there were any.
    pub(crate) fn forget_seeds_before(&mut self, cluster: &ClusterId, rotation: u32) -> bool {
        let before = self.seeds.len();
        self.seeds
            .retain(|kept| kept.cluster != *cluster || kept.rotation >= rotation);
        self.seeds.len() < before
    }

    /// The keys of a cluster's state by each of its seeds up to this one, the newest first.
    pub(crate) fn state_keys(&self, cluster: &ClusterId, up_to: u32) -> Vec<(u32, StateKey)> {
        let mut keys: Vec<(u32, StateKey)> = self
            .seeds
            .iter()
            .filter(|kept| kept.cluster == *cluster && kept.rotation <= up_to)
            .map(|kept| (kept.rotation, ClusterSeed::from_bytes(&kept.seed).state_key()))
            .collect();
        keys.sort_by_key(|(rotation, _)| std::cmp::Reverse(*rotation));
        keys
    }
}

/// The next 32 bytes.
pub(crate) fn take_secret(rest: &mut &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let (first, others) = rest.split_first_chunk::<32>()?;
    *rest = others;
    Some(Zeroizing::new(*first))
}

fn take_seeds(rest: &mut &[u8]) -> Option<Vec<KeptSeed>> {
    let count = u8::decode(rest).ok()?;
    if usize::from(count) > SEEDS_MAX {
        return None;
    }
    let mut seeds = Vec::with_capacity(SEEDS_MAX);
    for _ in 0..count {
        let (cluster, rotation, combined) = Decode::decode(rest).ok()?;
        seeds.push(KeptSeed {
            cluster,
            rotation,
            combined,
            seed: take_secret(rest)?,
        });
    }
    Some(seeds)
}
