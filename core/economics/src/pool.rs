//! Shares of a pool: who owns which part of what stakers put together.
//!
//! A pool is two numbers, what it is worth and how many shares there are; price is their quotient.
//! Deposits make shares at the price, withdrawals burn them, rewards and slashes move the price. It
//! holds for stake pools and vaults alike.
//!
//! Every quotient is rounded against who acts, so that neither a deposit nor a withdrawal lowers
//! the price for the others, and the values of all shares together are at most what the pool is
//! worth.
//!
//! **Dust** is at most [`DUST`] units or shares. It makes no deposit, no request and no reward, and
//! what would be left of a holding as dust is burned with the rest. So a pool has no shares, or
//! more than dust of them: nobody can leave a single share behind and make it expensive.

use crate::{Error, Fixed, Permill, Rounding, mul_div};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::Balance;
use scale_info::TypeInfo;

/// The largest amount, or number of shares, that is not worth an entry: 10^-9 PHA.
pub const DUST: Balance = 1_000;

/// Shares of a pool. The first deposit makes one for each unit.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Shares(pub u128);

/// What a pool is worth, and its shares.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Pool {
    value: Balance,
    shares: Shares,
}

/// What a withdrawal did.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Withdrawal {
    /// To the staker.
    pub amount: Balance,
    /// Gone from the staker's holding: those paid for, and dust.
    pub burned: Shares,
    /// What is still to be withdrawn when more is free.
    pub left: Shares,
}

/// How a reward is divided. Both parts together are it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct RewardSplit {
    /// The owner's commission.
    pub owner: Balance,
    /// What raises the price.
    pub stakers: Balance,
}

impl Pool {
    /// What it is worth: free stake, stake in workers, and for a vault its shares of other pools.
    pub const fn value(&self) -> Balance {
        self.value
    }

    /// How many shares there are.
    pub const fn shares(&self) -> Shares {
        self.shares
    }

    /// Units for a share, rounded down; none without shares.
    pub fn price(&self) -> Option<Fixed> {
        mul_div(
            self.value,
            Fixed::ONE.to_bits(),
            self.shares.0,
            Rounding::Down,
        )
        .map(Fixed::from_bits)
    }

    /// What shares are worth, rounded down.
    ///
    /// # Errors
    /// [`Error::NotEnoughShares`] for more than there are.
    pub fn value_of(&self, shares: Shares) -> Result<Balance, Error> {
        if shares > self.shares {
            return Err(Error::NotEnoughShares);
        }
        // At most the whole value, so the fallback is for no shares at all.
        Ok(mul_div(self.value, shares.0, self.shares.0, Rounding::Down).unwrap_or(0))
    }

    /// Adds an amount; returns the shares that it made, rounded down.
    ///
    /// # Errors
    /// [`Error::Dust`] for dust, or for shares that would be; [`Error::Bankrupt`] while there are
    /// shares that are worth nothing; [`Error::Overflow`].
    pub fn deposit(&mut self, amount: Balance) -> Result<Shares, Error> {
        if amount <= DUST {
            return Err(Error::Dust);
        }
        let made = match (self.shares.0, self.value) {
            (0, _) => amount,
            (_, 0) => return Err(Error::Bankrupt),
            (shares, value) => {
                mul_div(amount, shares, value, Rounding::Down).ok_or(Error::Overflow)?
            }
        };
        if made <= DUST {
            return Err(Error::Dust);
        }
        let value = self.value.checked_add(amount).ok_or(Error::Overflow)?;
        let shares = self.shares.0.checked_add(made).ok_or(Error::Overflow)?;
        *self = Self {
            value,
            shares: Shares(shares),
        };
        Ok(Shares(made))
    }

