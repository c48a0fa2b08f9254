//! The election, from deployment to the checked tally.

use crate::{
    data::{District, Votes},
    disturb::disturb,
    replaying::{Audited, Auditor, check_no_key},
    tamper::check_tampering,
};
use anyhow::{Context, Result, bail, ensure};
use chain_facts::keys;
use client::{
    Account, Chain, Contract, Deployed, Output, QueryOptions, WorkerClient, WorkerError,
    WorkerRecord, call_request,
};
use codec::Decode;
use dev_network::{Network, WorkerRole};
use primitives::{ContractId, GenesisHash, units::PHA};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use wire::{
    command::CommandPayload,
    mailbox::{MailboxEntry, MailboxOperation},
    query::QueryError,
};

/// Officers that report at the same time.
const REPORTS_AT_ONCE: usize = 8;
/// Tries of one officer, with a pause between them, before the election counts as failed.
const TRIES_MAX: usize = 60;
const RETRY_PAUSE: Duration = Duration::from_millis(1000);
/// Queries whose latency is measured.
const TIMED_QUERIES: usize = 200;

/// What an election showed.
pub struct Summary {
    /// The contract.
    pub contract: ContractId,
    /// Hash of its code.
    pub code_hash: primitives::CodeHash,
    /// The tally, as both workers gave it.
    pub tally: Value,
    /// Root of the state that it was read from.
    pub state_root: primitives::StateRoot,
    /// Median of a query in a session.
    pub query_median: Duration,
    /// Median from submitting a command to its outcome in the final state.
    pub command_median: Duration,
    /// Altered receipts that were refused.
    pub tampered: usize,
    /// Receipt files that hold, one for each worker.
    pub receipts: Vec<Vec<u8>>,
    /// What the auditor found who executed the election again.
    pub audited: Audited,
}

/// Everything that an officer needs, shared by all.
struct Stage {
    node: String,
    genesis: GenesisHash,
    workers: Vec<WorkerRecord>,
    contract: Contract,
    id: ContractId,
}

struct Officer {
    account: Account,
    district: District,
}

impl Stage {
    fn worker(&self, place: usize) -> Result<WorkerClient> {
        Ok(WorkerClient::new(self.genesis, &self.workers[place % self.workers.len()])?)
    }

    fn input(&self, message: &str, values: &[Value]) -> Result<Vec<u8>> {
        Ok(self.contract.encode_values(self.contract.message(message)?, values)?)
    }

    /// What a message answers, or the contract's error.
    async fn ask(
        &self,
        worker: &mut WorkerClient,
        account: Option<&Account>,
        message: &str,
        values: &[Value],
    ) -> Result<Output> {
        let request =
            call_request(self.id, self.input(message, values)?, QueryOptions::default());
        let reply = worker.ask(account, request).await?.reply;
        let output = reply.result.map_err(WorkerError::Query)?;
        Ok(self.contract.decode(self.contract.message(message)?, &output.data)?)
    }

    async fn my_report(&self, place: usize, officer: &Officer) -> Result<Option<Value>> {
        let mut worker = self.worker(place)?;
        let values = [json!(officer.district.id)];
        match self.ask(&mut worker, Some(&officer.account), "my_report", &values).await? {
            Output::Value(Value::Null) => Ok(None),
            Output::Value(report) => Ok(Some(report)),
            Output::Error(error) => bail!("my_report of {}: {error}", officer.district.name),
        }
    }
}

