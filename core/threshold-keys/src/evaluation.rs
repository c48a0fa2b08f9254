//! Threshold evaluation: from shares of a key to one value that each threshold of holders gives and
//! fewer do not.
//!
//! The input is hashed to a point, each holder multiplies it with its share and proves that it did,
//! and the products of any threshold of holders interpolate to the input times the key: a
//! distributed verifiable random function.

use crate::{
    dleq::{DleqProof, DleqStatement},
    element::Element,
    hash::{Context, tagged_scalar},
    key_share::KeyShare,
    plan::PlanDigest,
    polynomial::lagrange_at_zero,
    sharing::{GroupKey, HolderIndex, Sharing, SharingId},
};
use alloc::{collections::BTreeSet, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Compact, Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar, traits::MultiscalarMul};
use hkdf::Hkdf;
use primitives::{ClusterId, WorkerId};
use scale_info::TypeInfo;
use sha2::Sha256;
use wire::domain::{
    EVALUATION_INPUT, EVALUATION_NONCE, EVALUATION_SECRET, EVALUATION_SHARE,
    SEALED_EVALUATION_SHARE, tagged_hash,
};
use zeroize::{Zeroize, Zeroizing};

/// Longest name of a purpose in [`EvaluationContext::Other`], bytes.
pub const PURPOSE_BYTES_MAX: u32 = 32;

/// What is evaluated. Two that differ have nothing to do with one another.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum EvaluationContext {
    /// The seed of a cluster.
    ClusterSeed {
        /// The cluster.
        cluster: ClusterId,
        /// Counts the cluster's seeds: one more is another seed.
        rotation: u32,
    },
    /// The value of the randomness beacon in a round. Public.
    Beacon {
        /// The round.
        round: u64,
    },
    /// A holder's proof that it has its share of a new sharing. Public.
    Handover {
        /// The plan that the shares were dealt for.
        plan: PlanDigest,
    },
    /// Anything else.
    Other {
        /// What for.
        purpose: BoundedVec<u8, ConstU32<PURPOSE_BYTES_MAX>>,
        /// Which.
        id: [u8; 32],
    },
}

impl EvaluationContext {
    /// The point that stands for it under a key of a network.
    pub(crate) fn input(&self, key: &GroupKey) -> Result<Element, NeutralInput> {
        let point = Context::from(EVALUATION_INPUT).hash_to_group(&(key, self).encode());
        Element::new(point).ok_or(NeutralInput)
    }

    /// A hash that names it.
    pub fn digest(&self) -> [u8; 32] {
        tagged_hash(EVALUATION_INPUT, &[&self.encode()])
    }
}

/// A context hashes to the neutral point: one in 2²⁵² does, and nobody knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the context hashes to the neutral point")]
pub struct NeutralInput;

/// A holder's part of an evaluation. 106 bytes.
///
/// A threshold of them is the value, so for a value that is secret each travels sealed to who may
/// have it (with [`EvaluationShare::sealing_aad`]). It does not print its value, and is wiped when
/// dropped.
#[derive(Clone, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct EvaluationShare {
    /// Of which sharing.
    pub sharing: SharingId,
    /// Whose part.
    pub holder: HolderIndex,
    pub(crate) value: Element,
    pub(crate) proof: DleqProof,
}

impl EvaluationShare {
    /// Bytes of an encoded share.
    pub const BYTES: usize = 106;

    /// Associated data of a share that is sealed to a worker: this key, this context, this worker.
    pub fn sealing_aad(key: &GroupKey, context: &EvaluationContext, worker: &WorkerId) -> [u8; 32] {
        tagged_hash(
            SEALED_EVALUATION_SHARE,
            &[&key.encode(), &context.encode(), worker.as_bytes()],
        )
    }
}

impl fmt::Debug for EvaluationShare {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EvaluationShare")
            .field("sharing", &self.sharing)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

impl Drop for EvaluationShare {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl KeyShare {
    /// This holder's part of an evaluation; the same bytes each time, so that a repeated answer is
    /// not another one.
    ///
    /// # Errors
    /// When the context is the one that nobody knows.
    pub fn evaluate(&self, context: &EvaluationContext) -> Result<EvaluationShare, NeutralInput> {
        let input = context.input(&self.sharing.group_key())?;
        let value = Element::new(input.point() * *self.secret).ok_or(NeutralInput)?;
        let nonce = tagged_scalar(
            EVALUATION_NONCE,
            &[
                self.secret.as_bytes(),
                self.public.as_bytes(),
                input.as_bytes(),
                value.as_bytes(),
            ],
        );
        let statement = DleqStatement {
            context: Context::from(EVALUATION_SHARE),
            public: &self.public,
            pairs: &[(input, value)],
        };
        Ok(EvaluationShare {
            sharing: self.sharing.id(),
            holder: self.index,
            value,
            proof: statement.prove(&self.secret, &nonce),
        })
    }
}

/// What is wrong with a share of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareFault {
    /// It is of another key, committee or epoch.
    #[error("the share is of another key, committee or epoch")]
    OtherSharing,
    /// Nobody holds a share with this index.
    #[error("nobody holds a share with this index")]
    UnknownHolder,
    /// The holder's share is there already.
    #[error("the holder's share is there already")]
    Duplicate,
    /// The proof does not hold: the value is not the input times the holder's share.
    #[error("the proof does not hold")]
    Proof,
}

impl Sharing {
    /// Checks a holder's part of an evaluation.
    ///
    /// # Errors
    /// As [`ShareFault`] says.
    pub fn verify_share(
        &self,
        context: &EvaluationContext,
        share: &EvaluationShare,
    ) -> Result<(), ShareFault> {
        let input = context.input(&self.group_key());
        self.verify_at(&input.map_err(|_| ShareFault::Proof)?, share)
    }

