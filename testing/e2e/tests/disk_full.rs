//! A worker on a disk that is full stops, says so, and goes on once there is room.
//!
//! The disk is a small one in memory, which takes the right to mount; without it the check is left out
//! and a note is printed.

use crate::{
    stage::Stage,
    tools::{Report, until},
};
use anyhow::{Context, Result, ensure};
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};
use tokio::process::Child;

/// Reports sent before the disk must have been written to.
const REPORTS_MAX: u64 = 8;

struct Disk(PathBuf);

impl Disk {
    fn mount(path: &Path) -> Result<Self> {
        fs::create_dir_all(path)?;
        let options = ["-t", "tmpfs", "-o", "size=16m", "tmpfs"];
        let output = Command::new("mount").args(options).arg(path).output()?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(Self(path.to_owned()))
    }

    /// Leaves no room at all.
    fn fill(&self) -> Result<()> {
        let mut filler = File::create(self.0.join("filler"))?;
        while filler.write_all(&[1; 4096]).is_ok() {}
        Ok(())
    }

    fn make_room(&self) -> Result<()> {
        Ok(fs::remove_file(self.0.join("filler"))?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

pub async fn check(stage: &mut Stage, report: &mut Report) {
    match Disk::mount(&stage.home.path().join("small-disk")) {
        Ok(disk) => {
            let held = full(stage, &disk).await;
            report.note("a worker on a full disk", held);
            let network = stage.network.as_mut().context("the network was stopped");
            let back = network.and_then(|network| Ok(network.restart_worker(2)?));
            report.note("the worker on its own disk again", back);
            report.note("after it the network answers as before", stage.unharmed().await);
        }
        Err(error) => report.say(&format!(
            "NOTE  NOT CHECKED: a worker on a full disk; a small disk cannot be mounted here: {error}"
        )),
    }
}

async fn full(stage: &mut Stage, disk: &Disk) -> Result<()> {
    let network = stage.network.as_mut().context("the network was stopped")?;
    network.kill_worker(2).await;
    for entry in fs::read_dir(stage.worker_directory(2))? {
        let path = entry?.path();
        let is_state = path.extension().is_some_and(|extension| extension == "redb");
        // Compiled code is made again.
        if path.is_file() && !is_state {
            fs::copy(&path, disk.0.join(path.file_name().context("no name")?))?;
        }
    }
    let arguments = stage.worker_arguments(&disk.0, 2);
    disk.fill()?;
    let (process, log) = stage.start_worker(&arguments, "full-at-start.log")?;
    ends(process, &log).await.context("full at the start")?;
    disk.make_room()?;

    let (mut process, log) = stage.start_worker(&arguments, "full-later.log")?;
    let (number, _) = stage.await_position(1, 1).await?;
    stage
        .await_position(2, number)
        .await
        .context("with room again")?;
    disk.fill()?;
    for count in 0..REPORTS_MAX {
        stage.report([10 + count, 1]).await?;
        if process.try_wait()?.is_some() {
            break;
        }
    }
    ends(process, &log).await.context("full while it runs")?;
    disk.make_room()?;

    let (mut process, _) = stage.start_worker(&arguments, "room-again.log")?;
    let held = stage.unharmed().await;
    process.kill().await?;
    held
}

/// The process ends by itself with an error that names the disk.
async fn ends(mut process: Child, log: &Path) -> Result<()> {
    let status = until("the worker to end", async || Ok(process.try_wait()?)).await;
    let said = fs::read_to_string(log)?;
    ensure!(
        status.with_context(|| said.clone())?.code() == Some(1),
        "{said}"
    );
    ensure!(said.contains("the disk is full"), "{said}");
    ensure!(!said.contains("panicked"), "{said}");
    Ok(())
}
