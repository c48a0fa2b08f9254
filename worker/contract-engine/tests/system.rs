//! The system contract, message by message.

use codec::{Decode, Encode};
use contract_abi::event::SidevmConfig;
use contract_abi::system::{CodeType, driver, selector};
use contract_engine::code_hash;
use executor_api::{ExecutionError, Executor, Mode, Operation, Outcome};
use primitives::{AccountId, ContractId, units::PHA};
use wire::domain::{logger_id, system_code_hash, system_contract_id};

use crate::world::{ALICE, BOB, CLUSTER, Prices, World, call, data, extension, on_call, text};

const CAROL: AccountId = AccountId([0xc4; 32]);

fn system() -> ContractId {
    system_contract_id(&CLUSTER)
}

fn message(selector: [u8; 4], arguments: impl Encode) -> Operation {
    call(system(), &[&selector[..], &arguments.encode()].concat())
}

/// The answer of a query by anybody, without the `00` of success.
fn ask<R: Decode>(world: &World, selector: [u8; 4], arguments: impl Encode) -> R {
    let answer = data(&world.run(Mode::Query, CAROL, &message(selector, arguments)));
    assert_eq!(answer[0], 0);
    R::decode(&mut &answer[1..]).unwrap()
}

/// What a transaction returns: flags and data.
fn act(
    world: &mut World,
    origin: AccountId,
    selector: [u8; 4],
    arguments: impl Encode,
) -> (u32, Vec<u8>) {
    let outcome = world.transact(origin, &message(selector, arguments));
    let returned = outcome.result.unwrap();
    (returned.flags, returned.data)
}

fn done() -> (u32, Vec<u8>) {
    (0, vec![0, 0])
}

fn denied() -> (u32, Vec<u8>) {
    (1, vec![0, 1, 0])
}

fn not_met() -> (u32, Vec<u8>) {
    (1, vec![0, 1, 3])
}

/// A contract that does nothing.
fn idle() -> String {
    on_call("")
}

fn with_admin() -> World {
    let mut world = World::new();
    assert_eq!(act(&mut world, ALICE, selector::GRANT_ADMIN, BOB), done());
    world
}

#[test]
fn it_is_made_with_the_cluster() {
    let world = World::new();
    let facts = world.engine.contract(&world.state, &system()).unwrap().unwrap();
    assert_eq!((facts.code_hash, facts.owner, facts.weight), (system_code_hash(), ALICE, 0));
    let mut fresh = World::new();
    fresh.state.0.clear();
    let set_up = Operation::SetUpCluster {
        owner: BOB,
        gas_price: 0,
        deposit_per_item: 0,
        deposit_per_byte: 0,
        treasury: BOB,
    };
    let outcome = fresh.transact(BOB, &set_up);
    assert_eq!(outcome.instantiated, [(system(), BOB)]);
}

#[test]
fn answers_are_those_of_the_original() {
    let mut world = World::new();
    let version = world.run(Mode::Query, CAROL, &message(selector::VERSION, ()));
    assert_eq!(data(&version), [0, 1, 0, 2, 0, 0, 0]);
    let is_admin = world.run(Mode::Query, CAROL, &message(selector::IS_ADMIN, ALICE));
    assert_eq!(data(&is_admin), [0, 0], "the owner is no administrator");
    let weight = ([4_u8; 32], 5_u32);
    assert_eq!(act(&mut world, ALICE, selector::SET_CONTRACT_WEIGHT, weight), denied());
    assert_eq!(ask::<AccountId>(&world, selector::OWNER, ()), ALICE);
}

#[test]
fn what_is_no_message_is_answered_as_ink_does() {
    let mut world = World::new();
    for input in [&b""[..], b"abc", b"abcd", &selector::DEFAULT, &selector::IS_ADMIN] {
        let outcome = world.transact(ALICE, &call(system(), input));
        let returned = outcome.result.unwrap();
        assert_eq!((returned.flags, &returned.data[..]), (1, &[1, 1][..]), "{input:02x?}");
        assert_eq!(outcome.changes, []);
    }
    world.deposit(ALICE, 5);
    let paid = Operation::Call {
        contract: system(),
        input: selector::OWNER.to_vec(),
        value: 5,
    };
    assert!(matches!(world.transact(ALICE, &paid).result, Err(ExecutionError::Trapped(_))));
}

