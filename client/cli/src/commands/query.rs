//! `phat query`.

use crate::{context, output::Output};
use anyhow::{Context, Result};
use clap::Args;
use client::{Asked, Chain, Cluster, QueryOptions, Replicas, Verdict, WorkerError};
use primitives::{BlockNumber, ContractId, WorkerId, bounds::ANSWER_BYTES_MAX};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use wire::record::Recorded;

/// Most workers that are asked at once.
const REPLICAS_MAX: i64 = 16;
/// The exit code where the workers do not agree.
const DISAGREE: u8 = 3;

/// Ask a contract. The question and the answer are sealed between this program and the attested
/// worker. Where a worker does not answer, the next one of the cluster is asked.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The contract.
    contract: ContractId,
    /// The message.
    message: String,
    /// Its arguments, as people write them: true, 42, "text", 45R…, JSON for compound values.
    #[arg(allow_negative_numbers = true)]
    arguments: Vec<String>,
    /// The account that asks; without it nobody in particular does.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: Option<String>,
    /// The contract's .contract file, if it was not deployed from here.
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    /// The worker to ask, and no other; by default any of the cluster that serves.
    #[arg(long, conflicts_with = "replicas")]
    worker: Option<WorkerId>,
    /// Ask so many workers the same, and compare: the majority's answer is printed, who differs is
    /// named, and the exit code is 3 unless all agree. Contracts that send HTTP requests, draw random
    /// numbers, or look at the time or at who runs them may answer differently without anybody lying.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=REPLICAS_MAX))]
    replicas: Option<u8>,
    /// Answer only from a state at least as new as this final block; 0 for any. By default the last
    /// final block that the node knows.
    #[arg(long, value_name = "NUMBER")]
    minimum_block: Option<BlockNumber>,
    /// Run it as a command would be, and tell what that would cost; nothing changes.
    #[arg(long, conflicts_with = "receipt")]
    estimate: bool,
    /// Have it recorded: the answer comes with everything that the worker told the contract, so that it can
    /// be executed again (phat replay --query). For the contract's owner and who may audit it. The
    /// receipt file then holds that record in the clear.
    #[arg(long, requires_all = ["receipt", "account"], conflicts_with_all = ["estimate", "replicas"])]
    record: bool,
    /// Write a receipt file, from which anybody can check the answer offline; with --replicas, a
    /// directory with one file for each worker.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Wait until the receipt is in the worker's log on chain, and have the file show it.
    #[arg(long, requires = "receipt")]
    logged: bool,
    /// Start the receipt's proof at this authority set, not at genesis: see `phat receipt trusted-set`.
    #[arg(long, value_name = "FILE", requires = "receipt")]
    trusted_set: Option<PathBuf>,
}

