//! Figures for the operator, on an address of their own.
//!
//! `GET /metrics` in the text format of Prometheus, and nothing else. It is apart from the rim so that an operator can
//! keep it inside: how much a worker is asked is not for everybody to count.

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, future::Future, io, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};

/// Connections at once; more wait.
const CONNECTIONS_MAX: usize = 16;
/// Longest time for one, from its beginning to its end.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(30);
/// Longest time for a request's head.
const HEAD_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the accepting of connections rests after it failed.
const ACCEPT_REST: Duration = Duration::from_millis(50);
/// The version of the text format.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves what `figures` gives at `/metrics` until `stop` resolves.
///
/// # Errors
/// None after it began; failures of single connections are their own affair.
pub async fn serve_metrics(
    listener: TcpListener,
    figures: Arc<dyn Fn() -> String + Send + Sync>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut stop = std::pin::pin!(stop);
    loop {
        let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.as_mut() => return Ok(()),
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_REST).await;
            continue;
        };
        let figures = figures.clone();
        tokio::spawn(async move {
            let answer = |request: Request<Incoming>| {
                let response = answer(request.method(), request.uri().path(), &*figures);
                async { Ok::<_, Infallible>(response) }
            };
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME_MAX)
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            let _ended = tokio::time::timeout(CONNECTION_TIME_MAX, connection).await;
            drop(place);
        });
    }
}

fn answer(method: &Method, path: &str, figures: &dyn Fn() -> String) -> Response<Full<Bytes>> {
    let (status, text) = match (method, path) {
        (&Method::GET, "/metrics") => (StatusCode::OK, figures()),
        (_, "/metrics") => {
            (StatusCode::METHOD_NOT_ALLOWED, "this path takes GET alone\n".to_owned())
        }
        _ => (StatusCode::NOT_FOUND, "see /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FORMAT));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_figures_are_given() {
        let figures = || "phat_up 1\n".to_owned();
        let status = |method: Method, path: &str| answer(&method, path, &figures).status();
        assert_eq!(status(Method::GET, "/metrics"), StatusCode::OK);
        assert_eq!(status(Method::POST, "/metrics"), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(status(Method::GET, "/v1/info"), StatusCode::NOT_FOUND);
        let response = answer(&Method::GET, "/metrics", &figures);
        assert_eq!(response.headers()[CONTENT_TYPE], FORMAT);
    }
}
