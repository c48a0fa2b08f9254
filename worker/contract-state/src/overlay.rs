//! Changes that are not committed, over a snapshot.

use crate::{Change, Snapshot, StateUnavailable, StateView};
use std::collections::BTreeMap;

/// A snapshot with changes on top: each operation of a block sees what those before it did.
pub struct Overlay {
    base: Snapshot,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Overlay {
    /// No changes yet.
    pub fn new(base: Snapshot) -> Self {
        Self {
            base,
            changes: BTreeMap::new(),
        }
    }

    /// Adds changes; of several to one key the last counts.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.changes.extend(changes);
    }

    /// All changes, sorted, each key once: what to commit.
    pub fn into_changes(self) -> Vec<Change> {
        self.changes.into_iter().collect()
    }
}

impl StateView for Overlay {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        match self.changes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.base.read(key),
        }
    }
}
