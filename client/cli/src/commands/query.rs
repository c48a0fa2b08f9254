//! `phat query`.

use crate::{context, output::Output};
use anyhow::{Context, Result, bail};
use clap::Args;
use client::{QueryOptions, WorkerError};
use primitives::{BlockNumber, ContractId, WorkerId};
use serde_json::json;
use std::{fs, path::PathBuf};

/// Ask a contract. The question and the answer are sealed between this program and the attested
/// worker.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The contract.
    contract: ContractId,
    /// The message.
    message: String,
    /// Its arguments, as people write them: true, 42, "text", 45R…, JSON for compound values.
    #[arg(allow_negative_numbers = true)]
    arguments: Vec<String>,
    /// The account that asks; without it nobody in particular does.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: Option<String>,
    /// The contract's .contract file, if it was not deployed from here.
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    /// The worker to ask; by default the first of the cluster that serves.
    #[arg(long)]
    worker: Option<WorkerId>,
    /// Answer only from a state at least as new as this final block.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    minimum_block: BlockNumber,
    /// Run it as a command would be, and tell what that would cost; nothing changes.
    #[arg(long, conflicts_with = "receipt")]
    estimate: bool,
    /// Write a receipt file, from which anybody can check the answer offline.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

pub async fn run(
    arguments: &Arguments,
    network: &context::Network,
    output: &Output,
) -> Result<()> {
    let account = arguments.account.as_deref().map(context::account).transpose()?;
    let chain = network.connect().await?;
    let id = arguments.contract;
    let contract = network.metadata(&chain.genesis(), &id, arguments.metadata.as_deref())?;
    let message = contract.message(&arguments.message)?;
    let input = contract.encode(message, &arguments.arguments)?;
    let (record, _) = chain.contract(&id).await?;
    let mut worker = network.worker(&chain, &record.cluster, arguments.worker.as_ref()).await?;
    let options = QueryOptions {
        minimum_block: arguments.minimum_block,
        receipt: arguments.receipt.is_some(),
        estimate: arguments.estimate,
    };
    let asked = worker.ask(account.as_ref(), client::call_request(id, input, options)).await?;
    if let Some(file) = &arguments.receipt
        && asked.reply.receipt.is_some()
    {
        output.progress("bundling the receipt with its proofs");
        let bundle = client::receipt::bundle(&chain, &worker, &asked).await?;
        fs::write(file, serde_json::to_vec_pretty(&bundle)?)
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    let answer = asked.reply.result.map_err(WorkerError::Query)?;
    let value = match contract.decode(message, &answer.data)? {
        client::Output::Value(value) if answer.flags & 1 == 0 => value,
        client::Output::Value(error) | client::Output::Error(error) => {
            bail!("{} was refused by the contract: {error}", message.label)
        }
    };
    let mut text = serde_json::to_string_pretty(&value)?;
    if arguments.estimate {
        text.push_str(&format!(
            "\ngas limit to give   {}\nstorage deposit     {} PHA",
            answer.gas_required,
            signed_pha(answer.storage_deposit),
        ));
    }
    output.result(
        text,
        &json!({
            "value": value,
            "worker": worker.worker(),
            "blockNumber": asked.reply.block_number,
            "blockHash": asked.reply.block_hash,
            "stateRoot": asked.reply.state_root,
            "gasConsumed": answer.gas_consumed,
            "gasRequired": answer.gas_required,
            "storageDeposit": answer.storage_deposit.to_string(),
            "receipt": arguments.receipt,
        }),
    );
    Ok(())
}

/// A deposit; below zero it comes back.
fn signed_pha(amount: i128) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}", primitives::units::to_pha(amount.unsigned_abs()))
}
