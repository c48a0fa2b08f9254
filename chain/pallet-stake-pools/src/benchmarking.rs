//! Benchmarks, of the longest walks that the bounds allow where that is more than a few reads.

use crate::*;
use alloc::{format, vec, vec::Vec};
use economics::Permill;
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::traits::fungible::{Inspect, Mutate},
    frame_system::RawOrigin,
    sp_core::Get,
    sp_runtime::AccountId32,
};
use primitives::{Balance, WorkerId, units::PHA};

/// What benchmarks need of the pallet of sessions and of the clock.
pub trait BenchmarkHelper {
    /// Registers a worker with an operator and a benchmark; returns the least stake of its session.
    fn register(worker: &WorkerId, operator: &AccountId32) -> Balance;

    /// Lets time pass: long enough for stake to cool down, with as many seconds as that takes.
    fn pass(seconds: u64);
}

/// More than any cool-down and any wait in a queue.
const LONG: u64 = 60 * 24 * 3600;

fn rich<T: Config>(name: &'static str, index: u32) -> AccountId32 {
    let who: AccountId32 = account(name, index, 0);
    let amount = T::Currency::minimum_balance().saturating_add(1_000_000 * PHA);
    T::Currency::set_balance(&who, amount);
    who
}

fn signed(who: &AccountId32) -> RawOrigin<AccountId32> {
    RawOrigin::Signed(who.clone())
}

/// A pool that was just made, and its owner.
fn make<T: Config>(vault: bool) -> Result<(PoolId, AccountId32), BenchmarkError> {
    // The treasury takes slashes and what rounding leaves.
    T::Currency::set_balance(&T::Treasury::get(), PHA);
    let owner = rich::<T>(if vault { "vault owner" } else { "owner" }, 0);
    let pid = PoolCount::<T>::get();
    if vault {
        Pallet::<T>::create_vault(signed(&owner).into())?;
    } else {
        Pallet::<T>::create(signed(&owner).into())?;
    }
    Ok((pid, owner))
}

/// Gives a stake pool a worker; returns it with its least stake.
fn with_worker<T: Config>(
    pid: PoolId,
    owner: &AccountId32,
    index: u8,
) -> Result<(WorkerId, Balance), BenchmarkError> {
    let mut id = [index; 32];
    id[..8].copy_from_slice(&pid.to_le_bytes());
    let worker = WorkerId(id);
    let stake = T::BenchmarkHelper::register(&worker, owner);
    Pallet::<T>::add_worker(signed(owner).into(), pid, worker)?;
    Ok((worker, stake))
}

/// As many people with a request each as one call pays, in a pool whose money is at work.
fn with_queue<T: Config>(pid: PoolId, amount: Balance) -> Result<(), BenchmarkError> {
    for index in 0..QUEUE_STEP_MAX {
        let staker = rich::<T>("staker", index);
        Pallet::<T>::contribute(signed(&staker).into(), pid, amount, None)?;
    }
    Ok(())
}

