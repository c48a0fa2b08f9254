//! A runtime of the pallet alone, with workers and clusters that a test says, and machines that hold
//! real shares.

use crate as pallet_gatekeepers;
use crate::{Error, Event, Misbehaviour, OffenceKind, OnMisbehaviour};
use codec::Encode;
use frame_support::{derive_impl, parameter_types, storage::with_storage_layer, traits::Hooks};
use pallet_worker_registry::{
    ClusterKeyDirectory, Clusters, GatekeeperDirectory, WorkerDirectory,
};
use polkadot_sdk::*;
use primitives::{AccountId, ClusterId, ContractId, GenesisHash, HpkePublicKey, WorkerId};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sp_core::{Pair, sr25519};
use sp_runtime::{
    AccountId32, BuildStorage, DispatchError, DispatchResult, traits::IdentityLookup,
};
use std::collections::BTreeMap;
use threshold_keys::*;
use wire::message::MessagePayload;

pub const NETWORK: GenesisHash = GenesisHash([69; 32]);
pub const CLUSTER: ClusterId = ClusterId([4; 32]);

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        // Where readers look for it.
        PhalaGatekeepers: pallet_gatekeepers,
    }
);

pub use PhalaGatekeepers as Gatekeepers;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
}

parameter_types! {
    pub static Development: bool = false;
    pub static Appointed: Vec<WorkerId> = Vec::new();
    pub static Inactive: Vec<WorkerId> = Vec::new();
    pub static WorkerKeys: BTreeMap<WorkerId, HpkePublicKey> = BTreeMap::new();
    pub static InCluster: Vec<(ClusterId, WorkerId)> = Vec::new();
    pub static ToldKeys: Vec<[u8; 32]> = Vec::new();
    pub static Banned: Vec<WorkerId> = Vec::new();
    pub static NextKeys: Vec<(ClusterId, u32)> = Vec::new();
    pub static Pushed: Vec<(ClusterId, Option<u32>)> = Vec::new();
    pub static MailboxFull: bool = false;
    pub static Heard: Vec<(HolderKey, OffenceKind)> = Vec::new();
    /// Who brought the evidence of the last one.
    pub static HeardFrom: Option<AccountId32> = None;
}

/// Workers as the test says; all are active but [`Inactive`] ones.
pub struct TestWorkers;

impl WorkerDirectory for TestWorkers {
    fn genesis_hash() -> GenesisHash {
        NETWORK
    }

    fn is_active(worker: &WorkerId) -> bool {
        !Inactive::get().contains(worker)
    }

    fn hpke_public_key(worker: &WorkerId) -> Option<HpkePublicKey> {
        WorkerKeys::get().get(worker).copied()
    }

    fn is_gatekeeper(worker: &WorkerId) -> bool {
        Appointed::get().contains(worker)
    }
}

impl GatekeeperDirectory for TestWorkers {
    fn gatekeepers() -> Vec<WorkerId> {
        Appointed::get()
    }

    fn is_development_network() -> bool {
        Development::get()
    }

    fn set_network_key(public_key: &[u8; 32]) {
        ToldKeys::mutate(|keys| keys.push(*public_key));
    }
}

impl ClusterKeyDirectory for TestWorkers {
    fn is_build_allowed(worker: &WorkerId) -> bool {
        !Banned::get().contains(worker)
    }

    fn has_next_cluster_key(cluster: &ClusterId, rotation: u32) -> bool {
        NextKeys::get().contains(&(*cluster, rotation))
    }

    fn use_next_cluster_key(cluster: &ClusterId, rotation: u32) {
        NextKeys::mutate(|keys| keys.retain(|key| *key != (*cluster, rotation)));
    }
}

/// A mailbox entry, unless the mailbox is full.
fn push(cluster: ClusterId, rotation: Option<u32>) -> DispatchResult {
    if MailboxFull::get() {
        return Err(DispatchError::Exhausted);
    }
    Pushed::mutate(|pushed| pushed.push((cluster, rotation)));
    Ok(())
}

/// Clusters as [`InCluster`] says.
pub struct TestClusters;

impl Clusters for TestClusters {
    fn exists(cluster: &ClusterId) -> bool {
        InCluster::get().iter().any(|(known, _)| known == cluster)
    }

