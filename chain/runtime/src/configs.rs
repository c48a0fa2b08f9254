//! What each pallet is told: constants and who serves whom. The economy's pallets are in a file of their
//! own.

mod economy;

pub use economy::*;

mod governance;

pub use governance::*;

use crate::*;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    derive_impl,
    dispatch::DispatchClass,
    parameter_types,
    traits::{
        ConstBool, ConstU8, ConstU32, EqualPrivilegeOnly, Get, InstanceFilter, LinearStoragePrice,
        VariantCountOf, fungible::HoldConsideration,
    },
    weights::{
        ConstantMultiplier, IdentityFee, Weight,
        constants::{RocksDbWeight, WEIGHT_REF_TIME_PER_MILLIS},
    },
};
use frame_system::{
    EnsureRoot,
    limits::{BlockLength, BlockWeights},
};
use pallet_computation::WeightInfo as _;
use pallet_mailbox::MessageHandler;
use pallet_transaction_payment::{ConstFeeMultiplier, FungibleAdapter, Multiplier};
use primitives::WorkerId;
use primitives::units::{EXISTENTIAL_DEPOSIT, PHA, SS58_PREFIX};
use scale_info::TypeInfo;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::{
    DispatchResult, Perbill,
    traits::{ConvertInto, One, OpaqueKeys},
};
use wire::message::MessagePayload;

/// Compute time of a block: half of a one-second slot.
const BLOCK_TIME_MS: u64 = 500;
/// Part of a block for ordinary calls.
const NORMAL_RATIO: Perbill = Perbill::from_percent(75);
/// Longest block, bytes: two uploads of the longest code fit.
const BLOCK_BYTES_MAX: u32 = 10 * 1024 * 1024;
/// Validators of a session at most, here and in Aura and GRANDPA.
const VALIDATORS_MAX: u32 = 64;

/// Deposit for something stored: by the item and by the byte.
const fn deposit(items: u32, bytes: u32) -> Balance {
    items as Balance * (PHA / 10) + bytes as Balance * (PHA / 100_000)
}

parameter_types! {
    /// How many old block hashes the chain keeps.
    pub const BlockHashCount: BlockNumber = 2400;
    /// Version of this runtime.
    pub const Version: RuntimeVersion = VERSION;
    /// How much a block computes.
    pub RuntimeBlockWeights: BlockWeights = BlockWeights::with_sensible_defaults(
        Weight::from_parts(BLOCK_TIME_MS * WEIGHT_REF_TIME_PER_MILLIS, u64::MAX),
        NORMAL_RATIO,
    );
    /// How long a block is.
    pub RuntimeBlockLength: BlockLength = BlockLength::builder()
        .max_length(BLOCK_BYTES_MAX)
        .modify_max_length_for_class(DispatchClass::Normal, |length| {
            *length = NORMAL_RATIO * BLOCK_BYTES_MAX;
        })
        .build();
    /// Address prefix.
    pub const SS58Prefix: u16 = SS58_PREFIX;
    /// Least balance.
    pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
    /// Price of a byte of extrinsic.
    pub const ByteFee: Balance = PHA / 100_000;
    /// Fees do not move with load.
    pub FeeMultiplier: Multiplier = Multiplier::one();
    /// Sessions start at block 0.
    pub const SessionOffset: BlockNumber = 0;
    /// Deposit for a validator's keys.
    pub const KeyDeposit: Balance = PHA;
    /// Deposit for a multisig call.
    pub const MultisigDepositBase: Balance = deposit(1, 88);
    /// Deposit for each signatory.
    pub const MultisigDepositFactor: Balance = deposit(0, 32);
    /// Deposit for a list of proxies.
    pub const ProxyDepositBase: Balance = deposit(1, 8);
    /// Deposit for each proxy.
    pub const ProxyDepositFactor: Balance = deposit(0, 33);
    /// Deposit for a list of announcements.
    pub const AnnouncementDepositBase: Balance = deposit(1, 8);
    /// Deposit for each announcement.
    pub const AnnouncementDepositFactor: Balance = deposit(0, 66);
    /// Deposit for a preimage.
    pub const PreimageDepositBase: Balance = deposit(2, 64);
    /// Deposit for each byte of a preimage.
    pub const PreimageDepositByte: Balance = deposit(0, 1);
    /// Why money is held for preimages.
    pub const PreimageHoldReason: RuntimeHoldReason =
        RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
    /// The part of a block that scheduled calls may take.
    pub MaximumSchedulerWeight: Weight =
        Perbill::from_percent(50) * RuntimeBlockWeights::get().max_block;
    /// Deposit for a worker's record.
    pub const RegistrationDeposit: Balance = PHA;
    /// Deposit for each byte of contract code.
    pub const CodeDepositPerByte: Balance = PHA / 100_000;
    /// For how many blocks a cluster's mailbox keeps what its workers agree on: ten minutes, so that networks
    /// for development see pruning. A public network wants a week (604 800 blocks of a second): so long a
    /// worker can be away and catch up without a snapshot, and an auditor finds commands on chain. Then the
    /// 65 536 entries that a mailbox holds are what bounds busy clusters, at one in ten seconds.
    pub const MailboxRetention: BlockNumber = 600;
    /// The least stake of an account behind a contract.
    pub const ContractStakeMin: Balance = PHA;
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type BlockWeights = RuntimeBlockWeights;
    type BlockLength = RuntimeBlockLength;
    type AccountId = AccountId;
    type Nonce = Nonce;
    type Hash = Hash;
    type BlockHashCount = BlockHashCount;
    // What the committee has paused, for a time; never votes and never the ways out.
    type BaseCallFilter = TxPause;
    type DbWeight = RocksDbWeight;
    type Version = Version;
    type AccountData = pallet_balances::AccountData<Balance>;
    type SS58Prefix = SS58Prefix;
    type MaxConsumers = ConstU32<16>;
}

