//! Messages to a worker that are not for it, come twice, lapse, or are no messages.

use crate::{
    stage::{CHAIR, Stage},
    tools::Report,
};
use anyhow::{Context, Result, ensure};
use client::{Account, QueryOptions, now_ms};
use codec::Encode;
use primitives::{GenesisHash, bounds::REQUEST_BYTES_MAX};
use rand_core::OsRng;
use secrets::client::{Identity, PendingReply, SessionOpener, seal_query};
use wire::query::{Envelope, QueryError, QueryReply, SessionId};

pub async fn check(stage: &Stage, report: &mut Report) {
    report.note(
        "a query or opening sealed to another worker",
        wrong_worker(stage).await,
    );
    report.note("a replayed query", replayed(stage).await);
    report.note(
        "a replayed record of a session",
        replayed_record(stage).await,
    );
    report.note("a lapsed query", lapsed(stage).await);
    report.note(
        "an expired certificate",
        certificate(stage, None, "has expired").await,
    );
    let other = certificate(
        stage,
        Some(GenesisHash([9; 32])),
        "does not hold on this network",
    );
    report.note("a certificate for another network", other.await);
    report.note("requests that are none", malformed(stage).await);
    report.note(
        "after bad requests the network answers as before",
        stage.unharmed().await,
    );
}

/// Posts to the worker process at `place`, 1 or 2; gives status and body.
pub async fn post(
    stage: &Stage,
    place: usize,
    path: &str,
    body: Vec<u8>,
) -> Result<(u16, Vec<u8>)> {
    let url = format!("{}{path}", stage.worker_url(place));
    let answer = reqwest::Client::new().post(url).body(body).send().await?;
    Ok((answer.status().as_u16(), answer.bytes().await?.to_vec()))
}

async fn refused(
    stage: &Stage,
    place: usize,
    path: &str,
    body: Vec<u8>,
    status: u16,
    text: &str,
) -> Result<()> {
    let (found, body) = post(stage, place, path, body).await?;
    let body = String::from_utf8_lossy(&body);
    ensure!(
        found == status && body.contains(text),
        "{status} {text:?} was expected: {found} {body}"
    );
    Ok(())
}

/// Posts a query that opens, and gives the sealed answer.
async fn answered(stage: &Stage, envelope: Vec<u8>, pending: &PendingReply) -> Result<QueryReply> {
    let (status, body) = post(stage, 1, "/v1/query", envelope).await?;
    ensure!(status == 200, "{status} {}", String::from_utf8_lossy(&body));
    Ok(pending.open(&body)?)
}

async fn wrong_worker(stage: &Stage) -> Result<()> {
    let one = stage.worker(0)?;
    let request = stage.tally_request(QueryOptions::default())?;
    let (envelope, pending) = seal_query(one.address(), None, request, &mut OsRng)?;
    let text = "made for another worker or network";
    refused(stage, 2, "/v1/query", envelope.clone(), 400, text).await?;
    answered(stage, envelope, &pending)
        .await
        .context("the right worker")?;
    let (opening, _) = SessionOpener::start(one.address(), None, now_ms(), &mut OsRng)?;
    refused(stage, 2, "/v1/session", opening, 400, text).await?;
    // The right worker's key under another network's name.
    let mut address = *one.address();
    address.genesis = GenesisHash([9; 32]);
    let request = stage.tally_request(QueryOptions::default())?;
    let (envelope, _) = seal_query(&address, None, request, &mut OsRng)?;
    refused(stage, 1, "/v1/query", envelope, 400, text).await
}

async fn replayed(stage: &Stage) -> Result<()> {
    let request = stage.tally_request(QueryOptions::default())?;
    let (envelope, pending) = seal_query(stage.worker(0)?.address(), None, request, &mut OsRng)?;
    let first = answered(stage, envelope.clone(), &pending).await?;
    ensure!(first.result.is_ok(), "{:?}", first.result);
    let second = answered(stage, envelope, &pending).await?;
    ensure!(
        second.result == Err(QueryError::Replayed),
        "{:?}",
        second.result
    );
    Ok(())
}

