//! What workers, clients and auditors read from the chain's storage: where it lies and what it means.
//!
//! The pallets own the storage; this crate is the reader's half, free of FRAME, so that a worker in a
//! TEE and a verifier in a browser can use it. The runtime's tests hold the two halves together: each
//! key and each value that a pallet writes is read back through here.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod keys;
pub mod read;
mod values;
pub mod view;

pub use values::{
    AgreedCheckpoint, AgreedRoot, Checkpoint, ClusterInfo, ClusterPermission, ContractRecord,
    DeclaredPlace, Instance, OfferedWorker, ReceiptLogRoot, Suspension, WorkerInfo, WorkerOffer,
    WorkerPlace,
};
