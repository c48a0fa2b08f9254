//! Fits `contract-state` to what `worker-core` asks of a store, and encrypts it anew beside its work.

use contract_state::{
    Change, Chunk, CommitError, OpenError, Position, Snapshot, StateDb, StoreIdentity,
};
use executor_api::{StateUnavailable, StateView};
use primitives::{BlockHash, BlockNumber, StateRoot};
use secrets::StateKey;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};
use worker_core::{ClusterStore, Head, RecordChunk, Records, StoreError};

/// Changes that are remembered while a state is encrypted anew, bytes; with more it begins again.
const JOURNAL_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A cluster's state in a file.
pub struct FileStore {
    file: PathBuf,
    state: Mutex<State>,
}

/// What is open now.
struct State {
    db: Arc<StateDb>,
    /// By which of the cluster's seeds it is encrypted.
    rotation: u32,
    rekeying: Option<Rekeying>,
    /// Why encrypting it anew failed the last time.
    failed: Option<String>,
}

/// Another file that is being written, with another key, in a thread of its own.
struct Rekeying {
    rotation: u32,
    /// What was committed since it began; none once that was too much.
    journal: Option<Vec<(Position, Vec<Change>)>>,
    journal_bytes: usize,
    is_given_up: Arc<AtomicBool>,
    thread: JoinHandle<Result<StateDb, CommitError>>,
}

impl Rekeying {
    /// Ends the thread, which looks before each node.
    fn give_up(self) {
        self.is_given_up.store(true, Ordering::Relaxed);
        // What it came to is of no use either way.
        let _ = self.thread.join();
    }

    fn note(&mut self, position: &Position, changes: &[Change]) {
        let length = |(key, value): &Change| key.len() + value.as_ref().map_or(0, Vec::len);
        self.journal_bytes += changes.iter().map(length).sum::<usize>();
        if self.journal_bytes > JOURNAL_BYTES_MAX {
            self.journal = None;
        }
        if let Some(journal) = &mut self.journal {
            journal.push((*position, changes.to_vec()));
        }
    }
}

/// The file that is written while a state is encrypted anew.
fn rekey_file(file: &Path) -> PathBuf {
    file.with_extension("rekey")
}

/// Where a state goes that opens with no key.
fn unreadable_file(file: &Path) -> PathBuf {
    file.with_extension("unreadable")
}

/// All files that there can be of a state.
pub fn files(file: &Path) -> [PathBuf; 5] {
    [
        file.with_extension("import"),
        file.with_extension("new"),
        rekey_file(file),
        unreadable_file(file),
        file.to_path_buf(),
    ]
}