impl slots::Config for Runtime {}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = Aura;
    type MinimumPeriod = slots::Half<Runtime>;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_aura::Config for Runtime {
    type AuthorityId = AuraId;
    type DisabledValidators = Session;
    type MaxAuthorities = ConstU32<VALIDATORS_MAX>;
    type AllowMultipleBlocksPerSlot = ConstBool<false>;
    type SlotDuration = Slots;
}

/// Sessions of the length that genesis set.
pub type Sessions =
    pallet_session::PeriodicSessions<pallet_validator_set::SessionLength<Runtime>, SessionOffset>;

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = Sessions;
    type NextSessionRotation = Sessions;
    type SessionManager = ValidatorSet;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = ();
    type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type KeyDeposit = KeyDeposit;
}

/// The validators of the session to come.
pub struct QueuedValidators;

impl Get<Vec<AccountId>> for QueuedValidators {
    fn get() -> Vec<AccountId> {
        pallet_session::QueuedKeys::<Runtime>::get()
            .into_iter()
            .map(|(validator, _)| validator)
            .collect()
    }
}

impl pallet_validator_set::Config for Runtime {
    type SetOrigin = EnsureRoot<AccountId>;
    type Keys = Session;
    type Queued = QueuedValidators;
    type ValidatorsMax = ConstU32<VALIDATORS_MAX>;
}

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<VALIDATORS_MAX>;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = frame_support::traits::ConstU64<0>;
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}

impl pallet_balances::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
    type Balance = Balance;
    type DustRemoval = ();
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
    type ReserveIdentifier = [u8; 8];
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ConstU32<50>;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    // Fees are the treasury's.
    type OnChargeTransaction = FungibleAdapter<Balances, FeesToTreasury>;
    type OperationalFeeMultiplier = ConstU8<5>;
    // A second of compute time costs one PHA.
    type WeightToFee = IdentityFee<Balance>;
    type LengthToFee = ConstantMultiplier<Balance, ByteFee>;
    type FeeMultiplierUpdate = ConstFeeMultiplier<FeeMultiplier>;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}

impl pallet_sudo::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}

impl pallet_utility::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

impl pallet_multisig::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type DepositBase = MultisigDepositBase;
    type DepositFactor = MultisigDepositFactor;
    type MaxSignatories = ConstU32<100>;
    type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
    type BlockNumberProvider = System;
}

/// What a proxy may do.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum ProxyType {
    /// Everything.
    #[default]
    Any,
    /// Everything that does not move balances.
    NonTransfer,
    /// Votes, delegations of votes and referenda, for who votes from another key.
    Governance,
    /// Workers' registrations and endpoints, and starting and stopping them for a pool, for operators'
    /// servers.
    WorkerOperation,
}

