//! Asking a cluster: the next worker stands in for one that does not answer.
//!
//! What counts as an answer is what the attested worker has sealed. Whatever else comes (no connection, a
//! status, bytes that do not open) may be anybody's doing, and the next worker is asked. A sealed error
//! of the question itself (no such contract, the contract failed) is an answer: each worker would give the
//! same. Two sealed errors are about the worker and not the question: that it has not reached a
//! block, and that by its clock the question has lapsed.
//!
//! A question that is put to a second worker is a second query: it is sealed anew to another key, in
//! another session, and nothing ties it to the first, which may have run, or may still run. For the
//! state that is the same, since queries change nothing. A contract that sends HTTP requests may send
//! them twice.

use crate::{Account, Asked, Cluster, WorkerClient, WorkerError, cluster::Patience};
use primitives::{BlockNumber, ClusterId, WorkerId};
use rand_core::{OsRng, RngCore};
use std::{
    fmt,
    time::{Duration, Instant},
};
use wire::query::{QueryError, QueryRequest};

/// Pause between two questions to a worker that is a little behind.
const BEHIND_POLL: Duration = Duration::from_millis(50);
/// Blocks behind the demand beyond which a worker is not waited for.
const BEHIND_BLOCKS_MAX: BlockNumber = 20;
/// Pause after the workers were gone through once, in the mean; twice that after the second time.
const BACKOFF: Duration = Duration::from_millis(150);

/// A worker that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which one.
    pub worker: WorkerId,
    /// Why not.
    pub reason: String,
}

/// No worker gave an answer: each with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoneAnswered {
    /// The cluster.
    pub cluster: ClusterId,
    /// How often was asked.
    pub attempts: u32,
    /// Who was asked, with the last reason, and who was not, with the reason for that.
    pub failures: Vec<Failure>,
    /// The deadline, where it passed.
    pub deadline: Option<Duration>,
}

impl std::error::Error for NoneAnswered {}

impl fmt::Display for NoneAnswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures.is_empty() && self.deadline.is_none() {
            return write!(f, "cluster {} has no workers", self.cluster);
        }
        write!(f, "no worker of cluster {} serves: {} attempt(s)", self.cluster, self.attempts)?;
        if let Some(deadline) = self.deadline {
            write!(f, ", not within {} s", deadline.as_secs_f32())?;
        }
        for Failure { worker, reason } in &self.failures {
            write!(f, "\n  {worker}: {reason}")?;
        }
        Ok(())
    }
}

/// What was tried for one question.
pub(crate) struct Tries {
    pub(crate) failures: Vec<Failure>,
    pub(crate) attempts: u32,
}

impl Tries {
    pub(crate) fn none() -> Self {
        Self { failures: Vec::new(), attempts: 0 }
    }

    pub(crate) fn note(&mut self, worker: WorkerId, error: &WorkerError) {
        let reason = reason(error);
        match self.failures.iter_mut().find(|failure| failure.worker == worker) {
            Some(known) => known.reason = reason,
            None => self.failures.push(Failure { worker, reason }),
        }
    }
}

/// The reason without the worker's name, which the list has already.
fn reason(error: &WorkerError) -> String {
    match error {
        WorkerError::NoEndpoint(_) => "it announces no endpoint".to_owned(),
        WorkerError::Unreachable { url, reason, .. } => {
            format!("it does not answer at {url}: {reason}")
        }
        WorkerError::Silent { url, silent, .. } => {
            format!("it has said nothing at {url} for {} s", silent.as_secs())
        }
        WorkerError::Refused { reason, .. } => format!("it refuses: {reason}"),
        WorkerError::NotAuthentic { source, .. } => source.to_string(),
        WorkerError::Receipt(_) => {
            "its receipt does not fit the question and the answer".to_owned()
        }
        WorkerError::TooOld { block, minimum, .. } => {
            format!("it answers from block {block}, though block {minimum} was asked for")
        }
        WorkerError::Query(QueryError::BlockNotReached { have }) => {
            format!("it is behind: its last final block is {have}")
        }
        other => other.to_string(),
    }
}

/// Whether the same worker may answer soon. One that hangs has had its time.
pub(crate) fn may_pass(error: &WorkerError) -> bool {
    match error {
        WorkerError::Unreachable { .. } | WorkerError::Query(_) => true,
        WorkerError::Refused { status, .. } => matches!(status, 408 | 410 | 500..),
        _ => false,
    }
}

/// The pause before round `round`, from half to one and a half times the mean, so that those who were
/// refused together do not come back together.
pub(crate) fn backoff(round: u32) -> Duration {
    let mean = BACKOFF * 2_u32.saturating_pow(round.saturating_sub(1)).min(16);
    mean.mul_f64(0.5 + f64::from(OsRng.next_u32()) / f64::from(u32::MAX))
}

