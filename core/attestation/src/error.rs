//! Why evidence is refused.

use alloc::string::String;
use primitives::Measurement;

/// Why evidence is refused. No variant is a judgement of "almost good": the caller drops the
/// evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// A part is longer than its bound; nothing of it was parsed.
    #[error("the {part} has {bytes} bytes, at most {bytes_max} are read; send it without padding")]
    TooLarge {
        /// Which part: "quote", "collateral", "root certificate".
        part: &'static str,
        /// How long it is, in bytes.
        bytes: usize,
        /// How long it may be, in bytes.
        bytes_max: usize,
    },
    /// The policy names more roots than a chain may accept.
    #[error("the policy names {roots} attestation roots, at most {roots_max} are allowed")]
    TooManyRoots {
        /// How many the policy names.
        roots: usize,
        /// How many it may name.
        roots_max: usize,
    },
    /// No accepted root signed the revocation list and the certificates: foreign hardware vendor,
    /// development evidence on a public chain, or the other way round; also when the root's
    /// revocation list was altered.
    #[error(
        "no accepted attestation root signed this evidence; is the worker on the right network?"
    )]
    RootNotAccepted,
    /// A certificate, a revocation list, the TCB info or the identity of the quoting enclave has
    /// lapsed at the given time.
    #[error("the collateral has lapsed ({0}); fetch it again from the collateral server")]
    Expired(String),
    /// A certificate or a signed document becomes valid only after the given time.
    #[error("the collateral is not valid yet ({0}); check the clocks")]
    NotYetValid(String),
    /// A certificate of the chain or the platform's TCB is revoked.
    #[error("the platform or its certificate is revoked ({0}); it cannot be used any more")]
    Revoked(String),
    /// The enclave or TD runs in debug mode, so the host reads its memory.
    #[error("the enclave runs in debug or profiling mode; build and start it without")]
    DebugEnclave,
    /// The TD's attributes let the host or another TD in: a service TD is bound, migration is
    /// allowed, or exceptions can be injected.
    #[error("the TD's attributes are unsafe ({0}); start it without them")]
    UnsafeAttributes(String),
    /// The platform's TCB is worse than the policy takes, or unknown to the collateral.
    #[error("the platform's TCB status is refused ({status}); update its firmware and microcode")]
    TcbRefused {
        /// Status in Intel's words, or what is missing.
        status: String,
    },
    /// The quote is genuine, but for other report data.
    #[error("the quote was made over other report data; quote the current registration")]
    ReportDataMismatch,
    /// The measured build is not in the policy's list.
    #[error(
        "the measured build {measurement} is not allowed; use a listed build or have it voted in"
    )]
    MeasurementNotAllowed {
        /// What was measured.
        measurement: Measurement,
    },
    /// Malformed quote or collateral, or a signature that does not hold.
    #[error("the quote or its collateral is invalid: {0}")]
    QuoteInvalid(String),
}
