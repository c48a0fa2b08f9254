//! Workers of one cluster: what they report, what becomes of one that differs, how one joins, and which
//! of two processes speaks.

use crate::{
    chain::{CLUSTER, GENESIS},
    node::{DISK_KEY, Disk, Node, TestRng, World},
};
use chain_facts::Suspension;
use contract_state::{Import, ImportTarget, Position, StateDb, StoreIdentity};
use primitives::*;
use secrets::StateKey;
use wire::{
    message::CHECKPOINT_BLOCKS,
    snapshot::{SnapshotChunk, SnapshotRequest},
};
use worker_core::{
    ClusterStore as _, Effect, Input, KeptSecrets, Notice, SnapshotRefusal, StopReason, read_snapshot_chunk,
    snapshot_request,
};

/// Fetches what a worker wants as the real shell does, but for the wire; `change` is what a peer does
/// to its chunks.
pub fn fetch(
    world: &mut World,
    place: usize,
    mut change: impl FnMut(&WorkerId, &mut SnapshotChunk),
) -> bool {
    let Some(Effect::FetchSnapshot { cluster, next_number, state_root, block, peers, keys }) =
        world.nodes[place].wanted.take()
    else {
        return false;
    };
    // That of all disks in these tests.
    let key = StateKey::from_bytes(&DISK_KEY);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let store = StoreIdentity { genesis: GENESIS, cluster };
    let mut failures = Vec::new();
    let tries = peers.iter().flat_map(|peer| keys.iter().map(move |(rotation, _)| (peer, *rotation)));
    for (peer, rotation) in tries {
        let target = ImportTarget { next_number, state_root };
        let mut import = Import::begin(&path, &key, &store, &target).unwrap();
        let node = world.nodes.iter().find(|node| node.id() == peer.worker).unwrap();
        let taken = loop {
            let request = SnapshotRequest {
                cluster,
                asker: world.nodes[place].id(),
                peer: peer.worker,
                next_number,
                state_root,
                rotation,
                after: import.after(),
                block_number: block.0,
            };
            let request = snapshot_request(world.nodes[place].core.identity(), request);
            let answer = match node.core.snapshots().answer(&request) {
                Ok(answer) => answer,
                Err(refusal) => break Err(refusal.to_string()),
            };
            let mut chunk = read_snapshot_chunk(&answer).unwrap();
            change(&peer.worker, &mut chunk);
            if let Err(error) = import.add(&chunk.records) {
                break Err(error.to_string());
            }
            if chunk.is_last {
                let position = Position {
                    block_number: block.0,
                    block_hash: block.1,
                    ..Position::default()
                };
                break import.finish(&position).map_err(|error| error.to_string());
            }
        };
        match taken {
            Ok(()) => {
                let db = StateDb::open(&path, &key, &store).unwrap();
                let disk = Disk::of(db, folder);
                disk.keyed.lock().unwrap().0 = rotation;
                let node = &mut world.nodes[place];
                node.disk = disk.clone();
                let opened = Input::StoreOpened { cluster, store: disk };
                node.step(opened, &mut world.chain);
                return true;
            }
            Err(failure) => {
                failures.push(failure);
                let _ = std::fs::remove_file(&path);
            }
        }
    }
    let failed = Input::SnapshotFailed { cluster, reason: failures.join("; ") };
    world.nodes[place].step(failed, &mut world.chain);
    false
}

pub fn busy(world: &mut World, commands: u32) {
    for number in 0..commands {
        world.plain(format!("set:{number}").as_bytes());
        world.block();
    }
}

/// Blocks until all reports of what was run are in.
pub fn settle(world: &mut World) {
    world.blocks(2 * CHECKPOINT_BLOCKS + 4);
}

/// Another worker that the chain puts into the cluster.
pub fn add_worker(world: &mut World) -> usize {
    let place = world.nodes.len();
    world.nodes.push(Node::new(place as u64));
    let id = world.nodes[place].id();
    world.chain.cluster().workers.push(id);
    place
}

pub fn root(world: &World, place: usize) -> StateRoot {
    world.nodes[place].serving().expect("it serves").1
}

#[test]
fn workers_that_see_different_blocks_report_the_same_numbers() {
    let mut world = World::serving(3);
    for number in 0..60u32 {
        world.plain(format!("set:{number}").as_bytes());
        world.chain.block();
        for (place, node) in world.nodes.iter_mut().enumerate() {
            // One sees each block, one every third, one every fifth.
            let every = [1, 1, 3, 5][place];
            if number % every == 0 {
                node.follow(&mut world.chain);
            }
        }
    }
    settle(&mut world);
    let agreed = world.chain.cluster().agreed.unwrap();
    assert_eq!(agreed.next_number, 63);
    assert!(world.chain.agreements > 5, "{} times", world.chain.agreements);
    assert!(world.chain.cluster().suspensions.is_empty());
}

