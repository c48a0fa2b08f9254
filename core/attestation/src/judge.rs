//! The judgement itself.

use crate::AttestationError;
use crate::evidence::Evidence;
use crate::measure::{SgxParts, TdxParts, measure_sgx, measure_tdx};
use crate::root::{AcceptedRoot, RootKind};
use crate::tier::tier;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dcap_qvl::configs::RustCryptoConfig;
use dcap_qvl::quote::Report;
use dcap_qvl::verify::QuoteVerifier;
use dcap_qvl::{QuoteClaims, QuoteCollateralV3, QuotePolicy};
use primitives::Measurement;
use primitives::bounds::{QUOTE_BYTES_MAX, ROOTS_MAX};
use scale_info::TypeInfo;

/// What a caller accepts.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// Roots whose evidence counts, at most [`ROOTS_MAX`]; none accepts nothing.
    pub roots: &'a [AcceptedRoot],
    /// Builds that count; `None` leaves that to the caller, who must look at
    /// [`VerifiedIdentity::measurement`].
    pub allowed_measurements: Option<&'a [Measurement]>,
    /// Worst accepted tier, [`TIER_BEST`](crate::TIER_BEST) to [`TIER_WORST`](crate::TIER_WORST).
    pub tier_max: u8,
}

/// Kind of trusted execution environment.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum TeeKind {
    /// Intel SGX: one enclave in a process.
    Sgx,
    /// Intel TDX: a whole virtual machine.
    Tdx,
}

/// What evidence proved at the time it was judged. Only [`judge`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedIdentity {
    /// The 64 bytes that the measured program chose.
    pub report_data: [u8; 64],
    /// The measured build.
    pub measurement: Measurement,
    /// Kind of TEE.
    pub tee: TeeKind,
    /// Who vouches.
    pub root: RootKind,
    /// Confidence, 1 best to 5 worst.
    pub tier: u8,
    /// TCB status in Intel's words.
    pub tcb_status: String,
    /// Advisories open on the platform.
    pub advisory_ids: Vec<String>,
    /// Unix seconds at which the first certificate, list or document lapses: judge anew by then.
    pub valid_until: u64,
}

/// Judges evidence: genuine under an accepted root, good enough, an allowed build, and made over
/// the expected report data, at `now_unix_seconds`.
///
/// Pure and deterministic; the module's text has threats and cost. When several roots are accepted,
/// each is tried, and the reason that got furthest is given.
pub fn judge(
    evidence: &Evidence,
    expected_report_data: &[u8; 64],
    policy: &Policy<'_>,
    now_unix_seconds: u64,
) -> Result<VerifiedIdentity, AttestationError> {
    evidence.check_bounds()?;
    let (claims, root) = verify_under_roots(evidence, policy.roots, now_unix_seconds)?;
    let (report_data, measurement, tee) = read_report(&claims.report);
    if report_data != *expected_report_data {
        return Err(AttestationError::ReportDataMismatch);
    }
    let status = claims.tcb.status.to_string();
    let tier = match tier(claims.tcb.status, &claims.tcb.advisory_ids) {
        Some(tier) if tier <= policy.tier_max => tier,
        _ => return Err(AttestationError::TcbRefused { status }),
    };
    if policy
        .allowed_measurements
        .is_some_and(|allowed| !allowed.contains(&measurement))
    {
        return Err(AttestationError::MeasurementNotAllowed { measurement });
    }
    Ok(VerifiedIdentity {
        report_data,
        measurement,
        tee,
        root,
        tier,
        tcb_status: status,
        advisory_ids: claims.tcb.advisory_ids,
        valid_until: claims.earliest_expiration_date,
    })
}

/// The build that a quote claims to be of, without any judgement: for finding out what one's own quotes
/// say, and which build to look up before a judgement. `None` for bytes that are no quote.
pub fn claimed_measurement(quote: &[u8]) -> Option<Measurement> {
    if quote.len() > QUOTE_BYTES_MAX as usize {
        return None;
    }
    let quote = dcap_qvl::quote::Quote::parse(quote).ok()?;
    Some(read_report(&quote.report).1)
}

/// What the verifier found, and which root it found it under.
fn verify_under_roots(
    evidence: &Evidence,
    roots: &[AcceptedRoot],
    now_unix_seconds: u64,
) -> Result<(QuoteClaims, RootKind), AttestationError> {
    if roots.len() > ROOTS_MAX as usize {
        return Err(AttestationError::TooManyRoots {
            roots: roots.len(),
            roots_max: ROOTS_MAX as usize,
        });
    }
    let mut reason = AttestationError::RootNotAccepted;
    for root in roots {
        match verify_under_root(evidence, root, now_unix_seconds) {
            Ok(claims) => return Ok((claims, root.kind())),
            Err(AttestationError::RootNotAccepted) => {}
            Err(error) => reason = error,
        }
    }
    Err(reason)
}

