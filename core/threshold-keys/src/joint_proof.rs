//! One proof by many: a threshold of holders prove together what a single holder of the key would
//! prove alone, so that who checks needs the public key and one verification.
//!
//! # Two rounds
//!
//! 1. Each holder publishes its [`EvaluationShare`] and a [`NonceCommitment`]: a nonce times the
//!    generator, and times the input.
//! 2. A coordinator (anybody) picks a threshold of them, a [`JointProof`]. Each of those holders
//!    computes the same from the list, and answers with a [`ProofResponse`]. Their sum is the
//!    proof.
//!
//! Nobody can make a proof of a wrong value, whatever holders and coordinator do: the proof is the
//! same Chaum-Pedersen proof as for a share, and is sound by itself. That is why one nonce suffices
//! where threshold signatures take two: those must not be transferred to another message, but here
//! the only other messages are true as well. What must not happen is that a nonce is used twice,
//! which would tell the share; [`ProofNonce`] can be used once, and is never kept on disk. A holder
//! keeps one nonce open at a time for each context, and answers in one session with it.
//!
//! Who answers wrongly is named, and the value is known after the first round in any case.

use crate::{
    dleq::{Composite, DleqProof, DleqStatement},
    element::{Element, FieldElement},
    evaluation::{
        CombineError, EvaluationContext, EvaluationShare, NeutralInput, ShareFault, SortedShares,
        interpolate,
    },
    hash::{Context, random_scalar},
    key_share::KeyShare,
    plan::BrokenEntropy,
    sharing::{GroupKey, HolderIndex, Sharing, SharingId},
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use curve25519_dalek::{
    ristretto::RistrettoPoint,
    scalar::Scalar,
    traits::{Identity, VartimeMultiscalarMul},
};
use rand_core::{CryptoRng, RngCore};
use scale_info::TypeInfo;
use wire::domain::{EVALUATION_SHARE, JOINT_PROOF, tagged_hash};
use zeroize::Zeroizing;

/// A value with one proof that it is the input times the network's key. 96 bytes.
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
pub struct ProvenEvaluation {
    pub(crate) value: Element,
    pub(crate) proof: DleqProof,
}

/// The proof of an evaluation does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold: another key or context, or damaged")]
pub struct InvalidProof;

impl GroupKey {
    /// Checks an evaluation: one verification, whatever the number of holders.
    ///
    /// # Errors
    /// When it is not of this key and context.
    pub fn verify(
        &self,
        context: &EvaluationContext,
        evaluation: &ProvenEvaluation,
    ) -> Result<(), InvalidProof> {
        let input = context.input(self).map_err(|_| InvalidProof)?;
        let statement = DleqStatement {
            context: Context::from(EVALUATION_SHARE),
            public: &self.element,
            pairs: &[(input, evaluation.value)],
        };
        let holds = statement.verify(&evaluation.proof);
        holds.then_some(()).ok_or(InvalidProof)
    }
}

/// A holder's commitment to a nonce. 74 bytes.
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
pub struct NonceCommitment {
    /// Of which sharing.
    pub sharing: SharingId,
    /// Whose.
    pub holder: HolderIndex,
    to_generator: Element,
    to_input: Element,
}

/// A nonce for one proof. Wiped when dropped; answering consumes it.
pub struct ProofNonce {
    nonce: Zeroizing<Scalar>,
    context: EvaluationContext,
    commitment: NonceCommitment,
}

impl ProofNonce {
    /// What to publish.
    pub fn commitment(&self) -> &NonceCommitment {
        &self.commitment
    }
}

/// A holder's part of the proof. 65 bytes.
///
/// It says which proof it is a part of, so that who signs it answers for it: see
/// [`crate::WrongResponse`].
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
pub struct ProofResponse {
    /// Whose.
    pub holder: HolderIndex,
    /// In which proof: the hash of the contributions.
    pub proof: [u8; 32],
    pub(crate) response: FieldElement,
}

/// What a holder publishes in the first round. 180 bytes.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Contribution {
    /// Its part of the evaluation.
    pub share: EvaluationShare,
    /// Its nonce.
    pub nonce: NonceCommitment,
}

