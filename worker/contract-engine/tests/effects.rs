//! Effects that contracts ask for, the event chain, and hooks.

use codec::{Decode, Encode};
use contract_abi::event::{CacheOp, HookPoint, PinkEvent, TOPIC};
use contract_abi::system::selector;
use contract_engine::event_chain::{BlockBody, BlockHeader};
use executor_api::{EventChainHead, Executor, Mode, Operation, Outcome, StorageDeposit};
use primitives::{AccountId, Balance, ContractId};
use wire::domain::{blake2_256, system_contract_id};

use crate::world::{
    ALICE, BOB, CLUSTER, Prices, TREASURY, World, announcer, call, data, extend, extension, on_call,
};

fn system() -> ContractId {
    system_contract_id(&CLUSTER)
}

/// The input of an [`announcer`] for an event that asks for `effect`.
fn asking(effect: &PinkEvent) -> Vec<u8> {
    announcing(&[TOPIC], &effect.encode())
}

fn announcing(topics: &[[u8; 32]], data: &[u8]) -> Vec<u8> {
    let topics = topics.encode();
    [&[topics.len() as u8], &topics[..], data].concat()
}

fn warnings(outcome: &Outcome) -> Vec<u8> {
    outcome.logs.iter().map(|line| line.level).collect()
}

#[test]
fn only_the_system_contract_changes_the_cluster() {
    let mut world = World::new();
    let contract = world.deploy(&announcer());
    let effects = [
        PinkEvent::SetHook {
            hook: HookPoint::OnBlockEnd,
            contract: contract.0,
            selector: 1,
            gas_limit: 1_000_000,
        },
        PinkEvent::SetLogHandler(contract.0),
        PinkEvent::SetContractWeight {
            contract: contract.0,
            weight: 5,
        },
        PinkEvent::UpgradeRuntimeTo { version: (1, 1) },
        PinkEvent::SetJsRuntime([1; 32]),
        PinkEvent::ForceStopSidevm { contract: [1; 32] },
        PinkEvent::DeploySidevmTo {
            contract: [1; 32],
            code_hash: [2; 32],
        },
    ];
    for effect in effects {
        for mode in [Mode::Query, Mode::Estimate, Mode::Transaction] {
            let outcome = world.run(mode, ALICE, &call(contract, &asking(&effect)));
            assert!(data(&outcome).is_empty(), "{effect:?}: the contract goes on");
            assert_eq!(warnings(&outcome), [1], "{effect:?}");
            assert_eq!((outcome.events, outcome.effects), (vec![], vec![]));
            assert_eq!(outcome.changes, []);
        }
    }
}

#[test]
fn what_is_not_offered_or_does_not_decode_is_ignored_with_a_line() {
    let mut world = World::new();
    let contract = world.deploy(&announcer());
    for effect in [PinkEvent::SidevmMessage(vec![1]), PinkEvent::StopSidevm] {
        let outcome = world.call(contract, &asking(&effect));
        assert_eq!((data(&outcome), warnings(&outcome)), (vec![], vec![2]));
        assert_eq!((outcome.events, outcome.effects), (vec![], vec![]));
    }
    for junk in [&[][..], &[0], &[255, 1], &[6, 6]] {
        let outcome = world.call(contract, &announcing(&[TOPIC], junk));
        assert_eq!((data(&outcome), warnings(&outcome)), (vec![], vec![1]), "{junk:?}");
        assert_eq!((outcome.events, outcome.changes), (vec![], vec![]));
    }
    // With another topic beside it, it is an event like others.
    let outcome = world.call(contract, &announcing(&[TOPIC, [1; 32]], &[6]));
    assert_eq!((outcome.events.len(), outcome.logs.len()), (1, 0));
}

#[test]
fn changes_of_a_cache_may_be_asked_for_by_an_event() {
    let mut world = World::new();
    let contract = world.deploy(&announcer());
    let effect = PinkEvent::CacheOp(CacheOp::Remove { key: b"key".to_vec() });
    for (mode, count) in [(Mode::Query, 1), (Mode::Estimate, 0), (Mode::Transaction, 1)] {
        let outcome = world.run(mode, ALICE, &call(contract, &asking(&effect)));
        assert_eq!((outcome.effects.len(), outcome.events.len()), (count, 0));
        for got in outcome.effects {
            assert_eq!((got.contract, &got.event), (contract, &effect));
        }
    }
}

#[test]
fn effects_of_what_failed_are_dropped() {
    let mut world = World::new();
    let contract = world.deploy(&on_call(
        r#"
        (i32.store (i32.const 0) (i32.const 30000))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (call $seal0_deposit_event (i32.const 1025) (i32.load8_u (i32.const 1024))
          (i32.const 1058) (i32.const 6))
        unreachable
        "#,
    ));
    let effect = PinkEvent::CacheOp(CacheOp::Remove { key: b"key".to_vec() });
    let outcome = world.call(contract, &asking(&effect));
    assert!(outcome.result.is_err());
    assert_eq!((outcome.effects, outcome.events), (vec![], vec![]));
}

