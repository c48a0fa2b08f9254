//! Programs that attack, all at once, beside one that does not: each ends with its own clear error,
//! and the neighbour gets its answer every time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contract_engine::limits::{CODE_BYTES_MAX, MEMORY_PAGES_MAX, TABLE_ELEMENTS_MAX};
use contract_engine::{Engine, EngineConfig};
use executor_api::ExecutionError;
use primitives::ContractId;

use super::bombs;
use crate::world::{World, data, guest, on_call};

/// Gas of an attack. Enough to reach every other limit.
const GAS: u64 = 800_000_000_000;

/// Threads that attack.
const ATTACKERS: usize = 3;

enum Attack {
    /// Code that is refused.
    Code(Vec<u8>),
    /// A contract whose message attacks.
    Message(String),
}

struct Hostile {
    name: &'static str,
    attack: Attack,
    /// What its error must say; of the kind that comes first.
    kind: fn(&ExecutionError) -> bool,
    says: &'static str,
}

fn out_of_gas(error: &ExecutionError) -> bool {
    *error == ExecutionError::OutOfGas
}

fn trapped(error: &ExecutionError) -> bool {
    matches!(error, ExecutionError::Trapped(_))
}

fn limit(error: &ExecutionError) -> bool {
    matches!(error, ExecutionError::LimitReached(_))
}

fn refused(error: &ExecutionError) -> bool {
    matches!(error, ExecutionError::CodeRefused(_))
}

fn message(
    name: &'static str,
    body: &str,
    kind: fn(&ExecutionError) -> bool,
    says: &'static str,
) -> Hostile {
    let attack = Attack::Message(on_call(body));
    Hostile { name, attack, kind, says }
}

fn code(name: &'static str, code: Vec<u8>, says: &'static str) -> Hostile {
    let attack = Attack::Code(code);
    Hostile { name, attack, kind: refused, says }
}

fn text(rest: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module {rest} (func (export "deploy")) (func (export "call")))"#
    ))
    .unwrap()
}

/// Every kind of attack that a program alone can make.
fn attacks() -> Vec<Hostile> {
    let recursion = r#"(func $deep (call $deep)) (func (export "deploy"))
        (func (export "call") (call $deep))"#;
    let own_address = "(i32.store (i32.const 0) (i32.const 32))
        (call $seal0_address (i32.const 1024) (i32.const 0))";
    let call_itself = |flags: u32| {
        format!(
            "{own_address} (if (call $seal1_call (i32.const {flags}) (i32.const 1024) (i64.const 0)
              (i32.const 64) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0))
              (then unreachable))"
        )
    };
    let memory = r#"(import "env" "memory" (memory 2 16))"#;
    let too_many_pages = MEMORY_PAGES_MAX + 1;
    let too_many_elements = TABLE_ELEMENTS_MAX + 1;
    vec![
        message("infinite loop", "(loop (br 0))", out_of_gas, "gas"),
        Hostile {
            name: "deep recursion",
            attack: Attack::Message(guest(recursion)),
            kind: out_of_gas,
            says: "gas",
        },
        message(
            "memory bomb",
            "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable",
            trapped,
            "unreachable",
        ),
        code(
            "memory bomb at rest",
            text(&format!(r#"(import "env" "memory" (memory {too_many_pages}))"#)),
            "pages of memory",
        ),
        code(
            "table bomb",
            text(&format!("{memory} (table {too_many_elements} funcref)")),
            "elements",
        ),
        message(
            "huge output",
            "(call $seal0_seal_return (i32.const 0) (i32.const 0) (i32.const 0x7fffffff))",
            trapped,
            "the output has 2147483647 bytes",
        ),
        message(
            "huge log",
            "(loop (drop (call $seal0_debug_message (i32.const 0) (i32.const 131072))) (br 0))",
            out_of_gas,
            "gas",
        ),
        message(
            "event flood",
            "(loop (call $seal0_deposit_event
              (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024)) (br 0))",
            trapped,
            "events",
        ),
        message(
            "storage flood",
            "(loop (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
              (call $seal0_set_storage (i32.const 0) (i32.const 0) (i32.const 131072)) (br 0))",
            limit,
            "",
        ),
        message(
            "host-call flood",
            "(loop (drop (call $seal0_caller_is_root)) (br 0))",
            out_of_gas,
            "gas",
        ),
        message("call-depth bomb", &call_itself(8), trapped, "unreachable"),
        message("reentrancy", &call_itself(0), trapped, "it must allow reentry"),
        code("malformed module", b"\0asm\x01\0\0\0\xff".to_vec(), "WebAssembly 1.0"),
        code("oversized code", vec![0; CODE_BYTES_MAX + 1], "bytes, "),
        code("floats", text(&format!("{memory} (func (drop (f64.const 1)))")), "floats"),
        code(
            "start function",
            text(&format!("{memory} (func $s) (start $s)")),
            "start function",
        ),
        code("compile bomb", bombs::too_many_locals(), "WebAssembly 1.0"),
    ]
}

