//! A runtime of mining alone: real balances and mailbox, workers that a test says, and pools that hold
//! each session's stake on an account of its own.

use crate as pallet_computation;
use crate::*;
use economics::{Parameters, Schedule};
use frame_support::{
    PalletId, derive_impl, parameter_types,
    storage::with_storage_layer,
    traits::{
        Hooks, Randomness,
        fungible::{Inspect, Mutate},
        tokens::Preservation,
    },
    weights::Weight,
};
use mining_api::SessionEvents;
use pallet_mailbox::MessageHandler;
use pallet_worker_registry::{WorkerDirectory, WorkerRecords};
use polkadot_sdk::*;
use primitives::{ClusterId, ContractId, GenesisHash, HpkePublicKey, WorkerId, units::PHA};
use sp_core::{H256, Pair, sr25519};
use sp_runtime::{
    AccountId32, BuildStorage, DispatchError, DispatchResult, traits::IdentityLookup,
};
use std::collections::{BTreeMap, BTreeSet};
use wire::message::{MessagePayload, MessageSender, SignedMessage, signed_bytes};

/// The time of block 0, milliseconds.
pub const START_MS: u64 = 1_800_000_000_000;
/// The network.
pub const GENESIS: GenesisHash = GenesisHash([69; 32]);
/// What the subsidy pool starts with.
pub const SUBSIDY: u128 = 700_000_000 * PHA;
/// The least balance.
pub const DEPOSIT: u128 = PHA / 100;
/// Who proves faults.
pub const REPORTER: AccountId32 = AccountId32::new([77; 32]);
/// The treasury.
pub const TREASURY: AccountId32 = AccountId32::new([99; 32]);

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Timestamp: pallet_timestamp,
        Balances: pallet_balances,
        Mq: pallet_mailbox,
        Computation: pallet_computation,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<u128>;
    // As in the runtime, so that weights mean something.
    type DbWeight = frame_support::weights::constants::RocksDbWeight;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

parameter_types! {
    pub const ExistentialDeposit: u128 = DEPOSIT;
    pub const ChallengesMax: u32 = 64;
    pub const ComputationPalletId: PalletId = PalletId(*b"phala/pp");
    pub const TreasuryAccount: AccountId32 = TREASURY;
    pub static BlockMillis: u64 = 12_000;
    pub static TestParameters: Parameters = Parameters::GENESIS;
    pub static TestSchedule: Schedule = Schedule::MAIN;
    /// Sessions whose workers were taken.
    pub static Taken: Vec<AccountId32> = Vec::new();
    /// Whether pools exist.
    pub static Closed: bool = false;
    /// Changes the draws.
    pub static Seed: u64 = 0;
}

/// What a test keeps of many workers, without the copies that `parameter_types` makes.
macro_rules! kept {
    ($($(#[$doc:meta])* $name:ident: $kind:ty;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl $name {
            /// Reads or changes it.
            pub fn with<R>(change: impl FnOnce(&mut $kind) -> R) -> R {
                std::thread_local!(static KEPT: std::cell::RefCell<$kind> = Default::default());
                KEPT.with_borrow_mut(change)
            }
        }
    )*};
}

kept! {
    /// Who is active, with whose machine and which level.
    Machines: BTreeMap<WorkerId, (AccountId32, u8)>;
    /// Who serves a cluster.
    Serving: BTreeSet<WorkerId>;
    /// What the pools have at stake.
    Staked: BTreeMap<AccountId32, u128>;
    /// What the pools were paid.
    Rewarded: BTreeMap<AccountId32, u128>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = u128;
    type ExistentialDeposit = ExistentialDeposit;
}

/// Workers as [`Machines`] says.
pub struct TestWorkers;

impl WorkerDirectory for TestWorkers {
    fn genesis_hash() -> GenesisHash {
        GENESIS
    }

