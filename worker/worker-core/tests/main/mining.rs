//! Challenges and benchmarks: answered, never in the way of anything else, under the right numbers.

use crate::{
    chain::{BUILD, HEARTBEAT_WINDOW, Mining},
    node::{Node, TestRng, World},
};
use primitives::WorkerId;
use std::sync::atomic::Ordering;
use wire::message::MessagePayload;
use worker_core::{Notice, ROUNDS_PER_ITERATION, StopReason};

/// Rounds that a machine counts in a block of a second: a score of 600.
const ROUNDS_PER_BLOCK: u32 = 800;
const SCORE: u32 = 6 * ROUNDS_PER_BLOCK / ROUNDS_PER_ITERATION as u32;
/// Blocks after which a window of 30 s is over, its message taken in and final.
const MEASURED_AFTER: u32 = 40;

/// A worker that serves a cluster, and mines.
fn mining_world() -> (World, WorkerId) {
    let mut world = World::serving(1);
    let id = world.nodes[1].id();
    world.chain.start_session(id);
    world.block();
    (world, id)
}

/// One block, in which the machines whose gauges want it count.
fn counted_block(world: &mut World) {
    for node in &world.nodes {
        node.host.now_ms.store(world.chain.now_ms(), Ordering::Relaxed);
        let gauge = node.core.gauge();
        if gauge.is_wanted() {
            (0..ROUNDS_PER_BLOCK).for_each(|_| gauge.count(1_000_000_000 / u64::from(ROUNDS_PER_BLOCK)));
        }
    }
    world.block();
}

fn answers(world: &World) -> usize {
    world.chain.mining.as_ref().unwrap().answers.len()
}

fn heartbeats(node: &Node) -> usize {
    let of_kind = |payload: &MessagePayload| matches!(payload, MessagePayload::Heartbeat { .. });
    node.submitted().iter().filter(|message| of_kind(&message.payload)).count()
}

#[test]
fn a_challenge_is_answered_once_and_on_time() {
    let (mut world, id) = mining_world();
    for round in 1..=5 {
        world.chain.challenge(&id);
        world.blocks(2);
        assert_eq!(answers(&world), round, "taken in with the next block");
    }
    world.blocks(20);
    assert_eq!(heartbeats(&world.nodes[1]), 5);
    let mining = world.chain.mining.as_ref().unwrap();
    assert!(mining.answers.iter().all(|(worker, _, runs)| *worker == id && *runs));
    assert!(world.chain.log.iter().all(|(_, _, done)| *done));
}

#[test]
fn a_late_answer_is_given_too_and_its_operator_is_told() {
    let (mut world, id) = mining_world();
    world.chain.challenge(&id);
    // The worker is down meanwhile.
    for _ in 0..=HEARTBEAT_WINDOW {
        world.chain.block();
    }
    world.blocks(2);
    assert_eq!(answers(&world), 1);
    let late = |notice: &Notice| matches!(notice, Notice::LateHeartbeat { .. });
    assert_eq!(world.nodes[1].said(late), 1);
}

#[test]
fn an_answer_that_became_void_holds_nothing_up() {
    let (mut world, id) = mining_world();
    // Registered until the end: what matters here are the messages.
    world.chain.workers.get_mut(&id).unwrap().expires_at_ms += 10_000_000;
    world.chain.silenced.insert(id);
    world.chain.challenge(&id);
    world.plain(b"set:x");
    world.blocks(10);
    assert!(heartbeats(&world.nodes[1]) > 0, "sent, and lost");
    // Its session was stopped before the chain heard it.
    world.chain.mining.as_mut().unwrap().sessions.remove(&id);
    world.chain.silenced.clear();
    world.nodes[1].did.clear();
    world.blocks(3);
    assert_eq!(world.chain.clusters[&crate::chain::CLUSTER].checkpoints[&id].next_number, 4);
    assert_eq!(heartbeats(&world.nodes[1]), 0);
    let last = world.chain.log.iter().rev().find(|(_, message, _)| {
        matches!(message.payload, MessagePayload::Checkpoint { .. })
    });
    assert!(last.is_some_and(|(_, _, done)| *done));
}

