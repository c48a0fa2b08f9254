//! What the pallets of this workspace know of each other.

use alloc::vec::Vec;
use polkadot_sdk::sp_runtime::DispatchResult;
use primitives::{AccountId, ClusterId, ContractId, GenesisHash, HpkePublicKey, WorkerId};

/// What others may ask of the registered workers.
pub trait WorkerDirectory {
    /// The network that workers register on: what their signatures are bound to.
    fn genesis_hash() -> GenesisHash;
    /// Whether the worker may act now: registered, not expired, its build still allowed.
    fn is_active(worker: &WorkerId) -> bool;
    /// The key that requests to the worker are sealed to.
    fn hpke_public_key(worker: &WorkerId) -> Option<HpkePublicKey>;
    /// Whether the worker is an appointed gatekeeper.
    fn is_gatekeeper(worker: &WorkerId) -> bool;
}

/// What those who share the network's key ask of the registry, and tell it.
pub trait GatekeeperDirectory {
    /// The appointed gatekeepers, in order of appointment, active or not.
    fn gatekeepers() -> Vec<WorkerId>;
    /// Whether this is a development network, where one machine may hold the key.
    fn is_development_network() -> bool;
    /// The network has its key, for good.
    fn set_network_key(public_key: &[u8; 32]);
}

/// The office of gatekeepers, for who elects them.
pub trait GatekeeperSet {
    /// Appoints an active worker.
    ///
    /// # Errors
    /// When the worker is unknown, inactive or appointed already, or there are as many as there may be.
    fn appoint(worker: &WorkerId) -> DispatchResult;
    /// Dismisses a gatekeeper.
    ///
    /// # Errors
    /// When the worker is none, or the last one of a network that has its key.
    fn dismiss(worker: &WorkerId) -> DispatchResult;
}

/// Who keeps the shares of clusters' seeds that wait for workers.
pub trait SeedStore {
    /// Forgets what is kept for a cluster and for `workers` in it.
    fn forget_cluster(cluster: &ClusterId, workers: &[WorkerId]);
    /// Forgets what is kept for a worker that leaves a cluster.
    fn forget_seed(cluster: &ClusterId, worker: &WorkerId);
}

/// What mining asks of a worker's record.
pub trait WorkerRecords<AccountId> {
    /// Who operates the machine, if the worker was told.
    fn operator(worker: &WorkerId) -> Option<AccountId>;
    /// How far the evidence of its hardware goes, 1 best to 5 worst.
    fn confidence_level(worker: &WorkerId) -> Option<u8>;
}

/// What others may do with the stored keys.
pub trait KeyStore {
    /// Forgets a cluster's key, and the shares of its seed for `workers`.
    fn forget_cluster(cluster: &ClusterId, workers: &[WorkerId]);
    /// Forgets the shares of a cluster's seed for a worker.
    fn forget_seed(cluster: &ClusterId, worker: &WorkerId);
    /// Forgets a contract's keys.
    fn forget_contract(contract: &ContractId);
}

/// What the registry asks of the clusters, and tells them.
pub trait Clusters {
    /// Whether there is such a cluster.
    fn exists(cluster: &ClusterId) -> bool;
    /// Whether the worker belongs to the cluster.
    fn is_member(cluster: &ClusterId, worker: &WorkerId) -> bool;
    /// Whether the worker belongs to any cluster.
    fn is_assigned(worker: &WorkerId) -> bool;
    /// A worker that belongs to no cluster is registered no more.
    fn on_worker_removed(_worker: &WorkerId) {}
    /// A cluster has its public key.
    fn on_cluster_key(cluster: &ClusterId, public_key: &[u8; 32]);
    /// A worker of the cluster made a contract, whose key is told for the first time.
    ///
    /// # Errors
    /// When the contract belongs to another cluster, or the cluster is full.
    fn on_contract_keys(
        cluster: &ClusterId,
        contract: &ContractId,
        deployer: &AccountId,
        public_key: &[u8; 32],
    ) -> DispatchResult;
}
