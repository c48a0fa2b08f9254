//! `phat-bench`: what a network gives, each figure beside a peer measured in the same run.

use anyhow::{Context, Result, ensure};
use chain_facts::keys;
use clap::Parser;
use client::{Account, Chain, Contract, QueryOptions, Transaction, WorkerClient, call_request};
use dev_network::{Binaries, Network, Options, Ports};
use primitives::{ContractId, units::PHA};
use serde_json::json;
use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

/// Queries of each kind that are timed one after the other.
const SERIAL: usize = 2000;
/// Clients that ask at the same time, and queries of each.
const CLIENTS: usize = 16;
const QUERIES_EACH: usize = 1000;
/// Commands whose latency is measured.
const COMMANDS: usize = 12;
/// What the light client may take of a worker's start, milliseconds.
const LIGHT_CLIENT_MS_MAX: u64 = 1000;

/// Measures a network of real processes on this machine.
#[derive(Debug, Parser)]
struct Arguments {
    /// Directory of phat-node and phat-worker; by default that of this program.
    #[arg(long, value_name = "DIRECTORY")]
    binaries: Option<PathBuf>,
    /// The ballot contract, built.
    #[arg(long, value_name = "FILE")]
    ballot: PathBuf,
    /// Lengths of the chain, blocks, at which a worker is started from an empty store.
    #[arg(long, value_delimiter = ',', default_value = "1000,5000")]
    lengths: Vec<u32>,
    /// Length of a slot, milliseconds; short ones reach long chains sooner.
    #[arg(long, default_value_t = 200)]
    slot_ms: u64,
    /// First of the ports.
    #[arg(long, value_name = "PORT", default_value_t = 19_944)]
    port_base: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("phat-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: &Arguments, slot_ms: Option<u64>, data_dir: PathBuf) -> Result<Options> {
    let binaries = match &arguments.binaries {
        Some(directory) => Binaries::in_directory(directory)?,
        None => Binaries::beside_this_program()?,
    };
    Ok(Options {
        data_dir,
        binaries,
        ports: Ports::from_base(arguments.port_base),
        workers: 2,
        prices: [0, 0, 0],
        slot_ms,
        session_blocks: None,
    })
}

async fn run(arguments: Arguments) -> Result<()> {
    let ballot = fs::read(&arguments.ballot)
        .with_context(|| format!("{} cannot be read", arguments.ballot.display()))?;
    let directory = tempfile::tempdir()?;
    let mut network =
        Network::start(options(&arguments, None, directory.path().to_owned())?, &mut |_| {})
            .await?;
    let measured = async {
        let stage = Stage::set_up(&network, &ballot).await?;
        queries(&stage).await?;
        commands(&stage).await
    }
    .await;
    network.check_alive()?;
    network.stop().await;
    measured?;
    if !arguments.lengths.is_empty() {
        starts(&arguments).await?;
    }
    Ok(())
}

struct Stage {
    chain: Chain,
    workers: Vec<client::WorkerRecord>,
    chair: Account,
    contract: Contract,
    id: ContractId,
}

impl Stage {
    async fn set_up(network: &Network, ballot: &[u8]) -> Result<Self> {
        let info = network.info();
        let chain = Chain::connect(&info.node, Some(info.genesis)).await?;
        let workers = chain.cluster_workers(&info.cluster).await?;
        let contract = Contract::from_json(ballot)?;
        let chair = Account::from_uri(&Account::generate_seed())?;
        Network::fund(&chain, &[chair.id()], 1000 * PHA).await?;
        let constructor = contract.constructor("new")?;
        let address = client::address(&chair.id());
        let districts: Vec<_> = (0..COMMANDS).map(|id| json!([id, address])).collect();
        let input = contract
            .encode_values(constructor, &[json!(address), json!(["A", "B"]), json!(districts)])?;
        let mut worker = WorkerClient::new(chain.genesis(), &workers[0])?;
        let cluster = info.cluster;
        let deployed = client::deploy(
            &chain, &mut worker, &chair, cluster, &contract, constructor, input, &mut |_| {},
        )
        .await?;
        Ok(Self { chain, workers, chair, contract, id: deployed.contract })
    }

    fn worker(&self) -> Result<WorkerClient> {
        Ok(WorkerClient::new(self.chain.genesis(), &self.workers[0])?)
    }

