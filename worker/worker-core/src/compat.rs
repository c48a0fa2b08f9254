//! Queries of clients of the original network, made into queries of protocol v1.
//!
//! A query is opened by [`compatible_edge`], becomes a [`QueryRequest`], and from there on is a query
//! like any: the same scheduler, bounds, memory of used queries and freshness. Its answer goes back in
//! the encoding of pallet-contracts, and beside it, for who wants it, as v1 has it with its receipt.
//!
//! What the format lacks is filled in so that both ends can tell: no gas limit, no least block, an
//! expiry as late as v1 allows, as nonce the first half of the query's own.

use crate::{
    identity::Identity,
    query::{Published, Refusal, coarse_gas},
};
use compatible_edge::{
    envelope::{self, AnswerSealer, OpenError},
    prpc::{ClusterInfo, ContractInfo, ContractQueryRequest},
    query::{Proof, Query, QueryData, QueryError as OldError, Response, ResponseData},
    result::{self, ContractError, Execution},
};
use executor_api::{
    Capabilities, ExecutionError, Executor, Operation, Outcome, StateUnavailable, StorageDeposit,
};
use primitives::{AccountId, ContractId, UnixMillis};
use prost::Message as _;
use std::sync::Arc;
use wire::{
    domain::{self, logger_id, system_contract_id},
    query::{QUERY_LIFETIME_MS_MAX, QueryError, QueryReply, QueryRequest, QueryTarget},
};

/// The newest interface of the original's contract runtime that is answered.
const RUNTIME_VERSION: &str = "1.2";

/// Why a query of the original network's protocol gets no sealed answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompatibleRefusal {
    /// It does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The cluster's owner has switched the protocol off.
    #[error(
        "the owner of this cluster has switched the protocol of the original network off: ask by protocol v1"
    )]
    Closed,
    /// There is no such contract. Clients look for this text.
    #[error("ContractQueryError(ContractNotFound)")]
    ContractNotFound,
}

/// A query that opened.
pub(crate) struct Opened {
    pub(crate) origin: Option<AccountId>,
    pub(crate) request: QueryRequest,
    pub(crate) sealer: Compatible,
    /// What makes the query unique.
    pub(crate) token: [u8; 32],
    /// Set where nothing is to be run.
    pub(crate) refused: Option<QueryError>,
}

/// Opens a query and makes it one of protocol v1.
pub(crate) fn open(
    identity: &Identity,
    executor: &dyn Executor,
    published: &Published,
    request: &ContractQueryRequest,
    now_ms: UnixMillis,
) -> Result<Opened, Refusal> {
    let envelope::Opened { query, origin, sender, sealer } =
        envelope::open(identity.signing(), request, published.block_number)
            .map_err(CompatibleRefusal::Open)?;
    let Query { contract, nonce, data } = query;
    let token = domain::tagged_hash(domain::COMPATIBLE_QUERY, &[&sender, &nonce]);
    let (target, input, value, estimate) = match data {
        QueryData::InkMessage { payload, transfer, estimating, .. } => {
            (QueryTarget::Call { contract }, payload, transfer, estimating)
        }
        QueryData::InkInstantiate { code_hash, salt, instantiate_data, transfer, .. } => {
            (QueryTarget::Instantiate { code_hash, salt }, instantiate_data, transfer, true)
        }
        QueryData::SidevmQuery(question) => (QueryTarget::Logger, question, 0, false),
    };
    let is_logger = matches!(target, QueryTarget::Logger);
    let problem = if is_logger && contract != logger_id(&published.cluster) {
        match executor.contract(&*published.state, &contract).map_err(|_| Refusal::Broken)? {
            None => return Err(CompatibleRefusal::ContractNotFound.into()),
            Some(_) => Some(OldError::SidevmNotFound),
        }
    } else if !is_logger && origin.is_none() {
        Some(OldError::BadOrigin)
    } else {
        None
    };
    let mut short_nonce = [0; 16];
    short_nonce.copy_from_slice(&nonce[..16]);
    let request = QueryRequest {
        target,
        input,
        value,
        gas_limit: 0,
        estimate,
        minimum_block: 0,
        expires_at_ms: now_ms.saturating_add(QUERY_LIFETIME_MS_MAX),
        nonce: short_nonce,
        receipt: true,
    };
    let refused = problem.is_some().then_some(QueryError::CertificateMissing);
    let sealer = Compatible {
        sealer,
        entropy: published.capabilities.clone(),
        // The log is of this worker, not of the state: what it says has no receipt.
        request: (!is_logger).then(|| request.clone()),
        problem,
        noted: None,
    };
    Ok(Opened { origin, request, sealer, token, refused })
}

/// What seals the answer to a query of the original network.
pub(crate) struct Compatible {
    sealer: AnswerSealer,
    entropy: Arc<dyn Capabilities>,
    /// The query as it is run, where its answer may have a receipt.
    request: Option<QueryRequest>,
    /// Why nothing is run, known since opening.
    problem: Option<OldError>,
    noted: Option<Noted>,
}

/// Of an execution, what an answer of protocol v1 does not say.
pub(crate) struct Noted {
    pub(crate) gas_consumed: u64,
    pub(crate) gas_required: u64,
    pub(crate) storage_deposit: StorageDeposit,
    pub(crate) debug_message: Vec<u8>,
    /// Why there is no return value.
    pub(crate) error: Option<ContractError>,
    /// The contract that a constructor made.
    pub(crate) made: Option<ContractId>,
}

