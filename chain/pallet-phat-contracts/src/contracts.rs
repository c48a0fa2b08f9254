//! Code, contracts and commands.

use crate::clusters::{account, cluster_id};
use crate::*;
use alloc::vec::Vec;
use pallet_mailbox::Mailbox;
use polkadot_sdk::{
    frame_support::{
        BoundedVec, ensure,
        traits::{fungible::MutateHold, tokens::Precision},
    },
    sp_core::{ConstU32, Get, H256},
    sp_runtime::{AccountId32, DispatchResult},
};
use primitives::bounds::{
    CLUSTER_CONTRACTS_MAX, CODE_BYTES_MAX, COMMAND_BYTES_MAX, INSTANTIATE_BYTES_MAX, SALT_BYTES_MAX,
};
use primitives::{Balance, ClusterId, CodeHash, ContractId};
use wire::command::ENCRYPTED_COMMAND;
use wire::domain::{code_hash, contract_id};
use wire::mailbox::MailboxOperation;

/// How WebAssembly begins.
const WASM_MAGIC: [u8; 4] = *b"\0asm";

/// What a contract is made with.
pub(crate) struct Instantiation {
    pub code_hash: H256,
    pub data: Vec<u8>,
    pub salt: Vec<u8>,
    pub transfer: Balance,
    pub gas_limit: u64,
    pub storage_deposit_limit: Option<Balance>,
}

impl<T: Config> ContractClusters for Pallet<T> {
    fn cluster_of(contract: &ContractId) -> Option<ClusterId> {
        Contracts::<T>::get(H256(contract.0)).map(|info| cluster_id(info.cluster))
    }

