//! What the calls and messages do.

use crate::*;
use alloc::vec::Vec;
use attestation::{AcceptedRoot, AttestationError, Evidence, Policy, RootKind, VerifiedIdentity};
use polkadot_sdk::{
    frame_support::{
        BoundedVec, ensure,
        traits::{
            UnixTime,
            fungible::{InspectHold, MutateHold},
            tokens::Precision,
        },
    },
    frame_system,
    sp_core::{Get, H256, sr25519},
    sp_io,
    sp_runtime::{AccountId32, DispatchError, DispatchResult, TryRuntimeError, traits::Zero},
};
use primitives::bounds::{MEASUREMENTS_MAX, ROOTS_MAX};
use primitives::{
    AccountId, ClusterId, ContractId, GenesisHash, HpkePublicKey, Measurement, WorkerId,
};
use wire::message::{MessagePayload, contract_keys_signed_bytes};
use wire::registration::{WorkerEndpointPayload, WorkerRegistration};

/// How far the clock of a worker may be ahead of the chain's, milliseconds.
pub(crate) const CLOCK_TOLERANCE_MS: u64 = 60 * 1000;
/// How old an announcement of endpoints may be, milliseconds: 4 hours.
pub(crate) const ENDPOINT_AGE_MS_MAX: u64 = 4 * 60 * 60 * 1000;
/// How long a registration holds by default, milliseconds: 30 days.
pub(crate) const LIFETIME_MS_DEFAULT: u64 = 30 * 24 * 60 * 60 * 1000;
/// The shortest lifetime that can be set, milliseconds.
const LIFETIME_MS_MIN: u64 = 60 * 1000;
/// The longest lifetime that can be set, milliseconds.
const LIFETIME_MS_MAX: u64 = 400 * 24 * 60 * 60 * 1000;

const _: () = assert!(LIFETIME_MS_MIN <= LIFETIME_MS_DEFAULT);
const _: () = assert!(LIFETIME_MS_DEFAULT <= LIFETIME_MS_MAX);

fn public(bytes: &[u8; 32]) -> sr25519::Public {
    sr25519::Public::from_raw(*bytes)
}

fn worker_id(key: &sr25519::Public) -> WorkerId {
    WorkerId(key.0)
}

fn hash(cluster: &ClusterId) -> H256 {
    H256(cluster.0)
}

/// The relations that the configuration must keep.
pub(crate) fn integrity_test<T: Config>() {
    assert!(
        !T::RegistrationDeposit::get().is_zero(),
        "records must cost a deposit"
    );
}

fn tier_is_valid(tier: u8) -> bool {
    (attestation::TIER_BEST..=attestation::TIER_WORST).contains(&tier)
}

fn dispatch_error<T: Config>(error: &AttestationError) -> Error<T> {
    match error {
        AttestationError::TooLarge { .. } => Error::EvidenceTooLarge,
        AttestationError::TooManyRoots { .. } => Error::TooManyRoots,
        AttestationError::RootNotAccepted => Error::EvidenceRootNotAccepted,
        AttestationError::Expired(_) => Error::EvidenceExpired,
        AttestationError::NotYetValid(_) => Error::EvidenceNotYetValid,
        AttestationError::Revoked(_) => Error::EvidenceRevoked,
        AttestationError::DebugEnclave => Error::EvidenceOfDebugEnclave,
        AttestationError::UnsafeAttributes(_) => Error::EvidenceOfUnsafeAttributes,
        AttestationError::TcbRefused { .. } => Error::EvidenceTcbRefused,
        AttestationError::ReportDataMismatch => Error::EvidenceReportDataMismatch,
        AttestationError::MeasurementNotAllowed { .. } => Error::EvidenceMeasurementNotAllowed,
        AttestationError::QuoteInvalid(_) => Error::EvidenceInvalid,
    }
}

impl<T: Config> Pallet<T> {
    /// The chain's time, milliseconds since 1970.
    pub fn now_ms() -> u64 {
        T::UnixTime::now()
            .as_millis()
            .try_into()
            .unwrap_or(u64::MAX)
    }

