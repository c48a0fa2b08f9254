//! Receiving: opening what dealers sent, complaining of what is wrong, and what a set of dealings
//! comes to.

use crate::{
    dealing::{VerifiedDealing, bounded, mask},
    dleq::{DleqProof, DleqStatement},
    element::Element,
    hash::{Context, tagged_scalar},
    key_share::KeyShare,
    plan::{Plan, ReceivingSecret, Source},
    polynomial::lagrange_at_zero,
    sharing::{HolderIndex, Sharing},
};
use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use curve25519_dalek::{
    ristretto::RistrettoPoint,
    scalar::Scalar,
    traits::{Identity, VartimeMultiscalarMul},
};
use scale_info::TypeInfo;
use wire::domain::{COMPLAINT, COMPLAINT_NONCE};
use zeroize::Zeroizing;

/// A recipient shows everybody how the share opens that a dealer sent it. 98 bytes.
///
/// It opens this one share of this one dealing and no other.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Complaint {
    /// Who dealt wrongly.
    pub dealer: HolderIndex,
    /// Who complains.
    pub recipient: HolderIndex,
    shared: Element,
    proof: DleqProof,
}

/// The dealer is proven to have sent a wrong share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadDealing {
    /// Who.
    pub dealer: HolderIndex,
}

/// Why a complaint proves nothing against the dealer. Honest recipients make no such complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Groundless {
    /// It is about another dealing or plan, or from nobody who receives.
    #[error("the complaint is about another dealing, or not from a recipient of it")]
    Other,
    /// The key shown is not the one that dealer and recipient agree on.
    #[error("the key that the complaint shows is not the one of dealer and recipient")]
    Proof,
    /// The share is right.
    #[error("the share that is complained of is right")]
    ShareHolds,
}

impl Complaint {
    /// Judges the complaint.
    ///
    /// # Errors
    /// When it proves nothing against the dealer, which is the complainant's fault.
    pub fn judge(&self, plan: &Plan, dealing: &VerifiedDealing) -> Result<BadDealing, Groundless> {
        let recipient = plan.recipients().get(self.recipient.position());
        let recipient = recipient.ok_or(Groundless::Other)?;
        if dealing.plan != plan.digest() || dealing.dealer() != self.dealer {
            return Err(Groundless::Other);
        }
        let statement = DleqStatement {
            context: Context::from(COMPLAINT),
            public: &recipient.key,
            pairs: &[(dealing.dealing.ephemeral, self.shared)],
        };
        if !statement.verify(&self.proof) {
            return Err(Groundless::Proof);
        }
        match dealing.decrypt(self.recipient, &self.shared) {
            Some(_) => Err(Groundless::ShareHolds),
            None => Ok(BadDealing {
                dealer: self.dealer,
            }),
        }
    }
}

impl VerifiedDealing {
    /// The share in it for `recipient`, if it is the one that is committed to.
    fn decrypt(&self, recipient: HolderIndex, shared: &Element) -> Option<Zeroizing<Scalar>> {
        let encrypted = self.dealing.encrypted_shares.get(recipient.position())?;
        let mask = mask(
            &self.plan,
            self.dealer(),
            recipient,
            &self.dealing.ephemeral,
            shared,
        );
        let share = Zeroizing::new(encrypted.0 - *mask);
        (RistrettoPoint::mul_base(&share) == self.committed_share(recipient)).then_some(share)
    }
}

/// Why there is no share for a recipient.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The secret is of nobody who receives in this plan.
    #[error("the receiving key is not in the plan")]
    NotRecipient,
    /// The dealing is for another plan.
    #[error("the dealing is for another plan")]
    OtherPlan,
    /// A dealer sent a wrong share: send the complaint to the chain, and go on without that
    /// dealing.
    #[error("dealer {} sent a wrong share; the complaint proves it", .0.dealer.get())]
    BadShare(Box<Complaint>),
    /// The dealings come to no sharing.
    #[error("the dealings come to no sharing")]
    Outcome(#[source] OutcomeError),
}

impl ReceivingSecret {
    /// Checks the share that a dealing has for the holder of this key, as soon as the dealing is on
    /// chain.
    ///
    /// # Errors
    /// [`ReceiveError::BadShare`] with the complaint to send, when the share is wrong.
    pub fn check(&self, plan: &Plan, dealing: &VerifiedDealing) -> Result<(), ReceiveError> {
        self.open(plan, dealing).map(|_| ())
    }

