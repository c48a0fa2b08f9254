//! `phat pool`: stake pools, and what both kinds of pools have in common.

use crate::{
    context,
    output::{self, Output},
};
use anyhow::{Context as _, Result, bail, ensure};
use chain_facts::{Pool, PoolKind};
use clap::{Args, Subcommand};
use client::{Chain, PoolFacts, Position, Transaction};
use economics::Permill;
use primitives::{AccountId, Balance, WorkerId, units};
use serde_json::{Value, json};

/// Stake for workers together: owners run them, anybody delegates.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a stake pool; it costs the least balance of its account, 0.01 PHA, for good.
    Create {
        #[command(flatten)]
        sender: Sender,
    },
    /// List stake pools.
    List {
        /// Of this owner alone.
        #[arg(long, value_name = "ADDRESS")]
        owner: Option<String>,
        /// Those that this account has shares of.
        #[arg(long, value_name = "ADDRESS")]
        staker: Option<String>,
    },
    /// Show a pool: what it is worth, where its money is, who waits; and what an account has in it.
    Show {
        /// The pool.
        pool: u64,
        /// Whose part to show: an account of yours, or any address.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: Option<String>,
    },
    /// Give money to a pool, for shares of it.
    Delegate {
        /// The pool.
        pool: u64,
        /// How much, PHA.
        amount: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Ask for money back: how much in all is to leave, what waits already included.
    Withdraw {
        /// The pool.
        pool: u64,
        /// How much in all, PHA, or `all`.
        amount: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Take back all that you have asked for and not got yet.
    Cancel {
        /// The pool.
        pool: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Give shares to another account, worth so much.
    Transfer {
        /// The pool.
        pool: u64,
        /// How much, PHA, or `all`.
        amount: String,
        /// To whom.
        to: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Pay the owner's commission, by the owner.
    Claim {
        /// The pool.
        pool: u64,
        /// To whom; by default the owner.
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
        #[command(flatten)]
        sender: Sender,
    },
    /// Set what the owner takes of what the pool earns, by the owner: a higher one holds after a notice.
    SetCommission {
        /// The pool.
        pool: u64,
        /// Per cent, such as 12.5.
        percent: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Set the most that a pool may be worth by delegations, by the owner.
    SetCap {
        /// The pool.
        pool: u64,
        /// How much, PHA.
        amount: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Say what a pool is, by the owner.
    Describe {
        /// The pool.
        pool: u64,
        /// The text.
        text: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Let an account delegate, by the owner; the first one closes the pool to all others.
    Allow {
        /// The pool.
        pool: u64,
        /// Whom.
        staker: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Let an account delegate no more, by the owner; with the last one the pool is open to all.
    Disallow {
        /// The pool.
        pool: u64,
        /// Whom.
        staker: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Give a worker to a pool, by who owns the pool and operates the worker.
    AddWorker {
        /// The pool.
        pool: u64,
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Take a worker out of its pool, by the owner; nothing may be at stake for it.
    RemoveWorker {
        /// The pool.
        pool: u64,
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Put free money behind a worker, by the owner: it begins to earn.
    Start {
        /// The pool.
        pool: u64,
        /// The worker.
        worker: WorkerId,
        /// How much, PHA: phat worker score tells the bounds.
        stake: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Put more behind a worker that computes, by the owner.
    Raise {
        /// The pool.
        pool: u64,
        /// The worker.
        worker: WorkerId,
        /// How much in all, PHA.
        stake: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Stop a worker, by the owner: its stake cools down.
    Stop {
        /// The pool.
        pool: u64,
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Take a stake back that has cooled down; anybody may.
    Reclaim {
        /// The pool.
        pool: u64,
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Pay who waits, and have workers stopped for who has waited too long; anybody may.
    Check {
        /// The pool.
        pool: u64,
        #[command(flatten)]
        sender: Sender,
    },
}

/// Who sends a transaction.
#[derive(Clone, Debug, Args)]
pub struct Sender {
    /// The account that sends.
    #[arg(long = "as", value_name = "ACCOUNT")]
    pub account: String,
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    let chain = network.connect().await?;
    let send = async |sender: &Sender, transaction: Transaction, text: String, value: Value| {
        submit(&chain, output, sender, &transaction, text, value).await
    };
    match command {
        Command::Create { sender } => create(&chain, output, &sender, false).await,
        Command::List { owner, staker } => {
            list(&chain, output, false, owner.as_deref(), staker.as_deref()).await
        }
        Command::Show { pool, account } => show(&chain, output, pool, account.as_deref()).await,
        Command::Delegate { pool, amount, sender } => {
            let amount = pha(&amount)?;
            let text = format!("{} PHA delegated to pool {pool}", units::to_pha(amount));
            let value = json!({ "pool": pool, "amount": amount.to_string() });
            send(&sender, Transaction::contribute(pool, amount, None), text, value).await
        }
        Command::Withdraw { pool, amount, sender } => {
            withdraw(&chain, output, pool, &amount, &sender).await
        }
        Command::Cancel { pool, sender } => {
            let text = format!("nothing of yours waits in pool {pool} any more");
            send(&sender, Transaction::cancel_withdraw(pool, None), text, json!({ "pool": pool })).await
        }
        Command::Transfer { pool, amount, to, sender } => {
            transfer(&chain, output, pool, &amount, &to, &sender).await
        }
        Command::Claim { pool, to, sender } => claim(&chain, output, pool, to, &sender).await,
        Command::SetCommission { pool, percent, sender } => {
            set_commission(&chain, output, pool, &percent, &sender).await
        }
        Command::SetCap { pool, amount, sender } => {
            let cap = pha(&amount)?;
            let text = format!("pool {pool} takes delegations up to {} PHA", units::to_pha(cap));
            let value = json!({ "pool": pool, "cap": cap.to_string() });
            send(&sender, Transaction::set_pool_cap(pool, cap), text, value).await
        }
        Command::Describe { pool, text, sender } => {
            let told = format!("pool {pool} is described");
            let transaction = Transaction::describe_pool(pool, &text);
            send(&sender, transaction, told, json!({ "pool": pool, "description": text })).await
        }
        Command::Allow { pool, staker, sender } => {
            let staker = address(&staker)?;
            let text = format!("{} may delegate to pool {pool}", client::address(&staker));
            let value = json!({ "pool": pool, "allowed": client::address(&staker) });
            send(&sender, Transaction::allow_staker(pool, staker), text, value).await
        }
        Command::Disallow { pool, staker, sender } => {
            let staker = address(&staker)?;
            let text = format!("{} is off the list of pool {pool}", client::address(&staker));
            let value = json!({ "pool": pool, "disallowed": client::address(&staker) });
            send(&sender, Transaction::disallow_staker(pool, staker), text, value).await
        }
        Command::AddWorker { pool, worker, sender } => {
            let text = format!("worker {worker} belongs to pool {pool}");
            let transaction = Transaction::add_pool_worker(pool, worker);
            send(&sender, transaction, text, json!({ "pool": pool, "worker": worker })).await
        }
        Command::RemoveWorker { pool, worker, sender } => {
            let text = format!("worker {worker} belongs to pool {pool} no more");
            let transaction = Transaction::remove_pool_worker(pool, worker);
            send(&sender, transaction, text, json!({ "pool": pool, "worker": worker })).await
        }
        Command::Start { pool, worker, stake, sender } => {
            start(&chain, output, pool, worker, &stake, &sender).await
        }
        Command::Raise { pool, worker, stake, sender } => {
            let stake = pha(&stake)?;
            let text = format!("{} PHA are at stake for worker {worker}", units::to_pha(stake));
            let value = json!({ "pool": pool, "worker": worker, "stake": stake.to_string() });
            send(&sender, Transaction::restart_worker(pool, worker, stake), text, value).await
        }
        Command::Stop { pool, worker, sender } => stop(&chain, output, pool, worker, &sender).await,
        Command::Reclaim { pool, worker, sender } => {
            reclaim(&chain, output, pool, worker, &sender).await
        }
        Command::Check { pool, sender } => {
            let text = format!("the queue of pool {pool} was looked after");
            send(&sender, Transaction::check_queue(pool), text, json!({ "pool": pool })).await
        }
    }
}

/// Sends a transaction and tells what it did, with its block.
pub async fn submit(
    chain: &Chain,
    output: &Output,
    sender: &Sender,
    transaction: &Transaction,
    text: String,
    mut value: Value,
) -> Result<()> {
    let account = context::account(&sender.account)?;
    let included = chain.submit_final(&account, transaction).await?;
    if let Some(value) = value.as_object_mut() {
        value.insert("block".to_owned(), json!(included.block));
    }
    output.result(text, &value);
    Ok(())
}

/// An amount of PHA.
pub fn pha(text: &str) -> Result<Balance> {
    units::parse_pha(text).map_err(anyhow::Error::msg)
}

/// An address, or one of the user's own accounts by name.
pub fn address(text: &str) -> Result<AccountId> {
    client::parse_address(text).or_else(|error| {
        context::account_id(text).map_err(|_| anyhow::Error::msg(error))
    })
}

/// Makes a pool of either kind.
pub async fn create(chain: &Chain, output: &Output, sender: &Sender, vault: bool) -> Result<()> {
    let account = context::account(&sender.account)?;
    let (transaction, kind) = match vault {
        true => (Transaction::create_vault(), "vault"),
        false => (Transaction::create_pool(), "pool"),
    };
    let included = chain.submit_final(&account, &transaction).await?;
    let made = included.pool_created()?.context("the chain did not tell the pool's number")?;
    let next = match vault {
        true => format!("delegate to it with phat vault delegate {made}, then phat vault invest"),
        false => format!("give it workers with phat worker bind WORKER --pool {made}"),
    };
    let value = json!({ kind: made, "block": included.block });
    output.result(format!("{kind} {made} is made; {next}"), &value);
    Ok(())
}

/// Start, with the bounds of the stake in the way where it would be refused.
async fn start(
    chain: &Chain,
    output: &Output,
    pool: u64,
    worker: WorkerId,
    stake: &str,
    sender: &Sender,
) -> Result<()> {
    let stake = pha(stake)?;
    let (rules, mining) = (chain.mining_rules().await?, chain.worker_mining(&worker).await?);
    if let (Some(info), Some(benchmark)) = (&mining.info, &mining.benchmark) {
        let bounds = rules.stake_bounds(benchmark.score, info.confidence_level);
        ensure!(
            (bounds.least..=bounds.most).contains(&stake),
            "with its score of {} a worker takes a stake from {} to {} PHA",
            benchmark.score,
            units::to_pha(bounds.least),
            units::to_pha(bounds.most)
        );
    }
    let text = format!("worker {worker} computes with {} PHA at stake", units::to_pha(stake));
    let value = json!({ "pool": pool, "worker": worker, "stake": stake.to_string() });
    submit(chain, output, sender, &Transaction::start_worker(pool, worker, stake), text, value).await
}

/// Stops a worker, and tells for how long its stake cools down.
pub async fn stop(
    chain: &Chain,
    output: &Output,
    pool: u64,
    worker: WorkerId,
    sender: &Sender,
) -> Result<()> {
    let seconds = chain.mining_rules().await?.cool_down_seconds;
    let text = format!(
        "worker {worker} computes no more; its stake may be reclaimed in {}",
        duration(seconds)
    );
    let value = json!({ "pool": pool, "worker": worker, "coolDownSeconds": seconds });
    submit(chain, output, sender, &Transaction::stop_worker(pool, worker), text, value).await
}

/// Takes a stake back, and tells what came of it.
pub async fn reclaim(
    chain: &Chain,
    output: &Output,
    pool: u64,
    worker: WorkerId,
    sender: &Sender,
) -> Result<()> {
    let text = format!("the stake of worker {worker} is back in pool {pool}");
    let value = json!({ "pool": pool, "worker": worker });
    submit(chain, output, sender, &Transaction::reclaim_worker(pool, worker), text, value).await
}

/// What an account may withdraw or give away of a pool, as shares.
fn shares_of(position: &Position, amount: &str) -> Result<u128> {
    let own = &position.delegation;
    let movable = own.shares.saturating_sub(own.locked);
    if amount == "all" {
        return Ok(movable);
    }
    let shares = position.pool.shares_for(pha(amount)?);
    ensure!(
        shares <= movable,
        "that is more than the {} PHA that may leave; the rest is locked by votes",
        units::to_pha(position.pool.value_of(movable))
    );
    Ok(shares)
}

async fn withdraw(
    chain: &Chain,
    output: &Output,
    pool: u64,
    amount: &str,
    sender: &Sender,
) -> Result<()> {
    let account = context::account(&sender.account)?;
    let position = chain.position(pool, &account.id()).await?;
    ensure!(position.delegation.shares > 0, "you have no shares of pool {pool}");
    let shares = shares_of(&position, amount)?;
    let included = chain.submit_final(&account, &Transaction::withdraw(pool, shares, None)).await?;
    // What was not paid at once waits.
    let after = chain.position(pool, &account.id()).await?;
    let waits: u128 = after.waiting.iter().map(|waiting| waiting.shares).sum();
    let text = match waits {
        0 => format!("paid; what is left in pool {pool} is worth {} PHA", units::to_pha(after.value)),
        _ => format!(
            "{} PHA wait in the queue of pool {pool}: the pool has {} PHA free; phat pool check {pool} has workers stopped for who has waited too long",
            units::to_pha(after.pool.value_of(waits)),
            units::to_pha(after.pool.pool.free)
        ),
    };
    let value = json!({
        "pool": pool,
        "shares": shares.to_string(),
        "waitingShares": waits.to_string(),
        "value": after.value.to_string(),
        "block": included.block,
    });
    output.result(text, &value);
    Ok(())
}

async fn transfer(
    chain: &Chain,
    output: &Output,
    pool: u64,
    amount: &str,
    to: &str,
    sender: &Sender,
) -> Result<()> {
    let to = address(to)?;
    let account = context::account(&sender.account)?;
    let position = chain.position(pool, &account.id()).await?;
    let shares = match amount {
        "all" => {
            let own = &position.delegation;
            own.shares.saturating_sub(own.locked).saturating_sub(own.queued)
        }
        amount => shares_of(&position, amount)?,
    };
    let text = format!("{shares} shares of pool {pool} belong to {}", client::address(&to));
    let value =
        json!({ "pool": pool, "shares": shares.to_string(), "to": client::address(&to) });
    submit(chain, output, sender, &Transaction::transfer_shares(pool, to, shares), text, value).await
}

async fn claim(
    chain: &Chain,
    output: &Output,
    pool: u64,
    to: Option<String>,
    sender: &Sender,
) -> Result<()> {
    let account = context::account(&sender.account)?;
    let to = to.as_deref().map_or_else(|| Ok(account.id()), address)?;
    let facts = chain.pool(pool).await?;
    let PoolKind::StakePool { owner_rewards, .. } = facts.pool.kind else {
        bail!("{pool} is a vault: see phat vault claim");
    };
    let text = format!("{} PHA of commission paid", units::to_pha(owner_rewards));
    let value = json!({ "pool": pool, "amount": owner_rewards.to_string() });
    submit(chain, output, sender, &Transaction::claim_commission(pool, to), text, value).await
}

/// Sets a commission, and tells from when on it holds.
pub async fn set_commission(
    chain: &Chain,
    output: &Output,
    pool: u64,
    percent: &str,
    sender: &Sender,
) -> Result<()> {
    let commission = parse_percent(percent)?;
    let account = context::account(&sender.account)?;
    let transaction = Transaction::set_commission(pool, commission);
    let included = chain.submit_final(&account, &transaction).await?;
    let facts = chain.pool(pool).await?;
    let text = match facts.pool.raise {
        Some(raise) => format!(
            "a commission of {} is announced: it holds in {}",
            percent_of(raise.to),
            duration(raise.from.saturating_sub(facts.at_ms / 1_000))
        ),
        None => format!("the commission is {}", percent_of(facts.pool.commission)),
    };
    let value = json!({
        "pool": pool,
        "commissionPpm": facts.pool.commission.parts(),
        "announcedPpm": facts.pool.raise.map(|raise| raise.to.parts()),
        "block": included.block,
    });
    output.result(text, &value);
    Ok(())
}

/// Reads per cent, with up to four decimal places.
fn parse_percent(text: &str) -> Result<Permill> {
    let wrong = || format!("{text:?} is no percentage: write it like 12 or 12.5, at most 100");
    let (whole, part) = text.trim_end_matches('%').split_once('.').unwrap_or((text.trim_end_matches('%'), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(!whole.is_empty() && digits(whole) && digits(part) && part.len() <= 4, wrong());
    let parts: u32 = format!("{whole}{part:0<4}").parse().with_context(wrong)?;
    ensure!(parts <= 1_000_000, wrong());
    Ok(Permill::from_parts(parts))
}

/// A part as people write it.
pub fn percent_of(part: Permill) -> String {
    let parts = part.parts();
    let text = format!("{}.{:04}", parts / 10_000, parts % 10_000);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A time span as people say it.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Lists pools of one kind.
pub async fn list(
    chain: &Chain,
    output: &Output,
    vaults: bool,
    owner: Option<&str>,
    staker: Option<&str>,
) -> Result<()> {
    let owner = owner.map(address).transpose()?;
    let of_staker = match staker.map(address).transpose()? {
        Some(staker) => Some(chain.pools_of(&staker).await?),
        None => None,
    };
    let is_wanted = |(id, pool): &(u64, Pool)| {
        pool.is_vault() == vaults
            && owner.is_none_or(|owner| pool.owner == owner)
            && of_staker.as_ref().is_none_or(|of| of.contains(id))
    };
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for (id, pool) in chain.pools().await?.iter().filter(|pool| is_wanted(pool)) {
        let at_work = match pool.kind {
            PoolKind::StakePool { computing, .. } => units::to_pha(computing),
            PoolKind::Vault { .. } => "-".to_owned(),
        };
        rows.push(vec![
            id.to_string(),
            units::to_pha(pool.base.value()),
            units::to_pha(pool.free),
            at_work,
            percent_of(pool.commission),
            pool.queue.len.to_string(),
            client::address(&pool.owner),
        ]);
        values.push(pool_json(*id, pool, pool.base.value()));
    }
    let header = ["pool", "value", "free", "at work", "commission", "waiting", "owner"];
    output.result(output::table(&header, &rows), &json!(values));
    Ok(())
}

fn pool_json(id: u64, pool: &Pool, value: Balance) -> Value {
    let mut told = json!({
        "pool": id,
        "vault": pool.is_vault(),
        "owner": client::address(&pool.owner),
        "account": client::address(&pool.account),
        "value": value.to_string(),
        "shares": pool.base.shares().0.to_string(),
        "free": pool.free.to_string(),
        "commissionPpm": pool.commission.parts(),
        "waiting": pool.queue.len,
        "waitingShares": pool.queue.shares.to_string(),
    });
    let kind = match pool.kind {
        PoolKind::StakePool { cap, computing, cooling, owner_rewards } => json!({
            "cap": cap.map(|cap| cap.to_string()),
            "computing": computing.to_string(),
            "cooling": cooling.to_string(),
            "ownerRewards": owner_rewards.to_string(),
        }),
        PoolKind::Vault { owner_shares, locked, .. } => json!({
            "ownerShares": owner_shares.to_string(),
            "locked": locked,
        }),
    };
    if let (Some(told), Some(kind)) = (told.as_object_mut(), kind.as_object()) {
        told.extend(kind.clone());
    }
    told
}

/// Shows a pool of either kind; owner and delegator see the same.
pub async fn show(
    chain: &Chain,
    output: &Output,
    pool: u64,
    account: Option<&str>,
) -> Result<()> {
    let position = match account.map(address).transpose()? {
        Some(account) => Some(chain.position(pool, &account).await?),
        None => None,
    };
    let facts = match &position {
        Some(position) => position.pool.clone(),
        None => chain.pool(pool).await?,
    };
    let mut lines = pool_lines(&facts);
    let mut value = pool_json(pool, &facts.pool, facts.value);
    let income = income_of(chain, &facts).await?;
    if let Some(income) = income {
        lines.push(format!(
            "earns        {} PHA a day for its delegators, as things stand",
            units::to_pha(income)
        ));
    }
    if let Some(position) = &position {
        lines.extend(position_lines(position));
    }
    if let Some(value) = value.as_object_mut() {
        value.insert("description".to_owned(), json!(facts.description));
        value.insert("workers".to_owned(), json!(facts.workers));
        value.insert("pricePpm".to_owned(), json!(facts.price_ppm().map(|ppm| ppm.to_string())));
        value.insert("incomePerDay".to_owned(), json!(income.map(|income| income.to_string())));
        value.insert("yours".to_owned(), json!(position.as_ref().map(position_json)));
    }
    output.result(lines.join("\n"), &value);
    Ok(())
}

/// What the pool's workers earn for its delegators in a day; none for vaults.
async fn income_of(chain: &Chain, facts: &PoolFacts) -> Result<Option<Balance>> {
    if facts.pool.is_vault() {
        return Ok(None);
    }
    let rules = chain.mining_rules().await?;
    let mut sum: Balance = 0;
    for worker in &facts.workers {
        let income = chain.worker_mining(worker).await?.income(&rules);
        sum = sum.saturating_add(income.map_or(0, |income| income.per_day));
    }
    Ok(Some(sum.saturating_sub(facts.pool.commission.of(sum))))
}

fn pool_lines(facts: &PoolFacts) -> Vec<String> {
    let pool = &facts.pool;
    let price = facts.price_ppm().map_or_else(
        || "-".to_owned(),
        |ppm| format!("{}.{:06} PHA", ppm / 1_000_000, ppm % 1_000_000),
    );
    let mut lines = vec![
        format!("owner        {}", client::address(&pool.owner)),
        format!("worth        {} PHA, {price} a share", units::to_pha(facts.value)),
        format!("free         {} PHA", units::to_pha(pool.free)),
    ];
    match pool.kind {
        PoolKind::StakePool { cap, computing, cooling, owner_rewards } => {
            lines.push(format!("computing    {} PHA", units::to_pha(computing)));
            lines.push(format!("cooling      {} PHA", units::to_pha(cooling)));
            if let Some(cap) = cap {
                lines.push(format!("cap          {} PHA", units::to_pha(cap)));
            }
            lines.push(format!("unclaimed    {} PHA of commission", units::to_pha(owner_rewards)));
            lines.push(format!("workers      {}", facts.workers.len()));
            lines.extend(facts.workers.iter().map(|worker| format!("             {worker}")));
        }
        PoolKind::Vault { owner_shares, locked, .. } => {
            lines.push(format!("unclaimed    {owner_shares} shares of commission"));
            if locked {
                lines.push("locked       until everybody who waits is paid".to_owned());
            }
        }
    }
    let raise = pool.raise.map_or_else(String::new, |raise| {
        let left = raise.from.saturating_sub(facts.at_ms / 1_000);
        format!("; {} in {}", percent_of(raise.to), duration(left))
    });
    lines.push(format!("commission   {}{raise}", percent_of(pool.commission)));
    lines.push(format!(
        "waiting      {} requests, {} PHA",
        pool.queue.len,
        units::to_pha(facts.value_of(pool.queue.shares))
    ));
    if let Some(list) = &facts.whitelist {
        lines.push(format!("closed       to all but the owner and {} accounts", list.len()));
    }
    if let Some(text) = &facts.description {
        lines.push(format!("says         {}", text.escape_debug()));
    }
    lines
}

fn position_lines(position: &Position) -> Vec<String> {
    let mut lines = vec![format!(
        "yours        {} PHA, {} shares",
        units::to_pha(position.value),
        position.delegation.shares
    )];
    if position.delegation.locked > 0 {
        lines.push(format!(
            "locked       {} PHA by votes",
            units::to_pha(position.pool.value_of(position.delegation.locked))
        ));
    }
    let now = position.pool.at_ms / 1_000;
    lines.extend(position.waiting.iter().map(|waiting| {
        format!(
            "yours waits  {} PHA, since {}",
            units::to_pha(position.pool.value_of(waiting.shares)),
            duration(now.saturating_sub(waiting.since))
        )
    }));
    lines
}

fn position_json(position: &Position) -> Value {
    let waiting: Vec<Value> = position
        .waiting
        .iter()
        .map(|waiting| json!({ "shares": waiting.shares.to_string(), "since": waiting.since }))
        .collect();
    json!({
        "value": position.value.to_string(),
        "shares": position.delegation.shares.to_string(),
        "queued": position.delegation.queued.to_string(),
        "locked": position.delegation.locked.to_string(),
        "waiting": waiting,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_and_written() {
        for (text, parts, back) in
            [("12", 120_000, "12 %"), ("12.5", 125_000, "12.5 %"), ("0", 0, "0 %"), ("100%", 1_000_000, "100 %"), ("0.0001", 1, "0.0001 %")]
        {
            let read = parse_percent(text).unwrap();
            assert_eq!((read.parts(), percent_of(read).as_str()), (parts, back));
        }
        for wrong in ["", "100.1", "-1", "1.00001", "a", ".5"] {
            assert!(parse_percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_said_in_the_unit_that_fits() {
        let said = [90, 600, 7_200, 604_800].map(duration);
        assert_eq!(said, ["90 s", "10 min", "2 h", "7 days"]);
    }
}
