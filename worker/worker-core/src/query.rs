//! Queries: opened, checked, run against a published snapshot, sealed. Parallel and without a lock on
//! the state machine.
//!
//! [`QueryService::begin`] opens a query and lets it in, or refuses; it never waits.
//! [`QueryService::finish`] waits for a processor where the [`scheduler`] has none free for that
//! contract, and runs it. The processor is held until the answer is sealed, or until a receipt is
//! wanted, since signing has a queue of its own.

mod auditing;

pub use auditing::{Auditing, MAY_AUDIT};

use auditing::Question;

use crate::{
    compat::{self, Compatible, CompatibleRefusal},
    identity::Identity,
    logs::{self, Logs},
    receipt_log::ReceiptLog,
    running::read_outcome,
    sessions::{ReplayMemory, SessionTable},
};
use codec::Encode;
use compatible_edge::prpc::{ClusterInfo, ContractInfo, ContractQueryRequest};
use contract_abi::extension::WorkerQuote;
use executor_api::{
    Capabilities, Context, ContractCache, ContractFacts, ExecutionError, Executor, HttpClient, Mode,
    Operation, Outcome, ScriptEngine, StateUnavailable, StateView, StorageDeposit, Turn,
};
use primitives::{
    AccountId, BlockHash, BlockNumber, ClusterId, ContractId, StateRoot, UnixMillis, WorkerId,
    bounds::{ANSWER_BYTES_MAX, REQUEST_BYTES_MAX, SALT_BYTES_MAX},
};
use rand_core::{CryptoRng, RngCore};
use scheduler::{Entered, Entry, Hold, Refused, Scheduler, Stopwatch};
use secrets::server::{Endpoint, ReplySealer, ServerError, accept_session, open_query};
use std::sync::{Arc, PoisonError, RwLock};
use wire::{
    domain,
    query::{
        Envelope, QUERY_LIFETIME_MS_MAX, QueryError, QueryOutput, QueryReply, QueryRequest,
        QueryTarget, answer_commitment, request_commitment,
    },
    receipt::{Receipt, ReceiptBody},
};

/// How long a session lives, milliseconds.
const SESSION_LIFETIME_MS: u64 = 60 * 60 * 1000;
/// Longest reason that an error carries, characters.
const REASON_CHARS_MAX: usize = 4096;
/// Longest request to a contract that has no stake, bytes; with one it is what a worker reads at all.
const FREE_REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// As whose is counted, all together and without a weight, what runs for no contract that the state
/// knows: trial runs of constructors, the system contract, the log.
const OTHERS: ContractId = ContractId([0; 32]);

/// The state that queries are run against: a final block's, immutable.
pub struct Published {
    /// Whose state it is.
    pub cluster: ClusterId,
    /// The final block.
    pub block_number: BlockNumber,
    /// Its hash.
    pub block_hash: BlockHash,
    /// Its timestamp.
    pub block_timestamp_ms: UnixMillis,
    /// Root of the state.
    pub state_root: StateRoot,
    /// Mailbox entries run.
    pub next_number: u64,
    /// The state.
    pub state: Arc<dyn StateView>,
    /// What contracts may ask of this worker.
    pub capabilities: Arc<dyn Capabilities>,
    /// What gives auditors their keys; `None` where nobody gets any.
    pub auditing: Option<Arc<dyn Auditing>>,
    /// Whether the cluster's owner lets clients of the original network ask.
    pub compatible_edge: bool,
}

/// Whether a worker answers, as anybody may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServingState {
    /// It has no state to answer from: not registered, not assigned, without seed, or catching up.
    NotServing,
    /// It answers.
    Serving {
        /// For which cluster.
        cluster: ClusterId,
        /// From which final block.
        block_number: BlockNumber,
        /// Timestamp of that block.
        block_timestamp_ms: UnixMillis,
        /// Root of the state.
        state_root: StateRoot,
        /// Mailbox entries run.
        next_number: u64,
    },
}

