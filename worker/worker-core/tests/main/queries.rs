//! Queries through [`worker_core::QueryService`], spoken by the real client side.

use crate::{
    chain::GENESIS,
    node::{CODE, CONTRACT, Node, STALE_MS, TestRng, World, ink, request},
};
use codec::Decode;
use primitives::{AccountId, ContractId};
use secrets::{
    HpkeSecret, Sr25519Secret,
    certificate::issue_certificate,
    client::{ClientError, ClientSession, Identity, PendingReply, SessionOpener, seal_query},
    server::ServerError,
};
use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use wire::{
    certificate::Certificate,
    domain::code_hash,
    mailbox::MailboxOperation,
    query::{
        CommandOutcome, QUERY_LIFETIME_MS_MAX, QueryError, QueryOutput, QueryReply, QueryRequest,
        QueryTarget, answer_commitment, request_commitment,
    },
};
use wire::receipt::Receipt;
use worker_core::{NotLogged, ReceiptQueue, Refusal};

pub struct User {
    account: Sr25519Secret,
    session_key: HpkeSecret,
}

impl User {
    pub fn new(seed: u8) -> Self {
        Self {
            account: Sr25519Secret::from_seed(&[seed; 32]),
            session_key: HpkeSecret::from_seed(&[seed + 1; 32]),
        }
    }

    pub fn id(&self) -> AccountId {
        AccountId(self.account.public())
    }

    fn certificate(&self, expires_at_ms: u64) -> Certificate {
        issue_certificate(
            &self.account,
            &GENESIS,
            self.session_key.public(),
            expires_at_ms,
        )
    }

    pub fn identity(&self, expires_at_ms: u64) -> Identity<'_> {
        Identity {
            session_key: &self.session_key,
            certificate: self.certificate(expires_at_ms),
        }
    }
}

fn one_shot(
    node: &Node,
    user: Option<Identity<'_>>,
    request: QueryRequest,
) -> (Vec<u8>, PendingReply) {
    // Fresh randomness for each: the nonce is part of it.
    let mut rng = TestRng(u64::from(request.nonce[0]) << 48 ^ request.expires_at_ms);
    seal_query(&node.address(), user, request, &mut rng).unwrap()
}

pub fn ask(
    node: &Node,
    user: Option<Identity<'_>>,
    request: QueryRequest,
    now_ms: u64,
) -> Result<QueryReply, Refusal> {
    let (envelope, pending) = one_shot(node, user, request);
    Ok(pending.open(&node.post(&envelope, now_ms)?).unwrap())
}

pub fn data(reply: QueryReply) -> Vec<u8> {
    reply.result.expect("an output").data
}

fn session(node: &Node, user: Option<Identity<'_>>, now_ms: u64) -> ClientSession {
    let mut rng = TestRng(now_ms ^ 0x5e55);
    let (opening, opener) = SessionOpener::start(&node.address(), user, now_ms, &mut rng).unwrap();
    let answer = node
        .core
        .queries()
        .open_session(&opening, now_ms, &mut rng)
        .unwrap();
    opener.finish(&answer).unwrap()
}

#[test]
fn one_shot_and_session_give_the_same_answer_at_a_state_that_is_named() {
    let mut world = World::serving(1);
    world.plain(b"set:hello");
    world.block();
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let reply = ask(node, None, request(b"get", now_ms, 1), now_ms).unwrap();
    let (block, root, _) = node.serving().unwrap();
    assert_eq!((reply.block_number, reply.state_root), (block, root));
    assert_eq!(reply.block_hash, world.chain.hash());
    let answered = data(reply);
    assert!(answered.starts_with(b"hello"));

    let session = session(node, None, now_ms);
    for nonce in 0..3 {
        let (envelope, pending) = session.seal(&request(b"get", now_ms, nonce)).unwrap();
        let reply = pending
            .open(&node.post(&envelope, now_ms).unwrap())
            .unwrap();
        assert_eq!(data(reply), answered);
    }
}

