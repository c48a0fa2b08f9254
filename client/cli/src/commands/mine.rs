//! What operators do with a worker that mines: the commands of `phat worker` about score, income and stake.

use super::pool::{self, Sender, duration, pha};
use crate::output::Output;
use anyhow::{Context as _, Result, bail, ensure};
use chain_facts::{PoolSessionPhase, SessionState};
use client::{Chain, MiningRules, Transaction, WorkerMining};
use primitives::{AccountId, Balance, UnixMillis, WorkerId, units};
use serde_json::{Value, json};

/// A benchmark counts for this part of its time before the worker must have renewed it: half.
const RENEWED_AT: u64 = 2;
/// Age of a worker's last final block from which on something is wrong, milliseconds.
const STALE_MS: u64 = 60_000;

/// What a check found.
struct Finding {
    /// Whether it is as it should be.
    fine: bool,
    what: String,
    /// What to do, where it is not.
    next: Option<String>,
}

impl Finding {
    fn fine(what: impl Into<String>) -> Self {
        Self { fine: true, what: what.into(), next: None }
    }

    fn wrong(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { fine: false, what: what.into(), next: Some(next.into()) }
    }
}

fn tier(mining: &WorkerMining) -> u8 {
    mining.info.as_ref().map_or(1, |info| info.confidence_level)
}

/// `phat worker score`.
pub async fn score(chain: &Chain, output: &Output, worker: &WorkerId) -> Result<()> {
    let rules = chain.mining_rules().await?;
    let mining = chain.worker_mining(worker).await?;
    let benchmark = mining.benchmark.with_context(|| {
        format!(
            "worker {worker} has told no benchmark yet: it measures for about half a minute after it has \
             registered; phat worker doctor {worker} tells what is missing"
        )
    })?;
    let bounds = rules.stake_bounds(benchmark.score, tier(&mining));
    let age_ms = mining.at_ms.saturating_sub(benchmark.measured_at_ms);
    let lines = [
        format!("score     {} iterations in 6 s, of at least {}", benchmark.score, rules.parameters.score_min),
        format!("measured  {} ago, by {} iterations", duration(age_ms / 1_000), benchmark.iterations),
        format!("stake     {} to {} PHA", units::to_pha(bounds.least), units::to_pha(bounds.most)),
    ];
    let value = json!({
        "worker": worker,
        "score": benchmark.score,
        "scoreMin": rules.parameters.score_min,
        "iterations": benchmark.iterations,
        "measuredAtMs": benchmark.measured_at_ms,
        "stakeMin": bounds.least.to_string(),
        "stakeMax": bounds.most.to_string(),
    });
    output.result(lines.join("\n"), &value);
    Ok(())
}

/// `phat worker income`.
pub async fn income(chain: &Chain, output: &Output, worker: &WorkerId) -> Result<()> {
    let rules = chain.mining_rules().await?;
    let mining = chain.worker_mining(worker).await?;
    let mut lines = Vec::new();
    let income = mining.income(&rules);
    let state = mining.state.as_ref();
    let commission = match mining.pool {
        Some(pool) => Some(chain.pool(pool).await?.pool.commission),
        None => None,
    };
    match &income {
        Some(income) => {
            lines.push(format!("income    {} PHA a day for its pool", units::to_pha(income.per_day)));
            if let (Some(pool), Some(commission)) = (mining.pool, commission) {
                let owner = commission.of(income.per_day);
                lines.push(format!(
                    "          of it {} to the owner of pool {pool}, {} to its delegators",
                    units::to_pha(owner),
                    units::to_pha(income.per_day.saturating_sub(owner))
                ));
            }
            lines.push(format!(
                "why       {} of {} of all shares, of a budget of {} PHA a day; {} of it go to the treasury",
                short(income.share),
                short(income.total_share),
                units::to_pha(income.budget_per_day),
                pool::percent_of(permill(rules.parameters.treasury_ratio))
            ));
            lines.push(format!(
                "unpaid    {} PHA: paid with its next heartbeat, lost if it goes off line before",
                units::to_pha(income.unpaid)
            ));
        }
        None => lines.push(format!("income    none: {}", why_nothing(&mining))),
    }
    if let Some(info) = state {
        lines.push(format!("earned    {} PHA since it was bound", units::to_pha(info.earned)));
    }
    if let Some(SessionState::Computing(session)) = state.map(|info| &info.state) {
        let value = session.value_after(&rules.parameters, mining.block);
        lines.push(format!(
            "value     V {} PHA, Ve {} PHA; performance {} of score {}",
            short(value),
            short(session.initial_value()),
            short(session.performance().counted()),
            session.performance().bench
        ));
    }
    if mining.owed > 0 {
        lines.push(format!(
            "owed      {} PHA: the subsidy pool was empty; paid by phat worker claim-owed when it is not",
            units::to_pha(mining.owed)
        ));
    }
    let value = json!({
        "worker": worker,
        "pool": mining.pool,
        "online": mining.is_online(),
        "perDay": income.as_ref().map(|income| income.per_day.to_string()),
        "unpaid": income.as_ref().map(|income| income.unpaid.to_string()),
        "budgetPerDay": income.as_ref().map(|income| income.budget_per_day.to_string()),
        "shareBits": income.as_ref().map(|income| income.share.to_bits().to_string()),
        "totalShareBits": income.as_ref().map(|income| income.total_share.to_bits().to_string()),
        "earned": state.map(|info| info.earned.to_string()),
        "owed": mining.owed.to_string(),
        "session": session_json(&mining, &rules),
    });
    output.result(lines.join("\n"), &value);
    Ok(())
}

