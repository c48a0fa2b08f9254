//! Sessions and one-shot queries, honest and not.

use crate::support::{
    GENESIS, NOW, Seeded, WORKER, account_id, address, certificate, damaged, endpoint, identity,
    reply, request, session_key, worker_key,
};
use codec::{Decode, Encode};
use primitives::{GenesisHash, HpkePublicKey, WorkerId};
use secrets::{
    HpkeSecret, Sr25519Secret,
    certificate::{CertificateError, issue_certificate, verify_certificate},
    client::{ClientError, ClientSession, Identity, REPLY_BYTES_MAX, SessionOpener, WorkerAddress, seal_query},
    server::{
        Endpoint, REPLAY_WINDOW, SESSION_LIFETIME_MS_MAX, ServerError, ServerSession,
        accept_session, open_query,
    },
};
use wire::{
    certificate::LIFETIME_MS_MAX,
    query::{Envelope, HpkeSealed, SessionId},
};

fn handshake(with_identity: bool) -> (ClientSession, ServerSession) {
    let (worker, key) = (worker_key(), session_key());
    let identity = if with_identity { identity(&key) } else { None };
    let (opening, opener) = SessionOpener::start(&address(), identity, NOW, &mut Seeded(100))
        .ok()
        .unwrap();
    let accepted = accept_session(
        &endpoint(&worker),
        &opening,
        NOW + 5,
        60_000,
        &mut Seeded(200),
    )
    .ok()
    .unwrap();
    let client = opener.finish(&accepted.answer).ok().unwrap();
    (client, accepted.session)
}

fn session_parts(envelope: &[u8]) -> (SessionId, u64, Vec<u8>) {
    match Envelope::decode(&mut &envelope[..]).unwrap() {
        Envelope::Session {
            session,
            sequence,
            ciphertext,
        } => (session, sequence, ciphertext),
        other => panic!("not a session's: {other:?}"),
    }
}

fn one_shot(envelope: &[u8]) -> HpkeSealed {
    match Envelope::decode(&mut &envelope[..]).unwrap() {
        Envelope::OneShot(sealed) => sealed,
        other => panic!("not a one-shot: {other:?}"),
    }
}

#[test]
fn a_session_carries_queries_and_replies() {
    for with_identity in [false, true] {
        let (client, server) = handshake(with_identity);
        assert_eq!(client.id(), server.id());
        assert_eq!(client.expires_at_ms(), NOW + 5 + 60_000);
        assert_eq!(server.expires_at_ms(), client.expires_at_ms());
        assert_eq!(server.origin(), with_identity.then(account_id));
        for count in 0..3 {
            let (envelope, pending) = client.seal(&request()).ok().unwrap();
            let (session, sequence, ciphertext) = session_parts(&envelope);
            assert_eq!((session, sequence), (server.id(), count));
            let (opened, sealer) = server.open(sequence, &ciphertext).ok().unwrap();
            assert_eq!(opened, request());
            let answer = sealer.seal(&reply()).unwrap();
            assert_eq!(answer.len() % 256, 16, "padded, and a tag");
            assert_eq!(pending.open(&answer), Ok(reply()));
        }
    }
}

#[test]
fn a_damaged_opening_or_answer_makes_no_session() {
    let (worker, key) = (worker_key(), session_key());
    let (opening, _) = SessionOpener::start(&address(), identity(&key), NOW, &mut Seeded(1))
        .ok()
        .unwrap();
    for bytes in damaged(&opening) {
        let accepted = accept_session(&endpoint(&worker), &bytes, NOW, 1, &mut Seeded(2));
        assert!(matches!(
            accepted.err(),
            Some(ServerError::DoesNotOpen | ServerError::Malformed)
        ));
    }
    let accepted = accept_session(&endpoint(&worker), &opening, NOW, 1, &mut Seeded(2))
        .ok()
        .unwrap();
    for answer in damaged(&accepted.answer) {
        let (same, opener) = SessionOpener::start(&address(), identity(&key), NOW, &mut Seeded(1))
            .ok()
            .unwrap();
        assert_eq!(same, opening);
        assert!(matches!(
            opener.finish(&answer).err(),
            Some(ClientError::NotAuthentic | ClientError::Malformed)
        ));
    }
}

