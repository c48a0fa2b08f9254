//! The log of receipts: what the worker signed, under roots that go on chain.
//!
//! Every signed batch is a leaf. At checkpoints the leaves gathered so far are closed into an interval
//! and its root is reported to the chain. One interval at a time is on its way: what is signed meanwhile
//! waits for the next. The trees of the newest intervals stay in memory, and tell where a batch stands in
//! them; after a restart they are gone, and what they held cannot be shown any more. Whoever wants to keep
//! the evidence fetches it in time.

use crate::outbox::Outbox;
use primitives::{BlockNumber, ClusterId};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use wire::{
    message::MessagePayload,
    receipt::{Batch, LOG_INTERVALS_KEPT, LOG_LEAVES_MAX, LogInclusion},
};

/// Blocks between the ends of two intervals, at least.
const INTERVAL: BlockNumber = 5;
/// Blocks after which a root that the chain has not taken is reported again, under the number that the chain
/// then expects.
const PATIENCE: BlockNumber = 40;
/// Most leaves of all intervals that are kept, 32 MiB of them; the oldest intervals go first.
const LEAVES_KEPT_MAX: usize = 1 << 20;

/// Why a batch's place in the log is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLogged {
    /// Its interval is open, or its root on the way to the chain.
    #[error("the log of these receipts is not on chain yet: ask again in some blocks")]
    NotYet,
    /// Nothing is known of it.
    #[error(
        "this worker's log has no such receipt: it keeps {LOG_INTERVALS_KEPT} intervals, and none over a restart"
    )]
    Unknown,
}

struct Interval {
    index: u64,
    leaves: Vec<[u8; 32]>,
    receipts: u32,
}

#[derive(Default)]
struct State {
    open: Vec<[u8; 32]>,
    open_receipts: u32,
    /// The interval whose root is on its way, and since which block.
    reported: Option<(Interval, BlockNumber)>,
    kept: VecDeque<Interval>,
    closed_at: Option<BlockNumber>,
}

/// A worker's log of the batches that it signed.
#[derive(Default)]
pub struct ReceiptLog(Mutex<State>);

impl ReceiptLog {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a batch: what was signed for it, and how many receipts it has. Beyond
    /// [`LOG_LEAVES_MAX`] batches in one interval it is not logged; its receipts hold as before.
    pub(crate) fn add(&self, signed: [u8; 32], receipts: u32) {
        let mut state = self.state();
        if state.open.len() < LOG_LEAVES_MAX as usize {
            state.open.push(signed);
            state.open_receipts = state.open_receipts.saturating_add(receipts);
        }
    }

    /// At block `now`, where the chain takes interval `chain_next` next: settles what it has taken, and
    /// reports what is due.
    pub(crate) fn report(
        &self,
        cluster: ClusterId,
        now: BlockNumber,
        chain_next: u64,
        outbox: &mut Outbox,
    ) {
        let mut state = self.state();
        match state.reported.take() {
            Some((interval, _)) if interval.index < chain_next => state.keep(interval),
            Some((mut interval, since)) => {
                if now.saturating_sub(since) < PATIENCE {
                    state.reported = Some((interval, since));
                    return;
                }
                interval.index = chain_next;
                state.send(cluster, now, interval, outbox);
                return;
            }
            None => {}
        }
        let due = state.closed_at.is_none_or(|at| now.saturating_sub(at) >= INTERVAL);
        if due && !state.open.is_empty() {
            let leaves = std::mem::take(&mut state.open);
            let receipts = std::mem::take(&mut state.open_receipts);
            state.send(cluster, now, Interval { index: chain_next, leaves, receipts }, outbox);
        }
    }

    /// Where the batch stands for which the worker signed `signed`.
    ///
    /// # Errors
    /// See [`NotLogged`].
    pub fn inclusion(&self, signed: &[u8; 32]) -> Result<LogInclusion, NotLogged> {
        let place_in = |leaves: &[[u8; 32]]| leaves.iter().position(|leaf| leaf == signed);
        let (index, leaf_index, leaves) = {
            let state = self.state();
            let found = state.kept.iter().rev().find_map(|interval| {
                Some((interval.index, place_in(&interval.leaves)?, interval.leaves.clone()))
            });
            let on_the_way = |state: &State| {
                let reported = state.reported.as_ref();
                place_in(&state.open).is_some()
                    || reported.is_some_and(|(interval, _)| place_in(&interval.leaves).is_some())
            };
            match found {
                Some(found) => found,
                None if on_the_way(&state) => return Err(NotLogged::NotYet),
                None => return Err(NotLogged::Unknown),
            }
        };
        let tree = Batch::of_log(leaves).ok_or(NotLogged::Unknown)?;
        let leaf_index = u32::try_from(leaf_index).map_err(|_| NotLogged::Unknown)?;
        let path = tree.path(leaf_index).ok_or(NotLogged::Unknown)?;
        Ok(LogInclusion { index, leaf_index, leaf_count: tree.leaf_count(), path })
    }
}

impl State {
    fn send(&mut self, cluster: ClusterId, now: BlockNumber, interval: Interval, outbox: &mut Outbox) {
        let Some(tree) = Batch::of_log(interval.leaves.clone()) else {
            return;
        };
        let payload = MessagePayload::ReceiptLog {
            cluster,
            index: interval.index,
            root: tree.root(),
            receipts: interval.receipts,
        };
        // Where the outbox is full it is pushed again after `PATIENCE`.
        let _queued = outbox.push(payload);
        self.closed_at = Some(now);
        self.reported = Some((interval, now));
    }

    fn keep(&mut self, interval: Interval) {
        self.kept.push_back(interval);
        let mut leaves: usize = self.kept.iter().map(|kept| kept.leaves.len()).sum();
        while self.kept.len() as u64 > LOG_INTERVALS_KEPT || leaves > LEAVES_KEPT_MAX {
            let Some(oldest) = self.kept.pop_front() else { break };
            leaves -= oldest.leaves.len();
        }
    }
}