#[test]
fn transactions_with_public_events_are_chained() {
    let mut world = World::new();
    let contract = world.deploy(&announcer());
    let empty = EventChainHead {
        next_number: 0,
        hash: [0; 32],
    };
    let head = |world: &World| world.engine.event_chain_head(&world.state).unwrap();
    assert_eq!(head(&world), empty, "nothing was announced");
    let private = PinkEvent::CacheOp(CacheOp::Remove { key: vec![] });
    world.call(contract, &asking(&private));
    assert_eq!(head(&world), empty, "what is private is not chained");
    let input = announcing(&[[1; 32], [2; 32]], b"news");
    world.query(contract, &input);
    world.run(Mode::Estimate, ALICE, &call(contract, &input));

    world.nonce = Some(b"once".to_vec());
    let outcome = world.call(contract, &input);
    assert_eq!(outcome.events.len(), 1);
    let body = BlockBody {
        block_number: 7,
        nonce: Some(b"once".to_vec()),
        entry_contract: Some(contract.0),
        events: outcome.events,
        origin: Some(ALICE),
    };
    let header = BlockHeader {
        number: 0,
        runtime_version: (1, 2),
        parent_hash: [0; 32],
        body_hash: blake2_256(&body.encode()),
    };
    let first = EventChainHead {
        next_number: 1,
        hash: blake2_256(&header.encode()),
    };
    assert_eq!((head(&world), header.hash()), (first, first.hash));

    // Contracts see the head as it was before their own transaction.
    let asker = world.deploy(&extension());
    let told = data(&world.call(asker, &extend_input(23)));
    assert_eq!(told[4..], (1_u64, first.hash).encode());
    world.call(contract, &input);
    let second = head(&world);
    assert_eq!(second.next_number, 2);
    assert_ne!(second.hash, first.hash);
}

fn extend_input(id: u32) -> Vec<u8> {
    let Operation::Call { input, .. } = extend(ContractId([0; 32]), id, &[]) else {
        unreachable!()
    };
    input
}

#[test]
fn a_failed_transaction_adds_no_block() {
    let mut world = World::with_prices(Prices {
        item: 1,
        ..Prices::default()
    });
    let writer = on_call(
        r#"
        (call $seal0_deposit_event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4))
        (drop (call $seal2_set_storage
          (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 4)))
        "#,
    );
    world.deposit(ALICE, 1);
    let contract = world.deploy(&writer);
    let outcome = world.call(contract, &[]);
    assert!(outcome.result.is_err(), "nothing is left for the deposit");
    assert_eq!((outcome.events, outcome.changes), (vec![], vec![]));
}

fn set_hook(world: &mut World, contract: ContractId, selector: u32, gas_limit: u64) -> Vec<u8> {
    let arguments = (HookPoint::OnBlockEnd, contract, selector, gas_limit).encode();
    let input = [&selector::SET_HOOK[..], &arguments].concat();
    data(&world.transact(BOB, &call(system(), &input)))
}

fn end_block(world: &mut World) -> Outcome {
    world.transact(ALICE, &Operation::BlockEnd)
}

/// Stores and announces who called it with what.
fn hooked() -> String {
    on_call(
        r#"
        (i32.store (i32.const 0) (i32.const 64))
        (call $seal0_caller (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 0) (i32.const 64))
        (call $seal0_input (i32.const 1056) (i32.const 0))
        (drop (call $seal2_set_storage (i32.const 16) (i32.const 4)
          (i32.const 1024) (i32.add (i32.const 32) (i32.load (i32.const 0)))))
        (call $seal0_deposit_event (i32.const 0) (i32.const 0)
          (i32.const 1024) (i32.add (i32.const 32) (i32.load (i32.const 0))))
        "#,
    )
}

fn with_admin(prices: Prices) -> World {
    let mut world = World::with_prices(prices);
    world.deposit(ALICE, 1 << 60);
    world.deposit(BOB, 1 << 60);
    let grant = [&selector::GRANT_ADMIN[..], BOB.as_ref()].concat();
    data(&world.call(system(), &grant));
    world
}

