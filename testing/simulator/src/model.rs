//! What the contracts' state must be after each mailbox entry, worked out from the chain alone.

use crate::executor::Value;
use codec::Decode;
use primitives::{AccountId, ClusterId, CodeHash, ContractId};
use std::collections::{BTreeMap, BTreeSet};
use wire::{
    command::{CommandPayload, InkCommand},
    mailbox::MailboxOperation,
};

/// A command that a client has sealed: who may send it, to which contract, and what it says.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Who.
    pub sender: AccountId,
    /// To which contract.
    pub contract: ContractId,
    /// To its key by which of the cluster's seeds.
    pub rotation: u32,
    /// The message.
    pub message: Vec<u8>,
}

/// One cluster.
#[derive(Default)]
struct Cluster {
    codes: BTreeSet<CodeHash>,
    /// The seed in use.
    rotation: u32,
    /// The one before, while commands to its keys open.
    previous: Option<u32>,
    values: BTreeMap<ContractId, Option<Value>>,
    /// The values after so many entries.
    after: Vec<BTreeMap<ContractId, Option<Value>>>,
}

/// The model.
#[derive(Default)]
pub struct Model {
    clusters: BTreeMap<ClusterId, Cluster>,
    sealed: BTreeMap<Vec<u8>, Sealed>,
    /// Commands that were final, and had to run.
    pub commands: u64,
}

impl Model {
    /// A client has sealed a command.
    pub fn seal(&mut self, payload: Vec<u8>, sealed: Sealed) {
        self.sealed.insert(payload, sealed);
    }

    /// Entries of a cluster that were taken in.
    pub fn next_number(&self, cluster: &ClusterId) -> u64 {
        self.clusters.get(cluster).map_or(0, |cluster| cluster.after.len() as u64)
    }

    /// Takes in the cluster's next entry.
    pub fn push(&mut self, id: ClusterId, operation: &MailboxOperation) {
        let message = match operation {
            MailboxOperation::Command { contract, sender, payload } => {
                let cluster = self.clusters.entry(id).or_default();
                let in_use = (cluster.rotation, cluster.previous);
                self.open(contract, sender, payload, in_use)
            }
            _ => None,
        };
        let cluster = self.clusters.entry(id).or_default();
        match operation {
            MailboxOperation::RotateKeys { rotation } => {
                cluster.previous = Some(std::mem::replace(&mut cluster.rotation, *rotation));
            }
            MailboxOperation::RetireKeys => cluster.previous = None,
            MailboxOperation::UploadCode { code_hash } => {
                cluster.codes.insert(*code_hash);
            }
            MailboxOperation::Instantiate { contract, code_hash, .. }
                if cluster.codes.contains(code_hash) =>
            {
                cluster.values.entry(*contract).or_default();
            }
            MailboxOperation::Command { contract, sender, .. } => {
                self.commands += 1;
                if let Some(message) = message.filter(|message| message.starts_with(b"set:"))
                    && let Some(value) = cluster.values.get_mut(contract)
                {
                    *value = Some(value.unwrap_or_default().after(sender, &message));
                }
            }
            _ => {}
        }
        cluster.after.push(cluster.values.clone());
    }

    fn open(
        &self,
        contract: &ContractId,
        sender: &AccountId,
        payload: &[u8],
        (rotation, previous): (u32, Option<u32>),
    ) -> Option<Vec<u8>> {
        if let Some(sealed) = self.sealed.get(payload) {
            // It opens for nobody else, nowhere else, and not to keys that have gone.
            let is_in_use = sealed.rotation == rotation || Some(sealed.rotation) == previous;
            let fits = is_in_use && (&sealed.sender, &sealed.contract) == (sender, contract);
            return fits.then(|| sealed.message.clone());
        }
        let whole = |payload: &[u8]| {
            let mut rest = payload;
            let read = CommandPayload::decode(&mut rest).ok()?;
            rest.is_empty().then_some(read)
        };
        match whole(payload)? {
            CommandPayload::Plain(InkCommand::InkMessage { message, .. }) => Some(message),
            _ => None,
        }
    }

    /// A contract's value after so many entries.
    pub fn value(&self, cluster: &ClusterId, number: u64, contract: &ContractId) -> Option<Value> {
        let after = &self.clusters.get(cluster)?.after;
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        *after.get(place)?.get(contract)?
    }
}
