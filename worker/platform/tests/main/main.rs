//! Platforms against files that behave like a kernel's, and against files that do not.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

mod fake_kernel;
mod gramine;
mod insecure_simulated;
mod sealing;
mod tdx;

use attestation::Evidence;
use mock_attestation::{DevelopmentPki, MockEnclave, MockTd};

/// 2027-01-15: what the recorded collateral is made for.
const NOW: u64 = 1_800_000_000;

fn td_evidence(report_data: &[u8; 64]) -> Evidence {
    let pki = DevelopmentPki::insecure_well_known();
    pki.tdx_evidence(&MockTd::of_build([7; 48]), report_data, NOW)
}

fn enclave_evidence(report_data: &[u8; 64]) -> Evidence {
    let pki = DevelopmentPki::insecure_well_known();
    pki.sgx_evidence(&MockEnclave::of_build([7; 32]), report_data, NOW)
}

/// A directory with a collateral file for the quotes above.
fn collateral_file(evidence: &Evidence) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("collateral.json");
    std::fs::write(&path, evidence.collateral.to_json().expect("text")).expect("written");
    (dir, path)
}

fn any_build(evidence: &Evidence, report_data: &[u8; 64]) -> attestation::VerifiedIdentity {
    judged_at(evidence, report_data, NOW)
}

fn judged_at(
    evidence: &Evidence,
    report_data: &[u8; 64],
    now: u64,
) -> attestation::VerifiedIdentity {
    let roots = [DevelopmentPki::insecure_well_known().accepted_root()];
    let policy = attestation::Policy {
        roots: &roots,
        allowed_measurements: None,
        tier_max: 1,
    };
    attestation::judge(evidence, report_data, &policy, now).expect("genuine")
}
