//! Gatekeepers with shares of the network's key, and workers that put their seeds together.

use crate::{
    ceremony::{gatekeeper_message, seed_share},
    chain::{BUILD, CLUSTER, GENESIS, REGISTRATION_MS},
    node::{Did, Node, TestRng, World},
};
use codec::Encode;
use primitives::{ClusterId, WorkerId};
use rand_core::RngCore;
use std::sync::{Arc, Mutex, atomic::Ordering};
use threshold_keys::*;
use wire::{
    domain::SEALED_EVALUATION_SHARE,
    message::{MessagePayload, signed_bytes},
};
use worker_core::{KeptSecrets, Notice};

const NEW_KEY_AFTER: u32 = 24;

/// A share of which sharing a node keeps.
fn share_of(node: &Node) -> Option<SharingId> {
    KeptSecrets::from_bytes(&node.sealed).unwrap().gatekeeper.share_of()
}

fn receives(node: &Node) -> Option<SharingId> {
    KeptSecrets::from_bytes(&node.sealed).unwrap().gatekeeper.receives()
}

fn seed_of(node: &Node) -> [u8; 32] {
    *KeptSecrets::from_bytes(&node.sealed).unwrap().seeds[0].seed
}

fn in_force(world: &World) -> Option<SharingId> {
    world.chain.keys.sharing.as_ref().map(Sharing::id)
}

fn epoch(world: &World) -> Option<u32> {
    in_force(world).map(|id| id.epoch)
}

fn messages(node: &Node) -> Vec<GatekeeperMessage> {
    let submitted = node.submitted();
    submitted.iter().filter_map(|message| gatekeeper_message(&message.payload)).collect()
}

/// Three of five with a key, and workers.
fn three_of_five(workers: usize) -> World {
    let mut world = World::of(5, workers);
    world.set_up_cluster();
    world.blocks(NEW_KEY_AFTER);
    assert_eq!(epoch(&world), Some(0));
    world
}

fn refresh(world: &mut World) {
    let source = CeremonySource::Sharing(in_force(world).unwrap());
    let active = world.chain.active_gatekeepers();
    let now = world.chain.number;
    world.chain.keys.begin(now, Committee::Gatekeepers, source, active);
}

/// All that the chain has of ceremonies is over, and each holder has its share and nothing else.
fn check_shares(world: &World) {
    let sharing = world.chain.keys.sharing.as_ref().unwrap();
    assert!(world.chain.keys.ceremony.is_none());
    for node in &world.nodes {
        let holds = sharing.index_of(&node.id().0).is_some();
        assert_eq!(share_of(node), holds.then(|| sharing.id()));
        assert_eq!(receives(node), None, "what is over is wiped");
    }
}

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
    assert!(world.nodes[5].serving().is_some(), "{:?}", world.nodes[5].did);
    assert!(world.nodes[6].serving().is_some());
    assert_eq!(seed_of(&world.nodes[5]), seed_of(&world.nodes[6]));
    let kept = world.nodes[5].did.iter().position(|did| *did == Did::Keep).unwrap();
    let told = world.nodes[5].did.iter().position(|did| {
        matches!(did, Did::Submit(message)
            if matches!(message.payload, MessagePayload::SeedReceived { .. }))
    });
    assert!(kept < told.unwrap());
    // The key has never been anywhere: no gatekeeper has seen the seed.
    assert!(world.chain.keys.seeds.is_empty(), "the chain forgets the shares");
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
fn nobody_but_a_gatekeeper_takes_part() {
    let mut world = World::new(1);
    world.chain.gatekeepers.clear();
    world.blocks(15);
    assert!(world.chain.keys.sharing.is_none());
    assert!(world.nodes.iter().all(|node| node.submitted().is_empty()));
}

