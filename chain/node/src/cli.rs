//! The command line.

use clap::{Parser, Subcommand};
use polkadot_sdk::sc_cli::{self, RunCmd};

/// What is asked for.
#[derive(Debug, Parser)]
pub struct Cli {
    /// A command other than running the node.
    #[command(subcommand)]
    pub subcommand: Option<Command>,
    /// Running the node.
    #[clap(flatten)]
    pub run: RunCmd,
}

/// What a node does besides running.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "parsed once")]
pub enum Command {
    /// Key management.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),
    /// Write a chain specification to standard output.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),
    /// Validate blocks.
    CheckBlock(sc_cli::CheckBlockCmd),
    /// Export blocks.
    ExportBlocks(sc_cli::ExportBlocksCmd),
    /// Export the state of a block into a chain specification.
    ExportState(sc_cli::ExportStateCmd),
    /// Import blocks.
    ImportBlocks(sc_cli::ImportBlocksCmd),
    /// Remove the whole chain.
    PurgeChain(sc_cli::PurgeChainCmd),
    /// Revert the chain to an earlier state.
    Revert(sc_cli::RevertCmd),
    /// Show information about the database.
    ChainInfo(sc_cli::ChainInfoCmd),
}
