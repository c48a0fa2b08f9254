//! Queries of clients of the original network through [`worker_core::QueryService`].

use crate::{
    chain::{CLUSTER, GENESIS},
    node::{CODE, CONTRACT, Node, STALE_MS, World},
};
use codec::{Compact, Decode, Encode};
use compatible_edge::{
    certificate::{CertificateBody, SignatureError},
    envelope::OpenError,
    prpc::{Certificate, ContractQueryRequest, ContractQueryResponse, Signature},
    query::{Proof, Query, QueryData, QueryError as OldError, Response, ResponseData},
};
use primitives::{AccountId, ContractId};
use prost::Message as _;
use secrets::{Sr25519Secret, compat};
use std::sync::Mutex;
use wire::{
    command::{CommandPayload, InkCommand},
    domain::{code_hash, logger_id},
    query::{QueryReply, QueryTarget, answer_commitment, request_commitment},
};
use worker_core::{CompatibleRefusal, ReceiptQueue, Refusal};

/// sr25519 over the message.
const SR25519: i32 = 1;

/// A program that uses the original network's SDK.
struct OldClient {
    account: Sr25519Secret,
    session_key: Sr25519Secret,
    /// The last block that its certificates hold for.
    ttl: u32,
}

impl OldClient {
    fn new(seed: u8) -> Self {
        Self {
            account: Sr25519Secret::from_seed(&[seed; 32]),
            session_key: Sr25519Secret::from_seed(&[seed + 1; 32]),
            ttl: 0x7fff_ffff,
        }
    }

    fn id(&self) -> AccountId {
        AccountId(self.account.public())
    }

    fn body(&self, key: &Sr25519Secret) -> Vec<u8> {
        CertificateBody { pubkey: key.public().to_vec(), ttl: self.ttl, config_bits: 0 }.encode()
    }

    fn sign(&self, message: &[u8]) -> Signature {
        let root = Certificate { encoded_body: self.body(&self.account), signature: None };
        let body = self.body(&self.session_key);
        let by_account = Signature {
            signature: self.account.sign(&body).to_vec(),
            signed_by: Some(Box::new(root)),
            signature_type: SR25519,
        };
        Signature {
            signature: self.session_key.sign(message).to_vec(),
            signed_by: Some(Box::new(Certificate {
                encoded_body: body,
                signature: Some(Box::new(by_account)),
            })),
            signature_type: SR25519,
        }
    }
}

/// The key that answers are sealed to, and a query to `node`.
fn sealed(
    node: &Node,
    contract: ContractId,
    nonce: u8,
    data: QueryData,
) -> (Sr25519Secret, ContractQueryRequest) {
    let key = Sr25519Secret::from_seed(&[nonce; 32]);
    let query = Query { contract, nonce: [nonce; 32], data };
    let worker = node.address().worker;
    let sealed = compat::seal(&key, worker.as_bytes(), [nonce; 12], &query.encode()).unwrap();
    let request =
        ContractQueryRequest { encoded_encrypted_data: sealed.encode(), signature: None };
    (key, request)
}

fn message(input: &[u8], estimating: bool) -> QueryData {
    QueryData::InkMessage { payload: input.to_vec(), deposit: 1, transfer: 0, estimating }
}

struct Answered {
    result: Result<ResponseData, OldError>,
    proof: Option<Proof>,
    block: u32,
}

impl Answered {
    fn payload(self) -> Vec<u8> {
        match self.result.unwrap() {
            ResponseData::Payload(payload) => payload,
        }
    }
}

fn post(
    node: &Node,
    (key, request): &(Sr25519Secret, ContractQueryRequest),
    now_ms: u64,
) -> Result<Answered, Refusal> {
    let queries = node.core.queries();
    let answer = queries.finish(queries.begin_compatible(request, now_ms)?)?;
    let bytes = match answer.receipt {
        None => answer.seal.seal(answer.reply, None)?,
        Some(body) => {
            let queue = ReceiptQueue::new(node.core.identity().clone());
            assert!(queue.put(body, answer.reply, answer.seal, ()).is_ok());
            let given = Mutex::new(None);
            queue.sign(|(), answer| *given.lock().unwrap() = Some(answer));
            given.into_inner().unwrap().expect("an answer")?
        }
    };
    let response = ContractQueryResponse::decode(&bytes[..]).unwrap();
    let worker = node.address().worker;
    let open = |bytes: &[u8]| {
        let sealed = Decode::decode(&mut &bytes[..]).unwrap();
        compat::open_from(key, worker.as_bytes(), &sealed).unwrap().to_vec()
    };
    let opened = Response::decode(&mut &open(&response.encoded_encrypted_data)[..]).unwrap();
    let proof = &response.encoded_encrypted_proof;
    Ok(Answered {
        result: opened.result,
        proof: (!proof.is_empty()).then(|| Proof::decode(&mut &open(proof)[..]).unwrap()),
        block: response.blocknum,
    })
}

