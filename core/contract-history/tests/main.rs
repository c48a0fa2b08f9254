//! Histories on a made-up chain, whole and altered.
//!
//! The chain's first block stands for the final one: a proof without steps shows its state. Its number is
//! what the header says, so that there is a past to look into.

use chain_facts::{AgreedCheckpoint, AgreedRoot, ContractRecord, keys};
use chain_proof::{PortableProof, ProofError, Start, block_hash_key, hash_header, storage_key};
use codec::{Compact, Encode};
use contract_history::{HistoryError, HistoryFile, MAGIC, PastBlock, VERSION, check};
use polkadot_sdk::{
    sp_core::Blake2Hasher,
    sp_trie::{
        LayoutV1, MemoryDB, Trie, TrieDBBuilder, TrieMut, recorder::Recorder,
        trie_types::TrieDBMutBuilderV1,
    },
};
use primitives::{AccountId, BlockHash, ClusterId, ContractId, GenesisHash, StateRoot};
use wire::{
    audit::{
        ContractRootProof, HistoryItem, HistoryPage, HistoryStep, Verdict, contract_root_key,
        next_history, trie_key,
    },
    domain::code_hash,
    mailbox::{MailboxEntry, MailboxOperation},
};

const CLUSTER: ClusterId = ClusterId([0xcc; 32]);
const CONTRACT: ContractId = ContractId([0x0c; 32]);
const CODE: &[u8] = b"code";

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The root of a state, and the nodes that show these keys in it.
fn prove(pairs: &Pairs, wanted: &[Vec<u8>]) -> (StateRoot, Vec<Vec<u8>>) {
    let (mut db, mut root) = (MemoryDB::<Blake2Hasher>::default(), Default::default());
    {
        let mut trie = TrieDBMutBuilderV1::<Blake2Hasher>::new(&mut db, &mut root).build();
        pairs.iter().for_each(|(key, value)| drop(trie.insert(key, value).unwrap()));
    }
    let recorder = Recorder::<Blake2Hasher>::default();
    {
        let mut recorder = recorder.as_trie_recorder(root);
        let trie = TrieDBBuilder::<LayoutV1<Blake2Hasher>>::new(&db, &root)
            .with_recorder(&mut recorder)
            .build();
        wanted.iter().for_each(|key| drop(trie.get(key).unwrap()));
    }
    (StateRoot(root.0), recorder.drain_storage_proof().into_iter_nodes().collect())
}

fn header(number: u32, root: &StateRoot) -> Vec<u8> {
    let mut bytes = ([3u8; 32], Compact(number), root.0, [9u8; 32]).encode();
    Compact(0u32).encode_to(&mut bytes);
    bytes
}

fn entries() -> Vec<MailboxEntry> {
    let operations = [
        MailboxOperation::SetUpCluster {
            owner: AccountId([1; 32]),
            gas_price: 0,
            deposit_per_item: 0,
            deposit_per_byte: 0,
            treasury: AccountId([2; 32]),
        },
        MailboxOperation::UploadCode { code_hash: code_hash(CODE) },
        MailboxOperation::BlockEnd,
        MailboxOperation::Command {
            contract: CONTRACT,
            sender: AccountId([4; 32]),
            payload: vec![5; 60],
        },
        MailboxOperation::BlockEnd,
    ];
    let entry = |(operation, number)| MailboxEntry {
        block_number: 10 + number,
        timestamp_ms: 1000,
        operation,
    };
    operations.into_iter().zip(0u32..).map(entry).collect()
}

/// A past block whose state has these entries and remembers another block.
fn past(
    number: u32,
    numbers: std::ops::Range<u64>,
    remembers: Option<(u32, BlockHash)>,
) -> (BlockHash, PastBlock) {
    let all = entries();
    let mut pairs: Pairs = numbers
        .clone()
        .map(|n| (keys::inbox_entry(&CLUSTER, n), all[n as usize].encode().encode()))
        .collect();
    let mut wanted: Vec<Vec<u8>> = pairs.iter().map(|(key, _)| key.clone()).collect();
    pairs.push((b"something else".to_vec(), vec![1; 40]));
    if let Some((number, hash)) = remembers {
        pairs.push((block_hash_key(number), hash.encode()));
        wanted.push(block_hash_key(number));
    }
    let (root, nodes) = prove(&pairs, &wanted);
    let header = header(number, &root);
    let hash = hash_header(&header);
    let (first, count) = (numbers.start, numbers.end - numbers.start);
    (hash, PastBlock { header, first, count, nodes })
}

