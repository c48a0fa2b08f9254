//! Commands: what a client asks a contract to do, through the chain.
//!
//! Variants 0 and 1 of [`CommandPayload`] and all of [`InkCommand`] have the original network's
//! layout; variant 2 is ours (HPKE, bound to network, contract and sender).

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use primitives::{AccountId, Balance, ContractId, GenesisHash};
use scale_info::TypeInfo;

/// Longest nonce of a command, bytes.
pub const NONCE_BYTES_MAX: usize = 32;

/// How the outcome begins of a command that no key of the contract opens: it has changed nothing, and the
/// contract may have another key by now.
pub const NOT_OPENED: &str = "the command cannot be opened";

/// First byte of a [`CommandPayload::Encrypted`]: by it the chain tells that format from others.
pub const ENCRYPTED_COMMAND: u8 = 1;

/// A call of a contract, in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum InkCommand {
    /// Run one message of the contract.
    InkMessage {
        /// Chosen by the client to find its result; at most [`NONCE_BYTES_MAX`] bytes.
        nonce: Vec<u8>,
        /// Selector and arguments.
        message: Vec<u8>,
        /// Value to transfer with the call, from the sender's balance in the cluster.
        transfer: Balance,
        /// Most gas to use; 0 for the cluster's maximum.
        gas_limit: u64,
        /// Most storage deposit to charge.
        storage_deposit_limit: Option<Balance>,
    },
}

/// The original network's envelope: sr25519 agreement, AES-256-GCM, no associated data.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct EncryptedData {
    /// Nonce of AES-GCM.
    pub iv: [u8; 12],
    /// The sender's ephemeral sr25519 key.
    pub pubkey: [u8; 32],
    /// Ciphertext and tag.
    pub data: Vec<u8>,
}

/// A command sealed by HPKE base mode to the contract's key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SealedCommand {
    /// The encapsulated key.
    pub encapsulated_key: [u8; 32],
    /// Ciphertext of a SCALE [`InkCommand`], with its tag.
    pub ciphertext: Vec<u8>,
}

/// What is on chain of a command.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum CommandPayload {
    /// In the clear.
    Plain(InkCommand),
    /// Sealed as the original network does.
    Encrypted(EncryptedData),
    /// Sealed by HPKE.
    Sealed(SealedCommand),
}

/// Associated data of a [`SealedCommand`]: it opens for this network, contract and sender alone.
pub fn sealed_command_aad(
    genesis: &GenesisHash,
    contract: &ContractId,
    sender: &AccountId,
) -> [u8; 32] {
    crate::domain::tagged_hash(
        crate::domain::SEALED_COMMAND,
        &[genesis.as_bytes(), contract.as_bytes(), sender.as_bytes()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn the_first_byte_tells_the_format() {
        let payload = CommandPayload::Encrypted(EncryptedData {
            iv: [0; 12],
            pubkey: [0; 32],
            data: vec![],
        });
        assert_eq!(payload.encode().first(), Some(&ENCRYPTED_COMMAND));
    }
}
