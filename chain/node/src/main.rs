//! The chain node: Aura and GRANDPA, the usual Substrate command line and RPC, and one method more,
//! `phat_warpProof`, for receipts.
//!
//! A node refuses to run a chain of type `Live` that is a development network, or that accepts a
//! development attestation root (see [`guard`]).

#![allow(clippy::result_large_err, reason = "the error type is the SDK's")]

mod chain_spec;
mod cli;
mod command;
mod guard;
mod rpc;
mod service;

fn main() -> std::process::ExitCode {
    match command::run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("phat-node: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
