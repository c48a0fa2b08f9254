//! The SDK against its doubles: what the documentation's examples do not show.

use contract_sdk::effects::{CacheOp, Effect};
use contract_sdk::http::{self, Error, Request};
use contract_sdk::signing::{Kind, SigningKey, verify};
use contract_sdk::test::{Worker, response};
use contract_sdk::{cache, decimal, js, json};

#[test]
fn a_transaction_closes_what_differs_between_workers() {
    let worker = Worker::new();
    worker.on_http(|_| Ok(response(200, "")));
    cache::set(b"k", b"old").unwrap();
    worker.enter_transaction();

    assert_eq!(http::get("https://example.org/"), Err(Error::NotAllowed));
    assert!(worker.requests().is_empty());
    assert!(matches!(js::eval("1", &[]), js::Value::Exception(_)));
    assert!(SigningKey::derive(Kind::Sr25519, b"s").sign(b"m").is_err());
    assert!(SigningKey::derive(Kind::Ed25519, b"s").sign(b"m").is_ok());
    assert_eq!(cache::get(b"k"), None);
    cache::set(b"k", b"new").unwrap();
    let set = CacheOp::Set { key: b"k".to_vec(), value: b"new".to_vec() };
    assert_eq!(worker.effects(), [Effect::CacheOp(set)]);

    worker.enter_query();
    assert_eq!(cache::get(b"k").as_deref(), Some(&b"new"[..]));
}

#[test]
fn each_kind_of_key_signs_what_it_alone_verifies() {
    let _worker = Worker::new();
    for kind in [Kind::Ed25519, Kind::Sr25519, Kind::Ecdsa] {
        let key = SigningKey::derive(kind, b"one");
        let other = SigningKey::derive(kind, b"other").public_key();
        let signature = key.sign(b"message").unwrap();
        assert!(verify(kind, &key.public_key(), b"message", &signature), "{kind:?}");
        assert!(!verify(kind, &other, b"message", &signature), "{kind:?}");
        assert!(!verify(kind, &key.public_key(), b"messages", &signature), "{kind:?}");
        assert!(!verify(kind, b"short", b"message", &signature[1..]), "{kind:?}");
    }
}

#[test]
fn a_full_cache_keeps_the_old_value() {
    let worker = Worker::new();
    cache::set(b"k", b"old").unwrap();
    worker.fill_cache();
    assert_eq!(cache::set(b"k", b"new"), Err(cache::Full));
    assert_eq!(cache::remove(b"k").as_deref(), Some(&b"old"[..]));
    assert_eq!(cache::get(b"k"), None);
}

#[test]
fn a_worker_that_is_gone_leaves_nothing_behind() {
    let worker = Worker::new();
    cache::set(b"k", b"v").unwrap();
    drop(worker);
    let _worker = Worker::new();
    assert_eq!(cache::get(b"k"), None);
}

#[test]
fn a_request_carries_what_it_was_built_with() {
    let worker = Worker::new();
    worker.on_http(|_| Err(Error::Timeout));
    let sent = Request::put("https://s.example/o", "body").header("x-a", "1").send();
    assert_eq!(sent, Err(Error::Timeout));
    let [request] = &worker.requests()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), &request.body[..]), ("PUT", &b"body"[..]));
    assert_eq!(request.headers, [("x-a".to_string(), "1".to_string())]);
}

#[test]
fn decimals() {
    let check = |text, places, expected| assert_eq!(decimal::parse(text, places), expected, "{text}");
    check("0", 0, Ok(0));
    check("-0.000", 2, Ok(0));
    check("12.345678", 4, Ok(123_456));
    check("6.51e2", 2, Ok(65_100));
    check("651E-2", 2, Ok(651));
    check("1e-999", 38, Ok(0));
    check("0e999", 38, Ok(0));
    check("170141183460469231731687303715884105727", 0, Ok(i128::MAX));
    check("170141183460469231731687303715884105728", 0, Err(decimal::Error::TooLarge));
    check("1e39", 0, Err(decimal::Error::TooLarge));
    check("1", 39, Err(decimal::Error::TooLarge));
    check("1e1000000000000000000000", 0, Err(decimal::Error::TooLarge));
    for text in ["", "-", ".5", "5.", "1,5", "0x1", "1e", "1e+", "1.2.3", " 1", "1e1.5", "--1", "NaN"] {
        check(text, 2, Err(decimal::Error::Malformed));
    }
    check(&"1".repeat(129), 0, Err(decimal::Error::Malformed));
    for (value, text) in [(0, "0.00"), (-5, "-0.05"), (123, "1.23"), (i128::MIN, "")] {
        let written = decimal::format(value, 2);
        if !text.is_empty() {
            assert_eq!(written, text);
            assert_eq!(decimal::parse(&written, 2), Ok(value));
        }
    }
}

#[test]
fn json_is_read_where_the_pointer_says() {
    let text = r#" { "a": [1, {"b~/c": "x\u00e9\n\ud83d\ude00"}], "": null, "a": 2, "t": true } "#;
    let value = json::parse(text.as_bytes()).unwrap();
    let at = |pointer| value.pointer(pointer);
    assert_eq!(at("/a/0").unwrap().number(), Some("1"));
    assert_eq!(at("/a/1/b~0~1c").unwrap().string().as_deref(), Some("xé\n😀"));
    assert!(at("/").unwrap().is_null());
    assert_eq!(at("/t").unwrap().boolean(), Some(true));
    assert_eq!(at("").unwrap().members().count(), 4);
    for missing in ["/b", "/a/2", "/a/00", "/a/-1", "/a/0/x", "a", "/t/0"] {
        assert!(at(missing).is_none(), "{missing}");
    }
    assert_eq!(json::parse(b"1.5e1").unwrap().decimal(1), Some(150));
    assert_eq!(json::parse(b"\"x\"").unwrap().decimal(1), None);
}

#[test]
fn what_is_no_json_is_refused() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(json::parse(deep(json::DEPTH_MAX as usize).as_bytes()).is_ok());
    assert!(json::parse(deep(json::DEPTH_MAX as usize + 1).as_bytes()).is_err());
    let broken = [
        "", " ", "{", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{,}", "{\"a\":1,}", "01", "1.", "-", "+1",
        "1e", "nul", "truefalse", "1 1", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
        "\"\\ud800\\u0041\"", "\"\n\"", "{1:2}", "]", "\"\\é\"",
    ];
    for text in broken {
        assert!(json::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(json::parse(&[b'"', 0xff, b'"']).is_err());
}