fn verify_under_root(
    evidence: &Evidence,
    root: &AcceptedRoot,
    now_unix_seconds: u64,
) -> Result<QuoteClaims, AttestationError> {
    // The backend is named, so that no other crate's choice of features changes it.
    let verifier: QuoteVerifier<RustCryptoConfig> = match root {
        AcceptedRoot::Intel => QuoteVerifier::new_prod().with_config(),
        AcceptedRoot::Development { root_ca_der } => {
            QuoteVerifier::new_with_config(root_ca_der.as_bytes().to_vec())
        }
    };
    verifier
        .allow_debug(false)
        .allow_service_td(false)
        .verify_with_policy(
            &evidence.quote,
            QuoteCollateralV3::from(&evidence.collateral),
            now_unix_seconds,
            // Every decision about genuine evidence is taken in `judge`.
            &QuotePolicy::claims_only(now_unix_seconds),
        )
        .map_err(|error| {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            classify(&causes)
        })
}

fn read_report(report: &Report) -> ([u8; 64], Measurement, TeeKind) {
    let td = match report {
        Report::SgxEnclave(enclave) => {
            let parts = SgxParts {
                mr_enclave: enclave.mr_enclave,
                isv_prod_id: enclave.isv_prod_id,
                isv_svn: enclave.isv_svn,
                mr_signer: enclave.mr_signer,
            };
            return (enclave.report_data, measure_sgx(&parts), TeeKind::Sgx);
        }
        Report::TD10(td) => td,
        Report::TD15(td) => &td.base,
        Report::TD15Ex(td) => &td.base.base,
    };
    let parts = TdxParts {
        mr_td: td.mr_td,
        rtmrs: [td.rt_mr0, td.rt_mr1, td.rt_mr2, td.rt_mr3],
        mr_config_id: td.mr_config_id,
        mr_owner: td.mr_owner,
        mr_owner_config: td.mr_owner_config,
        td_attributes: td.td_attributes,
    };
    (td.report_data, measure_tdx(&parts), TeeKind::Tdx)
}

/// Turns the verifier's text, outermost cause first, into a reason that somebody can act on.
///
/// The verifier has no typed errors. Its texts are matched whole or by their start, cause by cause:
/// a text that evidence smuggles into an error can at worst choose which refusal is reported.
fn classify(causes: &[String]) -> AttestationError {
    let text = || bounded_text(causes);
    let starts = |starts: &[&str]| {
        causes
            .iter()
            .any(|cause| starts.iter().any(|start| cause.starts_with(start)))
    };
    if starts(&["InvalidCrlSignatureForPublicKey"]) && starts(&["Failed to parse root CA CRL"])
        || starts(&["UnknownIssuer", "UnknownRevocationStatus"])
    {
        AttestationError::RootNotAccepted
    } else if starts(&[
        "CertExpired",
        "CrlExpired",
        "TCBInfo expired",
        "QE Identity expired",
    ]) {
        AttestationError::Expired(text())
    } else if starts(&[
        "CertNotValidYet",
        "TCBInfo issue date is in the future",
        "QE Identity issue date is in the future",
    ]) {
        AttestationError::NotYetValid(text())
    } else if starts(&["CertRevoked", "TCB status is invalid: Revoked"]) {
        AttestationError::Revoked(text())
    } else if starts(&["Debug mode is enabled", "TD profiling is enabled"]) {
        AttestationError::DebugEnclave
    } else if starts(&[
        "Reserved bits in TD attributes are set",
        "TD migration is enabled",
        "SERVTD_EXT is enabled",
        "SEPT_VE_DISABLE is not enabled",
        "Invalid MR service TD",
    ]) {
        AttestationError::UnsafeAttributes(text())
    } else if starts(&[
        "No matching TCB level found",
        "TDX module ISVSVN",
        "QE ISVSVN",
    ]) {
        AttestationError::TcbRefused { status: text() }
    } else {
        AttestationError::QuoteInvalid(text())
    }
}

/// The causes in one line of at most a few hundred bytes: texts may quote the evidence.
fn bounded_text(causes: &[String]) -> String {
    const TEXT_CHARS_MAX: usize = 300;
    causes.join(": ").chars().take(TEXT_CHARS_MAX).collect()
}
