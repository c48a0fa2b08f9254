//! Wiring: client, pool, network, consensus.
//!
//! GRANDPA votes for the best block at once and gossips every 100 ms: with the defaults, which stay two
//! blocks behind, a block is final after 3.7 s instead of half a second.

use crate::{guard, rpc};
use polkadot_sdk::{
    sc_basic_authorship::ProposerFactory,
    sc_client_api::BlockBackend,
    sc_consensus::{DefaultImportQueue, LongestChain},
    sc_consensus_aura::{self, ImportQueueParams, SlotProportion, StartAuraParams},
    sc_consensus_grandpa::{
        self, GrandpaBlockImport, GrandpaParams, LinkHalf, SharedVoterState, VotingRulesBuilder,
        warp_proof::NetworkProvider,
    },
    sc_executor::WasmExecutor,
    sc_network::{NetworkBackend, config::FullNetworkConfiguration},
    sc_service::{
        self, BuildNetworkParams, ChainType, Configuration, PartialComponents, SpawnTasksParams,
        TFullBackend, TFullClient, TaskManager, WarpSyncConfig, error::Error as ServiceError,
    },
    sc_telemetry::{Telemetry, TelemetryWorker},
    sc_transaction_pool::{Builder, TransactionPoolHandle},
    sc_transaction_pool_api::OffchainTransactionPoolFactory,
    sp_consensus_aura::{
        self,
        sr25519::{AuthorityId as AuraId, AuthorityPair as AuraPair},
    },
    sp_io::SubstrateHostFunctions,
    sp_runtime::traits::Block as BlockT,
    sp_timestamp,
};
use runtime::{RuntimeApi, opaque::Block};
use std::{sync::Arc, time::Duration};

/// The chain.
pub type FullClient = TFullClient<Block, RuntimeApi, WasmExecutor<SubstrateHostFunctions>>;
/// Its storage.
pub type FullBackend = TFullBackend<Block>;
type SelectChain = LongestChain<FullBackend, Block>;
type BlockImport = GrandpaBlockImport<FullBackend, Block, FullClient, SelectChain>;
type Link = LinkHalf<Block, FullClient, SelectChain>;
type Pool = TransactionPoolHandle<Block, FullClient>;

/// Blocks after which a justification is kept at the latest.
const JUSTIFICATION_PERIOD_BLOCKS: u32 = 512;
/// How long a GRANDPA message is expected to travel. A round takes about four times this.
const GOSSIP_DURATION: Duration = Duration::from_millis(100);
/// Telemetry messages that may wait.
const TELEMETRY_BUFFER: usize = 16;

/// What commands need of a node that does not run.
pub type Partial = PartialComponents<
    FullClient,
    FullBackend,
    SelectChain,
    DefaultImportQueue<Block>,
    Pool,
    (BlockImport, Link, Option<Telemetry>),
>;

fn telemetry(config: &Configuration) -> Result<Option<(TelemetryWorker, Telemetry)>, ServiceError> {
    let endpoints = config
        .telemetry_endpoints
        .clone()
        .filter(|endpoints| !endpoints.is_empty());
    let Some(endpoints) = endpoints else {
        return Ok(None);
    };
    let worker = TelemetryWorker::new(TELEMETRY_BUFFER)?;
    let telemetry = worker.handle().new_telemetry(endpoints);
    Ok(Some((worker, telemetry)))
}

fn refuse_unsafe_spec(config: &Configuration) -> Result<(), ServiceError> {
    let chain_type = config.chain_spec.chain_type();
    if chain_type != ChainType::Live {
        return Ok(());
    }
    let genesis = config.chain_spec.as_storage_builder().build_storage()?;
    guard::check(&chain_type, &genesis).map_err(|error| ServiceError::Application(error.into()))
}

/// Opens the chain, without network.
///
/// # Errors
/// When the specification is unsafe, or the database cannot be opened.
pub fn new_partial(config: &Configuration) -> Result<Partial, ServiceError> {
    refuse_unsafe_spec(config)?;
    let telemetry = telemetry(config)?;
    let executor = sc_service::new_wasm_executor::<SubstrateHostFunctions>(&config.executor);
    let (client, backend, keystore_container, task_manager) =
        sc_service::new_full_parts::<Block, RuntimeApi, _>(
            config,
            telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
            executor,
            Vec::new(),
        )?;
    let client = Arc::new(client);
    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager
            .spawn_handle()
            .spawn("telemetry", None, worker.run());
        telemetry
    });
    let select_chain = LongestChain::new(backend.clone());
    let transaction_pool = Arc::from(
        Builder::new(
            task_manager.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .with_prometheus(config.prometheus_registry())
        .build(),
    );
    let (block_import, link) = sc_consensus_grandpa::block_import(
        client.clone(),
        JUSTIFICATION_PERIOD_BLOCKS,
        &client,
        select_chain.clone(),
        telemetry.as_ref().map(Telemetry::handle),
    )?;
    let slots_of = client.clone();
    let import_queue =
        sc_consensus_aura::import_queue::<AuraPair, _, _, _, _, _>(ImportQueueParams {
            block_import: block_import.clone(),
            justification_import: Some(Box::new(block_import.clone())),
            client: client.clone(),
            create_inherent_data_providers: move |parent, _| {
                let client = slots_of.clone();
                async move {
                    let slot_duration =
                        sc_consensus_aura::standalone::slot_duration_at(&*client, parent)?;
                    Ok(inherents(slot_duration))
                }
            },
            spawner: &task_manager.spawn_essential_handle(),
            registry: config.prometheus_registry(),
            check_for_equivocation: Default::default(),
            telemetry: telemetry.as_ref().map(Telemetry::handle),
            compatibility_mode: Default::default(),
        })?;
    Ok(PartialComponents {
        client,
        backend,
        task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: (block_import, link, telemetry),
    })
}

