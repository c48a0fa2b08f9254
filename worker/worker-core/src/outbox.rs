//! Messages to the chain: numbered, signed, sent again until the chain has them.

use crate::identity::Identity;
use codec::Encode;
use primitives::BlockNumber;
use std::collections::{BTreeMap, VecDeque};
use wire::message::{MessagePayload, MessageSender, SignedMessage, signed_bytes};

/// Messages that may wait; a worker that has more says no new ones.
const WAITING_MAX: usize = 256;
/// Blocks after which a message that no block has is sent again.
const RESEND_AFTER: BlockNumber = 8;
/// Messages sent in one block.
const SENT_PER_BLOCK_MAX: usize = 16;
/// Blocks before something is said again that the chain took without doing what it says.
const SAID_AGAIN_AFTER: BlockNumber = 12;

struct Waiting {
    payload: MessagePayload,
    /// What it is about, where a message is said once: see [`Outbox::say`].
    about: Option<Vec<u8>>,
    sent_at: Option<BlockNumber>,
}

/// A worker's messages that the chain has not taken yet.
#[derive(Default)]
pub(crate) struct Outbox {
    /// The number of the first waiting message, as the chain counts.
    next_sequence: u64,
    waiting: VecDeque<Waiting>,
    /// What was said lately, and in which block.
    said: BTreeMap<Vec<u8>, BlockNumber>,
}

impl Outbox {
    /// Queues a message unless the same one waits already or too many do; whether it is queued now.
    pub(crate) fn push(&mut self, payload: MessagePayload) -> bool {
        let known = self.has(&payload);
        if !known && !self.is_full() {
            self.waiting.push_back(Waiting {
                payload,
                about: None,
                sent_at: None,
            });
            return true;
        }
        known
    }

    /// Queues a message unless one about the same waits, was said lately, or too many wait; whether it
    /// was queued. For what the chain shows when it has done it: who calls asks that first, so what
    /// the chain has refused, or another process of this worker spoke over, is said again in time.
    pub(crate) fn say(
        &mut self,
        about: &impl Encode,
        now: BlockNumber,
        make: impl FnOnce() -> Option<MessagePayload>,
    ) -> bool {
        let about = about.encode();
        let waits = self
            .waiting
            .iter()
            .any(|waiting| waiting.about.as_ref() == Some(&about));
        let lately = self
            .said
            .get(&about)
            .is_some_and(|said| now.saturating_sub(*said) < SAID_AGAIN_AFTER);
        if waits || lately || self.is_full() {
            return false;
        }
        let Some(payload) = make() else {
            return false;
        };
        self.said
            .retain(|_, said| now.saturating_sub(*said) < SAID_AGAIN_AFTER);
        self.said.insert(about.clone(), now);
        self.waiting.push_back(Waiting {
            payload,
            about: Some(about),
            sent_at: None,
        });
        true
    }

    /// Drops messages that the chain lets into no block, and that would hold up all behind them. Those have
    /// other numbers then, and are sent anew at once.
    pub(crate) fn drop_refused(&mut self, is_refused: impl Fn(&MessagePayload) -> bool) {
        let first = self.waiting.iter().position(|waiting| is_refused(&waiting.payload));
        let Some(first) = first else { return };
        self.waiting
            .retain(|waiting| !is_refused(&waiting.payload));
        for waiting in self.waiting.iter_mut().skip(first) {
            waiting.sent_at = None;
        }
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
        self.waiting.insert(sent, Waiting { payload, about: None, sent_at: None });
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

    /// Whether a benchmark waits.
    pub(crate) fn has_benchmark(&self) -> bool {
        let mut payloads = self.waiting.iter().map(|waiting| &waiting.payload);
        payloads.any(|payload| matches!(payload, MessagePayload::Benchmark { .. }))
    }

    /// Whether an answer to this challenge waits. Another one would only have another count in it.
    pub(crate) fn has_heartbeat(&self, challenge: &[u8; 32]) -> bool {
        self.waiting.iter().any(|waiting| {
            matches!(&waiting.payload, MessagePayload::Heartbeat { nonce, .. } if nonce == challenge)
        })
    }
}
