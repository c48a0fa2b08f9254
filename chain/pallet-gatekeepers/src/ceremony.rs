//! When ceremonies begin, and how they go on from block to block.

use crate::*;
use alloc::vec::Vec;
use pallet_worker_registry::{GatekeeperDirectory, WorkerDirectory};
use polkadot_sdk::{
    frame_support::{ensure, weights::Weight},
    frame_system,
    sp_runtime::{DispatchResult, SaturatedConversion},
};
use primitives::GenesisHash;
use threshold_keys::{
    CeremonySource, CeremonyStage, CeremonyState, Committee, HolderKey, PerHolder, SharingId,
};

/// The only key there is; another generation would be another network's worth of seeds.
const GENERATION: u32 = 0;

impl<T: Config> Pallet<T> {
    /// The number of this block.
    pub(crate) fn now() -> u32 {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// The network that everything is bound to.
    pub(crate) fn network() -> GenesisHash {
        T::Workers::genesis_hash()
    }

    /// At the end of each block: begins a ceremony, or goes on with the one there is.
    pub(crate) fn advance_ceremony(now: u32) {
        match Ceremony::<T>::get() {
            None => Self::begin_if_due(now),
            Some(state) => Self::advance_stage(state, now),
        }
    }

    /// The most that [`Pallet::advance_ceremony`] takes at the end of this block: one stage ends at most.
    pub(crate) fn ceremony_weight(now: u32) -> Weight {
        let idle = weights::idle::<T>();
        let Some(state) = Ceremony::<T>::get() else {
            if !Self::looks_at_gatekeepers(now) {
                return idle;
            }
            let gatekeepers = T::Workers::gatekeepers().len() as u64;
            return idle
                .saturating_add(weights::look_at_gatekeepers::<T>(gatekeepers))
                .saturating_add(weights::start_ceremony::<T>());
        };
        let outcome = weights::outcome::<T>(state.dealers.into(), state.recipients.into());
        idle.saturating_add(match state.stage {
            CeremonyStage::Receiving => weights::make_plan::<T>(state.candidates.len() as u64),
            CeremonyStage::Dealing => outcome,
            CeremonyStage::Checking => outcome.max(weights::complete::<T>(state.recipients.into())),
        })
    }

    fn looks_at_gatekeepers(now: u32) -> bool {
        let looks = !NetworkKey::<T>::exists() || now.is_multiple_of(MEMBERSHIP_CHECK_BLOCKS);
        looks && now >= RetryAt::<T>::get()
    }

    fn begin_if_due(now: u32) {
        if !Self::looks_at_gatekeepers(now) {
            return;
        }
        let has_key = NetworkKey::<T>::exists();
        let candidates = Self::active_gatekeepers();
        let settings = Settings::<T>::get();
        let count = candidates.len() as u8;
        let threshold = settings.threshold.threshold(count);
        let enough = count >= settings.holders_min && threshold.is_some_and(Self::may_hold);
        if !enough || (has_key && !Self::is_refresh_due(&candidates, now, settings.epoch_blocks)) {
            return;
        }
        // Without a sharing in force, a key that exists comes back by recovery alone.
        let source = match CurrentSharing::<T>::get() {
            Some(sharing) => CeremonySource::Sharing(sharing.id()),
            None if !has_key => CeremonySource::NewKey,
            None => return,
        };
        Self::begin(Committee::Gatekeepers, source, candidates, now);
    }

    /// Whether the epoch is over, or others than those who were asked last are gatekeepers now.
    fn is_refresh_due(candidates: &PerHolder<HolderKey>, now: u32, epoch_blocks: u32) -> bool {
        let same = |known: &PerHolder<HolderKey>| {
            known.len() == candidates.len() && known.iter().all(|key| candidates.contains(key))
        };
        now.saturating_sub(SharingSince::<T>::get()) >= epoch_blocks
            || !(same(&CurrentHolders::<T>::get()) || same(&LastCandidates::<T>::get()))
    }

    fn active_gatekeepers() -> PerHolder<HolderKey> {
        let active: Vec<HolderKey> = T::Workers::gatekeepers()
            .into_iter()
            .filter(T::Workers::is_active)
            .map(|worker| worker.0)
            .collect();
        PerHolder::truncate_from(active)
    }

    /// Begins a ceremony, instead of any that is going on.
    fn begin(
        committee: Committee,
        source: CeremonySource,
        candidates: PerHolder<HolderKey>,
        now: u32,
    ) {
        if let Some(state) = Ceremony::<T>::get() {
            Self::fail(&state, FailureReason::Abandoned, Vec::new(), now);
        }
        let epoch = NextEpoch::<T>::mutate(committee, |next| {
            let epoch = *next;
            *next = next.saturating_add(1);
            epoch
        });
        let target = SharingId {
            generation: GENERATION,
            committee,
            epoch,
        };
        let count = candidates.len() as u8;
        Ceremony::<T>::put(CeremonyState {
            target,
            source,
            stage: CeremonyStage::Receiving,
            deadline: now.saturating_add(Self::stage_blocks(
                CeremonyStage::Receiving,
                committee,
                &source,
            )),
            candidates,
            received: PerHolder::new(),
            plan: None,
            dealers: 0,
            recipients: 0,
            dealt: PerHolder::new(),
            struck_out: PerHolder::new(),
            handed_over: PerHolder::new(),
        });
        Self::deposit_event(Event::CeremonyStarted {
            target,
            candidates: count,
        });
    }

    /// How long a stage takes at most: members of the DAO are waited for longer than machines.
    pub(crate) fn stage_blocks(
        stage: CeremonyStage,
        receivers: Committee,
        source: &CeremonySource,
    ) -> u32 {
        let settings = Settings::<T>::get();
        let dealers = match source {
            CeremonySource::NewKey => receivers,
            CeremonySource::Sharing(id) => id.committee,
        };
        let (waits_for, blocks) = match stage {
            CeremonyStage::Receiving => (receivers, settings.receiving_blocks),
            CeremonyStage::Dealing => (dealers, settings.dealing_blocks),
            CeremonyStage::Checking => (receivers, settings.checking_blocks),
        };
        match waits_for {
            Committee::Gatekeepers => blocks,
            Committee::Members => settings.member_stage_blocks,
        }
    }

    fn advance_stage(state: CeremonyState, now: u32) {
        let over = now >= state.deadline;
        match state.stage {
            CeremonyStage::Receiving if over || state.received.len() == state.candidates.len() => {
                Self::make_plan(state, now);
            }
            CeremonyStage::Dealing if over || state.dealt.len() == usize::from(state.dealers) => {
                Self::begin_checking(state, now);
            }
            CeremonyStage::Checking if !PendingSharing::<T>::exists() => {
                Self::count_dealings(&state, now);
            }
            CeremonyStage::Checking
                if over || state.handed_over.len() == usize::from(state.recipients) =>
            {
                Self::complete(state, now);
            }
            _ => {}
        }
    }

    pub(crate) fn do_start_refresh() -> DispatchResult {
        let candidates = Self::active_gatekeepers();
        let settings = Settings::<T>::get();
        let threshold = settings.threshold.threshold(candidates.len() as u8);
        ensure!(
            candidates.len() >= usize::from(settings.holders_min)
                && threshold.is_some_and(Self::may_hold),
            Error::<T>::TooFewGatekeepers
        );
        let source = match CurrentSharing::<T>::get() {
            Some(sharing) => CeremonySource::Sharing(sharing.id()),
            None => CeremonySource::NewKey,
        };
        Self::begin(Committee::Gatekeepers, source, candidates, Self::now());
        Ok(())
    }

    pub(crate) fn do_deal_to_members() -> DispatchResult {
        let sharing = CurrentSharing::<T>::get().ok_or(Error::<T>::NoSharing)?;
        let (members, _) = Members::<T>::get();
        ensure!(!members.is_empty(), Error::<T>::NoMembers);
        let source = CeremonySource::Sharing(sharing.id());
        Self::begin(Committee::Members, source, members, Self::now());
        Ok(())
    }

    pub(crate) fn do_recover_from_members() -> DispatchResult {
        let sharing = MembersSharing::<T>::get().ok_or(Error::<T>::NoMembersSharing)?;
        let candidates = Self::active_gatekeepers();
        let threshold = Settings::<T>::get()
            .threshold
            .threshold(candidates.len() as u8);
        ensure!(
            threshold.is_some_and(Self::may_hold),
            Error::<T>::TooFewGatekeepers
        );
        let source = CeremonySource::Sharing(sharing.id());
        Self::begin(Committee::Gatekeepers, source, candidates, Self::now());
        Ok(())
    }
}