/// Says that an attacker is done, also when it failed.
struct Leave<'a>(&'a AtomicU32);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn attack(world: &mut World, hostile: &Hostile) {
    let error = match &hostile.attack {
        Attack::Code(code) => {
            // The price of what is too long is more than an attack gets.
            world.gas_limit = 0;
            world.upload(code).unwrap_err()
        }
        Attack::Message(text) => {
            let contract = world.deploy(text);
            let before = world.state.0.clone();
            let error = world.call(contract, &[]).result.unwrap_err();
            assert_eq!(world.state.0, before, "{}: it changed the state", hostile.name);
            error
        }
    };
    let says = error.to_string();
    assert!((hostile.kind)(&error), "{}: {error:?}", hostile.name);
    assert!(says.contains(hostile.says), "{}: {says}", hostile.name);
}

fn world(engine: &Engine) -> World {
    let mut world = World::new();
    world.engine = engine.clone();
    world.gas_limit = GAS;
    world
}

/// A contract that keeps four bytes and returns them.
fn getter(world: &mut World) -> ContractId {
    let body = r#"
        (i32.store (i32.const 64) (i32.const 4))
        (if (call $seal1_get_storage (i32.const 0) (i32.const 4) (i32.const 128) (i32.const 64))
          (then unreachable))
        (call $seal0_seal_return (i32.const 0) (i32.const 128) (i32.const 4))"#;
    world.deploy(&guest(&format!(
        r#"(data (i32.const 256) "kept")
        (func (export "deploy") (drop (call $seal2_set_storage
          (i32.const 0) (i32.const 4) (i32.const 256) (i32.const 4))))
        (func (export "call") {body})"#
    )))
}

/// Asks until `ends`, and tells how long each answer took. Every answer must be the right one.
fn ask(world: &World, contract: ContractId, mut ends: impl FnMut() -> bool) -> Vec<Duration> {
    let mut times = Vec::new();
    while !ends() {
        let start = Instant::now();
        let outcome = world.query(contract, &[]);
        times.push(start.elapsed());
        assert_eq!(data(&outcome), b"kept");
    }
    times.sort();
    times
}

fn show(when: &str, times: &[Duration]) {
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!(
        "{when}: {} answers, median {:?}, 99 in 100 below {:?}, longest {:?}",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

#[test]
fn each_attack_ends_with_its_error_while_a_neighbour_answers() {
    let engine = Engine::new(&EngineConfig::default()).unwrap();
    let mut neighbour = world(&engine);
    let contract = getter(&mut neighbour);
    let mut asked = 0;
    let alone = ask(&neighbour, contract, || {
        asked += 1;
        asked > 200
    });

    let attacks = attacks();
    let left = AtomicU32::new(ATTACKERS as u32);
    let beside = thread::scope(|scope| {
        for attacker in 0..ATTACKERS {
            let (attacks, left, engine) = (&attacks, &left, &engine);
            scope.spawn(move || {
                let _leave = Leave(left);
                // Each begins elsewhere, so that different attacks meet.
                let (later, first) = attacks.split_at(attacker * attacks.len() / ATTACKERS);
                for hostile in first.iter().chain(later) {
                    attack(&mut world(engine), hostile);
                }
            });
        }
        ask(&neighbour, contract, || left.load(Ordering::Relaxed) == 0)
    });
    show("alone", &alone);
    show("beside attacks", &beside);
}
