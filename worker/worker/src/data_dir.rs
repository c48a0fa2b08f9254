//! The data directory: one network, one layout, one process.
//!
//! | file | holds |
//! |---|---|
//! | `network.json` | layout version and genesis hash, in the clear |
//! | `lock` | held while the worker runs |
//! | `secrets.sealed` | the worker's keys, sealed by the platform |
//! | `taking-over.sealed` | the key of a hand-over to this process, until it has everything |
//! | `handed-over.sealed` | that the keys were handed over, to whom, and the answer: this worker is stopped |
//! | `evidence.scale` | the evidence of the last registration, which is public |
//! | `state-<cluster>.redb` | the cluster's state, encrypted |

use crate::service::Milestones;
use anyhow::{Context, Result, bail};
use primitives::{ClusterId, GenesisHash};
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};
use worker_core::{Departed, KeptSecrets, Successor};
use zeroize::Zeroizing;

/// Version of the layout.
const LAYOUT: u32 = 1;
/// Label of the sealed secrets.
const SECRETS_LABEL: &str = "phat/worker-secrets/v1";
/// Label of the key of a hand-over.
const SUCCESSOR_LABEL: &str = "phat/worker-successor/v1";
/// Label of the tombstone.
const TOMBSTONE_LABEL: &str = "phat/worker-tombstone/v1";

#[derive(Serialize, Deserialize)]
struct Network {
    layout: u32,
    genesis: GenesisHash,
}

