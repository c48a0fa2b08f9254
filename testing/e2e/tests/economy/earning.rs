//! From nothing to an income.

use crate::{
    CHARLIE, CHARLIES_POOL, CHARLIES_WORKER, DAVE, DAVES_POOL, DAVES_WORKER, EVE, FERDIE, VAULT,
    amount, done, id, refused,
    stage::Stage,
    told,
    tools::{Report, free_ports, until},
};
use anyhow::{Context, Result, ensure};
use primitives::{WorkerId, units::PHA};
use std::fs;
use tokio::process::Child;

/// A worker of Charlie's that serves no cluster.
pub struct Third {
    pub worker: WorkerId,
    child: Child,
}

impl Third {
    pub async fn stop(mut self) {
        let _ = self.child.kill().await;
    }
}

pub async fn check(stage: &mut Stage, report: &mut Report) -> Result<Third> {
    report.note("workers measure themselves, and say what is missing", measured(stage).await);
    report.note("two pools and a vault are made, and filled", pools(stage).await);
    let third = third(stage).await;
    report.note(
        "a worker without a cluster is there",
        third.as_ref().map(drop).map_err(|error| anyhow::anyhow!("{error:#}")),
    );
    if let Ok(third) = &third {
        report.note("three workers start", start(stage, &third.worker).await);
        report.note("all three earn", earn(stage, &third.worker).await);
        report.note("owner and delegator see the same numbers", same(stage).await);
    }
    third
}

/// Waits until a worker's score is on chain.
async fn score(stage: &Stage, worker: &WorkerId) -> Result<serde_json::Value> {
    let worker = worker.to_string();
    until("a benchmark to be on chain", async || {
        let ran = stage.phat(&["--json", "worker", "score", &worker]).await?;
        if ran.code == Some(0) {
            return Ok(Some(ran.json()?));
        }
        ran.expect(1, "no benchmark yet")?;
        Ok(None)
    })
    .await
}

async fn measured(stage: &Stage) -> Result<()> {
    for place in [CHARLIES_WORKER, DAVES_WORKER] {
        let worker = id(stage, place);
        let told = score(stage, &worker).await?;
        ensure!(told["score"].as_u64() > Some(0), "{told}");
        let ran = stage.phat(&["worker", "doctor", &worker.to_string()]).await?;
        ran.expect(3, "it belongs to no pool")?;
        ran.expect(3, &format!("phat worker bind {worker} --pool"))?;
    }
    let nobody = "0x".to_owned() + &"99".repeat(32);
    let ran = stage.phat(&["worker", "doctor", &nobody]).await?;
    ran.expect(3, "is not registered")
}

async fn pools(stage: &Stage) -> Result<()> {
    for (account, pool) in [(CHARLIE, CHARLIES_POOL), (DAVE, DAVES_POOL)] {
        let made = done(stage, account, &["pool", "create"]).await?;
        ensure!(made["pool"] == pool, "{made}");
    }
    let made = done(stage, EVE, &["vault", "create"]).await?;
    ensure!(made["vault"] == VAULT, "{made}");
    done(stage, CHARLIE, &["pool", "set-commission", "0", "10"]).await?;
    refused(stage, FERDIE, &["pool", "set-commission", "0", "100"], "only the pool's owner").await?;
    refused(stage, FERDIE, &["pool", "delegate", "7", "10"], "there is no such pool").await?;
    done(stage, CHARLIE, &["pool", "delegate", "0", "8000"]).await?;
    done(stage, FERDIE, &["pool", "delegate", "0", "2000"]).await?;
    done(stage, DAVE, &["pool", "delegate", "1", "4000"]).await?;
    done(stage, FERDIE, &["vault", "delegate", "2", "2000"]).await?;
    done(stage, EVE, &["vault", "invest", "2", "1", "2000"]).await?;
    let vault = done(stage, FERDIE, &["vault", "show", "2"]).await?;
    ensure!(amount(&vault["value"])? == 2000 * PHA, "{vault}");
    ensure!(amount(&vault["yours"]["value"])? == 2000 * PHA, "{vault}");
    let list = told(stage, &["pool", "list"]).await?;
    ensure!(list.as_array().is_some_and(|list| list.len() == 2), "{list}");
    Ok(())
}

