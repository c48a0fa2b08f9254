//! `phat worker`.

use crate::{
    context,
    output::{self, Output},
};
use anyhow::{Context as _, Result};
use chain_facts::WorkerOffer;
use clap::Subcommand;
use client::Transaction;
use primitives::{ClusterId, WorkerId};
use serde_json::json;

/// Look at workers, and say whom yours may serve.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the workers that the chain has.
    List,
    /// Say which cluster's owner may take a worker in, by the account that operates it.
    Offer {
        /// The worker.
        worker: WorkerId,
        /// A cluster, `anybody`, or `nobody`.
        to: String,
        /// The account that operates the worker.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Take a worker out of its cluster, by the account that operates it.
    Leave {
        /// The worker.
        worker: WorkerId,
        /// The account that operates the worker.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    match command {
        Command::List => list(network, output).await,
        Command::Offer { worker, to, account } => {
            let offer = parse_offer(&to)?;
            let account = context::account(&account)?;
            let chain = network.connect().await?;
            let transaction = Transaction::offer_worker(worker, offer);
            let included = chain.submit_final(&account, &transaction).await?;
            let value = json!({ "worker": worker, "offer": to, "block": included.block });
            output.result(format!("worker {worker} is offered to {to}"), &value);
            Ok(())
        }
        Command::Leave { worker, account } => {
            let account = context::account(&account)?;
            let chain = network.connect().await?;
            let included =
                chain.submit_final(&account, &Transaction::leave_cluster(worker)).await?;
            let value = json!({ "worker": worker, "block": included.block });
            output.result(format!("worker {worker} has left its cluster"), &value);
            Ok(())
        }
    }
}

fn parse_offer(to: &str) -> Result<WorkerOffer> {
    Ok(match to {
        "nobody" => WorkerOffer::Nobody,
        "anybody" => WorkerOffer::Anybody,
        cluster => WorkerOffer::Cluster(cluster.parse::<ClusterId>().ok().with_context(|| {
            format!("{cluster:?} is neither a cluster's id, nor anybody, nor nobody")
        })?),
    })
}

async fn list(network: &context::Network, output: &Output) -> Result<()> {
    let chain = network.connect().await?;
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for record in chain.workers().await? {
        let info = &record.info;
        let url = record.endpoints.first().cloned().unwrap_or_else(|| "-".to_owned());
        let said = match record.endpoints.first() {
            Some(url) => client::fetch_info(url).await.ok(),
            None => None,
        };
        let state = match &said {
            Some(said) if said.get("serving").is_some_and(|serving| !serving.is_null()) => "serving",
            Some(_) => "not serving",
            None if record.endpoints.is_empty() => "no endpoint",
            None => "unreachable",
        };
        let lapsed = info.expires_at_ms <= client::now_ms();
        rows.push(vec![
            info.worker.to_string(),
            format!("{:?}/{:?}", info.tee, info.root),
            info.confidence_level.to_string(),
            if lapsed { "lapsed".to_owned() } else { "active".to_owned() },
            state.to_owned(),
            url,
        ]);
        values.push(json!({
            "worker": info.worker,
            "tee": format!("{:?}", info.tee),
            "root": format!("{:?}", info.root),
            "tier": info.confidence_level,
            "measurement": info.measurement,
            "expiresAtMs": info.expires_at_ms,
            "active": !lapsed,
            "endpoints": record.endpoints,
            "state": state,
        }));
    }
    let header = ["worker", "tee/root", "tier", "registration", "state", "endpoint"];
    output.result(output::table(&header, &rows), &json!(values));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_a_cluster_or_a_word() {
        let id = ClusterId([3; 32]);
        assert_eq!(parse_offer(&id.to_string()).unwrap(), WorkerOffer::Cluster(id));
        assert_eq!(parse_offer("anybody").unwrap(), WorkerOffer::Anybody);
        assert_eq!(parse_offer("nobody").unwrap(), WorkerOffer::Nobody);
        let error = parse_offer("everybody").unwrap_err().to_string();
        assert!(error.contains("nor anybody"), "{error}");
    }
}
