//! Seeds: who is given shares, by whom, and what a worker makes of them.

use super::*;
use crate::{
    ceremony::seed_share,
    chain::{BUILD, CLUSTER, GENESIS, REGISTRATION_MS},
    node::{Did, TestRng},
};
use codec::Encode;
use std::sync::atomic::Ordering;
use wire::{
    domain::SEALED_EVALUATION_SHARE,
    message::{MessagePayload, signed_bytes},
};
use worker_core::Notice;

#[test]
fn three_of_five_make_a_key_with_one_silent_and_a_worker_has_its_seed() {
    let mut world = World::of(5, 2);
    let silent = world.nodes[4].id();
    world.block();
    world.chain.silenced.insert(silent);
    world.set_up_cluster();
    world.blocks(45);
    let sharing = world.chain.keys.sharing.clone().unwrap();
    assert_eq!((sharing.threshold(), sharing.holders().len()), (3, 4));
    assert_eq!(share_of(&world.nodes[4]), None);
    check_shares(&world);
    assert!(
        world.nodes[5].serving().is_some(),
        "{:?}",
        world.nodes[5].did
    );
    assert!(world.nodes[6].serving().is_some());
    assert_eq!(seed_of(&world.nodes[5]), seed_of(&world.nodes[6]));
    let kept = world.nodes[5]
        .did
        .iter()
        .position(|did| *did == Did::Keep)
        .unwrap();
    let told = world.nodes[5].did.iter().position(|did| {
        matches!(did, Did::Submit(message)
            if matches!(message.payload, MessagePayload::SeedReceived { .. }))
    });
    assert!(kept < told.unwrap());
    // The key has never been anywhere: no gatekeeper has seen the seed.
    assert!(
        world.chain.keys.seeds.is_empty(),
        "the chain forgets the shares"
    );
}

#[test]
fn a_lone_gatekeeper_is_quick_and_says_what_it_is() {
    let mut world = World::new(1);
    world.set_up_cluster();
    let mut blocks = 0;
    while world.nodes[1].serving().is_none() {
        world.block();
        blocks += 1;
    }
    println!("1 of 1: {blocks} blocks from the start to a worker that serves");
    assert!(blocks <= 10, "{blocks}");
    let lone = |node: &Node| node.said(|notice| *notice == Notice::LoneGatekeeper);
    assert_eq!(lone(&world.nodes[0]), 1);
    world.nodes[0].restart();
    world.blocks(3);
    assert_eq!(lone(&world.nodes[0]), 2, "at each start");
    assert_eq!(lone(&three_of_five(0).nodes[0]), 0);
}

#[test]
fn seeds_go_to_active_members_alone() {
    let mut world = World::new(3);
    let (absent, removed) = (world.nodes[2].id(), world.nodes[3].id());
    world.chain.silenced.insert(absent);
    world
        .chain
        .cluster()
        .workers
        .retain(|worker| *worker != removed);
    world.blocks(20);
    assert_eq!(world.chain.served(), [world.nodes[1].id()].into());
    world.chain.silenced.clear();
    world.blocks(30);
    assert_eq!(world.chain.served(), [world.nodes[1].id(), absent].into());
    // One message for each, however many blocks passed.
    let given = messages(&world.nodes[0]);
    let given = given
        .iter()
        .filter(|said| matches!(said, GatekeeperMessage::SeedShare(_)));
    assert_eq!(given.count(), 2);
}

#[test]
fn an_expired_worker_and_a_banned_build_are_given_nothing() {
    let mut world = World::of(1, 1);
    let worker = world.nodes[1].id();
    world.block();
    // It stays away until its registration has lapsed, and gatekeepers have their key by then.
    world.chain.cluster().workers.clear();
    world.chain.silenced.insert(worker);
    world.blocks((REGISTRATION_MS / 1000) as u32 + 5);
    assert!(world.chain.keys.sharing.is_some());
    world.chain.cluster().workers.push(worker);
    world.blocks(20);
    assert!(world.chain.served().is_empty());

    let mut world = World::of(1, 1);
    world.blocks(3);
    // The gatekeeper is of another build than the worker, whose build is banned.
    let gatekeeper = world.nodes[0].id();
    let other = primitives::Measurement([0xb2; 32]);
    world.chain.allowed = [other].into();
    world
        .chain
        .workers
        .get_mut(&gatekeeper)
        .unwrap()
        .measurement = other;
    world.blocks(20);
    assert!(world.chain.keys.sharing.is_some());
    assert!(world.chain.served().is_empty());
    world.chain.allowed.insert(BUILD);
    world.blocks(10);
    assert_eq!(world.chain.served().len(), 1);
}

