//! The economy: what workers earn and lose, and the pools behind them.

use crate::*;
use economics::{Fault, Parameters, Schedule};
use frame_support::{PalletId, parameter_types, traits::Get, weights::Weight};
use pallet_computation::WeightInfo as _;
use pallet_gatekeepers::{FreshBeacon, Misbehaviour, OffenceKind, OnMisbehaviour};
use pallet_phat_contracts::{OnDivergence, Suspension};
use primitives::{ClusterId, WorkerId, units::PHA};
use sp_runtime::traits::AccountIdConversion;

parameter_types! {
    /// Whose account the treasury is; the stock pallet's, so that a vote spends from the same.
    pub const TreasuryPalletId: PalletId = PalletId(*b"py/trsry");
    /// The treasury: a part of every payment, and what is slashed.
    pub TreasuryAccount: AccountId = TreasuryPalletId::get().into_account_truncating();
    /// Whose account the subsidy pool is, which every payment to workers comes from.
    pub const SubsidyPalletId: PalletId = PalletId(*b"phala/pp");
    /// What the accounts of pools are derived from.
    pub const PoolsPalletId: PalletId = PalletId(*b"phala/bp");
    /// Whose account gatekeepers are paid from.
    pub const BondsPalletId: PalletId = PalletId(*b"phala/gk");
    /// Most heartbeat challenges of a block; a vote sets how many of them are made.
    pub const ChallengesMax: u32 = 64;
    /// For how many blocks a value of the gatekeepers' beacon is what challenges are drawn with.
    pub const BeaconAgeMax: BlockNumber = 256;
    /// Least contribution to a pool, and least request to leave it.
    pub const ContributionMin: Balance = PHA / 100;
    /// Requests in a pool's queue, but for those of a thousandth of the pool.
    pub const PoolQueueMax: u32 = 10_000;
}

/// The main network's parameters in blocks of this chain's length, until a vote sets others.
pub struct MiningParameters;

impl Get<Parameters> for MiningParameters {
    fn get() -> Parameters {
        Parameters::MAIN.at_block_time(Slots::get())
    }
}

/// The main network's budget, likewise.
pub struct MiningBudget;

impl Get<Schedule> for MiningBudget {
    fn get() -> Schedule {
        Schedule::MAIN.at_block_time(Slots::get())
    }
}

impl pallet_computation::Config for Runtime {
    type Currency = Balances;
    type Workers = PhalaRegistry;
    type Clusters = PhalaPhatContracts;
    type Pools = PhalaStakePoolv2;
    type Randomness = FreshBeacon<Runtime, BeaconAgeMax>;
    type UnixTime = Timestamp;
    type GovernanceOrigin = EnsureEconomy;
    type Treasury = TreasuryAccount;
    type DefaultParameters = MiningParameters;
    type DefaultSchedule = MiningBudget;
    type WeightInfo = pallet_computation::weights::HandWeight<Runtime>;
    type PalletId = SubsidyPalletId;
    type ChallengesMax = ChallengesMax;
}

impl pallet_stake_pools::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Sessions = PhalaComputation;
    type UnixTime = Timestamp;
    type GovernanceOrigin = EnsureEconomy;
    type PalletId = PoolsPalletId;
    type Treasury = TreasuryAccount;
    type ContributionMin = ContributionMin;
    type QueueMax = PoolQueueMax;
    type WeightInfo = pallet_stake_pools::weights::Estimated<Runtime>;
}

impl pallet_gatekeeper_bonds::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Workers = PhalaRegistry;
    type GovernanceOrigin = EnsureGatekeepers;
    type Treasury = TreasuryAccount;
    type WeightInfo = pallet_gatekeeper_bonds::weights::HandWeight<Runtime>;
    type PalletId = BondsPalletId;
}

/// What sessions cost.
pub type SessionWeights = <Runtime as pallet_computation::Config>::WeightInfo;

/// Faults that other pallets judge cost stake.
pub struct SlashFaults;

impl SlashFaults {
    /// Who mines for nobody has nothing at stake, and who is to lose all has as many slashes waiting as there may
    /// be: then there is nothing more to take.
    fn report(worker: &WorkerId, fault: Fault, reporter: Option<&AccountId>) {
        let _nothing_more = PhalaComputation::report_fault(worker, fault, reporter.cloned());
    }
}

impl OnDivergence for SlashFaults {
    fn on_divergence(_: &ClusterId, worker: &WorkerId, _: &Suspension) {
        Self::report(worker, Fault::Grave, None);
    }

    fn weight() -> Weight {
        SessionWeights::report_slash()
    }
}

impl OnMisbehaviour for SlashFaults {
    fn on_misbehaviour(said: &Misbehaviour<'_>) {
        if said.kind.is_proven() {
            Self::report(&WorkerId(*said.holder), Fault::Malicious, said.reporter);
        }
    }

    fn weight(kind: OffenceKind) -> Weight {
        if kind.is_proven() {
            SessionWeights::report_slash()
        } else {
            Weight::zero()
        }
    }
}
