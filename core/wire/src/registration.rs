//! What a worker registers with.

use crate::domain::{ENDPOINTS, REGISTRATION, tagged_hash};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use primitives::{AccountId, GenesisHash, HpkePublicKey, UnixMillis, WorkerId};
use scale_info::TypeInfo;

/// What a worker says of itself; its quote's report data is the hash of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct WorkerRegistration {
    /// Version of the worker program: major << 16 | minor << 8 | patch.
    pub version: u32,
    /// Its identity, made inside the TEE.
    pub worker: WorkerId,
    /// The key that requests are sealed to, made inside the TEE.
    pub hpke_public_key: HpkePublicKey,
    /// The network it registers on.
    pub genesis: GenesisHash,
    /// Who operates the machine.
    pub operator: Option<AccountId>,
    /// When the worker made its quote; the chain refuses an older one than it has.
    pub made_at_ms: UnixMillis,
}

impl WorkerRegistration {
    /// The hash that the quote's report data starts with; the other 32 bytes of it are zero.
    pub fn hash(&self) -> [u8; 32] {
        tagged_hash(REGISTRATION, &[&self.encode()])
    }

    /// The 64 bytes of report data of the quote.
    pub fn report_data(&self) -> [u8; 64] {
        let mut data = [0; 64];
        data[..32].copy_from_slice(&self.hash());
        data
    }
}

/// Where a worker can be reached. The layout is the original network's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum VersionedWorkerEndpoints {
    /// URLs in UTF-8.
    V1(Vec<alloc::string::String>),
}

/// A worker's announcement of its endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct WorkerEndpointPayload {
    /// Which worker.
    pub pubkey: WorkerId,
    /// Where.
    pub versioned_endpoints: VersionedWorkerEndpoints,
    /// When it was signed; the chain refuses one that is not newer than the last.
    pub signing_time: UnixMillis,
}

impl WorkerEndpointPayload {
    /// What the worker's identity key signs.
    pub fn signed_bytes(&self, genesis: &GenesisHash) -> [u8; 32] {
        tagged_hash(ENDPOINTS, &[genesis.as_bytes(), &self.encode()])
    }
}