    fn is_member(cluster: &ClusterId, worker: &WorkerId) -> bool {
        InCluster::get().contains(&(*cluster, *worker))
    }

    fn is_assigned(worker: &WorkerId) -> bool {
        InCluster::get().iter().any(|(_, member)| member == worker)
    }

    fn members(cluster: &ClusterId) -> Vec<WorkerId> {
        let members = InCluster::get().into_iter();
        members.filter(|(known, _)| known == cluster).map(|(_, worker)| worker).collect()
    }

    fn at(_: u32) -> Option<ClusterId> {
        InCluster::get().first().map(|(cluster, _)| *cluster)
    }

    fn push_rotation(cluster: &ClusterId, rotation: u32) -> DispatchResult {
        push(*cluster, Some(rotation))
    }

    fn push_retirement(cluster: &ClusterId) -> DispatchResult {
        push(*cluster, None)
    }

    fn on_contract_key_rotated(_: &ClusterId, _: &ContractId, _: &[u8; 32]) -> DispatchResult {
        Err(DispatchError::Unavailable)
    }

    fn on_cluster_key(_: &ClusterId, _: &[u8; 32]) {}

    fn on_contract_keys(
        _: &ClusterId,
        _: &ContractId,
        _: &AccountId,
        _: &[u8; 32],
    ) -> DispatchResult {
        Err(DispatchError::Unavailable)
    }
}

/// Remembers misbehaviour in [`Heard`].
pub struct Listener;

impl OnMisbehaviour for Listener {
    fn on_misbehaviour(said: &Misbehaviour<'_>) {
        Heard::mutate(|heard| heard.push((*said.holder, said.kind)));
        HeardFrom::set(said.reporter.cloned());
    }

    fn weight(_: OffenceKind) -> frame_support::weights::Weight {
        frame_support::weights::Weight::zero()
    }
}

impl pallet_gatekeepers::Config for Test {
    type Workers = TestWorkers;
    type Clusters = TestClusters;
    type OnMisbehaviour = Listener;
    type AdminOrigin = frame_system::EnsureRoot<AccountId32>;
}

/// Short stages, so that a test waits little.
pub fn settings() -> GatekeeperSettings {
    GatekeeperSettings {
        threshold: ThresholdRule::Majority,
        holders_min: 3,
        handover_percent: 67,
        receiving_blocks: 5,
        dealing_blocks: 5,
        checking_blocks: 5,
        member_stage_blocks: 9,
        epoch_blocks: 1_000,
        retry_blocks: 4,
        beacon_blocks: 40,
        beacon_wait_blocks: 1,
        beacon_attempt_blocks: 6,
    }
}

/// Runs a test before block 1, and checks the state after it.
pub fn run(test: impl FnOnce(&mut Net)) {
    let storage = RuntimeGenesisConfig::default().build_storage().unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        Development::set(false);
        Appointed::set(Vec::new());
        Inactive::set(Vec::new());
        WorkerKeys::set(BTreeMap::new());
        InCluster::set(Vec::new());
        ToldKeys::set(Vec::new());
        Heard::set(Vec::new());
        Banned::set(Vec::new());
        NextKeys::set(Vec::new());
        Pushed::set(Vec::new());
        MailboxFull::set(false);
        pallet_gatekeepers::Settings::<Test>::put(settings());
        let mut net = Net::new();
        net.block();
        test(&mut net);
        Gatekeepers::do_try_state().unwrap();
    });
}

pub fn pair(seed: u8) -> sr25519::Pair {
    sr25519::Pair::from_seed(&[seed; 32])
}

pub fn worker(seed: u8) -> WorkerId {
    WorkerId(pair(seed).public().0)
}

pub fn signed(seed: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(AccountId32::new(worker(seed).0))
}

pub fn index(index: u8) -> HolderIndex {
    HolderIndex::new(index).unwrap()
}

pub fn sharing() -> Sharing {
    pallet_gatekeepers::CurrentSharing::<Test>::get().unwrap()
}

pub fn ceremony() -> CeremonyState {
    pallet_gatekeepers::Ceremony::<Test>::get().unwrap()
}

pub fn plan() -> Plan {
    pallet_gatekeepers::CeremonyPlan::<Test>::get().unwrap()
}

pub fn round() -> BeaconRound {
    pallet_gatekeepers::Beacon::<Test>::get().unwrap()
}

