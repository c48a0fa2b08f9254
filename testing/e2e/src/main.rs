//! `phat-election`: a network of real processes, and a real election on it.

use anyhow::{Context, Result};
use clap::Parser;
use dev_network::{Binaries, Network, Options, Ports, SLOT_MS};
use e2e::election;
use std::{fs, path::PathBuf, process::ExitCode, time::Instant};

/// Starts a local network, runs a real election through it, and checks every promise.
#[derive(Debug, Parser)]
struct Arguments {
    /// Directory of phat-node and phat-worker; by default that of this program.
    #[arg(long, value_name = "DIRECTORY")]
    binaries: Option<PathBuf>,
    /// Where the network keeps everything; with --once a directory that is removed at the end.
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// The ballot contract, built.
    #[arg(long, value_name = "FILE")]
    ballot: PathBuf,
    /// End after the election; exit code 0 only if every check held.
    #[arg(long)]
    once: bool,
    /// Kill the node and the workers at random moments during the election.
    #[arg(long)]
    disturb: bool,
    /// First of the ports.
    #[arg(long, value_name = "PORT", default_value_t = 9944)]
    port_base: u16,
    /// Where to write the receipt files of the tally.
    #[arg(long, value_name = "DIRECTORY")]
    receipts: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("phat-election: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let started = Instant::now();
    let ballot = fs::read(&arguments.ballot)
        .with_context(|| format!("{} cannot be read", arguments.ballot.display()))?;
    let folder = match &arguments.binaries {
        Some(directory) => directory.clone(),
        None => std::env::current_exe()?.parent().context("this program lies nowhere")?.to_owned(),
    };
    let binaries = Binaries::in_directory(&folder)?;
    let temporary = tempfile::tempdir()?;
    let data_dir = match (&arguments.data_dir, arguments.once) {
        (Some(directory), _) => directory.clone(),
        (None, true) => temporary.path().to_owned(),
        (None, false) => PathBuf::from(".phat/dev"),
    };
    let options = Options {
        data_dir,
        binaries,
        ports: Ports::from_base(arguments.port_base),
        workers: 2,
        prices: [0, 0, 0],
        slot_ms: Some(SLOT_MS),
        session_blocks: None,
    };
    let mut say = |text: &str| println!("[{:6.1} s] {text}", started.elapsed().as_secs_f32());
    let mut end = std::pin::pin!(interrupted());
    let mut network = tokio::select! {
        network = Network::start(options, &mut say) => network?,
        () = &mut end => return Ok(()),
    };
    say("the network serves");
    let held = tokio::select! {
        held = election::run(&mut network, &folder, &ballot, arguments.disturb, &mut say) => held,
        () = &mut end => {
            network.stop().await;
            return Ok(());
        }
    };
    let summary = match held {
        Ok(summary) => summary,
        Err(error) => {
            keep_logs(&network);
            network.stop().await;
            return Err(error);
        }
    };
    println!("\n{}\n", election::summary_text(&summary, network.info()));
    if let Some(directory) = &arguments.receipts {
        fs::create_dir_all(directory)?;
        for (place, receipt) in summary.receipts.iter().enumerate() {
            fs::write(directory.join(format!("tally-worker-{}.json", place + 1)), receipt)?;
        }
    }
    println!("every check held, {:.0} s in all", started.elapsed().as_secs_f32());
    if !arguments.once {
        let info = network.info();
        println!("\nthe network goes on: node {}, genesis {}", info.node, info.genesis);
        for worker in &info.workers {
            println!("  {:?} {}  {}", worker.role, worker.url, worker.worker);
        }
        let console = network.serve_console(None).await;
        match &console {
            Ok(Some(console)) => println!("  the web console is at {}", console.url()),
            Ok(None) => println!("  no web console: Node.js and npm build it"),
            Err(error) => println!("  no web console: {error}"),
        }
        println!("Ctrl-C ends it");
        end.await;
    }
    network.stop().await;
    Ok(())
}

/// After a failure the logs tell why: shows the end of each.
fn keep_logs(network: &Network) {
    let Ok(entries) = fs::read_dir(network.logs()) else { return };
    for entry in entries.flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        eprintln!("--- {}", entry.file_name().to_string_lossy());
        for line in &lines[lines.len().saturating_sub(15)..] {
            eprintln!("{line}");
        }
    }
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
