//! Fetches a cluster's state from its other workers.

use anyhow::{Context, Result, bail, ensure};
use chain_facts::view::Peer;
use contract_state::{Import, ImportTarget, Position, StateDb, StoreIdentity};
use primitives::{BlockHash, BlockNumber};
use secrets::StateKey;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use wire::snapshot::{SNAPSHOT_CHUNK_BYTES_MAX, SnapshotChunk, SnapshotRequest};
use worker_core::{Identity, read_snapshot_chunk, snapshot_request};

/// How long one chunk may take to come.
const CHUNK_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a peer may take to be reached.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How often a peer that is busy, or an answer that got lost, is asked again in a row.
const TRIES_MAX: u32 = 4;
/// Longest state that is taken over, bytes: who sends more than this sends no state.
const STATE_BYTES_MAX: u64 = 256 * 1024 * 1024 * 1024;

/// What to fetch.
pub struct Wanted {
    pub identity: Arc<Identity>,
    pub store: StoreIdentity,
    pub key: StateKey,
    pub target: ImportTarget,
    /// The final block that names the state.
    pub block: (BlockNumber, BlockHash),
    pub peers: Vec<Peer>,
    /// Where the state is to lie; beside it, until it is whole, with the ending `import`.
    pub file: PathBuf,
}

/// Takes the state from the first peer that has it whole; what came before a failure is kept for the next.
///
/// # Errors
/// With what each peer did.
pub async fn fetch(wanted: Wanted) -> Result<StateDb> {
    let http = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIME_MAX)
        .timeout(CHUNK_TIME_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let mut failures = Vec::new();
    for peer in &wanted.peers {
        for endpoint in &peer.endpoints {
            let started = Instant::now();
            match fetch_from(&http, &wanted, peer, endpoint).await {
                Ok((import, bytes)) => {
                    let state = finish(&wanted, import).await;
                    match state {
                        Ok(state) => {
                            tracing::info!(
                                peer = %peer.worker,
                                bytes,
                                seconds = started.elapsed().as_secs_f32(),
                                "the cluster's state was taken over"
                            );
                            return Ok(state);
                        }
                        Err(error) => failures.push(format!("{}: {error:#}", peer.worker)),
                    }
                }
                Err(error) => failures.push(format!("{} at {endpoint}: {error:#}", peer.worker)),
            }
        }
    }
    bail!("{}", failures.join("; "))
}

fn import_file(wanted: &Wanted) -> PathBuf {
    wanted.file.with_extension("import")
}

async fn fetch_from(
    http: &reqwest::Client,
    wanted: &Wanted,
    peer: &Peer,
    endpoint: &str,
) -> Result<(Import, u64)> {
    let file = import_file(wanted);
    let begin = || Import::begin(&file, &wanted.key, &wanted.store, &wanted.target);
    let mut import = match begin() {
        Ok(import) => import,
        Err(_) => {
            // Of another cluster's key, or damaged: it holds nothing that cannot be fetched again.
            std::fs::remove_file(&file).context("what was fetched before cannot be removed")?;
            begin().context("the file to fetch into cannot be made")?
        }
    };
    let url = format!("{}/v1/snapshot", endpoint.trim_end_matches('/'));
    let mut bytes = 0_u64;
    loop {
        let request = snapshot_request(
            &wanted.identity,
            SnapshotRequest {
                cluster: wanted.store.cluster,
                asker: wanted.identity.worker(),
                peer: peer.worker,
                next_number: wanted.target.next_number,
                state_root: wanted.target.state_root,
                after: import.after(),
                block_number: wanted.block.0,
            },
        );
        let SnapshotChunk { records, is_last } = ask(http, &url, request).await?;
        ensure!(is_last || !records.is_empty(), "it sends chunks with nothing in them");
        bytes += records.iter().map(|(_, record)| record.len() as u64).sum::<u64>();
        ensure!(bytes <= STATE_BYTES_MAX, "it sends more than a state can be");
        // Encryption and the disk: not on a thread that others wait for.
        import = tokio::task::spawn_blocking(move || import.add(&records).map(|()| import)).await??;
        if is_last {
            return Ok((import, bytes));
        }
    }
}

/// An answer that is the same if one asks again: another peer may have the state.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Final(String);

async fn ask(http: &reqwest::Client, url: &str, request: Vec<u8>) -> Result<SnapshotChunk> {
    let mut tries = 0;
    loop {
        tries += 1;
        let asked = async {
            let mut response = http.post(url).body(request.clone()).send().await?;
            let status = response.status();
            let mut body = Vec::new();
            while let Some(part) = response.chunk().await? {
                ensure!(
                    body.len() + part.len() <= SNAPSHOT_CHUNK_BYTES_MAX as usize,
                    "its answer is longer than a chunk"
                );
                body.extend_from_slice(&part);
            }
            if !status.is_success() {
                let text: String = String::from_utf8_lossy(&body).chars().take(300).collect();
                let text = format!("it answers {status}: {text}");
                if status.is_client_error() {
                    return Err(Final(text).into());
                }
                bail!("{text}");
            }
            read_snapshot_chunk(&body).context("its answer is no chunk")
        };
        match asked.await {
            Ok(chunk) => return Ok(chunk),
            Err(error) if tries == TRIES_MAX || error.is::<Final>() => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(250 << tries)).await,
        }
    }
}

/// Checks the state, and puts it in the place of the one there was.
async fn finish(wanted: &Wanted, import: Import) -> Result<StateDb> {
    let position = Position {
        next_number: wanted.target.next_number,
        block_number: wanted.block.0,
        block_hash: wanted.block.1,
        block_timestamp_ms: 0,
    };
    let file = import_file(wanted);
    let finished = tokio::task::spawn_blocking(move || import.finish(&position)).await?;
    if let Err(error) = finished {
        // What came is of no use, also for the next attempt.
        let _ = std::fs::remove_file(&file);
        return Err(error.into());
    }
    std::fs::rename(&file, &wanted.file).context("the state cannot be put in its place")?;
    StateDb::open(&wanted.file, &wanted.key, &wanted.store).context("the state that was fetched")
}
