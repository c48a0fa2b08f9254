//! HTTP out of contracts: what a query of a contract asks of the Internet, within bounds, and never of
//! the network that the worker itself is in.
//!
//! # How it works
//! [`Egress`] implements [`executor_api::HttpClient`]. Its `send` blocks the thread of the query; the
//! requests of a batch run at once on a small asynchronous runtime of the crate's own. Each request
//! opens a connection of its own and closes it: nothing is pooled, so that no response, and no state of
//! a connection, can get from one contract to another. HTTP/1.1 is spoken, over TLS 1.2 or 1.3 for
//! `https`. There is no proxy, no cookie, no cache, no decompression, and nothing in a request that says
//! which worker sent it, apart from the address that it comes from.
//!
//! # Threats
//! - **A contract that wants into the worker's network** (server-side request forgery). URLs pass
//!   [`EgressPolicy::check_url`]; names are resolved here, once, and each address passes
//!   [`EgressPolicy::check_address`]; connections are opened to an [`AllowedAddress`] and nothing else.
//!   A name that resolves differently a moment later changes nothing. Every redirect goes through all
//!   of it again.
//! - **A contract that writes more than one request** into a connection: headers that rule framing or
//!   the connection are refused, those that repeat URL or body must be true.
//! - **A contract that takes everything**: requests on their way and bytes in memory are counted, for
//!   all and for each contract; what does not fit is refused at once. See [`EgressLimits`].
//! - **A peer that sends without end, or slowly, or a great many headers**: deadline, bounds of head and
//!   body, and a bound of all bytes of a connection.
//! - **A server that redirects to catch secrets**: at most [`REDIRECTS_MAX`], never from `https` to
//!   `http`; to another origin only harmless headers follow. The body follows a 307 or 308, as RFC 9110
//!   has it.
//! - **The host** sees addresses, names (DNS and SNI) and sizes, and can refuse anything. It cannot read
//!   or change what is sent to `https`: the roots are compiled in. It rules the clock, though, and with
//!   it whether a certificate is expired; [`EgressConfig::certificate_time`] takes a better one.
//!   Revocation is not checked. Plain `http` protects nothing.
//!
//! # What errors mean
//! | error | when |
//! |---|---|
//! | `InvalidUrl`, `InvalidMethod` | see [`EgressPolicy::check_url`]; `CONNECT`, `TRACE`, no token |
//! | `InvalidHeaderName` | no name, or one that rules the connection |
//! | `InvalidHeaderValue` | no value, or a `host` or `content-length` that is not true |
//! | `FailedToCreateClient` | a bug |
//! | `Timeout` | the deadline passed, also while a name was resolved |
//! | `NotAllowed` | address, port or redirect that the policy does not allow; a request's body above the bound |
//! | `TooManyRequests` | the contract or the worker has too many requests or bytes on their way; another time |
//! | `NetworkError` | no such name, no connection, TLS, a broken response, too many redirects |
//! | `ResponseTooLarge` | the body, or all that the peer sent |
//! | `TooManyHeaders` | too many or too long: of the response, or of the request |
//!
//! # Example
//! ```
//! use executor_api::{HttpBounds, HttpClient as _};
//! use http_egress::{Egress, EgressConfig};
//! use contract_abi::http::{HttpError, HttpRequest};
//! use std::time::{Duration, Instant};
//!
//! let egress = Egress::new(EgressConfig::default())?;
//! let request = HttpRequest {
//!     url: "http://0x7f.1:8080/".into(),
//!     method: "GET".into(),
//!     headers: vec![],
//!     body: vec![],
//! };
//! let bounds = HttpBounds {
//!     deadline: Instant::now() + Duration::from_secs(5),
//!     body_bytes_max: 1 << 20,
//! };
//! let results = egress.send(&primitives::ContractId([7; 32]), vec![request], bounds);
//! assert_eq!(results, [Err(HttpError::NotAllowed)]);
//! # Ok::<(), http_egress::EgressError>(())
//! ```

#![deny(missing_docs)]

mod address;
mod connect;
mod exchange;
mod ledger;
mod meter;
mod policy;
mod request;

