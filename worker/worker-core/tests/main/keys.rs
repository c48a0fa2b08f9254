//! Master secret, seeds and contract keys.

use crate::{
    chain::{CLUSTER, GENESIS},
    node::{CONTRACT, Did, Node, TestRng, World},
};
use chain_facts::SealedSeed;
use primitives::{ClusterId, ContractId};
use secrets::{ClusterSeedSource, MasterSecret, sealed_seed_aad};
use std::sync::atomic::Ordering;
use wire::message::MessagePayload;
use worker_core::{KeptSecrets, Notice};

#[test]
fn the_master_secret_is_kept_before_it_is_spoken_of_and_survives_a_restart() {
    let mut world = World::new(0);
    world.blocks(3);
    let did = &world.nodes[0].did;
    let kept = did.iter().position(|did| *did == Did::Keep).expect("kept");
    let said = did
        .iter()
        .position(|did| {
            matches!(did, Did::Submit(message)
                if matches!(message.payload, MessagePayload::MasterKey { .. }))
        })
        .expect("said");
    assert!(kept < said);
    let kept = KeptSecrets::from_bytes(&world.nodes[0].sealed).unwrap();
    let master = MasterSecret::from_bytes(&kept.master.expect("a master secret"));
    assert_eq!(world.chain.master, Some(master.public_key()));

    world.nodes[0].restart();
    world.blocks(3);
    let seed = master.cluster_seed(&CLUSTER);
    assert_eq!(
        world.chain.cluster().public_key,
        Some(seed.signing_key().public())
    );
    let keeps = world.nodes[0]
        .did
        .iter()
        .filter(|did| **did == Did::Keep)
        .count();
    assert_eq!(keeps, 1, "no second secret");
}

#[test]
fn a_gatekeeper_without_the_secret_says_so_and_hands_out_nothing() {
    let mut world = World::new(1);
    world.chain.master = Some([9; 32]);
    world.blocks(5);
    assert_eq!(
        world.nodes[0].said(|notice| *notice == Notice::MasterSecretMissing),
        1
    );
    assert!(world.nodes[0].submitted().is_empty());
    assert!(world.chain.cluster().seeds.is_empty());
}

#[test]
fn of_two_gatekeepers_that_start_at_once_only_one_makes_keys() {
    let mut world = World::new(2);
    // The second gatekeeper's messages reach the chain in the same blocks.
    let second = world.nodes[2].id();
    world.chain.gatekeepers.push(second);
    world.set_up_cluster();
    world.blocks(14);
    let kept = KeptSecrets::from_bytes(&world.nodes[0].sealed).unwrap();
    let master = MasterSecret::from_bytes(&kept.master.expect("a master secret"));
    assert_eq!(world.chain.master, Some(master.public_key()));
    let seed = master.cluster_seed(&CLUSTER);
    assert_eq!(
        world.chain.cluster().public_key,
        Some(seed.signing_key().public())
    );
    for (_, message, _) in &world.chain.log {
        let wire::message::MessageSender::Worker(from) = message.sender;
        let of_gatekeepers = matches!(
            message.payload,
            MessagePayload::ClusterKey { .. } | MessagePayload::SealedClusterSeed { .. }
        );
        assert!(from != second || !of_gatekeepers, "{message:?}");
    }
    assert_eq!(
        world.nodes[2].said(|notice| *notice == Notice::MasterSecretMissing),
        1
    );
    assert!(world.nodes[1].serving().is_some());
}

#[test]
fn nobody_but_a_gatekeeper_makes_a_master_secret() {
    let mut world = World::new(1);
    world.chain.gatekeepers.clear();
    world.blocks(5);
    assert_eq!(world.chain.master, None);
    assert!(world.nodes.iter().all(|node| node.submitted().is_empty()));
}

