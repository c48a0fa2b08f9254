//! Authenticated, encrypted, crash-safe contract state: one file for one cluster.
//!
//! # What it is
//!
//! A flat key-value space under a Merkle trie root, in the layout that Substrate's chains use
//! (`LayoutV1`, Blake2b-256), so that one verifier reads proofs of chain and contract state. The root
//! depends on keys and values alone, never on how they came to be: the same changes in any batches
//! give the same root on every worker.
//!
//! A key goes into the trie as [`trie_key`]: a byte, then its Blake2b-256. So no contract can make the trie
//! deep by choice of keys, and no key is the start of another: `trie-db` 0.32 panics when such a key is
//! removed from above its only longer one. The byte parts *open* keys ([`wire::audit::OPEN_PREFIX`]) from
//! all others: a proof of an open key shows one hash of everything that is not open, and no leaf of it.
//!
//! # How to drive it
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use contract_state::{Overlay, Position, StateDb, StoreIdentity};
//! use executor_api::StateView;
//! use primitives::{ClusterId, GenesisHash};
//! use secrets::StateKey;
//!
//! let identity = StoreIdentity { genesis: GenesisHash([1; 32]), cluster: ClusterId([2; 32]) };
//! let db = StateDb::in_memory(&StateKey::from_bytes(&[3; 32]), &identity)?;
//!
//! // Several commands of one block: each sees what those before it changed.
//! let mut overlay = Overlay::new(db.snapshot());
//! overlay.apply(vec![(b"key".to_vec(), Some(b"value".to_vec()))]);
//! assert_eq!(overlay.read(b"key")?, Some(b"value".to_vec()));
//! let root = db.commit(&Position { next_number: 1, ..Position::default() }, &overlay.into_changes())?;
//! assert_eq!(db.head().state_root, root);
//! assert_eq!(db.snapshot().read(b"key")?, Some(b"value".to_vec()));
//! # Ok(())
//! # }
//! ```
//!
//! # Life of a version
//!
//! A commit writes nodes, head and root in one transaction and makes it durable before it returns; a
//! crash leaves the old version or the new one. A [`Snapshot`] keeps reading its version while later
//! ones are committed. [`StateDb::advance`] moves the head's block without a write: after a crash the
//! head's block may be older than it was, never its state, and the worker reads those blocks again.
//!
//! A state can also be taken over whole from another worker of the cluster: [`Snapshot::records`] there,
//! [`Import`] here. Where the cluster's keys are rotated it is encrypted anew: [`StateDb::rekeyed`], then
//! [`StateDb::move_to`].
//!
//! # Threats
//!
//! The host owns the disk. It can read, change, copy and restore the file. It learns sizes of nodes,
//! how many there are, when they are read, and when one becomes what it was; not keys, not values. A
//! changed, moved or swapped record does not open. A whole older file opens: whether its head still
//! stands is decided by the chain's checkpoints, with [`StateDb::head`] and [`StateDb::root_at`], and
//! [`StateDb::clear`] starts over. A value is read through the trie from the root, so under a head
//! that stands no older value can be slipped in.
//!
//! # Limits
//!
//! [`KEY_BYTES_MAX`], [`VALUE_BYTES_MAX`]; caches of 32 MiB of nodes and, for each live version, 16
//! MiB of values; 64 MiB of database pages. Decrypted state in the caches is not wiped when dropped.

#![deny(missing_docs)]

mod cache;
mod cipher;
mod error;
mod import;
mod overlay;
mod rekey;
mod store;
#[cfg(test)]
mod tests;
mod version;

pub use error::{CommitError, OpenError};
pub use import::{Chunk, Import, ImportError, ImportTarget, RECORD_BYTES_MAX, Record};
pub use executor_api::{Change, StateUnavailable, StateView};
pub use overlay::Overlay;
pub use store::ROOTS_KEPT;

use cipher::Cipher;
use codec::{Decode, Encode};
use error::StoreFailure;
use polkadot_sdk::sp_core::H256;
use primitives::{BlockHash, BlockNumber, ClusterId, GenesisHash, StateRoot, UnixMillis};
use redb::Database;
use secrets::StateKey;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};
use store::{Batch, Opener, PAGE_CACHE_BYTES, Store};
use version::{Shared, Version, empty_root};

/// Longest key, bytes.
pub const KEY_BYTES_MAX: usize = 1024;
/// Longest value, bytes: contract code with room to spare.
pub const VALUE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Whose state a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreIdentity {
    /// Which network.
    pub genesis: GenesisHash,
    /// Which cluster.
    pub cluster: ClusterId,
}

/// Where the state stands, without its root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Mailbox entries that were run.
    pub next_number: u64,
    /// The final block up to which the mailbox was read.
    pub block_number: BlockNumber,
    /// Its hash.
    pub block_hash: BlockHash,
    /// Its timestamp.
    pub block_timestamp_ms: UnixMillis,
}

