//! What passes, and who is told what.

use crate::server::Server;
use worker_rpc::Limits;

#[test]
fn bytes_pass_and_errors_say_who_should_act() {
    let server = Server::start(Limits::default());
    let mut client = server.connect();
    let mut check = |method: &str, path: &str, body: &[u8], status: u16, start: &[u8]| {
        let reply = client.ask(method, path, body);
        assert_eq!(reply.status, status, "{method} {path}");
        assert!(reply.body.starts_with(start), "{}", String::from_utf8_lossy(&reply.body));
        assert!(reply.head.contains("access-control-allow-origin: *"), "{}", reply.head);
    };
    check("POST", "/v1/query", b"abc", 200, b"abc");
    check("POST", "/v1/query", b"blocking", 200, b"blocking");
    check("POST", "/v1/session", b"def", 200, b"def");
    check("POST", "/v1/session", b"panic", 500, b"{\"error\":");
    check("POST", "/v1/query", b"panic", 500, b"{\"error\":");
    check("POST", "/v1/snapshot", b"a part", 200, b"a part of it");
    check("POST", "/v1/snapshot", b"panic", 500, b"{\"error\":");
    check("POST", "/v1/handover", b"keys", 200, b"keys for you");
    check("POST", "/v1/handover", b"panic", 500, b"{\"error\":");
    check("GET", "/v1/handover", b"", 404, b"{\"error\":");
    check("PUT", "/v1/handover", b"", 405, b"{\"error\":");
    check("GET", "/v1/evidence", b"", 404, b"{\"error\":");
    let log = |byte: &str| format!("/v1/receipt-log/0x{}", byte.repeat(32));
    check("GET", &log("07"), b"", 200, &[7; 32]);
    check("GET", &log("08"), b"", 503, b"{\"error\":\"not yet");
    check("GET", &log("09"), b"", 404, b"{\"error\":\"not logged");
    check("GET", "/v1/receipt-log/07", b"", 400, b"{\"error\":\"what a worker signed");
    check("GET", "/v1/receipt-log/", b"", 400, b"{\"error\":");
    check("POST", &log("07"), b"", 405, b"{\"error\":");
    let load = |byte: &str| format!("/v1/load/0x{}", byte.repeat(32));
    check("GET", &load("02"), b"", 200, b"{\"processors\":2,\"speed\":null,\"cost_ns\":7");
    check("GET", "/v1/load/02", b"", 400, b"{\"error\":\"a contract's id");
    check("POST", &load("02"), b"", 405, b"{\"error\":");
    check("GET", "/nothing", b"", 404, b"{\"error\":");
    check("GET", "/v1/query", b"", 405, b"{\"error\":");
    check("OPTIONS", "/v1/query", b"", 200, b"");
    check("GET", "/v1/info", b"", 200, b"{\"version\":\"1.2.3\"");
    // All of that on one connection, bugs included.
    check("POST", "/v1/query", &vec![7; 1 << 20], 200, &vec![7; 1 << 20]);
}

#[test]
fn the_protocol_of_the_original_network_passes_in_both_encodings() {
    let server = Server::start(Limits::default());
    let mut client = server.connect();
    let mut check = |method: &str, path: &str, body: &[u8], status: u16, answer: &str| {
        let reply = client.ask(method, path, body);
        let have = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!((reply.status, have.as_str()), (status, answer), "{method} {path}");
        assert!(reply.head.contains("access-control-allow-origin: *"), "{}", reply.head);
    };
    let small = "/prpc/PhactoryAPI.Small";
    check("POST", small, b"abc", 200, "Small protobuf abc.");
    check("POST", &format!("{small}?json"), b"abc", 200, "Small json abc.");
    check("POST", &format!("{small}?a=json&json=1"), b"", 200, "Small json .");
    check("GET", small, b"", 200, "Small json .");
    check("GET", "/info", b"", 200, "GetInfo json .");
    check("POST", small, b"bad", 400, "bad false");
    check("POST", small, b"broken", 500, "broken false");
    check("POST", small, b"123456789", 413, "Entity too large false");
    check("POST", "/prpc/PhactoryAPI.Stop", b"", 404, "Method Not Found false");
    check("PUT", small, b"", 405, "this path takes GET and POST alone false");
    check("POST", "/prpc/PhactoryAPI.Panic", b"", 500, "the request failed inside the worker false");
    check("OPTIONS", small, b"", 200, "");
    check("POST", small, b"abc", 200, "Small protobuf abc.");
}

#[test]
fn answers_that_are_put_off_come_when_nothing_else_is_at_hand() {
    let server = Server::start(Limits::default());
    let mut clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send("POST", "/v1/query", format!("later {number}").as_bytes());
    }
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.receive().unwrap().body, format!("later {number}").as_bytes());
    }
}

#[test]
fn queries_that_block_their_threads_hold_up_nobody() {
    let server = Server::start(Limits::default());
    // More than there are threads that serve connections.
    let waiting_count = 24 + std::thread::available_parallelism().unwrap().get();
    let mut waiting: Vec<_> = (0..waiting_count).map(|_| server.connect()).collect();
    for client in &mut waiting {
        client.send("POST", "/v1/query", b"wait");
    }
    for _ in 0..50 {
        assert_eq!(server.connect().ask("POST", "/v1/query", b"quick").body, b"quick");
    }
    for _ in 0..waiting_count {
        server.gate.send(()).unwrap();
    }
    for client in &mut waiting {
        assert_eq!(client.receive().unwrap().body, b"wait");
    }
}

#[test]
fn a_server_that_stops_finishes_what_runs() {
    let server = Server::start(Limits { requests_max: 1, ..Limits::default() });
    let mut client = server.connect();
    client.send("POST", "/v1/query", b"wait");
    server.inside.recv().unwrap();
    let gate = server.gate.clone();
    let stopping = std::thread::spawn(move || drop(server));
    gate.send(()).unwrap();
    assert_eq!(client.receive().unwrap().body, b"wait");
    stopping.join().unwrap();
}