    fn verify_at(&self, input: &Element, share: &EvaluationShare) -> Result<(), ShareFault> {
        if share.sharing != self.id() {
            return Err(ShareFault::OtherSharing);
        }
        let statement = DleqStatement {
            context: Context::from(EVALUATION_SHARE),
            public: &self
                .public_share(share.holder)
                .ok_or(ShareFault::UnknownHolder)?,
            pairs: &[(*input, share.value)],
        };
        let holds = statement.verify(&share.proof);
        holds.then_some(()).ok_or(ShareFault::Proof)
    }

    /// Splits shares into those that count, by index, and those with a fault.
    pub(crate) fn sort_shares<'a>(
        &self,
        input: &Element,
        shares: impl IntoIterator<Item = &'a EvaluationShare>,
    ) -> SortedShares<'a> {
        let mut sorted = SortedShares::default();
        let mut seen = BTreeSet::new();
        for share in shares {
            match self.verify_at(input, share) {
                Ok(()) if seen.insert(share.holder) => sorted.valid.push(share),
                Ok(()) => sorted.faults.push((share.holder, ShareFault::Duplicate)),
                Err(fault) => sorted.faults.push((share.holder, fault)),
            }
        }
        sorted.valid.sort_by_key(|share| share.holder);
        sorted
    }

    /// Combines shares of an evaluation, after checking each of them.
    ///
    /// The caller gives no more shares than there are holders; each costs a verification.
    ///
    /// # Errors
    /// When fewer than the threshold hold; the error names the others.
    pub fn combine(
        &self,
        context: &EvaluationContext,
        shares: &[EvaluationShare],
    ) -> Result<Combined, CombineError> {
        let needed = self.threshold();
        let key = self.group_key();
        let Ok(input) = context.input(&key) else {
            return Err(CombineError {
                valid: 0,
                needed,
                faults: Vec::new(),
            });
        };
        let SortedShares { mut valid, faults } = self.sort_shares(&input, shares);
        if valid.len() < usize::from(needed) {
            let valid = valid.len() as u8;
            return Err(CombineError {
                valid,
                needed,
                faults,
            });
        }
        valid.truncate(needed.into());
        let (value, _) = interpolate(&valid);
        Ok(Combined {
            evaluation: Evaluation {
                key,
                context: context.clone(),
                value: Zeroizing::new(value.compress().to_bytes()),
            },
            faults,
        })
    }
}

/// The value that shares of different holders come to, and the weights they do with. In constant
/// time.
pub(crate) fn interpolate(shares: &[&EvaluationShare]) -> (Zeroizing<RistrettoPoint>, Vec<Scalar>) {
    let indices: Vec<HolderIndex> = shares.iter().map(|share| share.holder).collect();
    let weights = lagrange_at_zero(&indices);
    let points = shares.iter().map(|share| share.value.point());
    (
        Zeroizing::new(RistrettoPoint::multiscalar_mul(&weights, points)),
        weights,
    )
}

#[derive(Default)]
pub(crate) struct SortedShares<'a> {
    pub valid: Vec<&'a EvaluationShare>,
    pub faults: Vec<(HolderIndex, ShareFault)>,
}

/// Too few shares hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{valid} shares hold, {needed} are needed; ask more gatekeepers")]
pub struct CombineError {
    /// How many hold.
    pub valid: u8,
    /// How many it takes.
    pub needed: u8,
    /// Whose do not, and why.
    pub faults: Vec<(HolderIndex, ShareFault)>,
}

/// What shares combine to.
pub struct Combined {
    /// The value.
    pub evaluation: Evaluation,
    /// Whose shares were not used because something is wrong with them.
    pub faults: Vec<(HolderIndex, ShareFault)>,
}

/// The value of an evaluation. Wiped when dropped.
pub struct Evaluation {
    key: GroupKey,
    context: EvaluationContext,
    value: Zeroizing<[u8; 32]>,
}

impl Evaluation {
    /// The secret of 32 bytes that the value stands for: HKDF-SHA256, bound to key and context. For
    /// [`EvaluationContext::ClusterSeed`] these are the bytes of the cluster's seed.
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        let mut info = Vec::new();
        for part in [self.key.encode(), self.context.encode()] {
            Compact(part.len() as u64).encode_to(&mut info);
            info.extend_from_slice(&part);
        }
        let mut secret = Zeroizing::new([0; 32]);
        #[expect(
            clippy::expect_used,
            reason = "HKDF-SHA256 gives up to 8160 bytes; 32 are asked for"
        )]
        Hkdf::<Sha256>::new(Some(EVALUATION_SECRET.0.as_bytes()), &*self.value)
            .expand(&info, &mut *secret)
            .expect("32 bytes are within the limit of HKDF");
        secret
    }

    /// The value itself, for those that are public.
    pub(crate) fn value(&self) -> &[u8; 32] {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use primitives::GenesisHash;

    #[test]
    fn a_secret_is_derived_as_all_keys_are() {
        let point = RistrettoPoint::mul_base(&Scalar::from(2u8));
        let evaluation = Evaluation {
            key: GroupKey {
                network: GenesisHash([1; 32]),
                generation: 2,
                element: Element::new(point).unwrap(),
            },
            context: EvaluationContext::Beacon { round: 3 },
            value: Zeroizing::new(point.compress().to_bytes()),
        };
        let parts = [evaluation.key.encode(), evaluation.context.encode()];
        let expected = secrets::derive(
            EVALUATION_SECRET,
            &point.compress().to_bytes(),
            &[&parts[0], &parts[1]],
        );
        assert_eq!(evaluation.secret(), expected);
    }
}
