//! Questions to a cluster's system contract.

use crate::{Account, Asker, QueryOptions, WorkerError, call_request};
use codec::{Decode, Encode};
use contract_abi::system::selector;
use primitives::{AccountId, Balance, ClusterId, ContractId};
use wire::domain::system_contract_id;

/// The system contract of a cluster, asked through one of its workers.
pub struct SystemContract<'a, A> {
    worker: &'a mut A,
    contract: ContractId,
}

impl<'a, A: Asker> SystemContract<'a, A> {
    /// That of `cluster`.
    pub fn new(worker: &'a mut A, cluster: &ClusterId) -> Self {
        Self { worker, contract: system_contract_id(cluster) }
    }

    async fn ask<T: Decode>(
        &mut self,
        account: Option<&Account>,
        selector: [u8; 4],
        arguments: impl Encode,
    ) -> Result<T, WorkerError> {
        let input = [&selector[..], &arguments.encode()].concat();
        let request = call_request(self.contract, input, QueryOptions::default());
        let asked = self.worker.ask(account, request).await?;
        let output = asked.reply.result.map_err(WorkerError::Query)?;
        // The outer result is that of the call itself: `00` and the value, or an unknown selector.
        match Result::<T, u8>::decode(&mut &output.data[..]) {
            Ok(Ok(value)) if output.flags & 1 == 0 => Ok(value),
            _ => Err(WorkerError::Refused {
                worker: asked.worker,
                status: 200,
                reason: "its system contract does not answer this question".to_owned(),
            }),
        }
    }

    /// What an account has inside the cluster.
    ///
    /// # Errors
    /// As [`crate::WorkerClient::ask`].
    pub async fn balance_of(&mut self, account: &AccountId) -> Result<Balance, WorkerError> {
        self.ask(None, selector::FREE_BALANCE_OF, account).await
    }

    /// The contract or account that a driver's name stands for.
    ///
    /// # Errors
    /// As [`crate::WorkerClient::ask`].
    pub async fn driver(&mut self, name: &str) -> Result<Option<AccountId>, WorkerError> {
        self.ask(None, selector::GET_DRIVER, name).await
    }

    /// Whether a contract is an administrator.
    ///
    /// # Errors
    /// As [`crate::WorkerClient::ask`].
    pub async fn is_admin(&mut self, contract: &ContractId) -> Result<bool, WorkerError> {
        self.ask(None, selector::IS_ADMIN, contract).await
    }
}
