//! The functions of the pink extension, each in a query, an estimate and a transaction.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use codec::{Decode, Encode};
use contract_abi::event::{CacheOp, PinkEvent};
use contract_abi::extension::{Function, QuoteKind, WorkerQuote};
use contract_abi::http::{HttpError, HttpRequest, HttpResponse};
use contract_abi::script::{JsCode, JsValue};
use executor_api::{
    CacheFull, ContractCache, ExecutionError, HttpBounds, HttpClient, Mode, Operation,
    ScriptBounds, ScriptEngine, Turn,
};
use primitives::ContractId;
use wire::domain::system_contract_id;
use wire::limits::ClusterLimits;

use crate::world::{ALICE, CLUSTER, World, call, data, extend, extension};

const QUERY: [Mode; 1] = [Mode::Query];
const DETERMINISTIC: [Mode; 2] = [Mode::Estimate, Mode::Transaction];
const ALL: [Mode; 3] = [Mode::Query, Mode::Estimate, Mode::Transaction];

/// The status and the output of a function.
fn try_run(
    world: &World,
    mode: Mode,
    contract: ContractId,
    function: Function,
    arguments: &impl Encode,
) -> Result<(u32, Vec<u8>), ExecutionError> {
    let operation = extend(contract, function.id().into(), &arguments.encode());
    let data = world.run(mode, ALICE, &operation).result?.data;
    let (status, output) = data.split_first_chunk::<4>().unwrap();
    Ok((u32::from_le_bytes(*status), output.to_vec()))
}

#[track_caller]
fn expect<R: Encode>(
    world: &World,
    modes: &[Mode],
    contract: ContractId,
    function: Function,
    arguments: impl Encode,
    expected: R,
) {
    for mode in modes {
        let got = try_run(world, *mode, contract, function, &arguments);
        assert_eq!(got, Ok((0, expected.encode())), "{function:?} in {mode:?}");
    }
}

type Answer = Result<HttpResponse, HttpError>;

/// Answers by the path, and notes what it was asked.
#[derive(Default)]
struct Web {
    asked: Arc<Mutex<Vec<(ContractId, usize, HttpBounds)>>>,
}

fn answer(request: &HttpRequest) -> Answer {
    let response = |body: Vec<u8>, headers| HttpResponse {
        status_code: 200,
        reason_phrase: "OK".into(),
        headers,
        body,
    };
    let many = vec![("a".to_owned(), "b".to_owned()); 257];
    match request.url.rsplit('/').next() {
        Some("ok") => Ok(response(request.body.clone(), request.headers.clone())),
        Some("long") => Ok(response(vec![0; 17 * 1024], Vec::new())),
        Some("headers") => Ok(response(Vec::new(), many)),
        Some(number) => Err(HttpError::ALL[number.parse::<usize>().unwrap()]),
        None => unreachable!(),
    }
}

impl HttpClient for Web {
    fn send(
        &self,
        contract: &ContractId,
        requests: Vec<HttpRequest>,
        bounds: HttpBounds,
    ) -> Vec<Answer> {
        let mut asked = self.asked.lock().unwrap();
        asked.push((*contract, requests.len(), bounds));
        requests.iter().map(answer).collect()
    }
}

fn get(path: &str) -> HttpRequest {
    HttpRequest {
        url: format!("https://example.org/{path}"),
        method: "GET".into(),
        headers: vec![("accept".into(), "*/*".into())],
        body: b"body".to_vec(),
    }
}

#[derive(Default)]
struct Turns {
    pauses: AtomicU32,
    resumes: AtomicU32,
}

struct Counted(Arc<Turns>);

impl Turn for Counted {
    fn checkpoint(&self) -> bool {
        true
    }

    fn pause(&self) {
        self.0.pauses.fetch_add(1, Ordering::Relaxed);
    }

    fn resume(&self) -> bool {
        // The third one comes too late.
        self.0.resumes.fetch_add(1, Ordering::Relaxed) < 2
    }
}

