//! What contracts can rely on: storage, rollback, calls, deterministic and free modes.

use codec::{Decode as _, Encode as _};
use contract_engine::{code_hash, contract_id};
use executor_api::{ExecutionError, Executor, Mode, Operation};
use primitives::ContractId;

use crate::world::{ALICE, BOB, CLUSTER, World, call, data, guest, on_call, text};

/// Reads the input to 1024; with input `01…` stores it, with `00` returns what is stored, with
/// `02` stores and reverts, with `03` stores and traps.
fn register() -> String {
    guest(
        r#"
        (data (i32.const 0) "\00\10\00\00")
        (data (i32.const 16) "key")
        (func (export "deploy"))
        (func (export "call")
          (call $seal0_input (i32.const 1024) (i32.const 0))
          (if (i32.load8_u (i32.const 1024))
            (then
              (drop (call $seal2_set_storage
                (i32.const 16) (i32.const 3) (i32.const 1025)
                (i32.sub (i32.load (i32.const 0)) (i32.const 1))))
              (if (i32.eq (i32.load8_u (i32.const 1024)) (i32.const 2))
                (then (call $seal0_seal_return (i32.const 1) (i32.const 1024) (i32.const 1))))
              (if (i32.eq (i32.load8_u (i32.const 1024)) (i32.const 3)) (then unreachable)))
            (else
              (i32.store (i32.const 0) (i32.const 4096))
              (drop (call $seal1_get_storage
                (i32.const 16) (i32.const 3) (i32.const 2048) (i32.const 0)))
              (call $seal0_seal_return (i32.const 0) (i32.const 2048) (i32.load (i32.const 0))))))
        "#,
    )
}

#[test]
fn a_transaction_is_kept_and_a_query_is_not() {
    let mut world = World::new();
    let contract = world.deploy(&register());
    assert!(world.query(contract, b"\x01query").changes.is_empty());
    assert_eq!(world.call(contract, b"\x01kept").changes.len(), 2);
    assert_eq!(data(&world.query(contract, b"\0")), b"kept");
}

#[test]
fn a_revert_and_a_trap_keep_nothing() {
    let mut world = World::new();
    let contract = world.deploy(&register());
    world.call(contract, b"\x01kept");
    let reverted = world.call(contract, b"\x02lost");
    assert!(reverted.result.unwrap().is_reverted());
    assert_eq!(reverted.changes, []);
    let trapped = world.call(contract, b"\x03lost");
    assert!(matches!(trapped.result, Err(ExecutionError::Trapped(_))));
    assert_eq!(trapped.changes, []);
    assert_eq!(data(&world.query(contract, b"\0")), b"kept");
}

#[test]
fn code_is_found_again_by_an_engine_that_starts_anew() {
    let mut world = World::new();
    let contract = world.deploy(&register());
    world.call(contract, b"\x01kept");
    let mut restarted = World::new();
    restarted.state = world.state;
    assert_eq!(data(&restarted.query(contract, b"\0")), b"kept");
    let hash = code_hash(&wat::parse_str(register()).unwrap());
    assert_eq!(
        restarted
            .engine
            .contract(&restarted.state, &contract)
            .unwrap()
            .map(|facts| (facts.code_hash, facts.owner, facts.weight)),
        Some((hash, ALICE, 0))
    );
    let nobody = ContractId([1; 32]);
    assert_eq!(
        restarted
            .engine
            .contract(&restarted.state, &nobody)
            .unwrap(),
        None
    );
}

#[test]
fn what_is_not_there_is_named() {
    let mut world = World::new();
    let nobody = ContractId([1; 32]);
    let error = world.query(nobody, &[]).result.unwrap_err();
    assert_eq!(error, ExecutionError::ContractNotFound);
    let error = world
        .instantiate(code_hash(b"nothing"), &[])
        .1
        .result
        .unwrap_err();
    assert_eq!(error, ExecutionError::CodeNotFound);
    world.deploy(&register());
    let hash = code_hash(&wat::parse_str(register()).unwrap());
    let error = world.instantiate(hash, &[]).1.result.unwrap_err();
    assert_eq!(error, ExecutionError::DuplicateContract);
}

#[test]
fn a_cluster_is_set_up_once_and_first() {
    let mut world = World::new();
    let set_up = Operation::SetUpCluster {
        owner: ALICE,
        gas_price: 0,
        deposit_per_item: 0,
        deposit_per_byte: 0,
        treasury: ALICE,
    };
    assert_eq!(
        world.transact(ALICE, &set_up).result,
        Err(ExecutionError::ClusterExists)
    );
    world.state.0.clear();
    let error = world.query(ContractId([1; 32]), &[]).result.unwrap_err();
    assert_eq!(error, ExecutionError::ClusterNotSetUp);
}

