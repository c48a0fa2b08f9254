//! Dealing: one message on chain in which a dealer shares a secret among the recipients of a plan.
//!
//! It carries Feldman's commitments to the polynomial, one ephemeral key, and for each recipient
//! its share plus a scalar that only dealer and recipient can compute. The proof says that the
//! dealer knows the shared secret (so that nobody's is cancelled out) and the ephemeral secret (so
//! that nobody's ciphertext is dealt again, to have it opened by a complaint). Everybody checks
//! that much; whether an encrypted share is right only its recipient sees, and proves with a
//! [`Complaint`](crate::Complaint) if it is not.

use crate::{
    element::{Element, FieldElement},
    hash::{random_scalar, tagged_scalar},
    plan::{BrokenEntropy, Plan, PlanDigest, Source},
    polynomial::{SecretPolynomial, committed_share},
    sharing::{HOLDERS_MAX, HolderIndex, PerHolder},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar};
use rand_core::{CryptoRng, RngCore};
use scale_info::TypeInfo;
use wire::domain::{DEALING, DEALT_SHARE};
use zeroize::Zeroizing;

/// A dealing, as it goes on chain: 131 bytes, 32 for each coefficient, 32 for each recipient.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Dealing {
    /// Who deals.
    pub dealer: HolderIndex,
    pub(crate) commitments: PerHolder<Element>,
    pub(crate) ephemeral: Element,
    pub(crate) encrypted_shares: PerHolder<FieldElement>,
    challenge: FieldElement,
    secret_response: FieldElement,
    ephemeral_response: FieldElement,
}

/// Why nobody takes a dealing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DealingError {
    /// The plan knows no such dealer.
    #[error("the plan has no dealer {0}")]
    Dealer(u8),
    /// Not one commitment for each coefficient, or not one share for each recipient.
    #[error("the dealing has another threshold or number of recipients than the plan")]
    Size,
    /// Another secret is dealt than the share that the dealer holds.
    #[error("the dealing is not of the share that its dealer holds")]
    OtherSecret,
    /// The proof does not hold.
    #[error("the proof does not hold: made for another plan or dealer, or damaged")]
    Proof,
}

/// A dealing of which all is right that everybody can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedDealing {
    pub(crate) plan: PlanDigest,
    pub(crate) dealing: Dealing,
}

impl VerifiedDealing {
    /// Who dealt.
    pub fn dealer(&self) -> HolderIndex {
        self.dealing.dealer
    }

    /// A recipient's share, times the generator, as the commitments have it.
    pub(crate) fn committed_share(&self, recipient: HolderIndex) -> RistrettoPoint {
        committed_share(&self.dealing.commitments, recipient)
    }
}

impl Dealing {
    /// Checks what everybody can see.
    ///
    /// # Errors
    /// As [`DealingError`] says; the dealer's message is then as good as none.
    pub fn verify(self, plan: &Plan) -> Result<VerifiedDealing, DealingError> {
        let dealer = self.dealer;
        if plan.dealer(dealer).is_none() {
            return Err(DealingError::Dealer(dealer.get()));
        }
        if self.commitments.len() != usize::from(plan.threshold())
            || self.encrypted_shares.len() != plan.recipients().len()
        {
            return Err(DealingError::Size);
        }
        if let Source::Resharing(sharing) = plan.source()
            && sharing.public_share(dealer) != Some(self.commitments[0])
        {
            return Err(DealingError::OtherSecret);
        }
        let commitment = |key: &Element, response: &FieldElement| {
            RistrettoPoint::vartime_double_scalar_mul_basepoint(
                &self.challenge.0,
                key.point(),
                &response.0,
            )
        };
        let digest = plan.digest();
        let challenge = self.challenge(
            &digest,
            &commitment(&self.commitments[0], &self.secret_response),
            &commitment(&self.ephemeral, &self.ephemeral_response),
        );
        if *challenge != self.challenge.0 {
            return Err(DealingError::Proof);
        }
        Ok(VerifiedDealing {
            plan: digest,
            dealing: self,
        })
    }

    /// Takes a dealing as verified that the caller's own storage kept since [`Dealing::verify`]:
    /// for a chain, which would otherwise pay for each check again when the dealings are counted.
    pub fn assume_verified(self, plan: &Plan) -> VerifiedDealing {
        VerifiedDealing {
            plan: plan.digest(),
            dealing: self,
        }
    }

    fn challenge(
        &self,
        plan: &PlanDigest,
        secret_commitment: &RistrettoPoint,
        ephemeral_commitment: &RistrettoPoint,
    ) -> Zeroizing<Scalar> {
        tagged_scalar(
            DEALING,
            &[
                &plan.0,
                &self.dealer.encode(),
                &self.commitments.encode(),
                self.ephemeral.as_bytes(),
                &self.encrypted_shares.encode(),
                secret_commitment.compress().as_bytes(),
                ephemeral_commitment.compress().as_bytes(),
            ],
        )
    }