    fn tally(&self, receipt: bool) -> Result<wire::query::QueryRequest> {
        let message = self.contract.message("tally")?;
        let input = self.contract.encode_values(message, &[])?;
        Ok(call_request(self.id, input, QueryOptions { receipt, ..Default::default() }))
    }
}

/// One kind of request, timed one after the other.
async fn serial<F, W>(mut ask: F) -> Result<Duration>
where
    F: FnMut() -> W,
    W: Future<Output = Result<()>>,
{
    let started = Instant::now();
    for _ in 0..SERIAL {
        ask().await?;
    }
    Ok(started.elapsed() / SERIAL as u32)
}

async fn queries(stage: &Stage) -> Result<()> {
    println!("\nqueries over HTTP, one client, loopback; anchor: GET /v1/info on the same worker");
    let url = format!("{}/v1/info", stage.worker()?.url());
    let http = reqwest_client()?;
    let plain = serial(|| async {
        http.get(&url).send().await?.bytes().await?;
        Ok(())
    })
    .await?;
    row("plain HTTP answer", plain, plain);
    let in_session = tokio::sync::Mutex::new(stage.worker()?);
    in_session.lock().await.open_session(Some(&stage.chair)).await?;
    for (name, receipt) in [("query in a session", false), ("… with a receipt", true)] {
        let time = serial(|| async {
            let mut worker = in_session.lock().await;
            let asked = worker.ask(Some(&stage.chair), stage.tally(receipt)?).await?;
            ensure!(asked.reply.result.is_ok(), "{:?}", asked.reply.result);
            Ok(())
        })
        .await?;
        row(name, time, plain);
    }
    let alone = stage.worker()?;
    let time = serial(|| async {
        alone.ask_once(Some(&stage.chair), stage.tally(false)?).await?;
        Ok(())
    })
    .await?;
    row("query without a session", time, plain);
    throughput(stage).await
}

/// Requests a second with several clients; client and worker share the machine's processors.
async fn throughput(stage: &Stage) -> Result<()> {
    println!("\nqueries over HTTP, {CLIENTS} clients on the same machine, requests a second");
    let url: Arc<str> = format!("{}/v1/info", stage.worker()?.url()).into();
    let started = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let (url, http) = (url.clone(), reqwest_client()?);
        tasks.push(tokio::spawn(async move {
            for _ in 0..QUERIES_EACH {
                http.get(&*url).send().await?.bytes().await?;
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let plain = rate(started);
    println!("  {:<28} {plain:>9.0}/s", "plain HTTP answer");
    for (name, receipt) in [("query in a session", false), ("… with a receipt", true)] {
        let mut tasks = Vec::new();
        let mut workers = Vec::new();
        for _ in 0..CLIENTS {
            let mut worker = stage.worker()?;
            worker.open_session(None).await?;
            workers.push(worker);
        }
        let message = stage.contract.message("tally")?;
        let input = stage.contract.encode_values(message, &[])?;
        let id = stage.id;
        let started = Instant::now();
        for mut worker in workers {
            let input = input.clone();
            tasks.push(tokio::spawn(async move {
                for _ in 0..QUERIES_EACH {
                    let options = QueryOptions { receipt, ..Default::default() };
                    worker.ask(None, call_request(id, input.clone(), options)).await?;
                }
                anyhow::Ok(())
            }));
        }
        for task in tasks {
            task.await??;
        }
        let asked = rate(started);
        println!("  {name:<28} {asked:>9.0}/s   {:.2} of plain", asked / plain);
    }
    Ok(())
}

fn rate(started: Instant) -> f64 {
    (CLIENTS * QUERIES_EACH) as f64 / started.elapsed().as_secs_f64()
}

fn reqwest_client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?)
}

fn row(name: &str, time: Duration, anchor: Duration) {
    let micros = time.as_secs_f64() * 1e6;
    println!("  {name:<28} {micros:>9.1} us   {:.2} x", time.as_secs_f64() / anchor.as_secs_f64());
}

async fn commands(stage: &Stage) -> Result<()> {
    println!(
        "\ncommands, 1 s slots, medians of {COMMANDS}; anchor: a transfer, submitted to final"
    );
    let (mut commands, mut transfers) = (Vec::new(), Vec::new());
    let mut worker = stage.worker()?;
    for district in 0..COMMANDS {
        let message = stage.contract.message("report")?;
        let input =
            stage.contract.encode_values(message, &[json!(district), json!([1, 2])])?;
        let started = Instant::now();
        let done =
            client::command(&stage.chain, &mut worker, &stage.chair, stage.id, input).await?;
        commands.push(started.elapsed());
        ensure!(matches!(done.outcome.result, Ok((0, _))), "{:?}", done.outcome.result);
        let transfer = Transaction::transfer(stage.chair.id(), PHA);
        let started = Instant::now();
        stage.chain.submit_final(&stage.chair, &transfer).await?;
        transfers.push(started.elapsed());
    }
    let (command, transfer) = (median(commands)?, median(transfers)?);
    let ratio = command.as_secs_f64() / transfer.as_secs_f64();
    println!("  {:<28} {:>9.2} s", "transfer, final", transfer.as_secs_f64());
    println!("  {:<28} {:>9.2} s    {ratio:.2} x", "command, outcome", command.as_secs_f64());
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Result<Duration> {
    times.sort();
    times.get(times.len() / 2).copied().context("nothing was measured")
}

/// Starts of a worker with an empty store, at different lengths of the chain.
async fn starts(arguments: &Arguments) -> Result<()> {
    println!(
        "\nstart of a worker from an empty store (keys kept), {} ms slots; the light client's part \
         may be {LIGHT_CLIENT_MS_MAX} ms",
        arguments.slot_ms
    );
    let directory = tempfile::tempdir()?;
    let options = options(arguments, Some(arguments.slot_ms), directory.path().to_owned())?;
    let mut network = Network::start(options, &mut |_| {}).await?;
    let measured = starts_at(&mut network, &arguments.lengths).await;
    network.stop().await;
    measured
}

async fn starts_at(network: &mut Network, lengths: &[u32]) -> Result<()> {
    let info = network.info().clone();
    let chain = Chain::connect(&info.node, Some(info.genesis)).await?;
    for &length in lengths {
        while chain.final_number().await? < length {
            network.check_alive()?;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        network.kill_worker(1).await;
        network.wipe_worker_state(1)?;
        network.restart_worker(1)?;
        let workers = network.await_serving().await?;
        let started = workers.get(1).context("no worker")?;
        let light_client = started.light_client_after_ms.unwrap_or(u64::MAX);
        let entries: u64 = chain
            .unproven("mailbox", keys::inbox_next(&info.cluster))
            .await?
            .unwrap_or_default();
        println!(
            "  block {length:>6}: serving after {:>5} ms, of it light client {light_client:>5} ms \
             ({entries} mailbox entries)",
            started.ready_after_ms.unwrap_or_default(),
        );
        ensure!(
            light_client <= LIGHT_CLIENT_MS_MAX,
            "the light client took {light_client} ms at block {length}"
        );
    }
    Ok(())
}
