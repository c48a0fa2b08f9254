//! Threshold keys through their public API: many holders, on one seed.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod dealing;
mod evaluation;
mod evidence;
mod formats;
mod network;
mod proof;
