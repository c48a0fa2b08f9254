//! A worker's query path without a chain and without an engine: HTTP, sessions, sealing, receipts and
//! the rules of freshness are those of a worker; what the contract answers, and from which block, a test
//! writes.
//!
//! With a worker's own keys it is what a client cannot tell from that worker: a **lying worker** is one
//! of these whose script lies. Workers have no mode for that.

use executor_api::{
    Capabilities, Context, ContractFacts, ExecutionError, Executor, Operation, Outcome, Part, Returned,
    StateUnavailable, StateView, StorageDeposit,
};
use primitives::{
    AccountId, BlockHash, BlockNumber, ClusterId, CodeHash, ContractId, StateRoot, UnixMillis,
    WorkerId,
};
use rand_core::{OsRng, RngCore};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{sync::oneshot, task::JoinHandle};
use wire::limits::ClusterLimits;
use worker_core::{
    Answer, Begun, Identity, Published, QueryService, ReceiptQueue, Refusal, ServingState,
};
use worker_rpc::{Info, Limits, PutOff, Responder, Rim, Service, ServiceError, Serving};

/// What the contract answers to an input.
pub type Script =
    Arc<dyn Fn(&Context, &[u8]) -> Result<Returned, ExecutionError> + Send + Sync>;
/// Why a query is refused before it is looked at; its number, from 0, is the argument.
pub type Gate = Arc<dyn Fn(u64) -> Result<(), ServiceError> + Send + Sync>;

/// Hash of the code that all contracts here are said to have.
pub const CODE: CodeHash = CodeHash([3; 32]);

/// What a worker answers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The final block.
    pub block_number: BlockNumber,
    /// Its hash.
    pub block_hash: BlockHash,
    /// Root of the cluster's state.
    pub state_root: StateRoot,
    /// Mailbox entries run.
    pub next_number: u64,
}

/// How a worker behaves.
#[derive(Clone)]
pub struct Conduct {
    /// The cluster that it serves.
    pub cluster: ClusterId,
    /// The contract that it has; it has no other.
    pub contract: ContractId,
    /// What that contract answers.
    pub script: Script,
    /// Which queries are refused.
    pub gate: Gate,
    /// What it gives as its evidence.
    pub evidence: Option<Vec<u8>>,
}

struct NoState;

impl StateView for NoState {
    fn read(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        Ok(None)
    }
}

struct Machine(WorkerId);

impl Capabilities for Machine {
    fn derive_sr25519_key(&self, _: &ContractId, _: &[u8]) -> [u8; 64] {
        [0; 64]
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        OsRng.fill_bytes(buffer);
    }

    fn worker(&self) -> WorkerId {
        self.0
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        now_ms()
    }
}

struct Actor {
    contract: ContractId,
    script: Script,
}

impl Executor for Actor {
    fn execute(
        &self,
        _: &dyn StateView,
        _: &dyn Capabilities,
        context: &Context,
        operation: &Operation,
    ) -> Result<Outcome, StateUnavailable> {
        let result = match operation {
            Operation::Call { contract, input, .. } if *contract == self.contract => {
                (self.script)(context, input)
            }
            _ => Err(ExecutionError::ContractNotFound),
        };
        Ok(Outcome {
            result,
            gas_consumed: 0,
            gas_required: 0,
            storage_deposit: StorageDeposit::Charge(0),
            debug_message: Vec::new(),
            events: Vec::new(),
            changes: Vec::new(),
            instantiated: Vec::new(),
            logs: Vec::new(),
            effects: Vec::new(),
        })
    }

    fn contract(
        &self,
        _: &dyn StateView,
        contract: &ContractId,
    ) -> Result<Option<ContractFacts>, StateUnavailable> {
        let facts = ContractFacts { code_hash: CODE, owner: AccountId::default(), weight: 0 };
        Ok((*contract == self.contract).then_some(facts))
    }

    fn part_of(&self, _: &[u8]) -> Part {
        Part::Cluster
    }

    fn balance_key(&self, account: &AccountId) -> Vec<u8> {
        account.0.to_vec()
    }

    fn limits(&self, _: &dyn StateView) -> Result<ClusterLimits, StateUnavailable> {
        Ok(ClusterLimits::default())
    }
}

struct Inside {
    identity: Arc<Identity>,
    conduct: Conduct,
    queries: RwLock<Arc<QueryService>>,
    receipts: Arc<ReceiptQueue<PutOff>>,
    asked: AtomicU64,
    looked_at: AtomicU64,
}

