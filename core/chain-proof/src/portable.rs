//! Portable proofs: as short as a history allows, whatever its length.
//!
//! A warp proof has one step for each change of the authority set. A portable proof leaves out those
//! that it can: a step may *jump* to a block that a much later set made final, as long as members of the
//! set trusted so far, with more than two thirds of that set's weight, voted for it too. What the later set
//! is comes from the chain's state just before that block: `Grandpa.Authorities` and
//! `Grandpa.CurrentSetId` under the state root of its parent, or, where the block itself
//! announces no change, of the block. Why that is sound, and what a forger would need, is in ADR 0021.
//!
//! Nothing is said twice: each trie node stands once for the whole proof, a voter is a number in
//! the set's sorted list, and there are no more votes than needed.

use crate::{
    AuthoritySet, Authority, FinalizedState, Header, ProofError,
    grandpa::{self, Precommit},
    hash_header, storage_key,
    trie::TrieNodes,
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, Encode};
use primitives::{BlockHash, BlockNumber, GenesisHash, StateRoot};

/// What a portable proof should keep within, bytes: 64 KiB.
pub const PORTABLE_BYTES_AIM: usize = 64 * 1024;
/// Longest portable proof that is looked at, bytes. More than the aim, because a proof of a chain with
/// hundreds of validators proves no less for being long.
pub const PORTABLE_BYTES_MAX: usize = 1024 * 1024;

/// A portable proof, as it came from somebody. SCALE.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PortableProof {
    /// What it starts from.
    pub start: Start,
    /// From there to the last block, in order.
    pub steps: Vec<PortableStep>,
    /// Trie nodes of all states that are read, each once.
    pub nodes: Vec<Vec<u8>>,
}

/// What a portable proof starts from.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Start {
    /// The first block: its header (SCALE). Its hash is the genesis hash, its state names set 0.
    #[codec(index = 0)]
    Genesis(Vec<u8>),
    /// An authority set that the verifier trusts: its number.
    #[codec(index = 1)]
    Set(u64),
}

/// A final block, and the votes that make it final.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PortableStep {
    /// The block's header (SCALE).
    pub header: Vec<u8>,
    /// Which set voted.
    pub voters: Voters,
    /// The round of the votes.
    pub round: u64,
    /// Headers after the block that votes are for, a parent before its children.
    pub later: Vec<Vec<u8>>,
    /// The votes, by rising number of the voter.
    pub votes: Vec<Vote>,
}

/// Which set voted for a block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Voters {
    /// The one trusted so far.
    #[codec(index = 0)]
    Known,
    /// A later one: that of the block's own state. Only where the block announces no change.
    #[codec(index = 1)]
    OfOwnState,
    /// A later one: that of the state of the block's parent, whose header (SCALE) this is.
    #[codec(index = 2)]
    OfParentState(Vec<u8>),
}

/// One vote.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Vote {
    /// Place of the voter in the set's list, sorted by key.
    #[codec(compact)]
    pub voter: u32,
    /// For which block: 0 is the step's, more is a place in `later`, from 1.
    #[codec(compact)]
    pub target: u32,
    /// ed25519.
    pub signature: [u8; 64],
}

/// Decodes a portable proof; bounds come first.
///
/// # Errors
/// When it is too long, malformed, or bytes are left over.
pub fn decode_portable(bytes: &[u8]) -> Result<PortableProof, ProofError> {
    if bytes.len() > PORTABLE_BYTES_MAX {
        return Err(ProofError::TooLarge);
    }
    crate::decode_whole(bytes, "the proof")
}

/// An authority set that a verifier trusts, and since when it decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedSet {
    /// The set.
    pub set: AuthoritySet,
    /// It decides on blocks after this one.
    pub after: BlockNumber,
}

/// Verifies a portable proof from the genesis hash on; or, where it starts at a set, from `trusted`.
///
/// A proof that starts from genesis is verified from there, whatever `trusted` is.
///
/// # Errors
/// See [`ProofError`]. Never panics.
pub fn verify_portable(
    genesis: &GenesisHash,
    trusted: Option<&TrustedSet>,
    proof: &PortableProof,
) -> Result<FinalizedState, ProofError> {
    if proof.encoded_size() > PORTABLE_BYTES_MAX {
        return Err(ProofError::TooLarge);
    }
    let nodes = TrieNodes::new(&proof.nodes);
    let mut at = match (&proof.start, trusted) {
        (Start::Genesis(header), _) => from_genesis(genesis, header, &nodes)?,
        (Start::Set(id), Some(trusted)) if *id == trusted.set.id() => {
            if proof.steps.is_empty() {
                return Err(ProofError::Malformed("the number of steps"));
            }
            At {
                number: trusted.after,
                hash: BlockHash::default(),
                state_root: StateRoot::default(),
                set: trusted.set.clone(),
            }
        }
        (Start::Set(set_id), _) => return Err(ProofError::NeedsSet { set_id: *set_id }),
    };
    for (step, fragment) in proof.steps.iter().zip(0..) {
        at = follow(at, fragment, step, &nodes)?;
    }
    Ok(FinalizedState {
        number: at.number,
        hash: at.hash,
        state_root: at.state_root,
        next_set: at.set,
        nodes,
    })
}

/// How far a proof was followed; `set` decides on the blocks after `number`.
struct At {
    number: BlockNumber,
    hash: BlockHash,
    state_root: StateRoot,
    set: AuthoritySet,
}

