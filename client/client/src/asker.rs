//! Whom one can ask: one worker, or a cluster whose workers stand in for one another.

use crate::{Account, Asked, Cluster, WorkerClient, WorkerError};
use primitives::BlockNumber;
use std::future::Future;
use wire::query::QueryRequest;

/// Somebody who answers questions: a [`WorkerClient`] or a [`Cluster`].
pub trait Asker: Send {
    /// Asks, and gives the answer as it was sealed; an error of the contract is inside it.
    fn ask(
        &mut self,
        account: Option<&Account>,
        request: QueryRequest,
    ) -> impl Future<Output = Result<Asked, WorkerError>> + Send;

    /// Mailbox entries that whoever is asked next has run, by its own word; `None` where it does not say.
    fn next_number(&mut self) -> impl Future<Output = Option<u64>> + Send;

    /// What is waited for does not come from whom was asked: asks another next, where there is one.
    fn turn_to_another(&mut self) {}

    /// The asker has seen the state at this block: answers from before it are not wanted any more.
    fn has_seen(&mut self, _block: BlockNumber) -> impl Future<Output = ()> + Send {
        async {}
    }
}

impl Asker for WorkerClient {
    async fn ask(
        &mut self,
        account: Option<&Account>,
        request: QueryRequest,
    ) -> Result<Asked, WorkerError> {
        Self::ask(self, account, request).await
    }

    async fn next_number(&mut self) -> Option<u64> {
        Self::next_number(self).await
    }
}

impl Asker for Cluster {
    async fn ask(
        &mut self,
        account: Option<&Account>,
        request: QueryRequest,
    ) -> Result<Asked, WorkerError> {
        Self::ask(self, account, request).await
    }

    async fn next_number(&mut self) -> Option<u64> {
        Self::next_number(self).await
    }

    fn turn_to_another(&mut self) {
        Self::turn_to_another(self);
    }

    async fn has_seen(&mut self, block: BlockNumber) {
        Self::has_seen(self, block).await;
    }
}
