//! An engine of a few lines. What it keeps shows whether each command ran once and in order: a contract's
//! value is a count and a hash over all that was appended.

use codec::{Decode, Encode};
use executor_api::*;
use primitives::{AccountId, CodeHash, ContractId};
use std::sync::atomic::{AtomicBool, Ordering};
use wire::{domain::code_hash, limits::ClusterLimits};

/// A contract's value: how many commands it ran, and a hash over all of them in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Value {
    /// Commands.
    pub count: u64,
    /// Over each command and who sent it.
    pub hash: [u8; 32],
}

impl Value {
    /// The value after one more command.
    pub fn after(&self, sender: &AccountId, message: &[u8]) -> Self {
        Self {
            count: self.count + 1,
            hash: wire::domain::blake2_256(&(self, sender, message).encode()),
        }
    }
}

/// Where a contract's value lies.
pub fn value_key(contract: &ContractId) -> Vec<u8> {
    [&b"value/"[..], contract.as_bytes()].concat()
}

fn contract_key(contract: &ContractId) -> Vec<u8> {
    [&b"contract/"[..], contract.as_bytes()].concat()
}

fn code_key(hash: &CodeHash) -> Vec<u8> {
    [&b"code/"[..], hash.as_bytes()].concat()
}

/// The engine. `set:…` appends, `get` reads, anything else traps.
#[derive(Default)]
pub struct TinyEngine {
    /// Whether the machine computes wrongly.
    pub errs: AtomicBool,
}

impl TinyEngine {
    fn call(
        &self,
        state: &dyn StateView,
        context: &Context,
        contract: &ContractId,
        input: &[u8],
    ) -> Result<Result<(Vec<u8>, Vec<Change>), ExecutionError>, StateUnavailable> {
        if state.read(&contract_key(contract))?.is_none() {
            return Ok(Err(ExecutionError::ContractNotFound));
        }
        let bytes = state.read(&value_key(contract))?.unwrap_or_default();
        let value = Value::decode(&mut &bytes[..]).unwrap_or_default();
        Ok(match (input, input.strip_prefix(b"set:")) {
            (b"get", _) => Ok((value.encode(), Vec::new())),
            (_, Some(_)) => {
                let mut next = value.after(&context.origin, input);
                if context.mode == Mode::Transaction && self.errs.load(Ordering::Relaxed) {
                    next.hash = [0xbd; 32];
                }
                Ok((Vec::new(), vec![(value_key(contract), Some(next.encode()))]))
            }
            _ => Err(ExecutionError::Trapped("unknown message".to_owned())),
        })
    }
}

impl Executor for TinyEngine {
    fn execute(
        &self,
        state: &dyn StateView,
        _: &dyn Capabilities,
        context: &Context,
        operation: &Operation,
    ) -> Result<Outcome, StateUnavailable> {
        let change = |key: &[u8], value: Vec<u8>| Ok((Vec::new(), vec![(key.to_vec(), Some(value))]));
        let mut instantiated = Vec::new();
        let done = match operation {
            Operation::SetUpCluster { owner, .. } => change(b"owner", owner.0.to_vec()),
            Operation::UploadCode { code } => change(&code_key(&code_hash(code)), code.clone()),
            Operation::Deposit { account, amount } => {
                change(&[&b"balance/"[..], &account.0].concat(), amount.encode())
            }
            Operation::SetLimits { limits } => change(b"limits", limits.encode()),
            Operation::BlockEnd => Ok(Default::default()),
            Operation::Instantiate { contract, code_hash, .. } => {
                if state.read(&code_key(code_hash))?.is_none() {
                    Err(ExecutionError::CodeNotFound)
                } else if state.read(&contract_key(contract))?.is_some() {
                    Err(ExecutionError::DuplicateContract)
                } else {
                    instantiated.push((*contract, context.origin));
                    change(&contract_key(contract), code_hash.0.to_vec())
                }
            }
            Operation::Call { contract, input, .. } => self.call(state, context, contract, input)?,
        };
        let (result, changes) = match done {
            Ok((data, changes)) => (Ok(Returned { flags: 0, data }), changes),
            Err(error) => (Err(error), Vec::new()),
        };
        Ok(Outcome {
            result,
            gas_consumed: 1000,
            gas_required: 2000,
            storage_deposit: StorageDeposit::Charge(5),
            debug_message: Vec::new(),
            events: Vec::new(),
            changes,
            instantiated,
            logs: Vec::new(),
            effects: Vec::new(),
        })
    }

    fn contract(
        &self,
        state: &dyn StateView,
        contract: &ContractId,
    ) -> Result<Option<ContractFacts>, StateUnavailable> {
        let bytes = state.read(&contract_key(contract))?;
        let code_hash = bytes.and_then(|bytes| bytes.try_into().ok()).map(CodeHash);
        Ok(code_hash.map(|code_hash| ContractFacts {
            code_hash,
            owner: AccountId::default(),
            weight: 0,
        }))
    }

    fn part_of(&self, key: &[u8]) -> Part {
        let id = |prefix: &[u8]| key.strip_prefix(prefix)?.try_into().ok();
        match [&b"contract/"[..], b"value/"].into_iter().find_map(id) {
            Some(contract) => Part::Contract(ContractId(contract)),
            None => id(b"balance/")
                .map_or(Part::Cluster, |account| Part::Balance(AccountId(account))),
        }
    }

    fn balance_key(&self, account: &AccountId) -> Vec<u8> {
        [&b"balance/"[..], &account.0].concat()
    }

    fn limits(&self, state: &dyn StateView) -> Result<ClusterLimits, StateUnavailable> {
        let bytes = state.read(b"limits")?;
        let limits = bytes.and_then(|bytes| ClusterLimits::decode(&mut &bytes[..]).ok());
        Ok(limits.unwrap_or_default())
    }
}
