//! Receipts: a worker's signed word on what it answered, many under one signature.
//!
//! A batch is a binary Merkle tree over the leaves in order; an odd node at the end of a level moves
//! up unchanged. One signature covers (network, worker, number of leaves, root).

use crate::domain::{RECEIPT_BATCH, RECEIPT_LEAF, RECEIPT_NODE, tagged_hash};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use primitives::{
    BlockHash, BlockNumber, ClusterId, CodeHash, ContractId, GenesisHash, StateRoot, WorkerId,
};

/// Most receipts under one signature.
pub const BATCH_LEAVES_MAX: u32 = 4096;
/// Most batches in one interval of a worker's log.
pub const LOG_LEAVES_MAX: u32 = 65_536;
/// How many of a worker's newest intervals the chain keeps the roots of, and the worker the trees.
pub const LOG_INTERVALS_KEPT: u64 = 64;

/// What a worker vouches for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReceiptBody {
    /// Which network.
    pub genesis: GenesisHash,
    /// Which cluster.
    pub cluster: ClusterId,
    /// Which contract answered.
    pub contract: ContractId,
    /// The code it ran.
    pub code_hash: CodeHash,
    /// [`crate::query::request_commitment`].
    pub request_commitment: [u8; 32],
    /// [`crate::query::answer_commitment`].
    pub answer_commitment: [u8; 32],
    /// The final block whose state was read.
    pub block_number: BlockNumber,
    /// Its hash.
    pub block_hash: BlockHash,
    /// Root of the cluster's state there.
    pub state_root: StateRoot,
    /// Mailbox entries run to reach that state.
    pub next_number: u64,
    /// Who answers.
    pub worker: WorkerId,
}

/// A body with its path to a signed root.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Receipt {
    /// What is vouched for.
    pub body: ReceiptBody,
    /// Its place among the leaves.
    pub leaf_index: u32,
    /// How many leaves the batch has, at most [`BATCH_LEAVES_MAX`].
    pub leaf_count: u32,
    /// Siblings from the leaf upwards.
    pub path: Vec<[u8; 32]>,
    /// sr25519 signature of the worker over [`batch_signed_bytes`].
    pub signature: [u8; 64],
}

/// Where a batch of receipts stands in its worker's log. The root that it leads to is on chain, under the
/// worker and `index`.
///
/// The log's leaves are what the worker signed for its batches ([`batch_signed_bytes`]), so they are bound
/// to network and worker; its inner nodes are those of batches.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LogInclusion {
    /// Which interval of the worker.
    pub index: u64,
    /// Place of the batch in it.
    pub leaf_index: u32,
    /// How many batches the interval has, at most [`LOG_LEAVES_MAX`].
    pub leaf_count: u32,
    /// Siblings from the leaf upwards.
    pub path: Vec<[u8; 32]>,
}

impl LogInclusion {
    /// The root that the log's interval must have, for a batch of which the worker signed `leaf`; `None`
    /// where the path does not fit the place.
    pub fn root(&self, leaf: [u8; 32]) -> Option<[u8; 32]> {
        root_within(leaf, self.leaf_index, self.leaf_count, &self.path, LOG_LEAVES_MAX)
    }
}

/// Hash of a body as leaf.
pub fn leaf_hash(body: &ReceiptBody) -> [u8; 32] {
    tagged_hash(RECEIPT_LEAF, &[&body.encode()])
}

fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    tagged_hash(RECEIPT_NODE, &[left, right])
}

/// What the worker signs for a batch.
pub fn batch_signed_bytes(
    genesis: &GenesisHash,
    worker: &WorkerId,
    leaf_count: u32,
    root: &[u8; 32],
) -> [u8; 32] {
    tagged_hash(
        RECEIPT_BATCH,
        &[
            genesis.as_bytes(),
            worker.as_bytes(),
            &leaf_count.to_le_bytes(),
            root,
        ],
    )
}

/// A Merkle tree over one batch.
pub struct Batch {
    levels: Vec<Vec<[u8; 32]>>,
}

impl Batch {
    /// Builds the tree; `None` for no leaves or more than [`BATCH_LEAVES_MAX`].
    pub fn new(leaves: Vec<[u8; 32]>) -> Option<Self> {
        Self::within(leaves, BATCH_LEAVES_MAX)
    }

    /// The tree over one interval of a log; `None` for no leaves or more than [`LOG_LEAVES_MAX`].
    pub fn of_log(leaves: Vec<[u8; 32]>) -> Option<Self> {
        Self::within(leaves, LOG_LEAVES_MAX)
    }