impl Noted {
    pub(crate) fn of(outcome: &Outcome, made: Option<ContractId>) -> Self {
        Self {
            gas_consumed: outcome.gas_consumed,
            gas_required: outcome.gas_required,
            storage_deposit: outcome.storage_deposit,
            debug_message: debug_message(outcome),
            error: outcome.result.as_ref().err().map(contract_error),
            made,
        }
    }

    /// The result in the encoding of pallet-contracts; `None` for an execution without return value.
    pub(crate) fn encode(&self, returned: Option<(u32, &[u8])>) -> Vec<u8> {
        let execution = Execution {
            gas_consumed: self.gas_consumed,
            gas_required: self.gas_required,
            storage_deposit: match self.storage_deposit {
                StorageDeposit::Refund(amount) => result::StorageDeposit::Refund(amount),
                StorageDeposit::Charge(amount) => result::StorageDeposit::Charge(amount),
            },
            debug_message: &self.debug_message,
            result: returned.ok_or(self.error.unwrap_or(ContractError::ContractTrapped)),
        };
        match &self.made {
            None => execution.encode_call(),
            Some(contract) => execution.encode_instantiation(contract),
        }
    }
}

/// What the contract wrote, and after it why it did not return.
pub(crate) fn debug_message(outcome: &Outcome) -> Vec<u8> {
    let mut message = outcome.debug_message.clone();
    if let Err(error) = &outcome.result {
        if !message.is_empty() {
            message.push(b'\n');
        }
        message.extend_from_slice(error.to_string().as_bytes());
    }
    message
}

/// The error of pallet-contracts that comes closest.
pub(crate) fn contract_error(error: &ExecutionError) -> ContractError {
    match error {
        ExecutionError::ContractNotFound => ContractError::ContractNotFound,
        ExecutionError::CodeNotFound => ContractError::CodeNotFound,
        ExecutionError::OutOfGas => ContractError::OutOfGas,
        ExecutionError::BalanceTooLow => ContractError::TransferFailed,
        _ => ContractError::ContractTrapped,
    }
}

impl Compatible {
    /// Takes note of what was run.
    pub(crate) fn note(&mut self, outcome: &Outcome, operation: &Operation) {
        let made = match operation {
            Operation::Instantiate { contract, .. } => Some(*contract),
            _ => None,
        };
        let mut noted = Noted::of(outcome, made);
        noted.gas_consumed = coarse_gas(noted.gas_consumed);
        noted.gas_required = coarse_gas(noted.gas_required);
        self.noted = Some(noted);
    }

    /// Seals the answer, in the original network's format.
    pub(crate) fn seal(self, reply: QueryReply) -> Result<Vec<u8>, Refusal> {
        let result = self.result(&reply)?;
        let response = Response { nonce: self.sealer.nonce(), result };
        let mut iv = [0; 12];
        self.entropy.fill_random(&mut iv);
        let block = reply.block_number;
        let proof = match self.request {
            Some(request) if reply.receipt.is_some() => Some(Proof { request, reply }),
            _ => None,
        };
        self.sealer
            .seal(iv, &response, proof.as_ref(), block)
            .map(|response| response.encode_to_vec())
            .map_err(|_| Refusal::Broken)
    }

    fn result(
        &self,
        reply: &QueryReply,
    ) -> Result<Result<ResponseData, OldError>, CompatibleRefusal> {
        if let Some(problem) = &self.problem {
            return Ok(Err(problem.clone()));
        }
        let payload = |bytes| Ok(Ok(ResponseData::Payload(bytes)));
        match (&reply.result, &self.noted) {
            (Err(QueryError::ContractNotFound), _) => Err(CompatibleRefusal::ContractNotFound),
            (Err(QueryError::Execution(_)), Some(noted)) => payload(noted.encode(None)),
            (Err(error), _) => Ok(Err(OldError::RuntimeError(text(error)))),
            (Ok(output), Some(noted)) => payload(noted.encode(Some((output.flags, &output.data)))),
            (Ok(output), None) => payload(output.data.clone()),
        }
    }
}

fn text(error: &QueryError) -> String {
    match error {
        QueryError::Replayed => "the query was seen before".to_owned(),
        QueryError::AnswerTooLong => "the answer is longer than a worker sends".to_owned(),
        QueryError::Execution(reason) | QueryError::Certificate(reason) => reason.clone(),
        QueryError::Expired => "the query has lapsed".to_owned(),
        QueryError::BlockNotReached { have } => format!("the worker is at block {have} only"),
        QueryError::OutcomeNotFound
        | QueryError::ContractNotFound
        | QueryError::CertificateMissing => "there is nothing under this name".to_owned(),
    }
}

pub(crate) fn cluster_info(published: &Published) -> ClusterInfo {
    ClusterInfo {
        id: published.cluster.to_hex(),
        runtime_version: RUNTIME_VERSION.to_owned(),
        state_root: published.state_root.to_hex(),
        system_contract: system_contract_id(&published.cluster).to_hex(),
        logger_contract: logger_id(&published.cluster).to_hex(),
    }
}

pub(crate) fn contract_infos(
    executor: &dyn Executor,
    published: &Published,
    contracts: &[ContractId],
) -> Result<Vec<ContractInfo>, StateUnavailable> {
    let mut infos = Vec::with_capacity(contracts.len());
    for contract in contracts {
        if let Some(facts) = executor.contract(&*published.state, contract)? {
            infos.push(ContractInfo {
                id: contract.to_hex(),
                code_hash: facts.code_hash.to_hex(),
                weight: facts.weight,
            });
        }
    }
    Ok(infos)
}
