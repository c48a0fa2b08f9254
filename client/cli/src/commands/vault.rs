//! `phat vault`: pools that put their money into stake pools which their owners choose.

use super::pool::{self, Sender, pha};
use crate::{context, output::Output};
use anyhow::{Result, bail, ensure};
use chain_facts::PoolKind;
use clap::Subcommand;
use client::{Chain, Transaction};
use primitives::units;
use serde_json::json;

/// Delegate to somebody who chooses stake pools for you.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a vault; it costs the least balance of its account, 0.01 PHA, for good.
    Create {
        #[command(flatten)]
        sender: Sender,
    },
    /// List vaults.
    List {
        /// Of this owner alone.
        #[arg(long, value_name = "ADDRESS")]
        owner: Option<String>,
        /// Those that this account has shares of.
        #[arg(long, value_name = "ADDRESS")]
        staker: Option<String>,
    },
    /// Show a vault, and what an account has in it.
    Show {
        /// The vault.
        vault: u64,
        /// Whose part to show: an account of yours, or any address.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: Option<String>,
    },
    /// Give money to a vault, for shares of it.
    Delegate {
        /// The vault.
        vault: u64,
        /// How much, PHA.
        amount: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Ask for money back: how much in all is to leave, what waits already included.
    Withdraw {
        /// The vault.
        vault: u64,
        /// How much in all, PHA, or `all`.
        amount: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Put a vault's free money into a stake pool, by the vault's owner.
    Invest {
        /// The vault.
        vault: u64,
        /// The stake pool.
        pool: u64,
        /// How much, PHA.
        amount: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Ask a stake pool for the vault's money back, by the vault's owner: how much in all is to leave.
    Divest {
        /// The vault.
        vault: u64,
        /// The stake pool.
        pool: u64,
        /// How much in all, PHA, or `all`.
        amount: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Turn the owner's commission, in shares, into a delegation, by the owner.
    Claim {
        /// The vault.
        vault: u64,
        /// Whose delegation; by default the owner's.
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
        #[command(flatten)]
        sender: Sender,
    },
    /// Bring a vault's value up to date; anybody may.
    Settle {
        /// The vault.
        vault: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Set what the owner takes of what the vault gains, by the owner: a higher one holds after a notice.
    SetCommission {
        /// The vault.
        vault: u64,
        /// Per cent, such as 12.5.
        percent: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Pay who waits, and have stake pools asked for who has waited too long; anybody may.
    Check {
        /// The vault.
        vault: u64,
        #[command(flatten)]
        sender: Sender,
    },
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    // What both kinds have in common is there once.
    let shared = async |command| pool::run(command, network, output).await;
    match command {
        Command::Delegate { vault, amount, sender } => {
            shared(pool::Command::Delegate { pool: vault, amount, sender }).await
        }
        Command::Withdraw { vault, amount, sender } => {
            shared(pool::Command::Withdraw { pool: vault, amount, sender }).await
        }
        Command::SetCommission { vault, percent, sender } => {
            shared(pool::Command::SetCommission { pool: vault, percent, sender }).await
        }
        Command::Check { vault, sender } => {
            shared(pool::Command::Check { pool: vault, sender }).await
        }
        Command::Show { vault, account } => {
            shared(pool::Command::Show { pool: vault, account }).await
        }
        Command::Create { sender } => {
            pool::create(&network.connect().await?, output, &sender, true).await
        }
        Command::List { owner, staker } => {
            let chain = network.connect().await?;
            pool::list(&chain, output, true, owner.as_deref(), staker.as_deref()).await
        }
        Command::Invest { vault, pool, amount, sender } => {
            let amount = pha(&amount)?;
            let transaction = Transaction::contribute(pool, amount, Some(vault));
            let text = format!("vault {vault} put {} PHA into pool {pool}", units::to_pha(amount));
            let value = json!({ "vault": vault, "pool": pool, "amount": amount.to_string() });
            let chain = network.connect().await?;
            pool::submit(&chain, output, &sender, &transaction, text, value).await
        }
        Command::Divest { vault, pool, amount, sender } => {
            let chain = network.connect().await?;
            divest(&chain, output, (vault, pool), &amount, &sender).await
        }
        Command::Claim { vault, to, sender } => {
            claim(&network.connect().await?, output, vault, to, &sender).await
        }
        Command::Settle { vault, sender } => {
            let text = format!("the value of vault {vault} is up to date");
            let transaction = Transaction::settle_vault(vault);
            let chain = network.connect().await?;
            pool::submit(&chain, output, &sender, &transaction, text, json!({ "vault": vault })).await
        }
    }
}

async fn divest(
    chain: &Chain,
    output: &Output,
    (vault, pool): (u64, u64),
    amount: &str,
    sender: &Sender,
) -> Result<()> {
    let account = chain.pool(vault).await?.pool.account;
    let position = chain.position(pool, &account).await?;
    let shares = match amount {
        "all" => position.delegation.shares,
        amount => position.pool.shares_for(pha(amount)?),
    };
    ensure!(
        shares > 0 && shares <= position.delegation.shares,
        "vault {vault} has {} PHA in pool {pool}",
        units::to_pha(position.value)
    );
    let transaction = Transaction::withdraw(pool, shares, Some(vault));
    let text = format!("vault {vault} asked pool {pool} for what {shares} shares are worth");
    let value = json!({ "vault": vault, "pool": pool, "shares": shares.to_string() });
    pool::submit(chain, output, sender, &transaction, text, value).await
}

async fn claim(
    chain: &Chain,
    output: &Output,
    vault: u64,
    to: Option<String>,
    sender: &Sender,
) -> Result<()> {
    let account = context::account(&sender.account)?;
    let to = to.as_deref().map_or_else(|| Ok(account.id()), pool::address)?;
    let facts = chain.pool(vault).await?;
    let PoolKind::Vault { owner_shares, .. } = facts.pool.kind else {
        bail!("{vault} is a stake pool: see phat pool claim");
    };
    ensure!(owner_shares > 0, "no commission waits to be claimed; phat vault settle may find some");
    let transaction = Transaction::claim_owner_shares(vault, to, owner_shares);
    let text = format!("{owner_shares} shares of vault {vault} are {}'s now", client::address(&to));
    let value = json!({ "vault": vault, "shares": owner_shares.to_string() });
    pool::submit(chain, output, sender, &transaction, text, value).await
}
