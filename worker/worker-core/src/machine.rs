//! The state machine itself: one arm for each input, one named step for each concern.

use crate::{
    cache::MemoryCache,
    gatekeeper::{self, Gatekeeper},
    identity::Identity,
    kept::KeptSecrets,
    outbox::Outbox,
    query::{Published, QueryService, ServingState},
    running::{ClusterCapabilities, HostFacts, Offers, Running, StoreJudgement, judge_store},
    seed::{self, SeedFollower},
    store::ClusterStore,
};
use chain_facts::view::{ClusterView, FinalizedView, GatekeepingView, Watch};
use executor_api::Executor;
use primitives::{AccountId, BlockHash, BlockNumber, ClusterId, GenesisHash, WorkerId};
use rand_core::{CryptoRng, RngCore};
use scheduler::Scheduler;
use secrets::{ClusterSeed, StateKey};
use std::sync::Arc;
use threshold_keys::WrongShare;
use wire::{
    message::{MessagePayload, SignedMessage},
    registration::{VersionedWorkerEndpoints, WorkerEndpointPayload, WorkerRegistration},
};
use zeroize::Zeroizing;

/// Blocks between two reports of state, at least.
const CHECKPOINT_INTERVAL: BlockNumber = 5;
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
    /// How contracts share the processors in queries.
    pub sharing: scheduler::Settings,
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
                | Self::StoreRefused(_)
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
    /// The mailbox was pruned below what the worker needs.
    #[error(
        "the state on disk ends at mailbox entry {0}, which the chain no longer keeps: this worker needs a snapshot of a peer, which does not exist yet"
    )]
    MailboxPruned(u64),
    /// Running entries failed.
    #[error("the mailbox could not be run: {0}")]
    Run(String),
}

