//! The network that all scripts share.

use anyhow::{Context as _, Result, bail, ensure};
use dev_network::{Binaries, Network, NetworkInfo, Options, Ports, SLOT_MS, WorkerRole};
use serde_json::{Value, json};
use std::{
    env,
    fs,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Instant,
};
use tempfile::TempDir;
use tokio::process::Command;

/// Workers of the cluster.
const WORKERS: usize = 2;
/// What gas costs, and storage by item and byte, in the smallest unit.
const PRICES: [u128; 3] = [1, 1_000_000, 1_000];
/// Who owns the cluster.
const OWNER: &str = "//Alice";

pub struct Stage {
    home: TempDir,
    /// Where packages are installed.
    pub cache: PathBuf,
    pub browser: Option<&'static str>,
    binaries: PathBuf,
    network: Network,
    info: NetworkInfo,
    started: Instant,
    failed: Vec<String>,
}

impl Stage {
    pub async fn start() -> Result<Self> {
        let home = tempfile::tempdir()?;
        let binaries = binaries()?;
        let options = Options {
            data_dir: home.path().join("network"),
            binaries: Binaries::in_directory(&binaries)?,
            ports: Ports::from_base(free_ports(WORKERS as u16 + 3)?),
            workers: WORKERS,
            prices: PRICES,
            slot_ms: Some(SLOT_MS),
            session_blocks: None,
        };
        let network = Network::start(options, &mut |_| {}).await?;
        let stage = Self {
            info: network.info().clone(),
            home,
            cache: Path::new(env!("CARGO_TARGET_TMPDIR")).join("compat"),
            browser: crate::BROWSERS.into_iter().find(|path| Path::new(path).is_file()),
            binaries,
            network,
            started: Instant::now(),
            failed: Vec::new(),
        };
        stage.say("ok    a network serves");
        Ok(stage)
    }

    /// What scripts are told.
    pub fn network_json(&self) -> String {
        let older = fs::canonicalize("../examples/older").unwrap_or_default();
        let workers: Vec<_> = self
            .info
            .workers
            .iter()
            .filter(|worker| worker.role == WorkerRole::Worker)
            .map(|worker| json!({ "worker": worker.worker.to_hex(), "url": worker.url }))
            .collect();
        json!({
            "node": self.info.node,
            "cluster": self.info.cluster.to_hex(),
            "workers": workers,
            "wasm": older.join("ink4.wasm"),
            "metadata": older.join("ink4.json"),
            "browser": self.browser,
        })
        .to_string()
    }

    /// Runs `phat`, which must succeed; gives what it printed.
    async fn phat(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(self.binaries.join("phat"))
            .arg("--network")
            .arg(self.home.path().join("network"))
            .args(arguments)
            .env("PHAT_HOME", self.home.path())
            .output()
            .await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {text}{error}");
        Ok(text)
    }

    /// Switches the compatible edge of the cluster, as its owner does.
    pub async fn set_edge(&self, to: &str) -> Result<()> {
        let text = self.phat(&["cluster", "compatible-edge", to, "--as", OWNER]).await?;
        ensure!(text.starts_with(to), "{text}");
        Ok(())
    }

    /// Makes an account; gives its keystore, its id, its name and passphrase.
    pub async fn new_account(&self, name: &str, passphrase: &str) -> Result<Value> {
        let file = self.home.path().join("passphrase");
        fs::write(&file, passphrase)?;
        let file = file.to_str().context("a folder's name is no text")?;
        self.phat(&["--passphrase-file", file, "account", "new", name]).await?;
        let json: Value = serde_json::from_str(&self.phat(&["account", "export", name]).await?)?;
        let shown: Value =
            serde_json::from_str(&self.phat(&["--json", "account", "show", name]).await?)?;
        let account = &shown["account"];
        Ok(json!({ "json": json, "account": account, "name": name, "passphrase": passphrase }))
    }

    /// Prints past the test harness, which would keep it to itself.
    pub fn say(&self, text: &str) {
        let seconds = self.started.elapsed().as_secs_f32();
        let _ = writeln!(std::io::stderr(), "[{seconds:6.1} s] {text}");
    }

    pub fn note(&mut self, name: &str, held: Result<()>) {
        match held {
            Ok(()) => self.say(&format!("ok    {name}")),
            Err(error) => {
                self.say(&format!("FAIL  {name}: {error:#}"));
                self.failed.push(format!("{name}: {error:#}"));
            }
        }
    }

    pub async fn end(self) -> Result<()> {
        self.network.stop().await;
        if self.failed.is_empty() {
            return Ok(());
        }
        bail!("{} checks did not hold:\n{}", self.failed.len(), self.failed.join("\n"))
    }
}

/// The folder of the network's programs.
fn binaries() -> Result<PathBuf> {
    if let Some(directory) = env::var_os("PHAT_BINARIES") {
        return Ok(PathBuf::from(directory));
    }
    let this = env::current_exe()?;
    let deps = this.parent().context("this test lies in no directory")?;
    Ok(deps.parent().context("this test lies in no target directory")?.to_owned())
}

/// The first of `count` consecutive ports that are free now.
fn free_ports(count: u16) -> Result<u16> {
    for _ in 0..100 {
        let first = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let all = (0..count).map(|step| first.checked_add(step));
        let held: Option<Vec<TcpListener>> =
            all.map(|port| TcpListener::bind(("127.0.0.1", port?)).ok()).collect();
        if held.is_some() {
            return Ok(first);
        }
    }
    bail!("no {count} consecutive ports are free")
}
