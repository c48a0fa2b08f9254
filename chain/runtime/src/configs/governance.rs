//! Governance: stock pallets, and whom each lever listens to.
//!
//! Which lever has which track, deposit, period and threshold: `docs/governance.md`.

use super::deposit;
use crate::*;
use frame_support::{
    parameter_types,
    traits::{
        ConstU32, Contains, EitherOf, Get, OnUnbalanced,
        fungible::{Balanced, Credit},
        tokens::{UnityAssetBalanceConversion, pay::PayFromAccount},
    },
    weights::Weight,
};
use frame_system::EnsureRoot;
use pallet_governance::{
    EnsureCanceller, EnsureKiller, EnsureProposer, EnsureSpender, EnsureTreasurer,
    EnsureWhitelisted, Hours, Origin,
    tracks::{PLANS, Speaks, TrackId, Tracks},
    votes::{ConvictionVotes, VotingCurrency},
};
use primitives::units::PHA;

pub use pallet_governance::{EnsureAttestation, EnsureClusters, EnsureEconomy, EnsureGatekeepers};

/// Who knows what delegations to pools are worth.
pub type VotingShares = PhalaStakePoolv2;
use sp_runtime::{
    Perbill, Percent, Permill,
    traits::{IdentityLookup, Verify},
};

/// The technical committee, as an instance of the collective pallet.
pub type TechnicalCollective = pallet_collective::Instance1;

/// Two thirds of the technical committee.
pub type CommitteeTwoThirds =
    pallet_collective::EnsureProportionAtLeast<AccountId, TechnicalCollective, 2, 3>;
/// More than half of the technical committee.
pub type CommitteeHalf =
    pallet_collective::EnsureProportionMoreThan<AccountId, TechnicalCollective, 1, 2>;
/// Who may take a right away at once: the vote on attestation, or more than half of the committee. None of
/// them can give one so.
pub type EnsureRestricts = EitherOf<EnsureAttestation, CommitteeHalf>;

parameter_types! {
    /// Nothing is burnt.
    pub const TreasuryBurn: Permill = Permill::zero();
    /// Deposit for a bounty.
    pub const BountyDeposit: Balance = 10 * PHA;
    /// Least bounty.
    pub const BountyMin: Balance = 10 * PHA;
    /// What curators put down, of their fee.
    pub const CuratorPart: Permill = Permill::from_percent(50);
    /// At most.
    pub const CuratorMax: Option<Balance> = Some(10_000 * PHA);
    /// At least.
    pub const CuratorMin: Option<Balance> = Some(10 * PHA);
    /// Deposit for a byte of a reason.
    pub const ReasonByteDeposit: Balance = PHA / 100;
    /// Deposit for a reported tip.
    pub const TipDeposit: Balance = PHA;
    /// What who reports a tip gets of it.
    pub const TipFinders: Percent = Percent::from_percent(10);
    /// Most of a tip.
    pub const TipMax: Balance = 10_000 * PHA;
    /// Deposit for a referendum's submission; it comes back.
    pub const SubmissionDeposit: Balance = 100 * PHA;
    /// Voting power that it takes to submit one, alone or with what others delegate.
    pub const ProposerMin: Balance = 1_000 * PHA;
    /// How heavy a motion of the committee may be.
    pub MotionWeightMax: Weight = Perbill::from_percent(50) * RuntimeBlockWeights::get().max_block;
    /// Deposit for an identity.
    pub const IdentityDeposit: Balance = deposit(1, 258);
    /// Deposit for each byte of it.
    pub const IdentityByteDeposit: Balance = deposit(0, 1);
    /// Deposit for a sub-account's name.
    pub const SubAccountDeposit: Balance = deposit(1, 53);
    /// Deposit for an authority's names.
    pub const UsernameDeposit: Balance = deposit(0, 32);
    /// The numbers of all tracks.
    pub TrackIds: alloc::vec::Vec<TrackId> = PLANS.iter().map(|plan| plan.id).collect();
}

impl pallet_governance::Config for Runtime {}

/// What is paid for calls goes to the treasury.
pub struct FeesToTreasury;

impl OnUnbalanced<Credit<AccountId, Balances>> for FeesToTreasury {
    fn on_nonzero_unbalanced(fee: Credit<AccountId, Balances>) {
        // The account exists from genesis on; where it would not, the fee is burnt as before.
        let _ = <Balances as Balanced<AccountId>>::resolve(&Treasury::account_id(), fee);
    }
}

