//! The economy on a network of real processes: workers measure themselves, earn, fall silent, lie and lose;
//! who delegated gets its part, and leaves; a stake gives a contract the part of the processors that was told.
//!
//! All of it is typed on the command line, as operators and delegators do. Accounts: Charlie owns a pool with two
//! workers, Dave one with one, Eve a vault; Ferdie delegates.
#![allow(clippy::unwrap_used)]

mod earning;
mod faults;
mod leaving;
mod sharing;
#[path = "../stage.rs"]
#[allow(dead_code, reason = "the other test binary uses the rest")]
mod stage;
#[path = "../tools.rs"]
#[allow(dead_code, reason = "the other test binary uses the rest")]
mod tools;

use anyhow::{Context, Result, ensure};
use primitives::{Balance, WorkerId};
use serde_json::Value;
use stage::Stage;
use tools::{Ran, Report, Tools};

/// Accounts, by what they do here.
pub const CHARLIE: &str = "//Charlie";
pub const DAVE: &str = "//Dave";
pub const EVE: &str = "//Eve";
pub const FERDIE: &str = "//Ferdie";

/// The pools that are made first, in this order.
pub const CHARLIES_POOL: u64 = 0;
pub const DAVES_POOL: u64 = 1;
pub const VAULT: u64 = 2;

/// The workers' places in the network.
pub const CHARLIES_WORKER: usize = 1;
pub const DAVES_WORKER: usize = 2;

/// A `phat` command that must succeed, as JSON.
pub async fn told(stage: &Stage, arguments: &[&str]) -> Result<Value> {
    let ran = stage.phat(&[&["--json"], arguments].concat()).await?;
    ensure!(ran.code == Some(0), "{arguments:?}: {ran:?}");
    ran.json()
}

/// A command of an account that must succeed.
pub async fn done(stage: &Stage, account: &str, arguments: &[&str]) -> Result<Value> {
    told(stage, &[arguments, &["--as", account]].concat()).await
}

/// A command that must be refused, with these words.
pub async fn refused(stage: &Stage, account: &str, arguments: &[&str], words: &str) -> Result<Ran> {
    let ran = stage.phat(&[arguments, &["--as", account]].concat()).await?;
    ran.expect(1, words)?;
    Ok(ran)
}

/// An amount in JSON.
pub fn amount(value: &Value) -> Result<Balance> {
    let text = value.as_str().with_context(|| format!("{value} is no amount"))?;
    text.parse().with_context(|| format!("{text} is no amount"))
}

pub fn id(stage: &Stage, place: usize) -> WorkerId {
    stage.info.workers[place].worker
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_earn_and_lose_and_who_delegates_gets_its_part() -> Result<()> {
    let mut report = Report::new();
    let mut stage = Stage::start(Tools::find()?).await?;
    report.note("a network serves, with a ballot on it", Ok(()));
    let issued = sharing::issuance(&stage).await?;
    let third = earning::check(&mut stage, &mut report).await;
    faults::check(&mut stage, &mut report).await;
    leaving::check(&stage, &mut report).await;
    if let Ok(third) = third {
        third.stop().await;
    }
    sharing::check(&stage, &mut report).await;
    let reconciled = leaving::reconcile(&stage).await;
    report.note("every pool has what it says that it has", reconciled);
    let now = sharing::issuance(&stage).await;
    report.note(
        "nothing was minted",
        now.and_then(|now| {
            ensure!(now <= issued, "{now} units are there, {issued} were");
            Ok(())
        }),
    );
    stage.stop_network().await;
    report.end(&stage)
}
