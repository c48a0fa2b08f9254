//! What must always hold between the maps.

use crate::clusters::cluster_id;
use crate::*;
use alloc::collections::{BTreeMap, BTreeSet};
use pallet_mailbox::Mailbox;
use polkadot_sdk::{
    frame_support::{ensure, traits::fungible::InspectHold},
    sp_core::H256,
    sp_runtime::{AccountId32, TryRuntimeError},
};
use primitives::Balance;
use wire::receipt::LOG_INTERVALS_KEPT;

impl<T: Config> Pallet<T> {
    /// Checks every relation between the maps. Walks them all: for tests and upgrades only.
    ///
    /// # Errors
    /// Names the relation that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_state_of_clusters()?;
        Self::try_state_of_agreement()?;
        Self::try_state_of_contracts()?;
        Self::try_state_of_codes()
    }

    fn try_state_of_clusters() -> Result<(), TryRuntimeError> {
        let mut assigned = 0;
        for (cluster, workers) in ClusterWorkers::<T>::iter() {
            ensure!(
                Clusters::<T>::contains_key(cluster),
                "workers of no cluster are left over"
            );
            ensure!(!workers.is_empty(), "a cluster has no workers");
            for worker in &workers {
                let of = ClusterByWorkers::<T>::get(worker);
                ensure!(of == Some(cluster), "a worker does not know its cluster");
            }
            assigned += workers.len();
        }
        ensure!(
            ClusterByWorkers::<T>::iter_keys().count() == assigned,
            "a worker is busy without a cluster"
        );
        for cluster in Clusters::<T>::iter_keys() {
            ensure!(
                ClusterWorkers::<T>::contains_key(cluster),
                "a cluster has no workers"
            );
            ensure!(
                !DestroyedClusters::<T>::contains_key(cluster),
                "a cluster is both"
            );
            ensure!(
                T::Mailbox::next_number(&cluster_id(cluster)) > 0,
                "a cluster is not set up"
            );
        }
        let mut settled = Limits::<T>::iter_keys()
            .chain(BlockHooks::<T>::iter_keys())
            .chain(CompatibleEdgesClosed::<T>::iter_keys());
        ensure!(
            settled.all(Clusters::<T>::contains_key),
            "settings of no cluster are left over"
        );
        for (cluster, worker, checkpoint) in Checkpoints::<T>::iter() {
            let of = ClusterByWorkers::<T>::get(worker);
            ensure!(
                of == Some(cluster),
                "a checkpoint is from outside its cluster"
            );
            let next = T::Mailbox::next_number(&cluster_id(cluster));
            ensure!(
                checkpoint.next_number <= next,
                "a checkpoint is ahead of its mailbox"
            );
        }
        for (worker, index, _) in ReceiptLogs::<T>::iter() {
            let next = ReceiptLogNext::<T>::get(worker);
            ensure!(
                index < next && next - index <= LOG_INTERVALS_KEPT,
                "a log of receipts keeps an interval that it should not have"
            );
        }
        Ok(())
    }

    fn try_state_of_agreement() -> Result<(), TryRuntimeError> {
        for (cluster, agreed) in AgreedCheckpoints::<T>::iter() {
            let roots = AgreedRoots::<T>::get(cluster);
            let newest = roots.last().map(|root| (root.next_number, root.state_root));
            ensure!(
                newest == Some((agreed.next_number, agreed.state_root)),
                "the agreed checkpoint is not the newest agreed root"
            );
            ensure!(
                roots
                    .windows(2)
                    .all(|pair| pair[0].next_number < pair[1].next_number),
                "agreed roots do not grow"
            );
            let next = T::Mailbox::next_number(&cluster_id(cluster));
            ensure!(
                agreed.next_number <= next,
                "what is agreed is ahead of its mailbox"
            );
        }
        let agreed = AgreedRoots::<T>::iter_keys().all(AgreedCheckpoints::<T>::contains_key);
        ensure!(agreed, "agreed roots of no agreement are left over");
        let of_clusters = AgreedCheckpoints::<T>::iter_keys()
            .chain(Outstanding::<T>::iter_keys())
            .chain(SuspendedWorkers::<T>::iter_keys())
            .chain(JoiningWorkers::<T>::iter_keys());
        for cluster in of_clusters {
            ensure!(
                Clusters::<T>::contains_key(cluster),
                "an agreement of no cluster is left over"
            );
        }
        for (cluster, numbers) in Outstanding::<T>::iter() {
            ensure!(
                numbers
                    .windows(2)
                    .all(|pair| pair[0].next_number < pair[1].next_number),
                "outstanding numbers do not grow"
            );
            for of in numbers {
                let reports = Reports::<T>::get(cluster, of.next_number);
                ensure!(!reports.is_empty(), "an outstanding number has no report");
                ensure!(
                    of == OutstandingNumber::new(of.next_number, &reports),
                    "reports are miscounted"
                );
            }
        }
        for (cluster, number, reports) in Reports::<T>::iter() {
            let numbers = Outstanding::<T>::get(cluster);
            ensure!(
                numbers.iter().any(|of| of.next_number == number),
                "reports at a number that is not outstanding are left over"
            );
            let mut reporters = BTreeSet::new();
            for report in reports {
                let of = ClusterByWorkers::<T>::get(report.worker);
                ensure!(of == Some(cluster), "a report is from outside its cluster");
                ensure!(
                    reporters.insert(report.worker),
                    "a worker reports twice at a number"
                );
            }
        }
        let mut listed = BTreeSet::new();
        for (cluster, workers) in SuspendedWorkers::<T>::iter() {
            for worker in workers {
                let of = ClusterByWorkers::<T>::get(worker);
                ensure!(
                    of == Some(cluster),
                    "a suspended worker is outside its cluster"
                );
                ensure!(
                    listed.insert((cluster, worker)),
                    "a suspended worker is listed twice"
                );
            }
        }
        for (cluster, workers) in JoiningWorkers::<T>::iter() {
            let joining: BTreeSet<_> = workers.iter().collect();
            ensure!(
                joining.len() == workers.len(),
                "a joining worker is listed twice"
            );
            for worker in workers {
                let of = ClusterByWorkers::<T>::get(worker);
                ensure!(
                    of == Some(cluster),
                    "a joining worker is outside its cluster"
                );
            }
        }
        let suspended: BTreeSet<_> = Suspensions::<T>::iter_keys().collect();
        ensure!(suspended == listed, "a suspended worker is not listed");
        Ok(())
    }

    fn try_state_of_contracts() -> Result<(), TryRuntimeError> {
        let mut listed = BTreeSet::new();
        for (cluster, contracts) in ClusterContracts::<T>::iter() {
            for contract in contracts {
                ensure!(
                    listed.insert((cluster, contract)),
                    "a contract is listed twice"
                );
            }
        }
        for (cluster, contract) in PendingContracts::<T>::iter_keys() {
            ensure!(
                listed.insert((cluster, contract)),
                "a contract is both pending and made"
            );
        }
        let mut counts = BTreeMap::<H256, u32>::new();
        for (contract, info) in Contracts::<T>::iter() {
            ensure!(
                listed.contains(&(info.cluster, contract)),
                "a contract is not listed"
            );
            *counts.entry(info.cluster).or_default() += 1;
        }
        let total: u32 = counts.values().sum();
        ensure!(
            listed.len() == total as usize,
            "a listed contract does not exist"
        );
        for (cluster, count) in ContractCount::<T>::iter() {
            ensure!(
                counts.get(&cluster) == Some(&count),
                "contracts are miscounted"
            );
        }
        Ok(())
    }

    fn try_state_of_codes() -> Result<(), TryRuntimeError> {
        let mut clusters = BTreeMap::<H256, u32>::new();
        for (_, code_hash) in ClusterCodes::<T>::iter_keys() {
            *clusters.entry(code_hash).or_default() += 1;
        }
        let mut held = BTreeMap::<AccountId32, Balance>::new();
        for (code_hash, info) in CodeInfos::<T>::iter() {
            let size = CodeBlobs::<T>::decode_len(code_hash);
            ensure!(
                size == Some(info.size as usize),
                "code is missing or of another size"
            );
            ensure!(
                clusters.get(&code_hash) == Some(&info.clusters),
                "code is miscounted"
            );
            *held.entry(info.owner).or_default() += info.deposit;
        }
        ensure!(
            clusters.len() == CodeInfos::<T>::iter_keys().count(),
            "a code has no payer"
        );
        ensure!(
            clusters.len() == CodeBlobs::<T>::iter_keys().count(),
            "a code is left over"
        );
        for (owner, sum) in held {
            let on_hold = T::Currency::balance_on_hold(&HoldReason::CodeUpload.into(), &owner);
            ensure!(on_hold >= sum, "less is held for code than its deposits");
        }
        Ok(())
    }
}
