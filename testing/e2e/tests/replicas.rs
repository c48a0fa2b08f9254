//! Three workers of one cluster: each stands in for the others, together they agree, and one that lies is
//! caught and named.
//!
//! The lying worker has another worker's own keys, as somebody would who broke into its TEE: on the
//! simulated platform they are there to be read. It seals and signs like the worker it replaces, knows the
//! newest state, and gives another answer. No program of ours has a mode for that.

use crate::{
    stage::{CHAIR, OFFICER, Stage},
    tools::{Ran, Report, until},
};
use anyhow::{Context, Result, ensure};
use client::{Account, QueryOptions, WorkerClient};
use executor_api::Returned;
use platform::PlatformConfig;
use primitives::WorkerId;
use scripted_worker::{Conduct, Position, ScriptedWorker};
use serde_json::{Value, json};
use std::{fs, path::Path, sync::Arc, time::Duration};
use worker_core::{Identity, KeptSecrets};

/// What the worker seals its keys for.
const SECRETS_LABEL: &str = "phat/worker-secrets/v1";
/// How often the lying worker looks at what block the others are.
const FOLLOW_POLL: Duration = Duration::from_millis(20);

pub async fn check(stage: &mut Stage, report: &mut Report) {
    report.note("three workers agree, each with its receipt", agree(stage).await);
    let taken = place_of_first(stage).await;
    let place = match taken {
        Ok(place) => place,
        Err(error) => return report.note("the worker that answers first", Err(error)),
    };
    report.note(
        "queries and commands go on while a worker is dead",
        dead(stage, place).await,
    );
    report.note("a lying worker is named", lying(stage, place).await);
    let restarted = async {
        stage
            .network
            .as_mut()
            .context("the network was stopped")?
            .restart_worker(place)?;
        stage.await_position(place, 1).await
    };
    report.note(
        "the worker whose place was taken is back",
        restarted.await.map(drop),
    );
    report.note(
        "with all workers back the network answers as before",
        stage.unharmed().await,
    );
}

async fn tally(stage: &Stage, options: &[&str]) -> Result<Ran> {
    let id = stage.id.to_string();
    let tally = ["--json", "query", &id, "tally", "--as", CHAIR];
    stage.phat(&[&tally, options].concat()).await
}

fn expect_votes(stage: &Stage, json: &Value) -> Result<()> {
    ensure!(
        json["value"]["votes"] == stage.votes,
        "{json}, not {}",
        stage.votes
    );
    Ok(())
}

/// The place in the network of the worker that this home's queries go to first.
async fn place_of_first(stage: &Stage) -> Result<usize> {
    let json = tally(stage, &[]).await?.json()?;
    let first: WorkerId = serde_json::from_value(json["worker"].clone())?;
    let again = tally(stage, &[]).await?.json()?;
    ensure!(again["worker"] == json["worker"], "{json}, then {again}");
    let mut workers = stage.info.workers.iter();
    workers
        .position(|worker| worker.worker == first)
        .context("an unknown worker answers")
}

async fn agree(stage: &Stage) -> Result<()> {
    let directory = stage.home.path().join("agreed");
    let path = directory.display().to_string();
    let ran = tally(stage, &["--replicas", "3", "--receipt", &path]).await?;
    ran.expect(0, "\"unanimous\":true")?;
    let json = ran.json()?;
    expect_votes(stage, &json)?;
    ensure!(json["replicas"]["agreed"] == 3, "{json}");
    let workers = json["replicas"]["workers"]
        .as_array()
        .context("no workers")?;
    for worker in workers {
        ensure!(worker["verdict"] == "agrees", "{json}");
        let file = worker["receipt"].as_str().context("no receipt")?;
        let ran = stage.phat(&["receipt", "verify", file]).await?;
        ran.expect(0, "the receipt holds")?;
    }
    // As a person sees it.
    let id = stage.id.to_string();
    let ran = stage
        .phat(&["query", &id, "tally", "--as", CHAIR, "--replicas", "3"])
        .await?;
    ran.expect(0, "3 of 3 agree")?;
    let ran = tally(stage, &["--replicas", "4"]).await?;
    ran.expect(1, "4 workers are wanted, but cluster")
}

async fn dead(stage: &mut Stage, place: usize) -> Result<()> {
    let dead = stage.info.workers[place].worker.to_string();
    let network = stage
        .network
        .as_mut()
        .context("the network was stopped")?;
    network.kill_worker(place).await;
    let ran = tally(stage, &[]).await?;
    ran.expect(0, "value")?;
    let json = ran.json()?;
    expect_votes(stage, &json)?;
    ensure!(json["worker"] != dead.as_str(), "{json}");
    // A command, and at once a query that sees it, though its worker is not there.
    let id = stage.id.to_string();
    let votes = json!([stage.votes[0][1], stage.votes[1][1]]).to_string();
    let ran = stage
        .phat(&["call", &id, "reopen", "1", "--as", CHAIR])
        .await?;
    ran.expect(0, "mailbox number")?;
    let ran = tally(stage, &[]).await?;
    ensure!(
        ran.json()?["value"]["votes"] != stage.votes,
        "the district was not reopened: {ran:?}"
    );
    let ran = stage
        .phat(&["call", &id, "report", "1", &votes, "--as", OFFICER])
        .await?;
    ran.expect(0, "mailbox number")?;
    expect_votes(stage, &tally(stage, &[]).await?.json()?)?;
    // Asked for by name, it is not replaced; where three are wanted, it is missed.
    let ran = tally(stage, &["--worker", &dead]).await?;
    ran.expect(1, "does not answer at http://127.0.0.1")?;
    let ran = tally(stage, &["--replicas", "3"]).await?;
    ran.expect(3, "\"agreed\":2")?;
    let json = ran.json()?;
    expect_votes(stage, &json)?;
    ensure!(json["replicas"]["failed"][0]["worker"] == dead.as_str(), "{json}");
    Ok(())
}

