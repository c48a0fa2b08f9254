//! A request as a contract wrote it, checked; and what becomes of it at a redirect.

use crate::policy::{EgressPolicy, Target};
use bytes::Bytes;
use contract_abi::http::{HttpError, HttpRequest};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version,
    header::{
        ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE,
        CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, HOST, LOCATION, RANGE, USER_AGENT,
    },
};
use http_body_util::Full;

/// Most headers of a request.
pub const REQUEST_HEADERS_MAX: usize = 64;
/// Most bytes of a request's headers, names and values.
pub const REQUEST_HEADER_BYTES_MAX: usize = 32 * 1024;
/// Longest method, bytes.
const METHOD_BYTES_MAX: usize = 32;

/// Headers that rule the connection or the framing of messages. They are this crate's business: with
/// them a contract could make a server see other requests than were sent.
const OF_THE_CONNECTION: [&str; 11] = [
    "connection",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that follow a redirect to another origin. All others stay behind, since nobody can tell in
/// which of them a contract keeps a key: it is not only `authorization` and `cookie`.
static FOLLOWING_TO_STRANGERS: [HeaderName; 9] = [
    ACCEPT,
    ACCEPT_LANGUAGE,
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    RANGE,
    USER_AGENT,
];

/// Headers that speak of a body.
static OF_THE_BODY: [HeaderName; 5] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_LOCATION,
    CONTENT_TYPE,
];

/// A request that may be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub target: Target,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Prepared {
    /// Checks a request.
    ///
    /// # Errors
    /// Those of [`EgressPolicy::check_url`]; one for what is wrong with method or headers;
    /// [`HttpError::NotAllowed`] for a body above `body_bytes_max`.
    pub fn new(
        policy: &EgressPolicy,
        user_agent: &HeaderValue,
        body_bytes_max: usize,
        request: HttpRequest,
    ) -> Result<Self, HttpError> {
        let target = policy.check_url(&request.url)?;
        let method = method(&request.method)?;
        if request.body.len() > body_bytes_max {
            return Err(HttpError::NotAllowed);
        }
        let body = Bytes::from(request.body);
        let mut headers = headers(&request.headers, &target, body.len())?;
        headers
            .entry(USER_AGENT)
            .or_insert_with(|| user_agent.clone());
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("*/*"));
        let prepared = Self {
            target,
            method,
            headers,
            body,
        };
        // What cannot be built is found before anything is sent.
        prepared.build()?;
        Ok(prepared)
    }

    /// Bytes that the request keeps in memory, but for its URL.
    pub fn bytes(&self) -> usize {
        let of_header =
            |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
        self.body.len() + self.headers.iter().map(of_header).sum::<usize>()
    }

    /// The message to send.
    ///
    /// # Errors
    /// [`HttpError::InvalidUrl`] if the URL cannot stand in a request line.
    pub fn build(&self) -> Result<http::Request<Full<Bytes>>, HttpError> {
        let uri = Uri::try_from(self.target.path_and_query()).map_err(|_| HttpError::InvalidUrl)?;
        let host = HeaderValue::from_str(&self.target.authority());
        let mut message = http::Request::new(Full::new(self.body.clone()));
        *message.method_mut() = self.method.clone();
        *message.uri_mut() = uri;
        *message.version_mut() = Version::HTTP_11;
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 3);
        headers.insert(HOST, host.map_err(|_| HttpError::InvalidUrl)?);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if !self.body.is_empty() || expects_body(&self.method) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        headers.extend(self.headers.clone());
        *message.headers_mut() = headers;
        Ok(message)
    }

    /// The request that `status` and `headers` of a response redirect to; `None` if they do not.
    ///
    /// # Errors
    /// [`HttpError::NotAllowed`] for a place that the policy does not allow, and from `https` to
    /// `http`; [`HttpError::NetworkError`] for a location that is none, or of another scheme.
    pub fn redirected(
        &self,
        policy: &EgressPolicy,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, HttpError> {
        let keeps_method = match status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method != Method::POST,
            StatusCode::SEE_OTHER => matches!(self.method, Method::GET | Method::HEAD),
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
            _ => return Ok(None),
        };
        let Some(location) = headers.get(LOCATION) else {
            return Ok(None);
        };
        let location = location.to_str().map_err(|_| HttpError::NetworkError)?;
        let target =
            policy
                .check_redirect(&self.target, location)
                .map_err(|error| match error {
                    HttpError::NotAllowed => HttpError::NotAllowed,
                    // The URL that the contract gave is a good one.
                    _ => HttpError::NetworkError,
                })?;
        if self.target.is_https() && !target.is_https() {
            return Err(HttpError::NotAllowed);
        }
        let mut next = Self {
            method: self.method.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            target,
        };
        if !keeps_method {
            next.method = Method::GET;
            next.body = Bytes::new();
            for name in &OF_THE_BODY {
                next.headers.remove(name);
            }
        }
        if !next.target.has_origin_of(&self.target) {
            next.headers = for_strangers(&next.headers);
        }
        Ok(Some(next))
    }
}

fn method(text: &str) -> Result<Method, HttpError> {
    if text.len() > METHOD_BYTES_MAX {
        return Err(HttpError::InvalidMethod);
    }
    match Method::from_bytes(text.as_bytes()) {
        // A tunnel would go on where the address filter ends; TRACE shows what others added.
        Ok(Method::CONNECT | Method::TRACE) | Err(_) => Err(HttpError::InvalidMethod),
        Ok(method) => Ok(method),
    }
}

fn expects_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn headers(
    given: &[(String, String)],
    target: &Target,
    body_bytes: usize,
) -> Result<HeaderMap, HttpError> {
    let bytes: usize = given
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if given.len() > REQUEST_HEADERS_MAX || bytes > REQUEST_HEADER_BYTES_MAX {
        return Err(HttpError::TooManyHeaders);
    }
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| HttpError::InvalidHeaderName)?;
        let value =
            HeaderValue::from_bytes(value.as_bytes()).map_err(|_| HttpError::InvalidHeaderValue)?;
        if OF_THE_CONNECTION.contains(&name.as_str()) {
            return Err(HttpError::InvalidHeaderName);
        }
        // What follows from URL and body may be said, if it is the truth.
        if name == HOST {
            check_said(&value, &target.authority())?;
        } else if name == CONTENT_LENGTH {
            check_said(&value, &body_bytes.to_string())?;
        } else {
            headers.append(name, value);
        }
    }
    Ok(headers)
}

fn check_said(said: &HeaderValue, truth: &str) -> Result<(), HttpError> {
    if said.as_bytes().eq_ignore_ascii_case(truth.as_bytes()) {
        Ok(())
    } else {
        Err(HttpError::InvalidHeaderValue)
    }
}

fn for_strangers(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| FOLLOWING_TO_STRANGERS.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
