//! Transactions: signed, submitted, followed into a block.

use crate::{Account, Chain, ChainError};
use attestation::Evidence;
use chain_facts::{WorkerOffer, WorkerPlace};
use codec::{Compact, Encode};
use primitives::{
    AccountId, Balance, BlockHash, BlockNumber, ClusterId, CodeHash, ContractId, Measurement, WorkerId,
};
use scale_encode::{EncodeAsFields, FieldIter, TypeResolver};
use subxt::{
    config::{DefaultExtrinsicParamsBuilder, substrate::SubstrateConfig},
    tx::{StaticPayload, TransactionStatus},
};
use threshold_keys::{
    Complaint, Dealing, EvaluationShare, PlanDigest, ReceivingKey, SharingId,
};
use wire::{limits::ClusterLimits, registration::WorkerRegistration};

/// Arguments that are SCALE already: the pallets take the types of `wire` and `primitives`.
#[derive(Clone)]
struct Arguments(Vec<u8>);

impl EncodeAsFields for Arguments {
    fn encode_as_fields_to<R: TypeResolver>(
        &self,
        _fields: &mut dyn FieldIter<'_, R::TypeId>,
        _types: &R,
        out: &mut Vec<u8>,
    ) -> Result<(), scale_encode::Error> {
        out.extend_from_slice(&self.0);
        Ok(())
    }
}

/// A call of a pallet.
#[derive(Clone)]
pub struct Transaction {
    pallet: &'static str,
    call: &'static str,
    arguments: Vec<u8>,
}

/// A transaction that a block has.
pub struct Included {
    /// The block. Not final unless it was waited for.
    pub block: BlockHash,
    /// Pallet, event and SCALE fields of what this transaction caused.
    events: Vec<(String, String, Vec<u8>)>,
}

impl Included {
    fn fields(&self, pallet: &str, event: &str) -> impl Iterator<Item = &[u8]> {
        self.events
            .iter()
            .filter(move |(of, name, _)| of == pallet && name == event)
            .map(|(_, _, fields)| fields.as_slice())
    }

