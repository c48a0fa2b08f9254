//! A second machine under the same host functions, to compare with: the interpreter wasmi.
//!
//! An engine made by [`interpreting`] checks and prepares code as every engine does, and then runs the
//! prepared module in wasmi. Whatever contracts can see is the same on both machines; [`difference`]
//! names what is not. It exists only with the feature `oracle`, for tests and fuzzing.
//!
//! # Limits
//! wasmi counts fuel in its own way, and its stack ends elsewhere. Therefore gas is not compared, and
//! executions in which a frame ran out of gas or stack say nothing ([`frames_exhausted`]). The same
//! holds for contracts that look at the gas that is left. Queries have no deadline here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use executor_api::{Outcome, Returned};
use primitives::CodeHash;
use wasmi::core::{HostError, TrapCode};
use wasmi::errors::{ErrorKind, InstantiationError, MemoryError};
use wasmi::{
    Config, ExternType, Linker, LinkerBuilder, Module, StackLimits, Store, StoreLimitsBuilder,
    state,
};
use wasmtime::Trap;

use crate::execution::Execution;
use crate::frame::{Entry, Finished, Frame, Task};
use crate::limits::PAGE_BYTES;
use crate::prepare::{CALL, DEPLOY, MEMORY};
use crate::sandbox::Sandbox;
use crate::state::code_key;
use crate::stop::Stop;
use crate::{Engine, EngineConfig, EngineError};

/// Deepest recursion of a frame: far more than fits in a compiled one's stack.
const RECURSION_MAX: usize = 64 * 1024;
/// Values on a frame's stack, of 8 bytes.
const STACK_VALUES_MAX: usize = 1024 * 1024;
/// Values for which there is room from the start.
const STACK_VALUES_MIN: usize = 1024;

/// Makes an engine that runs contracts in wasmi.
///
/// # Errors
/// As [`Engine::new`].
pub fn interpreting(config: &EngineConfig) -> Result<Engine, EngineError> {
    let mut sandbox = Sandbox::new(config)?;
    sandbox.interpreter.is_used = true;
    Ok(Engine {
        sandbox: Arc::new(sandbox),
    })
}

/// How many frames of all executions of `engine` ran out of gas or stack. Where this moves on, two
/// machines need not agree.
pub fn frames_exhausted(engine: &Engine) -> u64 {
    let interpreter = &engine.sandbox.interpreter;
    interpreter.frames_exhausted.load(Ordering::Relaxed)
}

/// Names the first thing, apart from gas, in which two outcomes of the same operation differ.
pub fn difference(compiled: &Outcome, interpreted: &Outcome) -> Option<String> {
    let check = |what: &str, same: bool, values: &dyn Fn() -> String| {
        (!same).then(|| format!("{what} differs: {}", values()))
    };
    macro_rules! check {
        ($($field:ident),*) => {
            [$(check(
                stringify!($field),
                compiled.$field == interpreted.$field,
                &|| format!("{:?} compiled, {:?} interpreted", compiled.$field, interpreted.$field),
            )),*]
        };
    }
    let found = check![
        result,
        debug_message,
        events,
        changes,
        instantiated,
        storage_deposit,
        logs,
        effects
    ];
    found.into_iter().flatten().next()
}

/// A function that contracts may import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFunction {
    /// The module it is imported from.
    pub module: String,
    /// Its name there.
    pub name: String,
    /// For each parameter, whether it has 64 bits; the others have 32.
    pub parameters_64_bit: Vec<bool>,
    /// For what it returns, if anything, the same.
    pub result_64_bit: Option<bool>,
}

