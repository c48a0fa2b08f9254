//! Which storage a worker reads, and how it becomes a view.

use crate::{ChainViewError, FinalizedBlock, light_client_error};
use chain_facts::{
    Checkpoint, SealedSeed, WorkerInfo, keys,
    view::{CLUSTERS_MAX, ClusterNeeds, ClusterView, ENTRIES_MAX, FinalizedView, Watch},
};
use codec::Decode;
use primitives::{BlockHash, ClusterId, HpkePublicKey, WorkerId, bounds};
use std::collections::BTreeMap;
use wire::{
    mailbox::{MailboxEntry, MailboxOperation},
    registration::VersionedWorkerEndpoints,
};

/// Longest value that is read, bytes: a code blob and its length.
const VALUE_BYTES_MAX: u32 = bounds::CODE_BYTES_MAX + 8;

impl FinalizedBlock {
    async fn read<T: Decode>(
        &self,
        what: &'static str,
        key: Vec<u8>,
    ) -> Result<Option<T>, ChainViewError> {
        self.value(key)
            .await
            .map_err(light_client_error)?
            .map(|bytes| wire::decode_all(&bytes, VALUE_BYTES_MAX))
            .transpose()
            .map_err(|_| ChainViewError::UnknownFormat { what })
    }
}

pub(crate) async fn view(
    block: &FinalizedBlock,
    watch: &Watch,
) -> Result<FinalizedView, ChainViewError> {
    let registration: Option<WorkerInfo> =
        block.read("worker registration", keys::worker(&watch.worker)).await?;
    let measurement_allowed = match &registration {
        Some(info) => {
            let key = keys::allowed_measurement(&info.measurement);
            block.read::<u32>("allow-list", key).await?.is_some()
        }
        None => false,
    };
    let gatekeepers: Vec<WorkerId> =
        block.read("gatekeeper list", keys::gatekeepers()).await?.unwrap_or_default();
    let checked_hash = match watch.check_block {
        Some(number) => {
            let found: Option<BlockHash> =
                block.read("block hash", keys::block_hash(number)).await?;
            // The storage knows no block's own hash; the header does.
            if number == block.number() { Some(block.hash()) } else { found }
        }
        None => None,
    };
    let cluster: Option<ClusterId> =
        block.read("cluster of a worker", keys::cluster_of_worker(&watch.worker)).await?;
    Ok(FinalizedView {
        number: block.number(),
        hash: block.hash(),
        timestamp_ms: block.read("timestamp", keys::timestamp_now()).await?.unwrap_or_default(),
        measurement_allowed,
        next_sequence: block
            .read("message sequence", keys::next_sequence(&watch.worker))
            .await?
            .unwrap_or_default(),
        checked_hash,
        master_public_key: block.read("master key", keys::master_public_key()).await?,
        own_endpoints: block
            .read("endpoints", keys::endpoints(&watch.worker))
            .await?
            .map(|VersionedWorkerEndpoints::V1(urls)| urls),
        cluster: match cluster {
            Some(id) => Some(cluster_view(block, id, watch).await?),
            None => None,
        },
        cluster_needs: if gatekeepers.contains(&watch.worker) {
            cluster_needs(block).await?
        } else {
            Vec::new()
        },
        gatekeepers,
        registration,
    })
}

async fn cluster_view(
    block: &FinalizedBlock,
    id: ClusterId,
    watch: &Watch,
) -> Result<ClusterView, ChainViewError> {
    let inbox_next = block.read("mailbox", keys::inbox_next(&id)).await?.unwrap_or(0u64);
    let (entries, codes) = match watch.from_number {
        Some(from) => mailbox(block, id, from, inbox_next).await?,
        None => Default::default(),
    };
    let mut contract_keys = BTreeMap::new();
    for contract in &watch.contract_keys {
        if let Some(key) = block.read("contract key", keys::contract_key(contract)).await? {
            contract_keys.insert(*contract, key);
        }
    }
    Ok(ClusterView {
        id,
        public_key: block.read("cluster key", keys::cluster_key(&id)).await?,
        workers: block
            .read("workers of a cluster", keys::cluster_workers(&id))
            .await?
            .unwrap_or_default(),
        sealed_seed: block
            .read("sealed seed", keys::sealed_cluster_seed(&id, &watch.worker))
            .await?,
        checkpoint: block
            .read::<Checkpoint>("checkpoint", keys::checkpoint(&id, &watch.worker))
            .await?,
        inbox_first: block.read("mailbox", keys::inbox_first(&id)).await?.unwrap_or_default(),
        inbox_next,
        entries,
        codes,
        contract_keys,
    })
}

type Mailbox = (Vec<MailboxEntry>, BTreeMap<primitives::CodeHash, Vec<u8>>);

async fn mailbox(
    block: &FinalizedBlock,
    id: ClusterId,
    from: u64,
    inbox_next: u64,
) -> Result<Mailbox, ChainViewError> {
    let (mut entries, mut codes) = (Vec::new(), BTreeMap::new());
    for number in from..inbox_next.min(from.saturating_add(ENTRIES_MAX)) {
        let bytes: Option<Vec<u8>> =
            block.read("mailbox entry", keys::inbox_entry(&id, number)).await?;
        // A gap means that the entry was pruned: the worker sees that from `inbox_first`.
        let Some(bytes) = bytes else { break };
        let entry: MailboxEntry = wire::decode_all(&bytes, VALUE_BYTES_MAX)
            .map_err(|_| ChainViewError::UnknownFormat { what: "mailbox entry" })?;
        if let MailboxOperation::UploadCode { code_hash } = entry.operation
            && let Some(code) = block.read("code", keys::code_blob(&code_hash)).await?
        {
            codes.insert(code_hash, code);
        }
        entries.push(entry);
    }
    Ok((entries, codes))
}

async fn cluster_needs(block: &FinalizedBlock) -> Result<Vec<ClusterNeeds>, ChainViewError> {
    let count: u64 =
        block.read("cluster counter", keys::cluster_counter()).await?.unwrap_or_default();
    let mut needs = Vec::new();
    for counter in 1..=count.min(CLUSTERS_MAX) {
        let id = keys::cluster_id(counter);
        let workers: Vec<WorkerId> = block
            .read("workers of a cluster", keys::cluster_workers(&id))
            .await?
            .unwrap_or_default();
        let mut workers_without_seed = Vec::new();
        for worker in workers {
            let sealed: Option<SealedSeed> =
                block.read("sealed seed", keys::sealed_cluster_seed(&id, &worker)).await?;
            if sealed.is_none()
                && let Some(key) = hpke_key_of_active(block, &worker).await?
            {
                workers_without_seed.push((worker, key));
            }
        }
        needs.push(ClusterNeeds {
            id,
            has_public_key: block
                .read::<[u8; 32]>("cluster key", keys::cluster_key(&id))
                .await?
                .is_some(),
            workers_without_seed,
        });
    }
    Ok(needs)
}

/// The key of a worker that may be given a secret: registered, not lapsed, its build still allowed.
async fn hpke_key_of_active(
    block: &FinalizedBlock,
    worker: &WorkerId,
) -> Result<Option<HpkePublicKey>, ChainViewError> {
    let Some(info) =
        block.read::<WorkerInfo>("worker registration", keys::worker(worker)).await?
    else {
        return Ok(None);
    };
    let now: u64 = block.read("timestamp", keys::timestamp_now()).await?.unwrap_or_default();
    let allowed = block
        .read::<u32>("allow-list", keys::allowed_measurement(&info.measurement))
        .await?
        .is_some();
    Ok((allowed && info.expires_at_ms > now).then_some(info.hpke_public_key))
}
