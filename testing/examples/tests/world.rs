//! A cluster in memory whose contracts reach this machine's servers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use blake2::Digest as _;
use blake2::digest::consts::U32;
use codec::{Decode, Encode};
use contract_build::{BuildOptions, build};
use contract_engine::{Engine, EngineConfig, code_hash, contract_id};
use executor_api::{
    Capabilities, Context, ExecutionError, Executor as _, HttpClient, Mode, Operation, Outcome, StateUnavailable,
    StateView,
};
use http_egress::{Egress, EgressConfig, EgressPolicy};
use primitives::{AccountId, Balance, ClusterId, ContractId, UnixMillis, WorkerId};

pub const OWNER: AccountId = AccountId([0xa1; 32]);
pub const MEMBER: AccountId = AccountId([0xb0; 32]);
pub const STRANGER: AccountId = AccountId([0xee; 32]);
const CLUSTER: ClusterId = ClusterId([0xcc; 32]);
/// The block that contracts see, and its time.
pub const BLOCK: u32 = 7;
pub const BLOCK_MS: u64 = 1_790_000_000_000;

#[derive(Default)]
struct State(BTreeMap<Vec<u8>, Vec<u8>>);

impl StateView for State {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        Ok(self.0.get(key).cloned())
    }
}

struct Worker {
    egress: Egress,
}

impl Capabilities for Worker {
    fn derive_sr25519_key(&self, contract: &ContractId, salt: &[u8]) -> [u8; 64] {
        let seed = blake2_256(&(contract.0, salt).encode());
        let mini = schnorrkel::MiniSecretKey::from_bytes(&seed).unwrap();
        mini.expand(schnorrkel::ExpansionMode::Ed25519).to_bytes()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).unwrap();
    }

    fn worker(&self) -> WorkerId {
        WorkerId([0x77; 32])
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::try_from(now.as_millis()).unwrap()
    }

    fn http(&self) -> Option<&dyn HttpClient> {
        Some(&self.egress)
    }
}

/// A contract that refused: the bytes of its error.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub Vec<u8>);

pub struct World {
    engine: Engine,
    state: State,
    worker: Worker,
}

impl World {
    pub fn new() -> Self {
        let policy = EgressPolicy {
            insecure_allow_private_addresses: true,
            ..EgressPolicy::default()
        };
        let config = EgressConfig {
            policy,
            ..EgressConfig::default()
        };
        let mut world = Self {
            engine: Engine::new(&EngineConfig { executions_max: 4, ..EngineConfig::default() }).unwrap(),
            state: State::default(),
            worker: Worker {
                egress: Egress::new(config).unwrap(),
            },
        };
        let set_up = Operation::SetUpCluster {
            owner: OWNER,
            gas_price: 0,
            deposit_per_item: 0,
            deposit_per_byte: 0,
            treasury: STRANGER,
        };
        world.transact(OWNER, &set_up).result.unwrap();
        world
    }

    fn run(&self, mode: Mode, origin: AccountId, operation: &Operation) -> Outcome {
        let context = Context {
            mode,
            cluster: CLUSTER,
            origin,
            block_number: BLOCK,
            now_ms: BLOCK_MS,
            gas_limit: 0,
            storage_deposit_limit: None,
            nonce: None,
        };
        self.engine.execute(&self.state, &self.worker, &context, operation).unwrap()
    }

    fn transact(&mut self, origin: AccountId, operation: &Operation) -> Outcome {
        let outcome = self.run(Mode::Transaction, origin, operation);
        for (key, value) in &outcome.changes {
            match value {
                Some(value) => self.state.0.insert(key.clone(), value.clone()),
                None => self.state.0.remove(key),
            };
        }
        outcome
    }

    /// Makes a contract of the owner's.
    pub fn deploy(&mut self, name: &str, arguments: impl Encode) -> ContractId {
        self.deploy_code(code(name), arguments)
    }

    /// As [`Self::deploy`], of code that is at hand.
    pub fn deploy_code(&mut self, code: Vec<u8>, arguments: impl Encode) -> ContractId {
        let code_hash = code_hash(&code);
        self.transact(OWNER, &Operation::UploadCode { code }).result.unwrap();
        let contract = contract_id(&OWNER, &code_hash, &CLUSTER, b"");
        let instantiate = Operation::Instantiate {
            contract,
            code_hash,
            input: message("new", arguments),
            salt: Vec::new(),
            value: 0,
        };
        let made = self.transact(OWNER, &instantiate).result.unwrap();
        assert!(!made.is_reverted(), "{made:?}");
        contract
    }

