//! Making portable proofs from what nodes serve.

use crate::{
    AuthoritySet, FRAGMENTS_MAX, Header, PortableStep, ProofError, Vote, Voters,
    grandpa::Justification,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use codec::{Compact, Decode};
use primitives::{BlockHash, BlockNumber};

/// A vote in a step: signature, number of the voter and of the block.
const VOTE_BYTES: usize = 66;
/// An authority in a list.
const AUTHORITY_BYTES: usize = 40;
/// What shows the set of a jump, beside its list: trie nodes and a header, as measured on a chain.
const EVIDENCE_BYTES: usize = 1500;

/// The changes of the authority set of a chain, verified one after the other from a trusted set.
///
/// It is filled with warp proofs ([`Self::append`]), says which of the changes a portable proof needs
/// ([`Self::plan`]), and makes its steps ([`Self::step`]).
#[derive(Clone)]
pub struct History {
    after: BlockNumber,
    /// The set that decides after the last entry.
    newest: AuthoritySet,
    entries: Vec<Entry>,
}

/// A block, and what made it final.
#[derive(Clone)]
struct Entry {
    header: Header,
    bytes: Vec<u8>,
    hash: BlockHash,
    set: AuthoritySet,
    justification: Justification,
}

/// One step of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Which entry of the history.
    pub entry: usize,
    /// Whether changes before it are left out: the step must show which set voted.
    pub jumps: bool,
}

/// What a step that jumps needs of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateNeeded {
    /// The set as the block's own state has it.
    Own(BlockHash),
    /// The parent's header, and the set as the parent's state has it.
    Parent(BlockHash),
}

impl History {
    /// Nothing is known yet but `set`, which decides on the blocks after `after`.
    pub fn new(after: BlockNumber, set: AuthoritySet) -> Self {
        Self { after, newest: set, entries: Vec::new() }
    }

    /// Verifies a warp proof and takes its blocks. Whether it is complete; if not, another is to be
    /// asked for that starts at [`Self::last`].
    ///
    /// # Errors
    /// As [`crate::verify_from`]. Blocks before the one that fails are taken.
    pub fn append(&mut self, warp_proof: &[u8]) -> Result<bool, ProofError> {
        let input = &mut &warp_proof[..];
        let count = Compact::<u32>::decode(input)
            .map_err(|_| ProofError::Malformed("the number of fragments"))?
            .0;
        if count as usize > FRAGMENTS_MAX {
            return Err(ProofError::TooLarge);
        }
        for fragment in 0..count {
            self.append_one(fragment, input)?;
        }
        match input {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(ProofError::Malformed("the end of the warp proof")),
        }
    }

    fn append_one(&mut self, fragment: u32, input: &mut &[u8]) -> Result<(), ProofError> {
        let before = *input;
        let (header, hash) = Header::decode_prefix(input)?;
        let bytes = before[..before.len() - input.len()].to_vec();
        let justification = Justification::decode_prefix(input)?;
        let above = self.entries.last().map_or(self.after, |last| last.header.number);
        if header.number <= above {
            return Err(ProofError::NotAbove { fragment });
        }
        if justification.target() != (hash, header.number) {
            return Err(ProofError::AnotherTarget { fragment });
        }
        justification.verify(fragment, &self.newest)?;
        let set = match header.next_set(fragment, &self.newest)? {
            Some(next) => core::mem::replace(&mut self.newest, next),
            None => self.newest.clone(),
        };
        // Of two blocks in one set only the newer leads on.
        if self.entries.last().is_some_and(|last| last.set.id() == set.id()) {
            self.entries.pop();
        }
        self.entries.push(Entry { header, bytes, hash, set, justification });
        Ok(())
    }

    /// The newest block, and the set that decides after it.
    pub fn last(&self) -> (Option<(BlockNumber, BlockHash)>, &AuthoritySet) {
        let last = self.entries.last();
        (last.map(|last| (last.header.number, last.hash)), &self.newest)
    }

