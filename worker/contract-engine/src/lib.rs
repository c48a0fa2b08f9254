//! The contract engine: a wasmtime host for ink! contracts.
//!
//! [`Engine`] implements [`Executor`]: given a state, an operation and a context it says what happens,
//! and writes nothing itself. It runs the binaries of ink! 3, 4 and 5 with the pink extension.
//!
//! # Words
//! A *frame* is one contract running one message: a fresh instance with zeroed memory, a stack and a
//! share of the fuel. An *execution* is one operation with all its frames. The *overlay* holds what an
//! execution changed; a frame that fails or reverts is undone there. *Fuel* is wasmtime's count of
//! instructions, *gas* is fuel times [`limits::GAS_PER_FUEL`].
//!
//! # Life of code
//! Uploaded bytes are checked, changed so that they run fast, and compiled; the result is kept in
//! memory under the hash of the original bytes, which are what is stored. A worker that has forgotten
//! the compiled form compiles again at the next call.
//!
//! # Threats
//! Contracts are hostile. Every pointer is checked; memory, table, stack, call depth, fuel, output,
//! events, debug text, keys, values and what one execution may write are bounded ([`limits`]); floats,
//! threads and everything after WebAssembly 1.0 are refused; nothing of one frame's memory is seen by
//! the next. Queries and estimates have a limit of time too, [`ClusterLimits::query_ms`], and every few
//! milliseconds of computing they offer the processor to others ([`executor_api::Turn`]). Gas and deposits that
//! callers of queries and estimates see are rounded up, because exact ones tell what a contract did.
//!
//! # Determinism
//! All limits, prices of host functions and the version of wasmtime are part of what the workers of a
//! cluster must agree on. A test with fixed fuel counts notices when an update changes them.
//!
//! # The system contract
//! Each cluster has one, made with the cluster. It is part of the engine, not WebAssembly; contracts
//! and clients call it like any other. What changes a whole cluster goes through it.
//!
//! # Limits
//! A contract that terminates leaves its storage behind, because the state cannot be listed by prefix;
//! its id is never used again, and the deposit for what is left stays taken. The second part of
//! weights, the size of proofs, has no meaning here and is not looked at. SideVM programs and XCM are
//! not offered.

#![deny(missing_docs)]
// No panic of the host may be reachable from a contract.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice
    )
)]

mod code_cache;
mod crypto;
mod effects;
pub mod event_chain;
mod execution;
mod frame;
mod hooks;
mod host;
pub mod limits;
mod modules;
mod operations;
#[cfg(feature = "oracle")]
pub mod oracle;
mod outside;
mod pace;
mod payment;
mod pink;
mod prepare;
mod sandbox;
mod state;
mod stop;
mod system;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use executor_api::{
    Capabilities, Context, ContractFacts, EventChainHead, ExecutionError, Executor, Operation,
    Outcome, Part, StateUnavailable, StateView,
};
use primitives::{AccountId, ClusterId, CodeHash, ContractId};
use wire::limits::ClusterLimits;

use sandbox::Sandbox;
use state::{ClusterRecord, ContractRecord, Overlay, OverlayError, cluster_key};

pub use code_cache::{CodeCacheConfig, CodeCacheKey};
pub use frame::STACK_BYTES;

/// Settings of an engine. They change how fast it is, never a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Executions that may be inside of the engine at once; more wait. Address space for the frames
    /// of all of them is reserved.
    pub executions_max: u32,
    /// Where compiled code outlives the process; without it each start compiles again.
    pub code_cache: Option<CodeCacheConfig>,
}

impl Default for EngineConfig {
    /// 256 executions at once, more than a worker admits; nothing on disk.
    fn default() -> Self {
        Self {
            executions_max: 256,
            code_cache: None,
        }
    }
}

/// The engine could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime refused the configuration on this machine.
    #[error("the contract engine cannot start on this machine: {0}")]
    Setup(String),
}

/// Runs contracts. Cheap to clone; all clones share compiled code and limits.
#[derive(Clone)]
pub struct Engine {
    sandbox: Arc<Sandbox>,
}

impl Engine {
    /// Sets up an engine.
    ///
    /// # Errors
    /// When this machine cannot run compiled WebAssembly.
    pub fn new(config: &EngineConfig) -> Result<Self, EngineError> {
        Ok(Self {
            sandbox: Arc::new(Sandbox::new(config)?),
        })
    }

    /// The head of the event chain of the cluster whose state this is.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn event_chain_head(
        &self,
        state: &dyn StateView,
    ) -> Result<EventChainHead, StateUnavailable> {
        event_chain::head_of(state)
    }

    /// Checks `code` as an upload would, without storing or compiling it.
    ///
    /// # Errors
    /// Why the code is refused, for people.
    pub fn check_code(&self, code: &[u8]) -> Result<(), String> {
        self.sandbox.modules.check(code)
    }
}

/// The code hash of `code`: blake2b-256 of the original bytes.
pub fn code_hash(code: &[u8]) -> CodeHash {
    CodeHash(crypto::blake2_256(code))
}

/// The id of a contract: blake2b-256 of deployer ‖ code hash ‖ cluster ‖ salt, without lengths.
///
/// Used for contracts made by contracts; the chain uses the same formula for those made by users.
pub fn contract_id(
    deployer: &AccountId,
    code_hash: &CodeHash,
    cluster: &ClusterId,
    salt: &[u8],
) -> ContractId {
    execution::contract_id(deployer, code_hash, cluster, salt)
}

impl Executor for Engine {
    fn execute(
        &self,
        state: &dyn StateView,
        capabilities: &dyn Capabilities,
        context: &Context,
        operation: &Operation,
    ) -> Result<Outcome, StateUnavailable> {
        let _place = self.sandbox.gate.enter();
        let run = || operations::execute(&self.sandbox, state, capabilities, context, operation);
        // A bug voids this execution alone. Nothing that outlives it is changed on the way.
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
            tracing::error!("an execution panicked; this is a bug of the engine");
            let text = "the engine stopped unexpectedly; the log of the worker says where";
            Ok(operations::refused(ExecutionError::Bug(text.into())))
        })
    }

    fn contract(
        &self,
        state: &dyn StateView,
        contract: &ContractId,
    ) -> Result<Option<ContractFacts>, StateUnavailable> {
        let unavailable = |error: OverlayError| StateUnavailable(error.to_string());
        let overlay = Overlay::default();
        match overlay.contract(state, contract).map_err(unavailable)? {
            Some(ContractRecord::Alive(info)) => Ok(Some(ContractFacts {
                code_hash: info.code_hash,
                owner: info.owner,
                weight: overlay.weight(state, contract).map_err(unavailable)?,
            })),
            Some(ContractRecord::Terminated { .. }) | None => Ok(None),
        }
    }

    fn part_of(&self, key: &[u8]) -> Part {
        state::part_of(key)
    }

    fn balance_key(&self, account: &AccountId) -> Vec<u8> {
        state::balance_key(account)
    }

    fn limits(&self, state: &dyn StateView) -> Result<ClusterLimits, StateUnavailable> {
        let record = Overlay::default().read_record::<ClusterRecord>(state, &cluster_key());
        let cluster = record.map_err(|error| StateUnavailable(error.to_string()))?;
        Ok(cluster.map_or(ClusterLimits::DEFAULT, |cluster| cluster.limits))
    }
}
