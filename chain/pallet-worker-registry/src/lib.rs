//! The worker registry: which workers exist, what their hardware proved, where they are reached,
//! and the public keys of the network, its clusters and its contracts. Runtime name `PhalaRegistry`.
//!
//! # Words
//!
//! A *worker* is one program in a TEE, named by the sr25519 key it made there. Its *registration*
//! names that key, the HPKE key that requests are sealed to, and the network; its *evidence* is a
//! DCAP quote over the registration's hash. The *registrant* is the account that paid. A
//! *gatekeeper* is a worker that the network appointed to hold a share of its key; how they come to
//! the shares is `pallet-gatekeepers`.
//!
//! # Life cycle
//!
//! Any account brings a worker's registration and evidence ([`Pallet::register_worker_v2`]); the
//! chain judges it with the `attestation` crate against the allowed measurements, the accepted roots
//! and the worst tolerated tier. The record expires when the collateral does, or after
//! the registration lifetime; the worker renews it by the same call. Anybody may remove an expired
//! record that nothing uses; the registrant gets the deposit back.
//!
//! What lets more workers in is announced first and counts after a notice; what shuts workers out counts at
//! once ([`notice`]).
//!
//! # Threats
//!
//! - A quote made for another network or another key: its report data does not match.
//! - An old quote brought again: `made_at_ms` must grow, and may not be older than a lifetime.
//! - An old announcement of endpoints brought again: its signing time must grow, and is bound to
//!   the network by its domain.
//! - Development evidence on a public network: a Development root is refused unless the network
//!   was born as a development network.
//! - A bad worker in a cluster: the first cluster key that a member tells stays. A member that has
//!   put another one together says so, which is an event that names both.
//! - A worker that is copied or restarted on an old disk: the process says a fresh number, serves nothing before
//!   a final block has it, and stops where another number replaces it.
//!
//! # Limits
//!
//! See `primitives::bounds`. A record takes a deposit, so the number of workers is bounded by money.
//!
//! Maps are keyed by `Twox64Concat`: every key is a public key or hash that an attacker cannot
//! choose freely into a short collision of practical use, and old clients expect this hasher.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod impls;
pub mod notice;
mod places;
mod traits;
mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use notice::TrustChange;
pub use pallet::*;
pub use traits::{
    ClusterKeyDirectory, Clusters, GatekeeperDirectory, GatekeeperSet, KeyStore, SeedStore,
    SeedsInUse, WorkerDirectory, WorkerRecords,
};
pub use types::{
    BoundedEndpoints, DeclaredPlace, GenesisRoot, Instance, NextClusterKey, WorkerInfo, WorkerPlace,
};

/// Money of the pallet.
pub type BalanceOf<T> =
    <<T as Config>::Currency as polkadot_sdk::frame_support::traits::fungible::Inspect<
        <T as polkadot_sdk::frame_system::Config>::AccountId,
    >>::Balance;

