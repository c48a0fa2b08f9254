//! What the state machine asks of a cluster's state.

use executor_api::{Change, StateUnavailable, StateView};
use primitives::{BlockHash, BlockNumber, StateRoot};
use secrets::StateKey;
use std::sync::Arc;

/// The store failed; the worker cannot go on, and nothing committed is lost.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// How far a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Mailbox entries run.
    pub next_number: u64,
    /// Root after them.
    pub state_root: StateRoot,
    /// The last final block acted on.
    pub block_number: BlockNumber,
    /// Its hash.
    pub block_hash: BlockHash,
}

/// Sealed records by name, and whether there is none after them.
pub type RecordChunk = (Vec<([u8; 32], Vec<u8>)>, bool);

/// One state as it lies on disk, encrypted with the cluster's key; later commits do not show in it.
pub trait Records: Send + Sync {
    /// The records whose names come after `after`, at least one where there is one, and no more once
    /// they come to `bytes_max`.
    ///
    /// # Errors
    /// When the disk cannot be read.
    fn chunk(
        &self,
        after: Option<&[u8; 32]>,
        bytes_max: usize,
    ) -> Result<RecordChunk, StateUnavailable>;

    /// Trie nodes that lead to an open key ([`wire::audit::OPEN_PREFIX`]) under this state's root.
    ///
    /// # Errors
    /// When the disk cannot be read.
    fn prove_open(&self, key: &[u8]) -> Result<Vec<Vec<u8>>, StateUnavailable>;
}

/// A cluster's authenticated, durable state.
pub trait ClusterStore: Send + Sync {
    /// How far it is.
    fn head(&self) -> Head;
    /// An immutable view of the committed state.
    fn snapshot(&self) -> Arc<dyn StateView>;
    /// The committed state as it lies on disk, for another worker of the cluster.
    fn records(&self) -> Arc<dyn Records>;
    /// Commits changes and the new head, all or nothing, and gives the new root.
    ///
    /// # Errors
    /// When nothing was committed: a full disk, a damaged file.
    fn commit(
        &self,
        next_number: u64,
        block_number: BlockNumber,
        block_hash: BlockHash,
        changes: &[Change],
    ) -> Result<StateRoot, StoreError>;
    /// The root that the state had after `next_number` entries, where it is still known.
    fn root_at(&self, next_number: u64) -> Option<StateRoot>;
    /// By which of the cluster's seeds it is encrypted; the next one once [`ClusterStore::rekey`] is
    /// done and cannot be undone by a crash.
    fn keyed_by(&self) -> u32;
    /// Begins to encrypt all of it anew, by another seed, beside what else is done with it. Nothing if
    /// that is going on already. Content and root stay.
    ///
    /// # Errors
    /// When it cannot begin, or what was begun has failed; it may be tried again.
    fn rekey(&self, rotation: u32, key: &StateKey) -> Result<(), StoreError>;
    /// Forgets everything: back to an empty state at number 0.
    ///
    /// # Errors
    /// As [`ClusterStore::commit`].
    fn clear(&self) -> Result<(), StoreError>;
}