impl Speaks for OriginCaller {
    fn speaks_for(&self) -> Option<Option<Origin>> {
        match self {
            Self::system(frame_system::RawOrigin::Root) => Some(None),
            Self::GovernanceOrigins(origin) => Some(Some(*origin)),
            _ => None,
        }
    }
}

/// What votes are counted and locked in.
pub type Votes = VotingCurrency<Balances, VotingShares, ConvictionVotes<Runtime, TrackIds>>;

impl pallet_conviction_voting::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_conviction_voting::weights::SubstrateWeight<Runtime>;
    type Currency = Votes;
    type Polls = Referenda;
    type MaxTurnout = frame_support::traits::tokens::currency::ActiveIssuanceOf<Balances, AccountId>;
    type MaxVotes = ConstU32<512>;
    // As long as the longest notice: who carries a vote lives with it.
    type VoteLockingPeriod = Hours<Runtime, { 7 * 24 }>;
    type BlockNumberProvider = System;
    type VotingHooks = ();
}

impl pallet_referenda::Config for Runtime {
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_referenda::weights::SubstrateWeight<Runtime>;
    type Scheduler = Scheduler;
    type Currency = Balances;
    type SubmitOrigin =
        EnsureProposer<VotingShares, ConvictionVotes<Runtime, TrackIds>, ProposerMin>;
    type CancelOrigin = EitherOf<EnsureCanceller, CommitteeTwoThirds>;
    type KillOrigin = EnsureKiller;
    type Slash = Treasury;
    type Votes = Balance;
    type Tally = pallet_conviction_voting::TallyOf<Runtime>;
    type SubmissionDeposit = SubmissionDeposit;
    type MaxQueued = ConstU32<100>;
    type UndecidingTimeout = Hours<Runtime, { 14 * 24 }>;
    type AlarmInterval = ConstU32<1>;
    type Tracks = Tracks<Runtime, OriginCaller>;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}

impl pallet_whitelist::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WhitelistOrigin = CommitteeTwoThirds;
    type DispatchWhitelistedOrigin = EnsureWhitelisted;
    type Preimages = Preimage;
    type DeferredDispatchExpiration = Hours<Runtime, { 7 * 24 }>;
    type BlockNumberProvider = System;
    type WeightInfo = pallet_whitelist::weights::SubstrateWeight<Runtime>;
}

impl pallet_collective::Config<TechnicalCollective> for Runtime {
    type RuntimeOrigin = RuntimeOrigin;
    type Proposal = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type MotionDuration = Hours<Runtime, { 3 * 24 }>;
    type MaxProposals = ConstU32<20>;
    type MaxMembers = ConstU32<21>;
    type DefaultVote = pallet_collective::PrimeDefaultVote;
    type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
    type SetMembersOrigin = EnsureRoot<AccountId>;
    type MaxProposalWeight = MotionWeightMax;
    type DisapproveOrigin = EnsureRoot<AccountId>;
    type KillOrigin = EnsureRoot<AccountId>;
    type Consideration = ();
}

impl pallet_treasury::Config for Runtime {
    type Currency = Balances;
    type RejectOrigin = EitherOf<EnsureTreasurer, CommitteeTwoThirds>;
    type RuntimeEvent = RuntimeEvent;
    type SpendPeriod = Hours<Runtime, 24>;
    type Burn = TreasuryBurn;
    type PalletId = TreasuryPalletId;
    type BurnDestination = ();
    type WeightInfo = pallet_treasury::weights::SubstrateWeight<Runtime>;
    type SpendFunds = Bounties;
    type MaxApprovals = ConstU32<100>;
    type SpendOrigin = EnsureSpender<RuntimeOrigin>;
    type AssetKind = ();
    type Beneficiary = AccountId;
    type BeneficiaryLookup = IdentityLookup<AccountId>;
    type Paymaster = PayFromAccount<Balances, TreasuryAccount>;
    type BalanceConverter = UnityAssetBalanceConversion;
    type PayoutPeriod = Hours<Runtime, { 30 * 24 }>;
    type BlockNumberProvider = System;
}

impl pallet_bounties::Config for Runtime {
    type BountyDepositBase = BountyDeposit;
    type BountyDepositPayoutDelay = Hours<Runtime, { 4 * 24 }>;
    type BountyUpdatePeriod = Hours<Runtime, { 90 * 24 }>;
    type CuratorDepositMultiplier = CuratorPart;
    type CuratorDepositMax = CuratorMax;
    type CuratorDepositMin = CuratorMin;
    type BountyValueMinimum = BountyMin;
    type DataDepositPerByte = ReasonByteDeposit;
    type RuntimeEvent = RuntimeEvent;
    type MaximumReasonLength = ConstU32<1024>;
    type WeightInfo = pallet_bounties::weights::SubstrateWeight<Runtime>;
    type ChildBountyManager = ();
    type OnSlash = Treasury;
    type TransferAllAssets = pallet_bounties::TransferFungible<AccountId, Balances>;
}