/// Why a request gets no sealed answer. Nothing of it is confidential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The worker answers nothing now.
    #[error("this worker is not serving: {0}")]
    NotServing(String),
    /// The worker's chain is too old to answer from.
    #[error(
        "this worker's last final block is {age_ms} ms old, more than the {limit_ms} ms that it answers for: it has lost touch with the chain, or the chain has stopped"
    )]
    Stale {
        /// How old.
        age_ms: u64,
        /// How old it may be.
        limit_ms: u64,
    },
    /// No such session.
    #[error("no such session, or it has ended: open a new one")]
    UnknownSession,
    /// The request does not open.
    #[error("{0}")]
    Refused(ServerError),
    /// The request is no envelope.
    #[error("the request cannot be read: {0}")]
    Malformed(wire::DecodeError),
    /// The memory of used queries is full.
    #[error("this worker has too much to remember; try another worker, or later")]
    Overloaded,
    /// The contract, or the worker, has more queries than it may.
    #[error("{0}")]
    Busy(Refused),
    /// A bug or a damaged disk; this request alone is lost.
    #[error("the state cannot be read")]
    Broken,
    /// The query of a client of the original network, for a reason of its protocol.
    #[error(transparent)]
    Compatible(#[from] CompatibleRefusal),
}

/// An answer that lacks its receipt, if one is wanted, and its seal.
pub struct Answer {
    /// The reply, without receipt.
    pub reply: QueryReply,
    /// What a receipt would vouch for, if one is wanted.
    pub receipt: Option<ReceiptBody>,
    /// What seals it.
    pub seal: ReplySeal,
}

/// A query that was opened and let in.
pub struct Begun {
    published: Arc<Published>,
    opened: Opened,
    seat: Seat,
}

impl Begun {
    /// Whether [`QueryService::finish`] would wait for a processor. If not, it belongs to the thread
    /// that began it.
    pub fn would_wait(&self) -> bool {
        matches!(self.seat, Seat::Later(..))
    }
}

/// Which processor a query runs on.
enum Seat {
    /// It is answered without running anything.
    NotNeeded(Result<QueryOutput, QueryError>),
    Now(Hold, Subject),
    Later(Entry, Subject),
}

/// Whose processor time it is.
#[derive(Clone, Copy)]
struct Subject {
    contract: ContractId,
    /// `None` where the state knows no such contract.
    facts: Option<ContractFacts>,
}

/// What the work of sealing is charged to.
enum Charge {
    /// Too little work to count.
    Nobody,
    Hold(Hold),
    Contract(Scheduler, ContractId),
}

/// What seals an answer, by the protocol that the query came in.
pub(crate) enum Sealer {
    /// Protocol v1.
    V1(ReplySealer),
    /// That of the original network.
    Compatible(Box<Compatible>),
}

impl Sealer {
    fn seal(self, reply: QueryReply) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::V1(sealer) => sealer.seal(&reply).map_err(Refusal::Refused),
            Self::Compatible(compatible) => compatible.seal(reply),
        }
    }
}

/// Seals the answer to one query.
pub struct ReplySeal {
    sealer: Sealer,
    charge: Charge,
}

impl ReplySeal {
    /// Puts the receipt in and seals.
    ///
    /// # Errors
    /// When the reply cannot be sealed, which its bounds exclude.
    pub fn seal(self, mut reply: QueryReply, receipt: Option<Receipt>) -> Result<Vec<u8>, Refusal> {
        reply.receipt = receipt;
        let stopwatch =
            matches!(self.charge, Charge::Contract(..)).then(Stopwatch::start);
        let sealed = self.sealer.seal(reply);
        match (self.charge, stopwatch) {
            (Charge::Contract(scheduler, contract), Some(stopwatch)) => {
                scheduler.charge(&contract, stopwatch.elapsed_ns());
            }
            (Charge::Hold(hold), _) => drop(hold),
            _ => {}
        }
        sealed
    }
}

/// Answers queries. One for each worker; shared by all threads.
pub struct QueryService {
    identity: Arc<Identity>,
    executor: Arc<dyn Executor>,
    scheduler: Scheduler,
    stale_after_ms: u64,
    published: RwLock<Option<Arc<Published>>>,
    sessions: SessionTable,
    replays: ReplayMemory,
    logs: Arc<Logs>,
    receipt_log: Arc<ReceiptLog>,
}

