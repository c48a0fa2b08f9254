//! An account's permission for a session key: the one thing that a wallet signs for queries.
//!
//! The account signs a text that a person can read. The session key is an X25519 key; who holds it
//! proves so by the authenticated mode of HPKE (RFC 9180, 5.1.3), so no second signature is needed.

use alloc::{format, string::String};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::{AccountId, GenesisHash, HpkePublicKey, UnixMillis};
use scale_info::TypeInfo;

/// Longest time that a certificate may be valid for, milliseconds: 30 days.
pub const LIFETIME_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1000;

/// How an account signs.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub enum SignatureKind {
    /// sr25519, context `substrate`; the text wrapped in `<Bytes>` as wallets do.
    Sr25519,
    /// ed25519; the text wrapped in `<Bytes>` as wallets do.
    Ed25519,
}

/// A session key and who speaks through it, for how long, on which network.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct Certificate {
    /// The account that signed.
    pub account: AccountId,
    /// The key that may ask as the account.
    pub session_key: HpkePublicKey,
    /// When it ends.
    pub expires_at_ms: UnixMillis,
    /// How the account signed.
    pub kind: SignatureKind,
    /// The signature over [`Certificate::signed_bytes`].
    pub signature: [u8; 64],
}

/// The text that the account signs.
pub fn certificate_text(
    genesis: &GenesisHash,
    account: &AccountId,
    session_key: &HpkePublicKey,
    expires_at_ms: UnixMillis,
) -> String {
    format!(
        "Phat query certificate\n\
         Network: {genesis}\n\
         Account: {account}\n\
         Session key: {session_key}\n\
         Valid until: {expires_at_ms} (milliseconds since 1970)\n\
         Whoever holds the session key may read as this account. It cannot spend or change anything."
    )
}

/// The bytes that the account signs: the text as wallets wrap it.
pub fn signed_bytes(
    genesis: &GenesisHash,
    account: &AccountId,
    session_key: &HpkePublicKey,
    expires_at_ms: UnixMillis,
) -> String {
    format!(
        "<Bytes>{}</Bytes>",
        certificate_text(genesis, account, session_key, expires_at_ms)
    )
}

impl Certificate {
    /// The bytes that [`Certificate::signature`] is over, on the network of `genesis`.
    pub fn signed_bytes(&self, genesis: &GenesisHash) -> String {
        signed_bytes(
            genesis,
            &self.account,
            &self.session_key,
            self.expires_at_ms,
        )
    }
}