impl Contribution {
    fn is_of_one_holder(&self) -> bool {
        self.nonce.holder == self.share.holder && self.nonce.sharing == self.share.sharing
    }
}

/// A proof in the making: the same for each who computes it from the same contributions.
pub struct JointProof {
    digest: [u8; 32],
    context: EvaluationContext,
    faults: Vec<(HolderIndex, ShareFault)>,
    signers: BTreeMap<HolderIndex, Signer>,
    input: Element,
    value: Element,
    challenge: Scalar,
}

struct Signer {
    public: Element,
    value: Element,
    nonce: NonceCommitment,
    weight: Scalar,
}

/// Why a holder does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// The proof is not with this holder's nonce, share or context.
    #[error("the proof in the making is not with this nonce and share")]
    OtherProof,
}

/// Some did not answer, or wrongly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} holders did not answer rightly; begin again without them", .faulty.len())]
pub struct FinishError {
    /// Who.
    pub faulty: Vec<HolderIndex>,
}

impl KeyShare {
    /// A nonce for a proof about `context`.
    ///
    /// # Errors
    /// When the entropy is broken.
    pub fn commit_nonce(
        &self,
        context: &EvaluationContext,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<ProofNonce, BrokenEntropy> {
        let input = context.input(&self.sharing.group_key());
        let input = input.map_err(|NeutralInput| BrokenEntropy)?;
        let nonce = random_scalar(rng);
        let commitment = NonceCommitment {
            sharing: self.sharing.id(),
            holder: self.index,
            to_generator: Element::new(RistrettoPoint::mul_base(&nonce)).ok_or(BrokenEntropy)?,
            to_input: Element::new(input.point() * *nonce).ok_or(BrokenEntropy)?,
        };
        Ok(ProofNonce {
            nonce,
            context: context.clone(),
            commitment,
        })
    }

    /// This holder's part of a proof.
    ///
    /// # Errors
    /// When the proof is not with this nonce. The nonce is gone in any case.
    pub fn respond(
        &self,
        nonce: ProofNonce,
        proof: &JointProof,
    ) -> Result<ProofResponse, RespondError> {
        let signer = proof.signers.get(&self.index);
        let signer = signer.ok_or(RespondError::OtherProof)?;
        if signer.nonce != nonce.commitment
            || nonce.context != proof.context
            || signer.public != self.public
        {
            return Err(RespondError::OtherProof);
        }
        let secret = Zeroizing::new(signer.weight * *self.secret);
        Ok(ProofResponse {
            holder: self.index,
            proof: proof.digest,
            response: FieldElement(*nonce.nonce - proof.challenge * *secret),
        })
    }
}

impl JointProof {
    /// Picks the contributions to make a proof of: those of the lowest indices that hold.
    ///
    /// # Errors
    /// When fewer than the threshold hold; the error names the others.
    pub fn new(
        sharing: &Sharing,
        context: &EvaluationContext,
        contributions: &[Contribution],
    ) -> Result<Self, CombineError> {
        let too_few = |valid: usize, faults| CombineError {
            valid: valid as u8,
            needed: sharing.threshold(),
            faults,
        };
        let key = sharing.group_key();
        let input = context.input(&key).map_err(|_| too_few(0, Vec::new()))?;
        let (matching, odd): (Vec<&Contribution>, Vec<&Contribution>) = contributions
            .iter()
            .partition(|contribution| contribution.is_of_one_holder());
        let nonces: BTreeMap<HolderIndex, NonceCommitment> = matching
            .iter()
            .map(|contribution| (contribution.nonce.holder, contribution.nonce))
            .collect();
        let shares = matching.iter().map(|contribution| &contribution.share);
        let SortedShares {
            mut valid,
            mut faults,
        } = sharing.sort_shares(&input, shares);
        faults.extend(
            odd.iter()
                .map(|c| (c.share.holder, ShareFault::OtherSharing)),
        );
        if valid.len() < usize::from(sharing.threshold()) {
            return Err(too_few(valid.len(), faults));
        }
        valid.truncate(sharing.threshold().into());
        let (value, weights) = interpolate(&valid);
        let value = Element::new(*value).ok_or_else(|| too_few(valid.len(), Vec::new()))?;
        let signers: BTreeMap<HolderIndex, Signer> = valid
            .iter()
            .zip(weights)
            .filter_map(|(share, weight)| {
                let signer = Signer {
                    public: sharing.public_share(share.holder)?,
                    value: share.value,
                    nonce: *nonces.get(&share.holder)?,
                    weight,
                };
                Some((share.holder, signer))
            })
            .collect();
        Ok(Self {
            digest: Self::digest_of(sharing.id(), contributions),
            context: context.clone(),
            faults,
            challenge: challenge(&key, &input, &value, &signers),
            signers,
            input,
            value,
        })
    }

