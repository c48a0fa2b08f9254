//! Asking several workers the same, and comparing.
//!
//! The workers get one and the same request, nonce included, each sealed to its own key: so their receipts
//! are about the same question by name, and two that contradict each other show it without showing the
//! question.
//!
//! What is compared is what the state of a cluster makes necessary. At one final block all workers have
//! the same state, and a contract that reads nothing but its state, its input and the block gives the same
//! answer. Answers from two different blocks are no contradiction: the state may have changed, or the
//! contract may look at the block. Then all are asked again, for the newest block that one of them
//! had, a few times. Answers that are equal and from equal states agree, whatever the blocks.
//!
//! Differing does not prove lying. A contract that asks the outside world, draws random numbers, or looks at
//! the time or at who runs it may answer differently on two honest workers. Another *state* at the same block
//! is never honest.

use crate::{
    Account, Asked, Cluster, Failure, WorkerError,
    failover::{Tries, ask_patiently, backoff, may_pass},
};
use futures::future::join_all;
use primitives::{BlockNumber, ClusterId, WorkerId};
use std::{
    fmt,
    time::{Duration, Instant},
};
use wire::{
    query::{QueryError, QueryOutput, QueryRequest},
    receipt::Receipt,
};

/// How often all are asked again because they answered from different blocks.
const ALIGNMENTS_MAX: u32 = 6;
/// Blocks beyond what this client knows to be final that an answer may plausibly come from.
const AHEAD_BLOCKS_MAX: BlockNumber = 5;

/// How an answer stands to the majority's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the majority's.
    Agrees,
    /// From another block of the same number.
    AnotherChain,
    /// From another state at the same block, or after the same mailbox entries.
    AnotherState,
    /// Another answer from the same state at the same block.
    AnotherAnswer,
    /// From another block than the majority's, also after asking again: nothing can be said.
    NotComparable,
    /// No answer has a majority.
    NoMajority,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agrees => "agrees",
            Self::AnotherChain => "answers from another chain",
            Self::AnotherState => "answers from another state",
            Self::AnotherAnswer => "answers otherwise from the same state",
            Self::NotComparable => "answers from another block, so that nothing can be compared",
            Self::NoMajority => "no answer has a majority",
        })
    }
}

/// A worker's answer beside the others'.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Question, answer, and who gave it.
    pub asked: Asked,
    /// How it stands to the others.
    pub verdict: Verdict,
}

/// Two receipts that cannot both be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Who signed them.
    pub workers: [WorkerId; 2],
    /// In what they differ.
    pub differ: Verdict,
}

/// What several workers answered.
#[derive(Clone, Debug)]
pub struct Replicas {
    /// How many answers were wanted.
    pub wanted: usize,
    /// How often all were asked.
    pub rounds: u32,
    /// The answers.
    pub replicas: Vec<Replica>,
    /// Who was asked and gave none.
    pub failures: Vec<Failure>,
}

impl Replicas {
    /// The answer of more than half of those that were wanted.
    pub fn majority(&self) -> Option<&Asked> {
        let mut agreeing = self.replicas.iter().filter(|r| r.verdict == Verdict::Agrees);
        agreeing.next().map(|replica| &replica.asked)
    }

    /// How many gave the majority's answer.
    pub fn agreed(&self) -> usize {
        self.replicas.iter().filter(|replica| replica.verdict == Verdict::Agrees).count()
    }

    /// Whether as many as were wanted answered, all the same.
    pub fn unanimous(&self) -> bool {
        self.agreed() == self.wanted
    }

    /// Pairs of receipts, signatures checked, of which one at least is wrong, or the contract's answer
    /// does not follow from its state alone ([`Verdict::AnotherAnswer`]).
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let signed = |replica: &&Replica| {
            let receipt = replica.asked.reply.receipt.as_ref();
            receipt.is_some_and(secrets::receipt::verify_receipt_signature)
        };
        let signed: Vec<&Replica> = self.replicas.iter().filter(signed).collect();
        let mut found = Vec::new();
        for (place, one) in signed.iter().enumerate() {
            for other in signed.iter().skip(place + 1) {
                if let Some(differ) = contradiction(&one.asked, &other.asked) {
                    let workers = [one.asked.worker, other.asked.worker];
                    found.push(Contradiction { workers, differ });
                }
            }
        }
        found
    }
}

