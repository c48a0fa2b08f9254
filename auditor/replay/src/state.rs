//! The state, as far as the auditor knows it.

use crate::{closed::Closed, report::Need};
use codec::Encode as _;
use executor_api::{Capabilities, Change, ClusterFact, Executor, Part, StateUnavailable, StateView};
use primitives::{ContractId, UnixMillis, WorkerId};
use secrets::AuditKey;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What an account of which nothing is known is taken to have: more than there is, and little enough
/// that nothing overflows.
const PLENTY: u128 = u128::MAX / 4;

/// Keys of the contracts that are known.
pub type Keys = BTreeMap<ContractId, AuditKey>;

/// Keys and values.
#[derive(Clone, Default)]
pub struct State(BTreeMap<Vec<u8>, Vec<u8>>);

impl State {
    pub fn apply(&mut self, changes: Vec<Change>) {
        for (key, value) in changes {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}

impl StateView for State {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        Ok(self.0.get(key).cloned())
    }
}

/// The state during one execution. Before the gap it is whole; after it what is not known ends the
/// execution, and is noted.
pub struct Known<'a> {
    pub state: &'a State,
    pub executor: &'a dyn Executor,
    pub keys: &'a Keys,
    pub has_gap: bool,
    pub missing: &'a Closed,
}

impl StateView for Known<'_> {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        if !self.has_gap {
            return self.state.read(key);
        }
        let need = match self.executor.part_of(key) {
            Part::Contract(contract) if !self.keys.contains_key(&contract) => Need::KeyOf(contract),
            Part::Balance(account) if !self.keys.contains_key(&ContractId(account.0)) => {
                return Ok(Some(PLENTY.encode()));
            }
            Part::System => Need::System,
            Part::Contract(_) | Part::Balance(_) | Part::Cluster => return self.state.read(key),
        };
        self.missing.note(need);
        Err(StateUnavailable("the auditor does not know this part of the state".to_owned()))
    }
}

/// Of what an execution changed, what stays known.
pub fn known_changes(
    executor: &dyn Executor,
    keys: &Keys,
    has_gap: bool,
    changes: Vec<Change>,
) -> Vec<Change> {
    let stays = |(key, _): &Change| match executor.part_of(key) {
        Part::Contract(contract) => keys.contains_key(&contract),
        Part::Balance(account) => keys.contains_key(&ContractId(account.0)),
        Part::System => false,
        Part::Cluster => true,
    };
    match has_gap {
        false => changes,
        true => changes.into_iter().filter(stays).collect(),
    }
}

/// Nobody's worker: what a transaction is given is the same everywhere, and a contract's own keys are not
/// here.
pub struct Bystander<'a> {
    pub has_gap: bool,
    pub missing: &'a Closed,
}

impl Capabilities for Bystander<'_> {
    fn derive_sr25519_key(&self, _: &ContractId, _: &[u8]) -> [u8; 64] {
        self.missing.note(Need::OwnKey);
        // The scalar 1, which everybody knows. What comes of it is thrown away.
        let mut nobodys = [0; 64];
        nobodys[0] = 1;
        nobodys
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        // Transactions get none; queries are answered from their log.
        buffer.fill(0);
    }

    fn worker(&self) -> WorkerId {
        WorkerId::default()
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        0
    }

    fn looks_at(&self, fact: ClusterFact) {
        if self.has_gap {
            self.missing.note(Need::fact(&fact));
        }
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
