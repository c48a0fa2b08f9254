//! Keys that wipe themselves, key derivation, sealing and the session handshake.
//!
//! # What is here
//!
//! * [`Sr25519Secret`] and [`HpkeSecret`]: the two kinds of secret key, with [`verify_sr25519`] and
//!   [`verify_ed25519`] for the public side.
//! * [`derive()`]: the one key derivation function, and the key tree above it: [`ClusterSeed`] → keys
//!   of contracts and of the state store.
//! * [`hpke`]: sealing to a public key (RFC 9180).
//! * [`client`] and [`server`]: the two sides of a query, in a session or on its own.
//! * [`certificate`], [`command`], [`receipt`]: what is signed or sealed outside of queries.
//! * [`compat`]: the original network's envelope, for its clients alone.
//!
//! # Rules
//!
//! Nothing here has entropy or a clock of its own: both are arguments, so that the protocol is a pure
//! function and its fixtures are exact. No secret has `Debug`, `Clone`, `Serialize` or `Encode`; where
//! the bytes must leave, the method is called `expose` or `dump` and the caller owns what follows.
//! Memory that held a secret is overwritten when it is dropped.
//!
//! # Threats
//!
//! All bytes that arrive are hostile. Whatever does not authenticate gives an error that says nothing
//! of why, because the answer goes to somebody unknown. Lengths are bounded before anything is
//! decoded. Times are checked against the caller's clock.
//!
//! # Limits
//!
//! `aes-gcm` and `curve25519-dalek` are constant-time on the processors we run on; copies that the
//! compiler spills to the stack are not wiped. The formats are in `docs/protocol/`.

#![deny(missing_docs)]

mod audit;
pub mod certificate;
pub mod client;
pub mod command;
pub mod compat;
mod contents;
mod derivation;
mod ed25519;
pub mod hpke;
mod padding;
pub mod receipt;
mod records;
pub mod server;
mod sr25519;

pub use audit::{AUDIT_KEY_BYTES_MAX, AuditKey, CommandSeeds, NotAnAuditKey, NotOpened, ROTATIONS_MAX};
pub use contents::Contents;
pub use derivation::{ClusterSeed, ContractUserRoot, StateKey, derive};
pub use ed25519::verify_ed25519;
pub use hpke::HpkeSecret;
pub use padding::{MalformedPadding, pad, unpad};
pub use rand_core;
pub use sr25519::{InvalidKey, Sr25519Secret, verify_sr25519};
