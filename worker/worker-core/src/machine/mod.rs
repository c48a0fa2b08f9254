//! The state machine itself: one arm for each input, one named step for each concern.

mod cluster;

use crate::{
    cache::MemoryCache,
    gatekeeper::{self, Gatekeeper},
    handover::{Handover, HandoverOffers, HandoverRefusal},
    identity::Identity,
    instance::{OwnInstance, Standing},
    joining::Joining,
    kept::KeptSecrets,
    mining::{self, Gauge, Miner, Moment},
    notice::{Notice, StopReason},
    outbox::Outbox,
    query::{QueryService, ServingState},
    running::{HostFacts, Offers, Running},
    seed::{self, SeedFollower},
    snapshots::SnapshotService,
    store::{ClusterStore, Records},
};
use chain_facts::WorkerInfo;
use chain_facts::view::{FinalizedView, GatekeepingView, Peer, Watch};
use executor_api::Executor;
use primitives::{
    AccountId, BlockHash, BlockNumber, ClusterId, GenesisHash, Measurement, StateRoot,
};
use rand_core::{CryptoRng, RngCore};
use scheduler::Scheduler;
use secrets::StateKey;
use std::sync::Arc;
use threshold_keys::WrongShare;
use wire::{
    handover::HandedState,
    message::{MessagePayload, SignedMessage},
    registration::{VersionedWorkerEndpoints, WorkerEndpointPayload, WorkerRegistration},
};
use zeroize::Zeroizing;

/// How often a process takes the cluster's state over because its own differs, at most.
const RESYNCS_MAX: u8 = 3;
/// Blocks before a registration that was sent is sent again.
const REGISTRATION_PATIENCE: BlockNumber = 12;
/// A registration is renewed once this part of its time is left: one third.
const RENEWAL_FRACTION: u64 = 3;
/// Endpoints are announced again after this many blocks if the chain has not taken them.
const ANNOUNCE_PATIENCE: BlockNumber = 12;

/// What a worker is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Version of the program: major << 16 | minor << 8 | patch.
    pub version: u32,
    /// Who operates the machine.
    pub operator: Option<AccountId>,
    /// Where clients reach it.
    pub endpoints: Vec<String>,
    /// So many mailbox entries behind what the cluster agreed on, a worker that starts takes the state
    /// over from another rather than run them.
    pub snapshot_above: u64,
    /// How contracts share the processors in queries.
    pub sharing: scheduler::Settings,
    /// This build, as its quotes say, where that is known: it does nothing under the registration of
    /// another one.
    pub measurement: Option<Measurement>,
    /// Whether this process was handed the worker's keys: it may say its number while the chain still
    /// has the registration of the build before.
    pub succeeds: bool,
}

/// Something happened outside.
#[expect(
    clippy::large_enum_variant,
    reason = "one value at a time, made and used up at once"
)]
pub enum Input {
    /// The light client has a new final block, read as the last [`Core::watch`] asked.
    Finalized(FinalizedView),
    /// The store that [`Effect::OpenStore`] asked for.
    StoreOpened {
        /// For which cluster.
        cluster: ClusterId,
        /// The store.
        store: Arc<dyn ClusterStore>,
    },
    /// No peer gave the state that [`Effect::FetchSnapshot`] asked for.
    SnapshotFailed {
        /// For which cluster.
        cluster: ClusterId,
        /// What each peer said or did.
        reason: String,
    },
    /// Another process asks for the worker's keys: SCALE `SignedHandoverRequest`. It is decided with the
    /// next view, by [`Effect::Leave`] or [`Effect::RefuseHandover`].
    HandOver(Vec<u8>),
}

