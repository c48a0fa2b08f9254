//! What gatekeepers tell the chain: the messages of ceremonies, of cluster seeds and of the beacon.
//!
//! They travel as SCALE bytes in `wire::message::MessagePayload::Gatekeeper`, whose envelope has
//! signature and sequence. The signatures in here are those of [`crate::Statement`]s: they make
//! evidence of what is said, also for who does not see the chain.

use crate::{
    Complaint, Contribution, Dealing, EvaluationContext, EvaluationShare, HolderIndex, PlanDigest,
    ProofResponse, ReceivingKey, SharingId, Slot, Statement,
};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::{ClusterId, GenesisHash, HpkePublicKey, WorkerId};
use scale_info::TypeInfo;

/// Bytes of a share of a seed, sealed: an [`EvaluationShare`] and the tag of HPKE.
pub const SEALED_SHARE_BYTES: usize = EvaluationShare::BYTES + 16;
/// Longest ciphertext that decodes; the chain takes those of [`SEALED_SHARE_BYTES`] alone.
pub const SEALED_SHARE_BYTES_MAX: u32 = 256;

/// What a gatekeeper tells the chain. Indexes are part of the format and never used again.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[allow(
    clippy::large_enum_variant,
    reason = "a message is decoded, handled and dropped; a list of them is never kept"
)]
pub enum GatekeeperMessage {
    /// From a candidate: the key to encrypt its shares to.
    #[codec(index = 0)]
    ReceivingKey {
        /// The sharing in the making.
        target: SharingId,
        /// The key, which names the candidate.
        key: ReceivingKey,
    },
    /// From a dealer: its dealing. The first valid one counts.
    #[codec(index = 1)]
    Dealing {
        /// The plan that is dealt for.
        plan: PlanDigest,
        /// The dealing.
        dealing: Dealing,
    },
    /// From a recipient: its share in a dealing is wrong.
    #[codec(index = 2)]
    Complaint {
        /// The plan.
        plan: PlanDigest,
        /// The proof.
        complaint: Complaint,
    },
    /// From a recipient: it has checked all dealings that stand, and keeps its share of what they
    /// come to.
    #[codec(index = 3)]
    Handover {
        /// The plan.
        plan: PlanDigest,
        /// Its share of the evaluation at [`EvaluationContext::Handover`] of the plan.
        share: EvaluationShare,
    },
    /// From a holder: its share of a cluster's seed, sealed to a worker of the cluster.
    #[codec(index = 4)]
    SeedShare(SealedSeedShare),
    /// From a holder: its share of the beacon's value and a nonce for the proof.
    #[codec(index = 5)]
    BeaconContribution {
        /// The round.
        round: u64,
        /// The attempt at the proof.
        attempt: u8,
        /// Share and nonce.
        contribution: Contribution,
        /// Over the [`Statement`] with [`Slot::BeaconNonce`] and the contribution's SCALE.
        statement_signature: [u8; 64],
    },
    /// From a holder whose contribution was picked: its answer.
    #[codec(index = 6)]
    BeaconResponse {
        /// The round.
        round: u64,
        /// The attempt at the proof.
        attempt: u8,
        /// The answer.
        response: ProofResponse,
        /// Over the [`Statement`] with [`Slot::BeaconResponse`] and the answer's SCALE.
        statement_signature: [u8; 64],
    },
    /// From a holder that takes no part in the proof: its share of the beacon's value alone.
    #[codec(index = 7)]
    BeaconShare {
        /// The round.
        round: u64,
        /// The share.
        share: EvaluationShare,
    },
}

/// A share of a cluster's seed, sealed to a worker: HPKE with
/// [`EvaluationShare::sealing_aad`] over the SCALE of an [`EvaluationShare`].
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SealedSeedShare {
    /// The cluster.
    pub cluster: ClusterId,
    /// Which of its seeds.
    pub rotation: u32,
    /// For whom.
    pub worker: WorkerId,
    /// The worker's key that it is sealed to; the chain takes it while it is the registered one.
    pub sealed_to: HpkePublicKey,
    /// Of which sharing the share is.
    pub sharing: SharingId,
    /// Who gives it.
    pub holder: HolderIndex,
    /// HPKE's encapsulated key.
    pub encapsulated_key: [u8; 32],
    /// Ciphertext and tag, [`SEALED_SHARE_BYTES`].
    pub ciphertext: BoundedVec<u8, ConstU32<SEALED_SHARE_BYTES_MAX>>,
    /// [`Statement::payload_digest`] of the share before it was sealed. What does not open to it
    /// is no share.
    pub payload: [u8; 32],
    /// Over [`SealedSeedShare::statement`], by the holder's key. The chain checks it.
    pub statement_signature: [u8; 64],
}

impl SealedSeedShare {
    /// What is evaluated.
    pub fn context(&self) -> EvaluationContext {
        EvaluationContext::ClusterSeed {
            cluster: self.cluster,
            rotation: self.rotation,
        }
    }

    /// What the holder signs, and answers for: a worker that opens a share which does not hold
    /// shows this and the share as [`crate::WrongShare`].
    pub fn statement(&self, network: GenesisHash) -> Statement {
        Statement {
            network,
            sharing: self.sharing,
            holder: self.holder,
            slot: Slot::Share {
                context: self.context().digest(),
                requester: self.worker,
            },
            payload: self.payload,
        }
    }
}

/// What a holder signs for [`GatekeeperMessage::BeaconContribution`].
pub fn contribution_statement(
    network: GenesisHash,
    round: u64,
    attempt: u8,
    contribution: &Contribution,
) -> Statement {
    Statement {
        network,
        sharing: contribution.share.sharing,
        holder: contribution.share.holder,
        slot: Slot::BeaconNonce { round, attempt },
        payload: Statement::payload_digest(&contribution.encode()),
    }
}

/// What a holder signs for [`GatekeeperMessage::BeaconResponse`].
pub fn response_statement(
    network: GenesisHash,
    sharing: SharingId,
    round: u64,
    attempt: u8,
    response: &ProofResponse,
) -> Statement {
    Statement {
        network,
        sharing,
        holder: response.holder,
        slot: Slot::BeaconResponse { round, attempt },
        payload: Statement::payload_digest(&response.encode()),
    }
}
