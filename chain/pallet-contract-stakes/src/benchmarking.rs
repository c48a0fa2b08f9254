//! What the calls cost, measured.

use crate::*;
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::traits::fungible::Mutate,
    frame_system::RawOrigin,
    sp_core::{Get, H256},
    sp_runtime::AccountId32,
};
use primitives::{ContractId, units::PHA};

/// What a runtime must do to be measured.
pub trait BenchmarkSetup: Config {
    /// Makes a contract whose cluster prunes as much as it can when it is told something.
    fn contract() -> ContractId;
}

#[benchmarks(where T: BenchmarkSetup, T::Currency: Mutate<AccountId32>)]
mod measured {
    use super::*;

    #[benchmark]
    fn adjust_stake() -> Result<(), BenchmarkError> {
        let contract = H256(T::contract().0);
        let who: AccountId32 = account("staker", 0, 0);
        T::Currency::set_balance(&who, 1_000 * PHA);
        let least = T::StakeMin::get();
        Pallet::<T>::adjust_stake(RawOrigin::Signed(who.clone()).into(), contract, least)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who), contract, least + PHA);

        Ok(())
    }

    #[benchmark]
    fn sync() -> Result<(), BenchmarkError> {
        let contract = H256(T::contract().0);
        let who: AccountId32 = account("staker", 0, 0);
        T::Currency::set_balance(&who, 1_000 * PHA);
        let least = T::StakeMin::get();
        Pallet::<T>::adjust_stake(RawOrigin::Signed(who.clone()).into(), contract, least)?;
        UnsyncedContracts::<T>::insert(contract, ());

        #[extrinsic_call]
        _(RawOrigin::Signed(who), contract);

        assert!(!UnsyncedContracts::<T>::contains_key(contract));
        Ok(())
    }
}
