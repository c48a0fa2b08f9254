//! Peers that mean harm: each one ends with a clear error.

use crate::support::*;
use contract_abi::http::HttpError;
use http_egress::{RESPONSE_HEAD_BYTES_MAX, RESPONSE_HEADERS_MAX};
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Sends `start`, then `again` until the client has gone.
fn endless(start: &'static str, again: String) -> std::net::SocketAddr {
    serve(move |mut stream| {
        read_request(&mut stream);
        send(&mut stream, start.as_bytes());
        while stream.write_all(again.as_bytes()).is_ok() {}
    })
}

/// Sends `start`, then `again` every few milliseconds until the client has gone.
fn dripping(start: &'static str, again: &'static str) -> std::net::SocketAddr {
    serve(move |mut stream| {
        read_request(&mut stream);
        send(&mut stream, start.as_bytes());
        while pause(&mut stream) && stream.write_all(again.as_bytes()).is_ok() {}
    })
}

/// Waits a little; `false` once the client has gone.
fn pause(stream: &mut TcpStream) -> bool {
    stream
        .set_read_timeout(Some(Duration::from_millis(5)))
        .unwrap();
    match stream.read(&mut [0]) {
        Ok(count) => count > 0,
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

fn expect(peer: std::net::SocketAddr, error: HttpError) {
    assert_eq!(fetch(&egress(), get(url(peer, "/"))), Err(error));
}

#[test]
fn a_body_without_end() {
    let text = "x".repeat(1000);
    let chunk = format!("3e8\r\n{text}\r\n");
    let error = HttpError::ResponseTooLarge;
    expect(endless("HTTP/1.1 200 OK\r\n\r\n", text), error);
    expect(
        endless(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            chunk,
        ),
        error,
    );
}

#[test]
fn a_body_is_bounded_to_the_byte() {
    let most = BODY_BYTES_MAX as usize;
    let peer = serve_text(ok(&"x".repeat(most)));
    assert_eq!(
        fetch(&egress(), get(url(peer, "/"))).unwrap().body.len(),
        most
    );
    expect(
        serve_text(ok(&"x".repeat(most + 1))),
        HttpError::ResponseTooLarge,
    );
    // A length that is announced is enough.
    let announced = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", most + 1);
    expect(serve_text(announced), HttpError::ResponseTooLarge);
    // A body may come in the smallest of chunks.
    let tiny = "1\r\nx\r\n".repeat(most) + "0\r\n\r\n";
    let peer = serve_text(format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{tiny}"
    ));
    assert_eq!(
        fetch(&egress(), get(url(peer, "/"))).unwrap().body.len(),
        most
    );
}

#[test]
fn too_many_headers_and_too_long_ones() {
    let with = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(count));
    let peer = serve_text(with(RESPONSE_HEADERS_MAX));
    let response = fetch(&egress(), get(url(peer, "/"))).unwrap();
    assert_eq!(response.headers.len(), RESPONSE_HEADERS_MAX);
    expect(
        serve_text(with(RESPONSE_HEADERS_MAX + 1)),
        HttpError::TooManyHeaders,
    );
    let long = "y".repeat(RESPONSE_HEAD_BYTES_MAX);
    expect(
        serve_text(format!("HTTP/1.1 200 OK\r\nx: {long}\r\n\r\n")),
        HttpError::TooManyHeaders,
    );
    expect(
        endless("HTTP/1.1 200 OK\r\nx: ", "y".repeat(1000)),
        HttpError::TooManyHeaders,
    );
    expect(
        endless("HTTP/1.1 200 ", "y".repeat(1000)),
        HttpError::TooManyHeaders,
    );
    expect(
        endless("HTTP/1.1 200 OK\r\n", "x: y\r\n".repeat(100)),
        HttpError::TooManyHeaders,
    );
}

#[test]
fn much_that_says_nothing() {
    // Interim responses without end: each is whole, none is the answer.
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(100);
    expect(endless("", interim), HttpError::ResponseTooLarge);
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    // Extensions of chunks, and trailers.
    expect(
        endless(chunked, format!("1;{}\r\nx\r\n", "y".repeat(1000))),
        HttpError::NetworkError,
    );
    expect(
        endless(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;",
            "y".repeat(1000),
        ),
        HttpError::NetworkError,
    );
    expect(
        endless(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
            "x: y\r\n".repeat(100),
        ),
        HttpError::NetworkError,
    );
}

#[test]
fn a_peer_that_is_slow_or_silent() {
    for (index, peer) in [
        dripping("", ""),
        dripping("HTTP/1.1 200 OK\r\n", "x: y\r\n"),
        dripping("HTTP/1.1 200 OK\r\nx: ", "y"),
        dripping("HTTP/1.1 200 OK\r\n\r\n", "x"),
        dripping(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "1\r\nx\r\n",
        ),
        dripping("HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n", "x"),
        dripping("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nx", ""),
        dripping("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let outcome = fetch_within(&egress(), get(url(peer, "/")), SOON);
        assert_eq!(outcome, Err(HttpError::Timeout), "{index}");
    }
}

#[test]
fn a_deadline_that_has_passed() {
    let peer = serve_text(ok("late"));
    let past = executor_api::HttpBounds {
        deadline: Instant::now(),
        body_bytes_max: BODY_BYTES_MAX,
    };
    let results =
        executor_api::HttpClient::send(&egress(), &CONTRACT, vec![get(url(peer, "/"))], past);
    assert_eq!(results, [Err(HttpError::Timeout)]);
}

#[test]
fn a_peer_that_breaks_off_or_talks_nonsense() {
    for answer in [
        "",
        "\r\n\r\n\r\n",
        "HTTP/1.1",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 99 OK\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "old http/0.9 body",
    ] {
        let outcome = fetch(&egress(), get(url(serve_text(answer), "/")));
        assert_eq!(outcome, Err(HttpError::NetworkError), "{answer:?}");
    }
    // Nobody there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    expect(address, HttpError::NetworkError);
}