    pub(crate) fn build_genesis(config: &GenesisConfig<T>) {
        let roots: Vec<AcceptedRoot> = config
            .accepted_roots
            .iter()
            .map(|root| match root {
                GenesisRoot::Intel => Some(AcceptedRoot::Intel),
                GenesisRoot::Development(der) => AcceptedRoot::development(der.0.clone()).ok(),
            })
            .collect::<Option<_>>()
            .unwrap_or_default();
        assert!(
            roots.len() == config.accepted_roots.len(),
            "a development root's certificate in the genesis configuration is too long"
        );
        assert!(
            config.development_network || roots.iter().all(|root| *root == AcceptedRoot::Intel),
            "the genesis configuration accepts a development attestation root, but is not one of a \
             development network: remove the root, or set developmentNetwork"
        );
        assert!(
            tier_is_valid(config.tier_max),
            "the worst accepted tier is 1 to 5"
        );
        assert!(
            (LIFETIME_MS_MIN..=LIFETIME_MS_MAX).contains(&config.registration_lifetime_ms),
            "the registration lifetime is one minute to 400 days"
        );
        assert!(
            config.allowed_measurements.len() <= MEASUREMENTS_MAX as usize,
            "the genesis configuration allows more builds than the chain may list"
        );
        let bounded = BoundedVec::try_from(roots);
        assert!(
            bounded.is_ok(),
            "the genesis configuration accepts too many roots"
        );
        AcceptedRoots::<T>::put(bounded.unwrap_or_default());
        DevelopmentNetwork::<T>::put(config.development_network);
        TierMax::<T>::put(config.tier_max);
        RegistrationLifetimeMs::<T>::put(config.registration_lifetime_ms);
        assert!(
            config.development_network || config.notice_blocks > 0,
            "only a development network gives trust without notice: set noticeBlocks"
        );
        NoticeBlocks::<T>::put(config.notice_blocks);
        let at = frame_system::pallet_prelude::BlockNumberFor::<T>::zero();
        for measurement in &config.allowed_measurements {
            AllowedMeasurements::<T>::insert(Measurement(measurement.0), at);
        }
    }

    pub(crate) fn do_register_worker(
        registrant: AccountId32,
        registration: WorkerRegistration,
        evidence: Evidence,
    ) -> DispatchResult {
        let now_ms = Self::now_ms();
        let key = public(&registration.worker.0);
        ensure!(!BannedWorkers::<T>::contains_key(key), Error::<T>::WorkerBanned);
        let previous = Workers::<T>::get(key);
        Self::check_registration(&registration, previous.as_ref(), now_ms)?;
        let identity = Self::judge(&registration, &evidence, now_ms)?;
        if previous.is_none() {
            let deposit = T::RegistrationDeposit::get();
            T::Currency::hold(&HoldReason::WorkerRegistration.into(), &registrant, deposit)?;
            RegistrationDeposits::<T>::insert(key, deposit);
            WorkerAddedAt::<T>::insert(key, frame_system::Pallet::<T>::block_number());
        }
        let info = Self::record(
            registrant,
            &registration,
            &evidence,
            &identity,
            now_ms,
            &previous,
        );
        Workers::<T>::insert(key, &info);
        let (measurement, expires_at_ms) = (info.measurement, info.expires_at_ms);
        let confidence_level = info.confidence_level;
        Self::deposit_event(match previous {
            None => Event::WorkerAdded {
                pubkey: key,
                measurement,
                confidence_level,
                expires_at_ms,
            },
            Some(_) => Event::WorkerUpdated {
                pubkey: key,
                measurement,
                confidence_level,
                expires_at_ms,
            },
        });
        Ok(())
    }

    fn check_registration(
        registration: &WorkerRegistration,
        previous: Option<&WorkerInfo<AccountId32>>,
        now_ms: u64,
    ) -> DispatchResult {
        ensure!(
            registration.genesis == Self::genesis_hash(),
            Error::<T>::GenesisMismatch
        );
        let made_at_ms = registration.made_at_ms;
        ensure!(
            made_at_ms <= now_ms.saturating_add(CLOCK_TOLERANCE_MS),
            Error::<T>::RegistrationInFuture
        );
        ensure!(
            made_at_ms.saturating_add(RegistrationLifetimeMs::<T>::get()) > now_ms,
            Error::<T>::RegistrationTooOld
        );
        ensure!(
            previous.is_none_or(|known| made_at_ms > known.made_at_ms),
            Error::<T>::RegistrationNotNewer
        );
        Ok(())
    }