fn agreed(next_number: u64, root: StateRoot) -> (Vec<u8>, Vec<u8>) {
    let agreed = AgreedCheckpoint { next_number, state_root: root, agreed_at: 19 };
    (keys::agreed_checkpoint(&CLUSTER), agreed.encode())
}

/// A history of five entries, of which the newest block's state no longer has the first three.
fn world() -> (GenesisHash, HistoryFile) {
    let (old_hash, old) = past(12, 0..3, None);
    let (new_hash, new) = past(20, 2..5, Some((12, old_hash)));
    let state: Pairs = vec![
        (trie_key(&contract_root_key(&CONTRACT)).to_vec(), vec![0x77; 32]),
        (trie_key(b"secret").to_vec(), vec![1; 50]),
    ];
    let (state_root, nodes) = prove(&state, &[state[0].0.clone()]);
    let root = ContractRootProof { next_number: 5, state_root, nodes };
    let record = ContractRecord { deployer: AccountId([6; 32]), cluster: CLUSTER };
    let authorities = vec![([8u8; 32], 1u64)];
    let pairs: Pairs = vec![
        (storage_key::grandpa_authorities(), authorities.encode()),
        (keys::contract(&CONTRACT), record.encode()),
        agreed(5, state_root),
        (
            keys::agreed_roots(&CLUSTER),
            vec![AgreedRoot { next_number: 4, state_root: StateRoot([4; 32]) }].encode(),
        ),
        (block_hash_key(20), new_hash.encode()),
    ];
    let wanted: Vec<Vec<u8>> = pairs.iter().map(|(key, _)| key.clone()).collect();
    let (root_of_chain, nodes) = prove(&pairs, &wanted);
    let first = header(25, &root_of_chain);
    let genesis = GenesisHash(hash_header(&first).0);
    let item = HistoryItem { number: 3, verdict: Verdict::Ran, contents: [1; 32] };
    let file = HistoryFile {
        version: VERSION,
        genesis,
        contract: CONTRACT,
        finality: PortableProof { start: Start::Genesis(first), steps: Vec::new(), nodes },
        past: vec![new, old],
        codes: vec![CODE.to_vec()],
        root,
        steps: HistoryPage {
            first: 0,
            steps: vec![HistoryStep { item, history: next_history(&[0; 32], &item) }],
        },
    };
    (genesis, file)
}

fn altered(change: impl FnOnce(&mut HistoryFile)) -> Result<(), HistoryError> {
    let (genesis, mut file) = world();
    change(&mut file);
    check(&genesis, &file).map(drop)
}

#[test]
fn a_history_holds_and_gives_what_was_proven() {
    let (genesis, file) = world();
    let read = HistoryFile::from_bytes(&file.to_bytes()).unwrap();
    assert_eq!(read, file);
    let history = check(&genesis, &read).unwrap();
    assert_eq!((history.cluster(), history.contract()), (CLUSTER, CONTRACT));
    assert_eq!(history.entries(), entries());
    assert_eq!(history.agreed(), (5, file.root.state_root));
    assert_eq!(history.commitment(), [0x77; 32]);
    assert_eq!(history.final_block().0, 25);
    assert_eq!(history.code(&code_hash(CODE)), Some(&CODE.to_vec()));
    assert_eq!(history.deployer(), AccountId([6; 32]));
}

