//! What the TypeScript SDK and this crate must do alike: fixtures in `client/fixtures` that both read.
//!
//! Rust writes `wire.json`, `shapes.json` and `values.json` (with `UPDATE_FIXTURES=1`, as a commit of its own) and the
//! TypeScript of `phat codegen`; the TypeScript tests write `from-js.json`, which is opened here.

use client::{Contract, typescript};
use codec::{Decode, Encode};
use primitives::{
    AccountId, BlockHash, ClusterId, CodeHash, ContractId, GenesisHash, StateRoot, WorkerId,
};
use secrets::{
    HpkeSecret, Sr25519Secret,
    command::{CommandKeys, CommandRoute, open_command},
    server::{Endpoint, accept_session, open_query},
};
use serde_json::{Value as Json, json};
use std::{fs, path::PathBuf};
use wire::{
    command::{CommandPayload, InkCommand},
    query::{
        CommandOutcome, Envelope, HpkeSealed, QueryError, QueryOutput, QueryReply, QueryRequest,
        QueryTarget,
    },
    receipt::{LogInclusion, Receipt, ReceiptBody},
};

const NOW: u64 = 1_700_000_000_000;
const GENESIS: GenesisHash = GenesisHash([1; 32]);
const WORKER: WorkerId = WorkerId([2; 32]);

fn path(name: &str) -> PathBuf {
    PathBuf::from("..").join(name)
}

/// The file holds exactly this. One that is not there yet is written, for TypeScript's tests to read.
fn check(name: &str, text: &str) {
    let path = path(name);
    if std::env::var_os("UPDATE_FIXTURES").is_some() || !path.exists() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        println!("{name} was written: commit it");
    }
    let expected = fs::read_to_string(path).unwrap();
    assert!(text == expected, "{name} changed: a change of format, or UPDATE_FIXTURES=1");
}

