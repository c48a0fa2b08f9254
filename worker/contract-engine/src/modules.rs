//! Compiled contracts: in memory, on disk, or made when they are asked for.
//!
//! Compiling has threads of its own, at most half of the processors: what is being compiled takes the
//! processor from queries, but never all of it. One code is compiled once, however many ask for it.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::thread::available_parallelism;

use primitives::CodeHash;
use rayon::{ThreadPool, ThreadPoolBuilder};
use wasmtime::{Engine, ExternType, InstancePre, Linker, Module, ModuleExport};

use crate::code_cache::CodeCache;
use crate::frame::Frame;
use crate::limits::MEMORY_PAGES_MAX;
use crate::prepare::{self, CALL, DEPLOY, MEMORY};
use crate::stop::Stop;
use crate::{EngineConfig, EngineError, host};

/// Most bytes of compiled code in memory.
const COMPILED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Most compiled contracts in memory; each may hold some mappings and an open file.
const COMPILED_MAX: usize = 512;

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

struct Kept {
    contract: Arc<Contract>,
    bytes: usize,
    used: AtomicU64,
}

#[derive(Default)]
struct InMemory {
    contracts: HashMap<CodeHash, Kept>,
    bytes: usize,
}

/// All compiled contracts of an engine.
pub struct Modules {
    engine: Engine,
    pub linker: Linker<Frame>,
    host_functions: BTreeSet<(String, String)>,
    memory: RwLock<InMemory>,
    /// Counts uses, to know which was last.
    uses: AtomicU64,
    disk: Option<CodeCache>,
    /// One lock for each code that is being loaded.
    loading: Mutex<HashMap<CodeHash, Arc<Mutex<()>>>>,
    compilers: ThreadPool,
}

impl Modules {
    pub fn new(
        engine: &Engine,
        config: &EngineConfig,
        #[cfg(feature = "oracle")] interpreted: &mut crate::oracle::Functions,
    ) -> Result<Self, EngineError> {
        let mut linker = Linker::new(engine);
        let host_functions = host::register(
            &mut linker,
            #[cfg(feature = "oracle")]
            interpreted,
        )
        .map_err(|error| EngineError::Setup(error.to_string()))?;
        let processors = available_parallelism().map_or(1, usize::from);
        let compilers = ThreadPoolBuilder::new()
            .num_threads((processors / 2).max(1))
            .thread_name(|number| format!("compiler-{number}"))
            .build()
            .map_err(|error| EngineError::Setup(error.to_string()))?;
        Ok(Self {
            engine: engine.clone(),
            linker,
            host_functions,
            memory: RwLock::default(),
            uses: AtomicU64::new(0),
            disk: config
                .code_cache
                .clone()
                .map(|config| CodeCache::open(config, engine)),
            loading: Mutex::default(),
            compilers,
        })
    }

    /// The compiled code, if it is in memory.
    pub fn get(&self, code_hash: &CodeHash) -> Option<Arc<Contract>> {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        let kept = memory.contracts.get(code_hash)?;
        let now = self.uses.fetch_add(1, Ordering::Relaxed);
        kept.used.store(now, Ordering::Relaxed);
        Some(Arc::clone(&kept.contract))
    }

    /// Checks code that is uploaded, and compiles it.
    ///
    /// # Errors
    /// Why the code is refused, for people; the same on every worker, whatever it has compiled before.
    pub fn accept(&self, code_hash: &CodeHash, code: &[u8]) -> Result<Arc<Contract>, String> {
        let prepared = self.prepare(code)?;
        self.once(code_hash, || self.compile(code_hash, &prepared))
    }

    /// As [`Modules::get`], and otherwise from disk, and otherwise compiled from `code`, which was
    /// accepted before.
    pub fn load(
        &self,
        code_hash: &CodeHash,
        code: impl FnOnce() -> Result<Vec<u8>, Stop>,
    ) -> Result<Arc<Contract>, Stop> {
        self.once(code_hash, || {
            let refused =
                |reason| Stop::bug(format!("code that was accepted is refused: {reason}"));
            let prepared = self.prepare(&code()?).map_err(refused)?;
            self.compile(code_hash, &prepared).map_err(refused)
        })
    }

