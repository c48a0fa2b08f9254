//! `phat validator`.

use crate::{context, output::Output};
use anyhow::Result;
use clap::Subcommand;
use client::Transaction;
use primitives::AccountId;
use serde_json::json;

/// Look at the chain's validators, join and leave them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List who makes and finalizes blocks, now and from the next sessions on.
    List,
    /// Have your own node (--node) make keys, and set them on chain: the first step of joining, and how keys
    /// are changed.
    SetKeys {
        /// The validator's account.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Name the validators, as the superuser of a development network. All need keys on chain.
    Set {
        /// The validators' addresses.
        #[arg(required = true, value_name = "ADDRESS")]
        validators: Vec<String>,
        /// The superuser.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Go. Your node has to stay until the list no longer names you.
    Leave {
        /// The validator's account.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    let chain = network.connect().await?;
    match command {
        Command::List => return list(&chain, output).await,
        Command::SetKeys { account } => {
            let account = context::account(&account)?;
            let new = chain.new_session_keys(&account.id()).await?;
            let transaction = Transaction::set_session_keys(&new);
            let included = chain.submit_final(&account, &transaction).await?;
            let keys = format!("0x{}", hex::encode(new.keys));
            let value = json!({ "keys": keys, "block": included.block });
            output.result(format!("keys set: {keys}"), &value);
        }
        Command::Set {
            validators,
            account,
        } => {
            let account = context::account(&account)?;
            let named: Vec<AccountId> = validators
                .iter()
                .map(|text| client::parse_address(text).map_err(anyhow::Error::msg))
                .collect::<Result<_>>()?;
            let transaction = Transaction::set_validators(&named)
                .as_superuser(&chain)
                .await?;
            let included = chain.submit_final(&account, &transaction).await?;
            let value = json!({ "validators": validators, "block": included.block });
            let text = format!(
                "{} validators named; they take over in two sessions",
                named.len()
            );
            output.result(text, &value);
        }
        Command::Leave { account } => {
            let account = context::account(&account)?;
            let included = chain
                .submit_final(&account, &Transaction::leave_validators())
                .await?;
            let value = json!({ "block": included.block });
            output.result(
                "you are out in two sessions; keep the node until then",
                &value,
            );
        }
    }
    Ok(())
}

async fn list(chain: &client::Chain, output: &Output) -> Result<()> {
    let validators = chain.validators().await?;
    let names = |of: &[AccountId]| of.iter().map(client::address).collect::<Vec<_>>();
    let mut lines = vec![
        format!("set      {}", validators.set_id),
        format!("session  {} blocks", validators.session_blocks),
    ];
    lines.extend(
        names(&validators.now)
            .into_iter()
            .map(|name| format!("now      {name}")),
    );
    lines.extend(
        names(&validators.queued)
            .into_iter()
            .map(|name| format!("next     {name}")),
    );
    let wanted = validators.wanted.as_deref();
    let wanted = wanted.map(names);
    lines.extend(
        wanted
            .iter()
            .flatten()
            .map(|name| format!("named    {name}")),
    );
    let value = json!({
        "setId": validators.set_id,
        "sessionBlocks": validators.session_blocks,
        "now": names(&validators.now),
        "next": names(&validators.queued),
        "named": wanted,
    });
    output.result(lines.join("\n"), &value);
    Ok(())
}
