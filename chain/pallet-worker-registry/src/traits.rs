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

/// What the rotation of clusters' keys asks of the registry, and tells it.
pub trait ClusterKeyDirectory {
    /// Whether the build is allowed that a worker registered with, whether or not it lapsed.
    fn is_build_allowed(worker: &WorkerId) -> bool;
    /// Whether the public key of a cluster's next seed was told, and nobody told another one.
    fn has_next_cluster_key(cluster: &ClusterId, rotation: u32) -> bool;
    /// The cluster uses that key from now on.
    fn use_next_cluster_key(cluster: &ClusterId, rotation: u32);
}

/// Which of its seeds a cluster uses, and which it is to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeedsInUse {
    /// The one that its mailbox has told its workers to use.
    pub in_force: u32,
    /// The newest one that gatekeepers give to its workers.
    pub newest: u32,
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
    /// Forgets what is kept for a worker that leaves a cluster. What it has seen stays with it, so the
    /// cluster's keys are rotated if it may have its seed.
    fn forget_seed(cluster: &ClusterId, worker: &WorkerId);
    /// Which of its seeds a cluster uses.
    fn seeds_in_use(cluster: &ClusterId) -> SeedsInUse;
    /// Begins to rotate a cluster's keys. Commands sealed to the keys in use open for `window_blocks`
    /// blocks after the others have come.
    ///
    /// # Errors
    /// When they are being rotated already, or the window is out of bounds.
    fn rotate(cluster: &ClusterId, window_blocks: Option<u32>) -> DispatchResult;
    /// Whether a worker has the cluster's newest seed whose build is not allowed any more.
    fn is_seed_exposed(cluster: &ClusterId) -> bool;
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
    /// As [`SeedStore::rotate`].
    ///
    /// # Errors
    /// Its errors.
    fn rotate_cluster_keys(cluster: &ClusterId, window_blocks: Option<u32>) -> DispatchResult;
    /// As [`SeedStore::is_seed_exposed`].
    fn is_seed_exposed(cluster: &ClusterId) -> bool;
}

/// What the registry asks of the clusters, and tells them.
pub trait Clusters {
    /// Whether there is such a cluster.
    fn exists(cluster: &ClusterId) -> bool;
    /// Whether the worker belongs to the cluster.
    fn is_member(cluster: &ClusterId, worker: &WorkerId) -> bool;
    /// Whether the worker belongs to any cluster.
    fn is_assigned(worker: &WorkerId) -> bool;
    /// The workers of a cluster; none for an unknown one.
    fn members(cluster: &ClusterId) -> Vec<WorkerId>;
    /// A cluster, another for each `place`, round and round; none where there is none.
    fn at(place: u32) -> Option<ClusterId>;
    /// Tells a cluster's workers, by its mailbox, to use another of its seeds.
    ///
    /// # Errors
    /// When the mailbox is full.
    fn push_rotation(cluster: &ClusterId, rotation: u32) -> DispatchResult;
    /// Tells a cluster's workers, by its mailbox, that the keys before those in use go.
    ///
    /// # Errors
    /// When the mailbox is full.
    fn push_retirement(cluster: &ClusterId) -> DispatchResult;
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
    /// A contract's key by the seed that its cluster uses now was told in the place of one before.
    ///
    /// # Errors
    /// When the contract belongs to another cluster.
    fn on_contract_key_rotated(
        cluster: &ClusterId,
        contract: &ContractId,
        public_key: &[u8; 32],
    ) -> DispatchResult;
}
