//! Where redirects lead, and what goes with them.

use crate::support::*;
use contract_abi::http::{HttpError, HttpRequest};
use http_egress::{Egress, EgressConfig, EgressPolicy, REDIRECTS_MAX};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

/// A peer that redirects `/from` to `location` and shows what else it is asked.
fn redirecting(status: u16, location: &str) -> (SocketAddr, mpsc::Receiver<Received>) {
    let answer = redirect(status, location);
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = serve_requests(move |received| {
        if received.path() == "/from" {
            return answer.clone();
        }
        sender.lock().unwrap().send(received).unwrap();
        ok("there")
    });
    (peer, receiver)
}

fn with_secrets(url: String, method: &str, body: &str) -> HttpRequest {
    HttpRequest {
        url,
        method: method.to_owned(),
        headers: vec![
            header("authorization", "Bearer secret"),
            header("cookie", "secret"),
            header("x-api-key", "secret"),
            header("accept", "text/plain"),
            header("content-type", "text/plain"),
        ],
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn methods_and_bodies_follow_as_the_standard_has_it() {
    for (status, method, then, keeps_body) in [
        (301, "GET", "GET", true),
        (301, "POST", "GET", false),
        (302, "POST", "GET", false),
        (302, "PUT", "PUT", true),
        (303, "POST", "GET", false),
        (303, "DELETE", "GET", false),
        (303, "HEAD", "HEAD", true),
        (307, "POST", "POST", true),
        (308, "POST", "POST", true),
    ] {
        let (peer, asked) = redirecting(status, "/to?x=1");
        let request = with_secrets(url(peer, "/from"), method, "body");
        assert_eq!(fetch(&egress(), request).unwrap().status_code, 200);
        let received = asked.recv().unwrap();
        assert_eq!(
            received.line,
            format!("{then} /to?x=1 HTTP/1.1"),
            "{status} {method}"
        );
        assert_eq!(received.body == b"body", keeps_body, "{status} {method}");
        assert_eq!(received.header("content-type").is_some(), keeps_body);
        // It is the same origin.
        assert_eq!(received.header("authorization"), Some("Bearer secret"));
    }
}

#[test]
fn what_is_no_redirect_is_a_response() {
    for answer in [
        redirect(300, "/to"),
        redirect(304, "/to"),
        redirect(201, "/to"),
        "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
    ] {
        let peer = serve_text(answer.clone());
        let response = fetch(&egress(), get(url(peer, "/"))).unwrap();
        assert!(
            answer.contains(&response.status_code.to_string()),
            "{answer}"
        );
    }
}

#[test]
fn secrets_stay_behind_when_the_origin_changes() {
    let (stranger, asked) = redirecting(302, "/");
    let peer = serve_text(redirect(307, &url(stranger, "/to")));
    fetch(&egress(), with_secrets(url(peer, "/"), "GET", "")).unwrap();
    let received = asked.recv().unwrap();
    for name in ["authorization", "cookie", "x-api-key"] {
        assert_eq!(received.header(name), None, "{name}");
    }
    assert_eq!(received.header("accept"), Some("text/plain"));
    assert_eq!(received.header("host"), Some(stranger.to_string().as_str()));
}

#[test]
fn redirects_end() {
    let hops = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&hops);
    let peer = serve_requests(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        redirect(302, "/again")
    });
    assert_eq!(
        fetch(&egress(), get(url(peer, "/"))),
        Err(HttpError::NetworkError)
    );
    assert_eq!(hops.load(Ordering::SeqCst), REDIRECTS_MAX + 1);

    let peer = serve_requests(|received| match received.path().strip_prefix('/') {
        Some("5") => ok("the end"),
        Some(hop) => redirect(302, &(hop.parse::<usize>().unwrap() + 1).to_string()),
        None => ok("?"),
    });
    assert_eq!(
        fetch(&egress(), get(url(peer, "/0"))).unwrap().body,
        b"the end"
    );
}

#[test]
fn each_hop_is_checked_anew() {
    for location in [
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/",
        "http://2852039166/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://127.0.0.1:22/",
    ] {
        let peer = serve_text(redirect(302, location));
        assert_eq!(
            fetch(&egress(), get(url(peer, "/"))),
            Err(HttpError::NotAllowed),
            "{location}"
        );
    }
    for location in [
        "file:///etc/passwd",
        "ftp://example.com/",
        "http://",
        "http://a@127.0.0.1/",
        "\u{e4}",
    ] {
        let peer = serve_text(redirect(302, location));
        assert_eq!(
            fetch(&egress(), get(url(peer, "/"))),
            Err(HttpError::NetworkError),
            "{location}"
        );
    }
}

#[test]
fn a_redirect_to_a_closed_address_or_name_never_gets_there() {
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reached);
    let closed = serve_at(SocketAddr::new(LOOPBACK_TWO, 0), move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let resolver = Answers::new(&[&[LOOPBACK_TWO]]);
    let egress = Egress::new(EgressConfig {
        policy: EgressPolicy {
            insecure_allow_private_addresses: true,
            blocked_networks: vec!["127.0.0.2/32".parse().unwrap()],
        },
        resolver: resolver.clone(),
        ..EgressConfig::default()
    })
    .unwrap();
    let named = format!("http://inside.example:{}/", closed.port());
    for location in [url(closed, "/"), named] {
        let peer = serve_text(redirect(302, &location));
        assert_eq!(
            fetch(&egress, get(url(peer, "/"))),
            Err(HttpError::NotAllowed),
            "{location}"
        );
    }
    assert_eq!(resolver.asked(), 1);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}
