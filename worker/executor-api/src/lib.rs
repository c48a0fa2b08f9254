//! What the worker's state machine asks of a contract engine, and what it gets back.
//!
//! An execution is a pure function: (state as it was, what to do, in which context) → (what happened,
//! which keys of the state change). The engine writes nothing itself; whether changes are kept is the
//! caller's decision. The state is one flat key-value space for each cluster, laid out by the engine.

#![deny(missing_docs)]

mod host_log;

pub use host_log::{HostCall, HostLog, NotPlayed, Player, Recorder};

use codec::{Decode, Encode};
use contract_abi::{
    event::{CacheOp, PinkEvent},
    extension::WorkerQuote,
    http::{HttpError, HttpRequest, HttpResponse},
    script::{JsCode, JsValue},
};
use primitives::{
    AccountId, Balance, BlockNumber, ClusterId, CodeHash, ContractId, UnixMillis, WorkerId,
};
use std::time::Instant;
use wire::limits::ClusterLimits;

/// A read failed below the engine: the store is damaged or cannot be read.
///
/// This is never the contract's fault; an execution that meets it is void.
#[derive(Debug, thiserror::Error)]
#[error("the state cannot be read: {0}")]
pub struct StateUnavailable(pub String);

/// Read access to a cluster's state at one root. Reads of one value always agree.
pub trait StateView: Send + Sync {
    /// The value at `key`, or `None` where there is none.
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable>;
}

/// A query's hold on a processor, which it shares with others.
///
/// The engine calls [`Turn::checkpoint`] every few milliseconds while a contract computes, and puts
/// [`Turn::pause`] and [`Turn::resume`] around what waits for something else.
pub trait Turn: Send + Sync {
    /// May block until it is this query's turn again. `false`: the query must end now.
    fn checkpoint(&self) -> bool;
    /// Gives the processor away for the time of a wait.
    fn pause(&self);
    /// Takes it back; may block. `false`: the query must end now.
    fn resume(&self) -> bool;
}

/// A [`Turn`] of something that shares with nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unshared;

impl Turn for Unshared {
    fn checkpoint(&self) -> bool {
        true
    }

    fn pause(&self) {}

    fn resume(&self) -> bool {
        true
    }
}

/// Bounds of HTTP requests.
#[derive(Clone, Copy, Debug)]
pub struct HttpBounds {
    /// When all of them must be done.
    pub deadline: Instant,
    /// Longest body of a response, bytes.
    pub body_bytes_max: u32,
}

/// HTTP out of a contract.
pub trait HttpClient: Send + Sync {
    /// Sends the requests at once and waits for all of them, or the deadline. One result for each, in
    /// order. Blocks.
    fn send(
        &self,
        contract: &ContractId,
        requests: Vec<HttpRequest>,
        bounds: HttpBounds,
    ) -> Vec<Result<HttpResponse, HttpError>>;
}

/// The contract's share of the worker's cache is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the contract's share of the cache is full")]
pub struct CacheFull;

/// A worker's cache: values that contracts keep beside the state. It is lost at a restart, and each
/// worker has its own.
pub trait ContractCache: Send + Sync {
    /// The value under `key`, unless it has lapsed.
    fn get(&self, contract: &ContractId, key: &[u8]) -> Option<Vec<u8>>;
    /// Sets a value, which lapses after the cache's default time.
    ///
    /// # Errors
    /// When the value does not fit; the old one, if any, is kept.
    fn set(&self, contract: &ContractId, key: &[u8], value: &[u8]) -> Result<(), CacheFull>;
    /// Lets the value lapse in `seconds`; at once for 0.
    fn set_expiration(&self, contract: &ContractId, key: &[u8], seconds: u64);
    /// Removes the value and returns it.
    fn remove(&self, contract: &ContractId, key: &[u8]) -> Option<Vec<u8>>;

