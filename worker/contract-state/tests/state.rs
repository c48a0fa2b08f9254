//! The store at its boundary: roots, snapshots, restarts, and a host that changes the file.

use chain_proof::trie::{TrieError, TrieNodes};
use contract_state::{
    CommitError, KEY_BYTES_MAX, OpenError, Overlay, Position, ROOTS_KEPT, StateDb, StateView,
    StoreIdentity, VALUE_BYTES_MAX, empty_state_root, trie_key,
};
use polkadot_sdk::{
    sp_core::Blake2Hasher,
    sp_trie::{LayoutV1, TrieConfiguration},
};
use primitives::{BlockHash, ClusterId, GenesisHash, StateRoot};
use secrets::StateKey;
use std::{collections::BTreeMap, path::Path};

type Change = (Vec<u8>, Option<Vec<u8>>);

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
        block_number: next_number as u32 * 10,
        ..Position::default()
    }
}

fn memory() -> StateDb {
    StateDb::in_memory(&key(), &identity()).ok().unwrap()
}

fn open(path: &Path) -> Result<StateDb, OpenError> {
    StateDb::open(path, &key(), &identity())
}

fn set(key: &[u8], value: &[u8]) -> Change {
    (key.to_vec(), Some(value.to_vec()))
}

/// A small generator, so that a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }

    fn change(&mut self) -> Change {
        let length = 1 + self.below(4) as usize;
        let key = (0..length)
            .map(|_| [0x10, 0x11, 0x1f, 0xf0][self.below(4) as usize])
            .collect();
        let value = match self.below(4) {
            0 => None,
            1 => Some(vec![self.below(3) as u8; self.below(4) as usize]),
            2 => Some(vec![self.below(3) as u8; 30 + self.below(6) as usize]),
            _ => Some(vec![self.below(3) as u8; self.below(300) as usize]),
        };
        (key, value)
    }
}

#[test]
fn the_root_depends_on_what_is_there_and_not_on_how_it_came() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let changes: Vec<_> = (0..200).map(|_| random.change()).collect();
        let mut model = BTreeMap::new();
        for (key, value) in &changes {
            match value {
                Some(value) => drop(model.insert(key.clone(), value.clone())),
                None => drop(model.remove(key)),
            }
        }
        let expected = LayoutV1::<Blake2Hasher>::trie_root(
            model
                .iter()
                .map(|(key, value)| (trie_key(key), value))
                .collect::<BTreeMap<_, _>>(),
        );
        let (one, many, single) = (memory(), memory(), memory());
        one.commit(&position(1), &changes).unwrap();
        let (mut rest, mut number) = (changes.as_slice(), 0);
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(rest.len().min(1 + random.below(30) as usize));
            number += 1;
            many.commit(&position(number), batch).unwrap();
            rest = later;
        }
        for change in &changes {
            single
                .commit(&position(1), std::slice::from_ref(change))
                .unwrap();
        }
        for db in [&one, &many, &single] {
            assert_eq!(db.head().state_root, StateRoot(expected.0), "seed {seed}");
            let snapshot = db.snapshot();
            for (key, _) in &changes {
                assert_eq!(snapshot.read(key).unwrap(), model.get(key).cloned());
            }
        }
        let all: Vec<_> = model.keys().map(|key| (key.clone(), None)).collect();
        assert_eq!(
            many.commit(&position(number), &all).unwrap(),
            empty_state_root()
        );
    }
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let db = memory();
    let before = db.snapshot();
    db.commit(&position(1), &[set(b"a", &[1; 100]), set(b"b", b"2")])
        .unwrap();
    let between = db.snapshot();
    db.commit(&position(2), &[set(b"a", &[3; 100]), (b"b".to_vec(), None)])
        .unwrap();
    let after = db.snapshot();
    db.clear().unwrap();
    let read = |snapshot: &contract_state::Snapshot, key: &[u8]| snapshot.read(key).unwrap();
    // Twice, because the second reading may come from a cache.
    for _ in 0..2 {
        assert_eq!(read(&before, b"a"), None);
        assert_eq!(read(&between, b"a"), Some(vec![1; 100]));
        assert_eq!(read(&between, b"b"), Some(b"2".to_vec()));
        assert_eq!(read(&after, b"a"), Some(vec![3; 100]));
        assert_eq!(read(&after, b"b"), None);
        assert_eq!(read(&db.snapshot(), b"a"), None);
    }
    assert_eq!(
        [&before, &between, &after].map(|snapshot| snapshot.head().next_number),
        [0, 1, 2]
    );
}

