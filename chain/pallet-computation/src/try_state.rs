//! What must always hold between the maps.

use crate::*;
use alloc::collections::{BTreeMap, BTreeSet};
use economics::Fixed;
use polkadot_sdk::{
    frame_support::ensure,
    sp_core::Get,
    sp_runtime::{AccountId32, TryRuntimeError},
};

impl<T: Config> Pallet<T> {
    /// Checks every relation between the maps. Walks them all: for tests and upgrades only.
    ///
    /// # Errors
    /// Names the relation that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_state_of_settings()?;
        Self::try_state_of_sessions()?;
        Self::try_state_of_bindings()?;
        Self::try_state_of_challenges()?;
        Self::try_state_of_slashes()
    }

    fn try_state_of_settings() -> Result<(), TryRuntimeError> {
        let valid = TokenomicParameters::<T>::get().validate().is_ok()
            && BudgetSchedule::<T>::get().validate().is_ok()
            && NetworkShare::<T>::get() <= economics::Permill::ONE;
        ensure!(valid, "a parameter is out of its bounds");
        Ok(())
    }

    /// Shares of all sessions are the index's; on-line sessions are listed once each, others never.
    fn try_state_of_sessions() -> Result<(), TryRuntimeError> {
        let index = Index::<T>::get();
        let next = index.block().saturating_add(1);
        let (mut share, mut slope, mut online) = (Fixed::ZERO, Fixed::ZERO, 0u32);
        for (session, info) in Sessions::<T>::iter() {
            let place = OnlinePlaces::<T>::get(&session);
            let entry = match &info.state {
                SessionState::Computing(computing) => computing.entry().copied(),
                SessionState::CoolingDown(rest) => {
                    ensure!(rest.slashed <= rest.stake, "more than a stake is lost");
                    None
                }
                SessionState::Ready => None,
            };
            ensure!(
                entry.is_some() == place.is_some(),
                "a session is listed and not on line, or on line and not listed"
            );
            if let (Some(entry), Some(place)) = (entry, place) {
                let listed = OnlineSessions::<T>::get(place);
                ensure!(
                    listed.as_ref() == Some(&session),
                    "a session is not at its place"
                );
                let its = entry.share_at(next).ok_or("a share is out of bounds")?;
                share = share.checked_add(its).ok_or("shares are out of bounds")?;
                slope = slope.saturating_add(entry.slope());
                online += 1;
            }
        }
        ensure!(
            index.total_share() == share && index.total_slope() == slope,
            "shares do not add up to the index"
        );
        ensure!(
            index.workers() == online && OnlineWorkers::<T>::get() == online,
            "on-line sessions are miscounted"
        );
        ensure!(
            OnlineSessions::<T>::iter_keys().count() == online as usize
                && OnlinePlaces::<T>::iter_keys().count() == online as usize,
            "a place is left over"
        );
        Ok(())
    }

    fn try_state_of_bindings() -> Result<(), TryRuntimeError> {
        let mut bound = 0;
        for (session, worker) in SessionBindings::<T>::iter() {
            ensure!(
                WorkerBindings::<T>::get(worker).as_ref() == Some(&session),
                "a session's worker does not know it"
            );
            ensure!(
                Sessions::<T>::contains_key(&session),
                "a bound session does not exist"
            );
            bound += 1;
        }
        ensure!(
            WorkerBindings::<T>::iter_keys().count() == bound,
            "a worker is bound to a session that does not know it"
        );
        for (session, info) in Sessions::<T>::iter() {
            let cooling = matches!(info.state, SessionState::CoolingDown(_));
            ensure!(
                cooling || SessionBindings::<T>::contains_key(&session),
                "a session without a worker does not cool down"
            );
        }
        for (worker, session) in FormerSessions::<T>::iter() {
            let rests = Sessions::<T>::get(&session).is_some_and(
                |info| matches!(&info.state, SessionState::CoolingDown(rest) if rest.worker == worker),
            );
            ensure!(
                rests && !SessionBindings::<T>::contains_key(&session),
                "a worker's former session does not cool down"
            );
            ensure!(
                !WorkerBindings::<T>::contains_key(worker),
                "a bound worker's stake cools down elsewhere"
            );
        }
        Ok(())
    }

    fn try_state_of_challenges() -> Result<(), TryRuntimeError> {
        let queue = ChallengeQueue::<T>::get();
        let mut waiting = BTreeSet::new();
        for (number, challenged) in Challenged::<T>::iter() {
            ensure!(
                number.wrapping_sub(queue.first) < queue.len(),
                "challenges are outside their queue"
            );
            let length = challenged.sessions.len();
            ensure!(
                length > 0 && length <= T::ChallengesMax::get() as usize,
                "a block has challenged none, or too many"
            );
            for session in challenged.sessions {
                let of_block = |pending: PendingChallenge| pending.block == challenged.block;
                if PendingChallenges::<T>::get(&session).is_some_and(of_block) {
                    waiting.insert(session);
                }
            }
        }
        for session in PendingChallenges::<T>::iter_keys() {
            let Some(SessionState::Computing(computing)) =
                Sessions::<T>::get(&session).map(|info| info.state)
            else {
                return Err("a session has a challenge and does not compute".into());
            };
            // Else it would never be found off line.
            ensure!(
                waiting.contains(&session) == computing.is_online(),
                "a challenge of an on-line session waits in no queue, or another's in one"
            );
        }
        for (session, info) in Sessions::<T>::iter() {
            if let SessionState::Computing(computing) = info.state {
                ensure!(
                    computing.is_online() || PendingChallenges::<T>::contains_key(&session),
                    "an unresponsive session has nothing to answer"
                );
            }
        }
        Ok(())
    }

    fn try_state_of_slashes() -> Result<(), TryRuntimeError> {
        let queue = SlashQueue::<T>::get();
        let mut counts = BTreeMap::<AccountId32, u32>::new();
        for (slash, pending) in PendingSlashes::<T>::iter() {
            ensure!(
                slash.wrapping_sub(queue.first) < queue.len(),
                "a slash is outside its queue"
            );
            let info = Sessions::<T>::get(&pending.session)
                .filter(|info| info.state != SessionState::Ready)
                .ok_or("a slash waits for a session without stake")?;
            let takes = slashes::taken(info.stake(), pending.fault);
            ensure!(takes <= pending.amount, "a slash takes more than it said");
            *counts.entry(pending.session).or_default() += 1;
        }
        for (session, count) in SlashesOfSession::<T>::iter() {
            ensure!(
                counts.remove(&session) == Some(count) && count <= SLASHES_PER_SESSION_MAX,
                "slashes are miscounted"
            );
        }
        ensure!(counts.is_empty(), "slashes are not counted");
        ensure!(
            Owed::<T>::iter_values().all(|owed| owed > 0),
            "nothing is owed by a record"
        );
        Ok(())
    }
}