#[test]
fn seeds_go_to_active_members_alone() {
    let mut world = World::new(3);
    let (absent, removed) = (world.nodes[2].id(), world.nodes[3].id());
    world.chain.silenced.insert(absent);
    world.chain.cluster().workers.retain(|worker| *worker != removed);
    world.blocks(20);
    assert_eq!(world.chain.served(), [world.nodes[1].id()].into());
    world.chain.silenced.clear();
    world.blocks(30);
    assert_eq!(world.chain.served(), [world.nodes[1].id(), absent].into());
    // One message for each, however many blocks passed.
    let given = messages(&world.nodes[0]);
    let given = given.iter().filter(|said| matches!(said, GatekeeperMessage::SeedShare(_)));
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
    world.chain.workers.get_mut(&gatekeeper).unwrap().measurement = other;
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
    world.nodes[0].host.now_ms.store(u64::MAX, Ordering::Relaxed);
    world.chain.cluster().workers.push(worker);
    world.blocks(10);
    assert!(world.chain.served().is_empty());
    assert_eq!(world.nodes[0].said(|said| *said == Notice::GatekeeperStale), 1);
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
        let shares = world.chain.log.iter().filter(|(_, message, _)| seed_share(&message.payload).is_some());
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
    assert_eq!(worker.did.iter().filter(|did| **did == Did::Report).count(), 1);
    let evidence = &world.chain.keys.reported[0];
    let holder = world.chain.keys.sharing.as_ref().unwrap();
    assert_eq!(holder.holder(evidence.signed.statement.holder), Some(&liar.0));
}

/// A dealer that everybody takes for right but one recipient, once, in the first ceremony with a plan.
fn deal_wrongly(node: &mut Node, plan: Arc<Mutex<Option<Plan>>>) {
    let mut rng = TestRng(8);
    node.tamper = Some(Box::new(move |identity, mut message| {
        if let Some(GatekeeperMessage::Dealing { plan: digest, dealing }) =
            gatekeeper_message(&message.payload)
            && let Some(plan) = plan.lock().unwrap().as_ref()
        {
            let victim = HolderIndex::new(3).unwrap();
            let dealing = faults::deal_new_key_wrongly(plan, dealing.dealer, victim, &mut rng);
            let said = GatekeeperMessage::Dealing { plan: digest, dealing: dealing.unwrap() };
            message.payload = MessagePayload::Gatekeeper { message: said.encode() };
            let (sender, sequence) = (message.sender, message.sequence);
            let bytes = signed_bytes(&GENESIS, &sender, sequence, &message.payload);
            message.signature = identity.signing().sign(&bytes);
        }
        message
    }));
}

