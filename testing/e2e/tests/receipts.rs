//! Receipt files: one that holds, and many that do not.

use crate::{
    stage::{CHAIR, Stage},
    tools::Report,
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// Gives the receipt that holds, for later.
pub async fn check(stage: &Stage, report: &mut Report) -> Option<PathBuf> {
    let file = stage.home.path().join("receipt.json");
    let made = make(stage, &file).await;
    let there = made.is_ok();
    report.note("a receipt that holds", made);
    if !there {
        return None;
    }
    report.note("receipts that were altered", altered(stage, &file).await);
    report.note(
        "receipts that are none, or of another network",
        not_receipts(stage, &file).await,
    );
    Some(file)
}

async fn make(stage: &Stage, file: &PathBuf) -> Result<()> {
    let (id, path) = (stage.id.to_string(), file.display().to_string());
    let ran = stage
        .phat(&["query", &id, "tally", "--as", CHAIR, "--receipt", &path])
        .await?;
    ran.expect(0, "\"Ada\"")?;
    let ran = stage.phat(&["receipt", "verify", &path]).await?;
    ran.expect(0, "the receipt holds")?;
    ran.expect(0, "made under a DEVELOPMENT root")?;
    ran.expect(0, "as pinned")?;
    let ran = stage.phat(&["--json", "receipt", "verify", &path]).await?;
    ran.expect(0, "DEVELOPMENT")?;
    let json = ran.json()?;
    ensure!(
        json["holds"] == true && json["links"].as_array().is_some_and(|l| l.len() > 5),
        "{json}"
    );
    e2e::tamper::check_tampering(&fs::read(file)?, stage.info.genesis).map(drop)
}

/// The file fails, with exit code 3, at `link`.
async fn fails(stage: &Stage, name: &str, bytes: &[u8], links: &[&str]) -> Result<()> {
    let path = stage.home.path().join("altered.json");
    fs::write(&path, bytes)?;
    let path = path.display().to_string();
    let ran = stage.phat(&["--json", "receipt", "verify", &path]).await?;
    ran.expect(3, "\"holds\":false").context(name.to_owned())?;
    let json = ran.json()?;
    let failed = json["failed"].as_str().unwrap_or_default().to_owned();
    ensure!(
        links.contains(&failed.as_str()),
        "{name} fails at {failed}, not {links:?}: {json}"
    );
    let ran = stage.phat(&["receipt", "verify", &path]).await?;
    ran.expect(3, &format!("FAIL {failed}"))?;
    ran.expect(3, "the receipt does NOT hold")
}

async fn altered(stage: &Stage, file: &PathBuf) -> Result<()> {
    let whole: Value = serde_json::from_slice(&fs::read(file)?)?;
    let parts: [(&str, &[&str]); 6] = [
        ("request", &["file", "question"]),
        ("answer", &["file", "answer"]),
        ("receipt", &["file", "signature"]),
        ("evidence", &["file", "hardware"]),
        ("registration", &["file", "hardware"]),
        ("chain_proof", &["file", "finality", "registration"]),
    ];
    for (part, links) in parts {
        let mut altered = whole.clone();
        let mut raw = hex::decode(whole[part].as_str().context("not hex")?)?;
        *raw.last_mut().context("empty")? ^= 1;
        altered[part] = json!(hex::encode(raw));
        fails(stage, part, altered.to_string().as_bytes(), links).await?;
    }
    let mut asker = whole.clone();
    asker["origin"] = json!(format!("0x{}", "07".repeat(32)));
    fails(stage, "asker", asker.to_string().as_bytes(), &["question"]).await?;
    let mut version = whole;
    version["version"] = json!(2);
    fails(stage, "version", version.to_string().as_bytes(), &["file"]).await
}

async fn not_receipts(stage: &Stage, file: &PathBuf) -> Result<()> {
    let whole = fs::read(file)?;
    fails(stage, "half a file", &whole[..whole.len() / 2], &["file"]).await?;
    fails(stage, "nothing", b"", &["file"]).await?;
    fails(stage, "noise", &[0xff; 100], &["file"]).await?;
    let path = file.display().to_string();
    let other = format!("0x{}", "09".repeat(32));
    let ran = stage
        .phat(&["--genesis", &other, "receipt", "verify", &path])
        .await?;
    ran.expect(3, "FAIL network")?;
    ran.expect(3, &format!("not of {other}"))?;
    stage
        .phat(&["receipt", "verify", "missing.json"])
        .await?
        .expect(1, "missing.json")
}

/// While nothing runs: pinned by the caller, and not pinned, which it says.
pub async fn check_offline(stage: &Stage, file: &PathBuf) -> Result<()> {
    let (path, genesis) = (file.display().to_string(), stage.info.genesis.to_string());
    let ran = stage
        .phat_bare(&["--genesis", &genesis, "receipt", "verify", &path])
        .await?;
    ran.expect(0, "as pinned")?;
    ran.expect(0, "DEVELOPMENT root")?;
    stage
        .phat_bare(&["receipt", "verify", &path])
        .await?
        .expect(0, "NOT pinned")
}
