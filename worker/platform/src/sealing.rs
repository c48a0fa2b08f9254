//! Sealing under a key that stays on this machine.
//!
//! # Format
//!
//! A sealed record is one byte of version (1), 12 random bytes of nonce, and the AES-256-GCM
//! ciphertext with its tag of 16 bytes. The key is HKDF-SHA-256 over the platform's key, without
//! salt, with the info `phat/v1/platform-seal`, a zero byte and the label; the version byte is
//! authenticated too. Nonces are random: one label may be sealed about 2^32 times before a repeat
//! becomes thinkable, and a worker seals a few times per block.
//!
//! # Where the key comes from
//!
//! - **TDX** has no sealing key of its own. The key is a file on the VM's disk, and its secrecy is
//!   that of the disk: the image must encrypt it with a key that is released to this measured VM
//!   alone.
//! - **Gramine** hands out the processor's sealing key for MRENCLAVE (`keys/_sgx_mrenclave`):
//!   another build cannot open what this one sealed, which is wanted: keys pass from old to new
//!   builds by attested handover, never through the disk.
//! - **Insecure simulated**: a file in the data directory. It keeps honest people honest.

use crate::device_files::DeviceFiles;
use crate::system::{self, EntropyError};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Longest label, bytes.
pub const LABEL_BYTES_MAX: usize = 64;
/// Most bytes in one sealed record.
pub const SEALED_PLAIN_BYTES_MAX: usize = 1024 * 1024;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const KEY_FILE_BYTES: usize = 32;
const GRAMINE_KEY: &str = "keys/_sgx_mrenclave";
const GRAMINE_KEY_BYTES: usize = 16;

