//! What auditors ask a worker: the contract's key, the steps of its history, a query with its record.

use super::{Published, QueryCapabilities, QueryService, Refusal, output, plain_output};
use crate::audit::{self, AuditKeys};
use codec::Encode;
use executor_api::{
    Context, ExecutionError, Executor, Mode, Operation, Part, Recorder, StateUnavailable, StateView,
    Turn,
};
use primitives::{AccountId, Balance, ContractId, bounds::ANSWER_BYTES_MAX};
use secrets::AuditKey;
use std::sync::atomic::{AtomicBool, Ordering};
use wire::{
    query::{QueryError, QueryOutput},
    record::Recorded,
};

/// The message by which a contract says who may audit it: `may_audit(account) -> bool`, the first four bytes
/// of Blake2b-256 of its name.
pub const MAY_AUDIT: [u8; 4] = [0xb0, 0x99, 0x9a, 0xac];
/// `Ok(true)`, as ink! 4 and 5 answer.
const YES: [u8; 2] = [0, 1];

/// Gives out contracts' audit keys. Who may have one is decided before it is asked.
pub trait Auditing: Send + Sync {
    /// The key of a contract's auditors; `None` where there is no such contract.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn audit_key(
        &self,
        state: &dyn StateView,
        contract: &ContractId,
    ) -> Result<Option<AuditKey>, StateUnavailable>;
}

impl Auditing for AuditKeys {
    fn audit_key(
        &self,
        state: &dyn StateView,
        contract: &ContractId,
    ) -> Result<Option<AuditKey>, StateUnavailable> {
        self.key_of(state, contract)
    }
}

/// A state that notices when an execution reaches another contract than this one.
struct OneContract<'a> {
    state: &'a dyn StateView,
    executor: &'a dyn Executor,
    contract: ContractId,
    crossed: AtomicBool,
}

impl StateView for OneContract<'_> {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        match self.executor.part_of(key) {
            Part::Contract(contract) if contract != self.contract => {
                self.crossed.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
        self.state.read(key)
    }
}

/// A question to a contract that is recorded.
pub(super) struct Question {
    pub contract: ContractId,
    pub input: Vec<u8>,
    pub value: Balance,
    pub gas_limit: u64,
}

impl QueryService {
    /// Asks the contract itself whether this account may audit it: as an estimate, so that the answer is a
    /// function of the state.
    fn check_auditor(
        &self,
        published: &Published,
        turn: &dyn Turn,
        asker: Option<AccountId>,
        contract: &ContractId,
    ) -> Result<Result<(), QueryError>, Refusal> {
        let Some(account) = asker else {
            return Ok(Err(QueryError::CertificateMissing));
        };
        let input = [&MAY_AUDIT[..], account.as_bytes()].concat();
        let operation = Operation::Call { contract: *contract, input, value: 0 };
        let context = Context {
            mode: Mode::Estimate,
            cluster: published.cluster,
            origin: account,
            block_number: published.block_number,
            now_ms: published.block_timestamp_ms,
            gas_limit: 0,
            storage_deposit_limit: None,
            nonce: None,
        };
        let capabilities = QueryCapabilities { cluster: &*published.capabilities, turn };
        let outcome = self
            .executor
            .execute(&*published.state, &capabilities, &context, &operation)
            .map_err(|_| Refusal::Broken)?;
        Ok(match outcome.result {
            Ok(returned) if returned.flags == 0 && returned.data == YES => Ok(()),
            Err(ExecutionError::ContractNotFound) => Err(QueryError::ContractNotFound),
            _ => Err(QueryError::Execution(
                "the contract does not say that this account may audit it: it has no message \
                 may_audit(account), or that does not answer true"
                    .to_owned(),
            )),
        })
    }

    pub(super) fn audit_key(
        &self,
        published: &Published,
        turn: &dyn Turn,
        asker: Option<AccountId>,
        contract: &ContractId,
    ) -> Result<Result<QueryOutput, QueryError>, Refusal> {
        if let Err(error) = self.check_auditor(published, turn, asker, contract)? {
            return Ok(Err(error));
        }
        let key = match &published.auditing {
            Some(auditing) => {
                auditing.audit_key(&*published.state, contract).map_err(|_| Refusal::Broken)?
            }
            None => None,
        };
        Ok(match key {
            Some(key) => Ok(plain_output(key.expose().to_vec())),
            None => Err(QueryError::ContractNotFound),
        })
    }

    pub(super) fn history(
        &self,
        published: &Published,
        turn: &dyn Turn,
        asker: Option<AccountId>,
        contract: &ContractId,
        from: u64,
    ) -> Result<Result<QueryOutput, QueryError>, Refusal> {
        if let Err(error) = self.check_auditor(published, turn, asker, contract)? {
            return Ok(Err(error));
        }
        let page = audit::steps_of(&*published.state, contract, from);
        Ok(Ok(plain_output(page.map_err(|_| Refusal::Broken)?.encode())))
    }

    /// Runs a query and writes down what the worker answered the contract.
    pub(super) fn recorded(
        &self,
        published: &Published,
        turn: &dyn Turn,
        asker: Option<AccountId>,
        question: Question,
    ) -> Result<Result<QueryOutput, QueryError>, Refusal> {
        let Question { contract, input, value, gas_limit } = question;
        let facts = self.executor.contract(&*published.state, &contract);
        let owner = facts.map_err(|_| Refusal::Broken)?.map(|facts| facts.owner);
        if (asker.is_none() || owner != asker)
            && let Err(error) = self.check_auditor(published, turn, asker, &contract)?
        {
            return Ok(Err(error));
        }
        let context = Context {
            mode: Mode::Query,
            cluster: published.cluster,
            origin: asker.unwrap_or_default(),
            block_number: published.block_number,
            now_ms: published.block_timestamp_ms,
            gas_limit,
            storage_deposit_limit: None,
            nonce: None,
        };
        let capabilities = QueryCapabilities { cluster: &*published.capabilities, turn };
        let recorder = Recorder::new(&capabilities);
        let operation = Operation::Call { contract, input, value };
        let state = OneContract {
            state: &*published.state,
            executor: &*self.executor,
            contract,
            crossed: AtomicBool::new(false),
        };
        let outcome = self
            .executor
            .execute(&state, &recorder, &context, &operation)
            .map_err(|_| Refusal::Broken)?;
        let log = recorder.into_log();
        if state.crossed.into_inner() {
            // What the worker answered another contract is not this one's owner's to see.
            let why = "the query reaches another contract: a record is of one contract alone";
            return Ok(Err(QueryError::Execution(why.to_owned())));
        }
        self.record(published, &context, &operation, &outcome);
        let output = match output(outcome) {
            Ok(output) => output,
            Err(error) => return Ok(Err(error)),
        };
        let Some(log) = log else {
            return Ok(Err(QueryError::AnswerTooLong));
        };
        let recorded = Recorded {
            output,
            next_number: published.next_number,
            block_timestamp_ms: published.block_timestamp_ms,
            log: log.encode(),
        };
        let data = recorded.encode();
        Ok(match data.len() > ANSWER_BYTES_MAX as usize {
            true => Err(QueryError::AnswerTooLong),
            false => Ok(plain_output(data)),
        })
    }
}
