//! Keys of a contract's own, signatures and secrets.
//!
//! A key is derived from the cluster's key, the contract's id and a salt: every worker of the cluster derives
//! the same, nobody else can, and it is never stored. Another salt gives an unrelated key.
//!
//! ```
//! use contract_sdk::signing::{self, Kind, SigningKey};
//!
//! let worker = contract_sdk::test::Worker::new();
//! let key = SigningKey::derive(Kind::Sr25519, b"prices");
//! let signature = key.sign(b"message").unwrap();
//! assert!(signing::verify(Kind::Sr25519, &key.public_key(), b"message", &signature));
//! assert!(!signing::verify(Kind::Sr25519, &key.public_key(), b"another", &signature));
//! ```
//!
//! # Transactions
//! An sr25519 signature holds randomness, so there is none in a transaction; ed25519 and ECDSA signatures are
//! deterministic and work everywhere.
//!
//! # Careful
//! What a contract signs for a stranger is a promise of the contract. Start each message with a label that no
//! other message has, and give every part a fixed length or its length.

use alloc::vec::Vec;
use contract_abi::extension::Function;

use crate::NotInTransactions;
use crate::host::{blake2_256, call};

pub use contract_abi::extension::SignatureKind as Kind;

/// Before what secrets are hashed from, with the kind of secret.
const SECRET_LABEL: &[u8] = b"phat/contract-sdk/secret/v1";
const SEED_LABEL: &[u8] = b"phat/contract-sdk/seed/v1";

/// A key to sign with. It is not printable; it is gone when the call ends.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    kind: Kind,
    secret: Vec<u8>,
}

impl SigningKey {
    /// The contract's key for `salt`, the same on each worker.
    pub fn derive(kind: Kind, salt: &[u8]) -> Self {
        let derived = derive_sr25519(salt);
        let secret = match kind {
            Kind::Sr25519 => derived,
            Kind::Ed25519 => blake2_256(&[SEED_LABEL, b"ed25519", &derived]).to_vec(),
            Kind::Ecdsa => blake2_256(&[SEED_LABEL, b"ecdsa", &derived]).to_vec(),
        };
        Self { kind, secret }
    }

    /// A key from elsewhere: 32 bytes of seed for ed25519, 32 of scalar for ECDSA, for sr25519 the 64 of
    /// canonical scalar and nonce. Using a malformed one traps.
    pub fn from_secret(kind: Kind, secret: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            secret: secret.into(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What others verify with: 32 bytes, or 33 for ECDSA.
    pub fn public_key(&self) -> Vec<u8> {
        call(Function::GetPublicKey, &(self.kind, &self.secret))
    }

    /// Signs: 64 bytes, or 65 for ECDSA (over the BLAKE2b-256 hash of `message`).
    ///
    /// # Errors
    /// For sr25519 in a transaction.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, NotInTransactions> {
        let signature: Vec<u8> = call(Function::Sign, &(self.kind, &self.secret, message));
        match signature.is_empty() {
            true => Err(NotInTransactions),
            false => Ok(signature),
        }
    }

    /// Signs a hash by ECDSA on secp256k1, deterministically, as Ethereum and Bitcoin do: r ‖ s ‖ recovery
    /// id. `None` for a key of another kind.
    ///
    /// ```
    /// use contract_sdk::signing::{self, Kind, SigningKey};
    ///
    /// let worker = contract_sdk::test::Worker::new();
    /// let key = SigningKey::derive(Kind::Ecdsa, b"bridge");
    /// let signature = key.sign_prehashed([7; 32]).unwrap();
    /// let public = key.public_key().try_into().unwrap();
    /// assert!(signing::verify_prehashed(&public, [7; 32], &signature));
    /// ```
    pub fn sign_prehashed(&self, hash: [u8; 32]) -> Option<[u8; 65]> {
        (self.kind == Kind::Ecdsa).then(|| call(Function::EcdsaSignPrehashed, &(&self.secret, hash)))
    }
}

/// Whether `signature` is `public_key`'s over `message`. Malformed keys and signatures are wrong ones.
pub fn verify(kind: Kind, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    call(Function::Verify, &(kind, public_key, message, signature))
}

/// Whether an ECDSA signature over a hash is `public_key`'s.
pub fn verify_prehashed(public_key: &[u8; 33], hash: [u8; 32], signature: &[u8; 65]) -> bool {
    call(Function::EcdsaVerifyPrehashed, &(signature, hash, public_key))
}

/// A secret of the contract's own for `salt`, to encrypt or authenticate with; unrelated to every
/// [`SigningKey`].
///
/// ```
/// let worker = contract_sdk::test::Worker::new();
/// let secret = contract_sdk::signing::derive_secret(b"files");
/// assert_eq!(secret, contract_sdk::signing::derive_secret(b"files"));
/// assert_ne!(secret, contract_sdk::signing::derive_secret(b"other"));
/// ```
pub fn derive_secret(salt: &[u8]) -> [u8; 32] {
    blake2_256(&[SECRET_LABEL, &derive_sr25519(salt)])
}

fn derive_sr25519(salt: &[u8]) -> Vec<u8> {
    call(Function::DeriveSr25519Key, &salt)
}
