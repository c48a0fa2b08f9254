//! A service of a few lines behind a rim, and a client that speaks HTTP by hand.

use primitives::{ContractId, GenesisHash, HpkePublicKey, WorkerId};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex, mpsc},
};
use tokio::sync::oneshot;
use worker_rpc::{
    CompatibleService, ContractLoad, Info, Limits, PutOff, Responder, Rim, Service, ServiceError, bind, serve,
};

/// Echoes. `wait…` blocks on its thread until the gate opens; `later…` is put off; `panic` panics.
pub struct Echo {
    gate: Mutex<mpsc::Receiver<()>>,
    inside: Mutex<mpsc::Sender<()>>,
    put_off: Mutex<Vec<(Vec<u8>, PutOff)>>,
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
            traffic: None,
        }
    }

    fn evidence(&self) -> Result<Vec<u8>, ServiceError> {
        Err(ServiceError::NotFound("not yet".to_owned()))
    }

    fn receipt_log(&self, signed: &[u8; 32]) -> Result<Vec<u8>, ServiceError> {
        match signed {
            [7, ..] => Ok(signed.to_vec()),
            [8, ..] => Err(ServiceError::Unavailable("not yet".to_owned())),
            _ => Err(ServiceError::NotFound("not logged".to_owned())),
        }
    }

    fn load(&self, contract: &ContractId) -> Result<ContractLoad, ServiceError> {
        Ok(ContractLoad { processors: contract.0[0].into(), speed: None, cost_ns: Some(7), weight: None })
    }

    fn open_session(&self, opening: &[u8]) -> Result<Vec<u8>, ServiceError> {
        assert_ne!(opening, b"panic", "a bug in one request");
        Ok(opening.to_vec())
    }

    fn query(&self, envelope: &[u8], responder: Responder) {
        assert_ne!(envelope, b"panic", "a bug in one request");
        let envelope = envelope.to_vec();
        if envelope.starts_with(b"wait") {
            // Nobody listens in tests that let many wait.
            let _unheard = self.inside.lock().unwrap().send(());
            self.gate.lock().unwrap().recv().unwrap();
        }
        if envelope.starts_with(b"later") {
            responder.put_off(|asker| self.put_off.lock().unwrap().push((envelope, asker)));
        } else if envelope.starts_with(b"blocking") {
            responder.go_on_blocking(move |responder| responder.give(Ok(envelope)));
        } else {
            responder.give(Ok(envelope));
        }
    }

    fn snapshot(&self, request: &[u8]) -> Result<Vec<u8>, ServiceError> {
        assert_ne!(request, b"panic", "a bug in one request");
        Ok([request, b" of it"].concat())
    }

    fn hand_over(&self, request: &[u8]) -> Result<Vec<u8>, ServiceError> {
        assert_ne!(request, b"panic", "a bug in one request");
        Ok([request, b" for you"].concat())
    }

    fn compatible(&self) -> Option<&dyn CompatibleService> {
        Some(self)
    }

    fn settle(&self) {
        for (envelope, asker) in self.put_off.lock().unwrap().drain(..) {
            asker.give(Ok(envelope));
        }
    }
}

/// Says what it was asked, in which encoding; `bad` and `broken` are refused.
impl CompatibleService for Echo {
    fn body_bytes_max(&self, method: &str) -> Option<usize> {
        match method {
            "Small" | "GetInfo" => Some(8),
            "Panic" => Some(100),
            _ => None,
        }
    }

    fn call(&self, method: &str, json: bool, body: &[u8], responder: Responder) {
        assert_ne!(method, "Panic", "a bug in one request");
        responder.give(match body {
            b"bad" => Err(ServiceError::BadRequest("bad".to_owned())),
            b"broken" => Err(ServiceError::Unavailable("broken".to_owned())),
            _ => Ok([method.as_bytes(), if json { b" json " } else { b" protobuf " }, body].concat()),
        });
    }

    fn write(&self, _method: &str, _json: bool, answer: Vec<u8>) -> Result<Vec<u8>, ServiceError> {
        Ok([&answer, &b"."[..]].concat())
    }

    fn error(&self, json: bool, text: &str) -> Vec<u8> {
        format!("{text} {json}").into_bytes()
    }
}

/// A rim that serves until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    /// Each message lets one waiting query go on.
    pub gate: mpsc::Sender<()>,
    /// A message for each waiting query, from when it counts.
    pub inside: mpsc::Receiver<()>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    pub fn start(limits: Limits) -> Self {
        let (gate, receiver) = mpsc::channel();
        let (inside_out, inside) = mpsc::channel();
        let service = Arc::new(Echo {
            gate: Mutex::new(receiver),
            inside: Mutex::new(inside_out),
            put_off: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let (address_out, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
                address_out.send(listener.local_addr().unwrap()).unwrap();
                let stop = async { drop(stopped.await) };
                serve(listener, Rim::new(service, limits), stop).await.unwrap();
            });
        });
        let address = address.recv().unwrap();
        Self { address, gate, inside, stop: Some(stop), thread: Some(thread) }
    }

    pub fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).unwrap(), left: Vec::new() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed leaves nobody waiting.
        self.gate = mpsc::channel().0;
        drop(self.stop.take());
        let _ended = self.thread.take().unwrap().join();
    }
}

/// One connection.
pub struct Client {
    pub stream: TcpStream,
    left: Vec<u8>,
}

pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Client {
    pub fn send(&mut self, method: &str, path: &str, body: &[u8]) {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: worker\r\ncontent-length: {length}\r\n\r\n");
        self.stream.write_all(head.as_bytes()).unwrap();
        // A refused body may be cut off.
        let _cut = self.stream.write_all(body);
    }

    /// `None` when the connection ends first.
    pub fn receive(&mut self) -> Option<Reply> {
        loop {
            if let Some(end) = self.left.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(self.left[..end].to_vec()).unwrap();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.parse().unwrap());
                if self.left.len() >= end + 4 + length {
                    let body = self.left[end + 4..end + 4 + length].to_vec();
                    self.left.drain(..end + 4 + length);
                    let status = head[9..12].parse().unwrap();
                    return Some(Reply { status, head, body });
                }
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(count) if count > 0 => self.left.extend_from_slice(&buffer[..count]),
                _ => return None,
            }
        }
    }

    pub fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> Reply {
        self.send(method, path, body);
        self.receive().unwrap()
    }
}