impl Inside {
    fn queries(&self) -> Arc<QueryService> {
        self.queries.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh_queries(identity: &Arc<Identity>, conduct: &Conduct) -> Arc<QueryService> {
        let actor = Actor { contract: conduct.contract, script: conduct.script.clone() };
        let sharing = scheduler::Scheduler::new(scheduler::Settings::for_this_machine());
        Arc::new(QueryService::new(identity.clone(), Arc::new(actor), sharing, u64::MAX))
    }
}

fn refused(refusal: Refusal) -> ServiceError {
    let text = refusal.to_string();
    match refusal {
        Refusal::NotServing(_) | Refusal::Stale { .. } | Refusal::Overloaded | Refusal::Busy(_) => {
            ServiceError::Unavailable(text)
        }
        Refusal::UnknownSession => ServiceError::Gone(text),
        Refusal::Refused(_) | Refusal::Malformed(_) | Refusal::Compatible(_) => ServiceError::BadRequest(text),
        Refusal::Broken => ServiceError::Internal(text),
    }
}

fn finish(
    queries: &QueryService,
    receipts: &ReceiptQueue<PutOff>,
    begun: Begun,
    responder: Responder,
) {
    match queries.finish(begun) {
        Err(error) => responder.give(Err(refused(error))),
        Ok(Answer { reply, receipt: None, seal }) => {
            responder.give(seal.seal(reply, None).map_err(refused));
        }
        Ok(Answer { reply, receipt: Some(body), seal }) => {
            let put = responder.put_off(|asker| receipts.put(body, reply, seal, asker));
            if let Err(asker) = put {
                asker.give(Err(ServiceError::Unavailable("too many receipts".to_owned())));
            }
        }
    }
}

impl Service for Inside {
    fn info(&self) -> Info {
        self.looked_at.fetch_add(1, Ordering::SeqCst);
        let serving = match self.queries().serving() {
            ServingState::NotServing => None,
            ServingState::Serving {
                cluster,
                block_number,
                block_timestamp_ms,
                state_root,
                next_number,
            } => {
                Some(Serving { cluster, block_number, block_timestamp_ms, state_root, next_number })
            }
        };
        Info {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            genesis: self.identity.genesis(),
            worker: self.identity.worker(),
            hpke_public_key: self.identity.hpke_public_key(),
            platform: "scripted".to_owned(),
            serving,
            ready_after_ms: None,
            light_client_after_ms: None,
            traffic: None,
        }
    }

    fn evidence(&self) -> Result<Vec<u8>, ServiceError> {
        let evidence = self.conduct.evidence.clone();
        evidence.ok_or_else(|| ServiceError::NotFound("it has no evidence".to_owned()))
    }

    fn open_session(&self, opening: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.queries().open_session(opening, now_ms(), &mut OsRng).map_err(refused)
    }

    fn query(&self, envelope: &[u8], responder: Responder) {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        if let Err(error) = (self.conduct.gate)(number) {
            return responder.give(Err(error));
        }
        let queries = self.queries();
        match queries.begin(envelope, now_ms()) {
            Err(error) => responder.give(Err(refused(error))),
            // A script may wait for what the test does.
            Ok(begun) => {
                let receipts = self.receipts.clone();
                responder.go_on_blocking(move |responder| {
                    finish(&queries, &receipts, begun, responder);
                });
            }
        }
    }

    fn snapshot(&self, _: &[u8]) -> Result<Vec<u8>, ServiceError> {
        Err(ServiceError::NotFound("there is nobody to take it over".to_owned()))
    }

    fn settle(&self) {
        self.receipts.sign(|asker, answer| asker.give(answer.map_err(refused)));
    }
}

/// A worker that serves until it is dropped.
pub struct ScriptedWorker {
    inside: Arc<Inside>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<io::Result<()>>,
}

impl ScriptedWorker {
    /// Listens on `address` with these keys. It does not serve before [`ScriptedWorker::publish`].
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn start(
        identity: Identity,
        conduct: Conduct,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let identity = Arc::new(identity);
        let inside = Arc::new(Inside {
            queries: RwLock::new(Inside::fresh_queries(&identity, &conduct)),
            receipts: Arc::new(ReceiptQueue::new(identity.clone())),
            identity,
            conduct,
            asked: AtomicU64::new(0),
            looked_at: AtomicU64::new(0),
        });
        let listener = worker_rpc::bind(address).await?;
        let address = listener.local_addr()?;
        let rim = Rim::new(inside.clone(), Limits::default());
        let (stop, stopped) = oneshot::channel();
        let stop_serving = async move { drop(stopped.await) };
        let serving = tokio::spawn(worker_rpc::serve(listener, rim, stop_serving));
        Ok(Self { inside, address, stop: Some(stop), serving })
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.inside.identity
    }

    /// Answers from here on from this state.
    pub fn publish(&self, position: Position) {
        let Position { block_number, block_hash, state_root, next_number } = position;
        self.inside.queries().danger_publish_unproven(Published {
            cluster: self.inside.conduct.cluster,
            block_number,
            block_hash,
            block_timestamp_ms: now_ms(),
            state_root,
            next_number,
            state: Arc::new(NoState),
            capabilities: Arc::new(Machine(self.inside.identity.worker())),
            auditing: None,
            compatible_edge: false,
        });
    }

    /// Forgets all sessions, as a process that was restarted does.
    pub fn restart(&self, position: Position) {
        let fresh = Inside::fresh_queries(&self.inside.identity, &self.inside.conduct);
        *self.inside.queries.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        self.publish(position);
    }

    /// Queries that came, whatever became of them.
    pub fn asked(&self) -> u64 {
        self.inside.asked.load(Ordering::SeqCst)
    }

    /// How often it was asked what it says of itself.
    pub fn looked_at(&self) -> u64 {
        self.inside.looked_at.load(Ordering::SeqCst)
    }

    /// Ends it; the port is free afterwards.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _gone = stop.send(());
        }
        let _ended = self.serving.await;
    }
}

fn now_ms() -> UnixMillis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
