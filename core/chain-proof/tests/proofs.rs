//! Warp proofs, tries and keys.

use chain_proof::{
    AuthoritySet, Fragment, Header, ProofError, UntrustedProof, decode_proof, encode_warp_proof,
    hash_header,
    storage_key::{self, Hasher},
    trie::{TrieError, TrieNodes},
    verify, verify_from,
};
use codec::{Compact, Encode};
use ed25519_dalek::{Signer, SigningKey};
use polkadot_sdk::{
    sp_core::Blake2Hasher,
    sp_crypto_hashing,
    sp_trie::{
        LayoutV0, LayoutV1, MemoryDB, Trie, TrieConfiguration, TrieDBBuilder, TrieMut,
        recorder::Recorder,
        trie_types::{TrieDBMutBuilderV0, TrieDBMutBuilderV1},
    },
};
use primitives::{BlockHash, GenesisHash, StateRoot};
use std::collections::BTreeMap;

pub type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// A root, and the nodes on the way to `keys`, as a node of the chain would serve them.
pub fn prove(state: &State, keys: &[&[u8]]) -> ([u8; 32], Vec<Vec<u8>>) {
    let (mut db, mut root) = (MemoryDB::<Blake2Hasher>::default(), Default::default());
    {
        let mut trie = TrieDBMutBuilderV1::<Blake2Hasher>::new(&mut db, &mut root).build();
        for (key, value) in state {
            trie.insert(key, value).unwrap();
        }
    }
    let recorder = Recorder::<Blake2Hasher>::default();
    {
        let mut recorder = recorder.as_trie_recorder(root);
        let trie = TrieDBBuilder::<LayoutV1<Blake2Hasher>>::new(&db, &root)
            .with_recorder(&mut recorder)
            .build();
        for key in keys {
            trie.get(key).unwrap();
        }
    }
    (
        root.0,
        recorder.drain_storage_proof().into_iter_nodes().collect(),
    )
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn authorities(seeds: &[u8]) -> Vec<([u8; 32], u64)> {
    seeds
        .iter()
        .map(|seed| (key(*seed).verifying_key().to_bytes(), 1))
        .collect()
}

fn header(number: u32, parent: BlockHash, root: [u8; 32], next: Option<(&[u8], u32)>) -> Vec<u8> {
    // By hand, in the chain's format, so that the decoder is not tested against itself.
    let mut bytes = (parent, Compact(number), root, [9u8; 32]).encode();
    let mut items = vec![(6u8, *b"aura", vec![1u8, 2, 3]).encode()];
    if let Some((seeds, delay)) = next {
        let change = [vec![1], (authorities(seeds), delay).encode()].concat();
        items.push((4u8, *b"FRNK", change).encode());
    }
    items.push((5u8, *b"aura", vec![7u8; 64]).encode());
    Compact(items.len() as u32).encode_to(&mut bytes);
    items.iter().for_each(|item| bytes.extend_from_slice(item));
    bytes
}

/// A vote: who, for which block, signing for which set.
struct Vote {
    seed: u8,
    hash: BlockHash,
    number: u32,
    set_id: u64,
}

fn justification(target: (BlockHash, u32), votes: &[Vote], ancestries: &[Vec<u8>]) -> Vec<u8> {
    let round = 77u64;
    let mut bytes = (round, target.0, target.1, Compact(votes.len() as u32)).encode();
    for vote in votes {
        let message = (1u8, vote.hash, vote.number, round, vote.set_id).encode();
        let signature = key(vote.seed).sign(&message).to_bytes();
        let voter = key(vote.seed).verifying_key().to_bytes();
        (vote.hash, vote.number, signature, voter).encode_to(&mut bytes);
    }
    Compact(ancestries.len() as u32).encode_to(&mut bytes);
    ancestries
        .iter()
        .for_each(|header| bytes.extend_from_slice(header));
    bytes
}

fn fragment(header: Vec<u8>, number: u32, seeds: &[u8], set_id: u64) -> Fragment {
    let hash = hash_header(&header);
    let votes: Vec<_> = seeds
        .iter()
        .map(|seed| Vote {
            seed: *seed,
            hash,
            number,
            set_id,
        })
        .collect();
    Fragment {
        justification: justification((hash, number), &votes, &[]),
        header,
    }
}

struct Chain {
    genesis: GenesisHash,
    fragments: Vec<Fragment>,
    proof: UntrustedProof,
}

impl Chain {
    fn with(&self, fragments: &[Fragment]) -> UntrustedProof {
        UntrustedProof {
            warp_proof: encode_warp_proof(fragments, true),
            ..self.proof.clone()
        }
    }

    fn with_last(&self, last: Fragment) -> UntrustedProof {
        let mut fragments = self.fragments.clone();
        *fragments.last_mut().unwrap() = last;
        self.with(&fragments)
    }
}

fn final_state() -> State {
    let mut state: State = (0..200u32)
        .map(|n| {
            let part = n.to_le_bytes();
            let key = storage_key::entry("Phat", "Map", &[(Hasher::Twox64Concat, &part)]);
            (key, vec![n as u8; (n % 80) as usize])
        })
        .collect();
    state.insert(
        storage_key::value("Timestamp", "Now"),
        1_700_000_000_123u64.encode(),
    );
    state
}

fn map_key(n: u32) -> Vec<u8> {
    storage_key::entry("Phat", "Map", &[(Hasher::Twox64Concat, &n.to_le_bytes())])
}

const LAST: u32 = 300;

/// Three authority sets: 1-4, then 5-7, then 8; the last block is 300.
fn chain() -> Chain {
    let genesis_state = State::from([
        (
            storage_key::grandpa_authorities(),
            authorities(&[1, 2, 3, 4]).encode(),
        ),
        (b"other".to_vec(), vec![1; 50]),
    ]);
    let (root, genesis_authorities_proof) =
        prove(&genesis_state, &[&storage_key::grandpa_authorities()]);
    let genesis_header = header(0, BlockHash::default(), root, None);
    let genesis = GenesisHash(hash_header(&genesis_header).0);
    let (root, storage_proof) = prove(
        &final_state(),
        &[
            &map_key(79),
            &map_key(40),
            &map_key(999),
            &storage_key::value("Timestamp", "Now"),
        ],
    );
    let parent = BlockHash([5; 32]);
    let fragments = vec![
        fragment(
            header(100, parent, [1; 32], Some((&[5, 6, 7], 0))),
            100,
            &[1, 2, 3],
            0,
        ),
        fragment(
            header(200, parent, [2; 32], Some((&[8], 0))),
            200,
            &[5, 6, 7],
            1,
        ),
        fragment(header(LAST, parent, root, None), LAST, &[8], 2),
    ];
    let warp_proof = encode_warp_proof(&fragments, true);
    let proof = UntrustedProof {
        genesis_header,
        genesis_authorities_proof,
        warp_proof,
        storage_proof,
    };
    Chain {
        genesis,
        fragments,
        proof,
    }
}

fn error(chain: &Chain, proof: &UntrustedProof) -> ProofError {
    verify(&chain.genesis, proof).err().unwrap()
}

#[test]
fn a_chain_of_set_changes_leads_to_values() {
    let chain = chain();
    let state = verify(&chain.genesis, &chain.proof).unwrap();
    assert_eq!(state.number(), LAST);
    assert_eq!(state.hash(), hash_header(&chain.fragments[2].header));
    assert_eq!(
        state.read(&map_key(79)),
        Ok(Some(vec![79; 79])),
        "by hash of the value"
    );
    assert_eq!(state.read(&map_key(40)), Ok(Some(vec![40; 40])));
    assert_eq!(state.read(&map_key(999)), Ok(None));
    assert_eq!(state.timestamp_ms(), Ok(Some(1_700_000_000_123)));
    assert_eq!(
        state.read_as::<u32>(&storage_key::value("Timestamp", "Now")),
        Err(ProofError::Malformed("a value in storage"))
    );
    let missing = (0..200)
        .filter(|n| state.read(&map_key(*n)) == Err(ProofError::Storage(TrieError::MissingNode)));
    assert!(missing.count() > 100);
    assert_eq!(state.authority_set().id(), 2);
    assert_eq!(
        state.authority_set().authorities().collect::<Vec<_>>(),
        authorities(&[8])
    );
}

#[test]
fn a_proof_survives_its_encoding_and_a_trusted_set_may_stand_for_the_start() {
    let chain = chain();
    let decoded = decode_proof(&chain.proof.encode()).unwrap();
    assert_eq!(decoded, chain.proof);
    let set = AuthoritySet::new(1, authorities(&[5, 6, 7])).unwrap();
    let warp = encode_warp_proof(&chain.fragments[1..], true);
    let state = verify_from(100, &set, &warp, &chain.proof.storage_proof).unwrap();
    assert_eq!(state.read(&map_key(40)), Ok(Some(vec![40; 40])));
    let older = AuthoritySet::new(0, authorities(&[5, 6, 7])).unwrap();
    assert_eq!(
        verify_from(100, &older, &warp, &[]).err(),
        Some(ProofError::BadSignature {
            fragment: 0,
            set_id: 0
        })
    );
    assert_eq!(
        verify_from(200, &set, &warp, &[]).err(),
        Some(ProofError::NotAbove { fragment: 0 })
    );
    let none = encode_warp_proof(&[], true);
    assert!(matches!(
        verify_from(0, &set, &none, &[]).err(),
        Some(ProofError::Malformed(_))
    ));
}

#[test]
fn without_fragments_the_first_block_is_proven() {
    let chain = chain();
    let proof = UntrustedProof {
        storage_proof: chain.proof.genesis_authorities_proof.clone(),
        ..chain.with(&[])
    };
    let state = verify(&chain.genesis, &proof).unwrap();
    assert_eq!((state.number(), state.hash().0), (0, chain.genesis.0));
    assert!(
        state
            .read(&storage_key::grandpa_authorities())
            .unwrap()
            .is_some()
    );
}

#[test]
fn more_than_two_thirds_must_vote() {
    let chain = chain();
    let vote_of = |seeds: &[u8]| {
        let mut fragments = chain.fragments.clone();
        fragments[0] = fragment(fragments[0].header.clone(), 100, seeds, 0);
        verify(&chain.genesis, &chain.with(&fragments)).err()
    };
    let too_few = |voted, total| {
        Some(ProofError::TooFewVotes {
            fragment: 0,
            voted,
            total,
        })
    };
    assert_eq!(vote_of(&[4, 2, 1]), None);
    assert_eq!(vote_of(&[1, 2, 3, 4]), None);
    assert_eq!(vote_of(&[1, 2]), too_few(2, 4));
    assert_eq!(vote_of(&[1, 2, 2, 1]), too_few(2, 4), "a vote counts once");
    assert_eq!(vote_of(&[]), too_few(0, 4));
    let unknown = Some(ProofError::UnknownVoter {
        fragment: 0,
        set_id: 0,
    });
    assert_eq!(vote_of(&[1, 2, 9]), unknown);
    // Of three, two are exactly two thirds, which is not more.
    let mut fragments = chain.fragments.clone();
    fragments[1] = fragment(fragments[1].header.clone(), 200, &[5, 6], 1);
    assert_eq!(
        error(&chain, &chain.with(&fragments)),
        ProofError::TooFewVotes {
            fragment: 1,
            voted: 2,
            total: 3
        }
    );
}

#[test]
fn weights_count_and_must_add_up() {
    let set = |weights: &[u64]| {
        let list = weights
            .iter()
            .zip(1..)
            .map(|(weight, seed)| (key(seed).verifying_key().to_bytes(), *weight));
        AuthoritySet::new(0, list.collect())
    };
    for (weights, threshold) in [
        (&[1][..], 1),
        (&[1, 1], 2),
        (&[1, 1, 1], 3),
        (&[1, 1, 1, 1], 3),
        (&[5, 1], 5),
        (&[7, 0], 5),
    ] {
        assert_eq!(set(weights).unwrap().threshold(), threshold, "{weights:?}");
    }
    assert_eq!(set(&[]), Err(ProofError::BadAuthoritySet));
    assert_eq!(set(&[0, 0]), Err(ProofError::BadAuthoritySet));
    assert_eq!(set(&[u64::MAX, 1]), Err(ProofError::BadAuthoritySet));
    let twice = AuthoritySet::new(0, authorities(&[1, 1, 2])).unwrap();
    assert_eq!(twice.threshold(), 3);
    assert_eq!(twice.authorities().count(), 2);
}

#[test]
fn votes_for_later_blocks_count_when_they_are_shown_to_follow() {
    let chain = chain();
    let last = chain.fragments[2].header.clone();
    let target = (hash_header(&last), LAST);
    let child = header(LAST + 1, target.0, [0; 32], None);
    let grandchild = header(LAST + 2, hash_header(&child), [0; 32], None);
    let vote = |header: &[u8], number| {
        [Vote {
            seed: 8,
            hash: hash_header(header),
            number,
            set_id: 2,
        }]
    };
    let verdict = |votes: &[Vote], ancestries: &[Vec<u8>]| {
        let justification = justification(target, votes, ancestries);
        let last = Fragment {
            header: last.clone(),
            justification,
        };
        verify(&chain.genesis, &chain.with_last(last)).err()
    };
    let unrelated = Some(ProofError::UnrelatedVote { fragment: 2 });
    let both = [child.clone(), grandchild.clone()];
    assert_eq!(verdict(&vote(&grandchild, LAST + 2), &both), None);
    assert_eq!(verdict(&vote(&child, LAST + 1), &both), None);
    assert_eq!(verdict(&vote(&grandchild, LAST + 2), &both[1..]), unrelated);
    assert_eq!(verdict(&vote(&child, LAST + 1), &[]), unrelated);
    let stranger = header(LAST + 1, BlockHash([66; 32]), [0; 32], None);
    assert_eq!(
        verdict(&vote(&stranger, LAST + 1), &[stranger.clone()]),
        unrelated
    );
    assert_eq!(verdict(&vote(&last, LAST - 1), &[]), unrelated);
}

#[test]
fn fragments_must_be_in_order_complete_and_of_their_sets() {
    let chain = chain();
    let [first, second, third] = [0, 1, 2].map(|place| chain.fragments[place].clone());
    let stranger = |fragment, set_id| ProofError::UnknownVoter { fragment, set_id };
    assert_eq!(
        error(
            &chain,
            &chain.with(&[second.clone(), first.clone(), third.clone()])
        ),
        stranger(0, 0)
    );
    assert_eq!(
        error(&chain, &chain.with(&[first.clone(), third.clone()])),
        stranger(1, 1)
    );
    assert_eq!(
        error(&chain, &chain.with(&[first.clone(), first.clone()])),
        ProofError::NotAbove { fragment: 1 }
    );
    assert_eq!(
        error(
            &chain,
            &chain.with(&[first.clone(), second.clone(), third.clone(), third.clone()])
        ),
        ProofError::NoSetChange { fragment: 2 }
    );
    // Signed for another number of set.
    let replayed = fragment(second.header.clone(), 200, &[5, 6, 7], 0);
    assert_eq!(
        error(&chain, &chain.with(&[first.clone(), replayed])),
        ProofError::BadSignature {
            fragment: 1,
            set_id: 1
        }
    );
    // A justification of another block.
    let mixed = Fragment {
        justification: second.justification,
        header: third.header.clone(),
    };
    assert_eq!(
        error(&chain, &chain.with(&[first.clone(), mixed])),
        ProofError::AnotherTarget { fragment: 1 }
    );
    let delayed = header(100, BlockHash([5; 32]), [1; 32], Some((&[5, 6, 7], 3)));
    let delayed = fragment(delayed, 100, &[1, 2, 3], 0);
    assert_eq!(
        error(&chain, &chain.with(&[delayed])),
        ProofError::DelayedSetChange { fragment: 0 }
    );
    let nobody = header(100, BlockHash([5; 32]), [1; 32], Some((&[], 0)));
    let nobody = fragment(nobody, 100, &[1, 2, 3], 0);
    assert_eq!(
        error(&chain, &chain.with(&[nobody])),
        ProofError::BadAuthoritySet
    );
    // An unfinished proof ends with a change of the set.
    let unfinished = |fragments: &[Fragment]| UntrustedProof {
        warp_proof: encode_warp_proof(fragments, false),
        ..chain.proof.clone()
    };
    assert!(verify(&chain.genesis, &unfinished(&chain.fragments[..2])).is_ok());
    assert_eq!(
        error(&chain, &unfinished(&chain.fragments)),
        ProofError::NoSetChange { fragment: 2 }
    );
}

#[test]
fn another_network_or_a_forged_start_is_refused() {
    let chain = chain();
    let other = GenesisHash([0; 32]);
    assert_eq!(
        verify(&other, &chain.proof).err(),
        Some(ProofError::AnotherNetwork)
    );
    let mut forged = chain.proof.clone();
    let (_, nodes) = prove(
        &State::from([(
            storage_key::grandpa_authorities(),
            authorities(&[9]).encode(),
        )]),
        &[&storage_key::grandpa_authorities()],
    );
    forged.genesis_authorities_proof = nodes;
    assert_eq!(
        error(&chain, &forged),
        ProofError::Storage(TrieError::MissingNode)
    );
}

#[test]
fn no_changed_byte_of_a_proof_changes_what_it_proves() {
    let chain = chain();
    let good = chain.proof.encode();
    let key = map_key(79);
    let mut refused = 0;
    for place in 0..good.len() {
        let mut bytes = good.clone();
        bytes[place] ^= 1 << (place % 8);
        let Ok(proof) = decode_proof(&bytes) else {
            continue;
        };
        // What stays valid are parts that are not needed for this key.
        match verify(&chain.genesis, &proof) {
            Ok(state) => match state.read(&key) {
                Ok(value) => {
                    assert_eq!(value, Some(vec![79; 79]), "byte {place}");
                    assert_eq!(state.hash(), hash_header(&chain.fragments[2].header));
                }
                Err(_) => refused += 1,
            },
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 1000, "{refused} of {}", good.len());
    for end in (0..good.len()).step_by(11) {
        assert!(decode_proof(&good[..end]).is_err());
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert_eq!(
        decode_proof(&longer),
        Err(ProofError::Malformed("the proof"))
    );
}

#[test]
fn what_is_too_large_is_refused_first() {
    let chain = chain();
    let mut many = chain.proof.clone();
    many.storage_proof = vec![vec![]; chain_proof::NODES_MAX + 1];
    assert_eq!(error(&chain, &many), ProofError::TooLarge);
    let mut long = chain.proof.clone();
    long.storage_proof = vec![vec![0; chain_proof::PROOF_BYTES_MAX]];
    assert_eq!(error(&chain, &long), ProofError::TooLarge);
    let mut claims = chain.proof.clone();
    claims.warp_proof = [Compact(u32::MAX).encode(), vec![1]].concat();
    assert_eq!(error(&chain, &claims), ProofError::TooLarge);
    // A justification that claims four billion votes.
    let mut bytes = (1u64, hash_header(&chain.fragments[0].header), 100u32).encode();
    Compact(u32::MAX).encode_to(&mut bytes);
    let claims = Fragment {
        justification: bytes,
        header: chain.fragments[0].header.clone(),
    };
    assert_eq!(error(&chain, &chain.with(&[claims])), ProofError::TooLarge);
}

#[test]
fn headers_read_as_the_chain_writes_them() {
    let bytes = header(70_000, BlockHash([1; 32]), [2; 32], Some((&[1, 2], 0)));
    let decoded = Header::decode_whole(&bytes).unwrap();
    assert_eq!(
        (decoded.number, decoded.state_root),
        (70_000, StateRoot([2; 32]))
    );
    assert_eq!(decoded.encode(), bytes);
    assert_eq!(decoded.hash().0, sp_crypto_hashing::blake2_256(&bytes));
    assert!(Header::decode_whole(&bytes[1..]).is_err());
}

#[test]
fn the_reader_of_tries_agrees_with_sp_trie() {
    let mut random = 1u64;
    let mut below = |bound: u64| {
        random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (random >> 33) % bound
    };
    for round in 0..150 {
        let mut make_key = || -> Vec<u8> {
            let long = if below(5) == 0 { 60 } else { 0 };
            let mut key = vec![0x11; long];
            key.extend((0..below(4)).map(|_| [0, 1, 0x10, 0xff][below(4) as usize]));
            key
        };
        let keys: Vec<_> = (0..30).map(|_| make_key()).collect();
        let others: Vec<_> = (0..30).map(|_| make_key()).collect();
        let state: State = keys
            .iter()
            .map(|key| (key.clone(), vec![7; below(70) as usize]))
            .collect();
        let all: Vec<&[u8]> = keys.iter().chain(&others).map(Vec::as_slice).collect();
        let (root, nodes) = prove(&state, &all);
        assert_eq!(root, LayoutV1::<Blake2Hasher>::trie_root(&state).0);
        let nodes = TrieNodes::new(&nodes);
        for key in all {
            assert_eq!(
                nodes.read(&root, key),
                Ok(state.get(key).cloned()),
                "round {round}"
            );
        }
        // And in the older layout, in which values are never apart.
        let (mut db, mut root) = (MemoryDB::<Blake2Hasher>::default(), Default::default());
        {
            let mut trie = TrieDBMutBuilderV0::<Blake2Hasher>::new(&mut db, &mut root).build();
            state
                .iter()
                .for_each(|(key, value)| drop(trie.insert(key, value).unwrap()));
        }
        assert_eq!(root, LayoutV0::<Blake2Hasher>::trie_root(&state));
        let nodes: Vec<_> = db.drain().into_values().map(|(node, _)| node).collect();
        let nodes = TrieNodes::new(&nodes);
        for key in keys.iter().chain(&others) {
            assert_eq!(nodes.read(&root.0, key), Ok(state.get(key).cloned()));
        }
    }
    let empty = LayoutV1::<Blake2Hasher>::trie_root(&State::new());
    assert_eq!(TrieNodes::default().read(&empty.0, b"any"), Ok(None));
}

#[test]
fn hostile_nodes_give_errors_and_never_a_panic() {
    let mut random = 3u64;
    let mut byte = || {
        random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (random >> 40) as u8
    };
    for length in 0..3000usize {
        let mut node: Vec<u8> = (0..length % 90).map(|_| byte()).collect();
        if let Some(first) = node.first_mut() {
            *first = length as u8;
        }
        let root = sp_crypto_hashing::blake2_256(&node);
        let nodes = TrieNodes::new(&[node]);
        for key in [&[][..], &[0], &[0xff; 40]] {
            let _ = nodes.read(&root, key);
        }
    }
    let endless = [vec![0x7f], vec![0xff; 1000]].concat();
    let root = sp_crypto_hashing::blake2_256(&endless);
    assert_eq!(
        TrieNodes::new(&[endless]).read(&root, b"a"),
        Err(TrieError::MalformedNode)
    );
}

#[test]
fn storage_keys_agree_with_the_chains() {
    assert_eq!(
        hex::encode(storage_key::grandpa_authorities()),
        "5f9cc45b7a00c5899361e1c6099678dc5e0621c4869aa60c02be9adcc98a0d1d"
    );
    for length in 0..100 {
        let bytes: Vec<u8> = (0..length).collect();
        assert_eq!(
            storage_key::twox_128(&bytes),
            sp_crypto_hashing::twox_128(&bytes)
        );
        assert_eq!(
            storage_key::twox_64(&bytes, 0).to_le_bytes(),
            sp_crypto_hashing::twox_64(&bytes)
        );
        assert_eq!(
            Hasher::Blake2_128Concat.hash(&bytes),
            [sp_crypto_hashing::blake2_128(&bytes).as_slice(), &bytes].concat()
        );
    }
    let entry = storage_key::entry(
        "A",
        "B",
        &[(Hasher::Identity, &[1]), (Hasher::Identity, &[2])],
    );
    assert_eq!(entry, [storage_key::value("A", "B"), vec![1, 2]].concat());
}
