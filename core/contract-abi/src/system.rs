//! The system contract of a cluster, selector by selector.
//!
//! Every message returns `Result<_, LangError>`, `00` first on success.

use alloc::string::String;
use codec::{Decode, Encode};

/// What the system contract answers to, as the four bytes of the selector.
pub mod selector {
    /// The constructor.
    pub const DEFAULT: [u8; 4] = [0xed, 0x4b, 0x9d, 0x1b];
    /// → the owner's account.
    pub const OWNER: [u8; 4] = [0xfe, 0xae, 0xa4, 0xfa];
    /// → (u16, u16, u16).
    pub const VERSION: [u8; 4] = [0x87, 0xc9, 0x8a, 0x8d];
    /// `contract`; by the owner.
    pub const GRANT_ADMIN: [u8; 4] = [0x67, 0x61, 0x20, 0x61];
    /// `contract` → bool.
    pub const IS_ADMIN: [u8; 4] = [0xf0, 0x6f, 0x05, 0x0a];
    /// `(name, contract)`; by the owner or an administrator.
    pub const SET_DRIVER: [u8; 4] = [0xaa, 0x1e, 0x20, 0x30];
    /// `name` → `Option` of an account.
    pub const GET_DRIVER: [u8; 4] = [0x27, 0x40, 0xcf, 0x0a];
    /// `name` → `Option` of (block since which, account).
    pub const GET_DRIVER2: [u8; 4] = [0xc0, 0xf2, 0x82, 0x23];
    /// `name` → `Option` of a list of (block, account).
    pub const DRIVER_HISTORY: [u8; 4] = [0xd5, 0x19, 0xdb, 0xec];
    /// `(contract, code hash)`; by an administrator.
    pub const DEPLOY_SIDEVM_TO: [u8; 4] = [0x66, 0x2f, 0x4a, 0xa4];
    /// `(contract, code hash, workers, config)`; by an administrator.
    pub const DEPLOY_SIDEVM_TO_WORKERS: [u8; 4] = [0x0a, 0x7d, 0x87, 0xb2];
    /// `(contract, block)`; by an administrator.
    pub const SET_SIDEVM_DEADLINE: [u8; 4] = [0xc9, 0xaf, 0x57, 0x38];
    /// `contract`; by an administrator.
    pub const STOP_SIDEVM_AT: [u8; 4] = [0x52, 0xa0, 0xfd, 0x6a];
    /// `(hook, contract, selector, gas)`; by an administrator.
    pub const SET_HOOK: [u8; 4] = [0x35, 0x2c, 0x6b, 0x5c];
    /// `(contract, weight)`; by an administrator.
    pub const SET_CONTRACT_WEIGHT: [u8; 4] = [0x45, 0xec, 0x9b, 0x18];
    /// `account` → u128.
    pub const TOTAL_BALANCE_OF: [u8; 4] = [0x5a, 0x98, 0xf2, 0x26];
    /// `account` → u128.
    pub const FREE_BALANCE_OF: [u8; 4] = [0x8a, 0x0d, 0x40, 0xd7];
    /// `(hash, code type)` → bool.
    pub const CODE_EXISTS: [u8; 4] = [0x6f, 0xc5, 0x84, 0x36];
    /// `account` → `Option` of a hash.
    pub const CODE_HASH: [u8; 4] = [0x91, 0x6f, 0xdb, 0x44];
    /// → (next number, hash).
    pub const CURRENT_EVENT_CHAIN_HEAD: [u8; 4] = [0xe1, 0x46, 0x55, 0xd3];
    /// Use the newest system code; by the owner.
    pub const UPGRADE_SYSTEM_CONTRACT: [u8; 4] = [0xaf, 0x69, 0xca, 0x03];
    /// `from version`; by the system contract itself.
    pub const DO_UPGRADE: [u8; 4] = [0x66, 0x7e, 0x00, 0x41];
    /// `(major, minor)`; by the owner.
    pub const UPGRADE_RUNTIME: [u8; 4] = [0x31, 0x7f, 0x6b, 0xf3];
    /// `(contract, amount)`; by the system contract itself.
    pub const CHANGE_DEPOSIT: [u8; 4] = [0xa2, 0x4b, 0xcb, 0x44];
}

/// Names of drivers that the cluster itself knows.
pub mod driver {
    /// Who answers questions for logs.
    pub const LOGGER: &str = "PinkLogger";
    /// The hash of a SideVM program that evaluates JavaScript; the engine's own is always used.
    pub const JS_RUNTIME: &str = "JsRuntime";
    /// Who may deploy SideVM programs against payment.
    pub const SIDEVM_OPERATION: &str = "SidevmOperation";
    /// Who turns stakes into weights.
    pub const CONTRACT_DEPOSIT: &str = "ContractDeposit";
}

/// Why the system contract refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum Error {
    /// The caller may not. (The spelling is that of the interface.)
    PermisionDenied,
    /// No driver has this name.
    DriverNotFound,
    /// No such code.
    CodeNotFound,
    /// Something that must hold first does not.
    ConditionNotMet,
}

/// Why a driver refuses.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum DriverError {
    /// For this reason.
    Other(String),
    /// The system contract refused.
    SystemError(Error),
    /// The caller may not.
    BadOrigin,
}

/// Kinds of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum CodeType {
    /// A contract.
    Ink,
    /// A SideVM program.
    Sidevm,
}
