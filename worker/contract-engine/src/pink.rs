//! The pink chain extension: what a contract on a worker may do that one on a chain may not.
//!
//! The identifier is extension ‖ function, 16 bits each; pink is extension 0. Arguments are SCALE, one
//! after another; so is the result. In a transaction, and in an estimate of one, what would differ
//! between workers is replaced: sr25519 signatures and random bytes are empty, the worker's key and
//! time are zero.
//!
//! HTTP, the cache, JavaScript, system code, the event chain and quotes are not offered yet; a
//! contract that asks for them traps with their name.

use codec::Encode;
use primitives::{AccountId, CodeHash};
use zeroize::Zeroizing;

use crate::crypto::{self, SignatureKind};
use crate::host::{Guest, code::SUCCESS};
use crate::limits::{INPUT_BYTES_MAX, cost};
use crate::stop::Stop;

/// The version of the interface that contracts are told.
const RUNTIME_VERSION: (u32, u32) = (1, 2);

/// Names of levels of a log, from 1.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The functions that this engine does not offer yet.
const NOT_OFFERED: [(u16, &str); 10] = [
    (1, "http_request"),
    (6, "cache_set"),
    (7, "cache_set_expiration"),
    (8, "cache_get"),
    (9, "cache_remove"),
    (15, "system_contract_id"),
    (20, "import_latest_system_code"),
    (22, "batch_http_request"),
    (23, "current_event_chain_head"),
    (24, "js_eval"),
];

