//! The definitions, one function each: initial value, growth, share, performance.
//!
//! These are the network's published formulas; the per-block algorithm and the lazy one both
//! stand on them.

use crate::{Error, Fixed, Parameters, bounds, number::Affine};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// How far the evidence of a worker's hardware goes; 1 is best. Who has no evidence has no level.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Confidence {
    /// Up to date.
    One,
    /// Software must harden.
    Two,
    /// Configuration needed, all advisories known.
    Three,
    /// Configuration needed, with an advisory outside the list.
    Four,
    /// Out of date.
    Five,
}

impl Confidence {
    /// What a worker's performance and reward count with this level.
    pub const fn score(self) -> Fixed {
        match self {
            Self::One | Self::Two | Self::Three => Fixed::ONE,
            Self::Four => Fixed::lit("0.8"),
            Self::Five => Fixed::lit("0.7"),
        }
    }
}

/// A worker's performance: its score at the start of the session, and the latest measured.
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
pub struct Performance {
    /// Score of the benchmark, iterations in 6 s.
    pub bench: u32,
    /// The same, measured between the last two heartbeats; at most 1.2 times `bench`.
    pub instant: Fixed,
    /// Whether it serves a cluster. Its counter pauses for contracts, so the score counts whole.
    pub contract_running: bool,
    /// The counter at the last heartbeat.
    pub iterations_last: u64,
    /// Time of the last challenge, ms.
    pub challenged_last: u64,
}

impl Performance {
    /// As a session begins.
    pub const fn new(bench: u32, now: u64) -> Self {
        Self {
            bench,
            instant: Fixed::from_int(bench as u64),
            contract_running: false,
            iterations_last: 0,
            challenged_last: now,
        }
    }

    /// The performance that counts.
    pub const fn counted(&self) -> Fixed {
        if self.contract_running {
            Fixed::from_int(self.bench as u64)
        } else {
            self.instant
        }
    }

    /// Takes in a heartbeat seen at `now`. The counter of a worker that restarted begins again; it
    /// then counts nothing for once. A heartbeat that is not after the last challenge measures
    /// nothing.
    pub fn measure(&mut self, heartbeat: &Heartbeat) {
        if heartbeat.now > self.challenged_last {
            let iterations = heartbeat.iterations.saturating_sub(self.iterations_last);
            let millis = heartbeat.now - self.challenged_last;
            let seconds = Fixed::from_bits(Fixed::from_int(millis).to_bits() / 1000);
            let cap = Fixed::from_bits(Fixed::from_int(6 * u64::from(self.bench)).to_bits() / 5);
            self.instant = Fixed::from_int(iterations)
                .checked_div(seconds)
                .unwrap_or(Fixed::MAX)
                .saturating_mul_int(6)
                .min(cap);
        }
        self.contract_running = heartbeat.contract_running;
        self.challenged_last = heartbeat.challenged;
        self.iterations_last = heartbeat.iterations;
    }
}

/// A worker's answer to a challenge.
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
pub struct Heartbeat {
    /// Time of the block that holds the answer, ms.
    pub now: u64,
    /// Time of the block that held the challenge, ms.
    pub challenged: u64,
    /// The worker's counter.
    pub iterations: u64,
    /// Whether it is in a cluster.
    pub contract_running: bool,
}

/// Score of a benchmark of so many iterations in so many milliseconds: iterations in 6 s, at
/// most `most`. No time gives no score.
pub fn benchmark_score(iterations: u64, millis: u64, most: u32) -> u32 {
    let score = (u128::from(iterations) * 6_000)
        .checked_div(millis.into())
        .unwrap_or(0);
    score.min(u128::from(most.min(bounds::SCORE_MAX))) as u32
}

/// Re' = (re − 1) · score(confidence) + 1.
pub fn effective_re(re: Fixed, confidence: Confidence) -> Fixed {
    re.saturating_sub(Fixed::ONE)
        .saturating_mul(confidence.score())
        .saturating_add(Fixed::ONE)
}

/// C = rig_k · P + rig_b, PHA.
pub fn rig_cost(parameters: &Parameters, score: u32) -> Fixed {
    parameters
        .rig_k
        .saturating_mul_int(score.into())
        .saturating_add(parameters.rig_b)
}

/// Ve = Re' · (S + C): the value with which a worker begins, PHA.
///
/// # Errors
/// [`Error::ScoreTooLow`], [`Error::StakeTooLow`] below `k · √P`, [`Error::StakeTooHigh`] when Ve
/// would be above `v_max`; [`Error::Overflow`] for a score above [`bounds::SCORE_MAX`].
pub fn initial_value(
    parameters: &Parameters,
    stake: Fixed,
    score: u32,
    confidence: Confidence,
) -> Result<Fixed, Error> {
    if score < parameters.score_min {
        return Err(Error::ScoreTooLow);
    }
    if score > bounds::SCORE_MAX {
        return Err(Error::Overflow);
    }
    if stake < parameters.stake_min(score) {
        return Err(Error::StakeTooLow);
    }
    let ve = effective_re(parameters.re, confidence)
        .saturating_mul(stake.saturating_add(rig_cost(parameters, score)));
    if ve > parameters.v_max {
        Err(Error::StakeTooHigh)
    } else {
        Ok(ve)
    }
}

