//! The event chain of a cluster: a hash chain over what its transactions announced.
//!
//! Each operation of a transaction that leaves events appends one block. Events are those of
//! [`Outcome::events`](executor_api::Outcome::events): all that contracts deposited, effects among
//! them, apart from private ones. Whoever has the outcome and its context can build the block again.
//!
//! A hash is BLAKE2b-256 over the SCALE form. The state keeps the head alone.

use codec::{Decode, Encode};
use executor_api::{ContractEvent, EventChainHead, StateUnavailable, StateView};
use primitives::AccountId;

use crate::crypto::blake2_256;
use crate::state::{Overlay, OverlayError, event_chain_key};

/// What is chained.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BlockHeader {
    /// From 0.
    pub number: u64,
    /// The version of the contracts' interface, (major, minor).
    pub runtime_version: (u32, u32),
    /// The hash of the header before; zeros for the first.
    pub parent_hash: [u8; 32],
    /// The hash of the body.
    pub body_hash: [u8; 32],
}

impl BlockHeader {
    /// Its hash.
    pub fn hash(&self) -> [u8; 32] {
        blake2_256(&self.encode())
    }
}

/// What a block tells.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BlockBody {
    /// The chain's block whose entry was carried out.
    pub block_number: u32,
    /// What the sender made the command unique with.
    pub nonce: Option<Vec<u8>>,
    /// The contract that was called or made; `None` for the end of a block.
    pub entry_contract: Option<[u8; 32]>,
    /// In order.
    pub events: Vec<ContractEvent>,
    /// Who asked.
    pub origin: Option<AccountId>,
}

impl BlockBody {
    /// Its hash.
    pub fn hash(&self) -> [u8; 32] {
        blake2_256(&self.encode())
    }
}

/// What the chain's head is before the first block.
const EMPTY: EventChainHead = EventChainHead {
    next_number: 0,
    hash: [0; 32],
};

/// The head of the chain.
pub fn head(overlay: &Overlay, state: &dyn StateView) -> Result<EventChainHead, OverlayError> {
    Ok(overlay
        .read_record(state, &event_chain_key())?
        .unwrap_or(EMPTY))
}

/// As [`head`], of a state without changes.
pub fn head_of(state: &dyn StateView) -> Result<EventChainHead, StateUnavailable> {
    head(&Overlay::default(), state).map_err(|error| StateUnavailable(error.to_string()))
}

/// Appends a block.
pub fn append(
    overlay: &mut Overlay,
    state: &dyn StateView,
    runtime_version: (u32, u32),
    body: &BlockBody,
) -> Result<(), OverlayError> {
    let EventChainHead { next_number, hash } = head(overlay, state)?;
    let header = BlockHeader {
        number: next_number,
        runtime_version,
        parent_hash: hash,
        body_hash: body.hash(),
    };
    let head = EventChainHead {
        next_number: next_number.saturating_add(1),
        hash: header.hash(),
    };
    overlay.write(event_chain_key(), Some(head.encode()))
}