#[test]
fn http_is_for_queries_and_waits_off_the_processor() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    let web = Web::default();
    let asked = Arc::clone(&web.asked);
    let turns = Arc::new(Turns::default());
    let none = |reason: &str| HttpResponse {
        status_code: 523,
        reason_phrase: reason.into(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let unavailable = none("API Unavailable");
    expect(&world, &ALL, contract, Function::HttpRequest, get("ok"), unavailable.clone());
    world.worker.http = Some(Box::new(web));
    expect(&world, &DETERMINISTIC, contract, Function::HttpRequest, get("ok"), unavailable);
    assert!(asked.lock().unwrap().is_empty());
    let started = Instant::now();
    // Code is loaded by now, so that what pauses is the request alone.
    world.worker.turn = Some(Box::new(Counted(Arc::clone(&turns))));
    let ok = answer(&get("ok")).unwrap();
    expect(&world, &QUERY, contract, Function::HttpRequest, get("ok"), ok);
    let (asker, count, bounds) = asked.lock().unwrap()[0];
    assert_eq!((asker, count), (contract, 1));
    let limits = ClusterLimits::DEFAULT;
    assert_eq!(bounds.body_bytes_max, limits.http_body_bytes);
    let whole = Duration::from_millis(limits.query_ms.into());
    assert!(bounds.deadline >= started + whole - Duration::from_secs(1));
    let pauses = turns.pauses.load(Ordering::Relaxed);
    assert_eq!((pauses, turns.resumes.load(Ordering::Relaxed)), (1, 1));
    try_run(&world, Mode::Query, contract, Function::HttpRequest, &get("ok")).unwrap();
    let late = try_run(&world, Mode::Query, contract, Function::HttpRequest, &get("ok"));
    assert!(matches!(late, Err(ExecutionError::LimitReached(_))), "{late:?}");
}

#[test]
fn what_http_did_not_reach_is_a_status_and_what_was_wrong_traps() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    world.worker.http = Some(Box::<Web>::default());
    let ask = |path: &str| try_run(&world, Mode::Query, contract, Function::HttpRequest, &get(path));
    let status = |error: HttpError| {
        let output = ask(&(error as u8).to_string()).unwrap().1;
        HttpResponse::decode(&mut &output[..]).unwrap().status_code
    };
    assert_eq!(status(HttpError::NetworkError), 523);
    assert_eq!(status(HttpError::NotAllowed), 523);
    assert_eq!(status(HttpError::Timeout), 524);
    for (error, word) in [
        (HttpError::InvalidUrl, "URL"),
        (HttpError::InvalidMethod, "method"),
        (HttpError::InvalidHeaderName, "name of a header"),
        (HttpError::InvalidHeaderValue, "value of a header"),
        (HttpError::FailedToCreateClient, "no client"),
    ] {
        let got = ask(&(error as u8).to_string()).unwrap_err().to_string();
        assert!(got.contains(word), "{got}");
    }
    assert!(ask("headers").unwrap_err().to_string().contains("more headers"));
}

#[test]
fn a_batch_has_a_result_for_each_request() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    let batch = |world: &World, mode, requests: Vec<HttpRequest>, timeout_ms: u64| {
        let arguments = (requests, timeout_ms);
        try_run(world, mode, contract, Function::BatchHttpRequest, &arguments).unwrap()
    };
    let not_allowed = (HttpError::NotAllowed.status(), Vec::new());
    assert_eq!(not_allowed.0, 7);
    assert_eq!(batch(&world, Mode::Query, vec![get("ok")], 1), not_allowed);
    let web = Web::default();
    let asked = Arc::clone(&web.asked);
    world.worker.http = Some(Box::new(web));
    for mode in DETERMINISTIC {
        assert_eq!(batch(&world, mode, vec![get("ok")], 1), not_allowed);
    }
    let requests = vec![get("ok"), get("8"), get("headers")];
    let expected: Vec<Answer> = vec![
        answer(&requests[0]),
        Err(HttpError::NetworkError),
        Err(HttpError::TooManyHeaders),
    ];
    let before = Instant::now();
    let got = batch(&world, Mode::Query, requests, 1_000);
    assert_eq!(got, (0, expected.encode()));
    let bounds = asked.lock().unwrap()[0].2;
    assert!(bounds.deadline <= Instant::now() + Duration::from_secs(1));
    assert!(bounds.deadline >= before + Duration::from_secs(1));
    batch(&world, Mode::Query, vec![get("ok")], u64::MAX);
    let bounds = asked.lock().unwrap()[1].2;
    let whole = Duration::from_millis(ClusterLimits::DEFAULT.query_ms.into());
    assert!(bounds.deadline <= Instant::now() + whole, "the query's own time is the most");
    let max = ClusterLimits::DEFAULT.http_batch as usize;
    assert_eq!(batch(&world, Mode::Query, vec![get("ok"); max], 1_000).0, 0);
    let too_many = batch(&world, Mode::Query, vec![get("ok"); max + 1], 1_000);
    assert_eq!(too_many, (HttpError::TooManyRequests.status(), Vec::new()));
}

