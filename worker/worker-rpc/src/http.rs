//! HTTP/1.1 over TCP: routes, bounds, threads.

use crate::{
    Info, Service, ServiceError,
    responder::{Answer, Responder},
    traffic::TrafficMeter,
    watch::{Watched, start as start_watching},
};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes, Frame},
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CONTENT_TYPE, HeaderValue,
    },
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use primitives::{ContractId, bounds::REQUEST_BYTES_MAX};
use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::{Notify, oneshot, watch},
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;

/// Path of places in the log of receipts; 32 bytes in hex follow.
const RECEIPT_LOG: &str = "/v1/receipt-log/";
/// Path of proofs of contracts' roots; the contract's id in hex follows.
const CONTRACT_ROOT: &str = "/v1/contract-root/";
/// Path of loads; a contract's id follows.
const LOAD: &str = "/v1/load/";
/// Threads of [`serve`] beyond one for each processor: what queries may keep busy while the processors
/// are shared by others, and the one that never runs queries.
const SPARE_THREADS: usize = 2;
/// Threads that may block: more than queries that may wait at once.
const BLOCKING_THREADS_MAX: usize = 1024;
/// Longest body that is read and dropped so that its sender sees why, bytes; a longer one is cut off.
const DRAINED_BYTES_MAX: u64 = 2 * REQUEST_BYTES_MAX as u64;
/// How long the accepting of connections rests after it failed, for example for want of descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// How much is done at once, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; the next one is closed at once.
    pub connections_max: usize,
    /// Requests at once, from a whole body to the answer.
    pub requests_max: usize,
    /// Bytes of all bodies that are being read or worked on.
    pub body_bytes_max: usize,
    /// From the first byte of a connection or the last answer to the end of a request's head.
    pub head_time_max: Duration,
    /// From the head to the end of the body.
    pub body_time_max: Duration,
    /// How long a client may take none of an answer; then its connection is closed.
    pub write_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            requests_max: 1000,
            body_bytes_max: 256 * 1024 * 1024,
            head_time_max: Duration::from_secs(30),
            body_time_max: Duration::from_secs(60),
            write_time_max: Duration::from_secs(30),
        }
    }
}

pub(crate) struct Shared {
    service: Arc<dyn Service>,
    limits: Limits,
    runtime: OnceLock<Handle>,
    connections: AtomicUsize,
    requests: AtomicUsize,
    body_bytes: AtomicUsize,
    /// Queries on the runtime's own threads, and how many may be.
    inline: Arc<Watched>,
    inline_max: usize,
    traffic: OnceLock<TrafficMeter>,
    unsettled: Notify,
}

impl Shared {
    pub(crate) fn runtime(&self) -> &Handle {
        self.runtime.get_or_init(Handle::current)
    }

    pub(crate) fn settle_soon(&self) {
        self.unsettled.notify_one();
    }
}

/// So much of a bounded total; given back when dropped.
pub(crate) struct Share<'a> {
    of: &'a AtomicUsize,
    amount: usize,
}

impl<'a> Share<'a> {
    fn none(of: &'a AtomicUsize) -> Self {
        Self { of, amount: 0 }
    }

    fn one(of: &'a AtomicUsize, max: usize) -> Option<Self> {
        let mut share = Self::none(of);
        share.grow(1, max).then_some(share)
    }

    fn grow(&mut self, by: usize, max: usize) -> bool {
        if self.of.fetch_add(by, Ordering::Relaxed).saturating_add(by) > max {
            self.of.fetch_sub(by, Ordering::Relaxed);
            return false;
        }
        self.amount += by;
        true
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.of.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

/// Why a request is not even handed on.
pub(crate) enum Unread {
    TooLong,
    TooSlow,
    TooMuchAtOnce,
    Broken,
}

/// 32 bytes that a path ends with, in hex.
fn at_end(text: &str, what: &str) -> Result<[u8; 32], ServiceError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim_start_matches("0x"), &mut bytes)
        .map_err(|_| ServiceError::BadRequest(format!("{what} has 32 bytes in hex")))?;
    Ok(bytes)
}

fn receipt_log(service: &dyn Service, signed: &str) -> Answer {
    service.receipt_log(&at_end(signed, "what a worker signed for a batch of receipts")?)
}

fn contract_root(service: &dyn Service, contract: &[u8]) -> Answer {
    match contract.try_into() {
        Ok(contract) => service.contract_root(contract),
        Err(_) => failed(),
    }
}

