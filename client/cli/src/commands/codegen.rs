//! `phat codegen`.

use crate::output::Output;
use anyhow::{Context, Result, ensure};
use clap::Args;
use client::{Contract, typescript};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// Longest class name.
const CLASS_CHARACTERS_MAX: usize = 100;

/// Write a contract's messages as typed TypeScript, for the package @phat/client.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The .contract file, or its metadata.
    file: PathBuf,
    /// Where the TypeScript goes; by default it is printed.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Name of the class; by default the contract's.
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
}

pub fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let class = arguments.class.as_deref();
    ensure!(
        class.is_none_or(|class| class.len() <= CLASS_CHARACTERS_MAX),
        "a class name has at most {CLASS_CHARACTERS_MAX} characters"
    );
    let name = arguments.file.display();
    let bytes = fs::read(&arguments.file).with_context(|| format!("cannot read {name}"))?;
    let contract = Contract::from_json(&bytes)?;
    let json: Value = serde_json::from_slice(&bytes).with_context(|| format!("{name} is not JSON"))?;
    let text = typescript::generate(&typescript::Source { contract: &contract, json: &json, class });
    let value = |file: Option<&PathBuf>, text: Option<&str>| {
        json!({ "name": contract.name, "codeHash": contract.code_hash, "file": file, "typescript": text })
    };
    match &arguments.output {
        None => output.result(text.trim_end().to_owned(), &value(None, Some(&text))),
        Some(file) => {
            fs::write(file, &text).with_context(|| format!("cannot write {}", file.display()))?;
            output.result(file.display().to_string(), &value(Some(file), None));
        }
    }
    Ok(())
}