#[test]
fn the_origin_is_the_account_of_the_certificate_or_nobody() {
    let world = World::serving(1);
    let (now_ms, node, user) = (world.chain.now_ms(), &world.nodes[1], User::new(20));
    let who = |identity, nonce| {
        data(ask(node, identity, request(b"who", now_ms, nonce), now_ms).unwrap())
    };
    assert_eq!(who(None, 1), [0; 32]);
    assert_eq!(who(Some(user.identity(now_ms + 1)), 2), user.id().0);
    let session = session(node, Some(user.identity(now_ms + 1000)), now_ms);
    let (envelope, pending) = session.seal(&request(b"who", now_ms, 3)).unwrap();
    assert_eq!(
        data(
            pending
                .open(&node.post(&envelope, now_ms).unwrap())
                .unwrap()
        ),
        user.id().0
    );
    // The session ends with the certificate.
    assert_eq!(session.expires_at_ms(), now_ms + 1000);
    let (envelope, _) = session.seal(&request(b"who", now_ms, 4)).unwrap();
    assert_eq!(
        node.post(&envelope, now_ms + 1000),
        Err(Refusal::UnknownSession)
    );
}

#[test]
fn a_query_changes_nothing() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let commits = node.disk.commit_count();
    let reply = ask(node, None, request(b"set:x", now_ms, 1), now_ms).unwrap();
    assert!(reply.result.is_ok());
    assert_eq!(
        data(ask(node, None, request(b"get", now_ms, 2), now_ms).unwrap()),
        b""
    );
    assert_eq!(node.disk.commit_count(), commits);
}

#[test]
fn another_worker_does_not_open_a_query() {
    let world = World::serving(2);
    let now_ms = world.chain.now_ms();
    let (envelope, _) = one_shot(&world.nodes[1], None, request(b"get", now_ms, 1));
    assert_eq!(
        world.nodes[2].post(&envelope, now_ms),
        Err(Refusal::Refused(ServerError::DoesNotOpen))
    );
    let session = session(&world.nodes[1], None, now_ms);
    let (envelope, _) = session.seal(&request(b"get", now_ms, 1)).unwrap();
    assert_eq!(
        world.nodes[2].post(&envelope, now_ms),
        Err(Refusal::UnknownSession)
    );
}

#[test]
fn a_replayed_one_shot_query_gets_a_sealed_error() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let (envelope, pending) = one_shot(node, None, request(b"get", now_ms, 1));
    assert!(
        pending
            .open(&node.post(&envelope, now_ms).unwrap())
            .unwrap()
            .result
            .is_ok()
    );
    let again = pending
        .open(&node.post(&envelope, now_ms + 59_999 - STALE_MS).unwrap())
        .unwrap();
    assert_eq!(again.result, Err(QueryError::Replayed));
    // The same request sealed anew is another message.
    let mut rng = TestRng(5);
    let (other, pending) =
        seal_query(&node.address(), None, request(b"get", now_ms, 1), &mut rng).unwrap();
    assert!(
        pending
            .open(&node.post(&other, now_ms).unwrap())
            .unwrap()
            .result
            .is_ok()
    );
}

#[test]
fn a_host_that_turns_its_clock_forth_and_back_cannot_replay() {
    let mut world = World::serving(1);
    let now_ms = world.chain.now_ms();
    let (envelope, pending) = one_shot(&world.nodes[1], None, request(b"get", now_ms, 1));
    let result = |world: &World, now_ms| {
        pending
            .open(&world.nodes[1].post(&envelope, now_ms).unwrap())
            .unwrap()
            .result
    };
    assert!(result(&world, now_ms).is_ok());
    // Blocks follow, so that the state is not stale; then the clock jumps ahead, another query makes
    // the worker forget, and the clock is set back.
    world.blocks(40);
    let ahead_ms = now_ms + 61_000;
    assert!(
        ask(
            &world.nodes[1],
            None,
            request(b"get", ahead_ms, 2),
            ahead_ms
        )
        .is_ok()
    );
    assert_eq!(result(&world, now_ms + 1), Err(QueryError::Replayed));
    // What was made for a later time is not hit by that.
    let later = request(b"get", now_ms + 30_000, 3);
    assert!(
        ask(&world.nodes[1], None, later, now_ms + 1)
            .unwrap()
            .result
            .is_ok()
    );
}

