//! Secrets under a passphrase, in the JSON form that wallets of Substrate chains export and import.
//!
//! A file says how expensive its key is to derive. Only the combinations that wallets write are taken, so
//! that a file cannot make its reader work without bound.

use crate::{Account, text};
use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_secretbox::{
    XSalsa20Poly1305,
    aead::{Aead, KeyInit},
};
use primitives::AccountId;
use rand_core::OsRng;
use schnorrkel::{ExpansionMode, MiniSecretKey, SecretKey};
use secrets::rand_core::RngCore;
use serde::Deserialize;
use zeroize::Zeroizing;

/// The longest keystore that is read, in bytes.
pub const KEYSTORE_BYTES_MAX: u64 = 64 * 1024;

/// The shortest passphrase that a new keystore is written with, in characters.
pub const PASSPHRASE_CHARACTERS_MIN: usize = 8;

const VERSION: &str = "3";
const CONTENT: [&str; 2] = ["pkcs8", "sr25519"];
const CIPHER: [&str; 2] = ["scrypt", "xsalsa20-poly1305"];

/// N, p and r of scrypt as wallets write them.
const COSTS: [(u32, u32, u32); 6] = [
    (1 << 13, 10, 8),
    (1 << 14, 5, 8),
    (1 << 15, 3, 8),
    (1 << 15, 1, 8),
    (1 << 16, 2, 8),
    (1 << 17, 1, 8),
];
/// What new keystores are written with: wallets' own choice of today.
const COST: (u32, u32, u32) = (1 << 17, 1, 8);

const SALT_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const HEADER_BYTES: usize = SALT_BYTES + 12 + NONCE_BYTES;
const TAG_BYTES: usize = 16;
const PKCS8_HEADER: [u8; 16] = [48, 83, 2, 1, 1, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
const PKCS8_DIVIDER: [u8; 5] = [161, 35, 3, 33, 0];
const PLAIN_BYTES: usize = PKCS8_HEADER.len() + 64 + PKCS8_DIVIDER.len() + 32;

/// Why a keystore cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// Not the JSON of a keystore.
    #[error("not a keystore: expected the JSON file that a wallet exports for one account")]
    NotAKeystore,
    /// Encoded in a way that is not known here.
    #[error(
        "a keystore of version {version:?}, with {content:?} under {cipher:?}: only version \"3\", pkcs8 and sr25519 \
         under scrypt and xsalsa20-poly1305 is read; export the account again, as sr25519 and with a \
         passphrase, from a current wallet"
    )]
    UnknownEncoding {
        /// The version that it states.
        version: String,
        /// What it says is in it.
        content: Vec<String>,
        /// What it says encrypts it.
        cipher: Vec<String>,
    },
    /// The derivation of the key costs something that no wallet writes.
    #[error(
        "the keystore asks for scrypt with N {n}, p {p}, r {r}, which no wallet writes: it is refused, as it \
         could keep this machine busy without end; export the account again from a current wallet"
    )]
    Cost {
        /// Memory and time.
        n: u32,
        /// Parallelism.
        p: u32,
        /// Block size.
        r: u32,
    },
    /// Cut off or changed.
    #[error("the keystore is damaged ({0}): take it from a backup, or export the account again")]
    Damaged(&'static str),
    /// Does not open.
    #[error(
        "the passphrase is wrong, or the keystore was changed: try again; where the passphrase is surely right, \
         take the file from a backup"
    )]
    WrongPassphrase,
    /// A passphrase that is too short to write a keystore with.
    #[error("the passphrase is too short: use at least {} characters", PASSPHRASE_CHARACTERS_MIN)]
    ShortPassphrase,
    /// Not a seed.
    #[error("not a seed: a keystore is made from 0x and 32 bytes of hex")]
    NotASeed,
}

#[derive(Deserialize)]
struct File {
    encoded: String,
    encoding: Encoding,
    address: String,
    #[serde(default)]
    meta: serde_json::Value,
}

#[derive(Deserialize)]
struct Encoding {
    content: Vec<String>,
    #[serde(rename = "type")]
    cipher: Vec<String>,
    version: String,
}

/// A keystore that was read and is still closed.
#[derive(Debug)]
pub struct Keystore {
    json: String,
    encoded: String,
    cost: (u32, u32, u32),
    account: AccountId,
    name: Option<String>,
}

impl Keystore {
    /// Reads a keystore. Everything that needs no passphrase is checked.
    ///
    /// # Errors
    /// See [`KeystoreError`].
    pub fn from_json(json: &str) -> Result<Self, KeystoreError> {
        let file: File = serde_json::from_str(json).map_err(|_| KeystoreError::NotAKeystore)?;
        let Encoding { content, cipher, version } = file.encoding;
        if version != VERSION || content != CONTENT || cipher != CIPHER {
            return Err(KeystoreError::UnknownEncoding { version, content, cipher });
        }
        let account = text::parse_account(&file.address)
            .map_err(|_| KeystoreError::Damaged("its address is none"))?;
        let bytes = STANDARD
            .decode(&file.encoded)
            .map_err(|_| KeystoreError::Damaged("its secret is not base64"))?;
        if bytes.len() != HEADER_BYTES + PLAIN_BYTES + TAG_BYTES {
            return Err(KeystoreError::Damaged("its secret has another length"));
        }
        let number = |place: usize| {
            let four = bytes.get(SALT_BYTES + place * 4..).and_then(|rest| rest.first_chunk::<4>());
            four.map_or(0, |four| u32::from_le_bytes(*four))
        };
        let (n, p, r) = (number(0), number(1), number(2));
        if !COSTS.contains(&(n, p, r)) {
            return Err(KeystoreError::Cost { n, p, r });
        }
        let name = file.meta.get("name").and_then(|name| name.as_str()).map(str::to_owned);
        Ok(Self { json: json.to_owned(), encoded: file.encoded, cost: (n, p, r), account, name })
    }

