//! The worker as one state machine.
//!
//! [`Core::step`] takes an [`Input`] (a final block's facts, an opened store) and returns [`Effect`]s
//! (register, submit a message, keep a secret, stop). There is no socket, file, clock or thread in
//! here; time comes with each input. Contracts run through [`executor_api::Executor`], state lives
//! behind [`ClusterStore`].
//!
//! Life of a worker: it **registers** (a quote binds its keys to this network), waits until the chain
//! **assigns** it to a cluster, puts the cluster's **seed** together from shares that gatekeepers sealed
//! to its key, opens its **store** and holds it against the chain, **runs** the mailbox from where the store stands, and **serves**
//! queries once it has caught up. Each step is taken only if a proven final block says so; when the
//! chain withdraws the registration or the build, serving ends with the next final block.
//!
//! Queries do not pass through the state machine: [`QueryService`] answers them in parallel against
//! the last published, immutable [`Published`] snapshot.
//!
//! # Threats
//!
//! The host owns disk, network and clock. An older disk is found by [`running::StoreJudgement`], a
//! stale chain by the age of the last final block, a replayed or redirected query by what is sealed
//! inside it. A host that stops the worker altogether cannot be prevented.

#![deny(missing_docs)]

pub mod audit;
mod cache;
mod cluster_keys;
mod compat;
pub mod entries;
mod gatekeeper;
mod handover;
mod identity;
mod instance;
mod joining;
mod kept;
mod logs;
mod machine;
mod mining;
mod notice;
mod outbox;
mod query;
mod receipt_log;
mod receipts;
pub mod running;
mod seed;
mod sessions;
mod snapshots;
mod store;

pub use compat::CompatibleRefusal;
pub use gatekeeper::GatekeeperSecrets;
pub use handover::{
    Departed, HandoverOffers, HandoverRefusal, Successor, TakeOverError, TakenOver,
};
pub use identity::Identity;
pub use kept::{KeptSecrets, KeptSeed};
pub use machine::{Core, Effect, Input, Settings};
pub use mining::{Gauge, ROUNDS_PER_ITERATION, Reading};
pub use notice::{Notice, StopReason};
pub use query::{Answer, Auditing, Begun, MAY_AUDIT, Published, QueryService, Refusal, ReplySeal, ServingState, output};
pub use receipt_log::{NotLogged, ReceiptLog};
pub use receipts::ReceiptQueue;
pub use scheduler::Settings as Sharing;
pub use snapshots::{NoRoot, SnapshotRefusal, SnapshotService, read_snapshot_chunk, snapshot_request};
pub use store::{ClusterStore, Head, RecordChunk, Records, StoreError};
