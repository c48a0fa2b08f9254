//! States kept for other workers of the cluster, and how they are asked for.
//!
//! A worker pins the state of each report that it makes. Once the cluster agrees on one, a worker that
//! joins, was away for too long, or computed something else asks for it, chunk by chunk. What is handed
//! out is encrypted with the cluster's key; who asks must be of the cluster all the same, by the chain's
//! word, so that nobody else wears the disk out.

use crate::{identity::Identity, store::Records};
use chain_facts::AgreedCheckpoint;
use codec::Encode;
use primitives::{BlockNumber, ClusterId, ContractId, GenesisHash, StateRoot, WorkerId};
use secrets::verify_sr25519;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use wire::audit::{ContractRootProof, contract_root_key};
use wire::snapshot::{
    SNAPSHOT_BLOCKS_APART_MAX, SNAPSHOT_CHUNK_BYTES, SNAPSHOT_CHUNK_BYTES_MAX,
    SNAPSHOT_REQUEST_BYTES_MAX, SignedSnapshotRequest, SnapshotChunk, SnapshotRequest,
};

/// Pinned states that are not agreed on yet.
const WAITING_MAX: usize = 4;
/// Pinned states at most. Each keeps pages of the disk from being used again.
const PINNED_MAX: usize = 8;
/// Blocks for which a state stays that somebody fetches.
const FETCHED_WITHIN: BlockNumber = 128;
/// Blocks for which a state stays after the cluster has agreed on a newer one: who heard of it late asks
/// for it all the same.
const KEPT_AFTER: BlockNumber = 64;
/// Chunks that are read at once.
pub(crate) const READERS_MAX: usize = 2;

/// Proofs of contracts' roots that are made at once.
const PROVERS_MAX: usize = 4;

/// A state that is handed out.
struct Pinned {
    next_number: u64,
    state_root: StateRoot,
    /// By which of the cluster's seeds its records are encrypted.
    rotation: u32,
    records: Arc<dyn Records>,
    /// The block at which a part of it was asked for last.
    asked_at: Option<BlockNumber>,
    /// The first block at which a newer one was agreed on.
    passed_at: Option<BlockNumber>,
}

#[derive(Default)]
struct Offered {
    cluster: ClusterId,
    members: Vec<WorkerId>,
    block_number: BlockNumber,
    pinned: Vec<Pinned>,
    /// What the cluster agreed on last.
    agreed: Option<AgreedCheckpoint>,
}

/// Why there is no proof of a contract's root. None of it is confidential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoot {
    /// The agreed state is not at hand: nothing is agreed yet, or this worker was started since.
    #[error("this worker does not hold the state that its cluster agreed on last: ask another, or when the cluster has agreed again")]
    NotHeld,
    /// Others are served.
    #[error("this worker proves as much as it can; try again in a moment")]
    Busy,
    /// The disk failed.
    #[error("the state cannot be read")]
    Broken,
}

/// Why a peer gets nothing. None of it is confidential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotRefusal {
    /// The request is none.
    #[error("the request for a snapshot cannot be read")]
    Malformed,
    /// It is not for this worker, not from a worker of its cluster, or not signed by it.
    #[error("the request for a snapshot is refused: {0}")]
    Refused(&'static str),
    /// There is no such state here.
    #[error("this worker does not hold the state after {next_number} entries with root {state_root}, encrypted by seed {rotation}")]
    NotHeld {
        /// After how many entries.
        next_number: u64,
        /// With which root.
        state_root: StateRoot,
        /// Encrypted by which of the cluster's seeds.
        rotation: u32,
    },
    /// Others are served.
    #[error("this worker is handing out as many snapshots as it can; try again in a moment")]
    Busy,
    /// The disk failed.
    #[error("the state cannot be read")]
    Broken,
}

/// Hands out states. One for each worker; shared by all threads.
pub struct SnapshotService {
    identity: Arc<Identity>,
    offered: Mutex<Offered>,
    readers: AtomicUsize,
    provers: AtomicUsize,
}

/// A place among those that read; given back when dropped.
pub(crate) struct Reader<'a>(&'a AtomicUsize);

