//! An S3 server and an IPFS node, as the npm registry has them, in one process of node.js.
//!
//! `s3rver` stores, `aws4` checks the signatures; the node is js-ipfs, offline, with its RPC interface. Their
//! packages are installed once, without install scripts, in the versions of `stores/package-lock.json`.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

/// Names the folder where the packages are, or shall be.
const PACKAGES_VARIABLE: &str = "PHAT_TEST_STORES";
/// The bucket that there is.
pub const S3_BUCKET: &str = "vault";
/// Name and secret of the key that the S3 server knows.
pub const S3_KEY: (&str, &str) = ("S3RVER", "S3RVER");

/// Both stores. They stop when this is dropped.
pub struct Stores {
    process: Child,
    data: TempDir,
    s3: String,
    ipfs: String,
}

impl Stores {
    /// Starts them; `cache` is where packages go unless the environment names a place.
    ///
    /// # Errors
    /// When node.js or npm is missing, or the packages cannot be installed.
    pub fn start(cache: &Path) -> anyhow::Result<Self> {
        let packages = install(cache)?;
        let data = tempfile::tempdir()?;
        let mut process = Command::new("node")
            .arg("stores.mjs")
            .arg(data.path())
            .arg(S3_BUCKET)
            .current_dir(&packages)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("node is needed for the stores: install node.js 20 or newer")?;
        let output = process.stdout.take().context("node has no output")?;
        let mut lines = BufReader::new(output).lines();
        let mut next = |name: &str| {
            let line = lines.next().context("the stores ended; their errors are above")??;
            let port = line.strip_prefix(name).with_context(|| format!("{name}: {line}"))?;
            Ok::<_, anyhow::Error>(format!("http://127.0.0.1:{}", port.trim()))
        };
        let (s3, ipfs) = (next("s3 ")?, next("ipfs ")?);
        Ok(Self { process, data, s3, ipfs })
    }

    /// Where the S3 server is.
    pub fn s3(&self) -> &str {
        &self.s3
    }

    /// Where the IPFS node's RPC interface is.
    pub fn ipfs(&self) -> &str {
        &self.ipfs
    }

    /// Every file that the stores keep.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn files(&self) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut files = Vec::new();
        let mut folders = vec![self.data.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => files.push((path.clone(), fs::read(path)?)),
                }
            }
        }
        Ok(files)
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Installs the packages unless they are there; one process at a time.
fn install(cache: &Path) -> anyhow::Result<PathBuf> {
    let folder = match std::env::var_os(PACKAGES_VARIABLE) {
        Some(folder) => PathBuf::from(folder),
        None => cache.join("stores"),
    };
    fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join("install.lock"))?;
    lock.lock()?;
    let wanted = include_bytes!("../stores/package-lock.json");
    fs::write(folder.join("stores.mjs"), include_bytes!("../stores/stores.mjs"))?;
    let installed = folder.join("installed");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    fs::write(folder.join("package-lock.json"), wanted)?;
    fs::write(folder.join("package.json"), include_bytes!("../stores/package.json"))?;
    let status = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("npm is needed for the stores: install node.js 20 or newer")?;
    ensure!(status.success(), "npm could not install the stores");
    fs::write(&installed, wanted)?;
    Ok(folder)
}
