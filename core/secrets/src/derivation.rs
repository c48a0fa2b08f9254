//! The key derivation function and the key tree.
//!
//! ```text
//! master secret ── MASTER_KEY ─────────────► the network's signing key
//!      └─ CLUSTER_SEED(cluster) ─► cluster seed ── CLUSTER_KEY ───────────────────► signing key
//!                                       ├─ CONTRACT_KEY(contract) ───────────────► sr25519
//!                                       ├─ CONTRACT_HPKE_KEY(contract) ──────────► X25519
//!                                       ├─ CONTRACT_USER_KEY(contract, salt) ────► sr25519, given out
//!                                       └─ STATE_KEY ────────────────────────────► state on disk
//! ```
//!
//! What a contract gets ([`ClusterSeed::contract_user_key`]) tells nothing of its siblings or parent.

use crate::{
    HpkeSecret, Sr25519Secret,
    hpke::{self, OpenError, SealError, Sealed},
};
use codec::{Compact, Encode};
use hkdf::Hkdf;
use primitives::{ClusterId, ContractId, GenesisHash, HpkePublicKey, WorkerId};
use rand_core::{CryptoRng, RngCore};
use sha2::Sha256;
use wire::domain::{
    CLUSTER_KEY, CLUSTER_SEED, CONTRACT_HPKE_KEY, CONTRACT_KEY, CONTRACT_USER_KEY, Label,
    MASTER_KEY, SEALED_CLUSTER_SEED, STATE_KEY, tagged_hash,
};
use zeroize::Zeroizing;

/// HKDF-SHA256 (RFC 5869): salt = label, input key = `ikm`, info = each of `parts` with its length
/// before it (SCALE compact); 32 bytes of output.
pub fn derive(label: Label, ikm: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut info = Vec::new();
    for part in parts {
        Compact(part.len() as u64).encode_to(&mut info);
        info.extend_from_slice(part);
    }
    let mut key = Zeroizing::new([0; 32]);
    #[expect(
        clippy::expect_used,
        reason = "HKDF-SHA256 gives up to 8160 bytes; 32 are asked for"
    )]
    Hkdf::<Sha256>::new(Some(label.0.as_bytes()), ikm)
        .expand(&info, &mut *key)
        .expect("32 bytes are within the limit of HKDF");
    key
}

/// Whoever can say a cluster's seed: one gatekeeper today, a threshold of them later.
pub trait ClusterSeedSource {
    /// The seed of `cluster`; the same each time.
    fn cluster_seed(&self, cluster: &ClusterId) -> ClusterSeed;
}

/// The network's master secret. Wiped when dropped.
pub struct MasterSecret(Zeroizing<[u8; 32]>);

impl MasterSecret {
    /// A new one.
    pub fn generate(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        Self(bytes)
    }

    /// Restores one from what [`MasterSecret::expose`] gave.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The bytes, to be sealed by the caller at once.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key that signs for the network.
    pub fn signing_key(&self) -> Sr25519Secret {
        Sr25519Secret::from_seed(&derive(MASTER_KEY, &*self.0, &[]))
    }

    /// The network's public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.signing_key().public()
    }
}

impl ClusterSeedSource for MasterSecret {
    fn cluster_seed(&self, cluster: &ClusterId) -> ClusterSeed {
        ClusterSeed(derive(CLUSTER_SEED, &*self.0, &[cluster.as_bytes()]))
    }
}

/// Associated data of a sealed seed: this network, this cluster, this worker.
pub fn sealed_seed_aad(genesis: &GenesisHash, cluster: &ClusterId, worker: &WorkerId) -> [u8; 32] {
    tagged_hash(
        SEALED_CLUSTER_SEED,
        &[genesis.as_bytes(), cluster.as_bytes(), worker.as_bytes()],
    )
}

/// A cluster's seed: all that a worker needs to serve the cluster. Wiped when dropped.
pub struct ClusterSeed(Zeroizing<[u8; 32]>);

impl ClusterSeed {
    /// Restores a seed from what [`ClusterSeed::expose`] gave.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The bytes, to be sealed by the caller at once.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key that signs for the cluster; its public half is on chain.
    pub fn signing_key(&self) -> Sr25519Secret {
        Sr25519Secret::from_seed(&derive(CLUSTER_KEY, &*self.0, &[]))
    }

    /// A contract's sr25519 key.
    pub fn contract_key(&self, contract: &ContractId) -> Sr25519Secret {
        Sr25519Secret::from_seed(&derive(CONTRACT_KEY, &*self.0, &[contract.as_bytes()]))
    }

    /// The key that commands for a contract are sealed to.
    pub fn contract_hpke_key(&self, contract: &ContractId) -> HpkeSecret {
        HpkeSecret::from_seed(&derive(CONTRACT_HPKE_KEY, &*self.0, &[contract.as_bytes()]))
    }

    /// A key that a contract asked for, as 64 bytes (canonical scalar ‖ nonce) that it may keep.
    pub fn contract_user_key(&self, contract: &ContractId, salt: &[u8]) -> Zeroizing<[u8; 64]> {
        let seed = derive(CONTRACT_USER_KEY, &*self.0, &[contract.as_bytes(), salt]);
        Sr25519Secret::from_seed(&seed).dump()
    }

    /// The key of the cluster's state on a worker's disk.
    pub fn state_key(&self) -> StateKey {
        StateKey(derive(STATE_KEY, &*self.0, &[]))
    }

    /// Seals the seed to a worker; `aad` is [`sealed_seed_aad`].
    ///
    /// # Errors
    /// When `recipient` is not a usable key.
    pub fn seal_to(
        &self,
        recipient: &HpkePublicKey,
        aad: &[u8],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Sealed, SealError> {
        hpke::seal_base(recipient, SEALED_CLUSTER_SEED, aad, &*self.0, rng)
            .map(|(sealed, _)| sealed)
    }

    /// Opens what [`ClusterSeed::seal_to`] sealed. The caller compares [`ClusterSeed::signing_key`]
    /// with the chain's record of the cluster: HPKE does not say who sealed.
    ///
    /// # Errors
    /// When it was sealed for another key or `aad`, or is damaged.
    pub fn open(
        recipient: &HpkeSecret,
        aad: &[u8],
        encapsulated_key: &[u8; 32],
        ciphertext: &[u8],
    ) -> Result<Self, OpenError> {
        let (bytes, _) = hpke::open_base(
            recipient,
            SEALED_CLUSTER_SEED,
            aad,
            encapsulated_key,
            ciphertext,
        )?;
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| OpenError)?;
        Ok(Self::from_bytes(bytes))
    }
}

/// The key of a cluster's state store. Wiped when dropped.
pub struct StateKey(Zeroizing<[u8; 32]>);

impl StateKey {
    /// Restores a key from its bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// A key below this one, for one purpose.
    pub fn derive(&self, label: Label, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        derive(label, &*self.0, parts)
    }
}
