//! An engine of a few lines: contracts are lists of bytes that calls append to.

use codec::{Decode, Encode};
use contract_abi::system::selector;
use executor_api::*;
use primitives::{CodeHash, ContractId};
use wire::{domain::code_hash, limits::ClusterLimits};

/// The engine. `set:…` appends, `get` reads, `say:…` writes to the log, `who` gives the origin, `long` answers too much, `peek:…` reads the value of
/// the contract whose id repeats the byte after the colon, `make:…` makes a contract whose id repeats the byte after the colon, `until:…` computes until the host's
/// clock shows that many milliseconds (one byte); `may_audit` says yes to accounts that `set:audit:` and
/// their first two bytes named; anything else traps.
pub struct TinyExecutor;

/// Where a contract's code hash lies.
pub fn contract_key(contract: &ContractId) -> Vec<u8> {
    [&b"contract/"[..], contract.as_bytes()].concat()
}

fn owner_key(contract: &ContractId) -> Vec<u8> {
    [&b"owner/"[..], contract.as_bytes()].concat()
}

fn value_key(contract: &ContractId) -> Vec<u8> {
    [&b"value/"[..], contract.as_bytes()].concat()
}

fn code_key(hash: &CodeHash) -> Vec<u8> {
    [&b"code/"[..], hash.as_bytes()].concat()
}

#[derive(Default)]
struct Done {
    data: Vec<u8>,
    changes: Vec<Change>,
    instantiated: Vec<(ContractId, primitives::AccountId)>,
    logs: Vec<LogRecord>,
}

fn call(
    state: &dyn StateView,
    capabilities: &dyn Capabilities,
    context: &Context,
    contract: &ContractId,
    input: &[u8],
) -> Result<Result<Done, ExecutionError>, StateUnavailable> {
    if state.read(&contract_key(contract))?.is_none() {
        return Ok(Err(ExecutionError::ContractNotFound));
    }
    let value = state.read(&value_key(contract))?.unwrap_or_default();
    if let Some(account) = input.strip_prefix(&worker_core::MAY_AUDIT) {
        // Whoever was named by `set:audit:` and the first two bytes of the account.
        let named = [b"audit:", &account[..2]].concat();
        let yes = value.windows(named.len()).any(|part| part == named);
        return Ok(Ok(Done { data: vec![0, yes.into()], ..Done::default() }));
    }
    let returned = |data| Done {
        data,
        ..Done::default()
    };
    Ok(Ok(match input {
        b"get" => returned(value),
        [b's', b'a', b'y', b':', text @ ..] => Done {
            logs: vec![LogRecord {
                contract: *contract,
                entry: *contract,
                level: 3,
                message: String::from_utf8_lossy(text).into_owned(),
            }],
            ..Done::default()
        },
        b"who" => returned(context.origin.0.to_vec()),
        [b'p', b'e', b'e', b'k', b':', id] => {
            returned(state.read(&value_key(&ContractId([*id; 32])))?.unwrap_or_default())
        }
        b"long" => returned(vec![7; primitives::bounds::ANSWER_BYTES_MAX as usize + 1]),
        [b'u', b'n', b't', b'i', b'l', b':', time] => {
            while capabilities.untrusted_now_ms() < u64::from(*time) {
                if !capabilities.turn().checkpoint() {
                    return Ok(Err(ExecutionError::LimitReached("its turn".to_owned())));
                }
            }
            returned(vec![*time])
        }
        [b'm', b'a', b'k', b'e', b':', id] => Done {
            changes: vec![(contract_key(&ContractId([*id; 32])), Some(vec![1; 32]))],
            instantiated: vec![(ContractId([*id; 32]), contract.0.into())],
            ..Done::default()
        },
        _ => match input.strip_prefix(b"set:") {
            Some(more) => {
                let now = context.now_ms.to_le_bytes();
                let value = [&value[..], more, &context.origin.0[..2], &now].concat();
                Done {
                    changes: vec![(value_key(contract), Some(value))],
                    ..Done::default()
                }
            }
            None => return Ok(Err(ExecutionError::Trapped("unknown message".to_owned()))),
        },
    }))
}