#[test]
fn a_worker_joins_by_a_snapshot_where_the_mailbox_no_longer_begins_at_its_beginning() {
    let mut world = World::serving(2);
    busy(&mut world, 30);
    settle(&mut world);
    world.chain.cluster().first = 20;
    let place = add_worker(&mut world);
    world.blocks(6);
    assert_eq!(world.nodes[place].serving(), None);
    assert!(fetch(&mut world, place, |_, _| ()));
    world.plain(b"set:after");
    world.blocks(2);
    assert_eq!(root(&world, place), root(&world, 1));
    let node = &world.nodes[place];
    assert_eq!(node.disk.head().next_number, 34);
    let joins = node.said(|notice| matches!(notice, Notice::Joining { next_number: 33, .. }));
    assert_eq!(joins, 1);
    // It reports like the others, and hands its state on.
    settle(&mut world);
    let id = world.nodes[place].id();
    assert_eq!(world.chain.cluster().checkpoints[&id].next_number, 34);
    for gone in [1, 2] {
        let id = world.nodes[gone].id();
        world.chain.workers.get_mut(&id).unwrap().expires_at_ms = 0;
        world.chain.silenced.insert(id);
    }
    let last = add_worker(&mut world);
    world.blocks(8);
    assert!(fetch(&mut world, last, |_, _| ()));
    world.blocks(2);
    assert_eq!(root(&world, last), root(&world, place));
}

#[test]
fn a_peer_that_sends_rubbish_is_passed_over_and_nothing_of_it_stays() {
    let mut world = World::serving(2);
    busy(&mut world, 10);
    settle(&mut world);
    world.chain.cluster().first = 5;
    let place = add_worker(&mut world);
    world.blocks(6);
    let bad = world.nodes[1].id();
    let taken = fetch(&mut world, place, |peer, chunk| {
        if *peer == bad {
            chunk.records.pop();
        }
    });
    assert!(taken, "the other one has it");
    world.blocks(2);
    assert_eq!(root(&world, place), root(&world, 2));

    // All of them: the worker says so, serves nothing, and asks again.
    let next = add_worker(&mut world);
    world.blocks(6);
    assert!(!fetch(&mut world, next, |_, chunk| chunk.records.clear()));
    assert_eq!(world.nodes[next].said(|n| matches!(n, Notice::SnapshotFailed(_))), 1);
    assert_eq!(world.nodes[next].serving(), None);
    world.blocks(8);
    assert!(fetch(&mut world, next, |_, _| ()), "it asks again");
    world.blocks(2);
    assert_eq!(root(&world, next), root(&world, 2));
}

#[test]
fn alone_below_a_pruned_mailbox_there_is_nothing_to_wait_for() {
    let mut world = World::serving(1);
    busy(&mut world, 10);
    settle(&mut world);
    world.chain.cluster().first = 5;
    world.nodes[1].disk = Disk::new();
    world.nodes[1].restart();
    world.blocks(4);
    assert_eq!(world.nodes[1].stopped(), Some(StopReason::MailboxPruned(0)));
}

#[test]
fn a_worker_whose_state_differs_serves_nothing_and_takes_the_clusters_state_over() {
    let mut world = World::serving(3);
    busy(&mut world, 12);
    settle(&mut world);
    // A disk on which one value is another, as if the machine had computed it wrongly.
    let other = world.nodes[3].disk.older(usize::MAX, |commit| {
        commit.1.push((b"wrong".to_vec(), Some(vec![1])));
    });
    world.nodes[3].disk = other;
    world.nodes[3].restart();
    world.blocks(4);
    assert_eq!(world.nodes[3].serving(), None);
    assert!(world.nodes[3].said(|n| matches!(n, Notice::Diverged { .. })) >= 1);
    assert!(fetch(&mut world, 3, |_, _| ()));
    busy(&mut world, 3);
    assert_eq!(root(&world, 3), root(&world, 1));
}

