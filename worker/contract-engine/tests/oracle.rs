//! The same programs on two machines: what compiles them and what interprets them.

use contract_engine::{EngineConfig, oracle};
use executor_api::{Mode, Operation, Outcome};
use primitives::AccountId;

use crate::world::{ALICE, State, World, call, guest, on_call};

/// Gas of an operation.
const GAS: u64 = 50_000_000_000;

/// A world that runs contracts in the interpreter.
fn interpreting() -> World {
    let config = EngineConfig {
        executions_max: 2,
        ..EngineConfig::default()
    };
    let mut world = World::new();
    world.engine = oracle::interpreting(&config).unwrap();
    world
}

/// A world whose every operation also runs on the other machine.
struct Both {
    compiled: World,
    interpreted: World,
}

impl Both {
    fn new() -> Self {
        let (mut compiled, mut interpreted) = (World::new(), interpreting());
        for world in [&mut compiled, &mut interpreted] {
            // What runs until its gas is gone takes much longer in an interpreter.
            world.gas_limit = GAS;
        }
        Self {
            compiled,
            interpreted,
        }
    }

    /// Runs the operation on both and keeps its changes; they must agree.
    fn transact(&mut self, operation: &Operation) -> Outcome {
        let compiled = self.compiled.transact(ALICE, operation);
        let interpreted = self.interpreted.transact(ALICE, operation);
        assert_eq!(oracle::difference(&compiled, &interpreted), None);
        assert_eq!(self.compiled.state.0, self.interpreted.state.0);
        compiled
    }
}

/// Deploys `guest` and calls it, on both machines.
fn check(guest: &str) -> Outcome {
    let mut both = Both::new();
    let contract = both.compiled.deploy(guest);
    assert_eq!(both.interpreted.deploy(guest), contract);
    both.transact(&call(contract, b"input"))
}

#[test]
fn traps_are_of_the_same_kind_on_both_machines() {
    let bodies = [
        ("unreachable", "unreachable"),
        ("(drop (i32.load (i32.const -1)))", "out of bounds memory"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "divide by zero"),
        ("(drop (i64.rem_s (i64.const 1) (i64.const 0)))", "divide by zero"),
        (
            "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
            "integer overflow",
        ),
        ("(call_indirect (type $plain) (i32.const 0))", "uninitialized"),
        ("(call_indirect (type $plain) (i32.const 9))", "out of bounds table"),
        ("(call_indirect (type $other) (i64.const 0) (i32.const 1))", "type mismatch"),
        (
            "(call $seal0_seal_return (i32.const 0) (i32.const -1) (i32.const 9))",
            "outside of the memory",
        ),
    ];
    for (body, says) in bodies {
        let module = guest(&format!(
            r#"(type $plain (func)) (type $other (func (param i64)))
            (table 2 funcref) (elem (i32.const 1) $nothing) (func $nothing)
            (func (export "deploy")) (func (export "call") {body})"#
        ));
        let error = check(&module).result.unwrap_err().to_string();
        assert!(error.contains(says), "{body}: {error}");
    }
}

#[test]
fn stack_and_gas_end_on_both_machines() {
    let recursion = guest(
        r#"(func $deep (call $deep)) (func (export "deploy")) (func (export "call") (call $deep))"#,
    );
    for module in [recursion, on_call("(loop (br 0))")] {
        let error = check(&module).result.unwrap_err();
        assert_eq!(error, executor_api::ExecutionError::OutOfGas);
    }
}

#[test]
fn segments_that_do_not_fit_trap_on_both_machines() {
    for (segment, says) in [
        (r#"(data (i32.const 131071) "ab")"#, "memory"),
        ("(table 1 funcref) (func $f) (elem (i32.const 1) $f)", "table"),
    ] {
        let module = guest(&format!(
            r#"(func (export "deploy")) (func (export "call")) {segment}"#
        ));
        let code = wat::parse_str(module).unwrap();
        let mut both = Both::new();
        let code_hash = both.compiled.upload(&code).unwrap();
        both.interpreted.upload(&code).unwrap();
        let instantiate = Operation::Instantiate {
            contract: [1; 32].into(),
            code_hash,
            input: Vec::new(),
            salt: Vec::new(),
            value: 0,
        };
        let error = both.transact(&instantiate).result.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn calls_storage_and_events_are_the_same_on_both_machines() {
    // Writes, reports an event, calls itself deeper, and returns its memory.
    let body = r#"
        (i32.store (i32.const 0) (i32.const 32))
        (call $seal0_address (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 8) (call $seal0_reentrance_count))
        (drop (call $seal2_set_storage
          (i32.const 8) (i32.const 4) (i32.const 1024) (i32.const 32)))
        (call $seal0_deposit_event (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 4))
        (call $seal0_hash_keccak_256 (i32.const 0) (i32.const 2048) (i32.const 4096))
        (i32.store (i32.const 16) (i32.const 8192))
        (i32.store (i32.const 20) (call $seal1_call (i32.const 8) (i32.const 1024) (i64.const 0)
          (i32.const 64) (i32.const 0) (i32.const 0) (i32.const 8192) (i32.const 16)))
        (call $seal0_seal_return (i32.const 0) (i32.const 0) (i32.const 4500))"#;
    let outcome = check(&on_call(body));
    outcome.result.unwrap();
    assert!(outcome.events.len() > 5, "{}", outcome.events.len());
}

/// Runs an operation of a test as it is, and in an interpreter on the same state.
pub fn compare(world: &World, mode: Mode, origin: AccountId, operation: &Operation) {
    thread_local! {
        static INTERPRETED: std::cell::RefCell<World> = std::cell::RefCell::new(interpreting());
    }
    INTERPRETED.with_borrow_mut(|other| {
        other.state = State(world.state.0.clone());
        (other.block, other.gas_limit) = (world.block, world.gas_limit);
        other.storage_deposit_limit = world.storage_deposit_limit;
        let compiled = world.run(mode, origin, operation);
        let interpreted = other.run(mode, origin, operation);
        assert_eq!(oracle::difference(&compiled, &interpreted), None);
    });
}
