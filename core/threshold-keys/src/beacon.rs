//! The randomness beacon: one value for each round, which a threshold of holders can give and
//! nobody can choose.

use crate::{
    evaluation::{CombineError, EvaluationContext, EvaluationShare},
    joint_proof::{InvalidProof, ProvenEvaluation},
    sharing::{GroupKey, Sharing},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use wire::domain::{BEACON_VALUE, tagged_hash};

/// The value of a round.
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
pub struct BeaconValue(pub [u8; 32]);

impl BeaconValue {
    /// The value, from one proof: what the chain checks.
    ///
    /// # Errors
    /// When the proof is not of this key and round.
    pub fn from_proof(
        key: &GroupKey,
        round: u64,
        evaluation: &ProvenEvaluation,
    ) -> Result<Self, InvalidProof> {
        key.verify(&EvaluationContext::Beacon { round }, evaluation)?;
        Ok(Self::new(key, round, evaluation.value.as_bytes()))
    }

    /// The same value, from a threshold of shares: what the chain takes when the second round of
    /// the proof fails.
    ///
    /// # Errors
    /// When fewer than the threshold hold.
    pub fn from_shares(
        sharing: &Sharing,
        round: u64,
        shares: &[EvaluationShare],
    ) -> Result<Self, CombineError> {
        let combined = sharing.combine(&EvaluationContext::Beacon { round }, shares)?;
        let key = sharing.group_key();
        Ok(Self::new(&key, round, combined.evaluation.value()))
    }

    fn new(key: &GroupKey, round: u64, value: &[u8; 32]) -> Self {
        Self(tagged_hash(
            BEACON_VALUE,
            &[&key.encode(), &round.to_le_bytes(), value],
        ))
    }
}
