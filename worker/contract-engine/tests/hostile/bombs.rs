//! Code that is made to take long to compile.

use std::time::Instant;

use executor_api::ExecutionError;
use wasm_encoder::{
    BlockType, CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, InstructionSink, MemArg, MemoryType, Module, TypeSection, ValType,
};

use crate::world::World;

const WORD: MemArg = MemArg {
    offset: 0,
    align: 2,
    memory_index: 0,
};

/// A contract with one function more, which has `locals` and `body`.
fn contract(locals: u32, body: impl FnOnce(&mut InstructionSink<'_>)) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut imports = ImportSection::new();
    let memory = MemoryType {
        minimum: 2,
        maximum: Some(16),
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    imports.import("env", "memory", EntityType::Memory(memory));
    let mut functions = FunctionSection::new();
    functions.function(0).function(0);
    let mut exports = ExportSection::new();
    exports.export("deploy", ExportKind::Func, 0);
    exports.export("call", ExportKind::Func, 1);
    let mut empty = Function::new([]);
    empty.instructions().end();
    let mut bomb = Function::new([(locals, ValType::I32)]);
    body(&mut bomb.instructions());
    bomb.instructions().end();
    let mut code = CodeSection::new();
    code.function(&empty).function(&bomb);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&exports)
        .section(&code);
    module.finish()
}

/// More locals than a function may have.
pub fn too_many_locals() -> Vec<u8> {
    contract(50_001, |_| {})
}

/// One function of about `bytes` bytes of work that no compiler can leave out.
pub fn long_function(bytes: usize) -> Vec<u8> {
    contract(8, |code| {
        for index in 0..bytes / 14 {
            let local = (index % 8) as u32;
            code.local_get(local)
                .local_get(local)
                .i32_load(WORD)
                .i32_add()
                .local_tee((local + 1) % 8)
                .local_get(local)
                .i32_store(WORD);
        }
    })
}

/// Many locals that live through many loops.
pub fn locals_in_loops(locals: u32, loops: u32) -> Vec<u8> {
    contract(locals, |code| {
        for index in 0..loops {
            let local = index % locals;
            code.loop_(BlockType::Empty)
                .local_get(local)
                .i32_const(1)
                .i32_sub()
                .local_tee(local)
                .br_if(0)
                .end();
        }
        for local in 0..locals {
            code.local_get(local).local_get(local).i32_store(WORD);
        }
    })
}

/// Blocks in blocks, each with a way out to everywhere.
pub fn nested_tables(depth: u32) -> Vec<u8> {
    contract(1, |code| {
        for _ in 0..depth {
            code.block(BlockType::Empty);
        }
        for level in 0..depth {
            let targets: Vec<u32> = (0..depth - level).collect();
            code.local_get(0).br_table(targets, 0).end();
        }
    })
}

#[test]
fn compile_bombs_are_refused_or_compiled_and_never_worse() {
    let bombs = [
        ("too many locals", too_many_locals()),
        ("a long function", long_function(256 * 1024)),
        ("locals in loops", locals_in_loops(2_000, 2_000)),
        ("nested tables", nested_tables(400)),
    ];
    for (name, code) in bombs {
        let start = Instant::now();
        let result = World::new().upload(&code).map(drop);
        println!("{name}: {} bytes, {:?}, {result:?}", code.len(), start.elapsed());
        assert!(
            matches!(
                result,
                Ok(()) | Err(ExecutionError::CodeRefused(_) | ExecutionError::OutOfGas)
            ),
            "{name}: {result:?}"
        );
    }
}
