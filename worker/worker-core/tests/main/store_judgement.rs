//! A disk that was found at the start, held against the chain.

use crate::node::{Disk, World};
use primitives::{BlockHash, StateRoot};
use wire::message::{MessagePayload, SignedMessage};
use worker_core::{ClusterStore, Notice, StopReason};

/// A world whose worker has run and reported a few commands, one in each block.
fn lived() -> World {
    let mut world = World::serving(1);
    for _ in 0..12 {
        world.plain(b"set:life");
        world.block();
    }
    world.blocks(8);
    let id = world.nodes[1].id();
    assert_eq!(world.chain.cluster().checkpoints[&id].next_number, 15);
    world
}

fn replace_disk(world: &mut World, disk: std::sync::Arc<Disk>) {
    let node = &mut world.nodes[1];
    node.disk = disk;
    node.restart();
    node.did.clear();
}

#[test]
fn an_older_disk_is_brought_up_to_the_reported_root() {
    for count in 0..12 {
        let mut world = lived();
        let before = world.nodes[1].serving().unwrap();
        let older = world.nodes[1].disk.older(count, |_| {});
        assert!(older.head().next_number < before.2);
        replace_disk(&mut world, older);
        world.blocks(4);
        let after = world.nodes[1].serving().expect("serves");
        assert_eq!((after.1, after.2), (before.1, before.2));
        assert_eq!(*world.nodes[1].disk.clears.lock().unwrap(), 0);
    }
}

#[test]
fn a_disk_that_differs_from_the_own_report_is_refused_and_rebuilt() {
    let mut world = lived();
    let before = world.nodes[1].serving().unwrap();
    let other = world.nodes[1].disk.older(usize::MAX, |commit| {
        commit.1.push((b"smuggled".to_vec(), Some(vec![1])));
    });
    assert_ne!(other.head().state_root, before.1);
    replace_disk(&mut world, other);
    world.block();
    assert_eq!(world.nodes[1].serving(), None);
    let differs = |notice: &Notice| matches!(notice, Notice::Diverged { .. });
    assert_eq!(world.nodes[1].said(differs), 1);
    world.blocks(4);
    let after = world.nodes[1].serving().expect("serves");
    assert_eq!((after.1, after.2), (before.1, before.2));
    assert_eq!(*world.nodes[1].disk.clears.lock().unwrap(), 1);
}

#[test]
fn a_refused_disk_says_no_keys() {
    let mut world = lived();
    let number = 4;
    let other = world.nodes[1].disk.older(usize::MAX, |commit| {
        let outcome = wire::query::CommandOutcome {
            block_number: 1,
            sender: Default::default(),
            contract: Default::default(),
            result: Ok((0, Vec::new())),
            gas_consumed: 0,
            made: vec![(primitives::ContractId([0xbb; 32]), Default::default())],
        };
        let key = worker_core::running::outcome_key(number);
        commit.1.push((key, Some(codec::Encode::encode(&outcome))));
    });
    replace_disk(&mut world, other);
    world.blocks(10);
    assert!(world.nodes[1].serving().is_some());
    let keys = |message: &SignedMessage| matches!(message.payload, MessagePayload::ContractKeys { .. });
    assert!(!world.nodes[1].submitted().iter().any(keys));
}

#[test]
fn a_refused_disk_that_cannot_be_rebuilt_stops_the_worker() {
    let mut world = lived();
    let other = world.nodes[1].disk.older(usize::MAX, |commit| {
        commit.1.push((b"smuggled".to_vec(), Some(vec![1])));
    });
    replace_disk(&mut world, other);
    world.chain.cluster().first = 1;
    world.block();
    assert_eq!(world.nodes[1].stopped(), Some(StopReason::MailboxPruned(15)));
    assert_eq!(
        *world.nodes[1].disk.clears.lock().unwrap(),
        0,
        "nothing is thrown away"
    );
}

#[test]
fn a_replay_that_misses_the_report_stops_the_worker() {
    let mut world = lived();
    let id = world.nodes[1].id();
    world.chain.cluster().agreed = None;
    let checkpoints = &mut world.chain.cluster().checkpoints;
    checkpoints.get_mut(&id).unwrap().state_root = StateRoot([0xdd; 32]);
    replace_disk(&mut world, Disk::new());
    world.block();
    let stopped = world.nodes[1].stopped();
    assert!(matches!(stopped, Some(StopReason::Run(why)) if why.contains("reported")));
    assert_eq!(world.nodes[1].serving(), None);
}

#[test]
fn a_block_that_the_chain_does_not_have_stops_the_worker() {
    let mut world = lived();
    let acted_on = world.nodes[1].disk.head().block_number;
    world.chain.fork_at(acted_on);
    world.nodes[1].restart();
    world.block();
    assert_eq!(
        world.nodes[1].stopped(),
        Some(StopReason::AnotherChain(acted_on))
    );
    assert_eq!(world.nodes[1].serving(), None);
}

#[test]
fn a_store_at_the_very_block_is_compared_with_its_hash() {
    let mut world = lived();
    let other = world.nodes[1].disk.older(usize::MAX, |commit| {
        commit.0.block_hash = BlockHash([0xee; 32]);
    });
    let acted_on = other.head().block_number;
    replace_disk(&mut world, other);
    // The chain's storage does not know a block's own hash: only the view's hash tells.
    world.chain.number = acted_on;
    world.chain.unknown_hashes = true;
    let World { chain, nodes } = &mut world;
    nodes[1].follow(chain);
    assert_eq!(nodes[1].stopped(), Some(StopReason::AnotherChain(acted_on)));
}

#[test]
fn a_store_ahead_of_the_mailbox_is_of_another_chain() {
    let mut world = lived();
    let acted_on = world.nodes[1].disk.head().block_number;
    world.chain.cluster().inbox.truncate(2);
    world.chain.unknown_hashes = true;
    world.nodes[1].restart();
    world.block();
    assert_eq!(
        world.nodes[1].stopped(),
        Some(StopReason::AnotherChain(acted_on))
    );
}

#[test]
fn behind_the_store_the_worker_waits_and_serves_nothing() {
    let mut world = lived();
    let (number, acted_on) = (world.chain.number, world.nodes[1].disk.head().block_number);
    world.nodes[1].restart();
    world.nodes[1].did.clear();
    world.chain.number = acted_on - 3;
    let World { chain, nodes } = &mut world;
    for behind in acted_on - 3..acted_on {
        chain.number = behind;
        nodes[1].follow(chain);
        assert_eq!(nodes[1].serving(), None);
        assert_eq!(nodes[1].stopped(), None);
    }
    let behind = |notice: &Notice| matches!(notice, Notice::ChainIsBehind { .. });
    assert!(nodes[1].said(behind) >= 1);
    chain.number = number;
    nodes[1].follow(chain);
    world.blocks(4);
    assert!(world.nodes[1].serving().is_some());
}

#[test]
fn an_older_disk_below_a_pruned_mailbox_stops_the_worker() {
    let mut world = lived();
    let older = world.nodes[1].disk.older(2, |_| {});
    let needs = older.head().next_number;
    replace_disk(&mut world, older);
    world.chain.cluster().first = needs + 1;
    world.block();
    assert_eq!(
        world.nodes[1].stopped(),
        Some(StopReason::MailboxPruned(needs))
    );
}

#[test]
fn an_idle_worker_writes_down_how_far_the_chain_was() {
    let mut world = World::serving(1);
    world.blocks(100);
    let head = world.nodes[1].disk.head();
    assert!(world.chain.number - head.block_number <= 16);
    assert!(world.nodes[1].disk.commit_count() < 12);
}
