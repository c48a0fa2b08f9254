//! The reward index: what the network owes to whom, without visiting anyone.
//!
//! # Derivation
//!
//! The published algorithm pays worker `i` in block `t` the part `s_i(t) / Σ s_j(t)` of the budget
//! `b`. Between two of its events a worker's share `s_i(t)` moves by itself, because its value
//! grows. Take the tangent at its last event, so that at the start of block `t`
//!
//! ```text
//! s_i(t) = σ_i + κ_i · (t − τ_i)         with  κ_i = V · V' / σ_i   (the derivative of √(V² + (2p)²))
//! ```
//!
//! All shares together are then `S(t) = S + R · (t − τ)`, where an event adds or takes one worker's
//! numbers. With the rate `a_t = b / S(t)`, a worker has earned between two blocks
//!
//! ```text
//! Σ a_t · s_i(t)  =  σ_i · Σ a_t  +  κ_i · (Σ a_t · t  −  τ_i · Σ a_t)
//! ```
//!
//! so two running sums, `Σ a_t` and `Σ a_t · t`, are all that the network keeps. Over blocks in
//! which nothing happened at all, one rate is used, budget of them all divided by shares of them
//! all: both sums are then closed forms.
//!
//! # What holds
//!
//! - **Never more than the budget.** Shares and slopes are added and taken away exactly, rates and
//!   earnings are rounded down, so the sum of what all earn is at most the sum of what was given to
//!   [`advance`](RewardIndex::advance).
//! - **Error.** A tangent instead of the curve is off by `(g · n)² / 2` of the share, where `g` is
//!   the growth of a value in a block (7·10⁻⁷) and `n` the blocks since the worker's last event:
//!   2·10⁻⁷ after a thousand. Because all shares err to the same side, most of it cancels.
//! - **The largest value.** A worker that meets it between two events stops growing, the tangent
//!   does not. Its slope is lowered from the start, to `κ_i · (1 − (1 − 1/T)^m)` for `m` blocks
//!   until then and `T` between two challenges on average: over all the times at which its next
//!   challenge may come, which are distributed geometrically, it is credited what it has. A single
//!   payment is off by up to `g · n`.

use crate::{Error, Fixed, bounds};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::BlockNumber;
use scale_info::TypeInfo;

/// The network's state: one value in storage, changed by each event.
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
pub struct RewardIndex {
    /// The last block whose budget is divided.
    block: BlockNumber,
    /// How many workers take part.
    workers: u32,
    /// All shares at the start of the next block.
    share: Fixed,
    /// What they grow by in a block.
    slope: Fixed,
    /// `Σ a_t`, bits, modulo 2^128.
    rates: u128,
    /// `Σ a_t · t`, bits, modulo 2^128.
    rates_by_block: u128,
}

/// A worker's part of the index since its last event.
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
pub struct IndexEntry {
    /// Its share at the start of block `since`.
    share: Fixed,
    /// What it grows by in a block.
    slope: Fixed,
    /// From when it grows.
    since: BlockNumber,
    /// The index's sums when it came.
    rates: u128,
    rates_by_block: u128,
}

impl IndexEntry {
    /// The share with which the worker came, at its last event.
    pub const fn share(&self) -> Fixed {
        self.share
    }

    /// What its share grows by in a block.
    pub const fn slope(&self) -> Fixed {
        self.slope
    }

    /// The share at the start of a block, along the tangent; none for a block before its last event.
    pub fn share_at(&self, block: BlockNumber) -> Option<Fixed> {
        let grown = self
            .slope
            .checked_mul_int(block.checked_sub(self.since)?.into())?;
        self.share.checked_add(grown)
    }
}

impl RewardIndex {
    /// Without workers, with the budget divided up to and with `block`.
    pub const fn new(block: BlockNumber) -> Self {
        Self {
            block,
            workers: 0,
            share: Fixed::ZERO,
            slope: Fixed::ZERO,
            rates: 0,
            rates_by_block: 0,
        }
    }

    /// The last block whose budget is divided.
    pub const fn block(&self) -> BlockNumber {
        self.block
    }

    /// How many workers are on line.
    pub const fn workers(&self) -> u32 {
        self.workers
    }

    /// All shares at the start of the next block.
    pub const fn total_share(&self) -> Fixed {
        self.share
    }

    /// What all shares grow by in a block.
    pub const fn total_slope(&self) -> Fixed {
        self.slope
    }

