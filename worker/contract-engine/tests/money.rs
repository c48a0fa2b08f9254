//! Gas, deposits and transfers inside a cluster.

use codec::Decode as _;
use executor_api::{ExecutionError, Mode, Operation, StorageDeposit};
use primitives::{AccountId, Balance};

use crate::world::{ALICE, BOB, Prices, TREASURY, World, call, on_call, text};

fn balance(world: &World, account: AccountId) -> Balance {
    let key = [b"b", account.as_ref()].concat();
    world
        .state
        .0
        .get(&key)
        .map_or(0, |bytes| Balance::decode(&mut &bytes[..]).unwrap())
}

/// Stores its input under one key; with empty input removes it.
fn keeper() -> String {
    on_call(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (if (i32.load (i32.const 0))
          (then (drop (call $seal2_set_storage
            (i32.const 16) (i32.const 4) (i32.const 1024) (i32.load (i32.const 0)))))
          (else (drop (call $seal1_clear_storage (i32.const 16) (i32.const 4)))))
        "#,
    )
}

#[test]
fn used_gas_goes_to_the_treasury_and_the_rest_back() {
    let mut world = World::with_prices(Prices {
        gas: 2,
        ..Prices::default()
    });
    world.deposit(ALICE, 1 << 60);
    let contract = world.deploy(&keeper());
    let (alice, treasury) = (balance(&world, ALICE), balance(&world, TREASURY));
    let outcome = world.call(contract, b"x");
    outcome.result.unwrap();
    let paid = Balance::from(outcome.gas_consumed) * 2;
    assert!(paid > 0);
    assert_eq!(balance(&world, ALICE), alice - paid);
    assert_eq!(balance(&world, TREASURY), treasury + paid);
}

#[test]
fn a_call_that_fails_still_pays_its_gas() {
    let mut world = World::with_prices(Prices {
        gas: 1,
        ..Prices::default()
    });
    world.deposit(ALICE, 1 << 60);
    let contract = world.deploy(&on_call("unreachable"));
    let (alice, treasury) = (balance(&world, ALICE), balance(&world, TREASURY));
    let outcome = world.call(contract, &[]);
    assert!(outcome.result.is_err());
    assert_eq!(outcome.changes.len(), 2);
    assert_eq!(
        balance(&world, ALICE) + balance(&world, TREASURY),
        alice + treasury
    );
    assert!(balance(&world, TREASURY) > treasury);
}

#[test]
fn whoever_cannot_pay_may_ask_but_not_act() {
    let prices = Prices {
        gas: 1,
        item: 10,
        byte: 1,
    };
    let mut world = World::with_prices(prices);
    world.deposit(ALICE, 1 << 60);
    let contract = world.deploy(&keeper());
    for mode in [Mode::Query, Mode::Estimate] {
        let operation = Operation::Call {
            contract,
            input: b"x".to_vec(),
            value: 9,
        };
        let outcome = world.run(mode, BOB, &operation);
        outcome.result.unwrap();
        assert_eq!(outcome.changes, []);
        assert!(matches!(outcome.storage_deposit, StorageDeposit::Charge(charge) if charge >= 15));
    }
    let outcome = world.transact(BOB, &call(contract, b"x"));
    assert_eq!(outcome.result, Err(ExecutionError::BalanceTooLow));
    assert_eq!(outcome.changes, []);
}

#[test]
fn an_estimate_is_enough_for_the_transaction() {
    let mut world = World::with_prices(Prices {
        gas: 1,
        item: 10,
        byte: 1,
    });
    world.deposit(ALICE, 1 << 60);
    let contract = world.deploy(&keeper());
    let estimate = world.run(Mode::Estimate, ALICE, &call(contract, b"value"));
    let StorageDeposit::Charge(deposit) = estimate.storage_deposit else {
        panic!("a refund")
    };
    world.gas_limit = estimate.gas_required;
    world.storage_deposit_limit = Some(deposit);
    world.call(contract, b"value").result.unwrap();
    world.gas_limit = 1_000_000;
    assert_eq!(
        world.call(contract, b"other").result,
        Err(ExecutionError::OutOfGas)
    );
}

#[test]
fn a_storage_deposit_is_charged_and_given_back() {
    let mut world = World::with_prices(Prices {
        item: 100,
        byte: 3,
        ..Prices::default()
    });
    world.deposit(ALICE, 1 << 60);
    let contract = world.deploy(&keeper());
    let before = balance(&world, ALICE);
    // One item of 4 bytes of key and 5 of value.
    let deposit = 100 + 3 * 9;
    let outcome = world.call(contract, b"value");
    assert_eq!(outcome.storage_deposit, StorageDeposit::Charge(deposit));
    assert_eq!(balance(&world, ALICE), before - deposit);
    let outcome = world.call(contract, b"val");
    assert_eq!(outcome.storage_deposit, StorageDeposit::Refund(6));
    let outcome = world.call(contract, b"");
    assert_eq!(outcome.storage_deposit, StorageDeposit::Refund(deposit - 6));
    assert_eq!(balance(&world, ALICE), before);
}

#[test]
fn a_deposit_above_the_limit_or_the_balance_undoes_the_call() {
    let mut world = World::with_prices(Prices {
        item: 100,
        byte: 3,
        ..Prices::default()
    });
    world.deposit(ALICE, 1 << 60);
    world.deposit(BOB, 50);
    let contract = world.deploy(&keeper());
    world.storage_deposit_limit = Some(126);
    let outcome = world.call(contract, b"value");
    assert_eq!(outcome.result, Err(ExecutionError::StorageDepositLimit));
    assert_eq!(outcome.changes, []);
    world.storage_deposit_limit = None;
    let outcome = world.transact(BOB, &call(contract, b"value"));
    assert_eq!(outcome.result, Err(ExecutionError::BalanceTooLow));
    assert_eq!(outcome.changes, []);
}

#[test]
fn a_contract_pays_out_what_it_was_sent_and_no_more() {
    let mut world = World::new();
    world.deposit(ALICE, 1_000);
    let contract = world.deploy(&on_call(&format!(
        r#"
        (i32.store8 (i32.const 8192) (call $seal0_transfer
          (i32.const 512) (i32.const 32) (i32.const 544) (i32.const 16)))
        (call $seal0_seal_return (i32.const 0) (i32.const 8192) (i32.const 1)))
        (data (i32.const 512) "{}") (data (i32.const 544) "\64""#,
        text(BOB.as_ref())
    )));
    let mut pay = |value| {
        let operation = Operation::Call {
            contract,
            input: Vec::new(),
            value,
        };
        world
            .transact(ALICE, &operation)
            .result
            .map(|returned| returned.data)
    };
    assert_eq!(pay(0), Ok(vec![5]), "nothing to pay with");
    assert_eq!(pay(150), Ok(vec![0]));
    assert_eq!(pay(10), Ok(vec![5]), "60 are left of 100 needed");
    assert_eq!(pay(10_000), Err(ExecutionError::BalanceTooLow));
    assert_eq!(balance(&world, BOB), 100);
    assert_eq!(balance(&world, contract.into()), 60);
    assert_eq!(balance(&world, ALICE), 840);
}