#[test]
fn a_clusters_limits_bound_http() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    let web = Web::default();
    let asked = Arc::clone(&web.asked);
    world.worker.http = Some(Box::new(web));
    let limits = ClusterLimits {
        query_ms: 60_000,
        http_batch: 1,
        http_body_bytes: 16 * 1024,
        ..ClusterLimits::DEFAULT
    };
    world.transact(ALICE, &Operation::SetLimits { limits }).result.unwrap();
    let long = try_run(&world, Mode::Query, contract, Function::HttpRequest, &get("long"));
    assert!(long.unwrap_err().to_string().contains("longer than allowed"));
    let (_, _, bounds) = asked.lock().unwrap()[0];
    assert_eq!(bounds.body_bytes_max, 16 * 1024);
    assert!(bounds.deadline > Instant::now() + Duration::from_secs(30));
    let mut request = get("ok");
    request.body = vec![0; 16 * 1024 + 1];
    let body = try_run(&world, Mode::Query, contract, Function::HttpRequest, &request);
    assert!(body.unwrap_err().to_string().contains("body is longer"));
    let two = (vec![get("ok"); 2], 1_u64);
    let two = try_run(&world, Mode::Query, contract, Function::BatchHttpRequest, &two);
    assert_eq!(two.unwrap().0, HttpError::TooManyRequests.status());
}

/// What each contract has under each key.
type Values = BTreeMap<(ContractId, Vec<u8>), Vec<u8>>;

/// Holds values of up to eight bytes.
#[derive(Default)]
struct Cache {
    values: Arc<Mutex<Values>>,
}

impl ContractCache for Cache {
    fn get(&self, contract: &ContractId, key: &[u8]) -> Option<Vec<u8>> {
        let values = self.values.lock().unwrap();
        values.get(&(*contract, key.to_vec())).cloned()
    }

    fn set(&self, contract: &ContractId, key: &[u8], value: &[u8]) -> Result<(), CacheFull> {
        if value.len() > 8 {
            return Err(CacheFull);
        }
        let mut values = self.values.lock().unwrap();
        values.insert((*contract, key.to_vec()), value.to_vec());
        Ok(())
    }

    fn set_expiration(&self, contract: &ContractId, key: &[u8], seconds: u64) {
        if seconds == 0 {
            self.remove(contract, key);
        }
    }

    fn remove(&self, contract: &ContractId, key: &[u8]) -> Option<Vec<u8>> {
        self.values.lock().unwrap().remove(&(*contract, key.to_vec()))
    }
}

#[test]
fn a_query_uses_the_cache_and_a_transaction_leaves_effects() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    let (key, value) = (b"key".to_vec(), b"value".to_vec());
    let set = (key.clone(), value.clone());
    let nothing = None::<Vec<u8>>;
    let full = try_run(&world, Mode::Query, contract, Function::CacheSet, &set);
    assert_eq!(full, Ok((1, Vec::new())), "there is no cache");
    expect(&world, &ALL, contract, Function::CacheGet, &key, &nothing);
    let cache = Cache::default();
    let values = Arc::clone(&cache.values);
    world.worker.cache = Some(Box::new(cache));
    expect(&world, &QUERY, contract, Function::CacheSet, &set, ());
    expect(&world, &QUERY, contract, Function::CacheGet, &key, Some(&value));
    let large = (key.clone(), vec![0_u8; 9]);
    let full = try_run(&world, Mode::Query, contract, Function::CacheSet, &large);
    assert_eq!(full, Ok((1, Vec::new())), "the quota is reached");

    // A transaction sees nothing of it and changes nothing at once.
    expect(&world, &DETERMINISTIC, contract, Function::CacheGet, &key, &nothing);
    expect(&world, &DETERMINISTIC, contract, Function::CacheSet, &large, ());
    expect(&world, &DETERMINISTIC, contract, Function::CacheRemove, &key, &nothing);
    expect(&world, &DETERMINISTIC, contract, Function::CacheSetExpiration, (&key, 0_u64), ());
    assert_eq!(values.lock().unwrap().len(), 1);
    let effects = |mode, function: Function, arguments: Vec<u8>| {
        let outcome = world.run(mode, ALICE, &extend(contract, function.id().into(), &arguments));
        assert_eq!(outcome.events, [], "the cache is private");
        outcome.effects
    };
    for (function, arguments, op) in [
        (
            Function::CacheSet,
            set.encode(),
            CacheOp::Set { key: key.clone(), value },
        ),
        (
            Function::CacheSetExpiration,
            (&key, 5_u64).encode(),
            CacheOp::SetExpiration { key: key.clone(), expiration: 5 },
        ),
        (
            Function::CacheRemove,
            key.encode(),
            CacheOp::Remove { key: key.clone() },
        ),
    ] {
        let got = effects(Mode::Transaction, function, arguments.clone());
        assert_eq!(got.len(), 1);
        assert_eq!((got[0].contract, &got[0].event), (contract, &PinkEvent::CacheOp(op)));
        assert_eq!(effects(Mode::Estimate, function, arguments.clone()), []);
        assert_eq!(effects(Mode::Query, function, arguments), []);
    }
    // The queries among them did what they were asked at once: set, expire in five seconds, remove.
    assert_eq!(values.lock().unwrap().len(), 0);
}