#[test]
fn the_context_is_what_was_given() {
    let mut world = World::new();
    let contract = world.deploy(&on_call(
        r#"
        (i32.store (i32.const 0) (i32.const 64))
        (call $seal0_caller (i32.const 100) (i32.const 0))
        (call $seal0_address (i32.const 132) (i32.const 0))
        (i32.store (i32.const 0) (i32.const 64))
        (call $seal0_block_number (i32.const 164) (i32.const 0))
        (i32.store (i32.const 0) (i32.const 64))
        (call $seal0_now (i32.const 168) (i32.const 0))
        (i32.store (i32.const 0) (i32.const 64))
        (call $seal0_value_transferred (i32.const 176) (i32.const 0))
        (i32.store8 (i32.const 192) (call $seal0_caller_is_origin))
        (call $seal0_seal_return (i32.const 0) (i32.const 100) (i32.const 93))
        "#,
    ));
    let operation = Operation::Call {
        contract,
        input: Vec::new(),
        value: 5,
    };
    let outcome = world.run(Mode::Query, BOB, &operation);
    let expected = (BOB, contract, 7_u32, 9_000_u64, 5_u128, true).encode();
    assert_eq!(data(&outcome), expected);
}

/// Calls the contract in the input with the rest of the input, writes `callee returned` to its own
/// storage first, and returns the code that the host gave, followed by the callee's output.
fn proxy(flags: u32) -> String {
    on_call(&format!(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 4) (i32.const 4096))
        (i32.store8 (i32.const 8191) (call $seal1_call
          (i32.const {flags}) (i32.const 1024) (i64.const 0) (i32.const 64)
          (i32.const 1056) (i32.sub (i32.load (i32.const 0)) (i32.const 32))
          (i32.const 8192) (i32.const 4)))
        (if (i32.eq (i32.load (i32.const 4)) (i32.const 4096))
          (then (i32.store (i32.const 4) (i32.const 0))))
        (call $seal0_seal_return (i32.const 0) (i32.const 8191)
          (i32.add (i32.load (i32.const 4)) (i32.const 1)))
        "#
    ))
}

#[test]
fn a_callee_that_fails_is_undone_and_its_caller_goes_on() {
    let mut world = World::new();
    let callee = world.deploy(&register());
    let caller = world.deploy(&proxy(0));
    let mut through = |input: &[u8]| {
        let outcome = world.call(caller, &[&callee.0, input].concat());
        (data(&outcome), outcome.changes.len())
    };
    assert_eq!(through(b"\x01kept"), (vec![0], 2));
    assert_eq!(through(b"\x03lost"), (vec![1], 0));
    assert_eq!(through(b"\x02lost"), (vec![2, 2], 0));
    assert_eq!(through(b"\0"), (b"\0kept".to_vec(), 0));
    let nobody = world.call(caller, &[9; 32]);
    assert_eq!(data(&nobody), [8]);
}

#[test]
fn a_running_contract_is_called_again_only_if_it_allows_it() {
    let mut world = World::new();
    let closed = world.deploy(&proxy(0));
    let open = world.deploy(&proxy(8));
    let again = |contract: ContractId, world: &mut World| {
        // It calls itself; the inner one finds no contract with an id of zeros.
        let input = [&contract.0[..], &[0; 32]].concat();
        world.call(contract, &input).result
    };
    assert_eq!(again(open, &mut world).unwrap().data, [0, 8]);
    let error = again(closed, &mut world).unwrap_err();
    assert!(error.to_string().contains("reentry"), "{error}");
}

#[test]
fn a_delegate_call_runs_other_code_on_own_storage() {
    let mut world = World::new();
    let library = world.deploy(&register());
    let hash = code_hash(&wat::parse_str(register()).unwrap());
    let contract = world.deploy(&on_call(&format!(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (drop (call $seal0_delegate_call (i32.const 6) (i32.const 512) (i32.const 0) (i32.const 0)
          (i32.const 8192) (i32.const 0))))
        (data (i32.const 512) "{}""#,
        text(&hash.0)
    )));
    world.call(contract, b"\x01mine");
    assert_eq!(data(&world.query(contract, b"\0")), b"mine");
    let untouched = data(&world.query(library, b"\0"));
    assert!(
        untouched.iter().all(|byte| *byte == 0),
        "the library's own storage"
    );
}

#[test]
fn a_contract_makes_another_whose_id_can_be_foretold() {
    let mut world = World::new();
    world.deploy(&register());
    let hash = code_hash(&wat::parse_str(register()).unwrap());
    let factory = world.deploy(&on_call(&format!(
        r#"
        (i32.store (i32.const 0) (i32.const 32))
        (drop (call $seal1_instantiate (i32.const 512) (i64.const 0) (i32.const 64)
          (i32.const 0) (i32.const 0) (i32.const 8192) (i32.const 0) (i32.const -1) (i32.const 0)
          (i32.const 600) (i32.const 4)))
        (call $seal0_seal_return (i32.const 0) (i32.const 8192) (i32.const 32)))
        (data (i32.const 512) "{}") (data (i32.const 600) "salt""#,
        text(&hash.0)
    )));
    let outcome = world.call(factory, &[]);
    let child = contract_id(&factory.into(), &hash, &CLUSTER, b"salt");
    assert_eq!(data(&outcome), child.0);
    assert_eq!(outcome.instantiated, [(child, factory.into())]);
    world.call(child, b"\x01works");
    assert_eq!(data(&world.query(child, b"\0")), b"works");
}

