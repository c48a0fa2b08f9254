//! Doubles of the worker, for the unit tests of contracts.
//!
//! A [`Worker`] stands for the worker that the contract under test runs on, as long as it lives. It keeps a
//! cache, derives keys and signs as a real one does; what comes from outside, the test says:
//!
//! ```
//! use contract_sdk::test::{Worker, response};
//!
//! let worker = Worker::new();
//! worker.on_http(|request| Ok(response(200, &request.url)));
//! assert_eq!(contract_sdk::http::get("https://example.org/").unwrap().body, b"https://example.org/");
//! assert_eq!(worker.requests().len(), 1);
//! ```
//!
//! It belongs to the thread that made it, as ink!'s own test environment does: make one at the start of each
//! `#[ink::test]`. Caller, block and storage are ink!'s: `ink::env::test`.
//!
//! # Limits
//! A double keeps to the interface, not to the limits of a cluster: sizes, times and shares of the cache are
//! not bounded. [`Worker::fill_cache`] plays a full one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use contract_abi::Bytes32;
use contract_abi::event::{CacheOp, PinkEvent};
use contract_abi::http::{HttpError, HttpRequest, HttpResponse};
use contract_abi::script::{JsCode, JsValue};

use crate::AccountId;
use crate::log::Level;

mod crypto;
pub(crate) mod extension;
pub(crate) mod system;

/// How long a value stays in the cache unless it is told otherwise: seven days, in milliseconds.
const CACHE_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// The clock of a new worker: the 1st of January 2026.
const START_MS: u64 = 1_767_225_600_000;
/// Account of the system contract of the worker's cluster.
const SYSTEM: Bytes32 = [0x5c; 32];

type OnHttp = Box<dyn FnMut(&HttpRequest) -> Result<HttpResponse, HttpError>>;
type OnJs = Box<dyn FnMut(&[JsCode], &[String]) -> JsValue>;

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// A value in the cache, and when it lapses.
struct Cached {
    value: Vec<u8>,
    end_ms: u64,
}

pub(crate) struct State {
    in_transaction: bool,
    now_ms: u64,
    random_seed: Bytes32,
    random_drawn: u64,
    cache: BTreeMap<Vec<u8>, Cached>,
    cache_is_full: bool,
    logs: Vec<(Level, String)>,
    effects: Vec<PinkEvent>,
    requests: Vec<HttpRequest>,
    balances: BTreeMap<Bytes32, (u128, u128)>,
    codes: Vec<Bytes32>,
    worker: Bytes32,
    on_http: Option<OnHttp>,
    on_js: Option<OnJs>,
    system: system::System,
}

impl State {
    fn new() -> Self {
        Self {
            in_transaction: false,
            now_ms: START_MS,
            random_seed: [0; 32],
            random_drawn: 0,
            cache: BTreeMap::new(),
            cache_is_full: false,
            logs: Vec::new(),
            effects: Vec::new(),
            requests: Vec::new(),
            balances: BTreeMap::new(),
            codes: Vec::new(),
            worker: [0xb0; 32],
            on_http: None,
            on_js: None,
            system: system::System::default(),
        }
    }

    pub(crate) fn emit(&mut self, effect: &PinkEvent) {
        if let PinkEvent::CacheOp(change) = effect {
            self.change_cache(change.clone());
        }
        self.effects.push(effect.clone());
    }

    fn change_cache(&mut self, change: CacheOp) {
        match change {
            CacheOp::Set { .. } if self.cache_is_full => {}
            CacheOp::Set { key, value } => {
                let end_ms = self.now_ms + CACHE_MS;
                self.cache.insert(key, Cached { value, end_ms });
            }
            CacheOp::SetExpiration { key, expiration } => {
                if let Some(cached) = self.cache.get_mut(&key) {
                    cached.end_ms = self.now_ms.saturating_add(expiration.saturating_mul(1000));
                }
            }
            CacheOp::Remove { key } => {
                self.cache.remove(&key);
            }
        }
    }
}