/// Every host function, in the order of their names.
pub fn host_functions(engine: &Engine) -> Vec<HostFunction> {
    let nobody = Task {
        entry: Entry::Call,
        contract: [0; 32].into(),
        code_hash: [0; 32].into(),
        caller: [0; 32].into(),
        value: 0,
        input: Vec::new(),
        read_only: false,
        delegated: false,
    };
    let mut store = wasmtime::Store::new(&engine.sandbox.engine, frame_of(nobody, None));
    let found: Vec<_> = engine
        .sandbox
        .modules
        .linker
        .iter(&mut store)
        .filter_map(|(module, name, function)| {
            Some((module.to_owned(), name.to_owned(), function.into_func()?))
        })
        .collect();
    let describe = |(module, name, function): (String, String, wasmtime::Func)| {
        let function = function.ty(&store);
        HostFunction {
            module,
            name,
            parameters_64_bit: function.params().map(|p| p.is_i64()).collect(),
            result_64_bit: function.results().next().map(|r| r.is_i64()),
        }
    };
    let mut functions: Vec<_> = found.into_iter().map(describe).collect();
    functions.sort_by(|a, b| (&a.module, &a.name).cmp(&(&b.module, &b.name)));
    functions
}

/// The host functions while they are registered.
pub(crate) type Functions = LinkerBuilder<state::Constructing, Frame>;

/// What an engine has for running contracts in wasmi.
pub(crate) struct Interpreter {
    /// Whether it is used instead of wasmtime.
    pub(crate) is_used: bool,
    /// Each frame has an engine of its own: wasmi locks one while its code runs, so that a frame below
    /// would wait for ever to add its module.
    config: Config,
    functions: LinkerBuilder<state::Ready, Frame>,
    frames_exhausted: AtomicU64,
}

impl Interpreter {
    pub(crate) fn new(functions: Functions) -> Self {
        let mut config = Config::default();
        config
            .wasm_multi_value(false)
            .wasm_mutable_global(true)
            .wasm_sign_extension(true)
            .wasm_bulk_memory(false)
            .wasm_reference_types(false)
            .wasm_tail_call(false)
            .wasm_extended_const(false)
            .wasm_saturating_float_to_int(false)
            .floats(false)
            .consume_fuel(true)
            .set_stack_limits(
                StackLimits::new(STACK_VALUES_MIN, STACK_VALUES_MAX, RECURSION_MAX)
                    .unwrap_or_default(),
            );
        Self {
            is_used: false,
            config,
            functions: functions.finish(),
            frames_exhausted: AtomicU64::new(0),
        }
    }
}

/// What a frame has of this machine.
#[derive(Default)]
pub(crate) struct Interpreted {
    pub(crate) memory: Option<wasmi::Memory>,
    /// What the cluster lets memory grow to.
    limits: wasmi::StoreLimits,
}

/// Counts a frame that ran out of gas.
pub(crate) fn note_exhausted(execution: Option<&Execution>) {
    if let Some(execution) = execution {
        let interpreter = &execution.sandbox().interpreter;
        interpreter.frames_exhausted.fetch_add(1, Ordering::Relaxed);
    }
}

impl HostError for Stop {}

/// As [`crate::frame::run`].
pub(crate) fn run(execution: Box<Execution>, task: Task, fuel: u64) -> Finished {
    let interpreter = &execution.sandbox().interpreter;
    let engine = wasmi::Engine::new(&interpreter.config);
    let linker = interpreter.functions.create(&engine);
    let module = match load(&execution, &engine, &task.code_hash) {
        Ok(module) => module,
        Err(stop) => {
            return Finished {
                execution,
                fuel_left: fuel,
                result: Err(stop),
            };
        }
    };
    let entry = task.entry;
    let pages_max = execution.memory_pages_max();
    if initial_pages(&module) > pages_max {
        let reason = format!("the cluster allows {pages_max} pages of memory, it needs more");
        return Finished {
            execution,
            fuel_left: fuel,
            result: Err(Stop::trap(reason)),
        };
    }
    let bytes_max = usize::try_from(pages_max * PAGE_BYTES).unwrap_or(usize::MAX);
    let limits = StoreLimitsBuilder::new().memory_size(bytes_max).build();
    let mut store = Store::new(&engine, frame_of(task, Some(execution)));
    store.data_mut().interpreted.limits = limits;
    store.limiter(|frame| &mut frame.interpreted.limits);
    let result = store
        .set_fuel(fuel)
        .map_err(wasmi::Error::from)
        .and_then(|()| enter(&mut store, &linker, &module, entry));
    let fuel_left = store.get_fuel().unwrap_or(0);
    let frame = store.into_data();
    let result = match result.map_err(classify) {
        Ok(()) | Err(Stop::Returned) => Ok(frame.returned),
        Err(Stop::Terminated) => Ok(Returned::default()),
        Err(stop) => Err(stop),
    };
    if matches!(result, Err(Stop::OutOfGas)) {
        note_exhausted(frame.execution.as_deref());
    }
    match frame.execution {
        Some(execution) => Finished {
            execution,
            fuel_left,
            result,
        },
        None => unreachable!("the execution is given back by every host function"),
    }
}

