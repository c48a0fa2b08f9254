//! `phat contract`.

use crate::{
    context,
    output::{self, Output},
};
use anyhow::Result;
use chain_facts::keys;
use clap::Subcommand;
use primitives::{ClusterId, ContractId};
use serde_json::json;
use std::path::PathBuf;

/// Look at contracts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the contracts of a cluster.
    List {
        /// The cluster; by default the network's only one.
        #[arg(long)]
        cluster: Option<ClusterId>,
    },
    /// Show a contract: who deployed it, its keys, and its messages.
    Info {
        /// The contract.
        contract: ContractId,
        /// Its .contract file, if it was not deployed from here.
        #[arg(long, value_name = "FILE")]
        metadata: Option<PathBuf>,
    },
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    let chain = network.connect().await?;
    match command {
        Command::List { cluster } => {
            let cluster = network.cluster(&chain, cluster).await?;
            let contracts: Vec<ContractId> = chain
                .unproven("contracts of a cluster", keys::cluster_contracts(&cluster))
                .await?
                .unwrap_or_default();
            let mut rows = Vec::new();
            for id in &contracts {
                let name = network
                    .metadata(&chain.genesis(), id, None)
                    .map_or_else(|_| "-".to_owned(), |contract| contract.name);
                rows.push(vec![id.to_string(), name]);
            }
            output.result(output::table(&["contract", "name"], &rows), &json!(contracts));
            Ok(())
        }
        Command::Info { contract, metadata } => {
            let (record, key) = chain.contract(&contract).await?;
            let known =
                network.metadata(&chain.genesis(), &contract, metadata.as_deref()).ok();
            let mut text = format!(
                "contract  {contract}\ncluster   {}\ndeployer  {}\nkey       {}",
                record.cluster,
                client::address(&record.deployer),
                key.map_or_else(|| "none: its constructor failed or has not run".to_owned(), |key| {
                    key.to_string()
                }),
            );
            let mut messages = Vec::new();
            if let Some(known) = &known {
                text.push_str(&format!("\ncode      {}\nname      {}", known.code_hash, known.name));
                for message in known.messages() {
                    let kind = if message.mutates { "call " } else { "query" };
                    let signature = known.signature(message);
                    text.push_str(&format!("\n  {kind} {}({signature})", message.label));
                    messages.push(json!({
                        "name": message.label,
                        "mutates": message.mutates,
                        "arguments": signature,
                        "docs": message.docs,
                    }));
                }
            } else {
                text.push_str("\nits messages are not known here: name its file with --metadata");
            }
            output.result(
                text,
                &json!({
                    "contract": contract,
                    "cluster": record.cluster,
                    "deployer": client::address(&record.deployer),
                    "key": key,
                    "codeHash": known.as_ref().map(|known| known.code_hash),
                    "messages": messages,
                }),
            );
            Ok(())
        }
    }
}
