//! The cluster's seed, as a worker comes to it: from shares that gatekeepers sealed to it, each of
//! which it opens, checks against the sharing in force, and combines by itself. No gatekeeper knows
//! the seed, and none can give a wrong one unnoticed.

use crate::{identity::Identity, kept::KeptSecrets, notice::Notice, outbox::Outbox};
use chain_facts::view::ClusterView;
use codec::DecodeAll;
use primitives::{BlockNumber, ClusterId, WorkerId};
use secrets::ClusterSeed;
use std::collections::BTreeSet;
use threshold_keys::{
    EvaluationContext, EvaluationShare, HolderIndex, PAYLOAD_BYTES_MAX, SealedSeedShare, Sharing,
    SharingId, SignedStatement, Statement, WrongShare,
};
use wire::{domain::SEALED_EVALUATION_SHARE, message::MessagePayload};
use zeroize::Zeroizing;

const _: () = assert!(EvaluationShare::BYTES <= PAYLOAD_BYTES_MAX as usize);

/// Follows the seed of the worker's cluster.
#[derive(Default)]
pub(crate) struct SeedFollower {
    /// The shares that were opened last, so that they are opened once.
    opened: Option<(ClusterId, u32, SharingId, Vec<HolderIndex>)>,
    /// Faults that were told, by sharing, holder and what it signed.
    told: BTreeSet<(SharingKey, u8, [u8; 32])>,
    /// The seed whose key was told against another one on chain.
    disputed: Option<(ClusterId, u32)>,
}

type SharingKey = (u32, u32);

/// What came of one block.
#[derive(Default)]
pub(crate) struct Done {
    /// Whether the secrets changed and must be kept before anything is said.
    pub(crate) keep: bool,
    /// Whether the chain has another key for the cluster than the seed makes.
    pub(crate) disputed: bool,
    /// What the operator should know.
    pub(crate) notices: Vec<Notice>,
    /// What gatekeepers are to be reported for.
    pub(crate) reports: Vec<WrongShare>,
}

impl SeedFollower {
    /// Looks after the seed that the cluster uses at this block: puts it together where it is not
    /// there, and tells the chain what it misses of it.
    pub(crate) fn follow(
        &mut self,
        (now, cluster): (BlockNumber, &ClusterView),
        identity: &Identity,
        kept: &mut KeptSecrets,
        outbox: &mut Outbox,
    ) -> Done {
        let is_pending = cluster.rotation != cluster.rotation_in_force;
        let public_key = match is_pending {
            true => cluster.next_public_key,
            false => cluster.public_key,
        };
        let mut done = Done {
            disputed: kept
                .seed(&cluster.id, cluster.rotation_in_force)
                .is_some_and(|known| !is_good(&known, cluster.public_key) && known.1),
            ..Done::default()
        };
        let mut known = kept.seed(&cluster.id, cluster.rotation);
        if known
            .as_ref()
            .is_none_or(|known| !is_good(known, public_key) && !known.1)
        {
            known = self
                .combine(cluster, identity, &mut done)
                .map(|seed| (seed, true));
            if let Some((seed, _)) = &known {
                let which = (cluster.rotation, cluster.rotation_in_force);
                kept.keep_seed(cluster.id, which, seed);
                done.keep = true;
            }
        }
        let Some(known) = known else {
            if cluster.seed_confirmed {
                done.notices.push(Notice::SeedLost(cluster.id));
                outbox.say(&("seed-lost", cluster.id, cluster.rotation), now, || {
                    Some(MessagePayload::SeedLost {
                        cluster: cluster.id,
                        rotation: cluster.rotation,
                    })
                });
            }
            return done;
        };
        let own_key = known.0.signing_key().public();
        let about = ("cluster-key", cluster.id, cluster.rotation);
        let tell = || match is_pending {
            true => MessagePayload::NextClusterKey {
                cluster: cluster.id,
                rotation: cluster.rotation,
                public_key: own_key,
            },
            false => MessagePayload::ClusterKey {
                cluster: cluster.id,
                public_key: own_key,
            },
        };
        if !is_good(&known, public_key) {
            // What is not in use yet keeps nobody from serving: it never comes in use.
            done.disputed |= !is_pending;
            done.notices.push(Notice::ClusterKeyDisputed(cluster.id));
            // Once: the chain makes an event of it, and changes nothing.
            let which = Some((cluster.id, cluster.rotation));
            if self.disputed != which && outbox.say(&about, now, || Some(tell())) {
                self.disputed = which;
            }
            return done;
        }
        if public_key.is_none() {
            outbox.say(&about, now, || Some(tell()));
        }
        if !cluster.seed_confirmed {
            outbox.say(
                &("seed-received", cluster.id, cluster.rotation),
                now,
                || {
                    Some(MessagePayload::SeedReceived {
                        cluster: cluster.id,
                        rotation: cluster.rotation,
                    })
                },
            );
        }
        done
    }

