//! A worker's keys.

use primitives::{GenesisHash, HpkePublicKey, WorkerId};
use secrets::{HpkeSecret, Sr25519Secret};

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
