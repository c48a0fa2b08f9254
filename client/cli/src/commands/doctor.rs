//! `phat doctor`: what keeps commands from working, in plain words, with what to do about it.

use crate::{
    context::{self, Kept},
    output::Output,
};
use anyhow::Result;
use chain_facts::keys;
use clap::Args;
use client::{Chain, Cluster, Standing};
use primitives::{ClusterId, units::PHA};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, process::ExitCode, time::Duration};

/// A check failed.
const CHECK_FAILED: u8 = 3;
/// How long finality may stand still.
const FINALITY_PATIENCE: Duration = Duration::from_secs(30);
/// How far this machine's clock may be from the chain's; final blocks are some blocks old.
const SKEW_MAX_MS: u64 = 120_000;

/// What to look at.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An account that should be able to sign and pay.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: Option<String>,
    /// Look at this cluster alone; by default at all of them.
    #[arg(long)]
    cluster: Option<ClusterId>,
}

/// One thing that was looked at.
struct Finding {
    says: String,
    /// What to do, where it is wrong.
    cure: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn fine(&mut self, says: impl Into<String>) {
        self.0.push(Finding { says: says.into(), cure: None });
    }

    fn wrong(&mut self, says: impl Into<String>, cure: impl Into<String>) {
        self.0.push(Finding { says: says.into(), cure: Some(cure.into()) });
    }
}

pub async fn run(
    arguments: &Arguments,
    network: &context::Network,
    output: &Output,
) -> Result<ExitCode> {
    let mut findings = Findings::default();
    let chain = match network.connect().await {
        Ok(chain) => Some(chain),
        Err(error) => {
            findings.wrong(
                format!("the node cannot be used: {error:#}"),
                "start a network with phat dev, or name a node of the right network with --node and --genesis",
            );
            None
        }
    };
    if let Some(chain) = &chain {
        look_at_chain(chain, network, output, &mut findings).await;
        look_at_clusters(chain, arguments.cluster, &mut findings).await;
    }
    if let Some(name) = &arguments.account {
        look_at_account(name, chain.as_ref(), &mut findings).await;
    }
    look_at_files(&mut findings);
    output.progress("looking for a toolchain");
    match contract_build::wasm_toolchain(&context::home().join("toolchain")) {
        Ok(toolchain) => {
            findings.fine(format!("contracts can be built, with rustc {}", toolchain.rustc_version()));
        }
        Err(error) => findings.wrong(
            format!("contracts cannot be built: {error}"),
            "only phat build needs it: rustup target add wasm32-unknown-unknown",
        ),
    }
    Ok(tell(&findings, output))
}

fn tell(findings: &Findings, output: &Output) -> ExitCode {
    let healthy = findings.0.iter().all(|finding| finding.cure.is_none());
    let mut lines = Vec::new();
    for finding in &findings.0 {
        match &finding.cure {
            None => lines.push(format!("ok     {}", finding.says)),
            Some(cure) => lines.push(format!("WRONG  {}\n       {cure}", finding.says)),
        }
    }
    let told: Vec<_> = findings
        .0
        .iter()
        .map(|finding| {
            json!({ "ok": finding.cure.is_none(), "says": finding.says, "cure": finding.cure })
        })
        .collect();
    output.result(lines.join("\n"), &json!({ "healthy": healthy, "findings": told }));
    if healthy { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) }
}

async fn look_at_chain(
    chain: &Chain,
    network: &context::Network,
    output: &Output,
    findings: &mut Findings,
) {
    let genesis = chain.genesis();
    let pinned = match network.pinned() {
        Some(_) => "as expected",
        None => "believed from the node: pin it with --genesis",
    };
    match chain.network_name().await {
        Ok((name, true)) => findings.fine(format!(
            "the node answers: {name}, a development network, where nothing is confidential; genesis \
             {genesis}, {pinned}"
        )),
        Ok((name, false)) => {
            findings.fine(format!("the node answers: {name}; genesis {genesis}, {pinned}"));
        }
        Err(error) => findings.wrong(
            format!("the node does not say its network: {error}"),
            "is it a node of Phat, and are its RPC methods open?",
        ),
    }

    output.progress("waiting for a final block");
    match moves(chain).await {
        Ok(Some(number)) => findings.fine(format!("finality moves: block {number} is final")),
        Ok(None) => findings.wrong(
            format!("no block became final in {} seconds", FINALITY_PATIENCE.as_secs()),
            "is the node still catching up, has it peers, and do more than two thirds of the validators run?",
        ),
        Err(error) => findings.wrong(
            format!("the node does not say what is final: {error}"),
            "look at the node's log",
        ),
    }

    let key = keys::timestamp_now();
    let time = chain.proven(std::slice::from_ref(&key)).await;
    match time.and_then(|proven| proven.read::<u64>("timestamp", &key)) {
        Ok(time) => {
            let skew_ms = client::now_ms().abs_diff(time.unwrap_or_default());
            let says = format!(
                "this machine's clock is {} seconds from the last final block's",
                skew_ms / 1_000
            );
            if skew_ms > SKEW_MAX_MS {
                findings.wrong(says, "set this machine's clock; where it is right, finality has stopped");
            } else {
                findings.fine(says);
            }
        }
        Err(error) => findings.wrong(
            format!("the chain's time cannot be proven: {error}"),
            "the node withholds or forges proofs, or is of another version: use another node",
        ),
    }
}

