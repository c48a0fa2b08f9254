//! The gatekeeper role: one master secret, from which each cluster's seed is derived.
//!
//! The derivation stays behind [`secrets::ClusterSeedSource`], so that a threshold evaluation can take
//! its place without a change here. A seed leaves this worker only sealed to the attested key of a
//! worker that a proven final block names as an active member of that cluster.

use crate::{identity::Identity, outbox::Outbox};
use chain_facts::view::FinalizedView;
use rand_core::{CryptoRng, RngCore};
use secrets::{ClusterSeedSource, MasterSecret, sealed_seed_aad};
use wire::message::MessagePayload;

/// Why a gatekeeper cannot do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GatekeeperFault {
    /// The chain has a master key that this worker's secret does not make.
    AnotherMasterKey,
}

/// What a gatekeeper owes the network at this block.
///
/// Returns whether `master` was made just now and must be kept before anything is said with it.
pub(crate) fn duties<R: RngCore + CryptoRng>(
    view: &FinalizedView,
    identity: &Identity,
    master: &mut Option<MasterSecret>,
    outbox: &mut Outbox,
    rng: &mut R,
) -> Result<bool, GatekeeperFault> {
    let made_now = master.is_none() && view.master_public_key.is_none();
    if made_now {
        *master = Some(MasterSecret::generate(rng));
    }
    let Some(master) = master else {
        return Err(GatekeeperFault::AnotherMasterKey);
    };
    let public_key = master.public_key();
    match view.master_public_key {
        None => {
            outbox.push(MessagePayload::MasterKey { public_key });
            // The chain takes a sender's messages in order, so cluster keys may follow at once. Not
            // so beside another gatekeeper: its master key may win, and keys of ours would stay.
            if view.gatekeepers.len() > 1 {
                return Ok(made_now);
            }
        }
        Some(on_chain) if on_chain != public_key => return Err(GatekeeperFault::AnotherMasterKey),
        Some(_) => {}
    }
    for needs in &view.cluster_needs {
        if needs.has_public_key && needs.workers_without_seed.is_empty() {
            continue;
        }
        let seed = master.cluster_seed(&needs.id);
        if !needs.has_public_key {
            let public_key = seed.signing_key().public();
            outbox.push(MessagePayload::ClusterKey {
                cluster: needs.id,
                public_key,
            });
        }
        for (worker, hpke_public_key) in &needs.workers_without_seed {
            if outbox.is_full() {
                // Sealing what cannot be sent yet would be done again with each block.
                return Ok(made_now);
            }
            if outbox.has_seed_for(&needs.id, worker) {
                continue;
            }
            let aad = sealed_seed_aad(&identity.genesis(), &needs.id, worker);
            let Ok(sealed) = seed.seal_to(hpke_public_key, &aad, rng) else {
                // A registered key that is no curve point: its owner will never be served.
                continue;
            };
            outbox.push(MessagePayload::SealedClusterSeed {
                cluster: needs.id,
                worker: *worker,
                encapsulated_key: sealed.encapsulated_key,
                ciphertext: sealed.ciphertext,
            });
        }
    }
    Ok(made_now)
}
