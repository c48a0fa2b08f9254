//! Which network, which account, which contract's metadata a command is about.

use crate::passphrase;
use anyhow::{Context, Result, bail};
use clap::Args;
use client::{
    Account, Chain, Cluster, Contract, KEYSTORE_BYTES_MAX, Keystore, WorkerClient,
};
use dev_network::NetworkInfo;
use primitives::{AccountId, ClusterId, ContractId, GenesisHash, WorkerId};
use std::{
    fs,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Where `phat dev` leaves its network by default.
pub const DEV_DIRECTORY: &str = ".phat/dev";

/// Which network to talk to.
#[derive(Debug, Args)]
pub struct Network {
    /// The node's JSON-RPC; by default that of the network that runs in --network.
    #[arg(long, global = true, env = "PHAT_NODE", value_name = "URL")]
    node: Option<String>,
    /// Hash of the network's first block: answers of any other network are refused.
    #[arg(long, global = true, env = "PHAT_GENESIS", value_name = "HASH")]
    genesis: Option<GenesisHash>,
    /// Directory that phat dev keeps its network in.
    #[arg(long, global = true, env = "PHAT_NETWORK", value_name = "DIRECTORY", default_value = DEV_DIRECTORY)]
    network: PathBuf,
}

impl Network {
    fn dev_info(&self) -> Option<NetworkInfo> {
        let bytes = fs::read(self.network.join("network.json")).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The network that answers must belong to, where it is known.
    pub fn pinned(&self) -> Option<GenesisHash> {
        self.genesis.or_else(|| match &self.node {
            // Another node may be of another network.
            Some(_) => None,
            None => self.dev_info().map(|info| info.genesis),
        })
    }

    /// Connects to the network's node.
    pub async fn connect(&self) -> Result<Chain> {
        let url = match &self.node {
            Some(url) => url.clone(),
            None => {
                self.dev_info()
                    .with_context(|| {
                        format!(
                            "no network: none was started in {}; start one with phat dev, or name a \
                             node with --node",
                            self.network.display()
                        )
                    })?
                    .node
            }
        };
        Ok(Chain::connect(&url, self.pinned()).await?)
    }

    /// The workers of the cluster where a contract lives, in the order that this user asks them in.
    pub async fn workers_of_contract(&self, chain: &Chain, id: &ContractId) -> Result<Cluster> {
        in_own_order(Cluster::of_contract(chain, id).await?).await
    }

    /// The workers of a cluster, in the order that this user asks them in.
    pub async fn workers(&self, chain: &Chain, cluster: &ClusterId) -> Result<Cluster> {
        in_own_order(Cluster::new(chain, cluster).await?).await
    }

    /// One worker of the cluster where a contract lives: the one named, or the first that answers.
    pub async fn worker(
        &self,
        chain: &Chain,
        contract: &ContractId,
        wanted: Option<&WorkerId>,
    ) -> Result<WorkerClient> {
        let mut cluster = self.workers_of_contract(chain, contract).await?;
        only(&mut cluster, wanted)?;
        let mut last = None;
        let members = cluster.membership().members;
        for worker in cluster.candidates() {
            let member = members.iter().find(|member| member.record.info.worker == worker);
            let Some(member) = member else { continue };
            let worker = WorkerClient::new(chain.genesis(), &member.record)?;
            match worker.info().await {
                Ok(info) if info.get("serving").is_some_and(|serving| !serving.is_null()) => {
                    return Ok(worker);
                }
                Ok(_) => last = Some(format!("worker {} is not serving", worker.worker())),
                Err(error) => last = Some(error.to_string()),
            }
        }
        let reason = last.unwrap_or_else(|| "it has none that may be asked".to_owned());
        bail!("no worker of cluster {} serves: {reason}", cluster.id())
    }

    /// The cluster named, or the network's only one.
    pub async fn cluster(&self, chain: &Chain, wanted: Option<ClusterId>) -> Result<ClusterId> {
        let clusters = chain.clusters().await?;
        if let Some(wanted) = wanted {
            if !clusters.iter().any(|(cluster, _)| *cluster == wanted) {
                bail!("there is no cluster {wanted} on this network: see phat cluster list");
            }
            return Ok(wanted);
        }
        match clusters.as_slice() {
            [(only, _)] => Ok(*only),
            [] => bail!("this network has no cluster"),
            many => bail!("this network has {} clusters: name one with --cluster", many.len()),
        }
    }

    /// Where metadata of deployed contracts is kept.
    fn metadata_file(&self, genesis: &GenesisHash, contract: &ContractId) -> PathBuf {
        home().join("contracts").join(format!("{}-{}.contract", short(genesis), contract))
    }

    /// Keeps the metadata of a contract that was deployed, so that later commands know it.
    pub fn keep_metadata(
        &self,
        genesis: &GenesisHash,
        contract: &ContractId,
        bytes: &[u8],
    ) -> Result<()> {
        let file = self.metadata_file(genesis, contract);
        let parent = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).with_context(|| format!("{}", parent.display()))?;
        fs::write(&file, bytes).with_context(|| format!("{}", file.display()))
    }

    /// The metadata of a contract: from a file that is named, or as kept at its deployment.
    pub fn metadata(
        &self,
        genesis: &GenesisHash,
        contract: &ContractId,
        named: Option<&Path>,
    ) -> Result<Contract> {
        match named {
            Some(file) => read_contract(file).map(|(contract, _)| contract),
            None => {
                let file = self.metadata_file(genesis, contract);
                if !file.exists() {
                    bail!(
                        "the metadata of contract {contract} is not known here: name its .contract \
                         file with --metadata"
                    );
                }
                read_contract(&file).map(|(contract, _)| contract)
            }
        }
    }
}

/// Asks the named worker alone, if one is named.
pub fn only(cluster: &mut Cluster, wanted: Option<&WorkerId>) -> Result<()> {
    match wanted {
        Some(worker) if !cluster.only(*worker) => {
            bail!("worker {worker} does not belong to cluster {}", cluster.id())
        }
        _ => Ok(()),
    }
}

/// Users spread over the workers, but each stays with one: its logs are there, and it is the first to
/// have what the user changed.
async fn in_own_order(mut cluster: Cluster) -> Result<Cluster> {
    if let Some(seed) = order_seed() {
        cluster.set_seed(seed);
    }
    cluster.demand_newest().await?;
    Ok(cluster)
}

/// The number that this user's order of workers comes from; `None` where it can be neither read nor kept.
fn order_seed() -> Option<u64> {
    let file = home().join("worker-order");
    let kept = || fs::read_to_string(&file).ok()?.trim().parse().ok();
    if let Some(seed) = kept() {
        return Some(seed);
    }
    fs::create_dir_all(home()).ok()?;
    // Of two that start at once, the first to write decides.
    let made = client::random_seed().to_string();
    if let Ok(mut new) = fs::File::create_new(&file) {
        std::io::Write::write_all(&mut new, made.as_bytes()).ok()?;
    }
    kept()
}

fn short(genesis: &GenesisHash) -> String {
    genesis.to_hex().chars().skip(2).take(16).collect()
}

/// Reads a .contract file.
pub fn read_contract(file: &Path) -> Result<(Contract, Vec<u8>)> {
    const BYTES_MAX: u64 = 16 * 1024 * 1024;
    let shown = file.display();
    let length = fs::metadata(file).with_context(|| format!("{shown} cannot be read"))?.len();
    if length > BYTES_MAX {
        bail!("{shown} is longer than {BYTES_MAX} bytes: not a .contract file");
    }
    let bytes = fs::read(file).with_context(|| format!("{shown} cannot be read"))?;
    let contract = Contract::from_json(&bytes).with_context(|| format!("{shown}"))?;
    Ok((contract, bytes))
}

/// Where this program keeps what belongs to its user.
pub fn home() -> PathBuf {
    match std::env::var_os("PHAT_HOME") {
        Some(home) => PathBuf::from(home),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".phat"),
    }
}

