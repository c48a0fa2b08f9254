//! Calls of other contracts, transfers, and what changes a contract as a whole.

use codec::Encode as _;
use executor_api::{ClusterFact, Returned};
use primitives::{Balance, CodeHash, ContractId};

use super::Guest;
use super::code::{
    CALL_RUNTIME_FAILED, CALLEE_REVERTED, CALLEE_TRAPPED, CODE_NOT_FOUND, NOT_CALLABLE, SUCCESS,
    TRANSFER_FAILED,
};
use super::code::SENTINEL;
use crate::execution::{self, Call, Execution, Instantiation, NotRun, Ran};
use crate::frame::{Entry, Task};
use crate::limits::{DEPENDENCIES_MAX, GAS_PER_FUEL, INPUT_BYTES_MAX, SALT_BYTES_MAX, cost};
use crate::state::{ContractInfo, ContractRecord, dependencies_key};
use crate::stop::Stop;

/// Hand the caller's input on, which it then has no more.
const FORWARD_INPUT: u32 = 1;
/// Hand a copy of the caller's input on.
const CLONE_INPUT: u32 = 2;
/// Return what the callee returned.
const TAIL_CALL: u32 = 4;
/// The caller may be called again from below.
const ALLOW_REENTRY: u32 = 8;
/// The callee, and what it calls, may change nothing.
const READ_ONLY: u32 = 16;

/// Bytes of an account and of a balance.
const ACCOUNT_BYTES: u32 = 32;
const BALANCE_BYTES: u32 = 16;

/// Where a contract wants output, as (buffer, pointer to its length).
type Output = (u32, u32);

fn input(guest: &mut Guest<'_>, flags: u32, pointer: u32, len: u32) -> Result<Vec<u8>, Stop> {
    let forwarded = || Stop::trap("the input was read or forwarded before");
    match flags & (FORWARD_INPUT | CLONE_INPUT) {
        0 => guest.read(pointer, len, INPUT_BYTES_MAX, "the input"),
        CLONE_INPUT => guest.frame().input.clone().ok_or_else(forwarded),
        FORWARD_INPUT => guest.frame().input.take().ok_or_else(forwarded),
        _ => Err(Stop::trap("the input cannot be both forwarded and cloned")),
    }
}

fn check_flags(flags: u32) -> Result<(), Stop> {
    match flags & !(FORWARD_INPUT | CLONE_INPUT | TAIL_CALL | ALLOW_REENTRY | READ_ONLY) {
        0 => Ok(()),
        _ => Err(Stop::trap("unknown flags of a call")),
    }
}

/// What a frame below may use, and whether it may call back.
#[derive(Clone, Copy)]
struct Terms {
    /// Most gas; 0 for all there is.
    gas: u64,
    /// Most storage deposit that it may cause; 0 for no limit of its own.
    deposit: Balance,
    allow_reentry: bool,
}

/// Reads the deposit limit of a call, which may be left out.
fn deposit_limit(guest: &mut Guest<'_>, pointer: u32) -> Result<Balance, Stop> {
    match pointer {
        SENTINEL => Ok(0),
        pointer => guest.read_balance(pointer),
    }
}

/// Whether what was stored since deposits had grown by `before` costs more than `limit`.
fn is_above(execution: &Execution, before: i128, limit: Balance) -> bool {
    let growth = execution.deposit_growth.saturating_sub(before);
    limit != 0 && Balance::try_from(growth).is_ok_and(|growth| growth > limit)
}

