//! A cluster's keys are rotated on a network of real processes, under queries and commands.
//!
//! What somebody has who broke into a worker before is read from its sealed secrets, as on the simulated
//! platform anybody can.

use crate::{
    replicas::secrets_of,
    stage::{CHAIR, OFFICER, Stage},
    tools::{Report, until},
};
use anyhow::{Context, Result, ensure};
use client::{Account, Chain, Transaction, await_outcome};
use primitives::{AccountId, HpkePublicKey};
use rand_core::OsRng;
use secrets::{
    ClusterSeed,
    command::{CommandKeys, CommandRoute, open_command, seal_command},
};
use serde_json::{Value, json};
use std::fs;
use wire::command::{CommandPayload, InkCommand};

/// The worker whose keys were stolen.
const PLACE: usize = 1;
/// Blocks of the window.
const WINDOW: &str = "12";

pub async fn check(stage: &mut Stage, report: &mut Report) {
    report.note(
        "a cluster's keys are rotated under queries and commands",
        rotates(stage).await,
    );
    report.note(
        "a worker goes on from a state that was encrypted anew",
        restarts(stage).await,
    );
    report.note(
        "after a rotation the network answers as before",
        stage.unharmed().await,
    );
}

async fn contract_key(stage: &Stage, chain: &Chain) -> Result<HpkePublicKey> {
    let (_, key) = chain.contract(&stage.id).await?;
    key.context("the ballot has no key")
}

fn route(stage: &Stage, sender: AccountId) -> CommandRoute {
    CommandRoute {
        genesis: stage.info.genesis,
        contract: stage.id,
        sender,
    }
}

/// A report of an officer, sealed to a key.
fn sealed(stage: &Stage, key: &HpkePublicKey, votes: [u64; 2]) -> Result<CommandPayload> {
    let message = stage.contract.message("report")?;
    let message = stage
        .contract
        .encode_values(message, &[json!(1), json!(votes)])?;
    let command = InkCommand::InkMessage {
        nonce: vec![1],
        message,
        transfer: 0,
        gas_limit: 0,
        storage_deposit_limit: None,
    };
    let sender = Account::from_uri(OFFICER)?.id();
    seal_command(key, &route(stage, sender), &command, &mut OsRng)
        .map_err(|_| anyhow::anyhow!("the ballot's key is none"))
}

/// Whether what was stolen opens a command.
fn opens(stage: &Stage, stolen: &[u8; 32], payload: &CommandPayload) -> Result<bool> {
    let seed = ClusterSeed::from_bytes(stolen);
    let (hpke, sr25519) = (
        seed.contract_hpke_key(&stage.id),
        seed.contract_key(&stage.id),
    );
    let keys = CommandKeys {
        hpke: &hpke,
        sr25519: &sr25519,
    };
    let sender = Account::from_uri(OFFICER)?.id();
    Ok(open_command(&keys, &route(stage, sender), payload).is_ok())
}

pub async fn keys_in_use(stage: &Stage) -> Result<Value> {
    Ok(stage.phat(&["--json", "cluster", "show"]).await?.json()?["keys"].clone())
}

async fn rotates(stage: &mut Stage) -> Result<()> {
    let chain = stage.chain().await?;
    let stolen = secrets_of(&stage.worker_directory(PLACE))?;
    let stolen = *stolen.seeds.last().context("it has no seed")?.seed;
    let old_key = contract_key(stage, &chain).await?;
    let before = sealed(stage, &old_key, [1, 1])?;
    ensure!(
        opens(stage, &stolen, &before)?,
        "what was stolen opens nothing"
    );
    let in_use = keys_in_use(stage).await?["inUse"]
        .as_u64()
        .context("no seed in use")?;

    let ran = stage
        .phat(&["cluster", "rotate-keys", "--as", "//Eve"])
        .await?;
    ensure!(ran.code != Some(0), "anybody rotates keys: {ran:?}");
    let rotate = [
        "--json",
        "cluster",
        "rotate-keys",
        "--as",
        "//Alice",
        "--window",
        WINDOW,
        "--wait",
    ];
    let under_load = async {
        for votes in [[5, 6], [7, 8], [9, 10]] {
            stage.call("reopen", CHAIR, &[json!(1)]).await?;
            stage
                .call("report", OFFICER, &[json!(1), json!(votes)])
                .await?;
            let id = stage.id.to_string();
            let ran = stage.phat(&["query", &id, "tally", "--as", CHAIR]).await?;
            ran.expect(0, "").context("a query during the rotation")?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let (ran, under_load) = tokio::join!(stage.phat(&rotate), under_load);
    under_load.context("commands during the rotation")?;
    ran?.expect(0, &format!("\"inUse\":{}", in_use + 1))?;
    stage.votes = json!([["Ada", 9], ["Bea", 10]]);

    let fresh = until("the ballot to have another key", async || {
        let key = contract_key(stage, &chain).await?;
        Ok((key != old_key).then_some(key))
    })
    .await?;
    let after = sealed(stage, &fresh, [2, 2])?;
    ensure!(
        !opens(stage, &stolen, &after)?,
        "what was stolen opens what comes after"
    );
    until("the window to end", async || {
        Ok(keys_in_use(stage).await?["olderOpenUntil"]
            .is_null()
            .then_some(()))
    })
    .await?;
    // What is sealed to the old key is refused by now, and says why; the new one opens.
    let officer = Account::from_uri(OFFICER)?;
    let refused = outcome(stage, &chain, &officer, &before).await?;
    let Err(reason) = refused else {
        anyhow::bail!("the old key opens commands: {refused:?}")
    };
    ensure!(reason.contains("keys were rotated"), "{reason}");
    stage.unharmed().await?;
    for place in 1..=crate::stage::WORKERS {
        until("a worker to wipe the seed before", async || {
            let kept = secrets_of(&stage.worker_directory(place))?;
            let rotations: Vec<u64> = kept.seeds.iter().map(|kept| kept.rotation.into()).collect();
            Ok((rotations == [in_use + 1]).then_some(()))
        })
        .await?;
    }
    Ok(())
}

async fn outcome(
    stage: &Stage,
    chain: &Chain,
    account: &Account,
    payload: &CommandPayload,
) -> Result<Result<(u32, Vec<u8>), String>> {
    let sent = chain
        .submit(account, &Transaction::command(stage.id, payload))
        .await?;
    let numbers = sent.mailbox_numbers()?;
    let (_, number) = numbers.last().context("it is no mailbox entry")?;
    Ok(await_outcome(&mut stage.worker(0)?, account, *number)
        .await?
        .result)
}

async fn restarts(stage: &mut Stage) -> Result<()> {
    let (number, _) = stage.await_position(PLACE, 1).await?;
    let log = stage.directory().join(format!("logs/worker-{PLACE}.log"));
    ensure!(
        fs::read_to_string(&log)?.contains("the state is encrypted anew"),
        "it does not say that it has encrypted its state"
    );
    let network = stage.network.as_mut().context("the network was stopped")?;
    network.kill_worker(PLACE).await;
    network.restart_worker(PLACE)?;
    stage.await_position(PLACE, number).await?;
    Ok(())
}
