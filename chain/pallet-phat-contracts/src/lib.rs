//! Clusters, code and contracts: what the network runs, and who runs it. Runtime name
//! `PhalaPhatContracts`.
//!
//! # Words
//!
//! A *cluster* is a set of workers that share a key and run the same *contracts* in the same order.
//! *Code* is a contract's WebAssembly, stored here once under its hash. A *checkpoint* is a worker's word
//! on the cluster's state root after the mailbox entries below a number. What more than half of the
//! cluster's active workers say alike is *agreed*; who says something else is *suspended*. A worker that was
//! taken in and has not caught up yet is *joining* (ADR 0023).
//!
//! # Life cycle
//!
//! Root makes a cluster of active workers that belong to no other; its first mailbox entry sets it up.
//! Later its owner takes in workers that their operators offer, and lets workers go; operators take
//! theirs back. Permitted accounts upload code and instantiate contracts; anybody sends commands and PHA. All of
//! it becomes mailbox entries, run off chain by every worker of the cluster. Workers tell
//! contracts' keys, which makes contracts known as instantiated, and their checkpoints. What is agreed may
//! be pruned from the mailbox, so a new worker may need a snapshot from a peer. A
//! destroyed cluster frees its workers at once, and its other records in bounded steps.
//!
//! # Threats
//!
//! - A worker that computes wrongly: its checkpoint differs from the agreed one, and it is suspended. Where
//!   no majority is possible, as of two, an event names both, nothing is agreed, and the owner decides.
//! - A worker that is rolled back or cloned: where it contradicts its own checkpoint it is suspended.
//! - A worker that reports numbers that others do not have: it pushes out its own, not theirs.
//! - An owner who takes a worker without its operator's consent: needs his offer, by the account that
//!   operates the worker at that time. Root needs none.
//! - Floods: code takes a deposit by the byte, entries pay for their length, full mailboxes refuse.
//!
//! # Limits
//!
//! See `primitives::bounds`. PHA moved into a cluster cannot come back yet; that of a destroyed
//! cluster stays in its account.
//!
//! Maps are keyed by `Twox64Concat`: keys are hashes and public keys, and old clients expect it.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod agreement;
mod clusters;
mod contracts;
mod membership;
mod messages;
mod traits;
mod try_state;
mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use traits::{ContractClusters, OnDivergence};
pub use types::{
    AgreedCheckpoint, AgreedRoot, Checkpoint, ClusterCode, ClusterInfo, ClusterPermission,
    ClusterResourceType, CodeIndex, CodeInfo, ContractInfo, OfferedWorker, OutstandingNumber,
    ReceiptLogRoot, Report, Suspension, WorkerOffer,
};

/// Most records that one call clears of a destroyed cluster.
pub const CLEARED_PER_CALL_MAX: u32 = 128;
/// Most numbers above the agreed one at which a cluster's reports are kept.
pub const OUTSTANDING_MAX: u32 = 64;
/// How many agreed roots a cluster's late reports are held against.
pub const AGREED_ROOTS_MAX: u32 = 64;
/// Most numbers that one report drops for being below the agreed one.
pub const DROPPED_PER_REPORT_MAX: usize = 8;
/// Most clusters whose contracts hear of the ends of blocks.
pub const HOOKED_CLUSTERS_MAX: u32 = 32;

