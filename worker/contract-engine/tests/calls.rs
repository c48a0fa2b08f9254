//! Calls between contracts: gas, deposits, what a callee may change, and functions of old contracts.

use codec::{Decode as _, Encode as _};
use contract_engine::{code_hash, contract_id};
use executor_api::{ExecutionError, Executor, Mode, Operation, StorageDeposit};
use primitives::{CodeHash, ContractId};
use wire::limits::ClusterLimits;

use crate::world::{ALICE, CLUSTER, Prices, World, call, data, import, on_call, text};

/// Stores its input, under a key of four bytes.
fn keeper() -> String {
    on_call(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (drop (call $seal2_set_storage
          (i32.const 16) (i32.const 4) (i32.const 1024) (i32.load (i32.const 0))))
        "#,
    )
}

/// Calls the contract in its input, with what follows as the callee's input, by `seal2.call` with a
/// limit of gas and the deposit limit at 700; returns the code.
fn limited(gas: u64, deposit: Option<u128>) -> String {
    let pointer = if deposit.is_some() { 700 } else { -1 };
    on_call(&format!(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (i32.store8 (i32.const 8191) (call $seal2_call
          (i32.const 0) (i32.const 1024) (i64.const {gas}) (i64.const 7) (i32.const {pointer})
          (i32.const 64) (i32.const 1056) (i32.sub (i32.load (i32.const 0)) (i32.const 32))
          (i32.const -1) (i32.const 0)))
        (call $seal0_seal_return (i32.const 0) (i32.const 8191) (i32.const 1)))
        (data (i32.const 700) "{}""#,
        text(&deposit.unwrap_or_default().to_le_bytes())
    ))
}

fn with_deposits() -> World {
    let mut world = World::with_prices(Prices {
        item: 100,
        byte: 1,
        ..Prices::default()
    });
    world.deposit(ALICE, 1 << 60);
    world
}

#[test]
fn a_call_may_limit_the_deposit_of_what_it_calls() {
    let mut world = with_deposits();
    let keeper = world.deploy(&keeper());
    let through = |world: &mut World, caller: ContractId, value: &[u8]| {
        let outcome = world.call(caller, &[keeper.as_ref(), value].concat());
        (data(&outcome), outcome.storage_deposit)
    };
    let nothing = StorageDeposit::Charge(0);
    // An item, four bytes of key and five of value.
    let strict = world.deploy(&limited(0, Some(108)));
    assert_eq!(through(&mut world, strict, b"value"), (vec![1], nothing), "as if it trapped");
    let exact = world.deploy(&limited(0, Some(109)));
    let charged = StorageDeposit::Charge(109);
    assert_eq!(through(&mut world, exact, b"value"), (vec![0], charged));
    assert_eq!(through(&mut world, strict, b"other"), (vec![0], nothing), "it grows no more");
    for free in [Some(0), None] {
        let free = world.deploy(&limited(0, free));
        let long = vec![b'x'; 500 + usize::from(free.0[0])];
        assert_eq!(through(&mut world, free, &long).0, [0]);
    }
}

#[test]
fn what_is_left_by_a_contract_that_ended_is_paid_for() {
    let mut world = with_deposits();
    let contract = world.deploy(&on_call(
        r#"
        (drop (call $seal2_set_storage
          (i32.const 16) (i32.const 4) (i32.const 1024) (i32.const 50)))
        (call $seal1_terminate (i32.const 64))
        "#,
    ));
    let outcome = world.call(contract, &[]);
    assert_eq!(outcome.storage_deposit, StorageDeposit::Charge(100 + 54));
}

/// Burns gas in a loop of `turns`.
fn burner(turns: u32) -> String {
    on_call(&format!(
        "(local $i i32)
         (loop (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if 0 (i32.lt_u (local.get $i) (i32.const {turns}))))"
    ))
}

