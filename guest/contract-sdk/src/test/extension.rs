//! The functions of the pink extension, as a worker answers them.

use codec::{Decode, Encode};
use contract_abi::event::{CacheOp, PinkEvent};
use contract_abi::extension::{
    CACHE_QUOTA_EXCEEDED, Function, RUNTIME_VERSION, SignatureKind, WorkerQuote,
};
use contract_abi::http::{HttpError, HttpRequest, HttpResponse, STATUS_TIMEOUT, STATUS_UNREACHABLE};
use contract_abi::script::{JsCode, JsValue};
use contract_abi::Bytes32;

use super::{SYSTEM, State, crypto, with};
use crate::log::Level;

/// The function's output, or its status.
pub fn answer(function: Function, input: &[u8]) -> Result<Vec<u8>, u32> {
    let in_transaction = with(|state| state.in_transaction);
    let output = match function {
        Function::HttpRequest => http_request(read(input)).encode(),
        Function::BatchHttpRequest if in_transaction => {
            return Err(HttpError::NotAllowed.status());
        }
        Function::BatchHttpRequest => {
            let (requests, _timeout_ms): (Vec<HttpRequest>, u64) = read(input);
            requests.into_iter().map(send).collect::<Vec<_>>().encode()
        }
        Function::Sign => {
            let (kind, key, message): (SignatureKind, Vec<u8>, Vec<u8>) = read(input);
            match kind == SignatureKind::Sr25519 && in_transaction {
                true => Vec::<u8>::new().encode(),
                false => crypto::sign(kind, &key, &message).encode(),
            }
        }
        Function::Verify => {
            let (kind, key, message, signature): (_, Vec<u8>, Vec<u8>, Vec<u8>) = read(input);
            crypto::verify(kind, &key, &message, &signature).encode()
        }
        Function::DeriveSr25519Key => crypto::derive(&read::<Vec<u8>>(input)).encode(),
        Function::GetPublicKey => {
            let (kind, key): (_, Vec<u8>) = read(input);
            crypto::public_key(kind, &key).encode()
        }
        Function::EcdsaSignPrehashed => {
            let (key, hash): (Vec<u8>, Bytes32) = read(input);
            crypto::ecdsa_sign(&key, &hash).encode()
        }
        Function::EcdsaVerifyPrehashed => {
            let (signature, hash, key): ([u8; 65], Bytes32, [u8; 33]) = read(input);
            crypto::ecdsa_verify(&key, &hash, &signature).encode()
        }
        Function::JsEval => {
            let (codes, arguments) = read(input);
            js_eval(in_transaction, codes, arguments).encode()
        }
        of_state => return with(|state| state.answer(of_state, input)),
    };
    Ok(output)
}

impl State {
    fn answer(&mut self, function: Function, input: &[u8]) -> Result<Vec<u8>, u32> {
        let query = !self.in_transaction;
        let output = match function {
            Function::CacheSet => {
                let (key, value): (Vec<u8>, Vec<u8>) = read(input);
                if query && self.cache_is_full {
                    return Err(CACHE_QUOTA_EXCEEDED);
                }
                self.change(CacheOp::Set { key, value });
                Vec::new()
            }
            Function::CacheSetExpiration => {
                let (key, expiration) = read(input);
                self.change(CacheOp::SetExpiration { key, expiration });
                Vec::new()
            }
            Function::CacheGet => self.cached(&read::<Vec<u8>>(input)).encode(),
            Function::CacheRemove => {
                let key: Vec<u8> = read(input);
                let old = self.cached(&key);
                self.change(CacheOp::Remove { key });
                old.encode()
            }
            Function::Log => {
                let (level, text): (u8, String) = read(input);
                self.logs.push((level_of(level), text));
                Vec::new()
            }
            Function::GetRandom => {
                let length: u8 = read(input);
                let bytes = if query { self.draw(length) } else { Vec::new() };
                bytes.encode()
            }
            Function::IsInTransaction => self.in_transaction.encode(),
            Function::SystemContractId => SYSTEM.encode(),
            Function::BalanceOf => {
                let balance = self.balances.get(&read::<Bytes32>(input));
                balance.copied().unwrap_or_default().encode()
            }
            Function::WorkerPubkey if query => self.worker.encode(),
            Function::WorkerPubkey => [0_u8; 32].encode(),
            Function::UntrustedMillisSinceUnixEpoch if query => self.now_ms.encode(),
            Function::UntrustedMillisSinceUnixEpoch => 0_u64.encode(),
            Function::CodeExists => {
                let (hash, is_sidevm): (Bytes32, bool) = read(input);
                (!is_sidevm && self.codes.contains(&hash)).encode()
            }
            Function::RuntimeVersion => RUNTIME_VERSION.encode(),
            Function::CurrentEventChainHead => (0_u64, [0_u8; 32]).encode(),
            Function::WorkerSgxQuote => None::<WorkerQuote>.encode(),
            other => panic!("{other:?} ends the call of a contract that may not use it"),
        };
        Ok(output)
    }

    /// Carries out a change; in a transaction it is an effect.
    fn change(&mut self, change: CacheOp) {
        match self.in_transaction {
            true => self.emit(&PinkEvent::CacheOp(change)),
            false => self.change_cache(change),
        }
    }

    fn cached(&self, key: &[u8]) -> Option<Vec<u8>> {
        let cached = self.cache.get(key).filter(|_| !self.in_transaction)?;
        (cached.end_ms > self.now_ms).then(|| cached.value.clone())
    }

    fn draw(&mut self, length: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < usize::from(length) {
            let counter = self.random_drawn.to_le_bytes();
            bytes.extend(crypto::blake2_256(&[&self.random_seed, &counter]));
            self.random_drawn += 1;
        }
        bytes.truncate(length.into());
        bytes
    }
}

fn level_of(level: u8) -> Level {
    match level {
        1 => Level::Error,
        2 => Level::Warn,
        3 => Level::Info,
        4 => Level::Debug,
        _ => Level::Trace,
    }
}

/// The test's answer is taken out while it runs: it may use the worker itself.
fn send(request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let taken = with(|state| {
        state.requests.push(request.clone());
        state.on_http.take()
    });
    let Some(mut answer) = taken else {
        return Err(HttpError::NetworkError);
    };
    let result = answer(&request);
    with(|state| {
        state.on_http.get_or_insert(answer);
    });
    result
}

fn http_request(request: HttpRequest) -> HttpResponse {
    let failed = |status_code, reason: &str| HttpResponse {
        status_code,
        reason_phrase: reason.into(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    if with(|state| state.in_transaction) {
        return failed(STATUS_UNREACHABLE, "API Unavailable");
    }
    send(request).unwrap_or_else(|error| match error {
        HttpError::Timeout => failed(STATUS_TIMEOUT, "Timeout"),
        _ => failed(STATUS_UNREACHABLE, "Unreachable"),
    })
}

fn js_eval(in_transaction: bool, codes: Vec<JsCode>, arguments: Vec<String>) -> JsValue {
    if in_transaction {
        let reason = "Js evaluation is not supported in transaction";
        return JsValue::Exception(reason.into());
    }
    let Some(mut evaluate) = with(|state| state.on_js.take()) else {
        return JsValue::Exception("the test gave no JavaScript: Worker::on_js".into());
    };
    let value = evaluate(&codes, &arguments);
    with(|state| {
        state.on_js.get_or_insert(evaluate);
    });
    value
}

fn read<T: Decode>(mut input: &[u8]) -> T {
    T::decode(&mut input).expect("the SDK keeps to the interface")
}
