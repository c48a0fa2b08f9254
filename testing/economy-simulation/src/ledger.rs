//! Who has what, to the last unit.

use economics::Permill;
use economics::pool::{Pool as ShareMath, Shares};
use primitives::{Balance, units::PHA};

/// What was set aside for mining: 700 million PHA.
pub const SUBSIDY: Balance = 700_000_000 * PHA;

/// A pool: its shares, its owner's commission, and who delegated how many shares.
pub struct Pool {
    /// Value and shares.
    pub shares: ShareMath,
    /// What is not behind workers.
    pub free: Balance,
    /// What is behind workers.
    pub at_stake: Balance,
    /// The owner's part of rewards.
    pub commission: Permill,
    /// What the owner has got.
    pub owner_rewards: Balance,
    /// Shares of each delegator.
    pub delegations: Vec<Shares>,
    /// What was delegated.
    pub delegated: Balance,
    /// What it lost by slashes.
    pub slashed: Balance,
}

impl Pool {
    /// A pool without money.
    pub fn new(commission: Permill, delegators: usize) -> Self {
        Self {
            shares: ShareMath::default(),
            free: 0,
            at_stake: 0,
            commission,
            owner_rewards: 0,
            delegations: vec![Shares(0); delegators],
            delegated: 0,
            slashed: 0,
        }
    }
}

/// All money that there is in the simulation.
pub struct Ledger {
    /// What is still set aside.
    pub subsidy: Balance,
    /// The treasury.
    pub treasury: Balance,
    /// What stakers have not delegated.
    pub wallets: Balance,
    /// Pools.
    pub pools: Vec<Pool>,
    /// What there was.
    issued: Balance,
}

impl Ledger {
    /// With the subsidy, and stakers who have so much.
    pub const fn new(wallets: Balance, pools: Vec<Pool>) -> Self {
        Self {
            subsidy: SUBSIDY,
            treasury: 0,
            wallets,
            pools,
            issued: SUBSIDY + wallets,
        }
    }

    /// A delegator puts money into a pool, which puts it behind a worker.
    ///
    /// # Errors
    /// When stakers do not have it, or the pool's mathematics refuse.
    pub fn stake(&mut self, pool: usize, delegator: usize, amount: Balance) -> anyhow::Result<()> {
        let pool = &mut self.pools[pool];
        let made = pool.shares.deposit(amount)?;
        self.wallets = self
            .wallets
            .checked_sub(amount)
            .ok_or_else(|| anyhow::anyhow!("stakers ran out of money"))?;
        pool.delegations[delegator].0 += made.0;
        pool.delegated += amount;
        pool.at_stake += amount;
        Ok(())
    }

    /// A stake comes back to its pool, but for what is lost of it.
    pub fn reclaim(&mut self, pool: usize, stake: Balance, slashed: Balance) {
        let pool = &mut self.pools[pool];
        pool.at_stake -= stake;
        pool.free += stake - slashed;
        pool.slashed += slashed;
        let _all = pool.shares.slash(slashed);
        self.treasury += slashed;
    }

    /// Puts free money of a pool behind a worker again, as far as it reaches; gives how much that was.
    pub fn restake(&mut self, pool: usize, wanted: Balance) -> Balance {
        let pool = &mut self.pools[pool];
        let amount = wanted.min(pool.free);
        pool.free -= amount;
        pool.at_stake += amount;
        amount
    }

    /// Pays a worker's pool and the treasury.
    ///
    /// # Errors
    /// When the subsidy is spent.
    pub fn pay(&mut self, pool: usize, payment: economics::Payment) -> anyhow::Result<()> {
        self.subsidy = self
            .subsidy
            .checked_sub(payment.worker)
            .and_then(|left| left.checked_sub(payment.treasury))
            .ok_or_else(|| anyhow::anyhow!("the subsidy is spent"))?;
        self.treasury += payment.treasury;
        let pool = &mut self.pools[pool];
        match pool.shares.reward(payment.worker, pool.commission) {
            Ok(split) => {
                pool.owner_rewards += split.owner;
                pool.free += split.stakers;
            }
            // Dust, or nobody has shares.
            Err(_) => self.treasury += payment.worker,
        }
        Ok(())
    }

    /// Whether everything that there was is there, and each pool has what its shares say.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn check(&self) -> anyhow::Result<()> {
        let mut sum = self.subsidy + self.treasury + self.wallets;
        for (number, pool) in self.pools.iter().enumerate() {
            anyhow::ensure!(
                pool.shares.value() == pool.free + pool.at_stake,
                "pool {number} is worth {} and has {}",
                pool.shares.value(),
                pool.free + pool.at_stake
            );
            let shares: u128 = pool.delegations.iter().map(|shares| shares.0).sum();
            anyhow::ensure!(
                shares == pool.shares.shares().0,
                "pool {number} has other shares than its delegators"
            );
            sum += pool.free + pool.at_stake + pool.owner_rewards;
        }
        anyhow::ensure!(
            sum == self.issued,
            "{} units were made, {} were there",
            sum,
            self.issued
        );
        Ok(())
    }
}
