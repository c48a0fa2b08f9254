//! What each message of the system contract does.

use codec::Encode;
use contract_abi::event::{HookPoint, PinkEvent, SidevmConfig};
use contract_abi::system::{CodeType, Error, driver, selector};
use executor_api::{ClusterFact, ContractEvent};
use primitives::{AccountId, Balance, CodeHash, ContractId, units::PHA};

use super::store::Since;
use super::{Refused, System, arguments};
use crate::crypto::blake2_256;
use crate::limits::{DRIVER_NAME_BYTES_MAX, cost};
use crate::{effects, hooks};

/// What a weight of one stands for: a hundredth of a PHA.
const CENT: Balance = PHA / 100;
/// The version of the interface that is answered.
pub const VERSION: (u16, u16, u16) = (1, 2, 0);
/// Versions of the contracts' interface that a cluster can be set to. All behave alike here; it is
/// what contracts are told.
const RUNTIME_VERSIONS: [(u32, u32); 3] = [(1, 0), (1, 1), (1, 2)];

impl System<'_> {
    pub(super) fn owner(&self) -> AccountId {
        self.execution.cluster.owner
    }

    fn only_owner(&self) -> Result<(), Refused> {
        match self.caller == self.owner() {
            true => Ok(()),
            false => Err(Error::PermisionDenied.into()),
        }
    }

    /// The owner is no administrator, unless it made itself one.
    fn only_admin(&mut self) -> Result<(), Refused> {
        let caller = self.caller;
        match self.has_admin(&caller)? {
            true => Ok(()),
            false => Err(Error::PermisionDenied.into()),
        }
    }

    pub(super) fn grant_admin(&mut self, account: AccountId) -> Result<(), Refused> {
        self.only_owner()?;
        self.mutates()?;
        self.add_admin(&account)?;
        let topics = vec![signature(b"AdministratorAdded(AccountId)")];
        self.emit(topics, account.encode())
    }

    pub(super) fn is_admin(&mut self, account: &AccountId) -> Result<bool, Refused> {
        Ok(self.has_admin(account)?)
    }

    /// Who has had the name of a driver, the oldest first. Some names have somebody from the start.
    pub(super) fn history(&mut self, name: &str) -> Result<Vec<Since>, Refused> {
        if name.len() > DRIVER_NAME_BYTES_MAX {
            return Ok(Vec::new());
        }
        let history = self.stored_history(name)?;
        if !history.is_empty() {
            return Ok(history);
        }
        let first: Option<AccountId> = match name {
            driver::LOGGER => {
                let cluster = self.execution.context.cluster;
                Some(wire::domain::logger_id(&cluster).into())
            }
            driver::CONTRACT_DEPOSIT => Some(self.contract.into()),
            _ => None,
        };
        Ok(first.map(|account| (0, account)).into_iter().collect())
    }

    pub(super) fn driver(&mut self, name: &str) -> Result<Option<AccountId>, Refused> {
        Ok(self.history(name)?.last().map(|(_, account)| *account))
    }

    pub(super) fn set_driver(&mut self, name: String, account: AccountId) -> Result<(), Refused> {
        if self.only_owner().is_err() {
            self.only_admin()?;
        }
        self.mutates()?;
        if name.len() > DRIVER_NAME_BYTES_MAX {
            return Err(Error::ConditionNotMet.into());
        }
        let mut history = self.history(&name)?;
        let previous = history.last().map(|(_, account)| *account);
        history.push((self.execution.context.block_number, account));
        self.store_history(&name, &history)?;
        match name.as_str() {
            driver::LOGGER => effects::system(self.execution, PinkEvent::SetLogHandler(account.0))?,
            driver::JS_RUNTIME => {
                effects::system(self.execution, PinkEvent::SetJsRuntime(account.0))?;
            }
            _ => {}
        }
        let topics = vec![
            signature(b"DriverChanged(String,Option<AccountId>,AccountId)"),
            topic(&name),
        ];
        self.emit(topics, (name, previous, account).encode())
    }

    /// Why a message about SideVM programs is refused: they are not offered.
    pub(super) fn sidevm(&mut self, selector: [u8; 4], input: &[u8]) -> Refused {
        type Contract = [u8; 32];
        let understood = match selector {
            selector::DEPLOY_SIDEVM_TO => arguments::<(Contract, [u8; 32])>(input).map(drop),
            selector::DEPLOY_SIDEVM_TO_WORKERS => {
                arguments::<(Contract, [u8; 32], Vec<[u8; 32]>, SidevmConfig)>(input).map(drop)
            }
            selector::SET_SIDEVM_DEADLINE => arguments::<(Contract, u32)>(input).map(drop),
            _ => arguments::<Contract>(input).map(drop),
        };
        understood
            .and_then(|()| self.only_admin())
            .err()
            .unwrap_or_else(|| Error::ConditionNotMet.into())
    }

    pub(super) fn set_hook(
        &mut self,
        hook: HookPoint,
        contract: ContractId,
        selector: u32,
        gas_limit: u64,
    ) -> Result<(), Refused> {
        self.only_admin()?;
        self.mutates()?;
        self.charge(2 * cost::STORAGE_READ + cost::STORAGE_WRITE)?;
        let exists = self.execution.contract_info(&contract)?.is_some();
        if !exists || !hooks::has_room(self.execution, &contract)? {
            return Err(Error::ConditionNotMet.into());
        }
        let effect = PinkEvent::SetHook {
            hook,
            contract: contract.0,
            selector,
            gas_limit,
        };
        Ok(effects::system(self.execution, effect)?)
    }

    pub(super) fn set_contract_weight(
        &mut self,
        contract: ContractId,
        weight: u32,
    ) -> Result<(), Refused> {
        self.only_admin()?;
        self.weigh(contract, weight)
    }

    /// The stake of a contract changed: its weight is the stake in cents.
    pub(super) fn stake(&mut self, contract: ContractId, stake: Balance) -> Result<(), Refused> {
        let weight = u32::try_from(stake / CENT).unwrap_or(u32::MAX);
        match self.weigh(contract, weight) {
            Err(Refused::Error(_)) => {
                let error = Error::ConditionNotMet;
                Err(contract_abi::system::DriverError::SystemError(error).into())
            }
            other => other,
        }
    }

    fn weigh(&mut self, contract: ContractId, weight: u32) -> Result<(), Refused> {
        self.mutates()?;
        self.charge(cost::STORAGE_READ + cost::STORAGE_WRITE)?;
        if self.execution.contract_info(&contract)?.is_none() {
            return Err(Error::ConditionNotMet.into());
        }
        let contract = contract.0;
        let effect = PinkEvent::SetContractWeight { contract, weight };
        Ok(effects::system(self.execution, effect)?)
    }

    /// The balance inside the cluster; all of it is free.
    pub(super) fn balance_of(&mut self, account: &AccountId) -> Result<Balance, Refused> {
        self.charge(cost::STORAGE_READ)?;
        self.execution.capabilities().looks_at(ClusterFact::BalanceOf(*account));
        Ok(self.execution.balance(account)?)
    }

    pub(super) fn code_exists(&mut self, hash: &CodeHash, kind: CodeType) -> Result<bool, Refused> {
        self.charge(cost::STORAGE_READ)?;
        Ok(kind == CodeType::Ink && self.execution.code_exists(hash)?)
    }

    pub(super) fn code_hash(&mut self, account: &ContractId) -> Result<Option<CodeHash>, Refused> {
        self.charge(cost::STORAGE_READ)?;
        let info = self.execution.contract_info(account)?;
        Ok(info.map(|info| info.code_hash))
    }

    /// There is never a newer system contract than the engine's own.
    pub(super) fn upgrade(&mut self) -> Refused {
        self.only_owner()
            .err()
            .unwrap_or_else(|| Error::ConditionNotMet.into())
    }

    pub(super) fn do_upgrade(&mut self, input: &[u8]) -> Refused {
        match arguments::<(u16, u16, u16)>(input) {
            Err(refused) => refused,
            Ok(_) if self.caller != self.contract.into() => Error::PermisionDenied.into(),
            Ok(_) => Error::ConditionNotMet.into(),
        }
    }

    pub(super) fn upgrade_runtime(&mut self, version: (u32, u32)) -> Result<(), Refused> {
        self.only_owner()?;
        self.mutates()?;
        if !RUNTIME_VERSIONS.contains(&version) {
            return Err(Error::ConditionNotMet.into());
        }
        self.charge(cost::STORAGE_WRITE)?;
        Ok(effects::system(
            self.execution,
            PinkEvent::UpgradeRuntimeTo { version },
        )?)
    }

    fn emit(&mut self, topics: Vec<[u8; 32]>, data: Vec<u8>) -> Result<(), Refused> {
        let bytes = (topics.len() * 32 + data.len()) as u64;
        self.charge(cost::EVENT_BYTE.saturating_mul(bytes))?;
        let event = ContractEvent {
            contract: self.contract,
            topics,
            data,
        };
        Ok(effects::deposit(self.execution, event)?)
    }
}

/// The topic that names an event, as ink! 5 has it.
fn signature(text: &[u8]) -> [u8; 32] {
    blake2_256(text)
}

/// The topic of an indexed field: its encoding, or the hash of it where that is longer.
fn topic(field: &impl Encode) -> [u8; 32] {
    let encoded = field.encode();
    let mut topic = [0; 32];
    match topic.get_mut(..encoded.len()) {
        Some(start) => {
            start.copy_from_slice(&encoded);
            topic
        }
        None => blake2_256(&encoded),
    }
}
