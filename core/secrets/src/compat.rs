//! The original network's envelope: sr25519 agreement used directly as AES-256-GCM key, no associated
//! data. Kept so that its clients work; binds to nothing but the two keys.

use crate::{InvalidKey, Sr25519Secret, hpke::OpenError};
use aes_gcm::{Aes256Gcm, KeyInit, aead::Aead};
use wire::command::EncryptedData;
use zeroize::Zeroizing;

/// What two keys agree on. Wiped when dropped.
pub struct SharedKey(Zeroizing<[u8; 32]>);

impl SharedKey {
    /// The key between `own` and `peer`.
    ///
    /// # Errors
    /// When `peer` is not a public key.
    pub fn agree(own: &Sr25519Secret, peer: &[u8; 32]) -> Result<Self, InvalidKey> {
        own.agree(peer).map(Self)
    }

    /// Seals `plaintext`. `iv` must never repeat for the same key.
    ///
    /// # Errors
    /// When the plaintext is longer than the cipher takes (64 GiB).
    pub fn seal(&self, iv: &[u8; 12], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        Aes256Gcm::new((&*self.0).into()).encrypt(iv.into(), plaintext).map_err(|_| SealError)
    }

    /// Opens what was sealed with this key.
    ///
    /// # Errors
    /// When it was sealed with another key, or is damaged.
    pub fn open(&self, iv: &[u8; 12], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        Aes256Gcm::new((&*self.0).into())
            .decrypt(iv.into(), data)
            .map(Zeroizing::new)
            .map_err(|_| OpenError)
    }
}

/// What cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is longer than can be sealed")]
pub struct SealError;

/// Seals `plaintext` between `own` and `peer`. `iv` must never repeat for the same two keys.
///
/// # Errors
/// When `peer` is not a public key.
pub fn seal(
    own: &Sr25519Secret,
    peer: &[u8; 32],
    iv: [u8; 12],
    plaintext: &[u8],
) -> Result<EncryptedData, InvalidKey> {
    let data = SharedKey::agree(own, peer)?.seal(&iv, plaintext).map_err(|_| InvalidKey)?;
    Ok(EncryptedData {
        iv,
        pubkey: own.public(),
        data,
    })
}

/// Opens what was sealed to `own`.
///
/// # Errors
/// When it was sealed to another key, or is damaged.
pub fn open(own: &Sr25519Secret, sealed: &EncryptedData) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    open_from(own, &sealed.pubkey, sealed)
}

/// Opens what is between `own` and `peer`, whichever of them `sealed` names: a client opens a reply
/// with the worker's key so.
///
/// # Errors
/// When it was sealed between other keys, or is damaged.
pub fn open_from(
    own: &Sr25519Secret,
    peer: &[u8; 32],
    sealed: &EncryptedData,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    SharedKey::agree(own, peer).map_err(|_| OpenError)?.open(&sealed.iv, &sealed.data)
}
