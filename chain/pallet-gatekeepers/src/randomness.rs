//! Randomness for what cannot wait for the beacon.

use crate::*;
use codec::Encode;
use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::traits::{Get, Randomness},
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_core::H256,
    sp_runtime::SaturatedConversion,
};
use wire::domain::blake2_256;

/// The beacon's newest value while it is young, as [`Pallet`]'s own randomness: nobody chose it, everybody
/// knows it since the block that comes with it.
///
/// Before the first value, and when no value has come for more than `AgeMax` blocks, what is random
/// is the newest value, if there ever was one, hashed with the parent block's hash: nobody knows it before
/// the parent, whose author can bend it. So whoever draws with this never stops, and never draws from something
/// that is known for longer than `AgeMax` blocks. See ADR 0027.
pub struct FreshBeacon<T, AgeMax>(PhantomData<(T, AgeMax)>);

impl<T: Config, AgeMax: Get<u32>> Randomness<H256, BlockNumberFor<T>> for FreshBeacon<T, AgeMax> {
    fn random(subject: &[u8]) -> (H256, BlockNumberFor<T>) {
        let newest = Pallet::<T>::latest();
        let now = Pallet::<T>::now();
        let is_fresh = newest
            .is_some_and(|(_, _, known_at)| now.saturating_sub(known_at) <= AgeMax::get());
        if is_fresh {
            return <Pallet<T> as Randomness<_, _>>::random(subject);
        }
        let parent = frame_system::Pallet::<T>::parent_hash();
        let value = newest.map(|(_, value, _)| value);
        let random = blake2_256(&(value, parent, subject).encode());
        (H256(random), now.saturating_sub(1).saturated_into())
    }
}