    fn is_active(worker: &WorkerId) -> bool {
        Machines::with(|machines| machines.contains_key(worker))
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
        Machines::with(|machines| machines.get(worker).map(|(operator, _)| operator.clone()))
    }

    fn confidence_level(worker: &WorkerId) -> Option<u8> {
        Machines::with(|machines| machines.get(worker).map(|(_, level)| *level))
    }
}

/// Clusters of [`Serving`].
pub struct TestClusters;

impl pallet_worker_registry::Clusters for TestClusters {
    fn exists(_: &ClusterId) -> bool {
        true
    }

    fn is_member(_: &ClusterId, worker: &WorkerId) -> bool {
        Self::is_assigned(worker)
    }

    fn is_assigned(worker: &WorkerId) -> bool {
        Serving::with(|serving| serving.contains(worker))
    }

    fn members(_: &ClusterId) -> Vec<WorkerId> {
        Serving::with(|serving| serving.iter().copied().collect())
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
        _: &primitives::ContractId,
        _: &[u8; 32],
    ) -> DispatchResult {
        Ok(())
    }

    fn on_cluster_key(_: &ClusterId, _: &[u8; 32]) {}

    fn on_contract_keys(
        _: &ClusterId,
        _: &ContractId,
        _: &primitives::AccountId,
        _: &[u8; 32],
    ) -> DispatchResult {
        Ok(())
    }
}

/// Where a session's pool keeps its money.
pub fn pool_of(session: &AccountId32) -> AccountId32 {
    let mut bytes: [u8; 32] = session.clone().into();
    bytes[31] = 0xaa;
    bytes.into()
}

/// Pools with real money.
pub struct TestPools;

impl SessionEvents<AccountId32> for TestPools {
    fn on_reward(session: &AccountId32, amount: u128) {
        Rewarded::with(|all| *all.entry(session.clone()).or_default() += amount);
    }

    fn on_unbound(session: &AccountId32, _: &WorkerId) {
        Taken::mutate(|taken| taken.push(session.clone()));
    }

    fn on_slashed(
        session: &AccountId32,
        to_treasury: u128,
        beneficiary: Option<(AccountId32, u128)>,
    ) {
        let pool = pool_of(session);
        let mut lost = to_treasury;
        let pay = |to: &AccountId32, amount| {
            Balances::transfer(&pool, to, amount, Preservation::Expendable).unwrap();
        };
        pay(&TREASURY, to_treasury);
        if let Some((account, amount)) = beneficiary {
            pay(&account, amount);
            lost += amount;
        }
        Staked::with(|staked| *staked.get_mut(session).unwrap() -= lost);
    }

    fn reward_account(session: &AccountId32) -> Option<AccountId32> {
        (!Closed::get()).then(|| pool_of(session))
    }
}

/// Another hash in each block.
pub struct TestRandomness;

impl Randomness<H256, u64> for TestRandomness {
    fn random(subject: &[u8]) -> (H256, u64) {
        let block = System::block_number();
        let bytes = codec::Encode::encode(&(Seed::get(), block, subject));
        (sp_io::hashing::blake2_256(&bytes).into(), block)
    }
}

impl pallet_computation::Config for Test {
    type Currency = Balances;
    type Workers = TestWorkers;
    type Clusters = TestClusters;
    type Pools = TestPools;
    type Randomness = TestRandomness;
    type UnixTime = Timestamp;
    type GovernanceOrigin = frame_system::EnsureRoot<AccountId32>;
    type Treasury = TreasuryAccount;
    type DefaultParameters = TestParameters;
    type DefaultSchedule = TestSchedule;
    type WeightInfo = weights::HandWeight<Test>;
    type PalletId = ComputationPalletId;
    type ChallengesMax = ChallengesMax;
}

/// Hands all messages to the pallet.
pub struct TestHandler;

impl MessageHandler for TestHandler {
    fn check(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        Computation::check_message(sender, payload)
    }

    fn handle(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        Computation::handle_message(sender, payload)
    }

