//! Where operators say that their workers stand.

use crate::*;
use polkadot_sdk::{
    frame_support::ensure,
    sp_core::sr25519,
    sp_runtime::{AccountId32, DispatchResult, TryRuntimeError},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_declare_worker_place(
        operator: AccountId32,
        worker: sr25519::Public,
        place: Option<WorkerPlace>,
    ) -> DispatchResult {
        let info = Workers::<T>::get(worker).ok_or(Error::<T>::WorkerNotFound)?;
        ensure!(info.operator.as_ref() == Some(&operator), Error::<T>::NotOperator);
        ensure!(place.as_ref().is_none_or(WorkerPlace::is_valid), Error::<T>::InvalidPlace);
        match &place {
            Some(place) => {
                WorkerPlaces::<T>::insert(worker, DeclaredPlace { operator, place: place.clone() });
            }
            None => WorkerPlaces::<T>::remove(worker),
        }
        Self::deposit_event(Event::WorkerPlaceDeclared { pubkey: worker, place });
        Ok(())
    }

    pub(crate) fn try_state_of_places() -> Result<(), TryRuntimeError> {
        for (worker, declared) in WorkerPlaces::<T>::iter() {
            ensure!(Workers::<T>::contains_key(worker), "a place of no worker is left over");
            ensure!(declared.place.is_valid(), "a worker stands where nothing is");
        }
        Ok(())
    }
}
