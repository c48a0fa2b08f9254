//! Proofs of final blocks and of values under them, and portable proofs for files, for hosts that fetch.
//!
//! Nothing here asks anybody: the host (`client/client-js`) fetches what a node serves and hands it in. Each function is
//! pure, of SCALE to SCALE: what the caller gets back of a block, it may hand in again as a place to start, since
//! it is the caller who trusts.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use chain_proof::{
    AuthoritySet, FinalizedState, History, PORTABLE_BYTES_MAX, PROOF_BYTES_MAX, PortableProof,
    Start, StateNeeded, TrustedSet, UntrustedProof, Voters, distinct_nodes, trie::TrieNodes,
    verify, verify_from, verify_portable,
};
use codec::{Decode, DecodeLimit as _, Encode};
use primitives::{BlockHash, BlockNumber, GenesisHash, StateRoot};

/// How deep a question may be nested.
const DEPTH_MAX: u32 = 8;
/// Longest question: twice what a proof may have, since a history comes in parts.
const QUESTION_BYTES_MAX: usize = 2 * PROOF_BYTES_MAX;
/// The end of a warp proof after which another is to be asked for.
const UNFINISHED: u8 = 0;

/// A set of authorities: its number, and keys with weights.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub struct SetParts {
    id: u64,
    authorities: Vec<([u8; 32], u64)>,
}

impl SetParts {
    /// A set of these.
    pub fn new(id: u64, authorities: Vec<([u8; 32], u64)>) -> Self {
        Self { id, authorities }
    }

    fn of(set: &AuthoritySet) -> Self {
        Self { id: set.id(), authorities: set.authorities().collect() }
    }

    fn into_set(self) -> Result<AuthoritySet, String> {
        AuthoritySet::new(self.id, self.authorities).map_err(|error| error.to_string())
    }
}

/// Where a proof starts.
#[derive(Debug, Encode, Decode)]
pub enum Beginning {
    /// At the first block.
    Genesis {
        /// Its hash: what the caller pins.
        hash: GenesisHash,
        /// Its header.
        header: Vec<u8>,
        /// Trie nodes of its authorities.
        authorities: Vec<Vec<u8>>,
    },
    /// At a set that the caller has proven before: it decides on all blocks after one.
    Known {
        /// The block.
        after: BlockNumber,
        /// The set.
        set: SetParts,
    },
}

/// What [`prove`] takes.
#[derive(Debug, Encode, Decode)]
pub struct ProveQuestion {
    /// Where to start.
    pub start: Beginning,
    /// Warp proofs as a node serves them, each from the end of the one before.
    pub warp: Vec<Vec<u8>>,
}

/// A final block.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub struct FinalBlock {
    /// Its number.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: BlockHash,
    /// Root of the chain's state after it.
    pub state_root: StateRoot,
    /// Who decides after it.
    pub set: SetParts,
    /// Whether the last part says that it is the last.
    pub finished: bool,
}

/// What [`read`] takes.
#[derive(Debug, Encode, Decode)]
pub struct ReadQuestion {
    /// Root of the state, of a [`FinalBlock`].
    pub root: StateRoot,
    /// Trie nodes as a node serves them.
    pub nodes: Vec<Vec<u8>>,
    /// What to read.
    pub keys: Vec<Vec<u8>>,
}

/// What [`portable`] takes: all that was fetched so far.
#[derive(Debug, Encode, Decode)]
pub struct PortableQuestion {
    /// The network.
    pub genesis: GenesisHash,
    /// The first block's header.
    pub header: Vec<u8>,
    /// Trie nodes of its authorities.
    pub authorities: Vec<Vec<u8>>,
    /// Warp proofs, each from the end of the one before.
    pub warp: Vec<Vec<u8>>,
    /// Entries of the history whose states the node does not have.
    pub closed: Vec<u32>,
    /// Trie nodes that show the authority set, by the block whose state it is.
    pub sets: Vec<(BlockHash, Vec<Vec<u8>>)>,
    /// Headers, by their hashes.
    pub headers: Vec<(BlockHash, Vec<u8>)>,
    /// Trie nodes of the wanted values under the last block.
    pub values: Option<Vec<Vec<u8>>>,
}

/// An authority set that a step of the proof must show.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub struct Need {
    /// The step's entry in the history, to be closed where the node has not the state.
    pub entry: u32,
    /// Under which block.
    pub block: BlockHash,
    /// The header that is needed too.
    pub header: Option<BlockHash>,
}

/// What [`portable`] says.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub enum PortableAnswer {
    /// Ask for the warp proof from this block on.
    More(BlockHash),
    /// Fetch these.
    Sets(Vec<Need>),
    /// Fetch the wanted values under this block; with the authority set, where the flag is not 0.
    Values {
        /// The block.
        block: BlockHash,
        /// The flag.
        with_set: u32,
    },
    /// The proof, and what it proves.
    Done {
        /// SCALE of a [`PortableProof`].
        proof: Vec<u8>,
        /// Number of the last block.
        number: BlockNumber,
        /// Its hash.
        block: BlockHash,
        /// Root of the chain's state after it.
        state_root: StateRoot,
    },
}

