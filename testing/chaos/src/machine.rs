//! A machine: an address, a disk of its own, a clock that can go wrong, and one program that is started again
//! whenever it ends.

use crate::{lan::Port, plan::Role};
use anyhow::{Context, Result, ensure};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::{Child, Command};

/// Shows a program another time than the machine's.
const FAKETIME: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];
/// Size of a node's disk and of a worker's: in memory, and only what is written takes room.
const NODE_DISK: &str = "size=1024m";
const WORKER_DISK: &str = "size=128m";

/// Where the library is that lets clocks go wrong, if it is there.
pub fn faketime() -> Option<&'static str> {
    FAKETIME.into_iter().find(|path| Path::new(path).exists())
}

/// What a machine runs.
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// A machine.
pub struct Machine {
    /// What it is called: `node-1`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Its cable.
    pub port: Port,
    /// Its disk.
    pub disk: PathBuf,
    /// Where its program's output goes; not on its disk.
    pub log: PathBuf,
    program: Option<Program>,
    clock: Option<PathBuf>,
    child: Option<Child>,
    /// Whether the program is to run.
    wanted: bool,
    /// How often it ended though nobody ended it, with how.
    pub ended: Vec<String>,
}

impl Machine {
    /// A machine with an empty disk below `directory`.
    ///
    /// # Errors
    /// When the disk cannot be made.
    pub fn new(name: &str, role: Role, port: Port, directory: &Path) -> Result<Self> {
        let disk = directory.join("disks").join(name);
        fs::create_dir_all(&disk)?;
        let size = if role == Role::Node {
            NODE_DISK
        } else {
            WORKER_DISK
        };
        let status = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", size, "tmpfs"])
            .arg(&disk)
            .status()
            .context("mount cannot be run")?;
        ensure!(status.success(), "the disk of {name} cannot be mounted");
        let logs = directory.join("logs");
        fs::create_dir_all(&logs)?;
        let mut clock = None;
        if matches!(role, Role::Worker(_)) && faketime().is_some() {
            let file = directory.join(format!("{name}.clock"));
            fs::write(&file, "+0\n")?;
            clock = Some(file);
        }
        Ok(Self {
            name: name.to_owned(),
            role,
            port,
            disk,
            log: logs.join(format!("{name}.log")),
            program: None,
            clock,
            child: None,
            wanted: false,
            ended: Vec::new(),
        })
    }

    /// Where the machine's part is answered: JSON-RPC of a node, HTTP of a worker.
    pub fn url(&self) -> String {
        match self.role {
            Role::Node => format!("ws://{}:9944", self.port.address),
            _ => format!("http://{}:8000", self.port.address),
        }
    }

    /// Sets what it runs.
    pub fn set_program(&mut self, program: Program) {
        self.program = Some(program);
    }

    /// Sets what it runs, and gives what it ran before.
    pub fn swap_program(&mut self, program: Program) -> Option<Program> {
        self.program.replace(program)
    }

    /// Starts its program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self) -> Result<()> {
        let program = self
            .program
            .as_ref()
            .context("the machine has no program")?;
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        // It becomes the program: the process is the program's own.
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.port.namespace))
            .arg("--")
            .arg(&program.path)
            .args(&program.arguments)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        if let (Some(library), Some(clock)) = (faketime(), &self.clock) {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", clock)
                .env("FAKETIME_CACHE_DURATION", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        self.child = Some(
            command
                .spawn()
                .with_context(|| format!("{} does not start", self.name))?,
        );
        self.wanted = true;
        Ok(())
    }

    /// Ends its program as a power cut would.
    pub async fn kill(&mut self) {
        self.wanted = false;
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill().await;
        }
    }

    /// Starts the program again where it ended by itself, as a service manager would. Whether it did.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn supervise(&mut self) -> Result<bool> {
        let Some(child) = &mut self.child else {
            return Ok(false);
        };
        let Some(status) = child.try_wait()? else {
            return Ok(false);
        };
        if !self.wanted {
            return Ok(false);
        }
        self.ended
            .push(format!("{status}: {}", last_line(&self.log)));
        self.start()?;
        Ok(true)
    }

    /// Sends the program a signal.
    ///
    /// # Errors
    /// When `kill` cannot be run.
    pub async fn signal(&self, signal: &str) -> Result<()> {
        let Some(id) = self.child.as_ref().and_then(Child::id) else {
            return Ok(());
        };
        Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(id.to_string())
            .status()
            .await?;
        Ok(())
    }

    /// Leaves no room on the disk.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn fill_disk(&self) -> Result<()> {
        let mut filler = File::create(self.disk.join("filler"))?;
        for size in [1 << 20, 4096, 1] {
            let block = vec![1; size];
            while filler.write_all(&block).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn make_room(&self) -> Result<()> {
        Ok(fs::remove_file(self.disk.join("filler"))?)
    }

    /// Lets the clock be wrong by so many seconds; 0 for right.
    ///
    /// # Errors
    /// When there is no such clock.
    pub fn set_clock(&self, seconds: i64) -> Result<()> {
        let clock = self
            .clock
            .as_ref()
            .context("the machine's clock cannot go wrong")?;
        Ok(fs::write(clock, format!("{seconds:+}\n"))?)
    }

    /// What its program keeps: of a node all but its keys, of a worker all.
    pub fn data(&self) -> PathBuf {
        self.disk.join("data")
    }

    fn copy(&self) -> PathBuf {
        self.disk.with_extension("copy")
    }

    /// Keeps a copy of the data of a machine that does not run.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub async fn take_copy(&self) -> Result<()> {
        copy(&self.data(), &self.copy()).await
    }

    /// Puts the data back to what the copy has.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub async fn put_copy_back(&self) -> Result<()> {
        let copied = self.copy();
        fs::remove_dir_all(self.data())?;
        copy(&copied, &self.data()).await?;
        Ok(fs::remove_dir_all(&copied)?)
    }
}

async fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let status = Command::new("cp")
        .arg("--archive")
        .arg(from.join("."))
        .arg(to)
        .status()
        .await?;
    ensure!(status.success(), "{} cannot be copied", from.display());
    Ok(())
}

fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or_default().to_owned()
}
