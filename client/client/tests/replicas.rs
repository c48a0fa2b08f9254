//! Several workers are asked the same, and who differs is named.

use crate::world::*;
use client::{Replicas, ReplicasError, Verdict};
use executor_api::Returned;
use primitives::{BlockHash, StateRoot, WorkerId};
use scripted_worker::Position;
use std::sync::Arc;

fn verdict(replicas: &Replicas, worker: WorkerId) -> Verdict {
    let found = replicas.replicas.iter().find(|replica| replica.asked.worker == worker);
    found.unwrap().verdict
}

fn majority(replicas: &Replicas) -> Option<&[u8]> {
    let asked = replicas.majority()?;
    asked.reply.result.as_ref().ok().map(|output| output.data.as_slice())
}

#[tokio::test]
async fn three_of_three_agree_about_one_question() {
    let (one, two, three) = (honest(1).await, honest(2).await, honest(3).await);
    let mut cluster = cluster(vec![of(&one, 1), of(&two, 2), of(&three, 3)]);
    let replicas = cluster.ask_replicas(None, question_with_receipt(), 3).await.unwrap();
    assert!(replicas.unanimous());
    assert_eq!((replicas.agreed(), replicas.rounds), (3, 1));
    assert_eq!(majority(&replicas), Some(&b"yes"[..]));
    assert_eq!(replicas.contradictions(), []);
    // One commitment: the receipts are about one question, and show that without showing it.
    let mut commitments: Vec<_> = replicas
        .replicas
        .iter()
        .map(|replica| replica.asked.reply.receipt.as_ref().unwrap().body.request_commitment)
        .collect();
    commitments.dedup();
    assert_eq!(commitments.len(), 1);
}

#[tokio::test]
async fn a_lying_worker_is_named_and_its_signed_word_shows_it() {
    let (one, three) = (honest(1).await, honest(3).await);
    let liar = start(2, conduct(says(b"no")), at(BLOCK)).await;
    let mut cluster = cluster(vec![of(&one, 1), of(&liar, 2), of(&three, 3)]);
    let replicas = cluster.ask_replicas(None, question_with_receipt(), 3).await.unwrap();
    assert_eq!(majority(&replicas), Some(&b"yes"[..]));
    assert_eq!((replicas.unanimous(), replicas.agreed()), (false, 2));
    assert_eq!(verdict(&replicas, worker(2)), Verdict::AnotherAnswer);
    let contradictions = replicas.contradictions();
    assert_eq!(contradictions.len(), 2);
    for contradiction in contradictions {
        assert!(contradiction.workers.contains(&worker(2)));
        assert_eq!(contradiction.differ, Verdict::AnotherAnswer);
    }
}

#[tokio::test]
async fn another_state_or_another_chain_is_seen_under_the_same_answer() {
    let one = honest(1).await;
    let two = honest(2).await;
    let state = Position { state_root: StateRoot([1; 32]), ..at(BLOCK) };
    let chain = Position { block_hash: BlockHash([1; 32]), ..at(BLOCK) };
    for (position, expect) in [(state, Verdict::AnotherState), (chain, Verdict::AnotherChain)] {
        let other = start(3, conduct(says(b"yes")), position).await;
        let mut cluster = cluster(vec![of(&one, 1), of(&two, 2), of(&other, 3)]);
        let replicas = cluster.ask_replicas(None, question(), 3).await.unwrap();
        assert_eq!(replicas.agreed(), 2);
        assert_eq!(verdict(&replicas, worker(3)), expect);
    }
}

#[tokio::test]
async fn another_state_after_the_same_entries_is_seen_across_blocks_by_receipts() {
    let one = honest(1).await;
    let two = honest(2).await;
    let entries = at(BLOCK).next_number;
    let wrong = Position { next_number: entries, ..at(BLOCK + 1_000) };
    let other = start(3, conduct(says(b"yes")), wrong).await;
    let mut cluster = cluster(vec![of(&one, 1), of(&two, 2), of(&other, 3)]);
    let replicas = cluster.ask_replicas(None, question_with_receipt(), 3).await.unwrap();
    assert_eq!(verdict(&replicas, worker(3)), Verdict::AnotherState);
}