#[test]
fn another_challenge_takes_the_place_of_one_that_was_not_answered() {
    let (mut world, id) = mining_world();
    world.chain.silenced.insert(id);
    world.chain.challenge(&id);
    world.blocks(2);
    // The session was stopped and started again meanwhile.
    world.chain.challenge(&id);
    world.block();
    world.chain.silenced.clear();
    // Sent again after a while.
    world.blocks(10);
    assert_eq!(answers(&world), 1);
}

#[test]
fn numbers_go_on_when_the_process_dies_around_an_answer() {
    for crash_after in 0..4 {
        let (mut world, id) = mining_world();
        world.nodes[1].crash_after = Some(crash_after);
        world.chain.challenge(&id);
        world.plain(b"set:x");
        world.blocks(25);
        world.chain.challenge(&id);
        world.blocks(4);
        assert_eq!(answers(&world), 2, "dead after {crash_after}");
        assert!(world.nodes[1].serving().is_some(), "dead after {crash_after}");
    }
}

#[test]
fn an_older_disk_answers_under_the_number_that_the_chain_expects() {
    let (mut world, id) = mining_world();
    let older = world.nodes[1].sealed.clone();
    for _ in 0..3 {
        world.chain.challenge(&id);
        world.blocks(2);
    }
    world.nodes[1].sealed = older;
    world.nodes[1].restart();
    world.chain.challenge(&id);
    world.blocks(6);
    assert_eq!(answers(&world), 4);
}

#[test]
fn of_two_processes_the_one_that_speaks_answers() {
    let (mut world, id) = mining_world();
    let mut copy = Node::new(1);
    copy.rng = TestRng(77);
    copy.sealed = world.nodes[1].sealed.clone();
    copy.disk = world.nodes[1].disk.older(usize::MAX, |_| {});
    copy.restart();
    let both = |world: &mut World, copy: &mut Node| {
        world.block();
        copy.follow(&mut world.chain);
    };
    (0..12).for_each(|_| both(&mut world, &mut copy));
    assert_eq!(world.nodes[1].stopped(), Some(StopReason::Replaced));
    let before = heartbeats(&world.nodes[1]);
    world.chain.challenge(&id);
    (0..3).for_each(|_| both(&mut world, &mut copy));
    assert_eq!(answers(&world), 1);
    assert_eq!((heartbeats(&world.nodes[1]), heartbeats(&copy)), (before, 1));
}

#[test]
fn who_may_not_speak_answers_when_it_may_again() {
    let (mut world, id) = mining_world();
    world.chain.allowed.remove(&BUILD);
    world.chain.challenge(&id);
    world.blocks(5);
    assert_eq!((answers(&world), heartbeats(&world.nodes[1])), (0, 0));
    world.chain.allowed.insert(BUILD);
    world.blocks(3);
    assert_eq!(answers(&world), 1);
}

#[test]
fn a_process_measures_once_and_again_when_the_figure_grows_old() {
    let mut world = World::serving(1);
    let id = world.nodes[1].id();
    let mut mining = Mining::default();
    mining.rules.age_ms_max = 3_600_000;
    world.chain.mining = Some(mining);
    // So that half of an hour is not a question of registrations.
    world.chain.workers.get_mut(&id).unwrap().expires_at_ms += 100_000_000;
    for _ in 0..MEASURED_AFTER {
        counted_block(&mut world);
    }
    let first = world.chain.mining.as_ref().unwrap().benchmarks[&id];
    assert_eq!(first.score, SCORE);
    assert!(!world.nodes[1].core.gauge().is_wanted(), "nothing runs in vain");
    for _ in 0..1_800 - MEASURED_AFTER {
        counted_block(&mut world);
    }
    let same = world.chain.mining.as_ref().unwrap().benchmarks[&id];
    assert_eq!(same, first, "half an hour is half of its time");
    for _ in 0..2 * MEASURED_AFTER {
        counted_block(&mut world);
    }
    let second = world.chain.mining.as_ref().unwrap().benchmarks[&id];
    assert!(second.measured_at_ms > first.measured_at_ms);
    assert_eq!(second.score, first.score);
}

