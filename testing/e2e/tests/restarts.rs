//! Workers that are killed, and find their disk as they left it, or not.

use crate::{
    protocol::post,
    stage::Stage,
    tools::{Report, until},
};
use anyhow::{Context, Result, ensure};
use client::QueryOptions;
use rand_core::OsRng;
use secrets::client::seal_query;
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

pub async fn check(stage: &mut Stage, report: &mut Report) {
    note(
        stage,
        report,
        "a killed worker goes on from its disk",
        goes_on,
    )
    .await;
    note(
        stage,
        report,
        "a worker without its state file rebuilds it",
        rebuilds,
    )
    .await;
    note(stage, report, "a worker with an older state file", older).await;
    note(
        stage,
        report,
        "a worker with another worker's state file",
        anothers,
    )
    .await;
    note(stage, report, "a worker with a damaged state file", damaged).await;
    report.note("a killed node", node(stage).await);
    report.note(
        "after restarts the network answers as before",
        stage.unharmed().await,
    );
}

/// A check that does not hold may leave a worker dead: the next ones start from a whole network.
async fn note(
    stage: &mut Stage,
    report: &mut Report,
    name: &str,
    run: impl AsyncFn(&mut Stage) -> Result<()>,
) {
    let held = run(stage).await;
    let failed = held.is_err();
    report.note(name, held);
    if failed {
        for place in [1, 2] {
            let mended = async {
                kill(stage, place).await?;
                let _ = state_file(&stage.worker_directory(place)).map(fs::remove_file);
                restart(stage, place)
            };
            if let Err(error) = mended.await {
                report.say(&format!("worker {place} is not mended: {error:#}"));
            }
        }
    }
}

fn state_file(directory: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "redb")
        {
            return Ok(path);
        }
    }
    anyhow::bail!("there is no state in {}", directory.display())
}

async fn kill(stage: &mut Stage, place: usize) -> Result<()> {
    stage
        .network
        .as_mut()
        .context("the network was stopped")?
        .kill_worker(place)
        .await;
    Ok(())
}

fn restart(stage: &mut Stage, place: usize) -> Result<()> {
    Ok(stage
        .network
        .as_mut()
        .context("the network was stopped")?
        .restart_worker(place)?)
}

fn log(stage: &Stage, place: usize) -> Result<String> {
    Ok(fs::read_to_string(
        stage.directory().join(format!("logs/worker-{place}.log")),
    )?)
}

/// Restarts worker 1; it comes to the state that it must have. Gives what it logged since.
async fn comes_back(stage: &mut Stage, number: u64, root: Option<&str>) -> Result<String> {
    let before = log(stage, 1)?.len();
    restart(stage, 1)?;
    let (next, found) = stage.await_position(1, number).await?;
    if let Some(root) = root
        && next == number
    {
        ensure!(
            found == root,
            "the root after {number} entries is {found}, it was {root}"
        );
    }
    stage.unharmed().await?;
    Ok(log(stage, 1)?.split_off(before))
}

async fn goes_on(stage: &mut Stage) -> Result<()> {
    let (number, root) = stage.await_position(1, 1).await?;
    let file = state_file(&stage.worker_directory(1))?;
    let inode = fs::metadata(&file)?.ino();
    kill(stage, 1).await?;
    let said = comes_back(stage, number, Some(&root)).await?;
    ensure!(
        !said.contains("refused"),
        "it did not go on from its disk: {said}"
    );
    ensure!(
        said.contains("serving cluster"),
        "it does not say that it serves: {said}"
    );
    ensure!(
        fs::metadata(&file)?.ino() == inode,
        "its state file was made anew"
    );
    Ok(())
}

async fn rebuilds(stage: &mut Stage) -> Result<()> {
    let (number, root) = stage.await_position(1, 1).await?;
    kill(stage, 1).await?;
    fs::remove_file(state_file(&stage.worker_directory(1))?)?;
    comes_back(stage, number, Some(&root)).await.map(drop)
}

async fn older(stage: &mut Stage) -> Result<()> {
    let file = state_file(&stage.worker_directory(1))?;
    let old = stage.home.path().join("old-state");
    kill(stage, 1).await?;
    fs::copy(&file, &old)?;
    restart(stage, 1)?;
    stage.await_position(1, 1).await?;
    stage.report([5, 6]).await?;
    stage.unharmed().await?;
    let (number, root) = stage.await_position(1, 1).await?;
    kill(stage, 1).await?;
    fs::copy(&old, &file)?;
    comes_back(stage, number, Some(&root)).await.map(drop)
}

