//! What became of an execution, in the encoding of pallet-contracts: `ContractExecResult` and
//! `ContractInstantiateResult`, as clients of the original network decode them.

use codec::{Compact, Encode};
use primitives::{Balance, ContractId};

/// Index of the pallet of contracts in the runtime of the original's workers.
const CONTRACTS_PALLET: u8 = 4;
/// Place of `Module` among the kinds of errors of a runtime.
const MODULE: u8 = 3;

/// A deposit for storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
pub enum StorageDeposit {
    /// Given back.
    Refund(Balance),
    /// Charged.
    Charge(Balance),
}

/// Why there is no return value: errors of the pallet of contracts, by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractError {
    /// No gas is left.
    OutOfGas = 2,
    /// The payer cannot pay.
    TransferFailed = 4,
    /// There is no such contract.
    ContractNotFound = 6,
    /// There is no such code.
    CodeNotFound = 8,
    /// Anything else; the reason is in the debug message.
    ContractTrapped = 12,
}

/// An execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution<'a> {
    /// Gas used.
    pub gas_consumed: u64,
    /// Gas that a transaction must offer.
    pub gas_required: u64,
    /// Deposit for storage.
    pub storage_deposit: StorageDeposit,
    /// What the contract wrote for debugging, and why there is no return value.
    pub debug_message: &'a [u8],
    /// Flags and data returned, or why not.
    pub result: Result<(u32, &'a [u8]), ContractError>,
}

impl Execution<'_> {
    /// The result of a call: `ContractExecResult`.
    pub fn encode_call(&self) -> Vec<u8> {
        self.encode(None)
    }

    /// The result of a constructor: `ContractInstantiateResult`, with the new contract's id.
    pub fn encode_instantiation(&self, contract: &ContractId) -> Vec<u8> {
        self.encode(Some(contract))
    }

    fn encode(&self, contract: Option<&ContractId>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for gas in [self.gas_consumed, self.gas_required] {
            // Time, and the size of the proof, which nothing here has.
            (Compact(gas), Compact(0_u64)).encode_to(&mut bytes);
        }
        self.storage_deposit.encode_to(&mut bytes);
        self.debug_message.encode_to(&mut bytes);
        match self.result {
            Ok((flags, data)) => {
                (0_u8, flags, data).encode_to(&mut bytes);
                if let Some(contract) = contract {
                    contract.encode_to(&mut bytes);
                }
            }
            Err(error) => {
                let error = [error as u8, 0, 0, 0];
                (1_u8, MODULE, CONTRACTS_PALLET, error).encode_to(&mut bytes);
            }
        }
        // No events.
        bytes.push(0);
        bytes
    }
}
