//! Shares of clusters' seeds: kept, sealed, until the worker says that it has the seed.

use crate::*;
use codec::Encode;
use pallet_worker_registry::{Clusters, SeedStore, SeedsInUse, WorkerDirectory};
use polkadot_sdk::{frame_support::ensure, sp_runtime::DispatchResult};
use primitives::{ClusterId, WorkerId};
use threshold_keys::{
    HolderKey, PendingSeed, PerHolder, SEALED_SHARE_BYTES, SealedSeedShare, SeedConfirmation,
};
use wire::domain::blake2_256;

/// Blocks between two times that a worker says that it has lost its seed.
pub(crate) const SEED_LOST_BLOCKS_MIN: u32 = 64;

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
            sealed.rotation == ClusterRotation::<T>::get(cluster).newest,
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
        if let Some(known) = pending.shares.iter().find(|share| share.holder == holder) {
            // Shares are the same each time: who signs two different ones for one worker lies.
            ensure!(known.payload != sealed.payload, Error::<T>::ShareExists);
            let evidence = (known.payload, known.statement_signature, &sealed).encode();
            Self::record_slot(who, &statement, OffenceKind::Equivocation, blake2_256(&evidence));
            return Ok(());
        }
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
            rotation == ClusterRotation::<T>::get(cluster).newest,
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

    /// A worker's secrets are older than its word that it has the seed. Sealing the seed to the same
    /// attested key again tells nobody anything; that it costs gatekeepers work is bounded.
    pub(crate) fn on_seed_lost(
        worker: &WorkerId,
        cluster: &ClusterId,
        rotation: u32,
    ) -> DispatchResult {
        ensure!(
            T::Clusters::is_member(cluster, worker),
            Error::<T>::NotInCluster
        );
        ensure!(
            rotation == ClusterRotation::<T>::get(cluster).newest,
            Error::<T>::OtherRotation
        );
        ensure!(
            SeedsConfirmed::<T>::contains_key(cluster, worker),
            Error::<T>::SeedNotConfirmed
        );
        let now = Self::now();
        let is_too_early = SeedLostAt::<T>::get(cluster, worker)
            .is_some_and(|last| now.saturating_sub(last) < SEED_LOST_BLOCKS_MIN);
        ensure!(!is_too_early, Error::<T>::SeedLostTooOften);
        SeedLostAt::<T>::insert(cluster, worker, now);
        SeedsConfirmed::<T>::remove(cluster, worker);
        Self::deposit_event(Event::SeedLost {
            cluster: *cluster,
            worker: *worker,
            rotation,
        });
        Ok(())
    }

    fn forget_shares(cluster: &ClusterId, worker: &WorkerId) {
        SeedShares::<T>::remove(cluster, worker);
        SeedsConfirmed::<T>::remove(cluster, worker);
        SeedLostAt::<T>::remove(cluster, worker);
    }
}

impl<T: Config> SeedStore for Pallet<T> {
    fn forget_cluster(cluster: &ClusterId, workers: &[WorkerId]) {
        Self::forget_rotation(cluster);
        workers
            .iter()
            .for_each(|worker| Self::forget_shares(cluster, worker));
    }

    fn forget_seed(cluster: &ClusterId, worker: &WorkerId) {
        // Shares that were sealed to it may be a seed already, said or not; so may a seed that it has
        // said to have lost.
        let may_have_it = SeedShares::<T>::contains_key(cluster, worker)
            || SeedsConfirmed::<T>::contains_key(cluster, worker)
            || SeedLostAt::<T>::contains_key(cluster, worker);
        Self::forget_shares(cluster, worker);
        if may_have_it {
            Self::raise_after_leaving(cluster);
        }
    }

    fn seeds_in_use(cluster: &ClusterId) -> SeedsInUse {
        Self::seeds(cluster)
    }

    fn rotate(cluster: &ClusterId, window_blocks: Option<u32>) -> DispatchResult {
        Self::do_rotate(cluster, window_blocks)
    }

    fn is_seed_exposed(cluster: &ClusterId) -> bool {
        Self::is_exposed(cluster)
    }
}