/// Why several workers could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ReplicasError {
    /// The cluster has not so many.
    #[error("{wanted} workers are wanted, but cluster {cluster} has {have} that may be asked")]
    TooFew {
        /// Which cluster.
        cluster: ClusterId,
        /// How many are wanted.
        wanted: usize,
        /// How many there are.
        have: usize,
    },
    /// None answered.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

/// What must be the same where the state is the same. How much gas was used tells of the engine's path,
/// not of the answer.
#[derive(PartialEq, Eq)]
enum Essence<'a> {
    Output { flags: u32, data: &'a [u8], cost: Option<(u64, i128)> },
    Error(&'a QueryError),
}

fn essence(asked: &Asked) -> Essence<'_> {
    match &asked.reply.result {
        Ok(QueryOutput { flags, data, gas_required, storage_deposit, .. }) => Essence::Output {
            flags: *flags,
            data,
            cost: asked.request.estimate.then_some((*gas_required, *storage_deposit)),
        },
        Err(error) => Essence::Error(error),
    }
}

fn is_same(one: &Asked, other: &Asked) -> bool {
    one.reply.state_root == other.reply.state_root && essence(one) == essence(other)
}

/// In what two answers cannot both be right.
fn contradiction(one: &Asked, other: &Asked) -> Option<Verdict> {
    let (a, b) = (&one.reply, &other.reply);
    let entries = |receipt: &Option<Receipt>| receipt.as_ref().map(|r| r.body.next_number);
    let same_block = a.block_number == b.block_number;
    let same_entries = entries(&a.receipt).is_some_and(|n| entries(&b.receipt) == Some(n));
    if same_block && a.block_hash != b.block_hash {
        Some(Verdict::AnotherChain)
    } else if (same_block || same_entries) && a.state_root != b.state_root {
        Some(Verdict::AnotherState)
    } else if same_block && essence(one) != essence(other) {
        Some(Verdict::AnotherAnswer)
    } else {
        None
    }
}

