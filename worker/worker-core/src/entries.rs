//! What a mailbox entry asks for. The same for a worker and for an auditor who executes again.

use executor_api::{ExecutionError, Operation, Outcome};
use primitives::{AccountId, ClusterId, CodeHash, ContractId};
use codec::Encode as _;
use contract_abi::system::selector;
use wire::{
    audit::Verdict,
    command::InkCommand,
    domain::system_contract_id,
    mailbox::{MailboxEntry, MailboxOperation},
};

/// What an entry comes to, before anything runs.
pub enum Prepared {
    /// An operation.
    Run {
        /// In whose name.
        origin: AccountId,
        /// Whom the entry names, if its outcome is kept.
        contract: Option<ContractId>,
        /// What to run.
        operation: Operation,
        /// Most gas, or 0 for the most that there is.
        gas_limit: u64,
        /// Most storage deposit.
        storage_deposit_limit: Option<u128>,
        /// What the sender made the command unique with.
        nonce: Option<Vec<u8>>,
    },
    /// A command that cannot be opened or read.
    Refused {
        /// Who sent it.
        sender: AccountId,
        /// For whom.
        contract: ContractId,
        /// Why.
        reason: String,
    },
}

impl Prepared {
    /// An operation without code to run: no gas, no outcome to keep.
    fn plain(origin: AccountId, operation: Operation) -> Self {
        Self::Run {
            origin,
            contract: None,
            operation,
            gas_limit: 0,
            storage_deposit_limit: None,
            nonce: None,
        }
    }
}

/// Uploaded code is not to be had under its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeMissing(pub CodeHash);

/// The contract that an entry is addressed to.
pub fn addressed(operation: &MailboxOperation) -> Option<ContractId> {
    match operation {
        MailboxOperation::Command { contract, .. }
        | MailboxOperation::Instantiate { contract, .. } => Some(*contract),
        _ => None,
    }
}

/// What an outcome means for the contracts that it concerns.
pub fn verdict(outcome: &Outcome) -> Verdict {
    match outcome.result {
        Err(ExecutionError::BalanceTooLow) => Verdict::NotPaid,
        _ => Verdict::Ran,
    }
}

/// Turns a mailbox entry into an operation; a command that cannot be opened is refused, for the same
/// reason on every worker.
///
/// # Errors
/// When `code_of` does not have the code that is uploaded.
pub fn prepare(
    cluster: &ClusterId,
    entry: &MailboxEntry,
    code_of: &dyn Fn(&CodeHash) -> Option<Vec<u8>>,
    open: &dyn Fn(&ContractId, &AccountId, &[u8]) -> Result<InkCommand, String>,
) -> Result<Prepared, CodeMissing> {
    Ok(match &entry.operation {
        MailboxOperation::SetUpCluster {
            owner,
            gas_price,
            deposit_per_item,
            deposit_per_byte,
            treasury,
        } => Prepared::plain(
            *owner,
            Operation::SetUpCluster {
                owner: *owner,
                gas_price: *gas_price,
                deposit_per_item: *deposit_per_item,
                deposit_per_byte: *deposit_per_byte,
                treasury: *treasury,
            },
        ),
        MailboxOperation::UploadCode { code_hash } => {
            let code = code_of(code_hash).ok_or(CodeMissing(*code_hash))?;
            Prepared::plain(AccountId::default(), Operation::UploadCode { code })
        }
        MailboxOperation::Deposit { account, amount } => Prepared::plain(
            *account,
            Operation::Deposit {
                account: *account,
                amount: *amount,
            },
        ),
        MailboxOperation::Instantiate {
            contract,
            deployer,
            code_hash,
            input,
            salt,
            transfer,
            gas_limit,
            storage_deposit_limit,
        } => Prepared::Run {
            origin: *deployer,
            contract: Some(*contract),
            operation: Operation::Instantiate {
                contract: *contract,
                code_hash: *code_hash,
                input: input.clone(),
                salt: salt.clone(),
                value: *transfer,
            },
            gas_limit: *gas_limit,
            storage_deposit_limit: *storage_deposit_limit,
            nonce: None,
        },
        MailboxOperation::Command {
            contract,
            sender,
            payload,
        } => prepare_command(open, contract, sender, payload),
        MailboxOperation::SetLimits { limits } => Prepared::plain(
            AccountId::default(),
            Operation::SetLimits { limits: *limits },
        ),
        // Entries about keys ask for nothing to be run, and never come here.
        MailboxOperation::BlockEnd
        | MailboxOperation::RotateKeys { .. }
        | MailboxOperation::RetireKeys => {
            Prepared::plain(AccountId::default(), Operation::BlockEnd)
        }
        MailboxOperation::SetStake { contract, stake } => {
            let system = system_contract_id(cluster);
            let input = (selector::CHANGE_DEPOSIT, contract, stake).encode();
            let operation = Operation::Call { contract: system, input, value: 0 };
            // The system contract takes it from itself alone, and charges itself nothing.
            Prepared::plain(AccountId(system.0), operation)
        }
    })
}

fn prepare_command(
    open: &dyn Fn(&ContractId, &AccountId, &[u8]) -> Result<InkCommand, String>,
    contract: &ContractId,
    sender: &AccountId,
    payload: &[u8],
) -> Prepared {
    match open(contract, sender, payload) {
        Ok(InkCommand::InkMessage {
            nonce,
            message,
            transfer,
            gas_limit,
            storage_deposit_limit,
        }) => Prepared::Run {
            origin: *sender,
            contract: Some(*contract),
            operation: Operation::Call {
                contract: *contract,
                input: message,
                value: transfer,
            },
            gas_limit,
            storage_deposit_limit,
            nonce: Some(nonce),
        },
        Err(reason) => Prepared::Refused {
            sender: *sender,
            contract: *contract,
            reason,
        },
    }
}
