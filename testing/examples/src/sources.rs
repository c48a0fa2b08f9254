//! HTTP servers that say a price, or do not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Longest head of a request that is read, bytes.
const HEAD_BYTES_MAX: u64 = 16 * 1024;

/// What a source does with a request.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Answers with this body.
    Says(String),
    /// Answers with this status and no body.
    Fails(u16),
    /// Takes the request and never answers.
    Hangs,
    /// Refuses connections.
    Dead,
}

/// A source on a port of this machine. Its threads end with the process.
pub struct Source {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Source {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(behaviour: Behaviour) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/price", listener.local_addr()?);
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        if !matches!(behaviour, Behaviour::Dead) {
            thread::spawn(move || serve(&listener, &behaviour, &counter));
        }
        Ok(Self { url, asked })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Requests so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn serve(listener: &TcpListener, behaviour: &Behaviour, asked: &AtomicUsize) {
    // Those that hang: a connection ends when it is dropped.
    let mut open = Vec::new();
    for stream in listener.incoming().flatten() {
        // One that goes away has no answer; the next may.
        if let Ok(kept) = answer(stream, behaviour, asked) {
            open.extend(kept);
        }
    }
}

fn answer(
    stream: TcpStream,
    behaviour: &Behaviour,
    asked: &AtomicUsize,
) -> std::io::Result<Option<TcpStream>> {
    let mut head = BufReader::new(stream.try_clone()?.take(HEAD_BYTES_MAX));
    let mut line = String::new();
    while head.read_line(&mut line)? > 2 {
        line.clear();
    }
    asked.fetch_add(1, Ordering::SeqCst);
    let (status, body) = match behaviour {
        Behaviour::Says(body) => (200, body.as_str()),
        Behaviour::Fails(status) => (*status, ""),
        Behaviour::Hangs | Behaviour::Dead => return Ok(Some(stream)),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    { stream }.write_all(answer.as_bytes())?;
    Ok(None)
}