/// An open data directory; nobody else has it while this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens or makes a data directory for one network.
    pub fn open(path: &Path, genesis: GenesisHash) -> Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("{shown} cannot be made"))?;
        let lock = File::create(path.join("lock"))
            .with_context(|| format!("{shown} cannot be written to"))?;
        if lock.try_lock().is_err() {
            bail!("the data directory {shown} is in use by another worker");
        }
        let file = path.join("network.json");
        match fs::read(&file) {
            Ok(bytes) => {
                let found: Network = serde_json::from_slice(&bytes)
                    .with_context(|| format!("{} is damaged", file.display()))?;
                if found.layout != LAYOUT {
                    bail!(
                        "the data directory {shown} has layout {}, this worker reads {LAYOUT}: use \
                         {} worker, or a new data directory (the worker registers anew and rebuilds \
                         its state)",
                        found.layout,
                        if found.layout < LAYOUT { "an older" } else { "the newer" },
                    );
                }
                if found.genesis != genesis {
                    bail!(
                        "the data directory {shown} belongs to network {}, the chain specification \
                         is of {genesis}: use another data directory",
                        found.genesis
                    );
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let bytes = serde_json::to_vec_pretty(&Network { layout: LAYOUT, genesis })?;
                write_durably(&file, &bytes)?;
            }
            Err(error) => return Err(error).context(format!("{} cannot be read", file.display())),
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The worker's secrets, made anew where there are none.
    pub fn load_secrets<R: RngCore + CryptoRng>(
        &self,
        platform: &dyn platform::Platform,
        rng: &mut R,
    ) -> Result<KeptSecrets> {
        let file = self.secrets_file();
        match fs::read(&file) {
            Ok(sealed) => {
                let bytes = platform.unseal(SECRETS_LABEL, &sealed).with_context(|| {
                    format!("{} does not open on this machine and platform", file.display())
                })?;
                KeptSecrets::from_bytes(&bytes).with_context(|| {
                    format!("{} is of a version that this worker does not read", file.display())
                })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secrets = KeptSecrets::generate(rng);
                self.keep_secrets(platform, &secrets.to_bytes())?;
                Ok(secrets)
            }
            Err(error) => Err(error).context(format!("{} cannot be read", file.display())),
        }
    }

    /// Seals and writes the secrets; they are on disk when this returns.
    pub fn keep_secrets(&self, platform: &dyn platform::Platform, bytes: &[u8]) -> Result<()> {
        let sealed = platform.seal(SECRETS_LABEL, bytes)?;
        write_durably(&self.secrets_file(), &sealed)
    }

    /// Whether there are secrets.
    pub fn has_secrets(&self) -> bool {
        self.secrets_file().exists()
    }

    /// Seals and writes that the keys were handed over; then removes them. That it is on disk when this
    /// returns is what the answer may be given by.
    pub fn bury(&self, platform: &dyn platform::Platform, tombstone: &[u8]) -> Result<()> {
        let sealed = platform.seal(TOMBSTONE_LABEL, tombstone)?;
        write_durably(&self.tombstone_file(), &sealed)?;
        if let Err(error) = fs::remove_file(self.secrets_file()) {
            tracing::warn!("the sealed keys are left on the disk: {error}");
        }
        Ok(())
    }

    /// The tombstone, if the keys were handed over.
    pub fn load_tombstone(&self, platform: &dyn platform::Platform) -> Result<Option<Departed>> {
        let file = self.tombstone_file();
        let Some(bytes) = unseal_file(platform, TOMBSTONE_LABEL, &file)? else {
            return Ok(None);
        };
        let departed = Departed::from_tombstone(&bytes)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(Some(departed))
    }

    /// The key of a hand-over to this process that has begun.
    pub fn load_successor(&self, platform: &dyn platform::Platform) -> Result<Option<Successor>> {
        let bytes = unseal_file(platform, SUCCESSOR_LABEL, &self.successor_file())?;
        Ok(bytes.and_then(|bytes| Successor::from_bytes(&bytes)))
    }

    /// Seals and writes the key of a hand-over to this process.
    pub fn keep_successor(
        &self,
        platform: &dyn platform::Platform,
        successor: &Successor,
    ) -> Result<()> {
        let sealed = platform.seal(SUCCESSOR_LABEL, successor.expose())?;
        write_durably(&self.successor_file(), &sealed)
    }

    /// The hand-over to this process is done.
    pub fn forget_successor(&self) -> Result<()> {
        let file = self.successor_file();
        fs::remove_file(&file).with_context(|| format!("{} cannot be removed", file.display()))
    }

    fn tombstone_file(&self) -> PathBuf {
        self.path.join("handed-over.sealed")
    }

    fn successor_file(&self) -> PathBuf {
        self.path.join("taking-over.sealed")
    }

    fn secrets_file(&self) -> PathBuf {
        self.path.join("secrets.sealed")
    }

    /// Where the evidence of the last registration is kept, for receipts after a restart.
    pub fn evidence_file(&self) -> PathBuf {
        self.path.join("evidence.scale")
    }

    /// Reads the evidence back, if there is any; the chain's hash tells clients whether it is right.
    pub fn load_evidence(&self, milestones: &Milestones) {
        if let Ok(bytes) = fs::read(self.evidence_file())
            && let Ok(mut evidence) = milestones.evidence.write()
        {
            *evidence = Some(bytes);
        }
    }

    /// Where compiled contracts are kept.
    pub fn compiled_code(&self) -> PathBuf {
        self.path.join("compiled")
    }

    /// Where the state of a cluster is kept.
    pub fn state_file(&self, cluster: &ClusterId) -> PathBuf {
        self.path.join(format!("state-{}.redb", &cluster.to_hex()[2..]))
    }
}

/// What a sealed file holds, if it is there.
fn unseal_file(
    platform: &dyn platform::Platform,
    label: &str,
    file: &Path,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    match fs::read(file) {
        Ok(sealed) => platform.unseal(label, &sealed).map(Some).with_context(|| {
            format!("{} does not open on this machine and platform", file.display())
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(format!("{} cannot be read", file.display())),
    }
}

/// Replaces a file as one step: after a crash either the old or the new content is there.
pub fn write_durably(file: &Path, bytes: &[u8]) -> Result<()> {
    let fresh = file.with_extension("new");
    let written = || -> std::io::Result<()> {
        let mut out = File::create(&fresh)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&fresh, file)?;
        match file.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    };
    written().with_context(|| format!("{} cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(network: &str, expect: &str) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("network.json"), network).unwrap();
        let error = DataDir::open(dir.path(), GenesisHash([1; 32])).unwrap_err();
        assert!(format!("{error:#}").contains(expect), "{error:#}");
        assert_eq!(fs::read_to_string(dir.path().join("network.json")).unwrap(), network);
    }

    #[test]
    fn a_directory_of_another_network_or_layout_is_refused_and_left_alone() {
        let other = GenesisHash([2; 32]);
        check_refused(&format!("{{\"layout\":1,\"genesis\":\"{other}\"}}"), "belongs to network");
        check_refused(&format!("{{\"layout\":0,\"genesis\":\"{other}\"}}"), "an older worker");
        check_refused(&format!("{{\"layout\":2,\"genesis\":\"{other}\"}}"), "the newer worker");
        check_refused("{", "is damaged");
    }

    #[test]
    fn a_directory_is_used_by_one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let genesis = GenesisHash([1; 32]);
        let first = DataDir::open(dir.path(), genesis).unwrap();
        let error = DataDir::open(dir.path(), genesis).unwrap_err();
        assert!(error.to_string().contains("in use by another worker"));
        drop(first);
        DataDir::open(dir.path(), genesis).unwrap();
    }
}
