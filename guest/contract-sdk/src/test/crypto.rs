//! Keys and signatures, as a worker makes them.

use blake2::Digest as _;
use blake2::digest::consts::U32;
use contract_abi::Bytes32;
use contract_abi::extension::SignatureKind;

/// The context of sr25519 signatures.
const CONTEXT: &[u8] = b"substrate";

pub fn blake2_256(parts: &[&[u8]]) -> Bytes32 {
    let mut hasher = blake2::Blake2b::<U32>::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// A secret for a salt; the one contract under test has its own cluster, so to say.
pub fn derive(salt: &[u8]) -> Vec<u8> {
    let seed = blake2_256(&[b"double of a cluster's key", salt]);
    let mini = schnorrkel::MiniSecretKey::from_bytes(&seed).expect("any 32 bytes are one");
    let secret = mini.expand(schnorrkel::ExpansionMode::Ed25519);
    secret.to_bytes().to_vec()
}

fn sr25519(key: &[u8]) -> schnorrkel::Keypair {
    let secret = schnorrkel::SecretKey::from_bytes(key);
    secret.expect("an sr25519 secret is 64 bytes: scalar, nonce").to_keypair()
}

fn ed25519(key: &[u8]) -> ed25519_dalek::SigningKey {
    let seed: &Bytes32 = key.try_into().expect("an ed25519 secret is 32 bytes");
    ed25519_dalek::SigningKey::from_bytes(seed)
}

fn ecdsa(key: &[u8]) -> k256::ecdsa::SigningKey {
    k256::ecdsa::SigningKey::from_slice(key).expect("an ECDSA secret is 32 bytes")
}

pub fn public_key(kind: SignatureKind, key: &[u8]) -> Vec<u8> {
    match kind {
        SignatureKind::Sr25519 => sr25519(key).public.to_bytes().to_vec(),
        SignatureKind::Ed25519 => ed25519(key).verifying_key().to_bytes().to_vec(),
        SignatureKind::Ecdsa => {
            let point = ecdsa(key).verifying_key().to_encoded_point(true);
            point.as_bytes().to_vec()
        }
    }
}

pub fn sign(kind: SignatureKind, key: &[u8], message: &[u8]) -> Vec<u8> {
    use ed25519_dalek::Signer as _;
    match kind {
        SignatureKind::Sr25519 => {
            let signature = sr25519(key).sign_simple(CONTEXT, message);
            signature.to_bytes().to_vec()
        }
        SignatureKind::Ed25519 => ed25519(key).sign(message).to_bytes().to_vec(),
        SignatureKind::Ecdsa => ecdsa_sign(key, &blake2_256(&[message])).to_vec(),
    }
}

pub fn verify(kind: SignatureKind, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let valid = match kind {
        SignatureKind::Sr25519 => verify_sr25519(key, message, signature),
        SignatureKind::Ed25519 => verify_ed25519(key, message, signature),
        SignatureKind::Ecdsa => key.try_into().ok().zip(signature.try_into().ok()).map(
            |(key, signature)| ecdsa_verify(key, &blake2_256(&[message]), signature),
        ),
    };
    valid.unwrap_or(false)
}

fn verify_sr25519(key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = schnorrkel::PublicKey::from_bytes(key).ok()?;
    let signature = schnorrkel::Signature::from_bytes(signature).ok()?;
    Some(key.verify_simple(CONTEXT, message, &signature).is_ok())
}

fn verify_ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    Some(key.verify_strict(message, &signature).is_ok())
}

pub fn ecdsa_sign(key: &[u8], hash: &Bytes32) -> [u8; 65] {
    let (signature, recovery) =
        ecdsa(key).sign_prehash_recoverable(hash).expect("a hash is as long as a scalar");
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&signature.to_bytes());
    bytes[64] = recovery.to_byte();
    bytes
}

pub fn ecdsa_verify(key: &[u8; 33], hash: &Bytes32, signature: &[u8; 65]) -> bool {
    use k256::ecdsa::signature::hazmat::PrehashVerifier as _;
    let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(key);
    let parsed = k256::ecdsa::Signature::from_slice(&signature[..64]);
    key.ok().zip(parsed.ok()).is_some_and(|(key, signature)| {
        key.verify_prehash(hash, &signature).is_ok()
    })
}
