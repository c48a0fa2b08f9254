//! Gatekeepers with shares of the network's key, and workers that put their seeds together.

mod beacon;
mod ceremonies;
mod kept;
mod recovery;
mod seeds;

use crate::{
    ceremony::gatekeeper_message,
    node::{Node, World},
};
use threshold_keys::*;
use worker_core::KeptSecrets;

pub const NEW_KEY_AFTER: u32 = 24;

/// A share of which sharing a node keeps.
pub fn share_of(node: &Node) -> Option<SharingId> {
    KeptSecrets::from_bytes(&node.sealed)
        .unwrap()
        .gatekeeper
        .share_of()
}

pub fn receives(node: &Node) -> Option<SharingId> {
    KeptSecrets::from_bytes(&node.sealed)
        .unwrap()
        .gatekeeper
        .receives()
}

pub fn seed_of(node: &Node) -> [u8; 32] {
    *KeptSecrets::from_bytes(&node.sealed).unwrap().seeds[0].seed
}

pub fn in_force(world: &World) -> Option<SharingId> {
    world.chain.keys.sharing.as_ref().map(Sharing::id)
}

pub fn epoch(world: &World) -> Option<u32> {
    in_force(world).map(|id| id.epoch)
}

pub fn messages(node: &Node) -> Vec<GatekeeperMessage> {
    let submitted = node.submitted();
    submitted
        .iter()
        .filter_map(|message| gatekeeper_message(&message.payload))
        .collect()
}

/// Three of five with a key, and workers.
pub fn three_of_five(workers: usize) -> World {
    let mut world = World::of(5, workers);
    world.set_up_cluster();
    world.blocks(NEW_KEY_AFTER);
    assert_eq!(epoch(&world), Some(0));
    world
}

pub fn refresh(world: &mut World) {
    let source = CeremonySource::Sharing(in_force(world).unwrap());
    let active = world.chain.active_gatekeepers();
    let now = world.chain.number;
    world
        .chain
        .keys
        .begin(now, Committee::Gatekeepers, source, active);
}

/// All that the chain has of ceremonies is over, and each holder has its share and nothing else.
pub fn check_shares(world: &World) {
    let sharing = world.chain.keys.sharing.as_ref().unwrap();
    assert!(world.chain.keys.ceremony.is_none());
    for node in &world.nodes {
        let holds = sharing.index_of(&node.id().0).is_some();
        assert_eq!(share_of(node), holds.then(|| sharing.id()));
        assert_eq!(receives(node), None, "what is over is wiped");
    }
}
