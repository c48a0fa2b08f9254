//! Hashes and signatures that contracts may use. Pure functions over bytes; secrets are wiped.

use blake2::digest::consts::{U16, U32};
use blake2::{Blake2b, Digest as _};
use ed25519_dalek::Signer as _;
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use rand_core::{CryptoRng, RngCore};
use schnorrkel::{MiniSecretKey, PublicKey, SecretKey};
use zeroize::Zeroizing;

use contract_abi::extension::SignatureKind;

/// The label of Substrate's sr25519 signatures.
const SR25519_CONTEXT: &[u8] = b"substrate";

/// The bytes are not a key of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are not a secret key of this kind")]
pub struct NotAKey;

pub fn blake2_256(bytes: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::digest(bytes).into()
}

pub fn blake2_128(bytes: &[u8]) -> [u8; 16] {
    Blake2b::<U16>::digest(bytes).into()
}

pub fn sha2_256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

pub fn keccak_256(bytes: &[u8]) -> [u8; 32] {
    sha3::Keccak256::digest(bytes).into()
}

/// Random bytes from a closure, in the form that schnorrkel wants them.
struct Random<F>(F);

impl<F: FnMut(&mut [u8])> RngCore for Random<F> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        (self.0)(to);
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rand_core::Error> {
        (self.0)(to);
        Ok(())
    }
}

impl<F: FnMut(&mut [u8])> CryptoRng for Random<F> {}

/// A secret of 64 bytes is scalar ‖ nonce; one of 32 bytes is a seed, expanded as Ed25519 does.
fn sr25519_secret(key: &[u8]) -> Result<SecretKey, NotAKey> {
    match key.len() {
        32 => MiniSecretKey::from_bytes(key)
            .map(|seed| seed.expand(MiniSecretKey::ED25519_MODE))
            .map_err(|_| NotAKey),
        64 => SecretKey::from_bytes(key).map_err(|_| NotAKey),
        _ => Err(NotAKey),
    }
}

fn ed25519_secret(key: &[u8]) -> Result<ed25519_dalek::SigningKey, NotAKey> {
    let seed = Zeroizing::new(<[u8; 32]>::try_from(key).map_err(|_| NotAKey)?);
    Ok(ed25519_dalek::SigningKey::from_bytes(&seed))
}

fn ecdsa_secret(key: &[u8]) -> Result<SigningKey, NotAKey> {
    let key = Zeroizing::new(<[u8; 32]>::try_from(key).map_err(|_| NotAKey)?);
    SigningKey::from_slice(&key[..]).map_err(|_| NotAKey)
}

/// Signs `message`. `random` is used by sr25519 alone.
pub fn sign(
    kind: SignatureKind,
    key: &[u8],
    message: &[u8],
    random: impl FnMut(&mut [u8]),
) -> Result<Vec<u8>, NotAKey> {
    match kind {
        SignatureKind::Ed25519 => Ok(ed25519_secret(key)?.sign(message).to_bytes().to_vec()),
        SignatureKind::Ecdsa => Ok(ecdsa_sign_prehashed(key, &blake2_256(message))?.to_vec()),
        SignatureKind::Sr25519 => {
            let secret = sr25519_secret(key)?;
            let transcript = schnorrkel::signing_context(SR25519_CONTEXT).bytes(message);
            let transcript = schnorrkel::context::attach_rng(transcript, Random(random));
            Ok(secret
                .sign(transcript, &secret.to_public())
                .to_bytes()
                .to_vec())
        }
    }
}

/// Whether `signature` of `message` was made by `public`; false for anything malformed.
pub fn verify(kind: SignatureKind, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    match kind {
        SignatureKind::Ed25519 => ed25519_verify(public, message, signature).is_some(),
        SignatureKind::Sr25519 => sr25519_verify(public, message, signature),
        SignatureKind::Ecdsa => match <&[u8; 65]>::try_from(signature) {
            Ok(signature) => ecdsa_verify_prehashed(signature, &blake2_256(message), public),
            Err(_) => false,
        },
    }
}

fn ed25519_verify(public: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let public = ed25519_dalek::VerifyingKey::from_bytes(public.try_into().ok()?).ok()?;
    let signature = ed25519_dalek::Signature::from_bytes(signature.try_into().ok()?);
    public.verify_strict(message, &signature).ok()
}

/// As [`verify`], for Substrate's sr25519.
pub fn sr25519_verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(public) = PublicKey::from_bytes(public) else {
        return false;
    };
    let Ok(signature) = schnorrkel::Signature::from_bytes(signature) else {
        return false;
    };
    public
        .verify_simple(SR25519_CONTEXT, message, &signature)
        .is_ok()
}

/// The public key of a secret: 32 bytes, or 33 for ECDSA.
pub fn public_key(kind: SignatureKind, key: &[u8]) -> Result<Vec<u8>, NotAKey> {
    Ok(match kind {
        SignatureKind::Ed25519 => ed25519_secret(key)?.verifying_key().to_bytes().to_vec(),
        SignatureKind::Sr25519 => sr25519_secret(key)?.to_public().to_bytes().to_vec(),
        SignatureKind::Ecdsa => compressed(ecdsa_secret(key)?.verifying_key()).to_vec(),
    })
}

