mod notice;

use crate::mock::*;
use crate::*;
use attestation::AcceptedRoot;
use codec::{Decode, Encode};
use frame_support::{assert_noop, assert_ok};
use mock_attestation::{DevelopmentPki, MockFault, MockTcb, MockTd};
use polkadot_sdk::*;
use primitives::{
    AccountId, ClusterId, ContractId, GenesisHash, HpkePublicKey, Measurement,
};
use sp_core::{H256, Pair, sr25519};
use sp_runtime::traits::BadOrigin;
use wire::message::{MessagePayload, contract_keys_signed_bytes};
use wire::registration::{VersionedWorkerEndpoints, WorkerEndpointPayload, WorkerRegistration};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn key(seed: u8) -> sr25519::Public {
    pair(seed).public()
}

fn signed(seed: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(seed))
}

fn root() -> RuntimeOrigin {
    RuntimeOrigin::root()
}

/// Brings a registration with evidence of `td`, made by account 1.
fn bring(registration: WorkerRegistration, td: &MockTd) -> sp_runtime::DispatchResult {
    let evidence = evidence(td, &registration);
    Registry::register_worker_v2(signed(1), registration, evidence)
}

#[test]
fn a_worker_registers_and_renews() {
    run(|| {
        register(9);
        let first = Workers::<Test>::get(key(9)).unwrap();
        assert_eq!(first.measurement, build().measurement());
        assert_eq!(first.confidence_level, 1);
        assert_eq!(first.registrant, account(1));
        assert_eq!(first.expires_at_ms, NOW_MS + 30 * DAY_MS);
        assert_eq!(first.registration_hash, registration(9, NOW_MS).hash());
        assert_eq!(Balances::free_balance(account(1)), ENDOWMENT - DEPOSIT);
        assert!(Registry::is_active(&worker(9)));
        assert_eq!(
            Registry::hpke_public_key(&worker(9)),
            Some(HpkePublicKey([9; 32]))
        );

        System::set_block_number(5);
        Timestamp::set_timestamp(NOW_MS + DAY_MS);
        let again = registration(9, NOW_MS + DAY_MS);
        let proof = evidence(&build(), &again);
        assert_ok!(Registry::register_worker_v2(signed(2), again, proof));
        let second = Workers::<Test>::get(key(9)).unwrap();
        assert_eq!(second.registrant, account(1));
        assert_eq!(second.last_updated_ms, NOW_MS + DAY_MS);
        assert_eq!(WorkerAddedAt::<Test>::get(key(9)), Some(1));
        assert_eq!(Balances::free_balance(account(2)), ENDOWMENT);
    });
}

#[test]
fn the_judgement_ends_when_the_collateral_does() {
    run(|| {
        assert_ok!(Registry::set_registration_lifetime(root(), 400 * DAY_MS));
        register(9);
        let expires_at_ms = Workers::<Test>::get(key(9)).unwrap().expires_at_ms;
        assert!(expires_at_ms < NOW_MS + 400 * DAY_MS);
        Timestamp::set_timestamp(expires_at_ms - 1);
        assert!(Registry::is_active(&worker(9)));
        Timestamp::set_timestamp(expires_at_ms);
        assert!(!Registry::is_active(&worker(9)));
    });
}

#[test]
fn a_score_belongs_to_one_build_of_one_operator() {
    run(|| {
        let other = MockTd::of_build([8; 48]);
        assert_ok!(Registry::allow_measurement(root(), other.measurement()));
        let mut made_at_ms = NOW_MS;
        let mut renewed_score = |operator, td: &MockTd| {
            made_at_ms += 1000;
            Timestamp::set_timestamp(made_at_ms);
            bring(
                WorkerRegistration {
                    operator,
                    ..registration(9, made_at_ms)
                },
                td,
            )
            .unwrap();
            let score = Workers::<Test>::get(key(9)).unwrap().initial_score;
            Workers::<Test>::mutate(key(9), |info| {
                info.as_mut().unwrap().initial_score = Some(77);
            });
            score
        };
        assert_eq!(renewed_score(None, &build()), None);
        assert_eq!(renewed_score(None, &build()), Some(77));
        assert_eq!(renewed_score(None, &other), None);
        assert_eq!(renewed_score(Some(AccountId([3; 32])), &other), None);
        assert_eq!(renewed_score(Some(AccountId([3; 32])), &other), Some(77));
    });
}

