//! Receipt files: one file from which anybody can check an answer, offline.
//!
//! A file holds the question, the answer, the worker's signed receipt, the worker's evidence, a proof that
//! the chain, at a final block, had that worker registered with that evidence and its build allowed,
//! and, where somebody asked for it, where the receipt stands in the worker's log on chain.
//! [`verify`] checks link after link and says what it checked.
//!
//! The file is JSON (version [`FILE_VERSION`]); all bytes in it are SCALE in hex. See
//! `docs/protocol/receipt.md`.
//!
//! # Threats
//!
//! Every byte of a file is hostile. What is trusted: the genesis hash that the caller pins (or the
//! authority set that he names), the attestation roots that the chain had accepted (Intel's,
//! unless it is a development network), and the GRANDPA majority of that chain. Lengths are bounded first, and
//! nothing panics. There is no clock here: how old the proof is, only a caller who says the time learns.
//!
//! # Where it runs
//!
//! Without `std`: in a browser (`client/receipt-verifier`), in a contract, on another chain.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod check;
mod report;
mod trusted;

pub use check::{Expected, Link, Verified, VerifyError, verify};
pub use report::{Report, report};
pub use trusted::{TRUSTED_FILE_BYTES_MAX, TrustedAuthority, TrustedSetError, TrustedSetFile};

use alloc::{string::String, vec, vec::Vec};
use chain_facts::{WorkerInfo, keys};
use primitives::{AccountId, GenesisHash};
use serde::{Deserialize, Serialize};
use wire::receipt::{LogInclusion, Receipt};

/// Version of the file's layout. Version 1 held one step for each change of the chain's validators.
pub const FILE_VERSION: u32 = 2;
/// Longest receipt file that is read, bytes.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A receipt file, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFile {
    /// [`FILE_VERSION`].
    pub version: u32,
    /// The network, for people; what counts is what the proof shows.
    pub genesis: GenesisHash,
    /// Who asked, if anybody in particular.
    pub origin: Option<AccountId>,
    /// SCALE `QueryRequest`.
    pub request: String,
    /// SCALE `Result<QueryOutput, QueryError>`.
    pub answer: String,
    /// SCALE `Receipt`.
    pub receipt: String,
    /// SCALE `attestation::Evidence`.
    pub evidence: String,
    /// SCALE `WorkerRegistration`: what the evidence vouches for.
    pub registration: String,
    /// SCALE `chain_proof::PortableProof`.
    pub chain_proof: String,
    /// SCALE `LogInclusion`: where the receipt stands in the worker's log. The root is in the chain proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// The keys of the chain's storage that the proof of a receipt file must cover.
pub fn keys_needed(
    info: &WorkerInfo,
    receipt: &Receipt,
    log: Option<&LogInclusion>,
) -> Vec<Vec<u8>> {
    let mut needed = vec![
        keys::block_hash(0),
        keys::timestamp_now(),
        keys::block_hash(receipt.body.block_number),
        keys::worker(&info.worker),
        keys::allowed_measurement(&info.measurement),
        keys::accepted_roots(),
        keys::tier_max(),
    ];
    needed.extend(log.map(|log| keys::receipt_log(&info.worker, log.index)));
    needed
}