    /// Takes shares out of a holding of `held`, for as much as is free. Shares for the amount
    /// are rounded up.
    ///
    /// # Errors
    /// [`Error::NotEnoughShares`] for more than are held, or than there are; [`Error::Bankrupt`]
    /// while they are worth nothing.
    pub fn withdraw(
        &mut self,
        shares: Shares,
        held: Shares,
        free: Balance,
    ) -> Result<Withdrawal, Error> {
        if shares > held || held > self.shares {
            return Err(Error::NotEnoughShares);
        }
        if self.value == 0 {
            return Err(Error::Bankrupt);
        }
        let worth = self.value_of(shares)?;
        let (amount, paid) = if worth <= free {
            (worth, shares.0)
        } else {
            // Less than all of them, because less than their worth is free.
            let paid = mul_div(free, self.shares.0, self.value, Rounding::Up);
            (free, paid.ok_or(Error::Overflow)?.min(shares.0))
        };
        let mut burned = paid;
        let mut left = shares.0 - paid;
        if left <= DUST {
            left = 0;
        }
        // What stays with the holder, in the request or beside it.
        if held.0 - burned <= DUST {
            burned = held.0;
            left = 0;
        }
        self.shares.0 -= burned;
        // Dust of others cannot be left alone.
        self.value = if self.shares.0 == 0 {
            0
        } else {
            self.value - amount
        };
        Ok(Withdrawal {
            amount,
            burned: Shares(burned),
            left: Shares(left),
        })
    }

    /// Divides a reward: the owner's commission, rounded down, and what raises the price.
    ///
    /// # Errors
    /// [`Error::NoShares`] when nobody could own it, [`Error::Dust`] when nothing is left for
    /// stakers that is worth an entry and the owner does not take all; [`Error::Overflow`].
    pub fn reward(&mut self, amount: Balance, commission: Permill) -> Result<RewardSplit, Error> {
        if self.shares.0 == 0 {
            return Err(Error::NoShares);
        }
        let owner = commission.of(amount);
        let stakers = amount - owner;
        if stakers <= DUST && commission < Permill::ONE {
            return Err(Error::Dust);
        }
        self.value = self.value.checked_add(stakers).ok_or(Error::Overflow)?;
        Ok(RewardSplit { owner, stakers })
    }

    /// Takes a loss from everybody; returns what there was to take.
    pub fn slash(&mut self, amount: Balance) -> Balance {
        let taken = amount.min(self.value);
        self.value -= taken;
        taken
    }

    /// A vault's commission on what its price has gained above the highest at which it took one, in
    /// new shares for the owner. At price `p`, mark `m` and commission `c` the price becomes `p − c
    /// · (p − m)`, which is the new mark. Without a mark the present price becomes it; dust waits.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn take_commission(
        &mut self,
        mark: &mut Option<Fixed>,
        commission: Permill,
    ) -> Result<Shares, Error> {
        let Some(price) = self.price() else {
            return Ok(Shares(0));
        };
        let gain = match *mark {
            None => {
                *mark = Some(price);
                return Ok(Shares(0));
            }
            Some(mark) => price.saturating_sub(mark),
        };
        let taken = Fixed::from_bits(commission.of(gain.to_bits()));
        if taken == Fixed::ZERO {
            return Ok(Shares(0));
        }
        // Rounded up, so that fewer shares are made.
        let lower = price
            .saturating_sub(taken)
            .saturating_add(Fixed::from_bits(1));
        let all = mul_div(
            self.value,
            Fixed::ONE.to_bits(),
            lower.to_bits(),
            Rounding::Down,
        )
        .ok_or(Error::Overflow)?;
        let made = all.saturating_sub(self.shares.0);
        if made <= DUST {
            return Ok(Shares(0));
        }
        self.shares.0 += made;
        *mark = Some(lower);
        Ok(Shares(made))
    }
}

