//! Domain separation: one label for each thing that is hashed, signed or derived.

use blake2::{Blake2b, Digest, digest::consts::U32};
use codec::{Compact, Encode};
use primitives::{ClusterId, CodeHash, ContractId};

/// A label. Two different meanings never share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(pub &'static str);

/// What a worker's quote vouches for.
pub const REGISTRATION: Label = Label("phat/v1/registration");
/// A message from a worker, cluster or gatekeeper to the chain.
pub const WORKER_MESSAGE: Label = Label("phat/v1/worker-message");
/// A worker's announcement of its endpoints.
pub const ENDPOINTS: Label = Label("phat/v1/endpoints");
/// A request, inside a receipt.
pub const REQUEST_COMMITMENT: Label = Label("phat/v1/request-commitment");
/// An answer, inside a receipt.
pub const ANSWER_COMMITMENT: Label = Label("phat/v1/answer-commitment");
/// A receipt as leaf of its batch.
pub const RECEIPT_LEAF: Label = Label("phat/v1/receipt-leaf");
/// An inner node of a batch of receipts.
pub const RECEIPT_NODE: Label = Label("phat/v1/receipt-node");
/// What is signed for a batch of receipts.
pub const RECEIPT_BATCH: Label = Label("phat/v1/receipt-batch");
/// Associated data of a session's opening.
pub const SESSION_OPEN: Label = Label("phat/v1/session-open");
/// Key schedule of a session.
pub const SESSION_KEYS: Label = Label("phat/v1/session-keys");
/// Associated data of a query inside a session.
pub const SESSION_QUERY: Label = Label("phat/v1/session-query");
/// Associated data of a reply inside a session.
pub const SESSION_REPLY: Label = Label("phat/v1/session-reply");
/// A query sealed on its own.
pub const ONE_SHOT_QUERY: Label = Label("phat/v1/one-shot-query");
/// The reply to a query sealed on its own.
pub const ONE_SHOT_REPLY: Label = Label("phat/v1/one-shot-reply");
/// A query of a client of the original network, among those that were seen before.
pub const COMPATIBLE_QUERY: Label = Label("phat/v1/compatible-query");
/// A command sealed to a contract.
pub const SEALED_COMMAND: Label = Label("phat/v1/sealed-command");
/// A cluster's signing key.
pub const CLUSTER_KEY: Label = Label("phat/v1/cluster-key");
/// A contract's sr25519 key.
pub const CONTRACT_KEY: Label = Label("phat/v1/contract-key");
/// A contract's X25519 key that commands are sealed to.
pub const CONTRACT_HPKE_KEY: Label = Label("phat/v1/contract-hpke-key");
/// What the keys derive from that a cluster's contracts derive for themselves.
pub const CONTRACT_USER_ROOT: Label = Label("phat/v1/contract-user-root");
/// A key that a contract derives for itself.
pub const CONTRACT_USER_KEY: Label = Label("phat/v1/contract-user-key");
/// What keys the hashes of a contract's part of the state: given to its auditors.
pub const CONTRACT_AUDIT_SECRET: Label = Label("phat/v1/contract-audit-secret");
/// All that a contract holds.
pub const CONTRACT_CONTENTS: Label = Label("phat/v1/contract-contents");
/// The chain of what concerned a contract.
pub const CONTRACT_HISTORY: Label = Label("phat/v1/contract-history");
/// What stands for a contract's history in the cluster's state.
pub const CONTRACT_COMMITMENT: Label = Label("phat/v1/contract-commitment");
/// Key that encrypts a cluster's state on a worker's disk.
pub const STATE_KEY: Label = Label("phat/v1/state-key");
/// A worker's request for a part of its cluster's state.
pub const SNAPSHOT_REQUEST: Label = Label("phat/v1/snapshot-request");
/// What the quote of a process vouches for that wants a worker's keys handed over to it.
pub const HANDOVER_EVIDENCE: Label = Label("phat/v1/handover-evidence");
/// What a worker's operator signs when its keys are to be handed over.
pub const HANDOVER_CONSENT: Label = Label("phat/v1/handover-consent");
/// A worker's keys, sealed to the process that takes its place.
pub const HANDOVER_KEYS: Label = Label("phat/v1/handover-keys");
/// Associated data of a worker's keys that are handed over.
pub const HANDOVER_TRANSCRIPT: Label = Label("phat/v1/handover-transcript");
/// Key that encrypts the records of a state store, below [`STATE_KEY`].
pub const STATE_RECORD_KEY: Label = Label("phat/v1/state-record-key");
/// Key that blinds the names of a state store's records, below [`STATE_KEY`].
pub const STATE_NAME_KEY: Label = Label("phat/v1/state-name-key");

/// The code of the system contract.
pub const SYSTEM_CODE: Label = Label("phat/v1/system-code");
/// The id of a cluster's system contract.
pub const SYSTEM_CONTRACT: Label = Label("phat/v1/system-contract");
/// The id of a cluster's logger.
pub const LOGGER: Label = Label("phat/v1/logger");
/// Key that authenticates compiled contracts in a worker's cache.
pub const COMPILED_CODE_KEY: Label = Label("phat/v1/compiled-code-key");

