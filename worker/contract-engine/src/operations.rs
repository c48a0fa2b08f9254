//! The operations of a cluster.
//!
//! In a transaction the origin pays for gas and storage from its balance inside the cluster: gas up to
//! the limit is taken first and goes to the treasury as far as it was used; deposits are settled at
//! the end, and if the origin cannot pay them nothing is kept but the gas. In an estimate the same is
//! computed and reported, but nobody has to be able to pay it. Queries are free.

use std::sync::Arc;

use codec::Encode as _;
use executor_api::{
    Capabilities, Context, ExecutionError, Mode, Operation, Outcome, Returned, StateUnavailable,
    StateView, StorageDeposit,
};
use primitives::{Balance, CodeHash};

use crate::crypto::blake2_256;
use crate::event_chain::{self, BlockBody};
use crate::execution::{self, Call, Execution, Instantiation, NotRun};
use crate::hooks;
use crate::limits::{GAS_PER_FUEL, INPUT_BYTES_MAX, QUERY_GAS_MAX, TRANSACTION_GAS_MAX};
use crate::outside::Outside;
use crate::payment::{
    Refusal, coarse_deposit, coarse_gas, lend, pay_gas, settle, take_gas,
};
use crate::sandbox::Sandbox;
use crate::state::{ClusterRecord, Overlay, cluster_key, code_key};
use crate::stop::Stop;
use crate::system;

/// Bytes that may be written beyond what contracts write: balances and the head of the event chain.
const SETTLEMENT_BYTES: usize = 4_096;

/// How an operation ended: what it returned or why not, and the deposit.
type Ended = (Result<Returned, ExecutionError>, StorageDeposit);

const NO_DEPOSIT: StorageDeposit = StorageDeposit::Charge(0);

/// Runs one operation.
pub fn execute(
    sandbox: &Arc<Sandbox>,
    state: &dyn StateView,
    capabilities: &dyn Capabilities,
    context: &Context,
    operation: &Operation,
) -> Result<Outcome, StateUnavailable> {
    let record = crate::state::Overlay::default()
        .read_record::<ClusterRecord>(state, &cluster_key())
        .map_err(|error| StateUnavailable(error.to_string()))?;
    let cluster = match (record, operation) {
        (None, Operation::SetUpCluster { .. }) => ClusterRecord::new([0; 32].into(), [0; 32].into()),
        (Some(_), Operation::SetUpCluster { .. }) => {
            return Ok(refused(ExecutionError::ClusterExists));
        }
        (None, _) => return Ok(refused(ExecutionError::ClusterNotSetUp)),
        (Some(cluster), _) => cluster,
    };
    #[expect(unsafe_code, reason = "wasmtime stores only 'static host data")]
    // SAFETY: the execution that holds it is dropped before this function returns: it is owned here
    // or by the frames below, whose threads are joined.
    let outside = unsafe { Outside::erase(state, capabilities) };
    let mut execution = Box::new(Execution::new(
        Arc::clone(sandbox),
        outside,
        context.clone(),
        cluster,
    ));
    match operation {
        Operation::SetUpCluster {
            owner,
            gas_price,
            deposit_per_item,
            deposit_per_byte,
            treasury,
        } => {
            let record = ClusterRecord {
                gas_price: *gas_price,
                deposit_per_item: *deposit_per_item,
                deposit_per_byte: *deposit_per_byte,
                ..ClusterRecord::new(*owner, *treasury)
            };
            free(execution, |execution| {
                let value = Some(record.encode());
                execution.overlay.write(cluster_key(), value)?;
                system::set_up(execution, *owner)
            })
        }
        Operation::Deposit { account, amount } => free(execution, |execution| {
            let balance = execution.balance(account)?.checked_add(*amount);
            let balance = balance.ok_or_else(|| Stop::limit("the balance would overflow"))?;
            Ok(execution.overlay.set_balance(account, balance)?)
        }),
        Operation::SetLimits { limits } => match limits.is_valid() {
            true => free(execution, |execution| {
                execution.change_cluster(|cluster| cluster.limits = *limits)
            }),
            false => {
                let text = "the limits of a cluster are outside of their bounds";
                Ok(refused(ExecutionError::LimitReached(text.into())))
            }
        },
        Operation::BlockEnd => hooks::run(execution),
        Operation::UploadCode { code } => {
            let stored = store_code(&mut execution, code).map(|()| Returned::default());
            let result = match stored {
                Ok(returned) => Ok(returned),
                Err(refusal) => Err(refusal.into_error()?),
            };
            outcome(execution, 0, (result, NO_DEPOSIT))
        }
        Operation::Instantiate {
            contract,
            code_hash,
            input,
            value,
            ..
        } => {
            execution.entry = Some(*contract);
            let new = Instantiation {
                contract: *contract,
                deployer: context.origin,
                code_hash: *code_hash,
                value: *value,
                input: input.clone(),
            };
            metered(execution, *value, |execution, fuel| {
                ran(execution, fuel, input, |execution, fuel| {
                    execution::instantiate(execution, new, fuel)
                })
            })
        }
        Operation::Call {
            contract,
            input,
            value,
        } => {
            execution.entry = Some(*contract);
            let call = Call {
                contract: *contract,
                caller: context.origin,
                value: *value,
                input: input.clone(),
                read_only: false,
            };
            metered(execution, *value, |execution, fuel| {
                ran(execution, fuel, input, |execution, fuel| {
                    execution::call(execution, call, fuel)
                })
            })
        }
    }
}