/// Something to do outside.
pub enum Effect {
    /// Obtain a quote for the registration and submit both, paid by the operator.
    Register(WorkerRegistration),
    /// Submit the announcement, paid by the operator.
    Announce(WorkerEndpointPayload, [u8; 64]),
    /// Submit a message; free.
    Submit(SignedMessage),
    /// Report what a gatekeeper is proven to have done, paid by the operator.
    Report(Box<WrongShare>),
    /// Seal these secrets to the platform and write them down before any later effect is carried out.
    Keep(Zeroizing<Vec<u8>>),
    /// Open the cluster's store and hand it over.
    OpenStore {
        /// For which cluster.
        cluster: ClusterId,
        /// By which of its seeds it may be encrypted, and how, the newest first. One that opens with
        /// none of them is put aside, and an empty one by the newest is made.
        keys: Vec<(u32, StateKey)>,
    },
    /// Take the cluster's state over from one of these workers, in place of the store there may be, and
    /// hand it over as [`Input::StoreOpened`], or say [`Input::SnapshotFailed`]. No other store of the
    /// cluster is open.
    FetchSnapshot {
        /// For which cluster.
        cluster: ClusterId,
        /// By which of its seeds others may have it encrypted, and how, the newest first.
        keys: Vec<(u32, StateKey)>,
        /// After how many mailbox entries.
        next_number: u64,
        /// The root that the cluster agreed on there.
        state_root: StateRoot,
        /// The final block that says so, and its hash.
        block: (BlockNumber, BlockHash),
        /// Whom to ask.
        peers: Vec<Peer>,
    },
    /// Remove the cluster's store: its key is wiped.
    ForgetStore {
        /// Of which cluster.
        cluster: ClusterId,
    },
    /// Seal the tombstone and write it down, remove the worker's secrets, and go on as a
    /// [`crate::Departed`] made of it, which alone answers the request that waits. Nothing else is done
    /// any more; where the tombstone cannot be written, the process must end.
    Leave {
        /// What is to be written.
        tombstone: Zeroizing<Vec<u8>>,
        /// The state that is handed out.
        records: Option<Arc<dyn Records>>,
    },
    /// The request for the worker's keys is refused; the worker goes on.
    RefuseHandover(HandoverRefusal),
    /// Tell the operator.
    Say(Notice),
    /// Stop the process: going on would be wrong.
    Stop(StopReason),
}

enum ClusterState {
    None,
    AwaitingSeed,
    AwaitingStore(ClusterId),
    Running(Box<Running>),
    /// Taking the state over from another worker.
    Joining(Box<Joining>),
}

/// What the chain has of the worker.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Registered {
    /// Nothing that holds.
    No,
    /// A registration that another build made under the same keys.
    AnotherBuild,
    /// A registration of this build.
    ThisBuild,
}

/// The worker.
pub struct Core {
    settings: Settings,
    identity: Arc<Identity>,
    executor: Arc<dyn Executor>,
    host: Arc<dyn HostFacts>,
    offers: Offers,
    cache: Arc<MemoryCache>,
    queries: Arc<QueryService>,
    snapshots: Arc<SnapshotService>,
    instance: OwnInstance,
    handover: Handover,
    /// Whether the keys were handed over: nothing is done any more.
    has_left: bool,
    /// Whether a final block says that this process speaks for the worker.
    speaks: bool,
    /// How often the state was taken over because it differed.
    resyncs: u8,
    kept: KeptSecrets,
    gatekeeper: Gatekeeper,
    seed: SeedFollower,
    miner: Miner,
    outbox: Outbox,
    cluster: ClusterState,
    registration_sent: Option<BlockNumber>,
    announced: Option<BlockNumber>,
    /// The last of each kind of notice.
    said: Vec<Notice>,
    /// The newest final block acted on; nothing older is.
    newest: Option<(BlockNumber, BlockHash)>,
    /// Whether reading the newest block again brings the worker further.
    read_again: bool,
}

