//! From nothing to a network that serves: nodes, gatekeepers, workers, clusters, a journal in each cluster.

use crate::{
    lan::Lan,
    machine::{Machine, Program},
    plan::Role,
};
use anyhow::{Context, Result, bail, ensure};
use chain_facts::keys;
use client::{Account, Chain, Cluster, Contract, Transaction};
use dev_network::{Network as DevNetwork, SpecChanges};
use primitives::{
    AccountId, ClusterId, ContractId, GenesisHash, Measurement, WorkerId, units::PHA,
};
use serde::Serialize;
use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::{process::Command, sync::Mutex};

/// Who the nodes are, as validators: accounts that the chain's genesis names.
pub const VALIDATORS: [&str; 4] = ["//Alice", "//Bob", "//Charlie", "//Dave"];
/// Length of a slot, milliseconds.
const SLOT_MS: u64 = 1000;
/// Blocks of a session.
const SESSION_BLOCKS: u32 = 12;
/// How long any step of the beginning may take.
const STEP_PATIENCE: Duration = Duration::from_secs(240);
/// Pause between two looks.
const POLL: Duration = Duration::from_millis(250);

/// How large a network is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Size {
    /// Chain nodes, which are the validators.
    pub nodes: usize,
    /// Gatekeepers. Two thirds of them are needed.
    pub gatekeepers: usize,
    /// Clusters.
    pub clusters: usize,
    /// Workers of each.
    pub workers_each: usize,
    /// Clients of each, that command and ask one after the other.
    pub clients_each: usize,
}

impl Size {
    /// The whole.
    pub const FULL: Self = Self {
        nodes: 4,
        gatekeepers: 5,
        clusters: 2,
        workers_each: 3,
        clients_each: 2,
    };
    /// For a small machine.
    pub const SMALL: Self = Self {
        nodes: 4,
        gatekeepers: 3,
        clusters: 1,
        workers_each: 3,
        clients_each: 2,
    };

    /// What each machine is for, by place.
    pub fn roles(&self) -> Vec<Role> {
        let mut roles = vec![Role::Node; self.nodes];
        roles.extend(vec![Role::Gatekeeper; self.gatekeepers]);
        for cluster in 0..self.clusters {
            roles.extend(vec![Role::Worker(cluster); self.workers_each]);
        }
        roles
    }
}

/// Where the programs are.
pub struct Programs {
    /// Directory of `phat`, `phat-node` and `phat-worker`.
    pub binaries: PathBuf,
    /// The journal, built.
    pub journal: PathBuf,
}

/// A cluster with its journal.
#[derive(Clone, Debug)]
pub struct Journal {
    /// The cluster.
    pub cluster: ClusterId,
    /// The contract.
    pub contract: ContractId,
}

/// A network.
pub struct Network {
    /// The machines, in the order of [`Size::roles`].
    pub machines: Vec<Mutex<Machine>>,
    /// The roles by place.
    pub roles: Vec<Role>,
    /// Where each node answers.
    pub nodes: Vec<String>,
    /// Who the machine of that place is, unless it is a node.
    pub workers: Vec<Option<WorkerId>>,
    /// The cables.
    pub lan: Lan,
    /// Which network.
    pub genesis: GenesisHash,
    /// The journals' metadata.
    pub contract: Contract,
    /// One journal for each cluster.
    pub journals: Vec<Journal>,
    /// How large it is.
    pub size: Size,
    /// Where its files are.
    pub directory: PathBuf,
    /// Where `phat` is.
    pub phat: PathBuf,
}

/// Looks until there is something to see.
///
/// # Errors
/// When there is not, for so long.
pub async fn until<T, W>(what: &str, patience: Duration, mut look: impl FnMut() -> W) -> Result<T>
where
    W: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        ensure!(
            started.elapsed() < patience,
            "{what}: not within {} s",
            patience.as_secs()
        );
        tokio::time::sleep(POLL).await;
    }
}

async fn output_of(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} {}: {said}",
        program.display(),
        arguments.join(" ")
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Accounts of operators and clients: made for the run, and given money.
fn operator(name: &str) -> String {
    format!("//{name}")
}

/// The account of a client of a cluster.
///
/// # Errors
/// Never in practice.
pub fn client_account(cluster: usize, client: usize) -> Result<Account> {
    Ok(Account::from_uri(&format!("//client-{cluster}-{client}"))?)
}