/// Answers that agree, each group by its places in `answers`.
fn groups(answers: &[Asked]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, answer) in answers.iter().enumerate() {
        let fits = |group: &&mut Vec<usize>| {
            group.iter().all(|member| {
                is_same(&answers[*member], answer) && contradiction(&answers[*member], answer).is_none()
            })
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups
}

fn judge(answers: Vec<Asked>, wanted: usize) -> Vec<Replica> {
    let majority = groups(&answers).into_iter().find(|group| 2 * group.len() > wanted);
    let verdict = |place: usize| {
        let Some(majority) = &majority else { return Verdict::NoMajority };
        if majority.contains(&place) {
            return Verdict::Agrees;
        }
        let against = |member: &usize| contradiction(&answers[place], &answers[*member]);
        majority.iter().find_map(against).unwrap_or(Verdict::NotComparable)
    };
    let verdicts: Vec<Verdict> = (0..answers.len()).map(verdict).collect();
    let pairs = answers.into_iter().zip(verdicts);
    pairs.map(|(asked, verdict)| Replica { asked, verdict }).collect()
}

/// The block to ask for so that all answers can be compared; `None` where they can be already.
/// `missed` is how often a demand was too high for the others.
fn block_to_align(answers: &[Asked], known: BlockNumber, missed: usize) -> Option<BlockNumber> {
    if groups(answers).len() < 2 {
        return None;
    }
    // A liar could name a block that will never be.
    let plausible = known.saturating_add(AHEAD_BLOCKS_MAX);
    let blocks = answers.iter().map(|asked| asked.reply.block_number);
    let mut blocks: Vec<BlockNumber> = blocks.filter(|block| *block <= plausible).collect();
    blocks.sort_unstable_by(|a, b| b.cmp(a));
    if blocks.first() == blocks.last() {
        return None;
    }
    blocks.get(missed.min(blocks.len().saturating_sub(1))).copied()
}

type Answered = (WorkerId, Result<Asked, WorkerError>);

impl Cluster {
    /// Asks `wanted` different workers the same, and compares their answers. Where one gives no answer,
    /// another takes its place.
    ///
    /// # Errors
    /// When the cluster has not so many workers, or none of them answers. That fewer than `wanted`
    /// answered, or that they differ, is in the [`Replicas`].
    pub async fn ask_replicas(
        &mut self,
        account: Option<&Account>,
        mut request: QueryRequest,
        wanted: usize,
    ) -> Result<Replicas, ReplicasError> {
        self.keep_fresh().await;
        let have = self.candidates().len();
        if have < wanted || wanted == 0 {
            return Err(ReplicasError::TooFew { cluster: self.id(), wanted, have });
        }
        request.minimum_block = request.minimum_block.max(self.floor());
        let until = Instant::now() + self.patience.deadline;
        let mut tries = Tries::none();
        let mut answers = self.gather(account, &request, wanted, until, &mut tries).await;
        if answers.is_empty() {
            return Err(ReplicasError::Worker(self.none_answered(tries, None)));
        }
        let floor = request.minimum_block;
        let mut rounds = 1;
        let mut missed = 0;
        if block_to_align(&answers, BlockNumber::MAX, 0).is_some() {
            // So that it can be told which blocks are plausible.
            let _unchanged = self.refresh().await;
        }
        while rounds <= ALIGNMENTS_MAX && Instant::now() < until {
            let Some(block) = block_to_align(&answers, self.final_number(), missed) else { break };
            rounds += 1;
            request.minimum_block = block.max(floor);
            let workers: Vec<WorkerId> = answers.iter().map(|asked| asked.worker).collect();
            let mut behind = false;
            for (worker, again) in self.ask_all(&workers, account, &request, until).await {
                match again {
                    Ok(again) => {
                        answers.retain(|asked| asked.worker != worker);
                        answers.push(again);
                    }
                    // Its first answer stands.
                    Err(WorkerError::Query(QueryError::BlockNotReached { .. })) => behind = true,
                    Err(_) => {}
                }
            }
            missed += usize::from(behind);
        }
        let replicas = judge(answers, wanted);
        for replica in &replicas {
            if replica.verdict == Verdict::Agrees {
                self.note_answer(replica.asked.worker, replica.asked.reply.block_number);
            }
        }
        Ok(Replicas { wanted, rounds, replicas, failures: tries.failures })
    }

    /// Answers of up to `wanted` different workers; those that fail are replaced, and tried again last.
    async fn gather(
        &mut self,
        account: Option<&Account>,
        request: &QueryRequest,
        wanted: usize,
        until: Instant,
        tries: &mut Tries,
    ) -> Vec<Asked> {
        let mut answers: Vec<Asked> = Vec::new();
        let mut untried = self.candidates();
        let mut to_repeat: Vec<WorkerId> = Vec::new();
        let mut round = 0;
        while answers.len() < wanted && Instant::now() < until {
            if untried.is_empty() {
                round += 1;
                if to_repeat.is_empty() || round >= self.patience.rounds_max {
                    break;
                }
                tokio::time::sleep(backoff(round)).await;
                untried = std::mem::take(&mut to_repeat);
            }
            let count = (wanted - answers.len()).min(untried.len());
            let next: Vec<WorkerId> = untried.drain(..count).collect();
            for (worker, asked) in self.ask_all(&next, account, request, until).await {
                tries.attempts += 1;
                match asked {
                    Ok(asked) => {
                        tries.failures.retain(|failure| failure.worker != worker);
                        answers.push(asked);
                    }
                    Err(error) => {
                        self.avoid(worker);
                        if may_pass(&error) {
                            to_repeat.push(worker);
                        }
                        tries.note(worker, &error);
                    }
                }
            }
        }
        answers
    }

    /// Asks several workers at once.
    async fn ask_all(
        &mut self,
        workers: &[WorkerId],
        account: Option<&Account>,
        request: &QueryRequest,
        until: Instant,
    ) -> Vec<Answered> {
        let patience = self.patience;
        let mut answered = Vec::new();
        let mut clients = Vec::new();
        for worker in workers {
            match self.take(*worker) {
                Ok(client) => clients.push(client),
                Err(error) => answered.push((*worker, Err(error))),
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        let asking = clients.iter_mut().map(|client| async move {
            let (worker, url) = (client.worker(), client.url().to_owned());
            let asked = ask_patiently(client, account, request, &patience);
            let asked = tokio::time::timeout(left, asked).await;
            (worker, asked.unwrap_or_else(|_| Err(too_slow(worker, url, left))))
        });
        answered.extend(join_all(asking).await);
        for client in clients {
            self.give_back(client);
        }
        answered
    }
}

fn too_slow(worker: WorkerId, url: String, left: Duration) -> WorkerError {
    let reason = format!("not within {:.1} s", left.as_secs_f32());
    WorkerError::Unreachable { worker, url, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{QueryOptions, call_request};
    use primitives::{BlockHash, ContractId, StateRoot};
    use wire::query::QueryReply;

    /// Worker, block, state, answer.
    fn answer((worker, block, state, data): (u8, BlockNumber, u8, u8)) -> Asked {
        let request = call_request(ContractId([9; 32]), Vec::new(), QueryOptions::default());
        let result = Ok(QueryOutput {
            flags: 0,
            data: vec![data],
            gas_consumed: u64::from(worker),
            gas_required: u64::from(worker),
            storage_deposit: 0,
        });
        let reply = QueryReply {
            block_number: block,
            block_hash: BlockHash([block as u8; 32]),
            state_root: StateRoot([state; 32]),
            result,
            receipt: None,
        };
        Asked { worker: WorkerId([worker; 32]), request, origin: None, reply }
    }

    fn answers<const N: usize>(all: [(u8, BlockNumber, u8, u8); N]) -> Vec<Asked> {
        all.into_iter().map(answer).collect()
    }

    fn check<const N: usize>(all: [(u8, BlockNumber, u8, u8); N], expect: [Verdict; N]) {
        let found: Vec<Verdict> =
            judge(answers(all), N).into_iter().map(|replica| replica.verdict).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn the_minority_is_named_with_what_is_wrong() {
        use Verdict::{Agrees, AnotherAnswer, AnotherState, NoMajority, NotComparable};
        check([(1, 7, 1, 5), (2, 7, 1, 5), (3, 7, 1, 5)], [Agrees; 3]);
        check([(1, 7, 1, 5), (2, 7, 1, 6), (3, 7, 1, 5)], [Agrees, AnotherAnswer, Agrees]);
        check([(1, 7, 2, 5), (2, 7, 1, 5), (3, 7, 1, 5)], [AnotherState, Agrees, Agrees]);
        check([(1, 7, 1, 5), (2, 7, 1, 5), (3, 8, 2, 6)], [Agrees, Agrees, NotComparable]);
        // Equal answers from equal states agree across blocks.
        check([(1, 7, 1, 5), (2, 8, 1, 5), (3, 9, 1, 5)], [Agrees; 3]);
        check([(1, 7, 1, 5), (2, 7, 1, 6)], [NoMajority; 2]);
        check([(1, 7, 1, 5), (2, 7, 1, 6), (3, 7, 1, 7)], [NoMajority; 3]);
    }

    #[test]
    fn two_of_three_that_were_wanted_are_a_majority_and_one_is_not() {
        let two = judge(answers([(1, 7, 1, 5), (2, 7, 1, 5)]), 3);
        assert!(two.iter().all(|replica| replica.verdict == Verdict::Agrees));
        let one = judge(answers([(1, 7, 1, 5)]), 3);
        assert!(one.iter().all(|replica| replica.verdict == Verdict::NoMajority));
    }

    #[test]
    fn a_block_of_another_chain_is_seen_even_under_an_equal_answer() {
        let mut three = answers([(1, 7, 1, 5), (2, 7, 1, 5), (3, 7, 1, 5)]);
        three[2].reply.block_hash = BlockHash([66; 32]);
        let verdicts: Vec<Verdict> = judge(three, 3).into_iter().map(|r| r.verdict).collect();
        assert_eq!(verdicts, [Verdict::Agrees, Verdict::Agrees, Verdict::AnotherChain]);
    }

    #[test]
    fn what_cannot_be_compared_is_asked_for_again_at_the_newest_plausible_block() {
        let moved = answers([(1, 7, 1, 5), (2, 8, 2, 6), (3, 7, 1, 5)]);
        assert_eq!(block_to_align(&moved, 8, 0), Some(8));
        assert_eq!(block_to_align(&moved, 8, 1), Some(7));
        let settled = answers([(1, 7, 1, 5), (2, 7, 1, 6), (3, 7, 1, 5)]);
        assert_eq!(block_to_align(&settled, 7, 0), None);
        let liar = answers([(1, 7, 1, 5), (2, 7, 1, 5), (3, 1_000_000, 2, 6)]);
        assert_eq!(block_to_align(&liar, 8, 0), None);
        let liar = answers([(1, 7, 1, 5), (2, 8, 2, 5), (3, 1_000_000, 2, 6)]);
        assert_eq!(block_to_align(&liar, 8, 0), Some(8));
    }

    #[test]
    fn an_estimate_compares_costs_and_a_query_does_not() {
        let mut three = answers([(1, 7, 1, 5), (2, 7, 1, 5)]);
        assert_eq!(groups(&three).len(), 1);
        three.iter_mut().for_each(|asked| asked.request.estimate = true);
        assert_eq!(groups(&three).len(), 2);
    }
}