impl Core {
    /// A worker on the network of `genesis` with the secrets it kept.
    pub fn new(
        genesis: GenesisHash,
        settings: Settings,
        kept: KeptSecrets,
        executor: Arc<dyn Executor>,
        host: Arc<dyn HostFacts>,
        offers: Offers,
        stale_after_ms: u64,
    ) -> Self {
        let identity = Arc::new(Identity::new(genesis, &kept.signing_seed, &kept.hpke_seed));
        let queries = Arc::new(QueryService::new(
            identity.clone(),
            executor.clone(),
            Scheduler::new(settings.sharing),
            stale_after_ms,
        ));
        let snapshots = Arc::new(SnapshotService::new(identity.clone()));
        let handover = Handover::new(&identity);
        Self {
            settings,
            identity,
            executor,
            cache: Arc::new(MemoryCache::new(host.clone(), {
                let queries = queries.clone();
                Box::new(move |contract| queries.weight_of(contract))
            })),
            host,
            offers,
            queries,
            snapshots,
            instance: OwnInstance::default(),
            handover,
            has_left: false,
            speaks: false,
            resyncs: 0,
            kept,
            gatekeeper: Gatekeeper::default(),
            seed: SeedFollower::default(),
            miner: Miner::default(),
            outbox: Outbox::default(),
            cluster: ClusterState::None,
            registration_sent: None,
            announced: None,
            said: Vec::new(),
            newest: None,
            read_again: false,
        }
    }

    /// Who this worker is.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// Where queries are answered.
    pub fn queries(&self) -> &Arc<QueryService> {
        &self.queries
    }

    /// Where other workers of the cluster get its state.
    pub fn snapshots(&self) -> &Arc<SnapshotService> {
        &self.snapshots
    }

    /// What whoever wants this worker's keys makes evidence over.
    pub fn handover_offers(&self) -> &Arc<HandoverOffers> {
        self.handover.offers()
    }

    /// What this machine computes when nobody asks; whoever runs the benchmark counts there.
    pub fn gauge(&self) -> &Arc<Gauge> {
        self.miner.gauge()
    }

    /// What to read of the next final block.
    pub fn watch(&self) -> Watch {
        let running = match &self.cluster {
            ClusterState::Running(running) => Some(running),
            _ => None,
        };
        let head = running.map(|running| (running.store.head(), running.judged));
        Watch {
            worker: self.identity.worker(),
            from_number: head.map(|(head, _)| head.next_number),
            check_block: head
                .filter(|(head, judged)| !judged && head.block_number > 0)
                .map(|(head, _)| head.block_number),
            contract_keys: running
                .map(|running| running.watched_contracts())
                .unwrap_or_default(),
            holds_share: self.kept.gatekeeper.is_some(),
            wants_peers: match &self.cluster {
                ClusterState::Joining(joining) => !joining.is_fetching(),
                ClusterState::Running(running) => !running.judged,
                _ => false,
            },
            wants_contracts: running.is_some_and(|running| running.wants_contracts()),
            policy_for: self.handover.wants_policy_for(),
        }
    }

    /// Whether the same block should be read again: the last view left mailbox entries unread, or made
    /// contracts whose keys are not looked up yet. Never while the worker may not run the mailbox.
    pub fn is_behind(&self, inbox_next: u64) -> bool {
        match &self.cluster {
            ClusterState::Running(running) if self.read_again => {
                running.store.head().next_number < inbox_next || running.has_unseen_contracts()
            }
            // Its peers are read with the next view.
            ClusterState::Joining(_) => self.read_again,
            _ => false,
        }
    }

