//! The RPC methods beside those that every Substrate node has.

use crate::service::{FullBackend, FullClient};
use jsonrpsee::{
    RpcModule,
    core::{RpcResult, async_trait},
    proc_macros::rpc,
    types::ErrorObjectOwned,
};
use polkadot_sdk::{
    pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer},
    sc_consensus_grandpa::{
        FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
    },
    sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer},
    sc_network_sync::strategy::warp::WarpSyncProvider,
    sc_rpc::SubscriptionTaskExecutor,
    sc_transaction_pool::TransactionPoolHandle,
    sp_blockchain::HeaderBackend,
    sp_core::{Bytes, H256},
    substrate_frame_rpc_system::{System, SystemApiServer},
};
use runtime::{BlockNumber, Hash, opaque::Block};
use std::sync::Arc;

/// Code of an error that `phat_warpProof` gives: the block is unknown, not final, or no proof from it
/// can be made.
const WARP_PROOF_ERROR: i32 = 7001;

/// Methods for clients that verify finality themselves.
#[rpc(server)]
pub trait Phat {
    /// A proof that leads from the authority set of a final block (genesis by default) to the newest
    /// final block: SCALE of GRANDPA's `WarpSyncProof`, the same as nodes give to each other. When it
    /// is not complete, ask again from its last block.
    #[method(name = "phat_warpProof", blocking)]
    fn warp_proof(&self, from: Option<H256>) -> RpcResult<Bytes>;
}

/// Answers [`Phat`].
pub struct PhatRpc {
    /// Knows genesis.
    pub client: Arc<FullClient>,
    /// Makes the proofs.
    pub warp: Arc<dyn WarpSyncProvider<Block>>,
}

#[async_trait]
impl PhatServer for PhatRpc {
    fn warp_proof(&self, from: Option<H256>) -> RpcResult<Bytes> {
        let from = from.unwrap_or_else(|| self.client.info().genesis_hash);
        self.warp
            .generate(from)
            .map(|proof| Bytes(proof.0))
            .map_err(|error| {
                ErrorObjectOwned::owned(
                    WARP_PROOF_ERROR,
                    format!("no proof can be made from {from:?}: {error}; give a final block"),
                    None::<()>,
                )
            })
    }
}

/// What the methods work on.
pub struct Parts {
    /// The chain.
    pub client: Arc<FullClient>,
    /// Its storage.
    pub backend: Arc<FullBackend>,
    /// Waiting transactions.
    pub pool: Arc<TransactionPoolHandle<Block, FullClient>>,
    /// Who finalizes.
    pub authority_set: SharedAuthoritySet<Hash, BlockNumber>,
    /// How far they are.
    pub voter_state: SharedVoterState,
    /// What they signed.
    pub justifications: GrandpaJustificationStream<Block>,
    /// Proofs of it.
    pub warp: Arc<dyn WarpSyncProvider<Block>>,
}

/// All methods beside those of `sc-rpc`.
///
/// # Errors
/// When two methods have one name.
pub fn create(
    parts: &Parts,
    executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
    let mut module = RpcModule::new(());
    module.merge(System::new(parts.client.clone(), parts.pool.clone()).into_rpc())?;
    module.merge(TransactionPayment::new(parts.client.clone()).into_rpc())?;
    let finality = FinalityProofProvider::new_for_service(
        parts.backend.clone(),
        Some(parts.authority_set.clone()),
    );
    module.merge(
        Grandpa::new(
            executor,
            parts.authority_set.clone(),
            parts.voter_state.clone(),
            parts.justifications.clone(),
            finality,
        )
        .into_rpc(),
    )?;
    module.merge(
        PhatRpc {
            client: parts.client.clone(),
            warp: parts.warp.clone(),
        }
        .into_rpc(),
    )?;
    Ok(module)
}