/// A plan to deal shares of the network's key.
pub const SHARING_PLAN: Label = Label("phat/v1/sharing-plan");
/// Proof that the secret of a key is known that shares are dealt to.
pub const RECEIVING_KEY: Label = Label("phat/v1/receiving-key");
/// A dealer's proof that it knows what it deals.
pub const DEALING: Label = Label("phat/v1/dealing");
/// What hides a share that is dealt.
pub const DEALT_SHARE: Label = Label("phat/v1/dealt-share");
/// Proof in a complaint of a wrong dealing.
pub const COMPLAINT: Label = Label("phat/v1/dealing-complaint");
/// Nonce of the proof in a complaint.
pub const COMPLAINT_NONCE: Label = Label("phat/v1/dealing-complaint-nonce");
/// What a threshold of gatekeepers evaluate, hashed to a point.
pub const EVALUATION_INPUT: Label = Label("phat/v1/evaluation-input");
/// Proof of an evaluation or of a share of one.
pub const EVALUATION_SHARE: Label = Label("phat/v1/evaluation-share");
/// Nonce of the proof of a share of an evaluation.
pub const EVALUATION_NONCE: Label = Label("phat/v1/evaluation-nonce");
/// The contributions that a joint proof of an evaluation is made of.
pub const JOINT_PROOF: Label = Label("phat/v1/joint-proof");
/// The secret that an evaluation stands for, such as a cluster's seed.
pub const EVALUATION_SECRET: Label = Label("phat/v1/evaluation-secret");
/// A share of an evaluation, sealed to a worker.
pub const SEALED_EVALUATION_SHARE: Label = Label("phat/v1/sealed-evaluation-share");
/// A value of the randomness beacon.
pub const BEACON_VALUE: Label = Label("phat/v1/beacon-value");
/// What a gatekeeper signs of what it says.
pub const GATEKEEPER_STATEMENT: Label = Label("phat/v1/gatekeeper-statement");
/// The message that a gatekeeper's statement is about.
pub const GATEKEEPER_PAYLOAD: Label = Label("phat/v1/gatekeeper-payload");

/// Which gatekeepers give a worker their shares of a seed at once, and which wait.
pub const GATEKEEPER_TURN: Label = Label("phat/v1/gatekeeper-turn");

/// Blake2b-256 of the label and the parts, each with its length before it (SCALE compact).
///
/// ```
/// use wire::domain::{REGISTRATION, tagged_hash};
/// assert_ne!(tagged_hash(REGISTRATION, &[b"ab", b"c"]), tagged_hash(REGISTRATION, &[b"a", b"bc"]));
/// ```
pub fn tagged_hash(label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Blake2b::<U32>::new();
    let mut absorb = |part: &[u8]| {
        Compact(part.len() as u64).using_encoded(|length| hasher.update(length));
        hasher.update(part);
    };
    absorb(label.0.as_bytes());
    parts.iter().for_each(|part| absorb(part));
    hasher.finalize().into()
}

/// Plain Blake2b-256, where a format of others asks for it.
pub fn blake2_256(bytes: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::digest(bytes).into()
}

/// The hash that names contract code: Blake2b-256 of its original WebAssembly.
pub fn code_hash(wasm: &[u8]) -> CodeHash {
    CodeHash(blake2_256(wasm))
}

/// The id of a contract: Blake2b-256 of deployer ‖ code hash ‖ cluster ‖ salt.
///
/// The format is the original network's, kept so that old clients predict the same ids.
pub fn contract_id(
    deployer: &[u8; 32],
    code_hash: &CodeHash,
    cluster: &ClusterId,
    salt: &[u8],
) -> ContractId {
    let mut hasher = Blake2b::<U32>::new();
    hasher.update(deployer);
    hasher.update(code_hash.as_bytes());
    hasher.update(cluster.as_bytes());
    hasher.update(salt);
    ContractId(hasher.finalize().into())
}

/// The hash that stands for the code of the system contract, which is part of the engine.
pub fn system_code_hash() -> CodeHash {
    CodeHash(tagged_hash(SYSTEM_CODE, &[]))
}

/// The id of a cluster's system contract.
pub fn system_contract_id(cluster: &ClusterId) -> ContractId {
    ContractId(tagged_hash(SYSTEM_CONTRACT, &[cluster.as_bytes()]))
}

/// The id that stands for a cluster's logger: what the driver `PinkLogger` names until somebody sets another.
pub fn logger_id(cluster: &ClusterId) -> ContractId {
    ContractId(tagged_hash(LOGGER, &[cluster.as_bytes()]))
}

/// The account that holds a cluster's PHA on chain: Blake2b-256 of `cluster:` ‖ cluster id.
pub fn cluster_account(cluster: &ClusterId) -> [u8; 32] {
    let mut hasher = Blake2b::<U32>::new();
    hasher.update(b"cluster:");
    hasher.update(cluster.as_bytes());
    hasher.finalize().into()
}
