//! Queries share the processor, and end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};

use executor_api::{Capabilities, Context, ExecutionError, Executor, Mode, Outcome, Turn};
use primitives::{ContractId, UnixMillis, WorkerId};

use crate::world::{BOB, CLUSTER, Worker, World, call, data, on_call};

/// A worker that counts how often it is offered the processor, and ends queries from some count on.
struct Sharing {
    offers: AtomicU32,
    offers_max: u32,
}

impl Sharing {
    fn new(offers_max: u32) -> Self {
        Self {
            offers: AtomicU32::new(0),
            offers_max,
        }
    }
}

impl Turn for Sharing {
    fn checkpoint(&self) -> bool {
        self.offers.fetch_add(1, Ordering::SeqCst) < self.offers_max
    }

    fn pause(&self) {}

    fn resume(&self) -> bool {
        true
    }
}

impl Capabilities for Sharing {
    fn derive_sr25519_key(&self, contract: &ContractId, salt: &[u8]) -> [u8; 64] {
        Worker::default().derive_sr25519_key(contract, salt)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        Worker::default().fill_random(buffer);
    }

    fn worker(&self) -> WorkerId {
        Worker::default().worker()
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        Worker::default().untrusted_now_ms()
    }

    fn turn(&self) -> &dyn Turn {
        self
    }
}

fn run(world: &World, sharing: &Sharing, mode: Mode, contract: ContractId, gas: u64) -> Outcome {
    let context = Context {
        mode,
        cluster: CLUSTER,
        origin: BOB,
        block_number: 1,
        now_ms: 1,
        gas_limit: gas,
        storage_deposit_limit: None,
        nonce: None,
    };
    let operation = call(contract, &[]);
    world
        .engine
        .execute(&world.state, sharing, &context, &operation)
        .unwrap()
}

#[test]
fn an_endless_query_offers_the_processor_and_ends_when_it_is_refused() {
    let mut world = World::new();
    let contract = world.deploy(&on_call("(loop (br 0))"));
    for mode in [Mode::Query, Mode::Estimate] {
        let sharing = Sharing::new(3);
        let error = run(&world, &sharing, mode, contract, 0).result.unwrap_err();
        assert!(
            matches!(&error, ExecutionError::LimitReached(text) if text.contains("had to end")),
            "{error:?}"
        );
        assert_eq!(sharing.offers.load(Ordering::SeqCst), 4);
    }
}

#[test]
fn a_query_that_was_interrupted_goes_on_as_if_nothing_had_been() {
    let mut world = World::new();
    // Long enough for the clock to tick in it, whatever the processor.
    let contract = world.deploy(&on_call(
        "(local $i i32)
         (loop (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if 0 (i32.lt_u (local.get $i) (i32.const 200000000))))
         (i32.store (i32.const 8192) (local.get $i))
         (call $seal0_seal_return (i32.const 0) (i32.const 8192) (i32.const 4))",
    ));
    let sharing = Sharing::new(u32::MAX);
    let outcome = run(&world, &sharing, Mode::Query, contract, 0);
    assert_eq!(data(&outcome), 200_000_000_u32.to_le_bytes());
    assert_ne!(sharing.offers.load(Ordering::SeqCst), 0);
}

#[test]
fn a_transaction_has_no_clock() {
    let mut world = World::new();
    let contract = world.deploy(&on_call("(loop (br 0))"));
    let sharing = Sharing::new(0);
    let error = run(&world, &sharing, Mode::Transaction, contract, 0)
        .result
        .unwrap_err();
    assert_eq!(error, ExecutionError::OutOfGas);
    assert_eq!(sharing.offers.load(Ordering::SeqCst), 0);
}

#[test]
fn the_clock_wakes_up_again() {
    let mut world = World::new();
    let contract = world.deploy(&on_call("(loop (br 0))"));
    let world = Arc::new(world);
    // Queries that begin and end together, so that the clock is asked from several sides at once.
    for _ in 0..3 {
        let barrier = Barrier::new(2);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    barrier.wait();
                    let ended = run(&world, &Sharing::new(1), Mode::Query, contract, 0);
                    assert!(matches!(ended.result, Err(ExecutionError::LimitReached(_))));
                });
            }
        });
    }
}
