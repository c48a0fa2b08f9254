//! Known bytes: those of the original network, and those that are ours to keep.

use codec::{Decode, Encode};
use compatible_edge::{
    certificate::CertificateBody,
    envelope::{OpenError, open},
    prpc::ContractQueryRequest,
    query::{Proof, Query, QueryData, QueryError, Response, ResponseData},
    result::{ContractError, Execution, StorageDeposit},
};
use primitives::{CodeHash, ContractId};
use secrets::{Sr25519Secret, compat};
use wire::command::EncryptedData;

pub fn seed(last: u8) -> Sr25519Secret {
    let mut seed = [0; 32];
    seed[31] = last;
    Sr25519Secret::from_seed(&seed)
}

#[test]
fn a_certificate_is_the_known_bytes() {
    let body =
        CertificateBody { pubkey: seed(2).public().to_vec(), ttl: 0x7fff_ffff, config_bits: 0 };
    assert_eq!(
        hex::encode(body.encode()),
        "8054c71c235773b82115f0744252369c13414fd0e8bad3e8feff462c6a4bb58a0fffffff7f00000000"
    );
}

#[test]
fn queries_and_answers_are_the_known_bytes() {
    let query = |data| Query { contract: ContractId([1; 32]), nonce: [2; 32], data };
    let head = format!("{}{}", "01".repeat(32), "02".repeat(32));
    let message = query(QueryData::InkMessage {
        payload: vec![0xaa, 0xbb],
        deposit: 1,
        transfer: 2,
        estimating: true,
    });
    let amount = |amount: u8| format!("{amount:02x}{}", "00".repeat(15));
    let expected = format!("{head}0008aabb{}{}01", amount(1), amount(2));
    assert_eq!(hex::encode(message.encode()), expected);
    let sidevm = query(QueryData::SidevmQuery(b"{}".to_vec()));
    assert_eq!(hex::encode(sidevm.encode()), format!("{head}01087b7d"));
    let instantiate = query(QueryData::InkInstantiate {
        code_hash: CodeHash([3; 32]),
        salt: vec![4],
        instantiate_data: vec![5],
        deposit: 1,
        transfer: 2,
    });
    let expected =
        format!("{head}02{}04040405{}{}", "03".repeat(32), amount(1), amount(2));
    assert_eq!(hex::encode(instantiate.encode()), expected);
    let response = |result| hex::encode(Response { nonce: [2; 32], result }.encode());
    let nonce = "02".repeat(32);
    assert_eq!(
        response(Ok(ResponseData::Payload(vec![7]))),
        format!("{nonce}00000407")
    );
    assert_eq!(response(Err(QueryError::BadOrigin)), format!("{nonce}0100"));
    assert_eq!(response(Err(QueryError::Timeout)), format!("{nonce}0105"));
}

#[test]
fn an_execution_is_what_clients_decode() {
    let execution = Execution {
        gas_consumed: 1,
        gas_required: 0x1_0000,
        storage_deposit: StorageDeposit::Charge(5),
        debug_message: b"x",
        result: Ok((1, &[9])),
    };
    let start = format!("0400{}000105{}0478", "02000400", "00".repeat(15));
    assert_eq!(
        hex::encode(execution.encode_call()),
        format!("{start}0001000000040900")
    );
    assert_eq!(
        hex::encode(execution.encode_instantiation(&ContractId([8; 32]))),
        format!("{start}00010000000409{}00", "08".repeat(32))
    );
    let failed = Execution { result: Err(ContractError::OutOfGas), ..execution };
    assert_eq!(
        hex::encode(failed.encode_call()),
        format!("{start}0103040200000000")
    );
}

/// A query from the client of seed 2 to the worker of seed 1.
fn sealed(plaintext: &[u8]) -> ContractQueryRequest {
    let sealed = compat::seal(&seed(2), &seed(1).public(), [7; 12], plaintext).unwrap();
    ContractQueryRequest { encoded_encrypted_data: sealed.encode(), signature: None }
}

