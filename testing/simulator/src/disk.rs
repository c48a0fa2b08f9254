//! A machine's disk: the real state on memory or in a file, with all that was ever committed, so that an
//! older one can be put in its place. Each commit is noted for the checkers.

use crate::{
    Broken,
    executor::{TinyEngine, Value, value_key},
};
use codec::Decode;
use contract_state::{Position, StateDb, StoreIdentity};
use executor_api::{Change, StateUnavailable, StateView};
use primitives::{BlockHash, BlockNumber, ClusterId, ContractId, StateRoot};
use secrets::StateKey;
use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use worker_core::{ClusterStore, Head, RecordChunk, Records, StoreError};

/// A state that some machine committed.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Which machine.
    pub machine: usize,
    /// Whose state.
    pub cluster: ClusterId,
    /// After how many entries.
    pub next_number: u64,
    /// Its root.
    pub root: StateRoot,
    /// The contracts' values in it.
    pub values: Vec<(ContractId, Option<Value>)>,
    /// Whether the machine computed something wrongly before.
    pub is_tainted: bool,
}

/// Where disks note what was committed.
#[derive(Clone, Default)]
pub struct Tap {
    notes: Arc<Mutex<Vec<Committed>>>,
    contracts: Arc<Mutex<Vec<ContractId>>>,
}

impl Tap {
    /// From now on the values of these contracts are noted.
    pub fn look_at(&self, contracts: &[ContractId]) {
        *lock(&self.contracts) = contracts.to_vec();
    }

    /// What was noted since the last call.
    pub fn drain(&self) -> Vec<Committed> {
        std::mem::take(&mut *lock(&self.notes))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What belongs to a disk whatever lies on it.
#[derive(Clone)]
pub struct Place {
    /// The machine.
    pub machine: usize,
    /// What computes there.
    pub engine: Arc<TinyEngine>,
    /// Where commits are noted.
    pub tap: Tap,
    /// Whose state.
    pub identity: StoreIdentity,
    /// What encrypts it, and by which of the cluster's seeds.
    pub key: (u32, Arc<StateKey>),
    /// Sabotage: changes are not written, and it says that they are.
    pub forgets: Arc<AtomicBool>,
}

type Commit = (Position, Vec<Change>);

#[derive(Clone, Default)]
struct History {
    /// The file that came from a peer, if the state did not begin here.
    base: Option<Arc<Vec<u8>>>,
    commits: Vec<Commit>,
    /// The first number after which the state is wrong, because the machine was.
    tainted_from: Option<u64>,
    /// What it was before it was encrypted anew.
    before: Option<Arc<(Key, History)>>,
}

type Key = (u32, Arc<StateKey>);

/// What is being encrypted anew, and how often it says yet that it is not.
struct Rekeying {
    key: Key,
    polls: u8,
}

/// What lies on a disk.
struct Open {
    db: Arc<StateDb>,
    _folder: Option<tempfile::TempDir>,
    key: Key,
    rekeying: Option<Rekeying>,
}

/// A disk.
pub struct Disk {
    open: Mutex<Open>,
    place: Place,
    history: Mutex<History>,
}

/// How often a disk that is encrypted anew says that it is not done.
const REKEY_POLLS: u8 = 5;

/// A folder for files that need not last, in memory where there is such a place.
pub fn scratch_folder() -> Result<tempfile::TempDir, Broken> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).map_err(Broken::of)
}

impl Disk {
    /// An empty one.
    pub fn new(place: Place) -> Result<Arc<Self>, Broken> {
        Self::with(place, History::default())
    }

    /// One with a file on it that was fetched from a peer.
    pub fn fetched(place: Place, file: &Path) -> Result<Arc<Self>, Broken> {
        let base = Some(Arc::new(std::fs::read(file).map_err(Broken::of)?));
        let disk = Self::with(place, History { base, ..History::default() })?;
        disk.note();
        Ok(disk)
    }

    /// The disk after the first `count` commits of this one, in a place.
    pub fn older(&self, count: usize, mut place: Place) -> Result<Arc<Self>, Broken> {
        let mut history = lock(&self.history).clone();
        // Before its first commit it was encrypted with another key, if it was.
        if let (0, Some(before)) = (count, history.before.clone()) {
            place.key = before.0.clone();
            history = before.1.clone();
            return Self::with(place, history);
        }
        history.commits.truncate(count);
        let head = history.commits.last().map_or(0, |(position, _)| position.next_number);
        history.tainted_from = history.tainted_from.filter(|from| *from <= head);
        Self::with(place, history)
    }

    fn with(place: Place, history: History) -> Result<Arc<Self>, Broken> {
        let (db, folder) = match &history.base {
            None => (StateDb::in_memory(&place.key.1, &place.identity).map_err(Broken::of)?, None),
            Some(bytes) => {
                let folder = scratch_folder()?;
                let file = folder.path().join("state");
                std::fs::write(&file, &bytes[..]).map_err(Broken::of)?;
                let db = StateDb::open(&file, &place.key.1, &place.identity).map_err(Broken::of)?;
                (db, Some(folder))
            }
        };
        for (position, changes) in &history.commits {
            db.commit(position, changes).map_err(Broken::of)?;
        }
        let key = place.key.clone();
        let open = Open { db: Arc::new(db), _folder: folder, key, rekeying: None };
        Ok(Arc::new(Self { open: Mutex::new(open), place, history: Mutex::new(history) }))
    }