/// A recoverable signature, r ‖ s ‖ recovery id; deterministic (RFC 6979), s is low.
pub fn ecdsa_sign_prehashed(key: &[u8], hash: &[u8; 32]) -> Result<[u8; 65], NotAKey> {
    let (signature, id) = ecdsa_secret(key)?
        .sign_prehash_recoverable(hash)
        .map_err(|_| NotAKey)?;
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&signature.to_bytes());
    bytes[64] = id.to_byte();
    Ok(bytes)
}

/// Whether `signature` of `hash` was made by the 33-byte key `public`.
pub fn ecdsa_verify_prehashed(signature: &[u8; 65], hash: &[u8; 32], public: &[u8]) -> bool {
    ecdsa_recover(signature, hash).is_some_and(|recovered| recovered == *public)
}

/// The 33-byte key that made `signature`, or `None`. Recovery ids 27 and 28 count as 0 and 1.
pub fn ecdsa_recover(signature: &[u8; 65], hash: &[u8; 32]) -> Option<[u8; 33]> {
    let (bytes, id) = signature.split_at(64);
    let id = *id.first()?;
    let id = RecoveryId::from_byte(if id > 26 { id - 27 } else { id })?;
    let signature = Signature::from_slice(bytes).ok()?;
    // A high s is as valid for recovery; its low twin has the other parity.
    let (signature, id) = match signature.normalize_s() {
        Some(low) => (low, RecoveryId::new(!id.is_y_odd(), id.is_x_reduced())),
        None => (signature, id),
    };
    let key = VerifyingKey::recover_from_prehash(hash, &signature, id).ok()?;
    Some(compressed(&key))
}

/// The Ethereum address of a 33-byte key, or `None` if it is no point of the curve.
pub fn ethereum_address(public: &[u8; 33]) -> Option<[u8; 20]> {
    let key = VerifyingKey::from_sec1_bytes(public).ok()?;
    let point = key.to_encoded_point(false);
    let hash = keccak_256(point.as_bytes().get(1..)?);
    hash.get(12..)?.try_into().ok()
}

fn compressed(key: &VerifyingKey) -> [u8; 33] {
    let point = key.to_encoded_point(true);
    let mut bytes = [0; 33];
    // A compressed point has 33 bytes; shorter ones (the identity) are never a verifying key.
    bytes
        .iter_mut()
        .zip(point.as_bytes())
        .for_each(|(to, from)| *to = *from);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [SignatureKind; 3] = [
        SignatureKind::Ed25519,
        SignatureKind::Sr25519,
        SignatureKind::Ecdsa,
    ];

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        for kind in KINDS {
            let key = [7; 32];
            let public = public_key(kind, &key).unwrap();
            let signature = sign(kind, &key, b"text", |to| to.fill(1)).unwrap();
            assert!(verify(kind, &public, b"text", &signature), "{kind:?}");
            assert!(!verify(kind, &public, b"test", &signature), "{kind:?}");
            assert!(!verify(kind, &public[1..], b"text", &signature), "{kind:?}");
            assert!(!verify(kind, &public, b"text", &signature[1..]), "{kind:?}");
            assert_eq!(
                sign(kind, &key[1..], b"text", |_| ()),
                Err(NotAKey),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_signature_with_high_s_recovers_the_same_key() {
        let hash = blake2_256(b"text");
        let signature = ecdsa_sign_prehashed(&[7; 32], &hash).unwrap();
        let low = Signature::from_slice(&signature[..64]).unwrap();
        let (r, s) = low.split_scalars();
        let high = Signature::from_scalars(r, -s).unwrap();
        let mut twin = signature;
        twin[..64].copy_from_slice(&high.to_bytes());
        twin[64] ^= 1;
        assert_eq!(
            ecdsa_recover(&twin, &hash),
            ecdsa_recover(&signature, &hash)
        );
        twin[64] = 4;
        assert_eq!(ecdsa_recover(&twin, &hash), None);
    }

    #[test]
    fn known_hashes_and_addresses() {
        assert_eq!(
            hex::encode(blake2_128(b"")),
            "cae66941d9efbd404e4d88758ea67670"
        );
        assert!(hex::encode(blake2_256(b"")).starts_with("0e5751c026e543b2"));
        assert!(hex::encode(sha2_256(b"")).starts_with("e3b0c44298fc1c14"));
        assert!(hex::encode(keccak_256(b"")).starts_with("c5d2460186f7233c"));
        // Secret key 1: a well-known address of Ethereum.
        let mut key = [0; 32];
        key[31] = 1;
        let public = public_key(SignatureKind::Ecdsa, &key).unwrap();
        let address = ethereum_address(public[..].try_into().unwrap()).unwrap();
        assert_eq!(
            hex::encode(address),
            "7e5f4552091a69125d5dfcb7b8c2659029395bdf"
        );
    }
}
