//! Golden fuel counts. A change here means that workers with the old and the new engine disagree: it
//! is an approval of a new determinism contract and stands alone in its commit.

use contract_engine::limits::GAS_PER_FUEL;
use executor_api::Mode;

use crate::world::{BOB, World, call, guest, on_call};

fn fuel_of(text: &str) -> u64 {
    let mut world = World::new();
    let contract = world.deploy(text);
    let outcome = world.call(contract, &[]);
    outcome.result.unwrap();
    assert_eq!(outcome.gas_consumed % GAS_PER_FUEL, 0);
    outcome.gas_consumed / GAS_PER_FUEL
}

fn fuel(body: &str) -> u64 {
    fuel_of(&on_call(body))
}

/// A guest with a function `$f`, which `call` begins with.
fn with_function(function: &str, body: &str) -> String {
    guest(&format!(
        r#"{function} (func (export "deploy")) (func (export "call") {body})"#
    ))
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

#[test]
fn fuel_counts_of_longer_programs_are_fixed() {
    let fib = with_function(
        "(func $f (param $n i64) (result i64)
           (if (result i64) (i64.lt_u (local.get $n) (i64.const 2))
             (then (local.get $n))
             (else (i64.add
               (call $f (i64.sub (local.get $n) (i64.const 1)))
               (call $f (i64.sub (local.get $n) (i64.const 2)))))))",
        "(drop (call $f (i64.const 20)))",
    );
    let sieve = with_function(
        "(func $f (param $n i32) (local $i i32) (local $j i32)
           (local.set $i (i32.const 2))
           (block $done (loop $next
             (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
             (if (i32.eqz (i32.load8_u offset=4096 (local.get $i))) (then
               (local.set $j (i32.mul (local.get $i) (local.get $i)))
               (block $struck (loop $strike
                 (br_if $struck (i32.ge_u (local.get $j) (local.get $n)))
                 (i32.store8 offset=4096 (local.get $j) (i32.const 1))
                 (local.set $j (i32.add (local.get $j) (local.get $i)))
                 (br $strike)))))
             (local.set $i (i32.add (local.get $i) (i32.const 1)))
             (br $next))))",
        "(call $f (i32.const 10000))",
    );
    let switch = with_function(
        "(func $f (param $n i32) (result i32)
           (block (block (block (br_table 0 1 2 (local.get $n)))
             (return (i32.const 7))) (return (i32.div_u (i32.const 9) (local.get $n))))
           (i32.rotl (local.get $n) (i32.const 3)))",
        "(drop (i32.add (call $f (i32.const 0))
           (i32.add (call $f (i32.const 1)) (call $f (i32.const 2)))))",
    );
    let grow = on_call(
        "(drop (memory.grow (i32.const 3))) (i32.store (i32.const 200000) (memory.size))",
    );
    let counts = [&fib, &sieve, &switch, &grow].map(|text| fuel_of(text));
    assert_eq!(counts, [218_909, 343_564, 25, 6]);
}

#[test]
fn a_query_counts_as_a_transaction_does() {
    let mut world = World::new();
    let contract = world.deploy(&on_call(
        "(local $i i32)
         (loop (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if 0 (i32.lt_u (local.get $i) (i32.const 100000))))",
    ));
    let enough = world.call(contract, &[]).gas_required;
    // A query shows its gas coarsely, but ends where a transaction does.
    let ends = [0, 1, 7, 8, 9, 16, 1_000].map(|less| {
        world.gas_limit = enough - less * GAS_PER_FUEL;
        let [transaction, query, estimate] = [Mode::Transaction, Mode::Query, Mode::Estimate]
            .map(|mode| world.run(mode, BOB, &call(contract, &[])).result.is_ok());
        assert_eq!((query, estimate), (transaction, transaction), "{less} less");
        transaction
    });
    assert_eq!((ends[0], ends[6]), (true, false));
}
