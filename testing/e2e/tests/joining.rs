//! Workers that come into a cluster, go out of it, take its state over, or are there twice.

use crate::{
    rotation::keys_in_use,
    stage::{CHAIR, Stage},
    tools::{Report, free_ports, until},
};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The worker that is played with.
const PLACE: usize = 1;
/// Who owns the cluster, and who operates that worker.
const OWNER: &str = "//Alice";
const OPERATOR: &str = "//Charlie";

pub async fn check(stage: &mut Stage, report: &mut Report) {
    let taken_over = takes_over(stage).await;
    report.note("a worker without its state takes it over from another", taken_over);
    report.note("of two copies of a worker the later one goes on", copies(stage).await);
    report.note("a worker leaves its cluster and comes back", leaves(stage).await);
    report.note(
        "after comings and goings the network answers as before",
        stage.unharmed().await,
    );
}

fn network(stage: &mut Stage) -> Result<&mut dev_network::Network> {
    stage.network.as_mut().context("the network was stopped")
}

fn state_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "redb") {
            files.push(path);
        }
    }
    Ok(files)
}

async fn takes_over(stage: &mut Stage) -> Result<()> {
    let (number, _) = stage.await_position(PLACE, 1).await?;
    network(stage)?.kill_worker(PLACE).await;
    let directory = stage.worker_directory(PLACE);
    for file in state_files(&directory)? {
        fs::remove_file(file)?;
    }
    let mut arguments = stage.worker_arguments(&directory, PLACE);
    arguments.push("--snapshot-above=0".to_owned());
    let (mut child, log) = stage.start_worker(&arguments, "joins.log")?;
    let held = async {
        stage.await_position(PLACE, number).await?;
        stage.unharmed().await
    };
    let held = held.await;
    let _ = child.kill().await;
    network(stage)?.restart_worker(PLACE)?;
    let said = fs::read_to_string(&log)?;
    held.with_context(|| said.clone())?;
    ensure!(said.contains("the cluster's state was taken over"), "it ran the mailbox: {said}");
    stage.await_position(PLACE, number).await?;
    Ok(())
}

async fn copies(stage: &mut Stage) -> Result<()> {
    let (number, _) = stage.await_position(PLACE, 1).await?;
    network(stage)?.kill_worker(PLACE).await;
    let directory = stage.worker_directory(PLACE);
    let copy = stage.home.path().join("copy");
    fs::create_dir_all(&copy)?;
    for entry in fs::read_dir(&directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), copy.join(entry.file_name()))?;
        }
    }
    network(stage)?.restart_worker(PLACE)?;
    stage.await_position(PLACE, number).await?;
    let url = format!("http://127.0.0.1:{}", free_ports(1)?);
    let mut arguments = stage.worker_arguments(&copy, PLACE);
    arguments.retain(|argument| !argument.starts_with("--listen="));
    arguments.push(format!("--listen={}", url.trim_start_matches("http://")));
    let (mut child, log) = stage.start_worker(&arguments, "copy.log")?;
    let held = async {
        until("the copy to serve", async || {
            let info = client::fetch_info(&url).await.ok();
            Ok(info.filter(|info| info["serving"].is_object()))
        })
        .await?;
        until("the first one to stop", async || {
            Ok(stage.position(PLACE).await.is_none().then_some(()))
        })
        .await?;
        let log = stage.directory().join(format!("logs/worker-{PLACE}.log"));
        until("the first one to say why it stopped", async || {
            let said = fs::read_to_string(&log)?;
            Ok(said.contains("another process with this worker's keys has started").then_some(()))
        })
        .await
    };
    let held = held.await;
    let _ = child.kill().await;
    // What is left of the ended process, and it anew.
    network(stage)?.kill_worker(PLACE).await;
    network(stage)?.restart_worker(PLACE)?;
    held.with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
    stage.await_position(PLACE, number).await?;
    Ok(())
}

async fn leaves(stage: &mut Stage) -> Result<()> {
    let (number, _) = stage.await_position(PLACE, 1).await?;
    let worker = stage.info.workers[PLACE].worker.to_string();
    let directory = stage.worker_directory(PLACE);
    // Nobody but the owner and the operator has a say.
    let ran = stage.phat(&["cluster", "remove-worker", &worker, "--as", "//Eve"]).await?;
    ensure!(ran.code != Some(0), "anybody lets workers go: {ran:?}");
    let in_use = keys_in_use(stage).await?["inUse"].as_u64().context("no seed in use")?;
    let ran = stage.phat(&["worker", "leave", &worker, "--as", OPERATOR]).await?;
    ran.expect(0, "")?;
    until("the keys to be other ones than it has seen", async || {
        let now = keys_in_use(stage).await?["inUse"].as_u64();
        Ok(now.filter(|now| *now > in_use))
    })
    .await?;
    until("the worker to wipe what it had", async || {
        let is_gone = stage.position(PLACE).await.is_none();
        Ok((is_gone && state_files(&directory)?.is_empty()).then_some(()))
    })
    .await?;
    stage.await_position(PLACE + 1, number).await.context("while it is away")?;
    let id = stage.id.to_string();
    let ran = stage.phat(&["query", &id, "tally", "--as", CHAIR]).await?;
    ran.expect(0, "").context("while it is away")?;
    let ran = stage.phat(&["cluster", "add-worker", &worker, "--as", OWNER]).await?;
    ensure!(ran.code != Some(0), "a worker is taken in that nobody offers: {ran:?}");
    let ran = stage.phat(&["worker", "offer", &worker, "anybody", "--as", OPERATOR]).await?;
    ran.expect(0, "")?;
    let ran = stage.phat(&["cluster", "add-worker", &worker, "--as", OWNER]).await?;
    ran.expect(0, "")?;
    stage.await_position(PLACE, number).await?;
    Ok(())
}
