//! Taking a state over from a peer, record by record.
//!
//! All workers of a cluster encrypt their records with the same key under the same names, so a peer
//! sends what lies in its file, in the order of its names ([`Snapshot::records`]), and who receives it
//! writes it down as it is. Each record is opened when it comes; whether they make the state that they
//! should is seen at the end, by a walk through the whole trie from the wanted root
//! ([`Import::finish`]): every node has the hash that its parent names, and no record is left over.

use crate::{
    CommitError, Head, OpenError, Position, Snapshot, StateUnavailable, StoreIdentity,
    cipher::{Cipher, Kind},
    error::StoreFailure,
    store::{ImportMark, Opener, PAGE_CACHE_BYTES, Store, guarded, read_node},
    version::{EMPTY_NODE, Layout, empty_root},
};
use hash_db::{HashDBRef, Hasher, Prefix};
use polkadot_sdk::{
    sp_core::{Blake2Hasher, H256},
    sp_trie::{DBValue, Trie, TrieDBBuilder, prefixed_key},
};
use primitives::StateRoot;
use redb::{Database, ReadableTableMetadata};
use secrets::StateKey;
use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Longest sealed record, bytes: a value with its node and its seal.
pub const RECORD_BYTES_MAX: usize = crate::VALUE_BYTES_MAX + 64 * 1024;

/// One record of a state file: its name, which tells nothing, and its encrypted content.
pub type Record = ([u8; 32], Vec<u8>);

/// Some records, in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The records.
    pub records: Vec<Record>,
    /// Whether there is none after them.
    pub is_last: bool,
}

impl Snapshot {
    /// The records whose names come after `after`, as they lie in the file: at least one where there
    /// is one, and no more once they come to `bytes_max`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn records(
        &self,
        after: Option<&[u8; 32]>,
        bytes_max: usize,
    ) -> Result<Chunk, StateUnavailable> {
        let explain = |failure: StoreFailure| StateUnavailable(OpenError::from(failure).to_string());
        self.version.table_chunk(after, bytes_max).map_err(explain)
    }

    /// How many records the state has.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn record_count(&self) -> Result<u64, StateUnavailable> {
        let count = guarded(|| self.version.table().len().map_err(|e| redb::Error::from(e).into()));
        count.map_err(|failure| StateUnavailable(OpenError::from(failure).to_string()))
    }
}

/// Which state is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportTarget {
    /// Mailbox entries that were run for it.
    pub next_number: u64,
    /// Its root.
    pub state_root: StateRoot,
}

