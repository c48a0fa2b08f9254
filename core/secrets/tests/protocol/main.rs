//! The protocol at its boundary: both sides of it, tampering, and the bytes as fixtures.

mod commands;
mod fixtures;
mod keys;
mod queries;
mod receipts;
mod support;
