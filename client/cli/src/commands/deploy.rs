//! `phat deploy`.

use crate::{context, output::Output};
use anyhow::Result;
use clap::Args;
use primitives::ClusterId;
use serde_json::json;
use std::path::PathBuf;

/// Deploy a contract: upload its code, run its constructor on every worker of the cluster.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The .contract file.
    file: PathBuf,
    /// The constructor.
    #[arg(long, default_value = "new", value_name = "NAME")]
    constructor: String,
    /// Its arguments, as people write them: true, 42, "text", 45R…, JSON for compound values.
    #[arg(allow_negative_numbers = true)]
    arguments: Vec<String>,
    /// The account that deploys and pays.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: String,
    /// The cluster; by default the network's only one.
    #[arg(long)]
    cluster: Option<ClusterId>,
}

pub async fn run(
    arguments: &Arguments,
    network: &context::Network,
    output: &Output,
) -> Result<()> {
    // All that can be wrong with the file and the arguments is found before anything is sent.
    let (contract, bytes) = context::read_contract(&arguments.file)?;
    let constructor = contract.constructor(&arguments.constructor)?;
    let input = contract.encode(constructor, &arguments.arguments)?;
    let account = context::account(&arguments.account)?;
    let chain = network.connect().await?;
    let cluster = network.cluster(&chain, arguments.cluster).await?;
    let mut workers = network.workers(&chain, &cluster).await?;
    let deployed = client::deploy(
        &chain,
        &mut workers,
        &account,
        cluster,
        &contract,
        constructor,
        input,
        &mut |text| output.progress(text),
    )
    .await?;
    network.keep_metadata(&chain.genesis(), &deployed.contract, &bytes)?;
    output.result(
        format!(
            "contract   {}\ncode hash  {}\ncluster    {cluster}\ngas        {}",
            deployed.contract, contract.code_hash, deployed.gas_consumed
        ),
        &json!({
            "contract": deployed.contract,
            "codeHash": contract.code_hash,
            "cluster": cluster,
            "block": deployed.block,
            "gasConsumed": deployed.gas_consumed,
        }),
    );
    Ok(())
}
