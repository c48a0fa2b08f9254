//! Two engines, one that compiles and one that interprets, and a cluster in memory.

use std::collections::BTreeMap;

use contract_engine::oracle::{self, HostFunction};
use contract_engine::{Engine, EngineConfig, code_hash, contract_id, limits};
use executor_api::{
    Capabilities, Context, ExecutionError, Executor as _, Mode, Operation, Outcome,
    StateUnavailable, StateView,
};
use primitives::{AccountId, ClusterId, ContractId, UnixMillis, WorkerId};

/// Who does everything.
const ALICE: AccountId = AccountId([0xa1; 32]);
const CLUSTER: ClusterId = ClusterId([0xcc; 32]);
/// Gas of an operation: enough for what generated modules do before they are made to end.
const GAS: u64 = 20_000_000_000;

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// A cluster's state.
#[derive(Clone, Default)]
pub struct State(Pairs);

impl StateView for State {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        Ok(self.0.get(key).cloned())
    }
}

impl State {
    fn apply(&mut self, outcome: &Outcome) {
        for (key, value) in outcome.changes.clone() {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}

struct Worker;

impl Capabilities for Worker {
    fn derive_sr25519_key(&self, contract: &ContractId, _: &[u8]) -> [u8; 64] {
        let mut key = [0; 64];
        key[..4].copy_from_slice(&contract.0[..4]);
        key
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(0x5a);
    }

    fn worker(&self) -> WorkerId {
        WorkerId([0x77; 32])
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        1_234
    }
}

/// The engines and a cluster that is set up.
pub struct Machines {
    compiled: Engine,
    interpreted: Engine,
    /// What can be imported.
    pub host: Vec<HostFunction>,
    cluster: State,
}

/// The engine that compiles and the same call's outcome on both.
impl Machines {
    /// Sets up both.
    pub fn new() -> Self {
        let config = EngineConfig {
            executions_max: 1,
            ..EngineConfig::default()
        };
        let compiled = Engine::new(&config).expect("this machine runs WebAssembly");
        let mut machines = Self {
            host: oracle::host_functions(&compiled),
            interpreted: oracle::interpreting(&config).expect("this machine runs WebAssembly"),
            compiled,
            cluster: State::default(),
        };
        let set_up = Operation::SetUpCluster {
            owner: ALICE,
            gas_price: 0,
            deposit_per_item: 0,
            deposit_per_byte: 0,
            treasury: ALICE,
        };
        let mut cluster = State::default();
        for operation in [
            set_up,
            Operation::Deposit {
                account: ALICE,
                amount: 1_000_000,
            },
        ] {
            let outcome = machines.compile(&cluster, Mode::Transaction, &operation);
            cluster.apply(&outcome);
        }
        machines.cluster = cluster;
        machines
    }

    fn execute(
        engine: &Engine,
        state: &State,
        mode: Mode,
        operation: &Operation,
    ) -> Outcome {
        let context = Context {
            mode,
            cluster: CLUSTER,
            origin: ALICE,
            block_number: 7,
            now_ms: 9_000,
            gas_limit: GAS,
            storage_deposit_limit: None,
            nonce: None,
        };
        let outcome = engine
            .execute(state, &Worker, &context, operation)
            .expect("a map in memory can be read");
        check_bounds(&outcome);
        outcome
    }

    fn compile(&self, state: &State, mode: Mode, operation: &Operation) -> Outcome {
        Self::execute(&self.compiled, state, mode, operation)
    }

    /// Whether `code` passes the check of an upload.
    pub fn is_accepted(&self, code: &[u8]) -> bool {
        self.compiled.check_code(code).is_ok()
    }

    /// Uploads `code`; `None` where it is refused.
    pub fn upload(&self, code: &[u8]) -> Option<State> {
        let upload = Operation::UploadCode {
            code: code.to_vec(),
        };
        let mut state = self.cluster.clone();
        let outcome = self.compile(&state, Mode::Transaction, &upload);
        match &outcome.result {
            Ok(_) => state.apply(&outcome),
            Err(ExecutionError::CodeRefused(_)) => return None,
            Err(error) => panic!("an upload ends in {error:?}"),
        }
        Some(state)
    }

    /// Runs `operation` on both machines and compares, unless gas or stack ran out somewhere.
    fn both(&self, state: &State, mode: Mode, operation: &Operation) -> Option<Outcome> {
        let exhausted = || {
            oracle::frames_exhausted(&self.compiled) + oracle::frames_exhausted(&self.interpreted)
        };
        let before = exhausted();
        let compiled = self.compile(state, mode, operation);
        let interpreted = Self::execute(&self.interpreted, state, mode, operation);
        if exhausted() != before {
            return None;
        }
        if let Some(difference) = oracle::difference(&compiled, &interpreted) {
            panic!("the machines differ in {mode:?}: {difference}");
        }
        Some(compiled)
    }

    /// Makes a contract of `code`, and if that works calls it with `input` as transaction and query.
    /// Both machines must agree on each.
    pub fn compare(&self, code: &[u8], input: &[u8]) {
        let Some(mut state) = self.upload(code) else {
            return;
        };
        let code_hash = code_hash(code);
        let contract = contract_id(&ALICE, &code_hash, &CLUSTER, b"");
        let instantiate = Operation::Instantiate {
            contract,
            code_hash,
            input: input.to_vec(),
            salt: Vec::new(),
            value: 100,
        };
        let Some(outcome) = self.both(&state, Mode::Transaction, &instantiate) else {
            return;
        };
        if !outcome.result.as_ref().is_ok_and(|r| !r.is_reverted()) {
            return;
        }
        state.apply(&outcome);
        let call = Operation::Call {
            contract,
            input: input.to_vec(),
            value: 10,
        };
        if let Some(outcome) = self.both(&state, Mode::Transaction, &call) {
            state.apply(&outcome);
            self.both(&state, Mode::Query, &call);
        }
    }
}

/// What holds for each execution, whatever ran.
fn check_bounds(outcome: &Outcome) {
    match &outcome.result {
        Err(ExecutionError::Bug(what)) => panic!("a bug of the engine: {what}"),
        Err(_) => assert_eq!(outcome.events, [], "events of an execution that failed"),
        Ok(returned) => assert!(returned.data.len() <= limits::OUTPUT_BYTES_MAX as usize),
    }
    assert!(outcome.debug_message.len() <= limits::DEBUG_BYTES_MAX);
    assert!(outcome.events.len() <= limits::EVENTS_MAX);
    assert!(outcome.gas_consumed <= outcome.gas_required.max(GAS).next_power_of_two());
    let keys = outcome.changes.iter().map(|(key, _)| key);
    assert!(keys.is_sorted_by(|a, b| a < b), "a key that changes twice");
}