impl QueryService {
    /// Answers nothing yet.
    pub fn new(
        identity: Arc<Identity>,
        executor: Arc<dyn Executor>,
        scheduler: Scheduler,
        stale_after_ms: u64,
    ) -> Self {
        Self {
            identity,
            executor,
            scheduler,
            stale_after_ms,
            published: RwLock::new(None),
            sessions: SessionTable::default(),
            replays: ReplayMemory::default(),
            logs: Arc::default(),
            receipt_log: Arc::default(),
        }
    }

    /// Who computes next.
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// The log of the receipts for what is answered here.
    pub fn receipt_log(&self) -> &Arc<ReceiptLog> {
        &self.receipt_log
    }

    /// What contracts wrote.
    pub(crate) fn logs(&self) -> &Arc<Logs> {
        &self.logs
    }

    pub(crate) fn publish(&self, published: Published) {
        *self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(published));
    }

    /// Answers from a state that no chain has proven: for measuring without one. A worker never does.
    pub fn danger_publish_unproven(&self, published: Published) {
        self.publish(published);
    }

    /// Answers nothing any more.
    pub(crate) fn withdraw(&self) {
        *self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Age of the last final block from which on nothing is answered, milliseconds.
    pub(crate) fn stale_after_ms(&self) -> u64 {
        self.stale_after_ms
    }

    fn current(&self) -> Option<Arc<Published>> {
        self.published
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether queries are answered.
    pub fn serving(&self) -> ServingState {
        match self.current() {
            None => ServingState::NotServing,
            Some(published) => ServingState::Serving {
                cluster: published.cluster,
                block_number: published.block_number,
                block_timestamp_ms: published.block_timestamp_ms,
                state_root: published.state_root,
                next_number: published.next_number,
            },
        }
    }

    /// The weight of a contract in the state that is served; 0 where there is none.
    pub(crate) fn weight_of(&self, contract: &ContractId) -> u32 {
        let facts = self
            .current()
            .and_then(|published| self.executor.contract(&*published.state, contract).ok()?);
        facts.map_or(0, |facts| facts.weight)
    }

    fn endpoint(&self) -> Endpoint<'_> {
        Endpoint {
            genesis: self.identity.genesis(),
            worker: self.identity.worker(),
            key: self.identity.hpke(),
        }
    }

    /// The published state, unless it is too old to answer from.
    fn fresh(&self, now_ms: UnixMillis) -> Result<Arc<Published>, Refusal> {
        let published = self.current().ok_or_else(|| {
            Refusal::NotServing(
                "it is not registered, not assigned to a cluster, or still catching up".to_owned(),
            )
        })?;
        let age_ms = now_ms.saturating_sub(published.block_timestamp_ms);
        if age_ms > self.stale_after_ms {
            return Err(Refusal::Stale {
                age_ms,
                limit_ms: self.stale_after_ms,
            });
        }
        Ok(published)
    }

    /// Opens a session from a SCALE `HpkeSealed`; gives the answer to send.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn open_session<R: RngCore + CryptoRng>(
        &self,
        opening: &[u8],
        now_ms: UnixMillis,
        rng: &mut R,
    ) -> Result<Vec<u8>, Refusal> {
        let accepted = accept_session(&self.endpoint(), opening, now_ms, SESSION_LIFETIME_MS, rng)
            .map_err(Refusal::Refused)?;
        self.sessions.insert(accepted.session, now_ms);
        Ok(accepted.answer)
    }

    /// Answers a SCALE `Envelope`; may wait for a processor.
    ///
    /// # Errors
    /// See [`Refusal`]. What goes wrong after the request was opened is inside the sealed answer.
    pub fn answer(&self, envelope: &[u8], now_ms: UnixMillis) -> Result<Answer, Refusal> {
        self.finish(self.begin(envelope, now_ms)?)
    }

    /// Opens a SCALE `Envelope` and lets the query in. Never waits.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn begin(&self, envelope: &[u8], now_ms: UnixMillis) -> Result<Begun, Refusal> {
        let stopwatch = Stopwatch::start();
        let published = self.fresh(now_ms)?;
        let opened = self.open(envelope, now_ms)?;
        self.let_in(published, opened, now_ms, stopwatch)
    }

    /// As [`Self::begin`], for the query of a client of the original network.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn begin_compatible(
        &self,
        request: &ContractQueryRequest,
        now_ms: UnixMillis,
    ) -> Result<Begun, Refusal> {
        let stopwatch = Stopwatch::start();
        let published = self.fresh(now_ms)?;
        if !published.compatible_edge {
            return Err(CompatibleRefusal::Closed.into());
        }
        let mut opened = compat::open(&self.identity, &*self.executor, &published, request, now_ms)?;
        match self.replays.admit(opened.token, opened.request.expires_at_ms, now_ms) {
            Ok(true) => {}
            Ok(false) => opened.refused = Some(QueryError::Replayed),
            Err(_) => return Err(Refusal::Overloaded),
        }
        let opened = Opened {
            origin: opened.origin,
            request: opened.request,
            reply: Sealer::Compatible(Box::new(opened.sealer)),
            problem: opened.refused,
        };
        self.let_in(published, opened, now_ms, stopwatch)
    }

    /// What the worker's cluster is, for clients of the original network.
    ///
    /// # Errors
    /// When nothing is answered now.
    pub fn compatible_cluster(&self, now_ms: UnixMillis) -> Result<ClusterInfo, Refusal> {
        Ok(compat::cluster_info(&*self.fresh(now_ms)?))
    }

    /// What contracts are, for clients of the original network; those that there are not are left out.
    ///
    /// # Errors
    /// When nothing is answered now.
    pub fn compatible_contracts(
        &self,
        contracts: &[ContractId],
        now_ms: UnixMillis,
    ) -> Result<Vec<ContractInfo>, Refusal> {
        let published = self.fresh(now_ms)?;
        compat::contract_infos(&*self.executor, &published, contracts).map_err(|_| Refusal::Broken)
    }

    /// Checks an opened query and lets it in.
    fn let_in(
        &self,
        published: Arc<Published>,
        mut opened: Opened,
        now_ms: UnixMillis,
        stopwatch: Stopwatch,
    ) -> Result<Begun, Refusal> {
        let checked = match opened.problem.take() {
            Some(problem) => Err(problem),
            None => check(&opened.request, &published, now_ms),
        };
        let seat = match checked {
            Ok(()) => self.admit(&published, &opened, stopwatch)?,
            Err(error) => Seat::NotNeeded(Err(error)),
        };
        Ok(Begun { published, opened, seat })
    }

    /// Runs a query; waits for a processor first where [`Begun::would_wait`] says so.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn finish(&self, begun: Begun) -> Result<Answer, Refusal> {
        let Begun { published, opened, seat } = begun;
        let (hold, subject) = match seat {
            Seat::NotNeeded(result) => {
                return Ok(Answer {
                    reply: reply(&published, result),
                    receipt: None,
                    seal: ReplySeal { sealer: opened.reply, charge: Charge::Nobody },
                });
            }
            Seat::Now(hold, subject) => (hold, subject),
            Seat::Later(entry, subject) => (entry.wait().map_err(Refusal::Busy)?, subject),
        };
        let Opened { origin, request, reply: mut sealer, .. } = opened;
        let receipt = request.receipt.then(|| request_commitment(&origin, &request));
        let nonce = request.nonce;
        let result = self.run(&published, &hold, origin, request, &mut sealer)?;
        let receipt = receipt.filter(|_| result.is_ok()).and_then(|request_commitment| {
            // Receipts are about contracts that exist.
            let facts = subject.facts?;
            Some(ReceiptBody {
                genesis: self.identity.genesis(),
                cluster: published.cluster,
                contract: subject.contract,
                code_hash: facts.code_hash,
                request_commitment,
                answer_commitment: answer_commitment(&nonce, &result),
                block_number: published.block_number,
                block_hash: published.block_hash,
                state_root: published.state_root,
                next_number: published.next_number,
                worker: self.identity.worker(),
            })
        });
        let charge = if receipt.is_some() {
            drop(hold);
            Charge::Contract(self.scheduler.clone(), subject.contract)
        } else {
            Charge::Hold(hold)
        };
        let reply = reply(&published, result);
        Ok(Answer { reply, receipt, seal: ReplySeal { sealer, charge } })
    }

    /// Finds out whose query it is, and lets it in.
    fn admit(
        &self,
        published: &Published,
        opened: &Opened,
        stopwatch: Stopwatch,
    ) -> Result<Seat, Refusal> {
        let subject = match &opened.request.target {
            QueryTarget::Outcome { number } => {
                return outcome_of(published, opened.origin, *number)
                    .map(Seat::NotNeeded)
                    .map_err(|_| Refusal::Broken);
            }
            QueryTarget::Call { contract }
            | QueryTarget::AuditKey { contract }
            | QueryTarget::History { contract, .. }
            | QueryTarget::RecordedCall { contract } => {
                let facts = self
                    .executor
                    .contract(&*published.state, contract)
                    .map_err(|_| Refusal::Broken)?;
                Subject { contract: facts.map_or(OTHERS, |_| *contract), facts }
            }
            QueryTarget::Instantiate { .. } | QueryTarget::Logger => {
                Subject { contract: OTHERS, facts: None }
            }
        };
        let weight = subject.facts.map_or(0, |facts| facts.weight);
        if weight == 0 && opened.request.input.len() > FREE_REQUEST_BYTES_MAX {
            let why = format!(
                "a request is longer than {FREE_REQUEST_BYTES_MAX} bytes, the most for a contract without a stake: stake to it, or ask for less at once"
            );
            return Ok(Seat::NotNeeded(Err(QueryError::Execution(why))));
        }
        let entered = self.scheduler.enter(&subject.contract, weight, stopwatch);
        Ok(match entered.map_err(Refusal::Busy)? {
            Entered::Now(hold) => Seat::Now(hold, subject),
            Entered::Later(entry) => Seat::Later(entry, subject),
        })
    }

    fn open(&self, envelope: &[u8], now_ms: UnixMillis) -> Result<Opened, Refusal> {
        let envelope: Envelope =
            wire::decode_all(envelope, REQUEST_BYTES_MAX).map_err(Refusal::Malformed)?;
        match envelope {
            Envelope::Session {
                session,
                sequence,
                ciphertext,
            } => {
                let session = self
                    .sessions
                    .get(&session, now_ms)
                    .ok_or(Refusal::UnknownSession)?;
                let (request, reply) = session
                    .open(sequence, &ciphertext)
                    .map_err(Refusal::Refused)?;
                Ok(Opened {
                    origin: session.origin(),
                    request,
                    reply: Sealer::V1(reply),
                    problem: None,
                })
            }
            Envelope::OneShot(sealed) => {
                let opened = open_query(&self.endpoint(), &sealed).map_err(Refusal::Refused)?;
                let (origin, mut problem) = match opened.origin(&self.identity.genesis(), now_ms) {
                    Ok(origin) => (origin, None),
                    Err(error) => (None, Some(QueryError::Certificate(error.to_string()))),
                };
                let request = opened.query.request;
                let token = domain::tagged_hash(
                    domain::ONE_SHOT_QUERY,
                    &[&sealed.encapsulated_key, &request.nonce],
                );
                // What is not run for its time need not be remembered.
                if is_timely(&request, now_ms) {
                    match self.replays.admit(token, request.expires_at_ms, now_ms) {
                        Ok(true) => {}
                        Ok(false) => problem = Some(QueryError::Replayed),
                        Err(_) => return Err(Refusal::Overloaded),
                    }
                }
                Ok(Opened {
                    origin,
                    request,
                    reply: Sealer::V1(opened.reply),
                    problem,
                })
            }
        }
    }

    fn run(
        &self,
        published: &Published,
        turn: &dyn Turn,
        asker: Option<AccountId>,
        request: QueryRequest,
        sealer: &mut Sealer,
    ) -> Result<Result<QueryOutput, QueryError>, Refusal> {
        let QueryRequest { target, input, value, gas_limit, estimate, .. } = request;
        // A query without a certificate comes from nobody: the zero account.
        let origin = asker.unwrap_or_default();
        let (mode, operation) = match target {
            QueryTarget::Outcome { .. } => return Ok(Err(QueryError::OutcomeNotFound)),
            QueryTarget::Logger => return Ok(Ok(self.ask_logger(asker, &input))),
            QueryTarget::AuditKey { contract } => {
                return self.audit_key(published, turn, asker, &contract);
            }
            QueryTarget::History { contract, from } => {
                return self.history(published, turn, asker, &contract, from);
            }
            QueryTarget::RecordedCall { contract } => {
                let question = Question { contract, input, value, gas_limit };
                return self.recorded(published, turn, asker, question);
            }
            QueryTarget::Call { contract } => {
                let mode = if estimate { Mode::Estimate } else { Mode::Query };
                (mode, Operation::Call { contract, input, value })
            }
            QueryTarget::Instantiate { code_hash, salt } => {
                let cluster = &published.cluster;
                let contract =
                    domain::contract_id(origin.as_bytes(), &code_hash, cluster, &salt);
                let operation = Operation::Instantiate { contract, code_hash, input, salt, value };
                (Mode::Estimate, operation)
            }
        };
        let context = Context {
            mode,
            cluster: published.cluster,
            origin,
            block_number: published.block_number,
            now_ms: published.block_timestamp_ms,
            gas_limit,
            storage_deposit_limit: None,
            nonce: None,
        };
        let capabilities = QueryCapabilities { cluster: &*published.capabilities, turn };
        let outcome = self
            .executor
            .execute(&*published.state, &capabilities, &context, &operation)
            .map_err(|_| Refusal::Broken)?;
        self.record(published, &context, &operation, &outcome);
        if let Sealer::Compatible(compatible) = sealer {
            compatible.note(&outcome, &operation);
        }
        Ok(output(outcome))
    }

    fn ask_logger(&self, origin: Option<AccountId>, question: &[u8]) -> QueryOutput {
        plain_output(self.logs.answer(question, origin))
    }

    /// Keeps what contracts wrote, for their owners.
    fn record(
        &self,
        published: &Published,
        context: &Context,
        operation: &Operation,
        outcome: &Outcome,
    ) {
        let (Operation::Call { contract, input, .. }
        | Operation::Instantiate { contract, input, .. }) = operation
        else {
            return;
        };
        let facts = |contract: &ContractId| {
            let facts = self.executor.contract(&*published.state, contract);
            facts.ok().flatten()
        };
        let execution = logs::Execution {
            mode: context.mode,
            entry: *contract,
            origin: context.origin,
            block_number: context.block_number,
            at_ms: published.capabilities.untrusted_now_ms(),
            nonce: &[],
            selector: input.get(..4).unwrap_or(input),
            owner_of: &|contract| facts(contract).map(|facts| facts.owner),
        };
        self.logs.record(&execution, outcome);
    }
}

