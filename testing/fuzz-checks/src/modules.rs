//! Whole modules: arbitrary bytes, and modules that `wasm-smith` makes of them.

use std::cell::OnceCell;

use arbitrary::{Result, Unstructured};
use contract_engine::oracle::HostFunction;
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    Module, TypeSection, ValType,
};
use wasm_smith::Config;

use crate::machines::Machines;

/// Longest code that is compiled here, bytes: speed, not a promise.
const COMPILED_BYTES_MAX: usize = 16 * 1024;
/// Loops and calls after which a generated module traps by itself, so that both machines end alike.
const STEPS_MAX: u32 = 1_000;
/// Longest input of a call, bytes.
const INPUT_BYTES_MAX: usize = 64;

thread_local! {
    static MACHINES: OnceCell<Machines> = const { OnceCell::new() };
}

/// Lends this thread's engines.
pub fn with_machines<T>(work: impl FnOnce(&Machines) -> T) -> T {
    MACHINES.with(|machines| work(machines.get_or_init(Machines::new)))
}

/// Code of any kind is refused or accepted, and what is accepted compiles or is refused then.
pub fn code(data: &[u8]) {
    with_machines(|machines| {
        if machines.is_accepted(data) && data.len() <= COMPILED_BYTES_MAX {
            machines.upload(data);
        }
        // Without the bounds of contracts: much of what is generated must be refused.
        let any = wasm_smith::Module::new(Config::default(), &mut Unstructured::new(data));
        if let Ok(module) = any {
            machines.is_accepted(&module.to_bytes());
        }
    });
}

/// Modules of the language of contracts do the same on both machines.
pub fn differential(data: &[u8]) {
    with_machines(|machines| {
        let mut bytes = Unstructured::new(data);
        if let Ok((module, input)) = generate(&mut bytes, &machines.host) {
            machines.compare(&module, &input);
        }
    });
}

fn generate(bytes: &mut Unstructured<'_>, host: &[HostFunction]) -> Result<(Vec<u8>, Vec<u8>)> {
    let len = bytes.int_in_range(0..=INPUT_BYTES_MAX)?;
    let input = bytes.bytes(len.min(bytes.len()))?.to_vec();
    let config = Config {
        available_imports: Some(imports(host)),
        exports: Some(entries()),
        allow_start_export: false,
        allow_floats: false,
        bulk_memory_enabled: false,
        exceptions_enabled: false,
        extended_const_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        multi_value_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        saturating_float_to_int_enabled: false,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        max_imports: 12,
        max_memories: 1,
        min_memories: 1,
        max_memory32_bytes: 4 * 1024 * 1024,
        max_table_elements: 1_000,
        max_tables: 1,
        ..Config::default()
    };
    let mut module = wasm_smith::Module::new(config, bytes)?;
    // Modules without a body to change say so; they end anyway.
    let _unchanged = module.ensure_termination(STEPS_MAX);
    Ok((module.to_bytes(), input))
}

/// Whether results depend on gas, which machines count in their own way.
pub fn shows_gas(function: &HostFunction) -> bool {
    function.name.ends_with("gas_left")
}

/// The types of `host` and the imports of all of it.
pub fn declare(host: &[HostFunction]) -> (TypeSection, ImportSection) {
    let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
    for (index, function) in (0_u32..).zip(host) {
        let value = |is_64_bit: &bool| if *is_64_bit { ValType::I64 } else { ValType::I32 };
        let parameters: Vec<_> = function.parameters_64_bit.iter().map(value).collect();
        let result = function.result_64_bit.as_ref().map(value);
        types.ty().function(parameters, result);
        imports.import(&function.module, &function.name, EntityType::Function(index));
    }
    (types, imports)
}

/// A module that imports every host function.
fn imports(host: &[HostFunction]) -> Vec<u8> {
    let host: Vec<_> = host.iter().filter(|f| !shows_gas(f)).cloned().collect();
    let (types, imports) = declare(&host);
    let mut module = Module::new();
    module.section(&types).section(&imports);
    module.finish()
}

/// A module that exports what a contract exports.
fn entries() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    for (index, name) in (0..).zip(["call", "deploy"]) {
        functions.function(0);
        exports.export(name, ExportKind::Func, index);
        let mut body = Function::new([]);
        body.instructions().end();
        code.function(&body);
    }
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&exports)
        .section(&code);
    module.finish()
}
