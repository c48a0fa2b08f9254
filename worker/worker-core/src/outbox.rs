//! Messages to the chain: numbered, signed, sent again until the chain has them.

use crate::identity::Identity;
use primitives::BlockNumber;
use std::collections::VecDeque;
use wire::message::{MessagePayload, MessageSender, SignedMessage, signed_bytes};

/// Messages that may wait; a worker that has more says no new ones.
const WAITING_MAX: usize = 256;
/// Blocks after which a message that no block has is sent again.
const RESEND_AFTER: BlockNumber = 8;
/// Messages sent in one block.
const SENT_PER_BLOCK_MAX: usize = 16;

struct Waiting {
    payload: MessagePayload,
    sent_at: Option<BlockNumber>,
}

/// A worker's messages that the chain has not taken yet.
#[derive(Default)]
pub(crate) struct Outbox {
    /// The number of the first waiting message, as the chain counts.
    next_sequence: u64,
    waiting: VecDeque<Waiting>,
}

impl Outbox {
    /// Queues a message unless the same one waits already or too many do; whether it is queued now.
    pub(crate) fn push(&mut self, payload: MessagePayload) -> bool {
        let known = self.has(&payload);
        if !known && !self.is_full() {
            self.waiting.push_back(Waiting {
                payload,
                sent_at: None,
            });
            return true;
        }
        known
    }

    /// Queues a message before those that were not sent yet; whether it is queued now.
    pub(crate) fn push_first(&mut self, payload: MessagePayload) -> bool {
        if self.has(&payload) {
            return true;
        }
        if self.is_full() {
            return false;
        }
        let sent = self.waiting.iter().take_while(|waiting| waiting.sent_at.is_some()).count();
        self.waiting.insert(sent, Waiting { payload, sent_at: None });
        true
    }

    /// Whether this very message waits.
    pub(crate) fn has(&self, payload: &MessagePayload) -> bool {
        self.waiting.iter().any(|waiting| waiting.payload == *payload)
    }

    /// Whether no more messages are taken.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING_MAX
    }

    /// Takes note of what the chain has.
    pub(crate) fn settle(&mut self, chain_next: u64) {
        if chain_next > self.next_sequence {
            let taken = (chain_next - self.next_sequence).min(self.waiting.len() as u64);
            // After a restart the chain is ahead of an empty outbox; only what was sent is taken.
            let sent = self
                .waiting
                .iter()
                .take_while(|waiting| waiting.sent_at.is_some())
                .count();
            self.waiting.drain(..(taken as usize).min(sent));
            self.next_sequence = chain_next;
        }
    }

    /// What to send now.
    pub(crate) fn due(&mut self, now: BlockNumber, identity: &Identity) -> Vec<SignedMessage> {
        let sender = MessageSender::Worker(identity.worker());
        let first = self.next_sequence;
        let due = |sent_at: Option<BlockNumber>| {
            sent_at.is_none_or(|sent| now.saturating_sub(sent) >= RESEND_AFTER)
        };
        let mut messages = Vec::new();
        for (place, waiting) in self.waiting.iter_mut().take(SENT_PER_BLOCK_MAX).enumerate() {
            if !due(waiting.sent_at) {
                continue;
            }
            waiting.sent_at = Some(now);
            let sequence = first + place as u64;
            let bytes = signed_bytes(&identity.genesis(), &sender, sequence, &waiting.payload);
            messages.push(SignedMessage {
                sender,
                sequence,
                payload: waiting.payload.clone(),
                signature: identity.sign(&bytes),
            });
        }
        messages
    }
}

impl Outbox {
    /// Whether a report of state waits. A second one would only say more of the same.
    pub(crate) fn has_checkpoint(&self) -> bool {
        let mut payloads = self.waiting.iter().map(|waiting| &waiting.payload);
        payloads.any(|payload| matches!(payload, MessagePayload::Checkpoint { .. }))
    }

    /// Whether a seed for this worker waits already. Sealing is randomised, so that two seals of one
    /// seed are different messages.
    pub(crate) fn has_seed_for(
        &self,
        wanted: &primitives::ClusterId,
        whom: &primitives::WorkerId,
    ) -> bool {
        self.waiting.iter().any(|waiting| {
            matches!(
                &waiting.payload,
                MessagePayload::SealedClusterSeed { cluster, worker, .. }
                    if cluster == wanted && worker == whom
            )
        })
    }
}
