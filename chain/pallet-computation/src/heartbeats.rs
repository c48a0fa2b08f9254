//! Challenges, their answers, and what becomes of who does not answer.

use crate::*;
use codec::Encode;
use economics::{Heartbeat, Outcome, challenges_per_block};
use pallet_worker_registry::Clusters;
use polkadot_sdk::{
    frame_support::{BoundedVec, ensure, traits::Randomness},
    sp_core::Get,
    sp_io::hashing::blake2_256,
    sp_runtime::{AccountId32, DispatchError, DispatchResult},
};
use primitives::{BlockNumber, WorkerId};
use wire::message::MessagePayload;

/// What the randomness is asked for.
const SUBJECT: &[u8] = b"phat/heartbeat-challenge";
/// The draw that decides whether a part of a challenge is one.
const WHETHER_ONE_MORE: u32 = u32::MAX;

/// The answer to a challenge, as a message says it.
#[derive(Clone, Copy)]
struct Answer<'a> {
    session: &'a primitives::AccountId,
    challenge_block: BlockNumber,
    nonce: &'a [u8; 32],
    iterations: u64,
    contract_running: bool,
}

/// A hash that is another one for each draw of each block.
fn draw<Seed: Encode>(seed: &Seed, block: BlockNumber, number: u32) -> [u8; 32] {
    (SUBJECT, seed, block, number).using_encoded(blake2_256)
}

/// The first eight bytes as a number.
fn low_bits(hash: &[u8; 32]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash[..8]);
    u64::from_le_bytes(bytes)
}

impl<T: Config> Pallet<T> {
    /// Draws the block's challenges by their places in the list; gives how many draws it made. A session
    /// that is drawn twice, or has a challenge already, gets no second one.
    pub(crate) fn draw_challenges(block: BlockNumber) -> u32 {
        let online = OnlineWorkers::<T>::get();
        if online == 0 {
            return 0;
        }
        let seed = T::Randomness::random(SUBJECT).0;
        let wanted = challenges_per_block(&TokenomicParameters::<T>::get(), online);
        let one_more = low_bits(&draw(&seed, block, WHETHER_ONE_MORE)) < wanted.to_bits() as u64;
        let draws = u32::try_from(wanted.whole())
            .unwrap_or(u32::MAX)
            .saturating_add(one_more.into())
            .min(T::ChallengesMax::get());
        let drawn = (0..draws).filter_map(|number| {
            let nonce = draw(&seed, block, number);
            // 2^64 is so much more than there are workers that the remainder favours nobody.
            let place = low_bits(&nonce) % u64::from(online);
            Some((OnlineSessions::<T>::get(place as u32)?, nonce))
        });
        Self::challenge(block, drawn);
        draws
    }

    /// Challenges sessions, at most as many as a block may.
    pub(crate) fn challenge(
        block: BlockNumber,
        sessions: impl Iterator<Item = (AccountId32, [u8; 32])>,
    ) {
        let deadline = block.saturating_add(TokenomicParameters::<T>::get().heartbeat_window);
        let made_at_ms = Self::now_ms();
        let mut challenged = BoundedVec::new();
        for (session, nonce) in sessions {
            if PendingChallenges::<T>::contains_key(&session) {
                continue;
            }
            if challenged.try_push(session.clone()).is_err() {
                break;
            }
            let pending = PendingChallenge {
                block,
                nonce,
                deadline,
                made_at_ms,
            };
            PendingChallenges::<T>::insert(&session, pending);
        }
        if !challenged.is_empty() {
            let number = ChallengeQueue::<T>::mutate(Queue::push);
            let challenged = ChallengedSessions {
                block,
                deadline,
                sessions: challenged,
            };
            Challenged::<T>::insert(number, challenged);
        }
    }

    /// Challenges one session now.
    pub(crate) fn do_force_challenge(session: &AccountId32) -> DispatchResult {
        ensure!(
            OnlinePlaces::<T>::contains_key(session),
            Error::<T>::WorkerUnresponsive
        );
        ensure!(
            !PendingChallenges::<T>::contains_key(session),
            Error::<T>::ChallengePending
        );
        let block = Self::block();
        let seed = T::Randomness::random(SUBJECT).0;
        let nonce = (SUBJECT, seed, block, session).using_encoded(blake2_256);
        Self::challenge(block, core::iter::once((session.clone(), nonce)));
        Ok(())
    }

