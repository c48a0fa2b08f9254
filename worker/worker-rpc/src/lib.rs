//! The worker's HTTP rim: it bounds bytes and hands them on. It opens no envelope.
//!
//! | method and path | body | answer |
//! |---|---|---|
//! | `GET /v1/info` | – | JSON [`Info`] |
//! | `GET /v1/evidence` | – | SCALE (evidence that the worker registered with, registration) |
//! | `POST /v1/session` | SCALE `HpkeSealed` | SCALE `SessionAccept` |
//! | `POST /v1/query` | SCALE `Envelope` | sealed reply |
//! | `POST /v1/snapshot` | SCALE `SignedSnapshotRequest`, from a worker of the cluster | SCALE `SnapshotChunk` |
//! | `GET /v1/contract-root/{contract, hex}` | – | SCALE `ContractRootProof`, under the root that the cluster agreed on last |
//! | `GET /v1/load/CONTRACT` | – | JSON [`ContractLoad`] |
//! | `GET /v1/handover` | – | SCALE `HandoverOffer` |
//! | `POST /prpc/PhactoryAPI.…` | protobuf or JSON of the original network's protocol ([`CompatibleService`]) | the same |
//! | `POST /v1/handover` | SCALE `SignedHandoverRequest`, from a new build with its operator's word | SCALE `HandoverAnswer` |
//!
//! An error is JSON `{"error": "…"}` with a status that tells who should act: 400 the client, 404 there
//! is nothing here, 408 the body came too slowly, 410 open a new session, 413 too large, 503 try another
//! worker or later.
//!
//! # Threads
//!
//! [`serve`] has threads of its own, a few more than there are processors. A query is answered on the
//! thread that read it, so that short ones pay for no hand-over. What would wait goes
//! on on a thread that may block ([`Responder::go_on_blocking`]). What turns out to be long keeps the
//! thread it is on; one thread at least never runs queries, and is woken to serve the connections.
//! Answers that are better finished together are put off ([`Responder::put_off`]) until nothing else is
//! at hand ([`Service::settle`]).
//!
//! # Bounds
//!
//! Connections, requests at once, bytes of all bodies at once, time for a request's head and body: see
//! [`Limits`]. Whatever is above is refused at once. How many queries a single contract may have is
//! bounded behind this rim, and lower, so that one contract's flood does not fill it.

#![deny(missing_docs)]

mod http;
mod metrics;
mod prpc;
mod responder;
mod traffic;
mod watch;

pub use http::{Limits, Rim, bind, serve};
pub use metrics::serve_metrics;
pub use prpc::CompatibleService;
pub use responder::{PutOff, Responder};

use primitives::{
    BlockNumber, ClusterId, ContractId, GenesisHash, HpkePublicKey, StateRoot, UnixMillis, WorkerId,
};
use serde::{Deserialize, Serialize};

/// What anybody may know of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Version of the program.
    pub version: String,
    /// Which network.
    pub genesis: GenesisHash,
    /// Who it is.
    pub worker: WorkerId,
    /// The key that requests are sealed to. A client takes it from the chain, not from here.
    pub hpke_public_key: HpkePublicKey,
    /// Kind of TEE; `insecure-simulated` protects nothing.
    pub platform: String,
    /// Whether it answers queries, and if so, from where.
    pub serving: Option<Serving>,
    /// Milliseconds from the start of the process until it first served; for the operator.
    pub ready_after_ms: Option<u64>,
    /// Milliseconds from the light client's start, early in the process, to its first final block.
    pub light_client_after_ms: Option<u64>,
    /// How much it is asked, where its operator publishes that ([`Rim::publish_traffic`]); the rim fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
}

/// How many queries a worker answered in a while. Never of less than ten seconds, and of all contracts
/// together: what a watcher of its traffic sees anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// How long the while was, milliseconds.
    pub window_ms: u64,
    /// How many.
    pub queries: u64,
}

/// What a worker answers from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// Which cluster.
    pub cluster: ClusterId,
    /// The newest final block it knows.
    pub block_number: BlockNumber,
    /// Its timestamp.
    pub block_timestamp_ms: UnixMillis,
    /// Root of the cluster's state.
    pub state_root: StateRoot,
    /// Mailbox entries run.
    pub next_number: u64,
}

