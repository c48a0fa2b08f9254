//! Headers of the chain: the least of Substrate's format that a proof needs.

use crate::{Authority, AuthoritySet, ProofError};
use alloc::vec::Vec;
use blake2::{Blake2b, Digest, digest::consts::U32};
use codec::{Compact, Decode, Encode};
use primitives::{BlockHash, BlockNumber, StateRoot};

/// The consensus engine id of GRANDPA in digests.
const GRANDPA: [u8; 4] = *b"FRNK";

/// Bytes that are not a header.
pub type HeaderError = ProofError;

/// Blake2b-256 of a header's SCALE bytes: the block's hash.
pub fn hash_header(bytes: &[u8]) -> BlockHash {
    BlockHash(Blake2b::<U32>::digest(bytes).into())
}

/// A header (`sp_runtime::generic::Header<u32, BlakeTwo256>`).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// Hash of the block before.
    pub parent_hash: BlockHash,
    /// Number of the block.
    #[codec(compact)]
    pub number: BlockNumber,
    /// Root of the chain's state after the block.
    pub state_root: StateRoot,
    /// Root of the block's extrinsics.
    pub extrinsics_root: [u8; 32],
    /// What consensus says with the block.
    pub digest: Vec<DigestItem>,
}

/// One item of a digest.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum DigestItem {
    /// Of no engine.
    #[codec(index = 0)]
    Other(Vec<u8>),
    /// From the runtime to a consensus engine.
    #[codec(index = 4)]
    Consensus([u8; 4], Vec<u8>),
    /// A signature on the block.
    #[codec(index = 5)]
    Seal([u8; 4], Vec<u8>),
    /// From a consensus engine to the runtime.
    #[codec(index = 6)]
    PreRuntime([u8; 4], Vec<u8>),
    /// The runtime's code changed.
    #[codec(index = 8)]
    RuntimeEnvironmentUpdated,
}

/// A change of the GRANDPA authorities that the block announces.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct ScheduledChange {
    pub(crate) next_authorities: Vec<Authority>,
    pub(crate) delay: BlockNumber,
}

/// Place of `ScheduledChange` among GRANDPA's digest messages.
const SCHEDULED_CHANGE: u8 = 1;

impl Header {
    /// Decodes a header from the start of `input`; its hash is over the very bytes that were read.
    pub(crate) fn decode_prefix(input: &mut &[u8]) -> Result<(Self, BlockHash), ProofError> {
        let before = *input;
        let header = codec::DecodeLimit::decode_with_depth_limit(8, input)
            .map_err(|_| ProofError::Malformed("a header"))?;
        Ok((header, hash_header(&before[..before.len() - input.len()])))
    }

    /// Decodes a header that is all of `bytes`.
    ///
    /// # Errors
    /// When it is not one, or bytes are left over.
    pub fn decode_whole(bytes: &[u8]) -> Result<Self, HeaderError> {
        crate::decode_whole(bytes, "a header")
    }

    /// The block's hash.
    pub fn hash(&self) -> BlockHash {
        hash_header(&self.encode())
    }

    /// Whether the block says anything to GRANDPA: a change of the set, or of whether it may vote.
    pub(crate) fn speaks_to_grandpa(&self) -> bool {
        self.digest
            .iter()
            .any(|item| matches!(item, DigestItem::Consensus(GRANDPA, _)))
    }

    /// The set after this block, where it ends that of its `voters`.
    pub(crate) fn next_set(
        &self,
        fragment: u32,
        voters: &AuthoritySet,
    ) -> Result<Option<AuthoritySet>, ProofError> {
        let Some(change) = self.scheduled_change()? else {
            return Ok(None);
        };
        if change.delay != 0 {
            return Err(ProofError::DelayedSetChange { fragment });
        }
        let id = voters.id().checked_add(1).ok_or(ProofError::BadAuthoritySet)?;
        AuthoritySet::new(id, change.next_authorities).map(Some)
    }

    pub(crate) fn scheduled_change(&self) -> Result<Option<ScheduledChange>, ProofError> {
        for item in &self.digest {
            if let DigestItem::Consensus(GRANDPA, message) = item
                && let Some((&SCHEDULED_CHANGE, change)) = message.split_first()
            {
                return crate::decode_whole(change, "a change of the authority set").map(Some);
            }
        }
        Ok(None)
    }
}

/// Reads a length and refuses one above `most` before anything is allocated for it.
pub(crate) fn bounded_length(
    input: &mut &[u8],
    most: usize,
    what: &'static str,
) -> Result<usize, ProofError> {
    let length = Compact::<u32>::decode(input)
        .map_err(|_| ProofError::Malformed(what))?
        .0 as usize;
    if length > most {
        Err(ProofError::TooLarge)
    } else {
        Ok(length)
    }
}
