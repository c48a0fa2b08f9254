//! The chain, through a node that is not trusted.

use chain_facts::{ClusterInfo, ContractRecord, WorkerInfo, keys};
use chain_proof::{FinalizedState, UntrustedProof};
use codec::{Compact, Decode, Encode};
use primitives::{
    AccountId, BlockNumber, ClusterId, ContractId, GenesisHash, HpkePublicKey, WorkerId, bounds,
};
use scale_encode::EncodeAsFields;
use std::sync::Arc;
use subxt::{
    OnlineClient, client::OnlineClientAtBlock, config::substrate::SubstrateConfig,
    error::StorageError, tx::StaticPayload,
};
use subxt_rpcs::{RpcClient, client::RpcParams};
use tokio::sync::OnceCell;
use wire::{DecodeError, registration::VersionedWorkerEndpoints};

/// What goes wrong between a client and the chain.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// No node at this address.
    #[error("no node answers at {url}: {reason}")]
    Unreachable {
        /// The address.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The node is on another network.
    #[error("the node is on network {found}, not on {expected}")]
    AnotherNetwork {
        /// What was asked for.
        expected: GenesisHash,
        /// What the node has.
        found: GenesisHash,
    },
    /// The node's proof does not hold.
    #[error("the node's proof does not hold: {0}")]
    Proof(#[from] chain_proof::ProofError),
    /// A value is not of the kind this client knows.
    #[error("the chain's {what} is not of the kind this client knows ({reason}); the client is too old or too new for the chain")]
    Format {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        reason: DecodeError,
    },
    /// A value is not as the runtime's metadata says, or says what this client does not know.
    #[error("the chain's {what} cannot be read: {reason}; the client is too old or too new for the chain")]
    Unreadable {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A call that cannot be made of what was typed.
    #[error("{0}")]
    Call(String),
    /// The chain refuses a transaction.
    #[error("the chain refuses the transaction: {0}")]
    Refused(String),
    /// The node fails.
    #[error("the node reports: {0}")]
    Node(String),
    /// There is no such thing on chain.
    #[error("there is no {0} on this network")]
    NotFound(String),
}

impl ChainError {
    pub(crate) fn node(error: impl std::fmt::Display) -> Self {
        Self::Node(error.to_string())
    }

    pub(crate) fn refused(error: impl std::fmt::Display) -> Self {
        Self::Refused(crate::remedy::with_remedy(error.to_string()))
    }

    pub(crate) fn format(what: &'static str) -> impl FnOnce(DecodeError) -> Self {
        move |reason| Self::Format { what, reason }
    }
}

/// The end of a warp proof after which another is to be asked for.
const UNFINISHED: u8 = 0;

/// A final state of the chain with what was read of it, proven from genesis.
pub struct Proven {
    /// The state it proves.
    pub state: FinalizedState,
}

impl Proven {
    /// A value, proven present or absent.
    ///
    /// # Errors
    /// When the proof does not cover the key, or the value is of another kind.
    pub fn read<T: Decode>(&self, what: &'static str, key: &[u8]) -> Result<Option<T>, ChainError> {
        self.state
            .read(key)?
            .map(|bytes| {
                wire::decode_all(&bytes, bounds::CODE_BYTES_MAX).map_err(ChainError::format(what))
            })
            .transpose()
    }
}

/// A worker as the chain knows it, and where it says it can be reached.
#[derive(Clone, Debug)]
pub struct WorkerRecord {
    /// Its registration.
    pub info: WorkerInfo,
    /// Its URLs.
    pub endpoints: Vec<String>,
}

/// A connection to a node. A clone is the same connection.
#[derive(Clone)]
pub struct Chain {
    api: OnlineClient<SubstrateConfig>,
    rpc: RpcClient,
    genesis: GenesisHash,
    /// What all proofs begin with: the first block's header, and its authorities with their proof.
    beginning: Arc<OnceCell<Beginning>>,
}

struct Beginning {
    header: Vec<u8>,
    authorities_proof: Vec<Vec<u8>>,
}

impl Chain {
    /// Connects. With `expected`, only to that network; without, to whatever network the node is on:
    /// proofs then show that values belong to that network, not that it is the one you mean.
    ///
    /// # Errors
    /// When no node answers or it is on another network.
    pub async fn connect(url: &str, expected: Option<GenesisHash>) -> Result<Self, ChainError> {
        let unreachable = |reason: String| ChainError::Unreachable { url: url.to_owned(), reason };
        let rpc = RpcClient::from_insecure_url(url)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let api = OnlineClient::<SubstrateConfig>::from_rpc_client(rpc.clone())
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let genesis = GenesisHash(api.genesis_hash().0);
        match expected {
            Some(expected) if expected != genesis => {
                Err(ChainError::AnotherNetwork { expected, found: genesis })
            }
            _ => Ok(Self { api, rpc, genesis, beginning: Arc::default() }),
        }
    }

    /// Which network this is.
    pub fn genesis(&self) -> GenesisHash {
        self.genesis
    }

    pub(crate) async fn current(
        &self,
    ) -> Result<OnlineClientAtBlock<SubstrateConfig>, ChainError> {
        self.api.at_current_block().await.map_err(ChainError::node)
    }

    pub(crate) async fn call_data<D: EncodeAsFields>(
        &self,
        payload: &StaticPayload<D>,
    ) -> Result<Vec<u8>, ChainError> {
        self.current().await?.tx().call_data(payload).map_err(ChainError::refused)
    }

    /// The number of the newest final block, by the node's word.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn final_number(&self) -> Result<BlockNumber, ChainError> {
        Ok(self.current().await?.block_number() as BlockNumber)
    }

    /// A value at the newest final block, by the node's word: for progress and lists, not for trust.
    ///
    /// # Errors
    /// When the node fails or the value is of another kind.
    pub async fn unproven<T: Decode>(
        &self,
        what: &'static str,
        key: Vec<u8>,
    ) -> Result<Option<T>, ChainError> {
        match self.current().await?.storage().fetch_raw(key).await {
            Ok(bytes) => wire::decode_all(&bytes, bounds::CODE_BYTES_MAX)
                .map(Some)
                .map_err(ChainError::format(what)),
            Err(StorageError::NoValueFound) => Ok(None),
            Err(error) => Err(ChainError::node(error)),
        }
    }

    /// A value at the newest final block, by the node's word; what the runtime takes for it where none is set.
    pub(crate) async fn or_default<T: Decode>(
        &self,
        what: &'static str,
        (pallet, item): (&str, &str),
        key: Vec<u8>,
    ) -> Result<T, ChainError> {
        if let Some(value) = self.unproven(what, key).await? {
            return Ok(value);
        }
        let at = self.current().await?;
        let bytes = at
            .metadata_ref()
            .pallet_by_name(pallet)
            .and_then(|pallet| pallet.storage())
            .and_then(|storage| storage.entry_by_name(item))
            .and_then(|entry| entry.default_value())
            .ok_or_else(|| ChainError::NotFound(format!("{what}: it has no mining")))?;
        wire::decode_all(bytes, bounds::CODE_BYTES_MAX).map_err(ChainError::format(what))
    }

    pub(crate) async fn call<T: serde_core::de::DeserializeOwned>(
        &self,
        method: &str,
        params: RpcParams,
    ) -> Result<T, ChainError> {
        self.rpc.request(method, params).await.map_err(ChainError::node)
    }

    /// Reads `keys` at a recent final block, proven from genesis.
    ///
    /// # Errors
    /// When the node fails or its proof does not hold.
    pub async fn proven(&self, keys: &[Vec<u8>]) -> Result<Proven, ChainError> {
        let genesis = self.genesis.to_hex();
        let mut warp_proof = self.bytes("phat_warpProof", [genesis.clone()]).await?;
        let beginning = self
            .beginning
            .get_or_try_init(async || {
                let authorities = chain_proof::storage_key::grandpa_authorities();
                Ok::<_, ChainError>(Beginning {
                    header: self.header(&genesis).await?,
                    authorities_proof: self.read_proof(&[authorities], &genesis).await?,
                })
            })
            .await?;
        let mut state = chain_proof::verify(
            &self.genesis,
            &UntrustedProof {
                genesis_authorities_proof: beginning.authorities_proof.clone(),
                genesis_header: beginning.header.clone(),
                warp_proof: warp_proof.clone(),
                storage_proof: Vec::new(),
            },
        )?;
        // A long history comes in parts. Each takes it on, or it is no proof; so this ends.
        while warp_proof.last() == Some(&UNFINISHED) {
            warp_proof = self.bytes("phat_warpProof", [state.hash().to_hex()]).await?;
            let set = state.authority_set().clone();
            state = chain_proof::verify_from(state.number(), &set, &warp_proof, &[])?;
        }
        let nodes = self.read_proof(keys, &state.hash().to_hex()).await?;
        Ok(Proven { state: state.with_nodes(&nodes)? })
    }

    pub(crate) async fn bytes<const N: usize>(
        &self,
        method: &str,
        params: [String; N],
    ) -> Result<Vec<u8>, ChainError> {
        let mut list = RpcParams::new();
        for param in params {
            list.push(param).map_err(ChainError::node)?;
        }
        let text: String = self.call(method, list).await?;
        hex::decode(text.trim_start_matches("0x")).map_err(ChainError::node)
    }

    pub(crate) async fn read_proof(
        &self,
        keys: &[Vec<u8>],
        at: &str,
    ) -> Result<Vec<Vec<u8>>, ChainError> {
        #[derive(serde::Deserialize)]
        struct ReadProof {
            proof: Vec<String>,
        }
        let keys: Vec<String> = keys.iter().map(|key| format!("0x{}", hex::encode(key))).collect();
        let mut params = RpcParams::new();
        params.push(keys).map_err(ChainError::node)?;
        params.push(at).map_err(ChainError::node)?;
        let answer: ReadProof = self.call("state_getReadProof", params).await?;
        answer
            .proof
            .iter()
            .map(|node| hex::decode(node.trim_start_matches("0x")).map_err(ChainError::node))
            .collect()
    }

    /// A value in the state after a block, by the node's word.
    pub(crate) async fn value_at(
        &self,
        key: &[u8],
        at: &str,
    ) -> Result<Option<Vec<u8>>, ChainError> {
        let mut params = RpcParams::new();
        params.push(format!("0x{}", hex::encode(key))).map_err(ChainError::node)?;
        params.push(at).map_err(ChainError::node)?;
        let value: Option<String> = self.call("state_getStorage", params).await?;
        value
            .map(|text| hex::decode(text.trim_start_matches("0x")).map_err(ChainError::node))
            .transpose()
    }

    /// A block's header, SCALE. Its hash shows whether the node told the truth.
    pub(crate) async fn header(&self, hash: &str) -> Result<Vec<u8>, ChainError> {
        #[derive(serde::Deserialize)]
        struct Digest {
            logs: Vec<String>,
        }
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct JsonHeader {
            parent_hash: String,
            number: String,
            state_root: String,
            extrinsics_root: String,
            digest: Digest,
        }
        let mut params = RpcParams::new();
        params.push(hash).map_err(ChainError::node)?;
        let header: JsonHeader = self.call("chain_getHeader", params).await?;
        let raw = |text: &str| hex::decode(text.trim_start_matches("0x")).map_err(ChainError::node);
        let number = u32::from_str_radix(header.number.trim_start_matches("0x"), 16)
            .map_err(ChainError::node)?;
        let mut bytes = raw(&header.parent_hash)?;
        Compact(number).encode_to(&mut bytes);
        bytes.extend(raw(&header.state_root)?);
        bytes.extend(raw(&header.extrinsics_root)?);
        Compact(header.digest.logs.len() as u32).encode_to(&mut bytes);
        for item in &header.digest.logs {
            bytes.extend(raw(item)?);
        }
        Ok(bytes)
    }

    /// The hash of the block of that number, by the node's word.
    pub(crate) async fn hash_of(&self, number: BlockNumber) -> Result<String, ChainError> {
        let mut params = RpcParams::new();
        params.push(number).map_err(ChainError::node)?;
        let hash: Option<String> = self.call("chain_getBlockHash", params).await?;
        hash.ok_or_else(|| ChainError::NotFound(format!("block {number}")))
    }

    /// The workers of a cluster with their keys, proven, in the chain's order.
    ///
    /// # Errors
    /// When there is no such cluster, or a proof does not hold.
    pub async fn cluster_workers(
        &self,
        cluster: &ClusterId,
    ) -> Result<Vec<WorkerRecord>, ChainError> {
        let list: Vec<WorkerId> = self
            .unproven("workers of a cluster", keys::cluster_workers(cluster))
            .await?
            .ok_or_else(|| ChainError::NotFound(format!("cluster {cluster}")))?;
        let mut wanted = vec![keys::cluster_workers(cluster)];
        for worker in &list {
            wanted.extend([keys::worker(worker), keys::endpoints(worker)]);
        }
        let proven = self.proven(&wanted).await?;
        let confirmed: Vec<WorkerId> = proven
            .read("workers of a cluster", &keys::cluster_workers(cluster))?
            .unwrap_or_default();
        let mut records = Vec::new();
        for worker in confirmed {
            if let Some(record) = worker_record(&proven, &worker)? {
                records.push(record);
            }
        }
        Ok(records)
    }

    /// A worker, proven.
    ///
    /// # Errors
    /// When there is no such worker, or a proof does not hold.
    pub async fn worker(&self, worker: &WorkerId) -> Result<WorkerRecord, ChainError> {
        let proven = self.proven(&[keys::worker(worker), keys::endpoints(worker)]).await?;
        worker_record(&proven, worker)?
            .ok_or_else(|| ChainError::NotFound(format!("worker {worker}")))
    }

    /// All workers that the chain has, by the node's word.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn workers(&self) -> Result<Vec<WorkerRecord>, ChainError> {
        let prefix = keys::plain("PhalaRegistry", "Workers");
        let mut records = Vec::new();
        for key in self.keys_below(&prefix).await? {
            let Some(id) = key.last_chunk::<32>() else { continue };
            let worker = WorkerId(*id);
            let Some(info) = self.unproven("worker registration", key.clone()).await? else {
                continue;
            };
            let endpoints = self
                .unproven("endpoints", keys::endpoints(&worker))
                .await?
                .map(|VersionedWorkerEndpoints::V1(urls)| urls)
                .unwrap_or_default();
            records.push(WorkerRecord { info, endpoints });
        }
        Ok(records)
    }

    /// All clusters, by the node's word.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn clusters(&self) -> Result<Vec<(ClusterId, ClusterInfo)>, ChainError> {
        let prefix = keys::plain("PhalaPhatContracts", "Clusters");
        let mut found = Vec::new();
        for key in self.keys_below(&prefix).await? {
            let Some(id) = key.last_chunk::<32>() else { continue };
            if let Some(info) = self.unproven("cluster", key.clone()).await? {
                found.push((ClusterId(*id), info));
            }
        }
        Ok(found)
    }

    pub(crate) async fn keys_below(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, ChainError> {
        /// Keys asked for at once.
        const PAGE: usize = 512;
        let mut all: Vec<Vec<u8>> = Vec::new();
        loop {
            let mut params = RpcParams::new();
            params.push(format!("0x{}", hex::encode(prefix))).map_err(ChainError::node)?;
            params.push(PAGE).map_err(ChainError::node)?;
            let after = all.last().map(|key| format!("0x{}", hex::encode(key)));
            params.push(after).map_err(ChainError::node)?;
            let page: Vec<String> = self.call("state_getKeysPaged", params).await?;
            let full = page.len() == PAGE;
            for key in page {
                all.push(hex::decode(key.trim_start_matches("0x")).map_err(ChainError::node)?);
            }
            if !full {
                return Ok(all);
            }
        }
    }

    /// A contract's record and the key that commands to it are sealed to, proven.
    ///
    /// # Errors
    /// When there is no such contract, it has no keys yet, or a proof does not hold.
    pub async fn contract(
        &self,
        contract: &ContractId,
    ) -> Result<(ContractRecord, Option<HpkePublicKey>), ChainError> {
        let (record, key) = (keys::contract(contract), keys::contract_hpke_key(contract));
        let proven = self.proven(&[record.clone(), key.clone()]).await?;
        let found = proven
            .read("contract", &record)?
            .ok_or_else(|| ChainError::NotFound(format!("contract {contract}")))?;
        Ok((found, proven.read("contract key", &key)?))
    }

    /// Free balance of an account on chain, by the node's word, in the smallest unit.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn free_balance(&self, account: &AccountId) -> Result<u128, ChainError> {
        self.balances(account).await.map(|[free, _]| free)
    }

    /// All that is on an account, free or held, by the node's word.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn total_balance(&self, account: &AccountId) -> Result<u128, ChainError> {
        self.balances(account).await.map(|[free, held]| free.saturating_add(held))
    }

    /// What is free, and what is held.
    async fn balances(&self, account: &AccountId) -> Result<[u128; 2], ChainError> {
        let info = self.account_info(account).await?;
        let number = |from: usize| {
            let part = info.get(from..from + 16).and_then(|part| part.try_into().ok());
            part.map_or(0, u128::from_le_bytes)
        };
        Ok([number(16), number(32)])
    }

    /// How many transactions of an account final blocks have, by the node's word.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn final_nonce(&self, account: &AccountId) -> Result<u64, ChainError> {
        let info = self.account_info(account).await?;
        Ok(info.first_chunk().map_or(0, |nonce| u32::from_le_bytes(*nonce)).into())
    }

    /// Nonce, consumers, providers, sufficients (u32 each), then the free balance (u128), what is held, and
    /// more; nothing of an account that is not there.
    async fn account_info(&self, account: &AccountId) -> Result<Vec<u8>, ChainError> {
        use subxt::dynamic::{self, Value};
        let at = self.current().await?;
        let address = dynamic::storage::<(Value,), Value>("System", "Account");
        let found = at
            .storage()
            .try_fetch(address, (Value::from_bytes(account.as_ref()),))
            .await
            .map_err(ChainError::node)?;
        Ok(found.map(|found| found.bytes().to_vec()).unwrap_or_default())
    }

    /// The number of an account's next transaction, after those that wait in the node's pool.
    pub(crate) async fn next_nonce(&self, account: &AccountId) -> Result<u64, ChainError> {
        let mut params = RpcParams::new();
        params.push(crate::address(account)).map_err(ChainError::node)?;
        self.call("system_accountNextIndex", params).await
    }

    /// The version of the runtime at the node's best block, by its word.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn runtime_version(&self) -> Result<u32, ChainError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            spec_version: u32,
        }
        let version: Version = self.call("state_getRuntimeVersion", RpcParams::new()).await?;
        Ok(version.spec_version)
    }

    /// The node's own peer id, to make a multiaddress of it.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn local_peer_id(&self) -> Result<String, ChainError> {
        self.call("system_localPeerId", RpcParams::new()).await
    }

    /// What the node calls its network, and whether it says that this is one for development. Unproven.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn network_name(&self) -> Result<(String, bool), ChainError> {
        let name = self.call("system_chain", RpcParams::new()).await?;
        let kind: serde_json::Value = self.call("system_chainType", RpcParams::new()).await?;
        Ok((name, kind == "Development" || kind == "Local"))
    }
}

pub(crate) fn worker_record(proven: &Proven, worker: &WorkerId) -> Result<Option<WorkerRecord>, ChainError> {
    let Some(info) = proven.read::<WorkerInfo>("worker registration", &keys::worker(worker))?
    else {
        return Ok(None);
    };
    let endpoints = proven
        .read("endpoints", &keys::endpoints(worker))?
        .map(|VersionedWorkerEndpoints::V1(urls)| urls)
        .unwrap_or_default();
    Ok(Some(WorkerRecord { info, endpoints }))
}
