// Which pallets there are, and their numbers in calls, events and errors. A number is never reused.
// This is a part of `lib.rs`.

frame_support::construct_runtime!(
    pub enum Runtime {
        System: frame_system = 0,
        Slots: slots = 1,
        Timestamp: pallet_timestamp = 2,
        Aura: pallet_aura = 3,
        Session: pallet_session = 4,
        Grandpa: pallet_grandpa = 5,
        ValidatorSet: pallet_validator_set = 6,
        Balances: pallet_balances = 10,
        TransactionPayment: pallet_transaction_payment = 11,
        Sudo: pallet_sudo = 20,
        Utility: pallet_utility = 21,
        Multisig: pallet_multisig = 22,
        Proxy: pallet_proxy = 23,
        Preimage: pallet_preimage = 24,
        Scheduler: pallet_scheduler = 25,
        Treasury: pallet_treasury = 30,
        Bounties: pallet_bounties = 31,
        Tips: pallet_tips = 32,
        ConvictionVoting: pallet_conviction_voting = 33,
        Referenda: pallet_referenda = 34,
        Whitelist: pallet_whitelist = 35,
        TechnicalCommittee: pallet_collective::<Instance1> = 36,
        Identity: pallet_identity = 37,
        GovernanceOrigins: pallet_governance = 38,
        TxPause: pallet_tx_pause = 39,
        PhalaRegistry: pallet_worker_registry = 40,
        PhalaMq: pallet_mailbox = 41,
        PhalaPhatContracts: pallet_phat_contracts = 42,
        PhalaPhatTokenomic: pallet_contract_stakes = 43,
        PhalaGatekeepers: pallet_gatekeepers = 44,
        PhalaComputation: pallet_computation = 45,
        PhalaStakePoolv2: pallet_stake_pools = 46,
        PhalaGatekeeperBonds: pallet_gatekeeper_bonds = 47,
    }
);

/// Makes a block's inherents, in format 4, which old clients can decode.
pub(crate) fn create_inherents(data: &sp_inherents::InherentData) -> Vec<UncheckedExtrinsic> {
    data.create_extrinsics()
        .into_iter()
        .map(|extrinsic| UncheckedExtrinsic::new_bare_legacy(extrinsic.function))
        .collect()
}

/// Checks a block's inherents.
pub(crate) fn check_inherents(
    block: &<Block as sp_runtime::traits::Block>::LazyBlock,
    data: &sp_inherents::InherentData,
) -> sp_inherents::CheckInherentsResult {
    data.check_extrinsics(block)
}