    /// How many commits it has had since it began, or was fetched.
    pub fn commit_count(&self) -> usize {
        lock(&self.history).commits.len()
    }

    /// The first number after which its state is wrong because the machine computed wrongly.
    pub fn tainted_from(&self) -> Option<u64> {
        lock(&self.history).tainted_from
    }

    /// Which key encrypts it, by which of the cluster's seeds.
    pub fn key(&self) -> Key {
        lock(&self.open).key.clone()
    }

    fn db(&self) -> Arc<StateDb> {
        lock(&self.open).db.clone()
    }

    /// Encrypts it anew, as the worker's shell does, and takes it from there.
    fn finish_rekeying(&self, open: &mut Open, key: Key) -> Result<(), StoreError> {
        let text = |error: &dyn std::fmt::Display| StoreError(error.to_string());
        let folder = scratch_folder().map_err(|error| text(&error.0))?;
        let (fresh, file) = (folder.path().join("fresh"), folder.path().join("state"));
        let db = open
            .db
            .rekeyed(&open.db.snapshot(), &fresh, &key.1, &AtomicBool::default())
            .map_err(|e| text(&e))?;
        db.move_to(&file).map_err(|e| text(&e))?;
        let base = std::fs::read(&file).map_err(|e| text(&e))?;
        let mut history = lock(&self.history);
        let before = std::mem::take(&mut *history);
        history.base = Some(Arc::new(base));
        history.tainted_from = before.tainted_from;
        history.before = Some(Arc::new((open.key.clone(), History { before: None, ..before })));
        *open = Open { db: Arc::new(db), _folder: Some(folder), key, rekeying: None };
        Ok(())
    }

    fn note(&self) {
        let snapshot = self.db().snapshot();
        let value = |contract: &ContractId| {
            let bytes = snapshot.read(&value_key(contract)).ok().flatten()?;
            Value::decode(&mut &bytes[..]).ok()
        };
        let contracts = lock(&self.place.tap.contracts).clone();
        let head = snapshot.head();
        lock(&self.place.tap.notes).push(Committed {
            machine: self.place.machine,
            cluster: self.place.identity.cluster,
            next_number: head.next_number,
            root: head.state_root,
            values: contracts.into_iter().map(|contract| (contract, value(&contract))).collect(),
            is_tainted: self.tainted_from().is_some(),
        });
    }
}

struct DiskRecords(contract_state::Snapshot);

impl Records for DiskRecords {
    fn chunk(
        &self,
        after: Option<&[u8; 32]>,
        bytes_max: usize,
    ) -> Result<RecordChunk, StateUnavailable> {
        let chunk = self.0.records(after, bytes_max)?;
        Ok((chunk.records, chunk.is_last))
    }

    fn prove_open(&self, key: &[u8]) -> Result<Vec<Vec<u8>>, StateUnavailable> {
        self.0.prove(&[key.to_vec()])
    }
}

fn store_error(error: contract_state::CommitError) -> StoreError {
    StoreError(error.to_string())
}

impl ClusterStore for Disk {
    fn head(&self) -> Head {
        let head = self.db().head();
        Head {
            next_number: head.next_number,
            state_root: head.state_root,
            block_number: head.block_number,
            block_hash: head.block_hash,
        }
    }

    fn snapshot(&self) -> Arc<dyn StateView> {
        Arc::new(self.db().snapshot())
    }

    fn records(&self) -> Arc<dyn Records> {
        Arc::new(DiskRecords(self.db().snapshot()))
    }

    fn commit(
        &self,
        next_number: u64,
        block_number: BlockNumber,
        block_hash: BlockHash,
        changes: &[Change],
    ) -> Result<StateRoot, StoreError> {
        let position =
            Position { next_number, block_number, block_hash, block_timestamp_ms: 0 };
        let forgets = self.place.forgets.load(Ordering::Relaxed);
        let changes = if forgets { &[] } else { changes };
        let root = self.db().commit(&position, changes).map_err(store_error)?;
        let wrote_value = changes.iter().any(|(key, _)| key.starts_with(b"value/"));
        {
            let mut history = lock(&self.history);
            history.commits.push((position, changes.to_vec()));
            if wrote_value && self.place.engine.errs.load(Ordering::Relaxed) {
                history.tainted_from.get_or_insert(next_number);
            }
        }
        self.note();
        Ok(root)
    }

    fn root_at(&self, next_number: u64) -> Option<StateRoot> {
        self.db().root_at(next_number).ok().flatten()
    }

    fn keyed_by(&self) -> u32 {
        let mut open = lock(&self.open);
        match &mut open.rekeying {
            Some(Rekeying { key, polls: 0 }) => {
                let key = key.clone();
                // It is begun again where it fails.
                if self.finish_rekeying(&mut open, key).is_err() {
                    open.rekeying = None;
                }
            }
            Some(Rekeying { polls, .. }) => *polls -= 1,
            None => {}
        }
        open.key.0
    }

    fn rekey(&self, rotation: u32, key: &StateKey) -> Result<(), StoreError> {
        let mut open = lock(&self.open);
        if open.rekeying.as_ref().is_none_or(|rekeying| rekeying.key.0 != rotation) {
            let key = (rotation, Arc::new(StateKey::from_bytes(key.expose())));
            open.rekeying = Some(Rekeying { key, polls: REKEY_POLLS });
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        *lock(&self.history) = History::default();
        self.db().clear().map_err(store_error)
    }
}
