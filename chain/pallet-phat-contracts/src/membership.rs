//! Workers that join a cluster and leave it, with their operators' consent.

use crate::clusters::cluster_id;
use crate::*;
use pallet_worker_registry::{KeyStore, WorkerDirectory, WorkerRecords};
use polkadot_sdk::{
    frame_support::ensure,
    sp_core::{H256, sr25519},
    sp_runtime::{AccountId32, DispatchResult},
};
use primitives::WorkerId;

impl<T: Config> Pallet<T> {
    fn ensure_operator(who: &AccountId32, worker: &sr25519::Public) -> DispatchResult {
        let operator = T::Workers::operator(&WorkerId(worker.0));
        ensure!(operator.as_ref() == Some(who), Error::<T>::NotOperator);
        Ok(())
    }

    pub(crate) fn do_offer_worker(
        operator: AccountId32,
        worker: sr25519::Public,
        offer: WorkerOffer,
    ) -> DispatchResult {
        Self::ensure_operator(&operator, &worker)?;
        match offer {
            WorkerOffer::Nobody => WorkerOffers::<T>::remove(worker),
            _ => WorkerOffers::<T>::insert(worker, OfferedWorker { operator, offer }),
        }
        Self::deposit_event(Event::WorkerOffered { worker, offer });
        Ok(())
    }

    /// Whether the operator that the worker has now lets this cluster's owner take it in.
    fn is_offered(worker: &sr25519::Public, cluster: H256) -> bool {
        WorkerOffers::<T>::get(worker).is_some_and(|offered| {
            let fits = match offered.offer {
                WorkerOffer::Nobody => false,
                WorkerOffer::Anybody => true,
                WorkerOffer::Cluster(only) => only == cluster,
            };
            fits && T::Workers::operator(&WorkerId(worker.0)) == Some(offered.operator)
        })
    }

    pub(crate) fn do_add_worker(
        who: Option<&AccountId32>,
        worker: sr25519::Public,
        cluster: H256,
    ) -> DispatchResult {
        Self::ensure_owner(who, cluster)?;
        ensure!(
            T::Workers::is_active(&WorkerId(worker.0)),
            Error::<T>::WorkerNotActive
        );
        ensure!(
            !ClusterByWorkers::<T>::contains_key(worker),
            Error::<T>::WorkerIsBusy
        );
        ensure!(
            who.is_none() || Self::is_offered(&worker, cluster),
            Error::<T>::WorkerNotOffered
        );
        ClusterWorkers::<T>::try_append(cluster, worker)
            .map_err(|()| Error::<T>::TooManyWorkers)?;
        ClusterByWorkers::<T>::insert(worker, cluster);
        JoiningWorkers::<T>::try_append(cluster, worker)
            .map_err(|()| Error::<T>::TooManyWorkers)?;
        Self::deposit_event(Event::WorkerAddedToCluster { worker, cluster });
        Ok(())
    }

    pub(crate) fn do_remove_worker(
        who: Option<&AccountId32>,
        worker: sr25519::Public,
        cluster: H256,
    ) -> DispatchResult {
        Self::ensure_owner(who, cluster)?;
        Self::detach(worker, cluster)
    }

    pub(crate) fn do_leave_cluster(who: &AccountId32, worker: sr25519::Public) -> DispatchResult {
        Self::ensure_operator(who, &worker)?;
        let cluster = ClusterByWorkers::<T>::get(worker).ok_or(Error::<T>::WorkerNotFound)?;
        Self::detach(worker, cluster)?;
        // An offer that stood would bring it back at once.
        WorkerOffers::<T>::remove(worker);
        Ok(())
    }

    /// Takes a worker out of a cluster, with all that it said there.
    fn detach(worker: sr25519::Public, cluster: H256) -> DispatchResult {
        ClusterWorkers::<T>::try_mutate(cluster, |workers| {
            ensure!(workers.contains(&worker), Error::<T>::WorkerNotFound);
            ensure!(workers.len() > 1, Error::<T>::LastWorker);
            workers.retain(|known| *known != worker);
            Ok::<_, Error<T>>(())
        })?;
        ClusterByWorkers::<T>::remove(worker);
        Self::forget_word(cluster, worker);
        T::Workers::forget_seed(&cluster_id(cluster), &WorkerId(worker.0));
        Self::deposit_event(Event::WorkerRemovedFromCluster { worker, cluster });
        Ok(())
    }
}