fn session_json(mining: &WorkerMining, rules: &MiningRules) -> Value {
    let Some(info) = &mining.state else { return Value::Null };
    match &info.state {
        SessionState::Ready => json!({ "state": "ready" }),
        SessionState::Computing(session) => json!({
            "state": if session.is_online() { "online" } else { "unresponsive" },
            "stake": session.stake().to_string(),
            "vBits": session.value_after(&rules.parameters, mining.block).to_bits().to_string(),
            "veBits": session.initial_value().to_bits().to_string(),
            "score": session.performance().bench,
            "performanceBits": session.performance().counted().to_bits().to_string(),
        }),
        SessionState::CoolingDown(rest) => json!({
            "state": "cooling down",
            "stake": rest.stake.to_string(),
            "slashed": rest.slashed.to_string(),
            "reclaimableAtMs": reclaimable_at_ms(rest.since_ms, rules),
        }),
    }
}

fn reclaimable_at_ms(since_ms: UnixMillis, rules: &MiningRules) -> UnixMillis {
    since_ms.saturating_add(rules.cool_down_seconds.saturating_mul(1_000))
}

/// A fixed-point number with two decimal places.
fn short(number: economics::Fixed) -> String {
    let hundredths = number.saturating_mul_int(100).whole();
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn permill(part: economics::Fixed) -> economics::Permill {
    // To the nearest: a fifth is not a whole number of 2^-64.
    let parts = part.saturating_mul_int(2_000_000).whole().div_ceil(2).min(1_000_000);
    economics::Permill::from_parts(u32::try_from(parts).unwrap_or(1_000_000))
}

fn why_nothing(mining: &WorkerMining) -> &'static str {
    match mining.state.as_ref().map(|info| &info.state) {
        None => "it belongs to no pool",
        Some(SessionState::Ready) => "nothing is at stake for it",
        Some(SessionState::CoolingDown(_)) => "it was stopped, and its stake cools down",
        Some(SessionState::Computing(_)) if !mining.is_online() => {
            "it did not answer a challenge in time, and earns nothing until it does"
        }
        Some(SessionState::Computing(_)) => "it has no share yet",
    }
}

