//! A state handed over to another worker, beside running the mailbox that made it.

use crate::server::{CLUSTER, GENESIS, Machine};
use anyhow::{Context as _, Result, anyhow, ensure};
use codec::{Decode, Encode};
use contract_engine::{Engine, EngineConfig, code_hash, contract_id};
use contract_state::{
    Change, Import, ImportTarget, Overlay, Position, StateDb, StateView as _, StoreIdentity,
};
use executor_api::{Context, Executor as _, Mode, Operation};
use primitives::{AccountId, ContractId, WorkerId};
use secrets::{ClusterSeed, StateKey};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use wire::snapshot::{SNAPSHOT_CHUNK_BYTES, SnapshotChunk};
use worker_core::{
    audit::{Ran, carry_on},
    entries::verdict,
};

/// Counts in its state, one with each call.
const COUNTER: &str = r#"(module
  (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "env" "memory" (memory 2 16))
  (data (i32.const 0) "\00\10\00\00")
  (func (export "deploy")
    (drop (call $set (i32.const 16) (i32.const 4) (i32.const 8) (i32.const 4))))
  (func (export "call")
    (drop (call $get (i32.const 16) (i32.const 4) (i32.const 8192) (i32.const 0)))
    (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
    (drop (call $set (i32.const 16) (i32.const 4) (i32.const 8192) (i32.const 4)))))"#;
/// Entries that are run before they are committed, as a worker does.
const BATCH: u64 = 128;
/// Length of a value.
const VALUE_BYTES: usize = 1024;
/// Values in one commit.
const VALUES: u64 = 8192;

const IDENTITY: StoreIdentity = StoreIdentity { genesis: GENESIS, cluster: CLUSTER };

fn key() -> StateKey {
    StateKey::from_bytes(&[1; 32])
}

