// Real quotes, judged where they should pass and where they should not.

use attestation::{
    AcceptedRoot, AttestationError, Collateral, Evidence, Policy, RootKind, TIER_WORST, TeeKind,
    VerifiedIdentity, evidence_hash, judge,
};
use primitives::Measurement;

const DAY_SECONDS: u64 = 24 * 60 * 60;
/// 2025-06-20T12:00:00Z, a day after the collateral of `sgx_quote` and `tdx_quote`.
const JUNE_2025: u64 = 1_750_420_800;
/// 2026-02-19T12:00:00Z, a day after the collateral of `tdx_quote_outdated`.
const FEBRUARY_2026: u64 = 1_771_502_400;
/// 2026-10-09T12:00:00Z, a day after the collateral of `tdx_quote_td15ex`.
const OCTOBER_2026: u64 = 1_791_547_200;

/// Where a quote has its report, and its report its report data.
const SGX_REPORT: usize = 48;
const SGX_REPORT_DATA: usize = SGX_REPORT + 320;
const TD10_REPORT_DATA: usize = 48 + 520;
const TD15_REPORT_DATA: usize = 48 + 6 + 520;

macro_rules! sample {
    ($name:literal) => {
        Evidence {
            quote: include_bytes!(concat!("../samples/", $name, ".bin")).to_vec(),
            collateral: Collateral::from_json(include_str!(concat!(
                "../samples/",
                $name,
                "_collateral.json"
            )))
            .expect("a recorded file"),
        }
    };
}

fn sgx() -> Evidence {
    sample!("sgx_quote")
}

fn tdx() -> Evidence {
    sample!("tdx_quote")
}

fn report_data_at(evidence: &Evidence, offset: usize) -> [u8; 64] {
    evidence.quote[offset..offset + 64]
        .try_into()
        .expect("64 bytes")
}

fn any_build(roots: &[AcceptedRoot]) -> Policy<'_> {
    Policy {
        roots,
        allowed_measurements: None,
        tier_max: TIER_WORST,
    }
}

fn judge_sgx(evidence: &Evidence, now: u64) -> Result<VerifiedIdentity, AttestationError> {
    let expected = report_data_at(&sgx(), SGX_REPORT_DATA);
    judge(evidence, &expected, &any_build(&[AcceptedRoot::Intel]), now)
}

fn judge_tdx(evidence: &Evidence, now: u64) -> Result<VerifiedIdentity, AttestationError> {
    let expected = report_data_at(&tdx(), TD10_REPORT_DATA);
    judge(evidence, &expected, &any_build(&[AcceptedRoot::Intel]), now)
}

#[test]
fn an_sgx_quote_passes_with_its_tier() {
    let identity = judge_sgx(&sgx(), JUNE_2025).expect("genuine");
    assert_eq!(identity.tee, TeeKind::Sgx);
    assert_eq!(identity.root, RootKind::Intel);
    assert_eq!(identity.tcb_status, "ConfigurationAndSWHardeningNeeded");
    assert_eq!(identity.advisory_ids, ["INTEL-SA-00289", "INTEL-SA-00615"]);
    assert_eq!(identity.tier, 4);
    assert!(identity.valid_until > JUNE_2025);
    assert!(identity.valid_until < JUNE_2025 + 31 * DAY_SECONDS);
}

#[test]
fn a_tdx_quote_passes_as_up_to_date() {
    let identity = judge_tdx(&tdx(), JUNE_2025).expect("genuine");
    assert_eq!(identity.tee, TeeKind::Tdx);
    assert_eq!(identity.tcb_status, "UpToDate");
    assert_eq!(identity.tier, 1);
}

#[test]
fn a_tdx_1_5_quote_passes_as_up_to_date() {
    let evidence = sample!("tdx_quote_td15ex");
    let expected = report_data_at(&evidence, TD15_REPORT_DATA);
    let identity = judge(
        &evidence,
        &expected,
        &any_build(&[AcceptedRoot::Intel]),
        OCTOBER_2026,
    );
    assert_eq!(identity.map(|identity| identity.tier), Ok(1));
}

