//! A gatekeeper's part in ceremonies: it receives where it is a candidate, and deals where it holds a
//! share of the source, also when it is to leave.

use super::{
    Block, Done, payload,
    secrets::{GatekeeperSecrets, OwnCeremony},
};
use crate::{notice::Notice, outbox::Outbox};
use chain_facts::view::CeremonyView;
use primitives::WorkerId;
use rand_core::{CryptoRng, RngCore};
use threshold_keys::{
    CeremonyStage, EvaluationContext, GatekeeperMessage, HolderIndex, Plan, PlanDigest,
    ReceiveError, ReceivingSecret, SharingId, Source, VerifiedDealing,
};

/// What the process remembers.
#[derive(Default)]
pub(super) struct Memory {
    /// The plan and the dealings that were opened last, so that they are opened once.
    opened: Option<(PlanDigest, Vec<HolderIndex>)>,
}

/// Takes note of which sharing is in force: what is older goes, now and not before.
pub(super) fn settle(block: &Block<'_>, secrets: &mut GatekeeperSecrets, done: &mut Done) {
    let in_force = block.view.sharing.as_ref();
    let going_on = block
        .view
        .ceremony
        .as_ref()
        .map(|ceremony| ceremony.state.target);
    let is_over = secrets
        .ceremony
        .as_ref()
        .is_some_and(|own| Some(own.target) != going_on);
    if is_over && let Some(own) = secrets.ceremony.take() {
        // The receiving secret ends here, whatever came of the ceremony.
        let pending = own
            .pending
            .filter(|pending| Some(pending.sharing()) == in_force);
        if pending.is_some() {
            secrets.share = pending;
        }
        done.keep = true;
    }
    let Some(in_force) = in_force else {
        return;
    };
    // A share of an older sharing helps nobody but who steals it. One of a newer sharing than the
    // chain knows of cannot be, and is no reason to destroy it.
    let is_older = |held: SharingId| {
        let id = in_force.id();
        (held.generation, held.epoch) < (id.generation, id.epoch)
    };
    if secrets.share_of().is_some_and(is_older) {
        secrets.share = None;
        done.keep = true;
    }
    let should_hold = in_force.index_of(&block.own_key()).is_some();
    if should_hold && secrets.share.as_ref().map(|share| share.sharing()) != Some(in_force) {
        done.notices.push(Notice::ShareMissing {
            epoch: in_force.id().epoch,
        });
    }
}

/// This block's part in the ceremony that goes on.
pub(super) fn follow<R: RngCore + CryptoRng>(
    block: &Block<'_>,
    memory: &mut Memory,
    secrets: &mut GatekeeperSecrets,
    outbox: &mut Outbox,
    rng: &mut R,
    done: &mut Done,
) {
    let Some(ceremony) = &block.view.ceremony else {
        return;
    };
    let state = &ceremony.state;
    if state.stage == CeremonyStage::Receiving {
        receive(block, ceremony, secrets, outbox, rng, done);
        return;
    }
    let Some(plan) = ceremony
        .plan
        .as_ref()
        .filter(|plan| Some(plan.digest()) == state.plan)
    else {
        return;
    };
    if state.stage == CeremonyStage::Dealing {
        deal(block, ceremony, plan, secrets, outbox, rng, done);
    }
    if plan.recipient_index(&block.own_key()).is_some() {
        check(block, memory, ceremony, plan, secrets, outbox, done);
        if state.stage == CeremonyStage::Checking {
            hand_over(block, ceremony, plan, secrets, outbox);
        }
    }
}

/// Sends the key to receive with, made for this ceremony alone.
fn receive<R: RngCore + CryptoRng>(
    block: &Block<'_>,
    ceremony: &CeremonyView,
    secrets: &mut GatekeeperSecrets,
    outbox: &mut Outbox,
    rng: &mut R,
    done: &mut Done,
) {
    let (state, own) = (&ceremony.state, block.own_key());
    let place = state
        .candidates
        .iter()
        .position(|candidate| *candidate == own);
    let Some(place) = place.and_then(|place| HolderIndex::new(place as u8 + 1)) else {
        return;
    };
    if state.received.contains(&place) {
        return;
    }
    let target = state.target;
    let ceremony = secrets
        .ceremony
        .get_or_insert_with(|| OwnCeremony::new(target));
    if ceremony.receiving.is_none() {
        let network = block.identity.genesis();
        let Ok(made) = ReceivingSecret::generate(&network, target, own, rng) else {
            return;
        };
        ceremony.receiving = Some(made);
        done.keep = true;
    }
    let Some(receiving) = &ceremony.receiving else {
        return;
    };
    let key = *receiving.public();
    outbox.say(&("receiving-key", target), block.number, || {
        Some(payload(&GatekeeperMessage::ReceivingKey { target, key }))
    });
}

