//! Golden fuel counts. A change here means that workers with the old and the new engine disagree: it
//! is an approval of a new determinism contract and stands alone in its commit.

use contract_engine::limits::GAS_PER_FUEL;

use crate::world::{World, on_call};

fn fuel(body: &str) -> u64 {
    let mut world = World::new();
    let contract = world.deploy(&on_call(body));
    let outcome = world.call(contract, &[]);
    outcome.result.unwrap();
    assert_eq!(outcome.gas_consumed % GAS_PER_FUEL, 0);
    outcome.gas_consumed / GAS_PER_FUEL
}

#[test]
fn fuel_counts_are_fixed() {
    let count = "(local $i i32)
        (loop (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if 0 (i32.lt_u (local.get $i) (i32.const 1000))))";
    let store = "(drop (call $seal2_set_storage
        (i32.const 16) (i32.const 4) (i32.const 1024) (i32.const 100)))";
    let hash = "(call $seal0_hash_blake2_256 (i32.const 0) (i32.const 1000) (i32.const 2000))";
    let ends = "(call $seal0_seal_return (i32.const 0) (i32.const 0) (i32.const 64))";
    let counts = ["", count, store, hash, ends].map(fuel);
    assert_eq!(counts, [1, 8_001, 5_522, 4_735, 113]);
}
