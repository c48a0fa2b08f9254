//! What a stake to a contract gives, told in advance and measured afterwards.

use crate::{
    done,
    stage::{CHAIR, Stage},
    told,
    tools::{Report, until},
};
use anyhow::{Context, Result, ensure};
use chain_facts::keys;
use client::{Account, QueryOptions, Transaction, WorkerClient, call_request};
use examples::BURNER;
use primitives::ContractId;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Turns of a query of some 20 ms: what asking costs the clients does not count beside it.
const TURNS: u32 = 20_000_000;
/// Clients of each contract: more than there are processors, so that both always have something waiting.
const CLIENTS: usize = 6;
/// How long is counted, and how long before that is not.
const COUNTED: Duration = Duration::from_secs(12);
const START: Duration = Duration::from_secs(2);
/// How far the measured share may be from 3 : 1, in hundredths: other processes take part of the processors.
const SHARE_ERROR: u64 = 15;

pub async fn check(stage: &Stage, report: &mut Report) {
    match deploy_two(stage).await {
        Ok(contracts) => {
            let held = shares(stage, contracts, report).await;
            report.note("a stake of 3 to 1 gives 3 to 1 of the processors", held);
        }
        Err(error) => report.note("two contracts that compute", Err(error)),
    }
}

/// All the money that there is.
pub async fn issuance(stage: &Stage) -> Result<u128> {
    let key = keys::plain("Balances", "TotalIssuance");
    let issued = stage.chain().await?.unproven("issuance", key).await?;
    issued.context("the chain has no money")
}

async fn deploy_two(stage: &Stage) -> Result<[ContractId; 2]> {
    let chain = stage.chain().await?;
    let account = Account::from_uri(CHAIR)?;
    let code = wat::parse_str(BURNER)?;
    let code_hash = wire::domain::code_hash(&code);
    let cluster = stage.info.cluster;
    chain.submit_final(&account, &Transaction::upload_code(cluster, &code)).await?;
    let mut contracts = [ContractId::default(); 2];
    for (place, contract) in contracts.iter_mut().enumerate() {
        let salt = [place as u8];
        *contract = wire::domain::contract_id(account.id().as_bytes(), &code_hash, &cluster, &salt);
        let make = Transaction::instantiate(code_hash, &[], &salt, cluster, 0);
        chain.submit_final(&account, &make).await?;
        until("the contract's keys to be on chain", async || {
            Ok(chain.contract(contract).await.ok().and_then(|(_, key)| key))
        })
        .await?;
    }
    Ok(contracts)
}

/// Asks one contract again and again; how many answers came in the counted time.
async fn client(mut worker: WorkerClient, contract: ContractId, from: Instant) -> Result<u64> {
    let until = from + COUNTED;
    let mut answers = 0;
    while Instant::now() < until {
        let input = TURNS.to_le_bytes().to_vec();
        let asked = worker.ask(None, call_request(contract, input, QueryOptions::default())).await?;
        asked.reply.result.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let now = Instant::now();
        answers += u64::from(now >= from && now < until);
    }
    Ok(answers)
}

/// Answers a second of each contract, both asked at once at one worker.
async fn load(stage: &Stage, contracts: &[ContractId]) -> Result<Vec<f64>> {
    let from = Instant::now() + START;
    let mut clients = JoinSet::new();
    for (place, contract) in contracts.iter().enumerate() {
        for _ in 0..CLIENTS {
            let (worker, contract) = (stage.worker(0)?, *contract);
            clients.spawn(async move { Ok::<_, anyhow::Error>((place, client(worker, contract, from).await?)) });
        }
    }
    let mut answers = vec![0; contracts.len()];
    while let Some(done) = clients.join_next().await {
        let (place, count) = done??;
        answers[place] += count;
    }
    Ok(answers.iter().map(|count| *count as f64 / COUNTED.as_secs_f64()).collect())
}

/// Whether two numbers are within so many hundredths of the second.
fn near(measured: f64, told: f64, hundredths: u64) -> bool {
    (measured - told).abs() <= told * hundredths as f64 / 100.0
}

async fn shares(stage: &Stage, contracts: [ContractId; 2], report: &Report) -> Result<()> {
    let [three, one] = contracts.map(|contract| contract.to_string());
    done(stage, CHAIR, &["stake", "set", &three, "30"]).await?;
    done(stage, CHAIR, &["stake", "set", &one, "10"]).await?;
    let unknown = told(stage, &["stake", "estimate", "--contract", &three, "--amount", "30"]).await?;
    ensure!(unknown["expected"].is_null(), "nobody has asked it yet: {unknown}");
    // Workers learn what a query costs, each contract alone.
    for contract in contracts {
        load(stage, &[contract]).await?;
    }
    let told = async |contract: &str, staked: &str| {
        let words = ["stake", "estimate", "--contract", contract, "--amount", staked];
        Ok::<Value, anyhow::Error>(crate::told(stage, &words).await?["expected"].clone())
    };
    let expected = told(&three, "30").await?;
    ensure!(expected["workers"] == 1, "only one worker was asked: {expected}");
    let busy = expected["perSecondBusy"].as_f64().context("nothing is told")?;
    let measured = load(stage, &contracts).await?;
    let ratio = measured[0] / measured[1].max(0.001);
    report.say(&format!(
        "      measured {:.1} and {:.1} a second, {ratio:.2} : 1; told were {busy}",
        measured[0], measured[1]
    ));
    ensure!(near(ratio, 3.0, SHARE_ERROR), "{ratio:.2} : 1");
    // How near they are depends on who else uses this machine, and is only said.
    ensure!(busy > 0.0, "nothing is told for three quarters of a worker");
    for contract in [&three, &one] {
        done(stage, CHAIR, &["stake", "set", contract, "0"]).await?;
    }
    Ok(())
}
