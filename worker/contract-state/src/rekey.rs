//! Encrypting a state anew with another key.
//!
//! Names on disk are blinded with the key, so that the old file alone does not tell what to write: the
//! trie is walked from its root, and each node is written into another file under its new name. That
//! file is an unfinished import until all of it is there, so that a crash leaves nothing that opens.
//! Commits to the old file go on meanwhile; whoever asked for the new one brings it up by the same
//! commits. Content and root do not depend on the key.

use crate::{
    CommitError, OpenError, Snapshot, StateDb,
    cipher::{Cipher, Kind},
    closed,
    error::StoreFailure,
    import::{Record, WalkError, walk},
    store::{ImportMark, Opener, PAGE_CACHE_BYTES, Store, guarded, read_node},
};
use polkadot_sdk::sp_core::H256;
use primitives::StateRoot;
use redb::Database;
use secrets::StateKey;
use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Bytes of records that are written at once.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Records that wait to be written.
#[derive(Default)]
struct Waiting {
    records: Vec<Record>,
    bytes: usize,
}

fn damaged(error: OpenError) -> CommitError {
    match error {
        OpenError::DiskFull => CommitError::DiskFull,
        OpenError::Io(error) => CommitError::Io(error),
        other => CommitError::Damaged(other.to_string()),
    }
}

impl StateDb {
    /// Writes the state of a snapshot of this store into a new file at `path`, encrypted with `key`, and
    /// opens it. Roots of earlier numbers go along. Takes as long as reading all of it, and ends early
    /// once `is_given_up` is set.
    ///
    /// # Errors
    /// See [`CommitError`]. What lies at `path` then is of no use; this store is as it was.
    pub fn rekeyed(
        &self,
        snapshot: &Snapshot,
        path: &Path,
        key: &StateKey,
        is_given_up: &AtomicBool,
    ) -> Result<Self, CommitError> {
        let head = snapshot.head;
        let mark = ImportMark {
            next_number: head.next_number,
            state_root: head.state_root,
            after: None,
        };
        let cipher = Arc::new(Cipher::new(key));
        let place = path.to_path_buf();
        let opener: Opener = Box::new(move || {
            Database::builder()
                .set_cache_size(PAGE_CACHE_BYTES)
                .create(&place)
        });
        let (target, _) = Store::open_import(
            &opener,
            Arc::clone(&cipher),
            &self.identity,
            &crate::Head::empty(),
            &mark,
        )
        .map_err(damaged)?;
        let waiting = Mutex::new(Waiting::default());
        let write = |waiting: &mut Waiting| {
            waiting.bytes = 0;
            target.add_records(&std::mem::take(&mut waiting.records), &mark)
        };
        let read = |name: &[u8]| {
            if is_given_up.load(Ordering::Relaxed) {
                return Err(StoreFailure::Io(std::io::Error::other("it was given up")));
            }
            let node = read_node(snapshot.version.table(), snapshot.version.cipher(), name)?;
            if let Some(node) = &node {
                let blinded = cipher.blind(name);
                let record = cipher.seal(Kind::Node, &blinded, node);
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.bytes += record.len();
                waiting.records.push((blinded, record));
                if waiting.bytes >= BATCH_BYTES {
                    write(&mut *waiting)?;
                }
            }
            Ok(node)
        };
        walk(H256(head.state_root.0), &read).map_err(|error| match error {
            WalkError::Wrong(reason) => CommitError::Damaged(reason),
            WalkError::File(failure) => failure.into(),
        })?;
        let mut waiting = waiting.into_inner().unwrap_or_else(PoisonError::into_inner);
        guarded(|| write(&mut waiting))?;
        let roots = self.roots_up_to(head.next_number)?;
        guarded(|| target.add_roots(&roots))?;
        guarded(|| target.finish_import(&head))?;
        drop(target);
        Self::open(path, key, &self.identity).map_err(damaged)
    }

    fn roots_up_to(&self, number: u64) -> Result<Vec<(u64, StateRoot)>, CommitError> {
        let guard = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let store = guard.as_ref().ok_or_else(closed)?;
        Ok(store.roots_up_to(number)?)
    }

    /// Puts the store's file in the place of another, durably: after a crash one of the two is there.
    ///
    /// # Errors
    /// When the disk fails, or the store is in memory.
    pub fn move_to(&self, path: &Path) -> Result<(), CommitError> {
        let _writing = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let in_memory = || StoreFailure::Io(std::io::Error::other("the state is in memory"));
        let place = self.place.as_ref().ok_or_else(in_memory)?;
        let mut place = place.write().unwrap_or_else(PoisonError::into_inner);
        std::fs::rename(&*place, path).map_err(CommitError::Io)?;
        *place = path.to_path_buf();
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        std::fs::File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(CommitError::Io)
    }
}