    /// Encrypts a seed as [`Account::generate_seed`] makes them.
    ///
    /// # Errors
    /// When it is no seed, or the passphrase is too short.
    pub fn seal(seed: &str, passphrase: &str, name: &str) -> Result<Self, KeystoreError> {
        if passphrase.chars().count() < PASSPHRASE_CHARACTERS_MIN {
            return Err(KeystoreError::ShortPassphrase);
        }
        let mut mini = Zeroizing::new([0u8; 32]);
        let digits = seed.trim().strip_prefix("0x").ok_or(KeystoreError::NotASeed)?;
        hex::decode_to_slice(digits, &mut *mini).map_err(|_| KeystoreError::NotASeed)?;
        let pair = MiniSecretKey::from_bytes(&*mini)
            .map_err(|_| KeystoreError::NotASeed)?
            .expand_to_keypair(ExpansionMode::Ed25519);
        let account = AccountId(pair.public.to_bytes());

        let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_BYTES));
        plain.extend_from_slice(&PKCS8_HEADER);
        plain.extend_from_slice(&*Zeroizing::new(pair.secret.to_ed25519_bytes()));
        plain.extend_from_slice(&PKCS8_DIVIDER);
        plain.extend_from_slice(account.as_bytes());

        let mut salt = [0u8; SALT_BYTES];
        OsRng.fill_bytes(&mut salt);
        let mut nonce = [0u8; NONCE_BYTES];
        OsRng.fill_bytes(&mut nonce);
        let key = derive(passphrase, &salt, COST)?;
        let sealed = XSalsa20Poly1305::new((&*key).into())
            .encrypt((&nonce).into(), plain.as_slice())
            .map_err(|_| KeystoreError::Damaged("its secret is too long"))?;

        let mut bytes = salt.to_vec();
        for number in [COST.0, COST.1, COST.2] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        let encoded = STANDARD.encode(bytes);
        let json = serde_json::json!({
            "encoded": encoded,
            "encoding": { "content": CONTENT, "type": CIPHER, "version": VERSION },
            "address": text::ss58_encode(&account),
            "meta": { "name": name },
        });
        let name = Some(name.to_owned());
        Ok(Self { json: json.to_string(), encoded, cost: COST, account, name })
    }

    /// The account that it says it is of; [`open`](Self::open) shows whether it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The name that the wallet knew it by.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The file's text.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Decrypts the secret, and checks that it is the stated account's.
    ///
    /// # Errors
    /// When the passphrase is wrong or the file was changed.
    pub fn open(&self, passphrase: &str) -> Result<Account, KeystoreError> {
        let damaged = KeystoreError::Damaged;
        let bytes = STANDARD.decode(&self.encoded).map_err(|_| damaged("its secret is not base64"))?;
        let (Some(salt), Some(nonce), Some(sealed)) = (
            bytes.first_chunk::<SALT_BYTES>(),
            bytes.get(SALT_BYTES + 12..).and_then(|rest| rest.first_chunk::<NONCE_BYTES>()),
            bytes.get(HEADER_BYTES..),
        ) else {
            return Err(damaged("its secret has another length"));
        };
        let key = derive(passphrase, salt, self.cost)?;
        let plain = XSalsa20Poly1305::new((&*key).into())
            .decrypt(nonce.into(), sealed)
            .map(Zeroizing::new)
            .map_err(|_| KeystoreError::WrongPassphrase)?;
        let parts = plain
            .strip_prefix(&PKCS8_HEADER)
            .and_then(|rest| rest.split_at_checked(64))
            .and_then(|(secret, rest)| Some((secret, rest.strip_prefix(&PKCS8_DIVIDER)?)));
        let (secret, public) = parts.ok_or(damaged("its secret is no key"))?;
        let secret =
            SecretKey::from_ed25519_bytes(secret).map_err(|_| damaged("its secret is no key"))?;
        let pair = secret.to_keypair();
        if pair.public.to_bytes() != public || AccountId(pair.public.to_bytes()) != self.account {
            return Err(damaged("its secret is not its address's"));
        }
        Ok(Account::from_pair(pair))
    }
}

/// The key that a passphrase gives, at one of [`COSTS`].
fn derive(
    passphrase: &str,
    salt: &[u8],
    (n, p, r): (u32, u32, u32),
) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    let refused = |()| KeystoreError::Cost { n, p, r };
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| refused(()))?;
    let cost = scrypt::Params::new(log_n, r, p).map_err(|_| refused(()))?;
    let mut key = Zeroizing::new([0u8; 32]);
    scrypt::scrypt(passphrase.as_bytes(), salt, &cost, &mut *key).map_err(|_| refused(()))?;
    Ok(key)
}

#[cfg(test)]
mod tests;
