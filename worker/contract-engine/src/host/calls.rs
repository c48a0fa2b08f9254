//! Calls of other contracts, transfers, and what changes a contract as a whole.

use executor_api::Returned;
use primitives::{Balance, CodeHash, ContractId};

use super::Guest;
use super::code::{
    CALL_RUNTIME_FAILED, CALLEE_REVERTED, CALLEE_TRAPPED, CODE_NOT_FOUND, NOT_CALLABLE, SUCCESS,
    TRANSFER_FAILED,
};
use crate::execution::{self, Call, Execution, Instantiation, NotRun, Ran};
use crate::frame::{Entry, Task};
use crate::limits::{GAS_PER_FUEL, INPUT_BYTES_MAX, SALT_BYTES_MAX, cost};
use crate::state::ContractRecord;
use crate::stop::Stop;

/// Hand the caller's input on, which it then has no more.
const FORWARD_INPUT: u32 = 1;
/// Hand a copy of the caller's input on.
const CLONE_INPUT: u32 = 2;
/// Return what the callee returned.
const TAIL_CALL: u32 = 4;
/// The caller may be called again from below.
const ALLOW_REENTRY: u32 = 8;

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
    match flags & !(FORWARD_INPUT | CLONE_INPUT | TAIL_CALL | ALLOW_REENTRY) {
        0 => Ok(()),
        _ => Err(Stop::trap("unknown flags of a call")),
    }
}

/// Runs a frame below this one with at most `gas`, where 0 is all there is.
fn run_below(
    guest: &mut Guest<'_>,
    gas: u64,
    allow_reentry: bool,
    run: impl FnOnce(Box<Execution>, u64) -> Ran,
) -> Result<Result<Result<Returned, Stop>, NotRun>, Stop> {
    guest.charge(cost::FRAME)?;
    let fuel = guest.fuel()?;
    let limit = match gas {
        0 => fuel,
        gas => (gas / GAS_PER_FUEL).min(fuel),
    };
    let mut execution = guest.take_execution()?;
    execution.allow_reentry(allow_reentry);
    let (execution, left, result) = run(execution, limit);
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
    let caller = guest.frame().contract.into();
    let task = Call {
        contract,
        caller,
        value,
        input,
    };
    let result = run_below(
        guest,
        arguments.gas,
        flags & ALLOW_REENTRY != 0,
        |execution, fuel| execution::call(execution, task, fuel),
    )?;
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
            value,
            input,
            output,
        },
    )
}

/// The second part of the weight and the deposit limit of the call are not used: the limits of the
/// whole execution hold.
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
    _deposit: u32,
    value: u32,
    input: u32,
    len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Stop> {
    call_v1(guest, flags, callee, time, value, input, len, out, out_len)
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
    check_flags(flags)?;
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
    };
    let result = run_below(guest, 0, flags & ALLOW_REENTRY != 0, |execution, fuel| {
        execution::delegate_call(execution, task, fuel)
    })?;
    report_call(guest, flags, result, (out, out_len))
}

/// What the versions of `instantiate` have in common.
struct InstantiateArguments {
    code: u32,
    gas: u64,
    value: u32,
    input: (u32, u32),
    address: Output,
    output: Output,
    salt: (u32, u32),
}

fn instantiate(guest: &mut Guest<'_>, arguments: &InstantiateArguments) -> Result<u32, Stop> {
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
    let result = run_below(guest, arguments.gas, false, |execution, fuel| {
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
        value,
        input,
        address,
        output,
        salt,
    };
    instantiate(guest, &arguments)
}

/// As in [`call_v2`], the second part of the weight and the deposit limit are not used.
#[expect(
    clippy::too_many_arguments,
    reason = "the signature that contracts import"
)]
pub fn instantiate_v2(
    guest: &mut Guest<'_>,
    code: u32,
    time: u64,
    _size: u64,
    _deposit: u32,
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
    guest.charge(3 * cost::STORAGE_WRITE)?;
    let to = guest.read_account(to)?;
    let (contract, entry) = (guest.frame().contract, guest.frame().entry);
    let execution = guest.execution()?;
    if entry == Entry::Deploy || execution.frames_of(&contract) > 1 {
        return Err(Stop::trap(
            "a contract cannot end in its constructor or below itself",
        ));
    }
    let balance: Balance = execution.balance(&contract.into())?;
    if !execution.transfer(&contract.into(), &to, balance)? {
        return Err(Stop::trap("the balance of the contract cannot be sent on"));
    }
    execution.set_contract(&contract, &ContractRecord::Terminated)?;
    Err(Stop::Terminated)
}

/// Replaces the code of the contract, from its next call on.
pub fn set_code_hash(guest: &mut Guest<'_>, code: u32) -> Result<u32, Stop> {
    guest.charge(cost::STORAGE_WRITE)?;
    let code_hash = CodeHash(guest.read_array(code)?);
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    if !execution.code_exists(&code_hash)? {
        return Ok(CODE_NOT_FOUND);
    }
    let mut info = execution
        .contract_info(&contract)?
        .ok_or_else(|| Stop::bug("a running contract has no record"))?;
    info.code_hash = code_hash;
    execution.set_contract(&contract, &ContractRecord::Alive(info))?;
    Ok(SUCCESS)
}

/// Contracts cannot call the chain: they run beside it, not on it.
pub fn call_runtime(_: &mut Guest<'_>, _call: u32, _len: u32) -> Result<u32, Stop> {
    Ok(CALL_RUNTIME_FAILED)
}
