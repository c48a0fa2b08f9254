//! What others may ask of contracts.

use polkadot_sdk::sp_runtime::DispatchResult;
use primitives::{Balance, ClusterId, ContractId};

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