    fn judge(
        registration: &WorkerRegistration,
        evidence: &Evidence,
        now_ms: u64,
    ) -> Result<VerifiedIdentity, DispatchError> {
        // Bounds first, so that nothing long is hashed or copied.
        evidence
            .check_bounds()
            .map_err(|error| dispatch_error::<T>(&error))?;
        let measurements: Vec<Measurement> = AllowedMeasurements::<T>::iter_keys().collect();
        let policy = Policy {
            roots: &AcceptedRoots::<T>::get(),
            allowed_measurements: Some(&measurements),
            tier_max: TierMax::<T>::get(),
        };
        attestation::judge(
            evidence,
            &registration.report_data(),
            &policy,
            now_ms / 1000,
        )
        .map_err(|error| dispatch_error::<T>(&error).into())
    }

    fn record(
        registrant: AccountId32,
        registration: &WorkerRegistration,
        evidence: &Evidence,
        identity: &VerifiedIdentity,
        now_ms: u64,
        previous: &Option<WorkerInfo<AccountId32>>,
    ) -> WorkerInfo<AccountId32> {
        let operator = registration
            .operator
            .map(|account| AccountId32::new(account.0));
        let lapses_ms = identity.valid_until.saturating_mul(1000);
        // A score belongs to one build on one operator's machine.
        let initial_score = previous
            .as_ref()
            .filter(|known| known.measurement == identity.measurement && known.operator == operator)
            .and_then(|known| known.initial_score);
        WorkerInfo {
            worker: public(&registration.worker.0),
            hpke_public_key: registration.hpke_public_key,
            runtime_version: registration.version,
            operator,
            registrant: previous
                .as_ref()
                .map_or(registrant, |known| known.registrant.clone()),
            measurement: identity.measurement,
            tee: identity.tee,
            root: identity.root,
            confidence_level: identity.tier,
            evidence_hash: attestation::evidence_hash(evidence),
            registration_hash: registration.hash(),
            made_at_ms: registration.made_at_ms,
            last_updated_ms: now_ms,
            expires_at_ms: now_ms
                .saturating_add(RegistrationLifetimeMs::<T>::get())
                .min(lapses_ms),
            initial_score,
        }
    }

    pub(crate) fn do_update_worker_endpoint(
        payload: WorkerEndpointPayload,
        signature: [u8; 64],
    ) -> DispatchResult {
        let key = public(&payload.pubkey.0);
        let now_ms = Self::now_ms();
        let signing_time = payload.signing_time;
        ensure!(Workers::<T>::contains_key(key), Error::<T>::WorkerNotFound);
        ensure!(Self::is_active(&payload.pubkey), Error::<T>::WorkerInactive);
        ensure!(
            signing_time <= now_ms.saturating_add(CLOCK_TOLERANCE_MS)
                && signing_time.saturating_add(ENDPOINT_AGE_MS_MAX) >= now_ms,
            Error::<T>::InvalidEndpointSigningTime
        );
        ensure!(
            EndpointsSignedAt::<T>::get(key).is_none_or(|last| signing_time > last),
            Error::<T>::EndpointNotNewer
        );
        let signed = payload.signed_bytes(&Self::genesis_hash());
        let endpoints = BoundedEndpoints::new(payload.versioned_endpoints)
            .ok_or(Error::<T>::InvalidEndpoints)?;
        ensure!(
            sp_io::crypto::sr25519_verify(&signature.into(), &signed, &key),
            Error::<T>::InvalidSignature
        );
        Endpoints::<T>::insert(key, endpoints);
        EndpointsSignedAt::<T>::insert(key, signing_time);
        Self::deposit_event(Event::WorkerEndpointUpdated {
            pubkey: key,
            signing_time,
        });
        Ok(())
    }

    pub(crate) fn do_register_gatekeeper(gatekeeper: sr25519::Public) -> DispatchResult {
        ensure!(
            Workers::<T>::contains_key(gatekeeper),
            Error::<T>::WorkerNotFound
        );
        ensure!(
            Self::is_active(&worker_id(&gatekeeper)),
            Error::<T>::WorkerInactive
        );
        Gatekeeper::<T>::try_mutate(|gatekeepers| {
            ensure!(
                !gatekeepers.contains(&gatekeeper),
                Error::<T>::GatekeeperExists
            );
            gatekeepers
                .try_push(gatekeeper)
                .map_err(|_| Error::<T>::TooManyGatekeepers)
        })?;
        Self::deposit_event(Event::GatekeeperAdded { pubkey: gatekeeper });
        Ok(())
    }

