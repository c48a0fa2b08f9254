//! `phat account`: keys of this user, kept as keystores that wallets know, in files that only this user can read.

use crate::{
    context::{self, Kept},
    output::{self, Output},
    passphrase,
};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use client::{Account, Keystore};
use primitives::{AccountId, units::PHA};
use serde_json::json;
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Make and list accounts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account. Its secret is kept under a passphrase, in the form that wallets import.
    New {
        /// A name for it: letters, digits, - and _.
        name: String,
        /// Keep the secret without a passphrase, readable by whoever gets the file: for development
        /// networks only.
        #[arg(long)]
        plain: bool,
    },
    /// Take over an account that a wallet exported as JSON. Its passphrase stays the same.
    Import {
        /// The file that the wallet exported.
        file: PathBuf,
        /// A name for it here; by default the one in the file.
        #[arg(long)]
        name: Option<String>,
    },
    /// Print an account as JSON that wallets import. It stays under its passphrase.
    Export {
        /// Its name.
        name: String,
        /// Write it to a new file instead.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
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
        Command::New { name, plain } => new(&name, plain, output),
        Command::Import { file, name } => import(&file, name, output),
        Command::Export { name, out } => export(&name, out.as_deref(), output),
        Command::List => list(output),
        Command::Show { name } => show(&name, network, output).await,
    }
}

fn new(name: &str, plain: bool, output: &Output) -> Result<()> {
    if context::account_file(name)?.exists() {
        bail!("there is an account {name} already; choose another name");
    }
    let secret = Account::generate_seed();
    if plain {
        eprintln!(
            "phat: WARNING: the secret of {name} is NOT ENCRYPTED: whoever reads its file has the account. \
             Use it on development networks only."
        );
        return keep(name, &secret, &Account::from_uri(&secret)?.id(), "not encrypted", output);
    }
    let keystore = Keystore::seal(&secret, &*passphrase::new(name)?, name)?;
    keep(name, keystore.json(), &keystore.account(), "under its passphrase", output)
}

fn import(file: &Path, name: Option<String>, output: &Output) -> Result<()> {
    let keystore = match Kept::of_file(file)? {
        Kept::Keystore(keystore) => keystore,
        Kept::Plain(_) => bail!(
            "{} is not a keystore: expected the JSON file that a wallet exports for one account",
            file.display()
        ),
    };
    let name = name
        .or_else(|| keystore.name().map(str::to_owned))
        .context("the file names no account: choose a name with --name")?;
    let place = context::account_file(&name).context("choose another name with --name")?;
    if place.exists() {
        bail!("there is an account {name} already; choose another name with --name");
    }
    let account = keystore
        .open(&*passphrase::of(&name)?)
        .with_context(|| format!("{}", file.display()))?;
    keep(&name, keystore.json(), &account.id(), "under its passphrase", output)
}

fn export(name: &str, out: Option<&Path>, output: &Output) -> Result<()> {
    if name.starts_with("//") {
        bail!("{name} is a development account, known to everybody: give its name to the wallet");
    }
    let keystore = match Kept::read(name)? {
        Kept::Keystore(keystore) => keystore,
        Kept::Plain(secret) => {
            Keystore::seal(&secret, &*passphrase::new(name)?, name).with_context(|| {
                format!("account {name} cannot be exported; a phrase is given to the wallet as it is")
            })?
        }
    };
    match out {
        None => {
            output.result(keystore.json(), &serde_json::from_str(keystore.json())?);
            Ok(())
        }
        Some(file) => {
            write_new(file, keystore.json())?;
            output.result(format!("{name} in {}", file.display()), &json!({ "file": file }));
            Ok(())
        }
    }
}

/// Writes a file that only its owner can read, and that was not there.
fn write_new(file: &Path, text: &str) -> Result<()> {
    let mut created = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("{}", file.display()))?;
    created.write_all(text.as_bytes())?;
    Ok(created.sync_all()?)
}

fn keep(name: &str, text: &str, id: &AccountId, how: &str, output: &Output) -> Result<()> {
    let file = context::account_file(name)?;
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).with_context(|| format!("{}", parent.display()))?;
    }
    write_new(&file, text)?;
    let address = client::address(id);
    output.result(
        format!("{name}  {address}\nsecret in {} ({how})", file.display()),
        &json!({ "name": name, "address": address, "file": file }),
    );
    Ok(())
}

fn list(output: &Output) -> Result<()> {
    let mut found = Vec::new();
    if let Ok(entries) = fs::read_dir(context::home().join("accounts")) {
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Ok(id) = context::account_id(&name) {
                found.push((name, client::address(&id)));
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
    let id = context::account_id(name)?;
    let address = client::address(&id);
    let free = match network.connect().await {
        Ok(chain) => Some(chain.free_balance(&id).await?),
        Err(_) => None,
    };
    let balance = match free {
        Some(free) => format!("{}.{:012} PHA", free / PHA, free % PHA),
        None => "unknown: no network is reachable".to_owned(),
    };
    output.result(
        format!("address  {address}\nhex      {id}\nbalance  {balance}"),
        &json!({
            "name": name,
            "address": address,
            "account": id,
            "free": free.map(|free| free.to_string()),
        }),
    );
    Ok(())
}
