//! What workers, clients and auditors read from the chain's storage: where it lies and what it means.
//!
//! The pallets own the storage; this crate is the reader's half, free of FRAME, so that a worker in a
//! TEE and a verifier in a browser can use it. The runtime's tests hold the two halves together: each
//! key and each value that a pallet writes is read back through here.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod keys;
mod mining;
mod pools;
pub mod read;
mod values;
pub mod view;

pub use mining::{
    Benchmark, BenchmarkRules, BoundSession, CoolDown, MiningView, PendingChallenge, SessionInfo,
    SessionState,
};
pub use pools::{
    CommissionRaise, Delegation, Pool, PoolKind, PoolQueue, PoolSession, PoolSessionPhase,
    WithdrawRequest,
};
pub use threshold_keys::KeyRotation;
pub use values::{
    AgreedCheckpoint, AgreedRoot, Checkpoint, ClusterInfo, ClusterPermission, ContractRecord,
    DeclaredPlace, Instance, NextClusterKey, OfferedWorker, ReceiptLogRoot, Suspension, WorkerInfo,
    WorkerOffer, WorkerPlace,
};
