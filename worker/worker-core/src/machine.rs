//! The state machine itself: one arm for each input, one named step for each concern.

use crate::{
    cache::MemoryCache,
    gatekeeper::{self, Gatekeeper},
    handover::{Handover, HandoverOffers, HandoverRefusal},
    identity::Identity,
    instance::{OwnInstance, Standing},
    joining::Joining,
    kept::KeptSecrets,
    outbox::Outbox,
    query::{Published, QueryService, ServingState},
    running::{
        ClusterCapabilities, HostFacts, Offers, RunError, Running, StoreJudgement, judge_store,
    },
    seed::{self, SeedFollower},
    snapshots::SnapshotService,
    store::{ClusterStore, Records},
};
use chain_facts::WorkerInfo;
use chain_facts::view::{ClusterView, FinalizedView, GatekeepingView, Peer, Watch};
use executor_api::Executor;
use primitives::{
    AccountId, BlockHash, BlockNumber, ClusterId, GenesisHash, Measurement, StateRoot, WorkerId,
};
use rand_core::{CryptoRng, RngCore};
use scheduler::Scheduler;
use secrets::{ClusterSeed, StateKey};
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
        /// The key that encrypts it.
        key: StateKey,
    },
    /// Take the cluster's state over from one of these workers, in place of the store there may be, and
    /// hand it over as [`Input::StoreOpened`], or say [`Input::SnapshotFailed`]. No other store of the
    /// cluster is open.
    FetchSnapshot {
        /// For which cluster.
        cluster: ClusterId,
        /// The key that encrypts it.
        key: StateKey,
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

/// What the operator should know. None of it is confidential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// Asking the chain to take the worker.
    #[error("registering as worker {0}")]
    Registering(WorkerId),
    /// The chain has the worker.
    #[error("registered until {expires_at_ms} (milliseconds since 1970), tier {tier}")]
    Registered {
        /// When it lapses.
        expires_at_ms: u64,
        /// Tier.
        tier: u8,
    },
    /// The chain no longer allows this build.
    #[error("the chain does not allow this worker's build: it serves nothing until it is replaced")]
    BuildNotAllowed,
    /// Assigned to a cluster, no seed yet.
    #[error("assigned to cluster {0}; waiting for enough gatekeepers to give their shares of its seed")]
    AwaitingSeed(ClusterId),
    /// Caught up and serving.
    #[error("serving cluster {cluster}: {entries} mailbox entries run, state root {root}")]
    Serving {
        /// Which cluster.
        cluster: ClusterId,
        /// Entries run so far.
        entries: u64,
        /// Root after them.
        root: primitives::StateRoot,
    },
    /// The light client is behind the store.
    #[error(
        "the store has seen block {store_block}, the light client only block {chain_block}: waiting"
    )]
    ChainIsBehind {
        /// The store's.
        store_block: BlockNumber,
        /// The chain's.
        chain_block: BlockNumber,
    },
    /// The disk disagrees with the chain and is rebuilt from the mailbox.
    #[error("the state on disk is refused ({0}): it is rebuilt from the mailbox")]
    StoreRefused(String),
    /// The state is taken over from another worker.
    #[error(
        "taking the state after {next_number} mailbox entries over from another worker of cluster {cluster}: {why}"
    )]
    Joining {
        /// Which cluster.
        cluster: ClusterId,
        /// The state that the cluster agreed on.
        next_number: u64,
        /// Why it is not run here.
        why: String,
    },
    /// No worker handed the state over.
    #[error("no worker handed the cluster's state over: {0}; it is tried again")]
    SnapshotFailed(String),
    /// There is nobody to take the state over from.
    #[error(
        "the cluster's state has to be taken over from another worker, and none can be asked: waiting"
    )]
    NoPeer,
    /// The state differs from the cluster's.
    #[error(
        "after {next_number} mailbox entries this worker's state differs from what the cluster agreed on: it serves nothing and takes the cluster's state over"
    )]
    Diverged {
        /// After so many entries.
        next_number: u64,
    },
    /// The chain has taken the worker out of service.
    #[error(
        "the chain has suspended this worker: after {next_number} mailbox entries it reported {reported}, the cluster {agreed}; it serves nothing until its reports agree again"
    )]
    Suspended {
        /// After so many entries.
        next_number: u64,
        /// What it reported.
        reported: StateRoot,
        /// What the cluster agreed on.
        agreed: StateRoot,
    },
    /// The chain has taken the worker out of its cluster.
    #[error("no longer of cluster {0}: its seed and its state are wiped here")]
    LeftCluster(ClusterId),
    /// The chain has the registration of another build.
    #[error("the chain has another build of this worker: waiting until it has judged this one")]
    AwaitingJudgement,
    /// A request for the keys came to nothing.
    #[error("a process that wants this worker's keys is refused: {0}")]
    HandoverRefused(HandoverRefusal),
    /// The worker ends here.
    #[error("this worker's keys are handed over to a process of build {0}: it stops for good")]
    HandedOver(Measurement),
    /// The chain has not heard of this process.
    #[error("waiting until a final block knows of this process: nothing is served before")]
    AwaitingInstance,
    /// An earlier version has left a master secret on the disk.
    #[error(
        "a master secret of an earlier version was on the disk: gatekeepers hold shares now, it was removed"
    )]
    MasterSecretDropped,
    /// The gatekeeper has its share of the network's key.
    #[error(
        "gatekeeper: holds a share of the network's key, epoch {epoch}: {threshold} of {holders} are needed"
    )]
    HoldsShare {
        /// Counts how often the key was dealt.
        epoch: u32,
        /// How many shares it takes.
        threshold: u8,
        /// How many there are.
        holders: u8,
    },
    /// One share is enough.
    #[error(
        "INSECURE: this one machine holds the whole key of the network. Whoever opens it reads everything; if it is lost, so is everything. For development only"
    )]
    LoneGatekeeper,
    /// The chain counts on a share that is not there.
    #[error(
        "gatekeeper: the chain counts on this worker's share of epoch {epoch}, which is not on its disk: it was away when the share was dealt, or the disk is an older one. It gets another when the key is dealt next"
    )]
    ShareMissing {
        /// Counts how often the key was dealt.
        epoch: u32,
    },
    /// A dealer gave this worker a wrong share.
    #[error("gatekeeper: {0} dealt a wrong share; the chain is shown the proof")]
    WrongDealing(WorkerId),
    /// A share of the seed is wrong, and its maker signed it.
    #[error("gatekeeper {0} sent a wrong share of the cluster's seed: it is reported with the proof")]
    WrongSeedShare(WorkerId),
    /// A share of the seed cannot be used, and nobody else can see it.
    #[error(
        "gatekeeper {0} sent a share of the cluster's seed that does not open: it cannot be proven; tell its operator"
    )]
    UnusableSeedShare(WorkerId),
    /// The chain has another key for the cluster than the gatekeepers' shares make.
    #[error(
        "the chain has another key for cluster {0} than its seed makes, so another worker of the cluster lied: this worker serves nothing; tell the cluster's owner"
    )]
    ClusterKeyDisputed(ClusterId),
    /// The chain has it that this worker has the seed, and it has not.
    #[error(
        "the chain has it that this worker has the seed of cluster {0}, but its disk has not: an older disk? Put the right one back, or start with a new data directory"
    )]
    SeedLost(ClusterId),
    /// The gatekeeper's chain is too old to hand out keys by.
    #[error("gatekeeper: the last final block is too old to hand out keys by")]
    GatekeeperStale,
}

