//! Genesis presets for development: well-known keys, and sudo in Alice's hands.
//!
//! They are development networks by name and by storage: a node refuses to start a chain of live type
//! that is one. They accept no attestation root by themselves; the node adds that of the development
//! PKI, which is no part of the runtime.

use crate::{
    AccountId, Balance, PhalaComputation, PhalaGatekeeperBonds, SessionKeys, TreasuryAccount,
};
use alloc::{vec, vec::Vec};
use polkadot_sdk::{
    sp_genesis_builder::PresetId,
    sp_keyring::{Ed25519Keyring, Sr25519Keyring},
};
use primitives::units::PHA;
use serde_json::{Value, json};

/// One validator, Alice, with one-second slots.
pub const DEV: &str = "dev";
/// Four validators, Alice to Dave, with one-second slots.
pub const LOCAL: &str = "local";
/// All presets.
pub const NAMES: [&str; 2] = [DEV, LOCAL];

/// What each well-known account starts with.
const ENDOWMENT: Balance = 10_000_000 * PHA;
/// What the treasury starts with, so that it can take payments that would not open an account.
const TREASURY_ENDOWMENT: Balance = PHA;
/// What gatekeepers who were elected are paid from.
const GATEKEEPERS_ENDOWMENT: Balance = 100_000 * PHA;
/// The worst tier that development networks accept: all of them.
const TIER_MAX: u8 = attestation::TIER_WORST;
/// How long a registration holds in development, milliseconds: a day.
const LIFETIME_MS: u64 = 24 * 60 * 60 * 1000;

/// Blocks of an hour of governance in development: a referendum that takes a month takes some twenty minutes.
const HOUR_BLOCKS: u32 = 2;

/// Gatekeepers of a development network: one of one is a sharing too, and every wait is short. Stages
/// end early when all is there, so that these are for those who stay away.
fn gatekeeper_settings(stage_blocks: u32) -> Value {
    json!({
        "thresholdFixed": null,
        "holdersMin": 1,
        "handoverPercent": 50,
        "receivingBlocks": stage_blocks,
        "dealingBlocks": stage_blocks,
        "checkingBlocks": stage_blocks,
        "memberStageBlocks": 40,
        "epochBlocks": 3600,
        "retryBlocks": 10,
        "beaconBlocks": 16,
        "beaconWaitBlocks": 1,
        "beaconAttemptBlocks": 6,
    })
}

/// Mining in minutes instead of weeks: a worker is challenged every 20 blocks on average and answers
/// within 30, being off line shows at once, a stake cools down for half a minute, and an appeal takes 20 blocks.
/// Any score may mine: several workers share one small machine.
fn mining_settings() -> Value {
    json!({
        "heartbeatPaused": false,
        "coolDownSeconds": 30,
        "parameters": {
            "blocksPerHour": 40,
            "heartbeatWindow": 30,
            "slashRate": "0.0005",
            "scoreMin": 1,
        },
        "budget": { "perBlock": "1", "period": 7200, "decay": "0.75" },
        "slashes": { "enabled": true, "appealBlocks": 20, "reporterPart": 100_000 },
        "benchmarks": { "durationMsMin": 1000 },
    })
}

/// Pools in minutes: 20 s of grace, a minute for vaults and commissions.
fn pool_settings() -> Value {
    json!({ "periods": { "grace": 20, "vaultQueue": 60, "commissionNotice": 60 } })
}

/// Gatekeepers' bonds in minutes: terms of 40 blocks, a minute or two to leave, evidence of any tier. A
/// development network's own gatekeeper is appointed, and needs none.
fn bond_settings() -> Value {
    json!({
        "bondMin": 1_000 * PHA as u64,
        "seatsMin": 1,
        "tierMax": TIER_MAX,
        "termBlocks": 40,
        "unbondingBlocks": 120,
        "appealBlocks": 20,
        "reward": PHA as u64,
    })
}
/// Blocks of a session in development: a change of the validators shows within two minutes.
const SESSION_BLOCKS: u32 = 60;

/// The configuration of a preset, as a patch of the default; `None` for an unknown name.
pub fn preset(name: &str) -> Option<Value> {
    match name {
        DEV => Some(development(
            &[(Sr25519Keyring::Alice, Ed25519Keyring::Alice)],
            20,
        )),
        LOCAL => Some(development(
            &[
                (Sr25519Keyring::Alice, Ed25519Keyring::Alice),
                (Sr25519Keyring::Bob, Ed25519Keyring::Bob),
                (Sr25519Keyring::Charlie, Ed25519Keyring::Charlie),
                (Sr25519Keyring::Dave, Ed25519Keyring::Dave),
            ],
            60,
        )),
        _ => None,
    }
}

pub(crate) fn preset_bytes(id: &PresetId) -> Option<Vec<u8>> {
    serde_json::to_vec(&preset(id.as_ref())?).ok()
}

fn development(validators: &[(Sr25519Keyring, Ed25519Keyring)], stage_blocks: u32) -> Value {
    let balances: Vec<(AccountId, Balance)> = Sr25519Keyring::well_known()
        .map(|account| (account.to_account_id(), ENDOWMENT))
        .chain([
            // What workers are paid from: there is no issue.
            (PhalaComputation::account_id(), ENDOWMENT),
            (TreasuryAccount::get(), TREASURY_ENDOWMENT),
            (PhalaGatekeeperBonds::account_id(), GATEKEEPERS_ENDOWMENT),
        ])
        .collect();
    let keys: Vec<(AccountId, AccountId, SessionKeys)> = validators
        .iter()
        .map(|(aura, grandpa)| {
            let account = aura.to_account_id();
            let keys = SessionKeys {
                aura: aura.public().into(),
                grandpa: grandpa.public().into(),
            };
            (account.clone(), account, keys)
        })
        .collect();
    let committee = [Sr25519Keyring::Alice, Sr25519Keyring::Bob, Sr25519Keyring::Charlie]
        .map(|account| account.to_account_id());
    json!({
        "balances": { "balances": balances },
        "session": { "keys": keys },
        "validatorSet": { "sessionBlocks": SESSION_BLOCKS },
        "slots": { "durationMs": 1000 },
        "governanceOrigins": { "hourBlocks": HOUR_BLOCKS },
        "technicalCommittee": { "members": committee },
        "sudo": { "key": Sr25519Keyring::Alice.to_account_id() },
        "phalaRegistry": {
            "developmentNetwork": true,
            "acceptedRoots": vec!["Intel"],
            "tierMax": TIER_MAX,
            "registrationLifetimeMs": LIFETIME_MS,
            "noticeBlocks": 0,
        },
        "phalaGatekeepers": { "settings": gatekeeper_settings(stage_blocks) },
        "phalaComputation": mining_settings(),
        "phalaStakePoolv2": pool_settings(),
        "phalaGatekeeperBonds": bond_settings(),
    })
}
