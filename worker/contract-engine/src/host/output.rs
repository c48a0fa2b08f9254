//! What leaves the contract: its return value, events and text for debugging.

use executor_api::{ContractEvent, Returned};

use super::Guest;
use super::code::SUCCESS;
use super::guest::decode_topics;
use crate::effects;
use crate::limits::{DEBUG_BYTES_MAX, EVENT_TOPICS_MAX, EVENTS_BYTES_MAX, OUTPUT_BYTES_MAX, cost};
use crate::stop::Stop;

/// The only flag of a return: undo what the frame did.
const REVERT: u32 = 1;
/// The level that text for debugging has in a log.
const DEBUG: u8 = 4;

/// Ends the frame. Never returns to the contract.
pub fn seal_return(guest: &mut Guest<'_>, flags: u32, data: u32, len: u32) -> Result<(), Stop> {
    if flags & !REVERT != 0 {
        return Err(Stop::trap("unknown flags were returned"));
    }
    let data = guest.read(data, len, OUTPUT_BYTES_MAX, "the output")?;
    guest.frame().returned = Returned { flags, data };
    Err(Stop::Returned)
}

/// Deposits an event, which may ask for an effect. Topics are a SCALE-encoded `Vec<[u8; 32]>`, or nothing.
pub fn deposit_event(
    guest: &mut Guest<'_>,
    topics: u32,
    topics_len: u32,
    data: u32,
    len: u32,
) -> Result<(), Stop> {
    guest.mutates()?;
    guest.charge_each(cost::EVENT_BYTE, topics_len.saturating_add(len))?;
    let topics_max = 1 + EVENT_TOPICS_MAX as u32 * 32;
    let topics = match topics_len {
        0 => Vec::new(),
        len => decode_topics(&guest.read(topics, len, topics_max, "the topics")?)?,
    };
    let data = guest.read(data, len, EVENTS_BYTES_MAX as u32, "an event")?;
    let contract = guest.frame().contract;
    let event = ContractEvent {
        contract,
        topics,
        data,
    };
    effects::deposit(guest.execution()?, event)
}

/// Writes text for people, which is a line of the log too. What is above the bound is dropped, so this never fails for its size.
pub fn debug_message(guest: &mut Guest<'_>, text: u32, len: u32) -> Result<u32, Stop> {
    let len = len.min(DEBUG_BYTES_MAX as u32);
    guest.charge_each(cost::EVENT_BYTE, len)?;
    let text = guest.read(text, len, DEBUG_BYTES_MAX as u32, "a debug message")?;
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    execution.debug(&text);
    execution.log(contract, DEBUG, &String::from_utf8_lossy(&text));
    Ok(SUCCESS)
}