    /// The hash that a proof of these contributions has, in this order: what answers name.
    pub fn digest_of(sharing: SharingId, contributions: &[Contribution]) -> [u8; 32] {
        tagged_hash(JOINT_PROOF, &[&sharing.encode(), &contributions.encode()])
    }

    /// Whose answers it takes.
    pub fn signers(&self) -> impl Iterator<Item = HolderIndex> + '_ {
        self.signers.keys().copied()
    }

    /// Whose contributions were not used because something is wrong with them.
    pub fn faults(&self) -> &[(HolderIndex, ShareFault)] {
        &self.faults
    }

    /// The hash of the contributions.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Adds up the answers, after checking each of them.
    ///
    /// # Errors
    /// When one is missing or wrong; the error names them.
    pub fn finish(&self, responses: &[ProofResponse]) -> Result<ProvenEvaluation, FinishError> {
        let answered: BTreeMap<HolderIndex, &ProofResponse> = responses
            .iter()
            .filter(|response| self.holds(response))
            .map(|response| (response.holder, response))
            .collect();
        let is_missing = |holder: &HolderIndex| !answered.contains_key(holder);
        let faulty: Vec<HolderIndex> = self.signers().filter(is_missing).collect();
        if !faulty.is_empty() {
            return Err(FinishError { faulty });
        }
        let response = answered.values().map(|response| response.response.0).sum();
        Ok(ProvenEvaluation {
            value: self.value,
            proof: DleqProof {
                challenge: FieldElement(self.challenge),
                response: FieldElement(response),
            },
        })
    }

    /// Whether an answer is right.
    pub(crate) fn holds(&self, response: &ProofResponse) -> bool {
        let Some(signer) = self.signers.get(&response.holder) else {
            return false;
        };
        if response.proof != self.digest {
            return false;
        }
        let challenge = self.challenge * signer.weight;
        let to_generator = RistrettoPoint::vartime_double_scalar_mul_basepoint(
            &challenge,
            signer.public.point(),
            &response.response.0,
        );
        let to_input = RistrettoPoint::vartime_multiscalar_mul(
            [&response.response.0, &challenge],
            [self.input.point(), signer.value.point()],
        );
        to_generator == *signer.nonce.to_generator.point()
            && to_input == *signer.nonce.to_input.point()
    }
}

/// The challenge that a single prover with the sum of the nonces would get.
fn challenge(
    key: &GroupKey,
    input: &Element,
    value: &Element,
    signers: &BTreeMap<HolderIndex, Signer>,
) -> Scalar {
    let statement = DleqStatement {
        context: Context::from(EVALUATION_SHARE),
        public: &key.element,
        pairs: &[(*input, *value)],
    };
    let composite: Composite = statement.composite();
    let mut to_generator = RistrettoPoint::identity();
    let mut to_input = RistrettoPoint::identity();
    for signer in signers.values() {
        to_generator += signer.nonce.to_generator.point();
        to_input += signer.nonce.to_input.point();
    }
    statement.challenge(
        &composite,
        &to_generator,
        &(to_input * composite.weights[0]),
    )
}
