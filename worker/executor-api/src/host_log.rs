//! What a worker answered a contract during a query, written down, and read back in its stead.
//!
//! [`Recorder`] stands between a contract and the worker and notes each answer that is not a function of
//! state and question: HTTP, cache, scripts, entropy, clock, identity. [`Player`] gives the same answers
//! in the same order without any worker. What was asked for is noted by its hash, so that an answer is
//! never given to another question.

use crate::{
    CacheFull, Capabilities, ClusterFact, ContractCache, HttpBounds, HttpClient, ScriptBounds,
    ScriptEngine, Turn, Unshared,
};
use codec::{Decode, DecodeAll as _, Encode};
use contract_abi::{
    extension::WorkerQuote,
    http::{HttpError, HttpRequest, HttpResponse},
    script::{JsCode, JsValue},
};
use primitives::{ContractId, UnixMillis, WorkerId};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wire::{
    domain::blake2_256,
    record::{HOST_CALLS_MAX, HOST_LOG_BYTES_MAX},
};

/// Hash of what a contract asked for.
type Asked = [u8; 32];

/// One answer of the worker.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum HostCall {
    /// Random bytes.
    Random(Vec<u8>),
    /// The host's clock.
    Clock(UnixMillis),
    /// The worker's identity.
    Worker(WorkerId),
    /// HTTP requests that were sent together.
    Http(Asked, Vec<Result<HttpResponse, HttpError>>),
    /// A value of the cache.
    CacheGet(Asked, Option<Vec<u8>>),
    /// Whether a value found room in the cache.
    CacheSet(Asked, bool),
    /// A value taken out of the cache.
    CacheRemove(Asked, Option<Vec<u8>>),
    /// A script.
    Script(Asked, JsValue),
    /// The worker's quote.
    Quote(Option<WorkerQuote>),
    /// A key that the contract derived. It is nobody else's, so the log has only that it was.
    OwnKey,
}

/// All answers of a worker during one query, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct HostLog {
    /// Whether the worker offered HTTP, a cache, scripts.
    pub offers: (bool, bool, bool),
    /// The answers.
    pub calls: Vec<HostCall>,
}

impl HostLog {
    /// Reads a log.
    ///
    /// # Errors
    /// When it is none, or longer than a log may be.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotPlayed> {
        if bytes.len() > HOST_LOG_BYTES_MAX {
            return Err(NotPlayed::Malformed);
        }
        let log = Self::decode_all(&mut &bytes[..]).map_err(|_| NotPlayed::Malformed)?;
        match log.calls.len() > HOST_CALLS_MAX {
            true => Err(NotPlayed::Malformed),
            false => Ok(log),
        }
    }
}

/// A log cannot stand for the worker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPlayed {
    /// It is no log.
    #[error("the log of host calls is malformed")]
    Malformed,
    /// The contract asked for something else than when the log was written.
    #[error("the contract asks for something else than the log has: {0}")]
    Differs(&'static str),
    /// The contract asked for less.
    #[error("the contract made {made} host calls, the log has {logged}")]
    Left {
        /// How many it made.
        made: usize,
        /// How many there are.
        logged: usize,
    },
    /// The contract used a key of its own, which nobody is given.
    #[error("the contract derives a key of its own, which no auditor is given")]
    OwnKey,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn asked(what: &impl Encode) -> Asked {
    blake2_256(&what.encode())
}

#[derive(Default)]
struct Notes {
    calls: Vec<HostCall>,
    bytes: usize,
    overflowed: bool,
}

/// A worker whose answers are noted.
pub struct Recorder<'a> {
    inner: &'a dyn Capabilities,
    notes: Mutex<Notes>,
}

impl<'a> Recorder<'a> {
    /// Notes what `inner` answers.
    pub fn new(inner: &'a dyn Capabilities) -> Self {
        Self { inner, notes: Mutex::default() }
    }

    fn note(&self, call: HostCall) {
        let mut notes = lock(&self.notes);
        let bytes = notes.bytes.saturating_add(call.encoded_size());
        if bytes > HOST_LOG_BYTES_MAX - 16 || notes.calls.len() >= HOST_CALLS_MAX {
            notes.overflowed = true;
            return;
        }
        notes.bytes = bytes;
        notes.calls.push(call);
    }

    /// The log; `None` where it would be longer than a log may be.
    pub fn into_log(self) -> Option<HostLog> {
        let inner = self.inner;
        let offers =
            (inner.http().is_some(), inner.cache().is_some(), inner.scripts().is_some());
        let notes = self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        (!notes.overflowed).then_some(HostLog { offers, calls: notes.calls })
    }
}

