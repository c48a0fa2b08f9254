//! The operations of a cluster, and what they cost.
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
use crate::execution::{self, Call, Execution, Instantiation, NotRun};
use crate::limits::{GAS_PER_FUEL, INPUT_BYTES_MAX, QUERY_GAS_MAX, TRANSACTION_GAS_MAX, cost};
use crate::outside::Outside;
use crate::sandbox::Sandbox;
use crate::state::{ClusterRecord, Footprint, cluster_key, code_key};
use crate::stop::Stop;

/// The lowest bit that the gas shown to a caller keeps, in queries and estimates.
const GAS_BIT_MIN: u32 = 28;
/// The highest bit of gas.
const GAS_BIT_MAX: u32 = 63;
/// Leading bits of an amount that are shown.
const BITS_SHOWN: u32 = 9;
/// Bytes whose deposit is the least amount that shows.
const DEPOSIT_BYTES_SHOWN: Balance = 256;

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
        (None, Operation::SetUpCluster { .. }) => no_cluster(),
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
    let execution = Box::new(Execution::new(
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
                owner: *owner,
                gas_price: *gas_price,
                deposit_per_item: *deposit_per_item,
                deposit_per_byte: *deposit_per_byte,
                treasury: *treasury,
            };
            free(execution, |execution| {
                Ok(execution
                    .overlay
                    .write(cluster_key(), Some(record.encode()))?)
            })
        }
        Operation::Deposit { account, amount } => free(execution, |execution| {
            let balance = execution.balance(account)?.checked_add(*amount);
            let balance = balance.ok_or_else(|| Stop::limit("the balance would overflow"))?;
            Ok(execution.overlay.set_balance(account, balance)?)
        }),
        Operation::SetLimits { .. } | Operation::SetWeight { .. } | Operation::BlockEnd => {
            Ok(refused(ExecutionError::Bug("not offered yet".into())))
        }
        Operation::UploadCode { code } => metered(execution, 0, |execution, fuel| {
            upload(execution, code, fuel)
        }),
        Operation::Instantiate {
            contract,
            code_hash,
            input,
            value,
            ..
        } => {
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
            let call = Call {
                contract: *contract,
                caller: context.origin,
                value: *value,
                input: input.clone(),
            };
            metered(execution, *value, |execution, fuel| {
                ran(execution, fuel, input, |execution, fuel| {
                    execution::call(execution, call, fuel)
                })
            })
        }
    }
}