/// The weight with which a contract's stake counts on every worker of its cluster: one for each
/// 0.01 PHA.
pub fn compute_weight(stake: Balance) -> u32 {
    u32::try_from(stake / 10_000_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use primitives::units::PHA;
    use proptest::prelude::*;

    #[test]
    fn a_pool_from_its_first_deposit_to_its_last_withdrawal() {
        let mut pool = Pool::default();
        assert_eq!(pool.price(), None);
        assert_eq!(pool.reward(PHA, Permill::default()), Err(Error::NoShares));
        assert_eq!(pool.deposit(100 * PHA), Ok(Shares(100 * PHA)));
        let split = pool.reward(50 * PHA, Permill::from_parts(200_000)).unwrap();
        assert_eq!(
            split,
            RewardSplit {
                owner: 10 * PHA,
                stakers: 40 * PHA
            }
        );
        assert_eq!(pool.price(), Some(Fixed::lit("1.4")));
        assert_eq!(pool.deposit(70 * PHA), Ok(Shares(50 * PHA)));

        // 140 are asked for and 35 are free.
        let held = Shares(100 * PHA);
        let partly = pool.withdraw(held, held, 35 * PHA).unwrap();
        let expect = Withdrawal {
            amount: 35 * PHA,
            burned: Shares(25 * PHA),
            left: Shares(75 * PHA),
        };
        assert_eq!(partly, expect);
        assert_eq!(pool.slash(175 * PHA / 2), 175 * PHA / 2);
        let rest = pool
            .withdraw(partly.left, partly.left, Balance::MAX)
            .unwrap();
        assert_eq!((rest.amount, rest.left), (105 * PHA / 2, Shares(0)));
        let other = Shares(50 * PHA);
        assert_eq!(
            pool.withdraw(other, other, Balance::MAX).unwrap().amount,
            35 * PHA
        );
        assert_eq!(pool, Pool::default());
    }

    #[test]
    fn dust_is_refused_or_burned() {
        let mut pool = Pool::default();
        assert_eq!(pool.deposit(DUST), Err(Error::Dust));
        let held = pool.deposit(10 * DUST).unwrap();
        assert_eq!(pool.reward(DUST, Permill::default()), Err(Error::Dust));
        let all_but_dust = Shares(held.0 - DUST);
        let withdrawal = pool.withdraw(all_but_dust, held, Balance::MAX).unwrap();
        assert_eq!((withdrawal.amount, withdrawal.burned), (9 * DUST, held));
        assert_eq!(pool, Pool::default());
    }

    #[test]
    fn a_price_cannot_be_blown_up_to_swallow_deposits() {
        let mut pool = Pool::default();
        pool.deposit(DUST + 1).unwrap();
        pool.reward(1_000_000 * PHA, Permill::default()).unwrap();
        assert_eq!(pool.deposit(1_000_000 * PHA), Err(Error::Dust));
        let shares = pool.deposit(2_000_000 * PHA).unwrap();
        // Less than a thousandth is lost to rounding.
        assert!(pool.value_of(shares).unwrap() > 1_998_000 * PHA);
    }

    #[test]
    fn a_bankrupt_pool_takes_and_gives_nothing() {
        let mut pool = Pool::default();
        let held = pool.deposit(PHA).unwrap();
        assert_eq!(pool.slash(2 * PHA), PHA);
        assert_eq!(pool.deposit(PHA), Err(Error::Bankrupt));
        assert_eq!(pool.withdraw(held, held, PHA), Err(Error::Bankrupt));
        assert_eq!(pool.value_of(held), Ok(0));
    }

    #[test]
    fn commission_is_taken_once_above_the_mark() {
        let mut pool = Pool::default();
        let mut mark = None;
        let tenth = Permill::from_parts(100_000);
        pool.deposit(100 * PHA).unwrap();
        assert_eq!(pool.take_commission(&mut mark, tenth), Ok(Shares(0)));
        assert_eq!(mark, Some(Fixed::ONE));
        pool.reward(100 * PHA, Permill::default()).unwrap();
        // Price 2, so 0.1 of it goes: 200 / 1.9 − 100 shares.
        let made = pool.take_commission(&mut mark, tenth).unwrap();
        assert!(made.0.abs_diff(5_263_157_894_736) <= 1, "{made:?}");
        assert_eq!(pool.take_commission(&mut mark, tenth), Ok(Shares(0)));
        pool.slash(100 * PHA);
        pool.reward(99 * PHA, Permill::default()).unwrap();
        assert_eq!(
            pool.take_commission(&mut mark, tenth),
            Ok(Shares(0)),
            "below the mark"
        );
    }

    #[test]
    fn weights_saturate() {
        assert_eq!(compute_weight(PHA), 100);
        assert_eq!(compute_weight(Balance::MAX), u32::MAX);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Deposit(usize, Balance),
        Withdraw(usize, u32, Balance),
        Reward(Balance, u32),
        Slash(Balance),
        Commission(u32),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let amount = prop_oneof![0..100_000u128, 0..1_000_000 * PHA, 0..u128::MAX >> 32];
        let step = (0..5usize, 0..4usize, amount, 0..=1_000_000u32).prop_map(
            |(kind, who, amount, parts)| match kind {
                0 => Step::Deposit(who, amount),
                1 => Step::Withdraw(who, parts, amount),
                2 => Step::Reward(amount, parts),
                3 => Step::Slash(amount),
                _ => Step::Commission(parts),
            },
        );
        proptest::collection::vec(step, 1..60)
    }

    /// Whether the price of `after` is at least that of `before`, without rounding.
    fn price_kept(before: Pool, after: Pool) -> bool {
        let floor =
            |pool: Pool, by: Pool| mul_div(pool.value, by.shares.0, 1 << 100, Rounding::Down);
        before.shares.0 == 0
            || after.shares.0 == 0
            || mul_div(before.value, after.shares.0, before.shares.0, Rounding::Up).map_or_else(
                || floor(after, before) >= floor(before, after),
                |least| after.value >= least,
            )
    }

    proptest! {
        #[test]
        fn nothing_is_made_of_nothing(steps in steps()) {
            let mut pool = Pool::default();
            let (mut held, mut owner, mut mark) = ([0u128; 4], 0u128, None);
            let (mut given, mut taken) = (0u128, 0u128);
            for step in steps {
                let before = pool;
                match step {
                    Step::Deposit(who, amount) => if let Ok(Shares(made)) = pool.deposit(amount) {
                        held[who] += made;
                        given += amount;
                        prop_assert!(pool.value_of(Shares(made)).unwrap() <= amount);
                        prop_assert!(price_kept(before, pool));
                    },
                    Step::Withdraw(who, parts, free) => {
                        let asked = Permill::from_parts(parts).of(held[who]);
                        if let Ok(done) = pool.withdraw(Shares(asked), Shares(held[who]), free) {
                            prop_assert!(done.amount <= free);
                            prop_assert!(done.burned.0 + done.left.0 <= held[who]);
                            held[who] -= done.burned.0;
                            taken += done.amount;
                            prop_assert!(held[who] == 0 || held[who] > DUST);
                            prop_assert!(price_kept(before, pool));
                        }
                    }
                    Step::Reward(amount, parts) => {
                        if let Ok(split) = pool.reward(amount, Permill::from_parts(parts)) {
                            prop_assert_eq!(split.owner + split.stakers, amount);
                            given += split.stakers;
                        }
                    }
                    Step::Slash(amount) => taken += pool.slash(amount),
                    Step::Commission(parts) => {
                        if let Ok(made) = pool.take_commission(&mut mark, Permill::from_parts(parts)) {
                            owner += made.0;
                            prop_assert_eq!(pool.value, before.value);
                        }
                    }
                }
                prop_assert_eq!(held.iter().sum::<u128>() + owner, pool.shares.0);
                let values = held.iter().map(|&shares| pool.value_of(Shares(shares)).unwrap()).sum::<u128>();
                prop_assert!(values <= pool.value);
                prop_assert!(pool.value + taken <= given);
            }
        }
    }
}
