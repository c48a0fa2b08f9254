//! Threshold gatekeepers: the ceremonies in which they come to shares of the network's key, the
//! shares of clusters' seeds that wait for workers, the randomness beacon, and what misbehaviour is
//! proven. Runtime name `PhalaGatekeepers`.
//!
//! # Words
//!
//! As in `threshold-keys`, which has the cryptography: a *sharing* is one polynomial that the key is
//! shared by, a *plan* says what is dealt to whom, *dealings* that stand come to the next sharing.
//! A *ceremony* is the way from one sharing to the next; it has three stages (`CeremonyStage`), each
//! of which ends early when all is there that it waits for. *Members* are accounts of the DAO that
//! hold a sharing of their own, for recovery.
//!
//! # Who says what
//!
//! Gatekeepers speak by worker messages ([`Pallet::handle_message`]), members by extrinsics. A
//! dealing, a complaint, a handover is the same in both. What follows from the end of a stage is
//! computed at the beginning of the next block, once, so that no message is dear.
//!
//! # Threats
//!
//! - Messages are free. Those of workers without a part in anything do not enter a block
//!   ([`Pallet::check_message`]); everything else is bounded by what one holder may say once.
//! - A dealer that cheats or stays away: struck out, or left out; recorded ([`Offences`]). The old
//!   sharing stays in force until the next one is.
//! - A recipient that complains for nothing: recorded; the dealing stands.
//! - A gatekeeper that holds the beacon up: the value comes from shares when attempts at a proof
//!   fail, and a round that nobody can finish is given up for the next.
//! - One machine that holds the whole key: a threshold below two is refused, but on a development
//!   network.
//! - Fewer than a threshold are left: nothing is in force any more but the public key; root starts
//!   the recovery from the members' shares, which gives the same key to those who are there.
//!
//! # Limits
//!
//! `threshold_keys::HOLDERS_MAX` holders of each committee. Kept are one ceremony, one round of the
//! beacon, [`BEACON_VALUES_MAX`] values, [`PAST_SHARINGS_MAX`] old sharings, one list of at most one
//! share for each holder for each worker that waits for a seed.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod beacon;
mod ceremony;
mod contributions;
mod messages;
mod misbehaviour;
mod randomness;
pub mod rotation;
mod seeds;
mod settings;
mod stages;
mod traits;
mod try_state;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use rotation::{ROTATING_MAX, ROTATION_PATIENCE_BLOCKS};
pub use misbehaviour::{Evidence, OffenceKind, OffenceRecord};
pub use pallet::*;
pub use settings::GenesisSettings;
pub use stages::FailureReason;
pub use randomness::FreshBeacon;
pub use traits::{Misbehaviour, OnMisbehaviour, RandomnessBeacon};

/// How many old sharings of the gatekeepers are kept, for evidence that comes late.
pub const PAST_SHARINGS_MAX: u32 = 8;
/// How many values of the beacon are kept.
pub const BEACON_VALUES_MAX: u64 = 256;
/// Attempts at a proof of a round, before shares must do.
pub const BEACON_ATTEMPTS_MAX: u8 = 3;
/// Every how many blocks the set of gatekeepers is compared with the holders.
pub const MEMBERSHIP_CHECK_BLOCKS: u32 = 8;

