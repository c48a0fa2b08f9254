//! What the functions of [`WeightInfo`] cost, measured. The runtime's pools, balances and registry are
//! measured with them; `BenchmarkSetup` makes a worker that they accept.

use crate::*;
use economics::Fault;
use mining_api::Sessions as Api;
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::{
        storage::unhashed::clear_prefix,
        traits::{PalletInfoAccess, fungible::Mutate},
    },
    frame_system::{Pallet as System, RawOrigin, pallet_prelude::BlockNumberFor},
    sp_core::Get,
    sp_io::hashing::twox_128,
    sp_runtime::AccountId32,
};
use primitives::{Balance, WorkerId, units::PHA};

/// What a runtime must do to be measured.
pub trait BenchmarkSetup: Config {
    /// Who the runtime takes for a vote.
    fn governance() -> Self::RuntimeOrigin;
    /// Registers a worker that is active, with an operator.
    fn register(worker: &WorkerId, operator: &AccountId32);
    /// Makes the session's pool, with this much at stake and an account for rewards.
    fn fund(session: &AccountId32, stake: Balance);
}

fn id(seed: u32, kind: u8) -> [u8; 32] {
    let mut bytes = [kind; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    bytes
}

fn worker(seed: u32) -> WorkerId {
    WorkerId(id(seed, 1))
}

fn session(seed: u32) -> AccountId32 {
    id(seed, 2).into()
}

fn operator() -> AccountId32 {
    id(0, 3).into()
}

/// A stake between the least and the most for a score of 1000 in all published sets.
const STAKE: Balance = 5_000 * PHA;

fn registered<T: BenchmarkSetup>(seed: u32) {
    T::register(&worker(seed), &operator());
    let benchmark = crate::Benchmark {
        score: 1_000,
        measured_at_ms: Pallet::<T>::now_ms(),
        iterations: 10_000,
    };
    Benchmarks::<T>::insert(worker(seed), benchmark);
}

fn bound<T: BenchmarkSetup>(seed: u32) -> Result<(), BenchmarkError> {
    registered::<T>(seed);
    <Pallet<T> as Api<_>>::bind(&session(seed), &worker(seed))?;
    Ok(())
}

fn started<T: BenchmarkSetup>(seed: u32) -> Result<(), BenchmarkError> {
    bound::<T>(seed)?;
    T::fund(&session(seed), STAKE);
    <Pallet<T> as Api<_>>::start(&session(seed), STAKE)?;
    Ok(())
}

/// Begins at block 1 with nothing, since a run may find what the one before it left.
fn forget_all<T: Config>() {
    System::<T>::set_block_number(1u32.into());
    let prefix = twox_128(<Pallet<T> as PalletInfoAccess>::name().as_bytes());
    let _ = clear_prefix(&prefix, None, None);
}

/// Goes on by so many blocks, without their hooks.
fn pass<T: Config>(blocks: u32) {
    let next = System::<T>::block_number() + BlockNumberFor::<T>::from(blocks);
    System::<T>::set_block_number(next);
}

fn subsidy<T: Config>() -> Result<(), BenchmarkError> {
    T::Currency::mint_into(&Pallet::<T>::account_id(), 1_000_000_000 * PHA)?;
    Ok(())
}

fn answer<T: Config>(seed: u32) -> Result<wire::message::MessagePayload, BenchmarkError> {
    let pending = PendingChallenges::<T>::get(session(seed))
        .ok_or(BenchmarkError::Stop("nobody was challenged"))?;
    Ok(wire::message::MessagePayload::Heartbeat {
        session: primitives::AccountId(session(seed).into()),
        challenge_block: pending.block,
        nonce: pending.nonce,
        iterations: 1,
        contract_running: true,
    })
}

#[benchmarks(where T: BenchmarkSetup)]
mod measured {
    use super::*;

    #[benchmark]
    fn on_initialize(
        c: Linear<0, { T::ChallengesMax::get() }>,
        e: Linear<0, { EXPIRED_BUCKETS_PER_BLOCK_MAX * T::ChallengesMax::get() }>,
        s: Linear<0, SLASHES_PER_BLOCK_MAX>,
    ) -> Result<(), BenchmarkError> {
        forget_all::<T>();
        subsidy::<T>()?;
        HeartbeatPaused::<T>::put(false);
        let rules = SlashPolicy {
            appeal_blocks: 1,
            ..SlashRules::<T>::get()
        };
        SlashRules::<T>::put(rules);
        // The late ones are challenged by hand, in the two blocks that come up together.
        for seed in 0..e {
            started::<T>(seed)?;
        }
        let block = Pallet::<T>::block();
        for seed in 0..e {
            PendingChallenges::<T>::remove(session(seed));
        }
        for chunk in 0..EXPIRED_BUCKETS_PER_BLOCK_MAX {
            let most = T::ChallengesMax::get();
            let late = (chunk * most..((chunk + 1) * most).min(e))
                .map(|seed| (session(seed), id(seed, 4)));
            Pallet::<T>::challenge(block, late);
        }
        let window = TokenomicParameters::<T>::get().heartbeat_window;
        for seed in 0..s {
            started::<T>(1_000 + seed)?;
            Pallet::<T>::report_fault(&worker(1_000 + seed), Fault::Malicious, Some(operator()))?;
        }
        // As many on line as make the parameters want so many challenges.
        let parameters = economics::Parameters {
            challenges: c.max(1),
            blocks_per_hour: 1,
            ..TokenomicParameters::<T>::get()
        };
        TokenomicParameters::<T>::put(parameters);
        for seed in 0..c {
            started::<T>(2_000 + seed)?;
        }
        pass::<T>(window + 1);

        #[block]
        {
            Pallet::<T>::begin_block(Pallet::<T>::block());
        }

        assert!(SlashQueue::<T>::get().is_empty());
        Ok(())
    }

    #[benchmark]
    fn heartbeat() -> Result<(), BenchmarkError> {
        subsidy::<T>()?;
        for seed in 0..8 {
            started::<T>(seed)?;
        }
        pass::<T>(1_000);
        Pallet::<T>::do_force_challenge(&session(3))?;
        let message = answer::<T>(3)?;

        #[block]
        {
            Pallet::<T>::check_message(&worker(3), &message)?;
            Pallet::<T>::handle_message(&worker(3), &message)?;
        }

        assert!(!PendingChallenges::<T>::contains_key(session(3)));
        Ok(())
    }

    #[benchmark]
    fn record_benchmark() -> Result<(), BenchmarkError> {
        let rules = BenchmarkPolicy {
            duration_ms_min: 1,
            ..BenchmarkRules::<T>::get()
        };
        BenchmarkRules::<T>::put(rules);
        let now = Pallet::<T>::now_ms();
        let message = wire::message::MessagePayload::Benchmark {
            started_at_ms: now.saturating_sub(60_000),
            ended_at_ms: now,
            iterations: 10_000,
        };

        #[block]
        {
            Pallet::<T>::handle_message(&worker(1), &message)?;
        }

        assert!(Benchmarks::<T>::contains_key(worker(1)));
        Ok(())
    }

    #[benchmark]
    fn unbind() -> Result<(), BenchmarkError> {
        for seed in 0..4 {
            started::<T>(seed)?;
        }
        pass::<T>(100);

        #[extrinsic_call]
        unbind(RawOrigin::Signed(operator()), session(1));

        assert!(!SessionBindings::<T>::contains_key(session(1)));
        Ok(())
    }

    #[benchmark]
    fn set_parameter() -> Result<(), BenchmarkError> {
        let origin = T::governance();
        let parameters = T::DefaultParameters::get();

        #[extrinsic_call]
        update_tokenomic(origin as T::RuntimeOrigin, parameters);

        assert!(ScheduledTokenomicUpdate::<T>::exists());
        Ok(())
    }

    #[benchmark]
    fn set_budget() -> Result<(), BenchmarkError> {
        started::<T>(1)?;
        pass::<T>(10_000_000);
        let origin = T::governance();
        let schedule = T::DefaultSchedule::get();

        #[extrinsic_call]
        set_schedule(origin as T::RuntimeOrigin, schedule);

        assert_eq!(Index::<T>::get().block(), Pallet::<T>::block());
        Ok(())
    }

    #[benchmark]
    fn report_slash() -> Result<(), BenchmarkError> {
        started::<T>(1)?;
        let origin = T::governance();

        #[extrinsic_call]
        report_slash(
            origin as T::RuntimeOrigin,
            worker(1),
            Fault::Grave,
            Some(operator()),
        );

        assert!(PendingSlashes::<T>::contains_key(0));
        Ok(())
    }

    #[benchmark]
    fn cancel_slash() -> Result<(), BenchmarkError> {
        started::<T>(1)?;
        Pallet::<T>::report_fault(&worker(1), Fault::Grave, None)?;
        let origin = T::governance();

        #[extrinsic_call]
        cancel_slash(origin as T::RuntimeOrigin, 0);

        assert!(!PendingSlashes::<T>::contains_key(0));
        Ok(())
    }

    #[benchmark]
    fn claim_owed() -> Result<(), BenchmarkError> {
        started::<T>(1)?;
        Owed::<T>::insert(session(1), PHA);
        OwedToTreasury::<T>::put(PHA);
        subsidy::<T>()?;

        #[extrinsic_call]
        claim_owed(RawOrigin::Signed(operator()), session(1));

        assert!(!Owed::<T>::contains_key(session(1)));
        Ok(())
    }

    #[benchmark]
    fn force_challenge() -> Result<(), BenchmarkError> {
        started::<T>(1)?;
        let origin = T::governance();

        #[extrinsic_call]
        force_challenge(origin as T::RuntimeOrigin, session(1));

        assert!(PendingChallenges::<T>::contains_key(session(1)));
        Ok(())
    }

    #[benchmark]
    fn bind() -> Result<(), BenchmarkError> {
        registered::<T>(1);

        #[block]
        {
            <Pallet<T> as Api<_>>::bind(&session(1), &worker(1))?;
        }

        assert!(Sessions::<T>::contains_key(session(1)));
        Ok(())
    }

    #[benchmark]
    fn start() -> Result<(), BenchmarkError> {
        bound::<T>(1)?;

        #[block]
        {
            <Pallet<T> as Api<_>>::start(&session(1), STAKE)?;
        }

        assert_eq!(OnlineWorkers::<T>::get(), 1);
        Ok(())
    }

    #[benchmark]
    fn stop() -> Result<(), BenchmarkError> {
        for seed in 0..4 {
            started::<T>(seed)?;
        }
        pass::<T>(1_000);

        #[block]
        {
            <Pallet<T> as Api<_>>::stop(&session(1))?;
        }

        assert_eq!(OnlineWorkers::<T>::get(), 3);
        Ok(())
    }

    #[benchmark]
    fn reclaim() -> Result<(), BenchmarkError> {
        started::<T>(1)?;
        <Pallet<T> as Api<_>>::stop(&session(1))?;
        CoolDownPeriod::<T>::put(0);

        #[block]
        {
            <Pallet<T> as Api<_>>::reclaim(&session(1))?;
        }

        assert_eq!(<Pallet<T> as Api<_>>::stake(&session(1)), 0);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(0), crate::mock::Test);
}