#[test]
fn readers_and_a_writer_work_at_once() {
    let db = memory();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..300 {
                    let snapshot = db.snapshot();
                    let number = snapshot.head().next_number;
                    let expected = (number > 0).then(|| number.to_le_bytes().to_vec());
                    assert_eq!(snapshot.read(b"number").unwrap(), expected);
                }
            });
        }
        for number in 1..100u64 {
            db.commit(&position(number), &[set(b"number", &number.to_le_bytes())])
                .unwrap();
        }
    });
}

#[test]
fn an_overlay_shows_its_changes_and_commits_them_merged() {
    let db = memory();
    db.commit(&position(1), &[set(b"kept", b"1"), set(b"gone", b"1")])
        .unwrap();
    let mut overlay = Overlay::new(db.snapshot());
    overlay.apply([set(b"new", b"1"), (b"gone".to_vec(), None)]);
    overlay.apply([set(b"new", b"2")]);
    assert_eq!(overlay.read(b"kept").unwrap(), Some(b"1".to_vec()));
    assert_eq!(overlay.read(b"gone").unwrap(), None);
    assert_eq!(overlay.read(b"new").unwrap(), Some(b"2".to_vec()));
    assert_eq!(db.snapshot().read(b"new").unwrap(), None);
    let changes = overlay.into_changes();
    assert_eq!(changes, [(b"gone".to_vec(), None), set(b"new", b"2")]);
    db.commit(&position(2), &changes).unwrap();
    assert_eq!(db.snapshot().read(b"new").unwrap(), Some(b"2".to_vec()));
}

#[test]
fn a_restart_finds_what_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let db = open(&path).ok().unwrap();
    assert_eq!(db.head().state_root, empty_state_root());
    let at = Position {
        next_number: 5,
        block_number: 6,
        block_hash: BlockHash([7; 32]),
        block_timestamp_ms: 8,
    };
    let big = vec![9; 1 << 20];
    let root = db
        .commit(&at, &[set(b"small", b"1"), set(b"big", &big)])
        .unwrap();
    let committed = db.head();
    db.advance(16, BlockHash([17; 32]), 18);
    assert_eq!(db.head().block_number, 16);
    assert_eq!(db.head().state_root, root);
    drop(db);
    let db = open(&path).ok().unwrap();
    assert_eq!(db.head(), committed, "an advance is not durable");
    assert_eq!(db.snapshot().read(b"big").unwrap(), Some(big));
    assert_eq!(db.snapshot().read(b"small").unwrap(), Some(b"1".to_vec()));
    assert_eq!(db.root_at(5).unwrap(), Some(root));
    db.clear().unwrap();
    drop(db);
    let db = open(&path).ok().unwrap();
    assert_eq!(db.head().state_root, empty_state_root());
    assert_eq!(db.root_at(5).unwrap(), None);
    assert_eq!(db.snapshot().read(b"small").unwrap(), None);
}

#[test]
fn old_roots_are_kept_for_a_while() {
    let db = memory();
    let first = db.commit(&position(1), &[set(b"a", b"1")]).unwrap();
    let second = db
        .commit(&position(ROOTS_KEPT), &[set(b"a", b"2")])
        .unwrap();
    assert_eq!(db.root_at(1).unwrap(), Some(first));
    db.commit(&position(ROOTS_KEPT + 1), &[set(b"a", b"3")])
        .unwrap();
    assert_eq!(db.root_at(1).unwrap(), None);
    assert_eq!(db.root_at(ROOTS_KEPT).unwrap(), Some(second));
    assert_eq!(db.root_at(7).unwrap(), None);
}

