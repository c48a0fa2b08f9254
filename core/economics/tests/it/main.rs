//! The lazy economy against the published per-block algorithm.

#![allow(clippy::unwrap_used, reason = "a panic is the report")]

mod simulation;
mod vectors;
