//! Recoverable secp256k1 signatures, as wallets of Substrate and of Ethereum make them.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use sha3::{Digest, Keccak256};

/// Ends an account that stands for an Ethereum address.
const EVM_ACCOUNT_SUFFIX: &[u8; 12] = b"@evm_address";
/// What wallets of Ethereum add to the number of the recovered key.
const EVM_RECOVERY_OFFSET: u8 = 27;

pub(crate) fn keccak_256(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

/// Whether `signature`, with the number of its key at the end, is one of the compressed `public` over
/// the hash.
pub(crate) fn verify(public: &[u8; 33], hash: &[u8; 32], signature: &[u8; 65]) -> bool {
    recover(hash, signature).is_some_and(|key| key.to_encoded_point(true).as_bytes() == public)
}

fn recover(hash: &[u8; 32], signature: &[u8; 65]) -> Option<VerifyingKey> {
    let (rs, v) = signature.split_at(64);
    let v = *v.first()?;
    let number = v.checked_sub(EVM_RECOVERY_OFFSET).unwrap_or(v);
    let recovery = RecoveryId::from_byte(number)?;
    let signature = Signature::from_slice(rs).ok()?;
    VerifyingKey::recover_from_prehash(hash, &signature, recovery).ok()
}

/// The account of the Ethereum address of a key: the address, and a text that no other account ends in.
pub(crate) fn evm_account(public: &[u8; 33]) -> Option<[u8; 32]> {
    let key = VerifyingKey::from_sec1_bytes(public).ok()?;
    let point = key.to_encoded_point(false);
    let hash = keccak_256(point.as_bytes().get(1..)?);
    let mut account = [0; 32];
    account[..20].copy_from_slice(&hash[12..]);
    account[20..].copy_from_slice(EVM_ACCOUNT_SUFFIX);
    Some(account)
}
