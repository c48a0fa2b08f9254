//! `phat dev`: a whole network on this machine.

use crate::{context::DEV_DIRECTORY, output::Output};
use anyhow::Result;
use clap::Args;
use dev_network::{Binaries, Network, Options, Ports, SLOT_MS, WorkerRole};
use serde_json::json;
use std::{path::PathBuf, time::Instant};

/// Run a whole network on this machine: a chain node, a gatekeeper, workers, a cluster. The TEE is
/// simulated: nothing is confidential on it.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where the network keeps everything; a second run goes on from there.
    #[arg(long, value_name = "DIRECTORY", default_value = DEV_DIRECTORY)]
    data_dir: PathBuf,
    /// First of the ports: node RPC, node p2p, four for workers, then the web console.
    #[arg(long, value_name = "PORT", default_value_t = 9944)]
    port_base: u16,
    /// Workers of the cluster.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=3))]
    workers: u8,
    /// Directory of phat-node and phat-worker; by default that of phat.
    #[arg(long, value_name = "DIRECTORY")]
    binaries: Option<PathBuf>,
    /// Directory of the built web console; by default `console` beside the programs.
    #[arg(long, value_name = "DIRECTORY")]
    console: Option<PathBuf>,
}

pub async fn run(arguments: Arguments, output: &Output) -> Result<()> {
    let started = Instant::now();
    let binaries = match &arguments.binaries {
        Some(directory) => Binaries::in_directory(directory)?,
        None => Binaries::beside_this_program()?,
    };
    let options = Options {
        data_dir: arguments.data_dir.clone(),
        binaries,
        ports: Ports::from_base(arguments.port_base),
        workers: arguments.workers.into(),
        prices: [0, 0, 0],
        slot_ms: Some(SLOT_MS),
        session_blocks: None,
    };
    let mut end = std::pin::pin!(interrupted());
    let mut say = |text: &str| output.progress(text);
    let mut network = tokio::select! {
        network = Network::start(options, &mut say) => network?,
        () = &mut end => return Ok(()),
    };
    let info = network.info().clone();
    let console = network.serve_console(arguments.console.as_deref()).await;
    let mut text = format!(
        "the network serves after {:.1} s; the TEE is SIMULATED, nothing on it is confidential\n\
         node        {}\ngenesis     {}\ncluster     {}\nbuild       {}",
        started.elapsed().as_secs_f32(),
        info.node,
        info.genesis,
        info.cluster,
        info.measurement,
    );
    for worker in &info.workers {
        let role = match worker.role {
            WorkerRole::Gatekeeper => "gatekeeper",
            WorkerRole::Worker => "worker    ",
        };
        text.push_str(&format!("\n{role}  {}  {}", worker.url, worker.worker));
    }
    let console_line = match &console {
        Ok(Some(console)) => console.url().to_owned(),
        Ok(None) => "not built; cargo xtask build makes it where Node.js 20 and npm are".to_owned(),
        // The network is what was asked for.
        Err(error) => format!("not served: {error}"),
    };
    text.push_str(&format!(
        "\nconsole     {console_line}\nlogs        {}\nCtrl-C ends it",
        network.logs().display()
    ));
    let mut value = json!(info);
    if let (Some(fields), Ok(Some(console))) = (value.as_object_mut(), &console) {
        fields.insert("console".to_owned(), json!(console.url()));
    }
    output.result(text, &value);
    let ended = loop {
        tokio::select! {
            () = &mut end => break Ok(()),
            () = tokio::time::sleep(std::time::Duration::from_millis(500)) => {
                if let Err(error) = network.check_alive() {
                    break Err(error);
                }
            }
        }
    };
    network.stop().await;
    Ok(ended?)
}

/// Resolves on Ctrl-C or a request to end.
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
