//! What a cluster's workers agree on, and who differs.
//!
//! Workers report their state root at the same mailbox numbers. Reports at numbers above the agreed one
//! are *outstanding*. When more than half of the workers that are active and not suspended report the
//! same root at a number, number and root are agreed: nothing changes that any more, and outstanding numbers below
//! it are forgotten. Who reported another root at that number, or does so while the chain still
//! remembers the root, is suspended; so is who contradicts his own word. He is released by a report that
//! fits an agreed root at a higher number.
//!
//! A worker that was taken in later is *joining*: it has no vote, and is not waited for, until a report of
//! it fits an agreed root. So a cluster of one goes on agreeing while a second one catches up. Only
//! where nobody else is left do joining workers vote. The same holds for a worker whose last report is below
//! what the mailbox keeps: it was away for so long that only another worker's state helps it, and that must be
//! one on which the others can go on agreeing meanwhile.
//!
//! Each report is judged at its own number only. After workers have come, gone, lapsed or been suspended,
//! agreement is thus looked for with the next report, and not before.

use crate::clusters::cluster_id;
use crate::*;
use alloc::vec::Vec;
use pallet_mailbox::{ClusterProgress, Mailbox};
use pallet_worker_registry::WorkerDirectory;
use polkadot_sdk::{
    frame_support::{BoundedVec, ensure},
    frame_system,
    sp_core::{H256, sr25519},
    sp_runtime::{DispatchError, DispatchResult, SaturatedConversion},
};
use primitives::{BlockNumber, ClusterId, StateRoot, WorkerId};

/// How many outstanding numbers are looked at again when a worker gives its vote up.
const LOOKED_AT_AGAIN_MAX: usize = 8;

impl<T: Config> Pallet<T> {
    pub(crate) fn current_block() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// Takes in a worker's report. A report that ends in a suspension is taken in too: an error would undo it.
    pub(crate) fn on_checkpoint(
        worker: sr25519::Public,
        cluster: H256,
        checkpoint: Checkpoint,
    ) -> DispatchResult {
        ensure!(
            ClusterByWorkers::<T>::get(worker) == Some(cluster),
            Error::<T>::InvalidSender
        );
        ensure!(
            checkpoint.next_number <= T::Mailbox::next_number(&cluster_id(cluster))
                && checkpoint.block_number <= checkpoint.reported_at,
            Error::<T>::CheckpointAhead
        );
        let report = Report {
            worker,
            state_root: checkpoint.state_root,
        };
        let number = checkpoint.next_number;
        let agreed_there = Self::agreed_root(cluster, number);
        let is_suspended = Suspensions::<T>::contains_key(cluster, worker);
        if !is_suspended {
            // What a suspended worker said before counts no more: it resynchronises.
            let last = Checkpoints::<T>::get(cluster, worker);
            let is_behind = last.is_some_and(|last| number < last.next_number);
            let expected =
                agreed_there.or_else(|| Self::earlier_word(cluster, worker, number, last));
            let contradicts = expected.is_some_and(|root| root != report.state_root);
            ensure!(contradicts || !is_behind, Error::<T>::CheckpointBehind);
            if let Some(expected) = expected.filter(|_| contradicts) {
                if last.is_none_or(|last| number > last.next_number) {
                    Checkpoints::<T>::insert(cluster, worker, checkpoint);
                }
                return Self::compare(cluster, &report, number, expected);
            }
        }
        Checkpoints::<T>::insert(cluster, worker, checkpoint);
        let agreed = AgreedCheckpoints::<T>::get(cluster).map(|agreed| agreed.next_number);
        match agreed_there {
            Some(root) => {
                Self::end_joining(cluster, &[report], root);
                Self::compare(cluster, &report, number, root)
            }
            None if agreed.is_none_or(|agreed| number > agreed) => {
                let reports = Self::add_report(cluster, number, &report, agreed)?;
                if is_suspended {
                    return Ok(());
                }
                Self::look_for_agreement(cluster, number, &report, &reports)
            }
            // Below what is agreed, at a number that the chain does not remember: only the last word.
            None => Ok(()),
        }
    }

    fn agreed_root(cluster: H256, number: u64) -> Option<StateRoot> {
        let roots = AgreedRoots::<T>::get(cluster);
        let place = roots
            .binary_search_by_key(&number, |agreed| agreed.next_number)
            .ok()?;
        roots.get(place).map(|agreed| agreed.state_root)
    }

