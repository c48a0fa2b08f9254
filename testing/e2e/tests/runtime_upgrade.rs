//! The chain's runtime is replaced while commands and queries run: nothing is started again, nothing is lost.

use crate::{
    stage::{CHAIR, OFFICER, Stage, WORKERS},
    tools::{Report, until},
};
use anyhow::{Context, Result, ensure};
use client::{Account, Chain, ChainError, QueryOptions, Transaction, WorkerClient};
use serde_json::json;
use std::fs;

/// Commands sent while the upgrade is under way, at least.
const COMMANDS: u64 = 4;

pub async fn check(stage: &mut Stage, report: &mut Report) {
    let Some(file) = stage.tools.next_runtime.clone() else {
        return report.say("no upgrade is rehearsed: PHAT_NEXT_RUNTIME names no runtime");
    };
    let held = match fs::read(&file).context(file.display().to_string()) {
        Ok(wasm) => upgraded(stage, &wasm).await,
        Err(error) => Err(error),
    };
    report.note("the runtime is upgraded under running workers", held);
    report.note(
        "after the runtime's upgrade the network answers as before",
        stage.unharmed().await,
    );
}

async fn upgraded(stage: &mut Stage, wasm: &[u8]) -> Result<()> {
    // The connection and the sessions of before the upgrade are used after it.
    let chain = stage.chain().await?;
    let before = chain.runtime_version().await?;
    let mut workers: Vec<WorkerClient> =
        (0..WORKERS).map(|place| stage.worker(place)).collect::<Result<_>>()?;
    for worker in &mut workers {
        ask(stage, worker).await?;
    }
    let (upgrade, work) = tokio::join!(
        upgrade(&chain, wasm),
        work_until_above(stage, &chain, before, &mut workers),
    );
    upgrade?;
    work?;
    ensure!(chain.runtime_version().await? > before, "the version is still {before}");
    let network = stage.network.as_mut().context("the network was stopped")?;
    network.check_alive()?;
    // Signed for the new version, over the old connection, and answered in the old session.
    stage.report([17, 18]).await?;
    let number = stage.await_position(1, 1).await?.0;
    for (place, worker) in workers.iter_mut().enumerate() {
        stage.await_position(place + 1, number).await?;
        ask(stage, worker).await?;
    }
    Ok(())
}

async fn upgrade(chain: &Chain, wasm: &[u8]) -> Result<()> {
    let transaction = Transaction::set_code(wasm).as_superuser(chain).await?;
    // The superuser's transaction is signed by nobody else in these checks.
    match chain.submit(&Account::from_uri("//Alice")?, &transaction).await {
        // The node looks at it once more under the new runtime, for which it was not signed, and may say that
        // before it says that it is in a block. The version is what counts.
        Ok(_) | Err(ChainError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn ask(stage: &Stage, worker: &mut WorkerClient) -> Result<()> {
    let chair = Account::from_uri(CHAIR)?;
    let request = stage.tally_request(QueryOptions::default())?;
    let asked = worker.ask(Some(&chair), request).await?;
    asked.reply.result.map_err(client::WorkerError::Query)?;
    Ok(())
}

/// Commands and queries, one after another, until the version is above `before` and some were sent.
async fn work_until_above(
    stage: &Stage,
    chain: &Chain,
    before: u32,
    workers: &mut [WorkerClient],
) -> Result<()> {
    let mut sent = 0;
    until("the upgrade, with commands around it", async || {
        command(stage, chain, &mut workers[0]).await?;
        sent += 1;
        for worker in &mut *workers {
            ask(stage, worker).await?;
        }
        let above = chain.runtime_version().await? > before;
        Ok((above && sent >= COMMANDS).then_some(()))
    })
    .await
}

/// The officer reports again, which the contract refuses, since the chair has not reopened; but the command is
/// run, and its outcome is there.
async fn command(stage: &Stage, chain: &Chain, worker: &mut WorkerClient) -> Result<()> {
    let message = stage.contract.message("report")?;
    let input = stage.contract.encode_values(message, &[json!(1), json!([1, 1])])?;
    let officer = Account::from_uri(OFFICER)?;
    let done = client::command(chain, worker, &officer, stage.id, input).await?;
    ensure!(done.outcome.result.is_ok(), "{:?}", done.outcome);
    Ok(())
}
