//! The election executed again, by an auditor's process that was given the ballot's key.

use anyhow::{Context, Result, bail, ensure};
use client::{
    Account, Asked, Chain, Cluster, Contract, QueryOptions, WorkerError, audit,
    receipt::bundle,
};
use contract_history::HistoryFile;
use primitives::{ContractId, GenesisHash};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Exit code of a replay that differs.
const DIFFERS: i32 = 3;

/// What the auditor found.
pub struct Audited {
    /// Entries that concerned the ballot, each compared by its own root.
    pub checkpoints: u64,
    /// Histories that were altered, and the replay that found it.
    pub altered: usize,
    /// Bytes of the history file.
    pub history_bytes: usize,
}

/// Before the close nobody gets the ballot's key, not even who deployed it.
pub async fn check_no_key(chain: &Chain, contract: ContractId, accounts: &[&Account]) -> Result<()> {
    let mut cluster = Cluster::of_contract(chain, &contract).await?;
    for account in accounts {
        match audit::audit_key(&mut cluster, account, contract).await {
            Err(audit::AuditError::Worker(WorkerError::Query(_))) => {}
            Err(error) => return Err(error).context("the key is refused for another reason"),
            Ok(_) => bail!("the ballot's key is given away before the close"),
        }
    }
    match cluster.ask(None, audit::audit_key_request(contract)).await?.reply.result {
        Err(wire::query::QueryError::CertificateMissing) => Ok(()),
        other => bail!("nobody in particular asks for the key and gets {other:?}"),
    }
}

/// The auditor: a fresh account, which only knows the genesis hash and the contract.
pub struct Auditor {
    program: PathBuf,
    folder: tempfile::TempDir,
    genesis: GenesisHash,
}

impl Auditor {
    /// One with `phat-replay` in this directory.
    pub fn new(binaries: &Path, genesis: GenesisHash) -> Result<Self> {
        let program = binaries.join("phat-replay");
        ensure!(program.is_file(), "{} is missing", program.display());
        Ok(Self { program, folder: tempfile::tempdir()?, genesis })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Gets key and history, has the election executed again, and then altered histories.
    pub async fn audit(
        &self,
        chain: &Chain,
        contract: ContractId,
        reports: usize,
        tally: (&Contract, &Value),
    ) -> Result<Audited> {
        let account = Account::from_uri(&Account::generate_seed())?;
        let mut cluster = Cluster::of_contract(chain, &contract).await?;
        let key = audit::audit_key(&mut cluster, &account, contract).await?;
        fs::write(self.file("key"), hex::encode(&*key.expose()))?;
        let asked = recorded_tally(&mut cluster, &account, contract, tally.0).await?;
        let client = cluster.client(&asked.worker).context("who answered")?;
        let receipt = bundle(chain, client, &asked, None).await?;
        fs::write(self.file("tally.json"), serde_json::to_vec(&receipt)?)?;
        let covers = client::receipt::receipt_of(&receipt)?.body.next_number;
        let history =
            audit::history(chain, &mut cluster, contract, Some(&account), covers).await?;
        let history_bytes = history.to_bytes().len();
        let (code, report) = self.replay(&history, &["--query", &self.shown("tally.json")])?;
        ensure!(code == 0, "the election executed again: exit code {code}, {report}");
        let commands = &report["commands"];
        let checkpoints = commands["checkpoints"].as_u64().unwrap_or_default();
        // The making, every report, and the close.
        ensure!(
            commands["verdict"] == "equal" && checkpoints >= reports as u64 + 2,
            "the commands executed again: {commands}"
        );
        let data = hex::decode(report["query"]["data"].as_str().unwrap_or_default())?;
        let message = tally.0.message("tally")?;
        let again = tally.0.decode(message, &data)?;
        ensure!(
            report["query"]["verdict"] == "equal"
                && again == client::Output::Value(tally.1.clone()),
            "the tally executed again is {again:?}"
        );
        let altered = self.alter(&history)?;
        Ok(Audited { checkpoints, altered, history_bytes })
    }

    fn shown(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// Runs the auditor's process on a history; gives its exit code and its report.
    fn replay(&self, history: &HistoryFile, more: &[&str]) -> Result<(i32, Value)> {
        fs::write(self.file("history"), history.to_bytes())?;
        let done = Command::new(&self.program)
            .args(["--genesis", &self.genesis.to_hex()])
            .arg("--history")
            .arg(self.file("history"))
            .arg("--key-file")
            .arg(self.file("key"))
            .args(more)
            .output()?;
        let code = done.status.code().context("the auditor's process was killed")?;
        let report = serde_json::from_slice(&done.stdout).unwrap_or_else(|_| {
            Value::String(String::from_utf8_lossy(&done.stderr).into_owned())
        });
        Ok((code, report))
    }

    /// Altered histories must not hold: neither their proofs nor, where those are left alone, the replay.
    fn alter(&self, history: &HistoryFile) -> Result<usize> {
        let with = |change: &dyn Fn(&mut HistoryFile)| {
            let mut altered = history.clone();
            change(&mut altered);
            altered
        };
        let cases: [(&str, HistoryFile); 6] = [
            ("a changed entry", with(&|file| flip(&mut file.past[0].nodes))),
            ("an omitted block of entries", with(&|file| file.past.clear())),
            ("other code", with(&|file| file.codes.clear())),
            ("another root", with(&|file| file.root.state_root.0[0] ^= 1)),
            ("a root of fewer entries", with(&|file| file.root.next_number -= 1)),
            ("a changed proof of the root", with(&|file| flip(&mut file.root.nodes))),
        ];
        let tried = cases.len();
        for (name, altered) in cases {
            let (code, report) = self.replay(&altered, &[])?;
            ensure!(code == 1 || code == DIFFERS, "a history with {name} holds: {report}");
        }
        let other = GenesisHash([9; 32]);
        let auditor = Self { program: self.program.clone(), folder: tempfile::tempdir()?, genesis: other };
        fs::copy(self.file("key"), auditor.file("key"))?;
        let (code, report) = auditor.replay(history, &[])?;
        ensure!(code == 1, "a history holds on a network it is not of: {report}");
        Ok(tried + 1)
    }
}

/// Alters the longest node: the one that shows most.
fn flip(nodes: &mut [Vec<u8>]) {
    if let Some(node) = nodes.iter_mut().max_by_key(|node| node.len())
        && let Some(last) = node.last_mut()
    {
        *last ^= 1;
    }
}

/// The tally, with a record of what the worker told the contract and a receipt over both.
async fn recorded_tally(
    cluster: &mut Cluster,
    account: &Account,
    contract: ContractId,
    ballot: &Contract,
) -> Result<Asked> {
    let input = ballot.encode_values(ballot.message("tally")?, &[])?;
    let options = QueryOptions { receipt: true, ..Default::default() };
    let asked = cluster
        .ask(Some(account), audit::recorded_request(contract, input, options))
        .await?;
    match &asked.reply.result {
        Ok(_) => Ok(asked),
        Err(error) => bail!("the tally is not recorded: {error:?}"),
    }
}
