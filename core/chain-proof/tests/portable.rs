//! Portable proofs: histories of many kinds, forged attempts, and how long the proofs are.

use crate::proofs::{State, prove};
use chain_proof::{
    AuthoritySet, FinalizedState, Fragment, History, PORTABLE_BYTES_AIM, Planned, PortableProof,
    ProofError, Start, StateNeeded, TrustedSet, Voters, decode_portable, distinct_nodes,
    encode_warp_proof, hash_header, storage_key,
    trie::TrieError,
    verify_portable,
};
use codec::{Compact, Encode};
use ed25519_dalek::{Signer, SigningKey};
use primitives::{BlockHash, GenesisHash};
use std::collections::{BTreeMap, BTreeSet};

const ROUND: u64 = 7;
/// Values of other pallets beside those of GRANDPA, so that tries are as deep as a chain's.
const OTHERS: u32 = 400;

fn key(seed: u32) -> SigningKey {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    SigningKey::from_bytes(&bytes)
}

fn list(seeds: &[u32]) -> Vec<([u8; 32], u64)> {
    seeds.iter().map(|seed| (key(*seed).verifying_key().to_bytes(), 1)).collect()
}

fn state(seeds: &[u32], set_id: u64) -> State {
    let mut state: State = (0..OTHERS)
        .map(|n| {
            let name = n.to_string();
            (storage_key::value(&name, "Item"), vec![n as u8; 40])
        })
        .collect();
    state.insert(storage_key::grandpa_authorities(), list(seeds).encode());
    state.insert(storage_key::grandpa_set_id(), set_id.encode());
    state
}

fn set_keys() -> [Vec<u8>; 2] {
    [storage_key::grandpa_authorities(), storage_key::grandpa_set_id()]
}

fn header(number: u32, parent: BlockHash, root: [u8; 32], next: Option<&[u32]>) -> Vec<u8> {
    let mut bytes = (parent, Compact(number), root, [9u8; 32]).encode();
    let mut items = vec![(6u8, *b"aura", vec![1u8; 8]).encode()];
    if let Some(seeds) = next {
        let change = [vec![1], (list(seeds), 0u32).encode()].concat();
        items.push((4u8, *b"FRNK", change).encode());
    }
    items.push((5u8, *b"aura", vec![7u8; 64]).encode());
    Compact(items.len() as u32).encode_to(&mut bytes);
    items.iter().for_each(|item| bytes.extend_from_slice(item));
    bytes
}

fn sign(voters: &[u32], header: &[u8], number: u32, set_id: u64) -> Vec<u8> {
    let hash = hash_header(header);
    let mut bytes = (ROUND, hash, number, Compact(voters.len() as u32)).encode();
    for voter in voters {
        let message = (1u8, hash, number, ROUND, set_id).encode();
        let signature = key(*voter).sign(&message).to_bytes();
        (hash, number, signature, key(*voter).verifying_key().to_bytes()).encode_to(&mut bytes);
    }
    Compact(0u32).encode_to(&mut bytes);
    bytes
}

/// A chain in which each of `sets` follows the one before, and one more block after the last change.
struct Net {
    genesis: GenesisHash,
    genesis_header: Vec<u8>,
    genesis_nodes: Vec<Vec<u8>>,
    fragments: Vec<Fragment>,
    /// Headers of parents and the nodes that show the set in their states, by hash.
    parents: BTreeMap<BlockHash, (Vec<u8>, Vec<Vec<u8>>)>,
    last_nodes: Vec<Vec<u8>>,
}

