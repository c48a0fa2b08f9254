//! A worker's keys, and the secrets that it keeps sealed on disk.

use primitives::{GenesisHash, HpkePublicKey, WorkerId};
use rand_core::{CryptoRng, RngCore};
use secrets::{HpkeSecret, Sr25519Secret};
use zeroize::Zeroizing;

/// The keys that a worker made in its TEE, on one network.
pub struct Identity {
    genesis: GenesisHash,
    worker: WorkerId,
    signing: Sr25519Secret,
    hpke: HpkeSecret,
}

impl Identity {
    /// The identity of two 32-byte seeds on a network.
    pub fn new(genesis: GenesisHash, signing_seed: &[u8; 32], hpke_seed: &[u8; 32]) -> Self {
        let signing = Sr25519Secret::from_seed(signing_seed);
        Self {
            genesis,
            worker: WorkerId(signing.public()),
            signing,
            hpke: HpkeSecret::from_seed(hpke_seed),
        }
    }

    /// Which network it lives on.
    pub fn genesis(&self) -> GenesisHash {
        self.genesis
    }

    /// Its public name.
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// The key that requests are sealed to.
    pub fn hpke_public_key(&self) -> HpkePublicKey {
        self.hpke.public()
    }

    /// The secret half of it.
    pub(crate) fn hpke(&self) -> &HpkeSecret {
        &self.hpke
    }

    /// Signs as the worker. What is signed is always a domain-separated hash.
    pub(crate) fn sign(&self, hash: &[u8; 32]) -> [u8; 64] {
        self.signing.sign(hash)
    }

    /// The signing key, for batches of receipts.
    pub fn signing(&self) -> &Sr25519Secret {
        &self.signing
    }
}

/// What a worker keeps across restarts, sealed by its platform. The layout is fixed: see
/// [`KeptSecrets::to_bytes`].
pub struct KeptSecrets {
    /// Seed of the identity key.
    pub signing_seed: Zeroizing<[u8; 32]>,
    /// Seed of the request key.
    pub hpke_seed: Zeroizing<[u8; 32]>,
    /// The cluster served, and its seed.
    pub cluster: Option<(primitives::ClusterId, Zeroizing<[u8; 32]>)>,
    /// The network's master secret, in a gatekeeper.
    pub master: Option<Zeroizing<[u8; 32]>>,
}

/// Version of the layout.
const VERSION: u8 = 1;

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
            cluster: None,
            master: None,
        }
    }

    /// A key for this worker's compiled contracts on disk, which no host knows.
    pub fn compiled_code_key(&self) -> Zeroizing<[u8; 32]> {
        secrets::derive(wire::domain::COMPILED_CODE_KEY, &*self.signing_seed, &[])
    }

    /// Version ‖ signing seed ‖ request seed ‖ option (1 byte) of (cluster ‖ seed) ‖ option of master.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(164));
        bytes.push(VERSION);
        bytes.extend_from_slice(&*self.signing_seed);
        bytes.extend_from_slice(&*self.hpke_seed);
        match &self.cluster {
            Some((cluster, seed)) => {
                bytes.push(1);
                bytes.extend_from_slice(cluster.as_bytes());
                bytes.extend_from_slice(&**seed);
            }
            None => bytes.push(0),
        }
        match &self.master {
            Some(master) => {
                bytes.push(1);
                bytes.extend_from_slice(&**master);
            }
            None => bytes.push(0),
        }
        bytes
    }

    /// Reads what [`KeptSecrets::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&[VERSION])?;
        let mut take = || -> Option<Zeroizing<[u8; 32]>> {
            let (first, others) = rest.split_first_chunk::<32>()?;
            rest = others;
            Some(Zeroizing::new(*first))
        };
        let (signing_seed, hpke_seed) = (take()?, take()?);
        let mut option = |count: usize| -> Option<Option<Vec<Zeroizing<[u8; 32]>>>> {
            let (present, others) = rest.split_first()?;
            rest = others;
            match present {
                0 => Some(None),
                1 => {
                    let mut parts = Vec::with_capacity(count);
                    for _ in 0..count {
                        let (first, others) = rest.split_first_chunk::<32>()?;
                        rest = others;
                        parts.push(Zeroizing::new(*first));
                    }
                    Some(Some(parts))
                }
                _ => None,
            }
        };
        let cluster = option(2)?.and_then(|mut parts| {
            let seed = parts.pop()?;
            let id = parts.pop()?;
            Some((primitives::ClusterId(*id), seed))
        });
        let master = option(1)?.and_then(|mut parts| parts.pop());
        rest.is_empty().then_some(Self {
            signing_seed,
            hpke_seed,
            cluster,
            master,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_secrets_read_back_and_damaged_ones_do_not() {
        for cluster in [
            None,
            Some((primitives::ClusterId([3; 32]), Zeroizing::new([4; 32]))),
        ] {
            for master in [None, Some(Zeroizing::new([5; 32]))] {
                let kept = KeptSecrets {
                    signing_seed: Zeroizing::new([1; 32]),
                    hpke_seed: Zeroizing::new([2; 32]),
                    cluster: cluster.clone(),
                    master,
                };
                let bytes = kept.to_bytes();
                let read = KeptSecrets::from_bytes(&bytes).expect("reads back");
                assert_eq!(*read.to_bytes(), *bytes);
                for length in 0..bytes.len() {
                    assert!(KeptSecrets::from_bytes(&bytes[..length]).is_none());
                }
                let longer = [&bytes[..], &[0]].concat();
                assert!(KeptSecrets::from_bytes(&longer).is_none());
            }
        }
    }
}
