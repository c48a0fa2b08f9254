//! Peers on loopback, with HTTP written by hand, and a client that may reach them.

use contract_abi::http::{HttpError, HttpRequest, HttpResponse};
use executor_api::{HttpBounds, HttpClient as _};
use http_egress::{Egress, EgressConfig, EgressPolicy, Resolver};
use primitives::ContractId;
use std::{
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

pub type Outcome = Result<HttpResponse, HttpError>;

pub const CONTRACT: ContractId = ContractId([1; 32]);
pub const OTHER_CONTRACT: ContractId = ContractId([2; 32]);

/// Far beyond what a good exchange takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Soon enough to wait for.
pub const SOON: Duration = Duration::from_millis(300);

pub const BODY_BYTES_MAX: u32 = 64 * 1024;

/// A peer on 127.0.0.1 that handles each connection on a thread.
pub fn serve(handler: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    serve_at(SocketAddr::from(([127, 0, 0, 1], 0)), handler)
}

pub fn serve_at(
    address: SocketAddr,
    handler: impl Fn(TcpStream) + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    let handler = Arc::new(handler);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handler = Arc::clone(&handler);
            thread::spawn(move || handler(stream));
        }
    });
    address
}

/// A peer that reads a request and sends `answer`, whatever it was asked.
pub fn serve_text(answer: impl Into<String>) -> SocketAddr {
    let answer = answer.into();
    serve(move |mut stream| {
        read_request(&mut stream);
        send(&mut stream, answer.as_bytes());
    })
}

/// A peer that answers each request with what `handler` makes of it.
pub fn serve_requests(handler: impl Fn(Received) -> String + Send + Sync + 'static) -> SocketAddr {
    serve(move |mut stream| {
        let received = read_request(&mut stream);
        send(&mut stream, handler(received).as_bytes());
    })
}

/// What a peer was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    pub line: String,
    /// In their order, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

pub fn read_request(stream: &mut impl Read) -> Received {
    let mut reader = BufReader::new(stream);
    let mut received = Received::default();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 0 {
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        match text.split_once(": ") {
            Some((name, value)) if !received.line.is_empty() => {
                let header = (name.to_lowercase(), value.to_owned());
                received.headers.push(header);
            }
            _ => received.line = text.to_owned(),
        }
        line.clear();
    }
    let length = received
        .header("content-length")
        .map_or(0, |text| text.parse().unwrap());
    received.body = vec![0; length];
    reader.read_exact(&mut received.body).unwrap();
    received
}

/// Sends what the client still wants to have.
pub fn send(stream: &mut impl Write, bytes: &[u8]) {
    let _gone = stream.write_all(bytes).and_then(|()| stream.flush());
}

pub fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

/// The configuration that reaches loopback.
pub fn config() -> EgressConfig {
    EgressConfig {
        policy: EgressPolicy {
            insecure_allow_private_addresses: true,
            blocked_networks: vec![],
        },
        ..EgressConfig::default()
    }
}

pub fn egress() -> Egress {
    Egress::new(config()).unwrap()
}

pub fn get(url: impl Into<String>) -> HttpRequest {
    HttpRequest {
        url: url.into(),
        method: "GET".to_owned(),
        headers: vec![],
        body: vec![],
    }
}

pub fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

pub fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

pub fn bounds(time: Duration) -> HttpBounds {
    HttpBounds {
        deadline: Instant::now() + time,
        body_bytes_max: BODY_BYTES_MAX,
    }
}

/// Sends one request with much time.
pub fn fetch(egress: &Egress, request: HttpRequest) -> Outcome {
    fetch_within(egress, request, PATIENCE)
}

pub fn fetch_within(egress: &Egress, request: HttpRequest, time: Duration) -> Outcome {
    let mut results = egress.send(&CONTRACT, vec![request], bounds(time));
    assert_eq!(results.len(), 1);
    results.remove(0)
}

/// Waits for `condition`, which will come.
pub fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "it never came");
        thread::yield_now();
    }
}

/// Holds whoever passes until it is opened.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub fn pass(&self) {
        let open = self.open.lock().unwrap();
        let _open = self.opened.wait_while(open, |open| !*open).unwrap();
    }

    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// A resolver that gives one answer after another, the last one again and again.
pub struct Answers {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Answers {
    pub fn new(answers: &[&[IpAddr]]) -> Arc<Self> {
        Arc::new(Self {
            answers: answers.iter().map(|answer| answer.to_vec()).collect(),
            asked: AtomicUsize::new(0),
        })
    }

    pub fn loopback() -> Arc<Self> {
        Self::new(&[&[LOOPBACK]])
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const LOOPBACK_TWO: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

impl Resolver for Answers {
    fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let index = self.asked.fetch_add(1, Ordering::SeqCst);
        let last = self.answers.len() - 1;
        Ok(self.answers[index.min(last)].clone())
    }
}
