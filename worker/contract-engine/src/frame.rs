//! One contract frame: a fresh instance that runs one message or constructor.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use executor_api::Returned;
use primitives::{AccountId, Balance, CodeHash, ContractId};
use wasmtime::{Memory, Store, StoreLimits, StoreLimitsBuilder, Trap, TypedFunc};

use crate::execution::Execution;
use crate::limits::{CALL_DEPTH_MAX, PAGE_BYTES, WASM_STACK_BYTES};
use crate::modules::Contract;
use crate::pace::{Pace, SLICE_FUEL};
use crate::state::code_key;
use crate::stop::Stop;

/// Native stack that the host needs for one frame on top of the contract's own, bytes.
const HOST_STACK_BYTES: usize = 128 * 1024;
/// Native stack of a frame, bytes.
const FRAME_STACK_BYTES: usize = WASM_STACK_BYTES + HOST_STACK_BYTES;
/// Native stack of an execution, bytes. The engine runs on threads with less too, and then takes
/// memory for another stack.
pub const STACK_BYTES: usize = (CALL_DEPTH_MAX + 2) * FRAME_STACK_BYTES;
/// Native stack on which a frame of a query runs, bytes.
pub const FIBER_STACK_BYTES: usize = WASM_STACK_BYTES + 2 * HOST_STACK_BYTES;

/// Which function of a contract runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A message.
    Call,
    /// A constructor.
    Deploy,
}

/// What a frame is to run.
pub struct Task {
    pub entry: Entry,
    /// Whose storage, address and balance the frame has.
    pub contract: ContractId,
    /// What code runs; another contract's in a delegate call.
    pub code_hash: CodeHash,
    pub caller: AccountId,
    pub value: Balance,
    pub input: Vec<u8>,
    /// Whether it may change nothing.
    pub read_only: bool,
    /// Whether it is a delegate call.
    pub delegated: bool,
}

/// What host functions see of the frame that calls them.
pub struct Frame {
    /// Away while a frame that this one called has it.
    pub execution: Option<Box<Execution>>,
    pub memory: Option<Memory>,
    #[cfg(feature = "oracle")]
    pub interpreted: crate::oracle::Interpreted,
    pub entry: Entry,
    pub contract: ContractId,
    pub code_hash: CodeHash,
    pub caller: AccountId,
    pub value: Balance,
    /// `None` once it was read or handed on.
    pub input: Option<Vec<u8>>,
    pub returned: Returned,
    /// Whether it may change nothing.
    pub read_only: bool,
    /// What the cluster lets memory grow to.
    pub limits: StoreLimits,
    /// Below this much fuel a host function looks at the clock; 0 where there is none.
    pub offer_below: u64,
}

/// How a frame ended.
pub struct Finished {
    pub execution: Box<Execution>,
    pub fuel_left: u64,
    pub result: Result<Returned, Stop>,
}

/// Runs a frame with at most `fuel`. Changes of a frame that fails or reverts are not undone here.
pub fn run(mut execution: Box<Execution>, task: Task, fuel: u64) -> Finished {
    #[cfg(feature = "oracle")]
    if execution.sandbox().interpreter.is_used {
        return crate::oracle::run(execution, task, fuel);
    }
    let contract = match load(&mut execution, &task.code_hash) {
        Ok(contract) => contract,
        Err(stop) => {
            return Finished {
                execution,
                fuel_left: fuel,
                result: Err(stop),
            };
        }
    };
    let pace = execution.pace().cloned();
    let entry = task.entry;
    let (pages, pages_max) = (contract.memory_pages, execution.memory_pages_max());
    if pages.initial > pages_max {
        let reason = format!("the cluster allows {pages_max} pages of memory, it needs more");
        return Finished {
            execution,
            fuel_left: fuel,
            result: Err(Stop::trap(reason)),
        };
    }
    let bytes_max = usize::try_from(pages_max * PAGE_BYTES).unwrap_or(usize::MAX);
    let limits = StoreLimitsBuilder::new().memory_size(bytes_max).build();
    let mut store = Store::new(
        &execution.sandbox().engine.clone(),
        Frame {
            execution: Some(execution),
            memory: None,
            #[cfg(feature = "oracle")]
            interpreted: Default::default(),
            entry,
            contract: task.contract,
            code_hash: task.code_hash,
            caller: task.caller,
            value: task.value,
            input: Some(task.input),
            returned: Returned::default(),
            read_only: task.read_only,
            limits,
            offer_below: match pace {
                Some(_) => fuel.saturating_sub(SLICE_FUEL),
                None => 0,
            },
        },
    );
    if pages.maximum > pages_max {
        store.limiter(|frame| &mut frame.limits);
    }
    let result = store
        .set_fuel(fuel)
        .and_then(|()| enter(&mut store, &contract, entry, pace));
    let mut fuel_left = store.get_fuel().unwrap_or(0);
    let frame = store.into_data();
    let result = match result.map_err(classify) {
        Ok(()) | Err(Ended::Stop(Stop::Returned)) => Ok(frame.returned),
        Err(Ended::Stop(Stop::Terminated)) => Ok(Returned::default()),
        Err(Ended::Stop(stop)) => Err(stop),
        Err(Ended::StackExhausted) => {
            // Where the stack ends depends on the processor; that all gas is gone does not.
            fuel_left = 0;
            Err(Stop::OutOfGas)
        }
    };
    #[cfg(feature = "oracle")]
    if matches!(result, Err(Stop::OutOfGas)) {
        crate::oracle::note_exhausted(frame.execution.as_deref());
    }
    match frame.execution {
        Some(execution) => Finished {
            execution,
            fuel_left,
            result,
        },
        // Only a panic between taking and giving back would lead here, and it does not return.
        None => unreachable!("the execution is given back by every host function"),
    }
}

