//! The vault against stores in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use contract_sdk::http::{Error as HttpError, Response, header};
use contract_sdk::test::{Worker, response};
use ink::env::{DefaultEnvironment, test};

use crate::vault::{Error, FILE_BYTES_MAX, Vault};
use crate::{S3, ipfs};

const OWNER: [u8; 32] = [1; 32];
const MEMBER: [u8; 32] = [2; 32];
const STRANGER: [u8; 32] = [3; 32];

type Objects = Rc<RefCell<BTreeMap<String, Vec<u8>>>>;

fn s3() -> S3 {
    S3 {
        endpoint: "https://s3.example:9000".into(),
        region: "us-east-1".into(),
        bucket: "vault".into(),
        access_key: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
    }
}

fn call_as(caller: [u8; 32]) {
    test::set_caller::<DefaultEnvironment>(caller.into());
}

/// A vault with both stores and a member; the stores' contents.
fn vault(worker: &Worker) -> (Vault, Objects) {
    let objects = Objects::default();
    let stored = objects.clone();
    worker.on_http(move |request| Ok(store(&stored, request)));
    call_as(OWNER);
    let mut vault = Vault::new();
    vault.configure_s3(s3()).unwrap();
    vault.configure_ipfs("http://ipfs.example:5001".into()).unwrap();
    vault.admit(MEMBER.into()).unwrap();
    (vault, objects)
}

