//! A chain of many set changes, a worker with evidence under the development root, and its receipts.

use attestation::{AcceptedRoot, RootKind, TeeKind, evidence_hash};
use chain_facts::{ReceiptLogRoot, WorkerInfo, keys};
use chain_proof::{
    AuthoritySet, Fragment, History, PortableProof, Start, StateNeeded, Voters, distinct_nodes,
    encode_warp_proof, hash_header, storage_key,
};
use codec::{Compact, Encode};
use ed25519_dalek::{Signer, SigningKey};
use mock_attestation::{DevelopmentPki, MockTd};
use polkadot_sdk::{
    sp_core::Blake2Hasher,
    sp_trie::{
        LayoutV1, MemoryDB, Trie, TrieDBBuilder, TrieMut, recorder::Recorder,
        trie_types::TrieDBMutBuilderV1,
    },
};
use primitives::{
    AccountId, BlockHash, ClusterId, CodeHash, ContractId, GenesisHash, HpkePublicKey, StateRoot,
    WorkerId,
};
use receipt::{FILE_VERSION, ReceiptFile};
use secrets::{Sr25519Secret, receipt::sign_batch};
use std::collections::{BTreeMap, BTreeSet};
use wire::{
    query::{
        QueryError, QueryOutput, QueryRequest, QueryTarget, answer_commitment, request_commitment,
    },
    receipt::{Batch, LogInclusion, ReceiptBody},
    registration::WorkerRegistration,
};

type State = BTreeMap<Vec<u8>, Vec<u8>>;

pub const NOW_MS: u64 = 1_800_000_000_000;
/// The block that was answered from.
pub const BLOCK: u32 = 40;
const CLUSTER: ClusterId = ClusterId([5; 32]);

fn prove(state: &State, keys: &[Vec<u8>]) -> ([u8; 32], Vec<Vec<u8>>) {
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
    (root.0, recorder.drain_storage_proof().into_iter_nodes().collect())
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn list(seeds: &[u8]) -> Vec<([u8; 32], u64)> {
    seeds.iter().map(|seed| (key(*seed).verifying_key().to_bytes(), 1)).collect()
}

fn with_set(mut state: State, seeds: &[u8], set_id: u64) -> State {
    state.insert(storage_key::grandpa_authorities(), list(seeds).encode());
    state.insert(storage_key::grandpa_set_id(), set_id.encode());
    state
}

fn set_keys() -> Vec<Vec<u8>> {
    vec![storage_key::grandpa_authorities(), storage_key::grandpa_set_id()]
}

fn header(number: u32, parent: BlockHash, root: [u8; 32], next: Option<&[u8]>) -> Vec<u8> {
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

fn justify(voters: &[u8], header: &[u8], number: u32, set_id: u64) -> Vec<u8> {
    let hash = hash_header(header);
    let mut bytes = (3u64, hash, number, Compact(voters.len() as u32)).encode();
    for voter in voters {
        let message = (1u8, hash, number, 3u64, set_id).encode();
        let signature = key(*voter).sign(&message).to_bytes();
        (hash, number, signature, key(*voter).verifying_key().to_bytes()).encode_to(&mut bytes);
    }
    Compact(0u32).encode_to(&mut bytes);
    bytes
}

/// What the chain of a scene says that a receipt rests on; a test spoils one thing.
pub struct Facts {
    pub registered: bool,
    pub allowed: bool,
    pub first_block: Option<BlockHash>,
    pub block_hash: BlockHash,
    pub logged: bool,
    pub log_root: Option<[u8; 32]>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            registered: true,
            allowed: true,
            first_block: None,
            block_hash: BlockHash([40; 32]),
            logged: true,
            log_root: None,
        }
    }
}

/// A network after `changes` changes of its validators, each of them new where `turnover`.
pub struct Scene {
    pub genesis: GenesisHash,
    pub file: ReceiptFile,
    pub proof: PortableProof,
}

