//! How much may be spent.
//!
//! There is no issue: payments come from a pool that was filled at genesis. The schedule bounds
//! what leaves it, whatever workers earn.

use crate::{Error, Fixed, Rounding, bounds, mul_div, number::Affine};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::BlockNumber;
use scale_info::TypeInfo;

/// A budget per block that is multiplied with a factor after each period.
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
pub struct Schedule {
    /// The first block with a budget.
    pub start: BlockNumber,
    /// The budget of a block of the first period, PHA.
    pub per_block: Fixed,
    /// Blocks of a period.
    pub period: u32,
    /// What the budget is multiplied with after a period, at most 1.
    pub decay: Fixed,
}

impl Schedule {
    /// 100 PHA in a block of 12 s, times 0.75 after each 180 days; from block 1.
    pub const MAIN: Self = Self {
        start: 1,
        per_block: Fixed::from_int(100),
        period: 1_296_000,
        decay: Fixed::lit("0.75"),
    };

    /// The same budget in time for blocks of another length, given that this is for 12 s.
    pub fn at_block_time(self, millis: u64) -> Self {
        let period = u64::from(self.period).saturating_mul(12_000) / millis.max(1);
        Self {
            per_block: Fixed::from_bits(
                self.per_block.saturating_mul_int(millis).to_bits() / 12_000,
            ),
            period: period.clamp(1, u32::MAX.into()) as u32,
            ..self
        }
    }

    /// Whether it lies inside its bounds.
    ///
    /// # Errors
    /// [`Error::InvalidParameters`].
    pub fn validate(&self) -> Result<(), Error> {
        let valid = self.period > 0
            && self.decay <= Fixed::ONE
            && self.per_block <= Fixed::from_int(bounds::BUDGET_MAX);
        if valid {
            Ok(())
        } else {
            Err(Error::InvalidParameters)
        }
    }

    /// The budget of a block.
    pub fn at(&self, block: BlockNumber) -> Fixed {
        match block.checked_sub(self.start) {
            Some(offset) => self.in_period(offset / self.period.max(1)),
            None => Fixed::ZERO,
        }
    }

    /// The budget of all blocks after one, up to and with another: what
    /// [`RewardIndex::advance`](crate::RewardIndex::advance) takes. Never more than that of its
    /// blocks one by one, without rounding; the same cost for any number of them.
    pub fn between(&self, after: BlockNumber, to: BlockNumber) -> Fixed {
        // Offsets from the start, the first included, the last not.
        let first = u64::from(after) + 1;
        let end = (u64::from(to) + 1).saturating_sub(self.start.into());
        let first = first.saturating_sub(self.start.into());
        if first >= end {
            return Fixed::ZERO;
        }
        let period = u64::from(self.period.max(1));
        let (from_period, to_period) = (first / period, end / period);
        let rate = |index: u64| self.in_period(u32::try_from(index).unwrap_or(u32::MAX));
        if from_period == to_period {
            return rate(from_period).saturating_mul_int(end - first);
        }
        let head = rate(from_period).saturating_mul_int((from_period + 1) * period - first);
        let tail = rate(to_period).saturating_mul_int(end - to_period * period);
        // Whole periods between them: x → decay · x + rate, again and again from 0.
        let whole = u32::try_from(to_period - from_period - 1).unwrap_or(u32::MAX);
        let sum = Affine {
            factor: self.decay,
            offset: rate(from_period + 1),
        };
        let middle = sum
            .repeated(whole)
            .apply(Fixed::ZERO)
            .saturating_mul_int(period);
        head.saturating_add(middle).saturating_add(tail)
    }

    fn in_period(&self, index: u32) -> Fixed {
        self.per_block
            .saturating_mul(self.decay.saturating_pow(index))
    }
}

/// One network's part of a budget that two share in proportion to the shares of their workers;
/// rounded down, so that both parts together are at most the budget. Nobody's shares get nothing.
pub fn split_by_share(budget: Fixed, own: Fixed, other: Fixed) -> Fixed {
    // Halved, the sum always fits.
    let halves = (own.to_bits() >> 1).saturating_add(other.to_bits().div_ceil(2));
    mul_div(budget.to_bits(), own.to_bits() >> 1, halves, Rounding::Down)
        .map_or(Fixed::ZERO, Fixed::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_schedule_of_the_main_network() {
        let schedule = Schedule::MAIN;
        assert_eq!(schedule.at(0), Fixed::ZERO);
        assert_eq!(schedule.at(1_296_000), Fixed::from_int(100));
        assert_eq!(schedule.at(1_296_001), Fixed::from_int(75));
        assert_eq!(schedule.between(0, 1_296_000), Fixed::from_int(129_600_000));
        assert_eq!(schedule.between(1_295_999, 1_296_001), Fixed::from_int(175));
        assert_eq!(schedule.between(9, 9), Fixed::ZERO);
        assert_eq!(schedule.between(9, 8), Fixed::ZERO);
        // 129.6 M / (1 − 0.75) is never reached, and less than the 700 M that are set aside.
        let all = schedule.between(0, u32::MAX);
        assert!(all < Fixed::from_int(518_400_000) && all > Fixed::from_int(518_399_999));
        let fast = schedule.at_block_time(1_000);
        assert_eq!(fast.validate(), Ok(()));
        assert_eq!(fast.period, 12 * schedule.period);
        assert!(
            fast.between(0, 7_200)
                .to_balance()
                .abs_diff(60_000 * primitives::units::PHA)
                < 1_000
        );
    }

    proptest! {
        #[test]
        fn parts_are_the_whole(
            start in 0u32..50, period in 1u32..40, decay in 0u128..=1 << 64, after in 0u32..300, blocks in 0u32..300,
        ) {
            let decay = Fixed::from_bits(decay);
            let schedule = Schedule { start, per_block: Fixed::from_int(100), period, decay };
            let one_by_one = (after + 1..=after + blocks)
                .fold(Fixed::ZERO, |sum, block| sum.saturating_add(schedule.at(block)));
            let at_once = schedule.between(after, after + blocks);
            prop_assert!(at_once.to_bits().abs_diff(one_by_one.to_bits()) < 1 << 40);
        }

        #[test]
        fn two_networks_never_get_more_than_there_is(budget: u128, own: u128, other: u128) {
            let [budget, own, other] = [budget, own, other].map(Fixed::from_bits);
            let parts = [split_by_share(budget, own, other), split_by_share(budget, other, own)];
            prop_assert!(parts[0].checked_add(parts[1]).is_some_and(|sum| sum <= budget));
        }
    }
}
