//! The formats as bytes: fixed seeds must give the bytes in `tests/fixtures/`. A difference is a
//! change of format; set `UPDATE_FIXTURES=1` to write the files anew, as a commit of its own.

use crate::{
    commands, receipts, support,
    support::{
        NOW, Seeded, account_id, address, endpoint, identity, receipt_body, reply, request,
        session_key, worker_key,
    },
};
use codec::{Decode, Encode};
use primitives::ContractId;
use secrets::{
    ClusterSeed,
    client::{SessionOpener, seal_query},
    command::seal_command,
    receipt::sign_batch,
    server::{accept_session, open_query},
};
use std::{fmt::Write, path::Path};
use wire::query::Envelope;

fn check(name: &str, parts: &[(&str, &[u8])]) {
    let mut text = String::new();
    for (part, bytes) in parts {
        writeln!(text, "{part} {}", hex::encode(bytes)).unwrap();
    }
    let path = Path::new("tests/fixtures").join(name);
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "the format of {name} changed");
}

#[test]
fn session() {
    let (worker, key) = (worker_key(), session_key());
    let (opening, opener) =
        SessionOpener::start(&address(), identity(&key), NOW, &mut Seeded(1000))
            .ok()
            .unwrap();
    let accepted = accept_session(&endpoint(&worker), &opening, NOW, 60_000, &mut Seeded(2000))
        .ok()
        .unwrap();
    let client = opener.finish(&accepted.answer).ok().unwrap();
    let (first, _) = client.seal(&request()).ok().unwrap();
    let (second, _) = client.seal(&request()).ok().unwrap();
    let Ok(Envelope::Session {
        sequence,
        ciphertext,
        ..
    }) = Envelope::decode(&mut &second[..])
    else {
        panic!("a session's envelope");
    };
    let (_, sealer) = accepted.session.open(sequence, &ciphertext).ok().unwrap();
    check(
        "session.hex",
        &[
            ("opening", &opening),
            ("accept", &accepted.answer),
            ("query-0", &first),
            ("query-1", &second),
            ("reply-1", &sealer.seal(&reply()).unwrap()),
        ],
    );
}

#[test]
fn certificate() {
    let certificate = support::certificate();
    check(
        "certificate.hex",
        &[
            ("certificate", &certificate.encode()),
            ("signed", certificate.signed_bytes(&support::GENESIS).as_bytes()),
        ],
    );
}

#[test]
fn one_shot() {
    let (worker, key) = (worker_key(), session_key());
    let (anonymous, _) = seal_query(&address(), None, request(), &mut Seeded(3000))
        .ok()
        .unwrap();
    let (bytes, _) = seal_query(&address(), identity(&key), request(), &mut Seeded(4000))
        .ok()
        .unwrap();
    let Ok(Envelope::OneShot(sealed)) = Envelope::decode(&mut &bytes[..]) else {
        panic!("a one-shot envelope");
    };
    let opened = open_query(&endpoint(&worker), &sealed).ok().unwrap();
    assert_eq!(
        opened.origin(&crate::support::GENESIS, NOW),
        Ok(Some(account_id()))
    );
    check(
        "one-shot.hex",
        &[
            ("anonymous", &anonymous),
            ("with-certificate", &bytes),
            ("reply", &opened.reply.seal(&reply()).unwrap()),
        ],
    );
}

#[test]
fn command() {
    let (hpke, _) = commands::contract_keys();
    let route = commands::route();
    let payload = seal_command(
        &hpke.public(),
        &route,
        &commands::command(16),
        &mut Seeded(5000),
    )
    .unwrap();
    check("command.hex", &[("sealed", &payload.encode())]);
}

#[test]
fn receipt() {
    let bodies = (0..3)
        .map(|number| receipt_body(receipts::worker_id(), number))
        .collect();
    let receipts = sign_batch(&receipts::worker(), bodies).unwrap();
    check(
        "receipt.hex",
        &[
            ("first", &receipts[0].encode()),
            ("last", &receipts[2].encode()),
        ],
    );
}

#[test]
fn key_tree() {
    let cluster = ClusterSeed::from_bytes(&[51; 32]);
    let contract = ContractId([52; 32]);
    check(
        "key-tree.hex",
        &[
            ("cluster-public", &cluster.signing_key().public()),
            ("contract-public", &cluster.contract_key(&contract).public()),
            (
                "contract-hpke-public",
                &cluster.contract_hpke_key(&contract).public().0,
            ),
            (
                "contract-user-key",
                &*cluster.contract_user_root().contract_user_key(&contract, b"salt"),
            ),
            (
                "state-record-key",
                &*cluster
                    .state_key()
                    .derive(wire::domain::STATE_RECORD_KEY, &[]),
            ),
        ],
    );
}