#[test]
fn a_gatekeeper_cut_off_from_the_chain_hands_out_nothing() {
    let mut world = World::new(1);
    let worker = world.nodes[1].id();
    world.chain.cluster().workers.clear();
    world.blocks(12);
    assert!(world.chain.keys.sharing.is_some());
    world.nodes[0]
        .host
        .now_ms
        .store(u64::MAX, Ordering::Relaxed);
    world.chain.cluster().workers.push(worker);
    world.blocks(10);
    assert!(world.chain.served().is_empty());
    assert_eq!(
        world.nodes[0].said(|said| *said == Notice::GatekeeperStale),
        1
    );
    world.nodes[0].host.now_ms.store(0, Ordering::Relaxed);
    world.blocks(10);
    assert_eq!(world.chain.served().len(), 1);
}

#[test]
fn few_give_their_shares_at_once_and_the_others_only_where_it_takes_long() {
    let mut world = three_of_five(1);
    world.blocks(20);
    assert!(world.nodes[5].serving().is_some());
    let given = |world: &World| -> usize {
        let shares = world
            .chain
            .log
            .iter()
            .filter(|(_, message, _)| seed_share(&message.payload).is_some());
        shares.count()
    };
    assert_eq!(given(&world), 4, "a threshold and one");

    // The same with a worker that reads its seed late: all give theirs in the end, once.
    let mut world = three_of_five(0);
    let late = Node::new(99);
    let id = late.id();
    world.nodes.push(late);
    world.chain.cluster().workers.push(id);
    world.blocks(2);
    let late = world.nodes.pop().unwrap();
    world.chain.workers.get_mut(&id).unwrap().expires_at_ms += 1_000_000;
    world.blocks(6);
    assert_eq!(given(&world), 4);
    world.blocks(60);
    assert_eq!(given(&world), 5);
    world.nodes.push(late);
    world.blocks(3);
    assert!(world.chain.keys.seeds.is_empty());
}

/// Has a gatekeeper send a share that opens and is signed, but is of something else.
fn send_wrong_shares(node: &mut Node, key: GroupKey) {
    let mut wrong = None;
    let mut rng = TestRng(7);
    node.tamper = Some(Box::new(move |identity, mut message| {
        match gatekeeper_message(&message.payload) {
            Some(GatekeeperMessage::BeaconContribution { contribution, .. }) => {
                wrong = Some(contribution.share);
            }
            Some(GatekeeperMessage::SeedShare(mut sealed)) => {
                let share = wrong.as_ref().expect("the beacon comes first").encode();
                let aad = EvaluationShare::sealing_aad(&key, &sealed.context(), &sealed.worker);
                let (seal, _) = secrets::hpke::seal_base(
                    &sealed.sealed_to,
                    SEALED_EVALUATION_SHARE,
                    &aad,
                    &share,
                    &mut rng,
                )
                .unwrap();
                sealed.encapsulated_key = seal.encapsulated_key;
                sealed.ciphertext = seal.ciphertext.try_into().unwrap();
                sealed.payload = Statement::payload_digest(&share);
                let statement = sealed.statement(GENESIS).signing_bytes();
                sealed.statement_signature = identity.signing().sign(&statement);
                let said = GatekeeperMessage::SeedShare(sealed).encode();
                message.payload = MessagePayload::Gatekeeper { message: said };
                let (sender, sequence) = (message.sender, message.sequence);
                let bytes = signed_bytes(&GENESIS, &sender, sequence, &message.payload);
                message.signature = identity.signing().sign(&bytes);
            }
            _ => {}
        }
        message
    }));
}

