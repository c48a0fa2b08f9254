//! The worker's own view of the chain, without trust in any node.
//!
//! An embedded light client (smoldot, through subxt) starts from the chain specification, checks
//! finality and proves every value it reads. Nothing that a node says is believed. What this crate
//! adds is small: which facts a worker reads ([`FinalizedBlock::view`]), how its messages are
//! submitted, and a time-out around everything, because a light client that cannot sync does not fail,
//! it waits.
//!
//! It never holds a worker's secret and knows no rule of any contract or protocol.

#![deny(missing_docs)]

mod submit;

use chain_facts::{
    read::{self, StorageReader, UnknownFormat},
    view::{FinalizedView, Watch},
};
use primitives::{BlockHash, BlockNumber, GenesisHash};
use std::{sync::Arc, time::Duration};
use subxt::{
    OnlineClient,
    backend::{Backend, CombinedBackend},
    client::{Block, Blocks, OnlineClientAtBlock},
    config::substrate::SubstrateConfig,
    error::BackendError,
    lightclient::{ChainConfig, LightClient},
    rpcs::RpcClient,
};

pub use submit::OperatorKey;

/// How long one read may take before the light client counts as stuck.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// What goes wrong between the worker and the chain.
#[derive(Debug, thiserror::Error)]
pub enum ChainViewError {
    /// The chain specification cannot be used.
    #[error("the chain specification cannot be used: {0}; it must be raw JSON, as phat-node export-chain-spec --raw writes it")]
    Spec(String),
    /// No new final block for too long.
    #[error("no new final block for {0:?}: no peer is reachable, the nodes are on another network, or finality has stopped")]
    Stalled(Duration),
    /// A read gave no answer in time.
    #[error("the light client gave no answer within {0:?}")]
    Timeout(Duration),
    /// A value on chain is not of the kind this worker knows.
    #[error("the chain's {what} is not of the kind this worker knows; the worker is too old or too new for the chain")]
    UnknownFormat {
        /// Which value.
        what: &'static str,
    },
    /// The operator's key cannot be used.
    #[error("the operator's key cannot be used: {0}")]
    OperatorKey(String),
    /// The chain refuses a transaction.
    #[error("the chain refuses the transaction: {0}")]
    Refused(String),
    /// The light client reports an error.
    #[error("the light client reports: {0}")]
    LightClient(String),
}

fn light_client_error(error: impl std::fmt::Display) -> ChainViewError {
    ChainViewError::LightClient(error.to_string())
}

/// The light client, as what reads and submits asks it.
#[derive(Clone)]
struct Node {
    backend: Arc<CombinedBackend<SubstrateConfig>>,
    rpc: RpcClient,
}

/// A light client that follows one chain.
pub struct ChainView {
    api: OnlineClient<SubstrateConfig>,
    node: Node,
    // Dropping it ends the light client.
    _light_client: LightClient,
}

impl ChainView {
    /// Starts to follow the chain of `spec_json` (raw), from its genesis.
    ///
    /// `bootnodes` are multiaddresses (`/ip4/…/tcp/…/p2p/…`); where there is none, the
    /// specification's own are used.
    ///
    /// # Errors
    /// [`ChainViewError::Spec`] for a specification or address that cannot be used. That no node is
    /// reachable is no error here: [`FinalizedBlocks::next`] says so.
    pub async fn start(spec_json: &str, bootnodes: &[String]) -> Result<Self, ChainViewError> {
        let mut config = ChainConfig::chain_spec(spec_json);
        if !bootnodes.is_empty() {
            config = config
                .set_bootnodes(bootnodes)
                .map_err(|error| ChainViewError::Spec(error.to_string()))?;
        }
        let (light_client, rpc) = LightClient::relay_chain(config)
            .map_err(|error| ChainViewError::Spec(error.to_string()))?;
        let rpc = RpcClient::from(rpc);
        let backend = CombinedBackend::builder()
            .build_with_background_driver(rpc.clone())
            .await
            .map_err(light_client_error)?;
        let backend = Arc::new(backend);
        let api = OnlineClient::<SubstrateConfig>::from_backend(backend.clone())
            .await
            .map_err(light_client_error)?;
        Ok(Self { api, node: Node { backend, rpc }, _light_client: light_client })
    }

