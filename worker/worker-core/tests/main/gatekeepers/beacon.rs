//! The randomness beacon.

use super::*;

#[test]
fn the_beacon_gives_a_proven_value_in_each_round() {
    let mut world = three_of_five(0);
    world.chain.keys.settings.beacon_blocks = 12;
    world.blocks(60);
    assert!(
        world.chain.keys.values.len() >= 4,
        "{:?}",
        world.chain.keys.values
    );
    assert!(
        world
            .chain
            .keys
            .values
            .iter()
            .all(|value| value.proof.is_some())
    );
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
                assert!(
                    (round, attempt) > (0, 0),
                    "another nonce in the same attempt"
                );
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
            said.iter()
                .all(|said| matches!(said, GatekeeperMessage::BeaconShare { .. })),
            "{said:?}"
        );
        assert!(!said.is_empty());
    }
}