#[test]
fn each_fault_of_evidence_has_its_error() {
    run(|| {
        let pki = DevelopmentPki::insecure_well_known();
        let now = NOW_MS / 1000;
        let info = registration(9, NOW_MS);
        let data = info.report_data();
        let check = |evidence, error: Error<Test>| {
            assert_noop!(
                Registry::register_worker_v2(signed(1), info.clone(), evidence),
                error
            );
        };
        let faulty = |fault| pki.faulty_tdx_evidence(&build(), &data, now, fault);
        check(
            faulty(MockFault::RevokedPckCertificate),
            Error::EvidenceRevoked,
        );
        check(faulty(MockFault::LapsedCollateral), Error::EvidenceExpired);
        check(
            faulty(MockFault::FutureCollateral),
            Error::EvidenceNotYetValid,
        );
        check(faulty(MockFault::ForgedQuote), Error::EvidenceInvalid);
        check(
            faulty(MockFault::ForgedQuotingEnclave),
            Error::EvidenceInvalid,
        );
        check(faulty(MockFault::ForgedTcbInfo), Error::EvidenceInvalid);
        let of = |td: &MockTd| pki.tdx_evidence(td, &data, now);
        check(
            of(&MockTd {
                debug: true,
                ..build()
            }),
            Error::EvidenceOfDebugEnclave,
        );
        check(
            of(&MockTd {
                attributes: [0; 8],
                ..build()
            }),
            Error::EvidenceOfUnsafeAttributes,
        );
        check(
            of(&MockTd {
                tcb: MockTcb::OutOfDate(Vec::new()),
                ..build()
            }),
            Error::EvidenceTcbRefused,
        );
        check(
            of(&MockTd::of_build([8; 48])),
            Error::EvidenceMeasurementNotAllowed,
        );
        check(
            pki.tdx_evidence(&build(), &[1; 64], now),
            Error::EvidenceReportDataMismatch,
        );
        let foreign = DevelopmentPki::from_seed([1; 32]);
        check(
            foreign.tdx_evidence(&build(), &data, now),
            Error::EvidenceRootNotAccepted,
        );
        let mut long = of(&build());
        long.quote.resize(20_000, 0);
        check(long, Error::EvidenceTooLarge);
    });
}

#[test]
fn a_registration_is_bound_to_network_and_time() {
    run(|| {
        let check = |registration, error: Error<Test>| {
            frame_support::assert_err!(bring(registration, &build()), error);
        };
        let foreign = WorkerRegistration {
            genesis: GenesisHash([1; 32]),
            ..registration(9, NOW_MS)
        };
        check(foreign, Error::GenesisMismatch);
        check(
            registration(9, NOW_MS + 61_000),
            Error::RegistrationInFuture,
        );
        check(
            registration(9, NOW_MS - 30 * DAY_MS),
            Error::RegistrationTooOld,
        );
        assert_ok!(bring(registration(9, NOW_MS - 1000), &build()));
        check(registration(9, NOW_MS - 1000), Error::RegistrationNotNewer);
        check(registration(9, NOW_MS - 2000), Error::RegistrationNotNewer);
        assert_ok!(bring(registration(9, NOW_MS), &build()));
    });
}

#[test]
fn a_record_needs_its_deposit() {
    run(|| {
        let info = registration(9, NOW_MS);
        let proof = evidence(&build(), &info);
        assert!(Registry::register_worker_v2(signed(99), info, proof).is_err());
        assert!(!Workers::<Test>::contains_key(key(9)));
    });
}

fn announcement(seed: u8, urls: &[&str], signing_time: u64) -> (WorkerEndpointPayload, [u8; 64]) {
    let urls = urls.iter().map(|url| (*url).into()).collect();
    let payload = WorkerEndpointPayload {
        pubkey: worker(seed),
        versioned_endpoints: VersionedWorkerEndpoints::V1(urls),
        signing_time,
    };
    let signature = pair(seed).sign(&payload.signed_bytes(&genesis_hash())).0;
    (payload, signature)
}

