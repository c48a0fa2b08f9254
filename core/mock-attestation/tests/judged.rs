//! Development evidence through the production verifier.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

use attestation::{
    AcceptedRoot, AttestationError, Evidence, Policy, RootKind, TIER_WORST, TeeKind,
    VerifiedIdentity, judge,
};
use mock_attestation::{DevelopmentPki, MockEnclave, MockFault, MockTcb, MockTd};
use sha2::{Digest, Sha256};

const NOW: u64 = 1_800_000_000;
const DATA: [u8; 64] = [0x5a; 64];

fn pki() -> DevelopmentPki {
    DevelopmentPki::insecure_well_known()
}

fn judged_at(evidence: &Evidence, now: u64) -> Result<VerifiedIdentity, AttestationError> {
    let roots = [AcceptedRoot::Intel, pki().accepted_root()];
    let policy = Policy {
        roots: &roots,
        allowed_measurements: None,
        tier_max: TIER_WORST,
    };
    judge(evidence, &DATA, &policy, now)
}

fn judged_td(td: &MockTd) -> Result<VerifiedIdentity, AttestationError> {
    judged_at(&pki().tdx_evidence(td, &DATA, NOW), NOW)
}

fn judged_fault(fault: MockFault) -> AttestationError {
    let evidence = pki().faulty_tdx_evidence(&MockTd::of_build([1; 48]), &DATA, NOW, fault);
    judged_at(&evidence, NOW).expect_err("faulty")
}

#[test]
fn a_td_passes() {
    let td = MockTd {
        rtmrs: [[1; 48], [2; 48], [3; 48], [4; 48]],
        ..MockTd::of_build([9; 48])
    };
    let identity = judged_td(&td).expect("genuine");
    assert_eq!(identity.report_data, DATA);
    assert_eq!(identity.measurement, td.measurement());
    assert_eq!(identity.tee, TeeKind::Tdx);
    assert_eq!(identity.root, RootKind::Development);
    assert_eq!(
        (identity.tier, identity.tcb_status.as_str()),
        (1, "UpToDate")
    );
    assert_eq!(identity.valid_until, NOW + 30 * 24 * 60 * 60);
    let evidence = pki().tdx_evidence(&td, &DATA, NOW);
    assert_eq!(evidence.check_bounds(), Ok(()));
}

#[test]
fn an_enclave_passes() {
    let enclave = MockEnclave {
        mr_signer: [2; 32],
        isv_prod_id: 0x0102,
        isv_svn: 0x0304,
        ..MockEnclave::of_build([1; 32])
    };
    let evidence = pki().sgx_evidence(&enclave, &DATA, NOW);
    let identity = judged_at(&evidence, NOW).expect("genuine");
    assert_eq!(identity.measurement, enclave.measurement());
    assert_eq!(identity.tee, TeeKind::Sgx);

    let debug = MockEnclave {
        debug: true,
        ..enclave
    };
    let evidence = pki().sgx_evidence(&debug, &DATA, NOW);
    assert_eq!(
        judged_at(&evidence, NOW),
        Err(AttestationError::DebugEnclave)
    );
}

#[test]
fn every_measured_part_changes_the_measurement() {
    let td = MockTd::of_build([0; 48]);
    let mut seen = vec![td.measurement()];
    let mut check = |changed: MockTd| {
        let measurement = judged_td(&changed).expect("genuine").measurement;
        assert_eq!(measurement, changed.measurement());
        assert!(!seen.contains(&measurement));
        seen.push(measurement);
    };
    check(MockTd::of_build([1; 48]));
    for register in 0..4 {
        let mut changed = td.clone();
        changed.rtmrs[register][47] = 1;
        check(changed);
    }
    let performance_monitoring = [0, 0, 0, 0x10, 0, 0, 0, 0x80];
    check(MockTd {
        attributes: performance_monitoring,
        ..td
    });
}

#[test]
fn the_well_known_root_is_the_same_everywhere() {
    let root = pki().root_ca_der();
    assert_eq!(root, pki().root_ca_der());
    assert_eq!(
        hex::encode(Sha256::digest(&root)),
        "df667a92cc3761d5ba783c5777d362965235d05bf814afce22d5bff4d95ca095"
    );
}

#[test]
fn evidence_is_reproducible() {
    let td = MockTd::of_build([3; 48]);
    assert_eq!(
        pki().tdx_evidence(&td, &DATA, NOW),
        pki().tdx_evidence(&td, &DATA, NOW)
    );
}

#[test]
fn a_foreign_root_is_refused() {
    let foreign = DevelopmentPki::from_seed([8; 32]);
    assert_ne!(foreign.root_ca_der(), pki().root_ca_der());
    let evidence = foreign.tdx_evidence(&MockTd::of_build([1; 48]), &DATA, NOW);
    assert_eq!(
        judged_at(&evidence, NOW),
        Err(AttestationError::RootNotAccepted)
    );
}