    /// The seed, once a threshold of shares holds.
    fn combine(
        &mut self,
        cluster: &ClusterView,
        identity: &Identity,
        done: &mut Done,
    ) -> Option<ClusterSeed> {
        let sharing = cluster.sharing.as_ref()?;
        let holders = cluster
            .seed_shares
            .iter()
            .map(|share| share.holder)
            .collect();
        let shown = Some((cluster.id, cluster.rotation, sharing.id(), holders));
        if cluster.seed_shares.is_empty() || self.opened == shown {
            return None;
        }
        let mut shares = Vec::new();
        for sealed in &cluster.seed_shares {
            match open(sealed, cluster, sharing, identity) {
                Ok(share) => shares.push(share),
                Err(fault) => self.tell(fault, sealed, sharing, done),
            }
        }
        self.opened = shown;
        let context = EvaluationContext::ClusterSeed {
            cluster: cluster.id,
            rotation: cluster.rotation,
        };
        let combined = sharing.combine(&context, &shares).ok()?;
        Some(ClusterSeed::from_bytes(&combined.evaluation.secret()))
    }

    /// Names who gave a bad share, once, and what proves it.
    fn tell(&mut self, fault: Fault, sealed: &SealedSeedShare, sharing: &Sharing, done: &mut Done) {
        let Some(holder) = sharing.holder(sealed.holder) else {
            return;
        };
        let (id, holder) = (sealed.sharing, WorkerId(*holder));
        let which = (
            (id.generation, id.epoch),
            sealed.holder.get(),
            sealed.payload,
        );
        if !self.told.insert(which) {
            return;
        }
        match fault {
            Fault::Unusable => done.notices.push(Notice::UnusableSeedShare(holder)),
            Fault::Wrong(evidence) => {
                done.notices.push(Notice::WrongSeedShare(holder));
                done.reports.push(*evidence);
            }
        }
    }
}

/// The seed that the cluster uses, where it is there and the chain has no other key for it.
pub(crate) fn good(kept: &KeptSecrets, cluster: &ClusterView) -> Option<ClusterSeed> {
    let known = kept.seed(&cluster.id, cluster.rotation_in_force)?;
    is_good(&known, cluster.public_key).then_some(known.0)
}

/// Whether the chain has this seed's key, or none and the seed was put together here.
fn is_good((seed, combined): &(ClusterSeed, bool), public_key: Option<[u8; 32]>) -> bool {
    match public_key {
        Some(public_key) => seed.signing_key().public() == public_key,
        None => *combined,
    }
}

enum Fault {
    /// It does not open to what was signed. Nobody else can see that.
    Unusable,
    /// It opens to what was signed, which is wrong.
    Wrong(Box<WrongShare>),
}

fn open(
    sealed: &SealedSeedShare,
    cluster: &ClusterView,
    sharing: &Sharing,
    identity: &Identity,
) -> Result<EvaluationShare, Fault> {
    let context = sealed.context();
    let own = (
        sealed.cluster,
        sealed.rotation,
        sealed.worker,
        sealed.sharing,
    ) == (
        cluster.id,
        cluster.rotation,
        identity.worker(),
        sharing.id(),
    );
    let statement = sealed.statement(identity.genesis());
    let signed_by_holder = sharing.holder(sealed.holder).is_some_and(|holder| {
        secrets::verify_sr25519(
            holder,
            &statement.signing_bytes(),
            &sealed.statement_signature,
        )
    });
    if !own || !signed_by_holder {
        return Err(Fault::Unusable);
    }
    let aad = EvaluationShare::sealing_aad(&sharing.group_key(), &context, &sealed.worker);
    let (bytes, _) = secrets::hpke::open_base(
        identity.hpke(),
        SEALED_EVALUATION_SHARE,
        &aad,
        &sealed.encapsulated_key,
        &sealed.ciphertext,
    )
    .map_err(|_| Fault::Unusable)?;
    let bytes: Zeroizing<Vec<u8>> = bytes;
    if Statement::payload_digest(&bytes) != sealed.payload {
        return Err(Fault::Unusable);
    }
    match EvaluationShare::decode_all(&mut &bytes[..]) {
        Ok(share)
            if share.holder == sealed.holder && sharing.verify_share(&context, &share).is_ok() =>
        {
            Ok(share)
        }
        _ => {
            // Public from here on: it is wrong, and so tells nothing of the seed.
            let payload = bytes.to_vec().try_into().map_err(|_| Fault::Unusable)?;
            Err(Fault::Wrong(Box::new(WrongShare {
                signed: SignedStatement {
                    statement,
                    signature: sealed.statement_signature,
                },
                context,
                payload,
            })))
        }
    }
}

/// Whether the chain lets what a worker says of a cluster's seed into no block: it was removed.
pub(crate) fn is_of_another(payload: &MessagePayload, cluster: Option<&ClusterId>) -> bool {
    match payload {
        MessagePayload::SeedReceived { cluster: of, .. }
        | MessagePayload::SeedLost { cluster: of, .. } => Some(of) != cluster,
        _ => false,
    }
}
