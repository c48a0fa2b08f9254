//! QuickJS as a WebAssembly module: compiling it, and one run of it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

use contract_abi::script::JsValue;
use wasmtime::{
    Config, Engine, Error, Instance, InstancePre, Linker, Memory, Module, OptLevel,
    ResourceLimiter, Result, Store, Trap, UpdateDeadline, WasmParams, WasmResults,
};

use crate::input::Input;
use crate::limits::{
    EXCEPTION_BYTES_MAX, GUEST_STACK_RESERVE_BYTES, NATIVE_STACK_BYTES, NATIVE_STACK_RESERVE_BYTES,
    PAGE_BYTES, RESULT_BYTES_MAX, TABLE_ELEMENTS_MAX,
};
use crate::pace::{Pace, Stop};

/// What `build.rs` made of `guest/shim.c` and QuickJS.
const QUICKJS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/quickjs.wasm"));
/// Memory is compared and copied in pieces of this many bytes: pages of the host.
const PIECE_BYTES: usize = 4096;

/// Each knob with its reason.
pub fn engine() -> Result<Engine> {
    let mut config = Config::new();
    // Scripts end at a time of the clock, and share a processor.
    config.epoch_interruption(true);
    config.max_wasm_stack(NATIVE_STACK_BYTES);
    // Nothing is asynchronous here, but the one must not be larger than the other.
    config.async_stack_size(NATIVE_STACK_BYTES + NATIVE_STACK_RESERVE_BYTES);
    // Where in QuickJS a script was stopped is of no use to its author.
    config.wasm_backtrace_max_frames(None);
    config.native_unwind_info(false);
    config.cranelift_opt_level(OptLevel::Speed);
    config.parallel_compilation(true);
    // The module uses none of these.
    config.wasm_simd(false);
    config.wasm_relaxed_simd(false);
    config.wasm_multi_memory(false);
    config.wasm_memory64(false);
    config.wasm_tail_call(false);
    Engine::new(&config)
}

/// The compiled module, and the memory that a run begins with.
pub struct Guest {
    pre: InstancePre<Host>,
    start: Snapshot,
}

/// Memory of an interpreter that has run nothing yet, as differences to that of a fresh instance.
struct Snapshot {
    bytes: usize,
    pieces: Vec<(usize, Vec<u8>)>,
}

/// What belongs to one instance.
struct Host {
    memory_bytes_max: usize,
    /// Whether it asked for more memory than that.
    is_memory_refused: bool,
    /// `None` where no script runs.
    pace: Option<Pace>,
}

impl ResourceLimiter for Host {
    fn memory_growing(&mut self, _now: usize, wanted: usize, _most: Option<usize>) -> Result<bool> {
        let is_allowed = wanted <= self.memory_bytes_max;
        self.is_memory_refused |= !is_allowed;
        Ok(is_allowed)
    }