/// What the system contract does with a stake that it is told by itself: keeps the number.
fn stake(context: &Context, contract: &ContractId, input: &[u8]) -> Option<Done> {
    let system = wire::domain::system_contract_id(&context.cluster);
    let told = input.strip_prefix(&selector::CHANGE_DEPOSIT)?;
    let (of, stake) = told.split_first_chunk::<32>()?;
    (*contract == system && context.origin.0 == system.0).then(|| Done {
        changes: vec![([&b"stake/"[..], of].concat(), Some(stake.to_vec()))],
        ..Done::default()
    })
}

impl Executor for TinyExecutor {
    fn execute(
        &self,
        state: &dyn StateView,
        capabilities: &dyn Capabilities,
        context: &Context,
        operation: &Operation,
    ) -> Result<Outcome, StateUnavailable> {
        let change = |key: &[u8], value: Vec<u8>| Done {
            changes: vec![(key.to_vec(), Some(value))],
            ..Done::default()
        };
        let done = match operation {
            Operation::SetUpCluster { owner, .. } => Ok(change(b"owner", owner.0.to_vec())),
            Operation::UploadCode { code } => Ok(change(&code_key(&code_hash(code)), code.clone())),
            Operation::Deposit { account, amount } => {
                let key = [&b"balance/"[..], &account.0].concat();
                Ok(change(&key, amount.to_le_bytes().to_vec()))
            }
            Operation::SetLimits { limits } => Ok(change(b"limits", limits.encode())),
            Operation::BlockEnd => Ok(Done::default()),
            Operation::Instantiate {
                contract,
                code_hash,
                ..
            } => {
                if state.read(&code_key(code_hash))?.is_none() {
                    Err(ExecutionError::CodeNotFound)
                } else if state.read(&contract_key(contract))?.is_some() {
                    Err(ExecutionError::DuplicateContract)
                } else {
                    Ok(Done {
                        instantiated: vec![(*contract, context.origin)],
                        changes: vec![
                            (contract_key(contract), Some(code_hash.0.to_vec())),
                            (owner_key(contract), Some(context.origin.0.to_vec())),
                        ],
                        ..Done::default()
                    })
                }
            }
            Operation::Call { contract, input, .. } => match stake(context, contract, input) {
                Some(done) => Ok(done),
                None => call(state, capabilities, context, contract, input)?,
            },
        };
        let (result, changes, instantiated, logs) = match done {
            Ok(done) => (
                Ok(Returned {
                    flags: 0,
                    data: done.data,
                }),
                done.changes,
                done.instantiated,
                done.logs,
            ),
            Err(error) => (Err(error), Vec::new(), Vec::new(), Vec::new()),
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
            logs,
            effects: Vec::new(),
        })
    }

    fn contract(
        &self,
        state: &dyn StateView,
        contract: &ContractId,
    ) -> Result<Option<ContractFacts>, StateUnavailable> {
        let bytes = state.read(&contract_key(contract))?;
        let stake = state.read(&[&b"stake/"[..], contract.as_bytes()].concat())?;
        let stake = stake.and_then(|bytes| Some(u128::from_le_bytes(bytes.try_into().ok()?)));
        let code_hash = bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(CodeHash);
        let owner = state.read(&owner_key(contract))?;
        let owner = owner.and_then(|bytes| bytes.try_into().ok());
        Ok(code_hash.map(|code_hash| ContractFacts {
            code_hash,
            owner: primitives::AccountId(owner.unwrap_or_default()),
            weight: stake.map_or(0, |stake| (stake / (primitives::units::PHA / 100)) as u32),
        }))
    }

    fn part_of(&self, key: &[u8]) -> Part {
        let id = |prefix: &[u8]| key.strip_prefix(prefix)?.try_into().ok();
        let own = [&b"contract/"[..], b"owner/", b"value/"].into_iter().find_map(id);
        match (own, id(b"balance/")) {
            (Some(contract), _) => Part::Contract(ContractId(contract)),
            (None, Some(account)) => Part::Balance(primitives::AccountId(account)),
            (None, None) => Part::Cluster,
        }
    }

    fn balance_key(&self, account: &primitives::AccountId) -> Vec<u8> {
        [&b"balance/"[..], &account.0].concat()
    }

    fn limits(&self, state: &dyn StateView) -> Result<ClusterLimits, StateUnavailable> {
        let bytes = state.read(b"limits")?;
        Ok(bytes
            .and_then(|bytes| ClusterLimits::decode(&mut &bytes[..]).ok())
            .unwrap_or_default())
    }
}