    pub(crate) fn do_unregister_gatekeeper(gatekeeper: sr25519::Public) -> DispatchResult {
        Gatekeeper::<T>::try_mutate(|gatekeepers| {
            ensure!(gatekeepers.contains(&gatekeeper), Error::<T>::NotGatekeeper);
            ensure!(
                gatekeepers.len() > 1 || !GatekeeperMasterPubkey::<T>::exists(),
                Error::<T>::CannotRemoveLastGatekeeper
            );
            gatekeepers.retain(|known| *known != gatekeeper);
            Ok::<_, Error<T>>(())
        })?;
        Self::deposit_event(Event::GatekeeperRemoved { pubkey: gatekeeper });
        Ok(())
    }

    pub(crate) fn do_allow_measurement(measurement: Measurement) -> DispatchResult {
        if AllowedMeasurements::<T>::contains_key(measurement) {
            return Ok(());
        }
        ensure!(
            AllowedMeasurements::<T>::count() < MEASUREMENTS_MAX,
            Error::<T>::TooManyMeasurements
        );
        Self::give_notice(TrustChange::AllowMeasurement(measurement))
    }

    pub(crate) fn make_allowed(measurement: Measurement) -> DispatchResult {
        // Others may have been allowed since it was announced.
        ensure!(
            AllowedMeasurements::<T>::count() < MEASUREMENTS_MAX,
            Error::<T>::TooManyMeasurements
        );
        AllowedMeasurements::<T>::insert(measurement, frame_system::Pallet::<T>::block_number());
        Self::deposit_event(Event::MeasurementAllowed { measurement });
        Ok(())
    }

    pub(crate) fn do_disallow_measurement(measurement: Measurement) -> DispatchResult {
        let waited = Self::withdraw(&TrustChange::AllowMeasurement(measurement));
        ensure!(
            AllowedMeasurements::<T>::take(measurement).is_some() || waited,
            Error::<T>::MeasurementNotFound
        );
        Self::deposit_event(Event::MeasurementDisallowed { measurement });
        Ok(())
    }

    pub(crate) fn do_set_accepted_roots(roots: Vec<AcceptedRoot>) -> DispatchResult {
        ensure!(roots.len() <= ROOTS_MAX as usize, Error::<T>::TooManyRoots);
        ensure!(
            DevelopmentNetwork::<T>::get()
                || roots.iter().all(|root| root.kind() == RootKind::Intel),
            Error::<T>::DevelopmentRootRefused
        );
        let roots = BoundedVec::try_from(roots).map_err(|_| Error::<T>::TooManyRoots)?;
        Self::give_notice(TrustChange::AcceptRoots(roots))
    }

    pub(crate) fn do_set_tier_max(tier_max: u8) -> DispatchResult {
        ensure!(tier_is_valid(tier_max), Error::<T>::InvalidTier);
        Self::give_notice(TrustChange::TierMax(tier_max))
    }

    pub(crate) fn do_set_registration_lifetime(lifetime_ms: u64) -> DispatchResult {
        ensure!(
            (LIFETIME_MS_MIN..=LIFETIME_MS_MAX).contains(&lifetime_ms),
            Error::<T>::InvalidLifetime
        );
        Self::give_notice(TrustChange::RegistrationLifetimeMs(lifetime_ms))
    }

    pub(crate) fn do_remove_expired_worker(worker: sr25519::Public) -> DispatchResult {
        let info = Workers::<T>::get(worker).ok_or(Error::<T>::WorkerNotFound)?;
        ensure!(
            info.expires_at_ms <= Self::now_ms(),
            Error::<T>::WorkerNotExpired
        );
        let id = worker_id(&worker);
        ensure!(
            !Self::is_gatekeeper(&id) && !T::Clusters::is_assigned(&id),
            Error::<T>::WorkerInUse
        );
        if let Some(deposit) = RegistrationDeposits::<T>::take(worker) {
            T::Currency::release(
                &HoldReason::WorkerRegistration.into(),
                &info.registrant,
                deposit,
                Precision::BestEffort,
            )?;
        }
        Workers::<T>::remove(worker);
        WorkerAddedAt::<T>::remove(worker);
        Endpoints::<T>::remove(worker);
        EndpointsSignedAt::<T>::remove(worker);
        Instances::<T>::remove(worker);
        WorkerPlaces::<T>::remove(worker);
        T::Clusters::on_worker_removed(&id);
        Self::deposit_event(Event::WorkerRemoved { pubkey: worker });
        Ok(())
    }

