//! What must hold after each event.
//!
//! | checker | holds |
//! |---|---|
//! | one state | all that any machine commits after n entries has one root, and the contracts' values that the model has |
//! | answers | an answer names a final block, the one root that belongs to it, and the model's value |
//! | no forgotten state | the blocks of a process's answers never go back; a process answers from a block only if the chain, at that block, knows that very process; one process of a worker for each block |
//! | entitled | at the block of an answer the worker is registered, of the cluster, not suspended; a key is sealed to nobody whom the block, by which it was, does not entitle |
//! | fresh | where the host's clock is right, an answer's block is not older than the limit |
//! | once | an envelope is answered once by a process; a final sequence number has one message |
//! | receipts | a receipt's signature holds, and it says what the answer says |
//! | keys | what a member has on its disks is encrypted by the seed in use, and it keeps none from before it; a command opens to the keys in use, and to those before for as long as the mailbox says |
//! | alive | when faults stop, all members serve the newest state |

use crate::{Broken, chain::Finals, disk::Committed, model::Model};
use chain_facts::{Instance, WorkerInfo, keys};
use primitives::{BlockNumber, ClusterId, StateRoot, WorkerId};
use std::collections::BTreeMap;

/// What the checkers remember.
#[derive(Default)]
pub struct Checks {
    /// The one root after so many entries, and which machine had it first.
    roots: BTreeMap<(ClusterId, u64), (StateRoot, usize)>,
    /// Which process answered for a worker from a block.
    answered: BTreeMap<(WorkerId, BlockNumber), u64>,
}

/// Whether a final block lets a worker act: registered, not lapsed, its build allowed.
pub fn is_active(finals: &Finals, at: BlockNumber, worker: &WorkerId) -> bool {
    let info: Option<WorkerInfo> = finals.read(at, &keys::worker(worker));
    let now: u64 = finals.read(at, &keys::timestamp_now()).unwrap_or_default();
    info.is_some_and(|info| {
        let allowed = finals.value(at, &keys::allowed_measurement(&info.measurement)).is_some();
        allowed && info.expires_at_ms > now
    })
}

/// Whether a final block names a worker as one of a cluster that may have its key.
pub fn is_entitled(
    finals: &Finals,
    at: BlockNumber,
    cluster: &ClusterId,
    worker: &WorkerId,
) -> bool {
    let members: Vec<WorkerId> =
        finals.read(at, &keys::cluster_workers(cluster)).unwrap_or_default();
    members.contains(worker) && is_active(finals, at, worker)
}

/// Who answered, and from what.
pub struct Answered<'a> {
    pub machine: &'a str,
    pub process: u64,
    pub instances: &'a std::collections::BTreeSet<[u8; 32]>,
    pub worker: WorkerId,
    pub cluster: ClusterId,
    pub block: BlockNumber,
    pub block_hash: primitives::BlockHash,
    pub root: StateRoot,
    /// The newest block that the process answered from before.
    pub before: BlockNumber,
    pub tainted_from: Option<u64>,
    /// The true time, where the host's clock is right.
    pub now_ms: Option<u64>,
    pub stale_ms: u64,
}

macro_rules! hold {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(Broken::new(format!($($text)+)));
        }
    };
}
pub(crate) use hold;

impl Checks {
    /// A machine committed a state.
    ///
    /// # Errors
    /// When it is another than it must be.
    pub fn on_commit(&mut self, committed: &Committed, model: &Model) -> Result<(), Broken> {
        if committed.is_tainted {
            return Ok(());
        }
        let Committed { machine, cluster, next_number, root, .. } = committed;
        let first = self.roots.entry((*cluster, *next_number)).or_insert((*root, *machine));
        hold!(
            first.0 == *root,
            "one state: after {next_number} entries machine {machine} has root {root}, machine {} had {}",
            first.1,
            first.0
        );
        for (contract, value) in &committed.values {
            let wanted = model.value(cluster, *next_number, contract);
            hold!(
                *value == wanted,
                "one state: after {next_number} entries machine {machine} has {value:?} for {contract}, the \
                 model {wanted:?}"
            );
        }
        Ok(())
    }

    /// The root that every machine had after so many entries.
    pub fn root(&self, cluster: &ClusterId, number: u64) -> Option<StateRoot> {
        self.roots.get(&(*cluster, number)).map(|(root, _)| *root)
    }

    /// A process answered. Gives the number of entries that the answer's state must have.
    ///
    /// # Errors
    /// When it must not have, or not from this state.
    pub fn on_answer(&mut self, finals: &Finals, by: &Answered<'_>) -> Result<u64, Broken> {
        let Answered { machine, process, worker, cluster, block, root, .. } = *by;
        let who = format!("{machine} (process {process}) answers from block {block}");
        hold!(finals.hash(block) == Some(by.block_hash), "answers: {who}, which is not final");
        hold!(
            block >= by.before,
            "no forgotten state: {who}, but answered from block {} before",
            by.before
        );
        let instance: Option<Instance> = finals.read(block, &keys::instance(&worker));
        hold!(
            instance.is_some_and(|known| by.instances.contains(&known.nonce)),
            "no forgotten state: {who}, at which the chain knows another process or none"
        );
        let other = *self.answered.entry((worker, block)).or_insert(process);
        hold!(
            other == process,
            "no forgotten state: {who}, as process {other} did: two speak for one worker"
        );
        hold!(
            finals.read(block, &keys::cluster_of_worker(&worker)) == Some(cluster),
            "entitled: {who} for {cluster}, to which it does not belong there"
        );
        hold!(is_active(finals, block, &worker), "entitled: {who}, where it is not registered");
        let suspended: Vec<WorkerId> =
            finals.read(block, &keys::suspended_workers(&cluster)).unwrap_or_default();
        hold!(!suspended.contains(&worker), "entitled: {who}, where it is suspended");
        if let Some(now_ms) = by.now_ms {
            let time: u64 = finals.read(block, &keys::timestamp_now()).unwrap_or_default();
            let age_ms = now_ms.saturating_sub(time);
            hold!(age_ms <= by.stale_ms, "fresh: {who}, which is {age_ms} ms old");
        }
        let number: u64 = finals.read(block, &keys::inbox_next(&cluster)).unwrap_or_default();
        match by.tainted_from {
            None => {
                let wanted = self.root(&cluster, number);
                hold!(
                    wanted == Some(root),
                    "answers: {who} with root {root}, but after {number} entries it is {wanted:?}"
                );
            }
            Some(from) => {
                // It cannot know before the cluster has agreed on more than it still had right.
                let agreed: Option<chain_facts::AgreedCheckpoint> =
                    finals.read(block, &keys::agreed_checkpoint(&cluster));
                let is_known = agreed.is_some_and(|agreed| agreed.next_number >= from);
                let differs = self.root(&cluster, number).is_some_and(|right| right != root);
                hold!(
                    !(is_known && differs),
                    "one state: {who}, wrong since entry {from}, though the cluster agrees on more"
                );
            }
        }
        Ok(number)
    }
}
