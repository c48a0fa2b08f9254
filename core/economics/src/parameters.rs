//! What a vote may set, and the sets that the two networks began with.

use crate::{Confidence, Error, Fixed, bounds, formulas};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The parameters of mining. Rates are per block.
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
pub struct Parameters {
    /// ρ: what a value is multiplied with in a block on line.
    pub rho: Fixed,
    /// Largest value, PHA.
    pub v_max: Fixed,
    /// Running cost credited in a block for each point of score, PHA.
    pub cost_k: Fixed,
    /// Running cost credited in a block to every worker, PHA.
    pub cost_b: Fixed,
    /// Part of its value that a worker loses in a block off line.
    pub slash_rate: Fixed,
    /// Part of every payment that goes to the treasury.
    pub treasury_ratio: Fixed,
    /// Blocks in an hour.
    pub blocks_per_hour: u32,
    /// Challenges in a block, with many workers.
    pub challenges: u32,
    /// Blocks in which a challenge must be answered.
    pub heartbeat_window: u32,
    /// Cost of the machine for each point of score, PHA.
    pub rig_k: Fixed,
    /// Cost of any machine, PHA.
    pub rig_b: Fixed,
    /// Re: what a stake and a machine are multiplied with to be the initial value.
    pub re: Fixed,
    /// k: least stake of a worker with score 1, PHA; it grows with the root of the score.
    pub k: Fixed,
    /// κ: part of a stake that is returned to a worker that did nothing wrong.
    pub kappa: Fixed,
    /// Least score that may mine.
    pub score_min: u32,
}

impl Parameters {
    /// What the original's chain was generated with: the set of its published tests, for blocks
    /// of 12 s. Off-line workers lose 0.1 % an hour.
    pub const GENESIS: Self = Self {
        rho: Fixed::lit("1.000000666600231"),
        v_max: Fixed::from_int(30_000),
        cost_k: Fixed::lit("0.000000015815258751856933056"),
        cost_b: Fixed::lit("0.000033711472602739674283"),
        slash_rate: Fixed::lit("0.0000033333333333333240063"),
        treasury_ratio: Fixed::lit("0.2"),
        blocks_per_hour: 300,
        challenges: 20,
        heartbeat_window: 10,
        rig_k: Fixed::lit("0.3"),
        rig_b: Fixed::ZERO,
        re: Fixed::lit("1.3"),
        k: Fixed::from_int(100),
        kappa: Fixed::ONE,
        score_min: 50,
    };

    /// The canary network at its launch, for blocks of 12 s; nobody is slashed.
    pub const CANARY: Self = Self {
        cost_k: Fixed::lit("0.000000019054528616676"),
        cost_b: Fixed::lit("0.00004061623205149"),
        slash_rate: Fixed::ZERO,
        heartbeat_window: 20,
        rig_k: Fixed::lit("0.36144578"),
        re: Fixed::lit("1.5"),
        k: Fixed::from_int(50),
        ..Self::GENESIS
    };

    /// The main network in April 2022, for blocks of 12 s; nobody is slashed.
    pub const MAIN: Self = Self {
        cost_k: Fixed::lit("0.000000023711032611569256"),
        cost_b: Fixed::lit("0.000050541937935142"),
        rig_k: Fixed::lit("0.44977511244377805"),
        ..Self::CANARY
    };

    /// The same hourly rates for blocks of another length, given that these are for 12 s.
    ///
    /// Rates are scaled linearly: against the exact root an hour's growth differs by less than a
    /// millionth of itself. The window keeps its length in time, at least 2 blocks; so many
    /// challenges as before are made in a block.
    pub fn at_block_time(self, millis: u64) -> Self {
        const FROM: u64 = 12_000;
        let scale = |rate: Fixed| {
            Fixed::from_bits(rate.saturating_mul_int(millis).to_bits() / u128::from(FROM))
        };
        let window = u64::from(self.heartbeat_window).saturating_mul(FROM) / millis.max(1);
        Self {
            rho: Fixed::ONE.saturating_add(scale(self.growth())),
            cost_k: scale(self.cost_k),
            cost_b: scale(self.cost_b),
            slash_rate: scale(self.slash_rate).min(Fixed::ONE),
            blocks_per_hour: (3_600_000 / millis.max(1)).clamp(1, u64::from(u32::MAX)) as u32,
            heartbeat_window: window.clamp(2, u64::from(u32::MAX)) as u32,
            ..self
        }
    }

    /// ρ − 1.
    pub const fn growth(&self) -> Fixed {
        self.rho.saturating_sub(Fixed::ONE)
    }

    /// Whether all lie inside [`bounds`]; a vote that sets others is refused.
    ///
    /// # Errors
    /// [`Error::InvalidParameters`].
    pub fn validate(&self) -> Result<(), Error> {
        let growth_max = Fixed::from_bits(Fixed::ONE.to_bits() / u128::from(bounds::GROWTH_PARTS));
        let small = Fixed::from_int(1 << 16);
        let cost = self
            .cost_k
            .saturating_mul_int(bounds::SCORE_MAX.into())
            .saturating_add(self.cost_b);
        let valid = self.rho >= Fixed::ONE
            && self.growth() <= growth_max
            && self.v_max <= Fixed::from_int(bounds::VALUE_MAX)
            && cost <= Fixed::from_int(bounds::COST_MAX)
            && self.slash_rate <= Fixed::ONE
            && self.treasury_ratio <= Fixed::ONE
            && (Fixed::ONE..=small).contains(&self.re)
            && self.rig_k <= small
            && self.rig_b <= Fixed::from_int(bounds::VALUE_MAX)
            && self.k <= small
            && self.kappa <= Fixed::ONE
            && self.blocks_per_hour > 0
            && self.challenges > 0
            && self.score_min > 0;
        if valid {
            Ok(())
        } else {
            Err(Error::InvalidParameters)
        }
    }

    /// Largest stake of a worker: the one with which its initial value is the largest, PHA.
    pub fn stake_max(&self, score: u32, confidence: Confidence) -> Fixed {
        let re = formulas::effective_re(self.re, confidence);
        self.v_max
            .checked_div(re)
            .unwrap_or(Fixed::ZERO)
            .saturating_sub(formulas::rig_cost(self, score))
    }

    /// Least stake of a worker: `k · √score`, PHA.
    pub fn stake_min(&self, score: u32) -> Fixed {
        self.k.saturating_mul(Fixed::from_int(score.into()).sqrt())
    }
}