impl pallet_tips::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type MaximumReasonLength = ConstU32<1024>;
    type DataDepositPerByte = ReasonByteDeposit;
    type TipCountdown = Hours<Runtime, 24>;
    type TipFindersFee = TipFinders;
    type TipReportDepositBase = TipDeposit;
    type MaxTipAmount = TipMax;
    type Tippers = Tippers;
    type OnSlash = Treasury;
    type WeightInfo = pallet_tips::weights::SubstrateWeight<Runtime>;
}

/// The technical committee, as those who give tips.
pub struct Tippers;

impl frame_support::traits::SortedMembers<AccountId> for Tippers {
    fn sorted_members() -> alloc::vec::Vec<AccountId> {
        // The pallet keeps its members sorted.
        pallet_collective::Members::<Runtime, TechnicalCollective>::get()
    }
}

impl frame_support::traits::ContainsLengthBound for Tippers {
    fn min_len() -> usize {
        0
    }

    fn max_len() -> usize {
        <<Runtime as pallet_collective::Config<TechnicalCollective>>::MaxMembers as Get<u32>>::get()
            as usize
    }
}

impl pallet_identity::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type BasicDeposit = IdentityDeposit;
    type ByteDeposit = IdentityByteDeposit;
    type UsernameDeposit = UsernameDeposit;
    type SubAccountDeposit = SubAccountDeposit;
    type MaxSubAccounts = ConstU32<100>;
    type IdentityInformation = pallet_identity::legacy::IdentityInfo<ConstU32<32>>;
    type MaxRegistrars = ConstU32<20>;
    type Slashed = Treasury;
    type ForceOrigin = EnsureRoot<AccountId>;
    type RegistrarOrigin = EnsureRoot<AccountId>;
    type OffchainSignature = Signature;
    type SigningPublicKey = <Signature as Verify>::Signer;
    type UsernameAuthorityOrigin = EnsureRoot<AccountId>;
    type PendingUsernameExpiration = Hours<Runtime, { 7 * 24 }>;
    type UsernameGracePeriod = Hours<Runtime, { 30 * 24 }>;
    type MaxSuffixLength = ConstU32<7>;
    type MaxUsernameLength = ConstU32<32>;
    type WeightInfo = pallet_identity::weights::SubstrateWeight<Runtime>;
}

impl pallet_tx_pause::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PauseOrigin = EitherOf<EnsureRoot<AccountId>, CommitteeTwoThirds>;
    // A pause ends by vote or by the committee that made it.
    type UnpauseOrigin = EitherOf<EnsureRoot<AccountId>, CommitteeTwoThirds>;
    type WhitelistedCalls = NeverPaused;
    type MaxNameLen = ConstU32<256>;
    type WeightInfo = pallet_tx_pause::weights::SubstrateWeight<Runtime>;
}

/// Calls that no emergency stops: votes, and everything by which people leave with what is theirs.
pub struct NeverPaused;

/// Pallets of which nothing is ever paused.
const NEVER_PAUSED: [&str; 9] = [
    "System",
    "Timestamp",
    "ConvictionVoting",
    "Referenda",
    "Preimage",
    "Scheduler",
    "TechnicalCommittee",
    "TxPause",
    "PhalaMq",
];
/// Single calls that are never paused.
const EXITS: [(&str, &str); 4] = [
    ("PhalaPhatTokenomic", "adjust_stake"),
    ("PhalaStakePoolv2", "withdraw"),
    ("PhalaRegistry", "register_worker_v2"),
    ("PhalaRegistry", "disallow_measurement"),
];

impl Contains<pallet_tx_pause::RuntimeCallNameOf<Runtime>> for NeverPaused {
    fn contains((pallet, call): &pallet_tx_pause::RuntimeCallNameOf<Runtime>) -> bool {
        let is = |name: &str, bytes: &[u8]| name.as_bytes() == bytes;
        NEVER_PAUSED.iter().any(|name| is(name, pallet))
            || EXITS.iter().any(|(of, name)| is(of, pallet) && is(name, call))
    }
}