/// Computed once by an independent program from the layouts in the documentation.
#[test]
fn measurements_and_hashes_keep_their_layout() {
    let sgx_identity = judge_sgx(&sgx(), JUNE_2025).expect("genuine");
    let tdx_identity = judge_tdx(&tdx(), JUNE_2025).expect("genuine");
    assert_eq!(
        sgx_identity.measurement.to_hex(),
        "0x983f8b8d3703b0e144ff2c3a4daa264b5c81e848c3b9439e7179a89be3fce485"
    );
    assert_eq!(
        tdx_identity.measurement.to_hex(),
        "0xb3925fc9f3f0aa02dff0b974e1d0b26438cdfc35a835a73dbd090b5e80b6d7dd"
    );
    assert_eq!(
        Measurement(evidence_hash(&sgx())).to_hex(),
        "0xced092c37f744ef4204d10f03cca572655d87caa488aca0d60fbe79fb9dcbe9d"
    );
}

#[test]
fn an_outdated_platform_is_refused() {
    let evidence = sample!("tdx_quote_outdated");
    let expected = report_data_at(&evidence, TD10_REPORT_DATA);
    let policy = any_build(&[AcceptedRoot::Intel]);
    let error = judge(&evidence, &expected, &policy, FEBRUARY_2026);
    assert!(
        matches!(&error, Err(AttestationError::TcbRefused { status })
            if status.contains("No matching TCB level")),
        "{error:?}"
    );
}

#[test]
fn the_policy_decides_by_tier() {
    let evidence = sgx();
    let expected = report_data_at(&evidence, SGX_REPORT_DATA);
    let with_tier = |tier_max| {
        let roots = [AcceptedRoot::Intel];
        let policy = Policy {
            roots: &roots,
            allowed_measurements: None,
            tier_max,
        };
        judge(&evidence, &expected, &policy, JUNE_2025)
    };
    assert!(with_tier(4).is_ok());
    let refused = AttestationError::TcbRefused {
        status: "ConfigurationAndSWHardeningNeeded".to_string(),
    };
    assert_eq!(with_tier(3), Err(refused));
}

#[test]
fn the_policy_decides_by_measurement() {
    let evidence = tdx();
    let expected = report_data_at(&evidence, TD10_REPORT_DATA);
    let measurement = judge_tdx(&evidence, JUNE_2025)
        .expect("genuine")
        .measurement;
    let with_list = |list: &[Measurement]| {
        let roots = [AcceptedRoot::Intel];
        let policy = Policy {
            roots: &roots,
            allowed_measurements: Some(list),
            tier_max: 1,
        };
        judge(&evidence, &expected, &policy, JUNE_2025)
    };
    assert!(with_list(&[Measurement([1; 32]), measurement]).is_ok());
    let refused = Err(AttestationError::MeasurementNotAllowed { measurement });
    assert_eq!(with_list(&[Measurement([1; 32])]), refused);
    assert_eq!(with_list(&[]), refused);
}

#[test]
fn other_report_data_is_refused() {
    let mut expected = report_data_at(&tdx(), TD10_REPORT_DATA);
    expected[63] ^= 1;
    let policy = any_build(&[AcceptedRoot::Intel]);
    assert_eq!(
        judge(&tdx(), &expected, &policy, JUNE_2025),
        Err(AttestationError::ReportDataMismatch)
    );
}

#[test]
fn lapsed_and_early_collateral_is_refused() {
    for late in [31, 400, 40_000] {
        let error = judge_tdx(&tdx(), JUNE_2025 + late * DAY_SECONDS);
        assert!(
            matches!(error, Err(AttestationError::Expired(_))),
            "{late}: {error:?}"
        );
    }
    let error = judge_tdx(&tdx(), JUNE_2025 - 10 * DAY_SECONDS);
    assert!(
        matches!(error, Err(AttestationError::NotYetValid(_))),
        "{error:?}"
    );
    let valid_until = judge_tdx(&tdx(), JUNE_2025).expect("genuine").valid_until;
    assert!(judge_tdx(&tdx(), valid_until - 1).is_ok());
    assert!(judge_tdx(&tdx(), valid_until + 1).is_err());
}

