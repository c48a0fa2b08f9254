//! Shares of clusters' seeds, for workers that may have them.
//!
//! Each holder's share goes on chain by itself, sealed to the worker. To keep that small, the first
//! `threshold` + 1 holders in an order that differs for each worker give theirs at once, and each
//! further one only after the worker has waited for longer.

use super::{Block, payload};
use crate::{identity::Identity, outbox::Outbox};
use chain_facts::view::SeedNeed;
use codec::Encode;
use primitives::{BlockNumber, ClusterId, HpkePublicKey, WorkerId};
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;
use threshold_keys::{
    EvaluationContext, EvaluationShare, GatekeeperMessage, KeyShare, SealedSeedShare, Sharing,
    SharingId, Statement,
};
use wire::domain::{GATEKEEPER_TURN, SEALED_EVALUATION_SHARE, tagged_hash};
use zeroize::Zeroizing;

/// Blocks that a worker waits for each holder beyond those who give their shares at once.
const PATIENCE: BlockNumber = 8;
/// Blocks after which a need that no view shows any more is forgotten.
const FORGOTTEN_AFTER: BlockNumber = 64;

/// What the process remembers: since when each worker waits.
#[derive(Default)]
pub(super) struct Memory {
    waiting: BTreeMap<(ClusterId, WorkerId), Waiting>,
}

struct Waiting {
    what: (u32, HpkePublicKey, SharingId),
    since: BlockNumber,
    seen: BlockNumber,
}

impl Memory {
    /// How many blocks a worker has waited for.
    fn waited(&mut self, need: &SeedNeed, sharing: SharingId, now: BlockNumber) -> BlockNumber {
        let what = (need.rotation, need.hpke_public_key, sharing);
        let fresh = || Waiting {
            what,
            since: now,
            seen: now,
        };
        let waiting = self
            .waiting
            .entry((need.cluster, need.worker))
            .or_insert_with(fresh);
        if waiting.what != what {
            *waiting = fresh();
        }
        waiting.seen = now;
        now.saturating_sub(waiting.since)
    }
}

/// Gives this holder's shares to those of the view who wait for them.
pub(super) fn follow<R: RngCore + CryptoRng>(
    block: &Block<'_>,
    memory: &mut Memory,
    share: &KeyShare,
    outbox: &mut Outbox,
    rng: &mut R,
) {
    let now = block.number;
    for need in &block.view.needs {
        let waited = memory.waited(need, share.sharing().id(), now);
        let later = turn(share, need).saturating_sub(u32::from(share.sharing().threshold()));
        if need.shares_present.contains(&share.index()) || waited < later * PATIENCE {
            continue;
        }
        if outbox.is_full() {
            // Sealing what cannot be sent yet would be done again with each block.
            break;
        }
        let (worker, key) = (need.worker, need.hpke_public_key);
        let about = (
            "seed",
            need.cluster,
            need.rotation,
            worker,
            key,
            share.sharing().id(),
        );
        outbox.say(&about, now, || {
            let sealed = seal(block.identity, share, need, rng)?;
            Some(payload(&GatekeeperMessage::SeedShare(sealed)))
        });
    }
    memory
        .waiting
        .retain(|_, waiting| now.saturating_sub(waiting.seen) < FORGOTTEN_AFTER);
}

/// The place of this holder in the order in which holders give this worker their shares, from 0.
fn turn(share: &KeyShare, need: &SeedNeed) -> u32 {
    let place = |holder: &[u8; 32]| {
        tagged_hash(
            GATEKEEPER_TURN,
            &[need.cluster.as_bytes(), need.worker.as_bytes(), holder],
        )
    };
    let sharing: &Sharing = share.sharing();
    let Some(own) = sharing.holder(share.index()).map(place) else {
        return u32::MAX / PATIENCE;
    };
    let before = sharing
        .holders()
        .iter()
        .filter(|holder| place(holder) < own);
    // The first `threshold` + 1 have places up to the threshold.
    before.count() as u32
}

fn seal<R: RngCore + CryptoRng>(
    identity: &Identity,
    share: &KeyShare,
    need: &SeedNeed,
    rng: &mut R,
) -> Option<SealedSeedShare> {
    let context = EvaluationContext::ClusterSeed {
        cluster: need.cluster,
        rotation: need.rotation,
    };
    let bytes = Zeroizing::new(share.evaluate(&context).ok()?.encode());
    let key = share.sharing().group_key();
    let aad = EvaluationShare::sealing_aad(&key, &context, &need.worker);
    // A registered key that is no curve point: its owner will never be served.
    let (sealed, _) = secrets::hpke::seal_base(
        &need.hpke_public_key,
        SEALED_EVALUATION_SHARE,
        &aad,
        &bytes,
        rng,
    )
    .ok()?;
    let mut message = SealedSeedShare {
        cluster: need.cluster,
        rotation: need.rotation,
        worker: need.worker,
        sealed_to: need.hpke_public_key,
        sharing: share.sharing().id(),
        holder: share.index(),
        encapsulated_key: sealed.encapsulated_key,
        ciphertext: sealed.ciphertext.try_into().ok()?,
        payload: Statement::payload_digest(&bytes),
        statement_signature: [0; 64],
    };
    let statement = message.statement(identity.genesis());
    message.statement_signature = identity.sign(&statement.signing_bytes());
    Some(message)
}
