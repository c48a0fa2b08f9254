//! Which process speaks for a worker: the one whose number the chain has.
//!
//! A process that starts makes up a number and tells it to the chain. Before a final block has it the
//! process answers nothing and gives out no keys. So a worker whose host shows it an old chain, with an
//! old disk and a clock set back, waits for ever: no chain of the past has a number that was made up
//! just now. And where two processes have one worker's keys, the one that the chain heard last speaks;
//! the other sees that its number was replaced, and stops.

use crate::outbox::Outbox;
use chain_facts::Instance;
use rand_core::{CryptoRng, RngCore};
use wire::message::MessagePayload;

/// How often a process says its number, at most: an older message of the same worker may have taken
/// its place in the sequence.
const TRIES_MAX: u8 = 4;

/// What a final block says of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The chain has its number: it speaks for the worker.
    Speaks,
    /// The chain does not have it yet.
    Waits,
    /// The chain has another's, after it had this one's or would not take it.
    Replaced,
}

/// This process, as the chain should know it.
#[derive(Default)]
pub(crate) struct OwnInstance {
    nonce: Option<[u8; 32]>,
    was_seen: bool,
    tries: u8,
}

impl OwnInstance {
    /// Whether a final block names this very process.
    pub(crate) fn is_named(&self, on_chain: Option<&Instance>) -> bool {
        self.nonce.is_some() && on_chain.map(|instance| instance.nonce) == self.nonce
    }

    /// Where the process stands by a final block; says its number where the chain does not have it.
    pub(crate) fn stand<R: RngCore + CryptoRng>(
        &mut self,
        on_chain: Option<&Instance>,
        outbox: &mut Outbox,
        rng: &mut R,
    ) -> Standing {
        let nonce = *self.nonce.get_or_insert_with(|| {
            let mut nonce = [0; 32];
            rng.fill_bytes(&mut nonce);
            nonce
        });
        if on_chain.is_some_and(|instance| instance.nonce == nonce) {
            self.was_seen = true;
            return Standing::Speaks;
        }
        if self.was_seen {
            return Standing::Replaced;
        }
        let message = MessagePayload::Instance { nonce };
        if !outbox.has(&message) {
            if self.tries == TRIES_MAX {
                return Standing::Replaced;
            }
            if outbox.push_first(message) {
                self.tries += 1;
            }
        }
        Standing::Waits
    }
}
