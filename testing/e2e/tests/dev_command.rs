//! `phat dev`: beside another network, in a directory or on a port that is in use, and its end.

use crate::{
    stage::Stage,
    tools::{Report, command, free_ports, run, until},
    worker_process,
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
};

/// How long a network may take to start or to end here; the promise is far below, this only ends a hang.
const NETWORK_PATIENCE: Duration = Duration::from_secs(90);

struct Dev {
    process: Child,
    directory: PathBuf,
    info: Value,
}

pub async fn check(stage: &Stage, report: &mut Report) {
    let directory = stage.home.path().join("second");
    let dev = match start(stage, &directory).await {
        Ok(dev) => dev,
        Err(error) => return report.note("a second network on this machine", Err(error)),
    };
    report.note(
        "a second network on this machine",
        beside(stage, &dev).await,
    );
    report.note(
        "a directory or port in use by phat dev",
        in_use(stage, &dev).await,
    );
    report.note(
        "a worker with another network's directory",
        other_directory(stage, &dev).await,
    );
    report.note(
        "Ctrl-C ends a network and all its processes",
        ends(dev).await,
    );
    report.note("a network ended while it starts", ends_early(stage).await);
}

fn dev_arguments(stage: &Stage, directory: &Path, port: u16) -> Vec<String> {
    let binaries = stage.tools.binaries.display().to_string();
    let directory = directory.display().to_string();
    [
        "--json",
        "dev",
        "--binaries",
        &binaries,
        "--data-dir",
        &directory,
        "--port-base",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([port.to_string()])
    .collect()
}

async fn start(stage: &Stage, directory: &Path) -> Result<Dev> {
    let arguments = dev_arguments(stage, directory, free_ports(6)?);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut process = command(&stage.tools.phat(), &arguments, stage.home.path()).spawn()?;
    let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
    let line = tokio::time::timeout(NETWORK_PATIENCE, lines.next_line()).await;
    let line = line
        .context("phat dev does not get ready")??
        .context("phat dev ended")?;
    let info = serde_json::from_str(&line).with_context(|| line.clone())?;
    Ok(Dev {
        process,
        directory: directory.to_owned(),
        info,
    })
}

async fn beside(stage: &Stage, dev: &Dev) -> Result<()> {
    let second = dev.directory.display().to_string();
    let ran = stage
        .phat_bare(&["--json", "--network", &second, "contract", "list"])
        .await?;
    ran.expect(0, "[]")?;
    let genesis = dev.info["genesis"].as_str().context("no genesis")?;
    ensure!(
        genesis != stage.info.genesis.to_hex(),
        "two networks with one genesis hash"
    );
    // What is known of the first network is refused by the second.
    let pinned = stage.info.genesis.to_hex();
    let ran = stage
        .phat_bare(&["--network", &second, "--genesis", &pinned, "worker", "list"])
        .await?;
    ran.expect(1, "the node is on network")?;
    stage.unharmed().await
}

async fn in_use(stage: &Stage, dev: &Dev) -> Result<()> {
    let fails = async |directory: &Path, port: u16, text: &str| {
        let arguments = dev_arguments(stage, directory, port);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = run(&stage.tools.phat(), &arguments, stage.home.path()).await?;
        ran.expect(1, text)?;
        ran.json().map(drop)
    };
    fails(
        &dev.directory,
        free_ports(6)?,
        "is in use by another phat dev",
    )
    .await?;
    let url = dev.info["node"].as_str().context("no node")?;
    let rpc: u16 = url.rsplit(':').next().context("no port")?.parse()?;
    let third = stage.home.path().join("third");
    fails(
        &third,
        rpc,
        &format!("port {rpc} for the node's RPC is in use"),
    )
    .await?;
    fails(
        &third,
        rpc - 1,
        &format!("port {rpc} for the node is in use"),
    )
    .await?;
    fs::write(third.join("layout"), "phat-dev 0")?;
    fails(
        &third,
        free_ports(6)?,
        "was made by another version (phat-dev 0)",
    )
    .await
}

async fn other_directory(stage: &Stage, dev: &Dev) -> Result<()> {
    let directory = stage.home.path().join("of-the-first");
    fs::create_dir_all(&directory)?;
    for name in ["network.json", "secrets.sealed"] {
        fs::copy(stage.worker_directory(1).join(name), directory.join(name))?;
    }
    let changes = [
        format!("--data-dir={}", directory.display()),
        format!(
            "--chain-spec={}",
            dev.directory.join("chain-spec.json").display()
        ),
        format!(
            "--bootnode={}",
            dev.info["p2p"].as_str().context("no address")?
        ),
    ];
    let text = format!("belongs to network {}", stage.info.genesis);
    worker_process::fails(stage, "of-the-first", &changes, 1, &text).await
}

fn children(process: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let list = fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
        found.extend(
            list.split_whitespace()
                .filter_map(|id| id.parse::<u32>().ok()),
        );
    }
    Ok(found)
}

/// Gone, or a dead entry that nobody has read yet.
fn is_gone(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).map_or(true, |stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    })
}

async fn interrupt(process: &mut Child) -> Result<()> {
    let id = process.id().context("it has ended already")?;
    let children = children(id)?;
    let sent = std::process::Command::new("kill")
        .args(["-INT", &id.to_string()])
        .status()?;
    ensure!(sent.success(), "kill failed");
    let status = tokio::time::timeout(NETWORK_PATIENCE, process.wait()).await;
    let status = status.context("phat dev does not end")??;
    ensure!(status.code() == Some(0), "phat dev ended with {status}");
    for child in children {
        until("its processes to end", async || {
            Ok(is_gone(child).then_some(()))
        })
        .await?;
    }
    Ok(())
}

async fn ends(mut dev: Dev) -> Result<()> {
    let count = children(dev.process.id().context("it has ended")?)?.len();
    ensure!(
        count == 4,
        "a node, a gatekeeper and two workers were expected, not {count} processes"
    );
    interrupt(&mut dev.process).await
}

/// Ctrl-C before it serves leaves nothing either, and the directory can be used again.
async fn ends_early(stage: &Stage) -> Result<()> {
    let directory = stage.home.path().join("early");
    let arguments = dev_arguments(stage, &directory, free_ports(6)?);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut process = command(&stage.tools.phat(), &arguments, stage.home.path()).spawn()?;
    let id = process.id().context("it has ended")?;
    until("its first processes", async || {
        if let Some(status) = process.try_wait()? {
            bail!("it ended with {status}");
        }
        let node_runs = directory.join("logs/node.log").exists();
        Ok((node_runs && !children(id)?.is_empty()).then_some(()))
    })
    .await?;
    interrupt(&mut process).await
}
