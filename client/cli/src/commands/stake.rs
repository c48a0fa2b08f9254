//! `phat stake`.

use crate::{context, output::Output};
use anyhow::{Result, ensure};
use chain_facts::keys;
use clap::Subcommand;
use client::Transaction;
use primitives::{Balance, ContractId, units};
use serde_json::json;

/// One weight for so much.
const PER_WEIGHT: Balance = units::PHA / 100;

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
    /// Show what is staked to a contract, and its share of the processor beside its cluster's others.
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
        Command::Show { contract, account } => show(network, output, &contract, account).await,
    }
}

/// The weight that a stake gives where no driver says otherwise.
fn weight(stake: Balance) -> u32 {
    u32::try_from(stake / PER_WEIGHT).unwrap_or(u32::MAX)
}

/// Parts in 1000 that one of `weights` gets when all compute at once: all that have none count together
/// as one of weight 1.
fn share_permille(own: u32, weights: impl Iterator<Item = u32> + Clone) -> u64 {
    let sum: u64 = weights.clone().map(u64::from).sum();
    let idle = weights.filter(|weight| *weight == 0).count() as u64;
    let sum = sum + u64::from(idle > 0);
    match own {
        0 => 1_000 / sum.max(1) / idle.max(1),
        own => u64::from(own) * 1_000 / sum.max(1),
    }
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
    let list = keys::cluster_contracts(&record.cluster);
    let contracts: Vec<ContractId> = chain
        .proven(&[list.clone()])
        .await?
        .read("contracts of a cluster", &list)?
        .unwrap_or_default();
    let own = account.map(|account| keys::contract_stake_of(&account.id(), contract));
    let others = contracts.iter().filter(|other| *other != contract);
    let stakes: Vec<_> = std::iter::once(contract).chain(others).map(keys::contract_stake).collect();
    // All of one block, in one proof.
    let wanted: Vec<_> = stakes.iter().chain(&own).cloned().collect();
    let proven = chain.proven(&wanted).await?;
    let staked = |key: &Vec<u8>| -> Result<Balance> {
        Ok(proven.read("a stake", key)?.unwrap_or_default())
    };
    let total = staked(&keys::contract_stake(contract))?;
    let weights = stakes
        .iter()
        .map(|key| staked(key).map(weight))
        .collect::<Result<Vec<u32>>>()?;
    let share = share_permille(weight(total), weights.iter().copied());
    let mut lines = vec![
        format!("staked  {} PHA", units::to_pha(total)),
        format!("weight  {}", weight(total)),
        format!(
            "share   {}.{} % of each worker when all {} contracts of the cluster compute at once",
            share / 10,
            share % 10,
            weights.len()
        ),
    ];
    let mut value = json!({
        "contract": contract,
        "stake": total.to_string(),
        "weight": weight(total),
        "sharePermille": share,
        "contracts": weights.len(),
    });
    if let Some(key) = own {
        let own = staked(&key)?;
        lines.insert(0, format!("yours   {} PHA", units::to_pha(own)));
        if let Some(value) = value.as_object_mut() {
            value.insert("yours".to_owned(), json!(own.to_string()));
        }
    }
    output.result(lines.join("\n"), &value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_a_pha_is_one_weight() {
        assert_eq!(weight(PER_WEIGHT - 1), 0);
        assert_eq!(weight(units::PHA), 100);
        assert_eq!(weight(Balance::MAX), u32::MAX);
    }

    #[test]
    fn shares_are_by_weight_and_who_has_none_shares_one() {
        let share = |own, weights: &[u32]| share_permille(own, weights.iter().copied());
        assert_eq!(share(300, &[300, 100]), 750);
        assert_eq!(share(100, &[300, 100]), 250);
        assert_eq!(share(99, &[99, 0, 0]), 990);
        assert_eq!(share(0, &[99, 0, 0]), 5);
        assert_eq!(share(0, &[0]), 1_000);
        assert_eq!(share(0, &[0, 0, 0, 0]), 250);
    }
}