async fn replayed_record(stage: &Stage) -> Result<()> {
    let worker = stage.worker(0)?;
    let (opening, opener) = SessionOpener::start(worker.address(), None, now_ms(), &mut OsRng)?;
    let (status, accept) = post(stage, 1, "/v1/session", opening.clone()).await?;
    ensure!(status == 200, "{status}");
    let session = opener.finish(&accept)?;
    let (envelope, pending) = session.seal(&stage.tally_request(QueryOptions::default())?)?;
    let first = answered(stage, envelope.clone(), &pending).await?;
    ensure!(first.result.is_ok(), "{:?}", first.result);
    refused(
        stage,
        1,
        "/v1/query",
        envelope.clone(),
        400,
        "was seen before",
    )
    .await?;
    // An altered record opens for nobody, and does not end the session.
    let mut altered = session
        .seal(&stage.tally_request(QueryOptions::default())?)?
        .0;
    if let Some(last) = altered.last_mut() {
        *last ^= 1;
    }
    refused(stage, 1, "/v1/query", altered, 400, "does not open").await?;
    let (envelope, pending) = session.seal(&stage.tally_request(QueryOptions::default())?)?;
    ensure!(answered(stage, envelope, &pending).await?.result.is_ok());
    Ok(())
}

async fn lapsed(stage: &Stage) -> Result<()> {
    for expires_at_ms in [now_ms() - 1, now_ms() + 24 * 60 * 60 * 1000] {
        let mut request = stage.tally_request(QueryOptions::default())?;
        request.expires_at_ms = expires_at_ms;
        let address = *stage.worker(0)?.address();
        let (envelope, pending) = seal_query(&address, None, request, &mut OsRng)?;
        let reply = answered(stage, envelope, &pending).await?;
        ensure!(
            reply.result == Err(QueryError::Expired),
            "{:?}",
            reply.result
        );
    }
    let mut request = stage.tally_request(QueryOptions::default())?;
    request.minimum_block = u32::MAX;
    let (envelope, pending) = seal_query(stage.worker(0)?.address(), None, request, &mut OsRng)?;
    let reply = answered(stage, envelope, &pending).await?;
    ensure!(
        matches!(reply.result, Err(QueryError::BlockNotReached { .. })),
        "{:?}",
        reply.result
    );
    Ok(())
}

/// A certificate that lapsed, or is for another network: refused in a query and in an opening.
async fn certificate(stage: &Stage, other: Option<GenesisHash>, text: &str) -> Result<()> {
    let chair = Account::from_uri(CHAIR)?;
    let lifetime_ms = 60_000;
    let expires_at_ms = if other.is_some() {
        now_ms() + lifetime_ms
    } else {
        now_ms() - 1
    };
    let genesis = other.unwrap_or(stage.info.genesis);
    let (session_key, certificate) = chair.issue_session_key(&genesis, expires_at_ms);
    let identity = || Identity {
        session_key: &session_key,
        certificate: certificate.clone(),
    };
    let address = *stage.worker(0)?.address();
    let request = stage.tally_request(QueryOptions::default())?;
    let (envelope, pending) = seal_query(&address, Some(identity()), request, &mut OsRng)?;
    let reply = answered(stage, envelope, &pending).await?;
    let Err(QueryError::Certificate(reason)) = &reply.result else {
        anyhow::bail!("the query was run: {:?}", reply.result);
    };
    ensure!(reason.contains(text), "{reason}");
    let (opening, _) = SessionOpener::start(&address, Some(identity()), now_ms(), &mut OsRng)?;
    refused(stage, 1, "/v1/session", opening, 400, text).await
}

async fn malformed(stage: &Stage) -> Result<()> {
    let long = vec![0; REQUEST_BYTES_MAX as usize + 1];
    for path in ["/v1/query", "/v1/session"] {
        refused(stage, 1, path, long.clone(), 413, "").await?;
        refused(stage, 1, path, Vec::new(), 400, "error").await?;
        refused(stage, 1, path, vec![0xff; 300], 400, "error").await?;
        refused(stage, 1, path, vec![0; 300], 400, "error").await?;
    }
    refused(
        stage,
        1,
        "/v1/query",
        vec![0xff; 300],
        400,
        "cannot be read",
    )
    .await?;
    let unknown = Envelope::Session {
        session: SessionId([7; 16]),
        sequence: 0,
        ciphertext: vec![1; 64],
    };
    refused(
        stage,
        1,
        "/v1/query",
        unknown.encode(),
        410,
        "open a new one",
    )
    .await?;
    refused(
        stage,
        1,
        "/v1/nothing",
        Vec::new(),
        404,
        "there is nothing at this path",
    )
    .await?;
    // Not a method of this path, and headers of another kind: an answer, not a hang.
    let url = format!("{}/v1/query", stage.worker_url(1));
    let status = reqwest::Client::new()
        .get(url)
        .send()
        .await?
        .status()
        .as_u16();
    ensure!(status == 405, "GET of a POST path gives {status}");
    Ok(())
}
