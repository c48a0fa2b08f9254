//! Where the vendor's documents about a platform come from.

use crate::device_files::{DeviceFiles, SystemFiles};
use attestation::{AttestationError, Collateral};
use primitives::bounds::COLLATERAL_BYTES_MAX;
use std::io;
use std::path::{Path, PathBuf};

/// Finds the collateral for a quote. What it gives is untrusted; a verifier judges it.
pub trait CollateralSource: Send + Sync {
    /// Collateral for the quote.
    fn collateral(&self, quote: &[u8]) -> Result<Collateral, CollateralError>;
}

/// Why there is no collateral.
#[derive(Debug, thiserror::Error)]
pub enum CollateralError {
    /// The operator's file cannot be read.
    #[error("the collateral file {path} cannot be read; write it with your PCCS client")]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The file is no collateral.
    #[error("the collateral file {path} is not the expected JSON")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: AttestationError,
    },
}

/// Collateral from a JSON file that the operator (or a timer of theirs) fetches from a PCCS; read
/// anew for each quote, so a fresh file needs no restart.
///
/// The format is [`Collateral::from_json`]'s. It must be the collateral of this machine's family
/// (FMSPC) and kind of TEE; a verifier finds out.
#[derive(Clone, Debug)]
pub struct FileCollateral {
    path: PathBuf,
}

impl FileCollateral {
    /// Reads from `path` when asked.
    pub fn new(path: &Path) -> Self {
        Self { path: path.into() }
    }
}

impl CollateralSource for FileCollateral {
    fn collateral(&self, _quote: &[u8]) -> Result<Collateral, CollateralError> {
        // Bytes are written as two digits each.
        let bytes_max = 2 * COLLATERAL_BYTES_MAX as usize;
        let file_error = |source| CollateralError::File {
            path: self.path.clone(),
            source,
        };
        let bytes = SystemFiles
            .read(&self.path, bytes_max)
            .map_err(file_error)?;
        let json = String::from_utf8(bytes)
            .map_err(|error| file_error(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        Collateral::from_json(&json).map_err(|source| CollateralError::Malformed {
            path: self.path.clone(),
            source,
        })
    }
}
