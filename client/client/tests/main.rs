//! A client and several workers, over HTTP. The workers' query path is a worker's own; what their contract
//! answers, and from which block, the tests write.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod failover;
mod replicas;
mod shared;
mod world;