impl Capabilities for Recorder<'_> {
    fn derive_sr25519_key(&self, contract: &ContractId, salt: &[u8]) -> [u8; 64] {
        self.note(HostCall::OwnKey);
        self.inner.derive_sr25519_key(contract, salt)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.inner.fill_random(buffer);
        self.note(HostCall::Random(buffer.to_vec()));
    }

    fn worker(&self) -> WorkerId {
        let worker = self.inner.worker();
        self.note(HostCall::Worker(worker));
        worker
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        let now_ms = self.inner.untrusted_now_ms();
        self.note(HostCall::Clock(now_ms));
        now_ms
    }

    fn http(&self) -> Option<&dyn HttpClient> {
        self.inner.http().map(|_| self as &dyn HttpClient)
    }

    fn cache(&self) -> Option<&dyn ContractCache> {
        self.inner.cache().map(|_| self as &dyn ContractCache)
    }

    fn scripts(&self) -> Option<&dyn ScriptEngine> {
        self.inner.scripts().map(|_| self as &dyn ScriptEngine)
    }

    fn quote(&self) -> Option<WorkerQuote> {
        let quote = self.inner.quote();
        self.note(HostCall::Quote(quote.clone()));
        quote
    }

    fn turn(&self) -> &dyn Turn {
        self.inner.turn()
    }

    fn looks_at(&self, fact: ClusterFact) {
        self.inner.looks_at(fact);
    }
}

impl HttpClient for Recorder<'_> {
    fn send(
        &self,
        contract: &ContractId,
        requests: Vec<HttpRequest>,
        bounds: HttpBounds,
    ) -> Vec<Result<HttpResponse, HttpError>> {
        let asked = asked(&(contract, &requests));
        let answers = match self.inner.http() {
            Some(http) => http.send(contract, requests, bounds),
            None => Vec::new(),
        };
        self.note(HostCall::Http(asked, answers.clone()));
        answers
    }
}

impl ContractCache for Recorder<'_> {
    fn get(&self, contract: &ContractId, key: &[u8]) -> Option<Vec<u8>> {
        let value = self.inner.cache()?.get(contract, key);
        self.note(HostCall::CacheGet(asked(&(contract, key)), value.clone()));
        value
    }

    fn set(&self, contract: &ContractId, key: &[u8], value: &[u8]) -> Result<(), CacheFull> {
        let done = self.inner.cache().ok_or(CacheFull)?.set(contract, key, value);
        self.note(HostCall::CacheSet(asked(&(contract, key, value)), done.is_ok()));
        done
    }

    fn set_expiration(&self, contract: &ContractId, key: &[u8], seconds: u64) {
        if let Some(cache) = self.inner.cache() {
            cache.set_expiration(contract, key, seconds);
        }
    }

    fn remove(&self, contract: &ContractId, key: &[u8]) -> Option<Vec<u8>> {
        let value = self.inner.cache()?.remove(contract, key);
        self.note(HostCall::CacheRemove(asked(&(contract, key)), value.clone()));
        value
    }
}

impl ScriptEngine for Recorder<'_> {
    fn evaluate(
        &self,
        codes: &[JsCode],
        arguments: &[String],
        bounds: ScriptBounds<'_>,
    ) -> JsValue {
        let value = match self.inner.scripts() {
            Some(scripts) => scripts.evaluate(codes, arguments, bounds),
            None => JsValue::Undefined,
        };
        self.note(HostCall::Script(asked(&(codes, arguments)), value.clone()));
        value
    }
}

struct Playing {
    next: usize,
    failed: Option<NotPlayed>,
}

/// A log in place of a worker. It has no end of time: the query ended in time when it was recorded.
pub struct Player<'a> {
    log: &'a HostLog,
    /// Hears what the contract looks at.
    beside: &'a dyn Capabilities,
    playing: Mutex<Playing>,
}

impl<'a> Player<'a> {
    /// Answers from `log`; tells `beside` what the contract looks at.
    pub fn new(log: &'a HostLog, beside: &'a dyn Capabilities) -> Self {
        let playing = Playing { next: 0, failed: None };
        Self { log, beside, playing: Mutex::new(playing) }
    }

    /// Whether everything that the contract asked for was there, and nothing else.
    ///
    /// # Errors
    /// The first thing that was not.
    pub fn finish(self) -> Result<(), NotPlayed> {
        let playing = self.playing.into_inner().unwrap_or_else(PoisonError::into_inner);
        match playing.failed {
            Some(failed) => Err(failed),
            None if playing.next < self.log.calls.len() => {
                Err(NotPlayed::Left { made: playing.next, logged: self.log.calls.len() })
            }
            None => Ok(()),
        }
    }

