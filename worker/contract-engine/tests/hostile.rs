//! Guests that attack the host. None panics, hangs or gets more than its share.

mod bombs;
mod memory;
mod neighbours;

use executor_api::ExecutionError;

use crate::world::{HOST, World, call, guest, import, on_call};

fn run(body: &str) -> Result<(), ExecutionError> {
    let mut world = World::new();
    world.gas_limit = 500_000_000_000;
    let contract = world.deploy(&on_call(body));
    world.call(contract, &[]).result.map(drop)
}

fn refusal(code: &[u8]) -> String {
    match World::new().upload(code) {
        Err(ExecutionError::CodeRefused(reason)) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn refusal_of_text(module: &str) -> String {
    refusal(&wat::parse_str(module).unwrap())
}

#[test]
fn an_endless_loop_runs_out_of_gas() {
    assert_eq!(run("(loop (br 0))"), Err(ExecutionError::OutOfGas));
}

#[test]
fn endless_host_calls_run_out_of_gas() {
    let body = "(loop (drop (call $seal0_caller_is_root)) (br 0))";
    assert_eq!(run(body), Err(ExecutionError::OutOfGas));
}

#[test]
fn memory_grows_to_its_maximum_and_no_further() {
    let body = r#"
        (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (if (i32.ne (memory.size) (i32.const 16)) (then unreachable))"#;
    assert_eq!(run(body), Ok(()));
}

#[test]
fn endless_recursion_counts_as_out_of_gas() {
    let module = guest(
        r#"(func $deep (call $deep)) (func (export "deploy")) (func (export "call") (call $deep))"#,
    );
    let mut world = World::new();
    let contract = world.deploy(&module);
    let outcome = world.call(contract, &[]);
    assert_eq!(outcome.result, Err(ExecutionError::OutOfGas));
    assert_eq!(
        outcome.gas_consumed,
        contract_engine::limits::TRANSACTION_GAS_MAX
    );
}

#[test]
fn a_contract_that_calls_itself_for_ever_stops_at_the_call_depth() {
    let mut world = World::new();
    // Passes on how deep it is; says so in the end.
    let contract = world.deploy(&on_call(
        r#"
        (i32.store (i32.const 0) (i32.const 32))
        (call $seal0_address (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 0) (i32.const 32))
        (drop (call $seal0_debug_message (i32.const 64) (i32.const 1)))
        (drop (call $seal1_call (i32.const 8) (i32.const 1024) (i64.const 0) (i32.const 64)
          (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))
        "#,
    ));
    let outcome = world.call(contract, &[]);
    // The deepest one traps; each above it sees a callee that trapped, and returns.
    outcome.result.unwrap();
    assert_eq!(
        outcome.debug_message.len(),
        contract_engine::limits::CALL_DEPTH_MAX
    );
}

#[test]
fn deep_recursion_in_the_deepest_frame_is_survived() {
    let module = guest(
        r#"
        (func $deep (call $deep))
        (func (export "deploy"))
        (func (export "call")
          (i32.store (i32.const 0) (i32.const 32))
          (call $seal0_address (i32.const 1024) (i32.const 0))
          (if (i32.ge_u (call $seal0_reentrance_count) (i32.const 9)) (then (call $deep)))
          (drop (call $seal1_call (i32.const 8) (i32.const 1024) (i64.const 100000000000)
            (i32.const 64) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0))))"#,
    );
    let mut world = World::new();
    let contract = world.deploy(&module);
    world.call(contract, &[]).result.unwrap();
}

fn trap_reason(body: &str) -> String {
    match run(body) {
        Err(ExecutionError::Trapped(reason)) => reason,
        other => panic!("not trapped: {other:?}"),
    }
}

#[test]
fn output_events_keys_and_values_are_bounded() {
    let check = |body: &str, expected: &str| {
        let reason = trap_reason(body);
        assert!(reason.contains(expected), "{reason}");
    };
    check(
        "(call $seal0_seal_return (i32.const 0) (i32.const 0) (i32.const 16777217))",
        "output",
    );
    check(
        "(call $seal0_seal_return (i32.const 4) (i32.const 0) (i32.const 0))",
        "flags",
    );
    check(
        "(drop (call $seal1_contains_storage (i32.const 0) (i32.const 129)))",
        "storage key has 129 bytes",
    );
    check(
        "(call $seal0_set_storage (i32.const 0) (i32.const 0) (i32.const 1048577))",
        "storage value",
    );
    check(
        "(call $seal0_deposit_event (i32.const 0) (i32.const 130) (i32.const 0) (i32.const 0))",
        "topics",
    );
    let spam = "(loop (call $seal0_deposit_event
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 65536)) (br 0))";
    check(spam, "events");
    let many = "(loop (call $seal0_deposit_event
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (br 0))";
    check(many, "events");
    check(
        "(call $seal0_input (i32.const 0) (i32.const 8))
         (call $seal0_input (i32.const 0) (i32.const 8))",
        "read or forwarded",
    );
}