#[test]
fn what_cannot_be_committed_is_refused() {
    let db = memory();
    db.commit(&position(2), &[set(b"a", b"1")]).unwrap();
    let back = db.commit(&position(1), &[]);
    assert!(matches!(
        back,
        Err(CommitError::Backwards {
            committed: 2,
            new: 1
        })
    ));
    for change in [
        set(&vec![0; KEY_BYTES_MAX + 1], b""),
        set(b"a", &vec![0; VALUE_BYTES_MAX + 1]),
        (vec![0; KEY_BYTES_MAX + 1], None),
    ] {
        assert!(matches!(
            db.commit(&position(3), &[change]),
            Err(CommitError::TooLong)
        ));
    }
    let longest = [set(&[0; KEY_BYTES_MAX], &vec![1; VALUE_BYTES_MAX])];
    db.commit(&position(3), &longest).unwrap();
    assert_eq!(db.snapshot().read(&longest[0].0).unwrap(), longest[0].1);
}

#[test]
fn a_proof_holds_under_the_root() {
    let db = memory();
    let changes: Vec<_> = (0..50u8)
        .map(|n| set(&[n, n / 2], &vec![n; n as usize * 3]))
        .collect();
    let root = db.commit(&position(1), &changes).unwrap();
    let keys = vec![vec![40, 20], vec![41, 0]];
    let nodes = TrieNodes::new(&db.snapshot().prove(&keys).unwrap());
    assert_eq!(
        nodes.read(&root.0, &trie_key(&keys[0])),
        Ok(Some(vec![40; 120]))
    );
    assert_eq!(nodes.read(&root.0, &trie_key(&keys[1])), Ok(None));
    assert_eq!(
        nodes.read(&root.0, &trie_key(&[1, 0])),
        Err(TrieError::MissingNode)
    );
}

#[test]
fn a_proof_of_an_open_key_shows_one_hash_of_all_that_is_not_open() {
    let db = memory();
    let open = |n: u8| [&[wire::audit::OPEN_PREFIX], &[n; 32][..]].concat();
    let mut changes: Vec<_> = (0..40u8).map(|n| set(&[b's', n], &[n, 1, 2])).collect();
    changes.extend((0..40u8).map(|n| set(&open(n), &[n; 32])));
    let root = db.commit(&position(1), &changes).unwrap();
    let nodes = db.snapshot().prove(&[open(7)]).unwrap();
    let read = TrieNodes::new(&nodes);
    assert_eq!(read.read(&root.0, &trie_key(&open(7))), Ok(Some(vec![7; 32])));
    // The same open keys beside another secret state: of all nodes the root alone differs.
    let beside = memory();
    let others: Vec<_> = (0..40u8)
        .map(|n| set(&[b's', n], &[n, 9, 9]))
        .chain((0..40u8).map(|n| set(&open(n), &[n; 32])))
        .collect();
    let other_root = beside.commit(&position(1), &others).unwrap();
    let other_nodes = beside.snapshot().prove(&[open(7)]).unwrap();
    assert_ne!(root, other_root);
    let differing = nodes.iter().filter(|node| !other_nodes.contains(node));
    assert_eq!(differing.count(), 1);
    // What is not there is proven not to be there, also where nothing is open.
    let closed = memory();
    let root = closed.commit(&position(1), &[set(b"s", b"1"), set(b"t", b"2")]).unwrap();
    let nodes = TrieNodes::new(&closed.snapshot().prove(&[open(7)]).unwrap());
    assert_eq!(nodes.read(&root.0, &trie_key(&open(7))), Ok(None));
}

#[test]
fn a_file_opens_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let db = open(&path).ok().unwrap();
    db.commit(&position(1), &[set(b"a", b"1")]).unwrap();
    assert!(matches!(open(&path).err(), Some(OpenError::InUse)));
    drop(db);
    let other = StoreIdentity {
        genesis: GenesisHash([9; 32]),
        ..identity()
    };
    assert!(matches!(
        StateDb::open(&path, &key(), &other).err(),
        Some(OpenError::AnotherNetwork { genesis: GenesisHash(found), .. }) if found == [2; 32]
    ));
    let other = StoreIdentity {
        cluster: ClusterId([9; 32]),
        ..identity()
    };
    assert!(matches!(
        StateDb::open(&path, &key(), &other).err(),
        Some(OpenError::AnotherNetwork { cluster: ClusterId(found), .. }) if found == [3; 32]
    ));
    let key = StateKey::from_bytes(&[9; 32]);
    assert!(matches!(
        StateDb::open(&path, &key, &identity()).err(),
        Some(OpenError::WrongKey)
    ));
    assert_eq!(
        open(&path).ok().unwrap().head().next_number,
        1,
        "refusals changed nothing"
    );
    let missing = folder.path().join("no/such/folder/state");
    assert!(matches!(open(&missing).err(), Some(OpenError::Io(_))));
}

