//! Finality and storage proofs: from a genesis hash that one trusts to a value that the chain holds.
//!
//! # What it proves
//!
//! ```text
//! genesis hash ── header ── state root ── trie nodes ──► GRANDPA authorities, set 0
//!   └► fragment: header that ends set 0, justified by it ── digest ──► authorities, set 1
//!        └► … ──► last header, justified by its set ── state root ── trie nodes ──► any value
//! ```
//!
//! [`verify`] takes an [`UntrustedProof`] and gives a [`FinalizedState`], which only it can make; what
//! is read from that is what more than two thirds of the chain's validators finalized. [`verify_from`]
//! starts at an authority set that the caller trusts already.
//!
//! Such a proof grows with each change of the set. [`PortableProof`] is for files: it skips what changes it
//! can ([`verify_portable`]), and [`History`] makes the shortest from what nodes serve.
//!
//! # Threats
//!
//! Every byte is hostile. All lengths are bounded before work is done, the work is linear in the bytes
//! (one signature check for each vote), and nothing panics. What is not proven:
//! that the state is the newest (a proof may be old: look at [`FinalizedState::timestamp_ms`]), and
//! that validators of long ago, whose stake is gone, did not sign another history. Who minds the
//! latter starts at a recent set that he trusts.
//!
//! # Limits
//!
//! See [`PROOF_BYTES_MAX`] and its neighbours. Scheduled changes of the authority set must take effect
//! at once (delay 0), as FRAME's session pallet makes them. Forced changes break the chain of trust
//! and are not followed.
//!
//! The reader of tries and the finality rule are written here and not taken from `sp-trie` and
//! `finality-grandpa`: both bring what a browser does not need. `sp-trie` is the oracle in the tests.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod grandpa;
mod header;
mod history;
mod past;
mod portable;
pub mod storage_key;
pub mod trie;

pub use grandpa::{Authority, AuthoritySet};
pub use header::{Header, HeaderError, hash_header};
pub use history::{History, Planned, StateNeeded, distinct_nodes};
pub use past::{PastState, block_hash_key};
pub use portable::{
    PORTABLE_BYTES_AIM, PORTABLE_BYTES_MAX, PortableProof, PortableStep, Start, TrustedSet, Vote,
    Voters, decode_portable, verify_portable,
};

use alloc::vec::Vec;
use codec::{Compact, Decode, Encode};
use grandpa::Justification;
use primitives::{BlockHash, BlockNumber, GenesisHash, StateRoot, UnixMillis};
use trie::{TrieError, TrieNodes};

