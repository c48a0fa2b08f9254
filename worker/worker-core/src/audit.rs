//! Contracts' parts of the state, each under a commitment of its own: kept by workers with each entry
//! that they run, and made again by auditors, with the same functions.
//!
//! | key | value, SCALE |
//! | --- | --- |
//! | `ff` `audit/` ‖ contract | version 1, secret, items so far, history's hash, [`Contents`] |
//! | `ff` `step/` ‖ contract ‖ index (u64, big endian) | [`HistoryStep`]; the last [`STEPS_KEPT`] |
//! | [`contract_root_key`] | [`commitment`], 32 bytes: the only open key |

use codec::{Decode, DecodeAll as _, Encode};
use executor_api::{Change, Executor, Part, StateUnavailable, StateView};
use primitives::{AccountId, ClusterId, ContractId, GenesisHash};
use secrets::{AuditKey, ClusterSeed, Contents};
use std::collections::BTreeMap;
use wire::audit::{
    HistoryItem, HistoryPage, HistoryStep, STEPS_KEPT, Verdict, commitment, contract_root_key,
    next_history,
};
use zeroize::Zeroizing;

/// Version of [`Account`].
const VERSION: u8 = 1;

fn account_key(contract: &ContractId) -> Vec<u8> {
    [&b"\xffaudit/"[..], contract.as_bytes()].concat()
}

fn step_key(contract: &ContractId, index: u64) -> Vec<u8> {
    [&b"\xffstep/"[..], contract.as_bytes(), &index.to_be_bytes()].concat()
}

/// What the state keeps to carry a contract's commitment on.
#[derive(Encode, Decode)]
struct Account {
    version: u8,
    secret: [u8; 32],
    items: u64,
    history: [u8; 32],
    contents: Contents,
}

impl Account {
    fn of(secret: &[u8; 32]) -> Self {
        Self {
            version: VERSION,
            secret: *secret,
            items: 0,
            history: [0; 32],
            contents: Contents::default(),
        }
    }

    fn read(state: &dyn StateView, contract: &ContractId) -> Result<Option<Self>, StateUnavailable> {
        let Some(bytes) = state.read(&account_key(contract))?.map(Zeroizing::new) else {
            return Ok(None);
        };
        let read = Self::decode_all(&mut &bytes[..]).ok();
        let unreadable = || StateUnavailable("a contract's commitment cannot be read".to_owned());
        read.filter(|read| read.version == VERSION).ok_or_else(unreadable).map(Some)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
}

/// An entry that was run.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// Its number.
    pub number: u64,
    /// The contract that it is addressed to.
    pub addressed: Option<ContractId>,
    /// What it came to.
    pub verdict: Verdict,
}

/// What the secret of a new contract is; `None` where it is of no interest.
pub type SecretOf<'a> = &'a dyn Fn(&ContractId) -> Option<Zeroizing<[u8; 32]>>;

/// Carries the commitments of all contracts on that an entry concerns: those whose part it changed, and
/// the one that it is addressed to. `state` is that before the entry, `changes` what the entry changed.
/// Gives the changes that come on top.
///
/// # Errors
/// When the state cannot be read.
pub fn carry_on(
    executor: &dyn Executor,
    state: &dyn StateView,
    changes: &[Change],
    ran: &Ran,
    secret_of: SecretOf<'_>,
) -> Result<Vec<Change>, StateUnavailable> {
    let mut more = Vec::new();
    for (contract, parts) in concerned(executor, changes, ran) {
        let mut account = match Account::read(state, &contract)? {
            Some(account) => account,
            None if parts.is_new => match secret_of(&contract) {
                Some(secret) => with_balance(executor, state, &contract, &parts, &secret)?,
                None => continue,
            },
            // An account of somebody's, or a contract that does not exist.
            None => continue,
        };
        for (key, value) in &parts.changes {
            if let Some(old) = state.read(key)? {
                account.contents.remove(&account.secret, key, &old);
            }
            if let Some(new) = value {
                account.contents.add(&account.secret, key, new);
            }
        }
        let contents = account.contents.digest(&account.secret);
        let item = HistoryItem { number: ran.number, verdict: ran.verdict, contents };
        account.history = next_history(&account.history, &item);
        let (index, step) = (account.items, HistoryStep { item, history: account.history });
        account.items += 1;
        more.push((step_key(&contract, index), Some(step.encode())));
        if let Some(old) = index.checked_sub(STEPS_KEPT) {
            more.push((step_key(&contract, old), None));
        }
        let committed = commitment(&account.secret, account.items, &account.history);
        more.push((contract_root_key(&contract), Some(committed.to_vec())));
        more.push((account_key(&contract), Some(account.encode())));
    }
    Ok(more)
}

