//! Prepares code: from the bytes that were uploaded to the module that is compiled.
//!
//! Code that passes [`prepare`] is a WebAssembly 1.0 module (with mutable globals and sign
//! extension), without floats, without a start function, whose imports all exist, which exports the
//! functions `call` and `deploy`, and whose memory, table and functions are bounded.
//!
//! The prepared module differs from the original only so that it runs fast and alike everywhere:
//! the imported memory becomes a defined one with a maximum, which pooling and copy-on-write
//! instantiation need; every export but `call`, `deploy` and `memory` is dropped; so are custom
//! sections and data segments that hold only zeros, which linkers write out for `.bss`. Function
//! indices do not move.

use std::ops::Range;

use wasm_encoder::{
    ConstExpr, DataSection, ExportKind, ExportSection, ImportSection, MemorySection, MemoryType,
    Module, RawSection, SectionId,
};
use wasmparser::{
    Data, DataKind, ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef, Validator, WasmFeatures,
};

use crate::limits::{CODE_BYTES_MAX, MEMORY_PAGES_MAX, PAGE_BYTES, TABLE_ELEMENTS_MAX};

/// Grows with each change of what [`prepare`] writes: compiled code on disk is made again then.
pub const PREPARE_VERSION: u32 = 1;
/// The export under which a prepared module has its memory.
pub const MEMORY: &str = "memory";
/// The export that runs a message.
pub const CALL: &str = "call";
/// The export that runs a constructor.
pub const DEPLOY: &str = "deploy";

/// Most data segments among which those of zeros are looked for.
const DATA_SEGMENTS_COMPARED_MAX: usize = 1_024;

/// Most functions of a module.
const FUNCTIONS_MAX: u32 = 65_536;
/// Longest function, bytes. A JavaScript interpreter's main loop has some 60 KB.
const FUNCTION_BYTES_MAX: usize = 256 * 1024;
/// Parameters that a function is taken to have.
const PARAMETERS_MAX: u64 = 16;
/// Most variables times branches of a function.
const FUNCTION_JOINS_MAX: u64 = 1_000_000;
/// The same for all functions of a module. A million took about a second of one processor.
const MODULE_JOINS_MAX: u64 = 16_000_000;

/// Features of contract code. No floats: their NaN bits differ between processors.
fn features() -> WasmFeatures {
    (WasmFeatures::MVP - WasmFeatures::FLOATS)
        | WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SIGN_EXTENSION
}

/// The sections of a module that matter here, as they were found.
#[derive(Default)]
struct Sections<'a> {
    /// Copied as they are: section id and content.
    raw: Vec<(u8, &'a [u8])>,
    imports: Vec<wasmparser::Import<'a>>,
    memory: Option<(u64, Option<u64>)>,
    call: Option<u32>,
    deploy: Option<u32>,
    data: Vec<Data<'a>>,
}

/// Checks `code` and returns the module to compile. `is_host_function` tells which imports exist.
///
/// # Errors
/// A text for people: what is wrong, and where it helps, the cure.
pub fn prepare(
    code: &[u8],
    is_host_function: impl Fn(&str, &str) -> bool,
) -> Result<Vec<u8>, String> {
    if code.len() > CODE_BYTES_MAX {
        return Err(format!(
            "it has {} bytes, at most {CODE_BYTES_MAX} are allowed",
            code.len()
        ));
    }
    let mut validator = Validator::new_with_features(features());
    validator
        .validate_all(code)
        .map_err(|error| explain(&error))?;
    let sections = read(code).map_err(|error| error.unwrap_or_else(|e| e.to_string()))?;
    check_imports(&sections, is_host_function)?;
    let (initial, maximum) = sections
        .memory
        .ok_or("it has no memory; link it with --import-memory, as ink! contracts are")?;
    let maximum = maximum.unwrap_or(MEMORY_PAGES_MAX).min(MEMORY_PAGES_MAX);
    if initial > maximum {
        return Err(format!(
            "it needs {initial} pages of memory, {maximum} are allowed"
        ));
    }
    Ok(write(&sections, initial, maximum))
}

