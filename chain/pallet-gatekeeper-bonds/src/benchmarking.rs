//! What the functions of [`WeightInfo`] cost, measured.

use crate::*;
use alloc::vec::Vec;
use pallet_gatekeepers::{Misbehaviour, OffenceKind, OnMisbehaviour};
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::traits::fungible::Mutate,
    frame_system::{Pallet as System, RawOrigin},
    sp_core::Get,
    sp_runtime::AccountId32,
};
use primitives::{WorkerId, units::PHA};

/// What a runtime must do to be measured.
pub trait BenchmarkSetup: Config {
    /// Who the runtime takes for a vote.
    fn governance() -> Self::RuntimeOrigin;
    /// Registers a worker that is active, with an operator and evidence of the best tier.
    fn register(worker: &WorkerId, operator: &AccountId32);
}

fn worker(seed: u32) -> WorkerId {
    let mut id = [5; 32];
    id[..4].copy_from_slice(&seed.to_le_bytes());
    WorkerId(id)
}

fn operator(seed: u32) -> AccountId32 {
    account("operator", seed, 0)
}

fn ready<T: BenchmarkSetup>(seed: u32) -> AccountId32 {
    let owner = operator(seed);
    T::Currency::set_balance(&owner, 10_000_000 * PHA);
    T::Currency::set_balance(&T::Treasury::get(), PHA);
    T::register(&worker(seed), &owner);
    owner
}

fn bonded<T: BenchmarkSetup>(seed: u32) -> Result<AccountId32, BenchmarkError> {
    let owner = ready::<T>(seed);
    let amount = Settings::<T>::get().bond_min + PHA * u128::from(seed);
    Pallet::<T>::bond(RawOrigin::Signed(owner.clone()).into(), worker(seed), amount)?;
    Ok(owner)
}

fn tell<T: Config>(seed: u32, kind: OffenceKind) {
    Pallet::<T>::on_misbehaviour(&Misbehaviour {
        holder: &worker(seed).0,
        kind,
        evidence: [0; 32],
        reporter: Some(&operator(0)),
    });
}

#[benchmarks(where T: BenchmarkSetup)]
mod measured {
    use super::*;

    #[benchmark]
    fn on_initialize(s: Linear<0, SLASHES_PER_BLOCK_MAX>) -> Result<(), BenchmarkError> {
        ready::<T>(0);
        for seed in 1..=s {
            bonded::<T>(seed)?;
            tell::<T>(seed, OffenceKind::Equivocation);
        }
        let now = Pallet::<T>::now().saturating_add(Settings::<T>::get().appeal_blocks);
        NextElection::<T>::put(u32::MAX);

        #[block]
        {
            Pallet::<T>::begin_block(now);
        }

        assert!(PendingSlashes::<T>::iter_keys().next().is_none());
        Ok(())
    }

    /// Half of those who could sit come, as many go, and all who sat are paid.
    #[benchmark]
    fn election(b: Linear<1, BONDS_MAX>) -> Result<(), BenchmarkError> {
        let settings = BondSettings {
            seats_max: 64,
            seats_min: 0,
            reward: PHA,
            ..Settings::<T>::get()
        };
        Settings::<T>::put(settings);
        T::Currency::set_balance(&Pallet::<T>::account_id(), 1_000 * PHA);
        for seed in 1..=b {
            bonded::<T>(seed)?;
        }
        NextElection::<T>::put(1);
        Pallet::<T>::begin_block(1);
        let leaving: Vec<WorkerId> = Elected::<T>::get().into_iter().step_by(2).collect();
        for gatekeeper in leaving {
            Bonds::<T>::mutate(gatekeeper, |bond| {
                if let Some(bond) = bond {
                    bond.leaving_since = Some(1);
                    bond.absences = 1;
                }
            });
        }
        NextElection::<T>::put(1);

        #[block]
        {
            Pallet::<T>::begin_block(2);
        }

        assert!(NextElection::<T>::get() > 2);
        Ok(())
    }

    #[benchmark]
    fn bond() {
        let owner = ready::<T>(1);
        let amount = Settings::<T>::get().bond_min;

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), worker(1), amount);

        assert!(Bonds::<T>::contains_key(worker(1)));
    }

    #[benchmark]
    fn bond_extra() -> Result<(), BenchmarkError> {
        let owner = bonded::<T>(1)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), worker(1), PHA);

        Ok(())
    }

    #[benchmark]
    fn leave() -> Result<(), BenchmarkError> {
        let owner = bonded::<T>(1)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), worker(1));

        Ok(())
    }

    #[benchmark]
    fn withdraw_bond() -> Result<(), BenchmarkError> {
        let owner = bonded::<T>(1)?;
        Pallet::<T>::leave(RawOrigin::Signed(owner.clone()).into(), worker(1))?;
        let free_at = Pallet::<T>::now().saturating_add(Settings::<T>::get().unbonding_blocks);
        System::<T>::set_block_number(free_at.into());

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), worker(1));

        assert!(!Bonds::<T>::contains_key(worker(1)));
        Ok(())
    }

    #[benchmark]
    fn set_settings() {
        let origin = T::governance();
        let settings = BondSettings::default();

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, settings);
    }

    #[benchmark]
    fn cancel_slash() -> Result<(), BenchmarkError> {
        bonded::<T>(1)?;
        tell::<T>(1, OffenceKind::Equivocation);
        let origin = T::governance();

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, 0);

        assert!(PendingSlashes::<T>::iter_keys().next().is_none());
        Ok(())
    }

    #[benchmark]
    fn absence() -> Result<(), BenchmarkError> {
        bonded::<T>(1)?;
        Bonds::<T>::mutate(worker(1), |bond| {
            if let Some(bond) = bond {
                bond.absences = u32::MAX - 1;
            }
        });

        #[block]
        {
            tell::<T>(1, OffenceKind::NoBeacon);
        }

        assert!(Bonds::<T>::get(worker(1)).is_some_and(|bond| bond.absences == u32::MAX));
        Ok(())
    }

    /// Of who has a seat, among as many as there may be.
    #[benchmark]
    fn fault() -> Result<(), BenchmarkError> {
        let settings = BondSettings {
            seats_max: 64,
            seats_min: 0,
            ..Settings::<T>::get()
        };
        Settings::<T>::put(settings);
        for seed in 1..=64 {
            bonded::<T>(seed)?;
        }
        NextElection::<T>::put(1);
        Pallet::<T>::begin_block(1);

        #[block]
        {
            tell::<T>(32, OffenceKind::WrongShare);
        }

        assert!(!Elected::<T>::get().contains(&worker(32)));
        Ok(())
    }
}