#[test]
fn an_opening_for_another_worker_network_or_key_is_refused() {
    let worker = worker_key();
    let (opening, _) = SessionOpener::start(&address(), None, NOW, &mut Seeded(1))
        .ok()
        .unwrap();
    let other_key = HpkeSecret::from_seed(&[99; 32]);
    for endpoint in [
        Endpoint {
            genesis: GenesisHash([9; 32]),
            worker: WORKER,
            key: &worker,
        },
        Endpoint {
            genesis: GENESIS,
            worker: WorkerId([9; 32]),
            key: &worker,
        },
        Endpoint {
            genesis: GENESIS,
            worker: WORKER,
            key: &other_key,
        },
    ] {
        let accepted = accept_session(&endpoint, &opening, NOW, 1, &mut Seeded(2));
        assert_eq!(accepted.err(), Some(ServerError::DoesNotOpen));
    }
    let unusable = WorkerAddress {
        hpke_public_key: HpkePublicKey([0; 32]),
        ..address()
    };
    assert_eq!(
        SessionOpener::start(&unusable, None, NOW, &mut Seeded(1)).err(),
        Some(ClientError::WorkerKey)
    );
}

#[test]
fn an_impostor_cannot_answer_an_opening() {
    let (opening, opener) = SessionOpener::start(&address(), None, NOW, &mut Seeded(1))
        .ok()
        .unwrap();
    // An impostor opens a session of its own with the worker and passes that answer on.
    let worker = worker_key();
    let (other, _) = SessionOpener::start(&address(), None, NOW, &mut Seeded(9))
        .ok()
        .unwrap();
    assert_ne!(opening, other);
    let accepted = accept_session(&endpoint(&worker), &other, NOW, 1, &mut Seeded(2))
        .ok()
        .unwrap();
    assert_eq!(
        opener.finish(&accepted.answer).err(),
        Some(ClientError::NotAuthentic)
    );
}

#[test]
fn a_stale_or_forward_dated_opening_is_refused() {
    let worker = worker_key();
    let (opening, _) = SessionOpener::start(&address(), None, NOW, &mut Seeded(1))
        .ok()
        .unwrap();
    for now in [NOW + 60_000, NOW - 5 * 60_000, 0] {
        let accepted = accept_session(&endpoint(&worker), &opening, now, 1, &mut Seeded(2));
        assert_eq!(accepted.err(), Some(ServerError::Expired), "at {now}");
    }
}

#[test]
fn a_session_ends_with_its_certificate_and_within_the_hour() {
    let (worker, key) = (worker_key(), session_key());
    let ends = |identity: Option<Identity<'_>>| {
        let (opening, _) = SessionOpener::start(&address(), identity, NOW, &mut Seeded(1))
            .ok()
            .unwrap();
        let accepted = accept_session(&endpoint(&worker), &opening, NOW, u64::MAX, &mut Seeded(2));
        accepted.ok().unwrap().session.expires_at_ms()
    };
    assert_eq!(ends(None), NOW + SESSION_LIFETIME_MS_MAX);
    assert_eq!(ends(identity(&key)), NOW + 1_000_000);
}

#[test]
fn a_query_opens_once_and_only_undamaged_in_its_place() {
    let (client, server) = handshake(true);
    let (envelope, _) = client.seal(&request()).ok().unwrap();
    let (_, sequence, ciphertext) = session_parts(&envelope);
    for bytes in damaged(&ciphertext) {
        assert_eq!(
            server.open(sequence, &bytes).err(),
            Some(ServerError::DoesNotOpen)
        );
    }
    for other in [1, REPLAY_WINDOW, u64::MAX] {
        assert_eq!(
            server.open(other, &ciphertext).err(),
            Some(ServerError::DoesNotOpen)
        );
    }
    let (_, foreign) = handshake(false);
    assert_eq!(
        foreign.open(sequence, &ciphertext).err(),
        Some(ServerError::DoesNotOpen)
    );
    assert!(
        server.open(sequence, &ciphertext).is_ok(),
        "failures used nothing up"
    );
    assert_eq!(
        server.open(sequence, &ciphertext).err(),
        Some(ServerError::Replayed)
    );
}

