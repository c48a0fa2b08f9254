//! `phat account`: keys of this user, kept in files that only this user can read.

use crate::{context, output::{self, Output}};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use client::Account;
use primitives::units::PHA;
use serde_json::json;
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt};

/// Make and list accounts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account. Its secret is kept in a file that only you can read; it is not encrypted.
    New {
        /// A name for it: letters, digits, - and _.
        name: String,
    },
    /// List the accounts made here.
    List,
    /// Show an account: its address and, on a network, its balance.
    Show {
        /// Its name, or a development account such as //Alice.
        name: String,
    },
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    match command {
        Command::New { name } => new(&name, output),
        Command::List => list(output),
        Command::Show { name } => show(&name, network, output).await,
    }
}

fn new(name: &str, output: &Output) -> Result<()> {
    let file = context::account_file(name)?;
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).with_context(|| format!("{}", parent.display()))?;
    }
    let secret = Account::generate_seed();
    let account = Account::from_uri(&secret)?;
    let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
    let mut created = match created {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("there is an account {name} already; choose another name")
        }
        other => other.with_context(|| format!("{}", file.display()))?,
    };
    created.write_all(secret.as_bytes())?;
    created.sync_all()?;
    let address = client::address(&account.id());
    output.result(
        format!("{name}  {address}\nsecret in {} (not encrypted)", file.display()),
        &json!({ "name": name, "address": address, "file": file }),
    );
    Ok(())
}

fn list(output: &Output) -> Result<()> {
    let mut found = Vec::new();
    if let Ok(entries) = fs::read_dir(context::home().join("accounts")) {
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Ok(account) = context::account(&name) {
                found.push((name, client::address(&account.id())));
            }
        }
    }
    found.sort();
    let json: Vec<_> = found
        .iter()
        .map(|(name, address)| json!({ "name": name, "address": address }))
        .collect();
    let rows: Vec<Vec<String>> =
        found.into_iter().map(|(name, address)| vec![name, address]).collect();
    let text = if rows.is_empty() {
        "no accounts yet: make one with phat account new NAME".to_owned()
    } else {
        output::table(&["name", "address"], &rows)
    };
    output.result(text, &json!(json));
    Ok(())
}

async fn show(name: &str, network: &context::Network, output: &Output) -> Result<()> {
    let account = context::account(name)?;
    let address = client::address(&account.id());
    let free = match network.connect().await {
        Ok(chain) => Some(chain.free_balance(&account.id()).await?),
        Err(_) => None,
    };
    let balance = match free {
        Some(free) => format!("{}.{:012} PHA", free / PHA, free % PHA),
        None => "unknown: no network is reachable".to_owned(),
    };
    output.result(
        format!("address  {address}\nhex      {}\nbalance  {balance}", account.id()),
        &json!({
            "name": name,
            "address": address,
            "account": account.id(),
            "free": free.map(|free| free.to_string()),
        }),
    );
    Ok(())
}