/// Works on the thread's worker.
pub(crate) fn with<T>(work: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(|state| {
        let state = state.as_mut();
        work(state.expect("make a contract_sdk::test::Worker at the start of the test"))
    })
}

/// The worker that the contract under test runs on. See the [module](self).
pub struct Worker(PhantomData<*const ()>);

impl Worker {
    /// A worker answering queries: nothing in its cache, no network, the clock at the 1st of January 2026.
    /// It takes the place of the thread's last one.
    #[expect(clippy::new_without_default, reason = "it changes the thread, and its drop matters")]
    pub fn new() -> Self {
        STATE.set(Some(State::new()));
        Self(PhantomData)
    }

    /// From now on the contract runs as a transaction: what differs between workers is closed.
    pub fn enter_transaction(&self) {
        with(|state| state.in_transaction = true);
    }

    /// From now on the contract answers queries, as at the start.
    pub fn enter_query(&self) {
        with(|state| state.in_transaction = false);
    }

    /// What answers HTTP requests; without it each fails with `NetworkError`. The requests of a batch come
    /// one after another, in order.
    pub fn on_http(
        &self,
        answer: impl FnMut(&HttpRequest) -> Result<HttpResponse, HttpError> + 'static,
    ) {
        with(|state| state.on_http = Some(Box::new(answer)));
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<HttpRequest> {
        with(|state| state.requests.clone())
    }

    /// What evaluates JavaScript; without it each evaluation is an exception.
    pub fn on_js(&self, evaluate: impl FnMut(&[JsCode], &[String]) -> JsValue + 'static) {
        with(|state| state.on_js = Some(Box::new(evaluate)));
    }

    /// Sets the host's clock, milliseconds since the Unix epoch.
    pub fn set_time_ms(&self, now_ms: u64) {
        with(|state| state.now_ms = now_ms);
    }

    /// Moves the host's clock forward.
    pub fn advance_ms(&self, by_ms: u64) {
        with(|state| state.now_ms += by_ms);
    }

    /// Starts the random numbers anew: workers with the same seed draw the same.
    pub fn set_random_seed(&self, seed: Bytes32) {
        with(|state| (state.random_seed, state.random_drawn) = (seed, 0));
    }

    /// From now on nothing more fits into the cache.
    pub fn fill_cache(&self) {
        with(|state| state.cache_is_full = true);
    }

    /// Empties the cache, as a restart does.
    pub fn clear_cache(&self) {
        with(|state| state.cache.clear());
    }

    /// The lines that the contract wrote.
    pub fn logs(&self) -> Vec<(Level, String)> {
        with(|state| state.logs.clone())
    }

    /// The side effects that the contract asked for, by [`effects`](crate::effects) or by changing the
    /// cache in a transaction.
    pub fn effects(&self) -> Vec<PinkEvent> {
        with(|state| state.effects.clone())
    }

    /// Sets an account's tokens inside the cluster.
    pub fn set_balance(&self, account: AccountId, total: u128, free: u128) {
        with(|state| state.balances.insert(*account.as_ref(), (total, free)));
    }

    /// Brings code into the cluster.
    pub fn add_code(&self, hash: Bytes32) {
        with(|state| state.codes.push(hash));
    }

    /// Sets the key that the worker is registered under.
    pub fn set_worker(&self, key: Bytes32) {
        with(|state| state.worker = key);
    }

    /// Makes the contract under test an administrator of the cluster.
    pub fn grant_admin(&self) {
        with(|state| state.system.is_admin = true);
    }

    /// Names the contract that does a service.
    pub fn set_driver(&self, name: &str, contract: AccountId) {
        with(|state| state.system.set_driver(name, *contract.as_ref()));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        STATE.set(None);
    }
}

/// A response with a body and no headers.
pub fn response(status_code: u16, body: impl AsRef<[u8]>) -> HttpResponse {
    HttpResponse {
        status_code,
        reason_phrase: String::new(),
        headers: Vec::new(),
        body: body.as_ref().to_vec(),
    }
}
