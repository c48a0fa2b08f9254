//! A cluster's keys are rotated: under commands, joins, restarts and losses.

use crate::{
    chain::GENESIS,
    node::{ALICE, CONTRACT, Disk, World, outcomes},
    replicas::{add_worker, busy, fetch, root, settle},
};
use primitives::{AccountId, HpkePublicKey};
use secrets::{
    ClusterSeed,
    command::{CommandKeys, CommandRoute, open_command},
};
use wire::{command::CommandPayload, mailbox::MailboxOperation};
use worker_core::{KeptSecrets, Notice};

/// Blocks until all have confirmed, run the entry, and encrypted their state anew.
const ROTATED_AFTER: u32 = 16;
/// Blocks of the window, and those in which its end is run.
const RETIRED_AFTER: u32 = 24;

fn key(world: &mut World) -> HpkePublicKey {
    world.chain.cluster().keys[&CONTRACT].1
}

fn kept(world: &World, place: usize) -> KeptSecrets {
    KeptSecrets::from_bytes(&world.nodes[place].sealed).unwrap()
}

fn rotations(world: &World, place: usize) -> Vec<u32> {
    kept(world, place).seeds.iter().map(|kept| kept.rotation).collect()
}

fn result(world: &World, place: usize, number: u64) -> Result<(u32, Vec<u8>), String> {
    outcomes(&world.nodes[place].disk, number + 1)[&number].result.clone()
}

fn rotate(world: &mut World) {
    world.chain.rotate();
    world.blocks(ROTATED_AFTER);
}

/// Whether a seed opens a command.
fn opens(seed: &[u8; 32], payload: &[u8]) -> bool {
    let seed = ClusterSeed::from_bytes(seed);
    let (hpke, sr25519) = (seed.contract_hpke_key(&CONTRACT), seed.contract_key(&CONTRACT));
    let keys = CommandKeys { hpke: &hpke, sr25519: &sr25519 };
    let route = CommandRoute { genesis: GENESIS, contract: CONTRACT, sender: ALICE };
    let payload: CommandPayload = codec::Decode::decode(&mut &payload[..]).unwrap();
    open_command(&keys, &route, &payload).is_ok()
}

#[test]
fn commands_to_the_old_key_open_for_a_stated_time_and_are_refused_after_it() {
    let mut world = World::serving(2);
    busy(&mut world, 3);
    let old_key = key(&mut world);
    let cluster_key = world.chain.cluster().public_key;
    let early = world.sealed(ALICE, b"set:early");
    let late = world.sealed(ALICE, b"set:late");
    rotate(&mut world);
    assert_eq!(world.chain.cluster().in_force, 1);
    assert_ne!(world.chain.cluster().public_key, cluster_key);
    assert_ne!(key(&mut world), old_key, "contracts have other keys on chain");
    // In the window both open.
    let in_window = world.command(ALICE, early);
    let fresh = world.sealed(ALICE, b"set:fresh");
    let by_new_key = world.command(ALICE, fresh);
    world.blocks(2);
    for place in [1, 2] {
        assert!(result(&world, place, in_window).is_ok());
        assert!(result(&world, place, by_new_key).is_ok());
    }
    // After it the new one alone does.
    world.blocks(RETIRED_AFTER);
    let too_late = world.command(ALICE, late);
    let again = world.sealed(ALICE, b"set:again");
    let by_new_key = world.command(ALICE, again);
    world.blocks(2);
    for place in [1, 2] {
        let refused = result(&world, place, too_late).unwrap_err();
        assert!(refused.contains("keys were rotated"), "{refused}");
        assert!(refused.contains("read the contract's key from the chain again"), "{refused}");
        assert!(result(&world, place, by_new_key).is_ok());
    }
    assert_eq!(root(&world, 1), root(&world, 2));
}

#[test]
fn workers_serve_on_through_a_rotation_and_wipe_the_seed_before() {
    let mut world = World::serving(2);
    busy(&mut world, 3);
    world.chain.rotate();
    for _ in 0..ROTATED_AFTER + RETIRED_AFTER {
        world.plain(b"set:x");
        world.block();
        for place in [1, 2] {
            assert!(world.nodes[place].serving().is_some(), "{:?}", world.nodes[place].did.last());
        }
    }
    for place in [1, 2] {
        assert_eq!(rotations(&world, place), [1]);
        assert_eq!(world.nodes[place].disk.keyed.lock().unwrap().0, 1);
        let node = &world.nodes[place];
        assert_eq!(node.said(|n| matches!(n, Notice::KeysRotated { rotation: 1, .. })), 1);
        assert_eq!(node.said(|n| *n == Notice::OldSeedsWiped(1)), 1);
    }
    assert_eq!(root(&world, 1), root(&world, 2));
    // And another time.
    rotate(&mut world);
    world.blocks(RETIRED_AFTER);
    assert_eq!((rotations(&world, 1), rotations(&world, 2)), (vec![2], vec![2]));
    assert!(world.nodes[1].serving().is_some());
}