    fn open(
        &self,
        plan: &Plan,
        dealing: &VerifiedDealing,
    ) -> Result<Zeroizing<Scalar>, ReceiveError> {
        if dealing.plan != plan.digest() {
            return Err(ReceiveError::OtherPlan);
        }
        let recipient = self.index(plan)?;
        // The product of two scalars that are not zero with a point that is not neutral, in a group
        // of prime order.
        let shared = Element::new(dealing.dealing.ephemeral.point() * *self.secret)
            .map(Zeroizing::new)
            .ok_or(ReceiveError::NotRecipient)?;
        dealing.decrypt(recipient, &shared).ok_or_else(|| {
            ReceiveError::BadShare(Box::new(self.complain(dealing, recipient, *shared)))
        })
    }

    fn index(&self, plan: &Plan) -> Result<HolderIndex, ReceiveError> {
        let index = plan
            .recipient_index(&self.public.holder)
            .filter(|index| plan.recipients()[index.position()] == self.public.recipient());
        index.ok_or(ReceiveError::NotRecipient)
    }

    pub(crate) fn complain(
        &self,
        dealing: &VerifiedDealing,
        recipient: HolderIndex,
        shared: Element,
    ) -> Complaint {
        let ephemeral = dealing.dealing.ephemeral;
        let nonce = tagged_scalar(
            COMPLAINT_NONCE,
            &[
                self.secret.as_bytes(),
                ephemeral.as_bytes(),
                shared.as_bytes(),
            ],
        );
        let statement = DleqStatement {
            context: Context::from(COMPLAINT),
            public: &self.public.key,
            pairs: &[(ephemeral, shared)],
        };
        Complaint {
            dealer: dealing.dealer(),
            recipient,
            shared,
            proof: statement.prove(&self.secret, &nonce),
        }
    }

    /// The holder's share of what the dealings come to. Afterwards this secret must go: drop it,
    /// and wipe the sealed copy.
    ///
    /// # Errors
    /// As [`ReceiveError`] says. `dealings` are those that the chain has found to be without fault.
    pub fn assemble(
        &self,
        plan: &Plan,
        dealings: &[VerifiedDealing],
    ) -> Result<KeyShare, ReceiveError> {
        let index = self.index(plan)?;
        let chosen = choose(plan, dealings).map_err(ReceiveError::Outcome)?;
        let mut secret = Zeroizing::new(Scalar::ZERO);
        for (dealing, weight) in &chosen {
            *secret += *self.open(plan, dealing)? * weight;
        }
        let sharing = Sharing::from_dealings(plan, dealings).map_err(ReceiveError::Outcome)?;
        KeyShare::new(sharing, index, secret).ok_or(ReceiveError::Outcome(OutcomeError::Degenerate))
    }
}

/// Why dealings come to no sharing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutcomeError {
    /// There are too few of them.
    #[error("{given} dealings are without fault, {needed} are needed; make a new plan")]
    TooFew {
        /// How many there are.
        given: u8,
        /// How many it takes.
        needed: u8,
    },
    /// One is for another plan, or a dealer is there twice.
    #[error("a dealing is for another plan, or there twice")]
    Foreign,
    /// A sum is the neutral point, which no honest dealer's part allows but by chance.
    #[error("the dealings cancel out; make a new plan")]
    Degenerate,
}