impl FileStore {
    /// Opens the state, or makes an empty one. `keys` are those it may be encrypted with, by the
    /// number of the seed, the newest first. One that opens with none of them is put aside.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        file: &Path,
        identity: &StoreIdentity,
        keys: &[(u32, StateKey)],
    ) -> Result<Self, OpenError> {
        // What a crash has left of it is not whole.
        let _ = std::fs::remove_file(rekey_file(file));
        if file.exists() {
            for (rotation, key) in keys {
                match StateDb::open(file, key, identity) {
                    Ok(db) => return Ok(Self::of(db, file, *rotation)),
                    Err(OpenError::WrongKey) => {}
                    Err(error) => return Err(error),
                }
            }
            tracing::warn!(
                "the state in {} is encrypted with a key that this worker has no more, or never had: it is put aside",
                file.display()
            );
            std::fs::rename(file, unreadable_file(file)).map_err(OpenError::Io)?;
        }
        let (rotation, key) = keys.first().ok_or(OpenError::WrongKey)?;
        // Made under another name: a disk that is full half-way, or a power cut, must not leave a file
        // that looks like a damaged state.
        let fresh = file.with_extension("new");
        let _ = std::fs::remove_file(&fresh);
        drop(StateDb::open(&fresh, key, identity)?);
        std::fs::rename(&fresh, file).map_err(OpenError::Io)?;
        Ok(Self::of(
            StateDb::open(file, key, identity)?,
            file,
            *rotation,
        ))
    }

    /// The state that is open, in this file, by this seed.
    pub fn of(db: StateDb, file: &Path, rotation: u32) -> Self {
        let state = State {
            db: Arc::new(db),
            rotation,
            rekeying: None,
            failed: None,
        };
        Self {
            file: file.to_path_buf(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the file that was written anew in the place of the old one, once it is whole.
    fn switch_if_done(&self, state: &mut State) {
        if !state
            .rekeying
            .as_ref()
            .is_some_and(|rekeying| rekeying.thread.is_finished())
        {
            return;
        }
        let Some(Rekeying {
            rotation,
            journal,
            thread,
            ..
        }) = state.rekeying.take()
        else {
            return;
        };
        let done = thread
            .join()
            .map_err(|_| "it panicked".to_owned())
            .and_then(|written| written.map_err(explain))
            .and_then(|fresh| self.switch(&state.db, fresh, journal));
        match done {
            Ok(fresh) => {
                tracing::info!(rotation, "the state is encrypted anew");
                (state.db, state.rotation) = (Arc::new(fresh), rotation);
            }
            Err(error) => {
                let _ = std::fs::remove_file(rekey_file(&self.file));
                state.failed = Some(error);
            }
        }
    }

    fn switch(
        &self,
        old: &StateDb,
        fresh: StateDb,
        journal: Option<Vec<(Position, Vec<Change>)>>,
    ) -> Result<StateDb, String> {
        let journal = journal.ok_or("too much was committed meanwhile")?;
        for (position, changes) in journal {
            fresh.commit(&position, &changes).map_err(explain)?;
        }
        let (have, want) = (fresh.head(), old.head());
        if (have.next_number, have.state_root) != (want.next_number, want.state_root) {
            return Err("it came out differently".to_owned());
        }
        fresh.move_to(&self.file).map_err(explain)?;
        Ok(fresh)
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        // Its thread holds the file open.
        if let Some(rekeying) = self.state().rekeying.take() {
            rekeying.give_up();
        }
    }
}

/// The state at one head, and its file, which is open as long as somebody reads: a store that was encrypted
/// anew, handed over or forgotten meanwhile closes it only then.
struct View {
    snapshot: Snapshot,
    _open: Arc<StateDb>,
}

impl View {
    fn of(db: &Arc<StateDb>) -> Arc<Self> {
        Arc::new(Self { snapshot: db.snapshot(), _open: db.clone() })
    }
}

impl StateView for View {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        self.snapshot.read(key)
    }
}

impl Records for View {
    fn chunk(
        &self,
        after: Option<&[u8; 32]>,
        bytes_max: usize,
    ) -> Result<RecordChunk, StateUnavailable> {
        let Chunk { records, is_last } = self.snapshot.records(after, bytes_max)?;
        Ok((records, is_last))
    }

    fn prove_open(&self, key: &[u8]) -> Result<Vec<Vec<u8>>, StateUnavailable> {
        self.snapshot.prove(&[key.to_vec()])
    }
}

fn explain(error: CommitError) -> String {
    let text = error.to_string();
    match std::error::Error::source(&error) {
        Some(source) => format!("{text}: {source}"),
        None => text,
    }
}

fn store_error(error: CommitError) -> StoreError {
    StoreError(explain(error))
}

impl ClusterStore for FileStore {
    fn head(&self) -> Head {
        let head = self.state().db.head();
        Head {
            next_number: head.next_number,
            state_root: head.state_root,
            block_number: head.block_number,
            block_hash: head.block_hash,
        }
    }

    fn snapshot(&self) -> Arc<dyn StateView> {
        View::of(&self.state().db)
    }

    fn records(&self) -> Arc<dyn Records> {
        View::of(&self.state().db)
    }

    fn commit(
        &self,
        next_number: u64,
        block_number: BlockNumber,
        block_hash: BlockHash,
        changes: &[Change],
    ) -> Result<StateRoot, StoreError> {
        let position = Position {
            next_number,
            block_number,
            block_hash,
            block_timestamp_ms: 0,
        };
        let mut state = self.state();
        let root = state.db.commit(&position, changes).map_err(store_error)?;
        if let Some(rekeying) = &mut state.rekeying {
            rekeying.note(&position, changes);
        }
        Ok(root)
    }

    fn root_at(&self, next_number: u64) -> Option<StateRoot> {
        let db = self.state().db.clone();
        db.root_at(next_number).ok().flatten()
    }

    fn keyed_by(&self) -> u32 {
        let mut state = self.state();
        self.switch_if_done(&mut state);
        state.rotation
    }

    fn rekey(&self, rotation: u32, key: &StateKey) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(failed) = state.failed.take() {
            return Err(StoreError(failed));
        }
        if state
            .rekeying
            .as_ref()
            .is_some_and(|rekeying| rekeying.rotation == rotation)
        {
            return Ok(());
        }
        if let Some(other) = state.rekeying.take() {
            other.give_up();
        }
        let target = rekey_file(&self.file);
        match std::fs::remove_file(&target) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError(error.to_string()));
            }
            _ => {}
        }
        // What is committed from here on is in the journal.
        let (db, snapshot) = (state.db.clone(), state.db.snapshot());
        let key = StateKey::from_bytes(key.expose());
        let is_given_up = Arc::new(AtomicBool::new(false));
        let stops = is_given_up.clone();
        let thread = std::thread::Builder::new()
            .name("rekey".to_owned())
            .spawn(move || db.rekeyed(&snapshot, &target, &key, &stops))
            .map_err(|error| StoreError(error.to_string()))?;
        let (journal, journal_bytes) = (Some(Vec::new()), 0);
        let rekeying = Rekeying {
            rotation,
            journal,
            journal_bytes,
            is_given_up,
            thread,
        };
        state.rekeying = Some(rekeying);
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(rekeying) = state.rekeying.take() {
            rekeying.give_up();
        }
        state.db.clear().map_err(store_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use primitives::{ClusterId, GenesisHash};

    const IDENTITY: StoreIdentity = StoreIdentity {
        genesis: GenesisHash([1; 32]),
        cluster: ClusterId([2; 32]),
    };

    fn key(rotation: u32) -> (u32, StateKey) {
        (rotation, StateKey::from_bytes(&[rotation as u8; 32]))
    }

    fn open(folder: &Path, rotations: &[u32]) -> FileStore {
        let keys: Vec<_> = rotations.iter().map(|rotation| key(*rotation)).collect();
        FileStore::open(&folder.join("state"), &IDENTITY, &keys).unwrap()
    }

    fn commit(store: &FileStore, number: u64) -> StateRoot {
        let change = (number.to_le_bytes().to_vec(), Some(vec![7; 100]));
        store
            .commit(number, number as u32, BlockHash([1; 32]), &[change])
            .unwrap()
    }

    fn rekeyed(store: &FileStore, rotation: u32) {
        store.rekey(rotation, &key(rotation).1).unwrap();
        while store.keyed_by() != rotation {
            // Asked for with each block; nothing while it goes on.
            store.rekey(rotation, &key(rotation).1).unwrap();
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_store_is_encrypted_anew_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), &[0]);
        for number in 1..50 {
            commit(&store, number);
        }
        store.rekey(1, &key(1).1).unwrap();
        let reader = store.snapshot();
        let roots: Vec<StateRoot> = (50..80).map(|number| commit(&store, number)).collect();
        rekeyed(&store, 1);
        assert_eq!(store.head().next_number, 79);
        assert_eq!(store.head().state_root, roots[29]);
        assert!(store.root_at(20).is_some());
        assert_eq!(
            reader.read(&49_u64.to_le_bytes()).unwrap(),
            Some(vec![7; 100])
        );
        assert_eq!(reader.read(&50_u64.to_le_bytes()).unwrap(), None);
        let last = commit(&store, 80);
        drop((store, reader));
        assert!(!rekey_file(&folder.path().join("state")).exists());
        let store = open(folder.path(), &[2, 1, 0]);
        assert_eq!((store.keyed_by(), store.head().state_root), (1, last));
    }

    #[test]
    fn who_reads_goes_on_when_the_store_is_encrypted_anew_or_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), &[0]);
        for number in 1..200 {
            commit(&store, number);
        }
        // Opened again, so that nothing is remembered.
        drop(store);
        let store = open(folder.path(), &[0]);
        let (view, records) = (store.snapshot(), store.records());
        rekeyed(&store, 1);
        assert_eq!(view.read(&3_u64.to_le_bytes()).unwrap(), Some(vec![7; 100]));
        assert!(records.chunk(None, 1000).is_ok_and(|(chunk, _)| !chunk.is_empty()));
        let (view, records) = (store.snapshot(), store.records());
        drop(store);
        assert_eq!(view.read(&4_u64.to_le_bytes()).unwrap(), Some(vec![7; 100]));
        assert!(records.chunk(None, 1000).is_ok_and(|(chunk, _)| !chunk.is_empty()));
    }

    #[test]
    fn a_crash_before_the_end_leaves_the_old_one_and_after_it_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), &[0]);
        let root = commit(&store, 1);
        store.rekey(1, &key(1).1).unwrap();
        // The process ends without another look.
        drop(store);
        let store = open(folder.path(), &[1, 0]);
        assert_eq!((store.keyed_by(), store.head().state_root), (0, root));
        rekeyed(&store, 1);
        drop(store);
        assert_eq!(open(folder.path(), &[1, 0]).keyed_by(), 1);
    }

    #[test]
    fn a_state_that_no_key_opens_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        commit(&open(folder.path(), &[0]), 3);
        let store = open(folder.path(), &[2, 1]);
        assert_eq!((store.keyed_by(), store.head().next_number), (2, 0));
        let aside = unreadable_file(&folder.path().join("state"));
        assert_eq!(
            StateDb::open(&aside, &key(0).1, &IDENTITY)
                .unwrap()
                .head()
                .next_number,
            3
        );
        // It cannot be opened without a key at all, and nothing happens to it.
        drop(store);
        let file = folder.path().join("state");
        let store = FileStore::open(&file, &IDENTITY, &[key(2)]).unwrap();
        assert_eq!(store.keyed_by(), 2);
    }

    #[test]
    fn a_store_that_is_cleared_forgets_what_was_being_encrypted() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), &[0]);
        commit(&store, 1);
        store.rekey(1, &key(1).1).unwrap();
        store.clear().unwrap();
        assert_eq!((store.keyed_by(), store.head().next_number), (0, 0));
        rekeyed(&store, 1);
        assert_eq!(store.head().next_number, 0);
    }
}
