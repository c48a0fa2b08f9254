//! Bad input and restarts, against one network of real processes.
//!
//! One test starts one network and runs all checks on it in order; each prints a line, and the test
//! fails at the end if any did not hold. After each group the network must answer as before: bad input
//! loses nothing.
//!
//! The programs are taken from the directory that `PHAT_BINARIES` names, else from where cargo puts
//! them; the ballot from `PHAT_BALLOT_CONTRACT`, else from where `cargo xtask build` puts it.
//! `PHAT_E2E_ONLY=rotation,upgrade` runs these groups, which are modules, alone.

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

use anyhow::{Result, ensure};
use std::{cell::RefCell, collections::BTreeSet};
use stage::Stage;
use tools::{Report, Tools};

/// Which groups of checks run: all, or those that `PHAT_E2E_ONLY` names, with commas between them.
struct Only {
    named: Option<BTreeSet<String>>,
    /// Those of them that there are.
    found: RefCell<BTreeSet<String>>,
}

impl Only {
    fn from_environment() -> Self {
        let named = std::env::var("PHAT_E2E_ONLY").ok();
        let named = named.map(|names| names.split(',').map(str::to_owned).collect());
        Self { named, found: RefCell::default() }
    }

    fn wants(&self, group: &str) -> bool {
        let Some(named) = &self.named else { return true };
        let is_named = named.contains(group);
        if is_named {
            self.found.borrow_mut().insert(group.to_owned());
        }
        is_named
    }

    /// A name of no group must not pass for a group whose checks hold.
    fn check(&self) -> Result<()> {
        let Some(named) = &self.named else { return Ok(()) };
        let found = self.found.borrow();
        let unknown: Vec<&String> = named.difference(&found).collect();
        ensure!(unknown.is_empty(), "PHAT_E2E_ONLY names groups that there are not: {unknown:?}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_and_restarts_lose_nothing() -> Result<()> {
    let tools = Tools::find()?;
    let mut report = Report::new();
    let only = Only::from_environment();
    let mut stage = Stage::start(tools).await?;
    report.note("a network serves, with a ballot on it", Ok(()));
    if only.wants("command_line") {
        command_line::check(&mut stage, &mut report).await;
    }
    if only.wants("cluster_settings") {
        cluster_settings::check(&stage, &mut report).await;
    }
    if only.wants("stakes") {
        stakes::check(&stage, &mut report).await;
    }
    if only.wants("protocol") {
        protocol::check(&stage, &mut report).await;
    }
    let mut receipt = None;
    if only.wants("receipts") {
        receipt = receipts::check(&stage, &mut report).await;
    }
    if only.wants("auditing") {
        auditing::check(&stage, &mut report).await;
    }
    if only.wants("attestation_evidence") {
        attestation_evidence::check(&stage, &mut report).await;
    }
    if only.wants("examples") {
        examples::check(&stage, &mut report).await;
    }
    if only.wants("worker_process") {
        worker_process::check(&stage, &mut report).await;
    }
    if only.wants("replicas") {
        replicas::check(&mut stage, &mut report).await;
    }
    if only.wants("restarts") {
        restarts::check(&mut stage, &mut report).await;
    }
    if only.wants("rotation") {
        rotation::check(&mut stage, &mut report).await;
    }
    if only.wants("joining") {
        joining::check(&mut stage, &mut report).await;
    }
    if only.wants("upgrade") {
        upgrade::check(&mut stage, &mut report).await;
    }
    if only.wants("authorities") {
        authorities::check(&mut stage, &mut report).await;
    }
    if only.wants("runtime_upgrade") {
        runtime_upgrade::check(&mut stage, &mut report).await;
    }
    if only.wants("restarts") {
        restarts::check_stale(&mut stage, &mut report).await;
    }
    if only.wants("disk_full") {
        disk_full::check(&mut stage, &mut report).await;
    }
    if only.wants("dev_command") {
        dev_command::check(&stage, &mut report).await;
    }
    if only.wants("recovery") {
        recovery::check(&mut stage, &mut report).await;
    }
    report.note(
        "after all of it, the network answers as before",
        stage.unharmed().await,
    );
    stage.stop_network().await;
    if let Some(receipt) = receipt {
        let held = receipts::check_offline(&stage, &receipt).await;
        report.note("a receipt holds while no network runs", held);
    }
    only.check()?;
    report.end(&stage)
}