impl Network {
    /// Makes and starts everything. `say` hears what is going on.
    ///
    /// # Errors
    /// When a step fails or takes too long.
    pub async fn start(
        size: Size,
        programs: &Programs,
        directory: &Path,
        say: &mut dyn FnMut(&str),
    ) -> Result<Self> {
        let worker = programs.binaries.join("phat-worker");
        let node = programs.binaries.join("phat-node");
        let spec = write_spec(&node, &worker, directory).await?;
        let mut lan = Lan::make()?;
        let roles = size.roles();
        let mut machines = Vec::new();
        let mut counts = [0usize; 3];
        for role in &roles {
            let (name, count) = match role {
                Role::Node => ("node", &mut counts[0]),
                Role::Gatekeeper => ("gatekeeper", &mut counts[1]),
                Role::Worker(_) => ("worker", &mut counts[2]),
            };
            *count += 1;
            machines.push(Machine::new(
                &format!("{name}-{count}"),
                *role,
                lan.add()?,
                directory,
            )?);
        }
        say("starting the nodes");
        let peers = prepare_nodes(&mut machines, &node, &spec).await?;
        for machine in machines
            .iter_mut()
            .filter(|machine| machine.role == Role::Node)
        {
            machine.start()?;
        }
        let nodes: Vec<String> = machines
            .iter()
            .filter(|machine| machine.role == Role::Node)
            .map(Machine::url)
            .collect();
        let first = nodes.first().context("there is no node")?.clone();
        let chain = until("a node to answer", STEP_PATIENCE, || async {
            Chain::connect(&first, None).await.ok()
        })
        .await?;
        until("blocks to be final", STEP_PATIENCE, || async {
            chain.final_number().await.ok().filter(|number| *number > 0)
        })
        .await?;
        let contract = Contract::from_json(&fs::read(&programs.journal)?)?;
        let mut network = Self {
            workers: vec![None; machines.len()],
            machines: machines.into_iter().map(Mutex::new).collect(),
            roles,
            nodes,
            lan,
            genesis: chain.genesis(),
            contract,
            journals: Vec::new(),
            size,
            directory: directory.to_owned(),
            phat: programs.binaries.join("phat"),
        };
        network.fund(&chain).await?;
        say("starting gatekeepers and workers");
        network.start_workers(&worker, &spec, &peers).await?;
        network.register(&chain).await?;
        say("making the clusters");
        network.make_clusters(&chain).await?;
        network.await_serving().await?;
        say("deploying the journals");
        network.deploy(&chain).await?;
        Ok(network)
    }

    /// Gives every account of the run money.
    async fn fund(&self, chain: &Chain) -> Result<()> {
        let mut accounts: Vec<AccountId> = Vec::new();
        for machine in &self.machines {
            let machine = machine.lock().await;
            if machine.role != Role::Node {
                accounts.push(Account::from_uri(&operator(&machine.name))?.id());
            }
        }
        for cluster in 0..self.size.clusters {
            for client in 0..self.size.clients_each {
                accounts.push(client_account(cluster, client)?.id());
            }
        }
        Ok(DevNetwork::fund(chain, &accounts, 10_000 * PHA).await?)
    }

    async fn start_workers(&mut self, program: &Path, spec: &Path, peers: &[String]) -> Result<()> {
        for machine in &self.machines {
            let mut machine = machine.lock().await;
            if machine.role == Role::Node {
                continue;
            }
            let key = self.directory.join(format!("{}.operator", machine.name));
            fs::write(&key, operator(&machine.name))?;
            let mut arguments = vec![
                "run".to_owned(),
                format!("--chain-spec={}", spec.display()),
                format!("--data-dir={}", machine.data().display()),
                "--listen=0.0.0.0:8000".to_owned(),
                format!("--operator-key-file={}", key.display()),
                "--platform=insecure_simulated".to_owned(),
            ];
            arguments.extend(peers.iter().map(|peer| format!("--bootnode={peer}")));
            if matches!(machine.role, Role::Worker(_)) {
                arguments.push(format!("--endpoint={}", machine.url()));
            }
            machine.set_program(Program {
                path: program.to_owned(),
                arguments,
            });
            machine.start()?;
        }
        for place in 0..self.machines.len() {
            if self.roles[place] == Role::Node {
                continue;
            }
            let url = self.machines[place].lock().await.url();
            let worker = until("a worker to answer", STEP_PATIENCE, || async {
                let info = client::fetch_info(&url).await.ok()?;
                info["worker"].as_str()?.parse::<WorkerId>().ok()
            })
            .await?;
            self.workers[place] = Some(worker);
        }
        Ok(())
    }

    async fn register(&self, chain: &Chain) -> Result<()> {
        for worker in self.workers.iter().flatten() {
            until("a worker's registration", STEP_PATIENCE, || async {
                let key = keys::worker(worker);
                chain
                    .unproven::<chain_facts::WorkerInfo>("registration", key)
                    .await
                    .ok()
                    .flatten()
            })
            .await?;
        }
        Ok(())
    }

    /// The workers of one role.
    fn of(&self, role: Role) -> Vec<WorkerId> {
        let places = self.roles.iter().zip(&self.workers);
        places
            .filter(|(other, _)| **other == role)
            .filter_map(|(_, worker)| *worker)
            .collect()
    }

    async fn make_clusters(&mut self, chain: &Chain) -> Result<()> {
        let alice = DevNetwork::alice()?;
        let mut calls: Vec<Transaction> = self
            .of(Role::Gatekeeper)
            .into_iter()
            .map(Transaction::register_gatekeeper)
            .collect();
        for cluster in 0..self.size.clusters {
            let workers = self.of(Role::Worker(cluster));
            calls.push(Transaction::add_public_cluster(
                alice.id(),
                &workers,
                [0; 3],
            ));
        }
        let batch = Transaction::batch(&calls, chain)
            .await?
            .as_superuser(chain)
            .await?;
        chain.submit_final(&alice, &batch).await?;
        Ok(())
    }