/// Why something is not sealed or not opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The label is empty or longer than [`LABEL_BYTES_MAX`].
    #[error("a seal's label has 1 to {LABEL_BYTES_MAX} bytes, this one has {bytes}")]
    Label {
        /// How long it is.
        bytes: usize,
    },
    /// More than [`SEALED_PLAIN_BYTES_MAX`] bytes, or a record longer than that could give.
    #[error("{bytes} bytes are too many to seal as one record, at most {SEALED_PLAIN_BYTES_MAX}")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// The record was made elsewhere, under another label, by another build, or was altered.
    #[error("the sealed record does not open: altered, of another machine, build or label")]
    DoesNotOpen,
    /// No entropy for key or nonce.
    #[error("no entropy")]
    Entropy(#[source] EntropyError),
    /// The key cannot be read or made.
    #[error("the sealing key {path} cannot be read or made")]
    KeyFile {
        /// Where it should be.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The key has another length than it must have; it is never replaced, for what it sealed would
    /// be lost.
    #[error("the sealing key {path} has {bytes} bytes, not {expected}; restore it or remove it")]
    KeyLength {
        /// Where it is.
        path: PathBuf,
        /// How long it is.
        bytes: usize,
        /// How long it must be.
        expected: usize,
    },
    /// Other users may read the key.
    #[error("the sealing key {path} is open to other users (mode {mode:o}); chmod 600 it")]
    KeyExposed {
        /// Where it is.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// Seals under one key of the platform, which is wiped when this is dropped.
pub struct KeySealing {
    key: Zeroizing<Vec<u8>>,
}

impl KeySealing {
    /// Key from a file of 32 bytes that nobody else may read; made at random when absent.
    pub fn from_key_file(path: &Path) -> Result<Self, SealError> {
        let file_error = |source| SealError::KeyFile {
            path: path.into(),
            source,
        };
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_key_file(path)?;
                File::open(path).map_err(file_error)?
            }
            opened => opened.map_err(file_error)?,
        };
        let mode = file.metadata().map_err(file_error)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SealError::KeyExposed {
                path: path.into(),
                mode,
            });
        }
        let mut key = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES + 1));
        file.take(KEY_FILE_BYTES as u64 + 1)
            .read_to_end(&mut key)
            .map_err(file_error)?;
        Self::from_key(path, key, KEY_FILE_BYTES)
    }

    /// The processor's sealing key for this build, from Gramine's pseudo-files.
    pub fn from_gramine(
        files: &impl DeviceFiles,
        attestation_dir: &Path,
    ) -> Result<Self, SealError> {
        let path = attestation_dir.join(GRAMINE_KEY);
        let key = files
            .read(&path, GRAMINE_KEY_BYTES)
            .map_err(|source| SealError::KeyFile {
                path: path.clone(),
                source,
            })?;
        Self::from_key(&path, Zeroizing::new(key), GRAMINE_KEY_BYTES)
    }

    fn from_key(path: &Path, key: Zeroizing<Vec<u8>>, expected: usize) -> Result<Self, SealError> {
        if key.len() != expected {
            let bytes = key.len();
            return Err(SealError::KeyLength {
                path: path.into(),
                bytes,
                expected,
            });
        }
        Ok(Self { key })
    }

    pub(crate) fn seal(&self, label: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        if plain.len() > SEALED_PLAIN_BYTES_MAX {
            return Err(SealError::TooLarge { bytes: plain.len() });
        }
        let cipher = self.cipher(label)?;
        let mut nonce = [0; NONCE_BYTES];
        system::fill_random(&mut nonce).map_err(SealError::Entropy)?;
        let payload = Payload {
            msg: plain,
            aad: &[VERSION],
        };
        let ciphertext = cipher
            .encrypt(Nonce::from_slice(&nonce), payload)
            .map_err(|_| SealError::TooLarge { bytes: plain.len() })?;
        Ok([&[VERSION][..], &nonce, &ciphertext].concat())
    }

    pub(crate) fn unseal(
        &self,
        label: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if sealed.len() > 1 + NONCE_BYTES + SEALED_PLAIN_BYTES_MAX + TAG_BYTES {
            return Err(SealError::TooLarge {
                bytes: sealed.len(),
            });
        }
        let cipher = self.cipher(label)?;
        let (version, rest) = sealed.split_first().ok_or(SealError::DoesNotOpen)?;
        let (nonce, ciphertext) = rest
            .split_at_checked(NONCE_BYTES)
            .ok_or(SealError::DoesNotOpen)?;
        if *version != VERSION {
            return Err(SealError::DoesNotOpen);
        }
        cipher
            .decrypt(
                Nonce::from_slice(nonce),
                Payload {
                    msg: ciphertext,
                    aad: &[VERSION],
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| SealError::DoesNotOpen)
    }

    fn cipher(&self, label: &str) -> Result<Aes256Gcm, SealError> {
        if label.is_empty() || label.len() > LABEL_BYTES_MAX {
            return Err(SealError::Label { bytes: label.len() });
        }
        let mut key = Zeroizing::new([0; 32]);
        let info = [b"phat/v1/platform-seal", &[0][..], label.as_bytes()];
        #[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8160 bytes")]
        Hkdf::<Sha256>::new(None, &self.key)
            .expand_multi_info(&info, key.as_mut())
            .expect("32 bytes");
        Ok(Aes256Gcm::new(key.as_ref().into()))
    }
}

/// Makes the key under another name first, so that a crash leaves no half of a key behind, and
/// links it into place, so that of two processes only one makes it.
fn make_key_file(path: &Path) -> Result<(), SealError> {
    let mut key = Zeroizing::new([0; KEY_FILE_BYTES]);
    let mut suffix = [0; 8];
    system::fill_random(key.as_mut()).map_err(SealError::Entropy)?;
    system::fill_random(&mut suffix).map_err(SealError::Entropy)?;
    let draft = path.with_extension(format!("new-{}", hex::encode(suffix)));
    let made = write_private(&draft, key.as_ref()).and_then(|()| link_unless_there(&draft, path));
    let removed = fs::remove_file(&draft);
    made.and(removed).map_err(|source| SealError::KeyFile {
        path: path.into(),
        source,
    })
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn link_unless_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}
