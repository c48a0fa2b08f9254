//! A cluster in memory, and guests to run in it.

use std::collections::BTreeMap;

use contract_abi::extension::WorkerQuote;
use contract_engine::{Engine, EngineConfig, code_hash, contract_id};
use executor_api::{
    Capabilities, Context, ContractCache, ExecutionError, Executor, HttpClient, Mode, Operation,
    Outcome, ScriptEngine, StateUnavailable, StateView, Turn, Unshared,
};
use primitives::{AccountId, Balance, ClusterId, CodeHash, ContractId, UnixMillis, WorkerId};

pub const ALICE: AccountId = AccountId([0xa1; 32]);
pub const BOB: AccountId = AccountId([0xb0; 32]);
pub const TREASURY: AccountId = AccountId([0xee; 32]);
pub const CLUSTER: ClusterId = ClusterId([0xcc; 32]);

#[derive(Default)]
pub struct State(pub BTreeMap<Vec<u8>, Vec<u8>>);

impl StateView for State {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        Ok(self.0.get(key).cloned())
    }
}

/// What a worker offers; nothing that can be left out, unless a test puts it here.
#[derive(Default)]
pub struct Worker {
    pub http: Option<Box<dyn HttpClient>>,
    pub cache: Option<Box<dyn ContractCache>>,
    pub scripts: Option<Box<dyn ScriptEngine>>,
    pub quote: Option<WorkerQuote>,
    pub turn: Option<Box<dyn Turn>>,
}

impl Capabilities for Worker {
    fn derive_sr25519_key(&self, contract: &ContractId, salt: &[u8]) -> [u8; 64] {
        let mut key = [0; 64];
        key[..4].copy_from_slice(&contract.0[..4]);
        key[32..32 + salt.len()].copy_from_slice(salt);
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

    fn http(&self) -> Option<&dyn HttpClient> {
        self.http.as_deref()
    }

    fn cache(&self) -> Option<&dyn ContractCache> {
        self.cache.as_deref()
    }

    fn scripts(&self) -> Option<&dyn ScriptEngine> {
        self.scripts.as_deref()
    }

    fn quote(&self) -> Option<WorkerQuote> {
        self.quote.clone()
    }

    fn turn(&self) -> &dyn Turn {
        self.turn.as_deref().unwrap_or(&Unshared)
    }
}

#[derive(Clone, Copy, Default)]
pub struct Prices {
    pub gas: Balance,
    pub item: Balance,
    pub byte: Balance,
}

pub struct World {
    pub engine: Engine,
    pub state: State,
    pub block: u32,
    pub gas_limit: u64,
    pub storage_deposit_limit: Option<Balance>,
    pub nonce: Option<Vec<u8>>,
    pub worker: Worker,
}

impl World {
    pub fn new() -> Self {
        Self::with_prices(Prices::default())
    }

    pub fn with_prices(prices: Prices) -> Self {
        let config = EngineConfig {
            executions_max: 2,
            ..EngineConfig::default()
        };
        let mut world = Self {
            engine: Engine::new(&config).unwrap(),
            state: State::default(),
            block: 7,
            gas_limit: 0,
            storage_deposit_limit: None,
            nonce: None,
            worker: Worker::default(),
        };
        let set_up = Operation::SetUpCluster {
            owner: ALICE,
            gas_price: prices.gas,
            deposit_per_item: prices.item,
            deposit_per_byte: prices.byte,
            treasury: TREASURY,
        };
        world.transact(ALICE, &set_up).result.unwrap();
        world
    }

    pub fn run(&self, mode: Mode, origin: AccountId, operation: &Operation) -> Outcome {
        let context = Context {
            mode,
            cluster: CLUSTER,
            origin,
            block_number: self.block,
            now_ms: 9_000,
            gas_limit: self.gas_limit,
            storage_deposit_limit: self.storage_deposit_limit,
            nonce: self.nonce.clone(),
        };
        self.engine
            .execute(&self.state, &self.worker, &context, operation)
            .unwrap()
    }

    /// Runs a transaction and keeps its changes.
    pub fn transact(&mut self, origin: AccountId, operation: &Operation) -> Outcome {
        let outcome = self.run(Mode::Transaction, origin, operation);
        assert!(
            outcome.changes.is_sorted_by(|a, b| a.0 < b.0),
            "sorted, each key once"
        );
        for (key, value) in outcome.changes.clone() {
            match value {
                Some(value) => self.state.0.insert(key, value),
                None => self.state.0.remove(&key),
            };
        }
        outcome
    }

