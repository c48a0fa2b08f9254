//! The lazy economy against the published per-block algorithm.

mod simulation;
mod vectors;