    /// What the worker itself has said about a number, as far as the chain remembers.
    fn earlier_word(
        cluster: H256,
        worker: sr25519::Public,
        number: u64,
        last: Option<Checkpoint>,
    ) -> Option<StateRoot> {
        if let Some(last) = last.filter(|last| last.next_number == number) {
            return Some(last.state_root);
        }
        let reports = Reports::<T>::get(cluster, number);
        reports
            .iter()
            .find(|report| report.worker == worker)
            .map(|report| report.state_root)
    }

    /// Stores a report at a number above the agreed one; gives all reports at that number.
    fn add_report(
        cluster: H256,
        number: u64,
        report: &Report,
        agreed: Option<u64>,
    ) -> Result<Vec<Report>, DispatchError> {
        let mut reports = Reports::<T>::get(cluster, number);
        match reports
            .iter_mut()
            .find(|known| known.worker == report.worker)
        {
            Some(known) => known.state_root = report.state_root,
            None => reports
                .try_push(*report)
                .map_err(|_| DispatchError::Corruption)?,
        }
        Outstanding::<T>::try_mutate(cluster, |numbers| {
            let stale = numbers
                .iter()
                .take(DROPPED_PER_REPORT_MAX)
                .take_while(|of| agreed.is_some_and(|agreed| of.next_number <= agreed))
                .count();
            for dropped in numbers.drain(..stale) {
                Reports::<T>::remove(cluster, dropped.next_number);
            }
            let summary = OutstandingNumber::new(number, &reports);
            match numbers.binary_search_by_key(&number, |of| of.next_number) {
                Ok(place) => {
                    if let Some(known) = numbers.get_mut(place) {
                        *known = summary;
                    }
                }
                Err(_) => {
                    if numbers.len() >= OUTSTANDING_MAX as usize
                        && let Some(place) = place_to_drop(numbers, &report.worker)
                    {
                        let dropped = numbers.remove(place);
                        Reports::<T>::remove(cluster, dropped.next_number);
                    }
                    let place = numbers.partition_point(|of| of.next_number < number);
                    numbers
                        .try_insert(place, summary)
                        .map_err(|_| DispatchError::Corruption)?;
                }
            }
            Ok::<_, DispatchError>(())
        })?;
        let all = reports.to_vec();
        Reports::<T>::insert(cluster, number, reports);
        Ok(all)
    }

    /// Whose reports count: workers that are active and not suspended; of those that are joining, or too far
    /// behind for the mailbox, only where there are no others.
    fn voters(cluster: H256) -> Vec<sr25519::Public> {
        let suspended = SuspendedWorkers::<T>::get(cluster);
        let joining = JoiningWorkers::<T>::get(cluster);
        let first = T::Mailbox::first_number(&cluster_id(cluster));
        let is_lost = |worker: &sr25519::Public| {
            // Who has reported nothing yet has run nothing.
            let reported =
                Checkpoints::<T>::get(cluster, worker).map_or(0, |report| report.next_number);
            reported < first
        };
        let (joining, voters): (Vec<_>, Vec<_>) = ClusterWorkers::<T>::get(cluster)
            .into_iter()
            .filter(|worker| {
                !suspended.contains(worker) && T::Workers::is_active(&WorkerId(worker.0))
            })
            .partition(|worker| joining.contains(worker) || is_lost(worker));
        if voters.is_empty() { joining } else { voters }
    }

    /// Those of the reporters that were joining and report an agreed root have joined.
    fn end_joining(cluster: H256, reports: &[Report], agreed: StateRoot) {
        let fits = |worker| {
            reports.contains(&Report {
                worker,
                state_root: agreed,
            })
        };
        JoiningWorkers::<T>::mutate_exists(cluster, |list| retain(list, |worker| !fits(*worker)));
    }

    fn look_for_agreement(
        cluster: H256,
        number: u64,
        report: &Report,
        reports: &[Report],
    ) -> DispatchResult {
        let voters = Self::voters(cluster);
        let votes: Vec<&Report> = reports
            .iter()
            .filter(|report| voters.contains(&report.worker))
            .collect();
        let count = |root| votes.iter().filter(|vote| vote.state_root == root).count();
        let winner = votes
            .iter()
            .find(|vote| count(vote.state_root) * 2 > voters.len());
        if let Some(winner) = winner {
            return Self::agree(cluster, number, winner.state_root, reports);
        }
        if let Some(other) = votes
            .iter()
            .find(|vote| vote.state_root != report.state_root)
        {
            Self::deposit_event(Event::CheckpointDiffers {
                cluster,
                next_number: number,
                worker: report.worker,
                state_root: report.state_root,
                other: other.worker,
                other_state_root: other.state_root,
            });
        }
        Ok(())
    }