#[test]
fn a_replayed_record_of_a_session_is_refused() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let session = session(node, None, now_ms);
    let (first, _) = session.seal(&request(b"get", now_ms, 1)).unwrap();
    let (second, _) = session.seal(&request(b"get", now_ms, 2)).unwrap();
    assert!(node.post(&second, now_ms).is_ok());
    assert!(node.post(&first, now_ms).is_ok());
    for envelope in [first, second] {
        let refused = node.post(&envelope, now_ms);
        assert_eq!(refused, Err(Refusal::Refused(ServerError::Replayed)));
    }
}

fn error(node: &Node, request: QueryRequest, now_ms: u64) -> QueryError {
    ask(node, None, request, now_ms)
        .unwrap()
        .result
        .expect_err("an error")
}

#[test]
fn time_and_block_are_checked() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let have = node.serving().unwrap().0;
    let with = |nonce, change: &dyn Fn(&mut QueryRequest)| {
        let mut request = request(b"get", now_ms, nonce);
        change(&mut request);
        request
    };
    assert_eq!(
        error(node, with(1, &|r| r.expires_at_ms = now_ms), now_ms),
        QueryError::Expired
    );
    let too_far = now_ms + QUERY_LIFETIME_MS_MAX + 1;
    assert_eq!(
        error(node, with(2, &|r| r.expires_at_ms = too_far), now_ms),
        QueryError::Expired
    );
    assert_eq!(
        error(node, with(3, &|r| r.expires_at_ms = u64::MAX), now_ms),
        QueryError::Expired
    );
    assert_eq!(
        error(node, with(4, &|r| r.expires_at_ms = 0), now_ms),
        QueryError::Expired
    );
    let ahead = with(5, &|r| r.minimum_block = have + 1);
    assert_eq!(
        error(node, ahead, now_ms),
        QueryError::BlockNotReached { have }
    );
    let reached = with(6, &|r| r.minimum_block = have);
    assert!(ask(node, None, reached, now_ms).unwrap().result.is_ok());
}

#[test]
fn a_certificate_must_hold() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let (user, other) = (User::new(20), User::new(30));
    let expired = ask(
        node,
        Some(user.identity(now_ms)),
        request(b"who", now_ms, 1),
        now_ms,
    );
    assert!(matches!(
        expired.unwrap().result,
        Err(QueryError::Certificate(why)) if why.contains("expired")
    ));
    let stolen = Identity {
        session_key: &other.session_key,
        certificate: user.certificate(now_ms + 1000),
    };
    let answer = ask(node, Some(stolen), request(b"who", now_ms, 2), now_ms).unwrap();
    assert!(matches!(answer.result, Err(QueryError::Certificate(_))));
    let mut rng = TestRng(1);
    let identity = Some(user.identity(now_ms));
    let (opening, _) = SessionOpener::start(&node.address(), identity, now_ms, &mut rng).unwrap();
    let refused = node.core.queries().open_session(&opening, now_ms, &mut rng);
    assert!(matches!(
        refused,
        Err(Refusal::Refused(ServerError::Certificate(_)))
    ));
}

#[test]
fn a_worker_cut_off_from_the_chain_stops_answering() {
    let mut world = World::serving(1);
    let block_ms = world.chain.now_ms();
    let limit_ms = STALE_MS;
    let node = &world.nodes[1];
    let at = |age_ms: u64, nonce| {
        let now_ms = block_ms + age_ms;
        ask(node, None, request(b"get", now_ms, nonce), now_ms).map(|_| ())
    };
    assert_eq!(at(limit_ms, 1), Ok(()));
    let age_ms = limit_ms + 1;
    assert_eq!(at(age_ms, 2), Err(Refusal::Stale { age_ms, limit_ms }));
    world.blocks(2);
    let now_ms = block_ms + age_ms;
    assert!(ask(&world.nodes[1], None, request(b"get", now_ms, 3), now_ms).is_ok());
}

