//! Killing processes at random moments.

use anyhow::Result;
use dev_network::Network;
use rand_core::{OsRng, RngCore};
use std::time::Duration;

/// Kills a worker, the node, and the other worker, each after a random pause and each for a while.
/// Says what it did.
pub async fn disturb(network: &mut Network, say: &mut dyn FnMut(&str)) -> Result<()> {
    pause(1500).await;
    say("killing worker 1 (kill -9)");
    network.kill_worker(1).await;
    pause(1500).await;
    network.restart_worker(1)?;
    pause(2500).await;
    say("killing the chain node (kill -9)");
    network.kill_node().await;
    pause(1500).await;
    network.restart_node()?;
    pause(2500).await;
    say("killing worker 2 (kill -9)");
    network.kill_worker(2).await;
    pause(1500).await;
    network.restart_worker(2)?;
    Ok(())
}

async fn pause(ms_max: u64) {
    let ms = 200 + OsRng.next_u64() % ms_max;
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
