//! What each command does.

use crate::cli::{Cli, Command};
use crate::{chain_spec, service};
use polkadot_sdk::{
    sc_cli::{self, SubstrateCli},
    sc_consensus_grandpa,
    sc_network::{Litep2pNetworkBackend, NetworkWorker, config::NetworkBackendType},
    sc_service::{self, Configuration, DatabaseSource, PartialComponents, PruningMode},
    sp_runtime::traits::Block as BlockT,
};
use runtime::opaque::Block;

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "Phat Node".into()
    }

    fn impl_version() -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn description() -> String {
        env!("CARGO_PKG_DESCRIPTION").into()
    }

    fn author() -> String {
        "the Phat developers".into()
    }

    fn support_url() -> String {
        concat!(env!("CARGO_PKG_REPOSITORY"), "/issues").into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
        Ok(Box::new(chain_spec::load(id)?))
    }
}

/// Reads the command line and does what it says.
pub fn run() -> sc_cli::Result<()> {
    let mut cli = Cli::from_args();
    prefer_parity_db(&mut cli);
    match &cli.subcommand {
        None => run_node(&cli),
        Some(Command::Key(command)) => command.run(&cli),
        Some(Command::ExportChainSpec(command)) => command.run(cli.load_spec(&command.chain)?),
        Some(Command::CheckBlock(command)) => cli.create_runner(command)?.async_run(|config| {
            let PartialComponents {
                client,
                task_manager,
                import_queue,
                ..
            } = service::new_partial(&config)?;
            Ok((command.run(client, import_queue), task_manager))
        }),
        Some(Command::ExportBlocks(command)) => cli.create_runner(command)?.async_run(|config| {
            let PartialComponents {
                client,
                task_manager,
                ..
            } = service::new_partial(&config)?;
            Ok((command.run(client, config.database), task_manager))
        }),
        Some(Command::ExportState(command)) => cli.create_runner(command)?.async_run(|config| {
            let PartialComponents {
                client,
                task_manager,
                ..
            } = service::new_partial(&config)?;
            Ok((command.run(client, config.chain_spec), task_manager))
        }),
        Some(Command::ImportBlocks(command)) => cli.create_runner(command)?.async_run(|config| {
            let PartialComponents {
                client,
                task_manager,
                import_queue,
                ..
            } = service::new_partial(&config)?;
            Ok((command.run(client, import_queue), task_manager))
        }),
        Some(Command::PurgeChain(command)) => cli
            .create_runner(command)?
            .sync_run(|config| command.run(config.database)),
        Some(Command::Revert(command)) => cli.create_runner(command)?.async_run(|config| {
            let PartialComponents {
                client,
                task_manager,
                backend,
                ..
            } = service::new_partial(&config)?;
            let revert_finality = Box::new(|client, _, blocks| {
                sc_consensus_grandpa::revert(client, blocks)?;
                Ok(())
            });
            Ok((
                command.run(client, backend, Some(revert_finality)),
                task_manager,
            ))
        }),
        Some(Command::ChainInfo(command)) => cli
            .create_runner(command)?
            .sync_run(|config| command.run::<Block>(&config)),
    }
}

/// The one database that is compiled in, where the command line names none.
fn prefer_parity_db(cli: &mut Cli) {
    let database = match &mut cli.subcommand {
        None => &mut cli.run.import_params.database_params.database,
        Some(Command::ExportBlocks(command)) => &mut command.database_params.database,
        Some(Command::CheckBlock(command)) => &mut command.import_params.database_params.database,
        Some(Command::ImportBlocks(command)) => &mut command.import_params.database_params.database,
        Some(Command::PurgeChain(command)) => &mut command.database_params.database,
        Some(Command::ChainInfo(command)) => &mut command.database_params.database,
        Some(
            Command::Key(_)
            | Command::ExportChainSpec(_)
            | Command::ExportState(_)
            | Command::Revert(_),
        ) => return,
    };
    database.get_or_insert(sc_cli::Database::ParityDb);
}

/// Development chains keep all states, so that proofs can be read at any block.
fn keep_all_states(config: &mut Configuration) {
    let new = match &config.database {
        DatabaseSource::ParityDb { path } => !path.exists(),
        _ => false,
    };
    let live = config.chain_spec.chain_type() == sc_service::ChainType::Live;
    if new && !live && config.state_pruning.is_none() {
        config.state_pruning = Some(PruningMode::ArchiveAll);
    }
}

fn run_node(cli: &Cli) -> sc_cli::Result<()> {
    cli.create_runner(&cli.run)?
        .run_node_until_exit(|mut config| async move {
            keep_all_states(&mut config);
            let started = match config.network.network_backend {
                NetworkBackendType::Libp2p => {
                    service::new_full::<NetworkWorker<Block, <Block as BlockT>::Hash>>(config)
                }
                NetworkBackendType::Litep2p => service::new_full::<Litep2pNetworkBackend>(config),
            };
            started.map_err(sc_cli::Error::Service)
        })
}
