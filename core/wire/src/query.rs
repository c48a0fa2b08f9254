//! Queries: what a client asks a worker, and what it answers. Protocol v1.
//!
//! A query travels in one of two envelopes. [`Envelope::OneShot`] is complete in itself: HPKE to the
//! worker's attested key. [`Envelope::Session`] belongs to a session that [`SessionOpen`] made, and
//! costs no public-key operation. `docs/protocol/query.md` draws both.

use crate::{certificate::Certificate, receipt::Receipt};
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use primitives::{
    AccountId, Balance, BlockHash, BlockNumber, CodeHash, ContractId, GenesisHash, StateRoot,
    UnixMillis, WorkerId,
};

/// Version of this protocol.
pub const PROTOCOL_VERSION: u8 = 1;
/// Longest time between a query's making and its expiry, milliseconds.
pub const QUERY_LIFETIME_MS_MAX: u64 = 5 * 60 * 1000;
/// Plaintext replies are padded to a multiple of this many bytes.
pub const REPLY_PADDING_BYTES: usize = 256;

/// How HPKE was used: who the sender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum HpkeSender {
    /// Base mode: nobody in particular.
    Anonymous,
    /// Authenticated mode by this X25519 session key, which a [`Certificate`] inside must name.
    SessionKey([u8; 32]),
}

/// A message sealed by HPKE (DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HpkeSealed {
    /// Who sent it.
    pub sender: HpkeSender,
    /// The encapsulated key.
    pub encapsulated_key: [u8; 32],
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

/// What is posted to a worker's query endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Envelope {
    /// A [`OneShotQuery`], sealed on its own.
    OneShot(HpkeSealed),
    /// A [`QueryRequest`], inside a session.
    Session {
        /// Which session.
        session: SessionId,
        /// The client's count of its queries in this session, from 0; never used twice.
        sequence: u64,
        /// Ciphertext and tag (AES-256-GCM).
        ciphertext: Vec<u8>,
    },
}

/// A session's name; says nothing about its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct SessionId(pub [u8; 16]);

/// The plaintext that opens a session.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SessionOpen {
    /// An ephemeral X25519 key of the client, for forward secrecy.
    pub client_ephemeral: [u8; 32],
    /// When this opening lapses.
    pub expires_at_ms: UnixMillis,
    /// Random; makes each opening unique, so that a second use is seen.
    pub nonce: [u8; 16],
    /// Whom the session speaks for.
    pub certificate: Option<Certificate>,
}

/// The worker's answer to [`SessionOpen`], in the clear but for its proof.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SessionAccept {
    /// The new session.
    pub session: SessionId,
    /// The worker's ephemeral X25519 key.
    pub server_ephemeral: [u8; 32],
    /// When the session ends.
    pub expires_at_ms: UnixMillis,
    /// HMAC-SHA256 under the session's keys of all the above: only the attested worker can make it.
    pub confirmation: [u8; 32],
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum QueryTarget {
    /// A message of a contract.
    Call {
        /// Which contract.
        contract: ContractId,
    },
    /// A constructor, to learn what it would cost and return.
    Instantiate {
        /// Which code.
        code_hash: CodeHash,
        /// Salt of the id.
        salt: Vec<u8>,
    },
    /// What became of a mailbox entry. Only who sent it may ask; the output's data is a SCALE
    /// [`CommandOutcome`].
    Outcome {
        /// The entry's number in the cluster's mailbox.
        number: u64,
    },
    /// What contracts wrote. The input is a question in JSON, the output's data the answer; who asks sees
    /// what the account's own contracts wrote, and results of the account's own commands.
    Logger,
    /// The key with which a contract's commands are opened and its root is checked. Only who the contract
    /// itself says may audit it gets it; the output's data is what `secrets::AuditKey` reads.
    AuditKey {
        /// Which contract.
        contract: ContractId,
    },
    /// The newest steps of a contract's history, for who may audit it; the output's data is a SCALE
    /// [`crate::audit::HistoryPage`].
    History {
        /// Which contract.
        contract: ContractId,
        /// How many items the asker needs no steps of.
        from: u64,
    },
    /// As `Call`, with a record of everything that the answer depends on and the state does not say, for
    /// the contract's owner and who may audit it; the output's data is a SCALE
    /// [`crate::record::Recorded`].
    RecordedCall {
        /// Which contract.
        contract: ContractId,
    },
}