    /// Numbers only grow: the caller has seen that `number` is above the agreed one.
    fn agree(
        cluster: H256,
        number: u64,
        state_root: StateRoot,
        reports: &[Report],
    ) -> DispatchResult {
        AgreedRoots::<T>::try_mutate(cluster, |roots| {
            if roots.len() >= AGREED_ROOTS_MAX as usize {
                roots.remove(0);
            }
            roots.try_push(AgreedRoot {
                next_number: number,
                state_root,
            })
        })
        .map_err(|_| DispatchError::Corruption)?;
        let agreed_at = Self::current_block();
        AgreedCheckpoints::<T>::insert(
            cluster,
            AgreedCheckpoint {
                next_number: number,
                state_root,
                agreed_at,
            },
        );
        Self::deposit_event(Event::CheckpointAgreed {
            cluster,
            next_number: number,
            state_root,
        });
        Self::end_joining(cluster, reports, state_root);
        reports
            .iter()
            .try_for_each(|report| Self::compare(cluster, report, number, state_root))
    }

    /// Holds a report against the root that it should have: suspends, or releases.
    fn compare(cluster: H256, report: &Report, number: u64, agreed: StateRoot) -> DispatchResult {
        let worker = report.worker;
        let fits = report.state_root == agreed;
        let said = |since| Suspension {
            next_number: number,
            reported: report.state_root,
            agreed,
            since,
        };
        match Suspensions::<T>::get(cluster, worker) {
            None if fits => Ok(()),
            None => Self::suspend(cluster, worker, said(Self::current_block())),
            Some(known) if number <= known.next_number => Ok(()),
            Some(_) if fits => {
                Self::lift_suspension(cluster, worker);
                Self::deposit_event(Event::WorkerConforms {
                    cluster,
                    worker,
                    next_number: number,
                });
                Ok(())
            }
            // It differs still: only from here on can it conform.
            Some(known) => {
                Suspensions::<T>::insert(cluster, worker, said(known.since));
                Ok(())
            }
        }
    }

    fn suspend(cluster: H256, worker: sr25519::Public, suspension: Suspension) -> DispatchResult {
        SuspendedWorkers::<T>::try_append(cluster, worker)
            .map_err(|()| DispatchError::Corruption)?;
        Suspensions::<T>::insert(cluster, worker, suspension);
        let Suspension {
            next_number,
            reported,
            agreed,
            ..
        } = suspension;
        Self::deposit_event(Event::WorkerDiverged {
            cluster,
            worker,
            next_number,
            reported,
            agreed,
        });
        T::OnDivergence::on_divergence(&cluster_id(cluster), &WorkerId(worker.0), &suspension);
        Ok(())
    }

    fn lift_suspension(cluster: H256, worker: sr25519::Public) {
        Suspensions::<T>::remove(cluster, worker);
        SuspendedWorkers::<T>::mutate_exists(cluster, |list| {
            retain(list, |known| *known != worker);
        });
    }

    /// A worker has lost its state and finds nobody who holds the agreed one. It has no vote until it
    /// reports an agreed root, so that those who have a state agree on what they hold; what they have
    /// reported already may be enough now.
    pub(crate) fn on_state_lost(worker: sr25519::Public, cluster: H256) -> DispatchResult {
        ensure!(
            ClusterByWorkers::<T>::get(worker) == Some(cluster),
            Error::<T>::InvalidSender
        );
        if JoiningWorkers::<T>::get(cluster).contains(&worker) {
            return Ok(());
        }
        JoiningWorkers::<T>::try_append(cluster, worker)
            .map_err(|()| Error::<T>::TooManyWorkers)?;
        Self::deposit_event(Event::WorkerStateLost { worker, cluster });
        // Numbers that agreement has passed go with later reports, and may be there still.
        let agreed = AgreedCheckpoints::<T>::get(cluster).map(|agreed| agreed.next_number);
        let newest_first: Vec<u64> = Outstanding::<T>::get(cluster)
            .iter()
            .rev()
            .filter(|of| agreed.is_none_or(|agreed| of.next_number > agreed))
            .take(LOOKED_AT_AGAIN_MAX)
            .map(|of| of.next_number)
            .collect();
        for number in newest_first {
            let reports = Reports::<T>::get(cluster, number);
            if let Some(report) = reports.first() {
                Self::look_for_agreement(cluster, number, report, &reports)?;
            }
            let agreed = AgreedCheckpoints::<T>::get(cluster);
            if agreed.is_some_and(|agreed| agreed.next_number >= number) {
                break;
            }
        }
        Ok(())
    }