/// An outcome of something that was not started.
pub fn refused(error: ExecutionError) -> Outcome {
    Outcome {
        result: Err(error),
        gas_consumed: 0,
        gas_required: 0,
        storage_deposit: NO_DEPOSIT,
        debug_message: Vec::new(),
        events: Vec::new(),
        changes: Vec::new(),
        instantiated: Vec::new(),
        logs: Vec::new(),
        effects: Vec::new(),
    }
}

/// An operation without code or price.
fn free(
    mut execution: Box<Execution>,
    change: impl FnOnce(&mut Execution) -> Result<(), Stop>,
) -> Result<Outcome, StateUnavailable> {
    let result = match change(&mut execution) {
        Ok(()) => Ok(Returned::default()),
        Err(stop) => Err(stop.into_error()?),
    };
    outcome(execution, 0, (result, NO_DEPOSIT))
}

/// The execution again, the fuel left, and what was returned or why not.
type Worked = (Box<Execution>, u64, Result<Returned, Refusal>);

/// An operation that costs gas and deposits.
fn metered(
    mut execution: Box<Execution>,
    value: Balance,
    work: impl FnOnce(Box<Execution>, u64) -> Worked,
) -> Result<Outcome, StateUnavailable> {
    let gas_limit = gas_limit(&execution.context);
    let prepared = match execution.context.mode {
        Mode::Transaction => take_gas(&mut execution, gas_limit),
        Mode::Query | Mode::Estimate => lend(&mut execution, value).map_err(Refusal::from),
    };
    if let Err(refusal) = prepared {
        return Ok(refused(refusal.into_error()?));
    }
    let paid = execution.savepoint();
    let fuel = gas_limit / GAS_PER_FUEL;
    let (mut execution, fuel_left, result) = work(execution, fuel);
    let gas_used = (fuel - fuel_left.min(fuel)) * GAS_PER_FUEL;

    let kept = result
        .as_ref()
        .is_ok_and(|returned| !returned.is_reverted());
    let settled = match kept {
        true => {
            let payer = execution.context.origin;
            settle(&mut execution, &payer)
        }
        false => Ok(NO_DEPOSIT),
    };
    let ended = match (result, settled) {
        (Ok(returned), Ok(deposit)) => (Ok(returned), deposit),
        (Err(refusal), _) | (_, Err(refusal)) => {
            execution.roll_back(&paid);
            (Err(refusal.into_error()?), NO_DEPOSIT)
        }
    };
    if execution.context.mode == Mode::Transaction {
        execution.overlay.allow(SETTLEMENT_BYTES);
        pay_gas(&mut execution, gas_limit, gas_used).or_else(|stop| {
            // Only an unreadable state ends here: the treasury's balance is all that is new.
            stop.into_error()
                .map(|error| tracing::error!(%error, "gas was not paid out"))
        })?;
    }
    outcome(execution, gas_used, ended)
}

fn gas_limit(context: &Context) -> u64 {
    let maximum = match context.mode {
        Mode::Query => QUERY_GAS_MAX,
        Mode::Estimate | Mode::Transaction => TRANSACTION_GAS_MAX,
    };
    match context.gas_limit {
        0 => maximum,
        limit => limit.min(maximum),
    }
}

