//! A cluster that runs its mailbox with the workers' engine and rules, and auditors' keys.

use codec::Encode;
use contract_engine::{Engine, EngineConfig};
use contract_history::{Claims, History};
use executor_api::{
    Capabilities, Change, Context, Executor, Mode, StateUnavailable, StateView,
};
use primitives::{
    AccountId, Balance, ClusterId, CodeHash, ContractId, GenesisHash, UnixMillis, WorkerId,
};
use secrets::{
    AuditKey, ClusterSeed,
    command::{CommandKeys, CommandRoute, open_command, seal_command},
    rand_core::OsRng,
};
use std::collections::BTreeMap;
use wire::{
    audit::{Verdict, contract_root_key},
    command::{CommandPayload, InkCommand},
    domain::{code_hash, contract_id},
    mailbox::{MailboxEntry, MailboxOperation},
};
use worker_core::{
    audit::{Ran, carry_on, steps_of},
    entries::{self, Prepared},
};

pub const GENESIS: GenesisHash = GenesisHash([0x11; 32]);
pub const CLUSTER: ClusterId = ClusterId([0xcc; 32]);
pub const ALICE: AccountId = AccountId([0xa1; 32]);
pub const BOB: AccountId = AccountId([0xb0; 32]);

#[derive(Clone, Default)]
pub struct State(pub BTreeMap<Vec<u8>, Vec<u8>>);

