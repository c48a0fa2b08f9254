//! One request and its response, through redirects, within bounds.

use crate::{connect::Connector, ledger::Slot, meter::error_of, request::Prepared};
use contract_abi::http::{HttpError, HttpResponse};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::{
    body::{Body as _, Incoming},
    client::conn::http1,
    ext::ReasonPhrase,
};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Most redirects that are followed.
pub const REDIRECTS_MAX: usize = 5;
/// Most headers of a response.
pub const RESPONSE_HEADERS_MAX: usize = 256;
/// Longest head of a response, bytes: status line and headers.
pub const RESPONSE_HEAD_BYTES_MAX: usize = 64 * 1024;

/// Bytes that may be received beside the body: TLS handshake, heads, trailers.
const OVERHEAD_BYTES_MAX: u64 = 512 * 1024;
/// Bytes that may be received for each byte of the body. A body in chunks of one byte takes six.
const BODY_EXPANSION_MAX: u64 = 8;

/// Sends `request`, follows redirects and reads the response whole. Has no time limit of its own.
///
/// # Errors
/// Whatever came between; see [`HttpError`].
pub(crate) async fn run(
    connector: &Connector,
    mut request: Prepared,
    slot: &Arc<Slot>,
    body_bytes_max: usize,
) -> Result<HttpResponse, HttpError> {
    for _hop in 0..=REDIRECTS_MAX {
        let bytes_max = OVERHEAD_BYTES_MAX + BODY_EXPANSION_MAX * body_bytes_max as u64;
        let stream = connector.connect(&request.target, slot, bytes_max).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_headers(RESPONSE_HEADERS_MAX)
            .max_header_size(RESPONSE_HEAD_BYTES_MAX)
            .max_buf_size(RESPONSE_HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| HttpError::FailedToCreateClient)?;
        // The connection lives as long as this hop: the set ends it when it is dropped.
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // What goes wrong is told to the side that waits for the response.
            let _told = connection.await;
        });
        let response = sender
            .send_request(request.build()?)
            .await
            .map_err(|error| of_message(&error))?;
        let (status, headers) = (response.status(), response.headers());
        match request.redirected(&connector.policy, status, headers)? {
            Some(next) => request = next,
            None => return read(response, slot, body_bytes_max).await,
        }
    }
    Err(HttpError::NetworkError)
}

async fn read(
    response: Response<Incoming>,
    slot: &Slot,
    body_bytes_max: usize,
) -> Result<HttpResponse, HttpError> {
    let (head, mut body) = response.into_parts();
    // Nobody asked for another protocol, so nobody can speak it.
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(HttpError::NetworkError);
    }
    let headers = headers(&head.headers)?;
    let header_bytes = headers.iter().map(|(name, value)| name.len() + value.len());
    if !slot.take_bytes(header_bytes.sum()) {
        return Err(HttpError::TooManyRequests);
    }
    if body.size_hint().lower() > body_bytes_max as u64 {
        return Err(HttpError::ResponseTooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        // Trailers are dropped.
        let Ok(data) = frame.map_err(|error| of_message(&error))?.into_data() else {
            continue;
        };
        if data.len() > body_bytes_max - bytes.len() {
            return Err(HttpError::ResponseTooLarge);
        }
        if !slot.take_bytes(data.len()) {
            return Err(HttpError::TooManyRequests);
        }
        bytes.extend_from_slice(&data);
    }
    let reason_phrase = match head.extensions.get::<ReasonPhrase>() {
        Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
        None => head.status.canonical_reason().unwrap_or("").to_owned(),
    };
    Ok(HttpResponse {
        status_code: head.status.as_u16(),
        reason_phrase,
        headers,
        body: bytes,
    })
}

/// Headers as text. A value that is no UTF-8 is kept as well as it can be.
fn headers(map: &HeaderMap) -> Result<Vec<(String, String)>, HttpError> {
    if map.len() > RESPONSE_HEADERS_MAX {
        return Err(HttpError::TooManyHeaders);
    }
    let texts = map.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    Ok(texts.collect())
}

fn of_message(error: &hyper::Error) -> HttpError {
    if error.is_parse_too_large() {
        HttpError::TooManyHeaders
    } else {
        error_of(error)
    }
}
