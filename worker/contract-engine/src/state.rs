//! How the engine lays out a cluster's flat key-value state, and the overlay an execution works on.
//!
//! | key | value, SCALE |
//! | --- | --- |
//! | `k` | [`ClusterRecord`] |
//! | `b` ‖ account | `u128`, the balance inside the cluster; absent for zero |
//! | `c` ‖ contract | [`ContractRecord`] |
//! | `d` ‖ contract | `Vec<CodeHash>`, what it locked for delegate calls; absent for nothing |
//! | `e` | `EventChainHead`; absent before the first block |
//! | `h` | `Vec<Hook>`, in the order in which they run; absent for none |
//! | `n` | `u64`, contracts made so far |
//! | `s` ‖ contract ‖ kind ‖ key | a storage value, as the contract wrote it |
//! | `v` ‖ contract | `u32`, its weight; absent for zero |
//! | `w` ‖ code hash | the original WebAssembly bytes |
//! | `ya` ‖ account | nothing: the account is an administrator of the system contract |
//! | `yd` ‖ name | `Vec<(u32, AccountId)>`, who had this driver's name since which block |
//!
//! The kind of a storage key is 0 for the 32-byte keys of ink! 3 and 1 for the keys of variable
//! length of later versions; they are different namespaces.

use std::collections::BTreeMap;

use codec::{Decode, DecodeAll as _, Encode};
use executor_api::{Change, Part, StateUnavailable, StateView};
use contract_abi::extension::RUNTIME_VERSION;
use primitives::{AccountId, Balance, CodeHash, ContractId};
use wire::limits::ClusterLimits;

use crate::limits::WRITTEN_BYTES_MAX;

/// The cluster's owner, prices and settings.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ClusterRecord {
    pub owner: AccountId,
    pub gas_price: Balance,
    pub deposit_per_item: Balance,
    pub deposit_per_byte: Balance,
    pub treasury: AccountId,
    pub limits: ClusterLimits,
    /// The version of the interface that contracts are told.
    pub runtime_version: (u32, u32),
    /// Whom the driver of the logs names; `None` for the cluster's own logger.
    pub log_handler: Option<AccountId>,
    /// What the system contract was told about JavaScript. Recorded only: the worker's own is used.
    pub js_runtime: Option<[u8; 32]>,
}

impl ClusterRecord {
    /// A cluster without settings of its own.
    pub fn new(owner: AccountId, treasury: AccountId) -> Self {
        Self {
            owner,
            gas_price: 0,
            deposit_per_item: 0,
            deposit_per_byte: 0,
            treasury,
            limits: ClusterLimits::DEFAULT,
            runtime_version: RUNTIME_VERSION,
            log_handler: None,
            js_runtime: None,
        }
    }

    /// The deposit for `footprint`; above all balances when it overflows.
    pub fn deposit(&self, footprint: Footprint) -> Balance {
        let items = self.deposit_per_item.saturating_mul(footprint.items.into());
        let bytes = self.deposit_per_byte.saturating_mul(footprint.bytes.into());
        items.saturating_add(bytes)
    }
}

/// How much state something takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Footprint {
    pub items: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// What is known of a contract id.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ContractRecord {
    Alive(ContractInfo),
    /// It ended itself. The id is never given out again, as its old storage is still there: the state
    /// cannot be listed by prefix. For the same reason its deposit stays.
    Terminated {
        /// What it left behind.
        footprint: Footprint,
        /// Held for it.
        deposit: Balance,
    },
}

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ContractInfo {
    pub code_hash: CodeHash,
    /// Who made it; a contract's account where a contract did.
    pub deployer: AccountId,
    /// The account at the beginning of the execution that made it.
    pub owner: AccountId,
    /// Its record and its storage.
    pub footprint: Footprint,
    /// Held for the footprint; given back to whoever makes it smaller.
    pub deposit: Balance,
}

/// Bytes that a contract's own record counts for.
pub const CONTRACT_RECORD_BYTES: u64 = 128;

pub fn cluster_key() -> Vec<u8> {
    b"k".to_vec()
}

pub fn balance_key(account: &AccountId) -> Vec<u8> {
    [b"b", account.as_ref()].concat()
}

pub fn contract_key(contract: &ContractId) -> Vec<u8> {
    [b"c", contract.as_ref()].concat()
}

pub fn code_key(code_hash: &CodeHash) -> Vec<u8> {
    [b"w", code_hash.as_ref()].concat()
}