#[test]
fn seeds_go_to_active_workers_only() {
    let mut world = World::new(2);
    let absent = world.nodes[2].id();
    world.chain.silenced.insert(absent);
    world.blocks(10);
    let present = world.nodes[1].id();
    assert!(world.chain.cluster().seeds.contains_key(&present));
    assert!(!world.chain.cluster().seeds.contains_key(&absent));
    world.chain.silenced.clear();
    world.blocks(16);
    assert!(world.chain.cluster().seeds.contains_key(&absent));
    // One message for each, however many blocks passed.
    let seeds = world.nodes[0]
        .submitted()
        .iter()
        .filter(|message| matches!(message.payload, MessagePayload::SealedClusterSeed { .. }))
        .count();
    assert_eq!(seeds, 2);
}

#[test]
fn a_gatekeeper_cut_off_from_the_chain_hands_out_nothing() {
    let mut world = World::new(1);
    world.nodes[0].host.now_ms.store(u64::MAX, Ordering::Relaxed);
    world.blocks(10);
    assert!(world.chain.cluster().seeds.is_empty());
    assert_eq!(world.nodes[0].said(|said| *said == Notice::GatekeeperStale), 1);
    world.nodes[0].host.now_ms.store(0, Ordering::Relaxed);
    world.blocks(10);
    assert_eq!(world.chain.cluster().seeds.len(), 1);
}

#[test]
fn a_cluster_key_is_said_once() {
    let world = World::serving(2);
    let count = world
        .chain
        .log
        .iter()
        .filter(|(_, message, _)| {
            matches!(
                message.payload,
                MessagePayload::ClusterKey {
                    cluster: CLUSTER,
                    ..
                }
            )
        })
        .count();
    assert_eq!(count, 1);
    assert!(
        world.chain.log.iter().all(|(_, _, done)| *done),
        "{:?}",
        world.chain.log
    );
}

/// Puts a seed of another cluster, sealed properly to the worker, on chain.
fn forge(world: &mut World, place: usize) {
    let mut rng = TestRng(99);
    let node = &world.nodes[place];
    let seed = MasterSecret::generate(&mut rng).cluster_seed(&ClusterId([7; 32]));
    let aad = sealed_seed_aad(&GENESIS, &CLUSTER, &node.id());
    let to = node.core.identity().hpke_public_key();
    let sealed = seed.seal_to(&to, &aad, &mut rng).unwrap();
    let id = node.id();
    world.chain.cluster().seeds.insert(
        id,
        SealedSeed {
            encapsulated_key: sealed.encapsulated_key,
            ciphertext: sealed.ciphertext,
        },
    );
}

fn refused(node: &Node) -> usize {
    node.said(|notice| *notice == Notice::SeedRefused(CLUSTER))
}

#[test]
fn a_forged_seed_is_refused_and_said_and_the_true_one_is_taken_later() {
    let mut world = World::new(1);
    forge(&mut world, 1);
    world.blocks(8);
    assert!(world.chain.cluster().public_key.is_some());
    assert_eq!(world.nodes[1].serving(), None);
    assert!(!world.nodes[1].did.contains(&Did::OpenStore));
    assert_eq!(refused(&world.nodes[1]), 1);
    world.chain.cluster().seeds.clear();
    world.set_up_cluster();
    world.blocks(6);
    assert!(world.nodes[1].serving().is_some());
}

#[test]
fn a_seed_is_not_judged_before_the_cluster_has_a_key() {
    let mut world = World::new(1);
    world.chain.gatekeepers.clear();
    forge(&mut world, 1);
    world.blocks(4);
    assert_eq!(refused(&world.nodes[1]), 0);
    assert_eq!(
        world.nodes[1].said(|notice| *notice == Notice::AwaitingSeed(CLUSTER)),
        1
    );
}

#[test]
fn a_seed_is_kept_and_needs_no_gatekeeper_after_a_restart() {
    let mut world = World::serving(1);
    world.chain.cluster().seeds.clear();
    world.chain.gatekeepers.clear();
    world.nodes[1].restart();
    world.block();
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
    assert!(world.nodes[1].submitted().is_empty());
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