    /// As an upload would check `code`, without compiling it.
    ///
    /// # Errors
    /// Why the code is refused, for people.
    pub fn check(&self, code: &[u8]) -> Result<(), String> {
        self.prepare(code).map(drop)
    }

    pub fn prepare(&self, code: &[u8]) -> Result<Vec<u8>, String> {
        prepare::prepare(code, |module, name| {
            self.host_functions
                .contains(&(module.to_owned(), name.to_owned()))
        })
    }

    /// From memory, from disk, or by `make`; whoever asks for the same meanwhile waits for it.
    fn once<E>(
        &self,
        code_hash: &CodeHash,
        make: impl FnOnce() -> Result<Arc<Contract>, E>,
    ) -> Result<Arc<Contract>, E> {
        let turn = Arc::clone(lock(&self.loading).entry(*code_hash).or_default());
        let made = {
            let _loading = lock(&turn);
            match self.get(code_hash).or_else(|| self.read_disk(code_hash)) {
                Some(contract) => Ok(contract),
                None => make(),
            }
        };
        lock(&self.loading).remove(code_hash);
        made
    }

    fn compile(&self, code_hash: &CodeHash, prepared: &[u8]) -> Result<Arc<Contract>, String> {
        let module = self
            .compilers
            .install(|| Module::new(&self.engine, prepared))
            .map_err(|error| error.to_string())?;
        let contract = self.link(&module)?;
        if let Some(disk) = &self.disk {
            match module.serialize() {
                Ok(artefact) => disk.write(code_hash, &artefact),
                Err(error) => tracing::warn!(%error, "compiled code cannot be written down"),
            }
        }
        Ok(self.keep(code_hash, contract))
    }

    fn read_disk(&self, code_hash: &CodeHash) -> Option<Arc<Contract>> {
        let module = self.disk.as_ref()?.read(code_hash, |artefact| {
            #[expect(unsafe_code, reason = "compiled code is machine code")]
            // SAFETY: `serialize` of this engine, or of one with the same fingerprint, wrote these
            // bytes: their MAC was made with a key that only this worker has, and they were read into
            // our memory before it was checked.
            let module = unsafe { Module::deserialize(&self.engine, artefact) };
            module
                .inspect_err(|error| tracing::warn!(%error, "compiled code does not load"))
                .ok()
        })?;
        let contract = self.link(&module).ok()?;
        Some(self.keep(code_hash, contract))
    }

    fn link(&self, module: &Module) -> Result<Contract, String> {
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
            .instantiate_pre(module)
            .map_err(|error| format!("{error:#}"))?;
        Ok(Contract {
            pre,
            call,
            deploy,
            memory,
            memory_pages,
        })
    }

    /// Keeps a contract in memory; the least recently used ones go where there is no room.
    fn keep(&self, code_hash: &CodeHash, contract: Contract) -> Arc<Contract> {
        let image = contract.pre.module().image_range();
        let bytes = image.end.addr() - image.start.addr() + size_of::<Contract>();
        let contract = Arc::new(contract);
        let kept = Kept {
            contract: Arc::clone(&contract),
            bytes,
            used: AtomicU64::new(self.uses.fetch_add(1, Ordering::Relaxed)),
        };
        let mut memory = self.write();
        memory.bytes += bytes;
        if let Some(old) = memory.contracts.insert(*code_hash, kept) {
            memory.bytes -= old.bytes;
        }
        while memory.contracts.len() > COMPILED_MAX || memory.bytes > COMPILED_BYTES_MAX {
            let others = memory
                .contracts
                .iter()
                .filter(|(_, kept)| !Arc::ptr_eq(&kept.contract, &contract));
            let oldest = others.min_by_key(|(_, kept)| kept.used.load(Ordering::Relaxed));
            let Some(oldest) = oldest.map(|(code_hash, _)| *code_hash) else {
                break;
            };
            if let Some(old) = memory.contracts.remove(&oldest) {
                memory.bytes -= old.bytes;
            }
        }
        contract
    }

    fn write(&self) -> RwLockWriteGuard<'_, InMemory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is behind these locks is whole after each statement, so a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