    /// Carries out a change that a transaction or an event asked for.
    fn apply(&self, contract: &ContractId, change: &CacheOp) {
        match change {
            CacheOp::Set { key, value } => {
                let _full = self.set(contract, key, value);
            }
            CacheOp::SetExpiration { key, expiration } => {
                self.set_expiration(contract, key, *expiration);
            }
            CacheOp::Remove { key } => {
                let _old = self.remove(contract, key);
            }
        }
    }
}

/// Bounds of a script.
#[derive(Clone, Copy)]
pub struct ScriptBounds<'a> {
    /// When it must be done.
    pub deadline: Instant,
    /// Most memory, bytes.
    pub memory_bytes_max: u64,
    /// The query's hold on a processor.
    pub turn: &'a dyn Turn,
}

/// Evaluates JavaScript for contracts.
pub trait ScriptEngine: Send + Sync {
    /// Runs `codes` one after another in one fresh realm whose `scriptArgs` are `arguments`, and
    /// returns what the last one gives. Whatever goes wrong is a [`JsValue::Exception`].
    fn evaluate(&self, codes: &[JsCode], arguments: &[String], bounds: ScriptBounds<'_>)
    -> JsValue;
}

/// What a contract may ask of the worker it runs on, apart from its state.
///
/// What has a default is not offered where it is not overridden.
pub trait Capabilities: Send + Sync {
    /// A 64-byte sr25519 secret (canonical scalar ‖ nonce) that belongs to `contract`, for `salt`;
    /// the same on each worker of the cluster.
    fn derive_sr25519_key(&self, contract: &ContractId, salt: &[u8]) -> [u8; 64];
    /// Fills `buffer` with random bytes. Used in queries only.
    fn fill_random(&self, buffer: &mut [u8]);
    /// The worker's identity, as contracts see it in queries.
    fn worker(&self) -> WorkerId;
    /// The host's clock, milliseconds since the Unix epoch; untrusted. Used in queries only.
    fn untrusted_now_ms(&self) -> UnixMillis;
    /// HTTP. Used in queries only.
    fn http(&self) -> Option<&dyn HttpClient> {
        None
    }
    /// The worker's cache. Used in queries; a transaction's changes are in [`Outcome::effects`].
    fn cache(&self) -> Option<&dyn ContractCache> {
        None
    }
    /// JavaScript. Used in queries only.
    fn scripts(&self) -> Option<&dyn ScriptEngine> {
        None
    }
    /// The worker's quote, if contracts may have it. Used in queries only.
    fn quote(&self) -> Option<WorkerQuote> {
        None
    }
    /// The query's hold on a processor. Used in queries and estimates.
    fn turn(&self) -> &dyn Turn {
        &Unshared
    }
    /// Hears that a contract looks at something of the cluster that is no contract's own. For who
    /// executes again with less than the whole state.
    fn looks_at(&self, _fact: ClusterFact) {}
}

/// What belongs to a cluster as a whole, or to anybody, and contracts can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterFact {
    /// The balance of an account.
    BalanceOf(AccountId),
    /// The head of the event chain.
    EventChain,
    /// How many contracts were made.
    Instantiations,
    /// The version of the contracts' interface.
    RuntimeVersion,
}

/// Whose a key of the state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A contract's: its record, or what it stores.
    Contract(ContractId),
    /// The balance of an account; of a contract, if that is its account.
    Balance(AccountId),
    /// The system contract's: whom it knows.
    System,
    /// The cluster's.
    Cluster,
}

/// How an execution is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Changes are discarded; indeterministic functions are allowed.
    Query,
    /// As [`Mode::Transaction`], but changes are discarded.
    Estimate,
    /// Deterministic; the caller keeps the changes.
    Transaction,
}

