//! What leaves the subsidy pool.

use crate::*;
use economics::{Fixed, Payment, Rounding, mul_div};
use mining_api::SessionEvents;
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            fungible::{Inspect, Mutate},
            tokens::{Fortitude, Preservation},
        },
    },
    sp_core::Get,
    sp_runtime::{AccountId32, DispatchResult, traits::AccountIdConversion},
};
use primitives::Balance;

impl<T: Config> Pallet<T> {
    /// The subsidy pool: what all payments come from.
    pub fn account_id() -> AccountId32 {
        T::PalletId::get().into_account_truncating()
    }

    /// This network's part of a budget.
    pub(crate) fn network_part(budget: Fixed) -> Fixed {
        let (parts, all) = (
            NetworkShare::<T>::get().parts(),
            economics::Permill::ONE.parts(),
        );
        let part = mul_div(
            budget.to_bits(),
            parts.min(all).into(),
            all.into(),
            Rounding::Down,
        );
        Fixed::from_bits(part.unwrap_or(0))
    }

    /// Pays what there is of an amount; gives how much that was.
    fn pay_out(to: &AccountId32, amount: Balance) -> Balance {
        let pool = Self::account_id();
        let free = T::Currency::reducible_balance(&pool, Preservation::Preserve, Fortitude::Polite);
        let amount = amount.min(free);
        if amount == 0 {
            return 0;
        }
        // Fails when the amount is too small to open an account; it is then owed until it is not.
        T::Currency::transfer(&pool, to, amount, Preservation::Preserve).map_or(0, |_| amount)
    }

    /// Pays a session's pool and the treasury, with what they were owed before. What cannot be paid is
    /// owed, and an event says so.
    pub(crate) fn pay(session: &AccountId32, payment: Payment) {
        let owed = Owed::<T>::get(session);
        let due = owed.saturating_add(payment.worker);
        let paid = match T::Pools::reward_account(session) {
            Some(account) if due > 0 => Self::pay_out(&account, due),
            _ => 0,
        };
        let left = due.saturating_sub(paid);
        if left != owed {
            if left == 0 {
                Owed::<T>::remove(session);
            } else {
                Owed::<T>::insert(session, left);
            }
        }
        if left > 0 {
            Self::deposit_event(Event::PaymentOwed {
                session: session.clone(),
                owed: left,
            });
        }
        if paid > 0 {
            T::Pools::on_reward(session, paid);
        }
        Self::pay_treasury(payment.treasury);
    }

    fn pay_treasury(amount: Balance) {
        let owed = OwedToTreasury::<T>::get();
        let due = owed.saturating_add(amount);
        let left = due.saturating_sub(Self::pay_out(&T::Treasury::get(), due));
        if left != owed {
            OwedToTreasury::<T>::put(left);
        }
    }

    /// Pays what a session is owed, as far as there is money.
    pub(crate) fn do_claim_owed(session: &AccountId32) -> DispatchResult {
        let owed = Owed::<T>::get(session);
        ensure!(owed > 0, Error::<T>::NothingOwed);
        Self::pay(session, Payment::default());
        ensure!(Owed::<T>::get(session) < owed, Error::<T>::SubsidyPoolEmpty);
        Ok(())
    }
}
