//! Shares of clusters' seeds: kept, sealed, until the worker says that it has the seed.

use crate::*;
use pallet_worker_registry::{Clusters, SeedStore, WorkerDirectory};
use polkadot_sdk::{frame_support::ensure, sp_runtime::DispatchResult};
use primitives::{ClusterId, WorkerId};
use threshold_keys::{
    HolderKey, PendingSeed, PerHolder, SEALED_SHARE_BYTES, SealedSeedShare, SeedConfirmation,
};

impl<T: Config> Pallet<T> {
    /// A holder's share of a cluster's seed, for a worker that may have it.
    pub(crate) fn on_seed_share(who: &HolderKey, sealed: SealedSeedShare) -> DispatchResult {
        let sharing = CurrentSharing::<T>::get().ok_or(Error::<T>::NoSharing)?;
        ensure!(sealed.sharing == sharing.id(), Error::<T>::OtherSharing);
        ensure!(
            sharing.holder(sealed.holder) == Some(who),
            Error::<T>::NotHolder
        );
        ensure!(
            sealed.ciphertext.len() == SEALED_SHARE_BYTES,
            Error::<T>::SealedShareLength
        );
        let (cluster, worker, holder) = (sealed.cluster, sealed.worker, sealed.holder);
        ensure!(
            T::Clusters::is_member(&cluster, &worker),
            Error::<T>::NotInCluster
        );
        ensure!(T::Workers::is_active(&worker), Error::<T>::WorkerInactive);
        ensure!(
            sealed.rotation == ClusterRotation::<T>::get(cluster),
            Error::<T>::OtherRotation
        );
        ensure!(
            T::Workers::hpke_public_key(&worker) == Some(sealed.sealed_to),
            Error::<T>::OtherWorkerKey
        );
        let confirmation = SeedConfirmation {
            rotation: sealed.rotation,
            hpke_public_key: sealed.sealed_to,
        };
        ensure!(
            SeedsConfirmed::<T>::get(cluster, worker) != Some(confirmation),
            Error::<T>::SeedConfirmedAlready
        );
        let statement = sealed.statement(Self::network());
        Self::ensure_signed_by(who, &statement, &sealed.statement_signature)?;
        let fits = |pending: &PendingSeed| {
            pending.rotation == sealed.rotation
                && pending.sharing == sealed.sharing
                && pending.sealed_to == sealed.sealed_to
        };
        let mut pending = SeedShares::<T>::get(cluster, worker)
            .filter(fits)
            .unwrap_or_else(|| PendingSeed {
                rotation: sealed.rotation,
                sharing: sealed.sharing,
                sealed_to: sealed.sealed_to,
                shares: PerHolder::new(),
            });
        let exists = pending.shares.iter().any(|share| share.holder == holder);
        ensure!(!exists, Error::<T>::ShareExists);
        // There are as many places as holders.
        let _full = pending.shares.try_push(sealed);
        SeedShares::<T>::insert(cluster, worker, pending);
        Self::deposit_event(Event::SeedShareSealed {
            cluster,
            worker,
            holder,
        });
        Ok(())
    }

    /// A worker has its cluster's seed.
    pub(crate) fn on_seed_received(
        worker: &WorkerId,
        cluster: &ClusterId,
        rotation: u32,
    ) -> DispatchResult {
        ensure!(
            T::Clusters::is_member(cluster, worker),
            Error::<T>::NotInCluster
        );
        ensure!(
            rotation == ClusterRotation::<T>::get(cluster),
            Error::<T>::OtherRotation
        );
        let hpke_public_key =
            T::Workers::hpke_public_key(worker).ok_or(Error::<T>::WorkerInactive)?;
        let confirmation = SeedConfirmation {
            rotation,
            hpke_public_key,
        };
        SeedsConfirmed::<T>::insert(cluster, worker, confirmation);
        SeedShares::<T>::remove(cluster, worker);
        Self::deposit_event(Event::SeedConfirmed {
            cluster: *cluster,
            worker: *worker,
            rotation,
        });
        Ok(())
    }
}

impl<T: Config> SeedStore for Pallet<T> {
    fn forget_cluster(cluster: &ClusterId, workers: &[WorkerId]) {
        ClusterRotation::<T>::remove(cluster);
        workers
            .iter()
            .for_each(|worker| Self::forget_seed(cluster, worker));
    }

    fn forget_seed(cluster: &ClusterId, worker: &WorkerId) {
        SeedShares::<T>::remove(cluster, worker);
        SeedsConfirmed::<T>::remove(cluster, worker);
    }
}