/// Where and for whom an execution runs.
#[derive(Clone, Debug)]
pub struct Context {
    /// How it is run.
    pub mode: Mode,
    /// The cluster.
    pub cluster: ClusterId,
    /// Who asks: the account that signed.
    pub origin: AccountId,
    /// The block that contracts see.
    pub block_number: BlockNumber,
    /// The time that contracts see: the timestamp of that block.
    pub now_ms: UnixMillis,
    /// Most gas to use, or 0 for the mode's maximum. One unit of gas is one unit of wasmtime fuel,
    /// scaled by `contract-engine`'s documented factor to picoseconds of reference time.
    pub gas_limit: u64,
    /// Most storage deposit to charge; `None` for no limit of the caller's own.
    pub storage_deposit_limit: Option<Balance>,
    /// What the sender made the command unique with; goes into the event chain.
    pub nonce: Option<Vec<u8>>,
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Operation {
    /// The first operation of a cluster: its owner and prices.
    SetUpCluster {
        /// Account that owns the cluster.
        owner: AccountId,
        /// Price of one gas.
        gas_price: Balance,
        /// Deposit for each storage item.
        deposit_per_item: Balance,
        /// Deposit for each byte stored.
        deposit_per_byte: Balance,
        /// Account inside the cluster that receives fees.
        treasury: AccountId,
    },
    /// Sets what contracts may use. Before the first, [`ClusterLimits::DEFAULT`] holds.
    SetLimits {
        /// The limits; within their bounds.
        limits: ClusterLimits,
    },
    /// The end of a block: runs the hooks that were set for it, each within its own gas.
    BlockEnd,
    /// Makes code available in the cluster.
    UploadCode {
        /// The original WebAssembly bytes.
        code: Vec<u8>,
    },
    /// Adds to an account's balance inside the cluster.
    Deposit {
        /// Whose balance grows.
        account: AccountId,
        /// By how much.
        amount: Balance,
    },
    /// Makes a contract and runs its constructor.
    Instantiate {
        /// The id that the chain gave it.
        contract: ContractId,
        /// Code to run; must have been uploaded.
        code_hash: CodeHash,
        /// Constructor selector and arguments.
        input: Vec<u8>,
        /// The salt its id was derived with.
        salt: Vec<u8>,
        /// Value transferred to it.
        value: Balance,
    },
    /// Calls a contract.
    Call {
        /// Which one.
        contract: ContractId,
        /// Selector and arguments.
        input: Vec<u8>,
        /// Value transferred with the call.
        value: Balance,
    },
}

/// Why an execution gave no return value. The text form is for people.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, thiserror::Error)]
pub enum ExecutionError {
    /// No contract has this id.
    #[error("there is no such contract in this cluster")]
    ContractNotFound,
    /// No such code in this cluster.
    #[error("there is no such code in this cluster: none was uploaded, or it is no program that the engine runs")]
    CodeNotFound,
    /// The code is not a contract that this engine runs.
    #[error("the code is refused: {0}")]
    CodeRefused(String),
    /// The contract id is taken.
    #[error("a contract with this id exists already")]
    DuplicateContract,
    /// The contract trapped.
    #[error("the contract trapped: {0}")]
    Trapped(String),
    /// The gas limit was reached.
    #[error("out of gas")]
    OutOfGas,
    /// The payer cannot pay gas, deposit or value.
    #[error("the balance inside the cluster is too low")]
    BalanceTooLow,
    /// The storage deposit would be above the caller's limit.
    #[error("the storage deposit would be above the given limit")]
    StorageDepositLimit,
    /// A limit of the engine was reached.
    #[error("a limit of the engine was reached: {0}")]
    LimitReached(String),
    /// A bug in the engine; this execution alone is void.
    #[error("internal error of the engine: {0}")]
    Bug(String),
    /// Nothing runs in a cluster before [`Operation::SetUpCluster`].
    #[error("the cluster is not set up yet")]
    ClusterNotSetUp,
    /// A cluster is set up once.
    #[error("the cluster is set up already")]
    ClusterExists,
}

/// What a contract returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Returned {
    /// Bit 0: the contract asked to revert; no change was kept.
    pub flags: u32,
    /// The return value, as the contract encoded it.
    pub data: Vec<u8>,
}