/// They all ask for their money.
fn ask<T: Config>(pid: PoolId) -> Result<(), BenchmarkError> {
    for index in 0..QUEUE_STEP_MAX {
        let staker: AccountId32 = account("staker", index, 0);
        let shares = Delegations::<T>::get(pid, &staker).map_or(0, |staker| staker.shares);
        Pallet::<T>::withdraw(signed(&staker).into(), pid, shares, None)?;
    }
    Ok(())
}

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn create() {
        let owner = rich::<T>("owner", 0);
        #[extrinsic_call]
        _(signed(&owner));
        assert_eq!(PoolCount::<T>::get(), 1);
    }

    #[benchmark]
    fn add_worker() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        for index in 1..100 {
            with_worker::<T>(pid, &owner, index)?;
        }
        let worker = WorkerId([255; 32]);
        T::BenchmarkHelper::register(&worker, &owner);
        #[extrinsic_call]
        _(signed(&owner), pid, worker);
        assert_eq!(WorkerAssignments::<T>::get(worker), Some(pid));
        Ok(())
    }

    #[benchmark]
    fn remove_worker() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        let (worker, _) = with_worker::<T>(pid, &owner, 1)?;
        #[extrinsic_call]
        _(signed(&owner), pid, worker);
        assert_eq!(WorkerAssignments::<T>::get(worker), None);
        Ok(())
    }

    #[benchmark]
    fn set_cap() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        #[extrinsic_call]
        _(signed(&owner), pid, PHA);
        Ok(())
    }

    #[benchmark]
    fn set_payout_pref() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(true)?;
        invested::<T>(pid, &owner)?;
        #[extrinsic_call]
        _(signed(&owner), pid, Some(Permill::from_parts(1)));
        Ok(())
    }

    #[benchmark]
    fn claim_owner_rewards() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        let account = Pallet::<T>::pool_account(pid);
        T::Currency::set_balance(&account, T::Currency::minimum_balance() + PHA);
        Pools::<T>::mutate(pid, |pool| {
            if let Some(inner) = pool.as_mut().and_then(Pool::stake_pool_mut) {
                inner.owner_rewards = PHA;
            }
        });
        #[extrinsic_call]
        _(signed(&owner), pid, owner.clone());
        Ok(())
    }

    /// Most stops; what is paid is measured by `contribute`.
    #[benchmark]
    fn check_and_maybe_force_withdraw() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        let mut workers = Vec::new();
        for index in 0..STOPS_MAX as u8 {
            workers.push(with_worker::<T>(pid, &owner, index)?);
        }
        let sum: Balance = workers.iter().map(|(_, stake)| *stake).sum();
        with_queue::<T>(pid, sum / Balance::from(QUEUE_STEP_MAX) + 1)?;
        for (worker, stake) in workers {
            Pallet::<T>::start_computing(signed(&owner).into(), pid, worker, stake)?;
        }
        ask::<T>(pid)?;
        T::BenchmarkHelper::pass(LONG);
        #[extrinsic_call]
        _(signed(&owner), pid);
        assert!(ComputingWorkers::<T>::get(pid).is_empty());
        Ok(())
    }

    #[benchmark]
    fn contribute() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        let (worker, stake) = with_worker::<T>(pid, &owner, 1)?;
        with_queue::<T>(pid, stake)?;
        let all = stake * Balance::from(QUEUE_STEP_MAX);
        Pallet::<T>::start_computing(signed(&owner).into(), pid, worker, all)?;
        ask::<T>(pid)?;
        let who = rich::<T>("last", 0);
        T::Currency::set_balance(&who, all.saturating_mul(2));
        #[extrinsic_call]
        _(signed(&who), pid, all, None);
        assert!(Requests::<T>::iter_keys().next().is_none());
        Ok(())
    }

    #[benchmark]
    fn withdraw() -> Result<(), BenchmarkError> {
        let (pid, _) = make::<T>(false)?;
        with_queue::<T>(pid, PHA)?;
        let staker: AccountId32 = account("staker", 0, 0);
        #[extrinsic_call]
        _(signed(&staker), pid, PHA, None);
        assert!(!Delegations::<T>::contains_key(pid, &staker));
        Ok(())
    }

    #[benchmark]
    fn cancel_withdraw() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        let (worker, stake) = with_worker::<T>(pid, &owner, 1)?;
        let who = rich::<T>("staker", 0);
        let amount = stake.max(4 * PHA);
        Pallet::<T>::contribute(signed(&who).into(), pid, amount, None)?;
        Pallet::<T>::start_computing(signed(&owner).into(), pid, worker, amount)?;
        for times in 1..=Balance::from(STAKER_REQUESTS_MAX) {
            T::BenchmarkHelper::pass(1);
            Pallet::<T>::withdraw(signed(&who).into(), pid, times * PHA / 2, None)?;
        }
        #[extrinsic_call]
        _(signed(&who), pid, None);
        assert!(Requests::<T>::iter_keys().next().is_none());
        Ok(())
    }

    #[benchmark]
    fn start_computing() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        let (worker, stake) = with_worker::<T>(pid, &owner, 1)?;
        Pallet::<T>::contribute(signed(&owner).into(), pid, stake.max(PHA), None)?;
        #[extrinsic_call]
        _(signed(&owner), pid, worker, stake);
        Ok(())
    }

    #[benchmark]
    fn stop_computing() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        let (worker, stake) = with_worker::<T>(pid, &owner, 1)?;
        Pallet::<T>::contribute(signed(&owner).into(), pid, stake.max(PHA), None)?;
        Pallet::<T>::start_computing(signed(&owner).into(), pid, worker, stake)?;
        #[extrinsic_call]
        _(signed(&owner), pid, worker);
        Ok(())
    }

    #[benchmark]
    fn reclaim_pool_worker() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        let (worker, stake) = with_worker::<T>(pid, &owner, 1)?;
        with_queue::<T>(pid, stake)?;
        let all = stake * Balance::from(QUEUE_STEP_MAX);
        Pallet::<T>::start_computing(signed(&owner).into(), pid, worker, all)?;
        ask::<T>(pid)?;
        Pallet::<T>::stop_computing(signed(&owner).into(), pid, worker)?;
        T::BenchmarkHelper::pass(LONG);
        #[extrinsic_call]
        _(signed(&owner), pid, worker);
        assert!(Requests::<T>::iter_keys().next().is_none());
        Ok(())
    }

    #[benchmark]
    fn transfer_shares() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(true)?;
        invested::<T>(pid, &owner)?;
        #[extrinsic_call]
        _(signed(&owner), pid, account("other", 0, 0), PHA);
        Ok(())
    }

    #[benchmark]
    fn set_pool_description() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        #[extrinsic_call]
        _(
            signed(&owner),
            pid,
            vec![b'a'; DESCRIPTION_BYTES_MAX as usize],
        );
        Ok(())
    }

    #[benchmark]
    fn change_whitelist() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(false)?;
        for index in 1..WHITELIST_MAX {
            let staker = account("listed", index, 0);
            Pallet::<T>::add_staker_to_whitelist(signed(&owner).into(), pid, staker)?;
        }
        #[extrinsic_call]
        add_staker_to_whitelist(signed(&owner), pid, account("listed", 0, 0));
        Ok(())
    }

    #[benchmark]
    fn claim_owner_shares() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(true)?;
        invested::<T>(pid, &owner)?;
        // The owner's delegation, as if it had been gained.
        let shares = Delegations::<T>::take(pid, &owner).map_or(0, |mine| mine.shares);
        StakerPools::<T>::remove(&owner);
        Pools::<T>::mutate(pid, |pool| {
            if let Some(inner) = pool.as_mut().and_then(Pool::vault_mut) {
                inner.owner_shares = shares;
            }
        });
        #[extrinsic_call]
        _(signed(&owner), pid, owner.clone(), shares);
        Ok(())
    }

    #[benchmark]
    fn maybe_gain_owner_shares() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(true)?;
        invested::<T>(pid, &owner)?;
        #[extrinsic_call]
        _(signed(&owner), pid);
        Ok(())
    }

    #[benchmark]
    fn voting_power() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(true)?;
        invested::<T>(pid, &owner)?;
        let power;
        #[block]
        {
            power = <Pallet<T> as VotingPower<AccountId32>>::shares_value(&owner);
        }
        assert!(power > 0, "{}", format!("{power}"));
        Ok(())
    }

    #[benchmark]
    fn lock_shares() -> Result<(), BenchmarkError> {
        let (pid, owner) = make::<T>(true)?;
        invested::<T>(pid, &owner)?;
        let power = <Pallet<T> as VotingPower<AccountId32>>::shares_value(&owner);
        #[block]
        {
            <Pallet<T> as ShareLocks<AccountId32>>::lock_shares([1; 8], &owner, power)?;
        }
        Ok(())
    }

    impl_benchmark_test_suite!(
        Pallet,
        polkadot_sdk::sp_io::TestExternalities::new(crate::mock::storage()),
        crate::mock::Test
    );
}

/// Money of its owner's in a vault, which has shares of as many stake pools as it may.
fn invested<T: Config>(vault: PoolId, owner: &AccountId32) -> Result<(), BenchmarkError> {
    let pools = Balance::from(ACCOUNT_POOLS_MAX);
    let caller = signed(owner);
    Pallet::<T>::contribute(caller.clone().into(), vault, 2 * pools * PHA, None)?;
    for _ in 0..pools {
        let (pid, _) = make::<T>(false)?;
        Pallet::<T>::contribute(caller.clone().into(), pid, PHA, Some(vault))?;
    }
    Ok(())
}