fn from_genesis(genesis: &GenesisHash, header: &[u8], nodes: &TrieNodes) -> Result<At, ProofError> {
    let hash = hash_header(header);
    if hash.0 != genesis.0 {
        return Err(ProofError::AnotherNetwork);
    }
    let header = Header::decode_whole(header)?;
    let authorities = read_authorities(nodes, &header.state_root)?;
    let set = AuthoritySet::new(0, authorities)?;
    Ok(At { number: header.number, hash, state_root: header.state_root, set })
}

fn read_authorities(nodes: &TrieNodes, root: &StateRoot) -> Result<Vec<Authority>, ProofError> {
    let bytes = nodes
        .read(&root.0, &storage_key::grandpa_authorities())
        .map_err(ProofError::Storage)?
        .ok_or(ProofError::BadAuthoritySet)?;
    crate::decode_whole(&bytes, "the authorities")
}

fn read_set(nodes: &TrieNodes, root: &StateRoot) -> Result<AuthoritySet, ProofError> {
    let id = nodes
        .read(&root.0, &storage_key::grandpa_set_id())
        .map_err(ProofError::Storage)?
        .ok_or(ProofError::BadAuthoritySet)?;
    let id = crate::decode_whole(&id, "the number of the authority set")?;
    AuthoritySet::new(id, read_authorities(nodes, root)?)
}

fn follow(
    at: At,
    fragment: u32,
    step: &PortableStep,
    nodes: &TrieNodes,
) -> Result<At, ProofError> {
    let header = Header::decode_whole(&step.header)?;
    let hash = hash_header(&step.header);
    if header.number <= at.number {
        return Err(ProofError::NotAbove { fragment });
    }
    let later_set = match &step.voters {
        Voters::Known => None,
        Voters::OfOwnState => {
            if header.speaks_to_grandpa() {
                return Err(ProofError::SetOfAnotherBlock { fragment });
            }
            Some(read_set(nodes, &header.state_root)?)
        }
        Voters::OfParentState(parent) => {
            if hash_header(parent) != header.parent_hash {
                return Err(ProofError::SetOfAnotherBlock { fragment });
            }
            Some(read_set(nodes, &Header::decode_whole(parent)?.state_root)?)
        }
    };
    let voting = later_set.as_ref().unwrap_or(&at.set);
    if later_set.is_some() && voting.id() <= at.set.id() {
        return Err(ProofError::SetNotLater { fragment });
    }
    check_votes(&at.set, voting, fragment, (hash, header.number), step)?;
    let set = match (header.next_set(fragment, voting)?, later_set) {
        (Some(next), _) => next,
        (None, Some(later)) => later,
        (None, None) => at.set,
    };
    Ok(At { number: header.number, hash, state_root: header.state_root, set })
}

/// Checks each vote, and that they weigh more than two thirds both of the set that voted and of the one
/// that was trusted before.
fn check_votes(
    trusted: &AuthoritySet,
    voting: &AuthoritySet,
    fragment: u32,
    block: (BlockHash, BlockNumber),
    step: &PortableStep,
) -> Result<(), ProofError> {
    let targets = targets(fragment, block, &step.later)?;
    let list: Vec<Authority> = voting.authorities().collect();
    let set_id = voting.id();
    let (mut voted, mut of_trusted, mut next) = (0u64, 0u64, 0u32);
    for vote in &step.votes {
        // Each counts once, because their numbers rise.
        if vote.voter < next {
            return Err(ProofError::Malformed("the order of the votes"));
        }
        next = vote.voter.saturating_add(1);
        let (key, weight) = list
            .get(vote.voter as usize)
            .ok_or(ProofError::UnknownVoter { fragment, set_id })?;
        let target = targets
            .get(vote.target as usize)
            .ok_or(ProofError::UnrelatedVote { fragment })?;
        if !grandpa::vote_holds(key, *target, step.round, set_id, &vote.signature) {
            return Err(ProofError::BadSignature { fragment, set_id });
        }
        voted = voted.saturating_add(*weight);
        of_trusted = of_trusted.saturating_add(trusted.weight(key));
    }
    if voted < voting.threshold() {
        return Err(ProofError::TooFewVotes { fragment, voted, total: voting.total() });
    }
    if of_trusted < trusted.threshold() {
        return Err(ProofError::TooFewKnown {
            fragment,
            voted: of_trusted,
            total: trusted.total(),
            set_id: trusted.id(),
        });
    }
    Ok(())
}

/// The blocks that votes may be for: the one that they make final, and those shown to follow it.
fn targets(
    fragment: u32,
    (hash, number): (BlockHash, BlockNumber),
    later: &[Vec<u8>],
) -> Result<Vec<Precommit>, ProofError> {
    let mut following = BTreeMap::from([(hash, ())]);
    let mut targets = Vec::new();
    targets.push(Precommit { target_hash: hash, target_number: number });
    for bytes in later {
        let header = Header::decode_whole(bytes)?;
        let target_hash = hash_header(bytes);
        if !following.contains_key(&header.parent_hash) {
            return Err(ProofError::UnrelatedVote { fragment });
        }
        following.insert(target_hash, ());
        targets.push(Precommit { target_hash, target_number: header.number });
    }
    Ok(targets)
}
