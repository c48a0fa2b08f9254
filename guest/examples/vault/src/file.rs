//! Files as the store has them: padded, encrypted, under a name that tells nothing.
//!
//! A sealed file is a nonce of 24 bytes and the XChaCha20-Poly1305 ciphertext of: the length (4 bytes, little-
//! endian), the data, zeros up to a whole number of kilobytes. The name is authenticated with it.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use contract_sdk::{AccountId, random, signing};
use ink::prelude::string::String;
use ink::prelude::vec::Vec;

use crate::s3::{hex, hmac};
use crate::vault::Error;

/// What sizes are rounded up to, so that they tell less.
const PADDING_BYTES: usize = 1024;
const NONCE_BYTES: usize = 24;
const LENGTH_BYTES: usize = 4;

/// What belongs to one member: keys that no other member's calls can derive.
pub struct Compartment {
    cipher: XChaCha20Poly1305,
    name_key: [u8; 32],
}

impl Compartment {
    pub fn of(member: &AccountId) -> Self {
        let member: &[u8] = member.as_ref();
        let secret = |what: &[u8]| signing::derive_secret(&[what, member].concat());
        Self {
            cipher: XChaCha20Poly1305::new(&secret(b"vault/contents/").into()),
            name_key: secret(b"vault/name/"),
        }
    }

    /// The file's name in the store.
    pub fn object_of(&self, name: &str) -> String {
        hex(&hmac(&self.name_key, name.as_bytes()))
    }

    pub fn seal(&self, name: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE_BYTES] = random::bytes().ok_or(Error::QueryOnly)?;
        let mut plain = u32::try_from(data.len()).map_err(|_| Error::TooLong)?.to_le_bytes().to_vec();
        plain.extend(data);
        plain.resize(plain.len().next_multiple_of(PADDING_BYTES), 0);
        let payload = Payload {
            msg: &plain,
            aad: name.as_bytes(),
        };
        let sealed = self.cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| Error::TooLong)?;
        Ok([nonce.to_vec(), sealed].concat())
    }

    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES).ok_or(Error::Damaged)?;
        let payload = Payload {
            msg: sealed,
            aad: name.as_bytes(),
        };
        let plain = self.cipher.decrypt(XNonce::from_slice(nonce), payload);
        let plain = plain.map_err(|_| Error::Damaged)?;
        let (length, rest) = plain.split_first_chunk::<LENGTH_BYTES>().ok_or(Error::Damaged)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Error::Damaged)?;
        rest.get(..length).map(<[u8]>::to_vec).ok_or(Error::Damaged)
    }
}
