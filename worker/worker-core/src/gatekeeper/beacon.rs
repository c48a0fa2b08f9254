//! A gatekeeper's part in the randomness beacon.
//!
//! A nonce that answers twice tells the share. So there is one for each attempt at a proof, it lives
//! in the memory of one process, answering consumes it, and before it is spoken of it is kept that
//! there was one: a process that comes after gives its share of the value alone.

use super::{Block, Done, payload, secrets::BeaconSlot};
use crate::outbox::Outbox;
use chain_facts::view::BeaconView;
use rand_core::{CryptoRng, RngCore};
use threshold_keys::{
    BeaconStage, Contribution, EvaluationContext, GatekeeperMessage, JointProof, KeyShare,
    ProofNonce, contribution_statement, response_statement,
};

/// What the process remembers: the attempt that it takes part in.
#[derive(Default)]
pub(super) struct Memory {
    attempt: Option<Attempt>,
}

struct Attempt {
    slot: BeaconSlot,
    contribution: Contribution,
    nonce: Option<ProofNonce>,
    /// What it came to. The same is said again when it was lost.
    response: Option<GatekeeperMessage>,
}

/// This block's part in the round that goes on.
pub(super) fn follow<R: RngCore + CryptoRng>(
    block: &Block<'_>,
    memory: &mut Memory,
    share: &KeyShare,
    spoken: &mut Option<BeaconSlot>,
    outbox: &mut Outbox,
    rng: &mut R,
    done: &mut Done,
) {
    let Some(beacon) = &block.view.beacon else {
        return;
    };
    let (state, index) = (&beacon.state, share.index());
    if state.sharing != share.sharing().id() {
        return;
    }
    let slot = BeaconSlot {
        sharing: state.sharing,
        round: state.round,
        attempt: state.attempt,
    };
    if memory
        .attempt
        .as_ref()
        .is_some_and(|attempt| attempt.slot != slot)
    {
        memory.attempt = None;
    }
    match state.stage {
        BeaconStage::Contributing if state.contributed.contains(&index) => {}
        BeaconStage::Contributing => {
            let barred = state.excluded.contains(&index);
            if !barred && contribute(block, memory, share, slot, spoken, outbox, rng, done) {
                return;
            }
            give_share(block, beacon, share, outbox);
        }
        BeaconStage::Responding => {
            if state.contributed.contains(&index) && !state.responded.contains(&index) {
                respond(block, beacon, memory, share, slot, outbox);
            }
        }
        BeaconStage::Shares => give_share(block, beacon, share, outbox),
    }
}

/// Sends share and nonce; whether this process has a nonce for this attempt.
#[expect(clippy::too_many_arguments, reason = "what follow has")]
fn contribute<R: RngCore + CryptoRng>(
    block: &Block<'_>,
    memory: &mut Memory,
    share: &KeyShare,
    slot: BeaconSlot,
    spoken: &mut Option<BeaconSlot>,
    outbox: &mut Outbox,
    rng: &mut R,
    done: &mut Done,
) -> bool {
    if memory.attempt.is_none() {
        let was_spoken = spoken.is_some_and(|last| {
            last.sharing == slot.sharing && (last.round, last.attempt) >= (slot.round, slot.attempt)
        });
        if was_spoken {
            return false;
        }
        let context = EvaluationContext::Beacon { round: slot.round };
        let (Ok(nonce), Ok(own)) = (share.commit_nonce(&context, rng), share.evaluate(&context))
        else {
            return false;
        };
        *spoken = Some(slot);
        done.keep = true;
        memory.attempt = Some(Attempt {
            slot,
            contribution: Contribution {
                share: own,
                nonce: *nonce.commitment(),
            },
            nonce: Some(nonce),
            response: None,
        });
    }
    let Some(attempt) = &memory.attempt else {
        return false;
    };
    let (identity, contribution) = (block.identity, &attempt.contribution);
    outbox.say(&("contribution", slot), block.number, || {
        let statement =
            contribution_statement(identity.genesis(), slot.round, slot.attempt, contribution);
        Some(payload(&GatekeeperMessage::BeaconContribution {
            round: slot.round,
            attempt: slot.attempt,
            contribution: contribution.clone(),
            statement_signature: identity.sign(&statement.signing_bytes()),
        }))
    });
    true
}

/// Answers with the nonce, once, in the proof that the chain has picked.
fn respond(
    block: &Block<'_>,
    beacon: &BeaconView,
    memory: &mut Memory,
    share: &KeyShare,
    slot: BeaconSlot,
    outbox: &mut Outbox,
) {
    let Some(attempt) = &mut memory.attempt else {
        return;
    };
    if let Some(nonce) = attempt.nonce.take_if(|_| {
        // The chain has picked what this process has given, and not something in its name.
        beacon.contributions.contains(&attempt.contribution)
    }) {
        let context = EvaluationContext::Beacon { round: slot.round };
        let proof = JointProof::new(share.sharing(), &context, &beacon.contributions);
        let Ok(response) = proof.map(|proof| share.respond(nonce, &proof)) else {
            return;
        };
        let Ok(response) = response else {
            return;
        };
        let identity = block.identity;
        let statement = response_statement(
            identity.genesis(),
            slot.sharing,
            slot.round,
            slot.attempt,
            &response,
        );
        attempt.response = Some(GatekeeperMessage::BeaconResponse {
            round: slot.round,
            attempt: slot.attempt,
            response,
            statement_signature: identity.sign(&statement.signing_bytes()),
        });
    }
    let response = &attempt.response;
    outbox.say(&("response", slot), block.number, || {
        response.as_ref().map(payload)
    });
}

/// Gives the share of the value alone, unless the chain has it.
fn give_share(block: &Block<'_>, beacon: &BeaconView, share: &KeyShare, outbox: &mut Outbox) {
    let state = &beacon.state;
    if state.shared.contains(&share.index()) {
        return;
    }
    let round = state.round;
    outbox.say(
        &("beacon-share", state.sharing, round),
        block.number,
        || {
            let context = EvaluationContext::Beacon { round };
            let share = share.evaluate(&context).ok()?;
            Some(payload(&GatekeeperMessage::BeaconShare { round, share }))
        },
    );
}