    /// Handles a worker's message about keys. The mailbox has checked signature and sequence.
    ///
    /// # Errors
    /// Those of [`Error`]; nothing is stored then.
    pub fn handle_message(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        match payload {
            MessagePayload::ClusterKey {
                cluster,
                public_key,
            } => Self::on_cluster_key(sender, cluster, public_key),
            MessagePayload::NextClusterKey {
                cluster,
                rotation,
                public_key,
            } => Self::on_next_cluster_key(sender, cluster, *rotation, *public_key),
            MessagePayload::ContractKeys { .. } => Self::on_contract_keys(sender, payload),
            MessagePayload::Instance { nonce } => {
                Self::on_instance(public(&sender.0), *nonce);
                Ok(())
            }
            MessagePayload::Checkpoint { .. }
            | MessagePayload::Benchmark { .. }
            | MessagePayload::ReceiptLog { .. }
            | MessagePayload::Heartbeat { .. }
            | MessagePayload::SeedReceived { .. }
            | MessagePayload::SeedLost { .. }
            | MessagePayload::StateLost { .. }
            | MessagePayload::Gatekeeper { .. } => Err(Error::<T>::UnknownMessage.into()),
        }
    }

    /// A process that says its number again, because it has not seen it yet, changes nothing. There is no
    /// other bound than the mailbox's on messages: to refuse a number would keep a restarted worker from
    /// serving, and a process that starts again and again hurts its own worker alone.
    fn on_instance(worker: sr25519::Public, nonce: [u8; 32]) {
        if Instances::<T>::get(worker).is_some_and(|known| known.nonce == nonce) {
            return;
        }
        let at = frame_system::Pallet::<T>::block_number();
        Instances::<T>::insert(worker, Instance { nonce, at });
        Self::deposit_event(Event::InstanceStarted {
            pubkey: worker,
            nonce,
        });
    }

    fn on_cluster_key(
        sender: &WorkerId,
        cluster: &ClusterId,
        public_key: &[u8; 32],
    ) -> DispatchResult {
        ensure!(
            T::Clusters::is_member(cluster, sender),
            Error::<T>::NotInCluster
        );
        let (key, told, told_by) = (hash(cluster), public(public_key), public(&sender.0));
        match ClusterKeys::<T>::get(key) {
            Some(known) if known == told => {}
            Some(known) => Self::deposit_event(Event::ClusterKeyDisputed {
                cluster: key,
                known,
                known_from: ClusterKeyTellers::<T>::get(key).unwrap_or(known),
                told,
                told_by,
            }),
            None => {
                ClusterKeys::<T>::insert(key, told);
                ClusterKeyTellers::<T>::insert(key, told_by);
                T::Clusters::on_cluster_key(cluster, public_key);
                Self::deposit_event(Event::ClusterKeySet {
                    cluster: key,
                    pubkey: told,
                });
            }
        }
        Ok(())
    }

    /// The first worker that has the seed tells the key; one that differs keeps it from coming in force.
    fn on_next_cluster_key(
        sender: &WorkerId,
        cluster: &ClusterId,
        rotation: u32,
        public_key: [u8; 32],
    ) -> DispatchResult {
        ensure!(
            T::Clusters::is_member(cluster, sender),
            Error::<T>::NotInCluster
        );
        let SeedsInUse { in_force, newest } = T::Seeds::seeds_in_use(cluster);
        ensure!(
            rotation == newest && newest != in_force,
            Error::<T>::OtherRotation
        );
        let key = hash(cluster);
        match NextClusterKeys::<T>::get(key).filter(|next| next.rotation == rotation) {
            Some(next) if next.public_key == public_key => {}
            Some(next) => {
                let is_disputed = true;
                NextClusterKeys::<T>::insert(key, NextClusterKey { is_disputed, ..next });
                Self::deposit_event(Event::ClusterKeyDisputed {
                    cluster: key,
                    known: public(&next.public_key),
                    known_from: public(&next.told_by.0),
                    told: public(&public_key),
                    told_by: public(&sender.0),
                });
            }
            None => {
                let next = NextClusterKey {
                    rotation,
                    public_key,
                    told_by: *sender,
                    is_disputed: false,
                };
                NextClusterKeys::<T>::insert(key, next);
            }
        }
        Ok(())
    }

