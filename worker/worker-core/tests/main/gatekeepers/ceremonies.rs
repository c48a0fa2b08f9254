//! Ceremonies: through restarts, lost messages, cheats, and gatekeepers that come and go.

use super::*;
use crate::{chain::GENESIS, node::TestRng};
use codec::Encode;
use std::sync::{Arc, Mutex};
use wire::message::{MessagePayload, signed_bytes};
use worker_core::Notice;

#[test]
fn nobody_but_a_gatekeeper_takes_part() {
    let mut world = World::new(1);
    world.chain.gatekeepers.clear();
    world.blocks(15);
    assert!(world.chain.keys.sharing.is_none());
    assert!(world.nodes.iter().all(|node| messages(node).is_empty()));
}

/// A dealer that everybody takes for right but one recipient, once, in the first ceremony with a plan.
fn deal_wrongly(node: &mut Node, plan: Arc<Mutex<Option<Plan>>>) {
    let mut rng = TestRng(8);
    node.tamper = Some(Box::new(move |identity, mut message| {
        if let Some(GatekeeperMessage::Dealing {
            plan: digest,
            dealing,
        }) = gatekeeper_message(&message.payload)
            && let Some(plan) = plan.lock().unwrap().as_ref()
        {
            let victim = HolderIndex::new(3).unwrap();
            let dealing = faults::deal_new_key_wrongly(plan, dealing.dealer, victim, &mut rng);
            let said = GatekeeperMessage::Dealing {
                plan: digest,
                dealing: dealing.unwrap(),
            };
            message.payload = MessagePayload::Gatekeeper {
                message: said.encode(),
            };
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
fn a_refresh_leaves_key_and_seeds_as_they_are() {
    let mut world = three_of_five(1);
    world.blocks(8);
    let key = world.chain.keys.network_key;
    refresh(&mut world);
    world.blocks(12);
    assert_eq!(epoch(&world), Some(1));
    check_shares(&world);
    assert_eq!(
        world.chain.keys.sharing.as_ref().map(Sharing::group_key),
        key
    );
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
    world
        .chain
        .gatekeepers
        .retain(|gatekeeper| *gatekeeper != leaving);
    world.chain.gatekeepers.push(joining.id());
    world.nodes.push(joining);
    world.nodes[0].did.clear();
    world.blocks(40);
    let sharing = world.chain.keys.sharing.clone().unwrap();
    assert!(sharing.index_of(&leaving.0).is_none());
    assert!(sharing.index_of(&world.nodes[6].id().0).is_some());
    let dealt = messages(&world.nodes[0]);
    let dealt = dealt
        .iter()
        .filter(|said| matches!(said, GatekeeperMessage::Dealing { .. }));
    assert!(dealt.count() >= 1);
    check_shares(&world);
    assert!(!world.nodes[0].core.watch().holds_share);
}

#[test]
fn who_lapses_before_it_leaves_wipes_its_share_all_the_same() {
    let mut world = three_of_five(0);
    let lapsed = world.nodes[0].id();
    world.chain.silenced.insert(lapsed);
    world
        .chain
        .gatekeepers
        .retain(|gatekeeper| *gatekeeper != lapsed);
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

#[test]
fn messages_that_no_block_takes_hold_up_nothing() {
    let mut world = three_of_five(0);
    let leaving = world.nodes[0].id();
    world.chain.keys.settings.beacon_blocks = 4;
    world.chain.silenced.insert(leaving);
    world.chain.workers.get_mut(&leaving).unwrap().expires_at_ms += 1_000_000;
    world.blocks(6);
    // It has things to say that it may say no more when its words get through again.
    world
        .chain
        .gatekeepers
        .retain(|gatekeeper| *gatekeeper != leaving);
    world.blocks(40);
    assert!(
        world
            .chain
            .keys
            .sharing
            .as_ref()
            .unwrap()
            .index_of(&leaving.0)
            .is_none()
    );
    world.chain.silenced.clear();
    world.chain.cluster().workers.push(leaving);
    world.set_up_cluster();
    world.blocks(30);
    assert!(
        world.nodes[0].serving().is_some(),
        "{:?}",
        world.nodes[0].did.last()
    );
}
