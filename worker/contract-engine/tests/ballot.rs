//! The ballot: a real ink! 5 contract, built from its source and run through a whole election.

use std::path::Path;

use codec::Encode;
use contract_build::{BuildOptions, build};
use executor_api::{Mode, Outcome};
use primitives::{AccountId, ContractId};

use crate::oracle::compare;
use crate::world::{ALICE, BOB, Prices, World, call, data};

const CSV: &str = include_str!("../../../guest/examples/ballot/data/montreal-2013-mayoral.csv");

/// Selectors of the contract's messages: the first bytes of blake2b-256 of their names.
const NEW: [u8; 4] = [0x9b, 0xae, 0x9d, 0x5e];
const REPORT: [u8; 4] = [0xf3, 0x0f, 0x46, 0x4c];
const CLOSE: [u8; 4] = [0x3c, 0x92, 0x21, 0x66];
const TALLY: [u8; 4] = [0x96, 0x9b, 0x66, 0xea];
const MY_REPORT: [u8; 4] = [0x7d, 0x9b, 0x8d, 0x8a];

/// The contract as `cargo xtask` has built it, or built here, which takes minutes the first time.
fn code() -> Vec<u8> {
    if let Some(built) = std::env::var_os("PHAT_BALLOT_CONTRACT") {
        return std::fs::read(Path::new(&built).with_extension("wasm")).unwrap();
    }
    let folder = Path::new("../../guest/examples/ballot");
    let mut options = BuildOptions::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("toolchains"));
    options.target_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("ballot"));
    build(folder, &options, &mut |line| eprintln!("{line}"))
        .unwrap()
        .wasm
}

fn districts() -> Vec<(u32, Vec<u64>)> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let votes = fields[1..4]
            .iter()
            .map(|votes| votes.parse().unwrap())
            .collect();
        (fields[7].parse().unwrap(), votes)
    };
    CSV.lines().skip(1).map(row).collect()
}

fn officer(district: u32) -> AccountId {
    let mut account = [0x0f; 32];
    account[..4].copy_from_slice(&district.to_le_bytes());
    AccountId(account)
}

fn message(selector: [u8; 4], arguments: impl Encode) -> Vec<u8> {
    [selector.to_vec(), arguments.encode()].concat()
}

/// The tally starts with `Ok(Ok(…))`, candidates with votes, and candidates with districts.
fn tally_bytes(votes: [u64; 3], won: [u32; 3]) -> Vec<u8> {
    let names = ["Coderre", "Bergeron", "Joly"];
    let votes: Vec<_> = names.into_iter().zip(votes).collect();
    let won: Vec<_> = names.into_iter().zip(won).collect();
    [vec![0, 0], (votes, won).encode()].concat()
}

fn tally(world: &World, contract: ContractId, who: AccountId) -> Outcome {
    world.run(Mode::Query, who, &call(contract, &message(TALLY, ())))
}

#[test]
fn an_election_from_set_up_to_result() {
    let mut world = World::with_prices(Prices {
        gas: 0,
        item: 1,
        byte: 1,
    });
    world.deposit(ALICE, 1 << 60);
    let hash = world.upload(&code()).unwrap();
    let officers: Vec<_> = districts()
        .iter()
        .map(|(id, _)| (*id, officer(*id)))
        .collect();
    let names = vec!["Coderre", "Bergeron", "Joly"];
    let (contract, outcome) = world.instantiate(hash, &message(NEW, (ALICE, names, officers)));
    data(&outcome);

    for (district, votes) in districts() {
        world.deposit(officer(district), 1_000_000);
        let report = call(contract, &message(REPORT, (district, &votes)));
        compare(&world, Mode::Transaction, officer(district), &report);
        let by_another = world.transact(BOB, &report).result.unwrap();
        assert!(by_another.is_reverted(), "only the officer reports");
        assert_eq!(data(&world.transact(officer(district), &report)), [0, 0]);
        let again = world.transact(officer(district), &report).result.unwrap();
        assert!(again.is_reverted(), "a second report is refused");
    }
    let (district, votes) = districts().swap_remove(3);
    let asked = call(contract, &message(MY_REPORT, district));
    let seen = world.run(Mode::Query, officer(district), &asked);
    // Ok(Ok(Some(report))): district, votes, order, block.
    let report = [
        vec![0, 0, 1],
        (district, votes, 4_u32, world.block).encode(),
    ]
    .concat();
    assert_eq!(data(&seen), report);

    for who in [ALICE, BOB] {
        compare(&world, Mode::Query, who, &call(contract, &message(TALLY, ())));
    }
    let early = tally(&world, contract, BOB).result.unwrap();
    assert!(
        early.is_reverted(),
        "the tally is closed to others until the close"
    );
    assert_eq!(data(&world.call(contract, &message(CLOSE, ()))), [0, 0]);
    let expected = tally_bytes([149_467, 118_637, 123_062], [29, 15, 14]);
    assert!(data(&tally(&world, contract, BOB)).starts_with(&expected));
}
