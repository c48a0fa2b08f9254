//! `phat cluster rotate-keys`, and what `show` says of keys.

use super::Sender;
use crate::{context, output::Output};
use anyhow::{Result, bail};
use chain_facts::{KeyRotation, keys};
use client::{Chain, Transaction};
use primitives::{BlockNumber, ClusterId};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long `--wait` waits: longer than all workers are waited for at six seconds a block.
const PATIENCE: Duration = Duration::from_secs(900);
/// Pause between two looks.
const POLL: Duration = Duration::from_millis(500);

pub async fn rotate(
    network: &context::Network,
    output: &Output,
    window: Option<BlockNumber>,
    wait: bool,
    sender: &Sender,
) -> Result<()> {
    let account = context::account(&sender.account)?;
    let chain = network.connect().await?;
    let cluster = network.cluster(&chain, sender.cluster).await?;
    let transaction = Transaction::rotate_cluster_keys(cluster, window);
    let included = chain.submit_final(&account, &transaction).await?;
    let mut seeds = read(&chain, &cluster).await?;
    if wait {
        let wanted = seeds.newest;
        let started = Instant::now();
        while seeds.in_force < wanted {
            if started.elapsed() > PATIENCE {
                bail!(
                    "the cluster's workers do not use seed {wanted} yet: are enough gatekeepers and \
                     the workers up? Look again with `phat cluster show`"
                );
            }
            tokio::time::sleep(POLL).await;
            seeds = read(&chain, &cluster).await?;
        }
    }
    let now = chain.final_number().await?;
    let mut value = value(&seeds);
    value["cluster"] = json!(cluster);
    value["block"] = json!(included.block);
    output.result(describe(&seeds, now), &value);
    Ok(())
}

async fn read(chain: &Chain, cluster: &ClusterId) -> Result<KeyRotation> {
    let key = keys::cluster_rotation(cluster);
    let proven = chain.proven(std::slice::from_ref(&key)).await?;
    Ok(proven.read("keys of a cluster", &key)?.unwrap_or_default())
}

/// In one line.
pub fn describe(seeds: &KeyRotation, now: BlockNumber) -> String {
    let mut text = format!("keys: seed {} is in use", seeds.in_force);
    if let Some(until) = seeds.retires_at {
        let left = until.saturating_sub(now);
        text += &format!(", commands to the keys before it open for {left} more blocks");
    }
    if seeds.is_pending() {
        text += &format!(
            "; seed {} is to come, asked for {} blocks ago",
            seeds.newest,
            now.saturating_sub(seeds.raised_at)
        );
    }
    text
}

/// For programs.
pub fn value(seeds: &KeyRotation) -> Value {
    json!({
        "inUse": seeds.in_force,
        "newest": seeds.newest,
        "olderOpenUntil": seeds.retires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_described_in_each_state() {
        let calm = KeyRotation::default();
        assert_eq!(describe(&calm, 9), "keys: seed 0 is in use");
        let asked = KeyRotation {
            newest: 1,
            raised_at: 7,
            ..calm
        };
        assert_eq!(
            describe(&asked, 9),
            "keys: seed 0 is in use; seed 1 is to come, asked for 2 blocks ago"
        );
        let window = KeyRotation {
            newest: 1,
            in_force: 1,
            retires_at: Some(30),
            ..calm
        };
        assert_eq!(
            describe(&window, 9),
            "keys: seed 1 is in use, commands to the keys before it open for 21 more blocks"
        );
    }
}
