//! The life of a session: bound, started, stopped, reclaimed.

use crate::*;
use economics::{Confidence, RewardIndex, Session, Start};
use mining_api::{SessionEvents, Sessions as SessionsApi, StakeReturn};
use pallet_worker_registry::{WorkerDirectory, WorkerRecords};
use polkadot_sdk::{
    frame_support::{ensure, traits::UnixTime},
    frame_system,
    sp_runtime::{AccountId32, DispatchError, DispatchResult, SaturatedConversion},
};
use primitives::{Balance, BlockNumber, UnixMillis, WorkerId};

impl<T: Config> Pallet<T> {
    /// The chain's time, milliseconds since 1970.
    pub(crate) fn now_ms() -> UnixMillis {
        T::UnixTime::now().as_millis().saturated_into()
    }

    /// The current block's number.
    pub(crate) fn block() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// The index, with the budget divided up to and with the current block.
    pub(crate) fn advanced_index() -> Result<RewardIndex, DispatchError> {
        let (mut index, block) = (Index::<T>::get(), Self::block());
        if index.block() < block {
            let budget = BudgetSchedule::<T>::get().between(index.block(), block);
            let budget = Self::network_part(budget);
            index.advance(block, budget).map_err(Error::<T>::from)?;
        }
        Ok(index)
    }

    /// What level a worker's evidence has.
    pub(crate) fn confidence(worker: &WorkerId) -> Option<Confidence> {
        match T::Workers::confidence_level(worker)? {
            1 => Some(Confidence::One),
            2 => Some(Confidence::Two),
            3 => Some(Confidence::Three),
            4 => Some(Confidence::Four),
            5 => Some(Confidence::Five),
            _ => None,
        }
    }

    /// An active worker's benchmark, if it is young enough.
    fn fresh_benchmark(worker: &WorkerId) -> Result<Benchmark, DispatchError> {
        ensure!(
            T::Workers::is_active(worker),
            Error::<T>::WorkerNotRegistered
        );
        let benchmark = Benchmarks::<T>::get(worker).ok_or(Error::<T>::BenchmarkMissing)?;
        let age_ms = Self::now_ms().saturating_sub(benchmark.measured_at_ms);
        ensure!(
            age_ms <= BenchmarkRules::<T>::get().age_ms_max,
            Error::<T>::BenchmarkTooOld
        );
        Ok(benchmark)
    }

    pub(crate) fn session(session: &AccountId32) -> Result<SessionInfo, DispatchError> {
        Sessions::<T>::get(session).ok_or_else(|| Error::<T>::SessionNotFound.into())
    }

    pub(crate) fn bound_worker(session: &AccountId32) -> Result<WorkerId, DispatchError> {
        SessionBindings::<T>::get(session).ok_or_else(|| Error::<T>::SessionNotBound.into())
    }

    /// When a stake that cools down may be reclaimed, milliseconds since 1970.
    fn cooled_at_ms(rest: &CoolDown) -> UnixMillis {
        let period_ms = CoolDownPeriod::<T>::get().saturating_mul(1000);
        rest.since_ms.saturating_add(period_ms)
    }

    /// Adds a session to the list that challenges are drawn from.
    pub(crate) fn list(session: &AccountId32) {
        let place = OnlineWorkers::<T>::get();
        OnlineSessions::<T>::insert(place, session);
        OnlinePlaces::<T>::insert(session, place);
        OnlineWorkers::<T>::put(place.saturating_add(1));
    }

    /// Takes a session off the list; the last one takes its place.
    pub(crate) fn unlist(session: &AccountId32) {
        let Some(place) = OnlinePlaces::<T>::take(session) else {
            return;
        };
        let last = OnlineWorkers::<T>::get().saturating_sub(1);
        OnlineWorkers::<T>::put(last);
        let moved = OnlineSessions::<T>::take(last);
        if let Some(moved) = moved.filter(|_| last != place) {
            OnlinePlaces::<T>::insert(&moved, place);
            OnlineSessions::<T>::insert(place, moved);
        }
    }

