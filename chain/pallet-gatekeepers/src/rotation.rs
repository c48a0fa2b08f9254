//! Rotation of clusters' keys: from the wish for other keys to the end of those before.
//!
//! | step | what happens | then |
//! |---|---|---|
//! | raised | by the cluster's owner or root; by itself when a worker leaves that may have the seed, or has it though its build is not allowed any more | gatekeepers give the newest seed to members |
//! | confirmed | all active members have said that they have the newest seed, or [`ROTATION_PATIENCE_BLOCKS`] are over and some have | the mailbox tells all members to use it, and the registry shows its public key, in one block |
//! | window | commands to the keys before still open | after as many blocks as were asked for, the mailbox tells all members that those are over |
//!
//! At most two seeds' keys are ever in use: the next ones do not come before the window of the last has
//! ended. What is raised in a window ends it [`ROTATION_WINDOW_BLOCKS_MIN`] blocks later; what is raised
//! while others are pending takes their place, since who left may have those.

use crate::*;
use pallet_worker_registry::{ClusterKeyDirectory, Clusters, SeedsInUse, WorkerDirectory};
use polkadot_sdk::{
    frame_support::{ensure, weights::Weight},
    sp_runtime::DispatchResult,
};
use primitives::{ClusterId, WorkerId};
use threshold_keys::KeyRotation;

/// Shortest window, blocks: what is on its way must arrive.
pub const ROTATION_WINDOW_BLOCKS_MIN: u32 = 8;
/// Longest window, blocks.
pub const ROTATION_WINDOW_BLOCKS_MAX: u32 = 100_800;
/// The window where nobody says another, blocks.
pub const ROTATION_WINDOW_BLOCKS_DEFAULT: u32 = 600;
/// For how many blocks all members are waited for; then those that have the seed are enough.
pub const ROTATION_PATIENCE_BLOCKS: u32 = 64;
/// Clusters whose keys are rotated at the same time, at most.
pub const ROTATING_MAX: u32 = 256;
/// How many of them are looked at in one block.
pub const ROTATING_LOOKED_AT: usize = 4;
/// Every how many blocks one cluster is looked at for members whose build is not allowed any more.
pub const EXPOSURE_CHECK_BLOCKS: u32 = 8;

const _: () = assert!(ROTATION_WINDOW_BLOCKS_MIN <= ROTATION_WINDOW_BLOCKS_DEFAULT);
const _: () = assert!(ROTATION_WINDOW_BLOCKS_DEFAULT <= ROTATION_WINDOW_BLOCKS_MAX);

impl<T: Config> Pallet<T> {
    /// Begins to rotate a cluster's keys, as somebody asks for it.
    pub(crate) fn do_rotate(cluster: &ClusterId, window_blocks: Option<u32>) -> DispatchResult {
        let is_exposed = Self::is_exposed(cluster);
        let state = ClusterRotation::<T>::get(cluster);
        ensure!(
            !state.is_pending() || is_exposed,
            Error::<T>::RotationPending
        );
        let bounds = ROTATION_WINDOW_BLOCKS_MIN..=ROTATION_WINDOW_BLOCKS_MAX;
        ensure!(
            window_blocks.is_none_or(|blocks| bounds.contains(&blocks)),
            Error::<T>::InvalidWindow
        );
        Self::raise(cluster, window_blocks)
    }

    /// Raises the newest seed, whether or not one is pending.
    fn raise(cluster: &ClusterId, window_blocks: Option<u32>) -> DispatchResult {
        let mut state = ClusterRotation::<T>::get(cluster);
        Rotating::<T>::try_mutate(|clusters| {
            if clusters.contains(cluster) {
                return Ok(());
            }
            clusters
                .try_push(*cluster)
                .map_err(|_| Error::<T>::TooManyRotations)
        })?;
        state.window_blocks = match (window_blocks, state.is_pending()) {
            (Some(blocks), _) => blocks,
            (None, true) => state.window_blocks,
            (None, false) => ROTATION_WINDOW_BLOCKS_DEFAULT,
        };
        // Who left may have the keys in use: they go as soon as what is on its way has arrived.
        let soon = Self::now().saturating_add(ROTATION_WINDOW_BLOCKS_MIN);
        state.retires_at = state.retires_at.map(|at| at.min(soon));
        state.newest = state
            .newest
            .checked_add(1)
            .ok_or(Error::<T>::TooManyRotations)?;
        state.raised_at = Self::now();
        ClusterRotation::<T>::insert(cluster, state);
        Self::deposit_event(Event::KeyRotationRaised {
            cluster: *cluster,
            rotation: state.newest,
        });
        Ok(())
    }

