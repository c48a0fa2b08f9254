//! `phat completions` and `phat man`: what shells and `man` know of this program, from its own definition.

use crate::output::Output;
use anyhow::{Context, Result};
use clap::Args;
use clap_complete::Shell;
use serde_json::json;
use std::{fs, path::PathBuf};

/// Which shell.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell to complete in.
    shell: Shell,
}

/// Where to write.
#[derive(Debug, Args)]
pub struct Man {
    /// Directory for the pages; made if it is not there.
    #[arg(long, value_name = "DIRECTORY")]
    out: PathBuf,
}

/// Prints a shell's completions.
pub fn completions(arguments: &Completions, mut command: clap::Command, output: &Output) {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "phat", &mut script);
    let script = String::from_utf8_lossy(&script);
    output.result(script.trim_end(), &json!(script));
}

/// Writes a page for each command.
pub fn man(arguments: &Man, command: clap::Command, output: &Output) -> Result<()> {
    let shown = arguments.out.display();
    fs::create_dir_all(&arguments.out).with_context(|| format!("{shown}"))?;
    clap_mangen::generate_to(command, &arguments.out).with_context(|| format!("{shown}"))?;
    output.result(format!("pages in {shown}"), &json!({ "directory": arguments.out }));
    Ok(())
}