fn announce((payload, signature): (WorkerEndpointPayload, [u8; 64])) -> sp_runtime::DispatchResult {
    Registry::update_worker_endpoint(signed(2), payload, signature)
}

#[test]
fn endpoints_are_stored_as_clients_read_them() {
    run(|| {
        register(9);
        let (payload, signature) = announcement(9, &["http://a:1", "https://b"], NOW_MS);
        let expected = payload.versioned_endpoints.clone();
        assert_ok!(announce((payload, signature)));
        let stored = Endpoints::<Test>::get(key(9)).unwrap().encode();
        assert_eq!(
            VersionedWorkerEndpoints::decode(&mut &stored[..]),
            Ok(expected)
        );
        System::assert_last_event(
            Event::WorkerEndpointUpdated {
                pubkey: key(9),
                signing_time: NOW_MS,
            }
            .into(),
        );
    });
}

#[test]
fn an_announcement_is_new_signed_and_bounded() {
    run(|| {
        frame_support::assert_err!(
            announce(announcement(9, &["http://a"], NOW_MS)),
            Error::<Test>::WorkerNotFound
        );
        register(9);
        let check = |payload, error: Error<Test>| {
            assert_noop!(announce(payload), error);
        };
        let hours = |count: u64| count * 60 * 60 * 1000;
        let at = |time| announcement(9, &["http://a"], time);
        check(at(NOW_MS + 61_000), Error::InvalidEndpointSigningTime);
        check(at(NOW_MS - hours(4) - 1), Error::InvalidEndpointSigningTime);
        assert_ok!(announce(at(NOW_MS - hours(1))));
        check(at(NOW_MS - hours(1)), Error::EndpointNotNewer);
        check(at(NOW_MS - hours(2)), Error::EndpointNotNewer);
        let with = |urls: &[&str]| announcement(9, urls, NOW_MS);
        check(with(&[]), Error::InvalidEndpoints);
        check(with(&[""]), Error::InvalidEndpoints);
        check(with(&["http://a b"]), Error::InvalidEndpoints);
        check(with(&["x"; 5]), Error::InvalidEndpoints);
        check(with(&[&"x".repeat(257)]), Error::InvalidEndpoints);
        let (payload, _) = at(NOW_MS);
        let (_, other) = announcement(9, &["http://b"], NOW_MS);
        check((payload.clone(), other), Error::InvalidSignature);
        let abroad = pair(9).sign(&payload.signed_bytes(&GenesisHash([1; 32]))).0;
        check((payload, abroad), Error::InvalidSignature);
        assert_ok!(Registry::disallow_measurement(
            root(),
            build().measurement()
        ));
        check(at(NOW_MS), Error::WorkerInactive);
    });
}

#[test]
fn gatekeepers_come_and_go() {
    run(|| {
        assert_noop!(Registry::register_gatekeeper(signed(1), key(9)), BadOrigin);
        assert_noop!(
            Registry::register_gatekeeper(root(), key(9)),
            Error::<Test>::WorkerNotFound
        );
        register(9);
        register(8);
        assert_ok!(Registry::register_gatekeeper(root(), key(9)));
        System::assert_last_event(Event::GatekeeperAdded { pubkey: key(9) }.into());
        assert_noop!(
            Registry::register_gatekeeper(root(), key(9)),
            Error::<Test>::GatekeeperExists
        );
        <Registry as GatekeeperDirectory>::set_network_key(&[5; 32]);
        assert_eq!(GatekeeperMasterPubkey::<Test>::get().unwrap().0, [5; 32]);
        assert_noop!(
            Registry::unregister_gatekeeper(root(), key(9)),
            Error::<Test>::CannotRemoveLastGatekeeper
        );
        assert_ok!(Registry::register_gatekeeper(root(), key(8)));
        assert_ok!(Registry::unregister_gatekeeper(root(), key(9)));
        System::assert_last_event(Event::GatekeeperRemoved { pubkey: key(9) }.into());
        assert_noop!(
            Registry::unregister_gatekeeper(root(), key(9)),
            Error::<Test>::NotGatekeeper
        );
    });
}

