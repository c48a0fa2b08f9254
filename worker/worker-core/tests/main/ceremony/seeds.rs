//! Seeds' shares, which the chain judges by what it knows of workers, and what is read of them.

use crate::chain::{GENESIS, ScriptedChain};
use chain_facts::view::{ClusterView, GatekeepingView, SeedNeed};
use codec::Encode;
use primitives::*;
use std::collections::BTreeSet;
use threshold_keys::*;
use wire::message::MessagePayload;

impl ScriptedChain {
    pub fn gatekeeper_message(&mut self, from: WorkerId, message: &[u8]) -> bool {
        let message = codec::DecodeAll::decode_all(&mut &message[..]).unwrap();
        match message {
            GatekeeperMessage::SeedShare(sealed) => self.seed_share(from, sealed).is_some(),
            other => self.keys.take(from.0, other),
        }
    }

    fn seed_share(&mut self, from: WorkerId, sealed: SealedSeedShare) -> Option<()> {
        let statement = sealed.statement(GENESIS);
        let slot = ((statement.sharing, statement.slot).encode(), from.0);
        let before = self
            .keys
            .said
            .entry(slot)
            .or_insert_with(|| sealed.payload.to_vec());
        assert_eq!(
            *before, sealed.payload,
            "two different shares for one worker"
        );
        assert!(secrets::verify_sr25519(
            &from.0,
            &statement.signing_bytes(),
            &sealed.statement_signature
        ));
        let sharing = self.keys.sharing.as_ref()?;
        let (cluster, worker) = (sealed.cluster, sealed.worker);
        let rotation = self
            .keys
            .rotations
            .get(&cluster)
            .copied()
            .unwrap_or_default();
        let confirmed = SeedConfirmation {
            rotation,
            hpke_public_key: sealed.sealed_to,
        };
        let fits = sharing.id() == sealed.sharing
            && sharing.holder(sealed.holder) == Some(&from.0)
            && sealed.ciphertext.len() == SEALED_SHARE_BYTES
            && self.clusters.get(&cluster)?.workers.contains(&worker)
            && self.is_active(&worker)
            && sealed.rotation == rotation
            && self.workers[&worker].hpke_public_key == sealed.sealed_to
            && self.keys.confirmed.get(&(cluster, worker)) != Some(&confirmed);
        let pending = self
            .keys
            .seeds
            .remove(&(cluster, worker))
            .filter(|pending| {
                (pending.rotation, pending.sharing, pending.sealed_to)
                    == (sealed.rotation, sealed.sharing, sealed.sealed_to)
            });
        let mut pending = pending.unwrap_or_else(|| PendingSeed {
            rotation,
            sharing: sealed.sharing,
            sealed_to: sealed.sealed_to,
            shares: PerHolder::new(),
        });
        let known = pending
            .shares
            .iter()
            .any(|share| share.holder == sealed.holder);
        let taken = fits && !known;
        if taken {
            pending.shares.try_push(sealed).unwrap();
        }
        self.keys.seeds.insert((cluster, worker), pending);
        taken.then_some(())
    }

    pub fn seed_received(&mut self, from: WorkerId, cluster: ClusterId, rotation: u32) -> bool {
        let present = self
            .keys
            .rotations
            .get(&cluster)
            .copied()
            .unwrap_or_default();
        if rotation != present {
            return false;
        }
        let hpke_public_key = self.workers[&from].hpke_public_key;
        let confirmed = SeedConfirmation {
            rotation,
            hpke_public_key,
        };
        self.keys.confirmed.insert((cluster, from), confirmed);
        self.keys.seeds.remove(&(cluster, from));
        true
    }

    pub fn report(&mut self, evidence: WrongShare) {
        let id = evidence.signed.statement.sharing;
        let current = self.keys.sharing.iter().chain(&self.keys.past);
        let sharing = current
            .into_iter()
            .find(|sharing| sharing.id() == id)
            .unwrap();
        let judged = evidence.verify(
            sharing,
            &|public: &HolderKey, message: &[u8], signature: &[u8; 64]| {
                secrets::verify_sr25519(public, message, signature)
            },
        );
        judged.expect("it proves something");
        self.keys.reported.push(evidence);
    }