/// Where an account's secret is kept.
pub fn account_file(name: &str) -> Result<PathBuf> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
        bail!("{name:?} is no account name: letters, digits, - and _, at most 64");
    }
    Ok(home().join("accounts").join(name))
}

/// The secret of an account as it lies in its file.
pub enum Kept {
    /// Under a passphrase.
    Keystore(Keystore),
    /// As it is: development networks only.
    Plain(Zeroizing<String>),
}

impl Kept {
    /// Reads an account's file.
    pub fn read(name: &str) -> Result<Self> {
        let file = account_file(name)?;
        if !file.exists() {
            bail!("there is no account {name}: make it with phat account new {name}");
        }
        Self::of_file(&file)
    }

    /// Reads a keystore or a plain secret.
    pub fn of_file(file: &Path) -> Result<Self> {
        let shown = file.display();
        let length = fs::metadata(file).with_context(|| format!("{shown} cannot be read"))?.len();
        if length > KEYSTORE_BYTES_MAX {
            bail!("{shown} is longer than {KEYSTORE_BYTES_MAX} bytes: not an account");
        }
        let text = fs::read_to_string(file).with_context(|| format!("{shown} cannot be read"))?;
        let text = Zeroizing::new(text);
        if !text.trim_start().starts_with('{') {
            return Ok(Self::Plain(text));
        }
        Ok(Self::Keystore(Keystore::from_json(&text).with_context(|| format!("{shown}"))?))
    }

    /// The account's public id; needs no passphrase.
    pub fn id(&self) -> Result<AccountId> {
        match self {
            Self::Keystore(keystore) => Ok(keystore.account()),
            Self::Plain(secret) => Ok(Account::from_uri(secret)?.id()),
        }
    }
}

/// An account by name, ready to sign: one made with `phat account new`, whose passphrase is asked for, or a
/// development account such as //Alice.
pub fn account(name: &str) -> Result<Account> {
    if name.starts_with("//") {
        return Ok(Account::from_uri(name)?);
    }
    let file = account_file(name)?;
    match Kept::read(name)? {
        Kept::Keystore(keystore) => keystore
            .open(&*passphrase::of(name)?)
            .with_context(|| format!("account {name} ({})", file.display())),
        Kept::Plain(secret) => {
            Account::from_uri(&secret).with_context(|| format!("{} is damaged", file.display()))
        }
    }
}

/// The public id of an account by name; asks for no passphrase.
pub fn account_id(name: &str) -> Result<AccountId> {
    if name.starts_with("//") {
        return Ok(Account::from_uri(name)?.id());
    }
    Kept::read(name)?.id()
}
