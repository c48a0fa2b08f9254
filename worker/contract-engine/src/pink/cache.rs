//! The worker's cache. A query uses it directly. A transaction, which must not depend on what one
//! worker remembers, leaves its changes as effects, which the worker carries out afterwards.

use codec::Encode as _;
use contract_abi::event::{CacheOp, PinkEvent};
use contract_abi::extension::CACHE_QUOTA_EXCEEDED;

use crate::effects;
use crate::host::{Guest, code::SUCCESS};
use crate::limits::cost;
use crate::stop::Stop;

fn charge(guest: &mut Guest<'_>, bytes: usize) -> Result<(), Stop> {
    guest.charge(cost::CACHE)?;
    guest.charge(cost::OUTSIDE_BYTE.saturating_mul(bytes as u64))
}

/// Leaves a change for the worker.
fn defer(guest: &mut Guest<'_>, change: CacheOp) -> Result<(), Stop> {
    let contract = guest.frame().contract;
    let effect = PinkEvent::CacheOp(change);
    effects::ask(guest.execution()?, contract, effect, None)
}

/// Sets a value; the status says whether it fits. In a transaction it is only known later whether it
/// fits into the cache; here the status says whether there are too many effects.
pub fn set(guest: &mut Guest<'_>, input: &[u8]) -> Result<u32, Stop> {
    charge(guest, input.len())?;
    let (key, value): (Vec<u8>, Vec<u8>) = guest.decode(input)?;
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    if execution.is_query() {
        let cache = execution.capabilities().cache();
        let set = cache.is_some_and(|cache| cache.set(&contract, &key, &value).is_ok());
        return Ok(if set { SUCCESS } else { CACHE_QUOTA_EXCEEDED });
    }
    let change = CacheOp::Set { key, value };
    if !effects::has_room(execution, change.encoded_size() + 1) {
        return Ok(CACHE_QUOTA_EXCEEDED);
    }
    defer(guest, change).map(|()| SUCCESS)
}

pub fn set_expiration(guest: &mut Guest<'_>, input: &[u8]) -> Result<(), Stop> {
    charge(guest, input.len())?;
    let (key, expiration): (Vec<u8>, u64) = guest.decode(input)?;
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    if !execution.is_query() {
        return defer(guest, CacheOp::SetExpiration { key, expiration });
    }
    if let Some(cache) = execution.capabilities().cache() {
        cache.set_expiration(&contract, &key, expiration);
    }
    Ok(())
}

pub fn get(guest: &mut Guest<'_>, input: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
    charge(guest, input.len())?;
    let key: Vec<u8> = guest.decode(input)?;
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    let value = match execution.is_query() {
        true => execution
            .capabilities()
            .cache()
            .and_then(|cache| cache.get(&contract, &key)),
        false => None,
    };
    let bytes = value.as_ref().map_or(0, Vec::len) as u64;
    guest.charge(cost::OUTSIDE_BYTE.saturating_mul(bytes))?;
    Ok(value)
}

pub fn remove(guest: &mut Guest<'_>, input: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
    charge(guest, input.len())?;
    let key: Vec<u8> = guest.decode(input)?;
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    if !execution.is_query() {
        return defer(guest, CacheOp::Remove { key }).map(|()| None);
    }
    let cache = execution.capabilities().cache();
    let value = cache.and_then(|cache| cache.remove(&contract, &key));
    let bytes = value.as_ref().map_or(0, Vec::len) as u64;
    guest.charge(cost::OUTSIDE_BYTE.saturating_mul(bytes))?;
    Ok(value)
}
