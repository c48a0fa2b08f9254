//! The recovery drill (`docs/operations/key-recovery.md`) with real processes: gatekeepers deal to members,
//! all gatekeepers are lost, members bring the key back to a new one, and contracts run meanwhile.

use crate::{
    stage::{CHAIR, OFFICER, Stage},
    tools::{Report, until},
};
use anyhow::{Context, Result, ensure};
use client::{Account, Chain, Transaction};
use primitives::WorkerId;
use serde_json::json;
use std::fs;
use tokio::process::Child;

/// The members; any two of them bring the key back.
const MEMBERS: [&str; 3] = ["//Bob", "//Charlie", "//Dave"];
/// Place of the gatekeeper's process.
const GATEKEEPER: usize = 0;

pub async fn check(stage: &mut Stage, report: &mut Report) {
    report.note(
        "members of the DAO are dealt shares of the key",
        dealt(stage).await,
    );
    let mut process = None;
    let recovered = recover(stage, &mut process).await;
    report.note("members bring the key back to a new gatekeeper", recovered);
    report.note(
        "the new gatekeeper gives workers a new seed",
        gives_seeds(stage).await,
    );
    report.note(
        "after the recovery the network answers as before",
        stage.unharmed().await,
    );
    if let Some(mut process) = process {
        let _ = process.kill().await;
    }
}

async fn as_root(chain: &Chain, transaction: Transaction) -> Result<()> {
    let transaction = transaction.as_superuser(chain).await?;
    chain
        .submit_final(&Account::from_uri(CHAIR)?, &transaction)
        .await?;
    Ok(())
}

/// A member takes part until the ceremony is over; gives what it did.
async fn take_part(stage: &Stage, member: &str) -> Result<String> {
    let file = stage
        .home
        .path()
        .join(format!("{}.member", member.trim_start_matches('/')));
    let file = file.display().to_string();
    let arguments = [
        "--json",
        "member",
        "take-part",
        "--as",
        member,
        "--secrets",
        &file,
        "--follow",
    ];
    let ran = stage.phat(&arguments).await?;
    ran.expect(0, "steps").with_context(|| member.to_owned())?;
    Ok(ran.json()?["steps"].to_string())
}

async fn dealt(stage: &mut Stage) -> Result<()> {
    let chain = stage.chain().await?;
    let members = MEMBERS.map(|member| Account::from_uri(member).map(|account| account.id()));
    let members = members.into_iter().collect::<Result<Vec<_>, _>>()?;
    as_root(&chain, Transaction::set_members(&members, 2)).await?;
    as_root(&chain, Transaction::deal_to_members()).await?;
    let [first, second, third] = MEMBERS;
    let (first, second, third) = tokio::join!(
        take_part(stage, first),
        take_part(stage, second),
        take_part(stage, third),
    );
    for steps in [first?, second?, third?] {
        for step in ["sentReceivingKey", "handedOver", "holdsShare"] {
            ensure!(steps.contains(step), "{step} is not among {steps}");
        }
    }
    let ran = stage.phat(&["member", "show"]).await?;
    ran.expect(0, "any 2 of 3 bring the key back")?;
    // Somebody who is no member has no part in anything.
    let file = stage.home.path().join("stranger").display().to_string();
    let ran = stage
        .phat(&["member", "take-part", "--as", "//Eve", "--secrets", &file])
        .await?;
    ran.expect(0, "no ceremony wants anything")
}

async fn recover(stage: &mut Stage, process: &mut Option<Child>) -> Result<()> {
    let chain = stage.chain().await?;
    let old = stage.info.workers[GATEKEEPER].worker;
    // It and its disk are gone: the only share of the key there was, but for the members'.
    let network = stage.network.as_mut().context("the network was stopped")?;
    network.kill_worker(GATEKEEPER).await;
    fs::remove_dir_all(stage.worker_directory(GATEKEEPER))?;
    stage
        .call("reopen", CHAIR, &[json!(1)])
        .await
        .context("without gatekeepers")?;
    stage
        .call("report", OFFICER, &[json!(1), json!([21, 22])])
        .await?;
    stage.votes = json!([["Ada", 21], ["Bea", 22]]);
    stage.unharmed().await.context("without gatekeepers")?;

    let directory = stage.home.path().join("new-gatekeeper");
    let arguments = stage.worker_arguments(&directory, GATEKEEPER);
    let (child, log) = stage.start_worker(&arguments, "new-gatekeeper.log")?;
    *process = Some(child);
    let held = async {
        let url = stage.worker_url(GATEKEEPER).to_owned();
        let new: WorkerId = until("the new gatekeeper to be registered", async || {
            let Ok(info) = client::fetch_info(&url).await else {
                return Ok(None);
            };
            let id: WorkerId = serde_json::from_value(info["worker"].clone())?;
            let known = chain.workers().await?;
            Ok(known
                .iter()
                .any(|record| record.info.worker == id)
                .then_some(id))
        })
        .await?;
        ensure!(new != old, "it is the old one");
        as_root(&chain, Transaction::register_gatekeeper(new)).await?;
        as_root(&chain, Transaction::unregister_gatekeeper(old)).await?;
        as_root(&chain, Transaction::recover_from_members()).await?;
        // Two of three are enough.
        let (first, second) =
            tokio::join!(take_part(stage, MEMBERS[0]), take_part(stage, MEMBERS[2]));
        for steps in [first?, second?] {
            ensure!(steps.contains("dealt"), "it has not dealt: {steps}");
        }
        Ok(())
    };
    held.await
        .with_context(|| fs::read_to_string(&log).unwrap_or_default())
}

async fn gives_seeds(stage: &Stage) -> Result<()> {
    let rotate = [
        "cluster",
        "rotate-keys",
        "--as",
        "//Alice",
        "--window",
        "8",
        "--wait",
    ];
    stage.phat(&rotate).await?.expect(0, "is in use")
}
