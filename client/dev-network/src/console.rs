//! The web console, served from memory to this machine alone.
//!
//! The build leaves the console's files in a folder beside the programs ([`Pages::beside`]). They are read once, so that a
//! request names a file that was there, or none: no path is ever looked up on the disk. Beside them stands
//! `network.json`, which tells the page which network it belongs to.
//!
//! # Threats
//!
//! Other pages in the same browser: the answers carry no permission for other origins, forbid framing, and a
//! request under a name that is not this machine's is refused (a name that somebody points at 127.0.0.1).
//! The page itself: its policy lets it run its own scripts alone, and talk to nodes and workers.

use crate::{DevNetworkError, NetworkInfo};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
        REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    },
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};

/// Name of the console's folder beside the programs.
pub const CONSOLE_BESIDE_PROGRAMS: &str = "console";
/// Most files of a console.
const FILES_MAX: usize = 1024;
/// Most bytes of all of them.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Folders inside one another.
const DEPTH_MAX: usize = 4;
/// Connections at once.
const CONNECTIONS_MAX: usize = 128;
/// How long the head of a request may take.
const HEAD_TIME_MAX: Duration = Duration::from_secs(20);
/// Where a page finds which network it belongs to.
const NETWORK_FILE: &str = "network.json";
/// What the page may do; `console/vite.config.ts` has the same for other hosts.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                      img-src 'self' data:; font-src 'self'; connect-src 'self' http: https: ws: wss:; \
                      worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the console.
struct Page {
    content_type: &'static str,
    bytes: Bytes,
    /// Whether its name changes with its content, so that it may be kept.
    lasting: bool,
}

/// The console's files.
pub struct Pages(BTreeMap<String, Page>);

impl Pages {
    /// Where the console lies if the build made one: `console` beside the programs in `directory`.
    pub fn beside(directory: &Path) -> Option<PathBuf> {
        let folder = directory.join(CONSOLE_BESIDE_PROGRAMS);
        folder.join("index.html").is_file().then_some(folder)
    }

    /// Reads a built console.
    ///
    /// # Errors
    /// When a file cannot be read, there is no `index.html`, or it is larger than a console is.
    pub fn load(folder: &Path) -> Result<Self, DevNetworkError> {
        let mut pages = Self(BTreeMap::new());
        let mut left = BYTES_MAX;
        pages.read(folder, "", DEPTH_MAX, &mut left)?;
        if !pages.0.contains_key("index.html") {
            return Err(unusable(folder, "it has no index.html; cargo xtask build makes a console"));
        }
        Ok(pages)
    }

    fn read(
        &mut self,
        folder: &Path,
        prefix: &str,
        depth: usize,
        left: &mut u64,
    ) -> Result<(), DevNetworkError> {
        let file_error = |source| DevNetworkError::File { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(file_error)? {
            let entry = entry.map_err(file_error)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let (path, name) = (entry.path(), format!("{prefix}{name}"));
            let meta = entry.metadata().map_err(file_error)?;
            if meta.is_dir() && depth > 0 {
                self.read(&path, &format!("{name}/"), depth - 1, left)?;
            } else if meta.is_file() {
                *left = left
                    .checked_sub(meta.len())
                    .filter(|_| self.0.len() < FILES_MAX)
                    .ok_or_else(|| unusable(folder, "it is larger than a console is"))?;
                let bytes = fs::read(&path)
                    .map_err(|source| DevNetworkError::File { path: path.clone(), source })?;
                let lasting = name.starts_with("assets/");
                let content_type = content_type(&name);
                self.0.insert(name, Page { content_type, bytes: bytes.into(), lasting });
            }
        }
        Ok(())
    }

    /// Tells the page which network it belongs to.
    fn name_network(&mut self, info: &NetworkInfo) {
        let json = serde_json::json!({ "node": info.node, "genesis": info.genesis });
        let bytes = json.to_string().into_bytes().into();
        let page = Page { content_type: "application/json", bytes, lasting: false };
        self.0.insert(NETWORK_FILE.to_owned(), page);
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, "the console is only read");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let name = match path.trim_start_matches('/') {
            "" => "index.html",
            name => name,
        };
        let Some(page) = self.0.get(name) else {
            return refuse(StatusCode::NOT_FOUND, "there is no such file; the console is at /");
        };
        let body = if *method == Method::HEAD { Bytes::new() } else { page.bytes.clone() };
        let keep = if page.lasting { "public, max-age=31536000, immutable" } else { "no-cache" };
        respond(StatusCode::OK, page.content_type, keep, body)
    }
}

