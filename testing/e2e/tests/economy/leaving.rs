//! A delegator leaves: the queue, the workers that are stopped for it, and every unit.

use crate::{
    CHARLIES_POOL, DAVES_POOL, FERDIE, VAULT, amount, done,
    stage::Stage,
    told,
    tools::{Report, until},
};
use anyhow::{Result, ensure};
use client::Account;
use primitives::{Balance, units};
use serde_json::Value;

/// The most that a delegator's few transactions cost.
const FEES_MAX: Balance = units::PHA;

pub async fn check(stage: &Stage, report: &mut Report) {
    report.note("a delegator queues, and leaves with what its shares are worth", leave(stage).await);
    report.note("every pool has what it says that it has, after that", reconcile(stage).await);
}

async fn yours(stage: &Stage) -> Result<Value> {
    Ok(done(stage, FERDIE, &["pool", "show", "0"]).await?["yours"].clone())
}

async fn leave(stage: &Stage) -> Result<()> {
    let chain = stage.chain().await?;
    let account = Account::from_uri(FERDIE)?.id();
    let before = chain.free_balance(&account).await?;
    let worth = amount(&yours(stage).await?["value"])?;
    // What is free is not enough for all: the owner's money is behind workers too.
    let free = amount(&told(stage, &["pool", "show", "0"]).await?["free"])?;
    let asked = done(stage, FERDIE, &["pool", "withdraw", "0", "all"]).await?;
    if free < worth {
        ensure!(asked["waitingShares"] != "0", "{asked}");
    }
    until("the queue to be paid", async || {
        let left = yours(stage).await?;
        if left["shares"] == "0" {
            return Ok(Some(()));
        }
        // Anybody makes these calls: what is not due yet is refused, and tried again.
        let _ = stage.phat(&["pool", "check", "0", "--as", FERDIE]).await?;
        let pool = told(stage, &["pool", "show", "0"]).await?;
        for worker in pool["workers"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let _ = stage.phat(&["worker", "reclaim", worker, "--as", FERDIE]).await?;
        }
        Ok(None)
    })
    .await?;
    let after = chain.free_balance(&account).await?;
    // It earned on until it was paid.
    ensure!(after + FEES_MAX > before + worth, "{before} and {worth} became {after}");
    let gained = after.saturating_sub(before);
    ensure!(gained < worth + worth / 5, "paid {gained} for {worth}");
    Ok(())
}

/// What each pool's account has is what the pool counts.
pub async fn reconcile(stage: &Stage) -> Result<()> {
    let chain = stage.chain().await?;
    for pool in [CHARLIES_POOL, DAVES_POOL, VAULT] {
        let kind = if pool == VAULT { "vault" } else { "pool" };
        until(&format!("pool {pool} to be looked at between two payments"), async || {
            let seen = told(stage, &[kind, "show", &pool.to_string()]).await?;
            let part = |name: &str| match &seen[name] {
                Value::Null => Ok(0),
                value => amount(value),
            };
            let counted = part("free")?
                + part("computing")?
                + part("cooling")?
                + part("ownerRewards")?
                + units::EXISTENTIAL_DEPOSIT;
            let account = seen["account"].as_str().unwrap_or_default();
            let account = client::parse_address(account).map_err(anyhow::Error::msg)?;
            let has = chain.total_balance(&account).await?;
            Ok((has == counted).then_some(()))
        })
        .await?;
    }
    Ok(())
}