/// Runs the election on a network, with the auditor's program in `binaries`. `say` hears what is going on.
pub async fn run(
    network: &mut Network,
    binaries: &Path,
    ballot: &[u8],
    disturbed: bool,
    say: &mut dyn FnMut(&str),
) -> Result<Summary> {
    let votes = Votes::read()?;
    let info = network.info().clone();
    let chain = Chain::connect(&info.node, Some(info.genesis)).await?;
    let contract = Contract::from_json(ballot)?;
    let chair = fresh_account()?;
    let outsider = fresh_account()?;
    let officers: Vec<Arc<Officer>> = votes
        .districts
        .iter()
        .map(|district| {
            Ok(Arc::new(Officer { account: fresh_account()?, district: district.clone() }))
        })
        .collect::<Result<_>>()?;
    say(&format!("making accounts for the chair and {} returning officers", officers.len()));
    let mut accounts: Vec<_> = officers.iter().map(|officer| officer.account.id()).collect();
    accounts.extend([chair.id(), outsider.id()]);
    Network::fund(&chain, &accounts, 100 * PHA).await?;

    say("deploying the ballot");
    let workers = chain.cluster_workers(&info.cluster).await?;
    ensure!(workers.len() >= 2, "an election wants two workers to compare");
    let deployed = deploy(&chain, &workers, &chair, &contract, &votes, &officers, &info).await?;
    let code_hash = contract.code_hash;
    let stage = Arc::new(Stage {
        node: info.node.clone(),
        genesis: info.genesis,
        workers,
        contract,
        id: deployed.contract,
    });
    check_secret_until_closed(&stage, &chair, &outsider, 0).await?;

    say("58 officers send their results as encrypted commands");
    let latencies = reports(network, &stage, &officers, disturbed, say).await?;
    // The node may have been restarted meanwhile.
    let chain = reconnect(&stage).await?;
    network.await_serving().await?;
    check_on_chain_is_ciphertext(&chain, &stage, &officers).await?;
    say("somebody who is not entitled tries to report");
    check_not_entitled(&chain, &stage, &outsider, &officers[0]).await?;
    say("each officer checks that his result was counted as sent");
    for (place, officer) in officers.iter().enumerate() {
        check_counted(&stage, place, officer).await?;
    }
    check_secret_until_closed(&stage, &chair, &outsider, officers.len()).await?;
    check_no_key(&chain, stage.id, &[&chair, &outsider]).await?;

    say("the chair closes the election");
    close(&chain, &stage, &chair).await?;
    say("anybody asks both workers for the tally, with receipts");
    let (tally, state_root, receipts) = tally_of_both(&chain, &stage).await?;
    check_tally(&tally, &votes)?;
    check_results(&stage, &officers).await?;
    say("checking the receipts offline, and that altered ones do not hold");
    let mut tampered = 0;
    for receipt in &receipts {
        tampered += check_tampering(receipt, stage.genesis)?;
    }
    say("an auditor is given the ballot's key, and executes the election again");
    let audited = Auditor::new(binaries, stage.genesis)?
        .audit(&chain, stage.id, officers.len(), (&stage.contract, &tally))
        .await?;
    let query_median = time_queries(&stage).await?;
    Ok(Summary {
        contract: stage.id,
        code_hash,
        tally,
        state_root,
        query_median,
        command_median: median(latencies)?,
        tampered,
        receipts,
        audited,
    })
}

fn fresh_account() -> Result<Account> {
    Ok(Account::from_uri(&Account::generate_seed())?)
}