type Inherents = (
    sp_consensus_aura::inherents::InherentDataProvider,
    sp_timestamp::InherentDataProvider,
);

fn inherents(slot_duration: sp_consensus_aura::SlotDuration) -> Inherents {
    let timestamp = sp_timestamp::InherentDataProvider::from_system_time();
    let slot = sp_consensus_aura::inherents::InherentDataProvider::from_timestamp_and_slot_duration(
        *timestamp,
        slot_duration,
    );
    (slot, timestamp)
}

/// Runs a node.
///
/// # Errors
/// When a part cannot start: unsafe specification, database, ports.
#[expect(clippy::too_many_lines, reason = "wiring, straight from top to bottom")]
pub fn new_full<N: NetworkBackend<Block, <Block as BlockT>::Hash>>(
    config: Configuration,
) -> Result<TaskManager, ServiceError> {
    let PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: (block_import, link, mut telemetry),
    } = new_partial(&config)?;

    let mut net_config = FullNetworkConfiguration::<Block, <Block as BlockT>::Hash, N>::new(
        &config.network,
        config.prometheus_registry().cloned(),
    );
    let metrics = N::register_notification_metrics(config.prometheus_registry());
    let genesis = client
        .block_hash(0)?
        .ok_or_else(|| ServiceError::Other("the database has no genesis block".into()))?;
    let protocol_name = sc_consensus_grandpa::protocol_standard_name(&genesis, &config.chain_spec);
    let (protocol_config, notification_service) =
        sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
            protocol_name.clone(),
            metrics.clone(),
            net_config.peer_store_handle(),
        );
    net_config.add_notification_protocol(protocol_config);
    let warp = Arc::new(NetworkProvider::new(
        backend.clone(),
        link.shared_authority_set().clone(),
        Vec::new(),
    ));
    let (network, system_rpc_tx, tx_handler_controller, sync_service, _) =
        sc_service::build_network(BuildNetworkParams {
            config: &config,
            net_config,
            client: client.clone(),
            transaction_pool: transaction_pool.clone(),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: Some(WarpSyncConfig::WithProvider(warp.clone())),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;

    let role = config.role;
    let force_authoring = config.force_authoring;
    let name = config.network.node_name.clone();
    let enable_grandpa = !config.disable_grandpa;
    let prometheus_registry = config.prometheus_registry().cloned();
    let voter_state = SharedVoterState::empty();
    let rpc_parts = rpc::Parts {
        client: client.clone(),
        backend: backend.clone(),
        pool: transaction_pool.clone(),
        authority_set: link.shared_authority_set().clone(),
        voter_state: voter_state.clone(),
        justifications: link.justification_stream(),
        warp,
    };
    sc_service::spawn_tasks(SpawnTasksParams {
        network: network.clone(),
        client: client.clone(),
        keystore: keystore_container.keystore(),
        task_manager: &mut task_manager,
        transaction_pool: transaction_pool.clone(),
        rpc_builder: Box::new(move |executor| {
            rpc::create(&rpc_parts, executor).map_err(ServiceError::Application)
        }),
        backend,
        system_rpc_tx,
        tx_handler_controller,
        sync_service: sync_service.clone(),
        config,
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    if role.is_authority() {
        let proposer_factory = ProposerFactory::new(
            task_manager.spawn_handle(),
            client.clone(),
            transaction_pool.clone(),
            prometheus_registry.as_ref(),
            telemetry.as_ref().map(Telemetry::handle),
        );
        let slot_duration = sc_consensus_aura::slot_duration::<AuraId, _, _>(&*client)?;
        let aura = sc_consensus_aura::start_aura::<AuraPair, _, _, _, _, _, _, _, _, _, _>(
            StartAuraParams {
                slot_duration,
                client,
                select_chain,
                block_import,
                proposer_factory,
                create_inherent_data_providers: move |_, ()| async move { Ok(inherents(slot_duration)) },
                force_authoring,
                backoff_authoring_blocks: Option::<()>::None,
                keystore: keystore_container.keystore(),
                sync_oracle: sync_service.clone(),
                justification_sync_link: sync_service.clone(),
                block_proposal_slot_portion: SlotProportion::new(2f32 / 3f32),
                max_block_proposal_slot_portion: None,
                telemetry: telemetry.as_ref().map(Telemetry::handle),
                compatibility_mode: Default::default(),
            },
        )?;
        // Without it the node is no validator: it stops the node when it fails.
        task_manager
            .spawn_essential_handle()
            .spawn_blocking("aura", Some("block-authoring"), aura);
    }

    if enable_grandpa {
        let keystore = role.is_authority().then(|| keystore_container.keystore());
        let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: GOSSIP_DURATION,
                justification_generation_period: JUSTIFICATION_PERIOD_BLOCKS,
                name: Some(name),
                observer_enabled: false,
                keystore,
                local_role: role,
                telemetry: telemetry.as_ref().map(Telemetry::handle),
                protocol_name,
            },
            link,
            network,
            sync: Arc::new(sync_service),
            notification_service,
            voting_rule: VotingRulesBuilder::new().build(),
            prometheus_registry,
            shared_voter_state: voter_state,
            telemetry: telemetry.as_ref().map(Telemetry::handle),
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
        })?;
        task_manager
            .spawn_essential_handle()
            .spawn_blocking("grandpa-voter", None, voter);
    }
    Ok(task_manager)
}