/// Runs a frame below this one.
///
/// Where it ran well, but stored more than its deposit limit allows, it is undone as if it had trapped.
fn run_below(
    guest: &mut Guest<'_>,
    terms: Terms,
    run: impl FnOnce(Box<Execution>, u64) -> Ran,
) -> Result<Result<Result<Returned, Stop>, NotRun>, Stop> {
    guest.charge(cost::FRAME)?;
    let fuel = guest.fuel()?;
    let limit = match terms.gas {
        0 => fuel,
        gas => (gas / GAS_PER_FUEL).min(fuel),
    };
    let mut execution = guest.take_execution()?;
    execution.allow_reentry(terms.allow_reentry);
    let (savepoint, growth) = (execution.savepoint(), execution.deposit_growth);
    let (mut execution, left, mut result) = run(execution, limit);
    if matches!(result, Ok(Ok(_))) && is_above(&execution, growth, terms.deposit) {
        execution.roll_back(&savepoint);
        result = Ok(Err(Stop::trap("the storage deposit is above the limit of the call")));
    }
    // Nothing below runs any more that could call back.
    execution.allow_reentry(false);
    guest.give_back(execution);
    guest.set_fuel(fuel - limit.saturating_sub(left))?;
    Ok(result)
}

/// What a contract is told of a frame below it. Writes the output also of a callee that reverted.
fn report(
    guest: &mut Guest<'_>,
    result: Result<Result<Returned, Stop>, NotRun>,
    (out, out_len): Output,
) -> Result<u32, Stop> {
    match result {
        Ok(Ok(returned)) => {
            guest.write_optional_output(out, out_len, &returned.data)?;
            Ok(if returned.is_reverted() {
                CALLEE_REVERTED
            } else {
                SUCCESS
            })
        }
        Ok(Err(Stop::Fatal(fatal))) => Err(Stop::Fatal(fatal)),
        Ok(Err(_)) => Ok(CALLEE_TRAPPED),
        Err(NotRun::NoContract) => Ok(NOT_CALLABLE),
        Err(NotRun::NoCode) => Ok(CODE_NOT_FOUND),
        Err(NotRun::BalanceTooLow) => Ok(TRANSFER_FAILED),
        Err(NotRun::Duplicate) => Err(Stop::trap("a contract with this id exists already")),
        Err(NotRun::Stop(stop)) => Err(stop),
    }
}

/// As [`report`], but a tail call ends the frame with what the callee returned.
fn report_call(
    guest: &mut Guest<'_>,
    flags: u32,
    result: Result<Result<Returned, Stop>, NotRun>,
    output: Output,
) -> Result<u32, Stop> {
    match result {
        Ok(Ok(returned)) if flags & TAIL_CALL != 0 => {
            guest.frame().returned = returned;
            Err(Stop::Returned)
        }
        result => report(guest, result, output),
    }
}

/// What the versions of `call` have in common.
struct CallArguments {
    flags: u32,
    callee: u32,
    gas: u64,
    deposit: Balance,
    value: u32,
    input: (u32, u32),
    output: Output,
}

fn call(guest: &mut Guest<'_>, arguments: &CallArguments) -> Result<u32, Stop> {
    let flags = arguments.flags;
    check_flags(flags)?;
    let contract = ContractId(guest.read_array(arguments.callee)?);
    let value = guest.read_balance(arguments.value)?;
    let input = input(guest, flags, arguments.input.0, arguments.input.1)?;
    let read_only = guest.frame().read_only || flags & READ_ONLY != 0;
    if read_only && value != 0 {
        return Err(Stop::trap("a read-only call cannot transfer a value"));
    }
    let caller = guest.frame().contract.into();
    let task = Call {
        contract,
        caller,
        value,
        input,
        read_only,
    };
    let terms = Terms {
        gas: arguments.gas,
        deposit: arguments.deposit,
        allow_reentry: flags & ALLOW_REENTRY != 0,
    };
    let result = run_below(guest, terms, |execution, fuel| {
        execution::call(execution, task, fuel)
    })?;
    report_call(guest, flags, result, arguments.output)
}

