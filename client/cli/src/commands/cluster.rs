//! `phat cluster`.

mod rotation;

use crate::{
    context,
    output::{self, Output},
};
use anyhow::{Context as _, Result, bail};
use chain_facts::{
    AgreedCheckpoint, Checkpoint, ClusterPermission, KeyRotation, Suspension, keys,
};
use clap::{Args, Subcommand, ValueEnum};
use client::{SystemContract, Transaction};
use primitives::{Balance, BlockNumber, ClusterId, ContractId, WorkerId, units};
use serde_json::json;
use wire::limits::ClusterLimits;

/// Look at clusters, and set what belongs to their owners.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the clusters that the chain has.
    List,
    /// Show what the workers of a cluster report, what they agree on, and who differs.
    Show {
        /// The cluster; by default the network's only one.
        #[arg(long)]
        cluster: Option<ClusterId>,
    },
    /// Take a worker into a cluster that its operator offers, by the cluster's owner.
    AddWorker {
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Let a worker of a cluster go, by the cluster's owner.
    RemoveWorker {
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Give a cluster other keys, by its owner: gatekeepers give its workers a new seed, and commands to the
    /// keys before open for some more blocks.
    RotateKeys {
        /// For how many blocks commands to the keys before open, 8 to 100800; by default 600.
        #[arg(long, value_name = "BLOCKS")]
        window: Option<BlockNumber>,
        /// Come back once the new keys are in use.
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        sender: Sender,
    },
    /// Show what an account has inside a cluster.
    Balance {
        /// The account: an address, or 32 bytes of hex; a contract's id too.
        account: String,
        /// The cluster; by default the network's only one.
        #[arg(long)]
        cluster: Option<ClusterId>,
    },
    /// Move PHA into a cluster, to pay for gas and storage there.
    Deposit {
        /// How much, PHA.
        amount: String,
        /// Whose balance grows; by default the sender's.
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
        #[command(flatten)]
        sender: Sender,
    },
    /// Show what the contracts of a cluster may use, or set some of it.
    Limits {
        /// The new limits, such as memory_pages=512; without any, the current ones are shown.
        #[arg(value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// The cluster's owner; needed to set.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: Option<String>,
        /// The cluster; by default the network's only one.
        #[arg(long)]
        cluster: Option<ClusterId>,
    },
    /// Show whether clients of the original network may ask a cluster's contracts, or set it.
    CompatibleEdge {
        /// `on` or `off`; without it, the current setting is shown.
        set: Option<Switch>,
        /// The cluster's owner; needed to set.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: Option<String>,
        /// The cluster; by default the network's only one.
        #[arg(long)]
        cluster: Option<ClusterId>,
    },
    /// Let a cluster's contracts hear of the ends of blocks, for their hooks.
    Hooks {
        /// Every how many'th block, or `off`.
        every: String,
        #[command(flatten)]
        sender: Sender,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// Who sends, and where to.
#[derive(Debug, Args)]
pub struct Sender {
    /// The account that signs.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: String,
    /// The cluster; by default the network's only one.
    #[arg(long)]
    cluster: Option<ClusterId>,
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    match command {
        Command::List => list(network, output).await,
        Command::Show { cluster } => show(network, output, cluster).await,
        Command::AddWorker { worker, sender } => {
            let account = context::account(&sender.account)?;
            let chain = network.connect().await?;
            let cluster = network.cluster(&chain, sender.cluster).await?;
            let transaction = Transaction::add_worker_to_cluster(cluster, worker);
            let included = chain.submit_final(&account, &transaction).await?;
            let value = json!({ "cluster": cluster, "worker": worker, "block": included.block });
            output.result(format!("worker {worker} joins cluster {cluster}"), &value);
            Ok(())
        }
        Command::RemoveWorker { worker, sender } => {
            let account = context::account(&sender.account)?;
            let chain = network.connect().await?;
            let cluster = network.cluster(&chain, sender.cluster).await?;
            let transaction = Transaction::remove_worker_from_cluster(cluster, worker);
            let included = chain.submit_final(&account, &transaction).await?;
            let value = json!({ "cluster": cluster, "worker": worker, "block": included.block });
            output.result(format!("worker {worker} has left cluster {cluster}"), &value);
            Ok(())
        }
        Command::RotateKeys { window, wait, sender } => {
            rotation::rotate(network, output, window, wait, &sender).await
        }
        Command::Balance { account, cluster } => balance(network, output, &account, cluster).await,
        Command::Deposit { amount, to, sender } => {
            let amount = units::parse_pha(&amount).map_err(anyhow::Error::msg)?;
            let account = context::account(&sender.account)?;
            let to = match to {
                Some(to) => client::parse_address(&to).map_err(anyhow::Error::msg)?,
                None => account.id(),
            };
            let chain = network.connect().await?;
            let cluster = network.cluster(&chain, sender.cluster).await?;
            let transaction = Transaction::transfer_to_cluster(amount, cluster, to);
            let included = chain.submit_final(&account, &transaction).await?;
            let text = format!("{} PHA moved to {}", units::to_pha(amount), client::address(&to));
            output.result(text, &json!({ "amount": amount.to_string(), "block": included.block }));
            Ok(())
        }
        Command::Limits { set, account, cluster } => {
            limits(network, output, &set, account.as_deref(), cluster).await
        }
        Command::CompatibleEdge { set, account, cluster } => {
            compatible_edge(network, output, set, account.as_deref(), cluster).await
        }
        Command::Hooks { every, sender } => {
            let every = match every.as_str() {
                "off" => None,
                number => Some(number.parse::<BlockNumber>().ok().filter(|n| *n > 0).with_context(
                    || format!("{number:?} is neither a number of blocks, at least 1, nor off"),
                )?),
            };
            let account = context::account(&sender.account)?;
            let chain = network.connect().await?;
            let cluster = network.cluster(&chain, sender.cluster).await?;
            let transaction = Transaction::set_block_hooks(cluster, every);
            let included = chain.submit_final(&account, &transaction).await?;
            let text = match every {
                Some(every) => format!("hooks run at the end of every {every}. block"),
                None => "hooks do not run".to_owned(),
            };
            output.result(text, &json!({ "every": every, "block": included.block }));
            Ok(())
        }
    }
}

async fn balance(
    network: &context::Network,
    output: &Output,
    account: &str,
    cluster: Option<ClusterId>,
) -> Result<()> {
    let account = client::parse_address(account).map_err(anyhow::Error::msg)?;
    let chain = network.connect().await?;
    let cluster = network.cluster(&chain, cluster).await?;
    let mut workers = network.workers(&chain, &cluster).await?;
    let balance = SystemContract::new(&mut workers, &cluster).balance_of(&account).await?;
    let value = json!({ "account": client::address(&account), "balance": balance.to_string() });
    output.result(format!("{} PHA", units::to_pha(balance)), &value);
    Ok(())
}

/// Reads and changes limits by name.
fn limit<'a>(limits: &'a mut ClusterLimits, name: &str) -> Option<&'a mut u32> {
    Some(match name {
        "memory_pages" => &mut limits.memory_pages,
        "code_bytes" => &mut limits.code_bytes,
        "query_ms" => &mut limits.query_ms,
        "http_batch" => &mut limits.http_batch,
        "http_body_bytes" => &mut limits.http_body_bytes,
        "cache_bytes" => &mut limits.cache_bytes,
        "log_bytes" => &mut limits.log_bytes,
        _ => return None,
    })
}

const LIMITS: [&str; 7] = [
    "memory_pages",
    "code_bytes",
    "query_ms",
    "http_batch",
    "http_body_bytes",
    "cache_bytes",
    "log_bytes",
];

fn change_limits(mut limits: ClusterLimits, set: &[String]) -> Result<ClusterLimits> {
    for change in set {
        let (name, value) = change
            .split_once('=')
            .with_context(|| format!("{change:?} is not NAME=VALUE, such as query_ms=20000"))?;
        let limit = limit(&mut limits, name).with_context(|| {
            format!("there is no limit {name:?}: there are {}", LIMITS.join(", "))
        })?;
        *limit = value.parse().with_context(|| format!("{value:?} is no number for {name}"))?;
    }
    for name in LIMITS {
        let value = |limits: ClusterLimits| limit(&mut { limits }, name).copied().unwrap_or_default();
        let (least, most) = (value(ClusterLimits::MIN), value(ClusterLimits::MAX));
        if !(least..=most).contains(&value(limits)) {
            bail!("{name} is {}: it can be from {least} to {most}", value(limits));
        }
    }
    Ok(limits)
}

async fn limits(
    network: &context::Network,
    output: &Output,
    set: &[String],
    account: Option<&str>,
    cluster: Option<ClusterId>,
) -> Result<()> {
    let chain = network.connect().await?;
    let cluster = network.cluster(&chain, cluster).await?;
    let key = keys::cluster_limits(&cluster);
    let current: ClusterLimits =
        chain.unproven("limits of a cluster", key).await?.unwrap_or_default();
    let mut limits = change_limits(current, set)?;
    if !set.is_empty() {
        let account = account.context("only the cluster's owner sets limits: name it with --as")?;
        let transaction = Transaction::set_cluster_limits(cluster, &limits);
        chain.submit_final(&context::account(account)?, &transaction).await?;
    }
    let mut value = serde_json::Map::new();
    let mut rows = Vec::new();
    for name in LIMITS {
        let current = limit(&mut limits, name).copied().unwrap_or_default();
        let most = limit(&mut ClusterLimits::MAX.clone(), name).copied().unwrap_or_default();
        rows.push(vec![name.to_owned(), current.to_string(), most.to_string()]);
        value.insert(name.to_owned(), json!(current));
    }
    output.result(output::table(&["limit", "now", "most"], &rows), &json!(value));
    Ok(())
}

async fn compatible_edge(
    network: &context::Network,
    output: &Output,
    set: Option<Switch>,
    account: Option<&str>,
    cluster: Option<ClusterId>,
) -> Result<()> {
    let chain = network.connect().await?;
    let cluster = network.cluster(&chain, cluster).await?;
    let open = match set {
        None => {
            let key = keys::compatible_edge_closed(&cluster);
            chain.unproven::<BlockNumber>("compatible edge of a cluster", key).await?.is_none()
        }
        Some(set) => {
            let account = account.context("only the cluster's owner sets it: name it with --as")?;
            let open = set == Switch::On;
            let transaction = Transaction::set_compatible_edge(cluster, open);
            chain.submit_final(&context::account(account)?, &transaction).await?;
            open
        }
    };
    let text = match open {
        true => "on: clients of the original network may ask; a worker's operator may refuse them",
        false => "off: only clients of protocol v1 are answered",
    };
    output.result(text.to_owned(), &json!({ "cluster": cluster, "open": open }));
    Ok(())
}

async fn list(network: &context::Network, output: &Output) -> Result<()> {
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
        let price = |amount: Balance| amount.to_string();
        values.push(json!({
            "cluster": id,
            "owner": client::address(&info.owner),
            "systemContract": ContractId(info.system_contract),
            "deploys": permission,
            "workers": workers,
            "contracts": contracts,
            "mailboxEntries": entries,
            "gasPrice": price(info.gas_price),
            "depositPerItem": price(info.deposit_per_item),
            "depositPerByte": price(info.deposit_per_byte),
        }));
    }
    let header = ["cluster", "workers", "contracts", "mailbox", "who deploys", "owner"];
    output.result(output::table(&header, &rows), &json!(values));
    Ok(())
}

