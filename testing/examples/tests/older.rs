//! Contracts of 2022 and 2023, as they were compiled with the published SDKs of that time.

use codec::Decode;
use examples::{Behaviour, Source};
use primitives::{AccountId, Balance};

use crate::world::{OWNER, STRANGER, World, blake2_256};

const INK3: &[u8] = include_bytes!("../older/ink3.wasm");
const INK4: &[u8] = include_bytes!("../older/ink4.wasm");
/// Where `pink-extension` finds its system contract and the cluster's worker.
const WORKER: [u8; 32] = [0x77; 32];

#[derive(Debug, Decode)]
struct Surroundings {
    in_transaction: bool,
    system: AccountId,
    worker: [u8; 32],
    time: bool,
    random: [Vec<u8>; 2],
    code_exists: bool,
    total_balance: Balance,
}

/// ink! 3 returns values bare: a message that traps is its only error.
fn bare<R: Decode>(data: &[u8]) -> R {
    let mut rest = data;
    let value = R::decode(&mut rest).unwrap();
    assert!(rest.is_empty(), "nothing is left over");
    value
}

#[test]
fn a_contract_of_ink_3_runs() {
    let mut world = World::new();
    let contract = world.deploy_code(INK3.to_vec(), true);
    let get = |world: &World| bare::<(bool, u32)>(&world.ask(STRANGER, contract, "get", ()).unwrap());
    assert_eq!(get(&world), (true, 0));
    let flipped = world.send(OWNER, contract, "flip", (), 0);
    assert!(!flipped.result.unwrap().is_reverted());
    let [event] = flipped.events.as_slice() else {
        panic!("one event: {:?}", flipped.events);
    };
    assert_eq!(event.data, [&[0], &OWNER.0[..], &[0]].concat(), "its number, who, the value");
    assert_eq!(get(&world), (false, 1));

    world.send(OWNER, contract, "set_name", "Ada", 0).result.unwrap();
    let name = |who| bare::<Option<String>>(&world.ask(who, contract, "name", ()).unwrap());
    assert_eq!(name(OWNER), Some("Ada".to_owned()));
    assert_eq!(name(STRANGER), None);
    let digest = world.ask(STRANGER, contract, "digest", b"abc".to_vec()).unwrap();
    assert_eq!(digest, blake2_256(b"abc"));
}

#[test]
fn a_contract_of_ink_3_is_paid_and_pays() {
    let mut world = World::new();
    world.deposit(OWNER, 1_000_000_000_000);
    let contract = world.deploy_code(INK3.to_vec(), true);
    let paid = world.send(OWNER, contract, "pay", STRANGER, 1_000_000).result.unwrap();
    assert!(!paid.is_reverted(), "{paid:?}");
    assert_eq!(bare::<Balance>(&paid.data), 500_000, "half of it was given on");
    let refused = world.send(OWNER, contract, "flip", (), 1).result;
    assert!(refused.is_err() || refused.unwrap().is_reverted(), "flip takes no money");
}

#[test]
fn a_contract_of_the_published_sdk_flips_and_keeps_names() {
    let mut world = World::new();
    let contract = world.deploy_code(INK4.to_vec(), ());
    assert_eq!(world.query(STRANGER, contract, "get", ()), Ok(false));
    assert_eq!(world.command(OWNER, contract, "flip", ()), Ok(true));
    assert_eq!(world.query(STRANGER, contract, "get", ()), Ok(true));
    world.command::<()>(OWNER, contract, "set_name", "Ada").unwrap();
    assert_eq!(world.query(OWNER, contract, "name", ()), Ok(Some("Ada".to_owned())));
    world.command::<()>(OWNER, contract, "set_name", "").unwrap();
    assert_eq!(world.query::<Option<String>>(OWNER, contract, "name", ()), Ok(None));
}

#[test]
fn a_contract_of_the_published_sdk_knows_where_it_runs() {
    let mut world = World::new();
    let contract = world.deploy_code(INK4.to_vec(), ());
    let found: Surroundings = world.query(OWNER, contract, "surroundings", ()).unwrap();
    assert!(!found.in_transaction && found.time && !found.code_exists);
    assert_eq!(found.worker, WORKER);
    assert_eq!(found.total_balance, 0);
    assert_ne!(found.random[0], found.random[1]);
    assert_eq!(found.system, world.system());
    let stated: Surroundings = world.command(OWNER, contract, "surroundings", ()).unwrap();
    assert!(stated.in_transaction);
    assert_eq!(stated.random, [Vec::<u8>::new(), Vec::new()], "no randomness in a transaction");
}

#[test]
fn a_contract_of_the_published_sdk_signs_with_each_kind_of_key() {
    let mut world = World::new();
    let contract = world.deploy_code(INK4.to_vec(), ());
    let holds: Vec<bool> = world.query(OWNER, contract, "signatures", ()).unwrap();
    assert_eq!(holds, [true, false, true, false, true, false, true]);
}

#[test]
fn a_contract_of_the_published_sdk_fetches() {
    let mut world = World::new();
    let contract = world.deploy_code(INK4.to_vec(), ());
    let source = Source::start(Behaviour::Says("{\"price\":4}".to_owned())).unwrap();
    let dead = Source::start(Behaviour::Fails(503)).unwrap();
    let (answer, lines) =
        world.query_with_logs::<(u16, Vec<u8>)>(OWNER, contract, "fetch", source.url());
    assert_eq!(answer, Ok((200, b"{\"price\":4}".to_vec())));
    assert_eq!(lines, [format!("fetching {}", source.url())]);
    let urls = vec![source.url(), "http://no.such.host.invalid/", dead.url()];
    let all: Vec<Option<u16>> = world.query(OWNER, contract, "fetch_all", urls).unwrap();
    assert_eq!(all[0], Some(200));
    assert_eq!(all[1], None);
    assert_eq!(all[2], Some(503));
}