#[expect(
    clippy::too_many_arguments,
    reason = "the signature that contracts import"
)]
pub fn call_v0(
    guest: &mut Guest<'_>,
    callee: u32,
    callee_len: u32,
    gas: u64,
    value: u32,
    value_len: u32,
    input: u32,
    len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Stop> {
    guest.expect_len(callee_len, ACCOUNT_BYTES)?;
    guest.expect_len(value_len, BALANCE_BYTES)?;
    // This version always allowed to be called again.
    call_v1(
        guest,
        ALLOW_REENTRY,
        callee,
        gas,
        value,
        input,
        len,
        out,
        out_len,
    )
}

#[expect(
    clippy::too_many_arguments,
    reason = "the signature that contracts import"
)]
pub fn call_v1(
    guest: &mut Guest<'_>,
    flags: u32,
    callee: u32,
    gas: u64,
    value: u32,
    input: u32,
    len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Stop> {
    let (input, output) = ((input, len), (out, out_len));
    call(
        guest,
        &CallArguments {
            flags,
            callee,
            gas,
            deposit: 0,
            value,
            input,
            output,
        },
    )
}

/// The second part of the weight, the size of a proof, is not used: nothing is proven here.
#[expect(
    clippy::too_many_arguments,
    reason = "the signature that contracts import"
)]
pub fn call_v2(
    guest: &mut Guest<'_>,
    flags: u32,
    callee: u32,
    time: u64,
    _size: u64,
    deposit: u32,
    value: u32,
    input: u32,
    len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Stop> {
    let arguments = CallArguments {
        flags,
        callee,
        gas: time,
        deposit: deposit_limit(guest, deposit)?,
        value,
        input: (input, len),
        output: (out, out_len),
    };
    call(guest, &arguments)
}

pub fn delegate_call(
    guest: &mut Guest<'_>,
    flags: u32,
    code: u32,
    data: u32,
    len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Stop> {
    check_flags(flags & !(ALLOW_REENTRY | READ_ONLY))?;
    if flags & (ALLOW_REENTRY | READ_ONLY) != 0 {
        return Err(Stop::trap("these flags are none of a delegate call"));
    }
    let code_hash = CodeHash(guest.read_array(code)?);
    let input = input(guest, flags, data, len)?;
    let frame = guest.frame();
    let task = Task {
        entry: Entry::Call,
        contract: frame.contract,
        code_hash,
        caller: frame.caller,
        value: frame.value,
        input,
        read_only: frame.read_only,
        delegated: true,
    };
    let terms = Terms {
        gas: 0,
        deposit: 0,
        allow_reentry: false,
    };
    let result = run_below(guest, terms, |execution, fuel| {
        execution::delegate_call(execution, task, fuel)
    })?;
    report_call(guest, flags, result, (out, out_len))
}

/// What the versions of `instantiate` have in common.
struct InstantiateArguments {
    code: u32,
    gas: u64,
    deposit: Balance,
    value: u32,
    input: (u32, u32),
    address: Output,
    output: Output,
    salt: (u32, u32),
}

fn instantiate(guest: &mut Guest<'_>, arguments: &InstantiateArguments) -> Result<u32, Stop> {
    guest.mutates()?;
    let code_hash = CodeHash(guest.read_array(arguments.code)?);
    let value = guest.read_balance(arguments.value)?;
    let (input, len) = arguments.input;
    let input = guest.read(input, len, INPUT_BYTES_MAX, "the input")?;
    let (salt, len) = arguments.salt;
    let salt = guest.read(salt, len, SALT_BYTES_MAX, "the salt")?;
    guest.charge(cost::STORAGE_WRITE)?;
    let deployer = guest.frame().contract.into();
    let cluster = guest.execution()?.context.cluster;
    let contract = execution::contract_id(&deployer, &code_hash, &cluster, &salt);
    let task = Instantiation {
        contract,
        deployer,
        code_hash,
        value,
        input,
    };
    let terms = Terms {
        gas: arguments.gas,
        deposit: arguments.deposit,
        allow_reentry: false,
    };
    let result = run_below(guest, terms, |execution, fuel| {
        execution::instantiate(execution, task, fuel)
    })?;
    if matches!(&result, Ok(Ok(returned)) if !returned.is_reverted()) {
        let (out, out_len) = arguments.address;
        guest.write_optional_output(out, out_len, contract.as_ref())?;
    }
    report(guest, result, arguments.output)
}

#[expect(
    clippy::too_many_arguments,
    reason = "the signature that contracts import"
)]
pub fn instantiate_v0(
    guest: &mut Guest<'_>,
    code: u32,
    code_len: u32,
    gas: u64,
    value: u32,
    value_len: u32,
    input: u32,
    len: u32,
    address: u32,
    address_len: u32,
    out: u32,
    out_len: u32,
    salt: u32,
    salt_len: u32,
) -> Result<u32, Stop> {
    guest.expect_len(code_len, ACCOUNT_BYTES)?;
    guest.expect_len(value_len, BALANCE_BYTES)?;
    let (input, address, output) = ((input, len), (address, address_len), (out, out_len));
    let salt = (salt, salt_len);
    let arguments = InstantiateArguments {
        code,
        gas,
        deposit: 0,
        value,
        input,
        address,
        output,
        salt,
    };
    instantiate(guest, &arguments)
}