#[test]
fn another_format_or_another_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let meta = redb::TableDefinition::<&str, &[u8]>::new("meta");
    for (version, newer) in [(0u32, false), (2, true)] {
        let path = folder.path().join(format!("state-{version}"));
        drop(open(&path).ok().unwrap());
        let database = redb::Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        let identity = [b"phatstat".as_slice(), &version.to_le_bytes()].concat();
        transaction
            .open_table(meta)
            .unwrap()
            .insert("identity", identity.as_slice())
            .unwrap();
        transaction.commit().unwrap();
        drop(database);
        match open(&path).err() {
            Some(OpenError::NewerFormat {
                found: 2,
                supported: 1,
            }) => assert!(newer),
            Some(OpenError::OlderFormat {
                found: 0,
                supported: 1,
            }) => assert!(!newer),
            other => panic!("{other:?}"),
        }
    }
    let path = folder.path().join("text");
    std::fs::write(
        &path,
        b"not a state at all, but long enough to look at".repeat(1000),
    )
    .unwrap();
    assert!(
        matches!(open(&path).err(), Some(OpenError::Damaged(_))),
        "{:?}",
        open(&path).err()
    );
}

fn filled(path: &Path) -> Vec<Change> {
    let db = open(path).ok().unwrap();
    let changes: Vec<_> = (0..200u32)
        .map(|n| {
            set(
                &n.to_be_bytes(),
                format!("secret {n}").repeat(20).as_bytes(),
            )
        })
        .collect();
    db.commit(&position(1), &changes).unwrap();
    changes
}

#[test]
fn the_file_shows_neither_keys_nor_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    filled(&path);
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(7).any(|window| window == b"secret "));
}

#[test]
fn a_damaged_file_gives_an_error_or_the_right_values_and_never_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let changes = filled(&path);
    let good = std::fs::read(&path).unwrap();
    let mut random = Random(5);
    let mut damage: Vec<Vec<u8>> = Vec::new();
    for _ in 0..60 {
        let mut bytes = good.clone();
        let place = random.below(bytes.len() as u64) as usize;
        let end = (place + 1 + random.below(200) as usize).min(bytes.len());
        bytes[place..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
        damage.push(bytes);
    }
    for _ in 0..20 {
        damage.push(good[..random.below(good.len() as u64) as usize].to_vec());
    }
    let (mut refused, mut unreadable) = (0, 0);
    for bytes in damage.into_iter().filter(|bytes| !bytes.is_empty()) {
        std::fs::write(&path, &bytes).unwrap();
        match open(&path) {
            Err(OpenError::Damaged(_) | OpenError::WrongKey | OpenError::Io(_)) => refused += 1,
            Err(other) => panic!("{other:?}"),
            // A file whose start was cut off is a new one; its head says so.
            Ok(db) if db.head().next_number == 0 => refused += 1,
            Ok(db) => {
                for (key, value) in &changes {
                    match db.snapshot().read(key) {
                        Ok(read) => assert_eq!(read, *value),
                        Err(_) => unreadable += 1,
                    }
                }
            }
        }
    }
    assert!(
        refused > 0 && unreadable > 0,
        "{refused} refused, {unreadable} unreadable"
    );
}

#[test]
fn records_cannot_trade_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let changes = filled(&path);
    let nodes = redb::TableDefinition::<&[u8; 32], &[u8]>::new("nodes");
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        use redb::ReadableTable;
        let mut table = transaction.open_table(nodes).unwrap();
        let all: Vec<([u8; 32], Vec<u8>)> = table
            .iter()
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|(name, record)| (*name.value(), record.value().to_vec()))
            .collect();
        for (place, (name, _)) in all.iter().enumerate() {
            let other = &all[(place + 1) % all.len()].1;
            table.insert(name, other.as_slice()).unwrap();
        }
    }
    transaction.commit().unwrap();
    drop(database);
    let db = open(&path).ok().unwrap();
    for (key, _) in changes {
        let error = db.snapshot().read(&key).err().unwrap();
        assert!(error.0.contains("damaged"), "{error}");
    }
    let commit = db.commit(&position(2), &[set(b"a", b"1")]);
    assert!(matches!(commit, Err(CommitError::Damaged(_))));
}
