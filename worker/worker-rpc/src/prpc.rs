//! The paths of the original network's protocol, `/prpc/PhactoryAPI.<method>`, and `GET /info`.
//!
//! What the bodies mean is the service's. JSON is spoken where the query string has `json`, where the
//! body's type is JSON, and to `GET`, which stands for an empty body; protobuf everywhere else. Old
//! clients read an error at 400 and 500 alone, so the status is 400 where the client is to act, 404 for no
//! such method, 413 for a body that is too large, and 500 for everything else.

use crate::{
    Responder, ServiceError,
    http::{Rim, Unread, respond},
};
use http_body_util::Full;
use hyper::{
    Method, Response, StatusCode,
    body::{Body, Bytes},
    header::CONTENT_TYPE,
    http::request::Parts,
};

/// Path of the methods; a name follows.
const METHODS: &str = "/prpc/PhactoryAPI.";
/// What operators who read by hand ask for, and the method it stands for.
const INFO: (&str, &str) = ("/info", "GetInfo");

/// What answers clients of the original network.
pub trait CompatibleService: Send + Sync {
    /// Longest body of a request to `method`, bytes; `None` where there is no such method.
    fn body_bytes_max(&self, method: &str) -> Option<usize>;
    /// Answers a request to `method`, in JSON or protobuf, through `responder`; otherwise as
    /// [`crate::Service::query`].
    fn call(&self, method: &str, json: bool, body: &[u8], responder: Responder);
    /// Makes of what [`Self::call`] answered what goes out.
    ///
    /// # Errors
    /// When it is no answer of the method.
    fn write(&self, method: &str, json: bool, answer: Vec<u8>) -> Result<Vec<u8>, ServiceError>;
    /// An error as this protocol writes it.
    fn error(&self, json: bool, text: &str) -> Vec<u8>;
}

/// The method that a path names, if it is one of this protocol.
fn method_of(path: &str) -> Option<&str> {
    match path == INFO.0 {
        true => Some(INFO.1),
        false => path.strip_prefix(METHODS),
    }
}

fn speaks_json(head: &Parts) -> bool {
    let by_query = head
        .uri
        .query()
        .is_some_and(|query| query.split('&').any(|part| part.split('=').next() == Some("json")));
    let by_type = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.trim_start().starts_with("application/json"));
    by_query || by_type || head.method == Method::GET
}

impl Rim {
    /// Whether a request belongs to this protocol, and the worker speaks it at all.
    pub(crate) fn is_compatible(&self, head: &Parts) -> bool {
        head.method != Method::OPTIONS
            && method_of(head.uri.path()).is_some()
            && self.service().compatible().is_some()
    }

    /// Answers a request of this protocol.
    pub(crate) async fn compatible<B>(&self, head: &Parts, body: B) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let json = speaks_json(head);
        let method = method_of(head.uri.path()).unwrap_or_default().to_owned();
        let refuse = |status: StatusCode, text: &str| {
            let body = self.service().compatible().map(|service| service.error(json, text));
            written(json, status, body.unwrap_or_default())
        };
        let bytes_max =
            self.service().compatible().and_then(|service| service.body_bytes_max(&method));
        let Some(bytes_max) = bytes_max else {
            return refuse(StatusCode::NOT_FOUND, "Method Not Found");
        };
        if head.method != Method::GET && head.method != Method::POST {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "this path takes GET and POST alone");
        }
        let (body, _share) = match self.read(body).await {
            Ok((body, share)) if body.len() <= bytes_max => (body, share),
            Ok(_) | Err(Unread::TooLong) => {
                return refuse(StatusCode::PAYLOAD_TOO_LARGE, "Entity too large");
            }
            Err(_) => return refuse(StatusCode::SERVICE_UNAVAILABLE, "the body could not be read"),
        };
        let called = method.clone();
        let answer = self
            .ask(move |service, responder| match service.compatible() {
                Some(service) => service.call(&called, json, &body, responder),
                None => responder.give(Err(gone())),
            })
            .await;
        let answer = answer.and_then(|answer| match self.service().compatible() {
            Some(service) => service.write(&method, json, answer),
            None => Err(gone()),
        });
        match answer {
            Ok(bytes) => written(json, StatusCode::OK, bytes),
            Err(error @ ServiceError::BadRequest(_)) => {
                refuse(StatusCode::BAD_REQUEST, &error.to_string())
            }
            Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }
}

fn gone() -> ServiceError {
    ServiceError::Unavailable("this worker answers no more".to_owned())
}

fn written(json: bool, status: StatusCode, bytes: Vec<u8>) -> Response<Full<Bytes>> {
    let kind = match json {
        true => "application/json",
        false => "application/octet-stream",
    };
    respond(status, kind, bytes.into())
}
