//! Stake pools and vaults, as owner and delegator see them alike.

use crate::{Chain, ChainError};
use chain_facts::{Delegation, Pool, PoolKind, WithdrawRequest, keys};
use economics::{mul_div, Rounding, pool::Shares};
use primitives::{AccountId, Balance, UnixMillis, WorkerId};

/// A pool with what belongs to it.
#[derive(Clone, Debug)]
pub struct PoolFacts {
    /// Its number.
    pub id: u64,
    /// The pool.
    pub pool: Pool,
    /// The workers of a stake pool.
    pub workers: Vec<WorkerId>,
    /// What its owner says of it.
    pub description: Option<String>,
    /// Who may contribute; everybody where there is no list.
    pub whitelist: Option<Vec<AccountId>>,
    /// What it is worth now. A vault's stored value is as old as its last use.
    pub value: Balance,
    /// The time of the block that says all this.
    pub at_ms: UnixMillis,
}

/// What an account has in a pool.
#[derive(Clone, Debug)]
pub struct Position {
    /// The pool.
    pub pool: PoolFacts,
    /// Its shares.
    pub delegation: Delegation,
    /// What they are worth.
    pub value: Balance,
    /// Its requests that wait.
    pub waiting: Vec<Waiting>,
}

/// A request that waits in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many shares.
    pub shares: u128,
    /// Since when, seconds since 1970.
    pub since: u64,
}

impl PoolFacts {
    /// What so many shares are worth.
    pub fn value_of(&self, shares: u128) -> Balance {
        let all = self.pool.base.shares().0;
        mul_div(shares, self.value, all, Rounding::Down).unwrap_or_default()
    }

    /// How many shares are worth so much, rounded up; at most all.
    pub fn shares_for(&self, amount: Balance) -> u128 {
        let all = self.pool.base.shares().0;
        mul_div(amount, all, self.value, Rounding::Up).unwrap_or(all).min(all)
    }

    /// What a share is worth, in millionths of the amount that the first one cost.
    pub fn price_ppm(&self) -> Option<u128> {
        mul_div(self.value, 1_000_000, self.pool.base.shares().0, Rounding::Down)
    }
}

impl Chain {
    /// A pool, proven.
    ///
    /// # Errors
    /// When there is no such pool, or a proof does not hold.
    pub async fn pool(&self, id: u64) -> Result<PoolFacts, ChainError> {
        let wanted = [
            keys::pool(id),
            keys::pool_workers(id),
            keys::pool_description(id),
            keys::pool_whitelist(id),
            keys::timestamp_now(),
        ];
        let proven = self.proven(&wanted).await?;
        let pool: Pool = proven
            .read("pool", &wanted[0])?
            .ok_or_else(|| ChainError::NotFound(format!("pool {id}")))?;
        let description: Option<Vec<u8>> = proven.read("description of a pool", &wanted[2])?;
        let value = self.pool_value(&pool).await?;
        Ok(PoolFacts {
            id,
            workers: proven.read("workers of a pool", &wanted[1])?.unwrap_or_default(),
            description: description.map(|text| String::from_utf8_lossy(&text).into_owned()),
            whitelist: proven.read("whitelist of a pool", &wanted[3])?,
            at_ms: proven.read("timestamp", &wanted[4])?.unwrap_or_default(),
            value,
            pool,
        })
    }

    /// What a pool is worth now: of a vault its free money and its shares of stake pools, by the node's word.
    async fn pool_value(&self, pool: &Pool) -> Result<Balance, ChainError> {
        if !matches!(pool.kind, PoolKind::Vault { .. }) {
            return Ok(pool.base.value());
        }
        let of: Vec<u64> = self
            .unproven("pools of a vault", keys::pools_of_staker(&pool.account))
            .await?
            .unwrap_or_default();
        let mut value = pool.free;
        for id in of {
            let held: Option<Delegation> =
                self.unproven("delegation", keys::delegation(id, &pool.account)).await?;
            let target: Option<Pool> = self.unproven("pool", keys::pool(id)).await?;
            if let (Some(held), Some(target)) = (held, target) {
                let worth = target.base.value_of(Shares(held.shares)).unwrap_or_default();
                value = value.saturating_add(worth);
            }
        }
        Ok(value)
    }

    /// All pools of both kinds, by the node's word, in the order of their numbers.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn pools(&self) -> Result<Vec<(u64, Pool)>, ChainError> {
        let prefix = keys::plain("PhalaStakePoolv2", "Pools");
        let mut found = Vec::new();
        for key in self.keys_below(&prefix).await? {
            let Some(number) = key.last_chunk::<8>() else { continue };
            if let Some(pool) = self.unproven("pool", key.clone()).await? {
                found.push((u64::from_le_bytes(*number), pool));
            }
        }
        found.sort_by_key(|(id, _)| *id);
        Ok(found)
    }

    /// The numbers of the pools that an account has shares of, proven.
    ///
    /// # Errors
    /// When a proof does not hold.
    pub async fn pools_of(&self, account: &AccountId) -> Result<Vec<u64>, ChainError> {
        let key = keys::pools_of_staker(account);
        let proven = self.proven(&[key.clone()]).await?;
        Ok(proven.read("pools of a staker", &key)?.unwrap_or_default())
    }

    /// What an account has in a pool, proven.
    ///
    /// # Errors
    /// When there is no such pool, or a proof does not hold.
    pub async fn position(&self, pool: u64, account: &AccountId) -> Result<Position, ChainError> {
        let facts = self.pool(pool).await?;
        let key = keys::delegation(pool, account);
        let proven = self.proven(&[key.clone()]).await?;
        let delegation: Delegation = proven.read("delegation", &key)?.unwrap_or_default();
        let mut waiting = Vec::new();
        for request in &delegation.requests {
            let found: Option<WithdrawRequest> =
                self.unproven("request", keys::withdraw_request(pool, *request)).await?;
            waiting.extend(found.map(|found| Waiting { shares: found.shares, since: found.made }));
        }
        let value = facts.value_of(delegation.shares);
        Ok(Position { pool: facts, delegation, value, waiting })
    }
}
