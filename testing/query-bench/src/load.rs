//! The client: prepared requests over kept connections, as fast as they are answered.

use crate::server::{ANSWER, contract, now_ms};
use anyhow::{Context as _, Result, bail, ensure};
use primitives::ContractId;
use secrets::{
    client::{ClientSession, PendingReply, SessionOpener, WorkerAddress},
    receipt::verify_receipt_signature,
};
use std::{net::SocketAddr, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    task::JoinSet,
};
use wire::query::{QueryRequest, QueryTarget};

/// One answer in so many is opened and checked.
const CHECK_EVERY: usize = 97;
/// Longest head of an answer, bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What is asked.
#[derive(Clone, Copy)]
pub enum Asked {
    /// A sealed query in a session.
    Query { receipt: bool },
    /// A plain GET.
    Plain(&'static str),
}

struct Prepared {
    bytes: Vec<u8>,
    check: Option<PendingReply>,
}

/// One connection and its requests.
pub struct Connection {
    stream: TcpStream,
    prepared: Vec<Prepared>,
    buffer: Vec<u8>,
}

pub struct Load {
    runtime: Runtime,
    connections: usize,
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: worker\r\ncontent-type: application/octet-stream\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: worker\r\n\r\n").into_bytes()
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, prepared: Vec::new(), buffer: Vec::with_capacity(4096) })
    }

    /// Sends a sealed query and reads its answer, which is not opened.
    pub async fn ask(&mut self, envelope: &[u8]) -> Result<()> {
        self.exchange(&post("/v1/query", envelope)).await.map(drop)
    }

    /// Sends a request and reads the whole answer; its body lies in the buffer from the returned place
    /// on.
    async fn exchange(&mut self, request: &[u8]) -> Result<usize> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            let count = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(count > 0, "the server closed the connection");
            if let Some(start) = whole_answer(&self.buffer)? {
                return Ok(start);
            }
        }
    }
}

/// Where the body begins, once all of it is there.
fn whole_answer(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        ensure!(bytes.len() < HEAD_BYTES_MAX, "the head of the answer has no end");
        return Ok(None);
    };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
    ensure!(
        head.starts_with("HTTP/1.1 200"),
        "not answered: {}",
        String::from_utf8_lossy(bytes)
    );
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse::<usize>().ok())
        .context("an answer without length")?;
    Ok((bytes.len() >= end + 4 + length).then_some(end + 4))
}

async fn address_of(connection: &mut Connection) -> Result<WorkerAddress> {
    let start = connection.exchange(&get("/v1/info")).await?;
    let body = connection.buffer.get(start..).unwrap_or_default();
    let info: worker_rpc::Info = serde_json::from_slice(body)?;
    let (genesis, worker, hpke_public_key) = (info.genesis, info.worker, info.hpke_public_key);
    Ok(WorkerAddress { genesis, worker, hpke_public_key })
}

/// Opens a session.
pub async fn session_on(connection: &mut Connection) -> Result<ClientSession> {
    let worker = address_of(connection).await?;
    let (opening, opener) =
        SessionOpener::start(&worker, None, now_ms(), &mut rand_core::OsRng)?;
    let start = connection.exchange(&post("/v1/session", &opening)).await?;
    Ok(opener.finish(connection.buffer.get(start..).unwrap_or_default())?)
}

/// A query without a receipt.
pub fn request(contract: ContractId, input: Vec<u8>, number: usize) -> QueryRequest {
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&(number as u64).to_le_bytes());
    QueryRequest {
        target: QueryTarget::Call { contract },
        input,
        value: 0,
        gas_limit: 0,
        estimate: false,
        minimum_block: 0,
        expires_at_ms: now_ms() + 60_000,
        nonce,
        receipt: false,
    }
}

async fn prepare(connection: &mut Connection, asked: Asked, count: usize) -> Result<()> {
    connection.prepared.reserve(count);
    match asked {
        Asked::Plain(path) => {
            let bytes = get(path);
            connection
                .prepared
                .extend((0..count).map(|_| Prepared { bytes: bytes.clone(), check: None }));
        }
        Asked::Query { receipt } => {
            let session = session_on(connection).await?;
            let contract = contract()?;
            for number in 0..count {
                let request = QueryRequest { receipt, ..request(contract, vec![1, 2, 3, 4], number) };
                let (envelope, pending) = session.seal(&request)?;
                let check = (number % CHECK_EVERY == 0).then_some(pending);
                let bytes = post("/v1/query", &envelope);
                connection.prepared.push(Prepared { bytes, check });
            }
        }
    }
    Ok(())
}

/// Sends all that was prepared; the answers to check.
async fn send_all(mut connection: Connection) -> Result<Vec<(PendingReply, Vec<u8>)>> {
    let mut to_check = Vec::new();
    for Prepared { bytes, check } in std::mem::take(&mut connection.prepared) {
        let start = connection.exchange(&bytes).await?;
        if let Some(pending) = check {
            let body = connection.buffer.get(start..).unwrap_or_default();
            to_check.push((pending, body.to_vec()));
        }
    }
    Ok(to_check)
}

fn check(pending: &PendingReply, answer: &[u8], receipt: bool) -> Result<()> {
    let reply = pending.open(answer)?;
    let Ok(output) = reply.result else { bail!("the contract failed") };
    ensure!(output.data == ANSWER, "another answer: {:?}", output.data);
    ensure!(reply.receipt.is_some() == receipt, "a receipt too few or too many");
    if let Some(receipt) = &reply.receipt {
        ensure!(verify_receipt_signature(receipt), "the receipt's signature does not hold");
    }
    Ok(())
}

impl Load {
    pub fn new(connections: usize) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, connections })
    }

    /// Asks `count` times; seconds from the first byte out to the last byte in.
    pub fn run(&self, address: SocketAddr, asked: Asked, count: usize) -> Result<f64> {
        self.run_on(&[address], asked, count)
    }

    /// The same, of several servers at once, each of which is asked `count` times.
    pub fn run_on(&self, addresses: &[SocketAddr], asked: Asked, count: usize) -> Result<f64> {
        self.runtime.block_on(async {
            let mut connections = Vec::new();
            for address in addresses {
                for _ in 0..self.connections {
                    let mut connection = Connection::open(*address).await?;
                    prepare(&mut connection, asked, count / self.connections).await?;
                    connections.push(connection);
                }
            }
            let started = Instant::now();
            let mut sending = JoinSet::new();
            for connection in connections {
                sending.spawn(send_all(connection));
            }
            let mut to_check = Vec::new();
            while let Some(sent) = sending.join_next().await {
                to_check.extend(sent??);
            }
            let seconds = started.elapsed().as_secs_f64();
            if let Asked::Query { receipt } = asked {
                ensure!(!to_check.is_empty(), "nothing was checked");
                for (pending, answer) in &to_check {
                    check(pending, answer, receipt)?;
                }
            }
            Ok(seconds)
        })
    }
}
