//! Every rule at its boundaries.

mod driver;
mod examples;
mod leaving;
mod money;
mod settings;
mod vaults;
mod voting;

use crate::mock::*;
use crate::*;
use economics::Permill;
use frame_support::{assert_ok, traits::UnfilteredDispatchable};
use polkadot_sdk::*;
use primitives::{Balance, units::PHA};
use sp_runtime::DispatchResult;

/// Calls as a transaction does: what is refused leaves no trace.
fn call(who: u8, call: Call<Test>) -> DispatchResult {
    let origin = signed(who);
    frame_support::storage::with_storage_layer(|| {
        call.dispatch_bypass_filter(origin)
            .map(|_| ())
            .map_err(|refused| refused.error)
    })
}

fn contribute(who: u8, pid: PoolId, amount: Balance) -> DispatchResult {
    call(
        who,
        Call::contribute {
            pid,
            amount,
            as_vault: None,
        },
    )
}

fn invest(owner: u8, vault: PoolId, pid: PoolId, amount: Balance) -> DispatchResult {
    call(
        owner,
        Call::contribute {
            pid,
            amount,
            as_vault: Some(vault),
        },
    )
}

fn withdraw(who: u8, pid: PoolId, shares: u128) -> DispatchResult {
    call(
        who,
        Call::withdraw {
            pid,
            shares,
            as_vault: None,
        },
    )
}

fn check(pid: PoolId) -> DispatchResult {
    call(8, Call::check_and_maybe_force_withdraw { pid })
}

fn start(pid: PoolId, seed: u8, stake: Balance) -> DispatchResult {
    call(
        1,
        Call::start_computing {
            pid,
            worker: worker(seed),
            stake,
        },
    )
}

fn stop(pid: PoolId, seed: u8) -> DispatchResult {
    call(
        1,
        Call::stop_computing {
            pid,
            worker: worker(seed),
        },
    )
}

fn reclaim(pid: PoolId, seed: u8) -> DispatchResult {
    call(
        8,
        Call::reclaim_pool_worker {
            pid,
            worker: worker(seed),
        },
    )
}

fn transfer(from: u8, pid: PoolId, to: u8, shares: u128) -> DispatchResult {
    call(
        from,
        Call::transfer_shares {
            pid,
            to: account(to),
            shares,
        },
    )
}

/// A stake pool of account 1 with the given workers, of 1 to 9.
fn stake_pool(workers: &[u8]) -> PoolId {
    let pid = PoolCount::<Test>::get();
    assert_ok!(call(1, Call::create {}));
    for seed in workers {
        assert_ok!(call(
            1,
            Call::add_worker {
                pid,
                pubkey: worker(*seed)
            }
        ));
    }
    pid
}

/// A vault of account 2.
fn vault() -> PoolId {
    let pid = PoolCount::<Test>::get();
    assert_ok!(call(2, Call::create_vault {}));
    pid
}

fn pool(pid: PoolId) -> Pool<sp_runtime::AccountId32> {
    Pools::<Test>::get(pid).unwrap()
}

fn shares(pid: PoolId, who: u8) -> u128 {
    delegation(pid, who).shares
}

fn queued(pid: PoolId, who: u8) -> u128 {
    delegation(pid, who).queued
}

fn delegation(pid: PoolId, who: u8) -> Delegation {
    Delegations::<Test>::get(pid, account(who)).unwrap_or_default()
}

/// What is behind the workers of a pool that compute, and that cool down.
fn at_stake(pid: PoolId) -> (Balance, Balance) {
    let pool = pool(pid);
    let inner = pool.stake_pool().unwrap();
    (inner.computing, inner.cooling)
}

/// Sets a commission that holds.
fn commission(owner: u8, pid: PoolId, percent: u32) {
    let payout_commission = Some(Permill::from_parts(percent * 10_000));
    assert_ok!(call(
        owner,
        Call::set_payout_pref {
            pid,
            payout_commission
        }
    ));
}

/// Asserts that something is refused for a reason.
#[track_caller]
fn refused(result: DispatchResult, error: Error<Test>) {
    assert_eq!(result, Err(error.into()));
}

/// Half a PHA and the like.
const fn milli(amount: Balance) -> Balance {
    amount * PHA / 1_000
}
