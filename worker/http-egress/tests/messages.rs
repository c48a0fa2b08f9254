//! What is sent, what comes back, and what contracts may not write.

use crate::support::*;
use contract_abi::http::{HttpError, HttpRequest};
use executor_api::HttpClient as _;
use http_egress::{BATCH_MAX, Egress, EgressConfig, REQUEST_HEADER_BYTES_MAX, REQUEST_HEADERS_MAX};
use std::sync::{Arc, Barrier, mpsc};

/// A peer that shows what it was asked.
fn listener() -> (std::net::SocketAddr, mpsc::Receiver<Received>) {
    let (sender, receiver) = mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let peer = serve_requests(move |received| {
        sender.lock().unwrap().send(received).unwrap();
        ok("")
    });
    (peer, receiver)
}

#[test]
fn a_response_comes_back_whole() {
    let peer = serve_text(
        "HTTP/1.1 418 Short and stout\r\nX-Tea: green\r\nx-tea: black\r\n\
         transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n7;note=1\r\n, world\r\n0\r\nlate: 1\r\n\r\n",
    );
    let response = fetch(&egress(), get(url(peer, "/"))).unwrap();
    assert_eq!(response.status_code, 418);
    assert_eq!(response.reason_phrase, "Short and stout");
    assert_eq!(response.body, b"hello, world");
    let tea: Vec<_> = response
        .headers
        .iter()
        .filter(|(name, _)| name == "x-tea")
        .collect();
    assert_eq!(tea, [&header("x-tea", "green"), &header("x-tea", "black")]);
}

#[test]
fn responses_end_in_each_way_that_http_knows() {
    for (answer, body) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdef", "abc"),
        ("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"),
        ("HTTP/1.0 200 OK\r\n\r\nold", "old"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
            "x",
        ),
    ] {
        let peer = serve_text(answer);
        let response = fetch(&egress(), get(url(peer, "/"))).unwrap();
        assert_eq!(response.body, body.as_bytes(), "{answer}");
    }
    let peer = serve_text("HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n");
    let request = HttpRequest {
        method: "HEAD".to_owned(),
        ..get(url(peer, "/"))
    };
    assert_eq!(fetch(&egress(), request).unwrap().body, b"");
}

#[test]
fn a_plain_request_says_nothing_of_the_worker() {
    let (peer, asked) = listener();
    fetch(&egress(), get(url(peer, "/a/b?c=d#e"))).unwrap();
    let received = asked.recv().unwrap();
    assert_eq!(received.line, "GET /a/b?c=d HTTP/1.1");
    let mut headers = received.headers;
    headers.sort();
    assert_eq!(
        headers,
        [
            header("accept", "*/*"),
            header("connection", "close"),
            header("host", &peer.to_string()),
            header("user-agent", "phat-contract/1"),
        ]
    );
}

#[test]
fn method_headers_and_body_arrive_as_written() {
    let (peer, asked) = listener();
    let request = HttpRequest {
        url: url(peer, "/%7Bx%7D"),
        method: "POST".to_owned(),
        headers: vec![
            header("Content-Type", "application/json"),
            header("x-key", "one"),
            header("X-Key", "two"),
            header("user-agent", "mine"),
            header("Host", &peer.to_string()),
            header("content-length", "7"),
        ],
        body: b"{\"a\":1}".to_vec(),
    };
    fetch(&egress(), request).unwrap();
    let received = asked.recv().unwrap();
    assert_eq!(received.line, "POST /%7Bx%7D HTTP/1.1");
    assert_eq!(received.body, b"{\"a\":1}");
    assert_eq!(received.header("user-agent"), Some("mine"));
    let count = |name: &str| {
        received
            .headers
            .iter()
            .filter(|(known, _)| known == name)
            .count()
    };
    assert_eq!(
        (count("x-key"), count("host"), count("content-length")),
        (2, 1, 1)
    );

    let empty = HttpRequest {
        method: "POST".to_owned(),
        ..get(url(peer, "/"))
    };
    fetch(&egress(), empty).unwrap();
    assert_eq!(asked.recv().unwrap().header("content-length"), Some("0"));
}