pub use address::{AddressKind, classify};
pub use connect::{ADDRESSES_MAX, CertificateTime, Resolver, SystemResolver};
pub use exchange::{REDIRECTS_MAX, RESPONSE_HEAD_BYTES_MAX, RESPONSE_HEADERS_MAX};
pub use ledger::Load;
pub use policy::{AllowedAddress, EgressPolicy, Place, Target, URL_BYTES_MAX};
pub use request::{REQUEST_HEADER_BYTES_MAX, REQUEST_HEADERS_MAX};

use connect::Connector;
use contract_abi::http::{HttpError, HttpRequest, HttpResponse};
use executor_api::{HttpBounds, HttpClient};
use http::HeaderValue;
use ledger::{Bounds, Ledger, Slot};
use primitives::ContractId;
use request::Prepared;
use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// Most requests of one [`HttpClient::send`]; as many as a cluster may at most allow in a batch.
pub const BATCH_MAX: usize = 64;

/// How long after the deadline `send` waits for requests to say themselves that it has passed.
const GRACE: Duration = Duration::from_millis(100);

/// What contracts of a worker may use together.
#[derive(Clone, Copy, Debug)]
pub struct EgressLimits {
    /// Most requests on their way, of all contracts. Also the most threads that resolve names.
    pub requests_max: usize,
    /// Most requests on their way of one contract.
    pub requests_per_contract_max: usize,
    /// Most bytes of requests and responses in memory, of all contracts. One contract alone gets half.
    pub bytes_max: usize,
    /// Longest that a request may take, whatever the deadline.
    pub time_max: Duration,
}

impl Default for EgressLimits {
    fn default() -> Self {
        Self {
            requests_max: 256,
            requests_per_contract_max: 64,
            bytes_max: 256 * 1024 * 1024,
            time_max: Duration::from_secs(60),
        }
    }
}

/// How HTTP leaves the worker.
#[derive(Clone)]
pub struct EgressConfig {
    /// Where to.
    pub policy: EgressPolicy,
    /// How much.
    pub limits: EgressLimits,
    /// The `user-agent` of requests that bring none.
    pub user_agent: String,
    /// Certificates (DER) that all contracts trust beside Mozilla's: **insecure** but for tests and
    /// development, since their holders can be any server for any contract.
    pub insecure_extra_roots: Vec<Vec<u8>>,
    /// Turns names into addresses.
    pub resolver: Arc<dyn Resolver>,
    /// The time by which certificates are judged; `None` for the host's clock, which the host can set.
    pub certificate_time: Option<CertificateTime>,
    /// Threads of the runtime.
    pub threads: usize,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            policy: EgressPolicy::default(),
            limits: EgressLimits::default(),
            user_agent: "phat-contract/1".to_owned(),
            insecure_extra_roots: Vec::new(),
            resolver: Arc::new(SystemResolver),
            certificate_time: None,
            threads: 2,
        }
    }
}

