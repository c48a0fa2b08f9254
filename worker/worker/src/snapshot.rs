//! Fetches a cluster's state from its other workers.

use anyhow::{Context, Result, bail, ensure};
use crate::store::FileStore;
use chain_facts::view::Peer;
use contract_state::{Import, ImportTarget, Position, StateDb, StoreIdentity};
use http_egress::{EgressPolicy, Place};
use primitives::{BlockHash, BlockNumber};
use secrets::StateKey;
use std::{
    net::SocketAddr,
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
    /// By which of the cluster's seeds others may have it encrypted, and how, the newest first.
    pub keys: Vec<(u32, StateKey)>,
    pub target: ImportTarget,
    /// The final block that names the state.
    pub block: (BlockNumber, BlockHash),
    pub peers: Vec<Peer>,
    /// Where they may be; `None` for anywhere.
    pub policy: Option<EgressPolicy>,
    /// Where the state is to lie; beside it, until it is whole, with the ending `import`.
    pub file: PathBuf,
}

/// Takes the state from the first peer that has it whole; what came before a failure is kept for the next.
///
/// # Errors
/// With what each peer did.
pub async fn fetch(wanted: Wanted) -> Result<FileStore> {
    let mut failures = Vec::new();
    for peer in &wanted.peers {
        for endpoint in &peer.endpoints {
            for key in &wanted.keys {
                match take_from(&wanted, (peer, endpoint.as_str()), key).await {
                    Ok(store) => return Ok(store),
                    Err(error) => {
                        failures.push(format!("{} at {endpoint}: {error:#}", peer.worker));
                    }
                }
            }
        }
    }
    bail!("{}", failures.join("; "))
}

/// A client for this endpoint, which reaches nothing that the policy does not allow: where another
/// operator says that his worker is must not lead into this machine's own network.
async fn client_for(endpoint: &str, policy: Option<&EgressPolicy>) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIME_MAX)
        .timeout(CHUNK_TIME_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    let Some(policy) = policy else { return Ok(builder.build()?) };
    let not_allowed = "its endpoint is no address that other workers may be at";
    let target = policy.check_url(endpoint).ok().context(not_allowed)?;
    let Place::Name(name) = target.place() else { return Ok(builder.build()?) };
    let resolved = tokio::net::lookup_host((name.as_str(), target.port())).await?;
    let allowed: Vec<SocketAddr> = resolved
        .filter_map(|address| policy.check_address(address.ip(), target.port()).ok())
        .map(|address| address.socket_address())
        .collect();
    ensure!(!allowed.is_empty(), "{not_allowed}");
    // What was looked at is what is reached.
    Ok(builder.resolve_to_addrs(name, &allowed).build()?)
}

async fn take_from(
    wanted: &Wanted,
    (peer, endpoint): (&Peer, &str),
    key: &(u32, StateKey),
) -> Result<FileStore> {
    let started = Instant::now();
    let http = client_for(endpoint, wanted.policy.as_ref()).await?;
    let (import, bytes) = fetch_from(&http, wanted, (peer, endpoint), key).await?;
    let store = finish(wanted, key, import).await?;
    tracing::info!(
        peer = %peer.worker,
        bytes,
        seconds = started.elapsed().as_secs_f32(),
        "the cluster's state was taken over"
    );
    Ok(store)
}

fn import_file(wanted: &Wanted) -> PathBuf {
    wanted.file.with_extension("import")
}

async fn fetch_from(
    http: &reqwest::Client,
    wanted: &Wanted,
    (peer, endpoint): (&Peer, &str),
    (rotation, key): &(u32, StateKey),
) -> Result<(Import, u64)> {
    let file = import_file(wanted);
    let begin = || Import::begin(&file, key, &wanted.store, &wanted.target);
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
                rotation: *rotation,
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
async fn finish(
    wanted: &Wanted,
    (rotation, key): &(u32, StateKey),
    import: Import,
) -> Result<FileStore> {
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
    let db = StateDb::open(&wanted.file, key, &wanted.store)
        .context("the state that was fetched")?;
    Ok(FileStore::of(db, &wanted.file, *rotation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_others_announce_does_not_lead_into_this_machines_network() {
        let public = EgressPolicy::default();
        for endpoint in [
            "http://127.0.0.1:9000",
            "http://[::1]:9000",
            "http://10.0.0.1",
            "http://169.254.169.254/latest",
            "http://localhost:9000",
            "ftp://example.com",
            "http://user@example.com",
            "nonsense",
        ] {
            assert!(client_for(endpoint, Some(&public)).await.is_err(), "{endpoint}");
        }
        client_for("http://93.184.216.34:9000", Some(&public)).await.unwrap();
        let simulated =
            EgressPolicy { insecure_allow_private_addresses: true, ..EgressPolicy::default() };
        client_for("http://127.0.0.1:9000", Some(&simulated)).await.unwrap();
        assert!(client_for("http://169.254.169.254", Some(&simulated)).await.is_err());
        // Where its own operator says to go it goes.
        client_for("http://10.0.0.1", None).await.unwrap();
    }
}