    fn table_growing(&mut self, _now: usize, wanted: usize, _most: Option<usize>) -> Result<bool> {
        Ok(wanted <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}

impl Guest {
    /// Compiles the module and sets an interpreter up.
    pub fn new(engine: &Engine) -> Result<Self> {
        let module = Module::new(engine, QUICKJS)?;
        let mut linker = Linker::new(engine);
        linker.func_wrap("host", "now_ms", now_ms)?;
        let pre = linker.instantiate_pre(&module)?;
        let start = Snapshot::take(&pre)?;
        Ok(Self { pre, start })
    }

    pub fn engine(&self) -> &Engine {
        self.pre.module().engine()
    }

    /// Runs `input` in an instance of its own.
    pub fn run(&self, input: &Input, memory_bytes_max: u64, pace: Pace) -> JsValue {
        let memory_bytes_max = usize::try_from(memory_bytes_max).unwrap_or(usize::MAX);
        if memory_bytes_max < self.start.bytes {
            let (least, bytes) = (self.start.bytes, memory_bytes_max);
            return exception(format!(
                "JavaScript needs {least} bytes of memory and more; it may use {bytes}"
            ));
        }
        let mut store = store(self.engine(), memory_bytes_max, Some(pace));
        let value = self
            .value(&mut store, input)
            .unwrap_or_else(|error| exception(explain(&error)));
        match value {
            // Without memory the interpreter does not always find words for that.
            JsValue::Exception(text)
                if store.data().is_memory_refused && !text.contains("out of memory") =>
            {
                exception(format!("out of memory ({memory_bytes_max} bytes): {text}"))
            }
            value => value,
        }
    }

    fn value(&self, store: &mut Store<Host>, input: &Input) -> Result<JsValue> {
        let instance = self.pre.instantiate(&mut *store)?;
        let memory = memory(&instance, store)?;
        self.start.restore(memory, store)?;

        let length = u32::try_from(input.bytes().len())?;
        let block: u32 = call(&instance, store, "allocate", length)?;
        if block == 0 {
            return Ok(exception("out of memory: the scripts do not fit".into()));
        }
        memory.write(&mut *store, block as usize, input.bytes())?;

        let kind: u32 = call(&instance, store, "run", (block, seed()))?;
        let start: u32 = call(&instance, store, "result_pointer", ())?;
        let length: u32 = call(&instance, store, "result_size", ())?;
        let bytes = memory
            .data(&*store)
            .get(start as usize..)
            .and_then(|bytes| bytes.get(..length as usize))
            .ok_or_else(|| Error::msg("the result lies outside of the memory"))?;
        Ok(value(kind, bytes))
    }
}

/// The instance's result, which it may have made up: any bytes are fine here.
fn value(kind: u32, bytes: &[u8]) -> JsValue {
    const EXCEPTION: u32 = 5;
    if bytes.len() > RESULT_BYTES_MAX && kind != EXCEPTION {
        let bytes = bytes.len();
        return exception(format!(
            "the value has {bytes} bytes; at most {RESULT_BYTES_MAX} can be returned"
        ));
    }
    let text = || String::from_utf8_lossy(bytes).into_owned();
    match kind {
        0 => JsValue::Undefined,
        1 => JsValue::Null,
        2 => JsValue::String(text()),
        3 => JsValue::Bytes(bytes.to_vec()),
        4 => JsValue::Other(text()),
        EXCEPTION => {
            // What is too long is cut before it is copied. One byte more shows that it is.
            let shown = bytes.get(..=EXCEPTION_BYTES_MAX).unwrap_or(bytes);
            exception(String::from_utf8_lossy(shown).into_owned())
        }
        _ => exception("the interpreter gave no value".into()),
    }
}

/// An exception with this text, cut if it is too long.
pub fn exception(mut text: String) -> JsValue {
    const CUT: &str = "…";
    if text.len() > EXCEPTION_BYTES_MAX {
        text.truncate(text.floor_char_boundary(EXCEPTION_BYTES_MAX - CUT.len()));
        text.push_str(CUT);
    }
    JsValue::Exception(text)
}

/// Why an instance stopped, for people.
fn explain(error: &Error) -> String {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stop.to_string();
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "the script recurses too deep".into(),
        Some(trap) => format!("the interpreter failed: {trap}"),
        None => format!("the interpreter failed: {error:#}"),
    }
}

impl Snapshot {
    fn take(pre: &InstancePre<Host>) -> Result<Self> {
        let mut store = store(pre.module().engine(), usize::MAX, None);
        let instance = pre.instantiate(&mut store)?;
        let memory = memory(&instance, &mut store)?;
        let fresh = memory.data(&store).to_vec();
        let failed: u32 = call(&instance, &mut store, "prepare", GUEST_STACK_RESERVE_BYTES)?;
        if failed != 0 {
            return Err(Error::msg("QuickJS does not start"));
        }
        let prepared = memory.data(&store);
        let zeros = [0; PIECE_BYTES];
        let pieces = prepared
            .chunks(PIECE_BYTES)
            .enumerate()
            .map(|(index, piece)| (index * PIECE_BYTES, piece))
            .filter(|(start, piece)| {
                let before = fresh.get(*start..start + piece.len());
                *piece != before.unwrap_or(&zeros[..piece.len()])
            })
            .map(|(start, piece)| (start, piece.to_vec()))
            .collect();
        Ok(Self {
            bytes: prepared.len(),
            pieces,
        })
    }

    fn restore(&self, memory: Memory, store: &mut Store<Host>) -> Result<()> {
        let missing = self.bytes.saturating_sub(memory.data_size(&*store)) / PAGE_BYTES;
        memory.grow(&mut *store, missing as u64)?;
        for (start, piece) in &self.pieces {
            memory.write(&mut *store, *start, piece)?;
        }
        Ok(())
    }
}

fn store(engine: &Engine, memory_bytes_max: usize, pace: Option<Pace>) -> Store<Host> {
    let host = Host {
        memory_bytes_max,
        is_memory_refused: false,
        pace,
    };
    let mut store = Store::new(engine, host);
    store.limiter(|host| host);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        if let Some(pace) = &mut context.data_mut().pace {
            pace.check()?;
        }
        Ok(UpdateDeadline::Continue(1))
    });
    store
}

fn memory(instance: &Instance, store: &mut Store<Host>) -> Result<Memory> {
    instance
        .get_memory(store, "memory")
        .ok_or_else(|| Error::msg("QuickJS exports no memory"))
}

fn call<P: WasmParams, R: WasmResults>(
    instance: &Instance,
    store: &mut Store<Host>,
    name: &str,
    parameters: P,
) -> Result<R> {
    instance
        .get_typed_func::<P, R>(&mut *store, name)?
        .call(store, parameters)
}

/// The host's time, as coarse as JavaScript shows it.
fn now_ms() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_millis() as f64)
}

/// For `Math.random`: another one each time, which is all that it needs.
fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
