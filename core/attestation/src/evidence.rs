//! What a worker hands over, and the bytes that bind it to a registration.

use crate::AttestationError;
use crate::measure::labelled_hash;
use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode};
use dcap_qvl::QuoteCollateralV3;
use primitives::bounds::{COLLATERAL_BYTES_MAX, QUOTE_BYTES_MAX};
use scale_info::TypeInfo;

/// Untrusted evidence: a DCAP quote and what is needed to judge it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Evidence {
    /// SGX quote version 3, or TDX quote version 4 or 5, as the quoting enclave made it.
    pub quote: Vec<u8>,
    /// The collateral for that quote.
    pub collateral: Collateral,
}

/// Untrusted DCAP collateral: the nine parts that a collateral server (PCCS) serves, with the
/// certificate chain of the quote's key for quotes that do not carry their own.
///
/// Chains are PEM, leaf first. Signatures are 64 bytes, r and s. Signed JSON documents must keep
/// their exact bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Collateral {
    /// Chain of the CA that issued the PCK certificate and its revocation list.
    pub pck_crl_issuer_chain: String,
    /// The root CA's revocation list, DER.
    pub root_ca_crl: Vec<u8>,
    /// The PCK CA's revocation list, DER.
    pub pck_crl: Vec<u8>,
    /// Chain of the certificate that signed `tcb_info`.
    pub tcb_info_issuer_chain: String,
    /// TCB levels of the platform's family, JSON.
    pub tcb_info: String,
    /// Signature of `tcb_info`.
    pub tcb_info_signature: Vec<u8>,
    /// Chain of the certificate that signed `qe_identity`.
    pub qe_identity_issuer_chain: String,
    /// Identity of the quoting enclave, JSON.
    pub qe_identity: String,
    /// Signature of `qe_identity`.
    pub qe_identity_signature: Vec<u8>,
    /// Chain of the PCK certificate; `None` takes the one inside the quote.
    pub pck_certificate_chain: Option<String>,
}

impl Evidence {
    /// Refuses evidence whose parts are longer than their bounds; cheap, done before any parsing.
    pub fn check_bounds(&self) -> Result<(), AttestationError> {
        check_length("quote", self.quote.len(), QUOTE_BYTES_MAX)?;
        check_length(
            "collateral",
            self.collateral.encoded_size(),
            COLLATERAL_BYTES_MAX,
        )
    }
}

impl Collateral {
    /// Reads the JSON that collateral servers' clients write: the ten field names of this type,
    /// text as text and bytes as hexadecimal.
    #[cfg(feature = "std")]
    pub fn from_json(json: &str) -> Result<Self, AttestationError> {
        // Hexadecimal and escapes at most double what SCALE needs.
        check_length("collateral", json.len(), 2 * COLLATERAL_BYTES_MAX)?;
        let collateral: QuoteCollateralV3 = serde_json::from_str(json)
            .map_err(|error| AttestationError::QuoteInvalid(alloc::format!("{error}")))?;
        Ok(collateral.into())
    }

    /// Writes what [`from_json`](Self::from_json) reads.
    #[cfg(feature = "std")]
    pub fn to_json(&self) -> Result<String, AttestationError> {
        serde_json::to_string(&QuoteCollateralV3::from(self))
            .map_err(|error| AttestationError::QuoteInvalid(alloc::format!("{error}")))
    }
}

pub(crate) fn check_length(
    part: &'static str,
    bytes: usize,
    bytes_max: u32,
) -> Result<(), AttestationError> {
    let bytes_max = bytes_max as usize;
    if bytes > bytes_max {
        return Err(AttestationError::TooLarge {
            part,
            bytes,
            bytes_max,
        });
    }
    Ok(())
}

impl From<&Collateral> for QuoteCollateralV3 {
    fn from(ours: &Collateral) -> Self {
        let ours = ours.clone();
        Self {
            pck_crl_issuer_chain: ours.pck_crl_issuer_chain,
            root_ca_crl: ours.root_ca_crl,
            pck_crl: ours.pck_crl,
            tcb_info_issuer_chain: ours.tcb_info_issuer_chain,
            tcb_info: ours.tcb_info,
            tcb_info_signature: ours.tcb_info_signature,
            qe_identity_issuer_chain: ours.qe_identity_issuer_chain,
            qe_identity: ours.qe_identity,
            qe_identity_signature: ours.qe_identity_signature,
            pck_certificate_chain: ours.pck_certificate_chain,
        }
    }
}

impl From<QuoteCollateralV3> for Collateral {
    fn from(theirs: QuoteCollateralV3) -> Self {
        Self {
            pck_crl_issuer_chain: theirs.pck_crl_issuer_chain,
            root_ca_crl: theirs.root_ca_crl,
            pck_crl: theirs.pck_crl,
            tcb_info_issuer_chain: theirs.tcb_info_issuer_chain,
            tcb_info: theirs.tcb_info,
            tcb_info_signature: theirs.tcb_info_signature,
            qe_identity_issuer_chain: theirs.qe_identity_issuer_chain,
            qe_identity: theirs.qe_identity,
            qe_identity_signature: theirs.qe_identity_signature,
            pck_certificate_chain: theirs.pck_certificate_chain,
        }
    }
}

/// The report data of a registration: its hash in the first 32 bytes, then zeros.
pub fn report_data(registration_hash: [u8; 32]) -> [u8; 64] {
    let mut data = [0; 64];
    data[..32].copy_from_slice(&registration_hash);
    data
}

/// Names evidence: Blake2b-256 over the label `phat/v1/evidence`, the quote and the SCALE encoding
/// of the collateral, each with its length before it (32 bit, little endian).
pub fn evidence_hash(evidence: &Evidence) -> [u8; 32] {
    labelled_hash(
        b"phat/v1/evidence",
        &[&evidence.quote, &evidence.collateral.encode()],
    )
}
