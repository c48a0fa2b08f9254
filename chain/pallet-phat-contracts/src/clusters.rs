//! Clusters: making, changing and destroying them.

use crate::*;
use alloc::vec::Vec;
use pallet_mailbox::Mailbox;
use pallet_worker_registry::{KeyStore, WorkerDirectory};
use polkadot_sdk::{
    frame_support::{
        BoundedVec, ensure,
        traits::{fungible::Mutate, tokens::Preservation},
    },
    sp_core::{Get, H256, sr25519},
    sp_runtime::{AccountId32, DispatchError, DispatchResult, traits::BadOrigin},
};
use primitives::{AccountId, Balance, BlockNumber, ClusterId, ContractId, WorkerId};
use wire::domain::{cluster_account, system_contract_id};
use wire::limits::ClusterLimits;
use wire::mailbox::MailboxOperation;

pub(crate) fn account(account: &AccountId32) -> AccountId {
    AccountId(*<AccountId32 as AsRef<[u8; 32]>>::as_ref(account))
}

pub(crate) fn cluster_id(cluster: H256) -> ClusterId {
    ClusterId(cluster.0)
}

pub(crate) fn id_of_number(number: u64) -> H256 {
    let mut id = [0; 32];
    id[24..].copy_from_slice(&number.to_be_bytes());
    H256(id)
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_add_cluster(
        info: ClusterInfo<AccountId32>,
        workers: Vec<sr25519::Public>,
        deposit: Balance,
        treasury: AccountId32,
    ) -> DispatchResult {
        ensure!(!workers.is_empty(), Error::<T>::NoWorkerSpecified);
        let workers = BoundedVec::try_from(workers).map_err(|_| Error::<T>::TooManyWorkers)?;
        let number = ClusterCounter::<T>::get()
            .checked_add(1)
            .ok_or(DispatchError::Corruption)?;
        let cluster = id_of_number(number);
        for worker in &workers {
            ensure!(
                T::Workers::is_active(&WorkerId(worker.0)),
                Error::<T>::WorkerNotActive
            );
            // Inserted one by one, so that a worker named twice is busy the second time.
            ensure!(
                !ClusterByWorkers::<T>::contains_key(worker),
                Error::<T>::WorkerIsBusy
            );
            ClusterByWorkers::<T>::insert(worker, cluster);
        }
        let set_up = MailboxOperation::SetUpCluster {
            owner: account(&info.owner),
            gas_price: info.gas_price,
            deposit_per_item: info.deposit_per_item,
            deposit_per_byte: info.deposit_per_byte,
            treasury: account(&treasury),
        };
        let system_contract = H256(system_contract_id(&cluster_id(cluster)).0);
        let owner = info.owner.clone();
        let info = ClusterInfo {
            system_contract,
            ..info
        };
        // The workers make it when they set the cluster up, and tell its keys as those of any contract.
        Self::add_contract(cluster, system_contract, &owner)?;
        PendingContracts::<T>::insert(cluster, system_contract, ());
        ClusterCounter::<T>::put(number);
        ClusterWorkers::<T>::insert(cluster, workers);
        Clusters::<T>::insert(cluster, info);
        T::Mailbox::push(&cluster_id(cluster), set_up)?;
        Self::deposit_event(Event::ClusterCreated {
            cluster,
            system_contract,
        });
        Self::deposit_to_cluster(&owner, deposit, cluster, &owner)
    }

    /// Moves `amount` to a balance in the cluster; nothing for 0. There is no least amount: old clients
    /// send what a command lacks, to the last unit. A cluster's account must exist, though, so who makes a
    /// cluster gives it a deposit.
    pub(crate) fn deposit_to_cluster(
        source: &AccountId32,
        amount: Balance,
        cluster: H256,
        dest: &AccountId32,
    ) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        let to = AccountId32::new(cluster_account(&cluster_id(cluster)));
        T::Currency::transfer(source, &to, amount, Preservation::Preserve)?;
        let operation = MailboxOperation::Deposit {
            account: account(dest),
            amount,
        };
        T::Mailbox::push(&cluster_id(cluster), operation)?;
        let dest = H256(account(dest).0);
        Self::deposit_event(Event::Transfered {
            cluster,
            account: dest,
            amount,
        });
        Ok(())
    }

    pub(crate) fn do_transfer_to_cluster(
        source: &AccountId32,
        amount: Balance,
        cluster: H256,
        dest: &AccountId32,
    ) -> DispatchResult {
        ensure!(
            Clusters::<T>::contains_key(cluster),
            Error::<T>::ClusterNotFound
        );
        ensure!(amount >= T::TransferMin::get(), Error::<T>::AmountTooSmall);
        Self::deposit_to_cluster(source, amount, cluster, dest)
    }

    pub(crate) fn ensure_permitted(cluster: H256, who: &AccountId32) -> DispatchResult {
        let info = Clusters::<T>::get(cluster).ok_or(Error::<T>::ClusterNotFound)?;
        match info.permission {
            ClusterPermission::Public => Ok(()),
            ClusterPermission::OnlyOwner(only) => {
                ensure!(only == *who, Error::<T>::ClusterPermissionDenied);
                Ok(())
            }
        }
    }

    /// Whether `who` may change a cluster's settings: root, or its owner.
    pub(crate) fn ensure_owner(who: Option<&AccountId32>, cluster: H256) -> DispatchResult {
        let info = Clusters::<T>::get(cluster).ok_or(Error::<T>::ClusterNotFound)?;
        ensure!(who.is_none_or(|who| *who == info.owner), BadOrigin);
        Ok(())
    }

    pub(crate) fn do_set_limits(
        who: Option<&AccountId32>,
        cluster: H256,
        limits: ClusterLimits,
    ) -> DispatchResult {
        Self::ensure_owner(who, cluster)?;
        ensure!(limits.is_valid(), Error::<T>::InvalidLimits);
        T::Mailbox::push(&cluster_id(cluster), MailboxOperation::SetLimits { limits })?;
        Limits::<T>::insert(cluster, limits);
        Self::deposit_event(Event::LimitsSet { cluster, limits });
        Ok(())
    }

    /// Begins to rotate a cluster's keys, by its owner or root; by anybody where a worker has them whose
    /// build is not allowed any more.
    pub(crate) fn do_rotate_keys(
        who: Option<&AccountId32>,
        cluster: H256,
        window_blocks: Option<BlockNumber>,
    ) -> DispatchResult {
        let id = cluster_id(cluster);
        if T::Workers::is_seed_exposed(&id) {
            ensure!(
                Clusters::<T>::contains_key(cluster),
                Error::<T>::ClusterNotFound
            );
        } else {
            Self::ensure_owner(who, cluster)?;
        }
        T::Workers::rotate_cluster_keys(&id, window_blocks)
    }

    pub(crate) fn do_set_block_hooks(
        who: Option<&AccountId32>,
        cluster: H256,
        every: Option<BlockNumber>,
    ) -> DispatchResult {
        Self::ensure_owner(who, cluster)?;
        match every {
            None => BlockHooks::<T>::remove(cluster),
            Some(every) => {
                ensure!(every > 0, Error::<T>::InvalidInterval);
                let is_new = !BlockHooks::<T>::contains_key(cluster);
                ensure!(
                    !is_new || BlockHooks::<T>::count() < HOOKED_CLUSTERS_MAX,
                    Error::<T>::TooManyHookedClusters
                );
                BlockHooks::<T>::insert(cluster, every);
            }
        }
        Self::deposit_event(Event::BlockHooksSet { cluster, every });
        Ok(())
    }

    pub(crate) fn do_set_compatible_edge(
        who: Option<&AccountId32>,
        cluster: H256,
        open: bool,
    ) -> DispatchResult {
        Self::ensure_owner(who, cluster)?;
        match open {
            true => CompatibleEdgesClosed::<T>::remove(cluster),
            false => CompatibleEdgesClosed::<T>::insert(cluster, Self::current_block()),
        }
        Self::deposit_event(Event::CompatibleEdgeSet { cluster, open });
        Ok(())
    }

    /// Tells the workers of clusters with hooks that block `number` ends. A full mailbox is skipped:
    /// its workers are far behind.
    pub(crate) fn push_block_ends(number: BlockNumber) {
        for (cluster, every) in BlockHooks::<T>::iter() {
            if number.is_multiple_of(every) {
                let _full = T::Mailbox::push(&cluster_id(cluster), MailboxOperation::BlockEnd);
            }
        }
    }

    pub(crate) fn do_cluster_destroy(cluster: H256) -> DispatchResult {
        ensure!(
            Clusters::<T>::contains_key(cluster),
            Error::<T>::ClusterNotFound
        );
        Clusters::<T>::remove(cluster);
        Limits::<T>::remove(cluster);
        BlockHooks::<T>::remove(cluster);
        CompatibleEdgesClosed::<T>::remove(cluster);
        let workers = ClusterWorkers::<T>::take(cluster);
        for worker in &workers {
            ClusterByWorkers::<T>::remove(worker);
        }
        Self::forget_agreement(cluster, &workers);
        let ids: Vec<WorkerId> = workers.iter().map(|worker| WorkerId(worker.0)).collect();
        T::Workers::forget_cluster(&cluster_id(cluster), &ids);
        DestroyedClusters::<T>::insert(cluster, ());
        Self::deposit_event(Event::ClusterDestroyed { cluster });
        Self::do_clear_cluster(cluster)
    }

    /// Clears contracts, then codes, then mailbox entries, within one budget.
    pub(crate) fn do_clear_cluster(cluster: H256) -> DispatchResult {
        ensure!(
            DestroyedClusters::<T>::contains_key(cluster),
            Error::<T>::NothingToClear
        );
        let mut budget = CLEARED_PER_CALL_MAX as usize;
        budget -= Self::clear_contracts(cluster, budget);
        budget -= Self::clear_codes(cluster, budget)?;
        let entries = T::Mailbox::clear(&cluster_id(cluster), budget as u32) as usize;
        // With budget left over, every kind has come to its end.
        if entries < budget {
            DestroyedClusters::<T>::remove(cluster);
            Self::deposit_event(Event::ClusterCleared { cluster });
        }
        Ok(())
    }

    fn clear_contracts(cluster: H256, budget: usize) -> usize {
        let mut cleared: Vec<H256> = ClusterContracts::<T>::mutate(cluster, |contracts| {
            let keep = contracts.len().saturating_sub(budget);
            let cleared = contracts[keep..].to_vec();
            contracts.truncate(keep);
            cleared
        });
        let left = budget - cleared.len();
        let pending: Vec<H256> = PendingContracts::<T>::iter_key_prefix(cluster)
            .take(left)
            .collect();
        for contract in &pending {
            PendingContracts::<T>::remove(cluster, contract);
        }
        cleared.extend(pending);
        for contract in &cleared {
            Contracts::<T>::remove(contract);
            T::Workers::forget_contract(&ContractId(contract.0));
        }
        ContractCount::<T>::mutate_exists(cluster, |count| {
            let rest = count
                .unwrap_or_default()
                .saturating_sub(cleared.len() as u32);
            *count = (rest > 0).then_some(rest);
        });
        if ClusterContracts::<T>::decode_len(cluster) == Some(0) {
            ClusterContracts::<T>::remove(cluster);
        }
        cleared.len()
    }

    fn clear_codes(cluster: H256, budget: usize) -> Result<usize, DispatchError> {
        let codes: Vec<H256> = ClusterCodes::<T>::iter_key_prefix(cluster)
            .take(budget)
            .collect();
        for code_hash in &codes {
            Self::drop_code(cluster, *code_hash)?;
        }
        Ok(codes.len())
    }
}
