//! Snapshots: a cluster's state, handed from one of its workers to another.
//!
//! What is sent are records as they lie on disk, encrypted with a key that only the cluster's workers
//! have. Whoever receives them knows from the chain which root they must come to.

use crate::domain::{SNAPSHOT_REQUEST, tagged_hash};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use primitives::{BlockNumber, ClusterId, GenesisHash, StateRoot, WorkerId};

/// Longest request, bytes.
pub const SNAPSHOT_REQUEST_BYTES_MAX: u32 = 512;
/// Bytes of records after which a peer ends a chunk.
pub const SNAPSHOT_CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// Longest chunk, bytes: one record may go beyond [`SNAPSHOT_CHUNK_BYTES`].
pub const SNAPSHOT_CHUNK_BYTES_MAX: u32 = 12 * 1024 * 1024;
/// Blocks by which asker and peer may differ in the newest final block they know.
pub const SNAPSHOT_BLOCKS_APART_MAX: BlockNumber = 64;

/// A worker asks another for a part of their cluster's state.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SnapshotRequest {
    /// Which cluster.
    pub cluster: ClusterId,
    /// Who asks.
    pub asker: WorkerId,
    /// Who is asked.
    pub peer: WorkerId,
    /// After how many mailbox entries.
    pub next_number: u64,
    /// The root that the cluster agreed on there.
    pub state_root: StateRoot,
    /// By which of the cluster's seeds the records are to be encrypted: one that the asker has.
    pub rotation: u32,
    /// The name of the last record that the asker has.
    pub after: Option<[u8; 32]>,
    /// The newest final block that the asker knows: an old request is worth nothing.
    pub block_number: BlockNumber,
}

impl SnapshotRequest {
    /// What the asker's identity key signs.
    pub fn signed_bytes(&self, genesis: &GenesisHash) -> [u8; 32] {
        tagged_hash(SNAPSHOT_REQUEST, &[genesis.as_bytes(), &self.encode()])
    }
}

/// A request with the asker's signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedSnapshotRequest {
    /// What is asked.
    pub request: SnapshotRequest,
    /// sr25519, over [`SnapshotRequest::signed_bytes`].
    pub signature: [u8; 64],
}

/// A part of a state.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SnapshotChunk {
    /// Records by name, in the order of their names.
    pub records: Vec<([u8; 32], Vec<u8>)>,
    /// Whether there is none after them.
    pub is_last: bool,
}