#[test]
fn queries_may_arrive_in_any_order_within_the_window() {
    let (client, server) = handshake(false);
    let count = REPLAY_WINDOW + 10;
    let all: Vec<_> = (0..count)
        .map(|_| session_parts(&client.seal(&request()).ok().unwrap().0))
        .collect();
    let opens = |place: u64| server.open(place, &all[place as usize].2).err();
    assert_eq!(opens(count - 1), None);
    for place in count - REPLAY_WINDOW..count - 1 {
        assert_eq!(opens(place), None, "number {place}");
        assert_eq!(opens(place), Some(ServerError::Replayed));
    }
    assert_eq!(
        opens(count - REPLAY_WINDOW - 1),
        Some(ServerError::Replayed),
        "too old to tell"
    );
}

#[test]
fn of_many_threads_one_opens_a_query() {
    let (client, server) = handshake(false);
    for _ in 0..50 {
        let (envelope, _) = client.seal(&request()).ok().unwrap();
        let (_, sequence, ciphertext) = session_parts(&envelope);
        let opened = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| server.open(sequence, &ciphertext).is_ok()))
                .collect();
            tries
                .into_iter()
                .filter_map(|try_| try_.join().unwrap().then_some(()))
                .count()
        });
        assert_eq!(opened, 1);
    }
}

#[test]
fn a_reply_opens_for_its_query_alone() {
    let (client, server) = handshake(false);
    let (first, first_pending) = client.seal(&request()).ok().unwrap();
    let (_, second_pending) = client.seal(&request()).ok().unwrap();
    let (_, sequence, ciphertext) = session_parts(&first);
    let (_, sealer) = server.open(sequence, &ciphertext).ok().unwrap();
    let answer = sealer.seal(&reply()).unwrap();
    assert_eq!(second_pending.open(&answer), Err(ClientError::NotAuthentic));
    for bytes in damaged(&answer) {
        assert_eq!(first_pending.open(&bytes), Err(ClientError::NotAuthentic));
    }
    assert_eq!(
        first_pending.open(&ciphertext),
        Err(ClientError::NotAuthentic),
        "reflected"
    );
    assert_eq!(first_pending.open(&answer), Ok(reply()));
}

#[test]
fn a_one_shot_query_goes_there_and_back() {
    let (worker, key) = (worker_key(), session_key());
    for with_identity in [false, true] {
        let identity = if with_identity { identity(&key) } else { None };
        let (bytes, pending) = seal_query(&address(), identity, request(), &mut Seeded(1))
            .ok()
            .unwrap();
        let opened = open_query(&endpoint(&worker), &one_shot(&bytes))
            .ok()
            .unwrap();
        assert_eq!(opened.query.request, request());
        assert_eq!(
            opened.origin(&GENESIS, NOW),
            Ok(with_identity.then(account_id))
        );
        assert_eq!(opened.authenticated, with_identity.then(|| key.public()));
        let answer = opened.reply.seal(&reply()).unwrap();
        assert_eq!(pending.open(&answer), Ok(reply()));
        for bytes in damaged(&answer) {
            assert_eq!(pending.open(&bytes), Err(ClientError::NotAuthentic));
        }
    }
}