/// What the cluster's contracts may ask, and this query's hold on a processor.
struct QueryCapabilities<'a> {
    cluster: &'a dyn Capabilities,
    turn: &'a dyn Turn,
}

impl Capabilities for QueryCapabilities<'_> {
    fn derive_sr25519_key(&self, contract: &ContractId, salt: &[u8]) -> [u8; 64] {
        self.cluster.derive_sr25519_key(contract, salt)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.cluster.fill_random(buffer);
    }

    fn worker(&self) -> WorkerId {
        self.cluster.worker()
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        self.cluster.untrusted_now_ms()
    }

    fn http(&self) -> Option<&dyn HttpClient> {
        self.cluster.http()
    }

    fn cache(&self) -> Option<&dyn ContractCache> {
        self.cluster.cache()
    }

    fn scripts(&self) -> Option<&dyn ScriptEngine> {
        self.cluster.scripts()
    }

    fn quote(&self) -> Option<WorkerQuote> {
        self.cluster.quote()
    }

    fn turn(&self) -> &dyn Turn {
        self.turn
    }
}

struct Opened {
    origin: Option<AccountId>,
    request: QueryRequest,
    reply: Sealer,
    /// Why the request is answered by an error, known since opening.
    problem: Option<QueryError>,
}

/// Whether the query has neither lapsed nor is dated too far ahead.
fn is_timely(request: &QueryRequest, now_ms: UnixMillis) -> bool {
    request.expires_at_ms > now_ms && request.expires_at_ms - now_ms <= QUERY_LIFETIME_MS_MAX
}

