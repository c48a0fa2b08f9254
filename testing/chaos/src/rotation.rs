//! The validators change while everything else goes wrong: new keys, one goes, one comes.

use crate::network::{Network, VALIDATORS};
use anyhow::{Context, Result};
use client::{Account, Chain, Transaction};
use primitives::AccountId;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Time between two changes, of which each takes effect two sessions later.
const EVERY: Duration = Duration::from_secs(30);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(45);

/// What was changed.
#[derive(Default)]
pub struct Rotated {
    /// Changes that the chain took.
    pub taken: u32,
    /// And those that did not reach it, which is no fault while nodes are away.
    pub failed: u32,
}

/// Changes the validators until the end.
pub async fn rotate(network: Arc<Network>, stop: watch::Receiver<bool>) -> Rotated {
    let mut rotated = Rotated::default();
    let mut step = 0;
    loop {
        for _ in 0..EVERY.as_secs() {
            if *stop.borrow() {
                return rotated;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let done = tokio::time::timeout(PATIENCE, change(&network, step)).await;
        match done {
            Ok(Ok(())) => rotated.taken += 1,
            _ => rotated.failed += 1,
        }
        step += 1;
    }
}

/// By turns: a validator gets new keys, goes, and comes back; then the next one.
async fn change(network: &Network, step: usize) -> Result<()> {
    let who = step / 3 % network.nodes.len();
    let account = Account::from_uri(VALIDATORS[who])?;
    match step % 3 {
        0 => {
            let own = Chain::connect(&network.nodes[who], Some(network.genesis)).await?;
            let new = own.new_session_keys(&account.id()).await?;
            own.submit_final(&account, &Transaction::set_session_keys(&new))
                .await?;
        }
        1 => {
            let chain = network.connect(who + 1).await?;
            chain
                .submit_final(&account, &Transaction::leave_validators())
                .await?;
        }
        _ => {
            let chain = network.connect(who + 1).await?;
            set_all(&chain).await?;
        }
    }
    Ok(())
}

/// All nodes are validators.
///
/// # Errors
/// When the chain refuses.
pub async fn set_all(chain: &Chain) -> Result<()> {
    let all: Vec<AccountId> = VALIDATORS
        .iter()
        .map(|name| Ok(Account::from_uri(name)?.id()))
        .collect::<Result<_>>()?;
    let superuser = Account::from_uri(VALIDATORS.first().context("there is none")?)?;
    let set = Transaction::set_validators(&all)
        .as_superuser(chain)
        .await?;
    chain.submit_final(&superuser, &set).await?;
    Ok(())
}