#[test]
fn of_two_workers_one_that_lost_its_state_gives_its_vote_up_and_takes_what_the_other_has() {
    let mut world = World::serving(2);
    busy(&mut world, 20);
    settle(&mut world);
    // Entries of which the chain does not keep the first; both have agreed on more than that.
    world.chain.cluster().first = 12;
    let agreed = world.chain.cluster().agreed.unwrap().next_number;
    // One runs on past the agreed number while the other is down, and is started anew: the state that
    // they agreed on is nowhere any more.
    let lost = world.nodes[2].id();
    world.nodes[2].mute = true;
    for number in 0..10u32 {
        world.plain(format!("set:{number}").as_bytes());
        world.chain.block();
        let World { chain, nodes } = &mut world;
        nodes[0].follow(chain);
        nodes[1].follow(chain);
    }
    world.nodes[1].restart();
    world.nodes[2].mute = false;
    world.nodes[2].disk = Disk::new();
    world.nodes[2].restart();
    for _ in 0..10 {
        world.blocks(8);
        if fetch(&mut world, 2, |_, _| ()) {
            break;
        }
    }
    assert_eq!(world.nodes[2].said(|n| *n == Notice::StateLost), 1);
    world.blocks(4);
    assert_eq!(root(&world, 2), root(&world, 1));
    assert!(world.chain.cluster().agreed.unwrap().next_number > agreed);
    // It has its vote again once its reports fit.
    busy(&mut world, 3);
    settle(&mut world);
    assert!(!world.chain.cluster().joining.contains(&lost));
    assert!(world.chain.cluster().suspensions.is_empty());
}

#[test]
fn a_mailbox_whose_code_was_removed_is_not_run_again_where_a_peer_has_the_state() {
    let mut world = World::serving(2);
    busy(&mut world, 5);
    settle(&mut world);
    // All have run the upload, nothing uses the code any more, and its owner has removed it.
    world.chain.cluster().codes.clear();
    world.nodes[2].disk = Disk::new();
    world.nodes[2].restart();
    world.blocks(6);
    assert!(world.nodes[2].stopped().is_none(), "{:?}", world.nodes[2].did);
    assert!(fetch(&mut world, 2, |_, _| ()));
    busy(&mut world, 2);
    assert_eq!(root(&world, 2), root(&world, 1));
}

#[test]
fn a_suspended_worker_serves_nothing_until_the_chain_has_released_it() {
    let mut world = World::serving(2);
    busy(&mut world, 4);
    let id = world.nodes[1].id();
    let suspension = Suspension {
        next_number: 5,
        reported: StateRoot([1; 32]),
        agreed: StateRoot([2; 32]),
        since: world.chain.number,
    };
    world.chain.cluster().suspensions.insert(id, suspension);
    busy(&mut world, 2);
    assert_eq!(world.nodes[1].serving(), None);
    assert!(world.nodes[2].serving().is_some());
    assert_eq!(world.nodes[1].said(|n| matches!(n, Notice::Suspended { .. })), 1);
    assert!(world.nodes[1].stopped().is_none());
    // It goes on running and reporting meanwhile.
    settle(&mut world);
    assert_eq!(world.chain.cluster().checkpoints[&id].next_number, 9);
    world.chain.cluster().suspensions.clear();
    world.block();
    assert_eq!(root(&world, 1), root(&world, 2));
}

#[test]
fn nothing_is_served_before_the_chain_knows_of_the_process() {
    let mut world = World::serving(1);
    busy(&mut world, 3);
    // The host gives the new process the disk as it is, and a chain that has stopped: it would serve
    // from there for ever.
    world.nodes[1].restart();
    world.nodes[1].did.clear();
    for _ in 0..20 {
        let World { chain, nodes } = &mut world;
        nodes[1].follow(chain);
        assert_eq!(nodes[1].serving(), None);
    }
    assert_eq!(world.nodes[1].said(|n| matches!(n, Notice::AwaitingInstance)), 1);
    // One block with its number in it, and it serves.
    world.blocks(4);
    assert!(world.nodes[1].serving().is_some());
}

#[test]
fn of_two_processes_with_one_key_the_one_that_the_chain_heard_last_goes_on() {
    let mut world = World::serving(1);
    busy(&mut world, 3);
    // Its disk and its sealed keys, copied.
    let mut copy = Node::new(1);
    copy.rng = TestRng(77);
    copy.sealed = world.nodes[1].sealed.clone();
    copy.disk = world.nodes[1].disk.older(usize::MAX, |_| {});
    copy.restart();
    assert_eq!(copy.id(), world.nodes[1].id());
    let both = |world: &mut World, copy: &mut Node| {
        world.block();
        copy.follow(&mut world.chain);
    };
    for _ in 0..12 {
        both(&mut world, &mut copy);
        let serving = [&world.nodes[1], &copy].map(|node| {
            node.serving().is_some() && node.stopped().is_none()
        });
        assert!(serving != [true, true], "never both");
    }
    assert_eq!(world.nodes[1].stopped(), Some(StopReason::Replaced));
    assert!(copy.stopped().is_none());
    assert!(copy.serving().is_some());
}

