//! The protocol at its boundary: known bytes, all kinds of signatures, tampering, bad input.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fixtures;
mod messages;
mod signatures;
