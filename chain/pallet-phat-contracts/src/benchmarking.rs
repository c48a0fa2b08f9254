//! What clusters, contracts and reports cost, measured.

use crate::*;
use alloc::{vec, vec::Vec};
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::traits::fungible::Mutate,
    frame_system::RawOrigin,
    sp_core::{H256, sr25519},
    sp_runtime::AccountId32,
};
use primitives::{
    StateRoot, WorkerId,
    bounds::{CLUSTER_WORKERS_MAX, CODE_BYTES_MAX, COMMAND_BYTES_MAX, INSTANTIATE_BYTES_MAX},
    units::PHA,
};
use wire::message::MessagePayload;

/// What a runtime must do to be measured.
pub trait BenchmarkSetup: Config {
    /// Registers a worker that is active and has something to lose.
    fn register(worker: &WorkerId);
}

fn worker(seed: u32) -> sr25519::Public {
    let mut id = [6; 32];
    id[..4].copy_from_slice(&seed.to_le_bytes());
    sr25519::Public::from_raw(id)
}

fn rich<T: Config>() -> AccountId32
where
    T::Currency: Mutate<AccountId32>,
{
    let who: AccountId32 = account("owner", 0, 0);
    T::Currency::set_balance(&who, 1_000_000 * PHA);
    who
}

/// A public cluster of so many workers.
fn cluster<T: BenchmarkSetup>(workers: u32) -> Result<(H256, AccountId32), BenchmarkError>
where
    T::Currency: Mutate<AccountId32>,
{
    let owner = rich::<T>();
    let deploy_workers: Vec<sr25519::Public> = (0..workers).map(worker).collect();
    for worker in &deploy_workers {
        T::register(&WorkerId(worker.0));
    }
    Pallet::<T>::add_cluster(
        RawOrigin::Root.into(),
        owner.clone(),
        ClusterPermission::Public,
        deploy_workers,
        PHA,
        1,
        1,
        1,
        owner.clone(),
    )?;
    let mut id = [0; 32];
    id[24..].copy_from_slice(&ClusterCounter::<T>::get().to_be_bytes());
    Ok((H256(id), owner))
}

fn code(bytes: u32) -> Vec<u8> {
    let mut code = vec![1; bytes.max(4) as usize];
    code[..4].copy_from_slice(b"\0asm");
    code
}

fn report<T: Config>(cluster: H256, seed: u32, root: u8) -> Result<(), BenchmarkError> {
    let payload = MessagePayload::Checkpoint {
        cluster: primitives::ClusterId(cluster.0),
        next_number: 1,
        state_root: StateRoot([root; 32]),
        block_number: 0,
    };
    Pallet::<T>::handle_message(&WorkerId(worker(seed).0), &payload)?;
    Ok(())
}

#[benchmarks(where T: BenchmarkSetup, T::Currency: Mutate<AccountId32>)]
mod measured {
    use super::*;

    #[benchmark]
    fn add_cluster(w: Linear<1, CLUSTER_WORKERS_MAX>) -> Result<(), BenchmarkError> {
        let owner = rich::<T>();
        let deploy_workers: Vec<sr25519::Public> = (0..w).map(worker).collect();
        for worker in &deploy_workers {
            T::register(&WorkerId(worker.0));
        }
        let (treasury, permission) = (owner.clone(), ClusterPermission::Public);

        #[extrinsic_call]
        _(RawOrigin::Root, owner, permission, deploy_workers, PHA, 1, 1, 1, treasury);

        Ok(())
    }

    #[benchmark]
    fn upload_resource(b: Linear<4, CODE_BYTES_MAX>) -> Result<(), BenchmarkError> {
        let (cluster, owner) = cluster::<T>(1)?;
        let kind = ClusterResourceType::InkCode;

        #[extrinsic_call]
        cluster_upload_resource(RawOrigin::Signed(owner), cluster, kind, code(b));

        Ok(())
    }

    #[benchmark]
    fn transfer_to_cluster() -> Result<(), BenchmarkError> {
        let (cluster, owner) = cluster::<T>(1)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), PHA, cluster, owner);

        Ok(())
    }

    #[benchmark]
    fn instantiate_contract(b: Linear<0, INSTANTIATE_BYTES_MAX>) -> Result<(), BenchmarkError> {
        let (cluster, owner) = cluster::<T>(1)?;
        let (kind, code) = (ClusterResourceType::InkCode, code(1_000));
        let hash = H256(wire::domain::code_hash(&code).0);
        let origin = RawOrigin::Signed(owner);
        Pallet::<T>::cluster_upload_resource(origin.clone().into(), cluster, kind, code)?;
        let (index, data) = (CodeIndex::WasmCode(hash), vec![1; b as usize]);

        #[extrinsic_call]
        _(origin, index, data, vec![2; 64], cluster, 0, 0, None, PHA);

        Ok(())
    }

    #[benchmark]
    fn push_contract_message(b: Linear<0, COMMAND_BYTES_MAX>) -> Result<(), BenchmarkError> {
        let (cluster, owner) = cluster::<T>(1)?;
        let contract = Clusters::<T>::get(cluster)
            .ok_or(BenchmarkError::Stop("no cluster"))?
            .system_contract;

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), contract, vec![1; b as usize], PHA);

        Ok(())
    }

    /// The report by which a majority of so many workers agrees, and all others are suspended.
    #[benchmark]
    fn checkpoint(w: Linear<1, CLUSTER_WORKERS_MAX>) -> Result<(), BenchmarkError> {
        let (cluster, _) = cluster::<T>(w)?;
        let majority = w / 2 + 1;
        for seed in majority..w {
            report::<T>(cluster, seed, 9)?;
        }
        for seed in 1..majority {
            report::<T>(cluster, seed, 8)?;
        }

        #[block]
        {
            report::<T>(cluster, 0, 8)?;
        }

        assert!(AgreedCheckpoints::<T>::contains_key(cluster));
        Ok(())
    }

    /// Of a member, with reports at as many numbers as are kept.
    #[benchmark]
    fn remove_worker() -> Result<(), BenchmarkError> {
        let (cluster, _) = cluster::<T>(CLUSTER_WORKERS_MAX)?;
        report::<T>(cluster, 3, 9)?;

        #[extrinsic_call]
        remove_worker_from_cluster(RawOrigin::Root, worker(3), cluster);

        Ok(())
    }

    #[benchmark]
    fn cluster_destroy() -> Result<(), BenchmarkError> {
        let (cluster, _) = cluster::<T>(CLUSTER_WORKERS_MAX)?;
        for seed in 0..CLUSTER_WORKERS_MAX / 2 {
            report::<T>(cluster, seed, 9)?;
        }

        #[extrinsic_call]
        _(RawOrigin::Root, cluster);

        assert!(!Clusters::<T>::contains_key(cluster));
        Ok(())
    }
}
