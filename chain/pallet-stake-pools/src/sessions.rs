//! What the pallet of sessions tells: rewards, losses, workers that are gone.

use crate::*;
use economics::Error as Refusal;
use mining_api::SessionEvents;
use polkadot_sdk::{
    frame_support::{storage::with_storage_layer, traits::fungible::Inspect},
    sp_runtime::{AccountId32, DispatchError, DispatchResult},
};
use primitives::{Balance, WorkerId};

impl<T: Config> SessionEvents<AccountId32> for Pallet<T> {
    fn on_reward(session: &AccountId32, amount: Balance) {
        let Some((pid, mut pool)) = Self::pool_of_session(session) else {
            bug!("a reward for a session of no pool");
            return;
        };
        // Only what is there can be counted.
        if T::Currency::balance(&pool.account) < Self::owed(&pool).saturating_add(amount) {
            bug!("a reward that was not paid");
            return;
        }
        let commission = pool.commission_at(Self::now());
        match pool.base.reward(amount, commission) {
            Ok(split) => {
                pool.free = pool.free.saturating_add(split.stakers);
                if let Some(inner) = pool.stake_pool_mut() {
                    inner.owner_rewards = inner.owner_rewards.saturating_add(split.owner);
                }
                Pools::<T>::insert(pid, pool);
                Self::deposit_event(Event::RewardReceived {
                    pid,
                    to_owner: split.owner,
                    to_stakers: split.stakers,
                });
            }
            Err(refusal) => {
                Self::pay_treasury(&pool.account, amount);
                Self::deposit_event(if refusal == Refusal::NoShares {
                    Event::RewardDismissedNoShare { pid, amount }
                } else {
                    Event::RewardDismissedDust { pid, amount }
                });
            }
        }
    }

    fn on_unbound(session: &AccountId32, _: &WorkerId) {
        if let Some((pid, mut pool)) = Self::pool_of_session(session) {
            Self::cool(&mut pool, session, false);
            Pools::<T>::insert(pid, pool);
            Self::forget_worker(session);
        }
    }

    fn on_slashed(
        session: &AccountId32,
        to_treasury: Balance,
        beneficiary: Option<(AccountId32, Balance)>,
    ) {
        let slashed = with_storage_layer::<(), DispatchError, _>(|| {
            Self::slash(session, to_treasury, beneficiary)
        });
        if slashed.is_err() {
            bug!("a slash of what is not at stake");
        }
    }

    fn reward_account(session: &AccountId32) -> Option<AccountId32> {
        Self::pool_of_session(session).map(|(_, pool)| pool.account)
    }
}

impl<T: Config> Pallet<T> {
    fn pool_of_session(session: &AccountId32) -> Option<(PoolId, Pool<AccountId32>)> {
        let pid = Sessions::<T>::get(session)?.pid;
        Some((pid, Pools::<T>::get(pid)?))
    }

    fn slash(
        session: &AccountId32,
        to_treasury: Balance,
        beneficiary: Option<(AccountId32, Balance)>,
    ) -> DispatchResult {
        let mut record = Sessions::<T>::get(session).ok_or(Error::<T>::SessionDoesNotExist)?;
        let (pid, mut pool) =
            Self::pool_of_session(session).ok_or(Error::<T>::SessionDoesNotExist)?;
        let reward = beneficiary.as_ref().map_or(0, |(_, amount)| *amount);
        let asked = to_treasury.saturating_add(reward);
        let amount = asked.min(record.stake);
        if amount < asked {
            bug!("a slash of more than is at stake");
        }
        Self::release(&pool, amount)?;
        record.stake = record.stake.saturating_sub(amount);
        let phase = record.phase;
        let inner = pool.stake_pool_mut().ok_or(Error::<T>::PoolTypeNotMatch)?;
        let at_stake = match phase {
            Phase::Computing => &mut inner.computing,
            Phase::Ready | Phase::CoolingDown => &mut inner.cooling,
        };
        *at_stake = at_stake.saturating_sub(amount);
        Self::lose(pid, &mut pool, amount);
        let mut left = amount;
        if let Some((account, reward)) = beneficiary {
            let reward = reward.min(left);
            // Who cannot be paid, because it is too little to begin an account, is not.
            if Self::pay(&pool.account, &account, reward).is_ok() {
                left = left.saturating_sub(reward);
            }
        }
        Self::pay_treasury(&pool.account, left);
        Sessions::<T>::insert(session, record);
        Pools::<T>::insert(pid, pool);
        Ok(())
    }
}
