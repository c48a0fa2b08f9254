//! Evidence of misbehaviour that happened off the chain: what a gatekeeper signed, and should not
//! have.
//!
//! Gatekeepers sign what they say, as [`Statement`]s: which sharing, who, in which [`Slot`], and
//! the hash of the message. A slot is something of which there is one message. Evidence is public
//! and holds no secret but the one wrong share, whose maker could have published it anyway. What a
//! dealer does wrongly is evidence by itself: see [`crate::Complaint`].

use crate::{
    evaluation::{EvaluationContext, EvaluationShare, ShareFault},
    joint_proof::{Contribution, JointProof, ProofResponse},
    sharing::{HolderIndex, HolderKey, PerHolder, Sharing, SharingId},
};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::{GenesisHash, WorkerId};
use scale_info::TypeInfo;
use wire::domain::{GATEKEEPER_PAYLOAD, GATEKEEPER_STATEMENT, tagged_hash};

/// Longest message that evidence shows, bytes. A share is [`EvaluationShare::BYTES`] long; who
/// receives more than this does not take it for an answer.
pub const PAYLOAD_BYTES_MAX: u32 = 256;

/// Something of which a gatekeeper says one thing.
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
pub enum Slot {
    /// The share of an evaluation, for whoever asks.
    Share {
        /// [`EvaluationContext::digest`].
        context: [u8; 32],
        /// Who asked; the gatekeeper itself where the share is public.
        requester: WorkerId,
    },
    /// The nonce in an attempt at a round's proof.
    BeaconNonce {
        /// The round.
        round: u64,
        /// The attempt.
        attempt: u8,
    },
    /// The answer in an attempt at a round's proof.
    BeaconResponse {
        /// The round.
        round: u64,
        /// The attempt.
        attempt: u8,
    },
}

/// What a gatekeeper says, as it is signed.
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
pub struct Statement {
    /// The network.
    pub network: GenesisHash,
    /// In which sharing it speaks.
    pub sharing: SharingId,
    /// Who speaks.
    pub holder: HolderIndex,
    /// About what.
    pub slot: Slot,
    /// [`Statement::payload_digest`] of the message.
    pub payload: [u8; 32],
}

impl Statement {
    /// The hash of a message.
    pub fn payload_digest(message: &[u8]) -> [u8; 32] {
        tagged_hash(GATEKEEPER_PAYLOAD, &[message])
    }

    /// What is signed.
    pub fn signing_bytes(&self) -> [u8; 32] {
        tagged_hash(GATEKEEPER_STATEMENT, &[&self.encode()])
    }
}

/// A statement with the holder's signature.
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
pub struct SignedStatement {
    /// What is said.
    pub statement: Statement,
    /// sr25519, over [`Statement::signing_bytes`].
    pub signature: [u8; 64],
}

impl SignedStatement {
    /// Who said it.
    fn speaker(
        &self,
        sharing: &Sharing,
        verify: &impl VerifySignature,
    ) -> Result<HolderKey, NotEvidence> {
        let statement = &self.statement;
        if &statement.network != sharing.network() || statement.sharing != sharing.id() {
            return Err(NotEvidence::OtherSharing);
        }
        let holder = *sharing
            .holder(statement.holder)
            .ok_or(NotEvidence::Signature)?;
        verify
            .verify(&holder, &statement.signing_bytes(), &self.signature)
            .then_some(holder)
            .ok_or(NotEvidence::Signature)
    }
}

/// Verifies signatures: the runtime has a host function, others a library.
pub trait VerifySignature {
    /// Whether `signature` is one of `public` over `message`: sr25519, in the context `substrate`.
    fn verify(&self, public: &HolderKey, message: &[u8], signature: &[u8; 64]) -> bool;
}

impl<F: Fn(&HolderKey, &[u8], &[u8; 64]) -> bool> VerifySignature for F {
    fn verify(&self, public: &HolderKey, message: &[u8], signature: &[u8; 64]) -> bool {
        self(public, message, signature)
    }
}

/// A gatekeeper signed a share whose proof does not hold.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct WrongShare {
    /// What it signed, with a [`Slot::Share`].
    pub signed: SignedStatement,
    /// What was asked for.
    pub context: EvaluationContext,
    /// What it sent, as it came: it may be no share at all.
    pub payload: BoundedVec<u8, ConstU32<PAYLOAD_BYTES_MAX>>,
}

/// A gatekeeper signed an answer in a joint proof of the beacon that is wrong.
///
/// The contributions need no signatures: the answer names them by their hash, and a gatekeeper
/// answers only where they hold and its own is among them.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct WrongResponse {
    /// What it signed, with a [`Slot::BeaconResponse`].
    pub signed: SignedStatement,
    /// What the proof was to be made of.
    pub contributions: PerHolder<Contribution>,
    /// What it sent, as it came.
    pub payload: BoundedVec<u8, ConstU32<PAYLOAD_BYTES_MAX>>,
}

