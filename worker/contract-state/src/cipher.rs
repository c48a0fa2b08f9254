//! Encryption of records on the disk of a host that may change and copy anything.
//!
//! A record is `salt (16) ‖ AES-256-GCM ciphertext ‖ tag` with nonce zero, under a key of its own:
//!
//! ```text
//! salt = Blake2b-128(salt key;  name ‖ plaintext)
//! key  = Blake2b-256(record key; salt ‖ name)           associated data = name
//! ```
//!
//! Why not one key with random or counted nonces: all workers of a cluster have the same state key, and
//! a host may copy or restore a store, so counters would repeat with other plaintexts, which breaks
//! AES-GCM; and 96 random bits shared by 64 workers for years are too few. Here two records share key
//! and nonce only when they have the same name and plaintext, and then they are the same bytes. The
//! price: a host sees that a record became what it was before, or is what another worker has.

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInPlace};
use blake2::{
    Blake2bMac,
    digest::{Mac, consts::U16, consts::U32},
};
use secrets::StateKey;
use wire::domain::{STATE_NAME_KEY, STATE_RECORD_KEY};
use zeroize::Zeroizing;

const SALT_BYTES: usize = 16;

/// What a record is, as part of its name: no record can stand for one of another kind.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The identity of the store, under the key.
    KeyCheck = 0,
    /// The committed head.
    Head = 1,
    /// A root by its mailbox number.
    Root = 2,
    /// A node of the trie.
    Node = 3,
    /// How far an import is.
    Import = 4,
}

/// A record failed to open: it was changed, moved or made with another key.
#[derive(Debug)]
pub(crate) struct DoesNotOpen;

/// Encrypts records and blinds their names.
pub(crate) struct Cipher {
    record_key: Zeroizing<[u8; 32]>,
    salt_key: Zeroizing<[u8; 32]>,
    name_key: Zeroizing<[u8; 32]>,
}

impl Cipher {
    pub(crate) fn new(key: &StateKey) -> Self {
        Self {
            record_key: key.derive(STATE_RECORD_KEY, &[b"record"]),
            salt_key: key.derive(STATE_RECORD_KEY, &[b"salt"]),
            name_key: key.derive(STATE_NAME_KEY, &[]),
        }
    }

    /// The name that a trie node has on disk: tells nothing of its place or content.
    pub(crate) fn blind(&self, name: &[u8]) -> [u8; 32] {
        mac32(&self.name_key, &[name])
    }

    fn record_cipher(&self, salt: &[u8], kind: Kind, name: &[u8]) -> Aes256Gcm {
        let key = Zeroizing::new(mac32(&self.record_key, &[salt, &[kind as u8], name]));
        Aes256Gcm::new((&*key).into())
    }

    pub(crate) fn seal(&self, kind: Kind, name: &[u8], plaintext: &[u8]) -> Vec<u8> {
        #[expect(
            clippy::expect_used,
            reason = "Blake2b takes keys up to 64 bytes; this has 32"
        )]
        let mut salt = <Blake2bMac<U16> as Mac>::new_from_slice(&*self.salt_key)
            .expect("32 bytes are a key of Blake2b");
        salt.update(&[kind as u8]);
        salt.update(&(name.len() as u64).to_le_bytes());
        salt.update(name);
        salt.update(plaintext);
        let salt: [u8; SALT_BYTES] = salt.finalize().into_bytes().into();

        let mut record = Vec::with_capacity(SALT_BYTES + plaintext.len() + 16);
        record.extend_from_slice(&salt);
        record.extend_from_slice(plaintext);
        #[expect(clippy::expect_used, reason = "AES-GCM refuses only more than 64 GiB")]
        let tag = self
            .record_cipher(&salt, kind, name)
            .encrypt_in_place_detached(
                &[0; 12].into(),
                &associated_data(kind, name),
                &mut record[SALT_BYTES..],
            )
            .expect("far below 64 GiB");
        record.extend_from_slice(&tag);
        record
    }

    pub(crate) fn open(
        &self,
        kind: Kind,
        name: &[u8],
        record: &[u8],
    ) -> Result<Vec<u8>, DoesNotOpen> {
        let (salt, sealed) = record
            .split_first_chunk::<SALT_BYTES>()
            .ok_or(DoesNotOpen)?;
        let mut plaintext = sealed.to_vec();
        self.record_cipher(salt, kind, name)
            .decrypt_in_place(
                &[0; 12].into(),
                &associated_data(kind, name),
                &mut plaintext,
            )
            .map_err(|_| DoesNotOpen)?;
        Ok(plaintext)
    }
}

fn associated_data(kind: Kind, name: &[u8]) -> Vec<u8> {
    [&[kind as u8], name].concat()
}

fn mac32(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(
        clippy::expect_used,
        reason = "Blake2b takes keys up to 64 bytes; this has 32"
    )]
    let mut mac =
        <Blake2bMac<U32> as Mac>::new_from_slice(key).expect("32 bytes are a key of Blake2b");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
