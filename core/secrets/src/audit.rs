//! The key of a contract's auditors: it opens the contract's commands and checks its root, and gives
//! nothing else. Keys that the contract derives for itself are not in it.

use crate::{
    HpkeSecret, Sr25519Secret,
    command::{CommandKeys, CommandRoute, OpenCommandError, open_command},
};
use codec::{Decode, Encode};
use primitives::{AccountId, ClusterId, ContractId, GenesisHash};
use wire::command::{CommandPayload, InkCommand};
use zeroize::Zeroizing;

/// Most seeds of a cluster whose keys an audit key holds: a cluster's keys are rotated now and then.
pub const ROTATIONS_MAX: usize = 64;
/// Longest audit key, bytes.
pub const AUDIT_KEY_BYTES_MAX: usize = 1 + 4 * 32 + 2 + ROTATIONS_MAX * 68;
/// Version of the layout.
const VERSION: u8 = 1;

/// Bytes are not an audit key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an audit key of a version that this program knows")]
pub struct NotAnAuditKey;

/// Why an auditor does not have a command in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// The auditor lacks a key that may open it: the one of this seed of the cluster.
    #[error("the key of the cluster's seed {0} is not among those that the auditor has")]
    KeyMissing(u32),
    /// All keys are there, and it does not open: it did not on any worker.
    #[error(transparent)]
    Unreadable(OpenCommandError),
}

/// The seeds of a contract's two command keys, of one of the cluster's seeds. Wiped when dropped.
pub struct CommandSeeds {
    /// Which of the cluster's seeds, from 0.
    pub(crate) rotation: u32,
    pub(crate) hpke: Zeroizing<[u8; 32]>,
    pub(crate) sr25519: Zeroizing<[u8; 32]>,
}

/// What an auditor of a contract is given. Wiped when dropped.
pub struct AuditKey {
    /// The network.
    pub genesis: GenesisHash,
    /// The contract's cluster.
    pub cluster: ClusterId,
    /// The contract.
    pub contract: ContractId,
    secret: Zeroizing<[u8; 32]>,
    /// By rising rotation, each once.
    commands: Vec<CommandSeeds>,
}

impl AuditKey {
    /// Puts a key together. Of more than [`ROTATIONS_MAX`] command keys the newest are taken.
    pub fn new(
        genesis: GenesisHash,
        cluster: ClusterId,
        contract: ContractId,
        secret: Zeroizing<[u8; 32]>,
        mut commands: Vec<CommandSeeds>,
    ) -> Self {
        commands.sort_by_key(|seeds| seeds.rotation);
        commands.dedup_by_key(|seeds| seeds.rotation);
        commands.drain(..commands.len().saturating_sub(ROTATIONS_MAX));
        Self { genesis, cluster, contract, secret, commands }
    }

    /// Adds the command keys of another key of the same contract: one that was given at another time.
    ///
    /// # Errors
    /// When it is of another contract.
    pub fn merge(self, other: Self) -> Result<Self, NotAnAuditKey> {
        let of = |key: &Self| (key.genesis, key.cluster, key.contract);
        if of(&self) != of(&other) || *self.secret != *other.secret {
            return Err(NotAnAuditKey);
        }
        let mut commands = self.commands;
        commands.extend(other.commands);
        Ok(Self::new(self.genesis, self.cluster, self.contract, self.secret, commands))
    }

    /// What keys the hashes of the contract's part of the state.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Of which of the cluster's seeds it has command keys.
    pub fn rotations(&self) -> impl Iterator<Item = u32> {
        self.commands.iter().map(|seeds| seeds.rotation)
    }

    /// Opens a command that `sender` sent to the contract while the keys of the seeds `in_use` opened
    /// commands.
    ///
    /// # Errors
    /// See [`NotOpened`].
    pub fn open(
        &self,
        sender: &AccountId,
        payload: &CommandPayload,
        in_use: &[u32],
    ) -> Result<InkCommand, NotOpened> {
        let route =
            CommandRoute { genesis: self.genesis, contract: self.contract, sender: *sender };
        let mut missing = None;
        for rotation in in_use {
            let Some(seeds) = self.commands.iter().find(|seeds| seeds.rotation == *rotation) else {
                missing = Some(*rotation);
                continue;
            };
            let hpke = HpkeSecret::from_seed(&seeds.hpke);
            let sr25519 = Sr25519Secret::from_seed(&seeds.sr25519);
            match open_command(&CommandKeys { hpke: &hpke, sr25519: &sr25519 }, &route, payload) {
                Ok(command) => return Ok(command),
                Err(OpenCommandError::DoesNotOpen) => {}
                // With this key it opens; what is inside is none.
                Err(error) => return Err(NotOpened::Unreadable(error)),
            }
        }
        Err(match missing {
            Some(rotation) => NotOpened::KeyMissing(rotation),
            None => NotOpened::Unreadable(OpenCommandError::DoesNotOpen),
        })
    }