async fn third(stage: &Stage) -> Result<Third> {
    let directory = stage.home.path().join("third");
    fs::create_dir_all(&directory)?;
    let url = format!("http://127.0.0.1:{}", free_ports(1)?);
    let mut arguments = stage.worker_arguments(&directory, CHARLIES_WORKER);
    let of_another =
        |argument: &String| ["--listen=", "--endpoint="].iter().any(|own| argument.starts_with(own));
    arguments.retain(|argument| !of_another(argument));
    arguments.push(format!("--listen={}", url.trim_start_matches("http://")));
    arguments.push(format!("--endpoint={url}"));
    let (child, log) = stage.start_worker(&arguments, "third.log")?;
    let found = async {
        let worker = until("the third worker to say who it is", async || {
            let info = client::fetch_info(&url).await.ok();
            Ok(info.and_then(|info| serde_json::from_value(info["worker"].clone()).ok()))
        })
        .await?;
        until("it to be registered", async || {
            let ran = stage.phat(&["worker", "list"]).await?;
            Ok(ran.out.contains(&format!("{worker}")).then_some(()))
        })
        .await?;
        score(stage, &worker).await?;
        Ok::<_, anyhow::Error>(worker)
    };
    let worker =
        found.await.with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
    Ok(Third { worker, child })
}

/// Binds and starts a worker with a little more than the least stake.
async fn bind(stage: &Stage, owner: &str, pool: u64, worker: &WorkerId) -> Result<()> {
    let (worker, pool) = (worker.to_string(), pool.to_string());
    done(stage, owner, &["worker", "bind", &worker, "--pool", &pool]).await?;
    let score = told(stage, &["worker", "score", &worker]).await?;
    let least = amount(&score["stakeMin"])?.div_ceil(PHA);
    let little = (least / 2).to_string();
    refused(stage, owner, &["worker", "start", &worker, &little], "takes a stake from").await?;
    let stake = (least + 10).to_string();
    done(stage, owner, &["worker", "start", &worker, &stake]).await?;
    Ok(())
}

async fn start(stage: &Stage, third: &WorkerId) -> Result<()> {
    let first = id(stage, CHARLIES_WORKER);
    let foreign = first.to_string();
    refused(stage, DAVE, &["worker", "bind", &foreign, "--pool", "1"], "must also operate").await?;
    bind(stage, CHARLIE, CHARLIES_POOL, &first).await?;
    bind(stage, CHARLIE, CHARLIES_POOL, third).await?;
    bind(stage, DAVE, DAVES_POOL, &id(stage, DAVES_WORKER)).await
}

async fn earn(stage: &Stage, third: &WorkerId) -> Result<()> {
    for worker in [id(stage, CHARLIES_WORKER), *third, id(stage, DAVES_WORKER)] {
        let name = worker.to_string();
        until(&format!("worker {worker} to be paid"), async || {
            let income = told(stage, &["worker", "income", &name]).await?;
            let paid = income["earned"].as_str().is_some_and(|earned| earned != "0");
            Ok((paid && !income["perDay"].is_null()).then_some(()))
        })
        .await?;
        let ran = stage.phat(&["worker", "doctor", &name]).await?;
        ran.expect(0, "nothing is wrong")?;
    }
    let ferdie = done(stage, FERDIE, &["pool", "show", "0"]).await?;
    ensure!(amount(&ferdie["yours"]["value"])? > 2000 * PHA, "{ferdie}");
    ensure!(amount(&ferdie["ownerRewards"])? > 0, "{ferdie}");
    let vault = done(stage, FERDIE, &["vault", "show", "2"]).await?;
    ensure!(amount(&vault["yours"]["value"])? > 2000 * PHA, "{vault}");
    done(stage, CHARLIE, &["pool", "claim", "0"]).await?;
    Ok(())
}

async fn same(stage: &Stage) -> Result<()> {
    // Payments between two looks change them: then it is looked again.
    until("two looks with no payment between", async || {
        let mut looks = Vec::new();
        for account in [CHARLIE, FERDIE] {
            let mut seen = done(stage, account, &["pool", "show", "0"]).await?;
            if let Some(seen) = seen.as_object_mut() {
                seen.remove("yours");
                seen.remove("incomePerDay");
            }
            looks.push(seen);
        }
        Ok((looks[0] == looks[1]).then_some(()))
    })
    .await
}