impl State {
    fn apply(&mut self, changes: Vec<Change>) {
        for (key, value) in changes {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}

impl StateView for State {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        Ok(self.0.get(key).cloned())
    }
}

/// A worker of the cluster, with its seed.
pub struct Worker(pub ClusterSeed);

impl Capabilities for Worker {
    fn derive_sr25519_key(&self, contract: &ContractId, salt: &[u8]) -> [u8; 64] {
        *self.0.contract_user_root().contract_user_key(contract, salt)
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

/// The cluster's seeds.
fn seed(rotation: u32) -> ClusterSeed {
    ClusterSeed::from_bytes(&[7 + rotation as u8; 32])
}

pub fn engine() -> Engine {
    Engine::new(&EngineConfig { executions_max: 2, code_cache: None }).unwrap()
}

pub struct Cluster {
    pub engine: Engine,
    /// With the seed in use.
    pub worker: Worker,
    /// Which of the cluster's seeds that is.
    pub rotation: u32,
    /// The seed before it, until it is retired.
    pub previous: Option<ClusterSeed>,
    pub state: State,
    pub entries: Vec<MailboxEntry>,
    pub codes: Vec<Vec<u8>>,
}

impl Cluster {
    pub fn new() -> Self {
        Self::with_gas_price(0)
    }

    pub fn with_gas_price(gas_price: Balance) -> Self {
        let mut cluster = Self {
            engine: engine(),
            worker: Worker(seed(0)),
            rotation: 0,
            previous: None,
            state: State::default(),
            entries: Vec::new(),
            codes: Vec::new(),
        };
        cluster.push(MailboxOperation::SetUpCluster {
            owner: ALICE,
            gas_price,
            deposit_per_item: 0,
            deposit_per_byte: 0,
            treasury: AccountId([0xee; 32]),
        });
        cluster
    }

    /// Takes an entry in and runs it, as a worker does.
    pub fn push(&mut self, operation: MailboxOperation) {
        let number = self.entries.len() as u64;
        let entry = MailboxEntry {
            block_number: 10 + number as u32,
            timestamp_ms: 1_000_000 + number,
            operation,
        };
        match entry.operation {
            MailboxOperation::RotateKeys { rotation } => {
                self.previous = Some(std::mem::replace(&mut self.worker.0, seed(rotation)));
                self.rotation = rotation;
                return self.entries.push(entry);
            }
            MailboxOperation::RetireKeys => {
                self.previous = None;
                return self.entries.push(entry);
            }
            _ => {}
        }
        let addressed = entries::addressed(&entry.operation);
        let prepared = {
            let code_of = |hash: &CodeHash| {
                self.codes.iter().find(|code| code_hash(code) == *hash).cloned()
            };
            let open = |contract: &ContractId, sender: &AccountId, payload: &[u8]| {
                let payload: CommandPayload =
                    wire::decode_all(payload, 1 << 16).map_err(|error| error.to_string())?;
                let route =
                    CommandRoute { genesis: GENESIS, contract: *contract, sender: *sender };
                let with = |seed: &ClusterSeed| {
                    let (hpke, sr25519) =
                        (seed.contract_hpke_key(contract), seed.contract_key(contract));
                    let keys = CommandKeys { hpke: &hpke, sr25519: &sr25519 };
                    open_command(&keys, &route, &payload).map_err(|error| error.to_string())
                };
                let previous = || self.previous.as_ref().map(with);
                with(&self.worker.0).or_else(|error| previous().unwrap_or(Err(error)))
            };
            entries::prepare(&CLUSTER, &entry, &code_of, &open).unwrap()
        };
        let (changes, verdict) = match prepared {
            Prepared::Refused { .. } => (Vec::new(), Verdict::Unreadable),
            Prepared::Run {
                origin, operation, gas_limit, storage_deposit_limit, nonce, ..
            } => {
                let context = Context {
                    mode: Mode::Transaction,
                    cluster: CLUSTER,
                    origin,
                    block_number: entry.block_number,
                    now_ms: entry.timestamp_ms,
                    gas_limit,
                    storage_deposit_limit,
                    nonce,
                };
                let outcome =
                    self.engine.execute(&self.state, &self.worker, &context, &operation).unwrap();
                let verdict = entries::verdict(&outcome);
                (outcome.changes, verdict)
            }
        };
        let secret_of = |contract: &ContractId| Some(self.worker.0.contract_audit_secret(contract));
        let ran = Ran { number, addressed, verdict };
        let more = carry_on(&self.engine, &self.state, &changes, &ran, &secret_of).unwrap();
        self.state.apply(changes);
        self.state.apply(more);
        self.entries.push(entry);
    }

    /// Uploads and instantiates a guest in text form; `salt` makes it another contract.
    pub fn deploy(&mut self, guest: &str, salt: u8) -> ContractId {
        let code = wat::parse_str(guest).unwrap();
        let code_hash = code_hash(&code);
        self.codes.push(code);
        self.push(MailboxOperation::UploadCode { code_hash });
        let contract = contract_id(&ALICE.0, &code_hash, &CLUSTER, &[salt]);
        self.push(MailboxOperation::Instantiate {
            contract,
            deployer: ALICE,
            code_hash,
            input: Vec::new(),
            salt: vec![salt],
            transfer: 0,
            gas_limit: 0,
            storage_deposit_limit: None,
        });
        contract
    }

    pub fn sealed(&self, contract: ContractId, message: &[u8], transfer: Balance) -> Vec<u8> {
        let to = self.worker.0.contract_hpke_key(&contract).public();
        let route = CommandRoute { genesis: GENESIS, contract, sender: BOB };
        seal_command(&to, &route, &ink(message, transfer), &mut OsRng).unwrap().encode()
    }

    /// Bob sends a sealed command.
    pub fn send(&mut self, contract: ContractId, message: &[u8]) {
        let payload = self.sealed(contract, message, 0);
        self.push(MailboxOperation::Command { contract, sender: BOB, payload });
    }

    /// Bob sends a command in the clear.
    pub fn send_plain(&mut self, contract: ContractId, message: &[u8]) {
        let payload = CommandPayload::Plain(ink(message, 0)).encode();
        self.push(MailboxOperation::Command { contract, sender: BOB, payload });
    }

    pub fn key(&self, contract: ContractId) -> AuditKey {
        AuditKey::new(
            GENESIS,
            CLUSTER,
            contract,
            // All contracts of these tests were made under the first seed.
            seed(0).contract_audit_secret(&contract),
            vec![self.worker.0.contract_command_seeds(&contract, self.rotation)],
        )
    }

    pub fn claims(&self, contract: ContractId) -> Claims {
        let commitment = self.state.0[&contract_root_key(&contract)].clone();
        Claims {
            genesis: GENESIS,
            cluster: CLUSTER,
            contract,
            entries: self.entries.clone(),
            codes: self.codes.clone(),
            commitment: commitment.try_into().unwrap(),
            steps: steps_of(&self.state, &contract, 0).unwrap(),
        }
    }

    pub fn history(&self, contract: ContractId) -> History {
        History::danger_unproven(self.claims(contract))
    }
}

fn ink(message: &[u8], transfer: Balance) -> InkCommand {
    InkCommand::InkMessage {
        nonce: vec![1],
        message: message.to_vec(),
        transfer,
        gas_limit: 0,
        storage_deposit_limit: None,
    }
}

const IMPORTS: &str = r#"
    (import "env" "memory" (memory 2 16))
    (import "seal0" "input" (func $input (param i32 i32)))
    (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
    (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
    (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
    (import "seal1" "call" (func $call (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
    (import "seal0" "call_chain_extension" (func $extension (param i32 i32 i32 i32 i32) (result i32)))
    (import "seal0" "block_number" (func $block (param i32 i32)))
"#;

fn guest(body: &str) -> String {
    format!(r#"(module {IMPORTS} (func (export "deploy")) (func (export "call") {body}))"#)
}

/// Keeps its last input under a key of four bytes, and what it is beside the block under another.
pub fn keeper() -> String {
    guest(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $input (i32.const 1024) (i32.const 0))
        (drop (call $set (i32.const 16) (i32.const 4) (i32.const 1024) (i32.load (i32.const 0))))
        (i32.store (i32.const 8) (i32.const 4))
        (call $block (i32.const 12) (i32.const 8))
        (drop (call $set (i32.const 16) (i32.const 5) (i32.const 12) (i32.const 4)))
        (call $return (i32.const 0) (i32.const 1024) (i32.load (i32.const 0)))
        "#,
    )
}

/// Calls the contract in the first 32 bytes of its input with the rest.
pub fn caller() -> String {
    guest(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $input (i32.const 1024) (i32.const 0))
        (i32.store8 (i32.const 8191) (call $call
          (i32.const 0) (i32.const 1024) (i64.const 0) (i32.const 64)
          (i32.const 1056) (i32.sub (i32.load (i32.const 0)) (i32.const 32))
          (i32.const -1) (i32.const 0)))
        (call $return (i32.const 0) (i32.const 8191) (i32.const 1))
        "#,
    )
}

/// Calls a function of the chain extension: its id, four bytes, then the arguments; keeps nothing but
/// the output, and returns it.
pub fn extension() -> String {
    guest(
        r#"
        (i32.store (i32.const 0) (i32.const 4096))
        (call $input (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 4) (i32.const 16000))
        (drop (call $extension (i32.load (i32.const 1024)) (i32.const 1028)
          (i32.sub (i32.load (i32.const 0)) (i32.const 4)) (i32.const 32768) (i32.const 4)))
        (drop (call $set (i32.const 16) (i32.const 4) (i32.const 32768) (i32.load (i32.const 4))))
        (call $return (i32.const 0) (i32.const 32768) (i32.load (i32.const 4)))
        "#,
    )
}