#[test]
fn a_query_opens_and_its_answer_goes_back() {
    let (worker, client) = (seed(1), seed(2));
    let query = Query {
        contract: ContractId([1; 32]),
        nonce: [2; 32],
        data: QueryData::SidevmQuery(b"{}".to_vec()),
    };
    let opened = open(&worker, &sealed(&query.encode()), 1).ok().unwrap();
    assert_eq!((opened.query, opened.origin, opened.sender), (query, None, client.public()));
    let response =
        Response { nonce: opened.sealer.nonce(), result: Ok(ResponseData::Payload(vec![7])) };
    let answer = opened.sealer.seal([1; 12], &response, None, 9).unwrap();
    assert!(answer.encoded_encrypted_proof.is_empty());
    assert_eq!(answer.blocknum, 9);
    let data = EncryptedData::decode(&mut &answer.encoded_encrypted_data[..]).unwrap();
    assert_eq!((data.iv, data.pubkey), ([1; 12], worker.public()));
    let plaintext = compat::open_from(&client, &worker.public(), &data).unwrap();
    assert_eq!(Response::decode(&mut &plaintext[..]).unwrap(), response);
}

#[test]
fn an_answer_and_its_proof_never_share_a_vector() {
    let query =
        Query { contract: ContractId([1; 32]), nonce: [2; 32], data: QueryData::SidevmQuery(vec![]) };
    let opened = open(&seed(1), &sealed(&query.encode()), 1).ok().unwrap();
    let response = Response { nonce: [2; 32], result: Err(QueryError::NoResponse) };
    let output = wire::query::QueryOutput {
        flags: 0,
        data: vec![],
        gas_consumed: 0,
        gas_required: 0,
        storage_deposit: 0,
    };
    let proof = Proof {
        request: wire::query::QueryRequest {
            target: wire::query::QueryTarget::Logger,
            input: vec![],
            value: 0,
            gas_limit: 0,
            estimate: false,
            minimum_block: 0,
            expires_at_ms: 0,
            nonce: [0; 16],
            receipt: true,
        },
        reply: wire::query::QueryReply {
            block_number: 9,
            block_hash: Default::default(),
            state_root: Default::default(),
            result: Ok(output),
            receipt: None,
        },
    };
    let answer = opened.sealer.seal([1; 12], &response, Some(&proof), 9).unwrap();
    let iv = |bytes: &[u8]| EncryptedData::decode(&mut &bytes[..]).unwrap().iv;
    let (answer, proof) =
        (iv(&answer.encoded_encrypted_data), iv(&answer.encoded_encrypted_proof));
    assert_ne!(answer, proof);
}

#[test]
fn what_is_no_query_does_not_open() {
    let query =
        Query { contract: ContractId([1; 32]), nonce: [2; 32], data: QueryData::SidevmQuery(vec![]) };
    let refused = |request: &ContractQueryRequest, by: u8| open(&seed(by), request, 1).err();
    let whole = sealed(&query.encode());
    assert_eq!(refused(&whole, 1), None);
    assert_eq!(refused(&whole, 3), Some(OpenError::DoesNotOpen), "of another worker");
    let longer = [&query.encode()[..], &[0]].concat();
    assert_eq!(refused(&sealed(&longer), 1), Some(OpenError::Malformed));
    assert_eq!(refused(&sealed(b""), 1), Some(OpenError::Malformed));
    for place in 0..whole.encoded_encrypted_data.len() {
        let mut altered = whole.clone();
        altered.encoded_encrypted_data[place] ^= 1;
        assert!(refused(&altered, 1).is_some(), "byte {place} altered");
    }
    let empty = ContractQueryRequest::default();
    assert_eq!(refused(&empty, 1), Some(OpenError::Malformed));
    let mut neutral = EncryptedData { iv: [0; 12], pubkey: [0; 32], data: vec![0; 32] };
    let request = |data: &EncryptedData| ContractQueryRequest {
        encoded_encrypted_data: data.encode(),
        signature: None,
    };
    assert_eq!(refused(&request(&neutral), 1), Some(OpenError::DoesNotOpen));
    neutral.pubkey = [0xff; 32];
    assert_eq!(refused(&request(&neutral), 1), Some(OpenError::DoesNotOpen));
}
