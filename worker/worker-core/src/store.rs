//! What the state machine asks of a cluster's state.

use executor_api::{Change, StateView};
use primitives::{BlockHash, BlockNumber, StateRoot};
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

/// A cluster's authenticated, durable state.
pub trait ClusterStore: Send + Sync {
    /// How far it is.
    fn head(&self) -> Head;
    /// An immutable view of the committed state.
    fn snapshot(&self) -> Arc<dyn StateView>;
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
    /// Forgets everything: back to an empty state at number 0.
    ///
    /// # Errors
    /// As [`ClusterStore::commit`].
    fn clear(&self) -> Result<(), StoreError>;
}