impl Notice {
    /// Whether something is wrong that the operator should look into.
    pub fn is_alarm(&self) -> bool {
        matches!(
            self,
            Self::BuildNotAllowed
                | Self::HandoverRefused(_)
                | Self::StoreRefused(_)
                | Self::Diverged { .. }
                | Self::Suspended { .. }
                | Self::SnapshotFailed(_)
                | Self::NoPeer
                | Self::LoneGatekeeper
                | Self::ShareMissing { .. }
                | Self::WrongDealing(_)
                | Self::WrongSeedShare(_)
                | Self::UnusableSeedShare(_)
                | Self::ClusterKeyDisputed(_)
                | Self::SeedLost(_)
                | Self::GatekeeperStale
        )
    }
}

/// Why the process must end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// The store belongs to another chain.
    #[error(
        "the state on disk has acted on another block {0} than the chain has: another network, or a fork; use another data directory"
    )]
    AnotherChain(BlockNumber),
    /// The mailbox was pruned below what the worker needs, and no other worker has the state.
    #[error(
        "the state on disk ends at mailbox entry {0}, which the chain no longer keeps, and the cluster has no other worker that could hand its state over: bring back the newest copy of the data directory"
    )]
    MailboxPruned(u64),
    /// Another process speaks for this worker.
    #[error(
        "another process with this worker's keys has started, and the chain listens to that one: two must never run; if none should be there, the data directory was copied"
    )]
    Replaced,
    /// The state came out differently each time.
    #[error(
        "this worker's state differed from the cluster's {0} times, each time after it was taken over: this build or this machine computes wrongly"
    )]
    KeepsDiffering(u8),
    /// Running entries failed.
    #[error("the mailbox could not be run: {0}")]
    Run(String),
}