fn load(service: &dyn Service, contract: &str) -> Response<Full<Bytes>> {
    let loaded = contract
        .parse::<ContractId>()
        .map_err(|_| ServiceError::BadRequest("a contract's id has 32 bytes in hex".to_owned()))
        .and_then(|contract| service.load(&contract));
    match loaded {
        Ok(load) => json(StatusCode::OK, &load),
        Err(error) => refuse(status(&error), error.to_string()),
    }
}

/// A worker's HTTP rim.
#[derive(Clone)]
pub struct Rim {
    shared: Arc<Shared>,
}

impl Rim {
    /// A rim around `service`, for [`serve`].
    pub fn new(service: Arc<dyn Service>, limits: Limits) -> Self {
        Self {
            shared: Arc::new(Shared {
                service,
                limits,
                runtime: OnceLock::new(),
                connections: AtomicUsize::new(0),
                requests: AtomicUsize::new(0),
                body_bytes: AtomicUsize::new(0),
                inline: Arc::default(),
                inline_max: threads() - 1,
                traffic: OnceLock::new(),
                unsettled: Notify::new(),
            }),
        }
    }

    /// Tells everybody who asks how many queries are answered; by the operator's choice.
    #[must_use]
    pub fn publish_traffic(self) -> Self {
        self.shared.traffic.get_or_init(TrafficMeter::start);
        self
    }

    fn info(&self) -> Info {
        let traffic = self.shared.traffic.get().and_then(TrafficMeter::read);
        Info { traffic, ..self.shared.service.info() }
    }

