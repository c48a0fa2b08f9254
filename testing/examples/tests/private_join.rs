//! The private join: only the number comes out, to the parties alone, and the state holds no entry.

use crate::world::{MEMBER, OWNER, Refused, STRANGER, World, blake2_256};

fn list(range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    range.map(|number| format!("patient-{number:06}").into_bytes()).collect()
}

#[test]
fn two_parties_learn_the_size_of_the_overlap_and_nothing_else_is_left() {
    let mut world = World::new();
    let contract = world.deploy("private-join", ([OWNER.0, MEMBER.0], 100_u32, 10_u32));
    let overlap = |world: &World, who| world.query::<Option<u32>>(who, contract, "overlap", ());

    world.command::<()>(OWNER, contract, "submit", list(0..2_000)).unwrap();
    assert_eq!(overlap(&world, OWNER), Err(Refused(vec![6])), "not ready");
    let by_stranger = world.command::<()>(STRANGER, contract, "submit", list(0..2_000));
    assert_eq!(by_stranger, Err(Refused(vec![1])));
    world.command::<()>(MEMBER, contract, "submit", list(1_958..3_000)).unwrap();
    let again = world.command::<()>(MEMBER, contract, "submit", list(0..2_000));
    assert_eq!(again, Err(Refused(vec![2])), "one submission each");

    assert_eq!(overlap(&world, OWNER), Ok(Some(42)));
    assert_eq!(overlap(&world, MEMBER), Ok(Some(42)));
    assert_eq!(overlap(&world, STRANGER), Err(Refused(vec![1])));
    let entry = &list(1_990..1_991)[0];
    assert!(!world.stores(entry));
    assert!(!world.stores(&blake2_256(entry)[..16]), "digests are keyed");
}

#[test]
fn an_overlap_below_the_floor_is_not_told() {
    let mut world = World::new();
    let contract = world.deploy("private-join", ([OWNER.0, MEMBER.0], 100_u32, 10_u32));
    world.command::<()>(OWNER, contract, "submit", list(0..200)).unwrap();
    world.command::<()>(MEMBER, contract, "submit", list(191..400)).unwrap();
    assert_eq!(world.query(OWNER, contract, "overlap", ()), Ok(None::<u32>));
}
