//! `phat cluster`.

use crate::{
    context,
    output::{self, Output},
};
use anyhow::Result;
use chain_facts::{ClusterPermission, keys};
use clap::Subcommand;
use primitives::{ContractId, WorkerId};
use serde_json::json;

/// Look at clusters.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the clusters that the chain has.
    List,
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    let Command::List = command;
    let chain = network.connect().await?;
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for (id, info) in chain.clusters().await? {
        let workers: Vec<WorkerId> = chain
            .unproven("workers of a cluster", keys::cluster_workers(&id))
            .await?
            .unwrap_or_default();
        let contracts: Vec<ContractId> = chain
            .unproven("contracts of a cluster", keys::cluster_contracts(&id))
            .await?
            .unwrap_or_default();
        let entries: u64 =
            chain.unproven("mailbox", keys::inbox_next(&id)).await?.unwrap_or_default();
        let permission = match &info.permission {
            ClusterPermission::Public => "anybody".to_owned(),
            ClusterPermission::OnlyOwner(account) => client::address(account),
        };
        rows.push(vec![
            id.to_string(),
            workers.len().to_string(),
            contracts.len().to_string(),
            entries.to_string(),
            permission.clone(),
            client::address(&info.owner),
        ]);
        values.push(json!({
            "cluster": id,
            "owner": client::address(&info.owner),
            "deploys": permission,
            "workers": workers,
            "contracts": contracts,
            "mailboxEntries": entries,
            "gasPrice": info.gas_price.to_string(),
            "depositPerItem": info.deposit_per_item.to_string(),
            "depositPerByte": info.deposit_per_byte.to_string(),
        }));
    }
    let header = ["cluster", "workers", "contracts", "mailbox", "who deploys", "owner"];
    output.result(output::table(&header, &rows), &json!(values));
    Ok(())
}
