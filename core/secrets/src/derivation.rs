//! The key derivation function and the key tree.
//!
//! ```text
//! cluster seed ── CLUSTER_KEY ───────────────────► signing key
//!      ├─ CONTRACT_KEY(contract) ───────────────► sr25519
//!      ├─ CONTRACT_HPKE_KEY(contract) ──────────► X25519
//!      ├─ CONTRACT_AUDIT_SECRET(contract) ──────► what keys the hashes of its part of the state
//!      ├─ STATE_KEY ────────────────────────────► state on disk
//!      └─ CONTRACT_USER_ROOT ─► contracts' root, of a cluster's first seed alone
//!                                   └─ CONTRACT_USER_KEY(contract, salt) ─► sr25519, given out
//! ```
//!
//! The seed is a threshold evaluation of the cluster's id and of a number that rises when the cluster's
//! keys are rotated: see `threshold-keys`. What contracts derive for themselves does not change then,
//! since it may own things elsewhere: the root goes on with the cluster's state.
//!
//! What a contract gets ([`ContractUserRoot::contract_user_key`]) tells nothing of its siblings or parent.

use crate::{CommandSeeds, HpkeSecret, Sr25519Secret};
use codec::{Compact, Encode};
use hkdf::Hkdf;
use primitives::ContractId;
use sha2::Sha256;
use wire::domain::{
    CLUSTER_KEY, CONTRACT_AUDIT_SECRET, CONTRACT_HPKE_KEY, CONTRACT_KEY, CONTRACT_USER_KEY,
    CONTRACT_USER_ROOT, Label, STATE_KEY,
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

/// A cluster's seed: all that a worker needs to serve the cluster. Wiped when dropped.
pub struct ClusterSeed(Zeroizing<[u8; 32]>);

impl ClusterSeed {
    /// The seed of these bytes: those of an evaluation's secret, or what [`ClusterSeed::expose`]
    /// gave.
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

    /// The seeds of both keys that commands for a contract are opened with: for its auditors. `rotation`
    /// says which of the cluster's seeds this is.
    pub fn contract_command_seeds(&self, contract: &ContractId, rotation: u32) -> CommandSeeds {
        let seed = |label| derive(label, &*self.0, &[contract.as_bytes()]);
        CommandSeeds { rotation, hpke: seed(CONTRACT_HPKE_KEY), sr25519: seed(CONTRACT_KEY) }
    }

    /// What keys the hashes of a contract's part of the state, from its making on.
    pub fn contract_audit_secret(&self, contract: &ContractId) -> Zeroizing<[u8; 32]> {
        derive(CONTRACT_AUDIT_SECRET, &*self.0, &[contract.as_bytes()])
    }

    /// What contracts' own keys derive from, where this is the cluster's first seed.
    pub fn contract_user_root(&self) -> ContractUserRoot {
        ContractUserRoot(derive(CONTRACT_USER_ROOT, &*self.0, &[]))
    }

    /// The key of the cluster's state on a worker's disk.
    pub fn state_key(&self) -> StateKey {
        StateKey(derive(STATE_KEY, &*self.0, &[]))
    }
}

/// What the keys derive from that a cluster's contracts derive for themselves. Wiped when dropped.
pub struct ContractUserRoot(Zeroizing<[u8; 32]>);

impl ContractUserRoot {
    /// Restores a root from its bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The bytes, to be encrypted by the caller.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key that a contract asked for, as 64 bytes (canonical scalar ‖ nonce) that it may keep.
    pub fn contract_user_key(&self, contract: &ContractId, salt: &[u8]) -> Zeroizing<[u8; 64]> {
        let seed = derive(CONTRACT_USER_KEY, &*self.0, &[contract.as_bytes(), salt]);
        Sr25519Secret::from_seed(&seed).dump()
    }
}

/// The key of a cluster's state store. Wiped when dropped.
pub struct StateKey(Zeroizing<[u8; 32]>);

impl StateKey {
    /// Restores a key from its bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The bytes, for a worker that hands its state over. The caller guards them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key below this one, for one purpose.
    pub fn derive(&self, label: Label, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        derive(label, &*self.0, parts)
    }
}