/// √(V² + (2 · p · score(confidence))²): what a worker's part of the budget is in proportion to.
pub fn share(v: Fixed, performance: &Performance, confidence: Confidence) -> Fixed {
    let p = performance
        .counted()
        .saturating_mul_int(2)
        .saturating_mul(confidence.score());
    v.saturating_mul(v)
        .saturating_add(p.saturating_mul(p))
        .sqrt()
}

/// What a block on line does to a value, but for the cap: `V + (p / P) · ((ρ − 1) · V + c)` with
/// the running cost `c = cost_k · P + cost_b`.
pub(crate) fn growth_map(parameters: &Parameters, performance: &Performance) -> Affine {
    let bench = Fixed::from_int(performance.bench.into());
    let pace = performance
        .counted()
        .checked_div(bench)
        .unwrap_or(Fixed::ONE);
    let cost = parameters
        .cost_k
        .saturating_mul_int(performance.bench.into())
        .saturating_add(parameters.cost_b);
    Affine {
        factor: Fixed::ONE.saturating_add(pace.saturating_mul(parameters.growth())),
        offset: pace.saturating_mul(cost),
    }
}

/// The slope of a share from now on: growth of the value in a block, times the derivative V /
/// share. A value that will meet the cap in `m` blocks has it times `1 − (1 − 1/interval)^m`, see
/// [`RewardIndex`](crate::RewardIndex).
pub(crate) fn share_slope(
    parameters: &Parameters,
    performance: &Performance,
    v: Fixed,
    share: Fixed,
    interval: Fixed,
) -> Fixed {
    let growth = growth_map(parameters, performance)
        .apply(v)
        .saturating_sub(v);
    let Some(blocks) = parameters.v_max.saturating_sub(v).checked_div(growth) else {
        return Fixed::ZERO;
    };
    let blocks = u32::try_from(blocks.whole()).unwrap_or(u32::MAX);
    let unchallenged =
        Fixed::ONE.saturating_sub(Fixed::ONE.checked_div(interval).unwrap_or(Fixed::ONE));
    let reached = Fixed::ONE.saturating_sub(unchallenged.saturating_pow(blocks));
    growth
        .saturating_mul(reached)
        .saturating_mul(v)
        .checked_div(share)
        .unwrap_or(Fixed::ZERO)
}

/// A value after blocks on line, and what it would have grown without the cap, which is the most
/// that the next payment takes off it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The value, PHA.
    pub v: Fixed,
    /// The growth, PHA.
    pub grown: Fixed,
}

/// Brings a value forward by blocks on line, at most 32 steps for any number of them.
///
/// A block is the affine map `T` of `growth_map` and the cap. `T` only grows, so a value below the
/// cap passes it once and stays. The blocks below the cap are found by descending through the
/// powers `T^(2^k)`; every block at the cap adds the same to what has grown.
pub fn grow(parameters: &Parameters, performance: &Performance, v: Fixed, blocks: u32) -> Growth {
    let map = growth_map(parameters, performance);
    let mut below = v;
    let mut left = blocks;
    let levels = (u32::BITS - blocks.leading_zeros()) as usize;
    let powers = map.doublings(levels);
    for k in (0..levels).rev() {
        let reached = powers[k].apply(below);
        if left >> k != 0 && reached < parameters.v_max {
            below = reached;
            left -= 1 << k;
        }
    }
    if left == 0 {
        return Growth {
            v: below,
            grown: below.saturating_sub(v),
        };
    }
    // The first block that meets the cap, and those that stay at it.
    let meeting = map.apply(below).saturating_sub(v);
    let staying = map.apply(parameters.v_max).saturating_sub(parameters.v_max);
    Growth {
        v: parameters.v_max,
        grown: meeting.saturating_add(staying.saturating_mul_int(u64::from(left - 1))),
    }
}

