//! `phat`: the command line. Each command is a file in `commands`, written on the `client` crate alone.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check failed (a receipt that does not
//! hold, replicas that do not agree, a replay that differs), 4 a replay that cannot be decided.

mod commands;
mod context;
#[cfg(test)]
mod documents;
mod output;
mod passphrase;

use clap::{CommandFactory, Parser, Subcommand};
use context::Network;
use output::Output;
use std::process::ExitCode;

/// Phat: confidential programs on an open network.
#[derive(Debug, Parser)]
#[command(name = "phat", version, propagate_version = true, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    network: Network,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// File that holds the passphrase of the account used, instead of asking for it.
    #[arg(long, global = true, env = "PHAT_PASSPHRASE_FILE", value_name = "FILE")]
    passphrase_file: Option<std::path::PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a whole network on this machine.
    Dev(commands::dev::Arguments),
    /// Find out what keeps commands from working, and what to do about it.
    Doctor(commands::doctor::Arguments),
    /// Make and list accounts.
    #[command(subcommand)]
    Account(commands::account::Command),
    /// Make a new contract, with tests and the SDK.
    New(commands::new::Arguments),
    /// Build a contract's source into a .contract file.
    Build(commands::build::Arguments),
    /// Write a contract's messages as typed TypeScript.
    Codegen(commands::codegen::Arguments),
    /// Deploy a contract.
    Deploy(commands::deploy::Arguments),
    /// Send a sealed command to a contract: it changes state.
    Call(commands::call::Arguments),
    /// Ask a contract: answered at once, sealed, nothing changes.
    Query(commands::query::Arguments),
    /// Read what a contract wrote; its owner alone can.
    Logs(commands::logs::Arguments),
    /// Check receipts.
    #[command(subcommand)]
    Receipt(commands::receipt::Command),
    /// Get the key with which a contract's history can be read and executed again.
    Audit(commands::audit::Arguments),
    /// Execute a contract's commands again, and compare with what its cluster agreed on.
    Replay(commands::replay::Arguments),
    /// Look at workers, and let yours earn.
    #[command(subcommand)]
    Worker(commands::worker::Command),
    /// Stake for workers together: owners run pools, anybody delegates.
    #[command(subcommand)]
    Pool(commands::pool::Command),
    /// Delegate to somebody who chooses stake pools for you.
    #[command(subcommand)]
    Vault(commands::vault::Command),
    /// Look at clusters, and set what belongs to their owners.
    #[command(subcommand)]
    Cluster(commands::cluster::Command),
    /// Pay for computing by staking: the money stays yours, and comes back whole.
    #[command(subcommand)]
    Stake(commands::stake::Command),
    /// For members of the DAO, who hold shares of the network's key: take part in ceremonies.
    #[command(subcommand)]
    Member(commands::member::Command),
    /// Look at the chain's validators, join and leave them.
    #[command(subcommand)]
    Validator(commands::validator::Command),
    /// Look at contracts.
    #[command(subcommand)]
    Contract(commands::contract::Command),
    /// Take part in what holders of PHA decide: see, vote, delegate, propose.
    #[command(subcommand)]
    Vote(commands::vote::Command),
    /// Look at the treasury, and have it pay what was voted.
    #[command(subcommand)]
    Treasury(commands::treasury::Command),
    /// Print completions for a shell.
    Completions(commands::shell::Completions),
    /// Write manual pages.
    Man(commands::shell::Man),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return wrong_usage(&error),
    };
    let output = Output::new(arguments.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("phat: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(arguments, &output)) {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Help and versions are text; a mistake is JSON where JSON is asked for, and exits with 2.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    if json && error.use_stderr() {
        let text = error.render().to_string();
        let text = text.trim().trim_start_matches("error: ");
        Output::new(true).error(&anyhow::anyhow!("{text}"));
    } else {
        // A reader that has gone is no reason to fail otherwise.
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

async fn run(arguments: Arguments, output: &Output) -> anyhow::Result<ExitCode> {
    if let Some(file) = arguments.passphrase_file {
        passphrase::use_file(file);
    }
    let network = &arguments.network;
    match arguments.command {
        Command::Dev(arguments) => commands::dev::run(arguments, output).await?,
        Command::Doctor(arguments) => {
            return commands::doctor::run(&arguments, network, output).await;
        }
        Command::Account(command) => commands::account::run(command, network, output).await?,
        Command::New(arguments) => commands::new::run(&arguments, output)?,
        Command::Build(arguments) => commands::build::run(&arguments, output)?,
        Command::Codegen(arguments) => commands::codegen::run(&arguments, output)?,
        Command::Deploy(arguments) => commands::deploy::run(&arguments, network, output).await?,
        Command::Call(arguments) => commands::call::run(&arguments, network, output).await?,
        Command::Query(arguments) => return commands::query::run(&arguments, network, output).await,
        Command::Logs(arguments) => commands::logs::run(&arguments, network, output).await?,
        Command::Receipt(command) => {
            return commands::receipt::run(&command, network, output).await;
        }
        Command::Audit(arguments) => commands::audit::run(&arguments, network, output).await?,
        Command::Replay(arguments) => {
            return commands::replay::run(&arguments, network, output).await;
        }
        Command::Worker(command) => return commands::worker::run(command, network, output).await,
        Command::Pool(command) => commands::pool::run(command, network, output).await?,
        Command::Vault(command) => commands::vault::run(command, network, output).await?,
        Command::Cluster(command) => commands::cluster::run(command, network, output).await?,
        Command::Stake(command) => commands::stake::run(command, network, output).await?,
        Command::Member(command) => commands::member::run(command, network, output).await?,
        Command::Validator(command) => commands::validator::run(command, network, output).await?,
        Command::Contract(command) => commands::contract::run(command, network, output).await?,
        Command::Vote(command) => commands::vote::run(command, network, output).await?,
        Command::Treasury(command) => commands::treasury::run(command, network, output).await?,
        Command::Completions(arguments) => {
            commands::shell::completions(&arguments, Arguments::command(), output);
        }
        Command::Man(arguments) => commands::shell::man(&arguments, Arguments::command(), output)?,
    }
    Ok(ExitCode::SUCCESS)
}
