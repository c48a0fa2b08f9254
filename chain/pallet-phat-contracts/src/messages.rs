//! What workers tell: contracts' keys, by way of the registry, checkpoints, and roots of receipts.

use crate::clusters::id_of_number;
use crate::*;
use alloc::vec::Vec;
use pallet_mailbox::Mailbox;
use pallet_worker_registry::Clusters as ClustersApi;
use polkadot_sdk::{
    frame_support::ensure,
    sp_core::{H256, sr25519},
    sp_runtime::{AccountId32, DispatchResult},
};
use primitives::{AccountId, ClusterId, ContractId, WorkerId};
use wire::{mailbox::MailboxOperation, message::MessagePayload, receipt::LOG_INTERVALS_KEPT};

impl<T: Config> Pallet<T> {
    /// Handles a worker's message about a cluster. The mailbox has checked signature and sequence.
    ///
    /// # Errors
    /// Those of [`Error`]; nothing is stored then.
    pub fn handle_message(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        let worker = sr25519::Public::from_raw(sender.0);
        match payload {
            MessagePayload::Checkpoint {
                cluster,
                next_number,
                state_root,
                block_number,
            } => {
                let checkpoint = Checkpoint {
                    next_number: *next_number,
                    state_root: *state_root,
                    block_number: *block_number,
                    reported_at: Self::current_block(),
                };
                Self::on_checkpoint(worker, H256(cluster.0), checkpoint)
            }
            MessagePayload::StateLost { cluster } => {
                Self::on_state_lost(worker, H256(cluster.0))
            }
            MessagePayload::ReceiptLog {
                cluster,
                index,
                root,
                receipts,
            } => {
                let entry = ReceiptLogRoot {
                    cluster: H256(cluster.0),
                    root: *root,
                    receipts: *receipts,
                    reported_at: Self::current_block(),
                };
                Self::on_receipt_log(worker, *index, entry)
            }
            _ => Err(Error::<T>::UnknownMessage.into()),
        }
    }

    fn on_receipt_log(
        worker: sr25519::Public,
        index: u64,
        entry: ReceiptLogRoot,
    ) -> DispatchResult {
        ensure!(
            ClusterByWorkers::<T>::get(worker) == Some(entry.cluster),
            Error::<T>::InvalidSender
        );
        ensure!(
            index == ReceiptLogNext::<T>::get(worker),
            Error::<T>::ReceiptLogGap
        );
        ensure!(entry.receipts > 0, Error::<T>::ReceiptLogEmpty);
        ReceiptLogs::<T>::insert(worker, index, entry);
        if let Some(oldest) = index.checked_sub(LOG_INTERVALS_KEPT) {
            ReceiptLogs::<T>::remove(worker, oldest);
        }
        ReceiptLogNext::<T>::insert(worker, index.saturating_add(1));
        Ok(())
    }
}

impl<T: Config> ClustersApi for Pallet<T> {
    fn exists(cluster: &ClusterId) -> bool {
        Clusters::<T>::contains_key(H256(cluster.0))
    }

    fn is_member(cluster: &ClusterId, worker: &WorkerId) -> bool {
        ClusterByWorkers::<T>::get(sr25519::Public::from_raw(worker.0)) == Some(H256(cluster.0))
    }

    fn is_assigned(worker: &WorkerId) -> bool {
        ClusterByWorkers::<T>::contains_key(sr25519::Public::from_raw(worker.0))
    }

    fn members(cluster: &ClusterId) -> Vec<WorkerId> {
        let workers = ClusterWorkers::<T>::get(H256(cluster.0));
        workers.iter().map(|worker| WorkerId(worker.0)).collect()
    }

    fn at(place: u32) -> Option<ClusterId> {
        let number = u64::from(place).checked_rem(ClusterCounter::<T>::get())? + 1;
        let cluster = id_of_number(number);
        Clusters::<T>::contains_key(cluster).then_some(ClusterId(cluster.0))
    }

    fn push_rotation(cluster: &ClusterId, rotation: u32) -> DispatchResult {
        T::Mailbox::push(cluster, MailboxOperation::RotateKeys { rotation }).map(|_number| ())
    }

    fn push_retirement(cluster: &ClusterId) -> DispatchResult {
        T::Mailbox::push(cluster, MailboxOperation::RetireKeys).map(|_number| ())
    }

    fn on_contract_key_rotated(
        cluster: &ClusterId,
        contract: &ContractId,
        public_key: &[u8; 32],
    ) -> DispatchResult {
        let (cluster, contract) = (H256(cluster.0), H256(contract.0));
        let info = Contracts::<T>::get(contract).ok_or(Error::<T>::ContractNotFound)?;
        ensure!(info.cluster == cluster, Error::<T>::ContractOfOtherCluster);
        let pubkey = sr25519::Public::from_raw(*public_key);
        Self::deposit_event(Event::ContractPubkeyAvailable {
            contract,
            cluster,
            pubkey,
        });
        Ok(())
    }

    fn on_worker_removed(worker: &WorkerId) {
        WorkerOffers::<T>::remove(sr25519::Public::from_raw(worker.0));
    }

    fn on_cluster_key(cluster: &ClusterId, public_key: &[u8; 32]) {
        let pubkey = sr25519::Public::from_raw(*public_key);
        Self::deposit_event(Event::ClusterPubkeyAvailable {
            cluster: H256(cluster.0),
            pubkey,
        });
    }

    fn on_contract_keys(
        cluster: &ClusterId,
        contract: &ContractId,
        deployer: &AccountId,
        public_key: &[u8; 32],
    ) -> DispatchResult {
        let (cluster, contract) = (H256(cluster.0), H256(contract.0));
        let deployer = match Contracts::<T>::get(contract) {
            Some(info) => {
                ensure!(info.cluster == cluster, Error::<T>::ContractOfOtherCluster);
                info.deployer
            }
            None => {
                // Made by another contract: the chain hears of it here.
                let deployer = AccountId32::new(deployer.0);
                Self::add_contract(cluster, contract, &deployer)?;
                deployer
            }
        };
        PendingContracts::<T>::remove(cluster, contract);
        ClusterContracts::<T>::try_append(cluster, contract)
            .map_err(|()| Error::<T>::TooManyContracts)?;
        let pubkey = sr25519::Public::from_raw(*public_key);
        Self::deposit_event(Event::ContractPubkeyAvailable {
            contract,
            cluster,
            pubkey,
        });
        let deployer = H256(deployer.into());
        Self::deposit_event(Event::Instantiated {
            contract,
            cluster,
            deployer,
        });
        Ok(())
    }
}
