//! What the fuzz targets check: one function for each, which panics where a promise does not hold.
//!
//! A target in `fuzz/` is a line of glue around one of [`CHECKS`]. The functions live here so that
//! inputs which once failed, and the seeds, are run by the usual tests too, without a fuzzer.
//!
//! Bytes that a function here gets choose everything: a generated module, arguments, keys' owners.
//! The same bytes always do the same.

#![deny(missing_docs)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a check fails by a panic"
)]

mod addresses;
mod compatible;
mod decoders;
#[cfg(feature = "oracle")]
mod host_calls;
#[cfg(feature = "oracle")]
mod machines;
#[cfg(feature = "oracle")]
mod modules;
mod queries;

/// A check: panics where a promise does not hold for these bytes.
pub type Check = fn(&[u8]);

/// All checks, by the name of their fuzz target.
pub const CHECKS: &[(&str, Check)] = &[
    ("wire", decoders::wire),
    ("abi", decoders::abi),
    ("attestation", decoders::attestation),
    ("chain_proof", decoders::chain_proof),
    ("addresses", addresses::addresses),
    ("queries", queries::queries),
    ("commands", queries::commands),
    ("compatible", compatible::compatible),
    #[cfg(feature = "oracle")]
    ("code", modules::code),
    #[cfg(feature = "oracle")]
    ("differential", modules::differential),
    #[cfg(feature = "oracle")]
    ("host_calls", host_calls::host_calls),
];

/// Runs the check called `name`.
///
/// # Panics
/// Where its promise does not hold for `data`, or there is no such check.
pub fn run(name: &str, data: &[u8]) {
    let check = CHECKS.iter().find(|(known, _)| *known == name);
    let (_, check) = check.unwrap_or_else(|| panic!("there is no check called {name}"));
    check(data);
}
