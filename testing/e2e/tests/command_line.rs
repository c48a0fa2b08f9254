//! What people can do wrong on the command line.

use crate::{
    stage::{CHAIR, OFFICER, Stage},
    tools::Report,
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

pub async fn check(stage: &mut Stage, report: &mut Report) {
    report.note("contract files that are none", files(stage).await);
    report.note("wrong constructors and arguments", arguments(stage).await);
    report.note(
        "unknown contracts, messages and accounts",
        unknown(stage).await,
    );
    report.note(
        "a command by somebody not entitled",
        not_entitled(stage).await,
    );
    report.note("no network, or another than pinned", networks(stage).await);
    report.note("wrong usage", usage(stage).await);
    report.note("help of every command", help(stage).await);
    report.note("code that is no program", garbage_code(stage).await);
    report.note(
        "after bad commands the network answers as before",
        stage.unharmed().await,
    );
}

/// The command fails with `text`, as text and as JSON.
async fn fails(stage: &Stage, arguments: &[&str], text: &str) -> Result<()> {
    let ran = stage.phat(arguments).await?;
    ran.expect(1, text)?;
    ensure!(
        ran.out.is_empty(),
        "an error belongs on standard error: {ran:?}"
    );
    ensure!(
        ran.err.starts_with("phat: "),
        "an error says who speaks: {ran:?}"
    );
    let mut with_json = vec!["--json"];
    with_json.extend(arguments);
    let ran = stage.phat(&with_json).await?;
    let json = ran.json()?;
    ensure!(ran.code == Some(1), "{ran:?}");
    let found = json["error"].as_str().context("no error in the JSON")?;
    ensure!(found.contains(text), "{text:?} was expected: {found}");
    Ok(())
}

fn file(stage: &Stage, name: &str, bytes: &[u8]) -> Result<String> {
    let path: PathBuf = stage.home.path().join(name);
    fs::write(&path, bytes)?;
    Ok(path.display().to_string())
}

async fn files(stage: &Stage) -> Result<()> {
    let whole = fs::read(&stage.tools.ballot)?;
    let refused = async |name: &str, bytes: &[u8], text: &str| {
        let path = file(stage, name, bytes)?;
        let [chair, candidates, districts] = Stage::constructor_arguments()?;
        fails(
            stage,
            &[
                "deploy",
                &path,
                "--as",
                CHAIR,
                &chair,
                &candidates,
                &districts,
            ],
            text,
        )
        .await
        .context(name.to_owned())
    };
    for part in [1, whole.len() / 3, whole.len() - 2] {
        refused("cut-short.contract", &whole[..part], "not a .contract file").await?;
    }
    let noise: Vec<u8> = (0..5000u32)
        .map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    refused("noise.contract", &noise, "not a .contract file").await?;
    refused("empty.contract", b"", "not a .contract file").await?;
    let mut altered: Value = serde_json::from_slice(&whole)?;
    let wasm = altered["source"]["wasm"]
        .as_str()
        .context("the ballot has no code")?
        .to_owned();
    let last = if wasm.ends_with('0') { "1" } else { "0" };
    altered["source"]["wasm"] = json!(format!("{}{last}", &wasm[..wasm.len() - 1]));
    refused(
        "altered.contract",
        altered.to_string().as_bytes(),
        "it was altered or cut short",
    )
    .await?;
    let mut metadata_only = altered.clone();
    metadata_only["source"]
        .as_object_mut()
        .context("no source")?
        .remove("wasm");
    refused(
        "metadata.contract",
        metadata_only.to_string().as_bytes(),
        "metadata only, no code",
    )
    .await?;
    fails(
        stage,
        &["deploy", "missing.contract", "--as", CHAIR],
        "missing.contract cannot be read",
    )
    .await
}

async fn arguments(stage: &Stage) -> Result<()> {
    let path = stage.tools.ballot.display().to_string();
    let [chair, candidates, districts] = Stage::constructor_arguments()?;
    let deploy = async |arguments: &[&str], text: &str| {
        let mut all = vec!["deploy", path.as_str(), "--as", CHAIR];
        all.extend(arguments);
        fails(stage, &all, text).await
    };
    deploy(
        &["--constructor", "nope", &chair, &candidates, &districts],
        "there is no constructor nope; there are: new",
    )
    .await?;
    deploy(
        &["no-address", &candidates, &districts],
        "argument chair of new is of type AccountId",
    )
    .await?;
    deploy(
        &[&chair, "7", &districts],
        "argument candidates of new is of type ",
    )
    .await?;
    deploy(
        &[&chair, &candidates, "[[true,1]]"],
        "argument districts of new is of type ",
    )
    .await?;
    deploy(&[&chair, &candidates], "new takes 3 argument").await?;
    // The contract itself refuses: no candidates. Nothing is instantiated.
    deploy(
        &[&chair, "[]", &districts],
        "new was refused by the contract: \"BadSetUp\"",
    )
    .await?;
    let id = stage.id.to_string();
    fails(
        stage,
        &["call", &id, "report", "1", "[-1, 2]", "--as", OFFICER],
        "argument votes of report is of type ",
    )
    .await?;
    fails(
        stage,
        &["query", &id, "tally", "1"],
        "tally takes 0 argument",
    )
    .await
}

async fn unknown(stage: &Stage) -> Result<()> {
    let id = stage.id.to_string();
    let ballot = stage.tools.ballot.display().to_string();
    let nobody = format!("0x{}", "77".repeat(32));
    let text = format!("there is no contract {nobody}");
    for command in ["query", "call"] {
        let arguments = [
            command,
            &nobody,
            "tally",
            "--metadata",
            &ballot,
            "--as",
            CHAIR,
        ];
        fails(stage, &arguments, &text).await?;
    }
    fails(stage, &["contract", "info", &nobody], &text).await?;
    fails(
        stage,
        &["query", &nobody, "tally"],
        "name its .contract file with --metadata",
    )
    .await?;
    fails(
        stage,
        &["query", &id, "nope"],
        "there is no message nope; there are: ",
    )
    .await?;
    fails(
        stage,
        &["query", &id, "tally", "--as", "nobody"],
        "there is no account nobody: make it with phat account new nobody",
    )
    .await?;
    fails(
        stage,
        &["query", &id, "tally", "--as", "../x"],
        "is no account name",
    )
    .await?;
    fails(
        stage,
        &["query", &id, "tally", "--worker", &nobody],
        &format!("worker {nobody} does not belong to cluster"),
    )
    .await?;
    fails(
        stage,
        &["contract", "list", "--cluster", &nobody],
        "there is no cluster",
    )
    .await
}

async fn not_entitled(stage: &Stage) -> Result<()> {
    let id = stage.id.to_string();
    let refused = "report was refused by the contract: \"NotOfficer\"";
    fails(
        stage,
        &["call", &id, "report", "1", "[100, 200]", "--as", CHAIR],
        refused,
    )
    .await?;
    let refused = "close was refused by the contract: \"NotChair\"";
    fails(stage, &["call", &id, "close", "--as", OFFICER], refused).await?;
    let refused = "tally was refused by the contract: \"StillOpen\"";
    fails(stage, &["query", &id, "tally", "--as", OFFICER], refused).await?;
    fails(stage, &["query", &id, "tally"], refused).await?;
    // An account without means cannot send anything.
    stage
        .phat(&["account", "new", "poor", "--plain"])
        .await?
        .expect(0, "poor")?;
    let pays_not = ["call", &id, "close", "--as", "poor"];
    fails(stage, &pays_not, "the chain refuses the transaction").await
}

async fn networks(stage: &Stage) -> Result<()> {
    let bare = async |arguments: &[&str], text: &str| {
        let ran = stage.phat_bare(arguments).await?;
        ran.expect(1, text)
    };
    bare(
        &["worker", "list"],
        "start one with phat dev, or name a node with --node",
    )
    .await?;
    let nobody = format!("ws://127.0.0.1:{}", crate::tools::free_ports(1)?);
    bare(
        &["--node", &nobody, "worker", "list"],
        &format!("no node answers at {nobody}"),
    )
    .await?;
    bare(
        &["--node", "nonsense", "worker", "list"],
        "no node answers at nonsense",
    )
    .await?;
    let other = format!("0x{}", "09".repeat(32));
    let node = &stage.info.node;
    let text = format!(
        "the node is on network {}, not on {other}",
        stage.info.genesis
    );
    bare(
        &["--node", node, "--genesis", &other, "worker", "list"],
        &text,
    )
    .await?;
    fails(stage, &["--genesis", &other, "cluster", "list"], &text).await
}

async fn usage(stage: &Stage) -> Result<()> {
    for arguments in [
        &["nope"][..],
        &["query", "not-an-id", "tally"],
        &["deploy"],
        &["dev", "--workers", "9"],
    ] {
        let ran = stage.phat(arguments).await?;
        ran.expect(2, "error: ")?;
        let mut with_json = vec!["--json"];
        with_json.extend(arguments);
        let ran = stage.phat(&with_json).await?;
        ensure!(ran.code == Some(2), "{ran:?}");
        ensure!(ran.json()?["error"].is_string(), "{ran:?}");
    }
    Ok(())
}

async fn help(stage: &Stage) -> Result<()> {
    let commands = [
        "",
        "dev",
        "account",
        "account new",
        "account list",
        "account show",
        "build",
        "deploy",
        "call",
        "query",
        "receipt",
        "receipt verify",
        "audit",
        "replay",
        "worker",
        "worker list",
        "cluster",
        "cluster list",
        "contract",
        "contract list",
        "contract info",
    ];
    for name in commands {
        let mut arguments: Vec<&str> = name.split_whitespace().collect();
        arguments.push("--help");
        let ran = stage.phat_bare(&arguments).await?;
        ran.expect(0, "Usage: phat")
            .with_context(|| name.to_owned())?;
    }
    // Every command that only looks gives one JSON value.
    for name in [
        "worker list",
        "cluster list",
        "contract list",
        "account list",
    ] {
        let mut arguments = vec!["--json"];
        arguments.extend(name.split_whitespace());
        let ran = stage.phat(&arguments).await?;
        ran.expect(0, "")?;
        ran.json()?;
    }
    Ok(())
}

/// The header of a wasm program and then noise: the chain stores it, no worker runs it, and
/// deployments go on.
async fn garbage_code(stage: &Stage) -> Result<()> {
    let mut code = b"\0asm\x01\0\0\0".to_vec();
    code.extend((0..2000u32).map(|place| (place.wrapping_mul(40_503) >> 7) as u8));
    let mut contract: Value = serde_json::from_slice(&fs::read(&stage.tools.ballot)?)?;
    contract["source"]["hash"] = json!(wire::domain::code_hash(&code));
    contract["source"]["wasm"] = json!(format!("0x{}", hex::encode(&code)));
    let path = file(stage, "garbage.contract", contract.to_string().as_bytes())?;
    let [chair, candidates, districts] = Stage::constructor_arguments()?;
    fails(
        stage,
        &[
            "deploy",
            &path,
            "--as",
            CHAIR,
            &chair,
            &candidates,
            &districts,
        ],
        "new did not run: there is no such code in this cluster",
    )
    .await?;
    let second = stage.deploy().await.context("a later deployment")?;
    ensure!(second != stage.id, "a second ballot has the first one's id");
    stage.unharmed().await
}