impl Sharing {
    /// What the dealings that are without fault come to. Everybody who takes the same ones gets the
    /// same sharing.
    ///
    /// For a new key all of them count. For a resharing those of the lowest indices, as many as the
    /// source's threshold: more would add nothing.
    ///
    /// # Errors
    /// When there are too few, or they do not belong to the plan.
    pub fn from_dealings(plan: &Plan, dealings: &[VerifiedDealing]) -> Result<Self, OutcomeError> {
        let chosen = choose(plan, dealings)?;
        let coefficient = |position: usize| {
            let points = chosen
                .iter()
                .map(|(dealing, _)| *dealing.dealing.commitments[position].point());
            let sum = match plan.source() {
                Source::Generation => points.fold(RistrettoPoint::identity(), |sum, p| sum + p),
                Source::Resharing(_) => RistrettoPoint::vartime_multiscalar_mul(
                    chosen.iter().map(|(_, weight)| weight),
                    points,
                ),
            };
            Element::new(sum).ok_or(OutcomeError::Degenerate)
        };
        let commitments: Result<Vec<Element>, _> = (0..usize::from(plan.threshold()))
            .map(coefficient)
            .collect();
        let holders = plan.recipients().iter().map(|key| key.holder).collect();
        let sharing = Self::new(
            *plan.network(),
            plan.target(),
            bounded(holders),
            bounded(commitments?),
        )
        .ok_or(OutcomeError::Degenerate)?;
        match plan.source() {
            // Each dealing was checked to be of its dealer's share, so this cannot fail.
            Source::Resharing(source) if source.group_key() != sharing.group_key() => {
                Err(OutcomeError::Degenerate)
            }
            _ => Ok(sharing),
        }
    }
}