    fn within(leaves: Vec<[u8; 32]>, most: u32) -> Option<Self> {
        if leaves.is_empty() || leaves.len() > most as usize {
            return None;
        }
        let mut levels = Vec::new();
        let mut level = leaves;
        while level.len() > 1 {
            let next = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => node_hash(left, right),
                    [only, ..] => *only,
                    [] => [0; 32],
                })
                .collect();
            levels.push(core::mem::replace(&mut level, next));
        }
        levels.push(level);
        Some(Self { levels })
    }

    /// The root.
    pub fn root(&self) -> [u8; 32] {
        self.levels
            .last()
            .and_then(|level| level.first())
            .copied()
            .unwrap_or_default()
    }

    /// How many leaves.
    pub fn leaf_count(&self) -> u32 {
        self.levels.first().map_or(0, |level| level.len() as u32)
    }

    /// The siblings of leaf `index`, from below; `None` where there is no such leaf.
    pub fn path(&self, index: u32) -> Option<Vec<[u8; 32]>> {
        if index >= self.leaf_count() {
            return None;
        }
        let mut place = index as usize;
        let mut path = Vec::new();
        for level in &self.levels[..self.levels.len() - 1] {
            if let Some(sibling) = level.get(place ^ 1) {
                path.push(*sibling);
            }
            place /= 2;
        }
        Some(path)
    }
}

/// The root that `path` leads to from `leaf`; `None` where the path does not fit the place.
pub fn root_of_path(
    leaf: [u8; 32],
    leaf_index: u32,
    leaf_count: u32,
    path: &[[u8; 32]],
) -> Option<[u8; 32]> {
    root_within(leaf, leaf_index, leaf_count, path, BATCH_LEAVES_MAX)
}

fn root_within(
    leaf: [u8; 32],
    leaf_index: u32,
    leaf_count: u32,
    path: &[[u8; 32]],
    most: u32,
) -> Option<[u8; 32]> {
    if leaf_index >= leaf_count || leaf_count > most {
        return None;
    }
    let (mut hash, mut place, mut width) = (leaf, leaf_index, leaf_count);
    let mut siblings = path.iter();
    while width > 1 {
        if place ^ 1 < width {
            let sibling = siblings.next()?;
            hash = if place & 1 == 0 {
                node_hash(&hash, sibling)
            } else {
                node_hash(sibling, &hash)
            };
        }
        place /= 2;
        width = width.div_ceil(2);
    }
    siblings.next().is_none().then_some(hash)
}

impl Receipt {
    /// The bytes that [`Receipt::signature`] must be over, or `None` where the path does not fit.
    pub fn signed_bytes(&self) -> Option<[u8; 32]> {
        let root = root_of_path(
            leaf_hash(&self.body),
            self.leaf_index,
            self.leaf_count,
            &self.path,
        )?;
        Some(batch_signed_bytes(
            &self.body.genesis,
            &self.body.worker,
            self.leaf_count,
            &root,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(seed: u32) -> [u8; 32] {
        tagged_hash(RECEIPT_LEAF, &[&seed.to_le_bytes()])
    }

    #[test]
    fn each_leaf_of_each_size_leads_to_the_root_and_no_other_does() {
        for count in 1..=33u32 {
            let batch = Batch::new((0..count).map(leaf).collect()).unwrap();
            for index in 0..count {
                let path = batch.path(index).unwrap();
                assert_eq!(
                    root_of_path(leaf(index), index, count, &path),
                    Some(batch.root())
                );
                assert_ne!(
                    root_of_path(leaf(99), index, count, &path),
                    Some(batch.root())
                );
                let mut longer = path.clone();
                longer.push([0; 32]);
                assert_eq!(root_of_path(leaf(index), index, count, &longer), None);
                if count > 1 {
                    let other = (index + 1) % count;
                    assert_ne!(
                        root_of_path(leaf(index), other, count, &path),
                        Some(batch.root())
                    );
                }
            }
            assert_eq!(batch.path(count), None);
        }
    }

    #[test]
    fn an_empty_or_oversized_batch_is_refused() {
        assert!(Batch::new(Vec::new()).is_none());
        assert!(Batch::new(alloc::vec![[0; 32]; BATCH_LEAVES_MAX as usize + 1]).is_none());
        assert_eq!(root_of_path([0; 32], 0, BATCH_LEAVES_MAX + 1, &[]), None);
    }

    #[test]
    fn a_log_has_more_leaves_than_a_batch_and_its_own_bound() {
        let count = BATCH_LEAVES_MAX + 5;
        let log = Batch::of_log((0..count).map(leaf).collect()).unwrap();
        for leaf_index in [0, 1, 4095, 4096, count - 1] {
            let path = log.path(leaf_index).unwrap();
            let mut inclusion = LogInclusion { index: 0, leaf_index, leaf_count: count, path };
            assert_eq!(inclusion.root(leaf(leaf_index)), Some(log.root()));
            assert_ne!(inclusion.root(leaf(leaf_index + 1)), Some(log.root()));
            inclusion.leaf_count = LOG_LEAVES_MAX + 1;
            assert_eq!(inclusion.root(leaf(leaf_index)), None);
        }
        assert!(Batch::of_log(alloc::vec![[0; 32]; LOG_LEAVES_MAX as usize + 1]).is_none());
    }
}
