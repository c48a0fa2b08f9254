//! The original network's envelope: sr25519 agreement used directly as AES-256-GCM key, no associated
//! data. Kept so that its clients work; binds to nothing but the two keys.

use crate::{InvalidKey, Sr25519Secret, hpke::OpenError};
use aes_gcm::{Aes256Gcm, KeyInit, aead::Aead};
use wire::command::EncryptedData;
use zeroize::Zeroizing;

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
    let key = own.agree(peer)?;
    let data = Aes256Gcm::new((&*key).into())
        .encrypt(&iv.into(), plaintext)
        .map_err(|_| InvalidKey)?;
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
    let key = own.agree(peer).map_err(|_| OpenError)?;
    Aes256Gcm::new((&*key).into())
        .decrypt(&sealed.iv.into(), sealed.data.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| OpenError)
}
