//! TLS: who is trusted, for which name, at which time.

use crate::support::*;
use contract_abi::http::HttpError;
use http_egress::{Egress, EgressConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::{
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex, mpsc},
};

const NAME: &str = "secure.example";

/// An authority of this test alone, and a server with a certificate of it.
struct Authority {
    root: Vec<u8>,
    server: Arc<ServerConfig>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec![NAME.to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Self {
            root: issuer.as_ref().der().to_vec(),
            server: Arc::new(server),
        }
    }

    /// A server, handed each connection.
    fn serve(
        &self,
        handler: impl Fn(&mut StreamOwned<ServerConnection, TcpStream>) + Send + Sync + 'static,
    ) -> SocketAddr {
        let config = Arc::clone(&self.server);
        serve(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            handler(&mut StreamOwned::new(connection, stream));
        })
    }

    fn trusting(&self) -> EgressConfig {
        EgressConfig {
            insecure_extra_roots: vec![self.root.clone()],
            resolver: Answers::loopback(),
            ..config()
        }
    }
}

fn answer(stream: &mut StreamOwned<ServerConnection, TcpStream>, text: &str) {
    read_request(stream);
    send(stream, text.as_bytes());
    stream.conn.send_close_notify();
    send(stream, b"");
}

fn secure_url(peer: SocketAddr) -> String {
    format!("https://{NAME}:{}/", peer.port())
}

#[test]
fn a_trusted_server_is_asked_by_its_name() {
    let authority = Authority::new();
    let (sender, seen) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = authority.serve(move |stream| {
        let received = read_request(stream);
        let name = stream.conn.server_name().map(str::to_owned);
        let host = received.header("host").map(str::to_owned);
        sender.lock().unwrap().send((name, host)).unwrap();
        send(stream, ok("secret").as_bytes());
    });
    let egress = Egress::new(authority.trusting()).unwrap();
    assert_eq!(
        fetch(&egress, get(secure_url(peer))).unwrap().body,
        b"secret"
    );
    let host = format!("{NAME}:{}", peer.port());
    assert_eq!(seen.recv().unwrap(), (Some(NAME.to_owned()), Some(host)));
    // By its address as well, for which there is no name to send.
    let by_address = format!("https://127.0.0.1:{}/", peer.port());
    assert_eq!(fetch(&egress, get(by_address)).unwrap().body, b"secret");
    assert_eq!(seen.recv().unwrap().0, None);
}

#[test]
fn a_server_that_is_not_trusted_is_asked_nothing() {
    let authority = Authority::new();
    let (sender, seen) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = authority.serve(move |stream| {
        sender.lock().unwrap().send(read_request(stream)).unwrap();
    });
    let stranger = Authority::new();
    let no_root = EgressConfig {
        insecure_extra_roots: vec![],
        ..authority.trusting()
    };
    let another_root = EgressConfig {
        insecure_extra_roots: vec![stranger.root],
        ..authority.trusting()
    };
    let too_late = EgressConfig {
        certificate_time: Some(Arc::new(|| Some(u64::MAX / 2))),
        ..authority.trusting()
    };
    let too_early = EgressConfig {
        certificate_time: Some(Arc::new(|| Some(0))),
        ..authority.trusting()
    };
    let no_time = EgressConfig {
        certificate_time: Some(Arc::new(|| None)),
        ..authority.trusting()
    };
    for config in [no_root, another_root, too_late, too_early, no_time] {
        let egress = Egress::new(config).unwrap();
        assert_eq!(
            fetch(&egress, get(secure_url(peer))),
            Err(HttpError::NetworkError)
        );
    }
    let egress = Egress::new(authority.trusting()).unwrap();
    let another_name = format!("https://another.example:{}/", peer.port());
    assert_eq!(
        fetch(&egress, get(another_name)),
        Err(HttpError::NetworkError)
    );
    // What was received, if anything, was no request.
    for received in seen.try_iter() {
        assert_eq!(received, Received::default());
    }
}

#[test]
fn a_server_without_tls_is_no_secure_one() {
    let peer = serve_text(ok("plain"));
    let egress = Egress::new(Authority::new().trusting()).unwrap();
    assert_eq!(
        fetch(&egress, get(secure_url(peer))),
        Err(HttpError::NetworkError)
    );
}

#[test]
fn a_handshake_that_stands_still_ends_at_the_deadline() {
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let peer = serve(move |_stream| held.pass());
    let egress = Egress::new(Authority::new().trusting()).unwrap();
    let outcome = fetch_within(&egress, get(secure_url(peer)), SOON);
    assert_eq!(outcome, Err(HttpError::Timeout));
    gate.open();
}

#[test]
fn tls_is_not_left_by_a_redirect() {
    let authority = Authority::new();
    let plain = serve_text(ok("plain"));
    let down = redirect(302, &format!("http://{NAME}:{}/", plain.port()));
    let peer = authority.serve(move |stream| answer(stream, &down));
    let egress = Egress::new(authority.trusting()).unwrap();
    assert_eq!(
        fetch(&egress, get(secure_url(peer))),
        Err(HttpError::NotAllowed)
    );

    // The way up is open.
    let secure = authority.serve(|stream| answer(stream, &ok("secure")));
    let peer = serve_text(redirect(302, &secure_url(secure)));
    assert_eq!(fetch(&egress, get(url(peer, "/"))).unwrap().body, b"secure");
}

#[test]
fn a_body_that_somebody_cut_short_is_noticed() {
    let authority = Authority::new();
    let until_the_end = "HTTP/1.1 200 OK\r\n\r\npay 100";
    let whole = authority.serve(move |stream| answer(stream, until_the_end));
    let cut = authority.serve(move |stream| {
        read_request(stream);
        send(stream, until_the_end.as_bytes());
        // The connection ends, and TLS does not say that it does.
    });
    let egress = Egress::new(authority.trusting()).unwrap();
    assert_eq!(
        fetch(&egress, get(secure_url(whole))).unwrap().body,
        b"pay 100"
    );
    assert_eq!(
        fetch(&egress, get(secure_url(cut))),
        Err(HttpError::NetworkError)
    );
}
