//! How much a machine computes for contracts, measured by a contract.
//!
//! The program (`program.wat`) runs as any contract's query does: through the engine, in a fresh
//! instance, counting its fuel, giving the processor away when it is asked to. So what makes contracts
//! slow makes the measure low: a slow processor or memory, few processors, an engine that was built
//! badly, a host that gives the machine's time to others.
//!
//! # Words
//!
//! A *round* is one query of the program, some milliseconds long: [`COMPUTE_TURNS`] turns on 32 KiB, then
//! [`MEMORY_TURNS`] turns on 1 MiB, all of a usual contract's memory, in no order; each takes about half of its time. `worker-core` counts rounds and makes
//! scores of them.
//!
//! # Threats
//!
//! What a round gives back is compared with what it must be, so a machine that computes wrongly, or an engine that
//! leaves work out, is found. Who can run rounds faster than a contract would run has only this program to do it
//! for; that, and what else cannot be prevented, is in `docs/adr/0030-the-benchmark-is-a-contract.md`.
//!
//! # Limits
//!
//! Storage, HTTP, scripts and signatures are not in it. It measures the machine as it is in that minute.

#![deny(missing_docs)]

use executor_api::{
    Capabilities, Context, ExecutionError, Executor, Mode, Operation, StateUnavailable, StateView,
    Turn,
};
use primitives::{AccountId, ClusterId, CodeHash, ContractId, UnixMillis, WorkerId};
use std::{collections::BTreeMap, sync::Arc};

/// The assembled program.
pub const PROGRAM: &[u8] = include_bytes!("program.wasm");
/// Turns of a round on the small working set.
pub const COMPUTE_TURNS: u32 = 128_000;
/// Turns of a round on the large one.
pub const MEMORY_TURNS: u32 = 40_000;
/// What a round gives back.
pub const ROUND_RESULT: u64 = 0x0119_5993_73d3_5934;
/// What [`Work::Memory`] gives back.
pub const MEMORY_RESULT: u64 = 0x3671_451c_c322_3b15;

/// Nobody, who owns the program.
const NOBODY: AccountId = AccountId([0; 32]);
/// A cluster of its own, in memory.
const CLUSTER: ClusterId = ClusterId([0; 32]);
const CONTRACT: ContractId = ContractId([0x62; 32]);

/// Why nothing is measured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BenchmarkError {
    /// The engine does not run the program.
    #[error("the benchmark does not run: {0}")]
    DoesNotRun(ExecutionError),
    /// The state of the benchmark cannot be read: a bug.
    #[error("the benchmark does not run: {0}")]
    State(String),
    /// Something else came out than must.
    #[error("this machine computes wrongly: a round gave {found:#x}, not {expected:#x}")]
    WrongResult {
        /// What came out.
        found: u64,
        /// What must.
        expected: u64,
    },
}

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A whole round.
    Round,
    /// The part of a round that works on much memory.
    Memory,
}

impl Work {
    const fn turns(self) -> (u32, u32) {
        match self {
            Self::Round => (COMPUTE_TURNS, MEMORY_TURNS),
            Self::Memory => (0, MEMORY_TURNS),
        }
    }

    const fn result(self) -> u64 {
        match self {
            Self::Round => ROUND_RESULT,
            Self::Memory => MEMORY_RESULT,
        }
    }
}

/// The program, ready to run. Shared by all threads.
pub struct Benchmark {
    executor: Arc<dyn Executor>,
    state: Memory,
}

impl Benchmark {
    /// Puts the program into a cluster of its own, and runs it once.
    ///
    /// # Errors
    /// When the engine does not run it, or it computes wrongly.
    pub fn new(executor: Arc<dyn Executor>, code_hash: CodeHash) -> Result<Self, BenchmarkError> {
        let mut benchmark = Self { executor, state: Memory::default() };
        let operations = [
            Operation::SetUpCluster {
                owner: NOBODY,
                gas_price: 0,
                deposit_per_item: 0,
                deposit_per_byte: 0,
                treasury: NOBODY,
            },
            Operation::UploadCode { code: PROGRAM.to_vec() },
            Operation::Instantiate {
                contract: CONTRACT,
                code_hash,
                input: Vec::new(),
                salt: Vec::new(),
                value: 0,
            },
        ];
        for operation in operations {
            benchmark.transact(&operation)?;
        }
        benchmark.run(Work::Round, &executor_api::Unshared)?;
        Ok(benchmark)
    }

    fn transact(&mut self, operation: &Operation) -> Result<(), BenchmarkError> {
        let turn = &executor_api::Unshared;
        let outcome = self
            .executor
            .execute(&self.state, &Machine { turn }, &context(Mode::Transaction), operation)
            .map_err(|error| BenchmarkError::State(error.to_string()))?;
        outcome.result.map_err(BenchmarkError::DoesNotRun)?;
        for (key, value) in outcome.changes {
            match value {
                Some(value) => self.state.0.insert(key, value),
                None => self.state.0.remove(&key),
            };
        }
        Ok(())
    }

    /// Does the work once, on the calling thread; `turn` may hold it up. Whether it was finished: one that was
    /// held up for longer than a query may take is not.
    ///
    /// # Errors
    /// When the program does not run, or computes wrongly.
    pub fn run(&self, work: Work, turn: &dyn Turn) -> Result<bool, BenchmarkError> {
        let (compute, memory) = work.turns();
        let operation = Operation::Call {
            contract: CONTRACT,
            input: [compute.to_le_bytes(), memory.to_le_bytes()].concat(),
            value: 0,
        };
        let outcome = self
            .executor
            .execute(&self.state, &Machine { turn }, &context(Mode::Query), &operation)
            .map_err(|error| BenchmarkError::State(error.to_string()))?;
        let returned = match outcome.result {
            Ok(returned) => returned,
            Err(ExecutionError::LimitReached(_)) => return Ok(false),
            Err(error) => return Err(BenchmarkError::DoesNotRun(error)),
        };
        let found = returned.data.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let expected = work.result();
        match found == expected {
            true => Ok(true),
            false => Err(BenchmarkError::WrongResult { found, expected }),
        }
    }
}

fn context(mode: Mode) -> Context {
    Context {
        mode,
        cluster: CLUSTER,
        origin: NOBODY,
        block_number: 0,
        now_ms: 0,
        gas_limit: 0,
        storage_deposit_limit: None,
        nonce: None,
    }
}

/// The state of the program's cluster. It never changes once the program is there.
#[derive(Default)]
struct Memory(BTreeMap<Vec<u8>, Vec<u8>>);

impl StateView for Memory {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        Ok(self.0.get(key).cloned())
    }
}

/// What the program may ask of the worker: nothing but the processor.
struct Machine<'a> {
    turn: &'a dyn Turn,
}

impl Capabilities for Machine<'_> {
    fn derive_sr25519_key(&self, _contract: &ContractId, _salt: &[u8]) -> [u8; 64] {
        [0; 64]
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }

    fn worker(&self) -> WorkerId {
        WorkerId([0; 32])
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        0
    }

    fn turn(&self) -> &dyn Turn {
        self.turn
    }
}
