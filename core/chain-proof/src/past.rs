//! From a final block back into the past: each block's state remembers the hashes of those before it.
//!
//! `System.BlockHash` keeps the last 4096 hashes, so one proof of finality serves for as long a past as
//! there is, in steps of at most so many blocks, with one header and a few trie nodes for each.

use crate::{
    FinalizedState, Header, ProofError, decode_whole, hash_header,
    storage_key::{self, Hasher},
    trie::TrieNodes,
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use primitives::{BlockHash, BlockNumber, StateRoot};

/// A block of the chain that a final one descends from, and what was proven under it. Only this crate
/// makes one.
#[derive(Clone, Debug)]
pub struct PastState {
    number: BlockNumber,
    hash: BlockHash,
    state_root: StateRoot,
    nodes: TrieNodes,
}

impl From<FinalizedState> for PastState {
    fn from(state: FinalizedState) -> Self {
        let FinalizedState { number, hash, state_root, nodes, .. } = state;
        Self { number, hash, state_root, nodes }
    }
}

/// Where a state remembers the hash of an earlier block.
pub fn block_hash_key(number: BlockNumber) -> Vec<u8> {
    storage_key::entry("System", "BlockHash", &[(Hasher::Twox64Concat, &number.encode())])
}

impl PastState {
    /// The block's number.
    pub fn number(&self) -> BlockNumber {
        self.number
    }

    /// The block's hash.
    pub fn hash(&self) -> BlockHash {
        self.hash
    }

    /// The block with this header (SCALE), which must lie before this one, within what its state
    /// remembers; `nodes` are trie nodes under its state root.
    ///
    /// # Errors
    /// When this state does not show that block's hash, or shows another.
    pub fn before(&self, header: &[u8], nodes: &[Vec<u8>]) -> Result<Self, ProofError> {
        let hash = hash_header(header);
        let Header { number, state_root, .. } = Header::decode_whole(header)?;
        let known: Option<BlockHash> = self.read_as(&block_hash_key(number))?;
        // A state has its own block's hash as little as those after it; zero is none.
        match known.filter(|_| number < self.number) {
            None => Err(ProofError::NotRemembered { number }),
            Some(known) if known != hash => Err(ProofError::AnotherPast { number }),
            Some(_) => Ok(Self { number, hash, state_root, nodes: TrieNodes::new(nodes) }),
        }
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
        match self.read(key)? {
            Some(bytes) => decode_whole(&bytes, "a value in storage").map(Some),
            None => Ok(None),
        }
    }
}
