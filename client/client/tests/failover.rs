//! The next worker stands in for one that does not answer.

use crate::world::*;
use client::{Cluster, Membership, Standing, WorkerError};
use executor_api::Returned;
use std::{net::TcpListener, sync::Arc};
use wire::query::QueryError;
use worker_rpc::ServiceError;

async fn answer(cluster: &mut Cluster) -> (primitives::WorkerId, Vec<u8>) {
    let asked = cluster.ask(None, question()).await.unwrap();
    (asked.worker, asked.reply.result.unwrap().data)
}

#[tokio::test]
async fn a_dead_worker_is_passed_over_and_the_next_one_stays() {
    let alive = honest(2).await;
    let third = honest(3).await;
    let mut cluster =
        cluster(vec![member(1, &[nobody()]), of(&alive, 2), of(&third, 3)]);
    for _ in 0..3 {
        assert_eq!(answer(&mut cluster).await, (worker(2), b"yes".to_vec()));
    }
    // One request each, and nothing beside them.
    assert_eq!((alive.asked(), alive.looked_at(), third.asked()), (3, 0, 0));
}

#[tokio::test]
async fn a_worker_that_takes_connections_and_says_nothing_is_passed_over() {
    let hung = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", hung.local_addr().unwrap());
    let alive = honest(2).await;
    let mut cluster = cluster(vec![member(1, &[url]), of(&alive, 2)]);
    assert_eq!(answer(&mut cluster).await.0, worker(2));
}

#[tokio::test]
async fn a_worker_that_computes_long_is_waited_for() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let script = Arc::new(move |_: &_, _: &[u8]| {
        let _go = released.lock().unwrap().recv();
        Ok(Returned { flags: 0, data: b"late".to_vec() })
    });
    let slow = start(1, conduct(script), at(BLOCK)).await;
    let other = honest(2).await;
    let mut cluster = cluster(vec![of(&slow, 1), of(&other, 2)]);
    let patient = async {
        until(|| slow.looked_at() >= 3).await;
        release.send(()).unwrap();
    };
    let (answered, ()) = tokio::join!(answer(&mut cluster), patient);
    assert_eq!(answered, (worker(1), b"late".to_vec()));
    assert_eq!(other.asked(), 0);
}

#[tokio::test]
async fn where_all_are_busy_it_is_tried_again_after_a_pause() {
    let mut busy_once = conduct(says(b"yes"));
    busy_once.gate = Arc::new(|number| match number {
        0 => Err(ServiceError::Unavailable("busy".to_owned())),
        _ => Ok(()),
    });
    let one = start(1, busy_once.clone(), at(BLOCK)).await;
    let two = start(2, busy_once, at(BLOCK)).await;
    let mut cluster = cluster(vec![of(&one, 1), of(&two, 2)]);
    assert_eq!(answer(&mut cluster).await.1, b"yes");
    assert_eq!(one.asked() + two.asked(), 3);
}

#[tokio::test]
async fn attempts_are_bounded_and_the_error_names_each_worker() {
    let mut busy = conduct(says(b"yes"));
    busy.gate = Arc::new(|_| Err(ServiceError::Unavailable("too much to do".to_owned())));
    let one = start(1, busy.clone(), at(BLOCK)).await;
    let two = start(2, busy, at(BLOCK)).await;
    let mut lapsed = member(4, &[nobody()]);
    lapsed.standing = Standing::Lapsed;
    let mut cluster = cluster(vec![of(&one, 1), of(&two, 2), member(3, &[nobody()]), lapsed]);
    let mut patience = patience();
    patience.attempts_max = 7;
    cluster.set_patience(patience);
    let error = cluster.ask(None, question()).await.unwrap_err();
    let WorkerError::NoneAnswered(none) = &error else { panic!("{error}") };
    assert_eq!(none.attempts, 7);
    assert!(one.asked() + two.asked() <= 7);
    let text = error.to_string();
    for (number, reason) in [
        (1, "too much to do"),
        (2, "too much to do"),
        (3, "it does not answer at http://127.0.0.1:"),
        (4, "its registration has lapsed"),
    ] {
        let line = text.lines().find(|line| line.contains(&worker(number).to_string()));
        assert!(line.is_some_and(|line| line.contains(reason)), "{number} {reason}: {text}");
    }
}

#[tokio::test]
async fn nothing_is_asked_twice_for_what_would_be_said_twice() {
    let stranger = honest(9).await;
    let mut cluster = cluster(vec![of(&stranger, 1)]);
    let error = cluster.ask(None, question()).await.unwrap_err();
    let WorkerError::NoneAnswered(none) = error else { panic!("{error}") };
    assert_eq!(none.attempts, 1);
}

#[tokio::test]
async fn what_is_not_from_the_attested_worker_is_no_answer() {
    // Somebody else's keys at the first worker's URL.
    let impostor = honest(9).await;
    let real = honest(2).await;
    let mut cluster = cluster(vec![of(&impostor, 1), of(&real, 2)]);
    assert_eq!(answer(&mut cluster).await.0, worker(2));
}

#[tokio::test]
async fn a_sealed_error_of_the_question_is_an_answer() {
    let failing = start(1, conduct(fails()), at(BLOCK)).await;
    let other = honest(2).await;
    let mut cluster = cluster(vec![of(&failing, 1), of(&other, 2)]);
    let asked = cluster.ask(None, question()).await.unwrap();
    assert!(matches!(asked.reply.result, Err(QueryError::Execution(_))), "{:?}", asked.reply);
    let mut unknown = question();
    unknown.target =
        wire::query::QueryTarget::Call { contract: primitives::ContractId([1; 32]) };
    let asked = cluster.ask(None, unknown).await.unwrap();
    assert_eq!(asked.reply.result, Err(QueryError::ContractNotFound));
    assert_eq!((failing.asked(), other.asked()), (2, 0));
}

