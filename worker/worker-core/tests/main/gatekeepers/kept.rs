//! What is kept on disk.

use super::*;
use primitives::{ClusterId, WorkerId};
use rand_core::RngCore;
use worker_core::Notice;

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
    assert_eq!(
        world.nodes[0].said(|notice| *notice == Notice::MasterSecretDropped),
        1
    );
    assert!(
        !world.nodes[0]
            .sealed
            .windows(32)
            .any(|part| part == [15; 32])
    );
    world.nodes[0].restart();
    world.block();
    assert_eq!(
        world.nodes[0].said(|notice| *notice == Notice::MasterSecretDropped),
        1
    );
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

/// The generator that tests use must not give the same secrets to two gatekeepers.
#[test]
fn gatekeepers_have_their_own_entropy() {
    let first: Vec<u64> = (0..5).map(|seed| Node::new(seed).rng.next_u64()).collect();
    let distinct: std::collections::BTreeSet<u64> = first.iter().copied().collect();
    assert_eq!(distinct.len(), first.len());
    let ids: std::collections::BTreeSet<WorkerId> =
        (0..5).map(|seed| Node::new(seed).id()).collect();
    assert_eq!(ids.len(), 5);
}