#[test]
fn debug_text_is_cut_at_its_bound() {
    let mut world = World::new();
    let contract = world.deploy(&on_call(
        "(local $i i32)
         (loop (drop (call $seal0_debug_message (i32.const 0) (i32.const 100000)))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if 0 (i32.lt_u (local.get $i) (i32.const 50))))",
    ));
    let outcome = world.call(contract, &[]);
    outcome.result.unwrap();
    assert_eq!(
        outcome.debug_message.len(),
        contract_engine::limits::DEBUG_BYTES_MAX
    );
}

#[test]
fn one_execution_writes_only_so_much() {
    let mut world = World::new();
    let contract = world.deploy(&on_call(
        "(loop (call $seal0_set_storage (i32.const 0) (i32.const 0) (i32.const 131072)) (br 0))",
    ));
    let outcome = world.call(contract, &[]);
    assert!(
        matches!(
            outcome.result,
            Err(ExecutionError::LimitReached(_) | ExecutionError::OutOfGas)
        ),
        "{:?}",
        outcome.result
    );
    assert_eq!(outcome.changes, []);
}

#[test]
fn no_pointer_reaches_outside_of_the_memory() {
    for function in HOST {
        let (module, name, parameters, returns) = function;
        for value in [
            0x0001_ffff_u32,
            0x0002_0000,
            0x7fff_ffff,
            0xffff_fff0,
            0xffff_ffff,
        ] {
            // All arguments are bad at once, then each alone.
            for bad in 0..=parameters.len() {
                let arguments: String = parameters
                    .chars()
                    .enumerate()
                    .map(
                        |(i, kind)| match (kind, bad == parameters.len() || bad == i) {
                            ('l', _) => " (i64.const 0)".to_owned(),
                            (_, true) => format!(" (i32.const {})", value.cast_signed()),
                            (_, false) => " (i32.const 4096)".to_owned(),
                        },
                    )
                    .collect();
                let call_it = format!("(call ${module}_{name}{arguments})");
                let body = if returns {
                    format!("(drop {call_it})")
                } else {
                    call_it
                };
                // Each guest is another contract.
                let mark = format!("(drop (i32.const {bad})) (drop (i64.const {value}))");
                let body = format!("{mark} {body}");
                let guest = format!(
                    "(module {} (import \"env\" \"memory\" (memory 2 2))
                      (func (export \"deploy\")) (func (export \"call\") {body}))",
                    import(function)
                );
                survives(&guest);
            }
        }
    }
}

thread_local! {
    static SHARED: std::cell::RefCell<World> = std::cell::RefCell::new(World::new());
}

/// Runs a guest; whatever it returns is fine, as long as it is no bug of the engine.
fn survives(guest: &str) {
    SHARED.with_borrow_mut(|world| {
        world.gas_limit = 100_000_000_000;
        let contract = world.deploy(guest);
        let outcome = world.call(contract, &[]);
        assert!(
            !matches!(outcome.result, Err(ExecutionError::Bug(_))),
            "{:?}",
            outcome.result
        );
    });
}

#[test]
fn an_unknown_import_is_refused_by_its_name() {
    let reason = refusal_of_text(
        r#"(module (import "seal9" "fly" (func)) (import "env" "memory" (memory 2 16))
            (func (export "deploy")) (func (export "call")))"#,
    );
    assert!(reason.contains("seal9.fly"), "{reason}");
    let reason = refusal_of_text(
        r#"(module (import "seal0" "caller" (func (param i64)))
            (import "env" "memory" (memory 2 16)) (func (export "deploy")) (func (export "call")))"#,
    );
    assert!(reason.contains("caller"), "{reason}");
}

