//! Proofs for files: the shortest that can be made of what a node serves.

use crate::{Chain, ChainError};
use chain_proof::{
    AuthoritySet, FinalizedState, History, PortableProof, Start, StateNeeded, TrustedSet, Voters,
    distinct_nodes, storage_key, verify_portable,
};
use receipt::TrustedSetFile;
use std::collections::BTreeSet;

/// Most parts of a history that are asked for; a node's part has up to 8 MiB.
const PARTS_MAX: usize = 1000;

/// A portable proof with what it proves.
pub struct Portable {
    /// The proof.
    pub proof: PortableProof,
    /// The state that it proves.
    pub state: FinalizedState,
}

/// Where a history starts, and the trie nodes that show it.
struct Origin {
    start: Start,
    trusted: TrustedSet,
    /// What a node is asked for the changes after.
    hash: String,
    nodes: Vec<Vec<u8>>,
}

impl Chain {
    /// Proves `keys` at a recent final block in as few bytes as can be: from genesis, or from a set that
    /// the reader of the proof trusts.
    ///
    /// Where the shortest way leads over states that the node has pruned, the way around them is taken.
    ///
    /// # Errors
    /// When the node fails or what it serves does not hold.
    pub async fn portable(
        &self,
        keys: &[Vec<u8>],
        from: Option<&TrustedSetFile>,
    ) -> Result<Portable, ChainError> {
        let origin = self.origin(from).await?;
        let history = self.history(&origin).await?;
        let last = match (history.last().0, from) {
            (Some((_, hash)), _) => hash.to_hex(),
            (None, None) => origin.hash.clone(),
            (None, Some(set)) => {
                let reason = format!("no block after {} is final yet: ask again later", set.after);
                return Err(ChainError::Node(reason));
            }
        };
        let mut closed = BTreeSet::new();
        let (steps, mut proofs) = loop {
            match self.steps(&history, &closed).await? {
                Ok(steps) => break steps,
                Err(entry) => closed.insert(entry),
            };
        };
        let mut wanted = keys.to_vec();
        if steps.last().is_some_and(|step| step.voters == Voters::OfOwnState) {
            wanted.extend(set_keys());
        }
        proofs.push(self.read_proof(&wanted, &last).await?);
        proofs.push(origin.nodes);
        let proof = PortableProof { start: origin.start, steps, nodes: distinct_nodes(proofs) };
        let state = verify_portable(&self.genesis(), Some(&origin.trusted), &proof)?;
        Ok(Portable { proof, state })
    }

    /// The set that decides after the newest final block, proven from genesis: to be kept, by whoever
    /// trusts this program and the genesis hash, as a start for later proofs.
    ///
    /// # Errors
    /// As [`Self::portable`].
    pub async fn newest_set(&self) -> Result<TrustedSetFile, ChainError> {
        let origin = self.origin(None).await?;
        let history = self.history(&origin).await?;
        let (last, set) = history.last();
        let after = last.map_or(0, |(number, _)| number);
        Ok(TrustedSetFile::new(self.genesis(), after, set))
    }

    async fn origin(&self, from: Option<&TrustedSetFile>) -> Result<Origin, ChainError> {
        if let Some(file) = from {
            if file.genesis != self.genesis() {
                let (expected, found) = (file.genesis, self.genesis());
                return Err(ChainError::AnotherNetwork { expected, found });
            }
            let trusted = file.set().map_err(ChainError::node)?;
            return Ok(Origin {
                start: Start::Set(trusted.set.id()),
                hash: self.hash_of(file.after).await?,
                trusted,
                nodes: Vec::new(),
            });
        }
        let hash = self.genesis().to_hex();
        let start = Start::Genesis(self.header(&hash).await?);
        let nodes = self.read_proof(&[storage_key::grandpa_authorities()], &hash).await?;
        let proof = PortableProof { start: start.clone(), steps: Vec::new(), nodes: nodes.clone() };
        let set = verify_portable(&self.genesis(), None, &proof)?.authority_set().clone();
        Ok(Origin { start, trusted: TrustedSet { set, after: 0 }, hash, nodes })
    }

    async fn history(&self, origin: &Origin) -> Result<History, ChainError> {
        let TrustedSet { set, after } = &origin.trusted;
        let set: AuthoritySet = set.clone();
        let (mut history, mut from) = (History::new(*after, set), origin.hash.clone());
        for _ in 0..PARTS_MAX {
            if history.append(&self.bytes("phat_warpProof", [from.clone()]).await?)? {
                return Ok(history);
            }
            match history.last().0 {
                Some((_, hash)) if hash.to_hex() != from => from = hash.to_hex(),
                _ => break,
            }
        }
        Err(ChainError::Node("the proof of its final blocks does not come to an end".to_owned()))
    }

    /// The steps of the shortest plan, and the nodes that show their sets; or the entry whose state the
    /// node does not have.
    #[expect(clippy::type_complexity, reason = "two lists, used at once by the only caller")]
    async fn steps(
        &self,
        history: &History,
        closed: &BTreeSet<usize>,
    ) -> Result<Result<(Vec<chain_proof::PortableStep>, Vec<Vec<Vec<u8>>>), usize>, ChainError> {
        let plan = history.plan(closed);
        let (mut steps, mut proofs) = (Vec::new(), Vec::new());
        for (place, planned) in plan.iter().enumerate() {
            let needed = history.state_needed(planned.entry).filter(|_| planned.jumps);
            let last = place + 1 == plan.len();
            let voters = match needed {
                None => Voters::Known,
                // The proof of the last block's values shows the set too.
                Some(StateNeeded::Own(_)) if last => Voters::OfOwnState,
                Some(StateNeeded::Own(hash)) => {
                    let Ok(nodes) = self.read_proof(&set_keys(), &hash.to_hex()).await else {
                        return Ok(Err(planned.entry));
                    };
                    proofs.push(nodes);
                    Voters::OfOwnState
                }
                Some(StateNeeded::Parent(hash)) => {
                    let hash = hash.to_hex();
                    let Ok(nodes) = self.read_proof(&set_keys(), &hash).await else {
                        return Ok(Err(planned.entry));
                    };
                    proofs.push(nodes);
                    Voters::OfParentState(self.header(&hash).await?)
                }
            };
            let step = history.step(&plan, place, voters);
            steps.push(step.ok_or_else(|| ChainError::node("a step of its proof is incomplete"))?);
        }
        Ok(Ok((steps, proofs)))
    }
}

fn set_keys() -> [Vec<u8>; 2] {
    [storage_key::grandpa_authorities(), storage_key::grandpa_set_id()]
}
