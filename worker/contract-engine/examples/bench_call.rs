//! Measures calls of a small contract, each with a fresh instance, on one thread.
//!
//! Prints one line: calls a second, and microseconds a call. The contract reads four bytes of its
//! input and one storage value, and returns; that is what the getter of an ink! contract does.

use std::time::{Duration, Instant};

use contract_engine::{Engine, EngineConfig, code_hash, contract_id};
use executor_api::{Capabilities, Context, Executor, Mode, Operation, StateUnavailable, StateView};
use primitives::{AccountId, ClusterId, ContractId, UnixMillis, WorkerId};

const GETTER: &str = r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "env" "memory" (memory 2 16))
  (data (i32.const 0) "\00\10\00\00\00\10\00\00")
  (func (export "deploy"))
  (func (export "call")
    (call $input (i32.const 1024) (i32.const 0))
    (drop (call $get (i32.const 16) (i32.const 4) (i32.const 8192) (i32.const 4)))
    (call $return (i32.const 0) (i32.const 8192) (i32.const 1))))"#;

/// Calls measured at a time.
const CALLS: u32 = 20_000;
/// Rounds, of which the best counts.
const ROUNDS: u32 = 5;

#[derive(Default)]
struct State(std::collections::BTreeMap<Vec<u8>, Vec<u8>>);

impl StateView for State {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        Ok(self.0.get(key).cloned())
    }
}

struct Worker;

impl Capabilities for Worker {
    fn derive_sr25519_key(&self, _: &ContractId, _: &[u8]) -> [u8; 64] {
        [0; 64]
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
    fn worker(&self) -> WorkerId {
        WorkerId::default()
    }
    fn untrusted_now_ms(&self) -> UnixMillis {
        0
    }
}

type Failure = Box<dyn std::error::Error>;

fn run(
    engine: &Engine,
    state: &mut State,
    mode: Mode,
    operation: &Operation,
) -> Result<(), Failure> {
    let context = Context {
        mode,
        cluster: ClusterId::default(),
        origin: AccountId::default(),
        block_number: 1,
        now_ms: 1,
        gas_limit: 0,
        storage_deposit_limit: None,
    };
    let outcome = engine.execute(state, &Worker, &context, operation)?;
    outcome.result?;
    for (key, value) in outcome.changes {
        match value {
            Some(value) => state.0.insert(key, value),
            None => state.0.remove(&key),
        };
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let engine = Engine::new(&EngineConfig::default())?;
    let mut state = State::default();
    let nobody = AccountId::default();
    let code = wat::parse_str(GETTER)?;
    let code_hash = code_hash(&code);
    let contract = contract_id(&nobody, &code_hash, &ClusterId::default(), b"");
    let set_up = Operation::SetUpCluster {
        owner: nobody,
        gas_price: 0,
        deposit_per_item: 0,
        deposit_per_byte: 0,
        treasury: nobody,
    };
    let instantiate = Operation::Instantiate {
        contract,
        code_hash,
        input: Vec::new(),
        salt: Vec::new(),
        value: 0,
    };
    for operation in [set_up, Operation::UploadCode { code }, instantiate] {
        run(&engine, &mut state, Mode::Transaction, &operation)?;
    }
    let call = Operation::Call {
        contract,
        input: vec![1, 2, 3, 4],
        value: 0,
    };
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            run(&engine, &mut state, Mode::Query, &call)?;
        }
        best = best.min(start.elapsed());
    }
    let each = best / CALLS;
    let a_second = f64::from(CALLS) / best.as_secs_f64();
    println!(
        "{a_second:.0} calls/s, {:.2} us a call",
        each.as_secs_f64() * 1e6
    );
    Ok(())
}
