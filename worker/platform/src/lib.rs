//! What a worker needs of the machine that it runs on: entropy, a clock, sealing and quotes, one
//! module per kind of TEE.
//!
//! # Words
//!
//! - [`Platform`]: the four services together, behind one trait object, made by [`open`].
//! - *Kind*: which TEE. The operator names it in the configuration; nothing here guesses it, and no
//!   cargo feature chooses it. `insecure_simulated` in particular is only ever used by name.
//! - *Sealing*: keeping bytes on a disk that the host owns, readable again on this machine.
//! - *Quote source*: gives [`Evidence`] over 64 bytes of report data.
//! - *Collateral source*: where a real kind takes the vendor's documents from.
//!
//! # Kinds
//!
//! | kind | quotes | sealing key |
//! |---|---|---|
//! | `tdx` | configfs-tsm | key file on the confidential VM's own encrypted disk |
//! | `gramine` | `/dev/attestation` | the processor's sealing key for this very build |
//! | `insecure_simulated` | development PKI | key file in the data directory; protects nothing |
//!
//! # Threats
//!
//! - The clock is the host's. It may go back, stand still or jump. Whatever must not be early or
//!   late is decided by final blocks; this clock only makes timeouts and picks fresh collateral.
//! - The files that quotes come through, and the collateral, may be anybody's: lengths are bounded,
//!   a quote over other report data is refused here, and the rest is for [`attestation::judge`].
//! - Sealing hides and authenticates, but cannot tell old from new: a host may give back what was
//!   sealed last year. Whoever unseals checks age against the chain.
//! - A sealed record opens under its own label alone.
//!
//! # Limits
//!
//! Collateral is read from a file that the operator keeps fresh ([`FileCollateral`]). Fetching it
//! from a PCCS over HTTPS is not here; it would be another [`CollateralSource`].
//!
//! # Example
//!
//! ```
//! use platform::{PlatformConfig, open};
//!
//! let data_dir = tempfile::tempdir()?;
//! let platform = open(&PlatformConfig::InsecureSimulated { data_dir: data_dir.path().into() })?;
//! let sealed = platform.seal("identity", b"secret")?;
//! assert_eq!(*platform.unseal("identity", &sealed)?, b"secret");
//! let evidence = platform.quote([1; 64])?;
//! assert!(evidence.check_bounds().is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(missing_docs)]

mod collateral;
mod device_files;
mod gramine;
mod insecure_simulated;
mod quote_bytes;
mod sealing;
mod system;
mod tdx;

pub use collateral::{CollateralError, CollateralSource, FileCollateral};
pub use device_files::{DeviceFiles, SystemFiles};
pub use gramine::GramineQuotes;
pub use insecure_simulated::{InsecureSimulatedQuotes, insecure_simulated_measurement};
pub use sealing::{KeySealing, LABEL_BYTES_MAX, SEALED_PLAIN_BYTES_MAX, SealError};
pub use system::EntropyError;
pub use tdx::TdxQuotes;

use attestation::Evidence;
use primitives::UnixMillis;
use std::{fmt, io, path::PathBuf, str::FromStr};
use zeroize::Zeroizing;

/// Unpredictable bytes.
pub trait Entropy {
    /// Fills `out` with bytes from the operating system's generator. Whoever gets an error must not
    /// go on: keys made without entropy are no keys.
    fn fill_random(&self, out: &mut [u8]) -> Result<(), EntropyError>;
}

/// A clock that the host controls.
pub trait Clock {
    /// Milliseconds since the Unix epoch; 0 when the clock stands before it.
    fn unix_millis(&self) -> UnixMillis;
}

/// Keeps bytes on an untrusted disk.
pub trait Sealing {
    /// Encrypts and authenticates at most [`SEALED_PLAIN_BYTES_MAX`] bytes under a label of 1 to
    /// [`LABEL_BYTES_MAX`] bytes.
    fn seal(&self, label: &str, plain: &[u8]) -> Result<Vec<u8>, SealError>;

    /// Opens what [`seal`](Self::seal) made under the same label on this platform; never says how
    /// old it is.
    fn unseal(&self, label: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError>;
}

/// Makes evidence of what runs here.
pub trait QuoteSource {
    /// Evidence over the report data. Blocks for some milliseconds to seconds.
    fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteError>;
}

/// All services of the machine.
pub trait Platform: Entropy + Clock + Sealing + QuoteSource + Send + Sync {
    /// Which TEE this is.
    fn kind(&self) -> PlatformKind;
}

/// A kind of platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlatformKind {
    /// A confidential VM: Intel TDX.
    Tdx,
    /// An SGX enclave under Gramine.
    Gramine,
    /// No TEE at all, development evidence.
    InsecureSimulated,
}

impl PlatformKind {
    /// The name in configuration and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tdx => "tdx",
            Self::Gramine => "gramine",
            Self::InsecureSimulated => "insecure_simulated",
        }
    }
}

impl fmt::Display for PlatformKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text names no kind of platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no platform is called {0:?}; name tdx, gramine or insecure_simulated")]
pub struct UnknownPlatformKind(pub String);

impl FromStr for PlatformKind {
    type Err = UnknownPlatformKind;

    fn from_str(text: &str) -> Result<Self, UnknownPlatformKind> {
        [Self::Tdx, Self::Gramine, Self::InsecureSimulated]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownPlatformKind(text.into()))
    }
}

