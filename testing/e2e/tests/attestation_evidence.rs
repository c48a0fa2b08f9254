//! Evidence that the chain must not take: of a foreign root, of a build that is not allowed, over other
//! facts than the registration's.

use crate::{stage::Stage, tools::Report};
use anyhow::{Result, bail, ensure};
use attestation::Evidence;
use chain_facts::{WorkerInfo, keys};
use client::{Account, ChainError, Transaction, now_ms};
use mock_attestation::{DevelopmentPki, MockTd};
use primitives::{GenesisHash, HpkePublicKey, WorkerId};
use sha2::{Digest, Sha384};
use std::fs;
use wire::registration::WorkerRegistration;

const WORKER: WorkerId = WorkerId([0x5a; 32]);

pub async fn check(stage: &Stage, report: &mut Report) {
    report.note(
        "worker evidence that the chain must refuse",
        refused(stage).await,
    );
    report.note(
        "after bad evidence the network answers as before",
        stage.unharmed().await,
    );
}

async fn refused(stage: &Stage) -> Result<()> {
    let allowed = MockTd::of_build(Sha384::digest(fs::read(stage.tools.worker())?).into());
    ensure!(
        allowed.measurement() == stage.info.measurement,
        "another build than the network's"
    );
    let registration = registration(stage.info.genesis);
    let report_data = registration.report_data();
    let now = now_ms() / 1000;
    let (known, foreign) = (
        DevelopmentPki::insecure_well_known(),
        DevelopmentPki::from_seed([9; 32]),
    );

    let evidence = foreign.tdx_evidence(&allowed, &report_data, now);
    refuses(stage, &registration, &evidence, "EvidenceRootNotAccepted").await?;
    let other_build = MockTd::of_build([7; 48]);
    let evidence = known.tdx_evidence(&other_build, &report_data, now);
    refuses(
        stage,
        &registration,
        &evidence,
        "EvidenceMeasurementNotAllowed",
    )
    .await?;
    let mut debugged = allowed.clone();
    debugged.debug = true;
    let evidence = known.tdx_evidence(&debugged, &report_data, now);
    refuses(stage, &registration, &evidence, "EvidenceOfDebugEnclave").await?;
    let mut altered = report_data;
    altered[0] ^= 1;
    let evidence = known.tdx_evidence(&allowed, &altered, now);
    refuses(
        stage,
        &registration,
        &evidence,
        "EvidenceReportDataMismatch",
    )
    .await?;
    let evidence = known.tdx_evidence(&allowed, &report_data, now - 90 * 24 * 60 * 60);
    refuses(stage, &registration, &evidence, "EvidenceExpired").await?;
    let elsewhere = self::registration(GenesisHash([9; 32]));
    let evidence = known.tdx_evidence(&allowed, &elsewhere.report_data(), now);
    refuses(stage, &elsewhere, &evidence, "GenesisMismatch").await?;

    let key = keys::worker(&WORKER);
    let found = stage
        .chain()
        .await?
        .unproven::<WorkerInfo>("worker registration", key)
        .await?;
    ensure!(
        found.is_none(),
        "the chain registered a worker that it refused"
    );
    // The same facts on good evidence are taken: it is the evidence that was refused, nothing else.
    let evidence = known.tdx_evidence(&allowed, &report_data, now);
    submit(stage, &registration, &evidence).await?;
    Ok(())
}

fn registration(genesis: GenesisHash) -> WorkerRegistration {
    WorkerRegistration {
        version: 1,
        worker: WORKER,
        hpke_public_key: HpkePublicKey([0x5b; 32]),
        genesis,
        operator: None,
        made_at_ms: now_ms() - 2_000,
    }
}

async fn submit(
    stage: &Stage,
    registration: &WorkerRegistration,
    evidence: &Evidence,
) -> Result<(), ChainError> {
    let chain = stage
        .chain()
        .await
        .map_err(|error| ChainError::Node(error.to_string()))?;
    let somebody =
        Account::from_uri("//Ferdie").map_err(|error| ChainError::Node(error.to_string()))?;
    let transaction = Transaction::register_worker(registration, evidence);
    chain.submit(&somebody, &transaction).await.map(drop)
}

async fn refuses(
    stage: &Stage,
    registration: &WorkerRegistration,
    evidence: &Evidence,
    error: &str,
) -> Result<()> {
    match submit(stage, registration, evidence).await {
        Err(ChainError::Refused(reason)) => {
            ensure!(reason.contains(error), "{error} was expected: {reason}");
            Ok(())
        }
        Err(other) => bail!("{error} was expected: {other}"),
        Ok(()) => bail!("the chain took what deserves {error}"),
    }
}
