//! Parameters: their bounds, and what root may set.

use crate::*;
use alloc::vec::Vec;
use pallet_worker_registry::GatekeeperDirectory;
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    sp_runtime::{AccountId32, DispatchResult},
};
use threshold_keys::{GatekeeperSettings, HOLDERS_MAX, HolderKey, PerHolder, ThresholdRule};

/// The longest that any parameter in blocks may be: a year of one-second blocks.
const BLOCKS_MAX: u32 = 366 * 24 * 60 * 60;
/// The longest stage of a ceremony, and pause after one, blocks: a day of one-second blocks.
const STAGE_BLOCKS_MAX: u32 = 24 * 60 * 60;
/// The shortest stage, blocks: messages need a block to be seen and one to get in.
const STAGE_BLOCKS_MIN: u32 = 2;
/// The most of a hundred that can be asked to hand over.
const PERCENT_MAX: u8 = 100;

/// Parameters of a public network; what an empty storage means.
pub struct Default;

impl Get<GatekeeperSettings> for Default {
    fn get() -> GatekeeperSettings {
        GatekeeperSettings {
            threshold: ThresholdRule::Majority,
            holders_min: 3,
            // No more than half: if those who may be corrupt, fewer than a threshold, could hold up
            // each handover, they could hold the old shares in force for ever.
            handover_percent: 50,
            receiving_blocks: 100,
            dealing_blocks: 100,
            checking_blocks: 100,
            member_stage_blocks: 14_400,
            epoch_blocks: 50_400,
            retry_blocks: 50,
            beacon_blocks: 50,
            beacon_wait_blocks: 2,
            beacon_attempt_blocks: 12,
        }
    }
}

/// Parameters, as a genesis configuration writes them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisSettings {
    /// A threshold that is always the same; none for more than half.
    pub threshold_fixed: Option<u8>,
    /// `GatekeeperSettings::holders_min`.
    pub holders_min: u8,
    /// `GatekeeperSettings::handover_percent`.
    pub handover_percent: u8,
    /// `GatekeeperSettings::receiving_blocks`.
    pub receiving_blocks: u32,
    /// `GatekeeperSettings::dealing_blocks`.
    pub dealing_blocks: u32,
    /// `GatekeeperSettings::checking_blocks`.
    pub checking_blocks: u32,
    /// `GatekeeperSettings::member_stage_blocks`.
    pub member_stage_blocks: u32,
    /// `GatekeeperSettings::epoch_blocks`.
    pub epoch_blocks: u32,
    /// `GatekeeperSettings::retry_blocks`.
    pub retry_blocks: u32,
    /// `GatekeeperSettings::beacon_blocks`.
    pub beacon_blocks: u32,
    /// `GatekeeperSettings::beacon_wait_blocks`.
    pub beacon_wait_blocks: u32,
    /// `GatekeeperSettings::beacon_attempt_blocks`.
    pub beacon_attempt_blocks: u32,
}

impl core::default::Default for GenesisSettings {
    fn default() -> Self {
        let settings = Default::get();
        Self {
            threshold_fixed: None,
            holders_min: settings.holders_min,
            handover_percent: settings.handover_percent,
            receiving_blocks: settings.receiving_blocks,
            dealing_blocks: settings.dealing_blocks,
            checking_blocks: settings.checking_blocks,
            member_stage_blocks: settings.member_stage_blocks,
            epoch_blocks: settings.epoch_blocks,
            retry_blocks: settings.retry_blocks,
            beacon_blocks: settings.beacon_blocks,
            beacon_wait_blocks: settings.beacon_wait_blocks,
            beacon_attempt_blocks: settings.beacon_attempt_blocks,
        }
    }
}

impl From<&GenesisSettings> for GatekeeperSettings {
    fn from(genesis: &GenesisSettings) -> Self {
        Self {
            threshold: genesis
                .threshold_fixed
                .map_or(ThresholdRule::Majority, ThresholdRule::Fixed),
            holders_min: genesis.holders_min,
            handover_percent: genesis.handover_percent,
            receiving_blocks: genesis.receiving_blocks,
            dealing_blocks: genesis.dealing_blocks,
            checking_blocks: genesis.checking_blocks,
            member_stage_blocks: genesis.member_stage_blocks,
            epoch_blocks: genesis.epoch_blocks,
            retry_blocks: genesis.retry_blocks,
            beacon_blocks: genesis.beacon_blocks,
            beacon_wait_blocks: genesis.beacon_wait_blocks,
            beacon_attempt_blocks: genesis.beacon_attempt_blocks,
        }
    }
}

/// Whether each parameter is within its bounds. Whether one machine may hold the key is asked
/// elsewhere: see [`Pallet::may_hold`].
pub(crate) fn are_valid(settings: &GatekeeperSettings) -> bool {
    let threshold = match settings.threshold {
        ThresholdRule::Majority => true,
        ThresholdRule::Fixed(threshold) => (1..=HOLDERS_MAX).contains(&threshold),
    };
    let stage = STAGE_BLOCKS_MIN..=STAGE_BLOCKS_MAX;
    let stages = [
        settings.receiving_blocks,
        settings.dealing_blocks,
        settings.checking_blocks,
        settings.retry_blocks,
        settings.member_stage_blocks,
        settings.beacon_attempt_blocks,
    ];
    // An epoch that ends before its ceremony could would never rest.
    let ceremony: u32 = stages[..3].iter().sum();
    threshold
        && (1..=HOLDERS_MAX).contains(&settings.holders_min)
        && settings.handover_percent <= PERCENT_MAX
        && stages.iter().all(|blocks| stage.contains(blocks))
        && (ceremony..=BLOCKS_MAX).contains(&settings.epoch_blocks)
        && settings.beacon_wait_blocks < settings.beacon_attempt_blocks
        && settings.beacon_attempt_blocks < settings.beacon_blocks
        && settings.beacon_blocks <= BLOCKS_MAX
}

/// The relations that constants must keep.
pub(crate) fn integrity_test() {
    assert!(
        are_valid(&Default::get()),
        "the default settings are within their bounds"
    );
}

impl<T: Config> Pallet<T> {
    /// Whether a sharing with this threshold may be: one that a single machine opens only on a
    /// development network.
    pub(crate) fn may_hold(threshold: u8) -> bool {
        threshold >= 2 || T::Workers::is_development_network()
    }

    pub(crate) fn do_set_settings(settings: GatekeeperSettings) -> DispatchResult {
        ensure!(are_valid(&settings), Error::<T>::InvalidSettings);
        let least = match settings.threshold {
            ThresholdRule::Majority => settings.holders_min,
            ThresholdRule::Fixed(threshold) => threshold,
        };
        ensure!(Self::may_hold(least), Error::<T>::InvalidSettings);
        Settings::<T>::put(settings);
        Self::deposit_event(Event::SettingsSet { settings });
        Ok(())
    }

    pub(crate) fn do_set_members(members: Vec<AccountId32>, threshold: u8) -> DispatchResult {
        let keys: Vec<HolderKey> = members.into_iter().map(Into::into).collect();
        let keys = PerHolder::try_from(keys).map_err(|_| Error::<T>::InvalidMembers)?;
        let different = keys
            .iter()
            .enumerate()
            .all(|(place, key)| !keys[..place].contains(key));
        ensure!(
            different && (1..=keys.len()).contains(&usize::from(threshold)) && Self::may_hold(threshold),
            Error::<T>::InvalidMembers
        );
        let count = keys.len() as u8;
        Members::<T>::put((keys, threshold));
        Self::deposit_event(Event::MembersSet { count, threshold });
        Ok(())
    }
}