    /// Takes one input and says what to do.
    pub fn step<R: RngCore + CryptoRng>(&mut self, input: Input, rng: &mut R) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.has_left {
            return effects;
        }
        match input {
            Input::HandOver(request) => {
                if let Err(refusal) = self.handover.ask(&request) {
                    self.refuse_handover(refusal, &mut effects);
                }
            }
            Input::Finalized(view) => self.on_finalized(&view, &mut effects, rng),
            Input::StoreOpened { cluster, store } => self.on_store(cluster, store, &mut effects),
            Input::SnapshotFailed { cluster, reason } => {
                if let ClusterState::Joining(joining) = &mut self.cluster
                    && joining.id == cluster
                {
                    joining.failed();
                    self.say(Notice::SnapshotFailed(reason), &mut effects);
                }
            }
        }
        effects
    }

    fn on_finalized<R: RngCore + CryptoRng>(
        &mut self,
        view: &FinalizedView,
        effects: &mut Vec<Effect>,
        rng: &mut R,
    ) {
        self.read_again = false;
        if !self.takes(view, effects) {
            return;
        }
        if std::mem::take(&mut self.kept.dropped_master) {
            effects.push(Effect::Keep(self.kept.to_bytes()));
            self.say(Notice::MasterSecretDropped, effects);
        }
        self.handover.follow(view, rng);
        if self.hand_over(view, effects, rng) {
            return;
        }
        let judged = self.keep_registered(view, effects);
        let active = match judged {
            Registered::ThisBuild => true,
            Registered::AnotherBuild => self.settings.succeeds,
            Registered::No => false,
        };
        let stands = active && self.stands(view, effects, rng);
        self.speaks = stands && judged == Registered::ThisBuild;
        if let Some(gatekeeping) = &view.gatekeeping {
            // An old block may name members that the chain has withdrawn since.
            let age_ms = self.host.untrusted_now_ms().saturating_sub(view.timestamp_ms);
            let is_fresh = age_ms <= self.queries.stale_after_ms();
            if self.speaks && !is_fresh {
                self.say(Notice::GatekeeperStale, effects);
            }
            self.guard_keys((view, gatekeeping, self.speaks && is_fresh), effects, rng);
        }
        match &view.cluster {
            Some(cluster) if active => {
                let agreed = cluster.agreed.as_ref();
                self.snapshots.follow(&cluster.id, &cluster.workers, view.number, agreed);
                self.follow_cluster(view, cluster, effects);
            }
            other => {
                self.queries.withdraw();
                self.snapshots.withdraw();
                if other.is_none() && self.speaks {
                    self.forget_clusters(effects);
                }
            }
        }
        self.outbox.settle(view.next_sequence);
        self.mine(view, effects);
        self.drop_refused(view);
        if active {
            // From a worker that is not active the chain takes no messages.
            let messages = self.outbox.due(view.number, &self.identity);
            effects.extend(messages.into_iter().map(Effect::Submit));
        }
    }

    /// Answers a challenge, and measures the machine where that is due.
    fn mine(&mut self, view: &FinalizedView, effects: &mut Vec<Effect>) {
        let mining = view.mining.as_ref().filter(|_| self.speaks);
        let moment = Moment {
            block: view.number,
            chain_ms: view.timestamp_ms,
            clock_ms: self.host.monotonic_ms(),
            contracts_ns: self.queries.scheduler().totals().used_ns,
            serves: matches!(self.queries.serving(), ServingState::Serving { .. }),
        };
        for notice in self.miner.follow(mining, &moment, &mut self.outbox) {
            self.say(notice, effects);
        }
    }

    /// Wipes the seeds of clusters that the worker is no longer of, by a chain that is known to be new.
    fn forget_clusters(&mut self, effects: &mut Vec<Effect>) {
        if self.kept.seeds.is_empty() {
            return;
        }
        self.cluster = ClusterState::None;
        let mut clusters: Vec<ClusterId> = self.kept.seeds.iter().map(|kept| kept.cluster).collect();
        clusters.dedup();
        self.kept.seeds.clear();
        self.seed = SeedFollower::default();
        effects.push(Effect::Keep(self.kept.to_bytes()));
        for cluster in clusters {
            self.say(Notice::LeftCluster(cluster), effects);
            effects.push(Effect::ForgetStore { cluster });
        }
    }

    fn refuse_handover(&mut self, refusal: HandoverRefusal, effects: &mut Vec<Effect>) {
        effects.push(Effect::RefuseHandover(refusal.clone()));
        // Anybody can send what is malformed: no log of it.
        if !matches!(refusal, HandoverRefusal::Malformed | HandoverRefusal::ForAnother) {
            self.say(Notice::HandoverRefused(refusal), effects);
        }
    }

    /// Decides a request for the worker's keys; whether they are handed over.
    fn hand_over<R: RngCore + CryptoRng>(
        &mut self,
        view: &FinalizedView,
        effects: &mut Vec<Effect>,
        rng: &mut R,
    ) -> bool {
        let age_ms = self.host.untrusted_now_ms().saturating_sub(view.timestamp_ms);
        let is_fresh = view.timestamp_ms > 0 && age_ms <= self.queries.stale_after_ms();
        let speaks = self.instance.is_named(view.instance.as_ref());
        let running = match &self.cluster {
            // A state that was not held against the chain is nobody's to pass on.
            ClusterState::Running(running) if running.judged => Some(running),
            _ => None,
        };
        let to = self.handover.wants_policy_for();
        let state = || {
            let (running, head) = running.map(|running| (running, running.store.head()))?;
            let state = HandedState {
                cluster: running.id,
                next_number: head.next_number,
                state_root: head.state_root,
                block_number: head.block_number,
                block_hash: head.block_hash,
            };
            let (seed, _) = self.kept.seed(&running.id, running.store.keyed_by())?;
            (head.next_number > 0).then(|| (state, seed.state_key()))
        };
        let decided = self.handover.decide(
            view,
            (speaks, is_fresh),
            state,
            (&self.identity, &self.kept),
            rng,
        );
        match decided {
            None => false,
            Some(Err(refusal)) => {
                self.refuse_handover(refusal, effects);
                false
            }
            Some(Ok(tombstone)) => {
                let records = running.map(|running| running.store.records());
                self.queries.withdraw();
                self.snapshots.withdraw();
                self.cluster = ClusterState::None;
                self.speaks = false;
                self.has_left = true;
                effects.push(Effect::Leave { tombstone, records });
                if let Some(to) = to {
                    self.say(Notice::HandedOver(to), effects);
                }
                true
            }
        }
    }

    /// Whether this process speaks for the worker.
    fn stands<R: RngCore + CryptoRng>(
        &mut self,
        view: &FinalizedView,
        effects: &mut Vec<Effect>,
        rng: &mut R,
    ) -> bool {
        match self.instance.stand(view.instance.as_ref(), &mut self.outbox, rng) {
            Standing::Speaks => true,
            Standing::Waits => {
                self.say(Notice::AwaitingInstance, effects);
                false
            }
            Standing::Replaced => {
                self.queries.withdraw();
                effects.push(Effect::Stop(StopReason::Replaced));
                false
            }
        }
    }

    /// Whether a view is of the newest final block known, or a newer one.
    fn takes(&mut self, view: &FinalizedView, effects: &mut Vec<Effect>) -> bool {
        match self.newest {
            Some((number, _)) if view.number < number => return false,
            Some((number, hash)) if view.number == number && view.hash != hash => {
                self.queries.withdraw();
                effects.push(Effect::Stop(StopReason::AnotherChain(number)));
                return false;
            }
            _ => self.newest = Some((view.number, view.hash)),
        }
        true
    }

    /// Whether the chain, at this block, lets the worker act; asks for registration where it lapses.
    fn keep_registered(&mut self, view: &FinalizedView, effects: &mut Vec<Effect>) -> Registered {
        // The first block has no time: what is dated by it would be too old at once.
        if view.timestamp_ms == 0 {
            return Registered::No;
        }
        let left_ms = view.registration.as_ref().map_or(0, |info| {
            info.expires_at_ms.saturating_sub(view.timestamp_ms)
        });
        let lifetime_ms = view.registration.as_ref().map_or(0, |info| {
            info.expires_at_ms.saturating_sub(info.last_updated_ms)
        });
        // Another build under the same keys: the chain still judges the worker by the one before.
        let replaced = view
            .registration
            .as_ref()
            .is_some_and(|info| {
                info.runtime_version != self.settings.version
                    || self.is_of_another_build(info)
                    // Evidence of its own, for receipts, also where the build is the same.
                    || (self.settings.succeeds && self.registration_sent.is_none())
            });
        let waiting = self
            .registration_sent
            .is_some_and(|sent| view.number.saturating_sub(sent) < REGISTRATION_PATIENCE);
        if (replaced || left_ms <= lifetime_ms / RENEWAL_FRACTION) && !waiting {
            self.registration_sent = Some(view.number);
            effects.push(Effect::Register(WorkerRegistration {
                version: self.settings.version,
                worker: self.identity.worker(),
                hpke_public_key: self.identity.hpke_public_key(),
                genesis: self.identity.genesis(),
                operator: self.settings.operator,
                made_at_ms: view.timestamp_ms,
            }));
            self.say(Notice::Registering(self.identity.worker()), effects);
        }
        let Some(info) = &view.registration else {
            return Registered::No;
        };
        if left_ms == 0 {
            return Registered::No;
        }
        if !view.measurement_allowed {
            self.say(Notice::BuildNotAllowed, effects);
            return Registered::No;
        }
        if self.is_of_another_build(info) {
            self.say(Notice::AwaitingJudgement, effects);
            return Registered::AnotherBuild;
        }
        let (expires_at_ms, tier) = (info.expires_at_ms, info.confidence_level);
        self.say(
            Notice::Registered {
                expires_at_ms,
                tier,
            },
            effects,
        );
        self.announce(view, effects);
        Registered::ThisBuild
    }

    fn is_of_another_build(&self, info: &WorkerInfo) -> bool {
        self.settings.measurement.is_some_and(|own| own != info.measurement)
    }

    fn announce(&mut self, view: &FinalizedView, effects: &mut Vec<Effect>) {
        let wait = self
            .announced
            .is_some_and(|at| view.number.saturating_sub(at) < ANNOUNCE_PATIENCE);
        if self.settings.endpoints.is_empty()
            || wait
            || view.own_endpoints.as_ref() == Some(&self.settings.endpoints)
        {
            return;
        }
        self.announced = Some(view.number);
        let payload = WorkerEndpointPayload {
            pubkey: self.identity.worker(),
            versioned_endpoints: VersionedWorkerEndpoints::V1(self.settings.endpoints.clone()),
            signing_time: view.timestamp_ms,
        };
        let signature = self
            .identity
            .sign(&payload.signed_bytes(&self.identity.genesis()));
        effects.push(Effect::Announce(payload, signature));
    }

    fn guard_keys<R: RngCore + CryptoRng>(
        &mut self,
        block: (&FinalizedView, &GatekeepingView, bool),
        effects: &mut Vec<Effect>,
        rng: &mut R,
    ) {
        let done = self.gatekeeper.follow(
            block,
            &self.identity,
            &mut self.kept.gatekeeper,
            &mut self.outbox,
            rng,
        );
        if done.keep {
            effects.push(Effect::Keep(self.kept.to_bytes()));
        }
        for notice in done.notices {
            self.say(notice, effects);
        }
    }

    /// Drops messages that the chain takes from this worker no more, whatever their number.
    fn drop_refused(&mut self, view: &FinalizedView) {
        let has_part =
            gatekeeper::has_part(view.gatekeeping.as_ref(), &self.identity.worker());
        let cluster = view.cluster.as_ref().map(|cluster| &cluster.id);
        self.outbox.drop_refused(|payload| match payload {
            MessagePayload::Gatekeeper { .. } => !has_part,
            MessagePayload::Heartbeat { .. } | MessagePayload::Benchmark { .. } => {
                mining::is_void(payload, view.mining.as_ref(), view.timestamp_ms)
            }
            other => seed::is_of_another(other, cluster),
        });
    }

    /// Says a notice unless it was the last of its kind.
    fn say(&mut self, notice: Notice, effects: &mut Vec<Effect>) {
        let kind = std::mem::discriminant(&notice);
        let last = self
            .said
            .iter_mut()
            .find(|said| std::mem::discriminant(*said) == kind);
        match last {
            Some(last) if *last == notice => return,
            Some(last) => *last = notice.clone(),
            None => self.said.push(notice.clone()),
        }
        effects.push(Effect::Say(notice));
    }

    /// Whether queries are answered, and why not.
    pub fn serving(&self) -> ServingState {
        self.queries.serving()
    }
}
