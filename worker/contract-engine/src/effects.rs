//! Side effects that contracts ask for by events of one well-known topic.
//!
//! The engine carries out what changes the state: hooks, weights and settings of the cluster. Changes
//! of caches are handed to the worker. SideVM programs are not offered. An event that does not decode,
//! or that this contract may not send or not now, is ignored with a line in the log, as the original
//! does; the contract goes on.
//!
//! Public effects stay among the events and so get into the event chain. Private ones do not.

use codec::DecodeAll as _;
use contract_abi::event::{PinkEvent, TOPIC};
use executor_api::{ContractEvent, Effect};
use primitives::ContractId;

use crate::execution::Execution;
use crate::hooks;
use crate::limits::{EVENTS_BYTES_MAX, EVENTS_MAX};
use crate::stop::Stop;

/// The level of a line about something that went wrong.
const ERROR: u8 = 1;
/// The level of a line about something that may be meant so.
const WARN: u8 = 2;

/// What a contract deposited: an ordinary event, or one that asks for an effect.
pub fn deposit(execution: &mut Execution, event: ContractEvent) -> Result<(), Stop> {
    if event.topics != [TOPIC] {
        return push(execution, event);
    }
    let contract = event.contract;
    match PinkEvent::decode_all(&mut &event.data[..]) {
        Ok(effect) => ask(execution, contract, effect, Some(event)),
        Err(_) => {
            execution.log(contract, ERROR, "an effect does not decode and is ignored");
            Ok(())
        }
    }
}

/// An effect that the system contract asks for.
pub fn system(execution: &mut Execution, effect: PinkEvent) -> Result<(), Stop> {
    use codec::Encode as _;
    let contract = execution.system_contract();
    let event = ContractEvent {
        contract,
        topics: vec![TOPIC],
        data: effect.encode(),
    };
    ask(execution, contract, effect, Some(event))
}

/// An effect, with the event that asked for it, if one did.
pub fn ask(
    execution: &mut Execution,
    contract: ContractId,
    effect: PinkEvent,
    event: Option<ContractEvent>,
) -> Result<(), Stop> {
    if effect.is_system_only() && contract != execution.system_contract() {
        let text = "an effect that only the system contract may ask for is ignored";
        execution.log(contract, ERROR, text);
        return Ok(());
    }
    if execution.is_query() && !effect.is_allowed_in_query() {
        execution.log(contract, WARN, "an effect of a query is ignored");
        return Ok(());
    }
    let is_private = effect.is_private();
    match effect {
        PinkEvent::CacheOp(_) => hand_out(execution, contract, effect)?,
        PinkEvent::SetHook {
            hook: contract_abi::event::HookPoint::OnBlockEnd,
            contract,
            selector,
            gas_limit,
        } => hooks::set(execution, contract.into(), selector, gas_limit)?,
        PinkEvent::SetContractWeight { contract, weight } => {
            execution.set_weight(&contract.into(), weight)?;
        }
        PinkEvent::SetLogHandler(contract) => {
            execution.change_cluster(|cluster| cluster.log_handler = Some(contract.into()))?;
        }
        PinkEvent::UpgradeRuntimeTo { version } => {
            execution.change_cluster(|cluster| cluster.runtime_version = version)?;
        }
        PinkEvent::SetJsRuntime(code) => {
            execution.change_cluster(|cluster| cluster.js_runtime = Some(code))?;
        }
        PinkEvent::DeploySidevmTo { .. }
        | PinkEvent::SidevmMessage(_)
        | PinkEvent::StopSidevm
        | PinkEvent::ForceStopSidevm { .. }
        | PinkEvent::SidevmOperation(_) => {
            let text = "SideVM programs are not offered; an effect is ignored";
            execution.log(contract, WARN, text);
            return Ok(());
        }
    }
    match event {
        Some(event) if !is_private => push(execution, event),
        _ => Ok(()),
    }
}

fn push(execution: &mut Execution, event: ContractEvent) -> Result<(), Stop> {
    let size = event.data.len() + event.topics.len() * 32;
    count(execution, size)?;
    execution.events.push(event);
    Ok(())
}

fn hand_out(
    execution: &mut Execution,
    contract: ContractId,
    event: PinkEvent,
) -> Result<(), Stop> {
    use codec::Encode as _;
    count(execution, event.encoded_size())?;
    execution.effects.push(Effect { contract, event });
    Ok(())
}

/// Whether one more event or effect of `size` bytes would be too much.
pub fn has_room(execution: &Execution, size: usize) -> bool {
    let number = execution.events.len() + execution.effects.len();
    let bytes = execution.announced_bytes.saturating_add(size);
    number < EVENTS_MAX && bytes <= EVENTS_BYTES_MAX
}

fn count(execution: &mut Execution, size: usize) -> Result<(), Stop> {
    if !has_room(execution, size) {
        return Err(Stop::trap(format!(
            "more than {EVENTS_MAX} events and effects, or {EVENTS_BYTES_MAX} bytes of them"
        )));
    }
    execution.announced_bytes += size;
    Ok(())
}
