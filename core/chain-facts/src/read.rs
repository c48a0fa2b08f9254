//! Reading a view: which storage a worker looks at in a final block, and how it becomes plain data.
//!
//! Whoever can read the block's storage with proofs gives a [`StorageReader`]: the light client in a
//! worker, the state of a chain in memory in a simulation. So the same code reads both.

mod gatekeeping;
mod mining;

use crate::{
    Checkpoint, NextClusterKey, Suspension, WorkerInfo, keys,
    view::{ClusterView, ENTRIES_MAX, FinalizedView, Peer, PolicyView, Watch},
};
use attestation::AcceptedRoot;
use alloc::{collections::BTreeMap, vec::Vec};
use codec::Decode;
use core::future::Future;
use primitives::{
    BlockHash, BlockNumber, ClusterId, ContractId, HpkePublicKey, Measurement, WorkerId, bounds,
};
use threshold_keys::{KeyRotation, PendingSeed, SeedConfirmation, Sharing, SharingId};
use wire::{
    mailbox::{MailboxEntry, MailboxOperation},
    registration::VersionedWorkerEndpoints,
};

/// Longest value that is read, bytes: a code blob and its length.
const VALUE_BYTES_MAX: u32 = bounds::CODE_BYTES_MAX + 8;

/// A value on chain is not of the kind that this reader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFormat {
    /// Which value.
    pub what: &'static str,
}

/// The storage of one final block.
pub trait StorageReader: Sync {
    /// Why there is no answer.
    type Error: From<UnknownFormat>;

    /// The block's number.
    fn number(&self) -> BlockNumber;

    /// The block's hash.
    fn hash(&self) -> BlockHash;