/// Where the state stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Head {
    /// Mailbox entries that were run.
    pub next_number: u64,
    /// Root of the state after them.
    pub state_root: StateRoot,
    /// The final block up to which the mailbox was read.
    pub block_number: BlockNumber,
    /// Its hash.
    pub block_hash: BlockHash,
    /// Its timestamp.
    pub block_timestamp_ms: UnixMillis,
}

impl Head {
    fn at(position: &Position, root: H256) -> Self {
        Self {
            next_number: position.next_number,
            state_root: StateRoot(root.0),
            block_number: position.block_number,
            block_hash: position.block_hash,
            block_timestamp_ms: position.block_timestamp_ms,
        }
    }

    fn empty() -> Self {
        Self::at(&Position::default(), empty_root())
    }
}

/// What stands for a key in the trie, and in proofs from [`Snapshot::prove`].
pub use wire::audit::trie_key;

/// The root of a state without keys: what a cluster starts from.
pub fn empty_state_root() -> StateRoot {
    StateRoot(empty_root().0)
}

/// The state of one cluster.
pub struct StateDb {
    identity: StoreIdentity,
    /// Where the file is; none in memory.
    place: Option<Arc<RwLock<PathBuf>>>,
    opener: Opener,
    shared: Arc<Shared>,
    /// Held while writing. `None` after a failure from which the file could not be opened again.
    store: Mutex<Option<Store>>,
    current: RwLock<Current>,
}

#[derive(Clone)]
struct Current {
    head: Head,
    version: Arc<Version>,
}

impl StateDb {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// See [`OpenError`]; the file is not changed by a failure.
    pub fn open(path: &Path, key: &StateKey, identity: &StoreIdentity) -> Result<Self, OpenError> {
        let place = Arc::new(RwLock::new(path.to_path_buf()));
        let at = Arc::clone(&place);
        let opened = Self::with_opener(
            Box::new(move || {
                Database::builder()
                    .set_cache_size(PAGE_CACHE_BYTES)
                    .create(&*at.read().unwrap_or_else(PoisonError::into_inner))
            }),
            key,
            identity,
        )?;
        Ok(Self { place: Some(place), ..opened })
    }

    /// A store that ends with the process.
    ///
    /// # Errors
    /// Never in practice; memory cannot be damaged or in use.
    pub fn in_memory(key: &StateKey, identity: &StoreIdentity) -> Result<Self, OpenError> {
        let memory = || {
            Database::builder()
                .set_cache_size(PAGE_CACHE_BYTES)
                .create_with_backend(redb::backends::InMemoryBackend::new())
        };
        Self::with_opener(Box::new(memory), key, identity)
    }

    fn with_opener(
        opener: Opener,
        key: &StateKey,
        identity: &StoreIdentity,
    ) -> Result<Self, OpenError> {
        let cipher = Arc::new(Cipher::new(key));
        let (store, head) = Store::open(&opener, Arc::clone(&cipher), identity, &Head::empty())?;
        let shared = Arc::new(Shared {
            cipher,
            nodes: cache::NodeCache::default(),
        });
        let table = store.node_table()?;
        let version = Version::new(Arc::clone(&shared), table, H256(head.state_root.0));
        Ok(Self {
            identity: *identity,
            place: None,
            opener,
            shared,
            store: Mutex::new(Some(store)),
            current: RwLock::new(Current {
                head,
                version: Arc::new(version),
            }),
        })
    }

    fn current(&self) -> Current {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_current(&self, current: Current) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
    }

    /// Where the state stands: what was committed, and the block that [`StateDb::advance`] gave.
    pub fn head(&self) -> Head {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .head
    }

    /// An immutable view of the state as it stands.
    pub fn snapshot(&self) -> Snapshot {
        let Current { head, version } = self.current();
        Snapshot { head, version }
    }

