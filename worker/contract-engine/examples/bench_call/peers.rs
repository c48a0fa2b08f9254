//! The same contracts run by wasmi, configured as pallet-contracts configures it.
//!
//! Only the host functions that the contracts import exist, and nothing is charged or looked up but
//! fuel and the value in storage: a call is cheaper here than in the pallet around wasmi.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use wasmi::core::HostError;
use wasmi::{
    Caller, CompilationMode, Config, Engine, Error, ExternType, Linker, LinkerBuilder, Memory,
    Module, StackLimits, Store, state,
};

/// Fuel of a call; more than any of the contracts needs.
const FUEL: u64 = 1 << 40;

/// Storage of the contract.
pub type Storage = BTreeMap<Vec<u8>, Vec<u8>>;

struct Host {
    memory: Option<Memory>,
    storage: Arc<Storage>,
    input: Vec<u8>,
    output: Vec<u8>,
}

/// Ends a call from inside `seal_return`.
#[derive(Debug)]
struct Returned;

impl fmt::Display for Returned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the contract returned")
    }
}

impl HostError for Returned {}

/// Translates the module, links it, makes an instance and calls it, as pallet-contracts does for each
/// call.
pub fn translate_and_call(
    code: &[u8],
    storage: &Arc<Storage>,
    input: &[u8],
) -> Result<Vec<u8>, Error> {
    let module = translate(code, CompilationMode::Lazy)?;
    let mut linker = Linker::new(module.engine());
    linker
        .func_wrap("seal0", "input", input_function)?
        .func_wrap("seal1", "get_storage", get_storage)?
        .func_wrap("seal2", "set_storage", set_storage)?
        .func_wrap("seal0", "seal_return", seal_return)?;
    call(&module, linker, storage, input)
}

/// A contract's code translated once, and the host functions.
pub struct Kept {
    module: Module,
    functions: LinkerBuilder<state::Ready, Host>,
}

impl Kept {
    /// Translates all of the module.
    pub fn new(code: &[u8]) -> Result<Self, Error> {
        let module = translate(code, CompilationMode::Eager)?;
        let mut functions = Linker::build();
        functions
            .func_wrap("seal0", "input", input_function)?
            .func_wrap("seal1", "get_storage", get_storage)?
            .func_wrap("seal2", "set_storage", set_storage)?
            .func_wrap("seal0", "seal_return", seal_return)?;
        let functions = functions.finish();
        Ok(Self { module, functions })
    }

    /// Calls a fresh instance.
    pub fn call(&self, storage: &Arc<Storage>, input: &[u8]) -> Result<Vec<u8>, Error> {
        let linker = self.functions.create(self.module.engine());
        call(&self.module, linker, storage, input)
    }
}

/// Unlike the pallet this also validates the module, since only an unsafe function does not; with
/// [`CompilationMode::Lazy`] bodies are validated where they are first called.
fn translate(code: &[u8], mode: CompilationMode) -> Result<Module, Error> {
    let mut config = Config::default();
    config
        .wasm_multi_value(false)
        .wasm_mutable_global(false)
        .wasm_sign_extension(true)
        .wasm_bulk_memory(false)
        .wasm_reference_types(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .wasm_saturating_float_to_int(false)
        .floats(false)
        .compilation_mode(mode)
        .consume_fuel(true)
        .set_stack_limits(StackLimits::default());
    Module::new(&Engine::new(&config), code)
}

fn call(
    module: &Module,
    mut linker: Linker<Host>,
    storage: &Arc<Storage>,
    input: &[u8],
) -> Result<Vec<u8>, Error> {
    let host = Host {
        memory: None,
        storage: Arc::clone(storage),
        input: input.to_vec(),
        output: Vec::new(),
    };
    let mut store = Store::new(module.engine(), host);
    store.set_fuel(FUEL)?;
    let memory = module.imports().find_map(|import| match import.ty() {
        ExternType::Memory(memory) => Some(*memory),
        _ => None,
    });
    let memory = memory.ok_or_else(|| Error::new("the contract imports no memory"))?;
    let memory = Memory::new(&mut store, memory)?;
    store.data_mut().memory = Some(memory);
    linker.define("env", "memory", memory)?;
    let instance = linker.instantiate(&mut store, module)?.start(&mut store)?;
    let call = instance.get_typed_func::<(), ()>(&store, "call")?;
    match call.call(&mut store, ()) {
        Err(error) if error.downcast_ref::<Returned>().is_none() => Err(error),
        _ => Ok(store.into_data().output),
    }
}

fn slice(memory: &mut [u8], at: u32, len: u32) -> Result<&mut [u8], Error> {
    let at = at as usize;
    memory
        .get_mut(at..at + len as usize)
        .ok_or_else(|| Error::new("outside of the memory"))
}

/// Writes `value` where there is room for it, and its length.
fn write(memory: &mut [u8], out: u32, out_len: u32, value: &[u8]) -> Result<(), Error> {
    let mut room = [0; 4];
    room.copy_from_slice(slice(memory, out_len, 4)?);
    let len = value.len() as u32;
    if len > u32::from_le_bytes(room) {
        return Err(Error::new("the buffer is too small"));
    }
    slice(memory, out, len)?.copy_from_slice(value);
    slice(memory, out_len, 4)?.copy_from_slice(&len.to_le_bytes());
    Ok(())
}

fn parts<'c>(caller: &'c mut Caller<'_, Host>) -> Result<(&'c mut [u8], &'c mut Host), Error> {
    let memory = caller.data().memory;
    let memory = memory.ok_or_else(|| Error::new("no memory"))?;
    Ok(memory.data_and_store_mut(caller))
}

fn input_function(mut caller: Caller<'_, Host>, out: u32, out_len: u32) -> Result<(), Error> {
    let (memory, host) = parts(&mut caller)?;
    write(memory, out, out_len, &host.input)
}

fn get_storage(
    mut caller: Caller<'_, Host>,
    key: u32,
    key_len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Error> {
    /// `ReturnErrorCode::KeyNotFound` of the contract's interface.
    const KEY_NOT_FOUND: u32 = 3;
    let (memory, host) = parts(&mut caller)?;
    match host.storage.get(&*slice(memory, key, key_len)?) {
        Some(value) => write(memory, out, out_len, value).map(|()| 0),
        None => Ok(KEY_NOT_FOUND),
    }
}

/// Only `deploy` of the getter writes, which no peer runs.
fn set_storage(_: Caller<'_, Host>, _: u32, _: u32, _: u32, _: u32) -> Result<u32, Error> {
    Err(Error::new("storage is read-only here"))
}

fn seal_return(mut caller: Caller<'_, Host>, _flags: u32, at: u32, len: u32) -> Result<(), Error> {
    let (memory, host) = parts(&mut caller)?;
    host.output = slice(memory, at, len)?.to_vec();
    Err(Error::host(Returned))
}