async fn anothers(stage: &mut Stage) -> Result<()> {
    let (number, root) = stage.await_position(1, 1).await?;
    kill(stage, 1).await?;
    kill(stage, 2).await?;
    let others = state_file(&stage.worker_directory(2))?;
    fs::copy(others, state_file(&stage.worker_directory(1))?)?;
    restart(stage, 2)?;
    // Both have the cluster's key and the same mailbox: the file is as good as its own.
    comes_back(stage, number, Some(&root)).await.map(drop)
}

/// It ends and says what to do; that done, it is there again.
async fn damaged(stage: &mut Stage) -> Result<()> {
    let (number, root) = stage.await_position(1, 1).await?;
    kill(stage, 1).await?;
    let file = state_file(&stage.worker_directory(1))?;
    let mut bytes = fs::read(&file)?;
    for byte in bytes.iter_mut().skip(512).step_by(97) {
        *byte ^= 0x55;
    }
    fs::write(&file, bytes)?;
    let before = log(stage, 1)?.len();
    restart(stage, 1)?;
    let said = until("the worker to refuse a damaged file", async || {
        let said = log(stage, 1)?.split_off(before);
        Ok(said.contains("phat-worker: ").then_some(said))
    })
    .await?;
    ensure!(
        said.contains("remove the file to rebuild it from the chain"),
        "{said}"
    );
    kill(stage, 1).await?;
    fs::remove_file(&file)?;
    comes_back(stage, number, Some(&root)).await.map(drop)
}

async fn node(stage: &mut Stage) -> Result<()> {
    let network = stage.network.as_mut().context("the network was stopped")?;
    network.kill_node().await;
    network.restart_node()?;
    until("the node to answer again", async || {
        Ok(stage.chain().await.ok())
    })
    .await?;
    stage.report([7, 8]).await
}

/// A worker that has lost touch with the chain answers nothing, says why, and recovers.
pub async fn check_stale(stage: &mut Stage, report: &mut Report) {
    report.note(
        "a worker whose last final block is too old",
        stale(stage).await,
    );
    report.note(
        "after it the network answers as before",
        stage.unharmed().await,
    );
}

async fn ask(stage: &Stage) -> Result<(u16, String)> {
    let request = stage.tally_request(QueryOptions::default())?;
    let (envelope, _) = seal_query(stage.worker(1)?.address(), None, request, &mut OsRng)?;
    match post(stage, 2, "/v1/query", envelope).await {
        Ok((status, body)) => Ok((status, String::from_utf8_lossy(&body).into_owned())),
        // Its process is starting.
        Err(_) => Ok((0, String::new())),
    }
}

async fn stale(stage: &mut Stage) -> Result<()> {
    kill(stage, 2).await?;
    let mut arguments = stage.worker_arguments(&stage.worker_directory(2), 2);
    arguments.push("--stale-after=3".to_owned());
    let (mut process, log) = stage.start_worker(&arguments, "stale.log")?;
    let answers = async || Ok((ask(stage).await?.0 == 200).then_some(()));
    until("a worker that is up to date to answer", answers).await?;
    let network = stage.network.as_mut().context("the network was stopped")?;
    network.kill_node().await;
    let said = until("a worker without a chain to stop answering", async || {
        let (status, said) = ask(stage).await?;
        Ok((status == 503).then_some(said))
    })
    .await;
    // It does not know that the node is gone: its light client may have failed.
    let anew = until("a worker without a chain to try another light client", async || {
        let text = std::fs::read_to_string(&log)?;
        Ok(text.contains("starting a new light client").then_some(()))
    })
    .await;
    // Whatever it said, the next checks need a node.
    let network = stage.network.as_mut().context("the network was stopped")?;
    network.restart_node()?;
    let said = said?;
    anew?;
    ensure!(
        said.contains("last final block is") && said.contains("ms old"),
        "{said}"
    );
    let answers = async || Ok((ask(stage).await?.0 == 200).then_some(()));
    until("the worker to answer again", answers).await?;
    process.kill().await?;
    restart(stage, 2)?;
    stage.await_position(2, 1).await.map(drop)
}