/// The dealings that count, in the order of their dealers, and by what each is multiplied.
fn choose<'a>(
    plan: &Plan,
    dealings: &'a [VerifiedDealing],
) -> Result<Vec<(&'a VerifiedDealing, Scalar)>, OutcomeError> {
    let digest = plan.digest();
    let mut by_dealer = BTreeMap::new();
    for dealing in dealings {
        if dealing.plan != digest || by_dealer.insert(dealing.dealer(), dealing).is_some() {
            return Err(OutcomeError::Foreign);
        }
    }
    let needed = plan.dealings_needed();
    if by_dealer.len() < usize::from(needed) {
        let given = by_dealer.len() as u8;
        return Err(OutcomeError::TooFew { given, needed });
    }
    Ok(match plan.source() {
        Source::Generation => by_dealer.into_values().map(|d| (d, Scalar::ONE)).collect(),
        Source::Resharing(_) => {
            let indices: Vec<HolderIndex> = by_dealer.keys().copied().take(needed.into()).collect();
            by_dealer
                .into_values()
                .zip(lagrange_at_zero(&indices))
                .collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DealingError, SharingId,
        dealing::{Dealing, Draft},
        hash::random_scalar,
        sharing::Committee,
    };
    use alloc::vec;
    use primitives::GenesisHash;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    const NETWORK: GenesisHash = GenesisHash([9; 32]);
    const TARGET: SharingId = SharingId {
        generation: 0,
        committee: Committee::Gatekeepers,
        epoch: 0,
    };

    fn index(index: u8) -> HolderIndex {
        HolderIndex::new(index).unwrap()
    }

    fn setting() -> (Plan, Vec<ReceivingSecret>, ChaCha20Rng) {
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let receivers: Vec<ReceivingSecret> = (1..=3)
            .map(|n| ReceivingSecret::generate(&NETWORK, TARGET, [n; 32], &mut rng).unwrap())
            .collect();
        let keys = receivers
            .iter()
            .map(|receiver| receiver.public().recipient())
            .collect();
        let plan = Plan::new(NETWORK, TARGET, 2, Source::Generation, bounded(keys)).unwrap();
        (plan, receivers, rng)
    }

    /// What dealer 1 sends when it gives recipient 2 a share that is not committed to.
    fn cheat(plan: &Plan, rng: &mut ChaCha20Rng) -> VerifiedDealing {
        let secret = random_scalar(rng);
        let mut draft = Draft::new(plan, index(1), &secret, rng).unwrap();
        draft.dealing.encrypted_shares[1].0 += Scalar::ONE;
        let dealing = draft.prove(&plan.digest(), rng);
        dealing.verify(plan).unwrap()
    }

    fn complaint(receiver: &ReceivingSecret, plan: &Plan, dealing: &VerifiedDealing) -> Complaint {
        match receiver.check(plan, dealing) {
            Err(ReceiveError::BadShare(complaint)) => *complaint,
            other => panic!("no complaint but {other:?}"),
        }
    }

    #[test]
    fn a_wrong_share_is_proven_by_its_recipient_and_nobody_else_complains() {
        let (plan, receivers, mut rng) = setting();
        let dealing = cheat(&plan, &mut rng);
        receivers[0].check(&plan, &dealing).unwrap();
        receivers[2].check(&plan, &dealing).unwrap();
        let complaint = complaint(&receivers[1], &plan, &dealing);
        let dealer = index(1);
        assert_eq!(complaint.judge(&plan, &dealing), Ok(BadDealing { dealer }));
        // It proves nothing of another dealer, of another plan, of another dealing of the same dealer.
        let blamed = Complaint {
            dealer: index(2),
            ..complaint
        };
        assert_eq!(blamed.judge(&plan, &dealing), Err(Groundless::Other));
        let keys = bounded(plan.recipients().to_vec());
        let other = Plan::new(NETWORK, TARGET, 1, Source::Generation, keys).unwrap();
        assert_eq!(complaint.judge(&other, &dealing), Err(Groundless::Other));
        let honest = plan.deal_new_key(dealer, &mut rng).unwrap();
        let honest = honest.verify(&plan).unwrap();
        assert_eq!(complaint.judge(&plan, &honest), Err(Groundless::Proof));
    }

    #[test]
    fn complaints_of_right_shares_and_with_wrong_keys_are_groundless() {
        let (plan, receivers, mut rng) = setting();
        let dealing = plan.deal_new_key(index(1), &mut rng).unwrap();
        let dealing = dealing.verify(&plan).unwrap();
        let shared =
            |secret: &Scalar| Element::new(dealing.dealing.ephemeral.point() * secret).unwrap();
        let right = shared(&receivers[1].secret);
        let honest = receivers[1].complain(&dealing, index(2), right);
        assert_eq!(honest.judge(&plan, &dealing), Err(Groundless::ShareHolds));
        let wrong = shared(&Scalar::from(5u8));
        let invented = receivers[1].complain(&dealing, index(2), wrong);
        assert_eq!(invented.judge(&plan, &dealing), Err(Groundless::Proof));
        let for_another = receivers[1].complain(&dealing, index(3), right);
        assert_eq!(for_another.judge(&plan, &dealing), Err(Groundless::Proof));
        let nobody = receivers[1].complain(&dealing, index(4), right);
        assert_eq!(nobody.judge(&plan, &dealing), Err(Groundless::Other));
    }

    #[test]
    fn a_dealing_is_bound_to_plan_dealer_and_every_byte() {
        let (plan, _, mut rng) = setting();
        let dealing = plan.deal_new_key(index(1), &mut rng).unwrap();
        let refused = |change: &dyn Fn(&mut Dealing)| {
            let mut changed = dealing.clone();
            change(&mut changed);
            changed.verify(&plan).unwrap_err()
        };
        // Somebody else's dealing under one's own name would have its shares opened by complaints.
        assert_eq!(refused(&|d| d.dealer = index(2)), DealingError::Proof);
        assert_eq!(refused(&|d| d.dealer = index(4)), DealingError::Dealer(4));
        assert_eq!(
            refused(&|d| d.encrypted_shares[2].0 += Scalar::ONE),
            DealingError::Proof
        );
        assert_eq!(
            refused(&|d| d.commitments.as_mut().swap(0, 1)),
            DealingError::Proof
        );
        let short = &|d: &mut Dealing| {
            d.encrypted_shares.pop();
        };
        assert_eq!(refused(short), DealingError::Size);
    }

    #[test]
    fn a_holder_deals_its_own_share_or_nothing() {
        let (plan, receivers, mut rng) = setting();
        let dealings: Vec<VerifiedDealing> = HolderIndex::all(3)
            .map(|dealer| plan.deal_new_key(dealer, &mut rng).unwrap())
            .map(|dealing| dealing.verify(&plan).unwrap())
            .collect();
        let sharing = Sharing::from_dealings(&plan, &dealings).unwrap();
        let share = receivers[0].assemble(&plan, &dealings).unwrap();
        let target = SharingId { epoch: 1, ..TARGET };
        let next = ReceivingSecret::generate(&NETWORK, target, [1; 32], &mut rng).unwrap();
        let keys = bounded(vec![next.public().recipient()]);
        let source = Source::Resharing(sharing);
        let plan = Plan::new(NETWORK, target, 1, source, keys).unwrap();
        let other = Dealing::deal(&plan, index(1), &Scalar::ONE, &mut rng).unwrap();
        assert_eq!(other.verify(&plan), Err(DealingError::OtherSecret));
        let own = share.reshare(&plan, &mut rng).unwrap();
        own.verify(&plan).unwrap();
    }
}