    /// The shortest steps to the newest block, in bytes as far as they can be told before they are made.
    /// Entries in `closed` are not jumped to: the state that shows their set cannot be had.
    ///
    /// From each set two ways are weighed: the next change, and the farthest jump. The latter is found by
    /// bisection, after a look at the newest block; where validators leave and come back, a farther one
    /// may be missed, which costs bytes and nothing else.
    pub fn plan(&self, closed: &BTreeSet<usize>) -> Vec<Planned> {
        let count = self.entries.len();
        // Bytes from each entry to the end, and how to go on there.
        let mut ways: Vec<(usize, Planned)> = Vec::with_capacity(count);
        ways.resize(count, (0, Planned { entry: 0, jumps: false }));
        for next in (0..count).rev() {
            let rest = |entry: usize| ways.get(entry + 1).map_or(0, |(bytes, _)| *bytes);
            let from = &self.entries[next].set;
            let mut best = (
                self.entries[next].step_bytes(from).saturating_add(rest(next)),
                Planned { entry: next, jumps: false },
            );
            if let Some(far) = self.farthest(next, closed) {
                let step = self.entries[far].step_bytes(from);
                let bytes = step.saturating_add(self.entries[far].evidence_bytes(from));
                let bytes = bytes.saturating_add(rest(far));
                if bytes < best.0 {
                    best = (bytes, Planned { entry: far, jumps: true });
                }
            }
            ways[next] = best;
        }
        let (mut plan, mut next) = (Vec::new(), 0);
        while let Some((_, planned)) = ways.get(next) {
            plan.push(*planned);
            next = planned.entry + 1;
        }
        plan
    }

    /// The farthest entry after `next` to which a jump leads from the set of `next`.
    fn farthest(&self, next: usize, closed: &BTreeSet<usize>) -> Option<usize> {
        let from = &self.entries[next].set;
        let reached = |entry: usize| self.entries[entry].is_reached_from(from);
        let open = |entry: &usize| !closed.contains(entry);
        let last = self.entries.len().checked_sub(1).filter(|last| *last > next)?;
        if open(&last) && reached(last) {
            return Some(last);
        }
        if !reached(next + 1) {
            return None;
        }
        // Reached is `low`, not reached is `high`.
        let (mut low, mut width) = (next + 1, 1);
        let mut high = loop {
            let probe = low.saturating_add(width).min(last);
            if probe == last || !reached(probe) {
                break probe;
            }
            low = probe;
            width *= 2;
        };
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if reached(middle) { low = middle } else { high = middle }
        }
        (next + 1..=low).rev().find(|entry| open(entry) && reached(*entry))
    }

    /// The state that a jump to `entry` must show.
    pub fn state_needed(&self, entry: usize) -> Option<StateNeeded> {
        let entry = self.entries.get(entry)?;
        Some(if entry.header.speaks_to_grandpa() {
            StateNeeded::Parent(entry.header.parent_hash)
        } else {
            StateNeeded::Own(entry.hash)
        })
    }

    /// The step to `entry` from the one planned before. `voters` shows which set voted, as
    /// [`Self::state_needed`] says, where it jumps.
    pub fn step(&self, plan: &[Planned], place: usize, voters: Voters) -> Option<PortableStep> {
        let entry = self.entries.get(plan.get(place)?.entry)?;
        let first = place.checked_sub(1).map_or(Some(0), |before| Some(plan.get(before)?.entry + 1))?;
        let from = &self.entries.get(first)?.set;
        let votes = entry.choose(from);
        let (mut later, mut places) = (Vec::new(), BTreeMap::from([(entry.hash, 0u32)]));
        for vote in &votes {
            for hash in entry.justification.path_to(vote.target)? {
                if places.contains_key(&hash) {
                    continue;
                }
                later.push(entry.justification.later.get(&hash)?.clone());
                places.insert(hash, later.len() as u32);
            }
        }
        let list: BTreeMap<[u8; 32], u32> =
            entry.set.authorities().map(|(key, _)| key).zip(0..).collect();
        let mut votes: Vec<Vote> = votes
            .iter()
            .map(|vote| {
                let (voter, target) = (*list.get(&vote.voter)?, *places.get(&vote.target)?);
                Some(Vote { voter, target, signature: vote.signature })
            })
            .collect::<Option<_>>()?;
        votes.sort_by_key(|vote| vote.voter);
        Some(PortableStep {
            header: entry.bytes.clone(),
            voters,
            round: entry.justification.round,
            later,
            votes,
        })
    }
}

