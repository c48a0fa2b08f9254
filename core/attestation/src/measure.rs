//! What a build is: 32 bytes that stand for everything measured of it.
//!
//! A measurement is Blake2b-256 over parts, each with its length before it (32 bit, little endian):
//! the label `phat/v1/measurement`, one byte for the kind of TEE, and then
//!
//! - **SGX** (kind 0): MRENCLAVE (32), ISVPRODID (2, little endian), ISVSVN (2, little endian),
//!   MRSIGNER (32): the fields that the original network's allow-list had.
//! - **TDX** (kind 1): MRTD, RTMR0, RTMR1, RTMR2, RTMR3, MRCONFIGID, MROWNER, MROWNERCONFIG (48
//!   each), TD attributes (8).
//!
//! Why these for TDX: MRTD is the firmware; RTMR0 what the host configured it with (memory map,
//! ACPI tables, which are code that the guest runs); RTMR1 and RTMR2 the kernel, its command line
//! and its disks; RTMR3 what the image extended at run time, such as a program that it loaded: were
//! it left out, a listed image could be told to load something else. The three configuration fields
//! are zero unless the host sets them, and a guest may read them. The attributes say what is
//! switched on inside the TD (performance monitoring, key locker). All of it is fixed for one image
//! on one machine shape; another number of processors or another size of memory gives another
//! RTMR0, so an operator's shapes are listed one by one. That is the price of not trusting the
//! host's tables.
//!
//! Left out: MRSEAM, the TDX module: Intel updates it under running fleets, and the collateral
//! judges its signer and version already. XFAM: which register sets exist, a property of the
//! processor.

use blake2::{Blake2b, Digest, digest::consts::U32};
use primitives::Measurement;

const KIND_SGX: u8 = 0;
const KIND_TDX: u8 = 1;
const LABEL: &[u8] = b"phat/v1/measurement";

/// The measured fields of an SGX enclave's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SgxParts {
    /// Hash of the enclave's pages.
    pub mr_enclave: [u8; 32],
    /// Product id that the signer gave.
    pub isv_prod_id: u16,
    /// Security version that the signer gave.
    pub isv_svn: u16,
    /// Hash of the signer's key.
    pub mr_signer: [u8; 32],
}

/// The measured fields of a TD's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TdxParts {
    /// Hash of the initial memory: the firmware.
    pub mr_td: [u8; 48],
    /// The four registers that firmware and guest extend.
    pub rtmrs: [[u8; 48]; 4],
    /// Configuration that the host named.
    pub mr_config_id: [u8; 48],
    /// Owner that the host named.
    pub mr_owner: [u8; 48],
    /// Owner's configuration that the host named.
    pub mr_owner_config: [u8; 48],
    /// Attributes of the TD, as in the report.
    pub td_attributes: [u8; 8],
}

/// Measurement of an SGX enclave; the module's text has the layout.
pub fn measure_sgx(parts: &SgxParts) -> Measurement {
    Measurement(labelled_hash(
        LABEL,
        &[
            &[KIND_SGX],
            &parts.mr_enclave,
            &parts.isv_prod_id.to_le_bytes(),
            &parts.isv_svn.to_le_bytes(),
            &parts.mr_signer,
        ],
    ))
}

/// Measurement of a TD; the module's text has the layout.
pub fn measure_tdx(parts: &TdxParts) -> Measurement {
    let [rtmr0, rtmr1, rtmr2, rtmr3] = &parts.rtmrs;
    Measurement(labelled_hash(
        LABEL,
        &[
            &[KIND_TDX],
            &parts.mr_td,
            rtmr0,
            rtmr1,
            rtmr2,
            rtmr3,
            &parts.mr_config_id,
            &parts.mr_owner,
            &parts.mr_owner_config,
            &parts.td_attributes,
        ],
    ))
}

/// Blake2b-256 over the label and the parts, each with its length before it (32 bit, little
/// endian).
pub(crate) fn labelled_hash(label: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Blake2b::<U32>::new();
    for part in core::iter::once(&label).chain(parts) {
        // Every part is bounded far below 4 GiB.
        hasher.update((part.len() as u32).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