#[test]
fn who_does_not_serve_says_so() {
    let mut world = World::new(1);
    world.blocks(1);
    let now_ms = world.chain.now_ms();
    let refused = ask(&world.nodes[1], None, request(b"get", now_ms, 1), now_ms);
    assert!(matches!(refused, Err(Refusal::NotServing(_))));
}

#[test]
fn contracts_fail_inside_the_sealed_answer() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let mut nowhere = request(b"get", now_ms, 1);
    nowhere.target = QueryTarget::Call {
        contract: ContractId([1; 32]),
    };
    assert_eq!(error(node, nowhere, now_ms), QueryError::ContractNotFound);
    assert_eq!(
        error(node, request(b"long", now_ms, 2), now_ms),
        QueryError::AnswerTooLong
    );
    let trapped = error(node, request(b"trap", now_ms, 3), now_ms);
    assert!(matches!(trapped, QueryError::Execution(why) if why.contains("unknown message")));
    let mut salted = request(b"", now_ms, 4);
    let target = |salt| QueryTarget::Instantiate {
        code_hash: code_hash(CODE),
        salt,
    };
    salted.target = target(vec![0; 65]);
    assert!(matches!(
        error(node, salted.clone(), now_ms),
        QueryError::Execution(why) if why.contains("salt")
    ));
    (salted.target, salted.nonce) = (target(vec![0; 64]), [5; 16]);
    let output = ask(node, None, salted, now_ms).unwrap().result.unwrap();
    assert_eq!(output.storage_deposit, 5);
    assert!(output.gas_required >= 2000);
}

#[test]
fn a_receipt_commits_to_request_answer_and_state() {
    let world = World::serving(1);
    let (now_ms, node, user) = (world.chain.now_ms(), &world.nodes[1], User::new(20));
    let mut wanted = request(b"who", now_ms, 1);
    wanted.receipt = true;
    let (envelope, pending) = one_shot(node, Some(user.identity(now_ms + 9)), wanted.clone());
    let answer = node.core.queries().answer(&envelope, now_ms).unwrap();
    let body = answer.receipt.clone().expect("a receipt");
    let signed = secrets::receipt::sign_batch(node.core.identity().signing(), vec![body]).unwrap();
    let sealed = answer
        .seal
        .seal(answer.reply, signed.into_iter().next())
        .unwrap();
    let reply = pending.open(&sealed).unwrap();
    let receipt = reply.receipt.as_ref().expect("a receipt");
    assert!(secrets::receipt::verify_receipt_signature(receipt));
    let body = &receipt.body;
    assert_eq!(
        body.request_commitment,
        request_commitment(&Some(user.id()), &wanted)
    );
    assert_eq!(
        body.answer_commitment,
        answer_commitment(&wanted.nonce, &reply.result)
    );
    assert_eq!((body.genesis, body.contract), (GENESIS, CONTRACT));
    assert_eq!((body.worker, body.code_hash), (node.id(), code_hash(CODE)));
    assert_eq!(
        (body.block_number, body.state_root, body.next_number),
        node.serving().unwrap()
    );
    assert_eq!(
        (body.block_hash, body.state_root),
        (reply.block_hash, reply.state_root)
    );
}

