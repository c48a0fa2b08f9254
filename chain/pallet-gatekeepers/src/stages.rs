//! What the end of each stage of a ceremony comes to.

use crate::*;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use pallet_worker_registry::GatekeeperDirectory;
use polkadot_sdk::frame_support::BoundedVec;
use scale_info::TypeInfo;
use threshold_keys::{
    CeremonySource, CeremonyStage, CeremonyState, Committee, HolderIndex, HolderKey, PerHolder,
    Plan, Recipient, Sharing, SharingId, Source, VerifiedDealing,
};

/// Why a ceremony came to nothing.
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
pub enum FailureReason {
    /// Fewer candidates sent receiving keys than must hold shares.
    TooFewRecipients,
    /// One machine could open the result, and this is no development network.
    SingleHolder,
    /// The sharing to be dealt from is in force no more.
    SourceGone,
    /// Fewer dealings stand than it takes.
    TooFewDealings,
    /// Fewer recipients handed over than must.
    TooFewHandovers,
    /// The dealings come to another key than the network's, or to none.
    Degenerate,
    /// Root began another.
    Abandoned,
}

/// Most entries of [`Reported`] that are removed with an old sharing.
pub(crate) const REPORTED_CLEARED_MAX: u32 = 64;

/// How many must hand over.
fn handovers_needed(recipients: u8, threshold: u8, percent: u8) -> u8 {
    let share = (u16::from(recipients) * u16::from(percent)).div_ceil(100);
    // At most all of them, since a percentage is at most 100.
    (share as u8).max(threshold)
}

impl<T: Config> Pallet<T> {
    /// The sharing that a ceremony's dealers hold, while it is in force.
    fn source_of(source: &CeremonySource) -> Option<Source> {
        match source {
            CeremonySource::NewKey => Some(Source::Generation),
            CeremonySource::Sharing(id) => {
                let sharing = match id.committee {
                    Committee::Gatekeepers => CurrentSharing::<T>::get(),
                    Committee::Members => MembersSharing::<T>::get(),
                };
                sharing
                    .filter(|sharing| sharing.id() == *id)
                    .map(Source::Resharing)
            }
        }
    }

    fn threshold_among(committee: Committee, recipients: u8) -> Option<u8> {
        match committee {
            Committee::Gatekeepers => Settings::<T>::get().threshold.threshold(recipients),
            Committee::Members => {
                let (_, threshold) = Members::<T>::get();
                (threshold <= recipients).then_some(threshold)
            }
        }
    }

    /// The time for receiving keys is over.
    pub(crate) fn make_plan(mut state: CeremonyState, now: u32) {
        let mut recipients: Vec<Recipient> = Vec::new();
        let mut absent: Vec<HolderKey> = Vec::new();
        for candidate in &state.candidates {
            match ReceivingKeys::<T>::get(candidate) {
                Some(recipient) => recipients.push(recipient),
                None => absent.push(*candidate),
            }
        }
        for holder in &absent {
            Self::record(holder, OffenceKind::NoReceivingKey, [0; 32]);
        }
        let count = recipients.len() as u8;
        let settings = Settings::<T>::get();
        // Recovery takes whoever is there: that fewer are left is why there is one.
        let is_recovery = matches!(
            state.source,
            CeremonySource::Sharing(SharingId {
                committee: Committee::Members,
                ..
            })
        );
        let least = match state.target.committee {
            Committee::Gatekeepers if !is_recovery => settings.holders_min,
            _ => 1,
        };
        let threshold = Self::threshold_among(state.target.committee, count);
        let threshold = match threshold {
            Some(threshold) if count >= least => threshold,
            _ => return Self::fail(&state, FailureReason::TooFewRecipients, absent, now),
        };
        if !Self::may_hold(threshold) {
            return Self::fail(&state, FailureReason::SingleHolder, absent, now);
        }
        let Some(source) = Self::source_of(&state.source) else {
            return Self::fail(&state, FailureReason::SourceGone, absent, now);
        };
        state.dealers = match &source {
            Source::Generation => count,
            Source::Resharing(sharing) => sharing.holders().len() as u8,
        };
        let recipients = BoundedVec::truncate_from(recipients);
        let plan = Plan::new(Self::network(), state.target, threshold, source, recipients);
        let Ok(plan) = plan else {
            return Self::fail(&state, FailureReason::Degenerate, absent, now);
        };
        let digest = plan.digest();
        state.plan = Some(digest);
        state.recipients = count;
        state.stage = CeremonyStage::Dealing;
        let committee = state.target.committee;
        let blocks = Self::stage_blocks(state.stage, committee, &state.source);
        state.deadline = now.saturating_add(blocks);
        CeremonyPlan::<T>::put(plan);
        Self::deposit_event(Event::PlanMade {
            target: state.target,
            plan: digest,
            recipients: count,
            threshold,
        });
        Ceremony::<T>::put(state);
    }