    /// The raw value at `key`, proven against the block's state root; `None` where there is none.
    fn value(
        &self,
        key: Vec<u8>,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>> + Send;
}

async fn read<R: StorageReader, T: Decode>(
    block: &R,
    what: &'static str,
    key: Vec<u8>,
) -> Result<Option<T>, R::Error> {
    let value = block.value(key).await?;
    value
        .map(|bytes| wire::decode_all(&bytes, VALUE_BYTES_MAX))
        .transpose()
        .map_err(|_| UnknownFormat { what }.into())
}

/// The facts that a worker watches.
///
/// # Errors
/// The reader's, and [`UnknownFormat`] where the chain holds what this code cannot read.
pub async fn view<R: StorageReader>(
    block: &R,
    watch: &Watch,
) -> Result<FinalizedView, R::Error> {
    let registration: Option<WorkerInfo> =
        read(block, "worker registration", keys::worker(&watch.worker)).await?;
    let measurement_allowed = match &registration {
        Some(info) => {
            let key = keys::allowed_measurement(&info.measurement);
            read::<_, u32>(block, "allow-list", key).await?.is_some()
        }
        None => false,
    };
    let gatekeepers: Vec<WorkerId> =
        read(block, "gatekeeper list", keys::gatekeepers()).await?.unwrap_or_default();
    let checked_hash = match watch.check_block {
        Some(number) => {
            let found: Option<BlockHash> =
                read(block, "block hash", keys::block_hash(number)).await?;
            // The storage knows no block's own hash; the header does.
            if number == block.number() { Some(block.hash()) } else { found }
        }
        None => None,
    };
    let cluster: Option<ClusterId> =
        read(block, "cluster of a worker", keys::cluster_of_worker(&watch.worker)).await?;
    Ok(FinalizedView {
        number: block.number(),
        hash: block.hash(),
        timestamp_ms: read(block, "timestamp", keys::timestamp_now()).await?.unwrap_or_default(),
        measurement_allowed,
        next_sequence: read(block, "message sequence", keys::next_sequence(&watch.worker))
            .await?
            .unwrap_or_default(),
        receipt_log_next: read(block, "log of receipts", keys::receipt_log_next(&watch.worker))
            .await?
            .unwrap_or_default(),
        checked_hash,
        master_public_key: read(block, "master key", keys::master_public_key()).await?,
        own_endpoints: read(block, "endpoints", keys::endpoints(&watch.worker))
            .await?
            .map(|VersionedWorkerEndpoints::V1(urls)| urls),
        instance: read(block, "instance", keys::instance(&watch.worker)).await?,
        cluster: match cluster {
            Some(id) => {
                let own_key = registration.as_ref().map(|info| info.hpke_public_key);
                Some(cluster_view(block, id, watch, own_key).await?)
            }
            None => None,
        },
        gatekeeping: if watch.holds_share || gatekeepers.contains(&watch.worker) {
            gatekeeping::view(block, &watch.worker).await?
        } else {
            None
        },
        gatekeepers,
        registration,
        policy: match watch.policy_for {
            Some(measurement) => Some(policy(block, measurement).await?),
            None => None,
        },
        mining: mining::view(block, &watch.worker).await?,
    })
}

/// By what the chain judges evidence of a build. What it lacks accepts nothing.
async fn policy<R: StorageReader>(
    block: &R,
    measurement: Measurement,
) -> Result<PolicyView, R::Error> {
    let allowed: Option<u32> =
        read(block, "allow-list", keys::allowed_measurement(&measurement)).await?;
    let roots: Vec<AcceptedRoot> =
        read(block, "accepted roots", keys::accepted_roots()).await?.unwrap_or_default();
    let tier_max: u8 = read(block, "worst tier", keys::tier_max()).await?.unwrap_or_default();
    Ok(PolicyView { measurement, allowed: allowed.is_some(), roots, tier_max })
}

async fn cluster_view<R: StorageReader>(
    block: &R,
    id: ClusterId,
    watch: &Watch,
    own_key: Option<HpkePublicKey>,
) -> Result<ClusterView, R::Error> {
    let inbox_next = read(block, "mailbox", keys::inbox_next(&id)).await?.unwrap_or(0u64);
    let (entries, codes) = match watch.from_number {
        Some(from) => mailbox(block, id, from, inbox_next).await?,
        None => Default::default(),
    };
    let mut contract_keys = BTreeMap::new();
    for contract in &watch.contract_keys {
        if let Some(key) = read(block, "contract key", keys::contract_key(contract)).await? {
            contract_keys.insert(*contract, key);
        }
    }
    let seeds = seeds_of(block, &id).await?;
    let rotation = seeds.newest;
    let next_public_key = match seeds.is_pending() {
        true => next_public_key(block, &id, rotation).await?,
        false => None,
    };
    let confirmed = confirmation(block, &id, &watch.worker).await?;
    let seed_confirmed = own_key.is_some_and(|hpke_public_key| {
        confirmed == Some(SeedConfirmation { rotation, hpke_public_key })
    });
    let (sharing, seed_shares) = match own_key {
        Some(own_key) if !seed_confirmed => {
            let sharing: Option<Sharing> = read(block, "sharing", keys::sharing()).await?;
            let shares = match &sharing {
                Some(sharing) => {
                    seed_shares(block, (&id, rotation), (&watch.worker, own_key), sharing.id())
                        .await?
                }
                None => Vec::new(),
            };
            (sharing, shares)
        }
        // Nobody who has the seed, or is not registered, has use for them.
        _ => Default::default(),
    };
    let workers: Vec<WorkerId> = read(block, "workers of a cluster", keys::cluster_workers(&id))
        .await?
        .unwrap_or_default();
    let suspended: Vec<WorkerId> =
        read(block, "suspended workers", keys::suspended_workers(&id)).await?.unwrap_or_default();
    let suspension: Option<Suspension> = if suspended.contains(&watch.worker) {
        read(block, "suspension", keys::suspension(&id, &watch.worker)).await?
    } else {
        None
    };
    let joining: Vec<WorkerId> =
        read(block, "joining workers", keys::joining_workers(&id)).await?.unwrap_or_default();
    let contracts: Option<Vec<ContractId>> = match watch.wants_contracts {
        true => {
            let key = keys::cluster_contracts(&id);
            Some(read(block, "contracts of a cluster", key).await?.unwrap_or_default())
        }
        false => None,
    };
    Ok(ClusterView {
        id,
        rotation,
        rotation_in_force: seeds.in_force,
        next_public_key,
        is_joining: joining.contains(&watch.worker),
        contracts,
        seed_shares,
        sharing,
        seed_confirmed,
        public_key: read(block, "cluster key", keys::cluster_key(&id)).await?,
        peers: if watch.wants_peers {
            let of = |worker: &&WorkerId| **worker != watch.worker && !suspended.contains(worker);
            peers(block, workers.iter().filter(of)).await?
        } else {
            Vec::new()
        },
        agreed: read(block, "agreed checkpoint", keys::agreed_checkpoint(&id)).await?,
        suspension,
        suspended,
        workers,
        checkpoint: read::<_, Checkpoint>(block, "checkpoint", keys::checkpoint(&id, &watch.worker))
            .await?,
        inbox_first: read(block, "mailbox", keys::inbox_first(&id)).await?.unwrap_or_default(),
        inbox_next,
        compatible_edge: read::<_, BlockNumber>(block, "edge", keys::compatible_edge_closed(&id))
            .await?
            .is_none(),
        entries,
        codes,
        contract_keys,
    })
}

async fn peers<R: StorageReader>(
    block: &R,
    workers: impl Iterator<Item = &WorkerId>,
) -> Result<Vec<Peer>, R::Error> {
    let mut peers = Vec::new();
    for worker in workers {
        if hpke_key_of_active(block, worker).await?.is_some()
            && let Some(VersionedWorkerEndpoints::V1(endpoints)) =
                read(block, "endpoints", keys::endpoints(worker)).await?
            && !endpoints.is_empty()
        {
            peers.push(Peer { worker: *worker, endpoints });
        }
    }
    Ok(peers)
}

type Mailbox = (Vec<MailboxEntry>, BTreeMap<primitives::CodeHash, Vec<u8>>);

async fn mailbox<R: StorageReader>(
    block: &R,
    id: ClusterId,
    from: u64,
    inbox_next: u64,
) -> Result<Mailbox, R::Error> {
    let (mut entries, mut codes) = (Vec::new(), BTreeMap::new());
    for number in from..inbox_next.min(from.saturating_add(ENTRIES_MAX)) {
        let bytes: Option<Vec<u8>> =
            read(block, "mailbox entry", keys::inbox_entry(&id, number)).await?;
        // A gap means that the entry was pruned: the worker sees that from `inbox_first`.
        let Some(bytes) = bytes else { break };
        let entry: MailboxEntry = wire::decode_all(&bytes, VALUE_BYTES_MAX)
            .map_err(|_| UnknownFormat { what: "mailbox entry" })?;
        if let MailboxOperation::UploadCode { code_hash } = entry.operation
            && let Some(code) = read(block, "code", keys::code_blob(&code_hash)).await?
        {
            codes.insert(code_hash, code);
        }
        entries.push(entry);
    }
    Ok((entries, codes))
}

/// Which of its seeds a cluster uses, and is to use.
async fn seeds_of<R: StorageReader>(
    block: &R,
    cluster: &ClusterId,
) -> Result<KeyRotation, R::Error> {
    let rotation = read(block, "cluster rotation", keys::cluster_rotation(cluster)).await?;
    Ok(rotation.unwrap_or_default())
}

/// The public key that belongs to the seed that a cluster is to use next. One that is disputed is
/// somebody's word like any other: who has the seed knows which is right.
async fn next_public_key<R: StorageReader>(
    block: &R,
    cluster: &ClusterId,
    rotation: u32,
) -> Result<Option<[u8; 32]>, R::Error> {
    let next: Option<NextClusterKey> =
        read(block, "next cluster key", keys::next_cluster_key(cluster)).await?;
    Ok(next.filter(|next| next.rotation == rotation).map(|next| next.public_key))
}

/// What a worker said of the seeds of a cluster.
async fn confirmation<R: StorageReader>(
    block: &R,
    cluster: &ClusterId,
    worker: &WorkerId,
) -> Result<Option<SeedConfirmation>, R::Error> {
    read(block, "seed confirmation", keys::seed_confirmed(cluster, worker)).await
}

/// The shares of a seed that wait for a worker: none where the chain's are of another rotation,
/// sharing or key, which the next share to come will replace.
async fn seed_shares<R: StorageReader>(
    block: &R,
    (cluster, rotation): (&ClusterId, u32),
    (worker, key): (&WorkerId, HpkePublicKey),
    sharing: SharingId,
) -> Result<Vec<threshold_keys::SealedSeedShare>, R::Error> {
    let pending: Option<PendingSeed> =
        read(block, "seed shares", keys::seed_shares(cluster, worker)).await?;
    Ok(pending
        .filter(|pending| {
            pending.rotation == rotation
                && pending.sharing == sharing
                && pending.sealed_to == key
        })
        .map(|pending| pending.shares.into_inner())
        .unwrap_or_default())
}

/// The key of a worker that may be given a secret: registered, not lapsed, its build still allowed.
async fn hpke_key_of_active<R: StorageReader>(
    block: &R,
    worker: &WorkerId,
) -> Result<Option<HpkePublicKey>, R::Error> {
    let Some(info) =
        read::<_, WorkerInfo>(block, "worker registration", keys::worker(worker)).await?
    else {
        return Ok(None);
    };
    let now: u64 = read(block, "timestamp", keys::timestamp_now()).await?.unwrap_or_default();
    let allowed = read::<_, u32>(block, "allow-list", keys::allowed_measurement(&info.measurement))
        .await?
        .is_some();
    Ok((allowed && info.expires_at_ms > now).then_some(info.hpke_public_key))
}
