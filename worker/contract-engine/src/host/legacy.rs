//! Functions that exist so that old contracts can be loaded: rent is gone, and what it told is what
//! pallet-contracts says of it today. XCM has no meaning beside a chain and traps.

use primitives::Balance;

use super::Guest;
use crate::crypto;
use crate::limits::cost;
use crate::stop::Stop;

/// Longest subject of a random value, bytes.
const SUBJECT_BYTES_MAX: u32 = 32;

/// A value that depends on the cluster, the block and the subject. It is no secret and no surprise:
/// whoever knows these can compute it, as on a development chain. Queries have the pink extension.
fn seed(guest: &mut Guest<'_>, subject: u32, len: u32) -> Result<([u8; 32], u32), Stop> {
    guest.charge(cost::HASH)?;
    let subject = guest.read(subject, len, SUBJECT_BYTES_MAX, "the subject")?;
    let context = &guest.execution()?.context;
    let number = context.block_number;
    let parts = [context.cluster.as_ref(), &number.to_le_bytes(), &subject];
    Ok((crypto::blake2_256(&parts.concat()), number))
}

pub fn random(
    guest: &mut Guest<'_>,
    subject: u32,
    len: u32,
    out: u32,
    out_len: u32,
) -> Result<(), Stop> {
    let (seed, _) = seed(guest, subject, len)?;
    guest.write_encoded(out, out_len, &seed)
}

/// As [`random`], with the block since which it is known.
pub fn random_since(
    guest: &mut Guest<'_>,
    subject: u32,
    len: u32,
    out: u32,
    out_len: u32,
) -> Result<(), Stop> {
    let seed = seed(guest, subject, len)?;
    guest.write_encoded(out, out_len, &seed)
}

pub fn tombstone_deposit(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    guest.write_encoded(out, out_len, &Balance::MIN)
}

pub fn rent_allowance(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Stop> {
    guest.write_encoded(out, out_len, &Balance::MAX)
}

pub fn set_rent_allowance_v0(_: &mut Guest<'_>, _value: u32, _len: u32) -> Result<(), Stop> {
    Ok(())
}

pub fn set_rent_allowance(_: &mut Guest<'_>, _value: u32) -> Result<(), Stop> {
    Ok(())
}

#[expect(
    clippy::too_many_arguments,
    reason = "the signature that contracts import"
)]
pub fn restore_to_v0(
    _: &mut Guest<'_>,
    _to: u32,
    _to_len: u32,
    _code: u32,
    _code_len: u32,
    _rent: u32,
    _rent_len: u32,
    _delta: u32,
    _count: u32,
) -> Result<(), Stop> {
    Ok(())
}

pub fn restore_to(
    _: &mut Guest<'_>,
    _to: u32,
    _code: u32,
    _rent: u32,
    _delta: u32,
    _count: u32,
) -> Result<(), Stop> {
    Ok(())
}

fn no_xcm() -> Stop {
    Stop::trap("there is no XCM inside a cluster")
}

pub fn xcm_execute(_: &mut Guest<'_>, _message: u32, _len: u32) -> Result<u32, Stop> {
    Err(no_xcm())
}

pub fn xcm_send(
    _: &mut Guest<'_>,
    _to: u32,
    _message: u32,
    _len: u32,
    _out: u32,
) -> Result<u32, Stop> {
    Err(no_xcm())
}