/// `phat worker doctor`: looks at everything that keeps a worker from earning, in the order in which it is needed.
pub async fn doctor(chain: &Chain, output: &Output, worker: &WorkerId) -> Result<bool> {
    let mining = chain.worker_mining(worker).await?;
    let mut findings = registration(&mining, worker);
    findings.extend(process(&mining).await);
    match chain.mining_rules().await {
        Ok(rules) => {
            findings.extend(benchmark(&mining, &rules));
            findings.extend(session(&mining, &rules, worker));
        }
        Err(error) => findings.push(Finding::wrong(
            format!("the rules of mining cannot be read: {error}"),
            "use a client of this network's version",
        )),
    }
    let healthy = findings.iter().all(|finding| finding.fine);
    let mut lines: Vec<String> = Vec::new();
    for finding in &findings {
        lines.push(format!("{} {}", if finding.fine { "ok  " } else { "FIX " }, finding.what));
        lines.extend(finding.next.iter().map(|next| format!("     → {next}")));
    }
    lines.push(match healthy {
        true => "nothing is wrong".to_owned(),
        false => "the first FIX is the one to begin with".to_owned(),
    });
    let told: Vec<Value> = findings
        .iter()
        .map(|finding| json!({ "fine": finding.fine, "what": finding.what, "next": finding.next }))
        .collect();
    output.result(
        lines.join("\n"),
        &json!({ "worker": worker, "healthy": healthy, "findings": told }),
    );
    Ok(healthy)
}

fn registration(mining: &WorkerMining, worker: &WorkerId) -> Vec<Finding> {
    let Some(info) = &mining.info else {
        return vec![Finding::wrong(
            format!("worker {worker} is not registered"),
            "start phat-worker run with an operator's account that has PHA, and look at its log",
        )];
    };
    let mut findings = vec![Finding::fine(format!("registered, tier {}", info.confidence_level))];
    if info.expires_at_ms <= mining.at_ms {
        findings.push(Finding::wrong(
            "the registration has lapsed",
            "the worker renews it while it runs and its operator can pay: is it up, and has the account PHA?",
        ));
    }
    if !mining.build_allowed {
        findings.push(Finding::wrong(
            format!("the chain does not allow its build {}", info.measurement),
            "install an allowed build: phat-worker run --take-over-from keeps the worker's identity",
        ));
    }
    if info.operator.is_none() {
        findings.push(Finding::wrong(
            "it names no operator, so it can join no pool",
            "register it with --operator-key-file",
        ));
    }
    findings
}

/// What the process itself says, where it can be reached.
async fn process(mining: &WorkerMining) -> Vec<Finding> {
    let Some(url) = mining.endpoints.first() else {
        return vec![Finding::wrong(
            "it announces no endpoint: nobody can ask it anything",
            "start it with --endpoint URL",
        )];
    };
    let said = match client::fetch_info(url).await {
        Ok(said) => said,
        Err(error) => {
            return vec![Finding::wrong(
                format!("{url} does not answer from here: {error}"),
                "is the process up, and is its port open to clients?",
            )];
        }
    };
    let mut findings = Vec::new();
    let serving = said.get("serving").filter(|serving| !serving.is_null());
    match (&mining.cluster, serving) {
        (Some(cluster), Some(_)) => findings.push(Finding::fine(format!("serves cluster {cluster}"))),
        (Some(cluster), None) => findings.push(Finding::wrong(
            format!("it is of cluster {cluster} and serves nothing yet"),
            "its log says what it waits for: a seed, the mailbox, or a newer block",
        )),
        (None, _) => findings.push(Finding::fine(
            "serves no cluster: it mines by its benchmark; phat worker offer lets owners take it in",
        )),
    }
    let block_ms = serving.and_then(|serving| serving.get("block_timestamp_ms")?.as_u64());
    if let Some(block_ms) = block_ms {
        let age_ms = client::now_ms().saturating_sub(block_ms);
        if age_ms > STALE_MS {
            findings.push(Finding::wrong(
                format!("its last final block is {} old", duration(age_ms / 1_000)),
                "it has lost touch with the chain: look at its --bootnode and its clock",
            ));
        }
    }
    findings
}

fn benchmark(mining: &WorkerMining, rules: &MiningRules) -> Vec<Finding> {
    let Some(benchmark) = mining.benchmark else {
        return vec![Finding::wrong(
            "it has told no benchmark",
            "it measures for half a minute once it is registered; if it has run longer, its log says why not",
        )];
    };
    let age_ms = mining.at_ms.saturating_sub(benchmark.measured_at_ms);
    let mut findings = Vec::new();
    let what = format!("score {}, measured {} ago", benchmark.score, duration(age_ms / 1_000));
    findings.push(if benchmark.score < rules.parameters.score_min {
        Finding::wrong(
            format!("{what}: below {}, the least that may mine", rules.parameters.score_min),
            "give it more or faster processors, and let nothing else run on them",
        )
    } else if age_ms > rules.benchmark.age_ms_max {
        Finding::wrong(
            format!("{what}: too old to be bound or started by"),
            "restart the worker: it measures at its start",
        )
    } else if age_ms > rules.benchmark.age_ms_max / RENEWED_AT * 3 / 2 {
        Finding::wrong(
            format!("{what}: it should have been renewed"),
            "is the process up? It renews the benchmark at half of its time",
        )
    } else {
        Finding::fine(what)
    });
    findings
}

