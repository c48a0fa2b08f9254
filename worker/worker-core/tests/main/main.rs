//! The state machine on a scripted chain: several workers, real state stores, a tiny executor.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::large_enum_variant)]

mod audit;
mod ceremony;
mod chain;
mod compatible;
mod executor;
mod gatekeepers;
mod keys;
mod lifecycle;
mod mailbox;
mod mining;
mod node;
mod outbox;
mod queries;
mod replicas;
mod rotation;
mod sharing;
mod store_judgement;
mod upgrade;
