//! What the HTTP rim asks of the worker for clients of the original network.

use crate::service::{WorkerService, finish, refusal};
use compatible_edge::{
    method::{Encoding, Method},
    prpc::{
        CONTRACTS_ASKED_MAX, ContractId, ContractParameters, ContractQueryRequest,
        ContractQueryResponse, Empty, GetClusterInfoResponse, GetContractInfoRequest,
        GetContractInfoResponse, PhactoryInfo, SystemInfo,
    },
};
use primitives::{ClusterId, CodeHash, IdParseError, bounds::SALT_BYTES_MAX};
use prost::Message as _;
use std::str::FromStr;
use worker_core::{CompatibleRefusal, Refusal, ServingState};
use worker_rpc::{CompatibleService, Responder, ServiceError};

/// The newest interface of the original's contract runtime that is answered.
const RUNTIME_VERSION: &str = "1.2";
/// What this worker attests itself by.
const ATTESTATION: &str = "dcap";
/// What old clients are told by a worker whose operator wants none.
const CLOSED: &str = "this worker's operator has switched the protocol of the original network off: ask \
    another worker, or by protocol v1";

type Written = Result<Vec<u8>, ServiceError>;

impl CompatibleService for WorkerService {
    fn body_bytes_max(&self, method: &str) -> Option<usize> {
        Method::of(method).map(Method::body_bytes_max)
    }

    fn call(&self, method: &str, json: bool, body: &[u8], responder: Responder) {
        let encoding = encoding(json);
        if !self.compatible_edge {
            return responder.give(Err(ServiceError::BadRequest(CLOSED.to_owned())));
        }
        let written = match Method::of(method) {
            Some(Method::ContractQuery) => return self.compatible_query(encoding, body, responder),
            Some(method) => self.compatible_fact(method, encoding, body),
            None => Err(ServiceError::NotFound("Method Not Found".to_owned())),
        };
        responder.give(written);
    }

    fn write(&self, method: &str, json: bool, answer: Vec<u8>) -> Written {
        match (Method::of(method), json) {
            // Queries are answered in protobuf, whoever asks.
            (Some(Method::ContractQuery), true) => as_json(&answer),
            _ => Ok(answer),
        }
    }

    fn error(&self, json: bool, text: &str) -> Vec<u8> {
        encoding(json).error(text)
    }
}

fn encoding(json: bool) -> Encoding {
    match json {
        true => Encoding::Json,
        false => Encoding::Protobuf,
    }
}

fn read<M>(encoding: Encoding, method: Method, body: &[u8]) -> Result<M, ServiceError>
where
    M: prost::Message + Default + serde::de::DeserializeOwned,
{
    encoding
        .read(body, method.body_bytes_max())
        .map_err(|error| ServiceError::BadRequest(error.to_string()))
}

impl WorkerService {
    fn compatible_query(&self, encoding: Encoding, body: &[u8], responder: Responder) {
        let request: ContractQueryRequest = match read(encoding, Method::ContractQuery, body) {
            Ok(request) => request,
            Err(error) => return responder.give(Err(error)),
        };
        let begun = match self.queries.begin_compatible(&request, self.clock.now_ms()) {
            Ok(begun) => begun,
            Err(error) => return responder.give(Err(compatible_refusal(error))),
        };
        let (queries, receipts) = (self.queries.clone(), self.receipts.clone());
        if begun.would_wait() {
            responder.go_on_blocking(move |responder| finish(&queries, &receipts, begun, responder));
        } else {
            finish(&queries, &receipts, begun, responder);
        }
    }

    fn compatible_fact(&self, method: Method, encoding: Encoding, body: &[u8]) -> Written {
        let now_ms = self.clock.now_ms();
        match method {
            Method::GetInfo | Method::ContractQuery => {
                let Empty {} = read(encoding, method, body)?;
                Ok(encoding.write(&self.compatible_info()))
            }
            Method::GetClusterInfo => {
                let Empty {} = read(encoding, method, body)?;
                let info = self.queries.compatible_cluster(now_ms).map_err(compatible_refusal)?;
                Ok(encoding.write(&GetClusterInfoResponse { info: Some(info) }))
            }
            Method::GetContractInfo => {
                let request: GetContractInfoRequest = read(encoding, method, body)?;
                let contracts = asked_contracts(&request)?;
                let contracts = self
                    .queries
                    .compatible_contracts(&contracts, now_ms)
                    .map_err(compatible_refusal)?;
                Ok(encoding.write(&GetContractInfoResponse { contracts }))
            }
            Method::CalculateContractId => {
                let parameters: ContractParameters = read(encoding, method, body)?;
                Ok(encoding.write(&contract_id(&parameters)?))
            }
        }
    }

