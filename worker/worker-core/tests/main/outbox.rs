//! Messages: strict numbers, sent again, never piled up.

use crate::{
    chain::CLUSTER,
    node::{Node, SERVED_AFTER, World},
};
use primitives::ContractId;
use wire::message::{MessagePayload, SignedMessage};

fn sequences(messages: &[SignedMessage]) -> Vec<u64> {
    messages.iter().map(|message| message.sequence).collect()
}

fn checkpoints(node: &Node) -> Vec<(u64, u32)> {
    let checkpoint = |message: &SignedMessage| match message.payload {
        MessagePayload::Checkpoint {
            next_number,
            block_number,
            ..
        } => Some((next_number, block_number)),
        _ => None,
    };
    node.submitted().iter().filter_map(checkpoint).collect()
}

#[test]
fn numbers_are_strict_and_every_message_is_taken() {
    let mut world = World::serving(2);
    for _ in 0..20 {
        world.plain(b"set:x");
        world.block();
    }
    for node in &world.nodes {
        let sent = sequences(&node.submitted());
        assert_eq!(sent, (0..sent.len() as u64).collect::<Vec<_>>());
        assert!(!sent.is_empty());
    }
    assert!(world.chain.log.iter().all(|(_, _, done)| *done));
}

#[test]
fn a_lost_message_is_sent_again_under_its_number() {
    let mut world = World::new(0);
    world.chain.clusters.clear();
    let gatekeeper = world.nodes[0].id();
    // Long enough for what is lost.
    world.chain.keys.settings.receiving_blocks = 100;
    world.block();
    world.chain.silenced.insert(gatekeeper);
    world.blocks(20);
    let sent = world.nodes[0].submitted();
    assert_eq!(sequences(&sent), [0, 0, 0]);
    assert!(
        sent.iter()
            .all(|message| message.payload == sent[0].payload)
    );
    world.chain.silenced.clear();
    world.blocks(20);
    assert!(world.chain.keys.sharing.is_some());
}

#[test]
fn after_a_restart_numbers_go_on_where_the_chain_is() {
    let mut world = World::serving(1);
    let worker = world.nodes[1].id();
    let next = world.chain.sequences[&worker];
    assert!(next > 0);
    world.nodes[1].restart();
    world.nodes[1].did.clear();
    world.instantiate(ContractId([0x77; 32]));
    world.block();
    let sent = sequences(&world.nodes[1].submitted());
    assert_eq!(sent[0], next);
    world.blocks(6);
    let made = ContractId([0x77; 32]);
    assert!(world.chain.cluster().keys.contains_key(&made));
}

#[test]
fn a_number_taken_by_the_process_before_costs_no_message() {
    let mut world = World::new(2);
    let second = world.nodes[2].id();
    world.blocks(3);
    // Sent, and the process dies before it learns whether the chain took it.
    world.nodes[0].restart();
    world
        .chain
        .cluster()
        .workers
        .retain(|worker| *worker != second);
    world.block();
    world.chain.cluster().workers.push(second);
    world.set_up_cluster();
    world.blocks(SERVED_AFTER);
    assert!(world.nodes[1].serving().is_some());
    assert!(world.nodes[2].serving().is_some());
}

#[test]
fn checkpoints_rise_and_are_not_too_frequent() {
    let mut world = World::serving(1);
    let runs = 40;
    for round in 0..runs {
        world.plain(b"set:x");
        world.block();
        if round == 17 {
            world.nodes[1].restart();
        }
    }
    let sent = checkpoints(&world.nodes[1]);
    assert!(sent.len() >= 7 && sent.len() <= 12, "{sent:?}");
    // The new process says again what the old one's last words took the place of.
    assert!(
        sent.windows(2)
            .all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1)
    );
    let id = world.nodes[1].id();
    world.blocks(10);
    assert_eq!(
        world.chain.clusters[&CLUSTER].checkpoints[&id].next_number,
        3 + runs
    );
    let count = checkpoints(&world.nodes[1]).len();
    world.blocks(50);
    assert_eq!(
        checkpoints(&world.nodes[1]).len(),
        count,
        "an idle cluster says nothing"
    );
}

#[test]
fn two_workers_report_the_same_root() {
    let mut world = World::serving(2);
    world.plain(b"set:x");
    world.blocks(12);
    let reports: Vec<_> = world.chain.cluster().checkpoints.values().collect();
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0].next_number, 4);
    assert_eq!(reports[0].state_root, reports[1].state_root);
}

#[test]
fn checkpoints_that_are_lost_do_not_pile_up() {
    let mut world = World::serving(1);
    let id = world.nodes[1].id();
    world.blocks(10);
    world.chain.silenced.insert(id);
    // Registered until the end: what matters here are the messages.
    world.chain.workers.get_mut(&id).unwrap().expires_at_ms += 10_000_000;
    world.nodes[1].did.clear();
    for _ in 0..100 {
        world.plain(b"set:x");
        world.block();
    }
    let sent = world.nodes[1].submitted();
    let last = sent.iter().map(|message| message.sequence).max().unwrap();
    assert_eq!(last, sent[0].sequence, "one message waits");
    world.chain.silenced.clear();
    world.blocks(20);
    assert_eq!(world.chain.cluster().checkpoints[&id].next_number, 103);
}

#[test]
fn a_checkpoint_that_the_chain_did_not_keep_is_made_again() {
    let mut world = World::serving(1);
    let id = world.nodes[1].id();
    world.plain(b"set:x");
    world.blocks(8);
    world.chain.cluster().checkpoints.remove(&id);
    world.blocks(8);
    assert_eq!(world.chain.cluster().checkpoints[&id].next_number, 4);
}