    /// A worker has left that may have the cluster's seed. Where as many clusters as can be rotate
    /// their keys already, the event says that this one does not.
    pub(crate) fn raise_after_leaving(cluster: &ClusterId) {
        if Self::raise(cluster, None).is_err() {
            Self::deposit_event(Event::KeyRotationSkipped { cluster: *cluster });
        }
    }

    /// Whether a member has the newest seed whose build is not allowed any more. After the next one is
    /// raised it is not so, since that member gets none.
    pub(crate) fn is_exposed(cluster: &ClusterId) -> bool {
        let newest = ClusterRotation::<T>::get(cluster).newest;
        T::Clusters::members(cluster).iter().any(|worker| {
            let has_it = SeedsConfirmed::<T>::get(cluster, worker)
                .is_some_and(|confirmed| confirmed.rotation == newest);
            has_it && !T::Workers::is_build_allowed(worker)
        })
    }

    /// At the beginning of each block: goes on with what is being rotated, and looks for seeds that
    /// workers have which may not.
    pub(crate) fn advance_rotations(now: u32) -> Weight {
        let mut weight = Self::look_for_exposure(now);
        let clusters = Rotating::<T>::get();
        if clusters.is_empty() {
            return weight;
        }
        let first = (now as usize).wrapping_mul(ROTATING_LOOKED_AT) % clusters.len();
        let count = clusters.len().min(ROTATING_LOOKED_AT);
        for cluster in clusters.iter().cycle().skip(first).take(count) {
            Self::advance_rotation(cluster, now);
            weight = weight.saturating_add(weights::advance_rotation::<T>());
        }
        weight
    }

    fn look_for_exposure(now: u32) -> Weight {
        if !now.is_multiple_of(EXPOSURE_CHECK_BLOCKS) {
            return Weight::zero();
        }
        if let Some(cluster) = T::Clusters::at(now / EXPOSURE_CHECK_BLOCKS)
            && Self::is_exposed(&cluster)
        {
            Self::raise_after_leaving(&cluster);
        }
        weights::look_for_exposure::<T>()
    }

    fn advance_rotation(cluster: &ClusterId, now: u32) {
        let mut state = ClusterRotation::<T>::get(cluster);
        match state.retires_at {
            Some(at) if now >= at => {
                // A full mailbox has no room: then with a later block.
                if T::Clusters::push_retirement(cluster).is_ok() {
                    state.retires_at = None;
                    Self::deposit_event(Event::KeysRetired { cluster: *cluster });
                }
            }
            Some(_) => return,
            None if state.is_pending() && Self::is_confirmed(cluster, &state, now) => {
                if T::Clusters::push_rotation(cluster, state.newest).is_ok() {
                    T::Workers::use_next_cluster_key(cluster, state.newest);
                    state.in_force = state.newest;
                    let retires_at = now.saturating_add(state.window_blocks);
                    state.retires_at = Some(retires_at);
                    Self::deposit_event(Event::KeysRotated {
                        cluster: *cluster,
                        rotation: state.in_force,
                        retires_at,
                    });
                }
            }
            None => {}
        }
        if !state.is_pending() && state.retires_at.is_none() {
            Rotating::<T>::mutate(|clusters| clusters.retain(|known| known != cluster));
        }
        ClusterRotation::<T>::insert(cluster, state);
    }

    /// Whether the newest seed can be used: its public key is known, and who is waited for has it.
    fn is_confirmed(cluster: &ClusterId, state: &KeyRotation, now: u32) -> bool {
        if !T::Workers::has_next_cluster_key(cluster, state.newest) {
            return false;
        }
        let has_it = |worker: &WorkerId| {
            SeedsConfirmed::<T>::get(cluster, worker)
                .is_some_and(|confirmed| confirmed.rotation == state.newest)
        };
        let members = T::Clusters::members(cluster);
        let mut active = members.iter().filter(|worker| T::Workers::is_active(worker));
        let is_patience_over =
            now.saturating_sub(state.raised_at) >= ROTATION_PATIENCE_BLOCKS;
        match is_patience_over {
            true => active.any(has_it),
            false => !members.is_empty() && active.all(has_it),
        }
    }

    pub(crate) fn seeds(cluster: &ClusterId) -> SeedsInUse {
        let KeyRotation { newest, in_force, .. } = ClusterRotation::<T>::get(cluster);
        SeedsInUse { in_force, newest }
    }

    /// Forgets what is being rotated of a cluster that ends.
    pub(crate) fn forget_rotation(cluster: &ClusterId) {
        ClusterRotation::<T>::remove(cluster);
        Rotating::<T>::mutate(|clusters| clusters.retain(|known| known != cluster));
    }
}