/// Deals, where the plan has this gatekeeper deal: once, and the same again when it was lost.
fn deal<R: RngCore + CryptoRng>(
    block: &Block<'_>,
    ceremony: &CeremonyView,
    plan: &Plan,
    secrets: &mut GatekeeperSecrets,
    outbox: &mut Outbox,
    rng: &mut R,
    done: &mut Done,
) {
    let (state, own) = (&ceremony.state, block.own_key());
    let dealer = match plan.source() {
        Source::Generation => plan.recipient_index(&own),
        Source::Resharing(source) => source.index_of(&own),
    };
    let Some(dealer) = dealer.filter(|dealer| !state.dealt.contains(dealer)) else {
        return;
    };
    let digest = plan.digest();
    let kept = secrets.ceremony.as_ref().and_then(|own| own.dealt.clone());
    let dealing = match kept {
        Some((of, dealing)) if of == digest => dealing,
        _ => {
            let made = match (plan.source(), &secrets.share) {
                (Source::Generation, _) => plan.deal_new_key(dealer, rng).ok(),
                (Source::Resharing(_), Some(share)) => share.reshare(plan, rng).ok(),
                (Source::Resharing(_), None) => None,
            };
            // Without the share there is nothing to deal: the notice is said where the chain is held
            // against what is kept.
            let Some(made) = made else {
                return;
            };
            let target = state.target;
            let ceremony = secrets
                .ceremony
                .get_or_insert_with(|| OwnCeremony::new(target));
            ceremony.dealt = Some((digest, made.clone()));
            done.keep = true;
            made
        }
    };
    outbox.say(&("dealing", digest), block.number, || {
        Some(payload(&GatekeeperMessage::Dealing {
            plan: digest,
            dealing,
        }))
    });
}

/// Opens what was dealt, complains of what is wrong, and keeps the share that it comes to so far: who
/// misses the last of a ceremony has its share all the same if no dealing was added or struck out.
fn check(
    block: &Block<'_>,
    memory: &mut Memory,
    ceremony: &CeremonyView,
    plan: &Plan,
    secrets: &mut GatekeeperSecrets,
    outbox: &mut Outbox,
    done: &mut Done,
) {
    let digest = plan.digest();
    let dealers: Vec<HolderIndex> = ceremony
        .dealings
        .iter()
        .map(|dealing| dealing.dealer)
        .collect();
    let Some(own) = secrets
        .ceremony
        .as_mut()
        .filter(|own| own.target == plan.target())
    else {
        return;
    };
    let Some(receiving) = &own.receiving else {
        return;
    };
    let seen = Some((digest, dealers));
    if memory.opened == seen {
        return;
    }
    let mut sound: Vec<VerifiedDealing> = Vec::new();
    let mut all_sound = true;
    for dealing in &ceremony.dealings {
        let Ok(verified) = dealing.clone().verify(plan) else {
            all_sound = false;
            continue;
        };
        match receiving.check(plan, &verified) {
            Ok(()) => sound.push(verified),
            Err(ReceiveError::BadShare(complaint)) => {
                all_sound = false;
                let dealer = complaint.dealer;
                let said = outbox.say(&("complaint", digest, dealer), block.number, || {
                    Some(payload(&GatekeeperMessage::Complaint {
                        plan: digest,
                        complaint: *complaint,
                    }))
                });
                if said && let Some(holder) = plan.dealer(dealer) {
                    done.notices.push(Notice::WrongDealing(WorkerId(*holder)));
                }
            }
            // The plan has another key of this worker than is kept: an older disk was put in place.
            Err(_) => return,
        }
    }
    if !all_sound {
        // Looked at again with each block, so that a complaint that was lost is said again.
        return;
    }
    memory.opened = seen;
    if let Ok(share) = receiving.assemble(plan, &sound)
        && own.pending.as_ref().map(|pending| pending.sharing()) != Some(share.sharing())
    {
        own.pending = Some(share);
        done.keep = true;
    }
}

/// Shows the chain that the share is there that the dealings come to.
fn hand_over(
    block: &Block<'_>,
    ceremony: &CeremonyView,
    plan: &Plan,
    secrets: &GatekeeperSecrets,
    outbox: &mut Outbox,
) {
    let own = secrets
        .ceremony
        .as_ref()
        .filter(|own| own.target == plan.target());
    let Some(share) = own.and_then(|own| own.pending.as_ref()) else {
        return;
    };
    let state = &ceremony.state;
    if ceremony.pending.as_ref() != Some(share.sharing())
        || state.handed_over.contains(&share.index())
    {
        return;
    }
    let digest = plan.digest();
    // A dealing struck out empties the list of who has handed over, and what was said counts no more.
    let about = ("handover", digest, state.struck_out.len() as u8);
    outbox.say(&about, block.number, || {
        let context = EvaluationContext::Handover { plan: digest };
        let share = share.evaluate(&context).ok()?;
        Some(payload(&GatekeeperMessage::Handover {
            plan: digest,
            share,
        }))
    });
}