/// The validator's words, with what matters to an author of contracts in front.
fn explain(error: &wasmparser::BinaryReaderError) -> String {
    let text = error.message();
    match text.contains("floating-point") {
        true => format!("it uses floats, which are not deterministic ({error})"),
        false => format!("it is not WebAssembly 1.0 ({error})"),
    }
}

/// `Err(Ok(text))` is a refusal in our words, `Err(Err(error))` one of the parser.
type ReadError = Result<String, wasmparser::BinaryReaderError>;

fn read(code: &[u8]) -> Result<Sections<'_>, ReadError> {
    let mut sections = Sections::default();
    let mut joins = 0_u64;
    for payload in Parser::new(0).parse_all(code) {
        let payload = payload.map_err(Err)?;
        let raw = payload
            .as_section()
            .and_then(|(id, range): (u8, Range<usize>)| {
                code.get(range).map(|content| (id, content))
            });
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(Err)?;
                    if let TypeRef::Memory(memory) = import.ty {
                        sections.memory = Some((memory.initial, memory.maximum));
                    }
                    sections.imports.push(import);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    let memory = memory.map_err(Err)?;
                    sections.memory = Some((memory.initial, memory.maximum));
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.map_err(Err)?;
                    match (export.kind, export.name) {
                        (ExternalKind::Func, CALL) => sections.call = Some(export.index),
                        (ExternalKind::Func, DEPLOY) => sections.deploy = Some(export.index),
                        _ => {}
                    }
                }
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    sections.data.push(segment.map_err(Err)?);
                }
            }
            Payload::StartSection { .. } => {
                return Err(Ok(
                    "it has a start function; contracts start at `call`".into()
                ));
            }
            Payload::TableSection(tables) => {
                for table in tables.clone() {
                    let elements = table.map_err(Err)?.ty.initial;
                    if elements > TABLE_ELEMENTS_MAX {
                        return Err(Ok(format!(
                            "its table has {elements} elements, at most {TABLE_ELEMENTS_MAX} are \
                             allowed"
                        )));
                    }
                }
                sections.raw.extend(raw);
            }
            Payload::CodeSectionStart { count, .. } => {
                if count > FUNCTIONS_MAX {
                    return Err(Ok(format!(
                        "it has {count} functions, at most {FUNCTIONS_MAX} are allowed"
                    )));
                }
                sections.raw.extend(raw);
            }
            Payload::CodeSectionEntry(body) => {
                joins = joins.saturating_add(check_function(&body)?);
                if joins > MODULE_JOINS_MAX {
                    return Err(Ok("its functions have too many variables and branches, all \
                                   together, to compile"
                        .into()));
                }
            }
            Payload::CustomSection(_) => {}
            _ => sections.raw.extend(raw),
        }
    }
    for (name, found) in [(CALL, sections.call), (DEPLOY, sections.deploy)] {
        if found.is_none() {
            return Err(Ok(format!(
                "it does not export the function `{name}`; is it a contract?"
            )));
        }
    }
    Ok(sections)
}

/// Checks that compiling a function takes time and memory in proportion to its length. At each place
/// where branches meet, the compiler may join each variable from each branch, so that a short function
/// of many variables and many branches could take hours.
/// Gives what the function adds to [`MODULE_JOINS_MAX`].
fn check_function(body: &FunctionBody<'_>) -> Result<u64, ReadError> {
    let len = body.range().len();
    if len > FUNCTION_BYTES_MAX {
        return Err(Ok(format!(
            "a function has {len} bytes, at most {FUNCTION_BYTES_MAX} are allowed"
        )));
    }
    let mut locals = PARAMETERS_MAX;
    for group in body.get_locals_reader().map_err(Err)? {
        let (count, _) = group.map_err(Err)?;
        locals = locals.saturating_add(count.into());
    }
    let mut branches = 0_u64;
    let mut operators = body.get_operators_reader().map_err(Err)?;
    while !operators.eof() {
        branches += match operators.read().map_err(Err)? {
            Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::If { .. }
            | Operator::Loop { .. } => 1,
            Operator::BrTable { targets } => u64::from(targets.len()) + 1,
            _ => 0,
        };
    }
    let joins = locals.saturating_mul(branches);
    if joins > FUNCTION_JOINS_MAX {
        return Err(Ok(format!(
            "a function has {locals} variables and {branches} branches, which is too much to compile; \
             split it"
        )));
    }
    Ok(joins)
}