#[test]
fn what_an_estimate_requires_is_enough_below_limits_too() {
    let mut world = World::new();
    let inner = world.deploy(&burner(10_000));
    // 8 units of fuel a turn: the first limit is far above what is needed, the second too low.
    let generous = world.deploy(&limited(1_000_000_000_000, None));
    let tight = world.deploy(&limited(50_000_000, None));
    let outermost = world.deploy(&limited(1_500_000_000_000, None));
    for (outer, code) in [(generous, 0), (tight, 1)] {
        let nested = [outer.as_ref(), inner.as_ref()].concat();
        for (first, input) in [(outer, inner.as_ref()), (outermost, &nested[..])] {
            world.gas_limit = 0;
            let estimate = world.run(Mode::Estimate, ALICE, &call(first, input));
            let expected = if first == outer { code } else { 0 };
            assert_eq!(data(&estimate), [expected]);
            let whole = world.call(first, input);
            assert!(estimate.gas_required >= whole.gas_required);
            assert!(whole.gas_required > whole.gas_consumed);
            world.gas_limit = whole.gas_required;
            let exact = world.call(first, input);
            assert_eq!(data(&exact), [expected], "exactly what is required");
            assert_eq!(exact.gas_consumed, whole.gas_consumed);
            world.gas_limit = whole.gas_consumed - 1_000_000;
            let less = world.call(first, input);
            assert!(less.result != exact.result, "less is not enough");
        }
    }
}

/// Calls the contract in its input read-only with what follows; returns the code.
fn reader() -> String {
    on_call(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (i32.store8 (i32.const 8191) (call $seal1_call (i32.const 16) (i32.const 1024)
          (i64.const 0) (i32.const 64) (i32.const 1056)
          (i32.sub (i32.load (i32.const 0)) (i32.const 32)) (i32.const -1) (i32.const 0)))
        (call $seal0_seal_return (i32.const 0) (i32.const 8191) (i32.const 1))
        "#,
    )
}

#[test]
fn a_read_only_call_changes_nothing() {
    let mut world = World::new();
    let other = world.deploy(&reader().replace("30000", "20000").replace("8191", "8190"));
    let reader = world.deploy(&reader());
    for body in [
        "(drop (call $seal2_set_storage (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4)))",
        "(drop (call $seal1_clear_storage (i32.const 0) (i32.const 4)))",
        "(drop (call $seal0_take_storage (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 0)))",
        "(call $seal0_deposit_event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1))",
        "(drop (call $seal0_transfer (i32.const 0) (i32.const 32) (i32.const 64) (i32.const 16)))",
        "(call $seal1_terminate (i32.const 64))",
        "(drop (call $seal0_set_code_hash (i32.const 64)))",
        "(drop (call $seal1_instantiate (i32.const 64) (i64.const 0) (i32.const 64) (i32.const 0)
           (i32.const 0) (i32.const -1) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0)
           (i32.const 0)))",
    ] {
        let callee = world.deploy(&on_call(body));
        assert_eq!(data(&world.call(reader, callee.as_ref())), [1], "{body}");
        let between = [other.as_ref(), callee.as_ref()].concat();
        assert_eq!(data(&world.call(reader, &between)), [0], "the one between goes on");
    }
    let harmless = world.deploy(&burner(1));
    assert_eq!(data(&world.call(reader, harmless.as_ref())), [0]);
}

#[test]
fn a_delegate_call_has_flags_of_its_own() {
    let mut world = World::new();
    for flags in [8, 16, 32] {
        let contract = world.deploy(&on_call(&format!(
            "(drop (call $seal0_delegate_call (i32.const {flags}) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const -1) (i32.const 0)))"
        )));
        let error = world.call(contract, &[]).result.unwrap_err().to_string();
        assert!(error.contains("flags"), "{error}");
    }
}

/// A guest with imports of its own, whose `call` is `body`.
fn importing(imports: &[(&str, &str, &str, bool)], extra: &str, body: &str) -> String {
    let imports: String = imports.iter().map(|name| import(*name)).collect();
    format!(
        r#"(module {imports}
        (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
        {extra} (import "env" "memory" (memory 2 16))
        (func (export "deploy")) (func (export "call") {body}))"#
    )
}

