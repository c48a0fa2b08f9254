//! Bad input and restarts, against one network of real processes.
//!
//! One test starts one network and runs all checks on it in order; each prints a line, and the test
//! fails at the end if any did not hold. After each group the network must answer as before: bad input
//! loses nothing.
//!
//! The programs are taken from the directory that `PHAT_BINARIES` names, else from where cargo puts
//! them; the ballot from `PHAT_BALLOT_CONTRACT`, else from where `cargo xtask build` puts it.

mod attestation_evidence;
mod auditing;
mod authorities;
mod cluster_settings;
mod command_line;
mod dev_command;
mod disk_full;
mod examples;
mod joining;
mod protocol;
mod receipts;
mod recovery;
mod replicas;
mod restarts;
mod rotation;
mod runtime_upgrade;
mod stage;
mod stakes;
mod tools;
mod upgrade;
mod worker_process;

use anyhow::Result;
use stage::Stage;
use tools::{Report, Tools};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_and_restarts_lose_nothing() -> Result<()> {
    let tools = Tools::find()?;
    let mut report = Report::new();
    let mut stage = Stage::start(tools).await?;
    report.note("a network serves, with a ballot on it", Ok(()));
    command_line::check(&mut stage, &mut report).await;
    cluster_settings::check(&stage, &mut report).await;
    stakes::check(&stage, &mut report).await;
    protocol::check(&stage, &mut report).await;
    let receipt = receipts::check(&stage, &mut report).await;
    auditing::check(&stage, &mut report).await;
    attestation_evidence::check(&stage, &mut report).await;
    examples::check(&stage, &mut report).await;
    worker_process::check(&stage, &mut report).await;
    replicas::check(&mut stage, &mut report).await;
    restarts::check(&mut stage, &mut report).await;
    rotation::check(&mut stage, &mut report).await;
    joining::check(&mut stage, &mut report).await;
    upgrade::check(&mut stage, &mut report).await;
    authorities::check(&mut stage, &mut report).await;
    runtime_upgrade::check(&mut stage, &mut report).await;
    restarts::check_stale(&mut stage, &mut report).await;
    disk_full::check(&mut stage, &mut report).await;
    dev_command::check(&stage, &mut report).await;
    recovery::check(&mut stage, &mut report).await;
    report.note(
        "after all of it, the network answers as before",
        stage.unharmed().await,
    );
    stage.stop_network().await;
    if let Some(receipt) = receipt {
        let held = receipts::check_offline(&stage, &receipt).await;
        report.note("a receipt holds while no network runs", held);
    }
    report.end(&stage)
}