/// Why there is no [`Egress`].
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The operating system gives no threads.
    #[error("the runtime of contracts' HTTP cannot be started")]
    Runtime(#[source] io::Error),
    /// An extra root is no certificate.
    #[error("TLS of contracts' HTTP cannot be set up; are the extra roots certificates in DER?")]
    Tls(#[source] rustls::Error),
    /// The user agent cannot stand in a header.
    #[error("the user agent of contracts' HTTP is no header value; use visible ASCII")]
    UserAgent,
    /// A limit is zero.
    #[error("a limit of contracts' HTTP, or its number of threads, is zero")]
    NoRoom,
}

/// HTTP out of contracts. See the crate's documentation.
///
/// Dropping it ends the requests that are on their way, without waiting.
pub struct Egress {
    connector: Arc<Connector>,
    ledger: Arc<Ledger>,
    user_agent: HeaderValue,
    time_max: Duration,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

type Done = (usize, Result<HttpResponse, HttpError>, Arc<Slot>);

impl Egress {
    /// Starts the runtime; needs none around it.
    ///
    /// # Errors
    /// When the configuration is not usable, or there are no threads.
    pub fn new(config: EgressConfig) -> Result<Self, EgressError> {
        let limits = config.limits;
        let counts = [
            limits.requests_max,
            limits.requests_per_contract_max,
            limits.bytes_max,
            config.threads,
        ];
        if counts.contains(&0) {
            return Err(EgressError::NoRoom);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads)
            // One for each request, so that no lookup waits for those of another contract.
            .max_blocking_threads(limits.requests_max)
            .thread_name("http-egress")
            .enable_all()
            .build()
            .map_err(EgressError::Runtime)?;
        let tls = connect::tls(&config.insecure_extra_roots, config.certificate_time)
            .map_err(EgressError::Tls)?;
        Ok(Self {
            connector: Arc::new(Connector {
                policy: config.policy,
                resolver: config.resolver,
                tls,
            }),
            ledger: Ledger::new(Bounds {
                requests_max: limits.requests_max,
                requests_per_contract_max: limits.requests_per_contract_max,
                bytes_max: limits.bytes_max,
            }),
            user_agent: HeaderValue::from_str(&config.user_agent)
                .map_err(|_| EgressError::UserAgent)?,
            time_max: limits.time_max,
            runtime: Some(runtime),
        })
    }

    /// What contracts use now; for the operator's numbers.
    pub fn load(&self) -> Load {
        self.ledger.load()
    }

    /// Checks a request and finds room for it.
    fn admit(
        &self,
        contract: &ContractId,
        body_bytes_max: usize,
        request: HttpRequest,
    ) -> Result<(Prepared, Arc<Slot>), HttpError> {
        let prepared = Prepared::new(
            &self.connector.policy,
            &self.user_agent,
            body_bytes_max,
            request,
        )?;
        let slot = self.ledger.admit(contract);
        let slot = slot.ok_or(HttpError::TooManyRequests)?;
        if !slot.take_bytes(prepared.bytes()) {
            return Err(HttpError::TooManyRequests);
        }
        Ok((prepared, Arc::new(slot)))
    }
}

impl HttpClient for Egress {
    fn send(
        &self,
        contract: &ContractId,
        requests: Vec<HttpRequest>,
        bounds: HttpBounds,
    ) -> Vec<Result<HttpResponse, HttpError>> {
        let Some(runtime) = &self.runtime else {
            return vec![Err(HttpError::FailedToCreateClient); requests.len()];
        };
        if requests.len() > BATCH_MAX {
            return vec![Err(HttpError::TooManyRequests); requests.len()];
        }
        let latest = Instant::now().checked_add(self.time_max);
        let deadline = latest.map_or(bounds.deadline, |latest| latest.min(bounds.deadline));
        let body_bytes_max = bounds.body_bytes_max as usize;
        let (sender, receiver) = mpsc::channel::<Done>();
        let mut results = Vec::with_capacity(requests.len());
        for (index, request) in requests.into_iter().enumerate() {
            let (prepared, slot) = match self.admit(contract, body_bytes_max, request) {
                Ok(admitted) => admitted,
                Err(error) => {
                    results.push(Some(Err(error)));
                    continue;
                }
            };
            results.push(None);
            let connector = Arc::clone(&self.connector);
            let sender = sender.clone();
            runtime.spawn(async move {
                let exchange = exchange::run(&connector, prepared, &slot, body_bytes_max);
                let result = tokio::time::timeout_at(deadline.into(), exchange).await;
                let result = result.unwrap_or(Err(HttpError::Timeout));
                // Nobody listens any more if the query was given up.
                let _unheard = sender.send((index, result, slot));
            });
        }
        drop(sender);
        let missing = loop {
            let left = (deadline + GRACE).saturating_duration_since(Instant::now());
            match receiver.recv_timeout(left) {
                Ok((index, result, _slot)) => {
                    if let Some(place) = results.get_mut(index) {
                        *place = Some(result);
                    }
                }
                Err(RecvTimeoutError::Timeout) => break HttpError::Timeout,
                // All have answered; one that has not was ended by a bug.
                Err(RecvTimeoutError::Disconnected) => break HttpError::FailedToCreateClient,
            }
        };
        results
            .into_iter()
            .map(|result| result.unwrap_or(Err(missing)))
            .collect()
    }
}

impl Drop for Egress {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting is not allowed where another runtime drops this.
            runtime.shutdown_background();
        }
    }
}