/// Checks, compiles and stores code. It costs nothing here: who uploads has paid the chain a fee and a
/// deposit for each byte, and nobody's account in the cluster is known to be that one's.
fn store_code(execution: &mut Execution, code: &[u8]) -> Result<(), Refusal> {
    let code_hash = CodeHash(blake2_256(code));
    if execution.code_exists(&code_hash)? {
        return Ok(());
    }
    let refused = |reason| Refusal::Error(ExecutionError::CodeRefused(reason));
    let limits = *execution.limits();
    if code.len() > limits.code_bytes as usize {
        let (bytes, max) = (code.len(), limits.code_bytes);
        let reason = format!("it has {bytes} bytes, at most {max} are allowed in this cluster");
        return Err(refused(reason));
    }
    let modules = &execution.sandbox().modules;
    let contract = modules.accept(&code_hash, code).map_err(refused)?;
    let (pages, max) = (contract.memory_pages.initial, limits.memory_pages);
    if pages > max.into() {
        let reason = format!("it needs {pages} pages of memory, the cluster allows {max}");
        return Err(refused(reason));
    }
    execution
        .overlay
        .write(code_key(&code_hash), Some(code.to_vec()))
        .map_err(Stop::from)?;
    Ok(())
}

/// Runs the first frame, and puts what it did into words.
fn ran(
    execution: Box<Execution>,
    fuel: u64,
    input: &[u8],
    run: impl FnOnce(Box<Execution>, u64) -> execution::Ran,
) -> Worked {
    if input.len() > INPUT_BYTES_MAX as usize {
        let error = ExecutionError::LimitReached(format!(
            "the input has {} bytes, at most {INPUT_BYTES_MAX} are allowed",
            input.len()
        ));
        return (execution, fuel, Err(Refusal::Error(error)));
    }
    let (execution, left, result) = run(execution, fuel);
    let result = match result {
        Ok(result) => result.map_err(Refusal::Stop),
        Err(NotRun::Stop(stop)) => Err(Refusal::Stop(stop)),
        Err(NotRun::NoContract) => Err(Refusal::Error(ExecutionError::ContractNotFound)),
        Err(NotRun::NoCode) => Err(Refusal::Error(ExecutionError::CodeNotFound)),
        Err(NotRun::BalanceTooLow) => Err(Refusal::Error(ExecutionError::BalanceTooLow)),
        Err(NotRun::Duplicate) => Err(Refusal::Error(ExecutionError::DuplicateContract)),
    };
    (execution, left, result)
}

/// Puts together what an execution did. A transaction that left events adds a block to the cluster's
/// event chain.
pub fn outcome(
    execution: Box<Execution>,
    gas_used: u64,
    (result, deposit): Ended,
) -> Result<Outcome, StateUnavailable> {
    let mut execution = *execution;
    let mode = execution.context.mode;
    // Code stops where exactly nothing is left when it looks, so one unit more is needed than used.
    let required = match gas_used {
        0 => 0,
        used => used.saturating_add(GAS_PER_FUEL),
    };
    let (gas_consumed, gas_required, storage_deposit) = match mode {
        Mode::Transaction => (gas_used, required, deposit),
        Mode::Query | Mode::Estimate => (
            coarse_gas(gas_used),
            coarse_gas(required),
            coarse_deposit(deposit, &execution.cluster),
        ),
    };
    let mut overlay = std::mem::take(&mut execution.overlay);
    let changes = match mode {
        Mode::Transaction => {
            announce(&mut overlay, &execution)?;
            overlay.into_changes(execution.state())?
        }
        Mode::Query | Mode::Estimate => Vec::new(),
    };
    let effects = match mode {
        Mode::Estimate => Vec::new(),
        Mode::Transaction | Mode::Query => std::mem::take(&mut execution.effects),
    };
    Ok(Outcome {
        result,
        gas_consumed,
        gas_required,
        storage_deposit,
        debug_message: std::mem::take(&mut execution.debug_message),
        events: std::mem::take(&mut execution.events),
        changes,
        instantiated: std::mem::take(&mut execution.instantiated),
        logs: std::mem::take(&mut execution.logs),
        effects,
    })
}

fn announce(overlay: &mut Overlay, execution: &Execution) -> Result<(), StateUnavailable> {
    if execution.events.is_empty() {
        return Ok(());
    }
    let context = &execution.context;
    let body = BlockBody {
        block_number: context.block_number,
        nonce: context.nonce.clone(),
        entry_contract: execution.entry.map(|contract| contract.0),
        events: execution.events.clone(),
        origin: Some(context.origin),
    };
    let version = execution.cluster.runtime_version;
    overlay.allow(SETTLEMENT_BYTES);
    event_chain::append(overlay, execution.state(), version, &body)
        .map_err(|error| StateUnavailable(error.to_string()))
}
