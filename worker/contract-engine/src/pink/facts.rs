//! What a contract may know of the cluster and the worker, and its log.

use contract_abi::extension::WorkerQuote;
use executor_api::ClusterFact;
use primitives::{AccountId, CodeHash};

use super::Given;
use crate::host::Guest;
use crate::limits::cost;
use crate::stop::Stop;

/// Names of levels of a log, from 1.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// Adds a line to the log, and to the text for debugging.
pub fn log(guest: &mut Guest<'_>, input: &[u8]) -> Result<(), Stop> {
    guest.charge(cost::EVENT_BYTE.saturating_mul(input.len() as u64))?;
    let (level, message): (u8, String) = guest.decode(input)?;
    let name = usize::from(level)
        .checked_sub(1)
        .and_then(|level| LEVELS.get(level));
    let name = name.ok_or_else(|| Stop::trap("the level of a log is 1 to 5"))?;
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    execution.log(contract, level, &message);
    execution.debug(format!("[{name}] ").as_bytes());
    execution.debug(message.as_bytes());
    execution.debug(b"\n");
    Ok(())
}

pub fn is_in_transaction(guest: &mut Guest<'_>, input: &[u8]) -> Result<bool, Stop> {
    guest.decode::<()>(input)?;
    Ok(!guest.execution()?.is_query())
}

pub fn system_contract_id(guest: &mut Guest<'_>, input: &[u8]) -> Result<[u8; 32], Stop> {
    guest.decode::<()>(input)?;
    Ok(guest.execution()?.system_contract().0)
}

/// The balance inside the cluster, twice: all of it is free.
pub fn balance_of(guest: &mut Guest<'_>, input: &[u8]) -> Result<(u128, u128), Stop> {
    guest.charge(cost::STORAGE_READ)?;
    let account: AccountId = guest.decode(input)?;
    let execution = guest.execution()?;
    execution.capabilities().looks_at(ClusterFact::BalanceOf(account));
    let balance = execution.balance(&account)?;
    Ok((balance, balance))
}

pub fn worker_pubkey(guest: &mut Guest<'_>, input: &[u8]) -> Result<[u8; 32], Stop> {
    guest.decode::<()>(input)?;
    let execution = guest.execution()?;
    Ok(match execution.is_query() {
        true => execution.capabilities().worker().0,
        false => [0; 32],
    })
}

pub fn untrusted_millis(guest: &mut Guest<'_>, input: &[u8]) -> Result<u64, Stop> {
    guest.decode::<()>(input)?;
    let execution = guest.execution()?;
    Ok(match execution.is_query() {
        true => execution.capabilities().untrusted_now_ms(),
        false => 0,
    })
}

/// No SideVM code exists in a cluster of this engine.
pub fn code_exists(guest: &mut Guest<'_>, input: &[u8]) -> Result<bool, Stop> {
    guest.charge(cost::STORAGE_READ)?;
    let (code_hash, is_sidevm): (CodeHash, bool) = guest.decode(input)?;
    Ok(!is_sidevm && guest.execution()?.code_exists(&code_hash)?)
}

/// Only the system contract may, and that is part of the engine and needs no code.
pub fn import_latest_system_code(guest: &mut Guest<'_>, input: &[u8]) -> Result<Given, Stop> {
    let _payer: AccountId = guest.decode(input)?;
    Err(Stop::trap(
        "only the system contract may import its code (bad origin)",
    ))
}

pub fn runtime_version(guest: &mut Guest<'_>, input: &[u8]) -> Result<(u32, u32), Stop> {
    guest.decode::<()>(input)?;
    let execution = guest.execution()?;
    execution.capabilities().looks_at(ClusterFact::RuntimeVersion);
    Ok(execution.cluster.runtime_version)
}

pub fn event_chain_head(guest: &mut Guest<'_>, input: &[u8]) -> Result<(u64, [u8; 32]), Stop> {
    guest.charge(cost::STORAGE_READ)?;
    guest.decode::<()>(input)?;
    let execution = guest.execution()?;
    execution.capabilities().looks_at(ClusterFact::EventChain);
    let head = execution.event_chain_head()?;
    Ok((head.next_number, head.hash))
}

pub fn worker_quote(guest: &mut Guest<'_>, input: &[u8]) -> Result<Option<WorkerQuote>, Stop> {
    guest.decode::<()>(input)?;
    let execution = guest.execution()?;
    Ok(match execution.is_query() {
        true => execution.capabilities().quote(),
        false => None,
    })
}