    fn push_stake(contract: &ContractId, stake: Balance) -> DispatchResult {
        let cluster = Self::cluster_of(contract).ok_or(Error::<T>::ContractNotFound)?;
        let operation = MailboxOperation::SetStake {
            contract: *contract,
            stake,
        };
        T::Mailbox::push(&cluster, operation).map(|_number| ())
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_upload_resource(
        owner: AccountId32,
        cluster: H256,
        kind: ClusterResourceType,
        code: Vec<u8>,
    ) -> DispatchResult {
        ensure!(
            kind == ClusterResourceType::InkCode,
            Error::<T>::ResourceNotSupported
        );
        ensure!(
            code.len() <= CODE_BYTES_MAX as usize,
            Error::<T>::PayloadTooLarge
        );
        ensure!(code.starts_with(&WASM_MAGIC), Error::<T>::InvalidCode);
        Self::ensure_permitted(cluster, &owner)?;
        let hash = H256(code_hash(&code).0);
        if ClusterCodes::<T>::contains_key(cluster, hash) {
            // The cluster has it: what was asked for holds.
            return Ok(());
        }
        Self::keep_code(&owner, hash, code)?;
        let operation = MailboxOperation::UploadCode {
            code_hash: CodeHash(hash.0),
        };
        let number = T::Mailbox::push(&cluster_id(cluster), operation)?;
        ClusterCodes::<T>::insert(
            cluster,
            hash,
            ClusterCode {
                number,
                contracts: 0,
            },
        );
        Self::deposit_event(Event::CodeUploaded {
            cluster,
            code_hash: hash,
            owner,
        });
        Ok(())
    }

    /// Stores code for one more cluster; the first upload pays.
    fn keep_code(owner: &AccountId32, hash: H256, code: Vec<u8>) -> DispatchResult {
        if let Some(mut info) = CodeInfos::<T>::get(hash) {
            info.clusters = info.clusters.saturating_add(1);
            CodeInfos::<T>::insert(hash, info);
            return Ok(());
        }
        let size = code.len() as u32;
        let code: BoundedVec<u8, ConstU32<CODE_BYTES_MAX>> =
            code.try_into().map_err(|_| Error::<T>::PayloadTooLarge)?;
        let deposit = T::CodeDepositPerByte::get().saturating_mul(Balance::from(size));
        T::Currency::hold(&HoldReason::CodeUpload.into(), owner, deposit)?;
        CodeBlobs::<T>::insert(hash, code);
        let info = CodeInfo {
            owner: owner.clone(),
            deposit,
            size,
            clusters: 1,
        };
        CodeInfos::<T>::insert(hash, info);
        Ok(())
    }

    /// Takes code from a cluster; with the last cluster it goes, and the deposit comes back.
    pub(crate) fn drop_code(cluster: H256, hash: H256) -> DispatchResult {
        ClusterCodes::<T>::remove(cluster, hash);
        let Some(mut info) = CodeInfos::<T>::get(hash) else {
            return Ok(());
        };
        info.clusters = info.clusters.saturating_sub(1);
        if info.clusters > 0 {
            CodeInfos::<T>::insert(hash, info);
            return Ok(());
        }
        CodeInfos::<T>::remove(hash);
        CodeBlobs::<T>::remove(hash);
        let reason = HoldReason::CodeUpload.into();
        T::Currency::release(&reason, &info.owner, info.deposit, Precision::BestEffort)?;
        Ok(())
    }

    pub(crate) fn do_remove_code(owner: &AccountId32, cluster: H256, hash: H256) -> DispatchResult {
        let code = ClusterCodes::<T>::get(cluster, hash).ok_or(Error::<T>::CodeNotFound)?;
        let info = CodeInfos::<T>::get(hash).ok_or(Error::<T>::CodeNotFound)?;
        ensure!(info.owner == *owner, Error::<T>::NotCodeOwner);
        let read_by_all = Self::least_next_number(cluster) > code.number;
        ensure!(code.contracts == 0 && read_by_all, Error::<T>::CodeInUse);
        Self::drop_code(cluster, hash)?;
        Self::deposit_event(Event::CodeRemoved {
            cluster,
            code_hash: hash,
        });
        Ok(())
    }

    pub(crate) fn do_instantiate_contract(
        deployer: AccountId32,
        cluster: H256,
        instantiation: Instantiation,
        deposit: Balance,
    ) -> DispatchResult {
        let Instantiation {
            code_hash,
            data,
            salt,
            transfer,
            gas_limit,
            storage_deposit_limit,
        } = instantiation;
        ensure!(
            data.len() <= INSTANTIATE_BYTES_MAX as usize,
            Error::<T>::InputTooLong
        );
        ensure!(
            salt.len() <= SALT_BYTES_MAX as usize,
            Error::<T>::SaltTooLong
        );
        Self::ensure_permitted(cluster, &deployer)?;
        let mut code =
            ClusterCodes::<T>::get(cluster, code_hash).ok_or(Error::<T>::CodeNotFound)?;
        let id = contract_id(
            &account(&deployer).0,
            &CodeHash(code_hash.0),
            &cluster_id(cluster),
            &salt,
        );
        let contract = H256(id.0);
        Self::add_contract(cluster, contract, &deployer)?;
        PendingContracts::<T>::insert(cluster, contract, ());
        code.contracts = code.contracts.saturating_add(1);
        ClusterCodes::<T>::insert(cluster, code_hash, code);
        Self::deposit_to_cluster(&deployer, deposit, cluster, &deployer)?;
        let operation = MailboxOperation::Instantiate {
            contract: id,
            deployer: account(&deployer),
            code_hash: CodeHash(code_hash.0),
            input: data,
            salt,
            transfer,
            gas_limit,
            storage_deposit_limit,
        };
        T::Mailbox::push(&cluster_id(cluster), operation)?;
        Self::deposit_event(Event::Instantiating {
            contract,
            cluster,
            deployer,
        });
        Ok(())
    }

    /// Records a contract that is new.
    pub(crate) fn add_contract(
        cluster: H256,
        contract: H256,
        deployer: &AccountId32,
    ) -> DispatchResult {
        ensure!(
            !Contracts::<T>::contains_key(contract),
            Error::<T>::DuplicatedContract
        );
        let count = ContractCount::<T>::get(cluster);
        ensure!(count < CLUSTER_CONTRACTS_MAX, Error::<T>::TooManyContracts);
        ContractCount::<T>::insert(cluster, count + 1);
        let info = ContractInfo {
            deployer: deployer.clone(),
            cluster,
        };
        Contracts::<T>::insert(contract, info);
        Ok(())
    }

    pub(crate) fn do_push_contract_message(
        sender: AccountId32,
        contract: H256,
        payload: Vec<u8>,
        deposit: Balance,
    ) -> DispatchResult {
        ensure!(
            !payload.is_empty() && payload.len() <= COMMAND_BYTES_MAX as usize,
            Error::<T>::CommandTooLong
        );
        let info = Contracts::<T>::get(contract).ok_or(Error::<T>::ContractNotFound)?;
        let cluster = info.cluster;
        ensure!(
            Clusters::<T>::contains_key(cluster),
            Error::<T>::ClusterNotFound
        );
        // Refused here and not by the workers, so that what they run depends on the mailbox alone.
        ensure!(
            payload.first() != Some(&ENCRYPTED_COMMAND)
                || !CompatibleEdgesClosed::<T>::contains_key(cluster),
            Error::<T>::CompatibleEdgeClosed
        );
        Self::deposit_to_cluster(&sender, deposit, cluster, &sender)?;
        let operation = MailboxOperation::Command {
            contract: ContractId(contract.0),
            sender: account(&sender),
            payload,
        };
        T::Mailbox::push(&cluster_id(cluster), operation)?;
        Ok(())
    }
}