pub async fn run(
    arguments: &Arguments,
    network: &context::Network,
    output: &Output,
) -> Result<ExitCode> {
    let account = arguments.account.as_deref().map(context::account).transpose()?;
    let chain = network.connect().await?;
    let id = arguments.contract;
    let contract = network.metadata(&chain.genesis(), &id, arguments.metadata.as_deref())?;
    let message = contract.message(&arguments.message)?;
    let input = contract.encode(message, &arguments.arguments)?;
    let mut cluster = network.workers_of_contract(&chain, &id).await?;
    context::only(&mut cluster, arguments.worker.as_ref())?;
    if arguments.minimum_block.is_some() {
        cluster.accept_any_block();
    }
    let options = QueryOptions {
        minimum_block: arguments.minimum_block.unwrap_or_default(),
        receipt: arguments.receipt.is_some(),
        estimate: arguments.estimate,
    };
    let request = match arguments.record {
        true => client::audit::recorded_request(id, input, options),
        false => client::call_request(id, input, options),
    };
    let (asked, replicas) = match arguments.replicas {
        None => (cluster.ask(account.as_ref(), request).await?, None),
        Some(wanted) => {
            let wanted = usize::from(wanted);
            let replicas = cluster.ask_replicas(account.as_ref(), request, wanted).await?;
            match replicas.majority() {
                Some(asked) => (asked.clone(), Some(replicas)),
                None => {
                    let kept = keep_receipts(arguments, output, &chain, &cluster, &replicas).await?;
                    output.result(agreement_text(&replicas, &kept), &agreement_json(&replicas, &kept));
                    return Ok(ExitCode::from(DISAGREE));
                }
            }
        }
    };
    let agreement = match &replicas {
        Some(replicas) => {
            let kept = keep_receipts(arguments, output, &chain, &cluster, replicas).await?;
            let (text, json) = (agreement_text(replicas, &kept), agreement_json(replicas, &kept));
            Some((text, json, replicas.unanimous()))
        }
        None => {
            if let Some(file) = &arguments.receipt
                && asked.reply.receipt.is_some()
            {
                write_receipt(arguments, output, &chain, &cluster, &asked, file).await?;
            }
            None
        }
    };
    let answer = match asked.reply.result.clone().map_err(WorkerError::Query) {
        Ok(answer) if arguments.record => {
            let recorded: Recorded = wire::decode_all(&answer.data, ANSWER_BYTES_MAX)
                .map_err(|_| anyhow::anyhow!("the worker's answer is no record"))?;
            recorded.output
        }
        Ok(answer) => answer,
        Err(error) => return Err(with_agreement(error.into(), &agreement)),
    };
    let value = match contract.decode(message, &answer.data)? {
        client::Output::Value(value) if answer.flags & 1 == 0 => value,
        client::Output::Value(error) | client::Output::Error(error) => {
            let refused =
                anyhow::anyhow!("{} was refused by the contract: {error}", message.label);
            return Err(with_agreement(refused, &agreement));
        }
    };
    let mut text = serde_json::to_string_pretty(&value)?;
    if arguments.estimate {
        text.push_str(&format!(
            "\ngas limit to give   {}\nstorage deposit     {} PHA",
            answer.gas_required,
            signed_pha(answer.storage_deposit),
        ));
    }
    let mut json = json!({
        "value": value,
        "worker": asked.worker,
        "blockNumber": asked.reply.block_number,
        "blockHash": asked.reply.block_hash,
        "stateRoot": asked.reply.state_root,
        "gasConsumed": answer.gas_consumed,
        "gasRequired": answer.gas_required,
        "storageDeposit": answer.storage_deposit.to_string(),
        "receipt": arguments.receipt,
    });
    let mut code = ExitCode::SUCCESS;
    if let Some((agreement, of_replicas, unanimous)) = agreement {
        text.push_str(&format!("\n{agreement}"));
        json["replicas"] = of_replicas["replicas"].clone();
        if !unanimous {
            code = ExitCode::from(DISAGREE);
        }
    }
    output.result(text, &json);
    Ok(code)
}

/// A failure that the workers agree or do not agree about.
fn with_agreement(
    error: anyhow::Error,
    agreement: &Option<(String, Value, bool)>,
) -> anyhow::Error {
    match agreement {
        Some((text, _, false)) => anyhow::anyhow!("{error:#}\n{text}"),
        _ => error,
    }
}

/// Where each worker's receipt is kept, or why it is not.
type Kept = Vec<(WorkerId, Result<PathBuf>)>;

/// With --receipt, one file for each answer, also of those that differ: each is its worker's signed
/// word.
async fn keep_receipts(
    arguments: &Arguments,
    output: &Output,
    chain: &Chain,
    cluster: &Cluster,
    replicas: &Replicas,
) -> Result<Kept> {
    let Some(directory) = &arguments.receipt else { return Ok(Kept::new()) };
    fs::create_dir_all(directory)
        .with_context(|| format!("{} cannot be made", directory.display()))?;
    let mut kept = Kept::new();
    for asked in replicas.replicas.iter().map(|replica| &replica.asked) {
        if asked.reply.receipt.is_some() {
            let file = directory.join(format!("{}.json", asked.worker));
            let written = write_receipt(arguments, output, chain, cluster, asked, &file).await;
            kept.push((asked.worker, written.map(|()| file)));
        }
    }
    Ok(kept)
}

