//! A runtime of bonds and balances, with workers that a test says.

use crate as pallet_gatekeeper_bonds;
use crate::*;
use economics::Permill;
use frame_support::{
    PalletId, derive_impl, ensure, parameter_types,
    traits::{Hooks, fungible::Inspect},
};
use pallet_gatekeepers::{Misbehaviour, OffenceKind, OnMisbehaviour};
use pallet_worker_registry::{GatekeeperDirectory, GatekeeperSet, WorkerDirectory, WorkerRecords};
use polkadot_sdk::*;
use primitives::{Balance, GenesisHash, HpkePublicKey, WorkerId, units::PHA};
use sp_runtime::{
    AccountId32, BuildStorage, DispatchError, DispatchResult, traits::IdentityLookup,
};

/// What each account starts with.
pub const ENDOWMENT: Balance = 1_000 * PHA;
/// Accounts with money, from 1; each operates the worker of its number.
pub const ACCOUNTS: u8 = 9;
/// The treasury.
pub const TREASURY: AccountId32 = AccountId32::new([201; 32]);

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        GatekeeperBonds: pallet_gatekeeper_bonds,
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
    pub const BondsId: PalletId = PalletId(*b"phala/gk");
    pub const TreasuryAccount: AccountId32 = TREASURY;
    pub const ExistentialDeposit: Balance = PHA / 100;
    /// The registry's list.
    pub static Office: Vec<WorkerId> = Vec::new();
    pub static Inactive: Vec<WorkerId> = Vec::new();
    /// Workers whose evidence is of the worst tier.
    pub static Weak: Vec<WorkerId> = Vec::new();
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ExistentialDeposit;
}

/// Workers 1 to 9, each operated by the account of its number.
pub struct TestWorkers;

impl WorkerDirectory for TestWorkers {
    fn genesis_hash() -> GenesisHash {
        GenesisHash([69; 32])
    }

    fn is_active(worker: &WorkerId) -> bool {
        !Inactive::get().contains(worker)
    }

    fn hpke_public_key(_: &WorkerId) -> Option<HpkePublicKey> {
        None
    }

    fn is_gatekeeper(worker: &WorkerId) -> bool {
        Office::get().contains(worker)
    }
}

impl WorkerRecords<AccountId32> for TestWorkers {
    fn operator(worker: &WorkerId) -> Option<AccountId32> {
        (worker.0[0] <= ACCOUNTS).then_some(AccountId32::new(worker.0))
    }

    fn confidence_level(worker: &WorkerId) -> Option<u8> {
        Some(if Weak::get().contains(worker) { 5 } else { 1 })
    }
}

impl GatekeeperDirectory for TestWorkers {
    fn gatekeepers() -> Vec<WorkerId> {
        Office::get()
    }

    fn is_development_network() -> bool {
        false
    }

    fn set_network_key(_: &[u8; 32]) {}
}

impl GatekeeperSet for TestWorkers {
    fn appoint(worker: &WorkerId) -> DispatchResult {
        ensure!(!Office::get().contains(worker), DispatchError::Other("appointed"));
        Office::mutate(|office| office.push(*worker));
        Ok(())
    }

    fn dismiss(worker: &WorkerId) -> DispatchResult {
        ensure!(Office::get().len() > 1, DispatchError::Other("the last one"));
        Office::mutate(|office| office.retain(|known| known != worker));
        Ok(())
    }
}

impl pallet_gatekeeper_bonds::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Workers = TestWorkers;
    type GovernanceOrigin = frame_system::EnsureRoot<AccountId32>;
    type Treasury = TreasuryAccount;
    type WeightInfo = weights::HandWeight<Test>;
    type PalletId = BondsId;
}

pub fn account(seed: u8) -> AccountId32 {
    AccountId32::new([seed; 32])
}

pub fn worker(seed: u8) -> WorkerId {
    WorkerId([seed; 32])
}

pub fn signed(seed: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(seed))
}

pub fn balance(seed: u8) -> Balance {
    Balances::total_balance(&account(seed))
}

/// Short terms and small bonds.
pub fn settings() -> BondSettings {
    BondSettings {
        bond_min: 100 * PHA,
        seats_max: 3,
        seats_min: 2,
        term_blocks: 10,
        unbonding_blocks: 40,
        appeal_blocks: 5,
        reward: PHA,
        absences_free: 2,
        absence_part: Permill::from_parts(10_000),
        ..BondSettings::default()
    }
}

pub fn bond(seed: u8, amount: Balance) {
    GatekeeperBonds::bond(signed(seed), worker(seed), amount * PHA).unwrap();
}

pub fn blocks(count: u64) {
    for _ in 0..count {
        let block = System::block_number() + 1;
        System::set_block_number(block);
        GatekeeperBonds::on_initialize(block);
    }
}

/// Goes to the next election.
pub fn election() {
    let next = u64::from(NextElection::<Test>::get());
    blocks(next - System::block_number());
}

pub fn seats() -> Vec<u8> {
    Elected::<Test>::get().iter().map(|worker| worker.0[0]).collect()
}

pub fn office() -> Vec<u8> {
    Office::get().iter().map(|worker| worker.0[0]).collect()
}

/// As `pallet-gatekeepers` tells.
pub fn tell(seed: u8, kind: OffenceKind, reporter: Option<u8>) {
    let reporter = reporter.map(account);
    GatekeeperBonds::on_misbehaviour(&Misbehaviour {
        holder: &worker(seed).0,
        kind,
        evidence: [0; 32],
        reporter: reporter.as_ref(),
    });
}

/// Runs a test, then checks the state and that no money was made or lost.
pub fn run(test: impl FnOnce()) {
    let accounts = (1..=ACCOUNTS).map(account);
    let endowed = accounts.chain([TREASURY, GatekeeperBonds::account_id()]);
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: endowed.map(|account| (account, ENDOWMENT)).collect(),
            ..Default::default()
        },
        ..Default::default()
    }
    .build_storage()
    .unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        Office::set(Vec::new());
        Inactive::set(Vec::new());
        Weak::set(Vec::new());
        System::set_block_number(1);
        GatekeeperBonds::set_settings(RuntimeOrigin::root(), settings()).unwrap();
        let issuance = Balances::total_issuance();
        test();
        GatekeeperBonds::do_try_state().unwrap();
        assert_eq!(Balances::total_issuance(), issuance, "money was made or lost");
    });
}