    /// The number that the first such event begins with.
    pub(crate) fn first_u32(&self, pallet: &str, event: &str) -> Option<u32> {
        let bytes = self.fields(pallet, event).next()?.get(..4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// The mailbox numbers that this transaction's entries got, in order.
    ///
    /// # Errors
    /// When the events cannot be decoded.
    pub fn mailbox_numbers(&self) -> Result<Vec<(ClusterId, u64)>, ChainError> {
        self.fields("PhalaMq", "EntryPushed")
            .map(|bytes| wire::decode_all(bytes, 1024).map_err(ChainError::format("event")))
            .collect()
    }

    /// The number of the pool that this transaction made.
    ///
    /// # Errors
    /// When the event cannot be decoded.
    pub fn pool_created(&self) -> Result<Option<u64>, ChainError> {
        let made = self.fields("PhalaStakePoolv2", "PoolCreated").next();
        made.map(|bytes| {
            let read: (AccountId, u64, AccountId, bool) =
                wire::decode_all(bytes, 1024).map_err(ChainError::format("event"))?;
            Ok(read.1)
        })
        .transpose()
    }
}

impl Transaction {
    pub(crate) fn new(pallet: &'static str, call: &'static str, arguments: impl Encode) -> Self {
        Self { pallet, call, arguments: arguments.encode() }
    }

    /// A call whose bytes are there, with the two that say which call it is.
    pub(crate) fn encoded(pallet: &'static str, call: &'static str, bytes: &[u8]) -> Self {
        Self { pallet, call, arguments: bytes.get(2..).unwrap_or_default().to_vec() }
    }

    /// Uploads contract code to a cluster.
    pub fn upload_code(cluster: ClusterId, code: &[u8]) -> Self {
        // Resource type 0 is ink! code.
        Self::new("PhalaPhatContracts", "cluster_upload_resource", (cluster, 0u8, code))
    }

    /// Instantiates a contract. `gas_limit` 0 is the cluster's maximum.
    pub fn instantiate(
        code_hash: CodeHash,
        input: &[u8],
        salt: &[u8],
        cluster: ClusterId,
        gas_limit: u64,
    ) -> Self {
        // Code index 0 is a hash of wasm code; then transfer, gas, deposit limit, deposit.
        Self::new(
            "PhalaPhatContracts",
            "instantiate_contract",
            ((0u8, code_hash), input, salt, cluster, 0u128, gas_limit, None::<Balance>, 0u128),
        )
    }

    /// Sends a command, sealed or not, to a contract.
    pub fn command(contract: ContractId, payload: &wire::command::CommandPayload) -> Self {
        let arguments = (contract, payload.encode(), 0u128);
        Self::new("PhalaPhatContracts", "push_contract_message", arguments)
    }

    /// Moves PHA into a cluster, to an account there.
    pub fn transfer_to_cluster(amount: Balance, cluster: ClusterId, to: AccountId) -> Self {
        Self::new("PhalaPhatContracts", "transfer_to_cluster", (amount, cluster, to))
    }

    /// Sets what the sender has staked to a contract, in all; 0 takes it back.
    pub fn adjust_stake(contract: ContractId, amount: Balance) -> Self {
        Self::new("PhalaPhatTokenomic", "adjust_stake", (contract, Compact(amount)))
    }

    /// Moves PHA between accounts of the chain.
    pub fn transfer(to: AccountId, amount: Balance) -> Self {
        // MultiAddress::Id, and a compact amount.
        let arguments = (0u8, to, Compact(amount));
        Self::new("Balances", "transfer_keep_alive", arguments)
    }

    /// Allows a worker build. Needs the superuser of a development network.
    pub fn allow_measurement(measurement: Measurement) -> Self {
        Self::new("PhalaRegistry", "allow_measurement", measurement)
    }

    /// Withdraws a worker build. Needs the superuser of a development network.
    pub fn disallow_measurement(measurement: Measurement) -> Self {
        Self::new("PhalaRegistry", "disallow_measurement", measurement)
    }

    /// Registers a worker on evidence. Anybody may submit it; the chain judges the evidence.
    pub fn register_worker(registration: &WorkerRegistration, evidence: &Evidence) -> Self {
        Self::new("PhalaRegistry", "register_worker_v2", (registration, evidence))
    }

    /// Makes a registered worker a gatekeeper. Needs the superuser of a development network.
    pub fn register_gatekeeper(worker: WorkerId) -> Self {
        Self::new("PhalaRegistry", "register_gatekeeper", worker)
    }

    /// Makes a cluster that anybody may deploy to. Needs the superuser of a development network.
    pub fn add_public_cluster(owner: AccountId, workers: &[WorkerId], prices: [Balance; 3]) -> Self {
        let [gas_price, deposit_per_item, deposit_per_byte] = prices;
        // Permission 0 is public; the least deposit, so that the cluster's account takes even smaller ones;
        // fees go to the owner's account in the cluster.
        let arguments = (
            owner,
            0u8,
            workers,
            primitives::units::EXISTENTIAL_DEPOSIT,
            gas_price,
            deposit_per_item,
            deposit_per_byte,
            owner,
        );
        Self::new("PhalaPhatContracts", "add_cluster", arguments)
    }

    /// Sets what the contracts of a cluster may use. By the cluster's owner.
    pub fn set_cluster_limits(cluster: ClusterId, limits: &ClusterLimits) -> Self {
        Self::new("PhalaPhatContracts", "set_cluster_limits", (cluster, limits))
    }

    /// Lets a cluster's contracts hear of the end of every so many'th block, or of none. By the
    /// cluster's owner.
    pub fn set_block_hooks(cluster: ClusterId, every: Option<BlockNumber>) -> Self {
        Self::new("PhalaPhatContracts", "set_block_hooks", (cluster, every))
    }

    /// Begins to rotate a cluster's keys. Once its workers have the new ones, commands to those before
    /// open for `window_blocks` more blocks; `None` for the chain's default. By the cluster's owner; by
    /// anybody where a worker has the keys whose build is not allowed any more.
    pub fn rotate_cluster_keys(cluster: ClusterId, window_blocks: Option<BlockNumber>) -> Self {
        Self::new("PhalaPhatContracts", "rotate_cluster_keys", (cluster, window_blocks))
    }

    /// Lets clients of the original network ask the contracts of a cluster and command them in their
    /// format, or not. By the cluster's owner.
    pub fn set_compatible_edge(cluster: ClusterId, open: bool) -> Self {
        Self::new("PhalaPhatContracts", "set_compatible_edge", (cluster, open))
    }

    /// Takes a worker into a cluster. By the cluster's owner, where the worker's operator offers it, or by
    /// root.
    pub fn add_worker_to_cluster(cluster: ClusterId, worker: WorkerId) -> Self {
        Self::new("PhalaPhatContracts", "add_worker_to_cluster", (worker, cluster))
    }

    /// Takes a worker out of a cluster. By the cluster's owner.
    pub fn remove_worker_from_cluster(cluster: ClusterId, worker: WorkerId) -> Self {
        Self::new("PhalaPhatContracts", "remove_worker_from_cluster", (worker, cluster))
    }

    /// Says which cluster's owner may take a worker in. By the account that operates it.
    pub fn offer_worker(worker: WorkerId, offer: WorkerOffer) -> Self {
        Self::new("PhalaPhatContracts", "offer_worker", (worker, offer))
    }

    /// Takes a worker out of its cluster. By the account that operates it.
    pub fn leave_cluster(worker: WorkerId) -> Self {
        Self::new("PhalaPhatContracts", "leave_cluster", worker)
    }

    /// Says who are the members of the DAO that hold shares of the network's key, and how many of them it
    /// takes. By root.
    pub fn set_members(members: &[AccountId], threshold: u8) -> Self {
        Self::new("PhalaGatekeepers", "set_members", (members, threshold))
    }

    /// Begins the ceremony in which gatekeepers deal to the members. By root.
    pub fn deal_to_members() -> Self {
        Self::new("PhalaGatekeepers", "deal_to_members", ())
    }

    /// Begins the ceremony in which members deal to the active gatekeepers. By root.
    pub fn recover_from_members() -> Self {
        Self::new("PhalaGatekeepers", "recover_from_members", ())
    }

    /// A member's key to receive with in a ceremony.
    pub fn member_receiving_key(target: SharingId, key: &ReceivingKey) -> Self {
        Self::new("PhalaGatekeepers", "member_receiving_key", (target, key))
    }

    /// A member's dealing.
    pub fn member_deal(plan: PlanDigest, dealing: &Dealing) -> Self {
        Self::new("PhalaGatekeepers", "member_deal", (plan, dealing))
    }

    /// A member's complaint about a wrong share.
    pub fn member_complain(plan: PlanDigest, complaint: &Complaint) -> Self {
        Self::new("PhalaGatekeepers", "member_complain", (plan, complaint))
    }

    /// A member has its share, which this evaluation shows.
    pub fn member_handover(plan: PlanDigest, share: &EvaluationShare) -> Self {
        Self::new("PhalaGatekeepers", "member_handover", (plan, share))
    }

    /// Dismisses a gatekeeper. By root.
    pub fn unregister_gatekeeper(gatekeeper: WorkerId) -> Self {
        Self::new("PhalaRegistry", "unregister_gatekeeper", gatekeeper)
    }

    /// Replaces the runtime by another with a higher version. Needs the superuser of a development network.
    pub fn set_code(wasm: &[u8]) -> Self {
        Self::new("System", "set_code", wasm)
    }

    /// Declares where a worker stands, or takes that back. By the account that operates it.
    pub fn declare_worker_place(worker: WorkerId, place: Option<&WorkerPlace>) -> Self {
        Self::new("PhalaRegistry", "declare_worker_place", (worker, place))
    }

    /// Several calls, all or none.
    ///
    /// # Errors
    /// When the runtime has no such call.
    pub async fn batch(calls: &[Self], chain: &Chain) -> Result<Self, ChainError> {
        let mut arguments = Compact(calls.len() as u32).encode();
        for call in calls {
            arguments.extend(chain.call_data(&call.payload()).await?);
        }
        Ok(Self { pallet: "Utility", call: "batch_all", arguments })
    }

    /// The same call, as the superuser of a development network.
    ///
    /// # Errors
    /// When the runtime has no such call.
    pub async fn as_superuser(&self, chain: &Chain) -> Result<Self, ChainError> {
        let arguments = chain.call_data(&self.payload()).await?;
        Ok(Self { pallet: "Sudo", call: "sudo", arguments })
    }

    pub(crate) fn payload(&self) -> StaticPayload<impl EncodeAsFields + use<>> {
        StaticPayload::new(self.pallet, self.call, Arguments(self.arguments.clone())).unvalidated()
    }
}

impl Chain {
    /// Submits and waits until a block has it.
    ///
    /// # Errors
    /// When the chain refuses it, with the pallet's reason.
    pub async fn submit(
        &self,
        account: &Account,
        transaction: &Transaction,
    ) -> Result<Included, ChainError> {
        self.follow(account, transaction, false).await
    }

    /// Submits and waits until a final block has it.
    ///
    /// # Errors
    /// As [`Chain::submit`].
    pub async fn submit_final(
        &self,
        account: &Account,
        transaction: &Transaction,
    ) -> Result<Included, ChainError> {
        self.follow(account, transaction, true).await
    }

    async fn follow(
        &self,
        account: &Account,
        transaction: &Transaction,
        until_final: bool,
    ) -> Result<Included, ChainError> {
        // Subxt would take the number from the last final block, which has not the account's newest
        // transactions yet: a second one soon after the first would be refused as outdated.
        let nonce = self.next_nonce(&account.id()).await?;
        let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new().nonce(nonce).build();
        let at = self.current().await?;
        let mut progress = at
            .tx()
            .sign_and_submit_then_watch(&transaction.payload(), account, params)
            .await
            .map_err(ChainError::refused)?;
        while let Some(status) = progress.next().await {
            let block = match status.map_err(ChainError::refused)? {
                TransactionStatus::InBestBlock(block) if !until_final => block,
                TransactionStatus::InFinalizedBlock(block) => block,
                TransactionStatus::Error { message }
                | TransactionStatus::Invalid { message }
                | TransactionStatus::Dropped { message } => {
                    return Err(ChainError::refused(message));
                }
                _ => continue,
            };
            let own = block.wait_for_success().await.map_err(ChainError::refused)?;
            let mut events = Vec::new();
            for event in own.iter() {
                let event = event.map_err(ChainError::node)?;
                events.push((
                    event.pallet_name().to_owned(),
                    event.event_name().to_owned(),
                    event.field_bytes().to_vec(),
                ));
            }
            let included = Included { block: BlockHash(block.block_hash().0), events };
            // A superuser's call may fail inside a transaction that succeeds.
            if let Some([1, error @ ..]) = included.fields("Sudo", "Sudid").next() {
                let error = hex::encode(error);
                return Err(ChainError::Refused(format!("dispatch error 0x{error}")));
            }
            return Ok(included);
        }
        Err(ChainError::Refused("the transaction was lost".to_owned()))
    }
}