/// A gatekeeper signed two different messages in one slot.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Equivocation {
    /// One.
    pub first: SignedStatement,
    /// The other.
    pub second: SignedStatement,
}

/// A gatekeeper is proven to have misbehaved. Only this module makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misbehaviour {
    holder: HolderKey,
    statement: Statement,
}

impl Misbehaviour {
    /// Who.
    pub fn holder(&self) -> &HolderKey {
        &self.holder
    }

    /// What it signed; one report for each slot is enough.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }
}

/// Why something proves no misbehaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEvidence {
    /// It was said in another sharing than the one at hand.
    #[error("the statement is of another network, key, committee or epoch")]
    OtherSharing,
    /// The signature does not hold.
    #[error("the signature is not one of the holder over this statement")]
    Signature,
    /// What is shown is not what was signed.
    #[error("message or context are not the ones that were signed")]
    OtherMessage,
    /// The share is right.
    #[error("the share is right")]
    ShareHolds,
    /// The answer is right.
    #[error("the answer is right")]
    ResponseHolds,
    /// The two statements say the same, or speak of different things.
    #[error("the statements do not contradict each other")]
    NoContradiction,
}

impl WrongShare {
    /// Judges it with the sharing of the epoch that it is about.
    ///
    /// # Errors
    /// When it proves nothing.
    pub fn verify(
        &self,
        sharing: &Sharing,
        signatures: &impl VerifySignature,
    ) -> Result<Misbehaviour, NotEvidence> {
        let statement = self.signed.statement;
        let Slot::Share { context, .. } = statement.slot else {
            return Err(NotEvidence::OtherMessage);
        };
        if context != self.context.digest()
            || statement.payload != Statement::payload_digest(&self.payload)
        {
            return Err(NotEvidence::OtherMessage);
        }
        let holder = self.signed.speaker(sharing, signatures)?;
        match self.fault(sharing) {
            None => Err(NotEvidence::ShareHolds),
            Some(_) => Ok(Misbehaviour { holder, statement }),
        }
    }

    /// What is wrong with the share, if anything is.
    fn fault(&self, sharing: &Sharing) -> Option<ShareFault> {
        match EvaluationShare::decode_all(&mut self.payload.as_slice()) {
            Err(_) => Some(ShareFault::Proof),
            Ok(share) if share.holder != self.signed.statement.holder => {
                Some(ShareFault::UnknownHolder)
            }
            Ok(share) => sharing.verify_share(&self.context, &share).err(),
        }
    }
}

impl WrongResponse {
    /// Judges it with the sharing of the epoch that it is about.
    ///
    /// # Errors
    /// When it proves nothing.
    pub fn verify(
        &self,
        sharing: &Sharing,
        signatures: &impl VerifySignature,
    ) -> Result<Misbehaviour, NotEvidence> {
        let statement = self.signed.statement;
        let Slot::BeaconResponse { round, .. } = statement.slot else {
            return Err(NotEvidence::OtherMessage);
        };
        if statement.payload != Statement::payload_digest(&self.payload) {
            return Err(NotEvidence::OtherMessage);
        }
        let holder = self.signed.speaker(sharing, signatures)?;
        let guilty = Ok(Misbehaviour { holder, statement });
        let Ok(response) = ProofResponse::decode_all(&mut self.payload.as_slice()) else {
            return guilty;
        };
        if response.proof != JointProof::digest_of(sharing.id(), &self.contributions) {
            return Err(NotEvidence::OtherMessage);
        }
        let context = EvaluationContext::Beacon { round };
        match JointProof::new(sharing, &context, &self.contributions) {
            Ok(proof) if response.holder == statement.holder && proof.holds(&response) => {
                Err(NotEvidence::ResponseHolds)
            }
            _ => guilty,
        }
    }
}

impl Equivocation {
    /// Judges it with the sharing of the epoch that it is about.
    ///
    /// # Errors
    /// When it proves nothing.
    pub fn verify(
        &self,
        sharing: &Sharing,
        signatures: &impl VerifySignature,
    ) -> Result<Misbehaviour, NotEvidence> {
        let (first, second) = (&self.first.statement, &self.second.statement);
        if first.slot != second.slot
            || first.holder != second.holder
            || first.payload == second.payload
        {
            return Err(NotEvidence::NoContradiction);
        }
        let holder = self.first.speaker(sharing, signatures)?;
        self.second.speaker(sharing, signatures)?;
        Ok(Misbehaviour {
            holder,
            statement: *first,
        })
    }
}
