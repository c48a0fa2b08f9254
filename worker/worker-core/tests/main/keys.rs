//! Keys of clusters and contracts.

use crate::node::{CONTRACT, Node, World};
use primitives::ContractId;
use wire::message::MessagePayload;

#[test]
fn a_cluster_key_is_said_once() {
    let world = World::serving(1);
    let told = world.nodes[1].submitted();
    let told = told
        .iter()
        .filter(|message| matches!(message.payload, MessagePayload::ClusterKey { .. }));
    assert_eq!(told.count(), 1);
    assert!(
        world.chain.log.iter().all(|(_, _, done)| *done),
        "{:?}",
        world.chain.log
    );
}

#[test]
fn a_seed_is_kept_and_needs_no_gatekeeper_after_a_restart() {
    let mut world = World::serving(1);
    world.chain.gatekeepers.clear();
    world.nodes[1].restart();
    world.blocks(3);
    assert!(world.nodes[1].serving().is_some());
}

fn key_messages(node: &Node, of: ContractId) -> usize {
    let of_contract = |payload: &MessagePayload| matches!(payload, MessagePayload::ContractKeys { contract, .. } if *contract == of);
    node.submitted()
        .iter()
        .filter(|message| of_contract(&message.payload))
        .count()
}

#[test]
fn the_first_worker_publishes_contract_keys_and_the_second_need_not() {
    let mut world = World::serving(2);
    assert!(world.chain.cluster().keys.contains_key(&CONTRACT));
    world.blocks(20);
    assert_eq!(key_messages(&world.nodes[1], CONTRACT), 1);
    assert_eq!(key_messages(&world.nodes[2], CONTRACT), 0);
}

#[test]
fn contract_keys_follow_in_the_block_that_made_the_contract() {
    let mut world = World::serving(1);
    world.instantiate(ContractId([0x77; 32]));
    world.block();
    assert_eq!(key_messages(&world.nodes[1], ContractId([0x77; 32])), 1);
}

#[test]
fn the_second_worker_publishes_where_the_first_stays_silent() {
    let mut world = World::serving(2);
    let (first, made) = (world.nodes[1].id(), ContractId([0x77; 32]));
    world.chain.silenced.insert(first);
    world.instantiate(made);
    world.blocks(3);
    assert_eq!(key_messages(&world.nodes[2], made), 0);
    world.blocks(4);
    assert_eq!(key_messages(&world.nodes[2], made), 1);
    assert!(world.chain.cluster().keys.contains_key(&made));
}

#[test]
fn keys_of_contracts_that_contracts_made_are_published() {
    let mut world = World::serving(1);
    world.plain(b"make:\x55");
    world.blocks(3);
    assert!(
        world
            .chain
            .cluster()
            .keys
            .contains_key(&ContractId([0x55; 32]))
    );
}

#[test]
fn keys_left_unsaid_by_a_crash_are_said_after_the_restart() {
    let mut world = World::serving(1);
    let made = ContractId([0x77; 32]);
    world.instantiate(made);
    world.nodes[1].mute = true;
    world.block();
    world.nodes[1].restart();
    world.nodes[1].did.clear();
    world.blocks(3);
    assert!(world.chain.cluster().keys.contains_key(&made));
    assert_eq!(key_messages(&world.nodes[1], made), 1);
    assert_eq!(
        key_messages(&world.nodes[1], CONTRACT),
        0,
        "what the chain has is not said again"
    );
}

#[test]
fn a_replay_of_the_mailbox_says_no_keys_that_the_chain_has() {
    let mut world = World::serving(1);
    for id in 1..=40 {
        world.instantiate(ContractId([id; 32]));
    }
    world.blocks(12);
    assert_eq!(world.chain.cluster().keys.len(), 41);
    world.nodes[1].disk = crate::node::Disk::new();
    world.nodes[1].restart();
    world.nodes[1].did.clear();
    world.blocks(3);
    assert!(world.nodes[1].serving().is_some());
    let said = world.nodes[1].submitted();
    let of_contracts = said
        .iter()
        .filter(|message| matches!(message.payload, MessagePayload::ContractKeys { .. }));
    assert_eq!(of_contracts.count(), 0);
}

#[test]
fn keys_that_the_chain_refuses_are_not_said_for_ever() {
    let mut world = World::serving(1);
    let made = ContractId([0x77; 32]);
    world.chain.refused_keys.insert(made);
    world.instantiate(made);
    world.blocks(200);
    assert!(key_messages(&world.nodes[1], made) <= 8);
    assert!(world.nodes[1].core.watch().contract_keys.is_empty());
}
