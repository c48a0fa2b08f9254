//! GRANDPA justifications: votes of more than two thirds of an authority set for one block.

use crate::{
    ANCESTRIES_MAX, AUTHORITIES_MAX, ProofError,
    header::{Header, bounded_length},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use codec::{Decode, Encode};
use ed25519_dalek::{Signature, VerifyingKey};
use primitives::{BlockHash, BlockNumber};

/// One authority: ed25519 public key and weight.
pub type Authority = ([u8; 32], u64);

/// Who decides on finality, by number of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthoritySet {
    id: u64,
    weights: BTreeMap<[u8; 32], u64>,
    total: u64,
}

impl AuthoritySet {
    /// A set of `authorities`; one that is listed twice has the sum of its weights.
    ///
    /// # Errors
    /// When there are none or too many, or the weights do not add up.
    pub fn new(id: u64, authorities: Vec<Authority>) -> Result<Self, ProofError> {
        if authorities.len() > AUTHORITIES_MAX {
            return Err(ProofError::BadAuthoritySet);
        }
        let (mut weights, mut total) = (BTreeMap::<_, u64>::new(), 0u64);
        for (key, weight) in authorities.into_iter().filter(|(_, weight)| *weight > 0) {
            total = total
                .checked_add(weight)
                .ok_or(ProofError::BadAuthoritySet)?;
            *weights.entry(key).or_default() += weight;
        }
        if total == 0 {
            Err(ProofError::BadAuthoritySet)
        } else {
            Ok(Self { id, weights, total })
        }
    }

    /// The set's number, from 0.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its authorities, sorted by key.
    pub fn authorities(&self) -> impl Iterator<Item = Authority> + '_ {
        self.weights.iter().map(|(key, weight)| (*key, *weight))
    }

    /// The weight of `key`; 0 for who is not in the set.
    pub fn weight(&self, key: &[u8; 32]) -> u64 {
        self.weights.get(key).copied().unwrap_or(0)
    }

    /// The weight of all together.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The least weight that is more than two thirds.
    pub fn threshold(&self) -> u64 {
        self.total - (self.total - 1) / 3
    }
}

/// A vote for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(crate) struct Precommit {
    pub(crate) target_hash: BlockHash,
    pub(crate) target_number: BlockNumber,
}

#[derive(Clone, Debug, Decode)]
pub(crate) struct SignedPrecommit {
    pub(crate) precommit: Precommit,
    pub(crate) signature: [u8; 64],
    pub(crate) voter: [u8; 32],
}

/// What makes a block final.
#[derive(Clone)]
pub(crate) struct Justification {
    pub(crate) round: u64,
    target: Precommit,
    pub(crate) votes: Vec<SignedPrecommit>,
    /// Parents of the blocks between votes and target.
    parents: BTreeMap<BlockHash, BlockHash>,
    /// The same blocks' headers.
    pub(crate) later: BTreeMap<BlockHash, Vec<u8>>,
}

/// Place of precommits among GRANDPA's messages, in what is signed.
const PRECOMMIT: u8 = 1;

/// Whether `signature` is the vote of `key` for `precommit`, in that round of that set.
pub(crate) fn vote_holds(
    key: &[u8; 32],
    precommit: Precommit,
    round: u64,
    set_id: u64,
    signature: &[u8; 64],
) -> bool {
    let message = (PRECOMMIT, precommit, round, set_id).encode();
    VerifyingKey::from_bytes(key).is_ok_and(|key| {
        key.verify_strict(&message, &Signature::from_bytes(signature))
            .is_ok()
    })
}

impl Justification {
    pub(crate) fn decode_prefix(input: &mut &[u8]) -> Result<Self, ProofError> {
        const WHAT: &str = "a justification";
        let malformed = |_| ProofError::Malformed(WHAT);
        let round = u64::decode(input).map_err(malformed)?;
        let target = Precommit::decode(input).map_err(malformed)?;
        // A voter may be there twice, where it voted for two blocks.
        let count = bounded_length(input, 2 * AUTHORITIES_MAX, WHAT)?;
        let mut votes = Vec::new();
        for _ in 0..count {
            votes.push(SignedPrecommit::decode(input).map_err(malformed)?);
        }
        let count = bounded_length(input, ANCESTRIES_MAX, WHAT)?;
        let (mut parents, mut later) = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..count {
            let before = *input;
            let (header, hash) = Header::decode_prefix(input)?;
            parents.insert(hash, header.parent_hash);
            later.insert(hash, before[..before.len() - input.len()].to_vec());
        }
        Ok(Self {
            round,
            target,
            votes,
            parents,
            later,
        })
    }

    pub(crate) fn target(&self) -> (BlockHash, BlockNumber) {
        (self.target.target_hash, self.target.target_number)
    }

    /// The blocks from after the target up to `block`, the first one first; `None` where it does not follow.
    pub(crate) fn path_to(&self, block: BlockHash) -> Option<Vec<BlockHash>> {
        let (mut path, mut at) = (Vec::new(), block);
        while at != self.target.target_hash {
            path.push(at);
            if path.len() > self.parents.len() {
                return None;
            }
            at = *self.parents.get(&at)?;
        }
        path.reverse();
        Some(path)
    }

    /// Whether `block` is the target or follows it. `following` remembers those that do.
    fn follows(&self, block: BlockHash, following: &mut BTreeSet<BlockHash>) -> bool {
        let (mut path, mut at) = (Vec::new(), block);
        while !following.contains(&at) {
            // A hash cannot be among its own ancestors, so this ends; the bound is for proof.
            let Some(parent) = self.parents.get(&at) else {
                return false;
            };
            path.push(at);
            if path.len() > self.parents.len() {
                return false;
            }
            at = *parent;
        }
        following.extend(path);
        true
    }

    pub(crate) fn verify(&self, fragment: u32, set: &AuthoritySet) -> Result<(), ProofError> {
        let set_id = set.id;
        let mut following = BTreeSet::from([self.target.target_hash]);
        let mut voters = BTreeSet::new();
        let mut voted = 0u64;
        for vote in &self.votes {
            let weight = set
                .weights
                .get(&vote.voter)
                .ok_or(ProofError::UnknownVoter { fragment, set_id })?;
            if vote.precommit.target_number < self.target.target_number
                || !self.follows(vote.precommit.target_hash, &mut following)
            {
                return Err(ProofError::UnrelatedVote { fragment });
            }
            let (key, signature) = (&vote.voter, &vote.signature);
            if !vote_holds(key, vote.precommit, self.round, set_id, signature) {
                return Err(ProofError::BadSignature { fragment, set_id });
            }
            if voters.insert(vote.voter) {
                // Cannot overflow: each authority counts once, and all together are `total`.
                voted = voted.saturating_add(*weight);
            }
        }
        if voted < set.threshold() {
            return Err(ProofError::TooFewVotes {
                fragment,
                voted,
                total: set.total,
            });
        }
        Ok(())
    }
}