#[test]
fn a_public_network_never_accepts_a_development_root() {
    let public = GenesisConfig::<Test>::default();
    run_with(public, || {
        let development = DevelopmentPki::insecure_well_known().accepted_root();
        assert_noop!(
            Registry::set_accepted_roots(root(), vec![AcceptedRoot::Intel, development]),
            Error::<Test>::DevelopmentRootRefused
        );
        assert_ok!(Registry::set_accepted_roots(
            root(),
            vec![AcceptedRoot::Intel]
        ));
        assert_noop!(
            Registry::set_accepted_roots(root(), vec![AcceptedRoot::Intel; 5]),
            Error::<Test>::TooManyRoots
        );
    });
    let mixed = GenesisConfig::<Test> {
        development_network: false,
        ..development_genesis()
    };
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_with(mixed, || ())));
    let cause = refused.unwrap_err();
    let text = cause.downcast_ref::<&str>().unwrap();
    assert!(
        text.contains("accepts a development attestation root"),
        "{text}"
    );
}

#[test]
fn policy_is_roots_alone_and_bounded() {
    run(|| {
        let build = Measurement([1; 32]);
        assert_noop!(Registry::allow_measurement(signed(1), build), BadOrigin);
        assert_noop!(Registry::disallow_measurement(signed(1), build), BadOrigin);
        assert_noop!(Registry::set_accepted_roots(signed(1), vec![]), BadOrigin);
        assert_noop!(Registry::set_tier_max(signed(1), 1), BadOrigin);
        assert_noop!(
            Registry::set_registration_lifetime(signed(1), DAY_MS),
            BadOrigin
        );
        for tier in [0, 6] {
            assert_noop!(
                Registry::set_tier_max(root(), tier),
                Error::<Test>::InvalidTier
            );
        }
        for lifetime_ms in [0, 401 * DAY_MS] {
            assert_noop!(
                Registry::set_registration_lifetime(root(), lifetime_ms),
                Error::<Test>::InvalidLifetime
            );
        }
        assert_noop!(
            Registry::disallow_measurement(root(), build),
            Error::<Test>::MeasurementNotFound
        );
        // One is listed at genesis.
        for number in 1..64u8 {
            assert_ok!(Registry::allow_measurement(
                root(),
                Measurement([number; 32])
            ));
        }
        assert_noop!(
            Registry::allow_measurement(root(), Measurement([64; 32])),
            Error::<Test>::TooManyMeasurements
        );
        assert_ok!(Registry::allow_measurement(root(), build));
    });
}

#[test]
fn an_expired_worker_goes_and_the_deposit_comes_back() {
    run(|| {
        register(9);
        assert_ok!(announce(announcement(9, &["http://a"], NOW_MS)));
        assert_noop!(
            Registry::remove_expired_worker(signed(2), key(9)),
            Error::<Test>::WorkerNotExpired
        );
        assert_ok!(Registry::register_gatekeeper(root(), key(9)));
        Timestamp::set_timestamp(NOW_MS + 31 * DAY_MS);
        assert_noop!(
            Registry::remove_expired_worker(signed(2), key(9)),
            Error::<Test>::WorkerInUse
        );
        assert_ok!(Registry::unregister_gatekeeper(root(), key(9)));
        Members::set(vec![(ClusterId([1; 32]), worker(9))]);
        assert_noop!(
            Registry::remove_expired_worker(signed(2), key(9)),
            Error::<Test>::WorkerInUse
        );
        Members::set(Vec::new());
        assert_ok!(Registry::remove_expired_worker(signed(2), key(9)));
        assert_eq!(Balances::free_balance(account(1)), ENDOWMENT);
        assert!(!Endpoints::<Test>::contains_key(key(9)));
        assert_noop!(
            Registry::remove_expired_worker(signed(2), key(9)),
            Error::<Test>::WorkerNotFound
        );
    });
}