    /// The key's bytes, to be sealed or guarded by the caller at once.
    pub fn expose(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(AUDIT_KEY_BYTES_MAX));
        bytes.push(VERSION);
        for part in [self.genesis.as_bytes(), self.cluster.as_bytes(), self.contract.as_bytes()] {
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(&*self.secret);
        (self.commands.len() as u16).encode_to(&mut *bytes);
        for seeds in &self.commands {
            seeds.rotation.encode_to(&mut *bytes);
            bytes.extend_from_slice(&*seeds.hpke);
            bytes.extend_from_slice(&*seeds.sr25519);
        }
        bytes
    }

    /// Reads what [`AuditKey::expose`] gave.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAnAuditKey> {
        if bytes.len() > AUDIT_KEY_BYTES_MAX {
            return Err(NotAnAuditKey);
        }
        let Some((&VERSION, mut input)) = bytes.split_first() else {
            return Err(NotAnAuditKey);
        };
        let input = &mut input;
        let (genesis, cluster, contract) = (take(input)?, take(input)?, take(input)?);
        let secret = Zeroizing::new(take(input)?);
        let count = u16::decode(input).map_err(|_| NotAnAuditKey)?;
        let mut commands = Vec::new();
        for _ in 0..count {
            let rotation = u32::decode(input).map_err(|_| NotAnAuditKey)?;
            let hpke = Zeroizing::new(take(input)?);
            commands.push(CommandSeeds { rotation, hpke, sr25519: Zeroizing::new(take(input)?) });
        }
        let is_sorted = commands.windows(2).all(|pair| pair[0].rotation < pair[1].rotation);
        if !input.is_empty() || commands.len() > ROTATIONS_MAX || !is_sorted {
            return Err(NotAnAuditKey);
        }
        let (genesis, cluster) = (GenesisHash(genesis), ClusterId(cluster));
        Ok(Self { genesis, cluster, contract: ContractId(contract), secret, commands })
    }
}

fn take(input: &mut &[u8]) -> Result<[u8; 32], NotAnAuditKey> {
    <[u8; 32]>::decode(input).map_err(|_| NotAnAuditKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClusterSeed, command::seal_command};
    use rand_core::OsRng;

    const CONTRACT: ContractId = ContractId([3; 32]);
    const SENDER: AccountId = AccountId([4; 32]);

    fn key(rotations: &[u32]) -> AuditKey {
        let seeds = rotations.iter().map(|rotation| {
            seed(*rotation).contract_command_seeds(&CONTRACT, *rotation)
        });
        AuditKey::new(
            GenesisHash([1; 32]),
            ClusterId([2; 32]),
            CONTRACT,
            seed(0).contract_audit_secret(&CONTRACT),
            seeds.collect(),
        )
    }

    fn seed(rotation: u32) -> ClusterSeed {
        ClusterSeed::from_bytes(&[rotation as u8 + 1; 32])
    }

    fn sealed(rotation: u32) -> CommandPayload {
        let command = InkCommand::InkMessage {
            nonce: vec![1],
            message: vec![2; 4],
            transfer: 0,
            gas_limit: 0,
            storage_deposit_limit: None,
        };
        let route =
            CommandRoute { genesis: GenesisHash([1; 32]), contract: CONTRACT, sender: SENDER };
        let to = seed(rotation).contract_hpke_key(&CONTRACT).public();
        seal_command(&to, &route, &command, &mut OsRng).unwrap()
    }

    #[test]
    fn a_key_survives_its_bytes_and_opens_what_was_sealed_in_its_time() {
        let read = AuditKey::from_bytes(&key(&[0, 1]).expose()).unwrap();
        assert_eq!(read.rotations().collect::<Vec<_>>(), [0, 1]);
        assert!(read.open(&SENDER, &sealed(0), &[0]).is_ok());
        assert!(read.open(&SENDER, &sealed(0), &[1, 0]).is_ok());
        let unreadable = Err(NotOpened::Unreadable(OpenCommandError::DoesNotOpen));
        assert_eq!(read.open(&SENDER, &sealed(0), &[1]), unreadable);
        assert_eq!(read.open(&AccountId([5; 32]), &sealed(0), &[0]), unreadable);
        assert_eq!(read.open(&SENDER, &sealed(2), &[2, 1]), Err(NotOpened::KeyMissing(2)));
    }

    #[test]
    fn keys_of_several_times_come_together_and_those_of_other_contracts_do_not() {
        let merged = key(&[0, 1]).merge(key(&[1, 3])).unwrap();
        assert_eq!(merged.rotations().collect::<Vec<_>>(), [0, 1, 3]);
        let mut other = key(&[0]);
        other.contract = ContractId([9; 32]);
        assert!(key(&[0]).merge(other).is_err());
    }

    #[test]
    fn damaged_keys_are_refused() {
        let bytes = key(&[0]).expose();
        for length in 0..bytes.len() {
            assert!(AuditKey::from_bytes(&bytes[..length]).is_err());
        }
        assert!(AuditKey::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        assert!(AuditKey::from_bytes(&[&[2], &bytes[1..]].concat()).is_err());
        assert!(AuditKey::from_bytes(&vec![1; AUDIT_KEY_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn the_format_is_fixed() {
        let hash = wire::domain::blake2_256(&key(&[0, 1]).expose());
        assert_eq!(hex::encode(hash), include_str!("../tests/fixtures/audit-key.hex").trim());
    }
}
