//! The sharing of processors: the policy on a clock of its own, and the threads.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bounds;
mod fairness;
mod simulation;
mod threads;