#[test]
fn the_first_cluster_key_of_a_member_stays_and_another_is_told_aloud() {
    run(|| {
        register(9);
        register(8);
        assert_ok!(Registry::register_gatekeeper(root(), key(9)));
        let cluster = ClusterId([1; 32]);
        let of = |byte| MessagePayload::ClusterKey {
            cluster,
            public_key: [byte; 32],
        };
        let tell = |seed, byte| Registry::handle_message(&worker(seed), &of(byte));
        assert_noop!(tell(8, 7), Error::<Test>::NotInCluster);
        Members::set(vec![(cluster, worker(8)), (cluster, worker(7))]);
        // Gatekeepers know no seed, so they tell no key.
        assert_noop!(tell(9, 7), Error::<Test>::NotInCluster);
        assert_ok!(tell(8, 7));
        assert_ok!(tell(7, 7));
        assert_ok!(tell(7, 6));
        System::assert_last_event(
            Event::ClusterKeyDisputed {
                cluster: H256([1; 32]),
                known: sr25519::Public::from_raw([7; 32]),
                known_from: key(8),
                told: sr25519::Public::from_raw([6; 32]),
                told_by: key(7),
            }
            .into(),
        );
        let stays = ClusterKeys::<Test>::get(H256([1; 32])).unwrap();
        assert_eq!(stays.0, [7; 32]);

        Registry::forget_seed(&cluster, &worker(7));
        Registry::forget_cluster(&cluster, &[worker(8)]);
        assert!(!ClusterKeys::<Test>::contains_key(H256([1; 32])));
        assert_eq!(
            Forgotten::get(),
            [(cluster, worker(7)), (cluster, worker(8))]
        );
    });
}

#[test]
fn the_next_key_of_a_cluster_comes_in_the_place_of_the_one_before_unless_it_is_disputed() {
    run(|| {
        let cluster = ClusterId([1; 32]);
        Members::set(vec![(cluster, worker(8)), (cluster, worker(7))]);
        let tell = |seed, rotation, byte| {
            let public_key = [byte; 32];
            let payload = MessagePayload::NextClusterKey { cluster, rotation, public_key };
            Registry::handle_message(&worker(seed), &payload)
        };
        assert_ok!(Registry::handle_message(
            &worker(8),
            &MessagePayload::ClusterKey { cluster, public_key: [3; 32] }
        ));
        assert_noop!(tell(8, 0, 4), Error::<Test>::OtherRotation);
        assert_ok!(Registry::rotate_cluster_keys(&cluster, None));
        assert_noop!(tell(9, 1, 4), Error::<Test>::NotInCluster);
        assert_noop!(tell(8, 2, 4), Error::<Test>::OtherRotation);
        assert_ok!(tell(8, 1, 4));
        assert_ok!(tell(7, 1, 4));
        assert!(Registry::has_next_cluster_key(&cluster, 1));
        assert!(!Registry::has_next_cluster_key(&cluster, 2));
        let known = || ClusterKeys::<Test>::get(H256([1; 32])).unwrap().0;
        assert_eq!(known(), [3; 32]);
        Registry::use_next_cluster_key(&cluster, 1);
        assert_eq!(known(), [4; 32]);
        Registry::do_try_state().unwrap();
        // Another time two differ: it does not come, whoever is right.
        InUse::set((1, 2));
        assert_ok!(tell(8, 2, 5));
        assert_ok!(tell(7, 2, 6));
        assert!(!Registry::has_next_cluster_key(&cluster, 2));
        System::assert_last_event(
            Event::ClusterKeyDisputed {
                cluster: H256([1; 32]),
                known: sr25519::Public::from_raw([5; 32]),
                known_from: key(8),
                told: sr25519::Public::from_raw([6; 32]),
                told_by: key(7),
            }
            .into(),
        );
        // The one after it begins anew.
        InUse::set((1, 3));
        assert_ok!(tell(7, 3, 6));
        assert!(Registry::has_next_cluster_key(&cluster, 3));
        Registry::forget_cluster(&cluster, &[]);
        assert!(!Registry::has_next_cluster_key(&cluster, 3));
    });
}

