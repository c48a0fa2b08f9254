//! Proven faults: reported, open to appeal, then taken from the stake.

use crate::*;
use economics::{Fault, Permill};
use mining_api::SessionEvents;
use polkadot_sdk::{
    frame_support::{ensure, storage::with_storage_layer},
    sp_runtime::{AccountId32, DispatchError, DispatchResult},
};
use primitives::{Balance, BlockNumber, WorkerId};

/// What a fault leaves of an amount, rounded as the economy rounds a stake.
fn kept(amount: Balance, fault: Fault) -> Balance {
    Permill::from_parts(Permill::ONE.parts().saturating_sub(fault.part().parts())).of(amount)
}

/// What a fault takes of a stake.
pub(crate) fn taken(stake: Balance, fault: Fault) -> Balance {
    stake.saturating_sub(kept(stake, fault))
}

impl<T: Config> Pallet<T> {
    /// The session that answers for a worker: the one it is bound to, or the one that it was taken from
    /// while it had something at stake.
    fn liable(worker: &WorkerId) -> Option<AccountId32> {
        WorkerBindings::<T>::get(worker)
            .into_iter()
            .chain(FormerSessions::<T>::get(worker))
            .find(|session| Sessions::<T>::get(session).is_some_and(|info| info.stake() > 0))
    }

    /// Takes in that a worker is proven to have done wrong. For pallets that judge proofs; each sees to
    /// it that one fault is reported once. Gives the slash's number, or none when faults cost nothing.
    ///
    /// # Errors
    /// When the worker has nothing at stake, or too many slashes wait for its session.
    pub fn report_fault(
        worker: &WorkerId,
        fault: Fault,
        reporter: Option<AccountId32>,
    ) -> Result<Option<SlashId>, DispatchError> {
        let session = Self::liable(worker).ok_or(Error::<T>::NothingAtStake)?;
        let policy = SlashRules::<T>::get();
        if !policy.enabled {
            Self::deposit_event(Event::FaultNotPunished {
                session,
                worker: *worker,
                fault,
            });
            return Ok(None);
        }
        let waiting = SlashesOfSession::<T>::get(&session);
        ensure!(
            waiting < SLASHES_PER_SESSION_MAX,
            Error::<T>::TooManySlashes
        );
        let (amount, reported_at) = (
            taken(Self::session(&session)?.stake(), fault),
            Self::block(),
        );
        let due = reported_at.saturating_add(policy.appeal_blocks);
        let slash = SlashQueue::<T>::mutate(Queue::push);
        SlashesOfSession::<T>::insert(&session, waiting.saturating_add(1));
        let pending = PendingSlash {
            session: session.clone(),
            worker: *worker,
            fault,
            reporter,
            amount,
            reported_at,
            due,
        };
        PendingSlashes::<T>::insert(slash, pending);
        Self::deposit_event(Event::SlashReported {
            slash,
            session,
            worker: *worker,
            fault,
            amount,
            due,
        });
        Ok(Some(slash))
    }

    /// Takes a slash from those that wait.
    fn resolve(slash: SlashId) -> Option<PendingSlash> {
        let pending = PendingSlashes::<T>::take(slash)?;
        let left = SlashesOfSession::<T>::get(&pending.session).saturating_sub(1);
        if left == 0 {
            SlashesOfSession::<T>::remove(&pending.session);
        } else {
            SlashesOfSession::<T>::insert(&pending.session, left);
        }
        Some(pending)
    }

    pub(crate) fn do_cancel_slash(slash: SlashId) -> DispatchResult {
        let pending = Self::resolve(slash).ok_or(Error::<T>::SlashNotFound)?;
        Self::deposit_event(Event::SlashCancelled {
            slash,
            session: pending.session,
        });
        Ok(())
    }

    /// Executes slashes whose time for appeal is over, oldest first, at most
    /// [`SLASHES_PER_BLOCK_MAX`]; gives how many it looked at.
    ///
    /// A session is settled once in a block, so that a second slash of it waits for the next, and those
    /// behind it too.
    pub(crate) fn execute_slashes(block: BlockNumber) -> u32 {
        let mut queue = SlashQueue::<T>::get();
        let before = queue;
        while !queue.is_empty() && queue.first.wrapping_sub(before.first) < SLASHES_PER_BLOCK_MAX {
            let slash = queue.first;
            // None: it was cancelled.
            if let Some(pending) = PendingSlashes::<T>::get(slash) {
                if pending.due > block {
                    break;
                }
                let session = pending.session.clone();
                match with_storage_layer(|| Self::execute(slash, pending)) {
                    Err(error) if error == Error::<T>::TryNextBlock.into() => break,
                    Err(error) => {
                        Self::resolve(slash);
                        Self::deposit_event(Event::SlashFailed {
                            slash,
                            session,
                            error,
                        });
                    }
                    Ok(()) => {}
                }
            }
            queue.pop();
        }
        if queue != before {
            SlashQueue::<T>::put(queue);
        }
        queue.first.wrapping_sub(before.first)
    }

    fn execute(slash: SlashId, pending: PendingSlash) -> DispatchResult {
        Self::resolve(slash);
        let PendingSlash {
            session,
            fault,
            reporter,
            ..
        } = pending;
        // Who loses all goes: its performance would go on to earn.
        let out = fault == Fault::Malicious && SessionBindings::<T>::contains_key(&session);
        if out && Self::session(&session)?.is_computing() {
            Self::do_stop(&session)?;
        }
        let mut info = Self::session(&session)?;
        let taken = match &mut info.state {
            SessionState::Ready => return Err(Error::<T>::NothingAtStake.into()),
            SessionState::Computing(computing) => {
                let mut index = Self::advanced_index()?;
                let parameters = TokenomicParameters::<T>::get();
                let taken = computing
                    .punish(&mut index, &parameters, Self::block(), fault)
                    .map_err(Error::<T>::from)?;
                Index::<T>::put(index);
                taken
            }
            SessionState::CoolingDown(rest) => {
                let taken = taken(rest.stake, fault);
                rest.stake = rest.stake.saturating_sub(taken);
                rest.slashed = kept(rest.slashed, fault).min(rest.stake);
                taken
            }
        };
        info.lost = kept(info.lost, fault);
        Sessions::<T>::insert(&session, info);
        let reward = reporter.map(|account| {
            let part = SlashRules::<T>::get().reporter_part.of(taken);
            (account, part)
        });
        let reward = reward.filter(|(_, part)| *part > 0);
        let to_treasury = taken.saturating_sub(reward.as_ref().map_or(0, |(_, part)| *part));
        Self::deposit_event(Event::SlashExecuted {
            slash,
            session: session.clone(),
            to_treasury,
            reward: reward.clone(),
        });
        if taken > 0 {
            T::Pools::on_slashed(&session, to_treasury, reward);
        }
        if out {
            Self::do_unbind(&session)?;
        }
        Ok(())
    }
}
