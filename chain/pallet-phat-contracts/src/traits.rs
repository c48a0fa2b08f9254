//! What others may ask of contracts.

use crate::Suspension;
use polkadot_sdk::{frame_support::weights::Weight, sp_runtime::DispatchResult};
use primitives::{Balance, ClusterId, ContractId, WorkerId};

/// Which contracts there are, and a way to tell their clusters of stakes.
pub trait ContractClusters {
    /// The cluster of a contract that was instantiated on chain or has told its keys.
    fn cluster_of(contract: &ContractId) -> Option<ClusterId>;

    /// Tells a contract's cluster what is staked to it.
    ///
    /// # Errors
    /// No such contract, or the mailbox is full.
    fn push_stake(contract: &ContractId, stake: Balance) -> DispatchResult;
}

/// Hears of workers that differ from their cluster, once for each suspension: for those who slash.
pub trait OnDivergence {
    /// The worker is suspended, for this. Bounded work: up to a cluster's workers less one are told at once.
    fn on_divergence(cluster: &ClusterId, worker: &WorkerId, suspension: &Suspension);

    /// What hearing of one worker takes at most.
    fn weight() -> Weight;
}

/// Nothing but the suspension follows.
impl OnDivergence for () {
    fn on_divergence(_: &ClusterId, _: &WorkerId, _: &Suspension) {}

    fn weight() -> Weight {
        Weight::zero()
    }
}
