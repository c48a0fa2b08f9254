//! Receipt files: one that holds, and many that do not.

use crate::{
    stage::{CHAIR, Stage},
    tools::Report,
};
use anyhow::{Context, Result, ensure};
use client::Chain;
use serde_json::{Value, json};
use std::{fs, path::PathBuf, time::Duration};

/// How often, and with what pause, the chain is asked for a newer final block.
const BLOCK_TRIES: u32 = 240;
const BLOCK_PAUSE: Duration = Duration::from_millis(250);

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
    report.note("a receipt in the worker's log", logged(stage, &file).await);
    report.note("a receipt from a trusted set", from_set(stage).await);
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
    version["version"] = json!(1);
    fails(stage, "version", version.to_string().as_bytes(), &["file"]).await
}

/// Bytes of a file's chain proof.
fn proof_bytes(file: &[u8]) -> Result<usize> {
    let json: Value = serde_json::from_slice(file)?;
    Ok(json["chain_proof"].as_str().context("no proof")?.len() / 2)
}

/// The root of the batch goes on chain at a checkpoint; then the file can show it, offline.
async fn logged(stage: &Stage, file: &PathBuf) -> Result<()> {
    let copy = stage.home.path().join("logged.json");
    fs::copy(file, &copy)?;
    let path = copy.display().to_string();
    let ran = stage.phat(&["receipt", "verify", "--logged", &path]).await?;
    ran.expect(3, "FAIL log")?;
    ran.expect(3, "phat receipt log FILE")?;
    stage.phat(&["receipt", "log", &path]).await?.expect(0, "in the worker's log")?;
    let genesis = stage.info.genesis.to_string();
    let ran = stage
        .phat_bare(&["--genesis", &genesis, "receipt", "verify", "--logged", &path])
        .await?;
    ran.expect(0, "of the worker's log, on chain since block")?;
    ran.expect(0, "the receipt holds")?;
    let bytes = fs::read(&copy)?;
    let length = proof_bytes(&bytes)?;
    ensure!(length < client::receipt::PORTABLE_BYTES_AIM, "the proof has {length} bytes");
    let mut altered: Value = serde_json::from_slice(&bytes)?;
    let mut raw = hex::decode(altered["log"].as_str().context("no log")?)?;
    *raw.last_mut().context("empty")? ^= 1;
    altered["log"] = json!(hex::encode(raw));
    fails(stage, "log", altered.to_string().as_bytes(), &["file", "log", "finality"]).await?;
    // At once, while asking.
    let (id, both) = (stage.id.to_string(), stage.home.path().join("both.json"));
    let both = both.display().to_string();
    stage
        .phat(&["query", &id, "tally", "--as", CHAIR, "--receipt", &both, "--logged"])
        .await?
        .expect(0, "\"Ada\"")?;
    stage.phat(&["receipt", "verify", "--logged", &both]).await?.expect(0, "the receipt holds")
}

/// A proof that starts at a set: needs that set, and is shorter.
async fn from_set(stage: &Stage) -> Result<()> {
    let (set, file) = (stage.home.path().join("set.json"), stage.home.path().join("from-set.json"));
    let (set, path) = (set.display().to_string(), file.display().to_string());
    stage.phat(&["receipt", "trusted-set", &set]).await?.expect(0, "authority set")?;
    let id = stage.id.to_string();
    // The next final block: a proof from a set has at least one after it.
    let after = serde_json::from_slice::<Value>(&fs::read(&set)?)?["after"].as_u64();
    let after = after.context("the set says not since when")?;
    let chain = Chain::connect(&stage.info.node, Some(stage.info.genesis)).await?;
    let mut final_number = u64::from(chain.final_number().await?);
    for _ in 0..BLOCK_TRIES {
        if final_number > after {
            break;
        }
        tokio::time::sleep(BLOCK_PAUSE).await;
        final_number = u64::from(chain.final_number().await?);
    }
    ensure!(final_number > after, "no block after {after} becomes final");
    stage
        .phat(&["query", &id, "tally", "--as", CHAIR, "--receipt", &path, "--trusted-set", &set])
        .await?
        .expect(0, "\"Ada\"")?;
    stage.phat(&["receipt", "verify", &path]).await?.expect(3, "FAIL finality")?;
    stage
        .phat(&["receipt", "verify", "--trusted-set", &set, &path])
        .await?
        .expect(0, "which YOU trust")
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