    pub fn deposit(&mut self, account: AccountId, amount: Balance) {
        self.transact(account, &Operation::Deposit { account, amount })
            .result
            .unwrap();
    }

    pub fn upload(&mut self, code: &[u8]) -> Result<CodeHash, ExecutionError> {
        let upload = Operation::UploadCode {
            code: code.to_vec(),
        };
        self.transact(ALICE, &upload)
            .result
            .map(|_| code_hash(code))
    }

    pub fn instantiate(&mut self, code_hash: CodeHash, input: &[u8]) -> (ContractId, Outcome) {
        let contract = contract_id(&ALICE, &code_hash, &CLUSTER, b"");
        let instantiate = Operation::Instantiate {
            contract,
            code_hash,
            input: input.to_vec(),
            salt: Vec::new(),
            value: 0,
        };
        (contract, self.transact(ALICE, &instantiate))
    }

    /// Uploads and instantiates a guest in text form.
    pub fn deploy(&mut self, guest: &str) -> ContractId {
        let code = wat::parse_str(guest).unwrap();
        let code_hash = self.upload(&code).unwrap();
        let (contract, outcome) = self.instantiate(code_hash, &[]);
        assert_eq!(
            outcome.result.as_ref().map(|returned| returned.flags),
            Ok(0)
        );
        contract
    }

    pub fn query(&self, contract: ContractId, input: &[u8]) -> Outcome {
        self.run(Mode::Query, BOB, &call(contract, input))
    }