/// A vote that may go into a step.
struct Candidate {
    voter: [u8; 32],
    target: BlockHash,
    signature: [u8; 64],
}

impl Entry {
    fn is_reached_from(&self, from: &AuthoritySet) -> bool {
        let voters: BTreeSet<[u8; 32]> =
            self.justification.votes.iter().map(|vote| vote.voter).collect();
        let voted = voters
            .iter()
            .fold(0u64, |sum, voter| sum.saturating_add(from.weight(voter)));
        voted >= from.threshold()
    }

    /// About how long a step to this block is, from that set, bytes.
    fn step_bytes(&self, from: &AuthoritySet) -> usize {
        self.bytes.len() + VOTE_BYTES * self.choose(from).len()
    }

    /// About how long what shows the set of a jump is, bytes.
    fn evidence_bytes(&self, from: &AuthoritySet) -> usize {
        let known = from.authorities().eq(self.set.authorities());
        let list = if known { 0 } else { AUTHORITY_BYTES * self.set.authorities().count() };
        EVIDENCE_BYTES + list
    }

    /// The fewest votes that weigh enough in both sets: first those of `from`, heavy ones first, then others;
    /// and of each voter the vote with the shorter way to the block.
    fn choose(&self, from: &AuthoritySet) -> Vec<Candidate> {
        let way = |target| self.justification.path_to(target).map_or(usize::MAX, |path| path.len());
        let mut shortest = BTreeMap::<[u8; 32], (usize, Candidate)>::new();
        for vote in &self.justification.votes {
            let target = vote.precommit.target_hash;
            let length = way(target);
            if shortest.get(&vote.voter).is_none_or(|(known, _)| length < *known) {
                let (voter, signature) = (vote.voter, vote.signature);
                shortest.insert(voter, (length, Candidate { voter, target, signature }));
            }
        }
        let mut all: Vec<_> = shortest.into_values().collect();
        all.sort_by_key(|(length, vote)| {
            let weight = from.weight(&vote.voter);
            (weight == 0, *length, core::cmp::Reverse(weight))
        });
        let (mut of_from, mut of_set) = (0u64, 0u64);
        let (mut chosen, mut spare) = (Vec::new(), Vec::new());
        for (length, vote) in all {
            if from.weight(&vote.voter) > 0 && of_from < from.threshold() {
                of_from = of_from.saturating_add(from.weight(&vote.voter));
                of_set = of_set.saturating_add(self.set.weight(&vote.voter));
                chosen.push(vote);
            } else {
                spare.push((length, vote));
            }
        }
        spare.sort_by_key(|(length, vote)| {
            (*length, core::cmp::Reverse(self.set.weight(&vote.voter)))
        });
        for (_, vote) in spare {
            if of_set >= self.set.threshold() {
                break;
            }
            of_set = of_set.saturating_add(self.set.weight(&vote.voter));
            chosen.push(vote);
        }
        chosen
    }
}

/// Puts the trie nodes of several proofs together, each once.
pub fn distinct_nodes(proofs: impl IntoIterator<Item = Vec<Vec<u8>>>) -> Vec<Vec<u8>> {
    let nodes: BTreeSet<Vec<u8>> = proofs.into_iter().flatten().collect();
    nodes.into_iter().collect()
}