    /// Sends a command.
    pub fn command<R: Decode>(
        &mut self,
        who: AccountId,
        contract: ContractId,
        name: &str,
        arguments: impl Encode,
    ) -> Result<R, Refused> {
        answer(self.transact(who, &call(contract, name, arguments)))
    }

    /// Asks a question.
    pub fn query<R: Decode>(
        &self,
        who: AccountId,
        contract: ContractId,
        name: &str,
        arguments: impl Encode,
    ) -> Result<R, Refused> {
        answer(self.run(Mode::Query, who, &call(contract, name, arguments)))
    }

    /// As a query, with the lines that the contract wrote.
    pub fn query_with_logs<R: Decode>(
        &self,
        who: AccountId,
        contract: ContractId,
        name: &str,
        arguments: impl Encode,
    ) -> (Result<R, Refused>, Vec<String>) {
        let outcome = self.run(Mode::Query, who, &call(contract, name, arguments));
        let lines = outcome.logs.iter().map(|line| line.message.clone()).collect();
        (answer(outcome), lines)
    }

    /// Sends a command with money, whatever its answer looks like.
    pub fn send(
        &mut self,
        who: AccountId,
        contract: ContractId,
        name: &str,
        arguments: impl Encode,
        value: Balance,
    ) -> Outcome {
        let input = message(name, arguments);
        self.transact(who, &Operation::Call { contract, input, value })
    }

    /// The bytes that a query returns, whatever they look like.
    pub fn ask(
        &self,
        who: AccountId,
        contract: ContractId,
        name: &str,
        arguments: impl Encode,
    ) -> Result<Vec<u8>, ExecutionError> {
        let outcome = self.run(Mode::Query, who, &call(contract, name, arguments));
        outcome.result.map(|returned| returned.data)
    }

    /// Gives an account money of the cluster.
    pub fn deposit(&mut self, account: AccountId, amount: Balance) {
        self.transact(account, &Operation::Deposit { account, amount }).result.unwrap();
    }

    /// The cluster's system contract.
    pub fn system(&self) -> AccountId {
        AccountId(wire::domain::system_contract_id(&CLUSTER).0)
    }

    /// Whether the bytes are anywhere in the state.
    pub fn stores(&self, bytes: &[u8]) -> bool {
        let holds = |value: &Vec<u8>| value.windows(bytes.len()).any(|part| part == bytes);
        self.state.0.values().any(holds)
    }
}

fn call(contract: ContractId, name: &str, arguments: impl Encode) -> Operation {
    Operation::Call {
        contract,
        input: message(name, arguments),
        value: 0,
    }
}

fn message(name: &str, arguments: impl Encode) -> Vec<u8> {
    [blake2_256(name.as_bytes())[..4].to_vec(), arguments.encode()].concat()
}

/// A message returns `Ok` from ink! around its own result.
fn answer<R: Decode>(outcome: Outcome) -> Result<R, Refused> {
    let returned = outcome.result.unwrap();
    let reverted = returned.is_reverted();
    match returned.data.as_slice() {
        [0, 0, value @ ..] if !reverted => {
            let mut value = value;
            let decoded = R::decode(&mut value).unwrap();
            assert!(value.is_empty(), "nothing is left over");
            Ok(decoded)
        }
        [0, 1, error @ ..] => Err(Refused(error.to_vec())),
        other => panic!("neither a value nor an error: {other:?}"),
    }
}

pub fn blake2_256(bytes: &[u8]) -> [u8; 32] {
    blake2::Blake2b::<U32>::digest(bytes).into()
}

/// The contract's code.
fn code(name: &str) -> Vec<u8> {
    if let Some(folder) = std::env::var_os("PHAT_EXAMPLE_CONTRACTS") {
        return std::fs::read(PathBuf::from(folder).join(format!("{name}.wasm"))).unwrap();
    }
    // Tests run side by side; the folder that they compile into is shared.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _alone = BUILDING.lock().unwrap();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = Path::new("../../guest/examples").join(name);
    let toolchains = std::env::var_os("PHAT_TOOLCHAINS").map(PathBuf::from);
    let mut options = BuildOptions::new(toolchains.unwrap_or_else(|| kept.join("toolchains")));
    options.target_dir = Some(kept.join("contracts"));
    options.locked = true;
    build(&folder, &options, &mut |line| eprintln!("{line}")).unwrap().wasm
}