/// What became of a command or an instantiation: part of the cluster's state, the same on each worker.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CommandOutcome {
    /// The block that took the entry in.
    pub block_number: BlockNumber,
    /// Who sent it.
    pub sender: AccountId,
    /// The contract it was for.
    pub contract: ContractId,
    /// Flags and data that the contract returned, or why it did not return.
    pub result: Result<(u32, Vec<u8>), String>,
    /// Gas used.
    pub gas_consumed: u64,
    /// Contracts made on the way, each with its deployer.
    pub made: Vec<(ContractId, AccountId)>,
}

/// A query, in the clear. Sealed, it reaches only the worker it was made for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct QueryRequest {
    /// What to run.
    pub target: QueryTarget,
    /// Selector and arguments.
    pub input: Vec<u8>,
    /// Value to transfer, as if.
    pub value: Balance,
    /// Most gas, or 0 for the worker's maximum.
    pub gas_limit: u64,
    /// Whether to run it as a transaction would, to learn its cost.
    pub estimate: bool,
    /// The state must be at least as new as this final block.
    pub minimum_block: BlockNumber,
    /// When the query lapses; at most [`QUERY_LIFETIME_MS_MAX`] ahead.
    pub expires_at_ms: UnixMillis,
    /// Random: hides the commitments in the receipt and makes the query unique.
    pub nonce: [u8; 16],
    /// Whether a receipt is wanted.
    pub receipt: bool,
}

/// The plaintext of [`Envelope::OneShot`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OneShotQuery {
    /// The query.
    pub request: QueryRequest,
    /// Whom it speaks for.
    pub certificate: Option<Certificate>,
}

/// What a contract answered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct QueryOutput {
    /// Bit 0: the contract returned an error and reverted.
    pub flags: u32,
    /// Its return value, as it encoded it.
    pub data: Vec<u8>,
    /// Gas used, rounded up so that it tells little of the path taken.
    pub gas_consumed: u64,
    /// Gas that a command must offer for the same.
    pub gas_required: u64,
    /// Storage deposit it would charge (positive) or give back (negative), in the smallest unit.
    pub storage_deposit: i128,
}

/// Why a worker gives no output. Encrypted like an answer: only who asked sees it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum QueryError {
    /// The worker serves no such contract.
    ContractNotFound,
    /// No outcome is kept under this number, or it is another account's.
    OutcomeNotFound,
    /// The question needs a certificate: it is about somebody's own data.
    CertificateMissing,
    /// The query was made for a later state than the worker has.
    BlockNotReached {
        /// The newest final block the worker knows.
        have: BlockNumber,
    },
    /// The query's time has passed, or lies too far ahead.
    Expired,
    /// The query was seen before.
    Replayed,
    /// The certificate does not hold: the reason.
    Certificate(String),
    /// The contract did not return: the reason.
    Execution(String),
    /// The answer is longer than a worker sends.
    AnswerTooLong,
}

/// What the worker answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct QueryReply {
    /// The final block whose state was read.
    pub block_number: BlockNumber,
    /// Its hash.
    pub block_hash: BlockHash,
    /// Root of the cluster's state there.
    pub state_root: StateRoot,
    /// Output, or why there is none.
    pub result: Result<QueryOutput, QueryError>,
    /// If asked for.
    pub receipt: Option<Receipt>,
}

/// Associated data of everything sealed to a worker: this network, this worker, this purpose.
pub fn sealed_to_worker_aad(
    label: crate::domain::Label,
    genesis: &GenesisHash,
    worker: &WorkerId,
) -> [u8; 32] {
    crate::domain::tagged_hash(
        label,
        &[&[PROTOCOL_VERSION], genesis.as_bytes(), worker.as_bytes()],
    )
}

/// Hash that stands for a request in a receipt. The nonce in it hides what it commits to.
pub fn request_commitment(origin: &Option<AccountId>, request: &QueryRequest) -> [u8; 32] {
    crate::domain::tagged_hash(
        crate::domain::REQUEST_COMMITMENT,
        &[&origin.encode(), &request.encode()],
    )
}

/// Hash that stands for an answer in a receipt.
pub fn answer_commitment(nonce: &[u8; 16], result: &Result<QueryOutput, QueryError>) -> [u8; 32] {
    crate::domain::tagged_hash(crate::domain::ANSWER_COMMITMENT, &[nonce, &result.encode()])
}
