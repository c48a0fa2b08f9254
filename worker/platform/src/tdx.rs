//! Quotes of a TDX confidential VM through configfs-tsm (Linux 6.7 and later,
//! `Documentation/ABI/testing/configfs-tsm-report`).
//!
//! One quote: make a directory, write the report data to `inblob`, read `outblob`, remove the
//! directory. The kernel counts writes in `generation`; when the number is not the expected one
//! before and after reading, somebody else wrote to the same report, and it is tried again under
//! another name.

use crate::{CollateralSource, DeviceFiles, QuoteError, QuoteSource, quote_bytes, system};
use attestation::Evidence;
use primitives::bounds::QUOTE_BYTES_MAX;
use std::io;
use std::path::{Path, PathBuf};

/// How often a report that somebody else changed is tried again.
const ATTEMPTS_MAX: u32 = 3;
const PROVIDER: &str = "tdx_guest";
/// Attributes other than `outblob` are a few characters.
const ATTRIBUTE_BYTES_MAX: usize = 256;

/// Makes quotes through configfs-tsm.
pub struct TdxQuotes<F, C> {
    files: F,
    report_dir: PathBuf,
    collateral: C,
}

impl<F: DeviceFiles, C: CollateralSource> TdxQuotes<F, C> {
    /// Where Linux mounts the interface.
    pub const REPORT_DIR: &'static str = "/sys/kernel/config/tsm/report";

    /// Uses the interface under `report_dir`.
    pub fn new(files: F, report_dir: &Path, collateral: C) -> Self {
        Self {
            files,
            report_dir: report_dir.into(),
            collateral,
        }
    }

    /// One attempt; `None` when somebody else changed the report.
    fn attempt(&self, report_data: &[u8; 64]) -> Result<Option<Vec<u8>>, QuoteError> {
        let report = Report::make(&self.files, &self.report_dir)?;
        report.check_provider()?;
        let generation_before = report.generation()?;
        report.write_report_data(report_data)?;
        let expected = generation_before.wrapping_add(1);
        if report.generation()? != expected {
            return Ok(None);
        }
        let quote = report.read("outblob", QUOTE_BYTES_MAX as usize)?;
        Ok((report.generation()? == expected).then_some(quote))
    }
}

impl<F: DeviceFiles, C: CollateralSource> QuoteSource for TdxQuotes<F, C> {
    fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(quote) = self.attempt(&report_data)? else {
                continue;
            };
            let quote = quote_bytes::checked(quote, &report_data)?;
            let collateral = self
                .collateral
                .collateral(&quote)
                .map_err(QuoteError::Collateral)?;
            return Ok(Evidence { quote, collateral });
        }
        Err(QuoteError::Conflict {
            attempts: ATTEMPTS_MAX,
        })
    }
}

/// A report's directory, removed when dropped.
struct Report<'a, F: DeviceFiles> {
    files: &'a F,
    dir: PathBuf,
}

impl<'a, F: DeviceFiles> Report<'a, F> {
    fn make(files: &'a F, base: &Path) -> Result<Self, QuoteError> {
        let mut name = [0; 16];
        system::fill_random(&mut name).map_err(QuoteError::Entropy)?;
        let dir = base.join(format!("phat-{}", hex::encode(name)));
        files.make_dir(&dir).map_err(|source| QuoteError::Device {
            operation: "make",
            path: dir.clone(),
            source,
        })?;
        Ok(Self { files, dir })
    }

    fn check_provider(&self) -> Result<(), QuoteError> {
        let found = self.text("provider")?;
        if found == PROVIDER {
            return Ok(());
        }
        let path = self.dir.join("provider");
        Err(QuoteError::WrongProvider {
            path,
            found,
            expected: PROVIDER,
        })
    }

    fn generation(&self) -> Result<u64, QuoteError> {
        self.text("generation")?
            .parse()
            .map_err(|error| QuoteError::Device {
                operation: "read",
                path: self.dir.join("generation"),
                source: io::Error::new(io::ErrorKind::InvalidData, error),
            })
    }

    fn write_report_data(&self, report_data: &[u8; 64]) -> Result<(), QuoteError> {
        let path = self.dir.join("inblob");
        self.files
            .write(&path, report_data)
            .map_err(|source| QuoteError::Device {
                operation: "write",
                path,
                source,
            })
    }

    fn text(&self, attribute: &str) -> Result<String, QuoteError> {
        let bytes = self.read(attribute, ATTRIBUTE_BYTES_MAX)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    fn read(&self, attribute: &str, bytes_max: usize) -> Result<Vec<u8>, QuoteError> {
        let path = self.dir.join(attribute);
        self.files
            .read(&path, bytes_max)
            .map_err(|source| QuoteError::Device {
                operation: "read",
                path,
                source,
            })
    }
}

impl<F: DeviceFiles> Drop for Report<'_, F> {
    fn drop(&mut self) {
        if let Err(error) = self.files.remove_dir(&self.dir) {
            // Names are never used twice, so that a leftover costs a little kernel memory and no
            // more.
            tracing::warn!(%error, dir = %self.dir.display(), "report directory not removed");
        }
    }
}