/// What an entry changed of one contract.
#[derive(Default)]
struct Parts<'a> {
    changes: Vec<(&'a [u8], Option<&'a [u8]>)>,
    /// Whether anything but its balance changed: only then may the contract be new.
    is_new: bool,
}

fn concerned<'a>(
    executor: &dyn Executor,
    changes: &'a [Change],
    ran: &Ran,
) -> BTreeMap<ContractId, Parts<'a>> {
    let mut concerned: BTreeMap<ContractId, Parts<'a>> = BTreeMap::new();
    if let Some(contract) = ran.addressed {
        concerned.entry(contract).or_default();
    }
    for (key, value) in changes {
        let (contract, is_own) = match executor.part_of(key) {
            Part::Contract(contract) => (contract, true),
            Part::Balance(account) => (ContractId(account.0), false),
            Part::System | Part::Cluster => continue,
        };
        let parts = concerned.entry(contract).or_default();
        parts.changes.push((&key[..], value.as_deref()));
        parts.is_new |= is_own;
    }
    concerned
}

/// A new contract, with the balance that its account may have had before.
fn with_balance(
    executor: &dyn Executor,
    state: &dyn StateView,
    contract: &ContractId,
    parts: &Parts<'_>,
    secret: &[u8; 32],
) -> Result<Account, StateUnavailable> {
    let mut account = Account::of(secret);
    // Whatever it has before this entry is there to be removed by a change, or stays.
    let mut keys: Vec<Vec<u8>> = parts.changes.iter().map(|(key, _)| key.to_vec()).collect();
    keys.push(executor.balance_key(&AccountId(contract.0)));
    keys.sort();
    keys.dedup();
    for key in keys {
        if let Some(value) = state.read(&key)? {
            account.contents.add(secret, &key, &value);
        }
    }
    Ok(account)
}

/// How far a contract's history is: how many items, and their hash.
///
/// # Errors
/// When the state cannot be read.
pub fn history_of(
    state: &dyn StateView,
    contract: &ContractId,
) -> Result<Option<(u64, [u8; 32])>, StateUnavailable> {
    Ok(Account::read(state, contract)?.map(|account| (account.items, account.history)))
}

/// The newest steps of a contract's history, without the first `from`.
///
/// # Errors
/// When the state cannot be read.
pub fn steps_of(
    state: &dyn StateView,
    contract: &ContractId,
    from: u64,
) -> Result<HistoryPage, StateUnavailable> {
    let items = history_of(state, contract)?.map_or(0, |(items, _)| items);
    let first = from.max(items.saturating_sub(STEPS_KEPT)).min(items);
    let unreadable = || StateUnavailable("a step of a contract's history cannot be read".to_owned());
    let steps = (first..items).map(|index| {
        let bytes = state.read(&step_key(contract, index))?.ok_or_else(unreadable)?;
        HistoryStep::decode_all(&mut &bytes[..]).map_err(|_| unreadable())
    });
    Ok(HistoryPage { first, steps: steps.collect::<Result<_, _>>()? })
}

/// What a worker makes audit keys with.
pub(crate) struct AuditKeys {
    pub(crate) genesis: GenesisHash,
    pub(crate) cluster: ClusterId,
    /// Which of the cluster's seeds is in use.
    pub(crate) rotation: u32,
    /// That seed.
    pub(crate) seed: ClusterSeed,
}

impl AuditKeys {
    /// The key of a contract's auditors; `None` where there is no such contract.
    pub(crate) fn key_of(
        &self,
        state: &dyn StateView,
        contract: &ContractId,
    ) -> Result<Option<AuditKey>, StateUnavailable> {
        let Some(account) = Account::read(state, contract)? else {
            return Ok(None);
        };
        let commands = vec![self.seed.contract_command_seeds(contract, self.rotation)];
        let secret = Zeroizing::new(account.secret);
        Ok(Some(AuditKey::new(self.genesis, self.cluster, *contract, secret, commands)))
    }
}
