//! Answers that wait for their receipts, which are signed together.
//!
//! One signature costs as much as several queries. So an answer is [`put`](ReceiptQueue::put) aside, and
//! when nothing else is at hand [`ReceiptQueue::sign`] puts all that wait under one signature.

use crate::{
    identity::Identity,
    query::{Refusal, ReplySeal},
    receipt_log::ReceiptLog,
};
use std::sync::{Arc, Mutex, PoisonError};
use wire::{
    query::QueryReply,
    receipt::{BATCH_LEAVES_MAX, Receipt, ReceiptBody},
};

/// Answers that may wait at once.
pub const WAITING_MAX: usize = 4096;

const _: () = assert!(WAITING_MAX >= BATCH_LEAVES_MAX as usize);

struct Waiting<W> {
    body: ReceiptBody,
    reply: QueryReply,
    seal: ReplySeal,
    asker: W,
}

/// Answers without their receipts. `W` is whoever asked.
pub struct ReceiptQueue<W> {
    identity: Arc<Identity>,
    log: Arc<ReceiptLog>,
    waiting: Mutex<Vec<Waiting<W>>>,
}

impl<W> ReceiptQueue<W> {
    /// Nothing waits. `identity` signs, and nobody logs what.
    pub fn new(identity: Arc<Identity>) -> Self {
        Self::with_log(identity, Arc::default())
    }

    /// As [`Self::new`]; what is signed goes into `log`.
    pub fn with_log(identity: Arc<Identity>, log: Arc<ReceiptLog>) -> Self {
        Self { identity, log, waiting: Mutex::default() }
    }

    /// Puts an answer aside until the next [`Self::sign`].
    ///
    /// # Errors
    /// Gives the asker back when [`WAITING_MAX`] wait already.
    pub fn put(
        &self,
        body: ReceiptBody,
        reply: QueryReply,
        seal: ReplySeal,
        asker: W,
    ) -> Result<(), W> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING_MAX {
            return Err(asker);
        }
        waiting.push(Waiting { body, reply, seal, asker });
        Ok(())
    }

    /// Signs for all that wait, seals their answers and hands each to `give`.
    pub fn sign(&self, mut give: impl FnMut(W, Result<Vec<u8>, Refusal>)) {
        let mut waiting =
            std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        while !waiting.is_empty() {
            let count = waiting.len().min(BATCH_LEAVES_MAX as usize);
            let mut bodies = Vec::with_capacity(count);
            let mut askers = Vec::with_capacity(count);
            for Waiting { body, reply, seal, asker } in waiting.drain(..count) {
                bodies.push(body);
                askers.push((reply, seal, asker));
            }
            match secrets::receipt::sign_batch(self.identity.signing(), bodies) {
                Ok(receipts) => {
                    // Before the answers go out: who has one may ask for its place in the log at once.
                    if let Some(signed) = receipts.first().and_then(Receipt::signed_bytes) {
                        self.log.add(signed, count as u32);
                    }
                    for (receipt, (reply, seal, asker)) in receipts.into_iter().zip(askers) {
                        give(asker, seal.seal(reply, Some(receipt)));
                    }
                }
                // All are this worker's, so this is a bug, and these answers alone are lost.
                Err(_) => {
                    askers.into_iter().for_each(|(_, _, asker)| give(asker, Err(Refusal::Broken)));
                }
            }
        }
    }
}
