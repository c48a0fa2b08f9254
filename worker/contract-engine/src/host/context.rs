//! Who calls, with what, where and when.

use codec::{Compact, Encode};
use primitives::{Balance, ContractId};

use super::Guest;
use super::code::{KEY_NOT_FOUND, SUCCESS};
use crate::limits::{GAS_PER_FUEL, cost};
use crate::stop::Stop;

/// The least balance of an account inside a cluster: accounts there are not removed when empty.
const BALANCE_MIN: Balance = 0;

pub fn input(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    let input = guest
        .frame()
        .input
        .take()
        .ok_or_else(|| Stop::trap("the input was read or forwarded before"))?;
    guest.write_output(out, out_len, &input)
}

pub fn caller(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    let caller = guest.frame().caller;
    guest.write_encoded(out, out_len, &caller)
}

pub fn address(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    let contract = guest.frame().contract;
    guest.write_encoded(out, out_len, &contract)
}

pub fn balance(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    guest.charge(cost::STORAGE_READ)?;
    let contract = guest.frame().contract;
    let balance = guest.execution()?.balance(&contract.into())?;
    guest.write_encoded(out, out_len, &balance)
}

pub fn value_transferred(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    let value = guest.frame().value;
    guest.write_encoded(out, out_len, &value)
}

pub fn minimum_balance(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    guest.write_encoded(out, out_len, &BALANCE_MIN)
}

pub fn block_number(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    let number = guest.execution()?.context.block_number;
    guest.write_encoded(out, out_len, &number)
}

pub fn now(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    let now = guest.execution()?.context.now_ms;
    guest.write_encoded(out, out_len, &now)
}

fn gas(guest: &Guest<'_>) -> Result<u64, Stop> {
    Ok(guest.fuel()?.saturating_mul(GAS_PER_FUEL))
}

pub fn gas_left(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    let gas = gas(guest)?;
    guest.write_encoded(out, out_len, &gas)
}

/// As a weight of two parts; there is no limit of the second.
pub fn gas_left_weight(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    let weight = (Compact(gas(guest)?), Compact(u64::MAX));
    guest.write_encoded(out, out_len, &weight)
}

pub fn weight_to_fee(guest: &mut Guest<'_>, gas: u64, out: u32, out_len: u32) -> Result<(), Stop> {
    let price = guest.execution()?.cluster.gas_price;
    guest.write_encoded(out, out_len, &price.saturating_mul(gas.into()))
}

pub fn weight_to_fee_two_parts(
    guest: &mut Guest<'_>,
    time: u64,
    _size: u64,
    out: u32,
    out_len: u32,
) -> Result<(), Stop> {
    weight_to_fee(guest, time, out, out_len)
}

pub fn is_contract(guest: &mut Guest<'_>, account: u32) -> Result<u32, Stop> {
    guest.charge(cost::STORAGE_READ)?;
    let contract = ContractId(guest.read_array(account)?);
    Ok(guest
        .execution()?
        .contract_info(&contract)?
        .is_some()
        .into())
}

pub fn code_hash(guest: &mut Guest<'_>, account: u32, out: u32, out_len: u32) -> Result<u32, Stop> {
    guest.charge(cost::STORAGE_READ)?;
    let contract = ContractId(guest.read_array(account)?);
    match guest.execution()?.contract_info(&contract)? {
        Some(info) => guest
            .write_encoded(out, out_len, &info.code_hash)
            .map(|()| SUCCESS),
        None => Ok(KEY_NOT_FOUND),
    }
}

pub fn own_code_hash(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    let code_hash = guest.frame().code_hash.encode();
    guest.write_output(out, out_len, &code_hash)
}

pub fn caller_is_origin(guest: &mut Guest<'_>) -> Result<u32, Stop> {
    let caller = guest.frame().caller;
    Ok((guest.execution()?.context.origin == caller).into())
}

/// No call of a contract comes from the chain itself.
pub fn caller_is_root(_: &mut Guest<'_>) -> Result<u32, Stop> {
    Ok(0)
}

fn frames_of(guest: &mut Guest<'_>, contract: &ContractId) -> Result<u32, Stop> {
    let frames = guest.execution()?.frames_of(contract);
    u32::try_from(frames).map_err(|_| Stop::bug("more frames than the call depth"))
}

/// Frames of this contract below the one that asks.
pub fn reentrance_count(guest: &mut Guest<'_>) -> Result<u32, Stop> {
    let contract = guest.frame().contract;
    frames_of(guest, &contract).map(|frames| frames.saturating_sub(1))
}

pub fn account_reentrance_count(guest: &mut Guest<'_>, account: u32) -> Result<u32, Stop> {
    let contract = ContractId(guest.read_array(account)?);
    frames_of(guest, &contract)
}
