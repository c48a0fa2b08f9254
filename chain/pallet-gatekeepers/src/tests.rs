//! The pallet with real cryptography.

mod beacon;
mod ceremony;
mod misbehaviour;
mod recovery;
mod rotation;
mod seeds;
mod settings;
