//! `phat-worker`: the one process inside the TEE.
//!
//! This is wiring: it opens the platform, the data directory, the light client and the listener, and
//! carries effects of `worker-core` out in order. Rules live there, not here.

mod arguments;
mod clock;
mod compatible;
mod figures;
mod measure;
mod data_dir;
mod follow;
mod service;
mod snapshot;
mod store;
mod take_over;

use anyhow::{Context, Result};
use arguments::{Arguments, Command, RunArguments};
use clap::Parser;
use chain_view::OperatorKey;
use follow::{Build, Follower, Network};
use primitives::Measurement;
use std::{io::IsTerminal, process::ExitCode, sync::Arc, time::Instant};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let started = Instant::now();
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("PHAT_LOG").unwrap_or_else(|_| {
        EnvFilter::new("error,phat_worker=info,platform=info")
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A log file wants no colours.
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let result = match arguments.command {
        Command::Measure => measure(),
        Command::Run(arguments) => run(arguments, started),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("phat-worker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the measurement that this very executable has under the simulated platform.
fn measure() -> Result<()> {
    let executable = std::env::current_exe().context("this program's own file")?;
    let measurement = platform::insecure_simulated_measurement(&executable)
        .context("this program's own file cannot be read")?;
    println!("{measurement}");
    Ok(())
}

#[tokio::main]
async fn run(arguments: RunArguments, started: Instant) -> Result<()> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        wait_for_signal().await;
        let _ = stop.send(true);
    });
    let listener = worker_rpc::bind(arguments.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: if another program has the port, choose another with --listen",
            arguments.listen
        )
    })?;
    let metrics_listener = match arguments.metrics_listen {
        Some(address) => Some(worker_rpc::bind(address).await.with_context(|| {
            format!("cannot listen on {address}: choose another address with --metrics-listen")
        })?),
        None => None,
    };
    let spec_json = std::fs::read_to_string(&arguments.chain_spec).with_context(|| {
        format!("the chain specification {} cannot be read", arguments.chain_spec.display())
    })?;
    let platform: Arc<dyn platform::Platform> =
        platform::open(&arguments.platform_config()?).context("the platform cannot be opened")?.into();
    let secret = std::fs::read_to_string(&arguments.operator_key_file).with_context(|| {
        format!(
            "the operator's key file {} cannot be read",
            arguments.operator_key_file.display()
        )
    })?;
    let operator = OperatorKey::from_uri(&secret)?;
    let measurement = own_measurement(platform.clone()).await?;
    let light_client_started = Instant::now();
    let network = Network { spec_json, bootnodes: arguments.bootnode.clone() };
    let chain = network.follow().await?;
    let data_dir = data_dir::DataDir::open(&arguments.data_dir, chain.genesis())?;
    let instants = [started, light_client_started];
    let serve = |service: Arc<dyn worker_rpc::Service>| {
        let mut rim = worker_rpc::Rim::new(service, worker_rpc::Limits::default());
        if arguments.publish_traffic {
            rim = rim.publish_traffic();
        }
        let mut stop = stopped.clone();
        tracing::info!(listen = %arguments.listen, "listening");
        tokio::spawn(worker_rpc::serve(listener, rim, async move {
            let _ = stop.wait_for(|stop| *stop).await;
        }))
    };
    let mut stop = stopped.clone();
    if let Some(departed) = data_dir.load_tombstone(&*platform)? {
        tracing::warn!("{}: this process only hands out what its successor lacks", departed.why());
        let departed = take_over::with_state(departed, &data_dir);
        let platform = platform.kind().name();
        let http = serve(Arc::new(service::DepartedService { departed, platform }));
        let _ = stop.wait_for(|stop| *stop).await;
        let _ = http.await;
        return Ok(());
    }
    let succeeds = match &arguments.take_over_from {
        Some(url) => {
            let side = take_over::NewSide {
                chain: &chain,
                data_dir: &data_dir,
                platform: platform.clone(),
                operator: &operator,
            };
            tokio::select! {
                taken = side.take_over(url) => taken.context("nothing is taken over")?,
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            }
        }
        None => false,
    };
    let build = Build { measurement, succeeds };
    let follower = Follower::new(
        &arguments,
        instants,
        platform,
        (network, chain),
        (data_dir, operator),
        build,
    )?;
    let http = serve(follower.service());
    let figures = follower.figures();
    if let Some(listener) = metrics_listener {
        let mut stop = stopped.clone();
        tokio::spawn(worker_rpc::serve_metrics(
            listener,
            Arc::new(move || figures.text()),
            async move {
                let _ = stop.wait_for(|stop| *stop).await;
            },
        ));
    }
    let result = tokio::select! {
        result = follower.follow() => match result {
            // The directory stays locked: what is left of the worker is in it.
            Ok(_data_dir) => {
                let _ = stop.wait_for(|stop| *stop).await;
                Ok(())
            }
            Err(error) => Err(error),
        },
        _ = async { stopped.clone().wait_for(|stop| *stop).await.is_ok() } => Ok(()),
    };
    if result.is_ok() {
        // Answers under way are finished, but a client that never reads must not hold the process.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), http).await;
        tracing::info!("stopped");
    }
    result
}

/// What a quote says that this build is. A machine without its TEE could never register: better to end now
/// than to wait for ever.
async fn own_measurement(platform: Arc<dyn platform::Platform>) -> Result<Option<Measurement>> {
    let kind = platform.kind();
    let evidence = tokio::task::spawn_blocking(move || platform.quote([0; 64]))
        .await?
        .with_context(|| format!("the platform {kind} gives no quote"))?;
    Ok(attestation::claimed_measurement(&evidence.quote))
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
