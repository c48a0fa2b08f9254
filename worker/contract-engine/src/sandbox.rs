//! The wasmtime engine, the modules compiled for it, and how many executions run at once.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use primitives::CodeHash;
use wasmtime::{
    Config, Enabled, ExternType, InstanceAllocationStrategy, InstancePre, Linker, Module,
    ModuleExport, OptLevel, PoolingAllocationConfig,
};

use crate::frame::Frame;
use crate::limits::{
    CALL_DEPTH_MAX, MEMORY_PAGES_MAX, PAGE_BYTES, TABLE_ELEMENTS_MAX, WASM_STACK_BYTES,
};
use crate::prepare::{self, CALL, DEPLOY, MEMORY};
use crate::{EngineConfig, EngineError, host};

/// Memory that a pool slot keeps between instances, bytes: that of a usual ink! contract. More makes
/// resets slower, less makes page faults.
const RESIDENT_BYTES: usize = 1024 * 1024;
/// Table bytes that a pool slot keeps between instances.
const TABLE_RESIDENT_BYTES: usize = 16 * 1024;
/// Most modules kept compiled.
const MODULES_MAX: usize = 256;

/// A contract's code, compiled and linked to the host functions.
pub struct Contract {
    pub pre: InstancePre<Frame>,
    pub call: ModuleExport,
    pub deploy: ModuleExport,
    pub memory: ModuleExport,
    pub memory_pages: MemoryPages,
}

/// The memory of a contract, pages.
#[derive(Clone, Copy, Debug)]
pub struct MemoryPages {
    /// What it starts with.
    pub initial: u64,
    /// What it may grow to, unless its cluster allows less.
    pub maximum: u64,
}

struct Cached {
    contract: Arc<Contract>,
    used: u64,
}

/// One for each engine: configured once, shared by all executions.
pub struct Sandbox {
    pub engine: wasmtime::Engine,
    pub linker: Linker<Frame>,
    host_functions: BTreeSet<(String, String)>,
    modules: Mutex<HashMap<CodeHash, Cached>>,
    clock: AtomicU64,
    /// How often the epoch was moved on.
    epoch: AtomicU64,
    pub gate: Gate,
    #[cfg(feature = "oracle")]
    pub interpreter: crate::oracle::Interpreter,
    pub query_ticks_max: u64,
}

impl Sandbox {
    pub fn new(config: &EngineConfig) -> Result<Self, EngineError> {
        let engine = wasmtime_engine(config)?;
        let mut linker = Linker::new(&engine);
        #[cfg(feature = "oracle")]
        let mut interpreter = crate::oracle::Interpreter::new();
        let host_functions = host::register(
            &mut linker,
            #[cfg(feature = "oracle")]
            &mut interpreter.linker,
        )
        .map_err(|error| EngineError::Setup(error.to_string()))?;
        Ok(Self {
            engine,
            linker,
            host_functions,
            modules: Mutex::default(),
            clock: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            gate: Gate::new(config.executions_max),
            #[cfg(feature = "oracle")]
            interpreter,
            query_ticks_max: config.query_ticks_max,
        })
    }

    pub fn tick_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
        self.engine.increment_epoch();
    }

    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Checks and compiles `code` whose hash is `code_hash`, and keeps the result.
    ///
    /// # Errors
    /// Why the code is refused, for people.
    pub fn load(&self, code_hash: &CodeHash, code: &[u8]) -> Result<Arc<Contract>, String> {
        let contract = Arc::new(self.compile(code)?);
        self.keep(*code_hash, Arc::clone(&contract));
        Ok(contract)
    }

    /// The compiled code, if it is kept.
    pub fn get(&self, code_hash: &CodeHash) -> Option<Arc<Contract>> {
        let used = self.clock.fetch_add(1, Ordering::Relaxed);
        let mut modules = lock(&self.modules);
        let cached = modules.get_mut(code_hash)?;
        cached.used = used;
        Some(Arc::clone(&cached.contract))
    }

    fn keep(&self, code_hash: CodeHash, contract: Arc<Contract>) {
        let used = self.clock.fetch_add(1, Ordering::Relaxed);
        let mut modules = lock(&self.modules);
        if modules.len() >= MODULES_MAX && !modules.contains_key(&code_hash) {
            let oldest = modules.iter().min_by_key(|(_, cached)| cached.used);
            if let Some(oldest) = oldest.map(|(code_hash, _)| *code_hash) {
                modules.remove(&oldest);
            }
        }
        modules.insert(code_hash, Cached { contract, used });
    }

    /// As [`Sandbox::load`], without compiling.
    pub fn check(&self, code: &[u8]) -> Result<(), String> {
        self.prepare(code).map(drop)
    }

    pub fn prepare(&self, code: &[u8]) -> Result<Vec<u8>, String> {
        prepare::prepare(code, |module, name| {
            self.host_functions
                .contains(&(module.to_owned(), name.to_owned()))
        })
    }

    fn compile(&self, code: &[u8]) -> Result<Contract, String> {
        let prepared = self.prepare(code)?;
        let module = Module::new(&self.engine, prepared).map_err(|error| error.to_string())?;
        let export = |name| {
            module
                .get_export_index(name)
                .ok_or_else(|| format!("it does not export `{name}`"))
        };
        for name in [CALL, DEPLOY] {
            let is_plain = match module.get_export(name) {
                Some(ExternType::Func(f)) => f.params().len() == 0 && f.results().len() == 0,
                _ => false,
            };
            if !is_plain {
                return Err(format!("its function `{name}` has parameters or results"));
            }
        }
        let (call, deploy, memory) = (export(CALL)?, export(DEPLOY)?, export(MEMORY)?);
        let memory_pages = match module.get_export(MEMORY) {
            Some(ExternType::Memory(memory)) => MemoryPages {
                initial: memory.minimum(),
                maximum: memory.maximum().unwrap_or(MEMORY_PAGES_MAX),
            },
            _ => return Err(format!("it does not export `{MEMORY}`")),
        };
        // Imports that exist have been checked; here those with another signature are found.
        let pre = self
            .linker
            .instantiate_pre(&module)
            .map_err(|error| format!("{error:#}"))?;
        Ok(Contract {
            pre,
            call,
            deploy,
            memory,
            memory_pages,
        })
    }
}

/// Each knob with its reason. All of them together are part of the determinism contract.
fn wasmtime_engine(engine: &EngineConfig) -> Result<wasmtime::Engine, EngineError> {
    let mut config = Config::new();
    // Gas: every instruction counts, the same on every machine.
    config.consume_fuel(true);
    // Queries also have a wall-clock limit; executions that have none set a deadline far away.
    config.epoch_interruption(true);
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
    free: Mutex<u32>,
    left: Condvar,
}

/// A place inside a [`Gate`], given back when dropped.
pub struct Place<'a>(&'a Gate);

impl Gate {
    fn new(places: u32) -> Self {
        Self {
            free: Mutex::new(places.max(1)),
            left: Condvar::new(),
        }
    }

    pub fn enter(&self) -> Place<'_> {
        let free = lock(&self.free);
        let waited = self.left.wait_while(free, |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.left.notify_one();
    }
}

/// What is behind these locks is whole after each statement, so a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
