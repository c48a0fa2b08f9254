//! What a cluster's owner sets, and what owners of contracts read, all through the command line.

use crate::{
    stage::{CHAIR, OFFICER, Stage},
    tools::{Report, until},
};
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Who owns the cluster of a development network.
const OWNER: &str = "//Alice";
/// Owns nothing.
const STRANGER: &str = "//Dave";

pub async fn check(stage: &Stage, report: &mut Report) {
    report.note("money inside the cluster", money(stage).await);
    report.note("limits of a cluster", limits(stage).await);
    report.note("ends of blocks in the mailbox", hooks(stage).await);
    report.note("records are for owners and senders", records(stage).await);
    report.note(
        "after the settings the network answers as before",
        stage.unharmed().await,
    );
}

/// What `phat --json` prints.
async fn json(stage: &Stage, arguments: &[&str]) -> Result<Value> {
    let mut all = vec!["--json"];
    all.extend(arguments);
    let ran = stage.phat(&all).await?;
    ensure!(ran.code == Some(0), "{arguments:?}: {ran:?}");
    ran.json()
}

async fn money(stage: &Stage) -> Result<()> {
    let to = client::Account::from_uri(STRANGER)?.id();
    let to = client::address(&to);
    let balance = async || json(stage, &["cluster", "balance", &to]).await;
    ensure!(balance().await?["balance"] == "0", "a stranger has money");
    json(stage, &["cluster", "deposit", "2.5", "--to", &to, "--as", "//Bob"]).await?;
    until("the deposit", async || {
        Ok((balance().await?["balance"] == "2500000000000").then_some(()))
    })
    .await?;
    for (amount, text) in [
        ("0,5", "write it like 12 or 0.5"),
        ("0", "AmountTooSmall"),
        ("99999999999", "refuses"),
    ] {
        let ran = stage.phat(&["cluster", "deposit", amount, "--as", "//Bob"]).await?;
        ran.expect(1, text)?;
    }
    Ok(())
}

async fn limits(stage: &Stage) -> Result<()> {
    let shown = json(stage, &["cluster", "limits"]).await?;
    ensure!(shown["query_ms"] == 10_000, "{shown}");
    let set = ["cluster", "limits", "query_ms=20000", "log_bytes=2000000", "--as"];
    let refused = stage.phat(&[&set[..], &[STRANGER]].concat()).await?;
    refused.expect(1, "Bad origin")?;
    json(stage, &[&set[..], &[OWNER]].concat()).await?;
    let shown = json(stage, &["cluster", "limits"]).await?;
    ensure!(shown["query_ms"] == 20_000 && shown["log_bytes"] == 2_000_000, "{shown}");
    let too_much = stage.phat(&["cluster", "limits", "query_ms=1", "--as", OWNER]).await?;
    too_much.expect(1, "from 100 to 120000")?;
    let unsigned = stage.phat(&["cluster", "limits", "query_ms=1000"]).await?;
    unsigned.expect(1, "--as")
}

async fn hooks(stage: &Stage) -> Result<()> {
    let number = async |place| stage.position(place).await.map(|(number, _)| number);
    let refused = stage.phat(&["cluster", "hooks", "1", "--as", STRANGER]).await?;
    refused.expect(1, "Bad origin")?;
    let wrong = stage.phat(&["cluster", "hooks", "0", "--as", OWNER]).await?;
    wrong.expect(1, "neither a number of blocks")?;
    let before = number(1).await.context("worker 1 does not serve")?;
    json(stage, &["cluster", "hooks", "1", "--as", OWNER]).await?;
    until("three ends of blocks on both workers", async || {
        let (one, two) = (number(1).await, number(2).await);
        Ok((one.min(two) >= Some(before + 3)).then_some(()))
    })
    .await?;
    json(stage, &["cluster", "hooks", "off", "--as", OWNER]).await?;
    Ok(())
}

async fn records(stage: &Stage) -> Result<()> {
    let id = stage.id.to_hex();
    let logs = async |account: &str| -> Result<Vec<String>> {
        let records = json(stage, &["logs", &id, "--as", account, "-n", "100"]).await?;
        let records = records.as_array().context("no list of records")?;
        let kinds = records.iter().filter_map(|record| record["type"].as_str());
        Ok(kinds.map(str::to_owned).collect())
    };
    // The constructor's result at least, and that of the officer's report.
    let of_chair = logs(CHAIR).await?;
    let results = of_chair.iter().filter(|kind| *kind == "MessageOutput").count();
    ensure!(results >= 2, "{of_chair:?}");
    let of_officer = logs(OFFICER).await?;
    ensure!(
        !of_officer.is_empty() && of_officer.iter().all(|kind| kind == "MessageOutput"),
        "{of_officer:?}"
    );
    let of_stranger = logs(STRANGER).await?;
    ensure!(of_stranger.is_empty(), "{of_stranger:?}");
    Ok(())
}
