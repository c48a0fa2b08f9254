//! What a worker mines.

use super::{StorageReader, read};
use crate::{BoundSession, MiningView, SessionInfo, keys};
use primitives::{AccountId, WorkerId};

/// The worker's session, challenge and benchmark; none where the chain has no mining.
pub(super) async fn view<R: StorageReader>(
    block: &R,
    worker: &WorkerId,
) -> Result<Option<MiningView>, R::Error> {
    let version: Option<u16> = read(block, "version of mining", keys::mining_version()).await?;
    if version.is_none() {
        return Ok(None);
    }
    let session: Option<AccountId> =
        read(block, "session of a worker", keys::worker_session(worker)).await?;
    Ok(Some(MiningView {
        session: match session {
            Some(session) => Some(bound(block, session).await?),
            None => None,
        },
        benchmark: read(block, "benchmark", keys::benchmark(worker)).await?,
        rules: read(block, "rules of benchmarks", keys::benchmark_rules())
            .await?
            .unwrap_or_default(),
    }))
}

async fn bound<R: StorageReader>(
    block: &R,
    session: AccountId,
) -> Result<BoundSession, R::Error> {
    let info: Option<SessionInfo> = read(block, "session", keys::session(&session)).await?;
    Ok(BoundSession {
        session,
        computes: info.is_some_and(|info| info.is_computing()),
        challenge: read(block, "challenge", keys::pending_challenge(&session)).await?,
    })
}