#[test]
fn administrators_are_made_by_the_owner() {
    let mut world = World::new();
    assert_eq!(act(&mut world, BOB, selector::GRANT_ADMIN, BOB), denied());
    let outcome = world.transact(ALICE, &message(selector::GRANT_ADMIN, BOB));
    assert_eq!(outcome.events.len(), 1);
    assert_eq!(outcome.events[0].contract, system());
    assert_eq!(outcome.events[0].data, BOB.encode());
    let topic = wire::domain::blake2_256(b"AdministratorAdded(AccountId)");
    assert_eq!(outcome.events[0].topics, [topic]);
    assert!(ask::<bool>(&world, selector::IS_ADMIN, BOB));
    assert!(!ask::<bool>(&world, selector::IS_ADMIN, CAROL));
}

#[test]
fn drivers_have_a_history_and_some_are_there_from_the_start() {
    let mut world = with_admin();
    let get = |world: &World, name: &str| {
        ask::<Option<AccountId>>(world, selector::GET_DRIVER, name.to_owned())
    };
    let logger = AccountId::from(logger_id(&CLUSTER));
    assert_eq!(get(&world, driver::LOGGER), Some(logger));
    assert_eq!(get(&world, driver::CONTRACT_DEPOSIT), Some(system().into()));
    assert_eq!(get(&world, driver::JS_RUNTIME), None);
    assert_eq!(get(&world, driver::SIDEVM_OPERATION), None);

    let set = |name: &str, account: AccountId| (name.to_owned(), account);
    assert_eq!(act(&mut world, CAROL, selector::SET_DRIVER, set("Mine", CAROL)), denied());
    world.block = 8;
    assert_eq!(act(&mut world, BOB, selector::SET_DRIVER, set("Mine", BOB)), done());
    world.block = 9;
    let outcome = world.transact(ALICE, &message(selector::SET_DRIVER, set("Mine", CAROL)));
    assert_eq!(data(&outcome), [0, 0]);
    assert_eq!(outcome.events.len(), 1);
    let event = &outcome.events[0];
    assert_eq!(event.data, ("Mine".to_owned(), Some(BOB), CAROL).encode());
    let mut name = [0; 32];
    name[..5].copy_from_slice(b"\x10Mine");
    let signature = b"DriverChanged(String,Option<AccountId>,AccountId)";
    assert_eq!(event.topics, [wire::domain::blake2_256(signature), name]);
    assert_eq!(get(&world, "Mine"), Some(CAROL));
    let since: Option<(u32, AccountId)> = ask(&world, selector::GET_DRIVER2, "Mine".to_owned());
    assert_eq!(since, Some((9, CAROL)));
    let history: Option<Vec<(u32, AccountId)>> =
        ask(&world, selector::DRIVER_HISTORY, "Mine".to_owned());
    assert_eq!(history, Some(vec![(8, BOB), (9, CAROL)]));
    let nobody: Option<Vec<(u32, AccountId)>> =
        ask(&world, selector::DRIVER_HISTORY, "Nobody".to_owned());
    assert_eq!(nobody, None);
    let long = "x".repeat(129);
    assert_eq!(act(&mut world, BOB, selector::SET_DRIVER, set(&long, BOB)), not_met());
}

