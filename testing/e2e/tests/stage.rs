//! The network that all checks share, and a ballot on it.

use crate::tools::{PATIENCE, Ran, Tools, command, free_ports, run, until};
use anyhow::{Context, Result, ensure};
use client::{
    Account, Chain, Contract, Output, QueryOptions, WorkerClient, WorkerError, WorkerRecord,
    call_request,
};
use dev_network::{Binaries, Network, NetworkInfo, Options, Ports, SLOT_MS};
use primitives::ContractId;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::process::Child;

/// District 1 of the ballot has this officer.
pub const OFFICER: &str = "//Ferdie";
/// Workers of the cluster.
pub const WORKERS: usize = 3;
/// Blocks of a session: the validators change within the test.
const SESSION_BLOCKS: u32 = 12;
/// The ballot's chair.
pub const CHAIR: &str = "//Alice";

pub struct Stage {
    pub tools: Tools,
    pub home: TempDir,
    pub info: NetworkInfo,
    pub network: Option<Network>,
    pub contract: Contract,
    pub id: ContractId,
    pub records: Vec<WorkerRecord>,
    /// What the ballot's chair must see.
    pub votes: Value,
}

impl Stage {
    /// Starts a network and deploys a ballot with one report on it, all through the command line.
    pub async fn start(tools: Tools) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let options = Options {
            data_dir: home.path().join("network"),
            binaries: Binaries::in_directory(&tools.binaries)?,
            ports: Ports::from_base(free_ports(WORKERS as u16 + 3)?),
            workers: WORKERS,
            prices: [0, 0, 0],
            slot_ms: Some(SLOT_MS),
            session_blocks: Some(SESSION_BLOCKS),
        };
        let network = Network::start(options, &mut |_| {}).await?;
        let info = network.info().clone();
        let chain = Chain::connect(&info.node, Some(info.genesis)).await?;
        let records = chain.cluster_workers(&info.cluster).await?;
        let contract = Contract::from_json(&fs::read(&tools.ballot)?)?;
        let mut stage = Self {
            tools,
            home,
            info,
            network: Some(network),
            contract,
            id: ContractId::default(),
            records,
            votes: json!([["Ada", 0], ["Bea", 0]]),
        };
        stage.id = stage.deploy().await?;
        stage.report([3, 4]).await?;
        Ok(stage)
    }

    /// Arguments of the ballot's constructor, as a person types them.
    pub fn constructor_arguments() -> Result<[String; 3]> {
        let address =
            |name| Ok::<_, anyhow::Error>(client::address(&Account::from_uri(name)?.id()));
        Ok([
            address(CHAIR)?,
            json!(["Ada", "Bea"]).to_string(),
            json!([[1, address(OFFICER)?]]).to_string(),
        ])
    }

    /// Deploys the ballot through the command line.
    pub async fn deploy(&self) -> Result<ContractId> {
        let [chair, candidates, districts] = Self::constructor_arguments()?;
        let file = self.tools.ballot.display().to_string();
        let ran = self
            .phat(&[
                "--json",
                "deploy",
                &file,
                "--as",
                CHAIR,
                &chair,
                &candidates,
                &districts,
            ])
            .await?;
        ran.expect(0, "codeHash")?;
        let id = ran.json()?["contract"]
            .as_str()
            .map(str::to_owned)
            .context("no contract id")?;
        id.parse()
            .map_err(|error| anyhow::anyhow!("the contract id {id}: {error}"))
    }

    /// District 1 reports (again).
    pub async fn report(&mut self, votes: [u64; 2]) -> Result<()> {
        if self.votes[0][1] != 0 {
            self.call("reopen", CHAIR, &[json!(1)]).await?;
        }
        self.call("report", OFFICER, &[json!(1), json!(votes)])
            .await?;
        self.votes = json!([["Ada", votes[0]], ["Bea", votes[1]]]);
        Ok(())
    }

    /// A command through the SDK, whose outcome the first worker that serves gives.
    pub async fn call(&self, message: &str, account: &str, values: &[Value]) -> Result<()> {
        let chain = self.chain().await?;
        let input = self
            .contract
            .encode_values(self.contract.message(message)?, values)?;
        let account = Account::from_uri(account)?;
        let done = client::command(&chain, &mut self.worker(0)?, &account, self.id, input).await?;
        ensure!(
            matches!(done.outcome.result, Ok((0, _))),
            "{message}: {:?}",
            done.outcome
        );
        Ok(())
    }

    /// Runs `phat` on this network.
    pub async fn phat(&self, arguments: &[&str]) -> Result<Ran> {
        let network = self.directory().display().to_string();
        let mut all = vec!["--network", &network];
        all.extend(arguments);
        run(&self.tools.phat(), &all, self.home.path()).await
    }

    /// Runs `phat` and nothing else: the network is among the arguments, or there is none.
    pub async fn phat_bare(&self, arguments: &[&str]) -> Result<Ran> {
        run(&self.tools.phat(), arguments, self.home.path()).await
    }

    pub fn directory(&self) -> PathBuf {
        self.home.path().join("network")
    }

    /// The data directory of the worker at `place`; 0 is the gatekeeper.
    pub fn worker_directory(&self, place: usize) -> PathBuf {
        // The first place is the gatekeeper's.
        match place {
            0 => self.directory().join("gatekeeper"),
            place => self.directory().join(format!("worker-{place}")),
        }
    }

    pub async fn chain(&self) -> Result<Chain> {
        Ok(Chain::connect(&self.info.node, Some(self.info.genesis)).await?)
    }

    /// A client of the cluster's worker at `place`, from 0 on, in the order of the network's ports.
    pub fn worker(&self, place: usize) -> Result<WorkerClient> {
        let id = self.info.workers[place + 1].worker;
        let record = self.records.iter().find(|record| record.info.worker == id);
        Ok(WorkerClient::new(
            self.info.genesis,
            record.context("the chain lacks a worker")?,
        )?)
    }

    /// Network and number of the worker process at `place`, from 1 on.
    pub fn worker_url(&self, place: usize) -> &str {
        &self.info.workers[place].url
    }

    /// What a worker serves from: mailbox entries run, and the root after them.
    pub async fn position(&self, place: usize) -> Option<(u64, String)> {
        let info = client::fetch_info(self.worker_url(place)).await.ok()?;
        let serving = info.get("serving")?;
        Some((
            serving.get("next_number")?.as_u64()?,
            serving.get("state_root")?.as_str()?.to_owned(),
        ))
    }

    /// All workers answer, from the same state, what was counted last.
    pub async fn unharmed(&self) -> Result<()> {
        let network = self.network.as_ref().context("the network was stopped")?;
        until("all workers to have the same state", async || {
            let first = self.position(1).await;
            let mut same = first.is_some();
            for place in 2..=WORKERS {
                same &= self.position(place).await == first;
            }
            Ok(same.then_some(()))
        })
        .await
        .with_context(|| format!("logs: {}", network.logs().display()))?;
        let chair = Account::from_uri(CHAIR)?;
        for place in 0..WORKERS {
            let tally = self.tally(&mut self.worker(place)?, &chair).await?;
            ensure!(
                tally["votes"] == self.votes,
                "worker {place}: {tally}, not {}",
                self.votes
            );
        }
        Ok(())
    }

    pub fn tally_request(&self, options: QueryOptions) -> Result<wire::query::QueryRequest> {
        let input = self
            .contract
            .encode_values(self.contract.message("tally")?, &[])?;
        Ok(call_request(self.id, input, options))
    }

    async fn tally(&self, worker: &mut WorkerClient, account: &Account) -> Result<Value> {
        let asked = worker
            .ask(Some(account), self.tally_request(QueryOptions::default())?)
            .await?;
        let output = asked.reply.result.map_err(WorkerError::Query)?;
        match self
            .contract
            .decode(self.contract.message("tally")?, &output.data)?
        {
            Output::Value(tally) => Ok(tally),
            Output::Error(error) => anyhow::bail!("the tally is refused: {error}"),
        }
    }

    /// Arguments of a worker process on this network.
    pub fn worker_arguments(&self, directory: &Path, place: usize) -> Vec<String> {
        let url = self.worker_url(place);
        let network = self.directory();
        vec![
            "run".to_owned(),
            format!("--chain-spec={}", network.join("chain-spec.json").display()),
            format!("--bootnode={}", self.info.p2p),
            format!("--data-dir={}", directory.display()),
            format!("--listen={}", url.trim_start_matches("http://")),
            format!("--endpoint={url}"),
            format!(
                "--operator-key-file={}",
                network.join("worker-1.operator").display()
            ),
            "--platform=insecure_simulated".to_owned(),
        ]
    }

    /// Starts a worker process beside the network's own; its log goes to `log` in the network's logs.
    pub fn start_worker(&self, arguments: &[String], log: &str) -> Result<(Child, PathBuf)> {
        let log = self.directory().join("logs").join(log);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let child = command(&self.tools.worker(), &arguments, self.home.path())
            .stderr(File::create(&log)?)
            .spawn()?;
        Ok((child, log))
    }

    pub async fn stop_network(&mut self) {
        if let Some(network) = self.network.take() {
            network.stop().await;
        }
    }

    /// Waits until the worker process at `place`, from 1 on, serves; at least from `number` on.
    pub async fn await_position(&self, place: usize, number: u64) -> Result<(u64, String)> {
        until(
            &format!("worker {place} to serve within {PATIENCE:?}"),
            async || {
                Ok(self
                    .position(place)
                    .await
                    .filter(|(next, _)| *next >= number))
            },
        )
        .await
    }

    /// The end of each log, where a failure may have its reason.
    pub fn show_logs(&self) {
        let Ok(entries) = fs::read_dir(self.directory().join("logs")) else {
            return;
        };
        for entry in entries.flatten() {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let end = lines[lines.len().saturating_sub(15)..].join("\n");
            let name = entry.file_name();
            let _ = writeln!(std::io::stderr(), "--- {}\n{end}", name.to_string_lossy());
        }
    }
}
