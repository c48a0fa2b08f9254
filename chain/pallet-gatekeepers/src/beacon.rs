//! The randomness beacon: one value in each round, which nobody chooses.
//!
//! A round goes through contributions (share and nonce), of which a threshold is picked, and
//! answers, which add up to one proof. Attempts that fail exclude who failed; then shares must do,
//! of which every contribution has brought one already.

use crate::*;
use alloc::vec::Vec;
use codec::Encode;
use polkadot_sdk::{
    frame_support::{ensure, traits::Randomness, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_core::H256,
    sp_runtime::{DispatchError, DispatchResult, SaturatedConversion},
};
use threshold_keys::{
    BeaconOutput, BeaconRound, BeaconStage, BeaconValue, Contribution, EvaluationContext,
    EvaluationShare, HolderIndex, HolderKey, JointProof, PerHolder, ProofResponse,
    ProvenEvaluation, Sharing, SharingId, SignedResponse, contribution_statement,
    response_statement,
};
use wire::domain::blake2_256;

fn has(list: &PerHolder<HolderIndex>, index: HolderIndex) -> bool {
    list.contains(&index)
}

/// Adds a holder to a list that has a place for each, once.
fn add(list: &mut PerHolder<HolderIndex>, index: HolderIndex) {
    if !list.contains(&index) {
        let _full = list.try_push(index);
    }
}

impl<T: Config> Pallet<T> {
    /// At the beginning of each block: begins a round when it is time, or goes on with the one there
    /// is.
    pub(crate) fn advance_beacon(now: u32) -> Weight {
        let idle = weights::idle::<T>();
        let is_time = now >= NextBeaconAt::<T>::get();
        let state = Beacon::<T>::get();
        if !is_time && state.as_ref().is_none_or(|state| !Self::is_due(state, now)) {
            return idle;
        }
        let Some(sharing) = CurrentSharing::<T>::get() else {
            return idle;
        };
        let holders = sharing.holders().len() as u64;
        let weight = weights::finish_beacon::<T>(sharing.threshold().into(), holders);
        match state {
            Some(state) if !is_time => Self::advance_round(state, &sharing, now),
            Some(state) => {
                Self::give_up(&state, &sharing, now);
                Self::begin_round(sharing.id(), now);
            }
            None => Self::begin_round(sharing.id(), now),
        }
        idle.saturating_add(weight)
    }

    fn is_due(state: &BeaconRound, now: u32) -> bool {
        let all_answered = state.stage == BeaconStage::Responding
            && state.responded.len() == state.contributed.len();
        let over = state.deadline.is_some_and(|deadline| now >= deadline);
        // In the last stage each share may be the last that is needed.
        all_answered || over || state.stage == BeaconStage::Shares
    }

    fn begin_round(sharing: SharingId, now: u32) {
        let settings = Settings::<T>::get();
        let round = NextBeaconRound::<T>::get();
        NextBeaconRound::<T>::put(round.saturating_add(1));
        NextBeaconAt::<T>::put(now.saturating_add(settings.beacon_blocks));
        Self::forget_round();
        Beacon::<T>::put(BeaconRound {
            round,
            sharing,
            stage: BeaconStage::Contributing,
            attempt: 0,
            began_at: now,
            deadline: Some(now.saturating_add(settings.beacon_attempt_blocks)),
            contributed: PerHolder::new(),
            responded: PerHolder::new(),
            excluded: PerHolder::new(),
            shared: PerHolder::new(),
        });
    }

    /// Another sharing is in force: what was said in the old one does not fit.
    pub(crate) fn restart_beacon(sharing: SharingId, now: u32) {
        let Some(state) = Beacon::<T>::get() else {
            return;
        };
        Self::forget_round();
        let attempt = Settings::<T>::get().beacon_attempt_blocks;
        Beacon::<T>::put(BeaconRound {
            sharing,
            stage: BeaconStage::Contributing,
            attempt: 0,
            deadline: Some(now.saturating_add(attempt)),
            contributed: PerHolder::new(),
            responded: PerHolder::new(),
            excluded: PerHolder::new(),
            shared: PerHolder::new(),
            ..state
        });
    }

    fn forget_round() {
        Beacon::<T>::kill();
        BeaconContributions::<T>::kill();
        BeaconResponses::<T>::kill();
        BeaconShares::<T>::kill();
    }

    fn advance_round(mut state: BeaconRound, sharing: &Sharing, now: u32) {
        let threshold = usize::from(sharing.threshold());
        match state.stage {
            BeaconStage::Contributing if state.contributed.len() >= threshold => {
                let mut picked = BeaconContributions::<T>::get().into_inner();
                picked.sort_by_key(|contribution| contribution.share.holder);
                picked.truncate(threshold);
                let holders = picked.iter().map(|contribution| contribution.share.holder);
                state.contributed = PerHolder::truncate_from(holders.collect());
                BeaconContributions::<T>::put(PerHolder::truncate_from(picked));
                state.stage = BeaconStage::Responding;
                let attempt = Settings::<T>::get().beacon_attempt_blocks;
                state.deadline = Some(now.saturating_add(attempt));
                Beacon::<T>::put(state);
            }
            BeaconStage::Contributing => Self::take_shares(state, sharing, now),
            BeaconStage::Responding => Self::finish_attempt(state, sharing, now),
            BeaconStage::Shares => {
                Self::combine_shares(&state, sharing, now);
            }
        }
    }

    /// All that were picked have answered, or their time is over.
    fn finish_attempt(mut state: BeaconRound, sharing: &Sharing, now: u32) {
        let context = EvaluationContext::Beacon { round: state.round };
        let contributions = BeaconContributions::<T>::get();
        let signed = BeaconResponses::<T>::get();
        let responses: Vec<ProofResponse> = signed.iter().map(|signed| signed.response).collect();
        // Each contribution was checked when it came, so there is a proof to be made.
        let Ok(proof) = JointProof::new(sharing, &context, &contributions) else {
            return Self::take_shares(state, sharing, now);
        };
        let faulty = match proof.finish(&responses) {
            Ok(proven) => {
                let value = BeaconValue::from_proof(&sharing.group_key(), state.round, &proven);
                return match value {
                    Ok(value) => Self::put_value(state.round, value, Some(proven), now),
                    Err(_) => Self::take_shares(state, sharing, now),
                };
            }
            Err(error) => error.faulty,
        };
        for index in faulty {
            add(&mut state.excluded, index);
            let Some(holder) = sharing.holder(index) else {
                continue;
            };
            match signed.iter().find(|signed| signed.response.holder == index) {
                None => Self::record(holder, OffenceKind::NoBeacon, [0; 32]),
                Some(signed) => {
                    let statement = response_statement(
                        Self::network(),
                        state.sharing,
                        state.round,
                        state.attempt,
                        &signed.response,
                    );
                    let evidence = blake2_256(&(statement, signed, &contributions).encode());
                    let kind = OffenceKind::WrongResponse;
                    Self::record_slot(holder, &statement, kind, evidence);
                }
            }
        }
        Self::next_attempt(state, sharing, now);
    }

    fn next_attempt(mut state: BeaconRound, sharing: &Sharing, now: u32) {
        let attempt_blocks = Settings::<T>::get().beacon_attempt_blocks;
        let left = sharing.holders().len() - state.excluded.len();
        let end = now.saturating_add(attempt_blocks.saturating_mul(2));
        let tries = state.attempt + 1 < BEACON_ATTEMPTS_MAX
            && left >= usize::from(sharing.threshold())
            && end < NextBeaconAt::<T>::get();
        if !tries {
            return Self::take_shares(state, sharing, now);
        }
        BeaconContributions::<T>::kill();
        BeaconResponses::<T>::kill();
        state.attempt += 1;
        state.stage = BeaconStage::Contributing;
        state.deadline = Some(now.saturating_add(attempt_blocks));
        state.contributed = PerHolder::new();
        state.responded = PerHolder::new();
        Beacon::<T>::put(state);
    }

    /// No more attempts: a threshold of shares is the value too.
    fn take_shares(mut state: BeaconRound, sharing: &Sharing, now: u32) {
        state.stage = BeaconStage::Shares;
        state.deadline = None;
        if !Self::combine_shares(&state, sharing, now) {
            BeaconContributions::<T>::kill();
            BeaconResponses::<T>::kill();
            Beacon::<T>::put(state);
        }
    }

    /// Makes the value of the shares that are there, if they are enough.
    fn combine_shares(state: &BeaconRound, sharing: &Sharing, now: u32) -> bool {
        if state.shared.len() < usize::from(sharing.threshold()) {
            return false;
        }
        let mut shares = BeaconShares::<T>::get();
        shares.truncate(sharing.threshold().into());
        let value = BeaconValue::from_shares(sharing, state.round, &shares);
        // Each was checked when it came.
        let Ok(value) = value else {
            return false;
        };
        Self::put_value(state.round, value, None, now);
        true
    }

    fn put_value(round: u64, value: BeaconValue, proof: Option<ProvenEvaluation>, now: u32) {
        let output = BeaconOutput {
            round,
            value,
            known_at: now,
            proof,
        };
        LatestBeacon::<T>::put(output);
        BeaconValues::<T>::insert(round, output);
        // The round that leaves the window; those that came to nothing left no value.
        if let Some(old) = round.checked_sub(BEACON_VALUES_MAX) {
            BeaconValues::<T>::remove(old);
        }
        Self::forget_round();
        Self::deposit_event(Event::BeaconValueKnown {
            round,
            value: value.0,
            proven: proof.is_some(),
        });
    }

    /// The next round begins, so this one ends: with the shares that are there, or without a value.
    fn give_up(state: &BeaconRound, sharing: &Sharing, now: u32) {
        if state.sharing == sharing.id() && Self::combine_shares(state, sharing, now) {
            return;
        }
        for index in HolderIndex::all(sharing.holders().len() as u8) {
            if let Some(holder) = sharing.holder(index)
                && !has(&state.shared, index)
                && !has(&state.excluded, index)
            {
                Self::record(holder, OffenceKind::NoBeacon, [0; 32]);
            }
        }
        Self::deposit_event(Event::BeaconRoundFailed { round: state.round });
    }

    /// The round that is going on, and its sharing, for a holder that may speak in it.
    fn round_for(
        who: &HolderKey,
        round: u64,
        sharing: SharingId,
        index: HolderIndex,
    ) -> Result<(BeaconRound, Sharing), DispatchError> {
        let state = Beacon::<T>::get().filter(|state| state.round == round);
        let state = state.ok_or(Error::<T>::OtherRound)?;
        ensure!(state.sharing == sharing, Error::<T>::OtherSharing);
        let current = CurrentSharing::<T>::get().ok_or(Error::<T>::NoSharing)?;
        ensure!(current.holder(index) == Some(who), Error::<T>::NotHolder);
        ensure!(!has(&state.excluded, index), Error::<T>::HolderExcluded);
        Ok((state, current))
    }

    /// Whether a share of the round holds; those that are kept have been checked.
    fn share_holds(state: &BeaconRound, sharing: &Sharing, share: &EvaluationShare) -> bool {
        let context = EvaluationContext::Beacon { round: state.round };
        (has(&state.shared, share.holder) && BeaconShares::<T>::get().contains(share))
            || sharing.verify_share(&context, share).is_ok()
    }

    /// Keeps a share that holds.
    fn keep_share(state: &mut BeaconRound, share: EvaluationShare) {
        if !has(&state.shared, share.holder) {
            add(&mut state.shared, share.holder);
            // There are as many places as holders.
            let _full = BeaconShares::<T>::try_append(share);
        }
    }

    /// A share and a nonce.
    pub(crate) fn on_contribution(
        who: &HolderKey,
        round: u64,
        attempt: u8,
        contribution: Contribution,
        signature: [u8; 64],
    ) -> DispatchResult {
        let index = contribution.share.holder;
        let (mut state, sharing) = Self::round_for(who, round, contribution.share.sharing, index)?;
        ensure!(state.attempt == attempt, Error::<T>::OtherRound);
        ensure!(
            state.stage == BeaconStage::Contributing,
            Error::<T>::OtherStage
        );
        ensure!(!has(&state.contributed, index), Error::<T>::ShareExists);
        let nonce = &contribution.nonce;
        ensure!(
            nonce.holder == index && nonce.sharing == state.sharing,
            Error::<T>::NotHolder
        );
        let statement = contribution_statement(Self::network(), round, attempt, &contribution);
        Self::ensure_signed_by(who, &statement, &signature)?;
        if !Self::share_holds(&state, &sharing, &contribution.share) {
            add(&mut state.excluded, index);
            let evidence = blake2_256(&(statement, signature, &contribution).encode());
            Self::record_slot(who, &statement, OffenceKind::WrongShare, evidence);
            Beacon::<T>::put(state);
            return Ok(());
        }
        add(&mut state.contributed, index);
        Self::keep_share(&mut state, contribution.share.clone());
        // There are as many places as holders.
        let _full = BeaconContributions::<T>::try_append(contribution);
        let (now, settings) = (Self::now(), Settings::<T>::get());
        let wait = if state.contributed.len() + state.excluded.len() == sharing.holders().len() {
            now
        } else {
            now.saturating_add(settings.beacon_wait_blocks)
        };
        if state.contributed.len() >= usize::from(sharing.threshold()) {
            let deadline = state.deadline.map_or(wait, |deadline| deadline.min(wait));
            state.deadline = Some(deadline);
        }
        Beacon::<T>::put(state);
        Ok(())
    }

    /// An answer. Whether it is right is seen when all are there.
    pub(crate) fn on_response(
        who: &HolderKey,
        round: u64,
        attempt: u8,
        response: ProofResponse,
        statement_signature: [u8; 64],
    ) -> DispatchResult {
        let index = response.holder;
        let state = Beacon::<T>::get().ok_or(Error::<T>::OtherRound)?;
        let (mut state, _) = Self::round_for(who, round, state.sharing, index)?;
        ensure!(state.attempt == attempt, Error::<T>::OtherRound);
        ensure!(
            state.stage == BeaconStage::Responding,
            Error::<T>::OtherStage
        );
        ensure!(has(&state.contributed, index), Error::<T>::NotHolder);
        if has(&state.responded, index) {
            return Self::on_second_response(who, (round, attempt), &state, response, statement_signature);
        }
        let digest = JointProof::digest_of(state.sharing, &BeaconContributions::<T>::get());
        ensure!(response.proof == digest, Error::<T>::OtherProof);
        let statement =
            response_statement(Self::network(), state.sharing, round, attempt, &response);
        Self::ensure_signed_by(who, &statement, &statement_signature)?;
        add(&mut state.responded, index);
        // There are as many places as holders.
        let _full = BeaconResponses::<T>::try_append(SignedResponse {
            response,
            statement_signature,
        });
        Beacon::<T>::put(state);
        Ok(())
    }

    /// Another answer where there is one already: the same changes nothing, a different one is a
    /// contradiction that its maker has signed.
    fn on_second_response(
        who: &HolderKey,
        (round, attempt): (u64, u8),
        state: &BeaconRound,
        response: ProofResponse,
        statement_signature: [u8; 64],
    ) -> DispatchResult {
        let first = BeaconResponses::<T>::get();
        let first = first.iter().find(|first| first.response.holder == response.holder);
        let differs = first.is_some_and(|first| first.response != response);
        ensure!(differs, Error::<T>::ShareExists);
        let statement =
            response_statement(Self::network(), state.sharing, round, attempt, &response);
        Self::ensure_signed_by(who, &statement, &statement_signature)?;
        let evidence = blake2_256(&(first, response, statement_signature).encode());
        Self::record_slot(who, &statement, OffenceKind::Equivocation, evidence);
        Ok(())
    }

    /// A share alone.
    pub(crate) fn on_beacon_share(
        who: &HolderKey,
        round: u64,
        share: EvaluationShare,
    ) -> DispatchResult {
        let index = share.holder;
        let (mut state, sharing) = Self::round_for(who, round, share.sharing, index)?;
        ensure!(!has(&state.shared, index), Error::<T>::ShareExists);
        if Self::share_holds(&state, &sharing, &share) {
            Self::keep_share(&mut state, share);
        } else {
            // The message that brought it is signed, and the chain has judged it: no more is needed.
            add(&mut state.excluded, index);
            let evidence = blake2_256(&(round, &share).encode());
            Self::record(who, OffenceKind::WrongShare, evidence);
        }
        Beacon::<T>::put(state);
        Ok(())
    }
}

impl<T: Config> RandomnessBeacon for Pallet<T> {
    fn latest() -> Option<(u64, [u8; 32], u32)> {
        let output = LatestBeacon::<T>::get()?;
        Some((output.round, output.value.0, output.known_at))
    }

    fn value(round: u64) -> Option<[u8; 32]> {
        Some(BeaconValues::<T>::get(round)?.value.0)
    }
}

/// Randomness for samplers: Blake2b-256 of the newest value and the subject, and the block since
/// which everybody knows the value. Who commits to something before that block could not know the
/// result, unless a threshold of gatekeepers told it. Before the first value the block is 0, which
/// says that everybody always knew it.
impl<T: Config> Randomness<H256, BlockNumberFor<T>> for Pallet<T> {
    fn random(subject: &[u8]) -> (H256, BlockNumberFor<T>) {
        let (value, known_at) = Self::latest().map_or(([0; 32], 0), |(_, value, at)| (value, at));
        let random = blake2_256(&(value, subject).encode());
        (H256(random), known_at.saturated_into())
    }
}