    async fn await_serving(&self) -> Result<()> {
        for (place, role) in self.roles.iter().enumerate() {
            if let Role::Worker(_) = role {
                let url = self.machines[place].lock().await.url();
                until("a worker to serve", STEP_PATIENCE, || async {
                    let info = client::fetch_info(&url).await.ok()?;
                    info["serving"].is_object().then_some(())
                })
                .await?;
            }
        }
        Ok(())
    }

    async fn deploy(&mut self, chain: &Chain) -> Result<()> {
        let alice = DevNetwork::alice()?;
        let constructor = self.contract.constructor("new")?;
        let input = self.contract.encode_values(constructor, &[])?;
        for number in 0..self.size.clusters {
            let cluster = keys::cluster_id(number as u64 + 1);
            let mut workers = Cluster::new(chain, &cluster).await?;
            let deployed = client::deploy(
                chain,
                &mut workers,
                &alice,
                cluster,
                &self.contract,
                constructor,
                input.clone(),
                &mut |_| {},
            )
            .await?;
            self.journals.push(Journal {
                cluster,
                contract: deployed.contract,
            });
        }
        Ok(())
    }

    /// A connection to the first node that answers, from `from` on.
    ///
    /// # Errors
    /// When none answers.
    pub async fn connect(&self, from: usize) -> Result<Chain> {
        for step in 0..self.nodes.len() {
            let url = &self.nodes[(from + step) % self.nodes.len()];
            let connect = Chain::connect(url, Some(self.genesis));
            let connected = tokio::time::timeout(Duration::from_secs(4), connect).await;
            if let Ok(Ok(chain)) = connected {
                return Ok(chain);
            }
        }
        bail!("no node answers")
    }

    /// Ends every process.
    pub async fn stop(&self) {
        for machine in &self.machines {
            machine.lock().await.kill().await;
        }
    }
}

/// The chain's specification, with the worker build allowed.
async fn write_spec(node: &Path, worker: &Path, directory: &Path) -> Result<PathBuf> {
    let measured = output_of(worker, &["measure"]).await?;
    let measurement: Measurement = measured
        .parse()
        .map_err(|error| anyhow::anyhow!("{measured}: {error}"))?;
    let exported = output_of(node, &["export-chain-spec", "--chain", "local", "--raw"]).await?;
    let changes = SpecChanges {
        measurement,
        slot_ms: Some(SLOT_MS),
        session_blocks: Some(SESSION_BLOCKS),
    };
    let spec = changes
        .apply(exported.as_bytes())
        .map_err(anyhow::Error::msg)?;
    let file = directory.join("chain-spec.json");
    fs::write(&file, spec)?;
    Ok(file)
}

/// Sets what the nodes run; gives the address of each.
async fn prepare_nodes(
    machines: &mut [Machine],
    program: &Path,
    spec: &Path,
) -> Result<Vec<String>> {
    let nodes = || machines.iter().filter(|machine| machine.role == Role::Node);
    let mut peers = Vec::new();
    for machine in nodes() {
        let key = machine.disk.join("node.key");
        let file = key.display().to_string();
        output_of(program, &["key", "generate-node-key", "--file", &file]).await?;
        let peer = output_of(program, &["key", "inspect-node-key", "--file", &file]).await?;
        peers.push(format!(
            "/ip4/{}/tcp/30333/p2p/{peer}",
            machine.port.address
        ));
    }
    let of_nodes = machines
        .iter_mut()
        .filter(|machine| machine.role == Role::Node);
    for (place, machine) in of_nodes.enumerate() {
        let name = VALIDATORS[place].trim_start_matches('/').to_lowercase();
        let mut arguments = vec![
            format!("--chain={}", spec.display()),
            format!("--base-path={}", machine.data().display()),
            // Apart from the chain: whoever sets a node back keeps its keys, or it is no validator any more.
            format!("--keystore-path={}", machine.disk.join("keys").display()),
            format!("--{name}"),
            format!(
                "--node-key-file={}",
                machine.disk.join("node.key").display()
            ),
            "--listen-addr=/ip4/0.0.0.0/tcp/30333".to_owned(),
            "--rpc-port=9944".to_owned(),
            // Whoever drives the run is on the switch, and makes keys for validators.
            "--unsafe-rpc-external".to_owned(),
            "--rpc-methods=unsafe".to_owned(),
            "--rpc-cors=all".to_owned(),
            "--no-mdns".to_owned(),
            "--no-prometheus".to_owned(),
            "--no-telemetry".to_owned(),
            "--allow-private-ip".to_owned(),
            "--state-pruning=archive".to_owned(),
        ];
        let others = peers
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place);
        arguments.extend(others.map(|(_, peer)| format!("--bootnodes={peer}")));
        machine.set_program(Program {
            path: program.to_owned(),
            arguments,
        });
    }
    Ok(peers)
}