/// The pallet.
#[allow(
    clippy::expect_used,
    clippy::large_enum_variant,
    reason = "FRAME's macros expand to it; calls are decoded, run and dropped"
)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use pallet_worker_registry::{
        ClusterKeyDirectory, Clusters, GatekeeperDirectory, WorkerDirectory,
    };
    use polkadot_sdk::{
        frame_support::pallet_prelude::*,
        frame_system::pallet_prelude::*,
        sp_runtime::{AccountId32, SaturatedConversion},
    };
    use primitives::{ClusterId, WorkerId};
    use threshold_keys::{
        BeaconOutput, BeaconRound, CeremonyState, Complaint, Contribution, Dealing,
        EvaluationShare, GatekeeperSettings, GroupKey, HolderIndex, HolderKey, KeyRotation, PendingSeed,
        PerHolder, Plan, PlanDigest, ReceivingKey, Recipient, SeedConfirmation, Sharing, SharingId,
        SignedResponse,
    };

    /// The version of the storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet's handle.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<AccountId = AccountId32> {
        /// Which workers are active, and which are gatekeepers.
        type Workers: WorkerDirectory + GatekeeperDirectory + ClusterKeyDirectory;
        /// Which workers belong to which cluster.
        type Clusters: Clusters;
        /// Who hears of misbehaviour.
        type OnMisbehaviour: OnMisbehaviour;
        /// Who may set parameters and members, and begin ceremonies.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
    }

    /// Parameters.
    #[pallet::storage]
    pub type Settings<T: Config> =
        StorageValue<_, GatekeeperSettings, ValueQuery, settings::Default>;

    /// The network's key, once there is one. It never changes.
    #[pallet::storage]
    pub type NetworkKey<T: Config> = StorageValue<_, GroupKey>;

    /// The gatekeepers' sharing in force.
    #[pallet::storage]
    pub type CurrentSharing<T: Config> = StorageValue<_, Sharing>;

    /// The holders of the sharing in force, for who need not know more of it.
    #[pallet::storage]
    pub type CurrentHolders<T: Config> = StorageValue<_, PerHolder<HolderKey>, ValueQuery>;

    /// The block that put the gatekeepers' sharing in force.
    #[pallet::storage]
    pub type SharingSince<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Who was to receive in the ceremony of the sharing in force: those who stayed away then are
    /// asked again when the set changes or the epoch ends, not at once.
    #[pallet::storage]
    pub type LastCandidates<T: Config> = StorageValue<_, PerHolder<HolderKey>, ValueQuery>;

    /// Sharings of the gatekeepers that were in force.
    #[pallet::storage]
    pub type PastSharings<T: Config> = StorageMap<_, Twox64Concat, SharingId, Sharing>;

    /// Which of them are kept, oldest first.
    #[pallet::storage]
    pub type PastSharingIds<T: Config> =
        StorageValue<_, BoundedVec<SharingId, ConstU32<PAST_SHARINGS_MAX>>, ValueQuery>;

    /// The members' sharing.
    #[pallet::storage]
    pub type MembersSharing<T: Config> = StorageValue<_, Sharing>;

    /// The members of the DAO who may hold shares, and how many of them it takes.
    #[pallet::storage]
    pub type Members<T: Config> = StorageValue<_, (PerHolder<HolderKey>, u8), ValueQuery>;

    /// The epoch of the next ceremony of each committee.
    #[pallet::storage]
    pub type NextEpoch<T: Config> =
        StorageMap<_, Twox64Concat, threshold_keys::Committee, u32, ValueQuery>;

    /// No ceremony begins by itself before this block.
    #[pallet::storage]
    pub type RetryAt<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// The ceremony that is going on.
    #[pallet::storage]
    pub type Ceremony<T: Config> = StorageValue<_, CeremonyState>;

    /// Candidates of the ceremony whose receiving keys were taken.
    #[pallet::storage]
    pub type ReceivingKeys<T: Config> = StorageMap<_, Twox64Concat, HolderKey, Recipient>;

    /// The plan of the ceremony.
    #[pallet::storage]
    pub type CeremonyPlan<T: Config> = StorageValue<_, Plan>;

    /// Dealings of the ceremony that stand.
    #[pallet::storage]
    pub type Dealings<T: Config> = StorageMap<_, Twox64Concat, HolderIndex, Dealing>;

    /// What the dealings that stand come to.
    #[pallet::storage]
    pub type PendingSharing<T: Config> = StorageValue<_, Sharing>;

    /// Shares of clusters' seeds that wait for workers. Those of an older sharing, rotation or key
    /// of the worker go when the first new one comes.
    #[pallet::storage]
    pub type SeedShares<T: Config> =
        StorageDoubleMap<_, Twox64Concat, ClusterId, Twox64Concat, WorkerId, PendingSeed>;

    /// Which workers have their clusters' seeds.
    #[pallet::storage]
    pub type SeedsConfirmed<T: Config> =
        StorageDoubleMap<_, Twox64Concat, ClusterId, Twox64Concat, WorkerId, SeedConfirmation>;

    /// Which seed each cluster uses, and is to use.
    #[pallet::storage]
    pub type ClusterRotation<T: Config> =
        StorageMap<_, Twox64Concat, ClusterId, KeyRotation, ValueQuery>;

    /// Clusters whose keys are being rotated, or whose keys before still open commands.
    #[pallet::storage]
    pub type Rotating<T: Config> =
        StorageValue<_, BoundedVec<ClusterId, ConstU32<ROTATING_MAX>>, ValueQuery>;

    /// When each worker said last that it has lost its cluster's seed.
    #[pallet::storage]
    pub type SeedLostAt<T: Config> =
        StorageDoubleMap<_, Twox64Concat, ClusterId, Twox64Concat, WorkerId, u32>;

    /// The beacon's round that is going on.
    #[pallet::storage]
    pub type Beacon<T: Config> = StorageValue<_, BeaconRound>;

    /// Contributions to the round's proof.
    #[pallet::storage]
    pub type BeaconContributions<T: Config> = StorageValue<_, PerHolder<Contribution>, ValueQuery>;

    /// Answers in the round's proof.
    #[pallet::storage]
    pub type BeaconResponses<T: Config> = StorageValue<_, PerHolder<SignedResponse>, ValueQuery>;

    /// Shares of the round's value, whose proofs hold.
    #[pallet::storage]
    pub type BeaconShares<T: Config> = StorageValue<_, PerHolder<EvaluationShare>, ValueQuery>;

    /// The number of the next round.
    #[pallet::storage]
    pub type NextBeaconRound<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// The block in which the next round begins.
    #[pallet::storage]
    pub type NextBeaconAt<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// The newest value of the beacon.
    #[pallet::storage]
    pub type LatestBeacon<T: Config> = StorageValue<_, BeaconOutput>;

    /// Values of the last [`BEACON_VALUES_MAX`] rounds, as far as they came to one.
    #[pallet::storage]
    pub type BeaconValues<T: Config> = StorageMap<_, Twox64Concat, u64, BeaconOutput>;

    /// What holders did wrong, by kind.
    #[pallet::storage]
    pub type Offences<T: Config> =
        StorageDoubleMap<_, Twox64Concat, HolderKey, Twox64Concat, OffenceKind, OffenceRecord>;

    /// For what somebody was already found guilty: sharing, and hash of holder and slot.
    #[pallet::storage]
    pub type Reported<T: Config> =
        StorageDoubleMap<_, Twox64Concat, SharingId, Twox64Concat, [u8; 32], ()>;

    /// How the pallet starts.
    #[pallet::genesis_config]
    #[derive(polkadot_sdk::frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Parameters.
        pub settings: GenesisSettings,
        /// Ties the configuration to the runtime.
        #[serde(skip)]
        pub phantom: PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            let settings = GatekeeperSettings::from(&self.settings);
            assert!(
                settings::are_valid(&settings),
                "the genesis configuration has gatekeeper settings outside of their bounds"
            );
            Settings::<T>::put(settings);
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A ceremony has begun.
        CeremonyStarted {
            /// What it is to come to.
            target: SharingId,
            /// How many are to receive.
            candidates: u8,
        },
        /// The plan of a ceremony stands; it is dealt.
        PlanMade {
            /// The ceremony.
            target: SharingId,
            /// The plan.
            plan: PlanDigest,
            /// How many receive.
            recipients: u8,
            /// How many shares it will take.
            threshold: u8,
        },
        /// A dealing was taken.
        DealingTaken {
            /// The ceremony.
            target: SharingId,
            /// Who dealt.
            dealer: HolderIndex,
        },
        /// A complaint held: a dealing was struck out.
        DealingStruckOut {
            /// The ceremony.
            target: SharingId,
            /// Who dealt.
            dealer: HolderIndex,
            /// Who complained.
            recipient: HolderIndex,
        },
        /// All dealings are there, or their time is over; recipients check them.
        CheckingBegan {
            /// The ceremony.
            target: SharingId,
            /// How many dealings stand.
            dealings: u8,
        },
        /// A recipient has its share.
        HandedOver {
            /// The ceremony.
            target: SharingId,
            /// Who.
            recipient: HolderIndex,
        },
        /// A sharing is in force.
        SharingInForce {
            /// Which.
            id: SharingId,
            /// How many hold shares.
            holders: u8,
            /// How many shares it takes.
            threshold: u8,
        },
        /// A ceremony came to nothing. The sharing in force stays.
        CeremonyFailed {
            /// The ceremony.
            target: SharingId,
            /// Why.
            reason: FailureReason,
            /// Who was waited for in vain.
            absent: PerHolder<HolderKey>,
        },
        /// A holder has sealed its share of a cluster's seed to a worker.
        SeedShareSealed {
            /// The cluster.
            cluster: ClusterId,
            /// For whom.
            worker: WorkerId,
            /// Who.
            holder: HolderIndex,
        },
        /// A worker has its cluster's seed.
        SeedConfirmed {
            /// The cluster.
            cluster: ClusterId,
            /// Who.
            worker: WorkerId,
            /// Which of the cluster's seeds.
            rotation: u32,
        },
        /// A worker has a cluster's seed no more, and may have it again.
        SeedLost {
            /// The cluster.
            cluster: ClusterId,
            /// The worker.
            worker: WorkerId,
            /// Which seed.
            rotation: u32,
        },
        /// A cluster is to have other keys; its workers are given another seed.
        KeyRotationRaised {
            /// The cluster.
            cluster: ClusterId,
            /// Which seed.
            rotation: u32,
        },
        /// A worker has left that may have a cluster's seed, but too many clusters rotate their keys:
        /// the owner begins it later.
        KeyRotationSkipped {
            /// The cluster.
            cluster: ClusterId,
        },
        /// A cluster's workers use another seed from now on.
        KeysRotated {
            /// The cluster.
            cluster: ClusterId,
            /// Which seed.
            rotation: u32,
            /// Commands to the keys before open until this block.
            retires_at: u32,
        },
        /// Commands to a cluster's keys before the present ones open no more.
        KeysRetired {
            /// The cluster.
            cluster: ClusterId,
        },
        /// The beacon has a value.
        BeaconValueKnown {
            /// The round.
            round: u64,
            /// Its value.
            value: [u8; 32],
            /// Whether there is one proof of it; otherwise it came from shares.
            proven: bool,
        },
        /// A round of the beacon was given up.
        BeaconRoundFailed {
            /// The round.
            round: u64,
        },
        /// Somebody did wrong.
        Misbehaved {
            /// Who.
            holder: HolderKey,
            /// What.
            kind: OffenceKind,
            /// Blake2b-256 of the evidence, which a message or call of this block brought; zeroes for
            /// an absence.
            evidence: [u8; 32],
        },
        /// Parameters were set.
        SettingsSet {
            /// The parameters.
            settings: GatekeeperSettings,
        },
        /// Members were set; they hold shares when they are dealt some.
        MembersSet {
            /// How many.
            count: u8,
            /// How many shares it will take.
            threshold: u8,
        },
    }

    /// Why a call or message is refused.
    #[pallet::error]
    pub enum Error<T> {
        /// The bytes are no gatekeeper's message.
        MalformedMessage,
        /// The pallet does not handle messages of this kind.
        UnknownMessage,
        /// The sender holds no share and is to receive none.
        NoPart,
        /// No ceremony is going on.
        NoCeremony,
        /// The ceremony is another one, or has another plan.
        OtherCeremony,
        /// The ceremony is in another stage.
        OtherStage,
        /// The sender is not to receive in this ceremony.
        NotCandidate,
        /// There is a receiving key of this candidate already.
        ReceivingKeyExists,
        /// Another candidate has this receiving key.
        ReceivingKeyTaken,
        /// The receiving key was made for another sharing or holder.
        InvalidReceivingKey,
        /// The sender does not deal with this index.
        NotDealer,
        /// This dealer has dealt already.
        AlreadyDealt,
        /// The dealing has another number of shares or coefficients, or deals another share.
        InvalidDealing,
        /// No dealing of this dealer stands.
        DealingNotFound,
        /// The sender does not receive with this index.
        NotRecipient,
        /// A dealing was struck out in this block; what is left comes to a sharing in the next.
        SharingNotReady,
        /// The recipient has handed over already.
        AlreadyHandedOver,
        /// The share is not the recipient's of what the dealings come to.
        InvalidHandover,
        /// No sharing is in force.
        NoSharing,
        /// The share is of another sharing than the one in force.
        OtherSharing,
        /// The sender does not hold this share.
        NotHolder,
        /// A sealed share has another length.
        SealedShareLength,
        /// The worker does not belong to the cluster.
        NotInCluster,
        /// The worker is not active.
        WorkerInactive,
        /// The cluster uses another seed.
        OtherRotation,
        /// The worker has another key now; seal to that.
        OtherWorkerKey,
        /// The worker has the seed.
        SeedConfirmedAlready,
        /// The holder's share is there already.
        ShareExists,
        /// The signature is not the holder's over this statement.
        InvalidSignature,
        /// The round or the attempt is another one.
        OtherRound,
        /// The holder failed in this round before.
        HolderExcluded,
        /// The answer is about another proof.
        OtherProof,
        /// Parameters are outside of their bounds, or let one machine hold the key.
        InvalidSettings,
        /// There are too many members, one is there twice, or the threshold does not fit.
        InvalidMembers,
        /// There are no members.
        NoMembers,
        /// Members hold no shares.
        NoMembersSharing,
        /// There are too few active gatekeepers.
        TooFewGatekeepers,
        /// The sharing of the evidence is unknown, or too old.
        UnknownSharing,
        /// The worker has not said that it has the seed.
        SeedNotConfirmed,
        /// The worker has said a moment ago that it has lost its seed.
        SeedLostTooOften,
        /// The cluster's keys are being rotated already.
        RotationPending,
        /// Old keys go after 8 to 100800 blocks.
        InvalidWindow,
        /// As many clusters as can be rotate their keys.
        TooManyRotations,
        /// The evidence proves nothing.
        NotEvidence,
        /// The holder was already found guilty of this.
        AlreadyReported,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            let now: u32 = now.saturated_into();
            // Charged here for what the end of the block does.
            Self::ceremony_weight(now)
                .saturating_add(Self::advance_beacon(now))
                .saturating_add(Self::advance_rotations(now))
        }

        fn on_finalize(now: BlockNumberFor<T>) {
            // A stage that ends with this block's messages has the next one begin in it.
            Self::advance_ceremony(now.saturated_into());
        }

        fn integrity_test() {
            settings::integrity_test();
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
        /// Sets the parameters.
        #[pallet::call_index(0)]
        #[pallet::weight(weights::set_value::<T>())]
        pub fn set_settings(origin: OriginFor<T>, settings: GatekeeperSettings) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_set_settings(settings)
        }

        /// Says who are the members, and how many of them it takes to recover the key. Shares are
        /// dealt to them by [`Pallet::deal_to_members`]; until then the sharing they had holds.
        #[pallet::call_index(1)]
        #[pallet::weight(weights::set_value::<T>())]
        pub fn set_members(
            origin: OriginFor<T>,
            members: Vec<AccountId32>,
            threshold: u8,
        ) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_set_members(members, threshold)
        }

        /// Begins a ceremony among the active gatekeepers now, instead of any that is going on.
        #[pallet::call_index(2)]
        #[pallet::weight(weights::start_ceremony::<T>())]
        pub fn start_refresh(origin: OriginFor<T>) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_start_refresh()
        }

        /// Begins a ceremony in which gatekeepers deal to the members, instead of any that is going
        /// on.
        #[pallet::call_index(3)]
        #[pallet::weight(weights::start_ceremony::<T>())]
        pub fn deal_to_members(origin: OriginFor<T>) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_deal_to_members()
        }

        /// Begins a ceremony in which members deal to the active gatekeepers, instead of any that is
        /// going on: recovery, when fewer gatekeepers are left than it takes.
        #[pallet::call_index(4)]
        #[pallet::weight(weights::start_ceremony::<T>())]
        pub fn recover_from_members(origin: OriginFor<T>) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_recover_from_members()
        }

        /// From a member that is to receive: its receiving key.
        #[pallet::call_index(5)]
        #[pallet::weight(weights::receiving_key::<T>())]
        pub fn member_receiving_key(
            origin: OriginFor<T>,
            target: SharingId,
            key: ReceivingKey,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::on_receiving_key(who.as_ref(), target, key)
        }

        /// From a member that deals: its dealing.
        #[pallet::call_index(6)]
        #[pallet::weight(weights::dealing::<T>())]
        pub fn member_deal(
            origin: OriginFor<T>,
            plan: PlanDigest,
            dealing: Dealing,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::on_dealing(who.as_ref(), plan, dealing)
        }

        /// From a member that receives: a complaint.
        #[pallet::call_index(7)]
        #[pallet::weight(weights::complaint::<T>())]
        pub fn member_complain(
            origin: OriginFor<T>,
            plan: PlanDigest,
            complaint: Complaint,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::on_complaint(who.as_ref(), plan, complaint)
        }

        /// From a member that receives: it has its share.
        #[pallet::call_index(8)]
        #[pallet::weight(weights::handover::<T>())]
        pub fn member_handover(
            origin: OriginFor<T>,
            plan: PlanDigest,
            share: EvaluationShare,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::on_handover(who.as_ref(), plan, share)
        }

        /// Shows what a gatekeeper signed and should not have. Anybody may; the fee is paid also for
        /// what proves nothing.
        #[pallet::call_index(9)]
        #[pallet::weight(weights::report_misbehaviour::<T>(evidence))]
        pub fn report_misbehaviour(origin: OriginFor<T>, evidence: Evidence) -> DispatchResult {
            let reporter = ensure_signed(origin)?;
            Self::do_report_misbehaviour(&reporter, evidence)
        }
    }
}
