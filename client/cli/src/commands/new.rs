//! `phat new`: a project to start a contract from.

use crate::output::Output;
use anyhow::Result;
use clap::{Args, ValueEnum};
use contract_build::Template;
use serde_json::json;
use std::path::PathBuf;

/// Make a new contract.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Its name: lower-case letters, digits, - and _. The folder is named so too.
    name: String,
    /// What to start from.
    #[arg(long, value_enum, default_value_t = Start::Flipper)]
    template: Start,
    /// Where the folder goes.
    #[arg(long = "in", value_name = "DIRECTORY", default_value = ".")]
    parent: PathBuf,
}

/// What to start from.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Start {
    /// A bit that anybody can flip: the least that is a contract.
    Flipper,
    /// A value fetched from the web, cached and logged.
    Http,
    /// State by account.
    Storage,
}

impl From<Start> for Template {
    fn from(start: Start) -> Self {
        match start {
            Start::Flipper => Self::Flipper,
            Start::Http => Self::Http,
            Start::Storage => Self::Storage,
        }
    }
}

pub fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let template = Template::from(arguments.template);
    let folder = contract_build::create_project(&arguments.parent, &arguments.name, template)?;
    output.result(
        format!(
            "{folder}\nnext  cd {folder} && cargo test && phat build",
            folder = folder.display()
        ),
        &json!({
            "name": arguments.name,
            "directory": folder,
            "template": template.name(),
        }),
    );
    Ok(())
}
