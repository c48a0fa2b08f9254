//! From an empty directory to a serving network.

use crate::{
    Console, DevNetworkError, Pages,
    process::{Binaries, Ports, Process},
    spec::SpecChanges,
};
use chain_facts::keys;
use client::{Account, Chain, Transaction, WorkerClient};
use primitives::{AccountId, Balance, ClusterId, GenesisHash, Measurement, WorkerId};
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    future::Future,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::process::Command;

/// Version of the directory's layout.
const LAYOUT: &str = "phat-dev 1";
/// Name of the development chain's raw specification, where the build left it beside the node.
pub const SPEC_BESIDE_NODE: &str = "phat-dev-chain-spec.json";
/// How long any one step may take before it counts as failed.
const STEP_PATIENCE: Duration = Duration::from_secs(120);
/// Pause between two looks at something that is awaited.
const POLL: Duration = Duration::from_millis(50);
/// Who pays for worker registrations: accounts that the development chain funds.
const OPERATORS: [&str; 4] = ["//Bob", "//Charlie", "//Dave", "//Eve"];

/// Length of a slot on development networks, milliseconds: many small steps, from the registration to a
/// key in shares, lie between an empty directory and a network that serves.
pub const SLOT_MS: u64 = 500;

/// What kind of network to run, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The programs.
    pub binaries: Binaries,
    /// The ports.
    pub ports: Ports,
    /// Workers of the cluster, 1 to 3.
    pub workers: usize,
    /// Price of gas, deposit for an item and for a byte, in the cluster.
    pub prices: [Balance; 3],
    /// Length of a slot, milliseconds, 100 at least; `None` for the development chain's own (1000).
    /// Counts only where the directory has no network yet.
    pub slot_ms: Option<u64>,
    /// Blocks of a session, 4 at least: a change of the validators takes effect at the end of the second one;
    /// `None` for the development chain's own (60). Counts only where the directory has no network yet.
    pub session_blocks: Option<u32>,
}

/// What a worker is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerRole {
    /// Guards the keys.
    Gatekeeper,
    /// Runs contracts.
    Worker,
}

/// A worker of the network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerInfo {
    /// What it is for.
    pub role: WorkerRole,
    /// Who it is.
    pub worker: WorkerId,
    /// Where it answers.
    pub url: String,
    /// Milliseconds from the start of its process until it served; `None` for a gatekeeper.
    pub ready_after_ms: Option<u64>,
    /// Milliseconds of it from the light client's start to its first final block.
    pub light_client_after_ms: Option<u64>,
}

/// How to reach a network: what `network.json` in its directory holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NetworkInfo {
    /// The node's JSON-RPC.
    pub node: String,
    /// The node's p2p address.
    pub p2p: String,
    /// Which network.
    pub genesis: GenesisHash,
    /// The cluster.
    pub cluster: ClusterId,
    /// Measurement of the worker build.
    pub measurement: Measurement,
    /// Its workers; the first is the gatekeeper.
    pub workers: Vec<WorkerInfo>,
}

struct Worker {
    role: WorkerRole,
    process: Option<Process>,
    url: String,
    id: Option<WorkerId>,
}

/// A running network.
pub struct Network {
    options: Options,
    chain: Option<Chain>,
    node: Option<Process>,
    workers: Vec<Worker>,
    info: Option<NetworkInfo>,
    _lock: File,
}

impl Network {
    /// Starts a network and waits until every worker serves. `say` hears what is going on.
    ///
    /// # Errors
    /// See [`DevNetworkError`]; whatever was started is ended.
    pub async fn start(
        options: Options,
        say: &mut dyn FnMut(&str),
    ) -> Result<Self, DevNetworkError> {
        let lock = open_directory(&options.data_dir)?;
        options.ports.check_free(options.workers + 1)?;
        let mut network = Self {
            options,
            chain: None,
            node: None,
            workers: Vec::new(),
            info: None,
            _lock: lock,
        };
        let (spec, measurement) = tokio::join!(network.export_spec(), network.measure());
        let measurement = measurement?;
        network.make_spec(spec?, &measurement)?;
        say("starting the chain node");
        network.start_node()?;
        let chain = network.connect().await?;
        network.allow_build(&chain, measurement).await?;
        say("starting the gatekeeper and the workers");
        let bootnode = network.bootnode(&chain).await?;
        for place in 0..=network.options.workers {
            network.start_worker(place, &bootnode)?;
        }
        network.learn_identities().await?;
        say("waiting for their registration");
        network.await_registration(&chain).await?;
        let cluster = network.set_up_cluster(&chain, say).await?;
        say("waiting until every worker serves");
        let workers = network.await_serving().await?;
        let info = NetworkInfo {
            node: network.node_url(),
            p2p: bootnode,
            genesis: chain.genesis(),
            cluster,
            measurement,
            workers,
        };
        let path = network.options.data_dir.join("network.json");
        let bytes = serde_json::to_vec_pretty(&info).unwrap_or_default();
        fs::write(&path, bytes).map_err(|source| DevNetworkError::File { path, source })?;
        network.info = Some(info);
        network.chain = Some(chain);
        Ok(network)
    }