#[expect(
    clippy::too_many_arguments,
    reason = "the signature that contracts import"
)]
pub fn instantiate_v1(
    guest: &mut Guest<'_>,
    code: u32,
    gas: u64,
    value: u32,
    input: u32,
    len: u32,
    address: u32,
    address_len: u32,
    out: u32,
    out_len: u32,
    salt: u32,
    salt_len: u32,
) -> Result<u32, Stop> {
    let (input, address, output) = ((input, len), (address, address_len), (out, out_len));
    let salt = (salt, salt_len);
    let arguments = InstantiateArguments {
        code,
        gas,
        deposit: 0,
        value,
        input,
        address,
        output,
        salt,
    };
    instantiate(guest, &arguments)
}

/// As in [`call_v2`], the second part of the weight is not used.
#[expect(
    clippy::too_many_arguments,
    reason = "the signature that contracts import"
)]
pub fn instantiate_v2(
    guest: &mut Guest<'_>,
    code: u32,
    time: u64,
    _size: u64,
    deposit: u32,
    value: u32,
    input: u32,
    len: u32,
    address: u32,
    address_len: u32,
    out: u32,
    out_len: u32,
    salt: u32,
    salt_len: u32,
) -> Result<u32, Stop> {
    let (input, address, output) = ((input, len), (address, address_len), (out, out_len));
    let salt = (salt, salt_len);
    let arguments = InstantiateArguments {
        code,
        gas: time,
        deposit: deposit_limit(guest, deposit)?,
        value,
        input,
        address,
        output,
        salt,
    };
    instantiate(guest, &arguments)
}

pub fn transfer(
    guest: &mut Guest<'_>,
    to: u32,
    to_len: u32,
    value: u32,
    value_len: u32,
) -> Result<u32, Stop> {
    guest.expect_len(to_len, ACCOUNT_BYTES)?;
    guest.expect_len(value_len, BALANCE_BYTES)?;
    guest.mutates()?;
    guest.charge(2 * cost::STORAGE_WRITE)?;
    let (to, value) = (guest.read_account(to)?, guest.read_balance(value)?);
    let from = guest.frame().contract.into();
    match guest.execution()?.transfer(&from, &to, value)? {
        true => Ok(SUCCESS),
        false => Ok(TRANSFER_FAILED),
    }
}

pub fn terminate_v0(guest: &mut Guest<'_>, to: u32, to_len: u32) -> Result<(), Stop> {
    guest.expect_len(to_len, ACCOUNT_BYTES)?;
    terminate_v1(guest, to)
}

/// Ends the contract for good and sends its balance on. Its storage stays where nobody reaches it,
/// and the deposit for it with it.
pub fn terminate_v1(guest: &mut Guest<'_>, to: u32) -> Result<(), Stop> {
    guest.mutates()?;
    guest.charge(3 * cost::STORAGE_WRITE)?;
    let to = guest.read_account(to)?;
    let (contract, entry) = (guest.frame().contract, guest.frame().entry);
    let execution = guest.execution()?;
    if entry == Entry::Deploy || execution.is_recursive(&contract) {
        return Err(Stop::trap(
            "a contract cannot end in its constructor or below itself",
        ));
    }
    let balance: Balance = execution.balance(&contract.into())?;
    if !execution.transfer(&contract.into(), &to, balance)? {
        return Err(Stop::trap("the balance of the contract cannot be sent on"));
    }
    let info = running(execution, &contract)?;
    let record = ContractRecord::Terminated {
        footprint: info.footprint,
        deposit: info.deposit,
    };
    execution.set_contract(&contract, &record)?;
    Err(Stop::Terminated)
}