#[test]
fn what_the_chain_does_not_show_does_not_hold() {
    assert_eq!(altered(|file| file.past.truncate(1)), Err(HistoryError::EntryMissing(0)));
    let reordered = altered(|file| file.past.reverse());
    assert_eq!(reordered, Err(ProofError::NotRemembered { number: 12 }.into()));
    let other = altered(|file| file.past[1] = past(12, 0..2, None).1);
    assert_eq!(other, Err(ProofError::AnotherPast { number: 12 }.into()));
    assert!(altered(|file| file.past[0].first = 1).is_err());
    assert_eq!(altered(|file| file.past[1].count = 2), Ok(()), "entry 2 is shown twice");
    assert_eq!(altered(|file| file.past[1].count = 1), Err(HistoryError::EntryMissing(1)));
    let number = altered(|file| file.root.next_number = 4);
    assert!(matches!(number, Err(HistoryError::NotAgreed { next_number: 4, .. })));
    let root = altered(|file| file.root.state_root.0[0] ^= 1);
    assert!(matches!(root, Err(HistoryError::NotAgreed { next_number: 5, .. })));
    assert!(matches!(altered(|file| file.root.nodes.clear()), Err(HistoryError::Root(_))));
    assert_eq!(altered(|file| file.codes.clear()), Err(HistoryError::CodeMissing(code_hash(CODE))));
    let code = altered(|file| file.codes[0][0] ^= 1);
    assert_eq!(code, Err(HistoryError::CodeMissing(code_hash(CODE))));
    let contract = altered(|file| file.contract.0[0] ^= 1);
    assert!(matches!(contract, Err(HistoryError::NoContract(_))), "{contract:?}");
    assert!(matches!(altered(|file| file.finality.nodes.clear()), Err(HistoryError::Chain(_))));
    let steps = altered(|file| {
        let step = file.steps.steps[0];
        file.steps.steps.push(step);
    });
    assert_eq!(steps, Err(HistoryError::BrokenSteps));
    let (_, file) = world();
    let other = check(&GenesisHash([1; 32]), &file);
    assert!(matches!(other, Err(HistoryError::AnotherNetwork { .. })));
    let claimed = altered(|file| file.genesis.0[0] ^= 1);
    assert!(matches!(claimed, Err(HistoryError::AnotherNetwork { .. })));
}

#[test]
fn an_earlier_agreed_root_holds_as_well() {
    let earlier = altered(|file| {
        file.root.next_number = 4;
        file.root.state_root = StateRoot([4; 32]);
    });
    // It is agreed; the nodes are of another root.
    assert!(matches!(earlier, Err(HistoryError::Root(_))), "{earlier:?}");
}

#[test]
fn files_of_any_bytes_are_refused() {
    let (_, file) = world();
    let bytes = file.to_bytes();
    for length in (0..bytes.len()).step_by(7) {
        assert_eq!(HistoryFile::from_bytes(&bytes[..length]), Err(HistoryError::NotAHistory));
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(HistoryFile::from_bytes(&longer), Err(HistoryError::NotAHistory));
    let newer = [&MAGIC[..], &[VERSION + 1], &bytes[MAGIC.len() + 1..]].concat();
    assert_eq!(HistoryFile::from_bytes(&newer), Err(HistoryError::NotAHistory));
}

#[test]
fn the_format_is_fixed() {
    let item = HistoryItem { number: 14, verdict: Verdict::NotPaid, contents: [15; 32] };
    let file = HistoryFile {
        version: VERSION,
        genesis: GenesisHash([1; 32]),
        contract: ContractId([2; 32]),
        finality: PortableProof {
            start: Start::Genesis(vec![3; 4]),
            steps: Vec::new(),
            nodes: vec![vec![4; 2]],
        },
        past: vec![PastBlock { header: vec![5; 3], first: 6, count: 7, nodes: vec![vec![8; 2]] }],
        codes: vec![vec![9; 2]],
        root: ContractRootProof {
            next_number: 10,
            state_root: StateRoot([11; 32]),
            nodes: vec![vec![12; 2]],
        },
        steps: HistoryPage {
            first: 13,
            steps: vec![HistoryStep { item, history: [16; 32] }],
        },
    };
    let hex: String = file.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, include_str!("fixtures/history.hex").trim());
    assert_eq!(HistoryFile::from_bytes(&file.to_bytes()), Ok(file));
}
