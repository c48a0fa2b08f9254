//! Quotes of an SGX enclave under Gramine, through its pseudo-files (Gramine documentation,
//! "Attestation and Secret Provisioning"): write 64 bytes to `user_report_data`, read `quote`.
//!
//! The files belong to the whole process, so one lock makes the pair of write and read one step.
//! The manifest must say `sgx.remote_attestation = "dcap"`.

use crate::{CollateralSource, DeviceFiles, QuoteError, QuoteSource, quote_bytes};
use attestation::Evidence;
use primitives::bounds::QUOTE_BYTES_MAX;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const ATTESTATION_TYPE: &str = "dcap";
const ATTESTATION_TYPE_BYTES_MAX: usize = 64;

/// Makes quotes through Gramine's `/dev/attestation`.
pub struct GramineQuotes<F, C> {
    files: F,
    attestation_dir: PathBuf,
    collateral: C,
    one_at_a_time: Mutex<()>,
}

impl<F: DeviceFiles, C: CollateralSource> GramineQuotes<F, C> {
    /// Where Gramine has its pseudo-files.
    pub const ATTESTATION_DIR: &'static str = "/dev/attestation";

    /// Uses the pseudo-files under `attestation_dir`.
    pub fn new(files: F, attestation_dir: &Path, collateral: C) -> Self {
        Self {
            files,
            attestation_dir: attestation_dir.into(),
            collateral,
            one_at_a_time: Mutex::new(()),
        }
    }

    fn raw_quote(&self, report_data: &[u8; 64]) -> Result<Vec<u8>, QuoteError> {
        // The lock guards no data, so that a panic elsewhere leaves nothing half done.
        let _guard = self
            .one_at_a_time
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let path = self.attestation_dir.join("user_report_data");
        self.files
            .write(&path, report_data)
            .map_err(|source| QuoteError::Device {
                operation: "write",
                path,
                source,
            })?;
        self.read("quote", QUOTE_BYTES_MAX as usize)
    }

    fn check_type(&self) -> Result<(), QuoteError> {
        let bytes = self.read("attestation_type", ATTESTATION_TYPE_BYTES_MAX)?;
        let found = String::from_utf8_lossy(&bytes).trim().to_owned();
        if found == ATTESTATION_TYPE {
            return Ok(());
        }
        let path = self.attestation_dir.join("attestation_type");
        Err(QuoteError::WrongProvider {
            path,
            found,
            expected: ATTESTATION_TYPE,
        })
    }

    fn read(&self, name: &str, bytes_max: usize) -> Result<Vec<u8>, QuoteError> {
        let path = self.attestation_dir.join(name);
        self.files
            .read(&path, bytes_max)
            .map_err(|source| QuoteError::Device {
                operation: "read",
                path,
                source,
            })
    }
}

impl<F: DeviceFiles, C: CollateralSource> QuoteSource for GramineQuotes<F, C> {
    fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteError> {
        self.check_type()?;
        let quote = quote_bytes::checked(self.raw_quote(&report_data)?, &report_data)?;
        let collateral = self
            .collateral
            .collateral(&quote)
            .map_err(QuoteError::Collateral)?;
        Ok(Evidence { quote, collateral })
    }
}