#[test]
fn well_known_drivers_change_the_cluster() {
    let mut world = with_admin();
    for name in [driver::LOGGER, driver::JS_RUNTIME] {
        let set = (name.to_owned(), CAROL);
        let outcome = world.transact(BOB, &message(selector::SET_DRIVER, set));
        assert_eq!(data(&outcome), [0, 0]);
        assert_eq!(outcome.events.len(), 2, "the effect, and the news of the driver");
        assert_eq!(outcome.events[0].topics, [contract_abi::event::TOPIC]);
        let got: Option<AccountId> = ask(&world, selector::GET_DRIVER, name.to_owned());
        assert_eq!(got, Some(CAROL));
    }
    let history: Option<Vec<(u32, AccountId)>> =
        ask(&world, selector::DRIVER_HISTORY, driver::LOGGER.to_owned());
    assert_eq!(history, Some(vec![(0, logger_id(&CLUSTER).into()), (7, CAROL)]));
}

#[test]
fn weights_are_set_by_administrators_and_by_stakes() {
    let mut world = with_admin();
    let contract = world.deploy(&idle());
    let weight = |world: &World| {
        let facts = world.engine.contract(&world.state, &contract).unwrap();
        facts.unwrap().weight
    };
    let set = selector::SET_CONTRACT_WEIGHT;
    assert_eq!(act(&mut world, ALICE, set, (contract, 5_u32)), denied());
    assert_eq!(act(&mut world, BOB, set, (contract, 5_u32)), done());
    assert_eq!(weight(&world), 5);
    assert_eq!(act(&mut world, BOB, set, ([9_u8; 32], 5_u32)), not_met());
    let change = selector::CHANGE_DEPOSIT;
    for origin in [ALICE, BOB, CAROL] {
        let refused = act(&mut world, origin, change, (contract, PHA));
        assert_eq!(refused, (1, vec![0, 1, 2]), "bad origin");
    }
    assert_eq!(act(&mut world, system().into(), change, (contract, 3 * PHA)), done());
    assert_eq!(weight(&world), 300);
    let nobody = act(&mut world, system().into(), change, ([9_u8; 32], PHA));
    assert_eq!(nobody, (1, vec![0, 1, 1, 3]));
    assert_eq!(act(&mut world, system().into(), change, (contract, u128::MAX)), done());
    assert_eq!(weight(&world), u32::MAX);
    assert_eq!(act(&mut world, system().into(), change, (contract, 0_u128)), done());
    assert_eq!(weight(&world), 0);
    let key = [b"v", &contract.0[..]].concat();
    assert!(!world.state.0.contains_key(&key), "no weight takes no place");
}

#[test]
fn another_driver_of_deposits_gets_the_message_and_may_answer_by_calling_back() {
    let mut world = World::new();
    let contract = world.deploy(&idle());
    // Answers any stake by setting the weight of the contract in the message to 9.
    let driver = world.deploy(&on_call(&format!(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 1024) (i32.const 0x189bec45))
        (i32.store (i32.const 1060) (i32.const 9))
        (i32.store (i32.const 4) (i32.const 4096))
        (drop (call $seal1_call (i32.const 4) (i32.const 512) (i64.const 0) (i32.const 64)
          (i32.const 1024) (i32.const 40) (i32.const 8192) (i32.const 4))))
        (data (i32.const 512) "{}""#,
        text(system().as_ref())
    )));
    let name = driver::CONTRACT_DEPOSIT.to_owned();
    act(&mut world, ALICE, selector::GRANT_ADMIN, driver);
    act(&mut world, ALICE, selector::SET_DRIVER, (name, driver));
    let change = act(&mut world, system().into(), selector::CHANGE_DEPOSIT, (contract, PHA));
    assert_eq!(change, done());
    let facts = world.engine.contract(&world.state, &contract).unwrap().unwrap();
    assert_eq!(facts.weight, 9);
}

#[test]
fn it_acts_for_nothing_where_others_pay() {
    let mut world = World::with_prices(Prices {
        gas: 1,
        item: 10,
        byte: 1,
    });
    world.deposit(ALICE, 1 << 60);
    let contract = world.deploy(&idle());
    let change = message(selector::CHANGE_DEPOSIT, (contract, PHA));
    let outcome = world.transact(system().into(), &change);
    assert_eq!(data(&outcome), [0, 0]);
    let refused = world.transact(BOB, &message(selector::OWNER, ()));
    assert_eq!(refused.result, Err(ExecutionError::BalanceTooLow));
    let asked = world.transact(ALICE, &message(selector::OWNER, ()));
    assert!(asked.gas_consumed > 0);
    world.gas_limit = 1_000;
    let hurried = world.transact(ALICE, &message(selector::OWNER, ()));
    assert_eq!(hurried.result, Err(ExecutionError::OutOfGas));
}

