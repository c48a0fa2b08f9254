//! What registrations and settings cost, measured.
//!
//! Evidence cannot be made in a runtime: what measures puts a registration with evidence that holds into the state,
//! under [`EVIDENCE`], with everything that the chain judges it by.

use crate::*;
use alloc::vec;
use attestation::Evidence;
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::{storage::unhashed, traits::fungible::Mutate},
    frame_system::RawOrigin,
    sp_core::{crypto::KeyTypeId, sr25519},
    sp_io::crypto::{sr25519_generate, sr25519_sign},
    sp_runtime::AccountId32,
};
use primitives::{
    HpkePublicKey, Measurement, WorkerId,
    bounds::{ENDPOINT_BYTES_MAX, ENDPOINTS_MAX, MEASUREMENTS_MAX},
    units::PHA,
};
use wire::registration::{VersionedWorkerEndpoints, WorkerEndpointPayload, WorkerRegistration};

/// Where a registration and its evidence are: SCALE of both.
pub const EVIDENCE: &[u8] = b":phat-benchmark-evidence";
/// The build of workers that [`register`] makes.
const BUILD: Measurement = Measurement([9; 32]);
/// The key that signs announcements.
const KEY: KeyTypeId = KeyTypeId(*b"phat");

/// Registers a worker that is active, without evidence: for other pallets' benchmarks.
pub fn register<T: Config>(worker: &WorkerId, operator: Option<AccountId32>) {
    let registrant: AccountId32 = account("registrant", 0, 0);
    let key = sr25519::Public::from_raw(worker.0);
    let info = WorkerInfo {
        worker: key,
        hpke_public_key: HpkePublicKey(worker.0),
        runtime_version: 1,
        operator,
        registrant,
        measurement: BUILD,
        tee: attestation::TeeKind::Tdx,
        root: attestation::RootKind::Intel,
        confidence_level: 1,
        evidence_hash: [0; 32],
        registration_hash: [0; 32],
        made_at_ms: 0,
        last_updated_ms: 0,
        expires_at_ms: u64::MAX,
        initial_score: None,
    };
    Workers::<T>::insert(key, info);
    AllowedMeasurements::<T>::insert(BUILD, polkadot_sdk::frame_system::Pallet::<T>::block_number());
}

/// As many allowed builds as there may be, less one.
fn allow_many<T: Config>() {
    for number in AllowedMeasurements::<T>::count()..MEASUREMENTS_MAX - 1 {
        let mut build = [3; 32];
        build[..4].copy_from_slice(&number.to_le_bytes());
        AllowedMeasurements::<T>::insert(
            Measurement(build),
            polkadot_sdk::frame_system::Pallet::<T>::block_number(),
        );
    }
}

#[benchmarks(where T::Currency: Mutate<AccountId32>, BalanceOf<T>: From<u128>)]
mod measured {
    use super::*;

    #[benchmark]
    fn register_worker() -> Result<(), BenchmarkError> {
        allow_many::<T>();
        let (registration, evidence): (WorkerRegistration, Evidence) = unhashed::get(EVIDENCE)
            .ok_or(BenchmarkError::Stop("there is no evidence in the state"))?;
        let who: AccountId32 = account("registrant", 0, 0);
        T::Currency::set_balance(&who, (1_000 * PHA).into());
        let worker = sr25519::Public::from_raw(registration.worker.0);

        #[extrinsic_call]
        register_worker_v2(RawOrigin::Signed(who), registration, evidence);

        assert!(Workers::<T>::contains_key(worker));
        Ok(())
    }

    #[benchmark]
    fn update_worker_endpoint() -> Result<(), BenchmarkError> {
        let key: sr25519::Public = sr25519_generate(KEY, None);
        register::<T>(&WorkerId(key.0), None);
        let longest = "a".repeat(ENDPOINT_BYTES_MAX as usize);
        let payload = WorkerEndpointPayload {
            pubkey: WorkerId(key.0),
            versioned_endpoints: VersionedWorkerEndpoints::V1(vec![
                longest;
                ENDPOINTS_MAX as usize
            ]),
            signing_time: Pallet::<T>::now_ms(),
        };
        let bytes = payload.signed_bytes(&<Pallet<T> as WorkerDirectory>::genesis_hash());
        let signature =
            sr25519_sign(KEY, &key, &bytes).ok_or(BenchmarkError::Stop("nobody signs"))?;
        let who: AccountId32 = account("anybody", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), payload, signature.0);

        assert!(Endpoints::<T>::contains_key(key));
        Ok(())
    }

    #[benchmark]
    fn set_gatekeeper() -> Result<(), BenchmarkError> {
        for seed in 0..63 {
            let worker = WorkerId([seed; 32]);
            register::<T>(&worker, None);
            Pallet::<T>::register_gatekeeper(
                RawOrigin::Root.into(),
                sr25519::Public::from_raw(worker.0),
            )?;
        }
        let worker = WorkerId([200; 32]);
        register::<T>(&worker, None);

        #[extrinsic_call]
        register_gatekeeper(RawOrigin::Root, sr25519::Public::from_raw(worker.0));

        Ok(())
    }

    #[benchmark]
    fn set_value() {
        allow_many::<T>();

        #[extrinsic_call]
        allow_measurement(RawOrigin::Root, Measurement([77; 32]));
    }

    #[benchmark]
    fn remove_expired_worker() -> Result<(), BenchmarkError> {
        let worker = WorkerId([1; 32]);
        register::<T>(&worker, None);
        let key = sr25519::Public::from_raw(worker.0);
        Workers::<T>::mutate(key, |info| {
            if let Some(info) = info {
                info.expires_at_ms = 0;
            }
        });
        let who: AccountId32 = account("anybody", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), key);

        assert!(!Workers::<T>::contains_key(key));
        Ok(())
    }
}