impl Net {
    /// `votes` says who of a set votes for the block that ends it.
    fn new(sets: &[Vec<u32>], votes: impl Fn(&[u32]) -> Vec<u32>) -> Self {
        let (root, genesis_nodes) = prove(&state(&sets[0], 0), &[&storage_key::grandpa_authorities()]);
        let genesis_header = header(0, BlockHash::default(), root, None);
        let genesis = GenesisHash(hash_header(&genesis_header).0);
        let [authorities, set_id] = set_keys();
        let keys: [&[u8]; 2] = [&authorities, &set_id];
        let (mut fragments, mut parents) = (Vec::new(), BTreeMap::new());
        for (place, set) in sets.iter().enumerate() {
            let (id, number) = (place as u64, place as u32 * 10 + 10);
            let (root, nodes) = prove(&state(set, id), &keys);
            let parent = header(number - 1, BlockHash([place as u8; 32]), root, None);
            let hash = hash_header(&parent);
            // After a change the state tells the next set already.
            let next = sets.get(place + 1);
            let block = match next {
                Some(next) => {
                    let (root, _) = prove(&state(next, id + 1), &keys);
                    header(number, hash, root, Some(next))
                }
                None => header(number, hash, root, None),
            };
            parents.insert(hash, (parent, nodes));
            fragments.push(Fragment { justification: sign(&votes(set), &block, number, id), header: block });
        }
        let last = sets.len() - 1;
        let other = storage_key::value("17", "Item");
        let (_, last_nodes) = prove(&state(&sets[last], last as u64), &[&authorities, &set_id, &other]);
        Self { genesis, genesis_header, genesis_nodes, fragments, parents, last_nodes }
    }

    fn history(&self) -> History {
        let set = AuthoritySet::new(0, self.first_set()).unwrap();
        let mut history = History::new(0, set);
        // In two parts, as a node gives a long one.
        let (first, second) = self.fragments.split_at(self.fragments.len() / 2);
        assert!(!history.append(&encode_warp_proof(first, false)).unwrap());
        assert!(history.append(&encode_warp_proof(second, true)).unwrap());
        history
    }

    fn first_set(&self) -> Vec<([u8; 32], u64)> {
        let proof = PortableProof {
            start: Start::Genesis(self.genesis_header.clone()),
            steps: vec![],
            nodes: self.genesis_nodes.clone(),
        };
        let state = verify_portable(&self.genesis, None, &proof).unwrap();
        state.authority_set().authorities().collect()
    }

    fn make(&self, history: &History, plan: &[Planned], start: Start) -> PortableProof {
        let mut proofs = vec![self.last_nodes.clone()];
        if matches!(start, Start::Genesis(_)) {
            proofs.push(self.genesis_nodes.clone());
        }
        let mut steps = Vec::new();
        for (place, planned) in plan.iter().enumerate() {
            let voters = match history.state_needed(planned.entry).filter(|_| planned.jumps) {
                None => Voters::Known,
                Some(StateNeeded::Own(_)) => Voters::OfOwnState,
                Some(StateNeeded::Parent(hash)) => {
                    let (header, nodes) = self.parents[&hash].clone();
                    proofs.push(nodes);
                    Voters::OfParentState(header)
                }
            };
            steps.push(history.step(plan, place, voters).unwrap());
        }
        PortableProof { start, steps, nodes: distinct_nodes(proofs) }
    }

    fn proof(&self) -> PortableProof {
        let history = self.history();
        let plan = history.plan(&BTreeSet::new());
        self.make(&history, &plan, Start::Genesis(self.genesis_header.clone()))
    }

    fn verify(&self, proof: &PortableProof) -> Result<FinalizedState, ProofError> {
        verify_portable(&self.genesis, None, proof)
    }

    fn error(&self, proof: &PortableProof) -> ProofError {
        self.verify(proof).err().unwrap()
    }

    fn check(&self, proof: &PortableProof) -> usize {
        let state = self.verify(proof).unwrap();
        let last = self.fragments.last().unwrap();
        assert_eq!(state.hash(), hash_header(&last.header));
        assert_eq!(state.read(&storage_key::value("17", "Item")), Ok(Some(vec![17; 40])));
        let bytes = proof.encode();
        assert_eq!(decode_portable(&bytes).as_ref(), Ok(proof));
        bytes.len()
    }
}

fn all(set: &[u32]) -> Vec<u32> {
    set.to_vec()
}

/// As many of a set as must vote.
fn enough(set: &[u32]) -> Vec<u32> {
    set[..set.len() - (set.len() - 1) / 3].to_vec()
}