pub fn weight_key(contract: &ContractId) -> Vec<u8> {
    [b"v", contract.as_ref()].concat()
}

pub fn dependencies_key(contract: &ContractId) -> Vec<u8> {
    [b"d", contract.as_ref()].concat()
}

pub fn event_chain_key() -> Vec<u8> {
    b"e".to_vec()
}

pub fn hooks_key() -> Vec<u8> {
    b"h".to_vec()
}

pub fn instantiations_key() -> Vec<u8> {
    b"n".to_vec()
}

pub fn admin_key(account: &AccountId) -> Vec<u8> {
    [b"ya", account.as_ref()].concat()
}

pub fn driver_key(name: &str) -> Vec<u8> {
    [b"yd", name.as_bytes()].concat()
}

/// Whose a key is.
pub fn part_of(key: &[u8]) -> Part {
    let Some((kind, rest)) = key.split_first() else {
        return Part::Cluster;
    };
    let id = rest.first_chunk::<32>();
    match (kind, id) {
        (b'c' | b'd' | b's', Some(id)) => Part::Contract(ContractId(*id)),
        (b'b', Some(id)) => Part::Balance(AccountId(*id)),
        (b'y', _) => Part::System,
        _ => Part::Cluster,
    }
}

/// Which namespace a storage key is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Fixed = 0,
    Variable = 1,
}

pub fn storage_key(contract: &ContractId, kind: KeyKind, key: &[u8]) -> Vec<u8> {
    [b"s", contract.as_ref(), &[kind as u8], key].concat()
}

/// Why the overlay did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    #[error(transparent)]
    Unavailable(#[from] StateUnavailable),
    /// As much is written as one execution may.
    #[error("more than {0} bytes written in one execution")]
    Full(usize),
    /// A record of the engine itself does not decode: a bug or a damaged state.
    #[error("a record in the state is damaged")]
    Damaged,
}

/// A place in an overlay's history to roll back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint(usize);

/// What the overlay had for a key: nothing, that it is removed, or a value.
type Before = Option<Option<Vec<u8>>>;

/// What an execution changed so far, over a state that it only reads.
pub struct Overlay {
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// For each write the key and what `changes` had for it before; undone from the end.
    history: Vec<(Vec<u8>, Before)>,
    written_bytes: usize,
    written_bytes_max: usize,
}

impl Default for Overlay {
    fn default() -> Self {
        Self {
            changes: BTreeMap::new(),
            history: Vec::new(),
            written_bytes: 0,
            written_bytes_max: WRITTEN_BYTES_MAX,
        }
    }
}

