//! Another build takes a running worker's place: as a second process from a copy of the program with one
//! byte more, which has another measurement.

use crate::{
    protocol::post,
    stage::{CHAIR, OFFICER, Stage, WORKERS},
    tools::{Report, command, free_ports, run, until},
};
use anyhow::{Context, Result, ensure};
use client::{Account, QueryOptions, Transaction, WorkerClient};
use primitives::{Measurement, WorkerId};
use rand_core::OsRng;
use secrets::client::seal_query;
use serde_json::json;
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};
use tokio::process::Child;

/// The worker that is upgraded; its operator's key lies where [`Stage::worker_arguments`] says.
const PLACE: usize = 1;

pub async fn check(stage: &mut Stage, report: &mut Report) {
    let new = match Build::make(stage).await {
        Ok(new) => new,
        Err(error) => return report.note("another build of the worker", Err(error)),
    };
    report.note(
        "a build that the chain does not allow takes nothing over",
        not_allowed(stage, &new).await,
    );
    let mut processes = Vec::new();
    let upgraded = upgrade(stage, report, &new, &mut processes).await;
    let there = upgraded.is_ok();
    report.note("an allowed build takes a worker over", upgraded);
    if there {
        let held = banned(stage, &new).await;
        report.note("contracts carry on while a build is withdrawn", held);
    }
    for mut process in processes {
        let _ = process.kill().await;
    }
    report.note("the upgraded worker goes on under the first build", back(stage, &new).await);
    report.note(
        "after the upgrade the network answers as before",
        stage.unharmed().await,
    );
}

/// Another build of the worker.
struct Build {
    program: PathBuf,
    measurement: Measurement,
    /// Data directory of the process that takes over.
    directory: PathBuf,
    url: String,
}

impl Build {
    async fn make(stage: &Stage) -> Result<Self> {
        let program = stage.home.path().join("phat-worker-new");
        fs::copy(stage.tools.worker(), &program)?;
        OpenOptions::new().append(true).open(&program)?.write_all(&[0])?;
        let ran = run(&program, &["measure"], stage.home.path()).await?;
        ran.expect(0, "")?;
        Ok(Self {
            measurement: ran.out.trim().parse().map_err(|error| {
                anyhow::anyhow!("the measurement {:?}: {error}", ran.out)
            })?,
            program,
            directory: stage.home.path().join("upgraded"),
            url: format!("http://127.0.0.1:{}", free_ports(1)?),
        })
    }

    /// Starts it, to take over from the worker at [`PLACE`]; with its log.
    fn start(&self, stage: &Stage, directory: &Path, log: &str) -> Result<(Child, PathBuf)> {
        let mut arguments = stage.worker_arguments(directory, PLACE);
        arguments.retain(|argument| {
            !argument.starts_with("--listen=") && !argument.starts_with("--endpoint=")
        });
        arguments.push(format!("--listen={}", self.url.trim_start_matches("http://")));
        arguments.push(format!("--endpoint={}", self.url));
        arguments.push(format!("--take-over-from={}", stage.worker_url(PLACE)));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let log = stage.directory().join("logs").join(log);
        let child = command(&self.program, &arguments, stage.home.path())
            .stderr(File::create(&log)?)
            .spawn()?;
        Ok((child, log))
    }

    /// Starts it in a directory of its own; it ends, and has said `expected`.
    async fn refused(&self, stage: &Stage, name: &str, expected: &str) -> Result<()> {
        let directory = stage.home.path().join(name);
        let (mut child, log) = self.start(stage, &directory, &format!("{name}.log"))?;
        let ended = until("a worker that gets no keys to end", async || Ok(child.try_wait()?)).await;
        let _ = child.kill().await;
        let said = fs::read_to_string(&log)?;
        ensure!(!ended?.success() && said.contains(expected), "{expected:?} was expected: {said}");
        ensure!(!directory.join("secrets.sealed").exists(), "it has keys");
        Ok(())
    }
}

async fn not_allowed(stage: &mut Stage, new: &Build) -> Result<()> {
    let (number, _) = stage.await_position(PLACE, 1).await?;
    new.refused(stage, "not-allowed", "the chain does not allow the build").await?;
    stage.await_position(PLACE, number).await?;
    stage.unharmed().await
}