#[test]
fn answers_that_wait_together_get_receipts_under_one_signature() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let queue = ReceiptQueue::new(node.core.identity().clone());
    let mut pending = Vec::new();
    for nonce in 0..3 {
        let mut wanted = request(b"get", now_ms, nonce);
        wanted.receipt = true;
        let (envelope, opener) = one_shot(node, None, wanted);
        let answer = node.core.queries().answer(&envelope, now_ms).unwrap();
        let body = answer.receipt.clone().unwrap();
        assert!(queue.put(body, answer.reply, answer.seal, nonce).is_ok());
        pending.push(opener);
    }
    let mut given = Vec::new();
    queue.sign(|asker, sealed| given.push((asker, sealed.unwrap())));
    assert_eq!(given.len(), 3);
    let mut signatures = BTreeSet::new();
    for (asker, sealed) in given {
        let reply = pending[usize::from(asker)].open(&sealed).unwrap();
        let receipt = reply.receipt.unwrap();
        assert!(secrets::receipt::verify_receipt_signature(&receipt));
        assert_eq!(receipt.leaf_count, 3);
        signatures.insert(receipt.signature);
    }
    assert_eq!(signatures.len(), 1);
    queue.sign(|_, _| panic!("all have theirs"));
}

#[test]
fn no_receipt_for_what_was_not_asked_or_failed() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let receipt = |request| {
        let (envelope, _) = one_shot(node, None, request);
        node.core
            .queries()
            .answer(&envelope, now_ms)
            .unwrap()
            .receipt
    };
    assert_eq!(receipt(request(b"get", now_ms, 1)), None);
    let mut failing = request(b"trap", now_ms, 2);
    failing.receipt = true;
    assert_eq!(receipt(failing), None);
}

#[test]
fn an_outcome_is_told_to_its_sender_alone() {
    let mut world = World::serving(1);
    let (user, other) = (User::new(20), User::new(30));
    let payload = world.sealed(user.id(), b"set:mine");
    let number = world.command(user.id(), payload);
    world.blocks(2);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let outcome = |identity, number, nonce| -> Result<QueryOutput, QueryError> {
        let mut request = request(b"", now_ms, nonce);
        request.target = QueryTarget::Outcome { number };
        ask(node, identity, request, now_ms).unwrap().result
    };
    let expiry = now_ms + 1000;
    let told = outcome(Some(user.identity(expiry)), number, 1).unwrap();
    let told = CommandOutcome::decode(&mut &told.data[..]).unwrap();
    assert_eq!((told.sender, told.contract), (user.id(), CONTRACT));
    assert_eq!(told.result, Ok((0, Vec::new())));
    assert_eq!(
        outcome(Some(other.identity(expiry)), number, 2),
        Err(QueryError::OutcomeNotFound)
    );
    assert_eq!(
        outcome(Some(user.identity(expiry)), number + 1, 3),
        Err(QueryError::OutcomeNotFound)
    );
    assert_eq!(
        outcome(Some(user.identity(expiry)), u64::MAX, 4),
        Err(QueryError::OutcomeNotFound)
    );
    assert_eq!(
        outcome(None, number, 5),
        Err(QueryError::CertificateMissing)
    );
}

#[test]
fn whatever_arrives_does_not_panic() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let (envelope, _) = one_shot(node, None, request(b"get", now_ms, 1));
    let mut rng = TestRng(77);
    for length in 0..envelope.len() {
        assert!(node.post(&envelope[..length], now_ms).is_err());
        assert!(
            node.core
                .queries()
                .open_session(&envelope[..length], now_ms, &mut rng)
                .is_err()
        );
        let mut flipped = envelope.clone();
        flipped[length] ^= 1;
        assert!(node.post(&flipped, now_ms).is_err(), "byte {length}");
    }
    let long = vec![0; primitives::bounds::REQUEST_BYTES_MAX as usize + 1];
    assert!(matches!(
        node.post(&long, now_ms),
        Err(Refusal::Malformed(_))
    ));
    assert!(node.post(&envelope, u64::MAX).is_err());
    assert!(node.post(&envelope, 0).is_ok());
}

