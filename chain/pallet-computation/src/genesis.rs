//! What a genesis configuration says of mining, beyond what the runtime gives by default.
//!
//! Numbers with a point are texts of decimals (`"0.2"`), so that no bit of them goes through a float.

use crate::{APPEAL_BLOCKS_MAX, BenchmarkPolicy, SlashPolicy};
use alloc::string::String;
use economics::{Fixed, Parameters, Permill, Schedule};
use primitives::BlockNumber;
use serde::{Deserialize, Serialize};

/// Parameters of the formulas that differ from the default; see [`Parameters`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GenesisParameters {
    /// [`Parameters::rho`].
    pub rho: Option<String>,
    /// [`Parameters::v_max`].
    pub v_max: Option<String>,
    /// [`Parameters::cost_k`].
    pub cost_k: Option<String>,
    /// [`Parameters::cost_b`].
    pub cost_b: Option<String>,
    /// [`Parameters::slash_rate`].
    pub slash_rate: Option<String>,
    /// [`Parameters::treasury_ratio`].
    pub treasury_ratio: Option<String>,
    /// [`Parameters::blocks_per_hour`].
    pub blocks_per_hour: Option<u32>,
    /// [`Parameters::challenges`].
    pub challenges: Option<u32>,
    /// [`Parameters::heartbeat_window`].
    pub heartbeat_window: Option<u32>,
    /// [`Parameters::rig_k`].
    pub rig_k: Option<String>,
    /// [`Parameters::rig_b`].
    pub rig_b: Option<String>,
    /// [`Parameters::re`].
    pub re: Option<String>,
    /// [`Parameters::k`].
    pub k: Option<String>,
    /// [`Parameters::kappa`].
    pub kappa: Option<String>,
    /// [`Parameters::score_min`].
    pub score_min: Option<u32>,
}

/// The budget, where it differs from the default; see [`Schedule`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GenesisBudget {
    /// [`Schedule::start`].
    pub start: Option<BlockNumber>,
    /// [`Schedule::per_block`].
    pub per_block: Option<String>,
    /// [`Schedule::period`].
    pub period: Option<u32>,
    /// [`Schedule::decay`].
    pub decay: Option<String>,
    /// This network's part of it, in millionths; all of it where nothing is said.
    pub network_share: Option<u32>,
}

/// What becomes of faults, where it differs from the default; see [`SlashPolicy`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GenesisSlashes {
    /// [`SlashPolicy::enabled`].
    pub enabled: Option<bool>,
    /// [`SlashPolicy::appeal_blocks`].
    pub appeal_blocks: Option<BlockNumber>,
    /// [`SlashPolicy::reporter_part`], in millionths.
    pub reporter_part: Option<u32>,
}

/// Which benchmarks count, where it differs from the default; see [`BenchmarkPolicy`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GenesisBenchmarks {
    /// [`BenchmarkPolicy::age_ms_max`].
    pub age_ms_max: Option<u64>,
    /// [`BenchmarkPolicy::duration_ms_min`].
    pub duration_ms_min: Option<u64>,
    /// [`BenchmarkPolicy::score_max`].
    pub score_max: Option<u32>,
}

/// A number of the configuration, or the default; `None` where the text is no number.
fn number(text: Option<&String>, default: Fixed) -> Option<Fixed> {
    text.map_or(Some(default), |text| text.parse().ok())
}

/// Millionths of the configuration, or the default; `None` where there are more than all.
fn parts(millionths: Option<u32>, default: Permill) -> Option<Permill> {
    let Some(millionths) = millionths else {
        return Some(default);
    };
    (millionths <= Permill::ONE.parts()).then(|| Permill::from_parts(millionths))
}

impl GenesisParameters {
    /// The parameters that it makes of the default ones; `None` where a text is no number.
    pub(crate) fn over(&self, default: Parameters) -> Option<Parameters> {
        Some(Parameters {
            rho: number(self.rho.as_ref(), default.rho)?,
            v_max: number(self.v_max.as_ref(), default.v_max)?,
            cost_k: number(self.cost_k.as_ref(), default.cost_k)?,
            cost_b: number(self.cost_b.as_ref(), default.cost_b)?,
            slash_rate: number(self.slash_rate.as_ref(), default.slash_rate)?,
            treasury_ratio: number(self.treasury_ratio.as_ref(), default.treasury_ratio)?,
            blocks_per_hour: self.blocks_per_hour.unwrap_or(default.blocks_per_hour),
            challenges: self.challenges.unwrap_or(default.challenges),
            heartbeat_window: self.heartbeat_window.unwrap_or(default.heartbeat_window),
            rig_k: number(self.rig_k.as_ref(), default.rig_k)?,
            rig_b: number(self.rig_b.as_ref(), default.rig_b)?,
            re: number(self.re.as_ref(), default.re)?,
            k: number(self.k.as_ref(), default.k)?,
            kappa: number(self.kappa.as_ref(), default.kappa)?,
            score_min: self.score_min.unwrap_or(default.score_min),
        })
    }
}

impl GenesisBudget {
    /// The budget that it makes of the default one, and this network's part of it.
    pub(crate) fn over(&self, default: Schedule) -> Option<(Schedule, Permill)> {
        let schedule = Schedule {
            start: self.start.unwrap_or(default.start),
            per_block: number(self.per_block.as_ref(), default.per_block)?,
            period: self.period.unwrap_or(default.period),
            decay: number(self.decay.as_ref(), default.decay)?,
        };
        schedule.validate().ok()?;
        Some((schedule, parts(self.network_share, Permill::ONE)?))
    }
}

impl GenesisSlashes {
    /// The rules that it makes of the default ones.
    pub(crate) fn over(&self, default: SlashPolicy) -> Option<SlashPolicy> {
        let rules = SlashPolicy {
            enabled: self.enabled.unwrap_or(default.enabled),
            appeal_blocks: self.appeal_blocks.unwrap_or(default.appeal_blocks),
            reporter_part: parts(self.reporter_part, default.reporter_part)?,
        };
        (rules.appeal_blocks <= APPEAL_BLOCKS_MAX).then_some(rules)
    }
}

impl GenesisBenchmarks {
    /// The rules that it makes of the default ones.
    pub(crate) fn over(&self, default: BenchmarkPolicy) -> Option<BenchmarkPolicy> {
        let rules = BenchmarkPolicy {
            age_ms_max: self.age_ms_max.unwrap_or(default.age_ms_max),
            duration_ms_min: self.duration_ms_min.unwrap_or(default.duration_ms_min),
            score_max: self.score_max.unwrap_or(default.score_max),
        };
        rules.is_valid().then_some(rules)
    }
}
