//! A runtime of the registry alone, with clusters that a test says.

use crate as pallet_worker_registry;
use crate::{Clusters, GenesisRoot, SeedStore, SeedsInUse};
use attestation::AcceptedRoot;
use frame_support::{derive_impl, parameter_types};
use mock_attestation::{DevelopmentPki, MockTd};
use polkadot_sdk::*;
use primitives::{AccountId, ClusterId, ContractId, GenesisHash, HpkePublicKey, WorkerId};
use sp_core::{Bytes, H256, Pair, sr25519};
use sp_runtime::{AccountId32, BuildStorage, DispatchResult, traits::IdentityLookup};
use wire::registration::WorkerRegistration;

/// Chain time at the start of each test, milliseconds.
pub const NOW_MS: u64 = 1_800_000_000_000;
/// What a record costs.
pub const DEPOSIT: u128 = 1_000;
/// What each account starts with.
pub const ENDOWMENT: u128 = 1_000_000;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Timestamp: pallet_timestamp,
        Balances: pallet_balances,
        Registry: pallet_worker_registry,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = u128;
    type ExistentialDeposit = sp_core::ConstU128<1>;
}

parameter_types! {
    pub const RegistrationDeposit: u128 = DEPOSIT;
    pub static Members: Vec<(ClusterId, WorkerId)> = Vec::new();
    pub static Instantiated: Vec<ContractId> = Vec::new();
    pub static Forgotten: Vec<(ClusterId, WorkerId)> = Vec::new();
    pub static Removed: Vec<WorkerId> = Vec::new();
    pub static Rotated: Vec<ContractId> = Vec::new();
    pub static InUse: (u32, u32) = (0, 0);
}

/// Clusters as [`Members`] says.
pub struct TestClusters;

impl Clusters for TestClusters {
    fn exists(cluster: &ClusterId) -> bool {
        Members::get().iter().any(|(known, _)| known == cluster)
    }

    fn is_member(cluster: &ClusterId, worker: &WorkerId) -> bool {
        Members::get().contains(&(*cluster, *worker))
    }

    fn is_assigned(worker: &WorkerId) -> bool {
        Members::get().iter().any(|(_, member)| member == worker)
    }

    fn on_worker_removed(worker: &WorkerId) {
        Removed::mutate(|removed| removed.push(*worker));
    }

    fn members(cluster: &ClusterId) -> Vec<WorkerId> {
        let members = Members::get().into_iter();
        members.filter(|(known, _)| known == cluster).map(|(_, worker)| worker).collect()
    }

    fn at(_: u32) -> Option<ClusterId> {
        None
    }

    fn push_rotation(_: &ClusterId, _: u32) -> DispatchResult {
        Ok(())
    }

    fn push_retirement(_: &ClusterId) -> DispatchResult {
        Ok(())
    }

    fn on_contract_key_rotated(
        _: &ClusterId,
        contract: &ContractId,
        _: &[u8; 32],
    ) -> DispatchResult {
        Rotated::mutate(|contracts| contracts.push(*contract));
        Ok(())
    }

    fn on_cluster_key(_: &ClusterId, _: &[u8; 32]) {}

    fn on_contract_keys(
        _: &ClusterId,
        contract: &ContractId,
        _: &AccountId,
        _: &[u8; 32],
    ) -> DispatchResult {
        Instantiated::mutate(|contracts| contracts.push(*contract));
        Ok(())
    }
}

/// Remembers what it was to forget.
pub struct TestSeeds;

impl SeedStore for TestSeeds {
    fn forget_cluster(cluster: &ClusterId, workers: &[WorkerId]) {
        workers
            .iter()
            .for_each(|worker| Self::forget_seed(cluster, worker));
    }

    fn forget_seed(cluster: &ClusterId, worker: &WorkerId) {
        Forgotten::mutate(|forgotten| forgotten.push((*cluster, *worker)));
    }

    fn seeds_in_use(_: &ClusterId) -> SeedsInUse {
        let (in_force, newest) = InUse::get();
        SeedsInUse { in_force, newest }
    }

    fn rotate(_: &ClusterId, _: Option<u32>) -> DispatchResult {
        InUse::mutate(|(_, newest)| *newest += 1);
        Ok(())
    }

    fn is_seed_exposed(_: &ClusterId) -> bool {
        false
    }
}

impl pallet_worker_registry::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type UnixTime = Timestamp;
    type Clusters = TestClusters;
    type Seeds = TestSeeds;
    type RegistrationDeposit = RegistrationDeposit;
    type TrustOrigin = frame_system::EnsureRoot<AccountId32>;
    type DistrustOrigin = frame_system::EnsureRoot<AccountId32>;
    type GatekeeperOrigin = frame_system::EnsureRoot<AccountId32>;
}

pub fn account(seed: u8) -> AccountId32 {
    AccountId32::new([seed; 32])
}

/// The build that is allowed at genesis.
pub fn build() -> MockTd {
    MockTd::of_build([7; 48])
}

pub fn pair(seed: u8) -> sr25519::Pair {
    sr25519::Pair::from_seed(&[seed; 32])
}

pub fn worker(seed: u8) -> WorkerId {
    WorkerId(pair(seed).public().0)
}

/// A registry genesis of a development network.
pub fn development_genesis() -> crate::GenesisConfig<Test> {
    let AcceptedRoot::Development { root_ca_der } =
        DevelopmentPki::insecure_well_known().accepted_root()
    else {
        panic!("the development root is one");
    };
    crate::GenesisConfig {
        development_network: true,
        accepted_roots: vec![
            GenesisRoot::Intel,
            GenesisRoot::Development(Bytes(root_ca_der.as_bytes().to_vec())),
        ],
        allowed_measurements: vec![H256(build().measurement().0)],
        tier_max: 3,
        notice_blocks: 0,
        ..Default::default()
    }
}

/// Runs a test at block 1, then checks the state.
pub fn run_with(genesis: crate::GenesisConfig<Test>, test: impl FnOnce()) {
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: (1..=5).map(|seed| (account(seed), ENDOWMENT)).collect(),
            ..Default::default()
        },
        registry: genesis,
        ..Default::default()
    }
    .build_storage()
    .unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        Members::set(Vec::new());
        Instantiated::set(Vec::new());
        Forgotten::set(Vec::new());
        Removed::set(Vec::new());
        System::set_block_number(1);
        Timestamp::set_timestamp(NOW_MS);
        test();
        Registry::do_try_state().unwrap();
    });
}

pub fn run(test: impl FnOnce()) {
    run_with(development_genesis(), test);
}

pub fn genesis_hash() -> GenesisHash {
    GenesisHash(System::block_hash(0).0)
}

pub fn registration(seed: u8, made_at_ms: u64) -> WorkerRegistration {
    WorkerRegistration {
        version: 1 << 16,
        worker: worker(seed),
        hpke_public_key: HpkePublicKey([seed; 32]),
        genesis: genesis_hash(),
        operator: None,
        made_at_ms,
    }
}

/// Evidence that stands, of a build, for a registration.
pub fn evidence(td: &MockTd, registration: &WorkerRegistration) -> attestation::Evidence {
    DevelopmentPki::insecure_well_known().tdx_evidence(
        td,
        &registration.report_data(),
        registration.made_at_ms / 1000,
    )
}

/// Registers a worker now, paid by account 1.
pub fn register(seed: u8) {
    let registration = registration(seed, Timestamp::get());
    let evidence = evidence(&build(), &registration);
    Registry::register_worker_v2(RuntimeOrigin::signed(account(1)), registration, evidence)
        .unwrap();
}