enum ClusterState {
    None,
    AwaitingSeed,
    AwaitingStore(ClusterId, ClusterSeed),
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

/// What becomes of a store that was found on disk.
enum Judged {
    GoOn,
    Wait,
    /// The cluster's state is taken over in its place; why.
    TakeOver(String),
}

/// Why the cluster's state is better taken over from another worker than made here, if it is.
fn worth_taking_over(
    store: &dyn ClusterStore,
    cluster: &ClusterView,
    snapshot_above: u64,
) -> Option<String> {
    let agreed = cluster.agreed.as_ref().filter(|_| !cluster.peers.is_empty())?;
    let behind = agreed.next_number.saturating_sub(store.head().next_number);
    (behind > snapshot_above).then(|| format!("its own is {behind} entries behind"))
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
            cache: Arc::new(MemoryCache::new(host.clone())),
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
        self.drop_refused(view);
        if active {
            // From a worker that is not active the chain takes no messages.
            let messages = self.outbox.due(view.number, &self.identity);
            effects.extend(messages.into_iter().map(Effect::Submit));
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
            (head.next_number > 0).then(|| (state, running.capabilities.seed.state_key()))
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
            other => seed::is_of_another(other, cluster),
        });
    }

    fn follow_cluster(
        &mut self,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        if self.follow_seed(view, cluster, effects) {
            self.queries.withdraw();
            return;
        }
        match std::mem::replace(&mut self.cluster, ClusterState::None) {
            ClusterState::Running(running) if running.id == cluster.id => {
                self.run(running, view, cluster, effects);
            }
            ClusterState::AwaitingStore(id, seed) if id == cluster.id => {
                self.cluster = ClusterState::AwaitingStore(id, seed);
            }
            ClusterState::Joining(joining) if joining.id == cluster.id => {
                self.join(joining, view, cluster, effects);
            }
            _ => self.find_seed(cluster, effects),
        }
    }

    /// Looks after the cluster's seed; whether the chain has another key than it makes.
    fn follow_seed(
        &mut self,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let done = self.seed.follow(
            (view.number, cluster),
            &self.identity,
            &mut self.kept,
            &mut self.outbox,
        );
        if done.keep {
            effects.push(Effect::Keep(self.kept.to_bytes()));
        }
        for evidence in done.reports {
            effects.push(Effect::Report(Box::new(evidence)));
        }
        for notice in done.notices {
            self.say(notice, effects);
        }
        done.disputed
    }

    fn find_seed(&mut self, cluster: &ClusterView, effects: &mut Vec<Effect>) {
        self.queries.withdraw();
        let Some(seed) = seed::good(&self.kept, cluster) else {
            self.say(Notice::AwaitingSeed(cluster.id), effects);
            self.cluster = ClusterState::AwaitingSeed;
            return;
        };
        effects.push(Effect::OpenStore {
            cluster: cluster.id,
            key: seed.state_key(),
        });
        self.cluster = ClusterState::AwaitingStore(cluster.id, seed);
    }

    fn on_store(
        &mut self,
        cluster: ClusterId,
        store: Arc<dyn ClusterStore>,
        effects: &mut Vec<Effect>,
    ) {
        match std::mem::replace(&mut self.cluster, ClusterState::None) {
            ClusterState::AwaitingStore(id, seed) if id == cluster => {
                self.start_running(id, seed, store, effects);
            }
            ClusterState::Joining(joining) if joining.id == cluster && joining.is_fetching() => {
                self.start_running(joining.id, joining.seed, store, effects);
            }
            other => self.cluster = other,
        }
    }

    fn start_running(
        &mut self,
        id: ClusterId,
        seed: ClusterSeed,
        store: Arc<dyn ClusterStore>,
        effects: &mut Vec<Effect>,
    ) {
        {
            {
                let mut running = Running {
                    id,
                    store,
                    capabilities: Arc::new(ClusterCapabilities {
                        seed,
                        worker: self.identity.worker(),
                        host: self.host.clone(),
                        offers: self.offers.clone(),
                        cache: self.cache.clone(),
                    }),
                    logs: self.queries.logs().clone(),
                    judged: false,
                    unpublished: Default::default(),
                    reportable: None,
                    last_entry_block: None,
                    read_from: 0,
                };
                match running.recall_unpublished() {
                    Ok(()) => self.cluster = ClusterState::Running(Box::new(running)),
                    Err(error) => effects.push(Effect::Stop(StopReason::Run(error.to_string()))),
                }
            }
        }
    }

    fn run(
        &mut self,
        mut running: Box<Running>,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        if !running.judged {
            match self.judge(&running, view, cluster, effects) {
                Judged::GoOn => running.judged = true,
                Judged::Wait => {
                    self.cluster = ClusterState::Running(running);
                    return;
                }
                Judged::TakeOver(why) => {
                    self.take_over(running, why, view, cluster, effects);
                    return;
                }
            }
        }
        if let Some(suspension) = &cluster.suspension {
            self.queries.withdraw();
            self.say(
                Notice::Suspended {
                    next_number: suspension.next_number,
                    reported: suspension.reported,
                    agreed: suspension.agreed,
                },
                effects,
            );
        }
        if let Some(agreed) = &cluster.agreed
            && running
                .store
                .root_at(agreed.next_number)
                .is_some_and(|root| root != agreed.state_root)
        {
            self.on_divergence(running, agreed.next_number, view, cluster, effects);
            return;
        }
        let needs_number = running.store.head().next_number;
        if needs_number < cluster.inbox_first {
            // It was not of the cluster for a while, and the chain did not wait for it.
            let why = format!("the chain no longer keeps entry {needs_number}");
            self.take_over(running, why, view, cluster, effects);
            return;
        }
        running.settle_contract_keys(view, cluster);
        let ran = match running.run_entries(&self.identity, &*self.executor, view, cluster) {
            Ok(ran) => ran,
            Err(RunError::Disagrees { at_number, .. }) => {
                self.on_divergence(running, at_number, view, cluster, effects);
                return;
            }
            Err(error) => {
                effects.push(Effect::Stop(StopReason::Run(error.to_string())));
                self.queries.withdraw();
                return;
            }
        };
        self.read_again = ran > 0 || running.has_unseen_contracts();
        let genesis = self.identity.genesis();
        running.speak_contract_keys(
            genesis,
            self.identity.worker(),
            view,
            cluster,
            &mut self.outbox,
        );
        if let Err(error) = running.anchor(view) {
            effects.push(Effect::Stop(StopReason::Run(error.to_string())));
            self.queries.withdraw();
            return;
        }
        if running.note_reportable(view, cluster)
            && let Some(reportable) = running.reportable
            && !self.snapshots.holds(reportable.next_number)
        {
            let records = running.store.records();
            self.snapshots.pin(reportable.next_number, reportable.state_root, records);
        }
        self.report(&running, cluster);
        if self.speaks {
            let log = self.queries.receipt_log();
            log.report(running.id, view.number, view.receipt_log_next, &mut self.outbox);
        }
        let head = running.store.head();
        let may_serve = self.speaks && cluster.suspension.is_none();
        if head.next_number >= cluster.inbox_next && may_serve {
            self.publish(&running, view, head);
            let was_said = self
                .said
                .iter()
                .any(|said| matches!(said, Notice::Serving { .. }));
            if !was_said {
                self.say(
                    Notice::Serving {
                        cluster: running.id,
                        entries: head.next_number,
                        root: head.state_root,
                    },
                    effects,
                );
            }
        }
        self.cluster = ClusterState::Running(running);
    }

    /// Holds the store against the chain.
    fn judge(
        &mut self,
        running: &Running,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) -> Judged {
        match judge_store(&*running.store, view, cluster) {
            // A view read for an unjudged store carries entries from its head on, so it is run now.
            StoreJudgement::GoOn => match worth_taking_over(
                &*running.store,
                cluster,
                self.settings.snapshot_above,
            ) {
                Some(why) => Judged::TakeOver(why),
                None => Judged::GoOn,
            },
            StoreJudgement::ChainIsBehind { store_block } => {
                self.say(
                    Notice::ChainIsBehind {
                        store_block,
                        chain_block: view.number,
                    },
                    effects,
                );
                Judged::Wait
            }
            StoreJudgement::AnotherChain { at_block } => {
                effects.push(Effect::Stop(StopReason::AnotherChain(at_block)));
                Judged::Wait
            }
            StoreJudgement::AnotherState { at_number } => {
                let why = format!("it differs from this worker's report after entry {at_number}");
                self.say(Notice::StoreRefused(why.clone()), effects);
                Judged::TakeOver(why)
            }
            StoreJudgement::Disagrees { at_number } => {
                self.say(Notice::Diverged { next_number: at_number }, effects);
                Judged::TakeOver(format!("its own differs after entry {at_number}"))
            }
            StoreJudgement::Lost { needs_number } => Judged::TakeOver(format!(
                "its own ends at entry {needs_number}, which the chain no longer keeps"
            )),
        }
    }

    /// The state came out differently from what the cluster agreed on.
    fn on_divergence(
        &mut self,
        running: Box<Running>,
        next_number: u64,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        self.queries.withdraw();
        self.say(Notice::Diverged { next_number }, effects);
        if self.resyncs == RESYNCS_MAX {
            effects.push(Effect::Stop(StopReason::KeepsDiffering(RESYNCS_MAX)));
            return;
        }
        self.resyncs += 1;
        let why = format!("its own differs after entry {next_number}");
        self.take_over(running, why, view, cluster, effects);
    }

    /// Gives the store up for the cluster's state, from another worker or from the mailbox.
    fn take_over(
        &mut self,
        running: Box<Running>,
        why: String,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        self.queries.withdraw();
        self.snapshots.withdraw();
        let joining = Joining::instead_of(&running, why);
        // Lets go of the file, unless it is needed again.
        drop(running);
        self.join(Box::new(joining), view, cluster, effects);
    }

    fn join(
        &mut self,
        mut joining: Box<Joining>,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        self.queries.withdraw();
        if !joining.is_due(view.number) {
            self.cluster = ClusterState::Joining(joining);
            return;
        }
        let is_alone = cluster.workers.len() <= 1;
        if cluster.peers.is_empty() && !is_alone && !joining.has_looked_for_peers() {
            // The view may have been read without them.
            self.read_again = true;
            self.cluster = ClusterState::Joining(joining);
            return;
        }
        // The whole mailbox is there: the state can be made from it.
        let can_be_made = cluster.inbox_first == 0;
        match &cluster.agreed {
            Some(agreed)
                if !cluster.peers.is_empty() && !(can_be_made && joining.has_failed_enough()) =>
            {
                self.say(
                    Notice::Joining {
                        cluster: joining.id,
                        next_number: agreed.next_number,
                        why: joining.why.clone(),
                    },
                    effects,
                );
                joining.fetch(view.number);
                effects.push(Effect::FetchSnapshot {
                    cluster: joining.id,
                    key: joining.seed.state_key(),
                    next_number: agreed.next_number,
                    state_root: agreed.state_root,
                    block: (view.number, view.hash),
                    peers: cluster.peers.clone(),
                });
                self.cluster = ClusterState::Joining(joining);
            }
            _ if can_be_made => {
                match joining.store.take() {
                    Some(store) => match store.clear() {
                        Ok(()) => {
                            let Joining { id, seed, .. } = *joining;
                            self.start_running(id, seed, store, effects);
                            self.read_again = true;
                        }
                        Err(error) => {
                            effects.push(Effect::Stop(StopReason::Run(error.to_string())));
                        }
                    },
                    None => {
                        let Joining { id, seed, .. } = *joining;
                        effects.push(Effect::OpenStore { cluster: id, key: seed.state_key() });
                        self.cluster = ClusterState::AwaitingStore(id, seed);
                    }
                }
            }
            _ if is_alone => {
                effects.push(Effect::Stop(StopReason::MailboxPruned(joining.needs_number)));
            }
            _ => {
                self.say(Notice::NoPeer, effects);
                self.cluster = ClusterState::Joining(joining);
            }
        }
    }

    fn report(&mut self, running: &Running, cluster: &ClusterView) {
        let on_chain = cluster
            .checkpoint
            .as_ref()
            .map_or(0, |checkpoint| checkpoint.next_number);
        let Some(reportable) = running.reportable else {
            return;
        };
        if reportable.next_number > on_chain && !self.outbox.has_checkpoint() {
            self.outbox.push(MessagePayload::Checkpoint {
                cluster: running.id,
                next_number: reportable.next_number,
                state_root: reportable.state_root,
                block_number: reportable.boundary,
            });
        }
    }

    fn publish(&self, running: &Running, view: &FinalizedView, head: crate::store::Head) {
        let state = running.store.snapshot();
        // A state that cannot be read answers no query either; the limits do not matter then.
        let limits = self.executor.limits(&*state).unwrap_or_default();
        self.cache.set_part_bytes_max(limits.cache_bytes);
        self.queries
            .logs()
            .set_ring_bytes_max(limits.log_bytes);
        self.queries.publish(Published {
            cluster: running.id,
            block_number: view.number,
            block_hash: view.hash,
            block_timestamp_ms: view.timestamp_ms,
            state_root: head.state_root,
            next_number: head.next_number,
            state,
            capabilities: running.capabilities.clone(),
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