impl Returned {
    /// Whether the contract asked for its changes to be dropped.
    pub fn is_reverted(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// An event that a contract deposited.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ContractEvent {
    /// Who deposited it.
    pub contract: ContractId,
    /// Its topics, at most four.
    pub topics: Vec<[u8; 32]>,
    /// Its data.
    pub data: Vec<u8>,
}

/// A deposit taken or given back for storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StorageDeposit {
    /// Given back to the origin.
    Refund(Balance),
    /// Charged to the origin.
    Charge(Balance),
}

/// A key of the state and its new value; `None` removes it.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// What wrote a line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LogRecord {
    /// Which contract.
    pub contract: ContractId,
    /// The contract that the execution began with.
    pub entry: ContractId,
    /// From 1, error, to 5, trace.
    pub level: u8,
    /// The text, bounded.
    pub message: String,
}

/// What an execution asks of the worker, beside changes of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Who asks.
    pub contract: ContractId,
    /// For what. Only what the engine cannot do by itself is listed.
    pub event: PinkEvent,
}

/// The head of a cluster's event chain: every transaction with public effects adds a block to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EventChainHead {
    /// The number of the next block.
    pub next_number: u64,
    /// The hash of the last block's header; zero before the first.
    pub hash: [u8; 32],
}

/// What the state says of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractFacts {
    /// Its code.
    pub code_hash: CodeHash,
    /// The account that made it, also by another contract: whose logs these are.
    pub owner: AccountId,
    /// Its share of the processor; 0 for the free share.
    pub weight: u32,
}

/// What an execution did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the contract returned, or why it did not. Empty return for operations without code.
    pub result: Result<Returned, ExecutionError>,
    /// Gas used.
    pub gas_consumed: u64,
    /// Gas that a transaction of the same call must offer.
    pub gas_required: u64,
    /// Deposit for storage.
    pub storage_deposit: StorageDeposit,
    /// What the contract wrote for debugging, bounded.
    pub debug_message: Vec<u8>,
    /// Events, in order.
    pub events: Vec<ContractEvent>,
    /// Keys that change, sorted, each once. Never empty by accident: an execution that failed still
    /// lists what stays charged (gas) in [`Mode::Transaction`].
    pub changes: Vec<Change>,
    /// Contracts made on the way, with their deployers.
    pub instantiated: Vec<(ContractId, AccountId)>,
    /// Lines that contracts wrote, in order, kept also of an execution that failed.
    pub logs: Vec<LogRecord>,
    /// What the worker is asked to do, in order; empty where nothing is kept.
    pub effects: Vec<Effect>,
}

/// A contract engine.
pub trait Executor: Send + Sync {
    /// Runs one operation against `state`.
    ///
    /// # Errors
    /// Only when the state cannot be read; all that a contract or caller can do wrong is in
    /// [`Outcome::result`].
    fn execute(
        &self,
        state: &dyn StateView,
        capabilities: &dyn Capabilities,
        context: &Context,
        operation: &Operation,
    ) -> Result<Outcome, StateUnavailable>;

    /// What the state says of `contract`, or `None` where there is no such contract.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn contract(
        &self,
        state: &dyn StateView,
        contract: &ContractId,
    ) -> Result<Option<ContractFacts>, StateUnavailable>;

    /// Whose `key` is. What a contract's execution can change of the contract is its own part and its
    /// balance.
    fn part_of(&self, key: &[u8]) -> Part;

    /// Where the balance of `account` lies in the state.
    fn balance_key(&self, account: &AccountId) -> Vec<u8>;

    /// What the contracts of this cluster may use.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn limits(&self, state: &dyn StateView) -> Result<ClusterLimits, StateUnavailable>;
}