/// Prices before a cluster has any.
fn no_cluster() -> ClusterRecord {
    let nobody = [0; 32].into();
    ClusterRecord {
        owner: nobody,
        gas_price: 0,
        deposit_per_item: 0,
        deposit_per_byte: 0,
        treasury: nobody,
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

/// Why an operation returned nothing: a stop, or something that already has its final form.
enum Refusal {
    Stop(Stop),
    Error(ExecutionError),
}

impl Refusal {
    fn into_error(self) -> Result<ExecutionError, StateUnavailable> {
        match self {
            Self::Stop(stop) => stop.into_error(),
            Self::Error(error) => Ok(error),
        }
    }
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

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
        true => settle(&mut execution),
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

/// Takes the price of all gas that may be used from the origin.
fn take_gas(execution: &mut Execution, gas_limit: u64) -> Result<(), Refusal> {
    let price = execution.cluster.gas_price.saturating_mul(gas_limit.into());
    if price == 0 {
        return Ok(());
    }
    let origin = execution.context.origin;
    let rest = execution.balance(&origin)?.checked_sub(price);
    let rest = rest.ok_or(Refusal::Error(ExecutionError::BalanceTooLow))?;
    execution
        .overlay
        .set_balance(&origin, rest)
        .map_err(Stop::from)?;
    Ok(())
}

/// Gives the price of unused gas back to the origin, and that of used gas to the treasury.
fn pay_gas(execution: &mut Execution, gas_limit: u64, gas_used: u64) -> Result<(), Stop> {
    let price = execution.cluster.gas_price;
    if price == 0 {
        return Ok(());
    }
    let (origin, treasury) = (execution.context.origin, execution.cluster.treasury);
    let unused = gas_limit.saturating_sub(gas_used);
    for (account, gas) in [(origin, unused), (treasury, gas_limit - unused)] {
        let sum = execution
            .balance(&account)?
            .saturating_add(price.saturating_mul(gas.into()));
        execution.overlay.set_balance(&account, sum)?;
    }
    Ok(())
}

/// Lends the origin what it wants to transfer, so that an account without money can ask.
fn lend(execution: &mut Execution, value: Balance) -> Result<(), Stop> {
    if value == 0 {
        return Ok(());
    }
    let origin = execution.context.origin;
    let sum = execution.balance(&origin)?.saturating_add(value);
    Ok(execution.overlay.set_balance(&origin, sum)?)
}

/// Settles the deposits with the origin.
fn settle(execution: &mut Execution) -> Result<StorageDeposit, Refusal> {
    let deposit = execution.settle_deposits()?;
    charge_deposit(execution, deposit)?;
    Ok(deposit)
}

fn charge_deposit(execution: &mut Execution, deposit: StorageDeposit) -> Result<(), Refusal> {
    let limit = execution.context.storage_deposit_limit;
    match deposit {
        StorageDeposit::Charge(charge) if limit.is_some_and(|limit| charge > limit) => {
            return Err(Refusal::Error(ExecutionError::StorageDepositLimit));
        }
        StorageDeposit::Charge(0) | StorageDeposit::Refund(0) => return Ok(()),
        _ => {}
    }
    if execution.context.mode != Mode::Transaction {
        return Ok(());
    }
    let origin = execution.context.origin;
    let balance = execution.balance(&origin)?;
    let balance = match deposit {
        StorageDeposit::Charge(charge) => balance.checked_sub(charge),
        StorageDeposit::Refund(refund) => Some(balance.saturating_add(refund)),
    };
    let balance = balance.ok_or(Refusal::Error(ExecutionError::BalanceTooLow))?;
    execution
        .overlay
        .set_balance(&origin, balance)
        .map_err(Stop::from)?;
    Ok(())
}

/// Checks, compiles and stores code. Code that is there already costs nothing more.
fn upload(mut execution: Box<Execution>, code: &[u8], fuel: u64) -> Worked {
    let price = cost::UPLOAD_BYTE.saturating_mul(code.len() as u64);
    let Some(left) = fuel.checked_sub(price) else {
        return (execution, 0, Err(Stop::OutOfGas.into()));
    };
    let result = store_code(&mut execution, code).map(|()| Returned::default());
    (execution, left, result)
}

fn store_code(execution: &mut Execution, code: &[u8]) -> Result<(), Refusal> {
    let code_hash = CodeHash(blake2_256(code));
    if execution.code_exists(&code_hash)? {
        return Ok(());
    }
    execution
        .sandbox()
        .modules
        .accept(&code_hash, code)
        .map_err(|reason| Refusal::Error(ExecutionError::CodeRefused(reason)))?;
    let deposit = execution.cluster.deposit(Footprint {
        items: 1,
        bytes: code.len() as u64 + 32,
    });
    charge_deposit(execution, StorageDeposit::Charge(deposit))?;
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

fn outcome(
    execution: Box<Execution>,
    gas_used: u64,
    (result, deposit): Ended,
) -> Result<Outcome, StateUnavailable> {
    let mut execution = *execution;
    let is_transaction = execution.context.mode == Mode::Transaction;
    let (gas, storage_deposit) = match is_transaction {
        true => (gas_used, deposit),
        false => (
            coarse_gas(gas_used),
            coarse_deposit(deposit, &execution.cluster),
        ),
    };
    let overlay = std::mem::take(&mut execution.overlay);
    let changes = match is_transaction {
        true => overlay.into_changes(execution.state())?,
        false => Vec::new(),
    };
    Ok(Outcome {
        result,
        gas_consumed: gas,
        gas_required: gas,
        storage_deposit,
        debug_message: std::mem::take(&mut execution.debug_message),
        events: std::mem::take(&mut execution.events),
        changes,
        instantiated: std::mem::take(&mut execution.instantiated),
        logs: Vec::new(),
        effects: Vec::new(),
    })
}

/// Rounds up to the leading bits, so that gas tells little of what a contract did with secrets.
fn coarse_gas(gas: u64) -> u64 {
    let bit = (u64::BITS - gas.leading_zeros()).saturating_sub(BITS_SHOWN);
    gas | ((1 << bit.clamp(GAS_BIT_MIN, GAS_BIT_MAX)) - 1)
}

fn coarse_deposit(deposit: StorageDeposit, cluster: &ClusterRecord) -> StorageDeposit {
    let least = cluster.deposit_per_byte.saturating_mul(DEPOSIT_BYTES_SHOWN);
    let least = least.checked_ilog2().unwrap_or(0);
    let coarse = |amount: Balance| {
        let bit = (Balance::BITS - amount.leading_zeros()).saturating_sub(BITS_SHOWN);
        amount | ((1 << bit.max(least)) - 1)
    };
    match deposit {
        StorageDeposit::Charge(amount) => StorageDeposit::Charge(coarse(amount)),
        StorageDeposit::Refund(amount) => StorageDeposit::Refund(coarse(amount)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_is_shown_coarsely_and_never_too_low() {
        assert_eq!(coarse_gas(0), (1 << 28) - 1);
        assert_eq!(coarse_gas((1 << 40) + 1), (1 << 40) | ((1 << 32) - 1));
        assert_eq!(coarse_gas(u64::MAX), u64::MAX);
        for gas in (0..64).map(|bit| (1_u64 << bit) + 12_345) {
            assert!(coarse_gas(gas) >= gas);
        }
    }
}
