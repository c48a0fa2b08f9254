//! The gatekeeper role: one share of the network's key.
//!
//! What a gatekeeper does follows from what its own proven view of the chain shows, block by block:
//! its part in a **ceremony** (receiving, dealing, checking, handing over), its shares of clusters'
//! **seeds** for workers that may have them, its part in the randomness **beacon**. Each duty asks the
//! view whether the chain has what it would say, so that blocks that were missed, restarts and
//! messages that were lost change nothing but the time it takes.
//!
//! Whatever is secret or must not be made twice is kept ([`GatekeeperSecrets`]) before anything is
//! said with it. The one exception are nonces of the beacon: they are never kept, and what is kept is
//! that there was one.

mod beacon;
mod ceremony;
mod secrets;
mod seeds;

pub use secrets::GatekeeperSecrets;

use crate::{identity::Identity, notice::Notice, outbox::Outbox};
use chain_facts::view::{FinalizedView, GatekeepingView};
use codec::Encode;
use primitives::{BlockNumber, WorkerId};
use rand_core::{CryptoRng, RngCore};
use threshold_keys::{GatekeeperMessage, SharingId};
use wire::message::MessagePayload;

/// What a gatekeeper remembers while its process lives.
#[derive(Default)]
pub(crate) struct Gatekeeper {
    ceremony: ceremony::Memory,
    seeds: seeds::Memory,
    beacon: beacon::Memory,
}

/// What came of one block.
#[derive(Default)]
pub(crate) struct Done {
    /// Whether the secrets changed and must be kept before anything is said.
    pub(crate) keep: bool,
    /// What the operator should know.
    pub(crate) notices: Vec<Notice>,
}

/// What all duties look at.
struct Block<'a> {
    number: BlockNumber,
    view: &'a GatekeepingView,
    identity: &'a Identity,
}

impl Block<'_> {
    fn own_key(&self) -> [u8; 32] {
        self.identity.worker().0
    }
}

impl Gatekeeper {
    /// What a gatekeeper owes the network at this block. One that may not act, because the chain
    /// takes nothing from it or the block is too old, takes note of which sharing is in force alone.
    pub(crate) fn follow<R: RngCore + CryptoRng>(
        &mut self,
        (view, gatekeeping, may_act): (&FinalizedView, &GatekeepingView, bool),
        identity: &Identity,
        secrets: &mut GatekeeperSecrets,
        outbox: &mut Outbox,
        rng: &mut R,
    ) -> Done {
        let mut done = Done::default();
        if view.number < secrets.as_of {
            // A light client that starts may show blocks from before the last act of this worker. By
            // them the share in force would look like one that nobody asked for.
            return done;
        }
        let block = Block {
            number: view.number,
            view: gatekeeping,
            identity,
        };
        ceremony::settle(&block, secrets, &mut done);
        if may_act {
            self.act(&block, secrets, outbox, rng, &mut done);
        }
        if done.keep {
            secrets.as_of = view.number;
        }
        done
    }

    fn act<R: RngCore + CryptoRng>(
        &mut self,
        block: &Block<'_>,
        secrets: &mut GatekeeperSecrets,
        outbox: &mut Outbox,
        rng: &mut R,
        done: &mut Done,
    ) {
        ceremony::follow(block, &mut self.ceremony, secrets, outbox, rng, done);
        if let Some(share) = &secrets.share
            && block.view.sharing.as_ref() == Some(share.sharing())
        {
            say_what_is_held(share.sharing(), done);
            seeds::follow(block, &mut self.seeds, share, outbox, rng);
            let slot = &mut secrets.beacon;
            beacon::follow(block, &mut self.beacon, share, slot, outbox, rng, done);
        }
    }
}

/// Whether the chain lets a gatekeeper's messages of this worker into blocks: it has a share of the
/// sharing in force, or may receive one.
pub(crate) fn has_part(view: Option<&GatekeepingView>, own: &WorkerId) -> bool {
    view.is_some_and(|view| {
        let holds = view
            .sharing
            .as_ref()
            .is_some_and(|sharing| sharing.index_of(&own.0).is_some());
        let receives = view
            .ceremony
            .as_ref()
            .is_some_and(|ceremony| ceremony.state.candidates.contains(&own.0));
        holds || receives
    })
}

fn say_what_is_held(sharing: &threshold_keys::Sharing, done: &mut Done) {
    let (holders, threshold) = (sharing.holders().len() as u8, sharing.threshold());
    let SharingId { epoch, .. } = sharing.id();
    done.notices.push(Notice::HoldsShare {
        epoch,
        threshold,
        holders,
    });
    if threshold == 1 {
        done.notices.push(Notice::LoneGatekeeper);
    }
}

fn payload(message: &GatekeeperMessage) -> MessagePayload {
    MessagePayload::Gatekeeper {
        message: message.encode(),
    }
}
