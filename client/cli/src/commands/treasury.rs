//! `phat treasury`.

use crate::{context, output::Output};
use anyhow::Result;
use clap::Subcommand;
use client::Transaction;
use primitives::{AccountId, units};
use serde_json::json;

/// Look at the treasury, and have it pay what was voted.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what it has, and what was voted and is to be paid.
    Show,
    /// Have an approved spend paid; anybody may ask for it. To propose one:
    /// phat vote propose small_spender Treasury.spend null AMOUNT BENEFICIARY null
    Payout {
        /// The spend's number.
        spend: u32,
        /// The account that asks for it and pays the fee.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
}

/// The account of `PalletId(*b"py/trsry")`: `modl`, the id, zeros.
fn treasury() -> AccountId {
    let mut bytes = [0; 32];
    bytes[..12].copy_from_slice(b"modlpy/trsry");
    AccountId(bytes)
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    let chain = network.connect().await?;
    match command {
        Command::Show => {
            let has = chain.free_balance(&treasury()).await?;
            let spends = chain.treasury_spends().await?;
            let mut lines = vec![format!(
                "treasury  {} PHA, at {}",
                units::to_pha(has),
                client::address(&treasury())
            )];
            for (index, spend) in &spends {
                lines.push(format!("spend {index}   {spend}"));
            }
            let spends: Vec<_> = spends
                .into_iter()
                .map(|(index, spend)| json!({ "spend": index, "record": spend }))
                .collect();
            let value = json!({
                "account": client::address(&treasury()),
                "balance": has.to_string(),
                "spends": spends,
            });
            output.result(lines.join("\n"), &value);
        }
        Command::Payout { spend, account } => {
            let account = context::account(&account)?;
            let included = chain.submit_final(&account, &Transaction::treasury_payout(spend)).await?;
            output.result(format!("spend {spend} is paid"), &json!({ "block": included.block }));
        }
    }
    Ok(())
}