async fn upgrade(
    stage: &mut Stage,
    report: &mut Report,
    new: &Build,
    processes: &mut Vec<Child>,
) -> Result<()> {
    let chain = stage.chain().await?;
    let allow = Transaction::allow_measurement(new.measurement).as_superuser(&chain).await?;
    chain.submit_final(&Account::from_uri("//Alice")?, &allow).await?;
    let worker = stage.info.workers[PLACE].worker;
    let before = stage.worker(PLACE - 1)?;
    votes(stage, &before).await.context("before")?;

    let (child, log) = new.start(stage, &new.directory, "upgraded.log")?;
    processes.push(child);
    let said = || fs::read_to_string(&log).unwrap_or_default();
    until("the old process to stop answering", async || {
        Ok(stage.position(PLACE).await.is_none().then_some(()))
    })
    .await
    .with_context(said)?;
    let stopped = Instant::now();
    // Commands while nobody answers for that worker.
    let id = stage.id.to_string();
    let ran = stage.phat(&["call", &id, "reopen", "1", "--as", CHAIR]).await?;
    ran.expect(0, "mailbox number")?;
    let ran = stage.phat(&["call", &id, "report", "1", "[9,10]", "--as", OFFICER]).await?;
    ran.expect(0, "mailbox number")?;
    stage.votes = json!([["Ada", 9], ["Bea", 10]]);

    let serves = async || {
        let info = client::fetch_info(&new.url).await.ok();
        Ok(info.filter(|info| info["serving"].is_object()))
    };
    let info = until("the new process to serve", serves).await.with_context(said)?;
    report.say(&format!(
        "the worker answers again {:.1} s after it stopped",
        stopped.elapsed().as_secs_f32()
    ));
    let found: WorkerId = serde_json::from_value(info["worker"].clone())?;
    ensure!(found == worker, "another worker serves: {info}");
    let after = until("the chain to have the new process's endpoint", async || {
        let record = chain.worker(&worker).await?;
        ensure!(record.info.measurement == new.measurement, "served under another build");
        Ok(Some(WorkerClient::new(stage.info.genesis, &record)?)
            .filter(|client| client.url().trim_end_matches('/') == new.url))
    })
    .await
    .with_context(said)?;
    ensure!(after.address() == before.address(), "its keys are others");
    until("no accepted command to be lost", async || {
        Ok(votes(stage, &after).await.ok())
    })
    .await?;

    // The old one has stopped, and says why; no third gets the keys.
    let request = stage.tally_request(QueryOptions::default())?;
    let (envelope, _) = seal_query(before.address(), None, request, &mut OsRng)?;
    let (status, body) = post(stage, PLACE, "/v1/query", envelope).await?;
    let body = String::from_utf8_lossy(&body);
    ensure!(status == 503 && body.contains("were handed over"), "{status} {body}");
    let other = Build {
        program: new.program.clone(),
        measurement: new.measurement,
        directory: stage.home.path().join("third"),
        url: format!("http://127.0.0.1:{}", free_ports(1)?),
    };
    other.refused(stage, "third", "were handed over").await?;
    // Not even after a restart.
    let network = stage.network.as_mut().context("the network was stopped")?;
    network.kill_worker(PLACE).await;
    network.restart_worker(PLACE)?;
    until("the old process to be there again", async || {
        Ok(client::fetch_info(stage.worker_url(PLACE)).await.ok())
    })
    .await?;
    ensure!(stage.position(PLACE).await.is_none(), "it serves again");
    other.refused(stage, "fourth", "were handed over").await?;
    votes(stage, &after).await.context("after all of it")
}

/// Asked without a session, the worker tells the votes that were counted.
async fn votes(stage: &Stage, worker: &WorkerClient) -> Result<()> {
    let chair = Account::from_uri(CHAIR)?;
    let request = stage.tally_request(QueryOptions::default())?;
    let asked = worker.ask_once(Some(&chair), request).await?;
    let output = asked.reply.result.map_err(client::WorkerError::Query)?;
    let message = stage.contract.message("tally")?;
    let client::Output::Value(tally) = stage.contract.decode(message, &output.data)? else {
        anyhow::bail!("the tally is refused");
    };
    ensure!(tally["votes"] == stage.votes, "{tally}, not {}", stage.votes);
    Ok(())
}

/// The new build is withdrawn: its worker stops serving, commands and queries go on at the others; and allowed
/// again, it goes on with what was done meanwhile.
async fn banned(stage: &mut Stage, new: &Build) -> Result<()> {
    let chain = stage.chain().await?;
    let superuser = Account::from_uri("//Alice")?;
    let withdraw = Transaction::disallow_measurement(new.measurement).as_superuser(&chain).await?;
    chain.submit_final(&superuser, &withdraw).await?;
    until("the banned worker to stop serving", async || {
        let info = client::fetch_info(&new.url).await.ok();
        Ok(info.filter(|info| info["serving"].is_null()).map(drop))
    })
    .await?;
    let id = stage.id.to_string();
    let ran = stage.phat(&["call", &id, "reopen", "1", "--as", CHAIR]).await?;
    ran.expect(0, "mailbox number")?;
    let ran = stage.phat(&["call", &id, "report", "1", "[21,22]", "--as", OFFICER]).await?;
    ran.expect(0, "mailbox number")?;
    stage.votes = json!([["Ada", 21], ["Bea", 22]]);
    for place in (0..WORKERS).filter(|place| place + 1 != PLACE) {
        let other = stage.worker(place)?;
        until("another worker to count the votes", async || {
            Ok(votes(stage, &other).await.ok())
        })
        .await?;
    }
    let allow = Transaction::allow_measurement(new.measurement).as_superuser(&chain).await?;
    chain.submit_final(&superuser, &allow).await?;
    let back = stage.worker(PLACE - 1)?;
    let back = WorkerClient::new(stage.info.genesis, &chain.worker(&back.worker()).await?)?;
    until("the worker to serve under its build again", async || {
        Ok(votes(stage, &back).await.ok())
    })
    .await
}

/// The network's own program goes on with what the new one has: a build in the same place, on the same
/// disk, registers anew and serves.
async fn back(stage: &mut Stage, new: &Build) -> Result<()> {
    let own = stage.worker_directory(PLACE);
    let network = stage.network.as_mut().context("the network was stopped")?;
    network.kill_worker(PLACE).await;
    if new.directory.join("secrets.sealed").exists() {
        fs::remove_dir_all(&own)?;
        fs::rename(&new.directory, &own)?;
    }
    network.restart_worker(PLACE)?;
    stage.await_position(PLACE, 1).await.map(drop)
}
