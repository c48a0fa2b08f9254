//! The contract engine: a wasmtime host for ink! contracts