/// Brings a value forward by blocks off line: `V · (1 − slash_rate)^n`.
pub fn decay(parameters: &Parameters, v: Fixed, blocks: u32) -> Fixed {
    let kept = Fixed::ONE.saturating_sub(parameters.slash_rate);
    v.saturating_mul(kept.saturating_pow(blocks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PARAMETERS: Parameters = Parameters::GENESIS;

    #[test]
    fn sets_are_valid() {
        for set in [Parameters::GENESIS, Parameters::CANARY, Parameters::MAIN] {
            assert_eq!(set.validate(), Ok(()));
            assert_eq!(set.at_block_time(1_000).validate(), Ok(()));
            assert_eq!(set.at_block_time(12_000), set);
        }
        let wrong = Parameters {
            rho: Fixed::lit("0.99"),
            ..PARAMETERS
        };
        assert_eq!(wrong.validate(), Err(Error::InvalidParameters));
    }

    #[test]
    fn initial_values_of_the_main_network() {
        let main = Parameters::MAIN;
        // 1.5 · (4000 + 0.44977511244377805 · 1000).
        let ve = initial_value(&main, Fixed::from_int(4_000), 1_000, Confidence::One).unwrap();
        assert!(ve.to_balance().abs_diff(6_674_662_668_665_667) <= 1, "{ve}");
        // 1.4 · the same.
        let ve = initial_value(&main, Fixed::from_int(4_000), 1_000, Confidence::Four).unwrap();
        assert!(ve.to_balance().abs_diff(6_229_685_157_421_289) <= 1, "{ve}");
        let refused = |stake: u64, score| {
            initial_value(&main, Fixed::from_int(stake), score, Confidence::One)
        };
        assert_eq!(refused(4_000, 49), Err(Error::ScoreTooLow));
        assert_eq!(refused(1_581, 1_000), Err(Error::StakeTooLow));
        assert!(refused(1_582, 1_000).is_ok());
        assert_eq!(refused(20_000, 1_000), Err(Error::StakeTooHigh));
        assert!(refused(main.stake_max(1_000, Confidence::One).whole(), 1_000).is_ok());
    }

    #[test]
    fn performance_of_the_reference() {
        let mut performance = Performance::new(100, 0);
        let mut heartbeat = Heartbeat {
            now: 100_000,
            challenged: 90_000,
            iterations: 1_000,
            contract_running: false,
        };
        performance.measure(&heartbeat);
        assert_eq!(performance.instant, Fixed::from_int(60));
        heartbeat = Heartbeat {
            now: 200_000,
            challenged: 190_000,
            iterations: 999,
            ..heartbeat
        };
        performance.measure(&heartbeat);
        assert_eq!(performance.instant, Fixed::ZERO);
        heartbeat = Heartbeat {
            now: 300_000,
            iterations: 1_000_000,
            ..heartbeat
        };
        performance.measure(&heartbeat);
        assert_eq!(performance.instant, Fixed::from_int(120));
        heartbeat = Heartbeat {
            now: 1,
            iterations: u64::MAX,
            ..heartbeat
        };
        performance.measure(&heartbeat);
        assert_eq!(performance.instant, Fixed::from_int(120), "time went back");
    }

    #[test]
    fn scores() {
        assert_eq!(benchmark_score(1_000, 60_000, 6_000), 100);
        assert_eq!(benchmark_score(1_000, 0, 6_000), 0);
        assert_eq!(benchmark_score(u64::MAX, 1, 6_000), 6_000);
        assert_eq!(benchmark_score(u64::MAX, 1, u32::MAX), bounds::SCORE_MAX);
    }

    proptest! {
        #[test]
        fn growing_is_the_blocks_one_by_one(v in 0u64..31_000, score in 50u32..6_000, blocks in 0u32..2_000) {
            let performance = Performance::new(score, 0);
            let start = Fixed::from_int(v);
            let mut slow = Growth { v: start, grown: Fixed::ZERO };
            let fast_parameters = Parameters { rho: Fixed::lit("1.00001"), ..PARAMETERS };
            for _ in 0..blocks {
                let step = growth_map(&fast_parameters, &performance).apply(slow.v).saturating_sub(slow.v);
                slow.v = slow.v.saturating_add(step).min(fast_parameters.v_max);
                slow.grown = slow.grown.saturating_add(step);
            }
            let fast = grow(&fast_parameters, &performance, start, blocks);
            let far = |a: Fixed, b: Fixed| a.to_bits().abs_diff(b.to_bits());
            prop_assert!(far(slow.v, fast.v) < 1 << 30, "{} {}", slow.v, fast.v);
            prop_assert!(far(slow.grown, fast.grown) < 1 << 30, "{} {}", slow.grown, fast.grown);
        }

        #[test]
        fn more_blocks_more_value_never_above_the_cap(
            v in 0u64..=30_000, score in 50u32..6_000, blocks: u32, more in 0u32..1000,
        ) {
            let performance = Performance::new(score, 0);
            let less = grow(&PARAMETERS, &performance, Fixed::from_int(v), blocks);
            let more = grow(&PARAMETERS, &performance, Fixed::from_int(v), blocks.saturating_add(more));
            prop_assert!(less.v <= more.v && less.grown <= more.grown);
            prop_assert!(more.v <= PARAMETERS.v_max && more.v >= Fixed::from_int(v));
        }

        #[test]
        fn more_stake_more_value(stake in 2_000u64..20_000, score in 50u32..400) {
            let value = |stake, score, confidence| {
                initial_value(&PARAMETERS, Fixed::from_int(stake), score, confidence).unwrap()
            };
            let ve = value(stake, score, Confidence::One);
            prop_assert!(value(stake + 1, score, Confidence::One) > ve);
            prop_assert!(value(stake, score + 1, Confidence::One) > ve);
            prop_assert!(value(stake, score, Confidence::Five) < ve);
        }

        #[test]
        fn being_off_line_never_pays(v in 0u64..30_000, blocks: u32) {
            let v = Fixed::from_int(v);
            let less = decay(&PARAMETERS, v, blocks);
            prop_assert!(less <= v);
            prop_assert!(decay(&PARAMETERS, less, 1) <= less);
        }
    }
}