    /// Forgets all that a worker said about a cluster, as it leaves.
    pub(crate) fn forget_word(cluster: H256, worker: sr25519::Public) {
        Checkpoints::<T>::remove(cluster, worker);
        Self::lift_suspension(cluster, worker);
        JoiningWorkers::<T>::mutate_exists(cluster, |list| {
            retain(list, |known| *known != worker);
        });
        Outstanding::<T>::mutate_exists(cluster, |outstanding| {
            let Some(numbers) = outstanding else { return };
            for of in numbers.iter_mut() {
                let mut reports = Reports::<T>::get(cluster, of.next_number);
                reports.retain(|report| report.worker != worker);
                *of = OutstandingNumber::new(of.next_number, &reports);
                if reports.is_empty() {
                    Reports::<T>::remove(cluster, of.next_number);
                } else {
                    Reports::<T>::insert(cluster, of.next_number, reports);
                }
            }
            numbers.retain(|of| of.reports > 0);
            if numbers.is_empty() {
                *outstanding = None;
            }
        });
    }

    /// Forgets all that these workers of a cluster said and agreed on, as the cluster ends.
    pub(crate) fn forget_agreement(cluster: H256, workers: &[sr25519::Public]) {
        for worker in workers {
            Checkpoints::<T>::remove(cluster, worker);
            Suspensions::<T>::remove(cluster, worker);
        }
        for of in Outstanding::<T>::take(cluster) {
            Reports::<T>::remove(cluster, of.next_number);
        }
        SuspendedWorkers::<T>::remove(cluster);
        JoiningWorkers::<T>::remove(cluster);
        AgreedCheckpoints::<T>::remove(cluster);
        AgreedRoots::<T>::remove(cluster);
    }

    /// The least number that some worker of the cluster has not reported as run. 0 for an unknown cluster.
    pub(crate) fn least_next_number(cluster: H256) -> u64 {
        let reported = |worker| {
            Checkpoints::<T>::get(cluster, worker).map_or(0, |checkpoint| checkpoint.next_number)
        };
        ClusterWorkers::<T>::get(cluster)
            .iter()
            .map(reported)
            .min()
            .unwrap_or(0)
    }

    /// What handling a report on this cluster takes at most.
    pub fn checkpoint_weight(cluster: &ClusterId) -> polkadot_sdk::frame_support::weights::Weight {
        let workers = ClusterWorkers::<T>::decode_len(H256(cluster.0)).unwrap_or_default();
        weights::checkpoint::<T>(workers as u64)
    }
}

/// Keeps some workers of a list; a list of none is not stored.
fn retain<S>(
    list: &mut Option<BoundedVec<sr25519::Public, S>>,
    keep: impl FnMut(&sr25519::Public) -> bool,
) {
    if let Some(workers) = list {
        workers.retain(keep);
        if workers.is_empty() {
            *list = None;
        }
    }
}

/// Which number goes where there is no place for another: the oldest that nobody but this worker has
/// reported, so that no worker pushes out what others said; else, of those with the fewest reports, the oldest.
fn place_to_drop(numbers: &[OutstandingNumber], reporter: &sr25519::Public) -> Option<usize> {
    numbers
        .iter()
        .position(|of| of.alone.as_ref() == Some(reporter))
        .or_else(|| {
            let with_place = numbers.iter().enumerate();
            with_place
                .min_by_key(|(_, of)| of.reports)
                .map(|(place, _)| place)
        })
}

impl<T: Config> ClusterProgress for Pallet<T> {
    fn prunable_below(cluster: &ClusterId) -> u64 {
        AgreedCheckpoints::<T>::get(H256(cluster.0)).map_or(0, |agreed| agreed.next_number)
    }
}