/// As [`run`], on a stack that is large enough, whoever called the engine from whatever thread.
///
/// A thread whose stack has [`STACK_BYTES`] runs all frames of a transaction without a change of stack.
/// Frames of a query have stacks of their own.
pub fn run_nested(execution: Box<Execution>, task: Task, fuel: u64) -> Finished {
    if execution.deadline().is_some() {
        return run(execution, task, fuel);
    }
    stacker::maybe_grow(FRAME_STACK_BYTES, STACK_BYTES, || {
        run(execution, task, fuel)
    })
}

/// The compiled code, from memory or disk, or else made from what is in the state.
fn load(execution: &mut Execution, code_hash: &CodeHash) -> Result<Arc<Contract>, Stop> {
    if let Some(contract) = execution.sandbox().modules.get(code_hash) {
        return Ok(contract);
    }
    let pace = execution.pace().cloned();
    // Reading, compiling, or waiting for another execution that does.
    let load = || {
        execution.sandbox().modules.load(code_hash, || {
            execution
                .overlay
                .read(execution.state(), &code_key(code_hash))?
                .ok_or_else(|| Stop::bug("the code of a contract is gone"))
        })
    };
    match pace {
        Some(pace) => pace.without_processor(load)?,
        None => load(),
    }
}

fn enter(
    store: &mut Store<Frame>,
    contract: &Contract,
    entry: Entry,
    pace: Option<Pace>,
) -> wasmtime::Result<()> {
    let instance = contract.pre.instantiate(&mut *store)?;
    let memory = instance
        .get_module_export(&mut *store, &contract.memory)
        .and_then(wasmtime::Extern::into_memory);
    store.data_mut().memory = memory;
    let export = match entry {
        Entry::Call => &contract.call,
        Entry::Deploy => &contract.deploy,
    };
    let function = instance
        .get_module_export(&mut *store, export)
        .and_then(wasmtime::Extern::into_func)
        .ok_or_else(|| Stop::bug("a checked export is missing"))?
        .typed::<(), ()>(&*store)?;
    match pace {
        None => function.call(store, ()),
        Some(pace) => call_in_slices(store, &function, pace),
    }
}

/// Calls a function that comes back after each slice of fuel.
fn call_in_slices(
    store: &mut Store<Frame>,
    function: &TypedFunc<(), ()>,
    mut pace: Pace,
) -> wasmtime::Result<()> {
    store.fuel_async_yield_interval(Some(SLICE_FUEL))?;
    let mut call = pin!(function.call_async(store, ()));
    let mut context = task::Context::from_waker(Waker::noop());
    loop {
        // It waits for nothing but to be asked again.
        match call.as_mut().poll(&mut context) {
            Poll::Ready(result) => return result,
            Poll::Pending => pace.checkpoint()?,
        }
    }
}

enum Ended {
    Stop(Stop),
    StackExhausted,
}

fn classify(error: wasmtime::Error) -> Ended {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return Ended::Stop(Stop::OutOfGas),
        Some(Trap::StackOverflow) => return Ended::StackExhausted,
        Some(trap) => return Ended::Stop(Stop::trap(trap.to_string())),
        None => {}
    }
    Ended::Stop(
        error
            .downcast::<Stop>()
            .unwrap_or_else(|error| Stop::bug(format!("{error:#}"))),
    )
}
