//! The boundary between contract and host: calls of any host function with any pointers and lengths.
//!
//! A generated contract puts an image into its memory, its own address among it, makes some calls, keeps
//! what they return, and returns the first pages of its memory. Bytes and pointers are chosen so that
//! most calls get past their first check.

use arbitrary::{Result, Unstructured};
use contract_engine::oracle::HostFunction;
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, ImportSection, InstructionSink, MemArg, MemoryType, Module,
};

use crate::modules::{declare, shows_gas, with_machines};

/// Pages of memory.
const PAGES: u32 = 2;
const MEMORY_BYTES: u32 = PAGES * 65_536;
/// Most calls of a program.
const CALLS_MAX: usize = 12;
/// Most bytes of the image.
const IMAGE_BYTES_MAX: usize = 512;
/// Where the image is; below are four lengths and the contract's own address.
const IMAGE: u32 = 0x100;
/// Where the contract's own address is, and a length of 32.
const OWN_ADDRESS: u32 = 0x40;
const ADDRESS_LEN: u32 = 0x10;
/// Where results go.
const RESULTS: u32 = 0x800;
/// Where there is room for output.
const OUT: u32 = 0x1000;
/// Bytes of memory that are returned in the end.
const RETURNED_BYTES: i32 = 0x4000;

/// A call that a generated contract makes.
struct Call {
    function: usize,
    arguments: Vec<i64>,
}

/// No call of a host function is a bug, and both machines see the same.
pub fn host_calls(data: &[u8]) {
    with_machines(|machines| {
        let mut bytes = Unstructured::new(data);
        let Ok((image, calls)) = choose(&mut bytes, &machines.host) else {
            return;
        };
        let code = module(&machines.host, &image, &calls);
        assert!(machines.is_accepted(&code), "a generated module is refused");
        machines.compare(&code, &image);
    });
}

fn choose(bytes: &mut Unstructured<'_>, host: &[HostFunction]) -> Result<(Vec<u8>, Vec<Call>)> {
    let mut calls = Vec::new();
    for _ in 0..bytes.int_in_range(1..=CALLS_MAX)? {
        let function = bytes.choose_index(host.len())?;
        let Some(chosen) = host.get(function).filter(|f| !shows_gas(f)) else {
            continue;
        };
        let is_extension = chosen.name.ends_with("call_chain_extension");
        let mut arguments = Vec::new();
        for (index, is_64_bit) in chosen.parameters_64_bit.iter().enumerate() {
            arguments.push(match (is_64_bit, is_extension && index == 0) {
                // All there is, or some of it.
                (true, _) => *bytes.choose(&[0, 0, 1, 1_000_000_000, -1])?,
                // The functions of the pink extension.
                (false, true) => bytes.int_in_range(0..=32)?,
                (false, false) => argument(bytes)?.into(),
            });
        }
        calls.push(Call {
            function,
            arguments,
        });
    }
    let len = bytes.len().min(IMAGE_BYTES_MAX);
    Ok((bytes.bytes(len)?.to_vec(), calls))
}

/// An argument: mostly a pointer to something, a length, or something at a boundary.
fn argument(bytes: &mut Unstructured<'_>) -> Result<i32> {
    let near = |at: u32, bytes: &mut Unstructured<'_>| {
        Ok(at.wrapping_add(bytes.int_in_range(0..=40)?).wrapping_sub(20))
    };
    let value = match bytes.int_in_range(0..=11)? {
        0 => 0,
        1 => *bytes.choose(&[0, 4, 8, ADDRESS_LEN])?,
        2 => OWN_ADDRESS,
        3 => IMAGE + bytes.int_in_range(0..=IMAGE_BYTES_MAX as u32)?,
        4 => OUT + bytes.int_in_range(0..=0x1000_u32)?,
        5 => bytes.int_in_range(0..=64)?,
        6 => *bytes.choose(&[4, 16, 32, 33, 64, 65])?,
        7 => near(MEMORY_BYTES, bytes)?,
        8 => near(0, bytes)?,
        9 => near(1 << 31, bytes)?,
        10 => *bytes.choose(&[128, 129, 65_536, 1 << 20, (1 << 20) + 1])?,
        _ => bytes.arbitrary()?,
    };
    Ok(value.cast_signed())
}

fn module(host: &[HostFunction], image: &[u8], calls: &[Call]) -> Vec<u8> {
    let (mut types, imports) = declare(host);
    let entry_type = types.len();
    types.ty().function([], []);
    let imports = with_memory(imports);
    let mut functions = FunctionSection::new();
    functions.function(entry_type).function(entry_type);
    let mut exports = ExportSection::new();
    let first = host.len() as u32;
    exports.export("deploy", ExportKind::Func, first);
    exports.export("call", ExportKind::Func, first + 1);

    let mut deploy = Function::new([]);
    deploy.instructions().end();
    let mut call = Function::new([]);
    body(host, calls, &mut call.instructions());
    let mut code = CodeSection::new();
    code.function(&deploy).function(&call);

    let mut data = DataSection::new();
    let lengths: Vec<u8> = [0x1000_u32, 16, 4, 0, 32].map(u32::to_le_bytes).concat();
    data.active(0, &ConstExpr::i32_const(0), lengths);
    data.active(0, &ConstExpr::i32_const(IMAGE.cast_signed()), image.iter().copied());

    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&exports)
        .section(&code)
        .section(&data);
    module.finish()
}

fn with_memory(mut imports: ImportSection) -> ImportSection {
    let memory = MemoryType {
        minimum: PAGES.into(),
        maximum: Some(PAGES.into()),
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    imports.import("env", "memory", EntityType::Memory(memory));
    imports
}

fn body(host: &[HostFunction], calls: &[Call], code: &mut InstructionSink<'_>) {
    let find = |module: &str, name: &str| {
        let found = host.iter().position(|f| f.module == module && f.name == name);
        found.expect("a host function that every contract uses") as u32
    };
    code.i32_const(OWN_ADDRESS.cast_signed())
        .i32_const(ADDRESS_LEN.cast_signed())
        .call(find("seal0", "address"));
    for (index, call) in calls.iter().enumerate() {
        let function = &host[call.function];
        if function.result_64_bit.is_some() {
            code.i32_const(RESULTS.cast_signed() + 8 * index as i32);
        }
        for (argument, is_64_bit) in call.arguments.iter().zip(&function.parameters_64_bit) {
            if *is_64_bit {
                code.i64_const(*argument);
            } else {
                code.i32_const(*argument as i32);
            }
        }
        code.call(call.function as u32);
        let place = MemArg {
            offset: 0,
            align: 2,
            memory_index: 0,
        };
        match function.result_64_bit {
            Some(true) => _ = code.i64_store(place),
            Some(false) => _ = code.i32_store(place),
            None => {}
        }
    }
    code.i32_const(0)
        .i32_const(0)
        .i32_const(RETURNED_BYTES)
        .call(find("seal0", "seal_return"))
        .end();
}