/// What an operator's server does: nothing of it takes money from anybody.
fn operates_workers(call: &RuntimeCall) -> bool {
    matches!(
        call,
        RuntimeCall::Utility(..)
            | RuntimeCall::PhalaRegistry(
                pallet_worker_registry::Call::register_worker_v2 { .. }
                    | pallet_worker_registry::Call::update_worker_endpoint { .. }
            )
            | RuntimeCall::PhalaStakePoolv2(
                pallet_stake_pools::Call::start_computing { .. }
                    | pallet_stake_pools::Call::restart_computing { .. }
                    | pallet_stake_pools::Call::stop_computing { .. }
                    | pallet_stake_pools::Call::reclaim_pool_worker { .. }
                    | pallet_stake_pools::Call::check_and_maybe_force_withdraw { .. }
            )
    )
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    fn filter(&self, call: &RuntimeCall) -> bool {
        match self {
            Self::Any => true,
            Self::NonTransfer => {
                operates_workers(call)
                    || matches!(
                        call,
                        RuntimeCall::System(..)
                            | RuntimeCall::Session(..)
                            | RuntimeCall::Multisig(..)
                            | RuntimeCall::ConvictionVoting(..)
                            | RuntimeCall::Referenda(..)
                            | RuntimeCall::Preimage(..)
                            | RuntimeCall::PhalaRegistry(..)
                            | RuntimeCall::PhalaComputation(..)
                            | RuntimeCall::PhalaPhatContracts(
                                pallet_phat_contracts::Call::cluster_upload_resource { .. }
                                    | pallet_phat_contracts::Call::remove_code { .. }
                                    | pallet_phat_contracts::Call::clear_cluster { .. }
                                    | pallet_phat_contracts::Call::remove_worker_from_cluster { .. }
                            )
                    )
            }
            Self::Governance => matches!(
                call,
                RuntimeCall::Utility(..)
                    | RuntimeCall::ConvictionVoting(..)
                    | RuntimeCall::Referenda(..)
                    | RuntimeCall::Preimage(..)
                    | RuntimeCall::Whitelist(..)
                    | RuntimeCall::TechnicalCommittee(..)
                    | RuntimeCall::Treasury(..)
                    | RuntimeCall::Bounties(..)
                    | RuntimeCall::Tips(..)
            ),
            Self::WorkerOperation => operates_workers(call),
        }
    }

    fn is_superset(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (Self::NonTransfer, Self::WorkerOperation) => true,
            (mine, theirs) => mine == theirs,
        }
    }
}

impl pallet_proxy::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type ProxyType = ProxyType;
    type ProxyDepositBase = ProxyDepositBase;
    type ProxyDepositFactor = ProxyDepositFactor;
    type MaxProxies = ConstU32<32>;
    type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
    type MaxPending = ConstU32<32>;
    type CallHasher = BlakeTwo256;
    type AnnouncementDepositBase = AnnouncementDepositBase;
    type AnnouncementDepositFactor = AnnouncementDepositFactor;
    type BlockNumberProvider = System;
}

impl pallet_preimage::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_preimage::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type ManagerOrigin = EnsureRoot<AccountId>;
    type Consideration = HoldConsideration<
        AccountId,
        Balances,
        PreimageHoldReason,
        LinearStoragePrice<PreimageDepositBase, PreimageDepositByte, Balance>,
    >;
}

impl pallet_scheduler::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeOrigin = RuntimeOrigin;
    type PalletsOrigin = OriginCaller;
    type RuntimeCall = RuntimeCall;
    type MaximumWeight = MaximumSchedulerWeight;
    type ScheduleOrigin = EnsureRoot<AccountId>;
    type OriginPrivilegeCmp = EqualPrivilegeOnly;
    type MaxScheduledPerBlock = ConstU32<50>;
    type WeightInfo = pallet_scheduler::weights::SubstrateWeight<Runtime>;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}

