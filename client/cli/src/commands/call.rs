//! `phat call`.

use crate::{context, output::Output};
use anyhow::{Result, bail};
use clap::Args;
use client::CommandOptions;
use primitives::{Balance, ContractId, units};
use serde_json::json;
use std::path::PathBuf;

/// Send a sealed command to a contract, and wait for its outcome.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The contract.
    contract: ContractId,
    /// The message.
    message: String,
    /// Its arguments, as people write them: true, 42, "text", 45R…, JSON for compound values.
    #[arg(allow_negative_numbers = true)]
    arguments: Vec<String>,
    /// The account that sends and pays.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: String,
    /// PHA to transfer to the contract, from the account's balance in the cluster.
    #[arg(long, value_name = "PHA", default_value = "0", value_parser = amount)]
    transfer: Balance,
    /// Most gas to pay for, as phat query --estimate tells; by default the most that there is.
    #[arg(long, value_name = "GAS", default_value_t = 0)]
    gas_limit: u64,
    /// Most PHA to deposit for storage; by default what the balance allows.
    #[arg(long, value_name = "PHA", value_parser = amount)]
    deposit_limit: Option<Balance>,
    /// The contract's .contract file, if it was not deployed from here.
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
}

pub async fn run(
    arguments: &Arguments,
    network: &context::Network,
    output: &Output,
) -> Result<()> {
    let account = context::account(&arguments.account)?;
    let chain = network.connect().await?;
    let id = arguments.contract;
    let contract = network.metadata(&chain.genesis(), &id, arguments.metadata.as_deref())?;
    let message = contract.message(&arguments.message)?;
    let input = contract.encode(message, &arguments.arguments)?;
    let mut workers = network.workers_of_contract(&chain, &id).await?;
    output.progress("sending the sealed command and waiting for its outcome");
    let options = CommandOptions {
        transfer: arguments.transfer,
        gas_limit: arguments.gas_limit,
        storage_deposit_limit: arguments.deposit_limit,
    };
    let done =
        client::command_with(&chain, &mut workers, &account, id, input, options).await?;
    let (flags, data) = match &done.outcome.result {
        Ok(returned) => returned,
        Err(reason) => bail!("{} did not run: {reason}", message.label),
    };
    let value = match contract.decode(message, data)? {
        client::Output::Value(value) if flags & 1 == 0 => value,
        client::Output::Value(error) | client::Output::Error(error) => {
            bail!("{} was refused by the contract: {error}", message.label)
        }
    };
    output.result(
        format!(
            "{value}\nmailbox number  {}\nblock           {}\ngas             {}",
            done.number, done.outcome.block_number, done.outcome.gas_consumed
        ),
        &json!({
            "value": value,
            "number": done.number,
            "block": done.block,
            "blockNumber": done.outcome.block_number,
            "gasConsumed": done.outcome.gas_consumed,
        }),
    );
    Ok(())
}

fn amount(text: &str) -> Result<Balance, String> {
    units::parse_pha(text)
}
