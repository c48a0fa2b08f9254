//! Relations that always hold.

use crate::*;
use pallet_worker_registry::{Clusters, GatekeeperDirectory};
use polkadot_sdk::{frame_support::ensure, sp_runtime::TryRuntimeError};
use threshold_keys::{BeaconStage, CeremonyStage, HolderIndex, Sharing};

impl<T: Config> Pallet<T> {
    /// Checks every relation between the values. Walks all maps: for tests and upgrades only.
    ///
    /// # Errors
    /// Names the relation that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        ensure!(
            settings::are_valid(&Settings::<T>::get()),
            "settings are outside of their bounds"
        );
        Self::try_state_of_sharings()?;
        Self::try_state_of_ceremony()?;
        Self::try_state_of_seeds()?;
        Self::try_state_of_beacon()
    }

    fn try_state_of_sharings() -> Result<(), TryRuntimeError> {
        let key = NetworkKey::<T>::get();
        let fits = |sharing: &Sharing| key == Some(sharing.group_key());
        let current = CurrentSharing::<T>::get();
        ensure!(
            current.is_some() == key.is_some(),
            "there is a key without a sharing, or a sharing without a key"
        );
        if let Some(sharing) = &current {
            ensure!(fits(sharing), "the sharing in force is of another key");
            ensure!(
                CurrentHolders::<T>::get().as_slice() == sharing.holders(),
                "the holders are not those of the sharing in force"
            );
            ensure!(
                sharing.threshold() >= 2 || T::Workers::is_development_network(),
                "one machine may open the network"
            );
        }
        ensure!(
            MembersSharing::<T>::get().is_none_or(|sharing| fits(&sharing)),
            "the members share another key"
        );
        let kept = PastSharingIds::<T>::get();
        ensure!(
            PastSharings::<T>::iter_keys().count() == kept.len(),
            "an old sharing is left over"
        );
        for (id, sharing) in PastSharings::<T>::iter() {
            ensure!(kept.contains(&id), "an old sharing is not listed");
            ensure!(
                sharing.id() == id && fits(&sharing),
                "an old sharing is of another key or has another name"
            );
        }
        Ok(())
    }

    fn try_state_of_ceremony() -> Result<(), TryRuntimeError> {
        let Some(state) = Ceremony::<T>::get() else {
            ensure!(
                !CeremonyPlan::<T>::exists()
                    && !PendingSharing::<T>::exists()
                    && Dealings::<T>::iter_keys().next().is_none()
                    && ReceivingKeys::<T>::iter_keys().next().is_none(),
                "something of a ceremony is left over"
            );
            return Ok(());
        };
        let receiving = state.stage == CeremonyStage::Receiving;
        let plan = CeremonyPlan::<T>::get();
        ensure!(
            plan.is_none() == receiving,
            "a ceremony has a plan too early, or none"
        );
        ensure!(
            plan.as_ref().map(threshold_keys::Plan::digest) == state.plan,
            "a ceremony has another plan"
        );
        ensure!(
            ReceivingKeys::<T>::iter_keys().count() == state.received.len(),
            "receiving keys are not counted"
        );
        let stands = |dealer: &HolderIndex| {
            state.dealt.contains(dealer) && !state.struck_out.contains(dealer)
        };
        ensure!(
            Dealings::<T>::iter_keys().all(|dealer| stands(&dealer))
                && Dealings::<T>::iter_keys().count() == state.dealt.len() - state.struck_out.len(),
            "dealings are not counted"
        );
        ensure!(
            state.handed_over.is_empty() || PendingSharing::<T>::exists(),
            "somebody handed over nothing"
        );
        Ok(())
    }

    fn try_state_of_seeds() -> Result<(), TryRuntimeError> {
        for (cluster, worker, pending) in SeedShares::<T>::iter() {
            ensure!(
                T::Clusters::is_member(&cluster, &worker),
                "shares of a seed wait for a worker outside its cluster"
            );
            let fit = pending.shares.iter().enumerate().all(|(place, share)| {
                share.sharing == pending.sharing
                    && share.rotation == pending.rotation
                    && share.sealed_to == pending.sealed_to
                    && (share.cluster, share.worker) == (cluster, worker)
                    && pending.shares[..place]
                        .iter()
                        .all(|other| other.holder != share.holder)
            });
            ensure!(fit, "shares of a seed do not fit together");
        }
        let rotating = Rotating::<T>::get();
        for (cluster, state) in ClusterRotation::<T>::iter() {
            ensure!(
                state.in_force <= state.newest,
                "a cluster uses a seed that it does not have"
            );
            let goes_on = state.is_pending() || state.retires_at.is_some();
            ensure!(
                goes_on == rotating.contains(&cluster),
                "a cluster is rotated, and is not listed, or the other way round"
            );
        }
        for (cluster, worker) in SeedsConfirmed::<T>::iter_keys() {
            ensure!(
                T::Clusters::is_member(&cluster, &worker),
                "a worker outside its cluster has the seed"
            );
        }
        Ok(())
    }

    fn try_state_of_beacon() -> Result<(), TryRuntimeError> {
        let contributions = BeaconContributions::<T>::get().len();
        let responses = BeaconResponses::<T>::get().len();
        let shares = BeaconShares::<T>::get().len();
        match Beacon::<T>::get() {
            None => ensure!(
                contributions + responses + shares == 0,
                "something of a round is left over"
            ),
            Some(state) => {
                ensure!(
                    CurrentSharing::<T>::get().is_some_and(|s| s.id() == state.sharing),
                    "a round is of another sharing"
                );
                ensure!(
                    state.stage == BeaconStage::Shares
                        || (contributions, responses)
                            == (state.contributed.len(), state.responded.len()),
                    "contributions or answers are not counted"
                );
                ensure!(shares == state.shared.len(), "shares are not counted");
            }
        }
        ensure!(
            BeaconValues::<T>::iter_keys().count() as u64 <= BEACON_VALUES_MAX,
            "too many values of the beacon are kept"
        );
        Ok(())
    }
}
