//! Workers to ask, and clients that ask them.

use attestation::{RootKind, TeeKind};
use chain_facts::WorkerInfo;
use client::{
    Cluster, Member, Membership, Patience, QueryOptions, Standing, WorkerRecord, call_request,
};
use executor_api::{ExecutionError, Returned};
use primitives::{
    AccountId, BlockHash, BlockNumber, ClusterId, ContractId, GenesisHash, Measurement, StateRoot,
    WorkerId,
};
use scripted_worker::{Conduct, Position, Script, ScriptedWorker};
use std::{net::TcpListener, sync::Arc, time::Duration};
use wire::query::QueryRequest;
use worker_core::Identity;


pub const GENESIS: GenesisHash = GenesisHash([7; 32]);
pub const CLUSTER: ClusterId = ClusterId([8; 32]);
pub const CONTRACT: ContractId = ContractId([9; 32]);
/// The block that workers answer from where a test says nothing else.
pub const BLOCK: BlockNumber = 100;

pub fn identity(number: u8) -> Identity {
    Identity::new(GENESIS, &[number; 32], &[number + 100; 32])
}

pub fn worker(number: u8) -> WorkerId {
    identity(number).worker()
}

/// The state of this network at a block.
pub fn at(block: BlockNumber) -> Position {
    Position {
        block_number: block,
        block_hash: BlockHash([block as u8; 32]),
        state_root: StateRoot([block as u8 ^ 0x55; 32]),
        next_number: u64::from(block) * 2,
    }
}

/// Answers with these bytes, whatever is asked.
pub fn says(data: &'static [u8]) -> Script {
    Arc::new(move |_, _| Ok(Returned { flags: 0, data: data.to_vec() }))
}

/// Fails, whatever is asked.
pub fn fails() -> Script {
    Arc::new(|_, _| Err(ExecutionError::Trapped("unreachable".to_owned())))
}

pub fn conduct(script: Script) -> Conduct {
    Conduct {
        cluster: CLUSTER,
        contract: CONTRACT,
        script,
        gate: Arc::new(|_| Ok(())),
        evidence: None,
    }
}

/// A worker that serves from `position`.
pub async fn start(number: u8, conduct: Conduct, position: Position) -> ScriptedWorker {
    let address = "127.0.0.1:0".parse().unwrap();
    let worker = ScriptedWorker::start(identity(number), conduct, address).await.unwrap();
    worker.publish(position);
    worker
}

pub async fn honest(number: u8) -> ScriptedWorker {
    start(number, conduct(says(b"yes")), at(BLOCK)).await
}

/// A URL at which nobody answers.
pub fn nobody() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{free}")
}

/// What the chain would have of worker `number`.
pub fn member(number: u8, urls: &[String]) -> Member {
    let identity = identity(number);
    let info = WorkerInfo {
        worker: identity.worker(),
        hpke_public_key: identity.hpke_public_key(),
        runtime_version: 0,
        operator: None,
        registrant: AccountId::default(),
        measurement: Measurement::default(),
        tee: TeeKind::Tdx,
        root: RootKind::Development,
        confidence_level: 1,
        evidence_hash: [0; 32],
        registration_hash: [0; 32],
        made_at_ms: 0,
        last_updated_ms: 0,
        expires_at_ms: u64::MAX,
        initial_score: None,
    };
    let record = WorkerRecord { info, endpoints: urls.to_vec() };
    Member { record, standing: Standing::Serves }
}

pub fn of(worker: &ScriptedWorker, number: u8) -> Member {
    member(number, &[worker.url()])
}

/// Short, so that failures are quick.
pub fn patience() -> Patience {
    Patience {
        deadline: Duration::from_secs(30),
        behind: Duration::from_millis(200),
        silent: Duration::from_millis(50),
        ..Patience::default()
    }
}

/// A client that asks in the order of `members`, and knows block [`BLOCK`] to be final.
pub fn cluster(members: Vec<Member>) -> Cluster {
    let order: Vec<WorkerId> = members
        .iter()
        .filter(|member| member.standing == Standing::Serves)
        .map(|member| member.record.info.worker)
        .collect();
    let membership = Membership { cluster: CLUSTER, block_number: BLOCK, members };
    let mut cluster = Cluster::from_membership(GENESIS, membership);
    cluster.set_patience(patience());
    for seed in 0.. {
        cluster.set_seed(seed);
        if cluster.candidates() == order {
            break;
        }
    }
    cluster
}

pub fn question() -> QueryRequest {
    call_request(CONTRACT, b"question".to_vec(), QueryOptions::default())
}

pub fn question_with_receipt() -> QueryRequest {
    let options = QueryOptions { receipt: true, ..QueryOptions::default() };
    call_request(CONTRACT, b"question".to_vec(), options)
}

/// Looks until it is so.
pub async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