/// The pallet.
#[allow(
    clippy::expect_used,
    clippy::large_enum_variant,
    reason = "FRAME's macros expand to it"
)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use attestation::{AcceptedRoot, Evidence};
    use polkadot_sdk::{
        frame_support::{
            pallet_prelude::*,
            traits::{UnixTime, fungible::MutateHold},
        },
        frame_system::pallet_prelude::*,
        sp_core::{H256, sr25519},
        sp_runtime::AccountId32,
    };
    use primitives::bounds::{GATEKEEPERS_MAX, ROOTS_MAX};
    use primitives::{HpkePublicKey, Measurement};
    use wire::registration::{WorkerEndpointPayload, WorkerRegistration};

    /// The version of the storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet's handle.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<AccountId = AccountId32> {
        /// Money, for deposits.
        type Currency: MutateHold<AccountId32, Reason = Self::RuntimeHoldReason>;
        /// Reasons to hold money.
        type RuntimeHoldReason: From<HoldReason>;
        /// The chain's clock.
        type UnixTime: UnixTime;
        /// What clusters there are.
        type Clusters: Clusters;
        /// Who keeps shares of clusters' seeds.
        type Seeds: SeedStore;
        /// Held for each record, from its registrant.
        #[pallet::constant]
        type RegistrationDeposit: Get<BalanceOf<Self>>;
        /// Who may give trust: allow builds, accept roots, tolerate tiers. It counts after the notice.
        type TrustOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Who may take trust away at once: disallow builds, ban workers.
        type DistrustOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Who may appoint and dismiss gatekeepers.
        type GatekeeperOrigin: EnsureOrigin<Self::RuntimeOrigin>;
    }

    /// Why money is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// For a worker's record; given back when the record goes.
        WorkerRegistration,
    }

    /// Registered workers, by identity key.
    #[pallet::storage]
    pub type Workers<T: Config> =
        StorageMap<_, Twox64Concat, sr25519::Public, WorkerInfo<AccountId32>>;

    /// The block that first took in each registered worker.
    #[pallet::storage]
    pub type WorkerAddedAt<T: Config> =
        StorageMap<_, Twox64Concat, sr25519::Public, BlockNumberFor<T>>;

    /// What is held from the registrant for each record.
    #[pallet::storage]
    pub type RegistrationDeposits<T: Config> =
        StorageMap<_, Twox64Concat, sr25519::Public, BalanceOf<T>>;

    /// Where each worker is reached.
    #[pallet::storage]
    pub type Endpoints<T: Config> = StorageMap<_, Twox64Concat, sr25519::Public, BoundedEndpoints>;

    /// When each worker signed its endpoints, milliseconds since 1970.
    #[pallet::storage]
    pub type EndpointsSignedAt<T: Config> = StorageMap<_, Twox64Concat, sr25519::Public, u64>;

    /// Where each worker stands, by the word of the account that operates it.
    #[pallet::storage]
    pub type WorkerPlaces<T: Config> =
        StorageMap<_, Twox64Concat, sr25519::Public, DeclaredPlace<AccountId32>>;

    /// The process that speaks for each worker that has said so.
    #[pallet::storage]
    pub type Instances<T: Config> =
        StorageMap<_, Twox64Concat, sr25519::Public, Instance<BlockNumberFor<T>>>;

    /// Allowed worker builds, with the block that allowed each.
    #[pallet::storage]
    pub type AllowedMeasurements<T: Config> =
        CountedStorageMap<_, Twox64Concat, Measurement, BlockNumberFor<T>>;

    /// Whose signature on evidence counts.
    #[pallet::storage]
    pub type AcceptedRoots<T: Config> =
        StorageValue<_, BoundedVec<AcceptedRoot, ConstU32<ROOTS_MAX>>, ValueQuery>;

    /// The worst accepted tier, 1 best to 5 worst.
    #[pallet::storage]
    pub type TierMax<T: Config> = StorageValue<_, u8, ValueQuery>;

    /// How long a registration holds at most, milliseconds.
    #[pallet::storage]
    pub type RegistrationLifetimeMs<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// How many blocks pass between the announcement of trust and its effect. Set at genesis, never after.
    #[pallet::storage]
    pub type NoticeBlocks<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Trust that is announced and does not count yet.
    #[pallet::storage]
    pub type PendingTrust<T: Config> = StorageValue<_, notice::Pending<T>, ValueQuery>;

    /// Workers that may not be registered, with the block of the ban.
    #[pallet::storage]
    pub type BannedWorkers<T: Config> =
        StorageMap<_, Twox64Concat, sr25519::Public, BlockNumberFor<T>>;

    /// Appointed gatekeepers, in order of appointment.
    #[pallet::storage]
    pub type Gatekeeper<T: Config> =
        StorageValue<_, BoundedVec<sr25519::Public, ConstU32<GATEKEEPERS_MAX>>, ValueQuery>;

    /// The network's public key: the point of the key that the gatekeepers share, once they do.
    #[pallet::storage]
    pub type GatekeeperMasterPubkey<T: Config> = StorageValue<_, sr25519::Public>;

    /// The public key of each cluster.
    #[pallet::storage]
    pub type ClusterKeys<T: Config> = StorageMap<_, Twox64Concat, H256, sr25519::Public>;

    /// Which worker told each cluster's key.
    #[pallet::storage]
    pub type ClusterKeyTellers<T: Config> = StorageMap<_, Twox64Concat, H256, sr25519::Public>;

    /// The key that a cluster is to use next, while its keys are being rotated.
    #[pallet::storage]
    pub type NextClusterKeys<T: Config> = StorageMap<_, Twox64Concat, H256, NextClusterKey>;

    /// By which of its cluster's seeds each contract's keys were made; the first where nothing is said.
    #[pallet::storage]
    pub type ContractKeyRotations<T: Config> =
        StorageMap<_, Twox64Concat, H256, u32, ValueQuery>;

    /// The sr25519 public key of each contract.
    #[pallet::storage]
    pub type ContractKeys<T: Config> = StorageMap<_, Twox64Concat, H256, sr25519::Public>;

    /// The HPKE public key of each contract: what commands are sealed to.
    #[pallet::storage]
    pub type ContractHpkeKeys<T: Config> = StorageMap<_, Twox64Concat, H256, HpkePublicKey>;

    /// Whether this network may accept development evidence. Set at genesis, never after.
    #[pallet::storage]
    pub type DevelopmentNetwork<T: Config> = StorageValue<_, bool, ValueQuery>;

    /// How the registry starts.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Whether development evidence may ever be accepted.
        pub development_network: bool,
        /// Whose evidence counts.
        pub accepted_roots: Vec<GenesisRoot>,
        /// Allowed builds.
        pub allowed_measurements: Vec<H256>,
        /// Worst accepted tier, 1 to 5.
        pub tier_max: u8,
        /// How long a registration holds at most, milliseconds.
        pub registration_lifetime_ms: u64,
        /// Blocks between the announcement of trust and its effect; 0 on development networks alone.
        pub notice_blocks: u32,
        /// Ties the configuration to the runtime.
        #[serde(skip)]
        pub phantom: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self {
                development_network: false,
                accepted_roots: alloc::vec![GenesisRoot::Intel],
                allowed_measurements: Vec::new(),
                tier_max: 3,
                registration_lifetime_ms: impls::LIFETIME_MS_DEFAULT,
                notice_blocks: notice::NOTICE_BLOCKS_DEFAULT,
                phantom: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            Pallet::<T>::build_genesis(self);
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A worker was registered for the first time.
        WorkerAdded {
            /// The worker.
            pubkey: sr25519::Public,
            /// Its measured build.
            measurement: Measurement,
            /// Confidence, 1 best to 5 worst.
            confidence_level: u8,
            /// When the registration ends, milliseconds since 1970.
            expires_at_ms: u64,
        },
        /// A worker renewed its registration.
        WorkerUpdated {
            /// The worker.
            pubkey: sr25519::Public,
            /// Its measured build.
            measurement: Measurement,
            /// Confidence, 1 best to 5 worst.
            confidence_level: u8,
            /// When the registration ends, milliseconds since 1970.
            expires_at_ms: u64,
        },
        /// An expired worker was removed and its deposit given back.
        WorkerRemoved {
            /// The worker.
            pubkey: sr25519::Public,
        },
        /// A process of a worker started: another one that speaks for the worker stops.
        InstanceStarted {
            /// The worker.
            pubkey: sr25519::Public,
            /// The number that the process made up.
            nonce: [u8; 32],
        },
        /// A worker announced where it is reached.
        WorkerEndpointUpdated {
            /// The worker.
            pubkey: sr25519::Public,
            /// When it signed, milliseconds since 1970.
            signing_time: u64,
        },
        /// An operator declared where a worker stands, or took the declaration back.
        WorkerPlaceDeclared {
            /// The worker.
            pubkey: sr25519::Public,
            /// Where; `None` for nowhere.
            place: Option<WorkerPlace>,
        },
        /// A worker was appointed gatekeeper.
        GatekeeperAdded {
            /// The worker.
            pubkey: sr25519::Public,
        },
        /// A worker is gatekeeper no more.
        GatekeeperRemoved {
            /// The worker.
            pubkey: sr25519::Public,
        },
        /// The network has its key.
        GatekeeperLaunched {
            /// The public key.
            master_pubkey: sr25519::Public,
        },
        /// A worker build is allowed from now on.
        MeasurementAllowed {
            /// The build.
            measurement: Measurement,
        },
        /// A worker build is allowed no more; its workers are inactive.
        MeasurementDisallowed {
            /// The build.
            measurement: Measurement,
        },
        /// Other roots are accepted from now on.
        AcceptedRootsSet {
            /// How many.
            count: u32,
        },
        /// The worst accepted tier changed.
        TierMaxSet {
            /// The worst accepted tier.
            tier_max: u8,
        },
        /// The longest lifetime of a registration changed.
        RegistrationLifetimeSet {
            /// Milliseconds.
            lifetime_ms: u64,
        },
        /// More trust is announced: it counts from the start of a block on.
        TrustChangeAnnounced {
            /// What changes.
            change: TrustChange,
            /// The block.
            from: BlockNumberFor<T>,
        },
        /// An announced change was taken back.
        TrustChangeWithdrawn {
            /// What does not change.
            change: TrustChange,
        },
        /// An announced change could not be made any more: the list of builds is full.
        TrustChangeDropped {
            /// What does not change.
            change: TrustChange,
        },
        /// A worker is banned: its registration has ended and cannot be renewed.
        WorkerBanned {
            /// The worker.
            pubkey: sr25519::Public,
        },
        /// A worker is banned no more; it may register again.
        WorkerUnbanned {
            /// The worker.
            pubkey: sr25519::Public,
        },
        /// A cluster has its key.
        ClusterKeySet {
            /// The cluster.
            cluster: H256,
            /// Its public key.
            pubkey: sr25519::Public,
        },
        /// A worker has put another key of a cluster together than the first that told one. One of
        /// the two is wrong or was misled.
        ClusterKeyDisputed {
            /// The cluster.
            cluster: H256,
            /// The key that stays.
            known: sr25519::Public,
            /// Who told it.
            known_from: sr25519::Public,
            /// The other key.
            told: sr25519::Public,
            /// Who told that.
            told_by: sr25519::Public,
        },
    }

    /// Why a call or message is refused.
    #[pallet::error]
    pub enum Error<T> {
        /// The quote or collateral is longer than the chain reads.
        EvidenceTooLarge,
        /// No accepted attestation root signed the evidence; is this the right network?
        EvidenceRootNotAccepted,
        /// The collateral has lapsed; fetch it again.
        EvidenceExpired,
        /// The collateral is not valid yet; check the clocks.
        EvidenceNotYetValid,
        /// The platform or one of its certificates is revoked.
        EvidenceRevoked,
        /// The enclave runs in debug mode, so its host can read its memory.
        EvidenceOfDebugEnclave,
        /// The trusted domain's attributes let its host in.
        EvidenceOfUnsafeAttributes,
        /// The platform's TCB is worse than the chain accepts; update its firmware.
        EvidenceTcbRefused,
        /// The quote was made over another registration.
        EvidenceReportDataMismatch,
        /// The measured worker build is not allowed on this chain.
        EvidenceMeasurementNotAllowed,
        /// The quote or collateral is malformed, or a signature in it does not hold.
        EvidenceInvalid,
        /// The registration names another network.
        GenesisMismatch,
        /// The registration was made in the future; check the worker's clock.
        RegistrationInFuture,
        /// The registration is older than a registration may live; make a new quote.
        RegistrationTooOld,
        /// The chain has a registration of this worker that is as new or newer.
        RegistrationNotNewer,
        /// No such worker is registered.
        WorkerNotFound,
        /// The worker is registered but inactive: expired, or its build is allowed no more.
        WorkerInactive,
        /// The registration has not expired.
        WorkerNotExpired,
        /// The worker is a gatekeeper or belongs to a cluster; release it first.
        WorkerInUse,
        /// There must be one to four endpoints, each of 1 to 256 printable characters.
        InvalidEndpoints,
        /// The announcement was signed in the future, or more than four hours ago.
        InvalidEndpointSigningTime,
        /// The chain has an announcement of this worker that is as new or newer.
        EndpointNotNewer,
        /// The signature is not this worker's.
        InvalidSignature,
        /// The worker is a gatekeeper already.
        GatekeeperExists,
        /// The worker is not a gatekeeper.
        NotGatekeeper,
        /// There are as many gatekeepers as the chain may have.
        TooManyGatekeepers,
        /// The last gatekeeper stays: without it the network loses its key.
        CannotRemoveLastGatekeeper,
        /// The list of allowed builds is full.
        TooManyMeasurements,
        /// The build is not in the list of allowed builds.
        MeasurementNotFound,
        /// There are more roots than the chain may accept.
        TooManyRoots,
        /// A development root is refused: this is not a development network.
        DevelopmentRootRefused,
        /// A tier is 1 to 5.
        InvalidTier,
        /// A lifetime is one minute to 400 days.
        InvalidLifetime,
        /// As many changes of trust are announced as can wait; withdraw one, or wait.
        TooManyPendingChanges,
        /// No such change of trust is announced.
        TrustChangeNotFound,
        /// The worker is banned: a vote on attestation may lift the ban.
        WorkerBanned,
        /// The worker is not banned.
        WorkerNotBanned,
        /// The contract has another key.
        ContractKeyMismatch,
        /// The cluster is to use another of its seeds, or uses the newest already.
        OtherRotation,
        /// No such cluster.
        ClusterNotFound,
        /// The cluster has no key yet.
        ClusterKeyMissing,
        /// The worker does not belong to the cluster.
        NotInCluster,
        /// The registry does not handle messages of this kind.
        UnknownMessage,
        /// Only the account that operates the worker may do this; the worker names it when it registers.
        NotOperator,
        /// A place has two capital letters for a country, a city's name, and degrees that there are on Earth.
        InvalidPlace,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            Self::make_due_changes(now)
        }

        fn integrity_test() {
            impls::integrity_test::<T>();
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
        /// Registers a worker, or renews its registration, by its evidence. Anybody may bring it; a
        /// new record takes a deposit from who does.
        #[pallet::call_index(0)]
        #[pallet::weight(weights::register_worker::<T>())]
        pub fn register_worker_v2(
            origin: OriginFor<T>,
            registration: WorkerRegistration,
            evidence: Evidence,
        ) -> DispatchResult {
            let registrant = ensure_signed(origin)?;
            Self::do_register_worker(registrant, registration, evidence)
        }

        /// Stores where a worker says it is reached. Anybody may bring the worker's signature.
        #[pallet::call_index(1)]
        #[pallet::weight(weights::update_worker_endpoint::<T>())]
        pub fn update_worker_endpoint(
            origin: OriginFor<T>,
            payload: WorkerEndpointPayload,
            signature: [u8; 64],
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_update_worker_endpoint(payload, signature)
        }

        /// Appoints an active worker gatekeeper.
        #[pallet::call_index(2)]
        #[pallet::weight(weights::set_gatekeeper::<T>())]
        pub fn register_gatekeeper(
            origin: OriginFor<T>,
            gatekeeper: sr25519::Public,
        ) -> DispatchResult {
            T::GatekeeperOrigin::ensure_origin(origin)?;
            Self::do_register_gatekeeper(gatekeeper)
        }

        /// Dismisses a gatekeeper; not the last one once the network has a key.
        #[pallet::call_index(3)]
        #[pallet::weight(weights::set_gatekeeper::<T>())]
        pub fn unregister_gatekeeper(
            origin: OriginFor<T>,
            gatekeeper: sr25519::Public,
        ) -> DispatchResult {
            T::GatekeeperOrigin::ensure_origin(origin)?;
            Self::do_unregister_gatekeeper(gatekeeper)
        }

        /// Allows a worker build, after the notice. Allowing it again changes nothing.
        #[pallet::call_index(4)]
        #[pallet::weight(weights::set_value::<T>())]
        pub fn allow_measurement(origin: OriginFor<T>, measurement: Measurement) -> DispatchResult {
            T::TrustOrigin::ensure_origin(origin)?;
            Self::do_allow_measurement(measurement)
        }

        /// Takes a worker build from the list, or from what is announced; its workers are inactive from then on.
        #[pallet::call_index(5)]
        #[pallet::weight(weights::set_value::<T>())]
        pub fn disallow_measurement(
            origin: OriginFor<T>,
            measurement: Measurement,
        ) -> DispatchResult {
            T::DistrustOrigin::ensure_origin(origin)?;
            Self::do_disallow_measurement(measurement)
        }

        /// Replaces the accepted roots, after the notice where there is one among them that is not accepted
        /// now. Existing registrations stay until they expire.
        #[pallet::call_index(6)]
        #[pallet::weight(weights::set_value::<T>())]
        pub fn set_accepted_roots(
            origin: OriginFor<T>,
            roots: Vec<AcceptedRoot>,
        ) -> DispatchResult {
            T::TrustOrigin::ensure_origin(origin)?;
            Self::do_set_accepted_roots(roots)
        }

        /// Sets the worst accepted tier, 1 to 5; a worse one after the notice.
        #[pallet::call_index(7)]
        #[pallet::weight(weights::set_value::<T>())]
        pub fn set_tier_max(origin: OriginFor<T>, tier_max: u8) -> DispatchResult {
            T::TrustOrigin::ensure_origin(origin)?;
            Self::do_set_tier_max(tier_max)
        }

        /// Sets how long a registration holds at most, milliseconds; longer after the notice.
        #[pallet::call_index(8)]
        #[pallet::weight(weights::set_value::<T>())]
        pub fn set_registration_lifetime(origin: OriginFor<T>, lifetime_ms: u64) -> DispatchResult {
            T::TrustOrigin::ensure_origin(origin)?;
            Self::do_set_registration_lifetime(lifetime_ms)
        }

        /// Removes an expired worker that is no gatekeeper and in no cluster; its registrant gets
        /// the deposit back.
        #[pallet::call_index(9)]
        #[pallet::weight(weights::remove_expired_worker::<T>())]
        pub fn remove_expired_worker(
            origin: OriginFor<T>,
            worker: sr25519::Public,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_remove_expired_worker(worker)
        }

        /// Declares where a worker stands, by the account that operates it; `None` takes it back. Nothing
        /// checks it, and nothing but maps depends on it. It ends with the worker's record.
        #[pallet::call_index(10)]
        #[pallet::weight(weights::declare_worker_place::<T>())]
        pub fn declare_worker_place(
            origin: OriginFor<T>,
            worker: sr25519::Public,
            place: Option<WorkerPlace>,
        ) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_declare_worker_place(operator, worker, place)
        }

        /// Takes back a change of trust that is announced.
        #[pallet::call_index(11)]
        #[pallet::weight(weights::set_value::<T>())]
        pub fn withdraw_trust_change(origin: OriginFor<T>, change: TrustChange) -> DispatchResult {
            T::DistrustOrigin::ensure_origin(origin)?;
            Self::do_withdraw_trust_change(change)
        }

        /// Bans a worker, for example because its quote was forged: its registration ends with this block, so that it
        /// gets no keys and serves nothing, and it cannot be renewed.
        #[pallet::call_index(12)]
        #[pallet::weight(weights::set_value::<T>())]
        pub fn ban_worker(origin: OriginFor<T>, worker: sr25519::Public) -> DispatchResult {
            T::DistrustOrigin::ensure_origin(origin)?;
            Self::do_ban_worker(worker)
        }

        /// Lifts a ban. The worker has to register again.
        #[pallet::call_index(13)]
        #[pallet::weight(weights::set_value::<T>())]
        pub fn unban_worker(origin: OriginFor<T>, worker: sr25519::Public) -> DispatchResult {
            T::TrustOrigin::ensure_origin(origin)?;
            Self::do_unban_worker(worker)
        }
    }
}