#[test]
fn no_root_or_another_root_is_refused() {
    let evidence = tdx();
    let expected = report_data_at(&evidence, TD10_REPORT_DATA);
    let judged = |roots: &[AcceptedRoot]| judge(&evidence, &expected, &any_build(roots), JUNE_2025);
    assert_eq!(judged(&[]), Err(AttestationError::RootNotAccepted));
    let nonsense = AcceptedRoot::development(vec![0x30; 40]).expect("short");
    assert!(judged(core::slice::from_ref(&nonsense)).is_err());
    let with_intel = judged(&[nonsense, AcceptedRoot::Intel]);
    assert_eq!(
        with_intel.map(|identity| identity.root),
        Ok(RootKind::Intel)
    );
    let many = vec![AcceptedRoot::Intel; 5];
    assert!(matches!(
        judged(&many),
        Err(AttestationError::TooManyRoots { .. })
    ));
}

/// Where an altered byte is not covered by a signature (padding, lengths that fit, the copy of the
/// root in the chain), the identity must be the same; everywhere else the evidence must be refused.
fn check_altered_quotes(
    evidence: &Evidence,
    judged: impl Fn(&Evidence) -> Result<VerifiedIdentity, AttestationError>,
    signed_bytes: usize,
) {
    let genuine = judged(evidence).expect("genuine");
    for offset in (0..evidence.quote.len()).step_by(37) {
        let mut altered = evidence.clone();
        altered.quote[offset] ^= 0x41;
        match judged(&altered) {
            Ok(identity) => {
                assert!(offset >= signed_bytes, "byte {offset} is signed");
                assert_eq!(identity, genuine, "byte {offset}");
            }
            Err(error) => assert_ne!(error, AttestationError::ReportDataMismatch, "{offset}"),
        }
    }
}

#[test]
fn an_altered_quote_is_refused() {
    check_altered_quotes(&sgx(), |evidence| judge_sgx(evidence, JUNE_2025), 48 + 384);
    check_altered_quotes(&tdx(), |evidence| judge_tdx(evidence, JUNE_2025), 48 + 584);
}

#[test]
fn altered_collateral_is_refused() {
    let alter = |change: &dyn Fn(&mut Collateral)| {
        let mut evidence = tdx();
        change(&mut evidence.collateral);
        judge_tdx(&evidence, JUNE_2025)
    };
    let cases: [&dyn Fn(&mut Collateral); 9] = [
        &|collateral| collateral.root_ca_crl[100] ^= 1,
        &|collateral| collateral.pck_crl[100] ^= 1,
        &|collateral| collateral.tcb_info_signature[5] ^= 1,
        &|collateral| collateral.qe_identity_signature[5] ^= 1,
        &|collateral| collateral.tcb_info = collateral.tcb_info.replace("OutOfDate", "UpToDate"),
        &|collateral| collateral.qe_identity = collateral.qe_identity.replace("DC9E", "DC9F"),
        &|collateral| collateral.tcb_info_issuer_chain.clear(),
        &|collateral| collateral.pck_certificate_chain = Some(String::new()),
        &|collateral| collateral.tcb_info_signature.clear(),
    ];
    for (number, case) in cases.iter().enumerate() {
        assert!(alter(*case).is_err(), "case {number}");
    }
}

#[test]
fn another_platforms_collateral_is_refused() {
    let mixed = Evidence {
        quote: tdx().quote,
        collateral: sgx().collateral,
    };
    assert!(judge_tdx(&mixed, JUNE_2025).is_err());
}

#[test]
fn oversized_evidence_is_refused_unparsed() {
    let mut evidence = tdx();
    evidence.quote.resize(16 * 1024 + 1, 0);
    let error = judge_tdx(&evidence, JUNE_2025);
    assert!(
        matches!(error, Err(AttestationError::TooLarge { part: "quote", .. })),
        "{error:?}"
    );

    let mut evidence = tdx();
    evidence.collateral.pck_crl.resize(64 * 1024, 0);
    let error = judge_tdx(&evidence, JUNE_2025);
    assert!(
        matches!(
            error,
            Err(AttestationError::TooLarge {
                part: "collateral",
                ..
            })
        ),
        "{error:?}"
    );
}

#[test]
fn collateral_json_reads_back() {
    let collateral = tdx().collateral;
    let json = collateral.to_json().expect("text");
    assert_eq!(Collateral::from_json(&json), Ok(collateral));
    assert!(Collateral::from_json("{}").is_err());
    assert!(Collateral::from_json(&" ".repeat(200_000)).is_err());
}