/// The final block's number, once it is another than at first; `None` where it stays.
async fn moves(chain: &Chain) -> Result<Option<u32>, client::ChainError> {
    let first = chain.final_number().await?;
    let mut left = FINALITY_PATIENCE.as_secs();
    while left > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        left -= 1;
        let now = chain.final_number().await?;
        if now > first {
            return Ok(Some(now));
        }
    }
    Ok(None)
}

async fn look_at_clusters(chain: &Chain, wanted: Option<ClusterId>, findings: &mut Findings) {
    let clusters = match chain.clusters().await {
        Ok(clusters) => clusters,
        Err(error) => {
            findings.wrong(
                format!("the clusters cannot be read: {error}"),
                "the node withholds or forges proofs, or is of another version: use another node",
            );
            return;
        }
    };
    let mut seen = false;
    for (id, _) in clusters.iter().filter(|(id, _)| wanted.is_none_or(|wanted| wanted == *id)) {
        seen = true;
        match Cluster::new(chain, id).await {
            Ok(cluster) => look_at_workers(chain, &cluster, findings).await,
            Err(error) => findings.wrong(
                format!("the workers of cluster {id} cannot be read: {error}"),
                "the node withholds or forges proofs, or is of another version: use another node",
            ),
        }
    }
    if !seen {
        findings.wrong(
            "there is no such cluster",
            "phat cluster list shows those there are; a network without one can run no contract",
        );
    }
}

async fn look_at_workers(chain: &Chain, cluster: &Cluster, findings: &mut Findings) {
    let members = cluster.membership().members;
    let id = cluster.id();
    if members.is_empty() {
        findings.wrong(
            format!("cluster {id} has no worker"),
            "its owner takes one in with phat cluster add-worker",
        );
    }
    for member in members {
        let worker = member.record.info.worker;
        let name = format!("worker {worker} of cluster {id}");
        if member.standing != Standing::Serves {
            findings.wrong(
                format!("{name} may not be asked: {}", member.standing),
                "phat worker doctor WORKER says what its operator can do",
            );
            continue;
        }
        let Some(url) = member.record.endpoints.first() else { continue };
        let said = match client::fetch_info(url).await {
            Ok(said) => said,
            Err(error) => {
                findings.wrong(
                    format!("{name} does not answer at {url}: {error}"),
                    "is the process up, and does a firewall lie between? other workers are asked meanwhile",
                );
                continue;
            }
        };
        let version = said.get("version").and_then(|version| version.as_str()).unwrap_or("unknown");
        let genesis = said.get("genesis").and_then(|genesis| genesis.as_str());
        if genesis != Some(chain.genesis().to_hex().as_str()) {
            findings.wrong(
                format!("{name} answers at {url} for another network"),
                "its operator started it with another chain specification",
            );
        } else if said.get("serving").is_none_or(serde_json::Value::is_null) {
            findings.wrong(
                format!("{name} (version {version}) does not serve yet"),
                "its log says what it waits for: a seed, the mailbox, or a newer block",
            );
        } else if version != env!("CARGO_PKG_VERSION") {
            findings.fine(format!(
                "{name} serves, with version {version}; this is version {}",
                env!("CARGO_PKG_VERSION")
            ));
        } else {
            findings.fine(format!("{name} serves, with version {version}"));
        }
    }
}

async fn look_at_account(name: &str, chain: Option<&Chain>, findings: &mut Findings) {
    let id = match context::account_id(name) {
        Ok(id) => id,
        Err(error) => {
            findings.wrong(
                format!("account {name} cannot be used: {error:#}"),
                "phat account list shows those there are; docs/operations/accounts.md says what goes wrong",
            );
            return;
        }
    };
    let Some(chain) = chain else { return };
    match chain.free_balance(&id).await {
        Ok(0) => findings.wrong(
            format!("account {name} has no PHA"),
            format!("send some to {}", client::address(&id)),
        ),
        Ok(free) => findings.fine(format!("account {name} has {}.{:012} PHA", free / PHA, free % PHA)),
        Err(error) => findings.wrong(
            format!("the balance of {name} cannot be read: {error}"),
            "the node withholds or forges proofs, or is of another version: use another node",
        ),
    }
}

/// The files of accounts: readable by their user alone, and what they should be.
fn look_at_files(findings: &mut Findings) {
    let directory = context::home().join("accounts");
    let Ok(entries) = fs::read_dir(&directory) else {
        findings.fine("no accounts are kept here");
        return;
    };
    for entry in entries.flatten() {
        let file = entry.path();
        let shown = file.display();
        let mode = fs::metadata(&file).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
        if mode & 0o077 != 0 {
            findings.wrong(
                format!("{shown} can be read by others (mode {mode:o})"),
                format!("chmod 600 {shown}"),
            );
        }
        match Kept::of_file(&file) {
            Ok(kept) => match kept.id() {
                Ok(_) if matches!(kept, Kept::Plain(_)) => findings.fine(format!(
                    "{shown} is an account without a passphrase: for development networks only"
                )),
                Ok(_) => findings.fine(format!("{shown} is a keystore")),
                Err(error) => findings.wrong(
                    format!("{shown} is no account: {error:#}"),
                    "take it from a backup, or remove it",
                ),
            },
            Err(error) => findings.wrong(
                format!("{error:#}"),
                "take it from a backup, or make it readable for yourself",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_finding_fails_the_check() {
        let output = Output::new(true);
        let mut findings = Findings::default();
        findings.fine("one");
        assert_eq!(tell(&findings, &output), ExitCode::SUCCESS);
        findings.wrong("two", "a cure");
        assert_eq!(tell(&findings, &output), ExitCode::from(CHECK_FAILED));
    }
}
