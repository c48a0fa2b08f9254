//! What gatekeepers and members say in a ceremony: the same for both.

use crate::*;

use codec::Encode;
use polkadot_sdk::{
    frame_support::ensure,
    sp_runtime::{DispatchError, DispatchResult},
};
use threshold_keys::{
    CeremonyStage, CeremonyState, Complaint, Dealing, DealingError, EvaluationContext,
    EvaluationShare, HolderIndex, HolderKey, PerHolder, Plan, PlanDigest, ReceivingKey, SharingId,
};
use wire::domain::blake2_256;

impl<T: Config> Pallet<T> {
    /// The ceremony with this plan.
    fn ceremony_of(plan: PlanDigest) -> Result<CeremonyState, DispatchError> {
        let state = Ceremony::<T>::get().ok_or(Error::<T>::NoCeremony)?;
        ensure!(state.plan == Some(plan), Error::<T>::OtherCeremony);
        Ok(state)
    }

    fn plan() -> Result<Plan, DispatchError> {
        Ok(CeremonyPlan::<T>::get().ok_or(Error::<T>::OtherCeremony)?)
    }

    /// A candidate's receiving key.
    pub(crate) fn on_receiving_key(
        who: &HolderKey,
        target: SharingId,
        key: ReceivingKey,
    ) -> DispatchResult {
        let mut state = Ceremony::<T>::get().ok_or(Error::<T>::NoCeremony)?;
        ensure!(state.target == target, Error::<T>::OtherCeremony);
        ensure!(
            state.stage == CeremonyStage::Receiving,
            Error::<T>::OtherStage
        );
        let place = state.candidates.iter().position(|known| known == who);
        let place = place.ok_or(Error::<T>::NotCandidate)?;
        let place = HolderIndex::new(place as u8 + 1).ok_or(Error::<T>::NotCandidate)?;
        ensure!(
            !state.received.contains(&place),
            Error::<T>::ReceivingKeyExists
        );
        ensure!(key.holder == *who, Error::<T>::InvalidReceivingKey);
        let recipient = key
            .verify(&Self::network(), target)
            .map_err(|_| Error::<T>::InvalidReceivingKey)?;
        // Two with one key, which takes both to agree on, would make every plan impossible.
        let taken = ReceivingKeys::<T>::iter_values().any(|known| known.key() == recipient.key());
        ensure!(!taken, Error::<T>::ReceivingKeyTaken);
        ReceivingKeys::<T>::insert(who, recipient);
        // There are as many places as candidates.
        let _full = state.received.try_push(place);
        Ceremony::<T>::put(state);
        Ok(())
    }

    /// A dealing; the first of each dealer counts.
    pub(crate) fn on_dealing(
        who: &HolderKey,
        plan: PlanDigest,
        dealing: Dealing,
    ) -> DispatchResult {
        let mut state = Self::ceremony_of(plan)?;
        ensure!(
            state.stage == CeremonyStage::Dealing,
            Error::<T>::OtherStage
        );
        let plan = Self::plan()?;
        let dealer = dealing.dealer;
        ensure!(plan.dealer(dealer) == Some(who), Error::<T>::NotDealer);
        ensure!(!state.dealt.contains(&dealer), Error::<T>::AlreadyDealt);
        let copy = dealing.clone();
        dealing.verify(&plan).map_err(|error| match error {
            DealingError::Dealer(_) => Error::<T>::NotDealer,
            _ => Error::<T>::InvalidDealing,
        })?;
        Dealings::<T>::insert(dealer, copy);
        // There are as many places as dealers.
        let _full = state.dealt.try_push(dealer);
        Self::deposit_event(Event::DealingTaken {
            target: state.target,
            dealer,
        });
        Ceremony::<T>::put(state);
        Ok(())
    }

    /// A complaint, judged at once: it costs the dealer, or who complains.
    pub(crate) fn on_complaint(
        who: &HolderKey,
        plan: PlanDigest,
        complaint: Complaint,
    ) -> DispatchResult {
        let mut state = Self::ceremony_of(plan)?;
        let plan = Self::plan()?;
        let (dealer, recipient) = (complaint.dealer, complaint.recipient);
        ensure!(
            plan.recipient_index(who) == Some(recipient),
            Error::<T>::NotRecipient
        );
        let dealing = Dealings::<T>::get(dealer).ok_or(Error::<T>::DealingNotFound)?;
        let evidence = blake2_256(&(plan.digest(), complaint).encode());
        if complaint
            .judge(&plan, &dealing.assume_verified(&plan))
            .is_err()
        {
            Self::record(who, OffenceKind::GroundlessComplaint, evidence);
            return Ok(());
        }
        if let Some(holder) = plan.dealer(dealer) {
            Self::record(holder, OffenceKind::WrongDealing, evidence);
        }
        Dealings::<T>::remove(dealer);
        // There are as many places as dealers.
        let _full = state.struck_out.try_push(dealer);
        if state.stage == CeremonyStage::Checking {
            // Another sharing comes of what is left: computed in the next block, handed over anew.
            PendingSharing::<T>::kill();
            state.handed_over = PerHolder::new();
            let committee = state.target.committee;
            let blocks = Self::stage_blocks(state.stage, committee, &state.source);
            state.deadline = Self::now().saturating_add(blocks);
        }
        Self::deposit_event(Event::DealingStruckOut {
            target: state.target,
            dealer,
            recipient,
        });
        Ceremony::<T>::put(state);
        Ok(())
    }

    /// A recipient has its share.
    pub(crate) fn on_handover(
        who: &HolderKey,
        plan: PlanDigest,
        share: EvaluationShare,
    ) -> DispatchResult {
        let mut state = Self::ceremony_of(plan)?;
        ensure!(
            state.stage == CeremonyStage::Checking,
            Error::<T>::OtherStage
        );
        let pending = PendingSharing::<T>::get().ok_or(Error::<T>::SharingNotReady)?;
        let recipient = share.holder;
        ensure!(
            pending.holder(recipient) == Some(who),
            Error::<T>::NotRecipient
        );
        ensure!(
            !state.handed_over.contains(&recipient),
            Error::<T>::AlreadyHandedOver
        );
        pending
            .verify_share(&EvaluationContext::Handover { plan }, &share)
            .map_err(|_| Error::<T>::InvalidHandover)?;
        // There are as many places as recipients.
        let _full = state.handed_over.try_push(recipient);
        Self::deposit_event(Event::HandedOver {
            target: state.target,
            recipient,
        });
        Ceremony::<T>::put(state);
        Ok(())
    }
}
