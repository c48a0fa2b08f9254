//! The wasmtime engine, and how many executions run at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

use crate::frame::FIBER_STACK_BYTES;
use crate::limits::{
    CALL_DEPTH_MAX, MEMORY_PAGES_MAX, PAGE_BYTES, TABLE_ELEMENTS_MAX, WASM_STACK_BYTES,
};
use crate::modules::Modules;
use crate::{EngineConfig, EngineError};

/// Memory that a pool slot keeps between instances, bytes: that of a usual ink! contract. More makes
/// resets slower, less makes page faults.
const RESIDENT_BYTES: usize = 1024 * 1024;
/// Table bytes that a pool slot keeps between instances.
const TABLE_RESIDENT_BYTES: usize = 16 * 1024;

/// One for each engine: configured once, shared by all executions.
pub struct Sandbox {
    pub engine: wasmtime::Engine,
    pub modules: Modules,
    pub gate: Gate,
    #[cfg(feature = "oracle")]
    pub interpreter: crate::oracle::Interpreter,
}

impl Sandbox {
    pub fn new(config: &EngineConfig) -> Result<Self, EngineError> {
        let engine = wasmtime_engine(config)?;
        #[cfg(feature = "oracle")]
        let mut interpreted = wasmi::Linker::build();
        let modules = Modules::new(
            &engine,
            config,
            #[cfg(feature = "oracle")]
            &mut interpreted,
        )?;
        Ok(Self {
            modules,
            engine,
            gate: Gate::new(config.executions_max),
            #[cfg(feature = "oracle")]
            interpreter: crate::oracle::Interpreter::new(interpreted),
        })
    }
}

/// Each knob with its reason. All of them together are part of the determinism contract.
fn wasmtime_engine(engine: &EngineConfig) -> Result<wasmtime::Engine, EngineError> {
    let mut config = Config::new();
    // Gas: every instruction counts, the same on every machine.
    config.consume_fuel(true);
    // Queries come back to the engine after each slice of fuel, on a stack of their own; a second
    // check in the code, of an epoch, would make calls in contracts half as fast again.
    config.async_stack_size(FIBER_STACK_BYTES);
    // `seal_return` is an error inside: collecting frames for it would cost more than the call.
    config.wasm_backtrace_max_frames(None);
    // How deep a contract may recurse is part of the determinism contract.
    config.max_wasm_stack(WASM_STACK_BYTES);
    // Nobody debugs or unwinds contracts by their native tables; without them code loads faster.
    config.native_unwind_info(false);
    config.cranelift_opt_level(OptLevel::Speed);
    config.parallel_compilation(true);
    // WebAssembly 1.0 is the language of contracts. The validator at upload says so first; these
    // keep the engine from accepting more than was checked.
    config.wasm_relaxed_simd(false);
    config.wasm_simd(false);
    config.wasm_bulk_memory(false);
    config.wasm_multi_value(false);
    config.wasm_multi_memory(false);
    config.wasm_memory64(false);
    config.wasm_tail_call(false);
    config.wasm_extended_const(false);
    // Floats are refused at upload, which is cheaper than making their NaNs alike.
    config.cranelift_nan_canonicalization(false);

    let mut pooled = config.clone();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(
        engine.executions_max,
    )));
    wasmtime::Engine::new(&pooled)
        .or_else(|error| {
            // The pool reserves address space that some machines do not give.
            tracing::warn!(%error, "no instance pool; contracts start slower");
            wasmtime::Engine::new(&config)
        })
        .map_err(|error| EngineError::Setup(error.to_string()))
}

/// A slot for each frame of each execution, so that the pool is never exhausted.
fn pool(executions_max: u32) -> PoolingAllocationConfig {
    let slots = executions_max.saturating_mul(CALL_DEPTH_MAX as u32);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(slots)
        .total_memories(slots)
        .total_tables(slots)
        .total_stacks(slots)
        .max_memories_per_module(1)
        .max_tables_per_module(1)
        .max_memory_size((MEMORY_PAGES_MAX * PAGE_BYTES) as usize)
        .table_elements(TABLE_ELEMENTS_MAX as usize)
        .linear_memory_keep_resident(RESIDENT_BYTES)
        .table_keep_resident(TABLE_RESIDENT_BYTES)
        // Resets only the pages that were written, where the kernel tells which.
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Lets a bounded number of executions in; the others wait.
pub struct Gate {
    places: Mutex<Places>,
    left: Condvar,
}

struct Places {
    free: u32,
    /// Who waits. Waking nobody would cost a system call for each execution.
    waiting: u32,
}

/// A place inside a [`Gate`], given back when dropped.
pub struct Place<'a>(&'a Gate);

impl Gate {
    fn new(places: u32) -> Self {
        Self {
            places: Mutex::new(Places {
                free: places.max(1),
                waiting: 0,
            }),
            left: Condvar::new(),
        }
    }

    pub fn enter(&self) -> Place<'_> {
        let mut places = lock(&self.places);
        places.waiting += 1;
        let waited = self.left.wait_while(places, |places| places.free == 0);
        let mut places = waited.unwrap_or_else(PoisonError::into_inner);
        places.waiting -= 1;
        places.free -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut places = lock(&self.0.places);
        places.free += 1;
        let is_awaited = places.waiting != 0;
        drop(places);
        if is_awaited {
            self.0.left.notify_one();
        }
    }
}

/// What is behind these locks is whole after each statement, so a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