    /// The time for dealings is over.
    pub(crate) fn begin_checking(mut state: CeremonyState, now: u32) {
        if let Some(plan) = CeremonyPlan::<T>::get() {
            for dealer in HolderIndex::all(state.dealers) {
                if let Some(holder) = plan.dealer(dealer)
                    && !state.dealt.contains(&dealer)
                {
                    Self::record(holder, OffenceKind::NoDealing, [0; 32]);
                }
            }
        }
        state.stage = CeremonyStage::Checking;
        let committee = state.target.committee;
        let blocks = Self::stage_blocks(state.stage, committee, &state.source);
        state.deadline = now.saturating_add(blocks);
        Ceremony::<T>::put(&state);
        if Self::count_dealings(&state, now) {
            let dealings = (state.dealt.len() - state.struck_out.len()) as u8;
            Self::deposit_event(Event::CheckingBegan {
                target: state.target,
                dealings,
            });
        }
    }

    /// Computes what the dealings that stand come to. Whether they come to anything.
    pub(crate) fn count_dealings(state: &CeremonyState, now: u32) -> bool {
        let Some(plan) = CeremonyPlan::<T>::get() else {
            Self::fail(state, FailureReason::Degenerate, Vec::new(), now);
            return false;
        };
        let dealings: Vec<VerifiedDealing> = state
            .dealt
            .iter()
            .filter_map(Dealings::<T>::get)
            .map(|dealing| dealing.assume_verified(&plan))
            .collect();
        if dealings.len() < usize::from(plan.dealings_needed()) {
            let absent = HolderIndex::all(state.dealers)
                .filter(|dealer| !state.dealt.contains(dealer))
                .filter_map(|dealer| plan.dealer(dealer).copied())
                .collect();
            Self::fail(state, FailureReason::TooFewDealings, absent, now);
            return false;
        }
        // The key never changes: dealings of another one count for nothing.
        let sharing = Sharing::from_dealings(&plan, &dealings)
            .ok()
            .filter(|sharing| NetworkKey::<T>::get().is_none_or(|key| key == sharing.group_key()));
        let Some(sharing) = sharing else {
            Self::fail(state, FailureReason::Degenerate, Vec::new(), now);
            return false;
        };
        PendingSharing::<T>::put(sharing);
        true
    }

    /// All have handed over, or the time for it is over.
    pub(crate) fn complete(state: CeremonyState, now: u32) {
        let Some(sharing) = PendingSharing::<T>::get() else {
            return Self::fail(&state, FailureReason::Degenerate, Vec::new(), now);
        };
        let absent: Vec<HolderKey> = HolderIndex::all(state.recipients)
            .filter(|index| !state.handed_over.contains(index))
            .filter_map(|index| sharing.holder(index).copied())
            .collect();
        for holder in &absent {
            Self::record(holder, OffenceKind::NoHandover, [0; 32]);
        }
        let percent = Settings::<T>::get().handover_percent;
        let needed = handovers_needed(state.recipients, sharing.threshold(), percent);
        if state.handed_over.len() < usize::from(needed) {
            return Self::fail(&state, FailureReason::TooFewHandovers, absent, now);
        }
        let (id, threshold) = (sharing.id(), sharing.threshold());
        let holders = sharing.holders().len() as u8;
        match id.committee {
            Committee::Members => MembersSharing::<T>::put(sharing),
            Committee::Gatekeepers => Self::put_in_force(sharing, &state, now),
        }
        Self::forget_ceremony();
        Self::deposit_event(Event::SharingInForce {
            id,
            holders,
            threshold,
        });
    }

    fn put_in_force(sharing: Sharing, state: &CeremonyState, now: u32) {
        if let Some(old) = CurrentSharing::<T>::get() {
            Self::keep_past(old);
        }
        if !NetworkKey::<T>::exists() {
            let key = sharing.group_key();
            NetworkKey::<T>::put(key);
            T::Workers::set_network_key(key.element.as_bytes());
        }
        CurrentHolders::<T>::put(PerHolder::truncate_from(sharing.holders().to_vec()));
        LastCandidates::<T>::put(&state.candidates);
        SharingSince::<T>::put(now);
        let id = sharing.id();
        CurrentSharing::<T>::put(sharing);
        Self::restart_beacon(id, now);
    }

    fn keep_past(sharing: Sharing) {
        let id = sharing.id();
        PastSharings::<T>::insert(id, sharing);
        PastSharingIds::<T>::mutate(|ids| {
            if ids.is_full() {
                let oldest = ids.remove(0);
                PastSharings::<T>::remove(oldest);
                // Rarely more than none, but whoever pays for reports could make them many: what is
                // left over is of no meaning, since evidence of this sharing is refused.
                let _left = Reported::<T>::clear_prefix(oldest, REPORTED_CLEARED_MAX, None);
            }
            // There is room: one was removed if there was none.
            let _full = ids.try_push(id);
        });
    }

    /// A ceremony comes to nothing; the next one begins after a pause.
    pub(crate) fn fail(
        state: &CeremonyState,
        reason: FailureReason,
        absent: Vec<HolderKey>,
        now: u32,
    ) {
        Self::forget_ceremony();
        RetryAt::<T>::put(now.saturating_add(Settings::<T>::get().retry_blocks));
        Self::deposit_event(Event::CeremonyFailed {
            target: state.target,
            reason,
            absent: PerHolder::truncate_from(absent),
        });
    }

    fn forget_ceremony() {
        Ceremony::<T>::kill();
        CeremonyPlan::<T>::kill();
        PendingSharing::<T>::kill();
        // Both have at most one entry for each holder.
        let _removed = ReceivingKeys::<T>::clear(u32::MAX, None);
        let _removed = Dealings::<T>::clear(u32::MAX, None);
    }
}