/// How long ago a block was, in blocks.
fn age(now: BlockNumber, then: BlockNumber) -> String {
    match now.saturating_sub(then) {
        1 => "1 block ago".to_owned(),
        blocks => format!("{blocks} blocks ago"),
    }
}

async fn show(
    network: &context::Network,
    output: &Output,
    cluster: Option<ClusterId>,
) -> Result<()> {
    let chain = network.connect().await?;
    let cluster = network.cluster(&chain, cluster).await?;
    let now = chain.final_number().await?;
    let members = keys::cluster_workers(&cluster);
    let told: Vec<WorkerId> =
        chain.unproven("workers of a cluster", members.clone()).await?.unwrap_or_default();
    let mut wanted = vec![
        members.clone(),
        keys::agreed_checkpoint(&cluster),
        keys::inbox_first(&cluster),
        keys::inbox_next(&cluster),
        keys::cluster_rotation(&cluster),
    ];
    for worker in &told {
        wanted.push(keys::checkpoint(&cluster, worker));
        wanted.push(keys::suspension(&cluster, worker));
    }
    let proven = chain.proven(&wanted).await?;
    let workers: Vec<WorkerId> =
        proven.read("workers of a cluster", &members)?.unwrap_or_default();
    let agreed: Option<AgreedCheckpoint> =
        proven.read("agreed checkpoint", &keys::agreed_checkpoint(&cluster))?;
    let first: u64 = proven.read("mailbox", &keys::inbox_first(&cluster))?.unwrap_or_default();
    let next: u64 = proven.read("mailbox", &keys::inbox_next(&cluster))?.unwrap_or_default();
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for worker in &workers {
        let last: Option<Checkpoint> =
            proven.read("checkpoint", &keys::checkpoint(&cluster, worker))?;
        let suspension: Option<Suspension> =
            proven.read("suspension", &keys::suspension(&cluster, worker))?;
        let [number, root, when] = match &last {
            Some(last) => [
                last.next_number.to_string(),
                last.state_root.to_string(),
                age(now, last.reported_at),
            ],
            None => ["-", "-", "never"].map(str::to_owned),
        };
        let state = match &suspension {
            Some(suspension) => format!("suspended {}", age(now, suspension.since)),
            None if last.is_none() => "joining".to_owned(),
            None => "in agreement".to_owned(),
        };
        rows.push(vec![worker.to_string(), number, root, when, state]);
        values.push(json!({
            "worker": worker,
            "report": last.map(|last| json!({
                "nextNumber": last.next_number,
                "stateRoot": last.state_root,
                "reportedAt": last.reported_at,
            })),
            "suspension": suspension.map(|suspension| json!({
                "nextNumber": suspension.next_number,
                "reported": suspension.reported,
                "agreed": suspension.agreed,
                "since": suspension.since,
            })),
        }));
    }
    let head = match &agreed {
        Some(agreed) => format!(
            "agreed after entry {}: {} ({})",
            agreed.next_number,
            agreed.state_root,
            age(now, agreed.agreed_at)
        ),
        None => "the workers have not agreed on a state".to_owned(),
    };
    let mailbox = format!("mailbox: entries {first} to {next} are kept");
    let seeds: KeyRotation = proven
        .read("keys of a cluster", &keys::cluster_rotation(&cluster))?
        .unwrap_or_default();
    let in_use = rotation::describe(&seeds, now);
    let header = ["worker", "entries", "state root", "reported", "state"];
    let table = output::table(&header, &rows);
    let value = json!({
        "cluster": cluster,
        "block": now,
        "agreed": agreed.map(|agreed| json!({
            "nextNumber": agreed.next_number,
            "stateRoot": agreed.state_root,
            "agreedAt": agreed.agreed_at,
        })),
        "mailbox": { "first": first, "next": next },
        "keys": rotation::value(&seeds),
        "workers": values,
    });
    output.result(format!("{head}\n{mailbox}\n{in_use}\n{table}"), &value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_changed_by_name_within_their_bounds() {
        let change = |text: &str| change_limits(ClusterLimits::DEFAULT, &[text.to_owned()]);
        assert_eq!(change("query_ms=20000").unwrap().query_ms, 20_000);
        for (wrong, reason) in [
            ("query_ms", "NAME=VALUE"),
            ("speed=3", "there are memory_pages"),
            ("query_ms=fast", "no number"),
            ("query_ms=1", "from 100 to 120000"),
            ("memory_pages=99999", "from 16 to 1024"),
        ] {
            let error = change(wrong).unwrap_err().to_string();
            assert!(error.contains(reason), "{wrong}: {error}");
        }
    }
}
