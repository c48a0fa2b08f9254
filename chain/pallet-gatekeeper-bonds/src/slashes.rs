//! What misbehaviour costs.

use crate::*;
use economics::Permill;
use pallet_gatekeepers::{Misbehaviour, OffenceKind, OnMisbehaviour};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            fungible::MutateHold,
            tokens::{Fortitude, Precision, Restriction},
        },
        weights::Weight,
    },
    sp_core::Get,
    sp_runtime::{AccountId32, DispatchResult},
};
use primitives::{Balance, BlockNumber, WorkerId};

impl<T: Config> Pallet<T> {
    /// Moves held money of a bond away; gives how much that was.
    fn take(from: &AccountId32, to: &AccountId32, amount: Balance) -> Balance {
        if amount == 0 {
            return 0;
        }
        T::Currency::transfer_on_hold(
            &HoldReason::Bond.into(),
            from,
            to,
            amount,
            Precision::BestEffort,
            Restriction::Free,
            Fortitude::Force,
        )
        // Too little to open an account: it stays where it is.
        .unwrap_or(0)
    }

    /// Takes a part of a bond.
    fn slash(gatekeeper: WorkerId, part: Permill, reporter: Option<AccountId32>) {
        let Some(mut bond) = Bonds::<T>::get(gatekeeper) else {
            return;
        };
        let amount = part.of(bond.amount);
        let reward = reporter.and_then(|account| {
            let reward = Settings::<T>::get().reporter_part.of(amount);
            let paid = Self::take(&bond.owner, &account, reward);
            (paid > 0).then_some((account, paid))
        });
        let rewarded = reward.as_ref().map_or(0, |(_, paid)| *paid);
        let rest = amount.saturating_sub(rewarded);
        let to_treasury = Self::take(&bond.owner, &T::Treasury::get(), rest);
        bond.amount = bond
            .amount
            .saturating_sub(rewarded)
            .saturating_sub(to_treasury);
        if bond.amount == 0 && bond.accused == 0 {
            // Nothing is left to answer with, and nothing to give back.
            Self::unseat_now(&gatekeeper);
            if Elected::<T>::get().contains(&gatekeeper) {
                Bonds::<T>::insert(gatekeeper, bond);
            } else {
                Bonds::<T>::remove(gatekeeper);
            }
        } else {
            Bonds::<T>::insert(gatekeeper, bond);
        }
        Self::deposit_event(Event::Slashed {
            gatekeeper,
            to_treasury,
            reward,
        });
    }

    /// Somebody stayed away.
    fn on_absence(gatekeeper: WorkerId) {
        let Some(mut bond) = Bonds::<T>::get(gatekeeper) else {
            return;
        };
        bond.absences = bond.absences.saturating_add(1);
        let settings = Settings::<T>::get();
        let costs = bond.absences > settings.absences_free;
        Bonds::<T>::insert(gatekeeper, bond);
        if costs {
            Self::slash(gatekeeper, settings.absence_part, None);
        }
    }

    /// A fault was proven.
    fn on_fault(gatekeeper: WorkerId, reporter: Option<&AccountId32>) {
        let Some(mut bond) = Bonds::<T>::get(gatekeeper) else {
            return;
        };
        Self::unseat_now(&gatekeeper);
        // One takes all by default; more than these need not wait for their turn.
        if u32::from(bond.accused) >= SLASHES_PER_BOND_MAX {
            return;
        }
        let settings = Settings::<T>::get();
        bond.accused = bond.accused.saturating_add(1);
        let amount = settings.fault_part.of(bond.amount);
        Bonds::<T>::insert(gatekeeper, bond);
        let slash = Queue::<T>::mutate(|queue| {
            let slash = queue.next;
            queue.next = slash.wrapping_add(1);
            slash
        });
        let due = Self::now().saturating_add(settings.appeal_blocks);
        let pending = PendingSlash {
            gatekeeper,
            part: settings.fault_part,
            reporter: reporter.cloned(),
            due,
        };
        PendingSlashes::<T>::insert(slash, pending);
        Self::deposit_event(Event::SlashReported {
            slash,
            gatekeeper,
            amount,
            due,
        });
    }

    /// Takes a slash from those that wait.
    fn resolve(slash: SlashId) -> Option<PendingSlash<AccountId32>> {
        let pending = PendingSlashes::<T>::take(slash)?;
        Self::change(&pending.gatekeeper, |bond| {
            bond.accused = bond.accused.saturating_sub(1);
        });
        Some(pending)
    }

    pub(crate) fn do_cancel_slash(slash: SlashId) -> DispatchResult {
        ensure!(
            PendingSlashes::<T>::contains_key(slash),
            Error::<T>::SlashNotFound
        );
        if let Some(pending) = Self::resolve(slash) {
            Self::deposit_event(Event::SlashCancelled {
                slash,
                gatekeeper: pending.gatekeeper,
            });
        }
        Ok(())
    }

    /// Executes slashes whose time for appeal is over, oldest first; gives how many it looked at.
    pub(crate) fn execute_slashes(now: BlockNumber) -> u32 {
        let mut queue = Queue::<T>::get();
        let first = queue.first;
        while queue.first != queue.next
            && queue.first.wrapping_sub(first) < SLASHES_PER_BLOCK_MAX
        {
            // None: it was cancelled.
            if let Some(pending) = PendingSlashes::<T>::get(queue.first) {
                if pending.due > now {
                    break;
                }
                Self::resolve(queue.first);
                Self::slash(pending.gatekeeper, pending.part, pending.reporter);
            }
            queue.first = queue.first.wrapping_add(1);
        }
        if queue.first != first {
            Queue::<T>::put(queue);
        }
        queue.first.wrapping_sub(first)
    }
}

impl<T: Config> OnMisbehaviour for Pallet<T> {
    fn on_misbehaviour(said: &Misbehaviour<'_>) {
        let gatekeeper = WorkerId(*said.holder);
        if said.kind.is_proven() {
            Self::on_fault(gatekeeper, said.reporter);
        } else {
            Self::on_absence(gatekeeper);
        }
    }

    fn weight(kind: OffenceKind) -> Weight {
        if kind.is_proven() {
            T::WeightInfo::fault()
        } else {
            T::WeightInfo::absence()
        }
    }
}