fn unusable(folder: &Path, why: &str) -> DevNetworkError {
    DevNetworkError::File { path: folder.to_owned(), source: std::io::Error::other(why) }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("wasm") => "application/wasm",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    keep: &'static str,
    body: Bytes,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers: [(HeaderName, &'static str); 7] = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, keep),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refuse(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", "no-store", Bytes::from_static(text.as_bytes()))
}

/// Whether a request means this machine: a browser sends the name that the page was opened under.
fn is_local(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    matches!(name, "127.0.0.1" | "localhost")
}

/// A console that is being served; it ends when this is dropped.
pub struct Console {
    url: String,
    accepting: JoinHandle<()>,
}

impl Console {
    /// Serves `pages` for the network `info` on the loopback address.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn serve(
        mut pages: Pages,
        info: &NetworkInfo,
        port: u16,
    ) -> Result<Self, DevNetworkError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|_| DevNetworkError::PortInUse { port, what: "the console".to_owned() })?;
        let port = listener.local_addr().map_or(port, |address| address.port());
        pages.name_network(info);
        let accepting = tokio::spawn(accept(listener, Arc::new(pages)));
        Ok(Self { url: format!("http://127.0.0.1:{port}/"), accepting })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, pages: Arc<Pages>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, for example: not in a circle without rest.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let pages = pages.clone();
        tokio::spawn(async move {
            let _place = place;
            let answer = move |request: Request<Incoming>| {
                let response = if is_local(request.headers().get(HOST)) {
                    pages.answer(request.method(), request.uri().path())
                } else {
                    refuse(StatusCode::FORBIDDEN, "open the console as http://127.0.0.1 or http://localhost")
                };
                async move { Ok::<_, Infallible>(response) }
            };
            // A browser that goes away is its own affair.
            let _ended = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME_MAX)
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use primitives::{ClusterId, GenesisHash, Measurement};

    fn info() -> NetworkInfo {
        NetworkInfo {
            node: "ws://127.0.0.1:9944".to_owned(),
            p2p: String::new(),
            genesis: GenesisHash([7; 32]),
            cluster: ClusterId([0; 32]),
            measurement: Measurement([0; 32]),
            workers: Vec::new(),
        }
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("assets")).unwrap();
        fs::write(folder.path().join("index.html"), "<!doctype html>").unwrap();
        fs::write(folder.path().join("assets/app-1a2b.js"), "1").unwrap();
        folder
    }

    #[test]
    fn files_have_their_types_and_whoever_leaves_the_folder_finds_nothing() {
        let folder = folder();
        let mut pages = Pages::load(folder.path()).unwrap();
        pages.name_network(&info());
        let check = |path: &str, status: u16, content_type: &str, keep: &str| {
            let response = pages.answer(&Method::GET, path);
            assert_eq!(response.status().as_u16(), status, "{path}");
            assert_eq!(response.headers()[CONTENT_TYPE], content_type, "{path}");
            assert_eq!(response.headers()[CACHE_CONTROL], keep, "{path}");
            assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], POLICY);
            assert!(response.headers().get("access-control-allow-origin").is_none());
        };
        let forever = "public, max-age=31536000, immutable";
        check("/", 200, "text/html; charset=utf-8", "no-cache");
        check("/assets/app-1a2b.js", 200, "text/javascript; charset=utf-8", forever);
        check("/network.json", 200, "application/json", "no-cache");
        let text = "text/plain; charset=utf-8";
        for path in ["/../Cargo.toml", "/assets/../../x", "/assets", "/%2e%2e/x", "//etc/passwd"] {
            check(path, 404, text, "no-store");
        }
        let posted = pages.answer(&Method::POST, "/");
        assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(posted.headers()[ALLOW], "GET, HEAD");
    }

    #[test]
    fn a_folder_without_a_page_is_no_console() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Pages::beside(folder.path()).is_none());
        let error = Pages::load(folder.path()).err().unwrap().to_string();
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for (host, local) in [
            ("127.0.0.1:9950", true),
            ("localhost:9950", true),
            ("localhost", true),
            ("phat.example", false),
            ("127.0.0.1.example:9950", false),
        ] {
            let value = HeaderValue::from_static(host);
            assert_eq!(is_local(Some(&value)), local, "{host}");
        }
        assert!(!is_local(None));
    }

    #[tokio::test]
    async fn a_browser_gets_the_page_and_its_network() {
        let folder = folder();
        let pages = Pages::load(folder.path()).unwrap();
        let console = Console::serve(pages, &info(), 0).await.unwrap();
        let network = reach(&format!("{}network.json", console.url())).await;
        let value: serde_json::Value = serde_json::from_slice(&network).unwrap();
        assert_eq!(value["node"], "ws://127.0.0.1:9944");
        assert_eq!(value["genesis"], serde_json::json!(GenesisHash([7; 32])));
    }

    /// The body of an answer, by HTTP/1.0, so that its end is the connection's.
    async fn reach(url: &str) -> Vec<u8> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let rest = url.strip_prefix("http://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
        let request = format!("GET /{path} HTTP/1.0\r\nhost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        answer.split_off(head + 4)
    }
}