/// What a worker has sealed, as anybody reads it who has broken into the TEE.
pub fn secrets_of(directory: &Path) -> Result<KeptSecrets> {
    let platform = platform::open(&PlatformConfig::InsecureSimulated {
        data_dir: directory.to_owned(),
    })?;
    let sealed = fs::read(directory.join("secrets.sealed"))?;
    let bytes = platform.unseal(SECRETS_LABEL, &sealed)?;
    KeptSecrets::from_bytes(&bytes).context("the worker's secrets cannot be read")
}

/// The keys of the worker that was killed.
fn keys_of(stage: &Stage, directory: &Path) -> Result<Identity> {
    let kept = secrets_of(directory)?;
    Ok(Identity::new(
        stage.info.genesis,
        &kept.signing_seed,
        &kept.hpke_seed,
    ))
}

/// What an honest worker answers from, by its receipt; whatever its contract says to a stranger.
async fn position_of(stage: &Stage, honest: &mut WorkerClient) -> Result<Position> {
    let options = QueryOptions {
        receipt: true,
        ..QueryOptions::default()
    };
    let asked = honest.ask(None, stage.tally_request(options)?).await?;
    let body = asked.reply.receipt.context("no receipt")?.body;
    Ok(Position {
        block_number: body.block_number,
        block_hash: body.block_hash,
        state_root: body.state_root,
        next_number: body.next_number,
    })
}

async fn lying(stage: &Stage, place: usize) -> Result<()> {
    let other = (1..=3).find(|other| *other != place).context("no other worker")?;
    let mut honest = stage.worker(other - 1)?;
    let chair = Account::from_uri(CHAIR)?;
    let request = stage.tally_request(QueryOptions::default())?;
    let truth = honest.ask(Some(&chair), request).await?.reply.result;
    let mut lie = truth.map_err(|error| anyhow::anyhow!("{error:?}"))?.data;
    // The first candidate's votes come after the name: 128 more of them.
    let name = lie.windows(3).position(|part| part == b"Ada").context("no votes for Ada")?;
    *lie.get_mut(name + 3).context("no votes for Ada")? ^= 128;
    let directory = stage.worker_directory(place);
    let conduct = Conduct {
        cluster: stage.info.cluster,
        contract: stage.id,
        script: Arc::new(move |_, _| {
            Ok(Returned {
                flags: 0,
                data: lie.clone(),
            })
        }),
        gate: Arc::new(|_| Ok(())),
        evidence: Some(fs::read(directory.join("evidence.scale"))?),
    };
    let address = stage
        .worker_url(place)
        .trim_start_matches("http://")
        .parse()?;
    let liar = ScriptedWorker::start(keys_of(stage, &directory)?, conduct, address).await?;
    ensure!(
        liar.identity().worker() == stage.info.workers[place].worker,
        "these are not the worker's keys"
    );
    let follow = async {
        loop {
            liar.publish(position_of(stage, &mut honest).await?);
            tokio::time::sleep(FOLLOW_POLL).await;
        }
    };
    let held: Result<()> = tokio::select! {
        held = caught(stage, place) => held,
        ended = follow => ended,
    };
    liar.stop().await;
    held
}

async fn caught(stage: &Stage, place: usize) -> Result<()> {
    let name = stage.info.workers[place].worker.to_string();
    until("the lying worker to serve", async || {
        Ok(stage.position(place).await.map(drop))
    })
    .await?;
    // Alone it is believed: it has the attested keys.
    let ran = tally(stage, &["--worker", &name]).await?;
    ran.expect(0, "value")?;
    ensure!(
        ran.json()?["value"]["votes"] != stage.votes,
        "it does not lie: {ran:?}"
    );
    let directory = stage.home.path().join("contradictory");
    let path = directory.display().to_string();
    let ran = tally(stage, &["--replicas", "3", "--receipt", &path]).await?;
    ran.expect(3, "\"unanimous\":false")?;
    let json = ran.json()?;
    expect_votes(stage, &json)?;
    ensure!(json["replicas"]["agreed"] == 2, "{json}");
    let workers = json["replicas"]["workers"]
        .as_array()
        .context("no workers")?;
    for worker in workers {
        let verdict = if worker["worker"] == name.as_str() {
            "anotherAnswer"
        } else {
            "agrees"
        };
        ensure!(worker["verdict"] == verdict, "{json}");
    }
    let pairs = json["replicas"]["contradictions"]
        .as_array()
        .context("no contradictions")?;
    let names_it = |pair: &Value| {
        let workers = pair["workers"].as_array();
        workers.is_some_and(|workers| workers.contains(&json!(name)))
    };
    ensure!(pairs.len() == 2 && pairs.iter().all(names_it), "{json}");
    // Its signed word can be shown to anybody.
    let file = directory.join(format!("{name}.json")).display().to_string();
    let ran = stage.phat(&["receipt", "verify", &file]).await?;
    ran.expect(0, "the receipt holds")
}