fn check_imports(
    sections: &Sections<'_>,
    is_host_function: impl Fn(&str, &str) -> bool,
) -> Result<(), String> {
    for import in &sections.imports {
        let (module, name) = (import.module, import.name);
        let known = match import.ty {
            TypeRef::Memory(_) => (module, name) == ("env", MEMORY),
            TypeRef::Func(_) => is_host_function(module, name),
            _ => false,
        };
        if !known {
            // The names are the contract's; they are cut so that an answer stays short.
            let cut = |text: &str| text.chars().take(64).collect::<String>();
            return Err(format!(
                "it imports {}.{}, which is unknown",
                cut(module),
                cut(name)
            ));
        }
    }
    Ok(())
}

/// Writes the prepared module, sections in the order that the format demands.
fn write(sections: &Sections<'_>, initial: u64, maximum: u64) -> Vec<u8> {
    let mut imports = ImportSection::new();
    for import in &sections.imports {
        if let TypeRef::Func(index) = import.ty {
            imports.import(
                import.module,
                import.name,
                wasm_encoder::EntityType::Function(index),
            );
        }
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: initial,
        maximum: Some(maximum),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    for (name, index) in [(CALL, sections.call), (DEPLOY, sections.deploy)] {
        if let Some(index) = index {
            exports.export(name, ExportKind::Func, index);
        }
    }
    exports.export(MEMORY, ExportKind::Memory, 0);
    let data = data_section(&sections.data, initial);

    let mut module = Module::new();
    let copy = |module: &mut Module, wanted: &[SectionId]| {
        for (id, data) in &sections.raw {
            if wanted.iter().any(|wanted| *wanted as u8 == *id) {
                module.section(&RawSection { id: *id, data });
            }
        }
    };
    copy(&mut module, &[SectionId::Type]);
    module.section(&imports);
    copy(&mut module, &[SectionId::Function, SectionId::Table]);
    module.section(&memories);
    copy(&mut module, &[SectionId::Global]);
    module.section(&exports);
    copy(&mut module, &[SectionId::Element, SectionId::Code]);
    if let Some(data) = data {
        module.section(&data);
    }
    module.finish()
}

/// The data segments without those that write only zeros onto fresh, zeroed memory. A segment that
/// does not fit stays, because it must make instantiation fail.
///
/// A segment of zeros that overlaps an earlier one is kept too: there it would erase something.
///
/// Comparing takes time that grows with the square of their number, so above
/// [`DATA_SEGMENTS_COMPARED_MAX`] all stay.
fn data_section(segments: &[Data<'_>], initial_pages: u64) -> Option<DataSection> {
    let compare = segments.len() <= DATA_SEGMENTS_COMPARED_MAX;
    let mut section = DataSection::new();
    let mut kept: Vec<Range<u64>> = Vec::new();
    for segment in segments {
        let DataKind::Active { offset_expr, .. } = &segment.kind else {
            continue;
        };
        let mut operators = offset_expr.get_operators_reader();
        let (expression, place) = match operators.read() {
            Ok(Operator::I32Const { value }) => {
                let start = u64::from(value.cast_unsigned());
                let end = start.saturating_add(segment.data.len() as u64);
                (ConstExpr::i32_const(value), start..end)
            }
            Ok(Operator::GlobalGet { global_index }) => {
                (ConstExpr::global_get(global_index), 0..u64::MAX)
            }
            // Validated before: there is nothing else in WebAssembly 1.0.
            _ => continue,
        };
        let zeros = segment.data.iter().all(|byte| *byte == 0);
        let fits = place.end <= initial_pages * PAGE_BYTES;
        let erases = !compare
            || kept
                .iter()
                .any(|k| k.start < place.end && place.start < k.end);
        if zeros && fits && !erases {
            continue;
        }
        section.active(0, &expression, segment.data.iter().copied());
        kept.push(place);
    }
    (!section.is_empty()).then_some(section)
}
