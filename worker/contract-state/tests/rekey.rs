//! A state that is encrypted anew with another key.
#![allow(clippy::unwrap_used)]

use contract_state::{Change, OpenError, Position, StateDb, StateView, StoreIdentity};
use primitives::{BlockHash, ClusterId, GenesisHash};
use secrets::StateKey;
use std::sync::atomic::AtomicBool;

const IDENTITY: StoreIdentity = StoreIdentity {
    genesis: GenesisHash([1; 32]),
    cluster: ClusterId([2; 32]),
};

fn key(byte: u8) -> StateKey {
    StateKey::from_bytes(&[byte; 32])
}

/// Small values, values as long as a hash, long ones.
fn changes(from: u32, to: u32) -> Vec<Change> {
    let value = |number: u32| Some(vec![number as u8; (number as usize * 37) % 400]);
    (from..to).map(|number| (number.to_be_bytes().to_vec(), value(number))).collect()
}

fn at(next_number: u64) -> Position {
    Position {
        next_number,
        block_number: 9,
        block_hash: BlockHash([9; 32]),
        ..Position::default()
    }
}

/// A state with a history, in a file.
fn with_history(file: &std::path::Path) -> StateDb {
    let db = StateDb::open(file, &key(3), &IDENTITY).unwrap();
    db.commit(&at(1), &changes(0, 2000)).unwrap();
    let gone: Vec<Change> = changes(100, 700).into_iter().map(|(key, _)| (key, None)).collect();
    db.commit(&at(5), &gone).unwrap();
    db
}

#[test]
fn a_state_encrypted_anew_has_the_same_root_and_opens_with_the_new_key_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (file, fresh) = (folder.path().join("state"), folder.path().join("fresh"));
    let old = with_history(&file);
    let snapshot = old.snapshot();
    // What is committed after the snapshot is not in it.
    old.commit(&at(6), &changes(100, 101)).unwrap();
    let new = old.rekeyed(&snapshot, &fresh, &key(4), &AtomicBool::default()).unwrap();
    assert_eq!(new.head(), snapshot.head());
    for number in [0, 1, 5] {
        assert_eq!(new.root_at(number).unwrap(), old.root_at(number).unwrap(), "{number}");
    }
    assert_eq!(new.root_at(6).unwrap(), None);
    for (name, _) in changes(0, 2000) {
        assert_eq!(new.snapshot().read(&name).unwrap(), snapshot.read(&name).unwrap());
    }
    // The same commits lead to the same root.
    new.commit(&at(6), &changes(100, 101)).unwrap();
    assert_eq!(new.head(), old.head());
    // No record of one is one of the other: the names are blinded anew too.
    let names = |db: &StateDb| {
        let chunk = db.snapshot().records(None, usize::MAX).unwrap();
        chunk.records.into_iter().map(|(name, _)| name).collect::<std::collections::BTreeSet<_>>()
    };
    let (before, after) = (names(&old), names(&new));
    assert_eq!(before.len(), after.len());
    assert!(before.is_disjoint(&after));
    drop(new);
    assert!(matches!(
        StateDb::open(&fresh, &key(3), &IDENTITY).err(),
        Some(OpenError::WrongKey)
    ));
    StateDb::open(&fresh, &key(4), &IDENTITY).unwrap();
}

#[test]
fn it_takes_the_old_files_place_and_goes_on_there() {
    let folder = tempfile::tempdir().unwrap();
    let (file, fresh) = (folder.path().join("state"), folder.path().join("fresh"));
    let old = with_history(&file);
    let reader = old.snapshot();
    let new = old.rekeyed(&reader, &fresh, &key(4), &AtomicBool::default()).unwrap();
    new.move_to(&file).unwrap();
    assert!(!fresh.exists());
    drop(old);
    // Who read the old one reads on.
    let name = 1000u32.to_be_bytes();
    assert_eq!(reader.read(&name).unwrap(), new.snapshot().read(&name).unwrap());
    let root = new.commit(&at(9), &changes(3000, 3010)).unwrap();
    drop((reader, new));
    let again = StateDb::open(&file, &key(4), &IDENTITY).unwrap();
    assert_eq!((again.head().next_number, again.head().state_root), (9, root));
}

#[test]
fn it_can_be_given_up_and_leaves_nothing_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    let (file, fresh) = (folder.path().join("state"), folder.path().join("fresh"));
    let old = with_history(&file);
    let given_up = old.rekeyed(&old.snapshot(), &fresh, &key(4), &AtomicBool::new(true));
    assert!(given_up.is_err());
    assert!(matches!(
        StateDb::open(&fresh, &key(4), &IDENTITY).err(),
        Some(OpenError::Unfinished)
    ));
    // The old one is as it was.
    let head = old.head();
    drop(old);
    assert_eq!(StateDb::open(&file, &key(3), &IDENTITY).unwrap().head(), head);
}

#[test]
fn an_empty_state_and_one_in_memory_are_encrypted_anew_too() {
    let folder = tempfile::tempdir().unwrap();
    let empty = StateDb::in_memory(&key(3), &IDENTITY).unwrap();
    let new = empty.rekeyed(&empty.snapshot(), &folder.path().join("fresh"), &key(4), &AtomicBool::default()).unwrap();
    assert_eq!(new.head(), empty.head());
    assert!(empty.move_to(&folder.path().join("state")).is_err());
}
