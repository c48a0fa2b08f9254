//! The example contracts on the network, driven through the command line as their tutorials have it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use client::Account;
use ::examples::{Behaviour, S3_BUCKET, S3_KEY, Source, Stores};
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::tools::{Ran, Report};

const OWNER: &str = "//Alice";
const MEMBER: &str = "//Bob";
const STRANGER: &str = "//Eve";

pub async fn check(stage: &Stage, report: &mut Report) {
    report.note(
        "the oracle signs an honest price though a source lies, one is dead and one hangs",
        oracle(stage).await,
    );
    report.note(
        "the vault's files come back from S3 and IPFS to their owner alone",
        vault(stage).await,
    );
    report.note(
        "the private join tells its parties how many entries they share, and nobody anything else",
        private_join(stage).await,
    );
}

async fn oracle(stage: &Stage) -> Result<()> {
    let says = |price: &str| Behaviour::Says(format!(r#"{{"price":{price}}}"#));
    let sources = [
        says("6.49"),
        says("\"6.51\""),
        says("999999"),
        Behaviour::Dead,
        Behaviour::Hangs,
    ]
    .map(Source::start);
    let list: Vec<Value> = sources
        .iter()
        .flatten()
        .map(|source| json!({ "url": source.url(), "pointer": "/price" }))
        .collect();
    ensure!(list.len() == sources.len(), "a source did not start");
    let oracle = deploy(stage, "oracle", &["DOT/USD"]).await?;
    let list = Value::from(list).to_string();
    call(stage, &oracle, OWNER, &["set_sources", &list, "3"]).await?.expect(0, "value")?;
    let price = value(&query(stage, &oracle, STRANGER, &["price"]).await?)?;
    ensure!(price["price"] == 651_000_000 && price["answers"] == 3, "{price}");
    let key = value(&query(stage, &oracle, STRANGER, &["public_key"]).await?)?;
    ensure!(price["public_key"] == key, "signed with another key: {price}");
    query(stage, &oracle, STRANGER, &["sources"]).await?.expect(1, "NotOwner")
}

async fn vault(stage: &Stage) -> Result<()> {
    let stores = Stores::start(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    let vault = deploy(stage, "vault", &[]).await?;
    let s3 = json!({
        "endpoint": stores.s3(),
        "region": "us-east-1",
        "bucket": S3_BUCKET,
        "access_key": S3_KEY.0,
        "secret_key": S3_KEY.1,
    });
    let member = client::address(&Account::from_uri(MEMBER)?.id());
    for command in [
        ["configure_s3", &s3.to_string()],
        ["configure_ipfs", stores.ipfs()],
        ["admit", &member],
    ] {
        call(stage, &vault, OWNER, &command).await?.expect(0, "value")?;
    }
    let diary = "0x4465617220646961727921";
    query(stage, &vault, MEMBER, &["put_s3", "diary.txt", diary]).await?.expect(0, "value")?;
    let cid = value(&query(stage, &vault, MEMBER, &["put_ipfs", "diary.txt", diary]).await?)?;
    let cid = cid.as_str().context("no content id")?.to_owned();
    for get in [vec!["get_s3", "diary.txt"], vec!["get_ipfs", "diary.txt", &cid]] {
        let back = value(&query(stage, &vault, MEMBER, &get).await?)?;
        ensure!(back == diary, "{get:?}: {back}");
        query(stage, &vault, STRANGER, &get).await?.expect(1, "NotMember")?;
    }
    query(stage, &vault, OWNER, &["get_s3", "diary.txt"]).await?.expect(1, "NotFound")?;
    let readable = |bytes: &[u8]| bytes.windows(4).any(|part| part == b"Dear");
    ensure!(!stores.files()?.iter().any(|(_, bytes)| readable(bytes)), "a store can read it");
    Ok(())
}

async fn private_join(stage: &Stage) -> Result<()> {
    let address = |uri| Ok::<_, anyhow::Error>(client::address(&Account::from_uri(uri)?.id()));
    let parties = json!([address(OWNER)?, address(MEMBER)?]).to_string();
    let join = deploy(stage, "private-join", &[&parties, "3", "2"]).await?;
    let list = |names: &[&str]| {
        let entries = names.iter().map(|name| format!("0x{}", hex::encode(name)));
        Value::from_iter(entries).to_string()
    };
    let (one, other) = (list(&["ann", "bob", "cary", "dee"]), list(&["carz", "bob", "dee", "eve"]));
    call(stage, &join, OWNER, &["submit", &one]).await?.expect(0, "value")?;
    query(stage, &join, OWNER, &["overlap"]).await?.expect(1, "NotReady")?;
    call(stage, &join, STRANGER, &["submit", &one]).await?.expect(1, "NotAParty")?;
    call(stage, &join, MEMBER, &["submit", &other]).await?.expect(0, "value")?;
    call(stage, &join, MEMBER, &["submit", &one]).await?.expect(1, "AlreadySubmitted")?;
    for party in [OWNER, MEMBER] {
        let overlap = value(&query(stage, &join, party, &["overlap"]).await?)?;
        ensure!(overlap == 2, "{overlap}");
    }
    query(stage, &join, STRANGER, &["overlap"]).await?.expect(1, "NotAParty")
}

/// Deploys an example and gives its id.
async fn deploy(stage: &Stage, name: &str, arguments: &[&str]) -> Result<String> {
    let file = contract_file(name)?;
    let file = file.display().to_string();
    let mut all = vec!["--json", "deploy", &file, "--as", OWNER];
    all.extend(arguments);
    let ran = stage.phat(&all).await?;
    ran.expect(0, "codeHash")?;
    Ok(ran.json()?["contract"].as_str().context("no contract id")?.to_owned())
}

async fn call(stage: &Stage, contract: &str, account: &str, rest: &[&str]) -> Result<Ran> {
    let mut all = vec!["--json", "call", "--as", account, contract];
    all.extend(rest);
    stage.phat(&all).await
}

async fn query(stage: &Stage, contract: &str, account: &str, rest: &[&str]) -> Result<Ran> {
    let mut all = vec!["--json", "query", "--as", account, contract];
    all.extend(rest);
    stage.phat(&all).await
}

fn value(ran: &Ran) -> Result<Value> {
    ran.expect(0, "value")?;
    Ok(ran.json()?["value"].take())
}

/// The built contract: in the folder that `PHAT_EXAMPLE_CONTRACTS` names, else where `phat build` puts it.
fn contract_file(name: &str) -> Result<PathBuf> {
    let folder = match std::env::var_os("PHAT_EXAMPLE_CONTRACTS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new("../../guest/examples")
            .join(name)
            .join("target/ink"),
    };
    let file = folder.join(format!("{name}.contract"));
    ensure!(file.is_file(), "{} is missing: run phat build there first", file.display());
    Ok(file)
}