#[test]
fn a_contract_that_ended_stays_ended() {
    let mut world = World::new();
    let guest = on_call("(call $seal1_terminate (i32.const 64))");
    let contract = world.deploy(&guest);
    world.call(contract, &[]).result.unwrap();
    assert_eq!(
        world.query(contract, &[]).result,
        Err(ExecutionError::ContractNotFound)
    );
    let hash = code_hash(&wat::parse_str(&guest).unwrap());
    let again = world.instantiate(hash, &[]).1.result;
    assert_eq!(again, Err(ExecutionError::DuplicateContract));
}

#[test]
fn events_and_debug_text_come_out() {
    let mut world = World::new();
    let contract = world.deploy(&on_call(
        r#"
        (drop (call $seal0_debug_message (i32.const 512) (i32.const 5)))
        (call $seal0_deposit_event (i32.const 600) (i32.const 33) (i32.const 512) (i32.const 3)))
        (data (i32.const 512) "hello") (data (i32.const 600) "\04topictopictopictopictopictopicto""#,
    ));
    let outcome = world.call(contract, &[]);
    assert_eq!(outcome.debug_message, b"hello");
    assert_eq!(outcome.events.len(), 1);
    assert_eq!(outcome.events[0].data, b"hel");
    assert_eq!(
        outcome.events[0].topics,
        [*b"topictopictopictopictopictopicto"]
    );
    assert_eq!(outcome.events[0].contract, contract);
}

/// Hands its input to the chain extension: function id in the first byte, arguments after it.
pub fn pink() -> String {
    on_call(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 4) (i32.const 4096))
        (drop (call $seal0_call_chain_extension (i32.load8_u (i32.const 1024))
          (i32.const 1025) (i32.sub (i32.load (i32.const 0)) (i32.const 1))
          (i32.const 8192) (i32.const 4)))
        (call $seal0_seal_return (i32.const 0) (i32.const 8192) (i32.load (i32.const 4)))
        "#,
    )
}

#[test]
fn the_extension_is_neutral_where_workers_must_agree() {
    let mut world = World::new();
    let contract = world.deploy(&pink());
    let mut both = |id: u8, arguments: &[u8]| {
        let input = [&[id], arguments].concat();
        let estimate = world.run(Mode::Estimate, BOB, &call(contract, &input));
        let transaction = data(&world.call(contract, &input));
        assert_eq!(
            data(&estimate),
            transaction,
            "an estimate is a transaction, function {id}"
        );
        (data(&world.query(contract, &input)), transaction)
    };
    assert_eq!(both(12, &[]), (vec![0], vec![1]), "is_in_transaction");
    assert_eq!(
        both(11, &[3]),
        (vec![3 << 2, 0x5a, 0x5a, 0x5a], vec![0]),
        "getrandom"
    );
    assert_eq!(
        both(17, &[]),
        (vec![0x77; 32], vec![0; 32]),
        "worker_pubkey"
    );
    assert_eq!(
        both(18, &[]),
        (1_234_u64.encode(), 0_u64.encode()),
        "untrusted_millis"
    );
    let (query, transaction) = both(4, &b"salt".to_vec().encode());
    assert_eq!(query, transaction, "derive_sr25519_key");
    let key = Vec::<u8>::decode(&mut &query[..]).unwrap();
    assert_eq!((key.len(), &key[32..36]), (64, &b"salt"[..]));
}

#[test]
fn the_extension_signs_and_verifies() {
    let mut world = World::new();
    let contract = world.deploy(&pink());
    for kind in 0..3_u8 {
        let run = |id: u8, arguments: Vec<u8>| {
            data(&world.query(contract, &[vec![id], arguments].concat()))
        };
        let key = vec![7_u8; 32];
        let message = b"message".to_vec();
        let public = Vec::<u8>::decode(&mut &run(5, (kind, &key).encode())[..]).unwrap();
        let signature = run(2, (kind, &key, &message).encode());
        let signature = Vec::<u8>::decode(&mut &signature[..]).unwrap();
        assert_eq!(
            run(3, (kind, &public, &message, &signature).encode()),
            [1],
            "kind {kind}"
        );
        assert_eq!(
            run(3, (kind, &public, b"other".to_vec(), &signature).encode()),
            [0],
            "kind {kind}"
        );
    }
    let sign = [
        vec![2],
        (1_u8, vec![7_u8; 32], b"message".to_vec()).encode(),
    ]
    .concat();
    assert_eq!(
        data(&world.call(contract, &sign)),
        [0],
        "sr25519 is empty in a transaction"
    );
}