    /// How to reach it.
    ///
    /// # Panics
    /// Never: a network that was returned by [`Network::start`] has it.
    #[expect(clippy::expect_used, reason = "start returns only after it is set")]
    pub fn info(&self) -> &NetworkInfo {
        self.info.as_ref().expect("set by start")
    }

    /// Serves the web console for this network, from `folder` or from where the build left it beside the
    /// programs; `None` where there is none. It ends when it is dropped.
    ///
    /// # Errors
    /// When its files cannot be read, or its port is taken.
    pub async fn serve_console(
        &self,
        folder: Option<&Path>,
    ) -> Result<Option<Console>, DevNetworkError> {
        let beside = || Pages::beside(self.options.binaries.node.parent()?);
        let Some(folder) = folder.map(Path::to_owned).or_else(beside) else { return Ok(None) };
        let pages = Pages::load(&folder)?;
        Console::serve(pages, self.info(), self.options.ports.console()).await.map(Some)
    }

    /// Superuser and richest account of a development network.
    ///
    /// # Errors
    /// Never in practice.
    pub fn alice() -> Result<Account, client::AccountError> {
        Account::from_uri("//Alice")
    }

    /// Ends every process.
    pub async fn stop(mut self) {
        let mut ending = Vec::new();
        for worker in &mut self.workers {
            ending.extend(worker.process.take());
        }
        ending.extend(self.node.take());
        let tasks: Vec<_> =
            ending.into_iter().map(|process| tokio::spawn(process.stop())).collect();
        for task in tasks {
            let _ = task.await;
        }
    }

    /// Whether all processes run; an error names the one that ended.
    ///
    /// # Errors
    /// [`DevNetworkError::Ended`].
    pub fn check_alive(&mut self) -> Result<(), DevNetworkError> {
        if let Some(node) = &mut self.node {
            node.check_alive()?;
        }
        for worker in &mut self.workers {
            if let Some(process) = &mut worker.process {
                process.check_alive()?;
            }
        }
        Ok(())
    }