    /// The next answer, if it is what `wanted` takes.
    fn next<T>(&self, what: &'static str, wanted: impl FnOnce(&HostCall) -> Option<T>) -> Option<T> {
        let mut playing = lock(&self.playing);
        if playing.failed.is_some() {
            return None;
        }
        match self.log.calls.get(playing.next).and_then(wanted) {
            Some(answer) => {
                playing.next += 1;
                Some(answer)
            }
            None => {
                playing.failed = Some(NotPlayed::Differs(what));
                None
            }
        }
    }
}

impl Capabilities for Player<'_> {
    fn derive_sr25519_key(&self, _: &ContractId, _: &[u8]) -> [u8; 64] {
        lock(&self.playing).failed.get_or_insert(NotPlayed::OwnKey);
        // The scalar 1: a key that everybody knows. What comes of it is thrown away.
        let mut nobodys = [0; 64];
        nobodys[0] = 1;
        nobodys
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        let length = buffer.len();
        let bytes = self.next("random bytes", |call| match call {
            HostCall::Random(bytes) if bytes.len() == length => Some(bytes.clone()),
            _ => None,
        });
        match bytes {
            Some(bytes) => buffer.copy_from_slice(&bytes),
            None => buffer.fill(0),
        }
    }

    fn worker(&self) -> WorkerId {
        let worker = self.next("the worker's identity", |call| match call {
            HostCall::Worker(worker) => Some(*worker),
            _ => None,
        });
        worker.unwrap_or_default()
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        let now_ms = self.next("the clock", |call| match call {
            HostCall::Clock(now_ms) => Some(*now_ms),
            _ => None,
        });
        now_ms.unwrap_or_default()
    }

    fn http(&self) -> Option<&dyn HttpClient> {
        self.log.offers.0.then_some(self as &dyn HttpClient)
    }

    fn cache(&self) -> Option<&dyn ContractCache> {
        self.log.offers.1.then_some(self as &dyn ContractCache)
    }

    fn scripts(&self) -> Option<&dyn ScriptEngine> {
        self.log.offers.2.then_some(self as &dyn ScriptEngine)
    }

    fn quote(&self) -> Option<WorkerQuote> {
        self.next("the worker's quote", |call| match call {
            HostCall::Quote(quote) => Some(quote.clone()),
            _ => None,
        })
        .flatten()
    }

    fn turn(&self) -> &dyn Turn {
        &Unshared
    }

    fn looks_at(&self, fact: ClusterFact) {
        self.beside.looks_at(fact);
    }
}

impl HttpClient for Player<'_> {
    fn send(
        &self,
        contract: &ContractId,
        requests: Vec<HttpRequest>,
        _: HttpBounds,
    ) -> Vec<Result<HttpResponse, HttpError>> {
        let this = asked(&(contract, &requests));
        let answers = self.next("HTTP requests", |call| match call {
            HostCall::Http(of, answers) if *of == this => Some(answers.clone()),
            _ => None,
        });
        answers.unwrap_or_default()
    }
}

impl ContractCache for Player<'_> {
    fn get(&self, contract: &ContractId, key: &[u8]) -> Option<Vec<u8>> {
        let this = asked(&(contract, key));
        self.next("a value of the cache", |call| match call {
            HostCall::CacheGet(of, value) if *of == this => Some(value.clone()),
            _ => None,
        })
        .flatten()
    }

    fn set(&self, contract: &ContractId, key: &[u8], value: &[u8]) -> Result<(), CacheFull> {
        let this = asked(&(contract, key, value));
        let fits = self.next("a value for the cache", |call| match call {
            HostCall::CacheSet(of, fits) if *of == this => Some(*fits),
            _ => None,
        });
        fits.unwrap_or(true).then_some(()).ok_or(CacheFull)
    }

    fn set_expiration(&self, _: &ContractId, _: &[u8], _: u64) {}

    fn remove(&self, contract: &ContractId, key: &[u8]) -> Option<Vec<u8>> {
        let this = asked(&(contract, key));
        self.next("a value taken out of the cache", |call| match call {
            HostCall::CacheRemove(of, value) if *of == this => Some(value.clone()),
            _ => None,
        })
        .flatten()
    }
}

impl ScriptEngine for Player<'_> {
    fn evaluate(&self, codes: &[JsCode], arguments: &[String], _: ScriptBounds<'_>) -> JsValue {
        let this = asked(&(codes, arguments));
        let value = self.next("a script", |call| match call {
            HostCall::Script(of, value) if *of == this => Some(value.clone()),
            _ => None,
        });
        value.unwrap_or(JsValue::Undefined)
    }
}
