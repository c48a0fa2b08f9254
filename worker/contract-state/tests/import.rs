//! Taking a state over from a peer.

use contract_state::{
    Change, Chunk, Import, ImportError, ImportTarget, OpenError, Position, Record, StateDb,
    StateView, StoreIdentity,
};
use primitives::{BlockHash, ClusterId, GenesisHash, StateRoot};
use secrets::StateKey;
use std::path::Path;

const IDENTITY: StoreIdentity = StoreIdentity {
    genesis: GenesisHash([1; 32]),
    cluster: ClusterId([2; 32]),
};

fn key() -> StateKey {
    StateKey::from_bytes(&[3; 32])
}

/// Small values, values as long as a hash, long ones, one of a megabyte.
fn changes(from: u32, to: u32) -> Vec<Change> {
    let value = |number: u32| {
        let length = if number == 7 { 1 << 20 } else { (number as usize * 37) % 400 };
        Some(vec![number as u8; length])
    };
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

/// A peer whose state has a history: keys that came, changed and went.
fn peer() -> (StateDb, ImportTarget) {
    let db = StateDb::in_memory(&key(), &IDENTITY).unwrap();
    db.commit(&at(1), &changes(0, 3000)).unwrap();
    let gone: Vec<Change> = changes(100, 900).into_iter().map(|(key, _)| (key, None)).collect();
    let state_root = db.commit(&at(5), &gone).unwrap();
    (db, ImportTarget { next_number: 5, state_root })
}

fn import(path: &Path, target: &ImportTarget) -> Import {
    Import::begin(path, &key(), &IDENTITY, target).unwrap()
}

/// All records that the peer has after those that are there.
fn fetch(import: &mut Import, mut chunk: impl FnMut(Option<[u8; 32]>) -> Chunk) {
    loop {
        let Chunk { records, is_last } = chunk(import.after());
        import.add(&records).unwrap();
        if is_last {
            return;
        }
    }
}

#[test]
fn a_state_taken_over_is_the_peers_and_goes_on_as_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (peer, target) = peer();
    let snapshot = peer.snapshot();
    // What the peer does meanwhile does not show in the snapshot.
    peer.commit(&at(6), &changes(2000, 4000)).unwrap();
    let mut chunks = 0;
    let mut importing = import(&path, &target);
    fetch(&mut importing, |after| {
        chunks += 1;
        snapshot.records(after.as_ref(), 64 * 1024).unwrap()
    });
    assert!(chunks > 10, "it came in many parts, not {chunks}");
    importing.finish(&at(0)).unwrap();

    let db = StateDb::open(&path, &key(), &IDENTITY).unwrap();
    assert_eq!(db.head(), contract_state::Head { block_timestamp_ms: 0, ..snapshot.head() });
    assert_eq!(db.root_at(5).unwrap(), Some(target.state_root));
    for (key, value) in changes(0, 100).into_iter().chain(changes(900, 3000)) {
        assert_eq!(db.snapshot().read(&key).unwrap(), value);
    }
    assert_eq!(db.snapshot().read(&500_u32.to_be_bytes()).unwrap(), None);
    let same = db.commit(&at(6), &changes(2000, 4000)).unwrap();
    assert_eq!(same, peer.head().state_root);
}

#[test]
fn an_import_goes_on_after_a_restart_and_is_no_state_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (peer, target) = peer();
    let snapshot = peer.snapshot();
    let mut begun = import(&path, &target);
    let first = snapshot.records(None, 64 * 1024).unwrap();
    begun.add(&first.records).unwrap();
    let after = begun.after();
    assert!(after.is_some());
    drop(begun);
    let unfinished = StateDb::open(&path, &key(), &IDENTITY);
    assert!(matches!(unfinished, Err(OpenError::Unfinished)));
    let mut resumed = import(&path, &target);
    assert_eq!(resumed.after(), after);
    let mut fetched = 0;
    fetch(&mut resumed, |after| {
        let chunk = snapshot.records(after.as_ref(), 64 * 1024).unwrap();
        fetched += chunk.records.len() as u64;
        chunk
    });
    assert_eq!(fetched, snapshot.record_count().unwrap() - first.records.len() as u64);
    resumed.finish(&at(0)).unwrap();
    StateDb::open(&path, &key(), &IDENTITY).unwrap();
    // Over a state nothing is imported.
    let over = Import::begin(&path, &key(), &IDENTITY, &target);
    assert!(matches!(over, Err(OpenError::Damaged(_))));
}