#[test]
fn a_message_of_the_process_before_does_not_stop_the_next_one() {
    let mut world = World::serving(1);
    world.plain(b"set:x");
    // The old process's last message waits in the pool under the number that the new one will use.
    let old = loop {
        world.chain.block();
        let World { chain, nodes } = &mut world;
        nodes[1].mute = true;
        nodes[1].did.clear();
        nodes[1].follow(chain);
        if let Some(message) = nodes[1].submitted().into_iter().next() {
            break message;
        }
    };
    world.nodes[1].restart();
    world.chain.submit(old);
    world.blocks(20);
    assert!(world.nodes[1].stopped().is_none(), "{:?}", world.nodes[1].did);
    assert!(world.nodes[1].serving().is_some());
}

#[test]
fn states_are_handed_to_workers_of_the_cluster_alone() {
    let mut world = World::serving(2);
    busy(&mut world, 5);
    settle(&mut world);
    let agreed = world.chain.cluster().agreed.unwrap();
    let good = SnapshotRequest {
        cluster: CLUSTER,
        asker: world.nodes[2].id(),
        peer: world.nodes[1].id(),
        next_number: agreed.next_number,
        state_root: agreed.state_root,
        rotation: 0,
        after: None,
        block_number: world.chain.number,
    };
    let ask = |signer: usize, change: &dyn Fn(&mut SnapshotRequest)| {
        let mut request = good.clone();
        change(&mut request);
        let signed = snapshot_request(world.nodes[signer].core.identity(), request);
        world.nodes[1].core.snapshots().answer(&signed).map(|_| ())
    };
    let stranger = world.nodes[0].id();
    ask(2, &|_| ()).unwrap();
    let refused = |result: Result<(), SnapshotRefusal>, part: &str| match result {
        Err(SnapshotRefusal::Refused(why)) => assert!(why.contains(part), "{why}"),
        other => panic!("{part}: {other:?}"),
    };
    refused(ask(2, &|request| request.peer = stranger), "another worker");
    refused(ask(0, &|request| request.asker = stranger), "does not know");
    refused(ask(2, &|request| request.cluster = ClusterId([9; 32])), "does not know");
    refused(ask(0, &|_| ()), "signature");
    refused(ask(2, &|request| request.block_number += 1000), "too far");
    let not_held = ask(2, &|request| request.state_root = StateRoot([1; 32]));
    assert!(matches!(not_held, Err(SnapshotRefusal::NotHeld { .. })));
    let not_by_this_seed = ask(2, &|request| request.rotation = 1);
    assert!(matches!(not_by_this_seed, Err(SnapshotRefusal::NotHeld { rotation: 1, .. })));
    let malformed = world.nodes[1].core.snapshots().answer(&[1; 600]);
    assert_eq!(malformed, Err(SnapshotRefusal::Malformed));
    // One that is of the cluster no more gets nothing.
    let id = world.nodes[2].id();
    world.chain.release(&id);
    world.chain.block();
    let World { chain, nodes } = &mut world;
    nodes[1].follow(chain);
    let signed = snapshot_request(nodes[2].core.identity(), good);
    let refused = nodes[1].core.snapshots().answer(&signed);
    assert!(matches!(refused, Err(SnapshotRefusal::Refused(_))));
}

#[test]
fn a_far_older_disk_is_not_run_forward_where_a_peer_has_the_state() {
    let mut world = World::serving(2);
    for _ in 0..300 {
        for number in 0..8 {
            world.plain(format!("set:{number}").as_bytes());
        }
        world.block();
    }
    settle(&mut world);
    let older = world.nodes[2].disk.older(4, |_| {});
    world.nodes[2].disk = older;
    world.nodes[2].restart();
    world.blocks(3);
    assert!(fetch(&mut world, 2, |_, _| ()));
    world.blocks(2);
    assert_eq!(root(&world, 2), root(&world, 1));
}

#[test]
fn a_worker_that_the_chain_takes_out_of_its_cluster_wipes_what_it_had_of_it() {
    let mut world = World::serving(2);
    busy(&mut world, 5);
    settle(&mut world);
    let id = world.nodes[2].id();
    let before = KeptSecrets::from_bytes(&world.nodes[2].sealed).unwrap();
    assert_eq!(before.seeds.len(), 1);
    // One that has started just now may be shown a chain from before it joined: it keeps what it has.
    world.nodes[2].restart();
    world.chain.release(&id);
    let World { chain, nodes } = &mut world;
    nodes[2].follow(chain);
    assert_eq!(KeptSecrets::from_bytes(&nodes[2].sealed).unwrap().seeds.len(), 1);
    world.blocks(4);
    let node = &world.nodes[2];
    assert!(KeptSecrets::from_bytes(&node.sealed).unwrap().seeds.is_empty());
    assert_eq!(node.forgotten, 1);
    assert_eq!(node.said(|notice| *notice == Notice::LeftCluster(CLUSTER)), 1);
    assert_eq!(node.serving(), None);
    assert_eq!(node.stopped(), None);
    assert!(world.nodes[1].serving().is_some());
}
