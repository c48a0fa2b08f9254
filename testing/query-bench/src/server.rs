//! The worker's query path without a chain: everything else is what a worker runs.

use anyhow::{Context as _, Result, anyhow};
use codec::Encode;
use contract_abi::system::selector;
use contract_engine::{Engine, EngineConfig, code_hash, contract_id};
use contract_state::{Position, StateDb, StoreIdentity};
use executor_api::{Capabilities, Change, Context, Executor, Mode, Operation};
use primitives::{
    AccountId, Balance, BlockHash, ClusterId, ContractId, GenesisHash, StateRoot, UnixMillis,
    WorkerId, units,
};
use secrets::StateKey;
use std::{
    io::{Read as _, Write as _},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use wire::domain::system_contract_id;
use worker_core::{Answer, Begun, Identity, Published, QueryService, ReceiptQueue};
use worker_rpc::{Info, Limits, PutOff, Responder, Rim, Service, ServiceError};

pub const GENESIS: GenesisHash = GenesisHash([7; 32]);
pub const CLUSTER: ClusterId = ClusterId([8; 32]);
/// What the contract returns.
pub const ANSWER: [u8; 4] = [42, 0, 0, 0];

/// Returns a storage value, which `deploy` sets to 42; what the getter of an ink! contract does.
const GETTER: &str = r#"(module
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

/// Weights of the contracts that compute, one contract each.
pub const BURNER_WEIGHTS: [u32; 3] = [3, 1, 1];

pub fn now_ms() -> UnixMillis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

pub struct Machine(pub WorkerId);

impl Capabilities for Machine {
    fn derive_sr25519_key(&self, _: &ContractId, _: &[u8]) -> [u8; 64] {
        [0; 64]
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }

    fn worker(&self) -> WorkerId {
        self.0
    }

    fn untrusted_now_ms(&self) -> UnixMillis {
        now_ms()
    }
}

/// The contract's id, on which client and server agree.
pub fn contract() -> Result<ContractId> {
    let code_hash = code_hash(&wat::parse_str(GETTER)?);
    Ok(contract_id(&AccountId::default(), &code_hash, &CLUSTER, b""))
}

/// The id of one of the contracts that compute.
pub fn burner(number: usize) -> Result<ContractId> {
    let code_hash = code_hash(&wat::parse_str(examples::BURNER)?);
    Ok(contract_id(&AccountId::default(), &code_hash, &CLUSTER, &[number as u8]))
}

/// A store in which the contracts exist.
fn deploy(engine: &Engine, machine: &Machine) -> Result<StateDb> {
    let store = StateDb::in_memory(
        &StateKey::from_bytes(&[1; 32]),
        &StoreIdentity { genesis: GENESIS, cluster: CLUSTER },
    )?;
    let code = wat::parse_str(GETTER)?;
    let owner = AccountId::default();
    let mut operations = vec![
        Operation::SetUpCluster {
            owner,
            gas_price: 0,
            deposit_per_item: 0,
            deposit_per_byte: 0,
            treasury: owner,
        },
        Operation::UploadCode { code: code.clone() },
        Operation::Instantiate {
            contract: contract()?,
            code_hash: code_hash(&code),
            input: Vec::new(),
            salt: Vec::new(),
            value: 0,
        },
    ];
    let system = system_contract_id(&CLUSTER);
    let code = wat::parse_str(examples::BURNER)?;
    let code_hash = code_hash(&code);
    operations.push(Operation::UploadCode { code });
    for (number, weight) in BURNER_WEIGHTS.into_iter().enumerate() {
        let contract = burner(number)?;
        operations.push(Operation::Instantiate {
            contract,
            code_hash,
            input: Vec::new(),
            salt: vec![number as u8],
            value: 0,
        });
        // As the mailbox brings a stake: a hundredth of a PHA is one of weight.
        let stake = Balance::from(weight) * units::PHA / 100;
        let input = (selector::CHANGE_DEPOSIT, contract, stake).encode();
        operations.push(Operation::Call { contract: system, input, value: 0 });
    }
    for (number, operation) in (0u64..).zip(&operations) {
        // The system contract takes stakes from itself alone.
        let origin = match operation {
            Operation::Call { .. } => AccountId(system.0),
            _ => owner,
        };
        let context = Context {
            mode: Mode::Transaction,
            cluster: CLUSTER,
            origin,
            block_number: 1,
            now_ms: 1,
            gas_limit: 0,
            storage_deposit_limit: None,
            nonce: None,
        };
        let outcome = engine.execute(&store.snapshot(), machine, &context, operation)?;
        outcome.result.map_err(|error| anyhow!("the contract is not deployed: {error}"))?;
        let changes: Vec<Change> = outcome.changes;
        let position = Position { next_number: number + 1, block_number: 1, ..Position::default() };
        store.commit(&position, &changes)?;
    }
    Ok(store)
}

struct Worker {
    identity: Arc<Identity>,
    queries: Arc<QueryService>,
    receipts: Arc<ReceiptQueue<PutOff>>,
}

fn refused(error: impl ToString) -> ServiceError {
    ServiceError::BadRequest(error.to_string())
}

fn finish(
    queries: &QueryService,
    receipts: &ReceiptQueue<PutOff>,
    begun: Begun,
    responder: Responder,
) {
    match queries.finish(begun) {
        Err(error) => responder.give(Err(refused(error))),
        Ok(Answer { reply, receipt: None, seal }) => {
            responder.give(seal.seal(reply, None).map_err(refused));
        }
        Ok(Answer { reply, receipt: Some(body), seal }) => {
            let put = responder.put_off(|asker| receipts.put(body, reply, seal, asker));
            if let Err(asker) = put {
                asker.give(Err(refused("too many receipts")));
            }
        }
    }
}

impl Service for Worker {
    fn info(&self) -> Info {
        Info {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            genesis: self.identity.genesis(),
            worker: self.identity.worker(),
            hpke_public_key: self.identity.hpke_public_key(),
            platform: "none".to_owned(),
            serving: None,
            ready_after_ms: None,
            light_client_after_ms: None,
            traffic: None,
        }
    }

    fn evidence(&self) -> Result<Vec<u8>, ServiceError> {
        Err(ServiceError::NotFound("no TEE".to_owned()))
    }

    fn open_session(&self, opening: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.queries.open_session(opening, now_ms(), &mut rand_core::OsRng).map_err(refused)
    }

    fn query(&self, envelope: &[u8], responder: Responder) {
        let begun = match self.queries.begin(envelope, now_ms()) {
            Ok(begun) => begun,
            Err(error) => return responder.give(Err(refused(error))),
        };
        let (queries, receipts) = (self.queries.clone(), self.receipts.clone());
        if begun.would_wait() {
            responder.go_on_blocking(move |responder| finish(&queries, &receipts, begun, responder));
        } else {
            finish(&queries, &receipts, begun, responder);
        }
    }

    fn snapshot(&self, _: &[u8]) -> Result<Vec<u8>, ServiceError> {
        Err(ServiceError::NotFound("there is nobody to take it over".to_owned()))
    }

    fn settle(&self) {
        self.receipts.sign(|asker, answer| asker.give(answer.map_err(refused)));
    }
}

/// Says on standard output where it listens, and serves until standard input ends.
pub fn serve() -> Result<()> {
    let identity = Arc::new(Identity::new(GENESIS, &[1; 32], &[2; 32]));
    let engine = Engine::new(&EngineConfig::default())?;
    let machine = Machine(identity.worker());
    let store = deploy(&engine, &machine)?;
    let sharing = scheduler::Scheduler::new(scheduler::Settings::for_this_machine());
    let queries =
        Arc::new(QueryService::new(identity.clone(), Arc::new(engine), sharing, u64::MAX));
    queries.danger_publish_unproven(Published {
        cluster: CLUSTER,
        block_number: 1,
        block_hash: BlockHash([1; 32]),
        block_timestamp_ms: now_ms(),
        state_root: StateRoot(store.head().state_root.0),
        next_number: store.head().next_number,
        state: Arc::new(store.snapshot()),
        capabilities: Arc::new(machine),
        auditing: None,
        compatible_edge: false,
    });
    let receipts = Arc::new(ReceiptQueue::new(identity.clone()));
    let worker = Arc::new(Worker { identity, queries, receipts });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = worker_rpc::bind("127.0.0.1:0".parse().context("an address")?).await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut nothing = [0; 1];
            while std::io::stdin().read(&mut nothing).is_ok_and(|count| count > 0) {}
            let _stopping = stop.send(());
        });
        let stop = async move { drop(stopped.await) };
        worker_rpc::serve(listener, Rim::new(worker, Limits::default()), stop).await?;
        Ok(())
    })
}
