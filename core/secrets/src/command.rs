//! Sealing and opening commands.

use crate::{
    HpkeSecret, Sr25519Secret, compat,
    hpke::{self, SealError},
};
use codec::Encode;
use primitives::{AccountId, ContractId, GenesisHash, HpkePublicKey, bounds::COMMAND_BYTES_MAX};
use rand_core::{CryptoRng, RngCore};
use wire::{
    command::{CommandPayload, InkCommand, NONCE_BYTES_MAX, SealedCommand, sealed_command_aad},
    decode_all,
    domain::SEALED_COMMAND,
};
use zeroize::Zeroizing;

/// Why a command on chain is not one. The chain checks none of this; workers skip such a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenCommandError {
    /// Sealed for another contract, network or sender, or damaged.
    #[error(
        "the command does not open: sealed for another contract, network or sender, or damaged"
    )]
    DoesNotOpen,
    /// It opens, and what is inside is not a command.
    #[error("the command is not a valid encoding")]
    Malformed,
    /// Its nonce is too long.
    #[error("the command's nonce is longer than 32 bytes")]
    NonceTooLong,
}

/// Where a command goes and who sends it: what its seal is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRoute {
    /// Which network.
    pub genesis: GenesisHash,
    /// For which contract.
    pub contract: ContractId,
    /// Who signs the extrinsic.
    pub sender: AccountId,
}

impl CommandRoute {
    fn aad(&self) -> [u8; 32] {
        sealed_command_aad(&self.genesis, &self.contract, &self.sender)
    }
}

/// Seals a command to a contract.
///
/// # Errors
/// When `contract_key` is not a usable key.
pub fn seal_command(
    contract_key: &HpkePublicKey,
    route: &CommandRoute,
    command: &InkCommand,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<CommandPayload, SealError> {
    let plaintext = Zeroizing::new(command.encode());
    let (sealed, _) = hpke::seal_base(contract_key, SEALED_COMMAND, &route.aad(), &plaintext, rng)?;
    Ok(CommandPayload::Sealed(SealedCommand {
        encapsulated_key: sealed.encapsulated_key,
        ciphertext: sealed.ciphertext,
    }))
}

/// The keys of a contract that commands are opened with.
pub struct CommandKeys<'a> {
    /// For [`CommandPayload::Sealed`].
    pub hpke: &'a HpkeSecret,
    /// For [`CommandPayload::Encrypted`].
    pub sr25519: &'a Sr25519Secret,
}

/// Opens a command of any kind.
///
/// # Errors
/// See [`OpenCommandError`]. The outcome is the same on each worker of the cluster.
pub fn open_command(
    keys: &CommandKeys<'_>,
    route: &CommandRoute,
    payload: &CommandPayload,
) -> Result<InkCommand, OpenCommandError> {
    let decode = |plaintext: &[u8]| {
        decode_all(plaintext, COMMAND_BYTES_MAX).map_err(|_| OpenCommandError::Malformed)
    };
    let command = match payload {
        CommandPayload::Plain(command) => command.clone(),
        CommandPayload::Encrypted(data) => {
            let plaintext =
                compat::open(keys.sr25519, data).map_err(|_| OpenCommandError::DoesNotOpen)?;
            decode(&plaintext)?
        }
        CommandPayload::Sealed(sealed) => {
            let (plaintext, _) = hpke::open_base(
                keys.hpke,
                SEALED_COMMAND,
                &route.aad(),
                &sealed.encapsulated_key,
                &sealed.ciphertext,
            )
            .map_err(|_| OpenCommandError::DoesNotOpen)?;
            decode(&plaintext)?
        }
    };
    let InkCommand::InkMessage { nonce, .. } = &command;
    if nonce.len() > NONCE_BYTES_MAX {
        return Err(OpenCommandError::NonceTooLong);
    }
    Ok(command)
}
