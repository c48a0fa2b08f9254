//! A ballot audited through the command line: its key, its history, a recorded query.

use crate::{
    stage::{CHAIR, OFFICER, Stage},
    tools::{Ran, Report, until},
};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt};

/// Nobody that the ballot knows.
const AUDITOR: &str = "//Dave";

pub async fn check(stage: &Stage, report: &mut Report) {
    let id = match stage.deploy().await {
        Ok(id) => id.to_string(),
        Err(error) => return report.note("a ballot to audit", Err(error)),
    };
    report.note("an audit key that the contract does not give", no_key(stage, &id).await);
    report.note("a contract's history, executed again", replayed(stage, &id).await);
    report.note("a recorded query, executed again", recorded(stage, &id).await);
    report.note("histories and keys that are none", none(stage, &id).await);
}

fn path(stage: &Stage, name: &str) -> String {
    stage.home.path().join(name).display().to_string()
}

async fn call(stage: &Stage, id: &str, message: &[&str], account: &str) -> Result<Ran> {
    let mut arguments = vec!["call", id];
    arguments.extend(message);
    arguments.extend(["--as", account]);
    stage.phat(&arguments).await
}

async fn no_key(stage: &Stage, id: &str) -> Result<()> {
    let key = path(stage, "early.key");
    for account in [AUDITOR, CHAIR] {
        let ran = stage.phat(&["audit", id, "--as", account, "--key-file", &key]).await?;
        ran.expect(1, "may_audit")?;
    }
    ensure!(!stage.home.path().join("early.key").exists(), "a key was written");
    // Who deployed it may have its own queries recorded, others may not.
    let receipt = path(stage, "early.json");
    let ask = async |account| {
        stage
            .phat(&["query", id, "tally", "--as", account, "--record", "--receipt", &receipt])
            .await
    };
    ask(CHAIR).await?.expect(0, "\"closed\": false")?;
    ask(AUDITOR).await?.expect(1, "may_audit")
}

async fn replayed(stage: &Stage, id: &str) -> Result<()> {
    call(stage, id, &["report", "1", "[5, 6]"], OFFICER).await?.expect(0, "")?;
    call(stage, id, &["report", "1", "[9, 9]"], OFFICER).await?.expect(1, "AlreadyReported")?;
    call(stage, id, &["close"], CHAIR).await?.expect(0, "")?;
    let (key, history) = (path(stage, "ballot.key"), path(stage, "ballot.history"));
    let audit = async || {
        stage.phat(&["audit", id, "--as", AUDITOR, "--key-file", &key]).await
    };
    audit().await?.expect(0, "the audit key of contract")?;
    let mode = fs::metadata(&key)?.permissions().mode();
    ensure!(mode & 0o077 == 0, "others can read the key: {mode:o}");
    let before = fs::read(&key)?;
    audit().await?.expect(0, "it opens commands of 1 of")?;
    ensure!(fs::read(&key)? == before, "a second key of one time adds something");
    let ran = until("the cluster to agree on the last command", async || {
        let ran = stage
            .phat(&[
                "replay", "--contract", id, "--key-file", &key, "--as", AUDITOR, "--save", &history,
            ])
            .await?;
        ran.expect(0, "equal at ")?;
        Ok(ran.out.contains("equal at 4 checkpoints").then_some(ran))
    })
    .await?;
    ran.expect(0, "report: error \"AlreadyReported\"")?;
    let genesis = stage.info.genesis.to_string();
    let offline = stage
        .phat_bare(&[
            "--json", "--genesis", &genesis, "replay", "--contract", id, "--key-file", &key,
            "--history", &history,
        ])
        .await?;
    let json = offline.json()?;
    ensure!(offline.code == Some(0) && json["verdict"] == "equal", "{json}");
    let commands = json["commands"].as_array().context("no commands")?;
    ensure!(commands.len() == 4 && json["checkpoints"] == 4, "{json}");
    ensure!(commands[0]["what"] == "instantiate" && commands[3]["what"] == "command", "{json}");
    listed(stage, id, &key, &history, commands).await
}

/// A part of it, and what is beyond it.
async fn listed(
    stage: &Stage,
    id: &str,
    key: &str,
    history: &str,
    commands: &[Value],
) -> Result<()> {
    let genesis = stage.info.genesis.to_string();
    let second = commands[1]["number"].to_string();
    let part = async |to: &str| {
        stage
            .phat_bare(&[
                "--json", "--genesis", &genesis, "replay", "--contract", id, "--key-file", key,
                "--history", history, "--from", &second, "--to", to,
            ])
            .await
    };
    let json = part(&second).await?.json()?;
    ensure!(json["verdict"] == "equal" && json["checkpoints"] == 2, "{json}");
    ensure!(json["commands"].as_array().is_some_and(|list| list.len() == 1), "{json}");
    part("99999").await?.expect(1, "not agreed on yet")
}

async fn recorded(stage: &Stage, id: &str) -> Result<()> {
    let (key, receipt) = (path(stage, "ballot.key"), path(stage, "recorded.json"));
    let ran = stage
        .phat(&["query", id, "tally", "--as", AUDITOR, "--record", "--receipt", &receipt])
        .await?;
    ran.expect(0, "\"closed\": true")?;
    stage.phat(&["receipt", "verify", &receipt]).await?.expect(0, "the receipt holds")?;
    let replay = async |receipt: &str| {
        stage
            .phat(&["replay", "--contract", id, "--key-file", &key, "--query", receipt])
            .await
    };
    let ran = replay(&receipt).await?;
    ran.expect(0, "executed again it has the answer that worker")?;
    ran.expect(0, "query tally at block")?;
    let plain = path(stage, "plain.json");
    let ran = stage.phat(&["query", id, "tally", "--as", CHAIR, "--receipt", &plain]).await?;
    ran.expect(0, "")?;
    replay(&plain).await?.expect(1, "not of a recorded query")
}

async fn none(stage: &Stage, id: &str) -> Result<()> {
    let (key, history) = (path(stage, "ballot.key"), path(stage, "ballot.history"));
    let genesis = stage.info.genesis.to_string();
    let run = async |key: &str, history: &str, genesis: &str| {
        stage
            .phat_bare(&[
                "--genesis", genesis, "replay", "--contract", id, "--key-file", key, "--history",
                history,
            ])
            .await
    };
    let mut bytes = fs::read(&history)?;
    let half = path(stage, "half.history");
    fs::write(&half, &bytes[..bytes.len() / 2])?;
    run(&key, &half, &genesis).await?.expect(1, "no history file")?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&half, &bytes)?;
    let ran = run(&key, &half, &genesis).await?;
    ensure!(matches!(ran.code, Some(1 | 3)), "an altered history holds: {ran:?}");
    let other = format!("0x{}", "09".repeat(32));
    run(&key, &history, &other).await?.expect(1, "is of network")?;
    run(&history, &history, &genesis).await?.expect(1, "no audit key")?;
    let stages = stage.id.to_string();
    let ran = stage.phat(&["audit", &stages, "--as", AUDITOR, "--key-file", &key]).await?;
    ran.expect(1, "may_audit")
}