fn reply(published: &Published, result: Result<QueryOutput, QueryError>) -> QueryReply {
    QueryReply {
        block_number: published.block_number,
        block_hash: published.block_hash,
        state_root: published.state_root,
        result,
        receipt: None,
    }
}

/// Whether a query may be answered from this state at all.
fn check(
    request: &QueryRequest,
    published: &Published,
    now_ms: UnixMillis,
) -> Result<(), QueryError> {
    if !is_timely(request, now_ms) {
        return Err(QueryError::Expired);
    }
    if request.minimum_block > published.block_number {
        return Err(QueryError::BlockNotReached {
            have: published.block_number,
        });
    }
    match &request.target {
        QueryTarget::Instantiate { salt, .. } if salt.len() > SALT_BYTES_MAX as usize => {
            let why = format!("the salt is longer than {SALT_BYTES_MAX} bytes");
            Err(QueryError::Execution(why))
        }
        _ => Ok(()),
    }
}

fn outcome_of(
    published: &Published,
    origin: Option<AccountId>,
    number: u64,
) -> Result<Result<QueryOutput, QueryError>, StateUnavailable> {
    let Some(origin) = origin else {
        return Ok(Err(QueryError::CertificateMissing));
    };
    let outcome = read_outcome(&*published.state, number)?;
    Ok(match outcome.filter(|outcome| outcome.sender == origin) {
        None => Err(QueryError::OutcomeNotFound),
        Some(outcome) => Ok(plain_output(outcome.encode())),
    })
}