#[test]
fn who_was_taken_out_opens_nothing_that_comes_after() {
    let mut world = World::serving(2);
    busy(&mut world, 2);
    let before = world.sealed(ALICE, b"set:before");
    let stolen = *kept(&world, 2).seeds[0].seed;
    assert!(opens(&stolen, &before));
    let removed = world.nodes[2].id();
    world.chain.release(&removed);
    rotate(&mut world);
    let after = world.sealed(ALICE, b"set:after");
    assert!(!opens(&stolen, &after));
    assert!(opens(&kept(&world, 1).seeds[0].seed, &after));
    // Nobody has given it the seed.
    assert!(kept(&world, 2).seeds.is_empty());
    let number = world.command(ALICE, after);
    world.blocks(2);
    assert!(result(&world, 1, number).is_ok());
}

#[test]
fn who_joins_in_the_window_opens_what_is_sealed_to_the_old_key() {
    let mut world = World::serving(2);
    busy(&mut world, 10);
    settle(&mut world);
    let early = world.sealed(ALICE, b"set:early");
    rotate(&mut world);
    world.chain.cluster().retires_at = Some(world.chain.number + 200);
    busy(&mut world, 1);
    let place = add_worker(&mut world);
    for _ in 0..12 {
        world.blocks(2);
        if fetch(&mut world, place, |_, _| ()) {
            break;
        }
    }
    assert_eq!(rotations(&world, place), [1], "it was never given the seed before");
    let number = world.command(ALICE, early);
    world.blocks(3);
    assert!(result(&world, place, number).is_ok());
    assert_eq!(root(&world, place), root(&world, 1));
}

#[test]
fn who_was_away_during_the_rotation_runs_what_came_before_it_with_the_old_seed() {
    let mut world = World::serving(2);
    busy(&mut world, 2);
    world.chain.rotate();
    // Both have the seed; one then sees no block any more.
    while world.chain.cluster().in_force == 0 {
        world.block();
    }
    let early = world.sealed(ALICE, b"set:early");
    let number = world.command(ALICE, early);
    for _ in 0..RETIRED_AFTER + ROTATED_AFTER {
        world.chain.block();
        let World { chain, nodes } = &mut world;
        nodes[0].follow(chain);
        nodes[1].follow(chain);
    }
    let late = world.sealed(ALICE, b"set:late");
    world.command(ALICE, late);
    world.nodes[2].restart();
    world.blocks(6);
    assert!(result(&world, 2, number).is_ok());
    assert_eq!(root(&world, 2), root(&world, 1));
    assert_eq!(rotations(&world, 2), [1]);
}

#[test]
fn an_empty_disk_after_a_rotation_is_filled_by_a_peer_though_the_whole_mailbox_is_there() {
    let mut world = World::serving(2);
    busy(&mut world, 6);
    rotate(&mut world);
    world.blocks(RETIRED_AFTER);
    busy(&mut world, 2);
    settle(&mut world);
    world.nodes[2].disk = Disk::new();
    world.nodes[2].restart();
    world.blocks(4);
    assert!(fetch(&mut world, 2, |_, _| ()));
    world.blocks(4);
    assert_eq!(root(&world, 2), root(&world, 1));
}

#[test]
fn a_disk_of_before_a_rotation_whose_seed_is_gone_is_put_aside() {
    let mut world = World::serving(2);
    busy(&mut world, 6);
    settle(&mut world);
    let older = world.nodes[2].disk.older(usize::MAX, |_| {});
    rotate(&mut world);
    world.blocks(RETIRED_AFTER);
    busy(&mut world, 2);
    settle(&mut world);
    world.nodes[2].disk = older;
    world.nodes[2].restart();
    world.blocks(4);
    assert!(fetch(&mut world, 2, |_, _| ()));
    world.blocks(4);
    assert_eq!(root(&world, 2), root(&world, 1));
}

#[test]
fn what_was_raised_again_before_it_was_used_takes_the_place_of_the_one_before() {
    let mut world = World::serving(2);
    let silent = world.nodes[2].id();
    // One does not confirm, so that the first never comes in force.
    world.chain.silenced.insert(silent);
    world.chain.rotate();
    world.blocks(12);
    assert_eq!(rotations(&world, 1), [0, 1]);
    world.chain.rotate();
    world.blocks(12);
    assert_eq!(rotations(&world, 1), [0, 2]);
    world.chain.silenced.remove(&silent);
    world.blocks(30);
    assert_eq!(world.chain.cluster().in_force, 2);
    assert_eq!((rotations(&world, 1), rotations(&world, 2)), (vec![2], vec![2]));
    assert_eq!(root(&world, 1), root(&world, 2));
    let entry = &world.chain.cluster().inbox;
    assert!(entry.iter().any(|e| e.operation == MailboxOperation::RotateKeys { rotation: 2 }));
    assert!(!entry.iter().any(|e| e.operation == MailboxOperation::RotateKeys { rotation: 1 }));
}

#[test]
fn a_command_for_another_sender_is_refused_in_the_window_as_ever() {
    let mut world = World::serving(1);
    let other = AccountId([0xb2; 32]);
    let sealed = world.sealed(other, b"set:x");
    rotate(&mut world);
    let number = world.command(ALICE, sealed);
    world.blocks(2);
    let refused = result(&world, 1, number).unwrap_err();
    assert!(refused.contains("does not open"), "{refused}");
}
