//! Failures of the disk, injected below the database.

use crate::{CommitError, Position, StateDb, StateView, StoreIdentity};
use primitives::{ClusterId, GenesisHash};
use redb::{Database, StorageBackend, backends::InMemoryBackend};
use secrets::StateKey;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// A disk in memory that outlives its database, and fails after so many writes.
#[derive(Debug, Clone)]
struct Disk {
    memory: Arc<InMemoryBackend>,
    writes_left: Arc<AtomicI64>,
    error: io::ErrorKind,
}

impl Disk {
    fn new(error: io::ErrorKind) -> Self {
        let memory = Arc::new(InMemoryBackend::new());
        Self {
            memory,
            writes_left: Arc::new(AtomicI64::new(i64::MAX)),
            error,
        }
    }

    fn fail_after(&self, writes: i64) {
        self.writes_left.store(writes, Ordering::SeqCst);
    }

    fn count(&self) -> io::Result<()> {
        if self.writes_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(self.error.into());
        }
        Ok(())
    }

    fn open(&self) -> StateDb {
        let disk = self.clone();
        let opener = move || {
            Database::builder()
                .set_cache_size(1 << 20)
                .create_with_backend(disk.clone())
        };
        StateDb::with_opener(Box::new(opener), &key(), &identity())
            .ok()
            .unwrap()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.memory.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.count()?;
        self.memory.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.count()?;
        self.memory.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.count()?;
        self.memory.write(offset, data)
    }
}

fn key() -> StateKey {
    StateKey::from_bytes(&[1; 32])
}

fn identity() -> StoreIdentity {
    StoreIdentity {
        genesis: GenesisHash([2; 32]),
        cluster: ClusterId([3; 32]),
    }
}

fn position(next_number: u64) -> Position {
    Position {
        next_number,
        ..Position::default()
    }
}

fn changes(round: u64) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    (0..20u64)
        .map(|n| {
            (
                vec![n as u8; 20],
                Some([round.to_le_bytes().to_vec(), vec![7; 300]].concat()),
            )
        })
        .collect()
}

#[test]
fn a_disk_that_fills_up_anywhere_leaves_the_last_commit_readable_and_goes_on() {
    let mut failures = 0;
    for writes in 0..60 {
        let disk = Disk::new(io::ErrorKind::StorageFull);
        let db = disk.open();
        let root = db.commit(&position(1), &changes(1)).unwrap();
        disk.fail_after(writes);
        let outcome = db.commit(&position(2), &changes(2));
        disk.fail_after(i64::MAX);
        if let Ok(root) = outcome {
            assert_eq!(db.head().state_root, root, "all that counts was written");
            assert_eq!(db.snapshot().read(&[5; 20]).unwrap(), changes(2)[5].1);
            continue;
        }
        failures += 1;
        assert!(
            matches!(outcome, Err(CommitError::DiskFull)),
            "after {writes}: {outcome:?}"
        );
        assert_eq!(db.head().state_root, root);
        assert_eq!(db.snapshot().read(&[5; 20]).unwrap(), changes(1)[5].1);
        // Room was made: the same commit goes through.
        let again = db.commit(&position(2), &changes(2)).unwrap();
        let expected = StateDb::in_memory(&key(), &identity()).ok().unwrap();
        assert_eq!(again, expected.commit(&position(2), &changes(2)).unwrap());
    }
    assert!(failures > 3, "the disk failed at {failures} places only");
}

#[test]
fn a_process_that_dies_between_writes_leaves_the_old_state_or_the_new_one() {
    let mut seen = [false; 2];
    for writes in 0..60 {
        let disk = Disk::new(io::ErrorKind::Other);
        let db = disk.open();
        let old = db.commit(&position(1), &changes(1)).unwrap();
        // No write after this one reaches the disk, those of closing included.
        disk.fail_after(writes);
        let outcome = db.commit(&position(2), &changes(2));
        drop(db);
        disk.fail_after(i64::MAX);
        let db = disk.open();
        let (round, at) = if db.head().state_root == old {
            (1, 1)
        } else {
            (2, 2)
        };
        seen[round as usize - 1] = true;
        assert_eq!(db.head().next_number, at);
        assert!(
            outcome.is_err() || round == 2,
            "a commit that returned is there"
        );
        for (key, value) in changes(round) {
            assert_eq!(db.snapshot().read(&key).unwrap(), value);
        }
    }
    assert_eq!(seen, [true, true]);
}