/// An answer of the worker's own.
fn plain_output(data: Vec<u8>) -> QueryOutput {
    QueryOutput { flags: 0, data, gas_consumed: 0, gas_required: 0, storage_deposit: 0 }
}

/// What a query's execution came to, as clients see it. An auditor who executes it again makes the same.
///
/// # Errors
/// Where there is no answer.
pub fn output(outcome: Outcome) -> Result<QueryOutput, QueryError> {
    let storage_deposit = match outcome.storage_deposit {
        StorageDeposit::Charge(amount) => i128::try_from(amount).unwrap_or(i128::MAX),
        StorageDeposit::Refund(amount) => {
            i128::try_from(amount).map_or(i128::MIN, |amount| -amount)
        }
    };
    match outcome.result {
        Ok(returned) if returned.data.len() > ANSWER_BYTES_MAX as usize => {
            Err(QueryError::AnswerTooLong)
        }
        Ok(returned) => Ok(QueryOutput {
            flags: returned.flags,
            data: returned.data,
            gas_consumed: coarse_gas(outcome.gas_consumed),
            gas_required: coarse_gas(outcome.gas_required),
            storage_deposit,
        }),
        Err(ExecutionError::ContractNotFound) => Err(QueryError::ContractNotFound),
        Err(error) => Err(QueryError::Execution(
            error.to_string().chars().take(REASON_CHARS_MAX).collect(),
        )),
    }
}

/// Rounds gas up so that it tells little of the path that a contract took: all bits below the ninth
/// from the top, and at least 28 of them, are set. The rule is the original network's.
pub(crate) fn coarse_gas(gas: u64) -> u64 {
    let bits = 64 - gas.leading_zeros();
    let position = bits.saturating_sub(9).clamp(28, 63);
    gas | ((1u64 << position) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_gas_rounds_up_and_hides_the_low_bits() {
        for gas in [0, 1, 12_345, 1 << 27, (1 << 40) + 12_345, u64::MAX] {
            let coarse = coarse_gas(gas);
            assert!(coarse >= gas);
            assert_eq!(coarse & ((1 << 28) - 1), (1 << 28) - 1);
        }
        assert_eq!(coarse_gas(1), coarse_gas(200_000_000));
        assert_eq!(coarse_gas((1 << 40) + 1), coarse_gas((1 << 40) + 2));
    }
}