    fn on_contract_keys(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        let MessagePayload::ContractKeys {
            cluster,
            contract,
            deployer,
            public_key,
            hpke_public_key,
            cluster_signature,
        } = payload
        else {
            return Err(Error::<T>::UnknownMessage.into());
        };
        ensure!(
            T::Clusters::is_member(cluster, sender),
            Error::<T>::NotInCluster
        );
        let cluster_key =
            ClusterKeys::<T>::get(hash(cluster)).ok_or(Error::<T>::ClusterKeyMissing)?;
        let signed = contract_keys_signed_bytes(
            &Self::genesis_hash(),
            cluster,
            contract,
            deployer,
            public_key,
            hpke_public_key,
        );
        ensure!(
            sp_io::crypto::sr25519_verify(&(*cluster_signature).into(), &signed, &cluster_key),
            Error::<T>::InvalidSignature
        );
        let (key, pubkey) = (H256(contract.0), public(public_key));
        let rotation = T::Seeds::seeds_in_use(cluster).in_force;
        let known = ContractKeys::<T>::get(key);
        if let Some(known) = known {
            // Every worker of the cluster tells the same.
            let same = known == pubkey && ContractHpkeKeys::<T>::get(key) == Some(*hpke_public_key);
            let is_older = ContractKeyRotations::<T>::get(key) < rotation;
            ensure!(same || is_older, Error::<T>::ContractKeyMismatch);
            if same {
                return Ok(());
            }
            T::Clusters::on_contract_key_rotated(cluster, contract, public_key)?;
        } else {
            T::Clusters::on_contract_keys(cluster, contract, deployer, public_key)?;
        }
        ContractKeys::<T>::insert(key, pubkey);
        ContractHpkeKeys::<T>::insert(key, *hpke_public_key);
        if rotation > 0 {
            ContractKeyRotations::<T>::insert(key, rotation);
        }
        Ok(())
    }

