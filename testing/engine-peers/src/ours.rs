//! The contract engine over a state in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use contract_engine::{
    CodeCacheConfig, CodeCacheKey, Engine, EngineConfig, code_hash, contract_id,
};
use executor_api::{
    Capabilities, Context, Executor as _, Mode, Operation, StateUnavailable, StateView,
};
use primitives::{AccountId, ClusterId, ContractId, UnixMillis, WorkerId};

use crate::{Failure, median};

/// Returns a storage value, which `deploy` sets to 42, as plainly as a contract can.
pub const GETTER: &str = r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "env" "memory" (memory 2 16))
  (data (i32.const 0) "\00\10\00\00\00\10\00\00\2a\00\00\00")
  (func (export "deploy")
    (drop (call $set (i32.const 16) (i32.const 4) (i32.const 8) (i32.const 4))))
  (func (export "call")
    (call $input (i32.const 1024) (i32.const 0))
    (drop (call $get (i32.const 16) (i32.const 4) (i32.const 8192) (i32.const 4)))
    (call $return (i32.const 0) (i32.const 8192) (i32.const 4))))"#;

const NOBODY: AccountId = AccountId([0; 32]);
const CLUSTER: ClusterId = ClusterId([0; 32]);

#[derive(Clone, Default)]
struct State(BTreeMap<Vec<u8>, Vec<u8>>);

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

/// An engine with a cluster.
pub struct Ours {
    engine: Engine,
    state: State,
}

impl Ours {
    /// An engine with an empty cluster, and with compiled code in a folder, if one is given.
    pub fn new(disk: Option<&Path>) -> Result<Self, Failure> {
        let config = EngineConfig {
            code_cache: disk
                .map(|disk| CodeCacheConfig::new(disk.into(), CodeCacheKey::new([1; 32]))),
            ..EngineConfig::default()
        };
        let mut ours = Self {
            engine: Engine::new(&config)?,
            state: State::default(),
        };
        ours.run(
            Mode::Transaction,
            &Operation::SetUpCluster {
                owner: NOBODY,
                gas_price: 0,
                deposit_per_item: 0,
                deposit_per_byte: 0,
                treasury: NOBODY,
            },
        )?;
        Ok(ours)
    }

    fn run(&mut self, mode: Mode, operation: &Operation) -> Result<Vec<u8>, Failure> {
        let context = Context {
            mode,
            cluster: CLUSTER,
            origin: NOBODY,
            block_number: 1,
            now_ms: 1,
            gas_limit: 0,
            storage_deposit_limit: None,
            nonce: None,
        };
        let outcome = self.engine.execute(&self.state, &Worker, &context, operation)?;
        for (key, value) in outcome.changes {
            match value {
                Some(value) => self.state.0.insert(key, value),
                None => self.state.0.remove(&key),
            };
        }
        Ok(outcome.result?.data)
    }

    /// Uploads and instantiates.
    pub fn deploy(&mut self, code: Vec<u8>, input: Vec<u8>) -> Result<ContractId, Failure> {
        let hash = code_hash(&code);
        self.run(Mode::Transaction, &Operation::UploadCode { code })?;
        self.instantiate(hash, input, 0)
    }

    fn instantiate(
        &mut self,
        code_hash: primitives::CodeHash,
        input: Vec<u8>,
        salt: u32,
    ) -> Result<ContractId, Failure> {
        let salt = salt.to_le_bytes().to_vec();
        let contract = contract_id(&NOBODY, &code_hash, &CLUSTER, &salt);
        let instantiate = Operation::Instantiate {
            contract,
            code_hash,
            input,
            salt,
            value: 0,
        };
        self.run(Mode::Transaction, &instantiate)?;
        Ok(contract)
    }

    pub fn query(&mut self, contract: ContractId, input: &[u8]) -> Result<Vec<u8>, Failure> {
        self.call(Mode::Query, contract, input)
    }

    pub fn transact(&mut self, contract: ContractId, input: &[u8]) -> Result<Vec<u8>, Failure> {
        self.call(Mode::Transaction, contract, input)
    }

    fn call(&mut self, mode: Mode, contract: ContractId, input: &[u8]) -> Result<Vec<u8>, Failure> {
        let call = Operation::Call {
            contract,
            input: input.to_vec(),
            value: 0,
        };
        self.run(mode, &call)
    }

    /// Bytes by which the process grows for each of `count` contracts of one code, besides the state.
    pub fn idle_bytes(
        &mut self,
        code: &[u8],
        constructor: &[u8],
        count: u32,
    ) -> Result<f64, Failure> {
        let hash = code_hash(code);
        let (before, state_before) = (resident_bytes()?, self.state_bytes());
        for salt in 1..=count {
            self.instantiate(hash, constructor.to_vec(), salt)?;
        }
        let grown = resident_bytes()? - before;
        let state = self.state_bytes() - state_before;
        println!(
            "\n{count} contracts: the process grew by {:.0} bytes each, of which keys and values of \
             the state in memory are {:.0}",
            grown / f64::from(count),
            state / f64::from(count)
        );
        Ok(((grown - state) / f64::from(count)).max(0.0))
    }

    fn state_bytes(&self) -> f64 {
        let sum: usize = self.state.0.iter().map(|(key, value)| key.len() + value.len()).sum();
        sum as f64
    }
}

/// Milliseconds that the first call after a restart takes over the second, with compiled code on disk.
pub fn cold_ms(code: &[u8], constructor: &[u8], input: &[u8]) -> Result<f64, Failure> {
    let folder = std::env::temp_dir().join(format!("engine-peers-{}", std::process::id()));
    let mut first = Ours::new(Some(&folder))?;
    let contract = first.deploy(code.to_vec(), constructor.to_vec())?;
    let mut over = Vec::new();
    for _ in 0..21 {
        let mut again = Ours::new(Some(&folder))?;
        again.state = first.state.clone();
        // Another contract first, so that only the code is cold.
        let other = again.deploy(wat::parse_str(GETTER)?, Vec::new())?;
        again.query(other, &[1, 2, 3, 4])?;
        let mut time = || -> Result<f64, Failure> {
            let start = Instant::now();
            again.query(contract, input)?;
            Ok(start.elapsed().as_secs_f64() * 1e3)
        };
        let cold = time()?;
        time()?;
        over.push(cold - time()?);
    }
    std::fs::remove_dir_all(folder)?;
    Ok(median(over))
}

/// Memory of this process, bytes.
fn resident_bytes() -> Result<f64, Failure> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let resident: u64 = pages
        .split_whitespace()
        .nth(1)
        .ok_or("no resident size")?
        .parse()?;
    Ok((resident * 4096) as f64)
}