/// A query of `client` for the one contract.
fn ask(
    node: &Node,
    client: &OldClient,
    nonce: u8,
    data: QueryData,
    now_ms: u64,
) -> Result<Answered, Refusal> {
    let (key, mut request) = sealed(node, CONTRACT, nonce, data);
    request.signature = Some(client.sign(&request.encoded_encrypted_data));
    post(node, &(key, request), now_ms)
}

/// What a call that returned `data` looks like to pallet-contracts.
fn returned(payload: &[u8]) -> Vec<u8> {
    type Weight = (Compact<u64>, Compact<u64>);
    type Head = (Weight, Weight, (u8, u128), Vec<u8>, u8);
    let bytes = &mut &payload[..];
    let (_, _, deposit, debug, kind) = Head::decode(bytes).unwrap();
    assert_eq!((deposit, kind), ((1, 5), 0), "{}", String::from_utf8_lossy(&debug));
    let (flags, data, events) = <(u32, Vec<u8>, u8)>::decode(bytes).unwrap();
    assert_eq!((flags, events, bytes.len()), (0, 0, 0));
    data
}

#[test]
fn a_query_of_an_old_client_is_answered_from_the_same_state_with_a_receipt() {
    let mut world = World::serving(1);
    world.plain(b"set:hello");
    world.block();
    let (now_ms, node, client) = (world.chain.now_ms(), &world.nodes[1], OldClient::new(20));
    let answered = ask(node, &client, 1, message(b"get", false), now_ms).unwrap();
    let (block, root, _) = node.serving().unwrap();
    assert_eq!(answered.block, block);
    let Proof { request, reply } = answered.proof.clone().expect("a receipt goes with it");
    let QueryReply { receipt, result, state_root, .. } = reply;
    let receipt = receipt.unwrap();
    assert_eq!((state_root, receipt.body.state_root), (root, root));
    assert_eq!(request.target, QueryTarget::Call { contract: CONTRACT });
    assert_eq!(request.input, b"get");
    // The receipt is over what was asked and answered, and by whom.
    let asker = Some(client.id());
    assert_eq!(receipt.body.request_commitment, request_commitment(&asker, &request));
    assert_eq!(receipt.body.answer_commitment, answer_commitment(&request.nonce, &result));
    assert_eq!(receipt.body.genesis, GENESIS);
    assert!(returned(&answered.payload()).starts_with(b"hello"));
    let who = ask(node, &client, 2, message(b"who", true), now_ms).unwrap();
    assert_eq!(returned(&who.payload()), client.id().0);
}

#[test]
fn a_constructor_is_tried_and_tells_the_contract_it_would_make() {
    let world = World::serving(1);
    let (now_ms, node, client) = (world.chain.now_ms(), &world.nodes[1], OldClient::new(20));
    let data = |salt: &[u8]| QueryData::InkInstantiate {
        code_hash: code_hash(CODE),
        salt: salt.to_vec(),
        instantiate_data: Vec::new(),
        deposit: 1 << 70,
        transfer: 0,
    };
    let payload = ask(node, &client, 1, data(b"1234"), now_ms).unwrap().payload();
    let made = wire::domain::contract_id(&client.id().0, &code_hash(CODE), &CLUSTER, b"1234");
    // The last byte says that there are no events.
    assert_eq!(payload[payload.len() - 33..payload.len() - 1], made.0);
    let long = ask(node, &client, 2, data(&[0; 65]), now_ms).unwrap();
    assert!(matches!(long.result, Err(OldError::RuntimeError(text)) if text.contains("salt")));
}