    /// The root after `next_number` entries, if one of the last [`ROOTS_KEPT`] numbers and the end of
    /// a commit.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn root_at(&self, next_number: u64) -> Result<Option<StateRoot>, CommitError> {
        let guard = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let store = guard.as_ref().ok_or_else(closed)?;
        Ok(store.root_at(next_number)?)
    }

    /// Commits changes: all of them or none, durable when it returns. Of several changes to one key
    /// the last counts.
    ///
    /// # Errors
    /// See [`CommitError`]. The state stays as it was and can be read; snapshots from before the
    /// failure may become unreadable. Committing again is allowed.
    pub fn commit(
        &self,
        position: &Position,
        changes: &[Change],
    ) -> Result<StateRoot, CommitError> {
        if changes.iter().any(|(key, value)| {
            key.len() > KEY_BYTES_MAX || value.as_ref().is_some_and(|v| v.len() > VALUE_BYTES_MAX)
        }) {
            return Err(CommitError::TooLong);
        }
        let mut guard = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let Current { head: old, version } = self.current();
        if position.next_number < old.next_number {
            return Err(CommitError::Backwards {
                committed: old.next_number,
                new: position.next_number,
            });
        }
        let applied = version.apply(changes)?;
        let head = Head::at(position, applied.root);
        let batch = Batch {
            head: &head,
            nodes: applied.nodes,
            clear: false,
        };
        let table = self.write(&mut guard, &batch)?;
        let next = version.successor(table, applied.root, changes);
        next.remember(batch.nodes);
        self.set_current(Current {
            head,
            version: Arc::new(next),
        });
        Ok(head.state_root)
    }

    /// Moves the head to a later block at which the mailbox had nothing new. Not written to disk: the
    /// next commit does that, and after a crash the worker reads these blocks again.
    pub fn advance(
        &self,
        block_number: BlockNumber,
        block_hash: BlockHash,
        block_timestamp_ms: UnixMillis,
    ) {
        let _writing = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.head = Head {
            block_number,
            block_hash,
            block_timestamp_ms,
            ..current.head
        };
    }

    /// Forgets everything: back to number 0. For when the disk disagrees with the chain.
    ///
    /// # Errors
    /// As [`StateDb::commit`].
    pub fn clear(&self) -> Result<(), CommitError> {
        let mut guard = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let head = Head::empty();
        let batch = Batch {
            head: &head,
            nodes: Default::default(),
            clear: true,
        };
        let table = self.write(&mut guard, &batch)?;
        let version = Version::new(Arc::clone(&self.shared), table, empty_root());
        self.set_current(Current {
            head,
            version: Arc::new(version),
        });
        Ok(())
    }

    /// Commits to the file. After a failure the database refuses everything, so it is opened again,
    /// at what was committed before.
    fn write(
        &self,
        store: &mut Option<Store>,
        batch: &Batch<'_>,
    ) -> Result<store::NodeTable, CommitError> {
        if store.is_none()
            && let Reopened::AsAttempted(table) = self.reopen(store, batch.head)?
        {
            return Ok(table);
        }
        let open = store.as_ref().ok_or_else(closed)?;
        let failure = match open.commit(batch).and_then(|()| open.node_table()) {
            Ok(table) => return Ok(table),
            Err(failure) => failure,
        };
        // A failure to open again shows at the next commit; the caller must know of this one first.
        match self.reopen(store, batch.head) {
            Ok(Reopened::AsAttempted(table)) => Ok(table),
            Ok(Reopened::AsBefore) | Err(_) => Err(failure.into()),
        }
    }

    fn reopen(&self, store: &mut Option<Store>, attempted: &Head) -> Result<Reopened, CommitError> {
        // The file's lock goes with the old one.
        drop(store.take());
        let cipher = Arc::clone(&self.shared.cipher);
        let (opened, head) = Store::open(&self.opener, cipher, &self.identity, &Head::empty())
            .map_err(|error| match error {
                OpenError::DiskFull => CommitError::DiskFull,
                OpenError::Io(error) => CommitError::Io(error),
                other => CommitError::Damaged(other.to_string()),
            })?;
        let table = opened.node_table()?;
        if head == *attempted {
            // What failed came after the point at which the commit counts.
            *store = Some(opened);
            return Ok(Reopened::AsAttempted(table));
        }
        let current = self.current();
        if head.state_root != current.head.state_root {
            return Err(CommitError::Damaged(
                "the file holds another state than was committed; start the worker again".into(),
            ));
        }
        let root = H256(current.head.state_root.0);
        let version = Arc::new(current.version.successor(table, root, &[]));
        self.set_current(Current {
            head: current.head,
            version,
        });
        *store = Some(opened);
        Ok(Reopened::AsBefore)
    }
}

/// What a file that was opened again holds.
enum Reopened {
    /// The state from before the commit that failed.
    AsBefore,
    /// The state of the commit that failed.
    AsAttempted(store::NodeTable),
}

fn closed() -> CommitError {
    StoreFailure::Io(std::io::Error::other(
        "the state file is closed after an earlier failure",
    ))
    .into()
}

/// The state at one head. Cheap to make and to clone; many may be read from many threads at once.
#[derive(Clone)]
pub struct Snapshot {
    head: Head,
    version: Arc<Version>,
}

impl Snapshot {
    /// Where the state stands in this view.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Trie nodes that prove what is at `keys`, or that nothing is, under the head's root; a verifier
    /// looks for each at its [`trie_key`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn prove(&self, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, StateUnavailable> {
        self.version.prove(keys)
    }
}

impl StateView for Snapshot {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        self.version.read(key)
    }
}