    /// A free worker becomes a free session's.
    fn do_bind(session: &AccountId32, worker: &WorkerId) -> DispatchResult {
        Self::fresh_benchmark(worker)?;
        ensure!(
            !Sessions::<T>::contains_key(session),
            Error::<T>::DuplicateBoundSession
        );
        ensure!(
            !WorkerBindings::<T>::contains_key(worker),
            Error::<T>::DuplicateBoundWorker
        );
        if let Some(former) = FormerSessions::<T>::get(worker) {
            let cooled = Sessions::<T>::get(former).is_none_or(|info| match &info.state {
                SessionState::CoolingDown(rest) => Self::cooled_at_ms(rest) <= Self::now_ms(),
                _ => true,
            });
            ensure!(cooled, Error::<T>::WorkerCoolingDown);
            FormerSessions::<T>::remove(worker);
        }
        Sessions::<T>::insert(session, SessionInfo::READY);
        SessionBindings::<T>::insert(session, worker);
        WorkerBindings::<T>::insert(worker, session);
        Self::deposit_event(Event::SessionBound {
            session: session.clone(),
            worker: *worker,
        });
        Ok(())
    }

    fn unbind_pair(session: &AccountId32, worker: &WorkerId) {
        SessionBindings::<T>::remove(session);
        WorkerBindings::<T>::remove(worker);
        Self::deposit_event(Event::SessionUnbound {
            session: session.clone(),
            worker: *worker,
        });
    }

    /// Starts with a score; the index is brought forward, and the session listed, by it.
    fn begin(
        session: &AccountId32,
        mut info: SessionInfo,
        index: &mut RewardIndex,
        start: Start,
    ) -> Result<economics::Fixed, DispatchError> {
        let parameters = TokenomicParameters::<T>::get();
        let begun =
            Session::start(index, &parameters, Self::block(), start).map_err(Error::<T>::from)?;
        let value = begun.initial_value();
        info.state = SessionState::Computing(begun);
        info.counting = false;
        Index::<T>::put(*index);
        Sessions::<T>::insert(session, info);
        Ok(value)
    }

    fn do_start(session: &AccountId32, stake: Balance) -> DispatchResult {
        let info = Self::session(session)?;
        ensure!(
            info.state == SessionState::Ready,
            Error::<T>::WorkerNotReady
        );
        let worker = Self::bound_worker(session)?;
        let score = Self::fresh_benchmark(&worker)?.score;
        let start = Start {
            stake,
            score,
            confidence: Self::confidence(&worker).ok_or(Error::<T>::WorkerNotRegistered)?,
            now: Self::now_ms(),
        };
        let mut index = Self::advanced_index()?;
        let value = Self::begin(session, info, &mut index, start)?;
        Self::list(session);
        Self::deposit_event(Event::WorkerStarted {
            session: session.clone(),
            stake,
            init_v: value.to_bits(),
            init_p: score,
        });
        Ok(())
    }

    fn do_restart(session: &AccountId32, stake: Balance) -> DispatchResult {
        let mut info = Self::session(session)?;
        let SessionState::Computing(before) = info.state else {
            return Err(Error::<T>::WorkerNotComputing.into());
        };
        // A new start would bring it back on line without an answer.
        ensure!(before.is_online(), Error::<T>::WorkerUnresponsive);
        ensure!(stake > before.stake(), Error::<T>::StakeNotGreater);
        ensure!(
            SlashesOfSession::<T>::get(session) == 0,
            Error::<T>::SlashPending
        );
        let worker = Self::bound_worker(session)?;
        let score = before.performance().bench;
        let start = Start {
            stake,
            score,
            confidence: Self::confidence(&worker).ok_or(Error::<T>::WorkerNotRegistered)?,
            now: Self::now_ms(),
        };
        let mut index = Self::advanced_index()?;
        let parameters = TokenomicParameters::<T>::get();
        let end = before
            .stop(&mut index, &parameters, Self::block())
            .map_err(Error::<T>::from)?;
        info.lost = info.lost.saturating_add(end.slashed);
        let value = Self::begin(session, info, &mut index, start)?;
        Self::deposit_event(Event::WorkerRestarted {
            session: session.clone(),
            stake,
            init_v: value.to_bits(),
            init_p: score,
        });
        Ok(())
    }