#[test]
fn a_benchmark_that_nobody_runs_is_not_told() {
    let mut world = World::serving(1);
    world.chain.mining = Some(Mining::default());
    world.blocks(2 * MEASURED_AFTER);
    assert!(world.nodes[1].core.gauge().is_wanted());
    assert!(world.chain.mining.as_ref().unwrap().benchmarks.is_empty());
}

#[test]
fn a_machine_that_is_too_busy_is_measured_once_it_has_time() {
    let (mut world, id) = mining_world();
    let benchmarks = |world: &World| world.chain.mining.as_ref().unwrap().benchmarks.len();
    let before = benchmarks(&world);
    for _ in 0..2 * MEASURED_AFTER {
        // Others have the processors: rounds hardly run.
        world.nodes[1].core.gauge().count(1);
        world.block();
    }
    assert_eq!(benchmarks(&world), before, "too little to know the pace by");
    let busy = |notice: &Notice| matches!(notice, Notice::TooBusy);
    assert_eq!(world.nodes[1].said(busy), 1, "told once, not with each try");
    for _ in 0..2 * MEASURED_AFTER {
        counted_block(&mut world);
    }
    assert!(world.chain.mining.as_ref().unwrap().benchmarks.contains_key(&id));
}

#[test]
fn a_benchmark_that_the_chain_would_refuse_holds_nothing_up() {
    let mut world = World::serving(1);
    let id = world.nodes[1].id();
    world.chain.workers.get_mut(&id).unwrap().expires_at_ms += 10_000_000;
    world.chain.mining = Some(Mining::default());
    world.chain.silenced.insert(id);
    for _ in 0..MEASURED_AFTER {
        counted_block(&mut world);
    }
    let told = |node: &Node| {
        let of_kind = |payload: &MessagePayload| matches!(payload, MessagePayload::Benchmark { .. });
        node.submitted().iter().any(|message| of_kind(&message.payload))
    };
    assert!(told(&world.nodes[1]), "sent, and lost");
    // From now on it would have to be longer.
    world.chain.mining.as_mut().unwrap().rules.duration_ms_min = 1_000_000;
    world.chain.silenced.clear();
    world.plain(b"set:x");
    world.blocks(12);
    assert_eq!(world.chain.clusters[&crate::chain::CLUSTER].checkpoints[&id].next_number, 4);
    assert!(!world.chain.mining.as_ref().unwrap().benchmarks.contains_key(&id));
}

#[test]
fn who_mines_without_a_cluster_shows_all_the_time_what_it_could_do() {
    let mut world = World::serving(1);
    let id = world.nodes[1].id();
    world.chain.start_session(id);
    for _ in 0..MEASURED_AFTER {
        counted_block(&mut world);
    }
    assert!(!world.nodes[1].core.gauge().is_wanted(), "it serves a cluster");
    world.chain.release(&id);
    counted_block(&mut world);
    assert!(world.nodes[1].core.gauge().is_wanted());
    let before = world.nodes[1].core.gauge().reading().rounds / ROUNDS_PER_ITERATION;
    world.chain.challenge(&id);
    counted_block(&mut world);
    counted_block(&mut world);
    let mining = world.chain.mining.as_ref().unwrap();
    let (_, iterations, runs) = mining.answers[0];
    assert!(iterations >= before && !runs);
    // The chain lets its session end.
    world.chain.mining.as_mut().unwrap().sessions.clear();
    counted_block(&mut world);
    assert!(!world.nodes[1].core.gauge().is_wanted());
}

#[test]
fn on_a_chain_without_mining_nothing_is_said_or_measured() {
    let mut world = World::serving(1);
    world.blocks(MEASURED_AFTER);
    assert!(!world.nodes[1].core.gauge().is_wanted());
    let of_mining = |payload: &MessagePayload| {
        matches!(payload, MessagePayload::Heartbeat { .. } | MessagePayload::Benchmark { .. })
    };
    for node in &world.nodes {
        assert!(!node.submitted().iter().any(|message| of_mining(&message.payload)));
    }
}
