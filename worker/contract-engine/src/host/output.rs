//! What leaves the contract: its return value, events and text for debugging.

use executor_api::{ContractEvent, Returned};

use super::Guest;
use super::code::SUCCESS;
use super::guest::decode_topics;
use crate::limits::{
    DEBUG_BYTES_MAX, EVENT_TOPICS_MAX, EVENTS_BYTES_MAX, EVENTS_MAX, OUTPUT_BYTES_MAX, cost,
};
use crate::stop::Stop;

/// The only flag of a return: undo what the frame did.
const REVERT: u32 = 1;

/// Ends the frame. Never returns to the contract.
pub fn seal_return(guest: &mut Guest<'_>, flags: u32, data: u32, len: u32) -> Result<(), Stop> {
    if flags & !REVERT != 0 {
        return Err(Stop::trap("unknown flags were returned"));
    }
    let data = guest.read(data, len, OUTPUT_BYTES_MAX, "the output")?;
    guest.frame().returned = Returned { flags, data };
    Err(Stop::Returned)
}

/// Deposits an event. Topics are a SCALE-encoded `Vec<[u8; 32]>`, or nothing.
pub fn deposit_event(
    guest: &mut Guest<'_>,
    topics: u32,
    topics_len: u32,
    data: u32,
    len: u32,
) -> Result<(), Stop> {
    guest.charge_each(cost::EVENT_BYTE, topics_len.saturating_add(len))?;
    let topics_max = 1 + EVENT_TOPICS_MAX as u32 * 32;
    let topics = match topics_len {
        0 => Vec::new(),
        len => decode_topics(&guest.read(topics, len, topics_max, "the topics")?)?,
    };
    let data = guest.read(data, len, EVENTS_BYTES_MAX as u32, "an event")?;
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    let size = |event: &ContractEvent| event.data.len() + event.topics.len() * 32;
    let event = ContractEvent {
        contract,
        topics,
        data,
    };
    let bytes = execution
        .events
        .iter()
        .chain([&event])
        .map(size)
        .sum::<usize>();
    if execution.events.len() >= EVENTS_MAX || bytes > EVENTS_BYTES_MAX {
        return Err(Stop::trap(format!(
            "more than {EVENTS_MAX} events or {EVENTS_BYTES_MAX} bytes of them"
        )));
    }
    execution.events.push(event);
    Ok(())
}

/// Writes text for people. What is above the bound is dropped, so this never fails for its size.
pub fn debug_message(guest: &mut Guest<'_>, text: u32, len: u32) -> Result<u32, Stop> {
    let len = len.min(DEBUG_BYTES_MAX as u32);
    guest.charge_each(cost::EVENT_BYTE, len)?;
    let text = guest.read(text, len, DEBUG_BYTES_MAX as u32, "a debug message")?;
    guest.execution()?.debug(&text);
    Ok(SUCCESS)
}