fn session(mining: &WorkerMining, rules: &MiningRules, worker: &WorkerId) -> Vec<Finding> {
    let Some(info) = &mining.state else {
        return vec![Finding::wrong(
            "it belongs to no pool: it earns nothing",
            format!("phat worker bind {worker} --pool POOL, by who owns the pool and operates the worker"),
        )];
    };
    let pool = mining
        .pool
        .or(mining.pool_session.map(|session| session.pool))
        .map_or_else(|| "no pool".to_owned(), |pool| format!("pool {pool}"));
    let mut findings = Vec::new();
    match &info.state {
        SessionState::Ready => findings.push(Finding::wrong(
            format!("it belongs to {pool} and nothing is at stake for it"),
            format!("phat worker start {worker} STAKE; phat worker score {worker} tells how much it takes"),
        )),
        SessionState::Computing(session) => {
            let stake = units::to_pha(session.stake());
            findings.push(match session.is_online() {
                true => Finding::fine(format!("computes for {pool} with {stake} PHA at stake")),
                false => Finding::wrong(
                    format!("off line for {pool}: it let a challenge pass, earns nothing and loses value"),
                    "bring the process back: it answers by itself, and earns again with the block that has the answer",
                ),
            });
        }
        SessionState::CoolingDown(rest) => {
            let at_ms = reclaimable_at_ms(rest.since_ms, rules);
            let stake = units::to_pha(rest.stake);
            findings.push(if at_ms > mining.at_ms {
                Finding::fine(format!(
                    "{stake} PHA of {pool} cool down for {} more",
                    duration((at_ms - mining.at_ms).div_ceil(1_000))
                ))
            } else {
                Finding::wrong(
                    format!("{stake} PHA of {pool} have cooled down"),
                    format!("phat worker reclaim {worker}"),
                )
            });
        }
    }
    if let Some(challenge) = mining.challenge {
        findings.push(match challenge.deadline < mining.block {
            true => Finding::wrong(
                format!("the challenge of block {} waits since its deadline, block {}", challenge.block, challenge.deadline),
                "the worker answers when it runs and follows the chain; its log says what keeps it",
            ),
            false => Finding::fine(format!(
                "a challenge waits for its answer until block {}", challenge.deadline
            )),
        });
    }
    if rules.paused {
        findings.push(Finding::wrong(
            "the network challenges nobody, so nobody is paid",
            "a vote decides when challenges go on",
        ));
    }
    if mining.slashes > 0 {
        findings.push(Finding::wrong(
            format!("{} slashes wait for it", mining.slashes),
            "appeal before they are executed: a vote can cancel them",
        ));
    }
    if mining.owed > 0 {
        findings.push(Finding::wrong(
            format!("{} PHA are owed to it", units::to_pha(mining.owed)),
            "the subsidy pool was empty: phat worker claim-owed once it has been filled",
        ));
    }
    findings
}

/// The pool that a worker belongs to, or whose stake for it cools down.
async fn pool_of(chain: &Chain, worker: &WorkerId) -> Result<u64> {
    let mining = chain.worker_mining(worker).await?;
    let pool = mining.pool.or(mining.pool_session.map(|session| session.pool));
    pool.with_context(|| {
        format!("worker {worker} belongs to no pool: phat worker bind {worker} --pool POOL")
    })
}

/// `phat worker bind`.
pub async fn bind(
    chain: &Chain,
    output: &Output,
    worker: WorkerId,
    to: u64,
    sender: &Sender,
) -> Result<()> {
    let text = format!(
        "worker {worker} belongs to pool {to}; put something at stake for it: phat worker start {worker} STAKE"
    );
    let transaction = Transaction::add_pool_worker(to, worker);
    let value = json!({ "worker": worker, "pool": to });
    pool::submit(chain, output, sender, &transaction, text, value).await
}