    async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let shared = &self.shared;
        let (head, body) = request.into_parts();
        if self.is_compatible(&head) {
            return self.compatible(&head, body).await;
        }
        let answer = match (&head.method, head.uri.path()) {
            (&Method::POST, "/v1/query") => match self.read(body).await {
                Ok((body, _share)) => self.query(body).await,
                Err(unread) => return refuse_unread(unread, &shared.limits),
            },
            (&Method::POST, "/v1/session") => match self.read(body).await {
                Ok((body, _share)) => self.open_session(body).await,
                Err(unread) => return refuse_unread(unread, &shared.limits),
            },
            (&Method::POST, "/v1/snapshot") => match self.read(body).await {
                Ok((body, _share)) => self.blocking(body, |service, body| service.snapshot(body)).await,
                Err(unread) => return refuse_unread(unread, &shared.limits),
            },
            (&Method::POST, "/v1/handover") => match self.read(body).await {
                Ok((body, _share)) => self.blocking(body, |service, body| service.hand_over(body)).await,
                Err(unread) => return refuse_unread(unread, &shared.limits),
            },
            (&Method::GET, "/v1/handover") => shared.service.handover_offer(),
            (&Method::GET, "/v1/info") => return json(StatusCode::OK, &self.info()),
            (&Method::GET, "/v1/evidence") => shared.service.evidence(),
            (&Method::GET, path) if path.starts_with(RECEIPT_LOG) => {
                receipt_log(&*shared.service, &path[RECEIPT_LOG.len()..])
            }
            (&Method::GET, path) if path.starts_with(CONTRACT_ROOT) => {
                match at_end(&path[CONTRACT_ROOT.len()..], "the id of a contract") {
                    Ok(contract) => {
                        let contract = Bytes::copy_from_slice(&contract);
                        self.blocking(contract, contract_root).await
                    }
                    Err(error) => Err(error),
                }
            }
            (&Method::GET, path) if path.starts_with(LOAD) => {
                return load(&*shared.service, &path[LOAD.len()..]);
            }
            (&Method::OPTIONS, _) => return preflight(),
            (_, "/v1/query" | "/v1/session" | "/v1/snapshot") => return refuse_method("POST"),
            (_, "/v1/info" | "/v1/evidence") => return refuse_method("GET"),
            (_, "/v1/handover") => return refuse_method("GET, POST"),
            (_, path)
                if [RECEIPT_LOG, CONTRACT_ROOT, LOAD].iter().any(|start| path.starts_with(start)) =>
            {
                return refuse_method("GET");
            }
            _ => Err(ServiceError::NotFound(
                "there is nothing at this path; see GET /v1/info".to_owned(),
            )),
        };
        match answer {
            Ok(bytes) => respond(StatusCode::OK, "application/octet-stream", bytes.into()),
            Err(error) => refuse(status(&error), error.to_string()),
        }
    }

    /// Works for another worker, on a thread that may block.
    async fn blocking(
        &self,
        request: Bytes,
        work: fn(&dyn Service, &[u8]) -> Result<Vec<u8>, ServiceError>,
    ) -> Result<Vec<u8>, ServiceError> {
        let _request = Share::one(&self.shared.requests, self.shared.limits.requests_max)
            .ok_or_else(|| ServiceError::Unavailable("too many requests at once".to_owned()))?;
        let service = self.shared.service.clone();
        tokio::task::spawn_blocking(move || work(&*service, &request))
            .await
            .unwrap_or_else(|_| failed())
    }

    /// Reads a whole body within the bounds.
    pub(crate) async fn read<B>(&self, mut body: B) -> Result<(Bytes, Share<'_>), Unread>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let Shared { limits, body_bytes, .. } = &*self.shared;
        if body.size_hint().lower() > DRAINED_BYTES_MAX {
            return Err(Unread::TooLong);
        }
        let mut share = Share::none(body_bytes);
        let read = async {
            let mut whole = Whole::Nothing;
            // A client that is still sending does not see the answer, so what does not fit is read and
            // dropped.
            let mut fits = true;
            let mut length = 0_u64;
            while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                let Ok(bytes) = frame.map_err(|_| Unread::Broken).map(Frame::into_data)? else {
                    continue;
                };
                length += bytes.len() as u64;
                if length > DRAINED_BYTES_MAX {
                    return Err(Unread::TooLong);
                }
                if length > u64::from(REQUEST_BYTES_MAX) {
                    whole = Whole::Nothing;
                    continue;
                }
                fits = fits && share.grow(bytes.len(), limits.body_bytes_max);
                if fits {
                    whole.add(bytes);
                } else {
                    whole = Whole::Nothing;
                }
            }
            if length > u64::from(REQUEST_BYTES_MAX) {
                return Err(Unread::TooLong);
            }
            fits.then(|| whole.into_bytes()).ok_or(Unread::TooMuchAtOnce)
        };
        let bytes = timeout(limits.body_time_max, read).await.map_err(|_| Unread::TooSlow)??;
        Ok((bytes, share))
    }

    pub(crate) fn service(&self) -> &dyn Service {
        &*self.shared.service
    }

    async fn query(&self, body: Bytes) -> Answer {
        let answer = self.ask(move |service, responder| service.query(&body, responder)).await;
        if let (Ok(_), Some(traffic)) = (&answer, self.shared.traffic.get()) {
            traffic.count();
        }
        answer
    }

    /// Lets the service answer one query, on this thread where there is room for it.
    pub(crate) async fn ask(
        &self,
        work: impl FnOnce(&dyn Service, Responder) + Send + 'static,
    ) -> Answer {
        let Some(_place) = Share::one(&self.shared.requests, self.shared.limits.requests_max) else {
            return Err(too_many());
        };
        let (responder, mut receiver) = Responder::new(self.shared.clone());
        if let Some(_inline) = self.shared.inline.begin(self.shared.inline_max) {
            let service = &*self.shared.service;
            // The connection outlives a bug in one request; the dropped responder answers.
            let _bug = catch_unwind(AssertUnwindSafe(|| work(service, responder)));
        } else {
            let service = self.shared.service.clone();
            self.shared.runtime().spawn_blocking(move || work(&*service, responder));
        }
        match receiver.try_recv() {
            Ok(answer) => answer,
            Err(oneshot::error::TryRecvError::Empty) => receiver.await.unwrap_or_else(|_| failed()),
            Err(oneshot::error::TryRecvError::Closed) => failed(),
        }
    }

    async fn open_session(&self, body: Bytes) -> Answer {
        let Some(_place) = Share::one(&self.shared.requests, self.shared.limits.requests_max) else {
            return Err(too_many());
        };
        let service = self.shared.service.clone();
        let work = move || service.open_session(&body);
        if let Some(_inline) = self.shared.inline.begin(self.shared.inline_max) {
            return catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| failed());
        }
        self.shared.runtime().spawn_blocking(work).await.unwrap_or_else(|_| failed())
    }

    /// Serves one connection to its end.
    async fn converse(self, stream: TcpStream, mut stop: watch::Receiver<bool>) {
        let answer = |request| async { Ok::<_, Infallible>(self.answer(request).await) };
        let mut stream = Box::pin(TimeoutStream::new(stream));
        stream.as_mut().set_write_timeout_pinned(Some(self.shared.limits.write_time_max));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.shared.limits.head_time_max)
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        let mut connection = std::pin::pin!(connection);
        let stopped = async { drop(stop.wait_for(|stop| *stop).await) };
        tokio::select! {
            // A client that goes away, or speaks no HTTP, is its own affair.
            _ended = connection.as_mut() => return,
            () = stopped => connection.as_mut().graceful_shutdown(),
        }
        let _ended = connection.await;
    }

    /// Finishes what was put off, each time after what else is ready.
    async fn settle(self) {
        loop {
            self.shared.unsettled.notified().await;
            tokio::task::yield_now().await;
            let service = &*self.shared.service;
            let _bug = catch_unwind(AssertUnwindSafe(|| service.settle()));
        }
    }

    async fn accept(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let _first = self.shared.runtime.set(Handle::current());
        let settling = tokio::spawn(self.clone().settle());
        let (stop_all, stopped) = watch::channel(false);
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.as_mut() => break,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(ACCEPT_REST).await;
                continue;
            };
            let _slower = stream.set_nodelay(true);
            let (rim, stopped) = (self.clone(), stopped.clone());
            let shared = self.shared.clone();
            tokio::spawn(async move {
                let max = shared.limits.connections_max;
                if let Some(_place) = Share::one(&shared.connections, max) {
                    rim.converse(stream, stopped).await;
                }
            });
        }
        drop(stopped);
        let _nobody = stop_all.send(true);
        stop_all.closed().await;
        settling.abort();
    }
}