    pub fn call(&mut self, contract: ContractId, input: &[u8]) -> Outcome {
        self.transact(ALICE, &call(contract, input))
    }
}

pub fn call(contract: ContractId, input: &[u8]) -> Operation {
    Operation::Call {
        contract,
        input: input.to_vec(),
        value: 0,
    }
}

/// The data of an outcome that returned without reverting.
pub fn data(outcome: &Outcome) -> Vec<u8> {
    let returned = outcome.result.as_ref().unwrap();
    assert!(!returned.is_reverted(), "it reverted");
    returned.data.clone()
}

/// Every host function: module, name, parameters (`i` 32 bits, `l` 64 bits) and whether it returns.
pub const HOST: [(&str, &str, &str, bool); 57] = [
    ("seal0", "get_storage", "iii", true),
    ("seal1", "get_storage", "iiii", true),
    ("seal0", "set_storage", "iii", false),
    ("seal1", "set_storage", "iii", true),
    ("seal2", "set_storage", "iiii", true),
    ("seal0", "clear_storage", "i", false),
    ("seal1", "clear_storage", "ii", true),
    ("seal0", "contains_storage", "i", true),
    ("seal1", "contains_storage", "ii", true),
    ("seal0", "take_storage", "iiii", true),
    ("seal0", "input", "ii", false),
    ("seal0", "caller", "ii", false),
    ("seal0", "address", "ii", false),
    ("seal0", "balance", "ii", false),
    ("seal0", "value_transferred", "ii", false),
    ("seal0", "minimum_balance", "ii", false),
    ("seal0", "block_number", "ii", false),
    ("seal0", "now", "ii", false),
    ("seal0", "gas_left", "ii", false),
    ("seal1", "gas_left", "ii", false),
    ("seal0", "weight_to_fee", "lii", false),
    ("seal1", "weight_to_fee", "llii", false),
    ("seal0", "is_contract", "i", true),
    ("seal0", "code_hash", "iii", true),
    ("seal0", "own_code_hash", "ii", false),
    ("seal0", "caller_is_origin", "", true),
    ("seal0", "caller_is_root", "", true),
    ("seal0", "reentrance_count", "", true),
    ("seal0", "account_reentrance_count", "i", true),
    ("seal0", "hash_sha2_256", "iii", false),
    ("seal0", "hash_keccak_256", "iii", false),
    ("seal0", "hash_blake2_256", "iii", false),
    ("seal0", "hash_blake2_128", "iii", false),
    ("seal0", "ecdsa_recover", "iii", true),
    ("seal0", "ecdsa_to_eth_address", "ii", true),
    ("seal0", "sr25519_verify", "iiii", true),
    ("seal0", "deposit_event", "iiii", false),
    ("seal0", "debug_message", "ii", true),
    ("seal0", "transfer", "iiii", true),
    ("seal0", "call", "iiliiiiii", true),
    ("seal1", "call", "iiliiiii", true),
    ("seal2", "call", "iilliiiiii", true),
    ("seal0", "delegate_call", "iiiiii", true),
    ("seal0", "instantiate", "iiliiiiiiiiii", true),
    ("seal1", "instantiate", "iliiiiiiiii", true),
    ("seal2", "instantiate", "illiiiiiiiiii", true),
    ("seal0", "terminate", "ii", false),
    ("seal1", "terminate", "i", false),
    ("seal0", "set_code_hash", "i", true),
    ("seal0", "call_runtime", "ii", true),
    ("seal0", "call_chain_extension", "iiiii", true),
    ("seal0", "seal_return", "iii", false),
    // As ink! 3 imports them.
    ("seal0", "seal_input", "ii", false),
    ("seal0", "seal_get_storage", "iii", true),
    ("seal0", "seal_set_storage", "iii", false),
    ("seal1", "seal_call", "iiliiiii", true),
    ("seal1", "seal_instantiate", "iliiiiiiiii", true),
];

/// An import line for a host function, named `$module_name`.
pub fn import((module, name, parameters, returns): (&str, &str, &str, bool)) -> String {
    let types = parameters
        .chars()
        .map(|kind| if kind == 'l' { " i64" } else { " i32" });
    let parameters = match parameters.is_empty() {
        true => String::new(),
        false => format!("(param{})", types.collect::<String>()),
    };
    let result = if returns { "(result i32)" } else { "" };
    format!("(import \"{module}\" \"{name}\" (func ${module}_{name} {parameters} {result}))\n")
}

/// A guest that imports every host function and has `rest`, which defines `deploy` and `call`.
pub fn guest(rest: &str) -> String {
    let imports: String = HOST.map(import).concat();
    format!("(module {imports} (import \"env\" \"memory\" (memory 2 16)) {rest})")
}

/// A guest whose constructor does nothing and whose `call` is `body`.
pub fn on_call(body: &str) -> String {
    guest(&format!(
        r#"(func (export "deploy")) (func (export "call") {body})"#
    ))
}

/// Bytes as the text format has them in strings.
pub fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// A guest that calls the chain extension: its input is the id and the capacity of the buffer for the
/// output, four bytes each, then the arguments; it returns the status, and the output if that is 0.
pub fn extension() -> String {
    on_call(
        r#"
        (i32.store (i32.const 0) (i32.const 30000))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 4) (i32.load (i32.const 1028)))
        (i32.store (i32.const 32764) (call $seal0_call_chain_extension
          (i32.load (i32.const 1024)) (i32.const 1032)
          (i32.sub (i32.load (i32.const 0)) (i32.const 8)) (i32.const 32768) (i32.const 4)))
        (if (i32.load (i32.const 32764)) (then (i32.store (i32.const 4) (i32.const 0))))
        (call $seal0_seal_return (i32.const 0) (i32.const 32764)
          (i32.add (i32.load (i32.const 4)) (i32.const 4)))
        "#,
    )
}

/// The call of an [`extension`] guest with a large buffer.
pub fn extend(contract: ContractId, id: u32, arguments: &[u8]) -> Operation {
    let input = [&id.to_le_bytes(), &60_000_u32.to_le_bytes(), arguments].concat();
    call(contract, &input)
}

/// A guest that deposits an event: its input is the length of the topics in one byte, the SCALE-encoded
/// topics, and the data.
pub fn announcer() -> String {
    on_call(
        r#"
        (i32.store (i32.const 0) (i32.const 30000))
        (call $seal0_input (i32.const 1024) (i32.const 0))
        (call $seal0_deposit_event
          (i32.const 1025) (i32.load8_u (i32.const 1024))
          (i32.add (i32.const 1025) (i32.load8_u (i32.const 1024)))
          (i32.sub (i32.sub (i32.load (i32.const 0)) (i32.const 1))
            (i32.load8_u (i32.const 1024))))
        "#,
    )
}
