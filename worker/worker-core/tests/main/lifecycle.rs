//! Registration, renewal, withdrawal, and what a worker does with an older view.

use crate::{
    chain::{BUILD, REGISTRATION_MS},
    node::{Did, Node, World},
};
use primitives::{BlockHash, BlockNumber};
use worker_core::{Input, Notice, Refusal, StopReason};

fn registrations(node: &Node) -> usize {
    node.did.iter().filter(|did| **did == Did::Register).count()
}

#[test]
fn a_worker_registers_once_and_renews_before_it_lapses() {
    let mut world = World::new(1);
    world.blocks(2);
    assert_eq!(registrations(&world.nodes[1]), 1);
    let id = world.nodes[1].id();
    let mut renewals = 0;
    for _ in 0..3 * REGISTRATION_MS / 1000 {
        let before = world.chain.workers[&id].expires_at_ms;
        world.block();
        let left_ms = before - world.chain.now_ms();
        if world.chain.workers[&id].expires_at_ms != before {
            renewals += 1;
            assert!(
                left_ms <= REGISTRATION_MS / 3 && left_ms > REGISTRATION_MS / 4,
                "{left_ms}"
            );
        }
        assert!(world.chain.is_active(&id));
    }
    assert_eq!(renewals, 4);
    assert_eq!(registrations(&world.nodes[1]), 1 + renewals);
    assert_eq!(world.chain.endpoints[&id], ["https://worker.example"]);
}

#[test]
fn a_registration_that_is_lost_is_sent_again_with_patience() {
    let mut world = World::new(1);
    let id = world.nodes[1].id();
    world.chain.silenced.insert(id);
    world.blocks(30);
    assert_eq!(registrations(&world.nodes[1]), 3);
    world.chain.silenced.remove(&id);
    world.blocks(14);
    assert!(world.chain.is_active(&id));
}

#[test]
fn a_lapsed_registration_ends_serving_with_the_next_block_and_a_new_one_resumes_it() {
    let mut world = World::serving(1);
    let id = world.nodes[1].id();
    world.chain.silenced.insert(id);
    while world.chain.now_ms() + 1000 < world.chain.workers[&id].expires_at_ms {
        world.block();
        assert!(world.nodes[1].serving().is_some());
    }
    world.block();
    assert_eq!(world.nodes[1].serving(), None);
    let submitted = world.nodes[1].submitted().len();
    world.plain(b"set:late");
    world.blocks(10);
    assert_eq!(
        world.nodes[1].submitted().len(),
        submitted,
        "the chain takes nothing from it"
    );
    world.chain.silenced.clear();
    world.blocks(14);
    let (_, _, entries) = world.nodes[1].serving().expect("serves again");
    assert_eq!(entries, 4);
}

#[test]
fn a_withdrawn_build_ends_serving_with_the_next_block() {
    let mut world = World::serving(2);
    world.chain.allowed.remove(&BUILD);
    world.block();
    for node in &world.nodes[1..] {
        assert_eq!(node.serving(), None);
        assert_eq!(node.said(|notice| *notice == Notice::BuildNotAllowed), 1);
        let now_ms = world.chain.now_ms();
        assert!(matches!(
            node.post(&[0], now_ms),
            Err(Refusal::NotServing(_))
        ));
    }
    world.chain.allowed.insert(BUILD);
    world.block();
    assert!(world.nodes[1].serving().is_some());
}

#[test]
fn an_unassigned_worker_serves_nothing_until_it_is_assigned_again() {
    let mut world = World::serving(2);
    let id = world.nodes[2].id();
    world.chain.release(&id);
    world.block();
    assert_eq!(world.nodes[2].serving(), None);
    assert!(world.nodes[1].serving().is_some());
    world.plain(b"set:meanwhile");
    world.chain.cluster().workers.push(id);
    // Gatekeepers look now and then at who had a seed.
    world.blocks(40);
    assert!(world.nodes[2].serving().is_some());
    assert_eq!(world.nodes[2].serving(), world.nodes[1].serving());
}

#[test]
fn another_version_registers_at_once() {
    let mut world = World::serving(1);
    let id = world.nodes[1].id();
    world.chain.workers.get_mut(&id).unwrap().runtime_version = 0;
    world.chain.allowed.remove(&BUILD);
    world.nodes[1].restart();
    world.block();
    assert_eq!(world.chain.workers[&id].runtime_version, 1);
}

#[test]
fn an_older_view_changes_nothing() {
    let mut world = World::serving(1);
    let old = world.chain.view(&world.nodes[1].core.watch(), 128);
    world.plain(b"set:new");
    world.blocks(2);
    let before = world.nodes[1].serving().unwrap();
    let World { chain, nodes } = &mut world;
    let did = nodes[1].did.len();
    nodes[1].step(Input::Finalized(old), chain);
    assert_eq!(nodes[1].serving(), Some(before));
    assert_eq!(nodes[1].did.len(), did);
}

#[test]
fn another_final_block_of_the_same_number_stops_the_worker() {
    let mut world = World::serving(1);
    let number: BlockNumber = world.chain.number;
    let mut other = world.chain.view(&world.nodes[1].core.watch(), 128);
    other.hash = BlockHash([0xee; 32]);
    let World { chain, nodes } = &mut world;
    nodes[1].step(Input::Finalized(other), chain);
    assert_eq!(nodes[1].stopped(), Some(StopReason::AnotherChain(number)));
    assert_eq!(nodes[1].serving(), None);
}