/// Removed when dropped.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Measures both and prints them.
///
/// # Errors
/// When the disk is full, or the states are not the same.
pub fn measure(mebibytes: u64, commands: u64) -> Result<()> {
    let folder = Folder(std::env::temp_dir().join(format!("phat-snapshot-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0)?;
    hand_over(&folder.0, mebibytes)?;
    run_mailbox(&folder.0.join("bare"), commands, false)?;
    run_mailbox(&folder.0.join("committed"), commands, true)
}

/// Most memory that this process ever had, MiB.
fn peak_mebibytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kibibytes.context("no VmHWM")? / 1024)
}

fn hand_over(folder: &Path, mebibytes: u64) -> Result<()> {
    let peer = StateDb::open(&folder.join("peer"), &key(), &IDENTITY)?;
    let values = mebibytes * 1024 * 1024 / VALUE_BYTES as u64;
    let made = Instant::now();
    let mut next_number = 0;
    for start in (0..values).step_by(VALUES as usize) {
        let value = |number: u64| {
            let mut bytes = wire::domain::blake2_256(&number.to_le_bytes()).repeat(VALUE_BYTES / 32);
            bytes.truncate(VALUE_BYTES);
            bytes
        };
        let changes: Vec<Change> = (start..values.min(start + VALUES))
            .map(|number| (number.to_le_bytes().to_vec(), Some(value(number))))
            .collect();
        next_number += 1;
        peer.commit(&Position { next_number, ..Position::default() }, &changes)?;
    }
    println!("a state of {mebibytes} MiB in values of {VALUE_BYTES} bytes, made in {:.1} s", made.elapsed().as_secs_f64());
    let before = peak_mebibytes()?;
    let snapshot = peer.snapshot();
    let target = ImportTarget { next_number, state_root: peer.head().state_root };
    let path = folder.join("joiner");
    let started = Instant::now();
    let mut import = Import::begin(&path, &key(), &IDENTITY, &target)?;
    let (mut reading, mut taking, mut bytes) = (Duration::ZERO, Duration::ZERO, 0);
    loop {
        let from = Instant::now();
        let chunk = snapshot.records(import.after().as_ref(), SNAPSHOT_CHUNK_BYTES)?;
        let sent = SnapshotChunk { records: chunk.records, is_last: chunk.is_last }.encode();
        reading += from.elapsed();
        bytes += sent.len();
        let from = Instant::now();
        let SnapshotChunk { records, is_last } = SnapshotChunk::decode(&mut &sent[..])?;
        import.add(&records)?;
        taking += from.elapsed();
        if is_last {
            break;
        }
    }
    let from = Instant::now();
    import.finish(&Position::default())?;
    let checking = from.elapsed();
    let joiner = StateDb::open(&path, &key(), &IDENTITY)?;
    ensure!(joiner.head().state_root == target.state_root, "another state came");
    println!(
        "handed over in {:.1} s: {} MiB; the peer reads {:.1} s, the joiner writes {:.1} s and checks {:.1} s",
        started.elapsed().as_secs_f64(),
        bytes / (1024 * 1024),
        reading.as_secs_f64(),
        taking.as_secs_f64(),
        checking.as_secs_f64(),
    );
    println!(
        "memory at most: {before} MiB before, {} MiB after, of peer and joiner in one process",
        peak_mebibytes()?
    );
    Ok(())
}

/// Runs a mailbox, with or without carrying the contract's commitment on with each command, as workers do.
fn run_mailbox(file: &Path, commands: u64, carries: bool) -> Result<()> {
    let engine = Engine::new(&EngineConfig::default())?;
    let machine = Machine(WorkerId([1; 32]));
    let store = StateDb::open(file, &key(), &IDENTITY)?;
    let owner = AccountId::default();
    let code = wat::parse_str(COUNTER)?;
    let code_hash = code_hash(&code);
    let contract = contract_id(&owner, &code_hash, &CLUSTER, b"");
    let set_up = [
        Operation::SetUpCluster {
            owner,
            gas_price: 0,
            deposit_per_item: 0,
            deposit_per_byte: 0,
            treasury: owner,
        },
        Operation::UploadCode { code },
        Operation::Instantiate { contract, code_hash, input: Vec::new(), salt: Vec::new(), value: 0 },
    ];
    let call = Operation::Call { contract, input: Vec::new(), value: 0 };
    let seed = ClusterSeed::from_bytes(&[2; 32]);
    let secret_of = |contract: &ContractId| Some(seed.contract_audit_secret(contract));
    let run = |overlay: &mut Overlay, operation: &Operation, number: u64| -> Result<()> {
        let context = Context {
            mode: Mode::Transaction,
            cluster: CLUSTER,
            origin: owner,
            block_number: 1,
            now_ms: 1,
            gas_limit: 0,
            storage_deposit_limit: None,
            nonce: None,
        };
        let outcome = engine.execute(overlay, &machine, &context, operation)?;
        let verdict = verdict(&outcome);
        outcome.result.map_err(|error| anyhow!("a command fails: {error}"))?;
        if carries {
            let ran = Ran { number, addressed: Some(contract), verdict };
            let more = carry_on(&engine, &*overlay, &outcome.changes, &ran, &secret_of)?;
            overlay.apply(more);
        }
        overlay.apply(outcome.changes);
        Ok(())
    };
    let mut next_number = set_up.len() as u64;
    let mut overlay = Overlay::new(store.snapshot());
    for (operation, number) in set_up.iter().zip(0..) {
        run(&mut overlay, operation, number)?;
    }
    store.commit(&Position { next_number, ..Position::default() }, &overlay.into_changes())?;
    let started = Instant::now();
    let mut left = commands;
    while left > 0 {
        let count = left.min(BATCH);
        let mut overlay = Overlay::new(store.snapshot());
        for number in next_number..next_number + count {
            run(&mut overlay, &call, number)?;
        }
        left -= count;
        next_number += count;
        store.commit(&Position { next_number, ..Position::default() }, &overlay.into_changes())?;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{commands} commands run from the mailbox in {seconds:.1} s, {:.0} a second, without opening seals, {}",
        commands as f64 / seconds,
        if carries { "with the contract's commitment" } else { "without the contract's commitment" }
    );
    let _ = store.snapshot().read(b"")?;
    Ok(())
}
