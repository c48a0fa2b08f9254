//! A worker that falls silent, and one that lies.

use crate::{
    CHARLIES_WORKER, DAVES_WORKER, amount, id,
    stage::Stage,
    told,
    tools::{Report, until},
};
use anyhow::{Context, Result, ensure};
use chain_facts::{Checkpoint, Suspension, keys};
use chain_view::ChainView;
use client::Chain;
use platform::PlatformConfig;
use primitives::{Balance, StateRoot, WorkerId};
use std::{fs, path::Path, time::Duration};
use wire::message::{MessagePayload, MessageSender, SignedMessage, signed_bytes};
use worker_core::{Identity, KeptSecrets};

/// What the worker seals its keys for.
const SECRETS_LABEL: &str = "phat/worker-secrets/v1";

pub async fn check(stage: &mut Stage, report: &mut Report) {
    let silent = silent(stage).await;
    report.note("a worker that is killed earns nothing, loses value, and comes back", silent);
    let lying = lies(stage).await;
    report.note("a worker that lies about its state loses a part of its stake", lying);
    report.note("after both, the network answers as before", stage.unharmed().await);
}

async fn session(stage: &Stage, worker: &WorkerId) -> Result<serde_json::Value> {
    let income = told(stage, &["worker", "income", &worker.to_string()]).await?;
    Ok(income["session"].clone())
}

/// Bits of V.
fn value(session: &serde_json::Value) -> Result<u128> {
    amount(&session["vBits"])
}

async fn silent(stage: &mut Stage) -> Result<()> {
    let worker = id(stage, DAVES_WORKER);
    network(stage)?.kill_worker(DAVES_WORKER).await;
    let held = async {
        let first = until("the worker to be found silent", async || {
            let session = session(stage, &worker).await?;
            Ok((session["state"] == "unresponsive").then_some(session))
        })
        .await?;
        let ran = stage.phat(&["worker", "doctor", &worker.to_string()]).await?;
        ran.expect(3, "off line for pool 1")?;
        ran.expect(3, "bring the process back")?;
        let income = told(stage, &["worker", "income", &worker.to_string()]).await?;
        ensure!(income["perDay"].is_null(), "{income}");
        let later = until("its value to decay", async || {
            let session = session(stage, &worker).await?;
            Ok((value(&session)? < value(&first)?).then_some(session))
        })
        .await?;
        ensure!(later["state"] == "unresponsive", "{later}");
        Ok(())
    };
    let held = held.await;
    network(stage)?.restart_worker(DAVES_WORKER)?;
    held?;
    until("it to answer", async || {
        Ok((session(stage, &worker).await?["state"] == "online").then_some(()))
    })
    .await
}

fn network(stage: &mut Stage) -> Result<&mut dev_network::Network> {
    stage.network.as_mut().context("the network was stopped")
}

/// The keys of a worker that was killed, as somebody has them who broke into its TEE.
fn keys_of(stage: &Stage, directory: &Path) -> Result<Identity> {
    let platform = platform::open(&PlatformConfig::InsecureSimulated {
        data_dir: directory.to_owned(),
    })?;
    let sealed = fs::read(directory.join("secrets.sealed"))?;
    let bytes = platform.unseal(SECRETS_LABEL, &sealed)?;
    let kept = KeptSecrets::from_bytes(&bytes).context("the worker's secrets cannot be read")?;
    Ok(Identity::new(stage.info.genesis, &kept.signing_seed, &kept.hpke_seed))
}

async fn lies(stage: &mut Stage) -> Result<()> {
    let worker = id(stage, CHARLIES_WORKER);
    let staked = amount(&session(stage, &worker).await?["stake"])?;
    network(stage)?.kill_worker(CHARLIES_WORKER).await;
    let held = lie(stage, &worker, staked).await;
    network(stage)?.restart_worker(CHARLIES_WORKER)?;
    held?;
    // It serves again once its own report agrees, which needs something new to report.
    stage.report([5, 6]).await?;
    stage.await_position(CHARLIES_WORKER, 1).await?;
    Ok(())
}

async fn lie(stage: &Stage, worker: &WorkerId, staked: Balance) -> Result<()> {
    let chain = stage.chain().await?;
    let cluster = stage.info.cluster;
    let last: Checkpoint = chain
        .unproven("checkpoint", keys::checkpoint(&cluster, worker))
        .await?
        .context("it has reported nothing")?;
    let identity = keys_of(stage, &stage.worker_directory(CHARLIES_WORKER))?;
    ensure!(identity.worker() == *worker, "these are not the worker's keys");
    // After as many entries as it reported before, another root: it contradicts itself and the others.
    let payload = MessagePayload::Checkpoint {
        cluster,
        next_number: last.next_number,
        state_root: StateRoot([0x11; 32]),
        block_number: last.block_number,
    };
    say(stage, &chain, &identity, payload).await?;
    until("it to be suspended", async || {
        let suspension: Option<Suspension> =
            chain.unproven("suspension", keys::suspension(&cluster, worker)).await?;
        Ok(suspension.map(drop))
    })
    .await?;
    let left = until("the slash to be executed", async || {
        let session = session(stage, worker).await?;
        let left = amount(&session["stake"])?;
        Ok((left < staked).then_some(left))
    })
    .await?;
    let lost = staked - left;
    ensure!(lost == staked / 10, "{lost} of {staked} is not a tenth");
    Ok(())
}

/// Says something in the worker's name, under the number that the chain expects.
async fn say(
    stage: &Stage,
    chain: &Chain,
    identity: &Identity,
    payload: MessagePayload,
) -> Result<()> {
    let worker = identity.worker();
    let sequence: u64 =
        chain.unproven("sequence", keys::next_sequence(&worker)).await?.unwrap_or_default();
    let sender = MessageSender::Worker(worker);
    let signed = signed_bytes(&stage.info.genesis, &sender, sequence, &payload);
    let message =
        SignedMessage { sender, sequence, payload, signature: identity.signing().sign(&signed) };
    let spec = fs::read_to_string(stage.directory().join("chain-spec.json"))?;
    let view = ChainView::start(&spec, std::slice::from_ref(&stage.info.p2p)).await?;
    let mut blocks = view.blocks().await?;
    until("the chain to take the message", async || {
        let block = blocks.next(Duration::from_secs(10)).await?;
        // Told once more with each block, until it is in one.
        let _again = block.submit_message(&message).await;
        let next: Option<u64> = chain.unproven("sequence", keys::next_sequence(&worker)).await?;
        Ok((next > Some(sequence)).then_some(()))
    })
    .await
}
