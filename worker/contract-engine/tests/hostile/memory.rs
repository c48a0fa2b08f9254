//! Nothing that one tenant left in memory or globals is there for the next one.

use std::thread;

use contract_engine::limits::{CALL_DEPTH_MAX, MEMORY_PAGES_MAX};
use executor_api::{ExecutionError, Mode, Outcome};

use crate::world::{BOB, HOST, World, call, import};

/// How a tenant ends.
const RETURNS: u8 = 0;
const TRAPS: u8 = 1;
const NEVER_ENDS: u8 = 2;
const TERMINATES: u8 = 3;

/// Gas for all frames of a tenant to look through a page twice and fill it.
const GAS_PER_PAGE: u64 = 4_000_000_000;

/// A tenant: says LEAK where a byte of its fresh memory, before and after it grows, or of its globals is
/// not zero. Then it fills all but the first page with a pattern, calls itself until no frame can be on
/// top, and ends as its input says. `mark` makes it other code.
fn tenant(mark: u32, pages: u64) -> String {
    let imports: String = HOST.map(import).concat();
    let deepest = CALL_DEPTH_MAX - 1;
    format!(
        r#"(module {imports} (import "env" "memory" (memory 2 {pages}))
        (global $long (mut i64) (i64.const 0))
        (global $short (mut i32) (i32.const 0))
        (func $leak
          (i32.store (i32.const 0) (i32.const 0x4b41454c))
          (drop (call $seal0_debug_message (i32.const 0) (i32.const 4))) unreachable)
        (func $scan (param $at i32)
          (local $end i32)
          (local.set $end (i32.mul (memory.size) (i32.const 65536)))
          (loop
            (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (call $leak)))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if 0 (i32.lt_u (local.get $at) (local.get $end)))))
        (func $fill (param $at i32)
          (local $end i32)
          (local.set $end (i32.mul (memory.size) (i32.const 65536)))
          (loop
            (i64.store (local.get $at) (i64.const 0x5ec2e75ec2e75ec2))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if 0 (i32.lt_u (local.get $at) (local.get $end)))))
        (func (export "deploy") (drop (i32.const {mark})))
        (func (export "call")
          (local $old i32) (local $how i32)
          (if (i64.ne (global.get $long) (i64.const 0)) (then (call $leak)))
          (if (i32.ne (global.get $short) (i32.const 0)) (then (call $leak)))
          (call $scan (i32.const 0))
          (local.set $old (i32.mul (memory.size) (i32.const 65536)))
          (if (i32.eq (memory.grow (i32.sub (i32.const {pages}) (memory.size))) (i32.const -1))
            (then unreachable))
          (if (i32.lt_u (local.get $old) (i32.mul (memory.size) (i32.const 65536)))
            (then (call $scan (local.get $old))))
          (i32.store (i32.const 0) (i32.const 1))
          (call $seal0_input (i32.const 8) (i32.const 0))
          (local.set $how (i32.load8_u (i32.const 8)))
          (global.set $long (i64.const 0x5ec2e75ec2e75ec2))
          (global.set $short (i32.const 0x5ec2e75e))
          (call $fill (i32.const 4096))
          (if (i32.eq (local.get $how) (i32.const {TERMINATES}))
            (then (call $seal1_terminate (i32.const 64))))
          (if (i32.lt_u (call $seal0_reentrance_count) (i32.const {deepest})) (then
            (i32.store (i32.const 0) (i32.const 32))
            (call $seal0_address (i32.const 128) (i32.const 0))
            (drop (call $seal1_call (i32.const 8) (i32.const 128) (i64.const 0) (i32.const 256)
              (i32.const 8) (i32.const 1) (i32.const -1) (i32.const 0)))))
          (if (i32.eq (local.get $how) (i32.const {TRAPS})) (then unreachable))
          (if (i32.eq (local.get $how) (i32.const {NEVER_ENDS})) (then (loop (br 0))))))"#
    )
}

fn check(outcome: &Outcome, expected: &dyn Fn(&Result<(), ExecutionError>) -> bool) {
    assert_eq!(outcome.debug_message, b"", "bytes of another tenant were found");
    let result = outcome.result.clone().map(drop);
    assert!(expected(&result), "{result:?}");
}

/// Lets two tenants live one after another, ending in each way; each looks at what the one before and
/// itself left.
fn rounds(world: &mut World, pages: u64, count: u32) {
    // Enough for all frames to look and fill; a loop without end gets to the end of it soon.
    world.gas_limit = pages * GAS_PER_PAGE;
    let tenants = [0, 1].map(|mark| world.deploy(&tenant(mark, pages)));
    for _ in 0..count {
        for contract in tenants {
            let run = |mode, how| world.run(mode, BOB, &call(contract, &[how]));
            check(&run(Mode::Transaction, RETURNS), &Result::is_ok);
            check(&run(Mode::Transaction, TRAPS), &|result| {
                matches!(result, Err(ExecutionError::Trapped(_)))
            });
            check(&run(Mode::Transaction, TERMINATES), &Result::is_ok);
            check(&run(Mode::Query, NEVER_ENDS), &|result| {
                matches!(
                    result,
                    Err(ExecutionError::LimitReached(_) | ExecutionError::OutOfGas)
                )
            });
            check(&run(Mode::Transaction, NEVER_ENDS), &|result| {
                *result == Err(ExecutionError::OutOfGas)
            });
        }
    }
}

#[test]
fn no_tenant_finds_what_another_left() {
    let shared = World::new();
    thread::scope(|scope| {
        // As many at once as the engine of a test lets in, so that slots change hands.
        for _ in 0..2 {
            scope.spawn(|| {
                let mut world = World::new();
                world.engine = shared.engine.clone();
                rounds(&mut world, 8, 100);
            });
        }
    });
}

#[test]
fn no_tenant_finds_what_another_left_in_the_largest_memory() {
    let mut world = World::new();
    let pages = MEMORY_PAGES_MAX.min(256);
    let shared = World::new();
    world.engine = shared.engine.clone();
    rounds(&mut world, pages, 1);
}
