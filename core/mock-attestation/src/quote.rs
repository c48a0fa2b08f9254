//! Layout of the quotes: Intel, "ECDSA Quote Library Reference", versions 3 (SGX) and 4 (TDX).

use crate::certificates::Key;
use crate::platform_tcb::{
    CPU_SVN, QE_ATTRIBUTES, QE_ISV_SVN, QE_MR_SIGNER, TEE_TCB_SVN, qe_isv_prod_id,
};
use crate::{MockEnclave, MockTd};
use attestation::TeeKind;
use sha2::{Digest, Sha256};

const ATTESTATION_KEY_TYPE_ECDSA_P256: u16 = 2;
const TEE_TYPE_SGX: u32 = 0;
const TEE_TYPE_TDX: u32 = 0x81;
const CERTIFICATION_PCK_CHAIN: u16 = 5;
const CERTIFICATION_QE_REPORT: u16 = 6;
/// Intel's vendor id: the only one that verifiers take.
const QE_VENDOR_ID: [u8; 16] = [
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
];
const QE_AUTHENTICATION_DATA: [u8; 32] = *b"INSECURE development quote !!!!!";

/// What signs quotes.
pub(crate) struct QuotingKeys<'a> {
    pub attestation: &'a Key,
    pub pck: &'a Key,
    pub pck_chain_pem: &'a str,
}

pub(crate) fn tdx_quote(td: &MockTd, report_data: &[u8; 64], keys: &QuotingKeys<'_>) -> Vec<u8> {
    let mut quote = header(4, TEE_TYPE_TDX);
    quote.extend(td_report(td, report_data));
    let signature = keys.attestation.sign_raw(&quote);
    let certification = qe_certification(TeeKind::Tdx, keys);
    let mut auth = [signature, keys.attestation.public()].concat();
    auth.extend(CERTIFICATION_QE_REPORT.to_le_bytes());
    auth.extend(length(&certification));
    auth.extend(certification);
    quote.extend(length(&auth));
    quote.extend(auth);
    quote
}

pub(crate) fn sgx_quote(
    enclave: &MockEnclave,
    report_data: &[u8; 64],
    keys: &QuotingKeys<'_>,
) -> Vec<u8> {
    let mut quote = header(3, TEE_TYPE_SGX);
    quote.extend(enclave_report(&EnclaveFields {
        attributes: attributes(enclave.debug),
        mr_enclave: enclave.mr_enclave,
        mr_signer: enclave.mr_signer,
        isv_prod_id: enclave.isv_prod_id,
        isv_svn: enclave.isv_svn,
        report_data: *report_data,
    }));
    let signature = keys.attestation.sign_raw(&quote);
    let mut auth = [signature, keys.attestation.public()].concat();
    auth.extend(qe_certification(TeeKind::Sgx, keys));
    quote.extend(length(&auth));
    quote.extend(auth);
    quote
}

fn header(version: u16, tee_type: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(48);
    header.extend(version.to_le_bytes());
    header.extend(ATTESTATION_KEY_TYPE_ECDSA_P256.to_le_bytes());
    header.extend(tee_type.to_le_bytes());
    header.extend([0; 4]); // versions of quoting and provisioning enclave, or reserved
    header.extend(QE_VENDOR_ID);
    header.extend([0; 20]); // user data
    header
}

fn td_report(td: &MockTd, report_data: &[u8; 64]) -> Vec<u8> {
    let mut td_attributes = td.attributes;
    td_attributes[0] |= u8::from(td.debug);
    let mut report = Vec::with_capacity(584);
    report.extend(TEE_TCB_SVN);
    report.extend([0; 48 + 48 + 8]); // the module: measurement, signer, attributes
    report.extend(td_attributes);
    report.extend([0xe7, 0x02, 0x06, 0, 0, 0, 0, 0]); // XFAM
    report.extend(td.mr_td);
    report.extend([0; 3 * 48]); // configuration, owner, owner's configuration
    td.rtmrs.iter().for_each(|rtmr| report.extend(rtmr));
    report.extend(report_data);
    report
}

/// INIT and MODE64BIT, with DEBUG if asked for.
fn attributes(debug: bool) -> [u8; 16] {
    let mut attributes = [0; 16];
    attributes[0] = if debug { 0x07 } else { 0x05 };
    attributes
}

struct EnclaveFields {
    attributes: [u8; 16],
    mr_enclave: [u8; 32],
    mr_signer: [u8; 32],
    isv_prod_id: u16,
    isv_svn: u16,
    report_data: [u8; 64],
}

fn enclave_report(fields: &EnclaveFields) -> Vec<u8> {
    let mut report = Vec::with_capacity(384);
    report.extend(CPU_SVN);
    report.extend([0; 4 + 28]); // misc select, reserved
    report.extend(fields.attributes);
    report.extend(fields.mr_enclave);
    report.extend([0; 32]);
    report.extend(fields.mr_signer);
    report.extend([0; 96]);
    report.extend(fields.isv_prod_id.to_le_bytes());
    report.extend(fields.isv_svn.to_le_bytes());
    report.extend([0; 60]);
    report.extend(fields.report_data);
    report
}

/// The quoting enclave's own report, which binds the attestation key, signed by the PCK.
fn qe_certification(tee: TeeKind, keys: &QuotingKeys<'_>) -> Vec<u8> {
    let key_hash = Sha256::new()
        .chain_update(keys.attestation.public())
        .chain_update(QE_AUTHENTICATION_DATA)
        .finalize();
    let mut report_data = [0; 64];
    report_data[..32].copy_from_slice(&key_hash);
    let report = enclave_report(&EnclaveFields {
        attributes: QE_ATTRIBUTES,
        mr_enclave: [0x51; 32],
        mr_signer: QE_MR_SIGNER,
        isv_prod_id: qe_isv_prod_id(tee),
        isv_svn: QE_ISV_SVN,
        report_data,
    });
    let mut out = report.clone();
    out.extend(keys.pck.sign_raw(&report));
    out.extend((QE_AUTHENTICATION_DATA.len() as u16).to_le_bytes());
    out.extend(QE_AUTHENTICATION_DATA);
    out.extend(CERTIFICATION_PCK_CHAIN.to_le_bytes());
    out.extend(length(keys.pck_chain_pem.as_bytes()));
    out.extend(keys.pck_chain_pem.as_bytes());
    out
}

/// Everything here is a few kilobytes.
fn length(bytes: &[u8]) -> [u8; 4] {
    (bytes.len() as u32).to_le_bytes()
}
