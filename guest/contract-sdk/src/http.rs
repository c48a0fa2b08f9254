//! HTTP out of a contract. Queries only.
//!
//! ```
//! use contract_sdk::http::{Request, Response};
//!
//! let worker = contract_sdk::test::Worker::new();
//! worker.on_http(|request| {
//!     assert_eq!(request.url, "https://example.org/price");
//!     Ok(contract_sdk::test::response(200, r#"{"price":"1.25"}"#))
//! });
//!
//! let answer = Request::get("https://example.org/price")
//!     .header("accept", "application/json")
//!     .send()
//!     .unwrap();
//! assert_eq!(answer.status_code, 200);
//! ```
//!
//! # Limits
//! The worker bounds number, size and time of requests (`docs/contracts.md`), and reaches no address of a
//! private network but on a development network. Request and response share ink!'s static
//! buffer with everything else in the call: an answer that is longer traps.
//!
//! # Trust
//! The worker opens TLS itself: what comes over `https` comes from the named server. What comes over `http`
//! may come from anybody on the way.

use alloc::string::String;
use alloc::vec::Vec;
use contract_abi::extension::Function;
use contract_abi::http::HttpRequest;

pub use contract_abi::http::HttpError as Error;
pub use contract_abi::http::HttpResponse as Response;

/// How long a request of [`Request::send`] may take, milliseconds; the query's own end comes first.
pub const TIMEOUT_MS: u64 = 10_000;

/// A request, to be built and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request(HttpRequest);

impl Request {
    /// A request of any method.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self(HttpRequest {
            url: url.into(),
            method: method.into(),
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    /// `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// `POST` with a body.
    pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", url).body(body)
    }

    /// `PUT` with a body.
    pub fn put(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new("PUT", url).body(body)
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    /// Sends it and waits, at most [`TIMEOUT_MS`]. Any status is a response, also 404 or 500.
    ///
    /// # Errors
    /// Why there is no response; [`Error::NotAllowed`] in a transaction.
    pub fn send(self) -> Result<Response, Error> {
        let mut results = batch(alloc::vec![self], TIMEOUT_MS)?;
        results.pop().unwrap_or(Err(Error::NetworkError))
    }
}

/// `GET` of `url`; see [`Request::send`].
///
/// # Errors
/// As [`Request::send`].
pub fn get(url: impl Into<String>) -> Result<Response, Error> {
    Request::get(url).send()
}

/// `POST` of `body` to `url`; see [`Request::send`].
///
/// # Errors
/// As [`Request::send`].
pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Result<Response, Error> {
    Request::post(url, body).send()
}

/// Sends all requests at once and waits until each has an answer or `timeout_ms` are over. One result for
/// each request, in order: one that fails does not touch the others.
///
/// # Errors
/// [`Error::NotAllowed`] in a transaction, [`Error::TooManyRequests`] above the cluster's limit.
///
/// ```
/// use contract_sdk::http::{self, Error, Request};
///
/// let worker = contract_sdk::test::Worker::new();
/// worker.on_http(|request| match request.url.as_str() {
///     "https://a.example/" => Ok(contract_sdk::test::response(200, "a")),
///     _ => Err(Error::Timeout),
/// });
/// let asked = vec![Request::get("https://a.example/"), Request::get("https://b.example/")];
/// let answers = http::batch(asked, 2_000).unwrap();
/// assert_eq!(answers[0].as_ref().unwrap().body, b"a");
/// assert_eq!(answers[1], Err(Error::Timeout));
/// ```
pub fn batch(
    requests: Vec<Request>,
    timeout_ms: u64,
) -> Result<Vec<Result<Response, Error>>, Error> {
    let requests: Vec<HttpRequest> = requests.into_iter().map(|request| request.0).collect();
    crate::host::try_call(Function::BatchHttpRequest, &(requests, timeout_ms))
        .map_err(|status| Error::from_status(status).unwrap_or(Error::NetworkError))
}

/// The value of a response's header; names are compared without case.
pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut headers = response.headers.iter();
    headers
        .find(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}