/// Which platform to use, chosen by the operator. There is no default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformConfig {
    /// A confidential VM with Linux 6.7 or later.
    Tdx {
        /// Where configfs-tsm makes reports; [`TdxQuotes::REPORT_DIR`] on a real machine.
        report_dir: PathBuf,
        /// File with the sealing key, made when absent. It must lie on a disk that is encrypted
        /// with a key that only this VM gets.
        key_file: PathBuf,
        /// Collateral as JSON, kept fresh by the operator.
        collateral_file: PathBuf,
    },
    /// An SGX enclave under Gramine with DCAP attestation.
    Gramine {
        /// Gramine's pseudo-files; [`GramineQuotes::ATTESTATION_DIR`] in a real enclave.
        attestation_dir: PathBuf,
        /// Collateral as JSON, kept fresh by the operator.
        collateral_file: PathBuf,
    },
    /// **Insecure**: no TEE. For development networks.
    InsecureSimulated {
        /// Where the key file is kept; made when absent.
        data_dir: PathBuf,
    },
}

/// Why a platform cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The sealing key cannot be read or made.
    #[error("the sealing key is not usable")]
    Sealing(#[source] SealError),
    /// The running executable cannot be read, so that nothing could be measured.
    #[error("the running executable cannot be read to measure it")]
    Executable(#[source] io::Error),
    /// The data directory cannot be made.
    #[error("the data directory {path} cannot be made")]
    DataDir {
        /// Which directory.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum QuoteError {
    /// A file of the quote interface failed, most often because this is not the kind of machine
    /// that the configuration says.
    #[error("{operation} {path} failed; does this machine have the configured kind of TEE?")]
    Device {
        /// What was attempted: "read", "write", "make".
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The interface belongs to another kind of TEE, or to no attestation.
    #[error("{path} says {found:?}, expected {expected:?}; check the kind of platform")]
    WrongProvider {
        /// Which file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// Another writer used the same report, several times in a row.
    #[error("the report was changed by somebody else while it was read, {attempts} times")]
    Conflict {
        /// How often it was tried.
        attempts: u32,
    },
    /// The quote is cut short or no quote of a known version.
    #[error("the quote has {bytes} bytes and is cut short or of an unknown version")]
    Malformed {
        /// How long it is.
        bytes: usize,
    },
    /// The quote is over other report data than asked for.
    #[error("the quote is over other report data than asked for; another process quotes as well")]
    OtherReportData,
    /// No entropy for a name that nobody else uses.
    #[error("no entropy")]
    Entropy(#[source] EntropyError),
    /// No collateral for the quote.
    #[error("no collateral for the quote")]
    Collateral(#[source] CollateralError),
}

/// Opens the configured platform; says loudly when it is the insecure one.
pub fn open(config: &PlatformConfig) -> Result<Box<dyn Platform>, OpenError> {
    match config {
        PlatformConfig::Tdx {
            report_dir,
            key_file,
            collateral_file,
        } => {
            let collateral = FileCollateral::new(collateral_file);
            Ok(Box::new(Assembled {
                kind: PlatformKind::Tdx,
                sealing: KeySealing::from_key_file(key_file).map_err(OpenError::Sealing)?,
                quotes: TdxQuotes::new(SystemFiles, report_dir, collateral),
            }))
        }
        PlatformConfig::Gramine {
            attestation_dir,
            collateral_file,
        } => {
            let collateral = FileCollateral::new(collateral_file);
            let sealing = KeySealing::from_gramine(&SystemFiles, attestation_dir);
            Ok(Box::new(Assembled {
                kind: PlatformKind::Gramine,
                sealing: sealing.map_err(OpenError::Sealing)?,
                quotes: GramineQuotes::new(SystemFiles, attestation_dir, collateral),
            }))
        }
        PlatformConfig::InsecureSimulated { data_dir } => {
            tracing::warn!(
                "INSECURE simulated platform: no TEE, evidence signed with a public key, sealed \
                 data readable by anybody who reads {}; for development networks only",
                data_dir.display()
            );
            std::fs::create_dir_all(data_dir).map_err(|source| OpenError::DataDir {
                path: data_dir.clone(),
                source,
            })?;
            let key_file = data_dir.join(insecure_simulated::KEY_FILE);
            Ok(Box::new(Assembled {
                kind: PlatformKind::InsecureSimulated,
                sealing: KeySealing::from_key_file(&key_file).map_err(OpenError::Sealing)?,
                quotes: InsecureSimulatedQuotes::of_running_executable()
                    .map_err(OpenError::Executable)?,
            }))
        }
    }
}

/// The system's entropy and clock with one kind's quotes and key.
struct Assembled<Q> {
    kind: PlatformKind,
    sealing: KeySealing,
    quotes: Q,
}

impl<Q: QuoteSource + Send + Sync> Platform for Assembled<Q> {
    fn kind(&self) -> PlatformKind {
        self.kind
    }
}

impl<Q> Entropy for Assembled<Q> {
    fn fill_random(&self, out: &mut [u8]) -> Result<(), EntropyError> {
        system::fill_random(out)
    }
}

impl<Q> Clock for Assembled<Q> {
    fn unix_millis(&self) -> UnixMillis {
        system::unix_millis()
    }
}

impl<Q> Sealing for Assembled<Q> {
    fn seal(&self, label: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        self.sealing.seal(label, plain)
    }

    fn unseal(&self, label: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.sealing.unseal(label, sealed)
    }
}

impl<Q: QuoteSource> QuoteSource for Assembled<Q> {
    fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteError> {
        self.quotes.quote(report_data)
    }
}
