//! The runtime as what measures weights finds it: which pallets are measured, and what they need of one another for it.

use crate::*;
use alloc::{string::String, vec::Vec};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList, add_benchmark, list_benchmark};
use frame_support::traits::{StorageInfo, StorageInfoTrait as _, WhitelistedStorageKeys as _};
use pallet_worker_registry::benchmarking::register;
use primitives::{ClusterId, ContractId, StateRoot, WorkerId, units::PHA};
use sp_core::H256;

macro_rules! measured {
    ($macro:ident, $first:ident, $second:ident) => {
        $macro!($first, $second, pallet_worker_registry, PhalaRegistry);
        $macro!($first, $second, pallet_mailbox, PhalaMq);
        $macro!($first, $second, pallet_phat_contracts, PhalaPhatContracts);
        $macro!($first, $second, pallet_contract_stakes, PhalaPhatTokenomic);
        $macro!($first, $second, pallet_gatekeepers, PhalaGatekeepers);
        $macro!($first, $second, pallet_gatekeeper_bonds, PhalaGatekeeperBonds);
        $macro!($first, $second, pallet_computation, PhalaComputation);
        $macro!($first, $second, pallet_stake_pools, PhalaStakePoolv2);
    };
}

/// What is measured, and how storage is laid out.
pub(crate) fn metadata(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
    let mut list = Vec::<BenchmarkList>::new();
    measured!(list_benchmark, list, extra);
    (list, AllPalletsWithSystem::storage_info())
}

/// Runs one benchmark.
pub(crate) fn dispatch(config: &BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
    let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
    let mut batches = Vec::<BenchmarkBatch>::new();
    let params = (config, &whitelist);
    measured!(add_benchmark, params, batches);
    Ok(batches)
}

/// A benchmark of the economy's machines, at a score that may put up 5000 PHA.
const SCORE: u32 = 1_000;

fn score(worker: &WorkerId) {
    let benchmark = pallet_computation::Benchmark {
        score: SCORE,
        measured_at_ms: pallet_timestamp::Now::<Runtime>::get(),
        iterations: 10_000,
    };
    pallet_computation::Benchmarks::<Runtime>::insert(worker, benchmark);
}

/// What benchmarks of pools need of sessions.
pub struct Pools;

impl pallet_stake_pools::benchmarking::BenchmarkHelper for Pools {
    fn register(worker: &WorkerId, operator: &AccountId) -> Balance {
        register::<Runtime>(worker, Some(operator.clone()));
        score(worker);
        let parameters = pallet_computation::TokenomicParameters::<Runtime>::get();
        parameters.stake_min(SCORE).to_balance() + PHA
    }

    fn pass(seconds: u64) {
        pallet_timestamp::Now::<Runtime>::mutate(|now| *now += seconds * 1000);
        // What was settled in a block is settled again in another one only.
        let next = System::block_number() + 1;
        System::set_block_number(next);
    }
}

impl pallet_computation::benchmarking::BenchmarkSetup for Runtime {
    fn governance() -> RuntimeOrigin {
        RuntimeOrigin::root()
    }

    fn register(worker: &WorkerId, operator: &AccountId) {
        register::<Runtime>(worker, Some(operator.clone()));
    }

    fn fund(session: &AccountId, stake: Balance) {
        let worker = pallet_computation::SessionBindings::<Runtime>::get(session);
        pallet_stake_pools::benchmarking::adopt::<Runtime>(
            session,
            worker.unwrap_or(WorkerId([0; 32])),
            stake,
        );
    }
}

impl pallet_gatekeeper_bonds::benchmarking::BenchmarkSetup for Runtime {
    fn governance() -> RuntimeOrigin {
        RuntimeOrigin::root()
    }

    fn register(worker: &WorkerId, operator: &AccountId) {
        register::<Runtime>(worker, Some(operator.clone()));
    }
}

impl pallet_gatekeepers::benchmarking::BenchmarkSetup for Runtime {
    fn register(worker: &WorkerId) {
        register::<Runtime>(worker, None);
    }

    fn assign(worker: &WorkerId, cluster: &ClusterId) {
        let key = sp_core::sr25519::Public::from_raw(worker.0);
        pallet_phat_contracts::ClusterByWorkers::<Runtime>::insert(key, H256(cluster.0));
    }
}

impl pallet_mailbox::benchmarking::BenchmarkSetup for Runtime {
    fn register(worker: &WorkerId) {
        register::<Runtime>(worker, None);
    }

    fn agree(cluster: &ClusterId, next_number: u64) {
        let agreed = pallet_phat_contracts::AgreedCheckpoint {
            next_number,
            state_root: StateRoot([0; 32]),
            agreed_at: 1,
        };
        pallet_phat_contracts::AgreedCheckpoints::<Runtime>::insert(H256(cluster.0), agreed);
    }
}

impl pallet_phat_contracts::benchmarking::BenchmarkSetup for Runtime {
    fn register(worker: &WorkerId) {
        use pallet_computation::benchmarking::BenchmarkSetup as Setup;
        register::<Runtime>(worker, Some(AccountId::new(worker.0)));
        score(worker);
        // It mines as well, so that a divergence takes its stake.
        let session = AccountId::new(sp_core::blake2_256(&worker.0));
        let stake = 5_000 * PHA;
        let started = <PhalaComputation as mining_api::Sessions<_>>::bind(&session, worker)
            .map(|()| <Runtime as Setup>::fund(&session, stake))
            .and_then(|()| <PhalaComputation as mining_api::Sessions<_>>::start(&session, stake));
        debug_assert!(started.is_ok(), "{started:?}");
    }
}

impl pallet_contract_stakes::benchmarking::BenchmarkSetup for Runtime {
    fn contract() -> ContractId {
        let id = [9; 32];
        let info = pallet_phat_contracts::ContractInfo {
            deployer: AccountId::new([1; 32]),
            cluster: H256(id),
        };
        pallet_phat_contracts::Contracts::<Runtime>::insert(H256([8; 32]), info);
        ContractId([8; 32])
    }
}