/// Calls a function of the extension.
pub fn call(
    guest: &mut Guest<'_>,
    id: u32,
    input: u32,
    len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Stop> {
    let (extension, function) = (id >> 16, id as u16);
    if extension != 0 {
        return Err(Stop::trap(format!(
            "there is no chain extension {extension}"
        )));
    }
    // Arguments may be secret keys.
    let input = Zeroizing::new(guest.read(input, len, INPUT_BYTES_MAX, "the arguments")?);
    let result = Zeroizing::new(run(guest, function, &input)?);
    guest.write_output(out, out_len, &result)?;
    Ok(SUCCESS)
}

fn run(guest: &mut Guest<'_>, function: u16, input: &[u8]) -> Result<Vec<u8>, Stop> {
    Ok(match function {
        2 => sign(guest, input)?.encode(),
        3 => verify(guest, input)?.encode(),
        4 => derive_sr25519_key(guest, input)?.encode(),
        5 => get_public_key(guest, input)?.encode(),
        10 => log(guest, input)?,
        11 => getrandom(guest, input)?.encode(),
        12 => {
            guest.decode::<()>(input)?;
            (!guest.execution()?.is_query()).encode()
        }
        13 => ecdsa_sign_prehashed(guest, input)?.encode(),
        14 => ecdsa_verify_prehashed(guest, input)?.encode(),
        16 => balance_of(guest, input)?.encode(),
        17 => worker_pubkey(guest, input)?.encode(),
        18 => untrusted_millis(guest, input)?.encode(),
        19 => code_exists(guest, input)?.encode(),
        21 => RUNTIME_VERSION.encode(),
        // A worker without a quote to show, as far as contracts are concerned.
        25 => None::<()>.encode(),
        other => return Err(unknown(other)),
    })
}

fn unknown(function: u16) -> Stop {
    match NOT_OFFERED.iter().find(|(id, _)| *id == function) {
        Some((id, name)) => {
            Stop::trap(format!("pink::{name} ({id}) is not offered by this worker"))
        }
        None => Stop::trap(format!(
            "there is no function {function} in the pink extension"
        )),
    }
}

fn bad_key(error: crypto::NotAKey) -> Stop {
    Stop::trap(error.to_string())
}

/// Charges for a signature over `bytes`.
fn charge_signature(guest: &mut Guest<'_>, bytes: &[u8]) -> Result<(), Stop> {
    guest.charge(cost::SIGNATURE)?;
    guest.charge(cost::HASH_BYTE.saturating_mul(bytes.len() as u64))
}

fn sign(guest: &mut Guest<'_>, input: &[u8]) -> Result<Vec<u8>, Stop> {
    charge_signature(guest, input)?;
    let (kind, key, message): (SignatureKind, Vec<u8>, Vec<u8>) = guest.decode(input)?;
    let key = Zeroizing::new(key);
    let execution = guest.execution()?;
    if kind == SignatureKind::Sr25519 && !execution.is_query() {
        // Its nonce is random, so that no two workers would agree on the result.
        return Ok(Vec::new());
    }
    let random = |to: &mut [u8]| execution.capabilities().fill_random(to);
    crypto::sign(kind, &key, &message, random).map_err(bad_key)
}

fn verify(guest: &mut Guest<'_>, input: &[u8]) -> Result<bool, Stop> {
    charge_signature(guest, input)?;
    let (kind, public, message, signature): (SignatureKind, Vec<u8>, Vec<u8>, Vec<u8>) =
        guest.decode(input)?;
    Ok(crypto::verify(kind, &public, &message, &signature))
}

fn derive_sr25519_key(guest: &mut Guest<'_>, input: &[u8]) -> Result<Vec<u8>, Stop> {
    charge_signature(guest, input)?;
    let salt: Vec<u8> = guest.decode(input)?;
    let contract = guest.frame().contract;
    let key = guest
        .execution()?
        .capabilities()
        .derive_sr25519_key(&contract, &salt);
    Ok(Zeroizing::new(key).to_vec())
}

fn get_public_key(guest: &mut Guest<'_>, input: &[u8]) -> Result<Vec<u8>, Stop> {
    guest.charge(cost::SIGNATURE)?;
    let (kind, key): (SignatureKind, Vec<u8>) = guest.decode(input)?;
    crypto::public_key(kind, &Zeroizing::new(key)).map_err(bad_key)
}

/// Adds a line to the text for debugging.
fn log(guest: &mut Guest<'_>, input: &[u8]) -> Result<Vec<u8>, Stop> {
    guest.charge(cost::EVENT_BYTE.saturating_mul(input.len() as u64))?;
    let (level, message): (u8, String) = guest.decode(input)?;
    let level = usize::from(level)
        .checked_sub(1)
        .and_then(|level| LEVELS.get(level));
    let level = level.ok_or_else(|| Stop::trap("the level of a log is 1 to 5"))?;
    let execution = guest.execution()?;
    execution.debug(format!("[{level}] ").as_bytes());
    execution.debug(message.as_bytes());
    execution.debug(b"\n");
    Ok(Vec::new())
}

fn getrandom(guest: &mut Guest<'_>, input: &[u8]) -> Result<Vec<u8>, Stop> {
    let length: u8 = guest.decode(input)?;
    let execution = guest.execution()?;
    if !execution.is_query() {
        return Ok(Vec::new());
    }
    let mut bytes = vec![0; length.into()];
    execution.capabilities().fill_random(&mut bytes);
    Ok(bytes)
}

fn ecdsa_sign_prehashed(guest: &mut Guest<'_>, input: &[u8]) -> Result<[u8; 65], Stop> {
    guest.charge(cost::SIGNATURE)?;
    let (key, hash): (Vec<u8>, [u8; 32]) = guest.decode(input)?;
    crypto::ecdsa_sign_prehashed(&Zeroizing::new(key), &hash).map_err(bad_key)
}

fn ecdsa_verify_prehashed(guest: &mut Guest<'_>, input: &[u8]) -> Result<bool, Stop> {
    guest.charge(cost::SIGNATURE)?;
    let (signature, hash, public): ([u8; 65], [u8; 32], [u8; 33]) = guest.decode(input)?;
    Ok(crypto::ecdsa_verify_prehashed(&signature, &hash, &public))
}

/// The balance inside the cluster, twice: all of it is free.
fn balance_of(guest: &mut Guest<'_>, input: &[u8]) -> Result<(u128, u128), Stop> {
    guest.charge(cost::STORAGE_READ)?;
    let account: AccountId = guest.decode(input)?;
    let balance = guest.execution()?.balance(&account)?;
    Ok((balance, balance))
}

fn worker_pubkey(guest: &mut Guest<'_>, input: &[u8]) -> Result<[u8; 32], Stop> {
    guest.decode::<()>(input)?;
    let execution = guest.execution()?;
    Ok(if execution.is_query() {
        execution.capabilities().worker().0
    } else {
        [0; 32]
    })
}

fn untrusted_millis(guest: &mut Guest<'_>, input: &[u8]) -> Result<u64, Stop> {
    guest.decode::<()>(input)?;
    let execution = guest.execution()?;
    Ok(if execution.is_query() {
        execution.capabilities().untrusted_now_ms()
    } else {
        0
    })
}

/// No SideVM code exists in a cluster of this engine.
fn code_exists(guest: &mut Guest<'_>, input: &[u8]) -> Result<bool, Stop> {
    guest.charge(cost::STORAGE_READ)?;
    let (code_hash, is_sidevm): (CodeHash, bool) = guest.decode(input)?;
    Ok(!is_sidevm && guest.execution()?.code_exists(&code_hash)?)
}