    /// Checks every relation between the maps. Walks them all: for tests and upgrades only.
    ///
    /// # Errors
    /// Names the relation that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_pending()?;
        for (key, info) in Workers::<T>::iter() {
            ensure!(
                info.worker == key,
                "a record is stored under another worker's key"
            );
            ensure!(
                WorkerAddedAt::<T>::contains_key(key),
                "a worker has no first block"
            );
            ensure!(
                tier_is_valid(info.confidence_level),
                "a worker has an impossible tier"
            );
            let deposit = RegistrationDeposits::<T>::get(key).ok_or("a worker has no deposit")?;
            let held = T::Currency::balance_on_hold(
                &HoldReason::WorkerRegistration.into(),
                &info.registrant,
            );
            ensure!(
                held >= deposit,
                "less is held from a registrant than its deposit"
            );
            ensure!(
                DevelopmentNetwork::<T>::get() || info.root == RootKind::Intel,
                "a worker with development evidence is on a public network"
            );
        }
        let workers = Workers::<T>::iter_keys().count();
        ensure!(
            WorkerAddedAt::<T>::iter_keys().count() == workers,
            "a first block is left over"
        );
        ensure!(
            RegistrationDeposits::<T>::iter_keys().count() == workers,
            "a deposit is left over"
        );
        for key in Endpoints::<T>::iter_keys() {
            ensure!(Workers::<T>::contains_key(key), "endpoints are left over");
            ensure!(
                EndpointsSignedAt::<T>::contains_key(key),
                "endpoints have no signing time"
            );
        }
        Self::try_state_of_places()?;
        Self::try_state_of_policy()?;
        Self::try_state_of_keys()
    }

    fn try_state_of_policy() -> Result<(), TryRuntimeError> {
        let roots = AcceptedRoots::<T>::get();
        ensure!(
            DevelopmentNetwork::<T>::get()
                || roots.iter().all(|root| root.kind() == RootKind::Intel),
            "a public network accepts a development root"
        );
        ensure!(
            tier_is_valid(TierMax::<T>::get()),
            "the worst accepted tier is impossible"
        );
        ensure!(
            AllowedMeasurements::<T>::count() <= MEASUREMENTS_MAX,
            "too many allowed builds"
        );
        let gatekeepers = Gatekeeper::<T>::get();
        for (place, gatekeeper) in gatekeepers.iter().enumerate() {
            ensure!(
                Workers::<T>::contains_key(gatekeeper),
                "a gatekeeper is no worker"
            );
            ensure!(
                !gatekeepers[..place].contains(gatekeeper),
                "a gatekeeper is listed twice"
            );
        }
        Ok(())
    }

    fn try_state_of_keys() -> Result<(), TryRuntimeError> {
        for cluster in ClusterKeys::<T>::iter_keys() {
            ensure!(
                T::Clusters::exists(&ClusterId(cluster.0)),
                "a key of no cluster is left over"
            );
            ensure!(
                ClusterKeyTellers::<T>::contains_key(cluster),
                "nobody told a cluster's key"
            );
        }
        ensure!(
            ClusterKeyTellers::<T>::iter_keys().count() == ClusterKeys::<T>::iter_keys().count(),
            "who told a cluster's key is left over"
        );
        for cluster in NextClusterKeys::<T>::iter_keys() {
            ensure!(
                T::Clusters::exists(&ClusterId(cluster.0)),
                "a next key of no cluster is left over"
            );
        }
        for contract in ContractKeyRotations::<T>::iter_keys() {
            ensure!(
                ContractKeys::<T>::contains_key(contract),
                "the rotation of a key that is gone is left over"
            );
        }
        for worker in Instances::<T>::iter_keys() {
            ensure!(
                Workers::<T>::contains_key(worker),
                "an instance of no worker is left over"
            );
        }
        for contract in ContractKeys::<T>::iter_keys() {
            ensure!(
                ContractHpkeKeys::<T>::contains_key(contract),
                "a contract has half its keys"
            );
        }
        Ok(())
    }
}

impl<T: Config> WorkerDirectory for Pallet<T> {
    fn genesis_hash() -> GenesisHash {
        let hash = frame_system::Pallet::<T>::block_hash(
            frame_system::pallet_prelude::BlockNumberFor::<T>::zero(),
        );
        let mut bytes = [0; 32];
        let source = hash.as_ref();
        let length = source.len().min(32);
        bytes[..length].copy_from_slice(&source[..length]);
        GenesisHash(bytes)
    }

    fn is_active(worker: &WorkerId) -> bool {
        Workers::<T>::get(public(&worker.0)).is_some_and(|info| {
            info.expires_at_ms > Self::now_ms()
                && AllowedMeasurements::<T>::contains_key(info.measurement)
        })
    }

    fn hpke_public_key(worker: &WorkerId) -> Option<HpkePublicKey> {
        Workers::<T>::get(public(&worker.0)).map(|info| info.hpke_public_key)
    }

    fn is_gatekeeper(worker: &WorkerId) -> bool {
        Gatekeeper::<T>::get().contains(&public(&worker.0))
    }
}

impl<T: Config> GatekeeperDirectory for Pallet<T> {
    fn gatekeepers() -> Vec<WorkerId> {
        Gatekeeper::<T>::get().iter().map(worker_id).collect()
    }

    fn is_development_network() -> bool {
        DevelopmentNetwork::<T>::get()
    }

    fn set_network_key(public_key: &[u8; 32]) {
        let master_pubkey = public(public_key);
        GatekeeperMasterPubkey::<T>::put(master_pubkey);
        Self::deposit_event(Event::GatekeeperLaunched { master_pubkey });
    }
}

impl<T: Config> ClusterKeyDirectory for Pallet<T> {
    fn is_build_allowed(worker: &WorkerId) -> bool {
        Workers::<T>::get(public(&worker.0))
            .is_some_and(|info| AllowedMeasurements::<T>::contains_key(info.measurement))
    }

    fn has_next_cluster_key(cluster: &ClusterId, rotation: u32) -> bool {
        NextClusterKeys::<T>::get(hash(cluster))
            .is_some_and(|next| next.rotation == rotation && !next.is_disputed)
    }