async fn reconnect(stage: &Stage) -> Result<Chain> {
    for _ in 0..TRIES_MAX {
        if let Ok(chain) = Chain::connect(&stage.node, Some(stage.genesis)).await {
            return Ok(chain);
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
    bail!("the node at {} does not come back", stage.node)
}

async fn deploy(
    chain: &Chain,
    workers: &[WorkerRecord],
    chair: &Account,
    contract: &Contract,
    votes: &Votes,
    officers: &[Arc<Officer>],
    info: &dev_network::NetworkInfo,
) -> Result<Deployed> {
    let constructor = contract.constructor("new")?;
    let districts: Vec<Value> = officers
        .iter()
        .map(|officer| json!([officer.district.id, client::address(&officer.account.id())]))
        .collect();
    let input = contract.encode_values(
        constructor,
        &[json!(client::address(&chair.id())), json!(votes.candidates), json!(districts)],
    )?;
    let mut worker = WorkerClient::new(chain.genesis(), &workers[0])?;
    let cluster = info.cluster;
    Ok(client::deploy(
        chain, &mut worker, chair, cluster, contract, constructor, input, &mut |_| {},
    )
    .await?)
}

/// Before the close only the chair sees a tally; he sees it with `reported` districts.
async fn check_secret_until_closed(
    stage: &Stage,
    chair: &Account,
    outsider: &Account,
    reported: usize,
) -> Result<()> {
    for place in 0..stage.workers.len() {
        let mut worker = stage.worker(place)?;
        for account in [None, Some(outsider)] {
            match stage.ask(&mut worker, account, "tally", &[]).await? {
                Output::Error(error) => {
                    ensure!(error == "StillOpen", "the tally is refused for another reason: {error}");
                }
                Output::Value(tally) => bail!("the tally is open before the close: {tally}"),
            }
        }
        match stage.ask(&mut worker, Some(chair), "tally", &[]).await? {
            Output::Value(tally) => ensure!(
                tally["reported"] == reported && tally["closed"] == false,
                "the chair sees {tally}, {reported} districts have reported"
            ),
            Output::Error(error) => bail!("the chair is refused: {error}"),
        }
    }
    Ok(())
}

async fn reports(
    network: &mut Network,
    stage: &Arc<Stage>,
    officers: &[Arc<Officer>],
    disturbed: bool,
    say: &mut dyn FnMut(&str),
) -> Result<Vec<Duration>> {
    let at_once = Arc::new(Semaphore::new(REPORTS_AT_ONCE));
    let tasks: Vec<_> = officers
        .iter()
        .enumerate()
        .map(|(place, officer)| {
            let (stage, officer, at_once) = (stage.clone(), officer.clone(), at_once.clone());
            tokio::spawn(async move {
                let _turn = at_once.acquire().await?;
                report_until_counted(&stage, place, &officer).await
            })
        })
        .collect();
    if disturbed {
        disturb(network, say).await?;
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(latencies)
}

/// Reports, and tries again as a person would when a process died on the way. Gives the latency of a
/// report that went through at once.
async fn report_until_counted(
    stage: &Stage,
    place: usize,
    officer: &Officer,
) -> Result<Option<Duration>> {
    let mut last = None;
    for attempt in 0..TRIES_MAX {
        let started = Instant::now();
        match report(stage, place + attempt, officer).await {
            Ok(()) => return Ok((attempt == 0).then(|| started.elapsed())),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(RETRY_PAUSE).await;
        // Sent, but the outcome was lost on the way?
        if let Ok(Some(_)) = stage.my_report(place + attempt, officer).await {
            return Ok(None);
        }
    }
    Err(last.context("never tried")?)
        .with_context(|| format!("the report of {}", officer.district.name))
}

async fn report(stage: &Stage, place: usize, officer: &Officer) -> Result<()> {
    let chain = Chain::connect(&stage.node, Some(stage.genesis)).await?;
    let mut worker = stage.worker(place)?;
    let input = stage
        .input("report", &[json!(officer.district.id), json!(officer.district.votes)])?;
    let done =
        client::command(&chain, &mut worker, &officer.account, stage.id, input).await?;
    match done.outcome.result {
        Ok((0, _)) => Ok(()),
        Ok((_, data)) => {
            let message = stage.contract.message("report")?;
            bail!("refused: {:?}", stage.contract.decode(message, &data)?)
        }
        Err(reason) => bail!("did not run: {reason}"),
    }
}

async fn check_counted(stage: &Stage, place: usize, officer: &Officer) -> Result<()> {
    let report = stage
        .my_report(place, officer)
        .await?
        .with_context(|| format!("the result of {} was not counted", officer.district.name))?;
    ensure!(
        report["district"] == officer.district.id && report["votes"] == json!(officer.district.votes),
        "{} sent {:?}, counted was {report}",
        officer.district.name,
        officer.district.votes
    );
    Ok(())
}

/// What the chain holds of the commands is sealed, and the votes are nowhere in it.
async fn check_on_chain_is_ciphertext(
    chain: &Chain,
    stage: &Stage,
    officers: &[Arc<Officer>],
) -> Result<()> {
    let (record, _) = chain.contract(&stage.id).await?;
    let next: u64 = chain
        .unproven("mailbox", keys::inbox_next(&record.cluster))
        .await?
        .context("the cluster has no mailbox")?;
    let mut sealed = 0;
    for number in 0..next {
        let key = keys::inbox_entry(&record.cluster, number);
        let Some(bytes) = chain.unproven::<Vec<u8>>("mailbox entry", key).await? else { continue };
        let entry = MailboxEntry::decode(&mut &bytes[..])?;
        let MailboxOperation::Command { contract, sender, payload } = entry.operation else {
            continue;
        };
        if contract != stage.id {
            continue;
        }
        let payload = CommandPayload::decode(&mut &payload[..])?;
        ensure!(matches!(payload, CommandPayload::Sealed(_)), "entry {number} is not sealed");
        let officer = officers.iter().find(|officer| officer.account.id() == sender);
        if let Some(officer) = officer {
            let plain =
                stage.input("report", &[json!(officer.district.id), json!(officer.district.votes)])?;
            let shown = bytes.windows(plain.len()).any(|window| window == plain);
            ensure!(!shown, "entry {number} shows the votes of {}", officer.district.name);
            sealed += 1;
        }
    }
    ensure!(sealed >= officers.len(), "{sealed} sealed reports are on chain");
    Ok(())
}

async fn check_not_entitled(
    chain: &Chain,
    stage: &Stage,
    outsider: &Account,
    officer: &Officer,
) -> Result<()> {
    let mut worker = stage.worker(0)?;
    let input = stage.input("report", &[json!(officer.district.id), json!([1, 2, 3])])?;
    let done = client::command(chain, &mut worker, outsider, stage.id, input).await?;
    let (flags, data) = done.outcome.result.map_err(|reason| anyhow::anyhow!(reason))?;
    let answer = stage.contract.decode(stage.contract.message("report")?, &data)?;
    ensure!(
        flags & 1 == 1 && answer == Output::Error(json!("NotOfficer")),
        "an outsider's report gave {answer:?}"
    );
    // His command's outcome is his alone to read.
    let mut worker = stage.worker(1)?;
    match worker.outcome(&officer.account, done.number, 0).await {
        Err(WorkerError::Query(QueryError::OutcomeNotFound)) => Ok(()),
        other => bail!("another account reads the outcome of a command: {other:?}"),
    }
}

async fn close(chain: &Chain, stage: &Stage, chair: &Account) -> Result<()> {
    let mut worker = stage.worker(0)?;
    let done =
        client::command(chain, &mut worker, chair, stage.id, stage.input("close", &[])?).await?;
    match done.outcome.result {
        Ok((0, _)) => Ok(()),
        other => bail!("the election was not closed: {other:?}"),
    }
}

type Tallied = (Value, primitives::StateRoot, Vec<Vec<u8>>);

async fn tally_of_both(chain: &Chain, stage: &Stage) -> Result<Tallied> {
    let (mut tally, mut root, mut receipts) = (None, None, Vec::new());
    for place in 0..stage.workers.len() {
        let mut worker = stage.worker(place)?;
        let asked = tally_with_receipt(stage, &mut worker).await?;
        let output = asked.reply.result.clone().map_err(WorkerError::Query)?;
        let value = match stage.contract.decode(stage.contract.message("tally")?, &output.data)? {
            Output::Value(value) => value,
            Output::Error(error) => bail!("after the close the tally is refused: {error}"),
        };
        ensure!(tally.get_or_insert(value.clone()) == &value, "the workers' tallies differ");
        let state_root = asked.reply.state_root;
        ensure!(
            *root.get_or_insert(state_root) == state_root,
            "the workers' state roots differ: {root:?} and {state_root}"
        );
        let file = client::receipt::bundle(chain, &worker, &asked, None).await?;
        receipts.push(serde_json::to_vec_pretty(&file)?);
    }
    Ok((tally.context("no worker")?, root.context("no worker")?, receipts))
}

/// The second worker may be a block behind the first: waits until it has run the close too.
async fn tally_with_receipt(
    stage: &Stage,
    worker: &mut WorkerClient,
) -> Result<client::Asked> {
    for _ in 0..TRIES_MAX {
        let options = QueryOptions { receipt: true, ..Default::default() };
        let request = call_request(stage.id, stage.input("tally", &[])?, options);
        let asked = worker.ask(None, request).await?;
        if matches!(&asked.reply.result, Ok(output) if output.flags & 1 == 0) {
            return Ok(asked);
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
    bail!("worker {} does not give the tally", worker.worker())
}

fn check_tally(tally: &Value, votes: &Votes) -> Result<()> {
    let pairs = |numbers: Vec<Value>| -> Vec<Value> {
        votes.candidates.iter().zip(numbers).map(|(name, number)| json!([name, number])).collect()
    };
    let totals = pairs(votes.totals().into_iter().map(Value::from).collect());
    let won = pairs(votes.districts_won().into_iter().map(Value::from).collect());
    ensure!(tally["votes"] == json!(totals), "votes: {} instead of {totals:?}", tally["votes"]);
    ensure!(
        tally["districts_won"] == json!(won),
        "districts: {} instead of {won:?}",
        tally["districts_won"]
    );
    ensure!(tally["closed"] == true, "the tally is not final");
    Ok(())
}

/// After the close anybody can recount: every single result is open, and is what its officer sent.
async fn check_results(stage: &Stage, officers: &[Arc<Officer>]) -> Result<()> {
    let mut worker = stage.worker(1)?;
    let Output::Value(Value::Array(results)) =
        stage.ask(&mut worker, None, "results", &[]).await?
    else {
        bail!("the single results are not open after the close");
    };
    ensure!(results.len() == officers.len(), "{} results", results.len());
    for officer in officers {
        let found = results.iter().find(|report| report["district"] == officer.district.id);
        ensure!(
            found.is_some_and(|report| report["votes"] == json!(officer.district.votes)),
            "the result of {} is {found:?}",
            officer.district.name
        );
    }
    Ok(())
}

async fn time_queries(stage: &Stage) -> Result<Duration> {
    let mut worker = stage.worker(0)?;
    worker.open_session(None).await?;
    let mut times = Vec::with_capacity(TIMED_QUERIES);
    for _ in 0..TIMED_QUERIES {
        let started = Instant::now();
        stage.ask(&mut worker, None, "tally", &[]).await?;
        times.push(started.elapsed());
    }
    median(times)
}

fn median(mut times: Vec<Duration>) -> Result<Duration> {
    times.sort();
    times.get(times.len() / 2).copied().context("nothing was measured")
}

/// The summary for people.
pub fn summary_text(summary: &Summary, network: &dev_network::NetworkInfo) -> String {
    let mut lines = vec![
        format!("contract     {}", summary.contract),
        format!("code hash    {}", summary.code_hash),
        format!("state root   {} on both workers", summary.state_root),
    ];
    let pairs = |name: &str| {
        summary.tally[name]
            .as_array()
            .map(|pairs| {
                pairs
                    .iter()
                    .map(|pair| format!("{} {}", pair[0].as_str().unwrap_or("?"), pair[1]))
                    .collect::<Vec<_>>()
                    .join("   ")
            })
            .unwrap_or_default()
    };
    lines.push(format!("votes        {}", pairs("votes")));
    lines.push(format!("districts    {}", pairs("districts_won")));
    lines.push(format!(
        "rule         {}",
        summary.tally["weighting_rule"].as_str().unwrap_or_default()
    ));
    for worker in &network.workers {
        let ready = match (worker.role, worker.ready_after_ms) {
            (WorkerRole::Gatekeeper, _) => "gatekeeper".to_owned(),
            (_, Some(ms)) => format!(
                "ready after {ms} ms, of it light client {} ms",
                worker.light_client_after_ms.unwrap_or_default()
            ),
            (_, None) => "not ready".to_owned(),
        };
        lines.push(format!("worker       {}  {ready}", worker.worker));
    }
    lines.push(format!(
        "build        {} (all workers; SIMULATED TEE, development root)",
        network.measurement
    ));
    lines.push(format!("query        median {:.2} ms", summary.query_median.as_secs_f64() * 1e3));
    lines.push(format!(
        "command      median {:.2} s from submitting to the final state",
        summary.command_median.as_secs_f64()
    ));
    lines.push(format!(
        "receipts     {} hold offline; {} altered ones refused",
        summary.receipts.len(),
        summary.tampered
    ));
    lines.push(format!(
        "replay       equal at {} checkpoints, and the same tally, from a history of {} bytes; {} altered \
         histories refused",
        summary.audited.checkpoints, summary.audited.history_bytes, summary.audited.altered
    ));
    lines.join("\n")
}
