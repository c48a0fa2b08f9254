//! Storage keys. Maps use Twox64Concat, as clients of the original network expect.

mod economy;

pub use economy::*;

use alloc::vec::Vec;
use codec::Encode;
use primitives::{AccountId, BlockNumber, ClusterId, CodeHash, ContractId, Measurement, WorkerId};
use sp_crypto_hashing::{twox_64, twox_128};
use threshold_keys::{HolderIndex, HolderKey, SharingId};

/// Key of a plain storage item.
pub fn plain(pallet: &str, item: &str) -> Vec<u8> {
    [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
}

fn map(pallet: &str, item: &str, keys: &[&[u8]]) -> Vec<u8> {
    let mut key = plain(pallet, item);
    for part in keys {
        key.extend_from_slice(&twox_64(part));
        key.extend_from_slice(part);
    }
    key
}

/// The validators of the session that runs: `Vec<AccountId>`.
pub fn validators() -> Vec<u8> {
    plain("Session", "Validators")
}

/// The validators of the session after, with their keys: `Vec<(AccountId, [u8; 64])>`.
pub fn queued_validators() -> Vec<u8> {
    plain("Session", "QueuedKeys")
}

/// The validators that are named and wait for a session's end: `Vec<AccountId>`.
pub fn wanted_validators() -> Vec<u8> {
    plain("ValidatorSet", "Wanted")
}

/// Blocks of a session: `u32`.
pub fn session_blocks() -> Vec<u8> {
    plain("ValidatorSet", "SessionBlocks")
}

/// How often GRANDPA's set of authorities has changed: `u64`.
pub fn authority_set_id() -> Vec<u8> {
    plain("Grandpa", "CurrentSetId")
}

/// A worker's registration: [`crate::WorkerInfo`].
pub fn worker(worker: &WorkerId) -> Vec<u8> {
    map("PhalaRegistry", "Workers", &[worker.as_ref()])
}

/// Whether a measurement is allowed: the block that allowed it, `u32`.
pub fn allowed_measurement(measurement: &Measurement) -> Vec<u8> {
    map(
        "PhalaRegistry",
        "AllowedMeasurements",
        &[measurement.as_ref()],
    )
}

/// The accepted attestation roots: `Vec<attestation::AcceptedRoot>`.
pub fn accepted_roots() -> Vec<u8> {
    plain("PhalaRegistry", "AcceptedRoots")
}

/// The worst tier that is accepted: `u8`.
pub fn tier_max() -> Vec<u8> {
    plain("PhalaRegistry", "TierMax")
}

/// The gatekeepers: `Vec<WorkerId>`.
pub fn gatekeepers() -> Vec<u8> {
    plain("PhalaRegistry", "Gatekeeper")
}

/// The network's public key: 32 bytes, the point of [`network_key`].
pub fn master_public_key() -> Vec<u8> {
    plain("PhalaRegistry", "GatekeeperMasterPubkey")
}

/// A worker's endpoints: `wire::registration::VersionedWorkerEndpoints`.
pub fn endpoints(worker: &WorkerId) -> Vec<u8> {
    map("PhalaRegistry", "Endpoints", &[worker.as_ref()])
}

/// Where a worker's operator says that it stands: [`crate::DeclaredPlace`].
pub fn worker_place(worker: &WorkerId) -> Vec<u8> {
    map("PhalaRegistry", "WorkerPlaces", &[worker.as_ref()])
}

/// What a cluster's contracts may use, where its owner has set it: `wire::limits::ClusterLimits`.
pub fn cluster_limits(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaPhatContracts", "Limits", &[cluster.as_ref()])
}

/// Since which block a cluster's owner does not want the protocol of the original network, if so:
/// `BlockNumber`.
pub fn compatible_edge_closed(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaPhatContracts", "CompatibleEdgesClosed", &[cluster.as_ref()])
}

/// Every how many'th block's end a cluster's contracts hear of: `BlockNumber`.
pub fn block_hooks(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaPhatContracts", "BlockHooks", &[cluster.as_ref()])
}

/// A cluster's sr25519 public key: 32 bytes.
pub fn cluster_key(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaRegistry", "ClusterKeys", &[cluster.as_ref()])
}

/// The key that a cluster is to use next: [`crate::NextClusterKey`].
pub fn next_cluster_key(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaRegistry", "NextClusterKeys", &[cluster.as_ref()])
}

/// By which of its cluster's seeds a contract's keys are; the first where there is nothing: `u32`.
pub fn contract_key_rotation(contract: &ContractId) -> Vec<u8> {
    map("PhalaRegistry", "ContractKeyRotations", &[contract.as_ref()])
}

/// The workers of a cluster that have not reported an agreed root since they were taken in, or lost
/// their state: `Vec<WorkerId>`.
pub fn joining_workers(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaPhatContracts", "JoiningWorkers", &[cluster.as_ref()])
}

/// A contract's sr25519 public key: 32 bytes.
pub fn contract_key(contract: &ContractId) -> Vec<u8> {
    map("PhalaRegistry", "ContractKeys", &[contract.as_ref()])
}

/// The key that commands to a contract are sealed to: `HpkePublicKey`.
pub fn contract_hpke_key(contract: &ContractId) -> Vec<u8> {
    map("PhalaRegistry", "ContractHpkeKeys", &[contract.as_ref()])
}

/// Parameters of ceremonies and beacon: `threshold_keys::GatekeeperSettings`.
pub fn gatekeeper_settings() -> Vec<u8> {
    plain("PhalaGatekeepers", "Settings")
}

/// The network's key, once there is one: `threshold_keys::GroupKey`.
pub fn network_key() -> Vec<u8> {
    plain("PhalaGatekeepers", "NetworkKey")
}

/// The gatekeepers' sharing in force: `threshold_keys::Sharing`.
pub fn sharing() -> Vec<u8> {
    plain("PhalaGatekeepers", "CurrentSharing")
}

/// The block that put the gatekeepers' sharing in force: `u32`.
pub fn sharing_since() -> Vec<u8> {
    plain("PhalaGatekeepers", "SharingSince")
}

/// The members' sharing, for recovery: `threshold_keys::Sharing`.
pub fn members_sharing() -> Vec<u8> {
    plain("PhalaGatekeepers", "MembersSharing")
}

/// The members of the DAO who may hold shares, and how many of them it takes: `(Vec<HolderKey>, u8)`.
pub fn members() -> Vec<u8> {
    plain("PhalaGatekeepers", "Members")
}

/// A sharing of the gatekeepers that was in force before, as long as evidence of it is taken:
/// `threshold_keys::Sharing`.
pub fn past_sharing(id: &SharingId) -> Vec<u8> {
    map("PhalaGatekeepers", "PastSharings", &[&id.encode()])
}

/// The ceremony that is going on: `threshold_keys::CeremonyState`.
pub fn ceremony() -> Vec<u8> {
    plain("PhalaGatekeepers", "Ceremony")
}

/// A candidate of the ceremony whose receiving key was taken: `threshold_keys::Recipient`.
pub fn receiving_key(holder: &HolderKey) -> Vec<u8> {
    map("PhalaGatekeepers", "ReceivingKeys", &[holder])
}

/// The plan of the ceremony: `threshold_keys::Plan`.
pub fn ceremony_plan() -> Vec<u8> {
    plain("PhalaGatekeepers", "CeremonyPlan")
}

/// A dealing of the ceremony that stands: `threshold_keys::Dealing`.
pub fn dealing(dealer: HolderIndex) -> Vec<u8> {
    map("PhalaGatekeepers", "Dealings", &[&[dealer.get()]])
}

/// What the dealings that stand come to, in the stage of checking: `threshold_keys::Sharing`.
pub fn pending_sharing() -> Vec<u8> {
    plain("PhalaGatekeepers", "PendingSharing")
}

/// Shares of a cluster's seed that wait for a worker: `threshold_keys::PendingSeed`.
pub fn seed_shares(cluster: &ClusterId, worker: &WorkerId) -> Vec<u8> {
    map(
        "PhalaGatekeepers",
        "SeedShares",
        &[cluster.as_ref(), worker.as_ref()],
    )
}

/// What a worker said when it had a cluster's seed: `threshold_keys::SeedConfirmation`.
pub fn seed_confirmed(cluster: &ClusterId, worker: &WorkerId) -> Vec<u8> {
    map(
        "PhalaGatekeepers",
        "SeedsConfirmed",
        &[cluster.as_ref(), worker.as_ref()],
    )
}

/// Which seed a cluster uses, and is to use; the first where there is nothing:
/// `threshold_keys::KeyRotation`.
pub fn cluster_rotation(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaGatekeepers", "ClusterRotation", &[cluster.as_ref()])
}

/// The beacon's round that is going on: `threshold_keys::BeaconRound`.
pub fn beacon_round() -> Vec<u8> {
    plain("PhalaGatekeepers", "Beacon")
}

/// Contributions to the round's proof; in stage `Responding` those that were picked, in the order
/// that the proof takes them in: `threshold_keys::PerHolder<Contribution>`.
pub fn beacon_contributions() -> Vec<u8> {
    plain("PhalaGatekeepers", "BeaconContributions")
}

/// Answers in the round's proof: `threshold_keys::PerHolder<SignedResponse>`.
pub fn beacon_responses() -> Vec<u8> {
    plain("PhalaGatekeepers", "BeaconResponses")
}

/// The newest value of the beacon: `threshold_keys::BeaconOutput`.
pub fn latest_beacon() -> Vec<u8> {
    plain("PhalaGatekeepers", "LatestBeacon")
}

/// The value of a round, while the chain keeps it: `threshold_keys::BeaconOutput`.
pub fn beacon_value(round: u64) -> Vec<u8> {
    map("PhalaGatekeepers", "BeaconValues", &[&round.encode()])
}

/// The next message number the chain takes from a worker: `u64`.
pub fn next_sequence(worker: &WorkerId) -> Vec<u8> {
    let sender = [&[2u8][..], worker.as_ref()].concat();
    map("PhalaMq", "OffchainIngress", &[&sender])
}

/// An entry of a cluster's mailbox: SCALE bytes of SCALE `wire::mailbox::MailboxEntry`.
pub fn inbox_entry(cluster: &ClusterId, number: u64) -> Vec<u8> {
    map("PhalaMq", "Inbox", &[cluster.as_ref(), &number.encode()])
}

/// The number that the next entry of a cluster's mailbox will have: `u64`.
pub fn inbox_next(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaMq", "InboxNext", &[cluster.as_ref()])
}

/// The oldest entry that a cluster's mailbox keeps: `u64`.
pub fn inbox_first(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaMq", "InboxFirst", &[cluster.as_ref()])
}

/// The cluster that a worker serves: `ClusterId`.
pub fn cluster_of_worker(worker: &WorkerId) -> Vec<u8> {
    map("PhalaPhatContracts", "ClusterByWorkers", &[worker.as_ref()])
}

/// A cluster: [`crate::ClusterInfo`].
pub fn cluster(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaPhatContracts", "Clusters", &[cluster.as_ref()])
}

/// How many clusters were ever made: `u64`.
pub fn cluster_counter() -> Vec<u8> {
    plain("PhalaPhatContracts", "ClusterCounter")
}

/// A cluster's workers: `Vec<WorkerId>`.
pub fn cluster_workers(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaPhatContracts", "ClusterWorkers", &[cluster.as_ref()])
}

/// A cluster's contracts: `Vec<ContractId>`.
pub fn cluster_contracts(cluster: &ClusterId) -> Vec<u8> {
    map(
        "PhalaPhatContracts",
        "ClusterContracts",
        &[cluster.as_ref()],
    )
}

/// A contract: [`crate::ContractRecord`].
pub fn contract(contract: &ContractId) -> Vec<u8> {
    map("PhalaPhatContracts", "Contracts", &[contract.as_ref()])
}

/// What is staked to a contract in all: `Balance`.
pub fn contract_stake(contract: &ContractId) -> Vec<u8> {
    map("PhalaPhatTokenomic", "ContractTotalStakes", &[contract.as_ref()])
}

/// What an account has staked to a contract: `Balance`.
pub fn contract_stake_of(account: &AccountId, contract: &ContractId) -> Vec<u8> {
    map(
        "PhalaPhatTokenomic",
        "ContractUserStakes",
        &[account.as_ref(), contract.as_ref()],
    )
}

/// Code: its bytes, SCALE `Vec<u8>`.
pub fn code_blob(code_hash: &CodeHash) -> Vec<u8> {
    map("PhalaPhatContracts", "CodeBlobs", &[code_hash.as_ref()])
}

/// A worker's last report of its state: [`crate::Checkpoint`].
pub fn checkpoint(cluster: &ClusterId, worker: &WorkerId) -> Vec<u8> {
    map(
        "PhalaPhatContracts",
        "Checkpoints",
        &[cluster.as_ref(), worker.as_ref()],
    )
}

/// What a cluster's workers agree on: [`crate::AgreedCheckpoint`].
pub fn agreed_checkpoint(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaPhatContracts", "AgreedCheckpoints", &[cluster.as_ref()])
}

/// The last roots that a cluster's workers agreed on, oldest first: `Vec<`[`crate::AgreedRoot`]`>`.
pub fn agreed_roots(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaPhatContracts", "AgreedRoots", &[cluster.as_ref()])
}

/// Why a worker of a cluster must not serve: [`crate::Suspension`].
pub fn suspension(cluster: &ClusterId, worker: &WorkerId) -> Vec<u8> {
    map(
        "PhalaPhatContracts",
        "Suspensions",
        &[cluster.as_ref(), worker.as_ref()],
    )
}

/// The workers of a cluster that must not serve: `Vec<WorkerId>`.
pub fn suspended_workers(cluster: &ClusterId) -> Vec<u8> {
    map("PhalaPhatContracts", "SuspendedWorkers", &[cluster.as_ref()])
}

/// Which cluster's owner may take a worker in, where its operator has said it: [`crate::OfferedWorker`].
pub fn worker_offer(worker: &WorkerId) -> Vec<u8> {
    map("PhalaPhatContracts", "WorkerOffers", &[worker.as_ref()])
}

/// The process that speaks for a worker: [`crate::Instance`].
pub fn instance(worker: &WorkerId) -> Vec<u8> {
    map("PhalaRegistry", "Instances", &[worker.as_ref()])
}

/// An interval of a worker's log of receipts: [`crate::ReceiptLogRoot`].
pub fn receipt_log(worker: &WorkerId, index: u64) -> Vec<u8> {
    map(
        "PhalaPhatContracts",
        "ReceiptLogs",
        &[worker.as_ref(), &index.encode()],
    )
}

/// The number of the next interval that the chain takes of a worker's log of receipts: `u64`.
pub fn receipt_log_next(worker: &WorkerId) -> Vec<u8> {
    map("PhalaPhatContracts", "ReceiptLogNext", &[worker.as_ref()])
}

/// The block's timestamp: `u64` milliseconds.
pub fn timestamp_now() -> Vec<u8> {
    plain("Timestamp", "Now")
}

/// The hash of a past block (the chain keeps the last 4096 and the first): `BlockHash`.
pub fn block_hash(number: BlockNumber) -> Vec<u8> {
    map("System", "BlockHash", &[&number.encode()])
}

/// The id of the `counter`-th cluster, from 1: the counter, big-endian, in the last eight bytes.
pub fn cluster_id(counter: u64) -> ClusterId {
    let mut id = [0; 32];
    id[24..].copy_from_slice(&counter.to_be_bytes());
    ClusterId(id)
}