    /// Divides the budget of the blocks after [`block`](Self::block), up to and with `to`. Without
    /// workers it is not spent; with very few shares no more than 1 PHA is, per unit of share and
    /// block.
    ///
    /// # Errors
    /// [`Error::InThePast`] for an earlier block; [`Error::Overflow`] beyond
    /// [`bounds`](crate::bounds).
    pub fn advance(&mut self, to: BlockNumber, budget: Fixed) -> Result<(), Error> {
        let blocks = to.checked_sub(self.block).ok_or(Error::InThePast)?;
        if blocks == 0 {
            return Ok(());
        }
        let blocks = u64::from(blocks);
        // Half of the growth from the first block to the last, rounded up: rates are to be rounded
        // down.
        let growth = self
            .slope
            .checked_mul_int(blocks - 1)
            .ok_or(Error::Overflow)?;
        let mean = Fixed::from_bits(growth.to_bits().div_ceil(2))
            .checked_add(self.share)
            .ok_or(Error::Overflow)?;
        let share = self
            .slope
            .checked_mul_int(blocks)
            .and_then(|growth| growth.checked_add(self.share))
            .ok_or(Error::Overflow)?;
        let rate = Fixed::from_bits(budget.to_bits() / u128::from(blocks))
            .checked_div(mean)
            .unwrap_or(if mean == Fixed::ZERO {
                Fixed::ZERO
            } else {
                Fixed::ONE
            })
            .min(Fixed::ONE)
            .to_bits();
        // The sum of the block numbers: at most 2^32 · 2^32.
        let first = u128::from(self.block) + 1;
        let numbers = (first + u128::from(to)) * u128::from(blocks) / 2;
        self.rates = self.rates.wrapping_add(rate.wrapping_mul(blocks.into()));
        self.rates_by_block = self.rates_by_block.wrapping_add(rate.wrapping_mul(numbers));
        self.share = share;
        self.block = to;
        Ok(())
    }

    /// What an entry has earned so far.
    ///
    /// # Errors
    /// [`Error::Overflow`] beyond [`bounds`](crate::bounds).
    pub fn earned(&self, entry: &IndexEntry) -> Result<Fixed, Error> {
        // The true differences fit, so that they are exact although the sums wrap.
        let rates = self.rates.wrapping_sub(entry.rates);
        let rates_since = self
            .rates_by_block
            .wrapping_sub(entry.rates_by_block)
            .wrapping_sub(rates.wrapping_mul(entry.since.into()));
        let flat = entry.share.checked_mul(Fixed::from_bits(rates));
        let growing = entry.slope.checked_mul(Fixed::from_bits(rates_since));
        flat.zip(growing)
            .and_then(|(flat, growing)| flat.checked_add(growing))
            .ok_or(Error::Overflow)
    }

    /// Adds a share that grows along `slope` from the start of block `since` on, which is at most
    /// the next one.
    pub(crate) fn insert(
        &mut self,
        share: Fixed,
        slope: Fixed,
        since: BlockNumber,
    ) -> Result<IndexEntry, Error> {
        let entry = IndexEntry {
            share,
            slope,
            since,
            rates: self.rates,
            rates_by_block: self.rates_by_block,
        };
        if u64::from(self.workers) >= bounds::WORKERS_MAX {
            return Err(Error::Overflow);
        }
        let share = self.share_of(&entry)?.checked_add(self.share);
        let slope = slope.checked_add(self.slope);
        (self.share, self.slope) = share.zip(slope).ok_or(Error::Overflow)?;
        self.workers += 1;
        Ok(entry)
    }

    /// Takes an entry out and says what it has earned.
    pub(crate) fn remove(&mut self, entry: &IndexEntry) -> Result<Fixed, Error> {
        let earned = self.earned(entry)?;
        let share = self.share.checked_sub(self.share_of(entry)?);
        let slope = self.slope.checked_sub(entry.slope);
        let workers = self.workers.checked_sub(1).ok_or(Error::Overflow)?;
        (self.share, self.slope) = share.zip(slope).ok_or(Error::Overflow)?;
        self.workers = workers;
        Ok(earned)
    }

