//! The cluster's system contract: who administers the cluster, and which contract does which service, by name
//! (its *driver*).
//!
//! ```
//! use contract_sdk::{AccountId, system};
//!
//! let worker = contract_sdk::test::Worker::new();
//! let oracle = AccountId::from([7; 32]);
//! assert_eq!(system::driver("PriceOracle"), Ok(None));
//! assert_eq!(system::set_driver("PriceOracle", oracle), Err(system::Error::Refused(
//!     system::Refusal::PermisionDenied,
//! )));
//! worker.grant_admin();
//! system::set_driver("PriceOracle", oracle).unwrap();
//! assert_eq!(system::driver("PriceOracle"), Ok(Some(oracle)));
//! ```
//!
//! Calls that change something work in transactions; in a query their changes are dropped.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use contract_abi::Bytes32;
use contract_abi::event::HookPoint;
use contract_abi::system::selector;

use crate::AccountId;

pub use contract_abi::system::Error as Refusal;
pub use contract_abi::system::driver as names;

/// Why a call of the system contract has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum Error {
    /// The system contract refused.
    Refused(Refusal),
    /// The call failed: no gas, or another interface.
    Failed,
}

/// The cluster's owner.
///
/// # Errors
/// [`Error::Failed`].
pub fn owner() -> Result<AccountId, Error> {
    read(selector::OWNER, &())
}

/// The system contract's version.
///
/// # Errors
/// [`Error::Failed`].
pub fn version() -> Result<(u16, u16, u16), Error> {
    read(selector::VERSION, &())
}

/// Whether the owner made `contract` an administrator.
///
/// # Errors
/// [`Error::Failed`].
pub fn is_admin(contract: AccountId) -> Result<bool, Error> {
    read(selector::IS_ADMIN, &contract)
}

/// Which contract does the service of this name; [`names`] lists those that the cluster itself knows.
///
/// # Errors
/// [`Error::Failed`].
pub fn driver(name: &str) -> Result<Option<AccountId>, Error> {
    read(selector::GET_DRIVER, &name)
}

/// As [`driver`], with the block since which it does it.
///
/// # Errors
/// [`Error::Failed`].
pub fn driver_since(name: &str) -> Result<Option<(u32, AccountId)>, Error> {
    read(selector::GET_DRIVER2, &name)
}

/// All that have done the service of this name, with the blocks since which they did.
///
/// # Errors
/// [`Error::Failed`].
pub fn driver_history(name: &str) -> Result<Option<Vec<(u32, AccountId)>>, Error> {
    read(selector::DRIVER_HISTORY, &name)
}

/// Names the contract that does a service. The owner and administrators may.
///
/// # Errors
/// [`Error::Refused`] to others; [`Error::Failed`].
pub fn set_driver(name: &str, contract: AccountId) -> Result<(), Error> {
    change(selector::SET_DRIVER, &(name, contract))
}

/// Makes `contract` an administrator. The owner may.
///
/// # Errors
/// [`Error::Refused`] to others; [`Error::Failed`].
pub fn grant_admin(contract: AccountId) -> Result<(), Error> {
    change(selector::GRANT_ADMIN, &contract)
}

/// Runs `contract`'s message `selector` at the end of each block, with at most `gas_limit`; no gas ends it.
/// Administrators may.
///
/// # Errors
/// [`Error::Refused`] to others; [`Error::Failed`].
pub fn set_block_hook(contract: AccountId, selector: [u8; 4], gas_limit: u64) -> Result<(), Error> {
    let number = u32::from_be_bytes(selector);
    change(
        selector::SET_HOOK,
        &(HookPoint::OnBlockEnd, contract, number, gas_limit),
    )
}

/// Sets a contract's share of the processor. Administrators may.
///
/// # Errors
/// [`Error::Refused`] to others; [`Error::Failed`].
pub fn set_contract_weight(contract: AccountId, weight: u32) -> Result<(), Error> {
    change(selector::SET_CONTRACT_WEIGHT, &(contract, weight))
}

/// The hash of a contract's code.
///
/// # Errors
/// [`Error::Failed`].
pub fn code_hash(contract: AccountId) -> Result<Option<Bytes32>, Error> {
    read(selector::CODE_HASH, &contract)
}

fn read<I: Encode, O: Decode>(selector: [u8; 4], input: &I) -> Result<O, Error> {
    crate::host::invoke(crate::chain::system_contract(), selector, input).ok_or(Error::Failed)
}

fn change<I: Encode>(selector: [u8; 4], input: &I) -> Result<(), Error> {
    read::<_, Result<(), Refusal>>(selector, input)?.map_err(Error::Refused)
}
