//! `phat logs`.

use crate::{context, output::Output};
use anyhow::{Context, Result, bail};
use clap::Args;
use client::{WorkerError, logger_request};
use primitives::{ContractId, WorkerId};
use serde_json::{Value, json};
use std::time::Duration;

/// Pause between two questions of `--follow`.
const POLL: Duration = Duration::from_millis(500);

/// Read what a contract wrote: its log lines, events and results, as one worker has them. Only the
/// contract's owner sees them; the answer is sealed to the account.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The contract.
    contract: ContractId,
    /// The account that deployed it.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: String,
    /// How many records, the newest.
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    lines: u16,
    /// Go on with new records until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    /// The worker to ask: each keeps the logs of what it ran itself. By default the one that this
    /// user's queries go to, if it serves.
    #[arg(long)]
    worker: Option<WorkerId>,
}

pub async fn run(
    arguments: &Arguments,
    network: &context::Network,
    output: &Output,
) -> Result<()> {
    let account = context::account(&arguments.account)?;
    let chain = network.connect().await?;
    let wanted = arguments.worker.as_ref();
    let mut worker = network.worker(&chain, &arguments.contract, wanted).await?;
    let mut from = -i64::from(arguments.lines);
    loop {
        let question = json!({
            "action": "GetLog",
            "contract": arguments.contract.to_hex(),
            "from": from,
            "count": arguments.lines,
        });
        let asked = worker.ask(Some(&account), logger_request(&question)).await?;
        let answer = asked.reply.result.map_err(WorkerError::Query)?;
        let answer: Value =
            serde_json::from_slice(&answer.data).context("the worker's answer is not JSON")?;
        if let Some(error) = answer["error"].as_str() {
            bail!("the worker does not understand the question: {error}");
        }
        let records = answer["records"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_first = from < 0;
        if !records.is_empty() || (is_first && !arguments.follow) {
            let lines: Vec<String> = records.iter().map(line).collect();
            let text = match lines.is_empty() {
                true => "nothing was written, or not to this account's contract".to_owned(),
                false => lines.join("\n"),
            };
            output.result(text, &json!(records));
        }
        if !arguments.follow {
            return Ok(());
        }
        from = answer["next"].as_i64().unwrap_or(0);
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

/// A record as a line of text.
fn line(record: &Value) -> String {
    const LEVELS: [&str; 6] = ["", "error", "warn", "info", "debug", "trace"];
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let block = &record["blockNumber"];
    match record["type"].as_str() {
        Some("Log") => {
            let level = record["level"].as_u64().and_then(|level| LEVELS.get(level as usize));
            let level = level.copied().unwrap_or_default();
            format!("{block} {} {level:5} {}", text("execMode"), printable(&text("message")))
        }
        Some("Event") => format!("{block} event {}", text("payload")),
        Some("MessageOutput") => format!("{block} result for {}", text("origin")),
        _ => record.to_string(),
    }
}

/// A contract's text without what would move the terminal's cursor or colours.
fn printable(text: &str) -> String {
    text.trim_end()
        .chars()
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_and_how_loud() {
        let record = json!({
            "type": "Log", "blockNumber": 7, "execMode": "query", "level": 2,
            "message": "half\u{1b}[31m full\n",
        });
        assert_eq!(line(&record), "7 query warn  half\u{fffd}[31m full");
    }
}