    /// Takes sessions off line that have let their challenges pass; gives how many were looked at.
    ///
    /// Oldest first, and no more than [`EXPIRED_BUCKETS_PER_BLOCK_MAX`] blocks' challenges: one more
    /// than a block makes, so that what is left over is caught up with.
    pub(crate) fn expire_challenges(block: BlockNumber) -> u32 {
        let mut queue = ChallengeQueue::<T>::get();
        let (before, grace) = (queue, GraceUntil::<T>::get());
        let mut looked_at = 0;
        for _ in 0..EXPIRED_BUCKETS_PER_BLOCK_MAX {
            if queue.is_empty() {
                break;
            }
            if let Some(challenged) = Challenged::<T>::get(queue.first) {
                if block <= challenged.deadline.max(grace) {
                    break;
                }
                looked_at += challenged.sessions.len() as u32;
                Challenged::<T>::remove(queue.first);
                Self::expire(challenged);
            }
            queue.pop();
        }
        if queue != before {
            ChallengeQueue::<T>::put(queue);
        }
        looked_at
    }

    fn expire(challenged: ChallengedSessions<T::ChallengesMax>) {
        let parameters = TokenomicParameters::<T>::get();
        // Brought forward by the first that needs it.
        let mut advanced = None;
        for session in challenged.sessions {
            let missed = PendingChallenges::<T>::get(&session)
                .is_some_and(|pending| pending.block == challenged.block);
            if !missed {
                continue;
            }
            let Some(mut info) = Sessions::<T>::get(&session) else {
                continue;
            };
            let SessionState::Computing(computing) = &mut info.state else {
                continue;
            };
            if !computing.is_online() {
                continue;
            }
            let gone = match &mut advanced {
                Some(index) => Ok(index),
                None => Self::advanced_index().map(|index| advanced.insert(index)),
            }
            .and_then(|index| {
                computing
                    .go_offline(index, &parameters, Self::block())
                    .map_err(|error| Error::<T>::from(error).into())
            });
            if let Err(error) = gone {
                // Inside the bounds that parameters are held to this cannot be.
                polkadot_sdk::frame_support::defensive!("a session stays on line", error);
                continue;
            }
            Sessions::<T>::insert(&session, info);
            Self::unlist(&session);
            Self::deposit_event(Event::WorkerEnterUnresponsive { session });
        }
        if let Some(index) = advanced {
            Index::<T>::put(index);
        }
    }

    /// The session that a message answers for, and its challenge.
    fn answered(
        sender: &WorkerId,
        answer: Answer<'_>,
    ) -> Result<(AccountId32, PendingChallenge), DispatchError> {
        let session = WorkerBindings::<T>::get(sender).ok_or(Error::<T>::WorkerNotBound)?;
        let named: &[u8; 32] = session.as_ref();
        ensure!(named == &answer.session.0, Error::<T>::WorkerNotBound);
        let pending = PendingChallenges::<T>::get(&session).ok_or(Error::<T>::NoChallenge)?;
        ensure!(
            pending.block == answer.challenge_block && pending.nonce == *answer.nonce,
            Error::<T>::NoChallenge
        );
        Ok((session, pending))
    }