async fn write_receipt(
    arguments: &Arguments,
    output: &Output,
    chain: &Chain,
    cluster: &Cluster,
    asked: &Asked,
    file: &Path,
) -> Result<()> {
    let worker = cluster.client(&asked.worker).context("the worker has left the cluster")?;
    output.progress("bundling the receipt with its proofs");
    let trusted = super::receipt::read_trusted(arguments.trusted_set.as_deref())?;
    let mut bundle = client::receipt::bundle(chain, worker, asked, trusted.as_ref()).await?;
    // Before waiting: whoever loses patience has the receipt.
    super::receipt::write(file, &bundle, output)?;
    if arguments.logged {
        output.progress("waiting until the receipt is in the worker's log on chain");
        client::receipt::add_log(chain, worker, &mut bundle, trusted.as_ref()).await?;
        super::receipt::write(file, &bundle, output)?;
    }
    Ok(())
}

/// Who agrees, and who does not.
fn agreement_text(replicas: &Replicas, kept: &Kept) -> String {
    let mut lines = vec![match replicas.majority() {
        Some(asked) => format!(
            "{} of {} agree, block {}, state {}",
            replicas.agreed(),
            replicas.wanted,
            asked.reply.block_number,
            asked.reply.state_root
        ),
        None => format!(
            "no answer has a majority: {} of {} answered",
            replicas.replicas.len(),
            replicas.wanted
        ),
    }];
    for replica in &replicas.replicas {
        let (asked, verdict) = (&replica.asked, replica.verdict);
        let mut line = format!("  {}  {verdict}", asked.worker);
        if verdict != Verdict::Agrees {
            let reply = &asked.reply;
            line.push_str(&format!(", block {}, state {}", reply.block_number, reply.state_root));
        }
        lines.push(line);
    }
    for failure in &replicas.failures {
        lines.push(format!("  {}  no answer: {}", failure.worker, failure.reason));
    }
    for (worker, file) in kept {
        match file {
            Ok(file) => lines.push(format!("  {worker}  receipt {}", file.display())),
            Err(error) => lines.push(format!("  {worker}  its receipt is not kept: {error:#}")),
        }
    }
    for contradiction in replicas.contradictions() {
        let [one, other] = contradiction.workers;
        lines.push(format!("  the signed receipts of {one} and {other} contradict each other"));
    }
    let may_be_honest = replicas.replicas.iter().any(|replica| {
        matches!(replica.verdict, Verdict::AnotherAnswer | Verdict::NoMajority)
    });
    if may_be_honest {
        lines.push(
            "  a contract that sends HTTP requests, draws random numbers, or looks at the time or at \
             who runs it may answer differently without anybody lying"
                .to_owned(),
        );
    }
    lines.join("\n")
}

fn agreement_json(replicas: &Replicas, kept: &Kept) -> Value {
    let workers: Vec<Value> = replicas
        .replicas
        .iter()
        .map(|replica| {
            let (worker, reply) = (&replica.asked.worker, &replica.asked.reply);
            let receipt = kept.iter().find(|(of, _)| of == worker).map(|(_, file)| file);
            json!({
                "worker": worker,
                "verdict": verdict_name(replica.verdict),
                "blockNumber": reply.block_number,
                "blockHash": reply.block_hash,
                "stateRoot": reply.state_root,
                "receipt": receipt.and_then(|file| file.as_ref().ok()),
            })
        })
        .collect();
    let failed: Vec<Value> = replicas
        .failures
        .iter()
        .map(|failure| json!({ "worker": failure.worker, "reason": failure.reason }))
        .collect();
    let contradictions: Vec<Value> = replicas
        .contradictions()
        .into_iter()
        .map(|found| json!({ "workers": found.workers, "differ": verdict_name(found.differ) }))
        .collect();
    json!({ "replicas": {
        "wanted": replicas.wanted,
        "agreed": replicas.agreed(),
        "unanimous": replicas.unanimous(),
        "rounds": replicas.rounds,
        "workers": workers,
        "failed": failed,
        "contradictions": contradictions,
    } })
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agrees => "agrees",
        Verdict::AnotherChain => "anotherChain",
        Verdict::AnotherState => "anotherState",
        Verdict::AnotherAnswer => "anotherAnswer",
        Verdict::NotComparable => "notComparable",
        Verdict::NoMajority => "noMajority",
    }
}

/// A deposit; below zero it comes back.
fn signed_pha(amount: i128) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}", primitives::units::to_pha(amount.unsigned_abs()))
}