#[test]
fn an_import_of_another_state_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (peer, target) = peer();
    let mut begun = import(&path, &target);
    begun.add(&peer.snapshot().records(None, 64 * 1024).unwrap().records).unwrap();
    drop(begun);
    let state_root = peer.commit(&at(7), &changes(0, 50)).unwrap();
    let newer = ImportTarget { next_number: 7, state_root };
    let mut anew = import(&path, &newer);
    assert_eq!(anew.after(), None);
    fetch(&mut anew, |after| peer.snapshot().records(after.as_ref(), 1 << 20).unwrap());
    anew.finish(&at(0)).unwrap();
    assert_eq!(StateDb::open(&path, &key(), &IDENTITY).unwrap().head().state_root, state_root);
}

#[test]
fn the_empty_state_can_be_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let target = ImportTarget { next_number: 0, state_root: contract_state::empty_state_root() };
    import(&path, &target).finish(&at(0)).unwrap();
    assert_eq!(
        StateDb::open(&path, &key(), &IDENTITY).unwrap().head().state_root,
        target.state_root
    );
}

/// What a peer that holds the cluster's key can do to the records.
fn lie(change: impl FnOnce(&mut Vec<Record>)) -> Result<(), ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let (peer, target) = peer();
    let mut records = peer.snapshot().records(None, usize::MAX).unwrap().records;
    change(&mut records);
    let mut importing = import(&folder.path().join("state"), &target);
    importing.add(&records)?;
    importing.finish(&at(0))
}

#[test]
fn a_peer_that_lies_is_found_out() {
    lie(|_| {}).unwrap();
    let refused = |result: Result<(), ImportError>, what: &str| {
        assert!(matches!(result, Err(ImportError::BadRecord(_))), "{what}: {result:?}");
    };
    refused(lie(|records| records.swap(3, 4)), "order");
    refused(lie(|records| records[5].1[30] ^= 1), "content");
    refused(
        lie(|records| {
            let other = records[6].1.clone();
            records[5].1 = other;
        }),
        "one record under the name of another",
    );
    refused(lie(|records| records[5].1.resize(8 << 20, 0)), "length");
    let another = |result: Result<(), ImportError>, what: &str| {
        assert!(matches!(result, Err(ImportError::AnotherState { .. })), "{what}: {result:?}");
    };
    another(lie(|records| drop(records.remove(0))), "the first is missing");
    another(lie(|records| drop(records.pop())), "the last is missing");
    // Records of another state of the same cluster, which open: the wanted one and more.
    let foreign = StateDb::in_memory(&key(), &IDENTITY).unwrap();
    foreign.commit(&at(1), &changes(5000, 5010)).unwrap();
    let more = foreign.snapshot().records(None, usize::MAX).unwrap().records;
    another(
        lie(|records| {
            records.extend(more);
            records.sort();
        }),
        "records that are not of the state",
    );
    let all_other = foreign.snapshot().records(None, usize::MAX).unwrap().records;
    another(lie(|records| *records = all_other), "another state");
}

#[test]
fn another_cluster_or_key_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let target = ImportTarget { next_number: 5, state_root: StateRoot([7; 32]) };
    drop(import(&path, &target));
    let other = StoreIdentity { cluster: ClusterId([4; 32]), ..IDENTITY };
    let result = Import::begin(&path, &key(), &other, &target);
    assert!(matches!(result, Err(OpenError::AnotherNetwork { .. })));
    let result = Import::begin(&path, &StateKey::from_bytes(&[8; 32]), &IDENTITY, &target);
    assert!(matches!(result, Err(OpenError::WrongKey)));
}
