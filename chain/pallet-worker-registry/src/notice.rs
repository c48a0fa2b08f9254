//! Trust is given with notice and taken at once.
//!
//! Whatever lets more in - another build, another root, a worse tier, a longer lifetime - waits
//! [`NoticeBlocks`] blocks before it counts, whoever asked for it, root included: so long can everybody look at it, object,
//! and leave. What shuts out takes effect in its block, and needs less of a vote. The length of the notice is set at genesis and
//! never after; a development network has none.

use crate::*;
use alloc::vec::Vec;
use attestation::AcceptedRoot;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    frame_support::{BoundedVec, ensure, weights::Weight},
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_core::{ConstU32, Get, sr25519},
    sp_runtime::{DispatchResult, Saturating},
};
use primitives::{Measurement, bounds::ROOTS_MAX};
use scale_info::TypeInfo;

/// Most changes that wait at once.
pub const PENDING_MAX: u32 = 32;

/// A change that lets more in.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum TrustChange {
    /// A worker build is to be allowed.
    AllowMeasurement(Measurement),
    /// These roots are to be accepted, instead of those before.
    AcceptRoots(BoundedVec<AcceptedRoot, ConstU32<ROOTS_MAX>>),
    /// A worse tier is to be accepted.
    TierMax(u8),
    /// Registrations are to hold longer, milliseconds.
    RegistrationLifetimeMs(u64),
}

/// Changes that wait, with the block from whose start each counts, the earliest first.
pub type Pending<T> = BoundedVec<(BlockNumberFor<T>, TrustChange), ConstU32<PENDING_MAX>>;

impl<T: Config> Pallet<T> {
    /// Whether `change` lets nothing in that is out now.
    fn shuts_out(change: &TrustChange) -> bool {
        match change {
            TrustChange::AllowMeasurement(_) => false,
            TrustChange::AcceptRoots(roots) => {
                let accepted = AcceptedRoots::<T>::get();
                roots.iter().all(|root| accepted.contains(root))
            }
            TrustChange::TierMax(tier) => *tier <= TierMax::<T>::get(),
            TrustChange::RegistrationLifetimeMs(lifetime) => {
                *lifetime <= RegistrationLifetimeMs::<T>::get()
            }
        }
    }

    /// Makes a checked change, at once or after the notice.
    pub(crate) fn give_notice(change: TrustChange) -> DispatchResult {
        let notice = NoticeBlocks::<T>::get();
        if notice == 0 || Self::shuts_out(&change) {
            return Self::make(change);
        }
        let from = frame_system::Pallet::<T>::block_number().saturating_add(notice.into());
        PendingTrust::<T>::try_mutate(|pending| {
            if pending.iter().any(|(_, waiting)| *waiting == change) {
                return Ok(());
            }
            pending
                .try_push((from, change.clone()))
                .map_err(|_| Error::<T>::TooManyPendingChanges)?;
            Self::deposit_event(Event::TrustChangeAnnounced { change, from });
            Ok::<_, Error<T>>(())
        })?;
        Ok(())
    }

    /// Makes the changes whose time has come. One that no longer can be made is dropped, and said.
    pub(crate) fn make_due_changes(now: BlockNumberFor<T>) -> Weight {
        let read = T::DbWeight::get().reads(1);
        let pending = PendingTrust::<T>::get();
        if pending.first().is_none_or(|(from, _)| *from > now) {
            return read;
        }
        let (due, later): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|(from, _)| *from <= now);
        let made = due.len() as u64;
        // A part of what fitted fits.
        PendingTrust::<T>::put(Pending::<T>::truncate_from(later));
        for (_, change) in due {
            if Self::make(change.clone()).is_err() {
                Self::deposit_event(Event::TrustChangeDropped { change });
            }
        }
        read.saturating_add(T::DbWeight::get().reads_writes(2 * made, made.saturating_add(1)))
    }

    fn make(change: TrustChange) -> DispatchResult {
        match change {
            TrustChange::AllowMeasurement(measurement) => Self::make_allowed(measurement)?,
            TrustChange::AcceptRoots(roots) => {
                Self::deposit_event(Event::AcceptedRootsSet { count: roots.len() as u32 });
                AcceptedRoots::<T>::put(roots);
            }
            TrustChange::TierMax(tier_max) => {
                TierMax::<T>::put(tier_max);
                Self::deposit_event(Event::TierMaxSet { tier_max });
            }
            TrustChange::RegistrationLifetimeMs(lifetime_ms) => {
                RegistrationLifetimeMs::<T>::put(lifetime_ms);
                Self::deposit_event(Event::RegistrationLifetimeSet { lifetime_ms });
            }
        }
        Ok(())
    }

    /// Takes a change back that waits; whether there was one.
    pub(crate) fn withdraw(change: &TrustChange) -> bool {
        PendingTrust::<T>::mutate(|pending| {
            let before = pending.len();
            pending.retain(|(_, waiting)| waiting != change);
            pending.len() < before
        })
    }

    pub(crate) fn do_withdraw_trust_change(change: TrustChange) -> DispatchResult {
        ensure!(Self::withdraw(&change), Error::<T>::TrustChangeNotFound);
        Self::deposit_event(Event::TrustChangeWithdrawn { change });
        Ok(())
    }

    pub(crate) fn do_ban_worker(worker: sr25519::Public) -> DispatchResult {
        ensure!(!BannedWorkers::<T>::contains_key(worker), Error::<T>::WorkerBanned);
        ensure!(Workers::<T>::contains_key(worker), Error::<T>::WorkerNotFound);
        BannedWorkers::<T>::insert(worker, frame_system::Pallet::<T>::block_number());
        // Everybody who reads registrations sees one that has ended: no reader has to know of bans.
        Workers::<T>::mutate(worker, |info| {
            if let Some(info) = info {
                info.expires_at_ms = info.expires_at_ms.min(Self::now_ms());
            }
        });
        Self::deposit_event(Event::WorkerBanned { pubkey: worker });
        Ok(())
    }

    pub(crate) fn do_unban_worker(worker: sr25519::Public) -> DispatchResult {
        ensure!(BannedWorkers::<T>::take(worker).is_some(), Error::<T>::WorkerNotBanned);
        Self::deposit_event(Event::WorkerUnbanned { pubkey: worker });
        Ok(())
    }

    /// What must hold of what waits.
    pub(crate) fn try_pending() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
        let pending = PendingTrust::<T>::get();
        ensure!(
            pending.windows(2).all(|pair| pair[0].0 <= pair[1].0),
            "announced changes are not in the order in which they count"
        );
        ensure!(
            NoticeBlocks::<T>::get() > 0 || pending.is_empty(),
            "changes wait on a network without notice"
        );
        Ok(())
    }
}

/// How long notice is when genesis does not say: a week of blocks of a second.
pub const NOTICE_BLOCKS_DEFAULT: u32 = 7 * 24 * 60 * 60;

const _: () = assert!(NOTICE_BLOCKS_DEFAULT > 0);