enum ClusterState {
    None,
    AwaitingSeed,
    AwaitingStore(ClusterId, ClusterSeed),
    Running(Box<Running>),
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
        Self {
            settings,
            identity,
            executor,
            cache: Arc::new(MemoryCache::new(host.clone())),
            host,
            offers,
            queries,
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
            wants_peers: false,
        }
    }

    /// Whether the same block should be read again: the last view left mailbox entries unread, or made
    /// contracts whose keys are not looked up yet. Never while the worker may not run the mailbox.
    pub fn is_behind(&self, inbox_next: u64) -> bool {
        match &self.cluster {
            ClusterState::Running(running) if self.read_again => {
                running.store.head().next_number < inbox_next || running.has_unseen_contracts()
            }
            _ => false,
        }
    }

    /// Takes one input and says what to do.
    pub fn step<R: RngCore + CryptoRng>(&mut self, input: Input, rng: &mut R) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Finalized(view) => self.on_finalized(&view, &mut effects, rng),
            Input::StoreOpened { cluster, store } => self.on_store(cluster, store, &mut effects),
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
        let active = self.keep_registered(view, effects);
        if let Some(gatekeeping) = &view.gatekeeping {
            // An old block may name members that the chain has withdrawn since.
            let age_ms = self.host.untrusted_now_ms().saturating_sub(view.timestamp_ms);
            let is_fresh = age_ms <= self.queries.stale_after_ms();
            if active && !is_fresh {
                self.say(Notice::GatekeeperStale, effects);
            }
            self.guard_keys((view, gatekeeping, active && is_fresh), effects, rng);
        }
        match &view.cluster {
            Some(cluster) if active => self.follow_cluster(view, cluster, effects),
            _ => self.queries.withdraw(),
        }
        self.outbox.settle(view.next_sequence);
        self.drop_refused(view);
        if active {
            // From a worker that is not active the chain takes no messages.
            let messages = self.outbox.due(view.number, &self.identity);
            effects.extend(messages.into_iter().map(Effect::Submit));
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
    fn keep_registered(&mut self, view: &FinalizedView, effects: &mut Vec<Effect>) -> bool {
        // The first block has no time: what is dated by it would be too old at once.
        if view.timestamp_ms == 0 {
            return false;
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
            .is_some_and(|info| info.runtime_version != self.settings.version);
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
            return false;
        };
        if left_ms == 0 {
            return false;
        }
        if !view.measurement_allowed {
            self.say(Notice::BuildNotAllowed, effects);
            return false;
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
        true
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
                    reported_at: None,
                };
                match running.recall_unpublished() {
                    Ok(()) => self.cluster = ClusterState::Running(Box::new(running)),
                    Err(error) => effects.push(Effect::Stop(StopReason::Run(error.to_string()))),
                }
            }
            other => self.cluster = other,
        }
    }

    fn run(
        &mut self,
        mut running: Box<Running>,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) {
        if !running.judged && !self.judge(&mut running, view, cluster, effects) {
            self.cluster = ClusterState::Running(running);
            return;
        }
        let needs_number = running.store.head().next_number;
        if needs_number < cluster.inbox_first {
            // It was not of the cluster for a while, and the chain did not wait for it.
            self.queries.withdraw();
            effects.push(Effect::Stop(StopReason::MailboxPruned(needs_number)));
            return;
        }
        running.settle_contract_keys(view, cluster);
        let ran = match running.run_entries(&self.identity, &*self.executor, view, cluster) {
            Ok(ran) => ran,
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
        let head = running.store.head();
        if head.next_number >= cluster.inbox_next {
            self.report(&mut running, view, cluster, head);
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

    /// Holds the store against the chain; whether it may be used now.
    fn judge(
        &mut self,
        running: &mut Running,
        view: &FinalizedView,
        cluster: &ClusterView,
        effects: &mut Vec<Effect>,
    ) -> bool {
        match judge_store(&*running.store, view, cluster) {
            StoreJudgement::GoOn => running.judged = true,
            StoreJudgement::ChainIsBehind { store_block } => {
                self.say(
                    Notice::ChainIsBehind {
                        store_block,
                        chain_block: view.number,
                    },
                    effects,
                );
            }
            StoreJudgement::AnotherChain { at_block } => {
                effects.push(Effect::Stop(StopReason::AnotherChain(at_block)));
            }
            StoreJudgement::AnotherState { at_number } => {
                let why = format!("it differs from this worker's report after entry {at_number}");
                self.say(Notice::StoreRefused(why), effects);
                self.rebuild(running, cluster, effects);
            }
            StoreJudgement::Lost { needs_number } => {
                effects.push(Effect::Stop(StopReason::MailboxPruned(needs_number)));
            }
        }
        // A view read for an unjudged store carries entries from its head on, so it can be run now.
        running.judged
    }

    fn rebuild(&mut self, running: &mut Running, cluster: &ClusterView, effects: &mut Vec<Effect>) {
        if cluster.inbox_first > 0 {
            effects.push(Effect::Stop(StopReason::MailboxPruned(0)));
        } else if let Err(error) = running.store.clear() {
            effects.push(Effect::Stop(StopReason::Run(error.to_string())));
        } else {
            // What the refused disk said of contracts is as doubtful as the rest of it.
            running.unpublished.clear();
        }
    }

    fn report(
        &mut self,
        running: &mut Running,
        view: &FinalizedView,
        cluster: &ClusterView,
        head: crate::store::Head,
    ) {
        let on_chain = cluster
            .checkpoint
            .as_ref()
            .map(|checkpoint| checkpoint.next_number);
        let due = running
            .reported_at
            .is_none_or(|at| view.number.saturating_sub(at) >= CHECKPOINT_INTERVAL);
        let news = head.next_number > on_chain.unwrap_or_default();
        if due && news && !self.outbox.has_checkpoint() {
            running.reported_at = Some(view.number);
            self.outbox.push(MessagePayload::Checkpoint {
                cluster: running.id,
                next_number: head.next_number,
                state_root: head.state_root,
                block_number: view.number,
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
