//! Taking the cluster's state over from another worker.

use crate::store::ClusterStore;
use primitives::{BlockNumber, ClusterId};
use std::sync::Arc;

/// Blocks before a failed attempt is followed by another; then twice as many, and so on.
const RETRY_AFTER: BlockNumber = 4;
/// Blocks between two attempts at most.
const RETRY_AFTER_MAX: BlockNumber = 64;

/// Failed attempts after which the state is made from the mailbox, where the whole mailbox is there.
const FAILURES_ENOUGH: u8 = 3;

/// A cluster whose state this worker does not have, or not as it should be.
pub(crate) struct Joining {
    pub(crate) id: ClusterId,
    /// Why the state is not what was on disk.
    pub(crate) why: String,
    /// The first mailbox entry that the state on disk lacked.
    pub(crate) needs_number: u64,
    /// What was on disk, until it has to make place.
    pub(crate) store: Option<Arc<dyn ClusterStore>>,
    /// Whether the mailbox alone does not make the state: code that it needs was removed since.
    pub(crate) lacks_code: bool,
    is_fetching: bool,
    has_looked: bool,
    failures: u8,
    retry_at: BlockNumber,
    retry_after: BlockNumber,
}

impl Joining {
    /// In place of what is on disk.
    pub(crate) fn instead_of(id: ClusterId, store: &Arc<dyn ClusterStore>, why: String) -> Self {
        Self {
            id,
            why,
            needs_number: store.head().next_number,
            store: Some(store.clone()),
            lacks_code: false,
            is_fetching: false,
            has_looked: false,
            failures: 0,
            retry_at: 0,
            retry_after: RETRY_AFTER,
        }
    }

    /// Whether an attempt is under way.
    pub(crate) fn is_fetching(&self) -> bool {
        self.is_fetching
    }

    /// Whether it is time for an attempt.
    pub(crate) fn is_due(&self, now: BlockNumber) -> bool {
        !self.is_fetching && now >= self.retry_at
    }

    /// Begins an attempt at block `now`.
    pub(crate) fn fetch(&mut self, now: BlockNumber) {
        self.is_fetching = true;
        self.store = None;
        self.retry_at = now.saturating_add(self.retry_after);
        self.retry_after = self.retry_after.saturating_mul(2).min(RETRY_AFTER_MAX);
    }

    /// The attempt came to nothing.
    pub(crate) fn failed(&mut self) {
        self.is_fetching = false;
        self.failures = self.failures.saturating_add(1);
    }

    /// Whether everybody was asked, and nobody has the state.
    pub(crate) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Whether another attempt is no better than running the mailbox.
    pub(crate) fn has_failed_enough(&self) -> bool {
        self.failures >= FAILURES_ENOUGH
    }

    /// Whether a view was read with the cluster's peers before this call.
    pub(crate) fn has_looked_for_peers(&mut self) -> bool {
        std::mem::replace(&mut self.has_looked, true)
    }
}
