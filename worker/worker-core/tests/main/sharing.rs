//! Processors shared among queries; one processor in all of these.

use crate::{
    node::{CONTRACT, Node, SHARING, TestRng, World, request},
};
use primitives::ContractId;
use secrets::client::{PendingReply, seal_query};
use std::sync::atomic::Ordering;
use wire::query::{QueryError, QueryReply, QueryTarget};
use worker_core::Refusal;

const NEIGHBOUR: ContractId = ContractId([7; 32]);

/// A network with a worker and two contracts.
fn world() -> World {
    let mut world = World::serving(1);
    world.plain(b"make:\x07");
    world.blocks(2);
    world
}

fn sealed(
    node: &Node,
    contract: ContractId,
    input: &[u8],
    now_ms: u64,
    nonce: u8,
) -> (Vec<u8>, PendingReply) {
    let mut request = request(input, now_ms, nonce);
    request.target = QueryTarget::Call { contract };
    let mut rng = TestRng(u64::from(nonce) << 32);
    seal_query(&node.address(), None, request, &mut rng).unwrap()
}

fn ask(node: &Node, contract: ContractId, input: &[u8], now_ms: u64, nonce: u8) -> QueryReply {
    let (envelope, pending) = sealed(node, contract, input, now_ms, nonce);
    pending.open(&node.post(&envelope, now_ms).unwrap()).unwrap()
}

#[test]
fn a_long_query_holds_up_neither_queries_nor_commands() {
    let mut world = world();
    let now_ms = world.chain.now_ms();
    let (envelope, pending) = sealed(&world.nodes[1], CONTRACT, b"until:\x09", now_ms, 1);
    let queries = world.nodes[1].core.queries().clone();
    let host = world.nodes[1].host.clone();
    // The processor is taken before anybody else asks.
    let begun = queries.begin(&envelope, now_ms).unwrap();
    assert!(!begun.would_wait());
    std::thread::scope(|scope| {
        let long = scope.spawn(|| {
            let answer = queries.finish(begun).unwrap();
            answer.seal.seal(answer.reply, None).unwrap()
        });
        let node = &world.nodes[1];
        assert!(ask(node, NEIGHBOUR, b"get", now_ms, 2).result.is_ok());
        assert!(ask(node, CONTRACT, b"get", now_ms, 3).result.is_ok());
        let before = node.serving().unwrap();
        world.plain(b"set:x");
        world.block();
        let after = world.nodes[1].serving().unwrap();
        assert!(after.2 > before.2 && after.1 != before.1);
        assert!(!long.is_finished());
        host.now_ms.store(9, Ordering::Relaxed);
        let reply = pending.open(&long.join().unwrap()).unwrap();
        assert_eq!(reply.result.unwrap().data, [9]);
        assert_eq!(reply.block_number, before.0);
    });
}

#[test]
fn a_flood_is_refused_at_once_and_the_neighbour_is_not() {
    let world = world();
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let queries = node.core.queries();
    let begin = |contract, nonce| {
        let (envelope, _) = sealed(node, contract, b"get", now_ms, nonce);
        queries.begin(&envelope, now_ms)
    };
    // Nothing is staked to it: half of what one with a stake may have.
    let limit = SHARING.flow_present_max as u8 / 2;
    let mut flood: Vec<_> = (0..limit).map(|nonce| begin(CONTRACT, nonce).unwrap()).collect();
    assert_eq!(flood.iter().filter(|begun| !begun.would_wait()).count(), 1);
    let refused = begin(CONTRACT, limit).err().unwrap();
    assert!(matches!(refused, Refusal::Busy(_)), "{refused}");
    assert!(refused.to_string().contains("4 queries at this worker already"), "{refused}");
    let neighbour = begin(NEIGHBOUR, limit + 1).unwrap();
    // A place that becomes free is taken again.
    drop(flood.pop());
    assert!(begin(CONTRACT, limit + 2).is_ok());
    drop((flood, neighbour));
    assert!(!begin(CONTRACT, limit + 3).unwrap().would_wait());
}

#[test]
fn what_runs_nothing_needs_no_processor() {
    let world = world();
    let (now_ms, node) = (world.chain.now_ms(), &world.nodes[1]);
    let (envelope, _) = sealed(node, CONTRACT, b"get", now_ms, 1);
    let _holder = node.core.queries().begin(&envelope, now_ms).unwrap();
    let mut outcome = request(b"", now_ms, 2);
    outcome.target = QueryTarget::Outcome { number: 0 };
    let (envelope, pending) =
        seal_query(&node.address(), None, outcome, &mut TestRng(9)).unwrap();
    let reply = pending.open(&node.post(&envelope, now_ms).unwrap()).unwrap();
    assert_eq!(reply.result, Err(QueryError::CertificateMissing));
}
