//! Keys, signatures and random bytes.

use contract_abi::extension::SignatureKind;
use zeroize::Zeroizing;

use crate::crypto;
use crate::host::Guest;
use crate::limits::cost;
use crate::stop::Stop;

fn bad_key(error: crypto::NotAKey) -> Stop {
    Stop::trap(error.to_string())
}

/// Charges for a signature over `bytes`.
fn charge_signature(guest: &mut Guest<'_>, bytes: &[u8]) -> Result<(), Stop> {
    guest.charge(cost::SIGNATURE)?;
    guest.charge(cost::HASH_BYTE.saturating_mul(bytes.len() as u64))
}

pub fn sign(guest: &mut Guest<'_>, input: &[u8]) -> Result<Vec<u8>, Stop> {
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

pub fn verify(guest: &mut Guest<'_>, input: &[u8]) -> Result<bool, Stop> {
    charge_signature(guest, input)?;
    let (kind, public, message, signature): (SignatureKind, Vec<u8>, Vec<u8>, Vec<u8>) =
        guest.decode(input)?;
    Ok(crypto::verify(kind, &public, &message, &signature))
}

pub fn derive_sr25519_key(guest: &mut Guest<'_>, input: &[u8]) -> Result<Vec<u8>, Stop> {
    charge_signature(guest, input)?;
    let salt: Vec<u8> = guest.decode(input)?;
    let contract = guest.frame().contract;
    let key = guest
        .execution()?
        .capabilities()
        .derive_sr25519_key(&contract, &salt);
    Ok(Zeroizing::new(key).to_vec())
}

pub fn get_public_key(guest: &mut Guest<'_>, input: &[u8]) -> Result<Vec<u8>, Stop> {
    guest.charge(cost::SIGNATURE)?;
    let (kind, key): (SignatureKind, Vec<u8>) = guest.decode(input)?;
    crypto::public_key(kind, &Zeroizing::new(key)).map_err(bad_key)
}

pub fn getrandom(guest: &mut Guest<'_>, input: &[u8]) -> Result<Vec<u8>, Stop> {
    let length: u8 = guest.decode(input)?;
    let execution = guest.execution()?;
    if !execution.is_query() {
        return Ok(Vec::new());
    }
    let mut bytes = vec![0; length.into()];
    execution.capabilities().fill_random(&mut bytes);
    Ok(bytes)
}

pub fn ecdsa_sign_prehashed(guest: &mut Guest<'_>, input: &[u8]) -> Result<[u8; 65], Stop> {
    guest.charge(cost::SIGNATURE)?;
    let (key, hash): (Vec<u8>, [u8; 32]) = guest.decode(input)?;
    crypto::ecdsa_sign_prehashed(&Zeroizing::new(key), &hash).map_err(bad_key)
}

pub fn ecdsa_verify_prehashed(guest: &mut Guest<'_>, input: &[u8]) -> Result<bool, Stop> {
    guest.charge(cost::SIGNATURE)?;
    let (signature, hash, public): ([u8; 65], [u8; 32], [u8; 33]) = guest.decode(input)?;
    Ok(crypto::ecdsa_verify_prehashed(&signature, &hash, &public))
}
