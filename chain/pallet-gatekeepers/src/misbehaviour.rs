//! Misbehaviour: what is recorded of whom, and evidence that anybody brings.

use crate::*;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    frame_support::ensure,
    sp_core::sr25519,
    sp_io,
    sp_runtime::{AccountId32, DispatchError, DispatchResult},
};
use scale_info::TypeInfo;
use threshold_keys::{
    Equivocation, HolderIndex, HolderKey, Sharing, SharingId, Slot, Statement, WrongResponse,
    WrongShare,
};
use wire::domain::blake2_256;

/// What somebody did wrong.
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
pub enum OffenceKind {
    /// A candidate sent no receiving key in time.
    #[codec(index = 0)]
    NoReceivingKey,
    /// A dealer did not deal in time.
    #[codec(index = 1)]
    NoDealing,
    /// A recipient did not hand over in time.
    #[codec(index = 2)]
    NoHandover,
    /// A holder did not answer in a proof of the beacon, or gave nothing in a round that was given
    /// up.
    #[codec(index = 3)]
    NoBeacon,
    /// A dealer dealt somebody a wrong share.
    #[codec(index = 4)]
    WrongDealing,
    /// A recipient complained of a right share.
    #[codec(index = 5)]
    GroundlessComplaint,
    /// A holder signed a wrong share.
    #[codec(index = 6)]
    WrongShare,
    /// A holder signed a wrong answer in a proof of the beacon.
    #[codec(index = 7)]
    WrongResponse,
    /// A holder signed two things where there is one.
    #[codec(index = 8)]
    Equivocation,
}

impl OffenceKind {
    /// Whether evidence proves that somebody did it; otherwise somebody did nothing.
    pub const fn is_proven(self) -> bool {
        match self {
            Self::NoReceivingKey | Self::NoDealing | Self::NoHandover | Self::NoBeacon => false,
            Self::WrongDealing
            | Self::GroundlessComplaint
            | Self::WrongShare
            | Self::WrongResponse
            | Self::Equivocation => true,
        }
    }
}

/// How often somebody did one kind of wrong, and the last time.
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
pub struct OffenceRecord {
    /// How often.
    pub count: u32,
    /// The block that recorded the last one. What proves it was said in that block, or in messages
    /// before it.
    pub last_at: u32,
    /// Blake2b-256 of the last one's evidence; zeroes for an absence.
    pub last_evidence: [u8; 32],
}

/// Evidence of what a gatekeeper signed.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[allow(
    clippy::large_enum_variant,
    reason = "decoded, judged and dropped; a list of it is never kept"
)]
pub enum Evidence {
    /// A share that does not hold.
    #[codec(index = 0)]
    WrongShare(WrongShare),
    /// An answer in a proof of the beacon that does not hold.
    #[codec(index = 1)]
    WrongResponse(WrongResponse),
    /// Two statements about one thing.
    #[codec(index = 2)]
    Equivocation(Equivocation),
}

impl Evidence {
    fn sharing(&self) -> SharingId {
        match self {
            Self::WrongShare(evidence) => evidence.signed.statement.sharing,
            Self::WrongResponse(evidence) => evidence.signed.statement.sharing,
            Self::Equivocation(evidence) => evidence.first.statement.sharing,
        }
    }
}

/// Names what a holder is found guilty of, so that it is once.
fn slot_key(holder: HolderIndex, slot: &Slot) -> [u8; 32] {
    blake2_256(&(holder, slot).encode())
}

/// The host's verification of signatures.
pub(crate) fn is_signed_by(public: &HolderKey, message: &[u8], signature: &[u8; 64]) -> bool {
    sp_io::crypto::sr25519_verify(
        &sr25519::Signature::from_raw(*signature),
        message,
        &sr25519::Public::from_raw(*public),
    )
}

impl<T: Config> Pallet<T> {
    /// Refuses a statement that its speaker has not signed.
    pub(crate) fn ensure_signed_by(
        who: &HolderKey,
        statement: &Statement,
        signature: &[u8; 64],
    ) -> DispatchResult {
        ensure!(
            is_signed_by(who, &statement.signing_bytes(), signature),
            Error::<T>::InvalidSignature
        );
        Ok(())
    }

    /// Writes down what somebody did, and tells who wants to know.
    pub(crate) fn record(holder: &HolderKey, kind: OffenceKind, evidence: [u8; 32]) {
        Self::record_from(holder, kind, evidence, None);
    }

    fn record_from(
        holder: &HolderKey,
        kind: OffenceKind,
        evidence: [u8; 32],
        reporter: Option<&AccountId32>,
    ) {
        Offences::<T>::mutate(holder, kind, |record| {
            let known = record.unwrap_or_default();
            *record = Some(OffenceRecord {
                count: known.count.saturating_add(1),
                last_at: Self::now(),
                last_evidence: evidence,
            });
        });
        T::OnMisbehaviour::on_misbehaviour(&Misbehaviour {
            holder,
            kind,
            evidence,
            reporter,
        });
        Self::deposit_event(Event::Misbehaved {
            holder: *holder,
            kind,
            evidence,
        });
    }

    /// Records what a holder signed, unless it was recorded before. Whether it was new.
    pub(crate) fn record_slot(
        holder: &HolderKey,
        statement: &Statement,
        kind: OffenceKind,
        evidence: [u8; 32],
    ) -> bool {
        Self::record_slot_from(holder, statement, kind, evidence, None)
    }

    fn record_slot_from(
        holder: &HolderKey,
        statement: &Statement,
        kind: OffenceKind,
        evidence: [u8; 32],
        reporter: Option<&AccountId32>,
    ) -> bool {
        let key = slot_key(statement.holder, &statement.slot);
        if Reported::<T>::contains_key(statement.sharing, key) {
            return false;
        }
        Reported::<T>::insert(statement.sharing, key, ());
        Self::record_from(holder, kind, evidence, reporter);
        true
    }

    fn sharing_of(id: SharingId) -> Result<Sharing, DispatchError> {
        let current = CurrentSharing::<T>::get().filter(|sharing| sharing.id() == id);
        let known = current.or_else(|| PastSharings::<T>::get(id));
        Ok(known.ok_or(Error::<T>::UnknownSharing)?)
    }

    pub(crate) fn do_report_misbehaviour(
        reporter: &AccountId32,
        evidence: Evidence,
    ) -> DispatchResult {
        let sharing = Self::sharing_of(evidence.sharing())?;
        let (judged, kind) = match &evidence {
            Evidence::WrongShare(shown) => (
                shown.verify(&sharing, &is_signed_by),
                OffenceKind::WrongShare,
            ),
            Evidence::WrongResponse(shown) => (
                shown.verify(&sharing, &is_signed_by),
                OffenceKind::WrongResponse,
            ),
            Evidence::Equivocation(shown) => (
                shown.verify(&sharing, &is_signed_by),
                OffenceKind::Equivocation,
            ),
        };
        let guilty = judged.map_err(|_| Error::<T>::NotEvidence)?;
        let digest = blake2_256(&evidence.encode());
        let (holder, statement) = (guilty.holder(), guilty.statement());
        let is_new = Self::record_slot_from(holder, statement, kind, digest, Some(reporter));
        ensure!(is_new, Error::<T>::AlreadyReported);
        Ok(())
    }
}
