//! `phat replay`.

use crate::{context, output::Output};
use anyhow::{Context, Result, bail};
use clap::Args;
use client::{Contract, Message, audit, receipt::FILE_BYTES_MAX};
use contract_history::HistoryFile;
use primitives::{ContractId, GenesisHash};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

/// What the replayer exits with where there is a verdict: equal, differs, refused.
const VERDICTS: [i32; 3] = [0, 3, 4];

/// Execute a contract's commands again, from the chain, and compare with what its cluster agreed on.
/// Exit codes: 0 equal, 1 failed, 2 wrong usage, 3 it differs, 4 it cannot be said with these keys.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The contract.
    #[arg(long, value_name = "CONTRACT")]
    contract: ContractId,
    /// Its audit key, from phat audit; more keys where it reaches other contracts.
    #[arg(long = "key-file", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    /// The first entry of the mailbox to list. All before are executed all the same.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    from: u64,
    /// The last entry to execute; by default all that the cluster agreed on.
    #[arg(long, value_name = "NUMBER", conflicts_with = "query")]
    to: Option<u64>,
    /// An account that may audit the contract. With it the worker's steps are fetched, which say where a
    /// difference begins.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: Option<String>,
    /// The receipt file of a recorded query (phat query --record --receipt), to be executed again from
    /// the state that the commands lead to.
    #[arg(long, value_name = "FILE")]
    query: Option<PathBuf>,
    /// Use this history, without any network; --genesis says of which.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["save", "account"])]
    history: Option<PathBuf>,
    /// Keep the history that was fetched: nothing in it is secret.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// The contract's .contract file, to name messages and show values.
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    /// The phat-replay program; by default that beside phat.
    #[arg(long, value_name = "FILE")]
    replayer: Option<PathBuf>,
}

pub async fn run(
    arguments: &Arguments,
    network: &context::Network,
    output: &Output,
) -> Result<ExitCode> {
    let (genesis, file, kept) = match &arguments.history {
        Some(file) => {
            let genesis = network.pinned().context("of which network? Say --genesis HASH")?;
            (genesis, file.clone(), None)
        }
        None => {
            let (genesis, file) = fetch(arguments, network, output).await?;
            let kept = Kept::new(arguments.save.as_deref(), &file)?;
            (genesis, kept.path.clone(), Some(kept))
        }
    };
    output.progress("executing it again");
    let (report, code) = execute(arguments, &genesis, &file)?;
    drop(kept);
    let contract =
        network.metadata(&genesis, &arguments.contract, arguments.metadata.as_deref()).ok();
    output.result(text(&report, contract.as_ref()), &report);
    Ok(code)
}

async fn fetch(
    arguments: &Arguments,
    network: &context::Network,
    output: &Output,
) -> Result<(GenesisHash, HistoryFile)> {
    let account = arguments.account.as_deref().map(context::account).transpose()?;
    let chain = network.connect().await?;
    let mut workers = network.workers_of_contract(&chain, &arguments.contract).await?;
    let covers = match (&arguments.query, arguments.to) {
        (Some(receipt), _) => entries_of(receipt)?,
        (None, Some(to)) => to.saturating_add(1),
        (None, None) => 0,
    };
    output.progress("fetching the history with its proofs");
    let history =
        audit::history(&chain, &mut workers, arguments.contract, account.as_ref(), covers).await?;
    Ok((chain.genesis(), history))
}

/// After how many entries a query was answered, as its receipt says.
fn entries_of(receipt: &Path) -> Result<u64> {
    let shown = receipt.display();
    let length = fs::metadata(receipt).with_context(|| format!("{shown}"))?.len();
    if length > FILE_BYTES_MAX {
        bail!("{shown} is too long to be a receipt");
    }
    let file = serde_json::from_slice(&fs::read(receipt).with_context(|| format!("{shown}"))?)
        .with_context(|| format!("{shown} is no receipt file"))?;
    Ok(client::receipt::receipt_of(&file)?.body.next_number)
}

/// The history's file: where it is to be kept, or beside nothing, removed at the end.
struct Kept {
    path: PathBuf,
    is_temporary: bool,
}

impl Kept {
    fn new(wanted: Option<&Path>, history: &HistoryFile) -> Result<Self> {
        let name = format!("phat-history-{}-{:016x}", std::process::id(), client::random_seed());
        let path = wanted.map_or_else(|| std::env::temp_dir().join(name), Path::to_path_buf);
        let kept = Self { path, is_temporary: wanted.is_none() };
        fs::write(&kept.path, history.to_bytes())
            .with_context(|| format!("{} cannot be written", kept.path.display()))?;
        Ok(kept)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.is_temporary {
            let _gone = fs::remove_file(&self.path);
        }
    }
}