fn check_json(name: &str, value: &Json) {
    check(name, &format!("{}\n", serde_json::to_string_pretty(value).unwrap()));
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn id(byte: u8) -> String {
    hex(&[byte; 32])
}

/// A value of a type of the protocol: its bytes, and the same as TypeScript has it.
fn of(kind: &str, value: &impl Encode, json: Json) -> Json {
    json!({ "type": kind, "hex": hex(&value.encode()), "value": json })
}

fn request(target: QueryTarget) -> QueryRequest {
    QueryRequest {
        target,
        input: vec![1, 2, 255],
        value: u128::MAX,
        gas_limit: u64::MAX,
        estimate: true,
        minimum_block: u32::MAX,
        expires_at_ms: NOW,
        nonce: [10; 16],
        receipt: true,
    }
}

fn request_json(target: Json) -> Json {
    json!({
        "target": target,
        "input": "0x0102ff",
        "value": u128::MAX.to_string(),
        "gasLimit": u64::MAX.to_string(),
        "estimate": true,
        "minimumBlock": u32::MAX,
        "expiresAtMs": NOW.to_string(),
        "nonce": hex(&[10; 16]),
        "receipt": true,
    })
}

fn requests() -> Vec<Json> {
    let salt = vec![9; 70];
    let targets = [
        (
            QueryTarget::Call { contract: ContractId([6; 32]) },
            json!({ "tag": "Call", "value": { "contract": id(6) } }),
        ),
        (
            QueryTarget::Instantiate { code_hash: CodeHash([7; 32]), salt: salt.clone() },
            json!({ "tag": "Instantiate", "value": { "codeHash": id(7), "salt": hex(&salt) } }),
        ),
        (
            QueryTarget::Outcome { number: u64::MAX - 1 },
            json!({ "tag": "Outcome", "value": { "number": (u64::MAX - 1).to_string() } }),
        ),
        (QueryTarget::Logger, json!({ "tag": "Logger" })),
    ];
    let case = |(target, json): (QueryTarget, Json)| of("QueryRequest", &request(target), request_json(json));
    targets.into_iter().map(case).collect()
}

fn errors() -> Vec<Json> {
    let bare = |tag: &str| json!({ "tag": tag });
    let text = "wörter: 字".to_owned();
    [
        (QueryError::ContractNotFound, bare("ContractNotFound")),
        (QueryError::OutcomeNotFound, bare("OutcomeNotFound")),
        (QueryError::CertificateMissing, bare("CertificateMissing")),
        (
            QueryError::BlockNotReached { have: 77 },
            json!({ "tag": "BlockNotReached", "value": { "have": 77 } }),
        ),
        (QueryError::Expired, bare("Expired")),
        (QueryError::Replayed, bare("Replayed")),
        (QueryError::Certificate(text.clone()), json!({ "tag": "Certificate", "value": text })),
        (QueryError::Execution(text.clone()), json!({ "tag": "Execution", "value": text })),
        (QueryError::AnswerTooLong, bare("AnswerTooLong")),
    ]
    .into_iter()
    .map(|(error, json)| of("QueryError", &error, json))
    .collect()
}

fn receipt() -> (Receipt, Json) {
    let receipt = Receipt {
        body: ReceiptBody {
            genesis: GENESIS,
            cluster: ClusterId([20; 32]),
            contract: ContractId([21; 32]),
            code_hash: CodeHash([22; 32]),
            request_commitment: [23; 32],
            answer_commitment: [24; 32],
            block_number: 25,
            block_hash: BlockHash([26; 32]),
            state_root: StateRoot([27; 32]),
            next_number: 28,
            worker: WORKER,
        },
        leaf_index: 1,
        leaf_count: 3,
        path: vec![[29; 32], [30; 32]],
        signature: [31; 64],
    };
    let json = json!({
        "body": {
            "genesis": id(1), "cluster": id(20), "contract": id(21), "codeHash": id(22),
            "requestCommitment": id(23), "answerCommitment": id(24), "blockNumber": 25,
            "blockHash": id(26), "stateRoot": id(27), "nextNumber": "28", "worker": id(2),
        },
        "leafIndex": 1, "leafCount": 3, "path": [id(29), id(30)], "signature": hex(&[31; 64]),
    });
    (receipt, json)
}

fn replies() -> Vec<Json> {
    let (receipt, receipt_json) = receipt();
    let output = QueryOutput {
        flags: 1,
        data: vec![14; 100],
        gas_consumed: 15,
        gas_required: 16,
        storage_deposit: i128::MIN,
    };
    let reply = QueryReply {
        block_number: 11,
        block_hash: BlockHash([12; 32]),
        state_root: StateRoot([13; 32]),
        result: Ok(output),
        receipt: Some(receipt),
    };
    let mut json = json!({
        "blockNumber": 11, "blockHash": id(12), "stateRoot": id(13),
        "result": { "ok": true, "value": {
            "flags": 1, "data": hex(&[14; 100]), "gasConsumed": "15", "gasRequired": "16",
            "storageDeposit": i128::MIN.to_string(),
        } },
        "receipt": receipt_json,
    });
    let whole = of("QueryReply", &reply, json.clone());
    let failed = QueryReply { result: Err(QueryError::Expired), receipt: None, ..reply };
    json["result"] = json!({ "ok": false, "error": { "tag": "Expired" } });
    json.as_object_mut().unwrap().remove("receipt");
    vec![whole, of("QueryReply", &failed, json)]
}

fn outcomes() -> Vec<Json> {
    let outcome = CommandOutcome {
        block_number: 5,
        sender: AccountId([40; 32]),
        contract: ContractId([41; 32]),
        result: Ok((1, vec![42])),
        gas_consumed: 43,
        made: vec![(ContractId([44; 32]), AccountId([45; 32]))],
    };
    let mut json = json!({
        "blockNumber": 5, "sender": id(40), "contract": id(41),
        "result": { "ok": true, "value": [1, "0x2a"] }, "gasConsumed": "43", "made": [[id(44), id(45)]],
    });
    let whole = of("CommandOutcome", &outcome, json.clone());
    let failed = CommandOutcome { result: Err("out of gas".to_owned()), made: Vec::new(), ..outcome };
    json["result"] = json!({ "ok": false, "error": "out of gas" });
    json["made"] = json!([]);
    vec![whole, of("CommandOutcome", &failed, json)]
}

fn command() -> Json {
    let command = InkCommand::InkMessage {
        nonce: vec![1],
        message: vec![2, 3],
        transfer: 4,
        gas_limit: 5,
        storage_deposit_limit: Some(6),
    };
    let json = json!({ "tag": "InkMessage", "value": {
        "nonce": "0x01", "message": "0x0203", "transfer": "4", "gasLimit": "5", "storageDepositLimit": "6",
    } });
    of("CommandPayload", &CommandPayload::Plain(command), json!({ "tag": "Plain", "value": json }))
}

#[test]
fn values_of_the_protocol() {
    let mut values = requests();
    values.extend(errors());
    values.extend(replies());
    values.extend(outcomes());
    values.push(command());
    let inclusion = LogInclusion { index: 1, leaf_index: 2, leaf_count: 3, path: vec![[4; 32]] };
    let json = json!({ "index": "1", "leafIndex": 2, "leafCount": 3, "path": [id(4)] });
    values.push(of("LogInclusion", &inclusion, json));
    let asked = request(QueryTarget::Call { contract: ContractId([6; 32]) });
    let origin = Some(AccountId([50; 32]));
    let answer = Err(QueryError::Expired);
    check_json(
        "fixtures/wire.json",
        &json!({
            "values": values,
            "requestCommitment": hex(&wire::query::request_commitment(&origin, &asked)),
            "answerCommitment": hex(&wire::query::answer_commitment(&[10; 16], &answer)),
            "contractId": hex(&wire::domain::contract_id(&[1; 32], &CodeHash([2; 32]), &ClusterId([3; 32]), b"salt").0),
            "systemContractId": hex(&wire::domain::system_contract_id(&ClusterId([3; 32])).0),
            "keys": {
                "worker": hex(&chain_facts::keys::worker(&WORKER)),
                "contractStakeOf": hex(&chain_facts::keys::contract_stake_of(&AccountId([50; 32]), &ContractId([6; 32]))),
                "receiptLog": hex(&chain_facts::keys::receipt_log(&WORKER, 7)),
                "blockHash": hex(&chain_facts::keys::block_hash(8)),
                "timestamp": hex(&chain_facts::keys::timestamp_now()),
                "clusterId": chain_facts::keys::cluster_id(9).to_hex(),
            },
        }),
    );
}

fn from_js() -> Json {
    serde_json::from_slice(&fs::read(path("fixtures/from-js.json")).unwrap()).unwrap()
}

fn bytes(json: &Json, name: &str) -> Vec<u8> {
    hex::decode(json[name].as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn account(json: &Json, name: &str) -> AccountId {
    json[name].as_str().unwrap().parse().unwrap()
}

#[test]
fn what_typescript_seals_opens_here() {
    let json = from_js();
    let key = HpkeSecret::from_seed(&[3; 32]);
    let endpoint = Endpoint { genesis: GENESIS, worker: WORKER, key: &key };
    let openings = [
        ("opening", Some(account(&json, "account"))),
        ("edOpening", Some(account(&json, "edAccount"))),
        ("anonymousOpening", None),
    ];
    for (name, origin) in openings {
        let accepted =
            accept_session(&endpoint, &bytes(&json, name), NOW, 60_000, &mut rand_core::OsRng);
        assert_eq!(accepted.ok().unwrap().session.origin(), origin, "{name}");
    }
    let Ok(Envelope::OneShot(sealed)) = Envelope::decode(&mut &bytes(&json, "oneShot")[..]) else {
        panic!("a one-shot query");
    };
    let sealed: HpkeSealed = sealed;
    let opened = open_query(&endpoint, &sealed).ok().unwrap();
    assert_eq!(opened.origin(&GENESIS, NOW), Ok(Some(account(&json, "account"))));
    assert_eq!(opened.query.request.input, [0xde, 0xad, 0xbe, 0xef]);
    let route = CommandRoute {
        genesis: GENESIS,
        contract: ContractId([6; 32]),
        sender: account(&json, "account"),
    };
    let payload = CommandPayload::decode(&mut &bytes(&json, "command")[..]).unwrap();
    let keys = CommandKeys {
        hpke: &HpkeSecret::from_seed(&[8; 32]),
        sr25519: &Sr25519Secret::from_seed(&[8; 32]),
    };
    let InkCommand::InkMessage { nonce, message, transfer, gas_limit, storage_deposit_limit } =
        open_command(&keys, &route, &payload).unwrap();
    assert_eq!(
        (nonce, message, transfer, gas_limit, storage_deposit_limit),
        (vec![1, 2], vec![0xde, 0xad, 0xbe, 0xef], 5, 6, Some(7))
    );
}

/// Types of every kind that contracts use.
mod shapes {
    use super::*;
    use scale_info::{MetaType, Registry, TypeInfo};
    use std::collections::BTreeMap;

    #[derive(TypeInfo, Encode, Clone)]
    pub struct AccountId(pub [u8; 32]);

    #[derive(TypeInfo, Encode, Clone)]
    pub struct Hash(pub [u8; 4]);

    /// A figure.
    #[allow(dead_code, reason = "some are named in JSON alone")]
    #[derive(TypeInfo, Encode, Clone)]
    pub enum Shape {
        Point,
        Circle { radius: u32 },
        Pair(u8, bool),
        Named(String),
        #[codec(index = 9)]
        Nested(Box<Shape>),
    }

    #[derive(TypeInfo, Encode, Clone)]
    pub struct Empty;

    #[derive(TypeInfo, Encode, Clone)]
    pub struct Tree {
        pub value: u8,
        pub children: Vec<Tree>,
    }

    #[derive(TypeInfo, Encode, Clone)]
    pub struct Order {
        pub to: AccountId,
        pub amount: u128,
        pub note: Option<String>,
        pub tags: Vec<(u8, i16)>,
        pub blob: Vec<u8>,
        pub hash: Hash,
        pub shape: Shape,
        pub map: BTreeMap<u32, bool>,
        pub fixed: [u16; 2],
        #[codec(compact)]
        pub count: u64,
        pub empty: Empty,
    }

    #[derive(TypeInfo, Encode, Clone)]
    pub enum Failure {
        NotFound,
        TooMuch { most: u128 },
    }

    #[derive(TypeInfo, Encode, Clone)]
    pub enum LangError {
        #[codec(index = 1)]
        CouldNotReadInput,
    }

    pub type Numbers = (u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

    /// The metadata of a contract with these types, as ink! 5 writes it.
    pub fn metadata() -> Json {
        let mut registry = Registry::new();
        let mut spec = |label: &str, selector: &str, args: &[(&str, MetaType)], returns: MetaType, mutates: bool| {
            let args: Vec<Json> = args
                .iter()
                .map(|(name, kind)| {
                    let id = registry.register_type(kind).id;
                    json!({ "label": name, "type": { "displayName": [], "type": id } })
                })
                .collect();
            json!({
                "label": label, "selector": selector, "args": args, "mutates": mutates, "payable": false,
                "default": false, "docs": [format!("About {label}.")],
                "returnType": { "displayName": [], "type": registry.register_type(&returns).id },
            })
        };
        let ink = MetaType::new::<Result<(), LangError>>;
        let constructors = vec![spec("new", "0x9bae9d5e", &[("owner", MetaType::new::<AccountId>())], ink(), false)];
        let messages = vec![
            spec("place", "0x00000001", &[("order", MetaType::new::<Order>())],
                MetaType::new::<Result<Result<u64, Failure>, LangError>>(), true),
            spec("find", "0x00000002", &[("id", MetaType::new::<u64>())],
                MetaType::new::<Result<Option<Order>, LangError>>(), false),
            spec("draw", "0x00000003", &[("shape", MetaType::new::<Shape>())],
                MetaType::new::<Result<Shape, LangError>>(), false),
            spec("plant", "0x00000004", &[("tree", MetaType::new::<Tree>())],
                MetaType::new::<Result<Tree, LangError>>(), false),
            spec("count", "0x00000005", &[("numbers", MetaType::new::<Numbers>())],
                MetaType::new::<Result<Numbers, LangError>>(), false),
            spec("Trait::rest", "0x00000006", &[], ink(), true),
        ];
        let types: scale_info::PortableRegistry = registry.into();
        json!({
            "source": { "hash": id(77) },
            "contract": { "name": "shapes", "version": "0.1.0", "authors": [] },
            "spec": { "constructors": constructors, "messages": messages, "events": [], "docs": [] },
            "types": serde_json::to_value(&types).unwrap()["types"],
            "version": 5,
        })
    }

    pub fn order() -> Order {
        Order {
            to: AccountId([7; 32]),
            amount: u128::MAX,
            note: Some("für 字".to_owned()),
            tags: vec![(1, -2), (3, 4)],
            blob: vec![1, 2, 3],
            hash: Hash([9; 4]),
            shape: Shape::Nested(Box::new(Shape::Circle { radius: 5 })),
            map: [(1, true), (2, false)].into(),
            fixed: [10, 11],
            count: 1 << 40,
            empty: Empty,
        }
    }
}

/// A contract of the shapes.
fn shapes_contract() -> (Contract, Json) {
    let metadata = shapes::metadata();
    (Contract::from_json(metadata.to_string().as_bytes()).unwrap(), metadata)
}

fn encoded(contract: &Contract, message: &str, args: Json) -> Json {
    let values = args.as_array().unwrap();
    let bytes = contract.encode_values(contract.message(message).unwrap(), values).unwrap();
    json!({ "message": message, "args": args, "hex": hex(&bytes) })
}

fn decoded(contract: &Contract, message: &str, data: &impl Encode) -> Json {
    let data = data.encode();
    let (ok, value) = match contract.decode(contract.message(message).unwrap(), &data).unwrap() {
        client::Output::Value(value) => (true, value),
        client::Output::Error(error) => (false, error),
    };
    json!({ "message": message, "hex": hex(&data), "ok": ok, "value": value })
}

fn refused(contract: &Contract, message: &str, args: Json) -> Json {
    let values = args.as_array().unwrap();
    let error = contract.encode_values(contract.message(message).unwrap(), values).unwrap_err();
    json!({ "message": message, "args": args, "error": error.to_string() })
}

#[test]
fn values_of_contracts() {
    use shapes::{Failure, LangError, Shape, Tree, order};
    let (contract, metadata) = shapes_contract();
    check_json("fixtures/shapes.json", &metadata);
    let to = client::address(&AccountId([7; 32]));
    let whole = json!({
        "to": to, "amount": u128::MAX.to_string(), "note": "für 字", "tags": [[1, -2], [3, 4]],
        "blob": "0x010203", "hash": "0x09090909", "shape": { "Nested": { "Circle": { "radius": 5 } } },
        "map": [[1, true], [2, false]], "fixed": [10, 11], "count": "1099511627776", "empty": null,
    });
    let mut other = whole.clone();
    other["to"] = json!(id(7));
    other["note"] = json!(null);
    other["blob"] = json!([255]);
    let encode = [
        encoded(&contract, "place", json!([whole])),
        encoded(&contract, "place", json!([other])),
        encoded(&contract, "find", json!([42])),
        encoded(&contract, "find", json!(["18_446_744_073_709_551_615"])),
        encoded(&contract, "draw", json!(["Point"])),
        encoded(&contract, "draw", json!([{ "Pair": [1, true] }])),
        encoded(&contract, "draw", json!([{ "Named": "42" }])),
        encoded(&contract, "plant", json!([{ "value": 1, "children": [{ "value": 2, "children": [] }] }])),
        encoded(
            &contract,
            "count",
            json!([[255, 65535, 4294967295u32, u64::MAX.to_string(), u128::MAX.to_string(), -128, -32768,
                i32::MIN, i64::MIN.to_string(), i128::MIN.to_string()]]),
        ),
        encoded(&contract, "Trait::rest", json!([])),
    ];
    let numbers: shapes::Numbers =
        (1, 2, 3, u64::MAX, u128::MAX, -1, -2, -3, i64::MIN, i128::MIN);
    let tree = Tree { value: 1, children: vec![Tree { value: 2, children: Vec::new() }] };
    let ok = |order| Ok::<Option<shapes::Order>, LangError>(order);
    let decode = [
        decoded(&contract, "place", &Ok::<Result<u64, Failure>, LangError>(Ok(7))),
        decoded(&contract, "place", &Ok::<Result<u64, Failure>, LangError>(Err(Failure::NotFound))),
        decoded(&contract, "place", &Ok::<_, LangError>(Err::<u64, _>(Failure::TooMuch { most: u128::MAX }))),
        decoded(&contract, "place", &Err::<Result<u64, Failure>, _>(LangError::CouldNotReadInput)),
        decoded(&contract, "find", &ok(None)),
        decoded(&contract, "find", &ok(Some(order()))),
        decoded(&contract, "draw", &Ok::<_, LangError>(Shape::Point)),
        decoded(&contract, "draw", &Ok::<_, LangError>(Shape::Pair(1, true))),
        decoded(&contract, "draw", &Ok::<_, LangError>(order().shape)),
        decoded(&contract, "plant", &Ok::<_, LangError>(tree)),
        decoded(&contract, "count", &Ok::<_, LangError>(numbers)),
        decoded(&contract, "Trait::rest", &Ok::<(), LangError>(())),
    ];
    let refused = [
        refused(&contract, "find", json!([])),
        refused(&contract, "find", json!([-1])),
        refused(&contract, "find", json!(["18446744073709551616"])),
        refused(&contract, "find", json!([true])),
        refused(&contract, "draw", json!(["Square"])),
        refused(&contract, "draw", json!([{ "Point": 1 }])),
        refused(&contract, "draw", json!([{ "Circle": {} }])),
        refused(&contract, "draw", json!([{ "Circle": { "radius": 1, "color": 2 } }])),
        refused(&contract, "draw", json!([{ "Pair": [1] }])),
        refused(&contract, "plant", json!([{ "value": 256, "children": [] }])),
        refused(&contract, "plant", json!([{ "value": 1, "children": [{ "value": "x", "children": [] }] }])),
        refused(&contract, "plant", json!([{ "value": 1, "children": "none" }])),
    ];
    check_json(
        "fixtures/values.json",
        &json!({ "encode": encode, "decode": decode, "refused": refused }),
    );
}

#[test]
fn contracts_as_typescript() {
    let (contract, json) = shapes_contract();
    let text = typescript::generate(&typescript::Source { contract: &contract, json: &json, class: None });
    // Compiled by the TypeScript tests.
    check("client-js/test/generated/shapes.ts", &text);
    let named = typescript::Source { contract: &contract, json: &json, class: Some("order") };
    let text = typescript::generate(&named);
    // A type of the contract has that name already.
    assert!(text.contains("export class Order {") && text.contains("export type Order2 = {"), "{text}");
}