/// Most bytes of a whole proof: 16 MiB, twice what a node makes of set changes at once.
pub const PROOF_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most changes of the authority set in one proof; its bytes bound it too.
pub const FRAGMENTS_MAX: usize = 65_536;
/// Most trie nodes in one proof.
pub const NODES_MAX: usize = 16_384;
/// Most authorities of one set.
pub const AUTHORITIES_MAX: usize = 4096;
/// Most headers between the votes and the block that they finalize, in one justification.
pub const ANCESTRIES_MAX: usize = 4096;

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Longer, or of more parts, than is looked at.
    #[error("the proof is larger than the verifier accepts")]
    TooLarge,
    /// The genesis header is of another network.
    #[error("the proof is for another network than the expected genesis hash")]
    AnotherNetwork,
    /// Some part is not an encoding of what it should be.
    #[error("the proof is malformed: {0}")]
    Malformed(&'static str),
    /// The authority set is empty, too large, or its weights make no sense.
    #[error("the proof names an authority set that cannot be one")]
    BadAuthoritySet,
    /// A justification is for another block than the header with it.
    #[error("fragment {fragment}: the justification is for another block than the header")]
    AnotherTarget {
        /// Which one, from 0.
        fragment: u32,
    },
    /// A signature does not hold under the set that should have made it.
    #[error("fragment {fragment}: a signature does not hold under authority set {set_id}")]
    BadSignature {
        /// Which one, from 0.
        fragment: u32,
        /// The set.
        set_id: u64,
    },
    /// A vote is by somebody who is not in the set.
    #[error("fragment {fragment}: a vote is by nobody of authority set {set_id}")]
    UnknownVoter {
        /// Which one, from 0.
        fragment: u32,
        /// The set.
        set_id: u64,
    },
    /// A vote is for a block of which it is not shown that it follows the justified one.
    #[error("fragment {fragment}: a vote is for a block that does not follow the justified one")]
    UnrelatedVote {
        /// Which one, from 0.
        fragment: u32,
    },
    /// Not more than two thirds of the weight voted.
    #[error("fragment {fragment}: votes of weight {voted} of {total} are not more than two thirds")]
    TooFewVotes {
        /// Which one, from 0.
        fragment: u32,
        /// Weight that voted.
        voted: u64,
        /// Weight of the whole set.
        total: u64,
    },
    /// A fragment that should end its authority set does not.
    #[error("fragment {fragment}: no change of the authority set, and it is not the last")]
    NoSetChange {
        /// Which one, from 0.
        fragment: u32,
    },
    /// The change of the set does not take effect at once.
    #[error(
        "fragment {fragment}: the change of the authority set is delayed, which is not supported"
    )]
    DelayedSetChange {
        /// Which one, from 0.
        fragment: u32,
    },
    /// Block numbers do not grow.
    #[error("fragment {fragment}: its block is not above the one before")]
    NotAbove {
        /// Which one, from 0.
        fragment: u32,
    },
    /// A jump to a later set for which too little of the known one voted.
    #[error(
        "step {fragment}: votes of weight {voted} of {total} of authority set {set_id}, from which it \
         jumps, are not more than two thirds"
    )]
    TooFewKnown {
        /// Which one, from 0.
        fragment: u32,
        /// Weight that voted.
        voted: u64,
        /// Weight of the whole set.
        total: u64,
        /// The set.
        set_id: u64,
    },
    /// A jump to a set that is not later than the known one.
    #[error("step {fragment}: it jumps to an authority set that is not later than the known one")]
    SetNotLater {
        /// Which one, from 0.
        fragment: u32,
    },
    /// The set of a jump is read from a state that does not tell who votes for the block.
    #[error("step {fragment}: the state that its authority set is read from is not that before the block")]
    SetOfAnotherBlock {
        /// Which one, from 0.
        fragment: u32,
    },
    /// The proof starts at a set that the caller did not give.
    #[error(
        "the proof starts at authority set {set_id}, not at genesis: give that set, from a source you trust"
    )]
    NeedsSet {
        /// The set.
        set_id: u64,
    },
    /// A past block is not the one that a later state remembers under its number.
    #[error("block {number} is not the one that the chain remembers")]
    AnotherPast {
        /// Its number.
        number: BlockNumber,
    },
    /// A later state does not remember a block of this number: it is too old, or not before it.
    #[error("block {number} is not remembered by the state that it is shown under")]
    NotRemembered {
        /// Its number.
        number: BlockNumber,
    },
    /// The storage proof does not show what it must.
    #[error("the storage proof does not hold")]
    Storage(#[source] TrieError),
}

/// A proof as it came from somebody. SCALE; field by field what a node serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct UntrustedProof {
    /// The first block's header (SCALE).
    pub genesis_header: Vec<u8>,
    /// Trie nodes that prove [`storage_key::grandpa_authorities`] under the first block's state root.
    pub genesis_authorities_proof: Vec<Vec<u8>>,
    /// Changes of the authority set and the last justified header: SCALE of `WarpSyncProof`, as nodes
    /// serve it, or [`encode_warp_proof`].
    pub warp_proof: Vec<u8>,
    /// Trie nodes under the last header's state root, as `state_getReadProof` gives them.
    pub storage_proof: Vec<Vec<u8>>,
}

/// One step of a warp proof: a header and what makes it final, both SCALE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The header.
    pub header: Vec<u8>,
    /// A GRANDPA justification of it.
    pub justification: Vec<u8>,
}

/// Puts fragments together as nodes do. `is_finished` says that the last one needs no set change.
pub fn encode_warp_proof(fragments: &[Fragment], is_finished: bool) -> Vec<u8> {
    let mut bytes = Compact(fragments.len() as u32).encode();
    for fragment in fragments {
        bytes.extend_from_slice(&fragment.header);
        bytes.extend_from_slice(&fragment.justification);
    }
    is_finished.encode_to(&mut bytes);
    bytes
}

