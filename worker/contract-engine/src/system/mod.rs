//! The system contract of a cluster: native, but called like any contract.
//!
//! It knows the cluster's owner, administrators and drivers, and is the only one that may change what
//! concerns the whole cluster. Messages and answers are those of ink! 4 and 5: `Result<_, LangError>`,
//! `01 01` and a revert for what is no message or does not decode, and a revert with the error for a
//! message that refuses. Bytes after the arguments are ignored, as ink! does.
//!
//! Its own events, `DriverChanged` and `AdministratorAdded`, have the topics of ink! 5.1: the hash of
//! the signature first, then the indexed fields.
//!
//! What differs from the original's:
//! - It cannot be upgraded by code, because it is part of the engine: `upgrade_system_contract` finds
//!   that its condition is not met.
//! - SideVM programs are not offered: who may start one is checked, and then the condition is not met.
//! - `change_deposit` is answered here as long as nobody else is the driver `ContractDeposit`: the
//!   weight is the stake in cents, at most `u32::MAX`. Another driver gets the message as it is.
//! - The state that it keeps is not paid for; only the owner and administrators can make it grow.

mod messages;
mod store;

use std::sync::LazyLock;

use codec::{Decode, Encode};
use contract_abi::system::{DriverError, driver, selector};
use executor_api::Returned;
use primitives::{AccountId, Balance, CodeHash, ContractId};

use crate::execution::{self, Call, Execution, NotRun};
use crate::frame::{Entry, Finished, Task};
use crate::limits::cost;
use crate::state::{ContractInfo, ContractRecord, Footprint};
use crate::stop::Stop;

static CODE_HASH: LazyLock<CodeHash> = LazyLock::new(wire::domain::system_code_hash);

/// The flag of a return that undoes what the frame did.
const REVERT: u32 = 1;
/// `Err(LangError::CouldNotReadInput)`.
const NOT_UNDERSTOOD: [u8; 2] = [1, 1];

/// Whether a contract with this code is the system contract. No other can have it: no WebAssembly
/// module hashes to it.
pub fn is_system_code(code_hash: &CodeHash) -> bool {
    *code_hash == *CODE_HASH
}

/// Makes the system contract of a new cluster.
pub fn set_up(execution: &mut Execution, owner: AccountId) -> Result<(), Stop> {
    let contract = execution.system_contract();
    let info = ContractInfo {
        code_hash: *CODE_HASH,
        deployer: owner,
        owner,
        footprint: Footprint::default(),
        deposit: 0,
    };
    execution.instantiated.push((contract, owner));
    execution.set_contract(&contract, &ContractRecord::Alive(info))
}

/// Why a message has no plain answer.
enum Refused {
    /// It is none, or its arguments do not decode.
    NotUnderstood,
    /// The contract says no, with this as the `Err` of its answer.
    Error(Vec<u8>),
    Stop(Stop),
}

impl From<Stop> for Refused {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<contract_abi::system::Error> for Refused {
    fn from(error: contract_abi::system::Error) -> Self {
        Self::Error(error.encode())
    }
}

impl From<DriverError> for Refused {
    fn from(error: DriverError) -> Self {
        Self::Error(error.encode())
    }
}

/// A message to the system contract that is being answered.
struct System<'a> {
    execution: &'a mut Execution,
    fuel: &'a mut u64,
    contract: ContractId,
    caller: AccountId,
    read_only: bool,
}

fn arguments<T: Decode>(mut bytes: &[u8]) -> Result<T, Refused> {
    T::decode(&mut bytes).map_err(|_| Refused::NotUnderstood)
}

/// Answers a message, with at most `fuel`.
pub fn run(mut execution: Box<Execution>, task: Task, fuel: u64) -> Finished {
    let mut fuel_left = fuel;
    let mut system = System {
        execution: &mut execution,
        fuel: &mut fuel_left,
        contract: task.contract,
        caller: task.caller,
        read_only: task.read_only,
    };
    let answer = system.answer(&task);
    let result = match answer {
        Ok(Answer::Data(data)) => Ok(Returned {
            flags: 0,
            data: [&[0], &data[..]].concat(),
        }),
        Ok(Answer::Forward(driver)) => return forward(execution, task, driver, fuel_left),
        Err(Refused::NotUnderstood) => Ok(Returned {
            flags: REVERT,
            data: NOT_UNDERSTOOD.to_vec(),
        }),
        Err(Refused::Error(error)) => Ok(Returned {
            flags: REVERT,
            data: [&[0, 1], &error[..]].concat(),
        }),
        Err(Refused::Stop(stop)) => Err(stop),
    };
    Finished {
        execution,
        fuel_left,
        result,
    }
}

