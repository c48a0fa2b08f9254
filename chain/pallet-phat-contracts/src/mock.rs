//! A runtime of contracts and mailbox, with workers that a test says.

use crate as pallet_phat_contracts;
use crate::*;
use frame_support::{derive_impl, parameter_types, weights::Weight};
use pallet_mailbox::MessageHandler;
use pallet_worker_registry::{KeyStore, WorkerDirectory, WorkerRecords};
use polkadot_sdk::*;
use primitives::{ClusterId, ContractId, GenesisHash, HpkePublicKey, WorkerId};
use sp_core::{H256, sr25519};
use sp_runtime::{AccountId32, BuildStorage, DispatchResult, traits::IdentityLookup};
use wire::mailbox::{MailboxEntry, MailboxOperation};
use wire::message::MessagePayload;

/// Chain time, milliseconds.
pub const NOW_MS: u64 = 1_800_000_000_000;
/// What each account starts with.
pub const ENDOWMENT: u128 = 1_000_000;
/// The least balance, and the least transfer to a cluster.
pub const TRANSFER_MIN: u128 = 10;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Timestamp: pallet_timestamp,
        Balances: pallet_balances,
        Mq: pallet_mailbox,
        PhatContracts: pallet_phat_contracts,
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

parameter_types! {
    pub const TransferMin: u128 = TRANSFER_MIN;
    pub const CodeDepositPerByte: u128 = 2;
    pub static Inactive: Vec<WorkerId> = Vec::new();
    pub static Forgotten: Vec<[u8; 32]> = Vec::new();
    pub static Diverged: Vec<(WorkerId, u64)> = Vec::new();
    pub static Sold: Vec<(WorkerId, AccountId32)> = Vec::new();
    pub static Rotated: Vec<(ClusterId, Option<u32>)> = Vec::new();
    pub static Exposed: Vec<ClusterId> = Vec::new();
    pub const Retention: u32 = 600;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = u128;
    type ExistentialDeposit = TransferMin;
}

/// All workers are active, but for [`Inactive`]; what is forgotten goes to [`Forgotten`]. Worker n is operated
/// by account n, but for those [`Sold`].
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

    fn is_gatekeeper(_: &WorkerId) -> bool {
        false
    }
}

impl WorkerRecords<AccountId32> for TestWorkers {
    fn operator(worker: &WorkerId) -> Option<AccountId32> {
        let sold = Sold::get().into_iter().find(|(known, _)| known == worker);
        Some(sold.map_or(AccountId32::new(worker.0), |(_, operator)| operator))
    }

    fn confidence_level(_: &WorkerId) -> Option<u8> {
        None
    }
}

/// Remembers who differed, and where.
pub struct TestDivergence;

impl OnDivergence for TestDivergence {
    fn on_divergence(_: &ClusterId, worker: &WorkerId, suspension: &Suspension) {
        Diverged::mutate(|diverged| diverged.push((*worker, suspension.next_number)));
    }

    fn weight() -> frame_support::weights::Weight {
        frame_support::weights::Weight::zero()
    }
}

impl KeyStore for TestWorkers {
    fn forget_cluster(cluster: &ClusterId, workers: &[WorkerId]) {
        Forgotten::mutate(|forgotten| {
            forgotten.push(cluster.0);
            forgotten.extend(workers.iter().map(|worker| worker.0));
        });
    }

    fn forget_seed(_: &ClusterId, worker: &WorkerId) {
        Forgotten::mutate(|forgotten| forgotten.push(worker.0));
    }

    fn forget_contract(contract: &ContractId) {
        Forgotten::mutate(|forgotten| forgotten.push(contract.0));
    }

    fn rotate_cluster_keys(cluster: &ClusterId, window_blocks: Option<u32>) -> DispatchResult {
        Rotated::mutate(|rotated| rotated.push((*cluster, window_blocks)));
        Ok(())
    }

    fn is_seed_exposed(cluster: &ClusterId) -> bool {
        Exposed::get().contains(cluster)
    }
}

/// Hands all messages to the pallet.
pub struct TestHandler;

impl MessageHandler for TestHandler {
    fn handle(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        PhatContracts::handle_message(sender, payload)
    }

    fn weight_of(_: &MessagePayload) -> Weight {
        weights::handle_message::<Test>()
    }
}

impl pallet_mailbox::Config for Test {
    type Workers = TestWorkers;
    type Handler = TestHandler;
    type Progress = PhatContracts;
    type Retention = Retention;
    type UnixTime = Timestamp;
}

impl pallet_phat_contracts::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Workers = TestWorkers;
    type Mailbox = Mq;
    type OnDivergence = TestDivergence;
    type CodeDepositPerByte = CodeDepositPerByte;
    type TransferMin = TransferMin;
    type ClusterOrigin = frame_system::EnsureRoot<AccountId32>;
}

pub fn account(seed: u8) -> AccountId32 {
    AccountId32::new([seed; 32])
}

pub fn worker(seed: u8) -> sr25519::Public {
    sr25519::Public::from_raw([seed; 32])
}

/// The id of the n-th cluster.
pub fn cluster(number: u8) -> H256 {
    let mut id = [0; 32];
    id[31] = number;
    H256(id)
}

/// Makes a public cluster of the given workers, owned by account 1.
pub fn add_cluster(workers: &[u8]) -> DispatchResult {
    add_cluster_with(ClusterPermission::Public, workers, 0)
}

pub fn add_cluster_with(
    permission: ClusterPermission<AccountId32>,
    workers: &[u8],
    deposit: u128,
) -> DispatchResult {
    PhatContracts::add_cluster(
        RuntimeOrigin::root(),
        account(1),
        permission,
        workers.iter().map(|seed| worker(*seed)).collect(),
        deposit,
        11,
        12,
        13,
        account(2),
    )
}

/// The operations in a cluster's mailbox.
pub fn inbox(number: u8) -> Vec<MailboxOperation> {
    let id = ClusterId(cluster(number).0);
    let next = pallet_mailbox::InboxNext::<Test>::get(id);
    (pallet_mailbox::InboxFirst::<Test>::get(id)..next)
        .map(|number| {
            let bytes = pallet_mailbox::Inbox::<Test>::get(id, number).unwrap();
            let entry: MailboxEntry =
                wire::decode_all(&bytes, pallet_mailbox::ENTRY_BYTES_MAX).unwrap();
            entry.operation
        })
        .collect()
}

/// Runs a test at block 1, then checks the state.
pub fn run(test: impl FnOnce()) {
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: (1..=5).map(|seed| (account(seed), ENDOWMENT)).collect(),
            ..Default::default()
        },
        ..Default::default()
    }
    .build_storage()
    .unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        Inactive::set(Vec::new());
        Forgotten::set(Vec::new());
        Diverged::set(Vec::new());
        Sold::set(Vec::new());
        System::set_block_number(1);
        Timestamp::set_timestamp(NOW_MS);
        test();
        PhatContracts::do_try_state().unwrap();
        Mq::do_try_state().unwrap();
    });
}