#[test]
fn hooks_run_at_the_end_of_a_block_in_order() {
    let mut world = with_admin(Prices::default());
    assert_eq!(end_block(&mut world).changes, []);
    // One that fails, one that works, one that never ends, one that works.
    let bad = world.deploy(&on_call("unreachable"));
    let first = world.deploy(&hooked());
    let endless = world.deploy(&on_call("(loop (br 0))"));
    let second = world.deploy(&hooked().replace("(i32.const 16)", "(i32.const 20)"));
    for (number, contract) in [bad, first, endless, second].into_iter().enumerate() {
        assert_eq!(set_hook(&mut world, contract, 0x0102_0300 + number as u32, u64::MAX), [0, 0]);
    }
    let outcome = end_block(&mut world);
    outcome.result.unwrap();
    let news = |contract: ContractId, number: u8| {
        (contract, [system().as_ref(), &[1, 2, 3, number]].concat())
    };
    let told: Vec<_> = outcome.events.into_iter().map(|e| (e.contract, e.data)).collect();
    assert_eq!(told, [news(first, 1), news(second, 3)]);
    let failed: Vec<_> = outcome.logs.iter().map(|l| (l.contract, l.entry, l.level)).collect();
    assert_eq!(failed, [(bad, bad, 1), (endless, endless, 1)]);
    assert!(outcome.logs[1].message.contains("out of gas"), "{:?}", outcome.logs);
    let most = contract_engine::limits::HOOK_GAS_MAX;
    assert!(outcome.gas_consumed >= most && outcome.gas_consumed < 2 * most);
    let head = world.engine.event_chain_head(&world.state).unwrap();
    // Four hooks were set, one administrator made, and one block ended.
    assert_eq!(head.next_number, 6);
    // In other modes nothing is kept.
    let asked = world.run(Mode::Query, ALICE, &Operation::BlockEnd);
    assert_eq!((asked.events.len(), asked.changes.len()), (2, 0));

    // Setting again keeps the place; without gas it is removed.
    set_hook(&mut world, first, 0x0102_0309, 1_000_000_000);
    set_hook(&mut world, bad, 0, 0);
    set_hook(&mut world, endless, 0, 0);
    let outcome = end_block(&mut world);
    let told: Vec<_> = outcome.events.into_iter().map(|e| (e.contract, e.data)).collect();
    assert_eq!((told, outcome.logs), (vec![news(first, 9), news(second, 3)], vec![]));
}

#[test]
fn hooks_are_bounded_and_for_contracts_that_exist() {
    let mut world = with_admin(Prices::default());
    let hook = |world: &mut World, contract: ContractId| {
        let arguments = (HookPoint::OnBlockEnd, contract, 1_u32, 1_u64 << 40).encode();
        let input = [&selector::SET_HOOK[..], &arguments].concat();
        let outcome = world.transact(BOB, &call(system(), &input));
        let returned = outcome.result.unwrap();
        (returned.flags, returned.data)
    };
    assert_eq!(hook(&mut world, ContractId([9; 32])), (1, vec![0, 1, 3]));
    let code = wat::parse_str(on_call("")).unwrap();
    let code_hash = world.upload(&code).unwrap();
    let make = |world: &mut World, salt: u8| {
        let salt = vec![salt];
        let contract = contract_engine::contract_id(&ALICE, &code_hash, &CLUSTER, &salt);
        let instantiate = Operation::Instantiate {
            contract,
            code_hash,
            input: Vec::new(),
            salt,
            value: 0,
        };
        world.transact(ALICE, &instantiate).result.unwrap();
        contract
    };
    for salt in 0..64 {
        let contract = make(&mut world, salt);
        assert_eq!(hook(&mut world, contract), (0, vec![0, 0]));
    }
    let one_more = make(&mut world, 64);
    assert_eq!(hook(&mut world, one_more), (1, vec![0, 1, 3]));
    let outcome = end_block(&mut world);
    assert_eq!(outcome.logs, []);
    assert!(outcome.gas_consumed > 0);
}

fn balance(world: &World, account: AccountId) -> Balance {
    let key = [b"b", account.as_ref()].concat();
    let bytes = world.state.0.get(&key);
    bytes.map_or(0, |bytes| Balance::decode(&mut &bytes[..]).unwrap())
}

#[test]
fn a_hook_costs_no_gas_and_its_contract_pays_for_what_it_stores() {
    let mut world = with_admin(Prices {
        gas: 1,
        item: 100,
        byte: 1,
    });
    let contract = world.deploy(&hooked());
    set_hook(&mut world, contract, 1, u64::MAX);
    let (treasury, alice) = (balance(&world, TREASURY), balance(&world, ALICE));
    let outcome = end_block(&mut world);
    assert_eq!((outcome.logs.len(), outcome.events.len()), (1, 0), "it has nothing to pay with");
    assert_eq!(outcome.changes, []);
    world.deposit(contract.into(), 1_000);
    let outcome = end_block(&mut world);
    assert_eq!((outcome.logs.len(), outcome.events.len()), (0, 1));
    assert_eq!(outcome.storage_deposit, StorageDeposit::Charge(0));
    assert_eq!(balance(&world, contract.into()), 1_000 - 100 - 4 - 36);
    assert_eq!((balance(&world, TREASURY), balance(&world, ALICE)), (treasury, alice));
    let outcome = end_block(&mut world);
    assert_eq!(outcome.logs, [], "what stays as large costs nothing more");
    let facts = world.engine.contract(&world.state, &contract).unwrap().unwrap();
    assert_eq!(facts.owner, ALICE);
}
