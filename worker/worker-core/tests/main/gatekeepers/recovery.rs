//! Recovery from the shares of the DAO's members.

use super::*;
use crate::{chain::GENESIS, node::TestRng};

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
        .map(|name| Member {
            holder: [name; 32],
            share: None,
        })
        .collect();
    let names = members.iter().map(|member| member.holder).collect();
    let source = CeremonySource::Sharing(in_force(&world).unwrap());
    let now = world.chain.number;
    world
        .chain
        .keys
        .begin(now, Committee::Members, source, names);
    let target = world.chain.keys.ceremony.as_ref().unwrap().state.target;
    let receivers: Vec<ReceivingSecret> = members
        .iter()
        .map(|member| ReceivingSecret::generate(&GENESIS, target, member.holder, &mut rng).unwrap())
        .collect();
    for receiver in &receivers {
        let key = *receiver.public();
        assert!(
            world
                .chain
                .keys
                .take(key.holder, GatekeeperMessage::ReceivingKey { target, key })
        );
    }
    while world
        .chain
        .keys
        .ceremony
        .as_ref()
        .unwrap()
        .pending
        .is_none()
    {
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
        let shown = share
            .evaluate(&EvaluationContext::Handover { plan })
            .unwrap();
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
    world
        .chain
        .keys
        .begin(now, Committee::Gatekeepers, source, active);
    while world.chain.keys.ceremony.as_ref().unwrap().plan.is_none() {
        world.block();
    }
    let plan = world
        .chain
        .keys
        .ceremony
        .as_ref()
        .unwrap()
        .plan
        .clone()
        .unwrap();
    for member in &members[..2] {
        let dealing = member
            .share
            .as_ref()
            .unwrap()
            .reshare(&plan, &mut rng)
            .unwrap();
        let said = GatekeeperMessage::Dealing {
            plan: plan.digest(),
            dealing,
        };
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