/// Asks one worker: waits a moment where it is a little behind, and not where it is dead.
pub(crate) async fn ask_patiently(
    client: &mut WorkerClient,
    account: Option<&Account>,
    request: &QueryRequest,
    patience: &Patience,
) -> Result<Asked, WorkerError> {
    let started = Instant::now();
    loop {
        let dead = client.until_dead(patience.silent);
        let asked = tokio::select! {
            biased;
            asked = client.ask(account, request.clone()) => asked,
            dead = dead => Err(dead),
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(error) => {
                if matches!(error, WorkerError::Unreachable { .. } | WorkerError::Silent { .. }) {
                    client.go_elsewhere();
                }
                return Err(error);
            }
        };
        match &asked.reply.result {
            Err(QueryError::BlockNotReached { have }) => {
                let near = request.minimum_block.saturating_sub(*have) <= BEHIND_BLOCKS_MAX;
                if !near || started.elapsed() >= patience.behind {
                    return Err(WorkerError::Query(QueryError::BlockNotReached { have: *have }));
                }
            }
            // Our clock or that worker's: another one's tells.
            Err(QueryError::Expired) => return Err(WorkerError::Query(QueryError::Expired)),
            _ => return Ok(asked),
        }
        tokio::time::sleep(BEHIND_POLL).await;
    }
}

impl Cluster {
    /// Asks one worker after the other until one answers, the one that answered last time first.
    ///
    /// The question demands a state that is new enough ([`Cluster::floor`]). An error of the contract or the
    /// query is inside [`Asked::reply`].
    ///
    /// # Errors
    /// [`WorkerError::NoneAnswered`], which names each worker with its reason.
    pub async fn ask(
        &mut self,
        account: Option<&Account>,
        mut request: QueryRequest,
    ) -> Result<Asked, WorkerError> {
        self.keep_fresh().await;
        request.minimum_block = request.minimum_block.max(self.floor());
        let deadline = self.patience.deadline;
        let mut tries = Tries::none();
        let asking = self.ask_in_turn(account, &request, &mut tries);
        let timed_out = match tokio::time::timeout(deadline, asking).await {
            Ok(Some(asked)) => return Ok(asked),
            Ok(None) => None,
            Err(_) => Some(deadline),
        };
        Err(self.none_answered(tries, timed_out))
    }

    pub(crate) fn none_answered(&self, tries: Tries, deadline: Option<Duration>) -> WorkerError {
        let mut failures = tries.failures;
        for (worker, standing) in self.others() {
            failures.push(Failure { worker, reason: standing.to_string() });
        }
        let (cluster, attempts) = (self.id(), tries.attempts);
        WorkerError::NoneAnswered(NoneAnswered { cluster, attempts, failures, deadline })
    }

    async fn ask_in_turn(
        &mut self,
        account: Option<&Account>,
        request: &QueryRequest,
        tries: &mut Tries,
    ) -> Option<Asked> {
        let patience = self.patience;
        for round in 0..patience.rounds_max {
            if round > 0 {
                tokio::time::sleep(backoff(round)).await;
            }
            if round == 1 {
                // Workers come and go, and move.
                let _unchanged = self.refresh().await;
            }
            let mut again = false;
            for worker in self.candidates() {
                if tries.attempts >= patience.attempts_max {
                    return None;
                }
                tries.attempts += 1;
                let asked = match self.client_of(worker) {
                    Ok(client) => ask_patiently(client, account, request, &patience).await,
                    Err(error) => Err(error),
                };
                match asked {
                    Ok(asked) => {
                        self.note_answer(worker, asked.reply.block_number);
                        return Some(asked);
                    }
                    Err(error) => {
                        self.avoid(worker);
                        again |= may_pass(&error);
                        tries.note(worker, &error);
                    }
                }
            }
            if !again {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ() {
        let all: Vec<Duration> = (0..64).map(|_| backoff(3)).collect();
        assert!(all.iter().all(|pause| (BACKOFF * 2..=BACKOFF * 6).contains(pause)));
        assert!(all.iter().any(|pause| *pause != all[0]));
        assert!(backoff(1) <= BACKOFF * 3 / 2 + Duration::from_millis(1));
    }

    #[test]
    fn what_anybody_on_the_way_could_have_written_is_no_answer() {
        let worker = WorkerId([1; 32]);
        let refused = |status| WorkerError::Refused { worker, status, reason: String::new() };
        for status in [408, 410, 500, 503] {
            assert!(may_pass(&refused(status)), "{status}");
        }
        for status in [400, 404, 413] {
            assert!(!may_pass(&refused(status)), "{status}");
        }
    }
}
