//! Checks receipt files and proofs of the chain in a browser: the crates `receipt` and `chain-proof`, compiled to
//! WebAssembly, with functions of plain numbers that any host can call. `web/verifier.js` calls what checks
//! receipts from JavaScript; `client/client-js` all of them.
//!
//! `cargo xtask receipt-verifier` builds the `.wasm`. It imports nothing: no clock, no randomness, no network.
//! The time is an argument.
//!
//! # Threats
//!
//! A file is hostile, and so is whoever serves this module: a page that checks receipts is trusted to be
//! the page that one meant to open. What the module says about a file is what the same crate says
//! in `phat receipt verify`, link by link.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
mod exports;
pub mod proof;

use alloc::{string::ToString as _, vec::Vec};
use primitives::GenesisHash;
use receipt::{Expected, TrustedSetFile, report};

/// What a caller wants to know of a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The network it must be of.
    pub genesis: Option<GenesisHash>,
    /// A trusted authority set's file; empty for none.
    pub trusted: &'a [u8],
    /// Whether the receipt must be in the worker's log on chain.
    pub logged: bool,
    /// The time, milliseconds since 1970.
    pub now_ms: Option<u64>,
}

/// The verdict on a receipt file as JSON: `holds`, the `links` that hold with what was found, the one that
/// `failed` with the `reason`, those `unchecked` after it, and a `warning`.
pub fn verdict(file: &[u8], wanted: &Wanted<'_>) -> Vec<u8> {
    let trusted = match wanted.trusted {
        [] => None,
        bytes => match TrustedSetFile::parse(bytes) {
            Ok(trusted) => Some(trusted),
            Err(error) => return refusal(&error.to_string()),
        },
    };
    let expected = Expected {
        genesis: wanted.genesis,
        trusted: trusted.as_ref(),
        logged: wanted.logged,
        now_ms: wanted.now_ms,
    };
    serde_json::to_vec(&report(file, &expected)).unwrap_or_else(|error| refusal(&error.to_string()))
}

fn refusal(reason: &str) -> Vec<u8> {
    let json = serde_json::json!({ "holds": false, "links": [], "failed": "file", "reason": reason });
    json.to_string().into_bytes()
}
