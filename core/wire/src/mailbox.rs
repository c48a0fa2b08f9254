//! The mailbox: what the chain hands to the workers of a cluster, numbered from 0 without a gap.

use crate::limits::ClusterLimits;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use primitives::{AccountId, Balance, BlockNumber, CodeHash, ContractId, UnixMillis};
use scale_info::TypeInfo;

/// One thing for the workers of a cluster to do. Every worker does the same, in order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum MailboxOperation {
    /// Always number 0: the cluster and its prices.
    SetUpCluster {
        /// Who owns the cluster.
        owner: AccountId,
        /// Price of one gas.
        gas_price: Balance,
        /// Deposit for each item of storage.
        deposit_per_item: Balance,
        /// Deposit for each byte of storage.
        deposit_per_byte: Balance,
        /// Account inside the cluster that receives fees.
        treasury: AccountId,
    },
    /// Make code available; the bytes are in the chain's `CodeBlobs` under the hash.
    UploadCode {
        /// Which code.
        code_hash: CodeHash,
    },
    /// Add to a balance inside the cluster.
    Deposit {
        /// Whose.
        account: AccountId,
        /// How much.
        amount: Balance,
    },
    /// Make a contract.
    Instantiate {
        /// Its id.
        contract: ContractId,
        /// Who deploys it.
        deployer: AccountId,
        /// Its code.
        code_hash: CodeHash,
        /// Constructor selector and arguments.
        input: Vec<u8>,
        /// The salt of its id.
        salt: Vec<u8>,
        /// Value transferred to it.
        transfer: Balance,
        /// Most gas to use.
        gas_limit: u64,
        /// Most storage deposit.
        storage_deposit_limit: Option<Balance>,
    },
    /// Run a command.
    Command {
        /// For which contract.
        contract: ContractId,
        /// Who signed the extrinsic.
        sender: AccountId,
        /// SCALE of [`crate::command::CommandPayload`]; nothing about it was checked on chain but its
        /// length.
        payload: Vec<u8>,
    },
    /// Set what the cluster's contracts may use.
    SetLimits {
        /// The limits; the chain has checked that they are within their bounds.
        limits: ClusterLimits,
    },
    /// The end of a block, for the hooks of the cluster's contracts.
    BlockEnd,
    /// Tell what is staked to a contract: the system contract gives it weight, or its driver does.
    SetStake {
        /// The contract.
        contract: ContractId,
        /// The sum of all stakes behind it.
        stake: Balance,
    },
    /// From here on the cluster uses another of its seeds. Commands that are sealed to the keys before
    /// still open, until [`MailboxOperation::RetireKeys`].
    RotateKeys {
        /// Which seed.
        rotation: u32,
    },
    /// From here on commands open to the keys of the seed in use alone.
    RetireKeys,
}

/// A numbered entry of a cluster's mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct MailboxEntry {
    /// The block that took it in: what contracts see as block number.
    pub block_number: BlockNumber,
    /// That block's timestamp: what contracts see as time.
    pub timestamp_ms: UnixMillis,
    /// What to do.
    pub operation: MailboxOperation,
}