#[tokio::test]
async fn a_worker_in_the_past_is_passed_over_though_it_would_answer() {
    let past = start(1, conduct(says(b"old")), at(BLOCK - 5)).await;
    let long_past = start(2, conduct(says(b"older")), at(BLOCK - 50)).await;
    let now = honest(3).await;
    let mut cluster = cluster(vec![of(&long_past, 2), of(&past, 1), of(&now, 3)]);
    assert_eq!(answer(&mut cluster).await, (worker(3), b"yes".to_vec()));
    // The one that is far behind is not waited for.
    assert_eq!(long_past.asked(), 1);
    assert!(past.asked() > 1);
    // Who wants to, gets the past.
    cluster.accept_any_block();
    past.restart(at(BLOCK - 5));
    cluster.turn_to_another();
    assert_ne!(answer(&mut cluster).await.1, b"yes");
}

#[tokio::test]
async fn where_all_are_in_the_past_the_error_says_how_far() {
    let past = start(1, conduct(says(b"old")), at(BLOCK - 50)).await;
    let mut cluster = cluster(vec![of(&past, 1)]);
    let error = cluster.ask(None, question()).await.unwrap_err().to_string();
    assert!(error.contains("its last final block is 50"), "{error}");
}

#[tokio::test]
async fn a_worker_that_is_a_little_behind_is_given_a_moment() {
    let late = start(1, conduct(says(b"yes")), at(BLOCK - 2)).await;
    let other = honest(2).await;
    let mut cluster = cluster(vec![of(&late, 1), of(&other, 2)]);
    let mut patience = patience();
    patience.behind = std::time::Duration::from_secs(20);
    cluster.set_patience(patience);
    let catch_up = async {
        until(|| late.asked() >= 2).await;
        late.publish(at(BLOCK));
    };
    let (answered, ()) = tokio::join!(answer(&mut cluster), catch_up);
    assert_eq!(answered.0, worker(1));
    assert_eq!(other.asked(), 0);
}

#[tokio::test]
async fn the_demand_follows_the_chain_and_what_was_seen_but_not_a_word_beyond_the_proof() {
    let ahead = start(1, conduct(says(b"yes")), at(BLOCK + 40)).await;
    let mut cluster = cluster(vec![of(&ahead, 1)]);
    assert_eq!(cluster.floor(), BLOCK - client::SLACK_BLOCKS);
    answer(&mut cluster).await;
    assert_eq!(cluster.floor(), BLOCK, "the proven block, not the worker's");
    let mut newer = cluster.membership();
    newer.block_number = BLOCK + 50;
    cluster.renew(newer);
    assert_eq!(cluster.floor(), BLOCK + 50 - client::SLACK_BLOCKS);
    let older = Membership { block_number: 3, ..cluster.membership() };
    cluster.renew(older);
    assert_eq!(cluster.final_number(), BLOCK + 50);
}

#[tokio::test]
async fn a_restarted_worker_is_asked_again_in_a_new_session() {
    let restarted = honest(1).await;
    let other = honest(2).await;
    let mut cluster = cluster(vec![of(&restarted, 1), of(&other, 2)]);
    answer(&mut cluster).await;
    restarted.restart(at(BLOCK));
    assert_eq!(answer(&mut cluster).await.0, worker(1));
    assert_eq!(other.asked(), 0);
}

#[tokio::test]
async fn a_worker_is_found_at_the_next_of_its_urls() {
    let only = honest(1).await;
    let mut cluster = cluster(vec![member(1, &[nobody(), only.url()])]);
    assert_eq!(answer(&mut cluster).await.0, worker(1));
}

#[tokio::test]
async fn a_worker_that_moved_is_found_at_its_new_url() {
    let one = honest(1).await;
    let mut cluster = cluster(vec![of(&one, 1)]);
    answer(&mut cluster).await;
    one.stop().await;
    let moved = honest(1).await;
    let membership = Membership { members: vec![of(&moved, 1)], ..cluster.membership() };
    cluster.renew(membership);
    assert_eq!(answer(&mut cluster).await.0, worker(1));
}

#[tokio::test]
async fn a_client_may_want_one_worker_alone() {
    let (one, two) = (honest(1).await, honest(2).await);
    let mut cluster = cluster(vec![of(&one, 1), of(&two, 2)]);
    assert!(!cluster.only(worker(3)));
    assert!(cluster.only(worker(2)));
    assert_eq!(answer(&mut cluster).await.0, worker(2));
    two.stop().await;
    let error = cluster.ask(None, question()).await.unwrap_err().to_string();
    assert!(!error.contains(&worker(1).to_string()), "{error}");
    assert_eq!(one.asked(), 0);
}

#[tokio::test]
async fn clients_spread_over_the_workers() {
    let members: Vec<_> = (1..=3).map(|number| member(number, &[nobody()])).collect();
    let membership =
        Membership { cluster: CLUSTER, block_number: BLOCK, members };
    let mut first = std::collections::BTreeMap::new();
    for _ in 0..300 {
        let cluster = Cluster::from_membership(GENESIS, membership.clone());
        *first.entry(cluster.candidates()[0]).or_insert(0) += 1;
    }
    // Each about 100; below 40 is less likely than 1 in 10^12.
    assert!(first.len() == 3 && first.values().all(|count| *count > 40), "{first:?}");
}