pub fn offences(seed: u8, kind: OffenceKind) -> u32 {
    pallet_gatekeepers::Offences::<Test>::get(worker(seed).0, kind).map_or(0, |record| record.count)
}

pub fn last_failure() -> Option<crate::FailureReason> {
    let events = System::events().into_iter().rev();
    events
        .filter_map(|record| match record.event {
            RuntimeEvent::PhalaGatekeepers(Event::CeremonyFailed { reason, .. }) => Some(reason),
            _ => None,
        })
        .next()
}

/// Says something as a worker does: rolled back when it fails.
pub fn say(seed: u8, message: GatekeeperMessage) -> DispatchResult {
    let message = message.encode();
    say_bytes(seed, message)
}

pub fn say_bytes(seed: u8, message: Vec<u8>) -> DispatchResult {
    let payload = MessagePayload::Gatekeeper { message };
    with_storage_layer(|| Gatekeepers::handle_message(&worker(seed), &payload))
}

pub fn sign(seed: u8, statement: &Statement) -> [u8; 64] {
    pair(seed).sign(&statement.signing_bytes()).0
}

/// A machine, by its seed: what it keeps.
#[derive(Default)]
pub struct Machine {
    pub receiving: Option<ReceivingSecret>,
    pub share: Option<KeyShare>,
    pub next: Option<KeyShare>,
    pub nonce: Option<ProofNonce>,
}

/// All machines, and the clock.
pub struct Net {
    pub machines: BTreeMap<u8, Machine>,
    pub rng: ChaCha20Rng,
    /// Members speak by extrinsics.
    pub members: Vec<u8>,
}

impl Net {
    fn new() -> Self {
        Self {
            machines: BTreeMap::new(),
            rng: ChaCha20Rng::from_seed([7; 32]),
            members: Vec::new(),
        }
    }

    /// The next block begins.
    pub fn block(&mut self) {
        Gatekeepers::on_finalize(System::block_number());
        let number = System::block_number() + 1;
        System::set_block_number(number);
        Gatekeepers::on_initialize(number);
        Gatekeepers::do_try_state().unwrap();
    }

    pub fn blocks(&mut self, count: u32) {
        (0..count).for_each(|_| self.block());
    }

    pub fn machine(&mut self, seed: u8) -> &mut Machine {
        self.machines.entry(seed).or_default()
    }

    pub fn receiving_key(&mut self, seed: u8) -> ReceivingKey {
        let target = ceremony().target;
        let holder = worker(seed).0;
        let secret = ReceivingSecret::generate(&NETWORK, target, holder, &mut self.rng).unwrap();
        let key = *secret.public();
        self.machine(seed).receiving = Some(secret);
        key
    }

    pub fn send_receiving_key(&mut self, seed: u8) -> DispatchResult {
        let target = ceremony().target;
        let key = self.receiving_key(seed);
        if self.members.contains(&seed) {
            return Gatekeepers::member_receiving_key(signed(seed), target, key);
        }
        say(seed, GatekeeperMessage::ReceivingKey { target, key })
    }

    pub fn dealing(&mut self, seed: u8) -> Dealing {
        let plan = plan();
        match plan.source() {
            Source::Generation => {
                let dealer = plan.recipient_index(&worker(seed).0).unwrap();
                plan.deal_new_key(dealer, &mut self.rng).unwrap()
            }
            Source::Resharing(_) => {
                let share = self.machines[&seed].share.as_ref().unwrap();
                share.reshare(&plan, &mut self.rng).unwrap()
            }
        }
    }

    pub fn send_dealing(&mut self, seed: u8) -> DispatchResult {
        let dealing = self.dealing(seed);
        self.send_this_dealing(seed, dealing)
    }

    pub fn send_this_dealing(&mut self, seed: u8, dealing: Dealing) -> DispatchResult {
        let plan = plan().digest();
        if self.members.contains(&seed) {
            return Gatekeepers::member_deal(signed(seed), plan, dealing);
        }
        say(seed, GatekeeperMessage::Dealing { plan, dealing })
    }

    pub fn verified_dealings() -> Vec<VerifiedDealing> {
        let plan = plan();
        crate::Dealings::<Test>::iter_values()
            .map(|dealing| dealing.verify(&plan).unwrap())
            .collect()
    }

