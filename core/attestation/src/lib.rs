//! One pure judgement of attestation evidence: (evidence, expected report data, policy, time) in,
//! a [`VerifiedIdentity`] or the reason of the refusal out.
//!
//! # What it is
//!
//! A worker proves what it is with a DCAP *quote*: a report of what was loaded (the
//! measurement, [`measure_tdx`]) and of 64 bytes that the loaded program chose (the *report data*),
//! signed by a key that a chain of certificates ties to the maker of the processor. The
//! *collateral* says what the maker thought of that processor and its firmware at a time: TCB
//! levels, identity of the quoting enclave, lists of revoked certificates. [`judge`] checks all of
//! it with `dcap-qvl` and says who signed ([`RootKind`]), how good the platform is (the *tier*) and
//! until when the judgement may stand.
//!
//! The same function runs in the registry pallet (as Wasm), in workers and in clients. It holds no
//! state, reads no clock and fetches nothing.
//!
//! # Threats
//!
//! - Every byte of [`Evidence`] is hostile: it is bounded before it is parsed, and no input panics.
//! - A quote is necessary, never sufficient: quotes have been forged by people who held the
//!   machine. What a tier or a measurement is trusted with is the caller's decision.
//! - Debug enclaves, TDs under debug, profiling or migration, TDs bound to a service TD, and TDs
//!   that let the host inject exceptions (SEPT_VE_DISABLE off) are refused whatever the policy
//!   says.
//! - Development evidence goes through the same path, but under a root of its own, and the identity
//!   carries [`RootKind::Development`] so that nobody can take it for hardware.
//! - The collateral may be old but unexpired: a host can replay the one that suits it until
//!   `valid_until`. Bound its age by the lease that you give, not by trust in the host.
//!
//! # Limits
//!
//! A quote is at most [`QUOTE_BYTES_MAX`](primitives::bounds::QUOTE_BYTES_MAX) bytes, the
//! collateral at most [`COLLATERAL_BYTES_MAX`](primitives::bounds::COLLATERAL_BYTES_MAX) bytes of
//! SCALE, a policy has at most [`ROOTS_MAX`](primitives::bounds::ROOTS_MAX) roots. One judgement
//! takes about 2 ms native, for each root that signed the certificates, and well under half of that
//! for a root that did not.
//!
//! # Example
//!
//! ```
//! use attestation::{AcceptedRoot, AttestationError, Collateral, Evidence, Policy, judge};
//!
//! let evidence = Evidence { quote: vec![0; 100], collateral: Collateral::default() };
//! let policy = Policy {
//!     roots: &[AcceptedRoot::Intel],
//!     allowed_measurements: None,
//!     tier_max: 3,
//! };
//! let expected = attestation::report_data([7; 32]);
//! assert!(judge(&evidence, &expected, &policy, 1_750_000_000).is_err());
//! ```

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod error;
mod evidence;
mod judge;
mod measure;
mod root;
mod tier;

pub use error::AttestationError;
pub use evidence::{Collateral, Evidence, evidence_hash, report_data};
pub use judge::{Policy, TeeKind, VerifiedIdentity, claimed_measurement, judge};
pub use measure::{SgxParts, TdxParts, measure_sgx, measure_tdx};
pub use root::{AcceptedRoot, ROOT_CA_DER_BYTES_MAX, RootCertificate, RootKind};
pub use tier::{ADVISORY_WHITE_LIST, TIER_BEST, TIER_WORST};