    /// Ends computing, whoever wants it.
    pub(crate) fn do_stop(session: &AccountId32) -> DispatchResult {
        let mut info = Self::session(session)?;
        let SessionState::Computing(before) = info.state else {
            return Err(Error::<T>::WorkerNotComputing.into());
        };
        let mut index = Self::advanced_index()?;
        let end = before
            .stop(&mut index, &TokenomicParameters::<T>::get(), Self::block())
            .map_err(Error::<T>::from)?;
        let stake = end.returned.saturating_add(end.slashed);
        info.state = SessionState::CoolingDown(CoolDown {
            since_ms: Self::now_ms(),
            worker: Self::bound_worker(session)?,
            stake,
            slashed: end.slashed.saturating_add(info.lost).min(stake),
        });
        info.lost = 0;
        Index::<T>::put(index);
        Sessions::<T>::insert(session, info);
        PendingChallenges::<T>::remove(session);
        Self::unlist(session);
        Self::deposit_event(Event::WorkerStopped {
            session: session.clone(),
        });
        Ok(())
    }

    fn do_reclaim(session: &AccountId32) -> Result<StakeReturn, DispatchError> {
        let mut info = Self::session(session)?;
        let SessionState::CoolingDown(rest) = &info.state else {
            return Err(Error::<T>::CoolDownNotReady.into());
        };
        ensure!(
            Self::cooled_at_ms(rest) <= Self::now_ms(),
            Error::<T>::CoolDownNotReady
        );
        ensure!(
            SlashesOfSession::<T>::get(session) == 0,
            Error::<T>::SlashPending
        );
        let (stake, slashed) = (rest.stake, rest.slashed);
        let worker = rest.worker;
        if SessionBindings::<T>::contains_key(session) {
            info.state = SessionState::Ready;
            Sessions::<T>::insert(session, info);
        } else {
            Sessions::<T>::remove(session);
            if FormerSessions::<T>::get(worker).as_ref() == Some(session) {
                FormerSessions::<T>::remove(worker);
            }
        }
        Self::deposit_event(Event::WorkerReclaimed {
            session: session.clone(),
            original_stake: stake,
            slashed,
        });
        Ok(StakeReturn { stake, slashed })
    }

    /// The pool gives a worker up that does nothing.
    fn do_unbind_ready(session: &AccountId32) -> DispatchResult {
        let info = Self::session(session)?;
        ensure!(
            info.state == SessionState::Ready,
            Error::<T>::WorkerNotReady
        );
        let worker = Self::bound_worker(session)?;
        Sessions::<T>::remove(session);
        Self::unbind_pair(session, &worker);
        Ok(())
    }

    /// Takes the worker from its session, in whatever state; its pool is told.
    pub(crate) fn do_unbind(session: &AccountId32) -> DispatchResult {
        let worker = Self::bound_worker(session)?;
        match Self::session(session)?.state {
            SessionState::Ready => Sessions::<T>::remove(session),
            SessionState::Computing(_) => {
                Self::do_stop(session)?;
                FormerSessions::<T>::insert(worker, session);
            }
            SessionState::CoolingDown(_) => FormerSessions::<T>::insert(worker, session),
        }
        Self::unbind_pair(session, &worker);
        T::Pools::on_unbound(session, &worker);
        Ok(())
    }

    pub(crate) fn do_unbind_by_operator(
        who: &AccountId32,
        session: &AccountId32,
    ) -> DispatchResult {
        let worker = Self::bound_worker(session)?;
        ensure!(
            T::Workers::operator(&worker).as_ref() == Some(who),
            Error::<T>::BadSender
        );
        Self::do_unbind(session)
    }
}

impl<T: Config> SessionsApi<AccountId32> for Pallet<T> {
    fn bind(session: &AccountId32, worker: &WorkerId) -> Result<(), DispatchError> {
        Self::do_bind(session, worker)
    }

    fn unbind(session: &AccountId32) -> Result<(), DispatchError> {
        Self::do_unbind_ready(session)
    }

    fn start(session: &AccountId32, stake: Balance) -> Result<(), DispatchError> {
        Self::do_start(session, stake)
    }

    fn stop(session: &AccountId32) -> Result<(), DispatchError> {
        Self::do_stop(session)
    }

    fn restart(session: &AccountId32, stake: Balance) -> Result<(), DispatchError> {
        Self::do_restart(session, stake)
    }

    fn reclaim(session: &AccountId32) -> Result<StakeReturn, DispatchError> {
        Self::do_reclaim(session)
    }

    fn stake(session: &AccountId32) -> Balance {
        Sessions::<T>::get(session).map_or(0, |info| info.stake())
    }

    fn is_computing(session: &AccountId32) -> bool {
        Sessions::<T>::get(session).is_some_and(|info| info.is_computing())
    }

    fn operator(worker: &WorkerId) -> Option<AccountId32> {
        T::Workers::operator(worker)
    }
}