#[tokio::test]
async fn a_worker_that_is_a_block_behind_does_not_differ() {
    // The answer changes with the state.
    let by_block = || -> scripted_worker::Script {
        Arc::new(|context, _| {
            Ok(Returned { flags: 0, data: context.block_number.to_le_bytes().to_vec() })
        })
    };
    let ahead = at(BLOCK + 1);
    let one = start(1, conduct(by_block()), ahead).await;
    let two = start(2, conduct(by_block()), ahead).await;
    let behind = start(3, conduct(by_block()), at(BLOCK)).await;
    let mut cluster = cluster(vec![of(&one, 1), of(&two, 2), of(&behind, 3)]);
    let mut patience = patience();
    patience.behind = std::time::Duration::from_secs(20);
    cluster.set_patience(patience);
    let catch_up = async {
        until(|| behind.asked() >= 3).await;
        behind.publish(ahead);
    };
    let asking = cluster.ask_replicas(None, question(), 3);
    let (replicas, ()) = tokio::join!(asking, catch_up);
    let replicas = replicas.unwrap();
    assert!(replicas.unanimous(), "{replicas:?}");
    assert_eq!(replicas.rounds, 2);
}

#[tokio::test]
async fn equal_answers_from_equal_states_need_no_common_block() {
    let one = honest(1).await;
    let later = Position { state_root: at(BLOCK).state_root, ..at(BLOCK + 1) };
    let two = start(2, conduct(says(b"yes")), later).await;
    let mut cluster = cluster(vec![of(&one, 1), of(&two, 2)]);
    let replicas = cluster.ask_replicas(None, question(), 2).await.unwrap();
    assert!(replicas.unanimous());
    assert_eq!(replicas.rounds, 1);
}

#[tokio::test]
async fn a_liar_about_the_block_stands_alone_and_stops_nobody() {
    let (one, two) = (honest(1).await, honest(2).await);
    for block in [BLOCK + 4, 1_000_000] {
        let liar = start(3, conduct(says(b"no")), at(block)).await;
        let mut cluster = cluster(vec![of(&one, 1), of(&two, 2), of(&liar, 3)]);
        let replicas = cluster.ask_replicas(None, question(), 3).await.unwrap();
        assert_eq!(majority(&replicas), Some(&b"yes"[..]));
        assert_eq!(verdict(&replicas, worker(3)), Verdict::NotComparable);
    }
}

#[tokio::test]
async fn where_all_differ_there_is_no_answer() {
    let scripts = [says(b"a"), says(b"b"), says(b"c")];
    let mut workers = Vec::new();
    for (number, script) in (1..).zip(scripts) {
        workers.push(start(number, conduct(script), at(BLOCK)).await);
    }
    let members = (1..).zip(&workers).map(|(number, worker)| of(worker, number)).collect();
    let replicas = cluster(members).ask_replicas(None, question(), 3).await.unwrap();
    assert!(replicas.majority().is_none());
    assert!(replicas.replicas.iter().all(|replica| replica.verdict == Verdict::NoMajority));
}

#[tokio::test]
async fn one_that_fails_is_replaced_where_there_is_another() {
    let (one, two, three) = (honest(1).await, honest(2).await, honest(3).await);
    let members =
        vec![member(4, &[nobody()]), of(&one, 1), of(&two, 2), of(&three, 3)];
    let replicas = cluster(members).ask_replicas(None, question(), 3).await.unwrap();
    assert!(replicas.unanimous());
}

#[tokio::test]
async fn fewer_answers_than_wanted_are_not_unanimous_and_who_failed_is_named() {
    let (one, two) = (honest(1).await, honest(2).await);
    let members = vec![of(&one, 1), member(3, &[nobody()]), of(&two, 2)];
    let replicas = cluster(members).ask_replicas(None, question(), 3).await.unwrap();
    assert_eq!((replicas.agreed(), replicas.unanimous()), (2, false));
    assert_eq!(majority(&replicas), Some(&b"yes"[..]));
    let failed: Vec<WorkerId> = replicas.failures.iter().map(|failure| failure.worker).collect();
    assert_eq!(failed, [worker(3)]);
}

#[tokio::test]
async fn more_than_there_are_cannot_be_asked() {
    let one = honest(1).await;
    let error = cluster(vec![of(&one, 1)]).ask_replicas(None, question(), 2).await.unwrap_err();
    assert!(matches!(error, ReplicasError::TooFew { wanted: 2, have: 1, .. }), "{error}");
    assert_eq!(one.asked(), 0);
    let none = cluster(vec![member(1, &[nobody()])]).ask_replicas(None, question(), 1).await;
    let error = none.unwrap_err().to_string();
    assert!(error.contains(&worker(1).to_string()), "{error}");
}