    fn compatible_info(&self) -> PhactoryInfo {
        let key = hex::encode(self.identity.worker().as_bytes());
        let (registered, next_block, block_time) = match self.queries.serving() {
            ServingState::NotServing => (false, 0, 0),
            ServingState::Serving { block_number, block_timestamp_ms, .. } => {
                (true, block_number.saturating_add(1), block_timestamp_ms)
            }
        };
        PhactoryInfo {
            initialized: true,
            registered,
            genesis_block_hash: Some(hex::encode(self.identity.genesis().as_bytes())),
            public_key: Some(key.clone()),
            ecdh_public_key: Some(key.clone()),
            headernum: next_block,
            para_headernum: next_block,
            blocknum: next_block,
            state_root: String::new(),
            dev_mode: self.platform.kind() == platform::PlatformKind::InsecureSimulated,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            system: Some(SystemInfo {
                registered,
                public_key: key.clone(),
                ecdh_public_key: key,
                number_of_clusters: u64::from(registered),
            }),
            current_block_time: block_time,
            max_supported_pink_runtime_version: RUNTIME_VERSION.to_owned(),
            supported_attestation_methods: vec![ATTESTATION.to_owned()],
        }
    }
}

fn as_json(bytes: &[u8]) -> Written {
    let response = ContractQueryResponse::decode(bytes)
        .map_err(|error| ServiceError::Internal(error.to_string()))?;
    Ok(Encoding::Json.write(&response))
}

/// Old clients read errors at two statuses alone: what they can mend themselves is 400.
fn compatible_refusal(error: Refusal) -> ServiceError {
    match error {
        Refusal::Compatible(CompatibleRefusal::Closed) => ServiceError::BadRequest(error.to_string()),
        error => refusal(error),
    }
}

fn asked_contracts(
    request: &GetContractInfoRequest,
) -> Result<Vec<primitives::ContractId>, ServiceError> {
    if !(1..=CONTRACTS_ASKED_MAX).contains(&request.contracts.len()) {
        return Err(ServiceError::BadRequest(format!(
            "name the contracts, from 1 to {CONTRACTS_ASKED_MAX}; the chain lists those of a cluster"
        )));
    }
    request.contracts.iter().map(|id| parsed(id, "contract")).collect()
}

fn parsed<T: FromStr<Err = IdParseError>>(text: &str, what: &str) -> Result<T, ServiceError> {
    text.parse().map_err(|error| ServiceError::BadRequest(format!("{what}: {error}")))
}

fn contract_id(parameters: &ContractParameters) -> Result<ContractId, ServiceError> {
    let deployer: primitives::AccountId = parsed(&parameters.deployer, "deployer")?;
    let cluster: ClusterId = parsed(&parameters.cluster_id, "cluster_id")?;
    let code_hash: CodeHash = parsed(&parameters.code_hash, "code_hash")?;
    let digits = parameters.salt.strip_prefix("0x").unwrap_or(&parameters.salt);
    let salt = hex::decode(digits)
        .ok()
        .filter(|salt| salt.len() <= SALT_BYTES_MAX as usize)
        .ok_or_else(|| {
            ServiceError::BadRequest(format!("salt: at most {SALT_BYTES_MAX} bytes in hexadecimal"))
        })?;
    let id = wire::domain::contract_id(deployer.as_bytes(), &code_hash, &cluster, &salt);
    Ok(ContractId { id: id.to_hex() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_contract_is_the_known_one() {
        // Expected: Python's `hashlib.blake2b` over the same bytes.
        let parameters = ContractParameters {
            deployer: format!("0x{}", "01".repeat(32)),
            cluster_id: "01".repeat(32),
            code_hash: wire::domain::code_hash(&[1, 2, 3]).to_hex(),
            salt: "0x010203".to_owned(),
        };
        assert_eq!(
            contract_id(&parameters).unwrap().id,
            "0xcb0c0ff6ffecac03ec9f9f03851e46404e8a12afa760faa22db6512759cf0155"
        );
        let wrong = ContractParameters { salt: "0x0".to_owned(), ..parameters };
        assert!(matches!(contract_id(&wrong), Err(ServiceError::BadRequest(_))));
    }

    #[test]
    fn a_question_names_its_contracts() {
        let ask = |contracts: Vec<String>| asked_contracts(&GetContractInfoRequest { contracts });
        assert!(ask(Vec::new()).is_err());
        assert!(ask(vec!["12".to_owned()]).is_err());
        assert!(ask(vec!["00".repeat(32); CONTRACTS_ASKED_MAX + 1]).is_err());
        assert_eq!(ask(vec!["00".repeat(32)]).unwrap().len(), 1);
    }
}