    fn weight_of(_: &MessagePayload) -> Weight {
        <Test as Config>::WeightInfo::heartbeat()
            .max(<Test as Config>::WeightInfo::record_benchmark())
    }
}

/// Nobody reads.
pub struct TestProgress;

impl pallet_mailbox::ClusterProgress for TestProgress {
    fn prunable_below(_: &ClusterId) -> u64 {
        0
    }
}

impl pallet_mailbox::Config for Test {
    type Workers = TestWorkers;
    type Handler = TestHandler;
    type Progress = TestProgress;
    type Retention = frame_support::traits::ConstU32<600>;
    type UnixTime = Timestamp;
}

fn bytes(seed: u32, kind: u8) -> [u8; 32] {
    let mut bytes = [kind; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    bytes
}

/// The key of a worker that signs; small seeds only, since making one takes a while.
pub fn pair(seed: u32) -> sr25519::Pair {
    sr25519::Pair::from_seed(&bytes(seed, 3))
}

/// A worker that signs.
pub fn signer(seed: u32) -> WorkerId {
    WorkerId(pair(seed).public().0)
}

/// A worker.
pub fn worker(seed: u32) -> WorkerId {
    WorkerId(bytes(seed, 1))
}

/// A session.
pub fn session(seed: u32) -> AccountId32 {
    bytes(seed, 2).into()
}

/// The operator of all machines.
pub fn operator() -> AccountId32 {
    AccountId32::new([88; 32])
}

/// A message of a worker, signed.
pub fn signed(seed: u32, sequence: u64, payload: MessagePayload) -> SignedMessage {
    let sender = MessageSender::Worker(signer(seed));
    let bytes = signed_bytes(&GENESIS, &sender, sequence, &payload);
    SignedMessage {
        sender,
        sequence,
        payload,
        signature: pair(seed).sign(&bytes).0,
    }
}

/// The chain's time.
pub fn now_ms() -> u64 {
    Timestamp::get()
}

/// A benchmark of the last minute, with this score.
pub fn benchmark(score: u32) -> MessagePayload {
    MessagePayload::Benchmark {
        started_at_ms: now_ms() - 60_000,
        ended_at_ms: now_ms(),
        iterations: u64::from(score) * 10,
    }
}

/// As the mailbox does: what fails changes nothing.
pub fn say(who: WorkerId, payload: MessagePayload) -> DispatchResult {
    Computation::check_message(&who, &payload)?;
    with_storage_layer(|| Computation::handle_message(&who, &payload))
}

/// Registers a worker of level 1, with a benchmark of this score.
pub fn register(who: WorkerId, score: u32) {
    Machines::with(|machines| machines.insert(who, (operator(), 1)));
    say(who, benchmark(score)).unwrap();
}

/// What a pool does to start a session.
pub fn start(session: &AccountId32, stake: u128) -> DispatchResult {
    <Computation as mining_api::Sessions<_>>::start(session, stake)?;
    Balances::mint_into(&pool_of(session), stake + DEPOSIT).unwrap();
    Staked::with(|staked| staked.insert(session.clone(), stake));
    Ok(())
}

/// Registers, binds and starts.
pub fn begin(seed: u32, stake: u128) {
    register(worker(seed), 100);
    <Computation as mining_api::Sessions<_>>::bind(&session(seed), &worker(seed)).unwrap();
    start(&session(seed), stake).unwrap();
}

/// The answer to the challenge that waits, if one does.
pub fn answer_of(seed: u32, iterations: u64) -> Option<MessagePayload> {
    let pending = PendingChallenges::<Test>::get(session(seed))?;
    Some(MessagePayload::Heartbeat {
        session: primitives::AccountId(session(seed).into()),
        challenge_block: pending.block,
        nonce: pending.nonce,
        iterations,
        contract_running: false,
    })
}

/// Answers the challenge that waits.
pub fn answer(seed: u32, iterations: u64) -> DispatchResult {
    let payload = answer_of(seed, iterations).ok_or(DispatchError::CannotLookup)?;
    say(worker(seed), payload)
}

/// Challenges one, and answers.
pub fn heartbeat(seed: u32, iterations: u64) {
    Computation::force_challenge(RuntimeOrigin::root(), session(seed)).unwrap();
    answer(seed, iterations).unwrap();
}

/// The next block.
pub fn next_block() {
    next_block_timed();
}

/// The next block; gives the weight of its start, and how long that took.
pub fn next_block_timed() -> (Weight, std::time::Duration) {
    let block = System::block_number() + 1;
    System::reset_events();
    System::set_block_number(block);
    // As in a real block: the time is set after this.
    let begun = std::time::Instant::now();
    let weight = Computation::on_initialize(block);
    let took = begun.elapsed();
    Timestamp::set_timestamp(START_MS + block * BlockMillis::get());
    (weight, took)
}

/// So many blocks.
pub fn blocks(count: u32) {
    for _ in 0..count {
        next_block();
    }
}

/// Passes over so many blocks without any start of a block between them.
pub fn skip(count: u64) {
    System::set_block_number(System::block_number() + count - 1);
    next_block();
}

/// The events of the current block.
pub fn events() -> Vec<Event<Test>> {
    let of_ours = |record: frame_system::EventRecord<RuntimeEvent, _>| match record.event {
        RuntimeEvent::Computation(event) => Some(event),
        _ => None,
    };
    System::events().into_iter().filter_map(of_ours).collect()
}

/// The stake, value and state of a session that computes.
pub fn computing(seed: u32) -> economics::Session {
    match Sessions::<Test>::get(session(seed)).unwrap().state {
        SessionState::Computing(computing) => computing,
        other => panic!("{other:?}"),
    }
}

/// What has left the subsidy pool.
pub fn spent() -> u128 {
    SUBSIDY - Balances::balance(&Computation::account_id())
}

/// A chain at block 1 whose challenges are paused; what is random follows `seed`.
pub fn externalities(seed: u64) -> sp_io::TestExternalities {
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: vec![
                (Computation::account_id(), SUBSIDY),
                (TREASURY, PHA),
                (REPORTER, PHA),
            ],
            ..Default::default()
        },
        ..Default::default()
    }
    .build_storage()
    .unwrap();
    Machines::with(BTreeMap::clear);
    Serving::with(BTreeSet::clear);
    Staked::with(BTreeMap::clear);
    Rewarded::with(BTreeMap::clear);
    Taken::set(Vec::new());
    Closed::set(false);
    Seed::set(seed);
    BlockMillis::set(12_000);
    TestParameters::set(Parameters::GENESIS);
    TestSchedule::set(Schedule::MAIN);
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| {
        System::set_block_number(1);
        Timestamp::set_timestamp(START_MS + 12_000);
    });
    externalities
}

/// Runs a test at block 1, then checks the state.
pub fn run(test: impl FnOnce()) {
    externalities(0).execute_with(|| {
        test();
        Computation::do_try_state().unwrap();
        Mq::do_try_state().unwrap();
    });
}

/// Lets challenges be made.
pub fn unpause() {
    Computation::set_heartbeat_paused(RuntimeOrigin::root(), false).unwrap();
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkSetup for Test {
    fn governance() -> RuntimeOrigin {
        RuntimeOrigin::root()
    }

    fn register(worker: &WorkerId, operator: &AccountId32) {
        Machines::with(|machines| machines.insert(*worker, (operator.clone(), 1)));
        Balances::mint_into(operator, DEPOSIT).unwrap();
    }

    fn fund(session: &AccountId32, stake: u128) {
        Balances::mint_into(&pool_of(session), stake + DEPOSIT).unwrap();
        Staked::with(|staked| staked.insert(session.clone(), stake));
    }
}
