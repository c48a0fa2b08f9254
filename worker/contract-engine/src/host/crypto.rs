//! Hashes and signatures.

use super::Guest;
use super::code::{ECDSA_RECOVERY_FAILED, SR25519_VERIFY_FAILED, SUCCESS};
use crate::crypto;
use crate::limits::{INPUT_BYTES_MAX, cost};
use crate::stop::Stop;

fn hash<const N: usize>(
    guest: &mut Guest<'_>,
    (input, len): (u32, u32),
    out: u32,
    function: fn(&[u8]) -> [u8; N],
) -> Result<(), Stop> {
    guest.charge(cost::HASH)?;
    guest.charge_each(cost::HASH_BYTE, len)?;
    let input = guest.read(input, len, INPUT_BYTES_MAX, "what is hashed")?;
    guest.write(out, &function(&input))
}

pub fn sha2_256(guest: &mut Guest<'_>, input: u32, len: u32, out: u32) -> Result<(), Stop> {
    hash(guest, (input, len), out, crypto::sha2_256)
}

pub fn keccak_256(guest: &mut Guest<'_>, input: u32, len: u32, out: u32) -> Result<(), Stop> {
    hash(guest, (input, len), out, crypto::keccak_256)
}

pub fn blake2_256(guest: &mut Guest<'_>, input: u32, len: u32, out: u32) -> Result<(), Stop> {
    hash(guest, (input, len), out, crypto::blake2_256)
}

pub fn blake2_128(guest: &mut Guest<'_>, input: u32, len: u32, out: u32) -> Result<(), Stop> {
    hash(guest, (input, len), out, crypto::blake2_128)
}

pub fn ecdsa_recover(g: &mut Guest<'_>, signature: u32, hash: u32, out: u32) -> Result<u32, Stop> {
    g.charge(cost::SIGNATURE)?;
    let (signature, hash) = (g.read_array(signature)?, g.read_array(hash)?);
    match crypto::ecdsa_recover(&signature, &hash) {
        Some(key) => g.write(out, &key).map(|()| SUCCESS),
        None => Ok(ECDSA_RECOVERY_FAILED),
    }
}

pub fn ecdsa_to_eth_address(guest: &mut Guest<'_>, public: u32, out: u32) -> Result<u32, Stop> {
    guest.charge(cost::SIGNATURE)?;
    match crypto::ethereum_address(&guest.read_array(public)?) {
        Some(address) => guest.write(out, &address).map(|()| SUCCESS),
        None => Ok(ECDSA_RECOVERY_FAILED),
    }
}

pub fn sr25519_verify(
    guest: &mut Guest<'_>,
    signature: u32,
    public: u32,
    len: u32,
    message: u32,
) -> Result<u32, Stop> {
    guest.charge(cost::SIGNATURE)?;
    guest.charge_each(cost::HASH_BYTE, len)?;
    let signature: [u8; 64] = guest.read_array(signature)?;
    let public: [u8; 32] = guest.read_array(public)?;
    let message = guest.read(message, len, INPUT_BYTES_MAX, "the message")?;
    Ok(
        match crypto::sr25519_verify(&public, &message, &signature) {
            true => SUCCESS,
            false => SR25519_VERIFY_FAILED,
        },
    )
}