#[test]
fn an_answer_of_another_query_is_not_taken() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let (first, first_pending) = one_shot(node, None, request(b"get", now_ms, 1));
    let (_, second_pending) = one_shot(node, None, request(b"who", now_ms, 2));
    let answer = node.post(&first, now_ms).unwrap();
    assert_eq!(second_pending.open(&answer), Err(ClientError::NotAuthentic));
    assert!(first_pending.open(&answer).is_ok());
}

#[test]
fn a_full_table_of_sessions_takes_new_ones_at_the_price_of_the_oldest() {
    let world = World::serving(1);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let mut rng = TestRng(3);
    let mut open = |now_ms| {
        let (opening, opener) =
            SessionOpener::start(&node.address(), None, now_ms, &mut rng).unwrap();
        let answer = node
            .core
            .queries()
            .open_session(&opening, now_ms, &mut rng)?;
        Ok::<_, Refusal>(opener.finish(&answer).unwrap())
    };
    let first = open(now_ms).unwrap();
    for _ in 0..16_384 {
        open(now_ms + 1).unwrap();
    }
    let last = open(now_ms + 2).unwrap();
    let post = |session: &ClientSession| {
        let (envelope, _) = session.seal(&request(b"get", now_ms, 1)).unwrap();
        node.post(&envelope, now_ms + 2)
    };
    assert_eq!(post(&first), Err(Refusal::UnknownSession));
    assert!(post(&last).is_ok());
}

#[test]
fn many_ask_while_commits_go_on_and_each_answer_names_a_state_that_was() {
    let mut world = World::serving(1);
    let now_ms = world.chain.now_ms();
    let start = world.nodes[1].serving().unwrap().1;
    let roots = Mutex::new(BTreeSet::from([start]));
    let (address, queries) = (
        world.nodes[1].address(),
        world.nodes[1].core.queries().clone(),
    );
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4u64)
            .map(|asker| {
                let (queries, done) = (queries.clone(), &done);
                scope.spawn(move || {
                    let mut rng = TestRng(1000 + asker);
                    let (opening, opener) =
                        SessionOpener::start(&address, None, now_ms, &mut rng).unwrap();
                    let answer = queries.open_session(&opening, now_ms, &mut rng).unwrap();
                    let session = opener.finish(&answer).unwrap();
                    let mut seen = Vec::new();
                    while seen.len() < 20 || !done.load(Ordering::Acquire) {
                        let (envelope, pending) =
                            session.seal(&request(b"get", now_ms, 1)).unwrap();
                        let answer = queries.answer(&envelope, now_ms).unwrap();
                        let sealed = answer.seal.seal(answer.reply, None).unwrap();
                        let reply = pending.open(&sealed).unwrap();
                        // One letter and ten bytes are appended by each command.
                        let length = reply.result.unwrap().data.len();
                        seen.push((reply.state_root, reply.block_number, length));
                    }
                    seen
                })
            })
            .collect();
        for _ in 0..60 {
            world.plain(b"set:x");
            world.block();
            roots
                .lock()
                .unwrap()
                .insert(world.nodes[1].serving().unwrap().1);
        }
        done.store(true, Ordering::Release);
        askers
            .into_iter()
            .map(|asker| asker.join().unwrap())
            .collect::<Vec<_>>()
    });
    let roots = roots.into_inner().unwrap();
    assert_eq!(roots.len(), 61);
    for answers in seen {
        assert!(answers.iter().all(|(root, _, _)| roots.contains(root)));
        assert!(
            answers
                .windows(2)
                .all(|pair| pair[0].1 <= pair[1].1 && pair[0].2 <= pair[1].2)
        );
        assert!(answers.iter().all(|(_, _, length)| length % 11 == 0));
    }
}

