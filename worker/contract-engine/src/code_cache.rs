//! Compiled contracts on the worker's disk, so that a restart compiles nothing again.
//!
//! The disk belongs to the host, whom nobody trusts, and compiled code is machine code: each file
//! carries a MAC under a key that never leaves the worker, over what the code is for (its hash, and
//! everything that the compiler's output depends on) and the code itself. A file is read whole into
//! the worker's memory, checked there, and used from there; what fails is as good as absent. The MAC is
//! BLAKE3's, which takes a fraction of the time of HMAC-SHA256: a contract's first call waits for it.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `phatcode` |
//! | 32 | keyed BLAKE3 of label ‖ fingerprint ‖ code hash ‖ artefact, all but the last of fixed length |
//! | rest | wasmtime's artefact |

use std::fmt;
use std::fs::{self, File};
use std::hash::{Hash as _, Hasher};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use primitives::CodeHash;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::limits::WASMTIME_VERSION;
use crate::prepare::PREPARE_VERSION;

/// What a file starts with.
const MAGIC: &[u8; 8] = b"phatcode";
/// What a MAC starts with; changes with the format.
const LABEL: &[u8; 16] = b"phat/v1/artefact";
const MAC_BYTES: usize = 32;
const HEAD_BYTES: usize = MAGIC.len() + MAC_BYTES;
/// Longest file that is read: the artefact of the longest code is below this.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// The end of the names of files that are not whole yet.
const UNFINISHED: &str = ".part";

/// A key that authenticates compiled code; lives only inside of the worker.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeCacheKey(Zeroizing<[u8; 32]>);

impl CodeCacheKey {
    /// Takes 32 secret bytes that no other worker and no host knows.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for CodeCacheKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CodeCacheKey(..)")
    }
}

/// Where compiled code is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCacheConfig {
    /// A folder for nothing else; made if it does not exist.
    pub directory: PathBuf,
    /// Authenticates the files.
    pub key: CodeCacheKey,
    /// Most bytes of all files; above it the least recently used ones go.
    pub bytes_max: u64,
}

impl CodeCacheConfig {
    /// A cache of at most 1 GiB.
    pub fn new(directory: PathBuf, key: CodeCacheKey) -> Self {
        Self {
            directory,
            key,
            bytes_max: 1024 * 1024 * 1024,
        }
    }
}

/// Compiled code on disk. Nothing here fails: what cannot be read is compiled again, what cannot be
/// written is not kept.
pub struct CodeCache {
    config: CodeCacheConfig,
    fingerprint: [u8; 32],
    /// Bytes of all files, as far as is known.
    bytes: Mutex<u64>,
    unfinished: AtomicU64,
}

impl CodeCache {
    /// The cache for what `engine` compiles.
    pub fn open(config: CodeCacheConfig, engine: &wasmtime::Engine) -> Self {
        if let Err(error) = fs::create_dir_all(&config.directory) {
            tracing::warn!(%error, "compiled contracts cannot be kept on disk");
        }
        // What a process that died was about to write.
        for (path, ..) in files(&config.directory) {
            if path.to_string_lossy().ends_with(UNFINISHED) {
                let _gone = fs::remove_file(path);
            }
        }
        let cache = Self {
            fingerprint: fingerprint(engine),
            config,
            bytes: Mutex::new(0),
            unfinished: AtomicU64::new(0),
        };
        cache.evict();
        cache
    }