#[test]
fn a_wrong_dealing_is_complained_of_and_the_others_make_the_key() {
    // The complaint is lost at first, so that it comes in the stage of checking: handed over anew.
    for lost_for in [0, 2] {
        let mut world = World::of(5, 1);
        world.set_up_cluster();
        // Long enough for what is lost.
        world.chain.keys.settings.checking_blocks = 20;
        let plan = Arc::new(Mutex::new(None));
        deal_wrongly(&mut world.nodes[1], plan.clone());
        let (cheat, victim) = (world.nodes[1].id(), world.nodes[2].id());
        let mut losing = lost_for;
        for _ in 0..60 {
            world.chain.block();
            let ceremony = world.chain.keys.ceremony.as_ref();
            *plan.lock().unwrap() = ceremony.and_then(|ceremony| ceremony.plan.clone());
            let dealt = ceremony.is_some_and(|ceremony| ceremony.state.dealt.len() == 5);
            if dealt && losing > 0 {
                losing -= 1;
                world.chain.silenced.insert(victim);
            } else {
                world.chain.silenced.remove(&victim);
            }
            let World { chain, nodes } = &mut world;
            nodes.iter_mut().for_each(|node| node.follow(chain));
        }
        assert_eq!(world.chain.keys.struck, [cheat.0]);
        assert_eq!(epoch(&world), Some(0));
        check_shares(&world);
        let named = |notice: &Notice| *notice == Notice::WrongDealing(cheat);
        assert!(world.nodes[2].said(named) >= 1);
        assert_eq!(world.nodes[3].said(named), 0, "its own share was right");
        assert!(world.nodes[5].serving().is_some());
    }
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
fn a_refresh_leaves_key_and_seeds_as_they_are() {
    let mut world = three_of_five(1);
    world.blocks(8);
    let key = world.chain.keys.network_key;
    refresh(&mut world);
    world.blocks(12);
    assert_eq!(epoch(&world), Some(1));
    check_shares(&world);
    assert_eq!(world.chain.keys.sharing.as_ref().map(Sharing::group_key), key);
    let second = Node::new(50);
    world.chain.cluster().workers.push(second.id());
    world.nodes.push(second);
    world.blocks(10);
    assert!(world.nodes[6].serving().is_some());
    assert_eq!(seed_of(&world.nodes[5]), seed_of(&world.nodes[6]));
}

/// Runs new key and refresh with one gatekeeper that dies at each point in turn, and holds that
/// nothing is lost and nothing said twice in two ways.
#[test]
fn a_gatekeeper_may_die_at_any_point_of_a_ceremony() {
    let mut points = 0;
    loop {
        let mut world = World::of(3, 0);
        world.chain.keys.settings.handover_percent = 100;
        world.nodes[0].crash_after = Some(points);
        world.blocks(NEW_KEY_AFTER);
        assert_eq!(epoch(&world), Some(0), "new key, point {points}");
        check_shares(&world);
        if world.nodes[0].crash_after.is_some() {
            break;
        }
        points += 1;
    }
    let of_new_key = points;
    let mut points = 0;
    loop {
        let mut world = World::of(3, 0);
        world.blocks(NEW_KEY_AFTER);
        world.chain.keys.settings.handover_percent = 100;
        refresh(&mut world);
        world.nodes[0].crash_after = Some(points);
        world.blocks(NEW_KEY_AFTER);
        assert_eq!(epoch(&world), Some(1), "refresh, point {points}");
        assert!(world.chain.keys.failed.is_empty());
        check_shares(&world);
        if world.nodes[0].crash_after.is_some() {
            break;
        }
        points += 1;
    }
    println!("died at {of_new_key} points of a new key, {points} of a refresh");
    assert!(of_new_key >= 8 && points >= 8, "{of_new_key} {points}");
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
fn an_older_block_takes_nothing_from_a_gatekeeper_in_a_ceremony() {
    let mut world = three_of_five(0);
    let before = world.chain.view(&world.nodes[0].core.watch(), 0);
    refresh(&mut world);
    world.blocks(2);
    let receiving = receives(&world.nodes[0]);
    assert!(receiving.is_some());
    world.nodes[0].restart();
    let World { chain, nodes } = &mut world;
    nodes[0].step(worker_core::Input::Finalized(before), chain);
    assert_eq!(receives(&world.nodes[0]), receiving);
    world.blocks(14);
    assert_eq!(epoch(&world), Some(1));
    check_shares(&world);
}

#[test]
fn a_gatekeeper_that_is_cut_off_loses_no_share_to_old_blocks() {
    let mut world = three_of_five(0);
    let before = world.chain.view(&world.nodes[0].core.watch(), 0);
    refresh(&mut world);
    world.blocks(14);
    assert_eq!(epoch(&world), Some(1));
    let kept = world.nodes[0].sealed.clone();
    // After a restart the light client shows an older block first.
    world.nodes[0].restart();
    let World { chain, nodes } = &mut world;
    nodes[0].step(worker_core::Input::Finalized(before), chain);
    assert_eq!(nodes[0].sealed, kept);
    check_shares(&world);
}

#[test]
fn who_cannot_hand_over_has_its_share_when_it_is_in_force() {
    let mut world = three_of_five(0);
    refresh(&mut world);
    let late = world.nodes[3].id();
    // Its messages are lost from the checking on; it sees what the chain has.
    world.blocks(4);
    world.chain.silenced.insert(late);
    world.chain.workers.get_mut(&late).unwrap().expires_at_ms += 1_000_000;
    world.blocks(20);
    assert_eq!(epoch(&world), Some(1));
    check_shares(&world);
}

#[test]
fn gatekeepers_leave_and_join_and_who_leaves_still_deals() {
    let mut world = three_of_five(1);
    world.blocks(8);
    let leaving = world.nodes[0].id();
    let joining = Node::new(77);
    world.chain.gatekeepers.retain(|gatekeeper| *gatekeeper != leaving);
    world.chain.gatekeepers.push(joining.id());
    world.nodes.push(joining);
    world.nodes[0].did.clear();
    world.blocks(40);
    let sharing = world.chain.keys.sharing.clone().unwrap();
    assert!(sharing.index_of(&leaving.0).is_none());
    assert!(sharing.index_of(&world.nodes[6].id().0).is_some());
    let dealt = messages(&world.nodes[0]);
    let dealt = dealt.iter().filter(|said| matches!(said, GatekeeperMessage::Dealing { .. }));
    assert!(dealt.count() >= 1);
    check_shares(&world);
    assert!(!world.nodes[0].core.watch().holds_share);
}

#[test]
fn who_lapses_before_it_leaves_wipes_its_share_all_the_same() {
    let mut world = three_of_five(0);
    let lapsed = world.nodes[0].id();
    world.chain.silenced.insert(lapsed);
    world.chain.gatekeepers.retain(|gatekeeper| *gatekeeper != lapsed);
    world.chain.workers.get_mut(&lapsed).unwrap().expires_at_ms = 0;
    world.blocks(40);
    assert_eq!(epoch(&world), Some(1));
    check_shares(&world);
}

#[test]
fn a_ceremony_that_is_replaced_leaves_nothing_behind() {
    let mut world = three_of_five(0);
    refresh(&mut world);
    world.blocks(2);
    assert!(world.nodes.iter().all(|node| receives(node).is_some()));
    refresh(&mut world);
    world.blocks(14);
    assert_eq!(epoch(&world), Some(2));
    check_shares(&world);
}

#[test]
fn a_ceremony_that_fails_leaves_the_old_shares_in_force() {
    let mut world = three_of_five(0);
    refresh(&mut world);
    for place in 1..5 {
        let id = world.nodes[place].id();
        world.chain.silenced.insert(id);
        world.chain.workers.get_mut(&id).unwrap().expires_at_ms += 1_000_000;
    }
    world.blocks(30);
    assert_eq!(world.chain.keys.failed.len(), 1);
    assert_eq!(epoch(&world), Some(0));
    check_shares(&world);
}

/// A member of the DAO, who speaks by extrinsics and keeps its share at home.
struct Member {
    holder: HolderKey,
    share: Option<KeyShare>,
}

#[test]
fn members_bring_the_key_back_to_new_gatekeepers() {
    let mut world = three_of_five(1);
    world.blocks(8);
    let key = world.chain.keys.network_key;
    let mut rng = TestRng(3);
    // Gatekeepers deal to the members.
    let mut members: Vec<Member> = (1..=3)
        .map(|name| Member { holder: [name; 32], share: None })
        .collect();
    let names = members.iter().map(|member| member.holder).collect();
    let source = CeremonySource::Sharing(in_force(&world).unwrap());
    let now = world.chain.number;
    world.chain.keys.begin(now, Committee::Members, source, names);
    let target = world.chain.keys.ceremony.as_ref().unwrap().state.target;
    let receivers: Vec<ReceivingSecret> = members
        .iter()
        .map(|member| ReceivingSecret::generate(&GENESIS, target, member.holder, &mut rng).unwrap())
        .collect();
    for receiver in &receivers {
        let key = *receiver.public();
        assert!(world.chain.keys.take(key.holder, GatekeeperMessage::ReceivingKey { target, key }));
    }
    while world.chain.keys.ceremony.as_ref().unwrap().pending.is_none() {
        world.block();
    }
    let ceremony = world.chain.keys.ceremony.clone().unwrap();
    let plan = ceremony.plan.unwrap();
    let dealings: Vec<VerifiedDealing> = ceremony
        .dealings
        .into_iter()
        .map(|dealing| dealing.verify(&plan).unwrap())
        .collect();
    for (member, receiver) in members.iter_mut().zip(&receivers) {
        let share = receiver.assemble(&plan, &dealings).unwrap();
        let plan = plan.digest();
        let shown = share.evaluate(&EvaluationContext::Handover { plan }).unwrap();
        let said = GatekeeperMessage::Handover { plan, share: shown };
        assert!(world.chain.keys.take(member.holder, said));
        member.share = Some(share);
    }
    world.blocks(2);
    assert!(world.chain.keys.members.is_some());
    check_shares(&world);

    // All gatekeepers are lost; others are elected, and members deal to them.
    let worker = world.nodes.remove(5);
    world.nodes = (100..103).map(Node::new).collect();
    world.chain.gatekeepers = world.nodes.iter().map(Node::id).collect();
    world.blocks(2);
    let source = CeremonySource::Sharing(target);
    let active = world.chain.active_gatekeepers();
    let now = world.chain.number;
    world.chain.keys.begin(now, Committee::Gatekeepers, source, active);
    while world.chain.keys.ceremony.as_ref().unwrap().plan.is_none() {
        world.block();
    }
    let plan = world.chain.keys.ceremony.as_ref().unwrap().plan.clone().unwrap();
    for member in &members[..2] {
        let dealing = member.share.as_ref().unwrap().reshare(&plan, &mut rng).unwrap();
        let said = GatekeeperMessage::Dealing { plan: plan.digest(), dealing };
        assert!(world.chain.keys.take(member.holder, said));
    }
    world.blocks(24);
    let sharing = world.chain.keys.sharing.clone().unwrap();
    assert_eq!(Some(sharing.group_key()), key);
    assert_eq!(sharing.holders().len(), 3);
    check_shares(&world);
    // They give the same seed.
    let second = Node::new(50);
    world.chain.cluster().workers.push(second.id());
    world.nodes.push(second);
    world.blocks(12);
    assert_eq!(seed_of(&world.nodes[3]), seed_of(&worker));
    assert!(world.nodes[3].serving().is_some());
}

#[test]
fn the_beacon_gives_a_proven_value_in_each_round() {
    let mut world = three_of_five(0);
    world.chain.keys.settings.beacon_blocks = 12;
    world.blocks(60);
    assert!(world.chain.keys.values.len() >= 4, "{:?}", world.chain.keys.values);
    assert!(world.chain.keys.values.iter().all(|value| value.proof.is_some()));
    assert!(world.chain.keys.absent.is_empty());
}

#[test]
fn a_restart_between_contribution_and_answer_falls_back_without_a_second_nonce() {
    let mut world = three_of_five(0);
    world.chain.keys.settings.beacon_blocks = 60;
    world.block();
    // All have contributed: the nonces of three are gone now, and only two can answer.
    for place in 0..3 {
        world.nodes[place].restart();
        world.nodes[place].did.clear();
    }
    world.blocks(50);
    let value = *world.chain.keys.values.last().expect("a value");
    assert!(!world.chain.keys.absent.is_empty());
    for node in &world.nodes[..3] {
        for said in messages(node) {
            if let GatekeeperMessage::BeaconContribution { round, attempt, .. } = said {
                assert!((round, attempt) > (0, 0), "another nonce in the same attempt");
            }
        }
    }
    assert_eq!(value.round, 0);
    // And with a process that dies before its contribution is on chain.
    let mut world = three_of_five(0);
    world.chain.keys.settings.beacon_blocks = 60;
    for node in &mut world.nodes {
        node.mute = true;
    }
    world.block();
    for node in &mut world.nodes {
        node.restart();
        node.did.clear();
    }
    world.blocks(4);
    for node in &world.nodes {
        let said = messages(node);
        assert!(
            said.iter().all(|said| matches!(said, GatekeeperMessage::BeaconShare { .. })),
            "{said:?}"
        );
        assert!(!said.is_empty());
    }
}

#[test]
fn a_seed_of_another_rotation_is_another_seed_and_both_are_kept() {
    let mut world = World::new(1);
    world.set_up_cluster();
    world.blocks(20);
    assert!(world.nodes[1].serving().is_some());
    world.chain.keys.rotations.insert(CLUSTER, 1);
    world.chain.cluster().public_key = None;
    world.blocks(8);
    let kept = KeptSecrets::from_bytes(&world.nodes[1].sealed).unwrap();
    assert_eq!(kept.seeds.len(), 2);
    assert_ne!(*kept.seeds[0].seed, *kept.seeds[1].seed);
    let confirmed = world.chain.keys.confirmed[&(CLUSTER, world.nodes[1].id())];
    assert_eq!(confirmed.rotation, 1);
}

#[test]
fn a_worker_whose_seed_the_chain_believes_it_has_says_so() {
    let mut world = World::new(1);
    let fresh = world.nodes[1].sealed.clone();
    world.set_up_cluster();
    world.blocks(20);
    world.nodes[1].sealed = fresh;
    world.nodes[1].restart();
    world.blocks(3);
    assert_eq!(world.nodes[1].serving(), None);
    assert_eq!(world.nodes[1].said(|notice| *notice == Notice::SeedLost(CLUSTER)), 1);
}

#[test]
fn the_keys_of_an_earlier_version_are_taken_over_without_its_master_secret() {
    let mut bytes = vec![1];
    bytes.extend([11; 32]);
    bytes.extend([12; 32]);
    bytes.push(1);
    bytes.extend([13; 32]);
    bytes.extend([14; 32]);
    bytes.push(1);
    bytes.extend([15; 32]);
    let kept = KeptSecrets::from_bytes(&bytes).unwrap();
    assert_eq!((*kept.signing_seed, *kept.hpke_seed), ([11; 32], [12; 32]));
    assert_eq!(kept.seeds[0].cluster, ClusterId([13; 32]));
    assert_eq!(*kept.seeds[0].seed, [14; 32]);
    for length in 0..bytes.len() {
        assert!(KeptSecrets::from_bytes(&bytes[..length]).is_none());
    }
    let mut world = World::new(1);
    world.nodes[0].sealed = bytes;
    world.nodes[0].restart();
    world.blocks(2);
    assert_eq!(world.nodes[0].said(|notice| *notice == Notice::MasterSecretDropped), 1);
    assert!(!world.nodes[0].sealed.windows(32).any(|part| part == [15; 32]));
    world.nodes[0].restart();
    world.block();
    assert_eq!(world.nodes[0].said(|notice| *notice == Notice::MasterSecretDropped), 1);
}

#[test]
fn kept_secrets_read_back_in_each_state_and_damaged_ones_do_not() {
    let mut world = World::of(2, 1);
    world.set_up_cluster();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..30 {
        world.block();
        for node in &world.nodes {
            let kept = KeptSecrets::from_bytes(&node.sealed).unwrap();
            assert_eq!(*kept.to_bytes(), node.sealed);
            seen.insert(node.sealed.len());
            // Each of them is as long as points and scalars are: other places show nothing new.
            for length in (0..node.sealed.len()).step_by(13) {
                assert!(KeptSecrets::from_bytes(&node.sealed[..length]).is_none());
            }
            let longer = [&node.sealed[..], &[0]].concat();
            assert!(KeptSecrets::from_bytes(&longer).is_none());
        }
    }
    assert!(seen.len() >= 5, "{seen:?}");
}

#[test]
fn messages_that_no_block_takes_hold_up_nothing() {
    let mut world = three_of_five(0);
    let leaving = world.nodes[0].id();
    world.chain.keys.settings.beacon_blocks = 4;
    world.chain.silenced.insert(leaving);
    world.chain.workers.get_mut(&leaving).unwrap().expires_at_ms += 1_000_000;
    world.blocks(6);
    // It has things to say that it may say no more when its words get through again.
    world.chain.gatekeepers.retain(|gatekeeper| *gatekeeper != leaving);
    world.blocks(40);
    assert!(world.chain.keys.sharing.as_ref().unwrap().index_of(&leaving.0).is_none());
    world.chain.silenced.clear();
    world.chain.cluster().workers.push(leaving);
    world.set_up_cluster();
    world.blocks(30);
    assert!(world.nodes[0].serving().is_some(), "{:?}", world.nodes[0].did.last());
}

/// The generator that tests use must not give the same secrets to two gatekeepers.
#[test]
fn gatekeepers_have_their_own_entropy() {
    let first: Vec<u64> = (0..5).map(|seed| Node::new(seed).rng.next_u64()).collect();
    let distinct: std::collections::BTreeSet<u64> = first.iter().copied().collect();
    assert_eq!(distinct.len(), first.len());
    let ids: std::collections::BTreeSet<WorkerId> = (0..5).map(|seed| Node::new(seed).id()).collect();
    assert_eq!(ids.len(), 5);
}