/// A final block and what was proven under it. Only this crate makes one.
#[derive(Clone, Debug)]
pub struct FinalizedState {
    number: BlockNumber,
    hash: BlockHash,
    state_root: StateRoot,
    next_set: AuthoritySet,
    nodes: TrieNodes,
}

impl FinalizedState {
    /// The block's number.
    pub fn number(&self) -> BlockNumber {
        self.number
    }

    /// The block's hash.
    pub fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Root of the chain's state after the block.
    pub fn state_root(&self) -> StateRoot {
        self.state_root
    }

    /// The authorities after this block: where a later [`verify_from`] may start.
    pub fn authority_set(&self) -> &AuthoritySet {
        &self.next_set
    }

    /// The same state with other trie nodes to read values from.
    ///
    /// # Errors
    /// When they are too many or too long.
    pub fn with_nodes(mut self, nodes: &[Vec<u8>]) -> Result<Self, ProofError> {
        let bytes = nodes.iter().fold(0usize, |sum, node| sum.saturating_add(node.len()));
        if nodes.len() > NODES_MAX || bytes > PROOF_BYTES_MAX {
            return Err(ProofError::TooLarge);
        }
        self.nodes = TrieNodes::new(nodes);
        Ok(self)
    }

    /// The value at `key`, or `None` where the proof shows that there is none.
    ///
    /// # Errors
    /// When the proof does not reach to `key`.
    pub fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ProofError> {
        self.nodes
            .read(&self.state_root.0, key)
            .map_err(ProofError::Storage)
    }

    /// The value at `key`, decoded; all of its bytes.
    ///
    /// # Errors
    /// When the proof does not reach to `key`, or the value is of another type.
    pub fn read_as<T: Decode>(&self, key: &[u8]) -> Result<Option<T>, ProofError> {
        let Some(bytes) = self.read(key)? else {
            return Ok(None);
        };
        decode_whole(&bytes, "a value in storage").map(Some)
    }

    /// The block's timestamp, if the storage proof covers it.
    ///
    /// # Errors
    /// When it does not.
    pub fn timestamp_ms(&self) -> Result<Option<UnixMillis>, ProofError> {
        self.read_as(&storage_key::value("Timestamp", "Now"))
    }
}

pub(crate) fn decode_whole<T: Decode>(bytes: &[u8], what: &'static str) -> Result<T, ProofError> {
    let mut rest = bytes;
    let value = T::decode_with_depth_limit_checked(&mut rest).ok_or(ProofError::Malformed(what))?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(ProofError::Malformed(what))
    }
}

/// Decoding with a bound on nesting.
trait BoundedDecode: Sized {
    fn decode_with_depth_limit_checked(input: &mut &[u8]) -> Option<Self>;
}

impl<T: Decode> BoundedDecode for T {
    fn decode_with_depth_limit_checked(input: &mut &[u8]) -> Option<Self> {
        codec::DecodeLimit::decode_with_depth_limit(8, input).ok()
    }
}

fn check_size(proof: &UntrustedProof) -> Result<(), ProofError> {
    let nodes = proof.genesis_authorities_proof.len() + proof.storage_proof.len();
    let bytes = proof
        .genesis_authorities_proof
        .iter()
        .chain(&proof.storage_proof)
        .chain([&proof.genesis_header, &proof.warp_proof])
        .fold(0usize, |sum, part| sum.saturating_add(part.len()));
    if nodes > NODES_MAX || bytes > PROOF_BYTES_MAX {
        return Err(ProofError::TooLarge);
    }
    Ok(())
}

/// Decodes a proof from a file; bounds come first.
///
/// # Errors
/// When it is too large, malformed, or bytes are left over.
pub fn decode_proof(bytes: &[u8]) -> Result<UntrustedProof, ProofError> {
    // Room for the lengths of the parts.
    if bytes.len() > PROOF_BYTES_MAX + 8 * NODES_MAX {
        return Err(ProofError::TooLarge);
    }
    let proof = decode_whole(bytes, "the proof")?;
    check_size(&proof)?;
    Ok(proof)
}