fn store(objects: &Objects, request: &contract_sdk::abi::http::HttpRequest) -> Response {
    let mut objects = objects.borrow_mut();
    let url = request.url.as_str();
    if url.contains("/block/put") {
        let start = request.body.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let end = request.body.windows(4).rposition(|four| four == b"\r\n--").unwrap();
        let block = request.body[start..end].to_vec();
        let cid = ipfs::cid(&block);
        objects.insert(cid.clone(), block);
        return response(200, format!(r#"{{"Key":"{cid}","Size":1}}"#));
    }
    if let Some((_, cid)) = url.split_once("/block/get?arg=") {
        return objects.get(cid).map_or(response(500, "not here"), |block| response(200, block));
    }
    match request.method.as_str() {
        "PUT" => {
            objects.insert(url.into(), request.body.clone());
            response(200, "")
        }
        _ => objects.get(url).map_or(response(404, ""), |object| response(200, object)),
    }
}

#[ink::test]
fn a_file_comes_back_from_either_store_and_neither_can_read_it() {
    let worker = Worker::new();
    let (vault, objects) = vault(&worker);
    call_as(MEMBER);
    let text = b"the treasure is buried under the old oak".to_vec();
    vault.put_s3("map.txt".into(), text.clone()).unwrap();
    assert_eq!(vault.get_s3("map.txt".into()), Ok(text.clone()));
    let cid = vault.put_ipfs("map.txt".into(), text.clone()).unwrap();
    assert_eq!(vault.get_ipfs("map.txt".into(), cid), Ok(text.clone()));
    for (name, object) in objects.borrow().iter() {
        assert!(!name.contains("map"));
        assert!(!object.windows(4).any(|part| part == b"tree" || part == b"oak\0"));
        assert_eq!(object.len(), 24 + 1024 + 16, "its size is rounded up");
    }
    let again = vault.put_ipfs("map.txt".into(), text).unwrap();
    assert_eq!(objects.borrow().len(), 3, "{again} is another block: the nonce is new");
}

#[ink::test]
fn a_member_sees_only_their_own_files() {
    let worker = Worker::new();
    let (mut vault, _) = vault(&worker);
    call_as(MEMBER);
    vault.put_s3("a".into(), vec![1]).unwrap();
    let cid = vault.put_ipfs("a".into(), vec![1]).unwrap();
    call_as(OWNER);
    assert_eq!(vault.get_s3("a".into()), Err(Error::NotFound));
    assert_eq!(vault.get_ipfs("a".into(), cid.clone()), Err(Error::Damaged));
    call_as(STRANGER);
    assert_eq!(vault.get_s3("a".into()), Err(Error::NotMember));
    assert_eq!(vault.put_s3("a".into(), vec![]), Err(Error::NotMember));
    assert_eq!(vault.admit(STRANGER.into()), Err(Error::NotOwner));
    assert_eq!(vault.configure_s3(s3()), Err(Error::NotOwner));
    assert_eq!(vault.configure_ipfs("http://x".into()), Err(Error::NotOwner));
    call_as(OWNER);
    vault.dismiss(MEMBER.into()).unwrap();
    call_as(MEMBER);
    assert_eq!(vault.get_ipfs("a".into(), cid), Err(Error::NotMember));
}

#[ink::test]
fn what_the_store_changed_is_refused() {
    let worker = Worker::new();
    let (vault, objects) = vault(&worker);
    vault.put_s3("a".into(), vec![1]).unwrap();
    vault.put_s3("b".into(), vec![2]).unwrap();
    let cid = vault.put_ipfs("a".into(), vec![1]).unwrap();
    let names: Vec<String> = objects.borrow().keys().cloned().collect();
    let [_, one, other] = &names[..] else { panic!("three objects") };
    {
        let mut objects = objects.borrow_mut();
        let swapped = objects[other].clone();
        objects.insert(one.clone(), swapped);
        objects.get_mut(other).unwrap()[100] ^= 1;
        objects.get_mut(&cid).unwrap()[100] ^= 1;
    }
    assert_eq!(vault.get_s3("a".into()), Err(Error::Damaged));
    assert_eq!(vault.get_s3("b".into()), Err(Error::Damaged));
    assert_eq!(vault.get_ipfs("a".into(), cid), Err(Error::Damaged));
    objects.borrow_mut().insert(one.clone(), vec![0; 3]);
    objects.borrow_mut().insert(other.clone(), vec![0; 3]);
    assert_eq!(vault.get_s3("a".into()), Err(Error::Damaged));
}

#[ink::test]
fn failures_of_the_store_are_told_apart() {
    let worker = Worker::new();
    let (vault, _) = vault(&worker);
    assert_eq!(vault.get_s3("none".into()), Err(Error::NotFound));
    assert_eq!(vault.get_ipfs("none".into(), "bafy".into()), Err(Error::NotFound));
    assert_eq!(vault.get_ipfs("none".into(), "a&b=c".into()), Err(Error::NotFound));
    worker.on_http(|_| Ok(response(403, "")));
    assert_eq!(vault.put_s3("a".into(), vec![]), Err(Error::Refused(403)));
    assert_eq!(vault.put_ipfs("a".into(), vec![]), Err(Error::Refused(403)));
    worker.on_http(|_| Ok(response(200, r#"{"Key":"bafkqaaa"}"#)));
    assert_eq!(vault.put_ipfs("a".into(), vec![]), Err(Error::Damaged), "it stored something else");
    worker.on_http(|_| Err(HttpError::Timeout));
    assert_eq!(vault.get_s3("a".into()), Err(Error::Unreachable));
    worker.enter_transaction();
    assert_eq!(vault.get_s3("a".into()), Err(Error::QueryOnly));
    assert_eq!(vault.put_ipfs("a".into(), vec![]), Err(Error::QueryOnly));
}

#[ink::test]
fn bounds_hold() {
    let worker = Worker::new();
    call_as(OWNER);
    let mut fresh = Vault::new();
    assert_eq!(fresh.get_s3("a".into()), Err(Error::NoStore));
    for endpoint in ["s3.example", "ftp://s3.example", "https://s3.example/path", "https://"] {
        let bad = S3 { endpoint: endpoint.into(), ..s3() };
        assert_eq!(fresh.configure_s3(bad), Err(Error::BadConfiguration), "{endpoint}");
    }
    let bad = S3 { bucket: "a/b".into(), ..s3() };
    assert_eq!(fresh.configure_s3(bad), Err(Error::BadConfiguration));
    assert_eq!(fresh.configure_ipfs("http://a?b".into()), Err(Error::BadConfiguration));
    let (vault, _) = vault(&worker);
    assert_eq!(vault.put_s3("a".into(), vec![0; FILE_BYTES_MAX + 1]), Err(Error::TooLong));
    assert_eq!(vault.put_s3(String::new(), vec![]), Err(Error::TooLong));
    assert_eq!(vault.put_s3("a".repeat(257), vec![]), Err(Error::TooLong));
    assert_eq!(vault.put_s3("a".into(), vec![7; FILE_BYTES_MAX]), Ok(()));
    assert_eq!(vault.get_s3("a".into()), Ok(vec![7; FILE_BYTES_MAX]));
}

#[ink::test]
fn requests_to_s3_are_signed_with_the_time_of_the_clock() {
    let worker = Worker::new();
    let (vault, _) = vault(&worker);
    worker.set_time_ms(1_369_353_600_000);
    vault.put_s3("a".into(), vec![]).unwrap();
    let request = worker.requests().pop().unwrap();
    let response = Response { headers: request.headers.clone(), ..response(0, "") };
    assert_eq!(header(&response, "X-Amz-Date"), Some("20130524T000000Z"));
    let authorization = header(&response, "authorization").unwrap();
    let start = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
                 SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=";
    assert!(authorization.starts_with(start), "{authorization}");
    assert_eq!(authorization.len(), start.len() + 64);
}

/// The content id that Kubo and js-ipfs give to the eleven bytes `hello world`.
#[test]
fn the_content_id_is_that_of_other_implementations() {
    let expected = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
    assert_eq!(ipfs::cid(b"hello world"), expected);
}
