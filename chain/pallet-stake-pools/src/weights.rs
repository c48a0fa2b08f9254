//! Weights, estimated by hand until measured: database accesses at the runtime's price plus generous
//! compute time. Each call is charged with the longest walks that its bounds allow.

use crate::types::{
    ACCOUNT_POOLS_MAX, ASKED_STEP_MAX, DESCRIPTION_BYTES_MAX, QUEUE_STEP_MAX, SHARE_LOCKS_MAX,
    STOPS_MAX, WHITELIST_MAX,
};
use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_MICROS},
    frame_system,
    sp_core::Get,
};

/// What each call weighs.
pub trait WeightInfo {
    /// `create`, `create_vault`.
    fn create() -> Weight;
    /// `add_worker`.
    fn add_worker() -> Weight;
    /// `remove_worker`.
    fn remove_worker() -> Weight;
    /// `set_cap`.
    fn set_cap() -> Weight;
    /// `set_payout_pref`.
    fn set_payout_pref() -> Weight;
    /// `claim_owner_rewards`.
    fn claim_owner_rewards() -> Weight;
    /// `check_and_maybe_force_withdraw`.
    fn check_and_maybe_force_withdraw() -> Weight;
    /// `contribute`.
    fn contribute() -> Weight;
    /// `withdraw`.
    fn withdraw() -> Weight;
    /// `cancel_withdraw`.
    fn cancel_withdraw() -> Weight;
    /// `start_computing`, `restart_computing`.
    fn start_computing() -> Weight;
    /// `stop_computing`.
    fn stop_computing() -> Weight;
    /// `reclaim_pool_worker`.
    fn reclaim_pool_worker() -> Weight;
    /// `transfer_shares`.
    fn transfer_shares() -> Weight;
    /// `set_pool_description`.
    fn set_pool_description() -> Weight;
    /// `add_staker_to_whitelist`, `remove_staker_from_whitelist`.
    fn change_whitelist() -> Weight;
    /// `claim_owner_shares`.
    fn claim_owner_shares() -> Weight;
    /// `maybe_gain_owner_shares`.
    fn maybe_gain_owner_shares() -> Weight;
    /// A reward or slash that a session reports; for the pallet of sessions.
    fn on_session_event() -> Weight;
    /// Counting an account's voting power; for governance.
    fn voting_power() -> Weight;
    /// Setting or removing a lock on shares; for governance.
    fn lock_shares() -> Weight;
}

/// Estimates with the database of a runtime.
pub struct Estimated<T>(PhantomData<T>);

/// What a call computes besides database accesses, microseconds.
const BASE_US: u64 = 60;
/// Accesses of the pallet of sessions in one of its functions.
const SESSION: u64 = 10;
/// Reads of a vault that is settled: pools and delegations.
const SETTLE: u64 = 2 * ACCOUNT_POOLS_MAX as u64 + 1;

impl<T: frame_system::Config> Estimated<T> {
    fn estimate(micros: u64, reads: u64, writes: u64, proof_bytes: u64) -> Weight {
        Weight::from_parts(
            (BASE_US + micros) * WEIGHT_REF_TIME_PER_MICROS,
            16_384 + proof_bytes,
        )
        .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    /// Paying so many requests: request, delegation, list of pools, two balances, the vault.
    fn queue(step: u32) -> Weight {
        let step = u64::from(step);
        Self::estimate(step * 20, step * 8, step * 7, step * 4_096)
    }

    fn settle() -> Weight {
        Self::estimate(SETTLE, SETTLE, 1, SETTLE * 512)
    }
}

impl<T: frame_system::Config> WeightInfo for Estimated<T> {
    fn create() -> Weight {
        Self::estimate(0, 4, 5, 0)
    }

    fn add_worker() -> Weight {
        Self::estimate(0, 6 + SESSION, 4 + SESSION, 8_192)
    }

    fn remove_worker() -> Weight {
        Self::estimate(0, 5 + SESSION, 4 + SESSION, 8_192)
    }

    fn set_cap() -> Weight {
        Self::estimate(0, 1, 1, 0)
    }

    fn set_payout_pref() -> Weight {
        Self::settle().saturating_add(Self::estimate(0, 2, 1, 0))
    }

    fn claim_owner_rewards() -> Weight {
        Self::estimate(0, 3, 3, 0)
    }

    /// A stake pool's stops and a vault's questions to its pools together, though a pool is one of them.
    fn check_and_maybe_force_withdraw() -> Weight {
        let (stops, pools) = (u64::from(STOPS_MAX), u64::from(ACCOUNT_POOLS_MAX));
        let stop = Self::estimate(0, stops * (3 + SESSION), stops * (3 + SESSION), 16_384);
        let ask = Self::estimate(0, 6, 6, 8_192).saturating_add(Self::queue(ASKED_STEP_MAX));
        let own = Self::settle().saturating_add(Self::queue(QUEUE_STEP_MAX));
        let front = Self::estimate(0, u64::from(QUEUE_STEP_MAX), 0, 16_384);
        stop.saturating_add(own.saturating_mul(2))
            .saturating_add(front)
            .saturating_add(ask.saturating_mul(pools))
    }

    fn contribute() -> Weight {
        Self::settle()
            .saturating_add(Self::queue(QUEUE_STEP_MAX).saturating_mul(2))
            .saturating_add(Self::estimate(0, 10, 8, 8_192))
    }

    fn withdraw() -> Weight {
        Self::contribute()
    }

    fn cancel_withdraw() -> Weight {
        Self::estimate(0, 28, 26, 0)
    }

    fn start_computing() -> Weight {
        Self::queue(QUEUE_STEP_MAX).saturating_add(Self::estimate(
            0,
            6 + SESSION,
            5 + SESSION,
            8_192,
        ))
    }

    fn stop_computing() -> Weight {
        Self::estimate(0, 3 + SESSION, 3 + SESSION, 8_192)
    }

    fn reclaim_pool_worker() -> Weight {
        Self::queue(QUEUE_STEP_MAX).saturating_add(Self::estimate(
            0,
            8 + SESSION,
            8 + SESSION,
            8_192,
        ))
    }

    fn transfer_shares() -> Weight {
        Self::settle().saturating_add(Self::estimate(0, 8, 6, 8_192))
    }

    fn set_pool_description() -> Weight {
        Self::estimate(20, 1, 1, DESCRIPTION_BYTES_MAX.into())
    }

    fn change_whitelist() -> Weight {
        Self::estimate(20, 2, 1, u64::from(WHITELIST_MAX) * 32)
    }

    fn claim_owner_shares() -> Weight {
        Self::settle().saturating_add(Self::estimate(0, 3, 3, 0))
    }

    fn maybe_gain_owner_shares() -> Weight {
        Self::settle()
    }

    fn on_session_event() -> Weight {
        Self::estimate(0, 6, 6, 8_192)
    }

    fn voting_power() -> Weight {
        let pools = u64::from(ACCOUNT_POOLS_MAX);
        Self::settle()
            .saturating_mul(pools)
            .saturating_add(Self::estimate(0, 2 + 2 * pools, 0, 0))
    }

    fn lock_shares() -> Weight {
        let pools = u64::from(ACCOUNT_POOLS_MAX);
        Self::voting_power().saturating_add(Self::estimate(
            u64::from(SHARE_LOCKS_MAX) * pools,
            2 * pools,
            1 + 2 * pools,
            0,
        ))
    }
}