/// `phat worker unbind`: the pool's owner takes out a worker that is ready, its operator any.
pub async fn unbind(
    chain: &Chain,
    output: &Output,
    worker: WorkerId,
    sender: &Sender,
) -> Result<()> {
    let mining = chain.worker_mining(&worker).await?;
    let (Some(pool), Some(session)) = (mining.pool, mining.session) else {
        bail!("worker {worker} belongs to no pool");
    };
    let account = crate::context::account_id(&sender.account)?;
    let at_stake = mining.pool_session.is_some_and(|session| session.phase != PoolSessionPhase::Ready);
    let is_operator = operator(&mining) == Some(account);
    ensure!(
        is_operator || !at_stake,
        "something is at stake for it: stop it, and reclaim it once it has cooled down"
    );
    let (transaction, text) = match is_operator {
        true => (
            Transaction::unbind_session(session),
            format!("worker {worker} has left pool {pool}; what was at stake for it cools down there"),
        ),
        false => (
            Transaction::remove_pool_worker(pool, worker),
            format!("worker {worker} belongs to pool {pool} no more"),
        ),
    };
    let value = json!({ "worker": worker, "pool": pool });
    pool::submit(chain, output, sender, &transaction, text, value).await
}

fn operator(mining: &WorkerMining) -> Option<AccountId> {
    mining.info.as_ref().and_then(|info| info.operator)
}

/// `phat worker start`, in the pool that the worker belongs to: more than before where it computes already.
pub async fn start(
    chain: &Chain,
    output: &Output,
    worker: WorkerId,
    stake: &str,
    sender: &Sender,
) -> Result<()> {
    let stake: Balance = pha(stake)?;
    let rules = chain.mining_rules().await?;
    let mining = chain.worker_mining(&worker).await?;
    let pool = mining.pool.with_context(|| {
        format!("worker {worker} belongs to no pool: phat worker bind {worker} --pool POOL")
    })?;
    let computes = mining.state.as_ref().is_some_and(|info| info.is_computing());
    if let Some(benchmark) = &mining.benchmark {
        let bounds = rules.stake_bounds(benchmark.score, tier(&mining));
        ensure!(
            (bounds.least..=bounds.most).contains(&stake),
            "with its score of {} worker {worker} takes a stake from {} to {} PHA",
            benchmark.score,
            units::to_pha(bounds.least),
            units::to_pha(bounds.most)
        );
    }
    let transaction = match computes {
        true => Transaction::restart_worker(pool, worker, stake),
        false => Transaction::start_worker(pool, worker, stake),
    };
    let text = format!("worker {worker} computes for pool {pool} with {} PHA at stake", units::to_pha(stake));
    let value = json!({ "worker": worker, "pool": pool, "stake": stake.to_string() });
    pool::submit(chain, output, sender, &transaction, text, value).await
}

/// `phat worker stop`.
pub async fn stop(chain: &Chain, output: &Output, worker: WorkerId, sender: &Sender) -> Result<()> {
    let of = pool_of(chain, &worker).await?;
    pool::stop(chain, output, of, worker, sender).await
}

/// `phat worker reclaim`.
pub async fn reclaim(
    chain: &Chain,
    output: &Output,
    worker: WorkerId,
    sender: &Sender,
) -> Result<()> {
    let of = pool_of(chain, &worker).await?;
    pool::reclaim(chain, output, of, worker, sender).await
}

/// `phat worker claim-owed`.
pub async fn claim_owed(
    chain: &Chain,
    output: &Output,
    worker: WorkerId,
    sender: &Sender,
) -> Result<()> {
    let mining = chain.worker_mining(&worker).await?;
    let session = mining.session.with_context(|| format!("worker {worker} belongs to no pool"))?;
    ensure!(mining.owed > 0, "nothing is owed to worker {worker}");
    let text = format!("what the subsidy pool could pay of {} PHA is paid", units::to_pha(mining.owed));
    let value = json!({ "worker": worker, "owed": mining.owed.to_string() });
    pool::submit(chain, output, sender, &Transaction::claim_owed(session), text, value).await
}