#[test]
fn contract_keys_of_a_seed_before_are_replaced_once() {
    run(|| {
        let (cluster, contract) = (ClusterId([1; 32]), ContractId([2; 32]));
        Members::set(vec![(cluster, worker(8))]);
        let keys = |public_key: [u8; 32]| {
            let (deployer, hpke) = (AccountId([3; 32]), HpkePublicKey([4; 32]));
            let bytes = contract_keys_signed_bytes(
                &genesis_hash(),
                &cluster,
                &contract,
                &deployer,
                &public_key,
                &hpke,
            );
            MessagePayload::ContractKeys {
                cluster,
                contract,
                deployer,
                public_key,
                hpke_public_key: hpke,
                cluster_signature: pair(20).sign(&bytes).0,
            }
        };
        let tell = |public_key| Registry::handle_message(&worker(8), &keys(public_key));
        let cluster_key = MessagePayload::ClusterKey { cluster, public_key: key(20).0 };
        assert_ok!(Registry::handle_message(&worker(8), &cluster_key));
        assert_ok!(tell([5; 32]));
        assert_noop!(tell([6; 32]), Error::<Test>::ContractKeyMismatch);
        InUse::set((1, 1));
        assert_ok!(tell([6; 32]));
        assert_eq!(ContractKeys::<Test>::get(H256([2; 32])).unwrap().0, [6; 32]);
        assert_eq!(ContractKeyRotations::<Test>::get(H256([2; 32])), 1);
        assert_eq!((Instantiated::get(), Rotated::get()), (vec![contract], vec![contract]));
        assert_ok!(tell([6; 32]));
        assert_noop!(tell([7; 32]), Error::<Test>::ContractKeyMismatch);
        Registry::forget_contract(&contract);
        assert!(!ContractKeyRotations::<Test>::contains_key(H256([2; 32])));
    });
}

#[test]
fn contract_keys_need_a_member_and_the_clusters_signature() {
    run(|| {
        let (cluster, contract) = (ClusterId([1; 32]), ContractId([2; 32]));
        let keys = |signer: u8, public_key: [u8; 32]| {
            let (deployer, hpke) = (AccountId([3; 32]), HpkePublicKey([4; 32]));
            let bytes = contract_keys_signed_bytes(
                &genesis_hash(),
                &cluster,
                &contract,
                &deployer,
                &public_key,
                &hpke,
            );
            MessagePayload::ContractKeys {
                cluster,
                contract,
                deployer,
                public_key,
                hpke_public_key: hpke,
                cluster_signature: pair(signer).sign(&bytes).0,
            }
        };
        let tell = |seed, payload| Registry::handle_message(&worker(seed), &payload);
        assert_noop!(tell(8, keys(20, [5; 32])), Error::<Test>::NotInCluster);
        Members::set(vec![(cluster, worker(8)), (cluster, worker(7))]);
        assert_noop!(tell(8, keys(20, [5; 32])), Error::<Test>::ClusterKeyMissing);
        let cluster_key = MessagePayload::ClusterKey {
            cluster,
            public_key: key(20).0,
        };
        assert_ok!(Registry::handle_message(&worker(8), &cluster_key));
        assert_noop!(tell(8, keys(21, [5; 32])), Error::<Test>::InvalidSignature);
        assert_ok!(tell(8, keys(20, [5; 32])));
        assert_ok!(tell(7, keys(20, [5; 32])));
        assert_eq!(Instantiated::get(), [contract]);
        assert_noop!(
            tell(7, keys(20, [6; 32])),
            Error::<Test>::ContractKeyMismatch
        );
        let stored = ContractKeys::<Test>::get(H256([2; 32])).unwrap();
        assert_eq!(stored.0, [5; 32]);
        assert_eq!(
            ContractHpkeKeys::<Test>::get(H256([2; 32])),
            Some(HpkePublicKey([4; 32]))
        );
        Registry::forget_contract(&contract);
        assert!(!ContractKeys::<Test>::contains_key(H256([2; 32])));
        let cluster_of = MessagePayload::Checkpoint {
            cluster,
            next_number: 0,
            state_root: Default::default(),
            block_number: 0,
        };
        assert_noop!(tell(8, cluster_of), Error::<Test>::UnknownMessage);
    });
}

