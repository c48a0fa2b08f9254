//! `phat build`: source to `.contract`.

use crate::output::Output;
use anyhow::Result;
use clap::Args;
use contract_build::BuildOptions;
use serde_json::json;
use std::path::PathBuf;

/// Build a contract's source into a .contract file.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of the contract's Cargo.toml.
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// Where the .contract file goes; by default target/ink below the contract.
    #[arg(long, value_name = "DIRECTORY")]
    output: Option<PathBuf>,
    /// Refuse to change the contract's Cargo.lock.
    #[arg(long)]
    locked: bool,
}

pub fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let options = BuildOptions {
        cache_dir: crate::context::home().join("toolchain"),
        target_dir: None,
        output_dir: arguments.output.clone(),
        locked: arguments.locked,
    };
    let built =
        contract_build::build(&arguments.directory, &options, &mut |text| output.progress(text))?;
    let hash = format!("0x{}", hex::encode(built.code_hash));
    output.result(
        format!(
            "{}\ncode hash  {hash}\nsize       {} bytes",
            built.contract_file.display(),
            built.wasm.len()
        ),
        &json!({
            "name": built.name,
            "file": built.contract_file,
            "codeHash": hash,
            "bytes": built.wasm.len(),
        }),
    );
    Ok(())
}
