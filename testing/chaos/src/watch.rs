//! Whether machines are back: by their own word, which is enough for that.

use crate::{network::Network, plan::Role};
use client::Chain;
use primitives::BlockNumber;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// How long a machine may take to say where it is.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// Blocks behind the newest final one with which a machine counts as back.
const BEHIND_MAX: BlockNumber = 4;
/// Pause between two looks.
const POLL: Duration = Duration::from_millis(250);

/// Watches machines.
pub struct Watcher<'a> {
    network: &'a Network,
    chains: HashMap<usize, Chain>,
}

impl<'a> Watcher<'a> {
    /// Watches this network.
    pub fn new(network: &'a Network) -> Self {
        Self {
            network,
            chains: HashMap::new(),
        }
    }

    /// A node's newest final block.
    async fn final_of(&mut self, node: usize) -> Option<BlockNumber> {
        let known = self.chains.remove(&node);
        let url = self.network.nodes.get(node)?;
        let look = async {
            let chain = match known {
                Some(chain) => chain,
                None => Chain::connect(url, Some(self.network.genesis)).await.ok()?,
            };
            let number = chain.final_number().await.ok()?;
            Some((chain, number))
        };
        let (chain, number) = tokio::time::timeout(ANSWER_PATIENCE, look).await.ok()??;
        self.chains.insert(node, chain);
        Some(number)
    }

    /// The newest final block of any node.
    pub async fn newest(&mut self) -> Option<BlockNumber> {
        let mut newest = None;
        for node in 0..self.network.nodes.len() {
            newest = newest.max(self.final_of(node).await);
        }
        newest
    }

    /// Where a worker serves from: final block, mailbox entries run, state root.
    pub async fn position(&self, place: usize) -> Option<(BlockNumber, u64, String)> {
        let url = self.network.machines[place].lock().await.url();
        let info = tokio::time::timeout(ANSWER_PATIENCE, client::fetch_info(&url))
            .await
            .ok()?
            .ok()?;
        let serving = info.get("serving")?;
        Some((
            serving.get("block_number")?.as_u64()?.try_into().ok()?,
            serving.get("next_number")?.as_u64()?,
            serving.get("state_root")?.as_str()?.to_owned(),
        ))
    }

    async fn is_back(&mut self, place: usize) -> bool {
        let Some(newest) = self.newest().await else {
            return false;
        };
        match self.network.roles[place] {
            Role::Node => self
                .final_of(place)
                .await
                .is_some_and(|own| own + BEHIND_MAX >= newest),
            Role::Worker(_) => {
                let position = self.position(place).await;
                position.is_some_and(|(own, _, _)| own + BEHIND_MAX >= newest)
            }
            Role::Gatekeeper => {
                let url = self.network.machines[place].lock().await.url();
                let info = tokio::time::timeout(ANSWER_PATIENCE, client::fetch_info(&url)).await;
                matches!(info, Ok(Ok(_)))
            }
        }
    }

    /// Waits until machines are back, so long at most.
    pub async fn await_back(&mut self, places: &[usize], within: Duration) -> bool {
        let started = Instant::now();
        let mut away = places.to_vec();
        while started.elapsed() < within {
            let mut still = Vec::new();
            for place in away {
                if !self.is_back(place).await {
                    still.push(place);
                }
            }
            if still.is_empty() {
                return true;
            }
            away = still;
            tokio::time::sleep(POLL).await;
        }
        false
    }
}
