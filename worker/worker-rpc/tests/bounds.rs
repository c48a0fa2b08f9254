//! What is above a bound is refused at once, with a reason.

use crate::server::Server;
use primitives::bounds::REQUEST_BYTES_MAX;
use std::{io::Write, time::Duration};
use worker_rpc::Limits;

#[test]
fn more_requests_than_fit_are_told_at_once() {
    let server = Server::start(Limits { requests_max: 1, ..Limits::default() });
    let mut first = server.connect();
    first.send("POST", "/v1/query", b"wait");
    server.inside.recv().unwrap();
    let reply = server.connect().ask("POST", "/v1/query", b"x");
    assert_eq!(reply.status, 503);
    assert!(String::from_utf8_lossy(&reply.body).contains("try another, or later"));
    server.gate.send(()).unwrap();
    assert_eq!(first.receive().unwrap().body, b"wait");
    assert_eq!(server.connect().ask("POST", "/v1/query", b"x").status, 200);
}

#[test]
fn too_long_a_body_is_refused_and_its_sender_sees_why() {
    let server = Server::start(Limits::default());
    let reply = server.connect().ask("POST", "/v1/query", &vec![0; REQUEST_BYTES_MAX as usize + 1]);
    assert_eq!(reply.status, 413);
    assert!(String::from_utf8_lossy(&reply.body).contains("16777216 bytes"));
}

#[test]
fn far_too_long_a_body_is_refused_before_it_is_read() {
    let server = Server::start(Limits::default());
    let mut client = server.connect();
    let length = 2 * REQUEST_BYTES_MAX + 1;
    let head = format!("POST /v1/query HTTP/1.1\r\nhost: worker\r\ncontent-length: {length}\r\n\r\n");
    client.stream.write_all(head.as_bytes()).unwrap();
    let reply = client.receive().unwrap();
    assert_eq!(reply.status, 413);
    assert!(String::from_utf8_lossy(&reply.body).contains("16777216 bytes"));
}

#[test]
fn the_bytes_of_all_bodies_are_bounded_together_and_given_back() {
    let limits = Limits { body_bytes_max: 100_000, requests_max: 1, ..Limits::default() };
    let server = Server::start(limits);
    let refusal = |body: &[u8]| {
        let reply = server.connect().ask("POST", "/v1/query", body);
        (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
    };
    let mut first = server.connect();
    let held = [&b"wait"[..], &[0; 60_000]].concat();
    first.send("POST", "/v1/query", &held);
    server.inside.recv().unwrap();
    assert_eq!(refusal(b"x").0, 503, "for their number");
    let (status, text) = refusal(&[1; 60_000]);
    assert!(status == 503 && text.contains("100000 bytes"), "{text}");
    // For its bytes a smaller one would fit beside it.
    assert!(!refusal(&[2; 10_000]).1.contains("bytes"));
    server.gate.send(()).unwrap();
    assert_eq!(first.receive().unwrap().body, held);
    assert_eq!(server.connect().ask("POST", "/v1/query", &[3; 60_000]).status, 200);
}

#[test]
fn who_sends_slowly_is_not_waited_for() {
    let time_max = Duration::from_millis(20);
    let limits = Limits { head_time_max: time_max, body_time_max: time_max, ..Limits::default() };
    let server = Server::start(limits);
    let mut slow_head = server.connect();
    slow_head.stream.write_all(b"POST /v1/query HT").unwrap();
    assert!(slow_head.receive().is_none_or(|reply| reply.status == 408));
    let mut slow_body = server.connect();
    let head = b"POST /v1/query HTTP/1.1\r\nhost: worker\r\ncontent-length: 10\r\n\r\nabc";
    slow_body.stream.write_all(head).unwrap();
    assert_eq!(slow_body.receive().unwrap().status, 408);
}

#[test]
fn more_connections_than_fit_are_closed_at_once() {
    let server = Server::start(Limits { connections_max: 1, ..Limits::default() });
    let mut first = server.connect();
    assert_eq!(first.ask("POST", "/v1/query", b"x").status, 200);
    assert!(server.connect().receive().is_none());
    assert_eq!(first.ask("POST", "/v1/query", b"x").status, 200);
}

#[test]
fn who_never_reads_its_answer_holds_no_connection_for_ever() {
    let limits = Limits {
        connections_max: 1,
        write_time_max: Duration::from_millis(20),
        ..Limits::default()
    };
    let server = Server::start(limits);
    let mut greedy = server.connect();
    // More than the sockets' buffers hold on both sides.
    greedy.send("POST", "/v1/query", &vec![7; 14 << 20]);
    let served = (0..2_000).any(|_| {
        let mut other = server.connect();
        let _closed = other.stream.write_all(b"GET /v1/info HTTP/1.1\r\nhost: worker\r\n\r\n");
        let reply = other.receive();
        // Another connection than the one there is, is closed at once.
        std::thread::sleep(Duration::from_millis(10));
        reply.is_some_and(|reply| reply.status == 200)
    });
    assert!(served, "the connection was not given up");
}