/// Verifies `proof` from the genesis hash on. Without fragments it proves state of the first block.
///
/// # Errors
/// See [`ProofError`]. Never panics.
pub fn verify(genesis: &GenesisHash, proof: &UntrustedProof) -> Result<FinalizedState, ProofError> {
    check_size(proof)?;
    if hash_header(&proof.genesis_header).0 != genesis.0 {
        return Err(ProofError::AnotherNetwork);
    }
    let header = Header::decode_whole(&proof.genesis_header)?;
    let nodes = TrieNodes::new(&proof.genesis_authorities_proof);
    let authorities = nodes
        .read(&header.state_root.0, &storage_key::grandpa_authorities())
        .map_err(ProofError::Storage)?
        .ok_or(ProofError::BadAuthoritySet)?;
    let authorities = decode_whole(&authorities, "the genesis authorities")?;
    let start = Step {
        number: header.number,
        hash: BlockHash(genesis.0),
        state_root: header.state_root,
        set: AuthoritySet::new(0, authorities)?,
    };
    finish(walk(start, &proof.warp_proof, false)?, &proof.storage_proof)
}

/// Verifies a warp proof and a storage proof from an authority set that the caller trusts: `set`
/// decides on all blocks after `number`. There must be at least one fragment.
///
/// # Errors
/// See [`ProofError`]. Never panics.
pub fn verify_from(
    number: BlockNumber,
    set: &AuthoritySet,
    warp_proof: &[u8],
    storage_proof: &[Vec<u8>],
) -> Result<FinalizedState, ProofError> {
    let bytes = storage_proof
        .iter()
        .fold(warp_proof.len(), |sum, node| sum.saturating_add(node.len()));
    if storage_proof.len() > NODES_MAX || bytes > PROOF_BYTES_MAX {
        return Err(ProofError::TooLarge);
    }
    let start = Step {
        number,
        hash: BlockHash::default(),
        state_root: StateRoot::default(),
        set: set.clone(),
    };
    finish(walk(start, warp_proof, true)?, storage_proof)
}

/// How far the proof was followed.
struct Step {
    number: BlockNumber,
    hash: BlockHash,
    state_root: StateRoot,
    set: AuthoritySet,
}

fn finish(step: Step, storage_proof: &[Vec<u8>]) -> Result<FinalizedState, ProofError> {
    Ok(FinalizedState {
        number: step.number,
        hash: step.hash,
        state_root: step.state_root,
        next_set: step.set,
        nodes: TrieNodes::new(storage_proof),
    })
}

fn walk(mut step: Step, warp_proof: &[u8], needs_one: bool) -> Result<Step, ProofError> {
    const LENGTH: ProofError = ProofError::Malformed("the number of fragments");
    let input = &mut &warp_proof[..];
    let count = Compact::<u32>::decode(input).map_err(|_| LENGTH)?.0;
    if count as usize > FRAGMENTS_MAX {
        return Err(ProofError::TooLarge);
    }
    if count == 0 && needs_one {
        return Err(LENGTH);
    }
    // Whether the last fragment may lack a set change comes after all fragments.
    let is_finished = match warp_proof.last() {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(ProofError::Malformed("the end of the warp proof")),
    };
    for fragment in 0..count {
        let may_lack_change = fragment + 1 == count && is_finished;
        step = follow(step, fragment, may_lack_change, input)?;
    }
    if input.len() == 1 {
        Ok(step)
    } else {
        Err(ProofError::Malformed("the end of the warp proof"))
    }
}

fn follow(
    step: Step,
    fragment: u32,
    may_lack_change: bool,
    input: &mut &[u8],
) -> Result<Step, ProofError> {
    let (header, hash) = Header::decode_prefix(input)?;
    let justification = Justification::decode_prefix(input)?;
    if header.number <= step.number {
        return Err(ProofError::NotAbove { fragment });
    }
    if justification.target() != (hash, header.number) {
        return Err(ProofError::AnotherTarget { fragment });
    }
    justification.verify(fragment, &step.set)?;
    let set = match header.next_set(fragment, &step.set)? {
        Some(next) => next,
        None if may_lack_change => step.set,
        None => return Err(ProofError::NoSetChange { fragment }),
    };
    Ok(Step {
        number: header.number,
        hash,
        state_root: header.state_root,
        set,
    })
}
