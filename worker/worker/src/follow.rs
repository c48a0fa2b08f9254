//! The loop: final blocks in, effects out, carried out in order.

use crate::{
    arguments::RunArguments,
    clock::SteadyClock,
    data_dir::DataDir,
    figures::{Counted, Figures},
    measure,
    service::{DepartedService, HandoverAsked, Milestones, PlatformRng, Receipts, WorkerService},
    snapshot::{self, Wanted},
    store::{self, FileStore},
};
use anyhow::{Context, Result, bail};
use attestation::Evidence;
use chain_view::{ChainView, ChainViewError, FinalizedBlock, FinalizedBlocks, OperatorKey};
use codec::Encode;
use contract_engine::{CodeCacheConfig, CodeCacheKey, Engine, EngineConfig};
use contract_state::{ImportTarget, StoreIdentity};
use http_egress::{Egress, EgressPolicy};
use platform::Platform;
use script_engine::QuickJs;
use primitives::Measurement;
use std::{
    sync::{Arc, OnceLock, mpsc::SyncSender},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use wire::registration::WorkerRegistration;
use worker_core::{
    Core, Departed, Effect, HandoverRefusal, Input, ServingState, Settings, Sharing, running::{HostFacts, Offers},
};

/// Without a final block for so long at most, the operator is told.
const PATIENCE_MAX: Duration = Duration::from_secs(5);
/// So many times without patience, and the light client is made anew; then after twice as many, and so on.
/// It does not tell when it has failed inside, and one whose only node was away for a moment asks for it
/// again after half a minute or more; a new one asks at once.
const STALLS_BEFORE_ANEW: u32 = 2;
/// The doubling ends here, so that a chain that was away for a day is found again within a minute.
const STALLS_BEFORE_ANEW_MAX: u32 = 8;
/// A new light client that takes longer has no peer either; the old one stays.
const ANEW_TIME_MAX: Duration = Duration::from_secs(10);
/// Requests for the worker's keys that wait to be looked at; each takes a moment.
const HANDOVERS_WAITING_MAX: usize = 16;
/// Reads of one block before the next is looked at: a bound on catching up in one go.
const ROUNDS_PER_BLOCK_MAX: usize = 4096;

struct Host {
    platform: Arc<dyn Platform>,
    clock: Arc<SteadyClock>,
}

impl HostFacts for Host {
    fn fill_random(&self, buffer: &mut [u8]) {
        rand_core::RngCore::fill_bytes(&mut PlatformRng(&*self.platform), buffer);
    }

    fn untrusted_now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    fn monotonic_ms(&self) -> u64 {
        self.clock.monotonic_ms()
    }
}

/// What a light client starts from.
pub struct Network {
    /// Raw chain specification.
    pub spec_json: String,
    /// Multiaddresses, in place of the specification's own where there are any.
    pub bootnodes: Vec<String>,
}

impl Network {
    /// A light client of this network.
    ///
    /// # Errors
    /// When the specification or an address cannot be used.
    pub async fn follow(&self) -> Result<ChainView, ChainViewError> {
        ChainView::start(&self.spec_json, &self.bootnodes).await
    }
}

/// Follows the chain and acts on it.
pub struct Follower {
    started: Instant,
    light_client_started: Instant,
    platform: Arc<dyn Platform>,
    network: Network,
    patience: Duration,
    chain: ChainView,
    data_dir: DataDir,
    operator: Arc<OperatorKey>,
    core: Core,
    scripts: Arc<QuickJs>,
    milestones: Arc<Milestones>,
    service: Arc<WorkerService>,
    figures: Arc<Figures>,
    clock: Arc<SteadyClock>,
    /// What came of fetching a state.
    fetched: (mpsc::Sender<Input>, mpsc::Receiver<Input>),
    /// Where other workers may be asked for the cluster's state.
    peer_policy: EgressPolicy,
    /// Requests for the worker's keys.
    handovers: mpsc::Receiver<HandoverAsked>,
    /// Who waits for a decision.
    asker: Option<SyncSender<Result<(), HandoverRefusal>>>,
    /// The newest final block.
    newest: Option<FinalizedBlock>,
}

/// This process among those that have the worker's keys.
#[derive(Clone, Copy)]
pub struct Build {
    /// What its quotes say that it is.
    pub measurement: Option<Measurement>,
    /// Whether it was just handed the keys.
    pub succeeds: bool,
}

impl Follower {
    /// Puts the worker together. The instants: when the process started, and when the light client did.
    pub fn new(
        arguments: &RunArguments,
        [started, light_client_started]: [Instant; 2],
        platform: Arc<dyn Platform>,
        (network, chain): (Network, ChainView),
        (data_dir, operator): (DataDir, OperatorKey),
        build: Build,
    ) -> Result<Self> {
        let kept = data_dir.load_secrets(&*platform, &mut PlatformRng(&*platform))?;
        let code_cache_key = CodeCacheKey::new(*kept.compiled_code_key());
        let engine = Engine::new(&EngineConfig {
            code_cache: Some(CodeCacheConfig::new(data_dir.compiled_code(), code_cache_key)),
            ..EngineConfig::default()
        })?;
        let milestones = Arc::new(Milestones::default());
        let quote = milestones.clone();
        let scripts = Arc::new(QuickJs::new()?);
        let offers = Offers {
            http: Some(Arc::new(Egress::new(arguments.egress_config()?)?)),
            scripts: Some(scripts.clone()),
            quote: Some(Arc::new(move || quote.quote())),
        };
        let settings = Settings {
            version: version(),
            operator: Some(operator.account()),
            endpoints: arguments.endpoint.clone(),
            snapshot_above: arguments.snapshot_above,
            sharing: Sharing::for_this_machine(),
            measurement: build.measurement,
            succeeds: build.succeeds,
        };
        let reads = platform.clone();
        let clock = Arc::new(SteadyClock::new(Arc::new(move || reads.unix_millis())));
        let engine = Arc::new(engine);
        let core = Core::new(
            chain.genesis(),
            settings,
            kept,
            engine.clone(),
            Arc::new(Host { platform: platform.clone(), clock: clock.clone() }),
            offers,
            arguments.stale_after.saturating_mul(1000),
        );
        let speed = measure::start(
            engine,
            core.queries().scheduler().clone(),
            core.gauge().clone(),
        )?;
        let figures = Arc::new(Figures {
            started,
            worker: core.identity().worker(),
            platform: platform.kind().name(),
            clock: clock.clone(),
            queries: core.queries().clone(),
            gauge: core.gauge().clone(),
            speed: speed.clone(),
            counted: Counted::default(),
        });
        let (handovers, asked) = mpsc::channel(HANDOVERS_WAITING_MAX);
        let service = Arc::new(WorkerService {
            identity: core.identity().clone(),
            queries: core.queries().clone(),
            snapshots: core.snapshots().clone(),
            clock: clock.clone(),
            platform: platform.clone(),
            receipts: Arc::new(Receipts::with_log(
                core.identity().clone(),
                core.queries().receipt_log().clone(),
            )),
            milestones: milestones.clone(),
            speed,
            offers: core.handover_offers().clone(),
            handovers,
            left: OnceLock::new(),
            compatible_edge: arguments.compatible_edge,
        });
        data_dir.load_evidence(&milestones);
        Ok(Self {
            started,
            light_client_started,
            platform,
            network,
            // With a short age limit: the second time, answers have ended for age.
            patience: (Duration::from_secs(arguments.stale_after) / STALLS_BEFORE_ANEW)
                .clamp(Duration::from_secs(1), PATIENCE_MAX),
            chain,
            data_dir,
            operator: Arc::new(operator),
            core,
            scripts,
            milestones,
            service,
            figures,
            clock,
            fetched: mpsc::channel(4),
            peer_policy: arguments.peer_policy(),
            handovers: asked,
            asker: None,
            newest: None,
        })
    }

    /// What the HTTP rim asks.
    pub fn service(&self) -> Arc<WorkerService> {
        self.service.clone()
    }

    /// What the operator's Prometheus asks.
    pub fn figures(&self) -> Arc<Figures> {
        self.figures.clone()
    }

    /// Follows until the keys are handed over, or something makes going on wrong. Gives the data directory,
    /// which stays this process's own.
    pub async fn follow(mut self) -> Result<DataDir> {
        let mut blocks = self.chain.blocks().await?;
        let mut stalls = 0_u32;
        let mut stalls_max = STALLS_BEFORE_ANEW;
        loop {
            if self.service.left.get().is_some() {
                return Ok(self.data_dir);
            }
            let next = tokio::select! {
                next = blocks.next(self.patience) => next,
                Some(asked) = self.handovers.recv() => {
                    self.on_handover_asked(asked).await?;
                    continue;
                }
                Some(input) = self.fetched.1.recv() => {
                    self.step(input, None)?;
                    continue;
                }
            };
            match next {
                Ok(block) => {
                    (stalls, stalls_max) = (0, STALLS_BEFORE_ANEW);
                    let after = self.light_client_started.elapsed().as_millis() as u64;
                    let _ = self.milestones.light_client_after_ms.set(after);
                    self.on_block(&block).await?;
                    self.newest = Some(block);
                }
                Err(error @ ChainViewError::Stalled(_)) => {
                    // Once for each light client: the next word is that there is a new one.
                    if stalls == 0 {
                        tracing::warn!("{error}");
                    }
                    stalls += 1;
                    if stalls == stalls_max {
                        (stalls, stalls_max) = (0, (stalls_max * 2).min(STALLS_BEFORE_ANEW_MAX));
                        if let Some(fresh) = self.light_client_anew().await {
                            (self.chain, blocks) = fresh;
                        }
                    }
                }
                Err(error) => {
                    // The stream itself broke: subscribe anew, the light client carries on.
                    tracing::warn!("{error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    blocks = self.chain.blocks().await?;
                }
            }
        }
    }

    /// Another light client with its blocks, in case the one there is has failed; `None` where it gets
    /// nowhere either.
    async fn light_client_anew(&self) -> Option<(ChainView, FinalizedBlocks)> {
        tracing::warn!("starting a new light client, in case the old one has failed");
        let start = async {
            let chain = self.network.follow().await?;
            let blocks = chain.blocks().await?;
            Ok::<_, ChainViewError>((chain, blocks))
        };
        match tokio::time::timeout(ANEW_TIME_MAX, start).await {
            Ok(Ok(fresh)) => Some(fresh),
            Ok(Err(error)) => {
                tracing::warn!("the new light client failed as well: {error}");
                None
            }
            Err(_) => None,
        }
    }

    /// Another process asks for the keys. That is decided by the newest final block, read again.
    async fn on_handover_asked(&mut self, asked: HandoverAsked) -> Result<()> {
        let before = self.asker.replace(asked.decided);
        self.step(Input::HandOver(asked.request), None)?;
        if self.asker.is_none() {
            // Refused at once; whoever asked before still waits.
            self.asker = before;
            return Ok(());
        }
        match self.newest.clone() {
            Some(block) => self.on_block(&block).await,
            None => Ok(()),
        }
    }

    fn answer_asker(&mut self, decision: Result<(), HandoverRefusal>) {
        if let Some(asker) = self.asker.take() {
            // Who waits no longer asks again, and gets the same answer.
            let _ = asker.try_send(decision);
        }
    }

    async fn on_block(&mut self, block: &FinalizedBlock) -> Result<()> {
        for _ in 0..ROUNDS_PER_BLOCK_MAX {
            let watch = self.core.watch();
            let view = match block.view(&watch).await {
                Ok(view) => view,
                Err(error) => {
                    tracing::warn!(block = block.number(), "{error}");
                    return Ok(());
                }
            };
            self.clock.observe(view.timestamp_ms);
            self.figures.counted.saw(&view);
            let inbox_next = view.cluster.as_ref().map_or(0, |cluster| cluster.inbox_next);
            self.step(Input::Finalized(view), Some(block))?;
            // A store that was just opened, or a long mailbox: read the same block again.
            let opened = self.core.watch().from_number != watch.from_number
                && watch.from_number.is_none();
            if !opened && !self.core.is_behind(inbox_next) {
                break;
            }
        }
        if matches!(self.core.serving(), ServingState::Serving { .. })
            && self
                .milestones
                .ready_after_ms
                .set(self.started.elapsed().as_millis() as u64)
                .is_ok()
        {
            tracing::info!(
                ready_after_ms = self.milestones.ready_after_ms.get(),
                light_client_after_ms = self.milestones.light_client_after_ms.get(),
                "ready"
            );
            // Compiled beside the first queries, so that the first script does not wait for it.
            let scripts = self.scripts.clone();
            tokio::task::spawn_blocking(move || {
                if let Err(error) = scripts.warm_up() {
                    tracing::warn!("contracts have no JavaScript: {error}");
                }
            });
        }
        Ok(())
    }

    /// `block` is the newest final block, for what has to be submitted.
    fn step(&mut self, input: Input, block: Option<&FinalizedBlock>) -> Result<()> {
        // Wasm and the disk block; tell the runtime so, that queries go on meanwhile.
        let effects = tokio::task::block_in_place(|| {
            self.core.step(input, &mut PlatformRng(&*self.platform))
        });
        for effect in effects {
            self.carry_out(effect, block)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect, block: Option<&FinalizedBlock>) -> Result<()> {
        match effect {
            Effect::Register(registration) => {
                if let Some(block) = block {
                    self.register(registration, block);
                }
            }
            Effect::Announce(payload, signature) => {
                let Some(block) = block else { return Ok(()) };
                let (operator, block) = (self.operator.clone(), block.clone());
                tokio::spawn(async move {
                    if let Err(error) = block.announce(&operator, &payload, &signature).await {
                        tracing::warn!("the endpoints were not announced: {error}");
                    }
                });
            }
            Effect::Submit(message) => {
                // It is sent again with a later block.
                let Some(block) = block.cloned() else { return Ok(()) };
                tokio::spawn(async move {
                    if let Err(error) = block.submit_message(&message).await {
                        tracing::debug!(sequence = message.sequence, "not submitted: {error}");
                    }
                });
            }
            Effect::Keep(bytes) => self.data_dir.keep_secrets(&*self.platform, &bytes)?,
            Effect::OpenStore { cluster, keys } => {
                let identity = StoreIdentity { genesis: self.chain.genesis(), cluster };
                let file = self.data_dir.state_file(&cluster);
                let store = FileStore::open(&file, &identity, &keys)
                    .with_context(|| format!("the state in {}", file.display()))?;
                self.step(Input::StoreOpened { cluster, store: Arc::new(store) }, block)?;
            }
            Effect::FetchSnapshot { cluster, keys, next_number, state_root, block, peers } => {
                let wanted = Wanted {
                    identity: self.core.identity().clone(),
                    store: StoreIdentity { genesis: self.chain.genesis(), cluster },
                    keys,
                    target: ImportTarget { next_number, state_root },
                    block,
                    peers,
                    policy: Some(self.peer_policy.clone()),
                    file: self.data_dir.state_file(&cluster),
                };
                let done = self.fetched.0.clone();
                tokio::spawn(async move {
                    let input = match snapshot::fetch(wanted).await {
                        Ok(store) => Input::StoreOpened { cluster, store: Arc::new(store) },
                        Err(error) => {
                            Input::SnapshotFailed { cluster, reason: format!("{error:#}") }
                        }
                    };
                    // The worker is gone where nobody listens.
                    let _ = done.send(input).await;
                });
            }
            Effect::Report(evidence) => {
                let Some(block) = block.cloned() else { return Ok(()) };
                let operator = self.operator.clone();
                tokio::spawn(async move {
                    if let Err(error) = block.report_wrong_share(&operator, &evidence).await {
                        tracing::warn!("the gatekeeper was not reported: {error}");
                    }
                });
            }
            Effect::ForgetStore { cluster } => {
                let file = self.data_dir.state_file(&cluster);
                for file in store::files(&file) {
                    if let Err(error) = std::fs::remove_file(&file)
                        && error.kind() != std::io::ErrorKind::NotFound
                    {
                        tracing::warn!("{} is left over: {error}", file.display());
                    }
                }
            }
            Effect::Leave { tombstone, records } => {
                // Before this is on disk nothing has left: where it fails, the process ends as it was.
                self.data_dir
                    .bury(&*self.platform, &tombstone)
                    .context("the keys are not handed over")?;
                let departed = Departed::from_tombstone(&tombstone)
                    .context("a tombstone that cannot be read")?
                    .with_records(records);
                let platform = self.platform.kind().name();
                let _ = self.service.left.set(DepartedService { departed, platform });
                self.answer_asker(Ok(()));
            }
            Effect::RefuseHandover(refusal) => self.answer_asker(Err(refusal)),
            Effect::Say(notice) => {
                self.figures.counted.heard(&notice);
                match notice.is_alarm() {
                    true => tracing::warn!("{notice}"),
                    false => tracing::info!("{notice}"),
                }
            }
            Effect::Stop(reason) => bail!("{reason}"),
        }
        Ok(())
    }

    /// Quotes and registers, beside the loop: a quote can take seconds.
    fn register(&self, registration: WorkerRegistration, block: &FinalizedBlock) {
        let (platform, operator) = (self.platform.clone(), self.operator.clone());
        let (milestones, block) = (self.milestones.clone(), block.clone());
        let evidence_file = self.data_dir.evidence_file();
        tokio::spawn(async move {
            let report_data = registration.report_data();
            let quoted = tokio::task::spawn_blocking(move || platform.quote(report_data)).await;
            let evidence: Evidence = match quoted {
                Ok(Ok(evidence)) => evidence,
                Ok(Err(error)) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(cause, "no quote, so no registration: {error}");
                    return;
                }
                Err(error) => {
                    tracing::error!("no quote, so no registration: {error}");
                    return;
                }
            };
            match block.register(&operator, &registration, &evidence).await {
                Ok(()) => {
                    let bytes = (evidence, registration).encode();
                    if let Err(error) = crate::data_dir::write_durably(&evidence_file, &bytes) {
                        tracing::warn!("the evidence is not kept for after a restart: {error:#}");
                    }
                    if let Ok(mut kept) = milestones.evidence.write() {
                        *kept = Some(bytes);
                    }
                }
                Err(error) => tracing::warn!("not registered: {error}"),
            }
        });
    }
}

/// This program's version: major << 16 | minor << 8 | patch.
fn version() -> u32 {
    let part = |text: &str| text.parse::<u32>().unwrap_or(0) & 0xff;
    part(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | part(env!("CARGO_PKG_VERSION_PATCH"))
}