    /// What `load` makes of the artefact of the code with this hash, if there is one, and this worker
    /// wrote it for an engine like this one.
    pub fn read<R>(
        &self,
        code_hash: &CodeHash,
        load: impl FnOnce(&[u8]) -> Option<R>,
    ) -> Option<R> {
        let bytes = match read(&self.path(code_hash)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, "compiled code cannot be read from disk");
                return None;
            }
        };
        let (head, artefact) = bytes.split_at_checked(HEAD_BYTES)?;
        let (magic, mac) = head.split_at(MAGIC.len());
        let is_ours = magic == MAGIC
            && <[u8; MAC_BYTES]>::try_from(mac).is_ok_and(|mac| {
                // Compared in constant time.
                self.mac(code_hash, artefact) == mac
            });
        if !is_ours {
            tracing::warn!(%code_hash, "compiled code on disk is damaged, old, or not ours");
            return None;
        }
        load(artefact)
    }

    /// Keeps an artefact of this worker's own compiler.
    pub fn write(&self, code_hash: &CodeHash, artefact: &[u8]) {
        let len = (HEAD_BYTES + artefact.len()) as u64;
        if len > self.config.bytes_max.min(FILE_BYTES_MAX) {
            return;
        }
        let mac = self.mac(code_hash, artefact);
        let path = self.path(code_hash);
        let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
        let unfinished = path.with_extension(format!("{}-{number}{UNFINISHED}", std::process::id()));
        // Nothing is synced: a file that a crash cuts short fails its MAC.
        let written = File::create_new(&unfinished).and_then(|mut file| {
            file.write_all(MAGIC)?;
            file.write_all(mac.as_bytes())?;
            file.write_all(artefact)?;
            fs::rename(&unfinished, &path)
        });
        if let Err(error) = written {
            tracing::warn!(%error, "compiled code cannot be kept on disk");
            let _gone = fs::remove_file(&unfinished);
            return;
        }
        let is_full = {
            let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            *bytes = bytes.saturating_add(len);
            *bytes > self.config.bytes_max
        };
        if is_full {
            self.evict();
        }
    }

    /// Removes the least recently used files until the rest is within the bound.
    fn evict(&self) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files = files(&self.config.directory);
        files.sort_by_key(|(_, used, _)| *used);
        let mut sum = files
            .iter()
            .fold(0_u64, |sum, (_, _, len)| sum.saturating_add(*len));
        for (path, _, len) in files {
            if sum <= self.config.bytes_max {
                break;
            }
            if fs::remove_file(path).is_ok() {
                sum = sum.saturating_sub(len);
            }
        }
        *bytes = sum;
    }

    fn path(&self, code_hash: &CodeHash) -> PathBuf {
        self.config.directory.join(code_hash.to_hex())
    }

    fn mac(&self, code_hash: &CodeHash, artefact: &[u8]) -> blake3::Hash {
        let mut mac = blake3::Hasher::new_keyed(&self.config.key.0);
        mac.update(LABEL);
        mac.update(&self.fingerprint);
        mac.update(code_hash.as_bytes());
        mac.update(artefact);
        mac.finalize()
    }
}

/// Reads a file that may be anything into memory, and says that it was used.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(io::Error::other("not a file of compiled code"));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    (&file).take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    // For the eviction alone; a disk that refuses it evicts in the order of writing.
    let _unchanged = file.set_modified(SystemTime::now());
    Ok(bytes)
}

/// The files of a folder: path, when it was used, bytes.
fn files(directory: &Path) -> Vec<(PathBuf, SystemTime, u64)> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok()?;
            let used = metadata.modified().ok()?;
            metadata
                .is_file()
                .then(|| (entry.path(), used, metadata.len()))
        })
        .collect()
}

/// A hash of everything that an artefact depends on but the code: how code is prepared, wasmtime with
/// its settings, the processor and its features.
fn fingerprint(engine: &wasmtime::Engine) -> [u8; 32] {
    /// Collects what is hashed, instead of 64 bits of it.
    struct Collect(Sha256);

    impl Hasher for Collect {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update((bytes.len() as u64).to_le_bytes());
            self.0.update(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    let mut collect = Collect(Sha256::new());
    collect.write(&PREPARE_VERSION.to_le_bytes());
    // wasmtime's own hash has its major version only.
    collect.write(WASMTIME_VERSION.as_bytes());
    engine.precompile_compatibility_hash().hash(&mut collect);
    collect.0.finalize().into()
}