    fn use_next_cluster_key(cluster: &ClusterId, rotation: u32) {
        let key = hash(cluster);
        let Some(next) = NextClusterKeys::<T>::take(key).filter(|next| next.rotation == rotation)
        else {
            return;
        };
        let pubkey = public(&next.public_key);
        ClusterKeys::<T>::insert(key, pubkey);
        ClusterKeyTellers::<T>::insert(key, public(&next.told_by.0));
        T::Clusters::on_cluster_key(cluster, &next.public_key);
        Self::deposit_event(Event::ClusterKeySet {
            cluster: key,
            pubkey,
        });
    }
}

impl<T: Config> GatekeeperSet for Pallet<T> {
    fn appoint(worker: &WorkerId) -> DispatchResult {
        Self::do_register_gatekeeper(public(&worker.0))
    }

    fn dismiss(worker: &WorkerId) -> DispatchResult {
        Self::do_unregister_gatekeeper(public(&worker.0))
    }
}

impl<T: Config> WorkerRecords<AccountId32> for Pallet<T> {
    fn operator(worker: &WorkerId) -> Option<AccountId32> {
        Workers::<T>::get(public(&worker.0)).and_then(|info| info.operator)
    }

    fn confidence_level(worker: &WorkerId) -> Option<u8> {
        Workers::<T>::get(public(&worker.0)).map(|info| info.confidence_level)
    }
}

impl<T: Config> KeyStore for Pallet<T> {
    fn forget_cluster(cluster: &ClusterId, workers: &[WorkerId]) {
        ClusterKeys::<T>::remove(hash(cluster));
        ClusterKeyTellers::<T>::remove(hash(cluster));
        NextClusterKeys::<T>::remove(hash(cluster));
        T::Seeds::forget_cluster(cluster, workers);
    }

    fn forget_seed(cluster: &ClusterId, worker: &WorkerId) {
        T::Seeds::forget_seed(cluster, worker);
    }

    fn forget_contract(contract: &ContractId) {
        ContractKeys::<T>::remove(H256(contract.0));
        ContractHpkeKeys::<T>::remove(H256(contract.0));
        ContractKeyRotations::<T>::remove(H256(contract.0));
    }

    fn rotate_cluster_keys(cluster: &ClusterId, window_blocks: Option<u32>) -> DispatchResult {
        T::Seeds::rotate(cluster, window_blocks)
    }

    fn is_seed_exposed(cluster: &ClusterId) -> bool {
        T::Seeds::is_seed_exposed(cluster)
    }
}

/// For a runtime that keeps no seeds.
impl SeedStore for () {
    fn forget_cluster(_: &ClusterId, _: &[WorkerId]) {}

    fn forget_seed(_: &ClusterId, _: &WorkerId) {}

    fn seeds_in_use(_: &ClusterId) -> SeedsInUse {
        SeedsInUse::default()
    }

    fn rotate(_: &ClusterId, _: Option<u32>) -> DispatchResult {
        Err(DispatchError::Other("there are no seeds"))
    }

    fn is_seed_exposed(_: &ClusterId) -> bool {
        false
    }
}

/// Clusters for a runtime without them.
impl Clusters for () {
    fn exists(_: &ClusterId) -> bool {
        false
    }

    fn is_member(_: &ClusterId, _: &WorkerId) -> bool {
        false
    }

    fn is_assigned(_: &WorkerId) -> bool {
        false
    }

    fn members(_: &ClusterId) -> Vec<WorkerId> {
        Vec::new()
    }

    fn at(_: u32) -> Option<ClusterId> {
        None
    }

    fn push_rotation(_: &ClusterId, _: u32) -> DispatchResult {
        Err(DispatchError::Other("there are no clusters"))
    }

    fn push_retirement(_: &ClusterId) -> DispatchResult {
        Err(DispatchError::Other("there are no clusters"))
    }

    fn on_contract_key_rotated(_: &ClusterId, _: &ContractId, _: &[u8; 32]) -> DispatchResult {
        Err(DispatchError::Other("there are no clusters"))
    }

    fn on_cluster_key(_: &ClusterId, _: &[u8; 32]) {}

    fn on_contract_keys(
        _: &ClusterId,
        _: &ContractId,
        _: &AccountId,
        _: &[u8; 32],
    ) -> DispatchResult {
        Err(DispatchError::Other("there are no clusters"))
    }
}
