//! The worker's HTTP rim: it bounds bytes and hands them on. It opens no envelope.
//!
//! | method and path | body | answer |
//! |---|---|---|
//! | `GET /v1/info` | – | JSON [`Info`] |
//! | `GET /v1/evidence` | – | SCALE (evidence that the worker registered with, registration) |
//! | `POST /v1/session` | SCALE `HpkeSealed` | SCALE `SessionAccept` |
//! | `POST /v1/query` | SCALE `Envelope` | sealed reply |
//!
//! An error is JSON `{"error": "…"}` with a status that tells who should act: 400 the client, 404 there
//! is nothing here, 410 open a new session, 413 too large, 429 and 503 try another worker or later.
//!
//! Work is bounded: at most [`Limits::running_max`] requests run at once, [`Limits::waiting_max`] wait,
//! and the next one is told so at once.

#![deny(missing_docs)]

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use primitives::{
    BlockNumber, ClusterId, GenesisHash, HpkePublicKey, StateRoot, UnixMillis, WorkerId, bounds,
};
use serde::{Deserialize, Serialize};
use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpListener, sync::Semaphore};
use tower_http::cors::CorsLayer;

/// What anybody may know of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Version of the program.
    pub version: String,
    /// Which network.
    pub genesis: GenesisHash,
    /// Who it is.
    pub worker: WorkerId,
    /// The key that requests are sealed to. A client takes it from the chain, not from here.
    pub hpke_public_key: HpkePublicKey,
    /// Kind of TEE; `insecure-simulated` protects nothing.
    pub platform: String,
    /// Whether it answers queries, and if so, from where.
    pub serving: Option<Serving>,
    /// Milliseconds from the start of the process until it first served; for the operator.
    pub ready_after_ms: Option<u64>,
    /// Milliseconds from the light client's start, early in the process, to its first final block.
    pub light_client_after_ms: Option<u64>,
}

/// What a worker answers from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// Which cluster.
    pub cluster: ClusterId,
    /// The newest final block it knows.
    pub block_number: BlockNumber,
    /// Its timestamp.
    pub block_timestamp_ms: UnixMillis,
    /// Root of the cluster's state.
    pub state_root: StateRoot,
    /// Mailbox entries run.
    pub next_number: u64,
}

/// Why a request gets an error; the variant decides the status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The client's mistake.
    #[error("{0}")]
    BadRequest(String),
    /// There is none.
    #[error("{0}")]
    NotFound(String),
    /// The session has ended.
    #[error("{0}")]
    Gone(String),
    /// Not now, or not here.
    #[error("{0}")]
    Unavailable(String),
    /// A bug or damage.
    #[error("{0}")]
    Internal(String),
}

impl IntoResponse for ServiceError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Gone(_) => StatusCode::GONE,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(serde_json::json!({ "error": self.to_string() }))).into_response()
    }
}

/// The worker, as this rim sees it. Calls may block; they run on threads of their own.
pub trait Service: Send + Sync + 'static {
    /// What anybody may know.
    fn info(&self) -> Info;
    /// The evidence that the worker registered with.
    ///
    /// # Errors
    /// When it has none yet.
    fn evidence(&self) -> Result<Vec<u8>, ServiceError>;
    /// Opens a session.
    ///
    /// # Errors
    /// When the opening does not hold.
    fn open_session(&self, opening: &[u8]) -> Result<Vec<u8>, ServiceError>;
    /// Answers a query.
    ///
    /// # Errors
    /// When there is nobody to answer to: the envelope does not open.
    fn query(&self, envelope: &[u8]) -> Result<Vec<u8>, ServiceError>;
}

/// How much is done at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests that run at once.
    pub running_max: usize,
    /// Requests that wait for their turn.
    pub waiting_max: usize,
}

impl Limits {
    /// As many at once as there are processors and two, and a bounded queue behind them.
    pub fn for_this_machine() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { running_max: processors + 2, waiting_max: 512 }
    }
}

struct Shared {
    service: Arc<dyn Service>,
    running: Semaphore,
    limits: Limits,
    present: AtomicUsize,
}

impl Shared {
    /// Runs blocking work within the limits.
    async fn run<F>(self: Arc<Self>, work: F) -> Result<Vec<u8>, ServiceError>
    where
        F: FnOnce(&dyn Service) -> Result<Vec<u8>, ServiceError> + Send + 'static,
    {
        let present = self.present.fetch_add(1, Ordering::Relaxed);
        let leave = Leave(self.clone());
        if present >= self.limits.running_max + self.limits.waiting_max {
            return Err(ServiceError::Unavailable(
                "this worker has more requests than it takes at once; try another, or later"
                    .to_owned(),
            ));
        }
        let permit = self.running.acquire().await;
        let service = self.service.clone();
        let answer = tokio::task::spawn_blocking(move || work(&*service)).await;
        drop((permit, leave));
        answer.unwrap_or_else(|_| {
            Err(ServiceError::Internal("the request failed inside the worker".to_owned()))
        })
    }
}

struct Leave(Arc<Shared>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.present.fetch_sub(1, Ordering::Relaxed);
    }
}

