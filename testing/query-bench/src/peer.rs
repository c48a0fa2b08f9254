//! The programs that are measured, each held to a processor.

use crate::RunArguments;
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    fs,
    io::{BufRead, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long a program may take to listen.
const START_TIME_MAX: Duration = Duration::from_secs(20);
/// Ticks of a processor's clock in a second, as /proc counts them on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A server that runs until this is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    directory: Option<PathBuf>,
}

impl Server {
    /// Processor time that it has used, microseconds, to the clock's tick.
    pub fn processor_us(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th after it.
        let (_, after) = stat.rsplit_once(')').context("/proc/…/stat has another form")?;
        let ticks: f64 = after
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|field| field.parse::<f64>().unwrap_or(0.0))
            .sum();
        Ok(ticks / TICKS_PER_SECOND * 1e6)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
        if let Some(directory) = &self.directory {
            let _left = fs::remove_dir_all(directory);
        }
    }
}

fn on(processor: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(processor).arg(program);
    command
}

/// Runs the measuring itself on its own processor.
pub fn ask_on(processor: &str, arguments: &RunArguments) -> Result<()> {
    let mut flags = Vec::new();
    if let Some(workerd) = &arguments.workerd {
        flags.extend(["--workerd".to_owned(), workerd.display().to_string()]);
    }
    for (name, value) in [
        ("--rounds", arguments.rounds),
        ("--requests", arguments.requests),
        ("--connections", arguments.connections),
    ] {
        flags.extend([name.to_owned(), value.to_string()]);
    }
    again_on(processor, "ask", &flags)
}

/// Runs this program's `command` on a processor.
pub fn again_on(processor: &str, command: &str, flags: &[String]) -> Result<()> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    ensure!(processors > 1, "two processors are needed: one serves, one asks");
    let status = on(processor, &std::env::current_exe()?)
        .arg(command)
        .args(flags)
        .status()
        .context("taskset (of util-linux) cannot be run")?;
    ensure!(status.success(), "the client failed: {status}");
    Ok(())
}

pub fn start_ours(processor: &str) -> Result<Server> {
    let mut child = on(processor, &std::env::current_exe()?)
        .arg("serve")
        .stdout(Stdio::piped())
        .stdin(Stdio::piped())
        .spawn()
        .context("the server cannot be started")?;
    let mut line = String::new();
    let output = child.stdout.take().context("the server has no output")?;
    BufReader::new(output).read_line(&mut line)?;
    let address = line.trim().parse().context("the server did not say where it listens")?;
    Ok(Server { child, address, directory: None })
}

const WORKERD_CONFIG: &str = r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .hello)],
  sockets = [(name = "http", address = "127.0.0.1:PORT", http = (), service = "main")],
);
const hello :Workerd.Worker = (
  modules = [(name = "hello.js", esModule = "export default { async fetch() { return new Response('Hello World'); } };")],
  compatibilityDate = "2025-01-01",
);
"#;

#[expect(clippy::disallowed_methods, reason = "workerd does not say when it listens")]
pub fn start_workerd(program: &Path, processor: &str) -> Result<Server> {
    // A port that was free a moment ago.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let directory = std::env::temp_dir().join(format!("phat-query-bench-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let config = directory.join("hello.capnp");
    let text = WORKERD_CONFIG.replace("PORT", &address.port().to_string());
    fs::File::create(&config)?.write_all(text.as_bytes())?;
    let child = on(processor, program)
        .arg("serve")
        .arg(&config)
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    let server = Server { child, address, directory: Some(directory) };
    let until = Instant::now() + START_TIME_MAX;
    while TcpStream::connect(address).is_err() {
        if Instant::now() > until {
            bail!("workerd does not listen on {address}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(server)
}
