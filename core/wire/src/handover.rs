//! Hand-over: a worker's identity and keys pass from one process to the one that takes its place.
//!
//! The new process has a key that nobody else has seen, and a quote over it. The old one judges the quote
//! by the chain's policy, stops for good, and only then seals its keys to that key.

use crate::domain::{HANDOVER_CONSENT, HANDOVER_EVIDENCE, HANDOVER_TRANSCRIPT, tagged_hash};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use primitives::{
    BlockHash, BlockNumber, ClusterId, GenesisHash, HpkePublicKey, StateRoot, WorkerId, bounds,
};

/// Longest request, bytes: evidence, and little beside it.
pub const HANDOVER_REQUEST_BYTES_MAX: u32 =
    bounds::QUOTE_BYTES_MAX + bounds::COLLATERAL_BYTES_MAX + 1024;
/// Longest offer, bytes.
pub const HANDOVER_OFFER_BYTES_MAX: u32 = 256;
/// Longest answer, bytes: all keys of a worker that is a gatekeeper, sealed.
pub const HANDOVER_ANSWER_BYTES_MAX: u32 = 1024 * 1024;

/// What a running worker says to whoever may want its place.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HandoverOffer {
    /// Which network it is on.
    pub genesis: GenesisHash,
    /// Who it is, by its own word.
    pub worker: WorkerId,
    /// What evidence has to be made over. It changes now and then.
    pub nonce: [u8; 32],
}

/// A process asks for a worker's keys.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HandoverRequest {
    /// On which network.
    pub genesis: GenesisHash,
    /// Whose keys.
    pub worker: WorkerId,
    /// From the offer.
    pub nonce: [u8; 32],
    /// The key that they are to be sealed to, made for this alone inside the TEE.
    pub ephemeral_key: HpkePublicKey,
}

impl HandoverRequest {
    /// The 64 bytes of report data of the new process's quote.
    pub fn report_data(&self) -> [u8; 64] {
        let mut data = [0; 64];
        data[..32].copy_from_slice(&tagged_hash(HANDOVER_EVIDENCE, &[&self.encode()]));
        data
    }

    /// What the worker's operator signs.
    pub fn consent_bytes(&self) -> [u8; 32] {
        tagged_hash(HANDOVER_CONSENT, &[&self.encode()])
    }

    /// Associated data of the answer.
    pub fn transcript(&self) -> [u8; 32] {
        tagged_hash(HANDOVER_TRANSCRIPT, &[&self.encode()])
    }
}

/// A request with what makes it count.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedHandoverRequest {
    /// What is asked.
    pub request: HandoverRequest,
    /// sr25519 by the operator of the worker's registration, over [`HandoverRequest::consent_bytes`].
    pub operator_signature: [u8; 64],
    /// SCALE evidence over [`HandoverRequest::report_data`].
    pub evidence: Vec<u8>,
}

/// A worker's keys, sealed in HPKE's auth mode with its registered key to the ephemeral one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HandoverAnswer {
    /// The nonce of the request that was granted: a repeated request may have another.
    pub nonce: [u8; 32],
    /// The encapsulated key.
    pub encapsulated_key: [u8; 32],
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

/// The state that a worker had when it handed its keys over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HandedState {
    /// Of which cluster.
    pub cluster: ClusterId,
    /// After how many mailbox entries.
    pub next_number: u64,
    /// The root after them.
    pub state_root: StateRoot,
    /// The last final block acted on.
    pub block_number: BlockNumber,
    /// Its hash.
    pub block_hash: BlockHash,
}
