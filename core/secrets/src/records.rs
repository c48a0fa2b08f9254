//! What both sides of a query share: key schedule and records.
//!
//! A record is AES-256-GCM with nonce = 4 zero bytes ‖ sequence (u64, big endian). Each direction has
//! a key of its own, so one sequence serves a query and its reply.

use crate::hpke::OpenError;
use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInPlace};
use codec::Encode;
use hkdf::hmac::{Hmac, Mac};
use sha2::Sha256;
use wire::{
    domain::{Label, SESSION_KEYS, tagged_hash},
    query::{SessionAccept, SessionId},
};
use zeroize::Zeroizing;

/// The keys of a session.
pub(crate) struct SessionKeys {
    pub(crate) to_server: RecordKey,
    pub(crate) to_client: RecordKey,
    confirmation: Zeroizing<[u8; 32]>,
    transcript: [u8; 32],
}

/// What the key schedule takes.
pub(crate) struct KeyInputs<'a> {
    /// Secret that HPKE exported.
    pub(crate) exported: &'a [u8; 32],
    /// X25519 of the two ephemeral keys.
    pub(crate) agreed: &'a [u8; 32],
    /// Associated data of the opening: network and worker.
    pub(crate) aad: &'a [u8; 32],
    /// The opening as it was posted.
    pub(crate) opening: &'a [u8],
    /// The answer, of which the confirmation is left out.
    pub(crate) accept: &'a SessionAccept,
}

impl SessionKeys {
    pub(crate) fn new(inputs: &KeyInputs<'_>) -> Self {
        let accept = inputs.accept;
        let answer = (
            accept.session,
            accept.server_ephemeral,
            accept.expires_at_ms,
        )
            .encode();
        let transcript = tagged_hash(SESSION_KEYS, &[inputs.aad, inputs.opening, &answer]);
        let mut ikm = Zeroizing::new([0; 64]);
        ikm[..32].copy_from_slice(inputs.exported);
        ikm[32..].copy_from_slice(inputs.agreed);
        let key = |name: &[u8]| crate::derive(SESSION_KEYS, &*ikm, &[&transcript, name]);
        Self {
            to_server: RecordKey::new(&key(b"client to server")),
            to_client: RecordKey::new(&key(b"server to client")),
            confirmation: key(b"confirmation"),
            transcript,
        }
    }

    fn mac(&self) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&*self.confirmation)
            .expect("HMAC takes keys of any length");
        mac.update(&self.transcript);
        mac
    }

    /// The server's proof that it knows the keys.
    pub(crate) fn confirmation(&self) -> [u8; 32] {
        self.mac().finalize().into_bytes().into()
    }

    /// Compares in constant time.
    pub(crate) fn is_confirmed_by(&self, confirmation: &[u8; 32]) -> bool {
        self.mac().verify_slice(confirmation).is_ok()
    }
}

/// The key of one direction, with its AES key schedule ready. Wiped when dropped.
pub(crate) struct RecordKey(Aes256Gcm);

/// Which record: what its associated data says.
pub(crate) struct RecordPlace {
    pub(crate) label: Label,
    pub(crate) session: SessionId,
    pub(crate) sequence: u64,
}

impl RecordPlace {
    fn aad(&self) -> [u8; 32] {
        tagged_hash(self.label, &[&self.session.0, &self.sequence.to_le_bytes()])
    }

    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.sequence.to_be_bytes());
        nonce
    }
}

impl RecordKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    pub(crate) fn seal(&self, place: &RecordPlace, mut plaintext: Vec<u8>) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "AES-GCM refuses only more than 64 GiB")]
        self.0
            .encrypt_in_place(&place.nonce().into(), &place.aad(), &mut plaintext)
            .expect("far below 64 GiB");
        plaintext
    }

    pub(crate) fn open(
        &self,
        place: &RecordPlace,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        self.0
            .decrypt_in_place(&place.nonce().into(), &place.aad(), &mut *buffer)
            .map_err(|_| OpenError)?;
        Ok(buffer)
    }
}
