//! A runtime of money and stakes, with contracts that a test says.

use crate as pallet_contract_stakes;
use frame_support::{derive_impl, parameter_types};
use pallet_phat_contracts::ContractClusters;
use polkadot_sdk::*;
use primitives::{Balance, ClusterId, ContractId};
use sp_core::H256;
use sp_runtime::{AccountId32, BuildStorage, DispatchError, DispatchResult, traits::IdentityLookup};

/// What each account starts with.
pub const ENDOWMENT: u128 = 10_000;
/// The least stake.
pub const STAKE_MIN: u128 = 100;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Stakes: pallet_contract_stakes,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<u128>;
}

parameter_types! {
    pub const StakeMin: u128 = STAKE_MIN;
    pub const ExistentialDeposit: u128 = 10;
    /// Contracts 1 and 2 exist until they are taken out of here.
    pub static Known: Vec<u8> = vec![1, 2];
    /// Whether the mailbox takes entries.
    pub static Takes: bool = true;
    /// What clusters were told: contract and sum.
    pub static Told: Vec<(u8, Balance)> = Vec::new();
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = u128;
    type ExistentialDeposit = ExistentialDeposit;
}

/// What [`Known`], [`Takes`] and [`Told`] say.
pub struct TestContracts;

impl ContractClusters for TestContracts {
    fn cluster_of(contract: &ContractId) -> Option<ClusterId> {
        Known::get().contains(&contract.0[0]).then_some(ClusterId([9; 32]))
    }

    fn push_stake(contract: &ContractId, stake: Balance) -> DispatchResult {
        if !Takes::get() {
            return Err(DispatchError::Other("full"));
        }
        Told::mutate(|told| told.push((contract.0[0], stake)));
        Ok(())
    }
}

impl pallet_contract_stakes::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Contracts = TestContracts;
    type StakeMin = StakeMin;
}

pub fn account(seed: u8) -> AccountId32 {
    AccountId32::new([seed; 32])
}

pub fn contract(seed: u8) -> H256 {
    H256([seed; 32])
}

/// Sets an account's stake.
pub fn stake(who: u8, on: u8, amount: Balance) -> DispatchResult {
    Stakes::adjust_stake(RuntimeOrigin::signed(account(who)), contract(on), amount)
}

/// Runs a test at block 1, then checks the state.
pub fn run(test: impl FnOnce()) {
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: (1..=3).map(|seed| (account(seed), ENDOWMENT)).collect(),
            ..Default::default()
        },
        ..Default::default()
    }
    .build_storage()
    .unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        System::set_block_number(1);
        Known::set(vec![1, 2]);
        Takes::set(true);
        Told::take();
        test();
        Stakes::do_try_state().unwrap();
    });
}