#[test]
fn a_thousand_changes_among_the_same_validators_cost_one_step() {
    let sets = vec![vec![1, 2, 3, 4]; 1000];
    let net = Net::new(&sets, enough);
    let proof = net.proof();
    assert_eq!(proof.steps.len(), 1);
    assert_eq!(proof.steps[0].votes.len(), 3);
    let bytes = net.check(&proof);
    assert!(bytes < 4096, "{bytes}");
    println!("4 validators, 1000 changes, none new: {bytes} bytes");
    assert_eq!(net.verify(&proof).unwrap().authority_set().id(), 999);
}

#[test]
fn validators_that_come_and_go_one_by_one_are_skipped_as_far_as_two_thirds_stay() {
    for (size, changes, steps_max) in [(4u32, 40u32, 40), (100, 330, 11)] {
        let sets: Vec<Vec<u32>> = (0..changes).map(|n| (n..n + size).collect()).collect();
        let net = Net::new(&sets, all);
        let proof = net.proof();
        let bytes = net.check(&proof);
        println!("{size} validators, {changes} rotations of one: {} steps, {bytes} bytes", proof.steps.len());
        assert!(proof.steps.len() <= steps_max, "{}", proof.steps.len());
    }
    let sets: Vec<Vec<u32>> = (0..40u32).map(|n| (n..n + 4).collect()).collect();
    let bytes = net_bytes(&sets);
    assert!(bytes < PORTABLE_BYTES_AIM, "{bytes}");
}

fn net_bytes(sets: &[Vec<u32>]) -> usize {
    let net = Net::new(sets, enough);
    net.check(&net.proof())
}

#[test]
fn complete_turnovers_cost_a_step_each_and_their_price_is_as_documented() {
    // The table of ADR 0021.
    let mut previous = 0;
    for (size, turnovers_min) in [(4u32, 100usize), (10, 55), (30, 20), (100, 5)] {
        let of = |turnovers: usize| -> Vec<Vec<u32>> {
            let sets = 0..=turnovers as u32;
            sets.map(|n| (n * size..(n + 1) * size).collect()).collect()
        };
        let (few, many) = (net_bytes(&of(2)), net_bytes(&of(6)));
        let (each, fixed) = ((many - few) / 4, few - (many - few) / 2);
        let fit = (PORTABLE_BYTES_AIM - fixed) / each;
        println!("{size} validators: {fixed} bytes and {each} a turnover, {fit} turnovers");
        assert!(fit >= turnovers_min, "{size}: {fit}");
        assert!(each > previous);
        previous = each;
        let whole = net_bytes(&of(turnovers_min));
        assert!(whole < PORTABLE_BYTES_AIM, "{size}: {whole}");
    }
    let thousand: Vec<u32> = (0..1000).collect();
    let one = net_bytes(&[thousand.clone()]);
    let jump = net_bytes(&vec![thousand; 3]);
    let net = Net::new(&[(0..1000).collect()], enough);
    let trusted = TrustedSet { set: AuthoritySet::new(0, net.first_set()).unwrap(), after: 0 };
    let history = net.history();
    let from_set = net.make(&history, &history.plan(&BTreeSet::new()), Start::Set(0));
    assert!(verify_portable(&net.genesis, Some(&trusted), &from_set).is_ok());
    // The nodes of a test show the list beside the value that is read; a proof from the set needs only the latter.
    let list_bytes = 1000 * 40;
    let from_set = from_set.encode().len() - list_bytes;
    assert!(from_set < PORTABLE_BYTES_AIM, "{from_set}");
    println!("1000 validators from a trusted set: {from_set} bytes");
    println!("1000 validators: {one} bytes without a change, {jump} with a jump");
    assert!(one > PORTABLE_BYTES_AIM, "then the table is wrong: {one}");
}

