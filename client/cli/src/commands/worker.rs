//! `phat worker`.

use super::{
    mine,
    pool::Sender,
};
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
use std::process::ExitCode;

/// A check failed.
const CHECK_FAILED: u8 = 3;

/// Look at workers, say whom yours may serve, and let them earn.
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
    /// Show a worker's benchmark, and how much may be staked for it.
    Score {
        /// The worker.
        worker: WorkerId,
    },
    /// Show what a worker earns in a day, and why.
    Income {
        /// The worker.
        worker: WorkerId,
    },
    /// Find out what keeps a worker from earning, and what to do about it; exits with 3 where something is wrong.
    Doctor {
        /// The worker.
        worker: WorkerId,
    },
    /// Give a worker to a pool, by who owns the pool and operates the worker.
    Bind {
        /// The worker.
        worker: WorkerId,
        /// The stake pool.
        #[arg(long)]
        pool: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Take a worker out of its pool, by its operator; or by the pool's owner, if nothing is at stake.
    Unbind {
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Put money of its pool behind a worker, or more than there is, by the pool's owner.
    Start {
        /// The worker.
        worker: WorkerId,
        /// How much in all, PHA: phat worker score tells the bounds.
        stake: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Stop a worker, by its pool's owner: its stake cools down.
    Stop {
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Take a worker's stake back that has cooled down; anybody may.
    Reclaim {
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Pay what the subsidy pool owes to a worker's pool; anybody may.
    ClaimOwed {
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
}

pub async fn run(
    command: Command,
    network: &context::Network,
    output: &Output,
) -> Result<ExitCode> {
    match command {
        Command::Doctor { worker } => {
            let chain = network.connect().await?;
            let healthy = mine::doctor(&chain, output, &worker).await?;
            return Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) });
        }
        Command::List => list(network, output).await,
        Command::Score { worker } => mine::score(&network.connect().await?, output, &worker).await,
        Command::Income { worker } => {
            mine::income(&network.connect().await?, output, &worker).await
        }
        Command::Bind { worker, pool, sender } => {
            mine::bind(&network.connect().await?, output, worker, pool, &sender).await
        }
        Command::Unbind { worker, sender } => {
            mine::unbind(&network.connect().await?, output, worker, &sender).await
        }
        Command::Start { worker, stake, sender } => {
            mine::start(&network.connect().await?, output, worker, &stake, &sender).await
        }
        Command::Stop { worker, sender } => {
            mine::stop(&network.connect().await?, output, worker, &sender).await
        }
        Command::Reclaim { worker, sender } => {
            mine::reclaim(&network.connect().await?, output, worker, &sender).await
        }
        Command::ClaimOwed { worker, sender } => {
            mine::claim_owed(&network.connect().await?, output, worker, &sender).await
        }
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
    }?;
    Ok(ExitCode::SUCCESS)
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