struct Echo;

impl ScriptEngine for Echo {
    fn evaluate(&self, codes: &[JsCode], arguments: &[String], bounds: ScriptBounds<'_>) -> JsValue {
        assert!(bounds.deadline > Instant::now() && bounds.memory_bytes_max > 0);
        JsValue::String(format!("{codes:?} {arguments:?}"))
    }
}

#[test]
fn scripts_run_in_queries() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    let codes = vec![JsCode::Source("1".into()), JsCode::Bytecode(vec![7])];
    let arguments = (codes.clone(), vec!["a".to_owned()]);
    let exception = |text: &str| JsValue::Exception(text.into());
    let none = exception("Js evaluation is not offered by this worker");
    expect(&world, &QUERY, contract, Function::JsEval, &arguments, none);
    world.worker.scripts = Some(Box::new(Echo));
    let echo = JsValue::String(format!("{codes:?} {:?}", ["a"]));
    expect(&world, &QUERY, contract, Function::JsEval, &arguments, echo);
    let never = exception("Js evaluation is not supported in transaction");
    expect(&world, &DETERMINISTIC, contract, Function::JsEval, &arguments, never);
}

#[test]
fn the_quote_is_for_queries() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    let nothing = None::<WorkerQuote>;
    expect(&world, &ALL, contract, Function::WorkerSgxQuote, (), &nothing);
    let quote = WorkerQuote {
        kind: QuoteKind::Dcap,
        quote: vec![1, 2, 3],
    };
    world.worker.quote = Some(quote.clone());
    expect(&world, &QUERY, contract, Function::WorkerSgxQuote, (), Some(quote));
    expect(&world, &DETERMINISTIC, contract, Function::WorkerSgxQuote, (), &nothing);
}

#[test]
fn facts_of_the_cluster_are_the_same_everywhere() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    world.deposit(ALICE, 77);
    let code = contract_engine::code_hash(&wat::parse_str(extension()).unwrap());
    let system = system_contract_id(&CLUSTER);
    expect(&world, &ALL, contract, Function::SystemContractId, (), system);
    expect(&world, &ALL, contract, Function::BalanceOf, ALICE, (77_u128, 77_u128));
    expect(&world, &ALL, contract, Function::CodeExists, (code, false), true);
    expect(&world, &ALL, contract, Function::CodeExists, (code, true), false);
    expect(&world, &ALL, contract, Function::CodeExists, ([1_u8; 32], false), false);
    expect(&world, &ALL, contract, Function::RuntimeVersion, (), (1_u32, 2_u32));
    let head = (0_u64, [0_u8; 32]);
    expect(&world, &ALL, contract, Function::CurrentEventChainHead, (), head);
    for mode in ALL {
        let function = Function::ImportLatestSystemCode;
        let error = try_run(&world, mode, contract, function, &ALICE).unwrap_err();
        assert!(error.to_string().contains("bad origin"), "{error}");
    }
}

