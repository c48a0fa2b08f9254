//! The program in the real engine, beside the same computation in plain Rust.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use benchmark::{
    Benchmark, BenchmarkError, COMPUTE_TURNS, MEMORY_RESULT, MEMORY_TURNS, PROGRAM, ROUND_RESULT,
    Work,
};
use contract_engine::{Engine, EngineConfig, code_hash};
use executor_api::{
    Capabilities, Context, ContractFacts, Executor, Operation, Outcome, Part, StateUnavailable,
    StateView, Turn, Unshared,
};
use primitives::{AccountId, ContractId};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use wire::limits::ClusterLimits;

fn mix(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// What the program computes.
fn expected(compute: u32, memory: u32) -> u64 {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    let mut words = vec![0u64; 0x10_0000 / 8];
    // The length of the input, and the input.
    words[0] = 8;
    words[2] = u64::from(compute) | u64::from(memory) << 32;
    for turn in (1..=compute).rev() {
        x = mix(x.wrapping_add(u64::from(turn)));
        let place = &mut words[((0x1_0000 + (x & 0x7ff8)) / 8) as usize];
        x = match x & 0x1_0000 {
            0 => (x ^ *place).rotate_left(13),
            _ => x.wrapping_add(place.wrapping_mul(3)),
        };
        *place = x;
    }
    for turn in (1..=memory).rev() {
        x = mix(x.wrapping_add(u64::from(turn)));
        let place = &mut words[((x & 0xf_fff8) / 8) as usize];
        x = x.wrapping_add(*place);
        *place = x;
    }
    x
}

fn engine() -> Engine {
    let config = EngineConfig { executions_max: 2, ..EngineConfig::default() };
    Engine::new(&config).unwrap()
}

fn ready() -> Benchmark {
    Benchmark::new(Arc::new(engine()), code_hash(PROGRAM)).unwrap()
}

#[test]
fn the_binary_is_the_text() {
    let assembled = wat::parse_str(include_str!("../src/program.wat")).unwrap();
    assert!(assembled == PROGRAM, "assemble program.wat anew: {}", hex(&assembled));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_round_gives_what_plain_rust_gives() {
    assert_eq!(ROUND_RESULT, expected(COMPUTE_TURNS, MEMORY_TURNS), "of a round");
    assert_eq!(MEMORY_RESULT, expected(0, MEMORY_TURNS), "of the part on much memory");
    let benchmark = ready();
    assert_eq!(benchmark.run(Work::Round, &Unshared), Ok(true));
    assert_eq!(benchmark.run(Work::Memory, &Unshared), Ok(true));
}

/// An engine that leaves the last turn out.
struct Lazy(Engine);

impl Executor for Lazy {
    fn execute(
        &self,
        state: &dyn StateView,
        capabilities: &dyn Capabilities,
        context: &Context,
        operation: &Operation,
    ) -> Result<Outcome, StateUnavailable> {
        let mut operation = operation.clone();
        if let Operation::Call { input, .. } = &mut operation {
            input[4] -= 1;
        }
        self.0.execute(state, capabilities, context, &operation)
    }

    fn contract(
        &self,
        state: &dyn StateView,
        contract: &ContractId,
    ) -> Result<Option<ContractFacts>, StateUnavailable> {
        self.0.contract(state, contract)
    }

    fn part_of(&self, key: &[u8]) -> Part {
        self.0.part_of(key)
    }

    fn balance_key(&self, account: &AccountId) -> Vec<u8> {
        self.0.balance_key(account)
    }

    fn limits(&self, state: &dyn StateView) -> Result<ClusterLimits, StateUnavailable> {
        self.0.limits(state)
    }
}

#[test]
fn one_turn_that_is_left_out_is_found() {
    let lazy = Benchmark::new(Arc::new(Lazy(engine())), code_hash(PROGRAM));
    assert!(matches!(lazy.err(), Some(BenchmarkError::WrongResult { .. })));
}

/// Counts how often it was asked, and ends what asks once.
struct Ends(AtomicU32);

impl Turn for Ends {
    fn checkpoint(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed);
        false
    }

    fn pause(&self) {}

    fn resume(&self) -> bool {
        true
    }
}

#[test]
fn a_round_gives_the_processor_away_when_it_is_asked_to() {
    let benchmark = ready();
    let ends = Ends(AtomicU32::new(0));
    // One that is so short that nobody asks is done; that of a slow machine ends here.
    let ended = (0..10_000).any(|_| benchmark.run(Work::Round, &ends) == Ok(false));
    assert_eq!(ended, ends.0.load(Ordering::Relaxed) > 0, "what is ended is not counted");
}
