//! Hooks: messages that run at the end of each block.
//!
//! The system contract sets them, one for each contract. They run in the order in which they were
//! first set, each within its own gas and its own share of what may be written, called by the system
//! contract, and cost no gas price. What a hook stores is paid for from its contract's own balance;
//! a hook that fails, reverts or cannot pay is undone alone.

use codec::{Decode, Encode};
use executor_api::{Outcome, Returned, StateUnavailable, StorageDeposit};
use primitives::ContractId;

use crate::execution::{self, Call, Execution, NotRun};
use crate::limits::{GAS_PER_FUEL, HOOK_GAS_MAX, HOOK_WRITTEN_BYTES_MAX, HOOKS_MAX};
use crate::operations;
use crate::payment;
use crate::state::hooks_key;
use crate::stop::{Fatal, Stop};

/// A message of a contract, and how much gas it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Hook {
    pub contract: ContractId,
    pub selector: u32,
    pub gas_limit: u64,
}

pub fn all(execution: &Execution) -> Result<Vec<Hook>, Stop> {
    let hooks = execution
        .overlay
        .read_record(execution.state(), &hooks_key())?;
    Ok(hooks.unwrap_or_default())
}

/// Whether a hook of `contract` can be set: it has one, or there is a place.
pub fn has_room(execution: &Execution, contract: &ContractId) -> Result<bool, Stop> {
    let hooks = all(execution)?;
    Ok(hooks.len() < HOOKS_MAX || hooks.iter().any(|hook| hook.contract == *contract))
}

/// Sets the hook of a contract, or removes it where there is no gas for it. Above [`HOOKS_MAX`]
/// nothing is set.
pub fn set(
    execution: &mut Execution,
    contract: ContractId,
    selector: u32,
    gas_limit: u64,
) -> Result<(), Stop> {
    let mut hooks = all(execution)?;
    let hook = Hook {
        contract,
        selector,
        gas_limit: gas_limit.min(HOOK_GAS_MAX),
    };
    match hooks.iter().position(|hook| hook.contract == contract) {
        Some(place) if gas_limit == 0 => {
            hooks.remove(place);
        }
        Some(place) => {
            if let Some(old) = hooks.get_mut(place) {
                *old = hook;
            }
        }
        None if gas_limit > 0 && hooks.len() < HOOKS_MAX => hooks.push(hook),
        None => return Ok(()),
    }
    let value = (!hooks.is_empty()).then(|| hooks.encode());
    Ok(execution.overlay.write(hooks_key(), value)?)
}

/// Runs all hooks of the end of a block.
pub fn run(mut execution: Box<Execution>) -> Result<Outcome, StateUnavailable> {
    let hooks = match all(&execution) {
        Ok(hooks) => hooks,
        Err(stop) => return Ok(operations::refused(stop.into_error()?)),
    };
    let system = execution.system_contract();
    execution.context.origin = system.into();
    let mut gas_used = 0_u64;
    // Each hook has the bounds of an execution for itself, so that none can use up another's.
    let mut announced = Vec::new();
    let mut asked = Vec::new();
    let mut made = Vec::new();
    let mut lines = Vec::new();
    for hook in hooks {
        let (after, gas) = run_one(execution, &hook)?;
        execution = after;
        gas_used = gas_used.saturating_add(gas);
        execution.announced_bytes = 0;
        execution.log_bytes = 0;
        announced.append(&mut execution.events);
        asked.append(&mut execution.effects);
        made.append(&mut execution.instantiated);
        lines.append(&mut execution.logs);
    }
    execution.events = announced;
    execution.effects = asked;
    execution.instantiated = made;
    execution.logs = lines;
    execution.entry = None;
    let nothing = StorageDeposit::Charge(0);
    operations::outcome(execution, gas_used, (Ok(Returned::default()), nothing))
}

fn run_one(
    mut execution: Box<Execution>,
    hook: &Hook,
) -> Result<(Box<Execution>, u64), StateUnavailable> {
    let contract = hook.contract;
    execution.entry = Some(contract);
    if let Ok(Some(info)) = execution.contract_info(&contract) {
        execution.owner = info.owner;
    }
    execution.overlay.allow(HOOK_WRITTEN_BYTES_MAX);
    let savepoint = execution.savepoint();
    let call = Call {
        contract,
        caller: execution.context.origin,
        value: 0,
        input: hook.selector.to_be_bytes().to_vec(),
        read_only: false,
    };
    let fuel = hook.gas_limit / GAS_PER_FUEL;
    let (mut execution, left, result) = execution::call(execution, call, fuel);
    let gas = fuel.saturating_sub(left).saturating_mul(GAS_PER_FUEL);
    let failure = match result {
        Ok(Ok(returned)) if returned.is_reverted() => Some("it reverted".to_owned()),
        Ok(Ok(_)) => match payment::settle(&mut execution, &contract.into()) {
            Ok(_) => None,
            Err(refusal) => Some(refusal.into_error()?.to_string()),
        },
        Err(NotRun::NoContract) => Some("there is no such contract".to_owned()),
        Ok(Err(stop)) | Err(NotRun::Stop(stop)) => match stop {
            Stop::Fatal(Fatal::Unavailable(error)) => return Err(error),
            stop => Some(stop.into_error()?.to_string()),
        },
        Err(why) => Some(format!("it could not be called: {why:?}")),
    };
    if let Some(failure) = failure {
        execution.roll_back(&savepoint);
        execution.log(contract, 1, &format!("the hook failed: {failure}"));
    }
    Ok((execution, gas))
}