/// A body as far as it has come; most come in one piece.
enum Whole {
    Nothing,
    One(Bytes),
    More(Vec<u8>),
}

impl Whole {
    fn add(&mut self, bytes: Bytes) {
        match self {
            Self::Nothing => *self = Self::One(bytes),
            Self::One(first) => *self = Self::More([&first[..], &bytes].concat()),
            Self::More(whole) => whole.extend_from_slice(&bytes),
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::More(bytes) => bytes.into(),
        }
    }
}

fn too_many() -> ServiceError {
    ServiceError::Unavailable(
        "this worker has more requests than it takes at once; try another, or later".to_owned(),
    )
}

fn failed() -> Answer {
    Err(ServiceError::Internal("the request failed inside the worker".to_owned()))
}

fn status(error: &ServiceError) -> StatusCode {
    match error {
        ServiceError::BadRequest(_) => StatusCode::BAD_REQUEST,
        ServiceError::NotFound(_) => StatusCode::NOT_FOUND,
        ServiceError::Gone(_) => StatusCode::GONE,
        ServiceError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        ServiceError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn refuse_unread(unread: Unread, limits: &Limits) -> Response<Full<Bytes>> {
    let (status, text) = match unread {
        Unread::TooLong => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {REQUEST_BYTES_MAX} bytes, the most that is read"),
        ),
        Unread::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            format!("the body was not there after {} s", limits.body_time_max.as_secs()),
        ),
        Unread::TooMuchAtOnce => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "this worker holds {} bytes of requests, the most it takes at once; try another, or later",
                limits.body_bytes_max
            ),
        ),
        Unread::Broken => (StatusCode::BAD_REQUEST, "the body broke off".to_owned()),
    };
    refuse(status, text)
}

/// What a path that exists says to another method than its own.
fn refuse_method(own: &'static str) -> Response<Full<Bytes>> {
    let text = format!("this path takes {own} alone");
    let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, text);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(own));
    response
}

fn refuse(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    json(status, &serde_json::json!({ "error": text }))
}

fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Full<Bytes>> {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    respond(status, "application/json", bytes.into())
}

/// Browsers ask from any page: what they get is public or sealed to them.
pub(crate) fn respond(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// What a browser asks before it posts.
fn preflight() -> Response<Full<Bytes>> {
    let mut response = respond(StatusCode::OK, "text/plain", Bytes::new());
    for name in
        [ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_EXPOSE_HEADERS]
    {
        response.headers_mut().insert(name, HeaderValue::from_static("*"));
    }
    response
}

fn threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    processors + SPARE_THREADS
}

/// Listens on `address`.
///
/// # Errors
/// When the address cannot be had, for example because another program has it.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves on threads of its own until `stop` resolves, then finishes what runs.
///
/// # Errors
/// When the threads cannot be had.
pub async fn serve(
    listener: TcpListener,
    rim: Rim,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads())
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("http")
        .enable_all()
        .build()?;
    let watching = start_watching(&rim.shared.inline, runtime.handle().clone());
    let threads = Threads(Some(runtime));
    watching?;
    // A listener belongs to the runtime that it was made on.
    let listener = listener.into_std()?;
    let accept = async move {
        rim.accept(TcpListener::from_std(listener)?, stop).await;
        Ok(())
    };
    match &threads.0 {
        Some(runtime) => runtime.spawn(accept).await.map_err(io::Error::other)?,
        None => Ok(()),
    }
}

/// A runtime that may be dropped on a thread of another one.
struct Threads(Option<tokio::runtime::Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