impl Overlay {
    /// Lets `bytes` be written from now on, instead of what was left.
    pub fn allow(&mut self, bytes: usize) {
        self.written_bytes = 0;
        self.written_bytes_max = bytes;
    }

    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.history.len())
    }

    /// Undoes every write since `checkpoint`.
    pub fn roll_back(&mut self, checkpoint: Checkpoint) {
        while self.history.len() > checkpoint.0 {
            let Some((key, before)) = self.history.pop() else {
                return;
            };
            match before {
                Some(value) => self.changes.insert(key, value),
                None => self.changes.remove(&key),
            };
        }
    }

    pub fn read(
        &self,
        state: &dyn StateView,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StateUnavailable> {
        match self.changes.get(key) {
            Some(value) => Ok(value.clone()),
            None => state.read(key),
        }
    }

    pub fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), OverlayError> {
        let bytes = key.len() * 2 + value.as_ref().map_or(0, Vec::len);
        let written_bytes = self.written_bytes.saturating_add(bytes);
        if written_bytes > self.written_bytes_max {
            return Err(OverlayError::Full(self.written_bytes_max));
        }
        self.written_bytes = written_bytes;
        let before = self.changes.insert(key.clone(), value);
        self.history.push((key, before));
        Ok(())
    }

    /// What changed against `state`, sorted by key; writes that restore the old value are left out.
    pub fn into_changes(self, state: &dyn StateView) -> Result<Vec<Change>, StateUnavailable> {
        let mut changes = Vec::with_capacity(self.changes.len());
        for (key, value) in self.changes {
            if state.read(&key)? != value {
                changes.push((key, value));
            }
        }
        Ok(changes)
    }

    pub fn read_record<R: Decode>(
        &self,
        state: &dyn StateView,
        key: &[u8],
    ) -> Result<Option<R>, OverlayError> {
        let Some(bytes) = self.read(state, key)? else {
            return Ok(None);
        };
        R::decode_all(&mut &bytes[..])
            .map(Some)
            .map_err(|_| OverlayError::Damaged)
    }

    pub fn balance(
        &self,
        state: &dyn StateView,
        account: &AccountId,
    ) -> Result<Balance, OverlayError> {
        Ok(self.read_record(state, &balance_key(account))?.unwrap_or(0))
    }

    pub fn set_balance(
        &mut self,
        account: &AccountId,
        balance: Balance,
    ) -> Result<(), OverlayError> {
        self.write(
            balance_key(account),
            (balance != 0).then(|| balance.encode()),
        )
    }

    pub fn contract(
        &self,
        state: &dyn StateView,
        contract: &ContractId,
    ) -> Result<Option<ContractRecord>, OverlayError> {
        self.read_record(state, &contract_key(contract))
    }

    pub fn weight(
        &self,
        state: &dyn StateView,
        contract: &ContractId,
    ) -> Result<u32, OverlayError> {
        Ok(self.read_record(state, &weight_key(contract))?.unwrap_or(0))
    }

    /// Contracts whose record changed.
    pub fn touched_contracts(&self) -> Vec<ContractId> {
        let ids = self.changes.range(b"c".to_vec()..b"d".to_vec());
        ids.filter_map(|(key, _)| key.get(1..)?.try_into().ok().map(ContractId))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Empty;

    impl StateView for Empty {
        fn read(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
            Ok(None)
        }
    }

    #[test]
    fn rolling_back_restores_what_was_there() {
        let mut overlay = Overlay::default();
        overlay.write(b"a".to_vec(), Some(vec![1])).unwrap();
        let checkpoint = overlay.checkpoint();
        overlay.write(b"a".to_vec(), None).unwrap();
        overlay.write(b"b".to_vec(), Some(vec![2])).unwrap();
        overlay.write(b"a".to_vec(), Some(vec![3])).unwrap();
        overlay.roll_back(checkpoint);
        assert_eq!(
            overlay.into_changes(&Empty).unwrap(),
            [(b"a".to_vec(), Some(vec![1]))]
        );
    }

    #[test]
    fn a_change_that_restores_the_state_is_none() {
        let mut overlay = Overlay::default();
        overlay.write(b"a".to_vec(), Some(vec![1])).unwrap();
        overlay.write(b"a".to_vec(), None).unwrap();
        assert_eq!(overlay.into_changes(&Empty).unwrap(), []);
    }

    #[test]
    fn what_is_written_is_bounded_even_when_rolled_back() {
        let mut overlay = Overlay::default();
        let start = overlay.checkpoint();
        let value = vec![0; 1024 * 1024];
        let writes = (0..100)
            .take_while(|_| {
                let written = overlay.write(b"a".to_vec(), Some(value.clone())).is_ok();
                overlay.roll_back(start);
                written
            })
            .count();
        assert_eq!(writes, 63);
    }

    #[test]
    fn the_key_layout_is_fixed() {
        let contract = ContractId([7; 32]);
        let prefix = |letter: u8| [vec![letter], vec![7; 32]].concat();
        assert_eq!(contract_key(&contract), prefix(b'c'));
        assert_eq!(balance_key(&contract.into()), prefix(b'b'));
        assert_eq!(code_key(&CodeHash([7; 32])), prefix(b'w'));
        let expected = [prefix(b's'), vec![1, 9]].concat();
        assert_eq!(storage_key(&contract, KeyKind::Variable, &[9]), expected);
    }

    #[test]
    fn each_key_has_one_owner() {
        let contract = ContractId([7; 32]);
        for key in [
            contract_key(&contract),
            dependencies_key(&contract),
            storage_key(&contract, KeyKind::Fixed, &[1; 32]),
            storage_key(&contract, KeyKind::Variable, &[]),
        ] {
            assert_eq!(part_of(&key), Part::Contract(contract));
        }
        let account = contract.into();
        assert_eq!(part_of(&balance_key(&account)), Part::Balance(account));
        assert_eq!(part_of(&admin_key(&account)), Part::System);
        assert_eq!(part_of(&driver_key("name")), Part::System);
        for key in [
            cluster_key(),
            event_chain_key(),
            hooks_key(),
            instantiations_key(),
            weight_key(&contract),
            code_key(&CodeHash([7; 32])),
        ] {
            assert_eq!(part_of(&key), Part::Cluster);
        }
    }
}