#[test]
fn a_damaged_or_misdirected_one_shot_query_is_refused() {
    let (worker, key) = (worker_key(), session_key());
    let (bytes, _) = seal_query(&address(), identity(&key), request(), &mut Seeded(1))
        .ok()
        .unwrap();
    for damaged in damaged(&bytes) {
        // Framing is the caller's; what still decodes as a one-shot must not open.
        if let Ok(Envelope::OneShot(sealed)) = wire::decode_all(&damaged, 1 << 20) {
            assert!(open_query(&endpoint(&worker), &sealed).is_err());
        }
    }
    let sealed = one_shot(&bytes);
    let elsewhere = Endpoint {
        genesis: GENESIS,
        worker: WorkerId([9; 32]),
        key: &worker,
    };
    assert_eq!(
        open_query(&elsewhere, &sealed).err(),
        Some(ServerError::DoesNotOpen)
    );
    let elsewhere = Endpoint {
        genesis: GenesisHash([9; 32]),
        worker: WORKER,
        key: &worker,
    };
    assert_eq!(
        open_query(&elsewhere, &sealed).err(),
        Some(ServerError::DoesNotOpen)
    );
    // An opening of a session is no query.
    let (opening, _) = SessionOpener::start(&address(), None, NOW, &mut Seeded(1))
        .ok()
        .unwrap();
    let opening = HpkeSealed::decode(&mut &opening[..]).unwrap();
    assert_eq!(
        open_query(&endpoint(&worker), &opening).err(),
        Some(ServerError::DoesNotOpen)
    );
}

#[test]
fn a_certificate_of_another_key_speaks_for_nobody() {
    let (worker, thief) = (worker_key(), HpkeSecret::from_seed(&[66; 32]));
    let stolen = Some(Identity {
        session_key: &thief,
        certificate: certificate(),
    });
    let (bytes, _) = seal_query(&address(), stolen, request(), &mut Seeded(1))
        .ok()
        .unwrap();
    let opened = open_query(&endpoint(&worker), &one_shot(&bytes))
        .ok()
        .unwrap();
    assert_eq!(
        opened.origin(&GENESIS, NOW),
        Err(CertificateError::WrongSessionKey)
    );
    let stolen = Some(Identity {
        session_key: &thief,
        certificate: certificate(),
    });
    let (opening, _) = SessionOpener::start(&address(), stolen, NOW, &mut Seeded(1))
        .ok()
        .unwrap();
    assert_eq!(
        accept_session(&endpoint(&worker), &opening, NOW, 1, &mut Seeded(2)).err(),
        Some(ServerError::Certificate(CertificateError::WrongSessionKey))
    );
}

#[test]
fn a_certificate_holds_for_its_time_network_and_account() {
    let key = session_key().public();
    let good = certificate();
    let check = |certificate, genesis, now| verify_certificate(certificate, genesis, now, &key);
    assert_eq!(check(&good, &GENESIS, NOW), Ok(account_id()));
    assert_eq!(
        check(&good, &GENESIS, good.expires_at_ms),
        Err(CertificateError::Expired)
    );
    assert_eq!(
        check(&good, &GenesisHash([9; 32]), NOW),
        Err(CertificateError::BadSignature)
    );
    let account = Sr25519Secret::from_seed(&[4; 32]);
    let long = issue_certificate(&account, &GENESIS, key, NOW + LIFETIME_MS_MAX + 1);
    assert_eq!(check(&long, &GENESIS, NOW), Err(CertificateError::TooLong));
    assert_eq!(check(&long, &GENESIS, NOW + 1), Ok(account_id()));
    let mut later = good.clone();
    later.expires_at_ms += 1;
    assert_eq!(
        check(&later, &GENESIS, NOW),
        Err(CertificateError::BadSignature)
    );
    let mut other = good.clone();
    other.account = primitives::AccountId(Sr25519Secret::from_seed(&[7; 32]).public());
    assert_eq!(
        check(&other, &GENESIS, NOW),
        Err(CertificateError::BadSignature)
    );
    let mut kind = good.clone();
    kind.kind = wire::certificate::SignatureKind::Ed25519;
    assert_eq!(
        check(&kind, &GENESIS, NOW),
        Err(CertificateError::BadSignature)
    );
}

#[test]
fn an_oversized_message_is_refused_before_it_is_decoded() {
    let worker = worker_key();
    let huge = vec![0; REPLY_BYTES_MAX as usize + 1];
    let accepted = accept_session(&endpoint(&worker), &huge, NOW, 1, &mut Seeded(2));
    assert_eq!(accepted.err(), Some(ServerError::Malformed));
    let (client, _) = handshake(false);
    let (envelope, pending) = client.seal(&request()).ok().unwrap();
    assert!(envelope.encode().len() < 256);
    assert_eq!(pending.open(&huge), Err(ClientError::Malformed));
}