/// The pallet.
#[allow(
    clippy::expect_used,
    clippy::too_many_arguments,
    reason = "FRAME's macros expand to it, with calls of as many arguments as old clients send"
)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use pallet_mailbox::Mailbox;
    use pallet_worker_registry::{KeyStore, WorkerDirectory, WorkerRecords};
    use polkadot_sdk::{
        frame_support::{
            pallet_prelude::*,
            traits::fungible::{Inspect, Mutate, MutateHold},
        },
        frame_system::pallet_prelude::*,
        sp_core::{H256, sr25519},
        sp_runtime::{AccountId32, SaturatedConversion},
    };
    use primitives::bounds::{CLUSTER_CONTRACTS_MAX, CLUSTER_WORKERS_MAX, CODE_BYTES_MAX};
    use primitives::{Balance, BlockNumber, StateRoot};
    use wire::limits::ClusterLimits;

    /// The version of the storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet's handle.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<AccountId = AccountId32> {
        /// Money, for deposits and transfers to clusters.
        type Currency: Inspect<AccountId32, Balance = Balance>
            + Mutate<AccountId32>
            + MutateHold<AccountId32, Reason = Self::RuntimeHoldReason>;
        /// Reasons to hold money.
        type RuntimeHoldReason: From<HoldReason>;
        /// Who the workers are.
        type Workers: WorkerDirectory + KeyStore + WorkerRecords<AccountId32>;
        /// How workers hear of what to do.
        type Mailbox: Mailbox;
        /// Who hears of workers that differ from their cluster.
        type OnDivergence: OnDivergence;
        /// Who may make and destroy clusters.
        type ClusterOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Held from who uploads code, for each byte.
        #[pallet::constant]
        type CodeDepositPerByte: Get<Balance>;
        /// The least that may be transferred to a cluster.
        #[pallet::constant]
        type TransferMin: Get<Balance>;
    }

    /// Why money is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// For uploaded code; given back when the code goes.
        CodeUpload,
    }

    /// How many clusters were ever made; the last one's id.
    #[pallet::storage]
    pub type ClusterCounter<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Clusters.
    #[pallet::storage]
    pub type Clusters<T: Config> = StorageMap<_, Twox64Concat, H256, ClusterInfo<AccountId32>>;

    /// The workers of each cluster.
    #[pallet::storage]
    pub type ClusterWorkers<T: Config> = StorageMap<
        _,
        Twox64Concat,
        H256,
        BoundedVec<sr25519::Public, ConstU32<CLUSTER_WORKERS_MAX>>,
        ValueQuery,
    >;

    /// The cluster that each assigned worker belongs to.
    #[pallet::storage]
    pub type ClusterByWorkers<T: Config> = StorageMap<_, Twox64Concat, sr25519::Public, H256>;

    /// The contracts of each cluster that have told their keys.
    #[pallet::storage]
    pub type ClusterContracts<T: Config> = StorageMap<
        _,
        Twox64Concat,
        H256,
        BoundedVec<H256, ConstU32<CLUSTER_CONTRACTS_MAX>>,
        ValueQuery,
    >;

    /// Contracts that have not told their keys: not run yet, or failed.
    #[pallet::storage]
    pub type PendingContracts<T: Config> =
        StorageDoubleMap<_, Twox64Concat, H256, Twox64Concat, H256, ()>;

    /// How many contracts each cluster has, pending ones included.
    #[pallet::storage]
    pub type ContractCount<T: Config> = StorageMap<_, Twox64Concat, H256, u32, ValueQuery>;

    /// Contracts.
    #[pallet::storage]
    pub type Contracts<T: Config> = StorageMap<_, Twox64Concat, H256, ContractInfo<AccountId32>>;

    /// Code by hash: what workers fetch.
    #[pallet::storage]
    pub type CodeBlobs<T: Config> =
        StorageMap<_, Twox64Concat, H256, BoundedVec<u8, ConstU32<CODE_BYTES_MAX>>>;

    /// Who pays for each code, and how often it is used.
    #[pallet::storage]
    pub type CodeInfos<T: Config> = StorageMap<_, Twox64Concat, H256, CodeInfo<AccountId32>>;

    /// The codes of each cluster.
    #[pallet::storage]
    pub type ClusterCodes<T: Config> =
        StorageDoubleMap<_, Twox64Concat, H256, Twox64Concat, H256, ClusterCode>;

    /// The last checkpoint of each worker.
    #[pallet::storage]
    pub type Checkpoints<T: Config> =
        StorageDoubleMap<_, Twox64Concat, H256, Twox64Concat, sr25519::Public, Checkpoint>;

    /// The newest checkpoint that each cluster's workers agree on. Its number never falls.
    #[pallet::storage]
    pub type AgreedCheckpoints<T: Config> = StorageMap<_, Twox64Concat, H256, AgreedCheckpoint>;

    /// The last agreed roots of each cluster, by growing number.
    #[pallet::storage]
    pub type AgreedRoots<T: Config> = StorageMap<
        _,
        Twox64Concat,
        H256,
        BoundedVec<AgreedRoot, ConstU32<AGREED_ROOTS_MAX>>,
        ValueQuery,
    >;

    /// The numbers at which there are [`Reports`], growing. Those that are not above the agreed one go
    /// with the next reports.
    #[pallet::storage]
    pub type Outstanding<T: Config> = StorageMap<
        _,
        Twox64Concat,
        H256,
        BoundedVec<OutstandingNumber, ConstU32<OUTSTANDING_MAX>>,
        ValueQuery,
    >;

    /// What each cluster's workers say at numbers that are not agreed yet; one report of each worker.
    #[pallet::storage]
    pub type Reports<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        H256,
        Twox64Concat,
        u64,
        BoundedVec<Report, ConstU32<CLUSTER_WORKERS_MAX>>,
        ValueQuery,
    >;

    /// Workers that differ from their cluster, and in what.
    #[pallet::storage]
    pub type Suspensions<T: Config> =
        StorageDoubleMap<_, Twox64Concat, H256, Twox64Concat, sr25519::Public, Suspension>;

    /// The workers of each cluster that have a suspension.
    #[pallet::storage]
    pub type SuspendedWorkers<T: Config> = StorageMap<
        _,
        Twox64Concat,
        H256,
        BoundedVec<sr25519::Public, ConstU32<CLUSTER_WORKERS_MAX>>,
        ValueQuery,
    >;

    /// The workers of each cluster that were taken in and have not reported an agreed root since.
    #[pallet::storage]
    pub type JoiningWorkers<T: Config> = StorageMap<
        _,
        Twox64Concat,
        H256,
        BoundedVec<sr25519::Public, ConstU32<CLUSTER_WORKERS_MAX>>,
        ValueQuery,
    >;

    /// Workers that their operators offer to clusters' owners.
    #[pallet::storage]
    pub type WorkerOffers<T: Config> = StorageMap<_, Twox64Concat, sr25519::Public, OfferedWorker>;

    /// The newest intervals of each worker's log of receipts, by worker and number: at most
    /// `wire::receipt::LOG_INTERVALS_KEPT`. They outlast the worker's time in its cluster.
    #[pallet::storage]
    pub type ReceiptLogs<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        sr25519::Public,
        Twox64Concat,
        u64,
        ReceiptLogRoot,
    >;

    /// How many intervals of its log of receipts each worker has reported: the next one's number.
    #[pallet::storage]
    pub type ReceiptLogNext<T: Config> = StorageMap<_, Twox64Concat, sr25519::Public, u64, ValueQuery>;

    /// What each cluster's contracts may use, where its owner has set it; else the default holds.
    #[pallet::storage]
    pub type Limits<T: Config> = StorageMap<_, Twox64Concat, H256, ClusterLimits>;

    /// Clusters whose contracts hear of the ends of blocks, and of every how many'th.
    #[pallet::storage]
    pub type BlockHooks<T: Config> = CountedStorageMap<_, Twox64Concat, H256, BlockNumber>;

    /// Clusters whose owners do not want the protocol of the original network, and since which block
    /// (ADR 0036).
    #[pallet::storage]
    pub type CompatibleEdgesClosed<T: Config> = StorageMap<_, Twox64Concat, H256, BlockNumber>;

    /// Destroyed clusters with records left to clear.
    #[pallet::storage]
    pub type DestroyedClusters<T: Config> = StorageMap<_, Twox64Concat, H256, ()>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A cluster was made.
        ClusterCreated {
            /// The cluster.
            cluster: H256,
            /// Its system contract; zero for none.
            system_contract: H256,
        },
        /// A cluster has its public key.
        ClusterPubkeyAvailable {
            /// The cluster.
            cluster: H256,
            /// Its key.
            pubkey: sr25519::Public,
        },
        /// A cluster was destroyed.
        ClusterDestroyed {
            /// The cluster.
            cluster: H256,
        },
        /// The last record of a destroyed cluster is gone.
        ClusterCleared {
            /// The cluster.
            cluster: H256,
        },
        /// A worker left its cluster.
        WorkerRemovedFromCluster {
            /// The worker.
            worker: sr25519::Public,
            /// The cluster.
            cluster: H256,
        },
        /// Code is available to a cluster.
        CodeUploaded {
            /// The cluster.
            cluster: H256,
            /// The code's hash.
            code_hash: H256,
            /// Who uploaded it.
            owner: AccountId32,
        },
        /// Code was taken from a cluster.
        CodeRemoved {
            /// The cluster.
            cluster: H256,
            /// The code's hash.
            code_hash: H256,
        },
        /// The workers are told to make a contract.
        Instantiating {
            /// The contract.
            contract: H256,
            /// Where.
            cluster: H256,
            /// Who deploys it.
            deployer: AccountId32,
        },
        /// A contract has its public key.
        ContractPubkeyAvailable {
            /// The contract.
            contract: H256,
            /// Where.
            cluster: H256,
            /// Its key.
            pubkey: sr25519::Public,
        },
        /// A contract was made.
        Instantiated {
            /// The contract.
            contract: H256,
            /// Where.
            cluster: H256,
            /// Who deployed it: an account, or a contract's account.
            deployer: H256,
        },
        /// PHA went into a cluster.
        Transfered {
            /// The cluster.
            cluster: H256,
            /// Whose balance there grows.
            account: H256,
            /// By how much.
            amount: Balance,
        },
        /// What a cluster's contracts may use was set.
        LimitsSet {
            /// The cluster.
            cluster: H256,
            /// The limits.
            limits: ClusterLimits,
        },
        /// A cluster's contracts hear of the ends of blocks, or no more.
        BlockHooksSet {
            /// The cluster.
            cluster: H256,
            /// Of every how many'th block; `None` for none.
            every: Option<BlockNumber>,
        },
        /// Clients of the original network may ask the contracts of a cluster and command them in their
        /// format, or may no more.
        CompatibleEdgeSet {
            /// The cluster.
            cluster: H256,
            /// Whether they may.
            open: bool,
        },
        /// A worker joined a cluster.
        WorkerAddedToCluster {
            /// The worker.
            worker: sr25519::Public,
            /// The cluster.
            cluster: H256,
        },
        /// A worker has lost its cluster's state, and gives its vote up until it has it again.
        WorkerStateLost {
            /// The worker.
            worker: sr25519::Public,
            /// The cluster.
            cluster: H256,
        },
        /// An operator said which cluster's owner may take a worker in.
        WorkerOffered {
            /// The worker.
            worker: sr25519::Public,
            /// Whose.
            offer: WorkerOffer,
        },
        /// A cluster's workers agree on a state.
        CheckpointAgreed {
            /// The cluster.
            cluster: H256,
            /// After the entries below this number.
            next_number: u64,
            /// The root.
            state_root: StateRoot,
        },
        /// A worker differs from its cluster, or contradicts itself. It is suspended: it must not serve.
        WorkerDiverged {
            /// The cluster.
            cluster: H256,
            /// The worker.
            worker: sr25519::Public,
            /// After the entries below this number.
            next_number: u64,
            /// What it reported.
            reported: StateRoot,
            /// What is agreed, or what it had reported before.
            agreed: StateRoot,
        },
        /// A suspended worker reported an agreed state again, and may serve.
        WorkerConforms {
            /// The cluster.
            cluster: H256,
            /// The worker.
            worker: sr25519::Public,
            /// After the entries below this number.
            next_number: u64,
        },
        /// Two workers report different states after the same entries, and neither has a majority: one
        /// computed wrongly, and the chain cannot tell which.
        CheckpointDiffers {
            /// The cluster.
            cluster: H256,
            /// After the entries below this number.
            next_number: u64,
            /// The worker that reported now.
            worker: sr25519::Public,
            /// What it reported.
            state_root: StateRoot,
            /// The worker that reported before.
            other: sr25519::Public,
            /// What that reported.
            other_state_root: StateRoot,
        },
    }

    /// Why a call or message is refused.
    #[pallet::error]
    pub enum Error<T> {
        /// A cluster needs at least one worker.
        NoWorkerSpecified,
        /// There are more workers than a cluster may have.
        TooManyWorkers,
        /// A worker is not registered, expired, or runs a build that is allowed no more.
        WorkerNotActive,
        /// A worker belongs to a cluster already, or is named twice.
        WorkerIsBusy,
        /// The worker does not belong to the cluster.
        WorkerNotFound,
        /// The cluster's last worker stays; destroy the cluster instead.
        LastWorker,
        /// No such cluster.
        ClusterNotFound,
        /// The account may not deploy to this cluster.
        ClusterPermissionDenied,
        /// The cluster has as many contracts as it may have.
        TooManyContracts,
        /// This kind of resource is not supported; only InkCode is.
        ResourceNotSupported,
        /// A limit is below the least or above the most that can be set.
        InvalidLimits,
        /// Hooks run every so many blocks, at least one.
        InvalidInterval,
        /// As many clusters as can be hear of the ends of blocks.
        TooManyHookedClusters,
        /// The code is longer than 6 MiB.
        PayloadTooLarge,
        /// The code is not WebAssembly.
        InvalidCode,
        /// The cluster has no such code; upload it first.
        CodeNotFound,
        /// Only who uploaded the code may remove it.
        NotCodeOwner,
        /// A contract uses the code, or a worker has not read it yet.
        CodeInUse,
        /// The salt is longer than 64 bytes.
        SaltTooLong,
        /// The constructor's input is longer than 64 KiB.
        InputTooLong,
        /// A contract with this deployer, code and salt exists; choose another salt.
        DuplicatedContract,
        /// No such contract.
        ContractNotFound,
        /// The contract belongs to another cluster.
        ContractOfOtherCluster,
        /// The command is empty or longer than 64 KiB.
        CommandTooLong,
        /// The amount is less than the least that can be transferred.
        AmountTooSmall,
        /// The worker does not belong to the cluster that it reports on.
        InvalidSender,
        /// The checkpoint reports entries that do not exist.
        CheckpointAhead,
        /// The checkpoint reports fewer entries than the worker's last one.
        CheckpointBehind,
        /// The interval is not the next one of the worker's log of receipts.
        ReceiptLogGap,
        /// An interval without receipts is not logged.
        ReceiptLogEmpty,
        /// The pallet does not handle messages of this kind.
        UnknownMessage,
        /// The cluster is not one that was destroyed, or nothing of it is left.
        NothingToClear,
        /// Only the account that operates the worker may do this; the worker names it when it registers.
        NotOperator,
        /// The worker's operator does not offer it to this cluster: he calls `offer_worker` first.
        WorkerNotOffered,
        /// The cluster's owner does not want commands that are sealed in the format of the original
        /// network; send it by a client of this one.
        CompatibleEdgeClosed,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            // Charged here for what the end of the block does.
            weights::push_block_ends::<T>(BlockHooks::<T>::count())
        }

        fn on_finalize(number: BlockNumberFor<T>) {
            Self::push_block_ends(number.saturated_into());
        }

        fn integrity_test() {
            assert!(T::CodeDepositPerByte::get() > 0, "code must cost a deposit");
            assert!(
                T::TransferMin::get() >= T::Currency::minimum_balance(),
                "a cluster's account could not take the least transfer"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(
            _: BlockNumberFor<T>,
        ) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Makes a cluster of active workers that belong to none. `deposit`, from the owner, becomes
        /// the owner's balance in the cluster; 0 for none.
        #[pallet::call_index(0)]
        #[pallet::weight(weights::add_cluster::<T>(deploy_workers.len() as u64))]
        #[expect(
            clippy::too_many_arguments,
            reason = "the names and order that clients know"
        )]
        pub fn add_cluster(
            origin: OriginFor<T>,
            owner: AccountId32,
            permission: ClusterPermission<AccountId32>,
            deploy_workers: Vec<sr25519::Public>,
            deposit: Balance,
            gas_price: Balance,
            deposit_per_item: Balance,
            deposit_per_byte: Balance,
            treasury_account: AccountId32,
        ) -> DispatchResult {
            T::ClusterOrigin::ensure_origin(origin)?;
            let info = ClusterInfo {
                owner,
                permission,
                system_contract: H256::zero(),
                gas_price,
                deposit_per_item,
                deposit_per_byte,
            };
            Self::do_add_cluster(info, deploy_workers, deposit, treasury_account)
        }

        /// Uploads code for the contracts of a cluster. New code takes a deposit by the byte.
        #[pallet::call_index(1)]
        #[pallet::weight(weights::upload_resource::<T>(resource_data.len() as u64))]
        pub fn cluster_upload_resource(
            origin: OriginFor<T>,
            cluster_id: H256,
            resource_type: ClusterResourceType,
            resource_data: Vec<u8>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_upload_resource(owner, cluster_id, resource_type, resource_data)
        }

        /// Moves PHA into a cluster, to the balance of an account there.
        #[pallet::call_index(2)]
        #[pallet::weight(weights::transfer_to_cluster::<T>())]
        pub fn transfer_to_cluster(
            origin: OriginFor<T>,
            amount: Balance,
            cluster_id: H256,
            dest_account: AccountId32,
        ) -> DispatchResult {
            let source = ensure_signed(origin)?;
            Self::do_transfer_to_cluster(&source, amount, cluster_id, &dest_account)
        }

        /// Sends a command to a contract. `deposit` moves into the sender's balance in the cluster
        /// first; 0 for none.
        #[pallet::call_index(3)]
        #[pallet::weight(weights::push_contract_message::<T>(payload.len() as u64))]
        pub fn push_contract_message(
            origin: OriginFor<T>,
            contract_id: H256,
            payload: Vec<u8>,
            deposit: Balance,
        ) -> DispatchResult {
            let sender = ensure_signed(origin)?;
            Self::do_push_contract_message(sender, contract_id, payload, deposit)
        }

        /// Makes a contract from uploaded code. `deposit` moves into the deployer's balance in the
        /// cluster first; 0 for none.
        #[pallet::call_index(4)]
        #[pallet::weight(weights::instantiate_contract::<T>(data.len() as u64))]
        #[expect(
            clippy::too_many_arguments,
            reason = "the names and order that clients know"
        )]
        pub fn instantiate_contract(
            origin: OriginFor<T>,
            code_index: CodeIndex,
            data: Vec<u8>,
            salt: Vec<u8>,
            cluster_id: H256,
            transfer: Balance,
            gas_limit: u64,
            storage_deposit_limit: Option<Balance>,
            deposit: Balance,
        ) -> DispatchResult {
            let deployer = ensure_signed(origin)?;
            let CodeIndex::WasmCode(code_hash) = code_index;
            let instantiation = contracts::Instantiation {
                code_hash,
                data,
                salt,
                transfer,
                gas_limit,
                storage_deposit_limit,
            };
            Self::do_instantiate_contract(deployer, cluster_id, instantiation, deposit)
        }

        /// Destroys a cluster: its workers are free at once; what is left of it goes by
        /// `clear_cluster`.
        #[pallet::call_index(5)]
        #[pallet::weight(weights::cluster_destroy::<T>())]
        pub fn cluster_destroy(origin: OriginFor<T>, cluster: H256) -> DispatchResult {
            T::ClusterOrigin::ensure_origin(origin)?;
            Self::do_cluster_destroy(cluster)
        }

        /// Clears some records of a destroyed cluster. Anybody may, until none is left.
        #[pallet::call_index(6)]
        #[pallet::weight(weights::clear_cluster::<T>())]
        pub fn clear_cluster(origin: OriginFor<T>, cluster: H256) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_clear_cluster(cluster)
        }

        /// Takes code that no contract uses from a cluster, by who uploaded it. With the last cluster
        /// goes the code, and the deposit comes back.
        #[pallet::call_index(7)]
        #[pallet::weight(weights::remove_code::<T>())]
        pub fn remove_code(
            origin: OriginFor<T>,
            cluster_id: H256,
            code_hash: H256,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove_code(&owner, cluster_id, code_hash)
        }

        /// Takes a worker out of a cluster, by root or the cluster's owner; not the last one.
        #[pallet::call_index(8)]
        #[pallet::weight(weights::remove_worker::<T>())]
        pub fn remove_worker_from_cluster(
            origin: OriginFor<T>,
            worker: sr25519::Public,
            cluster_id: H256,
        ) -> DispatchResult {
            let who = ensure_signed_or_root(origin)?;
            Self::do_remove_worker(who.as_ref(), worker, cluster_id)
        }

        /// Sets what the contracts of a cluster may use, by root or the cluster's owner. Holds from the
        /// mailbox entry that this makes.
        #[pallet::call_index(9)]
        #[pallet::weight(weights::set_cluster_limits::<T>())]
        pub fn set_cluster_limits(
            origin: OriginFor<T>,
            cluster_id: H256,
            limits: ClusterLimits,
        ) -> DispatchResult {
            let who = ensure_signed_or_root(origin)?;
            Self::do_set_limits(who.as_ref(), cluster_id, limits)
        }

        /// Lets a cluster's contracts hear of the end of every so many'th block, or of none, by root or the
        /// cluster's owner. Each time is a mailbox entry.
        #[pallet::call_index(10)]
        #[pallet::weight(weights::set_block_hooks::<T>())]
        pub fn set_block_hooks(
            origin: OriginFor<T>,
            cluster_id: H256,
            every: Option<BlockNumber>,
        ) -> DispatchResult {
            let who = ensure_signed_or_root(origin)?;
            Self::do_set_block_hooks(who.as_ref(), cluster_id, every)
        }

        /// Says which cluster's owner may take a worker in, by the account that operates it. Holds until
        /// another offer, until the operator takes the worker back, or until another account operates it.
        #[pallet::call_index(11)]
        #[pallet::weight(weights::offer_worker::<T>())]
        pub fn offer_worker(
            origin: OriginFor<T>,
            worker: sr25519::Public,
            offer: WorkerOffer,
        ) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_offer_worker(operator, worker, offer)
        }

        /// Takes an active worker that belongs to no cluster into a cluster, by root, or by the cluster's
        /// owner where the worker's operator offers it.
        #[pallet::call_index(12)]
        #[pallet::weight(weights::add_worker::<T>())]
        pub fn add_worker_to_cluster(
            origin: OriginFor<T>,
            worker: sr25519::Public,
            cluster_id: H256,
        ) -> DispatchResult {
            let who = ensure_signed_or_root(origin)?;
            Self::do_add_worker(who.as_ref(), worker, cluster_id)
        }

        /// Takes a worker out of its cluster, by the account that operates it; not the last one. Its offer
        /// ends.
        #[pallet::call_index(13)]
        #[pallet::weight(weights::leave_cluster::<T>())]
        pub fn leave_cluster(origin: OriginFor<T>, worker: sr25519::Public) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_leave_cluster(&who, worker)
        }

        /// Begins to rotate a cluster's keys, by root or the cluster's owner; by anybody where a worker
        /// has them whose build is not allowed any more. Once its workers have the new ones, commands to
        /// those before open for `window_blocks` more blocks, 600 where nothing is said.
        #[pallet::call_index(20)]
        #[pallet::weight(weights::rotate_cluster_keys::<T>())]
        pub fn rotate_cluster_keys(
            origin: OriginFor<T>,
            cluster_id: H256,
            window_blocks: Option<BlockNumber>,
        ) -> DispatchResult {
            let who = ensure_signed_or_root(origin)?;
            Self::do_rotate_keys(who.as_ref(), cluster_id, window_blocks)
        }

        /// Lets clients of the original network ask the contracts of a cluster and command them in their
        /// format, or not, by root or the cluster's owner. A new cluster does.
        #[pallet::call_index(21)]
        #[pallet::weight(weights::set_compatible_edge::<T>())]
        pub fn set_compatible_edge(
            origin: OriginFor<T>,
            cluster_id: H256,
            open: bool,
        ) -> DispatchResult {
            let who = ensure_signed_or_root(origin)?;
            Self::do_set_compatible_edge(who.as_ref(), cluster_id, open)
        }
    }
}
