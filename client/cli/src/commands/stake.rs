//! `phat stake`.

use crate::{context, output::Output};
use anyhow::{Result, ensure};
use chain_facts::keys;
use clap::Subcommand;
use client::{Chain, Estimate, Share, Transaction, WorkerLoad, estimate, fetch_load};
use primitives::{Balance, ClusterId, ContractId, units};
use serde_json::json;

/// Pay for computing by staking: the money stays yours, and comes back whole.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set what you have staked to a contract, in all; 0 takes it back at once.
    Set {
        /// The contract; anybody's.
        contract: ContractId,
        /// How much in all, PHA: 0, or at least 1.
        amount: String,
        /// The account that stakes.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Tell what a stake would give: queries a second, share of the processors, how long a query takes.
    Estimate {
        /// The contract.
        #[arg(long)]
        contract: ContractId,
        /// How much would be staked to it in all, PHA.
        #[arg(long)]
        amount: String,
        /// Processor time of one query, milliseconds, where no worker knows it yet: they do after 64.
        #[arg(long, value_name = "MILLISECONDS")]
        query_ms: Option<f64>,
    },
    /// Show what is staked to a contract, and what that gives it now beside its cluster's others.
    Show {
        /// The contract.
        contract: ContractId,
        /// Shows this account's part too.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: Option<String>,
    },
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    match command {
        Command::Set { contract, amount, account } => {
            let amount = units::parse_pha(&amount).map_err(anyhow::Error::msg)?;
            ensure!(
                amount == 0 || amount >= units::PHA,
                "a stake is at least 1 PHA; 0 takes it back"
            );
            let account = context::account(&account)?;
            let chain = network.connect().await?;
            if amount > 0 {
                chain.contract(&contract).await?;
            }
            let transaction = Transaction::adjust_stake(contract, amount);
            let included = chain.submit_final(&account, &transaction).await?;
            let text = match amount {
                0 => format!("nothing is staked to {contract} any more"),
                _ => format!("{} PHA staked to {contract}", units::to_pha(amount)),
            };
            let value = json!({
                "contract": contract,
                "stake": amount.to_string(),
                "block": included.block,
            });
            output.result(text, &value);
            Ok(())
        }
        Command::Estimate { contract, amount, query_ms } => {
            let amount = units::parse_pha(&amount).map_err(anyhow::Error::msg)?;
            let query_ns = query_ms.map(nanoseconds).transpose()?;
            tell(network, output, &contract, amount, query_ns).await
        }
        Command::Show { contract, account } => show(network, output, &contract, account).await,
    }
}

fn nanoseconds(milliseconds: f64) -> Result<u64> {
    ensure!(
        milliseconds.is_finite() && milliseconds > 0.0 && milliseconds <= 120_000.0,
        "a query takes more than 0 and at most 120000 ms"
    );
    Ok((milliseconds * 1e6) as u64)
}

/// The contracts of a cluster, by the node's word but for those that are staked to.
async fn others(chain: &Chain, cluster: &ClusterId, contract: &ContractId) -> Result<Vec<ContractId>> {
    let list = keys::cluster_contracts(cluster);
    let mut contracts: Vec<ContractId> = chain
        .proven(&[list.clone()])
        .await?
        .read("contracts of a cluster", &list)?
        .unwrap_or_default();
    contracts.retain(|other| other != contract);
    Ok(contracts)
}

/// What the cluster's workers tell of themselves and the contract.
async fn loads(chain: &Chain, cluster: &ClusterId, contract: &ContractId) -> Result<Vec<WorkerLoad>> {
    let mut loads = Vec::new();
    for worker in chain.cluster_workers(cluster).await? {
        for url in &worker.endpoints {
            if let Ok(load) = fetch_load(url, contract).await {
                loads.push(load);
                break;
            }
        }
    }
    Ok(loads)
}