#[test]
fn balances_and_code_are_told() {
    let mut world = World::new();
    world.deposit(BOB, 70);
    for selector in [selector::TOTAL_BALANCE_OF, selector::FREE_BALANCE_OF] {
        assert_eq!(ask::<u128>(&world, selector, BOB), 70);
        assert_eq!(ask::<u128>(&world, selector, CAROL), 0);
    }
    let contract = world.deploy(&idle());
    let hash = code_hash(&wat::parse_str(idle()).unwrap());
    assert!(ask::<bool>(&world, selector::CODE_EXISTS, (hash, CodeType::Ink)));
    assert!(!ask::<bool>(&world, selector::CODE_EXISTS, (hash, CodeType::Sidevm)));
    assert!(!ask::<bool>(&world, selector::CODE_EXISTS, ([1_u8; 32], CodeType::Ink)));
    let told = |account: ContractId| {
        ask::<Option<[u8; 32]>>(&world, selector::CODE_HASH, account)
    };
    assert_eq!(told(contract), Some(hash.0));
    assert_eq!(told(system()), Some(system_code_hash().0));
    assert_eq!(told(ContractId([1; 32])), None);
    let head: (u64, [u8; 32]) = ask(&world, selector::CURRENT_EVENT_CHAIN_HEAD, ());
    assert_eq!(head, (0, [0; 32]));
}

#[test]
fn sidevm_is_not_offered_to_those_who_might() {
    let mut world = with_admin();
    let config = SidevmConfig {
        max_code_size: 1,
        max_memory_pages: 1,
        vital_capacity: 1,
        deadline: 1,
    };
    let (contract, code) = ([1_u8; 32], [2_u8; 32]);
    let messages: [(_, Vec<u8>); 4] = [
        (selector::DEPLOY_SIDEVM_TO, (contract, code).encode()),
        (
            selector::DEPLOY_SIDEVM_TO_WORKERS,
            (contract, code, vec![[3_u8; 32]], config).encode(),
        ),
        (selector::SET_SIDEVM_DEADLINE, (contract, 5_u32).encode()),
        (selector::STOP_SIDEVM_AT, contract.encode()),
    ];
    for (selector, arguments) in messages {
        let mut run = |origin| {
            let input = [&selector[..], &arguments].concat();
            let outcome = world.transact(origin, &call(system(), &input));
            let returned = outcome.result.unwrap();
            (returned.flags, returned.data)
        };
        assert_eq!(run(ALICE), denied());
        assert_eq!(run(BOB), not_met());
        let short = world.transact(BOB, &call(system(), &selector));
        assert_eq!(short.result.unwrap().data, [1, 1]);
    }
}

#[test]
fn it_cannot_be_upgraded_but_what_contracts_are_told_can() {
    let mut world = World::new();
    assert_eq!(act(&mut world, BOB, selector::UPGRADE_SYSTEM_CONTRACT, ()), denied());
    assert_eq!(act(&mut world, ALICE, selector::UPGRADE_SYSTEM_CONTRACT, ()), not_met());
    let from = (1_u16, 1_u16, 0_u16);
    assert_eq!(act(&mut world, ALICE, selector::DO_UPGRADE, from), denied());
    assert_eq!(act(&mut world, system().into(), selector::DO_UPGRADE, from), not_met());
    assert_eq!(act(&mut world, BOB, selector::UPGRADE_RUNTIME, (1_u32, 1_u32)), denied());
    assert_eq!(act(&mut world, ALICE, selector::UPGRADE_RUNTIME, (2_u32, 0_u32)), not_met());
    assert_eq!(act(&mut world, ALICE, selector::UPGRADE_RUNTIME, (1_u32, 1_u32)), done());
    let contract = world.deploy(&extension());
    let told = data(&world.query(contract, &[&21_u32.to_le_bytes()[..], &[100, 0, 0, 0]].concat()));
    assert_eq!(told[4..], (1_u32, 1_u32).encode());
}