#[test]
fn functions_that_only_old_contracts_import_are_there() {
    let mut world = World::new();
    let names = [
        ("seal0", "random", "iiii", false),
        ("seal1", "random", "iiii", false),
        ("seal0", "seal_random", "iiii", false),
        ("seal0", "tombstone_deposit", "ii", false),
        ("seal0", "rent_allowance", "ii", false),
        ("seal0", "set_rent_allowance", "ii", false),
        ("seal1", "set_rent_allowance", "i", false),
        ("seal0", "restore_to", "iiiiiiii", false),
        ("seal1", "restore_to", "iiiii", false),
        ("seal0", "xcm_execute", "ii", true),
        ("seal0", "xcm_send", "iiii", true),
    ];
    let contract = world.deploy(&importing(
        &names,
        "",
        r#"
        (call $seal0_set_rent_allowance (i32.const 0) (i32.const 16))
        (call $seal1_set_rent_allowance (i32.const 0))
        (call $seal0_restore_to (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
        (call $seal1_restore_to (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 0))
        (i32.store (i32.const 0) (i32.const 64))
        (call $seal0_tombstone_deposit (i32.const 1024) (i32.const 0))
        (call $seal0_rent_allowance (i32.const 1040) (i32.const 0))
        (i32.store (i32.const 0) (i32.const 64))
        (call $seal0_random (i32.const 4) (i32.const 4) (i32.const 1056) (i32.const 0))
        (i32.store (i32.const 0) (i32.const 64))
        (call $seal1_random (i32.const 4) (i32.const 4) (i32.const 1088) (i32.const 0))
        (call $return (i32.const 0) (i32.const 1024) (i32.const 100))
        "#,
    ));
    let told = data(&world.call(contract, &[]));
    assert_eq!(told[..32], (0_u128, u128::MAX).encode());
    assert_eq!(told[32..64], told[64..96], "both versions tell the same");
    assert_eq!(told[96..], 7_u32.encode());
    assert_eq!(told, data(&world.query(contract, &[])), "nothing of it is secret");
    let xcm = world.deploy(&importing(
        &[("seal0", "xcm_execute", "ii", true)],
        "",
        "(drop (call $seal0_xcm_execute (i32.const 0) (i32.const 0)))",
    ));
    assert!(world.call(xcm, &[]).result.is_err());
}

#[test]
fn contracts_that_are_made_are_counted() {
    let mut world = World::new();
    let contract = world.deploy(&importing(
        &[],
        r#"(import "seal0" "instantiation_nonce" (func $nonce (result i64)))"#,
        "(i64.store (i32.const 1024) (call $nonce))
         (call $return (i32.const 0) (i32.const 1024) (i32.const 8))",
    ));
    let count = |world: &World| {
        let told = data(&world.query(contract, &[]));
        u64::decode(&mut &told[..]).unwrap()
    };
    assert_eq!(count(&world), 1);
    world.deploy(&burner(1));
    assert_eq!(count(&world), 2);
    let hash = code_hash(&wat::parse_str(burner(1)).unwrap());
    assert_eq!(
        world.instantiate(hash, &[]).1.result,
        Err(ExecutionError::DuplicateContract)
    );
    assert_eq!(count(&world), 2);
}

#[test]
fn dependencies_are_locked_and_unlocked() {
    let mut world = World::new();
    let locker = |function: &str| {
        importing(
            &[
                ("seal0", "input", "ii", false),
                ("seal0", "set_code_hash", "i", true),
            ],
            r#"(import "seal0" "lock_delegate_dependency" (func $lock (param i32)))
               (import "seal0" "unlock_delegate_dependency" (func $unlock (param i32)))"#,
            &format!(
                "(i32.store (i32.const 0) (i32.const 64))
                 (call $seal0_input (i32.const 1024) (i32.const 0))
                 (if (i32.load8_u (i32.const 1024))
                   (then (call $lock (i32.const 1025))) (else (call $unlock (i32.const 1025))))
                 {function}"
            ),
        )
    };
    let contract = world.deploy(&locker(""));
    let own = code_hash(&wat::parse_str(locker("")).unwrap());
    let other = world.upload(&wat::parse_str(burner(2)).unwrap()).unwrap();
    let run = |world: &mut World, lock: u8, code: CodeHash| {
        let outcome = world.call(contract, &[&[lock], code.as_ref()].concat());
        outcome.result.map(drop).map_err(|error| error.to_string())
    };
    let refused = |result: Result<(), String>, why: &str| {
        let error = result.unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    refused(run(&mut world, 0, other), "no such dependency");
    refused(run(&mut world, 1, own), "its own code");
    refused(run(&mut world, 1, CodeHash([1; 32])), "does not exist");
    run(&mut world, 1, other).unwrap();
    refused(run(&mut world, 1, other), "locked already");
    run(&mut world, 0, other).unwrap();
    refused(run(&mut world, 0, other), "no such dependency");
    for turns in 10..42 {
        let code = world.upload(&wat::parse_str(burner(turns)).unwrap()).unwrap();
        run(&mut world, 1, code).unwrap();
    }
    refused(run(&mut world, 1, other), "one too many");
}

#[test]
fn a_contract_made_by_a_contract_belongs_to_who_asked() {
    let mut world = World::new();
    let hash = world.upload(&wat::parse_str(burner(3)).unwrap()).unwrap();
    let factory = world.deploy(&on_call(&format!(
        r#"
        (drop (call $seal2_instantiate (i32.const 512) (i64.const 0) (i64.const 0) (i32.const -1)
          (i32.const 64) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const -1)
          (i32.const 0) (i32.const 600) (i32.const 4))))
        (data (i32.const 512) "{}""#,
        text(&hash.0)
    )));
    let outcome = world.call(factory, &[]);
    let child = contract_id(&factory.into(), &hash, &CLUSTER, &[0; 4]);
    assert_eq!(outcome.instantiated, [(child, factory.into())]);
    let facts = world.engine.contract(&world.state, &child).unwrap().unwrap();
    assert_eq!((facts.owner, facts.code_hash), (ALICE, hash));
}

#[test]
fn a_clusters_limits_are_kept() {
    let mut world = World::new();
    let limits = |world: &World| world.engine.limits(&world.state).unwrap();
    assert_eq!(limits(&world), ClusterLimits::DEFAULT);
    // Grows by what its input says, and returns what the instruction gave.
    let grower = |maximum: &str| {
        on_call(
            "(i32.store (i32.const 0) (i32.const 4))
             (call $seal0_input (i32.const 1024) (i32.const 0))
             (i32.store (i32.const 1024) (memory.grow (i32.load (i32.const 1024))))
             (call $seal0_seal_return (i32.const 0) (i32.const 1024) (i32.const 4))",
        )
        .replace("(memory 2 16)", maximum)
    };
    let contract = world.deploy(&grower("(memory 17 600)"));
    let grow = |world: &World, pages: i32| {
        let told = data(&world.query(contract, &pages.to_le_bytes()));
        i32::decode(&mut &told[..]).unwrap()
    };
    assert_eq!((grow(&world, 239), grow(&world, 240)), (17, -1), "256 pages by default");
    let set = |world: &mut World, limits| {
        world.transact(ALICE, &Operation::SetLimits { limits }).result
    };
    let wide = ClusterLimits {
        memory_pages: 400,
        ..ClusterLimits::DEFAULT
    };
    set(&mut world, wide).unwrap();
    assert_eq!(limits(&world), wide);
    assert_eq!((grow(&world, 383), grow(&world, 384)), (17, -1));

    set(&mut world, ClusterLimits::MIN).unwrap();
    let error = world.query(contract, &[0; 4]).result.unwrap_err().to_string();
    assert!(error.contains("16 pages"), "{error}");
    let refusal = |world: &mut World, code: &str| {
        let code = wat::parse_str(code).unwrap();
        world.upload(&code).unwrap_err().to_string()
    };
    let large = refusal(&mut world, &grower("(memory 18 20)"));
    assert!(large.contains("18 pages"), "{large}");
    let data = format!("(data (i32.const 9000) \"{}\")", "x".repeat(65_536));
    let long = burner(1).replace("(func (export \"deploy\"))", &format!("{data} (func (export \"deploy\"))"));
    let long = refusal(&mut world, &long);
    assert!(long.contains("at most 65536 are allowed"), "{long}");

    let invalid = ClusterLimits {
        memory_pages: 1,
        ..ClusterLimits::DEFAULT
    };
    assert!(matches!(set(&mut world, invalid), Err(ExecutionError::LimitReached(_))));
    assert_eq!(limits(&world), ClusterLimits::MIN);
}