async fn tell(
    network: &context::Network,
    output: &Output,
    contract: &ContractId,
    amount: Balance,
    query_ns: Option<u64>,
) -> Result<()> {
    let chain = network.connect().await?;
    let (record, _) = chain.contract(contract).await?;
    let others = others(&chain, &record.cluster, contract).await?;
    // The own one is there so that something is asked for.
    let wanted: Vec<_> =
        others.iter().chain([contract]).map(keys::contract_stake).collect();
    let proven = chain.proven(&wanted).await?;
    let stakes = wanted[..others.len()]
        .iter()
        .map(|key| Ok(proven.read("a stake", key)?.unwrap_or_default()))
        .collect::<Result<Vec<Balance>>>()?;
    let share = Share::of(amount, stakes.into_iter());
    let loads = loads(&chain, &record.cluster, contract).await?;
    let expected = estimate(&share, &loads, query_ns);
    let mut lines = vec![
        format!("staked   {} PHA would be a weight of {}", units::to_pha(amount), share.weight),
        share_line(&share, others.len() + 1),
    ];
    lines.extend(expected_lines(expected.as_ref(), loads.len()));
    let value = json!({
        "contract": contract,
        "stake": amount.to_string(),
        "weight": share.weight,
        "sharePpm": share.ppm(),
        "contracts": others.len() + 1,
        "expected": expected.as_ref().map(expected_json),
    });
    output.result(lines.join("\n"), &value);
    Ok(())
}

fn share_line(share: &Share, contracts: usize) -> String {
    let ppm = share.ppm();
    format!(
        "share    {}.{:02} % of each worker when all {contracts} contracts of the cluster compute at once; what they leave, besides",
        ppm / 10_000,
        ppm / 100 % 100
    )
}

/// What to expect, or what is missing to tell it.
fn expected_lines(expected: Option<&Estimate>, told: usize) -> Vec<String> {
    let milliseconds = |us: u64| format!("{}.{:02} ms", us / 1_000, us / 10 % 100);
    match expected {
        Some(expected) => vec![
            format!(
                "queries  {} a second when all compute, {} when no other does, by {} workers together",
                expected.per_second_busy, expected.per_second_alone, expected.workers
            ),
            format!(
                "latency  {} alone, {} when all compute; the network's time is not in it",
                milliseconds(expected.latency_alone_us),
                milliseconds(expected.latency_busy_us)
            ),
        ],
        None if told == 0 => vec!["queries  no worker of the cluster can be reached".to_owned()],
        None => vec![
            "queries  not known yet what one costs: ask the contract 64 times, or name it with --query-ms"
                .to_owned(),
        ],
    }
}

fn expected_json(expected: &Estimate) -> serde_json::Value {
    json!({
        "perSecondBusy": expected.per_second_busy,
        "perSecondAlone": expected.per_second_alone,
        "latencyAloneUs": expected.latency_alone_us,
        "latencyBusyUs": expected.latency_busy_us,
        "workers": expected.workers,
    })
}

async fn show(
    network: &context::Network,
    output: &Output,
    contract: &ContractId,
    account: Option<String>,
) -> Result<()> {
    let chain = network.connect().await?;
    let account = account.as_deref().map(context::account).transpose()?;
    let (record, _) = chain.contract(contract).await?;
    let others = others(&chain, &record.cluster, contract).await?;
    let own = account.map(|account| keys::contract_stake_of(&account.id(), contract));
    let stakes: Vec<_> = others.iter().map(keys::contract_stake).collect();
    // All of one block, in one proof.
    let total = keys::contract_stake(contract);
    let wanted: Vec<_> = stakes.iter().chain(&own).chain([&total]).cloned().collect();
    let proven = chain.proven(&wanted).await?;
    let staked = |key: &Vec<u8>| -> Result<Balance> {
        Ok(proven.read("a stake", key)?.unwrap_or_default())
    };
    let total = staked(&total)?;
    let stakes = stakes.iter().map(staked).collect::<Result<Vec<Balance>>>()?;
    let share = Share::of(total, stakes.into_iter());
    let loads = loads(&chain, &record.cluster, contract).await?;
    let expected = estimate(&share, &loads, None);
    let mut lines = vec![
        format!("staked   {} PHA", units::to_pha(total)),
        format!("weight   {}", share.weight),
        share_line(&share, others.len() + 1),
    ];
    lines.extend(expected_lines(expected.as_ref(), loads.len()));
    let mut value = json!({
        "contract": contract,
        "stake": total.to_string(),
        "weight": share.weight,
        "sharePermille": share.ppm() / 1_000,
        "contracts": others.len() + 1,
        "expected": expected.as_ref().map(expected_json),
    });
    if let Some(key) = own {
        let own = staked(&key)?;
        lines.insert(0, format!("yours    {} PHA", units::to_pha(own)));
        if let Some(value) = value.as_object_mut() {
            value.insert("yours".to_owned(), json!(own.to_string()));
        }
    }
    output.result(lines.join("\n"), &value);
    Ok(())
}