#[test]
fn what_is_not_a_contract_is_refused_with_the_reason() {
    let check = |rest: &str, expected: &str| {
        let reason = refusal_of_text(&format!("(module {rest})"));
        assert!(reason.contains(expected), "{reason}");
    };
    let memory = r#"(import "env" "memory" (memory 2 16))"#;
    let entries = r#"(func (export "deploy")) (func (export "call"))"#;
    check(&format!("{memory} (func (export \"call\"))"), "`deploy`");
    check(entries, "no memory");
    check(
        &format!("{memory} {entries} (func $s) (start $s)"),
        "start function",
    );
    check(&format!("{memory} {entries} (table 2001 funcref)"), "2001");
    check(
        r#"(import "env" "memory" (memory 1025 1030)) (func (export "deploy")) (func (export "call"))"#,
        "1025 pages",
    );
    check(
        &format!("{memory} (func (export \"deploy\")) (func (export \"call\") (param i32))"),
        "parameters",
    );
    check(
        &format!("{memory} {entries} (func (drop (f32.const 0)))"),
        "floats",
    );
    check(
        &format!("{memory} {entries} (func (result f64) (f64.const 0))"),
        "floats",
    );
    check(
        &format!("{memory} {entries} (global f32 (f32.const 0))"),
        "floats",
    );
    check(
        &format!(
            "{memory} {entries} (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))"
        ),
        "WebAssembly 1.0",
    );
    check(&format!("{memory} {entries} (memory 1)"), "WebAssembly 1.0");
    check(
        &format!("{memory} {entries} (func (drop (v128.const i32x4 0 0 0 0)))"),
        "WebAssembly 1.0",
    );
}

#[test]
fn damaged_and_random_bytes_are_refused() {
    let code = wat::parse_str(on_call(
        "(call $seal0_seal_return (i32.const 0) (i32.const 0) (i32.const 0))",
    ))
    .unwrap();
    let world = World::new();
    // Without its last section, the names for debugging, it is whole.
    let accepted = (0..code.len()).filter(|len| world.engine.check_code(&code[..*len]).is_ok());
    assert_eq!(accepted.count(), 1);
    // A generator that is the same everywhere.
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for _ in 0..2_000 {
        let mut damaged = code.clone();
        for _ in 0..1 + next() % 4 {
            let at = next() as usize % damaged.len();
            damaged[at] = next() as u8;
        }
        // Refused or accepted, but never a panic.
        let _verdict = world.engine.check_code(&damaged);
    }
    for len in 0..200 {
        let noise: Vec<u8> = (0..len).map(|_| next() as u8).collect();
        assert!(world.engine.check_code(&noise).is_err());
    }
    let too_long = vec![0; contract_engine::limits::CODE_BYTES_MAX + 1];
    assert!(refusal(&too_long).contains("are allowed in this cluster"));
}

#[test]
fn a_segment_outside_of_the_memory_traps_also_when_it_is_all_zeros() {
    let mut world = World::new();
    let code = wat::parse_str(
        r#"(module (import "env" "memory" (memory 1 1)) (data (i32.const 65530) "\00\00\00\00\00\00\00\00")
            (func (export "deploy")) (func (export "call")))"#,
    )
    .unwrap();
    let hash = world.upload(&code).unwrap();
    let (_, outcome) = world.instantiate(hash, &[]);
    assert!(
        matches!(outcome.result, Err(ExecutionError::Trapped(_))),
        "{:?}",
        outcome.result
    );
}

#[test]
fn nothing_of_a_memory_is_left_for_the_next_call() {
    let mut world = World::new();
    let contract = world.deploy(&on_call(
        "(if (i32.load (i32.const 70000)) (then unreachable))
         (i32.store (i32.const 70000) (i32.const 1))",
    ));
    for _ in 0..100 {
        world.call(contract, &[]).result.unwrap();
    }
    let outcome = world.run(
        executor_api::Mode::Query,
        crate::world::BOB,
        &call(contract, &[]),
    );
    outcome.result.unwrap();
}
