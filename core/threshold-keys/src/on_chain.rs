//! What the chain keeps of ceremonies, seeds and beacon: written by the pallet, read by gatekeepers
//! and workers with proofs. The layouts are shared so that both sides cannot differ.

use crate::{
    BeaconValue, HolderIndex, HolderKey, PerHolder, PlanDigest, ProofResponse, ProvenEvaluation,
    SealedSeedShare, SharingId,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::{BlockNumber, HpkePublicKey};
use scale_info::TypeInfo;

/// How many shares it takes.
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
pub enum ThresholdRule {
    /// More than half of the holders.
    Majority,
    /// So many; a ceremony with fewer recipients fails.
    Fixed(u8),
}

impl ThresholdRule {
    /// The threshold among so many holders; `None` when they are too few.
    pub fn threshold(&self, holders: u8) -> Option<u8> {
        let threshold = match self {
            Self::Majority => holders / 2 + 1,
            Self::Fixed(threshold) => *threshold,
        };
        (1..=holders).contains(&threshold).then_some(threshold)
    }
}

/// Parameters of ceremonies and beacon. All lengths are in blocks; each stage ends early when all
/// that it waits for is there.
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
pub struct GatekeeperSettings {
    /// How many shares it takes.
    pub threshold: ThresholdRule,
    /// Fewer recipients make no sharing.
    pub holders_min: u8,
    /// How many of a hundred recipients must hand over before a sharing is in force; the threshold
    /// in any case.
    pub handover_percent: u8,
    /// How long receiving keys are taken.
    pub receiving_blocks: BlockNumber,
    /// How long dealings are taken.
    pub dealing_blocks: BlockNumber,
    /// How long complaints and handovers are taken; again after each dealing struck out.
    pub checking_blocks: BlockNumber,
    /// Instead of these, how long is waited for members of the DAO, who are no machines.
    pub member_stage_blocks: BlockNumber,
    /// Shares are dealt anew after this.
    pub epoch_blocks: BlockNumber,
    /// After a ceremony that failed, the next one begins not before this.
    pub retry_blocks: BlockNumber,
    /// One value of the beacon in so many blocks.
    pub beacon_blocks: BlockNumber,
    /// How long more contributions are waited for when a threshold is there.
    pub beacon_wait_blocks: BlockNumber,
    /// How long answers are waited for before another attempt.
    pub beacon_attempt_blocks: BlockNumber,
}

/// Where a ceremony is.
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
pub enum CeremonyStage {
    /// Candidates send receiving keys.
    Receiving,
    /// The plan stands; dealers deal, recipients may complain.
    Dealing,
    /// Recipients complain, or hand over.
    Checking,
}

/// Who deals.
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
pub enum CeremonySource {
    /// The recipients, a new key.
    NewKey,
    /// The holders of this sharing.
    Sharing(SharingId),
}

/// A ceremony that is going on.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct CeremonyState {
    /// What comes of it.
    pub target: SharingId,
    /// Who deals.
    pub source: CeremonySource,
    /// Where it is.
    pub stage: CeremonyStage,
    /// The stage ends in this block.
    pub deadline: BlockNumber,
    /// Who may receive: workers' keys, or members' accounts.
    pub candidates: PerHolder<HolderKey>,
    /// Places in `candidates`, from 1, of those whose receiving keys are there.
    pub received: PerHolder<HolderIndex>,
    /// The plan, from stage `Dealing` on.
    pub plan: Option<PlanDigest>,
    /// How many the plan has deal.
    pub dealers: u8,
    /// How many receive in the plan.
    pub recipients: u8,
    /// Whose dealings were valid when they came.
    pub dealt: PerHolder<HolderIndex>,
    /// Of these, whose were struck out by a complaint.
    pub struck_out: PerHolder<HolderIndex>,
    /// Who has handed over since a dealing was last struck out.
    pub handed_over: PerHolder<HolderIndex>,
}

/// Shares of a cluster's seed that wait for a worker.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PendingSeed {
    /// Which of the cluster's seeds.
    pub rotation: u32,
    /// Of which sharing all of them are.
    pub sharing: SharingId,
    /// The worker's key that all of them are sealed to.
    pub sealed_to: HpkePublicKey,
    /// One for each holder that gave one.
    pub shares: PerHolder<SealedSeedShare>,
}

/// A worker has said that it has a cluster's seed.
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
pub struct SeedConfirmation {
    /// Which of the cluster's seeds.
    pub rotation: u32,
    /// The worker's key then. A worker that comes back with another one needs the seed again.
    pub hpke_public_key: HpkePublicKey,
}

/// Which of its seeds a cluster uses, and which it is to use.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct KeyRotation {
    /// The newest one, which gatekeepers give to the cluster's workers.
    pub newest: u32,
    /// The one that is in use by the cluster's mailbox.
    pub in_force: u32,
    /// When the newest one was asked for.
    pub raised_at: BlockNumber,
    /// For how many blocks commands that are sealed to the keys in use will open after the newest
    /// ones have come in their place.
    pub window_blocks: BlockNumber,
    /// When the keys before those in use go; none where they have gone.
    pub retires_at: Option<BlockNumber>,
}

impl KeyRotation {
    /// Whether other keys are to come in the place of those in use.
    pub fn is_pending(&self) -> bool {
        self.newest != self.in_force
    }
}

/// Where a round of the beacon is.
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
pub enum BeaconStage {
    /// Contributions are taken.
    Contributing,
    /// A threshold of contributions is picked; their holders answer.
    Responding,
    /// There are no more attempts at a proof: shares are taken until a threshold is there.
    Shares,
}

/// The round of the beacon that is going on.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct BeaconRound {
    /// Its number.
    pub round: u64,
    /// Whose shares.
    pub sharing: SharingId,
    /// Where it is.
    pub stage: BeaconStage,
    /// Which attempt at a proof, from 0.
    pub attempt: u8,
    /// When it began.
    pub began_at: BlockNumber,
    /// The stage goes on in this block; none while too few contributions are there.
    pub deadline: Option<BlockNumber>,
    /// Whose contributions are there in this attempt; from `Responding` on, those that were picked.
    pub contributed: PerHolder<HolderIndex>,
    /// Whose answers are there.
    pub responded: PerHolder<HolderIndex>,
    /// Who failed in an attempt before, and is not taken in this one.
    pub excluded: PerHolder<HolderIndex>,
    /// Whose shares are there, alone or in a contribution of any attempt.
    pub shared: PerHolder<HolderIndex>,
}

/// An answer with the signature that makes it evidence.
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
pub struct SignedResponse {
    /// The answer.
    pub response: ProofResponse,
    /// Over [`crate::response_statement`].
    pub statement_signature: [u8; 64],
}

/// A value of the beacon.
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
pub struct BeaconOutput {
    /// The round.
    pub round: u64,
    /// Its value.
    pub value: BeaconValue,
    /// The block that made it known to everybody. Gatekeepers together may have known it before.
    pub known_at: BlockNumber,
    /// Its proof; none where the value was put together from shares.
    pub proof: Option<ProvenEvaluation>,
}