#[test]
fn the_last_process_that_started_speaks_for_its_worker() {
    run(|| {
        register(1);
        let start = |byte| {
            let instance = MessagePayload::Instance { nonce: [byte; 32] };
            Registry::handle_message(&worker(1), &instance)
        };
        let key = key(1);
        assert_ok!(start(7));
        System::assert_last_event(
            Event::InstanceStarted {
                pubkey: key,
                nonce: [7; 32],
            }
            .into(),
        );
        System::set_block_number(5);
        let events = System::event_count();
        assert_ok!(start(7));
        let told = Instances::<Test>::get(key).unwrap();
        assert_eq!(
            (told, System::event_count()),
            (
                Instance {
                    nonce: [7; 32],
                    at: 1
                },
                events
            )
        );
        assert_ok!(start(8));
        assert_eq!(
            Instances::<Test>::get(key),
            Some(Instance {
                nonce: [8; 32],
                at: 5
            })
        );
        // It goes with the worker's record.
        Timestamp::set_timestamp(Workers::<Test>::get(key).unwrap().expires_at_ms);
        assert_ok!(Registry::remove_expired_worker(signed(2), key));
        assert_eq!(Instances::<Test>::iter().count(), 0);
        assert_eq!(Removed::get(), [worker(1)]);
    });
}

/// A registered worker, 9, that account 3 operates.
fn register_operated() {
    let operated =
        WorkerRegistration { operator: Some(AccountId([3; 32])), ..registration(9, NOW_MS) };
    assert_ok!(bring(operated, &build()));
}

fn place(country: &[u8; 2], city: &str, latitude: i16, longitude: i16) -> WorkerPlace {
    WorkerPlace {
        country: *country,
        city: city.as_bytes().to_vec().try_into().unwrap(),
        latitude_decidegrees: latitude,
        longitude_decidegrees: longitude,
    }
}

#[test]
fn an_operator_declares_a_place_and_takes_it_back() {
    run(|| {
        register_operated();
        let montreal = place(b"CA", "Montr\u{e9}al", 455, -736);
        let declared = Some(montreal.clone());
        assert_ok!(Registry::declare_worker_place(signed(3), key(9), declared.clone()));
        let stored = WorkerPlaces::<Test>::get(key(9)).unwrap();
        assert_eq!((stored.operator, stored.place), (account(3), montreal));
        System::assert_last_event(
            Event::WorkerPlaceDeclared { pubkey: key(9), place: declared }.into(),
        );
        assert_ok!(Registry::declare_worker_place(signed(3), key(9), None));
        assert_eq!(WorkerPlaces::<Test>::get(key(9)), None);
    });
}

#[test]
fn a_place_is_its_operators_word_and_is_on_earth() {
    run(|| {
        register_operated();
        let fine = Some(place(b"CA", "Montreal", 455, -736));
        let refused = |origin, worker, place, error: Error<Test>| {
            assert_noop!(Registry::declare_worker_place(origin, worker, place), error);
        };
        refused(signed(1), key(9), fine.clone(), Error::NotOperator);
        refused(signed(1), key(9), None, Error::NotOperator);
        refused(signed(3), key(8), fine.clone(), Error::WorkerNotFound);
        assert_noop!(Registry::declare_worker_place(root(), key(9), fine), BadOrigin);
        for wrong in [
            place(b"ca", "Montreal", 455, -736),
            place(b"CA", "", 455, -736),
            place(b"CA", "  ", 455, -736),
            place(b"CA", "Mont\nreal", 455, -736),
            place(b"CA", "Montreal", 901, 0),
            place(b"CA", "Montreal", -901, 0),
            place(b"CA", "Montreal", 0, 1801),
            place(b"CA", "Montreal", 0, i16::MIN),
            WorkerPlace { city: alloc::vec![0xff].try_into().unwrap(), ..place(b"CA", "", 0, 0) },
        ] {
            refused(signed(3), key(9), Some(wrong), Error::InvalidPlace);
        }
        for edge in [place(b"AQ", "South Pole", -900, 1800), place(b"NO", "Ny-\u{c5}lesund", 900, -1800)] {
            assert_ok!(Registry::declare_worker_place(signed(3), key(9), Some(edge)));
        }
    });
}

#[test]
fn a_place_goes_with_the_record() {
    run(|| {
        register_operated();
        let fine = Some(place(b"CA", "Montreal", 455, -736));
        assert_ok!(Registry::declare_worker_place(signed(3), key(9), fine));
        let expires_at_ms = Workers::<Test>::get(key(9)).unwrap().expires_at_ms;
        Timestamp::set_timestamp(expires_at_ms);
        assert_ok!(Registry::remove_expired_worker(signed(1), key(9)));
        assert_eq!(WorkerPlaces::<Test>::get(key(9)), None);
    });
}