#[test]
fn a_foreign_chain_under_our_lists_is_refused() {
    let td = MockTd::of_build([1; 48]);
    let foreign = DevelopmentPki::from_seed([8; 32]).tdx_evidence(&td, &DATA, NOW);
    let mixed = Evidence {
        quote: foreign.quote,
        collateral: pki().tdx_evidence(&td, &DATA, NOW).collateral,
    };
    assert!(judged_at(&mixed, NOW).is_err());
}

#[test]
fn a_public_chain_refuses_development_evidence() {
    let evidence = pki().tdx_evidence(&MockTd::of_build([1; 48]), &DATA, NOW);
    let roots = [AcceptedRoot::Intel];
    let policy = Policy {
        roots: &roots,
        allowed_measurements: None,
        tier_max: TIER_WORST,
    };
    assert_eq!(
        judge(&evidence, &DATA, &policy, NOW),
        Err(AttestationError::RootNotAccepted)
    );
}

#[test]
fn tiers_follow_the_tcb() {
    let tier = |tcb| {
        let td = MockTd {
            tcb,
            ..MockTd::of_build([1; 48])
        };
        judged_td(&td).map(|identity| identity.tier)
    };
    let listed = || vec!["INTEL-SA-00334".to_string()];
    let unlisted = || vec!["INTEL-SA-09999".to_string()];
    assert_eq!(tier(MockTcb::UpToDate), Ok(1));
    assert_eq!(tier(MockTcb::SwHardeningNeeded(listed())), Ok(2));
    assert_eq!(tier(MockTcb::ConfigurationNeeded(listed())), Ok(3));
    assert_eq!(tier(MockTcb::ConfigurationNeeded(unlisted())), Ok(4));
    assert_eq!(tier(MockTcb::OutOfDate(unlisted())), Ok(5));
    assert!(matches!(
        tier(MockTcb::Revoked),
        Err(AttestationError::Revoked(_))
    ));
    assert!(matches!(
        tier(MockTcb::Unsupported),
        Err(AttestationError::TcbRefused { .. })
    ));
}

#[test]
fn unsafe_tds_are_refused() {
    let debug = MockTd {
        debug: true,
        ..MockTd::of_build([1; 48])
    };
    assert_eq!(judged_td(&debug), Err(AttestationError::DebugEnclave));

    let with = |attributes| {
        judged_td(&MockTd {
            attributes,
            ..MockTd::of_build([1; 48])
        })
    };
    for (name, attributes) in [
        ("exceptions can be injected", [0, 0, 0, 0, 0, 0, 0, 0]),
        ("migratable", [0, 0, 0, 0x30, 0, 0, 0, 0]),
        ("service TD extension", [0, 0, 0x02, 0x10, 0, 0, 0, 0]),
        ("reserved", [0, 0, 0, 0x10, 1, 0, 0, 0]),
    ] {
        let error = with(attributes);
        assert!(
            matches!(error, Err(AttestationError::UnsafeAttributes(_))),
            "{name}: {error:?}"
        );
    }
    assert_eq!(
        with([0x10, 0, 0, 0x10, 0, 0, 0, 0]),
        Err(AttestationError::DebugEnclave)
    );
}

#[test]
fn faults_are_refused_for_their_reason() {
    use AttestationError as E;
    for fault in [
        MockFault::RevokedPckCertificate,
        MockFault::RevokedPckAuthority,
    ] {
        let error = judged_fault(fault);
        assert!(matches!(error, E::Revoked(_)), "{fault:?}: {error:?}");
    }
    let error = judged_fault(MockFault::LapsedCollateral);
    assert!(matches!(error, E::Expired(_)), "{error:?}");
    let error = judged_fault(MockFault::FutureCollateral);
    assert!(matches!(error, E::NotYetValid(_)), "{error:?}");
    for fault in [
        MockFault::ForgedQuote,
        MockFault::ForgedQuotingEnclave,
        MockFault::ForgedTcbInfo,
    ] {
        let error = judged_fault(fault);
        assert!(matches!(error, E::QuoteInvalid(_)), "{fault:?}: {error:?}");
    }
}

#[test]
fn evidence_lapses_and_works_at_any_date() {
    let td = MockTd::of_build([1; 48]);
    for now in [0, 1, 1_600_000_000, NOW, 2_600_000_000, 4_000_000_000] {
        let evidence = pki().tdx_evidence(&td, &DATA, now);
        assert!(judged_at(&evidence, now).is_ok(), "{now}");
    }
    let evidence = pki().tdx_evidence(&td, &DATA, NOW);
    let late = NOW + 31 * 24 * 60 * 60;
    assert!(matches!(
        judged_at(&evidence, late),
        Err(AttestationError::Expired(_))
    ));
    // Past every certificate there is an error, not a panic.
    let evidence = pki().tdx_evidence(&td, &DATA, u64::MAX);
    assert!(judged_at(&evidence, u64::MAX).is_err());
}