/// Calls the system contract with its input, and returns the code and the answer.
fn asking(function: &str) -> String {
    on_call(&format!(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 4) (i32.const 4096))
        (i32.store8 (i32.const 8191) {function})
        (call $seal0_seal_return (i32.const 0) (i32.const 8191)
          (i32.add (i32.load (i32.const 4)) (i32.const 1))))
        (data (i32.const 512) "{}") (data (i32.const 600) "{}""#,
        text(system().as_ref()),
        text(system_code_hash().as_ref()),
    ))
}

fn plain(flags: u32) -> String {
    asking(&format!(
        "(call $seal1_call (i32.const {flags}) (i32.const 512) (i64.const 0) (i32.const 64)
          (i32.const 1024) (i32.load (i32.const 0)) (i32.const 8192) (i32.const 4))"
    ))
}

#[test]
fn contracts_call_it_like_any_other() {
    let mut world = World::new();
    let contract = world.deploy(&plain(0));
    let through = |world: &mut World, input: &[u8]| -> Outcome { world.call(contract, input) };
    let owner = through(&mut world, &selector::OWNER);
    assert_eq!(data(&owner), [&[0, 0], ALICE.as_ref()].concat());
    let grant = [&selector::GRANT_ADMIN[..], &BOB.encode()].concat();
    let refused = through(&mut world, &grant);
    assert_eq!(data(&refused), [2, 0, 1, 0], "the contract is not the owner");
    assert!(refused.gas_consumed > owner.gas_consumed / 2);
    let unknown = through(&mut world, b"none");
    assert_eq!(data(&unknown), [2, 1, 1]);

    act(&mut world, ALICE, selector::GRANT_ADMIN, contract);
    let set = (driver::LOGGER.to_owned(), contract).encode();
    let set = [&selector::SET_DRIVER[..], &set].concat();
    assert_eq!(data(&through(&mut world, &set)), [0, 0, 0]);
    let now: Option<AccountId> = ask(&world, selector::GET_DRIVER, driver::LOGGER.to_owned());
    assert_eq!(now, Some(contract.into()));

    let reader = world.deploy(&plain(16));
    act(&mut world, ALICE, selector::GRANT_ADMIN, reader);
    assert_eq!(data(&world.call(reader, &set)), [&[1][..], &[0; 4096][..]].concat());
    let owner = data(&world.call(reader, &selector::OWNER));
    assert_eq!(owner, [&[0, 0], ALICE.as_ref()].concat());
}

#[test]
fn its_code_is_nobody_elses() {
    let mut world = World::new();
    let delegate = world.deploy(&asking(
        "(call $seal0_delegate_call (i32.const 0) (i32.const 600) (i32.const 1024)
          (i32.load (i32.const 0)) (i32.const 8192) (i32.const 4))",
    ));
    assert_eq!(data(&world.call(delegate, &selector::OWNER))[0], 7, "no such code");
    let become_it = world.deploy(&asking("(call $seal0_set_code_hash (i32.const 600))"));
    assert_eq!(data(&world.call(become_it, &[]))[0], 7);
    let is_contract = world.deploy(&asking("(call $seal0_is_contract (i32.const 512))"));
    assert_eq!(data(&world.call(is_contract, &[]))[0], 1);
    let hash = world.deploy(&asking(
        "(call $seal0_code_hash (i32.const 512) (i32.const 8192) (i32.const 4))",
    ));
    let told = data(&world.call(hash, &[]));
    assert_eq!(told, [&[0], system_code_hash().as_ref()].concat());
    let made = world.instantiate(system_code_hash(), &[]).1.result;
    assert_eq!(made, Err(ExecutionError::CodeNotFound));
}
