//! From a target to an open connection: names, addresses, TLS.
//!
//! A name is resolved once, here, and only addresses that passed the policy are connected to. The
//! library that speaks HTTP gets an open connection and never sees a name.

use crate::{
    ledger::Slot,
    meter::Metered,
    policy::{AllowedAddress, EgressPolicy, Place, Target},
};
use contract_abi::http::HttpError;
use futures::stream::{FuturesUnordered, StreamExt as _};
use primitives::UnixMillis;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, ServerName, UnixTime},
    time_provider::TimeProvider,
};
use std::{
    fmt, io,
    net::{IpAddr, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// Most addresses of one name that are tried.
pub const ADDRESSES_MAX: usize = 8;

/// When the next address is tried although the last one has not failed yet (RFC 8305, 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// Turns names into addresses.
pub trait Resolver: Send + Sync {
    /// The addresses of `name`, which is ASCII and has no dot at its end. Blocks, on a thread where it
    /// may; should return within some seconds, since the request's slot is held until it does.
    ///
    /// # Errors
    /// When the name is not known, or nobody could be asked.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // With a dot at its end a name is absolute: the search list of this machine, which can lead
        // into its own network, is not for contracts.
        let absolute = if name.contains('.') {
            format!("{name}.")
        } else {
            name.to_owned()
        };
        let addresses = (absolute.as_str(), 0).to_socket_addrs()?;
        Ok(addresses.map(|address| address.ip()).collect())
    }
}

/// Where the time comes from by which certificates are judged; `None` while it is not known, and then
/// no certificate is accepted.
pub type CertificateTime = Arc<dyn Fn() -> Option<UnixMillis> + Send + Sync>;

/// An open connection.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Opens connections.
pub(crate) struct Connector {
    pub policy: EgressPolicy,
    pub resolver: Arc<dyn Resolver>,
    pub tls: TlsConnector,
}

impl Connector {
    /// A connection to `target` over which at most `bytes_max` can be received. `slot` is held until
    /// the resolver is back, even if nobody waits for it any more, so that slow names cost the one who
    /// asks for them.
    ///
    /// # Errors
    /// [`HttpError::NotAllowed`] if the policy allows no address of the host;
    /// [`HttpError::NetworkError`] if none can be reached or TLS fails.
    pub async fn connect(
        &self,
        target: &Target,
        slot: &Arc<Slot>,
        bytes_max: u64,
    ) -> Result<Box<dyn Connection>, HttpError> {
        let addresses = self.addresses(target, slot).await?;
        let stream = dial(&addresses).await?;
        let stream = Metered::new(stream, bytes_max);
        if !target.is_https() {
            return Ok(Box::new(stream));
        }
        let name = match target.place() {
            Place::Name(name) => {
                ServerName::try_from(name.clone()).map_err(|_| HttpError::InvalidUrl)?
            }
            Place::Address(address) => ServerName::from(*address),
        };
        match self.tls.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(crate::meter::error_of(&error)),
        }
    }

    async fn addresses(
        &self,
        target: &Target,
        slot: &Arc<Slot>,
    ) -> Result<Vec<AllowedAddress>, HttpError> {
        let name = match target.place() {
            Place::Address(address) => {
                return Ok(vec![self.policy.check_address(*address, target.port())?]);
            }
            Place::Name(name) => name.clone(),
        };
        let resolver = Arc::clone(&self.resolver);
        let held = Arc::clone(slot);
        let lookup = tokio::task::spawn_blocking(move || {
            let found = resolver.resolve(&name);
            drop(held);
            found
        });
        let found = match lookup.await {
            Ok(Ok(found)) if !found.is_empty() => found,
            Ok(Ok(_) | Err(_)) | Err(_) => return Err(HttpError::NetworkError),
        };
        let mut allowed: Vec<AllowedAddress> = found
            .into_iter()
            .filter_map(|address| self.policy.check_address(address, target.port()).ok())
            .collect();
        if allowed.is_empty() {
            return Err(HttpError::NotAllowed);
        }
        allowed.truncate(ADDRESSES_MAX);
        Ok(allowed)
    }
}

/// Connects to the first address that answers, in their order, each with a small start before the next.
async fn dial(addresses: &[AllowedAddress]) -> Result<TcpStream, HttpError> {
    let mut waiting = addresses.iter();
    let mut tried = FuturesUnordered::new();
    loop {
        if let Some(address) = waiting.next() {
            tried.push(TcpStream::connect(address.socket_address()));
        } else if tried.is_empty() {
            return Err(HttpError::NetworkError);
        }
        let more = waiting.len() > 0;
        tokio::select! {
            Some(outcome) = tried.next() => {
                if let Ok(stream) = outcome {
                    // Small messages go out at once; a connection without it works as well.
                    let _unset = stream.set_nodelay(true);
                    return Ok(stream);
                }
            }
            () = tokio::time::sleep(NEXT_ADDRESS_AFTER), if more => {}
        }
    }
}

/// TLS as contracts get it: the roots of Mozilla that the program was built with, not those of the
/// host's disk; versions 1.2 and 1.3; HTTP/1.1; no resumption, by which a server could tell that two
/// contracts are on one worker.
pub(crate) fn tls(
    extra_roots: &[Vec<u8>],
    time: Option<CertificateTime>,
) -> Result<TlsConnector, rustls::Error> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for root in extra_roots {
        roots.add(CertificateDer::from(root.clone()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = match time {
        Some(time) => ClientConfig::builder_with_details(provider, Arc::new(Clock(time))),
        None => ClientConfig::builder_with_provider(provider),
    };
    let mut config = builder
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

struct Clock(CertificateTime);

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let now_ms = (self.0)()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(now_ms)))
    }
}