impl pallet_worker_registry::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type UnixTime = Timestamp;
    type Clusters = PhalaPhatContracts;
    type Seeds = PhalaGatekeepers;
    type RegistrationDeposit = RegistrationDeposit;
    type TrustOrigin = EnsureAttestation;
    type DistrustOrigin = EnsureRestricts;
    type GatekeeperOrigin = EnsureGatekeepers;
}

impl pallet_mailbox::Config for Runtime {
    type Workers = PhalaRegistry;
    type Handler = MessageRouter;
    type Progress = PhalaPhatContracts;
    type Retention = MailboxRetention;
    type UnixTime = Timestamp;
}

impl pallet_phat_contracts::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Workers = PhalaRegistry;
    type Mailbox = PhalaMq;
    type OnDivergence = SlashFaults;
    type ClusterOrigin = EnsureClusters;
    type CodeDepositPerByte = CodeDepositPerByte;
    type TransferMin = ExistentialDeposit;
}

impl pallet_contract_stakes::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Contracts = PhalaPhatContracts;
    type StakeMin = ContractStakeMin;
}

impl pallet_gatekeepers::Config for Runtime {
    type Workers = PhalaRegistry;
    type Clusters = PhalaPhatContracts;
    type OnMisbehaviour = (PhalaGatekeeperBonds, SlashFaults);
    type AdminOrigin = EnsureGatekeepers;
}

/// Hands workers' messages to the pallet that each kind is for.
pub struct MessageRouter;

impl MessageHandler for MessageRouter {
    fn check(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        match payload {
            MessagePayload::Gatekeeper { .. }
            | MessagePayload::SeedReceived { .. }
            | MessagePayload::SeedLost { .. } => PhalaGatekeepers::check_message(sender, payload),
            MessagePayload::Benchmark { .. } | MessagePayload::Heartbeat { .. } => {
                PhalaComputation::check_message(sender, payload)
            }
            MessagePayload::Checkpoint { .. }
            | MessagePayload::StateLost { .. }
            | MessagePayload::ReceiptLog { .. }
            | MessagePayload::ClusterKey { .. }
            | MessagePayload::NextClusterKey { .. }
            | MessagePayload::ContractKeys { .. }
            | MessagePayload::Instance { .. } => Ok(()),
        }
    }

    fn handle(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        match payload {
            MessagePayload::Checkpoint { .. }
            | MessagePayload::StateLost { .. }
            | MessagePayload::ReceiptLog { .. } => {
                PhalaPhatContracts::handle_message(sender, payload)
            }
            MessagePayload::ClusterKey { .. }
            | MessagePayload::NextClusterKey { .. }
            | MessagePayload::ContractKeys { .. }
            | MessagePayload::Instance { .. } => PhalaRegistry::handle_message(sender, payload),
            MessagePayload::Gatekeeper { .. }
            | MessagePayload::SeedReceived { .. }
            | MessagePayload::SeedLost { .. } => PhalaGatekeepers::handle_message(sender, payload),
            MessagePayload::Benchmark { .. } | MessagePayload::Heartbeat { .. } => {
                PhalaComputation::handle_message(sender, payload)
            }
        }
    }

    fn weight_of(payload: &MessagePayload) -> Weight {
        match payload {
            MessagePayload::Checkpoint { .. }
            | MessagePayload::StateLost { .. }
            | MessagePayload::ReceiptLog { .. } => {
                pallet_phat_contracts::weights::handle_message::<Runtime>()
            }
            MessagePayload::Gatekeeper { .. }
            | MessagePayload::SeedReceived { .. }
            | MessagePayload::SeedLost { .. } => PhalaGatekeepers::message_weight(payload),
            MessagePayload::Benchmark { .. } => SessionWeights::record_benchmark(),
            MessagePayload::Heartbeat { .. } => SessionWeights::heartbeat(),
            MessagePayload::ClusterKey { .. }
            | MessagePayload::NextClusterKey { .. }
            | MessagePayload::ContractKeys { .. }
            | MessagePayload::Instance { .. } => pallet_worker_registry::weights::handle_message::<Runtime>(),
        }
    }

    fn used_weight_of(payload: &MessagePayload) -> Weight {
        match payload {
            MessagePayload::Checkpoint { cluster, .. } => {
                PhalaPhatContracts::checkpoint_weight(cluster)
            }
            _ => Self::weight_of(payload),
        }
    }
}