#[test]
fn a_turnover_amid_quiet_sets_is_the_only_step_between() {
    let mut sets = vec![vec![1, 2, 3, 4]; 50];
    sets.extend(vec![vec![5, 6, 7, 8]; 50]);
    sets.extend(vec![vec![5, 6, 7, 9]; 50]);
    let net = Net::new(&sets, all);
    let history = net.history();
    let plan = history.plan(&BTreeSet::new());
    assert_eq!(plan.len(), 2, "to the last block of the first validators, and to the end");
    assert_eq!(plan[0], Planned { entry: 49, jumps: true });
    net.check(&net.proof());
    // Where the state that shows a set cannot be had, another is jumped to, or none.
    let closed = BTreeSet::from([49]);
    let plan = history.plan(&closed);
    let jumps: Vec<_> = plan.iter().map(|step| (step.entry, step.jumps)).collect();
    assert_eq!(jumps, [(48, true), (49, false), (149, true)]);
    net.check(&net.make(&history, &plan, Start::Genesis(net.genesis_header.clone())));
    let all_closed: BTreeSet<usize> = (0..200).collect();
    let plan = history.plan(&all_closed);
    assert_eq!(plan.len(), 150);
    net.check(&net.make(&history, &plan, Start::Genesis(net.genesis_header.clone())));
}

#[test]
fn a_proof_may_start_at_a_set_that_the_verifier_trusts() {
    let sets: Vec<Vec<u32>> = (0..30u32).map(|n| (n * 4..n * 4 + 4).collect()).collect();
    let net = Net::new(&sets, all);
    let trusted = TrustedSet { set: AuthoritySet::new(25, list(&sets[25])).unwrap(), after: 250 };
    let mut history = History::new(250, trusted.set.clone());
    assert!(history.append(&encode_warp_proof(&net.fragments[25..], true)).unwrap());
    let plan = history.plan(&BTreeSet::new());
    let proof = net.make(&history, &plan, Start::Set(25));
    let state = verify_portable(&net.genesis, Some(&trusted), &proof).unwrap();
    assert_eq!(state.number(), 300);
    assert!(proof.encode().len() < net.proof().encode().len() / 3);
    let needs = Some(ProofError::NeedsSet { set_id: 25 });
    assert_eq!(verify_portable(&net.genesis, None, &proof).err(), needs);
    let other = TrustedSet { set: AuthoritySet::new(24, list(&sets[25])).unwrap(), after: 250 };
    assert_eq!(verify_portable(&net.genesis, Some(&other), &proof).err(), needs);
    let wrong = TrustedSet { set: AuthoritySet::new(25, list(&sets[24])).unwrap(), after: 250 };
    assert!(verify_portable(&net.genesis, Some(&wrong), &proof).is_err());
    let empty = PortableProof { steps: vec![], ..proof };
    assert!(verify_portable(&net.genesis, Some(&trusted), &empty).is_err());
    // Who has the genesis hash and a proof from there needs no set, and none changes the verdict.
    assert!(verify_portable(&net.genesis, Some(&wrong), &net.proof()).is_ok());
}

/// A network of five sets of the same four, whose last block is forged by `forge`.
struct Forgery {
    net: Net,
    proof: PortableProof,
}

/// `said`: the set that the forged block's state names. `signed`: who votes, as which set.
fn forgery(said: (&[u32], u64), signed: (&[u32], u64)) -> (Forgery, Result<FinalizedState, ProofError>) {
    let net = Net::new(&vec![vec![1, 2, 3, 4]; 5], all);
    let [authorities, set_id] = set_keys();
    let (root, nodes) = prove(&state(said.0, said.1), &[&authorities, &set_id]);
    let block = header(1000, BlockHash([6; 32]), root, None);
    let mut proof = net.proof();
    let mut voters: Vec<([u8; 32], u32)> = signed
        .0
        .iter()
        .map(|seed| (key(*seed).verifying_key().to_bytes(), *seed))
        .collect();
    voters.sort_unstable();
    let mut sorted = list(said.0);
    sorted.sort_unstable();
    let message = (1u8, hash_header(&block), 1000u32, ROUND, signed.1).encode();
    proof.steps[0].votes = voters
        .iter()
        .map(|(public, seed)| chain_proof::Vote {
            voter: sorted.iter().position(|(key, _)| key == public).map_or(999, |at| at as u32),
            target: 0,
            signature: key(*seed).sign(&message).to_bytes(),
        })
        .collect();
    proof.steps[0].header = block;
    proof.nodes.extend(nodes);
    let verdict = net.verify(&proof);
    (Forgery { net, proof }, verdict)
}