fn initial_pages(module: &Module) -> u64 {
    match module.get_export(MEMORY) {
        Some(ExternType::Memory(memory)) => u32::from(memory.initial_pages()).into(),
        _ => 0,
    }
}

fn frame_of(task: Task, execution: Option<Box<Execution>>) -> Frame {
    Frame {
        execution,
        memory: None,
        interpreted: Interpreted::default(),
        entry: task.entry,
        contract: task.contract,
        code_hash: task.code_hash,
        caller: task.caller,
        value: task.value,
        input: Some(task.input),
        returned: Returned::default(),
        read_only: task.read_only,
        limits: wasmtime::StoreLimits::default(),
        offer_below: 0,
    }
}

/// The module, prepared as for wasmtime. Nothing is kept: this is not for speed.
fn load(
    execution: &Execution,
    engine: &wasmi::Engine,
    code_hash: &CodeHash,
) -> Result<Module, Stop> {
    let code = execution
        .overlay
        .read(execution.state(), &code_key(code_hash))?
        .ok_or_else(|| Stop::bug("the code of a contract is gone"))?;
    let refused = |reason: String| Stop::bug(format!("accepted code is refused: {reason}"));
    let prepared = execution
        .sandbox()
        .modules
        .prepare(&code)
        .map_err(refused)?;
    Module::new(engine, prepared.as_slice()).map_err(|error| refused(error.to_string()))
}

fn enter(
    store: &mut Store<Frame>,
    linker: &Linker<Frame>,
    module: &Module,
    entry: Entry,
) -> Result<(), wasmi::Error> {
    let instance = linker
        .instantiate(&mut *store, module)?
        .start(&mut *store)?;
    store.data_mut().interpreted.memory = instance.get_memory(&*store, MEMORY);
    let export = match entry {
        Entry::Call => CALL,
        Entry::Deploy => DEPLOY,
    };
    instance
        .get_typed_func::<(), ()>(&*store, export)?
        .call(store, ())
}

/// An error of wasmi in the words of wasmtime.
fn classify(error: wasmi::Error) -> Stop {
    let trap = match error.kind() {
        ErrorKind::TrapCode(code) => match code {
            TrapCode::OutOfFuel | TrapCode::StackOverflow => return Stop::OutOfGas,
            TrapCode::UnreachableCodeReached => Trap::UnreachableCodeReached,
            TrapCode::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
            TrapCode::TableOutOfBounds => Trap::TableOutOfBounds,
            TrapCode::IndirectCallToNull => Trap::IndirectCallToNull,
            TrapCode::IntegerDivisionByZero => Trap::IntegerDivisionByZero,
            TrapCode::IntegerOverflow => Trap::IntegerOverflow,
            TrapCode::BadConversionToInteger => Trap::BadConversionToInteger,
            TrapCode::BadSignature => Trap::BadSignature,
            TrapCode::GrowthOperationLimited => return Stop::bug("a limit that was not set"),
        },
        // Segments that do not fit are found when an instance is made.
        ErrorKind::Memory(MemoryError::OutOfBoundsAccess) => Trap::MemoryOutOfBounds,
        ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            Trap::TableOutOfBounds
        }
        _ => {
            let text = error.to_string();
            return error.downcast().unwrap_or_else(|| Stop::bug(text));
        }
    };
    Stop::trap(trap.to_string())
}
