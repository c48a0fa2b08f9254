//! Weights, estimated by hand: database accesses at the runtime's price plus generous compute time.

use crate::{Config, MessageHandler, PRUNED_PER_PUSH_MAX};
use polkadot_sdk::{
    frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_MICROS},
    frame_system,
    sp_core::Get,
};
use wire::message::MessagePayload;

/// One sr25519 verification with its hashing, and what else a message needs.
const MESSAGE_US: u64 = 150;
/// Encoding and storing an entry of the longest kind.
const PUSH_US: u64 = 200;

/// Taking in one message, with its handler.
pub fn sync_offchain_message<T: Config>(payload: &MessagePayload) -> Weight {
    Weight::from_parts(MESSAGE_US * WEIGHT_REF_TIME_PER_MICROS, 8_192)
        .saturating_add(T::DbWeight::get().reads_writes(8, 2))
        .saturating_add(T::Handler::weight_of(payload))
}

/// What taking in this message took.
pub fn message_of<T: Config>(payload: &MessagePayload) -> Weight {
    let unused =
        T::Handler::weight_of(payload).saturating_sub(T::Handler::used_weight_of(payload));
    sync_offchain_message::<T>(payload).saturating_sub(unused)
}

/// One push, with the most pruning it does.
pub fn push<T: frame_system::Config>() -> Weight {
    let pruned = u64::from(PRUNED_PER_PUSH_MAX);
    Weight::from_parts(PUSH_US * WEIGHT_REF_TIME_PER_MICROS, 131_072)
        .saturating_add(T::DbWeight::get().reads_writes(5 + pruned, 3 + pruned))
}

/// Removing `entries` entries.
pub fn clear<T: frame_system::Config>(entries: u64) -> Weight {
    T::DbWeight::get().reads_writes(2, 2 + entries)
}