#[test]
fn a_forger_needs_more_than_two_thirds_of_the_set_that_is_jumped_from() {
    let verdict = |said, signed| forgery(said, signed).1.err();
    let known = |voted| {
        Some(ProofError::TooFewKnown { fragment: 0, voted, total: 4, set_id: 0 })
    };
    // Old validators' keys, more than two thirds of them: this is what every verifier from genesis accepts.
    assert_eq!(verdict((&[1, 2, 3, 4], 9), (&[1, 2, 3], 9)), None);
    assert_eq!(verdict((&[1, 2, 3], 9), (&[1, 2, 3], 9)), None);
    // Two of four are less, whatever set they claim to be: alone, with strangers, or with a crowd.
    assert_eq!(verdict((&[1, 2], 9), (&[1, 2], 9)), known(2));
    assert_eq!(verdict((&[1, 2, 7, 8], 9), (&[1, 2, 7, 8], 9)), known(2));
    let crowd: Vec<u32> = [1, 2].into_iter().chain(100..200).collect();
    assert_eq!(verdict((&crowd, 9), (&crowd, 9)), known(2));
    let strangers: &[u32] = &[7, 8, 9];
    assert_eq!(verdict((strangers, 9), (strangers, 9)), known(0));
    // Enough of the old ones, too few of the set that the chain names.
    let of_ten: &[u32] = &[1, 2, 3, 4, 11, 12, 13, 14, 15, 16];
    assert_eq!(
        verdict((of_ten, 9), (&[1, 2, 3, 4], 9)),
        Some(ProofError::TooFewVotes { fragment: 0, voted: 4, total: 10 })
    );
    // Two thirds exactly, of three, are not more than two thirds.
    let net = Net::new(&[vec![1, 2, 3], vec![1, 2, 9], vec![1, 2, 9]], all);
    let history = net.history();
    assert!(history.plan(&BTreeSet::new()).iter().all(|step| step.entry != 1 || !step.jumps));
    let plan = [Planned { entry: 2, jumps: true }];
    let forced = net.make(&history, &plan, Start::Genesis(net.genesis_header.clone()));
    assert_eq!(
        net.error(&forced),
        ProofError::TooFewKnown { fragment: 0, voted: 2, total: 3, set_id: 0 }
    );
}

#[test]
fn votes_of_another_set_number_count_for_nothing_and_sets_only_rise() {
    let verdict = |said, signed| forgery(said, signed).1.err();
    let bad = |set_id| Some(ProofError::BadSignature { fragment: 0, set_id });
    let set: &[u32] = &[1, 2, 3, 4];
    assert_eq!(verdict((set, 9), (set, 8)), bad(9));
    assert_eq!(verdict((set, 4), (set, 0)), bad(4));
    // The state names the set that is known already, or an older one: no jump.
    assert_eq!(verdict((set, 0), (set, 0)), Some(ProofError::SetNotLater { fragment: 0 }));
    // A voter outside the list that the state names.
    assert_eq!(
        verdict((&[1, 2, 3], 9), (&[1, 2, 3, 4], 9)),
        Some(ProofError::UnknownVoter { fragment: 0, set_id: 9 })
    );
    // A vote that is given twice.
    let (Forgery { net, mut proof }, _) = forgery((set, 9), (&[1, 2], 9));
    let again = proof.steps[0].votes[0].clone();
    proof.steps[0].votes.insert(0, again);
    assert!(matches!(net.error(&proof), ProofError::Malformed(_)));
}

