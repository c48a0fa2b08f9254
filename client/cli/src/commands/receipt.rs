//! `phat receipt`.

use crate::{context, output::Output};
use anyhow::{Context, Result};
use clap::Subcommand;
use client::receipt::{FILE_BYTES_MAX, verify};
use serde_json::json;
use std::{fs, path::PathBuf, process::ExitCode};

/// What a receipt that does not hold exits with.
const DOES_NOT_HOLD: u8 = 3;

/// Check receipts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a receipt file, link by link, without any network.
    Verify {
        /// The file.
        file: PathBuf,
    },
}

pub fn run(command: &Command, network: &context::Network, output: &Output) -> Result<ExitCode> {
    let Command::Verify { file } = command;
    let length = fs::metadata(file).with_context(|| format!("{}", file.display()))?.len();
    anyhow::ensure!(length <= FILE_BYTES_MAX, "{} is too long to be a receipt", file.display());
    let bytes = fs::read(file).with_context(|| format!("{}", file.display()))?;
    let line = |mark: &str, name: &str, finding: &str| format!("{mark} {name:<13} {finding}");
    match verify(&bytes, network.pinned()) {
        Ok(verified) => {
            let mut lines: Vec<String> = verified
                .links
                .iter()
                .map(|link| line("ok  ", link.name, &link.finding))
                .collect();
            if let Some(warning) = &verified.warning {
                lines.push(line("WARN", "hardware", warning));
            }
            lines.push("the receipt holds".to_owned());
            output.result(
                lines.join("\n"),
                &json!({ "holds": true, "links": verified.links, "warning": verified.warning }),
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let mut lines: Vec<String> =
                error.held.iter().map(|link| line("ok  ", link.name, &link.finding)).collect();
            lines.push(line("FAIL", error.link, &error.reason));
            lines.push("the receipt does NOT hold".to_owned());
            output.result(
                lines.join("\n"),
                &json!({
                    "holds": false,
                    "links": error.held,
                    "failed": error.link,
                    "reason": error.reason,
                }),
            );
            Ok(ExitCode::from(DOES_NOT_HOLD))
        }
    }
}