    /// Deals `secret` to the recipients of `plan`.
    pub(crate) fn deal(
        plan: &Plan,
        dealer: HolderIndex,
        secret: &Scalar,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, BrokenEntropy> {
        let draft = Draft::new(plan, dealer, secret, rng)?;
        Ok(draft.prove(&plan.digest(), rng))
    }
}

/// A dealing without its proof, and the two secrets that the proof is about.
pub(crate) struct Draft {
    pub(crate) dealing: Dealing,
    secret: Zeroizing<Scalar>,
    ephemeral_secret: Zeroizing<Scalar>,
}

impl Draft {
    pub(crate) fn new(
        plan: &Plan,
        dealer: HolderIndex,
        secret: &Scalar,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, BrokenEntropy> {
        let polynomial = SecretPolynomial::random(secret, plan.threshold(), rng);
        let ephemeral_secret = random_scalar(rng);
        let ephemeral =
            Element::new(RistrettoPoint::mul_base(&ephemeral_secret)).ok_or(BrokenEntropy)?;
        let digest = plan.digest();
        let mut encrypted_shares = Vec::with_capacity(plan.recipients().len());
        for (recipient, key) in HolderIndex::all(HOLDERS_MAX).zip(plan.recipients()) {
            let shared = Element::new(key.key.point() * *ephemeral_secret).map(Zeroizing::new);
            let shared = shared.ok_or(BrokenEntropy)?;
            let mask = mask(&digest, dealer, recipient, &ephemeral, &shared);
            encrypted_shares.push(FieldElement(*polynomial.share(recipient) + *mask));
        }
        let dealing = Dealing {
            dealer,
            commitments: bounded(polynomial.commitments().ok_or(BrokenEntropy)?),
            ephemeral,
            encrypted_shares: bounded(encrypted_shares),
            challenge: FieldElement(Scalar::ZERO),
            secret_response: FieldElement(Scalar::ZERO),
            ephemeral_response: FieldElement(Scalar::ZERO),
        };
        Ok(Self {
            dealing,
            secret: Zeroizing::new(*secret),
            ephemeral_secret,
        })
    }

    /// Schnorr's proof of both secrets with one challenge, over all of the dealing.
    pub(crate) fn prove(self, plan: &PlanDigest, rng: &mut (impl CryptoRng + RngCore)) -> Dealing {
        let mut dealing = self.dealing;
        let secret_nonce = random_scalar(rng);
        let ephemeral_nonce = random_scalar(rng);
        let challenge = dealing.challenge(
            plan,
            &RistrettoPoint::mul_base(&secret_nonce),
            &RistrettoPoint::mul_base(&ephemeral_nonce),
        );
        dealing.challenge = FieldElement(*challenge);
        dealing.secret_response = FieldElement(*secret_nonce - *challenge * *self.secret);
        dealing.ephemeral_response =
            FieldElement(*ephemeral_nonce - *challenge * *self.ephemeral_secret);
        dealing
    }
}

impl Plan {
    /// Deals a part of a new key, in a plan for one; the part itself is kept by nobody.
    ///
    /// # Errors
    /// When `dealer` is no recipient, when the plan is a resharing, or the entropy is broken.
    pub fn deal_new_key(
        &self,
        dealer: HolderIndex,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Dealing, DealError> {
        if self.source() != &Source::Generation || self.dealer(dealer).is_none() {
            return Err(DealError::NotDealer);
        }
        let secret = random_scalar(rng);
        Ok(Dealing::deal(self, dealer, &secret, rng)?)
    }
}

/// Why somebody cannot deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DealError {
    /// The plan does not ask this holder to deal, or not of this share.
    #[error("the plan does not have this holder deal; read the plan from the chain again")]
    NotDealer,
    /// The source of entropy is broken.
    #[error("no dealing could be made")]
    Entropy(#[from] BrokenEntropy),
}

/// What a share is hidden by: a one-time pad in the field, from the key that dealer and recipient
/// agree on.
pub(crate) fn mask(
    plan: &PlanDigest,
    dealer: HolderIndex,
    recipient: HolderIndex,
    ephemeral: &Element,
    shared: &Element,
) -> Zeroizing<Scalar> {
    tagged_scalar(
        DEALT_SHARE,
        &[
            &plan.0,
            &[dealer.get(), recipient.get()],
            ephemeral.as_bytes(),
            shared.as_bytes(),
        ],
    )
}

/// For lists that are as long as a list that is already bounded.
pub(crate) fn bounded<T>(list: Vec<T>) -> PerHolder<T> {
    debug_assert!(list.len() <= usize::from(HOLDERS_MAX));
    PerHolder::truncate_from(list)
}
