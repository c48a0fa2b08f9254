//! The validators change on a live chain, and workers, clients and receipts go on across the changes.

use crate::{
    stage::{CHAIR, Stage},
    tools::{Report, command, free_ports, until},
};
use anyhow::{Context, Result, ensure};
use client::{Account, Chain, Validators};
use primitives::AccountId;
use serde_json::Value;
use std::fs::{self, File};
use tokio::process::Child;

/// The worker whose light client starts anew after the changes.
const PLACE: usize = 2;
/// A receipt file's chain proof is no longer, whatever the history.
const PROOF_BYTES_MAX: usize = 64 * 1024;

pub async fn check(stage: &mut Stage, report: &mut Report) {
    report.note("a validator with new keys", new_keys(stage).await);
    let mut second = None;
    report.note("a validator joins", joins(stage, &mut second).await);
    report.note("a validator leaves", leaves(stage, &mut second).await);
    report.note(
        "a receipt and a new light client cross the sets",
        crossed(stage).await,
    );
    report.note(
        "after changes of the validators the network answers as before",
        stage.unharmed().await,
    );
}

fn account(name: &str) -> Result<AccountId> {
    Ok(Account::from_uri(name)?.id())
}

/// Waits until the set has changed from that of `before`, and is `expected`.
async fn await_set(chain: &Chain, before: &Validators, expected: &[AccountId]) -> Result<()> {
    until("the validators to change", async || {
        let now = chain.validators().await?;
        Ok((now.set_id > before.set_id && now.now == expected).then_some(()))
    })
    .await
}

/// A command, its outcome and queries, on whatever set there is.
async fn works(stage: &mut Stage, votes: [u64; 2]) -> Result<()> {
    stage.report(votes).await?;
    stage.unharmed().await
}

async fn new_keys(stage: &mut Stage) -> Result<()> {
    let chain = stage.chain().await?;
    let before = chain.validators().await?;
    let alice = account("//Alice")?;
    ensure!(before.now == [alice], "{before:?}");
    let ran = stage.phat(&["validator", "set-keys", "--as", "//Alice"]).await?;
    ran.expect(0, "keys set: 0x")?;
    await_set(&chain, &before, &[alice]).await?;
    works(stage, [11, 12]).await
}

/// A second node with keys of its own, whose process is left in `process`.
async fn joins(stage: &mut Stage, process: &mut Option<Child>) -> Result<()> {
    let chain = stage.chain().await?;
    let (alice, bob) = (account("//Alice")?, account("//Bob")?);
    let (name, bobs) = (client::address(&alice), client::address(&bob));
    let set = ["validator", "set", &name, &bobs, "--as", "//Alice"];
    // Without keys on chain, nobody is a validator.
    stage.phat(&set).await?.expect(1, "dispatch error")?;

    let port = free_ports(2)?;
    *process = Some(start_node(stage, port)?);
    let url = format!("ws://127.0.0.1:{port}");
    let second = until("the second node to answer", async || {
        Ok(Chain::connect(&url, Some(stage.info.genesis)).await.ok())
    })
    .await?;
    let number = chain.final_number().await?;
    until("the second node to follow", async || {
        Ok((second.final_number().await? >= number).then_some(()))
    })
    .await?;
    let set_keys = ["--node", &url, "validator", "set-keys", "--as", "//Bob"];
    until("the second node, which has just caught up, to take a transaction", async || {
        let ran = stage.phat(&set_keys).await?;
        if ran.code == Some(0) {
            return Ok(Some(ran));
        }
        ran.expect(1, "still catches up")?;
        Ok(None)
    })
    .await?
    .expect(0, "keys set: 0x")?;
    let before = chain.validators().await?;
    stage.phat(&set).await?.expect(0, "2 validators named")?;
    await_set(&chain, &before, &[alice, bob]).await?;
    let ran = stage.phat(&["--json", "validator", "list"]).await?;
    ran.expect(0, &bobs)?;
    ensure!(ran.json()?["now"].as_array().is_some_and(|now| now.len() == 2), "{ran:?}");
    // Two of two finalize, so this needs the second node's votes.
    works(stage, [13, 14]).await
}

fn start_node(stage: &Stage, port: u16) -> Result<Child> {
    let network = stage.directory();
    let arguments = [
        format!("--chain={}", network.join("chain-spec.json").display()),
        format!("--base-path={}", stage.home.path().join("second-node").display()),
        "--validator".to_owned(),
        "--force-authoring".to_owned(),
        format!("--rpc-port={port}"),
        format!("--listen-addr=/ip4/127.0.0.1/tcp/{}", port + 1),
        format!("--bootnodes={}", stage.info.p2p),
        "--unsafe-force-node-key-generation".to_owned(),
        "--no-mdns".to_owned(),
        "--no-prometheus".to_owned(),
        "--no-telemetry".to_owned(),
        "--allow-private-ip".to_owned(),
        "--state-pruning=archive".to_owned(),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let log = File::create(network.join("logs/second-node.log"))?;
    let program = stage.tools.binaries.join("phat-node");
    Ok(command(&program, &arguments, stage.home.path()).stderr(log).spawn()?)
}

async fn leaves(stage: &mut Stage, process: &mut Option<Child>) -> Result<()> {
    let mut process = process.take().context("there is no second validator")?;
    let left = async {
        let chain = stage.chain().await?;
        let before = chain.validators().await?;
        let ran = stage.phat(&["validator", "leave", "--as", "//Bob"]).await?;
        ran.expect(0, "keep the node until then")?;
        await_set(&chain, &before, &[account("//Alice")?]).await
    };
    let left = left.await;
    let _ = process.kill().await;
    left?;
    // Nobody waits for its votes any more.
    works(stage, [15, 16]).await
}

async fn crossed(stage: &mut Stage) -> Result<()> {
    let (id, file) = (stage.id.to_string(), stage.home.path().join("crossed.json"));
    let path = file.display().to_string();
    let ran = stage.phat(&["query", &id, "tally", "--as", CHAIR, "--receipt", &path]).await?;
    ran.expect(0, "\"Ada\"")?;
    // From the genesis hash, across all sets there have been.
    stage.phat(&["receipt", "verify", &path]).await?.expect(0, "the receipt holds")?;
    let receipt: Value = serde_json::from_slice(&fs::read(&file)?)?;
    let proof = receipt["chain_proof"].as_str().context("no proof")?.len() / 2;
    ensure!(proof <= PROOF_BYTES_MAX, "{proof} bytes of proof");

    let (number, _) = stage.await_position(PLACE, 1).await?;
    let network = stage.network.as_mut().context("the network was stopped")?;
    network.kill_worker(PLACE).await;
    network.restart_worker(PLACE)?;
    stage.await_position(PLACE, number).await.map(drop)
}