#[test]
fn the_owner_of_a_contract_reads_what_it_wrote() {
    let mut world = World::serving(1);
    let (owner, other) = (User::new(20), User::new(30));
    let contract = ContractId([0xc1; 32]);
    world.instantiate_by(owner.id(), contract);
    let command = codec::Encode::encode(&wire::command::CommandPayload::Plain(ink(
        b"say:in a command",
    )));
    world.chain.push(MailboxOperation::Command {
        contract,
        sender: other.id(),
        payload: command,
    });
    world.blocks(2);
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let mut said = request(b"say:in a query", now_ms, 1);
    said.target = QueryTarget::Call { contract };
    ask(node, None, said, now_ms).unwrap();
    let logs = |identity, nonce| {
        let question = br#"{"action":"GetLog","from":-10,"count":10}"#;
        let mut request = request(question, now_ms, nonce);
        request.target = QueryTarget::Logger;
        String::from_utf8(data(ask(node, identity, request, now_ms).unwrap())).unwrap()
    };
    let expiry = now_ms + 1000;
    let told = logs(Some(owner.identity(expiry)), 2);
    let (command, query) = (told.find("in a command"), told.find("in a query"));
    assert!(command.is_some() && command < query, "{told}");
    assert!(told.contains("\"execMode\":\"transaction\"") && told.contains("\"execMode\":\"query\""));
    assert!(!logs(Some(other.identity(expiry)), 3).contains("in a "));
    assert!(logs(None, 4).contains(r#""records":[]"#));
}

/// Signs a receipt for one question of `node`, and gives what the log has as its leaf.
fn signed_leaf(world: &World, queue: &ReceiptQueue<u8>, nonce: u8) -> [u8; 32] {
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let mut wanted = request(b"get", now_ms, nonce);
    wanted.receipt = true;
    let (envelope, opener) = one_shot(node, None, wanted);
    let answer = node.core.queries().answer(&envelope, now_ms).unwrap();
    let body = answer.receipt.clone().unwrap();
    assert!(queue.put(body, answer.reply, answer.seal, nonce).is_ok());
    let mut receipt = None;
    queue.sign(|_, sealed| receipt = opener_reply(&opener, &sealed.unwrap()));
    receipt.unwrap().signed_bytes().unwrap()
}

fn opener_reply(opener: &PendingReply, sealed: &[u8]) -> Option<Receipt> {
    opener.open(sealed).unwrap().receipt
}

#[test]
fn signed_receipts_are_under_roots_that_the_chain_takes_at_checkpoints() {
    let mut world = World::serving(1);
    let log = world.nodes[1].core.queries().receipt_log().clone();
    let queue = ReceiptQueue::with_log(world.nodes[1].core.identity().clone(), log.clone());
    let worker = world.nodes[1].id();
    let leaves: Vec<_> = (0..3).map(|nonce| signed_leaf(&world, &queue, nonce)).collect();
    assert_eq!(log.inclusion(&leaves[0]), Err(NotLogged::NotYet));
    assert_eq!(log.inclusion(&[9; 32]), Err(NotLogged::Unknown));
    world.blocks(8);
    let roots = world.chain.logs[&worker].clone();
    assert_eq!(roots.len(), 1, "nothing more was signed");
    assert_eq!(roots[0].1, 3);
    for leaf in &leaves {
        let inclusion = log.inclusion(leaf).unwrap();
        assert_eq!(inclusion.index, 0);
        assert_eq!(inclusion.root(*leaf), Some(roots[0].0));
        assert_ne!(inclusion.root([1; 32]), Some(roots[0].0));
    }
    // A second interval; and one whose root is lost on its way is reported again.
    let second = signed_leaf(&world, &queue, 10);
    world.chain.silenced.insert(worker);
    world.blocks(6);
    assert_eq!(log.inclusion(&second), Err(NotLogged::NotYet));
    let third = signed_leaf(&world, &queue, 11);
    world.chain.silenced.clear();
    world.blocks(60);
    let roots = world.chain.logs[&worker].clone();
    assert_eq!(roots.len(), 3);
    for (place, leaf) in [(1, second), (2, third)] {
        let inclusion = log.inclusion(&leaf).unwrap();
        assert_eq!(inclusion.index, place);
        assert_eq!(inclusion.root(leaf), Some(roots[place as usize].0));
    }
}
