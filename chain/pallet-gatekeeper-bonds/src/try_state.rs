//! What must always hold between the maps, and between them and the money.

use crate::*;
use alloc::collections::{BTreeMap, BTreeSet};
use polkadot_sdk::{
    frame_support::{ensure, traits::fungible::InspectHold},
    sp_runtime::{AccountId32, TryRuntimeError},
};
use primitives::{Balance, WorkerId};

impl<T: Config> Pallet<T> {
    /// Checks every relation between the maps. Walks them all: for tests and upgrades only.
    ///
    /// # Errors
    /// Names the relation that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let settings = Settings::<T>::get();
        ensure!(settings.are_valid(), "settings are out of bounds");
        let mut by_owner = BTreeMap::<AccountId32, Balance>::new();
        let mut accused = BTreeMap::<WorkerId, u32>::new();
        for (gatekeeper, bond) in Bonds::<T>::iter() {
            *by_owner.entry(bond.owner.clone()).or_default() += bond.amount;
            if bond.accused > 0 {
                accused.insert(gatekeeper, bond.accused.into());
            }
        }
        ensure!(Bonds::<T>::count() <= BONDS_MAX, "there are too many bonds");
        for (owner, amount) in by_owner {
            let held = T::Currency::balance_on_hold(&HoldReason::Bond.into(), &owner);
            ensure!(held == amount, "what is held is not what is bonded");
        }
        let elected = Elected::<T>::get();
        let different: BTreeSet<_> = elected.iter().collect();
        ensure!(different.len() == elected.len(), "somebody sits twice");
        ensure!(
            elected.iter().all(Bonds::<T>::contains_key),
            "somebody sits without a bond"
        );
        let queue = Queue::<T>::get();
        let waiting = queue.next.wrapping_sub(queue.first);
        let mut slashes = BTreeMap::<WorkerId, u32>::new();
        for (slash, pending) in PendingSlashes::<T>::iter() {
            let place = slash.wrapping_sub(queue.first);
            ensure!(place < waiting, "a slash is not in the queue");
            *slashes.entry(pending.gatekeeper).or_default() += 1;
        }
        ensure!(slashes == accused, "bonds are accused of other faults");
        Ok(())
    }
}