#[test]
fn what_does_not_hold_is_refused_in_the_words_that_old_clients_know() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let mut client = OldClient::new(20);
    let nobody = sealed(node, CONTRACT, 1, message(b"get", false));
    assert_eq!(post(node, &nobody, now_ms).unwrap().result, Err(OldError::BadOrigin));

    let (key, mut altered) = sealed(node, CONTRACT, 2, message(b"get", false));
    altered.signature = Some(client.sign(b"something else"));
    let refused = |request, now_ms| match post(node, &request, now_ms) {
        Err(refusal) => refusal.to_string(),
        Ok(_) => panic!("it is answered"),
    };
    assert_eq!(
        refused((key, altered), now_ms),
        "Verifying signature failed: InvalidSignature"
    );
    client.ttl = world.chain.number - 1;
    let expired = ask(node, &client, 3, message(b"get", false), now_ms).err().unwrap();
    let reason = OpenError::Signature(SignatureError::CertificateExpired);
    assert_eq!(expired, Refusal::Compatible(CompatibleRefusal::Open(reason)));
    client.ttl = world.chain.number;
    assert!(ask(node, &client, 4, message(b"get", false), now_ms).is_ok());

    let (key, mut unknown) = sealed(node, ContractId([9; 32]), 5, message(b"get", false));
    unknown.signature = Some(client.sign(&unknown.encoded_encrypted_data));
    assert_eq!(refused((key, unknown), now_ms), "ContractQueryError(ContractNotFound)");

    let trapped = ask(node, &client, 6, message(b"nonsense", false), now_ms).unwrap();
    assert!(trapped.proof.is_none());
    let payload = trapped.payload();
    // `Err(Module { index: 4, error: 12 })`, and no events.
    assert_eq!(payload[payload.len() - 8..], [1, 3, 4, 12, 0, 0, 0, 0]);
    let why = "the contract trapped: unknown message";
    assert!(payload.windows(why.len()).any(|part| part == why.as_bytes()));

    let sidevm = QueryData::SidevmQuery(b"{}".to_vec());
    let program = sealed(node, CONTRACT, 7, sidevm);
    assert_eq!(post(node, &program, now_ms).unwrap().result, Err(OldError::SidevmNotFound));
}

#[test]
fn a_query_of_an_old_client_is_run_once_while_it_is_remembered() {
    let world = World::serving(2);
    let (now_ms, node, client) = (world.chain.now_ms(), &world.nodes[1], OldClient::new(20));
    let (key, mut request) = sealed(node, CONTRACT, 1, message(b"get", false));
    request.signature = Some(client.sign(&request.encoded_encrypted_data));
    let query = (key, request);
    assert!(post(node, &query, now_ms).unwrap().result.is_ok());
    let again = post(node, &query, now_ms).unwrap().result;
    assert_eq!(again, Err(OldError::RuntimeError("the query was seen before".to_owned())));
    // Somebody else's name on the same ciphertext does not help.
    let (key, mut request) = query;
    request.signature = Some(OldClient::new(30).sign(&request.encoded_encrypted_data));
    let query = (key, request);
    assert!(post(node, &query, now_ms).unwrap().result.is_err());
    // It opens at the worker that it was sealed to alone.
    assert_eq!(
        post(&world.nodes[2], &query, now_ms).err(),
        Some(Refusal::Compatible(CompatibleRefusal::Open(OpenError::DoesNotOpen)))
    );
    // An old state is not answered from either.
    let late = post(node, &query, now_ms + STALE_MS + 1).err();
    assert!(matches!(late, Some(Refusal::Stale { .. })));
}

#[test]
fn the_owner_of_a_cluster_closes_the_edge_at_its_workers() {
    let mut world = World::serving(1);
    let client = OldClient::new(20);
    world.chain.cluster().edge_closed = true;
    world.block();
    let now_ms = world.chain.now_ms();
    let closed = ask(&world.nodes[1], &client, 1, message(b"get", false), now_ms);
    assert_eq!(closed.err(), Some(Refusal::Compatible(CompatibleRefusal::Closed)));
    world.chain.cluster().edge_closed = false;
    world.block();
    let now_ms = world.chain.now_ms();
    assert!(ask(&world.nodes[1], &client, 2, message(b"get", false), now_ms).is_ok());
}

#[test]
fn the_logger_answers_old_clients_as_it_answers_new_ones() {
    let mut world = World::serving(1);
    let sender = OldClient::new(20);
    let command = InkCommand::InkMessage {
        nonce: vec![9; 32],
        message: b"set:x".to_vec(),
        transfer: 0,
        gas_limit: 0,
        storage_deposit_limit: None,
    };
    // Sealed as the SDK seals it, to the key that the chain has for the contract.
    let key = world.chain.cluster().keys.get(&CONTRACT).expect("the contract's keys").0;
    let envelope =
        compat::seal(&sender.session_key, &key, [3; 12], &command.encode()).unwrap();
    world.command(sender.id(), CommandPayload::Encrypted(envelope).encode());
    world.block();
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let logger = logger_id(&CLUSTER);
    let question = br#"{"action":"GetLog","from":-10,"count":10}"#.to_vec();
    let (key, mut request) = sealed(node, logger, 1, QueryData::SidevmQuery(question));
    request.signature = Some(sender.sign(&request.encoded_encrypted_data));
    let answered = post(node, &(key, request), now_ms).unwrap();
    assert!(answered.proof.is_none());
    let text = String::from_utf8(answered.payload()).unwrap();
    assert!(text.contains(&"09".repeat(32)), "the nonce of the command: {text}");
    assert!(text.contains("MessageOutput"), "{text}");
}