    /// What the light client reads for a gatekeeper.
    pub fn gatekeeping(&self, own: &WorkerId) -> GatekeepingView {
        let keys = &self.keys;
        let sharing = keys.sharing.clone();
        let held = sharing
            .as_ref()
            .filter(|sharing| sharing.index_of(&own.0).is_some());
        GatekeepingView {
            settings: keys.settings,
            network_key: keys.network_key,
            ceremony: keys.ceremony.clone(),
            needs: held
                .map(|sharing| self.needs(sharing.id()))
                .unwrap_or_default(),
            beacon: keys.beacon.clone().filter(|_| held.is_some()),
            latest_beacon: keys.values.last().copied(),
            sharing,
        }
    }

    fn needs(&self, sharing: SharingId) -> Vec<SeedNeed> {
        let mut needs = Vec::new();
        for (cluster, of) in &self.clusters {
            let rotation = self
                .keys
                .rotations
                .get(cluster)
                .copied()
                .unwrap_or_default();
            for worker in of.workers.iter().filter(|worker| self.is_active(worker)) {
                let hpke_public_key = self.workers[worker].hpke_public_key;
                let confirmed = SeedConfirmation {
                    rotation,
                    hpke_public_key,
                };
                if self.keys.confirmed.get(&(*cluster, *worker)) == Some(&confirmed) {
                    continue;
                }
                let pending = self.keys.seeds.get(&(*cluster, *worker)).filter(|pending| {
                    (pending.rotation, pending.sharing, pending.sealed_to)
                        == (rotation, sharing, hpke_public_key)
                });
                needs.push(SeedNeed {
                    cluster: *cluster,
                    rotation,
                    worker: *worker,
                    hpke_public_key,
                    shares_present: pending
                        .map(|pending| pending.shares.iter().map(|share| share.holder).collect())
                        .unwrap_or_default(),
                });
            }
        }
        needs
    }

    /// The part of a cluster's view that is about its seed.
    pub fn seed_view(&self, view: &mut ClusterView, own: &WorkerId) {
        let key = (view.id, *own);
        view.rotation = self
            .keys
            .rotations
            .get(&view.id)
            .copied()
            .unwrap_or_default();
        view.next_public_key = self.clusters[&view.id]
            .next_key
            .filter(|(rotation, _)| *rotation == view.rotation)
            .filter(|_| view.rotation != view.rotation_in_force)
            .map(|(_, key)| key);
        let Some(info) = self.workers.get(own) else {
            return;
        };
        let hpke_public_key = info.hpke_public_key;
        let confirmed = SeedConfirmation {
            rotation: view.rotation,
            hpke_public_key,
        };
        view.seed_confirmed = self.keys.confirmed.get(&key) == Some(&confirmed);
        if view.seed_confirmed {
            return;
        }
        view.sharing = self.keys.sharing.clone();
        let present = view.sharing.as_ref().map(|sharing| sharing.id());
        if let Some(pending) = self.keys.seeds.get(&key)
            && Some(pending.sharing) == present
            && (pending.rotation, pending.sealed_to) == (view.rotation, hpke_public_key)
        {
            view.seed_shares = pending.shares.to_vec();
        }
    }

    pub fn active_gatekeepers(&self) -> Vec<HolderKey> {
        let active = self
            .gatekeepers
            .iter()
            .filter(|worker| self.is_active(worker));
        active.map(|worker| worker.0).collect()
    }

    /// Who was given shares of a cluster's seed, ever.
    pub fn served(&self) -> BTreeSet<WorkerId> {
        let shares = self
            .log
            .iter()
            .filter_map(|(_, message, _)| seed_share(&message.payload));
        shares.map(|share| share.worker).collect()
    }
}

pub fn seed_share(payload: &MessagePayload) -> Option<SealedSeedShare> {
    match gatekeeper_message(payload)? {
        GatekeeperMessage::SeedShare(sealed) => Some(sealed),
        _ => None,
    }
}

pub fn gatekeeper_message(payload: &MessagePayload) -> Option<GatekeeperMessage> {
    match payload {
        MessagePayload::Gatekeeper { message } => codec::Decode::decode(&mut &message[..]).ok(),
        _ => None,
    }
}
