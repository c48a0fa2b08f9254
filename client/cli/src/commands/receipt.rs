//! `phat receipt`.

use crate::{context, output::Output};
use anyhow::{Context, Result};
use clap::Subcommand;
use client::{
    WorkerClient,
    receipt::{
        Expected, FILE_BYTES_MAX, PORTABLE_BYTES_AIM, ReceiptFile, TRUSTED_FILE_BYTES_MAX,
        TrustedSetFile, add_log, receipt_of, report,
    },
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What a receipt that does not hold exits with.
const DOES_NOT_HOLD: u8 = 3;

/// Check receipts, and add to them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a receipt file, link by link, without any network.
    Verify {
        /// The file.
        file: PathBuf,
        /// It must also show that the receipt is in the worker's log on chain.
        #[arg(long)]
        logged: bool,
        /// An authority set that you trust, for files whose proof does not start from genesis.
        #[arg(long, value_name = "FILE")]
        trusted_set: Option<PathBuf>,
    },
    /// Add to a receipt file where it is in the worker's log on chain. Worker and chain keep that for 64
    /// checkpoints of the worker, and the worker not over a restart: do it soon.
    Log {
        /// The file; it is replaced.
        file: PathBuf,
        /// Start its proof at this authority set, not at genesis.
        #[arg(long, value_name = "FILE")]
        trusted_set: Option<PathBuf>,
    },
    /// Write down the chain's present authority set, proven from genesis: whoever trusts that file can
    /// check proofs that start there, however long the history before.
    TrustedSet {
        /// The file to write.
        file: PathBuf,
    },
}

pub async fn run(
    command: &Command,
    network: &context::Network,
    output: &Output,
) -> Result<ExitCode> {
    match command {
        Command::Verify { file, logged, trusted_set } => {
            verify(file, *logged, trusted_set.as_deref(), network, output)
        }
        Command::Log { file, trusted_set } => {
            let mut receipt = read(file)?;
            let trusted = read_trusted(trusted_set.as_deref())?;
            let chain = network.connect().await?;
            let record = chain.worker(&receipt_of(&receipt)?.body.worker).await?;
            let worker = WorkerClient::new(chain.genesis(), &record)?;
            output.progress("waiting until the receipt is in the worker's log on chain");
            add_log(&chain, &worker, &mut receipt, trusted.as_ref()).await?;
            write(file, &receipt, output)?;
            let text = format!("{} shows the receipt in the worker's log", file.display());
            output.result(text, &json!({ "file": file, "logged": true }));
            Ok(ExitCode::SUCCESS)
        }
        Command::TrustedSet { file } => {
            let set = network.connect().await?.newest_set().await?;
            fs::write(file, serde_json::to_vec_pretty(&set)?)
                .with_context(|| format!("{} cannot be written", file.display()))?;
            let text = format!(
                "{}: authority set {} of {} members, which decides after block {}",
                file.display(),
                set.set_id,
                set.authorities.len(),
                set.after
            );
            output.result(text, &json!({ "file": file, "setId": set.set_id, "after": set.after }));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn read_bounded(file: &Path, bytes_max: u64, what: &str) -> Result<Vec<u8>> {
    let length = fs::metadata(file).with_context(|| format!("{}", file.display()))?.len();
    anyhow::ensure!(length <= bytes_max, "{} is too long to be {what}", file.display());
    fs::read(file).with_context(|| format!("{}", file.display()))
}

fn read(file: &Path) -> Result<ReceiptFile> {
    serde_json::from_slice(&read_bounded(file, FILE_BYTES_MAX, "a receipt")?)
        .with_context(|| format!("{} is no receipt file", file.display()))
}

/// The trusted set in a file, if one is named.
pub fn read_trusted(file: Option<&Path>) -> Result<Option<TrustedSetFile>> {
    let Some(file) = file else { return Ok(None) };
    let bytes = read_bounded(file, TRUSTED_FILE_BYTES_MAX, "an authority set")?;
    let set = TrustedSetFile::parse(&bytes).with_context(|| format!("{}", file.display()))?;
    Ok(Some(set))
}

/// Writes a receipt file; says where its proof is longer than it should be.
pub fn write(file: &Path, receipt: &ReceiptFile, output: &Output) -> Result<()> {
    let proof_bytes = receipt.chain_proof.len() / 2;
    if proof_bytes > PORTABLE_BYTES_AIM {
        output.progress(&format!(
            "the proof has {proof_bytes} bytes, more than {PORTABLE_BYTES_AIM}: with --trusted-set it \
             can be shorter"
        ));
    }
    fs::write(file, serde_json::to_vec_pretty(receipt)?)
        .with_context(|| format!("{} cannot be written", file.display()))
}

fn verify(
    file: &Path,
    logged: bool,
    trusted_set: Option<&Path>,
    network: &context::Network,
    output: &Output,
) -> Result<ExitCode> {
    let bytes = read_bounded(file, FILE_BYTES_MAX, "a receipt")?;
    let trusted = read_trusted(trusted_set)?;
    let expected = Expected {
        genesis: network.pinned(),
        trusted: trusted.as_ref(),
        logged,
        now_ms: Some(client::now_ms()),
    };
    let found = report(&bytes, &expected);
    let line = |mark: &str, name: &str, finding: &str| format!("{mark} {name:<13} {finding}");
    let mut lines: Vec<String> =
        found.links.iter().map(|link| line("ok  ", link.name, &link.finding)).collect();
    if let (Some(name), Some(reason)) = (found.failed, &found.reason) {
        lines.push(line("FAIL", name, reason));
    }
    if let Some(warning) = &found.warning {
        lines.push(line("WARN", "hardware", warning));
    }
    let verdict = if found.holds { "the receipt holds" } else { "the receipt does NOT hold" };
    lines.push(verdict.to_owned());
    output.result(lines.join("\n"), &json!(found));
    Ok(if found.holds { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_HOLD) })
}