/// Replaces the code of the contract, from its next call on.
pub fn set_code_hash(guest: &mut Guest<'_>, code: u32) -> Result<u32, Stop> {
    guest.mutates()?;
    guest.charge(cost::STORAGE_WRITE)?;
    let code_hash = CodeHash(guest.read_array(code)?);
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    if !execution.code_exists(&code_hash)? {
        return Ok(CODE_NOT_FOUND);
    }
    let mut info = running(execution, &contract)?;
    info.code_hash = code_hash;
    execution.set_contract(&contract, &ContractRecord::Alive(info))?;
    Ok(SUCCESS)
}

/// The record of a contract that runs.
fn running(execution: &Execution, contract: &ContractId) -> Result<ContractInfo, Stop> {
    execution
        .contract_info(contract)?
        .ok_or_else(|| Stop::bug("a running contract has no record"))
}

/// Contracts made in this cluster so far. It grows by one before each constructor runs.
pub fn instantiation_nonce(guest: &mut Guest<'_>) -> Result<u64, Stop> {
    guest.charge(cost::STORAGE_READ)?;
    let execution = guest.execution()?;
    execution.capabilities().looks_at(ClusterFact::Instantiations);
    execution.instantiations()
}

fn dependencies(guest: &mut Guest<'_>) -> Result<(Vec<u8>, Vec<CodeHash>), Stop> {
    guest.mutates()?;
    guest.charge(cost::STORAGE_READ + cost::STORAGE_WRITE)?;
    let key = dependencies_key(&guest.frame().contract);
    let execution = guest.execution()?;
    let codes = execution.overlay.read_record(execution.state(), &key)?;
    Ok((key, codes.unwrap_or_default()))
}

/// Notes that the contract needs a code for delegate calls. Code is never removed from a cluster, so
/// this is bookkeeping, and costs no deposit.
pub fn lock_delegate_dependency(guest: &mut Guest<'_>, code: u32) -> Result<(), Stop> {
    let (key, mut codes) = dependencies(guest)?;
    let code_hash = CodeHash(guest.read_array(code)?);
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    let refused = match () {
        () if running(execution, &contract)?.code_hash == code_hash => "is its own code",
        () if !execution.code_exists(&code_hash)? => "does not exist",
        () if codes.contains(&code_hash) => "is locked already",
        () if codes.len() >= DEPENDENCIES_MAX => "is one too many",
        () => {
            codes.push(code_hash);
            return Ok(execution.overlay.write(key, Some(codes.encode()))?);
        }
    };
    Err(Stop::trap(format!("a dependency of the contract {refused}")))
}

/// Takes back what [`lock_delegate_dependency`] noted.
pub fn unlock_delegate_dependency(guest: &mut Guest<'_>, code: u32) -> Result<(), Stop> {
    let (key, mut codes) = dependencies(guest)?;
    let code_hash = CodeHash(guest.read_array(code)?);
    let place = codes.iter().position(|code| *code == code_hash);
    let place = place.ok_or_else(|| Stop::trap("the contract has no such dependency"))?;
    codes.remove(place);
    let value = (!codes.is_empty()).then(|| codes.encode());
    Ok(guest.execution()?.overlay.write(key, value)?)
}

/// Contracts cannot call the chain: they run beside it, not on it.
pub fn call_runtime(_: &mut Guest<'_>, _call: u32, _len: u32) -> Result<u32, Stop> {
    Ok(CALL_RUNTIME_FAILED)
}