#[test]
fn signatures_that_are_alike_everywhere_are_made_everywhere() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    let (key, hash) = (vec![7_u8; 32], [9_u8; 32]);
    let run = |mode, function, arguments: Vec<u8>| {
        let operation = extend(contract, Function::id(function).into(), &arguments);
        data(&world.run(mode, ALICE, &operation))[4..].to_vec()
    };
    let signature = run(Mode::Query, Function::EcdsaSignPrehashed, (&key, hash).encode());
    let public = run(Mode::Query, Function::GetPublicKey, (2_u8, &key).encode());
    for mode in ALL {
        let again = run(mode, Function::EcdsaSignPrehashed, (&key, hash).encode());
        assert_eq!(again, signature);
        let public: [u8; 33] = public[1..].try_into().unwrap();
        let made: [u8; 65] = signature[..].try_into().unwrap();
        let right = (made, hash, public).encode();
        assert_eq!(run(mode, Function::EcdsaVerifyPrehashed, right), [1]);
        let wrong = (made, [8_u8; 32], public).encode();
        assert_eq!(run(mode, Function::EcdsaVerifyPrehashed, wrong), [0]);
        for kind in [0_u8, 2] {
            let signed = run(mode, Function::Sign, (kind, &key, b"text".to_vec()).encode());
            let public = run(mode, Function::GetPublicKey, (kind, &key).encode());
            let check = [vec![kind], public, b"text".to_vec().encode(), signed].concat();
            assert_eq!(run(mode, Function::Verify, check), [1], "kind {kind} in {mode:?}");
        }
    }
}

#[test]
fn lines_of_the_log_are_kept_whatever_happens() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    for mode in ALL {
        for level in 1..=5_u8 {
            let line = (level, "instantiated".to_owned()).encode();
            assert_eq!(line[1..2], [0x30]);
            let id = Function::Log.id().into();
            let outcome = world.run(mode, ALICE, &extend(contract, id, &line));
            assert_eq!(outcome.logs.len(), 1);
            let record = &outcome.logs[0];
            assert_eq!((record.contract, record.entry), (contract, contract));
            assert_eq!((record.level, &record.message[..]), (level, "instantiated"));
        }
        for level in [0_u8, 6] {
            let bad = try_run(&world, mode, contract, Function::Log, &(level, "text".to_owned()));
            assert!(bad.is_err());
        }
    }
    let failing = world.deploy(&crate::world::on_call(
        r#"(drop (call $seal0_debug_message (i32.const 512) (i32.const 5))) unreachable)
        (data (i32.const 512) "hello""#,
    ));
    let outcome = world.call(failing, &[]);
    assert!(outcome.result.is_err());
    let lines = outcome.logs.iter();
    let lines: Vec<_> = lines.map(|line| (line.level, &line.message[..])).collect();
    assert_eq!(lines, [(4, "hello")]);
}

#[test]
fn the_log_is_bounded() {
    let mut world = World::new();
    let contract = world.deploy(&crate::world::on_call(
        "(local $i i32)
         (loop (drop (call $seal0_debug_message (i32.const 0) (i32.const 20000)))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if 0 (i32.lt_u (local.get $i) (i32.const 2000))))",
    ));
    let logs = world.query(contract, &[]).logs;
    assert_eq!(logs.len(), 8);
    assert!(logs.iter().all(|line| line.message.len() <= 16 * 1024));
}

#[test]
fn what_does_not_exist_or_fit_traps_with_its_number() {
    let mut world = World::new();
    let contract = world.deploy(&extension());
    let error = |id: u32, capacity: u32, arguments: &[u8]| {
        let input = [&id.to_le_bytes(), &capacity.to_le_bytes(), arguments].concat();
        let outcome = world.run(Mode::Query, ALICE, &call(contract, &input));
        outcome.result.unwrap_err().to_string()
    };
    let extension = error(1 << 16 | 12, 100, &[]);
    assert!(extension.contains("pink error 0"), "{extension}");
    for id in [0, 26, 0xffff] {
        let function = error(id, 100, &[]);
        assert!(function.contains("pink error 1"), "{function}");
    }
    let small = error(Function::SystemContractId.id().into(), 31, &[]);
    assert!(small.contains("pink error 2"), "{small}");
    let junk = error(Function::CacheSet.id().into(), 100, &[0xff]);
    assert!(junk.contains("do not decode"), "{junk}");
}
