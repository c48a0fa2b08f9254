//! The log of host calls: what a worker answered, given again without a worker.

use crate::cluster::{BOB, CLUSTER, Cluster, State, engine, extension};
use codec::{Decode as _, Encode as _};
use contract_abi::{
    extension::Function,
    http::{HttpError, HttpRequest, HttpResponse},
};
use executor_api::{
    CacheFull, Capabilities, ClusterFact, Context, ContractCache, Executor as _, HostCall, HostLog,
    HttpBounds, HttpClient, Mode, NotPlayed, Operation, Player, Recorder,
};
use primitives::{ContractId, UnixMillis, WorkerId};
use wire::record::HOST_LOG_BYTES_MAX;

/// A worker with the world outside. Each answer is another one.
struct Outside {
    time: std::sync::atomic::AtomicU64,
    body: usize,
}

impl Outside {
    fn new(body: usize) -> Self {
        Self { time: 5.into(), body }
    }
}

impl Capabilities for Outside {
    fn derive_sr25519_key(&self, _: &ContractId, _: &[u8]) -> [u8; 64] {
        [1; 64]
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(0x33);
    }

    fn worker(&self) -> WorkerId {
        WorkerId([0x77; 32])
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        self.time.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    fn http(&self) -> Option<&dyn HttpClient> {
        Some(self)
    }

    fn cache(&self) -> Option<&dyn ContractCache> {
        Some(self)
    }
}

impl HttpClient for Outside {
    fn send(
        &self,
        _: &ContractId,
        requests: Vec<HttpRequest>,
        _: HttpBounds,
    ) -> Vec<Result<HttpResponse, HttpError>> {
        let response = |request: HttpRequest| HttpResponse {
            status_code: 200,
            reason_phrase: "OK".into(),
            headers: Vec::new(),
            body: [request.url.into_bytes(), vec![b'.'; self.body]].concat(),
        };
        requests.into_iter().map(|request| Ok(response(request))).collect()
    }
}

impl ContractCache for Outside {
    fn get(&self, _: &ContractId, key: &[u8]) -> Option<Vec<u8>> {
        Some([b"kept ", key].concat())
    }

    fn set(&self, _: &ContractId, _: &[u8], _: &[u8]) -> Result<(), CacheFull> {
        Err(CacheFull)
    }

    fn set_expiration(&self, _: &ContractId, _: &[u8], _: u64) {}

