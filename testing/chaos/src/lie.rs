//! A worker that lies: a process with a worker's own keys, in its place, that knows the newest state and gives
//! another answer. No program of ours has a mode for that.

use crate::{machine::Program, network::Network, oracle::Head, plan::Role, watch::Watcher};
use anyhow::{Context, Result, ensure};
use clap::Args;
use client::{Chain, Cluster, QueryOptions, WorkerClient, call_request};
use executor_api::Returned;
use platform::PlatformConfig;
use primitives::{ClusterId, ContractId, GenesisHash, WorkerId};
use scripted_worker::{Conduct, Position, ScriptedWorker};
use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use worker_core::{Identity, KeptSecrets};

/// What a worker seals its keys for.
const SECRETS_LABEL: &str = "phat/worker-secrets/v1";
/// How often the liar looks where the others are.
const FOLLOW_POLL: Duration = Duration::from_millis(50);
/// How long the liar may take to serve, and the worker to come back.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often all replicas are asked until they answer from one block.
const TRIES: usize = 20;

/// The lying process.
#[derive(Debug, Args)]
pub struct LiarArguments {
    /// Data directory of the worker whose place it takes.
    #[arg(long)]
    data_dir: PathBuf,
    /// A node.
    #[arg(long)]
    node: String,
    /// Which network.
    #[arg(long)]
    genesis: GenesisHash,
    /// The worker's cluster.
    #[arg(long)]
    cluster: ClusterId,
    /// The journal there.
    #[arg(long)]
    contract: ContractId,
    /// A worker that does not lie.
    #[arg(long)]
    honest: WorkerId,
    /// What the journal is asked for, as bytes in hex.
    #[arg(long)]
    input: String,
    /// Where to answer.
    #[arg(long)]
    listen: SocketAddr,
}

/// Lies until it is ended.
///
/// # Errors
/// When something that it needs is missing.
pub async fn lie(arguments: LiarArguments) -> Result<()> {
    let directory = &arguments.data_dir;
    let platform = platform::open(&PlatformConfig::InsecureSimulated {
        data_dir: directory.clone(),
    })?;
    let sealed = fs::read(directory.join("secrets.sealed"))?;
    let kept = KeptSecrets::from_bytes(&platform.unseal(SECRETS_LABEL, &sealed)?)
        .context("the worker's secrets cannot be read")?;
    let identity = Identity::new(arguments.genesis, &kept.signing_seed, &kept.hpke_seed);

    let chain = Chain::connect(&arguments.node, Some(arguments.genesis)).await?;
    let record = chain.worker(&arguments.honest).await?;
    let mut honest = WorkerClient::new(arguments.genesis, &record)?;
    let input = hex::decode(&arguments.input)?;
    let (_, truth) = ask(&mut honest, arguments.contract, &input).await?;
    let mut lie = truth;
    *lie.last_mut().context("an empty answer")? ^= 1;
    let conduct = Conduct {
        cluster: arguments.cluster,
        contract: arguments.contract,
        script: Arc::new(move |_, _| {
            Ok(Returned {
                flags: 0,
                data: lie.clone(),
            })
        }),
        gate: Arc::new(|_| Ok(())),
        evidence: Some(fs::read(directory.join("evidence.scale"))?),
    };
    let liar = ScriptedWorker::start(identity, conduct, arguments.listen).await?;
    loop {
        if let Ok((position, _)) = ask(&mut honest, arguments.contract, &input).await {
            liar.publish(position);
        }
        tokio::time::sleep(FOLLOW_POLL).await;
    }
}

async fn ask(
    honest: &mut WorkerClient,
    contract: ContractId,
    input: &[u8],
) -> Result<(Position, Vec<u8>)> {
    let options = QueryOptions {
        receipt: true,
        ..QueryOptions::default()
    };
    let asked = honest
        .ask(None, call_request(contract, input.to_vec(), options))
        .await?;
    let body = asked.reply.receipt.context("no receipt")?.body;
    let position = Position {
        block_number: body.block_number,
        block_hash: body.block_hash,
        state_root: body.state_root,
        next_number: body.next_number,
    };
    Ok((
        position,
        asked.reply.result.map_err(client::WorkerError::Query)?.data,
    ))
}

/// Puts a liar in a worker's place and asks all replicas: they must name it, and tell the truth.
///
/// # Errors
/// When it is not named, or nobody answers.
pub async fn is_named(network: &Network, cluster: usize, truth: Head) -> Result<String> {
    let places: Vec<usize> = (0..network.roles.len())
        .filter(|place| network.roles[*place] == Role::Worker(cluster))
        .collect();
    let [liar, honest] = [places[0], places[1]];
    let id = |place: usize| network.workers[place].context("a worker without a name");
    let (liar_id, honest_id) = (id(liar)?, id(honest)?);
    let journal = &network.journals[cluster];
    let input = network
        .contract
        .encode_values(network.contract.message("head")?, &[])?;
    let mut machine = network.machines[liar].lock().await;
    machine.kill().await;
    let arguments = vec![
        "liar".to_owned(),
        format!("--data-dir={}", machine.data().display()),
        format!("--node={}", network.nodes[0]),
        format!("--genesis={}", network.genesis),
        format!("--cluster={}", journal.cluster),
        format!("--contract={}", journal.contract),
        format!("--honest={honest_id}"),
        format!("--input={}", hex::encode(&input)),
        "--listen=0.0.0.0:8000".to_owned(),
    ];
    let program = Program {
        path: std::env::current_exe()?,
        arguments,
    };
    let own = machine
        .swap_program(program)
        .context("a worker without a program")?;
    machine.start()?;
    drop(machine);
    let named = ask_all(network, cluster, truth, liar_id, input).await;
    let mut machine = network.machines[liar].lock().await;
    machine.kill().await;
    machine.set_program(own);
    machine.start()?;
    drop(machine);
    named?;
    let back = Watcher::new(network).await_back(&[liar], PATIENCE).await;
    ensure!(back, "the worker whose place was taken does not come back");
    Ok(liar_id.to_string())
}

async fn ask_all(
    network: &Network,
    cluster: usize,
    truth: Head,
    liar: WorkerId,
    input: Vec<u8>,
) -> Result<()> {
    let chain = network.connect(0).await?;
    let journal = &network.journals[cluster];
    let mut workers = Cluster::new(&chain, &journal.cluster).await?;
    let wanted = network.size.workers_each;
    let mut seen = "nobody lied".to_owned();
    for _ in 0..TRIES {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let options = QueryOptions {
            receipt: true,
            ..QueryOptions::default()
        };
        let request = call_request(journal.contract, input.clone(), options);
        let replicas = match workers.ask_replicas(None, request, wanted).await {
            Ok(replicas) => replicas,
            Err(error) => {
                seen = error.to_string();
                continue;
            }
        };
        let found = replicas.contradictions();
        if found.is_empty() {
            seen = format!(
                "{} of {wanted} agree, and none contradicts",
                replicas.agreed()
            );
            continue;
        }
        let asked = replicas
            .majority()
            .context("a lie has no majority, nor has the truth")?;
        let output = asked
            .reply
            .result
            .as_ref()
            .ok()
            .context("the majority has no answer")?;
        ensure!(
            Head::decode(&output.data) == Some(truth),
            "the majority does not tell the truth"
        );
        ensure!(
            found.iter().all(|pair| pair.workers.contains(&liar)),
            "another than the liar is named: {found:?}"
        );
        return Ok(());
    }
    anyhow::bail!("the lie was not found: {seen}")
}