/// Runs the replayer, which is a program of its own: it executes as workers do, and this one never does.
fn execute(
    arguments: &Arguments,
    genesis: &GenesisHash,
    history: &Path,
) -> Result<(Value, ExitCode)> {
    let replayer = match &arguments.replayer {
        Some(file) => file.clone(),
        None => std::env::current_exe()?.with_file_name("phat-replay"),
    };
    let mut command = Command::new(&replayer);
    command.arg("--history").arg(history).arg("--genesis").arg(genesis.to_hex());
    for key in &arguments.keys {
        command.arg("--key-file").arg(key);
    }
    command.arg("--from").arg(arguments.from.to_string());
    if let Some(to) = arguments.to {
        command.arg("--to").arg(to.to_string());
    }
    if let Some(query) = &arguments.query {
        command.arg("--query").arg(query);
    }
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} cannot be run", replayer.display()))?;
    let code = done.status.code().unwrap_or(1);
    if !VERDICTS.contains(&code) {
        bail!("{}", String::from_utf8_lossy(&done.stderr).trim());
    }
    let report = serde_json::from_slice(&done.stdout).context("the replayer's report")?;
    Ok((report, ExitCode::from(u8::try_from(code).unwrap_or(1))))
}

fn text(report: &Value, contract: Option<&Contract>) -> String {
    let query = report.get("query").filter(|query| !query.is_null());
    let commands = if query.is_some() { &report["commands"] } else { report };
    let lines = commands["commands"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<String> = lines.iter().map(|entry| line(entry, contract)).collect();
    lines.push(verdict(commands));
    if let Some(query) = query {
        let message = message_of(contract, &query["input"]);
        let name = message.map_or("a message", |message| message.label.as_str());
        let answer = value(contract, message, &query["data"]);
        let calls = &query["hostCalls"];
        lines.push(format!("query {name} at block {}: {answer} ({calls} host calls)", query["block"]));
        if let Some(warning) = query["warning"].as_str() {
            lines.push(format!("WARN {warning}"));
        }
        lines.push(match query["verdict"].as_str() {
            Some("equal") => format!(
                "executed again it has the answer that worker {} signed",
                query["worker"].as_str().unwrap_or_default()
            ),
            _ => verdict(query),
        });
    }
    lines.join("\n")
}

fn message_of<'a>(contract: Option<&'a Contract>, input: &Value) -> Option<&'a Message> {
    let bytes = hex::decode(input.as_str()?).ok()?;
    let messages = contract?.messages().iter();
    messages.into_iter().find(|message| bytes.starts_with(&message.selector))
}

/// What was returned, as JSON where the metadata tells, else as hex.
fn value(contract: Option<&Contract>, message: Option<&Message>, data: &Value) -> String {
    let raw = data.as_str().unwrap_or_default();
    let decoded = || {
        let bytes = hex::decode(raw).ok()?;
        match contract?.decode(message?, &bytes).ok()? {
            client::Output::Value(value) => Some(value.to_string()),
            client::Output::Error(error) => Some(format!("error {error}")),
        }
    };
    decoded().unwrap_or_else(|| format!("0x{raw}"))
}

fn line(entry: &Value, contract: Option<&Contract>) -> String {
    let what = entry["what"].as_str().unwrap_or_default();
    let message = message_of(contract, &entry["input"]).filter(|_| what == "command");
    let name = message.map_or(what, |message| message.label.as_str());
    let result = &entry["result"];
    let result = match result["kind"].as_str() {
        Some("returned") if what == "command" => value(contract, message, &result["data"]),
        Some("returned") => "done".to_owned(),
        Some("notPaid") => "not paid: a balance was too low".to_owned(),
        _ => result["why"].as_str().unwrap_or_default().to_owned(),
    };
    let sender = entry["sender"].as_str().unwrap_or_default();
    format!("{:>6}  block {:>6}  {sender}  {name}: {result}", entry["number"], entry["block"])
}

fn verdict(report: &Value) -> String {
    let why = report["why"].as_str().unwrap_or_default();
    match report["verdict"].as_str() {
        Some("equal") => format!(
            "equal at {} checkpoints: after each entry that concerned the contract, up to entry {}, \
             which the cluster's workers agreed on with root {}",
            report["checkpoints"],
            report["entries"].as_u64().unwrap_or_default().saturating_sub(1),
            report["agreedRoot"].as_str().unwrap_or_default(),
        ),
        Some("refused") => format!("cannot be said: entry {}: {why}", report["entry"]),
        _ => match report["entry"].as_u64() {
            Some(entry) => format!("DIFFERS from entry {entry} on: {why}"),
            None => format!("DIFFERS: {why}"),
        },
    }
}