impl<'a> Reader<'a> {
    /// A place among at most `max`, if one is free.
    pub(crate) fn among(readers: &'a AtomicUsize, max: usize) -> Option<Self> {
        let place = Self(readers);
        (readers.fetch_add(1, Ordering::AcqRel) < max).then_some(place)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl SnapshotService {
    /// Hands out nothing yet.
    pub fn new(identity: Arc<Identity>) -> Self {
        Self {
            identity,
            offered: Mutex::default(),
            readers: AtomicUsize::new(0),
            provers: AtomicUsize::new(0),
        }
    }

    fn offered(&self) -> std::sync::MutexGuard<'_, Offered> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the newest final block says: who may ask. Lets go of states that nobody needs any more.
    pub(crate) fn follow(
        &self,
        cluster: &ClusterId,
        members: &[WorkerId],
        block_number: BlockNumber,
        agreed: Option<&AgreedCheckpoint>,
    ) {
        let mut offered = self.offered();
        if offered.cluster != *cluster {
            offered.pinned.clear();
            offered.cluster = *cluster;
        }
        offered.members = members.to_vec();
        offered.block_number = block_number;
        offered.agreed = agreed.copied();
        let agreed_number = agreed.map_or(0, |agreed| agreed.next_number);
        let waiting = offered.pinned.iter().filter(|pinned| pinned.next_number > agreed_number);
        let mut surplus = waiting.count().saturating_sub(WAITING_MAX);
        offered.pinned.retain_mut(|pinned| {
            let is_fetched = pinned
                .asked_at
                .is_some_and(|at| block_number.saturating_sub(at) <= FETCHED_WITHIN);
            if pinned.next_number > agreed_number {
                // The oldest of them go: agreement moves forward.
                let goes = surplus > 0;
                surplus = surplus.saturating_sub(1);
                return !goes;
            }
            let is_agreed = agreed.is_some_and(|agreed| {
                (agreed.next_number, agreed.state_root) == (pinned.next_number, pinned.state_root)
            });
            let passed_at = *pinned.passed_at.get_or_insert(block_number);
            let is_young = block_number.saturating_sub(passed_at) <= KEPT_AFTER;
            is_agreed || is_fetched || is_young
        });
        let surplus = offered.pinned.len().saturating_sub(PINNED_MAX);
        offered.pinned.drain(..surplus);
    }

    /// Keeps a state at hand.
    pub(crate) fn pin(
        &self,
        next_number: u64,
        state_root: StateRoot,
        rotation: u32,
        records: Arc<dyn Records>,
    ) {
        let mut offered = self.offered();
        let known = offered.pinned.iter().any(|pinned| {
            (pinned.next_number, pinned.state_root, pinned.rotation)
                == (next_number, state_root, rotation)
        });
        if !known {
            let (asked_at, passed_at) = (None, None);
            let pinned =
                Pinned { next_number, state_root, rotation, records, asked_at, passed_at };
            offered.pinned.push(pinned);
        }
    }

    /// Whether the state after so many entries is at hand, encrypted by this seed.
    pub(crate) fn holds(&self, next_number: u64, rotation: u32) -> bool {
        let offered = self.offered();
        offered
            .pinned
            .iter()
            .any(|pinned| (pinned.next_number, pinned.rotation) == (next_number, rotation))
    }

    /// Lets go of what is encrypted by seeds before this one.
    pub(crate) fn forget_seeds_before(&self, rotation: u32) {
        self.offered().pinned.retain(|pinned| pinned.rotation >= rotation);
    }

    /// Proves a contract's commitment, or that there is none, under the root that the cluster agreed on
    /// last: a SCALE `ContractRootProof`. Anybody may have it, since without the contract's audit key
    /// it says nothing.
    ///
    /// # Errors
    /// See [`NoRoot`].
    pub fn contract_root(&self, contract: &ContractId) -> Result<Vec<u8>, NoRoot> {
        let (agreed, records) = {
            let offered = self.offered();
            let agreed = offered.agreed.ok_or(NoRoot::NotHeld)?;
            let is_agreed = |pinned: &&Pinned| {
                (pinned.next_number, pinned.state_root) == (agreed.next_number, agreed.state_root)
            };
            let pinned = offered.pinned.iter().find(is_agreed).ok_or(NoRoot::NotHeld)?;
            (agreed, pinned.records.clone())
        };
        let _prover = Reader::among(&self.provers, PROVERS_MAX).ok_or(NoRoot::Busy)?;
        let nodes =
            records.prove_open(&contract_root_key(contract)).map_err(|_| NoRoot::Broken)?;
        let AgreedCheckpoint { next_number, state_root, .. } = agreed;
        Ok(ContractRootProof { next_number, state_root, nodes }.encode())
    }

    /// Lets go of everything.
    pub(crate) fn withdraw(&self) {
        *self.offered() = Offered::default();
    }

    /// Answers a SCALE `SignedSnapshotRequest` with a SCALE `SnapshotChunk`. Reads the disk.
    ///
    /// # Errors
    /// See [`SnapshotRefusal`].
    pub fn answer(&self, request: &[u8]) -> Result<Vec<u8>, SnapshotRefusal> {
        let SignedSnapshotRequest { request, signature } = decode_request(request)?;
        let records = self.find(&request, &signature)?;
        let _reader = Reader::among(&self.readers, READERS_MAX).ok_or(SnapshotRefusal::Busy)?;
        let (records, is_last) = records
            .chunk(request.after.as_ref(), SNAPSHOT_CHUNK_BYTES)
            .map_err(|_| SnapshotRefusal::Broken)?;
        Ok(SnapshotChunk { records, is_last }.encode())
    }

    fn find(
        &self,
        request: &SnapshotRequest,
        signature: &[u8; 64],
    ) -> Result<Arc<dyn Records>, SnapshotRefusal> {
        let refused = |why| Err(SnapshotRefusal::Refused(why));
        if request.peer != self.identity.worker() {
            return refused("it is for another worker");
        }
        let mut offered = self.offered();
        if request.cluster != offered.cluster || !offered.members.contains(&request.asker) {
            return refused("the chain does not know the asker as a worker of this cluster");
        }
        if request.block_number.abs_diff(offered.block_number) > SNAPSHOT_BLOCKS_APART_MAX {
            return refused("its final block is too far from the newest that this worker knows");
        }
        check_signature(request, signature, &self.identity.genesis())?;
        let block_number = offered.block_number;
        let found = offered.pinned.iter_mut().find(|pinned| {
            (pinned.next_number, pinned.state_root, pinned.rotation)
                == (request.next_number, request.state_root, request.rotation)
        });
        let pinned = found.ok_or(SnapshotRefusal::NotHeld {
            next_number: request.next_number,
            state_root: request.state_root,
            rotation: request.rotation,
        })?;
        pinned.asked_at = Some(block_number);
        Ok(pinned.records.clone())
    }
}

fn decode_request(request: &[u8]) -> Result<SignedSnapshotRequest, SnapshotRefusal> {
    wire::decode_all(request, SNAPSHOT_REQUEST_BYTES_MAX).map_err(|_| SnapshotRefusal::Malformed)
}

fn check_signature(
    request: &SnapshotRequest,
    signature: &[u8; 64],
    genesis: &GenesisHash,
) -> Result<(), SnapshotRefusal> {
    if verify_sr25519(&request.asker.0, &request.signed_bytes(genesis), signature) {
        return Ok(());
    }
    Err(SnapshotRefusal::Refused("its signature is not the asker's"))
}

/// A request that its asker has signed, whoever that is.
pub(crate) fn verify_request(
    request: &[u8],
    genesis: &GenesisHash,
) -> Result<SnapshotRequest, SnapshotRefusal> {
    let SignedSnapshotRequest { request, signature } = decode_request(request)?;
    check_signature(&request, &signature, genesis)?;
    Ok(request)
}

/// Makes a worker's request for a part of its cluster's state, SCALE and signed.
pub fn snapshot_request(identity: &Identity, request: SnapshotRequest) -> Vec<u8> {
    let signature = identity.sign(&request.signed_bytes(&identity.genesis()));
    SignedSnapshotRequest { request, signature }.encode()
}

/// Reads a peer's answer; `None` where it is none.
pub fn read_snapshot_chunk(answer: &[u8]) -> Option<SnapshotChunk> {
    wire::decode_all(answer, SNAPSHOT_CHUNK_BYTES_MAX).ok()
}
