//! One worker, spoken to in protocol v1.

use crate::{Account, WorkerError, WorkerRecord, now_ms};
use attestation::Evidence;
use primitives::{
    AccountId, BlockNumber, CodeHash, ContractId, GenesisHash, WorkerId, bounds,
};
use rand_core::{OsRng, RngCore};
use secrets::client::{ClientError, ClientSession, Identity, SessionOpener, WorkerAddress, seal_query};
use std::time::Duration;
use wire::{
    audit::{ContractRootProof, ROOT_PROOF_BYTES_MAX},
    query::{CommandOutcome, QueryReply, QueryRequest, QueryTarget},
    receipt::{LogInclusion, Receipt},
    registration::WorkerRegistration,
};

/// How long a session key's certificate is made to last, milliseconds.
const CERTIFICATE_LIFETIME_MS: u64 = 60 * 60 * 1000;
/// How long a query may take to arrive, milliseconds.
const QUERY_LIFETIME_MS: u64 = 60 * 1000;
/// How long one HTTP request may take: a query may compute, and wait for others' turns.
const HTTP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a worker may take to say that it is there at all.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// A worker that does not know the session.
const STATUS_GONE: u16 = 410;
/// Longest place in a log: 16 siblings and three numbers.
const LOG_BYTES_MAX: u32 = 1024;
/// The status of an answer that will be there later.
const STATUS_UNAVAILABLE: u16 = 503;
/// Longest reply: an answer, its padding and its receipt.
const REPLY_BYTES_MAX: usize = bounds::ANSWER_BYTES_MAX as usize + 64 * 1024;

/// How to ask.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueryOptions {
    /// The state must be at least as new as this final block.
    pub minimum_block: BlockNumber,
    /// Whether to ask for a receipt.
    pub receipt: bool,
    /// Whether to run as a transaction would, to learn its cost.
    pub estimate: bool,
}

/// A question with its answer, whom it was asked for, and who answered.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who answered.
    pub worker: WorkerId,
    /// The question.
    pub request: QueryRequest,
    /// For whom.
    pub origin: Option<AccountId>,
    /// The answer.
    pub reply: QueryReply,
}

/// One worker, with a session once one is needed.
pub struct WorkerClient {
    http: reqwest::Client,
    /// Where it says that it can be reached; never empty.
    urls: Vec<String>,
    /// Which of them is used: the next one after each that did not answer.
    place: usize,
    address: WorkerAddress,
    session: Option<(Option<AccountId>, ClientSession)>,
}

impl WorkerClient {
    /// A worker as the chain, proven, knows it.
    ///
    /// # Errors
    /// When it announces no endpoint.
    pub fn new(genesis: GenesisHash, record: &WorkerRecord) -> Result<Self, WorkerError> {
        let worker = record.info.worker;
        let url = record.endpoints.first().ok_or(WorkerError::NoEndpoint(worker))?;
        let urls = record.endpoints.iter().map(|url| url.trim_end_matches('/').to_owned());
        let http = reqwest::Client::builder()
            .timeout(HTTP_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| WorkerError::Unreachable {
                worker,
                url: url.clone(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            http,
            urls: urls.collect(),
            place: 0,
            address: WorkerAddress {
                genesis,
                worker,
                hpke_public_key: record.info.hpke_public_key,
            },
            session: None,
        })
    }

    /// Which worker.
    pub fn worker(&self) -> WorkerId {
        self.address.worker
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        self.urls.get(self.place).map_or("", String::as_str)
    }

    /// After a failure: the worker's next URL, and no session.
    pub(crate) fn go_elsewhere(&mut self) {
        self.place = (self.place + 1) % self.urls.len().max(1);
        self.session = None;
    }

    /// Whether this is what the chain has of the worker.
    pub(crate) fn is_of(&self, record: &WorkerRecord) -> bool {
        let urls = record.endpoints.iter().map(|url| url.trim_end_matches('/'));
        self.address.worker == record.info.worker
            && self.address.hpke_public_key == record.info.hpke_public_key
            && self.urls.iter().map(String::as_str).eq(urls)
    }

    /// Mailbox entries that the worker has run, by its own word.
    pub(crate) async fn next_number(&self) -> Option<u64> {
        self.info().await.ok()?.get("serving")?.get("next_number")?.as_u64()
    }

    /// Resolves only when the worker answers nothing at all any more. `silent` is the pause before it is
    /// asked, each time.
    pub(crate) fn until_dead(
        &self,
        silent: Duration,
    ) -> impl Future<Output = WorkerError> + Send + use<> {
        let (http, url, worker) = (self.http.clone(), self.url().to_owned(), self.worker());
        async move {
            loop {
                tokio::time::sleep(silent).await;
                let looked =
                    http.get(format!("{url}/v1/info")).timeout(PROBE_TIMEOUT).send().await;
                if looked.is_err() {
                    let silent = silent + PROBE_TIMEOUT;
                    return WorkerError::Silent { worker, url, silent };
                }
            }
        }
    }

    /// The key material that messages to it are sealed with.
    pub fn address(&self) -> &WorkerAddress {
        &self.address
    }

    fn unreachable(&self, error: reqwest::Error) -> WorkerError {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            reason = cause.to_string();
            source = cause.source();
        }
        WorkerError::Unreachable { worker: self.address.worker, url: self.url().to_owned(), reason }
    }