    /// Removes a stopped worker's state, but not its keys: it has to rebuild from the mailbox.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn wipe_worker_state(&self, place: usize) -> Result<(), DevNetworkError> {
        let directory = self.options.data_dir.join(worker_name(place));
        let file_error = |source| DevNetworkError::File { path: directory.clone(), source };
        for entry in fs::read_dir(&directory).map_err(file_error)? {
            let path = entry.map_err(file_error)?.path();
            let is_state = path.extension().is_some_and(|extension| extension == "redb");
            if is_state {
                fs::remove_file(&path).map_err(file_error)?;
            }
        }
        Ok(())
    }

    /// Kills the node as a power cut would.
    pub async fn kill_node(&mut self) {
        if let Some(node) = self.node.take() {
            node.kill().await;
        }
    }

    /// Starts the node again on the data it has.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart_node(&mut self) -> Result<(), DevNetworkError> {
        self.start_node()
    }

    /// Kills a worker as a power cut would; 0 is the gatekeeper.
    pub async fn kill_worker(&mut self, place: usize) {
        if let Some(process) =
            self.workers.get_mut(place).and_then(|worker| worker.process.take())
        {
            process.kill().await;
        }
    }

    /// Starts a killed worker again on the data it has.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart_worker(&mut self, place: usize) -> Result<(), DevNetworkError> {
        let bootnode = self.info().p2p.clone();
        let process = self.spawn_worker(place, &bootnode)?;
        if let Some(worker) = self.workers.get_mut(place) {
            worker.process = Some(process);
        }
        Ok(())
    }

    /// Waits until every worker of the cluster serves; gives what they say of themselves.
    ///
    /// # Errors
    /// When one ends or does not serve in time.
    pub async fn await_serving(&mut self) -> Result<Vec<WorkerInfo>, DevNetworkError> {
        let mut infos = Vec::new();
        for place in 0..self.workers.len() {
            let role = self.workers[place].role;
            let json = self
                .poll("a worker to serve", |network| {
                    let url = network.workers[place].url.clone();
                    async move {
                        let json = fetch_info(&url).await?;
                        // The time until then is known a moment after the first answer.
                        let has = |name| json.get(name).is_some_and(|value| !value.is_null());
                        let serving = has("serving") && has("ready_after_ms");
                        (serving || role == WorkerRole::Gatekeeper).then_some(json)
                    }
                })
                .await?;
            let number = |name: &str| json.get(name).and_then(serde_json::Value::as_u64);
            infos.push(WorkerInfo {
                role,
                worker: self.workers[place].id.unwrap_or_default(),
                url: self.workers[place].url.clone(),
                ready_after_ms: number("ready_after_ms"),
                light_client_after_ms: number("light_client_after_ms"),
            });
        }
        Ok(infos)
    }

    fn node_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.options.ports.rpc())
    }

    fn spec_file(&self) -> PathBuf {
        self.options.data_dir.join("chain-spec.json")
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.options.data_dir.join("logs").join(format!("{name}.log"))
    }

    async fn poll<T, F, W>(&mut self, what: &str, mut look: F) -> Result<T, DevNetworkError>
    where
        F: FnMut(&mut Self) -> W,
        W: Future<Output = Option<T>>,
    {
        let started = Instant::now();
        loop {
            let looked = look(self);
            if let Some(found) = looked.await {
                return Ok(found);
            }
            self.check_alive()?;
            if started.elapsed() > STEP_PATIENCE {
                return Err(DevNetworkError::Timeout {
                    what: what.to_owned(),
                    seconds: STEP_PATIENCE.as_secs(),
                    logs: self.options.data_dir.join("logs"),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The development chain's raw specification; nothing where the directory has one already.
    async fn export_spec(&self) -> Result<Option<Vec<u8>>, DevNetworkError> {
        if self.spec_file().exists() {
            return Ok(None);
        }
        let node = &self.options.binaries.node;
        if let Some(made_before) = spec_beside(node) {
            return Ok(Some(made_before));
        }
        output_of(node, &["export-chain-spec", "--chain", "dev", "--raw"]).await.map(Some)
    }

    /// Writes the specification, with the worker build in its first block's allow-list: a network of
    /// one's own need not vote on the build it starts with.
    fn make_spec(
        &self,
        exported: Option<Vec<u8>>,
        measurement: &Measurement,
    ) -> Result<(), DevNetworkError> {
        let Some(exported) = exported else { return Ok(()) };
        let changes = SpecChanges {
            measurement: *measurement,
            slot_ms: self.options.slot_ms,
            session_blocks: self.options.session_blocks,
        };
        let spec = changes.apply(&exported).map_err(|reason| DevNetworkError::File {
            path: self.options.binaries.node.clone(),
            source: std::io::Error::other(format!("its chain specification: {reason}")),
        })?;
        write(&self.spec_file(), spec.as_bytes())
    }

    /// What the worker build measures as.
    async fn measure(&self) -> Result<Measurement, DevNetworkError> {
        let worker = &self.options.binaries.worker;
        let output = output_of(worker, &["measure"]).await?;
        String::from_utf8_lossy(&output).trim().parse().map_err(|error| DevNetworkError::File {
            path: worker.clone(),
            source: std::io::Error::other(format!("its measurement: {error}")),
        })
    }

    fn start_node(&mut self) -> Result<(), DevNetworkError> {
        let data_dir = &self.options.data_dir;
        let ports = self.options.ports;
        let arguments = [
            format!("--chain={}", self.spec_file().display()),
            format!("--base-path={}", data_dir.join("node").display()),
            "--alice".to_owned(),
            "--force-authoring".to_owned(),
            format!("--rpc-port={}", ports.rpc()),
            format!("--listen-addr=/ip4/127.0.0.1/tcp/{}", ports.p2p()),
            format!("--node-key-file={}", self.node_key()?.display()),
            "--no-mdns".to_owned(),
            "--no-prometheus".to_owned(),
            "--no-telemetry".to_owned(),
            "--allow-private-ip".to_owned(),
            "--state-pruning=archive".to_owned(),
        ];
        let log = self.log_file("node");
        self.node =
            Some(Process::start("phat-node", &self.options.binaries.node, &arguments, &log)?);
        Ok(())
    }

    fn node_key(&self) -> Result<PathBuf, DevNetworkError> {
        let file = self.options.data_dir.join("node.key");
        if !file.exists() {
            let mut key = [0u8; 32];
            OsRng.fill_bytes(&mut key);
            write(&file, hex::encode(key).as_bytes())?;
        }
        Ok(file)
    }

    async fn connect(&mut self) -> Result<Chain, DevNetworkError> {
        self.poll("the node's RPC to answer", |network| {
            let url = network.node_url();
            async move { Chain::connect(&url, None).await.ok() }
        })
        .await
    }

    async fn bootnode(&self, chain: &Chain) -> Result<String, DevNetworkError> {
        let peer = chain.local_peer_id().await?;
        Ok(format!("/ip4/127.0.0.1/tcp/{}/p2p/{peer}", self.options.ports.p2p()))
    }

    /// Allows the worker build where the chain does not yet: a network that goes on with a new build.
    async fn allow_build(
        &self,
        chain: &Chain,
        measurement: Measurement,
    ) -> Result<(), DevNetworkError> {
        let key = keys::allowed_measurement(&measurement);
        if chain.unproven::<u32>("allow-list", key).await?.is_none() {
            let allow =
                Transaction::allow_measurement(measurement).as_superuser(chain).await?;
            chain.submit(&alice()?, &allow).await?;
        }
        Ok(())
    }

    fn start_worker(&mut self, place: usize, bootnode: &str) -> Result<(), DevNetworkError> {
        let process = self.spawn_worker(place, bootnode)?;
        self.workers.push(Worker {
            role: if place == 0 { WorkerRole::Gatekeeper } else { WorkerRole::Worker },
            process: Some(process),
            url: format!("http://127.0.0.1:{}", self.options.ports.worker(place)),
            id: None,
        });
        Ok(())
    }

    fn spawn_worker(&self, place: usize, bootnode: &str) -> Result<Process, DevNetworkError> {
        let name = worker_name(place);
        let data_dir = self.options.data_dir.join(&name);
        fs::create_dir_all(&data_dir)
            .map_err(|source| DevNetworkError::File { path: data_dir.clone(), source })?;
        let operator = self.options.data_dir.join(format!("{name}.operator"));
        write(&operator, OPERATORS[place % OPERATORS.len()].as_bytes())?;
        let port = self.options.ports.worker(place);
        let mut arguments = vec![
            "run".to_owned(),
            format!("--chain-spec={}", self.spec_file().display()),
            format!("--bootnode={bootnode}"),
            format!("--data-dir={}", data_dir.display()),
            format!("--listen=127.0.0.1:{port}"),
            format!("--operator-key-file={}", operator.display()),
            "--platform=insecure_simulated".to_owned(),
            // The console shows what a network does.
            "--publish-traffic".to_owned(),
            // Contracts under development talk to servers on this machine.
            "--insecure-allow-private-http".to_owned(),
        ];
        if place > 0 {
            arguments.push(format!("--endpoint=http://127.0.0.1:{port}"));
        }
        let log = self.log_file(&name);
        Process::start(&name, &self.options.binaries.worker, &arguments, &log)
    }

    async fn learn_identities(&mut self) -> Result<(), DevNetworkError> {
        for place in 0..self.workers.len() {
            let id = self
                .poll("a worker's HTTP to answer", |network| {
                    let url = network.workers[place].url.clone();
                    async move {
                        let json = fetch_info(&url).await?;
                        json.get("worker")?.as_str()?.parse::<WorkerId>().ok()
                    }
                })
                .await?;
            self.workers[place].id = Some(id);
        }
        Ok(())
    }

    fn ids(&self) -> Vec<WorkerId> {
        self.workers.iter().filter_map(|worker| worker.id).collect()
    }

    async fn await_registration(&mut self, chain: &Chain) -> Result<(), DevNetworkError> {
        for worker in self.ids() {
            self.poll("a worker's registration", |_| async {
                let key = keys::worker(&worker);
                chain
                    .unproven::<chain_facts::WorkerInfo>("worker registration", key)
                    .await
                    .ok()
                    .flatten()
            })
            .await?;
        }
        Ok(())
    }

    async fn set_up_cluster(
        &mut self,
        chain: &Chain,
        say: &mut dyn FnMut(&str),
    ) -> Result<ClusterId, DevNetworkError> {
        let cluster = keys::cluster_id(1);
        let existing: Option<Vec<WorkerId>> =
            chain.unproven("workers of a cluster", keys::cluster_workers(&cluster)).await?;
        if existing.is_some() {
            return Ok(cluster);
        }
        say("appointing the gatekeeper and making the cluster");
        let ids = self.ids();
        let Some((gatekeeper, workers)) = ids.split_first() else {
            return Ok(cluster);
        };
        let alice = alice()?;
        let calls = [
            Transaction::register_gatekeeper(*gatekeeper),
            Transaction::add_public_cluster(alice.id(), workers, self.options.prices),
        ];
        let batch = Transaction::batch(&calls, chain).await?.as_superuser(chain).await?;
        chain.submit(&alice, &batch).await?;
        Ok(cluster)
    }

    /// A client of each worker of the cluster, by proven keys.
    ///
    /// # Errors
    /// When the chain does not prove them.
    pub async fn worker_clients(&self, chain: &Chain) -> Result<Vec<WorkerClient>, DevNetworkError> {
        let mut clients = Vec::new();
        for record in chain.cluster_workers(&self.info().cluster).await? {
            clients.push(WorkerClient::new(chain.genesis(), &record)?);
        }
        Ok(clients)
    }

    /// Where its logs are.
    pub fn logs(&self) -> PathBuf {
        self.options.data_dir.join("logs")
    }

    /// Funds accounts in one transaction, from the richest account.
    ///
    /// # Errors
    /// When the chain refuses.
    pub async fn fund(
        chain: &Chain,
        accounts: &[AccountId],
        amount: Balance,
    ) -> Result<(), DevNetworkError> {
        let calls: Vec<Transaction> =
            accounts.iter().map(|account| Transaction::transfer(*account, amount)).collect();
        let batch = Transaction::batch(&calls, chain).await?;
        chain.submit(&alice()?, &batch).await?;
        Ok(())
    }
}

/// The specification that the build left beside the node, unless it is older than the node: making it
/// costs the node seconds, because it runs the whole runtime for it.
fn spec_beside(node: &Path) -> Option<Vec<u8>> {
    let file = node.with_file_name(SPEC_BESIDE_NODE);
    let changed = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    (changed(&file)? >= changed(node)?).then(|| fs::read(&file).ok()).flatten()
}

/// What a program prints, if it succeeds.
async fn output_of(program: &Path, arguments: &[&str]) -> Result<Vec<u8>, DevNetworkError> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .await
        .map_err(|source| DevNetworkError::File { path: program.to_owned(), source })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(DevNetworkError::Ended {
        program: format!("{} {}", program.display(), arguments.join(" ")),
        status: output.status.to_string(),
        log: PathBuf::from("its own output"),
        tail: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn alice() -> Result<Account, DevNetworkError> {
    Network::alice().map_err(|error| DevNetworkError::Chain(client::ChainError::Node(error.to_string())))
}

fn worker_name(place: usize) -> String {
    if place == 0 { "gatekeeper".to_owned() } else { format!("worker-{place}") }
}

async fn fetch_info(url: &str) -> Option<serde_json::Value> {
    client::fetch_info(url).await.ok()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), DevNetworkError> {
    fs::write(path, bytes)
        .map_err(|source| DevNetworkError::File { path: path.to_owned(), source })
}

fn open_directory(path: &Path) -> Result<File, DevNetworkError> {
    let file_error =
        |path: PathBuf| move |source| DevNetworkError::File { path: path.clone(), source };
    let logs = path.join("logs");
    fs::create_dir_all(&logs).map_err(file_error(logs.clone()))?;
    let lock_file = path.join("lock");
    let lock = File::create(&lock_file).map_err(file_error(lock_file.clone()))?;
    if lock.try_lock().is_err() {
        return Err(DevNetworkError::InUse(path.to_owned()));
    }
    let layout_file = path.join("layout");
    match fs::read_to_string(&layout_file) {
        Ok(found) if found == LAYOUT => {}
        Ok(found) => {
            return Err(DevNetworkError::AnotherVersion { path: path.to_owned(), found });
        }
        Err(_) => write(&layout_file, LAYOUT.as_bytes())?,
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_used_once_and_by_its_own_version() {
        let dir = tempfile::tempdir().unwrap();
        let first = open_directory(dir.path()).unwrap();
        assert!(matches!(open_directory(dir.path()), Err(DevNetworkError::InUse(_))));
        drop(first);
        fs::write(dir.path().join("layout"), "phat-dev 0").unwrap();
        let error = open_directory(dir.path()).unwrap_err();
        assert!(error.to_string().contains("phat-dev 0"), "{error}");
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Ports::from_base(port).check_free(1).unwrap_err();
        assert!(error.to_string().contains(&port.to_string()), "{error}");
    }
}
