//! Elections, and what a term pays.

use crate::*;
use alloc::{collections::BTreeSet, vec::Vec};
use pallet_worker_registry::{
    GatekeeperDirectory, GatekeeperSet, WorkerDirectory, WorkerRecords,
};
use polkadot_sdk::{
    frame_support::{
        traits::{fungible::Mutate, tokens::Preservation},
        weights::Weight,
    },
    sp_runtime::AccountId32,
};
use primitives::{BlockNumber, WorkerId};

impl<T: Config> Pallet<T> {
    /// Slashes that are due, then an election if one is.
    pub(crate) fn begin_block(now: BlockNumber) -> Weight {
        let weight = T::WeightInfo::on_initialize(Self::execute_slashes(now));
        if now < NextElection::<T>::get() {
            return weight;
        }
        let settings = Settings::<T>::get();
        NextElection::<T>::put(now.saturating_add(settings.term_blocks));
        let bonds = Bonds::<T>::count();
        if bonds > 0 || !Elected::<T>::get().is_empty() {
            Self::end_term(&settings);
            Self::elect(&settings);
        }
        weight.saturating_add(T::WeightInfo::election(bonds))
    }

    /// Pays who sat, and counts absences anew.
    fn end_term(settings: &BondSettings) {
        for gatekeeper in Elected::<T>::get() {
            let Some(bond) = Bonds::<T>::get(gatekeeper) else {
                continue;
            };
            let paid = settings.reward > 0
                && bond.absences <= settings.absences_free
                && T::Currency::transfer(
                    &Self::account_id(),
                    &bond.owner,
                    settings.reward,
                    Preservation::Preserve,
                )
                .is_ok();
            if paid {
                Self::deposit_event(Event::TermPaid {
                    gatekeeper,
                    owner: bond.owner,
                    amount: settings.reward,
                });
            } else if settings.reward > 0 {
                Self::deposit_event(Event::TermNotPaid {
                    gatekeeper,
                    absences: bond.absences,
                });
            }
        }
        let absent: Vec<(WorkerId, Bond<AccountId32>)> = Bonds::<T>::iter()
            .filter(|(_, bond)| bond.absences > 0)
            .collect();
        for (gatekeeper, bond) in absent {
            let bond = Bond {
                absences: 0,
                ..bond
            };
            Bonds::<T>::insert(gatekeeper, bond);
        }
    }

    /// Whether a bond may have a seat.
    fn may_sit(
        gatekeeper: &WorkerId,
        bond: &Bond<AccountId32>,
        settings: &BondSettings,
    ) -> bool {
        bond.amount >= settings.bond_min
            && bond.leaving_since.is_none()
            && bond.accused == 0
            && T::Workers::is_active(gatekeeper)
            && T::Workers::operator(gatekeeper).as_ref() == Some(&bond.owner)
            && T::Workers::confidence_level(gatekeeper)
                .is_some_and(|tier| tier <= settings.tier_max)
    }

    /// Seats the largest bonds; of equal ones that with the smaller key.
    fn elect(settings: &BondSettings) {
        let before = Elected::<T>::get();
        // Whom a vote has appointed needs no seat, and keeps the office when an election would end it.
        let in_office: BTreeSet<WorkerId> = T::Workers::gatekeepers().into_iter().collect();
        let appointed =
            |gatekeeper: &WorkerId| in_office.contains(gatekeeper) && !before.contains(gatekeeper);
        let mut candidates: Vec<(WorkerId, Bond<AccountId32>)> = Bonds::<T>::iter()
            .filter(|(gatekeeper, bond)| {
                !appointed(gatekeeper) && Self::may_sit(gatekeeper, bond, settings)
            })
            .collect();
        candidates.sort_by(|(first, mine), (second, other)| {
            other.amount.cmp(&mine.amount).then(first.cmp(second))
        });
        let count = candidates.len() as u32;
        if count < u32::from(settings.seats_min) {
            Self::deposit_event(Event::ElectionTooSmall { candidates: count });
            return;
        }
        candidates.truncate(settings.seats_max.into());
        let chosen: Vec<WorkerId> = candidates.into_iter().map(|(worker, _)| worker).collect();
        let (mut seats, mut added) = (Seats::new(), Vec::new());
        for gatekeeper in &chosen {
            let sits = in_office.contains(gatekeeper);
            // The registry may be full of those whom votes have appointed.
            if (sits || T::Workers::appoint(gatekeeper).is_ok())
                && seats.try_push(*gatekeeper).is_ok()
                && !sits
            {
                added.push(*gatekeeper);
            }
        }
        for gatekeeper in before.iter().filter(|known| !chosen.contains(known)) {
            if !Self::unseat(gatekeeper) {
                // The last one stays, or the network would lose its key.
                let _full = seats.try_push(*gatekeeper);
            }
        }
        for gatekeeper in added {
            Self::change(&gatekeeper, |bond| bond.has_sat = true);
            Self::deposit_event(Event::Seated { gatekeeper });
        }
        Self::deposit_event(Event::ElectionHeld {
            candidates: count,
            seats: seats.len() as u32,
        });
        Elected::<T>::put(seats);
    }

    /// Takes the office of who had a seat; whether it is gone.
    fn unseat(gatekeeper: &WorkerId) -> bool {
        let holds = T::Workers::gatekeepers().contains(gatekeeper);
        if holds && T::Workers::dismiss(gatekeeper).is_err() {
            return false;
        }
        Self::deposit_event(Event::Unseated {
            gatekeeper: *gatekeeper,
        });
        true
    }

    /// Takes the office and the seat of who did wrong, at once, if there are others.
    pub(crate) fn unseat_now(gatekeeper: &WorkerId) {
        Elected::<T>::mutate(|seats| {
            if seats.contains(gatekeeper) && Self::unseat(gatekeeper) {
                seats.retain(|known| known != gatekeeper);
            }
        });
    }
}
