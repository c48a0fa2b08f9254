//! Accounts that sign for a person or a program.

use primitives::{AccountId, GenesisHash, UnixMillis};
use rand_core::OsRng;
use secrets::{HpkeSecret, rand_core::RngCore};
use std::str::FromStr;
use subxt::{
    SubstrateConfig,
    transactions::Signer,
    utils::{AccountId32, MultiSignature},
};
use subxt_signer::{SecretUri, sr25519::Keypair};
use wire::certificate::{Certificate, SignatureKind, signed_bytes};

/// What Substrate chains sign in with sr25519.
const SIGNING_CONTEXT: &[u8] = b"substrate";

/// Why a secret is not an account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Not a phrase, `//Name` or seed.
    #[error("not a secret: expected a phrase of 12 to 24 words, //Name (development networks), or 0x and 32 bytes of hex")]
    NotASecret,
    /// The phrase or path is not valid.
    #[error("the secret cannot be used: {0}")]
    Unusable(String),
}

/// An account whose key this program holds.
pub struct Account {
    pair: Pair,
}

/// A key pair, from a secret URI or out of a keystore.
enum Pair {
    Uri(Keypair),
    Keystore(schnorrkel::Keypair),
}

impl Account {
    /// Reads a secret URI. The text is not repeated in errors.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub fn from_uri(text: &str) -> Result<Self, AccountError> {
        let uri = SecretUri::from_str(text.trim()).map_err(|_| AccountError::NotASecret)?;
        let pair = Keypair::from_uri(&uri)
            .map_err(|error| AccountError::Unusable(error.to_string()))?;
        Ok(Self { pair: Pair::Uri(pair) })
    }

    /// A fresh random seed; `0x` and hex, to be kept secret.
    pub fn generate_seed() -> zeroize::Zeroizing<String> {
        let mut seed = zeroize::Zeroizing::new([0u8; 32]);
        OsRng.fill_bytes(&mut *seed);
        zeroize::Zeroizing::new(format!("0x{}", hex::encode(*seed)))
    }

    /// The account's public id.
    pub fn id(&self) -> AccountId {
        match &self.pair {
            Pair::Uri(pair) => AccountId(pair.public_key().0),
            Pair::Keystore(pair) => AccountId(pair.public.to_bytes()),
        }
    }

    pub(crate) fn from_pair(pair: schnorrkel::Keypair) -> Self {
        Self { pair: Pair::Keystore(pair) }
    }

    fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        match &self.pair {
            Pair::Uri(pair) => pair.sign(message).0,
            Pair::Keystore(pair) => pair.sign_simple(SIGNING_CONTEXT, message).to_bytes(),
        }
    }

    /// A session key and this account's certificate for it, valid until `expires_at_ms`.
    pub fn issue_session_key(
        &self,
        genesis: &GenesisHash,
        expires_at_ms: UnixMillis,
    ) -> (HpkeSecret, Certificate) {
        let session = HpkeSecret::generate(&mut OsRng);
        let text = signed_bytes(genesis, &self.id(), &session.public(), expires_at_ms);
        let certificate = Certificate {
            account: self.id(),
            session_key: session.public(),
            expires_at_ms,
            kind: SignatureKind::Sr25519,
            signature: self.sign_bytes(text.as_bytes()),
        };
        (session, certificate)
    }
}

impl Signer<SubstrateConfig> for Account {
    fn account_id(&self) -> AccountId32 {
        AccountId32(self.id().0)
    }

    fn sign(&self, payload: &[u8]) -> MultiSignature {
        MultiSignature::Sr25519(self.sign_bytes(payload))
    }
}
