//! `phat audit`.

use crate::{context, output::Output};
use anyhow::{Context, Result, bail};
use clap::Args;
use primitives::ContractId;
use secrets::{AUDIT_KEY_BYTES_MAX, AuditKey};
use serde_json::json;
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Get a contract's audit key from a worker of its cluster: with it, its commands can be read and its
/// history be executed again (phat replay). The contract itself decides who gets it, by its message
/// may_audit.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The contract.
    contract: ContractId,
    /// The account that asks: one of which the contract's may_audit says true.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: String,
    /// Where to keep the key, readable by its owner alone. If the file has a key of this contract already,
    /// both are kept in it: a cluster's keys are rotated, and old ones are not given any more.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
}

pub async fn run(
    arguments: &Arguments,
    network: &context::Network,
    output: &Output,
) -> Result<()> {
    let account = context::account(&arguments.account)?;
    let chain = network.connect().await?;
    let id = arguments.contract;
    let mut workers = network.workers_of_contract(&chain, &id).await?;
    let mut key = client::audit::audit_key(&mut workers, &account, id).await?;
    let file = &arguments.key_file;
    if file.exists() {
        let kept = read_key(file)?;
        key = match kept.merge(key) {
            Ok(key) => key,
            Err(_) => bail!("{} holds the key of another contract: name another file", file.display()),
        };
    }
    write_key(file, &key)?;
    let rotations: Vec<u32> = key.rotations().collect();
    let text = format!(
        "{}: the audit key of contract {id}; it opens commands of {} of the cluster's seeds. Whoever \
         has it reads all of them: guard it",
        file.display(),
        rotations.len(),
    );
    output.result(text, &json!({ "contract": id, "keyFile": file, "rotations": rotations }));
    Ok(())
}

/// Reads a key file: hex, on one line.
pub fn read_key(file: &Path) -> Result<AuditKey> {
    let shown = file.display();
    let length = fs::metadata(file).with_context(|| format!("{shown}"))?.len();
    if length > 2 * AUDIT_KEY_BYTES_MAX as u64 + 2 {
        bail!("{shown} is too long to be an audit key");
    }
    let text = Zeroizing::new(fs::read(file).with_context(|| format!("{shown}"))?);
    let bytes = hex::decode(text.trim_ascii()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| anyhow::anyhow!("{shown} is no audit key"))?;
    AuditKey::from_bytes(&bytes).with_context(|| format!("{shown}"))
}

/// Writes beside the file and renames, so that a key is never half there.
fn write_key(file: &Path, key: &AuditKey) -> Result<()> {
    let shown = file.display();
    let new = file.with_extension("new");
    let _leftover = fs::remove_file(&new);
    let written = || -> std::io::Result<()> {
        let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let text = Zeroizing::new(hex::encode(&*key.expose()));
        writeln!(out, "{}", *text)?;
        out.sync_all()?;
        fs::rename(&new, file)
    };
    written().with_context(|| format!("{shown} cannot be written"))
}