    /// The complaints that an honest machine has.
    pub fn complaints(&mut self, seed: u8) -> Vec<Complaint> {
        let plan = plan();
        let secret = self.machines[&seed].receiving.as_ref().unwrap();
        Self::verified_dealings()
            .iter()
            .filter_map(|dealing| match secret.check(&plan, dealing) {
                Err(ReceiveError::BadShare(complaint)) => Some(*complaint),
                _ => None,
            })
            .collect()
    }

    pub fn send_complaint(&mut self, seed: u8, complaint: Complaint) -> DispatchResult {
        let plan = plan().digest();
        if self.members.contains(&seed) {
            return Gatekeepers::member_complain(signed(seed), plan, complaint);
        }
        say(seed, GatekeeperMessage::Complaint { plan, complaint })
    }

    /// Assembles the share, keeps it, and says so.
    pub fn handover_share(&mut self, seed: u8) -> EvaluationShare {
        let plan = plan();
        let dealings = Self::verified_dealings();
        let secret = self.machines[&seed].receiving.as_ref().unwrap();
        let share = secret.assemble(&plan, &dealings).unwrap();
        let context = EvaluationContext::Handover {
            plan: plan.digest(),
        };
        let shown = share.evaluate(&context).unwrap();
        self.machine(seed).next = Some(share);
        shown
    }

    pub fn send_handover(&mut self, seed: u8) -> DispatchResult {
        let plan = plan().digest();
        let share = self.handover_share(seed);
        if self.members.contains(&seed) {
            return Gatekeepers::member_handover(signed(seed), plan, share);
        }
        say(seed, GatekeeperMessage::Handover { plan, share })
    }

    /// Everybody takes the new shares and wipes the rest.
    pub fn adopt(&mut self) {
        for machine in self.machines.values_mut() {
            machine.receiving = None;
            if let Some(share) = machine.next.take() {
                machine.share = Some(share);
            }
        }
    }

    /// A whole ceremony, that has begun, in which these deal and receive, without fault.
    pub fn ceremony(&mut self, dealers: &[u8], recipients: &[u8]) {
        for seed in recipients {
            self.send_receiving_key(*seed).unwrap();
        }
        self.until(CeremonyStage::Dealing);
        for seed in dealers {
            self.send_dealing(*seed).unwrap();
        }
        self.until(CeremonyStage::Checking);
        for seed in recipients {
            assert!(self.complaints(*seed).is_empty());
            self.send_handover(*seed).unwrap();
        }
        while crate::Ceremony::<Test>::exists() {
            self.block();
        }
        self.adopt();
    }

    /// Waits until the set of gatekeepers is looked at and a ceremony begins.
    pub fn until_begun(&mut self) {
        for _ in 0..crate::MEMBERSHIP_CHECK_BLOCKS {
            if crate::Ceremony::<Test>::exists() {
                return;
            }
            self.block();
        }
        ceremony();
    }

    /// Waits for a stage.
    pub fn until(&mut self, stage: CeremonyStage) {
        for _ in 0..10 {
            if ceremony().stage == stage {
                return;
            }
            self.block();
        }
        panic!("the ceremony does not come to {stage:?}: {:?}", ceremony());
    }

    /// Appoints these, and makes their first key.
    pub fn launch(&mut self, seeds: &[u8]) {
        Appointed::set(seeds.iter().map(|seed| worker(*seed)).collect());
        self.block();
        self.ceremony(seeds, seeds);
        assert_eq!(sharing().holders().len(), seeds.len());
    }

    /// The sharing's shares evaluate to what they always did.
    pub fn secret(&self, seeds: &[u8]) -> [u8; 32] {
        let context = seed_context();
        let shares: Vec<EvaluationShare> = seeds
            .iter()
            .map(|seed| self.machines[seed].share.as_ref().unwrap())
            .map(|share| share.evaluate(&context).unwrap())
            .collect();
        *sharing()
            .combine(&context, &shares)
            .unwrap()
            .evaluation
            .secret()
    }
}

pub fn seed_context() -> EvaluationContext {
    EvaluationContext::ClusterSeed {
        cluster: CLUSTER,
        rotation: 0,
    }
}

pub fn refused(error: Error<Test>) -> DispatchResult {
    Err(error.into())
}