    fn not_authentic(&self, source: ClientError) -> WorkerError {
        WorkerError::NotAuthentic { worker: self.address.worker, source }
    }

    /// Posts bytes and gives the answer's; an error of the worker becomes one here.
    ///
    /// # Errors
    /// When it does not answer, or refuses.
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, WorkerError> {
        let request = self.http.post(format!("{}{path}", self.url())).body(body);
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, WorkerError> {
        let mut response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| self.unreachable(error))?
        {
            if bytes.len() + chunk.len() > REPLY_BYTES_MAX {
                return Err(WorkerError::Refused {
                    worker: self.address.worker,
                    status: status.as_u16(),
                    reason: format!("its answer is longer than {REPLY_BYTES_MAX} bytes"),
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(bytes);
        }
        let reason = serde_json::from_slice::<serde_json::Value>(&bytes)
            .ok()
            .and_then(|json| json.get("error")?.as_str().map(str::to_owned))
            .unwrap_or_else(|| status.to_string());
        let status = status.as_u16();
        Err(WorkerError::Refused { worker: self.address.worker, status, reason })
    }

    /// Where a batch of receipts stands in the worker's log; `None` while that is not on chain. `signed` is
    /// what the worker signed for the batch.
    ///
    /// # Errors
    /// When it does not answer, or does not know the batch.
    pub async fn receipt_log(&self, signed: &[u8; 32]) -> Result<Option<LogInclusion>, WorkerError> {
        let url = format!("{}/v1/receipt-log/{}", self.url(), hex::encode(signed));
        let bytes = match self.send(self.http.get(url)).await {
            Ok(bytes) => bytes,
            Err(WorkerError::Refused { status: STATUS_UNAVAILABLE, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        wire::decode_all(&bytes, LOG_BYTES_MAX).map(Some).map_err(|error| WorkerError::Refused {
            worker: self.address.worker,
            status: 200,
            reason: format!("its log cannot be read: {error}"),
        })
    }

    /// A contract's commitment under the root that the cluster agreed on last; untrusted until checked.
    ///
    /// # Errors
    /// When it does not answer, or does not hold that state.
    pub async fn contract_root(
        &self,
        contract: &ContractId,
    ) -> Result<ContractRootProof, WorkerError> {
        let url = format!("{}/v1/contract-root/{}", self.url(), hex::encode(contract.0));
        let bytes = self.send(self.http.get(url)).await?;
        wire::decode_all(&bytes, ROOT_PROOF_BYTES_MAX).map_err(|error| WorkerError::Refused {
            worker: self.address.worker,
            status: 200,
            reason: format!("its proof of a contract's root cannot be read: {error}"),
        })
    }

    /// What the worker says of itself, by its own word.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn info(&self) -> Result<serde_json::Value, WorkerError> {
        let bytes = self.send(self.http.get(format!("{}/v1/info", self.url()))).await?;
        serde_json::from_slice(&bytes).map_err(|error| WorkerError::Refused {
            worker: self.address.worker,
            status: 200,
            reason: format!("its description of itself is not JSON: {error}"),
        })
    }

    /// The evidence that the worker registered with, and what it vouches for; untrusted until judged.
    ///
    /// # Errors
    /// When it does not answer or has none.
    pub async fn evidence_and_registration(
        &self,
    ) -> Result<(Evidence, WorkerRegistration), WorkerError> {
        let bytes = self.send(self.http.get(format!("{}/v1/evidence", self.url()))).await?;
        let bytes_max = bounds::QUOTE_BYTES_MAX + bounds::COLLATERAL_BYTES_MAX + 1024;
        wire::decode_all(&bytes, bytes_max).map_err(|error| WorkerError::Refused {
            worker: self.address.worker,
            status: 200,
            reason: format!("its evidence cannot be read: {error}"),
        })
    }

    /// Opens a session, for an account or for nobody in particular.
    ///
    /// # Errors
    /// When the worker does not answer, refuses, or is not the attested one.
    pub async fn open_session(&mut self, account: Option<&Account>) -> Result<(), WorkerError> {
        let issued = account.map(|account| {
            let expires_at_ms = now_ms() + CERTIFICATE_LIFETIME_MS;
            account.issue_session_key(&self.address.genesis, expires_at_ms)
        });
        let identity = issued.as_ref().map(|(session_key, certificate)| Identity {
            session_key,
            certificate: certificate.clone(),
        });
        let (opening, opener) =
            SessionOpener::start(&self.address, identity, now_ms(), &mut OsRng)
                .map_err(|error| self.not_authentic(error))?;
        let answer = self.post("/v1/session", opening).await?;
        let session = opener.finish(&answer).map_err(|error| self.not_authentic(error))?;
        self.session = Some((account.map(Account::id), session));
        Ok(())
    }

    /// Asks in a session; opens one if there is none for this account.
    ///
    /// # Errors
    /// When the worker does not answer, refuses, or its answer is not authentic. An error of the
    /// contract or the query is inside [`Asked::reply`].
    pub async fn ask(
        &mut self,
        account: Option<&Account>,
        request: QueryRequest,
    ) -> Result<Asked, WorkerError> {
        let origin = account.map(Account::id);
        let usable = self.session.as_ref().is_some_and(|(whose, session)| {
            *whose == origin && session.expires_at_ms() > now_ms() + QUERY_LIFETIME_MS
        });
        if !usable {
            self.open_session(account).await?;
        }
        match self.ask_in_session(origin, &request).await {
            // A restarted worker has forgotten the session: nothing of the query was run.
            Err(WorkerError::Refused { status: STATUS_GONE, .. }) if usable => {
                self.open_session(account).await?;
                self.ask_in_session(origin, &request).await
            }
            other => other,
        }
    }

    async fn ask_in_session(
        &mut self,
        origin: Option<AccountId>,
        request: &QueryRequest,
    ) -> Result<Asked, WorkerError> {
        let Some((_, session)) = &self.session else {
            return Err(WorkerError::NoEndpoint(self.address.worker));
        };
        let (envelope, pending) =
            session.seal(request).map_err(|error| self.not_authentic(error))?;
        let answer = match self.post("/v1/query", envelope).await {
            Ok(answer) => answer,
            Err(error) => {
                self.session = None;
                return Err(error);
            }
        };
        let reply = pending.open(&answer).map_err(|error| self.not_authentic(error))?;
        self.checked(origin, request.clone(), reply)
    }

    /// What an answer says of itself must fit the question.
    fn checked(
        &self,
        origin: Option<AccountId>,
        request: QueryRequest,
        reply: QueryReply,
    ) -> Result<Asked, WorkerError> {
        let worker = self.address.worker;
        let (block, minimum) = (reply.block_number, request.minimum_block);
        if reply.result.is_ok() && block < minimum {
            return Err(WorkerError::TooOld { worker, block, minimum });
        }
        check_receipt(worker, &origin, &request, &reply)?;
        Ok(Asked { worker, request, origin, reply })
    }

    /// Asks once, without a session.
    ///
    /// # Errors
    /// As [`WorkerClient::ask`].
    pub async fn ask_once(
        &self,
        account: Option<&Account>,
        request: QueryRequest,
    ) -> Result<Asked, WorkerError> {
        let issued = account.map(|account| {
            let expires_at_ms = now_ms() + CERTIFICATE_LIFETIME_MS;
            account.issue_session_key(&self.address.genesis, expires_at_ms)
        });
        let identity = issued.as_ref().map(|(session_key, certificate)| Identity {
            session_key,
            certificate: certificate.clone(),
        });
        let (envelope, pending) =
            seal_query(&self.address, identity, request.clone(), &mut OsRng)
                .map_err(|error| self.not_authentic(error))?;
        let answer = self.post("/v1/query", envelope).await?;
        let reply = pending.open(&answer).map_err(|error| self.not_authentic(error))?;
        self.checked(account.map(Account::id), request, reply)
    }

    /// The outcome of a mailbox entry that `account` sent, as soon as the worker has run it.
    ///
    /// # Errors
    /// As [`WorkerClient::ask`], and [`WorkerError::Query`] where there is no outcome yet.
    pub async fn outcome(
        &mut self,
        account: &Account,
        number: u64,
        minimum_block: BlockNumber,
    ) -> Result<CommandOutcome, WorkerError> {
        let asked = self.ask(Some(account), outcome_request(number, minimum_block)).await?;
        read_outcome(&asked)
    }
}

/// The outcome in an answer to [`outcome_request`].
pub(crate) fn read_outcome(asked: &Asked) -> Result<CommandOutcome, WorkerError> {
    let output = asked.reply.result.as_ref().map_err(|error| WorkerError::Query(error.clone()))?;
    wire::decode_all(&output.data, bounds::ANSWER_BYTES_MAX).map_err(|_| WorkerError::Refused {
        worker: asked.worker,
        status: 200,
        reason: "its outcome cannot be read".to_owned(),
    })
}

pub(crate) fn request(target: QueryTarget, input: Vec<u8>, options: QueryOptions) -> QueryRequest {
    let mut nonce = [0; 16];
    OsRng.fill_bytes(&mut nonce);
    QueryRequest {
        target,
        input,
        value: 0,
        gas_limit: 0,
        estimate: options.estimate,
        minimum_block: options.minimum_block,
        expires_at_ms: now_ms() + QUERY_LIFETIME_MS,
        nonce,
        receipt: options.receipt,
    }
}

/// A question to a contract.
pub fn call_request(contract: ContractId, input: Vec<u8>, options: QueryOptions) -> QueryRequest {
    request(QueryTarget::Call { contract }, input, options)
}

/// A question what became of a mailbox entry; it needs the account that sent it.
pub fn outcome_request(number: u64, minimum_block: BlockNumber) -> QueryRequest {
    let options = QueryOptions { minimum_block, ..Default::default() };
    request(QueryTarget::Outcome { number }, Vec::new(), options)
}

/// A question about what contracts wrote: JSON, as `docs/protocol/query.md` says.
pub fn logger_request(question: &serde_json::Value) -> QueryRequest {
    let input = question.to_string().into_bytes();
    request(QueryTarget::Logger, input, QueryOptions::default())
}

/// A question what a constructor would do.
pub fn instantiate_request(
    code_hash: CodeHash,
    salt: Vec<u8>,
    input: Vec<u8>,
    options: QueryOptions,
) -> QueryRequest {
    request(QueryTarget::Instantiate { code_hash, salt }, input, options)
}

/// A receipt that was asked for must be there, and be about this question and this answer.
fn check_receipt(
    worker: WorkerId,
    origin: &Option<AccountId>,
    request: &QueryRequest,
    reply: &QueryReply,
) -> Result<(), WorkerError> {
    if !request.receipt || reply.result.is_err() {
        return Ok(());
    }
    let Some(Receipt { body, .. }) = &reply.receipt else { return Err(WorkerError::Receipt(worker)) };
    let fits = body.worker == worker
        && body.request_commitment == wire::query::request_commitment(origin, request)
        && body.answer_commitment == wire::query::answer_commitment(&request.nonce, &reply.result)
        && body.block_number == reply.block_number
        && body.block_hash == reply.block_hash
        && body.state_root == reply.state_root;
    if fits { Ok(()) } else { Err(WorkerError::Receipt(worker)) }
}

/// What a worker at `url` says of itself; by its own word, so only good for looking around.
///
/// # Errors
/// When nothing answers there, or not with JSON.
pub async fn fetch_info(url: &str) -> Result<serde_json::Value, String> {
    let response = reqwest::Client::new()
        .get(format!("{}/v1/info", url.trim_end_matches('/')))
        .timeout(Duration::from_secs(5))
        .send()
        .await
        .map_err(|error| error.to_string())?;
    response.json().await.map_err(|error| error.to_string())
}