    /// Which network this is.
    pub fn genesis(&self) -> GenesisHash {
        GenesisHash(self.api.genesis_hash().0)
    }

    /// The final blocks, from the newest on.
    ///
    /// # Errors
    /// When the light client refuses the subscription.
    pub async fn blocks(&self) -> Result<FinalizedBlocks, ChainViewError> {
        let blocks = self.api.stream_blocks().await.map_err(light_client_error)?;
        Ok(FinalizedBlocks { blocks, node: self.node.clone() })
    }
}

/// A stream of final blocks.
pub struct FinalizedBlocks {
    blocks: Blocks<SubstrateConfig>,
    node: Node,
}

impl FinalizedBlocks {
    /// The next final block. Where several wait, the newest: the chain's state is what matters.
    ///
    /// # Errors
    /// [`ChainViewError::Stalled`] after `patience`; the stream can still be asked again, but a light
    /// client that has failed inside never says so: a new one is the remedy for that.
    pub async fn next(&mut self, patience: Duration) -> Result<FinalizedBlock, ChainViewError> {
        use futures::FutureExt;
        let waited = tokio::time::timeout(patience, self.blocks.next())
            .await
            .map_err(|_| ChainViewError::Stalled(patience))?;
        let mut newest: Block<SubstrateConfig> = waited
            .ok_or_else(|| light_client_error("the stream of blocks has ended"))?
            .map_err(light_client_error)?;
        while let Some(Some(later)) = self.blocks.next().now_or_never() {
            newest = later.map_err(light_client_error)?;
        }
        Ok(FinalizedBlock { block: newest, node: self.node.clone() })
    }
}

/// One final block; its state can be read while this value lives.
///
/// Reads need no metadata: keys and layouts are [`chain_facts`]' own. Only a submission asks the runtime
/// for its metadata, which costs the light client a run of it.
#[derive(Clone)]
pub struct FinalizedBlock {
    block: Block<SubstrateConfig>,
    node: Node,
}

impl FinalizedBlock {
    /// Its number.
    pub fn number(&self) -> BlockNumber {
        self.block.number() as BlockNumber
    }

    /// Its hash.
    pub fn hash(&self) -> BlockHash {
        BlockHash(self.block.hash().0)
    }

    /// The block with its metadata, for building transactions.
    async fn at(&self) -> Result<OnlineClientAtBlock<SubstrateConfig>, ChainViewError> {
        self.block.at().await.map_err(light_client_error)
    }

    /// The facts that a worker watches, each proven against this block's state root.
    ///
    /// # Errors
    /// When the light client gives no answer, or the chain holds what this worker cannot read.
    pub async fn view(&self, watch: &Watch) -> Result<FinalizedView, ChainViewError> {
        tokio::time::timeout(READ_TIMEOUT, read::view(self, watch))
            .await
            .map_err(|_| ChainViewError::Timeout(READ_TIMEOUT))?
    }
}

impl From<UnknownFormat> for ChainViewError {
    fn from(UnknownFormat { what }: UnknownFormat) -> Self {
        Self::UnknownFormat { what }
    }
}

impl StorageReader for FinalizedBlock {
    type Error = ChainViewError;

    fn number(&self) -> BlockNumber {
        self.number()
    }

    fn hash(&self) -> BlockHash {
        self.hash()
    }

    async fn value(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>, ChainViewError> {
        let backend: &dyn Backend<SubstrateConfig> = &*self.node.backend;
        let fetch = async {
            let mut values = backend.storage_fetch_values(vec![key], self.block.hash()).await?;
            let found = values.next().await.transpose()?;
            Ok::<_, BackendError>(found.map(|found| found.value))
        };
        fetch.await.map_err(light_client_error)
    }
}