#[test]
fn what_could_hide_a_second_request_is_refused() {
    // Nobody is there: these never leave.
    let nowhere = "http://127.0.0.1:19999/";
    let with = |name: &str, value: &str| {
        let request = HttpRequest {
            headers: vec![header(name, value)],
            ..get(nowhere)
        };
        fetch(&egress(), request)
    };
    for name in [
        "transfer-encoding",
        "Transfer-Encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "proxy-authorization",
        "proxy-connection",
        "http2-settings",
        "",
        "a b",
        "a:",
        "a\r\nb",
        "a\0",
        "ä",
    ] {
        assert_eq!(
            with(name, "chunked"),
            Err(HttpError::InvalidHeaderName),
            "{name}"
        );
    }
    for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "\u{7f}"] {
        assert_eq!(
            with("x-key", value),
            Err(HttpError::InvalidHeaderValue),
            "{value}"
        );
    }
    for (name, value) in [
        ("host", "other.example"),
        ("content-length", "1"),
        ("content-length", "0, 0"),
        ("content-length", "+0"),
    ] {
        assert_eq!(
            with(name, value),
            Err(HttpError::InvalidHeaderValue),
            "{name}: {value}"
        );
    }
    for method in [
        "",
        "GET /",
        "GET\r\n",
        "CONNECT",
        "TRACE",
        "ü",
        &"X".repeat(33),
    ] {
        let request = HttpRequest {
            method: method.to_owned(),
            ..get(nowhere)
        };
        assert_eq!(
            fetch(&egress(), request),
            Err(HttpError::InvalidMethod),
            "{method}"
        );
    }
}

#[test]
fn a_request_is_bounded() {
    let peer = serve_text(ok(""));
    let with = |headers: Vec<(String, String)>, body: usize| {
        let request = HttpRequest {
            headers,
            body: vec![0; body],
            method: "PUT".to_owned(),
            ..get(url(peer, "/"))
        };
        fetch(&egress(), request).map(|response| response.status_code)
    };
    let most = BODY_BYTES_MAX as usize;
    assert_eq!(with(vec![], most), Ok(200));
    assert_eq!(with(vec![], most + 1), Err(HttpError::NotAllowed));
    let many = |count| vec![header("x", "y"); count];
    assert_eq!(with(many(REQUEST_HEADERS_MAX), 0), Ok(200));
    assert_eq!(
        with(many(REQUEST_HEADERS_MAX + 1), 0),
        Err(HttpError::TooManyHeaders)
    );
    let long = |bytes: usize| vec![header("x", &"y".repeat(bytes - 1))];
    assert_eq!(with(long(REQUEST_HEADER_BYTES_MAX), 0), Ok(200));
    assert_eq!(
        with(long(REQUEST_HEADER_BYTES_MAX + 1), 0),
        Err(HttpError::TooManyHeaders)
    );
}

#[test]
fn the_requests_of_a_batch_run_at_once() {
    let both = Arc::new(Barrier::new(2));
    let peer = serve_requests(move |received| {
        // The answer to each needs the arrival of the other.
        both.wait();
        ok(received.path())
    });
    let batch = vec![get(url(peer, "/first")), get(url(peer, "/second"))];
    let results = egress().send(&CONTRACT, batch, bounds(PATIENCE));
    let bodies: Vec<_> = results
        .into_iter()
        .map(|result| result.unwrap().body)
        .collect();
    assert_eq!(bodies, [b"/first".to_vec(), b"/second".to_vec()]);
}

#[test]
fn the_results_of_a_batch_are_in_the_order_of_the_requests() {
    let peer = serve_requests(|received| ok(received.path()));
    let batch = vec![
        get("nonsense"),
        get(url(peer, "/a")),
        get("http://169.254.169.254/latest/meta-data/"),
        get(url(peer, "/b")),
    ];
    let results = egress().send(&CONTRACT, batch, bounds(PATIENCE));
    let bodies: Vec<_> = results
        .into_iter()
        .map(|result| result.map(|response| response.body))
        .collect();
    assert_eq!(
        bodies,
        [
            Err(HttpError::InvalidUrl),
            Ok(b"/a".to_vec()),
            Err(HttpError::NotAllowed),
            Ok(b"/b".to_vec()),
        ]
    );
    assert!(
        egress()
            .send(&CONTRACT, vec![], bounds(PATIENCE))
            .is_empty()
    );
    let results = egress().send(
        &CONTRACT,
        vec![get(url(peer, "/")); BATCH_MAX + 1],
        bounds(PATIENCE),
    );
    assert_eq!(
        results,
        vec![Err(HttpError::TooManyRequests); BATCH_MAX + 1]
    );
}

#[test]
fn it_may_be_called_and_dropped_inside_of_another_runtime() {
    let peer = serve_text(ok("inside"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        assert_eq!(
            fetch(&egress(), get(url(peer, "/"))).unwrap().body,
            b"inside"
        );
    });
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let broken: [fn(&mut EgressConfig); 4] = [
        |config| config.limits.requests_max = 0,
        |config| config.threads = 0,
        |config| config.user_agent = "a\r\nb".to_owned(),
        |config| config.insecure_extra_roots = vec![vec![1, 2, 3]],
    ];
    for breaks in broken {
        let mut config = config();
        breaks(&mut config);
        assert!(Egress::new(config).is_err());
    }
}

#[test]
fn the_resolver_of_the_system_finds_this_machine() {
    let peer = serve_text(ok("local"));
    let named = format!("http://localhost:{}/", peer.port());
    assert_eq!(fetch(&egress(), get(named)).unwrap().body, b"local");
}
