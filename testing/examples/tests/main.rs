//! The example contracts, built from their sources and run by the engine: their HTTP leaves through the
//! worker's own egress and reaches real servers on this machine.
//!
//! Contracts are taken from the folder that `PHAT_EXAMPLE_CONTRACTS` names, as `NAME.wasm`, else they are built
//! here, which takes minutes the first time.

mod older;
mod oracle;
mod private_join;
mod vault;
mod world;
