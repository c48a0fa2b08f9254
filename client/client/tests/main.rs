//! A client and several workers, over HTTP. The workers' query path is a worker's own; what their contract
//! answers, and from which block, the tests write.

mod failover;
mod replicas;
mod world;
