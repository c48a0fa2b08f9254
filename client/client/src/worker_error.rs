//! Why a worker gives no answer.

use crate::NoneAnswered;
use primitives::{BlockNumber, WorkerId};
use secrets::client::ClientError;
use std::time::Duration;
use wire::query::QueryError;

/// What goes wrong between a client and a worker.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The worker says nowhere that it can be reached.
    #[error("worker {0} announces no endpoint")]
    NoEndpoint(WorkerId),
    /// No answer.
    #[error("worker {worker} does not answer at {url}: {reason}")]
    Unreachable {
        /// Which worker.
        worker: WorkerId,
        /// Where.
        url: String,
        /// What happened.
        reason: String,
    },
    /// It takes connections, perhaps, and says nothing.
    #[error("worker {worker} has said nothing at {url} for {} s", .silent.as_secs())]
    Silent {
        /// Which worker.
        worker: WorkerId,
        /// Where.
        url: String,
        /// For how long.
        silent: Duration,
    },
    /// It refuses, in the clear: whoever has its address may have written this.
    #[error("worker {worker} refuses: {reason}")]
    Refused {
        /// Which worker.
        worker: WorkerId,
        /// The HTTP status, as `worker-rpc` uses them; 200 where the answer itself is no answer.
        status: u16,
        /// Its words.
        reason: String,
    },
    /// The answer is not from the attested worker, or damaged.
    #[error("the answer is not from worker {worker}: {source}")]
    NotAuthentic {
        /// Which worker.
        worker: WorkerId,
        /// What is wrong.
        source: ClientError,
    },
    /// It answers with an error, sealed.
    #[error("{}", query_error_text(.0))]
    Query(QueryError),
    /// The answer lacks the receipt that was asked for, or the receipt is about something else.
    #[error("the receipt of worker {0} does not fit the question and the answer")]
    Receipt(WorkerId),
    /// It answers from an older state than was asked for, which no worker of an honest build does.
    #[error("worker {worker} answers from block {block}, though block {minimum} was asked for")]
    TooOld {
        /// Which worker.
        worker: WorkerId,
        /// From where it answers.
        block: BlockNumber,
        /// The oldest that was asked for.
        minimum: BlockNumber,
    },
    /// No worker of the cluster gave an answer.
    #[error(transparent)]
    NoneAnswered(NoneAnswered),
}

fn query_error_text(error: &QueryError) -> String {
    match error {
        QueryError::ContractNotFound => {
            "this cluster has no such contract, or its constructor failed".to_owned()
        }
        QueryError::OutcomeNotFound => {
            "no outcome is kept under this number, or it is another account's".to_owned()
        }
        QueryError::CertificateMissing => "this needs an account: name one with --as".to_owned(),
        QueryError::BlockNotReached { have } => {
            format!("the worker has not reached that block yet; it has final block {have}")
        }
        QueryError::Expired => {
            "the query has lapsed or is dated too far ahead; check this machine's clock".to_owned()
        }
        QueryError::Replayed => "the worker has seen this very query before".to_owned(),
        QueryError::Certificate(reason) => reason.clone(),
        QueryError::Execution(reason) => reason.clone(),
        QueryError::AnswerTooLong => "the answer is longer than a worker sends".to_owned(),
    }
}
