//! Storage of the contract.

use super::Guest;
use super::code::{KEY_NOT_FOUND, SENTINEL, SUCCESS};
use crate::limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX, cost};
use crate::state::KeyKind;
use crate::stop::Stop;

/// A key as the contract gave it.
struct Key(KeyKind, Vec<u8>);

fn fixed(guest: &mut Guest<'_>, key: u32) -> Result<Key, Stop> {
    Ok(Key(KeyKind::Fixed, guest.read_array::<32>(key)?.to_vec()))
}

fn variable(guest: &mut Guest<'_>, key: u32, len: u32) -> Result<Key, Stop> {
    Ok(Key(
        KeyKind::Variable,
        guest.read(key, len, KEY_BYTES_MAX, "a storage key")?,
    ))
}

fn size(value: &[u8]) -> u32 {
    u32::try_from(value.len()).unwrap_or(SENTINEL - 1)
}

/// The size of a value, or the sign that there is none.
fn size_or_sentinel(value: Option<&Vec<u8>>) -> u32 {
    value.map_or(SENTINEL, |value| size(value))
}

fn read(guest: &mut Guest<'_>, key: &Key) -> Result<Option<Vec<u8>>, Stop> {
    guest.charge(cost::STORAGE_READ)?;
    let contract = guest.frame().contract;
    let value = guest.execution()?.read_storage(&contract, key.0, &key.1)?;
    guest.charge_each(cost::STORAGE_BYTE, value.as_deref().map_or(0, size))?;
    Ok(value)
}

fn write(
    guest: &mut Guest<'_>,
    key: &Key,
    value: Option<Vec<u8>>,
) -> Result<Option<Vec<u8>>, Stop> {
    guest.mutates()?;
    guest.charge(cost::STORAGE_WRITE)?;
    guest.charge_each(cost::STORAGE_BYTE_WRITTEN, value.as_deref().map_or(0, size))?;
    let contract = guest.frame().contract;
    let old = guest
        .execution()?
        .write_storage(&contract, key.0, &key.1, value)?;
    guest.charge_each(cost::STORAGE_BYTE, old.as_deref().map_or(0, size))?;
    Ok(old)
}

fn get_by(guest: &mut Guest<'_>, key: &Key, out: u32, out_len: u32) -> Result<u32, Stop> {
    match read(guest, key)? {
        Some(value) => guest.write_output(out, out_len, &value).map(|()| SUCCESS),
        None => Ok(KEY_NOT_FOUND),
    }
}

pub fn get_fixed(g: &mut Guest<'_>, key: u32, out: u32, out_len: u32) -> Result<u32, Stop> {
    let key = fixed(g, key)?;
    get_by(g, &key, out, out_len)
}

pub fn get(
    guest: &mut Guest<'_>,
    key: u32,
    key_len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Stop> {
    let key = variable(guest, key, key_len)?;
    get_by(guest, &key, out, out_len)
}

fn set_by(guest: &mut Guest<'_>, key: &Key, value: u32, len: u32) -> Result<u32, Stop> {
    let value = guest.read(value, len, VALUE_BYTES_MAX, "a storage value")?;
    write(guest, key, Some(value)).map(|old| size_or_sentinel(old.as_ref()))
}

pub fn set_fixed_v0(g: &mut Guest<'_>, key: u32, value: u32, len: u32) -> Result<(), Stop> {
    set_fixed(g, key, value, len).map(drop)
}

pub fn set_fixed(g: &mut Guest<'_>, key: u32, value: u32, len: u32) -> Result<u32, Stop> {
    let key = fixed(g, key)?;
    set_by(g, &key, value, len)
}

pub fn set(
    guest: &mut Guest<'_>,
    key: u32,
    key_len: u32,
    value: u32,
    len: u32,
) -> Result<u32, Stop> {
    let key = variable(guest, key, key_len)?;
    set_by(guest, &key, value, len)
}

pub fn clear_fixed(guest: &mut Guest<'_>, key: u32) -> Result<(), Stop> {
    let key = fixed(guest, key)?;
    write(guest, &key, None).map(drop)
}

pub fn clear(guest: &mut Guest<'_>, key: u32, key_len: u32) -> Result<u32, Stop> {
    let key = variable(guest, key, key_len)?;
    write(guest, &key, None).map(|old| size_or_sentinel(old.as_ref()))
}

pub fn contains_fixed(guest: &mut Guest<'_>, key: u32) -> Result<u32, Stop> {
    let key = fixed(guest, key)?;
    read(guest, &key).map(|value| size_or_sentinel(value.as_ref()))
}

pub fn contains(guest: &mut Guest<'_>, key: u32, key_len: u32) -> Result<u32, Stop> {
    let key = variable(guest, key, key_len)?;
    read(guest, &key).map(|value| size_or_sentinel(value.as_ref()))
}

pub fn take(
    guest: &mut Guest<'_>,
    key: u32,
    key_len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Stop> {
    let key = variable(guest, key, key_len)?;
    match write(guest, &key, None)? {
        Some(value) => guest.write_output(out, out_len, &value).map(|()| SUCCESS),
        None => Ok(KEY_NOT_FOUND),
    }
}