fn binary(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
}

async fn info(State(shared): State<Arc<Shared>>) -> Json<Info> {
    Json(shared.service.info())
}

async fn evidence(State(shared): State<Arc<Shared>>) -> Result<Response, ServiceError> {
    shared.service.evidence().map(binary)
}

async fn session(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Response, ServiceError> {
    shared.run(move |service| service.open_session(&body)).await.map(binary)
}

async fn query(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Response, ServiceError> {
    shared.run(move |service| service.query(&body)).await.map(binary)
}

async fn nothing_here() -> ServiceError {
    ServiceError::NotFound("there is nothing at this path; see GET /v1/info".to_owned())
}

/// The routes of a worker.
pub fn router(service: Arc<dyn Service>, limits: Limits) -> Router {
    let shared = Arc::new(Shared {
        service,
        running: Semaphore::new(limits.running_max),
        limits,
        present: AtomicUsize::new(0),
    });
    Router::new()
        .route("/v1/info", get(info))
        .route("/v1/evidence", get(evidence))
        .route("/v1/session", post(session))
        .route("/v1/query", post(query))
        .fallback(nothing_here)
        .layer(DefaultBodyLimit::max(bounds::REQUEST_BYTES_MAX as usize))
        // Browsers ask from any page: what they get is public or sealed to them.
        .layer(CorsLayer::permissive())
        .with_state(shared)
}

/// Listens on `address`.
///
/// # Errors
/// When the address cannot be had, for example because another program has it.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until `stop` resolves, then finishes what runs.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use std::sync::mpsc;
    use tower::ServiceExt;

    struct Echo {
        gate: Option<std::sync::Mutex<mpsc::Receiver<()>>>,
    }

    impl Service for Echo {
        fn info(&self) -> Info {
            Info {
                version: "1.2.3".to_owned(),
                genesis: GenesisHash([1; 32]),
                worker: WorkerId([2; 32]),
                hpke_public_key: HpkePublicKey([3; 32]),
                platform: "test".to_owned(),
                serving: None,
                ready_after_ms: None,
                light_client_after_ms: None,
            }
        }
        fn evidence(&self) -> Result<Vec<u8>, ServiceError> {
            Err(ServiceError::NotFound("not yet".to_owned()))
        }
        fn open_session(&self, opening: &[u8]) -> Result<Vec<u8>, ServiceError> {
            assert_ne!(opening, b"panic", "a bug in one request");
            Ok(opening.to_vec())
        }
        fn query(&self, envelope: &[u8]) -> Result<Vec<u8>, ServiceError> {
            if let Some(gate) = &self.gate {
                gate.lock().unwrap().recv().unwrap();
            }
            Ok(envelope.to_vec())
        }
    }

    fn post(path: &str, body: Vec<u8>) -> Request<Body> {
        Request::post(path).body(Body::from(body)).unwrap()
    }

    async fn check(router: &Router, request: Request<Body>, status: u16, body: &[u8]) {
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(bytes.starts_with(body), "{}", String::from_utf8_lossy(&bytes));
    }

    #[tokio::test]
    async fn bytes_pass_and_errors_say_who_should_act() {
        let limits = Limits { running_max: 2, waiting_max: 2 };
        let router = router(Arc::new(Echo { gate: None }), limits);
        check(&router, post("/v1/query", b"abc".to_vec()), 200, b"abc").await;
        check(&router, post("/v1/session", b"def".to_vec()), 200, b"def").await;
        check(&router, post("/v1/session", b"panic".to_vec()), 500, b"{\"error\":").await;
        check(&router, Request::get("/v1/evidence").body(Body::empty()).unwrap(), 404, b"{\"e")
            .await;
        check(&router, Request::get("/nothing").body(Body::empty()).unwrap(), 404, b"{\"e").await;
        let long = vec![0; bounds::REQUEST_BYTES_MAX as usize + 1];
        check(&router, post("/v1/query", long), 413, b"").await;
        let info = Request::get("/v1/info").body(Body::empty()).unwrap();
        check(&router, info, 200, b"{\"version\":\"1.2.3\"").await;
    }

    #[tokio::test]
    async fn more_requests_than_fit_are_told_at_once() {
        let (open, gate) = mpsc::channel();
        let limits = Limits { running_max: 1, waiting_max: 1 };
        let router =
            router(Arc::new(Echo { gate: Some(std::sync::Mutex::new(gate)) }), limits);
        let fits: Vec<_> = (0..2)
            .map(|_| tokio::spawn(router.clone().oneshot(post("/v1/query", b"x".to_vec()))))
            .collect();
        // Both are inside once a third is refused.
        loop {
            let third = tokio::spawn(router.clone().oneshot(post("/v1/query", b"x".to_vec())));
            tokio::task::yield_now().await;
            if third.is_finished() {
                assert_eq!(third.await.unwrap().unwrap().status(), 503);
                break;
            }
            open.send(()).unwrap();
        }
        let _ = open.send(());
        let _ = open.send(());
        for request in fits {
            assert!(request.await.is_ok());
        }
    }
}