    fn do_heartbeat(sender: &WorkerId, answer: Answer<'_>) -> DispatchResult {
        let (session, pending) = Self::answered(sender, answer)?;
        let mut info = Self::session(&session)?;
        let SessionState::Computing(computing) = &mut info.state else {
            return Err(Error::<T>::WorkerNotComputing.into());
        };
        if let Some(confidence) = Self::confidence(sender) {
            computing.attested(confidence);
        }
        let heartbeat = Heartbeat {
            // A time before the last challenge measures nothing: the first answer of a session only says
            // where the counter stands.
            now: if info.counting { Self::now_ms() } else { 0 },
            challenged: pending.made_at_ms,
            iterations: answer.iterations,
            // The chain knows better who serves no cluster.
            contract_running: answer.contract_running && T::Clusters::is_assigned(sender),
        };
        let (block, parameters) = (Self::block(), TokenomicParameters::<T>::get());
        let mut index = Self::advanced_index()?;
        let outcome = computing
            .heartbeat(&mut index, &parameters, block, &heartbeat)
            .map_err(Error::<T>::from)?;
        let v_bits = computing.value_after(&parameters, block).to_bits();
        let p_bits = computing.performance().counted().to_bits();
        info.counting = true;
        PendingChallenges::<T>::remove(&session);
        Index::<T>::put(index);
        match outcome {
            Outcome::Recovered => {
                Sessions::<T>::insert(&session, info);
                Self::list(&session);
                Self::deposit_event(Event::WorkerExitUnresponsive { session });
            }
            Outcome::Paid(payment) => {
                info.earned = info.earned.saturating_add(payment.worker);
                Sessions::<T>::insert(&session, info);
                Self::deposit_event(Event::SessionSettled {
                    session: session.clone(),
                    v_bits,
                    p_bits,
                    payout: payment.worker,
                    treasury: payment.treasury,
                });
                Self::pay(&session, payment);
            }
        }
        Ok(())
    }

    /// What a benchmark gives, if it counts.
    fn judged(
        sender: &WorkerId,
        started_at_ms: u64,
        ended_at_ms: u64,
        iterations: u64,
    ) -> Result<Benchmark, DispatchError> {
        let (rules, now_ms) = (BenchmarkRules::<T>::get(), Self::now_ms());
        // Times are those of final blocks, so that an honest worker is always behind.
        ensure!(ended_at_ms <= now_ms, Error::<T>::BenchmarkInFuture);
        ensure!(
            now_ms.saturating_sub(ended_at_ms) <= rules.age_ms_max,
            Error::<T>::BenchmarkTooOld
        );
        let took_ms = ended_at_ms.saturating_sub(started_at_ms);
        ensure!(
            took_ms >= rules.duration_ms_min.max(1),
            Error::<T>::BenchmarkTooShort
        );
        // One after the other: messages are free, so that time bounds how many there are.
        let last = Benchmarks::<T>::get(sender).map_or(0, |last| last.measured_at_ms);
        ensure!(started_at_ms >= last, Error::<T>::BenchmarkTooOld);
        Ok(Benchmark {
            score: economics::benchmark_score(iterations, took_ms, rules.score_max),
            measured_at_ms: ended_at_ms,
            iterations,
        })
    }

    /// Whether a message may enter a block. For `MessageHandler::check`.
    ///
    /// # Errors
    /// When it answers no challenge, or is no benchmark that counts.
    pub fn check_message(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        match payload {
            MessagePayload::Benchmark {
                started_at_ms,
                ended_at_ms,
                iterations,
            } => Self::judged(sender, *started_at_ms, *ended_at_ms, *iterations).map(drop),
            MessagePayload::Heartbeat {
                session,
                challenge_block,
                nonce,
                iterations,
                contract_running,
            } => {
                let answer = Answer {
                    session,
                    challenge_block: *challenge_block,
                    nonce,
                    iterations: *iterations,
                    contract_running: *contract_running,
                };
                Self::answered(sender, answer).map(drop)
            }
            _ => Err(Error::<T>::UnknownMessage.into()),
        }
    }

    /// Takes in a benchmark or an answer of an active worker. For `MessageHandler::handle`.
    ///
    /// # Errors
    /// As for [`Pallet::check_message`], or when the session was settled in this block already.
    pub fn handle_message(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        match payload {
            MessagePayload::Benchmark {
                started_at_ms,
                ended_at_ms,
                iterations,
            } => {
                let benchmark = Self::judged(sender, *started_at_ms, *ended_at_ms, *iterations)?;
                Benchmarks::<T>::insert(sender, benchmark);
                Self::deposit_event(Event::BenchmarkUpdated {
                    worker: *sender,
                    score: benchmark.score,
                });
                Ok(())
            }
            MessagePayload::Heartbeat {
                session,
                challenge_block,
                nonce,
                iterations,
                contract_running,
            } => {
                let answer = Answer {
                    session,
                    challenge_block: *challenge_block,
                    nonce,
                    iterations: *iterations,
                    contract_running: *contract_running,
                };
                Self::do_heartbeat(sender, answer)
            }
            _ => Err(Error::<T>::UnknownMessage.into()),
        }
    }
}