/// Hands a message on to a driver, which may call back.
fn forward(mut execution: Box<Execution>, task: Task, driver: ContractId, fuel: u64) -> Finished {
    execution.allow_reentry(true);
    let call = Call {
        contract: driver,
        caller: task.contract.into(),
        value: 0,
        input: task.input,
        read_only: task.read_only,
    };
    let (execution, fuel_left, result) = execution::call(execution, call, fuel);
    let result = match result {
        Ok(result) => result,
        Err(NotRun::Stop(stop)) => Err(stop),
        Err(_) => Err(Stop::trap("the driver cannot be called")),
    };
    Finished {
        execution,
        fuel_left,
        result,
    }
}

/// What a message is answered with.
enum Answer {
    /// A value, after the `00` of success.
    Data(Vec<u8>),
    /// Whatever this contract says to it.
    Forward(ContractId),
}

/// The answer of a message that returns `Result<(), _>`.
fn done() -> Vec<u8> {
    Ok::<(), ()>(()).encode()
}

impl System<'_> {
    fn charge(&mut self, amount: u64) -> Result<(), Stop> {
        match self.fuel.checked_sub(amount) {
            Some(rest) => *self.fuel = rest,
            None => {
                *self.fuel = 0;
                return Err(Stop::OutOfGas);
            }
        }
        Ok(())
    }

    fn answer(&mut self, task: &Task) -> Result<Answer, Refused> {
        self.charge(cost::SYSTEM_MESSAGE)?;
        self.charge(cost::OUTSIDE_BYTE.saturating_mul(task.input.len() as u64))?;
        if task.entry == Entry::Deploy || task.delegated {
            return Err(Stop::trap("the system contract's code runs as itself only").into());
        }
        if task.value != 0 {
            return Err(Stop::trap("the system contract takes no value").into());
        }
        let (selector, input) = task
            .input
            .split_first_chunk::<4>()
            .ok_or(Refused::NotUnderstood)?;
        if *selector == selector::CHANGE_DEPOSIT {
            return self.change_deposit(input);
        }
        self.message(*selector, input).map(Answer::Data)
    }

    fn change_deposit(&mut self, input: &[u8]) -> Result<Answer, Refused> {
        let (contract, stake): (ContractId, Balance) = arguments(input)?;
        if self.caller != self.contract.into() {
            return Err(DriverError::BadOrigin.into());
        }
        let driver = self.driver(driver::CONTRACT_DEPOSIT)?;
        match driver.filter(|driver| *driver != self.contract.into()) {
            Some(driver) => Ok(Answer::Forward(ContractId(driver.0))),
            None => self.stake(contract, stake).map(|()| Answer::Data(done())),
        }
    }

    fn message(&mut self, selector: [u8; 4], input: &[u8]) -> Result<Vec<u8>, Refused> {
        Ok(match selector {
            selector::OWNER => self.owner().encode(),
            selector::VERSION => messages::VERSION.encode(),
            selector::GRANT_ADMIN => {
                self.grant_admin(arguments(input)?)?;
                done()
            }
            selector::IS_ADMIN => self.is_admin(&arguments(input)?)?.encode(),
            selector::SET_DRIVER => {
                let (name, account): (String, AccountId) = arguments(input)?;
                self.set_driver(name, account)?;
                done()
            }
            selector::GET_DRIVER => self.driver(&arguments::<String>(input)?)?.encode(),
            selector::GET_DRIVER2 => {
                let history = self.history(&arguments::<String>(input)?)?;
                history.last().encode()
            }
            selector::DRIVER_HISTORY => {
                let history = self.history(&arguments::<String>(input)?)?;
                (!history.is_empty()).then_some(history).encode()
            }
            selector::DEPLOY_SIDEVM_TO
            | selector::DEPLOY_SIDEVM_TO_WORKERS
            | selector::SET_SIDEVM_DEADLINE
            | selector::STOP_SIDEVM_AT => return Err(self.sidevm(selector, input)),
            selector::SET_HOOK => {
                let (hook, contract, selector, gas) = arguments(input)?;
                self.set_hook(hook, contract, selector, gas)?;
                done()
            }
            selector::SET_CONTRACT_WEIGHT => {
                let (contract, weight) = arguments(input)?;
                self.set_contract_weight(contract, weight)?;
                done()
            }
            selector::TOTAL_BALANCE_OF | selector::FREE_BALANCE_OF => {
                self.balance_of(&arguments(input)?)?.encode()
            }
            selector::CODE_EXISTS => {
                let (hash, kind) = arguments(input)?;
                self.code_exists(&hash, kind)?.encode()
            }
            selector::CODE_HASH => self.code_hash(&arguments(input)?)?.encode(),
            selector::CURRENT_EVENT_CHAIN_HEAD => {
                self.charge(cost::STORAGE_READ)?;
                self.execution.event_chain_head()?.encode()
            }
            selector::UPGRADE_SYSTEM_CONTRACT => return Err(self.upgrade()),
            selector::DO_UPGRADE => return Err(self.do_upgrade(input)),
            selector::UPGRADE_RUNTIME => {
                self.upgrade_runtime(arguments(input)?)?;
                done()
            }
            _ => return Err(Refused::NotUnderstood),
        })
    }
}