#[test]
fn what_a_set_is_read_from_must_be_the_state_just_before_the_block() {
    let mut sets = vec![vec![1, 2, 3, 4]; 9];
    sets.push(vec![5, 6, 7, 8]);
    let net = Net::new(&sets, all);
    let proof = net.proof();
    assert!(matches!(proof.steps[0].voters, Voters::OfParentState(_)));
    net.check(&proof);
    let mut altered = proof.clone();
    let root = hash_header(b"another state").0;
    altered.steps[0].voters = Voters::OfParentState(header(89, BlockHash([8; 32]), root, None));
    assert_eq!(net.error(&altered), ProofError::SetOfAnotherBlock { fragment: 0 });
    // The block ends its set: its own state tells the next one, which did not vote for it.
    altered.steps[0].voters = Voters::OfOwnState;
    assert_eq!(net.error(&altered), ProofError::SetOfAnotherBlock { fragment: 0 });
    // As if no jump: the votes are another set's.
    altered.steps[0].voters = Voters::Known;
    assert_eq!(net.error(&altered), ProofError::BadSignature { fragment: 0, set_id: 0 });
    // Without the nodes that show the set.
    let bare = PortableProof { nodes: net.genesis_nodes.clone(), ..proof.clone() };
    assert_eq!(net.error(&bare), ProofError::Storage(TrieError::MissingNode));
    let mut reversed = proof.clone();
    reversed.steps.reverse();
    assert!(net.verify(&reversed).is_err());
    let mut twice = proof.clone();
    twice.steps.push(twice.steps[1].clone());
    assert_eq!(net.error(&twice), ProofError::NotAbove { fragment: 2 });
    let other = GenesisHash([3; 32]);
    assert_eq!(verify_portable(&other, None, &proof).err(), Some(ProofError::AnotherNetwork));
}

#[test]
fn no_changed_byte_of_a_portable_proof_goes_unnoticed() {
    let mut sets = vec![vec![1, 2, 3, 4]; 9];
    sets.push(vec![5, 6, 7, 8]);
    let net = Net::new(&sets, all);
    let proof = net.proof();
    let good = proof.encode();
    let wanted = [storage_key::value("17", "Item"), storage_key::grandpa_authorities()];
    let mut refused = 0;
    for place in 0..good.len() {
        for bit in [0, 3, 7] {
            let mut bytes = good.clone();
            bytes[place] ^= 1 << bit;
            let holds = decode_portable(&bytes).is_ok_and(|proof| {
                net.verify(&proof)
                    .is_ok_and(|state| wanted.iter().all(|key| state.read(key).is_ok()))
            });
            assert!(!holds, "byte {place}, bit {bit} of {}", good.len());
            refused += 1;
        }
    }
    assert!(refused > 3000, "{refused}");
    for end in 0..good.len() {
        assert!(decode_portable(&good[..end]).is_err());
    }
    assert!(decode_portable(&[good.as_slice(), &[0]].concat()).is_err());
    assert_eq!(
        decode_portable(&vec![0; chain_proof::PORTABLE_BYTES_MAX + 1]),
        Err(ProofError::TooLarge)
    );
}

#[test]
fn votes_for_later_blocks_keep_their_headers_and_the_others_are_left_out() {
    let mut net = Net::new(&[vec![1, 2, 3, 4]], all);
    let block = net.fragments[0].header.clone();
    let target = hash_header(&block);
    let child = header(11, target, [0; 32], None);
    let grandchild = header(12, hash_header(&child), [0; 32], None);
    let votes = [(1, &block, 10u32), (2, &child, 11), (3, &block, 10), (4, &grandchild, 12)];
    let mut justification = (ROUND, target, 10u32, Compact(4u32)).encode();
    for (voter, header, number) in votes {
        let hash = hash_header(header);
        let signature = key(voter).sign(&(1u8, hash, number, ROUND, 0u64).encode()).to_bytes();
        (hash, number, signature, key(voter).verifying_key().to_bytes())
            .encode_to(&mut justification);
    }
    Compact(2u32).encode_to(&mut justification);
    justification.extend([grandchild.clone(), child.clone()].concat());
    net.fragments = vec![Fragment { header: block, justification }];
    let mut proof = net.proof();
    net.check(&proof);
    assert_eq!(proof.steps[0].later, [child], "the vote for the block after is nearer");
    proof.steps[0].later = vec![grandchild];
    assert_eq!(net.error(&proof), ProofError::UnrelatedVote { fragment: 0 });
}