/// Why records are not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A record does not open, is too long, or is out of order: the peer sends no state of this
    /// cluster.
    #[error("a record does not belong to this cluster's state: {0}")]
    BadRecord(&'static str),
    /// All records are there, and they are not the state that was wanted.
    #[error("the records are not the state with root {wanted}: {reason}")]
    AnotherState {
        /// The root that was wanted.
        wanted: StateRoot,
        /// What is wrong.
        reason: String,
    },
    /// The file failed; what was taken before is still there.
    #[error(transparent)]
    File(#[from] CommitError),
}

/// A state that is being taken over. What was added survives a restart.
pub struct Import {
    store: Store,
    cipher: Arc<Cipher>,
    mark: ImportMark,
}

impl Import {
    /// Begins at `path`, or goes on with what lies there if that is of the same state; what is of
    /// another state is thrown away.
    ///
    /// # Errors
    /// See [`OpenError`]. A file that is no unfinished import is [`OpenError::Damaged`].
    pub fn begin(
        path: &Path,
        key: &StateKey,
        identity: &StoreIdentity,
        target: &ImportTarget,
    ) -> Result<Self, OpenError> {
        let path = path.to_path_buf();
        let opener: Opener = Box::new(move || {
            Database::builder()
                .set_cache_size(PAGE_CACHE_BYTES)
                .create(&path)
        });
        let cipher = Arc::new(Cipher::new(key));
        let wanted = ImportMark {
            next_number: target.next_number,
            state_root: target.state_root,
            after: None,
        };
        let (store, found) =
            Store::open_import(&opener, Arc::clone(&cipher), identity, &Head::empty(), &wanted)?;
        let is_same =
            (found.next_number, found.state_root) == (wanted.next_number, wanted.state_root);
        let mark = if is_same {
            found
        } else {
            guarded(|| store.restart_import(&wanted))?;
            wanted
        };
        Ok(Self { store, cipher, mark })
    }

    /// The name after which to go on; `None` at the beginning.
    pub fn after(&self) -> Option<[u8; 32]> {
        self.mark.after
    }

    /// Takes records; they are on disk when it returns.
    ///
    /// # Errors
    /// See [`ImportError`]; none of the records is taken then.
    pub fn add(&mut self, records: &[Record]) -> Result<(), ImportError> {
        let mut after = self.mark.after;
        for (name, record) in records {
            if after.is_some_and(|after| *name <= after) {
                return Err(ImportError::BadRecord("the records are out of order"));
            }
            if record.len() > RECORD_BYTES_MAX {
                return Err(ImportError::BadRecord("it is longer than any"));
            }
            self.cipher
                .open(Kind::Node, name, record)
                .map_err(|_| ImportError::BadRecord("it does not open"))?;
            after = Some(*name);
        }
        let mark = ImportMark { after, ..self.mark };
        guarded(|| self.store.add_records(records, &mark)).map_err(CommitError::from)?;
        self.mark = mark;
        Ok(())
    }

    /// Checks that the records are the wanted state and nothing else, and makes the file one that
    /// [`crate::StateDb::open`] opens, standing at the state and at `position`'s block.
    ///
    /// # Errors
    /// [`ImportError::AnotherState`]: the file is of no use then. Otherwise the check can be tried
    /// again.
    pub fn finish(self, position: &Position) -> Result<(), ImportError> {
        let root = H256(self.mark.state_root.0);
        let wrong = |reason: String| ImportError::AnotherState {
            wanted: self.mark.state_root,
            reason,
        };
        let table = self.store.node_table().map_err(CommitError::from)?;
        let read = |name: &[u8]| read_node(&table, &self.cipher, name);
        let seen = walk(root, &read).map_err(|error| match error {
            WalkError::Wrong(reason) => wrong(reason),
            WalkError::File(failure) => CommitError::from(failure).into(),
        })?;
        let count = guarded(|| table.len().map_err(|error| redb::Error::from(error).into()))
            .map_err(CommitError::from)?;
        if seen != count {
            return Err(wrong(format!("it has {seen} records, and {count} came")));
        }
        let position = Position { next_number: self.mark.next_number, ..*position };
        let head = Head::at(&position, root);
        drop(table);
        guarded(|| self.store.finish_import(&head)).map_err(CommitError::from)?;
        Ok(())
    }
}

/// Why a walk through a state did not come to its end.
pub(crate) enum WalkError {
    /// The nodes are not the state with this root.
    Wrong(String),
    /// They could not be read, or what is done with them failed.
    File(StoreFailure),
}

/// Reads each node below a root once, and sees that it is what its parent says; gives how many there are.
pub(crate) fn walk(root: H256, read: &ReadNode<'_>) -> Result<u64, WalkError> {
    let nodes = CheckedNodes {
        read,
        seen: AtomicU64::new(0),
        failure: Mutex::new(None),
    };
    let walked = guarded(|| {
        let trie = TrieDBBuilder::<Layout>::new(&nodes, &root).build();
        let leaves = trie.iter().map_err(|error| StoreFailure::damaged(&*error))?;
        for leaf in leaves {
            leaf.map_err(|error| StoreFailure::damaged(&*error))?;
        }
        Ok(())
    });
    let cause = nodes.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (cause, walked) {
        (Some(WalkFailure::Node(reason)), _) => Err(WalkError::Wrong(reason.into())),
        (Some(WalkFailure::File(failure)), _) => Err(WalkError::File(failure)),
        (None, Err(StoreFailure::Damaged(reason))) => Err(WalkError::Wrong(reason)),
        (None, Err(failure)) => Err(WalkError::File(failure)),
        (None, Ok(())) => Ok(nodes.seen.into_inner()),
    }
}

enum WalkFailure {
    Node(&'static str),
    File(StoreFailure),
}

pub(crate) type ReadNode<'a> = dyn Fn(&[u8]) -> Result<Option<Vec<u8>>, StoreFailure> + Sync + 'a;

/// Nodes whose hash is looked at, since a peer may lie; and how many were read.
struct CheckedNodes<'a> {
    read: &'a ReadNode<'a>,
    seen: AtomicU64,
    failure: Mutex<Option<WalkFailure>>,
}

impl CheckedNodes<'_> {
    fn fail(&self, failure: WalkFailure) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }
}

impl HashDBRef<Blake2Hasher, DBValue> for CheckedNodes<'_> {
    fn get(&self, key: &H256, prefix: Prefix<'_>) -> Option<DBValue> {
        if *key == empty_root() {
            return Some(EMPTY_NODE.to_vec());
        }
        match (self.read)(&prefixed_key::<Blake2Hasher>(key, prefix)) {
            Ok(Some(node)) if Blake2Hasher::hash(&node) == *key => {
                self.seen.fetch_add(1, Ordering::Relaxed);
                return Some(node);
            }
            Ok(Some(_)) => self.fail(WalkFailure::Node("a record is not what its name says")),
            Ok(None) => self.fail(WalkFailure::Node("a record is missing")),
            Err(failure) => self.fail(WalkFailure::File(failure)),
        }
        None
    }

    fn contains(&self, key: &H256, prefix: Prefix<'_>) -> bool {
        HashDBRef::get(self, key, prefix).is_some()
    }
}
