//! Who waits for an answer.

use crate::{ServiceError, http::Shared};
use std::sync::Arc;
use tokio::sync::oneshot;

pub(crate) type Answer = Result<Vec<u8>, ServiceError>;

/// Takes the one answer to one query. Dropped without an answer, it answers with an error.
pub struct Responder {
    sender: oneshot::Sender<Answer>,
    shared: Arc<Shared>,
}

impl Responder {
    pub(crate) fn new(shared: Arc<Shared>) -> (Self, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender, shared }, receiver)
    }

    /// Answers.
    pub fn give(self, answer: Result<Vec<u8>, ServiceError>) {
        // Who asked may have gone.
        let _gone = self.sender.send(answer);
    }

    /// Goes on with `work` on a thread that may block.
    pub fn go_on_blocking(self, work: impl FnOnce(Self) + Send + 'static) {
        let runtime = self.shared.runtime().clone();
        runtime.spawn_blocking(move || work(self));
    }

    /// Promises an answer in the next [`Service::settle`](crate::Service::settle), which finds what
    /// `keep` has kept.
    pub fn put_off<R>(self, keep: impl FnOnce(PutOff) -> R) -> R {
        let shared = self.shared.clone();
        let kept = keep(PutOff(self));
        // Not before: a settling that finds nothing is not repeated.
        shared.settle_soon();
        kept
    }
}

/// A [`Responder`] that [`Service::settle`](crate::Service::settle) will use.
pub struct PutOff(Responder);

impl PutOff {
    /// Answers.
    pub fn give(self, answer: Result<Vec<u8>, ServiceError>) {
        self.0.give(answer);
    }
}
