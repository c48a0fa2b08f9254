//! Holders of shares and what they do, without a chain between them.

use primitives::{ClusterId, GenesisHash};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use secrets::Sr25519Secret;
use threshold_keys::{
    Committee, EvaluationContext, EvaluationShare, HolderIndex, HolderKey, KeyShare, PerHolder,
    Plan, ReceivingSecret, Sharing, SharingId, Source, VerifiedDealing,
};

pub const NETWORK: GenesisHash = GenesisHash([0xab; 32]);

pub fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

pub fn id(committee: Committee, epoch: u32) -> SharingId {
    SharingId {
        generation: 0,
        committee,
        epoch,
    }
}

pub fn index(index: u8) -> HolderIndex {
    HolderIndex::new(index).unwrap()
}

pub fn signer(name: u8) -> Sr25519Secret {
    Sr25519Secret::from_seed(&[name; 32])
}

pub fn holder(name: u8) -> HolderKey {
    signer(name).public()
}

pub fn seed_of(cluster: u8) -> EvaluationContext {
    EvaluationContext::ClusterSeed {
        cluster: ClusterId([cluster; 32]),
        rotation: 0,
    }
}

/// A sharing and all of its shares.
pub struct Holders {
    pub sharing: Sharing,
    pub shares: Vec<KeyShare>,
}

/// A plan and the secrets of who receives in it.
pub struct Ceremony {
    pub plan: Plan,
    pub receivers: Vec<ReceivingSecret>,
}

impl Ceremony {
    pub fn new(
        target: SharingId,
        threshold: u8,
        source: Source,
        names: impl IntoIterator<Item = u8>,
        rng: &mut ChaCha20Rng,
    ) -> Self {
        let receivers: Vec<ReceivingSecret> = names
            .into_iter()
            .map(|name| ReceivingSecret::generate(&NETWORK, target, holder(name), rng).unwrap())
            .collect();
        let keys = receivers
            .iter()
            .map(|receiver| receiver.public().verify(&NETWORK, target).unwrap());
        let keys = PerHolder::truncate_from(keys.collect());
        let plan = Plan::new(NETWORK, target, threshold, source, keys).unwrap();
        Self { plan, receivers }
    }

    /// What everybody holds after these dealings.
    pub fn finish(&self, dealings: &[VerifiedDealing]) -> Holders {
        let sharing = Sharing::from_dealings(&self.plan, dealings).unwrap();
        let assemble = |receiver: &ReceivingSecret| receiver.assemble(&self.plan, dealings);
        let shares: Vec<KeyShare> = self
            .receivers
            .iter()
            .map(|receiver| assemble(receiver).unwrap())
            .collect();
        assert!(shares.iter().all(|share| share.sharing() == &sharing));
        Holders { sharing, shares }
    }

    pub fn deal_new_key(&self, dealers: &[u8], rng: &mut ChaCha20Rng) -> Vec<VerifiedDealing> {
        let deal = |dealer: &u8| {
            let dealing = self.plan.deal_new_key(index(*dealer), rng).unwrap();
            dealing.verify(&self.plan).unwrap()
        };
        dealers.iter().map(deal).collect()
    }
}

impl Holders {
    /// A new key among `count` gatekeepers.
    pub fn generate(threshold: u8, count: u8, rng: &mut ChaCha20Rng) -> Self {
        let target = id(Committee::Gatekeepers, 0);
        let ceremony = Ceremony::new(target, threshold, Source::Generation, 1..=count, rng);
        let dealers: Vec<u8> = (1..=count).collect();
        let dealings = ceremony.deal_new_key(&dealers, rng);
        ceremony.finish(&dealings)
    }

    /// The same key among others; `dealers` are those of these holders who take part.
    pub fn reshare(
        &self,
        target: SharingId,
        threshold: u8,
        names: impl IntoIterator<Item = u8>,
        dealers: &[u8],
        rng: &mut ChaCha20Rng,
    ) -> Self {
        let source = Source::Resharing(self.sharing.clone());
        let ceremony = Ceremony::new(target, threshold, source, names, rng);
        let dealings = self.deal(&ceremony.plan, dealers, rng);
        ceremony.finish(&dealings)
    }

    pub fn deal(&self, plan: &Plan, dealers: &[u8], rng: &mut ChaCha20Rng) -> Vec<VerifiedDealing> {
        let deal = |dealer: &u8| {
            let share = &self.shares[usize::from(*dealer) - 1];
            share.reshare(plan, rng).unwrap().verify(plan).unwrap()
        };
        dealers.iter().map(deal).collect()
    }

    pub fn evaluate(&self, context: &EvaluationContext, names: &[u8]) -> Vec<EvaluationShare> {
        let share = |name: &u8| &self.shares[usize::from(*name) - 1];
        names
            .iter()
            .map(|name| share(name).evaluate(context).unwrap())
            .collect()
    }

    /// The seed that these holders give.
    pub fn seed(&self, context: &EvaluationContext, names: &[u8]) -> [u8; 32] {
        let shares = self.evaluate(context, names);
        let combined = self.sharing.combine(context, &shares).unwrap();
        assert_eq!(combined.faults, []);
        *combined.evaluation.secret()
    }
}