/// Decodes a question, answers it, encodes the answer: SCALE of a result whose error is a text.
pub fn answer<Q: Decode, A: Encode>(
    question: &[u8],
    work: impl FnOnce(Q) -> Result<A, String>,
) -> Vec<u8> {
    let asked = || {
        if question.len() > QUESTION_BYTES_MAX {
            return Err(format!("more than {QUESTION_BYTES_MAX} bytes"));
        }
        let mut rest = question;
        let decoded = Q::decode_with_depth_limit(DEPTH_MAX, &mut rest);
        let decoded = decoded.map_err(|_| "not a question".to_string())?;
        if rest.is_empty() { Ok(decoded) } else { Err("bytes are left over".to_string()) }
    };
    asked().and_then(work).encode()
}

/// The last block that the warp proofs lead to.
///
/// # Errors
/// When they lead nowhere.
pub fn prove(question: ProveQuestion) -> Result<FinalBlock, String> {
    let finished = question.warp.last().is_none_or(|part| part.last() != Some(&UNFINISHED));
    let text = |error: chain_proof::ProofError| error.to_string();
    let mut parts = question.warp.into_iter();
    let mut state: FinalizedState = match question.start {
        Beginning::Genesis { hash, header, authorities } => {
            let proof = UntrustedProof {
                genesis_header: header,
                genesis_authorities_proof: authorities,
                warp_proof: parts.next().ok_or("there is no warp proof")?,
                storage_proof: Vec::new(),
            };
            verify(&hash, &proof).map_err(text)?
        }
        Beginning::Known { after, set } => {
            let part = parts.next().ok_or("there is no warp proof")?;
            verify_from(after, &set.into_set()?, &part, &[]).map_err(text)?
        }
    };
    for part in parts {
        let set = state.authority_set().clone();
        state = verify_from(state.number(), &set, &part, &[]).map_err(text)?;
    }
    Ok(FinalBlock {
        number: state.number(),
        hash: state.hash(),
        state_root: state.state_root(),
        set: SetParts::of(state.authority_set()),
        finished,
    })
}

/// The values at the keys, each shown to be there or not.
///
/// # Errors
/// When the nodes do not show one.
pub fn read(question: ReadQuestion) -> Result<Vec<Option<Vec<u8>>>, String> {
    let nodes = TrieNodes::new(&question.nodes);
    let value = |key: &Vec<u8>| nodes.read(&question.root.0, key).map_err(|error| error.to_string());
    question.keys.iter().map(value).collect()
}

/// Makes the shortest proof of what was fetched, or says what else is to be fetched.
///
/// # Errors
/// When what was fetched does not hold.
pub fn portable(question: PortableQuestion) -> Result<PortableAnswer, String> {
    let text = |error: chain_proof::ProofError| error.to_string();
    let genesis = question.genesis;
    let start = Start::Genesis(question.header);
    let nodes = question.authorities;
    let begun = PortableProof { start: start.clone(), steps: Vec::new(), nodes: nodes.clone() };
    let set = verify_portable(&genesis, None, &begun).map_err(text)?.authority_set().clone();
    let mut history = History::new(0, set.clone());
    let mut finished = false;
    for part in &question.warp {
        finished = history.append(part).map_err(text)?;
    }
    let last = history.last().0.map_or(BlockHash(genesis.0), |(_, hash)| hash);
    if !finished {
        return Ok(PortableAnswer::More(last));
    }
    let closed: BTreeSet<usize> = question.closed.iter().map(|entry| *entry as usize).collect();
    let plan = history.plan(&closed);
    let set_of = |block: &BlockHash| question.sets.iter().find(|(of, _)| of == block);
    let (mut needs, mut steps, mut proofs) = (Vec::new(), Vec::new(), Vec::new());
    for (place, planned) in plan.iter().enumerate() {
        let needed = history.state_needed(planned.entry).filter(|_| planned.jumps);
        let is_last = place + 1 == plan.len();
        let entry = planned.entry as u32;
        let voters = match needed {
            None => Voters::Known,
            // The proof of the last block's values shows the set too.
            Some(StateNeeded::Own(_)) if is_last => Voters::OfOwnState,
            Some(StateNeeded::Own(hash)) => {
                let Some((_, nodes)) = set_of(&hash) else {
                    needs.push(Need { entry, block: hash, header: None });
                    continue;
                };
                proofs.push(nodes.clone());
                Voters::OfOwnState
            }
            Some(StateNeeded::Parent(hash)) => {
                let header = question.headers.iter().find(|(of, _)| *of == hash);
                let (Some((_, nodes)), Some((_, header))) = (set_of(&hash), header) else {
                    needs.push(Need { entry, block: hash, header: Some(hash) });
                    continue;
                };
                proofs.push(nodes.clone());
                Voters::OfParentState(header.clone())
            }
        };
        let step = history.step(&plan, place, voters);
        steps.push(step.ok_or("a step of the proof is incomplete")?);
    }
    if !needs.is_empty() {
        return Ok(PortableAnswer::Sets(needs));
    }
    let with_set = u32::from(steps.last().is_some_and(|step| step.voters == Voters::OfOwnState));
    let Some(values) = question.values else {
        return Ok(PortableAnswer::Values { block: last, with_set });
    };
    proofs.push(values);
    proofs.push(nodes);
    let proof = PortableProof { start, steps, nodes: distinct_nodes(proofs) };
    let trusted = TrustedSet { set, after: 0 };
    let state = verify_portable(&genesis, Some(&trusted), &proof).map_err(text)?;
    let proof = proof.encode();
    if proof.len() > PORTABLE_BYTES_MAX {
        return Err(format!("the proof has more than {PORTABLE_BYTES_MAX} bytes"));
    }
    Ok(PortableAnswer::Done {
        proof,
        number: state.number(),
        block: state.hash(),
        state_root: state.state_root(),
    })
}
