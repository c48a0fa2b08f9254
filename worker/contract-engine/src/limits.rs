//! Every limit of the engine, and the factor between gas and fuel.
//!
//! The limits are part of the determinism contract: all workers of a cluster run with the same ones,
//! and changing one changes what a contract may do.

use primitives::bounds;

/// Bytes of a WebAssembly page.
pub const PAGE_BYTES: u64 = 65_536;
/// Most memory of a contract, pages: 64 MiB. A cluster may set less.
pub const MEMORY_PAGES_MAX: u64 = bounds::MEMORY_PAGES_MAX as u64;
/// Most elements of a contract's table.
pub const TABLE_ELEMENTS_MAX: u64 = 2_000;
/// Native stack of one contract frame, bytes. Running out of it counts as running out of gas.
pub const WASM_STACK_BYTES: usize = 256 * 1024;
/// Most contract frames on top of each other; the contract that was called is the first.
pub const CALL_DEPTH_MAX: usize = 10;
/// Longest storage value, bytes.
pub const VALUE_BYTES_MAX: u32 = 1024 * 1024;
/// Longest storage key, bytes.
pub const KEY_BYTES_MAX: u32 = 128;
/// Most bytes that one execution may write to storage, over all frames and including what is
/// overwritten or rolled back later; bounds the memory of the overlay.
pub const WRITTEN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most bytes that contracts may write for debugging in one execution; the rest is dropped.
pub const DEBUG_BYTES_MAX: usize = 128 * 1024;
/// Most bytes of topics and data of all events of one execution.
pub const EVENTS_BYTES_MAX: usize = 1024 * 1024;
/// Most events of one execution.
pub const EVENTS_MAX: usize = 1024;
/// Most topics of one event.
pub const EVENT_TOPICS_MAX: usize = 4;
/// Longest data that one frame returns, bytes.
pub const OUTPUT_BYTES_MAX: u32 = bounds::ANSWER_BYTES_MAX;
/// Longest input of a call or of a host function, bytes.
pub const INPUT_BYTES_MAX: u32 = bounds::REQUEST_BYTES_MAX;
/// Longest salt of an instantiation, bytes.
pub const SALT_BYTES_MAX: u32 = bounds::SALT_BYTES_MAX;
/// Longest code, bytes.
pub const CODE_BYTES_MAX: usize = bounds::CODE_BYTES_MAX as usize;
/// Contracts that one execution may make.
pub const INSTANTIATIONS_MAX: usize = 256;
/// Most lines that contracts write to the log in one execution; the rest is dropped.
pub const LOG_LINES_MAX: usize = 1_024;
/// Most bytes of all lines of one execution; the rest is dropped.
pub const LOG_BYTES_MAX: usize = 128 * 1024;
/// Longest line of a log, bytes; what is longer is cut.
pub const LOG_LINE_BYTES_MAX: usize = 16 * 1024;
/// Most headers of an HTTP response.
pub const HTTP_HEADERS_MAX: usize = 256;
/// Most memory of a script, bytes.
pub const SCRIPT_MEMORY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Codes that a contract may lock as dependencies of delegate calls.
pub const DEPENDENCIES_MAX: usize = 32;
/// Hooks of a cluster.
pub const HOOKS_MAX: usize = 64;
/// Most gas of a hook, each block: 50 ms of reference time. A hook that asks for more gets this much.
pub const HOOK_GAS_MAX: u64 = 50_000_000_000;
/// Most bytes that one hook may write to storage, counted as [`WRITTEN_BYTES_MAX`] is.
pub const HOOK_WRITTEN_BYTES_MAX: usize = WRITTEN_BYTES_MAX / HOOKS_MAX;
/// Longest name of a driver of the system contract, bytes.
pub const DRIVER_NAME_BYTES_MAX: usize = 128;
/// Former holders of a driver's name that are remembered; the oldest are forgotten.
pub const DRIVER_HISTORY_MAX: usize = 64;

/// The version of wasmtime: how it counts fuel and how much stack its code takes are part of what
/// workers agree on.
pub const WASMTIME_VERSION: &str = "48.0.8";

/// Gas of one unit of wasmtime fuel. One gas is one picosecond of reference time, so one unit of
/// fuel, roughly one instruction, stands for a nanosecond.
pub const GAS_PER_FUEL: u64 = 1_000;
/// Most gas of a query: 50 s of reference time. Its time usually ends it first.
pub const QUERY_GAS_MAX: u64 = 50_000_000_000_000;
/// Most gas of a transaction or an estimate: 2.5 s of reference time.
pub const TRANSACTION_GAS_MAX: u64 = 2_500_000_000_000;

const _: () = assert!(KEY_BYTES_MAX < VALUE_BYTES_MAX);
const _: () = assert!(OUTPUT_BYTES_MAX as u64 <= MEMORY_PAGES_MAX * PAGE_BYTES);
const _: () = assert!((VALUE_BYTES_MAX as usize) < WRITTEN_BYTES_MAX);
const _: () = assert!(TRANSACTION_GAS_MAX <= QUERY_GAS_MAX);
const _: () = assert!(HOOK_GAS_MAX <= TRANSACTION_GAS_MAX);
const _: () = assert!(LOG_LINE_BYTES_MAX <= LOG_BYTES_MAX);

/// Fuel that host functions cost, on top of the instructions of the contract.
///
/// One unit stands for about a nanosecond; the numbers are rounded up from measurements of the
/// operations and are part of the determinism contract.
pub mod cost {
    /// Any call of a host function.
    pub const HOST_CALL: u64 = 100;
    /// Sixteen bytes copied between contract and host.
    pub const COPY_16_BYTES: u64 = 2;
    /// One read of the state.
    pub const STORAGE_READ: u64 = 2_000;
    /// One change of the state.
    pub const STORAGE_WRITE: u64 = 5_000;
    /// A byte read from the state.
    pub const STORAGE_BYTE: u64 = 1;
    /// A byte written to the state.
    pub const STORAGE_BYTE_WRITTEN: u64 = 4;
    /// A byte hashed, by any hash.
    pub const HASH_BYTE: u64 = 4;
    /// A hash, apart from its bytes.
    pub const HASH: u64 = 500;
    /// A signature made or checked, or a key derived.
    pub const SIGNATURE: u64 = 100_000;
    /// A byte of an event or of output for debugging.
    pub const EVENT_BYTE: u64 = 2;
    /// A new contract frame, apart from what runs in it.
    pub const FRAME: u64 = 30_000;
    /// An HTTP request, apart from its bytes. Its time is bounded by the query's deadline.
    pub const HTTP_REQUEST: u64 = 100_000;
    /// A script, apart from its bytes. Its time is bounded by the query's deadline.
    pub const SCRIPT: u64 = 1_000_000;
    /// A byte sent to or got from outside, or of a script.
    pub const OUTSIDE_BYTE: u64 = 2;
    /// One use of the worker's cache, apart from its bytes.
    pub const CACHE: u64 = 2_000;
    /// A message of the system contract, apart from the state that it reads and writes.
    pub const SYSTEM_MESSAGE: u64 = 10_000;
}