/// What a worker can do, and what a contract's queries cost on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractLoad {
    /// Processors that contracts share.
    pub processors: u32,
    /// How fast the machine is; not measured where the chain has no mining.
    pub speed: Option<Speed>,
    /// Processor time of one of the contract's queries, nanoseconds: a mean of 64 or more, rounded up to three
    /// significant bits. Not known before so many were asked.
    pub cost_ns: Option<u64>,
    /// The contract's weight here, if it was asked since the worker started.
    pub weight: Option<u32>,
}

/// How fast a machine is, in rounds of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speed {
    /// A second, by one processor alone.
    pub one: u32,
    /// A second, by all together.
    pub all: u32,
    /// The part of a round that works on much memory, a second, by all together.
    pub memory: u32,
}

/// Why a request gets an error; the variant decides the status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The client's mistake.
    #[error("{0}")]
    BadRequest(String),
    /// There is none.
    #[error("{0}")]
    NotFound(String),
    /// The session has ended.
    #[error("{0}")]
    Gone(String),
    /// Not now, or not here.
    #[error("{0}")]
    Unavailable(String),
    /// A bug or damage.
    #[error("{0}")]
    Internal(String),
}

/// The worker, as this rim sees it.
pub trait Service: Send + Sync + 'static {
    /// What anybody may know.
    fn info(&self) -> Info;
    /// The evidence that the worker registered with.
    ///
    /// # Errors
    /// When it has none yet.
    fn evidence(&self) -> Result<Vec<u8>, ServiceError>;
    /// Where a batch of receipts stands in the worker's log: SCALE `wire::receipt::LogInclusion`. `signed` is
    /// what the worker signed for the batch.
    ///
    /// # Errors
    /// When it is not logged, or not on chain yet.
    fn receipt_log(&self, signed: &[u8; 32]) -> Result<Vec<u8>, ServiceError> {
        let _none = signed;
        Err(ServiceError::NotFound("this worker keeps no log of receipts".to_owned()))
    }
    /// A contract's commitment with its proof: SCALE `wire::audit::ContractRootProof`. Reads the disk:
    /// called on a thread that may block.
    ///
    /// # Errors
    /// When the state is not here.
    fn contract_root(&self, contract: &[u8; 32]) -> Result<Vec<u8>, ServiceError> {
        let _none = contract;
        Err(ServiceError::NotFound("this worker keeps no state to prove from".to_owned()))
    }
    /// What the worker can do, and what a contract's queries cost on it.
    ///
    /// # Errors
    /// When it tells nobody.
    fn load(&self, contract: &ContractId) -> Result<ContractLoad, ServiceError> {
        let _nobody = contract;
        Err(ServiceError::NotFound("this worker does not tell its load".to_owned()))
    }
    /// Opens a session. Computes, and waits for nothing.
    ///
    /// # Errors
    /// When the opening does not hold.
    fn open_session(&self, opening: &[u8]) -> Result<Vec<u8>, ServiceError>;
    /// Answers a query through `responder`, now or later. What would wait for something calls
    /// [`Responder::go_on_blocking`].
    fn query(&self, envelope: &[u8], responder: Responder);
    /// Hands a part of the cluster's state to another worker. Reads the disk: called on a thread that may
    /// block.
    ///
    /// # Errors
    /// When the request does not hold, or the state is not here.
    fn snapshot(&self, request: &[u8]) -> Result<Vec<u8>, ServiceError>;
    /// What a process that wants this worker's keys makes evidence over.
    ///
    /// # Errors
    /// When nothing is handed over.
    fn handover_offer(&self) -> Result<Vec<u8>, ServiceError> {
        Err(ServiceError::NotFound("this worker hands nothing over".to_owned()))
    }
    /// Hands the worker's keys to another process, or says why not. Waits for a final block to be read:
    /// called on a thread that may block.
    ///
    /// # Errors
    /// When the request is refused.
    fn hand_over(&self, request: &[u8]) -> Result<Vec<u8>, ServiceError> {
        let _request = request;
        Err(ServiceError::NotFound("this worker hands nothing over".to_owned()))
    }
    /// What answers clients of the original network, if anything does.
    fn compatible(&self) -> Option<&dyn CompatibleService> {
        None
    }
    /// Finishes answers that were put off. Called when nothing else is at hand.
    fn settle(&self) {}
}