    fn remove(&self, _: &ContractId, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

struct Nobody;

impl Capabilities for Nobody {
    fn derive_sr25519_key(&self, _: &ContractId, _: &[u8]) -> [u8; 64] {
        [0; 64]
    }

    fn fill_random(&self, _: &mut [u8]) {}

    fn worker(&self) -> WorkerId {
        WorkerId::default()
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        0
    }

    fn looks_at(&self, _: ClusterFact) {}
}

fn ask(
    state: &State,
    capabilities: &dyn Capabilities,
    contract: ContractId,
    input: &[u8],
) -> Result<Vec<u8>, String> {
    let context = Context {
        mode: Mode::Query,
        cluster: CLUSTER,
        origin: BOB,
        block_number: 7,
        now_ms: 9_000,
        gas_limit: 0,
        storage_deposit_limit: None,
        nonce: None,
    };
    let operation = Operation::Call { contract, input: input.to_vec(), value: 0 };
    let outcome = engine().execute(state, capabilities, &context, &operation).unwrap();
    outcome.result.map(|returned| returned.data).map_err(|error| error.to_string())
}

fn input(function: Function, arguments: &impl codec::Encode) -> Vec<u8> {
    [&u32::from(function.id()).to_le_bytes()[..], &arguments.encode()].concat()
}

fn request(url: &str) -> HttpRequest {
    HttpRequest {
        url: url.into(),
        method: "GET".into(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

fn world() -> (Cluster, ContractId) {
    let mut cluster = Cluster::new();
    let contract = cluster.deploy(&extension(), 1);
    (cluster, contract)
}

fn record(cluster: &Cluster, contract: ContractId, input: &[u8]) -> (Vec<u8>, HostLog) {
    let outside = Outside::new(0);
    let recorder = Recorder::new(&outside);
    let answer = ask(&cluster.state, &recorder, contract, input).unwrap();
    (answer, recorder.into_log().unwrap())
}

#[test]
fn what_a_worker_answered_gives_the_same_answer_again() {
    let (cluster, contract) = world();
    for input in [
        input(Function::HttpRequest, &request("https://example.org/a")),
        input(Function::BatchHttpRequest, &(vec![request("https://a.org/"), request("http://b.org/")], 1000u64)),
        input(Function::CacheGet, &b"name".to_vec()),
        input(Function::CacheSet, &(b"name".to_vec(), b"value".to_vec())),
        input(Function::CacheRemove, &b"name".to_vec()),
        input(Function::GetRandom, &16u8),
        input(Function::UntrustedMillisSinceUnixEpoch, &()),
        input(Function::WorkerPubkey, &()),
        input(Function::WorkerSgxQuote, &()),
    ] {
        let (answer, log) = record(&cluster, contract, &input);
        let log = HostLog::from_bytes(&log.encode()).unwrap();
        assert!(!log.calls.is_empty());
        let player = Player::new(&log, &Nobody);
        assert_eq!(ask(&cluster.state, &player, contract, &input), Ok(answer));
        assert_eq!(player.finish(), Ok(()));
    }
}

#[test]
fn an_answer_is_not_given_to_another_question() {
    let (cluster, contract) = world();
    let (_, log) =
        record(&cluster, contract, &input(Function::HttpRequest, &request("https://a.org/")));
    let other = input(Function::HttpRequest, &request("https://b.org/"));
    let player = Player::new(&log, &Nobody);
    let _answer = ask(&cluster.state, &player, contract, &other);
    assert_eq!(player.finish(), Err(NotPlayed::Differs("HTTP requests")));
}

#[test]
fn a_log_with_more_or_less_than_was_asked_is_seen() {
    let (cluster, contract) = world();
    let input = input(Function::UntrustedMillisSinceUnixEpoch, &());
    let (_, mut log) = record(&cluster, contract, &input);
    log.calls.push(HostCall::Clock(1));
    let player = Player::new(&log, &Nobody);
    ask(&cluster.state, &player, contract, &input).unwrap();
    assert_eq!(player.finish(), Err(NotPlayed::Left { made: 1, logged: 2 }));
    log.calls.clear();
    let player = Player::new(&log, &Nobody);
    ask(&cluster.state, &player, contract, &input).unwrap();
    assert_eq!(player.finish(), Err(NotPlayed::Differs("the clock")));
}

#[test]
fn a_changed_answer_changes_what_the_contract_says() {
    let (cluster, contract) = world();
    let input = input(Function::UntrustedMillisSinceUnixEpoch, &());
    let (answer, mut log) = record(&cluster, contract, &input);
    log.calls[0] = HostCall::Clock(6);
    let player = Player::new(&log, &Nobody);
    assert_ne!(ask(&cluster.state, &player, contract, &input), Ok(answer));
    assert_eq!(player.finish(), Ok(()), "the receipt's hash covers the log, and tells");
}

#[test]
fn own_keys_are_in_no_log() {
    let (cluster, contract) = world();
    let input = input(Function::DeriveSr25519Key, &b"salt".to_vec());
    let (answer, log) = record(&cluster, contract, &input);
    let key = Vec::<u8>::decode(&mut &answer[..]).unwrap();
    assert_eq!(log.calls, [HostCall::OwnKey]);
    assert!(!log.encode().windows(32).any(|part| part == &key[..32]));
    let player = Player::new(&log, &Nobody);
    let _answer = ask(&cluster.state, &player, contract, &input);
    assert_eq!(player.finish(), Err(NotPlayed::OwnKey));
}

#[test]
fn a_log_is_bounded() {
    let outside = Outside::new(HOST_LOG_BYTES_MAX);
    let recorder = Recorder::new(&outside);
    let bounds = HttpBounds {
        deadline: std::time::Instant::now(),
        body_bytes_max: u32::MAX,
    };
    let http = recorder.http().unwrap();
    assert_eq!(http.send(&ContractId([1; 32]), vec![request("https://a.org/")], bounds).len(), 1);
    assert_eq!(recorder.into_log(), None);
    let long = vec![0; HOST_LOG_BYTES_MAX + 1];
    assert_eq!(HostLog::from_bytes(&long), Err(NotPlayed::Malformed));
}
