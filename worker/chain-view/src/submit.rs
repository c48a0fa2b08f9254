//! Submission: a worker's own messages, which are free, and its registration, which the operator pays.

use crate::{ChainViewError, FinalizedBlock};
use attestation::Evidence;
use codec::Encode;
use scale_encode::{EncodeAsFields, Error as EncodeError, FieldIter, TypeResolver};
use std::str::FromStr;
use subxt::{
    config::{RpcConfigFor, substrate::SubstrateConfig},
    rpcs::methods::legacy::LegacyRpcMethods,
    tx::StaticPayload,
};
use subxt_signer::{SecretUri, sr25519::Keypair};
use threshold_keys::WrongShare;
use wire::{
    message::SignedMessage,
    registration::{WorkerEndpointPayload, WorkerRegistration},
};

/// The account that pays for a worker's registration. It is held by the operator's host, not by the
/// TEE: it can spend its own balance and nothing else.
pub struct OperatorKey(Keypair);

impl OperatorKey {
    /// Reads a secret URI: a phrase, `//Name` on a development network, or `0x` and a seed.
    ///
    /// # Errors
    /// When the text is none of these. The text is not repeated in the error.
    pub fn from_uri(text: &str) -> Result<Self, ChainViewError> {
        let uri = SecretUri::from_str(text.trim()).map_err(|_| {
            ChainViewError::OperatorKey("not a phrase, //Name or 0x-seed".to_owned())
        })?;
        let pair = Keypair::from_uri(&uri)
            .map_err(|error| ChainViewError::OperatorKey(error.to_string()))?;
        Ok(Self(pair))
    }

    /// The account.
    pub fn account(&self) -> primitives::AccountId {
        primitives::AccountId(self.0.public_key().0)
    }

    /// Signs as the operator. What is signed is always a domain-separated hash.
    pub fn sign(&self, hash: &[u8; 32]) -> [u8; 64] {
        self.0.sign(hash).0
    }
}

/// Arguments that are SCALE already. The pallets take the very types of `wire`, so there is nothing to
/// convert; a runtime whose layout differs refuses the transaction.
struct Arguments(Vec<u8>);

impl EncodeAsFields for Arguments {
    fn encode_as_fields_to<R: TypeResolver>(
        &self,
        _fields: &mut dyn FieldIter<'_, R::TypeId>,
        _types: &R,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        out.extend_from_slice(&self.0);
        Ok(())
    }
}

fn call(pallet: &'static str, name: &'static str, arguments: Vec<u8>) -> StaticPayload<Arguments> {
    StaticPayload::new(pallet, name, Arguments(arguments)).unvalidated()
}

fn refused(error: impl std::fmt::Display) -> ChainViewError {
    ChainViewError::Refused(error.to_string())
}

impl FinalizedBlock {
    /// Hands a worker's message to the network. Success means that a node was told, not that a block
    /// has it.
    ///
    /// # Errors
    /// [`ChainViewError::Refused`].
    pub async fn submit_message(&self, message: &SignedMessage) -> Result<(), ChainViewError> {
        let payload = call("PhalaMq", "sync_offchain_message", message.encode());
        let transaction = self.at().await?.tx().create_v4_unsigned(&payload).map_err(refused)?;
        // Without a watcher: a message is submitted with each block until the chain has it, and the
        // light client's thread dies when several watchers of one transaction have left it
        // (smoldot-light 1.3.2, `PendingTransaction::update_status`).
        LegacyRpcMethods::<RpcConfigFor<SubstrateConfig>>::new(self.node.rpc.clone())
            .author_submit_extrinsic(transaction.encoded())
            .await
            .map(|_hash| ())
            .map_err(refused)
    }

    /// Registers a worker, paid by the operator; waits until a block has it.
    ///
    /// # Errors
    /// [`ChainViewError::Refused`] with the pallet's error.
    pub async fn register(
        &self,
        operator: &OperatorKey,
        registration: &WorkerRegistration,
        evidence: &Evidence,
    ) -> Result<(), ChainViewError> {
        let arguments = (registration, evidence).encode();
        self.signed(operator, call("PhalaRegistry", "register_worker_v2", arguments)).await
    }

    /// Announces a worker's endpoints, paid by the operator; waits until a block has it.
    ///
    /// # Errors
    /// [`ChainViewError::Refused`] with the pallet's error.
    pub async fn announce(
        &self,
        operator: &OperatorKey,
        payload: &WorkerEndpointPayload,
        signature: &[u8; 64],
    ) -> Result<(), ChainViewError> {
        let arguments = (payload, signature).encode();
        self.signed(operator, call("PhalaRegistry", "update_worker_endpoint", arguments)).await
    }

    /// Reports a gatekeeper that signed a wrong share, paid by the operator; waits until a block has
    /// it.
    ///
    /// # Errors
    /// [`ChainViewError::Refused`] with the pallet's error.
    pub async fn report_wrong_share(
        &self,
        operator: &OperatorKey,
        evidence: &WrongShare,
    ) -> Result<(), ChainViewError> {
        // The pallet takes one of several kinds of evidence: this is the first.
        let arguments = (0u8, evidence).encode();
        self.signed(operator, call("PhalaGatekeepers", "report_misbehaviour", arguments)).await
    }

    async fn signed(
        &self,
        operator: &OperatorKey,
        payload: StaticPayload<Arguments>,
    ) -> Result<(), ChainViewError> {
        let at = self.at().await?;
        let mut progress = at
            .tx()
            .sign_and_submit_then_watch_default(&payload, &operator.0)
            .await
            .map_err(refused)?;
        while let Some(status) = progress.next().await {
            use subxt::tx::TransactionStatus::*;
            match status.map_err(refused)? {
                InBestBlock(block) | InFinalizedBlock(block) => {
                    return block.wait_for_success().await.map(|_| ()).map_err(refused);
                }
                Error { message } | Invalid { message } | Dropped { message } => {
                    return Err(ChainViewError::Refused(message));
                }
                _ => {}
            }
        }
        Err(refused("the transaction was lost"))
    }
}