#[test]
fn a_gatekeeper_that_sends_a_wrong_share_is_named_and_the_seed_comes_all_the_same() {
    let mut world = three_of_five(0);
    let key = world.chain.keys.network_key.unwrap();
    let honest = {
        let mut world = three_of_five(1);
        world.blocks(10);
        seed_of(&world.nodes[5])
    };
    let liar = world.nodes[1].id();
    send_wrong_shares(&mut world.nodes[1], key);
    world.chain.keys.settings.beacon_blocks = 100;
    world.blocks(5);
    let worker = Node::new(5);
    world.chain.cluster().workers.push(worker.id());
    world.nodes.push(worker);
    world.blocks(60);
    let worker = &world.nodes[5];
    assert!(worker.serving().is_some(), "{:?}", worker.did);
    assert_eq!(seed_of(worker), honest, "the same key, the same seed");
    let sent = messages(&world.nodes[1])
        .iter()
        .filter(|said| matches!(said, GatekeeperMessage::SeedShare(_)))
        .count();
    let named = worker.said(|notice| *notice == Notice::WrongSeedShare(liar));
    // Whether it is among the first to give theirs depends on the worker.
    assert_eq!((sent, named, world.chain.keys.reported.len()), (1, 1, 1));
    assert_eq!(
        worker.did.iter().filter(|did| **did == Did::Report).count(),
        1
    );
    let evidence = &world.chain.keys.reported[0];
    let holder = world.chain.keys.sharing.as_ref().unwrap();
    assert_eq!(
        holder.holder(evidence.signed.statement.holder),
        Some(&liar.0)
    );
}

#[test]
fn a_false_cluster_key_on_chain_is_disputed_and_not_served() {
    let mut world = World::new(1);
    world.set_up_cluster();
    world.chain.cluster().public_key = Some([9; 32]);
    world.blocks(30);
    assert_eq!(world.nodes[1].serving(), None);
    let disputed = |notice: &Notice| *notice == Notice::ClusterKeyDisputed(CLUSTER);
    assert_eq!(world.nodes[1].said(disputed), 1);
    let told = world.nodes[1].submitted();
    let told = told
        .iter()
        .filter(|message| matches!(message.payload, MessagePayload::ClusterKey { .. }));
    assert_eq!(told.count(), 1, "once, so that there is an event");
    world.chain.cluster().public_key = None;
    world.blocks(4);
    assert!(world.nodes[1].serving().is_some());
}

#[test]
fn a_worker_may_die_at_any_point_until_it_has_its_seed() {
    let mut points = 0;
    loop {
        let mut world = World::of(3, 1);
        world.set_up_cluster();
        world.nodes[3].crash_after = Some(points);
        // So long that it lies open whether a seed that was kept is needed again.
        world.blocks(NEW_KEY_AFTER + 20);
        assert!(world.nodes[3].serving().is_some(), "point {points}");
        assert!(world.chain.keys.seeds.is_empty());
        if world.nodes[3].crash_after.is_some() || points > 20 {
            break;
        }
        points += 1;
    }
    assert!(points >= 6, "{points}");
}

#[test]
fn a_worker_that_lost_its_seed_asks_for_it_again_without_its_operator() {
    let mut world = World::new(1);
    let fresh = world.nodes[1].sealed.clone();
    world.set_up_cluster();
    world.blocks(20);
    let before = *KeptSecrets::from_bytes(&world.nodes[1].sealed).unwrap().seeds[0].seed;
    world.nodes[1].sealed = fresh;
    world.nodes[1].restart();
    world.block();
    assert_eq!(world.nodes[1].serving(), None);
    world.blocks(16);
    assert!(world.nodes[1].serving().is_some());
    assert_eq!(
        world.nodes[1].said(|notice| *notice == Notice::SeedLost(CLUSTER)),
        1
    );
    let again = *KeptSecrets::from_bytes(&world.nodes[1].sealed).unwrap().seeds[0].seed;
    assert_eq!(before, again);
    let lost = |message: &&wire::message::SignedMessage| {
        matches!(message.payload, wire::message::MessagePayload::SeedLost { .. })
    };
    assert_eq!(world.nodes[1].submitted().iter().filter(lost).count(), 1);
}