    fn share_of(&self, entry: &IndexEntry) -> Result<Fixed, Error> {
        self.block
            .checked_add(1)
            .and_then(|next| entry.share_at(next))
            .ok_or(Error::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn silence_is_one_step() {
        let budget = Fixed::from_int(100);
        let slope = Fixed::lit("0.02");
        let mut slow = RewardIndex::new(7);
        let entry = slow.insert(Fixed::from_int(9_000), slope, 8).unwrap();
        let other = slow
            .insert(Fixed::from_int(30_000), Fixed::ZERO, 8)
            .unwrap();
        let mut fast = slow;
        for block in 8..=3_007 {
            slow.advance(block, budget).unwrap();
        }
        fast.advance(3_007, budget.saturating_mul_int(3_000))
            .unwrap();
        assert_eq!(slow.total_share(), fast.total_share());
        for entry in [entry, other] {
            let [slow, fast] =
                [&slow, &fast].map(|index| index.earned(&entry).unwrap().to_balance());
            // Both grow differently, so that one rate for all blocks is not quite the same.
            assert!(slow.abs_diff(fast) < slow / 1_000_000, "{slow} {fast}");
        }
    }

    #[test]
    fn nobody_earns_without_shares() {
        let mut index = RewardIndex::new(0);
        index.advance(10, Fixed::from_int(1_000)).unwrap();
        let entry = index.insert(Fixed::ONE, Fixed::ZERO, 11).unwrap();
        assert_eq!(index.earned(&entry), Ok(Fixed::ZERO));
        // And the smallest share does not earn everything.
        index.advance(11, Fixed::from_int(1_000)).unwrap();
        assert_eq!(index.earned(&entry), Ok(Fixed::ONE));
        assert_eq!(index.advance(10, Fixed::ONE), Err(Error::InThePast));
    }

    #[test]
    fn bounds_hold() {
        let mut index = RewardIndex::new(u32::MAX - bounds::BLOCKS_MAX - 1);
        let share = Fixed::from_int(2 * bounds::VALUE_MAX);
        let slope =
            Fixed::from_int(2 * (bounds::VALUE_MAX / bounds::GROWTH_PARTS + bounds::COST_MAX));
        let entry = index.insert(share, slope, index.block() + 1).unwrap();
        // As many workers as there may be, each as large as can be.
        index.share = share.checked_mul_int(bounds::WORKERS_MAX).unwrap();
        index.slope = slope.checked_mul_int(bounds::WORKERS_MAX).unwrap();
        let blocks = bounds::BLOCKS_MAX;
        let budget = Fixed::from_int(bounds::BUDGET_MAX * u64::from(blocks));
        index.advance(index.block() + blocks, budget).unwrap();
        let earned = index.earned(&entry).unwrap();
        // An equal part, but for what a rate of so few bits rounds away.
        let part = budget.to_bits() / u128::from(bounds::WORKERS_MAX);
        assert!(earned.to_bits() <= part && earned.to_bits() > part - part / 1_000_000);
        assert!(index.remove(&entry).is_ok());

        // And alone, with the whole budget.
        let mut index = RewardIndex::new(0);
        let entry = index.insert(share, slope, 1).unwrap();
        index.advance(blocks, budget).unwrap();
        assert!(index.earned(&entry).unwrap() <= budget);
    }

    proptest! {
        /// Workers come and go at random; what they earn together is never more than was given.
        #[test]
        fn never_more_than_the_budget(
            events in proptest::collection::vec((0usize..8, 0u64..1 << 24, 0u128..1 << 70, 1u32..100_000, 0u128..1 << 90), 1..80),
        ) {
            let mut index = RewardIndex::new(3);
            let mut entries = [None; 8];
            let (mut given, mut earned) = (Fixed::ZERO, Fixed::ZERO);
            for (who, share, slope, blocks, budget) in events {
                let budget = Fixed::from_bits(budget);
                index.advance(index.block() + blocks, budget).unwrap();
                given = given.checked_add(budget).unwrap();
                if let Some(entry) = entries[who].take() {
                    earned = earned.checked_add(index.remove(&entry).unwrap()).unwrap();
                } else {
                    let since = index.block() + 1;
                    entries[who] =
                        Some(index.insert(Fixed::from_int(share), Fixed::from_bits(slope), since).unwrap());
                }
            }
            for entry in entries.into_iter().flatten() {
                earned = earned.checked_add(index.remove(&entry).unwrap()).unwrap();
            }
            prop_assert!(earned <= given, "{earned} of {given}");
            prop_assert_eq!((index.share, index.slope), (Fixed::ZERO, Fixed::ZERO));
        }
    }
}
