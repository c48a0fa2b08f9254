//! `phat-replay`: a history file and audit keys in, a verdict as JSON out. It opens no connection.
//!
//! Exit codes: 0 equal, 1 failed, 2 wrong usage, 3 it differs, 4 it cannot be said with these keys.

use clap::Parser;
use contract_engine::{Engine, EngineConfig};
use contract_history::{FILE_BYTES_MAX, HistoryFile, check};
use primitives::GenesisHash;
use replay::{Range, Verdict, replay, replay_query};
use secrets::{AUDIT_KEY_BYTES_MAX, AuditKey};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use zeroize::Zeroizing;

/// Executes a contract's history again, offline, and compares it with what its cluster agreed on.
#[derive(Debug, Parser)]
#[command(name = "phat-replay", version)]
struct Arguments {
    /// The history, made by phat replay --save.
    #[arg(long, value_name = "FILE")]
    history: PathBuf,
    /// Hash of the network's first block. Whatever is not of that network is refused.
    #[arg(long, value_name = "HASH")]
    genesis: GenesisHash,
    /// An audit key of the contract; more where it reaches other contracts.
    #[arg(long = "key-file", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    /// The first entry that is listed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// The last entry that is executed.
    #[arg(long, conflicts_with = "query")]
    to: Option<u64>,
    /// The receipt file of a recorded query, to be executed again too.
    #[arg(long, value_name = "FILE")]
    query: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok((report, code)) => {
            println!("{report}");
            code
        }
        Err(error) => {
            eprintln!("phat-replay: {error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn run(arguments: &Arguments) -> Result<(Value, ExitCode), Failure> {
    let file = HistoryFile::from_bytes(&read(&arguments.history, FILE_BYTES_MAX)?)?;
    let history = check(&arguments.genesis, &file)?;
    drop(file);
    let keys = arguments.keys.iter().map(|file| read_key(file)).collect::<Result<Vec<_>, _>>()?;
    let engine = Engine::new(&EngineConfig { executions_max: 1, code_cache: None })?;
    let Some(query) = &arguments.query else {
        let range = Range { from: arguments.from, to: arguments.to };
        let report = replay(&engine, &history, keys, range)?;
        let code = code(&report.verdict);
        return Ok((serde_json::to_value(report)?, code));
    };
    let receipt = read(query, receipt::FILE_BYTES_MAX)?;
    let (report, answer) = replay_query(&engine, &history, keys, &receipt)?;
    let code = code(&answer.verdict);
    Ok((json!({ "commands": report, "query": answer }), code))
}

fn code(verdict: &Verdict) -> ExitCode {
    match verdict {
        Verdict::Equal => ExitCode::SUCCESS,
        Verdict::Differs { .. } => ExitCode::from(3),
        Verdict::Refused { .. } => ExitCode::from(4),
    }
}

fn read(file: &Path, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let shown = file.display();
    let length = fs::metadata(file).map_err(|error| format!("{shown}: {error}"))?.len();
    if length > bytes_max {
        return Err(format!("{shown} is longer than {bytes_max} bytes").into());
    }
    Ok(fs::read(file).map_err(|error| format!("{shown}: {error}"))?)
}

/// A key file is the key's bytes in hex, on one line.
fn read_key(file: &Path) -> Result<AuditKey, Failure> {
    let shown = file.display();
    let text = read(file, 2 * AUDIT_KEY_BYTES_MAX as u64 + 2)
        .map_err(|error| format!("{shown} is no audit key: {error}"))?;
    let text = Zeroizing::new(text);
    let bytes = hex::decode(text.trim_ascii()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| format!("{shown} is no audit key"))?;
    Ok(AuditKey::from_bytes(&bytes).map_err(|error| format!("{shown}: {error}"))?)
}
