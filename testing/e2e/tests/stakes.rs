//! Stakes behind contracts, through the command line.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::stage::Stage;
use crate::tools::Report;

const ALICE: &str = "//Alice";
const BOB: &str = "//Bob";

pub async fn check(stage: &Stage, report: &mut Report) {
    let stakes = stakes(stage).await;
    report.note("whoever likes stakes to a contract, sees its share, and takes the stake back", stakes);
    report.note("a stake that cannot be is refused with a reason", refused(stage).await);
}

async fn show(stage: &Stage, account: &str) -> Result<Value> {
    let contract = stage.id.to_string();
    stage.phat(&["--json", "stake", "show", &contract, "--as", account]).await?.json()
}

async fn stakes(stage: &Stage) -> Result<()> {
    let contract = stage.id.to_string();
    let set = async |account, amount| {
        stage.phat(&["stake", "set", &contract, amount, "--as", account]).await
    };
    let before = show(stage, ALICE).await?;
    ensure!(before["weight"] == 0, "{before}");
    set(ALICE, "5").await?.expect(0, "5 PHA staked to")?;
    set(BOB, "2.5").await?.expect(0, "2.5 PHA staked to")?;
    let both = show(stage, BOB).await?;
    let pha = 1_000_000_000_000_u64;
    ensure!(both["stake"] == (pha * 15 / 2).to_string() && both["weight"] == 750, "{both}");
    ensure!(both["yours"] == (pha * 5 / 2).to_string(), "{both}");
    ensure!(both["sharePermille"].as_u64() > Some(990), "{both}");
    // What is set is all there is, not in addition.
    set(ALICE, "1").await?.expect(0, "1 PHA staked to")?;
    let text = stage.phat(&["stake", "show", &contract]).await?;
    text.expect(0, "staked   3.5 PHA")?;
    text.expect(0, "weight   350")?;
    set(ALICE, "0").await?.expect(0, "nothing is staked to")?;
    set(BOB, "0").await?.expect(0, "nothing is staked to")?;
    let after = show(stage, ALICE).await?;
    ensure!(after["stake"] == "0" && after["yours"] == "0", "{after}");
    // The workers ran the entries and agree.
    stage.unharmed().await
}

async fn refused(stage: &Stage) -> Result<()> {
    let contract = stage.id.to_string();
    let nobody = "0x".to_owned() + &"99".repeat(32);
    let set = async |contract: &str, amount: &str| {
        stage.phat(&["stake", "set", contract, amount, "--as", ALICE]).await
    };
    set(&contract, "0.5").await?.expect(1, "a stake is at least 1 PHA")?;
    set(&contract, "much").await?.expect(1, "much")?;
    set(&nobody, "5").await?.expect(1, "there is no contract")?;
    set(&contract, "999999999999").await?.expect(1, "Funds")
}