pub fn scene(changes: u32, turnover: bool, facts: &Facts) -> Scene {
    let seeds = |n: u32| -> Vec<u8> {
        let first = if turnover { n as u8 * 4 } else { 0 };
        (first..first + 4).collect()
    };
    // Genesis.
    let filler: State = (0..300u32)
        .map(|n| (storage_key::value(&n.to_string(), "Item"), vec![n as u8; 40]))
        .collect();
    let (root, genesis_nodes) =
        prove(&with_set(filler.clone(), &seeds(0), 0), &[storage_key::grandpa_authorities()]);
    let genesis_header = header(0, BlockHash::default(), root, None);
    let genesis = GenesisHash(hash_header(&genesis_header).0);

    // The worker and what it said.
    let signing = Sr25519Secret::from_seed(&[77; 32]);
    let worker = WorkerId(signing.public());
    let registration = WorkerRegistration {
        version: 1,
        worker,
        hpke_public_key: HpkePublicKey([4; 32]),
        genesis,
        operator: None,
        made_at_ms: NOW_MS - 1000,
    };
    let pki = DevelopmentPki::insecure_well_known();
    let build = MockTd::of_build([7; 48]);
    let evidence = pki.tdx_evidence(&build, &registration.report_data(), NOW_MS / 1000);
    let info = WorkerInfo {
        worker,
        hpke_public_key: registration.hpke_public_key,
        runtime_version: 1,
        operator: None,
        registrant: AccountId([3; 32]),
        measurement: build.measurement(),
        tee: TeeKind::Tdx,
        root: RootKind::Development,
        confidence_level: 1,
        evidence_hash: evidence_hash(&evidence),
        registration_hash: registration.hash(),
        made_at_ms: NOW_MS - 1000,
        last_updated_ms: NOW_MS,
        expires_at_ms: NOW_MS + 1_000_000,
        initial_score: None,
    };
    let contract = ContractId([6; 32]);
    let origin = Some(AccountId([2; 32]));
    let request = QueryRequest {
        target: QueryTarget::Call { contract },
        input: b"question".to_vec(),
        value: 0,
        gas_limit: 0,
        estimate: false,
        minimum_block: 0,
        expires_at_ms: NOW_MS + 5,
        nonce: [1; 16],
        receipt: true,
    };
    let answer: Result<QueryOutput, QueryError> = Ok(QueryOutput {
        flags: 0,
        data: b"answer".to_vec(),
        gas_consumed: 1,
        gas_required: 2,
        storage_deposit: 0,
    });
    let body = |place: u8| ReceiptBody {
        genesis,
        cluster: CLUSTER,
        contract,
        code_hash: CodeHash([1; 32]),
        request_commitment: match place {
            1 => request_commitment(&origin, &request),
            other => [other; 32],
        },
        answer_commitment: answer_commitment(&request.nonce, &answer),
        block_number: BLOCK,
        block_hash: BlockHash([40; 32]),
        state_root: StateRoot([8; 32]),
        next_number: 9,
        worker,
    };
    let receipt = sign_batch(&signing, (0..3).map(body).collect()).unwrap().swap_remove(1);
    let mut leaves: Vec<[u8; 32]> = (0..5).map(|n| [n; 32]).collect();
    leaves[3] = receipt.signed_bytes().unwrap();
    let tree = Batch::of_log(leaves).unwrap();
    let log = LogInclusion { index: 12, leaf_index: 3, leaf_count: 5, path: tree.path(3).unwrap() };

    // The chain's last state.
    let mut state = filler.clone();
    let first = facts.first_block.unwrap_or(BlockHash(genesis.0));
    state.insert(keys::block_hash(0), first.encode());
    state.insert(keys::block_hash(BLOCK), facts.block_hash.encode());
    state.insert(keys::timestamp_now(), (NOW_MS + 60_000).encode());
    let roots: Vec<AcceptedRoot> = vec![pki.accepted_root()];
    state.insert(keys::accepted_roots(), roots.encode());
    state.insert(keys::tier_max(), 1u8.encode());
    if facts.registered {
        state.insert(keys::worker(&worker), info.encode());
    }
    if facts.allowed {
        state.insert(keys::allowed_measurement(&info.measurement), 1u32.encode());
    }
    let entry = ReceiptLogRoot {
        cluster: CLUSTER,
        root: facts.log_root.unwrap_or(tree.root()),
        receipts: 20,
        reported_at: 55,
    };
    if facts.logged {
        state.insert(keys::receipt_log(&worker, 12), entry.encode());
    }

    // The changes, and the proof.
    let mut fragments = Vec::new();
    let mut parents = BTreeMap::new();
    for place in 0..=changes {
        let (set, set_id, number) = (seeds(place), u64::from(place), place * 10 + 50);
        let (root, nodes) = prove(&with_set(filler.clone(), &set, set_id), &set_keys());
        let parent = header(number - 1, BlockHash([1; 32]), root, None);
        let hash = hash_header(&parent);
        let block = if place == changes {
            let (root, _) = prove(&with_set(state.clone(), &set, set_id), &[]);
            header(number, hash, root, None)
        } else {
            header(number, hash, [0; 32], Some(&seeds(place + 1)))
        };
        parents.insert(hash, (parent, nodes));
        fragments.push(Fragment { justification: justify(&set, &block, number, set_id), header: block });
    }
    let mut wanted = receipt::keys_needed(&info, &receipt, Some(&log));
    wanted.extend(set_keys());
    let state = with_set(state, &seeds(changes), u64::from(changes));
    let (_, nodes) = prove(&state, &wanted);
    let mut history = History::new(0, AuthoritySet::new(0, list(&seeds(0))).unwrap());
    history.append(&encode_warp_proof(&fragments, true)).unwrap();
    let plan = history.plan(&BTreeSet::new());
    let mut proofs = vec![nodes, genesis_nodes];
    let mut steps = Vec::new();
    for (place, planned) in plan.iter().enumerate() {
        let voters = match history.state_needed(planned.entry).filter(|_| planned.jumps) {
            None => Voters::Known,
            Some(StateNeeded::Own(_)) => Voters::OfOwnState,
            Some(StateNeeded::Parent(hash)) => {
                let (header, nodes) = parents[&hash].clone();
                proofs.push(nodes);
                Voters::OfParentState(header)
            }
        };
        steps.push(history.step(&plan, place, voters).unwrap());
    }
    let proof = PortableProof {
        start: Start::Genesis(genesis_header),
        steps,
        nodes: distinct_nodes(proofs),
    };
    let file = ReceiptFile {
        version: FILE_VERSION,
        genesis,
        origin,
        request: hex::encode(request.encode()),
        answer: hex::encode(answer.encode()),
        receipt: hex::encode(receipt.encode()),
        evidence: hex::encode(evidence.encode()),
        registration: hex::encode(registration.encode()),
        chain_proof: hex::encode(proof.encode()),
        log: Some(hex::encode(log.encode())),
    };
    Scene { genesis, file, proof }
}
